//! The daemon: owns the hardware of a till and bridges it to D-Bus.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser};
use sd_notify::NotifyState;
use tillbus::clock;
use tillbus::config::{self, Config, Credentials, Paths};
use tillbus::daemon::outbox::outbox;
use tillbus::daemon::terminal::{self, Money};
use tillbus::daemon::{Daemon, Replays, Wake};
use tillbus::dbus::{self, Bus, Where};
use tillbus::journal;
use tillbus::ledger::{self, Book, Ledger};
use tillbus::process;
use tillbus::recording::Recording;
use tillbus::secret::wiping::{self, Wiping};
use tillbus::settings;
use tillbus::store::seen::{Moment, Seen};
use tillbus::transport::passed;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{error, info};

/// What libraries copy is gone when they free it.
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

/// `EX_CONFIG` of sysexits.h: a person has to change the configuration first.
const EXIT_CONFIGURATION: u8 = 78;
/// The least time between signs of life to the service manager.
const LEAST_WATCHDOG: Duration = Duration::from_secs(1);

/// Owns the serial and USB hardware of a till and bridges it to D-Bus.
///
/// Configuration is read from /etc/tillbus/tillbus.toml and /etc/tillbus/tillbus.toml.d/*.toml, see
/// tillbus.toml(5). SIGHUP reads it again; a wrong one leaves the one in force. SIGTERM ends the
/// daemon.
#[derive(Debug, Parser)]
#[command(name = "tillbusd", version, max_term_width = 100)]
struct Options {
    /// Read this configuration file, and the drop-ins in the directory FILE.d
    #[arg(long, value_name = "FILE", default_value = "/etc/tillbus/tillbus.toml")]
    config: PathBuf,
    /// Look for profiles here too; may be given more than once, the later overrides the earlier
    #[arg(long, value_name = "DIR")]
    profiles: Vec<PathBuf>,
    /// Check the configuration, say what is wrong, and end: 0 right, 78 wrong
    #[arg(long)]
    check: bool,
    /// Use the bus at this D-Bus address instead of the system bus
    #[arg(long, value_name = "ADDRESS", conflicts_with = "session")]
    address: Option<String>,
    /// Use the session bus instead of the system bus
    #[arg(long)]
    session: bool,
    /// Play a recorded conversation in the place of a device's port; the device may be left out
    /// where configuration has only one
    #[arg(long, value_name = "[DEVICE=]LOG")]
    replay: Vec<String>,
    /// What the daemon is for: in test and training simulated terminals may take payments, which are
    /// marked; live they are refused
    #[arg(long, value_enum, value_name = "MODE", default_value = "live")]
    mode: Mode,
    /// Keep the ledger of terminals' transactions in this file; by default in the service's state
    /// directory
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Log this much: error, warn, info, debug or trace, or tillbus::session=debug,…
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Log to standard error even where there is a journal
    #[arg(long)]
    stderr: bool,
    /// Print the manual page
    #[arg(long, hide = true)]
    man: bool,
}

/// What the daemon is for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mode {
    Live,
    Test,
    Training,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.man {
        return print_manual();
    }
    let paths = paths(&options);
    let config = match config::load(&paths) {
        Ok(config) => config,
        Err(errors) => return refuse(&errors),
    };
    if options.check {
        say(&format!("configuration is right: {} devices", config.devices.len()));
        return ExitCode::SUCCESS;
    }
    let protected = process::protect(|place| error!(place, "internal error"));
    let log = match journal::init(&log_options(&options)) {
        Ok(log) => log,
        Err(error) => return fail(&error.to_string()),
    };
    if let Err(error) = protected {
        error!(%error, "core files cannot be kept from being written");
    }
    // One thread: the work is a few microseconds an event, and hand-overs would cost more.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().on_thread_park(wiping::stack).build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve(&options, paths, config)),
        Err(error) => Err(error.into()),
    };
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "ending");
            ExitCode::FAILURE
        }
    };
    drop(log);
    code
}

/// Why the daemon ends before it is told to.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Bus(#[from] dbus::Error),
    #[error("the bus has closed the connection")]
    Closed,
    #[error("{0}")]
    System(#[from] std::io::Error),
    #[error("no random numbers to be had: {0}")]
    Random(getrandom::Error),
    #[error("--replay {0}")]
    Replay(String),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

async fn serve(options: &Options, paths: Paths, config: Config) -> Result<(), Error> {
    // First: whoever sees the name or is told that we are ready may send one.
    let mut reload = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (outbox, mut notices) = outbox();
    let replays = replays(&options.replay, &config)?;
    let epoch = epoch()?;
    let load = Box::new(move || config::load(&paths));
    let daemon =
        Daemon::new(config, load, epoch.clone(), passed::take("udev"), replays, seen()?, outbox)
            .with_ports(passed::take_ports())
            .with_money(money(options)?);
    let wakes = daemon.wakes();
    let mut bus = Bus::connect(&place(options), &epoch, wakes.clone(), daemon.newest()).await?;
    bus.own_name(&mut notices).await?;
    info!(name = dbus::NAME, "on the bus");
    // Not under systemd there is nobody to notify, which is no error.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let closed = bus.closed();
    tokio::pin!(closed);
    tokio::spawn(bus.run(notices));
    tokio::spawn(daemon.run());
    tokio::spawn(watchdog());
    loop {
        let wake = tokio::select! {
            () = &mut closed => return Err(Error::Closed),
            _ = reload.recv() => Wake::Reload,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        };
        // A daemon that has ended takes nothing; then a signal to end is all that is left.
        let _ = wakes.send(wake).await;
    }
    info!("told to end");
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    let (done, stopped) = oneshot::channel();
    let _ = wakes.send(Wake::Stop(done)).await;
    let _ = stopped.await;
    Ok(())
}

/// Tells the service manager that the loop turns, where it wants to know.
async fn watchdog() {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((within / 2).max(LEAST_WATCHDOG));
    loop {
        ticks.tick().await;
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }
}

fn paths(options: &Options) -> Paths {
    let credentials = match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(directory) => Credentials::In(directory.into()),
        None if options.check => Credentials::Unchecked,
        None => Credentials::Missing,
    };
    let mut paths = Paths { config: options.config.clone(), credentials, ..Paths::default() };
    paths.profile_dirs.extend(options.profiles.iter().cloned());
    paths
}

fn place(options: &Options) -> Where {
    match &options.address {
        Some(address) => Where::Address(address.clone()),
        None if options.session => Where::Session,
        None => Where::System,
    }
}

fn log_options(options: &Options) -> journal::Options {
    let destination =
        if options.stderr { journal::Destination::Stderr } else { journal::Destination::Automatic };
    journal::Options { level: options.log.clone(), destination }
}

/// What terminals need. A ledger that cannot be opened keeps the daemon from starting: a till must not
/// find out at the first payment.
fn money(options: &Options) -> Result<Money, Error> {
    let state = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let path = options.ledger.clone().or_else(|| state.map(|state| state.join("ledger.sqlite")));
    let mode = match options.mode {
        Mode::Live => terminal::Mode::Live,
        Mode::Test => terminal::Mode::Test,
        Mode::Training => terminal::Mode::Training,
    };
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let Some(path) = path else {
        return Ok(Money { mode, credentials, ..Money::default() });
    };
    let book = Book::open(&path)?;
    let left_over = book.left_over()?;
    Ok(Money { mode, ledger: Some(Ledger::keep(book)), left_over, credentials })
}

/// The payment codes seen lately, kept in the service's state directory where it has one.
fn seen() -> Result<Seen, Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(Error::Random)?;
    Ok(match std::env::var_os("STATE_DIRECTORY") {
        Some(directory) => {
            let now = Moment { wall: clock::realtime_micros(), boot: clock::boottime() };
            Seen::kept_in(&PathBuf::from(directory).join("seen"), key, now)
        }
        None => Seen::new(key),
    })
}

/// A name for this run of sequence numbers that no other run has.
fn epoch() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn replays(arguments: &[String], config: &Config) -> Result<Replays, Error> {
    arguments
        .iter()
        .map(|argument| {
            let (device, file) = match (argument.split_once('='), config.devices.as_slice()) {
                (Some((device, file)), _) => (device.to_owned(), file),
                (None, [only]) => (only.name.clone(), argument.as_str()),
                (None, devices) => {
                    let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
                    return Err(Error::Replay(format!(
                        "{argument}: say for which device, DEVICE={argument}; configured: {}",
                        names.join(", ")
                    )));
                }
            };
            if !config.devices.iter().any(|known| known.name == device) {
                return Err(Error::Replay(format!("{argument}: no device {device:?}")));
            }
            let text = std::fs::read_to_string(file)
                .map_err(|error| Error::Replay(format!("{file}: {error}")))?;
            let recording = Recording::parse(&text)
                .map_err(|error| Error::Replay(format!("{file}: {error}")))?;
            Ok((device, recording))
        })
        .collect()
}

fn refuse(errors: &[settings::Error]) -> ExitCode {
    for error in errors {
        complain(&error.to_string());
    }
    ExitCode::from(EXIT_CONFIGURATION)
}

fn fail(message: &str) -> ExitCode {
    complain(message);
    ExitCode::FAILURE
}

fn print_manual() -> ExitCode {
    let manual = clap_mangen::Man::new(Options::command()).section("8");
    match manual.render(&mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// A closed standard output or error is no reason to stop.
fn say(message: &str) {
    let _ = writeln!(std::io::stdout(), "{message}");
}

fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "tillbusd: {message}");
}
