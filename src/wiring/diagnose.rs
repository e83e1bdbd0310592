//! What is wrong with a cable, from what a port shows and a meter says.
//!
//! ```text
//! Bench (what is known) -> every order, every broken wire -> model -> Sight
//! Evidence (what is seen), answers of probes ------------> those that agree -> Diagnosis
//! ```
//!
//! Contract: pure. Nothing is concluded by rule: every cause is run through the electrical `model` at all
//! makes, and those whose sight agrees with the evidence remain. Next comes the test that splits them
//! best for its trouble.

pub mod bench;
pub mod cause;
pub mod evidence;
pub mod meter;
pub mod model;
pub mod speed;
pub mod trial;

pub use bench::{Bench, Unknown};
pub use cause::Cause;
pub use evidence::{Counted, Evidence, Scan};
pub use meter::{Probe, Shown};
pub use model::{Harm, Name};

use std::collections::BTreeMap;

use cause::{Candidate, candidates};

/// A cause that agrees with all that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is.
    pub cause: Cause,
    /// How likely it is among all that agree, from 0 to 1.
    pub share: f32,
    /// What it does to the hardware.
    pub harm: Harm,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Scan a code, and see what comes.
    Scan,
    /// See whether the device's light burns, or whether it beeps.
    Light,
    /// Go over the contacts with a meter.
    Probe(Probe),
}

impl Next {
    /// The word for a program.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Light => "light",
            Self::Probe(probe) => probe.word(),
        }
    }

    /// How much trouble it is.
    const fn cost(self) -> f32 {
        match self {
            Self::Light => 0.2,
            Self::Scan => 0.3,
            Self::Probe(probe) => probe.cost(),
        }
    }

    /// What to do, in words.
    #[must_use]
    pub const fn instruction(self, unknown: Unknown) -> &'static str {
        match self {
            Self::Scan => "Scan a code. tillbus watches what comes",
            Self::Light => {
                "Look at the device: does its light burn, or does it beep when it scans?"
            }
            Self::Probe(probe) => probe.instruction(unknown),
        }
    }
}

/// What all that is known comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The causes that agree, the likeliest first.
    pub findings: Vec<Finding>,
    /// How many orders of the contacts agree.
    pub orders: usize,
    /// What would tell the causes apart.
    pub next: Option<Next>,
}

/// The answer to a probe: what each contact shows.
pub type Answer = (Probe, Vec<Shown>);

/// Everything that can be wrong at a bench, gone through once for all questions.
pub struct Cases {
    bench: Bench,
    all: Vec<Candidate>,
}

impl Cases {
    /// Runs every cause through the model.
    #[must_use]
    pub fn of(bench: &Bench) -> Self {
        Self { bench: bench.clone(), all: candidates(bench) }
    }

    /// The causes that agree with all that is known.
    #[must_use]
    pub fn that_agree(&self, evidence: &Evidence, answers: &[Answer]) -> Diagnosis {
        let agrees = |one: &&Candidate| one.agrees(&self.bench, evidence, answers);
        let agree: Vec<&Candidate> = self.all.iter().filter(agrees).collect();
        ranked(&self.bench, evidence, answers, &agree)
    }
}

/// Finds the causes that agree with all that is known.
#[must_use]
pub fn diagnose(bench: &Bench, evidence: &Evidence, answers: &[Answer]) -> Diagnosis {
    Cases::of(bench).that_agree(evidence, answers)
}

fn ranked(
    bench: &Bench,
    evidence: &Evidence,
    answers: &[Answer],
    agree: &[&Candidate],
) -> Diagnosis {
    let sum: f32 = agree.iter().map(|one| one.prior).sum();
    let mut findings: Vec<Finding> = agree
        .iter()
        .map(|one| Finding {
            cause: one.cause.clone(),
            share: one.prior / sum.max(f32::MIN_POSITIVE),
            harm: one.harm,
        })
        .collect();
    // Sorting is stable: of equally likely ones the order of the list stands.
    findings.sort_by(|one, other| other.share.total_cmp(&one.share));
    let orders = agree.iter().filter(|one| one.is_order()).count();
    let next = next(bench, evidence, answers, agree);
    Diagnosis { findings, orders, next }
}

/// The test that is expected to leave the least open for its trouble; nothing where none would leave
/// less.
fn next(
    bench: &Bench,
    evidence: &Evidence,
    answers: &[Answer],
    agree: &[&Candidate],
) -> Option<Next> {
    let sum: f32 = agree.iter().map(|one| one.prior).sum();
    let worth = |test: Next| {
        let mut outcomes: BTreeMap<Vec<u8>, f32> = BTreeMap::new();
        for one in agree {
            *outcomes.entry(one.outcome(bench, test)).or_default() += one.prior;
        }
        // Bits that the answer is expected to give.
        let bits: f32 =
            outcomes.values().map(|weight| weight / sum).map(|share| -share * share.log2()).sum();
        bits / test.cost()
    };
    let probes = Probe::ALL.into_iter().filter(|probe| {
        probe.is_possible(bench.unknown) && !answers.iter().any(|(done, _)| done == probe)
    });
    let scan = evidence.scan.is_none().then_some(Next::Scan);
    let light = evidence.light.is_none().then_some(Next::Light);
    let tests = scan.into_iter().chain(light).chain(probes.map(Next::Probe));
    let best = tests.map(|test| (worth(test), test)).filter(|(worth, _)| *worth > 0.01);
    best.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, test)| test)
}
