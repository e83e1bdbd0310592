//! Symbologies, the AIM identifiers that name them, and their UnifiedPOS numbers.
//!
//! Contract: two declared tables. The first gives each symbology its word and its UnifiedPOS
//! `ScanDataType`; the second gives each AIM identifier (ISO/IEC 15424) its symbology. What a table
//! does not hold is [`Symbology::Unknown`], and the identifier travels on beside it, so an unknown
//! code is never taken for a known one.

use std::fmt;

/// Declares the symbologies: variant, word, UnifiedPOS `ScanDataType`.
macro_rules! symbologies {
    ($($(#[$doc:meta])+ $variant:ident $word:literal $scan_data_type:literal;)+) => {
        /// A bar code's or two-dimensional code's kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Symbology {
            $($(#[$doc])+ $variant,)+
        }

        impl Symbology {
            /// All of them, in the table's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used on the bus.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The `ScanDataType` of UnifiedPOS; [`OTHER`] where it has no number of its own.
            #[must_use]
            pub fn scan_data_type(self) -> u32 {
                match self {
                    $(Self::$variant => $scan_data_type,)+
                }
            }
        }
    };
}

/// The `ScanDataType` of what UnifiedPOS does not number.
pub const OTHER: u32 = 501;

symbologies! {
    /// Nothing says which.
    Unknown "unknown" 0;
    /// EAN-13, and what a device sends as one: see [`Symbology::from_aim`].
    Ean13 "ean-13" 104;
    /// EAN-8.
    Ean8 "ean-8" 103;
    /// UPC-A.
    UpcA "upc-a" 101;
    /// UPC-E.
    UpcE "upc-e" 102;
    /// EAN-13 with its add-on in the same message.
    Ean13AddOn "ean-13-add-on" 119;
    /// EAN-8 with its add-on in the same message.
    Ean8AddOn "ean-8-add-on" 118;
    /// UPC-A with its add-on in the same message.
    UpcAAddOn "upc-a-add-on" 111;
    /// UPC-E with its add-on in the same message.
    UpcEAddOn "upc-e-add-on" 112;
    /// A two-digit add-on sent on its own.
    AddOn2 "ean-add-on-2" 501;
    /// A five-digit add-on sent on its own.
    AddOn5 "ean-add-on-5" 501;
    /// UPC version D1.
    UpcD1 "upc-d1" 113;
    /// UPC version D2.
    UpcD2 "upc-d2" 114;
    /// UPC version D3.
    UpcD3 "upc-d3" 115;
    /// UPC version D4.
    UpcD4 "upc-d4" 116;
    /// UPC version D5.
    UpcD5 "upc-d5" 117;
    /// Code 128 without GS1 meaning.
    Code128 "code-128" 110;
    /// Code 128 with FNC1 first.
    Gs1Code128 "gs1-128" 120;
    /// Code 128 of a blood bank.
    Isbt128 "isbt-128" 141;
    /// Code 39.
    Code39 "code-39" 108;
    /// Code 32, the Italian pharmacode.
    Code32 "code-32" 138;
    /// Code CIP, the French pharmacode.
    Cip "cip" 139;
    /// Trioptic Code 39.
    Trioptic39 "trioptic-39" 140;
    /// TLC 39: Code 39 with MicroPDF417.
    Tlc39 "tlc-39" 154;
    /// Code 93.
    Code93 "code-93" 109;
    /// Codabar.
    Codabar "codabar" 107;
    /// Ames code.
    Ames "ames" 135;
    /// Interleaved 2 of 5.
    Itf "itf" 106;
    /// Discrete 2 of 5, whichever its start and stop.
    TwoOfFive "2-of-5" 105;
    /// Matrix 2 of 5.
    MatrixTwoOfFive "matrix-2-of-5" 136;
    /// Code 11.
    Code11 "code-11" 142;
    /// MSI.
    Msi "msi" 143;
    /// Plessey.
    Plessey "plessey" 144;
    /// Anker.
    Anker "anker" 501;
    /// Telepen.
    Telepen "telepen" 145;
    /// Channel Code.
    ChannelCode "channel-code" 501;
    /// PosiCode.
    PosiCode "posicode" 501;
    /// SuperCode.
    SuperCode "supercode" 501;
    /// Digital watermark.
    DigitalWatermark "digital-watermark" 146;
    /// OCR in a font that nothing names.
    Ocr "ocr" 501;
    /// OCR-A.
    OcrA "ocr-a" 121;
    /// OCR-B.
    OcrB "ocr-b" 122;
    /// GS1 DataBar; the AIM identifier does not tell its variants apart.
    Databar "databar" 131;
    /// GS1 DataBar Expanded.
    DatabarExpanded "databar-expanded" 132;
    /// GS1 DataBar Limited.
    DatabarLimited "databar-limited" 134;
    /// GS1 Composite, component A.
    CompositeA "gs1-composite-a" 151;
    /// GS1 Composite, component B.
    CompositeB "gs1-composite-b" 152;
    /// GS1 Composite, component C.
    CompositeC "gs1-composite-c" 153;
    /// The two-dimensional part of a GS1 Composite, its component unnamed.
    Composite "gs1-composite" 501;
    /// PDF417.
    Pdf417 "pdf417" 201;
    /// MicroPDF417.
    MicroPdf417 "micro-pdf417" 207;
    /// MaxiCode.
    MaxiCode "maxicode" 202;
    /// Data Matrix without GS1 meaning.
    DataMatrix "data-matrix" 203;
    /// Data Matrix with FNC1 first.
    Gs1DataMatrix "gs1-data-matrix" 208;
    /// QR code without GS1 meaning.
    Qr "qr" 204;
    /// Micro QR code.
    MicroQr "micro-qr" 205;
    /// QR code with FNC1 first.
    Gs1Qr "gs1-qr" 209;
    /// Aztec code without GS1 meaning.
    Aztec "aztec" 206;
    /// Aztec code with FNC1 first.
    Gs1Aztec "gs1-aztec" 206;
    /// DotCode without GS1 meaning.
    DotCode "dotcode" 501;
    /// DotCode with GS1 meaning.
    Gs1DotCode "gs1-dotcode" 501;
    /// Han Xin without GS1 meaning.
    HanXin "han-xin" 215;
    /// Han Xin with GS1 meaning.
    Gs1HanXin "gs1-han-xin" 215;
    /// Code One.
    CodeOne "code-one" 501;
    /// Code 49.
    Code49 "code-49" 210;
    /// Code 16K without GS1 meaning.
    Code16K "code-16k" 211;
    /// Code 16K with FNC1 first.
    Gs1Code16K "gs1-code-16k" 211;
    /// Codablock A.
    CodablockA "codablock-a" 212;
    /// Codablock F.
    CodablockF "codablock-f" 213;
    /// Codablock F with FNC1 first.
    Gs1CodablockF "gs1-codablock-f" 213;
    /// Codablock 256.
    Codablock256 "codablock-256" 214;
    /// Australia Post.
    AustraliaPost "australia-post" 301;
    /// Canada Post.
    CanadaPost "canada-post" 302;
    /// China Post.
    ChinaPost "china-post" 303;
    /// The Dutch KIX code.
    DutchKix "dutch-kix" 304;
    /// InfoMail.
    InfoMail "infomail" 305;
    /// Japan Post.
    JapanPost "japan-post" 306;
    /// Korea Post.
    KoreaPost "korea-post" 307;
    /// Sweden Post.
    SwedenPost "sweden-post" 308;
    /// The code of the Royal Mail.
    UkPost "uk-post" 309;
    /// The Intelligent Mail bar code of the United States.
    UsIntelligentMail "us-intelligent-mail" 310;
    /// PLANET of the United States.
    UsPlanet "us-planet" 311;
    /// POSTNET of the United States.
    UsPostnet "us-postnet" 312;
}

/// One row of the AIM table: code letter, the modifiers it speaks of, the symbology.
type AimRow = (u8, &'static [u8], Symbology);

/// The AIM identifiers, sorted by letter as ISO/IEC 15424 has them.
///
/// Codabar's modifiers differ between vendors, so all that are seen are here. `]R` and `]S` differ
/// in the start character only. `]X` (vendor's use) and `]Z` (no bar code) name no symbology, and
/// vendors disagree on the low modifiers of `]O`; they are here with [`Symbology::Unknown`] because
/// they are identifiers all the same.
const AIM: &[AimRow] = &[
    (b'A', b"01234567", Symbology::Code39),
    (b'B', b"0124", Symbology::Telepen),
    (b'C', b"02", Symbology::Code128),
    (b'C', b"1", Symbology::Gs1Code128),
    (b'C', b"4", Symbology::Isbt128),
    (b'D', b"0123456", Symbology::CodeOne),
    (b'E', b"0", Symbology::Ean13),
    (b'E', b"1", Symbology::AddOn2),
    (b'E', b"2", Symbology::AddOn5),
    (b'E', b"3", Symbology::Ean13AddOn),
    (b'E', b"4", Symbology::Ean8),
    (b'F', b"01234", Symbology::Codabar),
    (b'G', b"0", Symbology::Code93),
    (b'H', b"013", Symbology::Code11),
    (b'I', b"013", Symbology::Itf),
    (b'J', b"0235", Symbology::DotCode),
    (b'J', b"14", Symbology::Gs1DotCode),
    (b'K', b"024", Symbology::Code16K),
    (b'K', b"1", Symbology::Gs1Code16K),
    (b'L', b"012", Symbology::Pdf417),
    (b'L', b"345", Symbology::MicroPdf417),
    (b'M', b"0123", Symbology::Msi),
    (b'N', b"0", Symbology::Anker),
    (b'O', b"0123", Symbology::Unknown),
    (b'O', b"4", Symbology::CodablockF),
    (b'O', b"5", Symbology::Gs1CodablockF),
    (b'O', b"6", Symbology::CodablockA),
    (b'P', b"0", Symbology::Plessey),
    (b'Q', b"01256", Symbology::Qr),
    (b'Q', b"34", Symbology::Gs1Qr),
    (b'R', b"0", Symbology::TwoOfFive),
    (b'S', b"0", Symbology::TwoOfFive),
    (b'T', b"0124", Symbology::Code49),
    (b'U', b"0123", Symbology::MaxiCode),
    (b'X', b"0123456789ABCDEF", Symbology::Unknown),
    (b'Z', b"0123456789", Symbology::Unknown),
    (b'c', b"0", Symbology::ChannelCode),
    (b'd', b"0134678", Symbology::DataMatrix),
    (b'd', b"25", Symbology::Gs1DataMatrix),
    (b'e', b"0", Symbology::Databar),
    (b'e', b"123", Symbology::Composite),
    (b'h', b"01", Symbology::HanXin),
    (b'h', b"2", Symbology::Gs1HanXin),
    (b'o', b"0", Symbology::Ocr),
    (b'o', b"1", Symbology::OcrA),
    (b'o', b"2", Symbology::OcrB),
    (b'p', b"0", Symbology::PosiCode),
    (b's', b"0", Symbology::SuperCode),
    (b'z', b"0235689BC", Symbology::Aztec),
    (b'z', b"147A", Symbology::Gs1Aztec),
];

/// An AIM identifier: `]`, a letter for the symbology, a modifier for its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aim {
    /// The code letter; case matters.
    pub code: u8,
    /// The modifier, a digit or a letter.
    pub modifier: u8,
}

impl Aim {
    /// The identifier that `bytes` begin with, and what follows it.
    ///
    /// Any letter and any modifier will do: whether the table knows them is [`Aim::is_known`].
    #[must_use]
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        match bytes {
            [b']', code, modifier, rest @ ..]
                if code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
            {
                Some((Self { code: *code, modifier: *modifier }, rest))
            }
            _ => None,
        }
    }

    /// Whether the table has this letter with this modifier.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }

    fn row(self) -> Option<&'static AimRow> {
        AIM.iter()
            .find(|(code, modifiers, _)| *code == self.code && modifiers.contains(&self.modifier))
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "]{}{}", char::from(self.code), char::from(self.modifier))
    }
}

impl Symbology {
    /// The symbology that an AIM identifier names.
    ///
    /// `]E0` is EAN-13 here although the standard sends UPC-A and UPC-E under it too, as thirteen
    /// digits: EAN-13 is the form that was sent, the bars of UPC-A *are* those of an EAN-13 that
    /// begins with 0, and nothing in thirteen digits tells UPC-A from UPC-E. A device that sends
    /// fewer digits under `]E0` has said more than the standard lets it; normalization hears that.
    #[must_use]
    pub fn from_aim(aim: Aim) -> Self {
        aim.row().map_or(Self::Unknown, |(_, _, symbology)| *symbology)
    }
}

impl fmt::Display for Symbology {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aim_identifiers_name_their_symbologies() {
        for (identifier, word) in [
            ("]E0", "ean-13"),
            ("]E4", "ean-8"),
            ("]E3", "ean-13-add-on"),
            ("]C0", "code-128"),
            ("]C1", "gs1-128"),
            ("]C4", "isbt-128"),
            ("]Q1", "qr"),
            ("]Q3", "gs1-qr"),
            ("]Q4", "gs1-qr"),
            ("]Q6", "qr"),
            ("]d1", "data-matrix"),
            ("]d2", "gs1-data-matrix"),
            ("]d5", "gs1-data-matrix"),
            ("]e0", "databar"),
            ("]J1", "gs1-dotcode"),
            ("]L2", "pdf417"),
            ("]L3", "micro-pdf417"),
            ("]z0", "aztec"),
            ("]zC", "aztec"),
            ("]zA", "gs1-aztec"),
            ("]A7", "code-39"),
            ("]I1", "itf"),
            ("]X0", "unknown"),
            ("]q0", "unknown"),
        ] {
            let (aim, rest) = Aim::split(identifier.as_bytes()).unwrap();
            assert_eq!(Symbology::from_aim(aim).word(), word, "{identifier}");
            assert_eq!((aim.to_string().as_str(), rest), (identifier, &b""[..]));
        }
    }

    #[test]
    fn an_identifier_the_table_lacks_is_unknown_and_kept() {
        let (aim, rest) = Aim::split(b"]y7abc").unwrap();
        assert!(!aim.is_known());
        assert_eq!((aim.to_string().as_str(), rest), ("]y7", &b"abc"[..]));
        assert_eq!(Symbology::from_aim(aim), Symbology::Unknown);
    }

    #[test]
    fn what_is_no_identifier_is_not_split() {
        for bytes in [&b""[..], b"]", b"]E", b"]10", b"]E-", b"E00", b" ]E0"] {
            assert_eq!(Aim::split(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn no_two_rows_claim_one_identifier() {
        for (place, (code, modifiers, _)) in AIM.iter().enumerate() {
            for modifier in *modifiers {
                let first = AIM
                    .iter()
                    .position(|(other, theirs, _)| other == code && theirs.contains(modifier));
                let aim = Aim { code: *code, modifier: *modifier };
                assert_eq!(first, Some(place), "{aim} stands in two rows");
            }
        }
    }

    #[test]
    fn words_are_kebab_case_and_differ() {
        let mut words: Vec<&str> =
            Symbology::ALL.iter().map(|symbology| symbology.word()).collect();
        assert!(words.iter().all(|word| {
            word.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        }));
        words.sort_unstable();
        let count = words.len();
        words.dedup();
        assert_eq!(words.len(), count);
    }

    #[test]
    fn scan_data_types_are_those_of_unified_pos() {
        for (symbology, number) in [
            (Symbology::UpcA, 101),
            (Symbology::Ean13, 104),
            (Symbology::Gs1Code128, 120),
            (Symbology::Qr, 204),
            (Symbology::Gs1DataMatrix, 208),
            (Symbology::DotCode, OTHER),
            (Symbology::Unknown, 0),
        ] {
            assert_eq!(symbology.scan_data_type(), number, "{symbology}");
        }
    }
}
