//! A MagTek reader in HID mode, in the layouts of its manuals: the swipe reader's, the P-Series' and
//! MagneSafe V5's. `behave` says which, from the next plugging-in on:
//!
//! ```text
//! plain               337 bytes, as at first
//! p-series            338 bytes
//! magnesafe           856 bytes, encrypted
//! magnesafe-unkeyed   the same before a key is in it: nothing is encrypted
//! ```
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use super::head::{self, TEST_KSN, Track};
use super::{Actions, Code, Info, Simulated};
use crate::hid::Kind;
use crate::hid::stream::{Decoder, Frame};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "magtek", configure };

/// The manuals' descriptor up to the tracks, the tracks of so many bytes, and its end.
#[rustfmt::skip]
const FRONT: &[u8] = &[
    0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, // page Magnetic Stripe Reader; usage decoding reader
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, //  values 0 to 255, of 8 bits
    0x09, 0x20, 0x09, 0x21, 0x09, 0x22,       //  decode statuses
    0x09, 0x28, 0x09, 0x29, 0x09, 0x2A,       //  lengths
    0x09, 0x38, 0x95, 0x07, 0x81, 0x02,       //  card encode type
];
const CARD_STATUS: &[u8] = &[0x09, 0x39, 0x95, 0x01, 0x81, 0x02];
/// The usages of the other 512 bytes were not at hand: here they are padding.
const MAGNESAFE: &[u8] = &[0x96, 0x00, 0x02, 0x81, 0x03];
const END: &[u8] = &[0x09, 0x20, 0x95, 0x18, 0xB2, 0x02, 0x01, 0xC0];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    PSeries,
    MagneSafe { keyed: bool },
}

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(Magtek { decoder: Decoder::default(), mode: Mode::Plain }))
}

struct Magtek {
    decoder: Decoder,
    mode: Mode,
}

impl Simulated for Magtek {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let tracks = head::tracks(&code.data);
        let report = match self.mode {
            Mode::Plain => clear(&tracks, 110),
            Mode::PSeries => [clear(&tracks, 110), vec![0]].concat(),
            Mode::MagneSafe { keyed } => magnesafe(&tracks, keyed),
        };
        let mut bytes = Vec::new();
        Frame::Report(Kind::Input, 0, &report).write(&mut bytes);
        bytes
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        let Self { decoder, mode } = self;
        decoder.take(bytes, &mut |frame| {
            if frame == Frame::Describe {
                Frame::Descriptor(&descriptor(*mode)).write(&mut out.send);
            }
        });
    }

    fn behave(&mut self, words: &str, out: &mut Actions) -> Result<(), String> {
        self.mode = match words {
            "plain" => Mode::Plain,
            "p-series" => Mode::PSeries,
            "magnesafe" => Mode::MagneSafe { keyed: true },
            "magnesafe-unkeyed" => Mode::MagneSafe { keyed: false },
            other => {
                let accepted = "plain, p-series, magnesafe or magnesafe-unkeyed";
                return Err(format!("found `{other}`, accepted is {accepted}"));
            }
        };
        Frame::Descriptor(&descriptor(self.mode)).write(&mut out.send);
        Ok(())
    }
}

fn descriptor(mode: Mode) -> Vec<u8> {
    let room = if matches!(mode, Mode::MagneSafe { .. }) { 112 } else { 110 };
    let mut descriptor = FRONT.to_vec();
    for usage in [0x30, 0x31, 0x32] {
        descriptor.extend([0x09, usage, 0x95, room, 0x82, 0x02, 0x01]);
    }
    if mode != Mode::Plain {
        descriptor.extend(CARD_STATUS);
    }
    if matches!(mode, Mode::MagneSafe { .. }) {
        descriptor.extend(MAGNESAFE);
    }
    descriptor.extend(END);
    descriptor
}

/// Statuses, lengths, card encode type and tracks.
fn front(tracks: &[Track; 3], pieces: [&[u8]; 3], room: usize) -> Vec<u8> {
    let status = |track: &Track| u8::from(*track == Track::Unreadable);
    let mut report: Vec<u8> = tracks.iter().map(status).collect();
    report.extend(pieces.map(|piece| u8::try_from(piece.len()).unwrap_or(u8::MAX)));
    report.push(if head::is_banks(tracks) { 0 } else { 4 });
    for piece in pieces {
        report.extend(field(piece, room));
    }
    report
}

fn clear(tracks: &[Track; 3], room: usize) -> Vec<u8> {
    front(tracks, tracks.each_ref().map(Track::text), room)
}

fn field(piece: &[u8], room: usize) -> Vec<u8> {
    let mut field = piece.to_vec();
    field.resize(room, 0);
    field
}

fn magnesafe(tracks: &[Track; 3], keyed: bool) -> Vec<u8> {
    let texts = tracks.each_ref().map(Track::text);
    let ciphertexts = texts.map(|text| head::pseudo_ciphertext(text.len(), 8));
    let pieces = if keyed { ciphertexts.each_ref().map(Vec::as_slice) } else { texts };
    let banks = head::is_banks(tracks);
    let masked = texts.map(|text| match (keyed, banks) {
        (true, true) => head::masked(text, b'0', true),
        _ => text.to_vec(),
    });
    let lengths = tracks.each_ref().map(Track::length);
    let (status, ksn) = if keyed { (0x06, TEST_KSN) } else { (0x00, [0; 10]) };
    let mut report = front(tracks, pieces, 112);
    report.extend([0x00, 0x00, 0x00, 0x02, 0x00]); // card status; MagnePrint status: too slow for one
    report.push(0); // no MagnePrint
    report.extend([0; 128]);
    report.extend(field(b"SIMULATED", 16));
    report.extend([0x00, status]);
    report.extend(ksn);
    report.extend(lengths);
    for masked in masked {
        report.extend(field(&masked, 112));
    }
    report.extend(if keyed { head::pseudo_ciphertext(8, 8) } else { vec![0; 8] });
    report.extend(lengths);
    report.push(0);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hid::Descriptor;

    #[test]
    fn reports_are_as_long_as_their_descriptors_say() {
        let mut device = configure(&Section::empty("options")).unwrap();
        for (words, length) in
            [("plain", 337), ("p-series", 338), ("magnesafe", 856), ("magnesafe-unkeyed", 856)]
        {
            let mut out = Actions::default();
            device.behave(words, &mut out).unwrap();
            let mut lengths = Vec::new();
            let mut decoder = Decoder::default();
            let sent = [out.send, device.scan(&Code::plain(";4111111111111111=2512?"))].concat();
            decoder.take(&sent, &mut |frame| match frame {
                Frame::Descriptor(bytes) => {
                    lengths.extend(Descriptor::parse(bytes).unwrap().length(Kind::Input, 0));
                }
                Frame::Report(_, _, report) => lengths.push(report.len()),
                _ => {}
            });
            assert_eq!(lengths, [length; 2], "{words}");
        }
        let error = device.behave("keyboard", &mut Actions::default()).unwrap_err();
        assert!(error.starts_with("found `keyboard`, accepted is plain"), "{error}");
    }
}
