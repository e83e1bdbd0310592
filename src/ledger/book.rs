//! The ledger's file: tables, and what is read from and written to them.

mod acts;
mod answers;
mod dialogue;
mod prune;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

pub use answers::Answered;

use super::json;
use crate::event::terminal::{Answer, Copy, Currency, Line, Operation, Original};
use crate::transaction::{Intent, Known, OVERHEARD, Resolution, State, Transaction};

pub use acts::Act;

/// The version of the tables below.
const VERSION: u32 = 2;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, lane TEXT NOT NULL, key TEXT NOT NULL, user INTEGER NOT NULL,
    operation TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    of_receipt INTEGER, simulated INTEGER NOT NULL, began INTEGER NOT NULL,
    known_receipt INTEGER, known_terminal TEXT, original_amount INTEGER, original_trace INTEGER,
    state TEXT NOT NULL, accepted INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    answer TEXT, receipt INTEGER, authorised INTEGER, ended INTEGER,
    resolved_by INTEGER, resolved_note TEXT, resolved_at INTEGER, undone_by INTEGER
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS keys ON transactions (device, key) WHERE key != '';
CREATE INDEX IF NOT EXISTS receipts_given ON transactions (device, receipt);
CREATE INDEX IF NOT EXISTS undoing ON transactions (undone_by) WHERE undone_by IS NOT NULL;
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER NOT NULL REFERENCES transactions ON DELETE CASCADE,
    number INTEGER NOT NULL, copy TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (id, number)
) STRICT;
CREATE TABLE IF NOT EXISTS evidence (
    id INTEGER NOT NULL REFERENCES transactions ON DELETE CASCADE,
    number INTEGER NOT NULL, time INTEGER NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (id, number)
) STRICT;
CREATE TABLE IF NOT EXISTS heard (
    device TEXT NOT NULL, simulated INTEGER NOT NULL, terminal TEXT, receipt INTEGER,
    PRIMARY KEY (device, simulated)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    time INTEGER NOT NULL, user INTEGER NOT NULL, client TEXT NOT NULL,
    id INTEGER NOT NULL, act TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
";

/// What version 1 had otherwise: real and simulated money of a terminal were one, and no cashier was asked.
const COLUMN_FOR_VERSION_1: &str = "ALTER TABLE transactions ADD COLUMN undone_by INTEGER";
const FROM_VERSION_1: &str = "
INSERT INTO heard SELECT device, 0, terminal, receipt FROM terminals;
DROP TABLE terminals;
";

const COLUMNS: &str = "id, device, lane, key, user, operation, amount, currency, of_receipt, simulated, \
                       began, known_receipt, known_terminal, original_amount, original_trace, state, \
                       accepted, reason, answer, ended, resolved_by, resolved_note, resolved_at, undone_by, \
                       (SELECT undone.id FROM transactions undone WHERE undone.undone_by = \
                       transactions.id) AS undoes";

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be made or opened.
    #[error("the ledger cannot be opened: {0}")]
    File(#[from] std::io::Error),
    /// SQLite says so.
    #[error("the ledger: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It was written by another version.
    #[error("the ledger has version {0}, accepted is {VERSION}")]
    Version(u32),
    /// There is no such transaction.
    #[error("the ledger has no transaction {0}")]
    NotFound(u64),
    /// It has ended: nothing may be sent for it any more.
    #[error("transaction {0} is over")]
    Over(u64),
}

/// How a transaction is to end, without the terminal's own word on that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// In which state.
    pub state: State,
    /// Why, in words.
    pub reason: String,
    /// What the terminal has told of its last transaction, where it was asked.
    pub last: Option<Box<Answer>>,
}

impl End {
    /// One that the terminal was not asked about.
    #[must_use]
    pub fn new(state: State, reason: &str) -> Self {
        Self { state, reason: reason.to_owned(), last: None }
    }
}

/// A transaction that has been written down, or was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new.
    New(Box<Transaction>),
    /// Its key and all it asks for are those of an earlier one.
    Before(Box<Transaction>),
}

/// Why a transaction was not written down.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another one is under way on this terminal.
    #[error("transaction {0} is under way on this terminal")]
    InProgress(u64),
    /// The outcome of an earlier one is not known.
    #[error("the outcome of transaction {0} on this terminal is not known")]
    Unknown(u64),
    /// The key is that of a transaction that asks for something else.
    #[error("the key is that of transaction {0}, which is not the same")]
    KeyTaken(u64),
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// What a terminal's approved transactions since its last close come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many payments, and captures of reserved amounts.
    pub payments: u64,
    /// What they come to.
    pub paid: u64,
    /// How many refunds.
    pub refunds: u64,
    /// What they come to.
    pub refunded: u64,
    /// How many reversals.
    pub reversals: u64,
    /// What they come to.
    pub reversed: u64,
}

/// A transaction as it is listed.
pub type Row = Transaction;

/// The ledger's file.
#[derive(Debug)]
pub struct Book {
    connection: Connection,
    pruned: u64,
}

impl Book {
    /// Opens the file, or makes it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// Where it cannot be opened, or is another version's.
    pub fn open(path: &Path) -> Result<Self, Error> {
        OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Self::prepare(Connection::open(path)?)
    }

    /// Opens an existing file to read it.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn read(path: &Path) -> Result<Self, Error> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags)?;
        check(&connection)?;
        Ok(Self { connection, pruned: u64::MAX })
    }

    /// A ledger without a file, for tests.
    ///
    /// # Errors
    ///
    /// Where SQLite has no memory.
    pub fn in_memory() -> Result<Self, Error> {
        Self::prepare(Connection::open_in_memory()?)
    }

    /// Whether everything that would be written is refused, as by a full disk.
    #[cfg(test)]
    pub(crate) fn refuse(&self, refuse: bool) {
        let _ = self.connection.pragma_update(None, "query_only", refuse);
    }

    fn prepare(connection: Connection) -> Result<Self, Error> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let before = version(&connection)?;
        if before < VERSION {
            let change = connection.unchecked_transaction()?;
            if before == 1 {
                change.execute_batch(COLUMN_FOR_VERSION_1)?;
            }
            change.execute_batch(TABLES)?;
            if before == 1 {
                change.execute_batch(FROM_VERSION_1)?;
            }
            change.pragma_update(None, "user_version", VERSION)?;
            change.commit()?;
        }
        check(&connection)?;
        Ok(Self { connection, pruned: 0 })
    }

    /// Writes an intent down, unless its key is known or its terminal is not free for it. With
    /// `over_unknown` an outcome that is not known keeps nothing from beginning.
    ///
    /// # Errors
    ///
    /// A [`Refused`]; nothing has been written then.
    pub fn begin(&mut self, intent: Intent, over_unknown: bool) -> Result<Begun, Refused> {
        self.begin_beside(intent, over_unknown, None)
    }

    /// The same, where the names of all terminals that there are now are known: an outcome that a terminal no
    /// longer there has left unknown may be that of the one which has another name now.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn begin_beside(
        &mut self,
        intent: Intent,
        over_unknown: bool,
        all: Option<&[String]>,
    ) -> Result<Begun, Refused> {
        if let Some(id) = self.with_key(&intent.device, &intent.key)? {
            let before = self.transaction(id)?;
            if before.intent.is_same(&intent) {
                return Ok(Begun::Before(Box::new(before)));
            }
            return Err(Refused::KeyTaken(id));
        }
        if let Some(id) = self.under_way(&intent.device)? {
            return Err(Refused::InProgress(id));
        }
        if intent.operation.moves_money()
            && !over_unknown
            && let Some(id) = self.unknown(&intent.device, intent.simulated)?
        {
            return Err(Refused::Unknown(id));
        }
        let known = self.known(&intent)?;
        if intent.operation.moves_money()
            && !over_unknown
            && let Some(id) = self.left_behind(&intent, &known, all.unwrap_or_default())?
        {
            return Err(Refused::Unknown(id));
        }
        let id = self.insert(&intent, &known)?;
        Ok(Begun::New(Box::new(Transaction::new(id, intent, known))))
    }

    /// The last receipt that a terminal was heard to have given out.
    fn heard(&self, intent: &Intent, answer: &Answer) -> Result<(), Error> {
        if answer.receipt.is_none() && answer.terminal.is_none() {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO heard VALUES (?1, ?2, ?3, ?4) ON CONFLICT (device, simulated) DO UPDATE \
                 SET terminal = coalesce(excluded.terminal, terminal), \
                 receipt = coalesce(excluded.receipt, receipt)",
            )?
            .execute(params![intent.device, intent.simulated, answer.terminal, answer.receipt])?;
        Ok(())
    }

    /// Writes down that somebody did what needs a right of its own.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn audit(
        &mut self,
        id: u64,
        user: u32,
        client: &str,
        act: &str,
        now: u64,
    ) -> Result<(), Error> {
        audit(&self.connection, id, user, client, act, "", now)
    }

    /// A transaction with its receipt lines.
    ///
    /// # Errors
    ///
    /// Where there is none, or the ledger cannot be read.
    pub fn transaction(&self, id: u64) -> Result<Transaction, Error> {
        let mut transaction = self.head(id)?;
        let mut lines = self
            .connection
            .prepare_cached("SELECT copy, text FROM lines WHERE id = ?1 ORDER BY number")?;
        let lines = lines.query_map([signed(id)], |row| {
            let copy: String = row.get(0)?;
            Ok(Line { copy: Copy::from_word(&copy).unwrap_or_default(), text: row.get(1)? })
        })?;
        transaction.lines = lines.collect::<Result<_, _>>()?;
        let mut evidence = self
            .connection
            .prepare_cached("SELECT answer FROM evidence WHERE id = ?1 ORDER BY number")?;
        let evidence = evidence.query_map([signed(id)], |row| row.get::<_, String>(0))?;
        for text in evidence {
            transaction.evidence.extend(json::read(&text?));
        }
        Ok(transaction)
    }

    /// The transactions with this key, of this user where one is named, or nobody's, the newest last: one of
    /// each terminal.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn find(&self, key: &str, user: Option<u32>) -> Result<Vec<Transaction>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM transactions WHERE key = ?1 AND key != '' AND (user = coalesce(?2, user) \
             OR ?3) ORDER BY id",
        )?;
        let is_nobodys = key.starts_with(OVERHEARD);
        let ids =
            statement.query_map(params![key, user, is_nobodys], |row| row.get::<_, i64>(0))?;
        ids.map(|id| self.transaction(unsigned(id?))).collect()
    }

    /// The transactions that were heard of other tills, and whose end was heard since then.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn heard_since(&self, time: u64) -> Result<Vec<Transaction>, Error> {
        // Times do not always rise with the numbers, so all of the newest are looked at.
        let mut statement = self.connection.prepare(
            "SELECT id FROM (SELECT id, key, ended FROM transactions ORDER BY id DESC LIMIT 1000) \
             WHERE substr(key, 1, length(?1)) = ?1 AND ended > ?2 ORDER BY id",
        )?;
        let ids =
            statement.query_map(params![OVERHEARD, signed(time)], |row| row.get::<_, i64>(0))?;
        ids.map(|id| self.transaction(unsigned(id?))).collect()
    }

    /// The transactions that were under way when the ledger was last written, and those of ours whose outcome
    /// is not known.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn left_over(&self) -> Result<Vec<Transaction>, Error> {
        let sql = format!(
            "SELECT id FROM transactions WHERE (state = 'unknown' AND substr(key, 1, length(?1)) != ?1) \
             OR state NOT IN ({FINAL}) ORDER BY id"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let ids = statement.query_map([OVERHEARD], |row| row.get::<_, i64>(0))?;
        ids.map(|id| self.transaction(unsigned(id?))).collect()
    }

    /// The oldest transaction of a terminal, in this kind of money, whose outcome is not known.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn unknown(&self, device: &str, simulated: bool) -> Result<Option<u64>, Error> {
        let sql = "SELECT min(id) FROM transactions WHERE device = ?1 AND simulated = ?2 AND \
                   state = 'unknown'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let id: Option<i64> = statement.query_row(params![device, simulated], |row| row.get(0))?;
        Ok(id.map(unsigned))
    }

    /// All transactions, oldest first, without their receipt lines.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn rows(&self) -> Result<Vec<Row>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM transactions ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([], transaction)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a terminal's transactions in this kind of money come to since its last close.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn totals(&self, device: &str, simulated: bool) -> Result<Totals, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT operation, count(*), sum(coalesce(authorised, amount)) FROM transactions \
             WHERE device = ?1 AND simulated = ?2 AND state = 'approved' AND NOT EXISTS (SELECT 1 \
             FROM transactions undone WHERE undone.undone_by = transactions.id AND \
             undone.state = 'declined') AND id > (SELECT coalesce(max(id), 0) FROM transactions \
             WHERE device = ?1 AND simulated = ?2 AND operation = 'close' AND state = 'approved') \
             GROUP BY operation",
        )?;
        let mut totals = Totals::default();
        let mut rows = statement.query(params![device, simulated])?;
        while let Some(row) = rows.next()? {
            let operation: String = row.get(0)?;
            let (count, sum) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
            match Operation::from_word(&operation) {
                Some(Operation::Payment | Operation::Capture) => {
                    totals.payments += count;
                    totals.paid += sum;
                }
                Some(Operation::Refund) => (totals.refunds, totals.refunded) = (count, sum),
                Some(Operation::Reversal) => (totals.reversals, totals.reversed) = (count, sum),
                _ => {}
            }
        }
        Ok(totals)
    }

    fn head(&self, id: u64) -> Result<Transaction, Error> {
        let sql = format!("SELECT {COLUMNS} FROM transactions WHERE id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_row([signed(id)], transaction).optional()?;
        found.ok_or(Error::NotFound(id))
    }

    fn with_key(&self, device: &str, key: &str) -> Result<Option<u64>, Error> {
        if key.is_empty() {
            return Ok(None);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM transactions WHERE device = ?1 AND key = ?2")?;
        let id = statement.query_row([device, key], |row| row.get(0)).optional()?;
        Ok(id.map(unsigned))
    }

    /// The transaction of a terminal that is not among `all`, whose outcome is not known, and that may be this
    /// one under another name: it has that one's number, or nothing is known of it at all.
    fn left_behind(
        &self,
        intent: &Intent,
        known: &Known,
        all: &[String],
    ) -> Result<Option<u64>, Error> {
        if all.is_empty() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT id, device, known_terminal, EXISTS (SELECT 1 FROM transactions WHERE device = ?1) \
             FROM transactions WHERE state = 'unknown' AND simulated = ?2 ORDER BY id",
        )?;
        let mut rows = statement.query(params![intent.device, intent.simulated])?;
        while let Some(row) = rows.next()? {
            let (device, number, is_old): (String, Option<String>, bool) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            let is_same = number.is_some() && number == known.terminal;
            if !all.contains(&device) && (is_same || !is_old) {
                return Ok(Some(unsigned(row.get(0)?)));
            }
        }
        Ok(None)
    }

    fn under_way(&self, device: &str) -> Result<Option<u64>, Error> {
        let sql = format!(
            "SELECT min(id) FROM transactions WHERE device = ?1 AND state NOT IN ({FINAL})"
        );
        let id: Option<i64> =
            self.connection.prepare_cached(&sql)?.query_row([device], |row| row.get(0))?;
        Ok(id.map(unsigned))
    }

    fn known(&self, intent: &Intent) -> Result<Known, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT receipt, terminal FROM heard WHERE device = ?1 AND simulated = ?2",
        )?;
        let heard = statement
            .query_row(params![intent.device, intent.simulated], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (receipt, terminal) = heard.unwrap_or_default();
        let original = match intent.receipt {
            Some(receipt) => self.original(intent, receipt)?,
            None => None,
        };
        Ok(Known { receipt, terminal, original })
    }

    fn original(&self, intent: &Intent, receipt: u32) -> Result<Option<Original>, Error> {
        let sql = "SELECT coalesce(authorised, amount), answer FROM transactions WHERE device = ?1 AND \
                   simulated = ?2 AND receipt = ?3 AND state = 'approved' ORDER BY id DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement
            .query_row(params![intent.device, intent.simulated, receipt], |row| {
                let amount: i64 = row.get(0)?;
                let answer: Option<String> = row.get(1)?;
                let trace = answer.and_then(|text| json::read(&text)).and_then(|a| a.trace);
                Ok(Original { amount: Some(unsigned(amount)), trace })
            })
            .optional()?;
        Ok(found)
    }

    fn insert(&self, intent: &Intent, known: &Known) -> Result<u64, Error> {
        let original = known.original.unwrap_or(Original { amount: None, trace: None });
        self.connection.execute(
            "INSERT INTO transactions (device, lane, key, user, operation, amount, currency, of_receipt, \
             simulated, began, known_receipt, known_terminal, original_amount, original_trace, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![
                intent.device,
                intent.lane,
                intent.key,
                intent.user,
                intent.operation.word(),
                signed(intent.amount),
                intent.currency.code,
                intent.receipt,
                intent.simulated,
                signed(intent.began),
                known.receipt,
                known.terminal,
                original.amount.map(signed),
                original.trace,
                State::Preparing.word(),
            ],
        )?;
        Ok(unsigned(self.connection.last_insert_rowid()))
    }

    /// Writes a transaction, and with its end what becomes of the one that it was to undo.
    fn write(&self, transaction: &Transaction) -> Result<(), Error> {
        self.update(transaction)?;
        if transaction.state.is_final() {
            self.settle_undone(transaction)?;
        }
        Ok(())
    }

    fn update(&self, transaction: &Transaction) -> Result<(), Error> {
        let answer = transaction.answer.as_deref();
        self.connection.prepare_cached(
            "UPDATE transactions SET state = ?2, accepted = ?3, reason = ?4, answer = ?5, receipt = ?6, \
             authorised = ?7, ended = ?8, undone_by = ?9 WHERE id = ?1",
        )?
        .execute(params![
            signed(transaction.id),
            transaction.state.word(),
            transaction.is_accepted,
            transaction.reason,
            answer.map(json::write),
            answer.and_then(|answer| answer.receipt),
            answer.and_then(|answer| answer.amount).map(signed),
            transaction.ended.map(signed),
            transaction.undone_by.map(signed),
        ])?;
        Ok(())
    }
}

/// The words of the final states, for a condition.
const FINAL: &str = "'approved', 'declined', 'aborted', 'failed', 'unknown'";

fn version(connection: &Connection) -> Result<u32, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn check(connection: &Connection) -> Result<(), Error> {
    match version(connection)? {
        VERSION => Ok(()),
        other => Err(Error::Version(other)),
    }
}

fn audit(
    connection: &Connection,
    id: u64,
    user: u32,
    client: &str,
    act: &str,
    note: &str,
    now: u64,
) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![signed(now), user, client, signed(id), act, note],
    )?;
    Ok(())
}

fn transaction(row: &SqlRow<'_>) -> rusqlite::Result<Transaction> {
    let operation: String = row.get("operation")?;
    let currency: String = row.get("currency")?;
    let state: String = row.get("state")?;
    let answer: Option<String> = row.get("answer")?;
    let count = |name: &str| row.get::<_, i64>(name).map(unsigned);
    let maybe = |name: &str| row.get::<_, Option<i64>>(name).map(|value| value.map(unsigned));
    let original =
        Original { amount: maybe("original_amount")?, trace: row.get("original_trace")? };
    let resolution = match row.get::<_, Option<u32>>("resolved_by")? {
        Some(user) => Some(Resolution {
            user,
            note: row.get::<_, Option<String>>("resolved_note")?.unwrap_or_default(),
            time: maybe("resolved_at")?.unwrap_or_default(),
        }),
        None => None,
    };
    let state = State::from_word(&state).unwrap_or(State::Unknown);
    let answer = answer.and_then(|text| json::read(&text)).map(Box::new);
    let asked = answer.as_ref().and_then(|answer| answer.question);
    Ok(Transaction {
        id: count("id")?,
        intent: Intent {
            device: row.get("device")?,
            lane: row.get("lane")?,
            key: row.get("key")?,
            user: row.get("user")?,
            // Only this program writes these words.
            operation: Operation::from_word(&operation).unwrap_or(Operation::Payment),
            amount: count("amount")?,
            currency: Currency::from_code(&currency).unwrap_or(Currency::EUR),
            receipt: row.get("of_receipt")?,
            simulated: row.get("simulated")?,
            began: count("began")?,
        },
        known: Known {
            receipt: row.get("known_receipt")?,
            terminal: row.get("known_terminal")?,
            original: (original.amount.is_some() || original.trace.is_some()).then_some(original),
        },
        state,
        is_accepted: row.get("accepted")?,
        answer,
        evidence: Vec::new(),
        lines: Vec::new(),
        reason: row.get("reason")?,
        ended: maybe("ended")?,
        resolution,
        question: asked.filter(|_| state == State::AwaitingCashier),
        undone_by: maybe("undone_by")?,
        undoes: maybe("undoes")?,
    })
}

/// SQLite's integers are signed; amounts, numbers and times of ours fit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;
