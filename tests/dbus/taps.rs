//! A box and its terminal, wired through the daemon: the bytes first, then what they mean.

use tillbus::sim::port::VirtualPort;

use crate::support::client::Client;
use crate::support::host::{Bus, Daemon, Start, payment_box, soon};

/// From integrators' examples of the parameter `auth_code`.
const WECHAT: &str = "135112298638468293";

const BOX: &str = "/org/tillbus1/device/box";
const PORT: &str = "/org/tillbus1/device/port";

/// A box and its terminal, with the till between them.
struct Tap {
    daemon: Option<Daemon>,
    start: Start,
    scanner: VirtualPort,
    terminal: Option<VirtualPort>,
    bus: Bus,
}

impl Tap {
    async fn open(more: &str) -> Self {
        let bus = Bus::start();
        let at = |name: &str| bus.directory().join(name);
        let scanner = VirtualPort::create(Some(&at("box"))).unwrap();
        let port = VirtualPort::create(Some(&at("port"))).unwrap();
        let path = at("port").display().to_string();
        let configuration = payment_box("box", &at("box"))
            + &format!(
                "[[device]]\nname = \"port\"\nlane = \"1\"\nmatch = {{ pty = {path:?} }}\n\
                 profile = \"generic-scanner-port\"\n\
                 [[route]]\nmode = \"tap\"\nfrom = \"box\"\nto = \"port\"\n{more}\n"
            );
        let mut start = Start::with(&configuration);
        start.arguments = vec!["--mode".to_owned(), "test".to_owned()];
        let daemon = Daemon::start_with(&bus, &start).await;
        let tap = Self { daemon: Some(daemon), start, scanner, terminal: Some(port), bus };
        tap.ready().await;
        tap
    }

    async fn ready(&self) -> Client {
        let client = Client::connect(&self.bus).await;
        client.until_state(BOX, "ready").await;
        client.until_state(PORT, "ready").await;
        client
    }

    async fn send(&mut self, bytes: &[u8]) {
        soon("the box sends", self.scanner.send(bytes)).await.unwrap();
    }

    async fn answer(&mut self, bytes: &[u8]) {
        soon("the terminal sends", self.terminal.as_mut().unwrap().send(bytes)).await.unwrap();
    }

    async fn terminal_hears(&mut self, bytes: &[u8]) {
        assert_eq!(heard(self.terminal.as_mut().unwrap(), bytes.len()).await, bytes);
    }

    async fn box_hears(&mut self, bytes: &[u8]) {
        assert_eq!(heard(&mut self.scanner, bytes.len()).await, bytes);
    }
}

async fn heard(port: &mut VirtualPort, bytes: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    soon("the other side hears", async {
        while heard.len() < bytes {
            let mut buffer = [0; 4096];
            let count = port.receive(&mut buffer).await.unwrap();
            heard.extend_from_slice(&buffer[..count]);
        }
    })
    .await;
    heard
}

#[tokio::test]
async fn every_byte_goes_on_unchanged_both_ways() {
    let mut tap = Tap::open("").await;
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
    let mut tap = Tap::open("").await;
    // A pty holds some thousand bytes, so the other side has to be waited for.
    let much: Vec<u8> = (0..200_000_u32).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect();
    let Tap { scanner, terminal, .. } = &mut tap;
    let (sent, got) = tokio::join!(
        soon("the box sends", scanner.send(&much)),
        heard(terminal.as_mut().unwrap(), much.len())
    );
    sent.unwrap();
    assert!(got == much, "changed or out of order");
}

#[tokio::test]
async fn a_code_that_goes_through_is_an_event_too() {
    let mut tap = Tap::open("").await;
    let client = tap.ready().await;
    client.claim(BOX, &[]).await.unwrap();
    let line = format!("{WECHAT}\r");
    tap.send(line.as_bytes()).await;
    tap.terminal_hears(line.as_bytes()).await;
    assert_eq!(client.scan().await.text, WECHAT);
    let other = tap.ready().await;
    let refused = other.claim(BOX, &[("wait", 1000)]).await.unwrap_err();
    assert_eq!(refused.name, "AlreadyClaimed");
    let asked = client.left_over();
    assert!(!asked.iter().any(|signal| signal.member() == "ReleaseRequested"), "{asked:?}");
}

#[tokio::test]
async fn what_cannot_go_on_is_told_and_what_comes_later_does() {
    let mut tap = Tap::open("").await;
    let client = tap.ready().await;
    tap.terminal.take().unwrap().hang_up().await;
    client.until_state(PORT, "absent").await;
    tap.send(b"https://example.org/a\r").await;
    let fault = client.take("the fault", |signal| signal.text().contains("not-passed")).await;
    assert!(fault.text().contains("22 bytes could not be passed through"), "{}", fault.text());
    client.until_scanned("https://example.org/a").await;
    let path = tap.bus.directory().join("port");
    tap.terminal = Some(VirtualPort::create(Some(&path)).unwrap());
    client.until_state(PORT, "ready").await;
    tap.send(b"https://example.org/b\r").await;
    tap.terminal_hears(b"https://example.org/b\r").await;
}

#[tokio::test]
async fn a_code_that_meets_no_reply_is_a_fault_and_one_that_does_is_none() {
    let mut tap = Tap::open("reply-ms = 200").await;
    let client = tap.ready().await;
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
async fn a_daemon_that_is_killed_loses_no_more_than_what_was_being_read() {
    let mut tap = Tap::open("").await;
    tap.send(b"before\r").await;
    tap.terminal_hears(b"before\r").await;
    tap.daemon.take().unwrap().crash().await;
    tap.daemon = Some(Daemon::start_with(&tap.bus, &tap.start).await);
    tap.ready().await;
    tap.send(b"after\r").await;
    tap.terminal_hears(b"after\r").await;
    tap.answer(b"back\r").await;
    tap.box_hears(b"back\r").await;
}
