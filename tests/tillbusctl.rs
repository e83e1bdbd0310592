//! `tillbusctl` as a person uses it: on a private bus, with a daemon and scanners on virtual ports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test fails loudly"
)]

mod support;

#[path = "tillbusctl/bus.rs"]
mod bus;
#[path = "tillbusctl/cables.rs"]
mod cables;
#[path = "tillbusctl/errors.rs"]
mod errors;
#[path = "tillbusctl/explain.rs"]
mod explain;
#[path = "tillbusctl/pages.rs"]
mod pages;
#[path = "tillbusctl/ports.rs"]
mod ports;
#[path = "tillbusctl/profiles.rs"]
mod profiles;
#[path = "tillbusctl/qr.rs"]
mod qr;
#[path = "tillbusctl/terminals.rs"]
mod terminals;
#[path = "tillbusctl/tool.rs"]
mod tool;
