//! Many devices, and clients that do not do their part.

use std::collections::HashMap;

use zbus::MessageStream;

use crate::support::client::{Client, SCANNER};
use crate::support::host::{BOX, Shop, soon};

#[tokio::test]
async fn sixty_four_devices_at_once_without_loss() {
    const DEVICES: usize = 64;
    const CODES: usize = 50;
    let mut shop = Shop::open(DEVICES).await;
    let client = shop.client().await;
    for round in 0..CODES {
        for number in 1..=DEVICES {
            shop.scan(number, &format!("code {round} of device {number}")).await;
        }
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    for sequence in 1..=(DEVICES * CODES) as u64 {
        let scan = client.scan().await;
        assert_eq!(scan.sequence, sequence);
        let round = next.entry(scan.path.clone()).or_default();
        assert!(scan.text.starts_with(&format!("code {round} of ")), "{scan:?}");
        *round += 1;
    }
    assert_eq!(next.len(), DEVICES);
}

/// A client that has stopped reading: once 64 messages wait in this stream, zbus reads its socket no
/// more, and the rest waits in the kernel and at the bus.
fn stop_reading(client: &Client) -> MessageStream {
    MessageStream::from(client.connection())
}

#[tokio::test]
async fn a_subscriber_that_never_reads_does_not_stop_others() {
    let mut shop = Shop::open(2).await;
    let (hung, client) = (shop.client().await, shop.client().await);
    let _unread = stop_reading(&hung);
    // Some 6 kB a signal, raw bytes and text: 12 MB, far more than sockets buffer.
    let code = "x".repeat(3_000);
    for round in 0..2_000 {
        shop.scan(1, &format!("{code}{round}")).await;
        let scan = client.scan().await;
        assert!(scan.text.ends_with(&round.to_string()) && scan.text.len() > 3_000);
    }
}

#[tokio::test]
async fn an_owner_that_never_reads_costs_others_nothing_and_is_bounded() {
    const CODES: u64 = 3_000;
    let mut shop = Shop::open(2).await;
    let (hung, client) = (Client::silent(&shop.bus).await, shop.client().await);
    hung.claim(BOX, &[]).await.unwrap();
    let unread = stop_reading(&hung);
    for number in 0..CODES {
        shop.scan(1, &format!("for the owner {number}")).await;
    }
    client.until_sequence(CODES).await;
    shop.scan(2, "for everyone").await;
    client.until_scanned("for everyone").await;
    // It reads again: what was sent comes first, then what was held, all of it in order.
    drop(unread);
    for number in 0..CODES {
        let scan = hung.scan().await;
        assert_eq!(scan.text, format!("for the owner {number}"));
        // Past 1024 without a sign of life the daemon has kept it back.
        assert_eq!(scan.details.has("age-ms"), number >= 1_024, "scan {number}");
    }
}

#[tokio::test]
async fn an_owner_that_answers_no_pings_is_sent_more_when_it_acknowledges() {
    const CODES: u64 = 3_000;
    let mut shop = Shop::open(2).await;
    let (owner, client) = (Client::deaf_to_pings(&shop.bus).await, shop.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    for number in 1..=CODES {
        shop.scan(1, &format!("for the owner {number}")).await;
    }
    client.until_sequence(CODES).await;
    for number in 1..=CODES {
        assert_eq!(owner.scan().await.sequence, number);
        if number % 1_024 == 0 {
            owner.acknowledge(BOX, number).await.unwrap();
        }
    }
}

#[tokio::test]
async fn many_calls_at_once_are_answered_and_scans_go_on() {
    // dbus-daemon lets a client wait for 128 replies.
    const CALLS: usize = 100;
    let mut shop = Shop::open(1).await;
    let client = std::sync::Arc::new(shop.client().await);
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move { client.properties(BOX, SCANNER).await })
        })
        .collect();
    shop.scan(1, "meanwhile").await;
    assert_eq!(client.scan().await.text, "meanwhile");
    for call in calls {
        soon("an answer", call).await.unwrap().unwrap();
    }
}
