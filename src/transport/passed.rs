//! Descriptors that the service manager has passed to this process.

use std::os::fd::{FromRawFd, OwnedFd};

/// Takes the descriptor of this name, where one was passed. To be asked once for each name.
#[must_use]
pub fn take(name: &str) -> Option<OwnedFd> {
    let mut passed = sd_notify::listen_fds_with_names().ok()?;
    let (fd, _) = passed.find(|(_, known)| known == name)?;
    #[expect(unsafe_code, reason = "a passed descriptor is only a number in the environment")]
    // SAFETY: the service manager has opened it for this process and told its number; it is
    // nobody else's, since each name is asked for once.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}
