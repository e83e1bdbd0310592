//! Links, and the other things that phones do something with: mail, calls, messages, places, dates.
//!
//! Contract: pure. RFC 3986. A link with a password in it, and one that sets up a one-time password, are
//! for the owner alone.

use super::{Meaning, Reasons, after};
use crate::event::{Content, Detail, Sensitivity, Value};
use crate::normalize::Outcome;
use crate::normalize::text;

/// Schemes whose links have no `://`, and those of the first mobile phones.
const BARE: &[&str] = &["mailto", "tel", "sms", "smsto", "mms", "mmsto", "geo", "urn", "bitcoin"];

/// How texts begin that are no links, and what they are.
const FORMATS: &[(&str, &str)] = &[
    ("BEGIN:VCALENDAR", "icalendar"),
    ("BEGIN:VEVENT", "icalendar"),
    ("MATMSG:", "matmsg"),
    ("MEBKM:", "mebkm"),
];

/// A scheme that sets up one-time passwords: its secret is in the link.
const ONE_TIME_PASSWORD: &str = "otpauth";

pub(super) fn recognise(code: &str, why: &mut impl Reasons) -> Option<Meaning> {
    if let Some((_, format)) = FORMATS.iter().find(|(start, _)| after(start, code).is_some()) {
        why.note("text of a known format", Outcome::Yes, || format!("it begins as {format} does"));
        return Some(Meaning {
            details: vec![("format", (*format).into())],
            ..Meaning::of(Content::Text)
        });
    }
    if !text::is_url(code) {
        return bare(code, why);
    }
    why.note("link", Outcome::Yes, || "a scheme, `://` and no space behind it".to_owned());
    let (scheme, rest) = code.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = without_port(host).to_lowercase();
    let is_secret = scheme == ONE_TIME_PASSWORD || user.is_some_and(|user| user.contains(':'));
    let is_international =
        !host.is_ascii() || host.split('.').any(|label| label.starts_with("xn--"));
    let mut details: Vec<Detail> = vec![("scheme", scheme.into())];
    if !host.is_empty() {
        details.push(("host", text::visible(&host).into()));
    }
    if is_international {
        // Letters of other scripts can look like those of the host that one thinks it is.
        details.push(("host-is-international", Value::Flag(true)));
    }
    if user.is_some() {
        details.push(("has-user", Value::Flag(true)));
    }
    let sensitivity = if is_secret { Sensitivity::Private } else { Sensitivity::Public };
    Some(Meaning { sensitivity, details, ..Meaning::of(Content::Url) })
}

/// A link without `://`.
fn bare(code: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let scheme = BARE.iter().find(|scheme| {
        after(scheme, code)
            .and_then(|rest| rest.strip_prefix(':'))
            .is_some_and(|rest| !rest.is_empty())
    })?;
    // A message to be sent may have blanks and line ends in it.
    why.note("link", Outcome::Yes, || format!("it begins `{scheme}:`"));
    Some(Meaning { details: vec![("scheme", (*scheme).into())], ..Meaning::of(Content::Url) })
}

/// The host without the port; the colons of an address of IPv6 are none.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recognised;

    #[test]
    fn links() {
        for (text, is_private, details) in [
            ("https://example.org/a?b#c", false, "scheme=https host=example.org"),
            ("HTTP://EXAMPLE.ORG:8080", false, "scheme=http host=example.org"),
            ("https://[2001:db8::1]:443/", false, "scheme=https host=[2001:db8::1]"),
            (
                "https://bank.example@evil.example/",
                false,
                "scheme=https host=evil.example has-user=true",
            ),
            ("ftp://me:pw@h.example/", true, "scheme=ftp host=h.example has-user=true"),
            (
                "https://xn--bcher-kva.example",
                false,
                "scheme=https host=xn--bcher-kva.example host-is-international=true",
            ),
            (
                "https://BÜCHER.example",
                false,
                "scheme=https host=bücher.example host-is-international=true",
            ),
            ("otpauth://totp/shop?secret=JBSWY3DPEHPK3PXP", true, "scheme=otpauth host=totp"),
            ("file:///etc/hosts", false, "scheme=file"),
            ("mailto:a@b.example?subject=hello", false, "scheme=mailto"),
            ("TEL:+4930123", false, "scheme=tel"),
            ("geo:52.5,13.4", false, "scheme=geo"),
            ("SMSTO:+4930123:see you", false, "scheme=smsto"),
        ] {
            assert_eq!(recognised(text), Some(("url", is_private, details.to_owned())), "{text}");
        }
        for text in ["mailto:", "telephone:1", "see https://example.org"] {
            assert_eq!(recognised(text), None, "{text}");
        }
    }

    #[test]
    fn texts_of_known_formats() {
        for (text, format) in [
            ("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", "icalendar"),
            ("begin:vcalendar\n", "icalendar"),
            ("MATMSG:TO:a@b;SUB:x;BODY:y;;", "matmsg"),
        ] {
            assert_eq!(
                recognised(text),
                Some(("text", false, format!("format={format}"))),
                "{text}"
            );
        }
    }
}
