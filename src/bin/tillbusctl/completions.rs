//! `completions`: what a shell offers at the Tab key.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Arguments;
use crate::error::Error;

/// Write a shell's completions to standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "tillbusctl", &mut script);
    // Not straight to standard output: the generator panics where nobody reads any more.
    std::io::stdout().write_all(&script).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Error::closed(),
        _ => Error::at("standard output", error),
    })
}
