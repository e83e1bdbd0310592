//! Datalogic scanners on a serial line: codes as lines of text, with label ids that name the symbology,
//! and an acknowledgement by one character where the scanner has been set to it.
//!
//! Source: the product reference guides of Gryphon, `QuickScan`, `PowerScan` and Magellan, and the
//! vendor's open UnifiedPOS driver; `protocol-docs/datalogic.md` has the pages.
//!
//! Oddities: the USA set gives one id to several symbologies (A is UPC-A and Code 32), and the id of
//! EAN-13 is the beginning of that of EAN-8. What stands behind it tells. Acknowledgements have no
//! frame: they are characters between codes.
//!
//! Absent: the replies to information requests, pictures, and scales. Which commands a model takes is
//! data of its profile, as for any scanner that sends lines.

mod labels;

use std::time::Duration;

use crate::event::{Fault, Refusal, Request, Timestamp};
use crate::frame::Line;
use crate::frame::line::Found;
use crate::protocol::line_scanner::{AimRule, Command, Commands, Options, Vocabulary, reading};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, RequestId, Token,
};
use crate::settings::{Error, Section};
use labels::{Position, Set};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "datalogic",
    title: "Datalogic: codes as lines of text with label ids",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// How long a scanner may take to acknowledge a command. Not documented; it does so at once.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// What is acknowledged: the guides' "ACK NAK options".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Acknowledge {
    /// The host acknowledges codes.
    labels: bool,
    /// The scanner acknowledges commands.
    commands: bool,
}

const ACKNOWLEDGE: [(&str, Acknowledge); 4] = [
    ("off", Acknowledge { labels: false, commands: false }),
    ("labels", Acknowledge { labels: true, commands: false }),
    ("commands", Acknowledge { labels: false, commands: true }),
    ("both", Acknowledge { labels: true, commands: true }),
];

const SETS: [(&str, Option<Set>); 3] =
    [("off", None), ("us", Some(Set::Us)), ("eu", Some(Set::Eu))];
const POSITIONS: [(&str, Position); 2] =
    [("prefix", Position::Prefix), ("suffix", Position::Suffix)];

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let options = Options::read(section)?;
    let vocabulary = Vocabulary::read(section)?;
    let labels = section.word("label-ids", &SETS)?.flatten();
    let position = section.word("label-position", &POSITIONS)?;
    if position.is_some() && labels.is_none() {
        return Err(section.error(
            "label-position",
            "`label-position` stands without `label-ids`; accepted is it beside `us` or `eu`",
        ));
    }
    let position = position.unwrap_or(Position::Prefix);
    let acknowledge = section.word("acknowledge", &ACKNOWLEDGE)?.unwrap_or_default();
    Ok(Configured::new(&vocabulary.abilities(), move || {
        Box::new(Datalogic {
            line: Line::new(options.settings.clone()),
            labels: Labels {
                set: labels,
                position,
                options: options.clone(),
                acknowledge: acknowledge.labels,
            },
            vocabulary: vocabulary.clone(),
            commands: Commands::new(PATIENCE),
            acknowledged: acknowledge.commands,
        })
    }))
}

/// One conversation.
struct Datalogic {
    line: Line,
    labels: Labels,
    vocabulary: Vocabulary,
    commands: Commands,
    /// Whether the scanner acknowledges commands.
    acknowledged: bool,
}

impl Protocol for Datalogic {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { line, labels, .. } = self;
        let hear = &mut |found: Found<'_>| labels.hear(found, out);
        match input {
            Input::Bytes(bytes) => self.bytes(now, bytes, out),
            Input::BadByte(_) => line.damage(now, Fault::BadByte, hear),
            Input::Break => line.damage(now, Fault::Break, hear),
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
        let bytes = self.vocabulary.bytes(&request)?;
        if self.commands.asked().is_some() {
            return Err(Refusal::Busy);
        }
        self.commands.ask(now, [Command { bytes, key: Vec::new(), id: Some(id) }], out);
        Ok(())
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        self.commands.sent(now, token);
        if !self.acknowledged {
            self.commands.replied(now, Ok(()), out);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.line.deadline(), self.commands.deadline()].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { line, labels, .. } = self;
        line.expire(now, &mut |found| labels.hear(found, out));
        self.commands.timeout(now, out);
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        let Self { line, labels, .. } = self;
        line.abandon(&mut |found| labels.hear(found, out));
        self.commands.closed(out);
    }
}

impl Datalogic {
    /// Takes acknowledgements of commands out from between the codes. One that comes too late is taken
    /// out too, or the next code would begin with it.
    fn bytes(&mut self, now: Timestamp, mut rest: &[u8], out: &mut Output) {
        if !self.acknowledged {
            return self.code(now, rest, out);
        }
        while let Some((byte, after)) = rest.split_first() {
            let silent = self.line.deadline().is_none_or(|deadline| deadline <= now);
            match *byte {
                ACK if silent => self.commands.replied(now, Ok(()), out),
                NAK if silent => self.commands.replied(now, Err(NAK), out),
                byte => self.code(now, &[byte], out),
            }
            rest = after;
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        let Self { line, labels, .. } = self;
        line.receive(now, bytes, &mut |found| labels.hear(found, out));
    }
}

/// What is made of lines.
struct Labels {
    set: Option<Set>,
    position: Position,
    options: Options,
    /// Whether the host acknowledges codes.
    acknowledge: bool,
}

impl Labels {
    fn hear(&self, found: Found<'_>, out: &mut Output) {
        // A line without what it was to have is no better the second time, so it is taken too.
        let (item, answer) = match found {
            Found::Fault(fault) => (Item::Fault(fault), NAK),
            Found::Frame { bytes, first, last } => (self.decode(bytes, first, last), ACK),
        };
        out.push(item);
        if self.acknowledge {
            out.push(Item::Write(vec![answer], None));
        }
    }

    fn decode(&self, line: &[u8], first: Timestamp, last: Timestamp) -> Item {
        let labelled = self.set.and_then(|set| labels::split_off(set, self.position, line));
        let (label, code) = labelled.map_or((None, line), |(label, code)| (Some(label), code));
        let aim = match (self.options.identifiers.aim, label) {
            (AimRule::Auto, Some(label)) if !labels::agrees(label, code) => AimRule::Off,
            (aim, _) => aim,
        };
        reading(aim, label, code, (first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    #[test]
    fn wrong_options_say_what_is_accepted() {
        for (options, message) in [
            ("label-ids = \"usa\"", "accepted: eu, off, us"),
            ("label-position = \"suffix\"", "stands without `label-ids`"),
            ("label-ids = \"off\"\nlabel-position = \"suffix\"", "stands without `label-ids`"),
            ("acknowledge = \"on\"", "accepted: both, commands, labels, off"),
            ("commands = { enable = \"E\" }", "`enable` stands without `disable`"),
        ] {
            let file = File { name: "test".to_owned(), text: options.to_owned() };
            let document = file.parse().unwrap();
            let error = configure(&document.root()).err().unwrap().to_string();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
