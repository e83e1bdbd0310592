//! Messages as scanners send them, normalized.

use tillbus::event::{Aim, Reading, Scan, Symbology, Timestamp, Value};
use tillbus::normalize::{self, Rules};
use tillbus::secret::Secret;

/// A message as a scanner sends it, AIM identifier first.
pub(crate) fn scanned(message: &str, rules: &Rules) -> Scan {
    let (aim, data) = match Aim::split(message.as_bytes()) {
        Some((aim, data)) => (Some(aim), data),
        None => (None, message.as_bytes()),
    };
    let reading = Reading {
        symbology: aim.map(Symbology::from_aim),
        aim,
        data: Secret::new(data.to_vec()),
        first: Timestamp(1),
        last: Timestamp(2),
    };
    normalize::scan(reading, rules)
}

pub(crate) fn scan(message: &str) -> Scan {
    scanned(message, &Rules::default())
}

pub(crate) fn detail<'a>(scan: &'a Scan, name: &str) -> Option<&'a Value> {
    scan.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A detail as one text, maps as `name=value`.
pub(crate) fn said(scan: &Scan, name: &str) -> String {
    fn shown(value: &Value) -> String {
        match value {
            Value::Text(text) => text.to_string(),
            Value::Count(count) => count.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Bytes(bytes) => format!("{bytes:02X?}"),
            Value::List(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
            Value::Map(map) => {
                let entries = map.iter().map(|(name, value)| format!("{name}={}", shown(value)));
                entries.collect::<Vec<_>>().join(" ")
            }
        }
    }
    detail(scan, name).map(shown).unwrap_or_default()
}
