//! Cash that the customer took, and a currency of the customer's own.
//!
//! Contract: the amount of an answer stays the merchant's, in the currency that was asked for. Where a
//! terminal tells the customer's in its place, the merchant's is taken from the conversion container, and
//! where that has none, or contradicts the amount field, the answer stays in another currency: no
//! approval of ours is.

use super::bitmap::decimal;
use super::tlv;
use crate::event::terminal::{Answer, Conversion, Currency, Operation, Order};

/// Tags in containers (PA00P015 13.13, 9.4.1: the names; their layouts are not confirmed).
mod tag {
    pub(super) const CASHBACK: u32 = 0x1F25;
    /// The conversion: amounts in several currencies, and what it costs.
    pub(super) const CONVERSION: u32 = 0xE2;
    pub(super) const MARKUP: u32 = 0x1F1B;
    /// One amount with its currency.
    pub(super) const AMOUNT: u32 = 0x31;
    pub(super) const TOTAL: u32 = 0x1F20;
    pub(super) const CURRENCY: u32 = 0x1F21;
    /// A code that goes further than the result code.
    pub(super) const ERROR: u32 = 0x1F16;
}

/// What a status tells beside the plain amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    cashback: Option<u64>,
    amounts: Vec<(u64, Currency)>,
    markup: Option<u64>,
    /// An error is told beside the result.
    pub(super) is_error: bool,
}

impl Extras {
    /// Takes over what a container has of them.
    pub(super) fn read(container: &[u8]) -> Self {
        let mut extras = Self::default();
        for (tag, value) in tlv::entries(container) {
            match tag {
                tag::CASHBACK => extras.cashback = decimal(value),
                tag::CONVERSION => extras.conversion(value),
                tag::ERROR => extras.is_error = value.iter().any(|byte| *byte != 0),
                _ => {}
            }
        }
        extras
    }

    fn conversion(&mut self, container: &[u8]) {
        for (tag, value) in tlv::entries(container) {
            match tag {
                tag::MARKUP => self.markup = decimal(value),
                tag::AMOUNT => self.amounts.extend(amount(value)),
                _ => {}
            }
        }
    }

    /// Notes the cash in an answer to a payment, where any is told.
    pub(super) fn note_cashback(&self, order: &Order, answer: &mut Answer) {
        if let (Operation::Payment, Some(cash)) = (order.operation, self.cashback) {
            answer.cashback = Some(cash).filter(|cash| *cash > 0);
        }
    }

    /// Notes the customer's currency, and puts the merchant's amount where it belongs.
    pub(super) fn note_conversion(&self, ours: Currency, answer: &mut Answer) {
        let merchant = self.amounts.iter().find(|(_, currency)| *currency == ours);
        let customer = self.amounts.iter().find(|(_, currency)| *currency != ours);
        let told = answer.amount.zip(answer.currency.or(Some(ours)));
        match (told, merchant, customer) {
            // The amount field is the customer's.
            (Some((amount, currency)), Some((merchant, _)), _) if currency != ours => {
                answer.dcc = Some(self.converted(amount, currency));
                (answer.amount, answer.currency) = (Some(*merchant), Some(ours));
            }
            (Some((amount, _)), Some((merchant, _)), Some((_, currency)))
                if amount != *merchant =>
            {
                answer.currency = Some(*currency);
            }
            (Some((_, currency)), _, Some((amount, theirs))) if currency == ours => {
                answer.dcc = Some(self.converted(*amount, *theirs));
            }
            _ => {}
        }
    }

    fn converted(&self, amount: u64, currency: Currency) -> Conversion {
        Conversion { amount, currency, markup: self.markup }
    }
}

fn amount(container: &[u8]) -> Option<(u64, Currency)> {
    let total = tlv::find(container, tag::TOTAL).and_then(decimal)?;
    let number = tlv::find(container, tag::CURRENCY).and_then(decimal)?;
    Some((total, Currency::of(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras(amounts: &[(u64, Currency)]) -> Extras {
        Extras { amounts: amounts.to_vec(), markup: Some(350), ..Extras::default() }
    }

    #[test]
    fn the_amount_is_the_merchants_or_in_another_currency() {
        let usd = Currency::from_code("USD").unwrap();
        let eur = Currency::EUR;
        let both = extras(&[(1250, eur), (1337, usd)]);
        let charged = Some(Conversion { amount: 1337, currency: usd, markup: Some(350) });
        type Row = (
            &'static str,
            Extras,
            Option<Currency>,
            u64,
            Option<Currency>,
            u64,
            Option<Conversion>,
        );
        let rows: [Row; 7] = [
            ("beside the merchant's", both.clone(), Some(eur), 1250, Some(eur), 1250, charged),
            ("no currency field", both.clone(), None, 1250, None, 1250, charged),
            ("in its place", both.clone(), Some(usd), 1337, Some(eur), 1250, charged),
            ("in its place, alone", extras(&[(1337, usd)]), Some(usd), 1337, Some(usd), 1337, None),
            ("in its place, nothing told", extras(&[]), Some(usd), 1337, Some(usd), 1337, None),
            ("contradicted", both, Some(eur), 1200, Some(usd), 1200, None),
            ("none", extras(&[]), Some(eur), 1250, Some(eur), 1250, None),
        ];
        for (name, extras, told, amount, currency, merchant, dcc) in rows {
            let mut answer = Answer { amount: Some(amount), currency: told, ..Answer::default() };
            extras.note_conversion(eur, &mut answer);
            assert_eq!((answer.amount, answer.currency), (Some(merchant), currency), "{name}");
            assert_eq!(answer.dcc, dcc, "{name}");
        }
    }

    #[test]
    fn containers_are_read() {
        let bytes = [
            &[0x1F, 0x25, 0x06, 0, 0, 0, 0, 0x05, 0x00][..],
            &[0xE2, 0x24],
            &[0x1F, 0x1B, 0x02, 0x03, 0x50],
            &[0x31, 0x0E, 0x1F, 0x20, 0x06, 0, 0, 0, 0, 0x12, 0x50, 0x1F, 0x21, 0x02, 0x09, 0x78],
            &[0x31, 0x0D, 0x1F, 0x20, 0x05, 0, 0, 0, 0x13, 0x37, 0x1F, 0x21, 0x02, 0x04, 0x00],
        ];
        let extras = Extras::read(&bytes.concat());
        assert_eq!((extras.cashback, extras.markup), (Some(500), Some(350)));
        // 400 is no currency of the table; it is another one than ours all the same.
        assert_eq!(extras.amounts, [(1250, Currency::EUR), (1337, Currency::UNKNOWN)]);
        assert_eq!(Extras::read(&[0xE2, 0x02, 0x31, 0x00]).amounts, []);
    }
}
