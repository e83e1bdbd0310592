//! Why a code means what it means: for people who ask, free for everyone else.
//!
//! Contract: a step says which rule was asked and what it found. It never holds what a code carries,
//! for it may be shown where the code may not.

/// One rule that was asked about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule, in a few words.
    pub rule: &'static str,
    /// What it said.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub why: String,
}

/// What a rule said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Yes,
    /// It does not.
    No,
}

/// Who wants to know why.
pub trait Reasons {
    /// A rule was asked. `why` is called only where somebody listens.
    fn note(&mut self, rule: &'static str, outcome: Outcome, why: impl FnOnce() -> String);
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Reasons for Silent {
    #[inline]
    fn note(&mut self, _rule: &'static str, _outcome: Outcome, _why: impl FnOnce() -> String) {}
}

impl Reasons for Vec<Step> {
    fn note(&mut self, rule: &'static str, outcome: Outcome, why: impl FnOnce() -> String) {
        self.push(Step { rule, outcome, why: why() });
    }
}
