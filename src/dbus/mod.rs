//! The daemon on D-Bus: the only code of the library that knows zbus.
//!
//! Contract: a converter. Interfaces take `&self`, hold no state of their own and no guard across an
//! `.await`; what they answer comes from the daemon, or from the values it publishes. The shapes
//! on the bus are written out here by hand, so that no inner type can change them by accident.

mod card_reader;
mod client;
mod convert;
mod device;
mod error;
mod manager;
mod runtime;
mod scanner;
mod terminal;
mod transaction;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::mpsc;
use tracing::{error, warn};
use zbus::connection::{self, Connection};
use zbus::fdo::{ObjectManager, RequestNameFlags};
use zbus::names::BusName;
use zbus::{Address, Message};

use self::card_reader::CardReaderInterface;
use self::client::Clients;
use self::device::DeviceInterface;
use self::manager::ManagerInterface;
use self::scanner::ScannerInterface;
use self::terminal::TerminalInterface;
use self::transaction::TransactionInterface;
use crate::daemon::outbox::Notices;
use crate::daemon::terminal::TransactionView;
use crate::daemon::{Key, Notice, Property, View, Wake, name};
use crate::store::Client;

/// The daemon's name on the bus.
pub const NAME: &str = "org.tillbus1";

/// The most messages that go out in one write.
const BATCH: usize = 64;

/// Where the bus is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// The system's.
    System,
    /// The session's.
    Session,
    /// At this D-Bus address.
    Address(String),
}

/// Why the daemon is not on the bus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus cannot be reached.
    #[error("cannot connect to the bus: {0}")]
    Connect(#[source] zbus::Error),
    /// The name cannot be had.
    #[error("cannot own {NAME}: {0}")]
    Name(#[source] zbus::Error),
}

/// The daemon's connection.
pub struct Bus {
    connection: Connection,
    clients: Arc<Clients>,
    wakes: mpsc::Sender<Wake>,
    objects: HashMap<Key, Object>,
    transactions: HashMap<u64, TransactionView>,
}

/// A device's object.
struct Object {
    view: View,
}

impl Bus {
    /// Connects, and serves the manager. The name is not owned yet.
    ///
    /// # Errors
    ///
    /// Where the bus cannot be reached.
    pub async fn connect(
        place: &Where,
        epoch: &str,
        wakes: mpsc::Sender<Wake>,
        newest: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let address = match place {
            Where::System => Address::system(),
            Where::Session => Address::session(),
            Where::Address(address) => address.as_str().try_into(),
        };
        let address = address.map_err(Error::Connect)?;
        let clients = Arc::new(Clients::new(wakes.clone(), newest));
        let manager = ManagerInterface::new(epoch.to_owned(), Arc::clone(&clients));
        let connection = connection::Builder::address(address)
            .runtime(runtime::Quiet)
            // The manager has to be there before anything else is: one that is added later would
            // announce what clients already know.
            .serve_at(name::ROOT, ObjectManager)
            .serve_at(name::ROOT, manager)
            .build()
            .await
            .map_err(Error::Connect)?;
        clients.connected(&connection).await.map_err(Error::Connect)?;
        Ok(Self {
            connection,
            clients,
            wakes,
            objects: HashMap::new(),
            transactions: HashMap::new(),
        })
    }

    /// Owns the name, after putting up the objects that are waiting.
    ///
    /// # Errors
    ///
    /// Where somebody else has the name, or policy keeps it from us.
    pub async fn own_name(&mut self, notices: &mut Notices) -> Result<(), Error> {
        while let Some(notice) = notices.try_next() {
            self.say(notice, &mut Vec::new()).await;
        }
        let flags = RequestNameFlags::DO_NOT_QUEUE;
        let owned = self.connection.request_name_with_flags(NAME, flags).await;
        owned.map(|_| ()).map_err(Error::Name)
    }

    /// Says what the daemon wants said, until it is gone or the bus is.
    pub async fn run(mut self, mut notices: Notices) {
        let mut messages = Vec::new();
        while let Some(notice) = notices.next().await {
            self.say(notice, &mut messages).await;
            while messages.len() < BATCH
                && let Some(notice) = notices.try_next()
            {
                self.say(notice, &mut messages).await;
            }
            self.send(&mut messages).await;
            if self.connection.is_closed() {
                return;
            }
        }
    }

    /// Completes when the bus has closed the connection.
    pub fn closed(&self) -> impl Future<Output = ()> + use<> {
        let connection = self.connection.clone();
        async move { connection.closed().await }
    }

    async fn send(&self, messages: &mut Vec<Message>) {
        let result = match messages.as_slice() {
            [] => return,
            [message] => self.connection.send(message).await,
            messages => self.connection.send_all(messages).await,
        };
        messages.clear();
        if let Err(error) = result {
            error!(%error, "the bus takes no messages");
        }
    }

    /// Turns a notice into messages, or into objects that come and go; what was to be said before
    /// an object changes is sent first.
    async fn say(&mut self, notice: Notice, messages: &mut Vec<Message>) {
        match notice {
            Notice::Added(view) => {
                self.send(messages).await;
                self.add(view).await;
            }
            Notice::Removed(key) => {
                self.send(messages).await;
                self.remove(key).await;
            }
            Notice::Changed(key, properties) => {
                if let Some(object) = self.objects.get(&key) {
                    push(messages, changed(&object.view, &properties));
                }
            }
            Notice::Signal(key, to, signal) => {
                if let Some(object) = self.objects.get(&key) {
                    let path = &object.view.identity.origin.path;
                    push(messages, convert::signal(path, to.as_ref(), &signal));
                }
            }
            Notice::TransactionAdded(view, reply) => {
                self.send(messages).await;
                let id = view.id;
                self.add_transaction(view).await;
                if let Some(reply) = reply {
                    // A caller always waits for its answer.
                    let _ = reply.send(Ok(id));
                }
            }
            Notice::TransactionRemoved(id) => {
                self.send(messages).await;
                self.remove_transaction(id).await;
            }
            Notice::TransactionState(id) => {
                if let Some(view) = self.transactions.get(&id) {
                    push(messages, transaction::changed(view).map(Some));
                }
            }
            Notice::Transaction(id, client, signal) => {
                push(messages, transaction::signal(id, &client, &signal).map(Some));
            }
            Notice::Prove(client) => self.prove(client),
        }
    }

    async fn add(&mut self, view: View) {
        let path = view.identity.origin.path.clone();
        let server = self.connection.object_server();
        let device = DeviceInterface::new(view.clone(), Arc::clone(&self.clients));
        let mut result = server.at(path.as_str(), device).await.map(|_| ());
        if result.is_ok() && view.identity.is_scanner() {
            let scanner = ScannerInterface::new(view.clone(), Arc::clone(&self.clients));
            result = server.at(path.as_str(), scanner).await.map(|_| ());
        }
        if result.is_ok() && view.identity.is_terminal() {
            let terminal = TerminalInterface::new(view.clone(), Arc::clone(&self.clients));
            result = server.at(path.as_str(), terminal).await.map(|_| ());
        }
        if result.is_ok() && view.identity.is_card_reader() {
            result = server.at(path.as_str(), CardReaderInterface).await.map(|_| ());
        }
        if let Err(error) = result {
            error!(%error, device = %view.identity.origin.name, "object cannot be served");
        }
        self.objects.insert(view.key, Object { view });
    }

    async fn remove(&mut self, key: Key) {
        let Some(object) = self.objects.remove(&key) else { return };
        let identity = &object.view.identity;
        let path = identity.origin.path.as_str();
        let server = self.connection.object_server();
        let mut result = Ok(false);
        if identity.is_scanner() {
            result = server.remove::<ScannerInterface, _>(path).await;
        }
        if result.is_ok() && identity.is_terminal() {
            result = server.remove::<TerminalInterface, _>(path).await;
        }
        if result.is_ok() && identity.is_card_reader() {
            result = server.remove::<CardReaderInterface, _>(path).await;
        }
        if result.is_ok() {
            result = server.remove::<DeviceInterface, _>(path).await;
        }
        if let Err(error) = result {
            warn!(%error, device = %identity.origin.name, "object cannot be removed");
        }
    }

    async fn add_transaction(&mut self, view: TransactionView) {
        let path = transaction::path_of(view.id);
        let object = TransactionInterface::new(view.clone(), Arc::clone(&self.clients));
        if let Err(error) = self.connection.object_server().at(path.as_str(), object).await {
            error!(%error, transaction = view.id, "object cannot be served");
        }
        self.transactions.insert(view.id, view);
    }

    async fn remove_transaction(&mut self, id: u64) {
        self.transactions.remove(&id);
        let path = transaction::path_of(id);
        let server = self.connection.object_server();
        if let Err(error) = server.remove::<TransactionInterface, _>(path.as_str()).await {
            warn!(%error, transaction = id, "object cannot be removed");
        }
    }

    /// Any answer to a ping proves that the client has taken all that was sent to it before.
    fn prove(&self, client: Client) {
        let connection = self.connection.clone();
        let wakes = self.wakes.clone();
        tokio::spawn(async move {
            let destination = BusName::try_from(client.as_str().to_owned()).ok();
            let peer = Some("org.freedesktop.DBus.Peer");
            let answer = connection.call_method(destination, "/", peer, "Ping", &()).await;
            if matches!(answer, Ok(_) | Err(zbus::Error::MethodError(..))) {
                // The daemon goes down only with everything else.
                let _ = wakes.send(Wake::Alive(client)).await;
            }
        });
    }
}

fn changed(view: &View, properties: &[Property]) -> zbus::Result<Vec<Message>> {
    let path = &view.identity.origin.path;
    let status = view.status.borrow().clone();
    let identity = &view.identity;
    let interfaces = [
        ("org.tillbus1.Device", true),
        ("org.tillbus1.Scanner", identity.is_scanner()),
        ("org.tillbus1.Terminal", identity.is_terminal()),
    ];
    let of = |interface: &str, property: &Property| match property {
        Property::Enabled => interface == "org.tillbus1.Scanner",
        Property::Condition => interface == "org.tillbus1.Terminal",
        _ => interface == "org.tillbus1.Device",
    };
    let mut messages = Vec::new();
    for (interface, _) in interfaces.into_iter().filter(|(_, is_there)| *is_there) {
        let own = properties.iter().filter(|property| of(interface, property));
        let values: HashMap<_, _> =
            own.map(|property| convert::property(*property, &status)).collect();
        if !values.is_empty() {
            messages.push(properties_changed(path, interface, values)?);
        }
    }
    Ok(messages)
}

fn properties_changed(
    path: &str,
    interface: &str,
    values: HashMap<&'static str, zbus::Variant<'_>>,
) -> zbus::Result<Message> {
    Message::signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged").build(&(
        interface,
        values,
        Vec::<&str>::new(),
    ))
}

fn push<M: IntoIterator<Item = Message>>(messages: &mut Vec<Message>, made: zbus::Result<M>) {
    match made {
        Ok(made) => messages.extend(made),
        // Only a value that D-Bus cannot carry gets here: a path or a text with a NUL byte.
        Err(error) => error!(%error, "message cannot be made"),
    }
}
