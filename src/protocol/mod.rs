//! The devices' languages: one file each, one line here.
//!
//! Contract: a [`Protocol`] is pure. Bytes, requests and the time are arguments, everything it
//! has to say goes into one [`Output`] in order, and no input makes it fail or panic.
//!
//! Adding one: the file, its `mod` line and its entry in [`ALL`], a page in `protocol-docs`, logs in
//! `tests/logs/<name>/`, a simulator in `sim`. `tests/registry.rs` names whatever is missing.

pub mod concert;
pub mod datalogic;
pub mod ecr_hub;
pub mod grow_gm65;
pub mod hid_keyboard;
pub mod hid_msr;
pub mod hid_pos;
pub mod honeywell;
pub mod idtech;
pub mod idtech_hid;
pub mod line_scanner;
pub mod magtek;
pub mod mis;
pub mod msr_keyboard;
pub mod newland;
pub mod paycloud;
pub mod scanner_port;
pub mod ssi;
pub mod track_reader;
pub mod zvt;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::terminal::{Entry, Instruction, Overheard, Said};
use crate::event::{Failure, Fault, Reading, Refusal, Request, Swipe, Timestamp};
use crate::hid::Usage;
use crate::recording::message::{Message, Stretch};
use crate::settings;

/// The protocols, in the order in which a person is shown them.
pub const ALL: &[Info] = &[
    line_scanner::INFO,
    honeywell::INFO,
    newland::INFO,
    grow_gm65::INFO,
    ssi::INFO,
    datalogic::INFO,
    paycloud::INFO,
    hid_pos::INFO,
    hid_keyboard::INFO,
    track_reader::INFO,
    hid_msr::INFO,
    msr_keyboard::INFO,
    magtek::INFO,
    idtech::INFO,
    idtech_hid::INFO,
    zvt::INFO,
    concert::INFO,
    mis::INFO,
    ecr_hub::INFO,
    scanner_port::INFO,
];

/// The protocol of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Info> {
    ALL.iter().find(|info| info.name == name)
}

/// What there is to know of a protocol before a device speaks it.
#[derive(Debug)]
pub struct Info {
    /// The stem: configuration value, log field, doc, log folder; the module with `_` for `-`.
    pub name: &'static str,
    /// One line for a person.
    pub title: &'static str,
    /// What kind of device speaks it.
    pub kind: Kind,
    /// What carries it.
    pub carrier: Carrier,
    /// Whether one code proves it: its frames have a length or a checksum that chance does not make.
    pub framed: bool,
    /// Reads the protocol's own keys of a profile's `[protocol]` table.
    pub configure: fn(&settings::Section<'_>) -> Result<Configured, settings::Error>,
}

/// A protocol with its options.
#[derive(Clone)]
pub struct Configured {
    /// What a device can be asked, in the words of [`Request::ability`]: some devices can what their
    /// options say they can.
    pub capabilities: Vec<&'static str>,
    /// Makes a conversation.
    pub factory: Factory,
}

impl Configured {
    /// A protocol whose devices have these abilities.
    pub fn new(
        capabilities: &[&'static str],
        factory: impl Fn() -> Box<dyn Protocol> + Send + Sync + 'static,
    ) -> Self {
        Self { capabilities: capabilities.to_vec(), factory: Arc::new(factory) }
    }
}

/// What carries a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A serial line: [`Input::Bytes`] come and [`Item::Write`] go.
    Serial,
    /// A HID interface on USB: [`Input::Descriptor`] comes first, then [`Input::Report`]s, and
    /// [`Item::Report`] go.
    Hid {
        /// What the interface says that it is, one of these.
        applications: &'static [Usage],
    },
}

impl Carrier {
    /// The word of the `Transport` property.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Hid { .. } => "hid",
        }
    }
}

/// Makes one conversation with the options it was configured with, at each opening of the line.
pub type Factory = Arc<dyn Fn() -> Box<dyn Protocol> + Send + Sync>;

/// The kinds of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads codes.
    Scanner,
    /// Reads cards.
    CardReader,
    /// Takes payments.
    Terminal,
}

impl Kind {
    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::CardReader => "card-reader",
            Self::Terminal => "terminal",
        }
    }
}

/// One conversation with one device.
pub trait Protocol: Send {
    /// The line has been opened.
    fn opened(&mut self, _now: Timestamp, _opening: Opening, _out: &mut Output) {}

    /// Something came over the line.
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output);

    /// A client asks something of the device; the answer comes as [`Item::Answer`] with this id.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where nothing has been sent and no answer will come.
    fn request(
        &mut self,
        _now: Timestamp,
        _id: RequestId,
        _request: Request,
        _out: &mut Output,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// A terminal is told something; what comes of it is [`Item::Persist`] and [`Item::Said`].
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where nothing has been sent and nothing will come of it.
    fn instruct(
        &mut self,
        _now: Timestamp,
        _instruction: Instruction,
        _out: &mut Output,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The bytes of the `Write`, or the `Report`, with this token have left: acknowledgement timers
    /// start here.
    fn sent(&mut self, _now: Timestamp, _token: Token, _out: &mut Output) {}

    /// Not one byte of the `Write` with this token could be sent; the line is lost.
    fn unsent(&mut self, _now: Timestamp, _token: Token, _out: &mut Output) {}

    /// When [`timeout`](Self::timeout) is to be called, unless something comes first.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// The deadline has passed.
    fn timeout(&mut self, _now: Timestamp, _out: &mut Output) {}

    /// The line is gone: what was begun and not ended becomes a fault, never an event.
    fn closed(&mut self, _now: Timestamp, _out: &mut Output) {}
}

/// Listens to a dialogue in which it has no part.
pub trait Listener: Send {
    /// One side has said something. Gives what has been taken, or has come to its end, by that.
    fn hear(&mut self, now: Timestamp, side: Side, input: Input<'_>) -> Vec<Overheard>;

    /// One of the lines is gone. Gives what has lost its end by that.
    fn lost(&mut self) -> Option<Overheard>;
}

/// The two sides of a dialogue with a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It orders.
    Till,
    /// It does as it is told.
    Terminal,
}

/// Makes a listener.
type Listening = fn() -> Box<dyn Listener>;

/// The protocols of terminals whose dialogues with others are understood.
const LISTENERS: [(&str, Listening); 1] = [(zvt::INFO.name, zvt::overheard::listener)];

/// A listener to dialogues in the protocol of this name.
#[must_use]
pub fn listener(name: &str) -> Option<Box<dyn Listener>> {
    let found = LISTENERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, listener)| listener())
}

/// Tells a recorded dialogue.
pub type Telling = fn(&[Stretch]) -> Vec<Message>;

/// The protocols whose recorded dialogues are told message by message.
const TELLINGS: [(&str, Telling); 3] = [
    (zvt::INFO.name, zvt::told::told),
    (concert::INFO.name, concert::told::told),
    (ecr_hub::INFO.name, ecr_hub::told::told),
];

/// What tells recorded dialogues in the protocol of this name.
#[must_use]
pub fn telling(name: &str) -> Option<Telling> {
    TELLINGS.iter().find(|(known, _)| *known == name).map(|(_, telling)| *telling)
}

/// How a line came to be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Opened now: say what has to be said first.
    Fresh,
    /// Taken over open from the daemon before this one: say nothing twice.
    Adopted,
}

/// What comes over a line, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Bytes, as many as were there.
    Bytes(&'a [u8]),
    /// A byte with a parity or framing error stood here; of a HID interface, a report that failed on its
    /// way.
    BadByte(u8),
    /// The line was held low here.
    Break,
    /// What a HID interface says of its reports (USB HID 1.11, 6.2.2): whole, and before any report.
    Descriptor(&'a [u8]),
    /// A HID input report.
    Report {
        /// Its number; 0 where the device does not number its reports.
        id: u8,
        /// What follows the number.
        data: &'a [u8],
    },
}

/// What a HID report for a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Something to do.
    Output,
    /// A setting.
    Feature,
}

impl ReportKind {
    /// The word used in recordings' transcripts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Feature => "feature",
        }
    }
}

/// Names a request between its sending and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

/// Names a write until its last byte has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u32);

/// One thing a protocol has to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A code was read.
    Reading(Reading),
    /// A card was read.
    Swipe(Swipe),
    /// A request has come to its end.
    Answer(RequestId, Result<(), Failure>),
    /// Something was wrong; the conversation goes on.
    Fault(Fault),
    /// Bytes for the device. With a token, [`Protocol::sent`] tells when they have left.
    Write(Vec<u8>, Option<Token>),
    /// A HID report for the device.
    Report {
        /// What it is.
        kind: ReportKind,
        /// Its number; 0 where the device does not number its reports.
        id: u8,
        /// What follows the number.
        data: Vec<u8>,
        /// With one, [`Protocol::sent`] tells when the device has it.
        token: Option<Token>,
    },
    /// A terminal has something to say.
    Said(Said),
    /// This has to be on disk before anything behind it is written.
    Persist(Entry),
}

/// What a protocol has to say, in order. Reused from call to call, so it stops allocating.
#[derive(Debug, Default)]
pub struct Output {
    items: VecDeque<Item>,
}

impl Output {
    /// Says one thing.
    pub fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    /// Reports a fault.
    pub fn fault(&mut self, fault: Fault) {
        self.push(Item::Fault(fault));
    }

    /// The next thing said.
    pub fn pop(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    /// Whether all has been heard.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
