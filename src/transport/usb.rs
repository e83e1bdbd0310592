//! A HID interface on USB, through libusb: opened at the node that udev named, read by transfers that
//! are always under way, and given back to the kernel's driver at the end.
//!
//! libusb looks for no device and has no thread here. It tells of finished transfers through the node's
//! descriptor, which becomes writable, so tokio waits for that one as for any port; of libusb's two
//! others, the event pipe is for other threads and the timer for transfers with a time-out, and there
//! are neither. Opening, closing and clearing a halt may wait for the device, so they are done on a
//! thread of their own.
//!
//! Several transfers are queued at the endpoint, so that no report falls between two of them.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use rusb::constants::{
    LIBUSB_TRANSFER_COMPLETED, LIBUSB_TRANSFER_NO_DEVICE, LIBUSB_TRANSFER_STALL,
};
use rusb::{
    Context, DeviceHandle, Direction, Recipient, RequestType, TransferType, UsbContext, ffi,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::{JoinHandle, spawn_blocking};

use super::Error;
use crate::hid::{self, Descriptor, Packets};
use crate::protocol::{Input, ReportKind};
use crate::readiness::watch;
use crate::secret::Secret;

/// Transfers queued at the endpoint. At a report each millisecond, as fast as any keyboard's, it is as
/// many milliseconds that the daemon may be kept from fetching them.
const QUEUED: usize = 8;

/// How long a device may take to describe itself or to accept a setting while it is opened.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// A transfer may fail by interference; so many in a row are a broken device.
const MOST_ERRORS: u32 = 16;

/// Interface class and descriptor types of HID (HID 1.11, 4.1 and 7.1).
const CLASS: u8 = 0x03;
const HID_DESCRIPTOR: u8 = 0x21;
const REPORT_DESCRIPTOR: u16 = 0x2200;
/// Requests (7.1.1 and 7.2).
const GET_DESCRIPTOR: u8 = 0x06;
const SET_REPORT: u8 = 0x09;
const SET_IDLE: u8 = 0x0A;
/// Report types of `SET_REPORT` (7.2.1).
const OUTPUT: u16 = 0x02;
const FEATURE: u16 = 0x03;

/// Bits of `wMaxPacketSize` (USB 2.0, 9.6.6): the size, and how many more in one go.
const PACKET_SIZE: u16 = 0x07FF;
const MORE_PACKETS: u16 = 11;

/// An open HID interface.
pub(super) struct Usb {
    /// Under way or finished, in the order in which they finish.
    input: VecDeque<Transfer>,
    /// The last report for the device.
    output: Option<Transfer>,
    /// The endpoint's halt is being cleared, for the transfer that met it.
    halted: Option<(JoinHandle<rusb::Result<()>>, Transfer)>,
    packets: Packets,
    numbered: bool,
    errors: u32,
    claimed: Arc<Claimed>,
    fd: AsyncFd<Arc<OwnedFd>>,
}

/// A claimed interface; released on drop, and given back to the kernel's driver.
struct Claimed {
    handle: DeviceHandle<Context>,
    interface: u8,
    input: Endpoint,
    output: Option<u8>,
    descriptor: Vec<u8>,
    // Last, since libusb uses the descriptor as long as its handle lives.
    fd: Arc<OwnedFd>,
}

#[derive(Clone, Copy)]
struct Endpoint {
    address: u8,
    packet: usize,
}

impl Usb {
    pub(super) async fn open(path: &Path, interface: Option<u8>) -> Result<Self, Error> {
        let path = path.to_owned();
        let opened = spawn_blocking(move || Claimed::open(&path, interface)).await;
        let claimed = Arc::new(opened.map_err(|error| Error::Other(error.into()))??);
        let fd = watch(Arc::clone(&claimed.fd), Interest::WRITABLE).map_err(Error::Other)?;
        // What makes no sense the protocol is told of; reports are then taken as they come.
        let descriptor = Descriptor::parse(&claimed.descriptor).unwrap_or_default();
        let Endpoint { address, packet } = claimed.input;
        let mut usb = Self {
            input: VecDeque::new(),
            output: None,
            halted: None,
            packets: Packets::new(&descriptor, packet),
            numbered: descriptor.is_numbered(),
            errors: 0,
            claimed,
            fd,
        };
        for _ in 0..QUEUED {
            let mut transfer = Transfer::interrupt(&usb.claimed.handle, address, packet)?;
            transfer.submit()?;
            usb.input.push_back(transfer);
        }
        Ok(usb)
    }

    /// Gives the interface back.
    pub(super) async fn close(mut self) {
        if let Some((cleared, _)) = &mut self.halted {
            // It holds the interface; how it ends does not matter any more.
            let _ = cleared.await;
        }
        // The thread cannot panic, and if it did the interface would be given back all the same.
        let _ = spawn_blocking(move || drop(self)).await;
    }

    pub(super) fn descriptor(&self) -> &[u8] {
        &self.claimed.descriptor
    }

    /// Waits for the interface and hands over the reports that came, and where one was lost.
    pub(super) async fn receive(
        &mut self,
        sink: &mut (dyn FnMut(Input<'_>) + Send),
    ) -> Result<(), Error> {
        loop {
            self.until_halt_is_cleared().await?;
            if self.hear(sink) {
                return Ok(());
            }
            match self.next_if(Transfer::is_finished) {
                Some(transfer) => return self.mend(transfer, sink),
                // None of them could be queued again.
                None if self.input.is_empty() => return Err(Error::Disconnected),
                None => self.wait().await?,
            }
        }
    }

    /// Hands over what finished transfers brought, and queues them again. Stops at one that brought
    /// nothing, and tells whether there was any that did.
    fn hear(&mut self, sink: &mut (dyn FnMut(Input<'_>) + Send)) -> bool {
        let mut any = false;
        while let Some(mut transfer) = self.next_if(Transfer::is_completed) {
            self.errors = 0;
            self.packets.take(transfer.received(), &mut |id, data| {
                sink(Input::Report { id, data });
                any = true;
            });
            // A payment code may just have passed through.
            transfer.wipe();
            // Where the device has gone meanwhile, those still under way will tell.
            if transfer.submit().is_ok() {
                self.input.push_back(transfer);
            }
        }
        any
    }

    fn next_if(&mut self, wanted: impl Fn(&Transfer) -> bool) -> Option<Transfer> {
        self.input.front().is_some_and(wanted).then(|| self.input.pop_front()).flatten()
    }

    /// Queues a transfer again that brought nothing. What it was to bring is lost.
    fn mend(
        &mut self,
        mut transfer: Transfer,
        sink: &mut (dyn FnMut(Input<'_>) + Send),
    ) -> Result<(), Error> {
        let status = transfer.status();
        // Part of a report may be in it.
        transfer.wipe();
        if status == LIBUSB_TRANSFER_NO_DEVICE {
            return Err(Error::Disconnected);
        }
        self.errors += 1;
        if self.errors > MOST_ERRORS {
            let message = format!("the interface's transfers end with status {status}");
            return Err(Error::Other(io::Error::other(message)));
        }
        self.packets.lost();
        sink(Input::BadByte(0));
        if status == LIBUSB_TRANSFER_STALL {
            // The kernel has to know, since it resets its side of the endpoint: the same request in a
            // transfer of ours would leave the two ends out of step. Its call waits for the device.
            let claimed = Arc::clone(&self.claimed);
            let clear = move || claimed.handle.clear_halt(claimed.input.address);
            self.halted = Some((spawn_blocking(clear), transfer));
            return Ok(());
        }
        transfer.submit()?;
        self.input.push_back(transfer);
        Ok(())
    }

    /// If cancelled, it can be waited for again.
    async fn until_halt_is_cleared(&mut self) -> Result<(), Error> {
        let Some((cleared, _)) = &mut self.halted else { return Ok(()) };
        let cleared = cleared.await;
        let transfer = self.halted.take().map(|(_, transfer)| transfer);
        cleared.map_err(|error| Error::Other(error.into()))?.map_err(failed)?;
        if let Some(mut transfer) = transfer {
            transfer.submit()?;
            self.input.push_back(transfer);
        }
        Ok(())
    }

    /// Waits until libusb has something to do, and lets it.
    async fn wait(&self) -> Result<(), Error> {
        let mut ready = self.fd.writable().await.map_err(Error::Other)?;
        let gone = ready.ready().is_write_closed() || ready.ready().is_error();
        let handled = self.claimed.handle.context().handle_events(Some(Duration::ZERO));
        // It has fetched all that was there, so the next raises a new edge.
        ready.clear_ready();
        handled.map_err(failed)?;
        let told = self.input.iter().chain(&self.output).any(Transfer::is_finished);
        // An unplug ends all transfers. Were it not so, this would be woken without end.
        if gone && !told { Err(Error::Disconnected) } else { Ok(()) }
    }

    /// Sends a report; the device has it when this returns. If cancelled, it may have it or not.
    pub(super) async fn report(
        &mut self,
        kind: ReportKind,
        id: u8,
        data: &[u8],
    ) -> Result<(), Error> {
        if let Some(stuck) = &self.output {
            stuck.cancel();
            self.until_output_is_finished().await?;
        }
        // A number goes before the data wherever reports are numbered (HID 1.11, 8.1).
        let number = self.numbered.then_some(id);
        let bytes: Vec<u8> = number.into_iter().chain(data.iter().copied()).collect();
        let Claimed { handle, interface, output, .. } = &*self.claimed;
        let mut transfer = match (kind, output) {
            (ReportKind::Output, Some(endpoint)) => {
                Transfer::interrupt_out(handle, *endpoint, &bytes)?
            }
            (ReportKind::Output, None) => set_report(handle, *interface, OUTPUT, id, &bytes)?,
            (ReportKind::Feature, _) => set_report(handle, *interface, FEATURE, id, &bytes)?,
        };
        transfer.submit()?;
        self.output = Some(transfer);
        self.until_output_is_finished().await?;
        match self.output.take().map(|transfer| transfer.status()) {
            Some(LIBUSB_TRANSFER_COMPLETED) => Ok(()),
            Some(LIBUSB_TRANSFER_NO_DEVICE) => Err(Error::Disconnected),
            // How a device refuses a request (USB 2.0, 8.5.3.4), and what is left of noise.
            _ => Err(Error::Unsupported),
        }
    }

    async fn until_output_is_finished(&self) -> Result<(), Error> {
        while self.output.as_ref().is_some_and(|transfer| !transfer.is_finished()) {
            self.wait().await?;
        }
        Ok(())
    }
}

impl Drop for Usb {
    fn drop(&mut self) {
        let under_way = |usb: &Self| {
            usb.input.iter().chain(&usb.output).any(|transfer| !transfer.is_finished())
        };
        for transfer in self.input.iter().chain(&self.output) {
            transfer.cancel();
        }
        // The kernel ends a cancelled transfer before it returns, so one round does.
        for _ in 0..QUEUED {
            if !under_way(self) {
                break;
            }
            let wait = Some(Duration::from_millis(100));
            if self.claimed.handle.context().handle_events(wait).is_err() {
                break;
            }
        }
    }
}

impl fmt::Debug for Usb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claimed { interface, input, .. } = &*self.claimed;
        write!(formatter, "Usb(interface {interface}, endpoint {:02x})", input.address)
    }
}

impl Claimed {
    fn open(path: &Path, interface: Option<u8>) -> Result<Self, Error> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let fd = open(path, flags, Mode::empty()).map_err(Error::opening)?;
        // Before any context: a sandbox has no netlink for it to listen on.
        rusb::disable_device_discovery().map_err(refused)?;
        let context = Context::new().map_err(refused)?;
        #[expect(unsafe_code, reason = "libusb keeps the number of a descriptor it does not own")]
        // SAFETY: the descriptor is kept beside the handle, and dropped after it.
        let handle = unsafe { context.open_device_with_fd(fd.as_raw_fd()) }.map_err(refused)?;
        let found = Found::among(&handle, interface)?;
        let number = found.interface;
        // In this order no keystroke reaches anybody else, and nobody but a driver is put out.
        match handle.detach_kernel_driver(number) {
            Ok(()) | Err(rusb::Error::NotFound) => {}
            Err(error) => return Err(refused(error)),
        }
        if let Err(error) = handle.claim_interface(number) {
            // Nothing to be done if that fails too.
            let _ = handle.attach_kernel_driver(number);
            return Err(refused(error));
        }
        let Found { interface, input, output, length } = found;
        let fd = Arc::new(fd);
        let mut claimed = Self { handle, interface, input, output, descriptor: Vec::new(), fd };
        claimed.describe(length)?;
        Ok(claimed)
    }

    /// Reads the report descriptor, and has the device report changes only.
    fn describe(&mut self, length: usize) -> Result<(), Error> {
        let index = u16::from(self.interface);
        let kind = |direction, kind| rusb::request_type(direction, kind, Recipient::Interface);
        let mut descriptor = vec![0; length];
        let count = self.handle.read_control(
            kind(Direction::In, RequestType::Standard),
            GET_DESCRIPTOR,
            REPORT_DESCRIPTOR,
            index,
            &mut descriptor,
            ANSWERS_WITHIN,
        );
        descriptor.truncate(count.map_err(refused)?);
        self.descriptor = descriptor;
        // Needless for most and refused by many; a keyboard might else repeat itself.
        let class = kind(Direction::Out, RequestType::Class);
        let _ = self.handle.write_control(class, SET_IDLE, 0, index, &[], ANSWERS_WITHIN);
        Ok(())
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        // The device may be gone, and then there is nothing to give back.
        let _ = self.handle.release_interface(self.interface);
        let _ = self.handle.attach_kernel_driver(self.interface);
    }
}

/// The interface that is meant.
struct Found {
    interface: u8,
    input: Endpoint,
    output: Option<u8>,
    /// How long its report descriptor is.
    length: usize,
}

impl Found {
    /// The HID interface of this number, or the only one; one without an input is none.
    fn among(handle: &DeviceHandle<Context>, wanted: Option<u8>) -> Result<Self, Error> {
        let configuration = handle.device().active_config_descriptor().map_err(refused)?;
        let settings = configuration.interfaces().filter_map(|interface| {
            let first = interface.descriptors().next()?;
            let is_meant = wanted.is_none_or(|wanted| wanted == interface.number());
            (is_meant && first.class_code() == CLASS).then_some(first)
        });
        let mut found = settings.filter_map(|setting| {
            let mut input = None;
            let mut output = None;
            for endpoint in setting.endpoint_descriptors() {
                match (endpoint.transfer_type(), endpoint.direction()) {
                    (TransferType::Interrupt, Direction::In) if input.is_none() => {
                        let size = endpoint.max_packet_size();
                        let packets = 1 + (size >> MORE_PACKETS & 0b11);
                        let packet = usize::from((size & PACKET_SIZE) * packets);
                        input = Some(Endpoint { address: endpoint.address(), packet });
                    }
                    (TransferType::Interrupt, Direction::Out) => {
                        output.get_or_insert(endpoint.address());
                    }
                    _ => {}
                }
            }
            let length = length_of_descriptor(setting.extra());
            Some(Self { interface: setting.interface_number(), input: input?, output, length })
        });
        match (found.next(), found.next()) {
            (Some(found), None) if found.input.packet > 0 => Ok(found),
            _ => Err(Error::Unsupported),
        }
    }
}

/// The length of the report descriptor, by the HID descriptor behind an interface's own (HID 1.11,
/// 6.2.1); the longest where it does not say.
fn length_of_descriptor(extra: &[u8]) -> usize {
    let mut rest = extra;
    while let [length, kind, ..] = rest {
        let (descriptor, after) = rest.split_at(usize::from(*length).clamp(2, rest.len()));
        if let (HID_DESCRIPTOR, [.., low, high]) = (*kind, descriptor.get(..9).unwrap_or_default())
        {
            return usize::from(u16::from_le_bytes([*low, *high])).clamp(1, hid::LONGEST);
        }
        rest = after;
    }
    hid::LONGEST
}

fn set_report(
    handle: &DeviceHandle<Context>,
    interface: u8,
    kind: u16,
    id: u8,
    bytes: &[u8],
) -> Result<Transfer, Error> {
    let request = rusb::request_type(Direction::Out, RequestType::Class, Recipient::Interface);
    let [value_low, value_high] = (kind << 8 | u16::from(id)).to_le_bytes();
    let length = u16::try_from(bytes.len()).map_err(|_| Error::Unsupported)?;
    let [length_low, length_high] = length.to_le_bytes();
    let setup = [request, SET_REPORT, value_low, value_high, interface, 0, length_low, length_high];
    Transfer::control(handle, &[&setup, bytes].concat())
}

/// One transfer, and the memory that libusb and the kernel use while it is under way.
struct Transfer {
    raw: NonNull<ffi::libusb_transfer>,
    /// A secret is not moved. While libusb points to it, it is lent to nobody.
    buffer: ManuallyDrop<Secret<Vec<u8>>>,
    /// Set by the callback; true as well while it has not been submitted.
    finished: NonNull<AtomicBool>,
}

#[expect(unsafe_code, reason = "raw pointers are not sent by themselves")]
// SAFETY: both point to memory of this value's own, and libusb touches it only within calls on
// its context, which `Usb` makes and nobody else.
unsafe impl Send for Transfer {}

#[expect(unsafe_code, reason = "raw pointers are not shared by themselves")]
// SAFETY: through a shared reference only the atomic is read, and the rest once that is set.
unsafe impl Sync for Transfer {}

#[expect(unsafe_code, reason = "libusb's asynchronous interface is C")]
impl Transfer {
    fn interrupt(
        handle: &DeviceHandle<Context>,
        endpoint: u8,
        length: usize,
    ) -> Result<Self, Error> {
        let mut transfer = Self::new(Secret::zeros(length))?;
        transfer.fill(handle, endpoint, rusb::constants::LIBUSB_TRANSFER_TYPE_INTERRUPT)?;
        Ok(transfer)
    }

    fn interrupt_out(
        handle: &DeviceHandle<Context>,
        endpoint: u8,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        let mut transfer = Self::new(Secret::copy_of(bytes))?;
        transfer.fill(handle, endpoint, rusb::constants::LIBUSB_TRANSFER_TYPE_INTERRUPT)?;
        Ok(transfer)
    }

    /// `bytes` begin with the setup packet.
    fn control(handle: &DeviceHandle<Context>, bytes: &[u8]) -> Result<Self, Error> {
        let mut transfer = Self::new(Secret::copy_of(bytes))?;
        transfer.fill(handle, 0, rusb::constants::LIBUSB_TRANSFER_TYPE_CONTROL)?;
        Ok(transfer)
    }

    fn new(buffer: Secret<Vec<u8>>) -> Result<Self, Error> {
        // SAFETY: it allocates and touches nothing else.
        let raw = unsafe { ffi::libusb_alloc_transfer(0) };
        let raw =
            NonNull::new(raw).ok_or_else(|| Error::Other(io::ErrorKind::OutOfMemory.into()))?;
        let finished = NonNull::from(Box::leak(Box::new(AtomicBool::new(true))));
        Ok(Self { raw, buffer: ManuallyDrop::new(buffer), finished })
    }

    fn fill(
        &mut self,
        handle: &DeviceHandle<Context>,
        endpoint: u8,
        kind: u8,
    ) -> Result<(), Error> {
        let length = c_int::try_from(self.buffer.len()).map_err(|_| Error::Unsupported)?;
        // SAFETY: it is ours and not under way. The handle outlives it: both are in one `Usb`, whose
        // drop ends all transfers first.
        let raw = unsafe { self.raw.as_mut() };
        raw.dev_handle = handle.as_raw();
        raw.endpoint = endpoint;
        raw.transfer_type = kind;
        raw.timeout = 0;
        raw.length = length;
        raw.callback = finished;
        raw.user_data = self.finished.as_ptr().cast();
        Ok(())
    }

    fn submit(&mut self) -> Result<(), Error> {
        self.flag().store(false, Ordering::Relaxed);
        // SAFETY: filled in, and not under way. The buffer is as long as is said there, stays where it is,
        // and until this is finished nobody looks at it.
        let result = unsafe {
            self.raw.as_mut().buffer = self.buffer.expose_mut().as_mut_ptr();
            ffi::libusb_submit_transfer(self.raw.as_ptr())
        };
        if result == 0 {
            return Ok(());
        }
        self.flag().store(true, Ordering::Relaxed);
        match result {
            rusb::constants::LIBUSB_ERROR_NO_DEVICE => Err(Error::Disconnected),
            code => {
                let message = format!("libusb refuses a transfer with {code}");
                Err(Error::Other(io::Error::other(message)))
            }
        }
    }

    fn flag(&self) -> &AtomicBool {
        // SAFETY: it lives as long as this value, and is only ever shared.
        unsafe { self.finished.as_ref() }
    }

    fn is_finished(&self) -> bool {
        self.flag().load(Ordering::Acquire)
    }

    /// Whether it is finished and brought something.
    fn is_completed(&self) -> bool {
        self.is_finished() && self.status() == LIBUSB_TRANSFER_COMPLETED
    }

    /// Asks for its end, which comes as any other.
    fn cancel(&self) {
        if !self.is_finished() {
            // SAFETY: it is under way. That it may just have ended is an error without effect.
            let _ = unsafe { ffi::libusb_cancel_transfer(self.raw.as_ptr()) };
        }
    }

    /// How it ended; only once it is finished.
    fn status(&self) -> c_int {
        // SAFETY: callers have seen that it is finished, so libusb writes to it no more.
        unsafe { self.raw.as_ref() }.status
    }

    /// What it brought; only once it is finished.
    fn received(&self) -> &[u8] {
        // SAFETY: callers have seen that it is finished, so neither libusb nor the kernel writes to
        // its memory any more; what is lent ends before it is submitted again, which takes `&mut`.
        let raw = unsafe { self.raw.as_ref() };
        let length = usize::try_from(raw.actual_length).unwrap_or(0);
        self.buffer.expose().get(..length).unwrap_or_default()
    }

    fn wipe(&mut self) {
        self.buffer.expose_mut().fill(0);
    }
}

#[expect(unsafe_code, reason = "libusb's asynchronous interface is C")]
impl Drop for Transfer {
    fn drop(&mut self) {
        if !self.is_finished() {
            // The kernel may still write into its memory: better lost than used by somebody else.
            return;
        }
        // SAFETY: it is not under way, and nothing of it is used again. The box was taken apart in `new` and
        // nobody else has it.
        unsafe {
            ffi::libusb_free_transfer(self.raw.as_ptr());
            ManuallyDrop::drop(&mut self.buffer);
            drop(Box::from_raw(self.finished.as_ptr()));
        }
    }
}

/// libusb's callback: a transfer has ended, in whatever way.
extern "system" fn finished(transfer: *mut ffi::libusb_transfer) {
    #[expect(unsafe_code, reason = "libusb's callback has raw pointers")]
    // SAFETY: libusb calls it with the transfer that was submitted, whose `user_data` is the flag set
    // in `fill`; both live until the transfer is finished.
    unsafe {
        (*(*transfer).user_data.cast::<AtomicBool>()).store(true, Ordering::Release);
    }
}

/// What libusb's refusal to open something means.
fn refused(error: rusb::Error) -> Error {
    match error {
        rusb::Error::Access => Error::PermissionDenied,
        rusb::Error::NoDevice => Error::Disconnected,
        rusb::Error::NotFound => Error::NotFound,
        rusb::Error::Busy => Error::Busy,
        rusb::Error::NotSupported | rusb::Error::Pipe => Error::Unsupported,
        other => Error::Other(io::Error::other(other)),
    }
}

/// What libusb's failure at something open means.
fn failed(error: rusb::Error) -> Error {
    match error {
        rusb::Error::NoDevice | rusb::Error::NotFound => Error::Disconnected,
        other => Error::Other(io::Error::other(other)),
    }
}
