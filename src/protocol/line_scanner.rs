//! Scanners that send each code as a line of text: most serial and USB-serial scanners as they
//! leave the factory, and most payment boxes.
//!
//! Source: ISO/IEC 15424 for the AIM identifiers, as the manuals of Honeywell, Zebra and Datalogic
//! reproduce it; the rest is common practice and has no standard.
//!
//! Oddities: the end of a line differs by device and by how it was configured, so CR, LF and CR LF
//! all end a code unless the profile says otherwise. A code that *begins* with `]` cannot always be
//! told from one with an AIM identifier before it; the option `aim` settles it where the device is
//! known.
//!
//! Absent: no command is known that such devices share. What an integrator has configured as one is sent
//! (`commands`); without that this protocol never writes.

mod commands;
mod identifier;
mod vocabulary;

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Failure, Fault, Reading, Refusal, Request, Symbology, Timestamp};
use crate::frame::line::{Found, Settings, Silence};
use crate::frame::{Line, Mixture, Sieve};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, RequestId, Token,
};
use crate::secret::Secret;
use crate::settings::{Error, Section};
pub(super) use commands::{Command, Commands};
use identifier::identify;
pub(super) use identifier::{
    AIM_RULES, AimRule, CodeIdTable, CodeIds, Identified, Identifiers, Place, together,
};
pub(super) use vocabulary::Vocabulary;

/// The registry's entry.
pub const INFO: Info = Info {
    name: "line-scanner",
    title: "codes as lines of text, with or without AIM identifiers",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// The bound where none is configured: the largest two-dimensional codes stay below it.
const LIMIT: u32 = 8 * 1024;

/// After this much silence the rest of a code is not coming: 9600 baud is a byte a millisecond, and
/// no scanner pauses this long inside a code.
const STALL: Duration = Duration::from_secs(2);

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let options = Options::read(section)?;
    let vocabulary = Vocabulary::read(section)?;
    Ok(Configured::new(&vocabulary.abilities(), move || {
        Box::new(Commanded {
            codes: LineScanner::new(&options),
            vocabulary: vocabulary.clone(),
            sending: VecDeque::new(),
            token: Token(0),
        })
    }))
}

/// The options, for every protocol whose codes come as lines.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) settings: Settings,
    pub(super) identifiers: Identifiers,
    is_scrap: fn(&[u8]) -> bool,
}

impl Options {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let settings = settings(section, LIMIT)?;
        let identifiers = Identifiers::read(section)?;
        Ok(Self { settings, identifiers, is_scrap: |_| false })
    }

    /// Every line begins with a code id, behind or before its AIM identifier.
    pub(super) fn with_code_ids(mut self, ids: CodeIds) -> Self {
        self.identifiers.ids = Some(ids);
        self
    }

    /// Lines that are what is left of something else are faults.
    pub(super) fn refusing(mut self, is_scrap: fn(&[u8]) -> bool) -> Self {
        self.is_scrap = is_scrap;
        self
    }

    /// A code without the prefix and the suffixes that the device puts around it.
    pub(super) fn bare<'a>(&self, code: &'a [u8]) -> &'a [u8] {
        let mut code = code.strip_prefix(self.settings.prefix.as_slice()).unwrap_or(code);
        let suffixes = &self.settings.suffixes;
        while let Some(rest) =
            suffixes.iter().find_map(|suffix| code.strip_suffix(suffix.as_slice()))
        {
            code = rest;
        }
        code
    }
}

/// How lines begin and end, and how long they may be where nothing is configured.
pub(super) fn settings(section: &Section<'_>, limit: u32) -> Result<Settings, Error> {
    let gap = section.integer("gap-ms", 2..=10_000)?;
    let silence = gap.map_or(Silence::Cuts(STALL), |milliseconds| {
        Silence::Ends(Duration::from_millis(milliseconds.into()))
    });
    let limit = section.integer("max-length", 16..=65_536)?.unwrap_or(limit);
    Ok(Settings {
        suffixes: suffixes(section, silence)?,
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        silence,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    })
}

/// The suffixes: as configured, none where silence alone ends a code, else CR and LF.
fn suffixes(section: &Section<'_>, silence: Silence) -> Result<Vec<Vec<u8>>, Error> {
    let suffixes = match section.byte_strings("suffix")? {
        Some(suffixes) => suffixes,
        None if matches!(silence, Silence::Ends(_)) => Vec::new(),
        None => vec![b"\r".to_vec(), b"\n".to_vec()],
    };
    if suffixes.iter().any(Vec::is_empty) {
        return Err(section.error(
            "suffix",
            "`suffix` is empty; accepted is at least one byte, or `gap-ms` in its place",
        ));
    }
    for (place, suffix) in suffixes.iter().enumerate() {
        let (_, body) = suffix.split_last().unwrap_or((&0, &[]));
        let earlier = |other: &Vec<u8>| memchr::memmem::find(body, other).is_some();
        if suffixes.iter().any(earlier) {
            return Err(section.error(
                "suffix",
                format!(
                    "suffix {} of `suffix` can never be reached; another one ends the code inside \
                     it, accepted is only one of the two",
                    place + 1
                ),
            ));
        }
    }
    Ok(suffixes)
}

/// One conversation.
pub(super) struct LineScanner {
    line: Line,
    reader: Reader,
}

/// Reads what stands on a line.
struct Reader {
    identifiers: Identifiers,
    is_scrap: fn(&[u8]) -> bool,
}

impl LineScanner {
    pub(super) fn new(options: &Options) -> Self {
        let Options { settings, identifiers, is_scrap } = options.clone();
        Self { line: Line::new(settings), reader: Reader { identifiers, is_scrap } }
    }

    /// The code around this place is lost.
    pub(super) fn damage(&mut self, now: Timestamp, fault: Fault, out: &mut Output) {
        let Self { line, reader } = self;
        line.damage(now, fault, &mut |found| out.push(reader.read(found)));
    }
}

impl Protocol for LineScanner {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { line, reader } = self;
        match input {
            Input::Bytes(bytes) => {
                line.receive(now, bytes, &mut |found| out.push(reader.read(found)));
            }
            Input::BadByte(_) => self.damage(now, Fault::BadByte, out),
            Input::Break => self.damage(now, Fault::Break, out),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.line.deadline()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { line, reader } = self;
        line.expire(now, &mut |found| out.push(reader.read(found)));
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        let Self { line, reader } = self;
        line.abandon(&mut |found| out.push(reader.read(found)));
    }
}

/// A scanner that takes the configured commands.
struct Commanded {
    codes: LineScanner,
    vocabulary: Vocabulary,
    /// The commands whose last byte has not left yet, in their order.
    sending: VecDeque<(Token, RequestId)>,
    /// The last command's.
    token: Token,
}

/// More than one at a time would be a client that does not wait for answers.
const MOST_SENDING: usize = 16;

impl Protocol for Commanded {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        self.codes.receive(now, input, out);
    }

    fn request(
        &mut self,
        _now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let command = self.vocabulary.bytes(&request)?;
        if self.sending.len() >= MOST_SENDING {
            return Err(Refusal::Busy);
        }
        self.token = Token(self.token.0.wrapping_add(1));
        self.sending.push_back((self.token, id));
        out.push(Item::Write(command, Some(self.token)));
        Ok(())
    }

    fn sent(&mut self, _now: Timestamp, token: Token, out: &mut Output) {
        // Commands leave in their order.
        while let Some((sent, id)) = self.sending.pop_front() {
            out.push(Item::Answer(id, Ok(())));
            if sent == token {
                return;
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.codes.deadline()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        self.codes.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        self.codes.closed(now, out);
        for (_, id) in self.sending.drain(..) {
            out.push(Item::Answer(id, Err(Failure::Gone)));
        }
    }
}

/// Takes messages out of what came over a line, before the codes are read.
pub(super) fn sift(
    sieve: &mut Sieve,
    now: Timestamp,
    input: Input<'_>,
    mixture: &mut impl Mixture,
) {
    match input {
        Input::Bytes(bytes) => sieve.receive(now, bytes, mixture),
        Input::BadByte(_) => sieve.damage(now, Fault::BadByte, mixture),
        Input::Break => sieve.damage(now, Fault::Break, mixture),
        Input::Descriptor(_) | Input::Report { .. } => {}
    }
}

/// A code that came between these times, with or without an AIM identifier before it, whose symbology
/// the device may have named in a way of its own.
pub(super) fn reading(
    rule: AimRule,
    named: Option<Symbology>,
    code: &[u8],
    (first, last): (Timestamp, Timestamp),
) -> Item {
    match identify(rule, code) {
        Ok((aim, code)) => {
            let symbology = match named {
                Some(named) => Some(together(named, aim)),
                None => aim.map(Symbology::from_aim),
            };
            let data = Secret::copy_of(code);
            Item::Reading(Reading { symbology, aim, data, first, last })
        }
        Err(fault) => Item::Fault(fault),
    }
}

impl Reader {
    /// What a frame says.
    fn read(&self, found: Found<'_>) -> Item {
        let (line, first, last) = match found {
            Found::Fault(fault) => return Item::Fault(fault),
            Found::Frame { bytes, first, last } => (bytes, first, last),
        };
        if (self.is_scrap)(line) {
            return Item::Fault(Fault::Malformed { at: 0 });
        }
        match self.identifiers.split(line) {
            Ok(Identified { symbology, aim, code }) => {
                let data = Secret::copy_of(code);
                Item::Reading(Reading { symbology, aim, data, first, last })
            }
            Err(fault) => Item::Fault(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn protocol(options: &str) -> Result<Box<dyn Protocol>, String> {
        let file = File { name: "test".to_owned(), text: options.to_owned() };
        let document = file.parse().map_err(|error| error.to_string())?;
        let root = document.root();
        let configured = configure(&root).map_err(|error| error.to_string())?;
        root.finish().map_err(|error| error.to_string())?;
        Ok((configured.factory)())
    }

    fn hear(options: &str, bytes: &[u8]) -> Vec<String> {
        let mut protocol = protocol(options).unwrap();
        let mut out = Output::default();
        protocol.receive(Timestamp(1), Input::Bytes(bytes), &mut out);
        std::iter::from_fn(|| out.pop())
            .map(|item| match item {
                Item::Reading(reading) => {
                    let text = String::from_utf8_lossy(reading.data.expose()).into_owned();
                    match (reading.aim, reading.symbology) {
                        (Some(aim), Some(symbology)) => format!("{aim} {symbology} {text}"),
                        _ => text,
                    }
                }
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_line_becomes_a_reading() {
        let rows: &[(&str, &str, &[u8], &[&str])] = &[
            ("CR", "", b"4006381333931\r", &["4006381333931"]),
            ("CR LF", "", b"4006381333931\r\n40063813\r\n", &["4006381333931", "40063813"]),
            ("AIM identifier", "", b"]E04006381333931\r", &["]E0 ean-13 4006381333931"]),
            (
                "AIM identifier of GS1",
                "",
                b"]C10112345678901231\r",
                &["]C1 gs1-128 0112345678901231"],
            ),
            ("AIM turned off", "aim = \"off\"", b"]E04006381333931\r", &["]E04006381333931"]),
            ("a code that begins with a bracket", "", b"]y7 shelf\r", &["]y7 shelf"]),
            ("an EAN identifier before letters", "", b"]E0 shelf\r", &["]E0 shelf"]),
            ("QR with a bracket of its own", "", b"]Q1]E0x\r", &["]Q1 qr ]E0x"]),
            (
                "an unknown identifier is kept",
                "aim = \"required\"",
                b"]y7abc\r",
                &["]y7 unknown abc"],
            ),
            (
                "a required identifier is missing",
                "aim = \"required\"",
                b"400\r]Q1a\r",
                &["Fault(Malformed { at: 0 })", "]Q1 qr a"],
            ),
            (
                "prefix and suffix",
                "prefix = \"STX\"\nsuffix = \"ETX\"",
                b"\x02400\r\x03",
                &["400\r"],
            ),
        ];
        for (name, options, bytes, want) in rows {
            assert_eq!(hear(options, bytes), *want, "{name}");
        }
    }

    #[test]
    fn wrong_options_say_what_is_accepted() {
        for (options, message) in [
            ("suffix = \"\"", "accepted is at least one byte"),
            ("suffix = [\"CR\", \"CR LF\"]", "suffix 2 of `suffix` can never be reached"),
            ("aim = \"on\"", "accepted: auto, off, required"),
            ("gap-ms = 0", "from 2 to 10000"),
            ("max-length = 1", "from 16 to 65536"),
            ("sufix = \"CR\"", "did you mean `suffix`?"),
        ] {
            let error = protocol(options).err().unwrap_or_default();
            assert!(error.contains(message), "{options}: {error}");
        }
    }

    #[test]
    fn silence_ends_a_code_where_configured() {
        let mut protocol = protocol("gap-ms = 50").unwrap();
        let mut out = Output::default();
        protocol.receive(Timestamp(1_000), Input::Bytes(b"4006381333931"), &mut out);
        assert!(out.is_empty());
        assert_eq!(protocol.deadline(), Some(Timestamp(51_000)));
        protocol.timeout(Timestamp(51_000), &mut out);
        assert!(matches!(out.pop(), Some(Item::Reading(reading)) if reading.last.0 == 1_000));
    }
}
