//! `ledger`: the transactions of the terminals, from the daemon's file.

use std::path::PathBuf;

use jiff::Timestamp;
use tillbus::event::terminal::Answer;
use tillbus::ledger::{Act, Book};
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
    /// List who settled what, who began over an unknown outcome, and what terminals said too late
    #[arg(long)]
    audit: bool,
    /// The ledger's file
    #[arg(long, value_name = "FILE", default_value = "/var/lib/tillbus/ledger.sqlite")]
    file: PathBuf,
}

const COLUMNS: [&str; 24] = [
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
    "resolved-at",
    "note",
    "authorization-code",
    "entry-mode",
];

/// What of it is shown to a person.
const SHOWN: [&str; 10] = [
    "number",
    "began",
    "device",
    "operation",
    "amount",
    "currency",
    "state",
    "receipt",
    "money",
    "reason",
];

const AUDIT_COLUMNS: [&str; 6] = ["time", "user", "client", "number", "act", "note"];

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let place = options.file.display().to_string();
    let failed = |error: tillbus::ledger::Error| Error::at(&place, error);
    let book = Book::read(&options.file).map_err(failed)?;
    if options.audit {
        return audit(options, &book.acts().map_err(failed)?);
    }
    let rows = book.rows().map_err(failed)?;
    if !options.csv {
        return table(&rows);
    }
    say_csv(&COLUMNS, rows.iter().map(|row| fields(row).to_vec()))
}

fn audit(options: &Options, acts: &[Act]) -> Result<(), Error> {
    let fields = acts.iter().map(|act| {
        let Act { time: at, user, client, id, act, note } = act;
        let (user, id) = (user.to_string(), id.to_string());
        vec![time(*at), user, client.clone(), id, act.clone(), note.clone()]
    });
    if options.csv {
        return say_csv(&AUDIT_COLUMNS, fields);
    }
    let cells = |fields: Vec<String>| {
        fields.iter().map(|field| Cell::new(Tone::Plain, field)).collect::<Vec<Cell>>()
    };
    let mut lines = vec![head(&AUDIT_COLUMNS)];
    lines.extend(fields.map(cells));
    say_table(Style::of_stdout(), &lines)
}

fn head(titles: &[&str]) -> Vec<Cell> {
    titles.iter().map(|title| Cell::new(Tone::Faint, &title.to_uppercase())).collect()
}

fn say_csv(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<(), Error> {
    say(&columns.join(","))?;
    for row in rows {
        let fields: Vec<String> = row.iter().map(|field| quoted(field)).collect();
        say(&fields.join(","))?;
    }
    Ok(())
}

fn table(rows: &[Transaction]) -> Result<(), Error> {
    let mut lines = vec![head(&SHOWN)];
    lines.extend(rows.iter().map(cells));
    say_table(Style::of_stdout(), &lines)
}

fn cells(row: &Transaction) -> Vec<Cell> {
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
}

fn fields(row: &Transaction) -> [String; 24] {
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
        row.resolution.as_ref().map(|by| time(by.time)).unwrap_or_default(),
        row.resolution.as_ref().map(|by| by.note.clone()).unwrap_or_default(),
        text(|answer| answer.authorization_code.clone()),
        text(|answer| answer.entry_mode.map(str::to_owned)),
    ]
}

/// What was authorised, where money was to move and it was approved. What repeats a receipt names an amount that
/// has been counted before.
fn authorised(row: &Transaction) -> Option<u64> {
    let approved = row.state == State::Approved && row.intent.operation.moves_money();
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
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use tillbus::event::terminal::{Currency, Operation};
    use tillbus::transaction::{Intent, Known};

    use super::*;

    fn approved(operation: Operation) -> Transaction {
        let intent = Intent {
            device: "terminal".into(),
            lane: String::new(),
            key: "a".into(),
            user: 0,
            operation,
            amount: if operation.needs_amount() { 1250 } else { 0 },
            currency: Currency::EUR,
            receipt: None,
            simulated: false,
            began: 0,
        };
        let answer = Answer { approved: true, amount: Some(1250), ..Answer::default() };
        let mut transaction = Transaction::new(1, intent, Known::default());
        transaction.answer = Some(Box::new(answer));
        transaction.close(State::Approved, "");
        transaction
    }

    #[test]
    fn a_receipt_printed_again_is_not_counted_again() {
        assert_eq!(authorised(&approved(Operation::Payment)), Some(1250));
        assert_eq!(authorised(&approved(Operation::RepeatReceipt)), None);
        assert_eq!(fields(&approved(Operation::RepeatReceipt))[9], "");
    }

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        for (field, want) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "'=1+1"),
            ("\t=1+1", "'\t=1+1"),
            ("\r=1", "\"'\r=1\""),
            ("", ""),
        ] {
            assert_eq!(quoted(field), want);
        }
    }
}
