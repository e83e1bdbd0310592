//! A terminal's word as text for the ledger, and back.

use serde_json::{Map, Value as Json, json};

use crate::event::Value;
use crate::event::terminal::{Answer, Clock, Conversion, Currency, Question};

/// The names that details are read back under: they are fixed words in memory.
const DETAILS: [&str; 15] = [
    "contract",
    "turnover",
    "card-type",
    "host-result",
    "totals",
    "application",
    "application-name",
    "error-text",
    "ledger-totals",
    "totals-agree",
    "order-number",
    "transaction-number",
    "channel-number",
    "reference",
    "paid",
];

const ENTRY_MODES: [&str; 5] = ["magstripe", "chip", "contactless", "keyed", "code"];

/// The answer as text.
pub(super) fn write(answer: &Answer) -> String {
    let details: Map<String, Json> =
        answer.details.iter().map(|(name, value)| ((*name).to_owned(), of_value(value))).collect();
    json!({
        "approved": answer.approved,
        "code": answer.code,
        "text": answer.text,
        "amount": answer.amount,
        "tip": answer.tip,
        "cashback": answer.cashback,
        "currency": answer.currency.map(|currency| currency.code),
        "transaction": answer.transaction,
        "dcc": answer.dcc.map(|dcc| json!({
            "amount": dcc.amount, "currency": dcc.currency.code, "markup": dcc.markup,
        })),
        "terminal": answer.terminal,
        "receipt": answer.receipt,
        "trace": answer.trace,
        "original-trace": answer.original_trace,
        "date": answer.clock.date,
        "time": answer.clock.time,
        "signature": answer.signature,
        "question": answer.question.map(Question::word),
        "pan-masked": answer.pan_masked,
        "brand": answer.brand,
        "entry-mode": answer.entry_mode,
        "authorization-code": answer.authorization_code,
        "details": details,
    })
    .to_string()
}

/// The answer of the text; nothing where it is none.
pub(super) fn read(text: &str) -> Option<Answer> {
    let json: Json = serde_json::from_str(text).ok()?;
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let number = |name: &str| json.get(name).and_then(Json::as_u64);
    let small = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
    let flag = |name: &str| json.get(name).and_then(Json::as_bool).unwrap_or(false);
    let entry = text("entry-mode");
    let details = json.get("details").and_then(Json::as_object);
    Some(Answer {
        approved: flag("approved"),
        code: text("code").unwrap_or_default(),
        text: text("text").unwrap_or_default(),
        amount: number("amount"),
        tip: number("tip"),
        cashback: number("cashback"),
        currency: text("currency").and_then(|code| Currency::from_code(&code)),
        transaction: number("transaction"),
        dcc: json.get("dcc").and_then(conversion),
        terminal: text("terminal"),
        receipt: small("receipt"),
        trace: small("trace"),
        original_trace: small("original-trace"),
        clock: Clock {
            date: parts(json.get("date")).map(|[month, day]| (month, day)),
            time: parts(json.get("time")).map(|[hour, minute, second]| (hour, minute, second)),
        },
        signature: flag("signature"),
        question: text("question").and_then(|word| Question::from_word(&word)),
        pan_masked: text("pan-masked"),
        brand: text("brand"),
        entry_mode: ENTRY_MODES.into_iter().find(|mode| Some(*mode) == entry.as_deref()),
        authorization_code: text("authorization-code"),
        details: DETAILS
            .into_iter()
            .filter_map(|name| Some((name, to_value(details?.get(name)?)?)))
            .collect(),
    })
}

fn conversion(json: &Json) -> Option<Conversion> {
    let currency = json.get("currency")?.as_str()?;
    Some(Conversion {
        amount: json.get("amount")?.as_u64()?,
        currency: Currency::from_code(currency).unwrap_or(Currency::UNKNOWN),
        markup: json.get("markup").and_then(Json::as_u64),
    })
}

fn parts<const N: usize>(json: Option<&Json>) -> Option<[u8; N]> {
    let parts = json?.as_array()?.iter().map(|part| u8::try_from(part.as_u64()?).ok());
    parts.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn of_value(value: &Value) -> Json {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Text(text) => text.as_ref().into(),
        // Only cards have bytes, and no card is in the ledger.
        Value::Bytes(_) => Json::Null,
        Value::List(values) => values.iter().map(of_value).collect(),
        Value::Map(entries) => Json::Object(
            entries.iter().map(|(name, value)| (name.to_string(), of_value(value))).collect(),
        ),
    }
}

fn to_value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Number(number) => Value::Count(number.as_u64()?),
        Json::Bool(flag) => Value::Flag(*flag),
        Json::String(text) => Value::from(text.clone()),
        Json::Array(values) => Value::List(values.iter().map(to_value).collect::<Option<_>>()?),
        Json::Object(map) => Value::Map(
            map.iter()
                .map(|(name, value)| Some((name.clone().into(), to_value(value)?)))
                .collect::<Option<_>>()?,
        ),
        Json::Null => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let answer = Answer {
            approved: true,
            code: "00".into(),
            text: "done".into(),
            amount: Some(1250),
            tip: Some(50),
            cashback: Some(500),
            currency: Some(Currency::EUR),
            transaction: Some(3),
            dcc: Some(Conversion {
                amount: 1337,
                currency: Currency::from_code("USD").unwrap(),
                markup: Some(350),
            }),
            terminal: Some("52523535".into()),
            receipt: Some(42),
            trace: Some(7),
            original_trace: Some(6),
            clock: Clock { date: Some((11, 25)), time: Some((10, 0, 20)) },
            signature: true,
            question: Some(Question::Signature),
            pan_masked: Some("************1111".into()),
            brand: Some("VISA".into()),
            entry_mode: Some("chip"),
            authorization_code: Some("971382".into()),
            details: vec![
                ("contract", Value::from("455600001234567".to_owned())),
                ("totals", Value::Map(vec![("first-receipt".into(), Value::Count(1))])),
            ],
        };
        assert_eq!(read(&write(&answer)), Some(answer));
        assert_eq!(read(&write(&Answer::default())), Some(Answer::default()));
        assert_eq!(read("no answer"), None);
    }
}
