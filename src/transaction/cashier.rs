//! What a cashier's word makes of a transaction that waits for it.

use super::{Intent, Next, State, Transaction};
use crate::event::terminal::{Operation, Original, Question, Reply};

/// What a cashier's reply leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is over.
    End(State, &'static str),
    /// What the terminal has booked has to be reversed.
    Undo,
    /// The terminal is told again, with this authorization code.
    Authorize(String),
}

impl Transaction {
    /// What a reply leads to; nothing where nothing is asked that it answers.
    #[must_use]
    pub fn verdict(&self, reply: &Reply) -> Option<Verdict> {
        Some(match (self.question?, reply) {
            (Question::Signature, Reply::Yes) => Verdict::End(State::Approved, ""),
            (Question::Signature, Reply::No) => Verdict::Undo,
            (Question::Authorization, Reply::No) => {
                Verdict::End(State::Declined, "there is no authorization code for it")
            }
            (Question::Authorization, Reply::Code(code)) => Verdict::Authorize(code.clone()),
            (Question::Signature, Reply::Code(_)) | (Question::Authorization, Reply::Yes) => {
                return None;
            }
        })
    }

    /// What is asked for to undo it, and what is known of it: a reversal of exactly its receipt. Nothing
    /// where the terminal has named no receipt.
    #[must_use]
    pub fn reversal(&self, began: u64) -> Option<(Intent, Original)> {
        let answer = self.answer.as_deref()?;
        let intent = Intent {
            // Keys are clients'; this one is found by what it undoes.
            key: String::new(),
            operation: Operation::Reversal,
            amount: 0,
            receipt: Some(answer.receipt?),
            began,
            ..self.intent.clone()
        };
        Some((intent, Original { amount: answer.amount, trace: answer.trace }))
    }

    /// From now on it is up to another transaction, the reversal.
    pub fn undo(&mut self, reversal: u64) {
        self.state = State::InProgress;
        self.question = None;
        self.undone_by = Some(reversal);
    }

    /// The reversal that was to undo it has come to its end. Where it has done nothing, the cashier is
    /// asked again.
    pub fn undone(&mut self, reversal: &Self) -> Next {
        if self.undone_by != Some(reversal.id) || self.state.is_final() {
            return Next::Nothing;
        }
        let id = reversal.id;
        match reversal.state {
            State::Approved => {
                let why =
                    format!("the cashier refused the signature, transaction {id} reversed it");
                self.close(State::Declined, &why);
                Next::Over
            }
            State::Unknown => {
                let why = format!(
                    "the cashier refused the signature, and whether transaction {id} reversed it is \
                     not known; settle that one"
                );
                // What the terminal said of the payment is not in doubt, only whether it was taken back.
                let said = self.answer.take();
                self.close(State::Unknown, &why);
                self.answer = said;
                Next::Over
            }
            _ => {
                self.undone_by = None;
                self.reason = format!("transaction {id} could not reverse it");
                self.ask(Question::Signature)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{last, transaction};
    use super::super::{Known, Transaction};
    use super::*;
    use crate::event::terminal::{Answer, Ending, Entry};

    /// A payment that the customer has signed for.
    fn signed() -> Transaction {
        let mut transaction = transaction();
        let question = Some(Question::Signature);
        let answer = Answer { question, trace: Some(7), ..last() };
        transaction.note(&Entry::Answer(Box::new(answer)));
        assert_eq!(transaction.note(&Entry::Ended(Ending::Approved)), Next::Ask);
        assert_eq!(transaction.state, State::AwaitingCashier);
        transaction
    }

    #[test]
    fn what_the_customer_has_signed_for_counts_when_the_cashier_says_so() {
        let mut transaction = signed();
        assert_eq!(transaction.left_over(), Next::Nothing, "the terminal is done with it");
        assert_eq!(transaction.verdict(&Reply::Code("1".into())), None);
        let Some(Verdict::End(state, why)) = transaction.verdict(&Reply::Yes) else { panic!() };
        transaction.close(state, why);
        assert_eq!(transaction.state, State::Approved);
        assert_eq!(transaction.verdict(&Reply::No), None, "nothing is asked any more");
    }

    #[test]
    fn a_signature_is_not_forgotten_because_the_last_receipt_does_not_tell_of_it() {
        let mut transaction = transaction();
        let question = Some(Question::Signature);
        let told = Answer { signature: true, question, ..last() };
        transaction.note(&Entry::Answer(Box::new(told)));
        // The completion was not seen; asked again, the terminal tells less.
        transaction.note(&Entry::Answer(Box::new(last())));
        assert_eq!(transaction.note(&Entry::Ended(Ending::Approved)), Next::Ask);
        assert!(transaction.answer.unwrap().signature);
    }

    #[test]
    fn a_refused_signature_is_a_reversal_of_exactly_that_receipt() {
        let mut payment = signed();
        assert_eq!(payment.verdict(&Reply::No), Some(Verdict::Undo));
        let (intent, original) = payment.reversal(9).unwrap();
        assert_eq!((intent.operation, intent.receipt), (Operation::Reversal, Some(42)));
        assert_eq!(original, Original { amount: Some(1250), trace: Some(7) });
        payment.undo(2);
        assert_eq!(payment.left_over(), Next::Nothing, "the reversal decides");
        let ended =
            |state| Transaction { state, ..Transaction::new(2, intent.clone(), Known::default()) };
        let rows = [
            (State::Approved, State::Declined, Next::Over),
            (State::Unknown, State::Unknown, Next::Over),
            (State::Declined, State::AwaitingCashier, Next::Ask),
            (State::Failed, State::AwaitingCashier, Next::Ask),
        ];
        for (reversal, want, next) in rows {
            let mut payment = payment.clone();
            assert_eq!(payment.undone(&ended(reversal)), next);
            assert_eq!(payment.state, want, "{reversal:?}");
        }
        let other = Transaction { id: 3, ..ended(State::Approved) };
        assert_eq!(payment.undone(&other), Next::Nothing, "another one's reversal");
    }

    #[test]
    fn a_code_from_the_bank_begins_the_try_anew() {
        let mut transaction = transaction();
        let question = Some(Question::Authorization);
        let answer = Answer { question, code: "02".into(), ..Answer::default() };
        transaction.note(&Entry::Answer(Box::new(answer)));
        assert_eq!(transaction.note(&Entry::Ended(Ending::Declined)), Next::Ask);
        let code = Reply::Code("123456".into());
        assert_eq!(transaction.verdict(&code), Some(Verdict::Authorize("123456".into())));
        transaction.note(&Entry::Sending);
        assert_eq!((transaction.state, transaction.question), (State::Sent, None));
        assert_eq!((transaction.is_accepted, &transaction.answer), (false, &None));
        assert_eq!(transaction.left_over(), Next::Enquire);
    }
}
