//! What is wrong between the till and a device, as far as its port alone tells.
//!
//! The daemon asks nobody, so it knows the least that a diagnosis can begin with: whether anything was
//! read, and whether the line is held in a break. `tillbusctl cable diagnose` goes on from there.

use std::collections::BTreeMap;

use super::call::Evidence;
use crate::event::Value;
use crate::wiring::diagnose::bench::{Bench, Unknown};
use crate::wiring::diagnose::model::Name;
use crate::wiring::diagnose::{self, Counted, Diagnosis};

/// The contacts that most boxes have: twenty-four orders, gone through in no time.
const CONTACTS: [Name; 4] = [Name::Txd, Name::Rxd, Name::Gnd, Name::Supply];

/// The kind of the fault that tells of a cable.
pub(super) const FAULT: &str = "wiring";

/// So many are told; the others are less likely.
const TOLD: usize = 5;

/// What has been counted of a device, by the names of its health.
fn counted(health: &BTreeMap<&'static str, u64>) -> Counted {
    let count = |name: &str| health.get(name).copied().unwrap_or(0);
    let (bad, breaks) = (count("line-error"), count("break"));
    // Each of both has been counted as a byte.
    let bytes = count("bytes").saturating_sub(bad).saturating_sub(breaks);
    // What is sent is not counted here, so an echo is not seen.
    Counted { codes: count("events"), bytes, bad, breaks, sent: 0 }
}

fn diagnosis(counted: &Counted) -> Option<Diagnosis> {
    let shows = counted.codes == 0 && (counted.breaks > 0 || counted.bytes > 0 || counted.bad > 0);
    let bench = Bench::new(CONTACTS.to_vec(), Unknown::Till);
    shows.then(|| diagnose::diagnose(&bench, &diagnose::Evidence::of_counts(counted), &[]))
}

/// What it can be, the likeliest first; nothing where a code has been read, or nothing has come at all.
pub(super) fn findings(health: &BTreeMap<&'static str, u64>) -> Vec<Evidence> {
    let Some(Diagnosis { findings, next, .. }) = diagnosis(&counted(health)) else {
        return Vec::new();
    };
    let mut told: Vec<Evidence> = findings
        .into_iter()
        .take(TOLD)
        .map(|finding| {
            let percent = (finding.share * 100.0).round().clamp(0.0, 100.0);
            let values = BTreeMap::from([
                ("cause", Value::Text(finding.cause.word().into())),
                ("text", Value::Text(finding.cause.to_string().into())),
                ("percent", Value::Count(whole(percent))),
                ("wiring", Value::Flag(finding.cause.is_wiring())),
            ]);
            Evidence { kind: "finding", values }
        })
        .collect();
    if let Some(next) = next {
        let values = BTreeMap::from([
            ("test", Value::Text(next.word().into())),
            ("text", Value::Text(next.instruction(Unknown::Till).into())),
        ]);
        told.push(Evidence { kind: "next-test", values });
    }
    told
}

/// Whether all that agrees with what has been counted is a fault of the cable; if so, the likeliest.
pub(super) fn is_cable(health: &BTreeMap<&'static str, u64>) -> Option<String> {
    let Diagnosis { findings, .. } = diagnosis(&counted(health))?;
    let is_cable = !findings.is_empty() && findings.iter().all(|one| one.cause.is_wiring());
    let first = findings.first().filter(|_| is_cable)?;
    Some(first.cause.to_string())
}

/// A whole number out of one that has no fraction.
fn whole(percent: f32) -> u64 {
    (0..=100_u16).find(|whole| f32::from(*whole) >= percent).map_or(100, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(counts: &[(&'static str, u64)]) -> BTreeMap<&'static str, u64> {
        counts.iter().copied().collect()
    }

    fn causes(counts: &[(&'static str, u64)]) -> Vec<String> {
        let findings = findings(&health(counts));
        let causes = findings.iter().filter_map(|finding| match finding.values.get("cause") {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        });
        causes.collect()
    }

    #[test]
    fn a_line_that_is_held_is_the_cable() {
        let held = [("bytes", 1), ("break", 1), ("events", 0)];
        assert!(causes(&held).contains(&"logic-levels".to_owned()), "{:?}", causes(&held));
        assert!(is_cable(&health(&held)).is_some());
    }

    #[test]
    fn garbage_may_be_the_speed_and_codes_are_fine() {
        let garbage = [("bytes", 9), ("line-error", 4)];
        assert!(causes(&garbage).contains(&"wrong-speed".to_owned()));
        assert_eq!(is_cable(&health(&garbage)), None);
        for fine in [&[("bytes", 14), ("events", 1), ("break", 1)][..], &[]] {
            assert!(causes(fine).is_empty());
            assert_eq!(is_cable(&health(fine)), None);
        }
    }

    #[test]
    fn percents() {
        assert_eq!((whole(0.0), whole(33.0), whole(100.0), whole(1e9)), (0, 33, 100, 100));
    }
}
