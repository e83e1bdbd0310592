//! What the daemon says, as one map each: printed as it is with `--json`, else as a line to read.
//!
//! Every map has `type`: `scan`, `card`, `fault`, `withheld`, `release-requested`, `claim-lost`,
//! `device-added`, `device`, `device-removed`, `daemon`, `claim`. All but `daemon` have `device`.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use tillbus::clock;
use zbus::{Message, OwnedObjectPath};

use crate::client::{DEVICE, Devices};
use crate::error::Error;
use crate::output::say;
use crate::style::{Style, Tone, fill, plain, width};
use crate::value::{self, Dict, Map, flag, number, text};

/// Makes a map of this type at this moment.
pub(crate) fn of(kind: &str, device: &str) -> Map {
    let mut map = Map::new();
    map.insert("type".to_owned(), kind.into());
    map.insert("time".to_owned(), clock::realtime_micros().into());
    if !device.is_empty() {
        map.insert("device".to_owned(), device.into());
    }
    map
}

/// What a signal says; nothing where it is none of the daemon's events. Keeps `devices` up to date.
pub(crate) fn of_signal(message: &Message, devices: &mut Devices) -> zbus::Result<Option<Map>> {
    let header = message.header();
    let path = header.path().map(ToString::to_string).unwrap_or_default();
    let member = header.member().map(ToString::to_string).unwrap_or_default();
    let name = |devices: &Devices| {
        devices.get(&path).map(|device| text(device, "name").to_owned()).unwrap_or_default()
    };
    let body = message.body();
    let mut map;
    match member.as_str() {
        "Scanned" => {
            let (sequence, symbology, content, text, details): (u64, &str, &str, &str, Dict) =
                body.deserialize()?;
            map = value::map(&details);
            map.insert("type".to_owned(), "scan".into());
            map.insert("sequence".to_owned(), sequence.into());
            map.insert("symbology".to_owned(), symbology.into());
            map.insert("content".to_owned(), content.into());
            map.insert("text".to_owned(), text.into());
        }
        "CardRead" => {
            let (sequence, card): (u64, Dict) = body.deserialize()?;
            map = value::map(&card);
            map.insert("type".to_owned(), "card".into());
            map.insert("sequence".to_owned(), sequence.into());
        }
        "Fault" => {
            let (kind, message, details): (&str, &str, Dict) = body.deserialize()?;
            map = of("fault", &name(devices));
            map.insert("kind".to_owned(), kind.into());
            map.insert("message".to_owned(), message.into());
            map.extend(value::map(&details));
        }
        "Withheld" => {
            let (sequence, kind): (u64, &str) = body.deserialize()?;
            map = of("withheld", &name(devices));
            map.insert("sequence".to_owned(), sequence.into());
            map.insert("kind".to_owned(), kind.into());
        }
        "ReleaseRequested" => map = of("release-requested", &name(devices)),
        "ClaimLost" => {
            let reason: &str = body.deserialize()?;
            map = of("claim-lost", &name(devices));
            map.insert("reason".to_owned(), reason.into());
        }
        "PropertiesChanged" => {
            let (_, changed, _): (&str, Dict, Vec<&str>) = body.deserialize()?;
            let changed = value::properties(&changed);
            map = of("device", &name(devices));
            map.extend(changed.clone());
            devices.entry(path).or_default().extend(changed);
        }
        "InterfacesAdded" => return added(message, devices),
        "InterfacesRemoved" => return removed(message, devices),
        _ => return Ok(None),
    }
    Ok(Some(map))
}

fn added(message: &Message, devices: &mut Devices) -> zbus::Result<Option<Map>> {
    let body = message.body();
    let (path, interfaces): (OwnedObjectPath, HashMap<String, Dict>) = body.deserialize()?;
    let is_device = interfaces.contains_key(DEVICE);
    let device = devices.entry(path.to_string()).or_default();
    for properties in interfaces.values() {
        device.extend(value::properties(properties));
    }
    Ok(is_device.then(|| of_device("device-added", device)))
}

fn removed(message: &Message, devices: &mut Devices) -> zbus::Result<Option<Map>> {
    let body = message.body();
    let (path, interfaces): (OwnedObjectPath, Vec<String>) = body.deserialize()?;
    if !interfaces.iter().any(|interface| interface == DEVICE) {
        return Ok(None);
    }
    let device = devices.remove(path.as_str());
    Ok(device.map(|device| of("device-removed", text(&device, "name"))))
}

/// A device as it stands.
pub(crate) fn of_device(kind: &str, device: &Map) -> Map {
    let mut map = of(kind, text(device, "name"));
    let told = ["lane", "state", "access", "node", "owner", "profile"];
    map.extend(
        told.into_iter()
            .filter_map(|key| device.get(key).map(|value| (key.to_owned(), value.clone()))),
    );
    map
}

/// An event of `Replay`.
pub(crate) fn of_replay(event: &Dict) -> Map {
    let mut map = value::map(event);
    // What is withheld from us has nothing but its number.
    let kind = match text(&map, "event") {
        _ if flag(&map, "withheld") => "withheld",
        "card" => "card",
        _ => "scan",
    };
    map.insert("type".to_owned(), kind.into());
    map.insert("replayed".to_owned(), true.into());
    map
}

/// Prints maps.
#[derive(Debug)]
pub(crate) struct Printer {
    json: bool,
    style: Style,
    /// The width of the column of names.
    names: usize,
    /// Where the same goes as JSON.
    copy: Option<(PathBuf, File)>,
}

/// A longer name moves its own line's columns and no other's.
const LONGEST_NAME: usize = 24;

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, style: Style::of_stdout(), names: 8, copy: None }
    }

    /// Writes everything into a file too, as JSON, each line after it has been printed.
    pub(crate) fn copy_to(&mut self, path: &Path) -> Result<(), Error> {
        // What customers scan is nobody else's business.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|error| Error::at(path.display(), error))?;
        self.copy = Some((path.to_owned(), file));
        Ok(())
    }

    /// Makes room for these devices' names.
    pub(crate) fn fit<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let widths = names.map(|name| width(&plain(name)));
        self.names = widths.filter(|width| *width <= LONGEST_NAME).fold(self.names, usize::max);
    }

    pub(crate) fn print(&mut self, event: &Map) -> Result<(), Error> {
        let json = || Value::Object(event.clone()).to_string();
        say(&if self.json { json() } else { self.line(event) })?;
        if let Some((path, file)) = &mut self.copy {
            let written = writeln!(file, "{}", json());
            written.map_err(|error| Error::at(path.display(), error))?;
        }
        Ok(())
    }

    /// An event for a person.
    fn line(&self, event: &Map) -> String {
        let time = self.style.paint(Tone::Faint, &time_of_day(number(event, "time")));
        let device = plain(text(event, "device"));
        if device.is_empty() {
            return format!("{time}  {}", self.words(event));
        }
        let line = format!("{time}  {device}{}  {}", fill(&device, self.names), self.words(event));
        line.trim_end().to_owned()
    }

    fn words(&self, event: &Map) -> String {
        let paint = |tone, name| self.style.paint(tone, &plain(text(event, name)));
        match text(event, "type") {
            "scan" => self.scan(event),
            "card" => {
                let card = self.column(Tone::Word, &format!("card {}", text(event, "kind")), 14);
                let notes = self.style.paint(Tone::Faint, &in_brackets(&notes(event)));
                format!("{card}  {}{notes}", self.style.paint(Tone::Strong, &card_words(event)))
            }
            "fault" => {
                let kind = self.column(Tone::Bad, &format!("fault: {}", text(event, "kind")), 22);
                format!("{kind}  {}", plain(text(event, "message")))
            }
            "withheld" => {
                let sequence = number(event, "sequence").unwrap_or(0);
                // What is replayed does not say of what kind it was.
                let what = format!("{} #{sequence}", plain(text(event, "kind")));
                let withheld = self.style.paint(Tone::Odd, "withheld");
                format!("{withheld}  {}, for its owner alone", what.trim_start())
            }
            "claim-lost" => format!(
                "{}: {}",
                self.style.paint(Tone::Bad, "claim lost"),
                paint(Tone::Plain, "reason")
            ),
            "release-requested" => {
                self.style.paint(Tone::Odd, "another client asks for the device")
            }
            "device-removed" => self.style.paint(Tone::Odd, "removed"),
            "device-added" | "device" => self.device(event),
            _ => paint(Tone::Strong, "message"),
        }
    }

    fn scan(&self, event: &Map) -> String {
        let symbology = self.column(Tone::Word, text(event, "symbology"), 12);
        let content = self.column(Tone::Faint, text(event, "content"), 12);
        let shown = match text(event, "content") {
            "binary" if event.contains_key("raw") => format!("hex {}", text(event, "raw")),
            _ => plain(text(event, "text")),
        };
        let mut line =
            format!("{symbology}  {content}  {}", self.style.paint(Tone::Strong, &shown));
        line.push_str(&self.style.paint(Tone::Faint, &in_brackets(&notes(event))));
        line
    }

    fn device(&self, event: &Map) -> String {
        let mut words = Vec::new();
        if event.contains_key("state") {
            let state = text(event, "state");
            words.push(self.style.paint(tone_of_state(state), state));
        }
        if !["", "ok", "not-found"].contains(&text(event, "access")) {
            words.push(self.style.paint(Tone::Bad, &plain(text(event, "access"))));
        }
        if !text(event, "node").is_empty() {
            words.push(plain(text(event, "node")));
        }
        match event.get("owner").and_then(Value::as_str) {
            Some("") if text(event, "type") == "device" && words.is_empty() => {
                words.push("unclaimed".to_owned());
            }
            None | Some("") => {}
            Some(owner) => words.push(format!("claimed by {}", plain(owner))),
        }
        if event.contains_key("enabled") && text(event, "type") == "device" {
            let enabled = flag(event, "enabled");
            words.push(if enabled { "may read" } else { "may not read" }.to_owned());
        }
        words.join("  ")
    }

    fn column(&self, tone: Tone, text: &str, columns: usize) -> String {
        let text = plain(text);
        format!("{}{}", self.style.paint(tone, &text), fill(&text, columns))
    }
}

/// How a state looks.
pub(crate) fn tone_of_state(state: &str) -> Tone {
    match state {
        "ready" => Tone::Good,
        "unreachable" => Tone::Bad,
        "opening" => Tone::Odd,
        _ => Tone::Faint,
    }
}

/// What may be said of a card, for a person.
pub(crate) fn card_words(event: &Map) -> String {
    let mut words: Vec<String> =
        ["pan-masked", "number", "brand", "expiry", "service-code", "scheme"]
            .into_iter()
            .map(|name| plain(text(event, name)))
            .filter(|word| !word.is_empty())
            .collect();
    if !text(event, "refused").is_empty() {
        words.push(format!("kept back by `{}`", plain(text(event, "refused"))));
    }
    if let Some(Value::Object(tracks)) = event.get("tracks") {
        let mut tracks: Vec<(&String, &Value)> = tracks.iter().collect();
        tracks.sort_by_key(|(number, _)| *number);
        words.extend(tracks.into_iter().map(|(number, state)| match state.as_str() {
            Some("present") => format!("track {number}"),
            state => format!("track {number}: {}", plain(state.unwrap_or_default())),
        }));
    }
    if flag(event, "tracks-disagree") {
        words.push("the tracks have different numbers".to_owned());
    }
    words.join("  ")
}

fn in_brackets(notes: &[String]) -> String {
    if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) }
}

/// What else there is to know of an event.
fn notes(event: &Map) -> Vec<String> {
    let mut notes: Vec<String> = ["inferred", "duplicate", "stale", "simulated"]
        .into_iter()
        .filter(|name| flag(event, name))
        .map(str::to_owned)
        .collect();
    if !["", "utf-8"].contains(&text(event, "encoding")) && text(event, "content") != "gtin" {
        notes.push(plain(text(event, "encoding")));
    }
    notes.extend(["wallet", "confidence"].into_iter().filter_map(|name| {
        let word = plain(text(event, name));
        (!word.is_empty()).then_some(word)
    }));
    if let Some(Value::Object(card)) = event.get("card") {
        let words = ["brand", "pan-masked"].map(|name| plain(text(card, name)));
        notes.push(format!("holds a card number: {}", words.join(" ").trim_start()));
    }
    if text(event, "type") == "scan" && event.contains_key("refused") {
        notes
            .push(format!("holds a card number, kept back by `{}`", plain(text(event, "refused"))));
    }
    if let Some(Value::Object(before)) = event.get("seen-before") {
        let count = number(before, "count").unwrap_or(0);
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        notes.push(format!("seen {times} before: {}", plain(text(before, "verdict"))));
    }
    if let Some(age) = number(event, "age-ms") {
        notes.push(format!("{}.{} s late", age / 1000, age % 1000 / 100));
    }
    notes
}

/// Hours, minutes and seconds where we are, of microseconds since 1970.
fn time_of_day(micros: Option<u64>) -> String {
    let timestamp = micros
        .and_then(|micros| i64::try_from(micros).ok())
        .and_then(|micros| Timestamp::from_microsecond(micros).ok());
    timestamp.map_or_else(
        || " ".repeat("00:00:00.000".len()),
        |timestamp| {
            timestamp.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string()
        },
    )
}
