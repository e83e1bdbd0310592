//! `devices`: what there is, in a table.

use std::time::Duration;

use serde_json::Value;

use crate::client::{self, Place};
use crate::error::Error;
use crate::event::tone_of_state;
use crate::live::Live;
use crate::output::{Cell, say, say_json, say_table};
use crate::style::{Style, Tone};
use crate::value::{Map, text};

/// List the devices
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object a line, with every property
    #[arg(long)]
    json: bool,
    /// Wait so long for the daemon to be on the bus, in seconds
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

const COLUMNS: [&str; 7] = ["name", "lane", "state", "access", "profile", "node", "owner"];

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    if let Some(seconds) = options.wait {
        let mut live = Live::open(&connection).await?;
        let arrival = async {
            while !live.is_there() {
                live.next().await?;
            }
            Ok::<(), Error>(())
        };
        let within = Duration::from_secs(seconds);
        tokio::time::timeout(within, arrival).await.map_err(|_| Error::not_running())??;
    }
    let devices = client::devices(&connection).await?;
    let mut devices: Vec<Map> = devices.into_values().collect();
    devices.sort_by(|one, other| text(one, "name").cmp(text(other, "name")));
    if options.json {
        return devices.into_iter().try_for_each(|device| say_json(&Value::Object(device)));
    }
    if devices.is_empty() {
        return say("no devices: none is configured and no port is there");
    }
    let head = COLUMNS.map(|column| Cell::new(Tone::Faint, &column.to_uppercase()));
    let mut rows = vec![Vec::from(head)];
    rows.extend(devices.iter().map(row));
    say_table(Style::of_stdout(), &rows)
}

fn row(device: &Map) -> Vec<Cell> {
    COLUMNS
        .into_iter()
        .map(|column| {
            let value = text(device, column);
            let tone = match column {
                "name" => Tone::Strong,
                "state" => tone_of_state(value),
                "access" if ["busy", "permission-denied"].contains(&value) => Tone::Bad,
                "owner" => Tone::Faint,
                _ => Tone::Plain,
            };
            Cell::new(tone, if value.is_empty() { "-" } else { value })
        })
        .collect()
}
