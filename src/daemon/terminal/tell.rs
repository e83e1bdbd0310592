//! What clients hear of transactions.

use tokio::sync::watch;

use crate::daemon::{Daemon, Notice};
use crate::event::terminal::{Awaiting, Progress, Question};
use crate::transaction::{State, Transaction};

/// What the bus side knows of a transaction.
#[derive(Clone, Debug)]
pub struct TransactionView {
    /// Its number.
    pub id: u64,
    /// Where it stands.
    pub state: watch::Receiver<State>,
}

/// A signal of a transaction's object.
#[derive(Debug)]
pub enum TransactionSignal {
    /// It has come this far: the state's word, words for a person, and what the cashier is asked.
    Progress(&'static str, String, Option<Question>),
    /// It is over.
    Completed(Box<Transaction>),
}

impl Daemon {
    /// The terminal has told how far it is.
    pub(super) fn progressed(&mut self, id: u64, progress: &Progress) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        if live.recovery.is_some() || live.closing.is_some() || live.transaction.state.is_final() {
            return;
        }
        let state = match progress.awaiting {
            Awaiting::Customer => State::AwaitingCustomer,
            Awaiting::Cashier => State::AwaitingCashier,
            Awaiting::Terminal => State::InProgress,
        };
        if live.transaction.state != state {
            live.set_state(state);
            self.outbox.send(Notice::TransactionState(id));
        }
        self.tell_progress(id, state.word(), &progress.text);
    }

    pub(super) fn tell_progress(&self, id: u64, state: &'static str, text: &str) {
        let Some(live) = self.transactions.live.get(&id) else { return };
        let question = live.transaction.question;
        for client in &live.followers {
            let signal = TransactionSignal::Progress(state, text.to_owned(), question);
            self.outbox.send(Notice::Transaction(id, client.clone(), signal));
        }
    }

    pub(super) fn tell_completed(&self, id: u64) {
        let Some(live) = self.transactions.live.get(&id) else { return };
        for client in &live.followers {
            let signal = TransactionSignal::Completed(Box::new(live.transaction.clone()));
            self.outbox.send(Notice::Transaction(id, client.clone(), signal));
        }
    }
}
