//! Transactions of other tills, heard where their line is wired through.

use tracing::{error, info};

use super::{KEPT, LedgerNews, Live, send};
use crate::clock;
use crate::daemon::{Daemon, Key, Notice};
use crate::event::Timestamp;
use crate::event::terminal::Overheard;
use crate::store::Client;
use crate::transaction::{Intent, State, Transaction};

impl Daemon {
    /// A transaction has come to its end on a line that is wired through: it is in the ledger like one of ours.
    pub(in crate::daemon) fn overheard(&mut self, now: Timestamp, key: Key, overheard: Overheard) {
        let Some(device) = self.terminal_of(key).and_then(|key| self.devices.get(&key)) else {
            return;
        };
        let origin = &device.identity.origin;
        let watcher = device.ownership.owner().cloned();
        let ago = u64::try_from(now.since(overheard.first).as_micros()).unwrap_or(u64::MAX);
        let began = clock::realtime_micros().saturating_sub(ago);
        let intent = Intent {
            device: origin.name.clone(),
            lane: origin.lane.clone(),
            // The other till has keys of its own, if any, and tells nobody.
            key: format!("overheard {began}"),
            user: 0,
            operation: overheard.order.operation,
            amount: overheard.order.amount,
            currency: overheard.order.currency,
            receipt: overheard.order.receipt,
            simulated: origin.simulated,
            began,
        };
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| match book.witness(intent, &overheard, clock::realtime_micros()) {
            Ok(transaction) => send(&wakes, LedgerNews::Witnessed(Box::new(transaction), watcher)),
            Err(error) => error!(%error, "a transaction that was heard could not be written down"),
        });
    }

    /// The terminal of a line that is wired through, of whichever of its ends.
    fn terminal_of(&self, key: Key) -> Option<Key> {
        let wired = self.devices.get(&key)?.config.as_ref()?.wired.as_ref()?;
        if wired.is_source { self.device_named(&wired.partner) } else { Some(key) }
    }

    pub(super) fn witnessed(
        &mut self,
        now: Timestamp,
        transaction: Transaction,
        watcher: Option<Client>,
    ) {
        let (id, state) = (transaction.id, transaction.state);
        let device = &transaction.intent.device;
        info!(transaction = id, %device, outcome = state.word(), "heard");
        let mut live = Live::new(transaction);
        live.is_witnessed = true;
        live.until = (state != State::Unknown).then(|| now + KEPT);
        if let Some(watcher) = &watcher {
            live.follow(watcher);
        }
        self.add(id, live, None);
        self.outbox.send(Notice::TransactionState(id));
        self.tell_completed(id);
    }
}
