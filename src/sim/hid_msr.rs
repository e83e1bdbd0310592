//! A card reader of the HID point-of-sale class: lengths and tracks in one report.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other. It goes
//! over a virtual port in the frames of [`stream`](crate::hid::stream).

use super::{Actions, Code, Info, Simulated};
use crate::hid::Kind;
use crate::hid::stream::{Decoder, Frame};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "hid-msr", configure };

/// What the device says of its reports.
#[rustfmt::skip]
const DESCRIPTOR: &[u8] = &[
    0x05, 0x8E, 0x09, 0x01, 0xA1, 0x01, // page Magnetic Stripe Reader; usage MSR Device; application
    0x85, 0x03,                         //  report 3
    0x15, 0x00, 0x26, 0xFF, 0x00,       //  values 0 to 255
    0x75, 0x08, 0x95, 0x03,             //  3 of 8 bits
    0x09, 0x11, 0x09, 0x12, 0x09, 0x13, //  Track 1 to 3 Length
    0x81, 0x02,
    0x95, 0x4F, 0x09, 0x21,             //  79: Track 1 Data
    0x82, 0x02, 0x01,                   //  in a buffer
    0x95, 0x28, 0x09, 0x22,             //  40: Track 2 Data
    0x82, 0x02, 0x01,
    0x95, 0x6B, 0x09, 0x23,             //  107: Track 3 Data
    0x82, 0x02, 0x01, 0xC0,
];

const REPORT: u8 = 3;
/// How many bytes there are for each track.
const ROOMS: [usize; 3] = [79, 40, 107];
const SENTINELS: [&str; 3] = ["%", ";", "+"];

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(HidMsr { decoder: Decoder::default() }))
}

struct HidMsr {
    decoder: Decoder,
}

impl Simulated for HidMsr {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let mut bytes = Vec::new();
        Frame::Report(Kind::Input, REPORT, &report(&code.data)).write(&mut bytes);
        bytes
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.decoder.take(bytes, &mut |frame| {
            if frame == Frame::Describe {
                Frame::Descriptor(DESCRIPTOR).write(&mut out.send);
            }
        });
    }
}

/// The report of a card; what does not fit into a track's room is cut off.
fn report(card: &[u8]) -> Vec<u8> {
    let tracks: Vec<&[u8]> = card.split_inclusive(|byte| *byte == b'?').collect();
    let of = |sentinel: &str| {
        let track = tracks.iter().find(|track| track.starts_with(sentinel.as_bytes()));
        track.copied().unwrap_or_default()
    };
    let (mut lengths, mut data) = (Vec::new(), Vec::new());
    for (sentinel, room) in SENTINELS.into_iter().zip(ROOMS) {
        let track = of(sentinel);
        let track = track.get(..room).unwrap_or(track);
        lengths.push(u8::try_from(track.len()).unwrap_or(0));
        let filled = data.len() + room;
        data.extend_from_slice(track);
        data.resize(filled, 0);
    }
    [lengths, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hid::Descriptor;

    #[test]
    fn a_report_is_of_the_descriptors_length() {
        let report = report(b"%STAFF?;42?");
        let length = Descriptor::parse(DESCRIPTOR).unwrap().length(Kind::Input, REPORT);
        assert_eq!(Some(report.len()), length);
        assert_eq!((&report[..10], &report[82..87]), (&b"\x07\x04\x00%STAFF?"[..], &b";42?\0"[..]));
    }
}
