//! A Newland scanner: codes as lines, programming commands between `~` SOH and `;` ETX.
//!
//! Source: the vendor's manuals and public projects; see `protocol-docs`. It knows a few of the many
//! settings. The longest command it takes has 1,024 bytes.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use std::collections::BTreeMap;

use super::{Actions, Code, Info, Simulated};
use crate::event::{Aim, Symbology};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "newland", configure };

const HEAD: &[u8] = b"~\x010000";
const TAIL: &[u8] = b";\x03";
const MOST: usize = 1_024;

const ACK: u8 = 0x06;
const ENQ: u8 = 0x05;
const NAK: u8 = 0x15;

/// Settings as delivered, and the most that each may be.
const DELIVERED: &[(&str, u32, u32)] = &[
    ("SCNMOD", 2, 3),
    ("SCNENA", 1, 1),
    ("SCNTRG", 0, 1),
    ("CIDENA", 0, 3),
    ("RRDENA", 0, 1),
    ("RRDDUR", 1_000, 65_535),
    ("GRBENA", 1, 1),
    ("C11ENA", 0, 1),
    ("C11MIN", 4, 127),
    ("C11MAX", 127, 127),
];

/// AIM's identifier of what has none of its own.
const OTHER: Aim = Aim { code: b'X', modifier: b'0' };

/// Whether the AIM identifier is sent.
#[derive(Clone, Copy)]
enum Identify {
    Never,
    WhereKnown,
    Always,
}

/// Mode of reading: when triggered.
const BY_TRIGGER: u32 = 0;

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let aim = section.word(
        "aim",
        &[("off", Identify::Never), ("auto", Identify::WhereKnown), ("required", Identify::Always)],
    )?;
    let suffix = section.byte_strings("suffix")?.and_then(|all| all.into_iter().next());
    let ids = section.strings("code-ids")?.unwrap_or_default();
    Ok(Box::new(Newland {
        aim: aim.unwrap_or(Identify::WhereKnown),
        ids: ids.into_iter().filter_map(|entry| entry.split_once(' ')).map(owned).collect(),
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        suffix: suffix.unwrap_or_else(|| b"\r".to_vec()),
        settings: DELIVERED.iter().map(|(name, value, _)| (*name, *value)).collect(),
        input: Vec::new(),
        presented: None,
    }))
}

fn owned((id, symbology): (&str, &str)) -> (String, String) {
    (symbology.trim().to_owned(), id.to_owned())
}

struct Newland {
    aim: Identify,
    /// Code ids by symbology; none is sent where there are none.
    ids: BTreeMap<String, String>,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    settings: BTreeMap<&'static str, u32>,
    /// What has come of a command so far.
    input: Vec<u8>,
    /// A code before the scanner that it may not read yet.
    presented: Option<Code>,
}

impl Simulated for Newland {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let triggered = self.get("SCNTRG") == 1;
        if self.get("SCNENA") == 0 || (self.get("SCNMOD") == BY_TRIGGER && !triggered) {
            self.presented = Some(code.clone());
            return Vec::new();
        }
        self.settings.insert("SCNTRG", 0);
        self.presented = None;
        let id = code.symbology.and_then(|symbology| self.ids.get(symbology.word()));
        let aim = code.symbology.and_then(aim_of);
        let unnamed = id.is_none() && !self.ids.is_empty();
        let aim = match self.aim {
            Identify::Never => None,
            Identify::WhereKnown if !unnamed => aim,
            Identify::WhereKnown | Identify::Always => aim.or(Some(OTHER)),
        };
        let id = if self.ids.is_empty() { "" } else { id.map_or("?", String::as_str) };
        let aim = aim.map(|aim| aim.to_string()).unwrap_or_default();
        [&self.prefix, id.as_bytes(), aim.as_bytes(), &code.data, &self.suffix].concat()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.input.extend_from_slice(bytes);
        while let Some((storage, text)) = self.command() {
            out.send.extend(b"\x02\x010000");
            out.send.push(storage);
            out.send.extend(self.obey(&text, &mut out.notices));
            out.send.extend(TAIL);
        }
        if let Some(code) = self.presented.clone() {
            out.send.extend(self.scan(&code));
        }
    }
}

impl Newland {
    /// Takes the next whole command off the input, and what is none along with it.
    fn command(&mut self) -> Option<(u8, String)> {
        loop {
            let start = self.input.windows(HEAD.len()).position(|window| window == HEAD);
            let Some(start) = start else {
                // Its end may be the beginning of a command.
                let kept = self.input.len().min(HEAD.len() - 1);
                self.input.drain(..self.input.len() - kept);
                return None;
            };
            self.input.drain(..start);
            let body = self.input.get(HEAD.len()..).unwrap_or_default();
            let end = body.windows(TAIL.len()).position(|window| window == TAIL);
            let Some(end) = end else {
                if body.len() <= MOST {
                    return None;
                }
                self.input.drain(..1);
                continue;
            };
            let text = body.get(..end).unwrap_or_default().to_vec();
            self.input.drain(..HEAD.len() + end + TAIL.len());
            if let Some((storage @ (b'@' | b'#'), text)) = text.split_first() {
                return Some((*storage, String::from_utf8_lossy(text).into_owned()));
            }
        }
    }

    /// Does what a command says; its text again, a status behind each part.
    fn obey(&mut self, text: &str, notices: &mut Vec<String>) -> Vec<u8> {
        let mut said = Vec::new();
        for (place, group) in text.split(';').enumerate() {
            if place > 0 {
                said.push(b';');
            }
            let (tag, entries) = group.split_at_checked(3).unwrap_or((group, ""));
            said.extend(tag.bytes());
            for (place, entry) in entries.split(',').enumerate() {
                if place > 0 {
                    said.push(b',');
                }
                said.extend(self.entry(tag, entry, notices));
            }
        }
        said
    }

    fn entry(&mut self, tag: &str, entry: &str, notices: &mut Vec<String>) -> Vec<u8> {
        let (subtag, value) = entry.split_at_checked(3).unwrap_or((entry, ""));
        if (tag, subtag) == ("BEE", "PON") {
            let Some(hertz) = beep(value) else { return [entry.as_bytes(), &[NAK]].concat() };
            notices.push(format!("beep {hertz} Hz"));
            return [entry.as_bytes(), &[ACK]].concat();
        }
        let name = format!("{tag}{subtag}");
        let Some((name, delivered, most)) = DELIVERED.iter().find(|(known, ..)| *known == name)
        else {
            return [entry.as_bytes(), &[ENQ]].concat();
        };
        let (value, status) = match (value, value.parse::<u32>()) {
            ("*", _) => (self.get(name).to_string(), ACK),
            ("&", _) => (delivered.to_string(), ACK),
            ("^", _) => (format!("0-{most}"), ACK),
            (_, Ok(number)) if number <= *most => {
                self.settings.insert(name, number);
                notices.extend(notice(name, number).map(str::to_owned));
                (value.to_owned(), ACK)
            }
            _ => (value.to_owned(), NAK),
        };
        [subtag.as_bytes(), value.as_bytes(), &[status]].concat()
    }

    fn get(&self, name: &str) -> u32 {
        self.settings.get(name).copied().unwrap_or(0)
    }
}

/// What a person notices of a setting.
fn notice(name: &str, value: u32) -> Option<&'static str> {
    match (name, value) {
        ("SCNTRG", 0) => Some("trigger off"),
        ("SCNTRG", _) => Some("trigger on"),
        ("SCNENA", 0) => Some("disabled"),
        ("SCNENA", _) => Some("enabled"),
        _ => None,
    }
}

/// Hertz, milliseconds and loudness, each with its letter behind: the hertz.
fn beep(value: &str) -> Option<u32> {
    let (hertz, rest) = value.split_once('F')?;
    let (milliseconds, rest) = rest.split_once('T')?;
    let loudness = rest.strip_suffix('V')?;
    milliseconds.parse::<u32>().ok()?;
    loudness.parse::<u32>().ok().filter(|loudness| *loudness <= 20)?;
    hertz.parse().ok()
}

/// The identifiers of what is scanned most.
fn aim_of(symbology: Symbology) -> Option<Aim> {
    let (code, modifier) = match symbology {
        Symbology::Ean13 | Symbology::UpcA | Symbology::UpcE => (b'E', b'0'),
        Symbology::Ean8 => (b'E', b'4'),
        Symbology::Code128 => (b'C', b'0'),
        Symbology::Gs1Code128 => (b'C', b'1'),
        Symbology::Code39 => (b'A', b'0'),
        Symbology::Itf => (b'I', b'0'),
        Symbology::Pdf417 => (b'L', b'0'),
        Symbology::Qr => (b'Q', b'1'),
        Symbology::Gs1Qr => (b'Q', b'3'),
        Symbology::DataMatrix => (b'd', b'1'),
        Symbology::Gs1DataMatrix => (b'd', b'2'),
        _ => return None,
    };
    Some(Aim { code, modifier })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn device(options: &str) -> Box<dyn Simulated> {
        let file = File { name: "options".to_owned(), text: options.to_owned() };
        configure(&file.parse().unwrap().root()).unwrap()
    }

    fn ask(device: &mut dyn Simulated, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        for byte in bytes {
            device.receive(&[*byte], &mut actions);
        }
        actions.send
    }

    #[test]
    fn commands_are_answered() {
        for (name, command, want) in [
            ("trigger", &b"~\x010000#SCNTRG1;\x03"[..], &b"\x02\x010000#SCNTRG1\x06;\x03"[..]),
            ("two", b"~\x010000@C11ENA1,MIN9;\x03", b"\x02\x010000@C11ENA1\x06,MIN9\x06;\x03"),
            (
                "two tags",
                b"~\x010000@C11ENA1;SCNMOD0;\x03",
                b"\x02\x010000@C11ENA1\x06;SCNMOD0\x06;\x03",
            ),
            ("a query", b"~\x010000@SCNMOD*;\x03", b"\x02\x010000@SCNMOD2\x06;\x03"),
            ("out of range", b"~\x010000#SCNENA7;\x03", b"\x02\x010000#SCNENA7\x15;\x03"),
            ("unknown", b"~\x010000#XYZABC1;\x03", b"\x02\x010000#XYZABC1\x05;\x03"),
            (
                "a beep",
                b"~\x010000#BEEPON2000F100T020V;\x03",
                b"\x02\x010000#BEEPON2000F100T020V\x06;\x03",
            ),
            ("no beep", b"~\x010000#BEEPON2000F;\x03", b"\x02\x010000#BEEPON2000F\x15;\x03"),
            ("noise before", b"~~\x010x~\x010000#SCNTRG0;\x03", b"\x02\x010000#SCNTRG0\x06;\x03"),
            ("half", b"~\x010000#SCNTRG1", b""),
        ] {
            assert_eq!(ask(&mut *device(""), command), want, "{name}");
        }
    }

    #[test]
    fn a_person_notices() {
        let mut actions = Actions::default();
        let commands = b"~\x010000#SCNTRG1;\x03~\x010000#BEEPON0500F600T020V;SCNENA0;\x03";
        device("").receive(commands, &mut actions);
        assert_eq!(actions.notices, ["trigger on", "beep 500 Hz", "disabled"]);
    }

    #[test]
    fn off_or_by_trigger_a_code_waits() {
        let mut device = device("aim = \"off\"");
        let code = Code::plain("4006381333931");
        assert_eq!(device.scan(&code), b"4006381333931\r", "as delivered");
        ask(&mut *device, b"~\x010000#SCNENA0;\x03");
        assert_eq!(device.scan(&code), b"");
        let on = ask(&mut *device, b"~\x010000#SCNENA1;\x03");
        assert_eq!(on, b"\x02\x010000#SCNENA1\x06;\x034006381333931\r");
        ask(&mut *device, b"~\x010000#SCNMOD0;\x03");
        assert_eq!(device.scan(&code), b"");
        let triggered = ask(&mut *device, b"~\x010000#SCNTRG1;\x03");
        assert_eq!(triggered, b"\x02\x010000#SCNTRG1\x06;\x034006381333931\r");
        assert_eq!(device.scan(&code), b"", "one reading for each trigger");
    }

    #[test]
    fn identifiers_go_before_the_code() {
        let code = Code { symbology: Some(Symbology::Ean13), data: b"4006381333931".to_vec() };
        let ids = "code-ids = [\"d ean-13\", \"s qr\"]";
        assert_eq!(device("").scan(&code), b"]E04006381333931\r");
        assert_eq!(device(ids).scan(&code), b"d]E04006381333931\r");
        assert_eq!(device(ids).scan(&Code::plain("a")), b"?]X0a\r");
        assert_eq!(device("").scan(&Code::plain("a")), b"a\r");
    }
}
