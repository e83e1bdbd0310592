//! The identity numbers of Chinese residents.
//!
//! Contract: pure. A number counts only where region, birth date and check digit are all right: of
//! random digits one in 40,000 passes, and much that is scanned at a till has 18 digits.
//!
//! Source: GB 11643-1999; GB/T 2260 for the regions. Oddity: the lists of districts change, and
//! people keep their numbers, so only the province is looked at.

/// What the digits before the check digit count (GB 11643-1999, Annex A).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The check digit for each remainder of eleven.
const CHECKS: &[u8; 11] = b"10X98765432";

/// Whether this is such a number.
#[must_use]
pub fn is_valid(code: &[u8]) -> bool {
    let Some((check, body)) = code.split_last().filter(|(_, body)| body.len() == WEIGHTS.len())
    else {
        return false;
    };
    body.iter().all(u8::is_ascii_digit)
        && is_province(number(body, 0, 2))
        && is_date(number(body, 6, 4), number(body, 10, 2), number(body, 12, 2))
        && check_digit(body) == Some(check.to_ascii_uppercase())
}

/// The check digit that belongs behind 17 digits.
#[must_use]
pub fn check_digit(body: &[u8]) -> Option<u8> {
    let digits = body.iter().map(|digit| u32::from(digit.wrapping_sub(b'0')));
    let sum: u32 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    CHECKS.get(usize::try_from(sum % 11).ok()?).copied()
}

/// The number that so many digits from a place are.
fn number(digits: &[u8], from: usize, count: usize) -> u32 {
    let digits = digits.iter().skip(from).take(count);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// GB/T 2260, the provinces; 83 is given to residents from Taiwan.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}

/// A day that somebody alive may have been born on, with a century to come: nothing here knows what
/// day it is.
fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1900..=2099).contains(&year) && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        for (name, code, want) in [
            ("GB 11643-1999, Annex A: a man", "11010519491231002X", true),
            ("GB 11643-1999, Annex A: a woman", "440524188001010014", false),
            ("the check digit in lower case", "11010519491231002x", true),
            ("another check digit", "110105194912310021", false),
            ("no such day", "11010519490229002X", false),
            ("no such province", "99010519491231002X", false),
            ("a digit less", "1101051949123100X", false),
            ("fifteen digits, as until 1999", "110105491231002", false),
            ("a letter", "1101051949123100XX", false),
            ("nothing", "", false),
        ] {
            assert_eq!(is_valid(code.as_bytes()), want, "{name}");
        }
        // The second example is right but for its year: it was made up long ago.
        assert_eq!(check_digit(b"44052418800101001"), Some(b'4'));
    }

    #[test]
    fn one_wrong_digit_or_two_swapped_are_found() {
        let good = b"110105194912310038";
        assert!(is_valid(good));
        for place in 0..18 {
            for digit in b'0'..=b'9' {
                let mut code = *good;
                code[place] = digit;
                assert_eq!(is_valid(&code), code == *good, "{place} {digit}");
            }
        }
        for place in 0..17 {
            let mut code = *good;
            code.swap(place, place + 1);
            assert_eq!(is_valid(&code), code == *good, "{place}");
        }
    }

    #[test]
    fn days() {
        for (name, date, want) in [
            ("a leap year", (2000, 2, 29), true),
            ("a century", (1900, 2, 29), false),
            ("the thirty-first of April", (1990, 4, 31), false),
            ("no day", (1990, 1, 0), false),
            ("no month", (1990, 0, 1), false),
            ("a thirteenth month", (1990, 13, 1), false),
            ("too long ago", (1899, 1, 1), false),
        ] {
            let (year, month, day) = date;
            assert_eq!(is_date(year, month, day), want, "{name}");
        }
    }
}
