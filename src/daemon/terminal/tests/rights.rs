//! Who may do what with a transaction.

use super::*;

/// Clerks pay, and do nothing else; the second one of them has the till next door.
const ACCESS: &str = "[access]\nterminal = [\"user:nobody\", \"user:daemon\"]\n\
                      refund = []\nclose = []\nresolve = [\"user:bin\"]\n";

fn user(name: &str) -> Caller {
    let uid = nix::unistd::User::from_name(name).unwrap().unwrap().uid.as_raw();
    Caller { client: Client::new(format!(":1.{uid}").as_str()), uid, groups: Vec::new() }
}

fn shop() -> Till {
    till_of(&format!("{LANES}{ACCESS}"))
}

impl Till {
    fn begin_as(&mut self, who: &Caller, wish: Wish) -> Result<u64, Error> {
        let id = self.call("terminal-1", who, |reply| Act::Begin(wish, reply))?;
        self.announce(id);
        Ok(id)
    }

    fn act<T>(
        &mut self,
        who: &Caller,
        id: u64,
        act: impl FnOnce(Reply<T>) -> TransactionAct,
    ) -> Result<T, Error> {
        let (reply, mut answer) = oneshot::channel();
        let call = Call::Transaction { caller: who.clone(), id, act: act(reply) };
        self.daemon.call(self.now, call);
        self.settle();
        answer.try_recv().unwrap()
    }

    /// A sale of the first clerk's whose outcome nobody knows.
    fn unknown(&mut self) -> u64 {
        let id = self.begin_as(&user("nobody"), sale("a", 1250)).unwrap();
        self.take("terminal-1", id);
        let cut = Entry::Ended(Ending::Contradictory("another amount".into()));
        assert!(self.persisted("terminal-1", id, cut));
        assert_eq!(self.state(id), State::Unknown);
        id
    }
}

#[test]
fn a_transaction_is_its_users_and_of_those_who_settle_outcomes() {
    let mut till = shop();
    let id = till.begin_as(&user("nobody"), sale("a", 1250)).unwrap();
    till.take("terminal-1", id);
    let refused = Error::AccessDenied("terminal");
    let next_door = user("daemon");
    assert_eq!(till.act(&next_door, id, TransactionAct::Result), Err(refused.clone()));
    assert_eq!(till.act(&next_door, id, TransactionAct::Abort), Err(refused.clone()));
    let answer = |reply| TransactionAct::Answer("yes".to_owned(), reply);
    assert_eq!(till.act(&next_door, id, answer), Err(refused));
    for who in [user("nobody"), user("bin"), alice()] {
        assert_eq!(till.act(&who, id, TransactionAct::Result).unwrap().id, id);
    }
    let find = |till: &mut Till, caller| {
        let (reply, mut answer) = oneshot::channel();
        till.daemon.call(till.now, Call::FindTransaction { caller, key: "a".to_owned(), reply });
        till.settle();
        answer.try_recv().unwrap()
    };
    assert!(matches!(find(&mut till, next_door), Err(Error::InvalidArgument(_))));
    assert_eq!(find(&mut till, user("nobody")), Ok(id));
}

#[test]
fn giving_back_closing_and_settling_are_rights_of_their_own() {
    let mut till = shop();
    let clerk = user("nobody");
    let wish = |operation| Wish { operation, amount: None, currency: None, ..sale("k", 0) };
    let refund = Wish { operation: Operation::Refund, ..sale("k", 500) };
    let reversal = Wish { receipt: Some(1), ..wish(Operation::Reversal) };
    for (wish, right) in
        [(refund, "refund"), (reversal, "refund"), (wish(Operation::Close), "close")]
    {
        assert_eq!(till.begin_as(&clerk, wish), Err(Error::AccessDenied(right)));
    }
    assert_eq!(till.begin_as(&user("bin"), sale("k", 1)), Err(Error::AccessDenied("terminal")));
    let id = till.unknown();
    let settle = |reply| TransactionAct::Resolve(State::Approved, "slip".to_owned(), reply);
    assert_eq!(till.act(&clerk, id, settle), Err(Error::AccessDenied("resolve")));
    assert_eq!(till.act(&user("bin"), id, settle), Ok(()));
    assert!(matches!(till.act(&user("bin"), id, settle), Err(Error::InvalidArgument(_))), "once");
}

#[test]
fn who_begins_over_an_unknown_outcome_needs_the_right_and_is_written_down() {
    let mut till = shop();
    let id = till.unknown();
    assert_eq!(till.begin_as(&user("nobody"), sale("b", 1)), Err(Error::OutcomeUnknown(id)));
    let over = || Wish { over_unknown: true, ..sale("b", 1) };
    assert_eq!(till.begin_as(&user("nobody"), over()), Err(Error::AccessDenied("resolve")));
    let next = till.begin_as(&alice(), over()).unwrap();
    let (reply, answer) = std::sync::mpsc::channel();
    till.ledger.run(move |book| reply.send(book.acts().unwrap()).unwrap());
    let acts = answer.recv().unwrap();
    let [act] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!((act.act.as_str(), act.id, act.user), ("over-unknown", next, 0));
}

#[test]
fn what_is_being_asked_about_is_not_stopped() {
    let mut till = shop();
    let id = till.begin_as(&user("nobody"), sale("a", 1250)).unwrap();
    till.take("terminal-1", id);
    till.is_lost("terminal-1");
    till.settle();
    till.act(&user("nobody"), id, TransactionAct::Abort).unwrap();
    till.report("terminal-1", READY);
    till.settle();
    assert_eq!((till.state(id), till.ends()), (State::InProgress, vec![]));
    assert!(till.is_enquired("terminal-1"));
}
