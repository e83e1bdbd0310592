//! `identify`: which port has the scanner, in which language, at which speed. It only listens.

mod language;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tillbus::clock;
use tillbus::frame::speed::{Advice, Evidence, SpeedSearch};
use tillbus::profile::Line;
use tillbus::protocol::Input;
use tillbus::transport::{self, Port};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use self::language::Language;
use crate::client::{self, Place};
use crate::error::{Error, complain};
use crate::live::Live;
use crate::output::say;
use crate::record::refused;
use crate::style::{Style, Tone};
use crate::terminal::Interrupt;
use crate::value::text;
use crate::watch::expiry;

/// Find out which port a scanner is at, and how it talks
///
/// Opens the ports named, and no other, asks you to scan any code, and listens: nothing is written.
/// Prints what to put into the configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The ports
    #[arg(required = true, value_name = "PORT")]
    ports: Vec<PathBuf>,
    /// The speeds to listen at, one after the other
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "9600,115200,19200,38400,57600,4800",
        value_parser = clap::value_parser!(u32).range(50..=4_000_000)
    )]
    baud: Vec<u32>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Silence after which all of a code has come.
const QUIET: Duration = Duration::from_millis(150);

pub(crate) async fn run(place: &Place, options: Options) -> Result<(), Error> {
    let deadline = options.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut interrupt = Interrupt::new()?;
    let mut ears = JoinSet::new();
    for path in &options.ports {
        say(&format!(
            "opening {}: this raises its lines DTR and RTS; nothing is written",
            path.display()
        ))?;
        match Ear::open(path, &options.baud) {
            Ok(ear) => drop(ears.spawn(ear.listen())),
            Err(transport::Error::Busy) => complain(&busy(place, path).await),
            Err(error) => drop(refused(path, &error).report()),
        }
    }
    if ears.is_empty() {
        return Err(Error::failed("no port could be opened"));
    }
    say("scan any code now")?;
    loop {
        let ended = tokio::select! {
            ended = ears.join_next() => ended,
            () = interrupt.came() => return Err(Error::failed("nothing was identified")),
            () = expiry(deadline) => return Err(silence(&options)),
        };
        match ended {
            Some(Ok(Ok(found))) => return found.tell(),
            Some(Ok(Err(error))) => drop(error.report()),
            Some(Err(error)) => return Err(Error::failed(error.to_string())),
            None => return Err(Error::failed("no port is left")),
        }
    }
}

fn silence(options: &Options) -> Error {
    let seconds = options.timeout.unwrap_or(0);
    Error::failed(format!(
        "no code was understood within {seconds} s; is the scanner powered, is it set to RS-232 or \
         a USB serial port, and is the line order of its cable right?"
    ))
}

/// Who has the port, as far as the daemon tells.
async fn busy(place: &Place, path: &Path) -> String {
    let shown = path.display();
    match holder(place, path).await {
        Some(name) => format!(
            "{shown}: tillbusd has it, as `{name}`; `tillbusctl watch {name}` shows what it says. \
             To identify it all the same, take it out of the configuration and run `tillbusctl \
             reload`, or `systemctl stop tillbusd`"
        ),
        None => format!("{shown}: another program has it; `fuser -v {shown}` says which"),
    }
}

async fn holder(place: &Place, path: &Path) -> Option<String> {
    let connection = client::connect(place).await.ok()?;
    // A question to a daemon that is not there would start it.
    if !Live::open(&connection).await.ok()?.is_there() {
        return None;
    }
    let devices = client::devices(&connection).await.ok()?;
    let port = path.canonicalize().ok()?;
    let holds = |node: &str| Path::new(node).canonicalize().is_ok_and(|node| node == port);
    let device = devices.values().find(|device| holds(text(device, "node")))?;
    Some(text(device, "name").to_owned())
}

/// A port being listened to.
struct Ear {
    path: PathBuf,
    port: Port,
    baud: u32,
    /// The speed that was listened at first.
    first: Option<u32>,
    search: SpeedSearch,
    /// What has come since the last silence.
    burst: Vec<u8>,
    line_errors: usize,
    /// The best of what looked like a code without an end, while the other speeds are listened at.
    candidate: Option<Candidate>,
}

/// What may be a code that silence ends, or what is heard of another one at a wrong speed.
struct Candidate {
    language: Language,
    baud: u32,
    length: usize,
}

/// A scanner that was understood.
struct Found {
    path: PathBuf,
    baud: u32,
    language: Language,
}

impl Ear {
    fn open(path: &Path, bauds: &[u32]) -> Result<Self, transport::Error> {
        let search = SpeedSearch::new(bauds);
        let baud = search.baud().unwrap_or(9600);
        let port = Port::open(path, &Line::default(), baud)?;
        let (path, burst) = (path.to_owned(), Vec::new());
        let first = Some(baud);
        Ok(Self { path, port, baud, first, search, burst, line_errors: 0, candidate: None })
    }

    async fn listen(mut self) -> Result<Found, Error> {
        loop {
            let Self { port, burst, line_errors, .. } = &mut self;
            let waiting = !burst.is_empty() || *line_errors > 0;
            let mut sink = |input: Input<'_>| match input {
                Input::Bytes(bytes) => burst.extend_from_slice(bytes),
                Input::BadByte(_) | Input::Break => *line_errors += 1,
                Input::Descriptor(_) | Input::Report { .. } => {}
            };
            let received = if waiting {
                timeout(QUIET, port.receive(&mut sink)).await.ok()
            } else {
                Some(port.receive(&mut sink).await)
            };
            match received {
                Some(result) => result.map_err(|error| refused(&self.path, &error))?,
                None => {
                    if let Some(language) = self.judge()? {
                        return Ok(Found { path: self.path, baud: self.baud, language });
                    }
                }
            }
        }
    }

    /// What a burst says; where it says nothing, the next speed.
    fn judge(&mut self) -> Result<Option<Language>, Error> {
        let burst = std::mem::take(&mut self.burst);
        let line_errors = std::mem::take(&mut self.line_errors);
        let now = clock::boottime();
        let _ = self.search.hear(now, Evidence::Bytes(burst.len()));
        let heard = language::of(&burst).filter(|_| line_errors == 0);
        let is_heard = heard.is_some();
        if let Some((language, code)) = heard {
            if language.has_end() || self.search.is_settled() {
                let _ = self.search.hear(now, Evidence::Reading(&code));
                if self.search.is_settled() {
                    return Ok(Some(language));
                }
            } else {
                self.remember(Candidate { language, baud: self.baud, length: code.len() });
            }
        }
        let advice = self.search.hear(now, Evidence::Fault);
        self.go_on(advice, burst.len() + line_errors, is_heard)
    }

    /// At the wrong speed the same code is heard in pieces, or as less text: the longest is right.
    fn remember(&mut self, candidate: Candidate) {
        if self.candidate.as_ref().is_none_or(|best| best.length < candidate.length) {
            self.candidate = Some(candidate);
        }
    }

    /// Listens at the next speed. After the last one the candidate is all there is.
    fn go_on(
        &mut self,
        advice: Advice,
        bytes: usize,
        is_candidate: bool,
    ) -> Result<Option<Language>, Error> {
        let (shown, from) = (self.path.display(), self.baud);
        let Advice::Change { to, .. } = advice else {
            say(&format!(
                "{shown}: {bytes} bytes came that are no code at {from} baud; scan again, or try \
                 other speeds with --baud"
            ))?;
            return Ok(None);
        };
        self.baud = to;
        if Some(to) == self.first
            && let Some(candidate) = self.candidate.take()
        {
            self.baud = candidate.baud;
            return Ok(Some(candidate.language));
        }
        self.port.set_baud(to).map_err(|error| refused(&self.path, &error))?;
        let what = if is_candidate {
            "that may be a code without an end, or part of one,"
        } else {
            "that are no code"
        };
        say(&format!(
            "{shown}: {bytes} bytes came {what} at {from} baud; listening at {to}: scan again"
        ))?;
        Ok(None)
    }
}

impl Found {
    fn tell(&self) -> Result<(), Error> {
        let style = Style::of_stdout();
        let place = self.path.display().to_string();
        say(&format!(
            "{}: {}, at {} baud",
            style.paint(Tone::Strong, &place),
            self.language.words(),
            self.baud
        ))?;
        say("\nfor /etc/tillbus/tillbus.toml:\n")?;
        say(&self.table())
    }

    /// The table for the configuration.
    fn table(&self) -> String {
        let mut table = format!(
            "[[device]]\nname    = \"scanner\"\nlane    = \"1\"\nrole    = \"goods\"   # or \"payment\", \
             \"both\"\nmatch   = {}\n",
            matches(&self.path)
        );
        table.push_str(&self.language.profile());
        // A profile of its own may name several speeds, or another one.
        if self.baud != 9600 || matches!(self.language, Language::Protocol { .. }) {
            table.push_str(&format!("[device.line]\nbaud = {}\n", self.baud));
        }
        table.push_str(&self.language.table());
        table.trim_end().to_owned()
    }
}

/// How to find the port again: by the socket it is plugged into where udev tells, else by its node.
fn matches(path: &Path) -> String {
    let node = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let links = std::fs::read_dir("/dev/serial/by-path").into_iter().flatten().flatten();
    let mut links: Vec<PathBuf> = links
        .map(|link| link.path())
        .filter(|link| link.canonicalize().is_ok_and(|target| target == node))
        .collect();
    links.sort();
    if let Some(link) = links.first() {
        return format!("{{ path = {:?} }}", link.display().to_string());
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let key = if node.starts_with("/dev/pts") { "pty" } else { "tty" };
    format!("{{ {key} = {:?} }}", path.display().to_string())
}
