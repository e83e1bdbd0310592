//! What says who somebody is.
//!
//! Contract: pure. What is shown of it is masked, and the details hold nothing of the person.

pub mod licence;
pub mod resident_id;

use super::{Code, Meaning, Outcome, Reasons};
use crate::event::{Content, Detail, Sensitivity, Value};

/// A document or a number of a person.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    licence(code, why).or_else(|| national_id(code, why))
}

fn licence(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let header = licence::header(code.bytes)?;
    why.note("AAMVA licence", Outcome::Yes, || {
        format!("the header of issuer {}, version {}", header.issuer, header.version)
    });
    let mut details = vec![
        ("issuer", Value::from(header.issuer.to_owned())),
        ("version", Value::from(header.version.to_owned())),
    ];
    details.extend(header.document.map(|document| ("document", document.word().into())));
    Some(personal(Content::Licence, "********".to_owned(), details))
}

fn national_id(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    if !resident_id::is_valid(code.bytes) {
        return None;
    }
    why.note("resident identity number", Outcome::Yes, || {
        "18 characters: a province, a day of birth, and the check digit is right".to_owned()
    });
    let end = code.text.and_then(|text| text.get(16..)).unwrap_or("**");
    Some(personal(
        Content::NationalId,
        format!("****************{end}"),
        vec![("country", "CN".into())],
    ))
}

fn personal(content: Content, masked: String, details: Vec<Detail>) -> Meaning {
    Meaning {
        sensitivity: Sensitivity::Personal,
        masked: Some(masked),
        details,
        ..Meaning::of(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Symbology;
    use crate::normalize::Rules;

    fn recognised(text: &str) -> Option<Meaning> {
        let rules = Rules::default();
        let (symbology, bytes) = (Symbology::Unknown, text.as_bytes());
        let code = Code { symbology, aim: None, bytes, text: Some(text), rules: &rules };
        recognise(&code, &mut Vec::new())
    }

    #[test]
    fn what_is_shown_is_masked() {
        let id = recognised("11010519491231002X").unwrap();
        assert_eq!((id.content, id.sensitivity), (Content::NationalId, Sensitivity::Personal));
        assert_eq!(id.masked.as_deref(), Some("****************2X"));
        let text = "@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\n";
        let licence = recognised(text).unwrap();
        assert_eq!(
            (licence.content, licence.sensitivity, licence.masked.as_deref()),
            (Content::Licence, Sensitivity::Personal, Some("********"))
        );
        assert_eq!(
            licence.details,
            [
                ("issuer", Value::from("636000".to_owned())),
                ("version", Value::from("10".to_owned())),
                ("document", "driving-licence".into()),
            ]
        );
        assert!(recognised("a text").is_none());
    }
}
