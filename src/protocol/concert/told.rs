//! A recorded dialogue, told to a person: every message with its fields, in both layouts.
//!
//! Contract: pure. The report of layout 2, and fields that are not in the tables, are told by their length.

use super::layout::three::{brand, next, reason, ticket_text};
use super::{LIMIT, last_four};
use crate::event::terminal::Currency;
use crate::frame::Control;
use crate::frame::control::{ACK, ENQ, EOT};
use crate::frame::shell::Heard;
use crate::normalize::mask;
use crate::protocol::Side;
use crate::recording::message::{
    Field, Message, Stop, Stretch, counted, hex, hidden, mask_lines, unframed,
};

/// Tells a dialogue.
#[must_use]
pub fn told(stretches: &[Stretch]) -> Vec<Message> {
    let mut messages = unframed(stretches, |silence| Control::new(LIMIT, silence), heard);
    mask_lines(&mut messages);
    messages
}

fn heard(line: usize, side: Option<Side>, heard: Heard<'_>) -> Message {
    match heard {
        Heard::Frame(bytes) => message(line, side, bytes),
        Heard::Byte(byte) => {
            let name = match byte {
                ENQ => "may I speak",
                ACK => "acknowledged",
                EOT => "that is all",
                _ => "not understood, once more",
            };
            Message { line, side, tag: hex(&[byte]), name: name.to_owned(), ..Message::default() }
        }
        Heard::Bad(fault) | Heard::Noise(fault) => Message::of_fault(line, side, &fault),
    }
}

fn message(line: usize, side: Option<Side>, bytes: &[u8]) -> Message {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut told = Message { line, side, ..Message::default() };
    let (tag, name) = match text.len() {
        _ if text.starts_with("CZ") => {
            told.stop = three(text, 0, &mut told.fields);
            let is_answer = told.fields.iter().any(|field| field.tag == "AE");
            ("3", if is_answer { "answer, layout 3" } else { "request, layout 3" })
        }
        34 if is_one(text, REQUEST) => {
            two(text, REQUEST, &mut told.fields);
            ("2", "request, layout 2")
        }
        25 if is_one(text, ANSWER) => {
            two(text, ANSWER, &mut told.fields);
            ("2", "answer, layout 2")
        }
        80 if is_one(text, LONG_ANSWER) => {
            two(text, LONG_ANSWER, &mut told.fields);
            ("2", "answer with a report, layout 2")
        }
        length => {
            let why = format!("{} of text, which no layout has", counted(length));
            told.stop = Some(Stop { at: 0, why });
            ("", "no layout of ours")
        }
    };
    (told.tag, told.name) = (tag.to_owned(), name.to_owned());
    told
}

/// What stands where in layout 2.
type Places = &'static [(&'static str, usize)];

const REQUEST: Places = &[
    ("till", 2),
    ("amount in minor units", 8),
    ("kind of answer", 1),
    ("means", 1),
    ("what", 1),
    ("currency", 3),
    ("private", 10),
    ("end waited for", 4),
    ("authorization forced", 4),
];
const ANSWER: Places = &[
    ("till", 2),
    ("result", 1),
    ("amount in minor units", 8),
    ("means", 1),
    ("currency", 3),
    ("private", 10),
];
const LONG_ANSWER: Places = &[
    ("till", 2),
    ("result", 1),
    ("amount in minor units", 8),
    ("means", 1),
    ("report", 55),
    ("currency", 3),
    ("private", 10),
];

fn two(text: &str, places: Places, fields: &mut Vec<Field>) {
    let mut rest = text;
    for (name, length) in places {
        let Some((value, after)) = rest.split_at_checked(*length) else { return };
        rest = after;
        let value = match *name {
            "report" => hidden(value.as_bytes()),
            "currency" => currency(value),
            "result" => format!("{value} {}", result(value)).trim_end().to_owned(),
            _ => mask::masked(value),
        };
        fields.push(Field::new("", name, value));
    }
}

/// Whether what stands in the places can stand there. Of another text a card's number could show in pieces.
fn is_one(text: &str, places: Places) -> bool {
    let mut rest = text;
    places.iter().all(|(name, length)| {
        let Some((value, after)) = rest.split_at_checked(*length) else { return false };
        rest = after;
        match *name {
            "till" | "amount in minor units" => value.bytes().all(|byte| byte.is_ascii_digit()),
            "currency" => value.parse().ok().and_then(Currency::from_number).is_some(),
            "result" => !result(value).is_empty(),
            _ => true,
        }
    })
}

fn result(code: &str) -> &'static str {
    match code {
        "0" => "done",
        "7" => "refused",
        "9" => "not verified",
        _ => "",
    }
}

fn currency(number: &str) -> String {
    let known = number.parse().ok().and_then(Currency::from_number);
    let code = known.map_or("", |currency| currency.code);
    format!("{number} {code}").trim_end().to_owned()
}

/// The fields of layout 3. Gives where they stop being understood.
fn three(text: &str, from: usize, fields: &mut Vec<Field>) -> Option<Stop> {
    let mut rest = text.trim_end_matches(['\r', '\n']);
    let length = rest.len();
    while !rest.is_empty() {
        let Some((tag, value, after)) = next(rest) else {
            let at = from + length - rest.len();
            let why = format!("no field with its length; {} from here", counted(rest.len()));
            return Some(Stop { at, why });
        };
        rest = after;
        fields.push(field(tag, value));
    }
    None
}

/// The fields whose values are shown as they are.
const PLAIN: [(&str, &str); 13] = [
    ("CZ", "version"),
    ("CJ", "till's identifier"),
    ("CA", "till"),
    ("CB", "amount in minor units"),
    ("CD", "what"),
    ("CF", "private"),
    ("CI", "how the card was read"),
    ("BA", "kind of answer"),
    ("BF", "authorization forced"),
    ("AC", "authorization code"),
    ("AI", "application"),
    ("AL", "signature"),
    ("CK", "whose receipt"),
];

fn field(tag: &str, value: &str) -> Field {
    let told = |name, value| Field::new(tag, name, value);
    let meant = |meaning: &str| format!("{} {meaning}", mask::masked(value)).trim_end().to_owned();
    match tag {
        // The card's date is none of anybody's.
        "AB" => told("date of the card", hidden(value.as_bytes())),
        "AA" => told("card number", last_four(value)),
        "AE" => told(
            "status",
            meant(match value {
                "10" => "done",
                "01" => "not done",
                "11" => "taken into account",
                _ => "",
            }),
        ),
        "AF" => told("reason", meant(reason(value).unwrap_or_default())),
        "CC" => told("paid with", meant(brand(value).unwrap_or_default())),
        "CE" => told("currency", currency(&mask::masked(value))),
        "ZT" => {
            let mut fields = Vec::new();
            let stop = three(value, 0, &mut fields);
            let value =
                stop.map_or_else(String::new, |stop| format!("not understood from {}", stop.at));
            Field { fields, ..told("receipt", value) }
        }
        "AK" => {
            let Some(text) = ticket_text(value) else {
                return told("text", hidden(value.as_bytes()));
            };
            let line =
                |text: &str| Field { is_line: true, ..Field::new("", "line", text.to_owned()) };
            let fields = text.lines().map(|text| line(text.trim_end())).collect();
            Field { fields, ..told("text", String::new()) }
        }
        _ => match PLAIN.iter().find(|(known, _)| *known == tag) {
            Some((_, name)) => told(name, mask::masked(value)),
            None => told("not in our table", hidden(value.as_bytes())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::control::{ETX, STX};
    use crate::recording::pasted;

    fn shown(messages: &[&str]) -> String {
        let mut log = String::from("> 05\n< 06\n");
        for message in messages {
            let sum = message.bytes().fold(ETX, |sum, byte| sum ^ byte);
            let bytes = [&[STX][..], message.as_bytes(), &[ETX, sum]].concat();
            log += &format!("< {}\n", hex(&bytes));
        }
        format!("{:?}", told(&pasted::read(&log)))
    }

    #[test]
    fn both_layouts_are_told() {
        let shown = shown(&["01000012500109780000000042A010B010", "0170000125019780000000042"]);
        for told in ["request, layout 2", "answer, layout 2", "7 refused", "978 EUR", "may I speak"]
        {
            assert!(shown.contains(told), "{told}: {shown}");
        }
        for foreign in ["CARD 4111111111111111    ", "4111111111111111978251220"] {
            let shown = self::shown(&[foreign]);
            assert!(shown.contains("no layout of ours") && !shown.contains("11"), "{shown}");
        }
        let ticket = "Q0FSRCA0MTExMTExMTExMTExMTExCg==";
        let nested = format!("CK003100AK{:03}{ticket}", ticket.len());
        let shown = self::shown(&[
            &format!(
                "CZ0040320AA0164111111111111111AB0042512AE00201AF00211CC003001XX003abcZT{:03}{nested}",
                nested.len()
            ),
            "CZ0040320AE9",
            "what is this",
        ]);
        for told in [
            "************1111",
            "4 bytes, not shown",
            "01 not done",
            "11 abandoned by the operator",
            "001 CB",
            "CARD ************1111",
            "3 bytes, not shown",
            "no field with its length; 3 bytes from here",
            "12 bytes of text, which no layout has",
        ] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
        assert!(!shown.contains("411111") && !shown.contains("2512"), "{shown}");
    }
}
