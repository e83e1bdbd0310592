//! What devices say and are asked, in our words.
//!
//! Contract: plain data. Nothing here reads a clock, a file or a socket, and nothing here knows a
//! vendor. Protocols speak in [`Reading`]s and [`Fault`]s, normalization turns a reading into a
//! [`Scan`], clients ask in [`Request`]s.

pub mod card;
pub mod fault;
pub mod symbology;
pub mod terminal;

use std::borrow::Cow;
use std::ops::{Add, Sub};
use std::time::Duration;

pub use card::{Card, Swipe};
pub use fault::Fault;
pub use symbology::{Aim, Symbology};

use crate::secret::Secret;

/// A point in time: microseconds of `CLOCK_BOOTTIME`, the clock that counts suspend too.
///
/// Time is an argument everywhere but in `clock`, so that a recorded conversation replays exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time from `earlier` to `self`; zero where `earlier` is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// One code as a device reported it, before anyone has decided what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The symbology the device named, by AIM identifier or by its own code id.
    pub symbology: Option<Symbology>,
    /// The AIM identifier, where the device sent one.
    pub aim: Option<Aim>,
    /// The code's bytes without identifiers, prefixes and suffixes.
    pub data: Secret<Vec<u8>>,
    /// When its first byte arrived: whoever owned the device then gets the scan.
    pub first: Timestamp,
    /// When its last byte arrived.
    pub last: Timestamp,
}

/// What a device said, normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A code was read.
    Scan(Scan),
    /// A card was read.
    Card(Box<Card>),
}

impl Event {
    /// When its first byte arrived.
    #[must_use]
    pub fn first(&self) -> Timestamp {
        match self {
            Self::Scan(scan) => scan.first,
            Self::Card(card) => card.first,
        }
    }

    /// When its last byte arrived.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        match self {
            Self::Scan(scan) => scan.last,
            Self::Card(card) => card.last,
        }
    }

    /// Who may see what it holds.
    #[must_use]
    pub fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::Scan(scan) => scan.sensitivity,
            Self::Card(_) => Sensitivity::Card,
        }
    }

    /// Whether it is a customer's payment code.
    #[must_use]
    pub fn pays(&self) -> bool {
        matches!(self, Self::Scan(scan) if scan.content == Content::PaymentCode)
    }

    /// What it is, in a word of the bus.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scan(scan) => scan.content.word(),
            Self::Card(_) => "card",
        }
    }

    /// Whether the configuration keeps a card back that it holds, and why, in the configuration's words.
    #[must_use]
    pub fn refused(&self) -> Option<&'static str> {
        match self {
            Self::Scan(scan) => scan.details.iter().find_map(|(name, value)| match value {
                Value::Text(Cow::Borrowed(word)) if *name == "refused" => Some(*word),
                _ => None,
            }),
            Self::Card(card) => card.refused,
        }
    }

    /// The part of it that only `Take` hands over; empty where there is none.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        match self {
            Self::Scan(scan) => scan.raw.expose(),
            Self::Card(card) => card.secret.expose(),
        }
    }

    /// The event without the part that only `Take` hands over: what goes on its way to the bus.
    #[must_use]
    pub fn without_secret(&self) -> Self {
        let mut event = self.clone();
        match &mut event {
            Self::Scan(scan) => scan.raw.clear(),
            Self::Card(card) => card.secret.clear(),
        }
        event
    }

    /// How much memory what it said takes, more or less.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Scan(scan) => scan.raw.len() + scan.text.len(),
            Self::Card(card) => card.size(),
        }
    }

    /// The event without what it said: of what is somebody's own the details are no less so.
    #[must_use]
    pub fn wiped(self) -> Self {
        match self {
            Self::Scan(scan) => Self::Scan(scan.wiped()),
            Self::Card(card) => Self::Card(Box::new(card.wiped())),
        }
    }
}

impl From<Scan> for Event {
    fn from(scan: Scan) -> Self {
        Self::Scan(scan)
    }
}

/// A normalized scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The symbology, [`Symbology::Unknown`] where nothing says.
    pub symbology: Symbology,
    /// Whether the symbology was inferred from a check digit rather than named by the device.
    pub inferred: bool,
    /// The AIM identifier, where the device sent one.
    pub aim: Option<Aim>,
    /// What the code means.
    pub content: Content,
    /// Who may see `text` and `raw`.
    pub sensitivity: Sensitivity,
    /// The code as text, control characters made visible; empty for binary content. Masked where it
    /// is [`Personal`](Sensitivity::Personal) or a [`Card`](Sensitivity::Card).
    pub text: Secret<String>,
    /// The encoding that `text` was decoded from, in lower-case WHATWG words (`utf-8`, `gb18030`).
    pub encoding: Option<&'static str>,
    /// The bytes as the code carries them.
    pub raw: Secret<Vec<u8>>,
    /// The article number as GTIN-14, where the content is one.
    pub gtin: Option<Gtin>,
    /// What else the code says, by the name clients know it under. Nothing secret.
    pub details: Vec<Detail>,
    /// How long a payment code lives at most from its reading, where its wallet documents it.
    pub life: Option<Duration>,
    /// When its first byte arrived.
    pub first: Timestamp,
    /// When its last byte arrived.
    pub last: Timestamp,
}

impl Scan {
    fn wiped(self) -> Self {
        let (text, raw) = (Secret::default(), Secret::default());
        Self { text, raw, details: Vec::new(), gtin: None, ..self }
    }
}

/// Who may see what a scan holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Everyone who may call the API.
    #[default]
    Public,
    /// The owner alone, in clear: it says where somebody banks or lives, or opens a door.
    Private,
    /// The owner alone, in clear: whoever has it can pay with it, once.
    Bearer,
    /// The owner alone, and masked: it says who somebody is.
    Personal,
    /// The owner alone, masked, and whole only through `Take`: it holds a card number.
    Card,
}

impl Sensitivity {
    /// Whether it is for the owner alone.
    #[must_use]
    pub fn is_confidential(self) -> bool {
        self != Self::Public
    }
}

/// One thing a code says: the name clients know it under, and its value.
pub type Detail = (&'static str, Value);

/// A value for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A count, an amount in minor units, a time.
    Count(u64),
    /// On or off.
    Flag(bool),
    /// Words.
    Text(Cow<'static, str>),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// Several of them.
    List(Vec<Self>),
    /// Several by name.
    Map(Vec<(Cow<'static, str>, Self)>),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// What a scan means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A trade item number; `gtin` holds it.
    Gtin,
    /// GS1 element strings or a GS1 Digital Link.
    Gs1,
    /// An in-store code with a weight or a price in it.
    VariableMeasure,
    /// A customer's payment code.
    PaymentCode,
    /// A code by which a customer pays a merchant.
    MerchantQr,
    /// A number of the shop's own, by the configuration's patterns.
    OrderNumber,
    /// A coupon.
    Coupon,
    /// A number that says who somebody is.
    NationalId,
    /// A driving licence.
    Licence,
    /// The way into a wireless network.
    Wifi,
    /// Somebody's address.
    Contact,
    /// A link.
    Url,
    /// Text in one of the profile's encodings.
    Text,
    /// Bytes that are text in none of the profile's encodings.
    Binary,
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Gtin,
        Self::Gs1,
        Self::VariableMeasure,
        Self::PaymentCode,
        Self::MerchantQr,
        Self::OrderNumber,
        Self::Coupon,
        Self::NationalId,
        Self::Licence,
        Self::Wifi,
        Self::Contact,
        Self::Url,
        Self::Text,
        Self::Binary,
    ];

    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gtin => "gtin",
            Self::Gs1 => "gs1",
            Self::VariableMeasure => "variable-measure",
            Self::PaymentCode => "payment-code",
            Self::MerchantQr => "merchant-qr",
            Self::OrderNumber => "order-number",
            Self::Coupon => "coupon",
            Self::NationalId => "national-id",
            Self::Licence => "licence",
            Self::Wifi => "wifi",
            Self::Contact => "contact",
            Self::Url => "url",
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

/// A GTIN in its 14-digit form, digits only, check digit verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gtin(pub(crate) [u8; 14]);

impl Gtin {
    /// The 14 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The field is only ever built from ASCII digits; an empty answer beats a panic.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

/// What a client asks of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Start or stop one reading.
    Trigger(bool),
    /// Let the device read codes at all.
    Enable(bool),
    /// Tell the person at the device how it went.
    Indicate(Verdict),
    /// Put this on the device's screen.
    Show(String),
    /// Pass these bytes on to a terminal, as the code reader that it expects would send them.
    Pass(Secret<Vec<u8>>),
}

impl Request {
    /// The words for what a device can be asked, in the order in which they are shown.
    pub const ABILITIES: [&'static str; 5] = ["trigger", "enable", "indicate", "show", "pass"];

    /// What a device must be able to, in the words of the `Capabilities` property.
    #[must_use]
    pub fn ability(&self) -> &'static str {
        let [trigger, enable, indicate, show, pass] = Self::ABILITIES;
        match self {
            Self::Trigger(_) => trigger,
            Self::Enable(_) => enable,
            Self::Indicate(_) => indicate,
            Self::Show(_) => show,
            Self::Pass(_) => pass,
        }
    }
}

/// How it went, for the person at the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Good,
    /// Refused.
    Bad,
    /// Please wait.
    Wait,
    /// Look here.
    Attention,
}

/// What became of a payment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// A payment was made with it.
    Used,
    /// No payment was made with it: it may be scanned again.
    Unused,
    /// Nobody knows.
    Unknown,
}

impl Settlement {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Unknown => "unknown",
        }
    }

    /// The settlement of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Used, Self::Unused, Self::Unknown].into_iter().find(|known| known.word() == word)
    }
}

/// Why a device did not take a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The protocol or the device has no such ability.
    #[error("this device cannot do that")]
    Unsupported,
    /// Another request is still waiting for its answer.
    #[error("the device is still busy with another request")]
    Busy,
    /// The device has the ability, and cannot do this with it; what it cannot, and what it can.
    #[error("{0}")]
    Unfit(&'static str),
}

/// Why a request that was sent came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The device did not answer in time.
    #[error("the device did not answer in time")]
    NoReply,
    /// The device answered that it will not.
    #[error("the device refused")]
    Refused,
    /// The device went away first.
    #[error("the device went away")]
    Gone,
    /// The device went away before a byte was sent.
    #[error("the device went away before anything was sent")]
    Unsent,
}

/// What scans on a device may mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Goods, never payments.
    #[default]
    Goods,
    /// Customers' payment codes.
    Payment,
    /// Either.
    Both,
}

impl Role {
    /// The word used in configuration and on the bus.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Payment => "payment",
            Self::Both => "both",
        }
    }
}
