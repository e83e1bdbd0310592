//! [`Shell`]: what is around frames on a line that has single control bytes too: silence, noise, damage.
//!
//! Contract: pure. A [`Grammar`] says what bytes mean, and all else is here. What was begun and cut off is a
//! fault, never a frame. A control byte is heard only where the line was quiet before it: behind noise, and
//! behind a frame that was damaged or given up, it may be a byte of what was lost (a checksum may be any byte),
//! until the line has been quiet for a while or the next frame begins. An answer taken for a refusal would have
//! an order sent twice.

use std::time::Duration;

use super::Buffer;
use crate::event::{Fault, Timestamp};

/// So long without a byte, and what was lost has ended: a sender leaves less between the bytes of a frame.
const QUIET: Duration = Duration::from_millis(100);

/// What came over the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A frame whose check is right: its data.
    Frame(&'a [u8]),
    /// A frame that is not right; its sender waits for an answer all the same.
    Bad(Fault),
    /// A control byte by itself.
    Byte(u8),
    /// Something else.
    Noise(Fault),
}

/// What was heard, kept for after the framer has been let go.
#[derive(Debug)]
pub enum Kept {
    /// As [`Heard::Frame`].
    Frame(Buffer),
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
            Heard::Frame(data) => {
                let mut kept = Buffer::default();
                kept.extend(data);
                Self::Frame(kept)
            }
            Heard::Bad(fault) => Self::Bad(fault),
            Heard::Byte(byte) => Self::Byte(byte),
            Heard::Noise(fault) => Self::Noise(fault),
        }
    }
}

/// What a grammar makes of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is one of a frame's, or may begin one.
    Held,
    /// A frame has begun with it.
    Begun,
    /// A frame has begun with it inside of another, which has lost its end.
    BegunAnew,
    /// The frame is whole.
    Whole,
    /// The frame is not right, and given up.
    Bad(Fault),
    /// It is a control byte between frames.
    Control,
    /// So many bytes belong to nothing, it among them.
    Noise(usize),
}

/// Where frames begin and end, and which control bytes stand between them.
pub trait Grammar {
    /// Takes a byte; those of a frame's data go into `data`, which is empty where one begins, up to `limit`.
    fn take(&mut self, byte: u8, data: &mut Buffer, limit: usize) -> Taken;

    /// Whether a frame has begun, or may have.
    fn is_open(&self) -> bool;

    /// Forgets what has begun.
    fn reset(&mut self);
}

/// The framer of a grammar.
#[derive(Debug)]
pub struct Shell<G> {
    grammar: G,
    data: Buffer,
    noise: usize,
    /// What comes may be the rest of a frame that was given up.
    is_lost: bool,
    last: Timestamp,
    limit: usize,
    silence: Duration,
}

impl<G: Grammar> Shell<G> {
    /// A framer that has heard nothing, takes frames of up to `limit` bytes of data, and gives one up after so
    /// much silence in it.
    pub(super) fn with(grammar: G, limit: usize, silence: Duration) -> Self {
        let (data, last) = (Buffer::default(), Timestamp::default());
        Self { grammar, data, noise: 0, is_lost: false, last, limit, silence }
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
        let in_frame = self.grammar.is_open();
        self.grammar.reset();
        self.data.clear();
        self.noise = 0;
        (self.is_lost, self.last) = (true, now);
        heard(if in_frame { Heard::Bad(fault) } else { Heard::Noise(fault) });
    }

    /// When silence will have meant something.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.grammar.is_open() {
            return Some(self.last + self.silence);
        }
        (self.noise > 0 || self.is_lost).then(|| self.last + QUIET.min(self.silence))
    }

    /// Hears the silence, where it has lasted long enough.
    pub fn expire(&mut self, now: Timestamp, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.close(heard);
        }
    }

    /// The line is gone: what was begun is a fault.
    pub fn close(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        if self.grammar.is_open() {
            let bytes = self.data.len();
            self.grammar.reset();
            self.data.clear();
            heard(Heard::Bad(Fault::Partial { bytes }));
        }
        self.found(heard);
    }

    fn byte(&mut self, byte: u8, heard: &mut dyn FnMut(Heard<'_>)) {
        match self.grammar.take(byte, &mut self.data, self.limit) {
            Taken::Held => {}
            Taken::Begun => self.found(heard),
            Taken::BegunAnew => {
                heard(Heard::Noise(Fault::Partial { bytes: self.data.len() }));
                self.data.clear();
            }
            Taken::Whole => {
                heard(Heard::Frame(self.data.bytes()));
                self.data.clear();
            }
            Taken::Bad(fault) => {
                self.data.clear();
                self.is_lost = true;
                heard(Heard::Bad(fault));
            }
            Taken::Control if self.noise == 0 && !self.is_lost => heard(Heard::Byte(byte)),
            Taken::Control => self.noise += 1,
            Taken::Noise(bytes) => self.noise += bytes,
        }
    }

    /// It is known again where frames begin.
    fn found(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        self.is_lost = false;
        if self.noise > 0 {
            heard(Heard::Noise(Fault::Noise { bytes: self.noise }));
            self.noise = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Control, Dle, control, dle};
    use super::*;

    enum Came<'a> {
        Bytes(&'a [u8]),
        Damage,
        Quiet,
    }

    fn hear<G: Grammar>(mut shell: Shell<G>, line: &[Came<'_>]) -> Vec<String> {
        let mut all = Vec::new();
        let mut note = |heard: Heard<'_>| {
            all.push(match heard {
                Heard::Frame(data) => String::from_utf8_lossy(data).into_owned(),
                Heard::Bad(fault) => format!("bad {}", fault.kind()),
                Heard::Byte(byte) => format!("{byte:02X}"),
                Heard::Noise(fault) => fault.kind().to_owned(),
            });
        };
        let mut now = Timestamp(1_000_000);
        for came in line {
            match came {
                Came::Bytes(bytes) => shell.receive(now, bytes, &mut note),
                Came::Damage => shell.damage(now, Fault::BadByte, &mut note),
                Came::Quiet => now = now + QUIET,
            }
        }
        shell.expire(now + Duration::from_secs(4), &mut note);
        assert_eq!(shell.deadline(), None, "nothing is waited for");
        all
    }

    #[test]
    fn the_rest_of_what_was_lost_is_no_control_byte() {
        use Came::{Bytes, Damage, Quiet};
        let good = control::frame(b"good");
        let rows: &[(&str, &[Came<'_>], &[&str])] = &[
            (
                "a damaged message whose check is 15",
                &[Bytes(b"\x02R1"), Damage, Bytes(b"00\x03\x15")],
                &["bad line-error", "noise"],
            ),
            (
                "the next message comes at once",
                &[Bytes(b"\x02R1"), Damage, Bytes(b"00\x03\x15"), Bytes(&good)],
                &["bad line-error", "noise", "good"],
            ),
            (
                "a refusal once the line was quiet",
                &[Bytes(b"\x02R1"), Damage, Bytes(b"00\x03\x15"), Quiet, Bytes(b"\x15")],
                &["bad line-error", "noise", "15"],
            ),
            (
                "its beginning was damaged",
                &[Damage, Bytes(b"R1\x03\x06")],
                &["line-error", "noise"],
            ),
            ("its beginning was lost", &[Bytes(b"R1\x03\x15")], &["noise"]),
            ("a wrong check", &[Bytes(b"\x02R1\x03\x00\x15")], &["bad bad-checksum", "noise"]),
            ("a good one is no reason", &[Bytes(&good), Bytes(b"\x06")], &["good", "06"]),
            ("one after the other", &[Bytes(b"\x05\x06\x15\x04")], &["05", "06", "15", "04"]),
        ];
        for (name, line, want) in rows {
            let control = Control::new(100, Duration::from_secs(3));
            assert_eq!(hear(control, line), *want, "{name}");
        }
    }

    #[test]
    fn the_same_where_frames_have_two_bytes_around_them() {
        use Came::{Bytes, Damage, Quiet};
        let good = dle::frame(b"good");
        let rows: &[(&str, &[Came<'_>], &[&str])] = &[
            (
                "a damaged frame whose check has 15 and 06 in it",
                &[Bytes(b"\x10\x02R1"), Damage, Bytes(b"\x10\x03\x15\x06")],
                &["bad line-error", "noise"],
            ),
            (
                "the next frame comes at once",
                &[Bytes(b"\x10\x02R1"), Damage, Bytes(b"\x10\x03\x15\x06"), Bytes(&good)],
                &["bad line-error", "noise", "good"],
            ),
            (
                "an acknowledgement once the line was quiet",
                &[Bytes(b"\x10\x02R1"), Damage, Bytes(b"\x10\x03\x15"), Quiet, Bytes(b"\x06")],
                &["bad line-error", "noise", "06"],
            ),
            ("its beginning was lost", &[Bytes(b"R1\x10\x03\x15\x06")], &["noise"]),
            ("a good one is no reason", &[Bytes(&good), Bytes(b"\x06")], &["good", "06"]),
        ];
        for (name, line, want) in rows {
            let dle = Dle::new(100, Duration::from_millis(200));
            assert_eq!(hear(dle, line), *want, "{name}");
        }
    }
}
