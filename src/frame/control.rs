//! [`Control`]: messages between STX and ETX with an LRC behind, and single control bytes around them.
//!
//! ```text
//! 02 | message | 03 | LRC        05 ENQ   06 ACK   15 NAK   04 EOT
//! ```
//!
//! Contract: pure. The LRC is the XOR of the message and the ETX, and may be any byte, a control byte too.
//! What was begun and cut off is a fault, never a message.

use std::time::Duration;

use super::Buffer;
use crate::event::{Fault, Timestamp};

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

/// What came over the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A message whose LRC is right.
    Message(&'a [u8]),
    /// A message that is not right; its sender waits for an answer all the same.
    Bad(Fault),
    /// A control byte by itself: ENQ, ACK, NAK or EOT.
    Byte(u8),
    /// Something else.
    Noise(Fault),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Text,
    Sum,
}

/// The framer.
#[derive(Debug)]
pub struct Control {
    state: State,
    text: Buffer,
    noise: usize,
    last: Timestamp,
    limit: usize,
    silence: Duration,
}

impl Control {
    /// A framer that takes messages of up to `limit` bytes, and gives one up after so much silence in it.
    #[must_use]
    pub fn new(limit: usize, silence: Duration) -> Self {
        let (state, text, last) = (State::Idle, Buffer::default(), Timestamp::default());
        Self { state, text, noise: 0, last, limit, silence }
    }

    /// Takes what came.
    pub fn receive(&mut self, now: Timestamp, bytes: &[u8], heard: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, heard);
        for byte in bytes {
            self.last = now;
            self.byte(*byte, heard);
        }
    }

    /// A byte was damaged, or the line was held low: the message around it is lost.
    pub fn damage(&mut self, now: Timestamp, fault: Fault, heard: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, heard);
        let in_message = self.state != State::Idle;
        self.reset();
        self.noise = 0;
        heard(if in_message { Heard::Bad(fault) } else { Heard::Noise(fault) });
    }

    /// When silence will have meant something.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        (self.state != State::Idle || self.noise > 0).then(|| self.last + self.silence)
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
            let bytes = self.text.len();
            self.reset();
            heard(Heard::Bad(Fault::Partial { bytes }));
        }
        self.end_noise(heard);
    }

    fn byte(&mut self, byte: u8, heard: &mut dyn FnMut(Heard<'_>)) {
        match (self.state, byte) {
            (State::Idle, STX) => {
                self.end_noise(heard);
                self.state = State::Text;
            }
            (State::Idle, ENQ | ACK | NAK | EOT) => {
                self.end_noise(heard);
                heard(Heard::Byte(byte));
            }
            (State::Idle, _) => self.noise += 1,
            (State::Text, ETX) => self.state = State::Sum,
            (State::Text, _) if self.text.len() >= self.limit => {
                self.reset();
                heard(Heard::Bad(Fault::Overlong { limit: self.limit }));
            }
            (State::Text, _) => self.text.extend(&[byte]),
            (State::Sum, got) => {
                let want = lrc(self.text.bytes());
                self.state = State::Idle;
                heard(if got == want {
                    Heard::Message(self.text.bytes())
                } else {
                    Heard::Bad(Fault::Checksum { got: got.into(), want: want.into() })
                });
                self.text.clear();
            }
        }
    }

    fn reset(&mut self) {
        self.state = State::Idle;
        self.text.clear();
    }

    fn end_noise(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.noise > 0 {
            heard(Heard::Noise(Fault::Noise { bytes: self.noise }));
            self.noise = 0;
        }
    }
}

/// What was heard, kept for after the framer has been let go.
#[derive(Debug)]
pub enum Kept {
    /// As [`Heard::Message`].
    Message(Buffer),
    /// As [`Heard::Bad`].
    Bad(Fault),
    /// As [`Heard::Byte`].
    Byte(u8),
    /// As [`Heard::Noise`].
    Noise(Fault),
}

impl From<Heard<'_>> for Kept {
    fn from(heard: Heard<'_>) -> Self {
        match heard {
            Heard::Message(message) => {
                let mut kept = Buffer::default();
                kept.extend(message);
                Self::Message(kept)
            }
            Heard::Bad(fault) => Self::Bad(fault),
            Heard::Byte(byte) => Self::Byte(byte),
            Heard::Noise(fault) => Self::Noise(fault),
        }
    }
}

/// A message as it goes over the line.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 3);
    frame.push(STX);
    frame.extend(message);
    frame.extend([ETX, lrc(message)]);
    frame
}

fn lrc(message: &[u8]) -> u8 {
    message.iter().fold(ETX, |sum, byte| sum ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(bytes: &[u8]) -> Vec<String> {
        let mut control = Control::new(100, Duration::from_secs(3));
        let mut all = Vec::new();
        let mut note = |heard: Heard<'_>| {
            all.push(match heard {
                Heard::Message(text) => String::from_utf8_lossy(text).into_owned(),
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
        assert_eq!(hear(b"hello\x05"), ["noise", "05"]);
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
}
