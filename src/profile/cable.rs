//! A cable file: two profiles and how they are joined.
//!
//! Contract: pure. The wires are checked against the sockets when the cable is made of them.

use super::errors::Errors;
use super::{line, required};
use crate::settings::{Error, Section, suggest};
use crate::wiring::cable::Side;
use crate::wiring::cord::{ADAPTERS, Adapter, Run};
use crate::wiring::plan::{Plan, pair};

/// What a cable file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CableFile {
    /// The id of the profile at one end.
    pub from: String,
    /// The id of the profile at the other.
    pub to: String,
    /// How they are joined.
    pub plan: Plan,
}

const RUNS: [(&str, Run); 2] =
    [(Run::Straight.word(), Run::Straight), (Run::Reversed.word(), Run::Reversed)];

impl CableFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// All that is wrong in it.
    pub fn read(root: &Section<'_>) -> Result<Self, Vec<Error>> {
        let mut errors = Errors::default();
        let file = Self::gather(root, &mut errors);
        errors.or(file)
    }

    fn gather(root: &Section<'_>, errors: &mut Errors) -> Option<Self> {
        let section = errors.note(required(root, "cable"));
        errors.note(root.finish());
        let section = section?;
        let from = errors.note(section.required_string("from"));
        let to = errors.note(section.required_string("to"));
        let cord = errors.note(section.word("cord", &RUNS));
        let adapter = errors.note(adapter(&section));
        let flow = errors.note(section.word("flow", &line::FLOWS));
        let wires = errors.note(pairs(&section, "wires"));
        let bridges = errors.note(pairs(&section, "bridges-from"));
        let bridges_to = errors.note(pairs(&section, "bridges-to"));
        errors.note(section.finish())?;
        let (wires, cord, adapter) = (wires?, cord?, adapter?);
        if !wires.is_empty() && (cord.is_some() || adapter.is_some()) {
            let message = "`wires` beside a cord or an adapter; accepted is either how the wires run \
                           one by one, or what the cable is made of";
            errors.push(section.error("wires", message));
        }
        let at = |side: Side| move |(one, other): (u8, u8)| (side, one, other);
        let bridges = bridges?.into_iter().map(at(Side::A));
        let bridges = bridges.chain(bridges_to?.into_iter().map(at(Side::B))).collect();
        let plan = Plan { cord, adapter, wires, bridges, flow: flow? };
        Some(Self { from: from?.to_owned(), to: to?.to_owned(), plan })
    }
}

fn adapter(section: &Section<'_>) -> Result<Option<&'static Adapter>, Error> {
    let Some(name) = section.string("adapter")? else { return Ok(None) };
    ADAPTERS.iter().find(|adapter| adapter.name == name).map(Some).ok_or_else(|| {
        let hint = suggest(name, ADAPTERS.iter().map(|adapter| adapter.name));
        section.error("adapter", format!("no adapter is called {name:?}; {hint}"))
    })
}

fn pairs(section: &Section<'_>, key: &'static str) -> Result<Vec<(u8, u8)>, Error> {
    let texts = section.strings_or_none(key)?.unwrap_or_default();
    let read = |text: &str| {
        pair(text).ok_or_else(|| {
            let message = format!(
                "`{key}` has {text:?}; accepted are two numbers of contacts, such as \"3-2\""
            );
            section.error(key, message)
        })
    };
    texts.into_iter().map(read).collect()
}
