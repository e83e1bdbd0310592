//! Tests of the book.

use super::*;
use crate::event::terminal::{Ending, Entry, Question, Reply};
use crate::transaction::Next;

fn intent(key: &str, amount: u64) -> Intent {
    Intent {
        device: "terminal".into(),
        lane: "1".into(),
        key: key.into(),
        user: 1000,
        operation: Operation::Payment,
        amount,
        currency: Currency::EUR,
        receipt: None,
        simulated: false,
        began: 1_000_000,
    }
}

fn begin(book: &mut Book, intent: Intent) -> u64 {
    match book.begin(intent, false).unwrap() {
        Begun::New(transaction) => transaction.id,
        Begun::Before(transaction) => panic!("not new: {}", transaction.id),
    }
}

fn answer(receipt: u32, amount: u64) -> Answer {
    Answer {
        approved: true,
        amount: Some(amount),
        receipt: Some(receipt),
        terminal: Some("52523535".into()),
        trace: Some(receipt + 100),
        ..Answer::default()
    }
}

fn pay(book: &mut Book, key: &str, amount: u64, receipt: u32) -> u64 {
    let id = begin(book, intent(key, amount));
    book.note(id, &Entry::Sending, 2).unwrap();
    book.note(id, &Entry::Accepted, 2).unwrap();
    book.note(id, &Entry::Answer(Box::new(answer(receipt, amount))), 2).unwrap();
    assert_eq!(book.note(id, &Entry::Ended(Ending::Approved), 3).unwrap(), Next::Over);
    id
}

#[test]
fn a_transaction_is_read_as_it_was_written_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let written = {
        let mut book = Book::open(&path).unwrap();
        let id = begin(&mut book, intent("a", 1250));
        for entry in [
            Entry::Sending,
            Entry::Accepted,
            Entry::Receipt(Line { copy: Copy::Customer, text: "Thank you".into() }),
            Entry::Receipt(Line { copy: Copy::Customer, text: String::new() }),
            Entry::Answer(Box::new(answer(7, 1250))),
        ] {
            book.note(id, &entry, 5).unwrap();
        }
        book.transaction(id).unwrap()
    };
    assert_eq!(written.lines.len(), 2);
    let book = Book::open(&path).unwrap();
    assert_eq!(book.left_over().unwrap().as_slice(), std::slice::from_ref(&written));
    assert_eq!(written.left_over(), Next::Enquire);
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(Book::read(&path).unwrap().rows().unwrap().len(), 1);
}

#[test]
fn a_line_that_is_put_right_is_the_same_line_over_a_crash_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let line = |text: &str| Line { copy: Copy::Customer, text: text.into() };
    let texts = |book: &Book, id| {
        let lines = book.transaction(id).unwrap().lines;
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    let mut book = Book::open(&path).unwrap();
    let id = begin(&mut book, intent("a", 1250));
    book.note(id, &Entry::Sending, 2).unwrap();
    for text in ["Receipt", "TID ********"] {
        book.note(id, &Entry::Receipt(line(text)), 2).unwrap();
    }
    // What is safe to keep is there, whatever happens now.
    let mut book = Book::open(&path).unwrap();
    assert_eq!(texts(&book, id), ["Receipt", "TID ********"]);
    book.note(id, &Entry::Amended(vec![line("TID 52523535")]), 2).unwrap();
    book.note(id, &Entry::Receipt(line("Thank you")), 2).unwrap();
    let three = ["Receipt", "TID 52523535", "Thank you"];
    assert_eq!(texts(&Book::open(&path).unwrap(), id), three);
    // More than there are is nothing that can be put right.
    book.note(id, &Entry::Amended(vec![line("x"); 4]), 2).unwrap();
    assert_eq!(texts(&book, id), three);
}

#[test]
fn the_same_key_is_the_same_transaction_and_another_amount_is_refused() {
    let mut book = Book::in_memory().unwrap();
    let id = pay(&mut book, "a", 1250, 1);
    let again = book.begin(intent("a", 1250), false).unwrap();
    assert!(matches!(again, Begun::Before(transaction) if transaction.id == id));
    let other = book.begin(intent("a", 1251), false);
    assert!(matches!(other, Err(Refused::KeyTaken(taken)) if taken == id));
    let elsewhere = Intent { device: "other".into(), ..intent("a", 1251) };
    assert_ne!(begin(&mut book, elsewhere), id);
    let found = book.find("a", Some(1000)).unwrap();
    let devices: Vec<&str> = found.iter().map(|one| one.intent.device.as_str()).collect();
    assert_eq!(devices, ["terminal", "other"], "one of each terminal, the newest last");
    assert_eq!(book.find("a", Some(1)).unwrap(), []);
}

#[test]
fn one_transaction_at_a_time_and_none_after_an_unknown_one() {
    let mut book = Book::in_memory().unwrap();
    let id = begin(&mut book, intent("a", 1250));
    assert!(
        matches!(book.begin(intent("b", 1), false), Err(Refused::InProgress(open)) if open == id)
    );
    book.note(id, &Entry::Sending, 2).unwrap();
    book.close(id, &End::new(State::Unknown, "cut"), 3).unwrap();
    assert!(matches!(book.begin(intent("b", 1), false), Err(Refused::Unknown(open)) if open == id));
    let totals = Intent { operation: Operation::Totals, key: String::new(), ..intent("", 0) };
    let other = begin(&mut book, totals);
    book.close(other, &End::new(State::Approved, ""), 4).unwrap();
    let resolution = Resolution { user: 0, note: "slip found".into(), time: 5 };
    let settled = book.resolve(id, State::Approved, &resolution, ":1.1").unwrap();
    assert_eq!(settled, [(id, State::Approved)]);
    assert!(book.resolve(id, State::Declined, &resolution, ":1.1").unwrap().is_empty(), "once");
    assert_eq!(book.transaction(id).unwrap().resolution, Some(resolution));
    begin(&mut book, intent("b", 1));
}

#[test]
fn an_unknown_outcome_can_be_passed_over() {
    let mut book = Book::in_memory().unwrap();
    let id = begin(&mut book, intent("a", 1250));
    book.close(id, &End::new(State::Unknown, "cut"), 3).unwrap();
    assert!(matches!(book.begin(intent("b", 1), true), Ok(Begun::New(_))));
}

#[test]
fn what_is_known_of_the_terminal_and_of_the_earlier_transaction_comes_along() {
    let mut book = Book::in_memory().unwrap();
    pay(&mut book, "a", 1250, 41);
    pay(&mut book, "b", 800, 42);
    let reversal =
        Intent { operation: Operation::Reversal, receipt: Some(41), amount: 0, ..intent("c", 0) };
    let Ok(Begun::New(transaction)) = book.begin(reversal, false) else { panic!("not new") };
    let original = Some(Original { amount: Some(1250), trace: Some(141) });
    let terminal = Some("52523535".to_owned());
    assert_eq!(transaction.known, Known { receipt: Some(42), terminal, original });
}

#[test]
fn totals_begin_anew_with_each_close() {
    let mut book = Book::in_memory().unwrap();
    pay(&mut book, "a", 1250, 1);
    pay(&mut book, "b", 800, 2);
    assert_eq!(
        book.totals("terminal", false).unwrap(),
        Totals { payments: 2, paid: 2050, ..Totals::default() }
    );
    let close = begin(&mut book, Intent { operation: Operation::Close, ..intent("c", 0) });
    book.note(close, &Entry::Ended(Ending::Approved), 4).unwrap();
    assert_eq!(book.totals("terminal", false).unwrap(), Totals::default());
}

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// A day of business: the first sale of it finds the ledger as it is then.
fn a_day(book: &mut Book, day: u64) {
    let sale = Intent { began: day * DAY, ..intent(&format!("day {day}"), 1) };
    let Ok(Begun::New(sale)) = book.begin(sale, true) else { panic!("not new") };
    let id = sale.id;
    book.close(id, &End::new(State::Failed, ""), day * DAY).unwrap();
    book.prune(day * DAY).unwrap();
}

#[test]
fn what_is_old_goes_and_what_is_not_settled_stays() {
    let mut book = Book::in_memory().unwrap();
    let old = pay(&mut book, "a", 1250, 1);
    let unknown = begin(&mut book, intent("b", 1));
    book.close(unknown, &End::new(State::Unknown, "cut"), 3).unwrap();
    for id in [old, unknown] {
        book.audit(id, 0, ":1.1", "over-unknown", 4).unwrap();
    }
    // Sundays nobody comes.
    for day in (1..=540).filter(|day| day % 7 != 0) {
        a_day(&mut book, day);
        assert!(book.transaction(old).is_ok(), "{day}");
    }
    a_day(&mut book, 541);
    assert!(matches!(book.transaction(old), Err(Error::NotFound(_))));
    assert_eq!(book.transaction(unknown).unwrap().state, State::Unknown);
    let acts = book.acts().unwrap();
    assert_eq!(acts.iter().map(|act| act.id).collect::<Vec<_>>(), [unknown]);
    assert_eq!(book.rows().unwrap().len(), 542 - 77, "no younger one");
}

#[test]
fn a_clock_that_is_wrong_for_a_year_drops_nothing_of_that_year_and_none_of_its_audit() {
    let mut book = Book::in_memory().unwrap();
    let id = pay(&mut book, "a", 1250, 1);
    book.audit(id, 0, ":1.1", "over-unknown", 4).unwrap();
    // Nobody sets the clock right, and it runs on; each day the daemon is started anew.
    for day in 27_000..27_364 {
        book.pruned = 0;
        a_day(&mut book, day);
    }
    // Nor does it help that it is set to other times meanwhile.
    for day in [90_000, 1, 3, 90_000, 27_000] {
        book.prune(day * DAY).unwrap();
    }
    assert!(book.transaction(id).is_ok());
    assert_eq!((book.rows().unwrap().len(), book.acts().unwrap().len()), (365, 1));
}

#[test]
fn what_is_over_is_not_sent_and_what_is_said_of_it_is_kept_as_evidence() {
    let mut book = Book::in_memory().unwrap();
    let id = begin(&mut book, intent("a", 1250));
    book.close(id, &End::new(State::Failed, "no code"), 2).unwrap();
    assert!(matches!(book.note(id, &Entry::Sending, 3), Err(Error::Over(over)) if over == id));
    book.note(id, &Entry::Answer(Box::new(answer(7, 1250))), 4).unwrap();
    assert_eq!(book.note(id, &Entry::Ended(Ending::Approved), 5).unwrap(), Next::Nothing);
    let kept = book.transaction(id).unwrap();
    assert_eq!((kept.state, kept.answer, kept.ended), (State::Failed, None, Some(2)));
    assert_eq!(kept.evidence, [answer(7, 1250)]);
    let acts = book.acts().unwrap();
    let said: Vec<(&str, &str)> =
        acts.iter().map(|act| (act.act.as_str(), act.note.as_str())).collect();
    assert_eq!(said, [("late", "answer"), ("late", "ended approved")]);
    assert_eq!(book.totals("terminal", false).unwrap(), Totals::default());
    let next = begin(&mut book, intent("b", 1250));
    assert_eq!(book.transaction(next).unwrap().known, Known::default(), "nothing was heard");
}

#[test]
fn what_has_been_sent_has_not_failed_because_we_say_so() {
    let mut book = Book::in_memory().unwrap();
    let id = begin(&mut book, intent("a", 1250));
    book.note(id, &Entry::Sending, 2).unwrap();
    for state in [State::Failed, State::Aborted] {
        assert_eq!(book.close(id, &End::new(state, "cut"), 3).unwrap().state, State::Sent);
    }
    let end = End { last: Some(Box::new(answer(7, 1250))), ..End::new(State::Approved, "") };
    let ended = book.close(id, &end, 4).unwrap();
    assert_eq!((ended.state, ended.answer), (State::Approved, end.last));
    assert_eq!(
        book.close(id, &End::new(State::Unknown, "late"), 5).unwrap().state,
        State::Approved
    );
}

#[test]
fn an_answer_that_does_not_fit_is_evidence_and_no_amount() {
    let mut book = Book::in_memory().unwrap();
    let id = begin(&mut book, intent("a", 1250));
    book.note(id, &Entry::Sending, 2).unwrap();
    book.note(id, &Entry::Answer(Box::new(answer(9, 99_999))), 2).unwrap();
    let ending = Ending::Contradictory("another amount".into());
    assert_eq!(book.note(id, &Entry::Ended(ending), 3).unwrap(), Next::Over);
    let resolution = Resolution { user: 0, note: "slip".into(), time: 5 };
    assert_eq!(book.resolve(id, State::Approved, &resolution, ":1.1").unwrap().len(), 1);
    let settled = book.transaction(id).unwrap();
    assert_eq!((settled.answer, settled.evidence.len()), (None, 1));
    assert_eq!(book.totals("terminal", false).unwrap().paid, 1250);
    let next = begin(&mut book, intent("b", 1));
    assert_eq!(book.transaction(next).unwrap().known.receipt, None, "nor is its receipt known");
}

#[test]
fn the_newest_receipt_is_one_that_was_given_out_and_not_the_one_it_is_about() {
    let mut book = Book::in_memory().unwrap();
    pay(&mut book, "a", 1250, 41);
    pay(&mut book, "b", 800, 42);
    let reversal =
        Intent { operation: Operation::Reversal, receipt: Some(41), amount: 0, ..intent("c", 0) };
    let id = begin(&mut book, reversal);
    book.note(id, &Entry::Sending, 2).unwrap();
    book.note(id, &Entry::Answer(Box::new(answer(41, 1250))), 2).unwrap();
    book.note(id, &Entry::Ended(Ending::Approved), 3).unwrap();
    let next = begin(&mut book, intent("d", 1));
    assert_eq!(book.transaction(next).unwrap().known.receipt, Some(42));
}

#[test]
fn a_ledger_of_the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let id = {
        let mut book = Book::open(&path).unwrap();
        let id = pay(&mut book, "a", 1250, 1);
        let before = "DROP INDEX undoing; ALTER TABLE transactions DROP COLUMN undone_by; \
                      DROP TABLE evidence; DROP TABLE heard; CREATE TABLE terminals (device TEXT \
                      PRIMARY KEY, terminal TEXT, receipt INTEGER) STRICT; INSERT INTO terminals \
                      VALUES ('terminal', '52523535', 41); PRAGMA user_version = 1";
        book.connection.execute_batch(before).unwrap();
        id
    };
    assert!(matches!(Book::read(&path), Err(Error::Version(1))));
    let mut book = Book::open(&path).unwrap();
    assert_eq!(book.transaction(id).unwrap().state, State::Approved);
    let next = begin(&mut book, intent("b", 1));
    assert_eq!(book.transaction(next).unwrap().known.receipt, Some(41));
}

#[test]
fn real_and_simulated_money_know_nothing_of_one_another() {
    let mut book = Book::in_memory().unwrap();
    let training = |key: &str| Intent { simulated: true, ..intent(key, 1250) };
    let id = begin(&mut book, training("a"));
    book.note(id, &Entry::Sending, 2).unwrap();
    book.note(id, &Entry::Answer(Box::new(answer(7, 1250))), 2).unwrap();
    book.note(id, &Entry::Ended(Ending::Approved), 3).unwrap();
    // The key of a training sale is not that of a sale: it is not approved, it is refused.
    let same_key = book.begin(intent("a", 1250), false);
    assert!(matches!(same_key, Err(Refused::KeyTaken(taken)) if taken == id));
    assert_eq!(book.totals("terminal", false).unwrap(), Totals::default());
    assert_eq!(book.totals("terminal", true).unwrap().paid, 1250);
    let reversal =
        Intent { operation: Operation::Reversal, receipt: Some(7), amount: 0, ..intent("b", 0) };
    let Ok(Begun::New(transaction)) = book.begin(reversal, false) else { panic!("not new") };
    assert_eq!(transaction.known, Known::default());
    book.close(transaction.id, &End::new(State::Failed, ""), 4).unwrap();
    // Nor does what is unknown in training lock the terminal.
    let cut = begin(&mut book, training("c"));
    book.close(cut, &End::new(State::Unknown, "cut"), 5).unwrap();
    assert!(matches!(book.begin(training("d"), false), Err(Refused::Unknown(open)) if open == cut));
    begin(&mut book, intent("d", 1250));
}

#[test]
fn a_terminal_under_another_name_does_not_get_rid_of_its_unknown_outcome() {
    let mut book = Book::in_memory().unwrap();
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let on = |device: &str, key: &str| Intent { device: device.into(), ..intent(key, 1) };
    pay(&mut book, "a", 1250, 1);
    let old = begin(&mut book, on("old", "b"));
    book.close(old, &End::new(State::Failed, ""), 2).unwrap();
    let cut = begin(&mut book, intent("c", 1));
    book.close(cut, &End::new(State::Unknown, "cut"), 3).unwrap();
    let now = names(&["new", "old"]);
    let renamed = book.begin_beside(on("new", "d"), false, Some(&now));
    assert!(matches!(renamed, Err(Refused::Unknown(open)) if open == cut), "{renamed:?}");
    // One that has been there before is another one, and who has looked may go on.
    assert!(matches!(book.begin_beside(on("old", "d"), false, Some(&now)), Ok(Begun::New(_))));
    assert!(matches!(book.begin_beside(on("new", "d"), true, Some(&now)), Ok(Begun::New(_))));
    let both = names(&["new", "terminal"]);
    assert!(matches!(book.begin_beside(on("newer", "d"), false, Some(&both)), Ok(Begun::New(_))));
}

/// A payment that the customer has signed for, and the cashier is asked about.
fn signed(book: &mut Book, key: &str, receipt: u32) -> u64 {
    let id = begin(book, intent(key, 1250));
    book.note(id, &Entry::Sending, 2).unwrap();
    book.note(id, &Entry::Accepted, 2).unwrap();
    let question = Some(Question::Signature);
    let answer = Answer { question, signature: true, ..answer(receipt, 1250) };
    book.note(id, &Entry::Answer(Box::new(answer)), 2).unwrap();
    assert_eq!(book.note(id, &Entry::Ended(Ending::Approved), 3).unwrap(), Next::Ask);
    id
}

fn say(book: &mut Book, id: u64, reply: &Reply) -> Answered {
    book.answer(id, reply, 1000, ":1.1", 9).unwrap()
}

fn reversal(book: &mut Book, id: u64) -> Transaction {
    match say(book, id, &Reply::No) {
        Answered::Undo(reversal) => *reversal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_open_over_a_restart_and_is_answered_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let id = signed(&mut Book::open(&path).unwrap(), "a", 7);
    let mut book = Book::open(&path).unwrap();
    let [open] = &book.left_over().unwrap()[..] else { panic!() };
    assert_eq!((open.question, open.left_over()), (Some(Question::Signature), Next::Nothing));
    let busy = book.begin(intent("b", 1), false);
    assert!(matches!(busy, Err(Refused::InProgress(open)) if open == id));
    assert_eq!(say(&mut book, id, &Reply::Code("1".into())), Answered::NotAsked);
    assert_eq!(say(&mut book, id, &Reply::Yes), Answered::Ended(State::Approved, ""));
    assert_eq!(say(&mut book, id, &Reply::No), Answered::NotAsked);
    assert_eq!(book.totals("terminal", false).unwrap().paid, 1250);
}

#[test]
fn a_payment_and_the_reversal_of_a_refused_signature_end_together() {
    let mut book = Book::in_memory().unwrap();
    pay(&mut book, "before", 800, 6);
    let id = signed(&mut book, "a", 7);
    let undoing = reversal(&mut book, id);
    assert_eq!((undoing.intent.receipt, undoing.undoes), (Some(7), Some(id)));
    assert_eq!(undoing.known.original, Some(Original { amount: Some(1250), trace: Some(107) }));
    assert_eq!(say(&mut book, id, &Reply::No), Answered::NotAsked, "one reversal");
    let left: Vec<Next> = book.left_over().unwrap().iter().map(Transaction::left_over).collect();
    assert_eq!(left, [Next::Nothing, Next::Over], "nothing of it has been sent");
    // It cannot: then the cashier is asked again, and may find the signature good after all.
    book.close(undoing.id, &End::new(State::Failed, "busy"), 10).unwrap();
    assert_eq!(book.transaction(id).unwrap().question, Some(Question::Signature));
    let undoing = reversal(&mut book, id);
    for entry in [Entry::Sending, Entry::Accepted, Entry::Ended(Ending::Approved)] {
        book.note(undoing.id, &entry, 11).unwrap();
    }
    let payment = book.transaction(id).unwrap();
    assert_eq!((payment.state, payment.undone_by), (State::Declined, Some(undoing.id)));
    assert_eq!(payment.ended, Some(11));
    assert_eq!(book.transaction(undoing.id).unwrap().undoes, Some(id));
    let totals = book.totals("terminal", false).unwrap();
    assert_eq!((totals.payments, totals.paid, totals.reversals), (1, 800, 0), "as if not paid");
}

#[test]
fn where_it_is_not_known_whether_it_was_reversed_settling_the_reversal_settles_both() {
    for (found, payment) in [(State::Approved, State::Declined), (State::Declined, State::Approved)]
    {
        let mut book = Book::in_memory().unwrap();
        let id = signed(&mut book, "a", 7);
        let undoing = reversal(&mut book, id);
        book.note(undoing.id, &Entry::Sending, 10).unwrap();
        book.close(undoing.id, &End::new(State::Unknown, "cut"), 10).unwrap();
        assert_eq!(book.transaction(id).unwrap().state, State::Unknown);
        let resolution = Resolution { user: 0, note: "slip".into(), time: 11 };
        let settled = book.resolve(undoing.id, found, &resolution, ":1.1").unwrap();
        assert_eq!(settled, [(undoing.id, found), (id, payment)]);
        assert_eq!(book.transaction(id).unwrap().state, payment);
        assert_eq!(book.unknown("terminal", false).unwrap(), None);
    }
}
