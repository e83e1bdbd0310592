//! What a process does before it sees the first byte of a device.
//!
//! Contract: no core file holds what a customer showed, whatever the system is set to, nor does the message
//! of a panic.

use std::io;

/// Makes this process one that cannot be dumped, nor looked into by another of the same user, and has
/// panics told by their place: `tell` gets that and nothing else.
///
/// # Errors
///
/// What the system says, where it will not have the process undumpable. Panics are told by their place all
/// the same.
pub fn protect(tell: impl Fn(&str) + Send + Sync + 'static) -> io::Result<()> {
    std::panic::set_hook(Box::new(move |panic| {
        // The message may hold what a device sent; the place never does.
        tell(&panic.location().map_or(String::new(), ToString::to_string));
    }));
    Ok(nix::sys::prctl::set_dumpable(false)?)
}
