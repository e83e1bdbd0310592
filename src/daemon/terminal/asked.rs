//! What clients ask of transactions: how they went, to stop, to settle, to be found again.

use tracing::{error, info};

use super::{LedgerNews, Live, TerminalRights, TransactionAct, send};
use crate::clock;
use crate::daemon::Daemon;
use crate::daemon::call::{Error, Reply};
use crate::daemon::rights::Caller;
use crate::event::terminal::Instruction;
use crate::session::Order;
use crate::transaction::{Resolution, State};

/// What a terminal is called that the till can stop.
const ABILITY: &str = "abort";

impl Daemon {
    /// A client asks something of a transaction.
    pub(in crate::daemon) fn transaction(&mut self, caller: &Caller, id: u64, act: TransactionAct) {
        match act {
            TransactionAct::Result(reply) => {
                let live = self.of_caller(caller, id);
                let _ = reply.send(live.map(|live| live.transaction.clone()));
            }
            TransactionAct::Abort(reply) => {
                let _ = reply.send(self.abort(caller, id));
            }
            TransactionAct::Answer(word, reply) => self.cashier_answers(caller, id, &word, reply),
            TransactionAct::Resolve(state, note, reply) => {
                self.resolve(caller, id, state, note, reply)
            }
        }
    }

    /// The transaction, where the caller may know of it: its user, and whoever settles outcomes.
    pub(super) fn of_caller(&self, caller: &Caller, id: u64) -> Result<&Live, Error> {
        let live =
            self.transactions.live.get(&id).ok_or(Error::Expired("the transaction is over"))?;
        let intent = &live.transaction.intent;
        let settles = self.rights_of(&intent.device).resolve.permits(caller);
        let watches = self.may_watch(caller, intent);
        if caller.uid == intent.user || caller.uid == 0 || settles || watches {
            Ok(live)
        } else {
            Err(Error::AccessDenied("terminal"))
        }
    }

    fn abort(&mut self, caller: &Caller, id: u64) -> Result<(), Error> {
        self.of_caller(caller, id)?;
        let live = self.transactions.live.get_mut(&id).ok_or(Error::DeviceGone)?;
        if live.transaction.state.is_final() {
            return Err(Error::Expired("the transaction is over"));
        }
        if live.transaction.question.is_some() {
            let message =
                "the terminal is done with it; the cashier's answer is waited for".to_owned();
            return Err(Error::NotReady(message));
        }
        let (is_told, name) =
            (live.transaction.state != State::Preparing, live.transaction.intent.device.clone());
        let device = self.device_named(&name).and_then(|key| self.devices.get(&key));
        if is_told && device.is_some_and(|device| !device.can(ABILITY)) {
            return Err(Error::Unsupported("the till cannot stop this terminal; stop it there"));
        }
        let live = self.transactions.live.get_mut(&id).ok_or(Error::DeviceGone)?;
        live.is_aborted = true;
        if live.transaction.state == State::Preparing && !live.is_unannounced && live.awaits_code()
        {
            self.close(id, State::Aborted, "stopped before the terminal was asked");
            return Ok(());
        }
        let device = live.transaction.intent.device.clone();
        let key = self.device_named(&device);
        if let Some(device) = key.and_then(|key| self.devices.get(&key)) {
            // With no session the line is gone; what became of it is asked when it is back.
            device.order(Order::Instruct(Instruction::Abort));
        }
        Ok(())
    }

    fn resolve(&mut self, caller: &Caller, id: u64, state: State, note: String, reply: Reply<()>) {
        if let Err(error) = self.may_resolve(caller, id, &note) {
            let _ = reply.send(Err(error));
            return;
        }
        let resolution = Resolution { user: caller.uid, note, time: clock::realtime_micros() };
        let client = caller.client.to_string();
        let wakes = self.wakes.clone();
        let Some(ledger) = &self.transactions.money.ledger else { return };
        info!(transaction = id, user = caller.uid, outcome = state.word(), "settled by hand");
        ledger.run(move |book| match book.resolve(id, state, &resolution, &client) {
            Ok(settled) if settled.is_empty() => {
                let _ = reply.send(Err(Error::Expired("it has been settled already")));
            }
            Ok(settled) => send(&wakes, LedgerNews::Resolved(settled, resolution, reply)),
            Err(error) => {
                error!(%error, transaction = id, "not written down");
                let _ = reply.send(Err(Error::NotReady("the ledger cannot be written".into())));
            }
        });
    }

    /// The rights of a terminal, also where configuration does not name it any more: what it has left behind
    /// is to be settled all the same.
    pub(super) fn rights_of(&self, device: &str) -> &TerminalRights {
        let device = self.device_named(device).and_then(|key| self.devices.get(&key));
        device.map_or(&self.transactions.rights, |device| &device.terminal_rights)
    }

    /// The names of the devices that configuration has.
    pub(super) fn configured(&self) -> Vec<String> {
        let configs = self.devices.values().filter_map(|device| device.config.as_ref());
        configs.map(|config| config.name.clone()).collect()
    }

    fn may_resolve(&self, caller: &Caller, id: u64, note: &str) -> Result<(), Error> {
        let live =
            self.transactions.live.get(&id).ok_or(Error::Expired("the transaction is over"))?;
        if !self.rights_of(&live.transaction.intent.device).resolve.permits(caller) {
            return Err(Error::AccessDenied("resolve"));
        }
        if live.transaction.state != State::Unknown {
            return Err(Error::InvalidArgument(format!(
                "only an unknown outcome can be settled; this one is {}",
                live.transaction.state.word()
            )));
        }
        if note.trim().is_empty() || note.len() > 1000 {
            return Err(Error::InvalidArgument(
                "`note` says how it was found out; accepted are 1 to 1000 bytes".to_owned(),
            ));
        }
        Ok(())
    }

    /// A client looks for a transaction of its user by key, or for one that was heard.
    pub(in crate::daemon) fn find_transaction(
        &self,
        caller: Caller,
        key: String,
        reply: Reply<u64>,
    ) {
        let Some(ledger) = &self.transactions.money.ledger else {
            let _ = reply
                .send(Err(Error::InvalidArgument(format!("no transaction has the key {key:?}"))));
            return;
        };
        let wakes = self.wakes.clone();
        ledger.run(move |book| {
            let user = (caller.uid != 0).then_some(caller.uid);
            let found = book.find(&key, user);
            let found = found.unwrap_or_else(|error| {
                error!(%error, "the ledger cannot be read");
                Vec::new()
            });
            send(&wakes, LedgerNews::Found(caller, found, reply));
        });
    }
}
