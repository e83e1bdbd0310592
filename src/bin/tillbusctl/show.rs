//! `show`: everything about one device.

use serde_json::{Value, json};

use crate::client::{self, Place};
use crate::error::Error;
use crate::event::tone_of_state;
use crate::output::{Cell, say, say_json, say_table};
use crate::style::{Style, Tone, plain};
use crate::value::{self, Map, text};

/// Show everything about a device
///
/// Its properties, what has been counted, the last fault, and what its port shows now.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The device's name
    device: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    let devices = client::devices(&connection).await?;
    let (path, device) = client::find(&devices, &options.device)?;
    let evidence = client::device(&connection, path).await?.diagnose().await?;
    let evidence: Vec<Map> = evidence.iter().map(value::map).collect();
    if options.json {
        let mut device = device.clone();
        device.insert("path".to_owned(), path.into());
        device.insert("evidence".to_owned(), json!(evidence));
        return say_json(&Value::Object(device));
    }
    print(device, &evidence)
}

/// The properties in the order of the questions a person has.
const ROWS: [&str; 15] = [
    "lane",
    "role",
    "state",
    "access",
    "node",
    "owner",
    "profile",
    "protocol",
    "transport",
    "vendor",
    "model",
    "serial-number",
    "capabilities",
    "enabled",
    "simulated",
];

fn print(device: &Map, evidence: &[Map]) -> Result<(), Error> {
    let style = Style::of_stdout();
    say(&style.paint(Tone::Strong, &plain(text(device, "name"))))?;
    let mut rows: Vec<Vec<Cell>> = ROWS
        .into_iter()
        .filter_map(|name| {
            let shown = shown(device.get(name)?);
            let tone = if name == "state" { tone_of_state(&shown) } else { Tone::Plain };
            Some(row(name, tone, &shown))
        })
        .collect();
    let fault = text(device, "last-fault");
    rows.push(row("last-fault", if fault.is_empty() { Tone::Plain } else { Tone::Bad }, fault));
    say_table(style, &rows)?;
    for item in evidence {
        let counts = text(item, "kind") == "health";
        // Of the counts only those that say something; of what the port shows, all.
        let rows: Vec<Vec<Cell>> = item
            .iter()
            .filter(|(name, value)| *name != "kind" && !(counts && value.as_u64() == Some(0)))
            .map(|(name, value)| row(name, Tone::Plain, &shown(value)))
            .collect();
        say("")?;
        say(&style.paint(Tone::Strong, &plain(text(item, "kind"))))?;
        say_table(style, &rows)?;
    }
    Ok(())
}

fn row(name: &str, tone: Tone, value: &str) -> Vec<Cell> {
    let value = if value.is_empty() { "-" } else { value };
    vec![Cell::new(Tone::Faint, &format!("  {name}")), Cell::new(tone, value)]
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
