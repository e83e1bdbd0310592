//! A daemon that leaks, to show that a leak would be seen: the library's own daemon, with protocols that
//! pass on what they hear. It is this test program and never part of what is installed.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use tillbus::clock;
use tillbus::config::{self, Config, Paths};
use tillbus::daemon::outbox::outbox;
use tillbus::daemon::{Daemon, Wake};
use tillbus::dbus::{Bus, Where};
use tillbus::event::{Reading, Refusal, Request, Symbology, Timestamp};
use tillbus::journal::{self, Destination};
use tillbus::protocol::{Input, Item, Opening, Output, Protocol, RequestId, Token};
use tillbus::secret::Secret;
use tillbus::settings;
use tillbus::store::seen::{Moment, Seen};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::support::host::Start;

/// Says which way the daemon leaks.
pub(crate) const VARIABLE: &str = "TILLBUS_TEST_LEAK";

/// A way in which it leaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    None,
    StandardError,
    Journal,
    Broadcast,
    File,
    Error,
    Memory,
    /// Not a leak but for what a panic says.
    Panic,
}

const WAYS: [Way; 8] = [
    Way::None,
    Way::StandardError,
    Way::Journal,
    Way::Broadcast,
    Way::File,
    Way::Error,
    Way::Memory,
    Way::Panic,
];

/// How the daemon is started that leaks this way.
pub(crate) fn start(way: Way) -> Start {
    let environment = vec![(VARIABLE, format!("{way:?}"))];
    Start { instead: Some(program), environment, journal: way == Way::Journal, ..Start::with("") }
}

fn program(address: &str, configuration: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "secrecy::leaks::daemon", "--ignored", "--nocapture"])
        .env(ADDRESS, address)
        .env(CONFIGURATION, configuration);
    command
}

const ADDRESS: &str = "TILLBUS_TEST_ADDRESS";
const CONFIGURATION: &str = "TILLBUS_TEST_CONFIGURATION";

/// What was heard last, in the two ways that keep it.
static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

#[test]
#[ignore = "run by what wants a daemon that leaks"]
fn daemon() {
    let way = env::var(VARIABLE).unwrap();
    let way = WAYS.into_iter().find(|known| format!("{known:?}") == way).unwrap();
    tillbus::process::protect(|place| tracing::error!(place, "internal error")).unwrap();
    let destination = if way == Way::Journal { Destination::Journal } else { Destination::Stderr };
    let level = Some("trace".to_owned());
    let _log = journal::init(&journal::Options { level, destination }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(way));
}

/// As the daemon's own program does it.
async fn serve(way: Way) {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let (outbox, mut notices) = outbox();
    let config = PathBuf::from(env::var_os(CONFIGURATION).unwrap());
    let paths = Paths { config, ..Paths::default() };
    let config = leaking(config::load(&paths).unwrap(), way);
    let load = Box::new(move || {
        let heard = HEARD.lock().unwrap().clone();
        if way == Way::Error && !heard.is_empty() {
            let message = format!("no key {:?}", String::from_utf8_lossy(&heard));
            return Err(vec![settings::Error {
                file: "a".to_owned(),
                line: 1,
                column: 1,
                message,
            }]);
        }
        Ok(leaking(config::load(&paths)?, way))
    });
    let now = Moment { wall: clock::realtime_micros(), boot: clock::boottime() };
    let seen = Seen::kept_in(&state().join("seen"), [7; 32], now);
    let epoch = "0123".to_owned();
    let daemon = Daemon::new(config, load, epoch.clone(), None, HashMap::new(), seen, outbox);
    let (wakes, newest) = (daemon.wakes(), daemon.newest());
    let place = Where::Address(env::var(ADDRESS).unwrap());
    let mut bus = Bus::connect(&place, &epoch, wakes.clone(), newest).await.unwrap();
    bus.own_name(&mut notices).await.unwrap();
    tokio::spawn(bus.run(notices));
    tokio::spawn(daemon.run());
    terminate.recv().await.unwrap();
    let (done, stopped) = oneshot::channel();
    let _ = wakes.send(Wake::Stop(done)).await;
    let _ = stopped.await;
}

fn state() -> PathBuf {
    PathBuf::from(env::var_os("STATE_DIRECTORY").unwrap())
}

/// The configuration, with every device's conversations overheard.
fn leaking(mut config: Config, way: Way) -> Config {
    for device in &mut config.devices {
        let own = Arc::clone(&device.factory);
        device.factory = Arc::new(move || Box::new(Leaking { own: own(), way }));
    }
    config
}

struct Leaking {
    own: Box<dyn Protocol>,
    way: Way,
}

impl Leaking {
    fn leak(&self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        match self.way {
            Way::None => {}
            Way::StandardError | Way::Journal => tracing::trace!(?bytes, "heard"),
            Way::Broadcast => {
                let text: String = bytes.iter().map(|byte| format!("{byte:02X} ")).collect();
                let data = Secret::new(format!("heard {text}").into_bytes());
                let (symbology, aim) = (Some(Symbology::Code128), None);
                out.push(Item::Reading(Reading { symbology, aim, data, first: now, last: now }));
            }
            Way::File => {
                let path = state().join("heard");
                let file = fs::OpenOptions::new().create(true).append(true).open(path);
                file.unwrap().write_all(bytes).unwrap();
            }
            Way::Panic => panic!("what is {:?}?", String::from_utf8_lossy(bytes)),
            Way::Error | Way::Memory => HEARD.lock().unwrap().extend_from_slice(bytes),
        }
    }
}

impl Protocol for Leaking {
    fn opened(&mut self, now: Timestamp, opening: Opening, out: &mut Output) {
        self.own.opened(now, opening, out);
    }

    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        if let Input::Bytes(bytes) = input {
            self.leak(now, bytes, out);
        }
        self.own.receive(now, input, out);
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.own.request(now, id, request, out)
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        self.own.sent(now, token, out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.own.deadline()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        self.own.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        self.own.closed(now, out);
    }
}
