//! One magnetic track as text: from its start sentinel to its end sentinel.
//!
//! Contract: pure, and it cannot fail: what is wrong with a track is a [`TrackError`] beside the other
//! tracks. Everything that names a person or a card is in a [`Secret`].
//!
//! Source: ISO/IEC 7811-2/-6 and 7813 for tracks 1 and 2, ISO 4909 for track 3, AAMVA DL/ID annex F for
//! licences, as the manuals of Casio, Omnitron, MagTek and ID TECH reproduce them.
//!
//! Oddities: some manuals print the expiry as MMYY; it is YYMM. A PAN that begins with 59 has a country
//! code between the separator and the expiry. A reader's own word for a track it could not read is `E`.

use crate::event::card::{Expiry, Number, ServiceCode, TrackError};
use crate::secret::Secret;

/// What a track holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Track {
    /// A card number as ISO/IEC 7813 or ISO 4909 has it.
    Numbered(Numbered),
    /// A driving licence.
    Licence,
    /// Anything else: loyalty, gift, staff.
    Other,
}

/// A card number and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The number, digits only.
    pub pan: Secret<String>,
    /// The end of its validity.
    pub expiry: Option<Expiry>,
    /// What it may be used for.
    pub service_code: Option<ServiceCode>,
    /// Whether the format code says that it is a bank's: `B` on track 1, two digits on track 3.
    pub is_format_b: bool,
}

/// The value of a character and how many bits it has, as the track's alphabet has it.
fn value(number: Number, character: u8) -> Option<u8> {
    match (number, character) {
        (Number::One, b' '..=b'_') => Some(character - 0x20),
        (Number::Two | Number::Three, b'0'..=b'?') => Some(character - 0x30),
        _ => None,
    }
}

/// What a track begins with. Readers show track 3 with a sign of their own, or as the card does.
fn starts(number: Number) -> &'static [u8] {
    match number {
        Number::One => b"%",
        Number::Two => b";@",
        Number::Three => b";+#!%&",
    }
}

/// The LRC of a track from its start to its end sentinel, both included: the value, without parity.
///
/// `start` is the sentinel that the card has, which readers show as another one on track 3.
#[must_use]
pub fn lrc(number: Number, text: &[u8]) -> Option<u8> {
    text.iter().try_fold(0, |sum, character| Some(sum ^ value(number, *character)?))
}

/// Reads a track between its sentinels, both included.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn read(number: Number, text: &[u8]) -> Result<Track, TrackError> {
    let body = text.get(1..).unwrap_or_default();
    if matches!(body, [b'E', b'?'] | [b'E']) {
        return Err(TrackError::Unread);
    }
    // A digit in its place would be missing from the number.
    if !text.first().is_some_and(|first| starts(number).contains(first)) {
        return Err(TrackError::Unbegun);
    }
    let body = body.strip_suffix(b"?").ok_or(TrackError::Unended(text.len()))?;
    let most = number.longest();
    if text.len() > most {
        return Err(TrackError::TooLong { got: text.len(), most });
    }
    if super::licence::is_licence(number, text) {
        return Ok(Track::Licence);
    }
    if let Some(at) = body.iter().position(|character| value(number, *character).is_none()) {
        return Err(TrackError::Character(at + 2));
    }
    let numbered = match number {
        Number::One => of_track_1(body),
        Number::Two => of_track_2(body),
        Number::Three => of_track_3(body),
    };
    Ok(numbered.map_or(Track::Other, Track::Numbered))
}

/// `B` PAN `^` NAME `^` rest.
fn of_track_1(body: &[u8]) -> Option<Numbered> {
    let (&format, rest) = body.split_first()?;
    let (pan, rest) = split(rest, b'^')?;
    let (_name, rest) = split(rest, b'^')?;
    // Some banks print the number in groups.
    let mut digits: Secret<Vec<u8>> = Secret::with_room(pan.len());
    for digit in pan.iter().filter(|digit| **digit != b' ') {
        // There is room for all of them.
        let _ = digits.push(*digit);
    }
    numbered(digits.expose(), rest, b'^', format == b'B')
}

/// PAN `=` rest.
fn of_track_2(body: &[u8]) -> Option<Numbered> {
    let (pan, rest) = split(body, b'=')?;
    numbered(pan, rest, b'=', false)
}

/// Two digits of format code, PAN `=` and the bank's own.
fn of_track_3(body: &[u8]) -> Option<Numbered> {
    let (format, rest) = body.split_at_checked(2)?;
    let (pan, _banks_own) = split(rest, b'=')?;
    let is_format = format.iter().all(u8::is_ascii_digit);
    let bare = numbered(pan, &[], b'=', true)?;
    is_format.then_some(Numbered { expiry: None, service_code: None, ..bare })
}

fn numbered(pan: &[u8], behind: &[u8], none: u8, is_format_b: bool) -> Option<Numbered> {
    let is_number = (8..=19).contains(&pan.len()) && pan.iter().all(u8::is_ascii_digit);
    let text = Secret::copy_of(std::str::from_utf8(pan).ok()?);
    // Numbers of national banks have the country here; so has nobody else.
    let behind =
        if pan.starts_with(b"59") && behind.len() >= 3 + 7 { behind.get(3..)? } else { behind };
    let (expiry, behind) = field(behind, 4, none);
    let (service, _discretionary) = field(behind, 3, none);
    is_number.then(|| Numbered {
        pan: text,
        expiry: expiry.and_then(Expiry::read),
        service_code: service.and_then(ServiceCode::read),
        is_format_b,
    })
}

/// A field of this length, or the separator that stands for one that is not there.
fn field(text: &[u8], length: usize, none: u8) -> (Option<&[u8]>, &[u8]) {
    match text {
        [first, rest @ ..] if *first == none => (None, rest),
        _ => text.split_at_checked(length).map_or((None, &[]), |(field, rest)| (Some(field), rest)),
    }
}

fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    let (before, behind) = text.split_at_checked(at)?;
    Some((before, behind.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: Number, text: &str) -> String {
        match read(number, text.as_bytes()) {
            Ok(Track::Numbered(Numbered { pan, expiry, service_code, is_format_b })) => format!(
                "{} {} {}{}",
                pan.expose(),
                expiry.map_or("-".to_owned(), |expiry| expiry.to_string()),
                service_code.map_or("-".to_owned(), |code| code.digits()),
                if is_format_b { " B" } else { "" }
            ),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn tracks_are_read() {
        let rows = [
            (
                "MagTek's sample card, track 1",
                Number::One,
                "%B5452300551227189^HOGAN/PAUL      ^08043210000000725000000?",
                "5452300551227189 2008-04 321 B",
            ),
            (
                "MagTek's sample card, track 2",
                Number::Two,
                ";5452300551227189=08043210000000725?",
                "5452300551227189 2008-04 321",
            ),
            (
                "a test number",
                Number::Two,
                ";4111111111111111=25121010000000000000?",
                "4111111111111111 2025-12 101",
            ),
            (
                "no expiry, no service code",
                Number::One,
                "%B4111111111111111^TEST/CARD^^^?",
                "4111111111111111 - - B",
            ),
            (
                "no expiry on track 2",
                Number::Two,
                ";4111111111111111==101?",
                "4111111111111111 - 101",
            ),
            (
                "the number in groups",
                Number::One,
                "%B3782 822463 10005^A/B^2512101?",
                "378282246310005 2025-12 101 B",
            ),
            (
                "a national number with its country",
                Number::Two,
                ";5900000000000000=2762512101?",
                "5900000000000000 2025-12 101",
            ),
            ("no such month", Number::Two, ";4111111111111111=2513101?", "4111111111111111 - 101"),
            ("track 3", Number::Three, ";014111111111111111=2780?", "4111111111111111 - - B"),
            (
                "a digit in the sentinel's place",
                Number::Two,
                "4111111111111111=2512101?",
                "it has no start sentinel",
            ),
            ("a gift card", Number::Two, ";6001=12?", "Other"),
            ("letters", Number::One, "%STAFF 42?", "Other"),
            ("the reader's own word", Number::Two, ";E?", "the reader could not read it"),
            ("cut off", Number::Two, ";41111111", "it has no end sentinel after 9 characters"),
            (
                "a letter on track 2",
                Number::Two,
                ";4111A=2512?",
                "character 6 is none that this track can hold",
            ),
            (
                "too long",
                Number::Two,
                ";4111111111111111=251210100000000000000000000?",
                "it has 46 characters, at most 39 fit",
            ),
        ];
        for (name, number, text, want) in rows {
            assert_eq!(told(number, text), want, "{name}");
        }
    }

    #[test]
    fn checks_are_those_of_the_published_cards() {
        let rows = [
            (Number::Two, ";5452300551227189=08043210000000725?", 6),
            (Number::One, "%B5452300551227189^HOGAN/PAUL      ^08043210000000725000000?", 0x0F),
            (Number::Two, ";4111111111111111=25121010000000000000?", 8),
            (Number::One, "%B4111111111111111^TEST/CARD^2512101000000000?", 0x34),
        ];
        for (number, text, want) in rows {
            assert_eq!(lrc(number, text.as_bytes()), Some(want), "{text}");
        }
        assert_eq!(lrc(Number::Two, b";A?"), None);
    }
}
