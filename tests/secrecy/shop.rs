//! Every device that can be simulated, each at its port, saying secrets in every way it can; clients who
//! ask for them; and all that came out of the daemon anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::unistd::{Uid, geteuid, seteuid};
use tillbus::clock;
use tillbus::event::Symbology;
use tillbus::profile::{Catalogue, Profile};
use tillbus::sim::{self, Code, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zbus::OwnedFd;
use zbus::message::Type as Kind;

use super::canaries::{self, Canaries, Says};
use super::memory;
use super::payments::{Monitor, text_of};
use super::search::{Found, Search};
use crate::support::client::{Client, DEVICE, Failed, MANAGER, ROOT, SCANNER, Signal};
use crate::support::host::{Bus, Daemon, Start, soon};

/// So much of a secret is one, where people and programs write.
const PART: usize = 8;
/// So much of one, among millions of numbers in a process's memory.
const PART_IN_MEMORY: usize = 10;
/// How long after its release a secret may be in memory.
const GONE_WITHIN: Duration = Duration::from_secs(1);
/// nobody's.
const STRANGER: u32 = 65_534;
/// What no letter or digit reaches across, between two things that are searched as one.
const BETWEEN: &[u8] = b"\n\n\n\n";

/// Where a secret can come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    /// What the daemon writes to its standard error.
    StandardError,
    /// What it sends to journald.
    Journal,
    /// What goes over the bus, as its owner may listen to it.
    Monitor,
    /// What a client without any right hears, and is answered.
    Stranger,
    /// The files below its directories.
    Files,
    /// The words of its errors and faults.
    Errors,
    /// Its memory, a second after everything was released.
    Memory,
}

/// What was found where.
pub(crate) type Leaks = BTreeMap<Channel, BTreeSet<Found>>;

/// A simulated device of a profile, at its port.
struct Device {
    object: String,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<std::io::Result<()>>,
    says: Says,
}

impl Device {
    /// The device of this profile; nothing where it cannot be simulated.
    fn plug(directory: &Path, catalogue: &Catalogue, profile: &Profile) -> Option<(Self, String)> {
        let says = canaries::said_by(profile)?;
        let info = sim::find(profile.protocol.as_ref()?.info.name)?;
        let path = directory.join(&profile.id);
        let document = catalogue.file(&profile.id).unwrap().parse().unwrap();
        let section = document.root().section("protocol").unwrap().unwrap();
        let device = (info.configure)(&section).unwrap();
        let options = sim::Options { device, link: Some(path.clone()), baud: None };
        let (commands, receiver) = mpsc::channel(1);
        let task = tokio::spawn(sim::run(options, receiver));
        let id = &profile.id;
        let object = format!("/org/tillbus1/device/{}", id.replace('-', "_2d"));
        let configuration = canaries::configuration(profile, &path);
        Some((Self { object, commands, task, says }, configuration))
    }

    async fn perform(&self, command: Command) {
        soon("the device does it", self.commands.send(command)).await.unwrap();
    }

    fn codes(&self) -> &[Code] {
        match &self.says {
            Says::Codes(codes) | Says::Cards(codes) => codes,
        }
    }

    /// It says its secrets. Cards one after the other, as people swipe them: some readers end a card with
    /// silence. Codes all at once.
    async fn say_secrets(&self, listener: &Client) {
        for code in self.codes() {
            self.perform(Command::Scan(code.clone())).await;
            if matches!(self.says, Says::Cards(_)) {
                let is_withheld =
                    |signal: &Signal| signal.member() == "Withheld" && signal.path() == self.object;
                listener.take(&format!("a card of {}", self.object), is_withheld).await;
            }
        }
    }

    /// It says everything; returns when the daemon has taken it in.
    async fn say_everything(&self, listener: &Client, mark: &str) {
        self.say_secrets(listener).await;
        if matches!(self.says, Says::Cards(_)) {
            return;
        }
        self.perform(Command::Noise(40)).await;
        // What comes right behind noise may be lost with it.
        for text in ["BEFORE", mark] {
            let code = Code { symbology: Some(Symbology::Qr), data: text.into() };
            self.perform(Command::Scan(code)).await;
        }
        let is_mark = |signal: &Signal| {
            signal.member() == "Scanned"
                && signal.path() == self.object
                && signal.scan().text == mark
        };
        listener.take(&format!("{mark} of {}", self.object), is_mark).await;
    }

    /// It is pulled out in the middle of a code.
    async fn pull(self, listener: &Client) {
        let half = Command::Half(self.codes()[0].clone());
        let Self { object, commands, task, .. } = self;
        soon("the device does it", commands.send(half)).await.unwrap();
        drop(commands);
        soon("the device ends", task).await.unwrap().unwrap();
        listener.until_state(&object, "absent").await;
    }
}

/// A journald at the place where the daemon looks for it: for a test in a mount namespace.
pub(crate) struct Journald {
    records: Arc<Mutex<Vec<u8>>>,
}

impl Journald {
    pub(crate) fn start() -> Self {
        std::fs::create_dir_all("/run/systemd/journal").unwrap();
        let socket = UnixDatagram::bind("/run/systemd/journal/socket").unwrap();
        let records = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&records);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut buffer) {
                written.lock().unwrap().extend_from_slice(&[&buffer[..length], BETWEEN].concat());
            }
        });
        Self { records }
    }

    /// All that it was sent.
    pub(crate) fn records(&self) -> Vec<u8> {
        self.records.lock().unwrap().clone()
    }
}

/// What a client was told.
#[derive(Default)]
struct Told {
    answers: Vec<u8>,
    errors: Vec<u8>,
}

impl Told {
    fn note(&mut self, answer: Result<zbus::Message, Failed>) {
        match answer {
            Ok(answer) => self.answers.extend([answer.data().bytes(), BETWEEN].concat()),
            Err(failed) => self.errors.extend([failed.message.as_bytes(), BETWEEN].concat()),
        }
    }

    /// Every call that can be made about a device and its events, by whoever may and whoever may not.
    async fn ask_everything(&mut self, client: &Client, path: &str, sequences: &[u64]) {
        for sequence in sequences {
            let taken: Result<OwnedFd, Failed> =
                client.call(path, DEVICE, "Take", &(sequence,)).await;
            match taken {
                Ok(pipe) => {
                    let mut bytes = Vec::new();
                    let mut pipe = std::fs::File::from(std::os::fd::OwnedFd::from(pipe));
                    pipe.read_to_end(&mut bytes).unwrap();
                    assert!(!bytes.is_empty(), "there is nothing in the pipe");
                }
                Err(failed) => self.errors.extend([failed.message.as_bytes(), BETWEEN].concat()),
            }
            self.note(client.call_raw(path, SCANNER, "Settle", &(sequence, "used")).await);
        }
        self.note(client.call_raw(path, DEVICE, "Diagnose", &()).await);
        self.note(client.call_raw(path, DEVICE, "Claim", &(1_u8,)).await);
        self.note(client.call_raw(ROOT, MANAGER, "Replay", &("", 0_u64, 1000_u32)).await);
        self.note(client.call_raw(ROOT, MANAGER, "Reload", &()).await);
    }
}

/// What a client has been told of a device, by its numbers.
async fn sequences_of(client: &Client, object: &str) -> Vec<u64> {
    let name = object.rsplit('/').next().unwrap().replace("_2d", "-");
    let events = client.replay("", 0, 100_000).await.unwrap().events;
    let of_device =
        events.iter().filter(|event| event.has("device") && event.text("device") == name);
    of_device.map(|event| event.number("sequence")).collect()
}

/// A client whom nobody has given a right.
async fn stranger(bus: &Bus) -> Client {
    // Where we are root the bus sees another user; elsewhere one without a claim has to do.
    let is_root = geteuid().is_root() && seteuid(Uid::from_raw(STRANGER)).is_ok();
    let client = Client::connect(bus).await;
    if is_root {
        seteuid(Uid::from_raw(0)).unwrap();
    }
    client
}

/// Plays it all against a daemon, and tells what came out where.
///
/// `wanted` says which profiles' devices are there. The test must be alone in its process.
pub(crate) async fn play(
    start: &Start,
    wanted: fn(&Profile) -> bool,
    journald: &Journald,
) -> Leaks {
    let before = journald.records().len();
    let bus = Bus::start();
    let [ports, state] = ["ports", "state"].map(|name| bus.directory().join(name));
    for directory in [&ports, &state] {
        std::fs::create_dir(directory).unwrap();
    }
    let catalogue = Catalogue::built_in();
    let profiles = catalogue.ids().map(|id| catalogue.profile(id).unwrap().unwrap());
    let plugged: Vec<(Device, String)> = profiles
        .filter(wanted)
        .filter_map(|profile| Device::plug(&ports, &catalogue, &profile))
        .collect();
    let (mut devices, configurations): (Vec<Device>, Vec<String>) = plugged.into_iter().unzip();
    assert!(!devices.is_empty(), "nothing to test with");
    let start = Start {
        configuration: configurations.concat(),
        log: "trace",
        state: Some(state),
        ..start.clone()
    };
    let daemon = Daemon::start_with(&bus, &start).await;
    let mut monitor = Monitor::start(&bus).await;
    let (owner, other) = (Client::connect(&bus).await, stranger(&bus).await);
    for device in &devices {
        owner.until_state(&device.object, "ready").await;
    }

    // Nobody's, then the owner's, then the owner's who takes nothing more in.
    let (mut owners, mut others) = (Told::default(), Told::default());
    for device in &devices {
        device.say_everything(&owner, "NOBODYS").await;
    }
    for device in &devices {
        owner.claim(&device.object, &[]).await.unwrap();
        device.say_everything(&owner, "CLAIMED").await;
    }
    for device in &devices {
        let sequences = sequences_of(&owner, &device.object).await;
        others.ask_everything(&other, &device.object, &sequences).await;
        owners.ask_everything(&owner, &device.object, &sequences).await;
        device.say_everything(&owner, "TAKEN").await;
    }
    for device in &devices {
        owner.claim(&device.object, &[("credit", 1)]).await.unwrap();
        device.say_secrets(&owner).await;
    }
    let objects = format!("{:?}", other.objects().await.into_iter().collect::<Vec<_>>());
    // One half is released, the other pulled out.
    let last = devices.split_off(devices.len() / 2);
    for device in last {
        owner.device(&device.object, "Release", &()).await.unwrap();
        device.pull(&owner).await;
    }
    for device in devices {
        let object = device.object.clone();
        device.pull(&owner).await;
        owner.device(&object, "Release", &()).await.unwrap();
    }
    // Cards are gone with the claim; a code that pays with the client that had it.
    let Canaries { hidden, bearer } = canaries::all();
    let mut memory = in_memory(&daemon, &hidden).await;
    let owners_name = owner.name();
    owner.leave().await;
    memory.extend(in_memory(&daemon, &bearer).await);

    let end = "/org/example/test";
    let sent = other.connection().emit_signal(None::<&str>, end, "org.example.test", "End", &());
    sent.await.unwrap();
    let everything = monitor.until("End").await;
    let log = daemon.terminate().await;
    let all = || hidden.iter().chain(&bearer).map(String::as_str);
    let (search, hidden) =
        (Search::new(all(), PART), Search::new(hidden.iter().map(String::as_str), PART));
    // Who may pay with a code gets it over the bus; a card and a person nobody does.
    let (to_owner, to_others): (Vec<_>, Vec<_>) = everything.iter().partition(|message| {
        let to = message.header().destination().map(|name| name.to_string());
        to.as_ref() == Some(&owners_name) && message.message_type() != Kind::Error
    });
    let texts = |messages: &[&zbus::Message]| {
        let texts: Vec<Vec<u8>> =
            messages.iter().map(|message| [message.data().bytes(), BETWEEN].concat()).collect();
        texts.concat()
    };
    let mut monitored = search.find(&texts(&to_others));
    monitored.extend(hidden.find(&texts(&to_owner)));
    assert!(!search.find(&texts(&to_owner)).is_empty(), "the monitor hears what there is");
    let faults: String = everything
        .iter()
        .filter(|message| {
            let member = message.header().member().map(|member| member.to_string());
            message.message_type() == Kind::Error || member.as_deref() == Some("Fault")
        })
        .map(text_of)
        .collect();
    let heard: String = other.left_over().iter().map(|signal| signal.text() + "\n\n\n\n").collect();
    let errors = [&owners.errors[..], &others.errors, faults.as_bytes()].concat();
    let strangers = [heard.as_bytes(), objects.as_bytes(), &others.answers].concat();
    let files = files_below(bus.directory());
    [
        (Channel::StandardError, search.find(log.as_bytes())),
        (Channel::Journal, search.find(&journald.records()[before..])),
        (Channel::Monitor, monitored),
        (Channel::Stranger, search.find(&strangers)),
        (Channel::Files, search.find(&files)),
        (Channel::Errors, search.find(&errors)),
        (Channel::Memory, memory),
    ]
    .into_iter()
    .filter(|(_, found)| !found.is_empty())
    .collect()
}

/// What is still in the daemon's memory when it should be gone.
async fn in_memory(daemon: &Daemon, secrets: &[String]) -> BTreeSet<Found> {
    let search = Search::new(secrets.iter().map(String::as_str), PART_IN_MEMORY);
    let released = clock::boottime();
    loop {
        let since = clock::boottime().since(released);
        let Some(mappings) = memory::of(daemon.id()) else {
            println!("skipped: only root may look into the daemon's memory");
            return BTreeSet::new();
        };
        let mut found = BTreeSet::new();
        for (name, bytes) in &mappings {
            let here = search.find(bytes).into_iter().chain(search.find_packed(bytes));
            found.extend(here.map(|(secret, form)| (format!("{secret} in {name}"), form)));
        }
        if found.is_empty() || since > GONE_WITHIN {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// The contents of all files below a directory, and their names.
fn files_below(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        all.extend([entry.file_name().as_encoded_bytes(), BETWEEN].concat());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            all.extend([std::fs::read(entry.path()).unwrap().as_slice(), BETWEEN].concat());
        }
    }
    all
}
