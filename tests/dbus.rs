//! The daemon on a private bus, as its clients see it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

mod dbus {
    mod card_numbers;
    mod cards;
    mod cashier;
    mod claims;
    mod contents;
    mod errors;
    mod hid;
    mod introspection;
    mod many;
    mod objects;
    mod payment;
    mod ports;
    mod reload;
    mod replay;
    mod retrofit;
    mod routes;
    mod scans;
    mod taps;
    mod terminal;
}
