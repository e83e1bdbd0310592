//! What is checked of a value's parts.
//!
//! Contract: pure, on bytes whose characters and length have been checked. A check says which byte
//! of the part is wrong and what is wrong with it, and never repeats what it read.
//!
//! Sources: GS1 General Specifications, sections 7.9 (check digits and check pairs), 7.12 (years of
//! two digits) and 3 (each identifier); ISO 13616 (IBAN).

use super::Wrong;
use super::ai::{Check, Set};
use super::{codes, coupon};
use crate::normalize::gtin;

/// The year that years of two digits are taken near to: from 49 years before it to 50 after it.
///
/// The General Specifications take the current year. A clock would make one label mean two things
/// on two days; a fixed year does the same for all dates up to 2076.
const YEAR: u32 = 2026;

/// The first of these characters that is not in the set.
pub(super) fn foreign(set: Set, value: &[u8]) -> Option<usize> {
    match set {
        Set::N => value.iter().position(|byte| !byte.is_ascii_digit()),
        Set::X => value.iter().position(|byte| rank(*byte).is_none()),
        Set::Y => value.iter().position(|byte| {
            !byte.is_ascii_digit() && !byte.is_ascii_uppercase() && !b"#-/".contains(byte)
        }),
        Set::Z => {
            // Padding is allowed and makes whole groups of four.
            let text = value.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
            if text < value.len() && (!value.len().is_multiple_of(4) || value.len() - text > 2) {
                return Some(text);
            }
            value
                .iter()
                .take(text)
                .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_".contains(byte))
        }
    }
}

/// Checks one part.
pub(super) fn check(check: Check, value: &[u8]) -> Result<(), (usize, Wrong)> {
    use Check as C;
    let whole = |right: bool, wrong: Wrong| if right { Ok(()) } else { Err((0, wrong)) };
    match check {
        C::Digit => match value.split_last() {
            Some((digit, body)) if gtin::check_digit(body) == Some(*digit) => Ok(()),
            _ => Err((value.len().saturating_sub(1), Wrong::CheckDigit)),
        },
        C::Pair => pair(value),
        C::Prefix1 => prefix(value, 0),
        C::Prefix2 => prefix(value, 1),
        C::Date => date(value, false).map(drop),
        C::Date0 => date(value, true).map(drop),
        C::LongDate => {
            let (year, day) = value.split_at_checked(4).unwrap_or_default();
            day_of(number(year), day, false).map_err(|(at, wrong)| (at + 4, wrong)).map(drop)
        }
        C::HourMinute => {
            let (hour, minute) = value.split_at_checked(2).unwrap_or_default();
            whole(number(hour) < 24, Wrong::Time)?;
            if number(minute) < 60 { Ok(()) } else { Err((2, Wrong::Time)) }
        }
        C::Hour => whole(number(value) < 24, Wrong::Time),
        C::Minute | C::Second => whole(number(value) < 60, Wrong::Time),
        C::Currency => whole(codes::currency(short(value)).is_some(), Wrong::Currency),
        C::Country => whole(codes::is_country(short(value)), Wrong::Country),
        C::CountryOr999 => {
            whole(value == b"999" || codes::is_country(short(value)), Wrong::Country)
        }
        C::CountryAlpha => whole(codes::is_country_alpha(value), Wrong::Country),
        C::Percent => percent(value),
        C::Latitude => whole(number(value) <= 1_800_000_000, Wrong::Position),
        C::Longitude => whole(number(value) <= 3_600_000_000, Wrong::Position),
        C::YesNo => whole(matches!(value, b"0" | b"1"), Wrong::Value),
        C::Hyphen => whole(value == b"-", Wrong::Value),
        C::Importer => whole(
            value.iter().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)),
            Wrong::Value,
        ),
        C::Package => whole(codes::is_package(value), Wrong::Value),
        C::Medium => whole(matches!(number(value), 1..=10 | 80..=99), Wrong::Value),
        C::Sex => whole(matches!(value, b"0" | b"1" | b"2" | b"9"), Wrong::Value),
        C::Sequence => match value {
            [place @ b'1'..=b'9', b'/', count @ b'1'..=b'9'] if place <= count => Ok(()),
            _ => Err((0, Wrong::Piece)),
        },
        C::NonZero => whole(value.iter().any(|digit| *digit != b'0'), Wrong::Value),
        C::Winding => whole(matches!(value, b"0" | b"1" | b"9"), Wrong::Value),
        C::Zero => whole(value == b"0", Wrong::Value),
        C::Piece => {
            let (piece, count) = value.split_at_checked(2).unwrap_or_default();
            whole((1..=number(count)).contains(&number(piece)), Wrong::Piece)
        }
        C::Iban => whole(is_iban(value), Wrong::Iban),
        C::NoZeroFirst => whole(value == b"0" || !value.starts_with(b"0"), Wrong::Value),
        C::NonDigit => whole(!value.iter().all(u8::is_ascii_digit), Wrong::Value),
        C::Coupon => coupon::check(value),
        C::Offer => coupon::check_offer(value),
    }
}

/// A day, its year in full. The day is nothing where the value gives only the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: Option<u32>,
}

impl Day {
    /// The day; the last one of the month where only that is given (General Specifications 3.4).
    pub(super) fn last(self) -> u32 {
        self.day.unwrap_or_else(|| days(self.year, self.month))
    }
}

/// The day of `YYMMDD`, `DD` being 00 only where that is allowed.
pub(super) fn date(value: &[u8], zero: bool) -> Result<Day, (usize, Wrong)> {
    let (year, day) = value.split_at_checked(2).unwrap_or_default();
    day_of(century(number(year)), day, zero).map_err(|(at, wrong)| (at + 2, wrong))
}

/// The year that two digits mean.
fn century(year: u64) -> u64 {
    let (now, near) = (u64::from(YEAR), u64::from(YEAR) / 100 * 100 + year);
    match near {
        _ if near >= now + 51 => near - 100,
        _ if near + 50 <= now => near + 100,
        _ => near,
    }
}

/// `MMDD` of a year.
fn day_of(year: u64, value: &[u8], zero: bool) -> Result<Day, (usize, Wrong)> {
    let (month, day) = value.split_at_checked(2).unwrap_or_default();
    let small = |digits: &[u8]| u32::try_from(number(digits)).unwrap_or(u32::MAX);
    let (year, month, day) = (u32::try_from(year).unwrap_or(0), small(month), small(day));
    match day {
        _ if !(1..=12).contains(&month) => Err((0, Wrong::Date)),
        0 if zero => Ok(Day { year, month, day: None }),
        day if (1..=days(year, month)).contains(&day) => Ok(Day { year, month, day: Some(day) }),
        _ => Err((2, Wrong::Date)),
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// The number that up to nineteen digits are.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| {
        number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

fn short(digits: &[u8]) -> u16 {
    u16::try_from(number(digits)).unwrap_or(u16::MAX)
}

/// The shortest GS1 Company Prefix has four digits. Which are given out is not looked up.
fn prefix(value: &[u8], start: usize) -> Result<(), (usize, Wrong)> {
    let digits = value.iter().skip(start).take(4);
    match digits.clone().position(|byte| !byte.is_ascii_digit()) {
        Some(at) => Err((start + at, Wrong::Prefix)),
        None if digits.count() < 4 => Err((start, Wrong::Prefix)),
        None => Ok(()),
    }
}

/// The place of a character among the 82.
fn rank(byte: u8) -> Option<u32> {
    #[expect(clippy::indexing_slicing, reason = "the compiler computes it and stops at an error")]
    const RANKS: [u8; 128] = {
        let order =
            b"!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
        let mut ranks = [u8::MAX; 128];
        let mut place = 0;
        while place < 82 {
            ranks[order[place as usize] as usize] = place;
            place += 1;
        }
        ranks
    };
    RANKS.get(usize::from(byte)).copied().filter(|rank| *rank != u8::MAX).map(u32::from)
}

/// The check pair that belongs behind this text: section 7.9.5. Nothing where it is too long for
/// one or has a foreign character.
#[must_use]
pub fn check_pair(body: &[u8]) -> Option<[u8; 2]> {
    const PRIMES: [u32; 23] =
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    if body.len() > PRIMES.len() {
        return None;
    }
    let mut sum = 0;
    for (byte, prime) in body.iter().rev().zip(PRIMES) {
        sum += rank(*byte)? * prime;
    }
    let letter = |value: u32| LETTERS.get(usize::try_from(value).ok()?).copied();
    Some([letter(sum % 1021 / 32)?, letter(sum % 1021 % 32)?])
}

fn pair(value: &[u8]) -> Result<(), (usize, Wrong)> {
    let start = value.len().saturating_sub(2);
    let (body, pair) = value.split_at_checked(start).unwrap_or_default();
    match check_pair(body) {
        Some(right) if pair == right => Ok(()),
        _ => Err((start, Wrong::CheckPair)),
    }
}

fn percent(value: &[u8]) -> Result<(), (usize, Wrong)> {
    for (at, byte) in value.iter().enumerate() {
        let digits = value.get(at + 1..at + 3).unwrap_or_default();
        if *byte == b'%' && (digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err((at, Wrong::Percent));
        }
    }
    Ok(())
}

fn is_iban(value: &[u8]) -> bool {
    let Some((head, body)) = value.split_at_checked(4) else { return false };
    let country = head.get(..2).unwrap_or_default();
    if body.is_empty() || !codes::is_country_alpha(country) {
        return false;
    }
    let mut rest: u32 = 0;
    for byte in body.iter().chain(head) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_right_or_wrong() {
        use Check as C;
        for (name, kind, value, wrong) in [
            ("a check digit", C::Digit, "04006381333931", None),
            ("another one", C::Digit, "04006381333932", Some((13, Wrong::CheckDigit))),
            // GS1 General Specifications, section 7.9.5: the example of a GMN.
            ("a check pair", C::Pair, "1987654Ad4X4bL5ttr2310c2K", None),
            ("another pair", C::Pair, "1987654Ad4X4bL5ttr2310c2L", Some((23, Wrong::CheckPair))),
            ("a date", C::Date, "240229", None),
            ("no leap year", C::Date, "250229", Some((4, Wrong::Date))),
            ("the thirteenth month", C::Date0, "251301", Some((2, Wrong::Date))),
            ("a month", C::Date0, "250200", None),
            ("a month where a day is wanted", C::Date, "250200", Some((4, Wrong::Date))),
            ("1900 was no leap year", C::LongDate, "19000229", Some((6, Wrong::Date))),
            ("midnight", C::HourMinute, "0000", None),
            ("the sixtieth minute", C::HourMinute, "2360", Some((2, Wrong::Time))),
            ("the euro", C::Currency, "978", None),
            ("no currency", C::Currency, "123", Some((0, Wrong::Currency))),
            ("no country", C::Country, "999", Some((0, Wrong::Country))),
            ("999 where it is allowed", C::CountryOr999, "999", None),
            ("an escape", C::Percent, "a%2Fb", None),
            ("half an escape", C::Percent, "a%2", Some((1, Wrong::Percent))),
            ("the north pole", C::Latitude, "1800000000", None),
            ("past the pole", C::Latitude, "1800000001", Some((0, Wrong::Position))),
            ("a piece of its total", C::Piece, "0202", None),
            ("more pieces than there are", C::Piece, "0302", Some((0, Wrong::Piece))),
            ("piece zero", C::Piece, "0002", Some((0, Wrong::Piece))),
            ("a place", C::Sequence, "1/2", None),
            ("past the last place", C::Sequence, "3/2", Some((0, Wrong::Piece))),
            ("an IBAN", C::Iban, "GB82WEST12345698765432", None),
            ("a wrong IBAN", C::Iban, "GB83WEST12345698765432", Some((0, Wrong::Iban))),
            ("a prefix", C::Prefix1, "1234A", None),
            ("no prefix", C::Prefix2, "X123A", Some((4, Wrong::Prefix))),
            ("too short for a prefix", C::Prefix1, "123", Some((0, Wrong::Prefix))),
        ] {
            assert_eq!(check(kind, value.as_bytes()).err(), wrong, "{name}");
        }
    }

    #[test]
    fn years_are_near_the_reference() {
        for (year, want) in [(0, 2000), (26, 2026), (76, 2076), (77, 1977), (99, 1999)] {
            assert_eq!(century(year), want);
        }
    }

    #[test]
    fn character_sets() {
        for (name, set, value, at) in [
            ("all of the 82", Set::X, "!\"%&'()*+,-./09:;<=>?AZ_az", None),
            ("a blank is none of the 82", Set::X, "a b", Some(1)),
            ("no hash among the 82", Set::X, "#", Some(0)),
            ("a hash among the 39", Set::Y, "A#-/0", None),
            ("no small letter among the 39", Set::Y, "Aa", Some(1)),
            ("base64", Set::Z, "aZ09-_", None),
            ("padded base64", Set::Z, "aZ09-_==", None),
            ("padded wrongly", Set::Z, "aZ09-_=", Some(6)),
            ("digits", Set::N, "0123456789", None),
        ] {
            assert_eq!(foreign(set, value.as_bytes()), at, "{name}");
        }
    }
}
