//! The table of fields: what the profile says that messages are made of.
//!
//! Contract: pure. A value that its field has no room for is refused before anything is sent; an answer that
//! is too short, or has no number where the table has one, is no answer.

use std::borrow::Cow;
use std::time::Duration;

use encoding_rs::Encoding;
use zeroize::Zeroizing;

use crate::event::terminal::{Answer, Clock, Currency, Operation, Order};
use crate::event::{Refusal, Value};
use crate::frame::control::{Shape, Start};
use crate::normalize::mask;
use crate::protocol::concert::last_four;
use crate::settings::{Error, Section};

/// The tables of requests, by their key.
const REQUESTS: [(&str, Operation); 3] = [
    ("payment", Operation::Payment),
    ("refund", Operation::Refund),
    ("reversal", Operation::Reversal),
];

/// What a request can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    Amount,
    /// The number of the currency.
    Currency,
    /// The letters of the currency.
    CurrencyLetters,
    /// The number of our transaction.
    Number,
    /// The receipt number of an earlier transaction.
    Receipt,
    /// The scanned code to pay with.
    Code,
}

const CARRIED: [(&str, Carried); 6] = [
    ("amount", Carried::Amount),
    ("currency", Carried::Currency),
    ("currency-letters", Carried::CurrencyLetters),
    ("number", Carried::Number),
    ("receipt", Carried::Receipt),
    ("code", Carried::Code),
];

/// What an answer can bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    Result,
    Amount,
    Currency,
    Number,
    Terminal,
    Receipt,
    Trace,
    Card,
    Brand,
    Authorization,
    Text,
    Date,
    Time,
    Merchant,
    /// Passed over.
    Nothing,
}

const BROUGHT: [(&str, Brought); 15] = [
    ("result", Brought::Result),
    ("amount", Brought::Amount),
    ("currency", Brought::Currency),
    ("number", Brought::Number),
    ("terminal", Brought::Terminal),
    ("receipt", Brought::Receipt),
    ("trace", Brought::Trace),
    ("card", Brought::Card),
    ("brand", Brought::Brand),
    ("authorization", Brought::Authorization),
    ("text", Brought::Text),
    ("date", Brought::Date),
    ("time", Brought::Time),
    ("merchant", Brought::Merchant),
    ("nothing", Brought::Nothing),
];

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<T> {
    /// Always these characters.
    Constant(String),
    /// This, in so many bytes.
    Field(T, usize),
}

impl<T> Part<T> {
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Constant(text) => text.len(),
            Self::Field(_, width) => *width,
        }
    }

    fn is(&self, what: &T) -> bool
    where
        T: PartialEq,
    {
        matches!(self, Self::Field(field, _) if field == what)
    }
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) answer: Answer,
    /// The number of our transaction, where the table has it.
    pub(super) number: Option<u64>,
    pub(super) is_stopped: bool,
}

/// The link as the profile has it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) shape: Shape,
    /// Whether answers do not carry our number: then the amount alone tells whose they are.
    pub(crate) unnumbered: bool,
    /// Whether messages are acknowledged.
    pub(crate) acknowledged: bool,
    pub(crate) answered_within: Duration,
    pub(crate) requests: Vec<(Operation, Vec<Part<Carried>>)>,
    pub(crate) answer: Vec<Part<Brought>>,
    /// The results that mean done, and stopped.
    pub(crate) approved: Vec<String>,
    stopped: Vec<String>,
    encoding: &'static Encoding,
}

impl Table {
    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let starts = [("stx", Start::Stx), ("length", Start::Length), ("message", Start::Message)];
        let start = section.word("lrc", &starts)?.unwrap_or(Start::Length);
        let seconds = section.integer("answer-within", 10..=600)?.unwrap_or(180);
        let strings = |key| -> Result<Vec<String>, Error> {
            let found = section.strings(key)?.unwrap_or_default();
            Ok(found.into_iter().map(str::to_owned).collect())
        };
        let mut requests = Vec::new();
        for (key, operation) in REQUESTS {
            let parts = parts(section, key, &CARRIED)?;
            if !parts.is_empty() {
                requests.push((operation, parts));
            }
        }
        let table = Self {
            shape: Shape::Counted(start),
            unnumbered: section.boolean("unnumbered")?.unwrap_or(false),
            acknowledged: section.boolean("acknowledged")?.unwrap_or(true),
            answered_within: Duration::from_secs(seconds.into()),
            requests,
            answer: parts(section, "answer", &BROUGHT)?,
            approved: strings("approved")?,
            stopped: strings("stopped")?,
            encoding: section
                .encodings("encoding")?
                .into_iter()
                .next()
                .unwrap_or(encoding_rs::UTF_8),
        };
        table.check(section)?;
        Ok(table)
    }

    /// A table that asks for money has to be able to tell what became of it.
    fn check(&self, section: &Section<'_>) -> Result<(), Error> {
        if self.requests.is_empty() {
            return Ok(());
        }
        for (needed, name) in [(Brought::Result, "result"), (Brought::Amount, "amount")] {
            if !self.answer.iter().any(|part| part.is(&needed)) {
                let message = format!(
                    "`answer` has no field \"{name}\": without it an answer proves nothing"
                );
                return Err(section.error("answer", message));
            }
        }
        let answered = self.answer.iter().any(|part| part.is(&Brought::Number));
        let asked = |parts: &[Part<_>]| parts.iter().any(|part| part.is(&Carried::Number));
        let unasked = self.requests.iter().find(|(_, parts)| !asked(parts));
        let without = match (answered, unasked) {
            (false, _) => Some("answer"),
            (true, Some((operation, _))) => Some(operation.word()),
            (true, None) => None,
        };
        match (without, self.unnumbered) {
            (Some(key), false) => {
                let message = format!(
                    "`{key}` has no field \"number\": an answer that comes late would be taken for the next \
                     transaction's. Where the paper has none, `unnumbered = true` lets it be, with less \
                     that can be done"
                );
                return Err(section.error(key, message));
            }
            (None, true) => {
                let message = "`unnumbered` is for tables without a field \"number\"";
                return Err(section.error("unnumbered", message));
            }
            _ => {}
        }
        if self.approved.is_empty() {
            let message = "`approved` is missing: the results that mean that it is done";
            return Err(section.error("approved", message));
        }
        Ok(())
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        self.requests.iter().map(|(operation, _)| *operation)
    }

    /// Whether a payment can be made with a scanned code.
    pub(super) fn carries_codes(&self) -> bool {
        let carries = |part: &Part<Carried>| matches!(part, Part::Field(Carried::Code, _));
        let mut payments = self.requests.iter().filter(|(what, _)| *what == Operation::Payment);
        payments.any(|(_, parts)| parts.iter().any(carries))
    }

    /// The message of an order.
    pub(super) fn request(&self, order: &Order) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let mut requests = self.requests.iter();
        let found = requests.find(|(operation, _)| *operation == order.operation);
        let (_, parts) = found.ok_or(Refusal::Unsupported)?;
        let length = parts.iter().map(Part::width).sum();
        // It may carry a payment code: it never grows, and leaves no copies.
        let mut message = Zeroizing::new(Vec::with_capacity(length));
        for part in parts {
            match part {
                Part::Constant(text) => message.extend(text.bytes()),
                Part::Field(what, width) => carry(order, *what, *width, &mut message)?,
            }
        }
        Ok(message)
    }

    /// Reads an answer; nothing where it is another message; the place where it is not what the table has.
    pub(super) fn answer(&self, message: &[u8]) -> Result<Option<Told>, usize> {
        let mut told = Told { answer: Answer::default(), number: None, is_stopped: false };
        let mut at = 0;
        for part in &self.answer {
            let bytes = message.get(at..at + part.width());
            match part {
                Part::Constant(text) if bytes != Some(text.as_bytes()) => return Ok(None),
                Part::Constant(_) => {}
                Part::Field(what, _) => {
                    self.bring(*what, bytes.ok_or(at)?, &mut told).ok_or(at)?;
                }
            }
            at += part.width();
        }
        Ok((!self.answer.is_empty()).then_some(told))
    }

    /// Takes a field over; nothing where it cannot be what it is meant to be.
    fn bring(&self, what: Brought, bytes: &[u8], told: &mut Told) -> Option<()> {
        let text = self.text(bytes);
        let text = text.trim();
        let number = || (!text.is_empty()).then(|| text.parse::<u64>().ok()).flatten();
        // A field of blanks or zeros has nothing to say.
        let small = || number().and_then(|number| u32::try_from(number).ok()).filter(|n| *n != 0);
        let shown = || Some(mask::masked(text)).filter(|text| !text.is_empty());
        let answer = &mut told.answer;
        match what {
            Brought::Result => {
                answer.approved = self.approved.iter().any(|code| code == text);
                told.is_stopped = self.stopped.iter().any(|code| code == text);
                answer.code = mask::masked(text);
                if answer.text.is_empty() {
                    let word = match (answer.approved, told.is_stopped) {
                        (true, _) => "done",
                        (false, true) => "stopped",
                        (false, false) => "refused",
                    };
                    word.clone_into(&mut answer.text);
                }
            }
            Brought::Amount => answer.amount = Some(number()?),
            Brought::Currency => {
                let number = number().and_then(|number| u16::try_from(number).ok());
                let found = number.and_then(Currency::from_number);
                answer.currency = Some(found.or_else(|| Currency::from_code(text))?);
            }
            Brought::Number => told.number = Some(number()?),
            Brought::Terminal => answer.terminal = shown(),
            Brought::Receipt => answer.receipt = small(),
            Brought::Trace => answer.trace = small(),
            Brought::Card => {
                answer.pan_masked = Some(last_four(text)).filter(|card| !card.is_empty())
            }
            Brought::Brand => answer.brand = shown(),
            Brought::Authorization => answer.authorization_code = shown(),
            Brought::Text => answer.text = shown().unwrap_or_default(),
            Brought::Date => answer.clock = Clock { date: date(text), ..answer.clock },
            Brought::Time => answer.clock = Clock { time: time(text), ..answer.clock },
            Brought::Merchant => {
                answer.details.extend(shown().map(|text| ("contract", Value::from(text))));
            }
            Brought::Nothing => {}
        }
        Some(())
    }

    /// The text of a field; it may name a card, so it is wiped.
    fn text(&self, bytes: &[u8]) -> Zeroizing<String> {
        match self.encoding.decode_without_bom_handling(bytes).0 {
            Cow::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Cow::Owned(text) => Zeroizing::new(text),
        }
    }
}

/// The parts of a message, from an array of tables.
fn parts<T: Copy>(
    section: &Section<'_>,
    key: &'static str,
    words: &[(&'static str, T)],
) -> Result<Vec<Part<T>>, Error> {
    let part = |row: Section<'_>| {
        let part = match (row.string("text")?, row.word("field", words)?) {
            (Some(text), None) => Part::Constant(text.to_owned()),
            (None, Some(field)) => {
                let width = row.integer("width", 1..=999)?.ok_or_else(|| row.missing("width"))?;
                Part::Field(field, usize::try_from(width).unwrap_or(1))
            }
            _ => {
                return Err(
                    row.error_here("a part has either a `text` or a `field` and its `width`")
                );
            }
        };
        row.finish()?;
        Ok(part)
    };
    section.sections(key)?.into_iter().map(part).collect()
}

/// Adds a field to a message: numbers to the right behind zeros, texts to the left before blanks.
fn carry(order: &Order, what: Carried, width: usize, message: &mut Vec<u8>) -> Result<(), Refusal> {
    let digits = |number: u64| format!("{number:0width$}");
    let number = match what {
        Carried::Amount => digits(order.amount),
        Carried::Currency => digits(order.currency.number.into()),
        Carried::Number => digits(order.transaction),
        Carried::Receipt => digits(order.receipt.unwrap_or(0).into()),
        Carried::CurrencyLetters => format!("{:width$}", order.currency.code),
        Carried::Code => return carry_code(order, width, message),
    };
    if number.len() > width {
        return Err(Refusal::Unfit("a value is longer than its field in the terminal's table"));
    }
    message.extend(number.bytes());
    Ok(())
}

fn carry_code(order: &Order, width: usize, message: &mut Vec<u8>) -> Result<(), Refusal> {
    let code = order.code.as_ref().map_or(&[][..], |code| code.expose());
    if code.len() > width {
        return Err(Refusal::Unfit("the code is longer than its field in the terminal's table"));
    }
    message.extend(code);
    message.extend(std::iter::repeat_n(b' ', width - code.len()));
    Ok(())
}

/// Month and day, with or without a year before them.
fn date(text: &str) -> Option<(u8, u8)> {
    let [month, day] = pairs(text)?;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((month, day))
}

fn time(text: &str) -> Option<(u8, u8, u8)> {
    let [hour, minute, second] = pairs(text)?;
    (hour < 24 && minute < 60 && second < 60).then_some((hour, minute, second))
}

/// The last so many pairs of digits of a text of digits.
fn pairs<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let from = text.len().checked_sub(2 * N).filter(|_| digits)?;
    let mut pairs = [0; N];
    for (place, pair) in pairs.iter_mut().enumerate() {
        *pair = text.get(from + 2 * place..from + 2 * place + 2)?.parse().ok()?;
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::settings::File;

    const TABLE: &str = r#"
        [protocol]
        approved = ["00"]
        stopped = ["A1"]
        payment = [
            { text = "S1" }, { field = "number", width = 10 }, { field = "amount", width = 12 },
            { field = "currency", width = 3 }, { field = "currency-letters", width = 4 },
            { field = "code", width = 20 },
        ]
        answer = [
            { text = "R1" }, { field = "result", width = 2 }, { field = "number", width = 10 },
            { field = "amount", width = 12 }, { field = "card", width = 19 },
            { field = "receipt", width = 6 }, { field = "date", width = 8 },
            { field = "time", width = 6 }, { field = "text", width = 8 },
        ]
    "#;

    fn read(text: &str) -> Result<Table, String> {
        let file = File { name: "test".to_owned(), text: text.to_owned() };
        let document = file.parse().map_err(|error| error.to_string())?;
        let section = document.root().section("protocol").unwrap().unwrap();
        Table::read(&section).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_is_as_the_table_says() {
        let table = read(TABLE).unwrap();
        let order = Order {
            code: Some(Secret::new(b"134567890123456789".to_vec())),
            ..Order::new(42, Operation::Payment, 1250, None)
        };
        let message = table.request(&order).unwrap();
        assert_eq!(&message[..], b"S10000000042000000001250978EUR 134567890123456789  ");
        let long = Order { code: Some(Secret::new(vec![b'1'; 21])), ..order.clone() };
        assert!(matches!(table.request(&long), Err(Refusal::Unfit(_))));
        let large = Order { amount: 1_000_000_000_000, ..order };
        assert!(matches!(table.request(&large), Err(Refusal::Unfit(_))));
        let refund = Order::new(42, Operation::Refund, 1250, None);
        assert_eq!(table.request(&refund), Err(Refusal::Unsupported));
    }

    #[test]
    fn an_answer_is_read_as_the_table_says() {
        let table = read(TABLE).unwrap();
        let message =
            b"R10000000000420000000012504111111111111111   00002320261125100020APPROVED and more";
        let told = table.answer(message).unwrap().unwrap();
        let answer = &told.answer;
        assert!(answer.approved && told.number == Some(42));
        assert_eq!((answer.amount, answer.receipt), (Some(1250), Some(23)));
        assert_eq!(answer.pan_masked.as_deref(), Some("************1111"));
        assert_eq!(answer.clock.to_string(), "11-25 10:00:20");
        assert_eq!(answer.text, "APPROVED");
        assert!(!format!("{told:?}").contains("41111111"));
        let mut stopped = message.to_vec();
        stopped[2..4].copy_from_slice(b"A1");
        let told = table.answer(&stopped).unwrap().unwrap();
        assert!(!told.answer.approved && told.is_stopped);
        assert_eq!(table.answer(b"P1 please wait"), Ok(None), "another message");
        assert_eq!(table.answer(b"R1000000000042"), Err(14), "too short");
        assert_eq!(table.answer(b"R100x000000042000000001250"), Err(4), "no number");
    }

    #[test]
    fn a_table_that_could_prove_nothing_is_refused() {
        for (change, want) in [
            (("approved = [\"00\"]", ""), "`approved` is missing"),
            (("{ field = \"result\", width = 2 }, ", ""), "no field \"result\""),
            (
                ("{ field = \"amount\", width = 12 }, { field = \"card\"", "{ field = \"card\""),
                "no field \"amount\"",
            ),
            (("{ text = \"S1\" }", "{ width = 1 }"), "either a `text` or a `field`"),
            (("{ field = \"code\", width = 20 }", "{ field = \"code\" }"), "width"),
            (("field = \"code\"", "field = \"pin\""), "pin"),
            (
                (
                    "{ field = \"result\", width = 2 }, { field = \"number\", width = 10 }",
                    "{ field = \"result\", width = 2 }",
                ),
                "`answer` has no field \"number\"",
            ),
            (
                ("{ text = \"S1\" }, { field = \"number\", width = 10 }", "{ text = \"S1\" }"),
                "`payment` has no field \"number\"",
            ),
            (("stopped", "unnumbered = true\nstopped"), "without a field \"number\""),
        ] {
            let text = TABLE.replacen(change.0, change.1, 1);
            assert_ne!(text, TABLE, "{want}");
            let error = read(&text).unwrap_err();
            assert!(error.contains(want), "{want}: {error}");
        }
        assert_eq!(read("[protocol]").unwrap().operations().count(), 0, "nothing is asked for");
    }
}
