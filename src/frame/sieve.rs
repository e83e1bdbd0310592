//! [`Sieve`]: framed messages among codes that have no frame.
//!
//! Contract: pure. Each byte goes to one place, in its order: to a message, to the codes, or, where a
//! message turns out to be damaged, nowhere. A message may stand anywhere, inside a code too. What
//! begins like one is held back until it is one or is none, or until silence tells.

use std::time::Duration;

use crate::event::{Fault, Timestamp};
use crate::frame::Buffer;

/// What looked like the beginning of a message is part of a code when this much silence follows.
const MAYBE_STALL: Duration = Duration::from_millis(100);
/// After this much silence the rest of a message is not coming.
const BEGUN_STALL: Duration = Duration::from_secs(2);

/// What bytes that begin like a message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The first of them is part of a code.
    Code,
    /// Too few to tell.
    Maybe,
    /// A message, and its end has not come.
    Begun,
    /// A message of so many bytes.
    Whole(usize),
    /// A message in which something is wrong; so many bytes of it are to be dropped.
    Damaged(usize, Fault),
}

/// What a stream of codes and messages is made of.
pub trait Mixture {
    /// Where the next message may begin.
    fn start(&self, bytes: &[u8]) -> Option<usize>;

    /// Weighs bytes that may be a message, as many as have come.
    fn weigh(&self, head: &[u8]) -> Weight;

    /// Takes a whole message.
    fn message(&mut self, message: &[u8], first: Timestamp, last: Timestamp);

    /// Takes bytes of codes; some have waited, so `now` is when they came.
    fn code(&mut self, now: Timestamp, bytes: &[u8]);

    /// A place on the line is damaged: the code around it is lost.
    fn damaged(&mut self, now: Timestamp, fault: Fault);
}

/// The sieve.
#[derive(Debug, Default)]
pub struct Sieve {
    /// What may turn out to be a message.
    head: Buffer,
    /// When its first byte came, and its last.
    first: Timestamp,
    last: Timestamp,
    /// Whether it is one for certain.
    begun: bool,
}

impl Sieve {
    /// Takes what came.
    pub fn receive(&mut self, now: Timestamp, mut rest: &[u8], mixture: &mut impl Mixture) {
        self.expire(now, mixture);
        loop {
            if self.head.is_empty() {
                let code = mixture.start(rest).unwrap_or(rest.len());
                let (code, after) = rest.split_at_checked(code).unwrap_or((rest, &[]));
                if !code.is_empty() {
                    mixture.code(now, code);
                }
                self.first = now;
                rest = after;
            }
            let Some((byte, after)) = rest.split_first() else { return };
            self.head.extend(&[*byte]);
            self.last = now;
            self.weigh(mixture);
            rest = after;
        }
    }

    /// When silence will have told.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let stall = if self.begun { BEGUN_STALL } else { MAYBE_STALL };
        (!self.head.is_empty()).then(|| self.last + stall)
    }

    /// Hears the silence, where it has lasted long enough.
    pub fn expire(&mut self, now: Timestamp, mixture: &mut impl Mixture) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.abandon(mixture);
        }
    }

    /// The rest is not coming: what is no message is part of a code, and half a message is a fault.
    pub fn abandon(&mut self, mixture: &mut impl Mixture) {
        while !self.head.is_empty() {
            if self.begun {
                self.drop_cut(mixture, Some(Fault::Partial { bytes: self.head.len() }));
            } else {
                self.drop_code(mixture);
            }
            self.weigh(mixture);
        }
    }

    /// A place on the line is damaged, and with it the message around it.
    pub fn damage(&mut self, now: Timestamp, fault: Fault, mixture: &mut impl Mixture) {
        self.expire(now, mixture);
        while !self.head.is_empty() {
            if self.begun {
                self.drop_cut(mixture, None);
            } else {
                self.drop_code(mixture);
            }
            self.weigh(mixture);
        }
        mixture.damaged(now, fault);
    }

    /// Takes messages out of the head, or as much of a code as stands at its front.
    fn weigh(&mut self, mixture: &mut impl Mixture) {
        while !self.head.is_empty() {
            self.begun = false;
            match mixture.weigh(self.head.bytes()) {
                Weight::Maybe => return,
                Weight::Begun => {
                    self.begun = true;
                    return;
                }
                Weight::Code => self.drop_code(mixture),
                Weight::Whole(length) => {
                    let message = self.head.bytes().get(..length).unwrap_or(self.head.bytes());
                    mixture.message(message, self.first, self.last);
                    self.drop_front(length);
                }
                Weight::Damaged(length, fault) => {
                    mixture.damaged(self.last, fault);
                    self.drop_front(length);
                }
            }
        }
    }

    /// The first byte is part of a code.
    fn drop_code(&mut self, mixture: &mut impl Mixture) {
        if let Some(&byte) = self.head.bytes().first() {
            mixture.code(self.last, &[byte]);
        }
        self.drop_front(1);
    }

    /// Half a message, up to where the next one begins for certain.
    fn drop_cut(&mut self, mixture: &mut impl Mixture, fault: Option<Fault>) {
        let head = self.head.bytes();
        let mut cut = head.len();
        let mut from = 1;
        while let Some(next) = head.get(from..).and_then(|after| mixture.start(after)) {
            let rest = head.get(from + next..).unwrap_or_default();
            if !matches!(mixture.weigh(rest), Weight::Code | Weight::Maybe) {
                cut = from + next;
                break;
            }
            from += next + 1;
        }
        if let Some(fault) = fault {
            mixture.damaged(self.last, fault);
        }
        self.drop_front(cut);
    }

    fn drop_front(&mut self, count: usize) {
        self.head.drop_front(count.max(1));
        // What is left came later than what is gone; how much later is not kept.
        self.first = self.last;
        self.begun = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages are `<` a digit `:` and as many bytes; with a `!` among them they are damaged.
    #[derive(Default)]
    struct Sample {
        said: Vec<String>,
    }

    impl Mixture for Sample {
        fn start(&self, bytes: &[u8]) -> Option<usize> {
            memchr::memchr(b'<', bytes)
        }

        fn weigh(&self, head: &[u8]) -> Weight {
            match head {
                [b'<'] => Weight::Maybe,
                [b'<', digit] if digit.is_ascii_digit() => Weight::Maybe,
                [b'<', digit, b':', body @ ..] if digit.is_ascii_digit() => {
                    let length = usize::from(digit - b'0');
                    match body.get(..length) {
                        None => Weight::Begun,
                        Some(body) if body.contains(&b'!') => {
                            Weight::Damaged(length + 3, Fault::Malformed { at: 3 })
                        }
                        Some(_) => Weight::Whole(length + 3),
                    }
                }
                _ => Weight::Code,
            }
        }

        fn message(&mut self, message: &[u8], first: Timestamp, last: Timestamp) {
            let text = String::from_utf8_lossy(message);
            self.said.push(format!("{text} {}-{}", first.0 / 1_000, last.0 / 1_000));
        }

        fn code(&mut self, _now: Timestamp, bytes: &[u8]) {
            match self.said.last_mut() {
                Some(last) if last.starts_with('"') => {
                    last.extend(bytes.iter().map(|b| *b as char))
                }
                _ => self.said.push(format!("\"{}", String::from_utf8_lossy(bytes))),
            }
        }

        fn damaged(&mut self, _now: Timestamp, fault: Fault) {
            self.said.push(fault.kind().to_owned());
        }
    }

    /// Feeds pieces a millisecond apart; an empty one is three seconds of silence, `~` a bad byte.
    fn sift(pieces: &[&str]) -> Vec<String> {
        let mut sample = Sample::default();
        let mut sieve = Sieve::default();
        let mut now = Timestamp(0);
        for piece in pieces {
            now = now + Duration::from_millis(if piece.is_empty() { 3_000 } else { 1 });
            match *piece {
                "" => sieve.expire(now, &mut sample),
                "~" => sieve.damage(now, Fault::BadByte, &mut sample),
                _ => sieve.receive(now, piece.as_bytes(), &mut sample),
            }
        }
        sieve.abandon(&mut sample);
        sample.said
    }

    #[test]
    fn messages_are_taken_out_of_codes() {
        let rows: &[(&str, &[&str], &[&str])] = &[
            ("codes only", &["abc", "def"], &["\"abcdef"]),
            ("between codes", &["abc<2:xydef"], &["\"abc", "<2:xy 1-1", "\"def"]),
            ("in pieces", &["ab<", "2", ":x", "yc"], &["\"ab", "<2:xy 1-4", "\"c"]),
            ("one behind another", &["<1:a<1:b"], &["<1:a 1-1", "<1:b 1-1"]),
            ("no message after all", &["<", "<a<b"], &["\"<<a<b"]),
            ("a beginning, then silence", &["<2", "", "c"], &["\"<2c"]),
            ("a beginning of a beginning", &["<<1:a"], &["\"<", "<1:a 1-1"]),
            ("cut off by silence", &["<3:ab", "", "c"], &["partial-frame", "\"c"]),
            ("cut off by the next one", &["<9:ab<1:c", ""], &["partial-frame", "<1:c 1-1"]),
            ("cut off, with a beginning in it", &["<9:a<b<2", "", "c"], &["partial-frame", "\"c"]),
            ("damaged", &["a<2:b!c"], &["\"a", "malformed-frame", "\"c"]),
            ("a bad byte in a message", &["a<3:b", "~", "c"], &["\"a", "line-error", "\"c"]),
            ("a bad byte in what may be one", &["a<", "~", "c"], &["\"a<", "line-error", "\"c"]),
            ("the end", &["a<3:b"], &["\"a", "partial-frame"]),
        ];
        for (name, pieces, want) in rows {
            assert_eq!(sift(pieces), *want, "{name}");
        }
    }

    #[test]
    fn silence_is_waited_for_while_something_is_held() {
        let (mut sieve, mut sample) = (Sieve::default(), Sample::default());
        sieve.receive(Timestamp(5), b"ab", &mut sample);
        assert_eq!(sieve.deadline(), None);
        sieve.receive(Timestamp(5), b"<", &mut sample);
        assert_eq!(sieve.deadline(), Some(Timestamp(100_005)));
        sieve.receive(Timestamp(6), b"3:a", &mut sample);
        assert_eq!(sieve.deadline(), Some(Timestamp(2_000_006)));
    }
}
