//! Orders that may be tried without a meter.
//!
//! Contract: nothing but the lines of the serial port changes places, and each only with the one that
//! belongs to it at the other end (TXD with RXD, RTS with CTS, DTR with DSR). Grounds, supplies and draws
//! stay where they are, so no trial puts power on a data line. Transmitter on transmitter strains both for
//! as long as it takes to see that nothing comes, which RS-232 drivers have to bear.

use crate::wiring::connector::Connector;
use crate::wiring::signal::{Pin, Signal};

/// The lines that may change places.
const PAIRS: [(Signal, Signal); 3] =
    [(Signal::Txd, Signal::Rxd), (Signal::Rts, Signal::Cts), (Signal::Dtr, Signal::Dsr)];

/// A trial, and what changes places in it.
pub type Trial = (Connector, Vec<(Signal, Signal)>);

/// The orders to try, the likeliest first.
#[must_use]
pub fn trials(connector: &Connector) -> Vec<Trial> {
    let has = |signal: Signal| connector.with_signal(signal).is_some();
    let pairs: Vec<_> = PAIRS.into_iter().filter(|(one, other)| has(*one) && has(*other)).collect();
    let mut trials: Vec<Trial> = Vec::new();
    for choice in 1..1_u32 << pairs.len() {
        let chosen: Vec<_> = pairs
            .iter()
            .enumerate()
            .filter(|(place, _)| choice & 1 << place != 0)
            .map(|(_, pair)| *pair)
            .collect();
        let mut turned = connector.clone();
        for pin in turned.pins.values_mut() {
            if let Pin::Signal(signal) = pin {
                *signal = swapped(*signal, &chosen);
            }
        }
        trials.push((turned, chosen));
    }
    trials.sort_by_key(|(_, chosen)| chosen.len());
    trials
}

fn swapped(signal: Signal, pairs: &[(Signal, Signal)]) -> Signal {
    let other = pairs.iter().find_map(|(one, other)| {
        if signal == *one {
            Some(*other)
        } else if signal == *other {
            Some(*one)
        } else {
            None
        }
    });
    other.unwrap_or(signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::connector::{Counting, Shape};
    use crate::wiring::signal::{Level, Rail, Role};
    use std::collections::BTreeMap;

    fn connector(signals: &[Signal]) -> Connector {
        let rail = Rail { millivolts: 5_000 };
        let mut pins: BTreeMap<u8, Pin> = signals
            .iter()
            .zip(1..)
            .map(|(signal, number)| (number, Pin::Signal(*signal)))
            .collect();
        pins.insert(9, Pin::Supply { rail, max_milliamperes: None });
        Connector {
            shape: Shape::De9,
            gender: None,
            view: None,
            mirrored: false,
            counting: Some(Counting { first: 1, last: 9 }),
            role: Role::Dte,
            level: Level::Rs232,
            pins,
            wires: BTreeMap::new(),
        }
    }

    #[test]
    fn nothing_but_lines_that_belong_together_changes_places() {
        use Signal::{Cts, Dcd, Gnd, Rts, Rxd, Txd};
        for (signals, count) in
            [(&[Txd, Rxd, Gnd][..], 1), (&[Txd, Rxd, Gnd, Rts, Cts, Dcd], 3), (&[Txd, Gnd], 0)]
        {
            let before = connector(signals);
            let trials = trials(&before);
            assert_eq!(trials.len(), count, "{signals:?}");
            for (after, _) in &trials {
                for (number, pin) in &before.pins {
                    let is_line = matches!(pin, Pin::Signal(signal) if signal.is_serial());
                    assert!(is_line || after.pins[number] == *pin, "{number} {pin:?}");
                }
            }
        }
        let (after, chosen) = &trials(&connector(&[Txd, Rxd, Gnd, Rts, Cts]))[0];
        assert_eq!(chosen, &[(Txd, Rxd)], "data first");
        assert_eq!(after.pins[&1], Pin::Signal(Rxd));
    }
}
