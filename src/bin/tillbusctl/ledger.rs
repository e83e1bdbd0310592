//! `ledger`: the transactions of the terminals, from the daemon's file.

use std::path::PathBuf;

use jiff::Timestamp;
use tillbus::event::terminal::Answer;
use tillbus::ledger::Book;
use tillbus::transaction::{State, Transaction};

use crate::error::Error;
use crate::output::{Cell, say, say_table};
use crate::style::{Style, Tone};

/// List the transactions in the ledger, also while the daemon writes it
///
/// The file is the daemon's own and holds no card numbers; it takes its user, or root, to read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Print comma-separated values with all columns (RFC 4180)
    #[arg(long)]
    csv: bool,
    /// The ledger's file
    #[arg(long, value_name = "FILE", default_value = "/var/lib/tillbus/ledger.sqlite")]
    file: PathBuf,
}

const COLUMNS: [&str; 20] = [
    "number",
    "began",
    "ended",
    "device",
    "lane",
    "user",
    "operation",
    "key",
    "amount",
    "authorised",
    "currency",
    "state",
    "reason",
    "terminal",
    "receipt",
    "trace",
    "card",
    "brand",
    "simulated",
    "resolved-by",
];

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let place = options.file.display().to_string();
    let failed = |error: tillbus::ledger::Error| Error::at(&place, error);
    let rows = Book::read(&options.file).map_err(failed)?.rows().map_err(failed)?;
    if !options.csv {
        return table(&rows);
    }
    say(&COLUMNS.join(","))?;
    for row in &rows {
        let fields: Vec<String> = fields(row).iter().map(|field| quoted(field)).collect();
        say(&fields.join(","))?;
    }
    Ok(())
}

fn table(rows: &[Transaction]) -> Result<(), Error> {
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let tone = match row.state {
                State::Approved => Tone::Good,
                State::Unknown => Tone::Bad,
                _ => Tone::Odd,
            };
            let intent = &row.intent;
            let amount = authorised(row).unwrap_or(intent.amount);
            let receipt = row.answer.as_ref().and_then(|answer| answer.receipt);
            let simulated = if intent.simulated { "simulated" } else { "" };
            vec![
                Cell::new(Tone::Strong, &row.id.to_string()),
                Cell::new(Tone::Faint, &time(intent.began)),
                Cell::new(Tone::Plain, &intent.device),
                Cell::new(Tone::Word, intent.operation.word()),
                Cell::new(Tone::Plain, &intent.currency.written(amount)),
                Cell::new(Tone::Plain, intent.currency.code),
                Cell::new(tone, row.state.word()),
                Cell::new(Tone::Plain, &receipt.map_or(String::new(), |n| n.to_string())),
                Cell::new(Tone::Odd, simulated),
                Cell::new(Tone::Faint, &row.reason),
            ]
        })
        .collect();
    say_table(Style::of_stdout(), &rows)
}

fn fields(row: &Transaction) -> [String; 20] {
    let Transaction { intent, .. } = row;
    let answer = row.answer.as_deref();
    let text = |field: fn(&Answer) -> Option<String>| answer.and_then(field).unwrap_or_default();
    let currency = intent.currency;
    [
        row.id.to_string(),
        time(intent.began),
        row.ended.map(time).unwrap_or_default(),
        intent.device.clone(),
        intent.lane.clone(),
        intent.user.to_string(),
        intent.operation.word().to_owned(),
        intent.key.clone(),
        currency.written(intent.amount),
        authorised(row).map(|amount| currency.written(amount)).unwrap_or_default(),
        currency.code.to_owned(),
        row.state.word().to_owned(),
        row.reason.clone(),
        text(|answer| answer.terminal.clone()),
        text(|answer| answer.receipt.map(|number| number.to_string())),
        text(|answer| answer.trace.map(|number| number.to_string())),
        text(|answer| answer.pan_masked.clone()),
        text(|answer| answer.brand.clone()),
        if intent.simulated { "yes" } else { "no" }.to_owned(),
        row.resolution.as_ref().map(|by| by.user.to_string()).unwrap_or_default(),
    ]
}

/// What was authorised, where it was approved.
fn authorised(row: &Transaction) -> Option<u64> {
    let approved = row.state == State::Approved;
    approved
        .then(|| row.answer.as_ref().and_then(|answer| answer.amount).unwrap_or(row.intent.amount))
}

/// In the time of the world, as files are read elsewhere.
fn time(micros: u64) -> String {
    let time =
        i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    time.map_or(String::new(), |time| format!("{time:.0}"))
}

/// A field of RFC 4180. One that a spreadsheet would take for a formula is kept from it.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        for (field, want) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "'=1+1"),
            ("", ""),
        ] {
            assert_eq!(quoted(field), want);
        }
    }
}
