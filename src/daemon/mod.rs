//! The daemon: which devices there are, who owns them, and who hears what they say.
//!
//! Contract: one task, woken by the closed set of [`Wake`]s, never waiting for the bus: what is to be
//! said on it goes through the [`Outbox`]. This module does not know D-Bus; `dbus` converts.

pub mod call;
pub mod claim;
mod confidential;
mod deliver;
mod device;
pub mod name;
pub mod outbox;
mod plan;
pub mod rights;
mod route;
mod serve;
pub mod status;
pub mod terminal;
mod wiring;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use self::call::{Call, Error, Reply};
use self::confidential::Confidential;
use self::device::{Device, Rights};
pub use self::outbox::{Notice, Outbox, Property, Signal, View};
use self::plan::{Place, Plugged, Spot};
use self::rights::Right;
pub use self::route::Held;
use self::status::{Access, State};
use self::terminal::{LedgerNews, Money, TerminalRights, Transactions};
use crate::clock;
use crate::config::{Config, DeviceConfig};
use crate::event::{Request, Timestamp};
use crate::hotplug::{self, Monitor, PathChange, PathWatch};
use crate::protocol::RequestId;
use crate::recording::Recording;
use crate::secret::vault;
pub use crate::session::Key;
use crate::session::{self, Report, Reports};
use crate::settings;
use crate::store::seen::Seen;
use crate::store::{Client, Ring};
use crate::transport::passed;

/// Everything that can wake the daemon, but for a claim's deadline.
#[derive(Debug)]
pub enum Wake {
    /// A device came or went.
    Plug(hotplug::Change),
    /// A path that configuration names changed.
    Path(std::io::Result<PathChange>),
    /// A session has something to say.
    Session(Key, Report),
    /// A session has ended; without a key it panicked.
    Ended(tokio::task::Id, Option<Key>),
    /// A client asks something.
    Call(Call),
    /// A client has left the bus.
    Gone(Client),
    /// A client that was asked for a sign of life gave one.
    Alive(Client),
    /// The ledger has something to tell.
    Ledger(Box<LedgerNews>),
    /// Who holds a code is on the disk, or could not be put there.
    Held(Held, bool),
    /// Read the configuration again (SIGHUP).
    Reload,
    /// Close everything; the answer comes when all ports are closed.
    Stop(oneshot::Sender<()>),
}

/// Reads the configuration, at start and at each reload.
pub type Loader = Box<dyn Fn() -> Result<Config, Vec<settings::Error>> + Send>;

/// Recordings to play in the place of ports, by device name.
pub type Replays = HashMap<String, Recording>;

/// How many wakes may wait before those who send them do. Sessions then stop reading their ports,
/// whose kernel buffers hold on.
const WAKES: usize = 1024;

/// The daemon.
pub struct Daemon {
    load: Loader,
    scan_right: Right,
    admin_right: Right,
    ring: Ring,
    /// Boxed: a half-full node of the tree would else hold room for ten of them.
    devices: BTreeMap<Key, Box<Device>>,
    /// Those with an owner or a queue: few, whatever the number of devices.
    claimed: BTreeSet<Key>,
    plugged: Plugged,
    udev: Option<OwnedFd>,
    monitor: Option<Monitor>,
    paths: Option<PathWatch>,
    sessions: JoinSet<Key>,
    tasks: HashMap<tokio::task::Id, Key>,
    wakes: mpsc::Sender<Wake>,
    inbox: mpsc::Receiver<Wake>,
    report_to: Reports,
    reports: mpsc::Receiver<(Key, Report)>,
    outbox: Outbox,
    replays: Replays,
    callers: Callers,
    confidential: Confidential,
    transactions: Transactions,
    /// Ports that the daemon before this one has left open, by the names that they were kept under.
    kept: HashMap<String, OwnedFd>,
    routes: route::Routes,
    seen: Seen,
    wall: deliver::Wall,
    last_key: u64,
}

/// Those who wait for an answer.
#[derive(Default)]
struct Callers {
    last: u64,
    claims: HashMap<u64, Reply<()>>,
    requests: HashMap<RequestId, Asked>,
}

/// A request that a device has not answered yet.
struct Asked {
    device: Key,
    request: Request,
    reply: Reply<()>,
}

impl Daemon {
    /// A daemon with this configuration, its devices' objects announced in the outbox and no port
    /// open yet. `epoch` is to be one that no daemon before had; `udev` the socket with udev's
    /// events, where the service manager has passed one.
    #[must_use]
    pub fn new(
        config: Config,
        load: Loader,
        epoch: String,
        udev: Option<OwnedFd>,
        replays: Replays,
        seen: Seen,
        outbox: Outbox,
    ) -> Self {
        let (wakes, inbox) = mpsc::channel(WAKES);
        let (report_to, reports) = mpsc::channel(WAKES);
        let mut daemon = Self {
            load,
            scan_right: Right::default(),
            admin_right: Right::default(),
            ring: Ring::new(epoch),
            devices: BTreeMap::new(),
            claimed: BTreeSet::new(),
            plugged: Plugged::new(),
            udev,
            monitor: None,
            paths: None,
            sessions: JoinSet::new(),
            tasks: HashMap::new(),
            wakes,
            inbox,
            report_to,
            reports,
            outbox,
            replays,
            callers: Callers::default(),
            confidential: Confidential::default(),
            transactions: Transactions::default(),
            kept: HashMap::new(),
            routes: route::Routes::default(),
            seen,
            wall: deliver::Wall::default(),
            last_key: 0,
        };
        daemon.adopt(config);
        daemon
    }

    /// With what terminals need of the world; without it they take nothing.
    #[must_use]
    pub fn with_money(mut self, money: Money) -> Self {
        self.transactions.have(money);
        self
    }

    /// With the ports that the daemon before this one has left open.
    #[must_use]
    pub fn with_ports(mut self, kept: HashMap<String, OwnedFd>) -> Self {
        self.kept = kept;
        self
    }

    /// The sequence of the newest event, as it rises.
    #[must_use]
    pub fn newest(&self) -> Arc<AtomicU64> {
        self.ring.published()
    }

    /// Where to send what should wake the daemon.
    #[must_use]
    pub fn wakes(&self) -> mpsc::Sender<Wake> {
        self.wakes.clone()
    }

    /// Watches for devices and serves until a [`Wake::Stop`].
    pub async fn run(mut self) {
        // What the system will not lock it refuses from the first page on, mostly.
        drop(vault::Slot::of(1));
        tell_refusal();
        self.watch_devices();
        self.take_up(clock::boottime());
        self.refresh();
        for (name, _) in self.kept.drain() {
            // No device is where it was, or none is configured so.
            passed::forget(&name);
        }
        let mut ending: Option<(Timestamp, oneshot::Sender<()>)> = None;
        loop {
            let claimed = self.claimed.iter().filter_map(|key| self.devices.get(key));
            let claims = claimed.filter_map(|device| device.deadline());
            let deadline = claims.chain(self.confidential.deadline());
            let deadline = deadline.chain(self.transactions.deadline());
            let deadline = deadline.chain(ending.as_ref().map(|(until, _)| *until)).min();
            let wake = self.next_wake(deadline).await;
            let now = clock::boottime();
            match wake {
                Some(Wake::Stop(done)) => ending = Some((self.let_terminals_end(now), done)),
                Some(wake) => self.handle(now, wake),
                None => {}
            }
            tell_refusal();
            // Asked after every wake: where one follows another, the alarm is never heard.
            if deadline.is_some_and(|deadline| deadline <= now) {
                self.expire(now);
                self.expire_confidential(now);
                self.expire_transactions(now);
            }
            let is_time = |until: Timestamp| until <= now || !self.transactions.are_at_work();
            if let Some((_, done)) = ending.take_if(|(until, _)| is_time(*until)) {
                self.stop().await;
                let _ = done.send(());
                return;
            }
        }
    }

    fn watch_devices(&mut self) {
        let monitor = match self.udev.take() {
            Some(socket) => Monitor::from_fd(socket),
            None => Monitor::open(),
        };
        if let Err(error) = monitor.events() {
            warn!(%error, "no events from udev: devices are not noticed when they come");
        }
        self.monitor = Some(monitor);
        match PathWatch::new() {
            Ok(paths) => self.paths = Some(paths),
            Err(error) => warn!(%error, "paths cannot be watched: absent ones are tried at times"),
        }
    }

    /// The next wake, or `None` when the deadline comes first.
    async fn next_wake(&mut self, deadline: Option<Timestamp>) -> Option<Wake> {
        let Self { inbox, reports, monitor, paths, sessions, .. } = self;
        let plug = async {
            match monitor {
                Some(monitor) => monitor.next().await,
                None => std::future::pending().await,
            }
        };
        let path = async {
            match paths {
                Some(paths) => paths.next().await,
                None => std::future::pending().await,
            }
        };
        let alarm = async {
            match deadline {
                Some(deadline) => sleep(deadline.since(clock::boottime())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((key, report)) = reports.recv() => Some(Wake::Session(key, report)),
            Some(wake) = inbox.recv() => Some(wake),
            change = plug => Some(Wake::Plug(change)),
            change = path => Some(Wake::Path(change)),
            Some(ended) = sessions.join_next_with_id() => Some(match ended {
                Ok((task, key)) => Wake::Ended(task, Some(key)),
                Err(error) => Wake::Ended(error.id(), None),
            }),
            () = alarm => None,
        }
    }

    fn handle(&mut self, now: Timestamp, wake: Wake) {
        match wake {
            Wake::Plug(change) => self.plug(change),
            Wake::Path(change) => self.path(change),
            Wake::Session(key, report) => self.report(now, key, report),
            Wake::Ended(task, key) => self.ended(task, key),
            Wake::Call(call) => self.call(now, call),
            Wake::Gone(client) => self.gone(now, &client),
            Wake::Alive(client) => self.alive(now, &client),
            Wake::Ledger(news) => self.ledger_news(now, *news),
            Wake::Held(held, is_there) => self.held(held, is_there),
            Wake::Reload => {
                // The reason is in the log; who sent the signal looks there.
                let _ = self.reload();
            }
            // Handled where it ends the loop.
            Wake::Stop(_) => {}
        }
    }

    fn plug(&mut self, change: hotplug::Change) {
        match change {
            hotplug::Change::Added(plug) => {
                let (id, node) = (&plug.id, plug.node.display());
                if plug.is_listed() {
                    info!(%id, %node, "plugged in");
                } else {
                    debug!(%id, %node, "plugged in");
                }
                self.plugged.insert(plug.key.clone(), plug);
            }
            hotplug::Change::Removed(key) => {
                if let Some(plug) = self.plugged.remove(&key).filter(hotplug::Device::is_listed) {
                    info!(id = %plug.id, node = %plug.node.display(), "unplugged");
                }
            }
        }
        self.refresh();
    }

    /// What is at a path changed: a session that waits for it tries again.
    fn path(&mut self, change: std::io::Result<PathChange>) {
        match change {
            Ok(PathChange::Appeared(path)) => {
                for device in self.devices.values() {
                    device.retry_at(&path);
                }
            }
            // Our own failed tries release the port as well: whoever would follow each of them with
            // another try would never rest.
            Ok(PathChange::Released(path)) => {
                for device in self.devices.values().filter(|device| device.is_kept_out()) {
                    device.retry_at(&path);
                }
            }
            // The port itself says that it is gone.
            Ok(PathChange::Gone(_)) => {}
            Err(error) => {
                warn!(%error, "paths are no longer watched: absent ones are tried at times");
                self.paths = None;
            }
        }
    }

    /// Reads the configuration again; a wrong one changes nothing.
    fn reload(&mut self) -> Result<(), Error> {
        match (self.load)() {
            Ok(config) => {
                self.adopt(config);
                self.refresh();
                info!(devices = self.devices.len(), "configuration loaded");
                Ok(())
            }
            Err(errors) => {
                for error in &errors {
                    error!(%error, "configuration not loaded, the one in force stays");
                }
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                Err(Error::ConfigurationInvalid(errors.join("\n")))
            }
        }
    }

    /// Makes the devices those of the configuration. One whose settings are the same as before
    /// goes on undisturbed, claims and open port included.
    fn adopt(&mut self, mut config: Config) {
        self.keep_terminals_at_work(&mut config);
        self.scan_right = Right::resolve(&config.access.scan);
        self.admin_right = Right::resolve(&config.access.admin);
        let config_access = config.access;
        self.routes.adopt(config.routes);
        self.transactions.rights = TerminalRights::of(&config_access);
        let mut rest: Vec<_> = config.devices.into_iter().map(Arc::new).collect();
        let outdated: Vec<Key> = self
            .devices
            .iter()
            .filter(|(_, device)| device.config.is_some())
            .filter(|(_, device)| {
                let same = rest.iter().position(|config| device.is_configured_as(config));
                same.map(|index| rest.remove(index)).is_none()
            })
            .map(|(key, _)| *key)
            .collect();
        self.remember_wired(&outdated);
        for key in outdated {
            self.remove(key);
        }
        for config in rest {
            let key = self.next_key();
            let scan = if config.access.scan == config_access.scan {
                self.scan_right.clone()
            } else {
                Right::resolve(&config.access.scan)
            };
            let payment_code = Right::resolve(&config.access.payment_code);
            let rights = Rights { scan, payment_code, card: Right::resolve(&config.access.card) };
            let terminal_rights = TerminalRights::of(&config.access);
            let replayed = self.replays.contains_key(&config.name);
            let mut device = Device::configured(key, config, rights, replayed);
            device.terminal_rights = terminal_rights;
            self.outbox.send(Notice::Added(device.view()));
            self.devices.insert(key, Box::new(device));
        }
    }

    /// Brings sessions and unconfigured objects in step with what is plugged in.
    fn refresh(&mut self) {
        let keys: Vec<Key> = self
            .devices
            .iter()
            .filter(|(_, device)| device.config.is_some())
            .map(|(key, _)| *key)
            .collect();
        let configs: Vec<_> =
            keys.iter().filter_map(|key| self.devices.get(key)?.config.clone()).collect();
        let places = plan::places(&configs, &self.plugged);
        for ((key, config), place) in keys.iter().zip(&configs).zip(places) {
            if self.is_play_money(*key, &place) {
                self.refuse_play_money(*key);
                continue;
            }
            let place = if self.replays.contains_key(&config.name) {
                Place::At(Spot { path: PathBuf::from("replay"), interface: None })
            } else {
                place
            };
            self.watch(config);
            self.place(*key, place);
        }
        self.refresh_spare(&configs);
    }

    fn watch(&mut self, config: &DeviceConfig) {
        if let (Some(paths), Some(path)) = (&mut self.paths, config.matches.path()) {
            paths.add(path);
        }
    }

    fn place(&mut self, key: Key, place: Place) {
        let Some(device) = self.devices.get(&key) else { return };
        if matches!(&place, Place::At(spot) if device.is_at(spot)) {
            return;
        }
        let plug = device.config.as_ref().and_then(|c| plan::behind(c, &self.plugged));
        let serial = plug.map(|plug| plug.serial.clone()).unwrap_or_default();
        let device = self.devices.get_mut(&key);
        if let (Place::At(spot), Some(device)) = (&place, device)
            && device.is_at_link(spot, &serial)
        {
            return self.announce(key);
        }
        self.wipe_cards(key, |_| true);
        self.terminal_lost(key);
        let Some(device) = self.devices.get_mut(&key) else { return };
        match place {
            Place::At(spot) => {
                device.close();
                let replay = self.replays.get(&device.identity.origin.name).cloned();
                let end = device.config.as_ref().and_then(|config| self.routes.end(config));
                let kept = self.kept.remove(&device.kept_as());
                if let Some((spec, orders)) = device.start(spot, serial, replay, end, kept) {
                    let task =
                        self.sessions.spawn(session::run(spec, orders, self.report_to.clone()));
                    self.tasks.insert(task.id(), key);
                }
            }
            Place::Absent => {
                device.close();
                device.set_state(State::Absent, Access::NotFound, PathBuf::new());
            }
            Place::Ambiguous(nodes) => {
                device.close();
                device.set_state(State::Unreachable, Access::Ok, PathBuf::new());
                let nodes: Vec<_> = nodes.iter().map(|node| node.display().to_string()).collect();
                let message = format!(
                    "ambiguous-match: {} answer to this match or to another device's; none is \
                     opened",
                    nodes.join(", ")
                );
                self.fault(key, "ambiguous-match", message, BTreeMap::new());
            }
        }
        self.announce(key);
    }

    fn refresh_spare(&mut self, configs: &[Arc<DeviceConfig>]) {
        let spare: Vec<_> = plan::spare(configs, &self.plugged).into_iter().cloned().collect();
        let surplus: Vec<Key> = self
            .devices
            .iter()
            .filter(|(_, device)| device.config.is_none())
            .filter(|(_, device)| !spare.iter().any(|plug| device.is_plug(plug)))
            .map(|(key, _)| *key)
            .collect();
        for key in surplus {
            self.remove(key);
        }
        for plug in spare {
            let listed = self.devices.iter_mut().find(|(_, device)| device.is_plug(&plug));
            if let Some((key, device)) = listed {
                device.found(&plug);
                let key = *key;
                self.announce(key);
                continue;
            }
            let taken = |name: &str| self.devices.values().any(|d| d.identity.origin.name == name);
            if taken(&plug.id) {
                warn!(id = %plug.id, "two devices have one identity; the second is not listed");
                continue;
            }
            let key = self.next_key();
            let device = Device::unconfigured(key, &plug);
            self.outbox.send(Notice::Added(device.view()));
            self.devices.insert(key, Box::new(device));
        }
    }

    fn remove(&mut self, key: Key) {
        self.terminal_lost(key);
        let Some(mut device) = self.devices.remove(&key) else { return };
        device.close();
        let path = device.config.as_ref().and_then(|config| config.matches.path());
        if let (Some(paths), Some(path)) = (&mut self.paths, path) {
            paths.remove(path);
        }
        let mut effects = Vec::new();
        device.ownership.close(&mut effects);
        self.wipe_cards(key, |_| true);
        // First, since nothing can be said of an object that is gone.
        self.settle_claims(key, effects, "device-gone");
        self.outbox.send(Notice::Removed(key));
        self.callers.requests.retain(|_, asked| asked.device != key);
    }

    fn ended(&mut self, task: tokio::task::Id, key: Option<Key>) {
        let known = self.tasks.remove(&task);
        let (None, Some(key)) = (key, known) else { return };
        // Without a key the session panicked: this device stops, the others go on.
        if let Some(device) = self.devices.get_mut(&key) {
            error!(device = %device.identity.origin.name, "session ended by an internal error");
            device.close();
            device.set_state(State::Unreachable, Access::Ok, PathBuf::new());
        }
        self.terminal_lost(key);
        self.route_lost(key);
        self.wipe_cards(key, |_| true);
        let message = "internal error; the device is left alone until it is plugged in again or \
                       configuration is reloaded";
        self.fault(key, "internal-error", message.to_owned(), BTreeMap::new());
        self.announce(key);
    }

    async fn stop(&mut self) {
        let keys: Vec<Key> = self.devices.keys().copied().collect();
        for key in keys {
            self.terminal_lost(key);
        }
        for device in self.devices.values_mut() {
            device.stop();
        }
        // Nobody hears what comes there any more; the ledger's thread must not wait until somebody does.
        self.inbox.close();
        // Of the sessions' last words only what belongs in the ledger is of any use, but a session that
        // waits to say them must not be kept from ending.
        loop {
            let Self { sessions, reports, .. } = self;
            let (key, report) = tokio::select! {
                ended = sessions.join_next() => match ended {
                    Some(_) => continue,
                    None => break,
                },
                Some(report) = reports.recv() => report,
            };
            self.keep_last_word(key, report);
        }
        while let Ok((key, report)) = self.reports.try_recv() {
            self.keep_last_word(key, report);
        }
        self.flush_ledger().await;
    }

    /// Tells the bus which properties of a device have changed.
    fn announce(&mut self, key: Key) {
        if let Some(device) = self.devices.get_mut(&key) {
            let changed = device.take_changed();
            if !changed.is_empty() {
                self.outbox.send(Notice::Changed(key, changed));
            }
        }
    }

    fn next_key(&mut self) -> Key {
        self.last_key += 1;
        Key(self.last_key)
    }
}
/// Says once that secrets are in memory that may be swapped out.
fn tell_refusal() {
    if vault::first_refusal() {
        warn!(
            "the system locks no more memory: codes and cards may be swapped out; see LimitMEMLOCK="
        );
    }
}
