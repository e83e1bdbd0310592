//! Payment codes seen lately: whether a code comes again, what became of it, and who has it now.
//!
//! Contract: no code is kept, only a keyed hash of it; the key is random and never leaves this host.
//! What was seen is forgotten after [`WINDOW`], by a clock that nobody sets. Seen is not used: only the
//! application knows, and tells it with a verdict. But who has a code, holds it: a terminal to which it is on
//! its way, or a transaction that is paid with it, until that one has ended; whatever is said meanwhile of
//! other events of the same code. With a file, all this outlives the process; what holds a code a power cut
//! too, once [`Seen::keep_surely`] has said so.

mod file;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use hmac::{HmacReset, KeyInit, Mac};
use sha2::Sha256;

use self::file::File;
use crate::event::{Settlement, Timestamp};
use crate::secret::Secret;

/// How long a code is remembered.
pub const WINDOW: Duration = Duration::from_secs(600);
/// The most codes remembered; the oldest go first, and those that are held last.
const ENTRIES: usize = 4096;
/// How many events of one code may still be settled: a customer does not try more often.
const SEQUENCES: usize = 8;
/// How many lines the file may have that do not count any more before it is written anew.
const LINES: usize = 1024;
/// The first line of the file, before the key.
const HEAD: &str = "tillbus-seen-1";

type Digest = [u8; 32];

/// A point in time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970: for people, and for the next process.
    pub wall: u64,
    /// The clock that nobody sets.
    pub boot: Timestamp,
}

/// What is known of a code that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// When it first came, microseconds since 1970.
    pub first: u64,
    /// How often it has come, this time not counted.
    pub count: u64,
    /// What the application said of it last, or is known otherwise.
    pub verdict: Option<Settlement>,
}

/// Who has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// It is on its way to a terminal as this request; over a restart nobody knows whether it has arrived.
    Route(u64),
    /// The transaction of this number, which has not ended or whose outcome is not known, is paid with it.
    Transaction(u64),
    /// The transaction of this number was paid with it.
    Paid(u64),
}

/// Where it is told whether something is kept.
pub type Then = Box<dyn FnOnce(bool) + Send>;

/// Whether what was to be kept surely is.
pub enum Sure {
    /// There is no file, and nothing to wait for.
    Now(Then),
    /// It will be told, on another thread.
    Later,
    /// It is not, for this reason.
    Not(Then, io::Error),
}

#[derive(Clone, Debug)]
struct Entry {
    before: Before,
    /// When it last came, microseconds since 1970.
    last: u64,
    /// When it is forgotten.
    until: Timestamp,
    /// The events it came as in this process, the newest last.
    sequences: VecDeque<u64>,
    holders: Vec<Holder>,
}

impl Entry {
    fn verdict(&self) -> Option<Settlement> {
        match self.before.verdict {
            Some(Settlement::Used) => Some(Settlement::Used),
            _ if self.holders.iter().any(|holder| matches!(holder, Holder::Paid(_))) => {
                Some(Settlement::Used)
            }
            _ if !self.holders.is_empty() => Some(Settlement::Unknown),
            verdict => verdict,
        }
    }

    fn is_spoken_for(&self) -> bool {
        matches!(self.verdict(), Some(Settlement::Used | Settlement::Unknown))
    }

    /// Whether a code may have been paid with is not known, where nothing better is.
    fn doubt(&mut self) {
        if self.before.verdict != Some(Settlement::Used) {
            self.before.verdict = Some(Settlement::Unknown);
        }
    }
}

/// The codes seen lately.
#[derive(Debug)]
pub struct Seen {
    key: Digest,
    entries: HashMap<Digest, Entry>,
    /// Those that are not in the file as they are here.
    changed: HashSet<Digest>,
    file: Option<File>,
}

impl Seen {
    /// Nothing seen yet. `key` is to be random.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, entries: HashMap::new(), changed: HashSet::new(), file: None }
    }

    /// What the file holds, or nothing where there is none yet or it is not one of these; from now on kept
    /// in it. `key` is used where the file has none.
    #[must_use]
    pub fn kept_in(file: &Path, key: [u8; 32], now: Moment) -> Self {
        let bytes = std::fs::read(file).unwrap_or_default();
        let (mut seen, lines) =
            parse(&String::from_utf8_lossy(&bytes), now).unwrap_or((Self::new(key), None));
        seen.file = Some(File::at(file, lines));
        seen
    }

    /// Notes a code that has come at `now` as an event; says what is known of it from before.
    pub fn note(&mut self, code: &[u8], now: Moment, sequence: u64) -> Option<Before> {
        self.forget(now.boot);
        let digest = self.digest(code);
        let fresh = Before { first: now.wall, count: 0, verdict: None };
        let entry = self.entries.entry(digest).or_insert_with(|| Entry {
            before: fresh,
            last: now.wall,
            until: now.boot,
            sequences: VecDeque::new(),
            holders: Vec::new(),
        });
        let verdict = entry.verdict();
        let before = (entry.before.count > 0).then_some(Before { verdict, ..entry.before });
        entry.before.count += 1;
        (entry.last, entry.until) = (now.wall, now.boot + WINDOW);
        entry.sequences.push_back(sequence);
        if entry.sequences.len() > SEQUENCES {
            entry.sequences.pop_front();
        }
        self.changed.insert(digest);
        before
    }

    /// The same code once more at `now`, as part of the event it came as before.
    pub fn again(&mut self, code: &[u8], now: Moment) {
        let digest = self.digest(code);
        if let Some(entry) = self.entries.get_mut(&digest) {
            entry.before.count += 1;
            (entry.last, entry.until) = (now.wall, now.boot + WINDOW);
            self.changed.insert(digest);
        }
    }

    /// What a code can be known again by, and nothing else of it.
    #[must_use]
    pub fn mark(&self, code: &[u8]) -> Secret<Vec<u8>> {
        Secret::copy_of(self.digest(code).as_slice())
    }

    /// What the application says of the code that came as this event. `false` where it has been forgotten.
    ///
    /// A word on an earlier event than the newest counts as well: the answer of a payment may come when
    /// the customer has shown the code again. But it takes no `used` back. Nor does any word take the code
    /// from whoever has it.
    pub fn settle(&mut self, sequence: u64, verdict: Settlement) -> bool {
        self.change_of(sequence, |entry| {
            let is_newest = entry.sequences.back() == Some(&sequence);
            if is_newest || entry.before.verdict != Some(Settlement::Used) {
                entry.before.verdict = Some(verdict);
            }
        })
    }

    /// Whether somebody has the code of this event, or a payment with it was made, or may have been.
    #[must_use]
    pub fn is_spoken_for(&self, sequence: u64) -> bool {
        let mut entries = self.entries.values();
        let entry = entries.find(|entry| entry.sequences.contains(&sequence));
        entry.is_some_and(Entry::is_spoken_for)
    }

    /// Somebody has the code of this event from now on. Where so many have come since that the event is
    /// forgotten the code is known again by itself.
    pub fn hold(&mut self, sequence: u64, code: &[u8], holder: Holder) {
        let add = |entry: &mut Entry| {
            if !entry.holders.contains(&holder) {
                entry.holders.push(holder);
            }
        };
        if !self.change_of(sequence, add) {
            let digest = self.digest(code);
            if let Some(entry) = self.entries.get_mut(&digest) {
                add(entry);
                self.changed.insert(digest);
            }
        }
    }

    /// Who had a code has nothing more to do with it.
    pub fn release(&mut self, holder: Holder) {
        self.change_held(holder, |_| {});
    }

    /// Who had a code has nothing more to do with it, nor has this one, that would have had it next.
    pub fn release_both(&mut self, holder: Holder, next: Holder) {
        self.change_held(holder, |entry| entry.holders.retain(|known| *known != next));
    }

    /// Who had a code has handed it on.
    pub fn hand_on(&mut self, holder: Holder, next: Holder) {
        self.change_held(holder, |entry| {
            entry.holders.retain(|known| *known != next);
            entry.holders.push(next);
        });
    }

    /// Who had a code may have used it, and nobody will say so.
    pub fn doubt(&mut self, holder: Holder) {
        self.change_held(holder, Entry::doubt);
    }

    /// A transaction has come to its end: it was paid with its codes, or not.
    pub fn landed(&mut self, transaction: u64, is_paid: bool) {
        self.change_held(Holder::Transaction(transaction), |entry| {
            if is_paid {
                entry.holders.push(Holder::Paid(transaction));
            } else if entry.before.verdict.is_none() {
                entry.before.verdict = Some(Settlement::Unused);
            }
        });
    }

    /// The transactions that have a code, as far as is known here.
    #[must_use]
    pub fn transactions(&self) -> Vec<u64> {
        let holders = self.entries.values().flat_map(|entry| &entry.holders);
        let ids = holders.filter_map(|holder| match holder {
            Holder::Transaction(id) => Some(*id),
            _ => None,
        });
        ids.collect()
    }

    /// Changes the entry of an event; `false` where it has been forgotten.
    fn change_of(&mut self, sequence: u64, change: impl FnOnce(&mut Entry)) -> bool {
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|(_, entry)| entry.sequences.contains(&sequence));
        let Some((digest, entry)) = found else { return false };
        let before = entry.clone();
        change(entry);
        // What is said again and again must not fill the file.
        if (before.before, &before.holders) != (entry.before, &entry.holders) {
            self.changed.insert(*digest);
        }
        true
    }

    /// Takes this one's codes from it.
    fn change_held(&mut self, holder: Holder, change: impl Fn(&mut Entry)) {
        for (digest, entry) in &mut self.entries {
            let before = entry.holders.len();
            entry.holders.retain(|known| *known != holder);
            if entry.holders.len() < before {
                change(entry);
                self.changed.insert(*digest);
            }
        }
    }

    /// Writes what has changed to the file, where there is one. It outlives the process then; nothing is
    /// waited for.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn keep(&mut self) -> io::Result<()> {
        let changed = std::mem::take(&mut self.changed);
        let Some(file) = &mut self.file else { return Ok(()) };
        let most = LINES + 2 * self.entries.len();
        if file.lines().is_some_and(|lines| lines < most) {
            let mut text = String::new();
            for digest in &changed {
                if let Some(entry) = self.entries.get(digest) {
                    line(&mut text, digest, entry);
                }
            }
            return file.append(&text);
        }
        let mut text = format!("{HEAD} {}\n", hex(&self.key));
        self.entries.iter().for_each(|(digest, entry)| line(&mut text, digest, entry));
        let precious = self.entries.values().any(Entry::is_spoken_for);
        file.rewrite(&text, precious)
    }

    /// The same, so that no power cut takes it away. That takes as long as the disk does, and `then` hears
    /// of it; where nothing is to be waited for it is given back.
    pub fn keep_surely(&mut self, then: impl FnOnce(bool) + Send + 'static) -> Sure {
        let then = Box::new(then);
        let kept = self.keep();
        match (&mut self.file, kept) {
            (_, Err(error)) => Sure::Not(then, error),
            (None, Ok(())) => Sure::Now(then),
            (Some(file), Ok(())) => match file.sync(then) {
                Ok(()) => Sure::Later,
                Err(then) => Sure::Not(then, io::Error::other("it cannot be synced")),
            },
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| entry.until > now);
        while self.entries.len() >= ENTRIES {
            let age = |entry: &Entry| (entry.is_spoken_for(), entry.until);
            let oldest = self.entries.iter().min_by_key(|(_, entry)| age(entry));
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else { return };
            self.entries.remove(&oldest);
        }
    }

    fn digest(&self, code: &[u8]) -> Digest {
        // HMAC takes a key of any length, so the empty answer never comes.
        let Ok(mut mac) = HmacReset::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        mac.update(code);
        // Not by value: what is moved is not wiped where it was, and a block of the code is in it.
        mac.finalize_reset().into_bytes().into()
    }
}

/// Writes the line of a code.
fn line(text: &mut String, digest: &Digest, entry: &Entry) {
    let Entry { before, last, holders, .. } = entry;
    let verdict = before.verdict.map_or("-", Settlement::word);
    let Before { first, count, .. } = before;
    // Writing to a string cannot fail.
    let _ = write!(text, "{} {first} {last} {count} {verdict}", hex(digest));
    for holder in holders {
        let _ = match holder {
            Holder::Route(_) => write!(text, " route"),
            Holder::Transaction(id) => write!(text, " transaction {id}"),
            Holder::Paid(id) => write!(text, " paid {id}"),
        };
    }
    text.push('\n');
}

/// What is in the file, and how many lines that are; without their number where it is to be written anew: some
/// cannot be read, since the power was cut while they were written, or are too old.
fn parse(text: &str, now: Moment) -> Option<(Seen, Option<usize>)> {
    let (head, lines) = text.split_once('\n')?;
    let mut seen = Seen::new(unhex(head.strip_prefix(HEAD)?.trim())?);
    let mut count = Some(1);
    for line in lines.split_inclusive('\n') {
        let read = line.strip_suffix('\n').and_then(|line| entry(line, now));
        count = count.filter(|_| matches!(read, Some((_, Some(_))))).map(|count| count + 1);
        match read {
            Some((digest, Some(entry))) => drop(seen.entries.insert(digest, entry)),
            Some((digest, None)) => drop(seen.entries.remove(&digest)),
            None => {}
        }
    }
    Some((seen, count))
}

/// What a line says of a code; nothing of it where that is too old.
fn entry(line: &str, now: Moment) -> Option<(Digest, Option<Entry>)> {
    let mut words = line.split(' ');
    let digest = unhex(words.next()?)?;
    let first = words.next()?.parse().ok()?;
    let last: u64 = words.next()?.parse().ok()?;
    let count = words.next()?.parse().ok()?;
    let verdict = match words.next()? {
        "-" => None,
        word => Some(Settlement::from_word(word)?),
    };
    let before = Before { first, count, verdict };
    let until = now.boot;
    let (sequences, holders) = (VecDeque::new(), Vec::new());
    let mut entry = Entry { before, last, until, sequences, holders };
    while let Some(word) = words.next() {
        match word {
            "route" => entry.doubt(),
            "transaction" => {
                entry.holders.push(Holder::Transaction(words.next()?.parse().ok()?));
            }
            "paid" => entry.holders.push(Holder::Paid(words.next()?.parse().ok()?)),
            _ => return None,
        }
    }
    let left = match now.wall.checked_sub(last) {
        Some(age) => WINDOW.checked_sub(Duration::from_micros(age)),
        // The clock was ahead and has been set right: how long ago it was nobody knows.
        None => Some(WINDOW).filter(|_| entry.is_spoken_for()),
    };
    let left = left.filter(|left| !left.is_zero());
    Some((digest, left.map(|left| Entry { until: now.boot + left, ..entry })))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, index) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(index..index + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
