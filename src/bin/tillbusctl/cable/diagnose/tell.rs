//! What a diagnosis says: lines for a person, an object for a program.

use serde_json::{Value, json};
use tillbus::wiring::diagnose::bench::Unknown;
use tillbus::wiring::diagnose::cause::in_words;
use tillbus::wiring::diagnose::model::Name;
use tillbus::wiring::diagnose::{Cause, Diagnosis, Finding, Harm};

use super::{Patient, ask};
use crate::error::Error;
use crate::output::{Cell, say, say_json, say_table};
use crate::style::{Style, Tone};

/// So many are shown; the others are counted.
const SHOWN: usize = 6;

/// Says it all at once.
pub(super) fn once(json: bool, patient: &Patient, diagnosis: &Diagnosis) -> Result<(), Error> {
    if json {
        return say_json(&object(patient, diagnosis));
    }
    findings(patient, diagnosis)?;
    match diagnosis.next {
        Some(next) => say(&format!("\nnext: {}", next.instruction(patient.bench.unknown))),
        None => Ok(()),
    }
}

/// What agrees, the likeliest first.
pub(super) fn findings(patient: &Patient, diagnosis: &Diagnosis) -> Result<(), Error> {
    let style = Style::of_stdout();
    say("")?;
    let known = ask::known(&patient.evidence);
    if !known.is_empty() {
        say(&style.paint(Tone::Faint, &known.join("; ")))?;
    }
    let rows: Vec<Vec<Cell>> = diagnosis
        .findings
        .iter()
        .take(SHOWN)
        .map(|finding| {
            vec![
                Cell::new(Tone::Strong, &percent(finding.share)),
                Cell::new(Tone::Plain, &words(patient, finding)),
                Cell::new(Tone::Bad, danger(finding.harm)),
            ]
        })
        .collect();
    say_table(style, &rows)?;
    let more = diagnosis.findings.len().saturating_sub(SHOWN);
    if more > 0 {
        say(&style.paint(Tone::Faint, &format!("and {more} others")))?;
    }
    Ok(())
}

/// What remains when nothing is left to ask.
pub(super) fn verdict(patient: &Patient, diagnosis: &Diagnosis) -> Result<(), Error> {
    let style = Style::of_stdout();
    let Some(first) = diagnosis.findings.first() else { return Ok(()) };
    say("")?;
    say(&style.paint(Tone::Strong, &words(patient, first)))?;
    if let Some(danger) = Some(danger(first.harm)).filter(|danger| !danger.is_empty()) {
        say(&style.paint(Tone::Bad, danger))?;
    }
    if let (Cause::Order(order), 1) = (&first.cause, diagnosis.orders) {
        let side = match patient.bench.unknown {
            Unknown::Till => "the till's socket",
            Unknown::Device => "the device's plug",
        };
        say(&format!("\n{side} has, in the till's names:"))?;
        let rows: Vec<Vec<Cell>> = patient
            .numbers
            .iter()
            .zip(order)
            .map(|(number, name)| {
                vec![
                    Cell::new(Tone::Strong, &format!("  {number}")),
                    Cell::new(Tone::Plain, name.word()),
                ]
            })
            .collect();
        say_table(style, &rows)?;
        say(
            "\nWrite it down with `tillbusctl profile new`; `tillbusctl cable draw` then draws the cable.",
        )?;
    }
    Ok(())
}

fn words(patient: &Patient, finding: &Finding) -> String {
    match &finding.cause {
        Cause::Order(order) => in_words(&patient.bench, order, &patient.numbers),
        cause => cause.to_string(),
    }
}

fn percent(share: f32) -> String {
    format!("{:.0} %", share * 100.0)
}

const fn danger(harm: Harm) -> &'static str {
    match harm {
        Harm::None => "",
        Harm::Strain => "unplug it: two transmitters work against each other",
        Harm::SupplyOnDriver => "UNPLUG IT NOW: a supply feeds a transmitter",
        Harm::Short => "UNPLUG IT NOW: the supply is shorted",
        Harm::Reversed => "UNPLUG IT NOW: the device is fed the wrong way round",
    }
}

fn object(patient: &Patient, diagnosis: &Diagnosis) -> Value {
    let findings: Vec<Value> = diagnosis
        .findings
        .iter()
        .map(|finding| {
            let order = match &finding.cause {
                Cause::Order(order) => Some(order),
                Cause::Fine => Some(&patient.bench.names),
                _ => None,
            };
            let order = order.map(|order| {
                let contacts = patient.numbers.iter().zip(order);
                let contacts = contacts.map(|(number, name)| (number.to_string(), word(*name)));
                Value::Object(contacts.collect())
            });
            json!({
                "cause": finding.cause.word(),
                "text": words(patient, finding),
                "share": (f64::from(finding.share) * 10_000.0).round() / 10_000.0,
                "wiring": finding.cause.is_wiring(),
                "danger": danger(finding.harm),
                "order": order,
            })
        })
        .collect();
    json!({
        "known": ask::known(&patient.evidence),
        "findings": findings,
        "orders": diagnosis.orders,
        "next": diagnosis.next.map(|next| json!({
            "test": next.word(),
            "text": next.instruction(patient.bench.unknown),
        })),
    })
}

fn word(name: Name) -> Value {
    match name {
        Name::Open => Value::Null,
        Name::Supply => "supply".into(),
        name => name.word().into(),
    }
}
