//! Claims: who owns a device, how it changes hands, and who hears it meanwhile.

use std::collections::HashMap;

use zbus::message::Flags;
use zbus::{Message, Variant};

use crate::support::client::{Client, DEVICE, Failed, NAME, Signal};
use crate::support::host::{BOX, Lane, Shop, soon};

fn failed(name: &str) -> impl Fn(&Failed) -> bool {
    move |failed| failed.name == name
}

/// The members of the signals of one object.
fn members(signals: &[Signal], path: &str) -> Vec<String> {
    signals.iter().filter(|signal| signal.path() == path).map(Signal::member).collect()
}

async fn owner(client: &Client) -> String {
    client.properties(BOX, DEVICE).await.unwrap().text("Owner").to_owned()
}

#[tokio::test]
async fn a_claimed_device_is_heard_by_its_owner_alone() {
    let mut shop = Shop::open(2).await;
    let (owner, other) = (shop.client().await, shop.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    shop.scan(1, "for the owner").await;
    let [to_owner, to_other] = shop.marker(1, [&owner, &other]).await;
    assert_eq!(members(&to_other, BOX), ["PropertiesChanged"]);
    assert_eq!(members(&to_owner, BOX), ["PropertiesChanged", "Scanned"]);
    let scan = to_owner[1].scan();
    assert_eq!((scan.text.as_str(), scan.unicast), ("for the owner", true));
    assert!(!scan.details.has("age-ms"), "it was not late");
    owner.device(BOX, "Release", &()).await.unwrap();
    shop.scan(1, "for everyone").await;
    assert!(!other.scan().await.unicast);
}

#[tokio::test]
async fn an_owner_needs_no_subscription() {
    let mut lane = Lane::open().await;
    let owner = Client::silent(&lane.bus).await;
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan("for the owner").await;
    assert_eq!(owner.scan().await.text, "for the owner");
}

#[tokio::test]
async fn with_credit_scans_are_held_until_they_are_acknowledged() {
    let mut shop = Shop::open(2).await;
    let owner = shop.client().await;
    owner.claim(BOX, &[("credit", 2)]).await.unwrap();
    for code in ["first", "second", "third", "fourth", "fifth"] {
        shop.scan(1, code).await;
    }
    let [heard] = shop.marker(5, [&owner]).await;
    assert_eq!(members(&heard, BOX), ["PropertiesChanged", "Scanned", "Scanned"]);
    assert_eq!((heard[1].scan().text, heard[2].scan().text), ("first".into(), "second".into()));
    owner.acknowledge(BOX, 1).await.unwrap();
    let third = owner.scan().await;
    assert_eq!((third.text.as_str(), third.sequence, third.unicast), ("third", 3, true));
    assert!(third.details.has("age-ms"), "it was late: {:?}", third.details);
    assert!(third.details.number("age-ms") < 10_000 && !third.details.has("stale"));
    // One acknowledgement stands for all before it.
    owner.acknowledge(BOX, 3).await.unwrap();
    assert_eq!(owner.scan().await.text, "fourth");
    assert_eq!(owner.scan().await.text, "fifth");
}

#[tokio::test]
async fn scans_older_than_the_owner_wants_come_marked_as_stale() {
    let mut shop = Shop::open(2).await;
    let owner = shop.client().await;
    owner.claim(BOX, &[("credit", 1), ("max-age", 0)]).await.unwrap();
    for code in ["first", "second", "third"] {
        shop.scan(1, code).await;
    }
    let first = owner.scan().await;
    assert!(!first.details.has("stale"));
    owner.until_sequence(3).await;
    owner.acknowledge(BOX, 1).await.unwrap();
    assert!(owner.scan().await.details.flag("stale"), "any age is more than none");
    // Claiming again as the owner changes the options.
    owner.claim(BOX, &[("credit", 1), ("max-age", 60_000)]).await.unwrap();
    owner.acknowledge(BOX, 2).await.unwrap();
    assert!(!owner.scan().await.details.has("stale"));
}

#[tokio::test]
async fn clear_forgets_what_is_held() {
    let mut shop = Shop::open(2).await;
    let owner = shop.client().await;
    owner.claim(BOX, &[("credit", 1)]).await.unwrap();
    for code in ["first", "second", "third"] {
        shop.scan(1, code).await;
    }
    owner.scan().await;
    owner.until_sequence(3).await;
    owner.device(BOX, "Clear", &()).await.unwrap();
    shop.scan(1, "fourth").await;
    assert_eq!(owner.scan().await.text, "fourth");
    // It is forgotten for delivery only.
    assert_eq!(owner.replay("", 0, 10).await.unwrap().events.len(), 4);
}

#[tokio::test]
async fn without_wait_a_taken_device_is_refused_at_once_and_its_owner_not_bothered() {
    let mut shop = Shop::open(2).await;
    let (owner, other) = (shop.client().await, shop.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    owner.claim(BOX, &[]).await.expect("claiming as the owner is no error");
    for options in [&[][..], &[("wait", 0)]] {
        assert!(other.claim(BOX, options).await.is_err_and(|e| failed("AlreadyClaimed")(&e)));
    }
    let [heard] = shop.marker(0, [&owner]).await;
    assert_eq!(members(&heard, BOX), ["PropertiesChanged"]);
}

#[tokio::test]
async fn an_owner_that_answers_a_challenge_keeps_the_device() {
    let lane = Lane::open().await;
    let (owner, challenger) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    // Longer than an owner may take to answer: only its answer can have kept it.
    let claim = challenger.claim(BOX, &[("wait", 1_500)]);
    let answer = async {
        assert!(owner.signal("ReleaseRequested").await.is_unicast());
        owner.device(BOX, "Retain", &()).await.unwrap();
    };
    let (claim, ()) = tokio::join!(claim, answer);
    assert!(claim.is_err_and(|error| failed("AlreadyClaimed")(&error)));
    assert_eq!(self::owner(&owner).await, owner.name());
    assert!(!owner.left_over().iter().any(|signal| signal.member() == "ClaimLost"));
}

#[tokio::test]
async fn an_owner_that_does_not_answer_a_challenge_loses_the_device() {
    let mut lane = Lane::open().await;
    let (owner, challenger) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    challenger.claim(BOX, &[("wait", 20_000)]).await.unwrap();
    assert!(owner.signal("ReleaseRequested").await.is_unicast());
    let lost = owner.signal("ClaimLost").await;
    assert!(lost.is_unicast());
    assert_eq!(lost.body::<String>(), "challenged");
    assert_eq!(self::owner(&owner).await, challenger.name());
    lane.scan("for the new owner").await;
    assert_eq!(challenger.scan().await.text, "for the new owner");
    for member in ["Retain", "Release", "Clear"] {
        let error = owner.device(BOX, member, &()).await.unwrap_err();
        assert_eq!(error.name, "NotOwner", "{member}");
    }
}

#[tokio::test]
async fn an_owner_may_release_the_device_when_it_is_asked_to() {
    let lane = Lane::open().await;
    let (owner, challenger) = (lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    // Shorter than an owner may take to answer: only its answer can have given it up.
    let claim = challenger.claim(BOX, &[("wait", 900)]);
    let answer = async {
        owner.signal("ReleaseRequested").await;
        owner.device(BOX, "Release", &()).await.unwrap();
    };
    let (claim, ()) = tokio::join!(claim, answer);
    claim.unwrap();
    assert_eq!(self::owner(&owner).await, challenger.name());
    assert!(!owner.left_over().iter().any(|signal| signal.member() == "ClaimLost"));
}

#[tokio::test]
async fn the_owner_s_death_frees_the_device_for_the_next_who_waits() {
    let lane = Lane::open().await;
    let (owner, next, last) = (lane.client().await, lane.client().await, lane.client().await);
    owner.claim(BOX, &[]).await.unwrap();
    let death = async {
        owner.signal("ReleaseRequested").await;
        owner.device(BOX, "Retain", &()).await.unwrap();
        owner.leave().await;
    };
    let (claim, ()) = tokio::join!(next.claim(BOX, &[("wait", 20_000)]), death);
    claim.unwrap();
    assert_eq!(self::owner(&last).await, next.name());
    next.leave().await;
    last.take("the device is free", |signal| {
        signal.member() == "PropertiesChanged"
            && signal.body::<(String, crate::support::client::Dict, Vec<String>)>().1.has("Owner")
    })
    .await;
    last.claim(BOX, &[("wait", 900)]).await.unwrap();
}

#[tokio::test]
async fn a_client_that_dies_with_its_claim_on_the_way_does_not_keep_the_device() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    for round in 0..20 {
        let dying = Client::silent(&lane.bus).await;
        let options = HashMap::<&str, Variant<'_>>::new();
        let call = Message::method_call(BOX, "Claim").destination(NAME);
        let call = call.interface(DEVICE).with_flags(Flags::NO_REPLY_EXPECTED);
        let call = call.build(&(options,)).unwrap();
        soon("the claim is sent", dying.connection().send(&call)).await.unwrap();
        dying.leave().await;
        // Shorter than a challenge would take: only its death can have freed the device.
        client
            .claim(BOX, &[("wait", 900)])
            .await
            .unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        client.device(BOX, "Release", &()).await.unwrap();
    }
}

#[tokio::test]
async fn those_who_wait_are_served_in_turn_and_bounded() {
    let lane = Lane::open().await;
    let owner = lane.client().await;
    owner.claim(BOX, &[]).await.unwrap();
    let waiting: Vec<_> = {
        let mut clients = Vec::new();
        for _ in 0..16 {
            clients.push(lane.client().await);
        }
        clients
    };
    let mut claims = Vec::new();
    for client in waiting {
        claims.push(tokio::spawn(async move {
            let result = client.claim(BOX, &[("wait", 20_000)]).await;
            client.leave().await;
            result
        }));
    }
    owner.signal("ReleaseRequested").await;
    owner.device(BOX, "Retain", &()).await.unwrap();
    // Until all sixteen wait, one more finds a place and gives it up when its time has passed.
    let late = lane.client().await;
    let error = soon("the queue is full", async {
        loop {
            let error = late.claim(BOX, &[("wait", 1)]).await.unwrap_err();
            if error.name != "AlreadyClaimed" {
                return error;
            }
        }
    })
    .await;
    assert_eq!(error.name, "LimitExceeded");
    owner.leave().await;
    for claim in claims {
        soon("each gets the device and leaves it to the next", claim).await.unwrap().unwrap();
    }
}

/// Half a code is sent, the owner changes, the rest is sent. `change` tells the first owner, where
/// there is one, how to go.
async fn half_read(shop: &mut Shop, client: &Client, code: &str, before: u64) {
    let (first, _) = code.split_at(4);
    shop.send(1, first.as_bytes()).await;
    client.until_health(BOX, "bytes", before + 4).await;
}

#[tokio::test]
async fn a_read_goes_where_its_first_byte_decided() {
    let mut shop = Shop::open(2).await;
    let (first, second) = (shop.client().await, shop.client().await);
    // Begun while nobody had it, ended while somebody had.
    half_read(&mut shop, &first, "for everyone", 0).await;
    first.claim(BOX, &[]).await.unwrap();
    shop.send(1, b"everyone\r").await;
    let [to_first, to_second] = shop.marker(1, [&first, &second]).await;
    assert_eq!(members(&to_second, BOX), ["PropertiesChanged", "Scanned"]);
    assert_eq!(members(&to_first, BOX), ["PropertiesChanged", "Scanned"]);
    assert!(!to_first[1].scan().unicast);
    // Begun while the first had it, ended while the second has.
    half_read(&mut shop, &first, "for the first", 13).await;
    first.device(BOX, "Release", &()).await.unwrap();
    second.claim(BOX, &[]).await.unwrap();
    shop.send(1, b"the first\r").await;
    let [to_first, to_second] = shop.marker(3, [&first, &second]).await;
    assert!(!members(&to_second, BOX).contains(&"Scanned".to_owned()));
    let scans = to_first.iter().filter(|signal| signal.member() == "Scanned");
    let scans: Vec<_> = scans.map(|signal| (signal.scan().text, signal.is_unicast())).collect();
    assert_eq!(scans, [("for the first".to_owned(), true)]);
    // Begun while the second had it, who is gone: nobody's, so it is not lost.
    half_read(&mut shop, &first, "for who is left", 13 + 14).await;
    second.leave().await;
    first.claim(BOX, &[("wait", 900)]).await.unwrap();
    shop.send(1, b"who is left\r").await;
    let scan = first.scan().await;
    assert_eq!((scan.text.as_str(), scan.unicast), ("for who is left", false));
}
