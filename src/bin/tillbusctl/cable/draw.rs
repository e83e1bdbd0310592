//! `cable draw`: the drawing to make the cable from.

use std::path::PathBuf;

use tillbus::profile::Profile;
use tillbus::wiring::check;
use tillbus::wiring::draw::{Label, draw};

use super::{Ends, cable};
use crate::error::{Error, complain};
use crate::output::say;

/// Draw the cable between two sockets, as an SVG to print
///
/// Both plugs from the side at which one works on them, with contacts, colours and warnings. A cable
/// that must not be plugged in is drawn with the reason across it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    ends: Ends,
    /// The file to write; `-` for standard output
    #[arg(long, value_name = "FILE")]
    svg: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let [a, b] = options.ends.profiles()?;
    let cable = cable(&options.ends.plan(), [&a, &b])?;
    let picture = draw(&cable, [&label(&a), &label(&b)]);
    if options.svg.as_os_str() == "-" {
        return say(picture.trim_end());
    }
    let shown = options.svg.display();
    std::fs::write(&options.svg, picture).map_err(|error| Error::at(&shown, error))?;
    if !check(&cable).is_safe() {
        complain("this cable must not be plugged in; the drawing says why");
    }
    say(&format!("{shown} is written"))
}

fn label(profile: &Profile) -> Label {
    Label {
        title: format!("{} {}", profile.vendor, profile.model),
        status: profile.status.word().to_owned(),
        sources: profile.sources.clone(),
    }
}
