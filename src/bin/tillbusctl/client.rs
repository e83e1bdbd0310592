//! The daemon as its clients see it.

use std::collections::{BTreeMap, HashMap};

use zbus::fdo::ObjectManagerProxy;
use zbus::proxy::CacheProperties;
use zbus::{Connection, Variant};

use crate::error::Error;
use crate::value::{self, Dict, Map};

/// The daemon's name.
pub(crate) const NAME: &str = "org.tillbus1";
const ROOT: &str = "/org/tillbus1";
pub(crate) const DEVICE: &str = "org.tillbus1.Device";
pub(crate) const SCANNER: &str = "org.tillbus1.Scanner";

/// A page of `Replay`: epoch, newest sequence, whether there is more, events.
type Page = (String, u64, bool, Vec<Dict>);

/// The daemon as a whole.
#[zbus::proxy(
    interface = "org.tillbus1.Manager",
    default_service = "org.tillbus1",
    default_path = "/org/tillbus1"
)]
pub(crate) trait Manager {
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn epoch(&self) -> zbus::Result<String>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn sequence(&self) -> zbus::Result<u64>;
    fn replay(&self, epoch: &str, after: u64, limit: u32) -> zbus::Result<Page>;
    fn reload(&self) -> zbus::Result<()>;
    fn find_transaction(&self, key: &str) -> zbus::Result<zbus::OwnedObjectPath>;
}

/// One device.
#[zbus::proxy(interface = "org.tillbus1.Device", default_service = "org.tillbus1")]
pub(crate) trait Device {
    fn claim(&self, options: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    fn retain(&self) -> zbus::Result<()>;
    fn release(&self) -> zbus::Result<()>;
    fn acknowledge(&self, sequence: u64) -> zbus::Result<()>;
    fn show(&self, text: &str, options: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    fn diagnose(&self) -> zbus::Result<Vec<Dict>>;
}

/// One device that reads codes.
#[zbus::proxy(interface = "org.tillbus1.Scanner", default_service = "org.tillbus1")]
pub(crate) trait Scanner {
    fn settle(&self, sequence: u64, verdict: &str) -> zbus::Result<()>;
}

/// Where the daemon is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    System,
    Session,
    Address(String),
}

/// Connects to the bus; the daemon need not be there.
pub(crate) async fn connect(place: &Place) -> Result<Connection, Error> {
    let builder = match place {
        Place::System => zbus::connection::Builder::system(),
        Place::Session => zbus::connection::Builder::session(),
        Place::Address(address) => zbus::connection::Builder::address(address.as_str()),
    };
    Ok(builder.build().await?)
}

pub(crate) async fn manager(connection: &Connection) -> Result<ManagerProxy<'static>, Error> {
    manager_of(connection, NAME).await
}

/// The daemon that has this unique name. Where it has gone the bus starts none in its place: somebody may
/// have stopped it.
pub(crate) async fn manager_of(
    connection: &Connection,
    owner: &str,
) -> Result<ManagerProxy<'static>, Error> {
    let builder = ManagerProxy::builder(connection).destination(owner.to_owned());
    Ok(builder.cache_properties(CacheProperties::No).build().await?)
}

pub(crate) async fn device(
    connection: &Connection,
    path: &str,
) -> Result<DeviceProxy<'static>, Error> {
    let builder = DeviceProxy::builder(connection).cache_properties(CacheProperties::No);
    Ok(builder.path(path.to_owned()).build().await?)
}

pub(crate) async fn scanner(
    connection: &Connection,
    path: &str,
) -> Result<ScannerProxy<'static>, Error> {
    let builder = ScannerProxy::builder(connection).cache_properties(CacheProperties::No);
    Ok(builder.path(path.to_owned()).build().await?)
}

/// The devices by object path: the properties of all their interfaces.
pub(crate) type Devices = BTreeMap<String, Map>;

/// All devices as they are now.
pub(crate) async fn devices(connection: &Connection) -> Result<Devices, Error> {
    devices_of(connection, NAME).await
}

/// All devices of the daemon that has this unique name, as [`manager_of`].
pub(crate) async fn devices_of(connection: &Connection, owner: &str) -> Result<Devices, Error> {
    let objects = ObjectManagerProxy::builder(connection).destination(owner).path(ROOT);
    let objects = objects.cache_properties(CacheProperties::No).build().await?;
    let mut devices = Devices::new();
    for (path, interfaces) in objects.get_managed_objects().await? {
        if !interfaces.keys().any(|interface| interface.as_str() == DEVICE) {
            continue;
        }
        let device = devices.entry(path.to_string()).or_default();
        for (interface, properties) in interfaces {
            if [DEVICE, SCANNER].contains(&interface.as_str()) {
                device.extend(value::properties(&properties));
            }
        }
    }
    Ok(devices)
}

/// The device of this name, and its object path.
pub(crate) fn find<'a>(devices: &'a Devices, name: &str) -> Result<(&'a str, &'a Map), Error> {
    let found = devices.iter().find(|(_, device)| value::text(device, "name") == name);
    found.map(|(path, device)| (path.as_str(), device)).ok_or_else(|| unknown(devices, name))
}

fn unknown(devices: &Devices, name: &str) -> Error {
    let names: Vec<&str> = devices.values().map(|device| value::text(device, "name")).collect();
    if names.is_empty() {
        return Error::failed(format!("no device {name:?}; there is none at all"));
    }
    let nearest = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= name.chars().count().div_ceil(3));
    let hint = nearest.map_or(String::new(), |(_, known)| format!(" did you mean `{known}`?"));
    Error::failed(format!("no device {name:?};{hint} there are: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_is_answered_with_those_that_are_there() {
        let device = |name: &str| Map::from_iter([("name".to_owned(), name.into())]);
        let devices =
            Devices::from([("/a".into(), device("lane1-box")), ("/b".into(), device("gun"))]);
        assert_eq!(find(&devices, "gun").unwrap().0, "/b");
        let said = |name| format!("{:?}", find(&devices, name).unwrap_err());
        assert!(said("lane1-bok").contains("did you mean `lane1-box`? there are: lane1-box, gun"));
        assert!(!said("printer").contains("mean"), "{}", said("printer"));
        assert!(format!("{:?}", find(&Devices::new(), "x").unwrap_err()).contains("none at all"));
    }
}
