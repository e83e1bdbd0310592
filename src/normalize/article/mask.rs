//! Masks for numbers that hold a weight, a price or a count.
//!
//! ```text
//! 21IIIIIWWwwwC kg      an item, and its weight: two digits of kilograms and three decimals
//! 22IIIIVPPPppC EUR     a price with a check digit of its own
//! 2IIIIIVPPppC          the same in UPC-A: twelve digits
//! ```
//!
//! A digit stands for itself and `.` for any digit. `I` is a digit of the item's number, `P` of a
//! price, `W` of a weight, `Q` of a count; small `p` and `w` are decimals. `V` is the check digit of
//! the price or the weight, `C` that of the whole number and always the last. Behind a blank stands
//! the unit of a weight (kg where nothing is said) or the currency of a price.
//!
//! Contract: pure. Masks are tried in their order. One whose price has the wrong check digit still
//! has the form, but a later one that is right in all is better.
//!
//! Source: GS1 General Specifications, sections 2.1.12 (numbers in a country or a company only) and
//! 7.9.2 to 7.9.4 (check digits of prices and weights). What the digits mean is each country's and
//! each shop's to say: there is no default.

use crate::event::{Content, Value};
use crate::normalize::Meaning;
use crate::normalize::currency::Currency;
use crate::normalize::gs1::{decimal, quantity};

/// In-store numbers that hold a weight or a price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks(Vec<Mask>);

/// The form of one kind of in-store number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    form: Vec<u8>,
    measure: Measure,
    unit: Option<&'static str>,
    decimals: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Weight,
    Price,
    Count,
}

const LETTERS: &str = "0 to 9, `.`, I, P, p, W, w, Q, V and C";
const UNITS: [&str; 4] = ["kg", "g", "lb", "oz"];

impl Masks {
    /// These masks, in their order.
    #[must_use]
    pub fn new(masks: Vec<Mask>) -> Self {
        Self(masks)
    }

    /// What a number means, if a mask has its form. The number's own check digit has been checked.
    pub(super) fn read(&self, digits: &[u8]) -> Option<Meaning> {
        let mut second = None;
        for mask in &self.0 {
            match mask.read(digits) {
                Some((meaning, true)) => return Some(meaning),
                Some((meaning, false)) => second = second.or(Some(meaning)),
                None => {}
            }
        }
        second
    }
}

impl Mask {
    /// Reads a mask as it is written.
    ///
    /// # Errors
    ///
    /// What was found and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (form, unit) = text.split_once(' ').map_or((text, None), |(f, u)| (f, Some(u.trim())));
        if let Some(letter) =
            form.chars().find(|letter| !letter.is_ascii_digit() && !".IPpWwQVC".contains(*letter))
        {
            return Err(format!("{letter:?} stands for nothing; accepted are {LETTERS}"));
        }
        if ![8, 12, 13].contains(&form.len()) {
            return Err(format!("{} places; accepted are 8, 12 or 13", form.len()));
        }
        let count = |letters: &str| form.chars().filter(|letter| letters.contains(*letter)).count();
        let own = match form.as_bytes() {
            [b'2', ..] => true,
            [b'0', b'2' | b'4', ..] => form.len() == 13,
            [b'4', ..] => form.len() == 12,
            [b'0', ..] => form.len() == 8,
            _ => false,
        };
        if !own {
            return Err(
                "the first digits are not a shop's to give out; accepted are 02, 04 and 20 to \
                        29, in 12 places 2 and 4, in 8 places 0 and 2"
                    .to_owned(),
            );
        }
        if count("C") != 1 || !form.ends_with('C') {
            return Err("its check digit is missing; accepted is one C, at the end".to_owned());
        }
        if count("I") == 0 {
            return Err("no item; accepted is at least one I".to_owned());
        }
        let measure = match (count("Ww"), count("Pp"), count("Q")) {
            (1.., 0, 0) => Measure::Weight,
            (0, 1.., 0) => Measure::Price,
            (0, 0, 1..) => Measure::Count,
            _ => return Err("one of weight (W), price (P) and count (Q) is accepted".to_owned()),
        };
        let run: String = form.chars().filter(|letter| "PpWwQ".contains(*letter)).collect();
        let decimals = count("pw");
        if !form.contains(&run)
            || run.find(['p', 'w']).is_some_and(|first| first != run.len() - decimals)
        {
            return Err(format!("{run} is in pieces; accepted is one run, decimals at its end"));
        }
        match count("V") {
            0 => {}
            1 if matches!(run.len(), 4 | 5) && measure != Measure::Count => {}
            _ => {
                return Err(format!(
                    "a check digit for {} digits; accepted is one V for 4 or 5 digits of a price or \
                     a weight",
                    run.len()
                ));
            }
        }
        let unit = unit_of(measure, unit)?;
        Ok(Self { form: form.as_bytes().to_vec(), measure, unit, decimals })
    }

    /// What these digits mean, and whether the check digit of price or weight is right.
    fn read(&self, digits: &[u8]) -> Option<(Meaning, bool)> {
        // UPC-A has twelve digits of the thirteen that EAN-13 has.
        let digits = match digits.strip_prefix(b"0") {
            Some(upc) if self.form.len() == 12 => upc,
            _ => digits,
        };
        let fits = |(form, digit): (&u8, &u8)| !form.is_ascii_digit() || form == digit;
        if digits.len() != self.form.len() || !self.form.iter().zip(digits).all(fits) {
            return None;
        }
        let take = |letters: &[u8]| -> Vec<u8> {
            let places = self.form.iter().zip(digits).filter(|(form, _)| letters.contains(form));
            places.map(|(_, digit)| *digit).collect()
        };
        let text = |digits: Vec<u8>| Value::from(String::from_utf8_lossy(&digits).into_owned());
        let (item, measure, check) = (take(b"I"), take(b"PpWwQ"), take(b"V"));
        let right = check.first().is_none_or(|check| measure_check_digit(&measure) == Some(*check));
        let mut meaning = Meaning::of(Content::VariableMeasure);
        meaning.details.push(("item", text(item)));
        if !check.is_empty() {
            meaning.details.push(("measure-check", if right { "right" } else { "wrong" }.into()));
        }
        // What is misread must not be charged.
        if right {
            let number = decimal(&measure, self.decimals);
            meaning.details.push(match self.measure {
                Measure::Weight => ("net-weight", quantity(number, "unit", self.unit)),
                Measure::Price => ("price", quantity(number, "currency", self.unit)),
                Measure::Count => ("count", Value::Count(number.parse().unwrap_or(0))),
            });
        }
        Some((meaning, right))
    }
}

/// The unit of a weight, or the currency of a price.
fn unit_of(measure: Measure, unit: Option<&str>) -> Result<Option<&'static str>, String> {
    match (measure, unit) {
        (Measure::Weight, None) => Ok(Some("kg")),
        (Measure::Weight, Some(unit)) => match UNITS.into_iter().find(|known| *known == unit) {
            Some(unit) => Ok(Some(unit)),
            None => Err(format!("{unit:?} is no unit of weight; accepted: {}", UNITS.join(", "))),
        },
        (_, None) => Ok(None),
        (Measure::Price, Some(currency)) => {
            let known = Currency::by_letters(currency).filter(|known| known.alpha == currency);
            match known {
                Some(known) => Ok(Some(known.alpha)),
                None => Err(format!(
                    "{currency:?} is no currency; accepted are the three letters of one (EUR)"
                )),
            }
        }
        (Measure::Count, Some(unit)) => {
            Err(format!("{unit:?} behind a count; accepted is nothing"))
        }
    }
}

/// The check digit of a price or a weight of four or five digits. Nothing for another length.
///
/// Each place has a weighting of its own, which the standard gives as tables: 2 times the digit less
/// its tens, 3 times, 5 times plus its tens, 5 times less its tens.
#[must_use]
pub fn measure_check_digit(digits: &[u8]) -> Option<u8> {
    const TWO_MINUS: &[u8; 10] = &[0, 2, 4, 6, 8, 9, 1, 3, 5, 7];
    const THREE: &[u8; 10] = &[0, 3, 6, 9, 2, 5, 8, 1, 4, 7];
    const FIVE_PLUS: &[u8; 10] = &[0, 5, 1, 6, 2, 7, 3, 8, 4, 9];
    const FIVE_MINUS: &[u8; 10] = &[0, 5, 9, 4, 8, 3, 7, 2, 6, 1];
    let weigh = |weightings: &[&[u8; 10]]| -> Option<u32> {
        let weighted = digits.iter().zip(weightings).map(|(digit, weighting)| {
            let digit = usize::from(digit.checked_sub(b'0')?);
            weighting.get(digit).copied().map(u32::from)
        });
        weighted.sum()
    };
    let check = match digits.len() {
        4 => weigh(&[TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS])? * 3 % 10,
        5 => {
            let sum = weigh(&[FIVE_PLUS, TWO_MINUS, FIVE_MINUS, FIVE_PLUS, TWO_MINUS])?;
            let left = (10 - sum % 10) % 10;
            let digit = FIVE_MINUS.iter().position(|weighted| u32::from(*weighted) == left)?;
            u32::try_from(digit).ok()?
        }
        _ => return None,
    };
    u8::try_from(check).ok().map(|check| b'0' + check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::gtin;

    #[test]
    fn check_digits_of_prices() {
        // GS1 General Specifications, sections 7.9.3 and 7.9.4: the examples.
        assert_eq!(measure_check_digit(b"2875"), Some(b'9'));
        assert_eq!(measure_check_digit(b"14685"), Some(b'6'));
        assert_eq!((measure_check_digit(b"123"), measure_check_digit(b"12a4")), (None, None));
    }

    /// A number with its check digit, read by a mask.
    fn read(mask: &str, body: &str) -> Option<String> {
        let mask = Mask::parse(mask).unwrap_or_else(|error| panic!("{mask}: {error}"));
        let mut digits = body.as_bytes().to_vec();
        digits.push(gtin::check_digit(&digits).unwrap());
        let meaning = Masks::new(vec![mask]).read(&digits)?;
        Some(format!("{:?}", meaning.details).replace("Text(", "").replace(')', ""))
    }

    #[test]
    fn masks_take_numbers_apart() {
        for (name, mask, body, parts) in [
            ("a weight", "21IIIIIWWwwwC", "211234501500", &["12345", "1.500", "kg"][..]),
            ("a weight in grams", "21IIIIIWWWWWC g", "211234501500", &["1500", "\"g\""]),
            ("a price", "20IIIIIPPPppC EUR", "201234500199", &["12345", "1.99", "EUR"]),
            ("its check digit", "22IIIIIVPPppC", "221234592875", &["28.75", "right"]),
            ("a count", "29IIIIIIQQQQC", "291234560012", &["123456", "Count(12"]),
            ("in eight digits", "2IIPPppC", "2121999", &["12", "19.99"]),
        ] {
            let said = read(mask, body).unwrap_or_else(|| panic!("{name}: no such form"));
            assert!(parts.iter().all(|part| said.contains(part)), "{name}: {said}");
        }
        let wrong = read("22IIIIIVPPppC", "221234582875").unwrap();
        assert!(wrong.contains("wrong") && !wrong.contains("28.75"), "{wrong}");
        assert_eq!(read("21IIIIIWWwwwC", "221234501500"), None, "another prefix");
        assert_eq!(read("2IIIIIVPPppC", "211234501500"), None, "twelve places, thirteen digits");
        assert!(read("2IIIIIVPPppC", "021234592875").unwrap().contains("28.75"), "UPC-A");
    }

    #[test]
    fn a_mask_that_is_right_in_all_comes_before_one_with_a_wrong_check_digit() {
        let masks = ["22IIIIIVPPppC", "22IIIIIPPPppC"].map(|mask| Mask::parse(mask).unwrap());
        let mut digits = b"221234582875".to_vec();
        digits.push(gtin::check_digit(&digits).unwrap());
        let meaning = Masks::new(masks.to_vec()).read(&digits).unwrap();
        assert!(format!("{meaning:?}").contains("828.75"), "{meaning:?}");
    }

    #[test]
    fn a_wrong_mask_is_told_what_is_accepted() {
        for (mask, want) in [
            ("21IIIIIXXXXXC", "'X' stands for nothing; accepted are"),
            ("21IIIIIIWWwwwC", "14 places; accepted are 8, 12 or 13"),
            ("40IIIIIWWwwwC", "not a shop's to give out; accepted are 02, 04 and 20 to 29"),
            ("21IIIIIWWwwwI", "accepted is one C, at the end"),
            ("21.....WWwwwC", "no item; accepted is at least one I"),
            ("21IIIIIIIIIIC", "one of weight (W), price (P) and count (Q) is accepted"),
            ("21IIIIWWPPPPC", "one of weight (W), price (P) and count (Q) is accepted"),
            ("21IIWWIIIwwwC", "WWwww is in pieces"),
            ("21IIIIIwwWWWC", "wwWWW is in pieces"),
            ("21IIIVWWWwwwC", "a check digit for 6 digits"),
            ("21IIIIIWWwwwC st", "\"st\" is no unit of weight; accepted: kg, g, lb, oz"),
            ("20IIIIIPPPppC eur", "accepted are the three letters of one (EUR)"),
            ("29IIIIIIQQQQC kg", "accepted is nothing"),
        ] {
            let error = Mask::parse(mask).unwrap_err();
            assert!(error.contains(want), "{mask}: {error}");
        }
    }
}
