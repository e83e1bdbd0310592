//! From what a device reported to what it means.
//!
//! Contract: pure, and it cannot fail: what cannot be told is `unknown` and `binary`. The device's word on the symbology stands; where it says nothing, the length
//! and the check digit may prove one, which is then marked as inferred. The bytes are always kept.
//!
//! In-store numbers (EAN-13 that begin with 20 to 29, UPC-A with 2) are trade item numbers here: what
//! weight or price such a number holds differs by country and is a profile's matter.

pub mod gtin;
pub mod infer;
pub mod text;

use encoding_rs::Encoding;

use crate::event::{Content, Event, Reading, Role, Scan, Sensitivity};
use crate::secret::Secret;

/// What a device's profile and configuration say about its codes.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What a scan on the device may mean.
    pub role: Role,
    /// The encodings, tried in this order; none means UTF-8.
    pub encodings: Vec<&'static Encoding>,
}

/// Decides what a reading means.
///
/// The reading is used up; its bytes stay in their [`Secret`] and are wiped with the scan.
#[must_use]
pub fn scan(reading: Reading, rules: &Rules) -> Event {
    let Reading { symbology: named, aim, data, first, last } = reading;
    let (symbology, inferred) = infer::symbology(named, data.expose());
    let gtin = gtin::of(symbology, data.expose());
    let decoded = text::decode(data.expose(), &rules.encodings);
    let (content, text, encoding) = match decoded {
        None => (Content::Binary, String::new(), None),
        Some(decoded) => {
            let content = match gtin {
                Some(_) => Content::Gtin,
                None if text::is_url(&decoded.text) => Content::Url,
                None => Content::Text,
            };
            (content, text::visible(decoded.text), Some(decoded.encoding))
        }
    };
    Event::Scan(Scan {
        symbology,
        inferred,
        aim,
        content,
        sensitivity: Sensitivity::Public,
        text: Secret::new(text),
        encoding,
        raw: data,
        gtin,
        details: Vec::new(),
        life: None,
        first,
        last,
    })
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
            data: Secret::new(data.to_vec()),
            first: Timestamp(1),
            last: Timestamp(2),
        };
        let rules =
            Rules { role: Role::Goods, encodings: vec![encoding_rs::UTF_8, encoding_rs::GB18030] };
        let Event::Scan(scan) = scan(reading, &rules);
        scan
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
            assert_eq!(
                (scan.content, scan.text.expose().as_str()),
                (Content::Gtin, data),
                "{name}"
            );
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
            assert_eq!((scan.content, scan.text.expose().as_str()), (content, text), "{name}");
            assert_eq!((scan.encoding, scan.raw.expose().as_slice()), (encoding, data), "{name}");
        }
    }
}
