//! A private bus, and the cheapest client of it: a blocking socket and no more of the wire format
//! than is needed to tell messages apart.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;

/// How long the client waits for what has to come. Not a measure: past it the run has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A dbus-daemon of our own; ends with this value.
pub(crate) struct Bus {
    process: Child,
    pub(crate) address: String,
    socket: std::path::PathBuf,
}

impl Bus {
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let socket = directory.join("bus");
        let address = format!("unix:path={}", socket.display());
        let configuration = directory.join("bus.conf");
        std::fs::write(
            &configuration,
            format!(
                r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>"#
            ),
        )?;
        let mut process = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(directory.join("bus.stderr"))?)
            .spawn()?;
        let mut ready = String::new();
        // It prints its address once it listens.
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut ready)?;
        Ok(Self { process, address, socket })
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(&self.socket)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the client tells apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// `Scanned`.
    Scan,
    /// `org.tillbus1` has an owner.
    Owned,
    /// A device, by its object path, says that its state is `ready`.
    Ready(String),
    /// Anything else.
    Other,
}

pub(crate) struct Client {
    socket: UnixStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Client {
    /// Connects and subscribes to every signal of the bus.
    fn connect(path: &Path) -> Result<Self> {
        let mut socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let user = nix::unistd::geteuid().to_string();
        let user: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
        socket.write_all(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes())?;
        let mut answer = [0; 256];
        let count = socket.read(&mut answer)?;
        if !answer.get(..count).unwrap_or_default().starts_with(b"OK ") {
            return Err("the bus refuses us".into());
        }
        socket.write_all(b"BEGIN\r\n")?;
        socket.write_all(&call(1, "Hello", None))?;
        socket.write_all(&call(2, "AddMatch", Some("type='signal'")))?;
        let mut client = Self { socket, buffer: vec![0; 1 << 18], start: 0, end: 0 };
        // The reply to the second call, told by the serial it answers.
        while !client.message()?.replies_to(2) {}
        Ok(client)
    }

    /// The next message; an error after ten seconds without one.
    pub(crate) fn next(&mut self) -> Result<Heard> {
        Ok(self.message()?.heard())
    }

    /// Waits for the next scan.
    pub(crate) fn scan(&mut self) -> Result<()> {
        while self.next()? != Heard::Scan {}
        Ok(())
    }

    fn message(&mut self) -> Result<Message<'_>> {
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(length) = length(held)
                && held.len() >= length
            {
                let from = self.start;
                self.start += length;
                let bytes = self.buffer.get(from..self.start).unwrap_or_default();
                return Ok(Message { bytes });
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        let count = match self.socket.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err("nothing came for ten seconds".into());
            }
            read => read?,
        };
        if count == 0 {
            return Err("the bus has closed the connection".into());
        }
        self.end += count;
        Ok(())
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// The length of the message that begins here: 16 bytes, the fields to a multiple of 8, the body.
fn length(bytes: &[u8]) -> Option<usize> {
    Some(16 + number(bytes, 12)?.next_multiple_of(8) + number(bytes, 4)?)
}

struct Message<'a> {
    bytes: &'a [u8],
}

impl Message<'_> {
    fn fields(&self) -> &[u8] {
        let end = number(self.bytes, 12).map_or(0, |length| 16 + length);
        self.bytes.get(16..end).unwrap_or_default()
    }

    fn body(&self) -> &[u8] {
        let start = number(self.bytes, 12).map_or(0, |length| 16 + length.next_multiple_of(8));
        self.bytes.get(start..).unwrap_or_default()
    }

    /// Field 5, signature `u`: the serial that a reply answers.
    fn replies_to(&self, serial: u8) -> bool {
        contains(self.fields(), &[5, 1, b'u', 0, serial, 0, 0, 0])
    }

    fn heard(&self) -> Heard {
        let fields = self.fields();
        if contains(fields, b"Scanned\0") {
            return Heard::Scan;
        }
        // The new owner is the last string: without one the body ends in an empty string.
        if contains(fields, b"NameOwnerChanged\0")
            && contains(self.body(), b"org.tillbus1\0")
            && !self.body().ends_with(&[0, 0, 0, 0, 0])
        {
            return Heard::Owned;
        }
        let state = contains(self.body(), b"State\0") && contains(self.body(), b"ready\0");
        if state && contains(fields, b"PropertiesChanged\0") {
            return Heard::Ready(path(fields));
        }
        Heard::Other
    }
}

/// Field 1, signature `o`: the object's path.
fn path(fields: &[u8]) -> String {
    let mark = [1, 1, b'o', 0];
    let start = fields.windows(4).position(|window| window == mark).map_or(0, |at| at + 8);
    let bytes = fields.get(start..).unwrap_or_default();
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// A call of the bus driver with at most one string.
fn call(serial: u32, member: &str, argument: Option<&str>) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut field = |code: u8, kind: u8, value: &str| {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, kind, 0]);
        put(&mut fields, value);
    };
    field(1, b'o', "/org/freedesktop/DBus");
    field(2, b's', "org.freedesktop.DBus");
    field(3, b's', member);
    field(6, b's', "org.freedesktop.DBus");
    let mut body = Vec::new();
    if let Some(argument) = argument {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([8, 1, b'g', 0, 1, b's', 0]);
        put(&mut body, argument);
    }
    let mut message = vec![b'l', 1, 0, 1];
    message.extend(size(&body));
    message.extend(serial.to_le_bytes());
    message.extend(size(&fields));
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

fn put(bytes: &mut Vec<u8>, value: &str) {
    bytes.extend(size(value.as_bytes()));
    bytes.extend(value.as_bytes());
    bytes.push(0);
}

fn size(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}
