//! HID: which reports a device has, and where in them which usage lies.
//!
//! Contract: pure, and no descriptor makes it fail in any way but an [`Error`]. A descriptor is at
//! most [`LONGEST`] bytes long and costs memory in proportion to its length, whatever it counts.
//!
//! Source: Device Class Definition for HID 1.11, 6.2.2. Devices number their usages by the HID Usage
//! Tables.
//!
//! Rejected: crate `hidreport` 0.6. A usage without a page makes it panic, and eighteen bytes with a
//! large count make it take gigabytes. It is the peer in this module's tests.

mod field;
mod packets;
mod parse;
pub mod stream;

use std::collections::BTreeMap;
use std::fmt;

pub use field::Field;
pub use packets::Packets;
pub use parse::Error;

/// The longest descriptor that is looked at; Linux takes no longer one either.
pub const LONGEST: usize = 4096;

/// What a value means: the page's number and the usage's on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usage {
    /// The page.
    pub page: u16,
    /// The number on it.
    pub id: u16,
}

impl Usage {
    /// A usage of a page.
    #[must_use]
    pub const fn new(page: u16, id: u16) -> Self {
        Self { page, id }
    }

    /// Whether a vendor gave it its meaning (HID Usage Tables 1.5, 3.1).
    #[must_use]
    pub const fn is_vendors(self) -> bool {
        self.page >= 0xFF00
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02X}:{:02X}", self.page, self.id)
    }
}

/// Which way a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From the device.
    Input,
    /// To the device.
    Output,
    /// Either way, when asked for.
    Feature,
}

/// What a device says of its reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    fields: Vec<Field>,
    bits: BTreeMap<(Kind, u8), u32>,
    applications: Vec<Usage>,
    numbered: bool,
}

impl Descriptor {
    /// Reads a report descriptor.
    ///
    /// # Errors
    ///
    /// Where an item is cut off or makes no sense, at its offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        parse::descriptor(bytes)
    }

    /// Whether each report begins with its number.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// What the device is, by the usages of its outermost collections.
    #[must_use]
    pub fn applications(&self) -> &[Usage] {
        &self.applications
    }

    /// The fields that carry something, in their order; padding is none.
    pub fn fields(&self, kind: Kind) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.kind == kind)
    }

    /// The field of this kind that holds a usage, and which of its values it is.
    #[must_use]
    pub fn find(&self, kind: Kind, usage: Usage) -> Option<(&Field, u32)> {
        self.fields(kind).find_map(|field| Some((field, field.find(usage)?)))
    }

    /// How many bytes a report has, its number not counted; `None` where there is no such report.
    #[must_use]
    pub fn length(&self, kind: Kind, report: u8) -> Option<usize> {
        let bits = self.bits.get(&(kind, report))?;
        usize::try_from(bits.div_ceil(8)).ok()
    }
}

#[cfg(test)]
mod tests;
