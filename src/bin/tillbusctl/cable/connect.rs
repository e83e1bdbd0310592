//! `cable connect` and `cable check`: the wires, and what is to be said of them.

use std::path::PathBuf;

use serde_json::{Value, json};
use tillbus::profile::Profile;
use tillbus::wiring::cable::{Contact, Made, Side};
use tillbus::wiring::check::Severity;
use tillbus::wiring::{Cable, Plan, Report, check, propose};

use super::{Ends, Shelf, cable, find, read_cable, socket};
use crate::error::Error;
use crate::output::{Cell, say, say_json, say_table};
use crate::style::{Style, Tone, plain};

/// Find the cable between two sockets, or judge the one named
///
/// Without --cord, --adapter or --wires the right wires are found. Exit status 1 where the cable must
/// not be plugged in.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    ends: Ends,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Judge the cable in a file
///
/// The file names both profiles and what is between them; protocol-docs/wiring.md says how. Exit
/// status 1 where the cable must not be plugged in.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckOptions {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    shelf: Shelf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let [a, b] = options.ends.profiles()?;
    judge([&a, &b], &options.ends.plan(), options.json)
}

pub(crate) fn check_file(options: &CheckOptions) -> Result<(), Error> {
    let file = read_cable(&options.file)?;
    let catalogue = options.shelf.open()?;
    let (a, b) = (find(&catalogue, &file.from)?, find(&catalogue, &file.to)?);
    judge([&a, &b], &file.plan, options.json)
}

fn judge(ends: [&Profile; 2], plan: &Plan, json: bool) -> Result<(), Error> {
    let cable = cable(plan, ends)?;
    let report = check(&cable);
    let ready_made = match plan.is_open() {
        true => propose(socket(ends[0])?, socket(ends[1])?).ready_made,
        false => Vec::new(),
    };
    if json {
        say_json(&object(&cable, &report, &ready_made))?;
    } else {
        print(&cable, &report, &ready_made)?;
    }
    match report.refusals().count() {
        0 => Ok(()),
        1 => Err(Error::failed("this cable must not be plugged in, for the reason above")),
        count => Err(Error::failed(format!(
            "this cable must not be plugged in, for the {count} reasons above"
        ))),
    }
}

fn print(cable: &Cable<'_>, report: &Report, ready_made: &[Made]) -> Result<(), Error> {
    let style = Style::of_stdout();
    wires(style, cable)?;
    say("")?;
    let run = report.run.map_or("wire by wire", |run| run.word());
    let flows: Vec<&str> = report.permitted.iter().map(|flow| flow.word()).collect();
    let flows = if flows.is_empty() { "-".to_owned() } else { flows.join(", ") };
    let mut rows = vec![
        fact("plug to plug", run),
        fact("data", report.crossing.word()),
        fact("flow control", &flows),
    ];
    rows.extend(ready_made.iter().map(|made| fact("also does it", &made.to_string())));
    say_table(style, &rows)?;
    for problem in &report.problems {
        let (word, tone) = match problem.kind.severity() {
            Severity::Refused => ("REFUSED", Tone::Bad),
            Severity::Warning => ("note", Tone::Odd),
        };
        say(&format!("{} {}", style.paint(tone, word), plain(&problem.text)))?;
    }
    Ok(())
}

fn fact(name: &str, value: &str) -> Vec<Cell> {
    vec![Cell::new(Tone::Faint, name), Cell::new(Tone::Plain, value)]
}

/// The wires in the order of the first profile's numbers, then the bridges and what stays open.
fn wires(style: Style, cable: &Cable<'_>) -> Result<(), Error> {
    let head = [cable.a.name, "", "", cable.b.name, ""];
    let mut rows: Vec<Vec<Cell>> = vec![head.map(|word| Cell::new(Tone::Faint, word)).into()];
    let mut links = cable.links.clone();
    links.sort_by_key(|link| cable.a.connector.number(link.a));
    for link in &links {
        let a = end(cable, Contact { side: Side::A, position: link.a });
        let b = end(cable, Contact { side: Side::B, position: link.b });
        rows.push(vec![
            Cell::new(Tone::Strong, &a.0),
            Cell::new(Tone::Plain, &a.1),
            Cell::new(Tone::Faint, "──"),
            Cell::new(Tone::Strong, &b.0),
            Cell::new(Tone::Plain, &b.1),
        ]);
    }
    for bridge in &cable.loops {
        let contact = |position| end(cable, Contact { side: bridge.side, position });
        let (one, other) = (contact(bridge.one), contact(bridge.other));
        let text = format!("bridge {} {} ─ {} {}", one.0, one.1, other.0, other.1);
        let blank = || Cell::new(Tone::Plain, "");
        rows.push(match bridge.side {
            Side::A => vec![Cell::new(Tone::Odd, &text)],
            Side::B => vec![blank(), blank(), blank(), Cell::new(Tone::Odd, &text)],
        });
    }
    say_table(style, &rows)
}

fn end(cable: &Cable<'_>, contact: Contact) -> (String, String) {
    let number = cable.socket(contact.side).connector.number(contact.position).to_string();
    let name = cable.pin(contact).map_or_else(|| "unknown".to_owned(), ToString::to_string);
    (number, name)
}

fn object(cable: &Cable<'_>, report: &Report, ready_made: &[Made]) -> Value {
    let contact = |contact: Contact| {
        let (number, name) = end(cable, contact);
        json!({
            "profile": cable.socket(contact.side).name,
            "contact": number.parse::<u8>().ok(),
            "what": name,
        })
    };
    let wires: Vec<Value> = cable
        .links
        .iter()
        .map(|link| {
            json!([
                contact(Contact { side: Side::A, position: link.a }),
                contact(Contact { side: Side::B, position: link.b })
            ])
        })
        .collect();
    let bridges: Vec<Value> = cable
        .loops
        .iter()
        .map(|bridge| {
            let of = |position| contact(Contact { side: bridge.side, position });
            json!([of(bridge.one), of(bridge.other)])
        })
        .collect();
    let problems: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| {
            json!({
                "kind": problem.kind.word(),
                "refused": problem.kind.severity() == Severity::Refused,
                "text": problem.text,
                "contacts": problem.contacts.iter().map(|one| contact(*one)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "from": cable.a.name,
        "to": cable.b.name,
        "safe": report.is_safe(),
        "wires": wires,
        "bridges": bridges,
        "run": report.run.map(|run| run.word()),
        "crossing": report.crossing.word(),
        "flow": report.permitted.iter().map(|flow| flow.word()).collect::<Vec<_>>(),
        "ready-made": ready_made.iter().map(Made::to_string).collect::<Vec<_>>(),
        "problems": problems,
    })
}
