//! How long the ledger keeps what.
//!
//! Contract: two things have to be so before anything goes: the clock says that it is old, and so many later days
//! have had transactions. No clock, however wrong and for however long, drops what is younger than that many
//! days of business; a shop that is seldom open keeps it longer.

use std::time::Duration;

use rusqlite::OptionalExtension as _;

use super::{Book, Error, signed};

/// How long transactions are kept: card schemes let a customer dispute one for 540 days.
const KEPT: Duration = Duration::from_secs(540 * 24 * 60 * 60);
/// On how many later days there have to have been transactions: as many of those 540 as a shop is open that
/// closes on two days a week and on holidays.
const LATER_DAYS: u32 = 365;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Book {
    /// Drops what is older than it has to be kept, now and then; never what is not settled. `now` has to be of
    /// a clock that is kept right.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot be written.
    pub fn prune(&mut self, now: u64) -> Result<(), Error> {
        // A clock that has been set back is no reason to wait for it to get there again.
        if now.abs_diff(self.pruned) < micros(DAY) {
            return Ok(());
        }
        self.pruned = now;
        let change = self.connection.unchecked_transaction()?;
        // In the order in which they were written down, whatever the clock said then.
        let sql = "SELECT max(id) AS newest FROM transactions GROUP BY began / ?1 \
                   ORDER BY newest DESC LIMIT 1 OFFSET ?2";
        let days = [signed(micros(DAY)), i64::from(LATER_DAYS - 1)];
        let later: Option<i64> = change.query_row(sql, days, |row| row.get(0)).optional()?;
        let Some(later) = later else { return Ok(()) };
        let before = signed(now.saturating_sub(micros(KEPT)));
        change.execute(
            "DELETE FROM transactions WHERE id < ?1 AND ended < ?2 AND state != 'unknown'",
            [later, before],
        )?;
        change.execute(
            "DELETE FROM audit WHERE id < ?1 AND time < ?2 AND id NOT IN (SELECT id FROM transactions)",
            [later, before],
        )?;
        change.commit()?;
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
