//! Calls that fail: each decision has its name.

use std::collections::HashMap;

use tillbus::sim::port::VirtualPort;
use zbus::Variant;

use crate::support::client::{Client, DEVICE, Failed, MANAGER, ROOT, SCANNER};
use crate::support::host::{BOX, Bus, Daemon, Lane, Shop, Start, scanner, soon};

#[track_caller]
fn assert_failed<T>(result: Result<T, Failed>, name: &str, words: &str) {
    let Err(failed) = result else { panic!("no {name}") };
    assert_eq!(failed.name, name, "{}", failed.message);
    assert!(failed.message.contains(words), "{:?} does not say {words:?}", failed.message);
}

async fn claim_with(client: &Client, name: &str, value: Variant<'_>) -> Result<(), Failed> {
    client.device(BOX, "Claim", &(HashMap::from([(name, value)]),)).await
}

#[tokio::test]
async fn a_device_that_nobody_has_claimed() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    for member in ["Retain", "Release", "Clear"] {
        assert_failed(client.device(BOX, member, &()).await, "NotClaimed", "claim the device");
    }
    assert_failed(client.acknowledge(BOX, 0).await, "NotClaimed", "claim the device");
    let call = client.call_raw(BOX, SCANNER, "Trigger", &(true,)).await;
    assert_failed(call, "NotClaimed", "claim the device");
}

#[tokio::test]
async fn a_device_that_another_client_has() {
    let mut lane = Lane::open().await;
    let (owner, client) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan("for the owner").await;
    owner.scan().await;
    for member in ["Retain", "Release", "Clear"] {
        assert_failed(client.device(BOX, member, &()).await, "NotOwner", "another client");
    }
    assert_failed(client.acknowledge(BOX, 1).await, "NotOwner", "another client");
    assert_failed(client.claim(BOX, &[]).await, "AlreadyClaimed", "has kept it");
    for (interface, member) in [(SCANNER, "Settle"), (SCANNER, "Indicate")] {
        let word = if member == "Settle" { "used" } else { "good" };
        let call = client.call_raw(BOX, interface, member, &(1_u64, word)).await;
        assert_failed(call, "NotOwner", "another client");
    }
    let call = client.call_raw(BOX, DEVICE, "Take", &(1_u64,)).await;
    assert_failed(call, "NotOwner", "another client");
}

#[tokio::test]
async fn wrong_options_of_a_claim() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    let rows = [
        ("wait", Variant::from(20_001_u32), "from 0 to 20000"),
        ("wait", Variant::from(-1), "from 0 to 20000"),
        ("wait", Variant::from("long"), "takes a whole number"),
        ("credit", Variant::from(0_u32), "from 1 to"),
        ("weight", Variant::from(1_u32), "accepted: wait, credit, max-age"),
    ];
    for (name, value, words) in rows {
        assert_failed(claim_with(&client, name, value).await, "InvalidArgument", words);
    }
    // A language picks the type of a whole number, not the person.
    for value in [
        Variant::from(5_u8),
        Variant::from(5_u16),
        Variant::from(5_u32),
        Variant::from(5_u64),
        Variant::from(5_i16),
        Variant::from(5_i32),
        Variant::from(5_i64),
    ] {
        claim_with(&client, "credit", value).await.unwrap();
    }
}

#[tokio::test]
async fn wrong_arguments() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    lane.scan("a code").await;
    client.scan().await;
    assert_failed(client.acknowledge(BOX, 2).await, "InvalidArgument", "the newest is 1");
    for (member, word) in [("Settle", "used"), ("Indicate", "good")] {
        let call = client.call_raw(BOX, SCANNER, member, &(2_u64, word)).await;
        assert_failed(call, "InvalidArgument", "the newest is 1");
        let call = client.call_raw(BOX, SCANNER, member, &(1_u64, "perhaps")).await;
        assert_failed(call, "InvalidArgument", "accepted:");
    }
    let call = client.call_raw(BOX, DEVICE, "Take", &(0_u64,)).await;
    assert_failed(call, "InvalidArgument", "the newest is 1");
    let call = client.call_raw(ROOT, MANAGER, "FindTransaction", &("none",)).await;
    assert_failed(call, "InvalidArgument", "no transaction has the key");
}

#[tokio::test]
async fn what_the_device_or_the_event_does_not_have() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    lane.scan("a code").await;
    client.scan().await;
    for member in ["Trigger", "SetEnabled"] {
        let call = client.call_raw(BOX, SCANNER, member, &(true,)).await;
        assert_failed(call, "Unsupported", "by the host");
    }
    let call = client.call_raw(BOX, SCANNER, "Indicate", &(1_u64, "good")).await;
    assert_failed(call, "Unsupported", "nothing to signal with");
    let call = client.call_raw(BOX, SCANNER, "Settle", &(1_u64, "used")).await;
    assert_failed(call, "InvalidArgument", "no payment code");
    let call = client.call_raw(BOX, DEVICE, "Take", &(1_u64,)).await;
    assert_failed(call, "Unsupported", "no more to this event");
}

#[tokio::test]
async fn an_event_of_another_device_is_not_one_of_this() {
    let mut shop = Shop::open(2).await;
    let client = shop.client().await;
    client.claim(BOX, &[]).await.unwrap();
    shop.scan(2, "elsewhere").await;
    client.scan().await;
    let call = client.call_raw(BOX, DEVICE, "Take", &(1_u64,)).await;
    assert_failed(call, "InvalidArgument", "not one of this device's");
}

/// A scanner that can be triggered, at the object [`BOX`].
fn engine(path: &std::path::Path) -> String {
    scanner("lane1-box", path).replace("generic-line-scanner", "grow-gm65")
}

/// What the engine answers to a command that it has carried out, and to one it has not.
const DONE: [u8; 7] = [0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31];
const TRIGGER: [u8; 9] = [0x7E, 0x00, 0x08, 0x01, 0x00, 0x02, 0x01, 0x02, 0xDA];

async fn commanded(port: &mut VirtualPort) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
    while heard.len() < TRIGGER.len() {
        let count = soon("a command", port.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(heard, TRIGGER);
}

#[tokio::test]
async fn a_device_is_asked_and_its_answer_is_the_call_s() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let _daemon = Daemon::start(&bus, &engine(&path)).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    let capabilities = client.property(BOX, DEVICE, "Capabilities").await;
    assert_eq!(Vec::<String>::try_from(capabilities).unwrap(), ["trigger", "enable"]);
    client.claim(BOX, &[]).await.unwrap();
    let trigger = || client.call_raw(BOX, SCANNER, "Trigger", &(true,));
    let (call, busy) = tokio::join!(trigger(), async {
        commanded(&mut port).await;
        let busy = trigger().await;
        port.send(&DONE).await.unwrap();
        busy
    });
    call.unwrap();
    assert_failed(busy, "DeviceBusy", "busy with another request");
    let (call, ()) = tokio::join!(trigger(), commanded(&mut port));
    assert_failed(call, "Timeout", "did not answer in time");
    assert_eq!(client.fault().await.kind, "no-reply");
    port.send(b"4006381333931\r").await.unwrap();
    let sequence = client.scan().await.sequence;
    let sound = client.call_raw(BOX, SCANNER, "Indicate", &(sequence, "good")).await;
    assert_failed(sound, "Unsupported", "nothing to signal with");
    // The line goes before the answer comes.
    let (call, ()) = tokio::join!(trigger(), async {
        commanded(&mut port).await;
        port.hang_up().await;
    });
    assert_failed(call, "DeviceGone", "went away");
    client.until_state(BOX, "absent").await;
    assert_failed(trigger().await, "NotReady", "absent");
}

/// A box with a screen and commands of its own, at the object [`BOX`].
fn screen(path: &std::path::Path) -> String {
    scanner("lane1-box", path)
        + "[device.protocol]\nencoding = \"gb18030\"\n[device.protocol.commands]\n\
           good = \"BEL\"\nshow = [\"STX\", \"ETX\"]\n"
}

#[tokio::test]
async fn a_device_with_configured_commands_shows_and_sounds() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let _daemon = Daemon::start(&bus, &screen(&path)).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    let capabilities = client.property(BOX, DEVICE, "Capabilities").await;
    assert_eq!(Vec::<String>::try_from(capabilities).unwrap(), ["indicate", "show"]);
    let none = HashMap::<&str, Variant<'_>>::new;
    let show = async |text: &str| client.call_raw(BOX, DEVICE, "Show", &(text, none())).await;
    assert_failed(show("12.50").await, "NotClaimed", "claim the device first");
    client.claim(BOX, &[]).await.unwrap();
    show("12.50 \u{8336}").await.unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
    while heard.last() != Some(&0x03) {
        let count = soon("the text", port.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(heard, b"\x0212.50 \xB2\xE8\x03");
    assert_failed(show("a\rb").await, "InvalidArgument", "a control character");
    assert_failed(show(&"a".repeat(1025)).await, "InvalidArgument", "accepted are up to 1024");
    let options = HashMap::from([("size", Variant::from(2_u32))]);
    let call = client.call_raw(BOX, DEVICE, "Show", &("a", options)).await;
    assert_failed(call, "InvalidArgument", "unknown option `size` of Show");
    let trigger = client.call_raw(BOX, SCANNER, "Trigger", &(true,)).await;
    assert_failed(trigger, "Unsupported", "cannot be triggered");
}

#[tokio::test]
async fn a_claim_outlives_an_unplug() {
    let bus = Bus::start();
    let path = bus.directory().join("nothing");
    let _daemon = Daemon::start(&bus, &engine(&path)).await;
    let client = Client::connect(&bus).await;
    client.claim(BOX, &[]).await.expect("a device that is not there can be claimed");
    let _port = VirtualPort::create(Some(&path)).unwrap();
    client.until_state(BOX, "ready").await;
    let owner = client.property(BOX, DEVICE, "Owner").await;
    assert_eq!(*owner, Variant::from(client.name()));
}

#[tokio::test]
async fn an_object_that_is_not_there() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    let result = client.claim("/org/tillbus1/device/none", &[]).await;
    assert_failed(result, "org.freedesktop.DBus.Error.UnknownObject", "");
}

#[tokio::test]
async fn diagnose_tells_what_is_known_of_the_port() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.scan("4006381333931").await;
    client.scan().await;
    let evidence: Vec<crate::support::client::Dict> =
        client.call(BOX, DEVICE, "Diagnose", &()).await.unwrap();
    let kinds: Vec<_> = evidence.iter().map(|evidence| evidence.text("kind")).collect();
    // A pty has no modem lines and the kernel counts nothing on it.
    assert_eq!(kinds, ["health", "line"]);
    assert_eq!(evidence[0].number("bytes"), 14);
    assert_eq!(evidence[0].number("events"), 1);
    assert_eq!(evidence[1].number("baud"), 9600);
}

#[tokio::test]
async fn a_cable_is_suspected_where_the_line_is_held_and_nothing_is_read() {
    let bus = Bus::start();
    let log = bus.directory().join("held.log");
    let text = "# device: a box\n# source: synthetic\n# note: the line is held low from the start\n~ break\n+ 3600s\n";
    std::fs::write(&log, text).unwrap();
    let client = Client::connect(&bus).await;
    let nowhere = bus.directory().join("nowhere");
    let mut start = Start::with(&scanner("lane1-box", &nowhere));
    start.arguments = vec!["--replay".to_owned(), log.display().to_string()];
    let _daemon = Daemon::start_with(&bus, &start).await;
    assert_eq!(client.fault().await.kind, "break");
    let fault = client.fault().await;
    assert_eq!(fault.kind, "wiring");
    assert!(fault.message.contains("level converter"), "{}", fault.message);
    assert!(fault.message.contains("cable diagnose lane1-box"), "{}", fault.message);

    let evidence: Vec<crate::support::client::Dict> =
        client.call(BOX, DEVICE, "Diagnose", &()).await.unwrap();
    let findings: Vec<_> =
        evidence.iter().filter(|evidence| evidence.text("kind") == "finding").collect();
    assert_eq!(findings[0].text("cause"), "logic-levels");
    assert!(findings.iter().all(|finding| finding.flag("wiring")), "{findings:?}");
    assert!(findings[0].number("percent") > 10);
    let next = evidence.last().unwrap();
    assert_eq!((next.text("kind"), next.text("test")), ("next-test", "light"));
}
