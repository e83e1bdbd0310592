//! What is for the owner alone: payment codes, what says who somebody is, and what is somebody's own.
//!
//! Contract: such a scan goes to who owned the device at its first byte, if that client owns it
//! still and has the right; else it is wiped, and everyone hears [`Signal::Withheld`]. Nothing of it
//! stays here longer than it can be used: the ring's copy is wiped when the code expires, delivered or
//! not. It is never handed to a later owner.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::fcntl::OFlag;
use tracing::{info, warn};

use super::call::{Error, Reply};
use super::claim::Effect;
use super::deliver::ONE_SALE;
use super::device::Need;
use super::rights::Caller;
use super::{Daemon, Key, Notice, Signal};
use crate::event::{
    Content, Detail, Event, Request, Scan, Sensitivity, Settlement, Timestamp, Value, Verdict,
};
use crate::protocol::RequestId;
use crate::secret::Secret;
use crate::session::Order;
use crate::store::seen::{Before, Moment, Sure};
use crate::store::{Audience, Client, Record};

/// How long a code is kept whose life nobody documents.
const LIFE: Duration = Duration::from_secs(120);
/// How long the secret part of a code can be taken.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// How long an application may leave a customer without an answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The most of them in memory; the oldest goes first. More than any till sees in two minutes.
const MOST: usize = 256;

/// The confidential events that are still in memory.
#[derive(Debug, Default)]
pub(super) struct Confidential {
    /// When each has to be wiped.
    expiries: BTreeMap<u64, Expiry>,
}

#[derive(Debug)]
struct Expiry {
    device: Key,
    client: Client,
    at: Timestamp,
    delivered: bool,
    /// When the device is to say that nobody answers.
    answer: Option<Timestamp>,
}

impl Confidential {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let expiries = self.expiries.values();
        expiries.flat_map(|expiry| expiry.answer.into_iter().chain([expiry.at])).min()
    }

    /// Somebody has dealt with the events of a device up to this one.
    pub(super) fn answered_up_to(&mut self, device: Key, sequence: u64) {
        for (_, expiry) in self.expiries.range_mut(..=sequence) {
            if expiry.device == device {
                expiry.answer = None;
            }
        }
    }

    /// Somebody deals with this event.
    pub(super) fn answered(&mut self, sequence: u64) {
        if let Some(expiry) = self.expiries.get_mut(&sequence) {
            expiry.answer = None;
        }
    }

    pub(super) fn delivered(&mut self, sequence: u64) {
        if let Some(expiry) = self.expiries.get_mut(&sequence) {
            expiry.delivered = true;
        }
    }
}

impl Daemon {
    /// A confidential event has come.
    pub(super) fn confidential(&mut self, now: Timestamp, key: Key, mut event: Event) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let (word, pays, last) = (event.word(), event.pays(), event.last());
        let refused = event.refused();
        let need = Need::of(&event);
        let owner = device.confidant(event.first(), need).cloned();
        let (time, synchronised) = self.wall.at(now, last);
        let duplicate = match &mut event {
            Event::Scan(scan) => {
                let window = device.config.as_ref().map_or(Duration::ZERO, |c| c.duplicate_window);
                // Of a card number only the masked text may be left to know it again by; where no digit of
                // it is shown, every other number of its length would be the same.
                let known_by = match scan.raw.expose() {
                    [] if refused.is_some() => &[],
                    [] => scan.text.expose().as_bytes(),
                    bytes => bytes,
                };
                // The code itself is not kept for it: it would outlive its use.
                let mark = self.seen.mark(known_by);
                let duplicate =
                    !known_by.is_empty() && device.is_duplicate(mark.expose(), last, window);
                // To an owner who has not had it a code is news, however long it has been there.
                if duplicate && device.had_last(owner.as_ref()) && pays {
                    // A phone left before an auto-sense box: one event, and a count.
                    device.repeated(last);
                    device.health.repeated.fetch_add(1, Ordering::Relaxed);
                    self.seen.again(scan.raw.expose(), Moment { wall: time, boot: last });
                    return;
                }
                device.remember(mark, last, owner.clone());
                self.tell_of_code(time, scan);
                duplicate
            }
            Event::Card(_) => false,
        };
        let code = self.routed(key, &event);
        let Some(device) = self.devices.get(&key) else { return };
        let origin = Arc::clone(&device.identity.origin);
        let at = last + kept_for(&event);
        if let Event::Scan(scan) = &mut event
            && scan.sensitivity == Sensitivity::Personal
        {
            // Nobody will get more than its text, which is masked.
            scan.raw = Secret::default();
        }
        let audience = owner.clone().map_or(Audience::Nobody, Audience::Only);
        let event = if owner.is_some() { event } else { event.wiped() };
        let record = self.ring.push(|sequence| Record {
            sequence,
            origin,
            event,
            time,
            synchronised,
            duplicate,
            audience,
        });
        let sequence = record.sequence;
        audit_refusal(&record, refused);
        match owner {
            Some(client) => {
                let payer = pays.then(|| client.clone());
                let answer = pays.then(|| now + ANSWER_WITHIN);
                let expiry = Expiry { device: key, client, at, delivered: false, answer };
                self.confidential.expiries.insert(sequence, expiry);
                self.make_room();
                self.deliver(now, key, &record);
                if let Some(client) = payer {
                    self.code_came(sequence, &client);
                }
            }
            // Nobody is missing where a terminal has it.
            None if code.is_some() => {}
            None => self.unclaimed(now, key, &record, need),
        }
        self.pass_on(key, sequence, code);
        // After the event, so that whoever gets both knows the one from the other.
        let withheld = Signal::Withheld { sequence, kind: word };
        self.outbox.send(Notice::Signal(key, None, withheld));
    }

    /// Adds to a code what only the daemon knows of it.
    fn tell_of_code(&mut self, time: u64, scan: &mut Scan) {
        if scan.content == Content::PaymentCode {
            let sequence = self.ring.newest() + 1;
            // A card number could be tried out: whoever has the hash has its key beside it. An EMVCo
            // code cannot, with a cryptogram in it that nobody knows beforehand.
            let is_number = scan.sensitivity == Sensitivity::Card
                && scan.raw.expose().iter().all(u8::is_ascii_digit);
            let event = [time, sequence].map(u64::to_be_bytes);
            let noted = if is_number { event.as_flattened() } else { scan.raw.expose() };
            let now = Moment { wall: time, boot: scan.last };
            let before = self.seen.note(noted, now, sequence);
            scan.details.extend(before.map(seen_before));
            self.keep_seen();
        }
        if let Some(life) = scan.life {
            let at = scan.last + life;
            scan.details.push(("expires-latest", Value::Count(at.0)));
        }
    }

    /// There was nobody to have it: a cashier who waits for a code or a card has to learn why none
    /// comes.
    fn unclaimed(&mut self, now: Timestamp, key: Key, record: &Record, need: Need) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let reason = match device.ownership.owner() {
            None => "nobody has claimed the device".to_owned(),
            Some(_) if !device.has_right(need) => {
                format!("its owner has not the right `{}` ([access] in tillbus.toml)", need.word())
            }
            Some(_) => "its owner claimed the device only after it had begun".to_owned(),
        };
        info!(device = %record.origin.name, sequence = record.sequence, "withheld: {reason}");
        let what = match need {
            Need::Scan => return,
            Need::PaymentCode => "a payment code",
            Need::Card => "a card",
        };
        if device.said.tell(now, "unclaimed").is_some() {
            let what = format!("{what} was wiped: {reason}");
            self.complain(key, "unclaimed", &what, record.sequence);
        }
    }

    /// Keeps what is in memory within its bound.
    fn make_room(&mut self) {
        while self.confidential.expiries.len() > MOST
            && let Some(oldest) = self.confidential.expiries.keys().next().copied()
        {
            self.wipe(oldest);
        }
    }

    /// Wipes what has expired, and lets devices say that nobody answers.
    pub(super) fn expire_confidential(&mut self, now: Timestamp) {
        let mut silent = Vec::new();
        let mut expired = Vec::new();
        for (sequence, expiry) in &mut self.confidential.expiries {
            if expiry.at <= now {
                expired.push(*sequence);
            } else if expiry.answer.take_if(|answer| *answer <= now).is_some() {
                silent.push((*sequence, expiry.device));
            }
        }
        for (sequence, key) in silent {
            let what = "a payment code has not been answered within 500 ms";
            self.complain(key, "unanswered", what, sequence);
        }
        for sequence in expired {
            self.wipe(sequence);
        }
    }

    /// Wipes a confidential event. One that had not been delivered is reported: the cashier rescans.
    pub(super) fn wipe(&mut self, sequence: u64) {
        if let Some(expiry) = self.forget(sequence)
            && !expiry.delivered
        {
            let what = match self.ring.get(sequence).map(|record| &record.event) {
                Some(Event::Card(_)) => {
                    "a card could not be delivered in time and was wiped; read it again"
                }
                _ => "a code could not be delivered in time and was wiped; scan it again",
            };
            self.complain(expiry.device, "expired", what, sequence);
        }
    }

    /// Wipes a confidential event and says nothing. Does nothing to an event that is none.
    pub(super) fn forget(&mut self, sequence: u64) -> Option<Forgotten> {
        let Expiry { device, delivered, .. } = self.confidential.expiries.remove(&sequence)?;
        self.ring.wipe(sequence);
        Some(Forgotten { device, delivered })
    }

    /// A client has left: what was for it alone nobody can use any more.
    pub(super) fn forget_all_of(&mut self, client: &Client) {
        let expiries = self.confidential.expiries.iter();
        let all: Vec<u64> = expiries
            .filter(|(_, expiry)| expiry.client == *client)
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in all {
            self.wipe(sequence);
        }
    }

    /// Card data of a device that nobody has taken: its owner has given it up, or it is gone.
    pub(super) fn wipe_cards(&mut self, key: Key, of: impl Fn(&Client) -> bool) {
        let expiries = self.confidential.expiries.iter();
        let all: Vec<u64> = expiries
            .filter(|(_, expiry)| expiry.device == key && of(&expiry.client))
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in all {
            let record = self.ring.get(sequence);
            if record.is_some_and(|record| record.event.sensitivity() == Sensitivity::Card) {
                self.wipe(sequence);
            }
        }
    }

    /// A claim has ended before these could be sent.
    pub(super) fn lose_undelivered(&mut self, sequences: &VecDeque<u64>) {
        for sequence in sequences {
            self.wipe(*sequence);
        }
    }

    /// Whether a held event may still go to its owner; one that may not is wiped.
    pub(super) fn is_fresh(
        &mut self,
        now: Timestamp,
        record: &Record,
        most: Option<Duration>,
    ) -> bool {
        if record.event.sensitivity() == Sensitivity::Public {
            return true;
        }
        let age = now.since(record.received());
        let fresh = age < kept_for(&record.event) && most.is_none_or(|most| age <= most);
        if !fresh {
            self.wipe(record.sequence);
        }
        fresh && matches!(record.audience, Audience::Only(_))
    }

    /// After a payment code a claim that was made for one is over.
    pub(super) fn end_single_sale(&mut self, now: Timestamp, key: Key, record: &Record) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        if !record.event.pays() || !device.ownership.is_for_one_payment_code() {
            return;
        }
        let Some(owner) = device.ownership.owner().cloned() else { return };
        let mut effects = vec![Effect::Lost(owner.clone())];
        device.ownership.release(now, &owner, &mut effects);
        self.settle_claims(key, effects, ONE_SALE);
    }

    /// Hands over the secret part of an event, once. The caller may deal with the event.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        key: Key,
        sequence: u64,
    ) -> Result<OwnedFd, Error> {
        let taken = self.takeable(now, caller, key, sequence).and_then(|record| {
            pipe(record.event.secret())
                .map_err(|_| Error::LimitExceeded("the system has no pipe left"))
        });
        let device = self.devices.get(&key).map_or("", |device| &device.identity.origin.name);
        let (client, uid) = (&caller.client, caller.uid);
        match &taken {
            Ok(_) => info!(audit = "take", device, sequence, %client, uid, "taken"),
            Err(error) => {
                warn!(audit = "take-refused", device, sequence, %client, uid, "not taken: {error}");
            }
        }
        if taken.is_ok() {
            self.forget(sequence);
        }
        taken
    }

    /// The event whose secret part the caller may have now.
    fn takeable(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        key: Key,
        sequence: u64,
    ) -> Result<Arc<Record>, Error> {
        self.of_own_event(caller, key, sequence)?;
        let record = self.ring.get(sequence).cloned();
        let record = record.filter(|record| record.visible_to(&caller.client));
        let Some(record) = record else {
            return Err(Error::Expired("it has been taken, or has expired, or was not for you"));
        };
        if record.event.sensitivity() != Sensitivity::Card {
            return Err(Error::Unsupported("there is no more to this event than came with it"));
        }
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        if !device.rights.card.permits(caller) {
            return Err(Error::AccessDenied("card"));
        }
        if now.since(record.received()) > TAKE_WITHIN {
            self.wipe(sequence);
            return Err(Error::Expired("it could be taken for 30 seconds"));
        }
        if record.event.secret().is_empty() {
            return Err(Error::Unsupported(
                "configuration lets nothing more of it out (`financial-cards` in tillbus.toml)",
            ));
        }
        Ok(record)
    }

    /// What became of a payment code. Where that decides whether a terminal gets it again, whoever says so
    /// hears when it is on disk.
    pub(super) fn settle(
        &mut self,
        client: &Client,
        sequence: u64,
        settlement: Settlement,
        reply: Reply<()>,
    ) {
        if let Err(error) = self.settled(client, sequence, settlement) {
            let _ = reply.send(Err(error));
            return;
        }
        if settlement == Settlement::Unused || !self.routes.are_any() {
            self.keep_seen();
            let _ = reply.send(Ok(()));
            return;
        }
        let sure = self.seen.keep_surely(move |is_there| {
            if !is_there {
                warn!(sequence, "what became of a code is not on the disk");
            }
            let _ = reply.send(Ok(()));
        });
        match sure {
            Sure::Later => {}
            Sure::Now(then) => then(true),
            Sure::Not(then, error) => {
                not_kept(&error);
                then(false);
            }
        }
    }

    fn settled(
        &mut self,
        client: &Client,
        sequence: u64,
        settlement: Settlement,
    ) -> Result<(), Error> {
        let record = self.ring.get(sequence);
        if !record.is_some_and(|record| record.event.pays()) {
            return Err(Error::InvalidArgument(format!("event {sequence} is no payment code")));
        }
        self.confidential.answered(sequence);
        if !self.seen.settle(sequence, settlement) {
            return Err(Error::Expired("the code is forgotten, or has come too often since"));
        }
        info!(client = %client, sequence, settlement = settlement.word(), "settled");
        Ok(())
    }

    /// Tells everyone that a code came to nothing, and lets the device tell the customer, where it can.
    pub(super) fn complain(&mut self, key: Key, kind: &'static str, what: &str, sequence: u64) {
        let signalled = self.devices.get(&key).is_some_and(|device| {
            // Nobody waits for the answer to this id.
            let order = Order::Ask(RequestId(0), Request::Indicate(Verdict::Bad));
            device.can("indicate") && device.order(order)
        });
        let mute = if signalled { "" } else { "; the device cannot tell the customer" };
        let details = BTreeMap::from([("sequence", sequence), ("signalled", u64::from(signalled))]);
        self.fault(key, kind, format!("{what}{mute}"), details);
    }

    pub(super) fn keep_seen(&mut self) {
        if let Err(error) = self.seen.keep() {
            not_kept(&error);
        }
    }
}

pub(super) fn not_kept(error: &std::io::Error) {
    warn!(%error, "codes seen cannot be kept over a restart");
}

/// What is left to tell of a confidential event that was wiped.
pub(super) struct Forgotten {
    device: Key,
    delivered: bool,
}

fn seen_before(before: Before) -> Detail {
    let verdict = before.verdict.map_or("none", Settlement::word);
    let entries = vec![
        ("first".into(), Value::Count(before.first)),
        ("count".into(), Value::Count(before.count)),
        ("verdict".into(), verdict.into()),
    ];
    ("seen-before", Value::Map(entries))
}

/// How long a confidential event is in memory at most.
fn kept_for(event: &Event) -> Duration {
    let life = match event {
        Event::Scan(scan) => scan.life.unwrap_or(LIFE),
        Event::Card(_) => TAKE_WITHIN,
    };
    if event.sensitivity() == Sensitivity::Card { life.min(TAKE_WITHIN) } else { life }
}

/// A card that the configuration keeps back is told of, and nothing of the card.
fn audit_refusal(record: &Record, refused: Option<&'static str>) {
    if let Some(reason) = refused {
        let (device, sequence) = (&record.origin.name, record.sequence);
        info!(audit = "card-refused", %device, sequence, "refused: {reason}");
    }
}

/// The read end of a pipe that holds these bytes: a code is smaller than any pipe.
fn pipe(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    std::fs::File::from(write).write_all(bytes)?;
    Ok(read)
}

#[cfg(test)]
mod tests;
