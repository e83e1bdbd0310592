//! What pays and what says who somebody is: not in the log, not in a file, not with another client,
//! and but for payment codes on their way to their owner, not in any message on the bus.

use std::io::Read as _;
use std::path::Path;

use tillbus::sim::port::VirtualPort;
use tokio::sync::mpsc;
use zbus::export::futures_core::Stream as _;
use zbus::message::Type as Kind;
use zbus::{Connection, Message, MessageStream, OwnedFd};

use crate::leaks;
use crate::support::client::{Client, DEVICE, MANAGER, ROOT, SCANNER};
use crate::support::host::{BOX, Bus, Daemon, Start, payment_box, scanner, soon};

/// Who has these can pay with them. From integrators' examples.
const CODES: [&str; 2] = ["135112298638468293", "289431869362714645"];
/// The README of the repository `dongri/emv-qrcode`, and the card number in it.
const CARD: &str = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
const CARD_NUMBER: &str = "1234567890123458";
/// GB 11643-1999, Annex A.
const PERSON: &str = "11010519491231002X";
/// AAMVA 2020, Annex D: from the number of the licence on it is all the person's.
const LICENCE: &str = "@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\nDDEN\nDACMICHAEL\n\
     DDFN\nDADJOHN\nDDGN\nDCUJR\nDCAD\nDCBK\nDCDPH\nDBD06062019\nDBB06061986\nDBA12102024\nDBC1\n\
     DAU068 in\nDAYBRO\nDAG2300 WEST BROAD STREET\nDAIRICHMOND\nDAJVA\nDAK232690000  \n\
     DCF2424244747474786102204\nDCGUSA\nDCK123456789\nDDAF\nDDB06062018\nDDC06062020\nDDD1\rZVZVA01\r";
const LICENCE_PARTS: [&str; 4] =
    ["DAQT64235789", "DACMICHAEL", "DBB06061986", "DAG2300 WEST BROAD STREET"];

/// What nobody gets over the bus, its owner included.
fn hidden() -> Vec<&'static str> {
    [&[CARD, CARD_NUMBER, PERSON][..], &LICENCE_PARTS].concat()
}

#[track_caller]
fn assert_without(text: &str, secrets: &[&str], what: &str) {
    for secret in secrets {
        let found = leaks(text, secret);
        assert!(found.is_empty(), "{what}: {found:?} of {secret} in: {text}");
    }
}

/// Everything that goes over the bus, as its owner may listen to it.
pub(crate) struct Monitor {
    messages: mpsc::UnboundedReceiver<Message>,
    _connection: Connection,
}

impl Monitor {
    pub(crate) async fn start(bus: &Bus) -> Self {
        let address: zbus::Address = bus.address().try_into().unwrap();
        let connection = zbus::connection::Builder::address(address).build().await.unwrap();
        let mut stream = MessageStream::from(&connection);
        let (sender, messages) = mpsc::unbounded_channel();
        let name = "org.freedesktop.DBus";
        let monitoring = Some("org.freedesktop.DBus.Monitoring");
        let everything = (Vec::<&str>::new(), 0_u32);
        // Answered, it listens.
        let object = "/org/freedesktop/DBus";
        let call =
            connection.call_method(Some(name), object, monitoring, "BecomeMonitor", &everything);
        soon("the bus lets us listen", call).await.unwrap();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| std::pin::Pin::new(&mut stream).poll_next(context))
                    .await
            {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { messages, _connection: connection }
    }

    /// All messages up to a signal of this name.
    pub(crate) async fn until(&mut self, member: &str) -> Vec<Message> {
        let mut heard = Vec::new();
        soon("the monitor hears the end", async {
            while let Some(message) = self.messages.recv().await {
                if message.header().member().is_some_and(|found| found.as_str() == member) {
                    return;
                }
                heard.push(message);
            }
            panic!("the monitor was cut off");
        })
        .await;
        heard
    }
}

pub(crate) fn text_of(message: &Message) -> String {
    String::from_utf8_lossy(message.data().bytes()).into_owned()
}

/// Two boxes: one for payments, and one for goods.
struct Boxes {
    payments: VirtualPort,
    goods: VirtualPort,
    configuration: String,
    /// How many bytes each has sent.
    sent: [u64; 2],
}

const GOODS: &str = "/org/tillbus1/device/lane2_2dbox";

impl Boxes {
    fn create(directory: &Path) -> Self {
        let paths = [directory.join("lane1"), directory.join("lane2")];
        let configuration = payment_box("lane1-box", &paths[0]) + &scanner("lane2-box", &paths[1]);
        let payments = VirtualPort::create(Some(&paths[0])).unwrap();
        let goods = VirtualPort::create(Some(&paths[1])).unwrap();
        Self { payments, goods, configuration, sent: [0; 2] }
    }

    async fn scan_everything(&mut self) {
        for code in [CODES[0], CODES[1], CARD, &CARD[..60], PERSON] {
            for line in [format!("]Q1{code}\r"), format!("]C0{code}\r")] {
                soon("the port takes bytes", self.payments.send(line.as_bytes())).await.unwrap();
                self.sent[0] += u64::try_from(line.len()).unwrap();
            }
        }
        for code in [CARD, PERSON, LICENCE] {
            let line = format!("]L0{code}\r");
            soon("the port takes bytes", self.goods.send(line.as_bytes())).await.unwrap();
            self.sent[1] += u64::try_from(line.len()).unwrap();
        }
    }

    /// Everything is scanned, and the daemon has taken it in; the newest event then.
    async fn scanned_everything(&mut self, client: &Client) -> u64 {
        self.scan_everything().await;
        for (path, sent) in [BOX, GOODS].into_iter().zip(self.sent) {
            client.until_health(path, "bytes", sent).await;
            // The session answers it when it has told of what it had read.
            let _ = client.call_raw(path, DEVICE, "Diagnose", &()).await;
        }
        client.properties(ROOT, MANAGER).await.unwrap().number("Sequence")
    }
}

/// Every call that may be made about an event, by whoever may and whoever may not.
async fn ask_everything(client: &Client, path: &str, sequence: u64) {
    let _ = client.call_raw(path, SCANNER, "Settle", &(sequence, "used")).await;
    let _ = client.call_raw(path, SCANNER, "Indicate", &(sequence, "good")).await;
    let _ = client.call_raw(path, DEVICE, "Diagnose", &()).await;
    let taken: Result<OwnedFd, _> = client.call(path, DEVICE, "Take", &(sequence,)).await;
    if let Ok(pipe) = taken {
        let mut text = String::new();
        std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut text).unwrap();
        assert!(CARD.starts_with(&text), "the pipe holds the code");
    }
}

#[tokio::test]
async fn what_pays_and_who_somebody_is_reaches_the_owner_alone() {
    let bus = Bus::start();
    let state = bus.directory().join("state");
    std::fs::create_dir(&state).unwrap();
    let mut boxes = Boxes::create(bus.directory());
    let start =
        Start { log: "trace", state: Some(state.clone()), ..Start::with(&boxes.configuration) };
    let daemon = Daemon::start_with(&bus, &start).await;
    let mut monitor = Monitor::start(&bus).await;
    let (owner, other) = (Client::connect(&bus).await, Client::connect(&bus).await);
    for path in [BOX, GOODS] {
        other.until_state(path, "ready").await;
    }
    // Nobody's, then the owner's at once, then held back and cleared, or too old.
    let first = boxes.scanned_everything(&other).await;
    for path in [BOX, GOODS] {
        owner.claim(path, &[]).await.unwrap();
    }
    let second = boxes.scanned_everything(&other).await;
    for sequence in 1..=second {
        for (client, path) in [(&owner, BOX), (&owner, GOODS), (&other, BOX), (&other, GOODS)] {
            ask_everything(client, path, sequence).await;
        }
    }
    for path in [BOX, GOODS] {
        owner.claim(path, &[("credit", 1), ("max-age", 0)]).await.unwrap();
    }
    let newest = boxes.scanned_everything(&other).await;
    assert!(first >= 8 && second >= first + 8 && newest >= second + 8, "{first} {second} {newest}");
    owner.device(BOX, "Clear", &()).await.unwrap();
    owner.acknowledge(GOODS, newest).await.unwrap();
    let seen = [owner.replay("", 0, 1000).await.unwrap(), other.replay("", 0, 1000).await.unwrap()];
    let objects = format!("{:?}", other.objects().await.into_iter().collect::<Vec<_>>());
    let end = "/org/example/test";
    let sent = other.connection().emit_signal(None::<&str>, end, "org.example.test", "End", &());
    sent.await.unwrap();

    // The monitor: all there was. Payment codes only in what was the owner's, and there they are.
    let everything = monitor.until("End").await;
    let (owners, others): (Vec<_>, Vec<_>) = everything.iter().partition(|message| {
        let header = message.header();
        let to = header.destination().map(|name| name.to_string());
        to == Some(owner.name()) && message.message_type() != Kind::Error
    });
    let owners: String = owners.into_iter().map(text_of).collect();
    let others: String = others.into_iter().map(text_of).collect();
    for code in CODES {
        assert_eq!(leaks(&owners, code)[..1], ["clear"], "the monitor hears what there is");
    }
    assert_without(&owners, &hidden(), "to the owner");
    assert_without(&others, &hidden(), "to others");
    assert_without(&others, &CODES, "to others");
    // The other client: what it heard, was answered, and could look up.
    let heard: String = other.left_over().iter().map(|signal| signal.text()).collect();
    assert!(heard.contains("payment-code") && heard.contains("licence"), "{heard}");
    for text in [&heard, &objects, &format!("{:?}", seen[1])] {
        assert_without(text, &CODES, "the other client");
        assert_without(text, &hidden(), "the other client");
    }
    assert_without(&format!("{:?}", seen[0]), &hidden(), "the owner's replay");
    // The file of codes seen, and the log.
    let file = std::fs::read(state.join("seen")).unwrap();
    let file = String::from_utf8_lossy(&file).into_owned();
    assert!(file.lines().count() > CODES.len(), "{file}");
    let log = daemon.terminate().await;
    assert!(log.contains("withheld") && log.contains("taken") && log.contains("settled"), "{log}");
    for (what, text) in [("the file", &file), ("the log", &log)] {
        assert_without(text, &CODES, what);
        assert_without(text, &hidden(), what);
    }
}

#[test]
fn the_search_finds_each_of_them() {
    for secret in [&CODES[..], &hidden()].concat() {
        let text = format!("INFO scan text={secret} device=\"lane1-box\"");
        assert!(leaks(&text, secret).contains(&"clear"), "{secret}");
        let part = format!("{:02x?}", &secret.as_bytes()[1..9]);
        assert_eq!(leaks(&part, secret)[..1], ["hexadecimal with commas"], "{part}");
    }
}
