//! The secrets that are said, and by which device.

use std::path::Path;

use tillbus::event::Symbology;
use tillbus::profile::{Kind, Profile};
use tillbus::protocol;
use tillbus::sim::Code;

/// Test numbers that card schemes and processors publish; their digits differ enough to be found in part.
pub(crate) const PANS: [&str; 6] = [
    "5413330089020011",
    "378282246310005",
    "6011000990139424",
    "4000056655665556",
    "30569309025904",
    "4111111111111111",
];
/// Who has these can pay with them. From integrators' examples.
const CODES: [&str; 2] = ["135112298638468293", "289431869362714645"];
/// GB 11643-1999, Annex A.
const PERSON: &str = "11010519491231002X";

/// Whose the cards are.
const NAME: &str = "QUITTENMARMELADE";
/// What issuers keep on a track for themselves.
const DISCRETIONARY: &str = "9988776655443";

/// What must not come out.
pub(crate) struct Canaries {
    /// Nowhere.
    pub hidden: Vec<String>,
    /// Nowhere but in what is sent to the owner alone.
    pub bearer: Vec<String>,
}

pub(crate) fn all() -> Canaries {
    let once = [PERSON, NAME, DISCRETIONARY].map(str::to_owned);
    let hidden = PANS.map(str::to_owned).into_iter().chain(PANS.map(presented)).chain(once);
    Canaries { hidden: hidden.collect(), bearer: CODES.map(str::to_owned).to_vec() }
}

/// A consumer-presented code with this number (EMV QR Code Specification, Consumer-Presented Mode, 4): in a
/// track, as bytes of two digits each.
fn presented(pan: &str) -> String {
    let digits = format!("{pan}D25121010000000000000");
    let digits = if digits.len() % 2 == 0 { digits } else { digits + "F" };
    let track: Vec<u8> = digits
        .as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect();
    let object =
        |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
    let application =
        [object(0x4F, &[0xA0, 0, 0, 0, 0x04, 0x10, 0x10]), object(0x57, &track)].concat();
    let code = [object(0x85, b"CPV01"), object(0x61, &application)].concat();
    base64(&code)
}

fn base64(bytes: &[u8]) -> String {
    let text = crate::base64(bytes, 0);
    // What stands in the last character beside the data is zeros, and `=` fills up to four.
    let missing = match bytes.len() % 3 {
        0 => return text,
        rest => 3 - rest,
    };
    let padded = crate::base64(&[bytes, &vec![0; missing]].concat(), 0);
    format!("{}{}", &padded[..padded.len() - missing], "=".repeat(missing))
}

/// The device of a profile in the configuration: for goods and payments, its cards let out whole.
pub(crate) fn configuration(profile: &Profile, path: &Path) -> String {
    format!(
        "[[device]]\nname = {:?}\nlane = \"1\"\nrole = \"both\"\nmatch = {{ pty = {:?} }}\nprofile = {:?}\n\
         [device.cards]\nfinancial-cards = \"allow\"\n",
        profile.id,
        path.display().to_string(),
        profile.id,
    )
}

/// What a device says.
pub(crate) enum Says {
    /// Codes; what is public among them goes to everyone.
    Codes(Vec<Code>),
    /// Cards, of which nothing is public.
    Cards(Vec<Code>),
}

/// What the device of a profile says; nothing where it reads nothing.
pub(crate) fn said_by(profile: &Profile) -> Option<Says> {
    match profile.kind {
        Kind::Device(protocol::Kind::Scanner) => Some(Says::Codes(codes())),
        Kind::Device(protocol::Kind::CardReader) => {
            Some(Says::Cards(PANS.map(|pan| Code::plain(tracks(pan))).to_vec()))
        }
        _ => None,
    }
}

/// What a scanner reads: cards on telephones, and numbers in whatever somebody has made a code of.
fn codes() -> Vec<Code> {
    let texts = PANS.iter().flat_map(|pan| {
        let of: Vec<_> = pan.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        [
            (*pan).to_owned(),
            format!("Card {}, paid", of.join(" ")),
            format!("https://example.com/pay?card={}&n=1", of.join("-")),
        ]
    });
    let secrets = PANS
        .map(presented)
        .into_iter()
        .chain(CODES.map(str::to_owned))
        .chain([PERSON.to_owned()])
        .chain(texts);
    let code = |data: String| Code { symbology: Some(Symbology::Qr), data: data.into_bytes() };
    secrets.map(code).collect()
}

/// The first two tracks of a bank's card.
fn tracks(pan: &str) -> String {
    format!("%B{pan}^{NAME}/EMIL^2512101{DISCRETIONARY}?;{pan}=2512101{DISCRETIONARY}?")
}
