//! Numbers of the shop's own, by the configuration's patterns.
//!
//! Contract: pure.

use super::{Code, Meaning, Reasons};

/// What the shop's own order and receipt numbers look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns;

/// One of the shop's own numbers.
pub(super) fn recognise(_code: &Code<'_>, _why: &mut impl Reasons) -> Option<Meaning> {
    None
}
