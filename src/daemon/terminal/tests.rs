//! Terminals and money, with a clock, a ledger and sessions that the tests hold.

mod codes;
mod heard;
mod rights;
mod world;

use tokio::sync::oneshot;

use super::*;
use crate::config::{self, Config, Credentials, Paths};
use crate::daemon::call::{Act, Call};
use crate::daemon::claim::Options;
use crate::daemon::outbox::{Notices, outbox};
use crate::daemon::plan::Spot;
use crate::daemon::{Replays, Signal};
use crate::event::terminal::{Answer, Clock, Currency, Ending};
use crate::event::{Reading, Role};
use crate::ledger::Book;
use crate::normalize::{self, Rules};
use crate::session::Report;
use crate::store::seen::Seen;
use crate::transport;

const WECHAT: &[u8] = b"135112298638468293";
const EUR: Currency = Currency::EUR;

/// A port is open that is no pty.
const READY: Report = Report::Ready { is_pty: false };

/// Two lanes, each with a terminal and a box for payment codes.
const LANES: &str = r#"
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
name = "terminal-2"
lane = "2"
match = { pty = "/nowhere/t2" }
profile = "zvt"
[[device]]
name = "box-2"
lane = "2"
role = "payment"
match = { pty = "/nowhere/b2" }
profile = "generic-line-scanner"
"#;

/// The daemon, and the tests in the place of its sessions, its bus and its clock.
struct Till {
    daemon: Daemon,
    notices: Notices,
    orders: BTreeMap<String, mpsc::Receiver<Order>>,
    ledger: Ledger,
    said: Vec<String>,
    faults: Vec<&'static str>,
    now: Timestamp,
}

fn configuration(text: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tillbus.toml");
    std::fs::write(&file, text).unwrap();
    let credentials = Credentials::Missing;
    config::load(&Paths { config: file, profile_dirs: Vec::new(), credentials }).unwrap()
}

fn till() -> Till {
    till_of(LANES)
}

fn till_of(text: &str) -> Till {
    let ledger = Ledger::keep(Book::in_memory().unwrap());
    till_with(text, Seen::new([7; 32]), ledger)
}

fn till_with(text: &str, seen: Seen, ledger: Ledger) -> Till {
    let (sender, notices) = outbox();
    let load = Box::new(|| Err(Vec::new()));
    let epoch = "epoch".to_owned();
    let config = configuration(text);
    let money = Money { mode: Mode::Test, ledger: Some(ledger.clone()), ..Money::default() };
    let daemon = Daemon::new(config, load, epoch, None, Replays::new(), seen, sender);
    let daemon = daemon.with_money(money);
    let (orders, said, faults) = (BTreeMap::new(), Vec::new(), Vec::new());
    let now = Timestamp(1_000_000);
    let mut till = Till { daemon, notices, orders, ledger, said, faults, now };
    till.hear();
    let keys: Vec<Key> = till.daemon.devices.keys().copied().collect();
    for key in keys {
        till.open(key);
    }
    till
}

/// One who may do everything.
fn alice() -> Caller {
    Caller { client: Client::new(":1.1"), uid: 0, groups: Vec::new() }
}

/// Another client of the same user.
fn bob() -> Caller {
    Caller { client: Client::new(":1.2"), ..alice() }
}

fn sale(key: &str, amount: u64) -> Wish {
    Wish {
        operation: Operation::Payment,
        key: key.to_owned(),
        amount: Some(amount),
        currency: Some(EUR),
        receipt: None,
        means: Means::AtTerminal,
        over_unknown: false,
    }
}

fn with_next_code(key: &str, amount: u64) -> Wish {
    Wish { means: Means::NextScan, ..sale(key, amount) }
}

fn approval(receipt: u32, amount: u64) -> Box<Answer> {
    Box::new(Answer {
        approved: true,
        amount: Some(amount),
        receipt: Some(receipt),
        terminal: Some("52523535".into()),
        clock: clock::local(),
        ..Answer::default()
    })
}

impl Till {
    /// A session has a device's port open. Terminals can be paid at with codes.
    fn open(&mut self, key: Key) {
        let device = self.daemon.devices.get_mut(&key).unwrap();
        let identity = std::sync::Arc::get_mut(&mut device.identity).unwrap();
        if identity.is_terminal() {
            identity.capabilities.push(code::ABILITY);
        }
        let name = identity.origin.name.clone();
        let path = device.config.as_ref().unwrap().matches.path().unwrap().to_owned();
        let spot = Spot { path: path.clone(), interface: None };
        let (_, orders) = device.start(spot, String::new(), None, None, None).unwrap();
        device.set_state(DeviceState::Ready, Access::Ok, path);
        self.orders.insert(name, orders);
    }

    fn key(&self, device: &str) -> Key {
        self.daemon.device_named(device).unwrap()
    }

    /// What the bus does: objects come and their beginners are answered.
    fn hear(&mut self) {
        while let Some(notice) = self.notices.try_next() {
            match notice {
                Notice::TransactionAdded(view, Some(reply)) => {
                    let _ = reply.send(Ok(view.id));
                }
                Notice::Transaction(id, _, TransactionSignal::Completed(transaction)) => {
                    self.said.push(format!("{id} {}", transaction.state.word()));
                }
                Notice::Signal(_, _, Signal::Fault { kind, .. }) => self.faults.push(kind),
                _ => {}
            }
        }
    }

    /// Everything that has been asked of the ledger is done, and what comes of that.
    fn settle(&mut self) {
        loop {
            let (done, wait) = std::sync::mpsc::channel();
            self.ledger.run(move |_| done.send(()).unwrap());
            wait.recv().unwrap();
            let mut is_settled = true;
            while let Ok(wake) = self.daemon.inbox.try_recv() {
                is_settled = false;
                self.daemon.handle(self.now, wake);
            }
            self.hear();
            if is_settled {
                return;
            }
        }
    }

    /// The disk takes its time until what is given back is dropped.
    fn hold_the_disk(&self) -> std::sync::mpsc::Sender<()> {
        let (hold, held) = std::sync::mpsc::channel();
        self.ledger.run(move |_| {
            let _ = held.recv();
        });
        hold
    }

    fn disk_takes(&self, takes: bool) {
        self.ledger.run(move |book| book.refuse(!takes));
    }

    fn call<T>(
        &mut self,
        device: &str,
        who: &Caller,
        act: impl FnOnce(Reply<T>) -> Act,
    ) -> Result<T, Error> {
        let (reply, mut answer) = oneshot::channel();
        let (caller, device) = (who.clone(), self.key(device));
        self.daemon.call(self.now, Call::Device { caller, device, act: act(reply) });
        self.settle();
        answer.try_recv().unwrap()
    }

    /// Begins a transaction; its beginner is not there yet to be told of it.
    fn ask(&mut self, device: &str, wish: Wish) -> Result<u64, Error> {
        self.call(device, &alice(), |reply| Act::Begin(wish, reply))
    }

    fn begin(&mut self, device: &str, wish: Wish) -> u64 {
        let id = self.ask(device, wish).unwrap();
        self.announce(id);
        id
    }

    fn announce(&mut self, id: u64) {
        self.daemon.handle(self.now, Wake::Ledger(Box::new(LedgerNews::Announced(id))));
        self.settle();
    }

    fn report(&mut self, device: &str, report: Report) {
        let key = self.key(device);
        self.daemon.report(self.now, key, report);
    }

    /// A session wants this on disk.
    fn persist(&mut self, device: &str, id: u64, entry: Entry) -> oneshot::Receiver<()> {
        let (written, done) = oneshot::channel();
        self.report(device, Report::Persist(id, entry, written));
        done
    }

    /// The same, and whether the session may go on.
    fn persisted(&mut self, device: &str, id: u64, entry: Entry) -> bool {
        let mut done = self.persist(device, id, entry);
        self.settle();
        done.try_recv().is_ok()
    }

    /// A session has begun with a transaction, and its terminal has it.
    fn take(&mut self, device: &str, id: u64) {
        assert_eq!(self.told(device), Some(id));
        assert!(self.persisted(device, id, Entry::Sending));
        assert!(self.persisted(device, id, Entry::Accepted));
    }

    /// A sale from its asking to its end.
    fn pay(&mut self, device: &str, key: &str, receipt: u32) -> u64 {
        let id = self.begin(device, sale(key, 1250));
        self.take(device, id);
        assert!(self.persisted(device, id, Entry::Answer(approval(receipt, 1250))));
        assert!(self.persisted(device, id, Entry::Ended(Ending::Approved)));
        assert_eq!(self.state(id), State::Approved);
        id
    }

    fn is_lost(&mut self, device: &str) {
        self.report(device, Report::Unusable(transport::Error::Disconnected));
    }

    /// The transaction that a session has been told to begin since the last time.
    fn told(&mut self, device: &str) -> Option<u64> {
        let orders = self.orders.get_mut(device).unwrap();
        let told = std::iter::from_fn(|| orders.try_recv().ok());
        told.filter_map(|order| match order {
            Order::Instruct(Instruction::Begin(order)) => Some(order.transaction),
            _ => None,
        })
        .last()
    }

    fn is_enquired(&mut self, device: &str) -> bool {
        let orders = self.orders.get_mut(device).unwrap();
        let enquiry = |order| matches!(order, Order::Instruct(Instruction::Enquire(_)));
        std::iter::from_fn(|| orders.try_recv().ok()).any(enquiry)
    }

    /// A customer shows a telephone.
    fn show(&mut self, device: &str) {
        self.scan(device, WECHAT);
    }

    fn scan(&mut self, device: &str, code: &[u8]) {
        let data = Secret::copy_of(code);
        let reading = Reading { symbology: None, aim: None, data, first: self.now, last: self.now };
        let rules = Rules { role: Role::Payment, ..Rules::default() };
        self.report(device, Report::Event(normalize::scan(reading, &rules).into()));
        self.settle();
    }

    fn claim(&mut self, device: &str) {
        self.claim_as(&alice(), device).unwrap();
    }

    fn claim_as(&mut self, who: &Caller, device: &str) -> Result<(), Error> {
        self.call(device, who, |reply| Act::Claim(Options::default(), reply))
    }

    /// Time passes, with everything of transactions that is due in it.
    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        for _ in 0..1000 {
            let next = self.daemon.transactions.deadline().filter(|next| *next <= end);
            let Some(next) = next else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.daemon.expire_transactions(self.now);
            self.settle();
        }
        panic!("it never rests");
    }

    /// Where a transaction stands in memory.
    fn state(&self, id: u64) -> State {
        self.daemon.transactions.live[&id].transaction.state
    }

    /// A transaction as it is on disk.
    fn on_disk(&self, id: u64) -> Transaction {
        let (reply, answer) = std::sync::mpsc::channel();
        self.ledger.run(move |book| reply.send(book.transaction(id).unwrap()).unwrap());
        answer.recv().unwrap()
    }

    /// The ends that clients have been told of since the last time.
    fn ends(&mut self) -> Vec<String> {
        self.hear();
        std::mem::take(&mut self.said)
    }
}

#[test]
fn a_code_that_comes_in_the_last_moment_is_paid_with_and_no_time_is_up_behind_it() {
    let mut till = till();
    till.claim("box-1");
    let id = till.begin("terminal-1", with_next_code("a", 500));
    till.pass(119_950);
    till.show("box-1");
    assert_eq!(till.told("terminal-1"), Some(id));
    let disk = till.hold_the_disk();
    let mut sending = till.persist("terminal-1", id, Entry::Sending);
    till.now = till.now + Duration::from_millis(100);
    till.daemon.expire_transactions(till.now);
    drop(disk);
    till.settle();
    assert_eq!((till.state(id), till.ends()), (State::Sent, vec![]));
    sending.try_recv().unwrap();
    assert!(till.persisted("terminal-1", id, Entry::Answer(approval(1, 500))));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Approved)));
    assert_eq!(till.ends(), ["1 approved"]);
    till.pass(200_000);
    assert_eq!(till.on_disk(id).state, State::Approved);
}

#[test]
fn what_is_over_for_the_till_is_not_sent() {
    let mut till = till();
    // The line was lost and is back before the daemon hears of it; meanwhile it has told the session.
    let id = till.begin("terminal-1", sale("a", 500));
    assert_eq!(till.told("terminal-1"), Some(id));
    till.is_lost("terminal-1");
    till.report("terminal-1", READY);
    let mut sending = till.persist("terminal-1", id, Entry::Sending);
    till.settle();
    assert!(sending.try_recv().is_err(), "the session hangs up");
    assert_eq!(till.ends(), ["1 failed"]);
    assert_eq!(till.on_disk(id).state, State::Failed);
}

#[test]
fn what_was_sent_before_the_line_was_lost_is_asked_about() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 500));
    assert_eq!(till.told("terminal-1"), Some(id));
    // On its way to the disk, while the daemon still thinks that nothing was sent.
    let disk = till.hold_the_disk();
    let mut sending = till.persist("terminal-1", id, Entry::Sending);
    till.is_lost("terminal-1");
    drop(disk);
    till.settle();
    sending.try_recv().unwrap();
    assert_eq!((till.on_disk(id).state, till.state(id)), (State::Sent, State::Sent));
    till.report("terminal-1", READY);
    assert!(till.is_enquired("terminal-1"));
    till.report("terminal-1", Report::Said(Some(id), Said::Last(None, Clock::default())));
    till.settle();
    assert_eq!(till.ends(), ["1 unknown"]);
}

#[test]
fn late_words_are_evidence_of_their_own_transaction_and_of_no_other() {
    let mut till = till();
    let first = till.begin("terminal-1", sale("a", 500));
    till.is_lost("terminal-1");
    till.settle();
    assert_eq!(till.ends(), ["1 failed"]);
    till.report("terminal-1", READY);
    till.claim("box-1");
    let second = till.begin("terminal-1", with_next_code("b", 500));
    // The session has to go on: the terminal waits to be acknowledged.
    assert!(till.persisted("terminal-1", first, Entry::Answer(approval(1, 500))));
    assert!(till.persisted("terminal-1", first, Entry::Ended(Ending::Approved)));
    assert_eq!((till.state(first), till.state(second)), (State::Failed, State::Preparing));
    assert_eq!((till.on_disk(second).answer, till.ends()), (None, vec![]));
    for kept in [till.on_disk(first), till.daemon.transactions.live[&first].transaction.clone()] {
        assert_eq!((kept.answer, kept.evidence.len()), (None, 1));
    }
    // Nor does what it says of itself reach the other: progress, or its last receipt.
    let last = Said::Last(Some(approval(1, 500)), Clock::default());
    till.report("terminal-1", Report::Said(Some(first), last));
    till.settle();
    assert_eq!(till.state(second), State::Preparing);
}

#[test]
fn clients_are_told_no_end_that_the_ledger_does_not_have() {
    let mut till = till();
    till.pay("terminal-1", "a", 41);
    let id = till.begin("terminal-1", sale("b", 1250));
    till.take("terminal-1", id);
    till.is_lost("terminal-1");
    till.settle();
    till.report("terminal-1", READY);
    assert!(till.is_enquired("terminal-1"));
    till.ends();
    till.disk_takes(false);
    let last = Said::Last(Some(approval(42, 1250)), clock::local());
    till.report("terminal-1", Report::Said(Some(id), last));
    till.settle();
    till.pass(10_000);
    assert_eq!((till.ends(), till.state(id)), (vec![], State::InProgress));
    till.disk_takes(true);
    till.pass(60_000);
    assert_eq!(till.ends(), ["2 approved"]);
    let kept = till.on_disk(id);
    assert_eq!(
        (kept.state, kept.answer),
        (State::Approved, till.daemon.transactions.live[&id].transaction.answer.clone())
    );
}

#[test]
fn a_ledger_that_could_not_be_written_for_a_while_locks_no_terminal() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 500));
    till.disk_takes(false);
    assert!(!till.persisted("terminal-1", id, Entry::Sending));
    till.is_lost("terminal-1");
    till.settle();
    assert_eq!((till.ends(), till.state(id)), (vec![], State::Preparing));
    till.disk_takes(true);
    till.pass(2_000);
    assert_eq!(till.ends(), ["1 failed"]);
    till.report("terminal-1", READY);
    till.pay("terminal-1", "b", 1);
}

#[test]
fn what_only_the_ledger_knows_to_be_under_way_is_taken_up() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 500));
    till.daemon.transactions.live.clear();
    assert_eq!(till.ask("terminal-1", sale("b", 500)), Err(Error::TransactionInProgress));
    assert_eq!(till.on_disk(id).state, State::Failed);
    till.pay("terminal-1", "b", 1);
}

#[test]
fn a_code_pays_in_the_lane_where_it_is_shown() {
    let mut till = till();
    till.claim("box-1");
    till.claim("box-2");
    let dear = till.begin("terminal-1", with_next_code("a", 8000));
    let cheap = till.begin("terminal-2", with_next_code("b", 500));
    till.show("box-2");
    assert_eq!((till.told("terminal-1"), till.told("terminal-2")), (None, Some(cheap)));
    till.show("box-1");
    assert_eq!(till.told("terminal-1"), Some(dear));
}

#[test]
fn of_two_sales_of_a_lane_only_one_waits_for_a_code() {
    let one_lane = LANES.replace("lane = \"2\"", "lane = \"1\"");
    let mut till = till_of(&one_lane);
    till.claim("box-1");
    let id = till.begin("terminal-1", with_next_code("a", 8000));
    let second = till.ask("terminal-2", with_next_code("b", 500));
    assert!(matches!(second, Err(Error::LimitExceeded(_))), "{second:?}");
    assert_eq!(till.ask("terminal-1", with_next_code("a", 8000)), Ok(id), "it is the same sale");
    // Both asked for at once: which one the customer means nobody knows.
    till.daemon.transactions.live.get_mut(&id).unwrap().awaited = None;
    let other = till.begin("terminal-2", with_next_code("b", 500));
    till.daemon.transactions.live.get_mut(&id).unwrap().awaited =
        code::Awaited::of(Means::NextScan, &alice().client, till.now);
    till.show("box-1");
    assert_eq!((till.told("terminal-1"), till.told("terminal-2")), (None, None));
    assert_eq!((till.state(id), till.state(other)), (State::Preparing, State::Preparing));
}

#[test]
fn without_a_box_in_its_lane_no_terminal_waits_for_a_code() {
    let mut till = till_of(&LANES.replace("name = \"box-2\"\nlane = \"2\"", "name = \"box-2\""));
    let refused = till.ask("terminal-2", with_next_code("a", 500));
    assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
}

impl Till {
    fn reload(&mut self, text: &str) {
        self.daemon.adopt(configuration(text));
        self.settle();
    }
}

/// The first terminal gets other settings.
fn changed() -> String {
    LANES.replacen("profile = \"zvt\"", "profile = \"concert\"", 1)
}

fn renamed() -> String {
    LANES.replace("terminal-1", "till")
}

fn removed() -> String {
    LANES.split_once("[[device]]\nname = \"box-1\"").unwrap().1.replacen(
        "lane",
        "[[device]]\nname = \"box-1\"\nlane",
        1,
    )
}

#[test]
fn a_terminal_at_work_keeps_its_settings_until_it_is_done() {
    // The changed device's session is made there, and does not run.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    for text in [changed(), renamed(), removed()] {
        let mut till = till();
        let id = till.begin("terminal-1", sale("a", 1250));
        till.take("terminal-1", id);
        let key = till.key("terminal-1");
        till.reload(&text);
        assert_eq!(till.key("terminal-1"), key, "{text}");
        assert!(till.daemon.devices[&key].has_session());
        assert_eq!(till.daemon.device_named("till"), None, "nobody else is at its port");
        assert!(till.persisted("terminal-1", id, Entry::Answer(approval(1, 1250))));
        assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Approved)));
        assert_eq!(till.ends(), ["1 approved"]);
        assert!(!till.daemon.devices.contains_key(&key), "the change is made");
        assert_eq!(till.daemon.device_named("till").is_some(), text == renamed());
    }
}

#[test]
fn a_terminal_that_is_taken_away_while_it_is_asked_about_leaves_nothing_under_way() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 1250));
    till.take("terminal-1", id);
    till.is_lost("terminal-1");
    till.settle();
    till.reload(&removed());
    assert_eq!(till.daemon.device_named("terminal-1"), None, "what is cut off is not at work");
    // The session that is let go still has a word to say, and may.
    let (written, mut done) = oneshot::channel();
    let entry =
        Entry::Receipt(crate::event::terminal::Line { copy: Default::default(), text: "x".into() });
    till.report("terminal-2", Report::Persist(id, entry, written));
    till.settle();
    done.try_recv().unwrap();
    till.pass(200_000);
    assert_eq!(till.ends(), ["1 unknown"]);
}

#[test]
fn a_session_that_is_let_go_begins_nothing_any_more() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 1250));
    assert_eq!(till.told("terminal-1"), Some(id));
    let key = till.key("terminal-1");
    till.daemon.remove(key);
    till.settle();
    assert_eq!(till.ends(), ["1 failed"]);
    let (written, mut done) = oneshot::channel();
    till.daemon.report(till.now, key, Report::Persist(id, Entry::Sending, written));
    till.settle();
    assert!(done.try_recv().is_err());
}

#[test]
fn real_money_is_not_asked_of_a_port_that_turns_out_to_be_a_pty() {
    let mut till = till_of(&LANES.replace("pty =", "path ="));
    till.daemon.transactions.money.mode = Mode::Live;
    till.report("terminal-1", Report::Ready { is_pty: true });
    let key = till.key("terminal-1");
    let device = &till.daemon.devices[&key];
    assert_eq!((device.state(), device.has_session()), (DeviceState::Unreachable, false));
    assert!(matches!(till.ask("terminal-1", sale("a", 500)), Err(Error::NotReady(_))));
    till.pay("terminal-2", "b", 1);
}

#[test]
fn money_of_a_pty_is_marked_however_it_was_configured() {
    let mut till = till_of(&LANES.replace("pty =", "path ="));
    till.report("terminal-1", Report::Ready { is_pty: true });
    let marked = till.pay("terminal-1", "a", 1);
    let real = till.pay("terminal-2", "a", 1);
    let is_marked = |id| till.on_disk(id).intent.simulated;
    assert_eq!((is_marked(marked), is_marked(real)), (true, false));
}

#[test]
fn a_terminal_in_the_middle_of_a_payment_cannot_be_challenged() {
    let mut till = till();
    till.claim("terminal-1");
    let id = till.begin("terminal-1", sale("a", 1250));
    till.take("terminal-1", id);
    // Its own program may claim it again; another of the same user may not want it now.
    till.claim("terminal-1");
    assert_eq!(till.claim_as(&bob(), "terminal-1"), Err(Error::AlreadyClaimed));
    assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Declined)));
    till.call("terminal-1", &alice(), Act::Release).unwrap();
    assert_eq!(till.claim_as(&bob(), "terminal-1"), Ok(()));
}

#[test]
fn a_real_terminal_is_not_asked_about_a_sale_in_training() {
    let mut till = till_of(&LANES.replace("pty =", "path ="));
    till.report("terminal-1", Report::Ready { is_pty: true });
    let id = till.begin("terminal-1", sale("a", 1250));
    till.take("terminal-1", id);
    till.is_lost("terminal-1");
    till.settle();
    till.report("terminal-1", READY);
    till.settle();
    assert!(!till.is_enquired("terminal-1"));
    assert_eq!(till.ends(), ["1 unknown"]);
}

#[test]
fn what_a_terminal_no_longer_configured_has_left_behind_can_be_settled() {
    let mut till = till();
    let id = till.begin("terminal-1", sale("a", 1250));
    till.take("terminal-1", id);
    till.is_lost("terminal-1");
    till.settle();
    till.reload(&renamed());
    till.pass(200_000);
    assert_eq!(till.ends(), ["1 unknown"]);
    let key = till.key("till");
    till.open(key);
    assert_eq!(till.ask("till", sale("b", 1250)), Err(Error::OutcomeUnknown(id)));
    let settle = |till: &mut Till, uid| {
        let (reply, mut answer) = oneshot::channel();
        let act = TransactionAct::Resolve(State::Declined, "no slip".to_owned(), reply);
        let caller = Caller { uid, ..alice() };
        till.daemon.call(till.now, Call::Transaction { caller, id, act });
        till.settle();
        answer.try_recv().unwrap()
    };
    assert_eq!(settle(&mut till, 4711), Err(Error::AccessDenied("resolve")));
    assert_eq!(settle(&mut till, 0), Ok(()));
    till.pay("till", "b", 1);
}

#[test]
fn a_daemon_that_ends_waits_for_terminals_at_work_and_lets_nothing_begin() {
    let mut till = till();
    till.claim("box-2");
    let paying = till.begin("terminal-1", sale("a", 1250));
    let waiting = till.begin("terminal-2", with_next_code("b", 500));
    till.take("terminal-1", paying);
    let until = till.daemon.let_terminals_end(till.now);
    till.settle();
    assert_eq!((till.state(waiting), until), (State::Failed, till.now + Duration::from_secs(60)));
    assert!(matches!(till.ask("terminal-2", sale("c", 1)), Err(Error::NotReady(_))));
    assert!(till.daemon.transactions.are_at_work());
    assert!(till.persisted("terminal-1", paying, Entry::Ended(Ending::Declined)));
    assert!(!till.daemon.transactions.are_at_work());
}

#[test]
fn what_is_asked_for_in_a_circle_fills_no_memory() {
    let mut till = till();
    for number in 0..MOST_KEPT + 20 {
        let id = till.begin("terminal-1", sale(&number.to_string(), 1250));
        assert_eq!(till.told("terminal-1"), Some(id));
        assert!(till.persisted("terminal-1", id, Entry::Ended(Ending::Declined)));
        till.now = till.now + Duration::from_millis(1);
    }
    assert_eq!(till.daemon.transactions.live.len(), MOST_KEPT);
    let disk = till.hold_the_disk();
    let mut answers = Vec::new();
    for number in 0..MOST_BEGINS + 1 {
        let (reply, answer) = oneshot::channel();
        let act = Act::Begin(sale(&format!("more {number}"), 1), reply);
        let (caller, device) = (alice(), till.key("terminal-1"));
        till.daemon.call(till.now, Call::Device { caller, device, act });
        answers.push(answer);
    }
    let last = answers.pop().unwrap().try_recv().unwrap();
    assert!(matches!(last, Err(Error::LimitExceeded(_))), "{last:?}");
    drop(disk);
    till.settle();
    assert!(answers.remove(0).try_recv().unwrap().is_ok(), "the first one has begun");
    till.daemon.gone(till.now, &alice().client);
    let mut live = till.daemon.transactions.live.values();
    assert!(live.all(|live| live.followers.is_empty()));
}

#[test]
fn of_one_key_at_two_terminals_both_transactions_are_found() {
    let mut till = till();
    let (first, second) = (till.pay("terminal-1", "17", 1), till.pay("terminal-2", "17", 1));
    till.daemon.transactions.live.clear();
    let (reply, mut answer) = oneshot::channel();
    let call = Call::FindTransaction { caller: alice(), key: "17".to_owned(), reply };
    till.daemon.call(till.now, call);
    till.settle();
    assert_eq!(answer.try_recv().unwrap(), Ok(second));
    assert_eq!((till.state(first), till.state(second)), (State::Approved, State::Approved));
}

#[tokio::test]
async fn a_daemon_ends_however_much_it_has_still_to_be_told() {
    let mut till = till();
    while till.daemon.wakes.try_send(Wake::Gone(Client::new(":1.9"))).is_ok() {}
    // The ledger's thread has something to tell, and there is no room.
    let (reply, _answer) = oneshot::channel();
    let act = Act::Begin(sale("a", 1250), reply);
    let (caller, device) = (alice(), till.key("terminal-1"));
    till.daemon.call(till.now, Call::Device { caller, device, act });
    let stopped = tokio::time::timeout(Duration::from_secs(10), till.daemon.stop()).await;
    assert!(stopped.is_ok(), "it waits for the ledger, which waits for it");
}
