//! A card number in a code: to the owner alone, masked, and whole only as the shop's rules let it out.

use std::io::Read as _;

use zbus::OwnedFd;

use crate::support::client::{Client, DEVICE, Failed, Signal};
use crate::support::host::{BOX, Lane};

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

fn holds_number(signal: &Signal) -> bool {
    let text = signal.text();
    text.contains(PAN) || text.contains(TYPED)
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
        assert!(!log.contains(PAN) && !log.contains(TYPED), "{log}");
    }
}

#[tokio::test]
async fn a_gift_card_of_the_shop_s_is_what_it_was() {
    let mut lane = lane("allow-ranges = \"4111\"").await;
    let client = lane.client().await;
    lane.scan(&format!("]Q1{TYPED}")).await;
    let scan = client.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("order-number", TYPED));
    assert!(!scan.unicast);
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
