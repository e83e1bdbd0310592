//! What was said before, for those who were not listening.

use zbus::Variant;

use crate::support::client::{Dict, MANAGER, ROOT};
use crate::support::host::{BOX, Shop};

fn sequences(events: &[Dict]) -> Vec<u64> {
    events.iter().map(|event| event.number("sequence")).collect()
}

#[tokio::test]
async fn events_come_in_pages_after_the_last_seen() {
    let mut shop = Shop::open(1).await;
    let client = shop.client().await;
    for code in ["first", "second", "third", "fourth", "fifth"] {
        shop.scan(1, code).await;
    }
    client.until_sequence(5).await;
    let epoch = client.properties(ROOT, MANAGER).await.unwrap().text("Epoch").to_owned();
    let (mut after, mut texts) = (0, Vec::new());
    loop {
        let page = client.replay(&epoch, after, 2).await.unwrap();
        assert_eq!((page.epoch.as_str(), page.newest), (epoch.as_str(), 5));
        assert!(page.events.len() <= 2);
        texts.extend(page.events.iter().map(|event| event.text("text").to_owned()));
        after = *sequences(&page.events).last().unwrap();
        assert_eq!(page.more, after < 5);
        if !page.more {
            break;
        }
    }
    assert_eq!(texts, ["first", "second", "third", "fourth", "fifth"]);
    let page = client.replay(&epoch, 5, 1000).await.unwrap();
    assert!(page.events.is_empty() && !page.more);
}

#[tokio::test]
async fn another_epoch_and_none_begin_with_the_oldest() {
    let mut shop = Shop::open(1).await;
    let client = shop.client().await;
    shop.scan(1, "first").await;
    shop.scan(1, "second").await;
    client.until_sequence(2).await;
    let epoch = client.properties(ROOT, MANAGER).await.unwrap().text("Epoch").to_owned();
    for known in ["", "of another run"] {
        let page = client.replay(known, 700, 10).await.unwrap();
        assert_eq!((page.epoch.as_str(), sequences(&page.events)), (epoch.as_str(), vec![1, 2]));
    }
    assert_eq!(sequences(&client.replay(&epoch, 700, 10).await.unwrap().events), [0; 0]);
}

#[tokio::test]
async fn a_replayed_event_is_the_one_that_was_signalled_and_says_how_late_it_is() {
    let mut shop = Shop::open(1).await;
    let client = shop.client().await;
    shop.scan(1, "]E04006381333931").await;
    let scan = client.scan().await;
    let page = client.replay("", 0, 10).await.unwrap();
    let [event] = &page.events[..] else { panic!("{page:?}") };
    assert_eq!(event.number("sequence"), scan.sequence);
    assert_eq!(event.text("event"), "scan");
    assert_eq!(event.text("symbology"), scan.symbology);
    assert_eq!(event.text("content"), scan.content);
    assert_eq!(event.text("text"), scan.text);
    assert!(event.number("age-ms") < 10_000);
    for name in scan.details.names() {
        assert_eq!(event.get(name), scan.details.get(name), "{name}");
    }
    let more = ["age-ms", "content", "event", "sequence", "symbology", "text"];
    assert_eq!(event.names().len(), scan.details.names().len() + more.len());
}

#[tokio::test]
async fn what_was_for_an_owner_is_withheld_from_all_others() {
    let mut shop = Shop::open(2).await;
    let (owner, other) = (shop.client().await, shop.client().await);
    shop.scan(1, "for everyone").await;
    owner.until_sequence(1).await;
    owner.claim(BOX, &[]).await.unwrap();
    shop.scan(1, "for the owner").await;
    owner.until_sequence(2).await;
    owner.device(BOX, "Release", &()).await.unwrap();
    let page = owner.replay("", 0, 10).await.unwrap();
    let texts: Vec<_> = page.events.iter().map(|event| event.text("text")).collect();
    assert_eq!(texts, ["for everyone", "for the owner"], "its own stay its own");
    let page = other.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].text("text"), "for everyone");
    assert_eq!(page.events[1].names(), ["sequence", "withheld"]);
    assert_eq!(page.events[1].get("sequence"), &Variant::U64(2));
    assert!(page.events[1].flag("withheld"));
}
