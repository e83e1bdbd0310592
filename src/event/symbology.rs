//! Symbologies and AIM identifiers.

/// A symbology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbology {
    /// unknown
    Unknown,
}
/// An AIM identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// code
    pub code: u8,
    /// modifier
    pub modifier: u8,
}
