//! What a cashier is asked before a transaction counts, and what may be answered.
//!
//! Contract: plain data. A question is open when the terminal's own dialogue is over and the decision is
//! the till's. It has no time-out: what the customer has paid is paid, and nobody decides in the
//! cashier's place.

/// What a cashier is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The customer has signed: is that the holder of the card?
    Signature,
    /// The bank wants to be called: which authorization code does it give?
    Authorization,
}

/// What a cashier answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is all right.
    Yes,
    /// It is not, or there is none.
    No,
    /// The code that the bank has given.
    Code(String),
}

/// The longest authorization code: bitmap 3B of ZVT and field 38 of ISO 8583 have no room for more.
const LONGEST_CODE: usize = 8;

impl Question {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Signature, Self::Authorization];

    /// The word used on the bus and in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Authorization => "authorization",
        }
    }

    /// The question of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The question in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Signature => "the customer has to sign: is the signature all right?",
            Self::Authorization => {
                "the bank has to be called: which authorization code does it give?"
            }
        }
    }

    /// The words that are accepted as they stand.
    #[must_use]
    pub const fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Signature => &["yes", "no"],
            Self::Authorization => &["no"],
        }
    }

    /// The most characters of a code, where one is accepted.
    #[must_use]
    pub const fn code_length(self) -> Option<usize> {
        match self {
            Self::Signature => None,
            Self::Authorization => Some(LONGEST_CODE),
        }
    }

    /// What is accepted, for an error to name.
    #[must_use]
    pub const fn accepted(self) -> &'static str {
        match self {
            Self::Signature => "yes, no",
            Self::Authorization => "no, or the code of 1 to 8 letters and digits",
        }
    }

    /// The reply that a text is; nothing where it is none to this question.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Reply> {
        match text {
            "yes" if self == Self::Signature => Some(Reply::Yes),
            "no" => Some(Reply::No),
            code => self.code(code).map(Reply::Code),
        }
    }

    fn code(self, text: &str) -> Option<String> {
        let fits = (1..=self.code_length()?).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (fits && plain).then(|| text.to_owned())
    }
}

impl Reply {
    /// The reply as it is kept.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Code(code) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_by_the_question() {
        let code = |text: &str| Some(Reply::Code(text.to_owned()));
        let rows = [
            (Question::Signature, "yes", Some(Reply::Yes)),
            (Question::Signature, "no", Some(Reply::No)),
            (Question::Signature, "Yes", None),
            (Question::Signature, "123456", None),
            (Question::Authorization, "no", Some(Reply::No)),
            (Question::Authorization, "12A456", code("12A456")),
            (Question::Authorization, "12345678", code("12345678")),
            (Question::Authorization, "123456789", None),
            (Question::Authorization, "12 34", None),
            (Question::Authorization, "", None),
        ];
        for (question, text, want) in rows {
            assert_eq!(question.read(text), want, "{question:?} {text:?}");
        }
        for question in Question::ALL {
            assert_eq!(Question::from_word(question.word()), Some(question));
            for answer in question.answers() {
                assert!(question.read(answer).is_some(), "{answer}");
            }
        }
    }
}
