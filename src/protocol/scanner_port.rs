//! A terminal's socket for a code reader: it takes codes as the reader would send them.
//!
//! Source: what terminals with such a socket have in common, which is that of the code readers they were
//! sold with; `protocol-docs/scanner-port.md` names what is known.
//!
//! Oddities: most terminals say nothing back, so that a code has been passed on when its last byte has left.
//! Some answer with a byte or a word, which their profile names. No answer says to which code it is: all that
//! can be known is that they come in the order of the codes. So a terminal that has not answered in time owes one,
//! and what comes next is that one, and not the next code's, until it has been owed for too long. A code that is
//! without an answer only for that reason makes it owe nothing for longer.
//!
//! Absent: the commands that a terminal may send to a code reader. They are told as noise.

use std::time::Duration;

use crate::event::{Failure, Fault, Refusal, Request, Timestamp};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, RequestId, Token,
};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "scanner-port",
    title: "sockets of terminals that take codes as a code reader sends them",
    kind: Kind::Terminal,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// What stands around a code on its way to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// A carriage return ends it.
    LineCr,
    /// A line feed ends it.
    LineLf,
    /// Both end it.
    LineCrLf,
    /// It stands between STX and ETX.
    StxEtx,
    /// Nothing: the terminal goes by silence, or by the length.
    Raw,
}

impl Envelope {
    /// All of them, with the words of the configuration.
    pub const ALL: [(&'static str, Self); 5] = [
        ("line-cr", Self::LineCr),
        ("line-lf", Self::LineLf),
        ("line-crlf", Self::LineCrLf),
        ("stx-etx", Self::StxEtx),
        ("raw", Self::Raw),
    ];

    /// The code as the terminal expects it, with `prefix` before it; nothing where the code holds a byte by
    /// which the terminal would take it for more than one.
    #[must_use]
    pub fn wrap(self, prefix: &[u8], code: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (before, after): (&[u8], &[u8]) = match self {
            Self::LineCr => (b"", b"\r"),
            Self::LineLf => (b"", b"\n"),
            Self::LineCrLf => (b"", b"\r\n"),
            Self::StxEtx => (b"\x02", b"\x03"),
            Self::Raw => (b"", b""),
        };
        let marks = |byte: &u8| before.contains(byte) || after.contains(byte);
        if code.is_empty() || code.iter().any(marks) {
            return None;
        }
        let parts = [before, prefix, code, after];
        let mut whole = Secret::with_room(parts.iter().map(|part| part.len()).sum());
        // There is room for all of it.
        parts.into_iter().try_for_each(|part| whole.append(part)).ok()?;
        Some(whole)
    }
}

/// How long a terminal may take to answer, where nothing is configured.
const REPLY_MS: u32 = 2000;
/// A code that has not left by then is stuck behind flow control, and the session has said so.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// How late an answer may be behind its time; where `reply-ms` is longer, as late as that. One that has not
/// come by then is not waited for: a terminal that was switched off owes nothing.
const OWED_FOR: Duration = Duration::from_secs(30);
/// What the terminal says unasked is over after this much silence.
const NOISE_ENDS: Duration = Duration::from_millis(500);

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let ack = answer(section, "ack")?;
    let nak = answer(section, "nak")?;
    let reply = section.integer("reply-ms", 10..=60_000)?;
    if ack.is_none() && (nak.is_some() || reply.is_some()) {
        let key = if nak.is_some() { "nak" } else { "reply-ms" };
        let message = format!(
            "`{key}` stands without `ack`, and without that no answer is waited for; accepted is \
             both, or neither"
        );
        return Err(section.error(key, message));
    }
    if ack.is_some() && ack == nak {
        return Err(section.error("nak", "`nak` is the same as `ack`; accepted is another answer"));
    }
    let answers = ack.map(|ack| Answers {
        ack,
        nak,
        within: Duration::from_millis(reply.unwrap_or(REPLY_MS).into()),
    });
    Ok(Configured::new(&["pass"], move || Box::new(ScannerPort::new(answers.clone()))))
}

fn answer(section: &Section<'_>, key: &'static str) -> Result<Option<Vec<u8>>, Error> {
    let answer = section.bytes(key)?;
    if answer.as_ref().is_some_and(Vec::is_empty) {
        let message = format!("`{key}` is empty; accepted is at least one byte");
        return Err(section.error(key, message));
    }
    Ok(answer)
}

/// What the terminal says to a code.
#[derive(Clone, Debug)]
struct Answers {
    ack: Vec<u8>,
    nak: Option<Vec<u8>>,
    within: Duration,
}

impl Answers {
    /// What these bytes are, where they are one of the answers: how many of them, and which.
    fn read(&self, bytes: &[u8]) -> Option<(usize, Result<(), Failure>)> {
        if bytes.starts_with(&self.ack) {
            return Some((self.ack.len(), Ok(())));
        }
        let nak = self.nak.as_ref().filter(|nak| bytes.starts_with(nak))?;
        Some((nak.len(), Err(Failure::Refused)))
    }

    /// Whether these bytes may become one of the answers.
    fn begins(&self, bytes: &[u8]) -> bool {
        let mut answers = std::iter::once(&self.ack).chain(&self.nak);
        answers.any(|answer| answer.starts_with(bytes))
    }
}

/// One conversation.
struct ScannerPort {
    answers: Option<Answers>,
    /// The code that is on its way.
    passing: Option<Passing>,
    /// How many earlier codes the terminal has not answered.
    owed: usize,
    /// Until when it may.
    owed_until: Option<Timestamp>,
    /// What may become an answer.
    heard: Vec<u8>,
    /// How many bytes have come that nobody waits for, and until when more of them are the same.
    noise: Option<(usize, Timestamp)>,
    token: Token,
}

struct Passing {
    id: RequestId,
    until: Timestamp,
    /// Until when that was owed which has come meanwhile, and was taken for an earlier code's answer.
    owed_until: Option<Timestamp>,
}

impl ScannerPort {
    fn new(answers: Option<Answers>) -> Self {
        let (owed, owed_until, heard) = (0, None, Vec::new());
        Self { answers, passing: None, owed, owed_until, heard, noise: None, token: Token(0) }
    }

    fn end(&mut self, result: Result<(), Failure>, out: &mut Output) {
        self.heard.clear();
        if let Some(passing) = self.passing.take() {
            out.push(Item::Answer(passing.id, result));
        }
    }

    /// Hears bytes of which some may be the answer, and tells of the others.
    fn hear(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        let Some(answers) = self.answers.clone() else { return self.strange(now, bytes.len()) };
        let mut strange = 0;
        for byte in bytes {
            if self.passing.is_none() && self.owed == 0 {
                strange += 1;
                continue;
            }
            self.heard.push(*byte);
            while !answers.begins(&self.heard) {
                self.heard.remove(0);
                strange += 1;
            }
            match answers.read(&self.heard) {
                None => {}
                Some((length, _)) if self.owed > 0 => {
                    // To an earlier code, of which it has been told that nobody knows.
                    self.heard.clear();
                    self.owed -= 1;
                    if let Some(passing) = &mut self.passing {
                        passing.owed_until = self.owed_until;
                    }
                    self.owed_until = self.owed_until.filter(|_| self.owed > 0);
                    strange += length;
                }
                Some((_, result)) => self.end(result, out),
            }
        }
        self.strange(now, strange);
    }

    /// The terminal has not answered in time, and may yet. Where an answer was taken for an earlier code's, one
    /// of the two codes has got it: the same one answer is owed, and no longer than it was before. It would else
    /// be owed for ever by a terminal that is busy.
    fn owe(&mut self, now: Timestamp, before: Option<Timestamp>) {
        if let Some(answers) = &self.answers {
            self.owed += 1;
            let until = before.unwrap_or(now + OWED_FOR.max(answers.within));
            self.owed_until = self.owed_until.max(Some(until));
        }
    }

    /// What it has not answered by now it does not answer any more.
    fn forgive(&mut self, out: &mut Output) {
        (self.owed, self.owed_until) = (0, None);
        if self.passing.is_none() {
            self.forget(out);
        }
    }

    fn strange(&mut self, now: Timestamp, bytes: usize) {
        if bytes > 0 {
            let before = self.noise.map_or(0, |(before, _)| before);
            self.noise = Some((before + bytes, now + NOISE_ENDS));
        }
    }

    fn tell_noise(&mut self, out: &mut Output) {
        if let Some((bytes, _)) = self.noise.take() {
            out.fault(Fault::Noise { bytes });
        }
    }

    /// Tells of what might have become an answer.
    fn forget(&mut self, out: &mut Output) {
        if !self.heard.is_empty() {
            out.fault(Fault::Partial { bytes: self.heard.len() });
            self.heard.clear();
        }
    }
}

impl Protocol for ScannerPort {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Bytes(bytes) => self.hear(now, bytes, out),
            Input::BadByte(_) => {
                self.forget(out);
                out.fault(Fault::BadByte);
            }
            Input::Break => {
                self.forget(out);
                out.fault(Fault::Break);
            }
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let Request::Pass(code) = request else { return Err(Refusal::Unsupported) };
        if self.passing.is_some() {
            return Err(Refusal::Busy);
        }
        if code.is_empty() {
            return Err(Refusal::Unfit("there is nothing to pass on"));
        }
        self.token = Token(self.token.0.wrapping_add(1));
        self.passing = Some(Passing { id, until: now + SENT_WITHIN, owed_until: None });
        out.push(Item::Write(code.expose().to_vec(), Some(self.token)));
        Ok(())
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        if token != self.token {
            return;
        }
        match (&self.answers, &mut self.passing) {
            (Some(answers), Some(passing)) => passing.until = now + answers.within,
            _ => self.end(Ok(()), out),
        }
    }

    fn unsent(&mut self, _now: Timestamp, token: Token, out: &mut Output) {
        if token == self.token {
            self.end(Err(Failure::Unsent), out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let passing = self.passing.as_ref().map(|passing| passing.until);
        [passing, self.noise.map(|(_, until)| until), self.owed_until].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if self.noise.is_some_and(|(_, until)| until <= now) {
            self.tell_noise(out);
        }
        let late = self.passing.as_ref().filter(|passing| passing.until <= now);
        if let Some(before) = late.map(|passing| passing.owed_until) {
            self.forget(out);
            out.fault(Fault::NoReply);
            self.end(Err(Failure::NoReply), out);
            self.owe(now, before);
        }
        if self.owed_until.is_some_and(|until| until <= now) {
            self.forgive(out);
        }
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        self.forget(out);
        self.tell_noise(out);
        self.end(Err(Failure::Gone), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn configured(options: &str) -> Result<Box<dyn Protocol>, String> {
        let file = File { name: "p".to_owned(), text: options.to_owned() };
        let document = file.parse().unwrap();
        let configured = configure(&document.root()).map_err(|error| error.to_string())?;
        Ok((configured.factory)())
    }

    fn items(out: &mut Output) -> Vec<Item> {
        std::iter::from_fn(|| out.pop()).collect()
    }

    /// Its name, what the terminal says, and what is said of it.
    type Answered<'a> = (&'a str, &'a [&'a [u8]], Vec<Item>);
    /// The word, the prefix, the code, and what is sent.
    type Wrapped<'a> = (&'a str, &'a [u8], &'a [u8], Option<&'a [u8]>);

    #[test]
    fn a_code_has_been_passed_on_when_the_terminal_says_so() {
        let noise = |bytes| Item::Fault(Fault::Noise { bytes });
        let answer = |result| Item::Answer(RequestId(1), result);
        let rows: [Answered<'_>; 7] = [
            ("acknowledged", &[b"\x06"], vec![answer(Ok(()))]),
            ("refused", &[b"\x15"], vec![answer(Err(Failure::Refused))]),
            ("a word in pieces", &[b"O", b"K"], vec![answer(Ok(()))]),
            ("a word begun anew", &[b"OO", b"K"], vec![answer(Ok(())), noise(1)]),
            ("other bytes first", &[b"xy\x06"], vec![answer(Ok(())), noise(2)]),
            ("other bytes behind", &[b"\x06xy"], vec![answer(Ok(())), noise(2)]),
            ("other bytes alone", &[b"xy"], vec![noise(2)]),
        ];
        for (name, pieces, want) in rows {
            let ack = if name.contains("word") { "OK" } else { "ACK" };
            let options = format!("ack = \"{ack}\"\nnak = \"NAK\"");
            let mut port = configured(&options).unwrap();
            let mut out = Output::default();
            let request = Request::Pass(Secret::copy_of(b"135\r".as_slice()));
            port.request(Timestamp(0), RequestId(1), request, &mut out).unwrap();
            assert_eq!(items(&mut out), [Item::Write(b"135\r".to_vec(), Some(Token(1)))]);
            port.sent(Timestamp(1), Token(1), &mut out);
            assert!(out.is_empty(), "{name}: only its answer tells");
            for piece in pieces {
                port.receive(Timestamp(2), Input::Bytes(piece), &mut out);
            }
            while let Some(deadline) = port.deadline().filter(|at| *at < Timestamp(1_000_000)) {
                port.timeout(deadline, &mut out);
            }
            assert_eq!(items(&mut out), want, "{name}");
        }
    }

    #[test]
    fn an_answer_that_comes_late_is_not_the_next_codes() {
        const SECOND: u64 = 1_000_000;
        /// What the terminal says, and when; the second code is sent after five seconds.
        type Row<'a> = (&'a str, &'a [(u64, &'a [u8])], Result<(), Failure>);
        let rows: [Row<'_>; 8] = [
            (
                "the late one before the next code",
                &[(4, b"\x06"), (6, b"\x15")],
                Err(Failure::Refused),
            ),
            ("the late one behind it, and its own", &[(6, b"\x06\x15")], Err(Failure::Refused)),
            ("a late refusal, and its own", &[(6, b"\x15"), (6, b"\x06")], Ok(())),
            ("one, of which nobody knows to which", &[(6, b"\x06")], Err(Failure::NoReply)),
            ("none at all", &[], Err(Failure::NoReply)),
            ("one in the last moment", &[(31, b"\x06"), (32, b"\x06")], Ok(())),
            ("one that has been owed for too long", &[(33, b"\x06")], Ok(())),
            ("more than are owed", &[(4, b"\x06\x06"), (6, b"\x06")], Ok(())),
        ];
        for (name, said, want) in rows {
            let mut port = configured("ack = \"ACK\"\nnak = \"NAK\"").unwrap();
            let mut out = Output::default();
            let mut ends = Vec::new();
            let next = if said.iter().any(|(at, _)| *at > 30) { 32 } else { 5 };
            for at in 0..40 {
                let now = Timestamp(at * SECOND);
                while port.deadline().is_some_and(|deadline| deadline <= now) {
                    port.timeout(now, &mut out);
                }
                let sent = [(0, 0), (next, 1)].into_iter().find(|(sent, _)| *sent == at);
                if let Some((_, id)) = sent {
                    let code = Request::Pass(Secret::copy_of(b"135\r".as_slice()));
                    port.request(now, RequestId(id.into()), code, &mut out).unwrap();
                    port.sent(now, Token(id + 1), &mut out);
                }
                for (_, bytes) in said.iter().filter(|(said, _)| *said == at) {
                    port.receive(now + Duration::from_millis(1), Input::Bytes(bytes), &mut out);
                }
                let answers = items(&mut out).into_iter().filter_map(|item| match item {
                    Item::Answer(id, result) => Some((id.0, result)),
                    _ => None,
                });
                ends.extend(answers);
            }
            assert_eq!(ends, [(0, Err(Failure::NoReply)), (1, want)], "{name}");
            assert_eq!(port.deadline(), None, "{name}: it rests");
        }
    }

    #[test]
    fn one_answer_that_never_comes_is_not_owed_for_ever_by_a_terminal_that_is_busy() {
        const SECOND: u64 = 1_000_000;
        /// Which of ten codes the terminal does not answer, and which of them are unclear.
        type Row<'a> = (&'a str, &'a [u64], &'a [u64]);
        let rows: [Row<'_>; 4] = [
            ("none", &[], &[]),
            ("the first", &[0], &[0, 1, 2, 3]),
            ("the last", &[9], &[9]),
            ("one, and another later", &[0, 5], &[0, 1, 2, 3, 5, 6, 7, 8]),
        ];
        for (name, silent, want) in rows {
            let mut port = configured("ack = \"ACK\"").unwrap();
            let mut out = Output::default();
            let mut unclear = Vec::new();
            for at in 0..140 {
                let now = Timestamp(at * SECOND);
                while port.deadline().is_some_and(|deadline| deadline <= now) {
                    port.timeout(now, &mut out);
                }
                // A code every ten seconds.
                let number = at / 10;
                if at % 10 == 0 && number < 10 {
                    let code = Request::Pass(Secret::copy_of(b"135\r".as_slice()));
                    port.request(now, RequestId(number), code, &mut out).unwrap();
                    port.sent(now, Token(u32::try_from(number).unwrap() + 1), &mut out);
                    if !silent.contains(&number) {
                        port.receive(now, Input::Bytes(b"\x06"), &mut out);
                    }
                }
                for item in items(&mut out) {
                    if let Item::Answer(id, Err(Failure::NoReply)) = item {
                        unclear.push(id.0);
                    }
                }
            }
            assert_eq!(unclear, want, "{name}");
            assert_eq!(port.deadline(), None, "{name}: it rests");
        }
    }

    #[test]
    fn without_answers_it_has_been_passed_on_when_it_has_left() {
        for (name, want) in [
            ("sent", Ok(())),
            ("nothing of it sent", Err(Failure::Unsent)),
            ("the line is lost", Err(Failure::Gone)),
            ("stuck", Err(Failure::NoReply)),
        ] {
            let mut port = configured("").unwrap();
            let mut out = Output::default();
            let request = Request::Pass(Secret::copy_of(b"135\r".as_slice()));
            port.request(Timestamp(0), RequestId(7), request, &mut out).unwrap();
            out.pop();
            match want {
                Ok(()) => port.sent(Timestamp(1), Token(1), &mut out),
                Err(Failure::Unsent) => port.unsent(Timestamp(1), Token(1), &mut out),
                Err(Failure::Gone) => port.closed(Timestamp(1), &mut out),
                Err(_) => port.timeout(port.deadline().unwrap(), &mut out),
            }
            assert_eq!(items(&mut out).pop(), Some(Item::Answer(RequestId(7), want)), "{name}");
            assert_eq!(port.deadline(), None, "{name}");
        }
    }

    #[test]
    fn codes_are_wrapped_as_the_terminal_expects_them() {
        let rows: [Wrapped<'_>; 8] = [
            ("line-cr", b"", b"135", Some(b"135\r")),
            ("line-lf", b"", b"135", Some(b"135\n")),
            ("line-crlf", b"]Q1", b"135", Some(b"]Q1135\r\n")),
            ("stx-etx", b"", b"135", Some(b"\x02135\x03")),
            ("raw", b"", b"1\r3", Some(b"1\r3")),
            ("line-cr", b"", b"1\r3", None),
            ("stx-etx", b"", b"1\x023", None),
            ("raw", b"x", b"", None),
        ];
        for (word, prefix, code, want) in rows {
            let (_, envelope) =
                Envelope::ALL.into_iter().find(|(known, _)| *known == word).unwrap();
            let wrapped = envelope.wrap(prefix, code);
            assert_eq!(wrapped.as_ref().map(Secret::expose), want, "{word} {code:?}");
        }
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for (options, word) in [
            ("nak = \"NAK\"", "`nak` stands without `ack`"),
            ("reply-ms = 100", "`reply-ms` stands without `ack`"),
            ("ack = \"ACK\"\nnak = \"0x06\"", "the same as `ack`"),
            ("ack = \"\"", "`ack`"),
        ] {
            let error = configured(options).map(drop).unwrap_err();
            assert!(error.contains(word), "{options}: {error}");
        }
    }
}
