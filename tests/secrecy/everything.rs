//! Nothing that is secret comes out of the daemon anywhere, whatever device it came from: neither to
//! standard error nor to the journal, on the bus, in a file or in an error, nor is it in memory for longer
//! than it has to be. And where something does come out, this search sees it.

use tillbus::sim::port::VirtualPort;

use super::canaries;
use super::leaks::{self, Way};
use super::search::Search;
use super::shop::{Channel, Journald, Leaks, play};
use crate::namespace::inside;
use crate::support::client::Client;
use crate::support::host::{BOX, Bus, Daemon, Start, scanner, soon};

#[test]
fn nothing_comes_out_anywhere() {
    if inside("secrecy::everything::nothing_comes_out_anywhere") {
        assert_eq!(run(&Start::with("")), Leaks::new());
    }
}

#[test]
fn nothing_comes_out_where_there_is_a_journal() {
    if inside("secrecy::everything::nothing_comes_out_where_there_is_a_journal") {
        let start = Start { journal: true, ..Start::with("") };
        assert_eq!(run(&start), Leaks::new());
    }
}

fn run(start: &Start) -> Leaks {
    block_on(async {
        let journald = Journald::start();
        let leaks = play(start, |_| true, &journald).await;
        assert_eq!(journald.records().is_empty(), !start.journal, "the log went elsewhere");
        leaks
    })
}

#[test]
fn a_leak_is_seen_in_each_channel() {
    if !inside("secrecy::everything::a_leak_is_seen_in_each_channel") {
        return;
    }
    let journald = block_on(async { Journald::start() });
    let rows: [(Way, &[Channel]); 7] = [
        (Way::None, &[]),
        (Way::StandardError, &[Channel::StandardError]),
        (Way::Journal, &[Channel::Journal]),
        (Way::Broadcast, &[Channel::Monitor, Channel::Stranger]),
        (Way::File, &[Channel::Files]),
        // An error goes over the bus and into the log.
        (Way::Error, &[Channel::StandardError, Channel::Monitor, Channel::Errors]),
        (Way::Memory, &[Channel::Memory]),
    ];
    for (way, channels) in rows {
        let start = leaks::start(way);
        let seen =
            block_on(play(&start, |profile| profile.id == "generic-line-scanner", &journald));
        // What leaks elsewhere may stay in memory, too: in the event that is kept for Replay, in a line
        // of the log.
        let counts = |channel: &&Channel| **channel != Channel::Memory || way == Way::Memory;
        let seen_in: Vec<Channel> = seen.keys().filter(counts).copied().collect();
        assert_eq!(seen_in, channels, "{way:?}: {seen:?}");
    }
}

/// A session that panics costs its device, and says where it was and not what it was about.
#[tokio::test]
async fn a_panic_does_not_tell_what_it_was_about() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let configuration = scanner("lane1-box", &path);
    let state = Some(bus.directory().to_owned());
    let start = Start { configuration, state, ..leaks::start(Way::Panic) };
    let daemon = Daemon::start_with(&bus, &start).await;
    Client::connect(&bus).await.until_state(BOX, "ready").await;
    let code = format!("]Q1{}\r", canaries::PANS[0]);
    soon("the port takes bytes", port.send(code.as_bytes())).await.unwrap();
    daemon.logged("tests/secrecy/leaks.rs:").await;
    let log = daemon.terminate().await;
    assert!(log.contains("internal error"), "{log}");
    assert!(Search::new(canaries::PANS, 8).find(log.as_bytes()).is_empty(), "{log}");
}

#[test]
fn the_daemon_itself_has_no_way_to_leak() {
    let daemon = std::fs::read(env!("CARGO_BIN_EXE_tillbusd")).unwrap();
    let has = |text: &str| memchr::memmem::find(&daemon, text.as_bytes()).is_some();
    assert!(has("STATE_DIRECTORY"), "the names of variables are found");
    assert!(!has(leaks::VARIABLE));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
