//! What a character is to a number: a digit, nothing, something that may stand between digits, or an end.
//!
//! Contract: pure, one pass. Every decimal digit of Unicode counts, in whatever script. What is not seen
//! (control characters, and so the zeros of UTF-16; zero-width characters) does not part digits. GS1's
//! separator and its like part them for good: a number does not run from one field into the next.
//!
//! Source: Unicode 14, general categories Nd and Pd.

use std::ops::Range;

use crate::event::Aim;
use crate::normalize::text;

/// A character where it stands: its bytes in the text.
pub(super) type Placed = (Range<usize>, char);

/// What a character is to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A digit, whatever its script.
    Digit(u8),
    /// Nothing that anybody sees.
    Unseen,
    /// What people write between groups of digits.
    Between,
    /// The end of a number.
    End,
}

/// Where the decimal digits of each script begin; they stand in a row from zero to nine.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
    0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// The decimal digit that a character is.
pub(super) fn digit(character: char) -> Option<u8> {
    if character.is_ascii() && !character.is_ascii_digit() {
        return None;
    }
    let code = u32::from(character);
    let row = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS.get(row)?;
    u8::try_from(value).ok().filter(|value| *value < 10)
}

/// What a character is to a number.
pub(super) fn role(character: char) -> Role {
    if let Some(value) = digit(character) {
        return Role::Digit(value);
    }
    match character {
        '\u{1C}'..='\u{1F}' => Role::End,
        '\t' | '\n' | '\r' | ' ' | '-' | '.' | '+' | '_' => Role::Between,
        // Most of what is asked about.
        '!'..='~' => Role::End,
        // A digit in a box is a digit and two of these.
        '\u{FE0F}' | '\u{20E3}' => Role::Unseen,
        _ if text::acts_unseen(character) => Role::Unseen,
        _ if character.is_whitespace() || is_dash(character) => Role::Between,
        '\u{B7}' | '\u{FF0E}' | '\u{FF0B}' | '\u{FF3F}' => Role::Between,
        _ => Role::End,
    }
}

fn is_dash(character: char) -> bool {
    matches!(
        character,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
    )
}

/// How the characters of a code are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// As they stand.
    Text(&'a str),
    /// As they stand, but for `%34` and its like, which are what they stand for in a link.
    Escaped(&'a str),
    /// Bytes that are no text: those of ASCII count.
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Where the code begins: behind an AIM identifier that the device sends and its profile knows nothing
    /// of, whose last character is no digit of a number.
    pub(super) fn start(self) -> usize {
        let bytes = match self {
            Self::Text(text) | Self::Escaped(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        };
        Aim::split(bytes).map_or(0, |(_, rest)| bytes.len() - rest.len())
    }

    /// The characters from this place on.
    pub(super) fn characters(self, at: usize) -> Characters<'a> {
        Characters { source: self, at }
    }
}

/// The characters of a code, one after another.
#[derive(Clone, Debug)]
pub(super) struct Characters<'a> {
    source: Source<'a>,
    at: usize,
}

impl Iterator for Characters<'_> {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        let start = self.at;
        let (character, width) = match self.source {
            Source::Text(text) => plain(text, start)?,
            Source::Escaped(text) => match escaped(text.as_bytes(), start) {
                Some(found) => found,
                None => plain(text, start)?,
            },
            Source::Bytes(bytes) => {
                let byte = *bytes.get(start)?;
                (if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }, 1)
            }
        };
        self.at += width;
        Some((start..self.at, character))
    }
}

fn plain(text: &str, at: usize) -> Option<(char, usize)> {
    let character = text.get(at..)?.chars().next()?;
    Some((character, character.len_utf8()))
}

/// The character that stands here in escapes, and how many bytes they take.
fn escaped(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = escape(text, at)?;
    let count = match first {
        0..0x80 => return Some((char::from(first), 3)),
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0.. => 4,
        _ => 1,
    };
    let mut bytes = [0; 4];
    for (place, byte) in bytes.iter_mut().take(count).enumerate() {
        *byte = escape(text, at + 3 * place).unwrap_or_default();
    }
    let whole = bytes.get(..count).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let character = whole.and_then(|text| text.chars().next());
    Some(character.map_or((char::REPLACEMENT_CHARACTER, 3), |found| (found, 3 * count)))
}

/// The byte that an escape here stands for.
fn escape(text: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = text.get(at..at + 3)? else { return None };
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    u8::try_from(value(high)? * 16 + value(low)?).ok()
}

/// Whether there is an escape in a text.
pub(super) fn has_escapes(text: &str) -> bool {
    memchr::memchr_iter(b'%', text.as_bytes()).any(|at| escape(text.as_bytes(), at).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_digits_and_nothing_else_is() {
        let all = (0..0x11_0000).filter_map(char::from_u32);
        assert_eq!(all.filter(|character| digit(*character).is_some()).count(), 660);
        for (digits, name) in [
            ("0123456789", "ASCII"),
            ("０１２３４５６７８９", "full width"),
            ("٠١٢٣٤٥٦٧٨٩", "Arabic"),
        ] {
            let values: Vec<Option<u8>> = digits.chars().map(digit).collect();
            assert_eq!(values, (0..10).map(Some).collect::<Vec<_>>(), "{name}");
        }
        for other in ['/', ':', 'a', '²', '①', '四', 'Ⅳ'] {
            assert_eq!(digit(other), None, "{other}");
        }
    }

    #[test]
    fn roles() {
        for (character, want) in [
            ('7', Role::Digit(7)),
            ('７', Role::Digit(7)),
            ('\0', Role::Unseen),
            ('\u{200B}', Role::Unseen),
            ('\u{AD}', Role::Unseen),
            ('\u{1B}', Role::Unseen),
            (' ', Role::Between),
            ('\u{A0}', Role::Between),
            ('\u{3000}', Role::Between),
            ('\n', Role::Between),
            ('-', Role::Between),
            ('\u{2013}', Role::Between),
            ('\u{1D}', Role::End),
            ('a', Role::End),
            ('/', Role::End),
            (',', Role::End),
            ('茶', Role::End),
        ] {
            assert_eq!(role(character), want, "{character:?}");
        }
    }

    #[test]
    fn escapes_are_the_characters_that_they_stand_for() {
        let read = |text| -> String {
            Source::Escaped(text).characters(0).map(|(_, character)| character).collect()
        };
        for (text, want) in [
            ("a%34%31b", "a41b"),
            ("%EF%BC%94", "４"),
            ("%e2%80%8b", "\u{200B}"),
            ("%B41", "\u{FFFD}1"),
            ("100%", "100%"),
            ("%3", "%3"),
            ("%zz", "%zz"),
            ("茶%20", "茶 "),
            ("%F0%9F", "\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(read(text), want, "{text}");
            assert_eq!(has_escapes(text), text != want, "{text}");
        }
    }
}
