//! What a cashier answers, and the reversal of what was signed for wrongly.
//!
//! Contract: an answer is carried out once the ledger has it, and once. A refused signature begins one
//! reversal, a transaction of its own, and the payment is told to be over when that one is.

use tracing::{error, info};

use super::{LedgerNews, Live, send};
use crate::clock;
use crate::daemon::call::{Error, Reply};
use crate::daemon::rights::Caller;
use crate::daemon::status::State as DeviceState;
use crate::daemon::{Daemon, Notice};
use crate::event::Timestamp;
use crate::event::terminal::{Operation, Question, Reply as Said};
use crate::ledger::Answered;
use crate::transaction::{Next, State};

impl Daemon {
    /// The cashier answers what is asked. The caller hears of it when it is on disk.
    pub(super) fn cashier_answers(
        &mut self,
        caller: &Caller,
        id: u64,
        word: &str,
        reply: Reply<()>,
    ) {
        let said = match self.said_by_cashier(caller, id, word) {
            Ok(said) => said,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let (user, client) = (caller.uid, caller.client.clone());
        let wakes = self.wakes.clone();
        let Some(ledger) = &self.transactions.money.ledger else { return };
        info!(transaction = id, user, "the cashier has answered");
        ledger.run(move |book| {
            let now = clock::realtime_micros();
            match book.answer(id, &said, user, &client.to_string(), now) {
                Ok(answered) => send(&wakes, LedgerNews::Answered(id, answered, reply)),
                Err(error) => {
                    error!(%error, transaction = id, "not written down");
                    let _ = reply.send(Err(Error::NotReady("the ledger cannot be written".into())));
                }
            }
        });
    }

    /// The reply, where one is waited for and can be carried out now.
    fn said_by_cashier(&self, caller: &Caller, id: u64, word: &str) -> Result<Said, Error> {
        let live = self.of_caller(caller, id)?;
        let transaction = &live.transaction;
        if transaction.state.is_final() {
            return Err(Error::Expired("the transaction is over"));
        }
        let Some(question) = transaction.question else {
            return Err(Error::NotReady(not_asked(transaction.state).to_owned()));
        };
        let said = question.read(word).ok_or_else(|| {
            let (asked, accepted) = (question.word(), question.accepted());
            Error::InvalidArgument(format!(
                "the cashier is asked for `{asked}`; accepted: {accepted}"
            ))
        })?;
        if !needs_terminal(question, &said) {
            return Ok(said);
        }
        let key = self.device_named(&transaction.intent.device);
        let device = key.and_then(|key| self.devices.get(&key)).ok_or(Error::DeviceGone)?;
        if device.state() != DeviceState::Ready {
            let state = device.state().word();
            return Err(Error::NotReady(format!(
                "its state is {state}; answer again when it is back"
            )));
        }
        if question == Question::Signature && !device.can(Operation::Reversal.word()) {
            return Err(Error::Unsupported("this terminal's protocol has no reversal"));
        }
        Ok(said)
    }

    /// An answer is on disk.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: u64,
        answered: Answered,
        reply: Reply<()>,
    ) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        let result = match answered {
            Answered::NotAsked => Err(Error::Expired("it has been answered already")),
            Answered::Ended(state, reason) => {
                live.transaction.close(state, reason);
                self.completed(now, id);
                Ok(())
            }
            Answered::Authorize(code) => {
                // Of two answers that came together one is enough.
                if live.transaction.question.take().is_some() {
                    live.authorization = Some(code);
                    self.tell_terminal(id);
                }
                Ok(())
            }
            Answered::Undo(reversal) => {
                let undone_by = reversal.id;
                live.transaction.undo(undone_by);
                let mut undoing = Live::new(*reversal);
                undoing.followers.clone_from(&live.followers);
                self.announce_state(id);
                let text =
                    format!("the signature was refused, transaction {undone_by} reverses it");
                self.tell_progress(id, State::InProgress.word(), &text);
                self.add(undone_by, undoing, None);
                self.tell_terminal(undone_by);
                Ok(())
            }
        };
        let _ = reply.send(result);
    }

    /// Asks the cashier, whoever listens now; others find it by its key.
    pub(super) fn ask_cashier(&mut self, id: u64) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        let Some(question) = live.transaction.question else { return };
        live.recovery = None;
        let text = match live.transaction.reason.as_str() {
            "" => question.text().to_owned(),
            reason => format!("{reason}; {}", question.text()),
        };
        info!(transaction = id, question = question.word(), "the cashier is asked");
        self.announce_state(id);
        self.tell_progress(id, State::AwaitingCashier.word(), &text);
    }

    /// A transaction has come to its end: what it was to undo goes on, as the ledger has it.
    pub(super) fn settle_undone(&mut self, now: Timestamp, reversal: u64) {
        let Some(done) = self.transactions.live.get(&reversal) else { return };
        let done = done.transaction.clone();
        let mut all = self.transactions.live.iter_mut();
        let undone = all.find(|(_, live)| live.transaction.undone_by == Some(reversal));
        let Some((&id, live)) = undone else { return };
        match live.transaction.undone(&done) {
            Next::Over => self.completed(now, id),
            Next::Ask => self.ask_cashier(id),
            Next::Nothing | Next::Enquire => {}
        }
    }

    fn announce_state(&mut self, id: u64) {
        let Some(live) = self.transactions.live.get(&id) else { return };
        live.state.send_replace(live.transaction.state);
        self.outbox.send(Notice::TransactionState(id));
    }
}

/// Whether a reply is nothing without the terminal.
fn needs_terminal(question: Question, said: &Said) -> bool {
    match question {
        Question::Signature => *said == Said::No,
        Question::Authorization => *said != Said::No,
    }
}

/// Why there is nothing to answer.
fn not_asked(state: State) -> &'static str {
    match state {
        State::AwaitingCashier => "the terminal waits for the cashier's answer at its own keys",
        _ => "nothing is asked of the cashier",
    }
}
