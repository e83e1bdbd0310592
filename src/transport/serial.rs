//! A serial line: opened and set up through tokio-serial, read and written by ourselves.
//!
//! tokio-serial's own stream is not used: it waits for writability as well, which doubles the
//! wake-ups, and after each read it makes another one that fails. Here one wake-up is one `read`.

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FlockArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::lock::Lock;
use super::output::{self, Pace};
use super::{Error, Unmark, Unwritten, Writer, ioctl, opening};
use crate::profile::{Flow, Line, Parity};
use crate::protocol::Input;
use crate::readiness::watch;
use crate::secret::Secret;

/// As much as the kernel's line discipline holds, so that a shorter read has emptied it.
const READ: usize = 4096;

#[derive(Debug)]
pub(super) struct Serial {
    // First, and so given back before the line is closed: the number of a closed pty may at once be
    // another one's. Who opens in between meets `flock`.
    _lock: Lock,
    fd: AsyncFd<OwnedFd>,
    unmark: Unmark,
    reads: u64,
    pace: Pace,
}

impl Serial {
    pub(super) fn open(path: &Path, line: &Line, baud: u32) -> Result<Self, Error> {
        if line.flow == Flow::DtrDsr {
            // The kernel's serial core has no such handshake. Doing without it in silence would
            // lose bytes on the day the device needs it.
            return Err(Error::Unsupported);
        }
        if baud == 0 {
            // The kernel takes 0 for an order to hang up.
            return Err(Error::Unsupported);
        }
        let metadata = std::fs::metadata(path).map_err(|error| opening(&error))?;
        if !metadata.file_type().is_char_device() {
            return Err(Error::Unsupported);
        }
        let lock = Lock::take(&metadata)?;
        let fd = open_exclusive(path, line, baud, &lock)?;
        Self::new(fd, baud, lock)
    }

    pub(super) fn adopt(fd: OwnedFd, path: &Path, line: &Line, baud: u32) -> Result<Self, Error> {
        let file = std::fs::File::from(fd);
        let kept = file.metadata().map_err(Error::Other)?;
        let there = std::fs::metadata(path).map_err(|error| opening(&error))?;
        if kept.rdev() != there.rdev() {
            return Err(Error::NotFound);
        }
        let lock = Lock::take(&kept)?;
        let fd = OwnedFd::from(file);
        shape(fd.as_fd(), line).map_err(Error::open)?;
        // Who was killed in the middle of a break has left the line low.
        let _ = ioctl::hold_low(fd.as_fd(), false);
        Self::new(fd, baud, lock)
    }

    fn new(fd: OwnedFd, baud: u32, lock: Lock) -> Result<Self, Error> {
        let bits = settle(fd.as_fd(), baud).map_err(Error::open)?;
        let flags = fcntl(&fd, FcntlArg::F_GETFL).map_err(Error::open)?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&fd, FcntlArg::F_SETFL(flags)).map_err(Error::open)?;
        let fd = watch(fd, Interest::READABLE).map_err(Error::Other)?;
        Ok(Self { _lock: lock, fd, unmark: Unmark::default(), reads: 0, pace: Pace { bits, baud } })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.get_ref().as_fd()
    }

    /// Whether what is open is a pty: the path may have led elsewhere a moment ago.
    pub(super) fn is_pty(&self) -> bool {
        // Where it cannot be asked it is none that we know of, nor anything else.
        nix::sys::stat::fstat(self.fd()).is_ok_and(|status| super::is_pty(status.st_rdev))
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads
    }

    pub(super) async fn receive(
        &mut self,
        sink: &mut (dyn FnMut(Input<'_>) + Send),
    ) -> Result<(), Error> {
        loop {
            let mut ready = self.fd.readable().await.map_err(Error::Other)?;
            self.reads += 1;
            match read(ready.get_inner().as_fd(), &mut self.unmark, sink) {
                Ok(0) => return Err(Error::Disconnected),
                Ok(bytes) => {
                    // A short read has emptied the line, so the next byte raises a new edge. A
                    // hang-up that came along is not forgotten: tokio keeps that it is closed.
                    if bytes < READ {
                        ready.clear_ready();
                    }
                    return Ok(());
                }
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::open(errno)),
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = bytes.len() - rest.len();
            let failed = |error| Unwritten { error, written };
            match nix::unistd::write(self.fd(), rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::EAGAIN) => output::writable(self.fd()).await.map_err(failed)?,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed(Error::open(errno))),
            }
        }
        Ok(())
    }

    pub(super) async fn drained(&self) {
        output::drained(self.fd(), self.pace).await;
    }

    /// Another hand on the line, for writing only.
    pub(super) fn writer(&self) -> Result<Writer, Error> {
        let fd = self.fd().try_clone_to_owned().map_err(Error::Other)?;
        Ok(Writer::on(fd, self.pace))
    }

    pub(super) fn set_baud(&mut self, baud: u32) -> Result<(), Error> {
        if baud == 0 {
            return Err(Error::Unsupported);
        }
        settle(self.fd(), baud).map_err(Error::open)?;
        self.pace.baud = baud;
        Ok(())
    }
}

/// Reads once and hands on what came. The buffer is had for the one read, so an idle port costs none;
/// it is wiped, for a payment code may just have passed through.
fn read(
    fd: BorrowedFd<'_>,
    unmark: &mut Unmark,
    sink: &mut (dyn FnMut(Input<'_>) + Send),
) -> nix::Result<usize> {
    let mut buffer = Secret::<Vec<u8>>::zeros(READ);
    let count = nix::unistd::read(fd, buffer.expose_mut())?;
    unmark.feed(buffer.expose().get(..count).unwrap_or_default(), sink);
    Ok(count)
}

/// Opens through tokio-serial with nobody else in.
///
/// It tells neither why an open failed nor spares another holder: refused by `flock` it lifts the
/// holder's `TIOCEXCL` on its way out. So the port is tried first, and that descriptor kept until
/// the end, to give the exclusivity back should somebody come in between.
fn open_exclusive(path: &Path, line: &Line, baud: u32, lock: &Lock) -> Result<OwnedFd, Error> {
    // For reading only: the end of a try for writing would tell whoever waits for a busy port that
    // it is free, `hotplug::PathWatch` first of all.
    let flags = OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let probe = open(path, flags, Mode::empty()).map_err(Error::opening)?;
    ioctl::termios(probe.as_fd()).map_err(Error::opening)?;
    flock(probe.as_fd(), FlockArg::LockExclusiveNonblock).map_err(Error::opening)?;
    flock(probe.as_fd(), FlockArg::Unlock).map_err(Error::opening)?;

    let port = builder(path, line, baud)?.open_native().map_err(|error| {
        let error = refused(error);
        if matches!(error, Error::Busy) && !lock.is_pty() {
            // If it fails there is nothing left to protect.
            let _ = ioctl::exclusive(probe.as_fd());
        }
        error
    })?;
    #[expect(unsafe_code, reason = "tokio-serial gives its descriptor away as a number only")]
    // SAFETY: `into_raw_fd` gives up ownership of an open descriptor, which is taken here.
    let fd = unsafe { OwnedFd::from_raw_fd(port.into_raw_fd()) };
    if lock.is_pty() {
        // A pty outlives its last user and would stay exclusive after a crash; `flock` does not.
        ioctl::shared(fd.as_fd()).map_err(Error::open)?;
    }
    // Not all drivers know the word, and an unprivileged process may be refused: no harm done.
    let _ = ioctl::low_latency(fd.as_fd());
    Ok(fd)
}

fn builder(path: &Path, line: &Line, baud: u32) -> Result<tokio_serial::SerialPortBuilder, Error> {
    use tokio_serial::{DataBits, FlowControl, StopBits};

    let data_bits = match line.data_bits {
        5 => DataBits::Five,
        6 => DataBits::Six,
        7 => DataBits::Seven,
        8 => DataBits::Eight,
        _ => return Err(Error::Unsupported),
    };
    let stop_bits = match line.stop_bits {
        1 => StopBits::One,
        2 => StopBits::Two,
        _ => return Err(Error::Unsupported),
    };
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let flow = match line.flow {
        Flow::None => FlowControl::None,
        Flow::RtsCts => FlowControl::Hardware,
        Flow::XonXoff => FlowControl::Software,
        Flow::DtrDsr => return Err(Error::Unsupported),
    };
    // Its paths are strings. None that udev makes or an integrator types is anything else.
    let path = path.to_str().ok_or(Error::Unsupported)?;
    Ok(tokio_serial::new(path, baud)
        .data_bits(data_bits)
        .stop_bits(stop_bits)
        .parity(parity)
        .flow_control(flow))
}

/// Gives a line that was open before the settings that it would be opened with now.
fn shape(fd: BorrowedFd<'_>, line: &Line) -> nix::Result<()> {
    let mut termios = ioctl::termios(fd)?;
    let of_line = libc::CSIZE | libc::PARENB | libc::PARODD | libc::CSTOPB | libc::CRTSCTS;
    termios.c_cflag &= !of_line;
    termios.c_cflag |= match line.data_bits {
        5 => libc::CS5,
        6 => libc::CS6,
        7 => libc::CS7,
        _ => libc::CS8,
    };
    termios.c_cflag |= match line.parity {
        Parity::None => 0,
        Parity::Even => libc::PARENB,
        Parity::Odd => libc::PARENB | libc::PARODD,
    };
    if line.stop_bits == 2 {
        termios.c_cflag |= libc::CSTOPB;
    }
    termios.c_iflag &= !(libc::IXON | libc::IXOFF);
    match line.flow {
        Flow::RtsCts => termios.c_cflag |= libc::CRTSCTS,
        Flow::XonXoff => termios.c_iflag |= libc::IXON | libc::IXOFF,
        Flow::None => {}
        Flow::DtrDsr => return Err(Errno::EOPNOTSUPP),
    }
    ioctl::set_termios(fd, &termios)
}

/// Sets the speed and the marks for line errors, and tells how many bits a byte has.
///
/// `INPCK` even without parity: framing errors and breaks are reported through it as well.
fn settle(fd: BorrowedFd<'_>, baud: u32) -> nix::Result<u32> {
    let before = ioctl::termios(fd)?;
    let mut termios = before;
    termios.c_iflag &= !(libc::IGNPAR | libc::IGNBRK | libc::BRKINT | libc::ISTRIP);
    termios.c_iflag |= libc::INPCK | libc::PARMRK;
    termios.c_cflag |= libc::CLOCAL | libc::CREAD;
    if termios.c_ospeed != baud || termios.c_ispeed != baud {
        ioctl::set_speed(&mut termios, baud);
    }
    ioctl::set_termios(fd, &termios)?;
    let data = match termios.c_cflag & libc::CSIZE {
        libc::CS5 => 5,
        libc::CS6 => 6,
        libc::CS7 => 7,
        _ => 8,
    };
    let parity = u32::from(termios.c_cflag & libc::PARENB != 0);
    let stop = 1 + u32::from(termios.c_cflag & libc::CSTOPB != 0);
    Ok(1 + data + parity + stop)
}

#[expect(deprecated, reason = "nix's Flock owns the file; here the lock must outlive no owner")]
fn flock(fd: BorrowedFd<'_>, lock: FlockArg) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    nix::fcntl::flock(fd.as_raw_fd(), lock)
}

/// What tokio-serial's refusal means, as far as it says.
fn refused(error: tokio_serial::Error) -> Error {
    use std::io::ErrorKind;
    use tokio_serial::ErrorKind::{InvalidInput, Io, NoDevice};

    match error.kind() {
        // Its word for EBUSY and for a lock that somebody else has.
        NoDevice => Error::Busy,
        InvalidInput => Error::Unsupported,
        Io(ErrorKind::NotFound) => Error::NotFound,
        Io(ErrorKind::PermissionDenied) => Error::PermissionDenied,
        _ => Error::Other(error.into()),
    }
}
