//! A scanner of the HID point-of-sale class, in the layout that Honeywell and Access-IS devices have:
//! a byte count, the AIM identifier, 56 bytes of data, two of the vendor's, the bit for more.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other. It goes
//! over a virtual port in the frames of [`stream`](crate::hid::stream).

use super::line_scanner::aim_of;
use super::{Actions, Code, Info, Simulated};
use crate::event::Aim;
use crate::hid::Kind;
use crate::hid::stream::{Decoder, Frame};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "hid-pos", configure };

/// What the device says of its reports.
#[rustfmt::skip]
const DESCRIPTOR: &[u8] = &[
    0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, // page Barcode Scanner; usage Barcode Scanner; application
    0x85, 0x02, 0x09, 0x12, 0xA1, 0x02, //  report 2; Scanned Data Report; logical
    0x15, 0x00, 0x26, 0xFF, 0x00,       //   values 0 to 255
    0x75, 0x08, 0x95, 0x01,             //   1 of 8 bits
    0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, //   Generic Desktop: Byte Count
    0x05, 0x8C, 0x95, 0x03,             //   3
    0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, //   Symbology Identifiers 1 to 3
    0x81, 0x02,
    0x95, 0x38, 0x09, 0xFE,             //   56: Decoded Data
    0x82, 0x02, 0x01,                   //   in a buffer
    0x06, 0x66, 0xFF, 0x95, 0x02,       //   2 of a vendor's page
    0x09, 0x00, 0x81, 0x02,
    0x05, 0x8C, 0x25, 0x01,             //   values 0 to 1
    0x75, 0x01, 0x95, 0x01,             //   1 of 1 bit
    0x09, 0xFF, 0x81, 0x02,             //   Decode Data Continued
    0x75, 0x07, 0x81, 0x03, 0xC0,       //   7 bits of nothing
    0x85, 0x04, 0x09, 0x14, 0xA1, 0x02, //  report 4; Trigger Report
    0x75, 0x01, 0x95, 0x04,             //   4 of 1 bit
    0x09, 0x5F, 0x09, 0x60,             //   Prevent Read of Barcodes, Initiate Barcode Read
    0x09, 0x85, 0x09, 0x86, 0x91, 0x02, //   Sound Error Beep, Sound Good Read Beep
    0x91, 0x03, 0xC0,                   //   4 bits of nothing
];

/// What Honeywell's devices have beside it: redirection of what is read, and serial commands.
#[rustfmt::skip]
const HONEYWELLS: &[u8] = &[
    0x06, 0x66, 0xFF,                   //  a vendor's page
    0x75, 0x08, 0x26, 0xFF, 0x00,       //   8 bits, values 0 to 255
    0x85, 0xFE, 0x95, 0x01,             //  report 254: 1
    0x09, 0x01, 0xB1, 0x02,             //   as a feature
    0x85, 0xFD, 0x95, 0x3F,             //  report 253: 63
    0x09, 0x02, 0x91, 0x02,             //   as an output
];

/// The end of the application.
const END: u8 = 0xC0;

/// The number of the report with a code, and how much of one it holds.
const SCANNED: u8 = 2;
const CAPACITY: usize = 56;
/// The number of the trigger report, and its bits.
const TRIGGER: u8 = 4;
const PREVENT: u8 = 1;
const INITIATE: u8 = 2;
/// The number of the feature report that redirects.
const REDIRECTION: u8 = 254;

/// The identifier of what has none of its own (ISO/IEC 15424: "other").
const OTHER: Aim = Aim { code: b'X', modifier: b'0' };

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let is_elsewhere = section.boolean("switch-to-hid-pos")?.unwrap_or(false);
    let is_honeywell = section.string("commands")? == Some("honeywell");
    let more: &[u8] = if is_elsewhere || is_honeywell { HONEYWELLS } else { &[] };
    Ok(Box::new(HidPos {
        descriptor: [DESCRIPTOR, more, &[END]].concat(),
        decoder: Decoder::default(),
        is_elsewhere,
        prevented: false,
        presented: None,
    }))
}

struct HidPos {
    descriptor: Vec<u8>,
    decoder: Decoder,
    /// Whether what it reads goes to another of its interfaces, until it is told otherwise.
    is_elsewhere: bool,
    prevented: bool,
    /// A code that came before it while it was not to read.
    presented: Option<Code>,
}

impl Simulated for HidPos {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        if self.is_elsewhere {
            return Vec::new();
        }
        if self.prevented {
            self.presented = Some(code.clone());
            return Vec::new();
        }
        let mut bytes = Vec::new();
        for report in reports(code) {
            Frame::Report(Kind::Input, SCANNED, &report).write(&mut bytes);
        }
        bytes
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        let Self { descriptor, decoder, is_elsewhere, prevented, .. } = self;
        let mut initiated = false;
        decoder.take(bytes, &mut |frame| match frame {
            Frame::Describe => Frame::Descriptor(descriptor).write(&mut out.send),
            Frame::Report(Kind::Feature, REDIRECTION, [1, ..]) => *is_elsewhere = false,
            Frame::Report(Kind::Output, TRIGGER, [bits, ..]) => {
                *prevented = bits & PREVENT != 0;
                initiated |= bits & INITIATE != 0;
            }
            _ => {}
        });
        if let Some(code) = self.presented.take_if(|_| initiated && !self.prevented) {
            out.send.extend(self.scan(&code));
        }
    }
}

/// The reports that a code takes.
fn reports(code: &Code) -> Vec<Vec<u8>> {
    let aim = code.symbology.and_then(aim_of).unwrap_or(OTHER);
    let pieces: Vec<&[u8]> = code.data.chunks(CAPACITY).collect();
    let last = pieces.len().saturating_sub(1);
    let report = |(place, piece): (usize, &[u8])| {
        let mut report = vec![u8::try_from(piece.len()).unwrap_or(0)];
        report.extend(aim.to_string().bytes());
        report.extend_from_slice(piece);
        report.resize(1 + 3 + CAPACITY + 2, 0);
        report.push(u8::from(place != last));
        report
    };
    pieces.into_iter().enumerate().map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Symbology;
    use crate::hid::Descriptor;

    #[test]
    fn a_code_goes_out_in_reports_of_the_descriptors_length() {
        let code = Code { symbology: Some(Symbology::Qr), data: vec![b'x'; 60] };
        let reports = reports(&code);
        let whole = [DESCRIPTOR, &[END]].concat();
        let length = Descriptor::parse(&whole).unwrap().length(Kind::Input, SCANNED);
        assert_eq!(
            reports.iter().map(|report| Some(report.len())).collect::<Vec<_>>(),
            [length; 2]
        );
        assert_eq!(reports[0][..6], *b"\x38]Q0xx");
        assert_eq!((reports[0][62], reports[1][0], reports[1][62]), (1, 4, 0));
    }

    #[test]
    fn a_code_waits_until_reading_is_let_again_and_asked_for() {
        let mut device = configure(&Section::empty("options")).unwrap();
        let mut tell = |bits: u8| {
            let (mut bytes, mut out) = (Vec::new(), Actions::default());
            Frame::Report(Kind::Output, TRIGGER, &[bits]).write(&mut bytes);
            device.receive(&bytes, &mut out);
            let code = Code::plain("400638");
            (out.send.len(), device.scan(&code).len())
        };
        assert_eq!(tell(PREVENT), (0, 0));
        let (answered, scanned) = tell(INITIATE);
        assert!(answered > 0 && answered == scanned);
    }
}
