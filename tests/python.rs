//! Clients that are not ours: a Python library and the command line's bus tools, as integrators use
//! them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal as Unix;
use support::host::{Lane, scanner, soon};
use support::program::Program;
use support::python;
use support::till::Till;
use tillbus::sim::port::VirtualPort;

/// Whether a tool is there; else says that it is not.
fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--help").stdout(Stdio::null()).stderr(Stdio::null());
    let found = command.status().is_ok();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

#[tokio::test]
async fn a_python_client_made_from_introspection_does_everything() {
    let Some(python) = python::interpreter() else { return };
    let mut lane = Lane::open().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/client.py");
    let mut client = Program::start(Command::new(python).arg(script).arg(lane.bus.address()));
    client.writes(&["listening"]).await;
    lane.scan("4006381333931").await;
    client.writes(&["heard the unclaimed scan"]).await;
    client.writes(&["claimed"]).await;
    lane.scan("first").await;
    lane.scan("second").await;
    client.writes(&["has the first"]).await;
    client.writes(&["released"]).await;
    lane.daemon.configure("");
    lane.daemon.signal(Unix::SIGHUP);
    client.writes(&["saw it go"]).await;
    client.ends_well().await;
}

#[tokio::test]
async fn a_python_client_takes_a_card() {
    let Some(python) = python::interpreter() else { return };
    let mut lane = Lane::for_cards("[cards]\nfinancial-cards = \"allow\"\n").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/cards.py");
    let mut client = Program::start(Command::new(python).arg(script).arg(lane.bus.address()));
    client.writes(&["claimed"]).await;
    lane.scan("%B4111111111111111^TEST/CARD^2512201?;4111111111111111=2512201?").await;
    let said = "visa ************1111 2025-12 [('1', 'present'), ('2', 'present')]";
    client.writes(&[said]).await;
    client.writes(&["took ['1', '2']"]).await;
    client.ends_well().await;
}

#[tokio::test]
async fn a_python_client_takes_payments_and_finds_one_again_over_a_crash() {
    let Some(python) = python::interpreter() else { return };
    let mut till = Till::asking("signature = \"ask\"").await;
    till.ready().await;
    till.behave("signature").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/payment.py");
    let mut client = Program::start(Command::new(python).arg(script).arg(till.bus.address()));
    client.writes(&["asked: signature ['yes', 'no']"]).await;
    till.behave("approve").await;
    till.behave("think 2").await;
    client.writes(&["approved 1250 EUR ************0011"]).await;
    client.writes(&["the key for another amount: org.tillbus1.Error.InvalidArgument"]).await;
    client.writes(&["the customer is looking for the card"]).await;
    till.crash().await;
    client.writes(&["found again"]).await;
    client.writes(&["in the end approved 1250"]).await;
    client.ends_well().await;
}

/// A second device comes, the first reads a code, its port goes, and it goes itself.
async fn come_scan_and_go(mut lane: Lane) -> Lane {
    let second = lane.bus.directory().join("lane2");
    let before = std::fs::read_to_string(lane.daemon.configuration()).unwrap();
    lane.daemon.configure(&(before + &scanner("lane2-box", &second)));
    lane.daemon.signal(Unix::SIGHUP);
    let client = lane.client().await;
    client.until_state("/org/tillbus1/device/lane2_2dbox", "absent").await;
    lane.scan("4006381333931").await;
    client.until_scanned("4006381333931").await;
    let _second = VirtualPort::create(Some(&second)).unwrap();
    client.until_state("/org/tillbus1/device/lane2_2dbox", "ready").await;
    lane.daemon.configure("");
    lane.daemon.signal(Unix::SIGHUP);
    lane
}

#[tokio::test]
async fn gdbus_monitor_sees_devices_come_and_go_and_an_unclaimed_scan() {
    if !has("gdbus") {
        return;
    }
    let mut lane = Lane::open().await;
    let mut command = Command::new("gdbus");
    command.args(["monitor", "--address", lane.bus.address(), "--dest", "org.tillbus1"]);
    let mut monitor = Program::start(&mut command);
    // It drops signals for a while after it has said who owns the name, and does not say when it is
    // done with that; so codes are scanned until it shows one.
    soon("gdbus listens", async {
        let client = lane.client().await;
        while !monitor.has_written("is it listening") {
            lane.scan("is it listening").await;
            client.scan().await;
        }
    })
    .await;
    let _lane = come_scan_and_go(lane).await;
    monitor.writes(&["InterfacesAdded", "/org/tillbus1/device/lane2_2dbox"]).await;
    let scan =
        monitor.writes(&["/org/tillbus1/device/lane1_2dbox", "org.tillbus1.Scanner.Scanned"]).await;
    assert!(scan.contains("'ean-13', 'gtin', '4006381333931'"), "{scan}");
    monitor.writes(&["lane2_2dbox", "PropertiesChanged", "'State': <'ready'>"]).await;
    monitor.writes(&["InterfacesRemoved", "/org/tillbus1/device/lane1_2dbox"]).await;
}

#[tokio::test]
async fn busctl_monitor_sees_devices_come_and_go_and_an_unclaimed_scan() {
    if !has("busctl") {
        return;
    }
    let lane = Lane::open().await;
    // It says on standard error that it listens.
    let mut monitor = Program::start(Command::new("sh").args([
        "-c",
        "exec busctl --address=\"$1\" --json=short monitor org.tillbus1 2>&1",
        "sh",
        lane.bus.address(),
    ]));
    monitor.writes(&["Monitoring bus message stream"]).await;
    let _lane = come_scan_and_go(lane).await;
    monitor.writes(&["\"InterfacesAdded\"", "/org/tillbus1/device/lane2_2dbox"]).await;
    let scan = monitor.writes(&["\"Scanned\"", "/org/tillbus1/device/lane1_2dbox"]).await;
    assert!(scan.contains("\"ean-13\",\"gtin\",\"4006381333931\""), "{scan}");
    monitor.writes(&["\"PropertiesChanged\"", "lane2_2dbox", "\"ready\""]).await;
    monitor.writes(&["\"InterfacesRemoved\"", "/org/tillbus1/device/lane1_2dbox"]).await;
}

#[tokio::test]
async fn busctl_understands_what_each_object_says_of_itself() {
    if !has("busctl") {
        return;
    }
    let lane = Lane::open().await;
    let mut busctl = Program::start(
        Command::new("busctl").arg(format!("--address={}", lane.bus.address())).args([
            "introspect",
            "org.tillbus1",
            "/org/tillbus1/device/lane1_2dbox",
        ]),
    );
    busctl.writes(&[".Claim", "method", "a{sv}"]).await;
    busctl.writes(&[".State", "property", "\"ready\"", "emits-change"]).await;
    busctl.writes(&[".Scanned", "signal", "tsssa{sv}"]).await;
    busctl.ends_well().await;
}
