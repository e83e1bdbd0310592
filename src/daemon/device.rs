//! One device as the daemon holds it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::claim::Ownership;
use super::outbox::{Property, View};
use super::plan::Spot;
use super::rights::Right;
use super::status::{Access, Identity, State, Status};
use super::terminal::TerminalRights;
use super::{Key, name};
use crate::bridge;
use crate::config::{DeviceConfig, Match};
use crate::event::{Content, Event, Role, Timestamp};
use crate::hotplug;
use crate::recording::Recording;
use crate::secret::Secret;
use crate::session::{Health, Order, Spec};
use crate::store::{Client, Origin};
use crate::transport::passed;

/// How many orders may wait at a session; the next one is refused as busy.
const ORDERS: usize = 16;

/// A device on the bus.
pub(super) struct Device {
    pub(super) key: Key,
    pub(super) identity: Arc<Identity>,
    pub(super) config: Option<Arc<DeviceConfig>>,
    pub(super) rights: Rights,
    pub(super) terminal_rights: TerminalRights,
    pub(super) ownership: Ownership,
    last_scan: Option<Last>,
    pub(super) said: super::deliver::Said,
    pub(super) health: Arc<Health>,
    /// Whether its port, as it is open now, is a pty.
    pub(super) is_on_pty: bool,
    status: watch::Sender<Status>,
    announced: Status,
    spot: Spot,
    orders: Option<mpsc::Sender<Order>>,
}

/// Who may do what with a device.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) scan: Right,
    pub(super) payment_code: Right,
    pub(super) card: Right,
}

/// The right without which an event is not for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The one that claiming needs.
    Scan,
    /// To have customers' payment codes.
    PaymentCode,
    /// To have cards.
    Card,
}

impl Need {
    /// What this event needs. A code that tells something of a card in it (`card`) needs what a card does;
    /// one that tells nothing of it no more than any code.
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::Card(_) => Self::Card,
            Event::Scan(scan) if scan.content == Content::PaymentCode => Self::PaymentCode,
            Event::Scan(scan) if scan.details.iter().any(|(name, _)| *name == "card") => Self::Card,
            Event::Scan(_) => Self::Scan,
        }
    }

    /// The word of the configuration.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::PaymentCode => "payment-code",
            Self::Card => "card",
        }
    }
}

/// What the next scan is compared with.
struct Last {
    /// The code, or for a confidential one what it can be known again by.
    mark: Secret<Vec<u8>>,
    time: Timestamp,
    heard_by: Option<Client>,
}

impl Device {
    pub(super) fn configured(
        key: Key,
        config: Arc<DeviceConfig>,
        rights: Rights,
        replayed: bool,
    ) -> Self {
        let transport = match config.matches {
            _ if replayed => "replay",
            Match::Pty(_) => "pty",
            Match::Path(_) | Match::Tty(_) | Match::Usb { .. } => config.protocol.carrier.word(),
        };
        let identity = Identity {
            origin: Arc::new(Origin {
                name: config.name.clone(),
                path: name::device_path(&config.name),
                lane: config.lane.clone(),
                simulated: config.simulated || replayed,
            }),
            role: config.role,
            vendor: config.vendor.clone(),
            model: config.model.clone(),
            transport,
            profile: config.profile.clone(),
            protocol: Some(config.protocol),
            capabilities: match config.wired {
                // Nothing but what the other side says is ever sent on it.
                Some(_) => Vec::new(),
                None => config.capabilities.clone(),
            },
        };
        let status = Status { enabled: true, ..Status::default() };
        Self::new(key, identity, Some(config), rights, status)
    }

    pub(super) fn unconfigured(key: Key, plug: &hotplug::Device) -> Self {
        let identity = Identity {
            origin: Arc::new(Origin {
                name: plug.id.clone(),
                path: name::device_path(&plug.id),
                lane: String::new(),
                simulated: false,
            }),
            role: Role::default(),
            vendor: plug.vendor.clone(),
            model: plug.model.clone(),
            transport: if plug.hid.is_some() { "hid" } else { "serial" },
            profile: String::new(),
            protocol: None,
            capabilities: Vec::new(),
        };
        let status = Status {
            state: State::Unconfigured,
            access: plug.access.into(),
            node: plug.node.clone(),
            serial_number: plug.serial.clone(),
            ..Status::default()
        };
        Self::new(key, identity, None, Rights::default(), status)
    }

    fn new(
        key: Key,
        identity: Identity,
        config: Option<Arc<DeviceConfig>>,
        rights: Rights,
        status: Status,
    ) -> Self {
        Self {
            key,
            identity: Arc::new(identity),
            config,
            rights,
            terminal_rights: TerminalRights::default(),
            ownership: Ownership::default(),
            last_scan: None,
            said: super::deliver::Said::default(),
            health: Arc::default(),
            is_on_pty: false,
            announced: status.clone(),
            status: watch::Sender::new(status),
            spot: Spot::default(),
            orders: None,
        }
    }

    pub(super) fn view(&self) -> View {
        View {
            key: self.key,
            identity: Arc::clone(&self.identity),
            status: self.status.subscribe(),
            health: Arc::clone(&self.health),
        }
    }

    /// Whether there is no real device, by its configuration or by what its port has turned out to be.
    pub(super) fn is_simulated(&self) -> bool {
        self.identity.origin.simulated || self.is_on_pty
    }

    /// Whether this client has claimed it.
    pub(super) fn is_owned_by(&self, client: &Client) -> bool {
        self.ownership.owner() == Some(client)
    }

    /// Whether it can be asked this, in the words of `Capabilities`.
    pub(super) fn can(&self, ability: &str) -> bool {
        self.identity.capabilities.contains(&ability)
    }

    /// Who may hear what is confidential and began at `first`: the owner of then, if it is the owner
    /// still and has the right.
    pub(super) fn confidant(&self, first: Timestamp, need: Need) -> Option<&Client> {
        let owner = self.ownership.owner_at(first)?;
        let still = self.ownership.owner() == Some(owner);
        (still && self.has_right(need)).then_some(owner)
    }

    /// Whether its owner has the right that this needs.
    pub(super) fn has_right(&self, need: Need) -> bool {
        match need {
            // Without it there is no claim.
            Need::Scan => true,
            Need::PaymentCode => self.ownership.options().is_some_and(|options| options.may_pay),
            Need::Card => self.ownership.options().is_some_and(|options| options.may_read_cards),
        }
    }

    /// Whether the same code came within the window.
    pub(super) fn is_duplicate(&self, mark: &[u8], time: Timestamp, window: Duration) -> bool {
        let last = self.last_scan.as_ref();
        last.is_some_and(|last| last.mark.expose() == mark && time.since(last.time) < window)
    }

    /// Whether the last code was this client's, or there is none to have it now.
    pub(super) fn had_last(&self, client: Option<&Client>) -> bool {
        let heard_by = self.last_scan.as_ref().and_then(|last| last.heard_by.as_ref());
        client.is_none_or(|client| heard_by == Some(client))
    }

    /// The last code again, as part of the event that it came as: whose that was does not change.
    pub(super) fn repeated(&mut self, time: Timestamp) {
        if let Some(last) = &mut self.last_scan {
            last.time = time;
        }
    }

    /// What to compare the next scan with.
    pub(super) fn remember(
        &mut self,
        mark: Secret<Vec<u8>>,
        time: Timestamp,
        heard_by: Option<Client>,
    ) {
        self.last_scan = Some(Last { mark, time, heard_by });
    }

    /// When its claims need attention.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.ownership.deadline()
    }

    pub(super) fn is_configured_as(&self, config: &DeviceConfig) -> bool {
        self.config.as_ref().is_some_and(|own| own.source == config.source)
    }

    pub(super) fn is_plug(&self, plug: &hotplug::Device) -> bool {
        self.config.is_none() && self.identity.origin.name == plug.id
    }

    /// Where an unconfigured device is now.
    pub(super) fn found(&mut self, plug: &hotplug::Device) {
        self.set_state(State::Unconfigured, plug.access.into(), plug.node.clone());
    }

    /// Whether a session for this spot is running.
    pub(super) fn is_at(&self, spot: &Spot) -> bool {
        self.orders.is_some() && self.is_path(&spot.path) && self.spot.interface == spot.interface
    }

    /// Whether a session is running that was told this spot by its path of configuration: a link is there before
    /// udev says whose it is. To open the port once more would lose what is just coming.
    pub(super) fn is_at_link(&mut self, spot: &Spot, serial_number: &str) -> bool {
        let link = self.config.as_ref().and_then(|config| config.matches.path());
        let is_by_link = self.orders.is_some() && link.is_some_and(|link| self.is_path(link));
        if !is_by_link || self.spot.interface != spot.interface {
            return false;
        }
        self.spot.clone_from(spot);
        self.status.send_modify(|status| {
            status.node.clone_from(&spot.path);
            serial_number.clone_into(&mut status.serial_number);
        });
        // Nobody else may have told it that the link is there. It is passed over by one that is open.
        self.order(Order::Retry);
        true
    }

    fn is_path(&self, path: &Path) -> bool {
        self.spot.path.as_os_str() == path.as_os_str()
    }

    /// What a session for this spot needs.
    pub(super) fn start(
        &mut self,
        spot: Spot,
        serial_number: String,
        replay: Option<Recording>,
        end: Option<bridge::End>,
        kept: Option<OwnedFd>,
    ) -> Option<(Spec, mpsc::Receiver<Order>)> {
        let config = Arc::clone(self.config.as_ref()?);
        let (orders, inbox) = mpsc::channel(ORDERS);
        self.orders = Some(orders);
        self.spot.clone_from(&spot);
        let Spot { path, interface } = spot;
        self.status.send_modify(|status| {
            status.state = State::Opening;
            status.node.clone_from(&path);
            status.serial_number = serial_number;
        });
        let health = Arc::clone(&self.health);
        let keep_as = end.as_ref().map(|_| self.kept_as());
        let key = self.key;
        Some((Spec { key, config, path, interface, end, kept, keep_as, replay, health }, inbox))
    }

    /// The name under which its port is kept over a restart.
    pub(super) fn kept_as(&self) -> String {
        let path = &self.identity.origin.path;
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Lets the session end, and its port be closed by whoever keeps it.
    pub(super) fn close(&mut self) {
        if self.orders.is_some() && self.config.as_ref().is_some_and(|c| c.wired.is_some()) {
            passed::forget(&self.kept_as());
        }
        self.stop();
    }

    /// Lets the session end.
    pub(super) fn stop(&mut self) {
        self.orders = None;
        self.spot = Spot::default();
    }

    /// Gives the session an order; `false` where it has none or too many.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_ok())
    }

    /// Whether there is a session.
    pub(super) fn has_session(&self) -> bool {
        self.orders.is_some()
    }

    /// Whether somebody else, or its rights, keep us from opening it.
    pub(super) fn is_kept_out(&self) -> bool {
        matches!(self.status.borrow().access, Access::Busy | Access::PermissionDenied)
    }

    /// A session that waits for this path tries again.
    pub(super) fn retry_at(&self, path: &Path) {
        let link = self.config.as_ref().and_then(|config| config.matches.path());
        // What is open says itself when it is gone.
        if self.state() != State::Ready && (self.is_path(path) || link == Some(path)) {
            // A full queue means that the session is awake anyway.
            self.order(Order::Retry);
        }
    }

    pub(super) fn state(&self) -> State {
        self.status.borrow().state
    }

    pub(super) fn set_state(&mut self, state: State, access: Access, node: PathBuf) {
        self.status.send_modify(|status| {
            status.state = state;
            status.access = access;
            status.node = node;
            if state == State::Absent {
                status.serial_number.clear();
            }
        });
    }

    pub(super) fn node(&self) -> PathBuf {
        self.spot.path.clone()
    }

    pub(super) fn set_enabled(&mut self, enabled: bool) {
        self.status.send_modify(|status| status.enabled = enabled);
    }

    pub(super) fn condition(&self) -> Vec<&'static str> {
        self.status.borrow().condition.clone()
    }

    pub(super) fn set_condition(&mut self, condition: Vec<&'static str>) {
        self.status.send_modify(|status| status.condition = condition);
    }

    pub(super) fn set_last_fault(&mut self, message: &str) {
        self.status.send_modify(|status| message.clone_into(&mut status.last_fault));
    }

    /// The properties whose value has changed since the last call.
    pub(super) fn take_changed(&mut self) -> Vec<Property> {
        let owner = self.ownership.owner().cloned();
        self.status.send_if_modified(|status| {
            let changed = status.owner != owner;
            status.owner = owner;
            changed
        });
        let status = self.status.borrow().clone();
        let before = &self.announced;
        let changed = [
            (Property::State, status.state != before.state),
            (Property::Access, status.access != before.access),
            (Property::Node, status.node != before.node),
            (Property::SerialNumber, status.serial_number != before.serial_number),
            (Property::Owner, status.owner != before.owner),
            (Property::Enabled, status.enabled != before.enabled),
            (Property::Condition, status.condition != before.condition),
        ];
        let changed =
            changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
        self.announced = status;
        changed
    }
}
