//! Layout 2: fixed places.

use super::{Reply, number, private, told_currency};
use crate::event::terminal::{Answer, Operation, Order};

/// An answer without and with a report.
const SHORT: usize = 25;
const LONG: usize = 80;
/// The report in a long answer.
const REPORT: usize = 55;

/// 34 characters: till, amount, short answer, by card, what, currency, ours, wait for the end, no forced
/// authorization.
pub(super) fn request(order: &Order, pos: u32) -> String {
    let kind = if order.operation == Operation::Refund { '1' } else { '0' };
    let (amount, currency) = (order.amount, order.currency.number);
    let private = private(order.transaction);
    format!("{pos:02}{amount:08}01{kind}{currency:03}{private}A010B010")
}

/// The report is passed over: it may name the card.
pub(super) fn reply(message: &[u8]) -> Option<Reply> {
    let (head, rest) = message.split_at_checked(12)?;
    let tail = match message.len() {
        SHORT => rest,
        LONG => rest.get(REPORT..)?,
        _ => return None,
    };
    let (head, tail) = (std::str::from_utf8(head).ok()?, std::str::from_utf8(tail).ok()?);
    let result = head.get(2..3)?;
    let (made, text) = match result {
        "0" => (Some(true), "done"),
        "7" => (Some(false), "refused"),
        "9" => (None, "not verified"),
        _ => (None, "not documented"),
    };
    let currency = u16::try_from(number(tail.get(..3)?)?).ok()?;
    Some(Reply {
        pos: Some(u32::try_from(number(head.get(..2)?)?).ok()?),
        made,
        is_stopped: false,
        private: tail.get(3..).map(str::to_owned),
        answer: Answer {
            approved: made == Some(true),
            code: result.to_owned(),
            text: text.to_owned(),
            amount: Some(number(head.get(3..11)?)?),
            currency: told_currency(currency),
            ..Answer::default()
        },
        lines: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::terminal::Currency;

    #[test]
    fn requests_are_34_characters_with_our_number() {
        let text = |operation, amount, pos| request(&Order::new(42, operation, amount, None), pos);
        assert_eq!(text(Operation::Payment, 1250, 1), "01000012500109780000000042A010B010");
        assert_eq!(text(Operation::Refund, 5, 7), "07000000050119780000000042A010B010");
    }

    #[test]
    fn answers_short_and_long_say_the_same() {
        let short = reply(b"0100000125019780000000042").unwrap();
        assert_eq!((short.pos, short.made), (Some(1), Some(true)));
        assert_eq!(short.private.as_deref(), Some("0000000042"));
        assert_eq!(short.answer.amount, Some(1250));
        assert_eq!(short.answer.currency, Some(Currency::EUR));
        let card = b"4111111111111111                                       ";
        let long = [&b"010000012501"[..], &card[..], b"9780000000042"].concat();
        assert_eq!(reply(&long), Some(short));
    }

    #[test]
    fn results_and_what_is_no_answer() {
        let made = |message: &[u8]| reply(message).map(|reply| reply.made);
        assert_eq!(made(b"0170000125019780000000042"), Some(Some(false)));
        assert_eq!(made(b"0190000125019780000000042"), Some(None));
        assert_eq!(made(b"010000012501978000000004"), None, "too short");
        assert_eq!(made(b"0x00000125019780000000042"), None, "no till");
        assert_eq!(made("0100000125é19780000000042".as_bytes()), None);
    }
}
