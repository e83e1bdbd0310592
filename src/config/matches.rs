//! Which port or device a `[[device]]` means.

use std::path::{Path, PathBuf};

use crate::settings::{Error, Section};

/// How a device is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// By a link of udev's, such as `/dev/serial/by-path/…`: the socket it is plugged into.
    Path(PathBuf),
    /// By the node of a built-in port, such as `/dev/ttyS1`.
    Tty(PathBuf),
    /// By a pseudo-terminal or a link to one: a simulated device.
    Pty(PathBuf),
    /// By its USB ids.
    Usb {
        /// The vendor id.
        vendor: u16,
        /// The product id.
        product: u16,
        /// The serial number, where several of the same kind are there.
        serial: Option<String>,
        /// The interface number, where one device has several.
        interface: Option<u8>,
    },
}

const KEYS: [&str; 4] = ["path", "usb", "tty", "pty"];

impl Match {
    /// Reads `match` of a device.
    pub(crate) fn read(device: &Section<'_>) -> Result<Self, Error> {
        let section = device.section("match").map_err(|error| Error {
            message: error.message.replace("accepted is a table", ACCEPTED),
            ..error
        })?;
        let Some(section) = section else {
            return Err(device.error_here(format!("`match` is missing; {ACCEPTED}")));
        };
        let named: Vec<&str> = KEYS.into_iter().filter(|key| section.has(key)).collect();
        let path = |key| absolute(&section, key);
        let found = match named.as_slice() {
            ["path"] => Self::Path(path("path")?),
            ["tty"] => Self::Tty(path("tty")?),
            ["pty"] => Self::Pty(path("pty")?),
            ["usb"] => usb(&section)?,
            [] => return Err(names_no_port(&section)),
            _ => {
                let named = named.join(" and ");
                return Err(section.error_here(format!("`match` has {named}; {ACCEPTED}")));
            }
        };
        section.finish()?;
        Ok(found)
    }

    /// The path that says where the device is, if that is how it is found.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Tty(path) | Self::Pty(path) => Some(path),
            Self::Usb { .. } => None,
        }
    }
}

/// The error is at the key that was meant, where there is one.
fn names_no_port(section: &Section<'_>) -> Error {
    let known = KEYS.into_iter().try_for_each(|key| section.string(key).map(drop));
    known
        .and_then(|()| section.finish())
        .err()
        .unwrap_or_else(|| section.error_here(format!("`match` names no port; {ACCEPTED}")))
}

const ACCEPTED: &str = "accepted is one of { path = \"/dev/serial/by-path/...\" }, \
                        { usb = \"0c2e:0b6a\" }, { tty = \"/dev/ttyS1\" }, { pty = \"/run/...\" }";

fn absolute(section: &Section<'_>, key: &'static str) -> Result<PathBuf, Error> {
    let text = section.required_string(key)?;
    if !Path::new(text).is_absolute() || text.chars().any(char::is_control) {
        let message = format!("`{key}` is {text:?}; accepted is an absolute path");
        return Err(section.error(key, message));
    }
    Ok(PathBuf::from(text))
}

fn usb(section: &Section<'_>) -> Result<Match, Error> {
    let ids = section.required_string("usb")?;
    let id = |text: &str| {
        let plain = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u16::from_str_radix(text, 16).ok()).flatten()
    };
    let parsed = ids.split_once(':').and_then(|(vendor, product)| id(vendor).zip(id(product)));
    let Some((vendor, product)) = parsed else {
        let message = format!("`usb` is {ids:?}; accepted is VVVV:PPPP, four hex digits each");
        return Err(section.error("usb", message));
    };
    let serial = match section.string("serial")? {
        Some("") => {
            return Err(section.error("serial", "`serial` is empty; accepted is to leave it out"));
        }
        serial => serial.map(str::to_owned),
    };
    let interface = section.integer("interface", 0..=255)?;
    let interface = interface.and_then(|number| u8::try_from(number).ok());
    Ok(Match::Usb { vendor, product, serial, interface })
}
