//! A box and its terminal, wired through the daemon: the bytes first, then what they mean.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use tillbus::settings::Section;
use tillbus::sim::port::VirtualPort;
use tillbus::sim::{self, Command, Simulation};

use super::retrofit::{BOX, PORT, Retrofit, WECHAT, heard};
use crate::support::client::{Client, Dict};
use crate::support::host::{Bus, Daemon, Start, soon};

async fn open(more: &str) -> Retrofit {
    on(Bus::start(), more, &[]).await
}

async fn on(bus: Bus, more: &str, environment: &[(&'static str, String)]) -> Retrofit {
    Retrofit::open(bus, "", &format!("mode = \"tap\"\n{more}"), environment).await
}

#[tokio::test]
async fn every_byte_goes_on_unchanged_both_ways() {
    let mut tap = open("").await;
    let all: Vec<u8> = (0..=255).collect();
    for _ in 0..3 {
        tap.send(&all).await;
        tap.terminal_hears(&all).await;
        tap.answer(&all).await;
        tap.box_hears(&all).await;
    }
}

#[tokio::test]
async fn more_than_a_line_holds_goes_on_in_its_order() {
    let mut tap = open("").await;
    // A pty holds some thousand bytes, so the other side has to be waited for.
    let much: Vec<u8> = (0..200_000_u32).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
    let Retrofit { scanner, terminal, .. } = &mut tap;
    let (sent, got) = tokio::join!(
        soon("the box sends", scanner.send(&much)),
        heard(terminal.as_mut().unwrap(), much.len())
    );
    sent.unwrap();
    assert!(got == much, "changed or out of order");
}

#[tokio::test]
async fn a_code_that_goes_through_is_an_event_too() {
    let mut tap = open("").await;
    let client = tap.client().await;
    client.claim(BOX, &[]).await.unwrap();
    let line = format!("{WECHAT}\r");
    tap.send(line.as_bytes()).await;
    tap.terminal_hears(line.as_bytes()).await;
    assert_eq!(client.scan().await.text, WECHAT);
    let other = tap.client().await;
    let refused = other.claim(BOX, &[("wait", 1000)]).await.unwrap_err();
    assert_eq!(refused.name, "AlreadyClaimed");
    let asked = client.left_over();
    assert!(!asked.iter().any(|signal| signal.member() == "ReleaseRequested"), "{asked:?}");
}

#[tokio::test]
async fn what_cannot_go_on_is_told_and_what_comes_later_does() {
    let mut tap = open("").await;
    let client = tap.client().await;
    tap.cut().await;
    client.until_state(PORT, "absent").await;
    tap.send(b"https://example.org/a\r").await;
    let fault = client.take("the fault", |signal| signal.text().contains("not-passed")).await;
    assert!(fault.text().contains("22 bytes could not be passed through"), "{}", fault.text());
    client.until_scanned("https://example.org/a").await;
    tap.mend(&client).await;
    tap.send(b"https://example.org/b\r").await;
    tap.terminal_hears(b"https://example.org/b\r").await;
}

#[tokio::test]
async fn a_code_that_meets_no_reply_is_a_fault_and_one_that_does_is_none() {
    let mut tap = open("reply-ms = 200").await;
    let client = tap.client().await;
    tap.send(b"https://example.org/a\r").await;
    tap.terminal_hears(b"https://example.org/a\r").await;
    let fault = client.take("the fault", |signal| signal.text().contains("code-unanswered")).await;
    assert!(fault.text().contains("said nothing to a code within 200 ms"), "{}", fault.text());
    let unanswered = client.health(BOX).await["code-unanswered"];
    tap.send(b"https://example.org/b\r").await;
    tap.terminal_hears(b"https://example.org/b\r").await;
    tap.answer(b"OK\r").await;
    tap.box_hears(b"OK\r").await;
    client.until_scanned("https://example.org/b").await;
    assert_eq!(unanswered, 1);
}

#[tokio::test]
async fn a_daemon_that_is_killed_joins_the_lines_again() {
    let mut tap = open("").await;
    tap.send(b"before\r").await;
    tap.terminal_hears(b"before\r").await;
    tap.kill().await;
    let start = tap.start.clone();
    tap.restart(&start).await;
    tap.client().await;
    tap.send(b"after\r").await;
    tap.terminal_hears(b"after\r").await;
    tap.answer(b"back\r").await;
    tap.box_hears(b"back\r").await;
}

/// A service manager, as far as it keeps descriptors.
struct Manager {
    socket: std::os::unix::net::UnixDatagram,
    kept: Vec<(String, OwnedFd)>,
}

impl Manager {
    fn start(path: &Path) -> Self {
        let socket = std::os::unix::net::UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { socket, kept: Vec::new() }
    }

    /// Hears until so many descriptors are kept.
    fn until_kept(&mut self, count: usize) {
        while self.kept.len() < count {
            self.hear();
        }
    }

    fn hear(&mut self) {
        let mut text = [0; 4096];
        let mut space = nix::cmsg_space!([std::os::fd::RawFd; 4]);
        let mut text_of = [std::io::IoSliceMut::new(&mut text)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message =
            recvmsg::<()>(self.socket.as_raw_fd(), &mut text_of, Some(&mut space), flags).unwrap();
        let mut fds = Vec::new();
        for part in message.cmsgs().unwrap() {
            if let ControlMessageOwned::ScmRights(rights) = part {
                #[expect(unsafe_code, reason = "a received descriptor is only a number")]
                // SAFETY: the kernel has just made them for this process.
                fds.extend(rights.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        let length = message.bytes;
        let text = String::from_utf8(text[..length].to_vec()).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("FDNAME="));
        match (name, text.contains("FDSTOREREMOVE=1")) {
            (Some(name), true) => self.kept.retain(|(kept, _)| kept != name),
            (Some(name), false) => {
                self.kept.extend(fds.into_iter().map(|fd| (name.to_owned(), fd)))
            }
            (None, _) => {}
        }
    }

    /// How a daemon is started that gets what is kept.
    fn start_of(&self, start: &Start) -> Start {
        let passed = self.kept.iter().map(|(name, fd)| (name.clone(), fd.try_clone().unwrap()));
        Start { passed: Arc::new(passed.collect()), ..start.clone() }
    }
}

#[tokio::test]
async fn over_a_kill_nothing_is_lost_that_was_not_being_read_and_no_half_code_is_an_event() {
    let bus = Bus::start();
    let socket = bus.directory().join("notify");
    let mut manager = Manager::start(&socket);
    let mut tap = on(bus, "", &[("NOTIFY_SOCKET", socket.display().to_string())]).await;
    manager.until_kept(2);
    tap.send(b"before 4006381").await;
    tap.terminal_hears(b"before 4006381").await;
    tap.kill().await;
    // Nobody reads now: what is sent waits in the kernel.
    tap.send(b"333931\rmeanwhile\r").await;
    tap.answer(b"seen\r").await;
    let start = manager.start_of(&tap.start);
    let kept = manager.kept.len();
    tap.restart(&start).await;
    tap.terminal_hears(b"333931\rmeanwhile\r").await;
    tap.box_hears(b"seen\r").await;
    assert_eq!(kept, 2);
    let client = tap.client().await;
    // It is silence that has to be waited for. The end of a code of which the daemon before has heard the beginning is none, nor what came close
    // behind it; after a silence all is well again.
    tokio::time::sleep(Duration::from_millis(150)).await;
    tap.send(b"https://example.org/after\r").await;
    tap.terminal_hears(b"https://example.org/after\r").await;
    let before = client.until_scanned("https://example.org/after").await;
    assert!(!before.iter().any(|signal| signal.member() == "Scanned"), "{before:?}");
    // A line that is not wired through any more is not kept either.
    let daemon = tap.daemon.as_ref().unwrap();
    let text = std::fs::read_to_string(daemon.configuration()).unwrap();
    let (devices, _) = text.split_once("[[route]]").unwrap();
    daemon.configure(devices);
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    while !manager.kept.is_empty() {
        manager.hear();
    }
}

/// Carries bytes between two ports until the test is over.
fn cable(mut one: VirtualPort, mut other: VirtualPort) {
    tokio::spawn(async move {
        let (mut here, mut there) = ([0; 512], [0; 512]);
        loop {
            let carried = tokio::select! {
                count = one.receive(&mut here) => match count {
                    Ok(count) => other.send(&here[..count]).await,
                    Err(error) => Err(error),
                },
                count = other.receive(&mut there) => match count {
                    Ok(count) => one.send(&there[..count]).await,
                    Err(error) => Err(error),
                },
            };
            if carried.is_err() {
                return;
            }
        }
    });
}

/// A till of its own, a terminal, and this till between them.
struct Between {
    till: Client,
    watcher: Client,
    commands: tokio::sync::mpsc::Sender<Command>,
    _daemons: [Daemon; 2],
    _buses: [Bus; 2],
}

const TILL: &str = "/org/tillbus1/device/zvt";
const TERMINAL: &str = "org.tillbus1.Terminal";
const TRANSACTION: &str = "org.tillbus1.Transaction";

impl Between {
    async fn open() -> Self {
        let (far, near) = (Bus::start(), Bus::start());
        let terminal = |bus: &Bus, name: &str| {
            let path = bus.directory().join(name).display().to_string();
            format!(
                "[[device]]\nname = {name:?}\nmatch = {{ pty = {path:?} }}\nprofile = \"zvt\"\n"
            )
        };
        let device = (sim::find("zvt").unwrap().configure)(&Section::empty("p")).unwrap();
        let link = Some(near.directory().join("zvt"));
        let mut simulation = Simulation::start(sim::Options { device, link, baud: None }).unwrap();
        let (commands, inbox) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move { simulation.run(inbox).await.unwrap() });
        cable(
            VirtualPort::create(Some(&far.directory().join("zvt"))).unwrap(),
            VirtualPort::create(Some(&near.directory().join("till"))).unwrap(),
        );
        let wired = "[[route]]\nmode = \"tap\"\nfrom = \"till\"\nto = \"zvt\"\n";
        let start = |bus: &Bus, configuration: String| {
            let mut start = Start::with(&configuration);
            let ledger = bus.directory().join("ledger.sqlite").display().to_string();
            start.arguments = ["--mode", "test", "--ledger"].map(str::to_owned).to_vec();
            start.arguments.push(ledger);
            start
        };
        let between = terminal(&near, "till") + &terminal(&near, "zvt") + wired;
        let daemons = [
            Daemon::start_with(&near, &start(&near, between)).await,
            Daemon::start_with(&far, &start(&far, terminal(&far, "zvt"))).await,
        ];
        let (till, watcher) = (Client::connect(&far).await, Client::connect(&near).await);
        for client in [&till, &watcher] {
            client.until_state(TILL, "ready").await;
        }
        watcher.claim(TILL, &[]).await.unwrap();
        Self { till, watcher, commands, _daemons: daemons, _buses: [far, near] }
    }

    async fn behave(&self, words: &str) {
        self.commands.send(Command::Behave(words.to_owned())).await.unwrap();
    }

    /// The other till has a sale made; what both have heard of it.
    async fn sale(&self, key: &str, amount: u64) -> [(String, Dict); 2] {
        let parameters = std::collections::HashMap::from([
            ("amount", zbus::Variant::from(amount)),
            ("currency", zbus::Variant::from("EUR")),
        ]);
        let sale = ("payment", key, parameters);
        self.till.call_raw(TILL, TERMINAL, "Begin", &sale).await.unwrap();
        let one = self.till.signal("Completed").await.body();
        let other = self.watcher.signal("Completed").await.body();
        [one, other]
    }
}

#[tokio::test]
async fn what_a_till_and_its_terminal_do_is_a_transaction_here_too() {
    let between = Between::open().await;
    for (key, behaviour, outcome) in [
        ("1", "approve", "approved"),
        ("2", "decline", "declined"),
        ("3", "partial 500", "approved"),
    ] {
        between.behave(behaviour).await;
        let [(ended, ours), (heard, theirs)] = between.sale(key, 1250).await;
        assert_eq!((ended.as_str(), heard.as_str()), (outcome, outcome), "{ours:?} {theirs:?}");
        for name in ["requested", "authorised", "receipt"] {
            assert_eq!(ours.has(name), theirs.has(name), "{name}: {ours:?} {theirs:?}");
            if ours.has(name) {
                assert_eq!(ours.get(name), theirs.get(name), "{behaviour}: {name}");
            }
        }
        if outcome == "approved" {
            assert_eq!(theirs.text("pan-masked"), ours.text("pan-masked"));
        }
        assert!(theirs.flag("simulated"));
        let path = format!("/org/tillbus1/transaction/{key}");
        let again: Dict = between.watcher.call(&path, TRANSACTION, "GetResult", &()).await.unwrap();
        assert_eq!(again.names(), theirs.names());
    }
    // A terminal that another till talks to is told nothing.
    let parameters = std::collections::HashMap::<&str, zbus::Variant<'_>>::new();
    let close = ("close", "x", parameters);
    let refused = between.watcher.call_raw(TILL, TERMINAL, "Begin", &close).await.unwrap_err();
    assert_eq!(refused.name, "Unsupported");
}

#[tokio::test]
async fn a_dialogue_whose_end_was_not_heard_is_unknown_here() {
    let between = Between::open().await;
    between.behave("silent").await;
    let parameters = std::collections::HashMap::from([
        ("amount", zbus::Variant::from(1250_u64)),
        ("currency", zbus::Variant::from("EUR")),
    ]);
    let sale = ("payment", "1", parameters);
    between.till.call_raw(TILL, TERMINAL, "Begin", &sale).await.unwrap();
    between.till.take("the order is taken", |signal| signal.text().contains("in-progress")).await;
    between.commands.send(Command::HangUp(None)).await.unwrap();
    let (outcome, result): (String, Dict) = between.watcher.signal("Completed").await.body();
    assert_eq!(outcome, "unknown");
    assert!(result.text("reason").contains("its end was not heard"), "{result:?}");
}
