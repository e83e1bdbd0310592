//! A till and its terminal, heard from between them: what the till ordered, and how that ended.
//!
//! A command counts once the terminal has taken it (80 00), so one that is sent again is one. Only orders
//! that move money are heard; receipts' lines are not: the till prints them.

use std::time::Duration;

use super::apdu::Apdu;
use super::charset::Charset;
use super::message::{self, Message};
use super::outcome::{self, ABORTED, contradicts};
use super::{code, command};
use crate::event::Timestamp;
use crate::event::terminal::{Answer, Ending, Order, Overheard};
use crate::frame::Dle;
use crate::frame::shell::Heard;
use crate::protocol::{Input, Listener, Side};
use crate::transaction::NOT_HEARD;

/// As in a conversation of our own.
const SILENCE: Duration = Duration::from_millis(500);
/// The longest APDU and its head.
const LIMIT: usize = 0xFFFF + 5;

/// Listens to a till and its ZVT terminal.
#[must_use]
pub fn listener() -> Box<dyn Listener> {
    Box::new(Overhearing {
        till: Dle::new(LIMIT, SILENCE),
        terminal: Dle::new(LIMIT, SILENCE),
        asked: None,
        taken: None,
    })
}

struct Overhearing {
    till: Dle,
    terminal: Dle,
    /// What the till has sent and the terminal has not taken yet; no order where it is another command.
    asked: Option<(Option<Ordered>, Timestamp)>,
    taken: Option<Taken>,
}

/// An order, and whether it names its currency.
type Ordered = (Order, bool);

/// An order that the terminal has taken.
struct Taken {
    order: Order,
    names_currency: bool,
    first: Timestamp,
    is_told: bool,
    answer: Option<Box<Answer>>,
    is_contradicted: bool,
}

impl Listener for Overhearing {
    fn hear(&mut self, now: Timestamp, side: Side, input: Input<'_>) -> Vec<Overheard> {
        let Input::Bytes(bytes) = input else { return Vec::new() };
        let framer = match side {
            Side::Till => &mut self.till,
            Side::Terminal => &mut self.terminal,
        };
        let mut frames = Vec::new();
        framer.receive(now, bytes, &mut |heard| {
            if let Heard::Frame(data) = heard {
                frames.extend(Apdu::decode(data));
            }
        });
        let mut heard = Vec::new();
        for apdu in &frames {
            match side {
                Side::Till => self.ordered(now, apdu),
                Side::Terminal => heard.extend(self.told(apdu)),
            }
            // Taken, and not told of yet.
            heard.extend(self.taken.as_mut().and_then(Taken::begun));
        }
        heard
    }

    fn lost(&mut self) -> Option<Overheard> {
        (self.till, self.terminal) = (Dle::new(LIMIT, SILENCE), Dle::new(LIMIT, SILENCE));
        self.asked = None;
        self.end(|_| Ending::Unclear(NOT_HEARD.into()))
    }
}

impl Overhearing {
    fn ordered(&mut self, now: Timestamp, apdu: &Apdu) {
        if !command::is_answer(apdu) {
            self.asked = Some((command::read(apdu), now));
        }
    }

    fn told(&mut self, apdu: &Apdu) -> Option<Overheard> {
        match message::decode(apdu, Charset::default()) {
            Message::Accepted => {
                let (ordered, first) = self.asked.take()?;
                // One that is still open has lost its end: what is said from now on is of something else.
                let before = self.end(|_| Ending::Unclear(NOT_HEARD.into()));
                self.taken = ordered.map(|(order, names_currency)| Taken {
                    order,
                    names_currency,
                    first,
                    is_told: false,
                    answer: None,
                    is_contradicted: false,
                });
                before
            }
            Message::Refused(_) => {
                self.asked = None;
                None
            }
            Message::Status(answer, extras, _) => {
                let taken = self.taken.as_mut()?;
                taken.told(answer?, extras.is_error);
                None
            }
            Message::Completion(completion) => {
                let refused = completion.result.filter(|result| *result != code::SUCCESS);
                self.end(|taken| taken.completed(refused))
            }
            Message::Abort(reason, _) => self.end(|taken| taken.stopped(reason)),
            Message::Intermediate(..) | Message::Print(_) | Message::Other => None,
        }
    }

    fn end(&mut self, ending: impl FnOnce(&Taken) -> Ending) -> Option<Overheard> {
        let taken = self.taken.take()?;
        let ending = ending(&taken);
        let Taken { mut order, names_currency, first, answer, .. } = taken;
        let told = answer.as_ref().and_then(|answer| answer.currency);
        if let Some(currency) = told.filter(|_| !names_currency) {
            order.currency = currency;
        }
        Some(Overheard { order, first, answer, ending: Some(ending) })
    }
}

impl Taken {
    fn told(&mut self, mut answer: Box<Answer>, is_error: bool) {
        self.is_contradicted |= is_error && answer.approved;
        match &self.answer {
            Some(before) if contradicts(before, &answer) => self.is_contradicted = true,
            Some(before) if before.approved => {
                outcome::fill(&mut answer, before);
                self.answer = Some(answer);
            }
            _ => self.answer = Some(answer),
        }
    }

    /// That it has been taken, once.
    fn begun(&mut self) -> Option<Overheard> {
        let is_told = std::mem::replace(&mut self.is_told, true);
        let Self { order, first, .. } = self;
        let begun =
            || Overheard { order: order.clone(), first: *first, answer: None, ending: None };
        (!is_told).then(begun)
    }

    fn completed(&self, refused: Option<u8>) -> Ending {
        let Some(answer) = &self.answer else {
            return match refused {
                Some(code::ABORTED) => Ending::Aborted,
                Some(_) => Ending::Declined,
                None => Ending::Unclear("the terminal completed without saying how it went".into()),
            };
        };
        match answer.approved {
            false if answer.code == ABORTED => Ending::Aborted,
            false => Ending::Declined,
            true if self.is_contradicted || refused.is_some() => {
                Ending::Contradictory("the terminal approved and then said something else".into())
            }
            // Whether it fits, the ledger knows.
            true => Ending::Approved,
        }
    }

    fn stopped(&self, reason: u8) -> Ending {
        match &self.answer {
            Some(answer) if answer.approved => {
                Ending::Contradictory("the terminal approved and stopped all the same".into())
            }
            _ if reason == code::ABORTED => Ending::Aborted,
            _ => Ending::Declined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::terminal::Operation;
    use crate::frame::dle;

    const ACCEPTED: &[u8] = &[0x80, 0x00, 0x00];
    const COMPLETED: &[u8] = &[0x06, 0x0F, 0x00];
    const REPEAT_RECEIPT: &[u8] = &[0x06, 0x20, 0x03, 0, 0, 0];

    fn pay(cents: u8) -> Vec<u8> {
        vec![0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, cents, 0x50]
    }

    /// Approved, with this amount and receipt.
    fn approved(cents: u8, receipt: u8) -> Vec<u8> {
        vec![0x04, 0x0F, 0x0C, 0x27, 0, 0x04, 0, 0, 0, 0, cents, 0x50, 0x87, 0, receipt]
    }

    fn all_heard(dialogue: &[(Side, &[u8])]) -> Vec<Overheard> {
        let mut listener = listener();
        let hear = |(side, apdu): &(Side, &[u8])| {
            listener.hear(Timestamp(0), *side, Input::Bytes(&dle::frame(apdu)))
        };
        dialogue.iter().flat_map(hear).collect()
    }

    /// What has come to its end.
    fn heard(dialogue: &[(Side, &[u8])]) -> Vec<Overheard> {
        let all = all_heard(dialogue).into_iter();
        all.filter(|heard| heard.ending.is_some()).collect()
    }

    #[test]
    fn an_order_is_told_of_once_when_it_is_taken() {
        let order = pay(0x12);
        let all = all_heard(&[
            (Side::Till, &order),
            (Side::Terminal, ACCEPTED),
            (Side::Till, ACCEPTED),
            (Side::Terminal, &approved(0x12, 7)),
        ]);
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.order.amount, &one.answer, &one.ending), (1250, &None, &None));
    }

    #[test]
    fn a_payment_is_heard_with_its_receipt() {
        let (order, answer) = (pay(0x12), approved(0x12, 7));
        // Sent twice, since the terminal was busy acknowledging: it is one all the same.
        let all = heard(&[
            (Side::Till, &order),
            (Side::Till, &order),
            (Side::Terminal, ACCEPTED),
            (Side::Terminal, &answer),
            (Side::Till, ACCEPTED),
            (Side::Terminal, COMPLETED),
        ]);
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.order.operation, one.order.amount), (Operation::Payment, 1250));
        assert_eq!(
            (&one.ending, one.answer.as_ref().unwrap().receipt),
            (&Some(Ending::Approved), Some(7))
        );
    }

    #[test]
    fn what_another_command_brings_is_not_the_payments_before() {
        let (order, earlier) = (pay(0x12), approved(0x05, 6));
        // The completion is lost, and the till has the last receipt told: that of the sale before.
        let all = heard(&[
            (Side::Till, &order),
            (Side::Terminal, ACCEPTED),
            (Side::Till, REPEAT_RECEIPT),
            (Side::Terminal, ACCEPTED),
            (Side::Terminal, &earlier),
            (Side::Terminal, COMPLETED),
        ]);
        let [one] = all.as_slice() else { panic!("{all:?}") };
        let is_unclear = matches!(one.ending, Some(Ending::Unclear(_)));
        assert!(is_unclear && one.answer.is_none(), "{one:?}");
    }

    #[test]
    fn an_order_that_was_not_taken_is_none() {
        let order = pay(0x12);
        let refused: &[u8] = &[0x84, 0x9C, 0x00];
        for dialogue in [
            &[
                (Side::Till, order.as_slice()),
                (Side::Terminal, refused),
                (Side::Terminal, ACCEPTED),
            ][..],
            &[(Side::Till, &order), (Side::Till, REPEAT_RECEIPT), (Side::Terminal, ACCEPTED)],
        ] {
            let mut all = dialogue.to_vec();
            all.push((Side::Terminal, COMPLETED));
            assert_eq!(heard(&all), []);
        }
    }
}
