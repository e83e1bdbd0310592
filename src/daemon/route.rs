//! Routes: codes that are passed on to a terminal, beside their events.
//!
//! Contract: whose a code is does not matter here: the configuration has given it to the terminal. A payment
//! code is held back only where a payment with it is under way, was made, or may have been made; that is
//! noted, as for the application's own word, before its first byte is sent. Nothing is sent twice by itself.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::{debug, warn};

use super::{Daemon, Key};
use crate::bridge::{End, Wire};
use crate::config::{DeviceConfig, Forward, Route, RouteMode, Wired};
use crate::daemon::status::State;
use crate::event::{Content, Event, Failure, Refusal, Request, Settlement};
use crate::protocol::{self, Kind, RequestId};
use crate::secret::Secret;
use crate::session::{AskError, Order};
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
    /// Whether it is ours to say what becomes of the code: it can be paid with, and the application has
    /// said nothing since.
    is_ours: bool,
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

    /// The application has said what became of a code.
    pub(super) fn settled(&mut self, sequence: u64) {
        for passing in self.passing.values_mut().filter(|passing| passing.sequence == sequence) {
            passing.is_ours = false;
        }
    }

    /// A terminal whose answers will not come any more.
    pub(super) fn lost(&mut self, to: Key) {
        self.passing.retain(|_, passing| passing.to != to);
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
            if self.transactions.holds(sequence) {
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
        let is_ours = content == Content::PaymentCode;
        if is_ours {
            // Before the first byte: after a crash nobody could tell whether the terminal has it.
            self.code_in_flight(sequence);
        }
        self.callers.last += 1;
        let id = RequestId(self.callers.last);
        let order = Order::Ask(id, Request::Pass(wrapped));
        if !self.devices.get(&to).is_some_and(|device| device.order(order)) {
            if is_ours {
                self.free(sequence);
            }
            return Err("too much is on its way to it".to_owned());
        }
        let passing = Passing { from, to, leg: Arc::clone(leg), sequence, is_ours };
        self.routes.passing.insert(id, passing);
        Ok(())
    }

    /// What came of passing a code on; `false` where this was no such thing.
    pub(super) fn passed_on(&mut self, id: RequestId, result: Result<(), AskError>) -> bool {
        let Some(passing) = self.routes.passing.remove(&id) else { return false };
        let Passing { from, leg, sequence, is_ours, .. } = passing;
        let why = match result {
            Ok(()) => {
                debug!(sequence, to = %leg.to, "passed on");
                let belongs = self.belongs_to_transaction(&leg, sequence, is_ours);
                if is_ours && !belongs && !self.transactions.holds(sequence) {
                    self.free(sequence);
                }
                return true;
            }
            Err(AskError::Failed(Failure::NoReply | Failure::Gone)) => {
                let what = format!(
                    "whether {} has a code is not known: look at it; until it is settled the code is \
                     not passed on again",
                    leg.to
                );
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
        if is_ours && !self.transactions.holds(sequence) {
            self.free(sequence);
        }
        self.not_passed_on(from, sequence, &leg, why);
        true
    }

    fn not_passed_on(&mut self, from: Key, sequence: u64, leg: &Leg, why: &str) {
        let what = format!("a code was not passed on to {}: {why}; scan it again", leg.to);
        warn!(sequence, "{what}");
        self.complain(from, "not-forwarded", &what, sequence);
    }

    /// A code that nothing came of may be passed on again.
    fn free(&mut self, sequence: u64) {
        self.seen.free(sequence);
        self.keep_seen();
    }

    /// Makes a code that was passed on part of what is under way at the terminal that pays with it.
    fn belongs_to_transaction(&mut self, leg: &Leg, sequence: u64, is_ours: bool) -> bool {
        let terminal = leg.forward.terminal.as_ref();
        terminal.is_some_and(|terminal| self.transactions.pays_with(terminal, sequence, is_ours))
    }

    /// A payment with this code is under way from now on. Whether that is what keeps the code back now: one
    /// that was spoken for before is not freed by its end.
    pub(super) fn code_in_flight(&mut self, sequence: u64) -> bool {
        if self.seen.is_spoken_for(sequence) {
            return false;
        }
        self.seen.settle(sequence, Settlement::Unknown);
        self.keep_seen();
        true
    }

    /// A transaction with these codes has come to this end; of each whether it was the one to keep it back.
    pub(super) fn codes_landed(&mut self, codes: &[(u64, bool)], state: transaction::State) {
        let settlement = match state {
            transaction::State::Approved => Settlement::Used,
            transaction::State::Unknown => Settlement::Unknown,
            _ => Settlement::Unused,
        };
        if codes.is_empty() {
            return;
        }
        for (sequence, is_ours) in codes {
            if *is_ours || settlement != Settlement::Unused {
                self.seen.settle(*sequence, settlement);
            }
        }
        self.keep_seen();
    }
}
