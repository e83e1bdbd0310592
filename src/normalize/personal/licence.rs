//! Driving licences and identity cards of North America, as their PDF417 has them.
//!
//! Contract: pure. Of what stands in the code only the header is read; nothing of the person's leaves.
//!
//! Source: AAMVA DL/ID Card Design Standard, 2020, Annex D.12; DL/ID-2000 for version 01, which has
//! no jurisdiction version. Oddities: one state writes `AAMVA` where the standard has `ANSI `; older
//! cards have FS for RS; keyboards and other boxes leave the control characters out. Whatever begins with
//! the word and the issuer is somebody's licence, however damaged the rest, the `@` before it included.

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Who issued it: an issuer identification number of ISO/IEC 7812.
    pub issuer: &'a str,
    /// The version of the standard.
    pub version: &'a str,
    /// What the first part holds.
    pub document: Option<Document>,
}

/// The documents that have such codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A driving licence.
    Licence,
    /// A card that says who somebody is and lets nobody drive.
    IdentityCard,
    /// A driving licence that is good for a border, too.
    EnhancedLicence,
}

impl Document {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Licence => "driving-licence",
            Self::IdentityCard => "identity-card",
            Self::EnhancedLicence => "enhanced-driving-licence",
        }
    }
}

/// Table D.1: the compliance indicator.
const COMPLIANCE: u8 = b'@';
/// The file type, and what Maryland wrote.
const FILE_TYPES: [&[u8]; 2] = [b"ANSI ", b"AAMVA"];

/// The header of a licence, `None` where it is none.
#[must_use]
pub fn header(code: &[u8]) -> Option<Header<'_>> {
    let rest = code.strip_prefix(&[COMPLIANCE]).unwrap_or(code);
    let start = rest.iter().position(|byte| !byte.is_ascii_control())?;
    let rest = rest.get(start..)?;
    let rest = FILE_TYPES.iter().find_map(|kind| rest.strip_prefix(*kind))?;
    let (issuer, rest) = digits(rest, 6)?;
    let (version, rest) = digits(rest, 2)?;
    Some(Header { issuer, version, document: document(version, rest) })
}

fn digits(bytes: &[u8], count: usize) -> Option<(&str, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    Some((std::str::from_utf8(digits).ok()?, rest))
}

/// Behind the version: the jurisdiction's own version, from version 02 on, the number of parts, and
/// the first part's designator.
fn document(version: &str, rest: &[u8]) -> Option<Document> {
    let rest = if version < "02" { rest } else { digits(rest, 2)?.1 };
    let (_, designator) = digits(rest, 2)?;
    match designator.get(..2)? {
        b"DL" => Some(Document::Licence),
        b"ID" => Some(Document::IdentityCard),
        b"EN" => Some(Document::EnhancedLicence),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let header = |issuer, version, document| Some(Header { issuer, version, document });
        let licence = Some(Document::Licence);
        for (name, code, want) in [
            (
                "AAMVA 2020, Annex D",
                "@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\n",
                header("636000", "10", licence),
            ),
            (
                "version 01 of Maryland, in the tests of the repository winfinit/aamvajs",
                "@\n\x1e\rAAMVA6360030101DL00290192DLDAQK-134-123-145-103\n",
                header("636003", "01", licence),
            ),
            (
                "an identity card",
                "@\n\x1e\rANSI 636000080002ID00410278ZV03190008IDDAQ",
                header("636000", "08", Some(Document::IdentityCard)),
            ),
            (
                "an enhanced licence",
                "@\n\x1e\rANSI 636000080001EN00410278ENDAQ",
                header("636000", "08", Some(Document::EnhancedLicence)),
            ),
            (
                "without control characters",
                "@ANSI 636000100102DL00410278",
                header("636000", "10", licence),
            ),
            ("with others", "@\r\n\x1c\r\nANSI 636000100102DL", header("636000", "10", licence)),
            ("cut off", "@\n\x1e\rANSI 63600010", header("636000", "10", None)),
            ("without an issuer", "@\n\x1e\rANSI 63600X100102DL", None),
            ("without the word", "@\n\x1e\r636000100102DL", None),
            ("its first line lost", "ANSI 636000100102DL00410278", header("636000", "10", licence)),
            ("a text that begins alike", "ANSI 63600", None),
            ("an address", "@somebody", None),
            ("the sign alone", "@", None),
            ("nothing", "", None),
        ] {
            assert_eq!(super::header(code.as_bytes()), want, "{name}");
        }
    }
}
