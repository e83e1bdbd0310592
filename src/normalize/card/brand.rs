//! Whose card it is, by the ranges of issuer numbers.
//!
//! Contract: pure, one table. A number in no range has no brand; that says nothing against it.
//!
//! Source: the ranges that the schemes publish for acquirers, as the encyclopedic table "Payment card
//! number: issuer identification number", the card forms of public shop software and the lists of public
//! validators have them. Where they differ, all of them count: a number that is taken for a card's is
//! masked, one that is not goes to everyone. Where one scheme's cards run in another's network (UnionPay
//! in Discover's) the brand is the one on the card; Elo's and Verve's ranges within Visa's and Discover's
//! are not listed, and have their brand.

use super::pan;

/// A scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The word on the bus.
    pub word: &'static str,
}

/// One row: the first and last number that a card may begin with (of one length), its lengths, the brand.
type Row = (u32, u32, &'static [usize], &'static str);

/// The longer beginnings before the shorter: Elo's, Verve's and others' ranges lie within Maestro's.
const RANGES: &[Row] = &[
    (504_175, 504_175, &[16], "elo"),
    (506_099, 506_198, &[16, 18, 19], "verve"),
    (506_699, 506_778, &[16], "elo"),
    (507_865, 507_964, &[16, 18, 19], "verve"),
    (509_000, 509_999, &[16], "elo"),
    (606_282, 606_282, &[16], "hipercard"),
    (627_780, 627_780, &[16], "elo"),
    (636_297, 636_297, &[16], "elo"),
    (636_368, 636_368, &[16], "elo"),
    (222_100, 272_099, &[16], "mastercard"),
    (1800, 1800, &[15], "jcb"),
    (2131, 2131, &[15], "jcb"),
    (2200, 2204, &[16, 17, 18, 19], "mir"),
    (3528, 3589, &[16, 17, 18, 19], "jcb"),
    (5019, 5019, &[16], "dankort"),
    (6011, 6011, &[16, 17, 18, 19], "discover"),
    (6703, 6703, LONG, "bancontact"),
    (9792, 9792, &[16], "troy"),
    (508, 508, &[16], "rupay"),
    (644, 649, &[16, 17, 18, 19], "discover"),
    (30, 30, &[14, 15, 16, 17, 18, 19], "diners"),
    (34, 34, &[15], "amex"),
    (36, 36, &[14, 15, 16, 17, 18, 19], "diners"),
    (37, 37, &[15], "amex"),
    (38, 39, &[14, 15, 16, 17, 18, 19], "diners"),
    (50, 50, LONG, "maestro"),
    (51, 55, &[16], "mastercard"),
    (56, 58, LONG, "maestro"),
    (62, 62, &[16, 17, 18, 19], "unionpay"),
    (63, 63, LONG, "maestro"),
    (65, 65, &[16, 17, 18, 19], "discover"),
    (67, 67, LONG, "maestro"),
    (81, 81, &[16, 17, 18, 19], "unionpay"),
    (82, 82, &[16], "rupay"),
    (4, 4, &[13, 16, 18, 19], "visa"),
];

/// What some sources give a scheme whole and others in parts. A number here is a card's only where its
/// check digit is right; a shop may have numbers of its own among them. Maestro is given all of 6 by some: then
/// three in a hundred numbers of a shop's own would be cards, so it is not.
const WIDE: &[Row] = &[(60, 60, &[16], "rupay")];

const LONG: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

/// The brand of a card number, digits only.
#[must_use]
pub fn of(pan: &[u8]) -> Option<Brand> {
    let wide = || WIDE.iter().find(|row| holds(row, pan, pan.len()) && pan::passes_luhn(pan));
    of_beginning(pan, pan.len()).or_else(|| wide().map(|(_, _, _, word)| Brand { word }))
}

/// The brand that gives out numbers from one beginning to another of the same length, or a part of them.
#[must_use]
pub fn among(first: &str, last: &str) -> Option<Brand> {
    let meets = |row: &&Row| {
        let (low, high) = (row.0.to_string(), row.1.to_string());
        let common = low.len().min(first.len());
        let cut = |digits: &str| digits.get(..common).unwrap_or_default().to_owned();
        cut(first) <= cut(&high) && cut(&low) <= cut(last)
    };
    RANGES.iter().find(meets).map(|(_, _, _, word)| Brand { word })
}

/// The brand of a card number of so many digits, of which the first are known: nothing where more of them
/// would have to be.
#[must_use]
pub fn of_beginning(known: &[u8], length: usize) -> Option<Brand> {
    if !known.iter().all(u8::is_ascii_digit) {
        return None;
    }
    RANGES.iter().find(|row| holds(row, known, length)).map(|(_, _, _, word)| Brand { word })
}

fn holds((first, last, lengths, _): &Row, known: &[u8], length: usize) -> bool {
    let width = usize::try_from(first.ilog10()).unwrap_or(0) + 1;
    let head = known.get(..width).and_then(|head| {
        head.iter().try_fold(0, |number: u32, digit| {
            Some(number * 10 + u32::from(digit.checked_sub(b'0')?))
        })
    });
    lengths.contains(&length) && head.is_some_and(|head| (*first..=*last).contains(&head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_test_numbers_have_their_brands() {
        for (pan, word) in [
            ("4111111111111111", Some("visa")),
            ("4222222222222", Some("visa")),
            ("5555555555554444", Some("mastercard")),
            ("2223003122003222", Some("mastercard")),
            ("378282246310005", Some("amex")),
            ("30569309025904", Some("diners")),
            ("6011111111111117", Some("discover")),
            ("3530111333300000", Some("jcb")),
            ("6759649826438453", Some("maestro")),
            ("6200000000000005", Some("unionpay")),
            ("2200000000000004", Some("mir")),
            // Published by acquirers for Diners Club and Maestro.
            ("38520000023237", Some("diners")),
            ("5000550000000029", Some("maestro")),
            ("6771798021000008", Some("maestro")),
            ("6799990100000000019", Some("maestro")),
            ("5066991111111118", Some("elo")),
            ("6390000000000000", Some("maestro")),
            ("6001000000000006", Some("rupay")),
            ("6001000000000007", None),
            ("699999999999", None),
            ("411111111111111", None),
            ("1234567890123456", None),
            ("4a11111111111111", None),
            ("", None),
        ] {
            assert_eq!(of(pan.as_bytes()).map(|brand| brand.word), word, "{pan}");
        }
    }

    #[test]
    fn beginnings_of_one_range_are_of_one_length() {
        for (first, last, lengths, word) in RANGES {
            assert_eq!(first.ilog10(), last.ilog10(), "{word} {first}");
            assert!(first <= last && !lengths.is_empty(), "{word} {first}");
        }
    }

    #[test]
    fn beginnings_among_a_scheme_s_are_known() {
        for (first, last, word) in [
            ("4111", "4111", Some("visa")),
            ("3999", "4000", Some("diners")),
            ("2720", "2799", Some("mastercard")),
            ("2721", "2799", None),
            ("50609912", "50609912", Some("verve")),
            ("6001", "6001", None),
            ("7001", "7999", None),
        ] {
            assert_eq!(among(first, last).map(|brand| brand.word), word, "{first}-{last}");
        }
    }

    #[test]
    fn no_range_hides_another() {
        for (place, (first, last, lengths, word)) in RANGES.iter().enumerate() {
            for start in [first, last] {
                let mut pan = format!("{start:0<19}");
                pan.truncate(lengths[0]);
                let found = RANGES.iter().position(|row| holds(row, pan.as_bytes(), pan.len()));
                assert_eq!(found, Some(place), "{word} {start}");
            }
        }
    }
}
