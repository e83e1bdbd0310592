//! `org.tillbus1.Manager` at the root object.

use std::sync::Arc;

use zbus::OwnedObjectPath;
use zbus::interface;
use zbus::message::Header;

use super::client::{self, Clients};
use super::convert::{self, Dict};
use super::error::Error;
use super::transaction;
use crate::clock;
use crate::daemon::call::Call;

/// The manager.
pub(super) struct ManagerInterface {
    epoch: String,
    clients: Arc<Clients>,
}

impl ManagerInterface {
    pub(super) fn new(epoch: String, clients: Arc<Clients>) -> Self {
        Self { epoch, clients }
    }
}

/// The daemon as a whole. Its devices are the objects below `/org/tillbus1/device`; ObjectManager
/// lists them.
#[interface(name = "org.tillbus1.Manager")]
impl ManagerInterface {
    /// The daemon's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// Names the run of sequence numbers. Another epoch than before means: begin again with the
    /// oldest event there is.
    #[zbus(property(emits_changed_signal = "const"))]
    fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The sequence number of the newest event, 0 before the first.
    #[zbus(property(emits_changed_signal = "false"))]
    async fn sequence(&self) -> u64 {
        self.clients.newest()
    }

    /// Events after a sequence number, oldest first, at most `limit` (1 to 1000). Subscribe first,
    /// replay then, and drop what you have seen. An epoch that is not the daemon's, or the empty
    /// one, begins with the oldest event there is. An event that was for another client is there as
    /// its `sequence` with `withheld`.
    #[zbus(out_args("epoch", "newest", "more", "events"))]
    async fn replay(
        &self,
        #[zbus(header)] header: Header<'_>,
        epoch: String,
        after: u64,
        limit: u32,
    ) -> Result<(String, u64, bool, Vec<Dict<'static>>), Error> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = self
            .clients
            .ask(&header, |caller, reply| Call::Replay { caller, epoch, after, limit, reply })
            .await?;
        let client = client::sender(&header)?;
        let now = clock::boottime();
        let events = page
            .records
            .iter()
            .map(|record| convert::replayed(record, &client, now.since(record.received())))
            .collect();
        Ok((page.epoch, page.newest, page.more, events))
    }

    /// The newest transaction begun with this idempotency key by the caller's user, also after a
    /// restart and after its object has gone: it then has one again. The caller gets its signals. Keys
    /// are a terminal's own: where others have one of this key, those have objects again too. A transaction
    /// that was heard of another till (its key begins with `overheard`) is found by whoever may claim the
    /// terminal, or settle outcomes there.
    async fn find_transaction(
        &self,
        #[zbus(header)] header: Header<'_>,
        key: String,
    ) -> Result<OwnedObjectPath, Error> {
        let call = |caller, reply| Call::FindTransaction { caller, key, reply };
        transaction::path(self.clients.ask(&header, call).await?)
    }

    /// Reads the configuration again. A wrong one changes nothing; the error names file, line and
    /// column.
    async fn reload(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.clients.ask(&header, |caller, reply| Call::Reload { caller, reply }).await
    }
}
