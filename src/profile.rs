//! A profile file: how one kind of device is wired and spoken to.

/// The settings of a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Speeds in baud, in the order in which they are listened for; never empty.
    pub bauds: Vec<u32>,
    /// Bits of data in a byte, 5 to 8.
    pub data_bits: u8,
    /// The parity bit.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
    /// Who may hold whom back.
    pub flow: Flow,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            bauds: vec![9600],
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
            flow: Flow::None,
        }
    }
}

/// The parity bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parity {
    /// There is none.
    #[default]
    None,
    /// An even number of ones.
    Even,
    /// An odd number of ones.
    Odd,
}

/// Flow control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// None.
    #[default]
    None,
    /// The lines RTS and CTS.
    RtsCts,
    /// The lines DTR and DSR.
    DtrDsr,
    /// The bytes 11 and 13.
    XonXoff,
}
