//! A box and the terminal it was sold with, and the till between them.

use tillbus::sim::port::VirtualPort;

use crate::support::client::Client;
use crate::support::host::{Bus, Daemon, Start, payment_box, soon};

/// From integrators' examples of the parameter `auth_code`.
pub(super) const WECHAT: &str = "135112298638468293";
pub(super) const ALIPAY: &str = "289431869362714645";

pub(super) const BOX: &str = "/org/tillbus1/device/box";
pub(super) const PORT: &str = "/org/tillbus1/device/port";

/// The box, the terminal's socket for it, and a daemon with a route from the one to the other.
pub(super) struct Retrofit {
    /// Absent while it is dead.
    pub(super) daemon: Option<Daemon>,
    pub(super) start: Start,
    /// The box's side of its line.
    pub(super) scanner: VirtualPort,
    /// The terminal's side of its line; absent while that is cut.
    pub(super) terminal: Option<VirtualPort>,
    pub(super) bus: Bus,
}

impl Retrofit {
    /// With more in the terminal's table, with these lines in the route's, and with this in the daemon's
    /// environment.
    pub(super) async fn open(
        bus: Bus,
        terminal: &str,
        route: &str,
        environment: &[(&'static str, String)],
    ) -> Self {
        let at = |name: &str| bus.directory().join(name);
        let scanner = VirtualPort::create(Some(&at("box"))).unwrap();
        let port = VirtualPort::create(Some(&at("port"))).unwrap();
        let path = at("port").display().to_string();
        let configuration = payment_box("box", &at("box"))
            + &format!(
                "[[device]]\nname = \"port\"\nlane = \"1\"\nmatch = {{ pty = {path:?} }}\n\
                 profile = \"generic-scanner-port\"\n{terminal}\n\
                 [[route]]\nfrom = \"box\"\nto = \"port\"\n{route}\n"
            );
        let mut start = Start::with(&configuration);
        start.arguments = vec!["--mode".to_owned(), "test".to_owned()];
        start.state = Some(bus.directory().to_owned());
        start.environment = environment.to_vec();
        let daemon = Daemon::start_with(&bus, &start).await;
        let retrofit = Self { daemon: Some(daemon), start, scanner, terminal: Some(port), bus };
        retrofit.client().await;
        retrofit
    }

    /// A client, once both lines are open.
    pub(super) async fn client(&self) -> Client {
        let client = Client::connect(&self.bus).await;
        client.until_state(BOX, "ready").await;
        client.until_state(PORT, "ready").await;
        client
    }

    /// The daemon is killed.
    pub(super) async fn kill(&mut self) {
        self.daemon.take().unwrap().crash().await;
    }

    /// Another daemon takes its place, started like this.
    pub(super) async fn restart(&mut self, start: &Start) {
        self.daemon = Some(Daemon::start_with(&self.bus, start).await);
    }

    /// The cable to the terminal is cut.
    pub(super) async fn cut(&mut self) {
        self.terminal.take().unwrap().hang_up().await;
    }

    /// The cable is mended, and whoever this is knows of it.
    pub(super) async fn mend(&mut self, client: &Client) {
        let path = self.bus.directory().join("port");
        self.terminal = Some(VirtualPort::create(Some(&path)).unwrap());
        client.until_state(PORT, "ready").await;
    }

    /// The box sends.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        soon("the box sends", self.scanner.send(bytes)).await.unwrap();
    }

    /// The box reads a code.
    pub(super) async fn scan(&mut self, code: &str) {
        self.send(format!("{code}\r").as_bytes()).await;
    }

    /// The terminal sends.
    pub(super) async fn answer(&mut self, bytes: &[u8]) {
        soon("the terminal sends", self.terminal.as_mut().unwrap().send(bytes)).await.unwrap();
    }

    /// This is what the terminal hears next.
    pub(super) async fn terminal_hears(&mut self, bytes: &[u8]) {
        assert_eq!(heard(self.terminal.as_mut().unwrap(), bytes.len()).await, bytes);
    }

    /// This is what the box hears next.
    pub(super) async fn box_hears(&mut self, bytes: &[u8]) {
        assert_eq!(heard(&mut self.scanner, bytes.len()).await, bytes);
    }
}

/// The next so many bytes.
pub(super) async fn heard(port: &mut VirtualPort, bytes: usize) -> Vec<u8> {
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
