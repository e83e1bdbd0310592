//! What comes of a dialogue with a terminal: entry by entry, its end, or a whole one that was only heard.
//!
//! Contract: what belongs together is on the disk together or not at all.

use rusqlite::params;

use super::{Book, End, Error, FINAL, audit, json, signed, unsigned};
use crate::event::terminal::{Answer, Ending, Entry, Line, Order, Overheard};
use crate::transaction::{Intent, NOT_HEARD, Next, OVERHEARD, State, Transaction};

impl Book {
    /// Writes down a transaction of another till's that the terminal has taken, or its end, and gives the one
    /// that has ended. One of which only the end was heard is written down with it.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn witness(
        &mut self,
        intent: Intent,
        overheard: &Overheard,
        now: u64,
    ) -> Result<Option<Transaction>, Error> {
        let change = self.connection.unchecked_transaction()?;
        let is_end = overheard.ending.is_some();
        let open = self.heard_open(&intent, is_end, now)?;
        let (id, order) = match open {
            Some(open) => {
                // Some orders leave the currency to the terminal, whose answer names it.
                change.execute(
                    "UPDATE transactions SET currency = ?2 WHERE id = ?1",
                    params![signed(open.id), intent.currency.code],
                )?;
                let order = Order { currency: intent.currency, ..open.order() };
                (open.id, order)
            }
            None => {
                let known = self.known(&intent)?;
                let id = self.insert(&intent, &known)?;
                for entry in [Entry::Sending, Entry::Accepted] {
                    self.note_within(id, &entry, now)?;
                }
                (id, Transaction::new(id, intent, known).order())
            }
        };
        if let Some(ending) = &overheard.ending {
            self.end_heard(id, &order, overheard.answer.as_deref(), ending, now)?;
        }
        change.commit()?;
        if is_end { self.transaction(id).map(Some) } else { Ok(None) }
    }

    /// The transaction of which this is the end, where it has been written down. What was taken before and has
    /// not ended has lost its end.
    fn heard_open(
        &self,
        intent: &Intent,
        is_end: bool,
        now: u64,
    ) -> Result<Option<Transaction>, Error> {
        let sql = format!(
            "SELECT max(id) FROM transactions WHERE device = ?1 AND substr(key, 1, length(?2)) = ?2 \
             AND state NOT IN ({FINAL})"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let id: Option<i64> =
            statement.query_row([intent.device.as_str(), OVERHEARD], |row| row.get(0))?;
        let Some(id) = id.map(unsigned) else { return Ok(None) };
        let open = self.head(id)?;
        let what = |intent: &Intent| (intent.operation, intent.amount, intent.receipt);
        if is_end && what(&open.intent) == what(intent) {
            return Ok(Some(open));
        }
        self.close_within(id, &End::new(State::Unknown, NOT_HEARD), now)?;
        Ok(None)
    }

    /// Writes down how a transaction of another till's has ended.
    fn end_heard(
        &self,
        id: u64,
        order: &Order,
        answer: Option<&Answer>,
        ending: &Ending,
        now: u64,
    ) -> Result<(), Error> {
        let approval = answer.filter(|_| *ending == Ending::Approved);
        let misfit = approval.and_then(|answer| order.misfit(answer, None));
        let fitting = match misfit {
            Some(misfit) => Ending::Contradictory(misfit.to_string().into()),
            None => ending.clone(),
        };
        let answer = answer.map(|answer| Entry::Answer(Box::new(answer.clone())));
        for entry in answer.into_iter().chain([Entry::Ended(fitting)]) {
            self.note_within(id, &entry, now)?;
        }
        if let Ending::Unclear(why) = ending {
            // There is nobody to ask: the terminal talks to another.
            self.close_within(id, &End::new(State::Unknown, why), now)?;
        }
        Ok(())
    }

    /// Writes down what the terminal's side has said, and tells what has to happen next.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written; [`Error::Over`] where an order is about to be sent for a
    /// transaction that has ended.
    pub fn note(&mut self, id: u64, entry: &Entry, now: u64) -> Result<Next, Error> {
        let change = self.connection.unchecked_transaction()?;
        let next = self.note_within(id, entry, now)?;
        change.commit()?;
        Ok(next)
    }

    fn note_within(&self, id: u64, entry: &Entry, now: u64) -> Result<Next, Error> {
        let mut transaction = self.head(id)?;
        let is_late = transaction.state.is_final();
        if is_late && *entry == Entry::Sending {
            return Err(Error::Over(id));
        }
        if *entry == Entry::Reprint && !is_late {
            self.connection
                .prepare_cached("DELETE FROM lines WHERE id = ?1")?
                .execute([signed(id)])?;
        }
        let next = transaction.note(entry);
        if next == Next::Over {
            transaction.ended = Some(now);
        }
        match entry {
            Entry::Receipt(line) => self.add_line(id, line)?,
            Entry::Amended(lines) => self.amend_lines(id, lines)?,
            _ if is_late => self.add_evidence(&transaction, now)?,
            _ => {
                self.write(&transaction)?;
                self.add_evidence(&transaction, now)?;
            }
        }
        if is_late {
            let user = transaction.intent.user;
            audit(&self.connection, id, user, "", "late", late(entry), now)?;
        } else if let Some(answer) = transaction.newest() {
            self.heard(&transaction.intent, answer)?;
        }
        Ok(next)
    }

    /// Ends a transaction without a word of the terminal's, unless it has ended or has come too far for
    /// that. Gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn close(&mut self, id: u64, end: &End, now: u64) -> Result<Transaction, Error> {
        let change = self.connection.unchecked_transaction()?;
        self.close_within(id, end, now)?;
        change.commit()?;
        self.transaction(id)
    }

    fn close_within(&self, id: u64, end: &End, now: u64) -> Result<(), Error> {
        let mut transaction = self.head(id)?;
        if transaction.may_end(end.state) {
            transaction.finish(end.state, &end.reason, end.last.as_deref());
            transaction.ended = transaction.state.is_final().then_some(now);
            self.write(&transaction)?;
            self.add_evidence(&transaction, now)?;
            if let Some(last) = &end.last {
                self.heard(&transaction.intent, last)?;
            }
        }
        Ok(())
    }

    fn add_line(&self, id: u64, line: &Line) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO lines SELECT ?1, 1 + count(*), ?2, ?3 FROM lines WHERE id = ?1",
            )?
            .execute(params![signed(id), line.copy.word(), line.text])?;
        Ok(())
    }

    /// Puts the last lines right, where there are as many.
    fn amend_lines(&self, id: u64, lines: &[Line]) -> Result<(), Error> {
        let mut count =
            self.connection.prepare_cached("SELECT count(*) FROM lines WHERE id = ?1")?;
        let count: i64 = count.query_row([signed(id)], |row| row.get(0))?;
        let before = count - i64::try_from(lines.len()).unwrap_or(i64::MAX);
        if before < 0 {
            return Ok(());
        }
        let sql = "UPDATE lines SET copy = ?3, text = ?4 WHERE id = ?1 AND number = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (number, line) in (before + 1..).zip(lines) {
            statement.execute(params![signed(id), number, line.copy.word(), line.text])?;
        }
        Ok(())
    }

    /// Writes down what has become evidence now; what was before stands there.
    fn add_evidence(&self, transaction: &Transaction, now: u64) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO evidence SELECT ?1, 1 + count(*), ?2, ?3 FROM evidence WHERE id = ?1",
        )?;
        for answer in &transaction.evidence {
            statement.execute(params![signed(transaction.id), signed(now), json::write(answer)])?;
        }
        Ok(())
    }
}

/// What a terminal's side has said too late, in a word or two.
const fn late(entry: &Entry) -> &'static str {
    match entry {
        Entry::Sending => "sending",
        Entry::Accepted => "accepted",
        Entry::Receipt(_) | Entry::Amended(_) | Entry::Reprint => "receipt line",
        Entry::Answer(_) | Entry::Late(..) => "answer",
        Entry::Ended(Ending::Approved) => "ended approved",
        Entry::Ended(Ending::Declined) => "ended declined",
        Entry::Ended(Ending::Aborted) => "ended aborted",
        Entry::Ended(Ending::Failed(_)) => "ended failed",
        Entry::Ended(Ending::Unclear(_) | Ending::Contradictory(_)) => "ended unknown",
    }
}
