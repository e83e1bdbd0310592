//! [`Control`]: messages between STX and ETX with an LRC behind, and single control bytes around them.
//!
//! ```text
//! 02 | message | 03 | LRC                      05 ENQ   06 ACK   15 NAK   04 EOT
//! 02 | length, 4 digits BCD | message | 03 | LRC
//! ```
//!
//! Contract: pure. The LRC is the XOR of what it covers up to the ETX, and may be any byte, a control byte
//! too; so may the bytes of a message that has its length before it. What is around messages is
//! [`Shell`]'s.

use std::time::Duration;

use super::Buffer;
use super::shell::{Grammar, Shell, Taken};
use crate::event::Fault;

/// Start of text.
pub const STX: u8 = 0x02;
/// End of text.
pub const ETX: u8 = 0x03;
/// End of transmission.
pub const EOT: u8 = 0x04;
/// Enquiry: may I send?
pub const ENQ: u8 = 0x05;
/// Good, go on.
pub const ACK: u8 = 0x06;
/// Not understood, once more.
pub const NAK: u8 = 0x15;

/// How a message is told from what stands around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// It ends with the first ETX; the LRC covers it and the ETX.
    #[default]
    Delimited,
    /// Its length stands before it, as four digits in two bytes; the LRC begins here.
    Counted(Start),
}

/// From where to the ETX an LRC counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The STX.
    Stx,
    /// The length.
    Length,
    /// The message.
    Message,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// The length is due, or its second byte.
    Length(Option<u8>),
    /// So many bytes are to come, where that is known.
    Text(Option<usize>),
    Sum,
}

/// Where messages begin and end.
#[derive(Debug)]
pub struct Messages {
    shape: Shape,
    state: State,
}

/// The framer.
pub type Control = Shell<Messages>;

impl Control {
    /// A framer that takes messages of up to `limit` bytes, and gives one up after so much silence in it.
    #[must_use]
    pub fn new(limit: usize, silence: Duration) -> Self {
        Self::of(Shape::Delimited, limit, silence)
    }

    /// The same for messages of this shape.
    #[must_use]
    pub fn of(shape: Shape, limit: usize, silence: Duration) -> Self {
        Self::with(Messages { shape, state: State::Idle }, limit, silence)
    }
}

impl Grammar for Messages {
    fn take(&mut self, byte: u8, text: &mut Buffer, limit: usize) -> Taken {
        let (state, taken) = match (self.state, byte) {
            (State::Idle, STX) => {
                let state = match self.shape {
                    Shape::Delimited => State::Text(None),
                    Shape::Counted(_) => State::Length(None),
                };
                (state, Taken::Begun)
            }
            (State::Idle, ENQ | ACK | NAK | EOT) => (State::Idle, Taken::Control),
            (State::Idle, _) => (State::Idle, Taken::Noise(1)),
            (State::Length(None), high) => (State::Length(Some(high)), Taken::Held),
            (State::Length(Some(high)), low) => match digits(high, low) {
                Some(length) if length <= limit => (State::Text(Some(length)), Taken::Held),
                Some(_) => (State::Idle, Taken::Bad(Fault::Overlong { limit })),
                None => (State::Idle, Taken::Bad(Fault::Malformed { at: 1 })),
            },
            (State::Text(None | Some(0)), ETX) => (State::Sum, Taken::Held),
            (State::Text(Some(0)), _) => {
                (State::Idle, Taken::Bad(Fault::Malformed { at: 3 + text.len() }))
            }
            (State::Text(None), _) if text.len() >= limit => {
                (State::Idle, Taken::Bad(Fault::Overlong { limit }))
            }
            (State::Text(left), _) => {
                text.extend(&[byte]);
                (State::Text(left.map(|left| left - 1)), Taken::Held)
            }
            (State::Sum, got) => match lrc(self.shape, text.bytes()) {
                want if want == got => (State::Idle, Taken::Whole),
                want => {
                    let fault = Fault::Checksum { got: got.into(), want: want.into() };
                    (State::Idle, Taken::Bad(fault))
                }
            },
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

/// A message as it goes over the line.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    framed(Shape::Delimited, message)
}

/// A message as it goes over a line of this shape. What is longer than 9999 bytes cannot be counted.
#[must_use]
pub fn framed(shape: Shape, message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 5);
    frame.push(STX);
    if let Shape::Counted(_) = shape {
        frame.extend(length(message));
    }
    frame.extend(message);
    frame.extend([ETX, lrc(shape, message)]);
    frame
}

fn lrc(shape: Shape, message: &[u8]) -> u8 {
    let sum = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum ^ byte);
    let before = match shape {
        Shape::Delimited | Shape::Counted(Start::Message) => 0,
        Shape::Counted(Start::Length) => sum(&length(message)),
        Shape::Counted(Start::Stx) => STX ^ sum(&length(message)),
    };
    before ^ sum(message) ^ ETX
}

/// The length of a message as four digits in two bytes.
fn length(message: &[u8]) -> [u8; 2] {
    let pair = |number: usize| u8::try_from(number / 10 % 10 * 16 + number % 10).unwrap_or(0);
    [pair(message.len() / 100), pair(message.len())]
}

/// The number that two bytes of two digits each stand for.
fn digits(high: u8, low: u8) -> Option<usize> {
    let digits = [high >> 4, high & 15, low >> 4, low & 15];
    digits
        .iter()
        .try_fold(0, |number, digit| (*digit < 10).then(|| number * 10 + usize::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::super::shell::Heard;
    use super::*;
    use crate::event::Timestamp;

    fn hear(bytes: &[u8]) -> Vec<String> {
        hear_of(Shape::Delimited, bytes)
    }

    fn hear_of(shape: Shape, bytes: &[u8]) -> Vec<String> {
        let mut control = Control::of(shape, 100, Duration::from_secs(3));
        let mut all = Vec::new();
        let mut note = |heard: Heard<'_>| {
            all.push(match heard {
                Heard::Frame(text) => String::from_utf8_lossy(text).into_owned(),
                Heard::Bad(fault) => format!("bad {}", fault.kind()),
                Heard::Byte(byte) => format!("{byte:02X}"),
                Heard::Noise(fault) => fault.kind().to_owned(),
            });
        };
        for byte in bytes {
            control.receive(Timestamp(0), &[*byte], &mut note);
        }
        control.expire(Timestamp(4_000_000), &mut note);
        all
    }

    #[test]
    fn messages_and_what_stands_around_them() {
        // Its LRC is 05, which is ENQ where it stands by itself.
        assert_eq!(hear(&frame(b"71")), ["71"]);
        assert_eq!(*frame(b"71").last().unwrap(), ENQ);
        assert_eq!(hear(&[ENQ, ACK, NAK, EOT]), ["05", "06", "15", "04"]);
        assert_eq!(hear(b"hello\x05"), ["noise"], "of what it is nobody can tell");
        assert_eq!(hear(&[STX, b'1', ETX, 0]), ["bad bad-checksum"]);
        assert_eq!(hear(&[STX, b'1']), ["bad partial-frame"]);
        let endless = [&[STX][..], &[b'1'; 101]].concat();
        assert_eq!(hear(&endless)[0], "bad overlong-frame");
    }

    #[test]
    fn pypostelium_frames() {
        let sum = |message: &[u8]| *frame(message).last().unwrap();
        assert_eq!(sum(b"0100005510110978          A010B010"), 0x06);
        assert_eq!(sum(b"0100001250010978          A011B010"), 0x01);
        assert_eq!(sum(b"0100000125019780000000000"), 0x33);
    }

    #[test]
    fn messages_with_their_length_before_them() {
        for start in [Start::Stx, Start::Length, Start::Message] {
            let shape = Shape::Counted(start);
            // An ETX and an STX in a message are its own.
            let frame = framed(shape, b"00\x03\x0212");
            assert_eq!(frame.get(..3), Some(&[STX, 0x00, 0x06][..]));
            assert_eq!(hear_of(shape, &frame), ["00\u{3}\u{2}12"]);
            let mut wrong = frame.clone();
            *wrong.last_mut().unwrap() ^= 1;
            assert_eq!(hear_of(shape, &wrong), ["bad bad-checksum"]);
        }
        let shape = Shape::Counted(Start::Length);
        assert_eq!(framed(shape, b"1"), [STX, 0x00, 0x01, b'1', ETX, 0x01 ^ b'1' ^ ETX]);
        assert_eq!(framed(Shape::Counted(Start::Message), b"1").last(), Some(&(b'1' ^ ETX)));
        assert_eq!(hear_of(shape, &[STX, 0x00, 0x01, b'1', b'2']), ["bad malformed-frame"]);
        assert_eq!(hear_of(shape, &[STX, 0x0A, 0x01]), ["bad malformed-frame"]);
        assert_eq!(hear_of(shape, &[STX, 0x01, 0x01]), ["bad overlong-frame"]);
        assert_eq!(hear_of(shape, &[STX, 0x00, 0x05, b'1']), ["bad partial-frame"]);
        assert_eq!(length(&[b'x'; 1234]), [0x12, 0x34]);
    }
}
