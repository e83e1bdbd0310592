//! What a session counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Fault;

/// Counts since the daemon started.
#[derive(Debug, Default)]
pub struct Health {
    /// Bytes received.
    pub bytes: AtomicU64,
    /// Events made of them.
    pub events: AtomicU64,
    /// Payment codes that came again at once, as part of the same event.
    pub repeated: AtomicU64,
    /// Times the line was opened.
    pub opened: AtomicU64,
    /// Times the line went away.
    pub disconnected: AtomicU64,
    faults: [AtomicU64; Fault::KINDS.len()],
}

impl Health {
    /// Counts a fault.
    pub fn fault(&self, fault: &Fault) {
        let kind = fault.kind();
        if let Some(index) = Fault::KINDS.iter().position(|known| *known == kind)
            && let Some(count) = self.faults.get(index)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All counts by name.
    #[must_use]
    pub fn read(&self) -> BTreeMap<&'static str, u64> {
        let named = [
            ("bytes", &self.bytes),
            ("events", &self.events),
            ("repeated", &self.repeated),
            ("opened", &self.opened),
            ("disconnected", &self.disconnected),
        ];
        let faults = Fault::KINDS.into_iter().zip(&self.faults);
        named
            .into_iter()
            .chain(faults)
            .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
            .collect()
    }
}
