//! What people decide: a cashier's answers, and outcomes that are settled by hand.
//!
//! Contract: an answer and what it leads to are on the disk together or not at all. A payment and the
//! reversal that is to undo it end together: no crash falls between them.

use rusqlite::params;

use super::{Book, Error, audit, signed};
use crate::event::terminal::Reply;
use crate::transaction::{Known, Next, Resolution, State, Transaction, Verdict};

/// What has come of a cashier's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is over.
    Ended(State, &'static str),
    /// This reversal has been written down; the terminal has to be told.
    Undo(Box<Transaction>),
    /// The terminal has to be told again, with this code.
    Authorize(String),
    /// Nothing is asked that this answers.
    NotAsked,
}

impl Book {
    /// Writes a cashier's answer down, with who gave it, and what it leads to.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn answer(
        &mut self,
        id: u64,
        reply: &Reply,
        user: u32,
        client: &str,
        now: u64,
    ) -> Result<Answered, Error> {
        let mut transaction = self.head(id)?;
        let Some(verdict) = transaction.verdict(reply) else { return Ok(Answered::NotAsked) };
        let change = self.connection.unchecked_transaction()?;
        audit(&change, id, user, client, "answer", reply.word(), now)?;
        let answered = match verdict {
            Verdict::End(state, reason) => {
                transaction.close(state, reason);
                transaction.ended = Some(now);
                self.update(&transaction)?;
                Answered::Ended(state, reason)
            }
            Verdict::Undo => match self.undo(&mut transaction, now)? {
                Some(reversal) => Answered::Undo(Box::new(reversal)),
                None => return Ok(Answered::NotAsked),
            },
            Verdict::Authorize(code) => Answered::Authorize(code),
        };
        change.commit()?;
        Ok(answered)
    }

    /// Writes down the reversal that is to undo a transaction.
    fn undo(&self, transaction: &mut Transaction, now: u64) -> Result<Option<Transaction>, Error> {
        let Some((intent, original)) = transaction.reversal(now) else { return Ok(None) };
        let known = Known { original: Some(original), ..self.known(&intent)? };
        let id = self.insert(&intent, &known)?;
        transaction.undo(id);
        self.update(transaction)?;
        let undoes = Some(transaction.id);
        Ok(Some(Transaction { undoes, ..Transaction::new(id, intent, known) }))
    }

    /// Writes down what becomes of the transaction that a reversal, which has ended, was to undo.
    pub(super) fn settle_undone(&self, reversal: &Transaction) -> Result<(), Error> {
        let Some(undone) = reversal.undoes else { return Ok(()) };
        let mut transaction = self.head(undone)?;
        match transaction.undone(reversal) {
            Next::Nothing | Next::Enquire => return Ok(()),
            Next::Over => transaction.ended = reversal.ended,
            Next::Ask => {}
        }
        self.update(&transaction)
    }

    /// Settles a transaction whose outcome is not known, and with a reversal what it was to undo where
    /// that is not known either. Gives what was settled, and how.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn resolve(
        &mut self,
        id: u64,
        state: State,
        resolution: &Resolution,
        client: &str,
    ) -> Result<Vec<(u64, State)>, Error> {
        let transaction = self.head(id)?;
        if transaction.state != State::Unknown {
            return Ok(Vec::new());
        }
        let mut settled = vec![(id, state)];
        if let Some(undone) = transaction.undoes
            && self.head(undone)?.state == State::Unknown
        {
            // What was reversed is not paid; where nothing was, it is.
            let reversed = state == State::Approved;
            settled.push((undone, if reversed { State::Declined } else { State::Approved }));
        }
        let change = self.connection.unchecked_transaction()?;
        let Resolution { user, note, time } = resolution;
        for (id, state) in &settled {
            change.execute(
                "UPDATE transactions SET state = ?2, resolved_by = ?3, resolved_note = ?4, \
                 resolved_at = ?5 WHERE id = ?1",
                params![signed(*id), state.word(), user, note, signed(*time)],
            )?;
            let act = format!("resolve {}", state.word());
            audit(&change, *id, *user, client, &act, note, *time)?;
        }
        change.commit()?;
        Ok(settled)
    }
}
