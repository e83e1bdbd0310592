//! Transactions of another till's, and who may know of them.

use super::*;
use crate::event::terminal::Order as Ordered;
use crate::event::terminal::Overheard;

/// A till of its own and its terminal, wired through; clerks may use terminals, and settle nothing.
const WIRED: &str = r#"
[[device]]
name = "till"
match = { pty = "/nowhere/till" }
profile = "zvt"
[[device]]
name = "terminal-1"
match = { pty = "/nowhere/t1" }
profile = "zvt"
[[route]]
mode = "tap"
from = "till"
to = "terminal-1"
[access]
terminal = ["user:nobody"]
refund = []
close = []
resolve = ["user:bin"]
"#;

fn user(name: &str) -> Caller {
    let uid = nix::unistd::User::from_name(name).unwrap().unwrap().uid.as_raw();
    Caller { client: Client::new(format!(":1.{uid}").as_str()), uid, groups: Vec::new() }
}

/// A daemon that begins with what this ledger has.
fn begun_with(ledger: &Ledger) -> Till {
    let mut till = till_with(WIRED, Seen::new([7; 32]), ledger.clone());
    let (reply, left_over) = std::sync::mpsc::channel();
    till.ledger.run(move |book| reply.send(book.left_over().unwrap()).unwrap());
    till.daemon.transactions.money.left_over = left_over.recv().unwrap();
    till.daemon.take_up(till.now);
    till.settle();
    till
}

impl Till {
    /// The other till has made a sale, which went so.
    fn hears(&mut self, receipt: u32, ending: Ending) {
        self.hears_of(Some(approval(receipt, 1250)), Some(ending));
    }

    /// What is heard of the other till's sale.
    fn hears_of(&mut self, answer: Option<Box<Answer>>, ending: Option<Ending>) {
        let order = Ordered::new(0, Operation::Payment, 1250, None);
        let overheard = Overheard { order, first: clock::boottime(), answer, ending };
        self.report("terminal-1", Report::Overheard(Box::new(overheard)));
        self.settle();
    }

    fn result(&mut self, who: &Caller, id: u64) -> Result<Transaction, Error> {
        let (reply, mut answer) = oneshot::channel();
        let act = TransactionAct::Result(reply);
        self.daemon.call(self.now, Call::Transaction { caller: who.clone(), id, act });
        answer.try_recv().unwrap()
    }

    fn finds(&mut self, who: &Caller, key: &str) -> Result<u64, Error> {
        let (reply, mut answer) = oneshot::channel();
        let (caller, key) = (who.clone(), key.to_owned());
        self.daemon.call(self.now, Call::FindTransaction { caller, key, reply });
        self.settle();
        answer.try_recv().unwrap()
    }
}

#[test]
fn what_was_heard_is_found_again_after_a_restart_by_those_who_may_watch() {
    let ledger = Ledger::keep(Book::in_memory().unwrap());
    let mut till = begun_with(&ledger);
    till.hears(1, Ending::Approved);
    till.hears(2, Ending::Contradictory("it said two things".into()));
    drop(till);
    let mut till = begun_with(&ledger);
    for (id, state) in [(1, State::Approved), (2, State::Unknown)] {
        let seen = till.result(&user("nobody"), id).unwrap();
        assert_eq!((seen.state, till.result(&user("bin"), id).is_ok()), (state, true));
        assert_eq!(till.result(&user("daemon"), id), Err(Error::AccessDenied("terminal")));
    }
    // Long after, when it has no object any more.
    let key = till.result(&user("nobody"), 1).unwrap().intent.key;
    till.pass(11 * 60 * 1000);
    assert!(!till.daemon.transactions.live.contains_key(&1));
    assert!(till.finds(&user("daemon"), &key).is_err());
    assert_eq!(till.finds(&user("nobody"), &key), Ok(1));
    let key = till.on_disk(2).intent.key;
    assert!(!till.daemon.transactions.live.contains_key(&2), "nor has one that is not settled");
    assert_eq!(till.finds(&user("bin"), &key), Ok(2), "who settles it finds it too");
    // To know of it is no right to settle it, and nobody has such a key of his own.
    let settle = |reply| TransactionAct::Resolve(State::Approved, "slip".to_owned(), reply);
    let (reply, mut answer) = oneshot::channel();
    let call = Call::Transaction { caller: user("nobody"), id: 2, act: settle(reply) };
    till.daemon.call(till.now, call);
    assert_eq!(answer.try_recv().unwrap(), Err(Error::AccessDenied("resolve")));
    let (reply, mut answer) = oneshot::channel();
    let call = Call::Transaction { caller: user("bin"), id: 2, act: settle(reply) };
    till.daemon.call(till.now, call);
    till.settle();
    assert_eq!(answer.try_recv().unwrap(), Ok(()));
    let refused = wish::amount(&sale("overheard 1", 1250));
    assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{refused:?}");
}

#[test]
fn a_sale_that_was_taken_when_the_daemon_was_killed_has_lost_its_end_and_is_not_forgotten() {
    let ledger = Ledger::keep(Book::in_memory().unwrap());
    let mut till = begun_with(&ledger);
    // One with its end, which is one transaction.
    till.hears_of(None, None);
    assert_eq!((till.on_disk(1).state, till.ends()), (State::InProgress, vec![]));
    till.hears_of(Some(approval(1, 1250)), Some(Ending::Approved));
    assert_eq!(till.on_disk(1).state, State::Approved);
    till.hears_of(None, None);
    drop(till);
    let mut till = begun_with(&ledger);
    let lost = till.on_disk(2);
    assert_eq!(lost.state, State::Unknown);
    assert!(lost.reason.starts_with("its end was not heard"), "{}", lost.reason);
    assert!(!till.is_enquired("terminal-1"), "the terminal talks to another till");
    // Where a sale is taken before the end of another was heard, that one has lost it.
    till.hears_of(None, None);
    till.hears_of(None, None);
    assert_eq!((till.on_disk(3).state, till.on_disk(4).state), (State::Unknown, State::InProgress));
}

/// The same till, that is not wired through to its terminal any more.
fn untapped() -> String {
    let (before, route) = WIRED.split_once("[[route]]").unwrap();
    format!("{before}[access]{}", route.split_once("[access]").unwrap().1)
}

#[test]
fn a_reload_in_the_middle_of_a_sale_loses_nothing_of_it() {
    let nameless = untapped().replace("terminal-1", "other");
    let cut = || Some(Ending::Unclear("its end was not heard".into()));
    for (name, text) in [("the tap", untapped()), ("the terminal's name", nameless)] {
        for from in ["terminal-1", "till"] {
            for ending in [cut(), Some(Ending::Declined)] {
                let mut till = till_of(WIRED);
                till.claim("terminal-1");
                till.hears_of(None, None);
                assert_eq!(till.on_disk(1).state, State::InProgress);
                let key = till.key(from);
                till.reload(&text);
                assert!(!till.daemon.devices.contains_key(&key));
                // Either session may be the one to say it, and after its device has gone.
                let order = Ordered::new(0, Operation::Payment, 1250, None);
                let first = clock::boottime();
                let overheard = Overheard { order, first, answer: None, ending: ending.clone() };
                till.daemon.report(till.now, key, Report::Overheard(Box::new(overheard)));
                till.settle();
                let kept = till.on_disk(1);
                let want = if ending == cut() { State::Unknown } else { State::Declined };
                assert_eq!(kept.state, want, "{name}, {from}");
                assert_eq!(kept.intent.device, "terminal-1", "{name}, {from}");
                assert_eq!(till.ends(), [format!("1 {}", want.word())], "whoever watched is told");
            }
        }
    }
}

#[test]
fn what_was_heard_and_keeps_a_sale_from_beginning_can_be_settled() {
    for rename in [false, true] {
        let mut till = till_of(WIRED);
        till.hears(1, Ending::Contradictory("it said two things".into()));
        till.pass(11 * 60 * 1000);
        assert!(!till.daemon.transactions.live.contains_key(&1));
        // From now on the terminal is asked from here.
        let name = if rename { "other" } else { "terminal-1" };
        till.reload(&untapped().replace("terminal-1", name));
        let key = till.key(name);
        till.open(key);
        assert_eq!(till.ask(name, sale("a", 1250)), Err(Error::OutcomeUnknown(1)), "{name}");
        // However long it takes somebody to find out.
        till.pass(11 * 60 * 1000);
        assert_eq!(till.result(&user("bin"), 1).unwrap().state, State::Unknown, "{name}");
        let (reply, mut answer) = oneshot::channel();
        let act = TransactionAct::Resolve(State::Approved, "slip".to_owned(), reply);
        till.daemon.call(till.now, Call::Transaction { caller: user("bin"), id: 1, act });
        till.settle();
        assert_eq!(answer.try_recv().unwrap(), Ok(()), "{name}");
        till.pay(name, "a", 2);
        till.pass(11 * 60 * 1000);
        assert!(!till.daemon.transactions.live.contains_key(&1), "{name}: then it goes");
    }
}

#[test]
fn what_is_heard_in_a_circle_fills_no_memory() {
    let mut till = till_of(WIRED);
    for receipt in 0..300 {
        let unknown = Ending::Contradictory("it said two things".into());
        till.hears(receipt, if receipt % 2 == 0 { Ending::Approved } else { unknown });
    }
    assert_eq!(till.daemon.transactions.live.len(), MOST_KEPT);
    // Nor do they take the place of what somebody has done himself.
    let root = Live::new(till.on_disk(1));
    let root = Live { until: Some(till.now), ..root };
    till.daemon.transactions.live.insert(1, root);
    let intent = &mut till.daemon.transactions.live.get_mut(&1).unwrap().transaction.intent;
    intent.key = "mine".to_owned();
    till.hears(301, Ending::Approved);
    assert!(till.daemon.transactions.live.contains_key(&1));
}
