//! Articles: trade item numbers, and what else the EAN and UPC symbols carry.
//!
//! Contract: pure. Everything here has its check digit right. What a shop has declared of its own
//! numbers counts only where the standard leaves the numbers to the shop: prefixes 02, 04 and 20 to
//! 29, and the same among numbers of eight digits. An article of the world's is never taken for one.
//!
//! Sources: GS1 General Specifications, sections 1.4 (prefixes), 2.1 and 7.9; ISO 2108 (ISBN), ISO
//! 3297 (ISSN), ISO 10957 (ISMN).

mod mask;

pub use mask::{Mask, Masks, measure_check_digit};

use super::{Code, Meaning, Outcome, Reasons, gtin};
use crate::event::{Content, Detail, Symbology};

/// An article number whose check digit is right, and the other things that look like one.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let (main, add_on) = gtin::split(code.symbology, code.bytes);
    let gtin = gtin::of(code.symbology, code.bytes)?;
    let right = || format!("the check digit of the {} is right", code.symbology);
    let mut meaning = match Number::of(code.symbology, main, gtin.as_str()) {
        Number::OwnUse(digits) => {
            if let Some(meaning) = code.rules.shop.variable_measure.read(digits) {
                why.note("in-store number", Outcome::Yes, || {
                    "a mask of the configuration has its form".to_owned()
                });
                return Some(meaning);
            }
            if code.text.is_some_and(|text| code.rules.shop.order_numbers.read(text).is_some()) {
                why.note("article number", Outcome::No, || {
                    "a pattern of the configuration has its form, and the prefix is the shop's"
                        .to_owned()
                });
                return None;
            }
            why.note("article number", Outcome::Yes, || {
                format!("{}; its prefix is one that a shop gives out itself", right())
            });
            Meaning { gtin: Some(gtin), ..Meaning::of(Content::Gtin) }
        }
        Number::Coupon(kind, digits) => {
            why.note("coupon", Outcome::Yes, || format!("{}; its prefix is a coupon's", right()));
            let details = vec![("coupon", text(digits)), ("coupon-kind", kind.into())];
            Meaning { details, ..Meaning::of(Content::Coupon) }
        }
        Number::Book(digits) => {
            why.note("article number", Outcome::Yes, || format!("{}; it is a book's", right()));
            let details = book(digits);
            Meaning { gtin: Some(gtin), details, ..Meaning::of(Content::Gtin) }
        }
        Number::Other => {
            why.note("article number", Outcome::Yes, right);
            Meaning { gtin: Some(gtin), ..Meaning::of(Content::Gtin) }
        }
    };
    if !add_on.is_empty() {
        meaning.details.push(("add-on", text(add_on)));
    }
    Some(meaning)
}

/// What the prefix of a number says.
enum Number<'a> {
    /// The shop's own to give out, in the digits that its symbol has.
    OwnUse(&'a [u8]),
    /// A coupon of this kind, in the digits that its symbol has.
    Coupon(&'static str, &'a [u8]),
    /// A book, a periodical or music, in thirteen digits.
    Book(&'a [u8]),
    /// An article.
    Other,
}

impl<'a> Number<'a> {
    /// `main` is the number as its symbol has it, `gtin` the same in fourteen digits.
    fn of(symbology: Symbology, main: &'a [u8], gtin: &'a str) -> Self {
        let Some(digits) = gtin.as_bytes().strip_prefix(b"0") else { return Self::Other };
        match (symbology, digits) {
            // A case in ITF-14 holds articles and is none of the following itself.
            (Symbology::Itf, _) => Self::Other,
            (Symbology::Ean8 | Symbology::Ean8AddOn, _) => match main {
                [b'0' | b'2', ..] => Self::OwnUse(main),
                _ => Self::Other,
            },
            (_, [b'0', b'2' | b'4', ..] | [b'2', ..]) => Self::OwnUse(digits),
            (_, [b'0', b'5', ..]) => Self::Coupon("upc", digits.get(1..).unwrap_or(digits)),
            (_, [b'9', b'9', ..]) => Self::Coupon("national", digits),
            (_, [b'9', b'8', b'1'..=b'4', ..]) => Self::Coupon("common-currency", digits),
            (_, [b'9', b'8', b'0', ..]) => Self::Coupon("refund-receipt", digits),
            (_, [b'9', b'7', b'7'..=b'9', ..]) => Self::Book(digits),
            _ => Self::Other,
        }
    }
}

fn text(digits: &[u8]) -> crate::event::Value {
    String::from_utf8_lossy(digits).into_owned().into()
}

/// The numbers that a number of the book trade stands for.
fn book(digits: &[u8]) -> Vec<Detail> {
    let body = digits.get(3..12).unwrap_or_default();
    match digits {
        [b'9', b'7', b'7', ..] => {
            let body = body.get(..7).unwrap_or_default();
            let (front, back) = body.split_at_checked(4).unwrap_or_default();
            let check = check_mod_11(body);
            vec![("issn", text(&[front, b"-", back, &[check]].concat()))]
        }
        [b'9', b'7', b'9', b'0', ..] => vec![("ismn", text(digits))],
        [b'9', b'7', b'8', ..] => {
            vec![("isbn", text(digits)), ("isbn-10", text(&[body, &[check_mod_11(body)]].concat()))]
        }
        _ => vec![("isbn", text(digits))],
    }
}

/// The check digit of an ISBN of ten digits and of an ISSN: weights 2, 3, 4 … from the right, modulo
/// 11, ten being `X`.
fn check_mod_11(body: &[u8]) -> u8 {
    let weighted = body.iter().rev().zip(2_u32..);
    let sum: u32 =
        weighted.map(|(digit, weight)| weight * u32::from(digit.wrapping_sub(b'0'))).sum();
    match (11 - sum % 11) % 11 {
        10 => b'X',
        check => b'0' + u8::try_from(check).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_modulo_eleven() {
        // ISO 2108 and ISO 3297 users' manuals.
        for (body, check) in
            [("030640615", b'2'), ("080442957", b'X'), ("0378595", b'5'), ("2434561", b'X')]
        {
            assert_eq!(check_mod_11(body.as_bytes()), check, "{body}");
        }
    }
}
