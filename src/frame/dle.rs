//! [`Dle`]: frames between `DLE STX` and `DLE ETX` with a CRC behind, and the single bytes ACK and NAK.
//!
//! ```text
//! 10 02 | data, each 10 doubled | 10 03 | CRC low, CRC high
//! ```
//!
//! Contract: pure. The CRC is CRC-16/KERMIT over the data *as it was before doubling* and the ETX. Its
//! two bytes are never doubled and never un-doubled: they may be 10 10, 10 03 or 10 02. What was begun
//! and cut off is a fault, never a frame; after a fault the next `DLE STX` begins anew.

use std::time::Duration;

use super::{Buffer, checksum};
use crate::event::{Fault, Timestamp};

/// Start of text.
const STX: u8 = 0x02;
/// End of text.
const ETX: u8 = 0x03;
/// Good, go on.
const ACK: u8 = 0x06;
/// Marks STX and ETX, and itself where it is data.
const DLE: u8 = 0x10;
/// Not understood, once more.
const NAK: u8 = 0x15;

/// What came over the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A frame whose CRC is right: its data.
    Frame(&'a [u8]),
    /// A frame that is not right; its sender waits for an answer all the same.
    Bad(Fault),
    /// A positive acknowledgement.
    Ack,
    /// A negative one.
    Nak,
    /// Something that is no frame and no acknowledgement.
    Noise(Fault),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between frames.
    #[default]
    Idle,
    /// A DLE has come, which an STX may follow.
    Begun,
    /// In the data.
    Data,
    /// In the data, behind a DLE.
    Escaped,
    /// The CRC's first byte is due.
    Low,
    /// The CRC's second byte is due.
    High(u8),
}

/// The framer.
#[derive(Debug)]
pub struct Dle {
    state: State,
    data: Buffer,
    noise: usize,
    last: Timestamp,
    limit: usize,
    silence: Duration,
}

impl Dle {
    /// A framer that has heard nothing, takes frames of up to `limit` bytes of data, and gives one up
    /// after so much silence in it.
    #[must_use]
    pub fn new(limit: usize, silence: Duration) -> Self {
        Self {
            state: State::Idle,
            data: Buffer::default(),
            noise: 0,
            last: Timestamp::default(),
            limit,
            silence,
        }
    }

    /// Takes what came.
    pub fn receive(&mut self, now: Timestamp, bytes: &[u8], heard: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, heard);
        for byte in bytes {
            self.last = now;
            self.byte(*byte, heard);
        }
    }

    /// A byte was damaged, or the line was held low: the frame around it is lost.
    pub fn damage(&mut self, now: Timestamp, fault: Fault, heard: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, heard);
        let in_frame = self.state != State::Idle;
        self.reset();
        self.noise = 0;
        heard(if in_frame { Heard::Bad(fault) } else { Heard::Noise(fault) });
    }

    /// When silence will have meant something.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.is_open().then(|| self.last + self.silence)
    }

    /// Hears the silence, where it has lasted long enough.
    pub fn expire(&mut self, now: Timestamp, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.close(heard);
        }
    }

    /// The line is gone: what was begun is a fault.
    pub fn close(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.state != State::Idle {
            let bytes = self.data.len();
            self.reset();
            heard(Heard::Bad(Fault::Partial { bytes }));
        }
        self.end_noise(heard);
    }

    fn is_open(&self) -> bool {
        self.state != State::Idle || self.noise > 0
    }

    fn reset(&mut self) {
        self.state = State::Idle;
        self.data.clear();
    }

    fn byte(&mut self, byte: u8, heard: &mut dyn FnMut(Heard<'_>)) {
        match (self.state, byte) {
            (State::Idle, DLE) => {
                self.end_noise(heard);
                self.state = State::Begun;
            }
            (State::Idle, ACK | NAK) => {
                self.end_noise(heard);
                heard(if byte == ACK { Heard::Ack } else { Heard::Nak });
            }
            (State::Idle, _) => self.noise += 1,
            (State::Begun, STX) => self.state = State::Data,
            (State::Begun, DLE) => self.noise += 1,
            (State::Begun, _) => {
                self.noise += 2;
                self.state = State::Idle;
            }
            (State::Data, DLE) => self.state = State::Escaped,
            (State::Data, _) | (State::Escaped, DLE) => self.keep(byte, heard),
            (State::Escaped, ETX) => self.state = State::Low,
            // A frame that begins inside a frame: the first one lost its end.
            (State::Escaped, STX) => {
                heard(Heard::Noise(Fault::Partial { bytes: self.data.len() }));
                self.data.clear();
                self.state = State::Data;
            }
            (State::Escaped, _) => {
                let at = self.data.len();
                self.reset();
                heard(Heard::Bad(Fault::Malformed { at }));
            }
            (State::Low, low) => self.state = State::High(low),
            (State::High(low), high) => self.end(low, high, heard),
        }
    }

    fn keep(&mut self, byte: u8, heard: &mut dyn FnMut(Heard<'_>)) {
        self.state = State::Data;
        if self.data.len() >= self.limit {
            self.reset();
            heard(Heard::Bad(Fault::Overlong { limit: self.limit }));
            return;
        }
        self.data.extend(&[byte]);
    }

    fn end(&mut self, low: u8, high: u8, heard: &mut dyn FnMut(Heard<'_>)) {
        let got = u16::from_le_bytes([low, high]);
        let want = crc(self.data.bytes());
        self.state = State::Idle;
        heard(if got == want {
            Heard::Frame(self.data.bytes())
        } else {
            Heard::Bad(Fault::Checksum { got: got.into(), want: want.into() })
        });
        self.data.clear();
    }

    fn end_noise(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.noise > 0 {
            heard(Heard::Noise(Fault::Noise { bytes: self.noise }));
            self.noise = 0;
        }
    }
}

/// A frame with this data.
#[must_use]
pub fn frame(data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(data.len() + 8);
    frame.extend([DLE, STX]);
    for byte in data {
        if *byte == DLE {
            frame.push(DLE);
        }
        frame.push(*byte);
    }
    frame.extend([DLE, ETX]);
    frame.extend(crc(data).to_le_bytes());
    frame
}

/// The acknowledgement of a frame.
#[must_use]
pub fn acknowledgement() -> Vec<u8> {
    vec![ACK]
}

/// The refusal of a frame.
#[must_use]
pub fn refusal() -> Vec<u8> {
    vec![NAK]
}

fn crc(data: &[u8]) -> u16 {
    checksum::kermit_from(checksum::kermit(data), &[ETX])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hear(pieces: &[&[u8]]) -> Vec<String> {
        let mut dle = Dle::new(300, Duration::from_millis(200));
        let mut all = Vec::new();
        let mut note = |heard: Heard<'_>| {
            all.push(match heard {
                Heard::Frame(data) => format!("{data:02X?}"),
                Heard::Bad(fault) => format!("bad {}", fault.kind()),
                Heard::Noise(fault) => fault.kind().to_owned(),
                Heard::Ack => "ack".to_owned(),
                Heard::Nak => "nak".to_owned(),
            });
        };
        for piece in pieces {
            dle.receive(Timestamp(0), piece, &mut note);
        }
        dle.expire(Timestamp(1_000_000), &mut note);
        all
    }

    #[test]
    fn frames_acknowledgements_and_what_is_neither() {
        let ack = frame(&[0x80, 0, 0]);
        let rows: &[(&str, Vec<u8>, &[&str])] = &[
            ("a frame", ack.clone(), &["[80, 00, 00]"]),
            ("acknowledged first", [&[ACK][..], &ack].concat(), &["ack", "[80, 00, 00]"]),
            ("three times not understood", vec![NAK; 3], &["nak", "nak", "nak"]),
            ("noise before", [b"hello".as_slice(), &ack].concat(), &["noise", "[80, 00, 00]"]),
            ("a lone DLE before", [&[DLE][..], &ack].concat(), &["[80, 00, 00]"]),
            ("the end is missing", vec![DLE, STX, 0x80], &["bad partial-frame"]),
            ("a control byte", vec![DLE, STX, DLE, 0x41], &["bad malformed-frame"]),
            (
                "begins again inside",
                [&[DLE, STX, 0x06, 0x01][..], &ack].concat(),
                &["partial-frame", "[80, 00, 00]"],
            ),
        ];
        for (name, bytes, want) in rows {
            let heard: Vec<_> = hear(&[bytes]).into_iter().filter(|one| one != "noise").collect();
            let want: Vec<_> = want.iter().filter(|one| **one != "noise").collect();
            assert_eq!(heard.iter().collect::<Vec<_>>(), want, "{name}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_told_with_both_numbers() {
        let mut bytes = frame(&[0x80, 0, 0]);
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(hear(&[&bytes]), ["bad bad-checksum"]);
    }

    #[test]
    fn a_frame_that_never_ends_is_bounded() {
        let endless = [&[DLE, STX][..], &[0x41; 400]].concat();
        assert_eq!(hear(&[&endless])[0], "bad overlong-frame");
    }

    proptest! {
        #[test]
        fn any_data_comes_through_in_any_pieces(
            data in proptest::collection::vec(prop_oneof![any::<u8>(), Just(DLE), Just(ETX), Just(STX)], 0..200),
            cut in 0_usize..400,
        ) {
            let bytes = frame(&data);
            let (first, rest) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(hear(&[first, rest]), vec![format!("{data:02X?}")]);
        }
    }
}
