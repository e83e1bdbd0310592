//! Datalogic's label ids: one to three characters beside a code that name its symbology.
//!
//! Contract: a declared table and two rules. An id counts only where what is left can be a code of its
//! symbology, since one id may stand for several and a code may begin like an id; of those that
//! count, the longest is the one.
//!
//! Source: the vendor's own table for its UnifiedPOS driver (`datalogic/androidPOS-config`, labelIds.csv),
//! which the guides' tables agree with; the lengths are those of the guides' appendix on data formats.

use crate::event::{Aim, Symbology};
use crate::normalize::gtin;

/// Which ids a scanner has been set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Us,
    Eu,
}

/// Where the id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Prefix,
    Suffix,
}

/// What a code of a symbology is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Anything.
    Text,
    /// Digits.
    Digits,
    /// So many digits, or one fewer.
    About(usize),
    /// An article number of so many digits with a right check digit, nothing behind it.
    Article(usize),
    /// The same with an add-on behind it: two digits, five, or a coupon's Code 128.
    WithAddOn(usize),
    /// The same with a composite's data behind it.
    WithComposite(usize),
    /// UPC-E with its number system and check digit; then as above.
    UpcE,
    UpcEWithAddOn,
    UpcEWithComposite,
    /// A book's number, of ten or of thirteen digits; a journal's, of eight or of thirteen.
    Isbn,
    Issn,
    /// GS1 DataBar: 01 and fourteen digits. With the same id, anything else is DataBar Expanded.
    Databar,
}

impl Shape {
    fn fits(self, code: &[u8]) -> bool {
        let digits = code.iter().all(u8::is_ascii_digit);
        match self {
            Self::Text => true,
            Self::Digits => digits,
            Self::About(length) => digits && (code.len() == length || code.len() + 1 == length),
            Self::Article(length) => code.len() == length && gtin::is_valid(code),
            Self::WithAddOn(length) => split(code, length, gtin::is_valid).is_some_and(is_add_on),
            Self::WithComposite(length) => split(code, length, gtin::is_valid).is_some(),
            Self::UpcE => code.len() == 8 && is_upc_e(code),
            Self::UpcEWithAddOn => split(code, 8, is_upc_e).is_some_and(is_add_on),
            Self::UpcEWithComposite => split(code, 8, is_upc_e).is_some(),
            Self::Isbn => ends_like_a_number(code) && matches!(code.len(), 10 | 13),
            Self::Issn => ends_like_a_number(code) && matches!(code.len(), 8 | 13),
            Self::Databar => digits && code.len() == 16 && code.starts_with(b"01"),
        }
    }
}

/// What stands behind a number, where that is one and is not all.
fn split(code: &[u8], length: usize, is_right: fn(&[u8]) -> bool) -> Option<&[u8]> {
    let (number, rest) = code.split_at_checked(length)?;
    (is_right(number) && !rest.is_empty()).then_some(rest)
}

/// Two digits, five, or the Code 128 of a coupon, whose element strings begin with 8100 to 8102.
fn is_add_on(rest: &[u8]) -> bool {
    let coupon = rest.len() >= 6 && matches!(rest, [b'8', b'1', b'0', b'0'..=b'2', ..]);
    coupon || (matches!(rest.len(), 2 | 5) && rest.iter().all(u8::is_ascii_digit))
}

fn is_upc_e(code: &[u8]) -> bool {
    gtin::expand_upc_e(code).is_some_and(|expanded| gtin::is_valid(&expanded))
}

/// Digits, of which the last may be the X that stands for ten.
fn ends_like_a_number(code: &[u8]) -> bool {
    code.split_last().is_some_and(|(last, rest)| {
        rest.iter().all(u8::is_ascii_digit) && (last.is_ascii_digit() || *last == b'X')
    })
}

/// One row: the id of the USA set, that of the EU set, the symbology, what its codes are made of.
type Row = (&'static str, &'static str, Symbology, Shape);

/// The ids, by symbology. An empty one means that the set has none.
const LABELS: &[Row] = &[
    ("F", "B", Symbology::Ean13, Shape::Article(13)),
    ("F", "L", Symbology::Ean13AddOn, Shape::WithAddOn(13)),
    ("", "M", Symbology::Ean13AddOn, Shape::WithAddOn(13)),
    ("", "#", Symbology::Ean13AddOn, Shape::WithAddOn(13)),
    ("", "$F", Symbology::Ean13AddOn, Shape::WithComposite(13)),
    ("FF", "A", Symbology::Ean8, Shape::Article(8)),
    ("FF", "J", Symbology::Ean8AddOn, Shape::WithAddOn(8)),
    ("", "K", Symbology::Ean8AddOn, Shape::WithAddOn(8)),
    ("", "*", Symbology::Ean8AddOn, Shape::WithAddOn(8)),
    ("", "$G", Symbology::Ean8AddOn, Shape::WithComposite(8)),
    ("A", "C", Symbology::UpcA, Shape::Article(12)),
    ("A", "F", Symbology::UpcAAddOn, Shape::WithAddOn(12)),
    ("", "G", Symbology::UpcAAddOn, Shape::WithAddOn(12)),
    ("", "Q", Symbology::UpcAAddOn, Shape::WithAddOn(12)),
    ("", "$H", Symbology::UpcAAddOn, Shape::WithComposite(12)),
    ("E", "D", Symbology::UpcE, Shape::UpcE),
    ("E", "H", Symbology::UpcEAddOn, Shape::UpcEWithAddOn),
    ("", "I", Symbology::UpcEAddOn, Shape::UpcEWithAddOn),
    ("", "E", Symbology::UpcEAddOn, Shape::UpcEWithAddOn),
    ("", "$J", Symbology::UpcEAddOn, Shape::UpcEWithComposite),
    // An article number of any length in its fourteen digits: which symbology it was is not said.
    ("G", "$A", Symbology::Unknown, Shape::Article(14)),
    ("G2", "$B", Symbology::Unknown, Shape::WithAddOn(14)),
    ("G5", "$C", Symbology::Unknown, Shape::WithAddOn(14)),
    ("G8", "$D", Symbology::Unknown, Shape::WithAddOn(14)),
    ("I", "@", Symbology::Ean13, Shape::Isbn),
    ("n", "n", Symbology::Ean13, Shape::Issn),
    ("A", "X", Symbology::Code32, Shape::About(9)),
    ("*", "V", Symbology::Code39, Shape::Text),
    ("Y", "Y", Symbology::Cip, Shape::Text),
    ("$Y", "$Y", Symbology::Code39, Shape::Text), // Danish PPT
    ("$a", "$a", Symbology::Code39, Shape::Text), // La Poste
    ("$Z", "$Z", Symbology::Code39, Shape::Text), // PZN
    ("$T", "$T", Symbology::Trioptic39, Shape::Text),
    ("#", "T", Symbology::Code128, Shape::Text),
    ("]C1", "k", Symbology::Gs1Code128, Shape::Text),
    ("]C1", "$E", Symbology::Gs1Code128, Shape::Text), // with a composite
    ("f", "f", Symbology::Isbt128, Shape::Text),
    ("&", "U", Symbology::Code93, Shape::Text),
    ("%", "R", Symbology::Codabar, Shape::Text),
    ("S", "S", Symbology::Codabar, Shape::Text),   // ABC
    ("$N", "$N", Symbology::Codabar, Shape::Text), // NW-7
    ("CE", "b", Symbology::Code11, Shape::Text),
    ("p", "p", Symbology::Code16K, Shape::Text),
    ("q", "q", Symbology::Code49, Shape::Text),
    ("n", "n", Symbology::CodablockA, Shape::Text),
    ("l", "m", Symbology::CodablockF, Shape::Text),
    ("i", "N", Symbology::Itf, Shape::Digits),
    ("e", "e", Symbology::Itf, Shape::Digits), // CIP HR
    ("h", "h", Symbology::Itf, Shape::Digits), // compressed
    ("O", "O", Symbology::Itf, Shape::Digits), // Follett
    ("s", "P", Symbology::TwoOfFive, Shape::Digits),
    ("s", "s", Symbology::TwoOfFive, Shape::Digits), // Datalogic
    ("IA", "&", Symbology::TwoOfFive, Shape::Digits), // IATA
    ("W", "W", Symbology::TwoOfFive, Shape::Digits), // industrial
    ("g", "g", Symbology::MatrixTwoOfFive, Shape::Digits),
    ("@", "Z", Symbology::Msi, Shape::Digits),
    ("a", "a", Symbology::Plessey, Shape::Text),
    ("o", "o", Symbology::Anker, Shape::Text),
    ("4", "4", Symbology::Unknown, Shape::Text), // Code 4
    ("j", "j", Symbology::Unknown, Shape::Text), // Code 5
    ("9", "9", Symbology::Unknown, Shape::Text), // BC412
    ("R4", "u", Symbology::Databar, Shape::Databar),
    ("R4", "", Symbology::DatabarExpanded, Shape::Text),
    ("RX", "t", Symbology::DatabarExpanded, Shape::Text),
    ("RL", "v", Symbology::DatabarLimited, Shape::Text),
    ("", "c", Symbology::Databar, Shape::Text), // with a composite, as the two below
    ("", "d", Symbology::DatabarExpanded, Shape::Text),
    ("", "i", Symbology::DatabarLimited, Shape::Text),
    ("P", "r", Symbology::Pdf417, Shape::Text),
    ("mP", "8", Symbology::MicroPdf417, Shape::Text),
    ("Dm", "w", Symbology::DataMatrix, Shape::Text),
    ("Dg", "$w", Symbology::Gs1DataMatrix, Shape::Text),
    ("QR", "y", Symbology::Qr, Shape::Text),
    ("QG", "$q", Symbology::Gs1Qr, Shape::Text),
    ("$Q", "$Q", Symbology::MicroQr, Shape::Text),
    ("Az", "!", Symbology::Aztec, Shape::Text),
    ("MC", "x", Symbology::MaxiCode, Shape::Text),
    ("$S", "$S", Symbology::HanXin, Shape::Text),
    ("$K", "$K", Symbology::AustraliaPost, Shape::Text),
    ("$V", "$V", Symbology::UsIntelligentMail, Shape::Text),
    ("$R", "$R", Symbology::JapanPost, Shape::Text),
    ("$U", "$U", Symbology::DutchKix, Shape::Text),
    ("$W", "$W", Symbology::UsPlanet, Shape::Text),
    ("$P", "$P", Symbology::Unknown, Shape::Text), // Portuguese post
    ("$M", "$M", Symbology::UkPost, Shape::Text),
    ("$X", "$X", Symbology::SwedenPost, Shape::Text),
    ("$L", "$L", Symbology::UsPostnet, Shape::Text),
    ("$o", "$o", Symbology::OcrA, Shape::Text),
    ("$p", "$p", Symbology::OcrB, Shape::Text),
];

/// The symbology that a line's label id names, and the code without it.
pub(super) fn split_off(set: Set, position: Position, line: &[u8]) -> Option<(Symbology, &[u8])> {
    let mut best: Option<(usize, Symbology, &[u8])> = None;
    for (us, eu, symbology, shape) in LABELS {
        let id = if set == Set::Us { us } else { eu }.as_bytes();
        let code = match position {
            Position::Prefix => line.strip_prefix(id),
            Position::Suffix => line.strip_suffix(id),
        };
        let Some(code) = code.filter(|code| !id.is_empty() && !code.is_empty()) else { continue };
        // The table has the narrower of two shapes first.
        if best.is_none_or(|(length, ..)| length < id.len()) && shape.fits(without_aim(code)) {
            best = Some((id.len(), *symbology, code));
        }
    }
    best.map(|(_, symbology, code)| (symbology, code))
}

/// A label id may have been set to have the AIM identifier behind it, which is no part of the code.
fn without_aim(code: &[u8]) -> &[u8] {
    match Aim::split(code) {
        Some((aim, rest)) if aim.is_known() => rest,
        _ => code,
    }
}

/// Whether a code with this label begins with an AIM identifier of the same kind: a text in a QR code
/// may well begin like some other.
pub(super) fn agrees(label: Symbology, code: &[u8]) -> bool {
    let Some((Aim { code, .. }, _)) = Aim::split(code) else { return false };
    let named = |modifier| Symbology::from_aim(Aim { code, modifier });
    match label {
        // The standard has no identifiers of their own for these.
        Symbology::UpcA | Symbology::UpcE | Symbology::UpcAAddOn | Symbology::UpcEAddOn => {
            code == b'E'
        }
        Symbology::Ean8AddOn => code == b'E',
        label => (b'0'..=b'9').map(named).any(|symbology| symbology == label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: Set, position: Position, line: &str) -> String {
        match split_off(set, position, line.as_bytes()) {
            Some((symbology, code)) => format!("{symbology} {}", String::from_utf8_lossy(code)),
            None => "-".to_owned(),
        }
    }

    #[test]
    fn us_ids_by_source() {
        for (source, line, want) in [
            ("Magellan 9400i p. 496: UPC-A", "A060992011187", "upc-a 060992011187"),
            ("two digits", "A06099201118712", "upc-a-add-on 06099201118712"),
            ("five digits", "A06099201118712345", "upc-a-add-on 06099201118712345"),
            ("Code 128", "A0609920111878100000951", "upc-a-add-on 0609920111878100000951"),
            ("UPC-E", "E09988750", "upc-e 09988750"),
            ("Magellan 8500 p. F-4: two digits", "E0998875012", "upc-e-add-on 0998875012"),
            ("five digits", "E0998875012345", "upc-e-add-on 0998875012345"),
            ("Code 128", "E099887508101000951", "upc-e-add-on 099887508101000951"),
            ("Magellan 9800i p. 430: EAN-8", "FF00210126", "ean-8 00210126"),
            ("Code 128", "FF002101268102000951", "ean-8-add-on 002101268102000951"),
            ("EAN-13", "F1101234567891", "ean-13 1101234567891"),
            ("two digits", "F110123456789112", "ean-13-add-on 110123456789112"),
            ("five digits", "F110123456789112345", "ean-13-add-on 110123456789112345"),
            ("Code 128", "F11012345678918100000951", "ean-13-add-on 11012345678918100000951"),
            ("Codabar", "%s$99.95s", "codabar s$99.95s"),
            ("Code 128", "#Code_128.Test", "code-128 Code_128.Test"),
            ("p. 432: MSI", "@144769254", "msi 144769254"),
            ("Code 93", "&Code93-test", "code-93 Code93-test"),
            ("GS1 DataBar", "R40101044123456789", "databar 0101044123456789"),
            (
                "GS1 DataBar Expanded",
                "R4002900123456789083103001750",
                "databar-expanded 002900123456789083103001750",
            ),
            ("Standard 2 of 5", "s1234567890", "2-of-5 1234567890"),
            ("PDF417", "Ppdf test label", "pdf417 pdf test label"),
        ] {
            assert_eq!(read(Set::Us, Position::Prefix, line), want, "{source}");
        }
    }

    #[test]
    fn what_one_id_may_mean_is_told_by_the_code() {
        use Position::{Prefix, Suffix};
        for (name, set, position, line, want) in [
            ("Code 32 with its check digit", Set::Us, Prefix, "A012345676", "code-32 012345676"),
            ("and without", Set::Us, Prefix, "A01234567", "code-32 01234567"),
            ("text that begins like UPC-A", Set::Us, Prefix, "ABLE", "-"),
            ("a wrong check digit", Set::Us, Prefix, "A060992011188", "-"),
            ("two F, digits", Set::Us, Prefix, "FF96385074", "ean-8 96385074"),
            ("GTIN that begins with 2", Set::Us, Prefix, "G24006381333931", "-"),
            ("GTIN", Set::Us, Prefix, "G04006381333931", "unknown 04006381333931"),
            (
                "GTIN with two digits",
                Set::Us,
                Prefix,
                "G20400638133393112",
                "unknown 0400638133393112",
            ),
            ("IATA and not ISBN", Set::Us, Prefix, "IA1234567", "2-of-5 1234567"),
            ("ISBN", Set::Us, Prefix, "I316148410X", "ean-13 316148410X"),
            ("ISSN and not Codablock A", Set::Us, Prefix, "n03178471", "ean-13 03178471"),
            ("Codablock A", Set::Us, Prefix, "nabc", "codablock-a abc"),
            (
                "GS1-128 has an AIM identifier",
                Set::Us,
                Prefix,
                "]C10104006381333931",
                "gs1-128 0104006381333931",
            ),
            ("QR and not PDF417", Set::Us, Prefix, "QRabc", "qr abc"),
            ("EU: EAN-13", Set::Eu, Prefix, "B4006381333931", "ean-13 4006381333931"),
            ("EU: EAN-8", Set::Eu, Prefix, "A96385074", "ean-8 96385074"),
            (
                "EU: UPC-A with two digits",
                Set::Eu,
                Prefix,
                "F06099201118712",
                "upc-a-add-on 06099201118712",
            ),
            ("EU: GS1-128", Set::Eu, Prefix, "k0104006381333931", "gs1-128 0104006381333931"),
            ("EU: GS1 QR and not text", Set::Eu, Prefix, "$q01", "gs1-qr 01"),
            ("behind", Set::Us, Suffix, "4006381333931F", "ean-13 4006381333931"),
            ("behind, two F", Set::Us, Suffix, "96385074FF", "ean-8 96385074"),
            ("behind, after text", Set::Us, Suffix, "abcQR", "qr abc"),
            ("an id and nothing", Set::Us, Prefix, "QR", "-"),
            (
                "an AIM identifier too",
                Set::Us,
                Prefix,
                "F]E04006381333931",
                "ean-13 ]E04006381333931",
            ),
        ] {
            assert_eq!(read(set, position, line), want, "{name}");
        }
    }

    #[test]
    fn an_aim_identifier_behind_the_label_is_of_the_same_kind() {
        for (label, code, want) in [
            (Symbology::Qr, "]Q3010", true),
            (Symbology::UpcA, "]E00012345678905", true),
            (Symbology::Qr, "]E04006381333931", false),
            (Symbology::Qr, "[Q3", false),
        ] {
            assert_eq!(agrees(label, code.as_bytes()), want, "{label} {code}");
        }
    }

    #[test]
    fn no_row_is_out_of_reach() {
        for (place, (us, eu, _, shape)) in LABELS.iter().enumerate() {
            for (id, other) in [(us, 0), (eu, 1)] {
                let earlier = LABELS.iter().take(place).find(|row| {
                    let theirs = if other == 0 { row.0 } else { row.1 };
                    theirs == *id && row.3 == *shape && row.2 != LABELS[place].2
                });
                assert!(id.is_empty() || earlier.is_none(), "{id}: one means two things");
            }
        }
    }
}
