//! Waiting for a file descriptor, in one place because tokio leaves its safety to the caller.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for no more than `interest` on a non-blocking descriptor.
///
/// Must be called within a tokio runtime.
pub(crate) fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "tokio cannot know that the descriptor stays what it is")]
    // SAFETY: an `OwnedFd` is open, always the same, and closed by nobody but its owner, which the
    // `AsyncFd` becomes; handing out references does not change it.
    let watched = unsafe { AsyncFd::register_with_interest(fd, interest) };
    watched.map_err(Into::into)
}
