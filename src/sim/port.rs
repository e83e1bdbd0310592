//! A serial port without hardware: the device's side of a pty.
//!
//! It carries bytes and the speed that the host has set. It has no modem lines, and no parity
//! error, framing error or break ever comes over it: those are played by `transport`'s replay.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::readiness::watch;
use crate::transport::{set_baud, speed, unread};

/// How long a hang-up waits for the host to read what was sent before.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often it looks, and the time that the kernel has to pass the bytes on.
const STEP: Duration = Duration::from_millis(20);

/// A virtual serial port; it hangs up when dropped.
#[derive(Debug)]
pub struct VirtualPort {
    device: AsyncFd<OwnedFd>,
    /// Kept open, so that the device's side is no busier while the host has the port closed.
    host: OwnedFd,
    node: PathBuf,
    link: Option<Link>,
}

impl VirtualPort {
    /// Makes a port, and at `link` a symbolic link to its node.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the system has no ptys, or where `link` is anything but a symbolic link already.
    pub fn create(link: Option<&Path>) -> io::Result<Self> {
        let device = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
        grantpt(&device)?;
        unlockpt(&device)?;
        let node = PathBuf::from(ptsname_r(&device)?);
        let host = open(&node, OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut raw = tcgetattr(&host)?;
        cfmakeraw(&mut raw);
        tcsetattr(&host, SetArg::TCSANOW, &raw)?;
        let device = OwnedFd::from(device);
        let flags = OFlag::from_bits_retain(fcntl(&device, FcntlArg::F_GETFL)?);
        fcntl(&device, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let link = link.map(|at| Link::create(at, &node)).transpose()?;
        Ok(Self { device: watch(device, Interest::READABLE)?, host, node, link })
    }

    /// The path to open: the link where there is one, else the node.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.link.as_ref().map_or(&self.node, |link| &link.path)
    }

    /// The speed that the host's side is set to, in baud.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn speed(&self) -> io::Result<u32> {
        Ok(speed(self.host.as_fd())?)
    }

    /// Sets the host's side to a speed, in baud, as it may have been left by the last who used it.
    ///
    /// # Errors
    ///
    /// Where the system refuses.
    pub fn set_speed(&self, baud: u32) -> io::Result<()> {
        Ok(set_baud(self.host.as_fd(), baud)?)
    }

    /// Waits for the host and takes what it wrote, with one read. Safe to cancel.
    ///
    /// # Errors
    ///
    /// Where the pty is broken: its host side is held open, so it cannot hang up.
    pub async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.device.readable().await?;
            match nix::unistd::read(ready.get_inner(), buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => return Ok(bytes),
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Sends bytes to the host, whether or not it has the port open: they wait in the kernel.
    ///
    /// If cancelled, a part may have been sent.
    ///
    /// # Errors
    ///
    /// Where the pty is broken.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match nix::unistd::write(self.device.get_ref(), rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::EAGAIN) => {
                    let duplicate = self.device.get_ref().try_clone()?;
                    watch(duplicate, Interest::WRITABLE)?.writable().await?.retain_ready();
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Hangs up once the host has read what was sent, or does not care to.
    ///
    /// A pty throws away what is unread at its end; a cable holds nothing back.
    pub async fn hang_up(self) {
        // No event tells that the other side has read, nor that the kernel has passed the bytes on
        // to where they could be counted. So this simulator's last act is to give them time.
        let mut waited = Duration::ZERO;
        loop {
            tokio::time::sleep(STEP).await;
            waited += STEP;
            if waited >= PATIENCE || unread(self.host.as_fd()).is_ok_and(|bytes| bytes == 0) {
                return;
            }
        }
    }
}

impl AsFd for VirtualPort {
    /// The host's side, as a program under test would have it open.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.host.as_fd()
    }
}

/// A symbolic link to a pty's node, removed on drop if it is still ours.
#[derive(Debug)]
struct Link {
    path: PathBuf,
    target: PathBuf,
}

impl Link {
    /// Replaces a link left behind by a simulator before us, never a file of any other kind.
    fn create(path: &Path, target: &Path) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.is_symlink() => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let hidden = path.with_file_name(hidden);
        // Made aside and renamed: whoever watches the path sees it come whole or not at all.
        std::os::unix::fs::symlink(target, &hidden)?;
        if let Err(error) = std::fs::rename(&hidden, path) {
            let _ = std::fs::remove_file(&hidden);
            return Err(error);
        }
        Ok(Self { path: path.to_owned(), target: target.to_owned() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if std::fs::read_link(&self.path).is_ok_and(|target| target == self.target) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
