//! What carries bytes: the only code that touches a device's file descriptor.
//!
//! A [`Port`] is a serial line, a HID interface or a recorded conversation; whoever holds one need not
//! tell which.
//! Errors are what an operator can act on. Nothing here reads ahead, retries or starts a task.

mod ioctl;
mod lock;
mod output;
pub mod passed;
mod replay;
mod serial;
mod unmark;
mod usb;
mod virtual_hid;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::errno::Errno;

use crate::profile::Line;
use crate::protocol::{Input, ReportKind};
use crate::recording::Recording;

pub(crate) use ioctl::{set_baud, speed, unread};
pub(crate) use lock::is_pty;
pub use output::{Mark, Writer};
pub use unmark::Unmark;

/// What went wrong with a port, by what an operator can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The device was unplugged or the line hung up: wait until it is back.
    #[error("the device is gone")]
    Disconnected,
    /// Somebody else has the port: find out who.
    #[error("the port is in use")]
    Busy,
    /// We may not: check groups, rules and the sandbox.
    #[error("permission to use the port was denied")]
    PermissionDenied,
    /// There is no such port: plug it in or correct the path.
    #[error("there is no such port")]
    NotFound,
    /// It is no serial port, or it cannot do what the profile asks.
    #[error("the port cannot do that")]
    Unsupported,
    /// Anything else, in the system's words.
    #[error("the port failed")]
    Other(#[source] io::Error),
}

impl Error {
    /// The word of the `Access` property.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Disconnected | Self::NotFound => "not-found",
            Self::Busy => "busy",
            Self::PermissionDenied => "permission-denied",
            Self::Unsupported => "unsupported",
            Self::Other(_) => "failed",
        }
    }

    /// What an errno means for a port that has not been opened yet.
    fn opening(errno: Errno) -> Self {
        match errno {
            Errno::EBUSY | Errno::EWOULDBLOCK => Self::Busy,
            Errno::EACCES | Errno::EPERM | Errno::EROFS => Self::PermissionDenied,
            // EIO: a UART that the driver lists and the board lacks, or a pty without its master.
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO | Errno::ENOTDIR | Errno::EIO => {
                Self::NotFound
            }
            Errno::ENOTTY | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EISDIR => Self::Unsupported,
            other => Self::Other(other.into()),
        }
    }

    /// What an errno means for a port that was open.
    fn open(errno: Errno) -> Self {
        match errno {
            Errno::EIO | Errno::ENXIO | Errno::ENODEV | Errno::EPIPE => Self::Disconnected,
            other => Self::opening(other),
        }
    }
}

/// A write that failed, and how far it had come: what was written may be on its way.
#[derive(Debug, thiserror::Error)]
#[error("{error}, with {written} bytes written")]
pub struct Unwritten {
    /// Why.
    #[source]
    pub error: Error,
    /// How many bytes had been written.
    pub written: usize,
}

impl From<Unwritten> for Error {
    fn from(Unwritten { error, .. }: Unwritten) -> Self {
        error
    }
}

/// What the kernel has counted on a line since its driver was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes received.
    pub received: u32,
    /// Bytes sent.
    pub sent: u32,
    /// Bytes without a stop bit: wrong speed, or noise.
    pub framing: u32,
    /// Bytes lost in the UART because nobody fetched them in time.
    pub overrun: u32,
    /// Bytes with a wrong parity bit.
    pub parity: u32,
    /// Times the line was held low.
    pub breaks: u32,
    /// Bytes lost because the kernel's buffer was full.
    pub buffer_overrun: u32,
    /// Changes of clear to send.
    pub cts: u32,
    /// Changes of data set ready.
    pub dsr: u32,
    /// Changes of the ring indicator.
    pub ri: u32,
    /// Changes of carrier detect.
    pub cd: u32,
}

impl Counters {
    /// The counts with their names on the bus.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 11] {
        [
            ("received", self.received.into()),
            ("sent", self.sent.into()),
            ("framing-errors", self.framing.into()),
            ("overruns", self.overrun.into()),
            ("parity-errors", self.parity.into()),
            ("breaks", self.breaks.into()),
            ("buffer-overruns", self.buffer_overrun.into()),
            ("cts-changes", self.cts.into()),
            ("dsr-changes", self.dsr.into()),
            ("ri-changes", self.ri.into()),
            ("cd-changes", self.cd.into()),
        ]
    }
}

/// The modem lines, as the port sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModemLines {
    /// Clear to send, from the device.
    pub cts: bool,
    /// Data set ready, from the device.
    pub dsr: bool,
    /// Ring indicator, from the device.
    pub ri: bool,
    /// Carrier detect, from the device.
    pub cd: bool,
    /// Request to send, ours.
    pub rts: bool,
    /// Data terminal ready, ours.
    pub dtr: bool,
}

impl ModemLines {
    /// The lines with their names on the bus.
    #[must_use]
    pub fn named(&self) -> [(&'static str, bool); 6] {
        [
            ("cts", self.cts),
            ("dsr", self.dsr),
            ("ri", self.ri),
            ("cd", self.cd),
            ("rts", self.rts),
            ("dtr", self.dtr),
        ]
    }
}

/// The modem lines that are ours to drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// Request to send.
    pub rts: bool,
    /// Data terminal ready.
    pub dtr: bool,
}

/// An open port.
#[derive(Debug)]
pub struct Port {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Serial(serial::Serial),
    Hid(usb::Usb),
    VirtualHid(virtual_hid::VirtualHid),
    Replay(replay::Replay),
}

impl Port {
    /// Opens a serial port for us alone and gives it the line's settings at the speed `baud`.
    ///
    /// A pty is as good a port as any. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] where anybody holds it, this process included; the holder notices nothing.
    /// [`Error::Unsupported`] where it is no serial port or the line asks for DTR/DSR flow control,
    /// which Linux does not have.
    pub fn open(path: &Path, line: &Line, baud: u32) -> Result<Self, Error> {
        Ok(Self { kind: Kind::Serial(serial::Serial::open(path, line, baud)?) })
    }

    /// Opens a HID interface for us alone: `path` is its USB device's node, and `interface` which of its
    /// HID interfaces, where it has several.
    ///
    /// The kernel's driver loses it until [`close`](Self::close). A pty is one where a simulated device
    /// is behind it. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] where another program has it; [`Error::Unsupported`] where there is no such HID
    /// interface, or several and none is named.
    pub async fn open_hid(path: &Path, interface: Option<u8>) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(|error| opening(&error))?;
        let kind = if is_pty(metadata.rdev()) {
            Kind::VirtualHid(virtual_hid::VirtualHid::open(path).await?)
        } else {
            Kind::Hid(usb::Usb::open(path, interface).await?)
        };
        Ok(Self { kind })
    }

    /// Takes over a port that was kept open over a restart, with the bytes that came meanwhile.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`Error::Disconnected`] where the device went away meanwhile, and
    /// [`Error::NotFound`] where it is not the one at `path`.
    pub fn adopt(fd: OwnedFd, path: &Path, line: &Line, baud: u32) -> Result<Self, Error> {
        Ok(Self { kind: Kind::Serial(serial::Serial::adopt(fd, path, line, baud)?) })
    }

    /// Plays a recorded conversation as if a device were there.
    #[must_use]
    pub fn replay(recording: Recording) -> Self {
        Self { kind: Kind::Replay(replay::Replay::new(recording)) }
    }

    /// What a HID interface says of its reports.
    #[must_use]
    pub fn descriptor(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Hid(hid) => Some(hid.descriptor()),
            Kind::VirtualHid(hid) => Some(hid.descriptor()),
            Kind::Serial(_) | Kind::Replay(_) => None,
        }
    }

    /// Whether it is the slave side of a pty.
    #[must_use]
    pub fn is_pty(&self) -> bool {
        match &self.kind {
            Kind::Serial(serial) => serial.is_pty(),
            Kind::VirtualHid(_) => true,
            Kind::Hid(_) | Kind::Replay(_) => false,
        }
    }

    /// Closes the port. Of a replay remains what it has not played yet, to go on with after its hang-up.
    ///
    /// A port that is dropped is closed too, but may wait for its device meanwhile.
    pub async fn close(self) -> Option<Recording> {
        match self.kind {
            Kind::Hid(hid) => hid.close().await,
            Kind::Replay(replay) => return Some(replay.rest()),
            Kind::Serial(_) | Kind::VirtualHid(_) => {}
        }
        None
    }

    /// The file descriptor to keep over a restart, where there is one.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.line().map(serial::Serial::fd)
    }

    /// Waits for the line and hands over what came, in its order, with one read.
    ///
    /// Safe to cancel: what has been read has been handed over.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`] at an unplug or hang-up, and from then on.
    pub async fn receive(&mut self, sink: &mut (dyn FnMut(Input<'_>) + Send)) -> Result<(), Error> {
        match &mut self.kind {
            Kind::Serial(serial) => serial.receive(sink).await,
            Kind::Hid(hid) => hid.receive(sink).await,
            Kind::VirtualHid(hid) => hid.receive(sink).await,
            Kind::Replay(replay) => replay.receive(sink).await,
        }
    }

    /// Writes all bytes to a serial line; they are then on their way, not yet at the device: see
    /// [`drained`](Self::drained).
    ///
    /// Waits as long as flow control holds it back, so bound it. If cancelled, a part may have
    /// been written.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`] where the device is gone, and how much of it had been written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        let nothing = |error| Unwritten { error, written: 0 };
        match &mut self.kind {
            Kind::Serial(serial) => serial.write(bytes).await,
            Kind::Hid(_) | Kind::VirtualHid(_) => Err(nothing(Error::Unsupported)),
            Kind::Replay(replay) => replay.write().map_err(nothing),
        }
    }

    /// Another hand on a serial line, for writing only.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where it is none.
    pub fn writer(&self) -> Result<Writer, Error> {
        match &self.kind {
            Kind::Serial(serial) => serial.writer(),
            Kind::Hid(_) | Kind::VirtualHid(_) | Kind::Replay(_) => Err(Error::Unsupported),
        }
    }

    /// Sends a HID report; the device has it when this returns.
    ///
    /// Waits as long as the device is not ready for it, so bound it.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`] where the device is gone, [`Error::Unsupported`] where it refuses the
    /// report, and on a serial line.
    pub async fn report(&mut self, kind: ReportKind, id: u8, data: &[u8]) -> Result<(), Error> {
        match &mut self.kind {
            Kind::Serial(_) => Err(Error::Unsupported),
            Kind::Hid(hid) => hid.report(kind, id, data).await,
            Kind::VirtualHid(hid) => hid.report(kind, id, data).await,
            Kind::Replay(replay) => replay.write(),
        }
    }

    /// Drives RTS and DTR, which opening has raised.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where there are none: at a pty, and at what is no serial line.
    pub fn switch(&self, outputs: Outputs) -> Result<(), Error> {
        let fd = self.fd().ok_or(Error::Unsupported)?;
        ioctl::switch(fd, outputs).map_err(Error::open)
    }

    /// Waits until the last byte written has left, by the driver's count and the line's speed.
    ///
    /// Returns also where the driver cannot tell, where the device is gone, and where flow control
    /// stops the line for longer than the bytes would take four times over.
    pub async fn drained(&self) {
        match &self.kind {
            Kind::Serial(serial) => serial.drained().await,
            Kind::Hid(_) | Kind::VirtualHid(_) | Kind::Replay(_) => {}
        }
    }

    /// Changes the speed, in baud; any number that the hardware can make.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the driver refuses it.
    pub fn set_baud(&mut self, baud: u32) -> Result<(), Error> {
        match &mut self.kind {
            Kind::Serial(serial) => serial.set_baud(baud),
            Kind::Hid(_) | Kind::VirtualHid(_) | Kind::Replay(_) => Ok(()),
        }
    }

    /// What the kernel has counted, where the driver counts; a pty does not.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        ioctl::counters(self.line()?.fd()).ok()
    }

    /// How many bytes have come that were not read yet, where the driver can tell.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.line().and_then(|line| unread(line.fd()).ok()).unwrap_or(0)
    }

    /// The modem lines now, where the port has any; a pty has none.
    #[must_use]
    pub fn modem_lines(&self) -> Option<ModemLines> {
        ioctl::modem_lines(self.line()?.fd()).ok()
    }

    /// How often the port has been read: what the one-read-per-wake-up budget is checked by.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.line().map_or(0, serial::Serial::reads)
    }

    /// The line, where it is one or a pty like one.
    fn line(&self) -> Option<&serial::Serial> {
        match &self.kind {
            Kind::Serial(serial) => Some(serial),
            Kind::VirtualHid(hid) => Some(hid.serial()),
            Kind::Hid(_) | Kind::Replay(_) => None,
        }
    }
}

/// What a refusal to look at a path means.
fn opening(error: &io::Error) -> Error {
    Error::opening(Errno::from_raw(error.raw_os_error().unwrap_or(0)))
}
