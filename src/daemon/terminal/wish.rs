//! What a client asks a terminal to begin, and whether that makes sense.

use super::code::Means;
use crate::daemon::call::Error;
use crate::event::terminal::{Currency, Operation};
use crate::transaction::OVERHEARD;

/// The longest key.
const LONGEST_KEY: usize = 128;

/// What a client asks a terminal to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is to be done.
    pub operation: Operation,
    /// The idempotency key.
    pub key: String,
    /// The amount in minor units.
    pub amount: Option<u64>,
    /// The currency.
    pub currency: Option<Currency>,
    /// The receipt number of the earlier transaction it is about.
    pub receipt: Option<u32>,
    /// With what it is paid.
    pub means: Means,
    /// Begin although the outcome of an earlier transaction is not known.
    pub over_unknown: bool,
}

/// The amount of a wish that makes sense, or why it makes none.
pub(super) fn amount(wish: &Wish) -> Result<(u64, Currency), Error> {
    let wrong = |message: &str| Err(Error::InvalidArgument(message.to_owned()));
    let operation = wish.operation;
    if wish.key.len() > LONGEST_KEY || wish.key.chars().any(char::is_control) {
        return wrong("`key` has to be text of at most 128 bytes");
    }
    if wish.key.starts_with(OVERHEARD) {
        return wrong("`key` begins as those do of transactions that were heard of another till");
    }
    if operation.moves_money() && wish.key.is_empty() {
        return wrong("`key` is missing: where money moves each transaction has a key of its own");
    }
    if operation.needs_receipt() && wish.receipt.is_none() {
        return wrong("`receipt` is missing: the receipt number of the earlier transaction");
    }
    if !operation.needs_receipt() && wish.receipt.is_some() {
        return wrong("`receipt` has no meaning for this operation");
    }
    match (operation.needs_amount(), wish.amount) {
        (true, None | Some(0)) => wrong("`amount` is missing: minor units, at least 1"),
        (true, Some(1_000_000_000_000..)) => wrong("`amount` has more than 12 digits"),
        (true, Some(amount)) => match wish.currency {
            Some(currency) => Ok((amount, currency)),
            None => wrong("`currency` is missing: the three letters of ISO 4217"),
        },
        (false, Some(_)) => wrong("`amount` has no meaning for this operation"),
        (false, None) => Ok((0, wish.currency.unwrap_or(Currency::EUR))),
    }
}
