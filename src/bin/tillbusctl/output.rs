//! Standard output, line by line.

use std::io::{ErrorKind, Write as _};

use serde_json::Value;

use crate::error::Error;
use crate::style::{Style, Tone, fill, plain, width};

/// Prints a line at once. Where nobody reads any more the command ends quietly.
pub(crate) fn say(line: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Error::closed(),
        _ => Error::at("standard output", error),
    })
}

/// Prints a JSON value on a line of its own.
pub(crate) fn say_json(value: &Value) -> Result<(), Error> {
    say(&value.to_string())
}

/// One field of a table.
pub(crate) struct Cell {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

impl Cell {
    pub(crate) fn new(tone: Tone, text: &str) -> Self {
        Self { tone, text: plain(text) }
    }
}

/// Prints rows in columns as wide as they have to be; the last is not filled up.
pub(crate) fn say_table(style: Style, rows: &[Vec<Cell>]) -> Result<(), Error> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(&cell.text)).max().unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut line = String::new();
        for (cell, columns) in row.iter().zip(&widths) {
            line.push_str(&style.paint(cell.tone, &cell.text));
            line.push_str(&fill(&cell.text, columns + 2));
        }
        say(line.trim_end())?;
    }
    Ok(())
}
