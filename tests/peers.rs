//! Other people's implementations, from PyPI, npm and the Rust registry, on generated samples: where they
//! and we disagree, the test says why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

mod peers {
    mod cards;
    mod concert;
    mod encrypted_cards;
    mod gs1;
    mod node;
    mod payment;
    mod qr;
    mod zvt;
}
