//! What became of a transaction that was cut off.

use std::time::Duration;

use tracing::{error, info, warn};

use super::{KEPT, LedgerNews, Live, send};
use crate::clock;
use crate::daemon::status::State as DeviceState;
use crate::daemon::{Daemon, Key, Notice};
use crate::event::Timestamp;
use crate::event::terminal::{Answer, Clock, Instruction, Recovery};
use crate::ledger::End;
use crate::session::Order;
use crate::store::seen::Holder;
use crate::transaction::{Clocks, Finding, NOT_HEARD, Next, State, Transaction, weigh};

/// How long the terminal is asked before a person has to find out.
const RECOVER_WITHIN: Duration = Duration::from_secs(180);

/// What the cashier has to do, behind the reason of an unknown outcome.
const ADVICE: &str =
    "look at the terminal's last receipt and settle this transaction before the next";

impl Daemon {
    /// Takes up what was under way when the daemon before this one ended.
    pub(in crate::daemon) fn take_up(&mut self, now: Timestamp) {
        for transaction in std::mem::take(&mut self.transactions.money.left_over) {
            self.take_up_one(now, transaction);
        }
        self.take_up_codes();
        self.take_up_heard();
    }

    /// Finds out what became of the transactions that had a code when the daemon before this one ended, and
    /// are not under way.
    fn take_up_codes(&mut self) {
        let mut ids = self.seen.transactions();
        ids.retain(|id| !self.transactions.live.contains_key(id));
        if ids.is_empty() {
            return;
        }
        let Some(ledger) = &self.transactions.money.ledger else {
            return self.codes_found(ids.into_iter().map(|id| (id, None)).collect());
        };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let state = |id: u64| book.transaction(id).ok().map(|transaction| transaction.state);
            let states = ids.into_iter().map(|id| (id, state(id))).collect();
            send(&wakes, LedgerNews::CodesFound(states));
        });
    }

    /// These transactions had a code and stand so in the ledger, or are not in it.
    pub(super) fn codes_found(&mut self, states: Vec<(u64, Option<State>)>) {
        for (id, state) in states {
            match state {
                Some(state) => self.codes_landed(id, state),
                None => self.seen.doubt(Holder::Transaction(id)),
            }
        }
        self.keep_seen();
    }

    /// Takes up a transaction that the ledger has, and that nothing is known of here.
    pub(super) fn take_up_one(&mut self, now: Timestamp, transaction: Transaction) {
        let (id, next) = (transaction.id, transaction.left_over());
        if self.transactions.live.contains_key(&id) {
            return;
        }
        info!(transaction = id, state = transaction.state.word(), "was under way");
        let is_lost = transaction.intent.is_overheard() && !transaction.state.is_final();
        self.add(id, Live::new(transaction), None);
        if is_lost {
            // There is nobody to ask: the terminal talks to another till.
            return self.give_up(id, NOT_HEARD);
        }
        match next {
            Next::Nothing | Next::Ask => {}
            Next::Over => self.close(id, State::Failed, "the daemon ended before it was done"),
            Next::Enquire => self.recover(now, id),
        }
    }

    /// The end of a transaction was not seen: the terminal is to be asked, now or when it is back.
    pub(super) fn recover(&mut self, now: Timestamp, id: u64) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        // An end that is on its way to the disk says itself what comes then.
        if live.recovery.is_some() || live.closing.is_some() || live.transaction.state.is_final() {
            return;
        }
        live.recovery = Some(now + RECOVER_WITHIN);
        let name = live.transaction.intent.device.clone();
        let reason = live.transaction.reason.clone();
        warn!(transaction = id, device = name, reason, "cut off; the terminal will be asked");
        let key = self.device_named(&name);
        let device = key.and_then(|key| self.devices.get(&key));
        if device.is_some_and(|device| device.identity.recovery() == Recovery::None) {
            let why = "the line was cut, and this terminal cannot be asked what it did";
            return self.give_up(id, why);
        }
        self.tell_progress(id, "in-progress", "asking the terminal what became of it");
        self.enquire(&name);
    }

    /// Asks the terminal about its cut-off transaction, if it has one and is there.
    pub(in crate::daemon) fn enquire(&mut self, name: &str) {
        let Some(id) = self.transactions.open_on(name) else { return };
        let Some(live) = self.transactions.live.get(&id) else { return };
        if live.recovery.is_none() {
            return;
        }
        let mut order = live.transaction.order();
        order.password = self.password(name);
        let key = self.device_named(name);
        let Some(device) = key.and_then(|key| self.devices.get(&key)) else { return };
        if device.state() == DeviceState::Ready {
            if device.is_simulated() != live.transaction.intent.simulated {
                let why = "one of then and now is simulated: it is not the terminal that was asked";
                return self.give_up(id, why);
            }
            device.order(Order::Instruct(Instruction::Enquire(order)));
        }
    }

    /// The line of a terminal is gone. Only the ledger knows how far its transaction was: what has not been
    /// sent is over there, and can then not be sent any more; what has been sent is cut off.
    ///
    /// Called before a session is let go, too: that one may have been told to begin, and not have begun.
    pub(in crate::daemon) fn terminal_lost(&mut self, key: Key) {
        self.told_how_it_fares(key, None);
        let Some(device) = self.devices.get(&key) else { return };
        let open = self.transactions.open_on(&device.identity.origin.name);
        let live = open.and_then(|id| self.transactions.live.get(&id));
        // One that nobody has been told of yet finds out for itself, and one that waits for the cashier or for
        // its reversal needs no line.
        let needs_it = |live: &&Live| live.transaction.left_over() != Next::Nothing;
        let live = live.filter(|live| !live.is_unannounced && live.recovery.is_none());
        let Some(live) = live.filter(needs_it) else { return };
        let id = live.transaction.id;
        self.close(id, State::Failed, "the line went away before it was done");
    }

    /// What the terminal says of its last transaction.
    pub(super) fn weigh_last(
        &mut self,
        now: Timestamp,
        id: u64,
        answer: Option<Box<Answer>>,
        terminal: Clock,
    ) {
        let Some(live) = self.transactions.live.get(&id).filter(|live| live.recovery.is_some())
        else {
            return;
        };
        // The clock on the wall may have been set since; it is all there is of an order from before.
        let began = live.transaction.intent.began;
        let by_wall = || Duration::from_micros(clock::realtime_micros().saturating_sub(began));
        let since = live.sent.map_or_else(by_wall, |sent| now.since(sent));
        let clocks = Clocks { terminal, host: clock::local(), since };
        let finding = weigh(&live.transaction, answer.as_deref(), clocks);
        let (state, reason) = match finding {
            Finding::Approved => (State::Approved, String::new()),
            Finding::Declined => (State::Declined, String::new()),
            Finding::Unknown(why) => (State::Unknown, format!("{why}; {ADVICE}")),
        };
        info!(transaction = id, outcome = state.word(), reason, "the terminal was asked");
        self.close_with(id, End { state, reason, last: answer });
    }

    /// Nobody can tell any more: a person has to.
    pub(super) fn give_up(&mut self, id: u64, why: &str) {
        self.close_with(id, End::new(State::Unknown, &format!("{why}; {ADVICE}")));
    }

    /// Something here is due.
    pub(in crate::daemon) fn expire_transactions(&mut self, now: Timestamp) {
        self.give_up_waiting(now);
        self.close_again(now);
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let live = &self.transactions.live;
        let lost: Vec<u64> =
            live.iter().filter(|(_, live)| due(live.recovery)).map(|(id, _)| *id).collect();
        let old: Vec<u64> =
            live.iter().filter(|(_, live)| due(live.until)).map(|(id, _)| *id).collect();
        for id in lost {
            self.give_up(id, "the terminal could not be asked in time");
        }
        for id in old {
            self.transactions.live.remove(&id);
            self.outbox.send(Notice::TransactionRemoved(id));
        }
    }

    /// A transaction has come to its end, on disk too.
    pub(super) fn completed(&mut self, now: Timestamp, id: u64) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        let state = live.transaction.state;
        live.state.send_replace(state);
        live.recovery = None;
        if live.transaction.ended.is_none() {
            live.transaction.ended = Some(clock::realtime_micros());
        }
        // One of ours that has to be settled stays until it is.
        let stays = state == State::Unknown && !live.transaction.intent.is_overheard();
        live.until = (!stays).then(|| now + KEPT);
        let whose = live.transaction.intent.whose();
        let intent = &live.transaction.intent;
        if state == State::Unknown {
            // A person has to do something, and may be looking for the priority alone.
            error!(
                transaction = id,
                device = %intent.device,
                reason = %live.transaction.reason,
                "its outcome is unknown; the terminal takes no payment until it is settled"
            );
        } else {
            info!(transaction = id, device = %intent.device, outcome = state.word(), "ended");
        }
        self.codes_landed(id, state);
        self.outbox.send(Notice::TransactionState(id));
        self.tell_completed(id);
        self.keep_the_newest(whose);
        self.adopt_deferred();
        self.settle_undone(now, id);
    }
}
