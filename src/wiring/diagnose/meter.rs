//! What a person finds with a meter, and how it looks in each order.
//!
//! Contract: pure. A [`Probe`] goes once over all contacts of the unknown side, unplugged from the other,
//! and is answered in one line. None of them puts more than a milliampere through anything.

use super::bench::Unknown;
use super::model::Name;

/// One thing to do with a meter, contact by contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Probe {
    /// Which contacts are joined to the machine's metal: its ground.
    Ground,
    /// The voltage of each contact against ground. At a till, tillbus switches RTS and DTR meanwhile.
    Volts,
    /// Each contact touched through a resistor, while tillbus watches its port.
    Touch,
}

/// What one contact shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shown {
    /// Joined to ground.
    Beeps,
    /// Not joined to ground.
    Silent,
    /// Below -2.5 V.
    Negative,
    /// About 0 V.
    Zero,
    /// Above 2.5 V, all the time.
    Positive,
    /// Up and down with RTS.
    Blinks,
    /// Up and down with DTR, half as fast.
    BlinksSlowly,
    /// The port shows that this input was touched.
    Answers(Name),
    /// The port shows nothing.
    Nothing,
}

impl Shown {
    /// A number of its own, to compare.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Beeps => 0,
            Self::Silent => 1,
            Self::Negative => 2,
            Self::Zero => 3,
            Self::Positive => 4,
            Self::Blinks => 5,
            Self::BlinksSlowly => 6,
            Self::Nothing => 7,
            Self::Answers(name) => 8 + name as u8,
        }
    }
}

impl Probe {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ground, Self::Volts, Self::Touch];

    /// The word for a program.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ground => "ground",
            Self::Volts => "volts",
            Self::Touch => "touch",
        }
    }

    /// How much trouble it is.
    #[must_use]
    pub const fn cost(self) -> f32 {
        match self {
            Self::Ground => 1.0,
            Self::Volts => 1.1,
            Self::Touch => 1.6,
        }
    }

    /// Whether it can be done at this side. A device's inputs tell nobody that they are touched.
    #[must_use]
    pub fn is_possible(self, unknown: Unknown) -> bool {
        self != Self::Touch || unknown == Unknown::Till
    }

    /// What to do, in words.
    #[must_use]
    pub const fn instruction(self, unknown: Unknown) -> &'static str {
        match (self, unknown) {
            (Self::Ground, Unknown::Till) => {
                "Unplug the cable. Set the meter to beep, hold one probe to bare metal of the till (a \
                 screw of a D connector, the shell of a USB socket) and touch each contact of the \
                 socket. Which contacts beep?"
            }
            (Self::Ground, Unknown::Device) => {
                "Unplug the cable and switch the device off. Set the meter to beep, hold one probe to \
                 the outside of the device's power plug and touch each contact of its connector. \
                 Which contacts beep?"
            }
            (Self::Volts, Unknown::Till) => {
                "Unplug the cable; the till stays on. Set the meter to 20 V DC, the black probe on \
                 ground, and touch each contact of the socket with the red one for three seconds. \
                 Type the voltages in the order of the contacts; b for one that goes up and down every \
                 second, s for one that does so every two seconds"
            }
            (Self::Volts, Unknown::Device) => {
                "Unplug the cable from the till; the device stays on, with its own power pack. Set the \
                 meter to 20 V DC, the black probe on ground, and touch each contact with the red one. \
                 Type the voltages in the order of the contacts"
            }
            (Self::Touch, _) => {
                "Unplug the cable; the till stays on. Join one end of a 1 kOhm resistor to a contact \
                 with a positive voltage, and touch each other contact of the socket with its other \
                 end for two seconds, in the order of the contacts. tillbus watches its port"
            }
        }
    }

    /// What a contact with this on it shows.
    #[must_use]
    pub fn shown(self, unknown: Unknown, name: Name) -> Shown {
        match (self, unknown) {
            (Self::Ground, _) if name == Name::Gnd => Shown::Beeps,
            (Self::Ground, _) => Shown::Silent,
            (Self::Volts, Unknown::Till) => match name {
                Name::Txd => Shown::Negative,
                Name::Supply => Shown::Positive,
                Name::Rts => Shown::Blinks,
                Name::Dtr => Shown::BlinksSlowly,
                _ => Shown::Zero,
            },
            (Self::Volts, Unknown::Device) => match name {
                Name::Rxd | Name::Ri => Shown::Negative,
                Name::Cts | Name::Dsr | Name::Dcd => Shown::Positive,
                _ => Shown::Zero,
            },
            (Self::Touch, _) if name.is_host_input() => Shown::Answers(name),
            (Self::Touch, _) => Shown::Nothing,
        }
    }

    /// What all contacts show.
    #[must_use]
    pub fn answer(self, unknown: Unknown, order: &[Name]) -> Vec<Shown> {
        order.iter().map(|name| self.shown(unknown, *name)).collect()
    }
}

/// Reads what a person types of a contact's voltage: `-8.1`, `0`, `5`, `b` for one that goes up and down
/// every second, `s` for one that does so every two.
#[must_use]
pub fn read(word: &str) -> Option<Shown> {
    match word {
        "b" => Some(Shown::Blinks),
        "s" => Some(Shown::BlinksSlowly),
        number => {
            let number = number.trim_end_matches(['V', 'v']).replace(',', ".");
            number.parse::<f32>().ok().filter(|volts| volts.is_finite()).and_then(of_volts)
        }
    }
}

/// A voltage as the meter shows it; nothing where it is neither a level nor about nought.
#[must_use]
pub fn of_volts(volts: f32) -> Option<Shown> {
    match volts {
        volts if volts <= -2.5 => Some(Shown::Negative),
        volts if volts >= 2.5 => Some(Shown::Positive),
        volts if volts.abs() <= 1.0 => Some(Shown::Zero),
        _ => None,
    }
}
