//! Cards: masked and for the owner alone, whole once through a pipe, never another client's.
//!
//! What takes longer than a test may (thirty seconds to take) is tested with a clock of its own in
//! `daemon::confidential`.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillbus::clock;
use tillbus::sim::port::VirtualPort;
use zbus::OwnedFd;

use crate::support::client::{Client, DEVICE, Dict, Failed, Signal};
use crate::support::host::{BOX, Bus, Daemon, Lane, Start, soon};

const CARD: &str =
    "%B4111111111111111^TEST/CARD^2512201000000000?;4111111111111111=25122010000000000000?";
/// What of a card must not be seen by anyone but through the pipe.
const SECRETS: [&str; 3] = ["411111", "TEST/CARD", "000000000"];

async fn take(client: &Client, sequence: u64) -> Result<String, Failed> {
    let pipe: OwnedFd = client.call(BOX, DEVICE, "Take", &(sequence,)).await?;
    let mut text = String::new();
    std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut text).unwrap();
    Ok(text)
}

/// The next card: its sequence and what is said of it.
async fn card(client: &Client) -> (u64, Dict) {
    let signal = client.signal("CardRead").await;
    assert!(signal.is_unicast());
    assert_secret(&signal);
    signal.body()
}

#[track_caller]
fn assert_secret(signal: &Signal) {
    for secret in SECRETS {
        assert!(!signal.text().contains(secret), "{secret} in {signal:?}");
    }
}

/// Waits for the word that a card was for somebody else; that was all there was to hear of it.
async fn heard_nothing(client: &Client, sequence: u64) {
    let (of, kind): (u64, String) = client.signal("Withheld").await.body();
    assert_eq!((of, kind.as_str()), (sequence, "card"));
    let heard = client.left_over();
    assert!(!heard.iter().any(|signal| signal.member() == "CardRead"), "{heard:?}");
    heard.iter().for_each(assert_secret);
}

#[tokio::test]
async fn a_card_is_refused_where_nobody_has_decided_otherwise() {
    let mut lane = Lane::for_cards("").await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    lane.scan(CARD).await;
    let (sequence, card) = card(&client).await;
    assert_eq!((card.text("kind"), card.text("refused")), ("financial", "financial-cards"));
    assert!(!card.has("pan-masked") && !card.has("brand") && !card.has("takeable"), "{card:?}");
    let refused = take(&client, sequence).await.unwrap_err();
    assert_eq!(refused.name, "Unsupported");
    assert!(refused.message.contains("`financial-cards` in tillbus.toml"), "{}", refused.message);
    lane.daemon.logged("refused: financial-cards").await;
    lane.daemon.logged("not taken").await;
}

#[tokio::test]
async fn what_is_masked_is_let_out_and_the_rest_is_not() {
    let mut lane = Lane::for_cards("[cards]\nfinancial-cards = \"masked\"\n").await;
    let (client, other) = (lane.client().await, lane.client().await);
    client.claim(BOX, &[]).await.unwrap();
    lane.scan(CARD).await;
    let (sequence, card) = card(&client).await;
    for (name, want) in [
        ("kind", "financial"),
        ("pan-masked", "************1111"),
        ("brand", "visa"),
        ("expiry", "2025-12"),
        ("service-code", "201"),
        ("device", "lane1-box"),
    ] {
        assert_eq!(card.text(name), want, "{name}");
    }
    assert!(card.flag("chip") && card.flag("check-digit") && card.flag("simulated"));
    assert!(!card.has("takeable") && !card.has("tracks-disagree") && !card.has("duplicate"));
    heard_nothing(&other, sequence).await;
    assert_eq!(take(&client, sequence).await.unwrap_err().name, "Unsupported");
}

#[tokio::test]
async fn all_of_it_comes_once_through_a_pipe_and_the_audit_has_it() {
    let mut lane = Lane::for_cards("[cards]\nfinancial-cards = \"allow\"\n").await;
    let (client, other) = (lane.client().await, lane.client().await);
    client.claim(BOX, &[]).await.unwrap();
    lane.scan(CARD).await;
    let (sequence, card) = card(&client).await;
    assert!(card.flag("takeable"));
    assert_eq!(take(&other, sequence).await.unwrap_err().name, "NotOwner");
    let (one, two) = CARD.split_at(CARD.find(';').unwrap());
    assert_eq!(take(&client, sequence).await.unwrap(), format!("1 {one}\n2 {two}\n"));
    assert_eq!(take(&client, sequence).await.unwrap_err().name, "Expired");
    // What is left of it is that it was there.
    let page = client.replay("", 0, 10).await.unwrap();
    assert!(page.events[0].flag("withheld") && !page.events[0].has("pan-masked"));
    let log = lane.daemon.terminate().await;
    for word in ["audit=\"take\"", "audit=\"take-refused\"", "uid="] {
        assert!(log.contains(word), "{word} is missing in {log}");
    }
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn without_an_owner_a_card_is_nobodys_for_good() {
    let mut lane = Lane::for_cards("[cards]\nfinancial-cards = \"allow\"\n").await;
    let (client, other) = (lane.client().await, lane.client().await);
    lane.scan(CARD).await;
    let fault = client.fault().await;
    assert_eq!(fault.kind, "unclaimed");
    assert!(fault.message.starts_with("a card was wiped: nobody has claimed"), "{}", fault.message);
    heard_nothing(&other, 1).await;
    client.claim(BOX, &[]).await.unwrap();
    assert!(take(&client, 1).await.is_err());
    assert!(client.replay("", 0, 10).await.unwrap().events[0].flag("withheld"));
}

#[tokio::test]
async fn shops_own_cards_and_bad_tracks_are_told() {
    let rules = "[cards]\nallow-ranges = [\"6001\"]\n";
    let mut lane = Lane::for_cards(rules).await;
    let client = lane.client().await;
    client.claim(BOX, &[]).await.unwrap();
    lane.scan("%E?;6001123412341234=2512?").await;
    let (_, gift) = card(&client).await;
    assert_eq!((gift.text("kind"), gift.text("number")), ("listed", "6001123412341234"));
    let tracks = format!("{:?}", gift.get("tracks"));
    assert!(
        tracks.contains("the reader could not read it") && tracks.contains("present"),
        "{tracks}"
    );
    lane.scan("%E?;E?").await;
    let (_, nothing) = card(&client).await;
    assert_eq!(nothing.text("kind"), "unread");
}

/// From when to when a client has surely owned the device, and from when to when it may have.
#[derive(Debug, Default)]
struct Spells {
    surely: Vec<(u64, u64)>,
    perhaps: Vec<(u64, u64)>,
}

/// Claims and releases without a rest until told to end.
async fn contend(client: &Client, end: &AtomicBool) -> Spells {
    let mut spells = Spells::default();
    while !end.load(Ordering::Relaxed) {
        let asked = clock::boottime().0;
        if client.claim(BOX, &[]).await.is_err() {
            continue;
        }
        let granted = clock::boottime().0;
        // Sometimes for a moment, sometimes for some cards.
        for _ in 0..asked % 4 {
            client.health(BOX).await;
        }
        let given_up = clock::boottime().0;
        client.device(BOX, "Release", &()).await.unwrap();
        spells.surely.push((granted, given_up));
        spells.perhaps.push((asked, clock::boottime().0));
    }
    spells
}

fn holds(spells: &[(u64, u64)], time: u64) -> bool {
    spells.iter().any(|(from, to)| (*from..=*to).contains(&time))
}

/// The cards that a client was sent: sequence and when they were read.
fn cards(client: &Client) -> Vec<(u64, u64)> {
    let signals = client.left_over();
    signals.iter().for_each(assert_secret);
    let cards = signals.iter().filter(|signal| signal.member() == "CardRead");
    let read = |signal: &Signal| {
        let (sequence, card): (u64, Dict) = signal.body();
        (sequence, card.number("received"))
    };
    cards.map(read).collect()
}

#[tokio::test]
async fn two_clients_race_around_ten_thousand_cards_and_none_is_misdelivered() {
    const CARDS: u64 = 10_000;
    const AT_ONCE: u64 = 10;
    let lane = Lane::for_cards("[cards]\nfinancial-cards = \"masked\"\n").await;
    let Lane { daemon, mut port, path: _path, bus } = lane;
    let (one, other) = (Client::connect(&bus).await, Client::connect(&bus).await);
    let watcher = Client::silent(&bus).await;
    let end = Arc::new(AtomicBool::new(false));
    let feed = async {
        for sent in (AT_ONCE..=CARDS).step_by(usize::try_from(AT_ONCE).unwrap()) {
            for _ in 0..AT_ONCE {
                let line = format!("{CARD}\r");
                soon("the port takes a card", port.send(line.as_bytes())).await.unwrap();
            }
            watcher.until_sequence(sent).await;
        }
        end.store(true, Ordering::Relaxed);
    };
    let ((), of_one, of_other) = tokio::join!(feed, contend(&one, &end), contend(&other, &end));
    // An answer of the daemon comes behind all that it has sent before.
    one.health(BOX).await;
    other.health(BOX).await;
    let (first, second) = (cards(&one), cards(&other));
    for (cards, own, others) in [(&first, &of_one, &of_other), (&second, &of_other, &of_one)] {
        for (sequence, received) in cards {
            assert!(holds(&own.perhaps, *received), "card {sequence} reached one without a claim");
            assert!(!holds(&others.surely, *received), "card {sequence} was the other's");
        }
    }
    let sequences: HashSet<u64> =
        first.iter().chain(&second).map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences.len(), first.len() + second.len(), "a card came to both");
    println!(
        "{} cards to one, {} to the other, {} to nobody; {} and {} claims",
        first.len(),
        second.len(),
        CARDS - sequences.len() as u64,
        of_one.perhaps.len(),
        of_other.perhaps.len()
    );
    assert!(first.len() > 100 && second.len() > 100, "there was no race");
    drop(daemon);
}

#[tokio::test]
async fn a_token_is_the_same_at_every_till_that_has_the_key() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let credentials = bus.directory().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("card-token-2026"), [0x0B; 32]).unwrap();
    let configuration = crate::support::host::card_reader("lane1-box", &path)
        + "[cards]\nfinancial-cards = \"masked\"\ntoken-key-id = \"2026\"\n";
    let environment = vec![("CREDENTIALS_DIRECTORY", credentials.display().to_string())];
    let start = Start { environment, ..Start::with(&configuration) };
    let _daemon = Daemon::start_with(&bus, &start).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    client.claim(BOX, &[]).await.unwrap();
    soon("the port takes a card", port.send(format!("{CARD}\r").as_bytes())).await.unwrap();
    let (_, card) = card(&client).await;
    // python3 -c 'import hmac; print(hmac.new(b"\x0b"*32, b"4111111111111111", "sha256").hexdigest())'
    assert_eq!(card.text("token"), TOKEN);
    assert_eq!(card.text("token-key-id"), "2026");
}

const TOKEN: &str = "fa61b145ec820bc4a65f8a5c629f5aaa963c889be33aaa4de3d9eb3e5d9a2818";
