//! What is for the owner alone: payment codes, and what says who somebody is.
//!
//! Contract: such a scan goes to who owned the device at its first byte, if that client owns it
//! still and has the right; else it is wiped, and everyone hears [`Signal::Withheld`]. Nothing of it
//! stays here longer than it can be used: the ring's copy is wiped when the code expires, delivered or
//! not. It is never handed to a later owner.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::OFlag;
use tracing::{info, warn};

use super::call::Error;
use super::claim::Effect;
use super::{Daemon, Key, Notice, Signal};
use crate::event::{
    Content, Detail, Event, Request, Scan, Sensitivity, Settlement, Timestamp, Value, Verdict,
};
use crate::protocol::RequestId;
use crate::secret::Secret;
use crate::session::Order;
use crate::store::seen::Before;
use crate::store::{Audience, Client, Record};

/// How long a code is kept whose life nobody documents.
const LIFE: Duration = Duration::from_secs(120);
/// How long the secret part of a code can be taken.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// How long an application may leave a customer without an answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The confidential events that are still in memory.
#[derive(Debug, Default)]
pub(super) struct Confidential {
    /// When each has to be wiped.
    expiries: BTreeMap<u64, Expiry>,
}

#[derive(Debug)]
struct Expiry {
    device: Key,
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
    pub(super) fn answered(&mut self, device: Key, sequence: u64) {
        for (_, expiry) in self.expiries.range_mut(..=sequence) {
            if expiry.device == device {
                expiry.answer = None;
            }
        }
    }

    pub(super) fn delivered(&mut self, now: Timestamp, sequence: u64) {
        if let Some(expiry) = self.expiries.get_mut(&sequence) {
            expiry.delivered = true;
            expiry.answer = Some(now + ANSWER_WITHIN);
        }
    }
}

impl Daemon {
    /// A confidential scan has come.
    pub(super) fn confidential(&mut self, now: Timestamp, key: Key, mut scan: Scan) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let window = device.config.as_ref().map_or(Duration::ZERO, |c| c.duplicate_window);
        let repeated = device.is_duplicate(&scan, window);
        device.remember(&scan);
        let content = scan.content;
        if repeated && content == Content::PaymentCode {
            // A phone left before an auto-sense box: one event, and a count.
            self.seen.again(scan.raw.expose());
            return;
        }
        let needs = if content == Content::PaymentCode { "payment-code" } else { "scan" };
        let owner = device.confidant(scan.first, needs).cloned();
        let origin = Arc::clone(&device.identity.origin);
        let (time, synchronised) = self.wall.at(now, scan.last);
        let sequence = self.ring.newest() + 1;
        if content == Content::PaymentCode {
            let before = self.seen.note(scan.raw.expose(), time, sequence);
            scan.details.extend(before.map(seen_before));
            self.keep_seen();
        }
        let life = scan.life.unwrap_or(LIFE);
        let at = scan.last + life;
        if scan.life.is_some() {
            scan.details.push(("expires-latest", Value::Count(at.0)));
        }
        let audience = match &owner {
            Some(owner) => Audience::Only(owner.clone()),
            None => Audience::Nobody,
        };
        let record = self.ring.push(|sequence| Record {
            sequence,
            origin,
            event: Event::Scan(if owner.is_some() { scan } else { wiped(scan) }),
            time,
            synchronised,
            duplicate: false,
            audience,
        });
        let withheld = Signal::Withheld { sequence, kind: content.word() };
        self.outbox.send(Notice::Signal(key, None, withheld));
        if owner.is_none() {
            info!(device = %record.origin.name, sequence, "withheld: nobody has claimed it");
            self.sound(key, Verdict::Bad);
            return;
        }
        let expiry = Expiry { device: key, at, delivered: false, answer: None };
        self.confidential.expiries.insert(sequence, expiry);
        self.deliver(now, key, &record);
    }

    /// Wipes what has expired, and lets devices say that nobody answers.
    pub(super) fn expire_confidential(&mut self, now: Timestamp) {
        let mut silent = Vec::new();
        let mut expired = Vec::new();
        for (sequence, expiry) in &mut self.confidential.expiries {
            if expiry.answer.take_if(|answer| *answer <= now).is_some() {
                silent.push(expiry.device);
            }
            if expiry.at <= now {
                expired.push(*sequence);
            }
        }
        for key in silent {
            self.sound(key, Verdict::Bad);
        }
        for sequence in expired {
            self.wipe(sequence);
        }
    }

    /// Wipes a confidential event. One that had not been delivered is reported: the cashier rescans.
    pub(super) fn wipe(&mut self, sequence: u64) {
        self.ring.wipe(sequence, wiped);
        let Some(expiry) = self.confidential.expiries.remove(&sequence) else { return };
        if expiry.delivered {
            return;
        }
        if let Some(device) = self.devices.get_mut(&expiry.device) {
            device.ownership.drop_held(sequence);
        }
        self.sound(expiry.device, Verdict::Bad);
        let message = "a code expired before it could be delivered; scan it again".to_owned();
        let details = BTreeMap::from([("sequence", sequence)]);
        self.fault(expiry.device, "expired", message, details);
    }

    /// Whether a held event may still go to its owner; one that may not is wiped.
    pub(super) fn is_fresh(
        &mut self,
        now: Timestamp,
        record: &Record,
        most: Option<Duration>,
    ) -> bool {
        let Event::Scan(scan) = &record.event;
        if scan.sensitivity == Sensitivity::Public {
            return true;
        }
        let age = now.since(scan.last);
        let fresh = age < scan.life.unwrap_or(LIFE) && most.is_none_or(|most| age <= most);
        if !fresh {
            self.wipe(record.sequence);
        }
        fresh && record.audience != Audience::Nobody
    }

    /// After a payment code a claim that was made for one is over.
    pub(super) fn end_single_sale(&mut self, now: Timestamp, key: Key, record: &Record) {
        let Event::Scan(scan) = &record.event;
        let Some(device) = self.devices.get_mut(&key) else { return };
        if scan.content != Content::PaymentCode || !device.ownership.is_for_one_payment_code() {
            return;
        }
        let Some(owner) = device.ownership.owner().cloned() else { return };
        let mut effects = vec![Effect::Lost(owner.clone())];
        device.ownership.release(now, &owner, &mut effects);
        self.settle_claims(key, effects, "one-payment-code");
    }

    /// Hands over the secret part of an event, once.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        client: &Client,
        sequence: u64,
    ) -> Result<OwnedFd, Error> {
        let record = self.ring.get(sequence).cloned();
        let record = record.filter(|record| record.visible_to(client));
        let Some(record) = record else {
            return Err(Error::Expired("it has been taken, or has expired, or was not for you"));
        };
        let Event::Scan(scan) = &record.event;
        if scan.sensitivity != Sensitivity::Card {
            return Err(Error::Unsupported("the event came whole; there is nothing to take"));
        }
        if now.since(scan.last) > TAKE_WITHIN {
            self.wipe(sequence);
            return Err(Error::Expired("it could be taken for 30 seconds"));
        }
        info!(client = %client, sequence, "taken");
        let pipe = pipe(scan.raw.expose());
        self.wipe(sequence);
        pipe.map_err(|_| Error::LimitExceeded("the system has no pipe left"))
    }

    /// What became of a payment code.
    pub(super) fn settle(
        &mut self,
        key: Key,
        client: &Client,
        sequence: u64,
        settlement: Settlement,
    ) -> Result<(), Error> {
        let record = self.ring.get(sequence);
        let payment = record.is_some_and(|record| {
            let Event::Scan(scan) = &record.event;
            scan.content == Content::PaymentCode
        });
        if !payment {
            return Err(Error::InvalidArgument(format!("event {sequence} is no payment code")));
        }
        self.confidential.answered(key, sequence);
        if !self.seen.settle(sequence, settlement) {
            return Err(Error::Expired("the code has come again since, or is forgotten"));
        }
        info!(client = %client, sequence, settlement = settlement.word(), "settled");
        self.keep_seen();
        Ok(())
    }

    /// Lets the device tell the person before it how it went, where it can.
    fn sound(&self, key: Key, verdict: Verdict) {
        let Some(device) = self.devices.get(&key) else { return };
        if device.can("indicate") {
            // Nobody waits for the answer to this id.
            device.order(Order::Ask(RequestId(0), Request::Indicate(verdict)));
        }
    }

    fn keep_seen(&self) {
        if let Err(error) = self.seen.keep() {
            warn!(%error, "codes seen cannot be kept over a restart");
        }
    }
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

/// The scan without what was secret in it.
fn wiped(scan: Scan) -> Scan {
    Scan { text: Secret::new(String::new()), raw: Secret::new(Vec::new()), ..scan }
}

/// The read end of a pipe that holds these bytes: a code is smaller than any pipe.
fn pipe(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    std::fs::File::from(write).write_all(bytes)?;
    Ok(read)
}
