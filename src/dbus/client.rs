//! The clients: who calls, by the bus's own word, and whether they are still there.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, oneshot};
use zbus::connection::Connection;
use zbus::export::futures_core::Stream as _;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::names::BusName;
use zbus::{MatchRule, MessageStream};

use super::error::Error;
use crate::daemon::call::{self, Act, Call, Reply};
use crate::daemon::rights::Caller;
use crate::daemon::terminal::LedgerNews;
use crate::daemon::{Key, Wake};
use crate::store::Client;

/// The most clients whose credentials are remembered.
const REMEMBERED: usize = 256;

/// What is known of the clients, and the way to the daemon.
pub(super) struct Clients {
    wakes: mpsc::Sender<Wake>,
    newest: Arc<AtomicU64>,
    bus: OnceLock<DBusProxy<'static>>,
    known: Mutex<HashMap<Client, Caller>>,
    /// The clients that are watched; one that leaves the bus leaves this set first.
    watched: Arc<Mutex<HashSet<Client>>>,
}

impl Clients {
    pub(super) fn new(wakes: mpsc::Sender<Wake>, newest: Arc<AtomicU64>) -> Self {
        Self {
            wakes,
            newest,
            bus: OnceLock::new(),
            known: Mutex::default(),
            watched: Arc::default(),
        }
    }

    /// The bus is there: from now on its word can be had.
    pub(super) async fn connected(&self, connection: &Connection) -> zbus::Result<()> {
        let bus = DBusProxy::new(connection).await?;
        // Only ever called once, with the one connection there is.
        let _ = self.bus.set(bus);
        Ok(())
    }

    /// Asks the daemon for the sender of a message, and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        header: &Header<'_>,
        call: impl FnOnce(Caller, Reply<T>) -> Call,
    ) -> Result<T, Error> {
        let caller = self.caller(header).await?;
        let (reply, answer) = oneshot::channel();
        // A daemon that is going down drops the call, and with it the reply.
        let _ = self.wakes.send(Wake::Call(call(caller, reply))).await;
        Ok(answer.await.unwrap_or(Err(call::Error::DeviceGone))?)
    }

    /// The same of one device.
    pub(super) async fn ask_device<T>(
        &self,
        header: &Header<'_>,
        device: Key,
        act: impl FnOnce(Reply<T>) -> Act,
    ) -> Result<T, Error> {
        let call = |caller, reply| Call::Device { caller, device, act: act(reply) };
        self.ask(header, call).await
    }

    /// The sequence of the newest event.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// That a sequence has been given out, or the error that says it has not.
    pub(super) fn given_out(&self, sequence: u64) -> Result<(), Error> {
        let newest = self.newest();
        if (1..=newest).contains(&sequence) {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!("there is no event {sequence}; the newest is {newest}")))
    }

    /// Watches the sender of a message until it leaves the bus, so that what it owns can be freed.
    /// Returns the client; [`is_watched`](Self::is_watched) says later whether it is still there.
    pub(super) async fn watch(&self, header: &Header<'_>) -> Result<Client, Error> {
        let client = sender(header)?;
        if !lock(&self.watched).insert(client.clone()) {
            return Ok(client);
        }
        let result = self.begin_watch(&client).await;
        if result.is_err() {
            lock(&self.watched).remove(&client);
        }
        result.map(|()| client)
    }

    /// Whether the client is still on the bus, as far as a watch has told.
    pub(super) fn is_watched(&self, client: &Client) -> bool {
        lock(&self.watched).contains(client)
    }

    /// Tells the daemon that a transaction's beginner knows its object.
    pub(super) async fn announced(&self, id: u64) {
        let news = Box::new(LedgerNews::Announced(id));
        let _ = self.wakes.send(Wake::Ledger(news)).await;
    }

    /// Tells the daemon that a client is gone.
    pub(super) async fn gone(&self, client: Client) {
        let _ = self.wakes.send(Wake::Gone(client)).await;
    }

    /// First the match, then the question whether the name is still there: in this order no
    /// departure falls between them.
    async fn begin_watch(&self, client: &Client) -> Result<(), Error> {
        let bus = self.bus()?;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender("org.freedesktop.DBus")
            .interface("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(0, client.as_str())
            .build()?;
        let connection = bus.inner().connection();
        let mut stream = MessageStream::for_match_rule(rule, connection, None).await?;
        let name = BusName::try_from(client.as_str())?;
        if !bus.name_has_owner(name).await.map_err(zbus::Error::from)? {
            return Err(zbus::Error::Failure("the caller has left the bus".into()).into());
        }
        let (client, wakes, watched) =
            (client.clone(), self.wakes.clone(), Arc::clone(&self.watched));
        tokio::spawn(async move {
            // A unique name changes its owner once: when it goes. The stream ends with the bus.
            let _ = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
            lock(&watched).remove(&client);
            let _ = wakes.send(Wake::Gone(client)).await;
        });
        Ok(())
    }

    async fn caller(&self, header: &Header<'_>) -> Result<Caller, Error> {
        let client = sender(header)?;
        if let Some(caller) = lock(&self.known).get(&client) {
            return Ok(caller.clone());
        }
        let name = BusName::try_from(client.as_str())?;
        let credentials = self.bus()?.get_connection_credentials(name).await;
        let credentials = credentials.map_err(zbus::Error::from)?;
        let uid = credentials.unix_user_id().ok_or_else(|| {
            Error::AccessDenied("the bus does not say which user you are".to_owned())
        })?;
        let groups = match credentials.unix_group_ids() {
            Some(groups) => groups.clone(),
            None => groups_of(uid),
        };
        let caller = Caller { client: client.clone(), uid, groups };
        let mut known = lock(&self.known);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(client, caller.clone());
        Ok(caller)
    }

    fn bus(&self) -> Result<&DBusProxy<'static>, Error> {
        let bus = self.bus.get();
        bus.ok_or_else(|| Error::NotReady("the daemon is still starting".to_owned()))
    }
}

pub(super) fn sender(header: &Header<'_>) -> Result<Client, Error> {
    let sender = header.sender();
    sender
        .map(|name| Client::new(name.as_str()))
        .ok_or_else(|| Error::AccessDenied("the message names no sender".to_owned()))
}

/// The groups of a user, for a bus too old to say.
fn groups_of(uid: u32) -> Vec<u32> {
    use nix::unistd::{Uid, User, getgrouplist};
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let groups = user.and_then(|user| {
        let name = std::ffi::CString::new(user.name).ok()?;
        getgrouplist(&name, user.gid).ok()
    });
    groups.unwrap_or_default().into_iter().map(nix::unistd::Gid::as_raw).collect()
}

/// A panic elsewhere does not make a set of names wrong.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
