//! A private bus, the daemon on it, and virtual scanners at its ports.
//!
//! Nothing here sleeps: the bus is ready when it prints its address, the daemon when it has its
//! name, and what has to come is waited for, at most [`PATIENCE`], then named. A daemon's standard
//! error is kept and shown when its test fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tillbus::sim::port::VirtualPort;
use tokio::sync::watch;

use super::client::{Client, Signal as Heard};

/// How long something that must happen may take. Not a measure: past it the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what must happen, and names it if it does not.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {} s", PATIENCE.as_secs()),
    }
}

/// The policy of a bus where everybody may do everything.
pub const OPEN: &str = r#"<policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>"#;

/// A dbus-daemon of our own; ends with this value.
pub struct Bus {
    process: Child,
    address: String,
    directory: TempDir,
}

impl Bus {
    /// A bus where everybody may do everything.
    pub fn start() -> Self {
        Self::with_policy(OPEN)
    }

    /// A bus with these elements in its configuration.
    pub fn with_policy(policy: &str) -> Self {
        let directory = open_directory();
        let address = format!("unix:path={}", directory.path().join("bus").display());
        Self::at(&address, directory, policy)
    }

    fn at(address: &str, directory: TempDir, policy: &str) -> Self {
        let configuration = directory.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  {policy}
</busconfig>
"#
        );
        std::fs::write(&configuration, text).unwrap();
        let errors = directory.path().join("bus.stderr");
        let mut process = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&errors).unwrap())
            .spawn()
            .expect("dbus-daemon is installed");
        let mut ready = String::new();
        // It prints its address once it listens, and nothing if it ends before.
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut ready).unwrap();
        if ready.is_empty() {
            let _ = process.wait();
            panic!("no bus: {}", std::fs::read_to_string(&errors).unwrap_or_default());
        }
        Self { process, address: address.to_owned(), directory }
    }

    /// The D-Bus address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A directory that lives as long as the bus, open to every user.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends the bus as a crash would.
    pub fn crash(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Copies a program to where another user may run it: the directory where it was built may be closed
/// to others.
pub fn copy_for_others(program: &Path, directory: &Path) -> PathBuf {
    let copy = directory.join(program.file_name().unwrap());
    // Not by ourselves: while we have it open for writing, a child that another test starts has it too,
    // and then it cannot be run.
    let copied = Command::new("cp").arg(program).arg(&copy).status().unwrap();
    assert!(copied.success(), "cp {}", program.display());
    copy
}

/// A directory that other users may look into.
pub fn open_directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let everyone = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everyone).unwrap();
    directory
}

/// What a program has written to its standard error.
#[derive(Clone, Debug, Default)]
struct Written {
    text: String,
    ended: bool,
}

/// A `tillbusd` of our own; ends with this value.
pub struct Daemon {
    process: Child,
    written: watch::Receiver<Written>,
    configuration: PathBuf,
    _directory: TempDir,
}

/// How a daemon is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The text of its configuration file.
    pub configuration: String,
    /// What it logs.
    pub log: &'static str,
    /// The program and its arguments that starts it, where that is not ourselves.
    pub before: &'static [&'static str],
    /// The user and group it runs as, where not our own.
    pub user: Option<u32>,
    /// More arguments.
    pub arguments: Vec<String>,
    /// The directory for what is to outlive it, as the service manager names it.
    pub state: Option<PathBuf>,
    /// Whether the service manager has connected its standard error to the journal.
    pub journal: bool,
    /// What is started in its place, told the address of the bus and the configuration file.
    pub instead: Option<fn(&str, &Path) -> Command>,
    /// What else is in its environment.
    pub environment: Vec<(&'static str, String)>,
    /// The descriptors that the service manager passes to it, by name.
    pub passed: Arc<Vec<(String, OwnedFd)>>,
}

impl Start {
    /// With this configuration, as ourselves, logging much.
    pub fn with(configuration: &str) -> Self {
        Self {
            configuration: configuration.to_owned(),
            log: "debug",
            before: &[],
            user: None,
            arguments: Vec::new(),
            state: None,
            journal: false,
            instead: None,
            environment: Vec::new(),
            passed: Arc::default(),
        }
    }
}

impl Start {
    fn command(&self, bus: &Bus, configuration: &Path, directory: &Path) -> Command {
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_tillbusd"));
        if self.user.is_some() {
            program = copy_for_others(&program, directory);
        }
        // Only the process itself knows its number beforehand.
        const LISTENING: [&str; 4] = ["bash", "-c", "LISTEN_PID=$$ exec \"$@\"", "tillbusd"];
        let listening = if self.passed.is_empty() { &[][..] } else { &LISTENING[..] };
        let before = listening.iter().chain(self.before);
        let words = before.map(AsRef::as_ref).chain([program.as_os_str()]);
        let words: Vec<&OsStr> = words.collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        if !self.journal {
            command.arg("--stderr");
        }
        command.args(["--log", self.log, "--address", bus.address(), "--config"]);
        command.arg(configuration).args(&self.arguments);
        command
    }
}

impl Daemon {
    /// A daemon with this configuration, on the bus.
    pub async fn start(bus: &Bus, configuration: &str) -> Self {
        Self::start_with(bus, &Start::with(configuration)).await
    }

    /// A daemon that is on the bus.
    pub async fn start_with(bus: &Bus, start: &Start) -> Self {
        let watcher = Client::connect(bus).await;
        let mut daemon = Self::spawn(bus, start);
        let mut written = daemon.written.clone();
        let owned = soon("the daemon owns its name", async {
            tokio::select! {
                () = watcher.until_owned() => true,
                _ = written.wait_for(|written| written.ended) => false,
            }
        })
        .await;
        if !owned {
            let status = daemon.process.wait().unwrap();
            panic!("the daemon has ended with {status} before it was on the bus");
        }
        daemon
    }

    /// A daemon that has just been started.
    pub fn spawn(bus: &Bus, start: &Start) -> Self {
        let directory = open_directory();
        let configuration = directory.path().join("tillbus.toml");
        std::fs::write(&configuration, &start.configuration).unwrap();
        let (errors, theirs) = std::io::pipe().unwrap();
        let mut command = match start.instead {
            Some(instead) => instead(bus.address(), &configuration),
            None => start.command(bus, &configuration, directory.path()),
        };
        command
            .env("NO_COLOR", "1")
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("STATE_DIRECTORY")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if start.journal {
            let pipe = nix::sys::stat::fstat(&theirs).unwrap();
            command.env("JOURNAL_STREAM", format!("{}:{}", pipe.st_dev, pipe.st_ino));
        }
        command.stderr(theirs);
        if let Some(state) = &start.state {
            command.env("STATE_DIRECTORY", state);
        }
        if let Some(user) = start.user {
            command.uid(user).gid(user);
        }
        pass(&mut command, &start.passed);
        let process = command.spawn().expect("tillbusd is built");
        // Our end of what it writes to goes with this.
        drop(command);
        let written = follow(errors);
        Self { process, written, configuration, _directory: directory }
    }

    /// Its configuration file.
    pub fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// Writes another configuration; the daemon does not know of it yet.
    pub fn configure(&self, text: &str) {
        std::fs::write(&self.configuration, text).unwrap();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// All that it has logged so far.
    pub fn log(&self) -> String {
        self.written.borrow().text.clone()
    }

    /// Waits until it has logged this.
    pub async fn logged(&self, text: &str) {
        let mut written = self.written.clone();
        let found = soon(&format!("the log says {text:?}"), async {
            written.wait_for(|written| written.text.contains(text) || written.ended).await
        })
        .await
        .unwrap()
        .text
        .contains(text);
        assert!(found, "the daemon has ended and has not logged {text:?}");
    }

    /// Waits until it has ended by itself or by a signal.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut written = self.written.clone();
        let _ = soon("the daemon ends", written.wait_for(|written| written.ended)).await.unwrap();
        // It has closed its standard error, so there is nothing left to wait for.
        self.process.wait().unwrap()
    }

    /// Ends it as a crash would, and returns all it has logged.
    pub async fn crash(mut self) -> String {
        self.signal(Signal::SIGKILL);
        self.ended().await;
        self.log()
    }

    /// Tells it to end, and returns all it has logged.
    pub async fn terminate(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let status = self.ended().await;
        assert!(status.success(), "the daemon has ended with {status}");
        self.log()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines.get(lines.len().saturating_sub(100)..).unwrap_or_default();
            eprintln!("--- the daemon's log, its end ---\n{}\n---", end.join("\n"));
        }
    }
}

/// Keeps what a program writes to its standard error.
fn follow(mut errors: std::io::PipeReader) -> watch::Receiver<Written> {
    let (sender, receiver) = watch::channel(Written::default());
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = errors.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            sender.send_modify(|written| written.text.push_str(&text));
        }
        sender.send_modify(|written| written.ended = true);
    });
    receiver
}

/// Passes descriptors to a program as the service manager does: from 3 on.
fn pass(command: &mut Command, passed: &Arc<Vec<(String, OwnedFd)>>) {
    if passed.is_empty() {
        return;
    }
    let names: Vec<&str> = passed.iter().map(|(name, _)| name.as_str()).collect();
    command.env("LISTEN_FDS", passed.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
    let passed = Arc::clone(passed);
    let place = move || {
        // First out of the way of where they are to be.
        let high = |fd: &OwnedFd| nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(100));
        for (number, (_, fd)) in (3..).zip(passed.iter()) {
            let high = high(fd)?;
            #[expect(unsafe_code, reason = "std has no way to pass a descriptor by its number")]
            // SAFETY: between fork and exec nobody else has these numbers.
            let placed = unsafe { nix::libc::dup2(high, number) };
            nix::errno::Errno::result(placed)?;
        }
        Ok(())
    };
    #[expect(
        unsafe_code,
        reason = "the only place from which a child's descriptors can be placed"
    )]
    // SAFETY: the closure makes system calls alone.
    unsafe {
        command.pre_exec(place)
    };
}

/// The configuration of a scanner named `name` on a pty at `path`, for goods. Whatever follows it
/// is in its table still.
pub fn scanner(name: &str, path: &Path) -> String {
    format!(
        "[[device]]\nname = {name:?}\nlane = \"1\"\nrole = \"goods\"\nmatch = {{ pty = {:?} }}\n\
         profile = \"generic-line-scanner\"\n",
        path.display().to_string(),
    )
}

/// The configuration of a scanner like it, for payments.
pub fn payment_box(name: &str, path: &Path) -> String {
    scanner(name, path).replace("\"goods\"", "\"payment\"")
}

/// The configuration of a card reader like it.
pub fn card_reader(name: &str, path: &Path) -> String {
    let [role, profile] = ["role = \"goods\"\n", "generic-line-scanner"];
    scanner(name, path).replace(role, "").replace(profile, "generic-track-reader")
}

/// A bus, a daemon, and one device `lane1-box` that is ready.
pub struct Lane {
    /// The daemon; first, so that it ends before what it stands on.
    pub daemon: Daemon,
    /// The scanner's side of its port.
    pub port: VirtualPort,
    /// Where the port is.
    pub path: PathBuf,
    /// The bus.
    pub bus: Bus,
}

/// The object path of [`Lane`]'s scanner.
pub const BOX: &str = "/org/tillbus1/device/lane1_2dbox";

impl Lane {
    /// With nothing special in its configuration.
    pub async fn open() -> Self {
        Self::open_with("").await
    }

    /// With more lines in the scanner's table, or tables after it.
    pub async fn open_with(more: &str) -> Self {
        Self::open_as(scanner, more).await
    }

    /// With a scanner for payments.
    pub async fn for_payments(more: &str) -> Self {
        Self::open_as(payment_box, more).await
    }

    /// With a card reader, and one who may have cards.
    pub async fn for_cards(more: &str) -> Self {
        Self::open_as(card_reader, more).await
    }

    async fn open_as(configure: fn(&str, &Path) -> String, more: &str) -> Self {
        let bus = Bus::start();
        let path = bus.directory().join("lane1");
        let port = VirtualPort::create(Some(&path)).unwrap();
        let configuration = configure("lane1-box", &path) + more;
        let daemon = Daemon::start(&bus, &configuration).await;
        Client::connect(&bus).await.until_state(BOX, "ready").await;
        Self { daemon, port, path, bus }
    }

    /// A client of the bus, subscribed to everything the daemon says.
    pub async fn client(&self) -> Client {
        Client::connect(&self.bus).await
    }

    /// The scanner reads a code.
    pub async fn scan(&mut self, code: &str) {
        self.send(format!("{code}\r").as_bytes()).await;
    }

    /// The scanner sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        soon("the port takes bytes", self.port.send(bytes)).await.unwrap();
    }

    /// The scanner is unplugged, and the link at its path goes with it.
    pub async fn unplug(self) -> (Daemon, PathBuf, Bus) {
        let Self { daemon, port, path, bus } = self;
        port.hang_up().await;
        (daemon, path, bus)
    }
}

/// A bus, a daemon and several scanners `lane1-box`, `lane2-box` … that are ready.
///
/// The second scanner serves to show that something did not come: what the daemon says, it says in
/// one order, so whoever has heard a later scan of another scanner has heard all before it.
pub struct Shop {
    /// The daemon; first, so that it ends before what it stands on.
    pub daemon: Daemon,
    /// The scanners.
    pub scanners: Vec<Scanner>,
    /// The bus.
    pub bus: Bus,
}

/// A scanner of a [`Shop`].
pub struct Scanner {
    /// Its side of the port.
    pub port: VirtualPort,
    /// Where the port is.
    pub path: PathBuf,
    /// Its object's path.
    pub object: String,
}

impl Shop {
    /// With this many scanners.
    pub async fn open(count: usize) -> Self {
        Self::open_with(count, "").await
    }

    /// With more lines in each scanner's table.
    pub async fn open_with(count: usize, more: &str) -> Self {
        let bus = Bus::start();
        let mut configuration = String::new();
        let mut scanners = Vec::new();
        for number in 1..=count {
            let path = bus.directory().join(format!("lane{number}"));
            let port = VirtualPort::create(Some(&path)).unwrap();
            configuration += &scanner(&format!("lane{number}-box"), &path);
            configuration += more;
            let object = format!("/org/tillbus1/device/lane{number}_2dbox");
            scanners.push(Scanner { port, path, object });
        }
        let daemon = Daemon::start(&bus, &configuration).await;
        let client = Client::connect(&bus).await;
        for scanner in &scanners {
            client.until_state(&scanner.object, "ready").await;
        }
        Self { daemon, scanners, bus }
    }

    /// A client of the bus, subscribed to everything the daemon says.
    pub async fn client(&self) -> Client {
        Client::connect(&self.bus).await
    }

    /// A scanner, from 1, reads a code.
    pub async fn scan(&mut self, number: usize, code: &str) {
        self.send(number, format!("{code}\r").as_bytes()).await;
    }

    /// A scanner, from 1, sends bytes.
    pub async fn send(&mut self, number: usize, bytes: &[u8]) {
        let port = &mut self.scanners[number - 1].port;
        soon("the port takes bytes", port.send(bytes)).await.unwrap();
    }

    /// The last scanner reads a code, after the daemon has taken in `before` scans of others.
    /// Returns all that these clients have heard before it.
    pub async fn marker<const N: usize>(
        &mut self,
        before: u64,
        clients: [&Client; N],
    ) -> [Vec<Heard>; N] {
        let code = format!("marker after {before}");
        clients[0].until_sequence(before).await;
        self.scan(self.scanners.len(), &code).await;
        let mut heard = [const { Vec::new() }; N];
        for (heard, client) in heard.iter_mut().zip(clients) {
            *heard = client.until_scanned(&code).await;
        }
        heard
    }
}
