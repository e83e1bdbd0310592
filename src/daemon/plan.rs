//! Which configured device is at which node: configuration against what is plugged in.
//!
//! Contract: pure. A match that two devices answer to, and a device that two matches name, are
//! given to nobody: the wrong port opened is worse than none.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{DeviceConfig, Match};
use crate::hotplug;

/// Where a configured device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: nothing plugged in answers to it.
    Absent,
    /// At this node or path. A path of configuration may not exist yet; the session waits for it.
    At(PathBuf),
    /// Several answer to it, or another configured device claims the same one.
    Ambiguous(Vec<PathBuf>),
}

/// What is plugged in, by node.
pub(super) type Plugged = BTreeMap<PathBuf, hotplug::Device>;

/// Finds the place of each configured device, in the order of the configuration.
#[must_use]
pub(super) fn places(devices: &[Arc<DeviceConfig>], plugged: &Plugged) -> Vec<Place> {
    let answers: Vec<Vec<&Path>> =
        devices.iter().map(|device| candidates(&device.matches, plugged)).collect();
    let mut claimed: HashMap<&OsStr, usize> = HashMap::new();
    for node in answers.iter().flatten() {
        *claimed.entry(node.as_os_str()).or_default() += 1;
    }
    answers
        .iter()
        .map(|nodes| match nodes.as_slice() {
            [] => Place::Absent,
            [node] if claimed.get(node.as_os_str()) > Some(&1) => {
                Place::Ambiguous(vec![(*node).into()])
            }
            [node] => Place::At((*node).into()),
            several => Place::Ambiguous(several.iter().map(|node| (*node).into()).collect()),
        })
        .collect()
}

/// What is plugged in and no configuration names.
#[must_use]
pub(super) fn spare<'p>(
    devices: &[Arc<DeviceConfig>],
    plugged: &'p Plugged,
) -> Vec<&'p hotplug::Device> {
    plugged
        .values()
        .filter(|plug| !devices.iter().any(|device| answers(&device.matches, plug)))
        .collect()
}

/// The plugged-in device behind a configured one, where udev knows it.
#[must_use]
pub(super) fn behind<'p>(
    device: &DeviceConfig,
    plugged: &'p Plugged,
) -> Option<&'p hotplug::Device> {
    let mut plugs = plugged.values().filter(|plug| answers(&device.matches, plug));
    plugs.next().filter(|_| plugs.next().is_none())
}

fn candidates<'a>(matches: &'a Match, plugged: &'a Plugged) -> Vec<&'a Path> {
    match matches {
        // A path says where the device is, plugged in or not, known to udev or not.
        Match::Path(path) | Match::Tty(path) | Match::Pty(path) => vec![
            plugged.values().find(|plug| at(path, plug)).map_or(path, |plug| plug.node.as_path()),
        ],
        Match::Usb { .. } => plugged
            .values()
            .filter(|plug| answers(matches, plug))
            .map(|plug| plug.node.as_path())
            .collect(),
    }
}

fn answers(matches: &Match, plug: &hotplug::Device) -> bool {
    match matches {
        Match::Path(path) | Match::Tty(path) | Match::Pty(path) => at(path, plug),
        Match::Usb { vendor, product, serial, interface } => plug.usb.as_ref().is_some_and(|usb| {
            usb.vendor == *vendor
                && usb.product == *product
                && serial.as_ref().is_none_or(|serial| *serial == plug.serial)
                && interface.is_none_or(|interface| usb.interface == Some(interface))
        }),
    }
}

fn at(path: &Path, plug: &hotplug::Device) -> bool {
    // Paths are compared as they are written: by components it takes twenty times as long, which
    // hundreds of ports make felt.
    let path = path.as_os_str();
    plug.node.as_os_str() == path || plug.links.iter().any(|link| link.as_os_str() == path)
}
