//! What a terminal says: from APDUs to our words. Card numbers are masked and tracks dropped here.

use zeroize::Zeroizing;

use super::apdu::{Apdu, Control};
use super::bitmap::{decimal, fields, masked_card_number, number};
use super::charset::Charset;
use super::extras::Extras;
use super::{code, tlv};
use crate::event::terminal::{Answer, Clock, Copy, Currency, Progress};
use crate::event::{Fault, Value};
use crate::normalize::mask;
use crate::secret::Secret;

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
/// The instruction of a refusal whose reason stands in its data.
const REASON_FOLLOWS: u8 = 0x1E;

/// Tags in containers.
mod tag {
    /// Texts for a display.
    pub(super) const DISPLAY: u32 = 0x24;
    /// Texts for a printer.
    pub(super) const PRINT: u32 = 0x25;
    /// A line of text.
    pub(super) const LINE: u32 = 0x07;
    /// Whose receipt.
    pub(super) const RECEIPT_TYPE: u32 = 0x1F07;
    /// How the card was read, and who its holder was taken to be.
    pub(super) const CARD: u32 = 0x2F;
    pub(super) const ENTRY: u32 = 0x1F12;
    pub(super) const HOLDER: u32 = 0x1F10;
    /// An application of the card: its identifier and its name.
    pub(super) const APPLICATION: u32 = 0x60;
    pub(super) const IDENTIFIER: u32 = 0x43;
    pub(super) const NAME: u32 = 0x44;
    pub(super) const LONG_NAME: u32 = 0x42;
    /// The trace number, in four bytes.
    pub(super) const LONG_TRACE: u32 = 0x1F2B;
    /// A code and a text that go further than the result code.
    pub(super) const ERROR_TEXT: u32 = 0x1F17;
    /// The terminal's clock, and its date and time.
    pub(super) const CLOCK: u32 = 0x34;
    pub(super) const DATE: u32 = 0x1F0E;
    pub(super) const TIME: u32 = 0x1F0F;
    /// The terminal's number.
    pub(super) const TERMINAL: u32 = 0x1F44;
}

/// The customer has to sign (tag 1F10): alone, or beside a PIN.
pub(super) const SIGNATURES: [u8; 4] = [0x01, 0x05, 0x06, 0x07];

/// What an APDU of the terminal's says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The command is taken.
    Accepted,
    /// It is refused, for this reason.
    Refused(u8),
    /// How it went, and what is told beside. The fault is what could not be read in it; the result is there if it stood before.
    Status(Option<Box<Answer>>, Extras, Option<Fault>),
    /// How far it has come, and the code that says so.
    Intermediate(u8, Progress),
    /// The dialogue is over.
    Completion(Completion),
    /// The terminal has stopped it, for this reason, with its own words for that where it has any.
    Abort(u8, Option<String>),
    /// Lines for a printer, and whose. They are not masked yet: a number may run on into the next.
    Print(Vec<(Copy, Secret<String>)>),
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
    /// A result code, where there has been no status information to tell it.
    pub(super) result: Option<u8>,
    /// The currency it works in.
    pub(super) currency: Option<u16>,
    /// Its clock.
    pub(super) clock: Clock,
}

/// Reads an APDU, its texts in these characters.
#[must_use]
pub(super) fn decode(apdu: &Apdu, charset: Charset) -> Message {
    let data = apdu.data.as_slice();
    match (apdu.control, data) {
        (ACCEPTED, _) => Message::Accepted,
        // 84 00 is another way to say that it is taken.
        ((REFUSED, code::SUCCESS), _) => Message::Accepted,
        ((REFUSED, REASON_FOLLOWS), [reason]) if *reason != code::SUCCESS => {
            Message::Refused(*reason)
        }
        ((REFUSED, reason), _) => Message::Refused(reason),
        (STATUS, _) => status(data, charset),
        (INTERMEDIATE, _) => intermediate(data, charset),
        (COMPLETION, _) => Message::Completion(completion(data)),
        (ABORT, _) => abort(data, charset),
        (PRINT_LINE, _) => Message::Print(print_line(data, charset)),
        (PRINT_BLOCK, _) => Message::Print(print_block(data, charset)),
        _ => Message::Other,
    }
}

fn status(data: &[u8], charset: Charset) -> Message {
    let mut answer = Answer::default();
    let mut extras = Extras::default();
    let mut container: &[u8] = &[];
    let mut result = None;
    let mut fault = None;
    for field in fields(data) {
        match field {
            Ok((number::RESULT, [code])) => result = Some(*code),
            Ok((field, data)) => {
                if field == number::CONTAINER {
                    extras = Extras::read(data);
                    container = data;
                }
                note(&mut answer, field, data, charset);
            }
            Err(at) => fault = Some(Fault::Malformed { at: at + 3 }),
        }
    }
    let answer = result.map(|result| {
        answer.approved = result == code::SUCCESS;
        answer.code = format!("{result:02X}");
        let code = || code::result(result).to_owned();
        // Its own words for it, then what its display shows, then ours.
        let error = tlv::find(container, tag::ERROR_TEXT).map(|text| masked(text, charset));
        let shown = display(container, charset);
        let texts = [std::mem::take(&mut answer.text), error.unwrap_or_default(), shown];
        answer.text = texts.into_iter().find(|text| !text.is_empty()).unwrap_or_else(code);
        Box::new(answer)
    });
    Message::Status(answer, extras, fault)
}

/// Takes a field over. Tracks (23, 24, 2D), check value (3A), expiry (0E) and the numbers of the chip are
/// left where they are.
fn note(answer: &mut Answer, field: u8, data: &[u8], charset: Charset) {
    let detail = |name, value: u64| (name, Value::Count(value));
    match field {
        number::AMOUNT => answer.amount = decimal(data),
        // Terminals that number otherwise send zeros: those are no numbers, and equal nothing.
        number::TRACE => answer.trace = numbered(data).or(answer.trace),
        number::ORIGINAL_TRACE => answer.original_trace = numbered(data),
        number::RECEIPT => answer.receipt = numbered(data),
        number::TIME => answer.clock.time = time(data),
        number::DATE => answer.clock.date = date(data),
        number::LONG_DATE => answer.clock.date = data.get(1..).and_then(date),
        number::CARD_NUMBER => {
            answer.pan_masked = Some(masked_card_number(data)).filter(|number| !number.is_empty());
        }
        number::TERMINAL => answer.terminal = digits(data),
        number::CONTRACT => {
            let text = charset.text(data).trim().to_owned();
            answer.details.push(("contract", Value::from(text)));
        }
        number::AUTHORIZATION => {
            let text = charset.text(data).trim().to_owned();
            answer.authorization_code = Some(text).filter(|text| !text.is_empty());
        }
        number::TEXT => answer.text = masked(data, charset),
        number::CURRENCY => {
            let number = decimal(data).filter(|number| *number != 0);
            answer.currency = number.map(Currency::of);
        }
        number::TURNOVER => answer.details.extend(decimal(data).map(|n| detail("turnover", n))),
        number::CARD_TYPE => {
            answer.details.extend(data.first().map(|kind| detail("card-type", (*kind).into())));
        }
        number::CARD_NAME => {
            answer.brand = Some(masked(data, charset)).filter(|name| !name.is_empty());
        }
        number::RESULT_AS => {
            answer.details.extend(data.first().map(|code| detail("host-result", (*code).into())));
        }
        number::TOTALS => answer.details.extend(totals(data).map(|totals| ("totals", totals))),
        number::CONTAINER => note_container(answer, data, charset),
        _ => {}
    }
}

fn note_container(answer: &mut Answer, container: &[u8], charset: Charset) {
    let application = |identifier: &[u8]| ("application", Value::from(hex(identifier)));
    for (tag, value) in tlv::entries(container) {
        match tag {
            tag::CARD => note_container(answer, value, charset),
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
            tag::LONG_TRACE => answer.trace = answer.trace.or_else(|| numbered(value)),
            tag::APPLICATION => {
                answer.details.extend(tlv::find(value, tag::IDENTIFIER).map(application));
                let name =
                    [tag::NAME, tag::LONG_NAME].into_iter().find_map(|tag| tlv::find(value, tag));
                if let Some(name) = name {
                    answer.details.push(("application-name", Value::from(masked(name, charset))));
                }
            }
            // There are terminals that tell it without the container around it.
            tag::IDENTIFIER => answer.details.push(application(value)),
            tag::ERROR_TEXT => {
                answer.details.push(("error-text", Value::from(masked(value, charset))));
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

fn intermediate(data: &[u8], charset: Charset) -> Message {
    let status = data.first().copied().unwrap_or(0xFF);
    let (awaiting, text) = code::intermediate(status);
    // A timeout of one byte may stand between the status and the container, and be 06 itself.
    let container = [1, 2].into_iter().find_map(|place| container_at(data, place));
    let shown = container.map(|container| display(container, charset));
    let text = match shown.filter(|shown| !shown.is_empty()) {
        Some(shown) => shown.into(),
        None => text.into(),
    };
    Message::Intermediate(status, Progress { awaiting, text })
}

/// What stands on the terminal's display, masked.
fn display(container: &[u8], charset: Charset) -> String {
    let texts = tlv::find(container, tag::DISPLAY).unwrap_or_default();
    let lines = tlv::entries(texts).filter(|(found, _)| *found == tag::LINE);
    let lines: Vec<_> = lines.map(|(_, line)| charset.text(line)).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    // A number may go over two lines.
    mask::masked(Zeroizing::new(lines.join(" ")).trim())
}

fn abort(data: &[u8], charset: Charset) -> Message {
    let Some((reason, rest)) = data.split_first() else {
        return Message::Abort(code::ABORTED, None);
    };
    let texts = fields(rest).flatten().filter_map(|(field, data)| match field {
        number::TEXT => Some(masked(data, charset)),
        number::CONTAINER => tlv::find(data, tag::ERROR_TEXT).map(|text| masked(text, charset)),
        _ => None,
    });
    Message::Abort(*reason, texts.filter(|text| !text.is_empty()).last())
}

/// What stands before the fields of a completion.
pub(super) struct Head<'a> {
    /// The software's version, where it is told.
    pub(super) version: &'a [u8],
    /// The terminal's status code, where it is told.
    pub(super) status: Option<u8>,
    /// Where the fields begin.
    pub(super) fields_at: usize,
}

/// The head of a completion. After a status enquiry (PA00P015, 2.55) it is the software version with its length in
/// three digits, then the status code, both without a bitmap. There are terminals that leave the version out.
pub(super) fn head(data: &[u8]) -> Head<'_> {
    match data {
        [0xF0, tens, ones, rest @ ..] if tens & ones & 0xF0 == 0xF0 => {
            let length = usize::from(tens & 0x0F) * 10 + usize::from(ones & 0x0F);
            let version = rest.get(..length).unwrap_or(rest);
            Head { version, status: rest.get(length).copied(), fields_at: 4 + length }
        }
        [status] => Head { version: &[], status: Some(*status), fields_at: 1 },
        [status, ..]
            if container_at(data, 1).is_some() && fields(data).any(|field| field.is_err()) =>
        {
            Head { version: &[], status: Some(*status), fields_at: 1 }
        }
        _ => Head { version: &[], status: None, fields_at: 0 },
    }
}

fn completion(data: &[u8]) -> Completion {
    let Head { status, fields_at, .. } = head(data);
    let mut completion = Completion { status, ..Completion::default() };
    for (field, data) in fields(data.get(fields_at..).unwrap_or_default()).flatten() {
        match field {
            number::STATUS => completion.registered = data.first().copied(),
            number::RESULT => completion.result = data.first().copied(),
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

/// The container that begins at this place and goes to the end.
pub(super) fn container_at(data: &[u8], place: usize) -> Option<&[u8]> {
    let (number, rest) = data.get(place..)?.split_first()?;
    let (length, rest) = tlv::length(rest)?;
    (*number == number::CONTAINER && rest.len() == length).then_some(rest)
}

/// The text of a line: behind its attribute, up to the container where there is one.
pub(super) fn text_of_line(data: &[u8]) -> &[u8] {
    let text = data.get(1..).unwrap_or_default();
    // No text has a control character, so the first that is a container is one.
    let end = (0..text.len()).find(|place| container_at(text, *place).is_some());
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The attribute's top bits 10 mark what is no text: the end of a receipt, a cut.
fn print_line(data: &[u8], charset: Charset) -> Vec<(Copy, Secret<String>)> {
    let Some(attribute) = data.first() else { return Vec::new() };
    let text = text_of_line(data);
    if attribute & 0xC0 == 0x80 && text.is_empty() {
        return Vec::new();
    }
    let copy = container_at(data, 1 + text.len()).map_or(Copy::Unnamed, copy_of);
    vec![(copy, Secret::copy_of(charset.text(text).as_str()))]
}

fn print_block(data: &[u8], charset: Charset) -> Vec<(Copy, Secret<String>)> {
    let container = fields(data).flatten().find(|(field, _)| *field == number::CONTAINER);
    let Some((_, container)) = container else { return Vec::new() };
    let copy = copy_of(container);
    let blocks = tlv::entries(container).filter(|(found, _)| *found == tag::PRINT);
    let lines = blocks.flat_map(|(_, block)| tlv::entries(block));
    let lines = lines.filter(|(found, _)| *found == tag::LINE);
    lines.map(|(_, text)| (copy, Secret::copy_of(charset.text(text).as_str()))).collect()
}

/// Whose receipt it is.
fn copy_of(container: &[u8]) -> Copy {
    match tlv::find(container, tag::RECEIPT_TYPE) {
        Some([0x01]) => Copy::Merchant,
        Some([0x02]) => Copy::Customer,
        Some([0x03]) => Copy::Administration,
        _ => Copy::Unnamed,
    }
}

/// A text of the terminal's, with card and account numbers masked.
fn masked(data: &[u8], charset: Charset) -> String {
    mask::masked(charset.text(data).trim())
}

/// A number that is not zero.
fn numbered(data: &[u8]) -> Option<u32> {
    small(data).filter(|number| *number != 0)
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
mod tests;
