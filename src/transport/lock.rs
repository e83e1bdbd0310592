//! The lines that this process has open, so that a second open is refused before it is tried.
//!
//! A try would be harmful: tokio-serial's refused open ends with `TIOCNXCL`, which lifts the first
//! holder's exclusivity, and `flock` alone would be no help against ourselves on a pty.

use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;

use super::Error;

static OPEN: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// Which line it is, whatever path leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    device: u64,
    /// The file system too for a pty: each devpts counts its own.
    pty_of: Option<u64>,
}

/// The right to have one line open; given back on drop.
#[derive(Debug)]
pub(super) struct Lock {
    line: Line,
}

impl Lock {
    /// Takes the right to the line behind a device node.
    pub(super) fn take(metadata: &std::fs::Metadata) -> Result<Self, Error> {
        let pty_of = is_pty(metadata.rdev()).then(|| metadata.dev());
        let line = Line { device: metadata.rdev(), pty_of };
        let mut open = lines();
        if open.contains(&line) {
            return Err(Error::Busy);
        }
        open.push(line);
        Ok(Self { line })
    }

    /// Whether the line is the slave side of a pty.
    pub(super) fn is_pty(&self) -> bool {
        self.line.pty_of.is_some()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        lines().retain(|line| *line != self.line);
    }
}

/// Whether a device number is that of a pty's slave side.
///
/// Majors 136 to 143 are Unix98 pty slaves (Documentation/admin-guide/devices.txt).
pub(crate) fn is_pty(device: u64) -> bool {
    (136..=143).contains(&libc::major(device))
}

fn lines() -> MutexGuard<'static, Vec<Line>> {
    // A list of numbers is as good after a panic elsewhere as before it.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
