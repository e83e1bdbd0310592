//! The netlink socket on which udev tells of devices.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType,
    UnixCredentials, bind, recvmsg, setsockopt, socket, sockopt,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::readiness::watch;

/// The multicast group of udev; group 1 is the kernel's, before any rule has run.
const UDEV: u32 = 2;

/// What a burst of plugs may queue, in bytes. Past it the kernel says so and we look again.
const BUFFER: usize = 8 * 1024 * 1024;

/// A message is a few hundred bytes long; one that does not fit is ignored as cut off.
const LONGEST: usize = 16 * 1024;

/// What one wait on the socket gave.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A datagram from udev, so many bytes of the buffer.
    Message(usize),
    /// Messages were lost.
    Lost,
}

#[derive(Debug)]
pub(super) struct Socket {
    fd: AsyncFd<OwnedFd>,
    buffer: Box<[u8]>,
}

impl Socket {
    /// Opens and joins udev's group. Needs no privilege, but a network namespace that udev is in.
    pub(super) fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkKObjectUEvent;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, UDEV))?;
        Self::adopt(fd)
    }

    /// Takes over a socket that the service manager has opened and bound.
    pub(super) fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        // Without the senders' credentials every message would have to be refused.
        setsockopt(&fd, sockopt::PassCred, &true)?;
        // The first needs a privilege and the second is bounded; a small buffer works too.
        let _ = setsockopt(&fd, sockopt::RcvBufForce, &BUFFER)
            .or_else(|_| setsockopt(&fd, sockopt::RcvBuf, &BUFFER));
        let fd = watch(fd, Interest::READABLE)?;
        Ok(Self { fd, buffer: vec![0; LONGEST].into_boxed_slice() })
    }

    /// Waits for the next message that is really udev's. Safe to cancel.
    pub(super) async fn next(&mut self) -> io::Result<Arrival> {
        loop {
            let mut ready = self.fd.readable().await?;
            match receive(ready.get_inner(), &mut self.buffer) {
                Ok(Some(length)) => return Ok(Arrival::Message(length)),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::ENOBUFS) => return Ok(Arrival::Lost),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The first bytes of the buffer.
    pub(super) fn bytes(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }
}

/// Receives one datagram; `None` where it is nobody's whom we trust.
fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> nix::Result<Option<usize>> {
    let mut parts = [io::IoSliceMut::new(buffer)];
    let mut control = cmsg_space!(UnixCredentials);
    let message = recvmsg::<NetlinkAddr>(
        fd.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::MSG_CMSG_CLOEXEC,
    )?;
    // Sent to udev's group: a unicast could be from anybody.
    let to_udev = message.address.is_some_and(|address| address.groups() == UDEV);
    // Root's word only, vouched for by the kernel.
    let from_root = message.cmsgs()?.any(|control| {
        matches!(control, ControlMessageOwned::ScmCredentials(sender) if sender.uid() == 0)
    });
    let whole = !message.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC);
    Ok((to_udev && from_root && whole && message.bytes > 0).then_some(message.bytes))
}
