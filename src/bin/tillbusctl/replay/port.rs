//! The virtual port that a recording is played on: bytes as they are, HID descriptors and reports in the
//! frames that stand for them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tillbus::hid::Kind;
use tillbus::hid::stream::{Decoder, Frame};
use tillbus::recording::Step;
use tillbus::sim::port::VirtualPort;

use crate::error::Error;
use crate::output::say;
use crate::simulate::no_port;

pub(super) struct PlayedPort {
    link: Option<PathBuf>,
    /// Absent after a hang-up, until it is needed again.
    port: Option<VirtualPort>,
    decoder: Decoder,
    /// What is answered to a host that asks for it; nothing on a serial line.
    descriptor: Option<Vec<u8>>,
    /// Steps that no virtual port can play.
    pub(super) passed_over: usize,
}

impl PlayedPort {
    pub(super) fn open(link: Option<&Path>) -> Result<Self, Error> {
        let link = link.map(Path::to_owned);
        let port = Some(plug(link.as_ref())?);
        Ok(Self { link, port, decoder: Decoder::default(), descriptor: None, passed_over: 0 })
    }

    pub(super) async fn play(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Bytes(bytes) => self.send(bytes).await,
            Step::Report { id, data } => self.say(&Frame::Report(Kind::Input, *id, data)).await,
            Step::Descriptor(bytes) => self.describe(bytes).await,
            Step::Wait(wait) => self.wait(*wait).await,
            Step::Close => {
                self.hang_up().await;
                Ok(())
            }
            // Clients ask for themselves.
            Step::Ask(_) | Step::Instruct(_) => Ok(()),
            Step::BadByte(_) | Step::Break => {
                self.passed_over += 1;
                Ok(())
            }
        }
    }

    pub(super) async fn hang_up(&mut self) {
        if let Some(port) = self.port.take() {
            port.hang_up().await;
        }
    }

    /// Waits until a host has opened the port and asked what it is.
    async fn describe(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.descriptor = Some(bytes.to_vec());
        self.decoder = Decoder::default();
        self.plugged()?;
        while !self.answer().await? {}
        Ok(())
    }

    /// Lets time pass, and answers whoever opens the port meanwhile.
    async fn wait(&mut self, time: Duration) -> Result<(), Error> {
        let end = tokio::time::sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return Ok(()),
                answered = self.answer() => drop(answered?),
            }
        }
    }

    /// Waits for the host to say something; whether it asked for the descriptor, and got it.
    async fn answer(&mut self) -> Result<bool, Error> {
        let (Some(port), Some(descriptor)) = (&mut self.port, &self.descriptor) else {
            return std::future::pending().await;
        };
        let mut buffer = [0; 512];
        let count = port.receive(&mut buffer).await.map_err(|error| failed(&self.link, &error))?;
        let mut is_asked = false;
        self.decoder.take(buffer.get(..count).unwrap_or_default(), &mut |frame| {
            is_asked |= frame == Frame::Describe;
        });
        if is_asked {
            let descriptor = descriptor.clone();
            self.say(&Frame::Descriptor(&descriptor)).await?;
        }
        Ok(is_asked)
    }

    async fn say(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.plugged()?.send(bytes).await;
        sent.map_err(|error| failed(&self.link, &error))
    }

    fn plugged(&mut self) -> Result<&mut VirtualPort, Error> {
        match &mut self.port {
            Some(port) => Ok(port),
            away => Ok(away.insert(plug(self.link.as_ref())?)),
        }
    }
}

fn plug(link: Option<&PathBuf>) -> Result<VirtualPort, Error> {
    let port = VirtualPort::create(link.map(PathBuf::as_path));
    let port = port.map_err(|error| no_port(link, &error))?;
    say(&port.path().display().to_string())?;
    Ok(port)
}

fn failed(link: &Option<PathBuf>, error: &io::Error) -> Error {
    no_port(link.as_ref(), error)
}
