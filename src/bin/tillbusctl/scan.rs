//! A scan as this program's own library decides it, in the words that the daemon has on the bus.

use serde_json::{Value, json};
use tillbus::event::{self, Scan, Sensitivity};

use crate::value::Map;

/// The text and, in hex, the bytes of a scan, as the owner of the device would see them on the bus:
/// where they are personal or a card's, the text is masked already and the bytes stay here.
pub(crate) fn visible(scan: &Scan) -> (&str, Option<String>) {
    let is_shown = !matches!(scan.sensitivity, Sensitivity::Personal | Sensitivity::Card);
    (scan.text.expose(), is_shown.then(|| hex(scan.raw.expose())))
}

/// Everything that an owner would hear of a scan but its times.
pub(crate) fn map(scan: &Scan) -> Map {
    let (text, raw) = visible(scan);
    let known = [
        ("symbology", Some(json!(scan.symbology.word()))),
        ("inferred", Some(json!(scan.inferred))),
        ("content", Some(json!(scan.content.word()))),
        ("text", Some(json!(text))),
        ("raw", raw.map(Value::from)),
        ("aim", scan.aim.map(|aim| aim.to_string().into())),
        ("gtin-14", scan.gtin.as_ref().map(|gtin| gtin.as_str().into())),
        ("encoding", scan.encoding.map(Value::from)),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.chain(named(&scan.details)).collect()
}

/// Details by their names.
pub(crate) fn named(details: &[event::Detail]) -> Map {
    details.iter().map(|(name, value)| ((*name).to_owned(), detail(value))).collect()
}

/// A detail's value.
pub(crate) fn detail(value: &event::Value) -> Value {
    match value {
        event::Value::Count(count) => (*count).into(),
        event::Value::Flag(flag) => (*flag).into(),
        event::Value::Text(text) => text.as_ref().into(),
        event::Value::Bytes(bytes) => hex(bytes).into(),
        event::Value::List(values) => values.iter().map(detail).collect(),
        event::Value::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.to_string(), detail(value)));
            Value::Object(entries.collect())
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.concat()
}

#[cfg(test)]
mod tests {
    use tillbus::event::{Reading, Timestamp};
    use tillbus::normalize::{self, Rules};
    use tillbus::secret::Secret;

    use super::*;

    #[test]
    fn the_bytes_of_a_card_are_not_shown() {
        let data = Secret::new(b"4111111111111111".to_vec());
        let (first, last) = (Timestamp(0), Timestamp(0));
        let reading = Reading { symbology: None, aim: None, data, first, last };
        let mut scan = normalize::scan(reading, &Rules::default());
        for (sensitivity, is_shown) in [
            (Sensitivity::Public, true),
            (Sensitivity::Private, true),
            (Sensitivity::Bearer, true),
            (Sensitivity::Personal, false),
            (Sensitivity::Card, false),
        ] {
            scan.sensitivity = sensitivity;
            assert_eq!(visible(&scan).1.is_some(), is_shown, "{sensitivity:?}");
            assert_eq!(map(&scan).contains_key("raw"), is_shown, "{sensitivity:?}");
        }
    }
}
