//! [`SpeedSearch`]: at which of a profile's speeds a device sends, found by listening.
//!
//! Contract: pure, and it never writes. Whoever owns the line tells it in order what came
//! ([`Evidence::Bytes`], [`Evidence::LineError`], before the protocol gets it) and what the protocol
//! made of that ([`Evidence::Reading`], [`Evidence::Card`], [`Evidence::Fault`]), and does what the [`Advice`] says:
//!
//! * `Keep`: go on as usual; bytes go to the protocol.
//! * `Ignore`: the rest of something garbled; it does not go to the protocol.
//! * `Change`: set the line to the new speed, begin a new conversation (what the old one holds is
//!   garbage), report [`Fault::Garbled`](crate::event::Fault::Garbled).
//!
//! One burst, that is input without a tenth of a second of silence in it, changes the speed once at
//! most: what is left of it at the new speed proves nothing. So a person scans at most once for each
//! speed in the list. A plausible reading settles the speed; after that it takes several garbled
//! bursts in a row, as a device gives that was set to another speed, to search again.
//! No timer is needed, and with one speed there is nothing to search and the advice is always `Keep`.

use std::time::Duration;

use crate::event::Timestamp;

/// Silence that ends a burst.
const QUIET: Duration = Duration::from_millis(100);

/// So many garbled bursts in a row unsettle a speed that was found.
const PATIENCE: u32 = 5;

/// No shorter reading settles anything: a few bytes come out right by chance.
const SHORTEST_PROOF: usize = 3;

/// What came, or what the protocol made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence<'a> {
    /// So many bytes came.
    Bytes(usize),
    /// A framing or parity error or a break stood on the line.
    LineError,
    /// The protocol read a code.
    Reading(&'a [u8]),
    /// The protocol read a card: sentinels and checks do not come out right by chance.
    Card,
    /// The protocol found something that is no frame.
    Fault,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Go on.
    Keep,
    /// Keep this from the protocol.
    Ignore,
    /// Change the speed.
    Change {
        /// The speed in force, in baud.
        from: u32,
        /// The speed to set, in baud.
        to: u32,
        /// How many bytes of the burst had come.
        bytes: usize,
    },
}

/// The search.
#[derive(Clone, Debug)]
pub struct SpeedSearch {
    bauds: Vec<u32>,
    place: usize,
    settled: bool,
    garbled_bursts: u32,
    burst: Burst,
}

/// What is known of the burst under way.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    last: Timestamp,
    bytes: usize,
    /// Whether the protocol has read a code in it.
    read: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Clean,
    Garbled,
    Changed,
}

impl SpeedSearch {
    /// A search over these speeds, the first of them in force. None means that there is no speed.
    #[must_use]
    pub fn new(bauds: &[u32]) -> Self {
        Self {
            bauds: bauds.to_vec(),
            place: 0,
            settled: false,
            garbled_bursts: 0,
            burst: Burst::default(),
        }
    }

    /// The speed in force.
    #[must_use]
    pub fn baud(&self) -> Option<u32> {
        self.bauds.get(self.place).copied()
    }

    /// Whether a plausible reading has proved the speed, or there is only one.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled || self.bauds.len() < 2
    }

    /// Takes a piece of evidence.
    pub fn hear(&mut self, now: Timestamp, evidence: Evidence<'_>) -> Advice {
        if self.bauds.len() < 2 {
            return Advice::Keep;
        }
        let input = matches!(evidence, Evidence::Bytes(_) | Evidence::LineError);
        if input && now.since(self.burst.last) > QUIET {
            let before = std::mem::take(&mut self.burst);
            self.burst.last = now;
            // A code scanned into a search and never ended: nothing showed that it was garbled, and
            // waiting for its end would outlast the person's patience.
            if !self.settled && before.bytes > 0 && !before.read && before.state == State::Clean {
                self.burst.bytes = before.bytes;
                return self.garbled();
            }
        }
        if input {
            self.burst.last = now;
        }
        if self.burst.state == State::Changed {
            return if input { Advice::Ignore } else { Advice::Keep };
        }
        self.burst.read |= matches!(evidence, Evidence::Reading(_) | Evidence::Card);
        match evidence {
            Evidence::Bytes(count) => self.burst.bytes += count,
            Evidence::LineError => {
                self.burst.bytes += 1;
                return self.garbled();
            }
            Evidence::Fault => return self.garbled(),
            Evidence::Reading(code) if is_plausible(code) => self.settle(),
            Evidence::Card => self.settle(),
            Evidence::Reading(_) => {}
        }
        Advice::Keep
    }

    fn settle(&mut self) {
        if self.burst.state == State::Clean {
            self.settled = true;
            self.garbled_bursts = 0;
        }
    }

    fn garbled(&mut self) -> Advice {
        if self.burst.state == State::Clean {
            self.burst.state = State::Garbled;
            self.garbled_bursts += 1;
        }
        let Some(from) = self.baud().filter(|_| !self.settled || self.garbled_bursts >= PATIENCE)
        else {
            return Advice::Keep;
        };
        self.settled = false;
        self.garbled_bursts = 0;
        self.burst.state = State::Changed;
        self.place = if self.place + 1 < self.bauds.len() { self.place + 1 } else { 0 };
        Advice::Change { from, to: self.baud().unwrap_or(from), bytes: self.burst.bytes }
    }
}

/// Whether a code looks like one that was heard at its speed: half of it plain text at least, and no
/// control characters but those that codes hold.
///
/// Bytes beyond ASCII prove nothing: text in other scripts has them, and so has garbage.
fn is_plausible(code: &[u8]) -> bool {
    let plain = code.iter().filter(|byte| matches!(byte, b' '..=b'~')).count();
    let odd = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n\x04\x1C\x1D\x1E\x1F".contains(byte);
    code.len() >= SHORTEST_PROOF && plain * 2 >= code.len() && !code.iter().any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fault;
    use crate::frame::Line;
    use crate::frame::line::{Found, Settings, Silence};
    use crate::frame::uart::{self, Heard};

    const BAUDS: [u32; 6] = [9_600, 115_200, 19_200, 38_400, 57_600, 4_800];

    /// A line at some speed with a search at its end, as a session would run it.
    struct Session {
        search: SpeedSearch,
        line: Line,
        now: Timestamp,
        readings: Vec<Vec<u8>>,
        changes: usize,
    }

    fn line() -> Line {
        Line::new(Settings {
            suffixes: vec![b"\r".to_vec(), b"\n".to_vec()],
            prefix: Vec::new(),
            silence: Silence::Cuts(Duration::from_secs(2)),
            limit: 8_192,
        })
    }

    impl Session {
        fn new(bauds: &[u32]) -> Self {
            let (search, readings) = (SpeedSearch::new(bauds), Vec::new());
            Self { search, line: line(), now: Timestamp(0), readings, changes: 0 }
        }

        fn scan(&mut self, code: &[u8], baud: u32, pause: Duration) {
            self.now = self.now + pause;
            self.frames(|line, now, found| line.expire(now, found));
            for one in uart::heard(code, baud, self.search.baud().unwrap()) {
                self.now = self.now + Duration::from_micros(100);
                let evidence = match one {
                    Heard::Byte(_) => Evidence::Bytes(1),
                    Heard::BadByte(_) | Heard::Break => Evidence::LineError,
                };
                if self.tell(evidence) {
                    self.frames(|line, now, found| match one {
                        Heard::Byte(byte) => line.receive(now, &[byte], found),
                        _ => line.damage(now, Fault::BadByte, found),
                    });
                }
            }
        }

        fn frames(&mut self, work: impl FnOnce(&mut Line, Timestamp, &mut dyn FnMut(Found<'_>))) {
            let mut said = Vec::new();
            work(&mut self.line, self.now, &mut |found| {
                said.push(match found {
                    Found::Frame { bytes, .. } => Some(bytes.to_vec()),
                    Found::Fault(_) => None,
                });
            });
            for frame in said {
                self.tell(frame.as_deref().map_or(Evidence::Fault, Evidence::Reading));
                self.readings.extend(frame);
            }
        }

        /// Whether the evidence goes on to the protocol.
        fn tell(&mut self, evidence: Evidence<'_>) -> bool {
            match self.search.hear(self.now, evidence) {
                Advice::Keep => true,
                Advice::Ignore => false,
                Advice::Change { .. } => {
                    self.line = line();
                    self.changes += 1;
                    false
                }
            }
        }
    }

    #[test]
    fn codes_that_never_end_change_the_speed_when_the_next_one_begins() {
        let mut search = SpeedSearch::new(&[9_600, 115_200]);
        let second = |seconds: u64| Timestamp(seconds * 1_000_000);
        assert_eq!(search.hear(second(1), Evidence::Bytes(2)), Advice::Keep);
        let change = Advice::Change { from: 9_600, to: 115_200, bytes: 2 };
        assert_eq!(search.hear(second(2), Evidence::Bytes(2)), change);
        assert_eq!(search.hear(second(2), Evidence::Bytes(1)), Advice::Ignore);
        assert_eq!(search.hear(second(3), Evidence::Bytes(14)), Advice::Keep);
        assert_eq!(search.hear(second(3), Evidence::Reading(b"4006381333931")), Advice::Keep);
        assert_eq!(search.hear(second(4), Evidence::Bytes(14)), Advice::Keep);
        assert!(search.is_settled());
    }

    #[test]
    fn a_card_settles_the_speed_even_after_the_silence_that_ends_it() {
        let mut search = SpeedSearch::new(&[9_600, 115_200]);
        assert_eq!(search.hear(Timestamp(1_000_000), Evidence::Bytes(102)), Advice::Keep);
        assert_eq!(search.hear(Timestamp(1_200_000), Evidence::Card), Advice::Keep);
        assert!(search.is_settled());
        assert_eq!(search.hear(Timestamp(9_000_000), Evidence::Bytes(102)), Advice::Keep);
    }

    #[test]
    fn every_speed_is_found_within_a_scan_or_two_for_each() {
        for baud in BAUDS {
            for code in [&b"4006381333931\r"[..], b"]Q1https://example.org/a\r\n", b"SHELF-17\r"] {
                let mut session = Session::new(&BAUDS);
                let mut scans = 0;
                while !session.search.is_settled() {
                    session.scan(code, baud, Duration::from_secs(3));
                    scans += 1;
                    assert!(scans <= BAUDS.len(), "{baud}: not found in {scans} scans");
                }
                assert_eq!(session.search.baud(), Some(baud));
                assert_eq!(session.readings.last().unwrap(), code.trim_ascii_end());
                let before = session.readings.len();
                session.scan(code, baud, Duration::from_secs(3));
                assert_eq!(session.readings.len(), before + 1);
            }
        }
    }

    #[test]
    fn a_settled_speed_outlasts_noise_and_follows_a_device_that_was_set_anew() {
        let code = b"4006381333931\r";
        let mut session = Session::new(&[9_600, 115_200]);
        session.scan(code, 9_600, Duration::from_secs(3));
        assert!(session.search.is_settled());
        for _ in 0..20 {
            session.tell(Evidence::LineError);
            session.line = line();
            session.scan(code, 9_600, Duration::from_secs(3));
        }
        assert_eq!((session.changes, session.readings.len()), (0, 21));
        for _ in 0..=PATIENCE {
            session.scan(code, 115_200, Duration::from_secs(3));
        }
        assert_eq!((session.search.baud(), session.changes), (Some(115_200), 1));
    }

    #[test]
    fn one_burst_changes_the_speed_once() {
        let mut search = SpeedSearch::new(&BAUDS);
        let error = Evidence::LineError;
        let first = Advice::Change { from: 9_600, to: 115_200, bytes: 3 };
        assert_eq!(search.hear(Timestamp(200_000), Evidence::Bytes(2)), Advice::Keep);
        assert_eq!(search.hear(Timestamp(200_100), error), first);
        assert_eq!(search.hear(Timestamp(200_200), error), Advice::Ignore);
        assert_eq!(search.hear(Timestamp(200_300), Evidence::Bytes(9)), Advice::Ignore);
        assert_eq!(search.hear(Timestamp(9_000_000), Evidence::Fault), Advice::Keep);
        assert!(matches!(search.hear(Timestamp(9_000_001), error), Advice::Change { .. }));
    }

    #[test]
    fn one_speed_or_none_is_never_changed() {
        for bauds in [&[9_600][..], &[]] {
            let mut search = SpeedSearch::new(bauds);
            assert_eq!(search.hear(Timestamp(1), Evidence::LineError), Advice::Keep);
            assert_eq!((search.baud(), search.is_settled()), (bauds.first().copied(), true));
        }
    }

    #[test]
    fn plausible_codes() {
        for (code, want) in [
            (&b"4006381333931"[..], true),
            (b"]Q1a\x1Db", true),
            (b"ab", false),
            (b"ab\x00cd", false),
            (b"\xB2\xE8\xB2\xE8", false),
            (b"tea \xB2\xE8", true),
        ] {
            assert_eq!(is_plausible(code), want, "{code:02X?}");
        }
    }
}
