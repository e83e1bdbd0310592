//! [`Licence`]: a code with line ends in it and a length, put together again behind a framer of lines.
//!
//! Contract: pure. The PDF417 of a North American licence is lines of text, each a thing about a person,
//! and begins with `@`, LF, RS, CR. Where a device ends codes with CR or LF, it would come as so many
//! codes, each of which says who somebody is and looks like any other text. Joined here it is one.
//! What belongs to a licence and cannot be joined is dropped: better no licence than half of one.
//!
//! Source: AAMVA DL/ID Card Design Standard, 2020, Annex D.12. Oddity: the lengths in the header of
//! cards in circulation are often some bytes off, and what exactly a device did with the line ends is
//! not known here. So lengths are taken for about right, and LF stands for every line end.

use std::time::Duration;

use super::Buffer;
use super::line::Found;
use crate::event::{Fault, Timestamp};

/// After this much silence a licence has ended: what is sent as one code has no pauses.
const SILENCE: Duration = Duration::from_millis(500);
/// How many bytes a header may be wrong by.
const SLACK: usize = 32;
/// No PDF417 holds more.
const LIMIT: usize = 4096;
/// D.12.3, and what one state has in its place.
const FILE_TYPES: [&[u8]; 2] = [b"ANSI ", b"AAMVA"];

/// Puts licences together.
#[derive(Debug, Default)]
pub(super) struct Licence {
    state: State,
    held: Buffer,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No licence in sight.
    #[default]
    Apart,
    /// A line was the sign with which licences begin.
    Begun,
    /// In one that ends after about so many bytes.
    Within(usize),
    /// One has been told; lines of it may follow, of so many bytes at most.
    Behind(usize),
    /// One was damaged, and that has been told; the rest of its lines follows, of so many bytes at most.
    Lost(usize),
}

impl Licence {
    /// Takes what a framer of lines has found.
    pub(super) fn hear(&mut self, found: Found<'_>, tell: &mut dyn FnMut(Found<'_>)) {
        let (bytes, first, last) = match found {
            Found::Frame { bytes, first, last } => (bytes, first, last),
            Found::Fault(fault) => return self.fault(fault, tell),
        };
        self.expire(first, tell);
        match self.state {
            State::Apart => match begins(bytes) {
                None => tell(found),
                Some(state) => {
                    self.first = first;
                    self.join(state, bytes, last, tell);
                }
            },
            State::Begun if is_control(bytes) => self.join(State::Begun, bytes, last, tell),
            State::Begun => match header(bytes) {
                Some(total) => self.join(State::Within(total), bytes, last, tell),
                None => self.pass(found, tell),
            },
            State::Within(total) if is_of_licence(bytes) => {
                self.join(State::Within(total), bytes, last, tell);
            }
            State::Within(_) => {
                self.abandon(tell);
                self.hear(found, tell);
            }
            State::Behind(left) | State::Lost(left)
                if is_of_licence(bytes) && bytes.len() < left =>
            {
                if self.state == State::Behind(left) && !is_control(bytes) {
                    tell(Found::Fault(Fault::Noise { bytes: bytes.len() }));
                    self.state = State::Lost(left);
                }
                self.drop(bytes.len() + 1, last);
            }
            State::Behind(_) | State::Lost(_) => self.pass(found, tell),
        }
    }

    /// When silence will have meant something.
    #[must_use]
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        (self.state != State::Apart).then(|| self.last + SILENCE)
    }

    /// Hears the silence, where it has lasted long enough.
    pub(super) fn expire(&mut self, now: Timestamp, tell: &mut dyn FnMut(Found<'_>)) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.state {
            State::Within(total) if self.held.len() + SLACK < total => self.abandon(tell),
            State::Within(_) | State::Begun => self.tell(State::Apart, tell),
            State::Apart | State::Behind(_) | State::Lost(_) => {
                self.become_at(State::Apart, self.last);
            }
        }
    }

    /// The line is gone, and with it the rest of the licence.
    pub(super) fn abandon(&mut self, tell: &mut dyn FnMut(Found<'_>)) {
        match self.state {
            // The sign alone was a code of its own.
            State::Begun => return self.tell(State::Apart, tell),
            State::Within(_) => tell(Found::Fault(Fault::Partial { bytes: self.held.len() })),
            State::Apart | State::Behind(_) | State::Lost(_) => {}
        }
        self.become_at(State::Apart, self.last);
    }

    /// What the framer has to complain of costs the licence that it stands in.
    fn fault(&mut self, fault: Fault, tell: &mut dyn FnMut(Found<'_>)) {
        let held = self.held.len();
        let is_within = matches!(self.state, State::Begun | State::Within(_));
        if is_within {
            self.become_at(State::Lost(self.left()), self.last);
        }
        tell(Found::Fault(match fault {
            Fault::Partial { bytes } if is_within => Fault::Partial { bytes: held + bytes },
            fault => fault,
        }));
    }

    /// Holds a line, and tells the licence where that was its last.
    fn join(
        &mut self,
        state: State,
        line: &[u8],
        last: Timestamp,
        tell: &mut dyn FnMut(Found<'_>),
    ) {
        self.held.extend(line);
        self.held.extend(b"\n");
        self.state = state;
        self.last = last;
        if let State::Within(total) = state
            && self.held.len() >= total.min(LIMIT)
        {
            self.tell(State::Behind(self.left()), tell);
        }
    }

    /// How many bytes of the licence may still come by its header, where that says anything.
    fn left(&self) -> usize {
        match self.state {
            State::Within(total) if total > 0 => {
                (total.min(LIMIT) + SLACK).saturating_sub(self.held.len())
            }
            _ => LIMIT,
        }
    }

    /// Drops a line of the licence.
    fn drop(&mut self, count: usize, last: Timestamp) {
        self.last = last;
        if let State::Behind(left) | State::Lost(left) = &mut self.state {
            *left = left.saturating_sub(count);
        }
    }

    /// A line that belongs to no licence: what was held is told, and then the line.
    fn pass(&mut self, found: Found<'_>, tell: &mut dyn FnMut(Found<'_>)) {
        if self.state == State::Begun {
            self.tell(State::Apart, tell);
        }
        self.become_at(State::Apart, self.last);
        self.hear(found, tell);
    }

    /// Tells what is held, without the last line end.
    fn tell(&mut self, then: State, tell: &mut dyn FnMut(Found<'_>)) {
        let bytes = self.held.bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        tell(Found::Frame { bytes, first: self.first, last: self.last });
        self.become_at(then, self.last);
    }

    fn become_at(&mut self, state: State, last: Timestamp) {
        self.state = state;
        self.held.clear();
        self.last = last;
    }
}

/// How licences begin: with `@` and controls, perhaps behind an AIM identifier; or where that is lost,
/// with a header that could be nothing else.
fn begins(line: &[u8]) -> Option<State> {
    let code = match line {
        [b']', _, _, code @ ..] => code,
        code => code,
    };
    match code {
        [b'@', controls @ ..] if is_control(controls) => Some(State::Begun),
        _ => {
            let rest = without_controls(code.strip_prefix(b"@").unwrap_or(code));
            let numbers = FILE_TYPES.iter().find_map(|kind| rest.strip_prefix(*kind))?.get(..8)?;
            let total = header(rest).filter(|_| numbers.iter().all(u8::is_ascii_digit))?;
            Some(State::Within(total))
        }
    }
}

fn is_control(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_control)
}

fn without_controls(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !byte.is_ascii_control());
    line.get(start.unwrap_or(line.len())..).unwrap_or_default()
}

/// Whether a line may be one of a licence's. A thing about a person begins with three letters, of which
/// the first is `D`, `P` (on cards of 2000) or `Z` for what a jurisdiction has added (D.12.5); before the
/// first of a part stand the part's two.
fn is_of_licence(line: &[u8]) -> bool {
    let line = without_controls(line);
    let starts = |line: &[u8]| matches!(line, [b'D' | b'P' | b'Z', b'A'..=b'Z', b'A'..=b'Z', ..]);
    let of_part = matches!(line, [b'A'..=b'Z', b'A'..=b'Z', rest @ ..] if starts(rest));
    line.is_empty() || starts(line) || of_part || header(line).is_some()
}

/// Where the licence ends by the header in this line; `None` where there is none. One that is damaged
/// ends at once, and what follows it is dropped.
fn header(line: &[u8]) -> Option<usize> {
    let line = without_controls(line);
    let rest = FILE_TYPES.iter().find_map(|kind| line.strip_prefix(*kind))?;
    Some(total(rest).unwrap_or(0))
}

/// Behind the issuer: the version, from version 02 on that of the jurisdiction, the number of parts,
/// and for each its kind, where it begins and how long it is (D.12.3 and D.12.4).
fn total(rest: &[u8]) -> Option<usize> {
    let (version, rest) = number(rest.get(6..)?, 2)?;
    let rest = if version < 2 { rest } else { number(rest, 2)?.1 };
    let (parts, mut rest) = number(rest, 2)?;
    let mut total = 0;
    for _ in 0..parts {
        let (offset, behind) = number(rest.get(2..)?, 4)?;
        let (length, behind) = number(behind, 4)?;
        total = total.max(offset + length);
        rest = behind;
    }
    Some(total)
}

fn number(bytes: &[u8], digits: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(digits)?;
    let number = number.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + usize::from(digit - b'0'))
    });
    Some((number?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AAMVA 2020, Annex D, with shorter parts: 31 bytes of header and 20 for two designators.
    const LINES: [&str; 6] = [
        "@",
        "\x1e",
        "ANSI 636000100102DL00410030ZV00710008DLDAQT64235789",
        "DCSSAMPLE",
        "DDEN",
        "ZVZVA01",
    ];
    const JOINED: &str = "@\n\x1e\nANSI 636000100102DL00410030ZV00710008DLDAQT64235789\nDCSSAMPLE\n\
                          DDEN\nZVZVA01";

    const OUTSIDE: &str = "4 bytes outside any frame";

    /// What is told of lines that come a millisecond apart; an empty one is a second, `~` damage.
    fn hear(lines: &[&str]) -> Vec<String> {
        let (mut licence, mut said, mut now) = (Licence::default(), Vec::new(), Timestamp(0));
        let mut note = |found: Found<'_>| {
            said.push(match found {
                Found::Frame { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
                Found::Fault(fault) => fault.to_string(),
            });
        };
        for line in lines {
            now = now + Duration::from_millis(if line.is_empty() { 1000 } else { 1 });
            match *line {
                "" => licence.expire(now, &mut note),
                "~" => licence.hear(Found::Fault(Fault::BadByte), &mut note),
                line => {
                    let frame = Found::Frame { bytes: line.as_bytes(), first: now, last: now };
                    licence.hear(frame, &mut note);
                }
            }
        }
        licence.abandon(&mut note);
        said
    }

    /// These lines, and then others.
    fn then<'a>(lines: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [lines, more].concat()
    }

    #[test]
    fn what_looks_like_a_line_of_a_licence_is_lost_only_within_its_length_and_not_unheard() {
        const PARCEL: &str = "DHL12345678901234567890123456789012345";
        for (name, lines, want) in [
            ("too long for it", then(&LINES, &[PARCEL, "next"]), vec![JOINED, PARCEL, "next"]),
            (
                "too long behind another",
                then(&LINES, &["DDD1", "DHL1234567890123456789012345"]),
                vec![JOINED, OUTSIDE, "DHL1234567890123456789012345"],
            ),
            (
                "behind a damaged one",
                then(&LINES[..5], &["~", PARCEL, PARCEL]),
                vec!["a byte came with a parity or framing error", PARCEL],
            ),
        ] {
            assert_eq!(hear(&lines), want, "{name}");
        }
    }

    #[test]
    fn a_licence_is_one_code() {
        for (name, lines, want) in [
            ("every line end a suffix", then(&LINES, &["next"]), vec![JOINED, "next"]),
            ("the same once more", then(&LINES, &LINES), vec![JOINED, JOINED]),
            (
                "only CR is one",
                vec![
                    "@\n\x1e",
                    "ANSI 636000100102DL00410030ZV00710008DLDAQT64235789\nDCSSAMPLE\nDDEN",
                    "ZVZVA01",
                    "next",
                ],
                vec![
                    "@\n\x1e\nANSI 636000100102DL00410030ZV00710008DLDAQT64235789\nDCSSAMPLE\nDDEN\n\
                     ZVZVA01",
                    "next",
                ],
            ),
            (
                "shorter than it says, by little",
                then(&LINES[..5], &["", "next"]),
                vec![JOINED.strip_suffix("\nZVZVA01").unwrap(), "next"],
            ),
            (
                "longer than it says",
                then(&LINES, &["DDD1", "ZVBX", "next"]),
                vec![JOINED, OUTSIDE, "next"],
            ),
            (
                "without a length",
                vec!["]L0@", "\x1e", "ANSI 636000DLDAQT64235789", "DCSSAMPLE", "next"],
                vec!["]L0@\n\x1e\nANSI 636000DLDAQT64235789", "9 bytes outside any frame", "next"],
            ),
        ] {
            assert_eq!(hear(&lines), want, "{name}");
        }
    }

    #[test]
    fn half_a_licence_is_none() {
        const LONG: &str = "ANSI 636000100102DL00410230ZV02710008DLDAQT64235789";
        const CUT: &str = "a frame was cut off after 56 bytes";
        const BAD: &str = "a byte came with a parity or framing error";
        for (name, lines, want) in [
            ("cut off by silence", vec!["@", "\x1e", LONG, "", "next"], vec![CUT, "next"]),
            ("cut off by the line", vec!["@", "\x1e", LONG], vec![CUT]),
            ("cut off by the next code", vec!["@", "\x1e", LONG, "next"], vec![CUT, "next"]),
            (
                "damaged within, the next code good",
                then(&LINES[..4], &["~", "DDEN", "ZVZVA01", "next"]),
                vec![BAD, "next"],
            ),
            (
                "its first line damaged",
                then(&["~"], &[&LINES[1..], &[""]].concat()),
                vec![BAD, "\x1e", JOINED.strip_prefix("@\n\x1e\n").unwrap()],
            ),
            ("its second line damaged", then(&["@", "~"], &LINES[2..]), vec![BAD]),
            (
                "damaged within, and silence",
                then(&LINES[..4], &["~", "", "DDEN"]),
                vec![BAD, "DDEN"],
            ),
        ] {
            assert_eq!(hear(&lines), want, "{name}");
        }
    }

    #[test]
    fn what_only_begins_alike_is_told_as_it_is() {
        for lines in [
            &["@", "next"][..],
            &["@", "\x1e", "next"],
            &["@", "@", "next"],
            &["@"],
            &["]Q1@", "", "next"],
            &["@somebody", "next"],
            &["DAQT64235789", "ANSI standard"],
            &["", "~", "next"],
        ] {
            let told: Vec<String> = hear(lines);
            let want = lines.iter().filter(|line| !line.is_empty());
            let want: Vec<_> = want
                .map(|line| match *line {
                    "~" => Fault::BadByte.to_string(),
                    line => line.to_owned(),
                })
                .collect();
            assert_eq!(told.join("\n"), want.join("\n"), "{lines:?}");
        }
    }
}
