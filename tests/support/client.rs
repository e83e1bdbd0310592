//! A client of the daemon: calls that fail by name, and signals in the order they came.
//!
//! A client reads everything that reaches it into a queue of its own, so that one whose test looks
//! elsewhere never holds the bus up. That something did *not* come is shown by what came after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::collections::{HashMap, VecDeque};
use std::fmt;

use tokio::sync::{Mutex, mpsc};
use zbus::connection::Builder;
use zbus::export::futures_core::Stream as _;
use zbus::export::serde::{Deserialize, Serialize};
use zbus::fdo::DBusProxy;
use zbus::message::Type as Kind;
use zbus::names::BusName;
use zbus::wire::Type;
use zbus::{Connection, DBusError as _, MatchRule, Message, MessageStream, OwnedVariant, Variant};

use super::host::{Bus, soon};

/// The daemon's name.
pub const NAME: &str = "org.tillbus1";
/// The object with the manager.
pub const ROOT: &str = "/org/tillbus1";
/// The interface of the manager.
pub const MANAGER: &str = "org.tillbus1.Manager";
/// The interface of every device.
pub const DEVICE: &str = "org.tillbus1.Device";
/// The interface of scanners.
pub const SCANNER: &str = "org.tillbus1.Scanner";
/// The interface of objects with properties.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What ObjectManager tells: for each object its interfaces, for each of these its properties.
pub type Objects = HashMap<String, HashMap<String, Dict>>;

/// Values by name.
#[derive(Deserialize, Default)]
#[serde(crate = "zbus::export::serde", transparent)]
pub struct Dict(HashMap<String, OwnedVariant>);

impl Type for Dict {
    const SIGNATURE: &'static zbus::Signature = <HashMap<String, OwnedVariant>>::SIGNATURE;
}

impl Dict {
    /// The names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whether there is a value of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> &Variant<'static> {
        self.0.get(name).unwrap_or_else(|| panic!("no `{name}` in {self:?}"))
    }

    /// The value as text.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Variant::Str(text) => text.as_str(),
            other => panic!("`{name}` is no text: {other:?}"),
        }
    }

    /// The value as a `t`.
    pub fn number(&self, name: &str) -> u64 {
        match self.get(name) {
            Variant::U64(number) => *number,
            other => panic!("`{name}` is no 64-bit count: {other:?}"),
        }
    }

    /// The value as on or off.
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Variant::Bool(flag) => *flag,
            other => panic!("`{name}` is no flag: {other:?}"),
        }
    }

    /// An object.
    pub fn path(&self, name: &str) -> String {
        match self.get(name) {
            Variant::ObjectPath(path) => path.to_string(),
            other => panic!("`{name}` is no object: {other:?}"),
        }
    }

    /// The value as a `u`.
    pub fn small(&self, name: &str) -> u32 {
        match self.get(name) {
            Variant::U32(number) => *number,
            other => panic!("`{name}` is no 32-bit count: {other:?}"),
        }
    }

    /// The value as bytes.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let bytes = Vec::<u8>::try_from(self.get(name).try_clone().unwrap());
        bytes.unwrap_or_else(|error| panic!("`{name}` is no bytes: {error}"))
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values: Vec<_> = self.0.iter().collect();
        values.sort_by_key(|(name, _)| name.as_str());
        formatter.debug_map().entries(values).finish()
    }
}

/// A signal of the daemon's.
#[derive(Clone, Debug)]
pub struct Signal(Message);

impl Signal {
    /// The object it came from.
    pub fn path(&self) -> String {
        self.0.header().path().unwrap().to_string()
    }

    /// Its interface.
    pub fn interface(&self) -> String {
        self.0.header().interface().unwrap().to_string()
    }

    /// Its name.
    pub fn member(&self) -> String {
        self.0.header().member().unwrap().to_string()
    }

    /// Whether it was sent to one client alone.
    pub fn is_unicast(&self) -> bool {
        self.0.header().destination().is_some()
    }

    /// All its bytes, as far as they are text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.data().bytes()).into_owned()
    }

    /// It as a `Scanned`.
    pub fn scan(&self) -> Scan {
        let (sequence, symbology, content, text, details) = self.body();
        let (path, unicast) = (self.path(), self.is_unicast());
        Scan { path, unicast, sequence, symbology, content, text, details }
    }

    /// Its arguments.
    pub fn body<T>(&self) -> T
    where
        T: for<'a> Deserialize<'a> + Type,
    {
        self.0.body().deserialize().unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

/// A `Scanned`.
#[derive(Debug)]
pub struct Scan {
    /// The object it came from.
    pub path: String,
    /// Whether it was sent to one client alone.
    pub unicast: bool,
    /// Its sequence.
    pub sequence: u64,
    /// Its symbology.
    pub symbology: String,
    /// What it means.
    pub content: String,
    /// Its text.
    pub text: String,
    /// Everything else.
    pub details: Dict,
}

/// A `Fault`.
#[derive(Debug)]
pub struct Fault {
    /// The object it came from.
    pub path: String,
    /// Its kind.
    pub kind: String,
    /// In words.
    pub message: String,
    /// Numbers.
    pub details: Dict,
}

/// A page of `Replay`.
#[derive(Debug)]
pub struct Page {
    /// The epoch of the sequences.
    pub epoch: String,
    /// The newest sequence.
    pub newest: u64,
    /// Whether there is more.
    pub more: bool,
    /// The events.
    pub events: Vec<Dict>,
}

/// A call that failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    /// The name of the error, without our prefix where it has it.
    pub name: String,
    /// In words.
    pub message: String,
}

/// A connection to the bus.
pub struct Client {
    connection: Connection,
    signals: Mutex<Signals>,
}

struct Signals {
    arriving: mpsc::UnboundedReceiver<Signal>,
    passed_over: VecDeque<Signal>,
}

impl Client {
    /// Connects and subscribes to everything the daemon says.
    pub async fn connect(bus: &Bus) -> Self {
        let client = Self::silent(bus).await;
        client.subscribe(MatchRule::builder().msg_type(Kind::Signal).sender(NAME)).await;
        client
    }

    /// Connects and subscribes to every signal there is.
    pub async fn connect_to(address: &str) -> Self {
        let client = Self::at(address).await;
        client.subscribe(MatchRule::builder().msg_type(Kind::Signal)).await;
        client
    }

    /// Connects and subscribes to nothing: only what is sent to it alone reaches it.
    pub async fn silent(bus: &Bus) -> Self {
        let client = Self::at(bus.address()).await;
        // As every other library does unasked, zbus answers pings once it serves objects.
        client.connection.object_server();
        client
    }

    /// Connects, subscribes to nothing and answers no pings.
    pub async fn deaf_to_pings(bus: &Bus) -> Self {
        Self::at(bus.address()).await
    }

    async fn subscribe(&self, rule: zbus::match_rule::Builder<'_>) {
        let rule = rule.build().unwrap();
        let bus = DBusProxy::new(&self.connection).await.unwrap();
        soon("AddMatch", bus.add_match_rule(rule)).await.unwrap();
    }

    async fn at(address: &str) -> Self {
        let address: zbus::Address = address.try_into().unwrap();
        let connection = Builder::address(address).build();
        let connection = soon("the bus takes a client", connection).await.unwrap();
        let mut stream = MessageStream::from(&connection);
        let (sender, arriving) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let next = std::future::poll_fn(|context| {
                    std::pin::Pin::new(&mut stream).poll_next(context)
                });
                let Some(Ok(message)) = next.await else { return };
                let from_bus = message.header().sender().is_some_and(|s| s.as_str() == NAME_OF_BUS);
                let signal = message.message_type() == Kind::Signal && !from_bus;
                if signal && sender.send(Signal(message)).is_err() {
                    return;
                }
            }
        });
        let passed_over = VecDeque::new();
        Self { connection, signals: Mutex::new(Signals { arriving, passed_over }) }
    }

    /// Its unique name.
    pub fn name(&self) -> String {
        self.connection.unique_name().unwrap().to_string()
    }

    /// The connection itself.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Leaves the bus.
    pub async fn leave(self) {
        soon("the connection closes", self.connection.close()).await.unwrap();
    }

    /// Calls a method, any object's.
    pub async fn call_raw<B>(
        &self,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Result<Message, Failed>
    where
        B: Serialize + zbus::wire::DynamicType,
    {
        let call = self.connection.call_method(Some(NAME), path, Some(interface), member, body);
        match soon(&format!("{member} answers"), call).await {
            Ok(reply) => Ok(reply),
            Err(zbus::Error::MethodError(name, message, _)) => {
                let name = name.as_str();
                let name = name.strip_prefix("org.tillbus1.Error.").unwrap_or(name).to_owned();
                Err(Failed { name, message: message.unwrap_or_default() })
            }
            Err(zbus::Error::FDO(error)) => {
                let message = error.description().unwrap_or_default().to_owned();
                Err(Failed { name: error.name().to_string(), message })
            }
            Err(error) => panic!("{member}: {error}"),
        }
    }

    /// Calls a method and reads what it answers.
    pub async fn call<B, T>(
        &self,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Result<T, Failed>
    where
        B: Serialize + zbus::wire::DynamicType,
        T: for<'a> Deserialize<'a> + Type,
    {
        let reply = self.call_raw(path, interface, member, body).await?;
        Ok(reply.body().deserialize().unwrap_or_else(|error| panic!("{member}: {error}")))
    }

    /// Calls a method of a device that answers nothing.
    pub async fn device<B>(&self, path: &str, member: &str, body: &B) -> Result<(), Failed>
    where
        B: Serialize + zbus::wire::DynamicType,
    {
        self.call_raw(path, DEVICE, member, body).await.map(drop)
    }

    /// Claims a device.
    pub async fn claim(&self, path: &str, options: &[(&str, u32)]) -> Result<(), Failed> {
        let options: HashMap<&str, Variant<'_>> =
            options.iter().map(|(name, number)| (*name, Variant::from(*number))).collect();
        self.device(path, "Claim", &(options,)).await
    }

    /// Acknowledges up to a sequence.
    pub async fn acknowledge(&self, path: &str, sequence: u64) -> Result<(), Failed> {
        self.device(path, "Acknowledge", &(sequence,)).await
    }

    /// A page of what was said before.
    pub async fn replay(&self, epoch: &str, after: u64, limit: u32) -> Result<Page, Failed> {
        let page = self.call(ROOT, MANAGER, "Replay", &(epoch, after, limit)).await;
        page.map(|(epoch, newest, more, events)| Page { epoch, newest, more, events })
    }

    /// All objects.
    pub async fn objects(&self) -> Objects {
        let objects: Result<HashMap<zbus::OwnedObjectPath, HashMap<String, Dict>>, _> =
            self.call(ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).await;
        objects.unwrap().into_iter().map(|(path, of)| (path.to_string(), of)).collect()
    }

    /// All properties of an interface.
    pub async fn properties(&self, path: &str, interface: &str) -> Result<Dict, Failed> {
        self.call(path, PROPERTIES, "GetAll", &(interface,)).await
    }

    /// One property.
    pub async fn property(&self, path: &str, interface: &str, name: &str) -> OwnedVariant {
        self.call(path, PROPERTIES, "Get", &(interface, name)).await.unwrap()
    }

    /// Waits until the daemon has its name.
    pub async fn until_owned(&self) {
        let bus = DBusProxy::new(&self.connection).await.unwrap();
        let mut changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await.unwrap();
        let name = BusName::try_from(NAME).unwrap();
        while !bus.name_has_owner(name.clone()).await.unwrap() {
            std::future::poll_fn(|context| std::pin::Pin::new(&mut changes).poll_next(context))
                .await;
        }
    }

    /// Waits until a device is in this state. For a client that has subscribed.
    pub async fn until_state(&self, path: &str, state: &str) {
        // Asked only after the subscription, so no change falls between the two.
        loop {
            match self.properties(path, DEVICE).await {
                Ok(properties) if properties.text("State") == state => return,
                _ => {
                    let wanted = |signal: &Signal| {
                        matches!(signal.member().as_str(), "PropertiesChanged" | "InterfacesAdded")
                    };
                    self.take(&format!("{path} is {state}"), wanted).await;
                }
            }
        }
    }

    /// Waits until the daemon has taken in so many events. There is no signal for it, so it is asked
    /// for as often as the bus answers.
    pub async fn until_sequence(&self, sequence: u64) {
        soon(&format!("event {sequence}"), async {
            while self.properties(ROOT, MANAGER).await.unwrap().number("Sequence") < sequence {}
        })
        .await;
    }

    /// Waits until a count in a device's `Health` is this. There is no signal for it either.
    pub async fn until_health(&self, path: &str, name: &str, count: u64) {
        soon(&format!("{count} {name} at {path}"), async {
            while self.health(path).await[name] != count {}
        })
        .await;
    }

    /// A device's counts.
    pub async fn health(&self, path: &str) -> HashMap<String, u64> {
        let value = self.property(path, DEVICE, "Health").await;
        HashMap::try_from(value).unwrap()
    }

    /// Waits for the scan with this text, and returns what came before it.
    pub async fn until_scanned(&self, text: &str) -> Vec<Signal> {
        let wanted = |signal: &Signal| signal.member() == "Scanned" && signal.scan().text == text;
        let mut signals = self.signals.try_lock().expect("one wait at a time");
        let mut before: Vec<Signal> = signals.passed_over.drain(..).collect();
        if let Some(place) = before.iter().position(&wanted) {
            signals.passed_over.extend(before.drain(place..).skip(1));
            return before;
        }
        soon(&format!("scan {text:?}"), async {
            loop {
                match signals.arriving.recv().await {
                    Some(signal) if wanted(&signal) => return,
                    Some(signal) => before.push(signal),
                    None => panic!("the bus has closed the connection before {text:?} came"),
                }
            }
        })
        .await;
        before
    }

    /// The next signal that `wanted` takes; those before it stay for later calls.
    pub async fn take(&self, what: &str, wanted: impl Fn(&Signal) -> bool) -> Signal {
        let mut signals = self.signals.try_lock().expect("one wait at a time");
        let place = signals.passed_over.iter().position(&wanted);
        if let Some(signal) = place.and_then(|place| signals.passed_over.remove(place)) {
            return signal;
        }
        let Signals { arriving, passed_over } = &mut *signals;
        let arrival = async {
            loop {
                match arriving.recv().await {
                    Some(signal) if wanted(&signal) => return signal,
                    Some(signal) => passed_over.push_back(signal),
                    None => panic!("{what}: the bus has closed the connection"),
                }
            }
        };
        soon(what, arrival).await
    }

    /// The next signal of this name.
    pub async fn signal(&self, member: &str) -> Signal {
        self.take(&format!("signal {member}"), |signal| signal.member() == member).await
    }

    /// The next scan.
    pub async fn scan(&self) -> Scan {
        self.signal("Scanned").await.scan()
    }

    /// The next fault.
    pub async fn fault(&self) -> Fault {
        let signal = self.signal("Fault").await;
        let (kind, message, details) = signal.body();
        Fault { path: signal.path(), kind, message, details }
    }

    /// The signals that have come and were not waited for, in their order.
    pub fn left_over(&self) -> Vec<Signal> {
        let mut signals = self.signals.try_lock().expect("one wait at a time");
        let mut left: Vec<Signal> = signals.passed_over.drain(..).collect();
        while let Ok(signal) = signals.arriving.try_recv() {
            left.push(signal);
        }
        left
    }
}

const NAME_OF_BUS: &str = "org.freedesktop.DBus";
