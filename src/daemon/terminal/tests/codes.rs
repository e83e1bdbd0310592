//! Who has a code, and what waits until that is on the disk.

use std::path::Path;

use super::*;
use crate::event::{Failure, Request, Settlement};
use crate::protocol::RequestId;
use crate::session::AskError;
use crate::store::seen::{Moment, Sure};

/// A box whose codes go to a terminal's socket for it, and the till's own line to that terminal.
const ROUTED: &str = r#"
[[device]]
name = "terminal-1"
lane = "1"
match = { pty = "/nowhere/t1" }
profile = "zvt"
[[device]]
name = "box-1"
lane = "1"
role = "payment"
match = { pty = "/nowhere/b1" }
profile = "generic-line-scanner"
[[device]]
name = "port-1"
lane = "1"
match = { pty = "/nowhere/p1" }
profile = "generic-scanner-port"
[[route]]
from = "box-1"
to = "port-1"
terminal = "terminal-1"
when = ["payment-code", "text"]
send = "line-crlf"
"#;

fn seen_in(directory: &Path) -> Seen {
    let now = Moment { wall: clock::realtime_micros(), boot: clock::boottime() };
    Seen::kept_in(&directory.join("seen"), [7; 32], now)
}

impl Till {
    /// The codes that have been handed to the session of the terminal's socket since the last time.
    fn passed(&mut self) -> Vec<RequestId> {
        let orders = self.orders.get_mut("port-1").unwrap();
        let passed = std::iter::from_fn(|| orders.try_recv().ok());
        let asked = passed.filter_map(|order| match order {
            Order::Ask(id, Request::Pass(_)) => Some(id),
            _ => None,
        });
        asked.collect()
    }

    /// What came of handing a code over.
    fn answers(&mut self, id: RequestId, result: Result<(), AskError>) {
        self.report("port-1", Report::Answer(id, result));
        self.settle();
    }

    /// The customer shows the telephone once more. Whether the code goes to the terminal, or is held back.
    fn shows_again(&mut self) -> Option<RequestId> {
        self.pass(1000);
        self.hear();
        self.faults.clear();
        self.show("box-1");
        let passed = self.passed();
        let held_back = self.faults.contains(&"held-back");
        assert_eq!(passed.is_empty(), held_back, "{:?}", self.faults);
        passed.last().copied()
    }

    fn is_held_back(&mut self) -> bool {
        self.shows_again().is_none()
    }

    /// The application's word on the newest event.
    fn says(&mut self, settlement: Settlement) {
        let newest = self.daemon.ring.newest();
        self.call("box-1", &alice(), |reply| Act::Settle(newest, settlement, reply)).unwrap();
    }

    /// What holds codes takes its time to get to the disk, until what is given back is dropped.
    fn hold_the_codes(&mut self) -> std::sync::mpsc::Sender<()> {
        let (hold, held) = std::sync::mpsc::channel();
        let sure = self.daemon.seen.keep_surely(move |_| {
            let _ = held.recv();
        });
        assert!(matches!(sure, Sure::Later));
        hold
    }

    /// All that holds codes is on the disk, and what comes of that is done.
    fn wait_for_the_disk(&mut self) {
        let (done, wait) = std::sync::mpsc::channel();
        let sure = self.daemon.seen.keep_surely(move |is_there| done.send(is_there).unwrap());
        assert!(matches!(sure, Sure::Later));
        assert_eq!(wait.recv(), Ok(true));
        self.settle();
    }

    /// A payment that the terminal has taken, and a code that went to its socket meanwhile.
    fn pays_with_code(&mut self, key: &str) -> (u64, RequestId) {
        let id = self.begin("terminal-1", sale(key, 1250));
        self.take("terminal-1", id);
        let passed = self.shows_again().expect("it is passed on");
        (id, passed)
    }
}

#[test]
fn what_holds_a_code_is_on_the_disk_before_the_terminal_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::keep(Book::in_memory().unwrap());
    let mut till = till_with(ROUTED, seen_in(directory.path()), ledger);
    till.claim("box-1");
    let disk = till.hold_the_codes();
    till.show("box-1");
    assert_eq!(till.passed(), [], "it is not written down yet");
    till.scan("box-1", b"shelf 7");
    assert_eq!(till.passed().len(), 1, "what nobody pays with waits for no disk");
    drop(disk);
    till.wait_for_the_disk();
    let passed = till.passed();
    assert_eq!(passed.len(), 1);
    till.answers(passed[0], Ok(()));
    // So it is where the code goes with the payment.
    let id = till.begin("terminal-1", with_next_code("a", 1250));
    let disk = till.hold_the_codes();
    till.pass(1000);
    till.show("box-1");
    assert_eq!(till.told("terminal-1"), None, "it is not written down yet");
    drop(disk);
    till.wait_for_the_disk();
    assert_eq!(till.told("terminal-1"), Some(id));
}

#[test]
fn a_payment_that_is_stopped_while_its_code_is_written_down_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::keep(Book::in_memory().unwrap());
    let mut till = till_with(ROUTED, seen_in(directory.path()), ledger);
    till.claim("box-1");
    let id = till.begin("terminal-1", with_next_code("a", 1250));
    let disk = till.hold_the_codes();
    till.show("box-1");
    let (reply, _answer) = oneshot::channel();
    let act = TransactionAct::Abort(reply);
    till.daemon.call(till.now, Call::Transaction { caller: alice(), id, act });
    drop(disk);
    till.wait_for_the_disk();
    assert_eq!((till.told("terminal-1"), till.state(id)), (None, State::Aborted));
    till.pass(1000);
    till.show("box-1");
    till.wait_for_the_disk();
    assert_eq!(till.passed().len(), 1, "its code is free");
}

#[test]
fn what_cannot_be_written_down_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let gone = seen_in(&directory.path().join("gone"));
    let mut till = till_with(ROUTED, gone, Ledger::keep(Book::in_memory().unwrap()));
    till.claim("box-1");
    till.show("box-1");
    till.hear();
    assert!(till.faults.contains(&"not-forwarded"), "{:?}", till.faults);
    let id = till.begin("terminal-1", with_next_code("a", 1250));
    till.pass(1000);
    till.show("box-1");
    assert_eq!((till.told("terminal-1"), till.state(id)), (None, State::Failed));
    assert_eq!(till.passed(), []);
}

#[test]
fn the_payment_that_has_a_code_holds_it_whatever_is_said_of_its_later_scans() {
    let mut till = till_of(ROUTED);
    till.claim("box-1");
    let (id, passed) = till.pays_with_code("a");
    till.answers(passed, Ok(()));
    assert!(till.is_held_back());
    till.says(Settlement::Unused);
    assert!(till.is_held_back(), "the first scan is being paid");
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Declined)));
    let (id, passed) = till.pays_with_code("b");
    till.answers(passed, Ok(()));
    assert!(till.persisted("terminal-1", id, Entry::Answer(approval(1, 1250))));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Approved)));
    assert!(till.is_held_back());
    till.says(Settlement::Unused);
    assert!(till.is_held_back(), "it was paid with");
}

#[test]
fn a_payment_that_ends_before_the_terminal_has_acknowledged_its_code_was_paid_with_it() {
    let mut till = till_of(ROUTED);
    let (id, passed) = till.pays_with_code("a");
    assert!(till.persisted("terminal-1", id, Entry::Answer(approval(1, 1250))));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Approved)));
    till.answers(passed, Ok(()));
    assert!(till.is_held_back());
}

#[test]
fn a_code_that_the_terminal_acknowledges_when_the_next_payment_has_begun_is_that_ones() {
    for (ending, is_held) in [(Ending::Approved, true), (Ending::Declined, false)] {
        let mut till = till_of(ROUTED);
        let (first, passed) = till.pays_with_code("a");
        assert!(till.persisted("terminal-1", first, Entry::Ended(Ending::Declined)));
        let second = till.begin("terminal-1", sale("b", 1250));
        till.take("terminal-1", second);
        till.answers(passed, Ok(()));
        assert!(till.is_held_back(), "the second payment has it");
        assert!(till.persisted("terminal-1", second, Entry::Answer(approval(1, 1250))));
        assert!(till.persisted("terminal-1", second, Entry::Ended(ending.clone())));
        assert_eq!(till.is_held_back(), is_held, "{ending:?}");
    }
    // The payment that it was passed on for, and that is still open, has it once.
    let mut till = till_of(ROUTED);
    let (id, passed) = till.pays_with_code("a");
    till.answers(passed, Ok(()));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Declined)));
    assert!(!till.is_held_back());
}

#[test]
fn a_code_is_free_when_nothing_came_of_it() {
    let mut till = till_of(ROUTED);
    let gone = Err(AskError::Failed(Failure::Gone));
    let refused = Err(AskError::Failed(Failure::Refused));
    let (id, passed) = till.pays_with_code("a");
    till.answers(passed, refused);
    let passed = till.shows_again().expect("the terminal has refused it");
    till.answers(passed, gone);
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Declined)));
    assert!(till.is_held_back(), "nobody knows whether the terminal has it");
    // What takes no money is paid with no code.
    let mut till = till_of(ROUTED);
    let totals = Wish { operation: Operation::Totals, amount: None, ..sale("", 0) };
    let id = till.begin("terminal-1", Wish { currency: None, ..totals });
    till.take("terminal-1", id);
    let passed = till.shows_again().unwrap();
    till.answers(passed, Ok(()));
    assert!(till.persisted("terminal-1", id, Entry::Answer(approval(1, 1250))));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Approved)));
    assert!(!till.is_held_back());
}

#[test]
fn who_has_a_code_has_it_over_a_restart_until_the_ledger_has_its_end() {
    for (ending, is_held) in [
        (Some(Ending::Declined), false),
        (Some(Ending::Approved), true),
        (Some(Ending::Contradictory("another amount".into())), true),
        (None, true),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::keep(Book::in_memory().unwrap());
        let mut till = till_with(ROUTED, seen_in(directory.path()), ledger.clone());
        // The file has times by the wall clock, of which this is the other.
        till.now = clock::boottime();
        let id = till.begin("terminal-1", sale("a", 1250));
        till.take("terminal-1", id);
        till.show("box-1");
        till.wait_for_the_disk();
        let passed = till.passed();
        till.answers(passed[0], Ok(()));
        drop(till);
        if let Some(ending) = ending.clone() {
            // The daemon was killed before it heard of that.
            ledger.run(move |book| drop(book.note(id, &Entry::Ended(ending), 1)));
        }
        let mut till = till_with(ROUTED, seen_in(directory.path()), ledger);
        till.now = clock::boottime();
        till.daemon.take_up(till.now);
        till.settle();
        till.show("box-1");
        let newest = till.daemon.ring.newest();
        let is_spoken_for = till.daemon.seen.is_spoken_for(newest);
        till.hear();
        let is_held_back = till.faults.contains(&"held-back");
        assert_eq!(is_held_back, is_held, "{ending:?}");
        assert!(is_spoken_for, "{ending:?}: by the terminal that it goes to, or as before");
    }
}
