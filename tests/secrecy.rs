//! Nothing that a device sends is in the log, at any level: not in clear, not in hexadecimal, not as
//! a list of numbers, not in base64 and not backwards, whole or in part.
//!
//! Journal and standard error are written from the same records (`tests/journal.rs`), so what is not
//! in one is not in the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod namespace;
mod support;

mod secrecy {
    mod canaries;
    mod everything;
    mod leaks;
    mod memory;
    mod payments;
    mod search;
    mod shop;
}

use std::collections::HashMap;
use std::fmt::Write as _;

use support::client::{Client, DEVICE, MANAGER, ROOT, SCANNER};
use support::host::{BOX, Bus, Daemon, Start, scanner, soon};
use tillbus::secret::wiping::Wiping;
use tillbus::sim::port::VirtualPort;
use zbus::Variant;

/// As the daemon has it: one of the tests here is a daemon.
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

/// A test card number that card schemes publish.
const PAN: &str = "4111111111111111";
/// A text that nothing but this test says.
const MARKER: &str = "Quittenmarmelade";
/// A leak of so many bytes in a row is one.
const PART: usize = 8;

/// How a part of a secret may stand in a text; the text is compared in lower case.
fn forms(part: &[u8]) -> Vec<(&'static str, String)> {
    let each = |separator: &str, write: &dyn Fn(u8) -> String| {
        part.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(separator)
    };
    let hex = |byte: u8| format!("{byte:02x}");
    let backwards: Vec<u8> = part.iter().rev().copied().collect();
    let clear = String::from_utf8_lossy(part).into_owned();
    let mut forms = vec![
        ("clear", clear),
        ("backwards", String::from_utf8_lossy(&backwards).into_owned()),
        ("hexadecimal", each("", &hex)),
        ("hexadecimal with spaces", each(" ", &hex)),
        ("hexadecimal with commas", each(", ", &hex)),
        ("hexadecimal with 0x", each(", ", &|byte| format!("{byte:#04x}"))),
        ("escaped", each("", &|byte| format!("\\x{byte:02x}"))),
        ("numbers", each(", ", &|byte| byte.to_string())),
    ];
    // Where a part begins within base64 is one of three places.
    for shift in 0..3 {
        forms.push(("base64", base64(part, shift)));
    }
    for (_, form) in &mut forms {
        form.make_ascii_lowercase();
    }
    forms
}

/// What base64 has for `part` after `shift` bytes of something else, without the characters that
/// depend on what stands beside it.
fn base64(part: &[u8], shift: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = [vec![0; shift], part.to_vec()].concat();
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digits = bits.chunks_exact(6).map(|six| six.iter().fold(0, |sum, bit| sum * 2 + bit));
    let text: String = digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect();
    text.chars().skip((shift * 8).div_ceil(6)).collect()
}

/// Every form of a part of the secret that the text holds.
fn leaks(text: &str, secret: &str) -> Vec<&'static str> {
    let text = text.to_ascii_lowercase();
    let parts = secret.as_bytes().windows(PART);
    let mut found: Vec<_> = parts
        .flat_map(forms)
        .filter(|(_, form)| text.contains(form.as_str()))
        .map(|(name, _)| name)
        .collect();
    found.dedup();
    found
}

#[track_caller]
fn assert_secret(text: &str) {
    for secret in [PAN, MARKER] {
        let found = leaks(text, secret);
        assert!(found.is_empty(), "{found:?} of {secret} in: {text}");
    }
}

#[test]
fn a_leak_is_found_in_each_form_and_in_part() {
    for secret in [PAN, MARKER] {
        for (name, form) in forms(&secret.as_bytes()[4..4 + PART]) {
            let text = format!("INFO scan data={form} device=\"lane1-box\"");
            assert!(leaks(&text, secret).contains(&name), "{name} is not found");
        }
    }
    let mut text = String::new();
    write!(text, "{:?}", tillbus::protocol::Input::Bytes(MARKER.as_bytes())).unwrap();
    assert_eq!(leaks(&text, MARKER), ["numbers"], "as Debug shows bytes");
    // The encoder against a known value: RFC 4648, section 10.
    assert_eq!(base64(b"foobar", 0), "Zm9vYmFy");
    assert_eq!(base64(b"bar", 3), "YmFy");
    assert_eq!(leaks("WA lorem XF1aXR0ZW5tYXJtZWxhZGU", "lorem ipsum"), [""; 0]);
    // "x" + MARKER and "xy" + MARKER.
    for text in ["eFF1aXR0ZW5tYXJtZWxhZGU=", "eHlRdWl0dGVubWFybWVsYWRl"] {
        assert_eq!(leaks(text, MARKER), ["base64"], "{text}");
    }
}

/// Sends the secrets in every way that a scanner can go right or wrong, then hangs up in the middle
/// of a code.
async fn say_everything(mut port: VirtualPort) {
    let secret = format!("{PAN}{MARKER}");
    let long = secret.repeat(20);
    let lines = [
        format!("]Q1{secret}\r"),
        format!("]Q1{MARKER}\r"),
        format!("]E0{secret}\r"),
        format!("]C1{PAN}\r"),
        format!("]Q1\u{1b}[2J\0{secret}\r"),
        format!("]Q1https://example.com/{secret}\r"),
        // Without the identifier that the configuration asks for: malformed.
        format!("{secret}\r"),
        // Past `max-length`: overlong.
        format!("]Q1{long}\r"),
        // The same again: a duplicate.
        format!("]Q1{secret}\r"),
        format!("]Q1{secret}\r"),
    ];
    for line in lines {
        soon("the port takes bytes", port.send(line.as_bytes())).await.unwrap();
    }
    let binary = [b"]d1\xff\xfe".as_slice(), secret.as_bytes(), b"\xff\r"].concat();
    soon("the port takes bytes", port.send(&binary)).await.unwrap();
    // As replies of an engine begin, garbled; nothing for other scanners.
    let reply = [b"\x02\x00\x00\x08".as_slice(), &secret.as_bytes()[..8], b"xx\r"].concat();
    soon("the port takes bytes", port.send(&reply)).await.unwrap();
    soon("the port takes bytes", port.send(format!("]Q1{secret}").as_bytes())).await.unwrap();
    port.hang_up().await;
}

/// Calls with the secrets as arguments: clients err, too.
async fn ask_everything(client: &Client, path: &str) {
    let options = HashMap::from([(PAN, Variant::from(MARKER))]);
    let _ = client.device(path, "Claim", &(options,)).await.unwrap_err();
    let _ = client.call_raw(ROOT, MANAGER, "FindTransaction", &(PAN,)).await.unwrap_err();
    for member in ["Settle", "Indicate"] {
        let _ = client.call_raw(path, SCANNER, member, &(1_u64, PAN)).await.unwrap_err();
        let _ = client.call_raw(path, SCANNER, member, &(1_u64, MARKER)).await.unwrap_err();
    }
    let _ = client.call_raw(path, DEVICE, MARKER, &()).await;
    let _ = client.replay(PAN, 0, 1000).await.unwrap();
}

#[tokio::test]
async fn what_a_device_sends_is_not_in_the_log() {
    let bus = Bus::start();
    let paths = [bus.directory().join("lane1"), bus.directory().join("lane2")];
    let ports = [
        VirtualPort::create(Some(&paths[0])).unwrap(),
        VirtualPort::create(Some(&paths[1])).unwrap(),
    ];
    let strict = "[device.protocol]\naim = \"required\"\nmax-length = 256\n";
    let configuration = scanner("lane1-box", &paths[0])
        + strict
        + &scanner("lane2-box", &paths[1]).replace("generic-line-scanner", "grow-gm65");
    let start = Start { log: "trace", ..Start::with(&configuration) };
    let daemon = Daemon::start_with(&bus, &start).await;
    let (owner, client) = (Client::connect(&bus).await, Client::connect(&bus).await);
    let second = "/org/tillbus1/device/lane2_2dbox";
    for path in [BOX, second] {
        client.until_state(path, "ready").await;
    }
    // One device's scans are held for its owner, the other's are broadcast.
    owner.claim(BOX, &[("credit", 1)]).await.unwrap();
    let [first_port, second_port] = ports;
    say_everything(first_port).await;
    say_everything(second_port).await;
    for path in [BOX, second] {
        client.until_state(path, "absent").await;
        ask_everything(&client, path).await;
    }
    let newest = owner.properties(ROOT, MANAGER).await.unwrap().number("Sequence");
    owner.acknowledge(BOX, newest).await.unwrap();
    owner.device(BOX, "Clear", &()).await.unwrap();
    // It was all said: to those who may hear it, and wrong in every way it could be.
    let events = client.replay("", 0, 1000).await.unwrap().events;
    let texts = events.iter().filter(|event| event.has("text")).map(|event| event.text("text"));
    let heard: Vec<&str> = texts.collect();
    assert!(heard.iter().any(|text| text.contains(MARKER)), "{heard:?}");
    // What holds a card number is for an owner alone, and even then masked.
    assert!(!heard.iter().any(|text| text.contains(PAN)), "{heard:?}");
    assert!(events.iter().filter(|event| event.has("withheld")).count() >= 5, "{events:?}");
    let health = client.health(BOX).await;
    for fault in ["partial-frame", "overlong-frame", "malformed-frame"] {
        assert!(health[fault] > 0, "there was no {fault}: {health:?}");
    }
    // What everybody may read tells nothing either.
    for (path, interfaces) in client.objects().await {
        assert_secret(&format!("{path} {interfaces:?}"));
    }
    for signal in client.left_over().iter().filter(|signal| signal.member() != "Scanned") {
        assert_secret(&format!("{} {signal:?}", signal.text()));
    }
    let log = daemon.terminate().await;
    // The search finds what is there.
    assert!(leaks(&log, "lane1-box").contains(&"clear"), "{log}");
    assert!(log.contains("partial-frame") && log.contains("sequence="), "{log}");
    assert_secret(&log);
}
