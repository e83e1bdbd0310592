//! `cable show`: one socket, contact by contact.

use serde_json::{Value, json};
use tillbus::profile::{Profile, Status};
use tillbus::wiring::{Connector, Duty, Pin};

use super::{Shelf, find};
use crate::error::Error;
use crate::output::{Cell, say, say_json, say_table};
use crate::style::{Style, Tone};

/// Show how a socket is wired, and who says so
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The profile, or its file
    profile: String,
    #[command(flatten)]
    shelf: Shelf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let profile = find(&options.shelf.open()?, &options.profile)?;
    let connector = super::socket(&profile)?.connector;
    if options.json {
        return say_json(&object(&profile, connector));
    }
    let style = Style::of_stdout();
    say(&style.paint(Tone::Strong, &format!("{} {}", profile.vendor, profile.model)))?;
    let gender = connector.gender.map_or(String::new(), |gender| format!(" {}", gender.word()));
    let counting = connector.counting.map_or_else(|| "not said".to_owned(), |c| c.to_string());
    let view = connector.view.as_deref().unwrap_or("not said");
    let status = match profile.status {
        Status::Untested => "untested: measure before you plug anything in",
        status => status.word(),
    };
    let mut rows = vec![
        row("connector", &format!("{}{gender}", connector.shape.word())),
        row("counted", &format!("{counting}, seen: {view}")),
        row("names of a", connector.role.word()),
        row("level", connector.level.word()),
        row("status", status),
    ];
    rows.extend(profile.sources.iter().map(|source| row("source", source)));
    rows.extend(profile.beside.iter().map(|beside| {
        let carries = beside.carries.map_or(String::new(), |rail| format!(", {rail}"));
        row("beside it", &format!("{} ({}{carries})", beside.label, beside.shape.word()))
    }));
    say_table(style, &rows)?;
    say("")?;
    contacts(style, connector)
}

fn row(name: &str, value: &str) -> Vec<Cell> {
    vec![Cell::new(Tone::Faint, &format!("  {name}")), Cell::new(Tone::Plain, value)]
}

/// The contacts, one a line.
pub(crate) fn contacts(style: Style, connector: &Connector) -> Result<(), Error> {
    let head = ["  CONTACT", "POSITION", "WHAT", "", "WIRE"];
    let mut rows = vec![head.map(|word| Cell::new(Tone::Faint, word)).into()];
    for (number, pin) in &connector.pins {
        let position = connector.position(*number);
        let wire = connector.colour(position).map_or(String::new(), |colour| colour.to_string());
        rows.push(vec![
            Cell::new(Tone::Strong, &format!("  {number}")),
            Cell::new(Tone::Faint, &position.0.to_string()),
            Cell::new(tone(pin), &pin.to_string()),
            Cell::new(Tone::Plain, &does(pin, pin.duty(connector.role))),
            Cell::new(Tone::Plain, &wire),
        ]);
    }
    say_table(style, &rows)
}

fn tone(pin: &Pin) -> Tone {
    match pin {
        Pin::Supply { .. } | Pin::Other { rail: Some(_), .. } => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// What a contact does, for a person.
fn does(pin: &Pin, duty: Duty) -> String {
    let milliamperes = |current: &Option<u32>| {
        current.map_or_else(|| "current not said".to_owned(), |current| format!("{current} mA"))
    };
    match (pin, duty) {
        (Pin::Supply { max_milliamperes, .. }, _) => {
            format!("gives power, {}", milliamperes(max_milliamperes))
        }
        (Pin::Draw { milliamperes: current, .. } | Pin::Tap { milliamperes: current, .. }, _) => {
            format!("takes power, {}", milliamperes(current))
        }
        (Pin::Other { .. }, _) => "no serial line".to_owned(),
        (Pin::Signal(_), Duty::Out(_)) => "sends".to_owned(),
        (Pin::Signal(_), Duty::In(_)) => "hears".to_owned(),
        _ => String::new(),
    }
}

fn object(profile: &Profile, connector: &Connector) -> Value {
    let contacts: Vec<Value> = connector
        .pins
        .iter()
        .map(|(number, pin)| {
            let position = connector.position(*number);
            json!({
                "contact": number,
                "position": position.0,
                "what": pin.to_string(),
                "does": does(pin, pin.duty(connector.role)),
                "wire": connector.colour(position).map(|colour| colour.to_string()),
            })
        })
        .collect();
    json!({
        "profile": profile.id,
        "vendor": profile.vendor,
        "model": profile.model,
        "kind": profile.kind.word(),
        "status": profile.status.word(),
        "sources": profile.sources,
        "connector": connector.shape.word(),
        "gender": connector.gender.map(tillbus::wiring::Gender::word),
        "view": connector.view,
        "counting": connector.counting.map(|counting| counting.to_string()),
        "mirrored": connector.mirrored,
        "role": connector.role.word(),
        "level": connector.level.word(),
        "contacts": contacts,
    })
}
