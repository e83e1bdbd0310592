//! Payment codes seen lately: whether a code comes again, and what became of it the first time.
//!
//! Contract: no code is kept, only a keyed hash of it; the key is random and never leaves this host.
//! What was seen is forgotten after [`WINDOW`]. Seen is not used: only the application knows, and
//! tells it with a verdict. With a file, all this outlives the process.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::{HmacReset, KeyInit, Mac};
use sha2::Sha256;

use crate::event::Settlement;
use crate::secret::Secret;

/// How long a code is remembered.
pub const WINDOW: Duration = Duration::from_secs(600);
/// The most codes remembered; the oldest go first.
const ENTRIES: usize = 4096;
/// How many events of one code may still be settled: a customer does not try more often.
const SEQUENCES: usize = 8;
/// The first line of the file, before the key.
const HEAD: &str = "tillbus-seen-1";

type Digest = [u8; 32];

/// What is known of a code that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// When it first came, microseconds since 1970.
    pub first: u64,
    /// How often it has come, this time not counted.
    pub count: u64,
    /// What the application said of it last.
    pub verdict: Option<Settlement>,
}

#[derive(Clone, Debug)]
struct Entry {
    before: Before,
    /// When it last came, microseconds since 1970.
    last: u64,
    /// The events it came as in this process, the newest last.
    sequences: VecDeque<u64>,
}

/// The codes seen lately.
#[derive(Debug)]
pub struct Seen {
    key: Digest,
    entries: HashMap<Digest, Entry>,
    file: Option<PathBuf>,
}

impl Seen {
    /// Nothing seen yet. `key` is to be random.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, entries: HashMap::new(), file: None }
    }

    /// What the file holds, or nothing where there is none yet or it is damaged; from now on kept
    /// in it. `key` is used where the file has none.
    #[must_use]
    pub fn kept_in(file: &Path, key: [u8; 32]) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut seen = parse(&text).unwrap_or_else(|| Self::new(key));
        seen.file = Some(file.to_owned());
        seen
    }

    /// Notes a code that has come at `now` (microseconds since 1970) as an event; says what is known
    /// of it from before.
    pub fn note(&mut self, code: &[u8], now: u64, sequence: u64) -> Option<Before> {
        self.forget(now);
        let digest = self.digest(code);
        let fresh = Before { first: now, count: 0, verdict: None };
        let entry = self.entries.entry(digest).or_insert_with(|| Entry {
            before: fresh,
            last: now,
            sequences: VecDeque::new(),
        });
        let before = (entry.before.count > 0).then_some(entry.before);
        entry.before.count += 1;
        entry.last = now;
        entry.sequences.push_back(sequence);
        if entry.sequences.len() > SEQUENCES {
            entry.sequences.pop_front();
        }
        before
    }

    /// The same code once more at `now`, as part of the event it came as before.
    pub fn again(&mut self, code: &[u8], now: u64) {
        let digest = self.digest(code);
        if let Some(entry) = self.entries.get_mut(&digest) {
            entry.before.count += 1;
            entry.last = now;
        }
    }

    /// What a code can be known again by, and nothing else of it.
    #[must_use]
    pub fn mark(&self, code: &[u8]) -> Secret<Vec<u8>> {
        Secret::copy_of(self.digest(code).as_slice())
    }

    /// What became of the code that came as this event. `false` where it has been forgotten.
    ///
    /// A word on an earlier event than the newest counts as well: the answer of a payment may come when
    /// the customer has shown the code again. But it takes no `used` back.
    pub fn settle(&mut self, sequence: u64, verdict: Settlement) -> bool {
        let mut entries = self.entries.values_mut();
        let Some(entry) = entries.find(|entry| entry.sequences.contains(&sequence)) else {
            return false;
        };
        let is_newest = entry.sequences.back() == Some(&sequence);
        if is_newest || entry.before.verdict != Some(Settlement::Used) {
            entry.before.verdict = Some(verdict);
        }
        true
    }

    /// Whether a payment with the code of this event was made, or may have been.
    #[must_use]
    pub fn is_spoken_for(&self, sequence: u64) -> bool {
        let mut entries = self.entries.values();
        let entry = entries.find(|entry| entry.sequences.contains(&sequence));
        let verdict = entry.and_then(|entry| entry.before.verdict);
        matches!(verdict, Some(Settlement::Used | Settlement::Unknown))
    }

    /// Nothing came of what might have been made of the code of this event.
    pub fn free(&mut self, sequence: u64) {
        let mut entries = self.entries.values_mut();
        if let Some(entry) = entries.find(|entry| entry.sequences.contains(&sequence)) {
            entry.before.verdict.take_if(|verdict| *verdict == Settlement::Unknown);
        }
    }

    /// Writes everything to the file, where there is one: all of it or nothing.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn keep(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let new = file.with_extension("new");
        // The key is in it. What was left of an earlier try may have other permissions.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut created = OpenOptions::new();
        let mut created = created.write(true).create_new(true).mode(0o600).open(&new)?;
        created.write_all(self.text().as_bytes())?;
        std::fs::rename(&new, file)
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD} {}\n", hex(&self.key));
        for (digest, Entry { before, last, .. }) in &self.entries {
            let verdict = before.verdict.map_or("-", Settlement::word);
            let Before { first, count, .. } = before;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {first} {last} {count} {verdict}", hex(digest));
        }
        text
    }

    fn forget(&mut self, now: u64) {
        let window = u64::try_from(WINDOW.as_micros()).unwrap_or(u64::MAX);
        // A clock that was ahead and has been set right must not keep codes for good.
        self.entries.retain(|_, entry| now.abs_diff(entry.last) < window);
        while self.entries.len() >= ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last);
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

fn parse(text: &str) -> Option<Seen> {
    let mut lines = text.lines();
    let key = lines.next()?.strip_prefix(HEAD)?.trim();
    let mut seen = Seen::new(unhex(key)?);
    for line in lines {
        let mut words = line.split(' ');
        let digest = unhex(words.next()?)?;
        let first = words.next()?.parse().ok()?;
        let last = words.next()?.parse().ok()?;
        let count = words.next()?.parse().ok()?;
        let verdict = Settlement::from_word(words.next()?);
        let before = Before { first, count, verdict };
        let entry = Entry { before, last, sequences: VecDeque::new() };
        seen.entries.insert(digest, entry);
    }
    Some(seen)
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
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const CODE: &[u8] = b"134567890123456789";
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_code_that_comes_again_tells_when_how_often_and_what_became_of_it() {
        let mut seen = Seen::new([7; 32]);
        assert_eq!(seen.note(CODE, SECOND, 1), None);
        assert_eq!(
            seen.note(CODE, 2 * SECOND, 2),
            Some(Before { first: SECOND, count: 1, verdict: None })
        );
        assert!(seen.settle(2, Settlement::Unused));
        assert_eq!(
            seen.note(CODE, 3 * SECOND, 3),
            Some(Before { first: SECOND, count: 2, verdict: Some(Settlement::Unused) })
        );
        assert_eq!(seen.note(b"another", 3 * SECOND, 4), None);
        assert!(!seen.settle(9, Settlement::Used), "there was no such event");
    }

    #[test]
    fn a_code_is_spoken_for_until_nothing_came_of_it() {
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, SECOND, 1);
        assert!(!seen.is_spoken_for(1) && !seen.is_spoken_for(9));
        seen.settle(1, Settlement::Unknown);
        seen.note(CODE, 2 * SECOND, 2);
        assert!(seen.is_spoken_for(1) && seen.is_spoken_for(2), "it is the code that is");
        seen.free(2);
        assert!(!seen.is_spoken_for(1));
        seen.settle(2, Settlement::Used);
        seen.free(2);
        assert!(seen.is_spoken_for(2), "what was used stays used");
    }

    #[test]
    fn an_answer_that_comes_late_is_kept_and_a_used_code_stays_used() {
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, SECOND, 1);
        seen.note(CODE, 2 * SECOND, 2);
        assert!(
            seen.settle(1, Settlement::Used),
            "the first payment's answer, after the second scan"
        );
        let used = Some(Settlement::Used);
        assert_eq!(seen.note(CODE, 3 * SECOND, 3).unwrap().verdict, used);
        assert!(seen.settle(2, Settlement::Unused), "the second attempt came to nothing");
        assert_eq!(seen.note(CODE, 4 * SECOND, 4).unwrap().verdict, used, "and took nothing back");
        assert!(seen.settle(4, Settlement::Unused), "a word on the newest corrects");
        let verdict = seen.note(CODE, 5 * SECOND, 5).unwrap().verdict;
        assert_eq!(verdict, Some(Settlement::Unused));
        for sequence in 6..6 + u64::try_from(SEQUENCES).unwrap() {
            seen.note(CODE, 5 * SECOND, sequence);
        }
        assert!(!seen.settle(5, Settlement::Used), "so many events later it is forgotten");
    }

    #[test]
    fn a_code_is_forgotten_after_the_window() {
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, 0, 1);
        let later = u64::try_from(WINDOW.as_micros()).unwrap();
        assert_eq!(seen.note(CODE, later, 2), None);
        // And so is one that came while the clock was a day ahead.
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, 86_400 * SECOND, 1);
        assert_eq!(seen.note(CODE, SECOND, 2), None);
    }

    #[test]
    fn a_phone_that_is_left_before_the_box_counts_and_is_remembered_from_its_end() {
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, SECOND, 1);
        let last = u64::try_from(WINDOW.as_micros()).unwrap();
        seen.again(CODE, last);
        let before = seen.note(CODE, last + SECOND, 2);
        assert_eq!(before, Some(Before { first: SECOND, count: 2, verdict: None }));
    }

    #[test]
    fn what_was_seen_outlives_the_process_and_the_file_holds_no_code() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seen");
        let mut seen = Seen::kept_in(&file, [7; 32]);
        seen.note(CODE, SECOND, 1);
        seen.settle(1, Settlement::Used);
        seen.keep().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("134567890123456789"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
        let mut again = Seen::kept_in(&file, [8; 32]);
        assert_eq!(
            again.note(CODE, 2 * SECOND, 1),
            Some(Before { first: SECOND, count: 1, verdict: Some(Settlement::Used) })
        );
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seen");
        for text in ["", "nonsense", "tillbus-seen-1 77", "tillbus-seen-1 \n\n\u{1F4A9}"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(Seen::kept_in(&file, [7; 32]).note(CODE, 1, 1), None, "{text:?}");
        }
    }

    #[test]
    fn the_number_of_codes_is_bounded() {
        let mut seen = Seen::new([7; 32]);
        for number in 0..5000_u64 {
            seen.note(&number.to_le_bytes(), number, number);
        }
        assert!(seen.entries.len() <= ENTRIES);
    }
}
