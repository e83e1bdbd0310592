//! What a tap adds between a box and its terminal: last byte written to one terminal -> last byte read from the
//! other, through `tillbusd` and through a relay that does nothing but read and write, in alternating runs.
//!
//! `cargo bench --bench tap`. The relay is this program again, in a process of its own.

#![allow(clippy::indexing_slicing, reason = "a benchmark fails loudly")]

#[path = "path/bus.rs"]
#[allow(dead_code, reason = "the path's benchmark uses more of it")]
mod bus;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tillbus::clock;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Makes this program the relay.
const AS_RELAY: &str = "--as-relay";
/// A payment code and its line end.
const LINE: &[u8] = b"135112298638468293\r\n";
const LINES: usize = 2000;
const RUNS: usize = 5;
/// Scans do not come faster, and the other side has rested by then.
const PAUSE: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [as_relay, from, to] if as_relay == AS_RELAY => relay(from, to),
        _ => measure(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The simplest wire: one wait, one read, one write.
fn relay(from: &str, to: &str) -> Result<()> {
    let open = |path: &str| File::options().read(true).write(true).open(path);
    let mut lines = [open(from)?, open(to)?];
    lines.iter().try_for_each(|line| raw(line))?;
    let mut buffer = [0; 4096];
    loop {
        let mut waits = lines.each_ref().map(|line| PollFd::new(line.as_fd(), PollFlags::POLLIN));
        poll(&mut waits, PollTimeout::NONE)?;
        let came = waits.map(|wait| wait.any().unwrap_or(false));
        for (here, there) in [(0, 1), (1, 0)] {
            if came[here] {
                let count = lines[here].read(&mut buffer)?;
                lines[there].write_all(&buffer[..count])?;
            }
        }
    }
}

fn raw(line: impl AsFd) -> Result<()> {
    let mut termios = tcgetattr(&line)?;
    cfmakeraw(&mut termios);
    Ok(tcsetattr(&line, SetArg::TCSANOW, &termios)?)
}

/// Both ends of a virtual line.
struct Line {
    ours: File,
    path: String,
    /// Keeps the line from hanging up before anybody has opened it.
    _theirs: OwnedFd,
}

impl Line {
    fn open() -> Result<Self> {
        let pty = nix::pty::openpty(None, None)?;
        raw(&pty.slave)?;
        let path = nix::unistd::ttyname(&pty.slave)?.display().to_string();
        Ok(Self { ours: pty.master.into(), path, _theirs: pty.slave })
    }
}

/// A program that is stopped when it is not needed any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tillbusd(address: &str, directory: &Path, from: &str, to: &str) -> Result<Running> {
    let configuration = directory.join("tillbus.toml");
    std::fs::write(
        &configuration,
        format!(
            "[[device]]\nname = \"box\"\nrole = \"payment\"\nmatch = {{ pty = {from:?} }}\n\
             profile = \"generic-line-scanner\"\n\
             [[device]]\nname = \"port\"\nmatch = {{ pty = {to:?} }}\n\
             profile = \"generic-scanner-port\"\n\
             [[route]]\nmode = \"tap\"\nfrom = \"box\"\nto = \"port\"\n"
        ),
    )?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbusd"));
    command.args(["--mode", "test", "--address", address, "--config"]).arg(&configuration);
    command.env("TILLBUS_LOG", "error").stdin(Stdio::null());
    let log = File::create(directory.join("stderr"))?;
    Ok(Running(command.stdout(Stdio::null()).stderr(log).spawn()?))
}

/// The delays of one run, in order.
fn run(start: impl FnOnce(&str, &str) -> Result<Running>) -> Result<Vec<Duration>> {
    let (mut from, mut to) = (Line::open()?, Line::open()?);
    let _running = start(&from.path, &to.path)?;
    first(&mut from.ours, &mut to.ours)?;
    let mut delays = Vec::with_capacity(LINES);
    let mut buffer = [0; 256];
    for _ in 0..LINES {
        sleep(PAUSE);
        let begin = clock::boottime();
        from.ours.write_all(LINE)?;
        let mut left = LINE.len();
        while left > 0 {
            left -= to.ours.read(&mut buffer)?.min(left);
        }
        delays.push(clock::boottime().since(begin));
    }
    delays.sort_unstable();
    Ok(delays)
}

/// Waits until lines come through, and until the last of them has.
fn first(from: &mut File, to: &mut File) -> Result<()> {
    let mut buffer = [0; 4096];
    for _ in 0..200 {
        from.write_all(LINE)?;
        let mut heard = false;
        loop {
            let mut wait = [PollFd::new(to.as_fd(), PollFlags::POLLIN)];
            if poll(&mut wait, PollTimeout::from(100_u8))? == 0 {
                break;
            }
            heard = to.read(&mut buffer)? > 0;
        }
        if heard {
            return Ok(());
        }
    }
    Err("nothing comes through".into())
}

fn measure() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let bus = bus::Bus::start(directory.path())?;
    let itself = std::env::current_exe()?;
    let (mut relays, mut taps) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let relay =
            run(|from, to| Ok(Running(Command::new(&itself).args([AS_RELAY, from, to]).spawn()?)))?;
        let tap = run(|from, to| tillbusd(&bus.address, directory.path(), from, to))?;
        relays.push(relay);
        taps.push(tap);
    }
    println!("{LINES} lines of {} bytes, {RUNS} alternating runs, medians", LINE.len());
    for (name, at) in [("p50", LINES / 2), ("p99", LINES * 99 / 100)] {
        let of = |runs: &[Vec<Duration>]| {
            let mut all: Vec<Duration> = runs.iter().map(|run| run[at]).collect();
            all.sort_unstable();
            all[RUNS / 2].as_secs_f64() * 1e6
        };
        let (relay, tap) = (of(&relays), of(&taps));
        println!(
            "{name}  relay {relay:7.1} us  tillbusd {tap:7.1} us  {:.2}x, {:.1} us more",
            tap / relay,
            tap - relay
        );
    }
    Ok(())
}
