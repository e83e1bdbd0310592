//! The options of a ZVT terminal, and what they make of its word.

use super::ask::Asking;
use super::charset::Charset;
use super::command::Printer;
use super::extras::Extras;
use super::outcome;
use crate::event::terminal::{Answer, Currency, Operation, Order};
use crate::settings::{Error, Section};

/// The options of `[protocol]`.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) printer: Printer,
    pub(super) currency: Currency,
    pub(super) language: Option<u8>,
    /// Customers may add a tip at the terminal: it may take more than it was asked to.
    pub(super) tips: bool,
    /// Customers may take cash at the terminal.
    pub(super) cashback: bool,
    /// The terminal may charge them in a currency of their own.
    pub(super) dcc: bool,
    pub(super) asking: Asking,
    /// The characters of its texts.
    pub(super) charset: Charset,
    /// The till says that it takes receipts as blocks of text.
    pub(super) has_blocks: bool,
}

impl Options {
    /// Reads the protocol's own keys.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let printers = [("host", Printer::Host), ("terminal", Printer::Terminal)];
        let language = section.integer("language", 0..=255)?;
        Ok(Self {
            printer: section.word("receipts", &printers)?.unwrap_or(Printer::Host),
            currency: currency(section)?,
            tips: section.boolean("tips")?.unwrap_or(false),
            cashback: section.boolean("cashback")?.unwrap_or(false),
            dcc: section.boolean("dcc")?.unwrap_or(false),
            asking: Asking::read(section)?,
            charset: section.word("characters", &Charset::WORDS)?.unwrap_or_default(),
            has_blocks: section.boolean("text-blocks")?.unwrap_or(false),
            language: language.and_then(|language| u8::try_from(language).ok()),
        })
    }

    /// The same for an answer that is told behind another: an approval may come in two parts.
    pub(super) fn complete_behind(
        &self,
        before: Option<&Answer>,
        order: &Order,
        extras: &Extras,
        answer: &mut Answer,
    ) {
        let Some(before) = before.filter(|before| before.approved && answer.approved) else {
            return self.complete(order, extras, answer);
        };
        outcome::fill(answer, before);
        // What the first part has told of the amount, the second need not tell again.
        (answer.cashback, answer.dcc) = (before.cashback, before.dcc);
        self.complete(order, extras, answer);
    }

    /// Notes in an answer what it means for this order, beside what it says.
    pub(super) fn complete(&self, order: &Order, extras: &Extras, answer: &mut Answer) {
        if self.dcc {
            extras.note_conversion(self.currency, answer);
        }
        if self.cashback {
            extras.note_cashback(order, answer);
        }
        if self.tips {
            note_tip(order, answer);
        }
        self.asking.note(order, answer);
    }
}

/// What was taken above the order, where customers may add that.
fn note_tip(order: &Order, answer: &mut Answer) {
    let asked = order.amount.saturating_add(answer.cashback.unwrap_or(0));
    let above = answer.amount.and_then(|amount| amount.checked_sub(asked));
    if let (Operation::Payment, Some(tip @ 1..)) = (order.operation, above) {
        answer.tip = Some(tip);
    }
}

fn currency(section: &Section<'_>) -> Result<Currency, Error> {
    let Some(code) = section.string("currency")? else { return Ok(Currency::EUR) };
    Currency::from_code(code).ok_or_else(|| {
        let message = format!(
            "`currency` is {code:?}; accepted are the letters of ISO 4217, such as \"EUR\""
        );
        section.error("currency", message)
    })
}
