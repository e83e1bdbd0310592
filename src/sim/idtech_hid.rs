//! An ID TECH reader on USB in HID mode, in the layout of the VersaKey's manual. `behave` says how it
//! talks, as with the serial one.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use super::head::{self, Track};
use super::idtech::{Mode, frame, text};
use super::{Actions, Code, Info, Simulated};
use crate::hid::Kind;
use crate::hid::stream::{Decoder, Frame};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "idtech-hid", configure };

/// How many bytes of output a report holds.
const ROOM: usize = 500;

/// What the device says of its reports.
#[rustfmt::skip]
const DESCRIPTOR: &[u8] = &[
    0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, // page MSR; usage decoding reader
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, //  values 0 to 255, of 8 bits
    0x09, 0x20, 0x09, 0x21, 0x09, 0x22,       //  decode statuses
    0x09, 0x28, 0x09, 0x29, 0x09, 0x2A,       //  lengths
    0x09, 0x38, 0x95, 0x07, 0x81, 0x02,       //  card encode type
    0x09, 0x30, 0x95, 0x02, 0x82, 0x02, 0x01, //  total length
    0x09, 0x31, 0x96, 0xF4, 0x01,             //  500 bytes of output
    0x82, 0x02, 0x01,
    0x09, 0x20, 0x95, 0x20, 0xB2, 0x02, 0x01, //  commands
    0xC0,
];

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(IdtechHid { decoder: Decoder::default(), mode: Mode::Text }))
}

struct IdtechHid {
    decoder: Decoder,
    mode: Mode,
}

impl Simulated for IdtechHid {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let tracks = head::tracks(&code.data);
        let mut report = match self.mode {
            Mode::Text => clear(&tracks),
            mode => frame(mode, &tracks),
        };
        report.resize(9 + ROOM, 0);
        let mut bytes = Vec::new();
        Frame::Report(Kind::Input, 0, &report).write(&mut bytes);
        bytes
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.decoder.take(bytes, &mut |frame| {
            if frame == Frame::Describe {
                Frame::Descriptor(DESCRIPTOR).write(&mut out.send);
            }
        });
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        self.mode = Mode::named(words)?;
        Ok(())
    }
}

fn clear(tracks: &[Track; 3]) -> Vec<u8> {
    let output = text(tracks);
    let mut report: Vec<u8> =
        tracks.iter().map(|track| u8::from(*track == Track::Unreadable)).collect();
    report.extend(tracks.each_ref().map(Track::length));
    report.push(if head::is_banks(tracks) { 0 } else { 3 });
    report.extend(u16::try_from(output.len()).unwrap_or(u16::MAX).to_le_bytes());
    report.extend(output);
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hid::Descriptor;

    #[test]
    fn reports_are_as_long_as_the_descriptor_says() {
        let length = Descriptor::parse(DESCRIPTOR).unwrap().length(Kind::Input, 0);
        let mut device = configure(&Section::empty("options")).unwrap();
        for words in ["text", "original", "enhanced"] {
            device.behave(words, &mut Actions::default()).unwrap();
            let sent = device.scan(&Code::plain("%B4111111111111111^A/B^2512?"));
            Decoder::default().take(&sent, &mut |frame| match frame {
                Frame::Report(_, _, report) => assert_eq!(Some(report.len()), length, "{words}"),
                other => panic!("{other:?}"),
            });
        }
    }
}
