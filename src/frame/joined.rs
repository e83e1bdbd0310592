//! [`Joined`]: codes that are lines of text about somebody, put together again behind a framer of lines.
//!
//! Contract: pure and bounded. A transfer in euros (`BCD`), a Swiss bill (`SPC`) and a vCard are one code
//! each. Where a device ends codes with CR or LF, each would come as so many codes: an account, a name, a
//! telephone number, none of which looks like anything but text. Joined here it is one code, with LF
//! between its lines, the empty ones kept, as places count. What breaks off is one fault: better no code
//! than pieces of one that everybody sees. Any other line passes as it is.
//!
//! Sources: EPC069-12, table 2; Swiss Implementation Guidelines for the QR-bill 2.3, table 7; RFC 6350.
//!
//! Oddity: the last lines of the first two may be absent, so silence ends them.

use std::time::Duration;

use super::Buffer;
use super::line::Found;
use crate::event::{Fault, Timestamp};

/// After this much silence such a code has ended: what is sent as one code has no pauses.
const SILENCE: Duration = Duration::from_millis(500);

/// What a framer of lines has found, with how it ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard<'a> {
    /// A line, perhaps empty.
    Line { bytes: &'a [u8], end: &'a [u8], first: Timestamp, last: Timestamp },
    /// Something that is none.
    Fault(Fault),
}

/// Puts such codes together.
#[derive(Debug)]
pub(super) struct Joined {
    state: State,
    held: Buffer,
    /// How many lines are held.
    lines: usize,
    /// The last line ended in CR, of which LF may be the other half.
    after_cr: bool,
    first: Timestamp,
    last: Timestamp,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No such code in sight.
    Apart,
    /// In one of this kind.
    Within(Kind),
    /// One was lost; the rest of its lines follows, up to silence.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transfer,
    Bill,
    /// With so many that stand in it still open, itself included.
    Contact(usize),
}

/// What a line is to the code that it may be a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// More may come.
    Goes(Kind),
    /// Nothing more comes.
    Ends,
    /// The line before it was a code of its own.
    Never,
    /// The code cannot be one any more.
    Breaks,
}

impl Joined {
    pub(super) fn new(limit: usize) -> Self {
        let (held, at) = (Buffer::default(), Timestamp::default());
        let state = State::Apart;
        Self { state, held, lines: 0, after_cr: false, first: at, last: at, limit }
    }

    /// Takes what the framer has found.
    pub(super) fn hear(&mut self, heard: Heard<'_>, tell: &mut dyn FnMut(Found<'_>)) {
        let (bytes, end, first, last) = match heard {
            Heard::Line { bytes, end, first, last } => (bytes, end, first, last),
            Heard::Fault(fault) => return self.fault(fault, tell),
        };
        self.expire(first, tell);
        match self.state {
            State::Apart => match begins(bytes) {
                Some(kind) => {
                    self.first = first;
                    self.join(kind, bytes, end, last, tell);
                }
                None if bytes.is_empty() => {}
                None => tell(Found::Frame { bytes, first, last }),
            },
            State::Lost => self.last = last,
            State::Within(_) if bytes.is_empty() && end == b"\n" && self.after_cr => {
                self.after_cr = false;
                self.last = last;
            }
            State::Within(kind) => match step(kind, self.lines + 1, trimmed(bytes)) {
                Step::Goes(kind) => self.join(kind, bytes, end, last, tell),
                Step::Ends => {
                    self.join(kind, bytes, end, last, tell);
                    if self.state != State::Lost {
                        self.tell(tell);
                    }
                }
                Step::Never => {
                    self.tell(tell);
                    self.hear(heard, tell);
                }
                Step::Breaks => {
                    self.hold(bytes, last);
                    self.lose(Fault::Partial { bytes: self.held.len() }, tell);
                }
            },
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
            State::Within(kind) if self.lines == 1 || may_end(kind, self.lines) => self.tell(tell),
            _ => self.give_up(tell),
        }
    }

    /// The line is gone, and with it what may have followed.
    pub(super) fn abandon(&mut self, tell: &mut dyn FnMut(Found<'_>)) {
        match self.state {
            State::Within(Kind::Transfer | Kind::Bill) if self.lines == 1 => self.tell(tell),
            _ => self.give_up(tell),
        }
    }

    /// What has come is no whole code.
    fn give_up(&mut self, tell: &mut dyn FnMut(Found<'_>)) {
        if self.state != State::Lost && self.state != State::Apart {
            tell(Found::Fault(Fault::Partial { bytes: self.held.len() }));
        }
        self.reset(State::Apart);
    }

    /// What the framer has to complain of costs the code that it stands in.
    fn fault(&mut self, fault: Fault, tell: &mut dyn FnMut(Found<'_>)) {
        match (self.state, fault) {
            (State::Apart | State::Lost, fault) => tell(Found::Fault(fault)),
            (State::Within(_), Fault::Partial { bytes }) => {
                self.lose(Fault::Partial { bytes: self.held.len() + bytes }, tell);
            }
            (State::Within(_), fault) => self.lose(fault, tell),
        }
    }

    fn lose(&mut self, fault: Fault, tell: &mut dyn FnMut(Found<'_>)) {
        self.reset(State::Lost);
        tell(Found::Fault(fault));
    }

    fn join(
        &mut self,
        kind: Kind,
        line: &[u8],
        end: &[u8],
        last: Timestamp,
        tell: &mut dyn FnMut(Found<'_>),
    ) {
        self.hold(trimmed(line), last);
        self.state = State::Within(kind);
        self.lines += 1;
        self.after_cr = end == b"\r";
        if self.held.len() > self.limit {
            self.lose(Fault::Overlong { limit: self.limit }, tell);
        }
    }

    fn hold(&mut self, line: &[u8], last: Timestamp) {
        if !self.held.is_empty() {
            self.held.extend(b"\n");
        }
        self.held.extend(line);
        self.last = last;
    }

    /// Tells what is held as one code.
    fn tell(&mut self, tell: &mut dyn FnMut(Found<'_>)) {
        let bytes = self.held.bytes().trim_ascii_end();
        tell(Found::Frame { bytes, first: self.first, last: self.last });
        self.reset(State::Apart);
    }

    fn reset(&mut self, state: State) {
        self.state = state;
        self.held.clear();
        self.lines = 0;
        self.after_cr = false;
    }
}

/// A line without the half of a line end that was no suffix.
fn trimmed(line: &[u8]) -> &[u8] {
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let line = line.strip_prefix(b"\n").unwrap_or(line);
    let ends = line.iter().rev().take_while(is_end).count();
    line.get(..line.len() - ends).unwrap_or(line)
}

/// The kind of code that this line is the first of.
fn begins(line: &[u8]) -> Option<Kind> {
    // Asked of every code: few end in one of these.
    if !matches!(line.last(), Some(b'D' | b'd' | b'C' | b'\r')) {
        return None;
    }
    let line = trimmed(line);
    let is_after_identifiers = |word: &[u8], fits: fn(&[u8], &[u8]) -> bool| {
        let (before, code) = line.split_at_checked(line.len().checked_sub(word.len())?)?;
        // An AIM identifier, a code id, or both in either order.
        let may_stand_before =
            matches!(before, [] | [_] | [b']', _, _] | [b']', _, _, _] | [_, b']', _, _]);
        (may_stand_before && fits(code, word)).then_some(())
    };
    let same = |code: &[u8], word: &[u8]| code == word;
    if is_after_identifiers(b"BEGIN:VCARD", <[u8]>::eq_ignore_ascii_case).is_some() {
        Some(Kind::Contact(1))
    } else if is_after_identifiers(b"BCD", same).is_some() {
        Some(Kind::Transfer)
    } else {
        is_after_identifiers(b"SPC", same).map(|()| Kind::Bill)
    }
}

/// What a line at this place, from 1, is to a code.
fn step(kind: Kind, place: usize, line: &[u8]) -> Step {
    match (kind, place) {
        (Kind::Transfer, 2) if !matches!(line, b"001" | b"002") => Step::Never,
        (Kind::Bill, 2) if !matches!(line, [b'0', b'2', _, _]) => Step::Never,
        (Kind::Transfer, 4) if line != b"SCT" => Step::Breaks,
        (Kind::Bill, 3) if line != b"1" => Step::Breaks,
        (Kind::Bill, 31) if line != b"EPD" => Step::Breaks,
        (Kind::Transfer, 12) | (Kind::Bill, 34) => Step::Ends,
        (Kind::Contact(1), _) if line.eq_ignore_ascii_case(b"END:VCARD") => Step::Ends,
        (Kind::Contact(open), _) if line.eq_ignore_ascii_case(b"END:VCARD") => {
            Step::Goes(Kind::Contact(open.saturating_sub(1)))
        }
        (Kind::Contact(open), _) if line.eq_ignore_ascii_case(b"BEGIN:VCARD") => {
            Step::Goes(Kind::Contact(open.saturating_add(1)))
        }
        (kind, _) => Step::Goes(kind),
    }
}

/// Whether nothing has to follow so many lines. A vCard says itself where it ends.
fn may_end(kind: Kind, lines: usize) -> bool {
    match kind {
        // Up to the account.
        Kind::Transfer => lines >= 7,
        Kind::Bill => lines >= 31,
        Kind::Contact(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::{Line, Settings, Silence};
    use super::*;

    const TRANSFER: &str =
        "BCD\n002\n1\nSCT\n\nCorner Shop\nDE89370400440532013000\nEUR12.5\n\n\nsecret";
    const CONTACT: &str = "BEGIN:VCARD\nVERSION:3.0\nN:Doe;Jane\n\nTEL:+1\nEND:VCARD";

    fn bill() -> String {
        let mut lines = vec!["x"; 31];
        lines[..4].copy_from_slice(&["SPC", "0200", "1", "CH4431999123000889012"]);
        lines[11..18].fill("");
        lines[30] = "EPD";
        lines.join("\n")
    }

    /// What is told of reads that come a millisecond apart; an empty one is three seconds, `~` damage.
    fn hear(suffixes: &[&str], reads: &[&str]) -> Vec<String> {
        let mut line = Line::new(Settings {
            suffixes: suffixes.iter().map(|suffix| suffix.as_bytes().to_vec()).collect(),
            prefix: Vec::new(),
            silence: Silence::Cuts(Duration::from_secs(2)),
            limit: 300,
        });
        let (mut said, mut now) = (Vec::new(), Timestamp(0));
        let mut note = |found: Found<'_>| {
            said.push(match found {
                Found::Frame { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
                Found::Fault(fault) => fault.to_string(),
            });
        };
        for read in reads {
            now = now + Duration::from_millis(if read.is_empty() { 3000 } else { 1 });
            match *read {
                "" => {
                    while let Some(deadline) = line.deadline().filter(|deadline| *deadline <= now) {
                        line.expire(deadline, &mut note);
                    }
                }
                "~" => line.damage(now, Fault::BadByte, &mut note),
                read => line.receive(now, read.as_bytes(), &mut note),
            }
        }
        line.abandon(&mut note);
        said
    }

    #[test]
    fn a_private_code_of_many_lines_is_one_code_whatever_ends_its_lines() {
        for code in [TRANSFER, CONTACT, &bill()] {
            for (suffixes, end) in [
                (&["\r", "\n"][..], "\r\n"),
                (&["\r", "\n"], "\n"),
                (&["\r", "\n"], "\r"),
                (&["\r\n"], "\r\n"),
                (&["\n"], "\r\n"),
            ] {
                let sent = format!("{}{end}", code.replace('\n', end));
                let name = format!("{suffixes:?} {sent:?}");
                assert_eq!(hear(suffixes, &[&sent, "", "next\r\n"])[0], code, "{name}");
                // Byte by byte, with identifiers before it.
                let sent = format!("]Q1{sent}");
                let mut reads: Vec<&str> = sent.split_inclusive(|_| true).collect();
                reads.extend(["", "next\r\n"]);
                let said = hear(suffixes, &reads);
                assert_eq!((said.len(), &said[0]), (2, &format!("]Q1{code}")), "{name}");
            }
        }
    }

    #[test]
    fn a_code_that_ends_itself_is_told_at_once() {
        let whole = format!("{TRANSFER}\ninformation");
        let contact = CONTACT.replace("TEL", "AGENT:\nBEGIN:VCARD\nEND:VCARD\nTEL");
        for code in [whole.as_str(), &contact] {
            let sent = format!("{}\r\nnext\r\n", code.replace('\n', "\r\n"));
            assert_eq!(hear(&["\r", "\n"], &[&sent]), [code, "next"]);
        }
    }

    #[test]
    fn what_breaks_off_is_one_fault_and_no_code() {
        const BAD: &str = "a byte came with a parity or framing error";
        let bill = bill();
        for (name, reads, want) in [
            (
                "a transfer",
                vec!["BCD\n002\n1\nSCT\n\nJane Doe\n", "", "next\n"],
                vec!["a frame was cut off after 23 bytes", "next"],
            ),
            (
                "a transfer in the middle of a line",
                vec!["BCD\n002\n1\nSCT\n\nJane", "", "next\n"],
                vec!["a frame was cut off after 18 bytes", "next"],
            ),
            (
                "another kind of transfer",
                vec!["BCD\n002\n1\nINST\n\nJane Doe\n", "", "next\n"],
                vec!["a frame was cut off after 14 bytes", "next"],
            ),
            (
                "a bill",
                vec![bill.strip_suffix("EPD").unwrap(), "", "next\n"],
                vec!["a frame was cut off after 77 bytes", "next"],
            ),
            (
                "a contact, by the line",
                vec!["BEGIN:VCARD\nN:Doe\n"],
                vec!["a frame was cut off after 17 bytes"],
            ),
            (
                "damage",
                vec!["BEGIN:VCARD\nN:D", "~", "oe\nTEL:+1\nEND:VCARD\n", "", "next\n"],
                vec![BAD, "next"],
            ),
        ] {
            assert_eq!(hear(&["\r", "\n"], &reads), want, "{name}");
        }
        let long = format!("BEGIN:VCARD\n{}END:VCARD\n", "NOTE:somebody\n".repeat(30));
        let want = ["a frame went past 300 bytes without an end", "next"];
        assert_eq!(hear(&["\n"], &[&long, "", "next\n"]), want);
    }

    #[test]
    fn what_only_begins_alike_is_told_as_it_is() {
        for codes in [
            &["BCD", "next"][..],
            &["BCD"],
            &["ABCD", "BCD", "SPC", "0301"],
            &["]C0SPC", "4006381333931"],
            &["BEGIN:VCARDS", "D", "C", "xBCDx", "abcdeBCD"],
        ] {
            let sent = format!("{}\r\n", codes.join("\r\n"));
            assert_eq!(hear(&["\r", "\n"], &[&sent]), codes);
            assert_eq!(hear(&["\r", "\n"], &[&sent, ""]), codes);
        }
    }
}
