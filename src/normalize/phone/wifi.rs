//! The way into a wireless network.
//!
//! Contract: pure. `WIFI:` and fields that end in `;`, as the ZXing project set it down and as the Wi-Fi
//! Alliance's WPA3 specification (section 7) has it since. A backslash takes the meaning off `\`, `;`, `,`,
//! `"` and `:`.

use std::borrow::Cow;

use super::{Meaning, Reasons, after};
use crate::event::{Content, Detail, Sensitivity};
use crate::normalize::Outcome;
use crate::normalize::text;

pub(super) fn recognise(code: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let fields = fields(after("WIFI:", code)?);
    let find = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    let Some(name) = find("S") else {
        why.note("wireless network", Outcome::No, || "it names no network (S)".to_owned());
        return None;
    };
    why.note("wireless network", Outcome::Yes, || format!("WIFI: and {} fields", fields.len()));
    let has_password = find("P").is_some();
    let security = find("T").unwrap_or("nopass").to_ascii_lowercase();
    let mut details: Vec<Detail> = vec![
        ("ssid", shown(name)),
        ("security", shown(&security)),
        ("has-password", crate::event::Value::Flag(has_password)),
    ];
    if find("H").is_some_and(|hidden| hidden.eq_ignore_ascii_case("true")) {
        details.push(("hidden", crate::event::Value::Flag(true)));
    }
    let sensitivity = if has_password { Sensitivity::Private } else { Sensitivity::Public };
    Some(Meaning { sensitivity, details, ..Meaning::of(Content::Wifi) })
}

fn shown(value: &str) -> crate::event::Value {
    text::visible(Cow::Borrowed(value)).into()
}

/// The fields up to the empty one at the end, their escapes undone.
pub(super) fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut name = None;
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, &name) {
            ('\\', _) => value.extend(characters.next()),
            (':', None) => name = Some(std::mem::take(&mut value)),
            (';', _) => match name.take() {
                Some(name) => fields.push((name, std::mem::take(&mut value))),
                // Two in a row end it; what stands alone is none.
                None if value.is_empty() => return fields,
                None => value.clear(),
            },
            (character, _) => value.push(character),
        }
    }
    if let Some(name) = name {
        fields.push((name, value));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::super::tests::recognised;
    use super::*;

    #[test]
    fn networks() {
        for (text, want) in [
            (
                "WIFI:T:WPA;S:shop;P:secret;;",
                Some(("wifi", true, "ssid=shop security=wpa has-password=true")),
            ),
            (
                "WIFI:S:a\\;b\\\\c\\:d;;",
                Some(("wifi", false, "ssid=a;b\\c:d security=nopass has-password=false")),
            ),
            (
                "wifi:P:p;H:true;T:SAE;S:guest",
                Some(("wifi", true, "ssid=guest security=sae has-password=true hidden=true")),
            ),
            ("WIFI:T:nopass;S:;;", None),
            ("WIFI:", None),
        ] {
            let want =
                want.map(|(content, private, details)| (content, private, details.to_owned()));
            assert_eq!(recognised(text), want, "{text}");
        }
    }

    #[test]
    fn no_detail_holds_the_password() {
        let (_, _, details) = recognised("WIFI:T:WPA;S:shop;P:hunter2;;").unwrap();
        assert!(!details.contains("hunter2"));
        assert_eq!(fields("P:a\\;b;;X:y"), [("P".to_owned(), "a;b".to_owned())]);
    }
}
