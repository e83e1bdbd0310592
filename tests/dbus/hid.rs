//! A simulated HID scanner, from its reports to the bus and back.

use tillbus::settings::Section;
use tillbus::sim::{self, Command, Simulation, script};
use tokio::sync::mpsc;
use zbus::Variant;

use crate::support::client::Client;
use crate::support::host::{BOX, Bus, Daemon, scanner, soon};

const DEVICE: &str = "org.tillbus1.Device";
const SCANNER: &str = "org.tillbus1.Scanner";

/// A bus, a daemon, and one simulated scanner of this protocol that is ready.
struct Counter {
    daemon: Daemon,
    commands: mpsc::Sender<Command>,
    bus: Bus,
}

impl Counter {
    async fn open(protocol: &str, profile: &str) -> Self {
        let bus = Bus::start();
        let path = bus.directory().join("lane1");
        let info = sim::find(protocol).unwrap();
        let device = (info.configure)(&Section::empty("options")).unwrap();
        let options = sim::Options { device, link: Some(path.clone()), baud: None };
        let mut simulation = Simulation::start(options).unwrap();
        let (commands, inbox) = mpsc::channel(8);
        tokio::spawn(async move { simulation.run(inbox).await });
        let configuration = scanner("lane1-box", &path).replace("generic-line-scanner", profile);
        let daemon = Daemon::start(&bus, &configuration).await;
        Client::connect(&bus).await.until_state(BOX, "ready").await;
        Self { daemon, commands, bus }
    }

    async fn tell(&self, command: &str) {
        let command = script::command(command).unwrap();
        soon("the simulation takes a command", self.commands.send(command)).await.unwrap();
    }
}

#[tokio::test]
async fn a_hid_pos_scanner_is_read_and_asked() {
    let counter = Counter::open("hid-pos", "generic-hid-pos").await;
    let client = Client::connect(&counter.bus).await;
    let transport = client.property(BOX, DEVICE, "Transport").await;
    assert_eq!(*transport, Variant::from("pty"));

    counter.tell("scan ean-13 4006381333931").await;
    let scan = client.scan().await;
    assert_eq!((scan.symbology.as_str(), scan.text.as_str()), ("ean-13", "4006381333931"));
    assert!(scan.details.flag("simulated"));
    counter.tell(&format!("scan qr {}", "0123456789".repeat(20))).await;
    assert_eq!(client.scan().await.text, "0123456789".repeat(20));

    client
        .device(BOX, "Claim", &(std::collections::HashMap::<String, Variant<'_>>::new(),))
        .await
        .unwrap();
    client.call_raw(BOX, SCANNER, "SetEnabled", &(false,)).await.unwrap();
    counter.tell("scan kept back").await;
    counter.tell("wait 1ms").await;
    client.call_raw(BOX, SCANNER, "SetEnabled", &(true,)).await.unwrap();
    client.call_raw(BOX, SCANNER, "Trigger", &(true,)).await.unwrap();
    assert_eq!(client.scan().await.text, "kept back");
    drop(counter.daemon);
}

#[tokio::test]
async fn a_hid_scanner_that_is_unplugged_comes_back() {
    let counter = Counter::open("hid-pos", "generic-hid-pos").await;
    let client = Client::connect(&counter.bus).await;
    counter.tell("half qr 01234567890123456789").await;
    counter.tell("hang-up").await;
    client.until_state(BOX, "absent").await;
    // Plugs it in again; what it sends before it is open is lost, as on USB.
    counter.tell("scan lost").await;
    client.until_state(BOX, "ready").await;
    counter.tell("scan ean-8 96385074").await;
    assert_eq!(client.scan().await.text, "96385074");
}
