//! A card number in a code: to the owner alone, masked, and whole only as the shop's rules let it out.

use std::io::Read as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zbus::OwnedFd;

use crate::support::client::{Client, DEVICE, Failed, SCANNER, Signal};
use crate::support::host::{BOX, Daemon, Lane, Start, payment_box};

/// A number that its scheme publishes for tests, as people type it, and what is left of it.
const TYPED: &str = "4111 1111 1111 1111";
const LINK: &str = "https://shop.example/pay?card=4111111111111111";
const PAN: &str = "4111111111111111";

async fn take(client: &Client, sequence: u64) -> Result<String, Failed> {
    let pipe: OwnedFd = client.call(BOX, DEVICE, "Take", &(sequence,)).await?;
    let mut text = String::new();
    std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut text).unwrap();
    Ok(text)
}

/// A lane with these rules of cards, and a pattern of order numbers that is far too wide.
async fn lane(rules: &str) -> Lane {
    let pattern = "[content]\norder-number = \"[0-9 ]+\"\n";
    Lane::open_with(&format!("[device.cards]\n{rules}\n{pattern}")).await
}

/// Whether a number is in a text, whatever stands between its digits.
fn holds(text: &str, number: &str) -> bool {
    let digits: String =
        text.chars().filter(|one| one.is_ascii_digit() || matches!(one, '*' | '\0')).collect();
    digits.contains(number)
}

fn holds_number(signal: &Signal) -> bool {
    holds(&signal.text(), PAN)
}

#[tokio::test]
async fn unclaimed_it_is_withheld_and_never_broadcast() {
    let mut lane = lane("financial-cards = \"allow\"").await;
    let client = lane.client().await;
    for (sequence, code, kind) in [(1, TYPED, "text"), (2, LINK, "url")] {
        lane.scan(&format!("]Q1{code}")).await;
        let withheld: (u64, String) = client.signal("Withheld").await.body();
        assert_eq!(withheld, (sequence, kind.to_owned()));
    }
    let heard = client.left_over();
    assert!(!heard.iter().any(|signal| signal.member() == "Scanned"), "{heard:?}");
    assert!(!heard.iter().any(holds_number), "{heard:?}");
    // Nor is it for who comes later.
    client.claim(BOX, &[]).await.unwrap();
    for event in client.replay("", 0, 10).await.unwrap().events {
        assert_eq!(event.names(), ["sequence", "withheld"]);
    }
    assert!(take(&client, 1).await.is_err_and(|failed| failed.name == "Expired"));
}

#[tokio::test]
async fn the_owner_gets_masked_text_and_takes_as_the_rules_let_it() {
    for (financial, shown, refused, taken) in [
        ("", "**** **** **** ****", true, false),
        ("financial-cards = \"refuse\"", "**** **** **** ****", true, false),
        ("financial-cards = \"masked\"", "**** **** **** 1111", false, false),
        ("financial-cards = \"allow\"", "**** **** **** 1111", false, true),
    ] {
        let mut lane = lane(financial).await;
        let (owner, other) = (lane.client().await, lane.client().await);
        owner.claim(BOX, &[]).await.unwrap();
        lane.scan(&format!("]Q1{TYPED}")).await;
        let scan = owner.scan().await;
        assert_eq!((scan.content.as_str(), scan.text.as_str()), ("text", shown), "{financial}");
        assert!(scan.unicast && !scan.details.has("raw"), "{financial}");
        assert_eq!(scan.details.has("refused"), refused, "{financial}");
        assert_eq!(scan.details.has("takeable"), taken, "{financial}");
        assert!(!scan.details.has("order-number"), "{financial}");
        match take(&owner, scan.sequence).await {
            Ok(whole) => assert!(taken && whole == TYPED, "{financial}"),
            Err(failed) => assert!(!taken && failed.name == "Unsupported", "{financial}"),
        }
        other.signal("Withheld").await;
        let heard = [owner.left_over(), other.left_over()].concat();
        assert!(!heard.iter().any(holds_number), "{heard:?}");
        let log = lane.daemon.terminate().await;
        assert_eq!(log.contains("card-refused"), refused, "{log}");
        assert!(!holds(&log, PAN), "{log}");
    }
}

#[tokio::test]
async fn a_gift_card_of_the_shop_s_is_what_it_was() {
    let mut lane = lane("allow-ranges = \"41111111\"").await;
    let client = lane.client().await;
    lane.scan(&format!("]Q1{TYPED}")).await;
    let scan = client.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("order-number", TYPED));
    assert!(!scan.unicast);
}

#[tokio::test]
async fn no_part_of_a_number_in_the_place_of_gs1_data_is_sent() {
    for financial in ["", "financial-cards = \"masked\"", "financial-cards = \"allow\""] {
        let mut lane = lane(financial).await;
        let owner = lane.client().await;
        owner.claim(BOX, &[]).await.unwrap();
        for number in [PAN, "2223003122003222", "30569309025904", "3530111333300000"] {
            lane.scan(&format!("]C1{number}")).await;
            let signal = owner.signal("Scanned").await;
            let scan = signal.scan();
            assert_eq!((scan.content.as_str(), scan.unicast), ("gs1", true), "{number}");
            assert!(!scan.details.has("gs1") && !scan.details.has("gs1-hri"), "{number}");
            assert!(!holds(&signal.text(), number), "{number} {financial}");
            // A field without its identifier is most of the number.
            assert!(!holds(&signal.text(), &number[4..]), "{number} {financial}");
        }
    }
}

#[tokio::test]
async fn a_number_that_may_be_a_payment_code_is_masked_taken_and_in_no_file() {
    let mut lane = Lane::for_payments("").await;
    let state = lane.bus.directory().join("state");
    std::fs::create_dir(&state).unwrap();
    let start =
        Start { state: Some(state.clone()), ..Start::with(&payment_box("lane1-box", &lane.path)) };
    let owner = lane.client().await;
    lane.daemon.terminate().await;
    lane.daemon = Daemon::start_with(&lane.bus, &start).await;
    owner.until_state(BOX, "ready").await;
    owner.claim(BOX, &[]).await.unwrap();
    for (sequence, number) in [(1, PAN), (2, "5413330089020011"), (3, PAN)] {
        lane.scan(&format!("]Q1{number}")).await;
        let signal = owner.signal("Scanned").await;
        let scan = signal.scan();
        let shown = format!("************{}", &number[12..]);
        assert_eq!((scan.sequence, scan.content.as_str()), (sequence, "payment-code"));
        assert_eq!(scan.text, shown);
        assert!(scan.details.has("takeable") && !scan.details.has("raw"), "{number}");
        assert!(!scan.details.has("seen-before"), "nothing of it is remembered");
        assert!(!holds(&signal.text(), number), "{number}");
        assert_eq!(take(&owner, sequence).await.unwrap(), number);
        owner.call_raw(BOX, SCANNER, "Settle", &(sequence, "used")).await.unwrap();
    }
    let kept = std::fs::read_to_string(state.join("seen")).unwrap();
    assert_eq!(kept.lines().filter(|line| line.ends_with(" 1 used")).count(), 3, "{kept}");
    let key = kept.lines().next().and_then(|line| line.split(' ').next_back()).unwrap();
    assert!(!kept.contains(&hash(key, PAN)), "it could be tried out");
}

/// What a number would be in the file: its HMAC by the key that is there.
fn hash(key: &str, number: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(&key[at..at + 2], 16).unwrap();
    let key: Vec<u8> = (0..key.len()).step_by(2).map(byte).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(number.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_same_card_at_once_is_marked_and_another_is_not() {
    let mut lane = lane("financial-cards = \"masked\"").await;
    let owner = lane.client().await;
    owner.claim(BOX, &[]).await.unwrap();
    for (number, duplicate) in [(PAN, false), (PAN, true), ("5413330089020011", false)] {
        lane.scan(&format!("]Q1{number}")).await;
        assert_eq!(owner.scan().await.details.has("duplicate"), duplicate, "{number}");
    }
}

#[tokio::test]
async fn of_numbers_that_are_kept_back_none_is_known_again() {
    let mut lane = lane("financial-cards = \"refuse\"").await;
    let owner = lane.client().await;
    owner.claim(BOX, &[]).await.unwrap();
    for number in [PAN, "5413330089020011", PAN] {
        lane.scan(&format!("]Q1{number}")).await;
        let scan = owner.scan().await;
        assert!(scan.details.has("refused") && !scan.details.has("duplicate"), "{number}");
    }
}
