//! Which configured device is at which node: configuration against what is plugged in.
//!
//! Contract: pure. A match that two devices answer to, and a device that two matches name, are
//! given to nobody: the wrong port opened is worse than none.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{DeviceConfig, Match};
use crate::hid::Usage;
use crate::hotplug::{self, Hid};
use crate::protocol::Carrier;

/// Where a configured device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: nothing plugged in answers to it.
    Absent,
    /// At this node or path. A path of configuration may not exist yet; the session waits for it.
    At(Spot),
    /// Several answer to it, or another configured device claims the same one.
    Ambiguous(Vec<PathBuf>),
}

/// What a session opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The node or path.
    pub(super) path: PathBuf,
    /// Which of a USB device's interfaces, where that is known.
    pub(super) interface: Option<u8>,
}

/// What is plugged in, by key.
pub(super) type Plugged = BTreeMap<PathBuf, hotplug::Device>;

/// One that answers to a configured device: its key, and what to open.
type Candidate<'a> = (&'a Path, Spot);

/// Finds the place of each configured device, in the order of the configuration.
#[must_use]
pub(super) fn places(devices: &[Arc<DeviceConfig>], plugged: &Plugged) -> Vec<Place> {
    let answers: Vec<Vec<Candidate<'_>>> =
        devices.iter().map(|device| candidates(device, plugged)).collect();
    let mut claimed: HashMap<&OsStr, usize> = HashMap::new();
    for (key, _) in answers.iter().flatten() {
        *claimed.entry(key.as_os_str()).or_default() += 1;
    }
    answers
        .iter()
        .map(|answers| match answers.as_slice() {
            [] => Place::Absent,
            [(key, spot)] if claimed.get(key.as_os_str()) > Some(&1) => {
                Place::Ambiguous(vec![spot.path.clone()])
            }
            [(_, spot)] => Place::At(spot.clone()),
            several => {
                Place::Ambiguous(several.iter().map(|(_, spot)| spot.path.clone()).collect())
            }
        })
        .collect()
}

/// What is plugged in and no configuration names, as far as it is worth a mention.
#[must_use]
pub(super) fn spare<'p>(
    devices: &[Arc<DeviceConfig>],
    plugged: &'p Plugged,
) -> Vec<&'p hotplug::Device> {
    plugged
        .values()
        .filter(|plug| plug.is_listed())
        .filter(|plug| !devices.iter().any(|device| names(&device.matches, plug)))
        .collect()
}

/// The plugged-in device behind a configured one, where udev knows it.
#[must_use]
pub(super) fn behind<'p>(
    device: &DeviceConfig,
    plugged: &'p Plugged,
) -> Option<&'p hotplug::Device> {
    let mut plugs = answering(device, plugged).into_iter();
    plugs.next().filter(|_| plugs.next().is_none())
}

fn candidates<'a>(device: &'a DeviceConfig, plugged: &'a Plugged) -> Vec<Candidate<'a>> {
    if let Some(path) = device.matches.path()
        && !plugged.values().any(|plug| at(path, plug))
    {
        // A path says where the device is, plugged in or not, known to udev or not.
        return vec![(path, Spot { path: path.to_owned(), interface: None })];
    }
    let answering = answering(device, plugged).into_iter();
    answering
        .map(|plug| {
            let interface = plug.usb.filter(|_| plug.hid.is_some()).and_then(|usb| usb.interface);
            (plug.key.as_path(), Spot { path: plug.node.clone(), interface })
        })
        .collect()
}

/// How well a plugged-in device suits a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is something else.
    No,
    /// Nothing speaks against it.
    Perhaps,
    /// It says so itself, or configuration does.
    Yes,
}

/// Those that answer to a device's match and suit its protocol, the best only.
///
/// What a HID interface is for is unknown until the kernel has read its report descriptor, and again
/// after a daemon that had it has died. Several of one device that may be meant are none then: their
/// turn comes when one of them is known, or configuration says which.
fn answering<'p>(device: &DeviceConfig, plugged: &'p Plugged) -> Vec<&'p hotplug::Device> {
    let named = plugged.values().filter(|plug| names(&device.matches, plug));
    let fits: Vec<(Fit, &hotplug::Device)> =
        named.map(|plug| (fit(device, plug), plug)).filter(|(fit, _)| *fit != Fit::No).collect();
    let best = fits.iter().map(|(fit, _)| *fit).max();
    let mut best: Vec<_> = fits.into_iter().filter(|(fit, _)| Some(*fit) == best).collect();
    if let [(Fit::Perhaps, first), (_, second), ..] = best.as_slice()
        && first.node == second.node
    {
        best.clear();
    }
    best.into_iter().map(|(_, plug)| plug).collect()
}

fn fit(device: &DeviceConfig, plug: &hotplug::Device) -> Fit {
    let is_named = matches!(device.matches, Match::Usb { interface: Some(_), .. });
    match (device.protocol.carrier, &plug.hid) {
        (Carrier::Serial, None) => Fit::Yes,
        (Carrier::Hid { .. }, Some(_)) if is_named => Fit::Yes,
        (Carrier::Hid { applications }, Some(hid)) => suits(applications, hid),
        _ => Fit::No,
    }
}

/// A keyboard's boot protocol, which an interface tells at once (HID Usage Tables 1.5, 4.1).
const KEYBOARD: Usage = Usage::new(0x01, 0x06);

fn suits(applications: &[Usage], hid: &Hid) -> Fit {
    if !hid.applications.is_empty() {
        let is_one = hid.applications.iter().any(|usage| applications.contains(usage));
        return if is_one { Fit::Yes } else { Fit::No };
    }
    if hid.is_alone || applications.contains(&KEYBOARD) == hid.is_keyboard {
        Fit::Perhaps
    } else {
        Fit::No
    }
}

/// Whether a match names a plugged-in device, whatever that is.
fn names(matches: &Match, plug: &hotplug::Device) -> bool {
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
