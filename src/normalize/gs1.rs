//! GS1 element strings and Digital Links.
//!
//! Contract: pure.

use super::{Code, Meaning, Reasons};

/// GS1 data.
pub(super) fn recognise(_code: &Code<'_>, _why: &mut impl Reasons) -> Option<Meaning> {
    None
}
