//! One of several codes that belong together.
//!
//! Contract: pure. Only Aztec's identifiers say so (ISO/IEC 24778; modifiers 6 to B), and what stands
//! before the data then says which one it is: perhaps a name between two blanks, and two letters, A for
//! the first and A for one in all. Scans come one by one and perhaps from several hands, so the parts
//! are not put together here; nor is a part taken for anything by itself.

use super::{Code, Meaning, Outcome, Reasons};
use crate::event::{Content, Sensitivity, Value};

/// A part of something.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let aim = code.aim.filter(|aim| aim.code == b'z' && b"6789AB".contains(&aim.modifier))?;
    let Some(part) = part(code.bytes) else {
        why.note("structured append", Outcome::No, || {
            format!("{aim} says so, and no header stands before the data")
        });
        return None;
    };
    why.note("structured append", Outcome::Yes, || {
        format!("{aim}: part {} of {}", part.place, part.count)
    });
    let mut entries = vec![
        ("part".into(), Value::Count(part.place.into())),
        ("parts".into(), Value::Count(part.count.into())),
        ("header-length".into(), Value::Count(u64::try_from(part.header).unwrap_or(u64::MAX))),
    ];
    entries.extend(part.name.map(|name| ("id".into(), Value::from(name))));
    let content = if code.text.is_some() { Content::Text } else { Content::Binary };
    Some(Meaning {
        // Half of an address is somebody's, too.
        sensitivity: Sensitivity::Private,
        details: vec![("structured-append", Value::Map(entries))],
        ..Meaning::of(content)
    })
}

/// Which part it is.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    place: u8,
    count: u8,
    name: Option<String>,
    /// How many bytes stand before the data.
    header: usize,
}

fn part(bytes: &[u8]) -> Option<Part> {
    let (name, rest) = match bytes.strip_prefix(b" ") {
        None => (None, bytes),
        Some(rest) => {
            let (name, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
            (Some(std::str::from_utf8(name).ok()?.to_owned()), rest.get(1..)?)
        }
    };
    let [place @ b'A'..=b'Z', count @ b'A'..=b'Z', rest @ ..] = rest else { return None };
    let number = |letter: u8| letter - b'A' + 1;
    let (place, count) = (number(*place), number(*count));
    (place <= count).then(|| Part { place, count, name, header: bytes.len() - rest.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let whole = |place, count, name: Option<&str>, header| {
            Some(Part { place, count, name: name.map(str::to_owned), header })
        };
        for (name, bytes, want) in [
            ("the second of three", &b"BCdata"[..], whole(2, 3, None, 2)),
            ("with a name", b" X1 ABdata", whole(1, 2, Some("X1"), 6)),
            ("an empty name", b"  AA", whole(1, 1, Some(""), 4)),
            ("the third of two", b"CBdata", None),
            ("small letters", b"abdata", None),
            ("a name without its end", b" X1", None),
            ("too short", b"A", None),
        ] {
            assert_eq!(part(bytes), want, "{name}");
        }
    }
}
