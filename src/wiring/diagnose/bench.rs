//! The orders in which a connector's contacts can be, and what each looks like.
//!
//! Contract: pure. One side's order is known, the other's is not: the device's plug is what its label
//! says and the till's socket is anybody's guess, or the other way round. An order says what the unknown
//! side has on each contact.

use super::model::{Harm, Logic, Make, Name, Net, Power, Rig, Sight};
use crate::wiring::connector::Connector;
use crate::wiring::signal::{Duty, Level, Line, Pin};

/// The side whose order nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// The till's socket.
    Till,
    /// The device's plug.
    Device,
}

/// Two sides, one of them unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// What the known side has on each contact.
    pub names: Vec<Name>,
    /// The other side.
    pub unknown: Unknown,
    /// The device's levels.
    pub logic: Logic,
    /// The device's power.
    pub power: Power,
}

/// Every order of the unknown side, one after the other in one list.
#[derive(Clone, Debug)]
pub struct Orders {
    width: usize,
    flat: Vec<Name>,
}

impl Orders {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flat.len() / self.width.max(1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flat.is_empty()
    }

    /// One of them; empty where there is none of that number.
    #[must_use]
    pub fn get(&self, number: usize) -> &[Name] {
        let start = number * self.width;
        self.flat.get(start..start + self.width).unwrap_or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &[Name]> {
        self.flat.chunks_exact(self.width.max(1))
    }
}

/// More contacts than this with something on them have too many orders to go through.
const MOST_NAMES: usize = 8;

/// The lines without which nothing is heard or fed, then those that few cables have.
const FIRST: [Name; MOST_NAMES] =
    [Name::Txd, Name::Rxd, Name::Gnd, Name::Supply, Name::Rts, Name::Cts, Name::Dtr, Name::Dsr];

impl Bench {
    /// A device or a host with this connector on the known side, and the numbers of its contacts as
    /// its profile counts. Screens and what is no serial line are taken as open; past eight lines DCD
    /// and RI are too.
    #[must_use]
    pub fn of_connector(connector: &Connector, is_host: bool) -> (Self, Vec<u8>) {
        let numbers: Vec<u8> = connector.pins.keys().copied().collect();
        let name = |pin: &Pin| {
            // Through a straight cable the device's output is the host's input.
            let here = match pin.duty(connector.role) {
                Duty::Out(line) => Some((line, is_host)),
                Duty::In(line) => Some((line, !is_host)),
                Duty::Ground => return Name::Gnd,
                Duty::Supply | Duty::Draw => return Name::Supply,
                _ => None,
            };
            match here {
                Some((Line::Data, true)) => Name::Txd,
                Some((Line::Data, false)) => Name::Rxd,
                Some((Line::Request, true)) => Name::Rts,
                Some((Line::Request, false)) => Name::Cts,
                Some((Line::Ready, true)) => Name::Dtr,
                Some((Line::Ready, false)) => Name::Dsr,
                Some((Line::Carrier, false)) => Name::Dcd,
                Some((Line::Ring, false)) => Name::Ri,
                _ => Name::Open,
            }
        };
        let mut names: Vec<Name> = connector.pins.values().map(name).collect();
        if names.iter().filter(|name| **name != Name::Open).count() > MOST_NAMES {
            for name in names.iter_mut().filter(|name| !FIRST.contains(name)) {
                *name = Name::Open;
            }
        }
        let unknown = if is_host { Unknown::Device } else { Unknown::Till };
        let mut bench = Self::new(names, unknown);
        if !is_host && matches!(connector.level, Level::Ttl5 | Level::Ttl3) {
            bench.logic = Logic::Ttl;
        }
        (bench, numbers)
    }

    /// A device with these contacts, fed through the cable where one of them is a supply.
    #[must_use]
    pub fn new(names: Vec<Name>, unknown: Unknown) -> Self {
        let power = if names.contains(&Name::Supply) { Power::Cable } else { Power::Own };
        Self { names, unknown, logic: Logic::Rs232, power }
    }

    /// Every order, each once: contacts with nothing on them are not told apart.
    #[must_use]
    pub fn orders(&self) -> Orders {
        let mut order = self.names.clone();
        order.sort_unstable();
        let mut flat = Vec::new();
        loop {
            flat.extend_from_slice(&order);
            if !step(&mut order) {
                return Orders { width: self.names.len(), flat };
            }
        }
    }

    /// The wires that an order makes.
    #[must_use]
    pub fn nets(&self, order: &[Name]) -> Vec<Net> {
        let pairs = self.names.iter().zip(order);
        pairs
            .map(|(known, found)| match self.unknown {
                Unknown::Till => Net::wire(*found, *known),
                Unknown::Device => Net::wire(*known, *found),
            })
            .collect()
    }

    /// The two sides, of this make.
    #[must_use]
    pub fn rig(&self, make: Make) -> Rig {
        Rig::new(self.logic, self.power, make)
    }

    /// What a port shows of an order.
    #[must_use]
    pub fn sight(&self, order: &[Name], make: Make) -> Sight {
        self.rig(make).sight(&self.nets(order))
    }

    /// What an order does to the hardware.
    #[must_use]
    pub fn harm(&self, order: &[Name], make: Make) -> Harm {
        self.rig(make).harm(&self.nets(order))
    }
}

/// The next arrangement in the alphabet's order; `false` after the last.
fn step(order: &mut [Name]) -> bool {
    let rises = order.windows(2).rposition(|pair| matches!(pair, [one, other] if one < other));
    let Some(place) = rises else { return false };
    let pivot = order.get(place).copied();
    let larger = order.iter().rposition(|name| Some(*name) > pivot);
    if let Some(larger) = larger {
        order.swap(place, larger);
    }
    if let Some(rest) = order.get_mut(place + 1..) {
        rest.reverse();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_order_once() {
        use Name::{Cts, Gnd, Open, Rts, Rxd, Supply, Txd};
        for (names, count) in [
            (vec![Txd, Rxd, Gnd, Supply], 24),
            (vec![Txd, Rxd, Gnd, Supply, Rts, Cts], 720),
            (vec![Open, Txd, Open, Rxd, Gnd], 60),
            (vec![Gnd], 1),
        ] {
            let orders = Bench::new(names, Unknown::Till).orders();
            let seen: BTreeSet<Vec<Name>> = orders.iter().map(<[Name]>::to_vec).collect();
            assert_eq!((orders.len(), seen.len()), (count, count));
            assert_eq!(orders.get(count), []);
        }
    }
}
