//! `profile new`: a profile out of a dialogue, the meter first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use tillbus::profile::Profile;
use tillbus::settings::File;
use tillbus::wiring::connector::SHAPES;
use tillbus::wiring::diagnose::meter::{Shown, of_volts};
use tillbus::wiring::diagnose::trial::trials;
use tillbus::wiring::{Rail, Shape};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::output::say;
use crate::simulate::of_settings;
use crate::terminal;

/// Make a profile of a socket that nobody has documented
///
/// Asks what a meter shows: which contact is ground, which carries a supply, which rests below nought and
/// so is a transmitter. What a meter cannot tell apart is offered for trying afterwards, and only where no
/// trial can put power on a data line.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file to write; its name without .toml becomes the profile's id
    file: PathBuf,
}

/// What a contact turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Ground,
    Supply(String),
    /// Rests below nought: the transmitter.
    Sends,
    /// Above nought and no supply: RTS, then DTR.
    Ready,
    /// Some kilohm to ground: RXD, then CTS, then DSR.
    Hears,
    Nothing,
}

pub(crate) async fn run(options: &Options) -> Result<(), Error> {
    let stem = options.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if options.file.exists() {
        return Err(Error::failed(format!(
            "{} is there already; name another file",
            options.file.display()
        )));
    }
    let mut asker = Asker { lines: terminal::lines() };
    let head = asker.head().await?;
    let found = asker.contacts(head.shape).await?;
    let text = write(&stem, &head, &found);
    // What is written has to be read: a hole here would be one in the file.
    let file = File { name: options.file.display().to_string(), text };
    let document = file.parse().map_err(|error| Error::failed(error.to_string()))?;
    let profile = Profile::read(&document.root(), &stem).map_err(|errors| of_settings(&errors))?;
    std::fs::write(&options.file, &file.text)
        .map_err(|error| Error::at(options.file.display(), error))?;
    say(&format!("\n{} is written", options.file.display()))?;
    tell_trials(&profile)
}

/// What may be tried without a meter, where the first order is not the right one.
fn tell_trials(profile: &Profile) -> Result<(), Error> {
    let Some(connector) = &profile.connector else { return Ok(()) };
    let trials = trials(connector);
    if trials.is_empty() {
        return Ok(());
    }
    say("\nIf nothing is heard, these may be tried; none of them moves ground or supply:")?;
    for (_, swaps) in trials {
        let swaps: Vec<String> = swaps
            .iter()
            .map(|(one, other)| format!("{} and {} changed", one.word(), other.word()))
            .collect();
        say(&format!("  {}", swaps.join(", ")))?;
    }
    say(
        "\nWhen it works, change the status to \"reported\" and send it in: CONTRIBUTING.md says how.",
    )
}

/// What is asked before the meter.
struct Head {
    vendor: String,
    model: String,
    kind: &'static str,
    shape: Shape,
    gender: Option<&'static str>,
}

struct Asker {
    lines: mpsc::Receiver<String>,
}

impl Asker {
    async fn line(&mut self, question: &str) -> Result<String, Error> {
        say(question)?;
        match self.lines.recv().await {
            Some(line) => Ok(line.trim().to_owned()),
            None => Err(Error::failed("the input has ended; nothing is written")),
        }
    }

    /// Asks until the answer is one.
    async fn until<T>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        loop {
            let line = self.line(question).await?;
            match read(&line) {
                Ok(answer) => return Ok(answer),
                Err(why) => say(&why)?,
            }
        }
    }

    async fn head(&mut self) -> Result<Head, Error> {
        let vendor = self.until("Who makes it?", not_empty).await?;
        let model = self.until("What does its maker call it?", not_empty).await?;
        let kind = self
            .until("Is it a till's serial port (host) or a device's socket (device)?", |word| {
                match word {
                    "host" => Ok("host"),
                    "device" => Ok("socket"),
                    _ => Err("accepted: host, device".to_owned()),
                }
            })
            .await?;
        let shape = self.until("Which connector is it?", shape_of).await?;
        let gender = match shape.has_gender() {
            false => None,
            true => Some(
                self.until("Has it pins (male) or holes (female)?", |word| match word {
                    "male" => Ok("male"),
                    "female" => Ok("female"),
                    _ => Err("accepted: male, female".to_owned()),
                })
                .await?,
            ),
        };
        Ok(Head { vendor, model, kind, shape, gender })
    }

    /// Goes over the contacts with the meter.
    async fn contacts(&mut self, shape: Shape) -> Result<BTreeMap<u8, Found>, Error> {
        say("")?;
        say(match shape {
            shape if shape.is_modular() => {
                "Look into the socket with the clip's notch down. Contact 1 is at the left."
            }
            Shape::BareWires => "Number the wires as you like, from 1 on.",
            _ => "The numbers are moulded into the connector, or its standard's.",
        })?;
        let numbers = self.numbers(shape).await?;
        say("")?;
        let grounds = self
            .until(
                "Switch the machine off. Set the meter to beep, one probe to bare metal of the machine. \
                 Which contacts beep? (numbers, or - for none)",
                |line| chosen(line, &numbers),
            )
            .await?;
        if grounds.is_empty() {
            return Err(Error::failed(
                "without a ground nothing can be measured against anything; find the outside of its \
                 power plug, and begin again",
            ));
        }
        let rest: Vec<u8> =
            numbers.iter().copied().filter(|number| !grounds.contains(number)).collect();
        let mut found: BTreeMap<u8, Found> =
            grounds.iter().map(|number| (*number, Found::Ground)).collect();
        for (number, volts) in self.volts(&rest).await? {
            let what = self.judge(number, volts).await?;
            found.insert(number, what);
        }
        Ok(found)
    }

    async fn numbers(&mut self, shape: Shape) -> Result<Vec<u8>, Error> {
        if shape != Shape::BareWires {
            let last = u8::try_from(shape.contacts().count()).unwrap_or(u8::MAX);
            return Ok((1..=last).collect());
        }
        let count = self
            .until("How many wires are there?", |line| match line.parse::<u8>() {
                Ok(count @ 2..=16) => Ok(count),
                _ => Err("accepted are 2 to 16".to_owned()),
            })
            .await?;
        Ok((1..=count).collect())
    }

    async fn volts(&mut self, rest: &[u8]) -> Result<Vec<(u8, f32)>, Error> {
        let names: Vec<String> = rest.iter().map(u8::to_string).collect();
        let question = format!(
            "Switch the machine on, nothing plugged in. Set the meter to 20 V DC, the black probe on \
             ground. Which voltages have the contacts {}? (in their order)",
            names.join(" ")
        );
        let volts = self
            .until(&question, |line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                if words.len() != rest.len() {
                    return Err(format!(
                        "{} voltages for {} contacts; accepted is one for each",
                        words.len(),
                        rest.len()
                    ));
                }
                words.iter().map(|word| volts_of(word)).collect::<Result<Vec<f32>, String>>()
            })
            .await?;
        Ok(rest.iter().copied().zip(volts).collect())
    }

    /// What a contact with this voltage is.
    async fn judge(&mut self, number: u8, volts: f32) -> Result<Found, Error> {
        match of_volts(volts) {
            Some(Shown::Negative) => Ok(Found::Sends),
            Some(Shown::Positive) => {
                let question = format!(
                    "Contact {number} has {volts} V. Put 1 kOhm between it and ground: does the voltage \
                     stay within a tenth of a volt? Then it is a supply. (y or n)"
                );
                let is_supply = self.until(&question, yes_or_no).await?;
                Ok(if is_supply { Found::Supply(rail(volts)) } else { Found::Ready })
            }
            _ => {
                let question = format!(
                    "Contact {number} has about 0 V. Switch the machine off and measure its resistance \
                     to ground: is it 3 to 7 kOhm? Then it is a receiver. (y or n)"
                );
                let hears = self.until(&question, yes_or_no).await?;
                Ok(if hears { Found::Hears } else { Found::Nothing })
            }
        }
    }
}

fn not_empty(line: &str) -> Result<String, String> {
    match line.is_empty() || line.chars().any(char::is_control) {
        true => Err("accepted is any text".to_owned()),
        false => Ok(line.to_owned()),
    }
}

fn shape_of(word: &str) -> Result<Shape, String> {
    let short = |known: &str| known.split('-').next().is_some_and(|first| first == word);
    let found = SHAPES.iter().find(|(known, _)| *known == word || short(known));
    found.map(|(_, shape)| *shape).ok_or_else(|| {
        let words: Vec<&str> = SHAPES.iter().map(|(word, _)| *word).collect();
        format!("accepted: {}", words.join(", "))
    })
}

fn chosen(line: &str, numbers: &[u8]) -> Result<Vec<u8>, String> {
    if line == "-" {
        return Ok(Vec::new());
    }
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let read = |word: &&str| word.parse().ok().filter(|number| numbers.contains(number));
    let chosen: Option<Vec<u8>> = words.iter().map(read).collect();
    chosen.filter(|chosen| !chosen.is_empty()).ok_or_else(|| {
        let all: Vec<String> = numbers.iter().map(u8::to_string).collect();
        format!("accepted are numbers out of {}, or - for none", all.join(" "))
    })
}

fn volts_of(word: &str) -> Result<f32, String> {
    let number = word.trim_end_matches(['V', 'v']).replace(',', ".");
    let volts = number.parse::<f32>().ok().filter(|volts| volts.is_finite());
    let volts = volts.ok_or_else(|| format!("{word:?} is no voltage"))?;
    match of_volts(volts) {
        Some(_) if volts.abs() <= 60.0 => Ok(volts),
        Some(_) => Err(format!("{word} is no serial port: is this a telephone socket? Leave it")),
        None => Err(format!(
            "{word} is neither a level nor about nought; measure again, with the black probe on ground"
        )),
    }
}

fn yes_or_no(word: &str) -> Result<bool, String> {
    match word {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("accepted: y, n".to_owned()),
    }
}

/// A measured voltage as the rail that was meant.
fn rail(volts: f32) -> String {
    let usual = [3.3_f32, 5.0, 9.0, 12.0, 24.0];
    let nearest = usual.into_iter().find(|usual| (usual - volts.abs()).abs() <= usual * 0.06);
    let volts = nearest.map_or(volts, |usual| usual.copysign(volts));
    // Tenths of a volt are as fine as a rail is written.
    let tenths = format!("{:+.1}", volts).replace('.', "V");
    let tenths = tenths.strip_suffix("V0").map_or(tenths.clone(), |whole| format!("{whole}V"));
    debug_assert!(Rail::parse(&tenths).is_some(), "{tenths}");
    tenths
}

/// The signals of what was found, in the order in which lines are likely to be there.
fn signals(found: &BTreeMap<u8, Found>) -> BTreeMap<u8, String> {
    let mut ready = ["RTS", "DTR"].into_iter();
    let mut hears = ["RXD", "CTS", "DSR", "DCD", "RI"].into_iter();
    let mut sends = ["TXD", "RTS", "DTR"].into_iter();
    let mut signals = BTreeMap::new();
    for (number, found) in found {
        let signal = match found {
            Found::Ground => Some("\"GND\"".to_owned()),
            Found::Supply(rail) => Some(format!("{{ supply = {rail:?} }}")),
            Found::Nothing => Some("\"NC\"".to_owned()),
            Found::Sends => sends.next().map(|name| format!("{name:?}")),
            Found::Ready => ready.next().map(|name| format!("{name:?}")),
            Found::Hears => hears.next().map(|name| format!("{name:?}")),
        };
        signals.extend(signal.map(|signal| (*number, signal)));
    }
    signals
}

/// The file.
fn write(stem: &str, head: &Head, found: &BTreeMap<u8, Found>) -> String {
    let Head { vendor, model, kind, shape, gender } = head;
    let last = found.keys().max().copied().unwrap_or(1);
    let last = match shape {
        Shape::BareWires => last,
        shape => u8::try_from(shape.contacts().count()).unwrap_or(last),
    };
    let view = match shape.is_modular() {
        true => "socket front, clip down, 1 left",
        false => "numbers of the connector",
    };
    let mut text = format!(
        "# Measured with a meter, in the order that a meter shows. Where there are several receivers, a meter\n\
         # cannot tell which is which.\n\n[profile]\nid      = {stem:?}\nvendor  = {vendor:?}\n\
         model   = {model:?}\nkind    = {kind:?}\nstatus  = \"untested\"\n\
         sources = [\"measured with a meter\"]\n\n[connector]\ntype     = {:?}\n",
        shape.word()
    );
    if let Some(gender) = gender {
        let _ = writeln!(text, "gender   = {gender:?}");
    }
    let _ = write!(
        text,
        "view     = {view:?}\ncounting = \"1-{last}\"\nrole     = \"DTE\"\nlevel    = \"rs232\"\n\
         [connector.pins]\n"
    );
    for (number, signal) in signals(found) {
        let _ = writeln!(text, "{number} = {signal}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rails_are_what_was_meant() {
        for (volts, want) in [
            (5.1, "+5V"),
            (4.8, "+5V"),
            (3.28, "+3V3"),
            (11.7, "+12V"),
            (7.4, "+7V4"),
            (23.5, "+24V"),
        ] {
            assert_eq!(rail(volts), want);
        }
    }

    #[test]
    fn a_telephone_socket_is_no_serial_port() {
        assert!(volts_of("48").is_ok_and(|volts| volts == 48.0));
        assert!(volts_of("90").unwrap_err().contains("telephone"));
        assert!(volts_of("1.8").unwrap_err().contains("again"));
        assert_eq!(volts_of("-8,2V"), Ok(-8.2));
    }

    #[test]
    fn what_is_written_is_read() {
        let found = BTreeMap::from([
            (1, Found::Sends),
            (2, Found::Ground),
            (3, Found::Supply("+5V".to_owned())),
            (4, Found::Hears),
        ]);
        let head = Head {
            vendor: "A \"quoted\" maker".to_owned(),
            model: "T-1".to_owned(),
            kind: "host",
            shape: Shape::Rj11,
            gender: None,
        };
        let text = write("till-t1", &head, &found);
        let file = File { name: "till-t1.toml".to_owned(), text };
        let document = file.parse().unwrap();
        let profile = Profile::read(&document.root(), "till-t1").unwrap();
        let pins = profile.connector.unwrap().pins;
        let shown: Vec<String> = pins.values().map(ToString::to_string).collect();
        assert_eq!(shown, ["TXD", "GND", "+5V", "RXD"]);
    }
}
