//! Line settings: the `[line]` of a profile and the `[device.line]` over it.

use std::ops::RangeInclusive;

use super::errors::Errors;
use crate::settings::{Error, Section};
pub use crate::wiring::Flow;

/// How a serial line is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Speeds in baud, never empty. With more than one, the right one is found by listening.
    pub bauds: Vec<u32>,
    /// 5 to 8.
    pub data_bits: u8,
    /// The parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Who may stop whom.
    pub flow: Flow,
}

impl Default for Line {
    /// 9600 baud, eight data bits, no parity, one stop bit, no flow control.
    fn default() -> Self {
        let (parity, flow) = (Parity::None, Flow::None);
        Self { bauds: vec![9600], data_bits: 8, parity, stop_bits: 1, flow }
    }
}

/// The parity bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// There is none.
    None,
    /// It makes the number of ones even.
    Even,
    /// It makes the number of ones odd.
    Odd,
}

/// What serial drivers can be asked for; whether a certain port can is found at its opening.
const BAUDS: RangeInclusive<u32> = 50..=4_000_000;
const PARITIES: [(&str, Parity); 3] =
    [("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)];
pub(super) const FLOWS: [(&str, Flow); 4] = [
    (Flow::None.word(), Flow::None),
    (Flow::RtsCts.word(), Flow::RtsCts),
    (Flow::DtrDsr.word(), Flow::DtrDsr),
    (Flow::XonXoff.word(), Flow::XonXoff),
];

impl Line {
    /// Reads the section, with `below` for the keys it does not have.
    pub(crate) fn read(section: &Section<'_>, below: &Self, errors: &mut Errors) -> Option<Self> {
        let bauds = errors.note(bauds(section));
        let data_bits = errors.note(small(section, "data-bits", 5..=8));
        let parity = errors.note(section.word("parity", &PARITIES));
        let stop_bits = errors.note(small(section, "stop-bits", 1..=2));
        let flow = errors.note(section.word("flow", &FLOWS));
        errors.note(section.finish())?;
        Some(Self {
            bauds: bauds?.unwrap_or_else(|| below.bauds.clone()),
            data_bits: data_bits?.unwrap_or(below.data_bits),
            parity: parity?.unwrap_or(below.parity),
            stop_bits: stop_bits?.unwrap_or(below.stop_bits),
            flow: flow?.unwrap_or(below.flow),
        })
    }
}

fn bauds(section: &Section<'_>) -> Result<Option<Vec<u32>>, Error> {
    let bauds = section.integers("baud", BAUDS)?;
    let mut seen = Vec::new();
    for baud in bauds.iter().flatten() {
        if seen.contains(&baud) {
            return Err(section
                .error("baud", format!("`baud` has {baud} twice; accepted is each speed once")));
        }
        seen.push(baud);
    }
    Ok(bauds)
}

/// A whole number that fits a byte.
fn small(
    section: &Section<'_>,
    key: &'static str,
    range: RangeInclusive<u8>,
) -> Result<Option<u8>, Error> {
    let wide = u32::from(*range.start())..=u32::from(*range.end());
    let number = section.integer(key, wide)?;
    Ok(number.map(|number| u8::try_from(number).unwrap_or(*range.end())))
}
