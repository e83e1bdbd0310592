//! Paying with a scanned code: the code first and the amount behind it, or the other way round.
//!
//! Contract: a code goes to the terminal only for the client it was delivered to, at the time the terminal is
//! told; it is in no ledger and in no message. One that is waited for pays in the lane where it was shown, and
//! only where it is clear for what: of two sales that wait for it neither is paid.

use std::time::Duration;

use tracing::warn;

use super::{Live, Wish};
use crate::daemon::call::Error;
use crate::daemon::rights::Caller;
use crate::daemon::{Daemon, Held, Key};
use crate::event::Timestamp;
use crate::event::terminal::Operation;
use crate::secret::Secret;
use crate::store::Client;
use crate::store::seen::Holder;
use crate::transaction::State;

/// How long a code is awaited: a customer has to find the telephone first.
const AWAITED_FOR: Duration = Duration::from_secs(120);
/// What a terminal is called that a code can be paid with.
pub(super) const ABILITY: &str = "code";

/// With what a payment is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// What the customer has, at the terminal.
    #[default]
    AtTerminal,
    /// A code that was scanned before: the sequence of its event.
    Scanned(u64),
    /// The next payment code that the client scans.
    NextScan,
}

/// What is kept of the means while a transaction waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    /// Whose code it has to be.
    pub(super) client: Client,
    /// The code, once there is one.
    pub(super) sequence: Option<u64>,
    /// Until when it is waited for.
    pub(super) until: Timestamp,
}

impl Awaited {
    /// What has to be waited for, where anything has.
    pub(super) fn of(means: Means, client: &Client, now: Timestamp) -> Option<Self> {
        let sequence = match means {
            Means::AtTerminal => return None,
            Means::Scanned(sequence) => Some(sequence),
            Means::NextScan => None,
        };
        Some(Self { client: client.clone(), sequence, until: now + AWAITED_FOR })
    }
}

impl Daemon {
    /// That a terminal can be paid at so, and that the code is the caller's.
    pub(super) fn check_means(&self, caller: &Caller, key: Key, wish: &Wish) -> Result<(), Error> {
        let (operation, means) = (wish.operation, wish.means);
        if means == Means::AtTerminal {
            return Ok(());
        }
        if operation != Operation::Payment {
            let message = "only a payment is made with a code".to_owned();
            return Err(Error::InvalidArgument(message));
        }
        if !self.devices.get(&key).is_some_and(|device| device.can(ABILITY)) {
            return Err(Error::Unsupported("this terminal's protocol carries no codes"));
        }
        match means {
            Means::Scanned(sequence) => self.scanned(sequence, &caller.client).map(|_| ()),
            Means::NextScan => self.check_waiting(caller, key, &wish.key),
            Means::AtTerminal => Ok(()),
        }
    }

    /// That the next code of this lane can come, and could be for nothing else.
    fn check_waiting(&self, caller: &Caller, key: Key, wish: &str) -> Result<(), Error> {
        let origin = &self.devices.get(&key).ok_or(Error::DeviceGone)?.identity.origin;
        let mut identities = self.devices.values().map(|device| &device.identity);
        if !identities.any(|one| one.is_scanner() && one.origin.lane == origin.lane) {
            let message = "no device that reads codes is configured in this terminal's lane";
            return Err(Error::Unsupported(message));
        }
        let is_same = |live: &Live| {
            let intent = &live.transaction.intent;
            intent.device == origin.name && intent.key == wish
        };
        let mut all = self.transactions.live.values();
        if all.any(|live| live.awaits_code_of(&caller.client, &origin.lane) && !is_same(live)) {
            let message = "another transaction of this lane waits for the next code already";
            return Err(Error::LimitExceeded(message));
        }
        Ok(())
    }

    /// The payment code of an event, for whom it was delivered to.
    pub(super) fn scanned(&self, sequence: u64, client: &Client) -> Result<Secret<Vec<u8>>, Error> {
        let record = self.ring.get(sequence).filter(|record| record.visible_to(client));
        let record = record.filter(|record| record.event.pays());
        let code = record.map(|record| record.event.secret()).filter(|code| !code.is_empty());
        code.map(Secret::copy_of).ok_or(Error::Expired(
            "it is no payment code of yours, or has expired: the customer has to show it again",
        ))
    }

    /// A payment code was delivered to a client: one of its transactions may wait for it.
    pub(in crate::daemon) fn code_came(&mut self, sequence: u64, client: &Client) {
        let Some(record) = self.ring.get(sequence) else { return };
        let lane = &record.origin.lane;
        let live = self.transactions.live.iter_mut();
        let mut waiting = live.filter(|(_, live)| live.awaits_code_of(client, lane));
        match (waiting.next(), waiting.next()) {
            (Some((id, live)), None) if !live.is_unannounced => {
                if let Some(awaited) = &mut live.awaited {
                    awaited.sequence = Some(sequence);
                }
                let id = *id;
                self.tell_terminal(id);
            }
            (Some(_), Some(_)) => {
                warn!(sequence, "more than one sale waits for this code; none is paid with it");
            }
            _ => {}
        }
    }

    /// A transaction is to be paid with a code. The terminal is told when that is on the disk; `true` where
    /// it is now.
    pub(super) fn takes_code(&mut self, id: u64, sequence: u64, code: &Secret<Vec<u8>>) -> bool {
        self.seen.hold(sequence, code.expose(), Holder::Transaction(id));
        let is_held = self.keep_holds(Held::Transaction(id));
        if is_held && let Some(live) = self.transactions.live.get_mut(&id) {
            live.has_code = true;
        }
        is_held
    }

    /// It is on the disk that a transaction has its code, or is not.
    pub(in crate::daemon) fn code_held(&mut self, id: u64, is_there: bool) {
        let Some(live) = self.transactions.live.get_mut(&id) else { return };
        if live.closing.is_some() || live.transaction.state.is_final() {
            return;
        }
        live.has_code = is_there;
        if is_there {
            self.tell_terminal(id);
        } else {
            self.close(id, State::Failed, "it cannot be written down that it has the code");
        }
    }

    /// Whether nothing can be sent yet, because the code is not there.
    pub(super) fn waits_for_code(&self, id: u64) -> bool {
        let live = self.transactions.live.get(&id);
        let waits = live.and_then(|live| live.awaited.as_ref());
        let waits = waits.is_some_and(|awaited| awaited.sequence.is_none());
        if waits {
            self.tell_progress(id, State::Preparing.word(), "waiting for the customer's code");
        }
        waits
    }

    /// Ends what has waited for a code long enough.
    pub(super) fn give_up_waiting(&mut self, now: Timestamp) {
        let late = |live: &Live| live.waits_until().is_some_and(|until| until <= now);
        let all = self.transactions.live.iter();
        let late: Vec<u64> = all.filter(|(_, live)| late(live)).map(|(id, _)| *id).collect();
        for id in late {
            self.close(id, State::Failed, "no code was shown in time");
        }
    }
}
