//! Reads the `[connector]` of a profile, and the `[[beside]]` of its machine.
//!
//! Contract: what is said here is what the source says. Whether a cable between two such sockets can
//! work is judged in `wiring`.

use std::collections::BTreeMap;

use super::errors::Errors;
use super::{Status, required, required_word, text};
use crate::settings::{Entry, EntryValue, Error, Section, suggest};
use crate::wiring::connector::{MOST_WIRES, SHAPES};
use crate::wiring::signal::SIGNALS;
use crate::wiring::{
    Beside, Colour, Connector, Counting, Gender, Level, Pin, Rail, Role, Shape, Signal, View,
};

const GENDERS: [(&str, Gender); 2] =
    [(Gender::Male.word(), Gender::Male), (Gender::Female.word(), Gender::Female)];

const ROLES: [(&str, Role); 2] = [(Role::Dte.word(), Role::Dte), (Role::Dce.word(), Role::Dce)];

const LEVELS: [(&str, Level); 5] = [
    (Level::Rs232.word(), Level::Rs232),
    (Level::Ttl5.word(), Level::Ttl5),
    (Level::Ttl3.word(), Level::Ttl3),
    (Level::TtlInverted.word(), Level::TtlInverted),
    (Level::None.word(), Level::None),
];

/// Reads the section of a profile with this status.
pub(crate) fn read(
    section: &Section<'_>,
    status: Status,
    errors: &mut Errors,
) -> Option<Connector> {
    let shape = errors.note(required_word(section, "type", &SHAPES));
    let gender = errors.note(gender(section, shape, status));
    let view = errors.note(view(section, shape, status));
    let counting = errors.note(counting(section, shape, status));
    let role = errors.note(required_word(section, "role", &ROLES));
    let level = errors.note(level(section, status));
    let pins = errors.note(required(section, "pins"));
    let numbers = shape.map(|shape| (shape, shape.numbers(counting.flatten())));
    let pins = pins.and_then(|pins| read_pins(&pins, numbers, level, errors));
    errors.note(section.finish())?;
    let (view, mirrored) = view?;
    let (pins, wires) = pins?;
    Some(Connector {
        shape: shape?,
        gender: gender?,
        view,
        mirrored,
        counting: counting?,
        role: role?,
        level: level?,
        pins,
        wires,
    })
}

/// Reads what else one could plug into on the same machine.
pub(crate) fn read_beside(section: &Section<'_>, errors: &mut Errors) -> Option<Beside> {
    let label = errors.note(text(section, "label"));
    let shape = errors.note(required_word(section, "type", &SHAPES));
    let carries = match section.has("carries") {
        true => errors.note(rail(section, "carries")).map(Some),
        false => errors.note(section.string("carries")).map(|_| None),
    };
    errors.note(section.finish())?;
    Some(Beside { label: label?, shape: shape?, carries: carries? })
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

fn level(section: &Section<'_>, status: Status) -> Result<Level, Error> {
    if status == Status::Untested && !section.has("level") {
        // Reading it makes it a known key.
        section.string("level")?;
        return Ok(Level::Unknown);
    }
    required_word(section, "level", &LEVELS)
}

/// The view, and whether it mirrors the standard's order. Only modular contacts have no number of
/// their own to look at, so only there has it to be one of the known views.
fn view(
    section: &Section<'_>,
    shape: Option<Shape>,
    status: Status,
) -> Result<(Option<String>, bool), Error> {
    if section.has("view") {
        let view = text(section, "view")?;
        if !shape.is_some_and(Shape::is_modular) {
            return Ok((Some(view), false));
        }
        let Some(seen) = View::parse(&view) else {
            let message = format!("`view` is {view:?}; accepted: {}", View::accepted());
            return Err(section.error("view", message));
        };
        return Ok((Some(view), seen.is_mirrored()));
    }
    // Reading it makes it a known key.
    section.string("view")?;
    if status == Status::Untested {
        return Ok((None, false));
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

/// What is on each contact, and the colours of the wires.
type Pins = (BTreeMap<u8, Pin>, BTreeMap<u8, Colour>);

/// Reads the contacts; their numbers are checked where the shape is known.
fn read_pins(
    section: &Section<'_>,
    numbers: Option<(Shape, Counting)>,
    level: Option<Level>,
    errors: &mut Errors,
) -> Option<Pins> {
    let (mut pins, mut wires) = Pins::default();
    let mut good = true;
    let read = section.each(|key, entry| {
        let number = errors.note(contact(key, &entry, numbers));
        let pin = read_pin(key, &entry, level, errors);
        match (number, pin) {
            (Some(number), Some((pin, wire))) => {
                wires.extend(wire.map(|wire| (number, wire)));
                if pins.insert(number, pin).is_some() {
                    good = false;
                    errors.push(entry.key_error(format!(
                        "contact {number} is there twice; accepted is each contact once"
                    )));
                }
            }
            _ => good = false,
        }
        Ok(())
    });
    errors.note(read)?;
    if good && pins.is_empty() {
        errors.push(section.error_here("no contact in pins; accepted is at least one"));
        return None;
    }
    good.then_some((pins, wires))
}

fn contact(key: &str, entry: &Entry<'_>, numbers: Option<(Shape, Counting)>) -> Result<u8, Error> {
    let number = key.bytes().all(|byte| byte.is_ascii_digit()).then(|| key.parse::<u8>().ok());
    let (place, range) = match numbers {
        Some((shape, numbers)) => (format!(" of {}", shape.word()), numbers),
        None => (String::new(), Counting { first: 1, last: MOST_WIRES }),
    };
    number.flatten().filter(|number| (range.first..=range.last).contains(number)).ok_or_else(|| {
        entry.key_error(format!(
            "no contact `{key}`{place}; accepted are {} to {}",
            range.first, range.last
        ))
    })
}

fn read_pin(
    key: &str,
    entry: &Entry<'_>,
    level: Option<Level>,
    errors: &mut Errors,
) -> Option<(Pin, Option<Colour>)> {
    let signal = |name: &str| {
        let signal = signal(key, name, |message| entry.error(message))?;
        match level {
            Some(Level::None) if signal.is_serial() => Err(entry.error(format!(
                "contact {key} is {name}, but `level` is \"none\"; accepted is the level of that \
                 line"
            ))),
            _ => Ok(Pin::Signal(signal)),
        }
    };
    match &entry.value {
        EntryValue::Text(name) => errors.note(signal(name)).map(|pin| (pin, None)),
        EntryValue::Section(section) => {
            let wire = errors.note(wire(section));
            let pin = match section.has("signal") {
                true => errors.note(section.required_string("signal").and_then(signal)),
                false => read_power(key, section, errors),
            };
            // What is wrong with the contact itself has been told; its keys are judged without that.
            let pin = pin?;
            errors.note(section.finish())?;
            Some((pin, wire?))
        }
    }
}

fn signal(key: &str, name: &str, error: impl Fn(String) -> Error) -> Result<Signal, Error> {
    SIGNALS.iter().find(|(word, _)| *word == name).map(|(_, signal)| *signal).ok_or_else(|| {
        let hint = suggest(name, SIGNALS.iter().map(|(word, _)| *word));
        error(format!("no signal is called {name:?} (contact {key}); {hint}"))
    })
}

fn wire(section: &Section<'_>) -> Result<Option<Colour>, Error> {
    let Some(found) = section.string("wire")? else { return Ok(None) };
    Colour::parse(found).map(Some).ok_or_else(|| {
        let hint = suggest(found, Colour::words());
        let message = format!("`wire` is {found:?}; {hint}, and two of them as \"white/orange\"");
        section.error("wire", message)
    })
}

/// A current in mA: more than any till's socket carries is a mistake in the unit.
const MILLIAMPERES: std::ops::RangeInclusive<u32> = 1..=20_000;

/// The lines that a device can live on.
const TAPS: [(&str, Signal); 2] = [("DTR", Signal::Dtr), ("RTS", Signal::Rts)];

fn read_power(key: &str, section: &Section<'_>, errors: &mut Errors) -> Option<Pin> {
    let (supplies, draws, others) =
        (section.has("supply"), section.has("draw"), section.has("other"));
    match (supplies, draws, others) {
        (true, false, false) => {
            let rail = errors.note(rail(section, "supply"));
            let max = errors.note(section.integer("max-ma", MILLIAMPERES));
            Some(Pin::Supply { rail: rail?, max_milliamperes: max? })
        }
        (false, true, false) => {
            let current = errors.note(section.integer("ma", MILLIAMPERES));
            let named = errors.note(section.required_string("draw"))?;
            if let Some((_, line)) = TAPS.iter().find(|(word, _)| *word == named) {
                return Some(Pin::Tap { line: *line, milliamperes: current? });
            }
            let rail = errors.note(rail(section, "draw"));
            Some(Pin::Draw { rail: rail?, milliamperes: current? })
        }
        (false, false, true) => {
            let name = errors.note(text(section, "other"));
            let rail = match section.has("volts") {
                true => errors.note(rail(section, "volts")).map(Some),
                false => errors.note(section.string("volts")).map(|_| None),
            };
            Some(Pin::Other { name: name?, rail: rail? })
        }
        _ => {
            let found = match (supplies, draws) {
                (true, true) => "both `supply` and `draw`",
                (false, false) => "neither `supply` nor `draw`",
                _ => "both `other` and power",
            };
            errors.push(section.error_here(format!(
                "contact {key} has {found}; accepted is {{ supply = \"+5V\", max-ma = 500 }}, \
                 {{ draw = \"+5V\", ma = 300 }}, {{ other = \"drawer drive\" }} or a signal's name"
            )));
            None
        }
    }
}

fn rail(section: &Section<'_>, key: &'static str) -> Result<Rail, Error> {
    let found = section.required_string(key)?;
    Rail::parse(found).ok_or_else(|| {
        let lines = match key {
            "draw" => ", or DTR or RTS where the device lives on that line",
            _ => "",
        };
        let message =
            format!("`{key}` is {found:?}; accepted is a voltage such as +5V, +3V3, -12V{lines}");
        section.error(key, message)
    })
}
