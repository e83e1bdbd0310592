//! A simulated device on a virtual port, doing as it is told.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::garble::{garble, is_understood};
use super::port::VirtualPort;
use super::{Actions, Code, Simulated};
use crate::clock;
use crate::event::Timestamp;

/// One thing done to or by a simulated device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A code is held before it.
    Scan(Code),
    /// It sends the first half of a code's frame, and no more.
    Half(Code),
    /// It sends a code with so long a pause after each byte.
    Slow(Duration, Code),
    /// So many bytes come over the line that mean nothing.
    Noise(u32),
    /// Nothing happens for so long.
    Wait(Duration),
    /// It is unplugged, and back at the same path after that time, or when it is next needed.
    HangUp(Option<Duration>),
    /// It is unplugged so once it has sent so many more bytes, in the middle of a frame or not.
    Cut(usize, Option<Duration>),
    /// From now on it behaves like this.
    Behave(String),
}

/// How a device is simulated.
pub struct Options {
    /// The device.
    pub device: Box<dyn Simulated>,
    /// Where its port is to be found; the port's own node if nowhere.
    pub link: Option<PathBuf>,
    /// The speed it talks at, in baud; a host at another hears garble and is heard as such. Any
    /// speed will do if there is none.
    pub baud: Option<u32>,
}

/// A simulated device on its virtual port; it hangs up when dropped.
pub struct Simulation {
    options: Options,
    /// Absent while it is unplugged.
    port: Option<VirtualPort>,
    /// When the device will have waited for its host long enough.
    deadline: Option<Timestamp>,
    noise: u32,
    /// Where to tell what a person at the device notices.
    notices: Option<mpsc::UnboundedSender<String>>,
    /// How many bytes may still be sent before the cable is cut, and for how long it is.
    cut: Option<(usize, Option<Duration>)>,
    /// When it is back, while it is unplugged for a while.
    back: Option<Timestamp>,
}

/// Simulates a device until no more commands can come, answering the host in between.
///
/// # Errors
///
/// Where the port cannot be made.
pub async fn run(options: Options, commands: mpsc::Receiver<Command>) -> io::Result<()> {
    let mut simulation = Simulation::start(options)?;
    simulation.run(commands).await?;
    simulation.finish().await;
    Ok(())
}

impl Simulation {
    /// Plugs the device in. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the port cannot be made: no pty is left, or something stands where the link would.
    pub fn start(options: Options) -> io::Result<Self> {
        let port = Some(plug(&options)?);
        let (deadline, noise, notices, cut, back) = (None, 0x2545_F491, None, None, None);
        Ok(Self { options, port, deadline, noise, notices, cut, back })
    }

    /// What a person at the device sees and hears from now on.
    pub fn notices(&mut self) -> mpsc::UnboundedReceiver<String> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.notices = Some(sender);
        receiver
    }

    /// The path for the host to open; `None` while the device is unplugged and has no link.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        let link = self.options.link.as_deref();
        link.or_else(|| self.port.as_ref().map(VirtualPort::path))
    }

    /// Does what comes, and answers the host in between, until no more can come.
    ///
    /// # Errors
    ///
    /// Where the port fails, or cannot be made again after a hang-up.
    pub async fn run(&mut self, mut commands: mpsc::Receiver<Command>) -> io::Result<()> {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.perform(command).await?,
                    None => return Ok(()),
                },
                result = self.answer() => result?,
            }
        }
    }

    /// Does one thing.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn perform(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Scan(code) => {
                let frame = self.scan(&code);
                self.send(&frame).await
            }
            Command::Half(code) => {
                let frame = self.scan(&code);
                self.send(frame.get(..frame.len().div_ceil(2)).unwrap_or_default()).await
            }
            Command::Slow(gap, code) => {
                for byte in self.scan(&code) {
                    self.send(&[byte]).await?;
                    sleep(gap).await;
                }
                Ok(())
            }
            Command::Noise(bytes) => {
                let noise: Vec<u8> = (0..bytes).map(|_| self.noise()).collect();
                self.send(&noise).await
            }
            Command::Wait(time) => self.wait(time).await,
            Command::HangUp(back) => self.hang_up(back).await,
            Command::Cut(after, back) => {
                self.cut = Some((after, back));
                Ok(())
            }
            Command::Behave(words) => {
                let mut actions = Self::actions();
                let behaves = self.options.device.behave(&words, &mut actions);
                behaves.map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
                actions.notices.push(format!("behaves: {words}"));
                self.act(actions).await
            }
        }
    }

    /// Unplugs the device for good, once the host has read what was sent, and has said what the device
    /// waits for or had the time to.
    pub async fn finish(mut self) {
        while let Some(deadline) = self.deadline {
            let time = deadline.since(clock::boottime());
            if !matches!(timeout(time, self.answer()).await, Ok(Ok(()))) {
                break;
            }
        }
        if let Some(port) = self.port.take() {
            port.hang_up().await;
        }
    }

    /// Has the device read a code; from now on it may wait for its host.
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let frame = self.options.device.scan(code);
        self.start_waiting();
        frame
    }

    fn start_waiting(&mut self) {
        self.deadline = self.options.device.patience().map(|time| clock::boottime() + time);
    }

    /// Lets time go by; the host is answered meanwhile.
    async fn wait(&mut self, time: Duration) -> io::Result<()> {
        let end = sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return Ok(()),
                result = self.answer() => result?,
            }
        }
    }

    async fn hang_up(&mut self, back: Option<Duration>) -> io::Result<()> {
        if let Some(port) = self.port.take() {
            port.hang_up().await;
        }
        self.back = back.map(|time| clock::boottime() + time);
        self.come_back().await
    }

    /// Waits until it is plugged in again, where it is to be. Cancelled, it can be waited for anew.
    async fn come_back(&mut self) -> io::Result<()> {
        if let Some(back) = self.back {
            sleep(back.since(clock::boottime())).await;
            self.plugged()?;
        }
        Ok(())
    }

    /// The port; plugged in again if it was not.
    fn plugged(&mut self) -> io::Result<&mut VirtualPort> {
        match &mut self.port {
            Some(port) => Ok(port),
            away => {
                self.back = None;
                Ok(away.insert(plug(&self.options)?))
            }
        }
    }

    /// What the device has booked, where it is a terminal.
    #[must_use]
    pub fn ledger(&self) -> Vec<String> {
        self.options.device.ledger()
    }

    fn actions() -> Actions {
        Actions { clock: clock::local(), ..Actions::default() }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let device = self.options.baud;
        let port = self.plugged()?;
        let host = port.speed()?;
        match device.filter(|device| !is_understood(*device, host)) {
            Some(device) => port.send(&garble(bytes, device, host)).await,
            None => port.send(bytes).await,
        }
    }

    /// Waits for the host to say something, or for the device to have waited long enough, and has the
    /// device answer. Safe to cancel up to the answer, and a cancelled answer is one cut off.
    async fn answer(&mut self) -> io::Result<()> {
        if self.port.is_none() && self.back.is_some() {
            return self.come_back().await;
        }
        let Some(port) = &mut self.port else { return std::future::pending().await };
        let mut buffer = [0; 512];
        let deadline = self.deadline;
        let enough = async {
            match deadline {
                Some(deadline) => sleep(deadline.since(clock::boottime())).await,
                None => std::future::pending().await,
            }
        };
        let mut actions = Self::actions();
        let count = tokio::select! {
            biased;
            count = port.receive(&mut buffer) => count?,
            () = enough => {
                self.options.device.timeout(&mut actions);
                return self.act(actions).await;
            }
        };
        let heard = buffer.get(..count).unwrap_or_default();
        let host = port.speed()?;
        match self.options.baud.filter(|device| !is_understood(host, *device)) {
            Some(device) => {
                self.options.device.receive(&garble(heard, host, device), &mut actions);
            }
            None => self.options.device.receive(heard, &mut actions),
        }
        self.act(actions).await
    }

    /// Does what the device does.
    async fn act(&mut self, actions: Actions) -> io::Result<()> {
        self.start_waiting();
        if let Some(notices) = &self.notices {
            for notice in actions.notices {
                // Nobody looks any more.
                let _ = notices.send(notice);
            }
        }
        match self.cut {
            Some((after, back)) if actions.send.len() >= after => {
                self.cut = None;
                self.send(actions.send.get(..after).unwrap_or_default()).await?;
                self.hang_up(back).await
            }
            Some((after, back)) => {
                self.cut = Some((after - actions.send.len(), back));
                self.send(&actions.send).await
            }
            None => self.send(&actions.send).await,
        }
    }

    /// The next byte of noise: the same in every run, and never one that ends a line or is text.
    fn noise(&mut self) -> u8 {
        // Xorshift, after Marsaglia.
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        0x80 | self.noise.to_le_bytes().first().copied().unwrap_or_default()
    }
}

fn plug(options: &Options) -> io::Result<VirtualPort> {
    let port = VirtualPort::create(options.link.as_deref())?;
    if let Some(baud) = options.baud {
        // What is sent before the host has set a speed is not garbled: it is read after that.
        port.set_speed(baud)?;
    }
    Ok(port)
}
