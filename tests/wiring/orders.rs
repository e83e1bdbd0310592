//! Every order of every connector's contacts, through the model and back: is it named, and how many
//! answers does it take until it is known?
//!
//! The truth is made by ports and devices of any make within RS-232, drawn anew for every order; the
//! diagnosis knows only the corners between which makes lie. What is named here is not named because the
//! same numbers went in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tillbus::wiring::diagnose::Evidence;
use tillbus::wiring::diagnose::bench::{Bench, Orders, Unknown};
use tillbus::wiring::diagnose::meter::Probe;
use tillbus::wiring::diagnose::model::{
    Hearing, MAKES, Make, May, Name, Net, Readings, Rig, Sight, THRESHOLD, USUAL,
};

use Name::{Cts, Dcd, Dsr, Dtr, Gnd, Open, Ri, Rts, Rxd, Supply, Txd};

/// Connectors, and what is on their contacts.
const FAMILIES: [(&str, &str, &[Name]); 6] = [
    ("RJ9-4P4C", "TXD RXD GND +5V", &[Txd, Rxd, Gnd, Supply]),
    ("RJ11-6P4C, four bare wires", "TXD RXD GND +5V", &[Txd, Rxd, Gnd, Supply]),
    (
        "RJ12-6P6C, mini-DIN-6, six bare wires",
        "TXD RXD GND +5V RTS CTS",
        &[Txd, Rxd, Gnd, Supply, Rts, Cts],
    ),
    (
        "RJ45-8P8C, mini-DIN-8",
        "TXD RXD GND +5V RTS CTS DTR DSR",
        &[Txd, Rxd, Gnd, Supply, Rts, Cts, Dtr, Dsr],
    ),
    (
        "RJ50-10P10C",
        "+5V GND TXD RXD RTS CTS, four open",
        &[Open, Supply, Gnd, Txd, Rxd, Rts, Cts, Open, Open, Open],
    ),
    (
        "DE9, the nine lines of DB25",
        "DCD RXD TXD DTR GND DSR RTS CTS RI",
        &[Dcd, Rxd, Txd, Dtr, Gnd, Dsr, Rts, Cts, Ri],
    ),
];

/// Any numbers, the same in each run.
struct Chance(u64);

impl Chance {
    /// From 0 to 1.
    fn draw(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * self.draw()
    }

    /// A port and a device within what RS-232 and its usual chips allow.
    fn rig(&mut self, bench: &Bench) -> (Rig, f32) {
        let make = Make {
            host_volts: self.between(5.4, 12.0),
            device_volts: self.between(5.4, 12.0),
            receiver_ohms: self.between(3_500.0, 6_500.0),
            dark_ohms: 300.0 * 3_333.0_f32.powf(self.draw()),
        };
        (bench.rig(make), self.between(1.2, 1.8))
    }
}

/// What a port shows by itself and when a code is scanned; tillbus writes nothing, so there is no echo.
fn seen(rig: &Rig, nets: &[Net], threshold: f32) -> Sight {
    Sight { echo: Hearing::Nothing, ..rig.readings(nets).sight(threshold) }
}

/// What the orders of a family come to.
#[derive(Debug, Default)]
struct Score {
    orders: usize,
    classes: usize,
    speaking: usize,
    silent: usize,
    /// Of all orders at all true makes: the class of the truth is the likeliest, or among those named.
    tries: usize,
    first: usize,
    among: usize,
    /// Answers until the order is known.
    answers: usize,
    worst: usize,
}

fn score(names: &[Name]) -> Score {
    let bench = Bench::new(names.to_vec(), Unknown::Till);
    let orders = bench.orders();
    let usual = bench.rig(USUAL);
    let classes: Vec<Sight> =
        orders.iter().map(|order| seen(&usual, &bench.nets(order), THRESHOLD)).collect();
    let mut score = Score { orders: orders.len(), ..Score::default() };
    let distinct: BTreeSet<Sight> = classes.iter().copied().collect();
    score.classes = distinct.len();
    score.speaking = classes.iter().filter(|sight| sight.scan == Hearing::Clean).count();
    let silence = |sight: &&Sight| {
        !sight.is_break && sight.scan == Hearing::Nothing && sight.moved == Default::default()
    };
    score.silent = classes.iter().filter(silence).count();
    naming(&bench, &orders, &classes, &mut score);
    for class in distinct {
        let all: Vec<usize> =
            (0..orders.len()).filter(|number| classes[*number] == class).collect();
        ask(&bench, &orders, &all, &Probe::ALL, 0, &mut score);
    }
    score
}

/// Whether the classes that agree with what the port shows have the true one among them, and first.
fn naming(bench: &Bench, orders: &Orders, classes: &[Sight], score: &mut Score) {
    let rigs = MAKES.map(|make| bench.rig(make));
    let mut chance = Chance(7);
    let trues: Vec<(Rig, f32)> = (0..64).map(|_| chance.rig(bench)).collect();
    let mut kinds: BTreeMap<(May, Sight), usize> = BTreeMap::new();
    // What was shown, and the class of the truth, with how often that is.
    let mut shown: BTreeMap<(Sight, Sight), usize> = BTreeMap::new();
    for (number, (order, class)) in orders.iter().zip(classes).enumerate() {
        let nets = bench.nets(order);
        let readings: Vec<Readings> = rigs.iter().map(|rig| rig.readings(&nets)).collect();
        *kinds.entry((May::of(&readings), *class)).or_default() += 1;
        for offset in [0, 29] {
            let (rig, threshold) = &trues[(number + offset) % trues.len()];
            *shown.entry((seen(rig, &nets, *threshold), *class)).or_default() += 1;
        }
    }
    let mut named: BTreeMap<Sight, BTreeMap<Sight, usize>> = BTreeMap::new();
    for ((sight, class), count) in shown {
        let agree = named.entry(sight).or_insert_with(|| {
            let evidence = Evidence { echo: None, ..Evidence::of(&sight) };
            let mut agree: BTreeMap<Sight, usize> = BTreeMap::new();
            for ((_, class), weight) in
                kinds.iter().filter(|((may, _), _)| evidence.agrees(may, None))
            {
                *agree.entry(*class).or_default() += weight;
            }
            agree
        });
        let first = agree.iter().max_by_key(|(_, weight)| **weight).map(|(class, _)| *class);
        score.tries += count;
        score.among += count * usize::from(agree.contains_key(&class));
        score.first += count * usize::from(first == Some(class));
    }
}

/// Asks the probe that tells most, and goes on with each answer.
fn ask(
    bench: &Bench,
    orders: &Orders,
    left: &[usize],
    probes: &[Probe],
    asked: usize,
    score: &mut Score,
) {
    if left.len() == 1 {
        score.answers += asked;
        score.worst = score.worst.max(asked);
        return;
    }
    let split = |probe: Probe| {
        let mut parts: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for number in left {
            let answer = orders.get(*number).iter().fold(0, |answer, name| {
                answer << 6 | u64::from(probe.shown(bench.unknown, *name).code())
            });
            parts.entry(answer).or_default().push(*number);
        }
        parts
    };
    let best =
        probes.iter().copied().map(|probe| (probe, split(probe))).min_by_key(|(_, parts)| {
            parts.values().map(|part| part.len() * part.len()).sum::<usize>()
        });
    let (probe, parts) = best.expect("an order is known after all probes");
    let rest: Vec<Probe> = probes.iter().copied().filter(|other| *other != probe).collect();
    for part in parts.values() {
        ask(bench, orders, part, &rest, asked + 1, score);
    }
}

fn share(part: usize, whole: usize) -> String {
    if part == whole {
        return "100 %".to_owned();
    }
    format!("{:.2} %", part as f64 * 100.0 / whole as f64)
}

fn table() -> String {
    let mut table = String::from(
        "| connector | contacts | orders | speak | silence | classes | class named | and first | \
         answers: mean | worst |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let scores: Vec<Score> = std::thread::scope(|scope| {
        let threads = FAMILIES.map(|(_, _, names)| scope.spawn(move || score(names)));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((name, contacts, _), score) in FAMILIES.iter().zip(scores) {
        assert_eq!(score.among, score.tries, "{name}: a true class is not named");
        assert!(score.worst <= 3, "{name}: {} answers", score.worst);
        table.push_str(&format!(
            "| {name} | {contacts} | {} | {} | {} | {} | {} | {} | {:.2} | {} |\n",
            score.orders,
            score.speaking,
            share(score.silent, score.orders),
            score.classes,
            share(score.among, score.tries),
            share(score.first, score.tries),
            score.answers as f64 / score.orders as f64,
            score.worst
        ));
    }
    table
}

#[test]
fn every_order_is_named_and_known_after_three_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-docs/wiring.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- orders -->\n").unwrap();
    let (found, after) = rest.split_once("<!-- end -->\n").unwrap();
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        let page = format!("{before}<!-- orders -->\n{table}<!-- end -->\n{after}");
        fs::write(&path, page).unwrap();
    } else {
        assert_eq!(found, table, "UPDATE=1 cargo test --test wiring writes it");
    }
}
