//! `reload`: the configuration, read again.

use crate::client::{self, Place};
use crate::error::Error;
use crate::output::say;

/// Have the daemon read its configuration again
///
/// A wrong configuration changes nothing: the one in force stays so, and what is wrong is said.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(crate) async fn run(place: &Place, _options: &Options) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    client::manager(&connection).await?.reload().await?;
    let devices = client::devices(&connection).await?;
    let count = devices.len();
    say(&format!("read again: {count} device{}", if count == 1 { "" } else { "s" }))
}
