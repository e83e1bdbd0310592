//! The way out of a serial line: room to write, what has left, and what is no byte.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use tokio::io::Interest;
use tokio::time::sleep;

use super::{Error, ioctl};
use crate::readiness::watch;

/// Bytes that a UART may still hold when its driver's queue is empty; larger ones are rare.
const FIFO: usize = 64;
/// How long a break is made: the least that POSIX has `tcsendbreak` make. How long the one that was heard
/// has lasted no driver tells.
const BREAK: Duration = Duration::from_millis(250);

/// How fast a line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bits on the wire for each byte: start, data, parity, stop.
    pub(super) bits: u32,
    /// Bits a second.
    pub(super) baud: u32,
}

impl Pace {
    /// How long so many bytes take on the wire.
    fn duration(self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(self.bits.into());
        let micros = bits.saturating_mul(1_000_000) / u64::from(self.baud.max(1));
        Duration::from_micros(micros)
    }
}

/// Waits for room to write.
///
/// On a duplicate that lives no longer than the wait: a lasting interest in writability would
/// wake us whenever the output queue drains.
pub(super) async fn writable(fd: BorrowedFd<'_>) -> Result<(), Error> {
    let duplicate = fd.try_clone_to_owned().map_err(Error::Other)?;
    let fd = watch(duplicate, Interest::WRITABLE).map_err(Error::Other)?;
    fd.writable().await.map(drop).map_err(Error::Other)
}

/// Waits until the last byte written has left.
pub(super) async fn drained(fd: BorrowedFd<'_>, pace: Pace) {
    let Ok(queued) = ioctl::queued(fd) else { return };
    // The wait is computed, and looked at again where flow control made it too short.
    let mut budget = pace.duration(queued + FIFO) * 4;
    loop {
        let left = match (ioctl::queued(fd), ioctl::transmitter_empty(fd)) {
            (Err(_), _) | (Ok(0), Ok(true) | Err(_)) => return,
            (Ok(0), Ok(false)) => 1,
            (Ok(queued), _) => queued,
        };
        let wait = pace.duration(left).max(Duration::from_millis(1)).min(budget);
        if wait.is_zero() {
            return;
        }
        sleep(wait).await;
        budget -= wait;
    }
}

/// What stood on a line between the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A byte with a parity or framing error.
    BadByte(u8),
    /// A break.
    Break,
}

/// Another hand on a line, for writing only.
#[derive(Debug)]
pub struct Writer {
    fd: OwnedFd,
    pace: Pace,
}

impl Writer {
    pub(super) fn on(fd: OwnedFd, pace: Pace) -> Self {
        Self { fd, pace }
    }

    /// Writes as much as there is room for, and tells how much that was.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`] where the device is gone.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Error> {
        loop {
            match nix::unistd::write(&self.fd, bytes) {
                Ok(written) => return Ok(written),
                Err(Errno::EAGAIN) => return Ok(0),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::open(errno)),
            }
        }
    }

    /// Waits until there is room.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn writable(&self) -> Result<(), Error> {
        writable(self.fd.as_fd()).await
    }

    /// Makes what stood between the bytes, behind those that were written.
    ///
    /// A UART sends no byte without its stop bit, so a framing error goes as a break of one byte's
    /// length: whoever listens finds an error in its place.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`Error::Unsupported`] where the driver cannot.
    pub async fn mark(&self, mark: Mark) -> Result<(), Error> {
        drained(self.fd.as_fd(), self.pace).await;
        if ioctl::queued(self.fd.as_fd()).is_ok_and(|queued| queued > 0) {
            // Flow control holds back good bytes, which must not go out wrong.
            return Err(Error::Unsupported);
        }
        let termios = ioctl::termios(self.fd.as_fd()).map_err(Error::open)?;
        match mark {
            Mark::BadByte(byte) if termios.c_cflag & libc::PARENB != 0 => {
                let mut wrong = termios;
                wrong.c_cflag ^= libc::PARODD;
                ioctl::set_termios(self.fd.as_fd(), &wrong).map_err(Error::open)?;
                let written = self.write(&[byte]);
                drained(self.fd.as_fd(), self.pace).await;
                ioctl::set_termios(self.fd.as_fd(), &termios).map_err(Error::open)?;
                written.map(drop)
            }
            Mark::BadByte(_) => self.hold_low(self.pace.duration(1)).await,
            Mark::Break => self.hold_low(BREAK).await,
        }
    }

    async fn hold_low(&self, time: Duration) -> Result<(), Error> {
        let fd = self.fd.as_fd();
        ioctl::hold_low(fd, true).map_err(Error::open)?;
        sleep(time).await;
        ioctl::hold_low(fd, false).map_err(Error::open)
    }
}
