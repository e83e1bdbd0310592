//! What is on a contact: signals and whose names they are in, levels, supplies and draws.

use std::fmt;

/// Whose names the signals are in: a DCE receives on TXD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Data terminal equipment, as a computer is.
    Dte,
    /// Data communication equipment, as a modem is.
    Dce,
}

impl Role {
    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dte => "DTE",
            Self::Dce => "DCE",
        }
    }
}

/// The voltages on the data contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// RS-232: idle is negative, 3 to 15 V either way.
    Rs232,
    /// Logic level, idle is +5 V.
    Ttl5,
    /// Logic level, idle is +3.3 V.
    Ttl3,
    /// Logic level with RS-232's sense: idle is 0 V.
    TtlInverted,
    /// There is no serial line in this connector.
    None,
    /// The source does not say; in an untested profile only.
    Unknown,
}

impl Level {
    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rs232 => "rs232",
            Self::Ttl5 => "ttl-5v",
            Self::Ttl3 => "ttl-3v3",
            Self::TtlInverted => "ttl-inverted",
            Self::None => "none",
            Self::Unknown => "not said",
        }
    }
}

/// The signals of a serial line, and what else a contact can be without a voltage of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the RS-232 and USB standards")]
pub enum Signal {
    Txd,
    Rxd,
    Gnd,
    Rts,
    Cts,
    Dtr,
    Dsr,
    Dcd,
    Ri,
    UsbPlus,
    UsbMinus,
    /// The cable's screen.
    Shield,
    /// The source says that nothing is connected.
    NotConnected,
}

/// The words used in profiles.
pub const SIGNALS: [(&str, Signal); 13] = [
    ("TXD", Signal::Txd),
    ("RXD", Signal::Rxd),
    ("GND", Signal::Gnd),
    ("RTS", Signal::Rts),
    ("CTS", Signal::Cts),
    ("DTR", Signal::Dtr),
    ("DSR", Signal::Dsr),
    ("DCD", Signal::Dcd),
    ("RI", Signal::Ri),
    ("D+", Signal::UsbPlus),
    ("D-", Signal::UsbMinus),
    ("SHIELD", Signal::Shield),
    ("NC", Signal::NotConnected),
];

impl Signal {
    /// The word used in profiles.
    #[must_use]
    pub fn word(self) -> &'static str {
        SIGNALS.iter().find(|(_, signal)| *signal == self).map_or("", |(word, _)| word)
    }

    /// Whether it belongs to an asynchronous serial line.
    #[must_use]
    pub fn is_serial(self) -> bool {
        use Signal::{Cts, Dcd, Dsr, Dtr, Ri, Rts, Rxd, Txd};
        matches!(self, Txd | Rxd | Rts | Cts | Dtr | Dsr | Dcd | Ri)
    }
}

/// What a serial signal is for, whichever end names it.
///
/// An output of one end belongs to the input of the same line at the other: TXD to RXD, RTS to CTS,
/// DTR to DSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// Bytes.
    Data,
    /// "I can take bytes": RTS at its sender, CTS at its receiver.
    Request,
    /// "I am there": DTR at its sender, DSR at its receiver.
    Ready,
    /// DCD.
    Carrier,
    /// RI.
    Ring,
}

/// What a contact does electrically, as seen from its own device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// It drives a serial line.
    Out(Line),
    /// It listens to a serial line.
    In(Line),
    /// Signal ground or power ground.
    Ground,
    /// The screen.
    Shield,
    /// It feeds.
    Supply,
    /// It is fed, from a supply or from a modem line.
    Draw,
    /// One of the two data wires of USB.
    Usb(Signal),
    /// It belongs to something else.
    Other,
    /// Nothing is connected in the device.
    Open,
}

impl Duty {
    /// What a signal does on a device of this role.
    #[must_use]
    pub fn of(signal: Signal, role: Role) -> Self {
        let (line, is_output_of_dte) = match signal {
            Signal::Txd => (Line::Data, true),
            Signal::Rxd => (Line::Data, false),
            Signal::Rts => (Line::Request, true),
            Signal::Cts => (Line::Request, false),
            Signal::Dtr => (Line::Ready, true),
            Signal::Dsr => (Line::Ready, false),
            Signal::Dcd => (Line::Carrier, false),
            Signal::Ri => (Line::Ring, false),
            Signal::Gnd => return Self::Ground,
            Signal::Shield => return Self::Shield,
            Signal::NotConnected => return Self::Open,
            Signal::UsbPlus | Signal::UsbMinus => return Self::Usb(signal),
        };
        if is_output_of_dte == (role == Role::Dte) { Self::Out(line) } else { Self::In(line) }
    }

    /// Whether it is part of a serial line or of USB.
    #[must_use]
    pub const fn is_data(self) -> bool {
        matches!(self, Self::Out(_) | Self::In(_) | Self::Usb(_))
    }
}

/// A supply voltage against ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rail {
    /// In mV, never zero.
    pub millivolts: i32,
}

impl Rail {
    /// Reads `+5V`, `+3V3`, `-12V`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, number) = match text.split_at_checked(1)? {
            ("+", number) => (1, number),
            ("-", number) => (-1, number),
            _ => return None,
        };
        let (volts, tenths) = number.split_once('V')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(volts) || !digits(tenths) || tenths.len() > 1 {
            return None;
        }
        let volts: i32 = volts.parse().ok().filter(|volts| *volts <= 60)?;
        let tenths: i32 = if tenths.is_empty() { 0 } else { tenths.parse().ok()? };
        let millivolts = sign * (volts * 1000 + tenths * 100);
        (millivolts != 0).then_some(Self { millivolts })
    }
}

impl fmt::Display for Rail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, size) =
            (if self.millivolts < 0 { '-' } else { '+' }, self.millivolts.unsigned_abs());
        write!(formatter, "{sign}{}V", size / 1000)?;
        match size % 1000 / 100 {
            0 => Ok(()),
            tenths => write!(formatter, "{tenths}"),
        }
    }
}

/// What is on a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// A signal.
    Signal(Signal),
    /// The device feeds what is plugged in.
    Supply {
        /// The voltage.
        rail: Rail,
        /// The most it gives, in mA, where the source says.
        max_milliamperes: Option<u32>,
    },
    /// The device is fed from here.
    Draw {
        /// The voltage.
        rail: Rail,
        /// What it takes, in mA, where the source says.
        milliamperes: Option<u32>,
    },
    /// The device lives on a modem line that the other end drives.
    Tap {
        /// The line as the other end names it: DTR or RTS.
        line: Signal,
        /// What it takes, in mA, where the source says.
        milliamperes: Option<u32>,
    },
    /// Something that is no serial line, in the source's words: a drawer's drive, a light pen.
    Other {
        /// What the source calls it.
        name: String,
        /// The voltage on it, where the source says.
        rail: Option<Rail>,
    },
}

impl Pin {
    /// What it does on a device of this role.
    #[must_use]
    pub fn duty(&self, role: Role) -> Duty {
        match self {
            Self::Signal(signal) => Duty::of(*signal, role),
            Self::Supply { .. } => Duty::Supply,
            Self::Draw { .. } | Self::Tap { .. } => Duty::Draw,
            Self::Other { .. } => Duty::Other,
        }
    }
}

/// The name that a drawing shows.
impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => formatter.write_str(signal.word()),
            Self::Supply { rail, .. } | Self::Draw { rail, .. } => rail.fmt(formatter),
            Self::Tap { line, .. } => write!(formatter, "power from {}", line.word()),
            Self::Other { name, rail: None } => formatter.write_str(name),
            Self::Other { name, rail: Some(rail) } => write!(formatter, "{name} {rail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dce_receives_on_txd() {
        for (signal, line) in
            [(Signal::Txd, Line::Data), (Signal::Rts, Line::Request), (Signal::Dtr, Line::Ready)]
        {
            assert_eq!(Duty::of(signal, Role::Dte), Duty::Out(line));
            assert_eq!(Duty::of(signal, Role::Dce), Duty::In(line));
        }
        for (signal, line) in [
            (Signal::Rxd, Line::Data),
            (Signal::Cts, Line::Request),
            (Signal::Dsr, Line::Ready),
            (Signal::Dcd, Line::Carrier),
            (Signal::Ri, Line::Ring),
        ] {
            assert_eq!(Duty::of(signal, Role::Dte), Duty::In(line));
            assert_eq!(Duty::of(signal, Role::Dce), Duty::Out(line));
        }
        for role in [Role::Dte, Role::Dce] {
            assert_eq!(Duty::of(Signal::Gnd, role), Duty::Ground);
            assert_eq!(Duty::of(Signal::UsbPlus, role), Duty::Usb(Signal::UsbPlus));
        }
    }

    #[test]
    fn voltages_are_written_as_they_are_read() {
        for (text, millivolts) in
            [("+5V", 5000), ("+3V3", 3300), ("-12V", -12_000), ("-0V5", -500), ("+24V", 24_000)]
        {
            let rail = Rail::parse(text).unwrap();
            assert_eq!((rail.millivolts, rail.to_string().as_str()), (millivolts, text));
        }
        for text in ["", "5V", "+V", "+0V", "+61V", "+5V33", "+5", "+-5V", "ü5V", "+5V "] {
            assert_eq!(Rail::parse(text), None, "{text:?}");
        }
    }
}
