//! Scanners of Honeywell, formerly Hand Held Products, on a serial line: codes as lines, with the
//! vendor's code ids where configured, or wrapped in messages; commands that begin with SYN.
//!
//! Source: the user's guides of the Xenon, N3680, N431x, 2020 and others, chapter "Serial Programming
//! Commands"; `protocol-docs/honeywell.md` names them and the public projects used.
//!
//! Oddities: the trigger and the beep have no reply, so such a request is done when its bytes have left.
//! Menu commands are echoed with a status before each punctuation mark, among the codes and without a
//! line end. They are therefore looked for at the commands that this conversation sends, and nowhere
//! else. A message around a code has no checksum; what may be two halves of two of them is a fault.
//!
//! Absent: a command that lets a scanner read at all is not documented (turning all symbologies off and on
//! again would turn on those that were off before), so Enable is refused. Nothing is sent at opening
//! unless `setup` says so, and that is never kept in the scanner.

mod menu;
mod message;

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Failure, Fault, Reading, Refusal, Request, Symbology, Timestamp, Verdict};
use crate::frame::{Mixture, Sieve, Weight};
use crate::protocol::line_scanner::{
    CodeIds, Command, Commands, LineScanner, Options, Place, sift, together,
};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Opening, Output, Protocol, RequestId, Token,
};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "honeywell",
    title: "Honeywell scanners, with code ids, trigger and beep",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// Trigger on and off, one beep.
const TRIGGER: &[u8] = b"\x16T\r";
const RELEASE: &[u8] = b"\x16U\r";
const BEEP: &[u8] = b"\x16\x07\r";
/// What a scanner waits for behind each code where its ACK/NAK is on: it came well, or is to come again.
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
/// A code that does not come well this often is given up.
const MOST_NAKS: u8 = 3;

/// How long the scanner may take to echo a command. Undocumented.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two beeps, so that they are heard as two.
const BETWEEN_BEEPS: Duration = Duration::from_millis(250);

/// The code ids: "Symbology Charts", appendix A of the guides.
///
/// GS1-128 is `I` in most guides and `|` in others.
const CODE_IDS: &[(u8, Symbology)] = &[
    (b'a', Symbology::Codabar),
    (b'b', Symbology::Code39),
    (b'c', Symbology::UpcA),
    (b'd', Symbology::Ean13),
    (b'D', Symbology::Ean8),
    (b'e', Symbology::Itf),
    (b'E', Symbology::UpcE),
    (b'f', Symbology::TwoOfFive),
    (b'g', Symbology::Msi),
    (b'h', Symbology::Code11),
    (b'H', Symbology::HanXin),
    (b'i', Symbology::Code93),
    (b'I', Symbology::Gs1Code128),
    (b'|', Symbology::Gs1Code128),
    (b'j', Symbology::Code128),
    (b'l', Symbology::Code49),
    (b'm', Symbology::MatrixTwoOfFive),
    (b'n', Symbology::Plessey),
    (b'o', Symbology::Code16K),
    (b'q', Symbology::CodablockF),
    (b'V', Symbology::CodablockA),
    (b'r', Symbology::Pdf417),
    (b'R', Symbology::MicroPdf417),
    (b's', Symbology::Qr),
    (b'-', Symbology::MicroQr),
    (b't', Symbology::Telepen),
    (b'T', Symbology::Tlc39),
    (b'w', Symbology::DataMatrix),
    (b'x', Symbology::MaxiCode),
    (b'y', Symbology::Databar),
    (b'{', Symbology::DatabarLimited),
    (b'}', Symbology::DatabarExpanded),
    (b'z', Symbology::Aztec),
    (b'.', Symbology::DotCode),
    (b'<', Symbology::Code32),
    (b'=', Symbology::Trioptic39),
    (b'`', Symbology::Ean13),
    (b'A', Symbology::AustraliaPost),
    (b'B', Symbology::UkPost),
    (b'C', Symbology::CanadaPost),
    (b'J', Symbology::JapanPost),
    (b'K', Symbology::DutchKix),
    (b'L', Symbology::UsPlanet),
    (b'M', Symbology::UsIntelligentMail),
    (b'P', Symbology::UsPostnet),
    (b'Q', Symbology::ChinaPost),
    (b'?', Symbology::KoreaPost),
    (b',', Symbology::InfoMail),
];

/// How the person at the scanner is told how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feedback {
    /// By beeps, which every such scanner has.
    Beep,
    /// By the escape commands of a scanner whose "Host ACK" is on.
    HostAck,
    /// Not at all.
    Off,
}

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let words =
        [("off", None), ("first", Some(Place::First)), ("after-aim", Some(Place::AfterAim))];
    let place = section.word("code-id", &words)?.flatten();
    let messages = section.word("metadata", &[("auto", true), ("off", false)])?.unwrap_or(true);
    let feedback = section.word(
        "indicate",
        &[("beep", Feedback::Beep), ("host-ack", Feedback::HostAck), ("off", Feedback::Off)],
    )?;
    let feedback = feedback.unwrap_or(Feedback::Beep);
    let setup = setup(section)?;
    let is_scrap = if messages { is_any_scrap } else { is_scrap_of_reply };
    let acknowledge = section.boolean("acknowledge")?.unwrap_or(false);
    let mut options = Options::read(section)?.refusing(is_scrap);
    if let Some(place) = place {
        options = options.with_code_ids(CodeIds { place, table: CODE_IDS.into() });
    }
    let abilities: &[&str] =
        if feedback == Feedback::Off { &["trigger"] } else { &["trigger", "indicate"] };
    Ok(Configured::new(abilities, move || {
        Box::new(Honeywell {
            sieve: Sieve::default(),
            talk: Talk {
                codes: LineScanner::new(&options),
                options: options.clone(),
                messages,
                acknowledge,
                naks: 0,
                commands: Commands::new(PATIENCE),
                keys: setup.iter().map(|command| key(command)).collect(),
            },
            feedback,
            setup: Arc::clone(&setup),
            sending: None,
            token: Token(u32::MAX),
            beeps: None,
        })
    }))
}

/// The menu commands for the opening.
fn setup(section: &Section<'_>) -> Result<Arc<[Vec<u8>]>, Error> {
    let commands = section.strings("setup")?.unwrap_or_default();
    let fits = |text: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        text.len() >= menu::KEY
            && text.bytes().take(menu::KEY).all(plain)
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b".!?*^".contains(&byte))
    };
    if let Some(wrong) = commands.iter().find(|text| !fits(text)) {
        return Err(section.error(
            "setup",
            format!(
                "found {wrong:?} in `setup`; accepted is a tag, a subtag and a value, as in \
                 \"DECHDR1\", without a query and without the full stop or exclamation mark behind it"
            ),
        ));
    }
    Ok(commands.into_iter().map(|text| text.as_bytes().to_vec()).collect())
}

fn key(command: &[u8]) -> Vec<u8> {
    command.iter().copied().take(menu::KEY).collect()
}

/// What is left of a message or of a reply that was damaged is no code.
fn is_any_scrap(line: &[u8]) -> bool {
    message::is_scrap(line) || is_scrap_of_reply(line)
}

fn is_scrap_of_reply(line: &[u8]) -> bool {
    let word = line.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let end = line.get(word..).unwrap_or_default();
    word > 0 && matches!(end, [0x05 | ACK | NAK, b'.' | b'!' | b',' | b';', ..])
}

/// One conversation.
struct Honeywell {
    sieve: Sieve,
    talk: Talk,
    feedback: Feedback,
    setup: Arc<[Vec<u8>]>,
    /// A request without a reply whose bytes have not left yet.
    sending: Option<(Token, RequestId)>,
    /// The last token of such a request; those of menu commands count from the other end.
    token: Token,
    beeps: Option<Beeps>,
}

/// What is heard and what is told by menu commands.
struct Talk {
    codes: LineScanner,
    options: Options,
    /// Whether codes may come in messages.
    messages: bool,
    /// Whether the scanner waits for a sign behind each code.
    acknowledge: bool,
    /// How often the same code has been asked for again.
    naks: u8,
    commands: Commands,
    /// By what the replies to the commands of this conversation are known.
    keys: Vec<Vec<u8>>,
}

/// A row of beeps that has begun.
struct Beeps {
    id: RequestId,
    left: u8,
    next: Timestamp,
}

impl Protocol for Honeywell {
    fn opened(&mut self, now: Timestamp, opening: Opening, out: &mut Output) {
        if opening == Opening::Fresh {
            let command = |text: &Vec<u8>| Command {
                bytes: [menu::PREFIX, text, &[menu::VOLATILE]].concat(),
                key: key(text),
                id: None,
            };
            self.talk.commands.ask(now, self.setup.iter().map(command), out);
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
        let bytes = match request {
            Request::Trigger(true) => TRIGGER,
            Request::Trigger(false) => RELEASE,
            Request::Indicate(verdict) => return self.indicate(now, id, verdict, out),
            _ => return Err(Refusal::Unsupported),
        };
        self.send(id, bytes, out)
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        self.talk.commands.sent(now, token);
        if let Some((_, id)) = self.sending.take_if(|(sending, _)| *sending == token) {
            out.push(Item::Answer(id, Ok(())));
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let Self { sieve, talk, beeps, .. } = self;
        let beep = beeps.as_ref().map(|beeps| beeps.next);
        let all = [sieve.deadline(), talk.commands.deadline(), talk.codes.deadline(), beep];
        all.into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk, .. } = self;
        sieve.expire(now, &mut Ears { talk, out, now });
        talk.commands.timeout(now, out);
        talk.hear(out, |codes, out| codes.timeout(now, out));
        self.beep(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk, .. } = self;
        sieve.abandon(&mut Ears { talk, out, now });
        talk.codes.closed(now, out);
        talk.commands.closed(out);
        let sending = self.sending.take().map(|(_, id)| id);
        for id in sending.into_iter().chain(self.beeps.take().map(|beeps| beeps.id)) {
            out.push(Item::Answer(id, Err(Failure::Gone)));
        }
    }
}

impl Honeywell {
    /// Sends what has no reply.
    fn send(&mut self, id: RequestId, bytes: &[u8], out: &mut Output) -> Result<(), Refusal> {
        if self.sending.is_some() {
            return Err(Refusal::Busy);
        }
        self.token = Token(self.token.0.wrapping_sub(1));
        self.sending = Some((self.token, id));
        out.push(Item::Write(bytes.to_vec(), Some(self.token)));
        Ok(())
    }

    fn indicate(
        &mut self,
        now: Timestamp,
        id: RequestId,
        verdict: Verdict,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let count = match (self.feedback, verdict) {
            (Feedback::HostAck, verdict) => return self.send(id, host_ack(verdict), out),
            (Feedback::Off, _) | (Feedback::Beep, Verdict::Wait) => {
                return Err(Refusal::Unsupported);
            }
            (Feedback::Beep, Verdict::Good) => return self.send(id, BEEP, out),
            (Feedback::Beep, Verdict::Attention) => 2,
            (Feedback::Beep, Verdict::Bad) => 3,
        };
        if self.beeps.is_some() {
            return Err(Refusal::Busy);
        }
        self.beeps = Some(Beeps { id, left: count, next: now });
        self.beep(now, out);
        Ok(())
    }

    /// The next beep of a row, where it is due.
    fn beep(&mut self, now: Timestamp, out: &mut Output) {
        let Some(beeps) = self.beeps.as_mut().filter(|beeps| beeps.next <= now) else { return };
        beeps.left = beeps.left.saturating_sub(1);
        beeps.next = now + BETWEEN_BEEPS;
        out.push(Item::Write(BEEP.to_vec(), None));
        if let Some(beeps) = self.beeps.take_if(|beeps| beeps.left == 0) {
            out.push(Item::Answer(beeps.id, Ok(())));
        }
    }
}

impl Talk {
    /// Hears something about codes, and gives the scanner the sign it waits for.
    fn hear(&mut self, out: &mut Output, hear: impl FnOnce(&mut LineScanner, &mut Output)) {
        if !self.acknowledge {
            return hear(&mut self.codes, out);
        }
        let mut said = Output::default();
        hear(&mut self.codes, &mut said);
        while let Some(item) = said.pop() {
            let well = match &item {
                Item::Fault(
                    Fault::Partial { .. } | Fault::Overlong { .. } | Fault::BadByte | Fault::Break,
                ) => self.naks >= MOST_NAKS,
                // What is malformed would come again just so.
                _ => true,
            };
            self.naks = if well { 0 } else { self.naks + 1 };
            out.push(item);
            out.push(Item::Write(vec![if well { ACK } else { NAK }], None));
        }
    }
}

/// Escape commands (Xenon/Granit guide, "Host ACK Responses"): 4 and 6 are one beep, low and high; 7 and
/// 8 sound as a reading that went well and as one that did not, the latter twice as the guide has it.
fn host_ack(verdict: Verdict) -> &'static [u8] {
    match verdict {
        Verdict::Good => b"\x1B7,",
        Verdict::Bad => b"\x1B8,\x1B8,",
        Verdict::Wait => b"\x1B4,",
        Verdict::Attention => b"\x1B6,\x1B6,",
    }
}

/// Hears codes, messages and replies.
struct Ears<'a> {
    talk: &'a mut Talk,
    out: &'a mut Output,
    now: Timestamp,
}

impl Mixture for Ears<'_> {
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        let Talk { messages, keys, .. } = &*self.talk;
        if keys.is_empty() {
            return messages.then(|| memchr::memchr(message::SYN, bytes)).flatten();
        }
        let reply = |byte: u8| {
            keys.iter()
                .any(|key| key.first().is_some_and(|first| first.eq_ignore_ascii_case(&byte)))
        };
        bytes.iter().position(|byte| (*messages && *byte == message::SYN) || reply(*byte))
    }

    fn weigh(&self, head: &[u8]) -> Weight {
        match head {
            [message::SYN, ..] => message::weigh(head),
            _ => menu::weigh(head, &self.talk.keys),
        }
    }

    fn message(&mut self, message: &[u8], first: Timestamp, last: Timestamp) {
        match message {
            [message::SYN, ..] => self.reading(message, first, last),
            _ => self.reply(message),
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8]) {
        self.talk.hear(self.out, |codes, out| codes.receive(now, Input::Bytes(bytes), out));
    }

    fn damaged(&mut self, now: Timestamp, fault: Fault) {
        let is_between_codes = self.talk.codes.deadline().is_none();
        self.talk.hear(self.out, |codes, out| match fault {
            // What follows is the next message, or silence: no code is damaged by it.
            Fault::Partial { .. } if is_between_codes => out.fault(fault),
            _ => codes.damage(now, fault, out),
        });
    }
}

impl Ears<'_> {
    /// A code in its message.
    fn reading(&mut self, bytes: &[u8], first: Timestamp, last: Timestamp) {
        let Some(message) = message::read(bytes) else { return };
        let code = self.talk.options.bare(message.data);
        if code.is_empty() {
            return;
        }
        let known = CODE_IDS.iter().find(|(id, _)| *id == message.id);
        let known = known.map_or(Symbology::Unknown, |(_, symbology)| *symbology);
        let reading = Reading {
            symbology: Some(together(known, Some(message.aim))),
            aim: Some(message.aim),
            data: Secret::copy_of(code),
            first,
            last,
        };
        self.talk.hear(self.out, |_, out| out.push(Item::Reading(reading)));
    }

    fn reply(&mut self, reply: &[u8]) {
        let Self { talk, out, now } = self;
        // One to an earlier command has come too late.
        if talk.commands.asked().is_some_and(|asked| menu::answers(reply, &asked.key)) {
            talk.commands.replied(*now, menu::read(reply), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_python_hon_usbhid() {
        assert_eq!(TRIGGER, [0x16, 0x54, 0x0D]);
        assert_eq!(RELEASE, [0x16, 0x55, 0x0D]);
        assert_eq!(BEEP, [0x16, 0x07, 0x0D]);
        assert_eq!([menu::PREFIX, b"REVINF."].concat(), b"\x16\x4D\x0DREVINF.");
    }

    #[test]
    fn no_two_symbologies_share_a_code_id() {
        for (place, (id, _)) in CODE_IDS.iter().enumerate() {
            let first = CODE_IDS.iter().position(|(other, _)| other == id);
            assert_eq!(first, Some(place), "{:?} stands twice", char::from(*id));
        }
    }

    #[test]
    fn scrap_is_told_from_codes() {
        for (line, want) in [
            (&b"MSGGET0014dE0\x1D4006381333931"[..], true),
            (b"\x16\xFC\x1C\0\0\0", true),
            (b"RGMOD0\x06!4006381333931", true),
            (b"MSGGETABCD", false),
            (b"4006381333931", false),
            (b"a!b", false),
            (b"\x06!", false),
        ] {
            assert_eq!(is_any_scrap(line), want, "{line:02X?}");
        }
    }

    #[test]
    fn wrong_options_say_what_is_accepted() {
        use crate::settings::File;
        for (options, message) in [
            ("setup = [\"DECHDR1!\"]", "accepted is a tag, a subtag and a value"),
            ("setup = [\"CBR?\"]", "accepted is a tag, a subtag and a value"),
            ("code-id = \"last\"", "accepted: after-aim, first, off"),
            ("indicate = \"led\"", "accepted: beep, host-ack, off"),
        ] {
            let file = File { name: "test".to_owned(), text: options.to_owned() };
            let document = file.parse().unwrap();
            let error = configure(&document.root()).err().unwrap().to_string();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
