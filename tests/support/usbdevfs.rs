//! A USB device behind umockdev: the kernel's usbfs, as far as libusb uses it for a HID interface.
//!
//! umockdev's preloaded library asks a socket what each `ioctl` and `read` on the device's node does;
//! this answers, with reads and writes of the caller's memory in between (`umockdev-ioctl` has the
//! protocol: machine words, a command and two arguments). The node itself is a pty: one that was read
//! from at the other end becomes writable anew, which is how usbfs tells of finished transfers, and one
//! whose other end has gone reports an error, which is how it tells of an unplug.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tokio::sync::watch;

use super::umockdev::Testbed;

/// Commands of the library to us, and ours to it.
const IOCTL: u64 = 1;
const DONE: u64 = 3;
const READ_MEMORY: u64 = 5;
const WRITE_MEMORY: u64 = 6;
const READ: u64 = 7;
/// The result of what is not emulated.
const NOT_EMULATED: i64 = -100;

/// Requests of linux/usbdevice_fs.h, the 64-bit ones.
const CONTROL: u64 = 0xC018_5500;
const GETDRIVER: u64 = 0x4104_5508;
const SUBMITURB: u64 = 0x8038_550A;
const DISCARDURB: u64 = 0x550B;
const REAPURBNDELAY: u64 = 0x4008_550D;
const CLAIMINTERFACE: u64 = 0x8004_550F;
const RELEASEINTERFACE: u64 = 0x8004_5510;
const CONNECTINFO: u64 = 0x4008_5511;
const IOCTL_OF_DRIVER: u64 = 0xC010_5512;
const CLEAR_HALT: u64 = 0x8004_5515;
const DISCONNECT: u32 = 0x5516;
const CONNECT: u32 = 0x5517;
const GET_CAPABILITIES: u64 = 0x8004_551A;
/// Zero packets, no packet size limit, reaping after a disconnect.
const CAPABILITIES: u32 = 0x01 | 0x04 | 0x10;

/// Types of transfers.
const INTERRUPT: u8 = 1;
const TYPE_CONTROL: u8 = 2;

/// What a device is.
pub struct Model {
    /// Its device and configuration descriptors.
    pub descriptors: Vec<u8>,
    /// The report descriptor of each interface.
    pub reports: Vec<Vec<u8>>,
}

impl Model {
    /// A device with HID interfaces, each with an input endpoint of `packet` bytes and, where
    /// `with_output`, an output endpoint.
    pub fn hid(
        vendor: u16,
        product: u16,
        packet: u8,
        with_output: bool,
        reports: &[&[u8]],
    ) -> Self {
        let mut descriptors = vec![18, 1, 0x00, 0x02, 0, 0, 0, 64];
        descriptors.extend(vendor.to_le_bytes());
        descriptors.extend(product.to_le_bytes());
        descriptors.extend([0x00, 0x01, 0, 0, 0, 1]);
        let mut interfaces = Vec::new();
        for (number, report) in (0_u8..).zip(reports) {
            let length = u16::try_from(report.len()).unwrap().to_le_bytes();
            interfaces.extend([9, 4, number, 0, 1 + u8::from(with_output), 3, 0, 0, 0]);
            interfaces.extend([9, 0x21, 0x11, 0x01, 0, 1, 0x22, length[0], length[1]]);
            interfaces.extend([7, 5, 0x81 + number, 3, packet, 0, 10]);
            if with_output {
                interfaces.extend([7, 5, 0x01 + number, 3, packet, 0, 10]);
            }
        }
        let total = u16::try_from(9 + interfaces.len()).unwrap().to_le_bytes();
        let count = u8::try_from(reports.len()).unwrap();
        descriptors.extend([9, 2, total[0], total[1], count, 1, 0, 0x80, 50]);
        descriptors.extend(interfaces);
        Self { descriptors, reports: reports.iter().map(|report| report.to_vec()).collect() }
    }
}

/// A device that is plugged in; unplugged on drop.
pub struct Device {
    state: Arc<Mutex<State>>,
    seen: watch::Receiver<Vec<String>>,
    files: Vec<PathBuf>,
}

struct State {
    model: Model,
    /// Whether the kernel's driver has an interface.
    bound: Vec<bool>,
    claimed: Vec<bool>,
    /// Transfers under way, and those that are finished and not fetched.
    under_way: VecDeque<Urb>,
    finished: VecDeque<(Urb, i32, Vec<u8>)>,
    /// Packets that no transfer has fetched, and failures: endpoint, and bytes or what went wrong.
    waiting: VecDeque<(u8, Result<Vec<u8>, Errno>)>,
    /// Whether reports to it are refused, or never accepted.
    pub refuses: bool,
    pub hangs: bool,
    /// Whether clearing a halt waits until it is let; told by the condition.
    halts: bool,
    halts_end: Arc<Condvar>,
    /// The node's other end; gone with the device.
    master: Option<PtyMaster>,
    slave: Option<std::fs::File>,
    log: watch::Sender<Vec<String>>,
}

/// `struct usbdevfs_urb`, what is used of it.
#[derive(Clone, Copy)]
struct Urb {
    address: u64,
    kind: u8,
    endpoint: u8,
    buffer: u64,
    length: usize,
}

impl Device {
    /// Plugs a device in at the node `/dev/bus/usb/001/NNN` of the test bed.
    pub fn plug(number: u8, model: Model) -> Self {
        let root = Testbed::root();
        let name = format!("bus/usb/001/{number:03}");
        let node = root.join("dev").join(&name);
        let socket = root.join("ioctl/dev").join(&name);
        let device_number = root.join("dev/.node").join(name.replace('/', "_"));
        for path in [&node, &socket, &device_number] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let pty = ptsname_r(&master).unwrap();
        let slave = std::fs::File::options().read(true).write(true).open(&pty).unwrap();
        let mut raw = tcgetattr(&slave).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
        std::os::unix::fs::symlink(&pty, &node).unwrap();
        std::os::unix::fs::symlink(format!("189:{}", number - 1), &device_number).unwrap();
        let (log, seen) = watch::channel(Vec::new());
        let count = model.reports.len();
        let state = Arc::new(Mutex::new(State {
            model,
            bound: vec![true; count],
            claimed: vec![false; count],
            under_way: VecDeque::new(),
            finished: VecDeque::new(),
            waiting: VecDeque::new(),
            refuses: false,
            hangs: false,
            halts: false,
            halts_end: Arc::default(),
            master: Some(master),
            slave: Some(slave),
            log,
        }));
        let listener = UnixListener::bind(&socket).unwrap();
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = Arc::clone(&served);
                std::thread::spawn(move || Caller { stream, state }.serve());
            }
        });
        Self { state, seen, files: vec![node, socket, device_number] }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// An interface sends a packet.
    pub fn send(&self, interface: u8, packet: &[u8]) {
        let mut state = self.state();
        state.waiting.push_back((0x81 + interface, Ok(packet.to_vec())));
        state.deliver();
    }

    /// A packet of an interface fails on its way.
    pub fn fail(&self, interface: u8, errno: Errno) {
        let mut state = self.state();
        state.waiting.push_back((0x81 + interface, Err(errno)));
        state.deliver();
    }

    /// Reports to it are refused from now on, or not.
    pub fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    /// Reports to it are never accepted from now on, or are.
    pub fn hang(&self, hangs: bool) {
        self.state().hangs = hangs;
    }

    /// Clearing a halt takes from now on until it is let, or no longer.
    pub fn halt(&self, halts: bool) {
        let mut state = self.state();
        state.halts = halts;
        state.halts_end.notify_all();
    }

    /// What was done with it so far.
    pub fn log(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }

    /// Waits until this was done with it, so many times.
    pub async fn until(&self, what: &str, times: usize) {
        let mut seen = self.seen.clone();
        let done = seen.wait_for(|log| log.iter().filter(|line| *line == what).count() >= times);
        let done = tokio::time::timeout(Duration::from_secs(10), done).await;
        assert!(done.is_ok(), "{what} did not happen {times} times: {:#?}", self.log());
    }

    /// The kernel takes everything back from a process that has died.
    pub fn let_go(&self) {
        let mut state = self.state();
        state.under_way.clear();
        state.claimed.fill(false);
    }

    /// How many transfers are under way.
    pub fn under_way(&self) -> usize {
        self.state().under_way.len()
    }

    /// Pulls the plug.
    pub fn unplug(self) {
        drop(self);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap();
        let ended: Vec<Urb> = state.under_way.drain(..).collect();
        state
            .finished
            .extend(ended.into_iter().map(|urb| (urb, -libc_of(Errno::ESHUTDOWN), vec![])));
        state.slave = None;
        state.master = None;
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn libc_of(errno: Errno) -> i32 {
    errno as i32
}

impl State {
    fn note(&self, what: String) {
        self.log.send_modify(|log| log.push(what));
    }

    /// Gives waiting packets to transfers under way.
    fn deliver(&mut self) {
        let mut any = false;
        while let Some((endpoint, _)) = self.waiting.front() {
            let Some(place) = self.under_way.iter().position(|urb| urb.endpoint == *endpoint)
            else {
                break;
            };
            let urb = self.under_way.remove(place).unwrap();
            let (_, packet) = self.waiting.pop_front().unwrap();
            self.finished.push_back(match packet {
                Ok(packet) => (urb, 0, packet),
                Err(errno) => (urb, -libc_of(errno), Vec::new()),
            });
            any = true;
        }
        if any {
            self.wake();
        }
    }

    /// What was read at one end of the pty makes the other writable anew.
    fn wake(&mut self) {
        if let (Some(slave), Some(master)) = (&mut self.slave, &mut self.master) {
            slave.write_all(b"!").unwrap();
            let mut byte = [0];
            assert_eq!(nix::unistd::read(&*master, &mut byte), Ok(1));
        }
    }
}

/// One who has the node open.
struct Caller {
    stream: UnixStream,
    state: Arc<Mutex<State>>,
}

type Outcome = Result<i64, Errno>;

impl Caller {
    fn serve(mut self) {
        let mut read = 0;
        loop {
            let mut words = [0; 24];
            if self.stream.read_exact(&mut words).is_err() {
                return;
            }
            let word =
                |place: usize| u64::from_ne_bytes(words[place..place + 8].try_into().unwrap());
            let outcome = match word(0) {
                IOCTL => self.ioctl(word(8), word(16)),
                READ => self.read(word(8), word(16), &mut read),
                _ => Ok(NOT_EMULATED),
            };
            let (result, errno) = match outcome {
                Ok(result) => (result, 0),
                Err(errno) => (-1, i64::from(libc_of(errno))),
            };
            self.say([DONE, result.cast_unsigned(), errno.cast_unsigned()]);
        }
    }

    fn say(&mut self, words: [u64; 3]) {
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
        // Whoever has died needs no answer.
        let _ = self.stream.write_all(&bytes);
    }

    fn load(&mut self, address: u64, length: usize) -> Vec<u8> {
        self.say([READ_MEMORY, address, length as u64]);
        let mut bytes = vec![0; length];
        let _ = self.stream.read_exact(&mut bytes);
        bytes
    }

    fn store(&mut self, address: u64, bytes: &[u8]) {
        self.say([WRITE_MEMORY, address, bytes.len() as u64]);
        let _ = self.stream.write_all(bytes);
    }

    fn number(&mut self, address: u64) -> u32 {
        u32::from_ne_bytes(self.load(address, 4).try_into().unwrap())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Held for no longer than a statement: umockdev's library asks one thing at a time.
        self.state.lock().unwrap()
    }

    fn read(&mut self, address: u64, length: u64, place: &mut usize) -> Outcome {
        let descriptors = self.lock().model.descriptors.clone();
        let rest = descriptors.get(*place..).unwrap_or_default();
        let count = rest.len().min(usize::try_from(length).unwrap());
        self.store(address, &rest[..count]);
        *place += count;
        Ok(i64::try_from(count).unwrap())
    }

    fn ioctl(&mut self, request: u64, argument: u64) -> Outcome {
        if self.lock().master.is_none() && request != REAPURBNDELAY {
            return Err(Errno::ENODEV);
        }
        match request {
            CONNECTINFO => self.store(argument, &[1, 0, 0, 0, 0, 0, 0, 0]),
            GET_CAPABILITIES => self.store(argument, &CAPABILITIES.to_ne_bytes()),
            CONTROL => return self.control(argument),
            GETDRIVER => return self.driver(argument),
            IOCTL_OF_DRIVER => return self.bind(argument),
            CLAIMINTERFACE => return self.claim(argument),
            RELEASEINTERFACE => {
                let interface = self.number(argument);
                let mut state = self.lock();
                state.note(format!("release {interface}"));
                state.claimed[interface as usize] = false;
            }
            CLEAR_HALT => {
                let endpoint = self.number(argument);
                let state = self.lock();
                state.note(format!("clear halt {endpoint:02x}"));
                let (end, patience) = (Arc::clone(&state.halts_end), Duration::from_secs(5));
                let (state, waited) =
                    end.wait_timeout_while(state, patience, |state| state.halts).unwrap();
                if waited.timed_out() {
                    state.note("nobody let it".to_owned());
                }
            }
            SUBMITURB => return self.submit(argument),
            DISCARDURB => return self.discard(argument),
            REAPURBNDELAY => return self.reap(argument),
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }

    /// `struct usbdevfs_ctrltransfer`; only the active configuration is asked for in this way.
    fn control(&mut self, argument: u64) -> Outcome {
        let transfer = self.load(argument, 24);
        assert_eq!(transfer[..2], [0x80, 0x08], "a control transfer that waits");
        self.store(u64::from_ne_bytes(transfer[16..24].try_into().unwrap()), &[1]);
        Ok(1)
    }

    fn driver(&mut self, argument: u64) -> Outcome {
        let interface = self.number(argument) as usize;
        let (bound, claimed) = {
            let state = self.lock();
            (state.bound[interface], state.claimed[interface])
        };
        let name: &[u8] = match (bound, claimed) {
            (true, _) => b"usbhid\0",
            (_, true) => b"usbfs\0",
            _ => return Err(Errno::ENODATA),
        };
        self.store(argument + 4, name);
        Ok(0)
    }

    /// `struct usbdevfs_ioctl`: the kernel's driver lets go of an interface, or takes it.
    fn bind(&mut self, argument: u64) -> Outcome {
        let interface = self.number(argument);
        let request = self.number(argument + 4);
        let mut state = self.lock();
        let bound = state.bound[interface as usize];
        match request {
            DISCONNECT if !bound => return Err(Errno::ENODATA),
            DISCONNECT => state.note(format!("detach {interface}")),
            CONNECT => state.note(format!("attach {interface}")),
            _ => return Err(Errno::ENOTTY),
        }
        state.bound[interface as usize] = request == CONNECT;
        Ok(0)
    }

    fn claim(&mut self, argument: u64) -> Outcome {
        let interface = self.number(argument);
        let mut state = self.lock();
        if state.bound[interface as usize] || state.claimed[interface as usize] {
            return Err(Errno::EBUSY);
        }
        state.note(format!("claim {interface}"));
        state.claimed[interface as usize] = true;
        Ok(0)
    }

    fn submit(&mut self, address: u64) -> Outcome {
        let bytes = self.load(address, 56);
        let urb = Urb {
            address,
            kind: bytes[0],
            endpoint: bytes[1],
            buffer: u64::from_ne_bytes(bytes[16..24].try_into().unwrap()),
            length: u32::from_ne_bytes(bytes[24..28].try_into().unwrap()) as usize,
        };
        let sent = if urb.kind == TYPE_CONTROL || urb.endpoint & 0x80 == 0 {
            self.load(urb.buffer, urb.length)
        } else {
            Vec::new()
        };
        let mut state = self.lock();
        match urb.kind {
            TYPE_CONTROL => state.request(urb, &sent),
            INTERRUPT if urb.endpoint & 0x80 == 0 => {
                state.note(format!("out {:02x}: {}", urb.endpoint, hex(&sent)));
                state.answer(urb, Ok(sent));
            }
            INTERRUPT => {
                state.under_way.push_back(urb);
                state.deliver();
            }
            kind => panic!("a transfer of type {kind}"),
        }
        Ok(0)
    }

    fn discard(&mut self, address: u64) -> Outcome {
        let mut state = self.lock();
        let place = state.under_way.iter().position(|urb| urb.address == address);
        let urb = place.and_then(|place| state.under_way.remove(place)).ok_or(Errno::EINVAL)?;
        state.note("discard".to_owned());
        state.finished.push_back((urb, -libc_of(Errno::ENOENT), Vec::new()));
        state.wake();
        Ok(0)
    }

    fn reap(&mut self, argument: u64) -> Outcome {
        let (finished, is_there) = {
            let mut state = self.lock();
            (state.finished.pop_front(), state.master.is_some())
        };
        let Some((urb, status, data)) = finished else {
            return Err(if is_there { Errno::EAGAIN } else { Errno::ENODEV });
        };
        let count = data.len().min(urb.length);
        if urb.kind == TYPE_CONTROL {
            self.store(urb.buffer + 8, &data[..data.len().min(urb.length - 8)]);
        } else if urb.endpoint & 0x80 != 0 {
            self.store(urb.buffer, &data[..count]);
        }
        self.store(urb.address + 4, &status.to_ne_bytes());
        self.store(urb.address + 28, &u32::try_from(count).unwrap().to_ne_bytes());
        self.store(argument, &urb.address.to_ne_bytes());
        Ok(0)
    }
}

impl State {
    /// A control transfer with its setup packet.
    fn request(&mut self, urb: Urb, bytes: &[u8]) {
        let [kind, request, value_low, value_high, index, ..] = *bytes else {
            panic!("no setup packet")
        };
        let answer = match (kind, request, value_high) {
            (0x81, 0x06, 0x22) => Ok(self.model.reports[usize::from(index)].clone()),
            (0x21, 0x09, report) => {
                let what = if report == 3 { "feature" } else { "output" };
                self.note(format!("set {what} {value_low:02x} of {index}: {}", hex(&bytes[8..])));
                if self.hangs {
                    self.under_way.push_back(urb);
                    return;
                }
                if self.refuses { Err(Errno::EPIPE) } else { Ok(bytes[8..].to_vec()) }
            }
            (0x21, 0x0A, _) => Ok(Vec::new()),
            other => panic!("request {other:02x?}"),
        };
        self.answer(urb, answer);
    }

    fn answer(&mut self, urb: Urb, answer: Result<Vec<u8>, Errno>) {
        match answer {
            Ok(data) => self.finished.push_back((urb, 0, data)),
            Err(errno) => self.finished.push_back((urb, -libc_of(errno), Vec::new())),
        }
        self.wake();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Compiles the library that lets a pty stand for a USB device's node; `None` where there is no
/// compiler.
pub fn library(directory: &std::path::Path) -> Option<PathBuf> {
    let library = directory.join("usb_node.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/usb_node.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&library).arg(source);
    let status = compiler.status();
    status.is_ok_and(|status| status.success()).then_some(library)
}
