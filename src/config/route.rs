//! A `[[route]]`: from a device to a terminal.

use std::collections::BTreeSet;
use std::time::Duration;

use super::DeviceConfig;
use crate::event::Content;
use crate::profile::errors::Errors;
use crate::protocol::scanner_port::{self, Envelope};
use crate::protocol::{Carrier, Kind};
use crate::settings::{self, Error, Section};

/// A way for what one device reads to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The device it comes from, by name.
    pub from: String,
    /// The device it goes to, by name.
    pub to: String,
    /// How.
    pub mode: Mode,
}

/// How a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Codes are passed on, beside their events.
    Forward(Forward),
    /// The two lines are wired through, byte for byte.
    Tap(Tap),
}

/// How codes are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Codes of what content; all where none is named.
    pub contents: Vec<Content>,
    /// What stands around each of them.
    pub envelope: Envelope,
    /// What each of them begins with.
    pub prefix: Vec<u8>,
    /// The terminal whose transactions are paid with them, by name, where it is known.
    pub terminal: Option<String>,
}

impl Forward {
    /// Whether codes of this content are passed on.
    #[must_use]
    pub fn takes(&self, content: Content) -> bool {
        self.contents.is_empty() || self.contents.contains(&content)
    }
}

/// How two lines are wired through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Within what time the terminal has to say something to a code; where nothing is configured only a
    /// terminal that has answered before has to.
    pub reply: Option<Duration>,
}

/// A device's end of two lines that are wired through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wired {
    /// The device at the other end, by name.
    pub partner: String,
    /// Whether this one is where it comes from.
    pub is_source: bool,
    /// How.
    pub tap: Tap,
}

/// The end of this device, where its line is wired through.
pub(super) fn wired_end(routes: &[Route], name: &str) -> Option<Wired> {
    routes.iter().find_map(|Route { from, to, mode }| {
        let Mode::Tap(tap) = *mode else { return None };
        let is_source = from == name;
        let partner = if is_source { to } else { from };
        (is_source || to == name).then(|| Wired { partner: partner.clone(), is_source, tap })
    })
}

/// How a route leads, as the file has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Forward,
    Tap,
}

const MODES: [(&str, Word); 2] = [("forward", Word::Forward), ("tap", Word::Tap)];

/// The word for every content.
const ANY: &str = "any";

/// Reads all routes, which lead between these devices. `names` are those of all devices, also of those that
/// could not be read.
pub(super) fn read(
    sections: &[Section<'_>],
    devices: &[DeviceConfig],
    names: &BTreeSet<&str>,
    errors: &mut Errors,
) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for section in sections {
        let Some(route) = one(section, names, errors) else { continue };
        if let Err(error) = fits(section, &route, devices) {
            errors.push(error);
            continue;
        }
        if let Err(error) = stands_alone(section, &route, &routes) {
            errors.push(error);
            continue;
        }
        routes.push(route);
    }
    routes
}

fn one(section: &Section<'_>, names: &BTreeSet<&str>, errors: &mut Errors) -> Option<Route> {
    let from = errors.note(device(section, "from", names));
    let to = errors.note(device(section, "to", names));
    let word = errors.note(section.word("mode", &MODES))?.unwrap_or(Word::Forward);
    let mode = match word {
        Word::Forward => forward(section, names, errors).map(Mode::Forward),
        Word::Tap => {
            let reply = errors.note(section.integer("reply-ms", 10..=60_000));
            reply.map(|reply| {
                let reply = reply.map(|reply| Duration::from_millis(reply.into()));
                Mode::Tap(Tap { reply })
            })
        }
    };
    errors.note(section.finish());
    Some(Route { from: from?, to: to?, mode: mode? })
}

fn forward(section: &Section<'_>, names: &BTreeSet<&str>, errors: &mut Errors) -> Option<Forward> {
    let contents = errors.note(contents(section));
    let envelope = errors.note(section.word("send", &Envelope::ALL));
    let prefix = errors.note(section.bytes("prefix"));
    let terminal = match section.has("terminal") {
        true => errors.note(device(section, "terminal", names)).map(Some),
        false => Some(None),
    };
    let envelope = match envelope? {
        Some(envelope) => envelope,
        None => {
            let words: Vec<_> = Envelope::ALL.iter().map(|(word, _)| *word).collect();
            let words = words.join(", ");
            let message =
                format!("`send` is missing: how the terminal takes codes; accepted: {words}");
            errors.push(section.error_here(message));
            return None;
        }
    };
    Some(Forward {
        contents: contents?,
        envelope,
        prefix: prefix?.unwrap_or_default(),
        terminal: terminal?,
    })
}

/// The contents that are passed on; none for all.
fn contents(section: &Section<'_>) -> Result<Vec<Content>, Error> {
    let known = Content::ALL.map(|content| (content.word(), Some(content)));
    let accepted: Vec<_> = known.into_iter().chain([(ANY, None)]).collect();
    let Some(found) = section.words("when", &accepted)? else {
        return Ok(vec![Content::PaymentCode]);
    };
    match found.iter().copied().collect::<Option<Vec<_>>>() {
        Some(contents) => Ok(contents),
        None if found.len() == 1 => Ok(Vec::new()),
        None => {
            Err(section.error("when", "`when` has \"any\" beside others; accepted is it alone"))
        }
    }
}

fn device(
    section: &Section<'_>,
    key: &'static str,
    names: &BTreeSet<&str>,
) -> Result<String, Error> {
    let name = section.required_string(key)?;
    if names.contains(name) {
        return Ok(name.to_owned());
    }
    let hint = settings::suggest(name, names.iter().copied());
    Err(section.error(key, format!("`{key}`: no device is called {name:?}; {hint}")))
}

/// That the two devices are such as a route can lead between. Devices that could not be read have had
/// their own errors.
fn fits(section: &Section<'_>, route: &Route, devices: &[DeviceConfig]) -> Result<(), Error> {
    let found = |name: &str| devices.iter().find(|device| device.name == name);
    let (Some(from), Some(to)) = (found(&route.from), found(&route.to)) else { return Ok(()) };
    let wrong = |key: &str, message: String| Err(section.error(key, message));
    if from.name == to.name {
        return wrong("to", "`to` is where it comes from; accepted is another device".to_owned());
    }
    if from.lane != to.lane {
        let message = format!(
            "`to` is {:?} on lane {:?} and `from` is on lane {:?}: a customer would pay at another \
             till; accepted is a device on the same lane",
            to.name, to.lane, from.lane
        );
        return wrong("to", message);
    }
    match &route.mode {
        Mode::Forward(forward) => {
            if from.kind != Kind::Scanner {
                let message =
                    format!("`from` is a {}; codes come from a scanner", from.kind.word());
                return wrong("from", message);
            }
            if to.protocol.name != scanner_port::INFO.name {
                let message = format!(
                    "`to` speaks {}; codes are passed on to a device with protocol {}",
                    to.protocol.name,
                    scanner_port::INFO.name
                );
                return wrong("to", message);
            }
            let terminal = forward.terminal.as_ref().and_then(|name| found(name));
            match terminal {
                Some(terminal) if terminal.kind != Kind::Terminal => {
                    wrong("terminal", format!("`terminal` is a {}", terminal.kind.word()))
                }
                Some(terminal) if terminal.lane != from.lane => {
                    wrong("terminal", format!("`terminal` is on lane {:?}", terminal.lane))
                }
                _ => Ok(()),
            }
        }
        Mode::Tap(_) => can_be_wired(section, from, to),
    }
}

/// That two lines can be wired through.
fn can_be_wired(
    section: &Section<'_>,
    from: &DeviceConfig,
    to: &DeviceConfig,
) -> Result<(), Error> {
    for (key, device) in [("from", from), ("to", to)] {
        if device.protocol.carrier != Carrier::Serial {
            let message = format!("`{key}` is no serial line; only lines are wired through");
            return Err(section.error(key, message));
        }
        if device.line.bauds.len() > 1 {
            let message = format!(
                "`{key}` has several speeds to find the right one of, and what is heard meanwhile \
                 would be passed on wrong; accepted is a device with one `baud`"
            );
            return Err(section.error(key, message));
        }
    }
    let is_dialogue = from.kind == Kind::Terminal && from.protocol.name == to.protocol.name;
    if to.kind != Kind::Terminal || !(from.kind == Kind::Scanner || is_dialogue) {
        let message = format!(
            "`to` is a {} with protocol {} and `from` a {} with protocol {}; a tap is between a \
             scanner and a terminal, or between a till and a terminal in the terminal's protocol",
            to.kind.word(),
            to.protocol.name,
            from.kind.word(),
            from.protocol.name
        );
        return Err(section.error("to", message));
    }
    if from.line.data_bits != to.line.data_bits {
        let message = format!(
            "`to` has {} data bits and `from` {}: bytes would not arrive as they were sent; \
             accepted are lines with the same",
            to.line.data_bits, from.line.data_bits
        );
        return Err(section.error("to", message));
    }
    Ok(())
}

/// That a line that is wired through belongs to that route alone, and that no two routes are the same.
fn stands_alone(section: &Section<'_>, route: &Route, before: &[Route]) -> Result<(), Error> {
    let ends = |route: &Route| [route.from.clone(), route.to.clone()];
    let is_tap = |route: &Route| matches!(route.mode, Mode::Tap(_));
    for other in before {
        if other.from == route.from && other.to == route.to {
            return Err(
                section.error("to", "this way is that of an earlier route; accepted is one")
            );
        }
        if let (Mode::Forward(one), Mode::Forward(another)) = (&route.mode, &other.mode)
            && route.from == other.from
            && [one, another].iter().all(|forward| forward.takes(Content::PaymentCode))
        {
            let message = format!(
                "`to`: payment codes of {:?} go to {:?} already, and one code pays once; accepted is \
                 another `when`",
                other.from, other.to
            );
            return Err(section.error("to", message));
        }
        let shared = ends(route).into_iter().find(|end| ends(other).contains(end));
        if let Some(shared) = shared.filter(|_| is_tap(route) || is_tap(other)) {
            let key = if shared == route.from { "from" } else { "to" };
            let message = format!(
                "`{key}`: {shared:?} is on another route, and a line that is wired through belongs to \
                 one route alone"
            );
            return Err(section.error(key, message));
        }
    }
    Ok(())
}
