//! Devices as objects: their properties, and which changes are told.

use std::collections::HashSet;

use tillbus::sim::port::VirtualPort;
use zbus::Variant;

use crate::support::client::{Client, DEVICE, MANAGER, PROPERTIES, ROOT, SCANNER, Signal};
use crate::support::host::{BOX, Bus, Daemon, Lane, Shop, scanner};

#[tokio::test]
async fn a_device_is_listed_with_all_its_properties() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    let objects = client.objects().await;
    let device = &objects[BOX][DEVICE];
    assert_eq!(
        device.names(),
        [
            "Access",
            "Capabilities",
            "Health",
            "Lane",
            "LastFault",
            "Model",
            "Name",
            "Node",
            "Owner",
            "Profile",
            "Protocol",
            "Role",
            "SerialNumber",
            "Simulated",
            "State",
            "Transport",
            "Vendor",
        ]
    );
    let node = lane.path.display().to_string();
    for (name, value) in [
        ("Name", "lane1-box"),
        ("Lane", "1"),
        ("Role", "goods"),
        ("Vendor", "Generic"),
        ("Model", "Line scanner, 9600 baud"),
        ("SerialNumber", ""),
        ("Transport", "pty"),
        ("Node", &node),
        ("Profile", "generic-line-scanner"),
        ("Protocol", "line-scanner"),
        ("State", "ready"),
        ("Access", "ok"),
        ("Owner", ""),
        ("LastFault", ""),
    ] {
        assert_eq!(device.text(name), value, "{name}");
    }
    assert!(device.flag("Simulated"), "a pty is a simulated device");
    assert_eq!(Vec::<String>::try_from(device.get("Capabilities").clone()).unwrap().len(), 0);
    let scanner = &objects[BOX][SCANNER];
    assert_eq!(scanner.names(), ["Enabled"]);
    assert!(scanner.flag("Enabled"));
    let health = client.health(BOX).await;
    assert_eq!((health["opened"], health["bytes"], health["disconnected"]), (1, 0, 0));
    for fault in tillbus::event::Fault::KINDS {
        assert_eq!(health[fault], 0, "{fault}");
    }
}

#[tokio::test]
async fn the_manager_says_its_version_and_its_epoch() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    let manager = client.properties(ROOT, MANAGER).await.unwrap();
    assert_eq!(manager.names(), ["Epoch", "Sequence", "Version"]);
    assert_eq!(manager.text("Version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(manager.text("Epoch").len(), 32);
    assert_eq!(manager.number("Sequence"), 0);
}

#[tokio::test]
async fn a_device_that_is_not_there_is_listed_too() {
    let bus = Bus::start();
    let path = bus.directory().join("nothing");
    let daemon = Daemon::start(&bus, &scanner("größe 1/2", &path)).await;
    // It has tried to open it.
    daemon.logged("not there").await;
    let client = Client::connect(&bus).await;
    let object = "/org/tillbus1/device/gr_c3_b6_c3_9fe_201_2f2";
    client.until_state(object, "absent").await;
    let device = client.properties(object, DEVICE).await.unwrap();
    assert_eq!(device.text("Name"), "größe 1/2");
    assert_eq!((device.text("Access"), device.text("Node")), ("not-found", ""));
    assert_eq!(client.health(object).await["opened"], 0);
}

/// What `PropertiesChanged` says of one interface.
fn changes(signal: &Signal) -> (String, Vec<(String, String)>) {
    let (interface, changed, invalidated): (String, crate::support::client::Dict, Vec<String>) =
        signal.body();
    assert!(invalidated.is_empty(), "values are sent, not asked for again");
    let value = |name: &str| match changed.get(name) {
        Variant::Str(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    let values = changed.names().into_iter().map(|name| (name.to_owned(), value(name))).collect();
    (interface, values)
}

#[tokio::test]
async fn going_and_coming_back_are_told_as_changes_of_state_access_and_node() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    let (_daemon, path, _bus) = lane.unplug().await;
    let node = path.display().to_string();
    let mut told = Vec::new();
    let mut all = |signal: &Signal| {
        assert_eq!((signal.path().as_str(), signal.interface().as_str()), (BOX, PROPERTIES));
        let (interface, changed) = changes(signal);
        assert_eq!(interface, DEVICE);
        let state = changed.iter().find(|(name, _)| name == "State").map(|(_, value)| value);
        let done = state.map(String::to_owned);
        told.extend(changed);
        done
    };
    let mut port = None;
    loop {
        let state = all(&client.signal("PropertiesChanged").await);
        match state.as_deref() {
            Some("absent") if port.is_none() => {
                port = Some(VirtualPort::create(Some(&path)).unwrap());
            }
            Some("ready") => break,
            _ => {}
        }
    }
    let said = |name: &str, value: &str| told.contains(&(name.to_owned(), value.to_owned()));
    assert!(said("Access", "not-found") && said("Access", "ok"), "{told:?}");
    assert!(said("Node", "") && said("Node", &node), "{told:?}");
}

#[tokio::test]
async fn an_owner_is_told_as_a_change() {
    let lane = Lane::open().await;
    let (client, owner) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    let (_, changed) = changes(&client.signal("PropertiesChanged").await);
    assert_eq!(changed, [("Owner".to_owned(), owner.name())]);
    owner.device(BOX, "Release", &()).await.unwrap();
    let (_, changed) = changes(&client.signal("PropertiesChanged").await);
    assert_eq!(changed, [("Owner".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_scan_and_a_fault_are_no_change_of_a_property() {
    let mut shop = Shop::open(2).await;
    let client = shop.client().await;
    shop.scan(1, "4006381333931").await;
    shop.send(1, &[b'x'; 20_000]).await;
    client.fault().await;
    shop.scan(1, "that was too long").await;
    shop.scan(1, "4006381333931").await;
    let [heard] = shop.marker(2, [&client]).await;
    let members: HashSet<String> = heard.iter().map(Signal::member).collect();
    assert_eq!(members, HashSet::from(["Scanned".to_owned()]), "the fault was waited for");
    let device = client.properties(BOX, DEVICE).await.unwrap();
    assert_eq!(device.text("LastFault"), "a frame went past 8192 bytes without an end");
    assert_eq!(client.properties(ROOT, MANAGER).await.unwrap().number("Sequence"), 3);
    let health = client.health(BOX).await;
    assert_eq!((health["events"], health["overlong-frame"]), (2, 1));
}
