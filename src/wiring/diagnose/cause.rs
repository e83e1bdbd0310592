//! What can be wrong, and how each looks.
//!
//! The weights say how often a thing is met before anything is seen; they only rank what agrees with the
//! evidence. They are judgement, not measurement, and only their order matters.

use std::fmt;

use super::bench::{Bench, Unknown};
use super::evidence::{Evidence, Scan};
use super::model::{Harm, Logic, MAKES, May, Name, Net, Power, Readings, Rig, Sight, THRESHOLD};
use super::{Answer, Next};

/// Something that can be wrong, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Everything is as it should be.
    Fine,
    /// The device has no power.
    Dark,
    /// The device has power and says nothing: it is set to another interface, or waits.
    Mute,
    /// The speed or the format is wrong.
    Speed,
    /// The device has logic levels and no converter.
    Logic,
    /// A wire is broken, or a contact is not pushed in.
    Cut(Name),
    /// Two neighbouring contacts touch.
    Bridge(Name, Name),
    /// The contacts are in this order on the unknown side.
    Order(Vec<Name>),
}

impl Cause {
    /// The word for a program.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Dark => "no-power",
            Self::Mute => "device-silent",
            Self::Speed => "wrong-speed",
            Self::Logic => "logic-levels",
            Self::Cut(_) => "wire-broken",
            Self::Bridge(..) => "contacts-bridged",
            Self::Order(_) => "wire-order",
        }
    }

    /// Whether it is the cable's fault and not the device's or a setting's.
    #[must_use]
    pub const fn is_wiring(&self) -> bool {
        matches!(self, Self::Logic | Self::Cut(_) | Self::Bridge(..) | Self::Order(_))
    }
}

/// A cause with everything that is to be known of it.
pub(super) struct Candidate {
    pub(super) cause: Cause,
    pub(super) prior: f32,
    pub(super) harm: Harm,
    /// What ports may show.
    may: May,
    /// What the usual port shows.
    sight: Sight,
    is_lit: bool,
    /// What comes of a scan, where it is not the cable that decides that.
    scan: Option<Scan>,
}

impl Candidate {
    /// Whether it agrees with all that is known.
    pub(super) fn agrees(&self, bench: &Bench, evidence: &Evidence, answers: &[Answer]) -> bool {
        let order = self.order(bench);
        let is_metered = answers.iter().all(|(probe, shown)| {
            let mut pairs = order.iter().zip(shown);
            order.len() == shown.len()
                && pairs.all(|(name, shown)| probe.shown(bench.unknown, *name) == *shown)
        });
        is_metered && evidence.agrees(&self.may, self.scan)
    }

    /// What the unknown side has on its contacts if this is the cause.
    fn order<'a>(&'a self, bench: &'a Bench) -> &'a [Name] {
        match &self.cause {
            Cause::Order(order) => order,
            _ => &bench.names,
        }
    }

    /// Whether it is an order of the contacts, the right one included.
    pub(super) fn is_order(&self) -> bool {
        matches!(self.cause, Cause::Fine | Cause::Order(_))
    }

    /// What a test would show if this is the cause, as bytes to compare.
    pub(super) fn outcome(&self, bench: &Bench, test: Next) -> Vec<u8> {
        match test {
            Next::Scan => {
                let moved = self.sight.moved;
                let scan = self.scan.unwrap_or_else(|| self.sight.scan.into());
                let flags = [moved.cts, moved.dsr, moved.dcd, moved.ri].map(u8::from);
                [&[scan as u8][..], &flags].concat()
            }
            Next::Light => vec![u8::from(self.is_lit)],
            Next::Probe(probe) => {
                let order = self.order(bench);
                order.iter().map(|name| probe.shown(bench.unknown, *name).code()).collect()
            }
        }
    }
}

/// Everything that can be wrong at a bench.
pub(super) fn candidates(bench: &Bench) -> Vec<Candidate> {
    let right = bench.nets(&bench.names);
    let rigs = rigs(bench);
    let of = |cause: Cause, prior: f32, scan: Option<Scan>, nets: &[Net]| Candidate {
        scan,
        ..candidate(&rigs, cause, prior, nets)
    };
    let mut all = vec![
        of(Cause::Fine, 8.0, None, &right),
        of(Cause::Speed, 10.0, Some(Scan::Garbled), &right),
        of(Cause::Mute, 8.0, Some(Scan::Nothing), &right),
    ];
    let dark = Bench { power: Power::Off, ..bench.clone() };
    all.push(candidate(&self::rigs(&dark), Cause::Dark, 12.0, &right));
    if bench.logic == Logic::Rs232 {
        let module = Bench { logic: Logic::Ttl, ..bench.clone() };
        all.push(candidate(&self::rigs(&module), Cause::Logic, 5.0, &right));
    }
    for (place, name) in bench.names.iter().enumerate() {
        if *name != Name::Open {
            let mut nets = right.clone();
            nets.remove(place);
            all.push(of(Cause::Cut(*name), 2.0, None, &nets));
        }
    }
    all.extend(bridges(bench, &rigs, &right));
    all.extend(orders(bench, &rigs));
    all
}

fn rigs(bench: &Bench) -> Vec<Rig> {
    MAKES.iter().map(|make| bench.rig(*make)).collect()
}

fn candidate(rigs: &[Rig], cause: Cause, prior: f32, nets: &[Net]) -> Candidate {
    let readings: Vec<Readings> = rigs.iter().map(|rig| rig.readings(nets)).collect();
    // The first make is the usual one.
    let usual = readings.first().copied();
    Candidate {
        cause,
        prior,
        harm: rigs.first().map_or(Harm::None, |rig| rig.harm(nets)),
        may: May::of(&readings),
        sight: usual.map(|usual| usual.sight(THRESHOLD)).unwrap_or_default(),
        is_lit: usual.is_some_and(|usual| usual.is_lit),
        scan: None,
    }
}

/// Neighbours that touch, and the two data wires that a loop-back plug joins.
fn bridges(bench: &Bench, rigs: &[Rig], right: &[Net]) -> Vec<Candidate> {
    let place = |name: Name| bench.names.iter().position(|known| *known == name);
    let data = place(Name::Txd).zip(place(Name::Rxd));
    let data = data.map(|(one, other)| (one.min(other), one.max(other)));
    let mut pairs: Vec<(usize, usize)> =
        (1..bench.names.len()).map(|place| (place - 1, place)).collect();
    pairs.extend(data.filter(|pair| !pairs.contains(pair)));
    pairs
        .into_iter()
        .filter_map(|(one, other)| {
            let nets = bridged(right, one, other)?;
            let names = (*bench.names.get(one)?, *bench.names.get(other)?);
            let prior = if data == Some((one, other)) { 1.0 } else { 0.5 };
            Some(candidate(rigs, Cause::Bridge(names.0, names.1), prior, &nets))
        })
        .collect()
}

/// The nets with the contacts at these places joined.
fn bridged(nets: &[Net], one: usize, other: usize) -> Option<Vec<Net>> {
    let (first, second) = (nets.get(one)?, nets.get(other)?);
    let ([host, _], [device, _]) = (first.host, first.device);
    let ([next_host, _], [next_device, _]) = (second.host, second.device);
    if [host, device, next_host, next_device].contains(&Name::Open) {
        return None;
    }
    let joined = Net { host: [host, next_host], device: [device, next_device] };
    let mut nets = nets.to_vec();
    *nets.get_mut(one)? = joined;
    nets.remove(other);
    Some(nets)
}

/// Wrong orders, and how often each kind is met: the two data wires swapped, the cord reversed, two
/// neighbours swapped, any two swapped, one contact further; and all others.
fn orders(bench: &Bench, rigs: &[Rig]) -> Vec<Candidate> {
    let all = bench.orders();
    let rest = 6.0 / small(all.len());
    let wrong = all.iter().filter(|order| *order != bench.names);
    wrong
        .map(|order| {
            let prior = rest + usual(&bench.names, order);
            candidate(rigs, Cause::Order(order.to_vec()), prior, &bench.nets(order))
        })
        .collect()
}

fn small(number: usize) -> f32 {
    f32::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// How much likelier than any an order is that people make.
fn usual(right: &[Name], order: &[Name]) -> f32 {
    let moved: Vec<usize> = right
        .iter()
        .zip(order)
        .enumerate()
        .filter(|(_, (right, found))| right != found)
        .map(|(place, _)| place)
        .collect();
    let name = |place: &usize| right.get(*place).copied();
    let is_reversed = right.iter().rev().eq(order);
    let mut turned = right.to_vec();
    turned.rotate_left(1);
    let is_shifted = turned == order || {
        turned.rotate_right(2);
        turned == order
    };
    match moved.as_slice() {
        [one, other] => {
            let pair = [name(one), name(other)];
            let data = [Some(Name::Txd), Some(Name::Rxd)];
            match () {
                () if data.iter().all(|name| pair.contains(name)) => 18.0,
                () if is_reversed => 10.0,
                () if one + 1 == *other => 2.0,
                () => 1.0,
            }
        }
        _ if is_reversed => 10.0,
        _ if is_shifted => 2.0,
        _ => 0.0,
    }
}

/// What is wrong, in words, without the numbers of contacts that only a profile knows.
impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fine => formatter.write_str("the cable and the device are right"),
            Self::Dark => formatter.write_str("the device has no power"),
            Self::Mute => formatter.write_str(
                "the cable is right and the device says nothing: it is set to another interface, or \
                 waits for a line",
            ),
            Self::Speed => {
                formatter.write_str("the cable is right and the speed, parity or bits are wrong")
            }
            Self::Logic => formatter.write_str(
                "the device has logic levels: a level converter (MAX3232 or the like) is missing",
            ),
            Self::Cut(name) => write!(formatter, "the wire of {} is broken or not joined", name.word()),
            Self::Bridge(one, other) => {
                write!(formatter, "the contacts of {} and {} touch", one.word(), other.word())
            }
            Self::Order(_) => formatter.write_str("the wires are in another order"),
        }
    }
}

/// An order in words: what is swapped, or where each signal is.
#[must_use]
pub fn in_words(bench: &Bench, order: &[Name], numbers: &[u8]) -> String {
    let side = match bench.unknown {
        Unknown::Till => "the till's socket",
        Unknown::Device => "the device's plug",
    };
    let wrong: Vec<(Name, Name)> = bench
        .names
        .iter()
        .zip(order)
        .filter(|(right, found)| right != found)
        .map(|(right, found)| (*right, *found))
        .collect();
    if let [(one, other), _] = wrong.as_slice() {
        return format!("{} and {} are swapped", one.word(), other.word());
    }
    let is_reversed = order.len() > 2 && bench.names.iter().rev().eq(order);
    if is_reversed {
        return "the cord is reversed: contact 1 is joined to the last".to_owned();
    }
    let places: Vec<String> = order
        .iter()
        .zip(numbers)
        .filter(|(name, _)| **name != Name::Open)
        .map(|(name, number)| format!("{number} {}", name.word()))
        .collect();
    format!("{side} has {}", places.join(", "))
}
