//! The EMVCo consumer-presented code: what a card would say to a terminal, as a QR code.
//!
//! Contract: pure. What identifies the card never leaves this module but for its last four digits;
//! the decoded bytes are wiped.
//!
//! Source: EMV QR Code Specification for Payment Systems, Consumer-Presented Mode, 1.1, section 4.
//! Oddities: the code is base64 text, and some boxes decode that before they send it. Wallets put
//! other things than card numbers into 5A; what is no card number has no last four digits.

use super::ber_tlv::{Object, Objects};
use crate::secret::Secret;

/// The payload format indicator up to its version: tag 85, five bytes, `CPV`.
const HEAD: &[u8] = &[0x85, 0x05, b'C', b'P', b'V'];
/// What [`HEAD`] begins with as base64.
const TEXT_HEAD: &[u8] = b"hQVDUF";

/// Table 4.1 and after: the templates, and what is read of them.
const APPLICATION: u32 = 0x61;
const COMMON: u32 = 0x62;
const AID: u32 = 0x4F;
const LABEL: u32 = 0x50;
const TRACK_2: u32 = 0x57;
const PAN: u32 = 0x5A;
const LAST_FOUR: u32 = 0x9F25;

/// ISO/IEC 7812: the digits of a card number.
const PAN_DIGITS: std::ops::RangeInclusive<usize> = 8..=19;

/// What may be shown of a code.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// The applications, in the order of the customer's preference.
    pub applications: Vec<Application>,
    /// Whether all of it is there and as the specification has it.
    pub whole: bool,
}

/// One way of paying that the code offers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// The identifier of the application: whose it is.
    pub aid: Vec<u8>,
    /// What the card scheme calls it.
    pub label: Option<String>,
    /// The end of the card number.
    pub last_four: Option<String>,
}

/// What the code offers; `None` where it is no such code.
#[must_use]
pub fn read(code: &[u8]) -> Option<Presented> {
    if code.starts_with(HEAD) {
        return Some(presented(code, true));
    }
    if !code.starts_with(TEXT_HEAD) {
        return None;
    }
    let (payload, clean) = base64(code);
    payload.expose().starts_with(HEAD).then(|| presented(payload.expose(), clean))
}

fn presented(payload: &[u8], clean: bool) -> Presented {
    let mut presented = Presented { applications: Vec::new(), whole: clean };
    let mut common = None;
    for object in Objects::of(payload) {
        match object {
            Ok(Object { tag: APPLICATION, value }) => match application(value) {
                Some(application) => presented.applications.push(application),
                None => presented.whole = false,
            },
            Ok(Object { tag: COMMON, value }) => match last_four(value) {
                Ok(last_four) => common = common.or(last_four),
                Err(()) => presented.whole = false,
            },
            Ok(_) => {}
            Err(_) => presented.whole = false,
        }
    }
    presented.whole &= !presented.applications.is_empty();
    // What stands in the common template holds for every application that says nothing of its own.
    for application in &mut presented.applications {
        application.last_four = application.last_four.take().or_else(|| common.clone());
    }
    presented
}

/// `None` where the template is damaged or names no application.
fn application(template: &[u8]) -> Option<Application> {
    let mut application = Application::default();
    for object in Objects::of(template) {
        match object.ok()? {
            Object { tag: AID, value } => application.aid = value.to_vec(),
            Object { tag: LABEL, value } => application.label = label(value),
            _ => {}
        }
    }
    application.last_four = last_four(template).ok()?;
    (!application.aid.is_empty()).then_some(application)
}

/// Book 1, section 12.2: up to 16 printable characters.
fn label(value: &[u8]) -> Option<String> {
    let plain = (1..=16).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    plain.then(|| value.iter().copied().map(char::from).collect())
}

/// The end of the card number that a template holds. What the issuer gives as such comes first: the
/// number itself may stand for another one.
fn last_four(template: &[u8]) -> Result<Option<String>, ()> {
    let (mut given, mut of_number) = (None, None);
    for object in Objects::of(template) {
        match object.map_err(|_| ())? {
            Object { tag: LAST_FOUR, value } if value.len() == 2 => given = end(value, 4..=4),
            Object { tag: PAN, value } => of_number = end(value, PAN_DIGITS).or(of_number),
            Object { tag: TRACK_2, value } => of_number = of_number.or(end(value, PAN_DIGITS)),
            _ => {}
        }
    }
    Ok(given.or(of_number))
}

/// The last four of packed decimal digits, up to the first nibble that is none: the `F` that pads a
/// number, the `D` behind the number of a track 2.
fn end(packed: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let nibbles = packed.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let count = nibbles.clone().take_while(|nibble| *nibble < 10).count();
    if !lengths.contains(&count) {
        return None;
    }
    let last = nibbles.take(count).skip(count - 4);
    Some(last.map(|digit| char::from(b'0' + digit)).collect())
}

/// The bytes of base64 up to the first character that is none, and whether there was no such.
fn base64(text: &[u8]) -> (Secret<Vec<u8>>, bool) {
    let mut bytes = Secret::<Vec<u8>>::with_room(text.len());
    let padding = text.iter().rev().take_while(|character| **character == b'=').count();
    let digits = text.get(..text.len() - padding).unwrap_or_default();
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut clean = padding <= 2 && digits.len() % 4 != 1;
    for character in digits {
        let Some(digit) = sextet(*character) else {
            clean = false;
            break;
        };
        held = (held << 6 | digit) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            // Fewer bytes than characters: there is room.
            clean &= u8::try_from(held >> bits & 0xFF).is_ok_and(|byte| bytes.push(byte).is_ok());
        }
    }
    (bytes, clean)
}

/// RFC 4648, sections 4 and 5: the wallets' alphabet, and the one for links.
fn sextet(character: u8) -> Option<u32> {
    let (base, first) = match character {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' | b'-' => (character, 62),
        b'/' | b'_' => (character, 63),
        _ => return None,
    };
    Some(u32::from(character - base) + first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README of the repository `dongri/emv-qrcode`: two applications and a common template.
    const TWO_APPLICATIONS: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
    /// The tests of the repositories `kenmaz/JPQRReader` and `mvallim/emv-qrcode`: the card number
    /// stands in the track.
    const TRACK: &str = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=";
    /// The tests of the repository `ingonoka/qrdata`: an application that is no card scheme's, with
    /// something else than a card number in 5A, and lengths of two bytes.
    const TICKET: &str = "hQVDUFYwMWGBl08FR0NBU0haGzExMDcwMDQwMDAwMDAwMDAwMDEwODkwMzA5MGNxwRZHQy0wNzI1MjAyNS0wMDAwMDkzOTA4wgIAAcQEaINZd8gEaIM9a95HMEUCIGWdjueZsFZHMkVQSy/jlqQubfpvMk4BsQKeHJuIn5aJAiEAvNpixJCHfUCj6T/8Q8/V3ay0GmNFgAUdDzE+c/Ilny0=";

    fn application(aid: &[u8], label: Option<&str>, last_four: Option<&str>) -> Application {
        Application {
            aid: aid.to_vec(),
            label: label.map(str::to_owned),
            last_four: last_four.map(str::to_owned),
        }
    }

    #[test]
    fn published_codes() {
        let first = [0xA0, 0, 0, 0, 0x55, 0x55, 0x55];
        let second = [0xA0, 0, 0, 0, 0x66, 0x66, 0x66];
        for (name, code, applications) in [
            (
                "two applications, the card number in common",
                TWO_APPLICATIONS,
                vec![
                    application(&first, Some("Product1"), Some("3458")),
                    application(&second, Some("Product2"), Some("3458")),
                ],
            ),
            ("the number in the track", TRACK, vec![application(&first, None, Some("3458"))]),
            ("no card at all", TICKET, vec![application(b"GCASH", None, None)]),
        ] {
            let want = Presented { applications, whole: true };
            assert_eq!(read(code.as_bytes()).as_ref(), Some(&want), "{name}");
            let (binary, clean) = base64(code.as_bytes());
            assert!(clean, "{name}");
            assert_eq!(read(binary.expose()).as_ref(), Some(&want), "{name}, decoded by the box");
        }
    }

    #[test]
    fn the_last_four_that_the_issuer_gives_come_first() {
        let number = [0x5A, 8, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
        let template = [&number[..], &[0x9F, 0x25, 2, 0x97, 0x42]].concat();
        assert_eq!(last_four(&template), Ok(Some("9742".to_owned())));
        assert_eq!(last_four(&number), Ok(Some("1111".to_owned())));
        assert_eq!(last_four(&[0x5A, 3, 0x12, 0x34, 0x5F]), Ok(None), "too short for a card");
        assert_eq!(
            last_four(&[0x5A, 5, 0x12, 0x34, 0x56, 0x78, 0x9F]),
            Ok(Some("6789".to_owned()))
        );
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_still_a_card() {
        for code in [TWO_APPLICATIONS, TRACK, TICKET] {
            for length in TEXT_HEAD.len() + 1..code.trim_end_matches('=').len() {
                let presented = read(&code.as_bytes()[..length]).unwrap();
                let ends_at_an_object = presented.whole;
                assert!(
                    !ends_at_an_object || code == TWO_APPLICATIONS,
                    "cut at {length} of {code} and whole"
                );
            }
            let mut damaged = code.as_bytes().to_vec();
            damaged[20] = b'*';
            assert!(!read(&damaged).unwrap().whole);
        }
    }

    #[test]
    fn what_is_none() {
        for (name, code) in [
            ("nothing", &b""[..]),
            ("a text that begins alike", b"hQVDUFRlcg=="),
            ("a template alone", &[0x61, 2, 0x4F, 0]),
            ("another indicator", b"\x85\x05ABV01"),
        ] {
            assert_eq!(read(code), None, "{name}");
        }
        assert!(!read(b"hQVDUFYwMQ==").unwrap().whole, "without an application");
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, bytes, clean) in [
            ("", &b""[..], true),
            ("Zg==", b"f", true),
            ("Zm8=", b"fo", true),
            ("Zm9v", b"foo", true),
            ("Zm9vYmFy", b"foobar", true),
            ("Zm9vYg", b"foob", true),
            ("-_-_", &[0xFB, 0xFF, 0xBF], true),
            ("+/+/", &[0xFB, 0xFF, 0xBF], true),
            ("Zm9vY", b"foo", false),
            ("Zm9v!mFy", b"foo", false),
        ] {
            let (found, is_clean) = base64(text.as_bytes());
            assert_eq!((found.expose(), is_clean), (bytes, clean), "{text}");
        }
    }
}
