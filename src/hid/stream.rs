//! A HID interface over a byte stream: how a device without hardware is spoken to.
//!
//! Contract: pure and resynchronising. A virtual port carries bytes only, so descriptor and reports
//! go over it in frames of tillbus's own; no device sends them.
//!
//! ```text
//! A5 5A  kind  length(2, low byte first)  payload  CRC-16/XMODEM of kind to payload(2, high byte first)
//!
//! host to device   01 describe yourself   02 output report   03 feature report
//! device to host   81 report descriptor   82 input report
//! ```
//!
//! A report is its number, 00 for none, and its data. The host asks for the descriptor when it opens
//! the port, and what came before the answer is lost, as it is on USB.

use crate::frame::{Buffer, checksum};

const HEAD: [u8; 2] = [0xA5, 0x5A];
/// Head, kind and length.
const OVERHEAD: usize = 5;
/// The bound on a payload: no report is longer.
const LONGEST: usize = 16 * 1024 + 1;

const DESCRIBE: u8 = 0x01;
const OUTPUT: u8 = 0x02;
const FEATURE: u8 = 0x03;
const DESCRIPTOR: u8 = 0x81;
const INPUT: u8 = 0x82;

/// One thing said over the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The host asks for the descriptor.
    Describe,
    /// The device's report descriptor.
    Descriptor(&'a [u8]),
    /// A report, number and data.
    Report(super::Kind, u8, &'a [u8]),
}

impl Frame<'_> {
    /// Appends the frame as bytes.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let (kind, id, data) = match *self {
            Self::Describe => (DESCRIBE, None, &[][..]),
            Self::Descriptor(data) => (DESCRIPTOR, None, data),
            Self::Report(super::Kind::Input, id, data) => (INPUT, Some(id), data),
            Self::Report(super::Kind::Output, id, data) => (OUTPUT, Some(id), data),
            Self::Report(super::Kind::Feature, id, data) => (FEATURE, Some(id), data),
        };
        let length = data.len() + usize::from(id.is_some());
        bytes.extend(HEAD);
        let start = bytes.len();
        bytes.push(kind);
        bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(id);
        bytes.extend_from_slice(data);
        let crc = checksum::xmodem(bytes.get(start..).unwrap_or_default());
        bytes.extend(crc.to_be_bytes());
    }
}

/// Finds the frames in a stream, and drops what is between them.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Buffer,
}

impl Decoder {
    /// Takes bytes; each frame that they complete is handed on.
    pub fn take(&mut self, bytes: &[u8], frame: &mut dyn FnMut(Frame<'_>)) {
        self.buffer.extend(bytes);
        while let Some(step) = step(self.buffer.bytes(), frame) {
            self.buffer.drop_front(step);
        }
    }
}

/// What the bytes begin with: how many of them are done with, or nothing where more have to come.
fn step(bytes: &[u8], frame: &mut dyn FnMut(Frame<'_>)) -> Option<usize> {
    if !bytes.starts_with(&HEAD) {
        let next = bytes.iter().skip(1).position(|byte| Some(byte) == HEAD.first());
        let done = next.map_or(bytes.len(), |next| next + 1);
        let may_begin = bytes.len() < HEAD.len() && HEAD.starts_with(bytes);
        return (!may_begin).then_some(done);
    }
    let [_, _, kind, low, high, rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    if length > LONGEST {
        return Some(HEAD.len());
    }
    let (payload, rest) = rest.split_at_checked(length)?;
    let (crc, _) = rest.split_first_chunk::<2>()?;
    let covered = bytes.get(HEAD.len()..OVERHEAD + length).unwrap_or_default();
    if checksum::xmodem(covered).to_be_bytes() != *crc {
        return Some(HEAD.len());
    }
    let report = |kind| {
        let (id, data) = payload.split_first()?;
        Some(Frame::Report(kind, *id, data))
    };
    let found = match *kind {
        DESCRIBE => Some(Frame::Describe),
        DESCRIPTOR => Some(Frame::Descriptor(payload)),
        INPUT => report(super::Kind::Input),
        OUTPUT => report(super::Kind::Output),
        FEATURE => report(super::Kind::Feature),
        _ => None,
    };
    if let Some(found) = found {
        frame(found);
    }
    Some(OVERHEAD + length + crc.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hid::Kind;

    fn hear(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut heard = Vec::new();
        for piece in pieces {
            decoder.take(piece, &mut |frame| heard.push(format!("{frame:?}")));
        }
        heard
    }

    fn bytes(frames: &[Frame<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut bytes));
        bytes
    }

    const FRAMES: [Frame<'_>; 5] = [
        Frame::Describe,
        Frame::Descriptor(&[0x05, 0x8C]),
        Frame::Report(Kind::Input, 2, &[0xA5, 0x5A, 0x00]),
        Frame::Report(Kind::Output, 4, &[]),
        Frame::Report(Kind::Feature, 254, &[1]),
    ];

    #[test]
    fn what_is_written_is_heard() {
        let want: Vec<String> = FRAMES.iter().map(|frame| format!("{frame:?}")).collect();
        let bytes = bytes(&FRAMES);
        assert_eq!(hear(&[&bytes]), want);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(hear(&single), want);
    }

    #[test]
    fn a_frame_cut_off_costs_itself() {
        let good = bytes(&FRAMES[2..3]);
        for end in 0..good.len() {
            assert_eq!(hear(&[&good[..end], &good, &good]).len(), 2, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn after_noise_a_frame_is_heard(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let good = bytes(&FRAMES[2..3]);
            // Noise may promise a frame as long as any; what follows it is then read again.
            let filler = vec![0; LONGEST + OVERHEAD];
            let heard = hear(&[&noise, &filler, &good]);
            prop_assert_eq!(heard.last(), Some(&format!("{:?}", FRAMES[2])));
        }
    }
}
