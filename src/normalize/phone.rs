//! What people show on a phone or a card: links, networks, addresses, boarding passes.
//!
//! Contract: pure. What says who somebody is, opens a door or holds a password goes to the device's owner
//! alone, in clear, and is in no detail. Formats, details and sources: `protocol-docs/contents.md`.

mod boarding_pass;
mod contact;
mod link;
mod wifi;

use super::{Code, Meaning, Reasons};

/// What a phone would offer to do something with.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let text = code.text?;
    wifi::recognise(text, why)
        .or_else(|| contact::recognise(text, why))
        .or_else(|| boarding_pass::recognise(text, why))
        .or_else(|| link::recognise(text, why))
}

/// What follows a beginning, in any case.
fn after<'a>(beginning: &str, text: &'a str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Sensitivity, Symbology, Value};
    use crate::normalize::{Rules, Silent};

    /// The content's word, whether it is for the owner alone, and the details in words.
    pub(super) fn recognised(text: &str) -> Option<(&'static str, bool, String)> {
        let rules = Rules::default();
        let code = Code {
            symbology: Symbology::Qr,
            aim: None,
            bytes: text.as_bytes(),
            text: Some(text),
            rules: &rules,
        };
        let meaning = recognise(&code, &mut Silent)?;
        let details =
            meaning.details.iter().map(|(name, value)| format!("{name}={}", shown(value)));
        let is_private = meaning.sensitivity == Sensitivity::Private;
        Some((meaning.content.word(), is_private, details.collect::<Vec<_>>().join(" ")))
    }

    fn shown(value: &Value) -> String {
        match value {
            Value::Count(count) => count.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Text(text) => text.to_string(),
            Value::Bytes(bytes) => format!("{bytes:02X?}"),
            Value::List(values) => values.iter().map(shown).collect::<Vec<_>>().join(","),
            Value::Map(entries) => {
                let entries =
                    entries.iter().map(|(name, value)| format!("{name}:{}", shown(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(";"))
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(tail in "(.|\n){0,200}", digits in "[0-9A-Z ]{0,120}") {
            for start in ["", "WIFI:", "MECARD:", "BEGIN:VCARD\n", "M1", "M2", "https://", "mailto:"] {
                let _ = recognised(&format!("{start}{tail}"));
                let _ = recognised(&format!("{start}{digits}"));
            }
        }
    }

    #[test]
    fn what_is_none_of_these() {
        for text in
            ["4006381333931", "hello", "", "WIFI", "M1", "BEGIN:", "a:b", "12:30", "tel", "x://"]
        {
            assert_eq!(recognised(text), None, "{text}");
        }
    }
}
