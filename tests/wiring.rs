//! Cables: what connects, what burns, what a port shows of a wrong one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod wiring {
    mod bench;
    mod cables;
    mod diagnosis;
    mod library;
    mod orders;
    mod proposals;
}
