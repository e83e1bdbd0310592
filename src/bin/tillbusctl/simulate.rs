//! `simulate`: a device without hardware, on a virtual serial port.

use std::path::PathBuf;
use std::time::Duration;

use tillbus::profile::{Catalogue, Profile, Spoken};
use tillbus::protocol::{Carrier, Kind};
use tillbus::sim::script::{self, Script};
use tillbus::sim::{self, Command, Simulated, Simulation};
use tokio::sync::mpsc;

use crate::error::{Error, complain};
use crate::output::say;
use crate::style::plain;
use crate::terminal::{self, Interrupt};

/// Simulate a scanner or a payment terminal on a virtual serial port
///
/// The first line printed is the port's path; each one after it is what a person at the device would
/// see or hear. Each line typed is scanned as a code; a symbology may
/// stand before it, \xNN is a byte and \\ a backslash: `qr https://example.org`. A line that begins
/// with ! is a command: !half CODE, !slow 20ms CODE, !noise 5, !wait 1s, !hang-up 500ms. A script has
/// the same commands without the !, and `scan CODE` or `behave decline`; `repeat 3` at its end plays it
/// three times.
/// At a terminal each line typed is how it behaves from then on: approve, decline 05, partial 500,
/// signature, think 20, silent, late 30, duplicate, busy and more, which a wrong one names; !cut 37 2s
/// cuts the cable once it has sent so many more bytes, and mends it two seconds later.
/// What is simulated of a USB HID scanner are its reports, in frames of tillbus's own that only tillbus
/// understands.
/// Ends at the end of standard input or of the script, and at Ctrl-C. Needs no daemon.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Make the port at this path, as a symbolic link; without it, wherever the system puts it
    #[arg(long, value_name = "PATH")]
    port: Option<PathBuf>,
    /// Behave as a device of this profile
    #[arg(long, value_name = "ID", default_value = "generic-line-scanner")]
    profile: String,
    /// Look for profiles here too
    #[arg(long, value_name = "DIR")]
    profiles: Vec<PathBuf>,
    /// Do what this file says instead of what is typed
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Fault: talk at this speed; a host at another hears garbage
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(50..=4_000_000))]
    speed: Option<u32>,
    /// Fault: so many bytes of noise before every code
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    noise: Option<u32>,
    /// Fault: pause so long after every byte, in milliseconds
    #[arg(long, value_name = "MS")]
    slow: Option<u64>,
}

pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let mut interrupt = Interrupt::new()?;
    let script = options.script.as_ref().map(read).transpose()?;
    let faults = Faults { noise: options.noise, slow: options.slow.map(Duration::from_millis) };
    let (device, bauds) = device(&options.profile, &options.profiles)?;
    let kind = spoken(&profile(&options.profile, &options.profiles)?.1)?.info.kind;
    // A plain line is what somebody does at the device most of the time.
    let plain_lines = if kind == Kind::Terminal { "behave" } else { "scan" };
    let link = options.port;
    let place = link.clone();
    // With one speed the device has it; of a list it may have any, so any will do.
    let only = if let [baud] = bauds.as_slice() { Some(*baud) } else { None };
    let baud = options.speed.or(only);
    let simulation = Simulation::start(sim::Options { device, link, baud });
    let mut simulation = simulation.map_err(|error| no_port(place.as_ref(), &error))?;
    let path = simulation.path().map(|path| path.display().to_string());
    say(&path.unwrap_or_default())?;
    let (sender, commands) = mpsc::channel(1);
    let mut notices = simulation.notices();
    match script {
        Some(script) => tokio::spawn(play(script, faults, sender)),
        None => tokio::spawn(typed(plain_lines, faults, sender)),
    };
    let result = tokio::select! {
        result = simulation.run(commands) => result,
        error = told(&mut notices) => return Err(error),
        () = interrupt.came() => Ok(()),
    };
    simulation.finish().await;
    result.map_err(|error| no_port(place.as_ref(), &error))
}

/// Prints what a person at the device notices, until nobody reads it any more.
async fn told(notices: &mut mpsc::UnboundedReceiver<String>) -> Error {
    while let Some(notice) = notices.recv().await {
        if let Err(error) = say(&plain(&notice)) {
            return error;
        }
    }
    std::future::pending().await
}

/// The path where a port was wanted, and why it is not there.
pub(crate) fn no_port(path: Option<&PathBuf>, error: &std::io::Error) -> Error {
    let place = path.map_or_else(|| "virtual port".to_owned(), |path| path.display().to_string());
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::at(place, "something else stands there; only a symbolic link is replaced")
        }
        _ => Error::at(place, error),
    }
}

/// The profile of this id, from where the daemon looks for it too.
pub(crate) fn profile(id: &str, directories: &[PathBuf]) -> Result<(Catalogue, Profile), Error> {
    let mut all = tillbus::config::Paths::default().profile_dirs;
    all.extend(directories.iter().cloned());
    let catalogue = Catalogue::load(&all).map_err(|errors| of_settings(&errors))?;
    let profile = catalogue.profile(id).map_err(|errors| of_settings(&errors))?;
    let profile = profile.ok_or_else(|| {
        let ids: Vec<&str> = catalogue.ids().collect();
        Error::failed(format!("no profile {id:?}; there are: {}", ids.join(", ")))
    })?;
    Ok((catalogue, profile))
}

/// What a device of this profile speaks; a host or a socket speaks nothing.
pub(crate) fn spoken(profile: &Profile) -> Result<&Spoken, Error> {
    profile.protocol.as_ref().ok_or_else(|| {
        let (id, kind) = (&profile.id, profile.kind.word());
        Error::failed(format!("profile {id} is of kind {kind:?}, for the wiring alone"))
    })
}

pub(crate) fn of_settings(errors: &[tillbus::settings::Error]) -> Error {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Error::failed(lines.join("\n"))
}

fn device(id: &str, directories: &[PathBuf]) -> Result<(Box<dyn Simulated>, Vec<u32>), Error> {
    let (catalogue, profile) = profile(id, directories)?;
    let name = spoken(&profile)?.info.name;
    let info = sim::find(name)
        .ok_or_else(|| Error::failed(format!("devices of protocol {name} cannot be simulated")))?;
    let gone = || Error::failed(format!("no profile {id:?}"));
    let of = |error: tillbus::settings::Error| Error::failed(error.to_string());
    let file = catalogue.file(id).ok_or_else(gone)?;
    let document = file.parse().map_err(of)?;
    let section = document.root().section("protocol").map_err(of)?.ok_or_else(gone)?;
    let bauds = match spoken(&profile)?.info.carrier {
        Carrier::Serial => profile.line.bauds,
        Carrier::Hid { .. } => Vec::new(),
    };
    Ok(((info.configure)(&section).map_err(of)?, bauds))
}

fn read(path: &PathBuf) -> Result<Script, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::at(path.display(), error))?;
    script::parse(&text).map_err(|error| Error::at(path.display(), error))
}

/// The faults that are asked for all along.
#[derive(Clone, Copy)]
struct Faults {
    noise: Option<u32>,
    slow: Option<Duration>,
}

impl Faults {
    /// What becomes of a command.
    fn applied(self, command: Command) -> Vec<Command> {
        let Command::Scan(code) = command else { return vec![command] };
        let scan = match self.slow {
            Some(pause) => Command::Slow(pause, code),
            None => Command::Scan(code),
        };
        self.noise.map(Command::Noise).into_iter().chain([scan]).collect()
    }
}

async fn play(script: Script, faults: Faults, sender: mpsc::Sender<Command>) {
    for _ in 0..script.times {
        for command in &script.commands {
            for command in faults.applied(command.clone()) {
                if sender.send(command).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn typed(plain_lines: &'static str, faults: Faults, sender: mpsc::Sender<Command>) {
    let mut lines = terminal::lines();
    while let Some(line) = lines.recv().await {
        if line.is_empty() {
            continue;
        }
        match command(&line, plain_lines) {
            Ok(command) => {
                for command in faults.applied(command) {
                    if sender.send(command).await.is_err() {
                        return;
                    }
                }
            }
            Err(message) => complain(&message),
        }
    }
}

/// What a typed line means.
fn command(line: &str, plain_lines: &str) -> Result<Command, String> {
    match line.strip_prefix('!') {
        Some(command) => script::command(command),
        None => script::command(&format!("{plain_lines} {line}")),
    }
}

#[cfg(test)]
mod tests {
    use tillbus::event::Symbology;
    use tillbus::sim::Code;

    use super::*;

    #[test]
    fn a_line_is_a_code_or_a_command() {
        let code = Code { symbology: Some(Symbology::Qr), data: b"a b".to_vec() };
        assert_eq!(command("qr a b", "scan"), Ok(Command::Scan(code)));
        assert_eq!(command("noise 5", "scan"), Ok(Command::Scan(Code::plain("noise 5"))));
        assert_eq!(command("!noise 5", "scan"), Ok(Command::Noise(5)));
        assert_eq!(command("decline", "behave"), Ok(Command::Behave("decline".to_owned())));
        let cut = Command::Cut(37, Some(Duration::from_secs(2)));
        assert_eq!(command("!cut 37 2s", "behave"), Ok(cut));
        assert!(command("!jump", "scan").unwrap_err().contains("accepted is"));
    }

    #[test]
    fn faults_come_with_every_code() {
        let faults = Faults { noise: Some(3), slow: Some(Duration::from_millis(1)) };
        let code = Code::plain("a");
        let want = [Command::Noise(3), Command::Slow(Duration::from_millis(1), code.clone())];
        assert_eq!(faults.applied(Command::Scan(code)), want);
        assert_eq!(faults.applied(Command::Noise(1)), [Command::Noise(1)]);
    }
}
