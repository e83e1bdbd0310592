//! `profile check`: everything that is wrong in a profile's file, or what it says.

use std::path::PathBuf;

use tillbus::profile::Status;

use crate::cable::{contacts, read_profile};
use crate::error::Error;
use crate::output::say;
use crate::style::{Style, Tone};

/// Say what is wrong in a profile's file, with line and column
///
/// Where nothing is, say what it says, contact by contact: compare it with the device.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file; its name without .toml has to be the profile's id
    file: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let profile = read_profile(&options.file)?;
    let style = Style::of_stdout();
    let title = format!("{} {} ({})", profile.vendor, profile.model, profile.kind.word());
    say(&style.paint(Tone::Strong, &title))?;
    if let Some(spoken) = &profile.protocol {
        say(&format!("speaks {}", spoken.info.title))?;
    }
    if let Some(connector) = &profile.connector {
        contacts(style, connector)?;
        if connector.view.is_none() && connector.shape.is_modular() {
            say(
                "\nIt does not say from where it counts: a mirrored order can put a supply on a data \
                 line. Look into the socket with the clip's notch down, and measure contact 1 at the \
                 left.",
            )?;
        }
    }
    match profile.status {
        Status::Untested => {
            say("\nRight as a file. Its status is untested, and every drawing says so.")
        }
        _ => say("\nRight as a file."),
    }
}
