//! [`Dle`]: frames between `DLE STX` and `DLE ETX` with a CRC behind, and the single bytes ACK and NAK.
//!
//! ```text
//! 10 02 | data, each 10 doubled | 10 03 | CRC low, CRC high
//! ```
//!
//! Contract: pure. The CRC is CRC-16/KERMIT over the data *as it was before doubling* and the ETX. Its
//! two bytes are never doubled and never un-doubled: they may be 10 10, 10 03 or 10 02. What is around frames
//! is [`Shell`]'s; after a fault the next `DLE STX` begins anew.

use std::time::Duration;

use super::shell::{Grammar, Shell, Taken};
use super::{Buffer, checksum};
use crate::event::Fault;

/// Start of text.
const STX: u8 = 0x02;
/// End of text.
const ETX: u8 = 0x03;
/// Good, go on.
pub const ACK: u8 = 0x06;
/// Marks STX and ETX, and itself where it is data.
const DLE: u8 = 0x10;
/// Not understood, once more.
pub const NAK: u8 = 0x15;

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

/// Where frames begin and end.
#[derive(Debug, Default)]
pub struct Doubled {
    state: State,
}

/// The framer.
pub type Dle = Shell<Doubled>;

impl Dle {
    /// A framer that has heard nothing, takes frames of up to `limit` bytes of data, and gives one up
    /// after so much silence in it.
    #[must_use]
    pub fn new(limit: usize, silence: Duration) -> Self {
        Self::with(Doubled::default(), limit, silence)
    }
}

impl Grammar for Doubled {
    fn take(&mut self, byte: u8, data: &mut Buffer, limit: usize) -> Taken {
        let (state, taken) = match (self.state, byte) {
            (State::Idle, DLE) => (State::Begun, Taken::Held),
            (State::Idle, ACK | NAK) => (State::Idle, Taken::Control),
            (State::Idle, _) => (State::Idle, Taken::Noise(1)),
            (State::Begun, STX) => (State::Data, Taken::Begun),
            (State::Begun, DLE) => (State::Begun, Taken::Noise(1)),
            (State::Begun, _) => (State::Idle, Taken::Noise(2)),
            (State::Data, DLE) => (State::Escaped, Taken::Held),
            (State::Data, _) | (State::Escaped, DLE) if data.len() >= limit => {
                (State::Idle, Taken::Bad(Fault::Overlong { limit }))
            }
            (State::Data, _) | (State::Escaped, DLE) => {
                data.extend(&[byte]);
                (State::Data, Taken::Held)
            }
            (State::Escaped, ETX) => (State::Low, Taken::Held),
            // A frame that begins inside a frame: the first one lost its end.
            (State::Escaped, STX) => (State::Data, Taken::BegunAnew),
            (State::Escaped, _) => (State::Idle, Taken::Bad(Fault::Malformed { at: data.len() })),
            (State::Low, low) => (State::High(low), Taken::Held),
            (State::High(low), high) => {
                let got = u16::from_le_bytes([low, high]);
                let want = crc(data.bytes());
                let fault = Fault::Checksum { got: got.into(), want: want.into() };
                (State::Idle, if got == want { Taken::Whole } else { Taken::Bad(fault) })
            }
        };
        self.state = state;
        taken
    }

    fn is_open(&self) -> bool {
        self.state != State::Idle
    }

    fn reset(&mut self) {
        self.state = State::Idle;
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

    use super::super::shell::Heard;
    use super::*;
    use crate::event::Timestamp;

    fn hear(pieces: &[&[u8]]) -> Vec<String> {
        let mut dle = Dle::new(300, Duration::from_millis(200));
        let mut all = Vec::new();
        let mut note = |heard: Heard<'_>| {
            all.push(match heard {
                Heard::Frame(data) => format!("{data:02X?}"),
                Heard::Bad(fault) => format!("bad {}", fault.kind()),
                Heard::Noise(fault) => fault.kind().to_owned(),
                Heard::Byte(byte) if byte == ACK => "ack".to_owned(),
                Heard::Byte(_) => "nak".to_owned(),
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
