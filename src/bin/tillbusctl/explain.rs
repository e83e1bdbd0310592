//! `explain`: what tillbus says of a code, and why.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};
use tillbus::config::{self, Paths};
use tillbus::event::{Aim, Reading, Role, Scan, Sensitivity, Symbology, Timestamp};
use tillbus::normalize::{self, Outcome, Rules, Step};
use tillbus::secret::Secret;
use tillbus::settings;

use crate::error::Error;
use crate::output::{Cell, say, say_json, say_table};
use crate::scan;
use crate::style::{Style, Tone, plain};

/// Say what a code means, with each field, check and rule
///
/// CODE is what the scanner sends: an AIM identifier may stand before it (`]C10104006381333931`), and
/// \xNN is a byte, so \x1D is the separator of GS1. Without CODE each line of standard input is a code,
/// taken as it is: a payment code or a card number belongs there and not into the shell's history. What
/// is personal or a card's is shown as masked as it would be on the bus. Needs no daemon.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The code; from standard input if absent or `-`
    code: Option<String>,
    /// The symbology that the scanner names, such as ean-13 or qr
    #[arg(long, value_name = "WORD", value_parser = symbology)]
    symbology: Option<Symbology>,
    /// Explain as scanned on a device of this role; without it, `both`, and where the others differ
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleWord>,
    /// Explain as scanned on this device of the configuration: its role, encodings and shop's codes
    #[arg(long, value_name = "NAME", conflicts_with = "role")]
    device: Option<String>,
    /// The configuration that has the device
    #[arg(long, value_name = "FILE", requires = "device")]
    config: Option<PathBuf>,
    /// All of standard input is one code, line ends and all but the last
    #[arg(long, conflicts_with = "code")]
    whole: bool,
    /// Print one JSON object a code
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    Goods,
    Payment,
    Both,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Goods => Self::Goods,
            RoleWord::Payment => Self::Payment,
            RoleWord::Both => Self::Both,
        }
    }
}

fn symbology(word: &str) -> Result<Symbology, String> {
    let known = Symbology::ALL.iter().find(|symbology| symbology.word() == word);
    known.copied().ok_or_else(|| {
        let words = Symbology::ALL.iter().map(|symbology| symbology.word());
        format!("no symbology has this word; {}", settings::suggest(word, words))
    })
}

pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let rules = rules(options)?;
    let codes = match options.code.as_deref() {
        None | Some("-") => from_input(options.whole)?,
        Some(code) => vec![unescape(code)],
    };
    let printer = Printer { options, rules, style: Style::of_stdout() };
    for (index, code) in codes.iter().enumerate() {
        if index > 0 && !options.json {
            say("")?;
        }
        printer.explain(code)?;
    }
    Ok(())
}

/// What the device is taken to be.
fn rules(options: &Options) -> Result<Rules, Error> {
    let Some(name) = &options.device else {
        return Ok(Rules {
            role: options.role.map_or(Role::Both, Role::from),
            encodings: vec![encoding_rs::UTF_8, encoding_rs::GB18030],
            ..Rules::default()
        });
    };
    let mut paths = Paths::default();
    if let Some(config) = &options.config {
        paths.config.clone_from(config);
    }
    let config = config::load(&paths).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Error::failed(lines.join("\n"))
    })?;
    let device = config.devices.iter().find(|device| device.name == *name).ok_or_else(|| {
        let names: Vec<&str> = config.devices.iter().map(|device| device.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::failed(format!(
            "{} has no device {name:?}; its devices: {names}",
            paths.config.display()
        ))
    })?;
    Ok(device.rules())
}

fn from_input(whole: bool) -> Result<Vec<Vec<u8>>, Error> {
    if std::io::stdin().is_terminal() {
        crate::error::complain("reading codes from the terminal, one a line, until Ctrl-D");
    }
    let mut input = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut input);
    read.map_err(|error| Error::at("standard input", error))?;
    if whole {
        let end = input.strip_suffix(b"\n").unwrap_or(&input);
        return Ok(vec![end.strip_suffix(b"\r").unwrap_or(end).to_vec()]);
    }
    let lines = input.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

/// The bytes that an argument stands for. A backslash that begins no \xNN is itself, since codes have
/// backslashes of their own.
fn unescape(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let hex = piece.split_at_checked(2);
        match hex.and_then(|(hex, rest)| Some((u8::from_str_radix(hex, 16).ok()?, rest))) {
            Some((byte, rest)) => {
                bytes.push(byte);
                bytes.extend(rest.bytes());
            }
            None => {
                bytes.extend(b"\\x");
                bytes.extend(piece.bytes());
            }
        }
    }
    bytes
}

struct Printer<'a> {
    options: &'a Options,
    rules: Rules,
    style: Style,
}

impl Printer<'_> {
    fn explain(&self, code: &[u8]) -> Result<(), Error> {
        if code.is_empty() {
            return Err(Error::failed("the code is empty; accepted is at least one byte"));
        }
        let (scan, steps) = normalize::explain(self.reading(code), &self.rules);
        let others = self.others(code, &scan);
        if self.options.json {
            return self.as_json(&scan, &steps, &others);
        }
        self.head(&scan)?;
        self.details(&scan)?;
        self.steps(&steps)?;
        for (role, content) in others {
            let words = format!("on a device for {} it is {content}", role_in_words(role));
            say(&format!("  {}", self.style.paint(Tone::Odd, &words)))?;
        }
        Ok(())
    }

    /// What a scanner would have reported.
    fn reading(&self, code: &[u8]) -> Reading {
        let split = Aim::split(code).filter(|(aim, rest)| aim.is_known() && !rest.is_empty());
        let (aim, data) = split.map_or((None, code), |(aim, rest)| (Some(aim), rest));
        let symbology = self.options.symbology.or_else(|| aim.map(Symbology::from_aim));
        let (first, last) = (Timestamp::default(), Timestamp::default());
        Reading { symbology, aim, data: Secret::copy_of(data), first, last }
    }

    /// What the code would be on devices of the other roles, where nobody has named one.
    fn others(&self, code: &[u8], scan: &Scan) -> Vec<(Role, &'static str)> {
        if self.options.role.is_some() || self.options.device.is_some() {
            return Vec::new();
        }
        let roles = [Role::Goods, Role::Payment].into_iter();
        roles
            .filter_map(|role| {
                let rules = Rules { role, ..self.rules.clone() };
                let other = normalize::scan(self.reading(code), &rules);
                (other.content != scan.content).then_some((role, other.content.word()))
            })
            .collect()
    }

    fn head(&self, scan: &Scan) -> Result<(), Error> {
        let (text, raw) = scan::visible(scan);
        let symbology = match (scan.aim, scan.inferred) {
            (Some(aim), _) => format!("{} ({aim})", scan.symbology),
            (None, true) => format!("{} (inferred)", scan.symbology),
            (None, false) => scan.symbology.to_string(),
        };
        let shown = match raw {
            Some(raw) if text.is_empty() => format!("hex {raw}"),
            _ => plain(text),
        };
        say(&format!(
            "{}  {}  {}",
            self.style.paint(Tone::Strong, scan.content.word()),
            self.style.paint(Tone::Word, &symbology),
            shown
        ))?;
        let words = match scan.sensitivity {
            Sensitivity::Public => return Ok(()),
            Sensitivity::Private => "for the owner of the device alone: it is somebody's own",
            Sensitivity::Bearer => "for the owner of the device alone: who has it can pay with it",
            Sensitivity::Personal => {
                "for the owner of the device alone, and masked: it is personal"
            }
            Sensitivity::Card => {
                "for the owner of the device alone, masked, and whole only through Take: it holds \
                 a card number"
            }
        };
        say(&format!("  {}", self.style.paint(Tone::Odd, words)))
    }

    fn details(&self, scan: &Scan) -> Result<(), Error> {
        let mut rows = Vec::new();
        if let Some(gtin) = &scan.gtin {
            rows.push(row("gtin-14", gtin.as_str()));
        }
        if let Some(life) = scan.life {
            rows.push(row("life", &format!("at most {} s from its reading", life.as_secs())));
        }
        for (name, value) in &scan.details {
            flatten(name, &scan::detail(value), &mut rows);
        }
        say_table(self.style, &rows)
    }

    fn steps(&self, steps: &[Step]) -> Result<(), Error> {
        let rows: Vec<Vec<Cell>> = steps
            .iter()
            .map(|step| {
                let (tone, word) = match step.outcome {
                    Outcome::Yes => (Tone::Good, "yes"),
                    Outcome::No => (Tone::Faint, "no"),
                };
                vec![
                    Cell::new(Tone::Plain, ""),
                    Cell::new(tone, word),
                    Cell::new(Tone::Plain, step.rule),
                    Cell::new(Tone::Faint, &step.why),
                ]
            })
            .collect();
        say_table(self.style, &rows)
    }

    fn as_json(
        &self,
        scan: &Scan,
        steps: &[Step],
        others: &[(Role, &'static str)],
    ) -> Result<(), Error> {
        let mut map = scan::map(scan);
        let sensitivity = match scan.sensitivity {
            Sensitivity::Public => "public",
            Sensitivity::Private => "private",
            Sensitivity::Bearer => "bearer",
            Sensitivity::Personal => "personal",
            Sensitivity::Card => "card",
        };
        map.insert("sensitivity".to_owned(), sensitivity.into());
        let why = steps.iter().map(|step| {
            json!({ "rule": step.rule, "holds": step.outcome == Outcome::Yes, "why": step.why })
        });
        map.insert("why".to_owned(), why.collect());
        let others =
            others.iter().map(|(role, content)| (role.word().to_owned(), (*content).into()));
        map.insert("on-other-roles".to_owned(), Value::Object(others.collect()));
        say_json(&Value::Object(map))
    }
}

fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Goods => "goods",
        Role::Payment => "payments",
        Role::Both => "both",
    }
}

fn row(name: &str, value: &str) -> Vec<Cell> {
    vec![Cell::new(Tone::Plain, ""), Cell::new(Tone::Faint, name), Cell::new(Tone::Plain, value)]
}

/// A value as rows; one within another has both names.
fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<Cell>>) {
    match value {
        Value::Object(entries) => {
            for (inner, value) in entries {
                flatten(&format!("{name}.{inner}"), value, rows);
            }
        }
        Value::Array(values) => {
            for value in values {
                flatten(name, value, rows);
            }
        }
        Value::String(text) => rows.push(row(name, text)),
        other => rows.push(row(name, &other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_can_be_typed_and_backslashes_stay() {
        for (text, want) in [
            ("0104\\x1D21", &b"0104\x1D21"[..]),
            ("WIFI:S:a\\;b;;", b"WIFI:S:a\\;b;;"),
            ("\\x", b"\\x"),
            ("\\xZZ", b"\\xZZ"),
            ("\\x4", b"\\x4"),
            ("\\x\u{20AC}", "\\x\u{20AC}".as_bytes()),
            ("", b""),
        ] {
            assert_eq!(unescape(text), want, "{text}");
        }
    }
}
