//! Payment codes and what says who somebody is: to the owner alone, for as long as they are good.
//!
//! What takes longer than a test may (a life of a minute, thirty seconds to take) is tested with a
//! clock of its own in `daemon::confidential`.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use tillbus::sim::port::VirtualPort;
use zbus::{OwnedFd, Variant};

use crate::support::client::{Client, DEVICE, Failed, SCANNER, Scan, Signal};
use crate::support::host::{BOX, Bus, Daemon, Lane, Start, payment_box, soon};

/// From integrators' examples of the parameter `auth_code`.
const WECHAT: &str = "135112298638468293";
const ALIPAY: &str = "289431869362714645";
/// From the code format specification of Alipay+.
const ALIPAY_PLUS: &str = "251001020123456789012345";
/// The README of the repository `dongri/emv-qrcode`.
const CARD: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
/// GB 11643-1999, Annex A.
const PERSON: &str = "11010519491231002X";

fn named(code: &str) -> String {
    format!("]Q1{code}")
}

async fn settle(client: &Client, sequence: u64, verdict: &str) -> Result<(), Failed> {
    client.call_raw(BOX, SCANNER, "Settle", &(sequence, verdict)).await.map(drop)
}

async fn indicate(client: &Client, sequence: u64, verdict: &str) -> Result<(), Failed> {
    client.call_raw(BOX, SCANNER, "Indicate", &(sequence, verdict)).await.map(drop)
}

async fn take(client: &Client, sequence: u64) -> Result<String, Failed> {
    let pipe: OwnedFd = client.call(BOX, DEVICE, "Take", &(sequence,)).await?;
    let mut text = String::new();
    std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut text).unwrap();
    Ok(text)
}

async fn claim_for_one_code(client: &Client) {
    let options = HashMap::from([("until", Variant::from("one-payment-code"))]);
    client.device(BOX, "Claim", &(options,)).await.unwrap();
}

/// How often a code came before, and what became of it.
fn seen_before(scan: &Scan) -> (u64, String) {
    let Variant::Dict(before) = scan.details.get("seen-before") else {
        panic!("no dictionary: {:?}", scan.details);
    };
    let before: HashMap<String, zbus::OwnedVariant> =
        Variant::from(before.try_clone().unwrap()).try_into().unwrap();
    let count = u64::try_from(&*before["count"]).unwrap();
    assert!(u64::try_from(&*before["first"]).unwrap() > 1_600_000_000_000_000);
    (count, String::try_from(before["verdict"].clone()).unwrap())
}

/// Waits for the word that an event was for somebody else; that was all there was to hear of it.
async fn heard_nothing_of(client: &Client, sequence: u64, code: &str) {
    let (of, kind): (u64, String) = client.signal("Withheld").await.body();
    assert_eq!((of, kind.as_str()), (sequence, "payment-code"));
    let heard = client.left_over();
    assert!(!heard.iter().any(|signal| signal.member() == "Scanned"), "{heard:?}");
    assert!(!heard.iter().any(|signal| signal.text().contains(code)), "{heard:?}");
}

#[tokio::test]
async fn a_payment_code_goes_to_its_owner_and_the_others_hear_that_it_was() {
    let mut lane = Lane::for_payments("").await;
    let (owner, other) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(&named(WECHAT)).await;
    let scan = owner.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("payment-code", WECHAT));
    assert!(scan.unicast && scan.details.bytes("raw") == WECHAT.as_bytes());
    assert_eq!(
        (scan.details.text("wallet"), scan.details.text("confidence")),
        ("wechat-pay", "likely")
    );
    let (received, expires) =
        (scan.details.number("received"), scan.details.number("expires-latest"));
    assert_eq!(expires - received, 60_000_000);
    assert!(!scan.details.has("seen-before") && !scan.details.has("age-ms"));
    heard_nothing_of(&other, 1, WECHAT).await;
    let replayed = other.replay("", 0, 10).await.unwrap();
    assert_eq!(replayed.events[0].names(), ["sequence", "withheld"]);
    let replayed = owner.replay("", 0, 10).await.unwrap();
    assert_eq!(replayed.events[0].text("text"), WECHAT);
    assert!(replayed.events[0].has("age-ms"));

    lane.scan(&named(ALIPAY_PLUS)).await;
    let scan = owner.scan().await;
    assert_eq!(scan.details.text("wallet"), "alipay-plus");
    assert_eq!(scan.details.text("code-issuer"), "251001");
    assert!(!scan.details.has("expires-latest"), "nobody documents it");
}

#[tokio::test]
async fn whoever_listens_in_hears_no_more_than_the_others() {
    let mut lane = Lane::for_payments("").await;
    let (owner, listener) = (lane.client().await, lane.client().await);
    let bus = "org.freedesktop.DBus";
    let rule = "type='signal',eavesdrop='true'";
    let connection = listener.connection();
    connection.call_method(Some(bus), "/", Some(bus), "AddMatch", &(rule,)).await.unwrap();
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(WECHAT).await;
    assert_eq!(owner.scan().await.text, WECHAT);
    heard_nothing_of(&listener, 1, WECHAT).await;
}

#[tokio::test]
async fn without_an_owner_a_payment_code_is_wiped_and_the_reason_told() {
    let mut lane = Lane::for_payments("").await;
    let client = lane.client().await;
    lane.scan(WECHAT).await;
    let fault = client.fault().await;
    assert_eq!((fault.kind.as_str(), fault.details.number("sequence")), ("unclaimed", 1));
    assert_eq!(fault.details.number("signalled"), 0);
    assert!(fault.message.contains("nobody has claimed the device"), "{}", fault.message);
    assert!(fault.message.ends_with("the device cannot tell the customer"), "{}", fault.message);
    heard_nothing_of(&client, 1, WECHAT).await;
    // Nor is it for who comes later.
    client.claim(BOX, &[]).await.unwrap();
    let page = client.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].names(), ["sequence", "withheld"]);
    let failed = settle(&client, 1, "used").await;
    failed.expect("the owner may say what it knows");
    assert!(take(&client, 1).await.is_err_and(|failed| failed.name == "Expired"));
}

/// Waits until the device has been sent so many more commands of two bytes each.
async fn commands(port: &mut VirtualPort, count: usize) -> Vec<u8> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
    while heard.len() < 2 * count {
        let more = soon("a command", port.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..more]);
    }
    heard
}

#[tokio::test]
async fn a_box_that_can_tells_the_customer_that_nobody_answers() {
    let sounds = "[device.protocol.commands]\ngood = \"0x07 G\"\nbad = \"0x07 B\"\n";
    let mut lane = Lane::for_payments(sounds).await;
    let owner = lane.client().await;
    lane.scan(WECHAT).await;
    assert_eq!(commands(&mut lane.port, 1).await, b"\x07B", "no owner");
    assert_eq!(owner.fault().await.details.number("signalled"), 1);
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(ALIPAY).await;
    let fault = owner.fault().await;
    assert_eq!((fault.kind.as_str(), fault.details.number("sequence")), ("unanswered", 2));
    assert_eq!(commands(&mut lane.port, 1).await, b"\x07B", "no answer");
    lane.scan(ALIPAY_PLUS).await;
    owner
        .take("the third", |signal| signal.member() == "Scanned" && signal.scan().sequence == 3)
        .await;
    indicate(&owner, 3, "good").await.unwrap();
    assert_eq!(commands(&mut lane.port, 1).await, b"\x07G", "answered");
    // The fourth is left unanswered: whatever had become of the third would have come before.
    lane.scan("280000000000000000").await;
    let fault = owner.fault().await;
    assert_eq!((fault.kind.as_str(), fault.details.number("sequence")), ("unanswered", 4));
    assert_eq!(commands(&mut lane.port, 1).await, b"\x07B");
}

/// A packet of the Simple Serial Interface: its length, opcode, source, status and data, and the two's
/// complement of their sum.
fn packet(opcode: u8, source: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(4 + data.len()).unwrap();
    let mut packet = [&[length, opcode, source, 0][..], data].concat();
    let sum: u16 = packet.iter().map(|byte| u16::from(*byte)).sum();
    packet.extend(sum.wrapping_neg().to_be_bytes());
    packet
}

#[tokio::test]
async fn a_zebra_scanner_beeps_where_nobody_may_have_the_code() {
    let (decode_data, ack, beep) = (0xF3, 0xD0, 0xE6);
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let configuration =
        payment_box("lane1-box", &path).replace("generic-line-scanner", "zebra-ssi");
    let _daemon = Daemon::start(&bus, &configuration).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    // Its type 1C is QR.
    let code = packet(decode_data, 0, &[b"\x1C", WECHAT.as_bytes()].concat());
    soon("the port takes bytes", port.send(&code)).await.unwrap();
    let fault = client.fault().await;
    assert_eq!((fault.kind.as_str(), fault.details.number("signalled")), ("unclaimed", 1));
    let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
    while heard.len() < 13 {
        let more = soon("the scanner is told", port.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..more]);
    }
    let (first, second) = heard.split_at(6);
    assert_eq!(first, packet(ack, 4, &[]));
    assert_eq!(second, packet(beep, 4, &second[4..5]), "a beep of some kind");
}

#[tokio::test]
async fn a_code_that_comes_again_says_so_over_a_crash_of_the_daemon() {
    let mut lane = Lane::for_payments("").await;
    let state = lane.bus.directory().join("state");
    std::fs::create_dir(&state).unwrap();
    let start =
        Start { state: Some(state.clone()), ..Start::with(&payment_box("lane1-box", &lane.path)) };
    let owner = lane.client().await;
    lane.daemon = {
        lane.daemon.terminate().await;
        Daemon::start_with(&lane.bus, &start).await
    };
    owner.until_state(BOX, "ready").await;
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(WECHAT).await;
    assert!(!owner.scan().await.details.has("seen-before"));
    // Another code between them: the same at once is the same event.
    lane.scan(ALIPAY).await;
    lane.scan(WECHAT).await;
    assert_eq!(owner.scan().await.text, ALIPAY);
    let again = owner.scan().await;
    assert_eq!(seen_before(&again), (1, "none".to_owned()));
    settle(&owner, again.sequence, "used").await.unwrap();
    // The first attempt's answer comes last, and takes nothing back.
    settle(&owner, 1, "unused").await.unwrap();

    lane.daemon.crash().await;
    let kept = std::fs::read_to_string(state.join("seen")).unwrap();
    assert!(!kept.contains(WECHAT) && !kept.contains(ALIPAY), "{kept}");
    let codes = kept.lines().skip(1).map(|line| line.split_once(' ').unwrap().0);
    let codes: std::collections::BTreeSet<&str> = codes.collect();
    assert_eq!(codes.len(), 2, "{kept}");
    let mode = std::fs::metadata(state.join("seen")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    lane.daemon = Daemon::start_with(&lane.bus, &start).await;
    owner.until_state(BOX, "ready").await;
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(WECHAT).await;
    assert_eq!(seen_before(&owner.scan().await), (2, "used".to_owned()));
}

#[tokio::test]
async fn a_claim_for_one_payment_code_ends_with_it() {
    let mut lane = Lane::for_payments("").await;
    let owner = lane.client().await;
    claim_for_one_code(&owner).await;
    lane.scan("a text first").await;
    assert_eq!(owner.scan().await.text, "a text first");
    lane.scan(WECHAT).await;
    assert_eq!(owner.scan().await.text, WECHAT);
    let reason: String = owner.signal("ClaimLost").await.body();
    assert_eq!(reason, "one-payment-code");
    assert_eq!(owner.properties(BOX, DEVICE).await.unwrap().text("Owner"), "");
    settle(&owner, 2, "used").await.expect("the sale goes on");
    // The next customer's code needs a claim of its own.
    lane.scan(ALIPAY).await;
    assert_eq!(owner.fault().await.kind, "unclaimed");
}

#[tokio::test]
async fn a_phone_left_before_the_box_gives_one_event() {
    let mut lane = Lane::for_payments("").await;
    let owner = lane.client().await;
    owner.claim(BOX, &[]).await.unwrap();
    for _ in 0..5 {
        lane.scan(WECHAT).await;
    }
    owner.until_health(BOX, "repeated", 4).await;
    lane.scan(ALIPAY).await;
    assert_eq!(owner.scan().await.text, WECHAT);
    assert_eq!(owner.scan().await.text, ALIPAY);
    lane.scan(WECHAT).await;
    assert_eq!(seen_before(&owner.scan().await), (5, "none".to_owned()));
}

#[tokio::test]
async fn a_code_older_than_its_owner_wants_does_not_come_and_is_reported() {
    let mut lane = Lane::for_payments("").await;
    let owner = lane.client().await;
    owner.claim(BOX, &[("credit", 1), ("max-age", 0)]).await.unwrap();
    lane.scan(WECHAT).await;
    lane.scan(ALIPAY).await;
    assert_eq!(owner.scan().await.text, WECHAT);
    owner.until_sequence(2).await;
    owner.acknowledge(BOX, 1).await.unwrap();
    let of_second =
        |signal: &Signal| signal.member() == "Fault" && signal.text().contains("expired");
    let (_, message, _): (String, String, crate::support::client::Dict) =
        owner.take("the second expires", of_second).await.body();
    assert!(message.contains("scan it again"), "{message}");
    // It has taken nobody's place.
    lane.scan(ALIPAY_PLUS).await;
    assert_eq!(owner.scan().await.text, ALIPAY_PLUS);
    assert!(!owner.left_over().iter().any(|signal| signal.text().contains(ALIPAY)));
}

#[tokio::test]
async fn what_clear_has_wiped_comes_neither_by_signal_nor_by_replay() {
    let mut lane = Lane::for_payments("").await;
    let owner = lane.client().await;
    owner.claim(BOX, &[("credit", 1)]).await.unwrap();
    for code in [WECHAT, ALIPAY] {
        lane.scan(code).await;
    }
    owner.scan().await;
    owner.until_sequence(2).await;
    owner.device(BOX, "Clear", &()).await.unwrap();
    let page = owner.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].text("text"), WECHAT, "that had been sent");
    assert_eq!(page.events[1].names(), ["sequence", "withheld"]);
    lane.scan(ALIPAY_PLUS).await;
    assert_eq!(owner.scan().await.text, ALIPAY_PLUS);
}

#[tokio::test]
async fn a_consumer_presented_code_is_masked_and_taken_once_by_its_owner() {
    let mut lane = Lane::for_payments("").await;
    let (owner, other) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(&named(CARD)).await;
    let scan = owner.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("payment-code", "************3458"));
    assert!(scan.unicast && !scan.details.has("raw"));
    assert_eq!((scan.details.text("wallet"), scan.details.text("confidence")), ("emv", "certain"));
    let told = format!("{:?}", scan.details);
    assert!(told.contains("A0000000555555") && told.contains("Product2"), "{told}");
    heard_nothing_of(&other, 1, CARD).await;
    assert!(take(&other, 1).await.is_err_and(|failed| failed.name == "NotOwner"));
    assert_eq!(take(&owner, 1).await.unwrap(), CARD);
    assert!(take(&owner, 1).await.is_err_and(|failed| failed.name == "Expired"), "a second time");
    let page = owner.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].names(), ["sequence", "withheld"], "it is gone");
    settle(&owner, 1, "used").await.expect("what became of it can be told all the same");
    // Without a claim of its own nobody takes anything, the owner of before included.
    owner.device(BOX, "Release", &()).await.unwrap();
    assert!(take(&other, 1).await.is_err_and(|failed| failed.name == "NotClaimed"));
}

#[tokio::test]
async fn on_a_device_for_goods_digits_are_text_and_identity_numbers_are_not() {
    let mut lane = Lane::open().await;
    let (owner, other) = (lane.client().await, lane.client().await);
    lane.scan(&named(WECHAT)).await;
    let scan = other.scan().await;
    assert_eq!((scan.content.as_str(), scan.unicast), ("text", false));
    lane.scan(PERSON).await;
    let (sequence, kind): (u64, String) = other.signal("Withheld").await.body();
    assert_eq!((sequence, kind.as_str()), (2, "national-id"));
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(PERSON).await;
    let scan = owner
        .take("the number", |signal| signal.member() == "Scanned" && signal.scan().sequence == 3);
    let scan = scan.await.scan();
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("national-id", "****************2X"));
    assert!(scan.unicast && !scan.details.has("raw"));
    assert_eq!(scan.details.text("country"), "CN");
    other.signal("Withheld").await;
    assert!(!other.left_over().iter().any(|signal| signal.text().contains(&PERSON[..16])));
    assert!(take(&owner, 3).await.is_err_and(|failed| failed.name == "Unsupported"));
}

#[tokio::test]
async fn a_licence_is_one_event_masked_although_it_holds_line_ends() {
    let mut lane = Lane::open().await;
    let (owner, other) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    // AAMVA 2020, Annex D, shortened.
    let licence = "@\n\x1e\rANSI 636000100102DL00410030ZV00710008DLDAQT64235789\nDCSSAMPLE\nDDEN\r\
                   ZVZVA01\r";
    lane.scan(&format!("]L0{licence}")).await;
    let scan = owner.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("licence", "********"));
    assert_eq!((scan.sequence, scan.details.text("issuer")), (1, "636000"));
    assert!(scan.unicast && !scan.details.has("raw"));
    let (_, kind): (u64, String) = other.signal("Withheld").await.body();
    assert_eq!(kind, "licence");
    lane.scan("4006381333931").await;
    assert_eq!(owner.scan().await.text, "4006381333931");
    let heard = [owner.left_over(), other.left_over()].concat();
    assert!(!heard.iter().any(|signal| signal.text().contains("SAMPLE")), "{heard:?}");
}
