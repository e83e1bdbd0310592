//! [`Line`]: codes that end in a suffix, in silence, or in whichever comes first.
//!
//! Contract: pure. A frame is handed out once its end is certain; what was begun and cut off is a
//! fault, never a frame. After an overlong frame or a damaged byte everything up to the next end is
//! dropped, so that half a code is never taken for one. One fault tells of each such stretch, however
//! long it is.
//!
//! A whole frame in one read is handed out as a slice of that read and copied nowhere. Some codes hold
//! line ends themselves: licences, transfers, contacts. Where those are suffixes, their lines are put
//! together again.

use std::time::Duration;

use super::Buffer;
use super::joined::{Heard, Joined};
use super::licence::Licence;
use crate::event::{Fault, Timestamp};

/// How the device's frames begin and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Each of these ends a frame, the longest where several end at one byte. None is empty.
    pub suffixes: Vec<Vec<u8>>,
    /// What each frame begins with; may be empty.
    pub prefix: Vec<u8>,
    /// What silence in the middle of a frame means.
    pub silence: Silence,
    /// The most bytes a frame may have, its prefix counted and its suffix not.
    pub limit: usize,
}

/// What silence in the middle of a frame means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The frame is whole.
    Ends(Duration),
    /// The rest is not coming, and what comes next is another frame.
    Cuts(Duration),
}

/// What the framer has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A frame, without its prefix and suffix; never empty.
    Frame {
        /// The bytes.
        bytes: &'a [u8],
        /// When the first of them came.
        first: Timestamp,
        /// When the last of them came.
        last: Timestamp,
    },
    /// Something that is no frame.
    Fault(Fault),
}

/// The framer.
#[derive(Debug)]
pub struct Line {
    pieces: Pieces,
    joints: Joints,
}

/// What puts the codes together that hold line ends.
#[derive(Debug)]
struct Joints {
    joined: Joined,
    licence: Licence,
}

impl Joints {
    fn hear(&mut self, heard: Heard<'_>, found: &mut dyn FnMut(Found<'_>)) {
        let Self { joined, licence } = self;
        joined.hear(heard, &mut |frame| licence.hear(frame, found));
    }

    /// Where a line has begun there is no silence.
    fn expire(&mut self, now: Timestamp, pieces: &Pieces, found: &mut dyn FnMut(Found<'_>)) {
        let Self { joined, licence } = self;
        if !pieces.is_open() {
            joined.expire(now, &mut |frame| licence.hear(frame, found));
        }
        licence.expire(now, found);
    }

    fn abandon(&mut self, found: &mut dyn FnMut(Found<'_>)) {
        let Self { joined, licence } = self;
        joined.abandon(&mut |frame| licence.hear(frame, found));
        licence.abandon(found);
    }
}

impl Line {
    /// A framer that has heard nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let joints = Joints { joined: Joined::new(settings.limit), licence: Licence::default() };
        Self { pieces: Pieces::new(settings), joints }
    }

    /// Takes what came.
    pub fn receive(&mut self, now: Timestamp, bytes: &[u8], found: &mut dyn FnMut(Found<'_>)) {
        let Self { pieces, joints } = self;
        joints.expire(now, pieces, found);
        pieces.receive(now, bytes, &mut |piece| joints.hear(piece, found));
    }

    /// Takes a damaged place on the line: the frame around it is lost.
    pub fn damage(&mut self, now: Timestamp, fault: Fault, found: &mut dyn FnMut(Found<'_>)) {
        let Self { pieces, joints } = self;
        joints.expire(now, pieces, found);
        pieces.damage(now, fault, &mut |piece| joints.hear(piece, found));
    }

    /// When silence will have meant something.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let Joints { joined, licence } = &self.joints;
        let pieces = self.pieces.deadline().or_else(|| joined.deadline());
        pieces.into_iter().chain(licence.deadline()).min()
    }

    /// Hears the silence, where it has lasted long enough.
    pub fn expire(&mut self, now: Timestamp, found: &mut dyn FnMut(Found<'_>)) {
        let Self { pieces, joints } = self;
        pieces.expire(now, &mut |piece| joints.hear(piece, found));
        joints.expire(now, pieces, found);
    }

    /// The line is gone, and with it the rest of the frame.
    pub fn abandon(&mut self, found: &mut dyn FnMut(Found<'_>)) {
        let Self { pieces, joints } = self;
        pieces.abandon(&mut |piece| joints.hear(piece, found));
        joints.abandon(found);
    }
}

/// What lies between the ends.
#[derive(Debug)]
struct Pieces {
    settings: Settings,
    /// The last bytes of the suffixes: the only places worth looking at closely.
    endings: Vec<u8>,
    longest_suffix: usize,
    held: Buffer,
    skipping: bool,
    first: Timestamp,
    last: Timestamp,
}

impl Pieces {
    fn new(mut settings: Settings) -> Self {
        settings.suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.len()));
        let mut endings: Vec<u8> =
            settings.suffixes.iter().filter_map(|suffix| suffix.last().copied()).collect();
        endings.sort_unstable();
        endings.dedup();
        Self {
            endings,
            longest_suffix: settings.suffixes.first().map_or(0, Vec::len),
            settings,
            held: Buffer::default(),
            skipping: false,
            first: Timestamp::default(),
            last: Timestamp::default(),
        }
    }

    fn receive(&mut self, now: Timestamp, bytes: &[u8], found: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, found);
        let mut rest = bytes;
        while let Some((piece, after, suffix)) = self.cut(rest) {
            self.end(now, piece, suffix, found);
            rest = after;
        }
        if !rest.is_empty() {
            self.hold(now, rest, found);
        }
    }

    fn damage(&mut self, now: Timestamp, fault: Fault, found: &mut dyn FnMut(Heard<'_>)) {
        self.expire(now, found);
        if !self.skipping {
            found(Heard::Fault(fault));
        }
        self.held.clear();
        self.skipping = true;
        self.last = now;
    }

    fn deadline(&self) -> Option<Timestamp> {
        let (Silence::Ends(silence) | Silence::Cuts(silence)) = self.settings.silence;
        self.is_open().then(|| self.last + silence)
    }

    fn expire(&mut self, now: Timestamp, found: &mut dyn FnMut(Heard<'_>)) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.settings.silence {
            Silence::Ends(_) if !self.skipping => {
                let last = self.last;
                self.end(last, &[], 0, found);
            }
            _ => self.abandon(found),
        }
    }

    fn abandon(&mut self, found: &mut dyn FnMut(Heard<'_>)) {
        let (held, prefix) = (self.held.bytes(), self.settings.prefix.as_slice());
        let begun = held.starts_with(prefix) || prefix.starts_with(held);
        match held.len() {
            bytes if self.skipping || bytes == 0 => {}
            bytes if begun => found(Heard::Fault(Fault::Partial { bytes })),
            bytes => found(Heard::Fault(Fault::Noise { bytes })),
        }
        self.reset();
    }

    fn is_open(&self) -> bool {
        self.skipping || !self.held.is_empty()
    }

    fn reset(&mut self) {
        self.held.clear();
        self.skipping = false;
    }

    /// How many bytes without an end are too many. A suffix that has half come is no part of them.
    fn bound(&self) -> usize {
        self.settings.limit.saturating_add(self.longest_suffix.max(1))
    }

    /// The bytes up to and with the first suffix, those after it, and the suffix's length.
    fn cut<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8], usize)> {
        let mut from = 0;
        loop {
            let tail = bytes.get(from..)?;
            let end = from + self.find_ending(tail)? + 1;
            let (piece, after) = bytes.split_at_checked(end)?;
            if let Some(suffix) = self.suffix_of(piece) {
                return Some((piece, after, suffix));
            }
            from = end;
        }
    }

    fn find_ending(&self, bytes: &[u8]) -> Option<usize> {
        match *self.endings.as_slice() {
            [] => None,
            [one] => memchr::memchr(one, bytes),
            [one, two] => memchr::memchr2(one, two, bytes),
            [one, two, three] => memchr::memchr3(one, two, three, bytes),
            _ => bytes.iter().position(|byte| self.endings.contains(byte)),
        }
    }

    /// The length of the suffix that what is held and this piece together end in.
    fn suffix_of(&self, piece: &[u8]) -> Option<usize> {
        let fits = |suffix: &&Vec<u8>| match suffix.len().checked_sub(piece.len()) {
            None | Some(0) => piece.ends_with(suffix),
            Some(before) => suffix
                .split_at_checked(before)
                .is_some_and(|(head, tail)| self.held.bytes().ends_with(head) && tail == piece),
        };
        self.settings.suffixes.iter().find(fits).map(Vec::len)
    }

    /// A frame has come to its end: what is held, and a piece that closes with the suffix.
    fn end(
        &mut self,
        now: Timestamp,
        piece: &[u8],
        suffix: usize,
        found: &mut dyn FnMut(Heard<'_>),
    ) {
        let length = (self.held.len() + piece.len()).saturating_sub(suffix);
        match (self.skipping, self.held.is_empty()) {
            (true, _) => {}
            (false, _) if length > self.settings.limit => {
                found(Heard::Fault(Fault::Overlong { limit: self.settings.limit }));
            }
            (false, true) => {
                let (whole, end) = piece.split_at_checked(length).unwrap_or((piece, &[]));
                self.hand_out(now, now, (whole, end), found);
            }
            (false, false) => {
                self.held.extend(piece);
                let held = self.held.bytes();
                let (whole, end) = held.split_at_checked(length).unwrap_or((held, &[]));
                self.hand_out(self.first, now, (whole, end), found);
            }
        }
        self.reset();
    }

    /// Hands a frame out without its prefix, and tells of what stood before that.
    fn hand_out(
        &self,
        first: Timestamp,
        last: Timestamp,
        (whole, end): (&[u8], &[u8]),
        found: &mut dyn FnMut(Heard<'_>),
    ) {
        let prefix = self.settings.prefix.as_slice();
        let Some(start) = find_prefix(prefix, whole) else {
            return found(Heard::Fault(Fault::Noise { bytes: whole.len() }));
        };
        if start > 0 && whole.starts_with(prefix) {
            found(Heard::Fault(Fault::Partial { bytes: start }));
        } else if start > 0 {
            found(Heard::Fault(Fault::Noise { bytes: start }));
        }
        let bytes = whole.get(start + prefix.len()..).unwrap_or_default();
        // An empty line is no frame, but may be a place in a code of many lines.
        if !bytes.is_empty() || prefix.is_empty() {
            found(Heard::Line { bytes, end, first, last });
        }
    }

    /// Keeps what has no end yet, within the bound.
    fn hold(&mut self, now: Timestamp, bytes: &[u8], found: &mut dyn FnMut(Heard<'_>)) {
        if self.held.is_empty() {
            self.first = now;
        }
        self.last = now;
        if !self.skipping && self.held.len() + bytes.len() >= self.bound() {
            found(Heard::Fault(Fault::Overlong { limit: self.settings.limit }));
            self.skipping = true;
        }
        if self.skipping {
            self.keep_tail(bytes);
        } else {
            self.held.extend(bytes);
        }
    }

    /// Keeps only what may be the first part of a suffix.
    fn keep_tail(&mut self, bytes: &[u8]) {
        let wanted = self.longest_suffix.saturating_sub(1);
        let tail = bytes.get(bytes.len().saturating_sub(wanted)..).unwrap_or(bytes);
        self.held.drop_front((self.held.len() + tail.len()).saturating_sub(wanted));
        self.held.extend(tail);
    }
}

/// Where a frame begins.
///
/// A prefix of control characters that comes again begins the frame anew: the frame before it was
/// cut off. A prefix that is text may well be part of the code, so there the first one counts.
fn find_prefix(prefix: &[u8], whole: &[u8]) -> Option<usize> {
    if prefix.is_empty() {
        Some(0)
    } else if prefix.iter().all(u8::is_ascii_control) {
        memchr::memmem::rfind(whole, prefix)
    } else {
        memchr::memmem::find(whole, prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Fault, Found, Line, Settings, Silence, Timestamp};

    type Pieces = &'static [&'static [u8]];
    type Words = &'static [&'static str];

    const LIMIT: usize = 10;

    fn settings(suffixes: &[&[u8]]) -> Settings {
        Settings {
            suffixes: suffixes.iter().map(|suffix| suffix.to_vec()).collect(),
            prefix: Vec::new(),
            silence: Silence::Cuts(Duration::from_secs(2)),
            limit: LIMIT,
        }
    }

    /// Feeds pieces a second apart or, for an empty one, lets three seconds go by.
    fn hear(settings: Settings, pieces: &[&[u8]]) -> Vec<String> {
        let mut said = Vec::new();
        let mut line = Line::new(settings);
        let mut now = Timestamp(0);
        let mut note = |found: Found<'_>| {
            said.push(match found {
                Found::Frame { bytes, first, last } => {
                    let text = String::from_utf8_lossy(bytes);
                    format!("{text} {}-{}", first.0 / 1_000_000, last.0 / 1_000_000)
                }
                Found::Fault(fault) => fault.to_string(),
            });
        };
        for piece in pieces {
            now = now + Duration::from_secs(if piece.is_empty() { 3 } else { 1 });
            if piece.is_empty() {
                line.expire(now, &mut note);
            } else if *piece == b"~" {
                line.damage(now, Fault::BadByte, &mut note);
            } else {
                line.receive(now, piece, &mut note);
            }
        }
        line.abandon(&mut note);
        said
    }

    #[test]
    fn suffixes() {
        const CR: Pieces = &[b"\r"];
        const CR_LF: Pieces = &[b"\r\n"];
        const ANY: Pieces = &[b"\r", b"\n"];
        let rows: &[(&str, Pieces, Pieces, Words)] = &[
            ("two codes in one read", CR, &[b"ab\rcd\r"], &["ab 1-1", "cd 1-1"]),
            ("one code in three reads", CR, &[b"a", b"b", b"\r"], &["ab 1-3"]),
            (
                "empty lines are no codes",
                ANY,
                &[b"ab\r\n\r\n", b"\n", b"c\n"],
                &["ab 1-1", "c 3-3"],
            ),
            ("a suffix over two reads", CR_LF, &[b"ab\r", b"\ncd\r\n"], &["ab 1-2", "cd 2-2"]),
            ("half a suffix is data", CR_LF, &[b"a\rb\n\r\n"], &["a\rb\n 1-1"]),
            ("half a suffix twice", CR_LF, &[b"a\r", b"\r", b"\n"], &["a\r 1-3"]),
            (
                "the longest suffix is cut off",
                &[b"\n", b"\r\n"],
                &[b"a\r\nb\n"],
                &["a 1-1", "b 1-1"],
            ),
            ("cut off by the line", CR, &[b"ab"], &["a frame was cut off after 2 bytes"]),
            (
                "cut off by silence, the next code is whole",
                CR,
                &[b"ab", b"", b"cd\r"],
                &["a frame was cut off after 2 bytes", "cd 5-5"],
            ),
        ];
        for (name, suffixes, pieces, want) in rows {
            assert_eq!(hear(settings(suffixes), pieces), *want, "{name}");
        }
    }

    #[test]
    fn bounds_and_damage() {
        const OVERLONG: &str = "a frame went past 10 bytes without an end";
        const BAD: &str = "a byte came with a parity or framing error";
        let crlf: &[&[u8]] = &[b"\r\n"];
        let rows: &[(&str, Pieces, Words)] = &[
            ("exactly the bound", &[b"0123456789\r\n"], &["0123456789 1-1"]),
            ("exactly the bound, in pieces", &[b"0123456789\r", b"\n"], &["0123456789 1-2"]),
            ("one too many", &[b"0123456789a\r\nb\r\n"], &[OVERLONG, "b 1-1"]),
            (
                "far too many, one fault",
                &[&[b'x'; 99], &[b'x'; 99], b"\r\nb\r\n"],
                &[OVERLONG, "b 3-3"],
            ),
            ("its suffix in two reads", &[&[b'x'; 99], b"\r", b"\nb\r\n"], &[OVERLONG, "b 3-3"]),
            ("damage inside a code", &[b"ab", b"~", b"c\r\nd\r\n"], &[BAD, "d 3-3"]),
            ("damage twice is one fault", &[b"a", b"~", b"~", b"\r\nd\r\n"], &[BAD, "d 4-4"]),
            ("damage to the first byte", &[b"~", b"bc\r\nd\r\n"], &[BAD, "d 2-2"]),
            ("damage, then silence", &[b"~", b"", b"abc\r\n"], &[BAD, "abc 5-5"]),
            ("damage, then the end", &[b"~", b"abc"], &[BAD]),
        ];
        for (name, pieces, want) in rows {
            assert_eq!(hear(settings(crlf), pieces), *want, "{name}");
        }
    }

    #[test]
    fn silence_ends_a_code_where_told_to() {
        let silence = Silence::Ends(Duration::from_millis(2_500));
        let alone = Settings { silence, ..settings(&[]) };
        assert_eq!(
            hear(alone.clone(), &[b"ab", b"cd", b"", b"e\r"]),
            ["abcd 1-2", "a frame was cut off after 2 bytes"]
        );
        assert_eq!(
            hear(alone, &[&[b'x'; 11], b"", b"ab", b""]),
            ["a frame went past 10 bytes without an end", "ab 5-5"]
        );
        let both = Settings { silence, ..settings(&[b"\r"]) };
        assert_eq!(hear(both, &[b"ab\rcd", b"", b"e\r"]), ["ab 1-1", "cd 1-1", "e 5-5"]);
    }

    #[test]
    fn prefixes() {
        let framed = |prefix: &[u8]| Settings { prefix: prefix.to_vec(), ..settings(&[b"\x03"]) };
        let rows: &[(&str, &[u8], &[u8], Words)] = &[
            ("stripped", b"\x02", b"\x02ab\x03", &["ab 1-1"]),
            ("nothing in it", b"\x02", b"\x02\x03", &[]),
            ("noise before it", b"\x02", b"xy\x02ab\x03", &["2 bytes outside any frame", "ab 1-1"]),
            ("missing", b"\x02", b"ab\x03", &["2 bytes outside any frame"]),
            (
                "begun twice",
                b"\x02",
                b"\x02ab\x02cd\x03",
                &["a frame was cut off after 3 bytes", "cd 1-1"],
            ),
            ("text twice is data", b"A", b"A1A2\x03", &["1A2 1-1"]),
        ];
        for (name, prefix, bytes, want) in rows {
            assert_eq!(hear(framed(prefix), &[bytes]), *want, "{name}");
        }
    }

    #[test]
    fn a_line_at_rest_waits_for_nothing() {
        let mut line = Line::new(settings(&[b"\r"]));
        let mut ignore = |_: Found<'_>| {};
        assert_eq!(line.deadline(), None);
        line.receive(Timestamp(5), b"ab", &mut ignore);
        assert_eq!(line.deadline(), Some(Timestamp(2_000_005)));
        line.receive(Timestamp(6), b"\r", &mut ignore);
        assert_eq!(line.deadline(), None);
    }
}
