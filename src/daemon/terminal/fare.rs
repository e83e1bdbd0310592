//! How a terminal fares: what is known of it, and what it says itself.
//!
//! Contract: it is asked only where nothing is under way on it, and once for all who want to know at a time.
//! Whoever asks is answered in any case: with what is known where the terminal says nothing.

use std::collections::BTreeMap;

use super::{Daemon, Live};
use crate::daemon::Key;
use crate::daemon::call::{Error, Reply};
use crate::daemon::rights::Caller;
use crate::daemon::status::State as DeviceState;
use crate::event::Value;
use crate::event::terminal::Instruction;
use crate::session::Order;
use crate::transaction::State;

/// What a terminal is called that can be asked.
const ABILITY: &str = "status";

/// How a terminal fares, by name.
type Fares = BTreeMap<&'static str, Value>;

/// Somebody who wants to know.
pub(super) struct Inquiry {
    caller: Caller,
    reply: Reply<Fares>,
}

impl Daemon {
    /// A client wants to know how a terminal fares.
    pub(in crate::daemon) fn inquire(&mut self, caller: &Caller, key: Key, reply: Reply<Fares>) {
        let fares = self.fares(caller, key, None);
        if fares.is_err() || !self.can_be_asked(key) {
            let _ = reply.send(fares);
            return;
        }
        let inquiries = self.transactions.inquiries.entry(key).or_default();
        inquiries.push(Inquiry { caller: caller.clone(), reply });
        if inquiries.len() > 1 {
            return;
        }
        let Some(device) = self.devices.get(&key) else { return };
        let password = self.password(&device.identity.origin.name);
        if !device.order(Order::Instruct(Instruction::Status(password))) {
            self.told_how_it_fares(key, None);
        }
    }

    /// Whether the terminal has the time to answer.
    fn can_be_asked(&self, key: Key) -> bool {
        self.devices.get(&key).is_some_and(|device| {
            device.can(ABILITY)
                && device.state() == DeviceState::Ready
                && self.transactions.open_on(&device.identity.origin.name).is_none()
        })
    }

    /// The terminal has said how it fares, or will not.
    pub(super) fn told_how_it_fares(&mut self, key: Key, says: Option<&'static str>) {
        for inquiry in self.transactions.inquiries.remove(&key).unwrap_or_default() {
            let _ = inquiry.reply.send(self.fares(&inquiry.caller, key, says));
        }
    }

    /// How a terminal fares, for whoever may use it.
    fn fares(&self, caller: &Caller, key: Key, says: Option<&'static str>) -> Result<Fares, Error> {
        let device = self.devices.get(&key).ok_or(Error::DeviceGone)?;
        if !device.terminal_rights.terminal.permits(caller) {
            return Err(Error::AccessDenied("terminal"));
        }
        let name = &device.identity.origin.name;
        let of_terminal = |live: &&Live| live.transaction.intent.device == *name;
        let all = || self.transactions.live.values().filter(of_terminal);
        let open = all().find(|live| !live.transaction.state.is_final());
        let unknown = all().find(|live| live.transaction.state == State::Unknown);
        let mut fares = BTreeMap::from([
            ("state", Value::from(device.state().word())),
            ("recovery", Value::from(device.identity.recovery().word())),
            ("condition", Value::List(device.condition().into_iter().map(Value::from).collect())),
            ("answered", Value::Flag(says.is_some())),
        ]);
        fares.extend(says.map(|says| ("says", Value::from(says))));
        for (name, live) in [("transaction", open), ("unknown", unknown)] {
            fares.extend(live.map(|live| (name, Value::Count(live.transaction.id))));
        }
        Ok(fares)
    }
}
