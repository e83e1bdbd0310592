//! `cable`: which wire goes where, what would burn, and the drawing to make it from.

mod connect;
mod diagnose;
mod draw;
mod list;
mod show;

pub(crate) use show::contacts;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use tillbus::profile::{CableFile, Catalogue, Profile};
use tillbus::settings::{self, File};
use tillbus::wiring::cable::Side;
use tillbus::wiring::cord::{ADAPTERS, Adapter, Run, adapter};
use tillbus::wiring::plan::{Plan, pair};
use tillbus::wiring::{Cable, Flow, Socket};

use crate::client::Place;
use crate::error::Error;
use crate::simulate::of_settings;

/// Find, check and draw the cable between two sockets
///
/// Only `diagnose DEVICE` needs the daemon. Measure before you trust: a profile is as right as its
/// source.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Options),
    Show(show::Options),
    Connect(connect::Options),
    Draw(draw::Options),
    Check(connect::CheckOptions),
    Diagnose(diagnose::Options),
}

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    match &options.command {
        Command::List(options) => list::run(options),
        Command::Show(options) => show::run(options),
        Command::Connect(options) => connect::run(options),
        Command::Draw(options) => draw::run(options),
        Command::Check(options) => connect::check_file(options),
        Command::Diagnose(options) => diagnose::run(place, options).await,
    }
}

/// Where profiles are.
#[derive(Debug, clap::Args)]
struct Shelf {
    /// Look for profiles here too
    #[arg(long = "profiles", value_name = "DIRECTORY")]
    directories: Vec<PathBuf>,
}

impl Shelf {
    fn open(&self) -> Result<Catalogue, Error> {
        let mut all = tillbus::config::Paths::default().profile_dirs;
        all.extend(self.directories.iter().cloned());
        Catalogue::load(&all).map_err(|errors| of_settings(&errors))
    }
}

/// The two ends, and what is between them.
#[derive(Debug, clap::Args)]
struct Ends {
    /// The profile at one end, or its file
    #[arg(value_name = "A")]
    a: String,
    /// The profile at the other end, or its file
    #[arg(value_name = "B")]
    b: String,
    /// A cord: straight, or reversed as flat telephone cords are
    #[arg(long, value_parser = run_of)]
    cord: Option<Run>,
    /// An adapter; `tillbusctl cable list` names them
    #[arg(long, value_parser = adapter_of)]
    adapter: Option<&'static Adapter>,
    /// Wires one by one, A's contact and B's: 1-3,2-2
    #[arg(
        long = "wires",
        value_delimiter = ',',
        value_parser = pair_of,
        conflicts_with_all = ["cord", "adapter"]
    )]
    wires: Vec<(u8, u8)>,
    /// Bridges in A's plug: 7-8
    #[arg(long, value_delimiter = ',', value_parser = pair_of, value_name = "PAIRS")]
    bridges_a: Vec<(u8, u8)>,
    /// Bridges in B's plug: 7-8
    #[arg(long, value_delimiter = ',', value_parser = pair_of, value_name = "PAIRS")]
    bridges_b: Vec<(u8, u8)>,
    /// The flow control that it has to carry
    #[arg(long, value_parser = flow_of)]
    flow: Option<Flow>,
    #[command(flatten)]
    shelf: Shelf,
}

impl Ends {
    fn plan(&self) -> Plan {
        let at = |side: Side| move |(one, other): &(u8, u8)| (side, *one, *other);
        let bridges = self.bridges_a.iter().map(at(Side::A));
        let bridges = bridges.chain(self.bridges_b.iter().map(at(Side::B))).collect();
        Plan {
            cord: self.cord,
            adapter: self.adapter,
            wires: self.wires.clone(),
            bridges,
            flow: self.flow,
        }
    }

    fn profiles(&self) -> Result<[Profile; 2], Error> {
        let catalogue = self.shelf.open()?;
        Ok([find(&catalogue, &self.a)?, find(&catalogue, &self.b)?])
    }
}

fn run_of(text: &str) -> Result<Run, String> {
    let runs = [Run::Straight, Run::Reversed];
    let found = runs.into_iter().find(|run| run.word() == text);
    found.ok_or_else(|| "accepted: straight, reversed".to_owned())
}

fn adapter_of(text: &str) -> Result<&'static Adapter, String> {
    let names: Vec<&str> = ADAPTERS.iter().map(|adapter| adapter.name).collect();
    adapter(text).ok_or_else(|| format!("accepted: {}", names.join(", ")))
}

fn pair_of(text: &str) -> Result<(u8, u8), String> {
    pair(text).ok_or_else(|| "accepted are two numbers of contacts, such as 3-2".to_owned())
}

fn flow_of(text: &str) -> Result<Flow, String> {
    let flows = [Flow::None, Flow::RtsCts, Flow::DtrDsr, Flow::XonXoff];
    let words: Vec<&str> = flows.iter().map(|flow| flow.word()).collect();
    let found = flows.into_iter().find(|flow| flow.word() == text);
    found.ok_or_else(|| format!("accepted: {}", words.join(", ")))
}

/// A profile by its id, or out of a file of its own.
pub(crate) fn find(catalogue: &Catalogue, name: &str) -> Result<Profile, Error> {
    if name.contains('/') || Path::new(name).extension().is_some_and(|end| end == "toml") {
        return read_profile(Path::new(name));
    }
    let profile = catalogue.profile(name).map_err(|errors| of_settings(&errors))?;
    profile.ok_or_else(|| {
        let hint = settings::suggest(name, catalogue.ids());
        Error::failed(format!("no profile is called {name:?}; {hint}"))
    })
}

/// The profile in a file.
pub(crate) fn read_profile(path: &Path) -> Result<Profile, Error> {
    let file = read(path)?;
    let document = file.parse().map_err(|error| Error::failed(error.to_string()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Profile::read(&document.root(), &stem).map_err(|errors| of_settings(&errors))
}

/// The cable in a file.
fn read_cable(path: &Path) -> Result<CableFile, Error> {
    let file = read(path)?;
    let document = file.parse().map_err(|error| Error::failed(error.to_string()))?;
    CableFile::read(&document.root()).map_err(|errors| of_settings(&errors))
}

fn read(path: &Path) -> Result<File, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::at(path.display(), error))?;
    Ok(File { name: path.display().to_string(), text })
}

/// How a profile's socket is wired.
fn socket(profile: &Profile) -> Result<Socket<'_>, Error> {
    profile.socket().ok_or_else(|| {
        Error::failed(format!(
            "profile {} has no [connector]: nothing is known of its wiring; `tillbusctl profile new` \
             asks for what a meter shows",
            profile.id
        ))
    })
}

/// The cable that a plan makes between two profiles.
fn cable<'p>(plan: &Plan, ends: [&'p Profile; 2]) -> Result<Cable<'p>, Error> {
    let [a, b] = ends;
    plan.cable(socket(a)?, socket(b)?).map_err(|error| Error::failed(error.to_string()))
}
