//! The dialogue of `cable diagnose`.

use tillbus::frame::uart::Heard;
use tillbus::wiring::diagnose::bench::Unknown;
use tillbus::wiring::diagnose::meter::{Probe, Shown};
use tillbus::wiring::diagnose::model::Name;
use tillbus::wiring::diagnose::speed::{self, Counts, Ear, Guess};
use tillbus::wiring::diagnose::{Cases, Diagnosis, Evidence, Next, Scan};
use tokio::sync::mpsc;

use super::eye::{Eye, Look};
use super::{Patient, beeps, tell, voltages};
use crate::error::Error;
use crate::output::say;
use crate::terminal;

/// Asks until nothing is left to ask, or the input ends.
pub(super) async fn dialogue(
    eye: &mut Eye,
    cases: &Cases,
    mut patient: Patient,
    code: Option<&str>,
) -> Result<(), Error> {
    let mut lines = terminal::lines();
    let mut asked = Asker { eye, lines: &mut lines, code };
    loop {
        let diagnosis = cases.that_agree(&patient.evidence, &patient.answers);
        tell::findings(&patient, &diagnosis)?;
        if diagnosis.findings.is_empty() {
            return say(
                "\nWhat was seen does not go together. Begin again, and measure each contact \
                        twice.",
            );
        }
        let next = diagnosis.next.filter(|_| is_open(&diagnosis));
        let Some(next) = next else { return tell::verdict(&patient, &diagnosis) };
        match asked.ask(next, &mut patient).await? {
            Go::On => {}
            Go::End => return tell::verdict(&patient, &diagnosis),
        }
    }
}

/// Whether it matters to know more: where everything is fine it does not.
fn is_open(diagnosis: &Diagnosis) -> bool {
    let first = diagnosis.findings.first();
    diagnosis.findings.len() > 1 && first.is_none_or(|first| first.cause.word() != "fine")
}

enum Go {
    On,
    End,
}

struct Asker<'a> {
    eye: &'a mut Eye,
    lines: &'a mut mpsc::Receiver<String>,
    code: Option<&'a str>,
}

impl Asker<'_> {
    async fn ask(&mut self, next: Next, patient: &mut Patient) -> Result<Go, Error> {
        if next != Next::Scan {
            say(&format!("\n{}", next.instruction(patient.bench.unknown)))?;
        }
        match next {
            Next::Scan => self.scan(patient).await,
            Next::Light => self.light(patient).await,
            Next::Probe(Probe::Touch) => self.touch(patient).await,
            Next::Probe(probe) => self.probe(probe, patient).await,
        }
    }

    async fn scan(&mut self, patient: &mut Patient) -> Result<Go, Error> {
        // Before it is said: a quick hand scans at once.
        self.eye.take_heard();
        let before = self.eye.look().await?;
        say(&format!("\n{}", Next::Scan.instruction(patient.bench.unknown)))?;
        say("(it goes on by itself when something comes; press Enter if nothing does)")?;
        let Some(_) = self.eye.wait_for_more(&before, self.lines).await? else {
            return Ok(Go::End);
        };
        let after = self.eye.look().await?;
        let came = after.of_scan(&before);
        patient.evidence = came.and(patient.evidence);
        say(match came.scan {
            Some(Scan::Readable) => "-> a code came",
            Some(Scan::Garbled) => "-> bytes came that are no code",
            _ => "-> nothing came",
        })?;
        if came.scan == Some(Scan::Garbled) {
            let heard = self.eye.take_heard();
            self.speed(&heard, &before, &after)?;
        }
        Ok(Go::On)
    }

    /// The speed that would explain what came.
    fn speed(&self, heard: &[Heard], before: &Look, after: &Look) -> Result<(), Error> {
        let guesses: Vec<Guess> = match (self.code, heard.is_empty()) {
            (Some(code), false) => speed::of_code(heard, after.baud, code.as_bytes()),
            (None, false) => Ear::at(after.baud).of_bytes(heard),
            (Some(code), true) => {
                let counted = after.counted.since(before.counted);
                let small = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
                let counts = Counts {
                    bytes: small(counted.bytes),
                    framing: small(counted.bad),
                    breaks: small(counted.breaks),
                };
                speed::of_counts(counts, after.baud, code.as_bytes())
            }
            (None, true) => {
                return say("   With --code, the digits under the code, the speed can be told.");
            }
        };
        let best = guesses.first().map_or(0.0, |guess| guess.fit);
        let named: Vec<String> = guesses
            .iter()
            .filter(|guess| guess.fit >= best && guess.baud != after.baud)
            .map(|guess| guess.baud.to_string())
            .collect();
        if named.is_empty() {
            return say(&format!(
                "   The speed of {} baud explains it best; parity or data bits may be wrong.",
                after.baud
            ));
        }
        say(&format!("   It sounds like {} baud, heard at {}.", named.join(" or "), after.baud))
    }

    async fn light(&mut self, patient: &mut Patient) -> Result<Go, Error> {
        loop {
            say("(y or n)")?;
            let Some(line) = self.eye.wait(self.lines).await? else { return Ok(Go::End) };
            patient.evidence.light = match line.trim() {
                "y" | "yes" => Some(true),
                "n" | "no" => Some(false),
                _ => continue,
            };
            return Ok(Go::On);
        }
    }

    async fn probe(&mut self, probe: Probe, patient: &mut Patient) -> Result<Go, Error> {
        let numbers: Vec<String> = patient.numbers.iter().map(u8::to_string).collect();
        say(&format!("(the contacts are {})", numbers.join(" ")))?;
        if probe == Probe::Volts && patient.bench.unknown == Unknown::Till && !self.eye.is_own() {
            say(
                "(RTS and DTR stay up: tillbusd has the port. With the port's path instead of the \
                 device's name tillbus would switch them)",
            )?;
        }
        loop {
            let line = match probe {
                Probe::Volts => self.eye.wait_blinking(self.lines).await?,
                _ => self.eye.wait(self.lines).await?,
            };
            let Some(line) = line else { return Ok(Go::End) };
            let shown = match probe {
                Probe::Volts => voltages(&line, patient.bench.names.len()),
                _ => beeps(&line, &patient.numbers),
            };
            match shown {
                Ok(shown) => {
                    patient.answers.push((probe, shown));
                    return Ok(Go::On);
                }
                Err(why) => say(&why)?,
            }
        }
    }

    /// Each contact in turn, with the port watched.
    async fn touch(&mut self, patient: &mut Patient) -> Result<Go, Error> {
        let mut shown = Vec::new();
        for number in patient.numbers.clone() {
            let before = self.eye.look().await?;
            say(&format!("touch contact {number}, hold it, and press Enter"))?;
            let Some(_) = self.eye.wait(self.lines).await? else { return Ok(Go::End) };
            let (inputs, is_data) = self.eye.look().await?.touched(&before);
            let name = match () {
                () if inputs.cts => Some(Name::Cts),
                () if inputs.dsr => Some(Name::Dsr),
                () if inputs.dcd => Some(Name::Dcd),
                () if inputs.ri => Some(Name::Ri),
                () if is_data => Some(Name::Rxd),
                () => None,
            };
            say(&name.map_or("-> nothing".to_owned(), |name| format!("-> {}", name.word())))?;
            shown.push(name.map_or(Shown::Nothing, Shown::Answers));
        }
        patient.answers.push((Probe::Touch, shown));
        Ok(Go::On)
    }
}

/// What is known, for `tell`.
pub(super) fn known(evidence: &Evidence) -> Vec<String> {
    let mut known = Vec::new();
    let mut flag = |value: Option<bool>, yes: &str, no: &str| {
        known.extend(value.map(|value| if value { yes } else { no }.to_owned()));
    };
    flag(evidence.is_break, "the line is held in a break", "the line rests");
    flag(evidence.echo, "its own bytes come back", "no echo");
    flag(evidence.light, "the device has power", "the device has no power");
    if let Some(scan) = evidence.scan {
        known.push(format!("of a scan: {}", scan.word()));
    }
    let named = |inputs: tillbus::wiring::diagnose::model::Inputs| {
        let all =
            [("CTS", inputs.cts), ("DSR", inputs.dsr), ("DCD", inputs.dcd), ("RI", inputs.ri)];
        let names: Vec<&str> = all.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    known.extend(evidence.on.map(|on| format!("modem lines on: {}", named(on))));
    known.extend(evidence.moved.map(|moved| format!("modem lines that move: {}", named(moved))));
    known
}
