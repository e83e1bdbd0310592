//! GS1 Digital Links: web addresses that say what element strings say.
//!
//! Contract: pure. Any domain, any path before the key. The key and its qualifiers are in the path,
//! everything else in the query, where names that are no identifiers are somebody else's. What is
//! written is what [`parse`] reads back.
//!
//! Source: GS1 Digital Link Standard: URI Syntax, version 1.6. A GTIN of 8, 12 or 13 digits (allowed
//! until 1.1) is filled up and told as a fault. Compressed links are read as no link.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Wrong;
use super::ai::Ai;
use super::element::{Element, Elements};

/// The place of links that belong to no one's site.
pub const CANONICAL: &str = "https://id.gs1.org";

/// A Digital Link, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Everything before the key, without the slash.
    pub stem: &'a str,
    /// How many of the elements stand in the path; the first is the key.
    pub in_path: usize,
    /// The elements of the path, then those of the query. Offsets are those of the address.
    pub elements: Elements<'a>,
}

/// Why an address is no Digital Link, or elements make none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No `http` or `https`, no domain, or a character that no address has.
    #[error("not a web address")]
    NoAddress,
    /// No `/identifier/value` with the identifier of a key ends the path.
    #[error("no key in the path")]
    NoKey,
    /// The identifiers behind the key are none of its qualifiers, or in another order.
    #[error("({0}) is no qualifier of the key, or not in its place")]
    Qualifier(Ai),
    /// A value is not escaped as an address has to be.
    #[error("({0}) is not escaped as addresses are")]
    Escape(Ai),
    /// An identifier that a link cannot carry.
    #[error("({0}) has no place in a link")]
    NoPlace(Ai),
}

impl Link<'_> {
    /// Whether anything in the path is wrong, but for a short GTIN. Many addresses have a path that
    /// looks like a link's.
    pub(super) fn is_doubtful(&self) -> bool {
        let path = self.elements.list.get(..self.in_path).unwrap_or_default();
        let end = path.last().map_or(0, |last| last.at + last.value.len());
        let faults = self.elements.faults.iter();
        faults.filter(|fault| fault.at <= end).any(|fault| fault.wrong != Wrong::ShortGtin)
    }
}

/// Takes a Digital Link apart.
///
/// # Errors
///
/// Where the address is none. What is wrong with the values of one is a fault.
pub fn parse(address: &str) -> Result<Link<'_>, Error> {
    let path_at = path_of(address).ok_or(Error::NoAddress)?;
    let end = address.find('#').unwrap_or(address.len());
    let query_at = address.get(..end).and_then(|whole| whole.find('?')).unwrap_or(end);
    let path = address.get(path_at..query_at).ok_or(Error::NoAddress)?;
    let pairs = pairs_of(path);
    let Some((key, _, key_at)) = pairs.first() else { return Err(Error::NoKey) };
    let qualifiers: Vec<Ai> = pairs.iter().skip(1).map(|(ai, ..)| *ai).collect();
    check_order(*key, &qualifiers)?;
    let stem_end = path_at + key_at - key.width() - 2;
    let mut link = Link {
        stem: address.get(..stem_end).unwrap_or_default(),
        in_path: pairs.len(),
        elements: Elements::default(),
    };
    for (ai, value, at) in pairs {
        link.add(ai, value, path_at + at, unescape(value, false).ok_or(Error::Escape(ai))?);
    }
    link.take_query(address.get(query_at..end).unwrap_or_default(), query_at, &qualifiers)?;
    link.elements.associate(None);
    link.refuse_doubles();
    Ok(link)
}

/// Where the path of a web address begins.
fn path_of(address: &str) -> Option<usize> {
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let schemes = ["https://", "HTTPS://", "http://", "HTTP://"];
    let scheme = schemes.into_iter().find(|scheme| address.starts_with(scheme))?;
    let domain = address.get(scheme.len()..)?;
    let domain = domain.get(..domain.find('/')?)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    if domain.is_empty() || !domain.bytes().all(plain) || !address.bytes().all(legal) {
        return None;
    }
    Some(scheme.len() + domain.len())
}

/// The pairs of identifier and value that end a path, from the last key on, with the place of each
/// value. No pairs where there is no key.
fn pairs_of(path: &str) -> Vec<(Ai, &str, usize)> {
    let mut pairs = Vec::new();
    let mut rest = path;
    while let Some((before, value)) = rest.rsplit_once('/') {
        let Some((start, digits)) = before.rsplit_once('/') else { break };
        let Some(ai) = Ai::of(digits).filter(|ai| ai.entry().is_some()) else { break };
        pairs.push((ai, value, before.len() + 1));
        if ai.entry().is_some_and(|entry| entry.key.is_some()) {
            pairs.reverse();
            return pairs;
        }
        rest = start;
    }
    Vec::new()
}

/// Whether these qualifiers may follow the key, in this order: of one of its sequences, any.
fn check_order(key: Ai, qualifiers: &[Ai]) -> Result<(), Error> {
    let sequences = key.entry().and_then(|entry| entry.key).unwrap_or_default();
    let reached = |sequence: &[&str]| {
        let mut rest = sequence.iter();
        qualifiers.iter().take_while(|ai| rest.any(|name| ai.as_str() == *name)).count()
    };
    let most = sequences.iter().map(|sequence| reached(sequence)).max().unwrap_or(0);
    qualifiers.get(most).map_or(Ok(()), |ai| Err(Error::Qualifier(*ai)))
}

impl<'a> Link<'a> {
    fn add(&mut self, ai: Ai, raw: &str, at: usize, value: Cow<'a, [u8]>) {
        let short = ai.as_str() == "01" && matches!(value.len(), 8 | 12 | 13);
        let value = if short {
            self.elements.fault(ai, at, Wrong::ShortGtin);
            let mut padded = vec![b'0'; 14 - value.len()];
            padded.extend_from_slice(&value);
            Cow::Owned(padded)
        } else {
            value
        };
        let before = self.elements.faults.len();
        self.elements.add(Element { ai, value, at });
        // Where escapes or zeros moved the bytes, the beginning of the value is the nearest place.
        if raw.contains('%') || short {
            self.elements.faults.iter_mut().skip(before).for_each(|fault| fault.at = at);
        }
    }

    fn take_query(&mut self, query: &'a str, query_at: usize, path: &[Ai]) -> Result<(), Error> {
        let mut at = query_at + 1;
        let query = query.strip_prefix('?').unwrap_or_default();
        // The grammar of the standard has both delimiters.
        for pair in query.split(['&', ';']) {
            let start = at;
            at += pair.len() + 1;
            let Some((name, value)) = pair.split_once('=') else { continue };
            if !name.bytes().all(|byte| byte.is_ascii_digit()) || name.is_empty() {
                continue;
            }
            let value_at = start + name.len() + 1;
            let Some(ai) = Ai::of(name).filter(|ai| ai.entry().is_some()) else {
                self.elements.faults.push(super::Fault {
                    ai: Ai::of(name),
                    at: start,
                    wrong: Wrong::Unknown,
                });
                continue;
            };
            let decoded = unescape(value, true).ok_or(Error::Escape(ai))?;
            self.add(ai, value, value_at, decoded);
            if !ai.entry().is_some_and(|entry| entry.attribute) {
                self.elements.fault(ai, value_at, Wrong::NotInQuery);
            } else if self.belongs_into_path(ai, path) {
                self.elements.fault(ai, value_at, Wrong::NotInPath);
            }
        }
        Ok(())
    }

    /// Whether the path with this identifier in its place would be one for the key.
    fn belongs_into_path(&self, ai: Ai, path: &[Ai]) -> bool {
        let Some(key) = self.elements.list.first().map(|element| element.ai) else { return false };
        (0..=path.len()).any(|place| {
            let mut with = path.to_vec();
            with.insert(place, ai);
            check_order(key, &with).is_ok()
        })
    }

    /// A link says nothing twice, not even the same.
    fn refuse_doubles(&mut self) {
        let Elements { list, faults, .. } = &mut self.elements;
        for (place, element) in list.iter().enumerate() {
            let same = |other: &Element<'_>| other.ai == element.ai && other.value == element.value;
            if list.iter().take(place).any(same) {
                let (ai, at) = (Some(element.ai), element.at);
                faults.push(super::Fault { ai, at, wrong: Wrong::Repeated });
            }
        }
    }
}

/// A value without its escapes. Nothing where an escape is cut short, is none, or means NUL.
fn unescape(text: &str, in_query: bool) -> Option<Cow<'_, [u8]>> {
    if !text.bytes().any(|byte| byte == b'%' || in_query && byte == b'+') {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        value.push(match first {
            b'%' => {
                let (digits, behind) = after.split_at_checked(2)?;
                rest = behind;
                let digits = std::str::from_utf8(digits).ok()?;
                let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                u8::from_str_radix(digits, 16).ok().filter(|byte| plain && *byte != 0)?
            }
            b'+' if in_query => b' ',
            other => *other,
        });
    }
    Some(Cow::Owned(value))
}

/// Writes a Digital Link: the first element that is a key, its qualifiers in their order, the rest
/// as a query, those of predefined length first. [`CANONICAL`] is the stem of links that belong to
/// no one's site. An element that is there twice is written once.
///
/// # Errors
///
/// Where there is no key, or an identifier may stand neither behind it nor in a query.
pub fn compose(stem: &str, list: &[Element<'_>]) -> Result<String, Error> {
    let keys = |element: &&Element<'_>| element.ai.entry().is_some_and(|entry| entry.key.is_some());
    let key = list.iter().find(keys).ok_or(Error::NoKey)?;
    let sequences = key.ai.entry().and_then(|entry| entry.key).unwrap_or_default();
    let find = |name: &str| list.iter().find(|element| element.ai.as_str() == name);
    let present = |sequence: &&&[&str]| sequence.iter().filter(|name| find(name).is_some()).count();
    // The first of the longest: (235) and (21) exclude each other anyway.
    let sequence = sequences.iter().rev().max_by_key(present).copied().unwrap_or_default();
    let mut link = stem.trim_end_matches('/').to_owned();
    let mut written = vec![key.ai];
    push(&mut link, '/', key, '/');
    for element in sequence.iter().filter_map(|name| find(name)) {
        written.push(element.ai);
        push(&mut link, '/', element, '/');
    }
    let mut before = '?';
    for predefined in [true, false] {
        for element in list.iter().filter(|e| e.ai.predefined().is_some() == predefined) {
            if written.contains(&element.ai) {
                continue;
            }
            if !element.ai.entry().is_some_and(|entry| entry.attribute) {
                return Err(Error::NoPlace(element.ai));
            }
            written.push(element.ai);
            push(&mut link, before, element, '=');
            before = '&';
        }
    }
    Ok(link)
}

fn push(link: &mut String, before: char, element: &Element<'_>, between: char) {
    link.push(before);
    link.push_str(element.ai.as_str());
    link.push(between);
    for byte in element.value.iter() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            link.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
}
