//! Configuration read again while the daemon runs.

use nix::sys::signal::Signal as Unix;
use tillbus::sim::port::VirtualPort;

use crate::support::client::{Client, DEVICE, Failed, MANAGER, ROOT, SCANNER};
use crate::support::host::{BOX, Lane, scanner, soon};

const SECOND: &str = "/org/tillbus1/device/lane2_2dbox";

async fn reload(client: &Client) -> Result<(), Failed> {
    client.call_raw(ROOT, MANAGER, "Reload", &()).await.map(drop)
}

async fn opened(client: &Client) -> u64 {
    client.health(BOX).await["opened"]
}

#[tokio::test]
async fn a_device_that_did_not_change_keeps_its_claim_and_its_port() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    let second = lane.bus.directory().join("lane2");
    let _port = VirtualPort::create(Some(&second)).unwrap();
    let before = std::fs::read_to_string(lane.daemon.configuration()).unwrap();
    lane.daemon.configure(&(scanner("lane2-box", &second) + "\n# moved down\n" + &before));
    lane.send(b"half a ").await;
    client.until_health(BOX, "bytes", 7).await;
    reload(&client).await.unwrap();
    let added = client.signal("InterfacesAdded").await;
    assert_eq!(added.path(), ROOT);
    let (path, _): (zbus::OwnedObjectPath, std::collections::HashMap<String, _>) =
        added.body::<(_, std::collections::HashMap<String, crate::support::client::Dict>)>();
    assert_eq!(path.as_str(), SECOND);
    client.until_state(SECOND, "ready").await;
    lane.send(b"code\r").await;
    let scan = client.scan().await;
    assert_eq!((scan.text.as_str(), scan.unicast), ("half a code", true));
    assert_eq!(opened(&client).await, 1);
}

#[tokio::test]
async fn a_device_that_is_no_longer_configured_goes_and_its_owner_is_told() {
    let mut lane = Lane::open().await;
    let (client, waiting) = (lane.client().await, lane.client().await);
    client.claim(BOX, &[]).await.unwrap();
    lane.scan("kept").await;
    client.scan().await;
    let removal = async {
        client.signal("ReleaseRequested").await;
        client.device(BOX, "Retain", &()).await.unwrap();
        lane.daemon.configure("");
        reload(&client).await.unwrap();
    };
    let (claim, ()) = tokio::join!(waiting.claim(BOX, &[("wait", 20_000)]), removal);
    assert_eq!(claim.unwrap_err().name, "DeviceGone");
    let lost = client.signal("ClaimLost").await;
    assert_eq!((lost.body::<String>(), lost.is_unicast()), ("device-gone".to_owned(), true));
    let mut gone = Vec::new();
    while gone.len() < 2 {
        let removed = client.signal("InterfacesRemoved").await;
        let (path, interfaces): (zbus::OwnedObjectPath, Vec<String>) = removed.body();
        assert_eq!(path.as_str(), BOX);
        gone.extend(interfaces.into_iter().filter(|name| name.starts_with("org.tillbus1.")));
    }
    gone.sort_unstable();
    assert_eq!(gone, [DEVICE, SCANNER]);
    assert!(!client.objects().await.contains_key(BOX));
    // What it said before can still be heard.
    assert_eq!(client.replay("", 0, 10).await.unwrap().events[0].text("text"), "kept");
}

#[tokio::test]
async fn a_device_whose_settings_changed_is_a_new_one() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let before = std::fs::read_to_string(lane.daemon.configuration()).unwrap();
    lane.daemon.configure(&before.replace("lane = \"1\"", "lane = \"7\""));
    reload(&client).await.unwrap();
    client.signal("InterfacesRemoved").await;
    client.signal("InterfacesAdded").await;
    client.until_state(BOX, "ready").await;
    lane.scan("4006381333931").await;
    assert_eq!(client.scan().await.details.text("lane"), "7");
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_its_place_and_the_one_in_force_stays() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let before = std::fs::read_to_string(lane.daemon.configuration()).unwrap();
    lane.daemon.configure(&before.replace("role = \"goods\"", "rôle = \"goods\""));
    let error = reload(&client).await.unwrap_err();
    assert_eq!(error.name, "ConfigurationInvalid");
    // TOML does not take that letter in a bare key.
    let place = format!("{}:4:", lane.daemon.configuration().display());
    assert!(error.message.starts_with(&place), "{}", error.message);
    lane.daemon.configure(&before.replace("role = \"goods\"", "role = \"groceries\""));
    let error = reload(&client).await.unwrap_err();
    let place = format!("{}:4:8:", lane.daemon.configuration().display());
    assert!(error.message.starts_with(&place), "{}", error.message);
    assert!(error.message.contains("accepted: both, goods, payment"), "{}", error.message);
    // Two devices of one port would fight over it.
    let twin = before.replace("lane1-box", "lane1-twin");
    lane.daemon.configure(&(before.clone() + &twin));
    let error = reload(&client).await.unwrap_err();
    assert!(error.message.contains("accepted is a port of its own"), "{}", error.message);
    lane.scan("still there").await;
    assert_eq!(client.scan().await.text, "still there");
    assert_eq!(opened(&client).await, 1);
    assert_eq!(client.left_over().len(), 0, "nothing has changed");
}

#[tokio::test]
async fn sighup_reads_the_configuration_too() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let before = std::fs::read_to_string(lane.daemon.configuration()).unwrap();
    lane.daemon.configure("[[device]]\nname = 7\n");
    lane.daemon.signal(Unix::SIGHUP);
    lane.daemon.logged("configuration not loaded").await;
    let place = format!("{}:2:8", lane.daemon.configuration().display());
    lane.daemon.logged(&place).await;
    lane.scan("still there").await;
    assert_eq!(client.scan().await.text, "still there");
    let second = lane.bus.directory().join("lane2");
    let _port = VirtualPort::create(Some(&second)).unwrap();
    lane.daemon.configure(&(before + &scanner("lane2-box", &second)));
    lane.daemon.signal(Unix::SIGHUP);
    client.until_state(SECOND, "ready").await;
    assert_eq!(opened(&client).await, 1);
    soon("the configuration's name", lane.daemon.logged("configuration loaded")).await;
}
