//! What went wrong elsewhere, or here, and must not go wrong again: one file each, named after where it was
//! told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

#[path = "issue/portalum_zvt_56.rs"]
mod portalum_zvt_56;
