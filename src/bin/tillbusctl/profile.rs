//! `profile`: a profile made with a meter, and one looked over before it is used.

mod check;
mod new;

use clap::Subcommand;

use crate::error::Error;

/// Make and check profiles
///
/// No daemon is needed.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::Options),
    Check(check::Options),
}

pub(crate) async fn run(options: &Options) -> Result<(), Error> {
    match &options.command {
        Command::New(options) => new::run(options).await,
        Command::Check(options) => check::run(options),
    }
}
