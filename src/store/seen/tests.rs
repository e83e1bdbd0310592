//! Tests of what was seen.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::mpsc;

use super::*;

const CODE: &[u8] = b"134567890123456789";

/// So many seconds after the beginning of both clocks.
fn at(seconds: u64) -> Moment {
    Moment { wall: seconds * 1_000_000, boot: Timestamp(seconds * 1_000_000) }
}

fn first() -> u64 {
    at(1).wall
}

#[test]
fn a_code_that_comes_again_tells_when_how_often_and_what_became_of_it() {
    let mut seen = Seen::new([7; 32]);
    assert_eq!(seen.note(CODE, at(1), 1), None);
    assert_eq!(seen.note(CODE, at(2), 2), Some(Before { first: first(), count: 1, verdict: None }));
    assert!(seen.settle(2, Settlement::Unused));
    assert_eq!(
        seen.note(CODE, at(3), 3),
        Some(Before { first: first(), count: 2, verdict: Some(Settlement::Unused) })
    );
    assert_eq!(seen.note(b"another", at(3), 4), None);
    assert!(!seen.settle(9, Settlement::Used), "there was no such event");
}

#[test]
fn a_code_is_spoken_for_until_nothing_came_of_it() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(1), 1);
    assert!(!seen.is_spoken_for(1) && !seen.is_spoken_for(9));
    seen.hold(1, CODE, Holder::Route(5));
    seen.note(CODE, at(2), 2);
    assert!(seen.is_spoken_for(1) && seen.is_spoken_for(2), "it is the code that is");
    seen.release(Holder::Route(5));
    assert!(!seen.is_spoken_for(1));
    seen.hold(2, CODE, Holder::Route(6));
    seen.doubt(Holder::Route(6));
    assert!(seen.is_spoken_for(1), "nobody knows");
    seen.settle(2, Settlement::Used);
    seen.release(Holder::Route(6));
    assert!(seen.is_spoken_for(2), "what was used stays used");
}

#[test]
fn who_has_a_code_has_it_whatever_comes_of_its_other_events() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(1), 1);
    seen.hold(1, CODE, Holder::Transaction(41));
    seen.note(CODE, at(2), 2);
    assert!(seen.settle(2, Settlement::Unused), "of the second event that is true");
    assert!(seen.is_spoken_for(2), "the first one is being paid");
    seen.hold(2, CODE, Holder::Transaction(42));
    seen.landed(41, false);
    assert!(seen.is_spoken_for(1), "another transaction has it");
    seen.landed(42, true);
    assert!(seen.settle(2, Settlement::Unused));
    let before = seen.note(CODE, at(3), 3).unwrap();
    assert_eq!(before.verdict, Some(Settlement::Used), "it was paid with");
    // So often that the first event is forgotten.
    let mut seen = Seen::new([7; 32]);
    for sequence in 1..=20 {
        seen.note(CODE, at(sequence), sequence);
    }
    seen.hold(1, CODE, Holder::Transaction(43));
    assert!(seen.is_spoken_for(20));
    assert_eq!(seen.transactions(), [43]);
    seen.landed(43, false);
    assert!(!seen.is_spoken_for(20));
}

#[test]
fn an_answer_that_comes_late_is_kept_and_a_used_code_stays_used() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(1), 1);
    seen.note(CODE, at(2), 2);
    assert!(seen.settle(1, Settlement::Used), "the first payment's answer, after the second scan");
    let used = Some(Settlement::Used);
    assert_eq!(seen.note(CODE, at(3), 3).unwrap().verdict, used);
    assert!(seen.settle(2, Settlement::Unused), "the second attempt came to nothing");
    assert_eq!(seen.note(CODE, at(4), 4).unwrap().verdict, used, "and took nothing back");
    assert!(seen.settle(4, Settlement::Unused), "a word on the newest corrects");
    let verdict = seen.note(CODE, at(5), 5).unwrap().verdict;
    assert_eq!(verdict, Some(Settlement::Unused));
    for sequence in 6..6 + u64::try_from(SEQUENCES).unwrap() {
        seen.note(CODE, at(5), sequence);
    }
    assert!(!seen.settle(5, Settlement::Used), "so many events later it is forgotten");
}

#[test]
fn a_code_is_forgotten_after_the_window_and_not_because_somebody_sets_the_clock() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(0), 1);
    assert_eq!(seen.note(CODE, at(WINDOW.as_secs()), 2), None);
    for wall in [0, 86_400_000_000] {
        let mut seen = Seen::new([7; 32]);
        seen.note(CODE, at(3600), 1);
        seen.hold(1, CODE, Holder::Transaction(1));
        seen.note(CODE, Moment { wall, ..at(3601) }, 2);
        assert!(seen.is_spoken_for(2), "the clock was set to {wall}");
    }
}

#[test]
fn a_phone_that_is_left_before_the_box_counts_and_is_remembered_from_its_end() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(1), 1);
    seen.again(CODE, at(WINDOW.as_secs()));
    let before = seen.note(CODE, at(WINDOW.as_secs() + 1), 2);
    assert_eq!(before, Some(Before { first: first(), count: 2, verdict: None }));
}

/// A place for the file that goes with the test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("seen")
    }

    fn open(&self, now: Moment) -> Seen {
        Seen::kept_in(&self.file(), [7; 32], now)
    }

    /// What is known of the code in this file.
    fn spoken_for(&self, text: &str) -> bool {
        std::fs::write(self.file(), text).unwrap();
        let mut seen = self.open(at(3));
        seen.note(CODE, at(3), 1);
        seen.is_spoken_for(1)
    }
}

#[test]
fn what_was_seen_outlives_the_process_and_the_file_holds_no_code() {
    let place = Place::new();
    let mut seen = place.open(at(1));
    seen.note(CODE, at(1), 1);
    seen.settle(1, Settlement::Used);
    seen.keep().unwrap();
    let text = std::fs::read_to_string(place.file()).unwrap();
    assert!(!text.contains("134567890123456789"));
    let mode = std::fs::metadata(place.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    let mut again = Seen::kept_in(&place.file(), [8; 32], at(2));
    assert_eq!(
        again.note(CODE, at(2), 1),
        Some(Before { first: first(), count: 1, verdict: Some(Settlement::Used) })
    );
    // One that came while the clock was a day ahead, and that nobody has.
    again.note(b"another", at(86_400), 2);
    again.keep().unwrap();
    assert_eq!(place.open(at(3)).note(b"another", at(3), 1), None);
}

#[test]
fn who_has_a_code_has_it_over_a_restart() {
    let held = |holder: Holder| {
        let place = Place::new();
        let mut seen = place.open(at(1));
        seen.note(CODE, at(1), 1);
        seen.hold(1, CODE, holder);
        seen.keep().unwrap();
        let mut again = place.open(at(2));
        again.note(CODE, at(2), 1);
        (again.is_spoken_for(1), again.transactions(), again)
    };
    let (is_held, transactions, mut seen) = held(Holder::Transaction(41));
    assert_eq!((is_held, transactions), (true, vec![41]));
    seen.landed(41, false);
    assert!(!seen.is_spoken_for(1));
    let (is_held, _, mut seen) = held(Holder::Paid(41));
    seen.settle(1, Settlement::Unused);
    assert!(is_held && seen.is_spoken_for(1), "paid is paid");
    let (is_held, _, mut seen) = held(Holder::Route(9));
    assert!(is_held, "nobody knows whether it has arrived");
    seen.settle(1, Settlement::Unused);
    assert!(!seen.is_spoken_for(1), "until somebody says so");
    // The clock was an hour ahead when it was written, and has been set right.
    let place = Place::new();
    let mut seen = place.open(at(3600));
    seen.note(CODE, at(3600), 1);
    seen.hold(1, CODE, Holder::Route(9));
    seen.keep().unwrap();
    let mut again = place.open(at(2));
    again.note(CODE, at(2), 1);
    assert!(again.is_spoken_for(1));
}

#[test]
fn what_holds_a_code_is_on_the_disk_before_that_is_said() {
    let place = Place::new();
    let mut seen = place.open(at(1));
    seen.note(CODE, at(1), 1);
    seen.hold(1, CODE, Holder::Route(9));
    let (then, told) = mpsc::channel();
    let also = then.clone();
    assert!(matches!(seen.keep_surely(move |is_there| then.send(is_there).unwrap()), Sure::Later));
    assert!(matches!(seen.keep_surely(move |is_there| also.send(is_there).unwrap()), Sure::Later));
    assert_eq!([told.recv(), told.recv()], [Ok(true), Ok(true)]);
    let mut again = place.open(at(2));
    again.note(CODE, at(2), 1);
    assert!(again.is_spoken_for(1));
    // Where it cannot be written that is said too.
    let place = Place::new();
    let mut seen = place.open(at(1));
    std::fs::remove_dir_all(place.0.path()).unwrap();
    seen.note(CODE, at(1), 1);
    assert!(matches!(seen.keep_surely(|_| panic!("it is not")), Sure::Not(..)));
    std::fs::create_dir(place.0.path()).unwrap();
    seen.hold(1, CODE, Holder::Route(9));
    seen.keep().unwrap();
    let mut again = place.open(at(2));
    again.note(CODE, at(2), 1);
    assert!(again.is_spoken_for(1), "what could not be written then is written now");
    assert!(matches!(Seen::new([7; 32]).keep_surely(|_| {}), Sure::Now(_)), "without a file");
}

#[test]
fn a_file_that_is_none_is_as_good_as_none() {
    let place = Place::new();
    for text in ["", "nonsense", "tillbus-seen-1 77", "tillbus-seen-1 \n\n\u{1F4A9}"] {
        std::fs::write(place.file(), text).unwrap();
        assert_eq!(place.open(at(1)).note(CODE, at(1), 1), None, "{text:?}");
    }
}

#[test]
fn a_line_that_a_power_cut_has_torn_costs_no_other_line() {
    let place = Place::new();
    let mut seen = place.open(at(1));
    seen.note(CODE, at(1), 1);
    seen.settle(1, Settlement::Used);
    seen.keep().unwrap();
    let whole = std::fs::read_to_string(place.file()).unwrap();
    let last = whole.lines().last().unwrap().to_owned();
    assert!(place.spoken_for(&whole));
    let cut = [last.split_at(40).0, last.strip_suffix("ed").unwrap()];
    for torn in ["\0\0\0\0", cut[0], cut[1], &last.replace("used", "unused")] {
        let text = format!("{whole}{torn}");
        assert!(place.spoken_for(&text), "{torn:?}");
        // What is written next is not joined to it.
        let mut seen = place.open(at(2));
        seen.note(CODE, at(2), 1);
        seen.settle(1, Settlement::Unused);
        seen.keep().unwrap();
        let text = std::fs::read_to_string(place.file()).unwrap();
        assert!(!place.spoken_for(&text), "{torn:?}");
    }
}

#[test]
fn the_file_does_not_grow_for_ever() {
    let place = Place::new();
    let mut seen = place.open(at(1));
    for sequence in 0..u64::try_from(LINES).unwrap() + 10 {
        seen.note(CODE, at(1), sequence);
        seen.keep().unwrap();
    }
    let lines = || std::fs::read_to_string(place.file()).unwrap().lines().count();
    let before = lines();
    assert!(before < 20, "{before}");
    let newest = u64::try_from(LINES).unwrap() + 9;
    for _ in 0..10 {
        assert!(seen.settle(newest, Settlement::Unknown));
        seen.keep().unwrap();
    }
    assert_eq!(lines(), before + 1, "what is said again is written once");
    let before = place.open(at(2)).note(CODE, at(2), 1).unwrap();
    assert_eq!(before.count, u64::try_from(LINES).unwrap() + 10);
}

#[test]
fn what_a_full_disk_did_not_take_when_the_file_was_written_anew_is_written_later() {
    let place = Place::new();
    let mut seen = place.open(at(1));
    seen.note(CODE, at(1), 1);
    seen.keep().unwrap();
    let in_file = |seen: &Seen| seen.file.as_ref().and_then(File::lines);
    while in_file(&seen).is_some_and(|lines| lines < LINES + 2 * seen.entries.len()) {
        seen.again(CODE, at(1));
        seen.keep().unwrap();
    }
    // Where the new file is to be made stands something that cannot be removed.
    let new = place.file().with_extension("new");
    std::fs::create_dir(&new).unwrap();
    seen.settle(1, Settlement::Used);
    seen.keep().unwrap_err();
    std::fs::remove_dir(&new).unwrap();
    seen.note(b"another", at(2), 2);
    seen.keep().unwrap();
    let mut again = place.open(at(3));
    again.note(CODE, at(3), 1);
    assert!(again.is_spoken_for(1), "it was used");
    assert!(again.note(b"another", at(3), 2).is_some());
}

#[test]
fn the_number_of_codes_is_bounded_and_those_that_are_held_go_last() {
    let mut seen = Seen::new([7; 32]);
    seen.note(CODE, at(0), 0);
    seen.hold(0, CODE, Holder::Transaction(1));
    for number in 1..5000_u64 {
        seen.note(&number.to_le_bytes(), Moment { wall: number, boot: Timestamp(number) }, number);
    }
    assert!(seen.entries.len() <= ENTRIES);
    assert!(seen.is_spoken_for(0));
}
