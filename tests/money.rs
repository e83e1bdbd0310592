//! The ledger and a terminal's own books never disagree on money, wherever a dialogue is cut.
//!
//! The driver, the ledger and the simulated terminal run against each other in memory, with a clock that
//! the test turns. The cable is cut at every byte in each direction, every byte is damaged and lost, the
//! daemon crashes before and after everything it does, the terminal's power is cut at every byte.
//! Whatever happens:
//!
//! * what the ledger calls approved is booked at the terminal, once, with that receipt and amount;
//! * what it calls declined, aborted or failed is not booked;
//! * nothing is booked twice;
//! * what is unknown lets no further payment begin, unless somebody says so; then that one is in order too,
//!   whatever the terminal still says of the one before.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::collections::VecDeque;
use std::time::Duration;

use support::Random;
use tillbus::event::terminal::{
    Answer, Clock, Currency, Ending, Entry, Instruction, Operation, Order, Reply, Said,
};
use tillbus::event::{Refusal, Timestamp};
use tillbus::ledger::{self, Answered, Begun, Book, End, Refused};
use tillbus::protocol::{Factory, Input, Item, Opening, Output, Protocol, Token};
use tillbus::sim::{Actions, Simulated};
use tillbus::transaction::{Clocks, Finding, Intent, Next, State, Transaction, weigh};

/// The amount of every sale: two in a row must not be taken for one another.
const AMOUNT: u64 = 1250;
/// How long a run may take by its own clock: longer than everything times out.
const PATIENCE: Duration = Duration::from_secs(1_000);
/// How long a cable stays cut, and a daemon stays down.
const DOWN: Duration = Duration::from_secs(3);
/// How many random runs there are; `TILLBUS_MONEY_RUNS` changes it, `TILLBUS_MONEY_SEED` the first seed.
const RUNS: u64 = 400;

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// The cable, after so many bytes to the terminal.
    ToTerminal(usize),
    /// The cable, after so many bytes to the till.
    ToTill(usize),
    /// The daemon, before it does the so manieth thing.
    Before(usize),
    /// The daemon, just after it.
    After(usize),
    /// The terminal's power, after it has been sent so many bytes.
    Power(usize),
    /// Nothing, but a bit of this byte to the terminal is another.
    DamageToTerminal(usize),
    /// Nothing, but a bit of this byte to the till is another.
    DamageToTill(usize),
    /// Nothing, but this byte to the terminal is lost.
    LostToTerminal(usize),
    /// Nothing, but this byte to the till is lost.
    LostToTill(usize),
    Never,
}

/// What is counted to find out how many cuts there are.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    to_terminal: usize,
    to_till: usize,
    things: usize,
}

/// A till, a terminal, and the cable between them.
struct World {
    factory: Factory,
    protocol: Option<Box<dyn Protocol>>,
    device: Box<dyn Simulated>,
    book: Book,
    now: Timestamp,
    patience: Option<Timestamp>,
    /// When the cable, or the daemon, is back.
    back: Option<Timestamp>,
    out: Output,
    to_terminal: VecDeque<Vec<u8>>,
    to_till: VecDeque<Vec<u8>>,
    cut: Cut,
    counts: Counts,
    /// The transaction that is to be asked about.
    recovering: Option<u64>,
    is_enquiring: bool,
    /// The transaction that the driver was last told of on this line.
    about: Option<u64>,
    crashed: bool,
    /// Whether what the terminal says while the daemon is down is there for the next one.
    keeps: bool,
    /// Somebody keys a sale in while the line is down: nobody has asked the terminal yet then.
    keys_in: bool,
    /// How many have been keyed in so.
    keyed: usize,
    key: u64,
}

impl World {
    fn new(spoken: Spoken, behaviour: &str) -> Self {
        let factory = support::configure(spoken.protocol, spoken.options).unwrap();
        let mut device = support::simulated(spoken.protocol, spoken.options).unwrap();
        let mut world_clock = Actions::default();
        for behaviour in behaviour.split(", ").filter(|word| !word.is_empty()) {
            device.behave(behaviour, &mut world_clock).unwrap();
        }
        let mut world = Self {
            protocol: None,
            factory,
            device,
            book: Book::in_memory().unwrap(),
            now: Timestamp(1_000_000),
            patience: None,
            back: None,
            out: Output::default(),
            to_terminal: VecDeque::new(),
            to_till: VecDeque::new(),
            cut: Cut::Never,
            counts: Counts::default(),
            recovering: None,
            is_enquiring: false,
            about: None,
            crashed: false,
            keeps: false,
            keys_in: false,
            keyed: 0,
            key: 0,
        };
        world.open();
        world
    }

    /// The terminal's clock, and the till's: they differ by an hour.
    fn clock(&self, hour: u64) -> Clock {
        let seconds = self.now.0 / 1_000_000 + hour * 3600;
        let part = |number: u64| u8::try_from(number).unwrap();
        Clock {
            date: Some((11, 25)),
            time: Some((part(seconds / 3600), part(seconds / 60 % 60), part(seconds % 60))),
        }
    }

    fn actions(&self) -> Actions {
        Actions { clock: self.clock(10), ..Actions::default() }
    }

    fn open(&mut self) {
        let mut protocol = (self.factory)();
        protocol.opened(self.now, Opening::Fresh, &mut self.out);
        self.protocol = Some(protocol);
        self.is_enquiring = false;
        self.about = None;
    }

    fn instruct(&mut self, instruction: Instruction) -> Result<(), Refusal> {
        let (Instruction::Begin(order) | Instruction::Enquire(order)) = &instruction else {
            panic!("not of a transaction")
        };
        let about = order.transaction;
        let protocol = self.protocol.as_mut().unwrap();
        protocol.instruct(self.now, instruction, &mut self.out)?;
        self.about = Some(about);
        Ok(())
    }

    /// Ends a transaction, unless it has come too far for that.
    fn close(&mut self, id: u64, state: State) {
        self.book.close(id, &End::new(state, ""), self.now.0).unwrap();
    }

    fn behave(&mut self, words: &str) {
        let mut actions = self.actions();
        self.device.behave(words, &mut actions).unwrap();
    }

    /// Begins a transaction and lets everything happen that follows. Gives its number.
    fn ask(&mut self, operation: Operation, receipt: Option<u32>) -> Result<u64, Refused> {
        self.ask_over(operation, receipt, false)
    }

    /// The same, over an outcome that nobody knows where somebody says so.
    fn ask_over(
        &mut self,
        operation: Operation,
        receipt: Option<u32>,
        over_unknown: bool,
    ) -> Result<u64, Refused> {
        self.key += 1;
        let intent = Intent {
            device: "terminal".into(),
            lane: String::new(),
            key: format!("key {}", self.key),
            user: 0,
            operation,
            amount: if operation.needs_amount() { AMOUNT } else { 0 },
            currency: Currency::EUR,
            receipt,
            simulated: true,
            began: self.now.0,
        };
        let begun = self.book.begin(intent, over_unknown)?;
        let Begun::New(transaction) = begun else { panic!("not new") };
        let id = transaction.id;
        self.does(|world| {
            let instruction = Instruction::Begin(transaction.order());
            if world.instruct(instruction).is_err() {
                world.close(id, State::Failed);
            }
        });
        self.run();
        Ok(id)
    }

    /// Lets everything happen until nothing more would.
    fn run(&mut self) {
        let end = self.now + PATIENCE;
        for _ in 0..100_000 {
            self.hear();
            if self.back.is_some() && std::mem::take(&mut self.keys_in) {
                self.keyed += 1;
                self.now = self.now + Duration::from_secs(1);
                self.behave(&format!("keyed {AMOUNT}"));
            }
            if let Some(bytes) = self.to_terminal.pop_front() {
                self.terminal_receives(&bytes);
            } else if let Some(bytes) = self.arrives() {
                self.till_receives(&bytes);
            } else if !self.wait(end) {
                return;
            }
        }
        panic!("they never rest");
    }

    /// What the till reads next, while anybody reads there.
    fn arrives(&mut self) -> Option<Vec<u8>> {
        let is_nobody_there = self.keeps && self.back.is_some();
        if is_nobody_there { None } else { self.to_till.pop_front() }
    }

    /// Goes on to the next moment at which something happens; `false` where none comes in time.
    fn wait(&mut self, end: Timestamp) -> bool {
        let till = self.protocol.as_ref().and_then(|protocol| protocol.deadline());
        let next = [till, self.patience, self.back].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else { return false };
        self.now = self.now.max(next);
        if self.back.is_some_and(|back| back <= self.now) {
            self.back = None;
            self.come_back();
        } else if self.patience.is_some_and(|patience| patience <= self.now) {
            let mut actions = self.actions();
            self.device.timeout(&mut actions);
            self.terminal_acts(actions);
        } else if let Some(protocol) = &mut self.protocol {
            protocol.timeout(self.now, &mut self.out);
        }
        true
    }

    /// The cable or the daemon is back.
    fn come_back(&mut self) {
        self.open();
        if std::mem::take(&mut self.crashed) {
            self.take_up();
        }
        self.enquire();
    }

    /// What the ledger says is still to be done.
    fn take_up(&mut self) {
        for transaction in self.book.left_over().unwrap() {
            match transaction.left_over() {
                Next::Nothing | Next::Ask => {}
                Next::Over => self.close(transaction.id, State::Failed),
                Next::Enquire => self.recovering = Some(transaction.id),
            }
        }
    }

    fn enquire(&mut self) {
        let Some(id) = self.recovering.filter(|_| !self.is_enquiring && self.back.is_none()) else {
            return;
        };
        let order = self.book.transaction(id).unwrap().order();
        match self.instruct(Instruction::Enquire(order)) {
            Ok(()) => self.is_enquiring = true,
            // It cannot be asked: only a person can find out.
            Err(Refusal::Unsupported) => {
                self.recovering = None;
                self.close(id, State::Unknown);
            }
            Err(_) => {}
        }
    }

    /// Does a thing, unless the daemon crashes before it. `false` after a crash.
    fn does(&mut self, thing: impl FnOnce(&mut Self)) -> bool {
        if self.back.is_some() && self.crashed {
            return false;
        }
        let number = self.counts.things;
        self.counts.things += 1;
        if self.cut == Cut::Before(number) {
            self.crash();
            return false;
        }
        thing(self);
        if self.cut == Cut::After(number) {
            self.crash();
            return false;
        }
        true
    }

    /// Everything in the daemon's memory is gone; the ledger is not. What the terminal says to nobody is
    /// lost, unless somebody keeps the port open.
    fn crash(&mut self) {
        self.protocol = None;
        while self.out.pop().is_some() {}
        self.recovering = None;
        self.is_enquiring = false;
        self.crashed = true;
        if !self.keeps {
            self.to_till.clear();
        }
        self.back = Some(self.now + DOWN);
        self.cut = Cut::Never;
    }

    /// The cable is cut: what was under way is lost, and the till notices.
    fn cut_cable(&mut self) {
        self.cut = Cut::Never;
        self.to_till.clear();
        self.to_terminal.clear();
        self.back = Some(self.now + DOWN);
        let mut kept = Vec::new();
        while let Some(item) = self.out.pop() {
            kept.push(item);
        }
        if let Some(mut protocol) = self.protocol.take() {
            protocol.closed(self.now, &mut self.out);
        }
        while let Some(item) = self.out.pop() {
            kept.push(item);
        }
        // What was still to be said is as in the session: all but the bytes.
        for item in kept {
            match item {
                Item::Write(..) => {}
                item => self.item(item),
            }
        }
        // The line is gone and the ledger says how far the transaction had come.
        self.take_up();
    }

    fn hear(&mut self) {
        while let Some(item) = self.out.pop() {
            if !self.does(|world| world.item(item)) {
                return;
            }
        }
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Write(bytes, token) => self.write(bytes, token),
            Item::Persist(entry) => self.persist(&entry),
            Item::Said(Said::Last(answer, clock)) => self.weigh(answer.as_deref(), clock),
            _ => {}
        }
    }

    fn write(&mut self, bytes: Vec<u8>, token: Option<Token>) {
        if self.back.is_some() {
            return;
        }
        let before = self.counts.to_terminal;
        self.counts.to_terminal += bytes.len();
        if let Cut::ToTerminal(at) = self.cut
            && at < self.counts.to_terminal
        {
            self.to_terminal.push_back(bytes[..at - before].to_vec());
            self.deliver_all();
            return self.cut_cable();
        }
        let bytes = self.harmed(bytes, before, Cut::DamageToTerminal, Cut::LostToTerminal);
        self.to_terminal.push_back(bytes);
        if let (Some(token), Some(protocol)) = (token, &mut self.protocol) {
            protocol.sent(self.now, token, &mut self.out);
        }
    }

    /// The bytes as they arrive: one may be damaged or lost. `before` is how many have gone that way.
    fn harmed(
        &mut self,
        mut bytes: Vec<u8>,
        before: usize,
        damage: fn(usize) -> Cut,
        loss: fn(usize) -> Cut,
    ) -> Vec<u8> {
        for at in 0..bytes.len() {
            if self.cut == damage(before + at) {
                // Another bit for each place: an ACK becomes a NAK with two.
                bytes[at] ^= 1 << ((before + at) % 8);
                self.cut = Cut::Never;
                break;
            }
            if self.cut == loss(before + at) {
                bytes.remove(at);
                self.cut = Cut::Never;
                break;
            }
        }
        bytes
    }

    /// What has left before the cut arrives.
    fn deliver_all(&mut self) {
        while let Some(bytes) = self.to_terminal.pop_front() {
            let mut actions = self.actions();
            self.device.receive(&bytes, &mut actions);
            self.patience = self.device.patience().map(|patience| self.now + patience);
        }
    }

    /// The cashier answers whatever is asked, as long as something is.
    fn answer(&mut self, reply: &Reply) {
        for _ in 0..10 {
            // Of a payment and the reversal that undoes it the reversal.
            let newest = self.book.left_over().unwrap().pop();
            let Some(asked) = newest.filter(|open| open.question.is_some()) else { return };
            self.does(|world| world.say(&asked, reply));
            self.run();
        }
        panic!("the cashier is asked for ever");
    }

    fn say(&mut self, asked: &Transaction, reply: &Reply) {
        match self.book.answer(asked.id, reply, 0, "cashier", self.now.0).unwrap() {
            Answered::Ended(..) => {}
            Answered::Undo(reversal) => self.does_tell(&reversal, None),
            Answered::Authorize(code) => self.does_tell(asked, Some(code)),
            Answered::NotAsked => panic!("it was asked"),
        }
    }

    /// Tells the terminal, unless the daemon crashes between writing down and telling.
    fn does_tell(&mut self, transaction: &Transaction, authorization: Option<String>) {
        self.does(|world| {
            let order = Order { authorization, ..transaction.order() };
            let is_open = world.protocol.is_some();
            if !is_open || world.instruct(Instruction::Begin(order)).is_err() {
                world.close(transaction.id, State::Failed);
            }
        });
    }

    fn persist(&mut self, entry: &Entry) {
        let Some(id) = self.about else { return };
        let next = match self.book.note(id, entry, self.now.0) {
            Ok(next) => next,
            // It is not sent: the session hangs up.
            Err(ledger::Error::Over(_)) => return self.cut_cable(),
            Err(error) => panic!("{error}"),
        };
        if next == Next::Enquire {
            self.recovering = Some(id);
            self.enquire();
        }
        if let Entry::Ended(Ending::Approved) = entry {
            assert!(matches!(next, Next::Over | Next::Ask), "an approval ends it");
        }
    }

    fn weigh(&mut self, last: Option<&Answer>, terminal: Clock) {
        let Some(id) = self.recovering.take() else { return };
        let transaction = self.book.transaction(id).unwrap();
        let since = Duration::from_micros(self.now.0 - transaction.intent.began);
        let clocks = Clocks { terminal, host: self.clock(9), since };
        let state = match weigh(&transaction, last, clocks) {
            Finding::Approved => State::Approved,
            Finding::Declined => State::Declined,
            Finding::Unknown(_) => State::Unknown,
        };
        let last = last.cloned().map(Box::new);
        let end = End { last, ..End::new(state, "asked") };
        self.book.close(id, &end, self.now.0).unwrap();
    }

    fn terminal_receives(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Cut::Power(at) = self.cut
                && at == 0
            {
                self.cut = Cut::Never;
                self.behave("restart");
                self.patience = None;
            }
            if let Cut::Power(at) = &mut self.cut {
                *at -= 1;
            }
            let mut actions = self.actions();
            self.device.receive(&[*byte], &mut actions);
            self.terminal_acts(actions);
        }
    }

    fn terminal_acts(&mut self, actions: Actions) {
        self.patience = self.device.patience().map(|patience| self.now + patience);
        let is_heard = self.back.is_none() || (self.keeps && self.crashed);
        if !is_heard || actions.send.is_empty() {
            return;
        }
        self.to_till.push_back(actions.send);
    }

    fn till_receives(&mut self, bytes: &[u8]) {
        if self.back.is_some() {
            return;
        }
        let before = self.counts.to_till;
        self.counts.to_till += bytes.len();
        let bytes = &self.harmed(bytes.to_vec(), before, Cut::DamageToTill, Cut::LostToTill)[..];
        let arrives = match self.cut {
            Cut::ToTill(at) if at < self.counts.to_till => &bytes[..at - before],
            _ => bytes,
        };
        if let (Some(protocol), false) = (&mut self.protocol, arrives.is_empty()) {
            protocol.receive(self.now, Input::Bytes(arrives), &mut self.out);
        }
        if arrives.len() < bytes.len() {
            self.hear();
            if self.back.is_none() {
                self.cut_cable();
            }
        }
    }

    /// What the terminal has booked since `from`, and what of it was keyed on it.
    fn booked(&self, from: usize) -> Vec<String> {
        self.device.ledger().split_off(from)
    }
}

/// What a run is about.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    spoken: Spoken,
    behaviour: &'static str,
    operation: Operation,
    /// A sale is keyed on the terminal itself before ours, or after it was cut off.
    keyed: Keyed,
    /// What comes while the daemon is down is read by the next one.
    keeps: bool,
    /// What the cashier says, whatever is asked.
    cashier: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyed {
    Never,
    Before,
    WhileDown,
}

/// What a terminal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spoken {
    protocol: &'static str,
    options: &'static str,
}

const ZVT: Spoken = Spoken { protocol: "zvt", options: "" };
const ASKING: Spoken =
    Spoken { protocol: "zvt", options: "signature = \"ask\", referral = [\"02\"]" };
const CONCERT: Spoken = Spoken { protocol: "concert", options: "" };
const EXTRAS: Spoken = Spoken { protocol: "zvt", options: "cashback = true, dcc = true" };
/// Fields as an acquirer's paper might have them.
const MIS: Spoken = Spoken {
    protocol: "mis",
    options: "approved = [\"00\"], payment = [{ text = \"S1\" }, { field = \"number\", width = 10 }, \
              { field = \"amount\", width = 12 }], answer = [{ text = \"R1\" }, { field = \"result\", \
              width = 2 }, { field = \"number\", width = 10 }, { field = \"amount\", width = 12 }]",
};
const ECR_HUB: Spoken = Spoken { protocol: "ecr-hub", options: "app-id = \"wz6012822ca2f1as78\"" };
/// It is known by which code it says that it has no such order.
const ECR_HUB_FOUND: Spoken = Spoken {
    protocol: "ecr-hub",
    options: "app-id = \"wz6012822ca2f1as78\", not-found = [\"001\"]",
};
const CAISSE_AP: Spoken = Spoken { protocol: "concert", options: "layout = 3" };

const fn scenario(behaviour: &'static str, operation: Operation) -> Scenario {
    Scenario { spoken: ZVT, behaviour, operation, keyed: Keyed::Never, keeps: false, cashier: "no" }
}

const fn spoken(spoken: Spoken, behaviour: &'static str, operation: Operation) -> Scenario {
    Scenario { spoken, ..scenario(behaviour, operation) }
}

const fn asking(behaviour: &'static str, cashier: &'static str) -> Scenario {
    Scenario { cashier, ..spoken(ASKING, behaviour, Operation::Payment) }
}

/// Cut at every point there is.
const EVERYWHERE: [Scenario; 18] = [
    scenario("", Operation::Payment),
    scenario("decline", Operation::Payment),
    scenario("", Operation::Reversal),
    Scenario { keyed: Keyed::Before, ..scenario("", Operation::Payment) },
    Scenario { keyed: Keyed::WhileDown, ..scenario("", Operation::Payment) },
    spoken(CONCERT, "", Operation::Payment),
    spoken(CAISSE_AP, "", Operation::Payment),
    spoken(MIS, "", Operation::Payment),
    spoken(ECR_HUB, "", Operation::Payment),
    spoken(ECR_HUB, "", Operation::Reversal),
    Scenario { keyed: Keyed::WhileDown, ..spoken(ECR_HUB_FOUND, "", Operation::Payment) },
    scenario("old-completion", Operation::Payment),
    scenario("crossing", Operation::Payment),
    Scenario { keeps: true, ..scenario("", Operation::Payment) },
    Scenario { keeps: true, ..spoken(CONCERT, "", Operation::Payment) },
    asking("signature", "no"),
    asking("signature", "yes"),
    asking("referral", "123456"),
];

/// Cut at random points.
const ANYWHERE: [Scenario; 60] = [
    spoken(EXTRAS, "cashback 500", Operation::Payment),
    spoken(EXTRAS, "dcc 1359 USD", Operation::Payment),
    scenario("dcc 1359 USD", Operation::Payment),
    asking("referral", "no"),
    scenario("stop", Operation::Payment),
    scenario("partial 500", Operation::Payment),
    scenario("silent", Operation::Payment),
    scenario("late 20", Operation::Payment),
    scenario("late 400", Operation::Payment),
    scenario("duplicate", Operation::Payment),
    scenario("no-status", Operation::Payment),
    scenario("busy", Operation::Payment),
    scenario("", Operation::Refund),
    scenario("wrong-receipt", Operation::Reversal),
    scenario("signature", Operation::Payment),
    scenario("tip 100", Operation::Payment),
    scenario("", Operation::Preauth),
    scenario("", Operation::Capture),
    scenario("", Operation::CancelPreauth),
    scenario("", Operation::Close),
    scenario("old-status", Operation::Payment),
    scenario("revoke", Operation::Payment),
    scenario("crossing", Operation::Reversal),
    spoken(CONCERT, "decline", Operation::Payment),
    spoken(CONCERT, "partial 500", Operation::Payment),
    spoken(CONCERT, "unverified", Operation::Payment),
    spoken(CONCERT, "silent", Operation::Payment),
    spoken(CONCERT, "late 20", Operation::Payment),
    spoken(CONCERT, "late 400", Operation::Payment),
    spoken(CONCERT, "behind", Operation::Payment),
    spoken(CAISSE_AP, "behind", Operation::Payment),
    spoken(CONCERT, "duplicate", Operation::Payment),
    spoken(CONCERT, "busy", Operation::Payment),
    spoken(CONCERT, "wrong-echo", Operation::Payment),
    spoken(CONCERT, "", Operation::Refund),
    spoken(CAISSE_AP, "decline", Operation::Payment),
    spoken(MIS, "decline", Operation::Payment),
    spoken(MIS, "partial 500", Operation::Payment),
    spoken(MIS, "silent", Operation::Payment),
    spoken(MIS, "late 400", Operation::Payment),
    spoken(MIS, "behind", Operation::Payment),
    spoken(MIS, "duplicate", Operation::Payment),
    spoken(MIS, "wrong-echo", Operation::Payment),
    spoken(ECR_HUB, "decline", Operation::Payment),
    spoken(ECR_HUB, "refuse", Operation::Payment),
    spoken(ECR_HUB_FOUND, "refuse", Operation::Payment),
    spoken(ECR_HUB, "cancel", Operation::Payment),
    spoken(ECR_HUB, "unclear", Operation::Payment),
    spoken(ECR_HUB, "partial 500", Operation::Payment),
    spoken(ECR_HUB, "tip 100", Operation::Payment),
    spoken(ECR_HUB, "silent", Operation::Payment),
    spoken(ECR_HUB, "late 20", Operation::Payment),
    spoken(ECR_HUB, "late 400", Operation::Payment),
    spoken(ECR_HUB, "behind", Operation::Payment),
    spoken(ECR_HUB, "duplicate", Operation::Payment),
    spoken(ECR_HUB, "busy", Operation::Payment),
    spoken(ECR_HUB, "wrong-number", Operation::Payment),
    spoken(ECR_HUB, "", Operation::Preauth),
    spoken(ECR_HUB, "", Operation::Capture),
    spoken(ECR_HUB, "", Operation::CancelPreauth),
];

/// Plays a scenario with a cut, and checks that both sides agree. Gives what there is to cut, and how the
/// transaction ended.
fn play(scenario: Scenario, cut: Cut) -> (Counts, State) {
    let mut world = World::new(scenario.spoken, "");
    for _ in 0..2 {
        let id = world.ask(Operation::Payment, None).unwrap();
        assert_eq!(world.book.transaction(id).unwrap().state, State::Approved);
        world.now = world.now + Duration::from_secs(30);
    }
    if matches!(scenario.operation, Operation::Capture | Operation::CancelPreauth) {
        world.ask(Operation::Preauth, None).unwrap();
        world.now = world.now + Duration::from_secs(30);
    }
    if scenario.keyed == Keyed::Before {
        world.behave(&format!("keyed {AMOUNT}"));
        world.now = world.now + Duration::from_secs(30);
    }
    if !scenario.behaviour.is_empty() {
        world.behave(scenario.behaviour);
    }
    let from = world.device.ledger().len();
    (world.counts, world.cut, world.keeps) = (Counts::default(), cut, scenario.keeps);
    let receipt = match scenario.operation {
        Operation::Reversal => Some(2),
        Operation::Capture | Operation::CancelPreauth => Some(3),
        _ => None,
    };
    world.keys_in = scenario.keyed == Keyed::WhileDown;
    let id = world.ask(scenario.operation, receipt).unwrap();
    let keyed = std::mem::take(&mut world.keyed);
    world.keys_in = false;
    world.answer(&reply(scenario.cashier));
    let counts = world.counts;
    let transaction = world.book.transaction(id).unwrap();
    check(&world, scenario, keyed, &transaction, from);
    let refused =
        matches!(scenario.behaviour, "signature" | "referral") && scenario.cashier == "no";
    if refused && scenario.spoken == ASKING {
        assert_ne!(transaction.state, State::Approved, "the cashier refused it: {transaction:?}");
    }
    // The next sale is either refused because of an unknown outcome, or is itself in order.
    world.cut = Cut::Never;
    world.behave("approve");
    world.now = world.now + Duration::from_secs(600);
    let from = world.device.ledger().len();
    match world.ask(Operation::Payment, None) {
        Ok(next) => {
            assert_ne!(transaction.state, State::Unknown, "nothing begins over an unknown outcome");
            let next = world.book.transaction(next).unwrap();
            check(&world, scenario_of_next(scenario), 0, &next, from);
            assert_eq!(next.state, State::Approved, "{scenario:?} {cut:?}: {next:?}");
        }
        Err(Refused::Unknown(unknown)) => {
            assert_eq!(unknown, id);
            sell_over_an_unknown_outcome(&mut world, scenario, cut);
        }
        Err(error) => panic!("{scenario:?} {cut:?}: {error}"),
    }
    (counts, transaction.state)
}

/// Somebody has had the next sale begun all the same.
fn sell_over_an_unknown_outcome(world: &mut World, scenario: Scenario, cut: Cut) {
    // What the terminal had still to do for the sale before is done, but for what waits for the next.
    world.run();
    if scenario.behaviour == "silent" {
        // It would be at work for ever.
        world.behave("restart");
    }
    let from = world.device.ledger().len();
    let next = world.ask_over(Operation::Payment, None, true).unwrap();
    let next = world.book.transaction(next).unwrap();
    check(world, scenario_of_next(scenario), 0, &next, from);
    assert_eq!(next.state, State::Approved, "{scenario:?} {cut:?}: over an unknown: {next:?}");
}

fn reply(word: &str) -> Reply {
    match word {
        "yes" => Reply::Yes,
        "no" => Reply::No,
        code => Reply::Code(code.to_owned()),
    }
}

const fn scenario_of_next(of: Scenario) -> Scenario {
    spoken(of.spoken, "", Operation::Payment)
}

/// Both sides agree on money, but for the sales that were keyed on the terminal.
fn check(world: &World, scenario: Scenario, keyed: usize, transaction: &Transaction, from: usize) {
    let word = transaction.intent.operation.word();
    let booked = world.booked(from);
    let told = format!("{scenario:?}: {} {:?}\n{booked:?}", transaction.state.word(), transaction);
    let ours = booked.iter().filter(|line| line.starts_with(&format!("{word} "))).count();
    assert!(ours <= 1 + keyed, "booked twice: {told}");
    let reversed = booked.iter().filter(|line| line.starts_with("reversal ")).count();
    assert!(reversed <= 1, "reversed twice: {told}");
    match transaction.state {
        State::Approved => {
            let answer = transaction.answer.as_ref().unwrap_or_else(|| panic!("no answer: {told}"));
            if transaction.intent.operation == Operation::Close {
                return;
            }
            // Where receipts have no numbers, it is the one that was booked.
            let receipt = answer.receipt.map_or("".to_owned(), |receipt| format!("{receipt} "));
            let (word, amount) =
                (format!("{word} {receipt}"), format!(" {}", answer.amount.unwrap()));
            let ours = |line: &String| line.starts_with(&word) && line.ends_with(&amount);
            assert!(booked.iter().any(ours), "approved and not booked: {told}");
            if let ("zvt", Some(number)) = (scenario.spoken.protocol, answer.receipt) {
                // All of its receipt, once, however often and wherever that was cut.
                let number = format!("Receipt      {number:04}");
                let lines: Vec<_> = transaction.lines.iter().map(|line| &line.text).collect();
                assert!(lines.len() == 6 && lines[4] == &number, "its receipt: {told}");
            }
            if transaction.intent.operation == Operation::Reversal {
                let undone = format!("payment 2 {AMOUNT} undone");
                assert!(world.device.ledger().contains(&undone), "another one undone: {told}");
            }
        }
        State::Declined | State::Aborted | State::Failed => {
            let undone = transaction.undone_by.is_some();
            assert!(ours <= keyed + usize::from(undone), "booked and not approved: {told}");
            let ours = |line: &&String| line.starts_with(&format!("{word} "));
            let kept = booked.iter().filter(ours).filter(|line| !line.ends_with(" undone")).count();
            assert!(kept <= keyed, "not undone: {told}");
        }
        State::Unknown => {}
        state => panic!("not ended: {state:?} {told}"),
    }
}

/// Every cut that a scenario has.
fn cuts(counts: Counts) -> Vec<Cut> {
    let things = 0..counts.things;
    (0..counts.to_terminal)
        .flat_map(|at| {
            let harm = [Cut::DamageToTerminal(at), Cut::LostToTerminal(at)];
            [Cut::ToTerminal(at), Cut::Power(at)].into_iter().chain(harm)
        })
        .chain(
            (0..counts.to_till)
                .flat_map(|at| [Cut::ToTill(at), Cut::DamageToTill(at), Cut::LostToTill(at)]),
        )
        .chain(things.flat_map(|at| [Cut::Before(at), Cut::After(at)]))
        .collect()
}

/// Cuts a scenario everywhere. Only so much may be left to a person: who always says that he does not know is
/// never wrong either.
fn cut_everywhere(scenario: Scenario) {
    let (counts, _) = play(scenario, Cut::Never);
    let mut cuts = cuts(counts);
    // Only a daemon that crashes can find what came meanwhile.
    let is_crash = |cut: &Cut| matches!(cut, Cut::Before(_) | Cut::After(_));
    cuts.retain(|cut| !scenario.keeps || is_crash(cut));
    let mut ended = std::collections::BTreeMap::<&str, usize>::new();
    for cut in &cuts {
        let (_, state) = play(scenario, *cut);
        *ended.entry(state.word()).or_default() += 1;
    }
    println!("{scenario:?}: {} cuts, {ended:?}, no disagreement", cuts.len());
    let unknown = ended.get(State::Unknown.word()).copied().unwrap_or(0);
    assert!(unknown * 100 <= cuts.len() * most_unknown(scenario), "too much is left to a person");
}

/// How many cuts of a hundred may at most end in what only a person can find out.
fn most_unknown(scenario: Scenario) -> usize {
    match (scenario.spoken.protocol, scenario.behaviour, scenario.keyed) {
        // Of a few cuts, most in the middle.
        ("concert", ..) if scenario.keeps => 70,
        // A refusal leaves no receipt, and a sale keyed on the terminal hides the one before it.
        ("zvt", "decline", _) | ("zvt", _, Keyed::Before | Keyed::WhileDown) => 40,
        ("zvt", ..) => 10,
        // These cannot be asked.
        ("concert" | "mis", ..) => 50,
        _ => 90,
    }
}

/// How a transaction ends that nobody cuts, by what the terminal does; nothing for other terminals.
fn uncut(scenario: Scenario) -> Option<State> {
    Some(match (scenario.spoken.protocol, scenario.behaviour) {
        ("zvt" | "concert" | "mis", "decline") => State::Declined,
        ("zvt", "stop") => State::Aborted,
        ("zvt" | "concert", "busy") | ("zvt", "old-completion" | "old-status") => State::Failed,
        // Its last receipt says it.
        ("zvt", "silent" | "no-status") => State::Approved,
        ("zvt", "late 400" | "wrong-receipt" | "tip 100" | "revoke")
        | ("concert", "unverified")
        | ("concert" | "mis", "silent" | "late 400" | "wrong-echo" | "behind") => State::Unknown,
        ("zvt", "" | "partial 500" | "late 20" | "duplicate" | "signature" | "crossing")
        | ("concert" | "mis", "" | "partial 500" | "late 20" | "duplicate") => State::Approved,
        _ => return None,
    })
}

#[test]
fn what_nobody_cuts_ends_as_the_terminal_says() {
    for scenario in EVERYWHERE.into_iter().chain(ANYWHERE) {
        if let Some(want) = uncut(scenario) {
            assert_eq!(play(scenario, Cut::Never).1, want, "{scenario:?}");
        }
    }
}

/// One test each: they take their time, and processors are many.
macro_rules! everywhere {
    ($($name:ident: $number:literal,)*) => {$(
        #[test]
        fn $name() {
            cut_everywhere(EVERYWHERE[$number]);
        }
    )*};
}

everywhere! {
    wherever_a_payment_is_cut_ledger_and_terminal_agree: 0,
    wherever_a_declined_payment_is_cut_ledger_and_terminal_agree: 1,
    wherever_a_reversal_is_cut_ledger_and_terminal_agree: 2,
    wherever_a_payment_behind_a_keyed_sale_is_cut_ledger_and_terminal_agree: 3,
    wherever_a_payment_is_cut_and_a_sale_keyed_meanwhile_ledger_and_terminal_agree: 4,
    wherever_a_payment_in_concert_is_cut_ledger_and_terminal_agree: 5,
    wherever_a_payment_in_caisse_ap_is_cut_ledger_and_terminal_agree: 6,
    wherever_a_payment_by_a_field_table_is_cut_ledger_and_terminal_agree: 7,
    wherever_a_payment_at_an_ecr_hub_is_cut_ledger_and_terminal_agree: 8,
    wherever_a_reversal_at_an_ecr_hub_is_cut_ledger_and_terminal_agree: 9,
    wherever_a_payment_at_an_ecr_hub_is_cut_and_a_sale_keyed_meanwhile_ledger_and_terminal_agree: 10,
    wherever_a_payment_behind_an_old_dialogue_is_cut_ledger_and_terminal_agree: 11,
    wherever_a_payment_that_an_old_dialogue_crosses_is_cut_ledger_and_terminal_agree: 12,
    wherever_a_payment_is_cut_and_what_came_meanwhile_is_read_ledger_and_terminal_agree: 13,
    wherever_a_payment_in_concert_is_cut_and_what_came_meanwhile_is_read_they_agree: 14,
    wherever_a_refused_signature_is_cut_ledger_and_terminal_agree: 15,
    wherever_a_signature_is_cut_ledger_and_terminal_agree: 16,
    wherever_a_referral_is_cut_ledger_and_terminal_agree: 17,
}

#[test]
fn random_cuts_of_everything_a_terminal_does() {
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (runs, first) = (number("TILLBUS_MONEY_RUNS", RUNS), number("TILLBUS_MONEY_SEED", 1));
    let mut tried = 0;
    for seed in first..first + runs {
        let mut random = Random(seed);
        let scenarios: Vec<Scenario> = EVERYWHERE.into_iter().chain(ANYWHERE).collect();
        let scenario = scenarios[random.below(scenarios.len())];
        let (counts, _) = play(scenario, Cut::Never);
        let cuts = cuts(counts);
        let cut = cuts[random.below(cuts.len())];
        play(scenario, cut);
        tried += 1;
    }
    println!("{tried} random cuts from seed {first}, no disagreement");
}

#[test]
fn what_was_cut_off_is_mostly_found_again() {
    // A payment cut off behind the terminal's acceptance is found by its receipt, not left to a person.
    let (counts, _) = play(EVERYWHERE[0], Cut::Never);
    let late = Cut::ToTill(counts.to_till - 30);
    assert_eq!(play(EVERYWHERE[0], late).1, State::Approved);
    // One that the terminal never acknowledged is not.
    assert_eq!(play(EVERYWHERE[0], Cut::ToTerminal(0)).1, State::Failed);
}

#[test]
fn a_terminal_that_completes_without_a_status_is_asked_and_one_that_names_another_receipt_is_not_believed()
 {
    assert_eq!(play(scenario("no-status", Operation::Payment), Cut::Never).1, State::Approved);
    let converted = "dcc 1337 USD";
    assert_eq!(play(spoken(EXTRAS, converted, Operation::Payment), Cut::Never).1, State::Approved);
    assert_eq!(play(scenario(converted, Operation::Payment), Cut::Never).1, State::Unknown);
    assert_eq!(play(scenario("wrong-receipt", Operation::Reversal), Cut::Never).1, State::Unknown);
}

#[test]
fn an_answer_that_comes_behind_the_next_order_is_not_the_next_sales() {
    // What follows the unknown outcome is in order; `play` looks at that.
    for spoken_here in [CONCERT, CAISSE_AP, MIS] {
        let scenario = spoken(spoken_here, "behind", Operation::Payment);
        assert_eq!(play(scenario, Cut::Never).1, State::Unknown, "{scenario:?}");
    }
    // This one has been asked about before the next.
    let asked = spoken(ECR_HUB, "behind", Operation::Payment);
    assert_eq!(play(asked, Cut::Never).1, State::Approved);
}

#[test]
fn an_approval_that_is_followed_by_a_refusal_is_for_a_person_to_look_at() {
    assert_eq!(play(scenario("revoke", Operation::Payment), Cut::Never).1, State::Unknown);
}

#[test]
fn what_an_old_dialogue_says_is_not_about_the_new_sale() {
    for (behaviour, want) in [
        ("old-completion", State::Failed),
        ("old-status", State::Failed),
        ("crossing", State::Approved),
    ] {
        assert_eq!(
            play(scenario(behaviour, Operation::Payment), Cut::Never).1,
            want,
            "{behaviour}"
        );
    }
}
