//! The cashier in front of us, who is asked what the terminal cannot see for itself.

use std::io::IsTerminal as _;

use tillbus::event::terminal::{Question, Reply};
use tokio::sync::mpsc;

use crate::error::complain;
use crate::terminal;
use crate::value::{self, Map};

/// Who is asked, and what.
pub(super) struct Cashier {
    /// The transaction's number, for who answers elsewhere.
    transaction: String,
    /// Whether somebody reads what we ask.
    is_there: bool,
    asked: Option<Question>,
    lines: Option<mpsc::Receiver<String>>,
}

impl Cashier {
    pub(super) fn of(path: &str, is_script: bool) -> Self {
        let is_there = !is_script && std::io::stdin().is_terminal();
        let transaction = super::transaction_number(path).to_owned();
        Self { transaction, is_there, asked: None, lines: None }
    }

    /// Takes in what the daemon has said of the transaction, and asks where it has a question.
    pub(super) fn hear(&mut self, details: &Map) {
        self.asked = Question::from_word(value::text(details, "question"));
        let Some(question) = self.asked else { return };
        if self.is_there {
            self.lines.get_or_insert_with(terminal::lines);
            complain(&prompt(question));
        } else {
            complain(&self.elsewhere(question));
        }
    }

    /// How to answer from elsewhere, while something is asked.
    pub(super) fn open_question(&self) -> Option<String> {
        self.asked.map(|question| self.elsewhere(question))
    }

    /// What the cashier answers, once; it waits for ever where nothing is asked. Safe to cancel.
    pub(super) async fn answer(&mut self) -> String {
        loop {
            let (Some(question), Some(lines)) = (self.asked, &mut self.lines) else {
                return std::future::pending().await;
            };
            let Some(line) = lines.recv().await else {
                complain(&self.elsewhere(question));
                self.lines = None;
                continue;
            };
            if let Some(reply) = read(question, line.trim()) {
                self.asked = None;
                return reply.word().to_owned();
            }
            complain(&prompt(question));
        }
    }

    fn elsewhere(&self, question: Question) -> String {
        let Self { transaction, .. } = self;
        let answers = question.answers().join("|");
        let code = if question.code_length().is_some() { "CODE|" } else { "" };
        format!("answer it with: tillbusctl answer {transaction} {code}{answers}")
    }
}

fn prompt(question: Question) -> String {
    match question {
        Question::Signature => "is the signature all right? [y/n]".to_owned(),
        Question::Authorization => "the code that the bank gives by telephone, or n:".to_owned(),
    }
}

/// What was typed: yes and no by their first letter too.
fn read(question: Question, line: &str) -> Option<Reply> {
    let word = match (question, line.to_ascii_lowercase().as_str()) {
        (Question::Signature, "y" | "yes") => "yes",
        (_, "n" | "no") => "no",
        _ => line,
    };
    question.read(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_by_the_question() {
        let code = Some(Reply::Code("Y".into()));
        let rows = [
            (Question::Signature, "y", Some(Reply::Yes)),
            (Question::Signature, "No", Some(Reply::No)),
            (Question::Signature, "", None),
            (Question::Signature, "perhaps", None),
            (Question::Authorization, "n", Some(Reply::No)),
            (Question::Authorization, "Y", code),
            (Question::Authorization, "a code that is too long", None),
        ];
        for (question, line, want) in rows {
            assert_eq!(read(question, line), want, "{line:?}");
        }
    }

    #[test]
    fn who_answers_elsewhere_is_told_how() {
        let mut cashier = Cashier::of("/org/tillbus1/transaction/7", true);
        assert_eq!(cashier.open_question(), None);
        cashier.hear(&Map::from_iter([("question".to_owned(), "authorization".into())]));
        let told = cashier.open_question().unwrap();
        assert_eq!(told, "answer it with: tillbusctl answer 7 CODE|no");
    }
}
