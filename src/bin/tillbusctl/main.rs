//! The operator's tool: shows, tries out and simulates what tillbusd owns.

mod cable;
mod claim;
mod client;
mod completions;
mod devices;
mod error;
mod event;
mod explain;
mod identify;
mod ledger;
mod live;
mod man;
mod output;
mod pay;
mod profile;
mod qr;
mod record;
mod reload;
mod replay;
mod scan;
mod show;
mod simulate;
mod style;
mod terminal;
mod value;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use client::Place;
use error::{Error, complain};
use tillbus::process;
use tillbus::secret::wiping::Wiping;

/// What libraries copy is gone when they free it: `watch`, `record` and `explain` see customers' codes.
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

/// Shows what tillbusd owns, listens to it, and plays the devices it has not got.
///
/// The daemon is looked for on the system bus. Exit status: 0 done, 1 failed, 2 wrong usage, 3 the
/// daemon is not running, 4 no permission.
#[derive(Debug, Parser)]
#[command(name = "tillbusctl", version, max_term_width = 100, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    bus: Bus,
    #[command(subcommand)]
    command: Command,
}

/// Where the daemon is.
#[derive(Debug, clap::Args)]
struct Bus {
    /// Look for the daemon on the bus at this D-Bus address
    #[arg(long, global = true, value_name = "ADDRESS", conflicts_with = "session")]
    address: Option<String>,
    /// Look for the daemon on the session bus
    #[arg(long, global = true)]
    session: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Devices(devices::Options),
    Show(show::Options),
    Watch(watch::Options),
    Claim(claim::Options),
    Pay(pay::Options),
    Answer(pay::Answer),
    Resolve(pay::Resolve),
    Ledger(ledger::Options),
    Explain(explain::Options),
    Identify(identify::Options),
    Cable(cable::Options),
    Profile(profile::Options),
    Simulate(simulate::Options),
    Record(record::Options),
    Replay(replay::Options),
    Reload(reload::Options),
    Qr(Box<qr::Options>),
    Completions(completions::Options),
    Man(man::Options),
}

fn main() -> ExitCode {
    let Arguments { bus, command } = Arguments::parse();
    let place = match bus.address {
        Some(address) => Place::Address(address),
        None if bus.session => Place::Session,
        None => Place::System,
    };
    let protected = process::protect(|place| complain(&format!("internal error at {place}")));
    if let Err(error) = protected {
        complain(&format!("core files cannot be kept from being written: {error}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&place, command)),
        Err(error) => Err(Error::failed(format!("cannot start: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

async fn run(place: &Place, command: Command) -> Result<(), Error> {
    match command {
        Command::Devices(options) => devices::run(place, &options).await,
        Command::Show(options) => show::run(place, &options).await,
        Command::Watch(options) => watch::run(place, options).await,
        Command::Claim(options) => claim::run(place, options).await,
        Command::Pay(options) => pay::run(place, &options).await,
        Command::Answer(options) => pay::answer(place, &options).await,
        Command::Resolve(options) => pay::resolve(place, &options).await,
        Command::Ledger(options) => ledger::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Identify(options) => identify::run(place, options).await,
        Command::Cable(options) => cable::run(place, &options).await,
        Command::Profile(options) => profile::run(&options).await,
        Command::Simulate(options) => simulate::run(options).await,
        Command::Record(options) => record::run(&options).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Reload(options) => reload::run(place, &options).await,
        Command::Qr(options) => qr::run(place, &options).await,
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}
