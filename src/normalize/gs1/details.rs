//! What GS1 data says, under the names that clients know.
//!
//! Contract: pure. `gs1` holds every field as it stands; beside it what is commonly asked for, with
//! dates as ISO 8601 writes them and numbers with their decimals and units. A value with a fault is in
//! `gs1` and under no name of its own: a wrong expiry date is none.

use std::borrow::Cow;

use super::ai::Says;
use super::check::{date, number};
use super::codes;
use super::element::{Element, Elements, hri};
use crate::event::{Content, Detail, Gtin, Sensitivity, Value};
use crate::normalize::{Meaning, gtin};

/// Whether any element says this.
fn says(elements: &Elements<'_>, what: Says) -> bool {
    let mut entries = elements.list.iter().filter_map(|element| element.ai.entry());
    entries.any(|entry| entry.says == what)
}

/// Who may see elements.
pub(super) fn sensitivity(elements: &Elements<'_>) -> Sensitivity {
    if says(elements, Says::Patient) {
        Sensitivity::Personal
    } else if says(elements, Says::Private) {
        Sensitivity::Private
    } else {
        Sensitivity::Public
    }
}

/// What elements mean.
pub(super) fn meaning(elements: &Elements<'_>) -> Meaning {
    let sensitivity = sensitivity(elements);
    if sensitivity == Sensitivity::Personal {
        let masked = Some("GS1 data of a person".into());
        let meaning = Meaning::of(Content::Gs1);
        return Meaning { sensitivity, masked, ..meaning };
    }
    let is_coupon = says(elements, Says::Coupon);
    let mut meaning = Meaning::of(if is_coupon { Content::Coupon } else { Content::Gs1 });
    meaning.sensitivity = sensitivity;
    meaning.details = Vec::with_capacity(elements.list.len() + 3);
    meaning.details.push(("gs1", Value::Map(dictionary(&elements.list))));
    meaning.details.push(("gs1-hri", hri(&elements.list).into()));
    let mut months = Vec::new();
    for element in &elements.list {
        let right =
            |fault: &super::Fault| fault.ai != Some(element.ai) || !fault.wrong.spoils_the_value();
        if elements.faults.iter().all(right) {
            name(element, &mut meaning, &mut months);
        }
    }
    if !months.is_empty() {
        meaning.details.push(("month-only", Value::List(months)));
    }
    if !elements.faults.is_empty() {
        meaning.details.push(("gs1-faults", faults(elements)));
    }
    if !elements.missing.is_empty() {
        meaning.details.push(("gs1-missing", missing(elements)));
    }
    meaning
}

/// The fields by identifier; of an identifier that is there twice, the first.
fn dictionary(list: &[Element<'_>]) -> Vec<(Cow<'static, str>, Value)> {
    let mut entries: Vec<(Cow<'static, str>, Value)> = Vec::with_capacity(list.len());
    for element in list {
        let name = element.ai.name();
        if entries.iter().all(|(known, _)| *known != name) {
            entries.push((name, text(&element.value)));
        }
    }
    entries
}

fn text(value: &[u8]) -> Value {
    String::from_utf8_lossy(value).into_owned().into()
}

fn faults(elements: &Elements<'_>) -> Value {
    let faults = elements.faults.iter().map(|fault| {
        let mut entries = vec![
            (Cow::Borrowed("at"), Value::Count(u64::try_from(fault.at).unwrap_or(u64::MAX))),
            (Cow::Borrowed("fault"), fault.wrong.word().into()),
            (Cow::Borrowed("why"), fault.wrong.sentence().into()),
        ];
        if let Some(ai) = fault.ai {
            entries.push((Cow::Borrowed("ai"), Value::Text(ai.name())));
        }
        Value::Map(entries)
    });
    Value::List(faults.collect())
}

fn missing(elements: &Elements<'_>) -> Value {
    let missing = elements.missing.iter().map(|missing| {
        Value::Map(vec![
            (Cow::Borrowed("ai"), Value::Text(missing.ai.name())),
            (Cow::Borrowed("needs"), missing.needs.into()),
        ])
    });
    Value::List(missing.collect())
}

/// Adds what a field says under its own name. The first field of a name has it.
fn name(element: &Element<'_>, meaning: &mut Meaning, months: &mut Vec<Value>) {
    let Some(entry) = element.ai.entry() else { return };
    let value: &[u8] = &element.value;
    let detail: Detail = match entry.says {
        Says::Nothing | Says::Patient | Says::Private => return,
        Says::Coupon => ("coupon", text(value)),
        Says::Gtin => {
            meaning.gtin = meaning.gtin.or_else(|| article(value));
            return;
        }
        Says::Text(name) => (name, text(value)),
        Says::Count(name) => (name, Value::Count(number(value))),
        Says::Date(name) => {
            let Some((date, whole)) = iso_date(value) else { return };
            if !whole {
                months.push(name.into());
            }
            (name, date.into())
        }
        Says::Time(name) => match iso_time(value) {
            Some(time) => (name, time.into()),
            None => return,
        },
        Says::Number(name) => (name, decimal(value, element.ai.decimals()).into()),
        Says::Measure(name, unit) => {
            (name, quantity(decimal(value, element.ai.decimals()), "unit", Some(unit)))
        }
        Says::Amount(name) => {
            (name, quantity(decimal(value, element.ai.decimals()), "currency", None))
        }
        Says::Money(name) => {
            let (currency, amount) = value.split_at_checked(3).unwrap_or_default();
            let letters = u16::try_from(number(currency)).ok().and_then(codes::currency);
            (name, quantity(decimal(amount, element.ai.decimals()), "currency", letters))
        }
    };
    if meaning.details.iter().all(|(known, _)| *known != detail.0) {
        meaning.details.push(detail);
    }
}

/// The article number in front of a value.
fn article(value: &[u8]) -> Option<Gtin> {
    gtin::from_digits(value.get(..14)?)
}

/// A number and what it is counted in.
pub(in crate::normalize) fn quantity(
    number: String,
    name: &'static str,
    unit: Option<&'static str>,
) -> Value {
    let mut entries = vec![(Cow::Borrowed("value"), Value::from(number))];
    entries.extend(unit.map(|unit| (Cow::Borrowed(name), unit.into())));
    Value::Map(entries)
}

/// Digits with so many decimals: `000195` with three is `0.195`. Decimals are kept, for they say
/// how exact the scales are.
pub(in crate::normalize) fn decimal(digits: &[u8], decimals: usize) -> String {
    let whole = digits.len().saturating_sub(decimals);
    let (whole, fraction) = digits.split_at_checked(whole).unwrap_or((digits, &[]));
    let first = whole.iter().position(|digit| *digit != b'0').unwrap_or(whole.len());
    let mut number = String::with_capacity(digits.len() + 2);
    let push = |number: &mut String, digits: &[u8]| {
        number.extend(digits.iter().map(|digit| char::from(*digit)));
    };
    push(&mut number, whole.get(first..).unwrap_or_default());
    if number.is_empty() {
        number.push('0');
    }
    if decimals > 0 {
        number.push('.');
        (fraction.len()..decimals).for_each(|_| number.push('0'));
        push(&mut number, fraction);
    }
    number
}

/// `YYMMDD` as `YYYY-MM-DD`, and whether it gave the day; else it is the last of the month.
fn iso_date(value: &[u8]) -> Option<(String, bool)> {
    let day = date(value.get(..6)?, true).ok()?;
    let digit = |number: u32| char::from_digit(number % 10, 10).unwrap_or('0');
    let mut text = String::with_capacity(16);
    // By hand: formatting takes as long as all the rest of a field.
    for part in [day.year / 100, day.year, day.month, day.last()] {
        text.push(digit(part / 10));
        text.push(digit(part));
    }
    text.insert(4, '-');
    text.insert(7, '-');
    Some((text, day.day.is_some()))
}

/// `YYMMDD`, and of hour, minute and second as many as there are.
fn iso_time(value: &[u8]) -> Option<String> {
    let (mut text, _) = iso_date(value)?;
    for (place, part) in value.get(6..)?.chunks_exact(2).enumerate() {
        text.push(if place == 0 { 'T' } else { ':' });
        text.extend(part.iter().map(|digit| char::from(*digit)));
    }
    // ISO 8601 has hours by themselves, but few programs read them.
    if value.len() == 8 {
        text.push_str(":00");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals() {
        for (digits, decimals, want) in [
            ("000195", 3, "0.195"),
            ("012500", 3, "12.500"),
            ("000000", 0, "0"),
            ("0299", 2, "2.99"),
            ("5", 2, "0.05"),
            ("1234", 0, "1234"),
        ] {
            assert_eq!(decimal(digits.as_bytes(), decimals), want);
        }
    }

    #[test]
    fn dates_and_times() {
        let date = |text: &str| iso_date(text.as_bytes());
        assert_eq!(date("260131"), Some(("2026-01-31".to_owned(), true)));
        assert_eq!(date("280200"), Some(("2028-02-29".to_owned(), false)));
        assert_eq!(date("990101"), Some(("1999-01-01".to_owned(), true)));
        let time = |text: &str| iso_time(text.as_bytes());
        assert_eq!(time("2601311345").as_deref(), Some("2026-01-31T13:45"));
        assert_eq!(time("26013113").as_deref(), Some("2026-01-31T13:00"));
        assert_eq!(time("260131134559").as_deref(), Some("2026-01-31T13:45:59"));
    }
}
