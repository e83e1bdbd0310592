//! What is found of a cable that does not work, and what is asked next.

use tillbus::wiring::diagnose::bench::{Bench, Unknown};
use tillbus::wiring::diagnose::cause::in_words;
use tillbus::wiring::diagnose::meter::{Probe, Shown, of_volts};
use tillbus::wiring::diagnose::model::{Harm, Inputs, Name, USUAL};
use tillbus::wiring::diagnose::{Cause, Evidence, Next, Scan, diagnose};

use Name::{Cts, Gnd, Rts, Rxd, Supply, Txd};

const FOUR: [Name; 4] = [Txd, Gnd, Supply, Rxd];

fn bench(names: &[Name]) -> Bench {
    Bench::new(names.to_vec(), Unknown::Till)
}

const SILENCE: Evidence = Evidence {
    is_break: Some(false),
    scan: Some(Scan::Nothing),
    echo: None,
    on: None,
    moved: None,
    light: None,
};

#[test]
fn what_a_port_shows_and_what_it_can_be() {
    let four = bench(&FOUR);
    for (name, evidence, want) in [
        (
            "it works",
            Evidence { scan: Some(Scan::Readable), is_break: Some(false), ..Evidence::default() },
            // Nobody hears of a scanner that hears nothing.
            &["fine", "wire-broken", "contacts-bridged"][..],
        ),
        (
            "garbage on a line that rests",
            Evidence { scan: Some(Scan::Garbled), is_break: Some(false), ..Evidence::default() },
            &["wrong-speed"],
        ),
        (
            "garbage on a line that is held",
            Evidence { scan: Some(Scan::Garbled), is_break: Some(true), ..Evidence::default() },
            &["logic-levels"],
        ),
        (
            "silence with the light on",
            Evidence { light: Some(true), ..SILENCE },
            &["wire-order", "device-silent", "wire-broken", "contacts-bridged"],
        ),
        (
            "its own bytes come back",
            Evidence { echo: Some(true), is_break: Some(false), ..Evidence::default() },
            &["wire-order", "wire-broken", "contacts-bridged"],
        ),
    ] {
        let diagnosis = diagnose(&four, &evidence, &[]);
        let mut found: Vec<&str> = Vec::new();
        for finding in &diagnosis.findings {
            if !found.contains(&finding.cause.word()) {
                found.push(finding.cause.word());
            }
        }
        assert_eq!(found, want, "{name}: {:#?}", diagnosis.findings);
    }
}

#[test]
fn two_wires_swapped_come_first_where_the_light_burns_and_nothing_is_heard() {
    let four = bench(&FOUR);
    let found = diagnose(&four, &Evidence { light: Some(true), ..SILENCE }, &[]);
    let first = &found.findings[0];
    let Cause::Order(order) = &first.cause else { panic!("{first:?}") };
    assert_eq!(in_words(&four, order, &[1, 2, 3, 4]), "TXD and RXD are swapped");
    assert_eq!(first.harm, Harm::Strain);
    assert!(first.share > 0.4, "{}", first.share);
    assert_eq!(
        found.next,
        Some(Next::Probe(Probe::Volts)),
        "that tells the swap from a dead device"
    );
}

#[test]
fn the_cheapest_question_comes_first_and_each_answer_leaves_less() {
    let four = bench(&FOUR);
    let mut evidence = Evidence::default();
    let begun = diagnose(&four, &evidence, &[]);
    assert_eq!(begun.orders, 24);
    assert!(matches!(begun.next, Some(Next::Scan | Next::Light)), "{:?}", begun.next);
    evidence.scan = Some(Scan::Nothing);
    evidence.light = Some(false);
    let silent = diagnose(&four, &evidence, &[]);
    assert!(silent.orders < 24 && silent.orders > 1);
    // The truth: the supply and TXD have changed places.
    let truth = [Supply, Gnd, Txd, Rxd];
    let mut answers = Vec::new();
    let mut left = silent;
    while let Some(Next::Probe(probe)) = left.next {
        answers.push((probe, probe.answer(Unknown::Till, &truth)));
        let less = diagnose(&four, &evidence, &answers);
        assert!(less.findings.len() < left.findings.len());
        left = less;
    }
    assert!(answers.len() <= 2, "{answers:?}");
    assert_eq!(left.orders, 1);
    assert_eq!(left.findings[0].cause, Cause::Order(truth.to_vec()));
    assert!(left.findings[0].harm >= Harm::SupplyOnDriver, "and it must be unplugged");
}

#[test]
fn modem_lines_tell_where_the_transmitter_went() {
    let six = bench(&[Txd, Rxd, Gnd, Supply, Rts, Cts]);
    let truth = [Txd, Cts, Gnd, Supply, Rts, Rxd];
    let sight = six.sight(&truth, USUAL);
    assert!(sight.moved.cts, "the device's data moves CTS");
    let evidence = Evidence { echo: None, ..Evidence::of(&sight) };
    let found = diagnose(&six, &evidence, &[]);
    let orders = found.findings.iter().filter_map(|finding| match &finding.cause {
        Cause::Order(order) => Some(order.clone()),
        _ => None,
    });
    let orders: Vec<Vec<Name>> = orders.collect();
    assert!(orders.contains(&truth.to_vec()));
    // In all of them the till's CTS is where the device's transmitter is.
    assert!(orders.iter().all(|order| order[1] == Cts), "{orders:?}");
    let lines = Inputs { cts: true, ..Inputs::default() };
    assert_eq!(evidence.moved, Some(lines));
}

#[test]
fn every_single_wrong_thing_is_among_what_is_found() {
    // Each candidate's own sight, shown to the diagnosis, names it.
    let four = bench(&FOUR);
    for order in four.orders().iter() {
        let evidence = Evidence { echo: None, ..Evidence::of(&four.sight(order, USUAL)) };
        let found = diagnose(&four, &evidence, &[]);
        let is_named = found.findings.iter().any(|finding| match &finding.cause {
            Cause::Order(named) => named == order,
            Cause::Fine => order == FOUR,
            _ => false,
        });
        assert!(is_named, "{order:?}");
    }
}

#[test]
fn orders_in_words() {
    let four = bench(&FOUR);
    for (order, want) in [
        ([Rxd, Gnd, Supply, Txd], "TXD and RXD are swapped"),
        ([Rxd, Supply, Gnd, Txd], "the cord is reversed: contact 1 is joined to the last"),
        ([Gnd, Supply, Rxd, Txd], "the till's socket has 2 GND, 3 the supply, 4 RXD, 5 TXD"),
    ] {
        assert_eq!(in_words(&four, &order, &[2, 3, 4, 5]), want);
    }
}

#[test]
fn meters() {
    for (volts, want) in [
        (-8.1, Some(Shown::Negative)),
        (0.02, Some(Shown::Zero)),
        (5.02, Some(Shown::Positive)),
        (-1.7, None),
        (1.9, None),
    ] {
        assert_eq!(of_volts(volts), want, "{volts}");
    }
    assert!(!Probe::Touch.is_possible(Unknown::Device));
    for probe in Probe::ALL {
        for unknown in [Unknown::Till, Unknown::Device] {
            assert!(probe.instruction(unknown).len() > 40);
        }
    }
}

#[test]
fn hardware_that_is_in_danger_is_in_the_refusals_too() {
    // The model finds with volts what the check finds by rule: no order that burns anything is safe.
    use super::bench::{profile, wires};
    use tillbus::wiring::check;
    let device = profile("box", "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 GND, 3 draw +5V 200, 4 TXD");
    let till = profile("till", "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD");
    let four = bench(&FOUR);
    for order in four.orders().iter() {
        let pairs: Vec<(u8, u8)> = order
            .iter()
            .zip(1_u8..)
            .map(|(name, number)| {
                let at = FOUR.iter().position(|known| known == name).unwrap();
                (number, u8::try_from(at).unwrap() + 1)
            })
            .collect();
        let report = check(&wires(&device, &till, &pairs));
        let harm = four.harm(order, USUAL);
        assert!(harm < Harm::SupplyOnDriver || !report.is_safe(), "{order:?}: {harm:?}");
        assert_eq!(report.is_safe(), order == FOUR, "{order:?}");
    }
}
