//! The daemon and the bus end and begin again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use nix::sys::signal::Signal as Unix;
use support::client::{Client, DEVICE, MANAGER, ROOT};
use support::host::{BOX, Bus, Daemon, Lane, Start, scanner, soon};
use tillbus::sim::port::VirtualPort;

async fn epoch(client: &Client) -> String {
    client.properties(ROOT, MANAGER).await.unwrap().text("Epoch").to_owned()
}

#[tokio::test]
async fn after_a_crash_a_new_epoch_begins_and_what_came_meanwhile_is_scanned() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    lane.scan("before").await;
    assert_eq!(client.scan().await.text, "before");
    let before = epoch(&client).await;
    let Lane { daemon, mut port, path, bus } = lane;
    daemon.crash().await;
    // The kernel keeps it: the port is the host's, not the daemon's.
    soon("the port takes bytes", port.send(b"meanwhile\r")).await.unwrap();
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    let scan = client.scan().await;
    assert_eq!((scan.text.as_str(), scan.sequence, scan.unicast), ("meanwhile", 1, false));
    let after = epoch(&client).await;
    assert_ne!(before, after);
    // A client that has seen sequence 1 of the epoch before is not told that it has seen this one.
    let page = client.replay(&before, 1, 10).await.unwrap();
    assert_eq!((page.epoch, page.newest), (after, 1));
    assert_eq!(page.events[0].text("text"), "meanwhile");
    let device = client.properties(BOX, DEVICE).await.unwrap();
    assert_eq!((device.text("State"), device.text("Owner")), ("ready", ""));
}

#[tokio::test]
async fn told_to_end_it_closes_its_ports_and_ends_well() {
    let lane = Lane::open().await;
    let Lane { daemon, mut port, path, bus } = lane;
    let log = daemon.terminate().await;
    assert!(!log.contains("ERROR"), "{log}");
    // Nothing of it is left: the next one opens the port and owns the name.
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    soon("the port takes bytes", port.send(b"again\r")).await.unwrap();
    assert_eq!(client.scan().await.text, "again");
}

#[tokio::test]
async fn told_to_end_in_the_middle_of_a_code_it_tells_no_half_of_it() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.send(b"half a c").await;
    client.until_health(BOX, "bytes", 8).await;
    let Lane { daemon, port: _port, .. } = lane;
    daemon.terminate().await;
    assert!(!client.left_over().iter().any(|signal| signal.member() == "Scanned"));
}

#[tokio::test]
async fn without_its_bus_the_daemon_ends_with_an_error() {
    let mut lane = Lane::open().await;
    lane.bus.crash();
    let status = lane.daemon.ended().await;
    assert_eq!(status.code(), Some(1), "the service manager is to start it again");
    let log = lane.daemon.log();
    assert!(log.contains("the bus has closed the connection"), "{log}");
}

#[tokio::test]
async fn where_there_is_no_bus_it_says_so() {
    let mut bus = Bus::start();
    bus.crash();
    let mut daemon = Daemon::spawn(&bus, &Start::with(""));
    assert_eq!(daemon.ended().await.code(), Some(1));
    assert!(daemon.log().contains("cannot connect to the bus"), "{}", daemon.log());
}

#[tokio::test]
async fn a_second_daemon_ends_and_leaves_the_first_its_ports() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let mut second = Daemon::spawn(&lane.bus, &Start::with(&scanner("lane1-box", &lane.path)));
    assert_eq!(second.ended().await.code(), Some(1));
    assert!(second.log().contains("cannot own org.tillbus1"), "{}", second.log());
    assert!(!second.log().contains("device="), "it has opened a port: {}", second.log());
    lane.scan("undisturbed").await;
    assert_eq!(client.scan().await.text, "undisturbed");
    assert_eq!(client.health(BOX).await["opened"], 1);
}

#[tokio::test]
async fn a_wrong_configuration_ends_the_start_with_its_place() {
    let bus = Bus::start();
    let mut daemon = Daemon::spawn(&bus, &Start::with("[[device]]\nname = 7\n"));
    // EX_CONFIG: starting again does not help.
    assert_eq!(daemon.ended().await.code(), Some(78));
    let place = format!("{}:2:8: ", daemon.configuration().display());
    assert!(daemon.log().contains(&place), "{}", daemon.log());
}

#[tokio::test]
async fn sigterm_is_obeyed_while_a_port_cannot_be_opened() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    std::fs::write(&path, "this is no port").unwrap();
    let mut daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    Client::connect(&bus).await.until_state(BOX, "unreachable").await;
    daemon.signal(Unix::SIGTERM);
    assert!(daemon.ended().await.success());
}

#[tokio::test]
async fn a_port_that_hangs_up_while_the_daemon_is_down_is_no_scan() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let port = VirtualPort::create(Some(&path)).unwrap();
    let configuration = scanner("lane1-box", &path);
    let daemon = Daemon::start(&bus, &configuration).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    daemon.crash().await;
    drop(port);
    let daemon = Daemon::start(&bus, &configuration).await;
    daemon.logged("not there").await;
    client.until_state(BOX, "absent").await;
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    soon("the port takes bytes", port.send(b"back\r")).await.unwrap();
    assert_eq!(client.scan().await.text, "back");
}
