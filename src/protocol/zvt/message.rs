//! What a terminal says: from APDUs to our words. Card numbers are masked and tracks dropped here.

use super::apdu::{Apdu, Control};
use super::bitmap::{decimal, fields, masked_card_number, number};
use super::{charset, code, tlv};
use crate::event::terminal::{Answer, Clock, Copy, Currency, Line, Progress};
use crate::event::{Fault, Value};
use crate::normalize::mask;

/// Status information.
pub(super) const STATUS: Control = (0x04, 0x0F);
/// Intermediate status.
pub(super) const INTERMEDIATE: Control = (0x04, 0xFF);
/// Completion.
pub(super) const COMPLETION: Control = (0x06, 0x0F);
/// Abort by the terminal.
pub(super) const ABORT: Control = (0x06, 0x1E);
/// A line to print.
pub(super) const PRINT_LINE: Control = (0x06, 0xD1);
/// A block of text to print.
pub(super) const PRINT_BLOCK: Control = (0x06, 0xD3);
/// The command is taken.
pub(super) const ACCEPTED: Control = (0x80, 0x00);
/// The class of refusals; the instruction is the reason.
pub(super) const REFUSED: u8 = 0x84;

/// Tags in containers.
mod tag {
    /// Texts for a display.
    pub(super) const DISPLAY: u16 = 0x24;
    /// Texts for a printer.
    pub(super) const PRINT: u16 = 0x25;
    /// A line of text.
    pub(super) const LINE: u16 = 0x07;
    /// Whose receipt.
    pub(super) const RECEIPT_TYPE: u16 = 0x1F07;
    /// How the card was read, and who its holder was taken to be.
    pub(super) const CARD: u16 = 0x2F;
    pub(super) const ENTRY: u16 = 0x1F12;
    pub(super) const HOLDER: u16 = 0x1F10;
    /// An application of the card: its identifier and its name.
    pub(super) const APPLICATION: u16 = 0x60;
    pub(super) const IDENTIFIER: u16 = 0x43;
    pub(super) const NAME: u16 = 0x44;
    /// A code and a text that go further than the result code.
    pub(super) const ERROR_TEXT: u16 = 0x1F17;
    /// The terminal's clock, and its date and time.
    pub(super) const CLOCK: u16 = 0x34;
    pub(super) const DATE: u16 = 0x1F0E;
    pub(super) const TIME: u16 = 0x1F0F;
    /// The terminal's number.
    pub(super) const TERMINAL: u16 = 0x1F44;
}

/// The customer has to sign (tag 1F10): alone, or beside a PIN.
const SIGNATURES: [u8; 4] = [0x01, 0x05, 0x06, 0x07];

/// What an APDU of the terminal's says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The command is taken.
    Accepted,
    /// It is refused, for this reason.
    Refused(u8),
    /// How it went. The fault is what could not be read in it; the result is there if it stood before.
    Status(Option<Box<Answer>>, Option<Fault>),
    /// How far it has come.
    Intermediate(Progress),
    /// The dialogue is over.
    Completion(Completion),
    /// The terminal has stopped it, for this reason.
    Abort(u8),
    /// Lines for a printer.
    Print(Vec<Line>),
    /// Something this project does not do.
    Other,
}

/// What a completion tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Completion {
    /// The terminal's number.
    pub(super) terminal: Option<String>,
    /// The status byte of a registration.
    pub(super) registered: Option<u8>,
    /// The status code of a status enquiry.
    pub(super) status: Option<u8>,
    /// The currency it works in.
    pub(super) currency: Option<u16>,
    /// Its clock.
    pub(super) clock: Clock,
}

/// Reads an APDU.
#[must_use]
pub(super) fn decode(apdu: &Apdu) -> Message {
    let data = apdu.data.as_slice();
    match apdu.control {
        ACCEPTED => Message::Accepted,
        (REFUSED, reason) => Message::Refused(reason),
        STATUS => status(data),
        INTERMEDIATE => Message::Intermediate(intermediate(data)),
        COMPLETION => Message::Completion(completion(data)),
        ABORT => Message::Abort(data.first().copied().unwrap_or(code::ABORTED)),
        PRINT_LINE => Message::Print(print_line(data)),
        PRINT_BLOCK => Message::Print(print_block(data)),
        _ => Message::Other,
    }
}

fn status(data: &[u8]) -> Message {
    let mut answer = Answer::default();
    let mut result = None;
    let mut fault = None;
    for field in fields(data) {
        match field {
            Ok((number::RESULT, [code])) => result = Some(*code),
            Ok((number, data)) => note(&mut answer, number, data),
            Err(at) => fault = Some(Fault::Malformed { at: at + 3 }),
        }
    }
    let answer = result.map(|result| {
        answer.approved = result == code::SUCCESS;
        answer.code = format!("{result:02X}");
        if answer.text.is_empty() {
            code::result(result).clone_into(&mut answer.text);
        }
        Box::new(answer)
    });
    Message::Status(answer, fault)
}

/// Takes a field over. Tracks (23, 24, 2D), check value (3A), expiry (0E) and the numbers of the chip are
/// left where they are.
fn note(answer: &mut Answer, field: u8, data: &[u8]) {
    let detail = |name, value: u64| (name, Value::Count(value));
    match field {
        number::AMOUNT => answer.amount = decimal(data),
        number::TRACE => answer.trace = small(data),
        number::ORIGINAL_TRACE => answer.original_trace = small(data),
        number::RECEIPT => answer.receipt = small(data),
        number::TIME => answer.clock.time = time(data),
        number::DATE => answer.clock.date = date(data),
        number::LONG_DATE => answer.clock.date = data.get(1..).and_then(date),
        number::CARD_NUMBER => answer.pan_masked = Some(masked_card_number(data)),
        number::TERMINAL => answer.terminal = digits(data),
        number::CONTRACT => {
            answer.details.push(("contract", Value::from(charset::text(data).trim().to_owned())));
        }
        number::AUTHORIZATION => {
            let text = charset::text(data).trim().to_owned();
            answer.authorization_code = Some(text).filter(|text| !text.is_empty());
        }
        number::TEXT => answer.text = mask::masked(charset::text(data).trim()),
        number::CURRENCY => {
            let number = decimal(data).and_then(|number| u16::try_from(number).ok());
            answer.currency = number.and_then(Currency::from_number);
        }
        number::TURNOVER => answer.details.extend(decimal(data).map(|n| detail("turnover", n))),
        number::CARD_TYPE => {
            answer.details.extend(data.first().map(|kind| detail("card-type", (*kind).into())));
        }
        number::CARD_NAME => answer.brand = Some(charset::text(data).trim().to_owned()),
        number::RESULT_AS => {
            answer.details.extend(data.first().map(|code| detail("host-result", (*code).into())));
        }
        number::TOTALS => answer.details.extend(totals(data).map(|totals| ("totals", totals))),
        number::CONTAINER => note_container(answer, data),
        _ => {}
    }
}

fn note_container(answer: &mut Answer, container: &[u8]) {
    for (tag, value) in tlv::entries(container) {
        match tag {
            tag::CARD => note_container(answer, value),
            tag::ENTRY => {
                answer.entry_mode = match value {
                    [0x00] => Some("magstripe"),
                    [0x01] => Some("chip"),
                    [0x02] => Some("contactless"),
                    _ => None,
                };
            }
            tag::HOLDER => {
                answer.signature = value.first().is_some_and(|kind| SIGNATURES.contains(kind));
            }
            tag::APPLICATION => {
                if let Some(identifier) = tlv::find(value, tag::IDENTIFIER) {
                    answer.details.push(("application", Value::from(hex(identifier))));
                }
                if let Some(name) = tlv::find(value, tag::NAME) {
                    let name = charset::text(name);
                    answer.details.push(("application-name", Value::from(name)));
                }
            }
            tag::ERROR_TEXT => {
                let text = mask::masked(charset::text(value).trim());
                answer.details.push(("error-text", Value::from(text)));
            }
            _ => {}
        }
    }
}

/// The totals of a close (PA00P015, status information after end of day): the first and the last
/// receipt, then a count and a sum for each kind of card.
fn totals(data: &[u8]) -> Option<Value> {
    const KINDS: [&str; 7] = ["girocard", "jcb", "mastercard", "amex", "visa", "diners", "others"];
    let (receipts, mut rest) = data.split_at_checked(4)?;
    let (first, last) = receipts.split_at_checked(2)?;
    let mut entries = vec![
        ("first-receipt".into(), Value::Count(decimal(first)?)),
        ("last-receipt".into(), Value::Count(decimal(last)?)),
    ];
    for kind in KINDS {
        let Some((entry, after)) = rest.split_at_checked(7) else { break };
        let (count, sum) = entry.split_first()?;
        let count = decimal(&[*count]).unwrap_or_else(|| u64::from(*count));
        let value = vec![
            ("count".into(), Value::Count(count)),
            ("amount".into(), Value::Count(decimal(sum)?)),
        ];
        entries.push((kind.into(), Value::Map(value)));
        rest = after;
    }
    Some(Value::Map(entries))
}

fn intermediate(data: &[u8]) -> Progress {
    let status = data.first().copied().unwrap_or(0xFF);
    let (awaiting, text) = code::intermediate(status);
    // A timeout of one byte may stand between the status and the container.
    let container = data.iter().skip(1).take(2).position(|byte| *byte == number::CONTAINER);
    let container = container.and_then(|place| data.get(place + 2..));
    let shown = container.and_then(tlv::length).map(|(_, container)| display(container));
    match shown.filter(|shown| !shown.is_empty()) {
        Some(shown) => Progress { awaiting, text: mask::masked(&shown).into() },
        None => Progress { awaiting, text: text.into() },
    }
}

/// What stands on the terminal's display.
fn display(container: &[u8]) -> String {
    let texts = tlv::find(container, tag::DISPLAY).unwrap_or_default();
    let lines = tlv::entries(texts).filter(|(found, _)| *found == tag::LINE);
    let lines: Vec<_> = lines.map(|(_, line)| charset::text(line).trim().to_owned()).collect();
    lines.join(" ").trim().to_owned()
}

fn completion(data: &[u8]) -> Completion {
    let mut completion = Completion::default();
    // After a status enquiry (PA00P015, 2.55): the software version with its length in three digits, then
    // the status code, both without a bitmap.
    let fields_at = match data {
        [0xF0, tens, ones, ..] if tens & ones & 0xF0 == 0xF0 => {
            let length = usize::from(tens & 0x0F) * 10 + usize::from(ones & 0x0F);
            completion.status = data.get(3 + length).copied();
            4 + length
        }
        [status] => {
            completion.status = Some(*status);
            1
        }
        _ => 0,
    };
    for (field, data) in fields(data.get(fields_at..).unwrap_or_default()).flatten() {
        match field {
            number::STATUS => completion.registered = data.first().copied(),
            number::TERMINAL => completion.terminal = digits(data),
            number::CURRENCY => {
                completion.currency = decimal(data).and_then(|number| u16::try_from(number).ok());
            }
            number::CONTAINER => {
                if let Some(clock) = tlv::find(data, tag::CLOCK) {
                    let day = tlv::find(clock, tag::DATE);
                    completion.clock.date =
                        day.and_then(|day| day.last_chunk::<2>()).and_then(|d| date(d));
                    completion.clock.time = tlv::find(clock, tag::TIME).and_then(time);
                }
                let terminal = tlv::find(data, tag::TERMINAL).and_then(digits);
                completion.terminal = terminal.or(completion.terminal.take());
            }
            _ => {}
        }
    }
    completion
}

/// Attribute, then text. The attribute's top bits 10 mark what is no text: the end of a receipt, a cut.
fn print_line(data: &[u8]) -> Vec<Line> {
    match data.split_first() {
        Some((attribute, text)) if attribute & 0xC0 != 0x80 || !text.is_empty() => {
            vec![Line { copy: Copy::Unnamed, text: mask::masked(&charset::text(text)) }]
        }
        _ => Vec::new(),
    }
}

fn print_block(data: &[u8]) -> Vec<Line> {
    let container = fields(data).flatten().find(|(field, _)| *field == number::CONTAINER);
    let Some((_, container)) = container else { return Vec::new() };
    let copy = match tlv::find(container, tag::RECEIPT_TYPE) {
        Some([0x01]) => Copy::Merchant,
        Some([0x02]) => Copy::Customer,
        Some([0x03]) => Copy::Administration,
        _ => Copy::Unnamed,
    };
    let blocks = tlv::entries(container).filter(|(found, _)| *found == tag::PRINT);
    let lines = blocks.flat_map(|(_, block)| tlv::entries(block));
    let lines = lines.filter(|(found, _)| *found == tag::LINE);
    lines.map(|(_, text)| Line { copy, text: mask::masked(&charset::text(text)) }).collect()
}

fn small(data: &[u8]) -> Option<u32> {
    decimal(data).and_then(|number| u32::try_from(number).ok())
}

fn digits(data: &[u8]) -> Option<String> {
    decimal(data).map(|number| format!("{number:0width$}", width = data.len() * 2))
}

fn time(data: &[u8]) -> Option<(u8, u8, u8)> {
    let &[hour, minute, second] = data else { return None };
    let part = |byte: u8, below: u64| decimal(&[byte]).filter(|part| *part < below);
    let parts = (part(hour, 24)?, part(minute, 60)?, part(second, 60)?);
    let byte = |part: u64| u8::try_from(part).ok();
    Some((byte(parts.0)?, byte(parts.1)?, byte(parts.2)?))
}

fn date(data: &[u8]) -> Option<(u8, u8)> {
    let &[month, day] = data else { return None };
    let month = decimal(&[month]).filter(|month| (1..=12).contains(month))?;
    let day = decimal(&[day]).filter(|day| (1..=31).contains(day))?;
    Some((u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hex: &str) -> Message {
        let bytes: Vec<u8> = hex
            .split_ascii_whitespace()
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect();
        decode(&Apdu::decode(&bytes).unwrap())
    }

    #[test]
    fn portalum_zvt_status_of_a_payment_stopped_by_the_customer() {
        let Message::Status(Some(answer), fault) = read(
            "04 0F 1E 27 6C 29 28 00 48 69 3C F0 F1 F9 41 62 62 72 75 63 68 20 64 75 72 63 68 20 4B 75 \
             6E 64 65",
        ) else {
            panic!("no status");
        };
        assert_eq!((answer.approved, answer.code.as_str(), fault), (false, "6C", None));
        assert_eq!(answer.text, "Abbruch durch Kunde");
        assert_eq!(answer.terminal.as_deref(), Some("28004869"));
    }

    #[test]
    fn portalum_zvt_status_of_a_contactless_payment() {
        let Message::Status(Some(answer), None) = read(
            "04 0F 65 27 00 0C 23 13 55 0D 10 29 0E 99 99 22 F0 F8 EE EE EE EE EE EE 47 71 A0 01 29 00 \
             00 00 06 87 00 08 0B 00 00 00 8A 06 8B F1 F1 4D 41 53 54 45 52 43 41 52 44 00 06 2E 2F 08 1F \
             12 01 02 1F 10 01 00 60 1B 43 07 A0 00 00 00 04 10 10 44 10 44 65 62 69 74 20 4D 61 73 74 65 \
             72 63 61 72 64 1F 2B 04 10 01 50 08",
        ) else {
            panic!("no status");
        };
        assert!(answer.approved && !answer.signature);
        assert_eq!(answer.pan_masked.as_deref(), Some("************4771"));
        assert_eq!((answer.terminal.as_deref(), answer.receipt), (Some("00000006"), Some(8)));
        assert_eq!(
            (answer.brand.as_deref(), answer.entry_mode),
            (Some("MASTERCARD"), Some("contactless"))
        );
        assert_eq!(answer.clock.to_string(), "10-29 23:13:55");
        assert!(
            answer.details.contains(&("application", Value::from("A0000000041010".to_owned())))
        );
        assert!(
            answer
                .details
                .contains(&("application-name", Value::from("Debit Mastercard".to_owned())))
        );
    }

    #[test]
    fn everest_abort_of_a_partial_reversal() {
        assert_eq!(read("06 1E 04 B8 87 FF FF"), Message::Abort(0xB8));
    }

    #[test]
    fn everest_completion_of_a_registration() {
        let Message::Completion(completion) = read("06 0F 0A 19 10 29 52 52 35 35 49 09 78") else {
            panic!("no completion");
        };
        assert_eq!((completion.registered, completion.currency), (Some(0x10), Some(978)));
        assert_eq!(completion.terminal.as_deref(), Some("52523535"));
    }

    #[test]
    fn ecrterm_completion_with_the_software_version() {
        let Message::Completion(completion) = read("06 0F 0B F0 F0 F7 32 2E 31 34 2E 31 35 00")
        else {
            panic!("no completion");
        };
        assert_eq!(completion.status, Some(0));
    }

    #[test]
    fn portalum_zvt_lines_to_print() {
        let line = |text: &str| Line { copy: Copy::Unnamed, text: text.to_owned() };
        let test = read("06 D1 0E 40 54 45 53 54 20 50 6F 72 74 61 6C 75 6D");
        assert_eq!(test, Message::Print(vec![line("TEST Portalum")]));
        assert_eq!(read("06 D1 01 81"), Message::Print(Vec::new()), "the end of a receipt");
        assert_eq!(read("06 D1 01 00"), Message::Print(vec![line("")]), "an empty line");
        let Message::Completion(completion) = read("06 0F 02 27 E0") else {
            panic!("no completion")
        };
        assert_eq!(completion.status, None);
    }

    #[test]
    fn a_block_of_text_is_lines_of_one_receipt() {
        let Message::Print(lines) =
            read("06 D3 14 06 12 1F 07 01 02 25 0C 07 04 41 42 43 44 07 01 45 07 00 09")
        else {
            panic!("no print");
        };
        assert_eq!(
            lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["ABCD", "E", ""]
        );
        assert!(lines.iter().all(|line| line.copy == Copy::Customer));
    }

    #[test]
    fn a_status_names_no_card() {
        let card = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
        let data = [
            &[0x27, 0x00, 0x22, 0xF0, 0xF8][..],
            &card,
            &[0x23, 0xF1, 0xF2],
            &card,
            &[0xD2, 0x51, 0x21, 0x01],
            b"\x2D\xF2\xF2B4111111111111111^TEST\x3A\x12\x3F\x0E\x25\x12\x3C\xF0\xF1\xF6"
                .as_slice(),
            b"4111111111111111",
        ]
        .concat();
        let Message::Status(Some(answer), None) = decode(&Apdu::new(STATUS, data)) else {
            panic!("no status");
        };
        let message = *answer;
        assert_eq!(message.pan_masked.as_deref(), Some("************1111"));
        let shown = format!("{message:?}");
        assert!(!shown.contains("41111111") && !shown.contains("2512"), "{shown}");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_what_stood_before_it_counts() {
        let Message::Status(Some(answer), Some(fault)) = read("04 0F 05 27 00 FF 01 02") else {
            panic!("no status with a fault");
        };
        assert!(answer.approved);
        assert_eq!(fault, Fault::Malformed { at: 5 });
        assert!(matches!(read("04 0F 03 FF 27 00"), Message::Status(None, Some(_))));
    }
}
