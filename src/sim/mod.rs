//! Devices without hardware: what they send, and the faults they can be asked for.

pub mod port;
