//! Codes that are passed on to a terminal beside their events, and those that are held back.

use tillbus::sim::port::VirtualPort;

use crate::support::client::{Client, SCANNER};
use crate::support::host::{Bus, Daemon, Start, payment_box, soon};

/// From integrators' examples of the parameter `auth_code`.
const WECHAT: &str = "135112298638468293";
const ALIPAY: &str = "289431869362714645";

const BOX: &str = "/org/tillbus1/device/box";
const PORT: &str = "/org/tillbus1/device/port";

/// A box and a terminal's socket for it.
struct Retrofit {
    daemon: Option<Daemon>,
    start: Start,
    scanner: VirtualPort,
    terminal: Option<VirtualPort>,
    bus: Bus,
}

impl Retrofit {
    /// With more in the terminal's table, and in the route's.
    async fn open(terminal: &str, route: &str) -> Self {
        let bus = Bus::start();
        let at = |name: &str| bus.directory().join(name);
        let scanner = VirtualPort::create(Some(&at("box"))).unwrap();
        let port = VirtualPort::create(Some(&at("port"))).unwrap();
        let path = at("port").display().to_string();
        let configuration = payment_box("box", &at("box"))
            + &format!(
                "[[device]]\nname = \"port\"\nlane = \"1\"\nmatch = {{ pty = {path:?} }}\n\
                 profile = \"generic-scanner-port\"\n{terminal}\n\
                 [[route]]\nfrom = \"box\"\nto = \"port\"\nsend = \"line-crlf\"\n{route}\n"
            );
        let mut start = Start::with(&configuration);
        start.arguments = vec!["--mode".to_owned(), "test".to_owned()];
        start.state = Some(bus.directory().to_owned());
        let daemon = Daemon::start_with(&bus, &start).await;
        let retrofit = Self { daemon: Some(daemon), start, scanner, terminal: Some(port), bus };
        let client = retrofit.client().await;
        client.until_state(BOX, "ready").await;
        client.until_state(PORT, "ready").await;
        retrofit
    }

    async fn client(&self) -> Client {
        Client::connect(&self.bus).await
    }

    async fn scan(&mut self, code: &str) {
        soon("the box sends", self.scanner.send(format!("{code}\r").as_bytes())).await.unwrap();
    }

    /// What the terminal hears next.
    async fn heard(&mut self, bytes: usize) -> String {
        let terminal = self.terminal.as_mut().unwrap();
        let mut heard = Vec::new();
        soon("the terminal hears", async {
            while heard.len() < bytes {
                let mut buffer = [0; 256];
                let count = terminal.receive(&mut buffer).await.unwrap();
                heard.extend_from_slice(&buffer[..count]);
            }
        })
        .await;
        String::from_utf8(heard).unwrap()
    }

    async fn passes_on(&mut self, code: &str) {
        self.scan(code).await;
        assert_eq!(self.heard(code.len() + 2).await, format!("{code}\r\n"));
    }

    async fn answer(&mut self, bytes: &[u8]) {
        soon("the terminal answers", self.terminal.as_mut().unwrap().send(bytes)).await.unwrap();
    }
}

async fn settle(client: &Client, sequence: u64, verdict: &str) {
    client.call_raw(BOX, SCANNER, "Settle", &(sequence, verdict)).await.unwrap();
}

#[tokio::test]
async fn a_payment_code_goes_to_the_terminal_beside_its_event_and_nothing_else_does() {
    let mut retrofit = Retrofit::open("", "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.scan("https://example.org/a").await;
    assert_eq!(client.scan().await.text, "https://example.org/a");
    retrofit.passes_on(WECHAT).await;
    assert_eq!(client.scan().await.text, WECHAT);
}

#[tokio::test]
async fn without_an_owner_a_code_is_withheld_on_the_bus_and_goes_to_the_terminal() {
    let mut retrofit = Retrofit::open("", "").await;
    let client = retrofit.client().await;
    retrofit.passes_on(WECHAT).await;
    let (_, kind): (u64, String) = client.signal("Withheld").await.body();
    assert_eq!(kind, "payment-code");
    let heard = client.left_over();
    assert!(!heard.iter().any(|signal| signal.member() == "Fault"), "nobody is missing: {heard:?}");
    assert!(!heard.iter().any(|signal| signal.text().contains(WECHAT)));
}

#[tokio::test]
async fn a_cable_that_was_cut_before_the_first_byte_costs_nothing_and_the_code_pays_once() {
    let mut retrofit = Retrofit::open("", "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.terminal.take().unwrap().hang_up().await;
    client.until_state(PORT, "absent").await;
    retrofit.scan(WECHAT).await;
    let scan = client.scan().await;
    let fault = client.take("the fault", |signal| signal.text().contains("not passed on")).await;
    assert!(fault.text().contains("not-forwarded") && fault.text().contains("its state is absent"));
    let path = retrofit.bus.directory().join("port");
    retrofit.terminal = Some(VirtualPort::create(Some(&path)).unwrap());
    client.until_state(PORT, "ready").await;
    // The cashier scans it again, once the sensor has seen it leave.
    retrofit.scan("https://example.org/a").await;
    retrofit.passes_on(WECHAT).await;
    settle(&client, scan.sequence, "used").await;
    retrofit.scan("https://example.org/b").await;
    retrofit.scan(WECHAT).await;
    let fault = client.take("the fault", |signal| signal.text().contains("held-back")).await;
    assert!(fault.text().contains("a payment with it is under way, was made"));
    retrofit.passes_on(ALIPAY).await;
}

#[tokio::test]
async fn a_code_of_which_nobody_knows_is_held_back_until_somebody_says() {
    let answers = "[device.protocol]\nack = \"ACK\"\nnak = \"NAK\"\nreply-ms = 60000";
    let mut retrofit = Retrofit::open(answers, "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.passes_on(WECHAT).await;
    client.scan().await;
    // It has the code, and the cable is cut before it can say so.
    retrofit.terminal.take().unwrap().hang_up().await;
    let fault = client.take("the fault", |signal| signal.text().contains("forward-unclear")).await;
    assert!(fault.text().contains("whether port has a code is not known"));
    let path = retrofit.bus.directory().join("port");
    retrofit.terminal = Some(VirtualPort::create(Some(&path)).unwrap());
    client.until_state(PORT, "ready").await;
    retrofit.scan("https://example.org/a").await;
    retrofit.scan(WECHAT).await;
    client.take("the fault", |signal| signal.text().contains("held-back")).await;
    client.until_scanned("https://example.org/a").await;
    let again = client.scan().await;
    assert_eq!(again.text, WECHAT, "the event comes all the same");
    // Over a crash too.
    retrofit.daemon.take().unwrap().crash().await;
    retrofit.daemon = Some(Daemon::start_with(&retrofit.bus, &retrofit.start).await);
    client.until_state(PORT, "ready").await;
    client.until_state(BOX, "ready").await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.scan(WECHAT).await;
    client.take("the fault", |signal| signal.text().contains("held-back")).await;
    let again = client.scan().await;
    settle(&client, again.sequence, "unused").await;
    retrofit.scan("https://example.org/c").await;
    retrofit.passes_on(WECHAT).await;
    retrofit.answer(b"\x06").await;
}

#[tokio::test]
async fn a_terminal_that_refuses_a_code_may_have_it_again() {
    let answers = "[device.protocol]\nack = \"ACK\"\nnak = \"NAK\"\nreply-ms = 60000";
    let mut retrofit = Retrofit::open(answers, "").await;
    let client = retrofit.client().await;
    retrofit.passes_on(WECHAT).await;
    retrofit.answer(b"\x15").await;
    let fault = client.take("the fault", |signal| signal.text().contains("not-forwarded")).await;
    assert!(fault.text().contains("the terminal refused it"), "{}", fault.text());
    retrofit.scan("https://example.org/a").await;
    retrofit.passes_on(WECHAT).await;
    retrofit.answer(b"\x06").await;
}

#[tokio::test]
async fn goods_are_passed_on_where_the_route_says_so_each_time() {
    let mut retrofit = Retrofit::open("", "when = [\"gtin\", \"text\"]").await;
    for _ in 0..2 {
        // Two tins are two tins.
        retrofit.passes_on("4006381333931").await;
    }
    retrofit.scan(WECHAT).await;
    retrofit.passes_on("shelf 7").await;
}
