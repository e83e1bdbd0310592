//! Every recording in `tests/logs`, played whole, in pieces, cut short and damaged.
//!
//! A `.log` is evidence: what a device sent and was asked. Its `.out` is what tillbus makes of it,
//! written anew by `UPDATE=1 cargo test --test golden` and read as a diff. Headers of a log that
//! mean something here: `options` (the keys of `[protocol]`) and `encoding` (labels, in order).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{Player, Random};
use tillbus::normalize::Rules;
use tillbus::protocol::{Factory, Kind};
use tillbus::recording::{Recording, Step};

/// How often each log is played in random pieces, and how often with flipped bits.
const SPLITS: u64 = 20;
const FLIPS: u64 = 200;

/// Longer than any protocol waits for the rest of a frame or for a reply.
const SILENCE: Duration = Duration::from_secs(60);

struct Case {
    name: String,
    out: PathBuf,
    recording: Recording,
    factory: Factory,
    rules: Rules,
    kind: Kind,
}

fn cases() -> Vec<Case> {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let mut cases: Vec<Case> = entries(&logs)
        .iter()
        .flat_map(|folder| entries(folder))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| case(&path))
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!cases.is_empty(), "there are logs");
    cases
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn case(path: &Path) -> Case {
    let protocol = path.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
    let name = format!("{protocol}/{}", path.file_stem().unwrap().to_string_lossy());
    let text = fs::read_to_string(path).unwrap();
    let recording = Recording::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    for header in ["device", "source"] {
        assert!(recording.value(header).is_some(), "{name}: the header `{header}` is missing");
    }
    let factory = support::configure(&protocol, recording.value("options").unwrap_or(""))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let rules = support::rules(&recording);
    let kind = tillbus::protocol::find(&protocol).unwrap().kind;
    Case { name, kind, out: path.with_extension("out"), recording, factory, rules }
}

impl Case {
    fn play(&self, mut split: impl FnMut(usize) -> usize) -> String {
        let mut player = Player::new(&self.factory, &self.rules);
        for step in &self.recording.steps {
            player.step(step, &mut split);
        }
        player.close();
        player.said
    }

    /// The last steps that are a good frame by themselves, and whether silence has to end it.
    fn good(&self) -> (Vec<Step>, bool) {
        let quiet = support::faults_of_silence(&self.factory, &self.rules);
        for (end, step) in self.recording.steps.iter().enumerate().rev() {
            let steps = match step {
                Step::Bytes(_) => vec![step.clone()],
                Step::Report { .. } => self.reports_up_to(end),
                _ => continue,
            };
            let mut player = Player::new(&self.factory, &self.rules);
            player.steps(&steps);
            let at_once = !player.readings.is_empty();
            player.wait(SILENCE);
            if !player.readings.is_empty() && player.faults() <= quiet {
                return (steps, !at_once);
            }
        }
        panic!("{}: no step is a good frame by itself; add one at the end", self.name);
    }

    /// The reports that end at a step with nothing between them, behind their descriptor.
    fn reports_up_to(&self, end: usize) -> Vec<Step> {
        let before = self.recording.steps.get(..=end).unwrap_or_default();
        let is_report = |step: &&Step| matches!(step, Step::Report { .. });
        let count = before.iter().rev().take_while(is_report).count();
        let descriptor = before.iter().rev().find(|step| matches!(step, Step::Descriptor(_)));
        let reports = before.get(before.len() - count..).unwrap_or_default();
        descriptor.into_iter().chain(reports).cloned().collect()
    }

    /// Whether it is of a terminal, which reads no codes.
    fn is_of_a_terminal(&self) -> bool {
        self.kind == Kind::Terminal
    }

    /// A damaged or cut-off conversation with a terminal takes no approval that the whole one has not.
    fn invents_no_approval(&self, steps: &[Step], what: &str) {
        let mut player = Player::new(&self.factory, &self.rules);
        for step in steps {
            player.step(step, &mut |all| all);
        }
        player.close();
        let approved = player.said.matches("ended approved").count();
        let most = self.play(|all| all).matches("ended approved").count();
        assert!(approved <= most, "{}: {what}\n{}", self.name, player.said);
    }

    /// Plays damaged steps; whatever they were, good frames behind them are read.
    fn survives(&self, steps: &[Step], what: &str) {
        let (good, needs_silence) = self.good();
        let mut fresh = Player::new(&self.factory, &self.rules);
        fresh.steps(&good);
        fresh.wait(SILENCE);
        let want = fresh.readings.last().unwrap();
        for silent in [true, false] {
            if !silent && needs_silence {
                continue;
            }
            let mut player = Player::new(&self.factory, &self.rules);
            player.steps(steps);
            if silent {
                player.wait(SILENCE);
            } else {
                // Without silence a frame cut off runs into the next one, and only that one.
                player.steps(&good);
            }
            let before = player.readings.len();
            player.steps(&good);
            player.wait(SILENCE);
            let read = player.readings.get(before..).unwrap_or_default();
            assert!(
                read.iter().any(|read| read.is_same(want)),
                "{}: {what}, silence {silent}: the good frame behind it is lost\n{}",
                self.name,
                player.said
            );
        }
    }
}

/// What of a step can be cut or damaged.
fn bytes_of(step: &mut Step) -> Option<&mut Vec<u8>> {
    match step {
        Step::Bytes(bytes) | Step::Descriptor(bytes) | Step::Report { data: bytes, .. } => {
            Some(bytes)
        }
        _ => None,
    }
}

#[test]
fn logs_say_what_their_out_says() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut stale = Vec::new();
    for case in cases() {
        let said = case.play(|all| all);
        if update {
            fs::write(&case.out, &said).unwrap();
        } else if fs::read_to_string(&case.out).unwrap_or_default() != said {
            stale.push(format!("{} says:\n{said}", case.name));
        }
    }
    assert!(
        stale.is_empty(),
        "not what the .out says; if it is right, UPDATE=1 cargo test --test golden\n{}",
        stale.join("\n")
    );
}

#[test]
fn every_out_has_its_log() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    for path in entries(&logs).iter().flat_map(|folder| entries(folder)) {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let known = match extension {
            Some("out") => path.with_extension("log").is_file(),
            extension => extension == Some("log"),
        };
        assert!(known, "{} belongs to no log", path.display());
    }
}

#[test]
fn pieces_make_no_difference() {
    for case in cases() {
        let whole = case.play(|all| all);
        assert_eq!(case.play(|_| 1), whole, "{}: byte by byte", case.name);
        for seed in 0..SPLITS {
            let mut random = Random(seed);
            let said = case.play(|all| 1 + random.below(all.min(12)));
            assert_eq!(said, whole, "{}: in pieces, seed {seed}", case.name);
        }
    }
}

#[test]
fn cut_off_anywhere_the_next_frame_is_read() {
    for case in cases() {
        let steps = &case.recording.steps;
        for (index, step) in steps.iter().enumerate() {
            let length = bytes_of(&mut step.clone()).map_or(1, |bytes| bytes.len().max(1));
            // USB has reports whole or not at all; a few short ones will do.
            let is_report = matches!(step, Step::Report { .. });
            let stride = if is_report { length.div_ceil(3) } else { 1 };
            for cut in (0..length).step_by(stride) {
                let mut short = steps.get(..index).unwrap_or_default().to_vec();
                let mut step = step.clone();
                if let (Some(bytes), 1..) = (bytes_of(&mut step), cut) {
                    bytes.truncate(cut);
                    short.push(step);
                }
                let what = format!("cut in step {} after {cut}", index + 1);
                if case.is_of_a_terminal() {
                    case.invents_no_approval(&short, &what);
                    continue;
                }
                case.survives(&short, &what);
            }
        }
    }
}

#[test]
fn with_bits_flipped_the_next_frame_is_read() {
    for case in cases() {
        for seed in 0..FLIPS {
            let mut random = Random(seed);
            let mut steps = case.recording.steps.clone();
            for _ in 0..=random.below(4) {
                let place = random.below(steps.len());
                if let Some(bytes) = steps.get_mut(place).and_then(bytes_of) {
                    let byte = random.below(bytes.len());
                    if let Some(byte) = bytes.get_mut(byte) {
                        *byte ^= 1 << random.below(8);
                    }
                }
            }
            let what = format!("bits flipped, seed {seed}");
            if case.is_of_a_terminal() {
                case.invents_no_approval(&steps, &what);
                continue;
            }
            case.survives(&steps, &what);
        }
    }
}
