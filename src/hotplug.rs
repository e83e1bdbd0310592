//! Ports and HID interfaces that come and go, as udev tells; nothing here opens one or writes to one.
//!
//! [`Monitor`] lists those that there are and then tells of each change. [`PathWatch`] does
//! the same for paths that udev knows nothing of. Both sleep until the kernel wakes them.
//!
//! udev's messages are read from its socket by ourselves: libudev cannot take over a socket that
//! was passed in, and hides that messages were lost. Crate `udev` enumerates.

mod device;
mod hid;
pub mod message;
mod paths;
mod scanners;
mod socket;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use device::{Access, Device, Usb};
pub use hid::Hid;
use message::Message;
pub use paths::{PathChange, PathWatch};
use socket::{Arrival, Socket};

/// Something came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A device is there, or is there otherwise than before: other links, another access.
    Added(Device),
    /// The device with this key is gone.
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
            self.known.keys().filter(|key| !found.contains_key(*key)).cloned().collect();
        for key in gone {
            self.remove(&key);
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
            Heard::Gone(key, _) => self.remove(&key),
        }
    }

    fn add(&mut self, mut device: Device) {
        let before = self.known.get(&device.key);
        if let Some(before) = before.filter(|before| before.id == device.id) {
            device.recall(before);
        }
        let before = self.known.insert(device.key.clone(), device.clone());
        match before {
            Some(before) if before == device => return,
            // The name went to another device, and that the first went was lost.
            Some(before) if before.id != device.id => {
                self.news.push_back(Change::Removed(before.key));
            }
            _ => {}
        }
        self.news.push_back(Change::Added(device));
    }

    fn remove(&mut self, key: &Path) {
        if self.known.remove(key).is_some() {
            self.news.push_back(Change::Removed(key.to_owned()));
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
        let property = |key: &str| message.property(key);
        let subsystem = property("SUBSYSTEM")?;
        if !SUBSYSTEMS.contains(&subsystem) {
            return None;
        }
        match property("ACTION")? {
            "remove" => {
                let sequence = property("SEQNUM").and_then(|number| number.parse().ok());
                let key = match subsystem {
                    "tty" => device::node(property("DEVNAME")?),
                    _ => hid::key(property("DEVPATH")?),
                };
                Some(Self::Gone(key, sequence.unwrap_or(u64::MAX)))
            }
            // A driver let go of it, the kernel's or our own: it is there still.
            "unbind" => None,
            // `add`, `change`, `bind`, `move`, `online`: the properties say what is there now.
            _ => describe(property).map(Self::There),
        }
    }
}

/// Where udev has what we are after: ports, and the interfaces of USB devices.
const SUBSYSTEMS: [&str; 2] = ["tty", "usb"];

fn describe<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Option<Device> {
    device::describe(&property, has_hardware).or_else(|| hid::describe(&property))
}

/// What udev's database has now, by key.
fn enumerate() -> io::Result<BTreeMap<PathBuf, Device>> {
    let mut enumerator = udev::Enumerator::new()?;
    for subsystem in SUBSYSTEMS {
        enumerator.match_subsystem(subsystem)?;
    }
    // What udev has not finished yet is told when it has; without udev nobody would.
    if Path::new("/run/udev/control").exists() {
        enumerator.match_is_initialized()?;
    }
    let devices = enumerator.scan_devices()?.filter_map(|device| {
        describe(|key| device.property_value(key).and_then(|value| value.to_str()))
    });
    Ok(devices.map(|device| (device.key.clone(), device)).collect())
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
