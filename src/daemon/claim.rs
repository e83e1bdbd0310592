//! Who owns a device: claims, challenges, and what the owner has not acknowledged yet.
//!
//! Contract: pure; the time is an argument. Every [`Ticket`] handed to [`Ownership::claim`] comes
//! back exactly once, in [`Effect::Granted`] or [`Effect::Refused`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::Timestamp;
use crate::store::{Client, EVENTS};

/// How long an owner has to answer a challenge.
pub const RETAIN_WITHIN: Duration = Duration::from_secs(1);
/// The longest a claim may wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The most clients that may wait for one device.
pub const LONGEST_QUEUE: usize = 16;
/// After this many events without a sign of life an owner is asked for one.
pub const PROVE_AFTER: u32 = 512;
/// After this many events without a sign of life an owner gets no more until it gives one.
pub const HOLD_AFTER: u32 = 1024;

/// Without a sign of life an owner is trusted with one more event each time this has passed: there
/// are libraries that answer no ping, and their programs shall not be cut off after a busy day.
pub const TRUST_EVERY: Duration = Duration::from_secs(5);

/// How many changes of owner are remembered for reads that were under way: more than a read can
/// live through.
const HISTORY: usize = 16;

/// What a claim is asked for with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for a device that is taken; zero never challenges.
    pub wait: Duration,
    /// The most events in flight without acknowledgement.
    pub credit: Option<u32>,
    /// Older events are marked stale, older payment codes do not come at all.
    pub max_age: Option<Duration>,
    /// The claim ends with the first payment code.
    pub until_payment_code: bool,
    /// Whether the owner has the right to payment codes; the daemon fills it in.
    pub may_pay: bool,
    /// Whether it has the right to cards; the daemon fills it in.
    pub may_read_cards: bool,
}

/// Names a caller that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// What has to be done after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The caller owns the device now.
    Granted(Ticket),
    /// The caller does not get it.
    Refused(Ticket, Refused),
    /// Ask the owner to release it.
    RequestRelease(Client),
    /// Tell a client that it has lost its claim.
    Lost(Client),
    /// A claim has ended with these events held back: nobody will be sent them.
    Undelivered(VecDeque<u64>),
}

/// Why a claim is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another client has it, and kept it for as long as the caller waited.
    AlreadyClaimed,
    /// Too many wait already.
    QueueFull,
    /// The device went away.
    DeviceGone,
}

/// Whether an event may go to the owner now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Send it.
    Now,
    /// Send it, and ask the client for a sign of life.
    NowAndProve,
    /// It is held until the owner acknowledges.
    Held,
}

/// What may go to the owner after it was held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The events, in their order.
    pub sequences: Vec<u64>,
    /// Whether to ask the client for a sign of life after them.
    pub prove: bool,
}

#[derive(Debug)]
struct Claim {
    client: Client,
    options: Options,
    unacknowledged: VecDeque<u64>,
    held: VecDeque<u64>,
    unproven: u32,
    trusted: Timestamp,
}

#[derive(Debug)]
struct Waiter {
    client: Client,
    options: Options,
    until: Timestamp,
    ticket: Ticket,
    has_challenged: bool,
}

#[derive(Debug)]
struct Challenge {
    ticket: Ticket,
    deadline: Timestamp,
}

/// The claim on one device and the queue for it.
#[derive(Debug, Default)]
pub struct Ownership {
    claim: Option<Claim>,
    history: VecDeque<(Timestamp, Option<Client>)>,
    waiting: VecDeque<Waiter>,
    challenge: Option<Challenge>,
}

impl Ownership {
    /// The owner.
    #[must_use]
    pub fn owner(&self) -> Option<&Client> {
        self.claim.as_ref().map(|claim| &claim.client)
    }

    /// Who owned the device at a time, as far as is remembered.
    #[must_use]
    pub fn owner_at(&self, time: Timestamp) -> Option<&Client> {
        let change = self.history.iter().rev().find(|(since, _)| *since <= time);
        change.and_then(|(_, owner)| owner.as_ref())
    }

    /// The age from which the owner wants events marked stale.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.claim.as_ref().and_then(|claim| claim.options.max_age)
    }

    /// Whether nobody owns it and nobody waits for it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.claim.is_none() && self.waiting.is_empty()
    }

    /// What the owner has claimed it with.
    #[must_use]
    pub fn options(&self) -> Option<&Options> {
        self.claim.as_ref().map(|claim| &claim.options)
    }

    /// Whether the claim ends with the first payment code.
    #[must_use]
    pub fn is_for_one_payment_code(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.options.until_payment_code)
    }

    /// Forgets one event that the owner is not to be sent after all. Returns those that may be sent in
    /// its place.
    pub fn withdraw(&mut self, sequence: u64) -> Due {
        let Some(claim) = &mut self.claim else { return Due::default() };
        claim.held.retain(|held| *held != sequence);
        claim.unacknowledged.retain(|sent| *sent != sequence);
        claim.flush()
    }

    /// A client claims the device. Claiming as the owner changes the options and is no error.
    pub fn claim(
        &mut self,
        now: Timestamp,
        client: Client,
        options: Options,
        ticket: Ticket,
        effects: &mut Vec<Effect>,
    ) {
        match &mut self.claim {
            None => self.grant(now, client, options, ticket, effects),
            Some(claim) if claim.client == client => {
                claim.options = options;
                effects.push(Effect::Granted(ticket));
            }
            Some(_) if options.wait.is_zero() => {
                effects.push(Effect::Refused(ticket, Refused::AlreadyClaimed));
            }
            Some(_) if self.waiting.len() >= LONGEST_QUEUE => {
                effects.push(Effect::Refused(ticket, Refused::QueueFull));
            }
            Some(_) => {
                let until = now + options.wait.min(LONGEST_WAIT);
                let has_challenged = false;
                self.waiting.push_back(Waiter { client, options, until, ticket, has_challenged });
                self.challenge(now, effects);
            }
        }
    }

    /// The owner answers a challenge. Returns whether the client is the owner; with no challenge
    /// under way there is nothing to do.
    pub fn retain(&mut self, now: Timestamp, client: &Client, effects: &mut Vec<Effect>) -> bool {
        if self.owner() != Some(client) {
            return false;
        }
        self.challenge = None;
        self.challenge(now, effects);
        true
    }

    /// The owner gives the device up. Returns whether the client was the owner.
    pub fn release(&mut self, now: Timestamp, client: &Client, effects: &mut Vec<Effect>) -> bool {
        if self.owner() != Some(client) {
            return false;
        }
        self.vacate(now, effects);
        true
    }

    /// A client has left the bus: its claim and its waiting end, and what was read for it has no
    /// one to go to.
    pub fn gone(&mut self, now: Timestamp, client: &Client, effects: &mut Vec<Effect>) {
        self.waiting.retain(|waiter| {
            let stays = waiter.client != *client;
            if !stays {
                effects.push(Effect::Refused(waiter.ticket, Refused::AlreadyClaimed));
            }
            stays
        });
        for (_, owner) in &mut self.history {
            owner.take_if(|owner| owner == client);
        }
        if self.owner() == Some(client) {
            self.vacate(now, effects);
        }
        self.drop_orphaned_challenge(now, effects);
    }

    /// When [`timeout`](Self::timeout) is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let challenge = self.challenge.iter().map(|challenge| challenge.deadline);
        let waiting = self.waiting.iter().map(|waiter| waiter.until);
        challenge.chain(waiting).chain(self.claim.as_ref().and_then(Claim::deadline)).min()
    }

    /// Ends what has run out: a challenge nobody answered, a wait that was too long.
    pub fn timeout(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if let Some(challenge) = self.challenge.take_if(|challenge| challenge.deadline <= now) {
            let place = self.waiting.iter().position(|waiter| waiter.ticket == challenge.ticket);
            if let Some(waiter) = place.and_then(|place| self.waiting.remove(place)) {
                self.lose(effects);
                self.grant(now, waiter.client, waiter.options, waiter.ticket, effects);
            }
        }
        self.waiting.retain(|waiter| {
            let stays = waiter.until > now;
            if !stays {
                effects.push(Effect::Refused(waiter.ticket, Refused::AlreadyClaimed));
            }
            stays
        });
        self.drop_orphaned_challenge(now, effects);
    }

    /// An event is due to the owner: says whether it may be sent now.
    pub fn deliver(&mut self, now: Timestamp, sequence: u64) -> Delivery {
        let Some(claim) = &mut self.claim else { return Delivery::Now };
        claim.trust(now);
        if claim.is_full() || !claim.held.is_empty() {
            if claim.held.len() >= EVENTS {
                claim.held.pop_front();
            }
            claim.held.push_back(sequence);
            return Delivery::Held;
        }
        claim.sent(sequence)
    }

    /// The owner has handled all events up to `sequence`. Returns those that may be sent now, or
    /// `None` where the client is not the owner.
    pub fn acknowledge(&mut self, client: &Client, sequence: u64) -> Option<Due> {
        let claim = self.claim.as_mut().filter(|claim| claim.client == *client)?;
        while claim.unacknowledged.front().is_some_and(|front| *front <= sequence) {
            claim.unacknowledged.pop_front();
        }
        claim.unproven = 0;
        Some(claim.flush())
    }

    /// The client gave a sign of life. Returns the held events that may be sent now.
    pub fn proved(&mut self, client: &Client) -> Due {
        match self.claim.as_mut().filter(|claim| claim.client == *client) {
            Some(claim) => {
                claim.unproven = 0;
                claim.flush()
            }
            None => Due::default(),
        }
    }

    /// What was held for an owner without a sign of life, and may go because time has passed.
    pub fn overdue(&mut self, now: Timestamp) -> Due {
        match &mut self.claim {
            Some(claim) if !claim.held.is_empty() => {
                claim.trust(now);
                claim.flush()
            }
            _ => Due::default(),
        }
    }

    /// Forgets what the owner has not been sent yet, and returns it; `None` where the client is not the
    /// owner.
    pub fn clear(&mut self, client: &Client) -> Option<VecDeque<u64>> {
        let claim = self.claim.as_mut().filter(|claim| claim.client == *client)?;
        claim.unacknowledged.clear();
        Some(std::mem::take(&mut claim.held))
    }

    /// Refuses everyone who waits: the device's object goes away.
    pub fn close(&mut self, effects: &mut Vec<Effect>) {
        self.lose(effects);
        for waiter in self.waiting.drain(..) {
            effects.push(Effect::Refused(waiter.ticket, Refused::DeviceGone));
        }
        self.challenge = None;
    }

    fn grant(
        &mut self,
        now: Timestamp,
        client: Client,
        options: Options,
        ticket: Ticket,
        effects: &mut Vec<Effect>,
    ) {
        self.remember(now, Some(client.clone()));
        self.claim = Some(Claim {
            client,
            options,
            unacknowledged: VecDeque::new(),
            held: VecDeque::new(),
            unproven: 0,
            trusted: now,
        });
        effects.push(Effect::Granted(ticket));
        self.challenge(now, effects);
    }

    /// Takes the claim from its owner.
    fn lose(&mut self, effects: &mut Vec<Effect>) {
        if let Some(claim) = self.end(effects) {
            effects.push(Effect::Lost(claim.client));
        }
    }

    /// Ends the claim; what was held back for its owner nobody gets.
    fn end(&mut self, effects: &mut Vec<Effect>) -> Option<Claim> {
        let mut claim = self.claim.take()?;
        if !claim.held.is_empty() {
            effects.push(Effect::Undelivered(std::mem::take(&mut claim.held)));
        }
        Some(claim)
    }

    fn vacate(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.end(effects);
        self.challenge = None;
        match self.waiting.pop_front() {
            Some(next) => self.grant(now, next.client, next.options, next.ticket, effects),
            None => self.remember(now, None),
        }
    }

    /// Begins the next challenge, if none is under way and somebody waits who has not had one.
    fn challenge(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.challenge.is_some() {
            return;
        }
        let Some(claim) = &self.claim else { return };
        let Some(waiter) = self.waiting.iter_mut().find(|waiter| !waiter.has_challenged) else {
            return;
        };
        waiter.has_challenged = true;
        self.challenge = Some(Challenge { ticket: waiter.ticket, deadline: now + RETAIN_WITHIN });
        effects.push(Effect::RequestRelease(claim.client.clone()));
    }

    /// A challenge lives no longer than its challenger's patience.
    fn drop_orphaned_challenge(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let waiting = &self.waiting;
        let orphaned = self
            .challenge
            .take_if(|challenge| !waiting.iter().any(|waiter| waiter.ticket == challenge.ticket));
        if orphaned.is_some() {
            self.challenge(now, effects);
        }
    }

    fn remember(&mut self, now: Timestamp, owner: Option<Client>) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((now, owner));
    }
}

impl Claim {
    fn is_full(&self) -> bool {
        self.is_without_credit() || self.unproven >= HOLD_AFTER
    }

    fn is_without_credit(&self) -> bool {
        let in_flight = u32::try_from(self.unacknowledged.len()).unwrap_or(u32::MAX);
        self.options.credit.is_some_and(|credit| in_flight >= credit)
    }

    /// When time alone lets the next held event go.
    fn deadline(&self) -> Option<Timestamp> {
        let waits_for_time = !self.held.is_empty() && !self.is_without_credit();
        waits_for_time.then(|| self.trusted + TRUST_EVERY)
    }

    fn trust(&mut self, now: Timestamp) {
        let times = now.since(self.trusted).as_millis() / TRUST_EVERY.as_millis();
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.unproven = self.unproven.saturating_sub(times);
        self.trusted = if self.unproven == 0 { now } else { self.trusted + TRUST_EVERY * times };
    }

    fn sent(&mut self, sequence: u64) -> Delivery {
        // Without credit nobody counts acknowledgements, so there is nothing to remember.
        if self.options.credit.is_some() {
            self.unacknowledged.push_back(sequence);
        }
        self.unproven += 1;
        if self.unproven == PROVE_AFTER { Delivery::NowAndProve } else { Delivery::Now }
    }

    fn flush(&mut self) -> Due {
        let mut due = Due::default();
        while !self.is_full() {
            let Some(sequence) = self.held.pop_front() else { break };
            due.prove |= self.sent(sequence) == Delivery::NowAndProve;
            due.sequences.push(sequence);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = ":1.1";
    const BOB: &str = ":1.2";
    const CAROL: &str = ":1.3";

    fn client(name: &str) -> Client {
        Client::new(name)
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp(millis * 1000)
    }

    fn waiting(millis: u64) -> Options {
        Options { wait: Duration::from_millis(millis), ..Options::default() }
    }

    /// A device that Alice has claimed at 0 ms.
    fn alices() -> Ownership {
        let mut ownership = Ownership::default();
        ownership.claim(at(0), client(ALICE), Options::default(), Ticket(1), &mut Vec::new());
        ownership
    }

    #[test]
    fn the_first_gets_it_and_may_claim_again() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(1), client(ALICE), waiting(5), Ticket(2), &mut effects);
        assert_eq!(effects, [Effect::Granted(Ticket(2))]);
    }

    #[test]
    fn without_wait_the_second_is_refused_at_once_and_the_owner_hears_nothing() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(1), client(BOB), Options::default(), Ticket(2), &mut effects);
        assert_eq!(effects, [Effect::Refused(Ticket(2), Refused::AlreadyClaimed)]);
        assert_eq!(ownership.deadline(), None);
    }

    #[test]
    fn a_silent_owner_loses_to_its_challenger_after_one_second() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(10), client(BOB), waiting(5000), Ticket(2), &mut effects);
        assert_eq!(effects, [Effect::RequestRelease(client(ALICE))]);
        assert_eq!(ownership.deadline(), Some(at(1010)));
        effects.clear();
        ownership.timeout(at(1010), &mut effects);
        assert_eq!(effects, [Effect::Lost(client(ALICE)), Effect::Granted(Ticket(2))]);
        assert_eq!(ownership.owner(), Some(&client(BOB)));
    }

    #[test]
    fn an_owner_that_retains_keeps_it_and_the_challenger_waits_for_release() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(10), client(BOB), waiting(5000), Ticket(2), &mut effects);
        effects.clear();
        assert!(ownership.retain(at(500), &client(ALICE), &mut effects));
        ownership.timeout(at(1010), &mut effects);
        assert_eq!(effects, []);
        assert!(ownership.release(at(2000), &client(ALICE), &mut effects));
        assert_eq!(effects, [Effect::Granted(Ticket(2))]);
    }

    #[test]
    fn patience_shorter_than_the_answer_time_ends_the_challenge_with_it() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(0), client(BOB), waiting(300), Ticket(2), &mut effects);
        effects.clear();
        ownership.timeout(at(300), &mut effects);
        assert_eq!(effects, [Effect::Refused(Ticket(2), Refused::AlreadyClaimed)]);
        assert_eq!(ownership.deadline(), None);
        assert_eq!(ownership.owner(), Some(&client(ALICE)));
    }

    #[test]
    fn each_challenger_challenges_once_in_turn() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(0), client(BOB), waiting(9000), Ticket(2), &mut effects);
        ownership.claim(at(1), client(CAROL), waiting(9000), Ticket(3), &mut effects);
        assert_eq!(effects, [Effect::RequestRelease(client(ALICE))]);
        effects.clear();
        ownership.retain(at(2), &client(ALICE), &mut effects);
        assert_eq!(effects, [Effect::RequestRelease(client(ALICE))]);
        effects.clear();
        ownership.timeout(at(1002), &mut effects);
        assert_eq!(effects, [Effect::Lost(client(ALICE)), Effect::Granted(Ticket(3))]);
    }

    #[test]
    fn an_owner_that_dies_makes_room_and_its_reads_have_no_owner() {
        let mut ownership = alices();
        let mut effects = Vec::new();
        ownership.claim(at(5), client(BOB), waiting(9000), Ticket(2), &mut effects);
        effects.clear();
        ownership.gone(at(6), &client(ALICE), &mut effects);
        assert_eq!(effects, [Effect::Granted(Ticket(2))]);
        assert_eq!(ownership.owner_at(at(5)), None);
        assert_eq!(ownership.owner_at(at(6)), Some(&client(BOB)));
    }

    #[test]
    fn a_read_belongs_to_the_owner_at_its_first_byte() {
        let mut ownership = alices();
        ownership.release(at(10), &client(ALICE), &mut Vec::new());
        ownership.claim(at(20), client(BOB), Options::default(), Ticket(2), &mut Vec::new());
        assert_eq!(ownership.owner_at(at(9)), Some(&client(ALICE)));
        assert_eq!(ownership.owner_at(at(15)), None);
        assert_eq!(ownership.owner_at(at(20)), Some(&client(BOB)));
    }

    #[test]
    fn credit_bounds_what_is_in_flight_and_acknowledging_sends_the_rest_in_order() {
        let mut ownership = Ownership::default();
        let options = Options { credit: Some(2), ..Options::default() };
        ownership.claim(at(0), client(ALICE), options, Ticket(1), &mut Vec::new());
        let sent: Vec<_> = (1..=5).map(|sequence| ownership.deliver(at(0), sequence)).collect();
        use Delivery::{Held, Now};
        assert_eq!(sent, [Now, Now, Held, Held, Held]);
        let due = |sequences: &[u64]| Some(Due { sequences: sequences.to_vec(), prove: false });
        assert_eq!(ownership.acknowledge(&client(ALICE), 1), due(&[3]));
        assert_eq!(ownership.acknowledge(&client(ALICE), 3), due(&[4, 5]));
        assert_eq!(ownership.acknowledge(&client(BOB), 9), None);
    }

    #[test]
    fn what_is_withdrawn_leaves_its_place_to_the_next() {
        let mut ownership = Ownership::default();
        let options = Options { credit: Some(1), ..Options::default() };
        ownership.claim(at(0), client(ALICE), options, Ticket(1), &mut Vec::new());
        for sequence in 1..=4 {
            ownership.deliver(at(0), sequence);
        }
        assert_eq!(ownership.withdraw(3).sequences, [0; 0], "one held: no credit has become free");
        assert_eq!(ownership.withdraw(1).sequences, [2], "one sent has");
        assert_eq!(ownership.acknowledge(&client(ALICE), 2).unwrap().sequences, [4]);
    }

    #[test]
    fn what_was_held_for_an_owner_is_told_when_its_claim_ends() {
        let options = Options { credit: Some(1), ..Options::default() };
        let held = || Effect::Undelivered(VecDeque::from([2, 3]));
        let owned = || {
            let mut ownership = Ownership::default();
            ownership.claim(at(0), client(ALICE), options, Ticket(1), &mut Vec::new());
            for sequence in 1..=3 {
                ownership.deliver(at(0), sequence);
            }
            ownership
        };
        let (mut released, mut effects) = (owned(), Vec::new());
        released.release(at(1), &client(ALICE), &mut effects);
        assert_eq!(effects, [held()]);
        let (mut left, mut effects) = (owned(), Vec::new());
        left.gone(at(1), &client(ALICE), &mut effects);
        assert_eq!(effects, [held()]);
        let (mut closed, mut effects) = (owned(), Vec::new());
        closed.close(&mut effects);
        assert_eq!(effects, [held(), Effect::Lost(client(ALICE))]);
        let (mut challenged, mut effects) = (owned(), Vec::new());
        challenged.claim(at(1), client(BOB), waiting(9000), Ticket(2), &mut Vec::new());
        challenged.timeout(at(1001), &mut effects);
        assert_eq!(effects, [held(), Effect::Lost(client(ALICE)), Effect::Granted(Ticket(2))]);
        let mut cleared = owned();
        assert_eq!(cleared.clear(&client(BOB)), None);
        assert_eq!(cleared.clear(&client(ALICE)), Some(VecDeque::from([2, 3])));
    }

    #[test]
    fn a_client_that_gives_no_sign_of_life_is_asked_and_then_held() {
        let mut ownership = alices();
        let mut asked = 0;
        for sequence in 1..=u64::from(HOLD_AFTER) {
            match ownership.deliver(at(0), sequence) {
                Delivery::NowAndProve => asked += 1,
                Delivery::Now => {}
                Delivery::Held => panic!("held at {sequence}"),
            }
        }
        assert_eq!(asked, 1);
        assert_eq!(ownership.deliver(at(0), 9000), Delivery::Held);
        assert_eq!(ownership.proved(&client(ALICE)).sequences, [9000]);
    }

    #[test]
    fn a_client_that_answers_no_ping_is_sent_one_more_now_and_then() {
        let mut ownership = alices();
        for sequence in 1..=u64::from(HOLD_AFTER) + 2 {
            ownership.deliver(at(0), sequence);
        }
        let next = u64::from(HOLD_AFTER) + 1;
        assert_eq!(ownership.deadline(), Some(at(5000)));
        assert_eq!(ownership.overdue(at(4999)), Due::default());
        assert_eq!(ownership.overdue(at(5000)).sequences, [next]);
        assert_eq!(ownership.deadline(), Some(at(10_000)));
        assert_eq!(ownership.overdue(at(10_000)).sequences, [next + 1]);
        assert_eq!(ownership.deadline(), None);
    }

    #[test]
    fn a_client_that_has_much_held_is_asked_again_when_it_is_sent() {
        let mut ownership = alices();
        for sequence in 1..=3 * u64::from(HOLD_AFTER) {
            ownership.deliver(at(0), sequence);
        }
        let mut sent = u64::from(HOLD_AFTER);
        for _ in 0..2 {
            let due = ownership.proved(&client(ALICE));
            assert!(due.prove, "nobody asks for the sign of life that lets the rest go");
            assert_eq!(due.sequences.first(), Some(&(sent + 1)));
            sent += u64::from(HOLD_AFTER);
            assert_eq!(due.sequences.last(), Some(&sent));
        }
        assert_eq!(ownership.proved(&client(ALICE)), Due::default());
    }
}
