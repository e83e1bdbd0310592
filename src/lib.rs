//! tillbus: the hardware of a till behind one D-Bus API.
//!
//! ```text
//! bytes -> transport -> frame -> protocol -> normalize -> Event -> daemon -> D-Bus signal
//! call  -> dbus -> daemon -> session -> Protocol::request -> commands -> transport
//! ```
//!
//! The modules stand in reading order: first the words, then what is pure, then what touches the
//! machine. `ARCHITECTURE.md` has the arrows between them; `tests/layering.rs` enforces them.

pub mod event;
pub mod secret;

pub mod config;
pub mod frame;
pub mod hid;
pub mod normalize;
pub mod profile;
pub mod protocol;
pub mod recording;
pub mod settings;
pub mod transaction;
pub mod wiring;

pub mod bridge;
pub mod clock;
pub mod daemon;
pub mod dbus;
pub mod hotplug;
pub mod journal;
pub mod ledger;
pub mod process;
mod readiness;
pub mod session;
pub mod sim;
pub mod store;
pub mod transport;
