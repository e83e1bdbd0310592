//! What clients ask, between the bus and the daemon.
//!
//! Contract: every call carries who asks and where the answer goes; the daemon answers each once.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use tokio::sync::oneshot;

use super::Key;
use super::claim;
use super::rights::Caller;
use super::terminal::{TransactionAct, Wish};
use crate::event::{Request, Settlement, Value, Verdict};
use crate::store::Page;

/// Why a call failed: one for each decision a client can take. The variants are the D-Bus errors
/// `org.tillbus1.Error.<Name>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Claim the device first.
    #[error("claim the device first")]
    NotClaimed,
    /// Another client has the device.
    #[error("another client owns the device")]
    NotOwner,
    /// Another client has the device and kept it.
    #[error("another client owns the device and has kept it")]
    AlreadyClaimed,
    /// The configuration's `[access]` does not give the caller this right.
    #[error("configuration does not give you the right `{0}` ([access] in tillbus.toml)")]
    AccessDenied(&'static str),
    /// The device has no such ability.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The device is not open.
    #[error("the device is not ready: {0}")]
    NotReady(String),
    /// The device went away.
    #[error("the device went away")]
    DeviceGone,
    /// The device is busy with another request.
    #[error("the device is still busy with another request")]
    DeviceBusy,
    /// An argument is wrong.
    #[error("{0}")]
    InvalidArgument(String),
    /// A bound was reached.
    #[error("{0}")]
    LimitExceeded(&'static str),
    /// It is too late.
    #[error("{0}")]
    Expired(&'static str),
    /// Another transaction is under way.
    #[error("another transaction is under way on this terminal")]
    TransactionInProgress,
    /// The outcome of an earlier transaction is not known.
    #[error(
        "the outcome of transaction {0} on this terminal is not known: look at the terminal's last \
         receipt, then settle it (Resolve) before the next"
    )]
    OutcomeUnknown(u64),
    /// The device did not answer in time.
    #[error("the device did not answer in time")]
    Timeout,
    /// The configuration is wrong; what was in force before stays so.
    #[error("{0}")]
    ConfigurationInvalid(String),
}

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// A call to the manager or to one device.
#[derive(Debug)]
pub enum Call {
    /// To a device.
    Device {
        /// Who asks.
        caller: Caller,
        /// Of which device.
        device: Key,
        /// What.
        act: Act,
    },
    /// The events after a sequence.
    Replay {
        /// Who asks.
        caller: Caller,
        /// The epoch the caller knows, empty where none.
        epoch: String,
        /// The last sequence the caller has seen.
        after: u64,
        /// The most events to answer with.
        limit: usize,
        /// Where the answer goes.
        reply: Reply<Page>,
    },
    /// To a transaction.
    Transaction {
        /// Who asks.
        caller: Caller,
        /// Of which transaction.
        id: u64,
        /// What.
        act: TransactionAct,
    },
    /// The transaction begun with a key.
    FindTransaction {
        /// Who asks.
        caller: Caller,
        /// The key.
        key: String,
        /// Where the answer goes.
        reply: Reply<u64>,
    },
    /// Read the configuration again.
    Reload {
        /// Who asks.
        caller: Caller,
        /// Where the answer goes.
        reply: Reply<()>,
    },
}

/// What a device is asked.
#[derive(Debug)]
pub enum Act {
    /// Own it.
    Claim(claim::Options, Reply<()>),
    /// Keep it against a challenge.
    Retain(Reply<()>),
    /// Give it up.
    Release(Reply<()>),
    /// All events up to this one are handled.
    Acknowledge(u64, Reply<()>),
    /// Forget what has not been delivered.
    Clear(Reply<()>),
    /// Ask the device itself.
    Request(Request, Reply<()>),
    /// Tell the person at the device how it went with an event.
    Indicate(u64, Verdict, Reply<()>),
    /// Hand over the secret part of an event.
    Take(u64, Reply<OwnedFd>),
    /// What became of a payment code.
    Settle(u64, Settlement, Reply<()>),
    /// Begin a transaction.
    Begin(Wish, Reply<u64>),
    /// How a terminal fares.
    Terminal(Reply<BTreeMap<&'static str, Value>>),
    /// What the port shows.
    Diagnose(Reply<Vec<Evidence>>),
}

/// One thing that is known of a port: what, and its values by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// `line`, `modem-lines`, `kernel-counters`, `health`.
    pub kind: &'static str,
    /// The values.
    pub values: BTreeMap<&'static str, Value>,
}
