//! Clients' calls: the right, the state, then the deed.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tracing::info;

use super::call::{Act, Call, Error, Evidence, Reply};
use super::claim::{Effect, Options, Ticket};
use super::rights::Caller;
use super::status::State;
use super::{Asked, Daemon, Key, wiring};
use crate::event::{Request, Timestamp, Value, Verdict};
use crate::protocol::RequestId;
use crate::session::{Order, Sight};
use crate::store::Client;

/// The most events one `Replay` answers with.
const LARGEST_PAGE: usize = 1000;

impl Daemon {
    pub(super) fn call(&mut self, now: Timestamp, call: Call) {
        // Whoever has gone before the answer does not need it: sends to `reply` may fail.
        match call {
            Call::Device { caller, device, act } => self.act(now, &caller, device, act),
            Call::Replay { caller, epoch, after, limit, reply } => {
                let answer = if self.scan_right.permits(&caller) {
                    Ok(self.ring.page(&epoch, after, limit.clamp(1, LARGEST_PAGE)))
                } else {
                    Err(Error::AccessDenied("scan"))
                };
                let _ = reply.send(answer);
            }
            Call::Transaction { caller, id, act } => self.transaction(&caller, id, act),
            Call::FindTransaction { caller, key, reply } => {
                self.find_transaction(caller, key, reply);
            }
            Call::Reload { caller, reply } => {
                let answer = if self.admin_right.permits(&caller) {
                    self.reload()
                } else {
                    Err(Error::AccessDenied("admin"))
                };
                let _ = reply.send(answer);
            }
        }
    }

    fn act(&mut self, now: Timestamp, caller: &Caller, key: Key, act: Act) {
        match act {
            Act::Claim(options, reply) => self.claim(now, caller, key, options, reply),
            Act::Retain(reply) => self.change_claim(now, caller, key, reply, |device, effects| {
                device.ownership.retain(now, &caller.client, effects)
            }),
            Act::Release(reply) => {
                self.change_claim(now, caller, key, reply, |device, effects| {
                    device.ownership.release(now, &caller.client, effects)
                });
                self.wipe_cards(key, |client| *client == caller.client);
            }
            Act::Clear(reply) => {
                let _ = reply.send(self.clear(now, caller, key));
            }
            Act::Acknowledge(sequence, reply) => {
                let _ = reply.send(self.acknowledge(now, caller, key, sequence));
            }
            Act::Request(request, reply) => {
                let allowed = self.may_ask(caller, key, &request);
                self.request(allowed, key, request, reply);
            }
            Act::Indicate(sequence, verdict, reply) => {
                let allowed = self.may_indicate(caller, key, sequence, verdict);
                self.request(allowed, key, Request::Indicate(verdict), reply);
            }
            Act::Take(sequence, reply) => {
                let _ = reply.send(self.take(now, caller, key, sequence));
            }
            Act::Settle(sequence, settlement, reply) => {
                match self.of_own_event(caller, key, sequence) {
                    Ok(()) => self.settle(&caller.client, sequence, settlement, reply),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Act::Begin(wish, reply) => self.begin(caller.clone(), key, wish, reply),
            Act::Terminal(reply) => self.inquire(caller, key, reply),
            Act::Diagnose(reply) => self.diagnose(caller, key, reply),
        }
    }

    fn claim(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        key: Key,
        mut options: Options,
        reply: Reply<()>,
    ) {
        let refusal = match self.devices.get(&key) {
            None => Some(Error::DeviceGone),
            Some(device) if device.config.is_none() => {
                Some(Error::NotReady("no configuration names this device".to_owned()))
            }
            Some(device) if self.is_at_work_against(device, caller) => Some(Error::AlreadyClaimed),
            Some(device) => refused(device, caller, &options),
        };
        if let Some(error) = refusal {
            let _ = reply.send(Err(error));
            return;
        }
        self.callers.last += 1;
        let ticket = Ticket(self.callers.last);
        self.callers.claims.insert(ticket.0, reply);
        let mut effects = Vec::new();
        if let Some(device) = self.devices.get_mut(&key) {
            options.may_pay = device.rights.payment_code.permits(caller);
            options.may_read_cards = device.rights.card.permits(caller);
            device.ownership.claim(now, caller.client.clone(), options, ticket, &mut effects);
        }
        self.settle_claims(key, effects, "challenged");
    }

    /// A change that only the owner may make; `change` says whether the caller was.
    fn change_claim(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        key: Key,
        reply: Reply<()>,
        change: impl FnOnce(&mut super::Device, &mut Vec<Effect>) -> bool,
    ) {
        let mut effects = Vec::new();
        let answer = match self.devices.get_mut(&key) {
            None => Err(Error::DeviceGone),
            Some(device) => {
                if change(device, &mut effects) {
                    Ok(())
                } else {
                    Err(not_owner(device))
                }
            }
        };
        let _ = reply.send(answer);
        self.settle_claims(key, effects, "challenged");
        self.alive(now, &caller.client);
    }

    fn acknowledge(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        key: Key,
        sequence: u64,
    ) -> Result<(), Error> {
        if sequence > self.ring.newest() {
            let newest = self.ring.newest();
            return Err(Error::InvalidArgument(format!(
                "sequence {sequence} has not been given out; the newest is {newest}"
            )));
        }
        let device = self.devices.get_mut(&key).ok_or(Error::DeviceGone)?;
        let due = device.ownership.acknowledge(&caller.client, sequence);
        if due.is_none() {
            // A claim may end while what was read in it is being dealt with.
            self.of_own_event(caller, key, sequence)?;
        }
        self.confidential.answered_up_to(key, sequence);
        if let Some(due) = due {
            self.send_held(now, key, due);
        }
        Ok(())
    }

    /// What was held back for the owner is forgotten; nothing of it has gone wrong.
    fn clear(&mut self, now: Timestamp, caller: &Caller, key: Key) -> Result<(), Error> {
        let device = self.devices.get_mut(&key).ok_or(Error::DeviceGone)?;
        let held = device.ownership.clear(&caller.client).ok_or_else(|| not_owner(device))?;
        for sequence in held {
            self.forget(sequence);
        }
        self.alive(now, &caller.client);
        Ok(())
    }

    fn request(
        &mut self,
        allowed: Result<(), Error>,
        key: Key,
        request: Request,
        reply: Reply<()>,
    ) {
        if let Err(error) = allowed {
            let _ = reply.send(Err(error));
            return;
        }
        self.callers.last += 1;
        let id = RequestId(self.callers.last);
        let Some(device) = self.devices.get(&key) else { return };
        if device.order(Order::Ask(id, request.clone())) {
            self.callers.requests.insert(id, Asked { device: key, request, reply });
        } else {
            let _ = reply.send(Err(Error::DeviceBusy));
        }
    }

    /// That the event came from the device, and the caller owns that or was the one to get the event:
    /// a claim for a single sale is over by the time the code has been paid with.
    pub(super) fn of_own_event(
        &self,
        caller: &Caller,
        key: Key,
        sequence: u64,
    ) -> Result<(), Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        let record = self.ring.get(sequence);
        let record = record.filter(|record| record.origin.name == device.identity.origin.name);
        let had = record.is_some_and(|record| record.went_to(&caller.client));
        if !had && !device.is_owned_by(&caller.client) {
            return Err(not_owner(device));
        }
        let missing = || format!("event {sequence} is not one of this device's");
        record.map(|_| ()).ok_or_else(|| Error::InvalidArgument(missing()))
    }

    /// Whoever had the event may say how it went with it, unless somebody else owns the device now.
    fn may_indicate(
        &mut self,
        caller: &Caller,
        key: Key,
        sequence: u64,
        verdict: Verdict,
    ) -> Result<(), Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        match device.ownership.owner() {
            Some(owner) if *owner != caller.client => return Err(not_owner(device)),
            _ => self.of_own_event(caller, key, sequence)?,
        }
        self.confidential.answered(sequence);
        self.can(key, &Request::Indicate(verdict))
    }

    fn may_ask(&self, caller: &Caller, key: Key, request: &Request) -> Result<(), Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        if !device.is_owned_by(&caller.client) {
            return Err(not_owner(device));
        }
        self.can(key, request)
    }

    /// That the device has such an ability and is there.
    fn can(&self, key: Key, request: &Request) -> Result<(), Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        if !device.can(request.ability()) {
            return Err(Error::Unsupported(match request {
                Request::Trigger(_) => "this device cannot be triggered by the host",
                Request::Enable(_) => "this device cannot be switched off by the host",
                Request::Indicate(_) => "this device has nothing to signal with",
                Request::Show(_) => "this device has no screen that the host can write on",
                Request::Pass(_) => "this device takes no codes",
            }));
        }
        match device.state() {
            State::Ready => Ok(()),
            state => Err(Error::NotReady(format!("its state is {}", state.word()))),
        }
    }

    fn diagnose(&mut self, caller: &Caller, key: Key, reply: Reply<Vec<Evidence>>) {
        let Some(device) = self.devices.get(&key) else {
            let _ = reply.send(Err(Error::DeviceGone));
            return;
        };
        if device.config.is_some() && !device.rights.scan.permits(caller) {
            let _ = reply.send(Err(Error::AccessDenied("scan")));
            return;
        }
        let counts = device.health.read();
        let findings = wiring::findings(&counts);
        let health = counts.into_iter().map(|(name, count)| (name, Value::Count(count))).collect();
        let mut evidence = vec![Evidence { kind: "health", values: health }];
        let (sender, sight) = oneshot::channel();
        let asked = device.order(Order::Look(sender));
        // The session answers when it next runs; the daemon does not wait for it.
        tokio::spawn(async move {
            if asked && let Ok(sight) = sight.await {
                evidence.extend(in_words(&sight));
            }
            evidence.extend(findings);
            let _ = reply.send(Ok(evidence));
        });
    }

    pub(super) fn gone(&mut self, now: Timestamp, client: &Client) {
        info!(client = %client, "client left the bus");
        let keys: Vec<Key> = self.claimed.iter().copied().collect();
        for key in keys {
            let mut effects = Vec::new();
            if let Some(device) = self.devices.get_mut(&key) {
                device.ownership.gone(now, client, &mut effects);
            }
            self.settle_claims(key, effects, "challenged");
        }
        self.forget_all_of(client);
        self.transactions.gone(client);
    }

    pub(super) fn alive(&mut self, now: Timestamp, client: &Client) {
        let due: Vec<_> = self
            .devices
            .iter_mut()
            .map(|(key, device)| (*key, device.ownership.proved(client)))
            .filter(|(_, due)| !due.sequences.is_empty())
            .collect();
        for (key, due) in due {
            self.send_held(now, key, due);
        }
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        let keys: Vec<Key> = self.claimed.iter().copied().collect();
        for key in keys {
            let mut effects = Vec::new();
            let Some(device) = self.devices.get_mut(&key) else { continue };
            if device.deadline().is_none_or(|deadline| deadline > now) {
                continue;
            }
            device.ownership.timeout(now, &mut effects);
            let due = device.ownership.overdue(now);
            self.send_held(now, key, due);
            if !effects.is_empty() {
                self.settle_claims(key, effects, "challenged");
            }
        }
    }
}

/// Why the caller may not claim the device.
fn refused(device: &super::Device, caller: &Caller, options: &Options) -> Option<Error> {
    if device.identity.is_terminal() {
        let allowed = device.terminal_rights.may_claim(caller);
        return (!allowed).then_some(Error::AccessDenied("terminal"));
    }
    if !device.rights.scan.permits(caller) {
        return Some(Error::AccessDenied("scan"));
    }
    // Such a claim would never end: no payment code would ever come.
    let waits_for_ever = options.until_payment_code && !device.rights.payment_code.permits(caller);
    waits_for_ever.then_some(Error::AccessDenied("payment-code"))
}

fn not_owner(device: &super::Device) -> Error {
    match device.ownership.owner() {
        Some(_) => Error::NotOwner,
        None => Error::NotClaimed,
    }
}

fn in_words(sight: &Sight) -> Vec<Evidence> {
    let baud = BTreeMap::from([("baud", Value::Count(sight.baud.into()))]);
    let mut evidence = vec![Evidence { kind: "line", values: baud }];
    if let Some(lines) = &sight.modem_lines {
        let flags = lines.named().into_iter();
        let values = flags.map(|(name, on)| (name, Value::Flag(on))).collect();
        evidence.push(Evidence { kind: "modem-lines", values });
    }
    if let Some(counters) = &sight.counters {
        let counts = counters.named().into_iter();
        let values = counts.map(|(name, count)| (name, Value::Count(count))).collect();
        evidence.push(Evidence { kind: "kernel-counters", values });
    }
    evidence
}
