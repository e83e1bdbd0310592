//! Element strings: fields behind Application Identifiers.
//!
//! Contract: pure and forgiving. A fault names the identifier and the offset and costs no other
//! field. Values borrow from the code.

use std::borrow::Cow;
use std::fmt;

use super::ai::{Ai, Entry, Part};
use super::check::{check, foreign};
use super::{SEPARATOR, Wrong};

/// An identifier and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier.
    pub ai: Ai,
    /// The value, as it stands.
    pub value: Cow<'a, [u8]>,
    /// Where the value begins.
    pub at: usize,
}

impl Element<'_> {
    /// The value as text. What is no ASCII, which no value may have, is shown as U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }
}

/// Something wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The identifier; nothing where the bytes are none.
    pub ai: Option<Ai>,
    /// The byte that is wrong.
    pub at: usize,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ai {
            Some(ai) => write!(formatter, "({ai}), byte {}: {}", self.at, self.wrong.sentence()),
            None => write!(formatter, "byte {}: {}", self.at, self.wrong.sentence()),
        }
    }
}

/// An identifier without the company that it needs.
///
/// That is no fault of the code: the company may be in another code on the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The identifier.
    pub ai: Ai,
    /// What it needs: one of those with commas between them, and of `a+b` both.
    pub needs: &'static str,
}

/// What an element string says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elements<'a> {
    /// The fields in their order.
    pub list: Vec<Element<'a>>,
    /// What is wrong with them.
    pub faults: Vec<Fault>,
    /// What they need beside them and do not have.
    pub missing: Vec<Missing>,
}

impl<'a> Elements<'a> {
    /// The value of an identifier's first field.
    #[must_use]
    pub fn get(&self, digits: &str) -> Option<&[u8]> {
        let element = self.list.iter().find(|element| element.ai.as_str() == digits)?;
        Some(&element.value)
    }

    /// Counts all offsets from another beginning.
    pub(super) fn shift(&mut self, by: usize) {
        self.list.iter_mut().for_each(|element| element.at += by);
        self.faults.iter_mut().for_each(|fault| fault.at += by);
    }

    pub(super) fn fault(&mut self, ai: Ai, at: usize, wrong: Wrong) {
        self.faults.push(Fault { ai: Some(ai), at, wrong });
    }

    /// Adds a field after checking its value.
    pub(super) fn add(&mut self, element: Element<'a>) {
        let Element { ai, ref value, at } = element;
        let checked = match ai.entry() {
            None => Err((0, Wrong::Unknown)),
            Some(entry) => check_value(entry, value),
        };
        if let Err((place, wrong)) = checked {
            self.fault(ai, at + place, wrong);
        }
        self.list.push(element);
    }

    /// Judges what is there with what: what excludes, what needs, what is there twice.
    pub(super) fn associate(&mut self, beside: Option<&str>) {
        let has = |name: &str, but: &Ai| {
            beside == Some(name)
                || self.list.iter().any(|element| element.ai != *but && element.ai.is(name))
        };
        let all = |group: &str, but: &Ai| group.split('+').all(|name| has(name, but));
        let (mut faults, mut missing) = (Vec::new(), Vec::new());
        for (place, element) in self.list.iter().enumerate() {
            let (ai, at) = (element.ai, element.at);
            let Some(entry) = ai.entry() else { continue };
            let mut before = self.list.iter().take(place);
            if let Some(first) = before.find(|first| first.ai == ai) {
                if first.value != element.value {
                    faults.push(Fault { ai: Some(ai), at, wrong: Wrong::Repeated });
                }
                continue;
            }
            let family = || {
                let mut others = self.list.iter().filter(|other| other.ai != ai);
                others.any(|other| other.ai.entry().is_some_and(|e| e.code == entry.code))
            };
            let mut excluded = entry.excludes.split(',').filter(|name| !name.is_empty());
            if excluded.any(|name| has(name, &ai)) || entry.single && family() {
                faults.push(Fault { ai: Some(ai), at, wrong: Wrong::Excluded });
            }
            let wanting = entry.needs.iter().filter(|any| !any.split(',').any(|one| all(one, &ai)));
            missing.extend(wanting.map(|needs| Missing { ai, needs }));
        }
        self.faults.extend(faults);
        self.missing = missing;
    }
}

/// Reads an element string. A separator before the first field is passed over, for some scanners
/// send FNC1 in first place as one; so is one behind a field that needs none, and behind the last.
#[must_use]
pub fn parse(data: &[u8]) -> Elements<'_> {
    let mut elements = fields(data);
    elements.associate(None);
    elements
}

/// Reads an element string that stands beside another code with this identifier.
pub(super) fn parse_beside<'a>(beside: &str, data: &'a [u8]) -> Elements<'a> {
    let mut elements = fields(data);
    elements.associate(Some(beside));
    elements
}

fn fields(data: &[u8]) -> Elements<'_> {
    let mut elements = Elements { list: Vec::with_capacity(4), ..Elements::default() };
    let mut at = 0;
    while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.first() == Some(&SEPARATOR) {
            at += 1;
            continue;
        }
        let end = rest.iter().position(|byte| *byte == SEPARATOR).unwrap_or(rest.len());
        let Some(ai) = Ai::read(rest.get(..end).unwrap_or_default()) else {
            // Nobody knows where its value begins; the next field begins behind the separator.
            elements.faults.push(Fault { ai: None, at, wrong: Wrong::Unknown });
            at += end;
            continue;
        };
        at += ai.width();
        let field = rest.get(ai.width()..end).unwrap_or_default();
        let (length, wrong) = length(&ai, field);
        let value = field.get(..length).unwrap_or(field);
        if let Some(wrong) = wrong {
            elements.fault(ai, at + length, wrong);
        }
        elements.add(Element { ai, value: Cow::Borrowed(value), at });
        at += length;
    }
    elements
}

/// How much of a field is this identifier's value, and what its length has wrong.
fn length(ai: &Ai, field: &[u8]) -> (usize, Option<Wrong>) {
    if let Some(length) = ai.predefined() {
        return (length.min(field.len()), None);
    }
    let longest = ai.entry().map_or(usize::MAX, |entry| entry.longest);
    let Some(rest) = field.get(longest..).filter(|rest| !rest.is_empty()) else {
        return (field.len(), None);
    };
    // Some encoders leave the separator out behind a value that has its full length.
    let follows = Ai::read(rest).is_some_and(|ai| ai.entry().is_some());
    if follows { (longest, Some(Wrong::NoSeparator)) } else { (field.len(), None) }
}

/// Checks a value against the parts of its identifier.
fn check_value(entry: &Entry, value: &[u8]) -> Result<(), (usize, Wrong)> {
    if value.len() < entry.shortest {
        return Err((value.len(), Wrong::TooShort));
    }
    if value.len() > entry.longest {
        return Err((entry.longest, Wrong::TooLong));
    }
    let mut at = 0;
    for part in entry.parts {
        let rest = value.get(at..).unwrap_or_default();
        if rest.is_empty() && part.optional {
            break;
        }
        let taken = rest.get(..part.most).unwrap_or(rest);
        check_part(part, taken).map_err(|(place, wrong)| (at + place, wrong))?;
        at += taken.len();
    }
    Ok(())
}

fn check_part(part: &Part, value: &[u8]) -> Result<(), (usize, Wrong)> {
    if value.len() < part.least {
        return Err((value.len(), Wrong::TooShort));
    }
    if let Some(at) = foreign(part.set, value) {
        return Err((at, Wrong::Character));
    }
    part.checks.iter().try_for_each(|kind| check(*kind, value))
}

/// Reads an element string as people write it, identifiers in brackets. Nothing where it is not
/// written so. A bracket inside a value is the value's where no known identifier follows it.
#[must_use]
pub fn parse_hri(text: &str) -> Option<Elements<'_>> {
    let mut elements = Elements::default();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..)?;
        let (ai, width) = bracketed(rest)?;
        at += width;
        let value = rest.get(width..)?;
        let end = value.match_indices('(').find_map(|(place, _)| {
            let (ai, _) = bracketed(value.get(place..)?)?;
            ai.entry().map(|_| place)
        });
        let value = value.get(..end.unwrap_or(value.len()))?;
        // People put blanks between fields; no value may have one.
        let trimmed = value.trim_matches(' ');
        elements.add(Element { ai, value: Cow::Borrowed(trimmed.as_bytes()), at });
        at += value.len();
    }
    if elements.list.is_empty() {
        return None;
    }
    elements.associate(None);
    Some(elements)
}

/// The identifier in brackets that a text begins with, and their width.
fn bracketed(text: &str) -> Option<(Ai, usize)> {
    let (digits, _) = text.strip_prefix('(')?.split_once(')')?;
    Some((Ai::of(digits)?, digits.len() + 2))
}

/// The fields as people read them, identifiers in brackets.
#[must_use]
pub fn hri(list: &[Element<'_>]) -> String {
    let length = list.iter().map(|element| element.ai.width() + 2 + element.value.len()).sum();
    let mut text = String::with_capacity(length);
    for element in list {
        text.push('(');
        text.push_str(element.ai.as_str());
        text.push(')');
        text.push_str(&element.text());
    }
    text
}

/// The fields as an element string, without FNC1 in first place: that is the symbology's.
#[must_use]
pub fn compose(list: &[Element<'_>]) -> Vec<u8> {
    let mut data = Vec::new();
    for (place, element) in list.iter().enumerate() {
        data.extend_from_slice(element.ai.as_str().as_bytes());
        data.extend_from_slice(&element.value);
        if element.ai.predefined().is_none() && place + 1 < list.len() {
            data.push(SEPARATOR);
        }
    }
    data
}
