//! Whose card it is, by the ranges of issuer numbers.
//!
//! Contract: pure, one table. A number in no range has no brand; that says nothing against it.
//!
//! Source: the ranges that the schemes publish for acquirers, as the encyclopedic table "Payment card
//! number: issuer identification number" lists them and the card forms of public shop software use them.
//! Only ranges that both have are here. Where one scheme's cards run in another's network (UnionPay in
//! Discover's) the brand is the one on the card.

/// A scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The word on the bus.
    pub word: &'static str,
}

/// One row: the first and last number that a card may begin with (of one length), its lengths, the brand.
type Row = (u32, u32, &'static [usize], &'static str);

/// The longer beginnings before the shorter: Maestro's and Elo's ranges lie within others'.
const RANGES: &[Row] = &[
    (506_099, 506_198, &[16, 18, 19], "verve"),
    (507_865, 507_964, &[16, 18, 19], "verve"),
    (606_282, 606_282, &[16], "hipercard"),
    (222_100, 272_099, &[16], "mastercard"),
    (2200, 2204, &[16, 17, 18, 19], "mir"),
    (3528, 3589, &[16, 17, 18, 19], "jcb"),
    (5018, 5018, LONG, "maestro"),
    (5019, 5019, &[16], "dankort"),
    (5020, 5020, LONG, "maestro"),
    (5038, 5038, LONG, "maestro"),
    (5893, 5893, LONG, "maestro"),
    (6011, 6011, &[16, 17, 18, 19], "discover"),
    (6304, 6304, LONG, "maestro"),
    (6703, 6703, LONG, "bancontact"),
    (6759, 6759, LONG, "maestro"),
    (6761, 6763, LONG, "maestro"),
    (9792, 9792, &[16], "troy"),
    (300, 305, &[14, 15, 16, 17, 18, 19], "diners"),
    (309, 309, &[14, 15, 16, 17, 18, 19], "diners"),
    (644, 649, &[16, 17, 18, 19], "discover"),
    (34, 34, &[15], "amex"),
    (36, 36, &[14, 15, 16, 17, 18, 19], "diners"),
    (37, 37, &[15], "amex"),
    (38, 39, &[16, 17, 18, 19], "diners"),
    (51, 55, &[16], "mastercard"),
    (62, 62, &[16, 17, 18, 19], "unionpay"),
    (65, 65, &[16, 17, 18, 19], "discover"),
    (81, 81, &[16, 17, 18, 19], "unionpay"),
    (4, 4, &[13, 16, 18, 19], "visa"),
];

const LONG: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

/// The brand of a card number, digits only.
#[must_use]
pub fn of(pan: &[u8]) -> Option<Brand> {
    of_beginning(pan, pan.len())
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
