//! The code by which a customer pays.
//!
//! Contract: pure.

use super::{Code, Meaning, Reasons};

/// A payment code.
pub(super) fn recognise(_code: &Code<'_>, _why: &mut impl Reasons) -> Option<Meaning> {
    None
}
