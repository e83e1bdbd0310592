//! A card number in a code that is no card: typed, printed in a QR code, in a link or on a receipt.
//!
//! Contract: pure. A number that has a card number's length, the beginning of a known issuer's and the right
//! check digit makes whatever holds it card data: for the owner alone, masked, and whole only as far as
//! `financial-cards` lets it out. What the code is stays what it was. Account numbers (IBAN) are treated
//! so too, but for the policy: they are somebody's own, and no card's.
//!
//! A tenth of all numbers has the right check digit, so this is asked where nothing else is known: goods,
//! payment codes and merchants' codes have been heard before. The shop's own patterns are asked after it,
//! since one that is too wide must not make a card number public.
//!
//! What is found where and how often it is wrong: `protocol-docs/cards.md`.

mod account;
mod characters;
mod find;
pub(super) mod printed;

use std::borrow::Cow;
use std::ops::Range;

use self::characters::{Source, has_escapes};
use self::find::{Findings, Found, Wanted, What};
use super::card::pan::{self, Shown};
use super::card::rules::Ranges;
use super::card::{CardRules, Financial};
use super::merchant_qr::iban;
use super::{Code, Meaning, Outcome, Reasons, payment_code, phone, plain, text};
use crate::event::{Content, Detail, Sensitivity, Value};

/// The rule's name, for people who ask why.
const RULE: &str = "card number";
/// Stands for what is not shown.
const HIDDEN: char = '*';
/// The fewest digits or letters of any number that is looked for.
const SHORTEST: usize = *pan::LENGTHS.start();
/// What of a merchant's code is about the customer, or anything that somebody wrote. The other numbers
/// are the merchant's own, and put up for everyone.
const OF_CUSTOMERS: [&str; 4] = ["mobile-number", "loyalty-number", "customer", "purpose"];

/// Whether there is the number of a known issuer's card in a text that is none of the shop's own.
#[must_use]
pub fn is_in(text: &str, allow: &Ranges) -> bool {
    let wanted = Wanted { allow, accounts: false };
    !in_text(text, wanted).found.is_empty()
}

/// A code that holds a card or account number and is nothing that other rules know.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let findings = in_code(code, Wanted { allow: &code.rules.cards.allow, accounts: true });
    if findings.found.is_empty() {
        if findings.looked_at > 0 {
            why.note(RULE, Outcome::No, || {
                "none of its numbers of 12 to 19 digits has a known issuer and the right check digit"
                    .to_owned()
            });
        }
        return None;
    }
    // On a device for payments digits alone are a payment code, a card's number or not.
    if let Some(meaning) = payment_code::unlisted(code, why) {
        return Some(meaning);
    }
    let known = phone::recognise(code, why).unwrap_or_else(|| plain(code, why));
    Some(kept_back(code, known, &findings.found, why))
}

/// What a code means that another rule knows, with the card numbers masked that it may hold.
pub(super) fn within(code: &Code<'_>, known: Meaning, why: &mut impl Reasons) -> Meaning {
    let cards = Wanted { allow: &code.rules.cards.allow, accounts: false };
    if known.sensitivity == Sensitivity::Personal {
        return known;
    }
    let found = match (known.content, detail(&known, "format")) {
        (Content::Gs1 | Content::Gtin, _) => in_gs1(code, &known, cards),
        (Content::Coupon, _) => Vec::new(),
        (Content::MerchantQr, Some("emv")) => in_details(code, &known, &OF_CUSTOMERS, cards),
        // An invoice has its account in it, as it should.
        (Content::MerchantQr, _) => {
            let found = in_code(code, Wanted { accounts: true, ..cards }).found;
            found.into_iter().filter(|found| found.what != What::Account).collect()
        }
        _ => in_code(code, Wanted { accounts: true, ..cards }).found,
    };
    if found.is_empty() {
        return known;
    }
    let is_all = |one: &Found| code.text.is_some_and(|text| is_all(text, one));
    let is_gs1 = matches!(known.content, Content::Gs1 | Content::Gtin);
    let known = if is_gs1 && found.iter().any(is_all) { without_fields(known) } else { known };
    kept_back(code, known, &found, why)
}

/// A number that was taken for GS1 data, without its fields: each holds a part of the number, in which
/// the number is not found again. Only what kinds of faults there are stays.
fn without_fields(known: Meaning) -> Meaning {
    let kinds = |value: Value| match value {
        Value::List(faults) => Value::List(faults.into_iter().filter_map(kind).collect()),
        _ => Value::List(Vec::new()),
    };
    let faults = known.details.into_iter().filter(|(name, _)| *name == "gs1-faults");
    let details = faults.map(|(name, value)| (name, kinds(value))).collect();
    Meaning { details, gtin: None, ..known }
}

/// A fault without the identifier of its field, which is the beginning of the number.
fn kind(fault: Value) -> Option<Value> {
    let Value::Map(entries) = fault else { return None };
    let entries = entries.into_iter().filter(|(name, _)| matches!(&**name, "fault" | "why"));
    Some(Value::Map(entries.collect()))
}

/// The text of a detail.
fn detail<'m>(meaning: &'m Meaning, name: &str) -> Option<&'m str> {
    let (_, value) = meaning.details.iter().find(|(known, _)| *known == name)?;
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn in_code(code: &Code<'_>, wanted: Wanted<'_>) -> Findings {
    match code.text {
        Some(text) => in_text(text, wanted),
        None if code.bytes.len() < SHORTEST => Findings::default(),
        None => find::search(Source::Bytes(code.bytes), wanted),
    }
}

/// The numbers in a text, as it stands and with the escapes of links undone.
fn in_text(text: &str, wanted: Wanted<'_>) -> Findings {
    if text.len() < SHORTEST {
        return Findings::default();
    }
    let mut findings = find::search(Source::Text(text), wanted);
    if has_escapes(text) {
        let more = find::search(Source::Escaped(text), wanted);
        findings.looked_at += more.looked_at;
        findings.steps += more.steps;
        let known = &findings.found;
        let is_new = |found: &Found| {
            let Range { start, end } = found.range();
            let before = known.partition_point(|known| known.range().start < end);
            let last = before.checked_sub(1).and_then(|last| known.get(last));
            last.is_none_or(|known| known.range().end <= start)
        };
        let more: Vec<Found> = more.found.into_iter().filter(is_new).collect();
        findings.found.extend(more);
        findings.found.sort_by_key(|found| found.range().start);
    }
    findings
}

/// The numbers of GS1 data: in the fields that companies agree on among themselves (90 to 99), in what
/// stands beside the fields of a link, and where all of a code that has such a field, or a fault, or not
/// what its field needs beside it, is one.
///
/// Any other field that is as long has a meaning: of a hundred serial numbers of sixteen digits two
/// would pass, and goods would be kept from the till.
fn in_gs1(code: &Code<'_>, known: &Meaning, wanted: Wanted<'_>) -> Vec<Found> {
    let Some(text) = code.text else { return Vec::new() };
    let Some(fields) = detail(known, "gs1-hri") else { return Vec::new() };
    let is_link = text::is_url(text);
    let is_faulty =
        known.details.iter().any(|(name, _)| matches!(*name, "gs1-faults" | "gs1-missing"));
    if !is_link && !is_faulty && !fields.contains("(9") {
        return Vec::new();
    }
    let of_companies = |found: &Found| {
        let before = fields.get(..found.range().start).unwrap_or_default();
        before.rsplit_once('(').is_some_and(|(_, field)| field.starts_with('9'))
    };
    let (inside, others): (Vec<Found>, Vec<Found>) =
        in_text(fields, wanted).found.into_iter().partition(of_companies);
    let mut found = placed(text, inside);
    if is_link {
        let beside = in_text(text, wanted).found;
        let is_known =
            |one: &Found| others.iter().chain(&found).any(|other| other.number == one.number);
        let beside: Vec<Found> = beside.into_iter().filter(|one| !is_known(one)).collect();
        found.extend(beside);
    } else {
        let whole = in_text(text, wanted).found;
        found.extend(whole.into_iter().filter(|one| is_all(text, one)));
    }
    found.sort_by_key(|one| one.range().start);
    found.dedup_by_key(|one| one.range());
    found
}

/// Whether there is nothing but this number in a text, and signs.
fn is_all(text: &str, found: &Found) -> bool {
    let Range { start, end } = found.range();
    let rest = [text.get(..start), text.get(end..)];
    !rest.into_iter().flatten().any(|rest| rest.contains(char::is_alphanumeric))
}

/// The numbers in some details of a code.
fn in_details(code: &Code<'_>, known: &Meaning, names: &[&str], wanted: Wanted<'_>) -> Vec<Found> {
    let Some(text) = code.text else { return Vec::new() };
    let details = known.details.iter().filter(|(name, _)| names.contains(name));
    let values = details.filter_map(|(_, value)| match value {
        Value::Text(value) => Some(in_text(value, wanted).found),
        _ => None,
    });
    placed(text, values.flatten().collect())
}

/// Numbers that were found in a part of a text, where they stand in all of it; a number that is written
/// otherwise there costs all of the text.
fn placed(text: &str, found: Vec<Found>) -> Vec<Found> {
    let mut placed = Vec::new();
    for one in found {
        let before = placed.len();
        placed.extend(occurrences(text, &one));
        if placed.len() == before {
            let last = one.number.len().saturating_sub(1);
            let mut places = vec![0..0; last];
            places.push(0..text.len());
            placed.push(Found { places, behind: None, ..one });
        }
    }
    placed
}

/// A number wherever it stands in a text in one piece.
fn occurrences(text: &str, one: &Found) -> impl Iterator<Item = Found> {
    text.match_indices(one.number.expose()).map(|(at, piece)| Found {
        what: one.what,
        number: one.number.clone(),
        places: (at..at + piece.len()).map(|at| at..at + 1).collect(),
        behind: None,
    })
}

/// What may be said of a code that holds these numbers.
fn kept_back(code: &Code<'_>, known: Meaning, found: &[Found], why: &mut impl Reasons) -> Meaning {
    let rules = &code.rules.cards;
    for one in found {
        why.note(RULE, Outcome::Yes, || reason(one));
    }
    let cards: Vec<&Found> = found.iter().filter(|one| one.what != What::Account).collect();
    let policy = if cards.is_empty() { Financial::Allow } else { rules.on_clear_heads() };
    if !cards.is_empty() {
        why.note("financial-cards", Outcome::Yes, || {
            let what = match policy {
                Financial::Refuse => "`refuse`: no digit of it is shown, and the bytes are wiped",
                Financial::Masked => "`masked`: it is shown masked, and the bytes are wiped",
                Financial::Allow => {
                    "`allow`: it is shown masked, and all of it is handed out by Take"
                }
            };
            what.to_owned()
        });
    }
    let shown = (policy != Financial::Refuse).then_some(rules.shown);
    let hide = |text: &str, found: &[Found]| text::visible(&hidden(text, found, shown));
    let masked = code.text.map(|text| hide(text, found)).unwrap_or_default();
    let mut details = known.details;
    for (_, value) in &mut details {
        hide_value(value, found, rules, shown);
    }
    details.extend(said(&cards, found, policy, rules));
    Meaning {
        sensitivity: Sensitivity::Card,
        masked: Some(masked),
        details,
        wiped: policy != Financial::Allow,
        ..known
    }
}

/// Why a number was taken for one.
fn reason(found: &Found) -> String {
    let count = found.number.len();
    match found.what {
        What::Account => format!(
            "an account number: {count} characters, as many as its country has, and its check digits \
             are right (ISO 13616)"
        ),
        What::Card(brand) => {
            let issuer = brand.map_or_else(
                || "no known issuer's, on a whole track 1".to_owned(),
                |brand| format!("one that {brand} gives out"),
            );
            let check = if pan::passes_luhn(found.number.expose().as_bytes()) {
                "its check digit is right (ISO/IEC 7812-1)"
            } else {
                "its check digit is wrong, on a whole track"
            };
            format!("a number of {count} digits, {issuer}; {check}")
        }
    }
}

/// What is said beside the masked text.
fn said(cards: &[&Found], found: &[Found], policy: Financial, rules: &CardRules) -> Vec<Detail> {
    let mut details: Vec<Detail> = Vec::new();
    match (policy, cards.first()) {
        (_, None) => {}
        (Financial::Refuse, Some(_)) => details.push(("refused", "financial-cards".into())),
        (Financial::Masked | Financial::Allow, Some(card)) => {
            details.push(("card", Value::Map(card_entries(card, rules))));
        }
    }
    if cards.len() > 1 {
        details.push(("cards", Value::Count(u64::try_from(cards.len()).unwrap_or(u64::MAX))));
    }
    if let Some(account) = found.iter().find(|one| one.what == What::Account) {
        details.push(("iban", iban::masked(account.number.expose()).into()));
    }
    if policy == Financial::Allow {
        details.push(("takeable", Value::Flag(true)));
    }
    details
}

fn card_entries(card: &Found, rules: &CardRules) -> Vec<(Cow<'static, str>, Value)> {
    let mut entries: Vec<(Cow<'static, str>, Value)> = Vec::new();
    if let What::Card(Some(brand)) = card.what {
        entries.push(("brand".into(), brand.into()));
    }
    entries.push(("pan-masked".into(), pan::masked(card.number.expose(), rules.shown).into()));
    if let Some(key) = &rules.token {
        let token = key.token(card.number.expose());
        entries.push(("token".into(), token.value.into()));
        entries.push(("token-key-id".into(), token.key_id.into()));
    }
    entries
}

/// The text with these numbers hidden, and what belongs to them.
fn hidden(text: &str, found: &[Found], shown: Option<Shown>) -> String {
    let mut edits: Vec<(Range<usize>, char)> = Vec::new();
    for one in found {
        let masked = match (one.what, shown) {
            (What::Account, _) => iban::masked(one.number.expose()),
            (What::Card(_), Some(shown)) => pan::masked(one.number.expose(), shown),
            (What::Card(_), None) => HIDDEN.to_string().repeat(one.number.len()),
        };
        edits.extend(one.places.iter().cloned().zip(masked.chars()));
        let behind = one.behind.clone().unwrap_or(0..0);
        let rest = text.get(behind.clone()).unwrap_or_default().char_indices();
        edits.extend(rest.map(|(at, character)| {
            let at = behind.start + at;
            let is_sign = matches!(character, '^' | '=');
            (at..at + character.len_utf8(), if is_sign { character } else { HIDDEN })
        }));
    }
    edits.sort_by_key(|(place, _)| place.start);
    let mut hidden = String::with_capacity(text.len() + 4 * edits.len());
    let mut at = 0;
    for (place, character) in edits {
        // Of two that overlap the first counts.
        if place.start < at || place.is_empty() {
            continue;
        }
        hidden.push_str(text.get(at..place.start).unwrap_or_default());
        hidden.push(character);
        at = place.end;
    }
    hidden.push_str(text.get(at..).unwrap_or_default());
    hidden
}

/// Hides in a detail what is hidden in the text.
fn hide_value(value: &mut Value, found: &[Found], rules: &CardRules, shown: Option<Shown>) {
    match value {
        Value::Count(_) | Value::Flag(_) => {}
        Value::Text(text) => {
            let wanted = Wanted { allow: &rules.allow, accounts: true };
            let mut inside = in_text(text, wanted).found;
            inside.extend(found.iter().flat_map(|one| occurrences(text, one)));
            if !inside.is_empty() {
                *text = hidden(text, &inside, shown).into();
            }
        }
        Value::Bytes(bytes) => {
            let wanted = Wanted { allow: &rules.allow, accounts: true };
            if !find::search(Source::Bytes(bytes), wanted).found.is_empty() {
                bytes.clear();
            }
        }
        Value::List(values) => {
            values.iter_mut().for_each(|value| hide_value(value, found, rules, shown));
        }
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| hide_value(value, found, rules, shown));
        }
    }
}

#[cfg(test)]
mod tests;
