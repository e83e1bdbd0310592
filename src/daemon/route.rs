//! Routes: codes that are passed on to a terminal, beside their events.
//!
//! Contract: whose a code is does not matter here: the configuration has given it to the terminal. A payment
//! code is held back only where a payment with it is under way, was made, or may have been made; that is on the
//! disk, as far as the daemon has any, before the first byte is sent. Goods wait for no disk. Nothing is sent
//! twice by itself.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::{debug, warn};

use super::confidential::not_kept;
use super::{Daemon, Key, Wake};
use crate::bridge::{End, Wire};
use crate::config::{DeviceConfig, Forward, Route, RouteMode, Wired};
use crate::daemon::status::State;
use crate::event::{Content, Event, Failure, Refusal, Request};
use crate::protocol::{self, Kind, RequestId};
use crate::secret::Secret;
use crate::session::{AskError, Order};
use crate::store::seen::{Holder, Sure};
use crate::transaction;

/// The routes by which codes are passed on, and what is on its way.
#[derive(Default)]
pub(super) struct Routes {
    /// By the device they come from.
    forwards: HashMap<String, Vec<Arc<Leg>>>,
    passing: HashMap<RequestId, Passing>,
    /// The wires, by the device they come from.
    wires: HashMap<String, Arc<Wire>>,
}

/// A route from a device that is known already.
struct Leg {
    to: String,
    forward: Forward,
}

/// A code on its way to a terminal.
struct Passing {
    from: Key,
    to: Key,
    leg: Arc<Leg>,
    sequence: u64,
    /// Whether it can be paid with: then it is held meanwhile.
    pays: bool,
    /// The payment that was under way when it was passed on, where the terminal is known.
    of: Option<u64>,
    /// What is to be sent, until it is.
    unsent: Option<Secret<Vec<u8>>>,
}

/// What goes on once it is on the disk that it holds a code.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// Passing the code on.
    Passing(RequestId),
    /// The transaction of this number.
    Transaction(u64),
}

/// A code that routes may lead on, and what it takes to do so after its event is gone.
pub(super) struct Code {
    content: Content,
    bytes: Secret<Vec<u8>>,
    legs: Vec<Arc<Leg>>,
}

impl Routes {
    pub(super) fn adopt(&mut self, routes: Vec<Route>) {
        self.forwards.clear();
        let is_tap = |from: &str| {
            let mut taps = routes.iter().filter(|route| matches!(route.mode, RouteMode::Tap(_)));
            taps.any(|route| route.from == from)
        };
        self.wires.retain(|from, _| is_tap(from));
        for Route { from, to, mode } in routes {
            if let RouteMode::Forward(forward) = mode {
                self.forwards.entry(from).or_default().push(Arc::new(Leg { to, forward }));
            }
        }
    }

    /// The end of a wire that a device's line is on.
    pub(super) fn end(&mut self, config: &DeviceConfig) -> Option<End> {
        let Wired { partner, is_source, tap } = config.wired.clone()?;
        let from = if is_source { config.name.clone() } else { partner };
        // Between two terminals' protocols there is a till at the other end.
        let listener = (config.kind == Kind::Terminal)
            .then(|| protocol::listener(config.protocol.name))
            .flatten();
        let wire = self.wires.entry(from).or_insert_with(|| Arc::new(Wire::new(listener)));
        let wire = Arc::clone(wire);
        Some(End { wire, is_source, tap })
    }

    /// Whether any payment codes are passed on.
    pub(super) fn are_any(&self) -> bool {
        let mut legs = self.forwards.values().flatten();
        legs.any(|leg| leg.forward.takes(Content::PaymentCode))
    }
}

impl Daemon {
    /// The code of an event, where a route takes it.
    pub(super) fn routed(&self, key: Key, event: &Event) -> Option<Code> {
        let Event::Scan(scan) = event else { return None };
        if self.routes.forwards.is_empty() {
            return None;
        }
        let name = &self.devices.get(&key)?.identity.origin.name;
        let legs = self.routes.forwards.get(name)?;
        let takes = |leg: &&Arc<Leg>| leg.forward.takes(scan.content);
        let legs: Vec<_> = legs.iter().filter(takes).map(Arc::clone).collect();
        (!legs.is_empty()).then(|| {
            let bytes = Secret::copy_of(scan.raw.expose());
            Code { content: scan.content, bytes, legs }
        })
    }

    /// Passes a code on that has come as this event.
    pub(super) fn pass_on(&mut self, from: Key, sequence: u64, code: Option<Code>) {
        let Some(Code { content, bytes, legs }) = code else { return };
        for leg in legs {
            if self.transactions.took(sequence) {
                // A payment has waited for it, and has it: that is nothing to complain of.
                continue;
            }
            if content == Content::PaymentCode && self.seen.is_spoken_for(sequence) {
                let what = format!(
                    "a payment code was not passed on to {}: a payment with it is under way, was made, \
                     or may have been made",
                    leg.to
                );
                self.complain(from, "held-back", &what, sequence);
                continue;
            }
            if let Err(why) = self.send_on(from, sequence, content, &bytes, &leg) {
                self.not_passed_on(from, sequence, &leg, &why);
            }
        }
    }

    fn send_on(
        &mut self,
        from: Key,
        sequence: u64,
        content: Content,
        bytes: &Secret<Vec<u8>>,
        leg: &Arc<Leg>,
    ) -> Result<(), String> {
        let Forward { envelope, prefix, .. } = &leg.forward;
        if bytes.is_empty() {
            return Err("configuration lets nothing of it out".to_owned());
        }
        let wrapped = envelope.wrap(prefix, bytes.expose()).ok_or_else(|| {
            "it holds a byte that would end it at the terminal, so it would arrive as two"
                .to_owned()
        })?;
        let to = self.device_named(&leg.to).ok_or_else(|| "there is no such device".to_owned())?;
        let device = self.devices.get(&to).filter(|device| device.state() == State::Ready);
        if device.is_none() {
            let state = self.devices.get(&to).map_or("gone", |device| device.state().word());
            return Err(format!("its state is {state}"));
        }
        self.callers.last += 1;
        let id = self.callers.last;
        let pays = content == Content::PaymentCode;
        let leg = Arc::clone(leg);
        let mut passing =
            Passing { from, to, leg, sequence, pays, of: None, unsent: Some(wrapped) };
        if pays {
            self.seen.hold(sequence, bytes.expose(), Holder::Route(id));
            passing.of = self.payment_with(&passing.leg);
            if let Some(of) = passing.of {
                self.seen.hold(sequence, bytes.expose(), Holder::Transaction(of));
            }
        }
        self.routes.passing.insert(RequestId(id), passing);
        // Before the first byte: after a crash nobody could tell whether the terminal has it.
        if pays && !self.keep_holds(Held::Passing(RequestId(id))) {
            return Ok(());
        }
        self.hand_over(RequestId(id));
        Ok(())
    }

    /// Has who holds what put on the disk, and goes on when it is there; `true` where that is now.
    pub(super) fn keep_holds(&mut self, held: Held) -> bool {
        let wakes = self.wakes.clone();
        let sure = self.seen.keep_surely(move |is_there| {
            // A daemon that is going down sends nothing any more.
            let _ = wakes.blocking_send(Wake::Held(held, is_there));
        });
        match sure {
            Sure::Now(_) => true,
            Sure::Later => false,
            Sure::Not(_, error) => {
                not_kept(&error);
                self.held(held, false);
                false
            }
        }
    }

    /// Who holds a code is on the disk, or is not.
    pub(super) fn held(&mut self, held: Held, is_there: bool) {
        match (held, is_there) {
            (Held::Passing(id), true) => self.hand_over(id),
            (Held::Passing(id), false) => {
                self.is_not_passed_on(id, "it cannot be written down that the terminal has it");
            }
            (Held::Transaction(id), _) => self.code_held(id, is_there),
        }
    }

    /// Gives a code to the session of the terminal's line.
    fn hand_over(&mut self, id: RequestId) {
        let Some(passing) = self.routes.passing.get_mut(&id) else { return };
        let Some(wrapped) = passing.unsent.take() else { return };
        let device = self.devices.get(&passing.to);
        let device = device.filter(|device| device.state() == State::Ready);
        let Some(device) = device else {
            return self.is_not_passed_on(id, "its line has gone");
        };
        if !device.order(Order::Ask(id, Request::Pass(wrapped))) {
            self.is_not_passed_on(id, "too much is on its way to it");
        }
    }

    /// What came of passing a code on; `false` where this was no such thing.
    pub(super) fn passed_on(&mut self, id: RequestId, result: Result<(), AskError>) -> bool {
        let Some(passing) = self.routes.passing.get(&id) else { return false };
        let why = match result {
            Ok(()) => {
                self.is_passed_on(id);
                return true;
            }
            Err(AskError::Failed(Failure::NoReply | Failure::Gone)) => {
                let (from, sequence) = (passing.from, passing.sequence);
                let what = format!(
                    "whether {} has a code is not known: look at it; until it is settled the code is \
                     not passed on again",
                    passing.leg.to
                );
                self.routes.passing.remove(&id);
                self.seen.doubt(Holder::Route(id.0));
                self.keep_seen();
                warn!(sequence, "{what}");
                self.complain(from, "forward-unclear", &what, sequence);
                return true;
            }
            Err(AskError::Failed(Failure::Refused)) => "the terminal refused it",
            Err(AskError::Failed(Failure::Unsent)) => "its line was lost before anything was sent",
            Err(AskError::NotOpen) => "its port is not open",
            Err(AskError::Refused(Refusal::Busy)) => "the code before is still on its way to it",
            Err(AskError::Refused(Refusal::Unsupported)) => "it takes no codes",
            Err(AskError::Refused(Refusal::Unfit(why))) => why,
        };
        self.is_not_passed_on(id, why);
        true
    }

    /// The terminal has a code: it is free again, unless a payment is under way with it.
    fn is_passed_on(&mut self, id: RequestId) {
        let Some(passing) = self.routes.passing.remove(&id) else { return };
        debug!(sequence = passing.sequence, to = %passing.leg.to, "passed on");
        if !passing.pays {
            return;
        }
        // One that has begun meanwhile has it. The one that it was passed on for holds it itself, as long as
        // it is open.
        let of = self.payment_with(&passing.leg).filter(|now| passing.of != Some(*now));
        match of {
            Some(of) => self.seen.hand_on(Holder::Route(id.0), Holder::Transaction(of)),
            None => self.seen.release(Holder::Route(id.0)),
        }
        self.keep_seen();
    }

    fn is_not_passed_on(&mut self, id: RequestId, why: &str) {
        let Some(passing) = self.routes.passing.remove(&id) else { return };
        let Passing { from, leg, sequence, pays, of, .. } = passing;
        if pays {
            match of {
                Some(of) => self.seen.release_both(Holder::Route(id.0), Holder::Transaction(of)),
                None => self.seen.release(Holder::Route(id.0)),
            }
            self.keep_seen();
        }
        self.not_passed_on(from, sequence, &leg, why);
    }

    fn not_passed_on(&mut self, from: Key, sequence: u64, leg: &Leg, why: &str) {
        let what = format!("a code was not passed on to {}: {why}; scan it again", leg.to);
        warn!(sequence, "{what}");
        self.complain(from, "not-forwarded", &what, sequence);
    }

    /// The payment under way at the terminal that pays with what is passed on this way.
    fn payment_with(&self, leg: &Leg) -> Option<u64> {
        let terminal = leg.forward.terminal.as_ref()?;
        self.transactions.payment_on(terminal)
    }

    /// The session of a terminal's line is gone, and its answers will not come any more.
    pub(super) fn route_lost(&mut self, to: Key) {
        let passing = self.routes.passing.iter();
        let lost: Vec<_> = passing
            .filter(|(_, passing)| passing.to == to && passing.unsent.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            self.passed_on(id, Err(AskError::Failed(Failure::Gone)));
        }
    }

    /// A transaction has come to this end, and what it had of codes with it. One whose outcome is not known
    /// keeps them.
    pub(super) fn codes_landed(&mut self, transaction: u64, state: transaction::State) {
        if state.is_final() && state != transaction::State::Unknown {
            self.seen.landed(transaction, state == transaction::State::Approved);
            self.keep_seen();
        }
    }
}
