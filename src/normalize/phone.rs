//! What people show on a phone or a card: links, networks, addresses, boarding passes.
//!
//! Contract: pure.

use super::{Code, Meaning, Outcome, Reasons, text};
use crate::event::Content;

/// What a phone would offer to open.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    if !text::is_url(code.text?) {
        return None;
    }
    why.note("link", Outcome::Yes, || "a scheme, `://` and no space behind it".to_owned());
    Some(Meaning::of(Content::Url))
}
