//! How a transaction ends that the terminal has not ended itself.
//!
//! Contract: the ledger decides. What is in memory changes, and clients hear of it, when it is on disk and as
//! it is there; until then the end is tried again. Of two ends, and of an end and the sending of the order,
//! the one that the ledger has first counts, and the other does not happen.

use std::time::Duration;

use tracing::{error, warn};

use super::{LedgerNews, Transactions, send};
use crate::clock;
use crate::daemon::{Daemon, Key};
use crate::event::Timestamp;
use crate::ledger::{Book, End};
use crate::session::Report;
use crate::transaction::{Next, State, Transaction};

/// The first wait before an end is written again that could not be; it doubles each time.
const FIRST_AGAIN: Duration = Duration::from_secs(1);
/// The longest wait.
const LAST_AGAIN: Duration = Duration::from_secs(60);

/// How long a daemon that is told to end waits for terminals that are at work: a service manager waits 90
/// seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// An end that is not on disk yet.
#[derive(Debug)]
pub(super) struct Closing {
    end: End,
    /// When it is to be written again.
    pub(super) again: Option<Timestamp>,
    wait: Duration,
}

impl Transactions {
    /// Whether a terminal is at work whose outcome may still be heard. One that was cut off may be asked by
    /// the next daemon as well.
    pub(in crate::daemon) fn are_at_work(&self) -> bool {
        self.live.values().any(|live| {
            let is_hopeless = live.closing.as_ref().is_some_and(|closing| closing.again.is_some());
            // What waits for the cashier, or for its reversal, outlives the daemon.
            let waits = live.transaction.left_over() == Next::Nothing;
            live.recovery.is_none() && !is_hopeless && !waits
        })
    }
}

/// Drops from the ledger what is old, where the clock can be believed. Nobody waits for that.
pub(super) fn drop_old(book: &mut Book, now: u64) {
    if clock::synchronised()
        && let Err(error) = book.prune(now)
    {
        warn!(%error, "what is old cannot be dropped from the ledger");
    }
}

impl Daemon {
    /// The daemon is to end: nothing begins any more, and what is under way has until the time returned.
    pub(in crate::daemon) fn let_terminals_end(&mut self, now: Timestamp) -> Timestamp {
        self.transactions.is_ending = true;
        let live = self.transactions.live.iter();
        let waiting: Vec<u64> =
            live.filter(|(_, live)| live.awaits_code()).map(|(id, _)| *id).collect();
        for id in waiting {
            self.close(id, State::Failed, "the daemon ended before it was done");
        }
        now + ENDS_WITHIN
    }

    /// Keeps what a session says while the daemon ends.
    pub(in crate::daemon) fn keep_last_word(&mut self, key: Key, report: Report) {
        match report {
            Report::Persist(id, entry, written) => self.persist(key, id, entry, written),
            Report::Overheard(heard) => self.overheard(clock::boottime(), key, *heard),
            _ => {}
        }
    }

    /// Waits until all that was to be written down has been.
    pub(in crate::daemon) async fn flush_ledger(&mut self) {
        if let Some(ledger) = &self.transactions.money.ledger {
            ledger.ask(|_| ()).await;
        }
    }

    /// Ends a transaction that nothing came of.
    pub(super) fn close(&mut self, id: u64, state: State, reason: &'static str) {
        self.close_with(id, End::new(state, reason));
    }

    /// Ends a transaction, once that is on disk.
    pub(super) fn close_with(&mut self, id: u64, end: End) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        if live.transaction.state.is_final() || live.closing.is_some() {
            return;
        }
        live.recovery = None;
        live.closing = Some(Closing { end: end.clone(), again: None, wait: FIRST_AGAIN });
        self.write_end(id, end);
    }

    fn write_end(&self, id: u64, end: End) {
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let written = book.close(id, &end, clock::realtime_micros());
            let written = written.inspect_err(
                |error| error!(%error, transaction = id, "its end is not written down"),
            );
            send(&wakes, LedgerNews::Closed(id, written.ok().map(Box::new)));
        });
    }

    /// Writes the ends again that could not be written.
    pub(super) fn close_again(&mut self, now: Timestamp) {
        let mut due = Vec::new();
        for (id, live) in &mut self.transactions.live {
            let Some(closing) = &mut live.closing else { continue };
            if closing.again.take_if(|again| *again <= now).is_some() {
                due.push((*id, closing.end.clone()));
            }
        }
        for (id, end) in due {
            self.write_end(id, end);
        }
    }

    /// An end was written, or not.
    pub(super) fn closed(
        &mut self,
        now: Timestamp,
        id: u64,
        transaction: Option<Box<Transaction>>,
    ) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        let Some(transaction) = transaction else {
            if let Some(closing) = &mut live.closing {
                closing.again = Some(now + closing.wait);
                closing.wait = (closing.wait * 2).min(LAST_AGAIN);
            }
            return;
        };
        live.closing = None;
        if live.transaction.state.is_final() {
            // The terminal's own word came first.
            return;
        }
        live.transaction = *transaction;
        if live.transaction.state.is_final() {
            return self.completed(now, id);
        }
        if live.transaction.question.is_some() {
            return self.ask_cashier(id);
        }
        if live.transaction.left_over() == Next::Nothing {
            // It waits for its reversal.
            return;
        }
        // The order had been sent by then: it is cut off.
        let state = live.transaction.state;
        live.set_state(state);
        self.recover(now, id);
    }

    /// The ledger has a transaction under way. Where nothing is known of that here, it is taken up now: it
    /// would else keep its terminal for ever.
    pub(super) fn reconcile(&self, id: u64) {
        let live = self.transactions.live.get(&id);
        if live.is_some_and(|live| !live.transaction.state.is_final()) {
            return;
        }
        warn!(transaction = id, "the ledger has it under way");
        let Some(ledger) = &self.transactions.money.ledger else { return };
        let wakes = self.wakes.clone();
        ledger.run(move |book| match book.transaction(id) {
            Ok(transaction) if !transaction.state.is_final() => {
                send(&wakes, LedgerNews::UnderWay(Box::new(transaction)));
            }
            Ok(_) => {}
            Err(error) => error!(%error, transaction = id, "the ledger cannot be read"),
        });
    }
}
