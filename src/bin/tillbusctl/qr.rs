//! `qr`: codes by which a customer pays, composed and drawn.

mod codes;
mod draw;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Subcommand;

use crate::client::{self, Place};
use crate::error::Error;
use crate::output::say;

/// Compose the codes by which customers pay
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Compose(Compose),
}

/// Compose a merchant's code, and draw it
///
/// Prints what the code carries, and below it the code itself: on a terminal with colour in black on
/// white, elsewhere as for light letters on a dark ground. What the scheme has no place for is refused.
/// No money moves: the customer's application pays, and the merchant's bank tells of it. Needs no daemon,
/// but for `--show`.
#[derive(Debug, clap::Args)]
struct Compose {
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    scheme: codes::Scheme,
}

/// Where the code goes.
#[derive(Debug, clap::Args)]
struct Output {
    /// Print only what the code carries
    #[arg(long, global = true)]
    payload: bool,
    /// Draw the code into this file as well, as SVG
    #[arg(long, global = true, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Send what the code carries to this device's screen as well; it is claimed for that moment
    #[arg(long, global = true, value_name = "DEVICE")]
    show: Option<String>,
}

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    let Command::Compose(Compose { output, scheme }) = &options.command;
    let payload = scheme.payload()?;
    let drawing = draw::Drawing::of(&payload)?;
    if let Some(file) = &output.svg {
        std::fs::write(file, drawing.svg()).map_err(|error| Error::at(file.display(), error))?;
    }
    if let Some(device) = &output.show {
        show(place, device, &payload).await?;
    }
    say(&payload)?;
    if !output.payload {
        say("")?;
        for line in drawing.lines() {
            say(&line)?;
        }
    }
    Ok(())
}

/// Puts text on a device's screen.
async fn show(place: &Place, name: &str, text: &str) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    let devices = client::devices(&connection).await?;
    let path = client::find(&devices, name)?.0.to_owned();
    let device = client::device(&connection, &path).await?;
    device.claim(HashMap::new()).await?;
    let shown = device.show(text, HashMap::new()).await;
    // Where the device went away there is nothing to give up.
    let _ = device.release().await;
    Ok(shown?)
}
