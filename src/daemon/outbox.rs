//! What the daemon wants said on the bus.
//!
//! Contract: saying never waits. Notices of objects and claims are as many as changes of devices
//! and clients; what devices make of themselves is bounded here. A scan that finds the bus stalled is
//! left to `Replay`, a fault to the log and to `Health`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::Key;
use super::call::Reply;
use super::status::{Identity, Status};
use super::terminal::{TransactionSignal, TransactionView};
use crate::session::Health;
use crate::store::{Client, Record};

/// The most scans, faults and words of withheld events that may wait for a bus that does not take them. More than the ring holds could
/// not be replayed anyway.
const SCANS: usize = crate::store::EVENTS;

/// What the bus side knows of a device.
#[derive(Clone, Debug)]
pub struct View {
    /// The device.
    pub key: Key,
    /// What never changes.
    pub identity: Arc<Identity>,
    /// What does.
    pub status: watch::Receiver<Status>,
    /// Its counters.
    pub health: Arc<Health>,
}

/// One thing to say.
#[derive(Debug)]
pub enum Notice {
    /// A device's object appears.
    Added(View),
    /// It goes.
    Removed(Key),
    /// Properties have changed.
    Changed(Key, Vec<Property>),
    /// A signal of a device's object, to one client or to all.
    Signal(Key, Option<Client>, Signal),
    /// A transaction's object appears; who asked for it is answered once it is there.
    TransactionAdded(TransactionView, Option<Reply<u64>>),
    /// It goes.
    TransactionRemoved(u64),
    /// Its state has changed.
    TransactionState(u64),
    /// A signal of its object, to one client.
    Transaction(u64, Client, TransactionSignal),
    /// Ask the client for a sign of life.
    Prove(Client),
}

/// The properties that are announced when they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// `State`
    State,
    /// `Access`
    Access,
    /// `Node`
    Node,
    /// `SerialNumber`
    SerialNumber,
    /// `Owner`
    Owner,
    /// `Enabled`
    Enabled,
    /// `Condition`
    Condition,
}

/// A signal of a device's object.
#[derive(Debug)]
pub enum Signal {
    /// A code or a card was read.
    Read {
        /// The event.
        record: Arc<Record>,
        /// How late it is, where it was held back.
        age: Option<Duration>,
        /// Whether it is older than the owner wants.
        stale: bool,
    },
    /// Something was wrong.
    Fault {
        /// Which kind.
        kind: &'static str,
        /// In words.
        message: String,
        /// Numbers by name.
        details: BTreeMap<&'static str, u64>,
    },
    /// Another client wants the device: retain it or lose it.
    ReleaseRequested,
    /// An event was for the owner alone, or for nobody.
    Withheld {
        /// Its sequence.
        sequence: u64,
        /// Its content's word.
        kind: &'static str,
    },
    /// The claim is lost, for this reason.
    ClaimLost(&'static str),
}

/// The way to the bus.
#[derive(Clone, Debug)]
pub struct Outbox {
    notices: mpsc::UnboundedSender<Notice>,
    scans: Arc<AtomicUsize>,
}

/// The bus's end.
#[derive(Debug)]
pub struct Notices {
    notices: mpsc::UnboundedReceiver<Notice>,
    scans: Arc<AtomicUsize>,
}

/// A new way to the bus, both ends.
#[must_use]
pub fn outbox() -> (Outbox, Notices) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let scans = Arc::new(AtomicUsize::new(0));
    let notices = Notices { notices: receiver, scans: Arc::clone(&scans) };
    (Outbox { notices: sender, scans }, notices)
}

impl Outbox {
    /// Says a thing. Returns `false` for a device's that the stalled bus has no room for.
    pub fn send(&self, notice: Notice) -> bool {
        if is_bounded(&notice) {
            if self.scans.load(Ordering::Relaxed) >= SCANS {
                return false;
            }
            self.scans.fetch_add(1, Ordering::Relaxed);
        }
        // Without a bus there is nobody to tell.
        let _ = self.notices.send(notice);
        true
    }
}

impl Notices {
    /// The next thing to say, `None` when the daemon is gone.
    pub async fn next(&mut self) -> Option<Notice> {
        let notice = self.notices.recv().await?;
        Some(self.took(notice))
    }

    /// The next thing to say, if there is one already.
    pub fn try_next(&mut self) -> Option<Notice> {
        let notice = self.notices.try_recv().ok()?;
        Some(self.took(notice))
    }

    fn took(&self, notice: Notice) -> Notice {
        if is_bounded(&notice) {
            self.scans.fetch_sub(1, Ordering::Relaxed);
        }
        notice
    }
}

/// Whether a device can bring it about as often as it sends something.
fn is_bounded(notice: &Notice) -> bool {
    use Signal::{Fault, Read, Withheld};
    matches!(notice, Notice::Signal(_, _, Read { .. } | Withheld { .. } | Fault { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_that_takes_nothing_bounds_what_devices_say_and_nothing_else() {
        let (outbox, mut notices) = outbox();
        for _ in 0..SCANS + 5 {
            assert!(outbox.send(Notice::Removed(Key(1))));
        }
        assert!(matches!(notices.try_next(), Some(Notice::Removed(Key(1)))));
        let withheld = |sequence| {
            Notice::Signal(Key(1), None, Signal::Withheld { sequence, kind: "payment-code" })
        };
        for sequence in 0..SCANS as u64 {
            assert!(outbox.send(withheld(sequence)), "{sequence}");
        }
        assert!(!outbox.send(withheld(0)), "one too many");
        while notices.try_next().is_some() {}
        assert!(outbox.send(withheld(0)), "there is room again");
    }
}
