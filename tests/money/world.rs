//! A till, a terminal, the cable between them, and what can go wrong with each.

use std::collections::VecDeque;
use std::time::Duration;

use tillbus::event::terminal::{
    Answer, Clock, Currency, Ending, Entry, Instruction, Operation, Order, Reply, Said,
};
use tillbus::event::{Refusal, Timestamp};
use tillbus::ledger::{self, Answered, Begun, Book, End, Refused};
use tillbus::protocol::{Factory, Input, Item, Opening, Output, Protocol, Token};
use tillbus::sim::{Actions, Simulated};
use tillbus::transaction::{Clocks, Finding, Intent, Next, State, Transaction, weigh};

use super::{AMOUNT, Spoken};
use crate::support;

/// How long a run may take by its own clock: longer than everything times out.
pub(super) const PATIENCE: Duration = Duration::from_secs(1_000);
/// How long a cable stays cut, and a daemon stays down.
const DOWN: Duration = Duration::from_secs(3);

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
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
pub(super) struct Counts {
    pub(super) to_terminal: usize,
    pub(super) to_till: usize,
    pub(super) things: usize,
}

/// A till, a terminal, and the cable between them.
pub(super) struct World {
    pub(super) factory: Factory,
    pub(super) protocol: Option<Box<dyn Protocol>>,
    pub(super) device: Box<dyn Simulated>,
    pub(super) book: Book,
    pub(super) now: Timestamp,
    pub(super) patience: Option<Timestamp>,
    /// When the cable, or the daemon, is back.
    pub(super) back: Option<Timestamp>,
    pub(super) out: Output,
    pub(super) to_terminal: VecDeque<Vec<u8>>,
    pub(super) to_till: VecDeque<Vec<u8>>,
    pub(super) cut: Cut,
    pub(super) counts: Counts,
    /// The transaction that is to be asked about.
    pub(super) recovering: Option<u64>,
    pub(super) is_enquiring: bool,
    /// The transaction that the driver was last told of on this line.
    pub(super) about: Option<u64>,
    pub(super) crashed: bool,
    /// Whether what the terminal says while the daemon is down is there for the next one.
    pub(super) keeps: bool,
    /// Somebody keys a sale in while the line is down: nobody has asked the terminal yet then.
    pub(super) keys_in: bool,
    /// How many have been keyed in so.
    pub(super) keyed: usize,
    pub(super) key: u64,
}

impl World {
    pub(super) fn new(spoken: Spoken, behaviour: &str) -> Self {
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
    pub(super) fn clock(&self, hour: u64) -> Clock {
        let seconds = self.now.0 / 1_000_000 + hour * 3600;
        let part = |number: u64| u8::try_from(number).unwrap();
        Clock {
            date: Some((11, 25)),
            time: Some((part(seconds / 3600), part(seconds / 60 % 60), part(seconds % 60))),
        }
    }

    pub(super) fn actions(&self) -> Actions {
        Actions { clock: self.clock(10), ..Actions::default() }
    }

    pub(super) fn open(&mut self) {
        let mut protocol = (self.factory)();
        protocol.opened(self.now, Opening::Fresh, &mut self.out);
        self.protocol = Some(protocol);
        self.is_enquiring = false;
        self.about = None;
    }

    pub(super) fn instruct(&mut self, instruction: Instruction) -> Result<(), Refusal> {
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
    pub(super) fn close(&mut self, id: u64, state: State) {
        self.book.close(id, &End::new(state, ""), self.now.0).unwrap();
    }

    pub(super) fn behave(&mut self, words: &str) {
        let mut actions = self.actions();
        self.device.behave(words, &mut actions).unwrap();
    }

    /// Begins a transaction and lets everything happen that follows. Gives its number.
    pub(super) fn ask(
        &mut self,
        operation: Operation,
        receipt: Option<u32>,
    ) -> Result<u64, Refused> {
        self.ask_over(operation, receipt, false)
    }

    /// The same, over an outcome that nobody knows where somebody says so.
    pub(super) fn ask_over(
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
    pub(super) fn run(&mut self) {
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
    pub(super) fn arrives(&mut self) -> Option<Vec<u8>> {
        let is_nobody_there = self.keeps && self.back.is_some();
        if is_nobody_there { None } else { self.to_till.pop_front() }
    }

    /// Goes on to the next moment at which something happens; `false` where none comes in time.
    pub(super) fn wait(&mut self, end: Timestamp) -> bool {
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
    pub(super) fn come_back(&mut self) {
        self.open();
        if std::mem::take(&mut self.crashed) {
            self.take_up();
        }
        self.enquire();
    }

    /// What the ledger says is still to be done.
    pub(super) fn take_up(&mut self) {
        for transaction in self.book.left_over().unwrap() {
            match transaction.left_over() {
                Next::Nothing | Next::Ask => {}
                Next::Over => self.close(transaction.id, State::Failed),
                Next::Enquire => self.recovering = Some(transaction.id),
            }
        }
    }

    pub(super) fn enquire(&mut self) {
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
    pub(super) fn does(&mut self, thing: impl FnOnce(&mut Self)) -> bool {
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
    pub(super) fn crash(&mut self) {
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
    pub(super) fn cut_cable(&mut self) {
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

    pub(super) fn hear(&mut self) {
        while let Some(item) = self.out.pop() {
            if !self.does(|world| world.item(item)) {
                return;
            }
        }
    }

    pub(super) fn item(&mut self, item: Item) {
        match item {
            Item::Write(bytes, token) => self.write(bytes, token),
            Item::Persist(entry) => self.persist(&entry),
            Item::Said(Said::Last(answer, clock)) => self.weigh(answer.as_deref(), clock),
            _ => {}
        }
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>, token: Option<Token>) {
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
    pub(super) fn harmed(
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
    pub(super) fn deliver_all(&mut self) {
        while let Some(bytes) = self.to_terminal.pop_front() {
            let mut actions = self.actions();
            self.device.receive(&bytes, &mut actions);
            self.patience = self.device.patience().map(|patience| self.now + patience);
        }
    }

    /// The cashier answers whatever is asked, as long as something is.
    pub(super) fn answer(&mut self, reply: &Reply) {
        for _ in 0..10 {
            // Of a payment and the reversal that undoes it the reversal.
            let newest = self.book.left_over().unwrap().pop();
            let Some(asked) = newest.filter(|open| open.question.is_some()) else { return };
            self.does(|world| world.say(&asked, reply));
            self.run();
        }
        panic!("the cashier is asked for ever");
    }

    pub(super) fn say(&mut self, asked: &Transaction, reply: &Reply) {
        match self.book.answer(asked.id, reply, 0, "cashier", self.now.0).unwrap() {
            Answered::Ended(..) => {}
            Answered::Undo(reversal) => self.does_tell(&reversal, None),
            Answered::Authorize(code) => self.does_tell(asked, Some(code)),
            Answered::NotAsked => panic!("it was asked"),
        }
    }

    /// Tells the terminal, unless the daemon crashes between writing down and telling.
    pub(super) fn does_tell(&mut self, transaction: &Transaction, authorization: Option<String>) {
        self.does(|world| {
            let order = Order { authorization, ..transaction.order() };
            let is_open = world.protocol.is_some();
            if !is_open || world.instruct(Instruction::Begin(order)).is_err() {
                world.close(transaction.id, State::Failed);
            }
        });
    }

    pub(super) fn persist(&mut self, entry: &Entry) {
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

    pub(super) fn weigh(&mut self, last: Option<&Answer>, terminal: Clock) {
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

    pub(super) fn terminal_receives(&mut self, bytes: &[u8]) {
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

    pub(super) fn terminal_acts(&mut self, actions: Actions) {
        self.patience = self.device.patience().map(|patience| self.now + patience);
        let is_heard = self.back.is_none() || (self.keeps && self.crashed);
        if !is_heard || actions.send.is_empty() {
            return;
        }
        self.to_till.push_back(actions.send);
    }

    pub(super) fn till_receives(&mut self, bytes: &[u8]) {
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
    pub(super) fn booked(&self, from: usize) -> Vec<String> {
        self.device.ledger().split_off(from)
    }
}
