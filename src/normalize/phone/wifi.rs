//! The way into a wireless network.
//!
//! Contract: pure. `WIFI:` and fields that end in `;`, as the ZXing project set it down and as the Wi-Fi
//! Alliance's WPA3 specification (section 7) has it since. A backslash takes the meaning off `\`, `;`, `,`,
//! `"` and `:`.

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
    let name = find("S");
    why.note("wireless network", Outcome::Yes, || {
        let unnamed = if name.is_some() { "" } else { ", none of which names a network (S)" };
        format!("WIFI: and {} fields{unnamed}", fields.len())
    });
    let has_password = find("P").is_some();
    let security = find("T").unwrap_or("nopass").to_ascii_lowercase();
    let mut details: Vec<Detail> = Vec::new();
    details.extend(name.map(|name| ("ssid", shown(name))));
    details.push(("security", shown(&security)));
    details.push(("has-password", crate::event::Value::Flag(has_password)));
    if find("H").is_some_and(|hidden| hidden.eq_ignore_ascii_case("true")) {
        details.push(("hidden", crate::event::Value::Flag(true)));
    }
    // A password may stand where none is looked for: only a network that is open, and said to be so by
    // fields that are all known, is for everyone.
    let is_open = name.is_some()
        && security == "nopass"
        && fields
            .iter()
            .all(|(name, _)| ["S", "T", "H"].iter().any(|known| name.eq_ignore_ascii_case(known)));
    let sensitivity = if is_open { Sensitivity::Public } else { Sensitivity::Private };
    Some(Meaning { sensitivity, details, ..Meaning::of(Content::Wifi) })
}

fn shown(value: &str) -> crate::event::Value {
    text::visible(value).into()
}

/// The fields up to the empty one at the end, their escapes undone. What has no name has an empty one.
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
                // Two in a row end it.
                None if value.is_empty() => return fields,
                None => fields.push((String::new(), std::mem::take(&mut value))),
            },
            (character, _) => value.push(character),
        }
    }
    if name.is_some() || !value.is_empty() {
        fields.push((name.unwrap_or_default(), value));
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
            ("WIFI", None),
        ] {
            let want =
                want.map(|(content, private, details)| (content, private, details.to_owned()));
            assert_eq!(recognised(text), want, "{text}");
        }
    }

    #[test]
    fn what_begins_like_a_network_and_is_not_certainly_open_is_private() {
        for text in [
            "WIFI:T:WPA;P:secret;;",
            "WIFI:T:WPA;S:;P:secret;;",
            "WIFI:T:WPA;secret;S:shop;;",
            "WIFI:S:shop;secret",
            "WIFI:T:WPA2-EAP;S:shop;I:somebody;;",
            "WIFI:T:WPA;S:shop;;",
            "WIFI:secret",
            "WIFI:",
        ] {
            let (content, is_private, details) = recognised(text).unwrap();
            assert_eq!((content, is_private), ("wifi", true), "{text}");
            assert!(!details.contains("secret") && !details.contains("somebody"), "{details}");
        }
    }

    #[test]
    fn no_detail_holds_the_password() {
        let (_, _, details) = recognised("WIFI:T:WPA;S:shop;P:hunter2;;").unwrap();
        assert!(!details.contains("hunter2"));
        assert_eq!(fields("P:a\\;b;;X:y"), [("P".to_owned(), "a;b".to_owned())]);
    }
}
