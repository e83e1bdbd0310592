//! One run of one subject on so many ports.

use std::collections::HashSet;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tillbus::event::{Reading, Timestamp};
use tillbus::normalize::{self, Rules};
use tillbus::secret::Secret;

use crate::Result;
use crate::bus::{Bus, Client, Heard};
use crate::ports::Port;
use crate::subject::{Running, Subject};

/// Between two paced codes: long enough for everybody to have gone to sleep.
const PACE: Duration = Duration::from_millis(2);
/// How many may be on the way at saturation; fewer than the terminals themselves could hold.
const WINDOW: usize = 1024;
/// Before the first measure of a kind, so that allocations and caches have settled.
const WARM_UP: usize = 50;

/// How much is done in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) paced: usize,
    pub(crate) saturated: usize,
    /// Idle seconds, if this run measures them.
    pub(crate) idle: Option<Duration>,
    /// Codes read under strace, if this run counts system calls.
    pub(crate) traced: Option<usize>,
}

/// What a run found. Times are in microseconds; what was not measured is absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    pub(crate) owned: f64,
    pub(crate) ready: f64,
    pub(crate) latency_p50: f64,
    pub(crate) latency_p99: f64,
    pub(crate) cpu_per_event: f64,
    pub(crate) sleeps_per_event: f64,
    pub(crate) calls_per_event: Option<f64>,
    /// Of those, the ones that wait for something to happen.
    pub(crate) waits_per_event: Option<f64>,
    /// Delivered, and what the subject's own processor time would allow on a core of its own.
    pub(crate) events_per_second: f64,
    pub(crate) events_per_core_second: f64,
    pub(crate) resident_kilobytes: f64,
    pub(crate) proportional_kilobytes: Option<f64>,
    pub(crate) idle_sleeps: Option<f64>,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// What normalizing one GTIN costs, in nanoseconds: the median of a hundred stretches.
pub(crate) fn normalizing() -> f64 {
    const STRETCH: u32 = 1000;
    let rules = Rules::default();
    let mut stretches: Vec<Duration> = Vec::new();
    for _ in 0..100 {
        let started = now();
        for time in 0..STRETCH {
            let time = Timestamp(time.into());
            let data = Secret::new(b"4006381333931".to_vec());
            let reading = Reading { symbology: None, aim: None, data, first: time, last: time };
            black_box(normalize::scan(black_box(reading), &rules));
        }
        stretches.push(started.elapsed());
    }
    stretches.sort_unstable();
    percentile(&stretches, 50) * 1e3 / f64::from(STRETCH)
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark stay far below 2^52")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// Starts the subject, measures it and ends it.
pub(crate) fn run(subject: Subject, count: usize, effort: Effort) -> Result<Found> {
    let directory = tempfile::tempdir()?;
    let bus = Bus::start(directory.path())?;
    let ports = (0..count).map(|_| Port::open()).collect::<Result<Vec<_>>>()?;
    let mut client = bus.client()?;
    let started = now();
    let running = subject.start(&bus.address, &ports, directory.path())?;
    let mut found = Found::default();
    let mut measure = || {
        start(subject, count, started, &mut client, &mut found)?;
        paced(&running, &ports, &mut client, effort.paced, &mut found)?;
        idle(&running, effort.idle, &mut found)?;
        traced(&running, &ports, &mut client, effort.traced, &mut found)?;
        let (resident, proportional) = running.memory()?;
        found.resident_kilobytes = real(resident);
        found.proportional_kilobytes = proportional.map(real);
        saturated(&running, &ports, &mut client, effort.saturated, &mut found)
    };
    measure().map_err(|error| {
        format!("{} on {count} ports: {error}\n{}", subject.name(), running.said())
    })?;
    Ok(found)
}

/// From exec to the name and to the last port.
fn start(
    subject: Subject,
    count: usize,
    started: Instant,
    client: &mut Client,
    found: &mut Found,
) -> Result<()> {
    let mut ready = HashSet::new();
    loop {
        match client.next()? {
            Heard::Owned => found.owned = microseconds(started.elapsed()),
            Heard::Ready(path) => drop(ready.insert(path)),
            Heard::Scan | Heard::Other => continue,
        }
        if found.owned > 0.0 && (!subject.tells_ready() || ready.len() == count) {
            found.ready = microseconds(started.elapsed());
            return Ok(());
        }
    }
}

/// One code at a time, round the ports.
fn paced(
    running: &Running,
    ports: &[Port],
    client: &mut Client,
    count: usize,
    found: &mut Found,
) -> Result<()> {
    one_by_one(ports, client, WARM_UP)?;
    let before = running.used()?;
    let mut latencies = one_by_one(ports, client, count)?;
    // The subject goes to sleep after the last one too.
    thread::sleep(PACE);
    let after = running.used()?;
    let events = real(u64::try_from(count)?);
    latencies.sort_unstable();
    found.latency_p50 = percentile(&latencies, 50);
    found.latency_p99 = percentile(&latencies, 99);
    found.cpu_per_event = real(after.cpu_nanoseconds - before.cpu_nanoseconds) / 1e3 / events;
    found.sleeps_per_event = real(after.sleeps - before.sleeps) / events;
    Ok(())
}

fn one_by_one(ports: &[Port], client: &mut Client, count: usize) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(count);
    for port in ports.iter().cycle().take(count) {
        port.scan()?;
        let written = now();
        client.scan()?;
        latencies.push(written.elapsed());
        thread::sleep(PACE);
    }
    Ok(latencies)
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().map_or(0.0, microseconds)
}

/// As many as go through, and nothing may be lost.
///
/// Never more than [`WINDOW`] are on the way: a bus that is slower than the subject would else make
/// it hold ever more, and tillbusd leaves what is beyond its bound to `Replay`.
fn saturated(
    running: &Running,
    ports: &[Port],
    client: &mut Client,
    count: usize,
    found: &mut Found,
) -> Result<()> {
    let before = running.used()?;
    let started = now();
    let (departed, arrived) = mpsc::sync_channel(WINDOW);
    thread::scope(|scope| -> Result<()> {
        let writer = scope.spawn(move || -> Result<()> {
            for port in ports.iter().cycle().take(count) {
                departed.send(())?;
                port.scan()?;
            }
            Ok(())
        });
        // Owned in here, so that a reader that gives up ends the writer too.
        let arrived = arrived;
        for received in 0..count {
            client.scan().map_err(|error| format!("{received} of {count} arrived: {error}"))?;
            arrived.recv()?;
        }
        writer.join().map_err(|_| "the writer has panicked")?
    })?;
    let elapsed = started.elapsed().as_secs_f64();
    let after = running.used()?;
    let events = real(u64::try_from(count)?);
    found.events_per_second = events / elapsed;
    found.events_per_core_second =
        events / (real(after.cpu_nanoseconds - before.cpu_nanoseconds) / 1e9);
    Ok(())
}

fn idle(running: &Running, duration: Option<Duration>, found: &mut Found) -> Result<()> {
    let Some(duration) = duration else { return Ok(()) };
    let before = running.used()?;
    thread::sleep(duration);
    found.idle_sleeps = Some(real(running.used()?.sleeps - before.sleeps));
    Ok(())
}

/// Counts system calls with strace: a run of its own, since it slows everything down.
fn traced(
    running: &Running,
    ports: &[Port],
    client: &mut Client,
    count: Option<usize>,
    found: &mut Found,
) -> Result<()> {
    let Some(count) = count else { return Ok(()) };
    let directory = tempfile::tempdir()?;
    let report = directory.path().join("strace");
    let strace = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-o"])
        .arg(&report)
        .args(["-p", &running.id().to_string()])
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut strace) = strace else { return Ok(()) };
    // It says so once it has attached.
    let mut said = String::new();
    let mut lines = BufReader::new(strace.stderr.take().ok_or("no stderr")?);
    lines.read_line(&mut said)?;
    if said.contains("attached") {
        one_by_one(ports, client, count)?;
        kill(Pid::from_raw(i32::try_from(strace.id())?), Signal::SIGINT)?;
    }
    strace.wait()?;
    if said.contains("attached") {
        let table = std::fs::read_to_string(&report)?;
        let events = real(u64::try_from(count)?);
        found.calls_per_event = Some(calls(&table, |name| name == "total") / events);
        found.waits_per_event = Some(calls(&table, |name| WAITS.contains(&name)) / events);
    }
    Ok(())
}

/// The system calls that wait.
const WAITS: [&str; 5] = ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"];

/// The sum of the lines of strace's table, `count name`, whose name is wanted.
fn calls(table: &str, wanted: impl Fn(&str) -> bool) -> f64 {
    let lines = table.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    let wanted = lines.filter(|(_, name)| wanted(name.trim()));
    real(wanted.filter_map(|(count, _)| count.parse::<u64>().ok()).sum())
}
