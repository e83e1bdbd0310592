//! What is between two sockets: cords, adapters, their contacts and what flows through them.
//!
//! ```text
//! Socket - Cord - Adapter - Socket -> Cable -> check -> problems
//!                                          '-> draw  -> picture
//! Socket, Socket -> propose -> Cable
//! ```
//!
//! Contract: pure. Everything is said in contacts of the metal ([`Position`]); a source's own numbers
//! come in and go out through its [`Connector`] alone, because that is where cables go wrong.

pub mod cable;
pub mod check;
pub mod colour;
pub mod connector;
pub mod cord;
pub mod diagnose;
pub mod draw;
pub mod plan;
pub mod propose;
pub mod signal;

pub use cable::Cable;
pub use check::{Problem, Report, check};
pub use colour::{Colour, Hue};
pub use connector::{Connector, Counting, Gender, Position, Shape, View};
pub use plan::Plan;
pub use propose::propose;
pub use signal::{Duty, Level, Line, Pin, Rail, Role, Signal};

/// Who may stop whom on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Either side may send at any time.
    None,
    /// By the wires RTS and CTS.
    RtsCts,
    /// By the wires DTR and DSR.
    DtrDsr,
    /// By the bytes DC1 and DC3 in the data.
    XonXoff,
}

impl Flow {
    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RtsCts => "rts-cts",
            Self::DtrDsr => "dtr-dsr",
            Self::XonXoff => "xon-xoff",
        }
    }
}

/// One end of a cable.
#[derive(Clone, Copy, Debug)]
pub struct Socket<'a> {
    /// The profile's id.
    pub name: &'a str,
    /// How it is wired.
    pub connector: &'a Connector,
    /// Whether a document or somebody who has it says so.
    pub is_confirmed: bool,
    /// What stands behind it.
    pub part: Part,
    /// The flow control that the device is set to.
    pub flow: Flow,
    /// What else one could plug into on the same machine.
    pub beside: &'a [Beside],
}

/// What stands behind a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A device that has to be heard.
    Device,
    /// A computer's port, whose lines tillbus drives.
    Host,
    /// Either, as far as the profile tells.
    Other,
}

/// Another socket of a machine into which the same plug goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What is printed at it.
    pub label: String,
    /// Its shape.
    pub shape: Shape,
    /// The voltage in it, where the source says.
    pub carries: Option<Rail>,
}
