//! `man`: the manual pages, written from the same words as `--help`.

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::Arguments;
use crate::error::Error;

/// Write the manual pages into a directory
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The directory; it has to be there
    directory: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    clap_mangen::generate_to(Arguments::command(), &options.directory)
        .map_err(|error| Error::at(options.directory.display(), error))
}
