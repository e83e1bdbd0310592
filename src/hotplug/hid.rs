//! A HID interface on USB, as udev and sysfs describe it; nothing of it is opened.
//!
//! udev tells of the interface, which has no node of its own: it is reached through its device's.
//! What the interface is for stands in its report descriptor, which the kernel shows while its own
//! driver has it.

use std::fs;
use std::path::{Path, PathBuf};

use super::device::{Access, Device, Usb, place, words};
use crate::hid::{Descriptor, Usage};

/// What there is to know of a HID interface before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hid {
    /// What it is, by its report descriptor; empty while the kernel does not show that.
    pub applications: Vec<Usage>,
    /// Whether it speaks the keyboards' boot protocol (HID 1.11, 4.3).
    pub is_keyboard: bool,
    /// Whether its device has no other HID interface.
    pub is_alone: bool,
}

/// The first number of an `INTERFACE` property: the class HID.
const CLASS: &str = "3/";
/// The whole property of a keyboard: class, subclass boot, protocol keyboard.
const BOOT_KEYBOARD: &str = "3/1/1";

/// The key of an interface by its udev path.
pub(super) fn key(path: &str) -> PathBuf {
    PathBuf::from(format!("/sys{path}"))
}

/// Makes a device of a HID interface's properties; `None` for what is none.
pub(super) fn describe<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Option<Device> {
    if property("SUBSYSTEM") != Some("usb") || property("DEVTYPE") != Some("usb_interface") {
        return None;
    }
    let class = property("INTERFACE").filter(|class| class.starts_with(CLASS))?;
    let path = property("DEVPATH")?;
    let interface = key(path);
    let parent = interface.parent()?;
    let usb = Usb {
        vendor: hexadecimal(parent, "idVendor")?,
        product: hexadecimal(parent, "idProduct")?,
        interface: u8::try_from(hexadecimal(&interface, "bInterfaceNumber")?).ok(),
    };
    let (bus, number) = (decimal(parent, "busnum")?, decimal(parent, "devnum")?);
    let node = PathBuf::from(format!("/dev/bus/usb/{bus:03}/{number:03}"));
    let udev = udev::Device::from_syspath(parent).ok();
    let of_parent = |name: &str| {
        let value = udev.as_ref()?.property_value(name)?.to_str()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let serial = of_parent("ID_SERIAL_SHORT").or_else(|| attribute(parent, "serial"));
    let serial = serial.unwrap_or_default();
    let named = |property: &str, file: &str| {
        of_parent(property).map(|name| words(Some(&name))).or_else(|| attribute(parent, file))
    };
    let at = property("ID_PATH").map_or_else(|| place(path, false), str::to_owned);
    Some(Device {
        id: identity(&at, usb, &serial),
        key: interface.clone(),
        links: of_parent("DEVLINKS")
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(PathBuf::from)
            .collect(),
        usb: Some(usb),
        serial,
        vendor: named("ID_VENDOR", "manufacturer").unwrap_or_default(),
        model: named("ID_MODEL", "product").unwrap_or_default(),
        access: Access::probe(&node),
        node,
        hid: Some(Hid {
            applications: applications(&interface),
            is_keyboard: class == BOOT_KEYBOARD,
            is_alone: interfaces(parent) == 1,
        }),
    })
}

fn identity(place: &str, usb: Usb, serial: &str) -> String {
    let mut id = format!("{place}/{:04x}:{:04x}", usb.vendor, usb.product);
    for part in [serial.to_owned(), usb.interface.map_or(String::new(), |n| format!("{n:02x}"))] {
        if !part.is_empty() {
            id.push('/');
            id.push_str(&part);
        }
    }
    id
}

/// What the interface is, where the kernel's HID core has read its report descriptor.
fn applications(interface: &Path) -> Vec<Usage> {
    let children = fs::read_dir(interface).into_iter().flatten().flatten();
    let descriptor = children
        .filter_map(|child| fs::read(child.path().join("report_descriptor")).ok())
        .find_map(|bytes| Descriptor::parse(&bytes).ok());
    descriptor.map(|descriptor| descriptor.applications().to_vec()).unwrap_or_default()
}

/// How many HID interfaces a device has.
fn interfaces(device: &Path) -> usize {
    let children = fs::read_dir(device).into_iter().flatten().flatten();
    children.filter(|child| hexadecimal(&child.path(), "bInterfaceClass") == Some(3)).count()
}

fn attribute(directory: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(directory.join(name)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn hexadecimal(directory: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&attribute(directory, name)?, 16).ok()
}

fn decimal(directory: &Path, name: &str) -> Option<u16> {
    attribute(directory, name)?.parse().ok()
}
