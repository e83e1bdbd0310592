//! `cable list`: the sockets and adapters that are known.

use serde_json::json;
use tillbus::profile::{Profile, Status};
use tillbus::wiring::cord::{ADAPTERS, Jack};

use super::Shelf;
use crate::error::Error;
use crate::output::{Cell, say, say_json, say_table};
use crate::simulate::of_settings;
use crate::style::{Style, Tone};

/// List the sockets and adapters whose wiring is known
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    shelf: Shelf,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let catalogue = options.shelf.open()?;
    let mut profiles = Vec::new();
    for id in catalogue.ids() {
        let profile = catalogue.profile(id).map_err(|errors| of_settings(&errors))?;
        profiles.extend(profile.filter(|profile| profile.connector.is_some()));
    }
    if options.json {
        return profiles.iter().try_for_each(|profile| {
            let shape = profile.connector.as_ref().map(|connector| connector.shape.word());
            say_json(&json!({
                "profile": profile.id,
                "kind": profile.kind.word(),
                "connector": shape,
                "status": profile.status.word(),
                "vendor": profile.vendor,
                "model": profile.model,
            }))
        });
    }
    let head = ["PROFILE", "KIND", "CONNECTOR", "STATUS", "MODEL"];
    let mut rows = vec![head.map(|word| Cell::new(Tone::Faint, word)).into()];
    rows.extend(profiles.iter().map(row));
    let style = Style::of_stdout();
    say_table(style, &rows)?;
    say("")?;
    let head = ["ADAPTER", "FROM", "TO", ""];
    let mut rows: Vec<Vec<Cell>> = vec![head.map(|word| Cell::new(Tone::Faint, word)).into()];
    rows.extend(ADAPTERS.iter().map(|adapter| {
        vec![
            Cell::new(Tone::Strong, adapter.name),
            Cell::new(Tone::Plain, &end(adapter.near)),
            Cell::new(Tone::Plain, &end(adapter.far)),
            Cell::new(Tone::Faint, adapter.title),
        ]
    }));
    say_table(style, &rows)
}

fn row(profile: &Profile) -> Vec<Cell> {
    let connector = profile.connector.as_ref().map_or(String::new(), |connector| {
        let gender = connector.gender.map_or(String::new(), |gender| format!(" {}", gender.word()));
        format!("{}{gender}", connector.shape.word())
    });
    let tone = match profile.status {
        Status::Documented | Status::Reported => Tone::Good,
        Status::Untested => Tone::Odd,
    };
    vec![
        Cell::new(Tone::Strong, &profile.id),
        Cell::new(Tone::Plain, profile.kind.word()),
        Cell::new(Tone::Plain, &connector),
        Cell::new(tone, profile.status.word()),
        Cell::new(Tone::Plain, &format!("{} {}", profile.vendor, profile.model)),
    ]
}

fn end(jack: Jack) -> String {
    let gender = jack.gender.map_or(String::new(), |gender| format!(" {}", gender.word()));
    let part = if jack.is_socket { "socket" } else { "plug" };
    format!("{}{gender} {part}", jack.shape.word())
}
