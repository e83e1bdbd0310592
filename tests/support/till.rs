//! A till in one piece: a bus, the daemon, and a simulated terminal.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::path::PathBuf;

use tillbus::settings::Section;
use tillbus::sim::{self, Command, Simulation};
use tokio::sync::mpsc;

use super::client::Client;
use super::host::{Bus, Daemon, Start};

/// The object of the terminal.
pub const OBJECT: &str = "/org/tillbus1/device/terminal";

/// A profile with a field table that carries codes: what an acquirer's paper would be.
pub const PAPER: &str = r#"
[profile]
id = "paper"
vendor = "Example"
model = "Example"
kind = "terminal"
status = "untested"
sources = ["this test"]
[line]
baud = 9600
[protocol]
name = "mis"
approved = ["00"]
payment = [
    { text = "S1" }, { field = "number", width = 10 }, { field = "amount", width = 12 },
    { field = "code", width = 20 },
]
answer = [
    { text = "R1" }, { field = "result", width = 2 }, { field = "number", width = 10 },
    { field = "amount", width = 12 },
]
"#;

/// A bus, a daemon, and a terminal.
pub struct Till {
    daemon: Option<Daemon>,
    commands: mpsc::Sender<Command>,
    start: Start,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The bus.
    pub bus: Bus,
}

impl Till {
    /// A ZVT terminal, for tests.
    pub async fn open() -> Self {
        Self::open_in("test").await
    }

    /// The same; the protocol's options are the keys of `[device.protocol]`.
    pub async fn asking(spoken: &str) -> Self {
        Self::open_with("zvt", &format!("protocol = {{ {spoken} }}\n"), "test").await
    }

    /// The same, in another mode.
    pub async fn open_in(mode: &str) -> Self {
        Self::open_with("zvt", "", mode).await
    }

    /// With a terminal of this protocol and profile, which have the same name, and further configuration.
    pub async fn open_with(protocol: &str, more: &str, mode: &str) -> Self {
        let bus = Bus::start();
        let link = bus.directory().join("terminal");
        let device = (sim::find(protocol).unwrap().configure)(&Section::empty("p")).unwrap();
        let options = sim::Options { device, link: Some(link.clone()), baud: None };
        let mut simulation = Simulation::start(options).unwrap();
        let (commands, inbox) = mpsc::channel(8);
        tokio::spawn(async move { simulation.run(inbox).await.unwrap() });
        let start = Start::with(&format!(
            "[[device]]\nname = \"terminal\"\nmatch = {{ pty = {:?} }}\nprofile = {protocol:?}\n{more}",
            link.display().to_string()
        ));
        Self::of(bus, commands, start, mode).await
    }

    /// With a terminal that takes such commands, and a daemon started in this way beside its mode and its
    /// ledger.
    pub async fn of(
        bus: Bus,
        commands: mpsc::Sender<Command>,
        mut start: Start,
        mode: &str,
    ) -> Self {
        let ledger = bus.directory().join("ledger.sqlite");
        let more = ["--mode", mode, "--ledger", ledger.to_str().unwrap()];
        start.arguments.extend(more.map(str::to_owned));
        let daemon = Some(Daemon::start_with(&bus, &start).await);
        Self { daemon, commands, start, ledger, bus }
    }

    /// A client of the daemon.
    pub async fn client(&self) -> Client {
        Client::connect(&self.bus).await
    }

    /// A client that has seen that the terminal is ready.
    pub async fn ready(&self) -> Client {
        let client = self.client().await;
        client.until_state(OBJECT, "ready").await;
        client
    }

    /// Tells the terminal how to behave.
    pub async fn behave(&self, words: &str) {
        self.commands.send(Command::Behave(words.to_owned())).await.unwrap();
    }

    /// The daemon crashes, and another takes its place.
    pub async fn crash(&mut self) {
        self.daemon.take().unwrap().crash().await;
        self.start_again().await;
    }

    /// The daemon is told to end, and another takes its place.
    pub async fn restart(&mut self) {
        self.daemon.take().unwrap().terminate().await;
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        self.daemon = Some(Daemon::start_with(&self.bus, &self.start).await);
    }
}
