//! Framers: where one message of a device ends and the next begins.
//!
//! Contract: pure, bounded and resynchronising. Bytes come in whatever pieces the kernel has them,
//! and what a framer says depends on the bytes, their times and their order, never on the pieces.
//! Nothing a device sends makes one grow past its bound, fail or panic.

pub mod buffer;
pub mod checksum;
pub mod control;
pub mod dle;
pub mod idtech;
mod joined;
mod licence;
pub mod line;
pub mod packet;
pub mod paycloud;
pub mod shell;
pub mod sieve;
pub mod speed;
pub mod uart;

pub use buffer::Buffer;
pub use control::Control;
pub use dle::Dle;
pub use line::Line;
pub use packet::Packets;
pub use sieve::{Mixture, Sieve, Weight};
pub use speed::{Advice, Evidence, SpeedSearch};
