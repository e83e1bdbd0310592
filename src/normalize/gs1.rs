//! GS1 element strings and Digital Links.
//!
//! Contract: pure. What a symbology that carries GS1 data holds is GS1 data whatever is wrong with
//! it: the faults say what. Where only the text could say that it is GS1 data, it must have no fault.
//!
//! ```text
//! ]C1 0104006381333931 17260131 10AB␝ 21XYZ      an element string: fields of predefined length
//!                                                need no separator, the others end at one
//! (01)04006381333931(17)260131(10)AB(21)XYZ      as people read it
//! https://id.gs1.org/01/04006381333931/10/AB/21/XYZ?17=260131      the same as a Digital Link
//! ```
//!
//! Sources: GS1 General Specifications (2026), sections 3 and 7.8; GS1 Digital Link Standard: URI
//! Syntax 1.6; GS1 Barcode Syntax Dictionary. Not here: compressed Digital Links, convenience
//! names in links (`/gtin/`, deprecated since 1.2), and whether a company prefix is given out.

pub mod ai;
mod check;
mod codes;
mod coupon;
mod details;
pub mod element;
pub mod link;
mod table;

use std::borrow::Cow;

pub use ai::Ai;
pub use check::check_pair;
pub(super) use details::{decimal, quantity};
pub use element::{Element, Elements, Fault, Missing};
pub use link::Link;
pub use table::rows;

use super::{Code, Meaning, Outcome, Reasons, gtin};
use crate::event::{Content, Symbology};

/// The separator, as scanners send FNC1: the control character GS.
pub const SEPARATOR: u8 = 0x1D;

/// What begins the second message of a Composite symbol behind an EAN or UPC: the separator of
/// messages and the AIM identifier of the two-dimensional part.
const COMPOSITE: &[u8] = b"|]e0";

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No such identifier is given out.
    Unknown,
    /// The value is shorter than the identifier's shortest.
    TooShort,
    /// The value is longer than the identifier's longest.
    TooLong,
    /// The separator behind the longest possible value is missing.
    NoSeparator,
    /// A character that the identifier does not allow.
    Character,
    /// The check digit is another.
    CheckDigit,
    /// The check pair is another.
    CheckPair,
    /// No GS1 Company Prefix where there has to be one.
    Prefix,
    /// No such day.
    Date,
    /// No such time of day.
    Time,
    /// No such country.
    Country,
    /// No such currency.
    Currency,
    /// No such place on earth.
    Position,
    /// A percent sign that escapes nothing.
    Percent,
    /// A piece that its total does not have.
    Piece,
    /// No IBAN.
    Iban,
    /// No coupon of the North American rules.
    Coupon,
    /// A value that the identifier does not allow.
    Value,
    /// Two values for one identifier.
    Repeated,
    /// An identifier that must not be there with another one that is.
    Excluded,
    /// In a link: a GTIN of fewer than fourteen digits, as links had before version 1.2.
    ShortGtin,
    /// In a link: an identifier in the query that belongs into the path.
    NotInPath,
    /// In a link: an identifier that may not stand in the query.
    NotInQuery,
}

impl Wrong {
    /// Everything that can be wrong.
    pub const ALL: [Self; 23] = [
        Self::Unknown,
        Self::TooShort,
        Self::TooLong,
        Self::NoSeparator,
        Self::Character,
        Self::CheckDigit,
        Self::CheckPair,
        Self::Prefix,
        Self::Date,
        Self::Time,
        Self::Country,
        Self::Currency,
        Self::Position,
        Self::Percent,
        Self::Piece,
        Self::Iban,
        Self::Coupon,
        Self::Value,
        Self::Repeated,
        Self::Excluded,
        Self::ShortGtin,
        Self::NotInPath,
        Self::NotInQuery,
    ];

    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.says().0
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.says().1
    }

    /// Whether the value is not to be used. Else it is right, and where it stands is not.
    fn spoils_the_value(self) -> bool {
        !matches!(
            self,
            Self::NoSeparator
                | Self::Repeated
                | Self::Excluded
                | Self::ShortGtin
                | Self::NotInPath
                | Self::NotInQuery
        )
    }

    fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("unknown-identifier", "no such identifier is given out"),
            Self::TooShort => ("too-short", "the value is too short"),
            Self::TooLong => ("too-long", "the value is too long"),
            Self::NoSeparator => ("no-separator", "the separator behind the value is missing"),
            Self::Character => ("character", "a character that this identifier does not allow"),
            Self::CheckDigit => ("check-digit", "the check digit is wrong"),
            Self::CheckPair => ("check-pair", "the check characters are wrong"),
            Self::Prefix => ("prefix", "it does not begin with a company prefix"),
            Self::Date => ("date", "no such day"),
            Self::Time => ("time", "no such time of day"),
            Self::Country => ("country", "no such country"),
            Self::Currency => ("currency", "no such currency"),
            Self::Position => ("position", "no such place on earth"),
            Self::Percent => ("percent", "a percent sign without two hexadecimal digits"),
            Self::Piece => ("piece", "not one of that many pieces"),
            Self::Iban => ("iban", "no IBAN"),
            Self::Coupon => ("coupon", "no coupon of the North American rules"),
            Self::Value => ("value", "a value that this identifier does not allow"),
            Self::Repeated => ("repeated", "a second value for the same identifier"),
            Self::Excluded => ("excluded", "it must not be there with another one that is"),
            Self::ShortGtin => ("short-gtin", "a GTIN in a link has fourteen digits"),
            Self::NotInPath => ("not-in-path", "it belongs into the path"),
            Self::NotInQuery => ("not-in-query", "it may not stand in the query"),
        }
    }
}

/// What a shop's scanners send in the place of the separator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Separators(Vec<String>);

impl Separators {
    /// These texts, none of them empty. The longer ones are looked for first.
    #[must_use]
    pub fn new(mut texts: Vec<String>) -> Self {
        texts.retain(|text| !text.is_empty());
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(texts)
    }

    /// The code with separators where a scanner has put something else.
    fn put_back<'a>(&self, code: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(code);
        }
        let mut found = Vec::with_capacity(code.len());
        let mut rest = code;
        while let Some((first, after)) = rest.split_first() {
            let substitute = self.0.iter().find_map(|text| rest.strip_prefix(text.as_bytes()));
            found.push(if substitute.is_some() { SEPARATOR } else { *first });
            rest = substitute.unwrap_or(after);
        }
        Cow::Owned(found)
    }
}

/// GS1 data.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let mut bars = memchr::memchr_iter(b'|', code.bytes);
    let begins =
        |place: &usize| code.bytes.get(*place..).is_some_and(|rest| rest.starts_with(COMPOSITE));
    if let Some(place) = bars.find(begins) {
        return composite(code, place, why);
    }
    match carrier(code) {
        Carrier::Gs1 => return Some(element_string(code, why)),
        Carrier::Maybe => {
            if let Some(meaning) = proven(code, why) {
                return Some(meaning);
            }
        }
        Carrier::Other => {}
    }
    let text = code.text?;
    match text.as_bytes() {
        [b'(', ..] => bracketed(text, why),
        [b'h' | b'H', ..] => digital_link(text, why),
        _ => None,
    }
}

/// What a symbology says of what it carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// GS1 data.
    Gs1,
    /// Perhaps: it is one that can, and no AIM identifier says that it does not.
    Maybe,
    /// Something else.
    Other,
}

fn carrier(code: &Code<'_>) -> Carrier {
    match code.symbology {
        // DataBar that lacks the identifier which the standard puts before its fourteen digits.
        Symbology::Databar | Symbology::DatabarLimited if code.bytes.len() == 14 => Carrier::Other,
        Symbology::Gs1Code128
        | Symbology::Gs1DataMatrix
        | Symbology::Gs1Qr
        | Symbology::Gs1Aztec
        | Symbology::Gs1DotCode
        | Symbology::Gs1HanXin
        | Symbology::Gs1Code16K
        | Symbology::Gs1CodablockF
        | Symbology::Databar
        | Symbology::DatabarExpanded
        | Symbology::DatabarLimited
        | Symbology::Composite
        | Symbology::CompositeA
        | Symbology::CompositeB
        | Symbology::CompositeC => Carrier::Gs1,
        _ if code.aim.is_some() => Carrier::Other,
        Symbology::Unknown
        | Symbology::Code128
        | Symbology::DataMatrix
        | Symbology::Qr
        | Symbology::Aztec
        | Symbology::DotCode
        | Symbology::HanXin
        | Symbology::Code16K
        | Symbology::CodablockF => Carrier::Maybe,
        _ => Carrier::Other,
    }
}

fn element_string(code: &Code<'_>, why: &mut impl Reasons) -> Meaning {
    let data = code.rules.shop.separators.put_back(code.bytes);
    let elements = element::parse(&data);
    why.note("GS1 element string", Outcome::Yes, || {
        format!("{} carries GS1 data; {}", code.symbology, summary(&elements))
    });
    fields(&elements, why);
    details::meaning(&elements)
}

/// What nothing but its form shows to be GS1 data: no fault, a key whose check digit is right, and
/// a separator or a second field. Sixteen digits that begin with 01 are not enough: one in ten of
/// such numbers has the right check digit.
fn proven(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let data = code.rules.shop.separators.put_back(code.bytes);
    // Most codes end here, before anything is allocated.
    if !matches!(*data, [SEPARATOR, ..] | [b'0', b'0'..=b'3', ..] | [b'2' | b'4' | b'8', ..]) {
        return None;
    }
    let first = Ai::read(data.strip_prefix(&[SEPARATOR]).unwrap_or(&data))?;
    let has_key = first.entry().is_some_and(|entry| entry.key.is_some());
    if !has_key || data.len() < first.width() + 4 {
        return None;
    }
    let elements = element::parse(&data);
    let enough = elements.list.len() > 1 || data.contains(&SEPARATOR);
    if !enough || !elements.faults.is_empty() || !has_check(&first) {
        let say = || format!("no symbology says so, and {}", summary(&elements));
        why.note("GS1 element string", Outcome::No, say);
        return None;
    }
    why.note("GS1 element string", Outcome::Yes, || {
        format!("no symbology says so, but {}", summary(&elements))
    });
    fields(&elements, why);
    Some(details::meaning(&elements))
}

/// Whether a value of this identifier has a check digit or pair.
fn has_check(ai: &Ai) -> bool {
    use ai::Check;
    let parts = ai.entry().map_or(&[][..], |entry| entry.parts);
    let checks = parts.iter().flat_map(|part| part.checks);
    checks.into_iter().any(|check| matches!(check, Check::Digit | Check::Pair))
}

/// An EAN or UPC with the two-dimensional part of a Composite symbol behind it.
fn composite(code: &Code<'_>, place: usize, why: &mut impl Reasons) -> Option<Meaning> {
    let (linear, second) = code.bytes.split_at_checked(place)?;
    let article = gtin::of(code.symbology, linear)?;
    let second = second.strip_prefix(COMPOSITE)?;
    let data = code.rules.shop.separators.put_back(second);
    let mut elements = element::parse_beside("01", &data);
    elements.shift(place + COMPOSITE.len());
    why.note("GS1 Composite", Outcome::Yes, || {
        format!("an article number and a second part; {}", summary(&elements))
    });
    fields(&elements, why);
    let meaning = details::meaning(&elements);
    Some(Meaning { content: Content::Gtin, gtin: Some(article), ..meaning })
}

fn bracketed(text: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let elements = element::parse_hri(text)?;
    // What is somebody's own stays so, whatever else is wrong.
    if !elements.faults.is_empty() && !details::sensitivity(&elements).is_confidential() {
        why.note("GS1 in brackets", Outcome::No, || summary(&elements));
        return None;
    }
    why.note("GS1 in brackets", Outcome::Yes, || summary(&elements));
    fields(&elements, why);
    Some(details::meaning(&elements))
}

fn digital_link(text: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let link = match link::parse(text) {
        Ok(link) => link,
        Err(error) => {
            why.note("GS1 Digital Link", Outcome::No, || error.to_string());
            return None;
        }
    };
    // Any address may have `/01/` in its path; only a path in which all is right is a link's.
    if link.is_doubtful() && !details::sensitivity(&link.elements).is_confidential() {
        let say = || format!("the path is not right: {}", summary(&link.elements));
        why.note("GS1 Digital Link", Outcome::No, say);
        return None;
    }
    why.note("GS1 Digital Link", Outcome::Yes, || summary(&link.elements));
    fields(&link.elements, why);
    let mut meaning = details::meaning(&link.elements);
    // What is masked is not to be had from a detail.
    if meaning.masked.is_none()
        && let Ok(canonical) = link::compose(link::CANONICAL, &link.elements.list)
    {
        meaning.details.push(("gs1-link", canonical.into()));
    }
    Some(meaning)
}

/// The identifiers, for people who ask why. No value of the code is in it.
fn summary(elements: &Elements<'_>) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("it reads as ");
    for element in &elements.list {
        // Writing to a string cannot fail.
        let _ = write!(text, "({})", element.ai);
    }
    if elements.list.is_empty() {
        text.push_str("nothing");
    }
    match elements.faults.len() {
        0 => {}
        1 => text.push_str(", with a fault"),
        count => {
            let _ = write!(text, ", with {count} faults");
        }
    }
    text
}

/// Each field, what is checked of it and what is wrong with it, for people who ask why.
fn fields(elements: &Elements<'_>, why: &mut impl Reasons) {
    for element in &elements.list {
        let mut faults = elements.faults.iter().filter(|fault| fault.ai == Some(element.ai));
        let outcome = if faults.clone().next().is_none() { Outcome::Yes } else { Outcome::No };
        why.note("GS1 field", outcome, || {
            let text = format!("({}) {}", element.ai, described(element.ai));
            faults.by_ref().fold(text, |text, fault| {
                format!("{text}; byte {}: {}", fault.at, fault.wrong.sentence())
            })
        });
    }
    for fault in elements.faults.iter().filter(|fault| fault.ai.is_none()) {
        why.note("GS1 field", Outcome::No, || fault.to_string());
    }
    for missing in &elements.missing {
        why.note("GS1 association", Outcome::No, || {
            format!("({}) wants {} beside it, here or in another code", missing.ai, missing.needs)
        });
    }
}

/// An identifier's title, its format, and what is checked of its value.
fn described(ai: Ai) -> String {
    let Some(entry) = ai.entry() else { return "is not given out".to_owned() };
    let parts: Vec<String> = entry.parts.iter().map(ToString::to_string).collect();
    let mut text = format!("{}, {}", entry.title, parts.join(" "));
    let mut checks: Vec<&str> = Vec::new();
    for check in entry.parts.iter().flat_map(|part| part.checks) {
        if !checks.contains(&check.words()) {
            checks.push(check.words());
        }
    }
    if !checks.is_empty() {
        text.push_str(", with ");
        text.push_str(&checks.join(", "));
    }
    text
}
