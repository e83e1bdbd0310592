//! From what a device reported to what it means.
//!
//! Contract: pure, and it cannot fail: what cannot be told is `unknown` and `binary`. The device's word
//! on the symbology stands; where it says nothing, the length and the check digit may prove one, which is
//! then marked as inferred. The bytes are always kept.
//!
//! A code is shown to one recogniser after another, in the order of `meaning`, and the first that
//! knows it decides. What a recogniser was asked and why it said no is noted as [`Step`]s, which cost
//! nothing where nobody asks for them: [`scan`] and [`explain`] are the same decisions.

pub mod article;
pub mod card;
pub mod card_number;
pub mod currency;
mod eci;
pub mod gs1;
pub mod gtin;
pub mod infer;
pub mod mask;
pub mod merchant_qr;
pub mod order_number;
pub mod payment_code;
pub mod personal;
pub mod phone;
pub mod reason;
mod structured_append;
pub mod text;

use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;

use crate::event::{
    Aim, Content, Detail, Gtin, Reading, Role, Scan, Sensitivity, Symbology, Value,
};
use crate::secret::Secret;
pub use card::CardRules;
pub use reason::{Outcome, Reasons, Silent, Step};

/// What a device's profile and configuration say about its codes.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What a scan on the device may mean.
    pub role: Role,
    /// The encodings, tried in this order; none means UTF-8.
    pub encodings: Vec<&'static Encoding>,
    /// What the shop's own codes look like.
    pub shop: Arc<Shop>,
    /// What the shop lets out of cards.
    pub cards: Arc<CardRules>,
}

/// What a shop has decided about its own codes: `[content]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shop {
    /// In-store numbers that hold a weight or a price.
    pub variable_measure: article::Masks,
    /// What the shop's own order and receipt numbers look like.
    pub order_numbers: order_number::Patterns,
    /// What the shop's scanners send in the place of GS1's separator.
    pub separators: gs1::Separators,
}

/// A code as the recognisers see it.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// The symbology, as named or inferred.
    pub symbology: Symbology,
    /// The AIM identifier, where the device sent one.
    pub aim: Option<Aim>,
    /// The bytes as the code carries them.
    pub bytes: &'a [u8],
    /// The bytes as text, control characters and all, where they are text.
    pub text: Option<&'a str>,
    /// What the device and the shop say.
    pub rules: &'a Rules,
}

/// What a recogniser knows of a code.
#[derive(Debug)]
pub struct Meaning {
    /// What it is.
    pub content: Content,
    /// Who may see it.
    pub sensitivity: Sensitivity,
    /// What stands in the place of its text, where that must not be shown.
    pub masked: Option<String>,
    /// The article number, where it holds one.
    pub gtin: Option<Gtin>,
    /// What else it says; nothing secret.
    pub details: Vec<Detail>,
    /// How long it lives at most, where that is documented.
    pub life: Option<Duration>,
    /// Whether its bytes are wiped at once: nobody is to have them.
    pub wiped: bool,
}

impl Meaning {
    /// Public content of this kind, with nothing more to say.
    #[must_use]
    pub fn of(content: Content) -> Self {
        Self {
            content,
            sensitivity: Sensitivity::Public,
            masked: None,
            gtin: None,
            details: Vec::new(),
            life: None,
            wiped: false,
        }
    }
}

/// Decides what a reading means.
///
/// The reading is used up; its bytes stay in their [`Secret`] and are wiped with the scan.
#[must_use]
pub fn scan(reading: Reading, rules: &Rules) -> Scan {
    decide(reading, rules, &mut Silent)
}

/// Decides what a reading means, and says why: the steps in the order in which they were taken.
#[must_use]
pub fn explain(reading: Reading, rules: &Rules) -> (Scan, Vec<Step>) {
    let mut steps = Vec::new();
    let scan = decide(reading, rules, &mut steps);
    (scan, steps)
}

fn decide(reading: Reading, rules: &Rules, why: &mut impl Reasons) -> Scan {
    let Reading { symbology: named, aim, data, first, last } = reading;
    let (symbology, inferred) = infer::symbology(named, data.expose());
    why_this_symbology(why, named, aim, symbology, inferred);
    let undone = aim.and_then(|aim| without_escapes(aim, data.expose(), rules, why));
    let (bytes, decoded) = match &undone {
        None => (data.expose(), text::decode(data.expose(), &rules.encodings)),
        Some(undone) => (undone.bytes.expose(), undone.decoded()),
    };
    let text = decoded.as_ref().map(|decoded| decoded.text.as_str());
    let code = Code { symbology, aim, bytes, text, rules };
    let Meaning { content, sensitivity, masked, gtin, mut details, life, wiped } =
        meaning(&code, why);
    details.extend(undone.as_ref().and_then(assignments));
    let encoding = decoded.as_ref().map(|decoded| decoded.encoding);
    let text = match (masked, text) {
        (None, Some(text)) => text::visible_secret(text),
        (masked, _) => masked.map(Secret::new).unwrap_or_default(),
    };
    Scan {
        symbology,
        inferred,
        aim,
        content,
        sensitivity,
        text,
        encoding,
        raw: if wiped { Secret::default() } else { data },
        gtin,
        details,
        life,
        first,
        last,
    }
}

/// A code whose identifier says that its data is escaped, without the escapes.
fn without_escapes(
    aim: Aim,
    data: &[u8],
    rules: &Rules,
    why: &mut impl Reasons,
) -> Option<eci::Undone> {
    if !eci::is_escaped(aim) {
        return None;
    }
    let undone = eci::undo(data, &rules.encodings);
    let outcome = if undone.is_some() { Outcome::Yes } else { Outcome::No };
    why.note("extended channel interpretation", outcome, || match &undone {
        Some(undone) => format!("{aim} says so; assignments {:?}", undone.assignments),
        None => format!("{aim} says so, and a backslash stands alone: it is taken as it is"),
    });
    undone
}

/// The encodings that a code names itself, by their numbers.
fn assignments(undone: &eci::Undone) -> Option<Detail> {
    let numbers = undone.assignments.iter().map(|number| Value::Count((*number).into()));
    let numbers: Vec<Value> = numbers.collect();
    (!numbers.is_empty()).then_some(("eci", Value::List(numbers)))
}

/// What a code means: the first recogniser that knows it decides.
///
/// The order is the device's role, the symbology, payment rules, card numbers, then the rest: a payment
/// code taken for a coupon loses a sale, so what pays comes before what is merely text; what says who
/// somebody is comes before what would be shown to everyone. What a shop has declared comes after all of
/// these, since a pattern too wide must not make a secret public.
fn meaning(code: &Code<'_>, why: &mut impl Reasons) -> Meaning {
    None.or_else(|| {
        let part = structured_append::recognise(code, why)?;
        Some(card_number::within(code, part, why))
    })
    .or_else(|| payment_code::recognise(code, why))
    .or_else(|| {
        let known = merchant_qr::recognise(code, why).or_else(|| gs1::recognise(code, why))?;
        Some(card_number::within(code, known, why))
    })
    .or_else(|| personal::recognise(code, why))
    .or_else(|| article::recognise(code, why))
    .or_else(|| card_number::recognise(code, why))
    .or_else(|| order_number::recognise(code, why))
    .or_else(|| phone::recognise(code, why))
    .or_else(|| payment_code::unlisted(code, why))
    .unwrap_or_else(|| plain(code, why))
}

/// What no recogniser knows.
fn plain(code: &Code<'_>, why: &mut impl Reasons) -> Meaning {
    let is_text = code.text.is_some();
    why.note("text", if is_text { Outcome::Yes } else { Outcome::No }, || {
        let words = if is_text { "it is text in" } else { "its bytes are text in none of" };
        let encodings = code.rules.encodings.iter().map(|encoding| text::word(encoding));
        let encodings: Vec<&str> = encodings.collect();
        format!("no other rule knows it; {words} the device's encodings ({})", encodings.join(", "))
    });
    Meaning::of(if is_text { Content::Text } else { Content::Binary })
}

fn why_this_symbology(
    why: &mut impl Reasons,
    named: Option<Symbology>,
    aim: Option<Aim>,
    symbology: Symbology,
    inferred: bool,
) {
    let is_known = symbology != Symbology::Unknown;
    why.note("symbology", if is_known { Outcome::Yes } else { Outcome::No }, || {
        match (inferred, aim, named) {
            (true, _, _) => format!("{symbology}: its length and its check digit prove it"),
            (false, Some(aim), _) => format!("{symbology}: the device sent the identifier {aim}"),
            (false, None, Some(_)) => format!("{symbology}: the device named it"),
            (false, None, None) => {
                "the device named none, and no check digit proves one".to_owned()
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Aim, Symbology, Timestamp};

    fn normalized(aim: Option<&str>, data: &[u8]) -> Scan {
        let aim = aim.and_then(|text| Aim::split(text.as_bytes())).map(|(aim, _)| aim);
        let reading = Reading {
            symbology: aim.map(Symbology::from_aim),
            aim,
            data: Secret::copy_of(data),
            first: Timestamp(1),
            last: Timestamp(2),
        };
        let rules =
            Rules { encodings: vec![encoding_rs::UTF_8, encoding_rs::GB18030], ..Rules::default() };
        scan(reading, &rules)
    }

    #[test]
    fn goods_codes() {
        for (name, aim, data, symbology, inferred, gtin) in [
            ("EAN-13", Some("]E0"), "4006381333931", "ean-13", false, "04006381333931"),
            ("EAN-13, unnamed", None, "4006381333931", "ean-13", true, "04006381333931"),
            (
                "UPC-A as thirteen digits",
                Some("]E0"),
                "0012345678905",
                "ean-13",
                false,
                "00012345678905",
            ),
            (
                "UPC-A without the zero",
                Some("]E0"),
                "012345678905",
                "upc-a",
                true,
                "00012345678905",
            ),
            ("UPC-A, unnamed", None, "012345678905", "upc-a", true, "00012345678905"),
            ("UPC-E as eight digits", Some("]E0"), "04252614", "upc-e", true, "00042100005264"),
            ("EAN-8", Some("]E4"), "96385074", "ean-8", false, "00000096385074"),
            ("EAN-8, unnamed", None, "96385074", "ean-8", true, "00000096385074"),
            ("ITF-14", Some("]I1"), "14006381333938", "itf", false, "14006381333938"),
            (
                "with an add-on",
                Some("]E3"),
                "400638133393112",
                "ean-13-add-on",
                false,
                "04006381333931",
            ),
            ("in-store", Some("]E0"), "2112345012346", "ean-13", false, "02112345012346"),
        ] {
            let scan = normalized(aim, data.as_bytes());
            assert_eq!(scan.symbology.word(), symbology, "{name}");
            assert_eq!(scan.inferred, inferred, "{name}");
            assert_eq!(scan.gtin.as_ref().map(|gtin| gtin.as_str()), Some(gtin), "{name}");
            assert_eq!((scan.content, scan.text.expose()), (Content::Gtin, data), "{name}");
            assert_eq!(scan.raw.expose(), data.as_bytes(), "{name}");
        }
    }

    #[test]
    fn what_no_check_digit_proves_is_not_inferred() {
        for (name, aim, data, symbology) in [
            ("wrong check digit", None, "4006381333932", "unknown"),
            ("wrong check digit, named", Some("]E0"), "4006381333932", "ean-13"),
            ("fourteen digits, unnamed", None, "14006381333938", "unknown"),
            ("EAN-13 digits in a QR code", Some("]Q1"), "4006381333931", "qr"),
            ("nothing but zeros", None, "0000000000000", "unknown"),
            ("letters", None, "400638133393A", "unknown"),
        ] {
            let scan = normalized(aim, data.as_bytes());
            assert_eq!((scan.symbology.word(), scan.inferred), (symbology, false), "{name}");
            assert_eq!((scan.content, scan.gtin), (Content::Text, None), "{name}");
        }
    }

    #[test]
    fn links_texts_and_bytes() {
        for (name, data, content, text, encoding) in [
            (
                "a link",
                &b"HTTPS://example.org/a"[..],
                Content::Url,
                "HTTPS://example.org/a",
                Some("utf-8"),
            ),
            ("no link: a space", b"http://a b", Content::Text, "http://a b", Some("utf-8")),
            ("no link: no host", b"http://", Content::Text, "http://", Some("utf-8")),
            ("UTF-8", "茶".as_bytes(), Content::Text, "茶", Some("utf-8")),
            ("GB18030", b"\xB2\xE8", Content::Text, "茶", Some("gb18030")),
            (
                "controls are visible",
                b"a\x1Db\r\x7F",
                Content::Text,
                "a\u{241D}b\u{240D}\u{2421}",
                Some("utf-8"),
            ),
            ("bytes", b"\xFF\x00\x80", Content::Binary, "", None),
        ] {
            let scan = normalized(Some("]Q1"), data);
            assert_eq!((scan.content, scan.text.expose()), (content, text), "{name}");
            assert_eq!((scan.encoding, scan.raw.expose()), (encoding, data), "{name}");
        }
    }
}
