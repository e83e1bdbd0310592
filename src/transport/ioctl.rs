//! The tty ioctls that no crate wraps, each behind a safe function.
//!
//! Rejected: nix's termios. It drops the speed bits it has no name for, and an arbitrary speed
//! with them.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_ulong};

use super::{Counters, ModemLines, Outputs};

/// `struct serial_icounter_struct` of linux/serial.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Icounter {
    cts: c_int,
    dsr: c_int,
    rng: c_int,
    dcd: c_int,
    rx: c_int,
    tx: c_int,
    frame: c_int,
    overrun: c_int,
    parity: c_int,
    brk: c_int,
    buf_overrun: c_int,
    reserved: [c_int; 9],
}

/// `struct serial_struct` of linux/serial.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct SerialStruct {
    kind: c_int,
    line: c_int,
    port: libc::c_uint,
    irq: c_int,
    flags: c_int,
    xmit_fifo_size: c_int,
    custom_divisor: c_int,
    baud_base: c_int,
    close_delay: libc::c_ushort,
    io_type: libc::c_char,
    reserved_char: [libc::c_char; 1],
    hub6: c_int,
    closing_wait: libc::c_ushort,
    closing_wait2: libc::c_ushort,
    iomem_base: *mut libc::c_uchar,
    iomem_reg_shift: libc::c_ushort,
    port_high: libc::c_uint,
    iomap_base: c_ulong,
}

/// `ASYNC_LOW_LATENCY` of linux/tty_flags.h.
const LOW_LATENCY: c_int = 1 << 13;

/// `TIOCSER_TEMT` of asm-generic/ioctls.h: the transmitter is empty.
const TRANSMITTER_EMPTY: c_int = 1;

/// Exchanges a plain structure with the driver.
fn exchange<T: Copy>(fd: BorrowedFd<'_>, request: libc::Ioctl, value: &mut T) -> Result<()> {
    #[expect(unsafe_code, reason = "ioctl is unsafe by nature")]
    // SAFETY: private to this module, where each request is paired with the type that the kernel's
    // header gives it; the value outlives the call.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, std::ptr::from_mut(value)) };
    Errno::result(result).map(drop)
}

/// A request that carries nothing.
fn order(fd: BorrowedFd<'_>, request: libc::Ioctl) -> Result<()> {
    #[expect(unsafe_code, reason = "ioctl is unsafe by nature")]
    // SAFETY: private to this module, and only used with requests that take no argument.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request) };
    Errno::result(result).map(drop)
}

fn number(fd: BorrowedFd<'_>, request: libc::Ioctl) -> Result<c_int> {
    let mut value: c_int = 0;
    exchange(fd, request, &mut value)?;
    Ok(value)
}

/// Forbids further opens, to all but root.
pub(super) fn exclusive(fd: BorrowedFd<'_>) -> Result<()> {
    order(fd, libc::TIOCEXCL)
}

/// Allows further opens.
pub(super) fn shared(fd: BorrowedFd<'_>) -> Result<()> {
    order(fd, libc::TIOCNXCL)
}

/// Begins a break, or ends it.
pub(super) fn hold_low(fd: BorrowedFd<'_>, on: bool) -> Result<()> {
    order(fd, if on { libc::TIOCSBRK } else { libc::TIOCCBRK })
}

/// Bytes written that the driver has not passed to the hardware yet.
pub(super) fn queued(fd: BorrowedFd<'_>) -> Result<usize> {
    number(fd, libc::TIOCOUTQ).map(|bytes| usize::try_from(bytes).unwrap_or(0))
}

/// Bytes received that nobody has read yet.
pub(crate) fn unread(fd: BorrowedFd<'_>) -> Result<usize> {
    number(fd, libc::FIONREAD).map(|bytes| usize::try_from(bytes).unwrap_or(0))
}

/// Throws away what was received and nobody has read.
pub(super) fn drop_unread(fd: BorrowedFd<'_>) -> Result<()> {
    #[expect(unsafe_code, reason = "tcflush of a raw descriptor is unsafe in libc")]
    // SAFETY: the descriptor is borrowed, and the call touches no memory of ours.
    let result = unsafe { libc::tcflush(fd.as_raw_fd(), libc::TCIFLUSH) };
    Errno::result(result).map(drop)
}

/// Whether the hardware's own buffer is empty too, where the driver can tell.
pub(super) fn transmitter_empty(fd: BorrowedFd<'_>) -> Result<bool> {
    number(fd, libc::TIOCSERGETLSR).map(|state| state & TRANSMITTER_EMPTY != 0)
}

pub(super) fn termios(fd: BorrowedFd<'_>) -> Result<libc::termios2> {
    let mut termios = libc::termios2 {
        c_iflag: 0,
        c_oflag: 0,
        c_cflag: 0,
        c_lflag: 0,
        c_line: 0,
        c_cc: [0; 19],
        c_ispeed: 0,
        c_ospeed: 0,
    };
    exchange(fd, libc::TCGETS2, &mut termios)?;
    Ok(termios)
}

pub(super) fn set_termios(fd: BorrowedFd<'_>, termios: &libc::termios2) -> Result<()> {
    exchange(fd, libc::TCSETS2, &mut termios.clone())
}

/// The speed in force, in baud; asked of a pty's master, that of its slave.
pub(crate) fn speed(fd: BorrowedFd<'_>) -> Result<u32> {
    termios(fd).map(|termios| termios.c_ospeed)
}

pub(super) fn set_speed(termios: &mut libc::termios2, baud: u32) {
    termios.c_cflag &= !(libc::CBAUD | libc::CIBAUD);
    termios.c_cflag |= libc::BOTHER;
    termios.c_ispeed = baud;
    termios.c_ospeed = baud;
}

/// Sets the speed and nothing else.
pub(crate) fn set_baud(fd: BorrowedFd<'_>, baud: u32) -> Result<()> {
    let mut termios = termios(fd)?;
    set_speed(&mut termios, baud);
    set_termios(fd, &termios)
}

/// Asks the driver to hand on each byte at once rather than to gather some.
pub(super) fn low_latency(fd: BorrowedFd<'_>) -> Result<()> {
    #[expect(unsafe_code, reason = "the structure has a pointer, which has no default")]
    // SAFETY: all of its fields are numbers or a raw pointer, for which zeroes are valid.
    let mut serial: SerialStruct = unsafe { std::mem::zeroed() };
    exchange(fd, libc::TIOCGSERIAL, &mut serial)?;
    if serial.flags & LOW_LATENCY == 0 {
        serial.flags |= LOW_LATENCY;
        exchange(fd, libc::TIOCSSERIAL, &mut serial)?;
    }
    Ok(())
}

pub(super) fn counters(fd: BorrowedFd<'_>) -> Result<Counters> {
    let mut counts = Icounter::default();
    exchange(fd, libc::TIOCGICOUNT, &mut counts)?;
    Ok(Counters {
        received: counts.rx.cast_unsigned(),
        sent: counts.tx.cast_unsigned(),
        framing: counts.frame.cast_unsigned(),
        overrun: counts.overrun.cast_unsigned(),
        parity: counts.parity.cast_unsigned(),
        breaks: counts.brk.cast_unsigned(),
        buffer_overrun: counts.buf_overrun.cast_unsigned(),
        cts: counts.cts.cast_unsigned(),
        dsr: counts.dsr.cast_unsigned(),
        ri: counts.rng.cast_unsigned(),
        cd: counts.dcd.cast_unsigned(),
    })
}

pub(super) fn modem_lines(fd: BorrowedFd<'_>) -> Result<ModemLines> {
    let lines = number(fd, libc::TIOCMGET)?;
    let is_on = |line| lines & line != 0;
    Ok(ModemLines {
        cts: is_on(libc::TIOCM_CTS),
        dsr: is_on(libc::TIOCM_DSR),
        ri: is_on(libc::TIOCM_RI),
        cd: is_on(libc::TIOCM_CD),
        rts: is_on(libc::TIOCM_RTS),
        dtr: is_on(libc::TIOCM_DTR),
    })
}

/// Drives RTS and DTR and leaves the other lines alone.
pub(super) fn switch(fd: BorrowedFd<'_>, outputs: Outputs) -> Result<()> {
    let mut lines = number(fd, libc::TIOCMGET)?;
    for (line, on) in [(libc::TIOCM_RTS, outputs.rts), (libc::TIOCM_DTR, outputs.dtr)] {
        lines = if on { lines | line } else { lines & !line };
    }
    exchange(fd, libc::TIOCMSET, &mut lines)
}
