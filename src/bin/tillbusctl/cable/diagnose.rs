//! `cable diagnose`: what is wrong with a cable, question by question.

mod ask;
mod eye;
mod tell;

use clap::ArgGroup;
use tillbus::profile::Profile;
use tillbus::wiring::diagnose::bench::{Bench, Unknown};
use tillbus::wiring::diagnose::meter::{self, Probe, Shown};
use tillbus::wiring::diagnose::model::{Inputs, Name};
use tillbus::wiring::diagnose::{Answer, Cases, Evidence, Scan};

use self::eye::Eye;
use super::{Shelf, find};
use crate::client::{self, Place};
use crate::error::Error;
use crate::value::text;

/// Find out what is wrong with a cable
///
/// Watches a device that tillbusd has, or a port by its path, asks what only a person can see, and
/// narrows down: a wrong speed, no power, a broken wire, the order of the contacts. Nothing is written to
/// the device. With --json, or with what is --seen and no device, it asks nothing.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("where").args(["device", "seen"]).multiple(true).required(true))]
pub(crate) struct Options {
    /// The device's name, or the path of a port that nobody has open
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
    /// What is on the contacts of the side that is known, in their order: TXD,RXD,GND,+5V in the till's
    /// names; `-` for a contact with nothing on it [default: of the device's profile]
    #[arg(long, value_delimiter = ',', value_parser = name_of)]
    contacts: Vec<Name>,
    /// Whose order is not known
    #[arg(long, value_parser = unknown_of)]
    unknown: Option<Unknown>,
    /// What has been seen: break or rest; nothing, readable or garbled; echo or no-echo; light or dark;
    /// cts, no-cts, and so for dsr, dcd, ri; cts-moves, and so on
    #[arg(long, value_delimiter = ',')]
    seen: Vec<String>,
    /// The contacts that beep to bare metal; `-` for none
    #[arg(long, value_name = "CONTACTS")]
    ground: Option<String>,
    /// The voltages of the contacts in their order: "-8.1 0 5 0"; b and s for what blinks
    #[arg(long, value_name = "VOLTS", allow_hyphen_values = true)]
    volts: Option<String>,
    /// The code that is scanned, as it is printed: it helps to tell the speed
    #[arg(long)]
    code: Option<String>,
    #[command(flatten)]
    shelf: Shelf,
    /// Ask nothing, and print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is diagnosed.
struct Patient {
    bench: Bench,
    /// The contacts' numbers, as their profile counts.
    numbers: Vec<u8>,
    evidence: Evidence,
    answers: Vec<Answer>,
}

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    let (mut eye, profile) = open(place, options).await?;
    let (bench, numbers) = bench(options, profile.as_ref())?;
    let mut patient = Patient {
        evidence: seen(&options.seen)?,
        answers: answers(options, &bench, &numbers)?,
        bench,
        numbers,
    };
    let cases = Cases::of(&patient.bench);
    let look = eye.look().await?;
    patient.evidence = patient.evidence.and(look.evidence());
    if options.json || options.device.is_none() {
        let diagnosis = cases.that_agree(&patient.evidence, &patient.answers);
        return tell::once(options.json, &patient, &diagnosis);
    }
    ask::dialogue(&mut eye, &cases, patient, options.code.as_deref()).await
}

/// The port to watch, and the profile of the device at it.
async fn open(place: &Place, options: &Options) -> Result<(Eye, Option<Profile>), Error> {
    let Some(device) = &options.device else { return Ok((Eye::Closed, None)) };
    if device.starts_with('/') {
        return Ok((Eye::own(device.as_ref())?, None));
    }
    let connection = client::connect(place).await?;
    let devices = client::devices(&connection).await?;
    let (path, properties) = client::find(&devices, device)?;
    let id = text(properties, "profile");
    let profile = match id.is_empty() {
        true => None,
        false => Some(find(&options.shelf.open()?, id)?),
    };
    Ok((Eye::Bus(client::device(&connection, path).await?), profile))
}

/// The four contacts that most boxes have, where nothing else is known.
const USUAL: [Name; 4] = [Name::Txd, Name::Rxd, Name::Gnd, Name::Supply];

fn bench(options: &Options, profile: Option<&Profile>) -> Result<(Bench, Vec<u8>), Error> {
    let connector = profile.and_then(|profile| profile.connector.as_ref());
    let (mut bench, numbers) = match connector.filter(|_| options.contacts.is_empty()) {
        Some(connector) => Bench::of_connector(connector, false),
        None => {
            let given = !options.contacts.is_empty();
            let names = if given { options.contacts.clone() } else { USUAL.to_vec() };
            let count = u8::try_from(names.len()).unwrap_or(u8::MAX);
            (Bench::new(names, Unknown::Till), (1..=count).collect())
        }
    };
    if bench.names.len() > 10 {
        let count = bench.names.len();
        return Err(Error::failed(format!(
            "{count} contacts have too many orders; name up to 10 with --contacts, `-` for those with \
             nothing on them"
        )));
    }
    if let Some(unknown) = options.unknown {
        bench.unknown = unknown;
    }
    Ok((bench, numbers))
}

fn name_of(word: &str) -> Result<Name, String> {
    let names = [
        ("TXD", Name::Txd),
        ("RXD", Name::Rxd),
        ("GND", Name::Gnd),
        ("RTS", Name::Rts),
        ("CTS", Name::Cts),
        ("DTR", Name::Dtr),
        ("DSR", Name::Dsr),
        ("DCD", Name::Dcd),
        ("RI", Name::Ri),
        ("-", Name::Open),
    ];
    if word.starts_with('+') && tillbus::wiring::Rail::parse(word).is_some() {
        return Ok(Name::Supply);
    }
    let found = names.iter().find(|(known, _)| *known == word);
    found.map(|(_, name)| *name).ok_or_else(|| {
        let words: Vec<&str> = names.iter().map(|(word, _)| *word).collect();
        format!("accepted: {}, and a voltage such as +5V", words.join(", "))
    })
}

fn unknown_of(word: &str) -> Result<Unknown, String> {
    match word {
        "till" => Ok(Unknown::Till),
        "device" => Ok(Unknown::Device),
        _ => Err("accepted: till, device".to_owned()),
    }
}

/// What was seen, in words.
fn seen(words: &[String]) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    for word in words {
        match word.as_str() {
            "break" => evidence.is_break = Some(true),
            "rest" => evidence.is_break = Some(false),
            "nothing" => evidence.scan = Some(Scan::Nothing),
            "readable" => evidence.scan = Some(Scan::Readable),
            "garbled" => evidence.scan = Some(Scan::Garbled),
            "echo" => evidence.echo = Some(true),
            "no-echo" => evidence.echo = Some(false),
            "light" => evidence.light = Some(true),
            "dark" => evidence.light = Some(false),
            other => modem(other, &mut evidence)?,
        }
    }
    Ok(evidence)
}

fn modem(word: &str, evidence: &mut Evidence) -> Result<(), Error> {
    let (line, inputs, on) = match (word.strip_suffix("-moves"), word.strip_prefix("no-")) {
        (Some(line), _) => (line, &mut evidence.moved, true),
        (None, Some(line)) => (line, &mut evidence.on, false),
        (None, None) => (word, &mut evidence.on, true),
    };
    let inputs = inputs.get_or_insert_with(Inputs::default);
    match line {
        "cts" => inputs.cts = on,
        "dsr" => inputs.dsr = on,
        "dcd" => inputs.dcd = on,
        "ri" => inputs.ri = on,
        _ => {
            return Err(Error::failed(format!(
                "nobody can have seen {word:?}; accepted: break, rest, nothing, readable, garbled, echo, \
                 no-echo, light, dark, cts, no-cts, cts-moves, and so for dsr, dcd, ri"
            )));
        }
    }
    Ok(())
}

/// What the meter said, of the arguments.
fn answers(options: &Options, bench: &Bench, numbers: &[u8]) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::new();
    if let Some(ground) = &options.ground {
        answers.push((Probe::Ground, beeps(ground, numbers).map_err(Error::failed)?));
    }
    if let Some(volts) = &options.volts {
        answers.push((Probe::Volts, voltages(volts, bench.names.len()).map_err(Error::failed)?));
    }
    Ok(answers)
}

/// Reads the numbers of the contacts that beep.
fn beeps(line: &str, numbers: &[u8]) -> Result<Vec<Shown>, String> {
    let words = || line.split([' ', ',']).filter(|word| !word.is_empty() && *word != "-");
    let named: Vec<Option<u8>> = words().map(|word| word.parse().ok()).collect();
    let is_contact = |number: &Option<u8>| number.is_some_and(|number| numbers.contains(&number));
    if words().next().is_none() && line.trim() != "-" || !named.iter().all(is_contact) {
        let all: Vec<String> = numbers.iter().map(u8::to_string).collect();
        return Err(format!(
            "{line:?} names no contacts; accepted are numbers out of {}, or - for none",
            all.join(" ")
        ));
    }
    let shown = |number: &u8| match named.contains(&Some(*number)) {
        true => Shown::Beeps,
        false => Shown::Silent,
    };
    Ok(numbers.iter().map(shown).collect())
}

/// Reads a voltage for each contact.
fn voltages(line: &str, count: usize) -> Result<Vec<Shown>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() != count {
        return Err(format!(
            "{} voltages for {count} contacts; accepted is one for each, in their order",
            words.len()
        ));
    }
    let read = |word: &&str| {
        meter::read(word).ok_or_else(|| {
            format!(
                "{word:?} is no clear voltage; accepted are numbers below -2.5, about 0 or above 2.5, b \
                 and s. Measure again, with the black probe on ground"
            )
        })
    };
    words.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = seen(&words("rest nothing light cts no-dsr dcd-moves")).unwrap();
        assert_eq!(found.is_break, Some(false));
        assert_eq!((found.scan, found.light), (Some(Scan::Nothing), Some(true)));
        assert!(found.on.unwrap().cts && found.moved.unwrap().dcd && !found.moved.unwrap().cts);
        assert!(seen(&words("smoke")).is_err() && seen(&words("no-smoke")).is_err());
    }

    #[test]
    fn what_the_meter_said() {
        use Shown::{Beeps, Blinks, Negative, Positive, Silent, Zero};
        assert_eq!(beeps("2", &[1, 2, 3]).unwrap(), [Silent, Beeps, Silent]);
        assert_eq!(beeps("1, 3", &[1, 2, 3]).unwrap(), [Beeps, Silent, Beeps]);
        assert_eq!(beeps("-", &[1, 2]).unwrap(), [Silent, Silent]);
        for line in ["", "4", "1 x", "0"] {
            assert!(beeps(line, &[1, 2, 3]).is_err(), "{line:?}");
        }
        assert_eq!(voltages("-8,1V 0.02 5.01 b", 4).unwrap(), [Negative, Zero, Positive, Blinks]);
        for (line, why) in [
            ("-8 0 5", "3 voltages for 4"),
            ("-8 0 5 1.7", "no clear voltage"),
            ("a b c d", "no clear"),
        ] {
            assert!(voltages(line, 4).unwrap_err().contains(why), "{line:?}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(name_of("+3V3"), Ok(Name::Supply));
        assert_eq!(name_of("-"), Ok(Name::Open));
        assert!(name_of("TXC").unwrap_err().contains("accepted: TXD"));
    }
}
