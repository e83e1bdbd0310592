//! tokio as zbus uses it, but for one thing: the bus socket is watched for reading only.
//!
//! zbus's own tokio backend registers the socket for reading and writing. Its epoll registration is
//! edge-triggered, so every message that the bus drains from the socket raises a "writable" edge
//! and wakes the process for nothing: two wake-ups per event instead of one. Here a write is simply
//! tried, and only when the socket is full is it watched for writing, until it is not.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;
use zbus::runtime::{Interest, IoSource, traits};

use crate::readiness::watch;

/// The runtime of the bus connection.
pub(super) struct Quiet;

impl traits::Runtime for Quiet {
    type RegisteredIoSource = Registration;
    type Sleep = tokio::time::Sleep;
    type Task<T>
        = Task<T>
    where
        T: Send + 'static;

    fn register_io_source(&self, source: IoSource) -> io::Result<Registration> {
        let duplicate = source.as_fd().try_clone_to_owned()?;
        let read = watch(duplicate, tokio::io::Interest::READABLE)?;
        Ok(Registration { read, write: Mutex::new(None) })
    }

    fn sleep(&self, duration: Duration) -> tokio::time::Sleep {
        tokio::time::sleep(duration)
    }

    fn spawn<T>(&self, _name: &str, future: impl Future<Output = T> + Send + 'static) -> Task<T>
    where
        T: Send + 'static,
    {
        Task(Some(tokio::spawn(future)))
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<IoSource> {
        let stream = tokio::net::TcpStream::connect(address).await?.into_std()?;
        Ok(OwnedFd::from(stream).into())
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<IoSource> {
        let address = match path.as_os_str().as_bytes() {
            [0, name @ ..] => UnixAddr::from_abstract_name(name)?,
            _ => UnixAddr::from_pathname(path)?,
        };
        // The bus accepts at once or its machine is in deeper trouble than ours, so the connect
        // does not have to be asynchronous.
        let stream = std::os::unix::net::UnixStream::connect_addr(&address)?;
        stream.set_nonblocking(true)?;
        Ok(OwnedFd::from(stream).into())
    }

    fn spawn_process(
        &self,
        _command: Command,
        _stdin: Stdio,
        _stdout: Stdio,
        _stderr: Stdio,
    ) -> io::Result<Pin<Box<dyn Future<Output = io::Result<ExitStatus>> + Send + 'static>>> {
        // A daemon that owns a till's hardware starts no programs to find its bus.
        Err(io::ErrorKind::Unsupported.into())
    }

    fn spawn_blocking<T>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = T> + Send + 'static>>
    where
        T: Send + 'static,
    {
        // What zbus would do on a thread of its own is a host-name or a credential look-up, and
        // neither is asked for on a unix socket.
        Box::pin(std::future::ready(work()))
    }
}

/// The bus socket, watched for reading, and for writing while it is full.
#[derive(Debug)]
pub(super) struct Registration {
    read: AsyncFd<OwnedFd>,
    write: Mutex<Option<AsyncFd<OwnedFd>>>,
}

impl traits::PollIo for Registration {
    fn poll_io<T>(
        &self,
        context: &mut Context<'_>,
        interest: Interest,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match interest {
            Interest::Writable => self.poll_write(context, operation),
            _ => self.poll_read(context, operation),
        }
    }
}

impl Registration {
    fn poll_read<T>(
        &self,
        context: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let mut guard = ready!(self.read.poll_read_ready(context))?;
            match operation() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_write<T>(
        &self,
        context: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let mut write = self.write.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match operation() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    // Not full any more: stop watching, or every drained message would wake us.
                    *write = None;
                    return Poll::Ready(result);
                }
            }
            let watched = match &mut *write {
                Some(watched) => watched,
                // epoll takes a descriptor once, so the second watch needs a second descriptor.
                none => none.insert(watch(
                    self.read.get_ref().as_fd().try_clone_to_owned()?,
                    tokio::io::Interest::WRITABLE,
                )?),
            };
            ready!(watched.poll_write_ready(context))?.clear_ready();
        }
    }
}

/// A task that ends with its handle.
#[derive(Debug)]
pub(super) struct Task<T>(Option<JoinHandle<T>>);

impl<T: Send + 'static> traits::TaskHandle<T> for Task<T> {
    fn detach(mut self) {
        self.0 = None;
    }
}

impl<T: Send + 'static> Future for Task<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(context).map_err(io::Error::other),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
