//! What comes of a dialogue with a terminal: entry by entry, its end, or a whole one that was only heard.
//!
//! Contract: what belongs together is on the disk together or not at all.

use rusqlite::params;

use super::{Book, End, Error, audit, json, signed};
use crate::event::terminal::{Ending, Entry, Line, Overheard};
use crate::transaction::{Intent, Next, State, Transaction};

impl Book {
    /// Writes down a transaction of another till's, of which only the end is known, and gives it.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn witness(
        &mut self,
        intent: Intent,
        overheard: &Overheard,
        now: u64,
    ) -> Result<Transaction, Error> {
        let change = self.connection.unchecked_transaction()?;
        let known = self.known(&intent)?;
        let id = self.insert(&intent, &known)?;
        let order = Transaction::new(id, intent, known).order();
        let answer = overheard.answer.as_deref().filter(|_| overheard.ending == Ending::Approved);
        let misfit = answer.and_then(|answer| order.misfit(answer, None));
        let ending = match misfit {
            Some(misfit) => Ending::Contradictory(misfit.to_string().into()),
            None => overheard.ending.clone(),
        };
        let answer = overheard.answer.clone().map(Entry::Answer);
        let ended = Entry::Ended(ending);
        let entries = [Some(Entry::Sending), Some(Entry::Accepted), answer, Some(ended)];
        for entry in entries.into_iter().flatten() {
            self.note_within(id, &entry, now)?;
        }
        if let Ending::Unclear(why) = &overheard.ending {
            // There is nobody to ask: the terminal talks to another.
            self.close_within(id, &End::new(State::Unknown, why), now)?;
        }
        change.commit()?;
        self.transaction(id)
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
