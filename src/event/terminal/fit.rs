//! Whether a terminal's word can be about the order it was given.
//!
//! Contract: pure, and in doubt against. What is found here is never taken for an approval: a person has to
//! look.

use super::{Answer, Operation, Order};

/// Receipt numbers have four digits and begin again behind the last.
const RECEIPTS: u32 = 10_000;

/// What of an answer is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another terminal has answered than the one that was registered with.
    #[error("another terminal answered than the one that was asked")]
    Terminal,
    /// It is in another currency.
    #[error("the answer is in another currency")]
    Currency,
    /// It is of more than was asked for, or of another amount than the receipt to be reversed.
    #[error("the answer names another amount")]
    Amount,
    /// It is about another earlier transaction than the one named.
    #[error("the answer names another receipt, {0:04}, than the one asked for")]
    Receipt(u32),
    /// The trace number of the earlier transaction is not the one known.
    #[error("the answer names another transaction's trace number")]
    Trace,
    /// It has the receipt number that the terminal gave out before.
    #[error("the answer is that of the transaction before, receipt {0:04}")]
    Before(u32),
}

impl Misfit {
    /// What differs, in a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Currency => "currency",
            Self::Amount => "amount",
            Self::Receipt(_) | Self::Before(_) => "receipt",
            Self::Trace => "trace number",
        }
    }
}

impl Order {
    /// What shows that an approval is not this order's, if anything does. `terminal` is the number of the
    /// terminal that was asked, where that is known.
    #[must_use]
    pub fn misfit(&self, answer: &Answer, terminal: Option<&str>) -> Option<Misfit> {
        if !self.operation.moves_money() {
            return None;
        }
        if differ(answer.terminal.as_deref(), terminal) {
            return Some(Misfit::Terminal);
        }
        if differ(answer.currency, Some(self.currency)) {
            return Some(Misfit::Currency);
        }
        let above = answer.tip.unwrap_or(0).saturating_add(answer.cashback.unwrap_or(0));
        let most = self.amount.saturating_add(above);
        if self.operation.needs_amount() && answer.amount.is_some_and(|amount| amount > most) {
            return Some(Misfit::Amount);
        }
        if self.operation.needs_receipt() {
            return self.other_original(answer);
        }
        let before = answer.receipt.filter(|receipt| Some(*receipt) == self.last_receipt);
        before.map(Misfit::Before)
    }

    /// What shows that another earlier transaction was meant than the one named.
    fn other_original(&self, answer: &Answer) -> Option<Misfit> {
        let amount = self.original.and_then(|original| original.amount);
        // Giving a reservation free is of no amount.
        if self.operation == Operation::Reversal && differ(answer.amount, amount) {
            return Some(Misfit::Amount);
        }
        let trace = self.original.and_then(|original| original.trace);
        if let (Some(theirs), Some(ours)) = (answer.original_trace, trace) {
            return (theirs != ours).then_some(Misfit::Trace);
        }
        let other = answer.receipt.filter(|receipt| Some(*receipt) != self.receipt)?;
        // Of a reversal the trace number alone could show that a new receipt is about the right one. What
        // is booked of a reservation may have a number of its own, but not an old one.
        let is_new = self.last_receipt.is_none_or(|last| is_after(last, other));
        let is_reversal = self.operation == Operation::Reversal;
        (is_reversal || !is_new).then_some(Misfit::Receipt(other))
    }
}

/// Whether both are known and not the same.
fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// Whether a receipt number was given out after the other: less than half of all numbers ahead.
fn is_after(last: u32, receipt: u32) -> bool {
    let ahead = (receipt + RECEIPTS - last % RECEIPTS) % RECEIPTS;
    (1..RECEIPTS / 2).contains(&ahead)
}

#[cfg(test)]
mod tests {
    use super::super::{Currency, Original};
    use super::*;

    fn order(operation: Operation) -> Order {
        let receipt = operation.needs_receipt().then_some(40);
        Order { last_receipt: Some(42), ..Order::new(1, operation, 1250, receipt) }
    }

    fn answer(receipt: u32) -> Answer {
        Answer {
            approved: true,
            amount: Some(1250),
            receipt: Some(receipt),
            terminal: Some("52523535".into()),
            ..Answer::default()
        }
    }

    #[test]
    fn what_is_not_what_was_asked_for() {
        use Operation::{CancelPreauth, Capture, Diagnosis, Payment, Reversal};
        let known = Some(Original { amount: Some(1250), trace: Some(7) });
        let reversal = Order { original: known, ..order(Reversal) };
        let traced = |trace| Answer { original_trace: Some(trace), ..answer(43) };
        let rows = [
            ("a payment", order(Payment), answer(43), None),
            ("less than asked", order(Payment), Answer { amount: Some(500), ..answer(43) }, None),
            (
                "more than asked",
                order(Payment),
                Answer { amount: Some(1251), ..answer(43) },
                Some(Misfit::Amount),
            ),
            (
                "with a tip",
                order(Payment),
                Answer { amount: Some(1400), tip: Some(150), ..answer(43) },
                None,
            ),
            (
                "with cash for the customer",
                order(Payment),
                Answer { amount: Some(6250), cashback: Some(5000), ..answer(43) },
                None,
            ),
            (
                "with more than the cash",
                order(Payment),
                Answer { amount: Some(6251), cashback: Some(5000), ..answer(43) },
                Some(Misfit::Amount),
            ),
            (
                "in a currency that nobody knows",
                order(Payment),
                Answer { currency: Some(Currency::UNKNOWN), ..answer(43) },
                Some(Misfit::Currency),
            ),
            ("the one before", order(Payment), answer(42), Some(Misfit::Before(42))),
            (
                "another terminal",
                order(Payment),
                Answer { terminal: Some("1".into()), ..answer(43) },
                Some(Misfit::Terminal),
            ),
            (
                "another currency",
                order(Payment),
                Answer { currency: Currency::from_code("CHF"), ..answer(43) },
                Some(Misfit::Currency),
            ),
            ("the receipt named is reversed", reversal.clone(), answer(40), None),
            ("a new receipt, of the trace known", reversal.clone(), traced(7), None),
            ("of another trace", reversal.clone(), traced(8), Some(Misfit::Trace)),
            ("a new receipt, no trace", reversal.clone(), answer(43), Some(Misfit::Receipt(43))),
            ("a third receipt", reversal.clone(), answer(41), Some(Misfit::Receipt(41))),
            (
                "of another amount",
                reversal.clone(),
                Answer { amount: Some(800), ..answer(40) },
                Some(Misfit::Amount),
            ),
            ("a booking has a number of its own", order(Capture), answer(43), None),
            ("or that of the reservation", order(Capture), answer(40), None),
            (
                "a reservation given free is of no amount",
                Order { original: known, ..order(CancelPreauth) },
                Answer { amount: Some(0), ..answer(43) },
                None,
            ),
            ("and no third", order(Capture), answer(41), Some(Misfit::Receipt(41))),
            ("no money, nothing to fit", order(Diagnosis), answer(42), None),
        ];
        for (name, order, answer, want) in rows {
            assert_eq!(order.misfit(&answer, Some("52523535")), want, "{name}");
        }
    }

    #[test]
    fn numbers_begin_again() {
        assert!(is_after(9999, 1) && is_after(9999, 0) && is_after(42, 43));
        assert!(!is_after(42, 42) && !is_after(42, 41) && !is_after(1, 9999));
    }
}
