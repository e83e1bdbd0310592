//! Card numbers: the check digit, and how one is shown.
//!
//! Contract: pure. A number that is masked is a new string; whoever holds the old one wipes it.
//!
//! Source: ISO/IEC 7812-1, annex B, for the check digit, as published by several vendors.

/// The shortest and the longest card number, in digits.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;

/// Stands for a digit that is not shown.
const HIDDEN: char = '*';

/// Whether these are digits, not all zero, that end in their check digit: every second one from the
/// right but the check digit counts double, digit by digit.
#[must_use]
pub fn passes_luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        if !digit.is_ascii_digit() {
            return false;
        }
        let value = u32::from(digit - b'0');
        sum += match (place % 2, value * 2) {
            (0, _) => value,
            (_, double @ 10..) => double - 9,
            (_, double) => double,
        };
    }
    sum > 0 && sum.is_multiple_of(10)
}

/// How much of a card number is shown beside its last four digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    #[default]
    LastFour,
    /// The first six too: who issued it. PCI DSS allows no more.
    Bin,
}

/// The number with its digits hidden, as many characters as it has.
///
/// At least six are hidden: a number that is too short for its beginning to be shown as well shows its
/// last four, one that is too short for those nothing.
#[must_use]
pub fn masked(pan: &str, shown: Shown) -> String {
    let length = pan.chars().count();
    let (front, back) = match (shown, length) {
        (Shown::Bin, 16..) => (6, 4),
        (_, 10..) => (0, 4),
        _ => (0, 0),
    };
    let hidden = |place: usize| place >= front && place < length - back;
    let show = |(place, character)| if hidden(place) { HIDDEN } else { character };
    pan.chars().enumerate().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        for (digits, want) in [
            ("4111111111111111", true),
            ("5500005555555559", true),
            ("378282246310005", true),
            ("6011000990139424", true),
            ("4111111111111112", false),
            ("0000000000000000", false),
            ("411111111111111a", false),
            ("", false),
        ] {
            assert_eq!(passes_luhn(digits.as_bytes()), want, "{digits}");
        }
    }

    #[test]
    fn every_wrong_digit_is_found() {
        let good = b"4111111111111111";
        for place in 0..good.len() {
            for digit in b'0'..=b'9' {
                let mut number = *good;
                number[place] = digit;
                assert_eq!(passes_luhn(&number), number == *good, "{place} {digit}");
            }
        }
    }

    #[test]
    fn the_middle_is_never_shown() {
        for (pan, shown, want) in [
            ("4111111111111111", Shown::LastFour, "************1111"),
            ("4111111111111111", Shown::Bin, "411111******1111"),
            ("378282246310005", Shown::LastFour, "***********0005"),
            ("378282246310005", Shown::Bin, "***********0005"),
            ("501812345678", Shown::Bin, "********5678"),
            ("123456789", Shown::Bin, "*********"),
            ("501812345678", Shown::LastFour, "********5678"),
            ("123456789", Shown::LastFour, "*********"),
            ("", Shown::LastFour, ""),
        ] {
            assert_eq!(masked(pan, shown), want, "{pan} {shown:?}");
        }
    }
}
