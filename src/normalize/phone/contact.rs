//! Somebody's address: vCard and MECARD.
//!
//! Contract: pure. RFC 6350 and the versions before it; MECARD as NTT DOCOMO set it down. The details say
//! which fields there are and never what they hold.

use super::{Meaning, Reasons, after, wifi};
use crate::event::{Content, Detail, Sensitivity, Value};
use crate::normalize::Outcome;

pub(super) fn recognise(code: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let (format, names, version) = vcard(code).or_else(|| mecard(code))?;
    why.note("address", Outcome::Yes, || {
        format!("a {format} with {} kinds of fields", names.len())
    });
    let mut details: Vec<Detail> = vec![("format", format.into())];
    details.extend(version.map(|version| ("version", version.into())));
    details.push(("fields", Value::List(names.into_iter().map(Value::from).collect())));
    Some(Meaning { sensitivity: Sensitivity::Private, details, ..Meaning::of(Content::Contact) })
}

/// A format, the names of its fields, its version.
type Found = (&'static str, Vec<String>, Option<String>);

fn vcard(code: &str) -> Option<Found> {
    let rest = after("BEGIN:VCARD", code)?;
    if !rest.starts_with(['\r', '\n']) {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    let mut version = None;
    // A line that begins with a blank goes on with the one before it.
    for line in rest.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.split(';').next().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match name.as_str() {
            "end" => break,
            "version" => {
                let is_version =
                    value.len() <= 4 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                version = is_version.then(|| value.to_owned());
            }
            _ if is_name && !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
    Some(("vcard", names, version))
}

fn mecard(code: &str) -> Option<Found> {
    let fields = wifi::fields(after("MECARD:", code)?);
    let mut names: Vec<String> = Vec::new();
    for (name, _) in fields {
        let name = name.to_ascii_lowercase();
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_name && !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then_some(("mecard", names, None))
}

#[cfg(test)]
mod tests {
    use super::super::tests::recognised;

    #[test]
    fn addresses() {
        for (text, want) in [
            (
                "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Doe;Jane\r\nFN:Jane Doe\r\nitem1.TEL;TYPE=work:+49 30\r\n\
                 TEL:+1\r\nNOTE:a\r\n b:c\r\nEND:VCARD\r\n",
                Some("format=vcard version=3.0 fields=n,fn,tel,note"),
            ),
            ("begin:vcard\nFN:x\nEND:VCARD", Some("format=vcard fields=fn")),
            ("MECARD:N:Doe,Jane;TEL:+1;EMAIL:a@b\\;c;;", Some("format=mecard fields=n,tel,email")),
            ("BEGIN:VCARDS", None),
            ("MECARD:", None),
        ] {
            let want = want.map(|details| ("contact", true, details.to_owned()));
            assert_eq!(recognised(text), want, "{text}");
        }
    }
}
