//! Ports that come and go, as udev tells; nothing here opens one or writes to one.
//!
//! [`Monitor`] lists the ports that there are and then tells of each change. [`PathWatch`] does
//! the same for paths that udev knows nothing of. Both sleep until the kernel wakes them.
//!
//! udev's messages are read from its socket by ourselves: libudev cannot take over a socket that
//! was passed in, and hides that messages were lost. Crate `udev` enumerates.

mod device;
pub mod message;
mod paths;
mod socket;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use device::{Access, Device, Usb};
use message::Message;
pub use paths::{PathChange, PathWatch};
use socket::{Arrival, Socket};

/// Something came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A port is there, or is there otherwise than before: other links, another access.
    Added(Device),
    /// The port with this node is gone.
    Removed(PathBuf),
}

/// Tells of ports: first those that there are, then each that comes or goes.
#[derive(Debug)]
pub struct Monitor {
    events: io::Result<Socket>,
    known: BTreeMap<PathBuf, Device>,
    news: VecDeque<Change>,
    /// The kernel's event counter when the ports were last listed.
    listed: u64,
}

impl Monitor {
    /// Listens to udev on a socket of its own.
    ///
    /// Never fails: without a socket ([`events`](Self::events) says why) the ports that there are
    /// now are told all the same. Must be called within a tokio runtime.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Socket::open())
    }

    /// Listens on a socket that the service manager passed, bound to udev's group.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self::new(Socket::adopt(fd))
    }

    fn new(events: io::Result<Socket>) -> Self {
        let mut monitor = Self { events, known: BTreeMap::new(), news: VecDeque::new(), listed: 0 };
        // After the socket is open, so that what happens in between is in its queue.
        monitor.list();
        monitor
    }

    /// Whether changes will be told, and if not, why.
    ///
    /// # Errors
    ///
    /// What the system said: mostly that the sandbox has no netlink.
    pub fn events(&self) -> Result<(), &io::Error> {
        self.events.as_ref().map(drop)
    }

    /// The next change; waits for ever where none can be told. Safe to cancel.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.news.pop_front() {
                return change;
            }
            let Ok(socket) = &mut self.events else { return pending().await };
            match socket.next().await {
                Ok(Arrival::Message(length)) => {
                    let heard = Message::parse(socket.bytes(length)).and_then(Heard::of);
                    if let Some(heard) = heard {
                        self.hear(heard);
                    }
                }
                Ok(Arrival::Lost) => self.list(),
                Err(error) => self.events = Err(error),
            }
        }
    }

    /// Lists all ports again and tells what is different.
    fn list(&mut self) {
        self.listed = kernel_sequence();
        let found = match enumerate() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the ports could not be listed");
                return;
            }
        };
        let gone: Vec<_> =
            self.known.keys().filter(|node| !found.contains_key(*node)).cloned().collect();
        for node in gone {
            self.remove(&node);
        }
        for device in found.into_values() {
            self.add(device);
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::There(device) => self.add(device),
            // Gone before the ports were listed: if one of that name was found, it is a later one.
            Heard::Gone(_, sequence) if sequence <= self.listed => {}
            Heard::Gone(node, _) => self.remove(&node),
        }
    }

    fn add(&mut self, device: Device) {
        let before = self.known.insert(device.node.clone(), device.clone());
        match before {
            Some(before) if before == device => return,
            // The name went to another device, and that the first went was lost.
            Some(before) if before.id != device.id => {
                self.news.push_back(Change::Removed(before.node));
            }
            _ => {}
        }
        self.news.push_back(Change::Added(device));
    }

    fn remove(&mut self, node: &Path) {
        if self.known.remove(node).is_some() {
            self.news.push_back(Change::Removed(node.to_owned()));
        }
    }
}

/// What a message says to us.
enum Heard {
    There(Device),
    Gone(PathBuf, u64),
}

impl Heard {
    fn of(message: Message<'_>) -> Option<Self> {
        if message.property("SUBSYSTEM") != Some("tty") {
            return None;
        }
        if message.property("ACTION") == Some("remove") {
            let sequence = message.property("SEQNUM").and_then(|number| number.parse().ok());
            let node = device::node(message.property("DEVNAME")?);
            return Some(Self::Gone(node, sequence.unwrap_or(u64::MAX)));
        }
        // `add`, `change`, `bind`, `move`, `online`: the properties say what is there now.
        device::describe(|key| message.property(key), has_hardware).map(Self::There)
    }
}

/// The ports that udev's database has now, by node.
fn enumerate() -> io::Result<BTreeMap<PathBuf, Device>> {
    let mut enumerator = udev::Enumerator::new()?;
    enumerator.match_subsystem("tty")?;
    // What udev has not finished yet is told when it has; without udev nobody would.
    if Path::new("/run/udev/control").exists() {
        enumerator.match_is_initialized()?;
    }
    let devices = enumerator.scan_devices()?.filter_map(|device| {
        let property = |key: &str| device.property_value(key).and_then(|value| value.to_str());
        device::describe(property, has_hardware)
    });
    Ok(devices.map(|device| (device.node.clone(), device)).collect())
}

/// Whether there is a UART behind a serial core port; others have no `type` and are what they are.
fn has_hardware(path: &str) -> bool {
    let kind = std::fs::read_to_string(format!("/sys{path}/type"));
    !kind.is_ok_and(|kind| kind.trim() == "0")
}

/// The number of the kernel's latest event; 0, as good as unknown, where it is not told.
fn kernel_sequence() -> u64 {
    let number = std::fs::read_to_string("/sys/kernel/uevent_seqnum");
    number.ok().and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
