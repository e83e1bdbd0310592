//! What says who somebody is.
//!
//! Contract: pure.

use super::{Code, Meaning, Reasons};

/// A document or a number of a person.
pub(super) fn recognise(_code: &Code<'_>, _why: &mut impl Reasons) -> Option<Meaning> {
    None
}
