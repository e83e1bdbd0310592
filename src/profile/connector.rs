//! A device's socket as its profile tells it: plain data, contact by contact.
//!
//! Contract: what is said here is what the source says. Whether a cable between two such sockets can
//! work is not judged here.

use std::collections::BTreeMap;

use super::errors::Errors;
use super::{Status, required, required_word, text};
use crate::settings::{Entry, EntryValue, Error, Section, suggest};

/// A socket or plug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// Its shape.
    pub shape: Shape,
    /// Pins or holes, on shapes that come as both.
    pub gender: Option<Gender>,
    /// From where the source counts; absent only in an untested profile.
    pub view: Option<String>,
    /// How the source numbers the contacts; absent only in an untested profile.
    pub counting: Option<Counting>,
    /// Whose names the signals are in.
    pub role: Role,
    /// The voltages on its data contacts.
    pub level: Level,
    /// What is on each contact, by its number in the source's counting.
    pub pins: BTreeMap<u8, Pin>,
}

/// The shapes of connectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// RJ9, 4 positions, 4 contacts: telephone handsets.
    Rj9,
    /// RJ11, 6 positions, the middle 4 fitted.
    Rj11,
    /// RJ12, 6 positions, 6 contacts.
    Rj12,
    /// RJ45, 8 positions, 8 contacts.
    Rj45,
    /// RJ50, 10 positions, 10 contacts.
    Rj50,
    /// D-subminiature, 9 contacts.
    De9,
    /// D-subminiature, 15 contacts in two rows.
    Da15,
    /// D-subminiature, 25 contacts.
    Db25,
    /// Mini-DIN with this many contacts, 3 to 9.
    MiniDin(u8),
    /// Wires without a connector, numbered as the source lists them.
    BareWires,
}

const SHAPES: [(&str, Shape); 16] = [
    ("RJ9-4P4C", Shape::Rj9),
    ("RJ11-6P4C", Shape::Rj11),
    ("RJ12-6P6C", Shape::Rj12),
    ("RJ45-8P8C", Shape::Rj45),
    ("RJ50-10P10C", Shape::Rj50),
    ("DE9", Shape::De9),
    ("DA15", Shape::Da15),
    ("DB25", Shape::Db25),
    ("mini-DIN-3", Shape::MiniDin(3)),
    ("mini-DIN-4", Shape::MiniDin(4)),
    ("mini-DIN-5", Shape::MiniDin(5)),
    ("mini-DIN-6", Shape::MiniDin(6)),
    ("mini-DIN-7", Shape::MiniDin(7)),
    ("mini-DIN-8", Shape::MiniDin(8)),
    ("mini-DIN-9", Shape::MiniDin(9)),
    ("bare-wires", Shape::BareWires),
];

/// More wires than any till's cable has.
const MOST_WIRES: u8 = 64;

impl Shape {
    /// The word used in profiles.
    #[must_use]
    pub fn word(self) -> &'static str {
        SHAPES.iter().find(|(_, shape)| *shape == self).map_or("", |(word, _)| word)
    }

    /// How many positions it has, fitted or not.
    #[must_use]
    pub fn positions(self) -> u8 {
        match self {
            Self::Rj9 => 4,
            Self::Rj11 | Self::Rj12 => 6,
            Self::Rj45 => 8,
            Self::De9 => 9,
            Self::Rj50 => 10,
            Self::Da15 => 15,
            Self::Db25 => 25,
            Self::MiniDin(contacts) => contacts,
            Self::BareWires => MOST_WIRES,
        }
    }

    /// Whether it comes as pins and as holes, so that a profile has to say which.
    #[must_use]
    pub fn has_gender(self) -> bool {
        matches!(self, Self::De9 | Self::Da15 | Self::Db25 | Self::MiniDin(_))
    }

    /// The ways in which its contacts are numbered, as first and last number.
    fn countings(self) -> Vec<Counting> {
        let whole = Counting { first: 1, last: self.positions() };
        match self {
            Self::Rj11 => {
                vec![Counting { first: 1, last: 4 }, Counting { first: 2, last: 5 }, whole]
            }
            Self::BareWires => (1..=MOST_WIRES).map(|last| Counting { first: 1, last }).collect(),
            _ => vec![whole],
        }
    }

    /// The numbers that its contacts have in a counting. RJ11 counted 1-6 numbers the positions, of
    /// which the outer two have no contact.
    #[must_use]
    pub fn contacts(self, counting: Option<Counting>) -> Counting {
        match (self, counting) {
            (Self::Rj11, Some(Counting { first: 1, last: 6 })) => Counting { first: 2, last: 5 },
            (_, Some(counting)) => counting,
            (_, None) => Counting { first: 1, last: self.positions() },
        }
    }
}

/// Pins or holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// Pins.
    Male,
    /// Holes.
    Female,
}

const GENDERS: [(&str, Gender); 2] = [("male", Gender::Male), ("female", Gender::Female)];

/// The numbers of the first and the last contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The first.
    pub first: u8,
    /// The last.
    pub last: u8,
}

impl std::fmt::Display for Counting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

/// Whose names the signals are in: a DCE receives on TXD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Data terminal equipment, as a computer is.
    Dte,
    /// Data communication equipment, as a modem is.
    Dce,
}

const ROLES: [(&str, Role); 2] = [("DTE", Role::Dte), ("DCE", Role::Dce)];

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
}

const LEVELS: [(&str, Level); 4] = [
    ("rs232", Level::Rs232),
    ("ttl-5v", Level::Ttl5),
    ("ttl-3v3", Level::Ttl3),
    ("ttl-inverted", Level::TtlInverted),
];

/// What is on a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// The signals of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the RS-232 standard")]
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
    /// The cable's screen.
    Shield,
    /// The source says that nothing is connected.
    NotConnected,
}

const SIGNALS: [(&str, Signal); 11] = [
    ("TXD", Signal::Txd),
    ("RXD", Signal::Rxd),
    ("GND", Signal::Gnd),
    ("RTS", Signal::Rts),
    ("CTS", Signal::Cts),
    ("DTR", Signal::Dtr),
    ("DSR", Signal::Dsr),
    ("DCD", Signal::Dcd),
    ("RI", Signal::Ri),
    ("SHIELD", Signal::Shield),
    ("NC", Signal::NotConnected),
];

impl Signal {
    /// The word used in profiles.
    #[must_use]
    pub fn word(self) -> &'static str {
        SIGNALS.iter().find(|(_, signal)| *signal == self).map_or("", |(word, _)| word)
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
    fn parse(text: &str) -> Option<Self> {
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

impl Connector {
    /// Reads the section of a profile with this status.
    pub(crate) fn read(section: &Section<'_>, status: Status, errors: &mut Errors) -> Option<Self> {
        let shape = errors.note(required_word(section, "type", &SHAPES));
        let gender = errors.note(gender(section, shape, status));
        let view = errors.note(view(section, status));
        let counting = errors.note(counting(section, shape, status));
        let role = errors.note(required_word(section, "role", &ROLES));
        let level = errors.note(required_word(section, "level", &LEVELS));
        let pins = errors.note(required(section, "pins"));
        let contacts = shape.map(|shape| (shape, shape.contacts(counting.flatten())));
        let pins = pins.and_then(|pins| read_pins(&pins, contacts, errors));
        errors.note(section.finish())?;
        Some(Self {
            shape: shape?,
            gender: gender?,
            view: view?,
            counting: counting?,
            role: role?,
            level: level?,
            pins: pins?,
        })
    }
}

/// The way out for a source that leaves something open.
const OR_UNTESTED: &str = "where the source does not say, the profile is status = \"untested\"";

fn gender(
    section: &Section<'_>,
    shape: Option<Shape>,
    status: Status,
) -> Result<Option<Gender>, Error> {
    let gender = section.word("gender", &GENDERS)?;
    match (shape, gender) {
        (Some(shape), Some(_)) if !shape.has_gender() => {
            let message = format!("{} has no gender; accepted is to leave it out", shape.word());
            Err(section.error("gender", message))
        }
        (Some(shape), None) if shape.has_gender() && status != Status::Untested => Err(section
            .error_here(format!(
                "`gender` is missing for {}; accepted: male, female ({OR_UNTESTED})",
                shape.word()
            ))),
        _ => Ok(gender),
    }
}

fn view(section: &Section<'_>, status: Status) -> Result<Option<String>, Error> {
    if section.has("view") {
        return text(section, "view").map(Some);
    }
    // Reading it makes it a known key.
    section.string("view")?;
    if status == Status::Untested {
        return Ok(None);
    }
    Err(section.error_here(format!(
        "`view` is missing; accepted is from where the source counts, such as \"socket front, \
         clip down\" ({OR_UNTESTED})"
    )))
}

fn counting(
    section: &Section<'_>,
    shape: Option<Shape>,
    status: Status,
) -> Result<Option<Counting>, Error> {
    let found = section.string("counting")?;
    let Some(shape) = shape else { return Ok(None) };
    let accepted = match shape {
        Shape::BareWires => format!("1-N, N up to {MOST_WIRES}"),
        _ => shape.countings().iter().map(Counting::to_string).collect::<Vec<_>>().join(", "),
    };
    let word = shape.word();
    let Some(found) = found else {
        return match status {
            Status::Untested => Ok(None),
            _ => Err(section.error_here(format!(
                "`counting` is missing; accepted for {word}: {accepted} ({OR_UNTESTED})"
            ))),
        };
    };
    let counting = shape.countings().into_iter().find(|counting| counting.to_string() == found);
    let message = format!("`counting` is {found:?}; accepted for {word}: {accepted}");
    counting.map(Some).ok_or_else(|| section.error("counting", message))
}

/// Reads the contacts; their numbers are checked where the shape is known.
fn read_pins(
    section: &Section<'_>,
    contacts: Option<(Shape, Counting)>,
    errors: &mut Errors,
) -> Option<BTreeMap<u8, Pin>> {
    let mut pins = BTreeMap::new();
    let mut good = true;
    let read = section.each(|key, entry| {
        let number = errors.note(contact(key, &entry, contacts));
        let pin = read_pin(key, &entry, errors);
        match (number, pin) {
            (Some(number), Some(pin)) if pins.insert(number, pin).is_some() => {
                good = false;
                errors.push(entry.key_error(format!(
                    "contact {number} is there twice; accepted is each contact once"
                )));
            }
            (Some(_), Some(_)) => {}
            _ => good = false,
        }
        Ok(())
    });
    errors.note(read)?;
    if good && pins.is_empty() {
        errors.push(section.error_here("no contact in pins; accepted is at least one"));
        return None;
    }
    good.then_some(pins)
}

fn contact(key: &str, entry: &Entry<'_>, contacts: Option<(Shape, Counting)>) -> Result<u8, Error> {
    let number = key.bytes().all(|byte| byte.is_ascii_digit()).then(|| key.parse::<u8>().ok());
    let (place, range) = match contacts {
        Some((shape, contacts)) => (format!(" of {}", shape.word()), contacts),
        None => (String::new(), Counting { first: 1, last: MOST_WIRES }),
    };
    number.flatten().filter(|number| (range.first..=range.last).contains(number)).ok_or_else(|| {
        entry.key_error(format!(
            "no contact `{key}`{place}; accepted are {} to {}",
            range.first, range.last
        ))
    })
}

fn read_pin(key: &str, entry: &Entry<'_>, errors: &mut Errors) -> Option<Pin> {
    match &entry.value {
        EntryValue::Text(name) => errors.note(signal(key, name, entry)).map(Pin::Signal),
        EntryValue::Section(section) => read_power(key, section, errors),
    }
}

fn signal(key: &str, name: &str, entry: &Entry<'_>) -> Result<Signal, Error> {
    SIGNALS.iter().find(|(word, _)| *word == name).map(|(_, signal)| *signal).ok_or_else(|| {
        let hint = suggest(name, SIGNALS.iter().map(|(word, _)| *word));
        entry.error(format!("no signal is called {name:?} (contact {key}); {hint}"))
    })
}

/// A current in mA: more than any till's socket carries is a mistake in the unit.
const MILLIAMPERES: std::ops::RangeInclusive<u32> = 1..=20_000;

fn read_power(key: &str, section: &Section<'_>, errors: &mut Errors) -> Option<Pin> {
    let (supplies, draws) = (section.has("supply"), section.has("draw"));
    if supplies == draws {
        let found =
            if supplies { "both `supply` and `draw`" } else { "neither `supply` nor `draw`" };
        errors.push(section.error_here(format!(
            "contact {key} has {found}; accepted is {{ supply = \"+5V\", max-ma = 500 }}, \
             {{ draw = \"+5V\", ma = 300 }} or a signal's name"
        )));
        return None;
    }
    let (rail_key, current_key) = if supplies { ("supply", "max-ma") } else { ("draw", "ma") };
    let rail = errors.note(rail(section, rail_key));
    let current = errors.note(section.integer(current_key, MILLIAMPERES));
    errors.note(section.finish())?;
    let (rail, current) = (rail?, current?);
    Some(match supplies {
        true => Pin::Supply { rail, max_milliamperes: current },
        false => Pin::Draw { rail, milliamperes: current },
    })
}

fn rail(section: &Section<'_>, key: &'static str) -> Result<Rail, Error> {
    let found = section.required_string(key)?;
    Rail::parse(found).ok_or_else(|| {
        let message =
            format!("`{key}` is {found:?}; accepted is a voltage such as +5V, +3V3, -12V");
        section.error(key, message)
    })
}
