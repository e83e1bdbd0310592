//! The code by which a customer pays a merchant.
//!
//! Contract: pure. A code is one by its structure, on every device. What a wrong checksum covers cannot
//! be trusted, so such a code has no amount. Codes that are put up for everyone (EMVCo, UPI, links of
//! wallets) are public; those on invoices carry a bank account and often a person, and are for the
//! device's owner alone, their account masked in the details.
//!
//! Formats, fields and sources: `protocol-docs/merchant-qr.md`. [`compose`] writes what is read here.

pub mod compose;
pub mod emv;
mod epc;
pub mod iban;
mod links;
pub mod schemes;
mod swiss;
pub mod tlv;

use std::borrow::Cow;

use self::emv::{Account, Checksum, Holds, Payload, Tip};
use super::currency::Currency;
use super::{Code, Meaning, Outcome, Reasons, text};
use crate::event::{Content, Detail, Sensitivity, Value};

/// A merchant-presented code.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let text = code.text?;
    match text.as_bytes() {
        [b'0', b'0', ..] => emv_code(text, code.bytes, why),
        [b'B' | b'S', ..] => {
            epc::recognise(text, code.bytes, why).or_else(|| swiss::recognise(text, why))
        }
        // Digits are most of what is scanned.
        [first, ..] if first.is_ascii_alphabetic() => links::recognise(text, why),
        _ => None,
    }
}

fn emv_code(text: &str, bytes: &[u8], why: &mut impl Reasons) -> Option<Meaning> {
    let Some(read) = emv::read(text, bytes) else {
        let (at, checksum) = emv::damage(text, bytes)?;
        why.note("EMVCo merchant-presented code", Outcome::Yes, || {
            format!("it begins and ends as one, and is not made of fields from character {at} on")
        });
        note_checksum(checksum, why);
        let mut details = Details::new("emv");
        details.word("crc", checksum.word());
        details.count("damaged-at", u64::try_from(at).unwrap_or(u64::MAX));
        return Some(details.public());
    };
    why.note("EMVCo merchant-presented code", Outcome::Yes, || {
        format!(
            "it begins with version 01 and is made of fields; {} accounts",
            read.payload.accounts.len()
        )
    });
    note_checksum(read.checksum, why);
    for (id, what) in &read.odd {
        why.note("as EMVCo has it", Outcome::No, || format!("field {id:02} {what}"));
    }
    Some(emv_details(&read).public())
}

fn note_checksum(checksum: Checksum, why: &mut impl Reasons) {
    let (outcome, words) = match checksum {
        Checksum::Right => (Outcome::Yes, "field 63 is the CRC of all before it"),
        Checksum::Wrong => {
            (Outcome::No, "field 63 is not the CRC of all before it: no amount is given")
        }
        Checksum::Missing => (Outcome::No, "there is no field 63: no amount is given"),
    };
    why.note("checksum", outcome, || words.to_owned());
}

/// The fields under the names of `protocol-docs/merchant-qr.md`.
fn emv_details(read: &emv::Read) -> Details {
    let payload = &read.payload;
    let mut details = Details::new("emv");
    details.word("crc", read.checksum.word());
    if let Some(initiation) = payload.initiation {
        details.word("initiation", initiation.word());
    }
    accounts(&mut details, payload);
    money(&mut details, read);
    for (name, value) in [
        ("category", &payload.category),
        ("country", &payload.country),
        ("merchant-name", &payload.name),
        ("merchant-city", &payload.city),
        ("postal-code", &payload.postal_code),
    ] {
        details.text(name, value.as_deref());
    }
    for (id, name) in ADDITIONAL {
        let value = payload.additional.iter().find(|(other, _)| other == id);
        details.text(name, value.map(|(_, value)| value.as_str()));
    }
    let others =
        payload.additional.iter().filter(|(id, _)| ADDITIONAL.iter().all(|(other, _)| other != id));
    let others: Vec<_> =
        others.map(|(id, value)| (Cow::from(format!("{id:02}")), shown(value))).collect();
    if !others.is_empty() {
        details.list.push(("additional", Value::Map(others)));
    }
    if let Some(local) = &payload.local {
        details.text("language", Some(&local.language));
        details.text("merchant-name-local", Some(&local.name));
        details.text("merchant-city-local", local.city.as_deref());
    }
    if !payload.unreserved.is_empty() {
        let own = payload.unreserved.iter().map(|own| account(own, None)).collect();
        details.list.push(("unreserved", Value::List(own)));
    }
    details
}

/// The fields of table 3.7, and what is called so here.
const ADDITIONAL: &[(u8, &str)] = &[
    (1, "bill-number"),
    (2, "mobile-number"),
    (3, "store"),
    (4, "loyalty-number"),
    (5, "reference"),
    (6, "customer"),
    (7, "terminal"),
    (8, "purpose"),
    (9, "asks-for"),
    (10, "merchant-tax-id"),
    (11, "channel"),
];

fn accounts(details: &mut Details, payload: &Payload) {
    let country = payload.country.as_deref();
    let mut words: Vec<&'static str> = Vec::new();
    for word in payload.accounts.iter().filter_map(|account| scheme(account, country)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    details.schemes(&words);
    let all = payload.accounts.iter().map(|one| account(one, country)).collect();
    details.list.push(("accounts", Value::List(all)));
}

/// The scheme or card network that an account is of.
fn scheme(account: &Account, country: Option<&str>) -> Option<&'static str> {
    match &account.holds {
        Holds::Plain(_) => schemes::network(account.id),
        Holds::Template(identifier, _) if schemes::is_khqr(account.id, identifier, country) => {
            Some("khqr")
        }
        Holds::Template(..) => account.scheme().map(|scheme| scheme.word),
    }
}

fn account(account: &Account, country: Option<&str>) -> Value {
    let mut entries: Vec<(Cow<'static, str>, Value)> =
        vec![("id".into(), format!("{:02}", account.id).into())];
    if let Some(word) = scheme(account, country) {
        entries.push(("scheme".into(), word.into()));
    }
    match &account.holds {
        // A merchant's number in a card network looks like a card's.
        Holds::Plain(number) => entries.push(("number".into(), shown(&last_four(number)))),
        Holds::Template(identifier, fields) => {
            entries.push(("identifier".into(), shown(identifier)));
            let names = account.scheme().map_or(&[][..], |scheme| scheme.fields);
            for (id, value) in fields {
                let name = names.iter().find(|(other, _)| other == id);
                let name =
                    name.map_or_else(|| format!("{id:02}").into(), |(_, name)| (*name).into());
                entries.push((name, shown(value)));
            }
        }
    }
    Value::Map(entries)
}

/// All but the last four characters of a long number as asterisks.
fn last_four(number: &str) -> String {
    let count = number.chars().count();
    let is_long = count >= 12;
    let characters = number.chars().enumerate();
    characters.map(|(place, one)| if is_long && place + 4 < count { '*' } else { one }).collect()
}

fn money(details: &mut Details, read: &emv::Read) {
    let payload = &read.payload;
    if let Some(currency) = payload.currency {
        details.currency(currency);
    }
    details.text("currency-text", read.currency_text.as_deref());
    if read.checksum != Checksum::Right {
        return;
    }
    details.counted("amount", payload.amount);
    details.text("amount-text", read.amount_text.as_deref());
    match payload.tip {
        None => {}
        Some(Tip::Prompt) => details.word("tip", "asked-for"),
        Some(Tip::Fixed(fee)) => {
            details.word("tip", "fixed-fee");
            details.count("fee", fee);
        }
        Some(Tip::Percentage(percent)) => {
            details.word("tip", "percentage-fee");
            let shown = format!("{}.{:02}", percent / 100, percent % 100);
            details.text("fee-percent", Some(&shown));
        }
    }
}

/// Details being collected; what is empty is left out.
struct Details {
    list: Vec<Detail>,
}

impl Details {
    fn new(format: &'static str) -> Self {
        Self { list: vec![("format", format.into())] }
    }

    fn word(&mut self, name: &'static str, word: &'static str) {
        self.list.push((name, word.into()));
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.list.push((name, shown(value)));
        }
    }

    fn count(&mut self, name: &'static str, count: u64) {
        self.list.push((name, Value::Count(count)));
    }

    fn counted(&mut self, name: &'static str, count: Option<u64>) {
        self.list.extend(count.map(|count| (name, Value::Count(count))));
    }

    fn schemes(&mut self, words: &[&'static str]) {
        if !words.is_empty() {
            let words = words.iter().map(|word| (*word).into()).collect();
            self.list.push(("schemes", Value::List(words)));
        }
    }

    fn currency(&mut self, currency: Currency) {
        self.word("currency", currency.alpha);
        self.count("currency-exponent", currency.exponent.into());
    }

    fn public(self) -> Meaning {
        Meaning { details: self.list, ..Meaning::of(Content::MerchantQr) }
    }

    fn private(self) -> Meaning {
        Meaning { sensitivity: Sensitivity::Private, ..self.public() }
    }
}

/// Text of a code, as it can be shown.
fn shown(text: &str) -> Value {
    text::visible(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::Rules;
    use crate::normalize::reason::Step;

    fn recognised(text: &str) -> (Option<Meaning>, Vec<Step>) {
        let rules = Rules::default();
        let code = Code {
            symbology: crate::event::Symbology::Qr,
            aim: None,
            bytes: text.as_bytes(),
            text: Some(text),
            rules: &rules,
        };
        let mut steps = Vec::new();
        (recognise(&code, &mut steps), steps)
    }

    pub(super) fn details_of(text: &str) -> Vec<(&'static str, String)> {
        let (meaning, _) = recognised(text);
        let meaning = meaning.unwrap_or_else(|| panic!("{text}: no merchant's code"));
        assert_eq!(meaning.content, Content::MerchantQr);
        meaning.details.iter().map(|(name, value)| (*name, in_words(value))).collect()
    }

    pub(super) fn sensitivity_of(text: &str) -> Sensitivity {
        recognised(text).0.map_or(Sensitivity::Public, |meaning| meaning.sensitivity)
    }

    fn in_words(value: &Value) -> String {
        match value {
            Value::Count(count) => count.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Text(text) => text.to_string(),
            Value::Bytes(bytes) => format!("{bytes:02X?}"),
            Value::List(values) => values.iter().map(in_words).collect::<Vec<_>>().join(" | "),
            Value::Map(entries) => {
                let entries =
                    entries.iter().map(|(name, value)| format!("{name}={}", in_words(value)));
                entries.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn the_fields_of_a_code_are_details() {
        let code = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115\
                    802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.72530315655020162\
                    33030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";
        assert_eq!(
            details_of(code),
            [
                ("format", "emv"),
                ("crc", "right"),
                ("initiation", "dynamic"),
                (
                    "accounts",
                    "id=29 identifier=D15600000000 05=A93FO3230Q | id=31 identifier=D15600000001 03=12345678"
                ),
                ("currency", "CNY"),
                ("currency-exponent", "2"),
                ("amount", "2372"),
                ("tip", "asked-for"),
                ("category", "4111"),
                ("country", "CN"),
                ("merchant-name", "BEST TRANSPORT"),
                ("merchant-city", "BEIJING"),
                ("store", "1234"),
                ("customer", "***"),
                ("terminal", "A6008667"),
                ("asks-for", "ME"),
                ("language", "ZH"),
                ("merchant-name-local", "最佳运输"),
                ("merchant-city-local", "北京"),
                ("unreserved", "id=91 identifier=A011223344998877 07=12345678"),
            ]
            .map(|(name, value)| (name, value.to_owned()))
        );
        assert_eq!(sensitivity_of(code), Sensitivity::Public);
    }

    /// A code with these accounts, and a checksum that is not right.
    fn with_accounts(accounts: &[(u8, &str)], country: &str) -> String {
        let mut code = "000201".to_owned();
        for (id, value) in accounts.iter().chain(&[(58, country), (63, "1234")]) {
            assert!(tlv::push(&mut code, *id, value));
        }
        code
    }

    #[test]
    fn schemes_are_named_and_card_networks_numbers_masked() {
        for (name, accounts, country, want) in [
            (
                "PIX in capitals",
                &[(26, "0014BR.GOV.BCB.PIX0101k")][..],
                "BR",
                "id=26 scheme=pix identifier=BR.GOV.BCB.PIX key=k",
            ),
            (
                "QRIS beside its acquirer",
                &[(26, "0011ID.DANA.WWW"), (51, "0014ID.CO.QRIS.WWW0202ID")],
                "ID",
                "id=26 identifier=ID.DANA.WWW | id=51 scheme=qris identifier=ID.CO.QRIS.WWW \
                 merchant-id=ID",
            ),
            ("KHQR", &[(29, "0009shop@aclb")], "KH", "id=29 scheme=khqr identifier=shop@aclb"),
            (
                "a merchant's number at Visa",
                &[(2, "4000000000000002")],
                "IN",
                "id=02 scheme=visa number=************0002",
            ),
            ("no template", &[(30, "whatever")], "IN", "id=30 number=whatever"),
        ] {
            let details = details_of(&with_accounts(accounts, country));
            let accounts = details.iter().find(|(name, _)| *name == "accounts");
            assert_eq!(accounts.map(|(_, value)| value.as_str()), Some(want), "{name}");
        }
    }

    #[test]
    fn additional_fields_without_a_name_keep_their_digits() {
        let mut code = "0002015802PH".to_owned();
        assert!(
            tlv::push(&mut code, 62, "0003ph.0504ref15003x.y") && tlv::push(&mut code, 63, "1234")
        );
        let details = details_of(&code);
        assert!(details.contains(&("reference", "ref1".to_owned())), "{details:?}");
        assert!(details.contains(&("additional", "00=ph. 50=x.y".to_owned())), "{details:?}");
    }

    #[test]
    fn a_wrong_checksum_takes_the_amount_away() {
        let right =
            "00020101021229370016A0000006770101110113006692754538553037645802TH540550.006304B5FD";
        let amount = |text: &str| details_of(text).into_iter().find(|(name, _)| *name == "amount");
        assert_eq!(amount(right), Some(("amount", "5000".to_owned())));
        for changed in [right.replace("50.00", "90.00"), right.replace("6304B5FD", "")] {
            assert_eq!(amount(&changed), None, "{changed}");
        }
        let (_, steps) = recognised(&right.replace("50.00", "90.00"));
        assert!(steps.iter().any(|step| step.rule == "checksum" && step.outcome == Outcome::No));
        let cut = right.replace("5802TH", "5808TH");
        assert_eq!(
            details_of(&cut),
            [("format", "emv"), ("crc", "wrong"), ("damaged-at", "72")]
                .map(|(name, value)| (name, value.to_owned()))
        );
    }
}
