//! What stands in messages, in both layouts.

pub(super) mod three;
pub(super) mod two;

use crate::event::terminal::{Answer, Currency, Line, Order};

/// How messages are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Fixed places: "E" and "E+".
    Two,
    /// Tags, lengths and values: Caisse-AP. With the till's identifier, twelve characters.
    Three(String),
}

/// What the terminal says of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The till it speaks to, where it names one.
    pub(super) pos: Option<u32>,
    /// Whether the transaction was made; nothing where it says neither yes nor no.
    pub(super) made: Option<bool>,
    /// Whether somebody stopped it.
    pub(super) is_stopped: bool,
    /// What it brings back of ours.
    pub(super) private: Option<String>,
    /// Its word.
    pub(super) answer: Answer,
    /// The lines of its receipts.
    pub(super) lines: Vec<Line>,
}

impl Reply {
    /// The number of the transaction it is about, where it brings one back.
    pub(super) fn number(&self) -> Option<u64> {
        self.private.as_deref().and_then(number).filter(|number| *number != 0)
    }
}

impl Layout {
    /// The message that asks for this.
    pub(super) fn request(&self, order: &Order, pos: u32) -> String {
        match self {
            Self::Two => two::request(order, pos),
            Self::Three(identifier) => three::request(order, pos, identifier),
        }
    }

    /// The largest amount that a message has room for.
    pub(super) const fn most(&self) -> u64 {
        match self {
            Self::Two => 99_999_999,
            Self::Three(_) => 999_999_999_999,
        }
    }

    /// Reads a message; nothing where it is none.
    pub(super) fn reply(&self, message: &[u8]) -> Option<Reply> {
        match self {
            Self::Two => two::reply(message),
            Self::Three(_) => three::reply(message),
        }
    }
}

/// How many numbers there are for transactions: the private field has ten digits.
pub(super) const NUMBERS: u64 = 10_000_000_000;

/// The number of a transaction as it travels: its last ten digits.
pub(super) fn private(transaction: u64) -> String {
    format!("{:010}", transaction % NUMBERS)
}

/// The number that digits stand for; nothing where there are others.
fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The currency of a number in a message, which may be one that we do not know. Zeros tell none.
fn told_currency(number: u16) -> Option<Currency> {
    (number != 0).then(|| Currency::of(number.into()))
}
