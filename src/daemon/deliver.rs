//! From a session's report to what clients hear.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::call::Error;
use super::claim::{Delivery, Due, Effect, Refused};
use super::status::{Access, State};
use super::{Asked, Daemon, Key, Notice, Signal, wiring};
use crate::clock;
use crate::event::{Event, Failure, Fault, Refusal, Request, Sensitivity, Timestamp};
use crate::protocol::RequestId;
use crate::session::{AskError, Report};
use crate::store::{Audience, Client, Record};
use crate::transport;

/// Faults of one kind on one device are told at most this often; all are counted.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Why a claim ends that was made for one payment code, as `ClaimLost` says it.
pub(super) const ONE_SALE: &str = "one-payment-code";
/// How long an answer about the wall clock's synchronisation holds.
const SYNCHRONISED_FOR: Duration = Duration::from_secs(10);

/// When each kind of fault was last told, and how many have been kept quiet since.
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<&'static str, (Timestamp, u64)>);

impl Said {
    /// Whether to tell this one; if so, how many were kept quiet before it.
    pub(super) fn tell(&mut self, now: Timestamp, kind: &'static str) -> Option<u64> {
        match self.0.get_mut(kind) {
            Some((last, quiet)) if now.since(*last) < TELL_EVERY => {
                *quiet += 1;
                None
            }
            _ => self.0.insert(kind, (now, 0)).map_or(Some(0), |(_, quiet)| Some(quiet)),
        }
    }
}

/// The wall clock, whose state is asked for only now and then: asking is a system call.
#[derive(Debug, Default)]
pub(super) struct Wall {
    asked: Option<Timestamp>,
    synchronised: bool,
}

impl Wall {
    /// The wall clock's time at `then`, in microseconds since 1970, and whether it is synchronised.
    pub(super) fn at(&mut self, now: Timestamp, then: Timestamp) -> (u64, bool) {
        if self.asked.is_none_or(|asked| now.since(asked) > SYNCHRONISED_FOR) {
            self.asked = Some(now);
            self.synchronised = clock::synchronised();
        }
        // Both clocks are read together, or a later event could seem earlier than the one before.
        let (boottime, realtime) = (clock::boottime(), clock::realtime_micros());
        let ago = u64::try_from(boottime.since(then).as_micros()).unwrap_or(u64::MAX);
        (realtime.saturating_sub(ago), self.synchronised)
    }
}

impl Daemon {
    pub(super) fn report(&mut self, now: Timestamp, key: Key, report: Report) {
        match report {
            Report::Ready { is_pty } => self.ready(key, is_pty),
            Report::Unusable(error) => self.unusable(key, &error),
            Report::Event(event) => self.event(now, key, event),
            Report::Fault(fault) => self.line_fault(now, key, &fault),
            Report::Answer(id, result) => self.answer(id, result),
            Report::Said(about, said) => self.said(now, key, about, said),
            Report::Overheard(overheard) => self.overheard(now, key, *overheard),
            Report::Persist(id, entry, written) => self.persist(key, id, entry, written),
            Report::NotInstructed(instruction) => self.not_instructed(key, &instruction),
        }
    }

    fn ready(&mut self, key: Key, is_pty: bool) {
        if is_pty && self.takes_real_money(key) {
            return self.refuse_play_money(key);
        }
        let Some(device) = self.devices.get_mut(&key) else { return };
        device.is_on_pty = is_pty;
        let node = device.node();
        info!(device = %device.identity.origin.name, node = %node.display(), "ready");
        device.set_state(State::Ready, Access::Ok, node);
        let name = device.identity.origin.name.clone();
        self.announce(key);
        self.enquire(&name);
    }

    fn unusable(&mut self, key: Key, error: &transport::Error) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        if !device.has_session() {
            return;
        }
        let (before, access) = (device.state(), Access::from(error));
        let state = match access {
            Access::NotFound => State::Absent,
            _ => State::Unreachable,
        };
        let node = if state == State::Absent { PathBuf::new() } else { device.node() };
        device.set_state(state, access, node);
        let name = &device.identity.origin.name;
        match error {
            transport::Error::NotFound => debug!(device = %name, "not there"),
            transport::Error::Disconnected => warn!(device = %name, "disconnected"),
            // Each retry fails alike; the log hears it once.
            _ if before == state => debug!(device = %name, %error, "still cannot be opened"),
            _ => error!(device = %name, %error, "cannot be opened"),
        }
        let kind = match error {
            transport::Error::Disconnected => Some("disconnected"),
            transport::Error::NotFound => None,
            _ if before == state => None,
            _ => Some("cannot-open"),
        };
        if let Some(kind) = kind {
            self.fault(key, kind, error.to_string(), BTreeMap::new());
        }
        self.wipe_cards(key, |_| true);
        self.announce(key);
        self.terminal_lost(key);
    }

    fn event(&mut self, now: Timestamp, key: Key, event: Event) {
        let scan = match &event {
            Event::Scan(scan) if !scan.sensitivity.is_confidential() => scan,
            Event::Scan(_) | Event::Card(_) => return self.confidential(now, key, event),
        };
        let code = self.routed(key, &event);
        let Some(device) = self.devices.get_mut(&key) else { return };
        let window = device.config.as_ref().map_or(Duration::ZERO, |c| c.duplicate_window);
        let duplicate = device.is_duplicate(scan.raw.expose(), scan.last, window);
        device.remember(scan.raw.clone(), scan.last, None);
        let audience = match device.ownership.owner_at(scan.first) {
            Some(owner) => Audience::Only(owner.clone()),
            None => Audience::Everyone,
        };
        let origin = Arc::clone(&device.identity.origin);
        let (time, synchronised) = self.wall.at(now, scan.last);
        let record = self.ring.push(|sequence| Record {
            sequence,
            origin,
            event,
            time,
            synchronised,
            duplicate,
            audience,
        });
        debug!(device = %record.origin.name, sequence = record.sequence, "scan");
        self.deliver(now, key, &record);
        self.pass_on(key, record.sequence, code);
    }

    pub(super) fn deliver(&mut self, now: Timestamp, key: Key, record: &Arc<Record>) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let owner = match &record.audience {
            Audience::Everyone => None,
            Audience::Only(owner) => Some(owner.clone()),
            Audience::Past(_) | Audience::Nobody => return,
        };
        // One who has released the device since the first byte gets the read without credit.
        if let Some(owner) = owner.as_ref().filter(|owner| device.ownership.owner() == Some(owner))
        {
            match device.ownership.deliver(now, record.sequence) {
                Delivery::Now => {}
                Delivery::NowAndProve => {
                    self.outbox.send(Notice::Prove(owner.clone()));
                }
                Delivery::Held => return,
            }
        }
        self.send_read(key, owner, record, None, false);
        self.confidential.delivered(record.sequence);
        self.end_single_sale(now, key, record);
    }

    fn send_read(
        &mut self,
        key: Key,
        to: Option<Client>,
        record: &Arc<Record>,
        age: Option<Duration>,
        stale: bool,
    ) {
        let record = match record.event.sensitivity() {
            // A bus that stalls must not keep what has long been wiped here.
            Sensitivity::Card => {
                let (event, audience) = (record.event.without_secret(), record.audience.clone());
                Arc::new(record.with(event, audience))
            }
            _ => Arc::clone(record),
        };
        let sequence = record.sequence;
        let signal = Signal::Read { record, age, stale };
        if !self.outbox.send(Notice::Signal(key, to, signal)) {
            debug!(sequence, "the bus is stalled; the event is left to Replay");
        }
    }

    /// Sends the owner what was held back and may go now.
    pub(super) fn send_held(&mut self, now: Timestamp, key: Key, due: Due) {
        let owner = self.devices.get(&key).and_then(|device| device.ownership.owner().cloned());
        let Some(owner) = owner else { return };
        let Due { sequences, mut prove } = due;
        let mut queue = VecDeque::from(sequences);
        while let Some(sequence) = queue.pop_front() {
            // A payment code may have ended the claim; what comes behind it has no owner.
            if !self.devices.get(&key).is_some_and(|device| device.is_owned_by(&owner)) {
                queue.push_front(sequence);
                self.lose_undelivered(&queue);
                return;
            }
            if !self.send_late(now, key, &owner, sequence)
                && let Some(device) = self.devices.get_mut(&key)
            {
                let more = device.ownership.withdraw(sequence);
                prove |= more.prove;
                queue.extend(more.sequences);
            }
        }
        if prove {
            self.outbox.send(Notice::Prove(owner));
        }
    }

    /// Sends one event that was held back; `false` where it is not there any more, or too old.
    fn send_late(&mut self, now: Timestamp, key: Key, owner: &Client, sequence: u64) -> bool {
        let Some(record) = self.ring.get(sequence).cloned() else { return false };
        let age = now.since(record.received());
        let device = self.devices.get(&key);
        let most = device.and_then(|device| device.ownership.max_age());
        if !self.is_fresh(now, &record, most) {
            return false;
        }
        let stale = most.is_some_and(|most| age > most);
        self.send_read(key, Some(owner.clone()), &record, Some(age), stale);
        self.confidential.delivered(sequence);
        self.end_single_sale(now, key, &record);
        true
    }

    fn line_fault(&mut self, now: Timestamp, key: Key, fault: &Fault) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let Some(quiet) = device.said.tell(now, fault.kind()) else { return };
        let details = if quiet > 0 { BTreeMap::from([("untold", quiet)]) } else { BTreeMap::new() };
        warn!(
            device = %device.identity.origin.name,
            fault = fault.kind(),
            untold = quiet,
            "{fault}"
        );
        self.fault(key, fault.kind(), fault.to_string(), details);
        if *fault == Fault::Break {
            self.suspect_cable(now, key);
        }
    }

    /// Tells that it is the cable, where nothing else agrees with what has been counted.
    fn suspect_cable(&mut self, now: Timestamp, key: Key) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        let Some(cause) = wiring::is_cable(&device.health.read()) else { return };
        if device.said.tell(now, wiring::FAULT).is_none() {
            return;
        }
        let name = &device.identity.origin.name;
        let message = format!(
            "the line is held in a break and no code has been read: it is the cable, most likely \
             {cause}; `tillbusctl cable diagnose {name}` finds out"
        );
        warn!(device = %name, fault = wiring::FAULT, "{message}");
        self.fault(key, wiring::FAULT, message, BTreeMap::new());
    }

    /// Tells the owner of a device, or everyone, that something is wrong with it.
    pub(super) fn fault(
        &mut self,
        key: Key,
        kind: &'static str,
        message: String,
        details: BTreeMap<&'static str, u64>,
    ) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        device.set_last_fault(&message);
        self.outbox.send(Notice::Signal(key, None, Signal::Fault { kind, message, details }));
    }

    fn answer(&mut self, id: RequestId, result: Result<(), AskError>) {
        if self.passed_on(id, result) {
            return;
        }
        let Some(Asked { device, request, reply }) = self.callers.requests.remove(&id) else {
            return;
        };
        if let (Ok(()), Request::Enable(enabled), Some(entry)) =
            (result, request, self.devices.get_mut(&device))
        {
            entry.set_enabled(enabled);
            self.announce(device);
        }
        // A caller that has left the bus hears nothing; nor does it care.
        let _ = reply.send(result.map_err(|error| match error {
            AskError::Refused(Refusal::Unsupported) => Error::Unsupported("the device cannot"),
            AskError::Refused(Refusal::Busy) => Error::DeviceBusy,
            AskError::Refused(Refusal::Unfit(why)) => Error::InvalidArgument(why.to_owned()),
            AskError::Failed(Failure::NoReply) => Error::Timeout,
            AskError::Failed(Failure::Refused) => Error::Unsupported("the device refused"),
            AskError::Failed(Failure::Gone | Failure::Unsent) => Error::DeviceGone,
            AskError::NotOpen => Error::NotReady("its port is not open".to_owned()),
        }));
    }

    /// Carries out what a change of claims has brought.
    pub(super) fn settle_claims(&mut self, key: Key, effects: Vec<Effect>, lost: &'static str) {
        for effect in effects {
            match effect {
                Effect::Granted(ticket) => {
                    if let Some(reply) = self.callers.claims.remove(&ticket.0) {
                        let _ = reply.send(Ok(()));
                    }
                }
                Effect::Refused(ticket, reason) => {
                    if let Some(reply) = self.callers.claims.remove(&ticket.0) {
                        let _ = reply.send(Err(match reason {
                            Refused::AlreadyClaimed => Error::AlreadyClaimed,
                            Refused::DeviceGone => Error::DeviceGone,
                            Refused::QueueFull => Error::LimitExceeded(
                                "too many clients wait for this device already",
                            ),
                        }));
                    }
                }
                Effect::RequestRelease(owner) => {
                    let signal = Signal::ReleaseRequested;
                    self.outbox.send(Notice::Signal(key, Some(owner), signal));
                }
                Effect::Lost(owner) => {
                    // A claim for one sale ends with a code that is still to be taken.
                    if lost != ONE_SALE {
                        self.wipe_cards(key, |client| *client == owner);
                    }
                    let signal = Signal::ClaimLost(lost);
                    self.outbox.send(Notice::Signal(key, Some(owner), signal));
                }
                Effect::Undelivered(sequences) => self.lose_undelivered(&sequences),
            }
        }
        match self.devices.get(&key) {
            Some(device) if !device.ownership.is_idle() => self.claimed.insert(key),
            _ => self.claimed.remove(&key),
        };
        self.announce(key);
    }
}
