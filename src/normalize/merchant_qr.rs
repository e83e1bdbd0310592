//! The code by which a customer pays a merchant.
//!
//! Contract: pure.

use super::{Code, Meaning, Reasons};

/// A merchant-presented code.
pub(super) fn recognise(_code: &Code<'_>, _why: &mut impl Reasons) -> Option<Meaning> {
    None
}
