//! Recordings: what a device sent, when, and what it was asked; evidence and test at once.
//!
//! Contract: pure text in, steps out, and back. One step a line:
//!
//! ```text
//! # device: Example E-100         a header, "key: value"; notes are headers too
//! < 34 30 30 36 0D                bytes from the device, in hex
//! = 05 8C 09 02 A1 01 …           a HID device's report descriptor
//! < 02: 0D 5D 45 30 34 …          a HID input report: its number (00 for none), then its data
//! + 250ms                         the clock moves (us, ms, s)
//! ! trigger on                    a client asks: trigger|enable on|off, indicate VERDICT,
//!                                 show "TEXT", pass "CODE"
//! ! pay 1250                      a terminal is told: pay|refund|preauth AMOUNT, reverse RECEIPT,
//!                                 cancel RECEIPT, capture RECEIPT AMOUNT, close, totals, diagnose,
//!                                 repeat, abort, status, enquire AMOUNT, or authorize AMOUNT CODE (a payment
//!                                 with a code that the bank has given by telephone)
//! ~ bad 41                        a byte that came with a parity or framing error
//! ~ break                         the line was held low
//! ~ hang-up                       the line went away
//! ```
//!
//! After a step, ` # …` is a remark and is not kept.

pub mod message;
pub mod pasted;

use std::fmt;
use std::time::Duration;

use crate::event::terminal::{Instruction, Operation, Order, Question, Reply};
use crate::event::{Request, Verdict};
use crate::secret::Secret;

/// A recorded conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The comment lines, without their `#`; "key: value" by custom.
    pub header: Vec<String>,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The device sent bytes; never empty.
    Bytes(Vec<u8>),
    /// What a HID device says of its reports; never empty.
    Descriptor(Vec<u8>),
    /// A HID input report.
    Report {
        /// Its number; 0 where the device does not number its reports.
        id: u8,
        /// What follows the number.
        data: Vec<u8>,
    },
    /// Time went by.
    Wait(Duration),
    /// A client asked for something.
    Ask(Request),
    /// A terminal was told something.
    Instruct(Instruction),
    /// A byte came with a parity or framing error.
    BadByte(u8),
    /// The line was held low for longer than a byte.
    Break,
    /// The line went away.
    Close,
}

/// A line that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: found {found:?}; accepted is {accepted}")]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// What stood there, its first 40 characters.
    pub found: String,
    /// What may stand there.
    pub accepted: &'static str,
}

const STEPS: &str = "`<` bytes or a report, `=` a report descriptor, `+` a wait, `!` a request, `~` a \
                     line event or `#` a comment";
const BYTES: &str = "bytes as pairs of hex digits with spaces between them, for a HID report after \
                     its number and `:`";
const DESCRIPTOR: &str = "bytes as pairs of hex digits with spaces between them";
const WAIT: &str = "a whole number with its unit, us, ms or s, of at most a year";
const LINE_EVENT: &str = "`bad` and a byte in hex, `break` or `hang-up`";
const REQUEST: &str = "`trigger on|off`, `enable on|off`, `indicate good|bad|wait|attention` or \
                       `show` or `pass` and a text in double quotes, `\\u{HEX}` for a character; for \
                       a terminal `pay|refund|preauth|enquire AMOUNT`, `authorize AMOUNT CODE`, \
                       `reverse|cancel RECEIPT`, \
                       `capture RECEIPT AMOUNT`, `close`, `totals`, `diagnose`, `repeat`, `status` or `abort`";

/// No wait is longer: it keeps every sum of waits a point in time.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The requests that are two words, and these.
const REQUESTS: [(&str, Request); 8] = [
    ("trigger on", Request::Trigger(true)),
    ("trigger off", Request::Trigger(false)),
    ("enable on", Request::Enable(true)),
    ("enable off", Request::Enable(false)),
    ("indicate good", Request::Indicate(Verdict::Good)),
    ("indicate bad", Request::Indicate(Verdict::Bad)),
    ("indicate wait", Request::Indicate(Verdict::Wait)),
    ("indicate attention", Request::Indicate(Verdict::Attention)),
];

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// The first line that is no step, with what is accepted there.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut recording = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(comment) = line.strip_prefix('#') {
                recording.header.push(comment.trim().to_owned());
            } else if !line.is_empty() {
                let (text, _remark) = line.split_once(" #").unwrap_or((line, ""));
                recording.steps.push(step(text.trim()).map_err(|accepted| Error {
                    line: index + 1,
                    found: line.chars().take(40).collect(),
                    accepted,
                })?);
            }
        }
        Ok(recording)
    }

    /// The value of the first header with this key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.header.iter().find_map(|line| {
            line.split_once(':').filter(|(name, _)| *name == key).map(|(_, value)| value.trim())
        })
    }
}

fn step(line: &str) -> Result<Step, &'static str> {
    let mut characters = line.chars();
    let sign = characters.next();
    let rest = characters.as_str().trim();
    match sign {
        Some('<') => from_device(rest).ok_or(BYTES),
        Some('=') => {
            bytes(rest).filter(|bytes| !bytes.is_empty()).map(Step::Descriptor).ok_or(DESCRIPTOR)
        }
        Some('+') => wait(rest).ok_or(WAIT),
        Some('!') => instruction(rest).or_else(|| request(rest)).ok_or(REQUEST),
        Some('~') => line_event(rest).ok_or(LINE_EVENT),
        _ => Err(STEPS),
    }
}

fn from_device(text: &str) -> Option<Step> {
    match text.split_once(':') {
        Some((id, data)) => Some(Step::Report { id: byte(id.trim())?, data: bytes(data)? }),
        None => bytes(text).filter(|bytes| !bytes.is_empty()).map(Step::Bytes),
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.split_ascii_whitespace().map(byte).collect()
}

fn byte(pair: &str) -> Option<u8> {
    let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

fn wait(text: &str) -> Option<Step> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let micros = match unit.trim() {
        "us" => number,
        "ms" => number.checked_mul(1_000)?,
        "s" => number.checked_mul(1_000_000)?,
        _ => return None,
    };
    Some(Duration::from_micros(micros)).filter(|wait| *wait <= LONGEST_WAIT).map(Step::Wait)
}

/// What terminals are told, and how many numbers each has.
const OPERATIONS: [(&str, Operation); 10] = [
    ("pay", Operation::Payment),
    ("refund", Operation::Refund),
    ("reverse", Operation::Reversal),
    ("preauth", Operation::Preauth),
    ("capture", Operation::Capture),
    ("cancel", Operation::CancelPreauth),
    ("close", Operation::Close),
    ("totals", Operation::Totals),
    ("diagnose", Operation::Diagnosis),
    ("repeat", Operation::RepeatReceipt),
];

fn instruction(text: &str) -> Option<Step> {
    let mut words = text.split_ascii_whitespace();
    let verb = words.next()?;
    if verb == "authorize" {
        let amount = words.next()?.parse().ok()?;
        let Reply::Code(code) = Question::Authorization.read(words.next()?)? else { return None };
        let order = Order { authorization: Some(code), ..order(Operation::Payment, amount, None) };
        return words.next().is_none().then_some(Step::Instruct(Instruction::Begin(order)));
    }
    let numbers: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    if verb == "abort" && numbers.is_empty() {
        return Some(Step::Instruct(Instruction::Abort));
    }
    if verb == "status" && numbers.is_empty() {
        return Some(Step::Instruct(Instruction::Status(None)));
    }
    if let ("enquire", [amount]) = (verb, numbers.as_slice()) {
        let order = order(Operation::Payment, *amount, None);
        return Some(Step::Instruct(Instruction::Enquire(order)));
    }
    let (_, operation) = OPERATIONS.iter().find(|(word, _)| *word == verb)?;
    let receipt = |number: &u64| u32::try_from(*number).ok();
    let order = match (operation.needs_receipt(), operation.needs_amount(), numbers.as_slice()) {
        (false, true, [amount]) => order(*operation, *amount, None),
        (true, false, [number]) => order(*operation, 0, Some(receipt(number)?)),
        (true, true, [number, amount]) => order(*operation, *amount, Some(receipt(number)?)),
        (false, false, []) => order(*operation, 0, None),
        _ => return None,
    };
    Some(Step::Instruct(Instruction::Begin(order)))
}

/// An order as recordings have it.
fn order(operation: Operation, amount: u64, receipt: Option<u32>) -> Order {
    Order::new(1, operation, amount, receipt)
}

/// An instruction as recordings write it.
fn told(instruction: &Instruction) -> String {
    let order = match instruction {
        Instruction::Abort => return "abort".to_owned(),
        Instruction::Status(_) => return "status".to_owned(),
        Instruction::Enquire(order) => return format!("enquire {}", order.amount),
        Instruction::Begin(order) => order,
    };
    if let Some(code) = &order.authorization {
        return format!("authorize {} {code}", order.amount);
    }
    let word = OPERATIONS.iter().find(|(_, operation)| *operation == order.operation);
    let mut text = word.map_or("", |(word, _)| word).to_owned();
    if let Some(receipt) = order.receipt {
        text.push_str(&format!(" {receipt}"));
    }
    if order.operation.needs_amount() {
        text.push_str(&format!(" {}", order.amount));
    }
    text
}

fn request(text: &str) -> Option<Step> {
    if let Some(shown) = text.strip_prefix("show") {
        return unquoted(shown.trim_start()).map(Request::Show).map(Step::Ask);
    }
    if let Some(code) = text.strip_prefix("pass") {
        let code = unquoted(code.trim_start())?.into_bytes();
        return Some(Step::Ask(Request::Pass(Secret::new(code))));
    }
    let mut words = text.split_ascii_whitespace();
    let (verb, object) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let found = REQUESTS.iter().find(|(name, _)| name.split_once(' ') == Some((verb, object)));
    found.map(|(_, request)| Step::Ask(request.clone()))
}

/// A text in double quotes. What would end it, or begin a remark, is written as `\u{HEX}`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        if character.is_control() || "\"\\#".contains(character) {
            quoted.extend(character.escape_unicode());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('"');
    quoted
}

fn unquoted(quoted: &str) -> Option<String> {
    let quoted = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut parts = quoted.split("\\u{");
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}')?;
        text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        text.push_str(rest);
    }
    Some(text)
}

fn line_event(text: &str) -> Option<Step> {
    match text {
        "break" => Some(Step::Break),
        "hang-up" => Some(Step::Close),
        _ => byte(text.strip_prefix("bad ")?.trim()).map(Step::BadByte),
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.header {
            writeln!(formatter, "# {line}")?;
        }
        for step in &self.steps {
            writeln!(formatter, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => {
                formatter.write_str("<")?;
                hex(bytes, formatter)
            }
            Self::Descriptor(bytes) => {
                formatter.write_str("=")?;
                hex(bytes, formatter)
            }
            Self::Report { id, data } => {
                write!(formatter, "< {id:02X}:")?;
                hex(data, formatter)
            }
            Self::Wait(wait) => match wait.as_micros() {
                micros if micros % 1_000 != 0 => write!(formatter, "+ {micros}us"),
                micros if micros % 1_000_000 != 0 => write!(formatter, "+ {}ms", micros / 1_000),
                micros => write!(formatter, "+ {}s", micros / 1_000_000),
            },
            Self::Instruct(instruction) => write!(formatter, "! {}", told(instruction)),
            Self::Ask(Request::Show(text)) => write!(formatter, "! show {}", quoted(text)),
            // Recordings of this kind are evidence with test codes only, as all are.
            Self::Ask(Request::Pass(code)) => {
                write!(formatter, "! pass {}", quoted(&String::from_utf8_lossy(code.expose())))
            }
            Self::Ask(request) => {
                let known = REQUESTS.iter().find(|(_, other)| other == request);
                write!(formatter, "! {}", known.map_or("", |(words, _)| words))
            }
            Self::BadByte(byte) => write!(formatter, "~ bad {byte:02X}"),
            Self::Break => formatter.write_str("~ break"),
            Self::Close => formatter.write_str("~ hang-up"),
        }
    }
}

fn hex(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, " {byte:02X}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_STEPS: &str = "# device: Example E-100\n# source: synthetic\n= 05 8C\n< 34 0D\n\
        < 02: 5D 45\n< 00:\n+ 250ms\n+ 7us\n+ 20s\n! trigger on\n! enable off\n! indicate attention\n! show \"a \\u{23}1 \u{8336}\"\n! pass \"1350\\u{d}\"\n~ bad 41\n~ break\n~ hang-up\n";

    #[test]
    fn what_is_written_reads_back() {
        let recording = Recording::parse(ALL_STEPS).unwrap();
        assert_eq!(recording.to_string(), ALL_STEPS);
        assert_eq!(recording.value("source"), Some("synthetic"));
        assert_eq!(recording.steps.len(), 15);
    }

    #[test]
    fn every_request_has_its_words() {
        for (words, request) in REQUESTS {
            let recording = Recording { header: vec![], steps: vec![Step::Ask(request)] };
            assert_eq!(recording.to_string(), format!("! {words}\n"));
            assert_eq!(Recording::parse(&recording.to_string()), Ok(recording));
        }
    }

    #[test]
    fn remarks_and_blank_lines_are_no_steps() {
        let recording = Recording::parse("\n  < 0d 0A   # end of line\n\n").unwrap();
        assert_eq!(recording.steps, [Step::Bytes(vec![0x0D, 0x0A])]);
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_accepted() {
        for (text, line, accepted) in [
            ("< 34\n> 35", 2, STEPS),
            ("<", 1, BYTES),
            ("< 3", 1, BYTES),
            ("< +3", 1, BYTES),
            ("< 345", 1, BYTES),
            ("<:", 1, BYTES),
            ("< 123: 4", 1, BYTES),
            ("< 12: 4", 1, BYTES),
            ("=", 1, DESCRIPTOR),
            ("= 02: 4", 1, DESCRIPTOR),
            ("+ 5", 1, WAIT),
            ("+ ms", 1, WAIT),
            ("+ 99999999999999999999s", 1, WAIT),
            ("+ 40000000s", 1, WAIT),
            ("! jump", 1, REQUEST),
            ("! trigger on twice", 1, REQUEST),
            ("! show x", 1, REQUEST),
            ("! show \"\\u{}\"", 1, REQUEST),
            ("~ bad", 1, LINE_EVENT),
            ("~ bad 4", 1, LINE_EVENT),
        ] {
            let error = Recording::parse(text).unwrap_err();
            assert_eq!((error.line, error.accepted), (line, accepted), "{text}");
        }
    }
}
