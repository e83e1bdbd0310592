//! `record`: what a device sends, with its times, in a file that can be played again.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tillbus::clock;
use tillbus::event::Timestamp;
use tillbus::profile::{Flow, Line, Parity};
use tillbus::protocol::Input;
use tillbus::recording::{Recording, Step};
use tillbus::transport::{self, Port};
use tokio::time::Instant;

use crate::error::{Error, complain};
use crate::output::say;
use crate::terminal::Interrupt;
use crate::watch::expiry;

/// Record what a device sends into a file
///
/// The port is opened for us alone; nothing is written to it. Ends at Ctrl-C, and when the device
/// is unplugged. The file can be played again with `replay`, or by `tillbusd --replay`. A USB scanner that
/// is no serial port is recorded with `--hid`, from its node below /dev/bus/usb; meanwhile what it types
/// reaches no other program.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The port
    port: PathBuf,
    /// The file; one that is there already is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the device is, for whoever reads the file
    #[arg(long, value_name = "TEXT", default_value = "unknown")]
    device: String,
    /// The speed
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(50..=4_000_000))]
    baud: u32,
    /// Data bits of each byte
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(5..=8))]
    data_bits: u8,
    /// The parity bit
    #[arg(long, value_enum, default_value = "none")]
    parity: ParityWord,
    /// Stop bits of each byte
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    stop_bits: u8,
    /// The port is a HID interface; the line's settings mean nothing then
    #[arg(long)]
    hid: bool,
    /// Which of a USB device's HID interfaces, where it has several
    #[arg(long, value_name = "N", requires = "hid")]
    interface: Option<u8>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ParityWord {
    None,
    Even,
    Odd,
}

pub(crate) async fn run(options: &Options) -> Result<(), Error> {
    let deadline = options.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut interrupt = Interrupt::new()?;
    let mut file = Log::create(options)?;
    let mut port = open(options).await.map_err(|error| {
        // An empty recording is no evidence of anything.
        let _ = std::fs::remove_file(&options.out);
        refused(&options.port, &error)
    })?;
    complain("the recording may hold personal data: codes of customers, card numbers");
    let shown = options.port.display();
    if let Some(descriptor) = port.descriptor() {
        file.add(clock::boottime(), &[Step::Descriptor(descriptor.to_vec())])?;
        say(&format!("recording {shown}"))?;
    } else {
        say(&format!("recording {shown} at {} baud", options.baud))?;
    }
    let ended = record(options, &mut port, &mut file, &mut interrupt, deadline).await;
    port.close().await;
    ended?;
    say(&format!("{} bytes in {}", file.bytes, options.out.display()))
}

async fn open(options: &Options) -> Result<Port, transport::Error> {
    if options.hid {
        return Port::open_hid(&options.port, options.interface).await;
    }
    Port::open(&options.port, &line(options), options.baud)
}

/// Records until it is told to stop, or until the device is gone.
async fn record(
    options: &Options,
    port: &mut Port,
    file: &mut Log,
    interrupt: &mut Interrupt,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    loop {
        let mut steps = Vec::new();
        let mut sink = |input: Input<'_>| steps.push(step(input));
        let result = tokio::select! {
            result = port.receive(&mut sink) => result,
            () = interrupt.came() => return Ok(()),
            () = expiry(deadline) => return Ok(()),
        };
        file.add(clock::boottime(), &steps)?;
        match result {
            Ok(()) => {}
            Err(transport::Error::Disconnected) => {
                file.add(clock::boottime(), &[Step::Close])?;
                complain("the device is gone");
                return Ok(());
            }
            Err(error) => return Err(refused(&options.port, &error)),
        }
    }
}

fn line(options: &Options) -> Line {
    let parity = match options.parity {
        ParityWord::None => Parity::None,
        ParityWord::Even => Parity::Even,
        ParityWord::Odd => Parity::Odd,
    };
    let Options { baud, data_bits, stop_bits, .. } = *options;
    Line { bauds: vec![baud], data_bits, parity, stop_bits, flow: Flow::None }
}

fn step(input: Input<'_>) -> Step {
    match input {
        Input::Bytes(bytes) => Step::Bytes(bytes.to_vec()),
        Input::BadByte(byte) => Step::BadByte(byte),
        Input::Break => Step::Break,
        Input::Descriptor(bytes) => Step::Descriptor(bytes.to_vec()),
        Input::Report { id, data } => Step::Report { id, data: data.to_vec() },
    }
}

/// Why a port cannot be used, and what to do about it.
pub(crate) fn refused(port: &Path, error: &transport::Error) -> Error {
    let port = port.display();
    match error {
        transport::Error::PermissionDenied => Error::at(
            port,
            "you may not open it; use sudo, or join the group that `ls -l` shows for it",
        ),
        transport::Error::Busy => Error::at(
            &port,
            format!(
                "it is in use; `tillbusctl devices` shows whether tillbusd has it, `fuser -v \
                 {port}` who else"
            ),
        ),
        transport::Error::Other(source) => Error::at(port, source),
        error => Error::at(port, error),
    }
}

/// The file, written step by step so that a crash loses nothing.
struct Log {
    file: File,
    path: PathBuf,
    /// The time up to which waits have been written, once something has been.
    told: Option<Timestamp>,
    bytes: usize,
}

impl Log {
    fn create(options: &Options) -> Result<Self, Error> {
        // What customers scan is nobody else's business.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&options.out);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Error::at(options.out.display(), "there is such a file already; not overwritten")
            }
            _ => Error::at(options.out.display(), error),
        })?;
        let mut log = Self { file, path: options.out.clone(), told: None, bytes: 0 };
        let parity = match options.parity {
            ParityWord::None => 'N',
            ParityWord::Even => 'E',
            ParityWord::Odd => 'O',
        };
        let device: String = options.device.chars().filter(|c| !c.is_control()).collect();
        let header = vec![
            format!("device: {device}"),
            "source: captured".to_owned(),
            match options {
                Options { hid: true, .. } => "line: hid".to_owned(),
                Options { baud, data_bits, stop_bits, .. } => {
                    format!("line: {baud} {data_bits}{parity}{stop_bits}")
                }
            },
            "note: may hold personal data; look it through before giving it away".to_owned(),
        ];
        log.write(&Recording { header, steps: Vec::new() })?;
        Ok(log)
    }

    /// Adds what came at a time; the first thing is the beginning of all.
    fn add(&mut self, now: Timestamp, steps: &[Step]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        let told = *self.told.get_or_insert(now);
        // Whole milliseconds; what is cut off is carried over to the next wait.
        let millis = u64::try_from(now.since(told).as_millis()).unwrap_or(u64::MAX);
        let wait = Duration::from_millis(millis);
        self.told = Some(told + wait);
        let mut all = Vec::new();
        if !wait.is_zero() {
            all.push(Step::Wait(wait));
        }
        all.extend_from_slice(steps);
        self.bytes += steps.iter().map(length).sum::<usize>();
        self.write(&Recording { header: Vec::new(), steps: all })
    }

    fn write(&mut self, part: &Recording) -> Result<(), Error> {
        let written = self.file.write_all(part.to_string().as_bytes());
        written.map_err(|error| Error::at(self.path.display(), error))
    }
}

fn length(step: &Step) -> usize {
    match step {
        Step::Bytes(bytes) => bytes.len(),
        Step::Report { data, .. } => data.len(),
        Step::BadByte(_) => 1,
        _ => 0,
    }
}
