//! What was done that needs a right of its own, and what was said too late.

use rusqlite::params;

use super::{Book, Error, unsigned};

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When, microseconds since 1970.
    pub time: u64,
    /// Whose it is, by user id.
    pub user: u32,
    /// The client on the bus; empty where it was none.
    pub client: String,
    /// The transaction.
    pub id: u64,
    /// What was done: `resolve approved`, `resolve declined`, `over-unknown`; `late` is what a terminal has
    /// said of a transaction that was over.
    pub act: String,
    /// What was noted.
    pub note: String,
}

impl Book {
    /// All of it, oldest first.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be read.
    pub fn acts(&self) -> Result<Vec<Act>, Error> {
        let mut statement = self.connection.prepare(
            "SELECT time, user, client, id, act, note FROM audit WHERE act != 'prune' ORDER BY rowid",
        )?;
        let acts = statement.query_map(params![], |row| {
            Ok(Act {
                time: unsigned(row.get(0)?),
                user: row.get(1)?,
                client: row.get(2)?,
                id: unsigned(row.get(3)?),
                act: row.get(4)?,
                note: row.get(5)?,
            })
        })?;
        Ok(acts.collect::<Result<_, _>>()?)
    }
}
