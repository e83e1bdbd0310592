//! Configuration and profiles from files on disk, as `load` reads them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod config {
    mod built_in;
    mod cards;
    mod content;
    mod device_errors;
    mod documents;
    mod files;
    mod hostile;
    mod layers;
    mod profile_errors;
    mod routes;
    mod shop;
}
