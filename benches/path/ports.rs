//! Pseudo terminals with the scanner's side in our hands.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::libc::O_NOCTTY;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::Result;

/// What every scan is.
pub(crate) const LINE: &[u8] = b"4006381333931\r";

pub(crate) struct Port {
    scanner: File,
    pub(crate) path: String,
    /// Held open: with nobody at it, a terminal would forget that it is raw.
    _terminal: File,
}

impl Port {
    pub(crate) fn open() -> Result<Self> {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = ptsname_r(&master)?;
        let terminal = File::options().read(true).write(true).custom_flags(O_NOCTTY).open(&path)?;
        let mut settings = tcgetattr(terminal.as_fd())?;
        cfmakeraw(&mut settings);
        tcsetattr(terminal.as_fd(), SetArg::TCSANOW, &settings)?;
        let scanner = File::from(OwnedFd::from(master));
        Ok(Self { scanner, path, _terminal: terminal })
    }

    /// Writes one code; waits while the terminal's buffer is full.
    pub(crate) fn scan(&self) -> Result<()> {
        Ok((&self.scanner).write_all(LINE)?)
    }
}
