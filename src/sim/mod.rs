//! Devices without hardware: what they send, and the faults they can be asked for.
//!
//! A [`Simulated`] device is pure and has one file; [`ALL`] lists them. A [`Simulation`] puts one
//! on a [`port::VirtualPort`] and does to it what it is told by [`Command`]s, one at a time, from
//! a [`script`] or from a program. The device's own options are those of its protocol.
//!
//! A bad byte or a break cannot be simulated on a pty; a recording played in place of the port
//! (`Port::replay`) has them.

mod concert;
mod datalogic;
mod ecr_hub;
mod garble;
mod grow_gm65;
mod head;
mod hid_keyboard;
mod hid_msr;
mod hid_pos;
mod honeywell;
mod idtech;
mod idtech_hid;
mod line_scanner;
mod magtek;
mod mis;
mod msr_keyboard;
mod newland;
mod paycloud;
pub mod port;
mod run;
mod scanner_port;
pub mod script;
mod ssi;
mod track_reader;
mod zvt;

use std::time::Duration;

use crate::event::Symbology;
use crate::event::terminal::Clock;
use crate::settings;

pub use run::{Command, Options, Simulation, run};

/// The simulated devices, under the names of their protocols.
pub const ALL: &[Info] = &[
    line_scanner::INFO,
    honeywell::INFO,
    newland::INFO,
    grow_gm65::INFO,
    ssi::INFO,
    datalogic::INFO,
    paycloud::INFO,
    hid_pos::INFO,
    hid_keyboard::INFO,
    track_reader::INFO,
    hid_msr::INFO,
    msr_keyboard::INFO,
    magtek::INFO,
    idtech::INFO,
    idtech_hid::INFO,
    zvt::INFO,
    concert::INFO,
    mis::INFO,
    ecr_hub::INFO,
    scanner_port::INFO,
];

/// The simulated device that speaks the protocol of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Info> {
    ALL.iter().find(|info| info.name == name)
}

/// What there is to know of a simulated device.
#[derive(Debug)]
pub struct Info {
    /// The name of its protocol.
    pub name: &'static str,
    /// Makes one with the options of a profile's `[protocol]` table, of which it reads those that
    /// matter to what is sent.
    pub configure: fn(&settings::Section<'_>) -> Result<Box<dyn Simulated>, settings::Error>,
}

/// A device, seen from its own side of the line. Pure: no input makes it fail.
pub trait Simulated: Send {
    /// A code is held before it: what it sends, nothing if it is not reading now.
    fn scan(&mut self, code: &Code) -> Vec<u8>;

    /// The host has sent something.
    fn receive(&mut self, _bytes: &[u8], _out: &mut Actions) {}

    /// How long it goes on waiting for its host; nothing while it waits for nothing.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// It has waited so long, and the host has said nothing.
    fn timeout(&mut self, _out: &mut Actions) {}

    /// From now on it is to behave like this, or this happens at it now.
    ///
    /// # Errors
    ///
    /// What was found and what is accepted.
    fn behave(&mut self, _words: &str, _out: &mut Actions) -> Result<(), String> {
        Err("this device has no behaviours".to_owned())
    }

    /// What it has booked, where it is a terminal: a line each.
    fn ledger(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A code as it is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Its symbology, where it matters.
    pub symbology: Option<Symbology>,
    /// What it carries.
    pub data: Vec<u8>,
}

impl Code {
    /// A code of no particular symbology.
    #[must_use]
    pub fn plain(data: impl Into<Vec<u8>>) -> Self {
        Self { symbology: None, data: data.into() }
    }
}

/// What a device does about what it was sent.
#[derive(Debug, Default)]
pub struct Actions {
    /// What its clock shows, filled in before it is asked.
    pub clock: Clock,
    /// What it sends back.
    pub send: Vec<u8>,
    /// What a person at the device sees or hears, in words.
    pub notices: Vec<String>,
}
