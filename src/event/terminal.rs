//! What payment terminals are asked and what they say, in our words.
//!
//! Contract: plain data. Amounts are whole minor units. Nothing here holds a whole card number, a track
//! or a card's check value: decoders drop or mask them.

mod fit;
mod question;

use std::borrow::Cow;
use std::fmt;

use super::{Detail, Timestamp};
use crate::secret::Secret;

pub use fit::Misfit;
pub use question::{Question, Reply};

/// What a terminal is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Take a payment.
    Payment,
    /// Give money back to a card, with no earlier payment named.
    Refund,
    /// Undo an earlier transaction, named by its receipt number.
    Reversal,
    /// Reserve an amount.
    Preauth,
    /// Book a reserved amount, or a part of it.
    Capture,
    /// Give a reserved amount free.
    CancelPreauth,
    /// Close the day.
    Close,
    /// Tell the totals since the last close.
    Totals,
    /// Test the line to the bank.
    Diagnosis,
    /// Tell of the last transaction again.
    RepeatReceipt,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Payment,
        Self::Refund,
        Self::Reversal,
        Self::Preauth,
        Self::Capture,
        Self::CancelPreauth,
        Self::Close,
        Self::Totals,
        Self::Diagnosis,
        Self::RepeatReceipt,
    ];

    /// The word used on the bus and in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Preauth => "preauth",
            Self::Capture => "capture",
            Self::CancelPreauth => "cancel-preauth",
            Self::Close => "close",
            Self::Totals => "totals",
            Self::Diagnosis => "diagnosis",
            Self::RepeatReceipt => "repeat-receipt",
        }
    }

    /// The operation of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// Whether money, or a claim on it, changes hands.
    #[must_use]
    pub const fn moves_money(self) -> bool {
        !matches!(self, Self::Totals | Self::Diagnosis | Self::RepeatReceipt)
    }

    /// Whether it needs an amount.
    #[must_use]
    pub const fn needs_amount(self) -> bool {
        matches!(self, Self::Payment | Self::Refund | Self::Preauth | Self::Capture)
    }

    /// Whether it is about an earlier transaction, named by its receipt number.
    #[must_use]
    pub const fn needs_receipt(self) -> bool {
        matches!(self, Self::Reversal | Self::Capture | Self::CancelPreauth)
    }
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency {
    /// Three capital letters.
    pub code: &'static str,
    /// Three digits.
    pub number: u16,
    /// How many digits the minor unit has.
    pub exponent: u8,
}

/// The currencies of tills so far (ISO 4217:2015, table A.1).
const CURRENCIES: &[Currency] = &[
    currency("EUR", 978, 2),
    currency("CHF", 756, 2),
    currency("GBP", 826, 2),
    currency("USD", 840, 2),
    currency("AED", 784, 2),
    currency("AUD", 36, 2),
    currency("BGN", 975, 2),
    currency("BHD", 48, 3),
    currency("BRL", 986, 2),
    currency("CAD", 124, 2),
    currency("CLP", 152, 0),
    currency("CNY", 156, 2),
    currency("CZK", 203, 2),
    currency("DKK", 208, 2),
    currency("HKD", 344, 2),
    currency("HUF", 348, 2),
    currency("IDR", 360, 2),
    currency("INR", 356, 2),
    currency("ISK", 352, 0),
    currency("JPY", 392, 0),
    currency("KRW", 410, 0),
    currency("KWD", 414, 3),
    currency("MOP", 446, 2),
    currency("MXN", 484, 2),
    currency("MYR", 458, 2),
    currency("NOK", 578, 2),
    currency("NZD", 554, 2),
    currency("PHP", 608, 2),
    currency("PLN", 985, 2),
    currency("RON", 946, 2),
    currency("RSD", 941, 2),
    currency("SEK", 752, 2),
    currency("SGD", 702, 2),
    currency("THB", 764, 2),
    currency("TND", 788, 3),
    currency("TRY", 949, 2),
    currency("TWD", 901, 2),
    currency("UAH", 980, 2),
    currency("VND", 704, 0),
    currency("ZAR", 710, 2),
];

const fn currency(code: &'static str, number: u16, exponent: u8) -> Currency {
    Currency { code, number, exponent }
}

impl Currency {
    /// One that is not in the table: no currency of ours, and told apart from having heard of none. ISO 4217
    /// has the letters and the number for "no currency".
    pub const UNKNOWN: Self = currency("XXX", 999, 0);

    /// The euro.
    pub const EUR: Self = currency("EUR", 978, 2);

    /// The currency of these letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CURRENCIES.iter().find(|known| known.code == code).copied()
    }

    /// The currency of a number that a terminal has sent.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let known = u16::try_from(number).ok().and_then(Self::from_number);
        known.unwrap_or(Self::UNKNOWN)
    }

    /// The currency of this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        CURRENCIES.iter().find(|known| known.number == number).copied()
    }

    /// An amount as people write it: `12.50`.
    #[must_use]
    pub fn written(self, minor: u64) -> String {
        let unit = 10_u64.pow(u32::from(self.exponent));
        match usize::from(self.exponent) {
            0 => minor.to_string(),
            digits => format!("{}.{:0digits$}", minor / unit, minor % unit),
        }
    }

    /// The minor units of an amount as people write it, with as many digits after the point as the
    /// currency has, or none and no point.
    #[must_use]
    pub fn read(self, text: &str) -> Option<u64> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let digits = usize::from(self.exponent);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let has_point = text.contains('.');
        if whole.is_empty() || !plain(whole) || !plain(rest) || (has_point && rest.len() != digits)
        {
            return None;
        }
        let unit = 10_u64.checked_pow(u32::from(self.exponent))?;
        let rest: u64 = if rest.is_empty() { 0 } else { rest.parse().ok()? };
        whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(rest)
    }
}

/// What a terminal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Begin a transaction.
    Begin(Order),
    /// Stop it if that is still possible.
    Abort,
    /// Tell of the last transaction: what became of this order is not known.
    Enquire(Order),
    /// Tell how it fares; with the terminal's password.
    Status(Option<Secret<String>>),
}

/// A transaction as it is asked of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the ledger.
    pub transaction: u64,
    /// What is to be done.
    pub operation: Operation,
    /// The amount, where there is one.
    pub amount: u64,
    /// The currency of the amount.
    pub currency: Currency,
    /// The receipt number of the earlier transaction it is about.
    pub receipt: Option<u32>,
    /// What is known of that earlier transaction.
    pub original: Option<Original>,
    /// The last receipt number that the terminal was heard to give out.
    pub last_receipt: Option<u32>,
    /// When it was begun, microseconds since 1970.
    pub began: u64,
    /// The scanned code to pay with.
    pub code: Option<Secret<Vec<u8>>>,
    /// The terminal's password.
    pub password: Option<Secret<String>>,
    /// The authorization code that the bank has given by telephone.
    pub authorization: Option<String>,
}

impl Order {
    /// An order in euro, for an amount or about a receipt, with nothing known of what was before.
    #[must_use]
    pub fn new(transaction: u64, operation: Operation, amount: u64, receipt: Option<u32>) -> Self {
        Self {
            transaction,
            operation,
            amount,
            currency: Currency::EUR,
            receipt,
            original: None,
            last_receipt: None,
            began: 0,
            code: None,
            password: None,
            authorization: None,
        }
    }
}

/// An earlier transaction as the ledger has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its amount.
    pub amount: Option<u64>,
    /// Its trace number.
    pub trace: Option<u32>,
}

/// A transaction of others, of which both sides were heard: once when the terminal has taken it, and again with
/// its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overheard {
    /// What was ordered.
    pub order: Order,
    /// When the order was heard.
    pub first: Timestamp,
    /// The terminal's word on it.
    pub answer: Option<Box<Answer>>,
    /// How it ended; nothing where it has only been taken.
    pub ending: Option<Ending>,
}

/// One thing a terminal says in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The dialogue has come this far.
    Progress(Progress),
    /// What is the matter with it now, replacing what was said before.
    Condition(Vec<Condition>),
    /// What it says to the question how it fares; nothing where it has not answered.
    Status(Option<&'static str>),
    /// The answer to an enquiry: what it says of its last transaction, if it says anything.
    Last(Option<Box<Answer>>, Clock),
}

/// How far a transaction has come, for the cashier's screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Who is waited for.
    pub awaiting: Awaiting,
    /// In words.
    pub text: Cow<'static, str>,
}

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiting {
    /// The terminal or the bank.
    Terminal,
    /// The customer.
    Customer,
    /// The cashier, who answers at the terminal itself.
    Cashier,
}

/// How a dialogue ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The terminal has told that it is done, and all of what it told fits.
    Approved,
    /// It has told that it will not.
    Declined,
    /// It has told that somebody stopped it.
    Aborted,
    /// It has not begun, and said so, or was never asked.
    Failed(Cow<'static, str>),
    /// What it did cannot be known from the dialogue; it can be asked.
    Unclear(Cow<'static, str>),
    /// What it said cannot be: asking again would not help.
    Contradictory(Cow<'static, str>),
}

/// What is to be on disk before the next byte leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// From the next byte on the terminal may move money.
    Sending,
    /// It has taken the order.
    Accepted,
    /// A line of a receipt.
    Receipt(Line),
    /// The last so many lines, put right: it is known now what stands at their ends.
    Amended(Vec<Line>),
    /// It prints the receipt again, from its first line: what there is of it gives way to what follows.
    Reprint,
    /// Its word on the transaction.
    Answer(Box<Answer>),
    /// Its word on a transaction that is over for us, of this number where it names one: evidence for whoever
    /// looks into it, from which nothing follows.
    Late(Option<u64>, Box<Answer>),
    /// The dialogue is over.
    Ended(Ending),
}

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose receipt.
    pub copy: Copy,
    /// The text, card and account numbers masked.
    pub text: String,
}

/// Whose receipt it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copy {
    /// The terminal does not say.
    #[default]
    Unnamed,
    /// The merchant's.
    Merchant,
    /// The customer's.
    Customer,
    /// About the terminal itself.
    Administration,
}

impl Copy {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Unnamed, Self::Merchant, Self::Customer, Self::Administration];

    /// The word used on the bus and in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unnamed => "receipt",
            Self::Merchant => "merchant",
            Self::Customer => "customer",
            Self::Administration => "administration",
        }
    }

    /// The copy of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// A terminal's word on a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was approved.
    pub approved: bool,
    /// The terminal's own code for that.
    pub code: String,
    /// What the code means, or what the terminal says about it.
    pub text: String,
    /// The amount it was about.
    pub amount: Option<u64>,
    /// What of that the customer gave above what was asked for.
    pub tip: Option<u64>,
    /// What of that the customer got in cash.
    pub cashback: Option<u64>,
    /// The currency, where it names one.
    pub currency: Option<Currency>,
    /// Our own number of the transaction, where the terminal brings it back.
    pub transaction: Option<u64>,
    /// What the customer was charged in a currency of their own.
    pub dcc: Option<Conversion>,
    /// The terminal's number.
    pub terminal: Option<String>,
    /// The receipt number.
    pub receipt: Option<u32>,
    /// The trace number.
    pub trace: Option<u32>,
    /// The trace number of the earlier transaction it is about.
    pub original_trace: Option<u32>,
    /// When, by the terminal's clock.
    pub clock: Clock,
    /// Whether the customer has to sign.
    pub signature: bool,
    /// What the cashier has to say before this counts.
    pub question: Option<Question>,
    /// The card number, masked.
    pub pan_masked: Option<String>,
    /// The brand.
    pub brand: Option<String>,
    /// How the card was read.
    pub entry_mode: Option<&'static str>,
    /// The bank's authorization code.
    pub authorization_code: Option<String>,
    /// What else it tells, by name.
    pub details: Vec<Detail>,
}

/// An amount in the customer's own currency, in place of the merchant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// In minor units of its currency.
    pub amount: u64,
    /// The customer's currency.
    pub currency: Currency,
    /// What it costs, in hundredths of a percent, where that is told.
    pub markup: Option<u64>,
}

/// A terminal's clock, as far as the terminal tells; it seldom tells the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Month and day.
    pub date: Option<(u8, u8)>,
    /// Hour, minute and second.
    pub time: Option<(u8, u8, u8)>,
}

impl fmt::Display for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((month, day)) = self.date {
            write!(formatter, "{month:02}-{day:02}")?;
        }
        if let Some((hour, minute, second)) = self.time {
            let gap = if self.date.is_some() { " " } else { "" };
            write!(formatter, "{gap}{hour:02}:{minute:02}:{second:02}")?;
        }
        Ok(())
    }
}

/// What keeps a terminal from working, or soon will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Its printer has no paper or cannot print.
    OutOfPaper,
    /// Its day has to be closed first.
    NeedsClose,
    /// It has to be set up first.
    NeedsInitialisation,
    /// It has to test its line first.
    NeedsDiagnosis,
    /// It cannot reach the bank.
    Offline,
    /// It is being updated or looked after from afar.
    Updating,
    /// Somebody has its menu open.
    InMenu,
    /// It is at work, not for us.
    Busy,
    /// Something in it is broken.
    Defective,
}

impl Condition {
    /// The word used on the bus.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OutOfPaper => "out-of-paper",
            Self::NeedsClose => "needs-close",
            Self::NeedsInitialisation => "needs-initialisation",
            Self::NeedsDiagnosis => "needs-diagnosis",
            Self::Offline => "offline",
            Self::Updating => "updating",
            Self::InMenu => "in-menu",
            Self::Busy => "busy",
            Self::Defective => "defective",
        }
    }
}

/// What a terminal of a protocol can be asked when an outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// What became of one transaction of ours.
    Enquiry,
    /// What its last receipt was.
    LastReceipt,
    /// Nothing.
    None,
}

impl Recovery {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Enquiry, Self::LastReceipt, Self::None];

    /// The word used on the bus.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enquiry => "enquiry",
            Self::LastReceipt => "last-receipt",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_and_read_by_the_currency() {
        let yen = Currency::from_code("JPY").unwrap();
        let dinar = Currency::from_code("KWD").unwrap();
        for (currency, minor, written) in [
            (Currency::EUR, 1250, "12.50"),
            (Currency::EUR, 5, "0.05"),
            (yen, 1250, "1250"),
            (dinar, 1250, "1.250"),
        ] {
            assert_eq!(currency.written(minor), written);
            assert_eq!(currency.read(written), Some(minor));
        }
        assert_eq!(Currency::EUR.read("12"), Some(1200));
        for wrong in
            ["", "12.5", "12.500", "12,50", "-1", "1e3", ".50", "12.", "99999999999999999999"]
        {
            assert_eq!(Currency::EUR.read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_lead_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_word(operation.word()), Some(operation));
        }
        for copy in Copy::ALL {
            assert_eq!(Copy::from_word(copy.word()), Some(copy));
        }
        assert_eq!(Currency::from_number(978), Some(Currency::EUR));
    }
}
