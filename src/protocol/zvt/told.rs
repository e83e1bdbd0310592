//! A recorded dialogue, told to a person: every message with its name and its fields.
//!
//! Contract: pure. The dialogue may have its frames or be APDUs alone, as logs of programs that speak over TCP
//! are. What the tables of `names` do not say may be shown is told by its length.

mod names;

use zeroize::Zeroizing;

use self::names::{Data, FIELDS, Kind, TAGS};
use super::bitmap::{self, decimal, masked_card_number, number};
use super::charset::Charset;
use super::{code, message, tlv};
use crate::event::terminal::Currency;
use crate::frame::Dle;
use crate::frame::dle::{ACK, NAK};
use crate::frame::shell::Heard;
use crate::normalize::mask;
use crate::protocol::Side;
use crate::recording::message::{
    Field, Message, SIDES, Stop, Stretch, counted, hex, hidden, mask_lines, place, unframed,
};

/// The longest APDU and its head.
const LIMIT: usize = 0xFFFF + 5;
/// Containers in containers, no deeper.
const DEPTH: usize = 8;
/// Tells a dialogue.
#[must_use]
pub fn told(stretches: &[Stretch]) -> Vec<Message> {
    let is_framed = stretches.iter().any(|stretch| {
        matches!(stretch.bytes.as_slice(), [0x10, 0x02, ..] | [ACK | NAK, 0x10, 0x02, ..])
    });
    let framer = |silence| Dle::new(LIMIT, silence);
    let mut messages = if is_framed { unframed(stretches, framer, heard) } else { bare(stretches) };
    mask_lines(&mut messages);
    messages
}

fn heard(line: usize, side: Option<Side>, heard: Heard<'_>) -> Message {
    match heard {
        Heard::Frame(bytes) => apdu(line, side, bytes),
        Heard::Byte(byte) => control_byte(line, side, byte),
        Heard::Bad(fault) | Heard::Noise(fault) => Message::of_fault(line, side, &fault),
    }
}

fn control_byte(line: usize, side: Option<Side>, byte: u8) -> Message {
    let name = if byte == ACK { "acknowledged" } else { "not understood, once more" };
    Message { line, side, tag: hex(&[byte]), name: name.to_owned(), ..Message::default() }
}

/// APDUs without frames. One that goes on in the next stretch of its side is put together.
fn bare(stretches: &[Stretch]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut open = [(); 3].map(|()| Zeroizing::new(Vec::new()));
    for Stretch { line, side, bytes } in stretches {
        let Some(open) = open.get_mut(place(*side)) else { continue };
        if let ([byte @ (ACK | NAK)], true) = (bytes.as_slice(), open.is_empty()) {
            messages.push(control_byte(*line, *side, *byte));
            continue;
        }
        let is_new = length(bytes).is_some_and(|length| length == bytes.len()) && is_known(bytes);
        if is_new && !open.is_empty() {
            messages.push(apdu(*line, *side, open));
            open.clear();
        }
        open.extend_from_slice(bytes);
        while let Some(one) = length(open).and_then(|length| open.get(..length)) {
            let (taken, one) = (one.len(), apdu(*line, *side, one));
            messages.push(one);
            *open = Zeroizing::new(open.get(taken..).unwrap_or_default().to_vec());
        }
    }
    let line = stretches.last().map_or(0, |stretch| stretch.line);
    for (open, side) in open.iter().zip(SIDES) {
        if !open.is_empty() {
            messages.push(apdu(line, side, open));
        }
    }
    messages
}

/// How long the APDU is that begins these bytes.
fn length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, _, 0xFF, low, high, ..] => Some(5 + usize::from(u16::from_le_bytes([*low, *high]))),
        [_, _, 0xFF, ..] => None,
        [_, _, length, ..] => Some(3 + usize::from(*length)),
        _ => None,
    }
}

fn is_known(bytes: &[u8]) -> bool {
    matches!(bytes, [class, instruction, ..] if names::command((*class, *instruction)).is_some())
}

/// Tells an APDU. Where its length does not fit, what is there is read all the same.
fn apdu(line: usize, side: Option<Side>, bytes: &[u8]) -> Message {
    let tag = hex(bytes.get(..2).unwrap_or(bytes));
    let [class, instruction, short, ..] = *bytes else {
        let (name, why) = ("no whole message".to_owned(), "it has no length".to_owned());
        let stop = Some(Stop { at: bytes.len(), why });
        return Message { line, side, tag, name, stop, ..Message::default() };
    };
    let head = if short == 0xFF { 5 } else { 3 };
    let data = bytes.get(head..).unwrap_or_default();
    let known = names::command((class, instruction));
    let (name, usual, kind) = known.unwrap_or(("not in our table", None, Data::Unknown));
    let mut reader = Reader { data, head, ..Reader::default() };
    reader.read(kind, instruction);
    let Reader { fields, mut stop, .. } = reader;
    if length(bytes) != Some(bytes.len()) {
        let said = length(bytes).unwrap_or_default().saturating_sub(head);
        let (said, there) = (counted(said), counted(data.len()));
        let why = format!("the length says {said}; found: {there}");
        stop = Some(Stop { at: 2, why });
    }
    Message { line, side: side.or(usual), tag, name: name.to_owned(), fields, stop }
}

/// Reads the data of one APDU.
#[derive(Default)]
struct Reader<'a> {
    data: &'a [u8],
    /// How much of the APDU stands before its data.
    head: usize,
    fields: Vec<Field>,
    stop: Option<Stop>,
}

impl Reader<'_> {
    fn read(&mut self, data: Data, instruction: u8) {
        match data {
            Data::Fields => self.fields_from(0),
            Data::Unknown => self.behind(0),
            Data::Password => {
                let length = self.data.len().min(3);
                self.fields.extend((length > 0).then(|| {
                    Field::new("", "password", hidden(self.data.get(..length).unwrap_or_default()))
                }));
                self.fields_from(length);
            }
            Data::Registration => self.registration(),
            Data::Byte(name) => {
                self.byte(0, name, |_| String::new());
                self.fields_from(1);
            }
            Data::Reason => {
                self.byte(0, "reason", |reason| code::result(reason).to_owned());
                self.fields_from(1);
            }
            Data::Refusal => {
                let reason = format!("{instruction:02X} {}", code::result(instruction));
                self.fields.push(Field::new("", "reason", reason));
                if !self.data.is_empty() {
                    self.byte(0, "reason", |reason| code::result(reason).to_owned());
                    self.behind(1);
                }
            }
            Data::Intermediate => self.intermediate(),
            Data::Completion => self.completion(),
            Data::Line => self.line(),
        }
    }

    /// A byte at this place, and what it means.
    fn byte(&mut self, place: usize, name: &str, meaning: impl FnOnce(u8) -> String) {
        if let Some(byte) = self.data.get(place) {
            let value = format!("{byte:02X} {}", meaning(*byte));
            self.fields.push(Field::new("", name, value.trim_end().to_owned()));
        }
    }

    /// What stands from this place on is told by its length.
    fn behind(&mut self, place: usize) {
        let rest = self.data.get(place..).filter(|rest| !rest.is_empty());
        self.fields.extend(rest.map(|rest| Field::new("", "data", hidden(rest))));
    }

    fn registration(&mut self) {
        let password = self.data.get(..3.min(self.data.len())).unwrap_or_default();
        self.fields.push(Field::new("", "password", hidden(password)));
        self.byte(3, "configuration", |_| String::new());
        // The currency has no number before it.
        let currency = self.data.get(4..6).filter(|bytes| decimal(bytes).is_some());
        self.fields.extend(currency.map(|bytes| Field::new("", "currency", self::currency(bytes))));
        self.fields_from(if currency.is_some() { 6 } else { 4 });
    }

    fn intermediate(&mut self) {
        self.byte(0, "status", |status| code::intermediate(status).1.to_owned());
        let container =
            [1, 2].into_iter().find(|at| message::container_at(self.data, *at).is_some());
        if container != Some(1) && self.data.len() > 1 {
            self.byte(1, "minutes to go", |_| String::new());
        }
        self.fields_from(container.unwrap_or(2));
    }

    fn completion(&mut self) {
        let head = message::head(self.data);
        if !head.version.is_empty() {
            let version = mask::masked(&Charset::Cp437.text(head.version));
            self.fields.push(Field::new("", "software version", version));
        }
        if let Some(status) = head.status {
            let status = format!("{status:02X} {}", code::fares(status));
            self.fields.push(Field::new("", "terminal status", status));
        }
        self.fields_from(head.fields_at);
    }

    fn line(&mut self) {
        self.byte(0, "attribute", |_| String::new());
        let text = message::text_of_line(self.data);
        self.fields.push(line_field("", "line", text));
        self.fields_from(1 + text.len());
    }

    /// The fields from this place on.
    fn fields_from(&mut self, place: usize) {
        let Some(rest) = self.data.get(place..) else { return };
        for one in bitmap::fields(rest) {
            match one {
                Ok((number, data)) => self.fields.push(field(number, data)),
                Err(at) => {
                    let number = rest.get(at).copied().unwrap_or_default();
                    let left = counted(rest.len() - at);
                    let is_known = FIELDS.iter().any(|(known, ..)| *known == number);
                    let why = if is_known {
                        "its length does not fit"
                    } else {
                        "no field has this number"
                    };
                    let why = format!("{number:02X}: {why}; {left} from here");
                    self.stop = Some(Stop { at: self.head + place + at, why });
                }
            }
        }
    }
}

fn field(number: u8, data: &[u8]) -> Field {
    let tag = format!("{number:02X}");
    let (name, kind) = known(FIELDS, number);
    if number == number::CONTAINER {
        return Field { fields: tags(data, DEPTH), ..Field::new(&tag, name, String::new()) };
    }
    value_field(&tag, name, kind, data)
}

/// What a table says of a number.
fn known<N: PartialEq + Copy>(
    table: &[(N, &'static str, Kind)],
    number: N,
) -> (&'static str, Kind) {
    let found = table.iter().find(|(known, ..)| *known == number);
    found.map_or(("not in our table", Kind::Hidden), |(_, name, kind)| (*name, *kind))
}

/// The entries of a container. What cannot be read of it is one of them, and says so.
fn tags(container: &[u8], depth: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = container;
    while !rest.is_empty() {
        let Some(((number, value), after)) = tlv::next(rest) else {
            let at = container.len() - rest.len();
            let told =
                format!("not understood from byte {at} of the container on; {}", hidden(rest));
            fields.push(Field::new("", "rest", told));
            break;
        };
        rest = after;
        fields.push(tag_field(number, value, depth));
    }
    fields
}

fn tag_field(number: u32, value: &[u8], depth: usize) -> Field {
    let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let tag: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let (name, kind) = known(TAGS, number);
    let is_container = bytes.first().is_some_and(|first| first & 0x20 != 0);
    if is_container && depth > 0 {
        return Field { fields: tags(value, depth - 1), ..Field::new(&tag, name, String::new()) };
    }
    value_field(&tag, name, kind, value)
}

fn line_field(tag: &str, name: &str, text: &[u8]) -> Field {
    let text = Charset::Cp437.text(text);
    Field { is_line: true, ..Field::new(tag, name, text.to_string()) }
}

fn value_field(tag: &str, name: &str, kind: Kind, data: &[u8]) -> Field {
    let or_hex = |value: Option<String>| value.unwrap_or_else(|| hex(data));
    let value = match kind {
        Kind::Line => return line_field(tag, name, data),
        Kind::Hidden => hidden(data),
        Kind::Hex => hex(data),
        Kind::Text => mask::masked(Charset::Cp437.text(data).trim()),
        Kind::Card => masked_card_number(data),
        Kind::Digits => digits(data),
        Kind::Number => or_hex(decimal(data).map(|number| number.to_string())),
        Kind::Currency => currency(data),
        Kind::Result => match data {
            [result] => format!("{result:02X} {}", code::result(*result)),
            _ => hex(data),
        },
        Kind::Time => or_hex((data.len() == 3).then(|| pairs(data, ":"))),
        Kind::Date => or_hex(Some(pairs(data, "-"))),
        Kind::Holder => match data {
            [kind] if message::SIGNATURES.contains(kind) => format!("{kind:02X} has to sign"),
            _ => hex(data),
        },
        Kind::Entry => match data {
            [0x00] => "00 magstripe".to_owned(),
            [0x01] => "01 chip".to_owned(),
            [0x02] => "02 contactless".to_owned(),
            _ => hex(data),
        },
        Kind::Copy => match data {
            [0x01] => "01 merchant".to_owned(),
            [0x02] => "02 customer".to_owned(),
            [0x03] => "03 administration".to_owned(),
            _ => hex(data),
        },
    };
    Field::new(tag, name, value)
}

fn digits(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn pairs(data: &[u8], between: &str) -> String {
    let pairs: Vec<String> = data.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(between)
}

fn currency(data: &[u8]) -> String {
    let number = decimal(data).and_then(|number| u16::try_from(number).ok());
    let code = number.and_then(Currency::from_number).map_or("", |currency| currency.code);
    number.map_or_else(|| hex(data), |number| format!("{number:03} {code}").trim_end().to_owned())
}

#[cfg(test)]
mod tests;
