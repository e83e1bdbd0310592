//! A day's close against the ledger.

use crate::event::terminal::Answer;
use crate::event::{Detail, Value};
use crate::ledger::Totals;

/// What the ledger has for the day that a terminal closes, and, where the two can be compared, whether
/// they agree. Where money was given back without a payment named they cannot: terminals differ in how
/// they count that.
pub(super) fn compared(answer: &Answer, ledger: Totals) -> Vec<Detail> {
    let count = |name: &'static str, value: u64| (name.into(), Value::Count(value));
    let totals = vec![
        count("payments", ledger.payments),
        count("paid", ledger.paid),
        count("refunds", ledger.refunds),
        count("refunded", ledger.refunded),
        count("reversals", ledger.reversals),
        count("reversed", ledger.reversed),
    ];
    let mut details: Vec<Detail> = vec![("ledger-totals", Value::Map(totals))];
    let terminal = answer.details.iter().find(|(name, _)| *name == "totals");
    if let (Some((_, Value::Map(kinds))), 0) = (terminal, ledger.refunds) {
        let sum: u64 = kinds.iter().map(|(_, kind)| amount(kind)).sum();
        let agree = ledger.paid.checked_sub(ledger.reversed) == Some(sum);
        details.push(("totals-agree", Value::Flag(agree)));
    }
    details
}

/// The sum of one kind of card; nothing of what is no kind.
fn amount(kind: &Value) -> u64 {
    let Value::Map(entries) = kind else { return 0 };
    let amount = entries.iter().find(|(name, _)| name == "amount");
    if let Some((_, Value::Count(amount))) = amount { *amount } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(sum: u64) -> Answer {
        let kind = Value::Map(vec![
            ("count".into(), Value::Count(2)),
            ("amount".into(), Value::Count(sum)),
        ]);
        let totals =
            Value::Map(vec![("first-receipt".into(), Value::Count(1)), ("visa".into(), kind)]);
        Answer { details: vec![("totals", totals)], ..Answer::default() }
    }

    #[test]
    fn a_close_agrees_with_the_ledger_or_not() {
        let ledger =
            Totals { payments: 2, paid: 2050, reversals: 1, reversed: 800, ..Totals::default() };
        let agree = |details: Vec<Detail>| details.last().cloned();
        assert_eq!(
            agree(compared(&answer(1250), ledger)),
            Some(("totals-agree", Value::Flag(true)))
        );
        assert_eq!(
            agree(compared(&answer(2050), ledger)),
            Some(("totals-agree", Value::Flag(false)))
        );
        let refunded = Totals { refunds: 1, refunded: 300, ..ledger };
        assert_eq!(compared(&answer(1250), refunded).len(), 1, "not compared");
        assert_eq!(compared(&Answer::default(), ledger).len(), 1, "nothing to compare with");
    }
}
