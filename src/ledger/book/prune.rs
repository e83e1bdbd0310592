//! How long the ledger keeps what.

use std::time::Duration;

use super::{Book, Error, audit, signed, unsigned};

/// How long transactions are kept: card schemes let a customer dispute one for 540 days.
const KEPT: Duration = Duration::from_secs(540 * 24 * 60 * 60);
/// How often old ones are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How much later it may be than the last time: a clock that is wrong by years must not empty the ledger.
const LARGEST_STEP: Duration = Duration::from_secs(31 * 24 * 60 * 60);

impl Book {
    /// Drops what is older than it has to be kept, now and then; never what is not settled. `now` has to be of
    /// a clock that is kept right.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn prune(&mut self, now: u64) -> Result<(), Error> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.pruned) < micros(PRUNE_EVERY) {
            return Ok(());
        }
        self.pruned = now;
        let change = self.connection.unchecked_transaction()?;
        let last: Option<i64> = change.query_row(
            "SELECT coalesce((SELECT max(time) FROM audit WHERE act = 'prune'), \
             (SELECT max(began) FROM transactions))",
            [],
            |row| row.get(0),
        )?;
        let Some(last) = last.map(unsigned) else { return Ok(()) };
        let now = now.min(last.saturating_add(micros(LARGEST_STEP)));
        let before = signed(now.saturating_sub(micros(KEPT)));
        change.execute(
            "DELETE FROM transactions WHERE ended < ?1 AND state != 'unknown'",
            [before],
        )?;
        change.execute("DELETE FROM audit WHERE time < ?1 OR act = 'prune'", [before])?;
        audit(&change, 0, 0, "", "prune", "", now)?;
        change.commit()?;
        Ok(())
    }
}
