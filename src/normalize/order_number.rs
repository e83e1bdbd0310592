//! Numbers of the shop's own, by the configuration's patterns: a receipt that is scanned for a refund.
//!
//! Contract: pure. A pattern has to match the whole text. It is asked after everything that pays or
//! says who somebody is, and after article numbers, but for those that are the shop's own to give
//! out; so the widest pattern makes no secret public and hides no article.
//!
//! The patterns are those of the crate `regex-lite`: the usual ones, in linear time, without the
//! tables of Unicode.

use regex_lite::Regex;

use super::{Code, Meaning, Outcome, Reasons};
use crate::event::Content;

/// What the shop's own order and receipt numbers look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

/// What one kind of number looks like.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads a pattern as it is written.
    ///
    /// # Errors
    ///
    /// What was found and what is accepted.
    pub fn parse(source: &str) -> Result<Self, String> {
        // Checked by itself first: `a)(b` is a pattern only in brackets.
        Regex::new(source).map_err(|error| refused(source, &error.to_string()))?;
        let whole = Regex::new(&format!("^(?:{source})$"));
        let regex = whole.map_err(|error| refused(source, &error.to_string()))?;
        if regex.is_match("") {
            return Err(format!(
                "{source:?} matches nothing at all; accepted is a pattern of something"
            ));
        }
        Ok(Self { source: source.to_owned(), regex })
    }
}

fn refused(source: &str, error: &str) -> String {
    format!(
        "{source:?} is no pattern ({error}); accepted are regular expressions such as R-[0-9]{{8}}"
    )
}

impl Patterns {
    /// These patterns, in their order.
    #[must_use]
    pub fn new(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }

    /// The number in a text: the first group of the first pattern that matches it, or all of it.
    pub(super) fn read<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.iter().find_map(|pattern| {
            let groups = pattern.regex.captures(text)?;
            let group = groups.get(1).or_else(|| groups.get(0))?;
            Some(group.as_str())
        })
    }
}

/// One of the shop's own numbers.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let patterns = &code.rules.shop.order_numbers;
    if patterns.0.is_empty() {
        return None;
    }
    let Some(number) = code.text.and_then(|text| patterns.read(text)) else {
        why.note("order number", Outcome::No, || "no pattern of the configuration".to_owned());
        return None;
    };
    why.note("order number", Outcome::Yes, || "a pattern of the configuration".to_owned());
    let details = vec![("order-number", number.to_owned().into())];
    Some(Meaning { details, ..Meaning::of(Content::OrderNumber) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(sources: &[&str]) -> Patterns {
        Patterns::new(sources.iter().map(|source| Pattern::parse(source).unwrap()).collect())
    }

    #[test]
    fn the_whole_text_has_to_match() {
        let patterns = patterns(&["R-([0-9]{4})", "A|B", "https://shop\\.example/r/(\\w+)"]);
        for (text, want) in [
            ("R-1234", Some("1234")),
            ("R-12345", None),
            ("xR-1234", None),
            ("R-1234\n", None),
            ("B", Some("B")),
            ("AB", None),
            ("https://shop.example/r/x7", Some("x7")),
        ] {
            assert_eq!(patterns.read(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_told() {
        for source in ["R-(", "a)(b", "", "x*"] {
            let error = Pattern::parse(source).unwrap_err();
            assert!(error.contains("accepted"), "{error}");
        }
    }
}
