//! Waiting for a file descriptor, in one place because tokio leaves its safety to the caller.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that is open, always the same, and closed by nobody but its owners.
pub(crate) trait Owned: AsRawFd {}

impl Owned for OwnedFd {}
impl Owned for Arc<OwnedFd> {}

/// Waits for no more than `interest` on a non-blocking descriptor.
///
/// Must be called within a tokio runtime.
pub(crate) fn watch<T: Owned>(fd: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    #[expect(unsafe_code, reason = "tokio cannot know that the descriptor stays what it is")]
    // SAFETY: an `Owned` is open, always the same, and closed by nobody but its owners, of which the
    // `AsyncFd` becomes one; handing out references does not change it.
    let watched = unsafe { AsyncFd::register_with_interest(fd, interest) };
    watched.map_err(Into::into)
}
