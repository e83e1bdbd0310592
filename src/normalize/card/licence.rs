//! Magnetic stripes of driving licences: recognised so that they are never taken for a bank's card.
//!
//! Contract: pure, a yes or no. Nothing of a licence is taken apart here: all of it says who somebody is.
//!
//! Source: AAMVA DL/ID Card Design Standard, annex F (magnetic stripe), as the manuals of ID TECH and
//! MagTek describe it.

use crate::event::card::Number;

/// The beginnings of the issuers' numbers that the association gives out: 636000 to 636062 and 604426 to
/// 604434. Banks have numbers beside them.
const ISSUERS: [&[u8]; 2] = [b"6360", b"6044"];

/// Whether a track, sentinels included, is one of a licence.
pub(super) fn is_licence(number: Number, text: &[u8]) -> bool {
    match number {
        Number::One => is_track_1(text),
        Number::Two => is_track_2(text) || is_alphanumeric(text, b"@"),
        // Seven bits a character instead of five, so readers show another start sentinel, and there is
        // what five bits cannot hold. A bank's track 3 may be shown with the same sentinel.
        Number::Three => is_alphanumeric(text, b"%#!&"),
    }
}

fn is_alphanumeric(text: &[u8], starts: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b' ';
    text.split_first()
        .is_some_and(|(first, rest)| starts.contains(first) && rest.iter().any(is_letter))
}

/// Two letters for the state, the city, `^`, names with `$` between them, `^`, the address.
fn is_track_1(text: &[u8]) -> bool {
    let [b'%', one, two, rest @ ..] = text else { return false };
    let fields = rest.iter().filter(|byte| **byte == b'^').count();
    one.is_ascii_uppercase() && two.is_ascii_uppercase() && fields >= 2 && rest.contains(&b'$')
}

/// The issuer's number, the licence's, `=`, the expiry as YYMM, the birth date as YYYYMMDD.
fn is_track_2(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b'=') else { return false };
    let (before, behind) = text.split_at(at);
    let number = before.get(1..).unwrap_or_default();
    let birth = behind.get(5..13).unwrap_or_default();
    let is_issuer = ISSUERS.iter().any(|issuer| number.starts_with(issuer));
    is_issuer && number.len() >= 7 && is_date(birth)
}

/// Whether eight digits can be the day on which somebody was born who is alive.
fn is_date(digits: &[u8]) -> bool {
    let number = |range: std::ops::Range<usize>| {
        let digits = std::str::from_utf8(digits.get(range)?).ok()?;
        digits.parse::<u16>().ok()
    };
    let is_in = |range: std::ops::Range<usize>, values: std::ops::RangeInclusive<u16>| {
        number(range).is_some_and(|number| values.contains(&number))
    };
    digits.len() == 8 && is_in(0..4, 1900..=2029) && is_in(4..6, 1..=12) && is_in(6..8, 1..=31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_and_what_is_none() {
        for (name, number, text, want) in [
            ("track 1", Number::One, "%FLDELRAY BEACH^DOE$JOHN$Q^4818 S FEDERAL^?", true),
            ("track 2", Number::Two, ";6360100123456789=250119840109?", true),
            ("track 3", Number::Three, "#1 33483    D A 1600M600180?", true),
            ("a bank's track 1", Number::One, "%B4111111111111111^DOE/JOHN^2512101?", false),
            ("a bank's track 2", Number::Two, ";4111111111111111=25121010000000000000?", false),
            ("a bank's track 3", Number::Three, ";014111111111111111=2780?", false),
            ("one with a licence's sentinel", Number::Three, "#014111111111111111=2780?", false),
            (
                "a bank's, whose digits make a date",
                Number::Two,
                ";6362970000457013=25122010111500000?",
                false,
            ),
            ("a birth date in no month", Number::Two, ";6360100123456789=250119841309?", false),
            ("nothing behind the number", Number::Two, ";6360100123456789=?", false),
        ] {
            assert_eq!(is_licence(number, text.as_bytes()), want, "{name}");
        }
    }
}
