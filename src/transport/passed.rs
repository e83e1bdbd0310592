//! Descriptors that the service manager has passed to this process, and those that it keeps for the next.

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

use sd_notify::NotifyState;

/// What the names of ports begin with that are kept over a restart.
const PORT: &str = "port-";

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

/// Takes the ports that the daemon before this one has left, by their names. To be asked once.
#[must_use]
pub fn take_ports() -> HashMap<String, OwnedFd> {
    let Ok(passed) = sd_notify::listen_fds_with_names() else { return HashMap::new() };
    let ports = passed.filter_map(|(fd, name)| {
        let name = name.strip_prefix(PORT)?.to_owned();
        #[expect(unsafe_code, reason = "a passed descriptor is only a number in the environment")]
        // SAFETY: as in `take`; the names of ports are asked for here alone.
        Some((name, unsafe { OwnedFd::from_raw_fd(fd) }))
    });
    ports.collect()
}

/// Has the service manager keep a port open under this name, whatever becomes of this process. Nothing
/// happens where there is none, or it keeps nothing (`FileDescriptorStoreMax=`).
pub fn keep(name: &str, port: BorrowedFd<'_>) {
    let name = format!("{PORT}{name}");
    let _ =
        sd_notify::notify_with_fds(&[NotifyState::FdStore, NotifyState::FdName(&name)], &[port]);
}

/// Has the service manager close a port that it keeps.
pub fn forget(name: &str) {
    let name = format!("{PORT}{name}");
    let _ = sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(&name)]);
}
