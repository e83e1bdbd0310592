//! D-Bus values as JSON: the form in which this tool holds what the daemon says.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use zbus::{OwnedVariant, Variant};

/// Values by name.
pub(crate) type Map = serde_json::Map<String, Value>;

/// A dictionary as it comes from the bus.
pub(crate) type Dict = HashMap<String, OwnedVariant>;

/// A value; bytes are shown in hex.
pub(crate) fn json(value: &Variant<'_>) -> Value {
    match value {
        Variant::U8(number) => (*number).into(),
        Variant::Bool(flag) => (*flag).into(),
        Variant::I16(number) => (*number).into(),
        Variant::U16(number) => (*number).into(),
        Variant::I32(number) => (*number).into(),
        Variant::U32(number) => (*number).into(),
        Variant::I64(number) => (*number).into(),
        Variant::U64(number) => (*number).into(),
        Variant::F64(number) => (*number).into(),
        Variant::Str(text) => text.as_str().into(),
        Variant::Signature(signature) => signature.to_string().into(),
        Variant::ObjectPath(path) => path.as_str().into(),
        Variant::Variant(inner) => json(inner),
        Variant::Array(array) => match bytes(value) {
            Some(bytes) => hex(&bytes).into(),
            None => array.iter().map(json).collect(),
        },
        Variant::Dict(dict) => {
            let entry = |(key, value): (&Variant<'_>, &Variant<'_>)| (word(key), json(value));
            Value::Object(dict.iter().map(entry).collect())
        }
        Variant::Structure(structure) => structure.fields().iter().map(json).collect(),
        Variant::Fd(_) => Value::Null,
    }
}

/// A dictionary. Beside bytes in hex stands their text, under `<name>-text`, where they are UTF-8.
pub(crate) fn map(dict: &Dict) -> Map {
    let mut map = Map::new();
    for (name, value) in dict {
        let text = bytes(value).and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(text) = text {
            map.insert(format!("{name}-text"), text.into());
        }
        map.insert(name.clone(), json(value));
    }
    map
}

/// The same names as the bus has, in the words of events: `SerialNumber` is `serial-number`.
pub(crate) fn properties(dict: &Dict) -> Map {
    dict.iter().map(|(name, value)| (kebab(name), json(value))).collect()
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
    }
    kebab
}

fn bytes(value: &Variant<'_>) -> Option<Vec<u8>> {
    let Variant::Array(array) = value else { return None };
    if array.signature().to_string() != "ay" {
        return None;
    }
    array.iter().map(|item| if let Variant::U8(byte) = item { Some(*byte) } else { None }).collect()
}

fn word(key: &Variant<'_>) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The text of this name, empty where there is none.
pub(crate) fn text<'a>(map: &'a Map, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number of this name.
pub(crate) fn number(map: &Map, name: &str) -> Option<u64> {
    map.get(name).and_then(Value::as_u64)
}

/// Whether the flag of this name is there and set.
pub(crate) fn flag(map: &Map, name: &str) -> bool {
    map.get(name).and_then(Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(entries: Vec<(&str, Variant<'static>)>) -> Dict {
        let own = |(name, value): (&str, Variant<'static>)| {
            (name.to_owned(), OwnedVariant::try_from(value).unwrap())
        };
        entries.into_iter().map(own).collect()
    }

    #[test]
    fn bytes_are_hex_and_text_where_they_are_text() {
        let map = map(&dict(vec![
            ("raw", vec![0x34_u8, 0x0D].into()),
            ("blob", vec![0xFF_u8].into()),
            ("credit", 7_u64.into()),
        ]));
        assert_eq!(
            Value::Object(map),
            serde_json::json!({"raw": "340d", "raw-text": "4\r", "blob": "ff", "credit": 7})
        );
    }

    #[test]
    fn properties_have_the_words_of_events() {
        let properties = properties(&dict(vec![("SerialNumber", "x".into()), ("Node", "".into())]));
        assert_eq!(
            Value::Object(properties),
            serde_json::json!({"serial-number": "x", "node": ""})
        );
    }
}
