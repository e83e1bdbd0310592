//! A port as udev describes it, and the identity by which it is known again.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, eaccess};

use super::hid::Hid;
use super::scanners;
use crate::hid::Usage;

/// A port or a HID interface that exists, whether or not we may open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Where it is plugged, which product it is, its serial number and interface, by `/`: the same
    /// after a replug, whatever number the kernel gives it.
    pub id: String,
    /// What no other device has now: a port's node, a HID interface's place in sysfs.
    pub key: PathBuf,
    /// Its node, `/dev/ttyUSB0`; of a HID interface that of its device, `/dev/bus/usb/001/004`.
    pub node: PathBuf,
    /// The links that udev made to it, `/dev/serial/by-path/…` among them.
    pub links: Vec<PathBuf>,
    /// What it is on USB, if it is.
    pub usb: Option<Usb>,
    /// The device's serial number, empty where it has none.
    pub serial: String,
    /// Who made it, in its own words, empty where it says nothing.
    pub vendor: String,
    /// What it is, in its own words.
    pub model: String,
    /// Whether we may open it, as far as its node tells.
    pub access: Access,
    /// What it is as a HID interface, if it is one.
    pub hid: Option<Hid>,
}

impl Device {
    /// Whether it is worth a mention where no configuration names it: every port is; of all the
    /// keyboards and mice only what says that it is a scanner, or has a scanner's id.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        let Some(hid) = &self.hid else { return true };
        hid.applications.contains(&BAR_CODE_SCANNER)
            || self.usb.is_some_and(|usb| scanners::is_scanner(usb.vendor, usb.product))
    }
}

impl Device {
    /// Takes over from what was known of it before what the kernel does not show at the moment.
    pub(super) fn recall(&mut self, before: &Self) {
        if let (Some(hid), Some(before)) = (&mut self.hid, &before.hid)
            && hid.applications.is_empty()
        {
            hid.applications.clone_from(&before.applications);
        }
    }
}

/// Page 8C, usage 02 (HID Usage Tables 1.5, 23).
const BAR_CODE_SCANNER: Usage = Usage::new(0x8C, 0x02);

/// A device on USB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usb {
    /// The vendor's number.
    pub vendor: u16,
    /// The product's number. Those of adapter chips say nothing about the device behind.
    pub product: u16,
    /// The interface that this port is.
    pub interface: Option<u8>,
}

/// Whether a port may be opened, found out without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As far as the node's mode tells, yes.
    Ok,
    /// Its mode, its access list or a read-only file system forbid it.
    PermissionDenied,
    /// There is no node.
    NotFound,
}

impl Access {
    /// The word of the `Access` property.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::PermissionDenied => "permission-denied",
            Self::NotFound => "not-found",
        }
    }

    /// Asks the kernel whether we, with our present rights, may read and write a node.
    ///
    /// A device cgroup may still refuse: only an open tells.
    #[must_use]
    pub fn probe(node: &Path) -> Self {
        match eaccess(node, AccessFlags::R_OK | AccessFlags::W_OK) {
            Ok(()) => Self::Ok,
            Err(Errno::EACCES | Errno::EPERM | Errno::EROFS) => Self::PermissionDenied,
            Err(_) => Self::NotFound,
        }
    }
}

/// Makes a device of udev's properties; `None` for what is no port with hardware behind it.
///
/// `has_hardware` is asked of a serial core port only: those are made for every UART that a board
/// might have, and their `type` tells which it has.
pub(super) fn describe<'a>(
    property: impl Fn(&str) -> Option<&'a str>,
    has_hardware: impl FnOnce(&str) -> bool,
) -> Option<Device> {
    if property("SUBSYSTEM") != Some("tty") {
        return None;
    }
    let path = property("DEVPATH")?;
    // Consoles, ptys and their like.
    if path.starts_with("/devices/virtual/") || !has_hardware(path) {
        return None;
    }
    let node = node(property("DEVNAME")?);
    let usb = usb(&property);
    let serial = property("ID_SERIAL_SHORT").unwrap_or_default().to_owned();
    Some(Device {
        id: identity(&property, path, usb, &serial),
        links: property("DEVLINKS")
            .unwrap_or_default()
            .split(' ')
            .filter(|link| !link.is_empty())
            .map(PathBuf::from)
            .collect(),
        usb,
        serial,
        vendor: words(property("ID_VENDOR")),
        model: words(property("ID_MODEL")),
        access: Access::probe(&node),
        key: node.clone(),
        node,
        hid: None,
    })
}

/// udev names nodes whole, the kernel below `/dev`.
pub(super) fn node(name: &str) -> PathBuf {
    Path::new("/dev").join(name)
}

fn usb<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Option<Usb> {
    let number = |key| u16::from_str_radix(property(key)?, 16).ok();
    if property("ID_BUS") != Some("usb") {
        return None;
    }
    let interface = property("ID_USB_INTERFACE_NUM");
    Some(Usb {
        vendor: number("ID_VENDOR_ID")?,
        product: number("ID_MODEL_ID")?,
        interface: interface.and_then(|number| u8::from_str_radix(number, 16).ok()),
    })
}

/// Two devices may share a serial number, two ports a device, and a number goes to whoever comes
/// first: so all that is stable together, and `ttyUSB0` never.
fn identity<'a>(
    property: impl Fn(&str) -> Option<&'a str>,
    path: &str,
    usb: Option<Usb>,
    serial: &str,
) -> String {
    let mut id = property("ID_PATH").map_or_else(|| place(path, usb.is_some()), str::to_owned);
    if let Some(usb) = usb {
        id.push_str(&format!("/{:04x}:{:04x}", usb.vendor, usb.product));
    }
    if !serial.is_empty() {
        id.push('/');
        id.push_str(serial);
    }
    if let Some(interface) = usb.and_then(|usb| usb.interface) {
        id.push_str(&format!("/{interface:02x}"));
    }
    id
}

/// The place in the device tree, where udev's rules have given none.
///
/// On a bus with hotplug the tty's own name is left out; a soldered UART's number is its place.
pub(super) fn place(path: &str, pluggable: bool) -> String {
    let path = path.strip_prefix("/devices/").unwrap_or(path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let parts = path.split('/').filter(|part| *part != "tty" && !(pluggable && *part == name));
    parts.collect::<Vec<_>>().join("/")
}

/// udev writes blanks as underscores.
pub(super) fn words(value: Option<&str>) -> String {
    value.unwrap_or_default().replace('_', " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAPTER: &Properties = &[
        ("SUBSYSTEM", "tty"),
        ("DEVPATH", "/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0"),
        ("DEVNAME", "/dev/ttyUSB0"),
        ("DEVLINKS", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0 /dev/serial/by-id/x"),
        ("ID_PATH", "pci-0000:00:14.0-usb-0:2:1.0"),
        ("ID_BUS", "usb"),
        ("ID_VENDOR_ID", "0403"),
        ("ID_MODEL_ID", "6001"),
        ("ID_USB_INTERFACE_NUM", "00"),
        ("ID_SERIAL_SHORT", "TEST0001"),
        ("ID_VENDOR", "Example_Devices"),
        ("ID_MODEL", "USB_Serial"),
    ];

    type Properties = [(&'static str, &'static str)];

    fn describe_with(changes: &Properties, hardware: bool) -> Option<Device> {
        let property = |key: &str| {
            let rows = changes.iter().chain(ADAPTER);
            let found = rows.clone().find(|(name, _)| *name == key)?;
            (!found.1.is_empty()).then_some(found.1)
        };
        describe(property, |_| hardware)
    }

    #[test]
    fn an_adapter_is_described() {
        let device = describe_with(&[], true).unwrap();
        assert_eq!(device.id, "pci-0000:00:14.0-usb-0:2:1.0/0403:6001/TEST0001/00");
        assert_eq!(device.node, Path::new("/dev/ttyUSB0"));
        assert_eq!(device.links.len(), 2);
        assert_eq!(device.usb, Some(Usb { vendor: 0x0403, product: 0x6001, interface: Some(0) }));
        assert_eq!(
            (device.vendor.as_str(), device.model.as_str()),
            ("Example Devices", "USB Serial")
        );
    }

    #[test]
    fn identities() {
        let usb = "/devices/pci0/usb1/1-2/1-2:1.0/ttyUSB7/tty/ttyUSB7";
        let soldered = "/devices/platform/serial8250/tty/ttyS1";
        let rows: &[(&str, &Properties, &str)] = &[
            (
                "another number after a replug",
                &[("DEVNAME", "/dev/ttyUSB7"), ("DEVPATH", usb)],
                "pci-0000:00:14.0-usb-0:2:1.0/0403:6001/TEST0001/00",
            ),
            (
                "no serial number",
                &[("ID_SERIAL_SHORT", "")],
                "pci-0000:00:14.0-usb-0:2:1.0/0403:6001/00",
            ),
            (
                "no rule has run: the place without the number",
                &[("ID_PATH", ""), ("DEVPATH", usb)],
                "pci0/usb1/1-2/1-2:1.0/0403:6001/TEST0001/00",
            ),
            (
                "a soldered port: its number is its place",
                &[("ID_PATH", ""), ("ID_BUS", ""), ("ID_SERIAL_SHORT", ""), ("DEVPATH", soldered)],
                "platform/serial8250/ttyS1",
            ),
        ];
        for (name, changes, want) in rows {
            assert_eq!(describe_with(changes, true).unwrap().id, *want, "{name}");
        }
    }

    #[test]
    fn what_is_no_port_is_not_listed() {
        let rows: &[(&str, &Properties, bool)] = &[
            ("another subsystem", &[("SUBSYSTEM", "usb")], true),
            ("a console", &[("DEVPATH", "/devices/virtual/tty/tty1")], true),
            ("a UART that the board lacks", &[], false),
            ("no node", &[("DEVNAME", "")], true),
        ];
        for (name, changes, hardware) in rows {
            assert_eq!(describe_with(changes, *hardware), None, "{name}");
        }
    }

    #[test]
    fn access_is_probed_by_the_node() {
        assert_eq!(Access::probe(Path::new("/dev/null")), Access::Ok);
        assert_eq!(Access::probe(Path::new("/dev/no-such-node")), Access::NotFound);
    }
}
