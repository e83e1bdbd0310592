//! [`Packets`]: packets that say their own length and carry a checksum.
//!
//! Contract: pure. A packet is handed out once it is whole and its checksum is right. What is no
//! packet is passed over byte by byte, so that a good packet is found again behind noise, behind a
//! packet cut short and behind one whose length is wrong; one fault tells of each such stretch,
//! however long it is. A packet that never ends is given up after silence, and the good packets
//! that it had swallowed are handed out.
//!
//! A whole packet in one read is handed out as a slice of that read and copied nowhere.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Fault, Timestamp};
use crate::frame::Buffer;

/// What stands at the front of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// The beginning of a packet whose end has not come.
    Open,
    /// A packet of so many bytes, all of them there.
    Packet(usize),
    /// A packet of so many bytes in all but its checksum.
    Garbled {
        /// How many bytes.
        length: usize,
        /// The checksum that it carries.
        got: u32,
        /// The checksum of its bytes.
        want: u32,
    },
    /// No packet.
    Noise,
}

/// Where bytes stand that are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind a packet or behind silence: a packet is due here.
    Boundary,
    /// Anywhere: only what can hardly be by chance is the beginning of a packet here.
    Anywhere,
}

/// Says what stands at the front of bytes, of which there is at least one.
///
/// It is asked again as more bytes come, so it is to be quick where it answers [`Front::Open`], and
/// is to do so only up to a length of its own.
pub type Weigh = fn(&[u8], Place) -> Front;

/// What the framer has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A packet.
    Packet {
        /// All of its bytes.
        bytes: &'a [u8],
        /// When the first of them came.
        first: Timestamp,
        /// When the last of them came.
        last: Timestamp,
    },
    /// A packet has come whose checksum is wrong: its bytes. A fault tells of it, here or before.
    Garbled(&'a [u8]),
    /// Something that is no packet.
    Fault(Fault),
}

/// The framer.
#[derive(Debug)]
pub struct Packets {
    weigh: Weigh,
    stall: Duration,
    held: Buffer,
    /// When the held bytes came, and how many of them.
    arrivals: VecDeque<(Timestamp, usize)>,
    last: Timestamp,
    stretch: Stretch,
}

/// Bytes passed over since the last packet or silence.
#[derive(Debug, Default)]
struct Stretch {
    bytes: usize,
    /// It began like a packet that was then cut off.
    cut: bool,
    /// A fault has told of it.
    told: bool,
}

impl Packets {
    /// A framer that has heard nothing yet. After so much silence the rest of a packet is not coming.
    #[must_use]
    pub fn new(weigh: Weigh, stall: Duration) -> Self {
        Self {
            weigh,
            stall,
            held: Buffer::default(),
            arrivals: VecDeque::new(),
            last: Timestamp::default(),
            stretch: Stretch::default(),
        }
    }

    /// Takes what came.
    pub fn receive(&mut self, now: Timestamp, bytes: &[u8], found: &mut dyn FnMut(Found<'_>)) {
        self.expire(now, found);
        self.last = now;
        if self.held.is_empty() {
            let taken = self.walk(bytes, &[(now, bytes.len())], found);
            let rest = bytes.get(taken..).unwrap_or_default();
            if !rest.is_empty() {
                self.held.extend(rest);
                self.arrivals.push_back((now, rest.len()));
            }
            return;
        }
        self.held.extend(bytes);
        match self.arrivals.back_mut() {
            Some((time, count)) if *time == now => *count += bytes.len(),
            _ => self.arrivals.push_back((now, bytes.len())),
        }
        self.walk_held(found);
    }

    /// Takes a damaged byte. It keeps its place, for the length of its packet counts it.
    pub fn damage(
        &mut self,
        now: Timestamp,
        byte: u8,
        fault: Fault,
        found: &mut dyn FnMut(Found<'_>),
    ) {
        self.expire(now, found);
        if !self.stretch.told {
            found(Found::Fault(fault));
        }
        self.stretch.told = true;
        self.last = now;
        self.receive(now, &[byte], found);
    }

    /// When silence will have meant something.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.is_open().then(|| self.last + self.stall)
    }

    /// Hears the silence, where it has lasted long enough.
    pub fn expire(&mut self, now: Timestamp, found: &mut dyn FnMut(Found<'_>)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.abandon(found);
        }
    }

    /// The rest of what was begun is not coming.
    pub fn abandon(&mut self, found: &mut dyn FnMut(Found<'_>)) {
        while !self.held.is_empty() {
            self.stretch.cut |= self.stretch.bytes == 0;
            self.stretch.bytes += 1;
            self.drop_front(1);
            self.walk_held(found);
        }
        self.end_stretch(found);
    }

    fn is_open(&self) -> bool {
        self.stretch.bytes > 0 || self.stretch.told || !self.held.is_empty()
    }

    fn walk_held(&mut self, found: &mut dyn FnMut(Found<'_>)) {
        let held = std::mem::take(&mut self.held);
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let taken = self.walk(held.bytes(), arrivals.make_contiguous(), found);
        self.held = held;
        self.arrivals = arrivals;
        self.drop_front(taken);
    }

    fn drop_front(&mut self, count: usize) {
        self.held.drop_front(count);
        let mut left = count;
        while let Some((_, bytes)) = self.arrivals.front_mut() {
            if *bytes > left {
                *bytes -= left;
                return;
            }
            left -= *bytes;
            self.arrivals.pop_front();
        }
    }

    /// Hands out what stands in the bytes, up to where more of them are needed: how many were taken.
    fn walk(
        &mut self,
        bytes: &[u8],
        arrivals: &[(Timestamp, usize)],
        found: &mut dyn FnMut(Found<'_>),
    ) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let place = if self.stretch.bytes == 0 { Place::Boundary } else { Place::Anywhere };
            match (self.weigh)(rest, place) {
                Front::Open => break,
                Front::Packet(length) => {
                    let length = length.clamp(1, rest.len());
                    self.end_stretch(found);
                    found(Found::Packet {
                        bytes: rest.get(..length).unwrap_or(rest),
                        first: time_of(at, arrivals),
                        last: time_of(at + length - 1, arrivals),
                    });
                    at += length;
                }
                Front::Garbled { length, got, want } => {
                    if !self.stretch.told {
                        found(Found::Fault(Fault::Checksum { got, want }));
                    }
                    found(Found::Garbled(rest.get(..length).unwrap_or(rest)));
                    self.stretch.told = true;
                    self.stretch.bytes += 1;
                    at += 1;
                }
                Front::Noise => {
                    self.stretch.bytes += 1;
                    at += 1;
                }
            }
        }
        at
    }

    /// Tells of the bytes passed over, where nothing has told of them yet.
    fn end_stretch(&mut self, found: &mut dyn FnMut(Found<'_>)) {
        let Stretch { bytes, cut, told } = std::mem::take(&mut self.stretch);
        match bytes {
            0 => {}
            _ if told => {}
            _ if cut => found(Found::Fault(Fault::Partial { bytes })),
            _ => found(Found::Fault(Fault::Noise { bytes })),
        }
    }
}

/// When the byte at this place came.
fn time_of(at: usize, arrivals: &[(Timestamp, usize)]) -> Timestamp {
    let mut before = 0;
    let after = arrivals.iter().find(|(_, count)| {
        before += count;
        at < before
    });
    after.or(arrivals.last()).map_or(Timestamp::default(), |(time, _)| *time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::checksum;

    type Pieces<'a> = &'a [&'a [u8]];

    /// `LENGTH A… SUM(2)`: the length of all but the sum, then letters, which makes chance unlikely.
    fn weigh(bytes: &[u8], place: Place) -> Front {
        let (length, kind) = match bytes {
            [0..3, ..] | [] => return Front::Noise,
            [_] => return Front::Open,
            [length, kind, ..] => (usize::from(*length), *kind),
        };
        if place == Place::Anywhere && kind != b'A' {
            return Front::Noise;
        }
        let Some(packet) = bytes.get(..length + 2) else { return Front::Open };
        let (body, sum) = packet.split_last_chunk::<2>().unwrap();
        let (got, want) = (u16::from_be_bytes(*sum), checksum::complement(body));
        if got == want {
            Front::Packet(packet.len())
        } else {
            Front::Garbled { length: packet.len(), got: got.into(), want: want.into() }
        }
    }

    fn packet(text: &str) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(text.len()).unwrap() + 1];
        bytes.extend(text.bytes());
        let sum = checksum::complement(&bytes).to_be_bytes();
        bytes.extend(sum);
        bytes
    }

    /// Feeds pieces a millisecond apart or, for an empty one, lets a second go by.
    fn hear(pieces: &[&[u8]]) -> Vec<String> {
        let mut said = Vec::new();
        let mut packets = Packets::new(weigh, Duration::from_millis(500));
        let mut now = Timestamp(0);
        let mut note = |found: Found<'_>| {
            said.push(match found {
                Found::Packet { bytes, first, last } => {
                    let text = String::from_utf8_lossy(&bytes[1..bytes.len() - 2]).into_owned();
                    format!("{text} {}-{}", first.0 / 1000, last.0 / 1000)
                }
                Found::Garbled(_) => "garbled".to_owned(),
                Found::Fault(fault) => fault.kind().to_owned() + &digits(&fault.to_string()),
            });
        };
        for piece in pieces {
            now = now + Duration::from_millis(if piece.is_empty() { 1000 } else { 1 });
            match *piece {
                [] => packets.expire(now, &mut note),
                [b'~', byte] => packets.damage(now, *byte, Fault::BadByte, &mut note),
                piece => packets.receive(now, piece, &mut note),
            }
        }
        packets.abandon(&mut note);
        assert_eq!(packets.deadline(), None, "nothing is left open");
        said
    }

    /// The counts in a fault's text; checksums are left out.
    fn digits(text: &str) -> String {
        let counts = text.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        counts.map(|count| format!(" {count}")).collect()
    }

    #[test]
    fn packets_are_found() {
        let (a, b) = (packet("Ab"), packet("Abcdef"));
        let both = [a.as_slice(), &b].concat();
        let garbled = [&b[..b.len() - 1], &[0x55]].concat();
        let long = [&[200], &b[1..]].concat();
        let short = [&[4], &b[1..]].concat();
        let rows: &[(&str, Pieces<'_>, &[&str])] = &[
            ("one", &[&a], &["Ab 1-1"]),
            ("two in one read", &[&both], &["Ab 1-1", "Abcdef 1-1"]),
            ("one in three reads", &[&b[..1], &b[1..5], &b[5..]], &["Abcdef 1-3"]),
            ("two over a border", &[&both[..7], &both[7..]], &["Ab 1-1", "Abcdef 1-2"]),
            ("noise before", &[b"\x00\x01", &a], &["noise 2", "Ab 2-2"]),
            ("noise before, split", &[b"\x00\x01", &a[..2], &a[2..]], &["noise 2", "Ab 2-3"]),
            ("noise and silence", &[b"\x00\x01", b"", &a], &["noise 2", "Ab 1002-1002"]),
            ("cut off", &[&b[..4], b"", &a], &["partial-frame 4", "Ab 1002-1002"]),
            ("cut off, at the end", &[&b[..4]], &["partial-frame 4"]),
            ("checksum wrong, next good", &[&garbled, &a], &["bad-checksum", "garbled", "Ab 2-2"]),
            (
                "checksum wrong twice is one fault",
                &[&garbled, &garbled, &a],
                &["bad-checksum", "garbled", "garbled", "Ab 3-3"],
            ),
            (
                "checksum wrong twice with silence between",
                &[&garbled, b"", &garbled],
                &["bad-checksum", "garbled", "bad-checksum", "garbled"],
            ),
            (
                "a length too long swallows what follows until silence",
                &[&long, &a, b"", &a],
                &["partial-frame 9", "Ab 2-2", "Ab 1003-1003"],
            ),
            ("a length too short", &[&short, &a], &["bad-checksum", "garbled", "Ab 2-2"]),
            ("a damaged byte between", &[b"~\x00", &a], &["line-error", "Ab 2-2"]),
            (
                "damaged bytes with silence between",
                &[&a, b"", b"~\x00", b"", b"~\x00", &a],
                &["Ab 1-1", "line-error", "line-error", "Ab 2004-2004"],
            ),
            (
                "a damaged byte inside",
                &[&b[..3], b"~\x00", &b[4..], &a],
                &["line-error", "garbled", "Ab 4-4"],
            ),
        ];
        for (name, pieces, want) in rows {
            assert_eq!(hear(pieces), *want, "{name}");
        }
    }

    #[test]
    fn a_packet_that_never_ends_is_given_up() {
        let endless = [0xFE].repeat(10_000);
        let said = hear(&[&endless, b"", &packet("Ab")]);
        assert_eq!(said.last().unwrap(), "Ab 1002-1002");
        assert!(said.len() <= 4, "{said:?}");
    }
}
