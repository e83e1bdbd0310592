//! Application Identifiers: what each says of the value behind it.
//!
//! Contract: pure. The table is data; this file is its words and its lookup. The first two digits of
//! an identifier say how long it is, which holds for identifiers that are not given out yet too, so
//! an unknown one is still told from its value where the standard lets it be.
//!
//! Source: GS1 General Specifications, sections 3.2 and 7.8 (predefined lengths, digits of an
//! identifier).

use std::borrow::Cow;
use std::fmt;

use super::table::{INDEX, ROWS};

/// The characters that a part of a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Digits.
    N,
    /// The 82 characters of ISO/IEC 646 that the General Specifications list (figure 7.11-1).
    X,
    /// The 39 characters for component and part numbers (figure 7.11-2).
    Y,
    /// The file-safe and URI-safe base64 alphabet (figure 7.11-3).
    Z,
}

/// What is checked of a part beside its length and its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The last digit is the check digit of the others.
    Digit,
    /// The last two characters are the check pair of the others.
    Pair,
    /// It begins with a GS1 Company Prefix.
    Prefix1,
    /// A GS1 Company Prefix begins at its second character.
    Prefix2,
    /// A date, `YYMMDD`.
    Date,
    /// A date, `YYMMDD`, whose day may be 00.
    Date0,
    /// A date, `YYYYMMDD`.
    LongDate,
    /// A time, `hhmm`.
    HourMinute,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second.
    Second,
    /// A currency's number, ISO 4217.
    Currency,
    /// A country's number, ISO 3166-1.
    Country,
    /// A country's number, or 999.
    CountryOr999,
    /// A country's two letters, ISO 3166-1.
    CountryAlpha,
    /// Where it has a percent sign, two hexadecimal digits follow.
    Percent,
    /// Degrees north of the south pole, times ten million.
    Latitude,
    /// Degrees, times ten million.
    Longitude,
    /// 0 or 1.
    YesNo,
    /// A hyphen.
    Hyphen,
    /// An importer's index: a letter, a digit, `-` or `_`.
    Importer,
    /// A package type, UN/ECE Recommendation 21.
    Package,
    /// An AIDC media type.
    Medium,
    /// A sex, ISO/IEC 5218.
    Sex,
    /// A place in a sequence, `n/m`.
    Sequence,
    /// Not nothing but zeros.
    NonZero,
    /// A winding direction: 0, 1 or 9.
    Winding,
    /// A zero.
    Zero,
    /// A piece and how many there are, two digits each.
    Piece,
    /// An IBAN, ISO 13616.
    Iban,
    /// No zero first, but for zero itself.
    NoZeroFirst,
    /// Something that is no digit in it.
    NonDigit,
    /// A North American coupon.
    Coupon,
    /// A North American coupon in the positive offer file.
    Offer,
}

impl Check {
    /// What is checked, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Digit => "check digit",
            Self::Pair => "check pair",
            Self::Prefix1 | Self::Prefix2 => "company prefix",
            Self::Date | Self::Date0 | Self::LongDate => "date",
            Self::HourMinute | Self::Hour | Self::Minute | Self::Second => "time",
            Self::Currency => "currency",
            Self::Country | Self::CountryOr999 | Self::CountryAlpha => "country",
            Self::Percent => "escapes",
            Self::Latitude | Self::Longitude => "place",
            Self::YesNo => "yes or no",
            Self::Hyphen => "hyphen",
            Self::Importer => "importer",
            Self::Package => "package type",
            Self::Medium => "media type",
            Self::Sex => "sex",
            Self::Sequence | Self::Piece => "piece of a total",
            Self::NonZero | Self::NoZeroFirst | Self::Zero => "zeros",
            Self::Winding => "winding",
            Self::Iban => "IBAN",
            Self::NonDigit => "a letter or sign",
            Self::Coupon | Self::Offer => "coupon",
        }
    }
}

/// One part of a value. Only the last part of a value has a length that varies.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its characters.
    pub set: Set,
    /// The fewest of them.
    pub least: usize,
    /// The most of them.
    pub most: usize,
    /// Whether it may be left out, with all behind it.
    pub optional: bool,
    /// What else is checked of it.
    pub checks: &'static [Check],
}

/// What a value says, for those who do not know its identifier: the name of a detail and its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing that has a name of its own.
    Nothing,
    /// The article number of the thing itself, in the first fourteen digits.
    Gtin,
    /// Text as it stands.
    Text(&'static str),
    /// A coupon, as it stands.
    Coupon,
    /// Something of a patient: a name, a birth, a sex, an address.
    Patient,
    /// Where a parcel goes or comes from, or an account.
    Private,
    /// A whole number.
    Count(&'static str),
    /// A date, `YYMMDD`.
    Date(&'static str),
    /// A date and a time, `YYMMDDhh`, `YYMMDDhhmm` or `YYMMDDhhmmss`.
    Time(&'static str),
    /// A number in this unit; the identifier's last digit says how many decimals.
    Measure(&'static str, &'static str),
    /// An amount in the currency of the place; decimals as in a measure.
    Amount(&'static str),
    /// A currency and an amount; decimals as in a measure.
    Money(&'static str),
    /// A number; decimals as in a measure.
    Number(&'static str),
}

/// A row of the table: an identifier, or a family of them that differ in their last digit.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The digits, without the last one of a family.
    pub code: &'static str,
    /// The title that the General Specifications give it.
    pub title: &'static str,
    /// Up to where the last digit of a family goes, from 0.
    pub family: Option<u8>,
    /// The parts of its value.
    pub parts: &'static [Part],
    /// The shortest value.
    pub shortest: usize,
    /// The longest value.
    pub longest: usize,
    /// Whether the length is predefined by the first two digits, so that no separator is needed.
    pub predefined: bool,
    /// Where it is the key of a Digital Link: the sequences of qualifiers that may follow it.
    pub key: Option<&'static [&'static [&'static str]]>,
    /// Whether it may stand in the query of a Digital Link.
    pub attribute: bool,
    /// What has to be there with it: of each list one, and of `a+b` both.
    pub needs: &'static [&'static str],
    /// What must not be there with it.
    pub excludes: &'static str,
    /// Whether no other of its family may be there.
    pub single: bool,
    /// What its value says.
    pub says: Says,
}

/// An Application Identifier, given out or not.
#[derive(Clone, Copy)]
pub struct Ai {
    digits: [u8; 4],
    length: u8,
    entry: Option<&'static Entry>,
}

impl Ai {
    /// The identifier that these bytes begin with. Nothing where the first two digits are none of
    /// the standard's, since nobody knows then where its value begins.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[first @ b'0'..=b'9', second @ b'0'..=b'9', ..] = bytes else { return None };
        let entry = rows(first, second).iter().find(|entry| entry.begins(bytes));
        let length = match entry {
            Some(entry) => entry.code.len() + usize::from(entry.family.is_some()),
            None => length(first, second)?,
        };
        let found = bytes.get(..length).filter(|found| found.iter().all(u8::is_ascii_digit))?;
        let mut digits = [0; 4];
        digits.get_mut(..length)?.copy_from_slice(found);
        Some(Self { digits, length: u8::try_from(length).ok()?, entry })
    }

    /// The identifier that these are the digits of.
    #[must_use]
    pub fn of(digits: &str) -> Option<Self> {
        Self::read(digits.as_bytes()).filter(|ai| ai.as_str() == digits)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let digits = self.digits.get(..self.width()).unwrap_or_default();
        // They are digits; an empty answer beats a panic.
        std::str::from_utf8(digits).unwrap_or("")
    }

    /// How many digits it has.
    #[must_use]
    pub fn width(&self) -> usize {
        usize::from(self.length)
    }

    /// Its row of the table; nothing where it is not given out.
    #[must_use]
    pub fn entry(&self) -> Option<&'static Entry> {
        self.entry
    }

    /// Its digits, without an allocation but for those of a family.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self.entry {
            Some(entry) if entry.family.is_none() => Cow::Borrowed(entry.code),
            _ => Cow::Owned(self.as_str().to_owned()),
        }
    }

    /// The last digit of one of a family: how many decimals a measure or an amount has.
    #[must_use]
    pub fn decimals(&self) -> usize {
        let last = self.digits.get(self.width().saturating_sub(1)).copied().unwrap_or(b'0');
        usize::from(last.saturating_sub(b'0'))
    }

    /// How long its value is, where the first two digits say so.
    #[must_use]
    pub fn predefined(&self) -> Option<usize> {
        let [first, second, ..] = self.digits;
        predefined(first, second)
    }

    /// Whether it is meant by a name in an association: the digits, or `n` for any digit.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let digits = self.digits.get(..self.width()).unwrap_or_default();
        let same = |(name, digit): (u8, &u8)| name == *digit || name == b'n';
        name.len() == digits.len() && name.bytes().zip(digits).all(same)
    }
}

impl fmt::Display for Part {
    /// As the General Specifications write it: `N14`, `X..20`, `[N..12]`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { set, least, most, optional, .. } = self;
        let dots = if least == most { "" } else { ".." };
        let (open, close) = if *optional { ("[", "]") } else { ("", "") };
        write!(formatter, "{open}{set:?}{dots}{most}{close}")
    }
}

impl Entry {
    /// Whether these bytes begin with its digits.
    fn begins(&self, bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(self.code.as_bytes()) else { return false };
        self.family.is_none_or(|last| {
            rest.first().is_some_and(|digit| digit.is_ascii_digit() && digit - b'0' <= last)
        })
    }
}

impl PartialEq for Ai {
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits && self.length == other.length
    }
}

impl Eq for Ai {}

impl fmt::Display for Ai {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Ai {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({self})")
    }
}

/// The rows whose identifiers begin with these two digits.
fn rows(first: u8, second: u8) -> &'static [Entry] {
    let pair = usize::from(first - b'0') * 10 + usize::from(second - b'0');
    let (start, end) = INDEX.get(pair).copied().unwrap_or_default();
    ROWS.get(start..end).unwrap_or_default()
}

/// How many digits an identifier has that begins with these two.
fn length(first: u8, second: u8) -> Option<usize> {
    match (first, second) {
        (b'0', b'0'..=b'4') | (b'1', _) | (b'2', b'0'..=b'2') | (b'3', b'0' | b'7') | (b'9', _) => {
            Some(2)
        }
        (b'2', b'3'..=b'5') | (b'4', b'0'..=b'2') | (b'7', b'1') => Some(3),
        (b'3', b'1'..=b'6' | b'9') | (b'4', b'3') | (b'7', b'0' | b'2') | (b'8', b'0'..=b'2') => {
            Some(4)
        }
        _ => None,
    }
}

/// The length of a value whose identifier begins with these two digits, where it is predefined.
pub(super) const fn predefined(first: u8, second: u8) -> Option<usize> {
    match (first, second) {
        (b'0', b'0' | b'4') => Some(if second == b'0' { 18 } else { 16 }),
        (b'0', b'1'..=b'3') => Some(14),
        (b'1', b'1'..=b'9') | (b'3', b'1'..=b'6') => Some(6),
        (b'2', b'0') => Some(2),
        (b'4', b'1') => Some(13),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_read_from_its_digits() {
        for (name, bytes, want) in [
            ("two digits", &b"0104006381333931"[..], Some("01")),
            ("three digits", b"2355", Some("235")),
            ("one of a family", b"3103000195", Some("3103")),
            ("past its family", b"3106000195", Some("3106")),
            ("four digits", b"8008", Some("8008")),
            ("not given out", b"7299A", Some("7299")),
            ("not given out, predefined", b"14250101", Some("14")),
            ("of no length", b"05123", None),
            ("cut short", b"800", None),
            ("no digits", b"ABCD", None),
        ] {
            let ai = Ai::read(bytes);
            assert_eq!(ai.as_ref().map(Ai::as_str), want, "{name}");
        }
        assert!(Ai::of("3106").is_some_and(|ai| ai.entry().is_none()), "310n ends at 5");
        assert_eq!(Ai::of("010"), None);
    }

    #[test]
    fn every_row_is_found_and_agrees_with_its_first_digits() {
        for entry in &ROWS {
            for last in entry.family.map_or(0..=0, |last| 0..=last) {
                let digit = entry.family.map_or(String::new(), |_| last.to_string());
                let code = format!("{}{digit}", entry.code);
                let ai = Ai::of(&code).unwrap_or_else(|| panic!("{code}"));
                assert_eq!(ai.entry().map(|found| found.code), Some(entry.code));
                let bytes = code.as_bytes();
                assert_eq!(length(bytes[0], bytes[1]), Some(code.len()), "{code}: digits");
                if let Some(length) = ai.predefined() {
                    assert_eq!((entry.shortest, entry.longest), (length, length), "{code}: length");
                }
                assert_eq!(entry.predefined, ai.predefined().is_some(), "{code}");
            }
        }
    }

    #[test]
    fn associations_name_rows_of_the_table() {
        let names = |list: &'static str| list.split([',', '+']).filter(|name| !name.is_empty());
        for entry in &ROWS {
            for name in entry.needs.iter().copied().chain([entry.excludes]).flat_map(names) {
                let digits = name.replace('n', "0");
                assert!(Ai::of(&digits).is_some_and(|ai| ai.is(name)), "{}: {name}", entry.code);
            }
            for qualifier in entry.key.into_iter().flatten().copied().flatten() {
                assert!(Ai::of(qualifier).is_some_and(|ai| ai.entry().is_some()), "{qualifier}");
            }
        }
    }
}
