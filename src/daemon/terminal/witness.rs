//! Transactions of other tills, heard where their line is wired through.
//!
//! Contract: they are nobody's here. Who may claim the terminal may know of them, also after a restart; they give
//! no other right. None of them has an object for good, settled or not: a line that is cut again and again must
//! not fill memory. The ledger has them. One that keeps a sale from beginning has an object from then on until it
//! is settled: of each terminal that is one at a time.

use tracing::{error, info};

use super::{KEPT, LedgerNews, Live, end, send};
use crate::clock;
use crate::daemon::call::{Error, Reply};
use crate::daemon::rights::Caller;
use crate::daemon::{Daemon, Key, Notice};
use crate::event::Timestamp;
use crate::event::terminal::Overheard;
use crate::store::Client;
use crate::transaction::{Intent, OVERHEARD, State, Transaction};

/// The terminal of a line that is wired through, as it is written down with what is heard there.
#[derive(Clone, Debug)]
struct Heard {
    name: String,
    lane: String,
    simulated: bool,
    watcher: Option<Client>,
}

/// A device at either end of such a line that has gone, and when.
#[derive(Debug)]
pub(super) struct Departed {
    key: Key,
    since: Timestamp,
    heard: Heard,
}

impl Daemon {
    /// A transaction has been taken on a line that is wired through, or has come to its end: it is in the ledger
    /// like one of ours. One that is open there when the daemon begins has lost its end.
    pub(in crate::daemon) fn overheard(&mut self, now: Timestamp, key: Key, overheard: Overheard) {
        let of_departed = || {
            let mut departed = self.transactions.departed.iter();
            departed.find(|departed| departed.key == key).map(|departed| departed.heard.clone())
        };
        let Some(heard) = self.terminal_of(key).or_else(of_departed) else { return };
        let Heard { name, lane, simulated, watcher } = heard;
        let ago = u64::try_from(now.since(overheard.first).as_micros()).unwrap_or(u64::MAX);
        let began = clock::realtime_micros().saturating_sub(ago);
        let intent = Intent {
            device: name,
            lane,
            key: format!("{OVERHEARD}{began}"),
            user: 0,
            operation: overheard.order.operation,
            amount: overheard.order.amount,
            currency: overheard.order.currency,
            receipt: overheard.order.receipt,
            simulated,
            began,
        };
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let now = clock::realtime_micros();
            match book.witness(intent, &overheard, now) {
                Ok(Some(transaction)) => {
                    send(&wakes, LedgerNews::Witnessed(Box::new(transaction), watcher));
                }
                Ok(None) => {}
                Err(error) => {
                    error!(%error, "a transaction that was heard could not be written down");
                }
            }
            end::drop_old(book, now);
        });
    }

    /// The terminal of a line that is wired through, of whichever of its ends.
    fn terminal_of(&self, key: Key) -> Option<Heard> {
        let wired = self.devices.get(&key)?.config.as_ref()?.wired.as_ref()?;
        let terminal = if wired.is_source { self.device_named(&wired.partner)? } else { key };
        let device = self.devices.get(&terminal)?;
        let origin = &device.identity.origin;
        Some(Heard {
            name: origin.name.clone(),
            lane: origin.lane.clone(),
            simulated: origin.simulated,
            watcher: device.ownership.owner().cloned(),
        })
    }

    /// These devices are about to go. What their sessions have heard comes after that: a sale that was under way
    /// has lost its end.
    pub(in crate::daemon) fn remember_wired(&mut self, keys: &[Key]) {
        let since = clock::boottime();
        let departed = |key: &Key| {
            let heard = self.terminal_of(*key)?;
            Some(Departed { key: *key, since, heard })
        };
        let gone: Vec<_> = keys.iter().filter_map(departed).collect();
        let departed = &mut self.transactions.departed;
        departed.retain(|departed| since.since(departed.since) < KEPT);
        departed.extend(gone);
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
        live.until = Some(now + KEPT);
        if let Some(watcher) = &watcher {
            live.follow(watcher);
        }
        let whose = live.transaction.intent.whose();
        self.add(id, live, None);
        self.outbox.send(Notice::TransactionState(id));
        self.tell_completed(id);
        self.keep_the_newest(whose);
    }

    /// Has objects made again for what was heard shortly before the daemon began: whoever watched was not told
    /// of it all, perhaps.
    pub(super) fn take_up_heard(&self) {
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let kept = u64::try_from(KEPT.as_micros()).unwrap_or(u64::MAX);
            match book.heard_since(clock::realtime_micros().saturating_sub(kept)) {
                Ok(heard) => send(&wakes, LedgerNews::HeardBefore(heard)),
                Err(error) => error!(%error, "the ledger cannot be read"),
            }
        });
    }

    /// These were heard shortly before the daemon began.
    pub(super) fn heard_before(&mut self, now: Timestamp, heard: Vec<Transaction>) {
        for transaction in heard {
            let (id, whose) = (transaction.id, transaction.intent.whose());
            if self.transactions.live.contains_key(&id) {
                continue;
            }
            let mut live = Live::new(transaction);
            live.until = Some(now + KEPT);
            self.add(id, live, None);
            self.keep_the_newest(whose);
        }
    }

    /// An outcome that is not known keeps a transaction from beginning. It is to have an object, by which it can be
    /// settled: whoever is refused is told when that is there.
    pub(super) fn refuse_over_unknown(&mut self, id: u64, reply: Reply<u64>) {
        if self.transactions.live.contains_key(&id) {
            return self.unsettled(id, None, reply);
        }
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let found = book.transaction(id);
            let found = found
                .inspect_err(|error| error!(%error, transaction = id, "the ledger cannot be read"));
            send(&wakes, LedgerNews::Unsettled(id, found.ok().map(Box::new), reply));
        });
    }

    pub(super) fn unsettled(
        &mut self,
        id: u64,
        transaction: Option<Box<Transaction>>,
        reply: Reply<u64>,
    ) {
        // It may have been settled meanwhile.
        let is_unknown = |transaction: &Transaction| transaction.state == State::Unknown;
        match (self.transactions.live.get_mut(&id), transaction) {
            (Some(live), _) if is_unknown(&live.transaction) => live.until = None,
            (None, Some(transaction)) if is_unknown(&transaction) => {
                self.add(id, Live::new(*transaction), None);
            }
            _ => {}
        }
        let _ = reply.send(Err(Error::OutcomeUnknown(id)));
    }

    /// Whether a transaction was another till's, and the caller may watch the terminal that it was made at, who
    /// could have heard everything, or is to settle it.
    pub(super) fn may_watch(&self, caller: &Caller, intent: &Intent) -> bool {
        let rights = self.rights_of(&intent.device);
        intent.is_overheard() && (rights.may_claim(caller) || rights.resolve.permits(caller))
    }
}
