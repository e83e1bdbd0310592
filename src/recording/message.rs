//! Messages of a dialogue that somebody recorded, as a person is told them: field by field.
//!
//! Contract: pure. Card and account numbers are masked here or before; what could name a card or its holder
//! otherwise is told by its length alone. What is not understood is told with its place.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::event::{Fault, Timestamp};
use crate::frame::shell::{Grammar, Heard, Shell};
use crate::normalize::mask;
use crate::protocol::Side;

/// Bytes that came together.
#[derive(Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The line of the recording, from 1.
    pub line: usize,
    /// Who sent them, where the recording says so.
    pub side: Option<Side>,
    /// The bytes. They may name a card.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Stretch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, side, bytes } = self;
        write!(formatter, "line {line}, {side:?}: <{} secret bytes>", bytes.len())
    }
}

/// A message, or what stood in the place of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The line in which it ends, from 1.
    pub line: usize,
    /// Who sent it, where that is known.
    pub side: Option<Side>,
    /// What it is called on the line: bytes in hex, or letters.
    pub tag: String,
    /// What it is.
    pub name: String,
    /// What it carries.
    pub fields: Vec<Field>,
    /// Where it is not understood any more.
    pub stop: Option<Stop>,
}

/// One thing that a message carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Its number on the line; empty where its place says what it is.
    pub tag: String,
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
    /// What it contains.
    pub fields: Vec<Field>,
    /// It is a line of text, in which a number may run on from the line before: [`mask_lines`] masks it.
    pub is_line: bool,
}

impl Field {
    /// A field without others in it.
    #[must_use]
    pub fn new(tag: &str, name: &str, value: String) -> Self {
        Self { tag: tag.to_owned(), name: name.to_owned(), value, ..Self::default() }
    }
}

/// The place of the first byte that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Its place in the message, from 0, without what is around messages.
    pub at: usize,
    /// What is the matter.
    pub why: String,
}

impl Message {
    /// What is told of bytes that are no message.
    #[must_use]
    pub fn of_fault(line: usize, side: Option<Side>, fault: &Fault) -> Self {
        Self { line, side, name: format!("no message: {fault}"), ..Self::default() }
    }
}

/// Who may send.
pub const SIDES: [Option<Side>; 3] = [None, Some(Side::Till), Some(Side::Terminal)];

/// The place of a side in [`SIDES`].
#[must_use]
pub fn place(side: Option<Side>) -> usize {
    SIDES.iter().position(|known| *known == side).unwrap_or(0)
}

/// Between two stretches: so long that an acknowledgement behind a damaged frame is one.
const STEP: Duration = Duration::from_millis(200);
/// No frame is given up for the time that a recording does not have.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Tells a dialogue in frames. A framer is made for each side, which gives up a frame after so much silence.
#[must_use]
pub fn unframed<G: Grammar>(
    stretches: &[Stretch],
    framer: impl Fn(Duration) -> Shell<G>,
    tell: impl Fn(usize, Option<Side>, Heard<'_>) -> Message,
) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut framers = SIDES.map(|_| framer(NEVER));
    let mut now = Timestamp::default();
    for Stretch { line, side, bytes } in stretches {
        now = now + STEP;
        if let Some(framer) = framers.get_mut(place(*side)) {
            framer.receive(now, bytes, &mut |heard| messages.push(tell(*line, *side, heard)));
        }
    }
    let line = stretches.last().map_or(0, |stretch| stretch.line);
    for (framer, side) in framers.iter_mut().zip(SIDES) {
        framer.close(&mut |heard| messages.push(tell(line, side, heard)));
    }
    messages
}

/// What is told of bytes that are not shown.
#[must_use]
pub fn hidden(bytes: &[u8]) -> String {
    format!("{}, not shown", counted(bytes.len()))
}

/// So many bytes.
#[must_use]
pub fn counted(bytes: usize) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

/// Bytes in hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(" ")
}

/// Masks the lines of text in messages, as if they stood one below the other.
pub fn mask_lines(messages: &mut [Message]) {
    let mut lines = Vec::new();
    for message in messages.iter_mut() {
        collect(&mut message.fields, &mut lines);
    }
    let texts: Vec<Zeroizing<String>> =
        lines.iter_mut().map(|line| Zeroizing::new(std::mem::take(*line))).collect();
    let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
    for (line, masked) in lines.into_iter().zip(mask::lines(&texts)) {
        *line = masked;
    }
}

fn collect<'a>(fields: &'a mut [Field], lines: &mut Vec<&'a mut String>) {
    for field in fields {
        if field.is_line {
            lines.push(&mut field.value);
        }
        collect(&mut field.fields, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_runs_over_lines_is_masked() {
        let line =
            |text: &str| Field { is_line: true, ..Field::new("07", "line", text.to_owned()) };
        let container = Field { fields: vec![line("4111 1111")], ..Field::default() };
        let message = |field| Message { fields: vec![field], ..Message::default() };
        let mut messages = [message(container), message(line("1111 1111")), message(line("12,50"))];
        mask_lines(&mut messages);
        let shown = format!("{messages:?}");
        assert!(!shown.contains("4111 1111") && shown.contains("1111") && shown.contains("12,50"));
    }

    #[test]
    fn a_stretch_shows_none_of_its_bytes() {
        let stretch = Stretch { line: 3, side: None, bytes: Zeroizing::new(vec![0x41; 16]) };
        assert_eq!(format!("{stretch:?}"), "line 3, None: <16 secret bytes>");
    }
}
