//! The event ring: what was said lately, for clients that were not listening.
//!
//! Contract: bounded in events and in bytes, sequences rise by one and are never reused within an
//! epoch. Held in memory: a daemon restart begins a new epoch, which clients see in every answer.

pub mod seen;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{Event, Timestamp};

/// The most events the ring keeps.
pub const EVENTS: usize = 4096;
/// The most bytes of event payload the ring keeps; the newest event is kept whatever its size.
pub const BYTES: usize = 4 << 20;

/// The unique bus name of a client. The bus never gives one out twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client(Arc<str>);

impl Client {
    /// A client of this unique name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The unique name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who may see an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// It was broadcast.
    Everyone,
    /// It was for the owner of its device.
    Only(Client),
    /// It was for this client, and what was confidential in it is wiped.
    Past(Client),
    /// It was confidential and there was nobody to have it.
    Nobody,
}

/// The device an event came from, as events name it.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    /// The device's name.
    pub name: String,
    /// Its object's path.
    pub path: String,
    /// Its lane, empty where configuration names none.
    pub lane: String,
    /// Whether the device is a simulated one.
    pub simulated: bool,
}

/// An event with all that delivery adds to it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number in this epoch, from 1.
    pub sequence: u64,
    /// Where it came from.
    pub origin: Arc<Origin>,
    /// What was said.
    pub event: Event,
    /// When its last byte arrived, microseconds since 1970.
    pub time: u64,
    /// Whether the wall clock was synchronised then.
    pub synchronised: bool,
    /// Whether the same bytes came from the same device within the duplicate window.
    pub duplicate: bool,
    /// Who may see it.
    pub audience: Audience,
}

impl Record {
    /// When the last byte arrived.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        self.event.last()
    }

    /// The same with another event in it, for another audience.
    #[must_use]
    pub fn with(&self, event: Event, audience: Audience) -> Self {
        Self { event, audience, origin: Arc::clone(&self.origin), ..*self }
    }

    /// Whether this client may see it.
    #[must_use]
    pub fn visible_to(&self, client: &Client) -> bool {
        match &self.audience {
            Audience::Everyone => true,
            Audience::Only(owner) => owner == client,
            Audience::Past(_) | Audience::Nobody => false,
        }
    }

    /// Whether it was this client's and nobody else's, wiped since or not.
    #[must_use]
    pub fn went_to(&self, client: &Client) -> bool {
        match &self.audience {
            Audience::Only(owner) | Audience::Past(owner) => owner == client,
            Audience::Everyone | Audience::Nobody => false,
        }
    }

    fn size(&self) -> usize {
        self.event.size()
    }
}

/// A page of the ring.
#[derive(Debug)]
pub struct Page {
    /// The epoch the page is of.
    pub epoch: String,
    /// The newest sequence there is.
    pub newest: u64,
    /// Whether there is more after the last record of the page.
    pub more: bool,
    /// The records, oldest first.
    pub records: Vec<Arc<Record>>,
}

/// The ring.
#[derive(Debug)]
pub struct Ring {
    epoch: String,
    newest: u64,
    published: Arc<AtomicU64>,
    bytes: usize,
    records: VecDeque<Arc<Record>>,
}

impl Ring {
    /// An empty ring. The epoch is to be one that no ring before it had.
    #[must_use]
    pub fn new(epoch: String) -> Self {
        Self { epoch, newest: 0, published: Arc::default(), bytes: 0, records: VecDeque::new() }
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The sequence of the newest event, 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The sequence of the newest event for those who only look.
    #[must_use]
    pub fn published(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.published)
    }

    /// Takes an event in; `record` is made with the sequence it gets.
    pub fn push(&mut self, record: impl FnOnce(u64) -> Record) -> Arc<Record> {
        self.newest += 1;
        self.published.store(self.newest, Ordering::Relaxed);
        let record = Arc::new(record(self.newest));
        self.bytes += record.size();
        self.records.push_back(Arc::clone(&record));
        while self.records.len() > EVENTS || (self.bytes > BYTES && self.records.len() > 1) {
            if let Some(oldest) = self.records.pop_front() {
                self.bytes -= oldest.size();
            }
        }
        record
    }

    /// The event of this sequence, unless it has fallen off.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<&Arc<Record>> {
        let oldest = self.records.front()?.sequence;
        self.records.get(usize::try_from(sequence.checked_sub(oldest)?).ok()?)
    }

    /// Hides an event from everyone, and wipes what it said.
    pub fn wipe(&mut self, sequence: u64) {
        let oldest = self.records.front().map_or(0, |record| record.sequence);
        let index = sequence.checked_sub(oldest).and_then(|index| usize::try_from(index).ok());
        let Some(record) = index.and_then(|index| self.records.get_mut(index)) else { return };
        let audience = match &record.audience {
            Audience::Only(owner) | Audience::Past(owner) => Audience::Past(owner.clone()),
            Audience::Everyone | Audience::Nobody => Audience::Nobody,
        };
        let new = record.with(record.event.clone().wiped(), audience);
        self.bytes = self.bytes - record.size() + new.size();
        *record = Arc::new(new);
    }

    /// At most `limit` events after `after`. With an epoch that is not this ring's, `after` counts
    /// for nothing and the page begins with the oldest event there is.
    #[must_use]
    pub fn page(&self, epoch: &str, after: u64, limit: usize) -> Page {
        let after = if epoch == self.epoch { after } else { 0 };
        let oldest = self.records.front().map_or(self.newest + 1, |record| record.sequence);
        let skip = usize::try_from((after + 1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        let records: Vec<_> = self.records.iter().skip(skip).take(limit).cloned().collect();
        let more = skip.saturating_add(records.len()) < self.records.len();
        Page { epoch: self.epoch.clone(), newest: self.newest, more, records }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Content, Scan, Sensitivity, Symbology};
    use crate::secret::Secret;

    fn record(sequence: u64, bytes: usize) -> Record {
        let origin =
            Origin { name: "box".into(), path: "/".into(), lane: String::new(), simulated: false };
        Record {
            sequence,
            origin: Arc::new(origin),
            event: Event::Scan(Scan {
                symbology: Symbology::Unknown,
                inferred: false,
                aim: None,
                content: Content::Binary,
                sensitivity: Sensitivity::Public,
                text: Secret::new(String::new()),
                encoding: None,
                raw: Secret::new(vec![0; bytes]),
                gtin: None,
                details: Vec::new(),
                life: None,
                first: Timestamp(1),
                last: Timestamp(2),
            }),
            time: 0,
            synchronised: false,
            duplicate: false,
            audience: Audience::Everyone,
        }
    }

    fn sequences(page: &Page) -> Vec<u64> {
        page.records.iter().map(|record| record.sequence).collect()
    }

    #[test]
    fn a_page_begins_after_the_last_seen_and_says_whether_there_is_more() {
        let mut ring = Ring::new("e".into());
        for _ in 0..5 {
            ring.push(|sequence| record(sequence, 1));
        }
        let page = ring.page("e", 2, 2);
        assert_eq!((sequences(&page), page.more, page.newest), (vec![3, 4], true, 5));
        let page = ring.page("e", 4, 10);
        assert_eq!((sequences(&page), page.more), (vec![5], false));
        assert_eq!(sequences(&ring.page("e", 5, 10)), Vec::<u64>::new());
        assert_eq!(sequences(&ring.page("e", u64::MAX - 1, 10)), Vec::<u64>::new());
    }

    #[test]
    fn another_epoch_begins_with_the_oldest() {
        let mut ring = Ring::new("new".into());
        ring.push(|sequence| record(sequence, 1));
        assert_eq!(sequences(&ring.page("old", 700, 10)), vec![1]);
    }

    #[test]
    fn the_ring_is_bounded_in_events_and_bytes_and_sequences_go_on() {
        let mut ring = Ring::new("e".into());
        for _ in 0..EVENTS + 10 {
            ring.push(|sequence| record(sequence, 1));
        }
        assert_eq!(ring.page("e", 0, 1).records.first().unwrap().sequence, 11);
        assert!(ring.get(10).is_none());
        assert_eq!(ring.get(11).unwrap().sequence, 11);
        ring.push(|sequence| record(sequence, BYTES + 1));
        let newest = ring.newest();
        assert_eq!(sequences(&ring.page("e", 0, 10)), vec![newest]);
    }
}
