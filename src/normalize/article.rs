//! Articles: trade item numbers, and the in-store numbers that hold a weight or a price.
//!
//! Contract: pure.

use super::{Code, Meaning, Outcome, Reasons, gtin};
use crate::event::Content;

/// In-store numbers that hold a weight or a price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks;

/// An article number whose check digit is right.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    let gtin = gtin::of(code.symbology, code.bytes)?;
    why.note("article number", Outcome::Yes, || {
        format!("the check digit of the {} is right", code.symbology)
    });
    Some(Meaning { gtin: Some(gtin), ..Meaning::of(Content::Gtin) })
}
