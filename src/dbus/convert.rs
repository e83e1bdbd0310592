//! From the daemon's words to D-Bus values and back.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use zbus::{Message, OwnedVariant, Variant};

use super::error::Error;
use crate::daemon::call::Evidence;
use crate::daemon::claim::{LONGEST_WAIT, Options};
use crate::daemon::status::Status;
use crate::daemon::{Property, Signal};
use crate::event::{Event, Scan, Sensitivity, Settlement, Value, Verdict};
use crate::store::{Client, Record};

/// A dictionary of values as they go out.
pub(super) type Dict<'a> = BTreeMap<&'static str, Variant<'a>>;
/// A dictionary of values as they come in.
pub(super) type Arguments = HashMap<String, OwnedVariant>;

/// The most bytes for a screen: twice the longest merchant's code, and a second at 9600 baud.
const LONGEST_SHOWN: usize = 1024;

const DEVICE: &str = "org.tillbus1.Device";
const SCANNER: &str = "org.tillbus1.Scanner";
const CARD_READER: &str = "org.tillbus1.CardReader";

/// The message of a device's signal.
pub(super) fn signal(
    path: &str,
    to: Option<&Client>,
    signal: &Signal,
) -> zbus::Result<Option<Message>> {
    let message = |interface: &'static str, member: &'static str| {
        let builder = Message::signal(path, interface, member);
        match to {
            Some(client) => builder.destination(client.as_str()),
            None => builder,
        }
    };
    match signal {
        Signal::Read { record, age, stale } => {
            let details = details(record, *age, *stale);
            match &record.event {
                Event::Scan(scan) => {
                    let (symbology, content) = (scan.symbology.word(), scan.content.word());
                    let text = scan.text.expose();
                    let body = (record.sequence, symbology, content, text, details);
                    message(SCANNER, "Scanned").build(&body)
                }
                Event::Card(_) => {
                    message(CARD_READER, "CardRead").build(&(record.sequence, details))
                }
            }
        }
        Signal::Fault { kind, message: text, details } => {
            let details: HashMap<&str, Variant<'_>> =
                details.iter().map(|(name, number)| (*name, (*number).into())).collect();
            message(DEVICE, "Fault").build(&(*kind, text.as_str(), details))
        }
        Signal::ReleaseRequested => message(DEVICE, "ReleaseRequested").build(&(Dict::new(),)),
        Signal::Withheld { sequence, kind } => {
            message(DEVICE, "Withheld").build(&(*sequence, *kind))
        }
        Signal::ClaimLost(reason) => message(DEVICE, "ClaimLost").build(&(*reason,)),
    }
    .map(Some)
}

/// An event as `Replay` gives it: everything where the client may see it, else that it was.
pub(super) fn replayed(record: &Record, client: &Client, now_age: Duration) -> Dict<'static> {
    if !record.visible_to(client) {
        let withheld = [("sequence", record.sequence.into()), ("withheld", true.into())];
        return withheld.into_iter().collect();
    }
    let mut dict = owned(details(record, Some(now_age), false));
    dict.insert("sequence", record.sequence.into());
    match &record.event {
        Event::Scan(scan) => {
            dict.insert("event", "scan".to_owned().into());
            dict.insert("symbology", scan.symbology.word().to_owned().into());
            dict.insert("content", scan.content.word().to_owned().into());
            dict.insert("text", scan.text.expose().to_owned().into());
        }
        Event::Card(_) => {
            dict.insert("event", "card".to_owned().into());
        }
    }
    dict
}

/// Everything of an event beside its sequence, and of a scan beside its symbology, content and text. What
/// is absent is not known, and flags are there only when they are set.
fn details(record: &Record, age: Option<Duration>, stale: bool) -> Dict<'_> {
    let origin = &record.origin;
    let mut details = match &record.event {
        Event::Scan(scan) => scanned(scan),
        Event::Card(card) => {
            let details = card.details();
            owned(details.iter().map(|(name, value)| (*name, variant(value))).collect())
        }
    };
    details.extend([
        ("device", origin.name.as_str().into()),
        ("lane", origin.lane.as_str().into()),
        ("received", record.received().0.into()),
        ("time", record.time.into()),
        ("time-synchronised", record.synchronised.into()),
    ]);
    if let Some(age) = age {
        details.insert("age-ms", u64::try_from(age.as_millis()).unwrap_or(u64::MAX).into());
    }
    let flags =
        [("duplicate", record.duplicate), ("simulated", origin.simulated), ("stale", stale)];
    details.extend(flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| (name, true.into())));
    details
}

fn scanned(scan: &Scan) -> Dict<'_> {
    let mut details = Dict::from([("upos-scan-data-type", scan.symbology.scan_data_type().into())]);
    if matches!(scan.sensitivity, Sensitivity::Public | Sensitivity::Private | Sensitivity::Bearer)
    {
        details.insert("raw", scan.raw.expose().into());
    }
    if let Some(aim) = scan.aim {
        details.insert("aim", aim.to_string().into());
    }
    if let Some(gtin) = &scan.gtin {
        details.insert("gtin-14", gtin.as_str().into());
    }
    details.extend(scan.details.iter().map(|(name, value)| (*name, variant(value))));
    if let Some(encoding) = scan.encoding {
        details.insert("encoding", encoding.into());
    }
    if scan.inferred {
        details.insert("inferred", true.into());
    }
    details
}

pub(super) fn owned(dict: Dict<'_>) -> Dict<'static> {
    // Only a file descriptor cannot be copied, and there is none in an event.
    dict.into_iter()
        .filter_map(|(name, value)| Some((name, value.try_into_owned().ok()?.into())))
        .collect()
}

/// A value as D-Bus has it.
pub(super) fn variant(value: &Value) -> Variant<'_> {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Text(text) => text.as_ref().into(),
        Value::Bytes(bytes) => bytes.as_slice().into(),
        Value::List(values) => values.iter().map(variant).collect::<Vec<_>>().into(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.as_ref(), variant(value)));
            entries.collect::<HashMap<_, _>>().into()
        }
    }
}

/// A property's name and value.
pub(super) fn property(property: Property, status: &Status) -> (&'static str, Variant<'_>) {
    match property {
        Property::State => ("State", status.state.word().into()),
        Property::Access => ("Access", status.access.word().into()),
        Property::Node => ("Node", node(status).into()),
        Property::SerialNumber => ("SerialNumber", status.serial_number.as_str().into()),
        Property::Owner => ("Owner", owner(status).into()),
        Property::Enabled => ("Enabled", status.enabled.into()),
        Property::Condition => ("Condition", status.condition.clone().into()),
    }
}

/// The node's path as text; the rare byte that is no UTF-8 shows as U+FFFD.
pub(super) fn node(status: &Status) -> String {
    status.node.to_string_lossy().into_owned()
}

/// The owner's unique name, empty where there is none.
pub(super) fn owner(status: &Status) -> String {
    status.owner.as_ref().map_or(String::new(), ToString::to_string)
}

/// Evidence as `Diagnose` gives it: `kind`, then the values by name.
pub(super) fn evidence(evidence: Evidence) -> Dict<'static> {
    let mut dict: Dict<'static> = evidence
        .values
        .into_iter()
        .filter_map(|(name, value)| Some((name, variant(&value).try_into_owned().ok()?.into())))
        .collect();
    dict.insert("kind", evidence.kind.to_owned().into());
    dict
}

/// The options of `Claim`.
pub(super) fn claim_options(arguments: &Arguments) -> Result<Options, Error> {
    let mut options = Options::default();
    for (name, value) in arguments {
        match name.as_str() {
            "wait" => {
                let longest = u64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u64::MAX);
                options.wait = Duration::from_millis(number(name, value, 0, longest)?);
            }
            "credit" => {
                let credit = number(name, value, 1, u64::from(u32::MAX))?;
                options.credit = u32::try_from(credit).ok();
            }
            "max-age" => {
                options.max_age = Some(Duration::from_millis(number(name, value, 0, u64::MAX)?));
            }
            "until" => match &**value {
                Variant::Str(word) if word.as_str() == "one-payment-code" => {
                    options.until_payment_code = true;
                }
                _ => {
                    return Err(Error::InvalidArgument(
                        "option `until` of Claim takes \"one-payment-code\"".to_owned(),
                    ));
                }
            },
            _ => {
                return Err(Error::InvalidArgument(format!(
                    "unknown option `{name}` of Claim; accepted: wait, credit, max-age, until"
                )));
            }
        }
    }
    Ok(options)
}

/// The options of `Show`: none so far.
pub(super) fn show_options(arguments: &Arguments) -> Result<(), Error> {
    match arguments.keys().next() {
        None => Ok(()),
        Some(name) => Err(Error::InvalidArgument(format!(
            "unknown option `{name}` of Show; it takes none yet"
        ))),
    }
}

/// The text of `Show`.
pub(super) fn shown(text: String) -> Result<String, Error> {
    if text.len() > LONGEST_SHOWN {
        return Err(Error::InvalidArgument(format!(
            "the text of Show has {} bytes; accepted are up to {LONGEST_SHOWN}",
            text.len()
        )));
    }
    Ok(text)
}

/// A whole number of any D-Bus integer type: a client's language picks the type, not the person.
fn number(name: &str, value: &Variant<'_>, least: u64, most: u64) -> Result<u64, Error> {
    whole(value).filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        Error::InvalidArgument(format!(
            "option `{name}` of Claim takes a whole number from {least} to {most}"
        ))
    })
}

/// A whole number of any D-Bus integer type.
pub(super) fn whole(value: &Variant<'_>) -> Option<u64> {
    match value {
        Variant::U8(number) => Some(u64::from(*number)),
        Variant::U16(number) => Some(u64::from(*number)),
        Variant::U32(number) => Some(u64::from(*number)),
        Variant::U64(number) => Some(*number),
        Variant::I16(number) => u64::try_from(*number).ok(),
        Variant::I32(number) => u64::try_from(*number).ok(),
        Variant::I64(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// The verdict of `Indicate`.
pub(super) fn verdict(word: &str) -> Result<Verdict, Error> {
    match word {
        "good" => Ok(Verdict::Good),
        "bad" => Ok(Verdict::Bad),
        "wait" => Ok(Verdict::Wait),
        "attention" => Ok(Verdict::Attention),
        _ => Err(Error::InvalidArgument(format!(
            "unknown verdict {word:?}; accepted: good, bad, wait, attention"
        ))),
    }
}

/// The verdict of `Settle`.
pub(super) fn settlement(word: &str) -> Result<Settlement, Error> {
    Settlement::from_word(word).ok_or_else(|| {
        Error::InvalidArgument(format!("unknown verdict {word:?}; accepted: used, unused, unknown"))
    })
}
