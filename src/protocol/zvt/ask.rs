//! What the cashier has to be asked before the terminal's word counts.
//!
//! The protocol has no such question. The terminal says that the customer has to sign (tag 1F10) and
//! completes; the receipt that is signed comes behind that word, so nothing in the dialogue can wait for
//! the pen. Whether the signature is all right is the till's to ask, and what it refuses it reverses
//! (06 30). A referral is a refusal by the bank after which the till may come again with a code that it
//! was given by telephone (06 21). Which codes are referrals differs by network and is configured.

use crate::event::terminal::{Answer, Operation, Order, Question};
use crate::settings::{Error, Section};

/// When the cashier is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Asking {
    signature: bool,
    /// The result codes after which the bank wants to be called.
    referral: Vec<u8>,
}

impl Asking {
    /// Reads the keys `signature` and `referral`.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let signature = section.word("signature", &[("tell", false), ("ask", true)])?;
        let referral = section.parsed("referral", |text| {
            code(text).ok_or_else(|| {
                format!("found {text:?}, accepted are result codes in two hex digits, as in \"02\"")
            })
        })?;
        let referral = referral.unwrap_or_default();
        Ok(Self { signature: signature.unwrap_or(false), referral })
    }

    /// Notes in an answer what the cashier has to be asked.
    pub(super) fn note(&self, order: &Order, answer: &mut Answer) {
        if order.operation != Operation::Payment {
            return;
        }
        // Without its number a receipt cannot be reversed: then it is told and no more.
        let is_signed = answer.approved && answer.signature && answer.receipt.is_some();
        // Once: a bank that refuses its own code has refused.
        let is_referred = !answer.approved
            && order.authorization.is_none()
            && code(&answer.code).is_some_and(|code| self.referral.contains(&code));
        answer.question = match (is_signed && self.signature, is_referred) {
            (true, _) => Some(Question::Signature),
            (_, true) => Some(Question::Authorization),
            _ => None,
        };
    }
}

fn code(text: &str) -> Option<u8> {
    let plain = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_what_is_not() {
        let asking = Asking { signature: true, referral: vec![0x02] };
        let payment = || Order::new(1, Operation::Payment, 1250, None);
        let signed =
            || Answer { approved: true, signature: true, receipt: Some(42), ..Answer::default() };
        let referred = || Answer { code: "02".into(), ..Answer::default() };
        let told = Asking { referral: vec![], ..Asking::default() };
        let again = Order { authorization: Some("1".into()), ..payment() };
        let refund = Order::new(1, Operation::Refund, 1250, None);
        let rows = [
            ("signed for", &asking, payment(), signed(), Some(Question::Signature)),
            ("not configured", &told, payment(), signed(), None),
            ("no receipt number", &asking, payment(), Answer { receipt: None, ..signed() }, None),
            ("a refund", &asking, refund, signed(), None),
            ("referred", &asking, payment(), referred(), Some(Question::Authorization)),
            ("referred, not configured", &told, payment(), referred(), None),
            ("referred again", &asking, again, referred(), None),
            ("declined", &asking, payment(), Answer { code: "05".into(), ..referred() }, None),
        ];
        for (name, asking, order, mut answer, want) in rows {
            asking.note(&order, &mut answer);
            assert_eq!(answer.question, want, "{name}");
        }
    }
}
