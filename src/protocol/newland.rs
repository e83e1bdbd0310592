//! Scanners and engines of Newland Auto-ID (NLS FM, EM, HR and others) on a serial line: codes as lines,
//! and programming commands with replies.
//!
//! Source: the user manuals of the NLS-HR52 and NLS-HR20-BT for the frames, their statuses and an example
//! of both; public projects for the commands. `protocol-docs/newland.md` names them.
//!
//! Oddities: replies come among the codes and end in `;` ETX, not in a line end. A reply is the command
//! again, STX in the place of `~`, with a status behind each of its parts; it is known by that. Which
//! letters the scanner uses as code ids is a list in manuals that were not available and can be changed
//! in the scanner, so they are configured (`code-ids`) and none is assumed.
//!
//! Absent: everything is sent with `#`, which the scanner forgets when it loses its power; nothing is
//! sent at opening unless `setup` says so. Queries are not sent.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Fault, Refusal, Request, Symbology, Timestamp, Verdict};
use crate::frame::{Mixture, Sieve, Weight};
use crate::protocol::line_scanner::{
    CodeIdTable, CodeIds, Command, Commands, LineScanner, Options, Place, sift,
};
use crate::protocol::{
    Carrier, Configured, Info, Input, Kind, Opening, Output, Protocol, RequestId, Token,
};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "newland",
    title: "Newland scanners, with trigger and switch",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// What a command begins with: not to be kept over a loss of power.
const COMMAND: &[u8] = b"~\x010000#";
/// What a reply begins with, up to the storage type.
const REPLY: &[u8] = b"\x02\x010000";
/// Storage types.
const LASTING: u8 = b'@';
const VOLATILE: u8 = b'#';
/// What both end in.
const END: &[u8] = b";\x03";

/// Statuses: done, no such value, no such tag.
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const ENQ: u8 = 0x05;

/// A tag and a subtag.
const KEY: usize = 6;
/// No reply to what is sent here has more.
const LONGEST: usize = 2_048;

/// How long the scanner may take to answer. Undocumented; the vendor's samples wait for 200 ms.
const PATIENCE: Duration = Duration::from_secs(1);

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let setup = setup(section)?;
    let beeps = section.word("indicate", &[("off", false), ("beep", true)])?.unwrap_or(false);
    let mut options = Options::read(section)?.refusing(is_scrap);
    if let Some(table) = code_ids(section)? {
        options = options.with_code_ids(CodeIds { place: Place::First, table });
    }
    let abilities: &[&str] =
        if beeps { &["trigger", "enable", "indicate"] } else { &["trigger", "enable"] };
    Ok(Configured::new(abilities, move || {
        Box::new(Newland {
            sieve: Sieve::default(),
            talk: Talk { codes: LineScanner::new(&options), commands: Commands::new(PATIENCE) },
            beeps,
            setup: Arc::clone(&setup),
        })
    }))
}

/// The programming commands for the opening.
fn setup(section: &Section<'_>) -> Result<Arc<[Vec<u8>]>, Error> {
    let commands = section.strings("setup")?.unwrap_or_default();
    let fits = |text: &&str| {
        text.len() >= KEY
            && text.bytes().take(KEY).all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b";@#*&^".contains(&byte))
    };
    if let Some(wrong) = commands.iter().find(|text| !fits(text)) {
        return Err(section.error(
            "setup",
            format!(
                "found {wrong:?} in `setup`; accepted is a tag, a subtag and a value in capitals, as in \
                 \"SCNMOD3\", without a query and without what is before and behind it"
            ),
        ));
    }
    Ok(commands.into_iter().map(|text| text.as_bytes().to_vec()).collect())
}

/// The code ids, each a character, a space and a symbology.
fn code_ids(section: &Section<'_>) -> Result<Option<CodeIdTable>, Error> {
    let Some(entries) = section.strings("code-ids")? else { return Ok(None) };
    let read = |entry: &str| {
        let (id, word) = entry.split_once(' ')?;
        let &[id] = id.as_bytes() else { return None };
        let known = |symbology: &&Symbology| symbology.word() == word.trim();
        let symbology = Symbology::ALL.iter().find(known)?;
        id.is_ascii_graphic().then_some((id, *symbology))
    };
    let wrong = |entry: &str| {
        section.error(
            "code-ids",
            format!(
                "found {entry:?} in `code-ids`; accepted is a character and a symbology, as in \
                 \"d ean-13\""
            ),
        )
    };
    entries
        .into_iter()
        .map(|entry| read(entry).ok_or_else(|| wrong(entry)))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A reply whose beginning was damaged has run into a code.
fn is_scrap(line: &[u8]) -> bool {
    [ACK, NAK, ENQ].iter().any(|status| {
        let end = [&[*status], END].concat();
        memchr::memmem::find(line, &end).is_some()
    })
}

/// One conversation.
struct Newland {
    sieve: Sieve,
    talk: Talk,
    /// Whether it is made to beep.
    beeps: bool,
    setup: Arc<[Vec<u8>]>,
}

/// What is said in it.
struct Talk {
    codes: LineScanner,
    commands: Commands,
}

impl Protocol for Newland {
    fn opened(&mut self, now: Timestamp, opening: Opening, out: &mut Output) {
        if opening == Opening::Fresh {
            let all = self.setup.iter().map(|text| command(text, None));
            self.talk.commands.ask(now, all, out);
        }
    }

    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { sieve, talk, .. } = self;
        sift(sieve, now, input, &mut Ears { talk, out, now });
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let texts: &[&[u8]] = match request {
            Request::Trigger(true) => &[b"SCNTRG1"],
            Request::Trigger(false) => &[b"SCNTRG0"],
            Request::Enable(true) => &[b"SCNENA1"],
            Request::Enable(false) => &[b"SCNENA0"],
            Request::Indicate(verdict) if self.beeps => beeps(verdict),
            _ => return Err(Refusal::Unsupported),
        };
        if self.talk.commands.is_request_open() {
            return Err(Refusal::Busy);
        }
        let all = texts.iter().map(|text| command(text, Some(id)));
        self.talk.commands.ask(now, all, out);
        Ok(())
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        self.talk.commands.sent(now, token);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let Self { sieve, talk, .. } = self;
        let all = [sieve.deadline(), talk.commands.deadline(), talk.codes.deadline()];
        all.into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk, .. } = self;
        sieve.expire(now, &mut Ears { talk, out, now });
        talk.commands.timeout(now, out);
        talk.codes.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk, .. } = self;
        sieve.abandon(&mut Ears { talk, out, now });
        talk.codes.closed(now, out);
        talk.commands.closed(out);
    }
}

fn command(text: &[u8], id: Option<RequestId>) -> Command {
    let key = text.iter().copied().take_while(|byte| *byte != b',').collect();
    Command { bytes: [COMMAND, text, END].concat(), key, id }
}

/// Beeps: four digits of hertz, three of milliseconds, three of loudness up to 20. High for what went
/// well, low and long for what did not.
fn beeps(verdict: Verdict) -> &'static [&'static [u8]] {
    match verdict {
        Verdict::Good => &[b"BEEPON2000F100T020V"],
        Verdict::Bad => &[b"BEEPON0500F600T020V"],
        Verdict::Wait => &[b"BEEPON1000F100T020V"],
        Verdict::Attention => &[b"BEEPON2000F100T020V", b"BEEPON2000F100T020V"],
    }
}

/// Hears codes and replies.
struct Ears<'a> {
    talk: &'a mut Talk,
    out: &'a mut Output,
    now: Timestamp,
}

impl Mixture for Ears<'_> {
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        REPLY.first().and_then(|first| memchr::memchr(*first, bytes))
    }

    fn weigh(&self, head: &[u8]) -> Weight {
        weigh(head)
    }

    fn message(&mut self, message: &[u8], _first: Timestamp, _last: Timestamp) {
        let Self { talk, out, now } = self;
        // One to an earlier command has come too late.
        if let Some(asked) = talk.commands.asked()
            && let Some(reply) = read(message, &asked.key)
        {
            talk.commands.replied(*now, reply, out);
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8]) {
        self.talk.codes.receive(now, Input::Bytes(bytes), self.out);
    }

    fn damaged(&mut self, now: Timestamp, fault: Fault) {
        let is_between_codes = self.talk.codes.deadline().is_none();
        match fault {
            // No code is damaged by the end that the reply lacks.
            Fault::Partial { .. } if is_between_codes => self.out.fault(fault),
            _ => self.talk.codes.damage(now, fault, self.out),
        }
    }
}

/// Weighs bytes that begin with the first byte of a reply.
fn weigh(head: &[u8]) -> Weight {
    match head.strip_prefix(REPLY) {
        None if REPLY.starts_with(head) => Weight::Maybe,
        Some([]) => Weight::Maybe,
        Some([LASTING | VOLATILE, text @ ..]) => match text {
            // It ends in a status and `;` ETX: a value that holds the last two alone is no end.
            [.., ACK | NAK | ENQ, b';', 0x03] => Weight::Whole(head.len()),
            // The next reply begins: this one was cut off.
            [body @ .., 0x02, 0x01] => {
                let bytes = REPLY.len() + 1 + body.len();
                Weight::Damaged(bytes, Fault::Partial { bytes })
            }
            // A line end: no reply has one, so this one was cut off and has run into a code.
            [.., b'\r' | b'\n'] => {
                let bytes = head.len() - 1;
                Weight::Damaged(bytes, Fault::Partial { bytes })
            }
            _ if head.len() > LONGEST => {
                Weight::Damaged(head.len(), Fault::Overlong { limit: LONGEST })
            }
            _ => Weight::Begun,
        },
        // So far it was one, and no code begins like that.
        Some(_) => Weight::Damaged(head.len(), Fault::Malformed { at: REPLY.len() }),
        None => Weight::Code,
    }
}

/// What a whole reply says to the command that begins with this key: done, or the first status that says
/// otherwise. Nothing where it is a reply to another one.
///
/// A value that was taken is echoed; what becomes of one that was not is not documented.
fn read(message: &[u8], key: &[u8]) -> Option<Result<(), u8>> {
    let text = message.strip_prefix(REPLY)?.get(1..)?;
    let tags = key.get(..KEY).unwrap_or(key);
    match text.iter().find(|byte| matches!(**byte, NAK | ENQ)) {
        Some(status) => text.starts_with(tags).then_some(Err(*status)),
        None => text.starts_with(key).then_some(Ok(())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_replies_of_the_manuals() {
        // NLS-HR52 user manual, "Programming with Serial Commands": a data format is added. The bytes
        // as printed; the text beside them is another.
        let text = b"DFMADD069990039999F141";
        let sent = [b"~\x010000@", &text[..], END].concat();
        let enter = "7E 01 30 30 30 30 40 44 46 4D 41 44 44 30 36 39 39 39 30 30 33 39 39 39 39 46 31 \
                     34 31 3B 03";
        assert_eq!(hex(&sent), enter);
        let reply = [REPLY, b"@", text, &[ACK], END].concat();
        let response = "02 01 30 30 30 30 40 44 46 4D 41 44 44 30 36 39 39 39 30 30 33 39 39 39 39 46 \
                        31 34 31 06 3B 03";
        assert_eq!(hex(&reply), response);
        assert_eq!(weigh(&reply), Weight::Whole(reply.len()));
        assert_eq!(read(&reply, text), Some(Ok(())));
        // NLS-FM530 user manual, page 131: all of Code 11 is asked for.
        let query = [b"~\x010000@", &b"C11*"[..], END].concat();
        assert_eq!(hex(&query), "7E 01 30 30 30 30 40 43 31 31 2A 3B 03");
        // Public projects, among them the vendor's sample for Android.
        assert_eq!(
            hex(&command(b"SCNTRG1", None).bytes),
            "7E 01 30 30 30 30 23 53 43 4E 54 52 47 31 3B 03"
        );
        assert_eq!(
            hex(&command(b"SCNTRG0", None).bytes),
            "7E 01 30 30 30 30 23 53 43 4E 54 52 47 30 3B 03"
        );
    }

    fn hex(bytes: &[u8]) -> String {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(" ")
    }

    #[test]
    fn replies_are_told_from_codes() {
        for (name, bytes, want) in [
            ("a beginning", &b"\x02"[..], Weight::Maybe),
            ("up to the storage type", b"\x02\x010000", Weight::Maybe),
            ("the storage type", b"\x02\x010000#", Weight::Begun),
            ("a value with `;` ETX in it", b"\x02\x010000#QRYSYSa;\x03", Weight::Begun),
            (
                "another storage type",
                b"\x02\x010000%",
                Weight::Damaged(7, Fault::Malformed { at: 6 }),
            ),
            ("another address", b"\x02\x010001", Weight::Code),
            ("STX before a code", b"\x024", Weight::Code),
            (
                "a line end",
                b"\x02\x010000#SCN\r",
                Weight::Damaged(10, Fault::Partial { bytes: 10 }),
            ),
            (
                "the next one",
                b"\x02\x010000#SCN\x02\x01",
                Weight::Damaged(10, Fault::Partial { bytes: 10 }),
            ),
        ] {
            assert_eq!(weigh(bytes), want, "{name}");
        }
        let endless = [REPLY, b"#", &[b'x'; LONGEST]].concat();
        assert!(matches!(weigh(&endless), Weight::Damaged(_, Fault::Overlong { .. })));
    }

    #[test]
    fn statuses() {
        for (name, reply, key, want) in [
            ("done", &b"\x02\x010000#SCNTRG1\x06;\x03"[..], &b"SCNTRG1"[..], Some(Ok(()))),
            ("no such value", b"\x02\x010000#SCNTRG9\x15;\x03", b"SCNTRG9", Some(Err(NAK))),
            ("no such tag", b"\x02\x010000#SCNTRX1\x05;\x03", b"SCNTRX1", Some(Err(ENQ))),
            (
                "one of three",
                b"\x02\x010000@C11ENA1\x06,MIN100\x15;C39ENA1\x06;\x03",
                b"C11ENA1",
                Some(Err(NAK)),
            ),
            ("to an earlier command", b"\x02\x010000#SCNTRG1\x06;\x03", b"SCNTRG0", None),
            ("to another command", b"\x02\x010000#SCNENA1\x15;\x03", b"SCNTRG1", None),
        ] {
            assert_eq!(read(reply, key), want, "{name}");
        }
    }

    #[test]
    fn wrong_options_say_what_is_accepted() {
        use crate::settings::File;
        for (options, message) in [
            ("setup = [\"#SCNMOD3\"]", "accepted is a tag, a subtag and a value in capitals"),
            ("setup = [\"SCNMOD*\"]", "accepted is a tag, a subtag and a value in capitals"),
            ("code-ids = [\"ean-13\"]", "accepted is a character and a symbology"),
            ("code-ids = [\"d ean-14\"]", "accepted is a character and a symbology"),
            ("code-ids = \"dd ean-13\"", "accepted is a character and a symbology"),
        ] {
            let file = File { name: "test".to_owned(), text: options.to_owned() };
            let document = file.parse().unwrap();
            let error = configure(&document.root()).err().unwrap().to_string();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
