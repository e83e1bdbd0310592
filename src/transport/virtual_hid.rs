//! A simulated HID interface: the frames of [`hid::stream`](crate::hid::stream) over a pty.
//!
//! It is opened, locked and lost like the serial line that a pty is. What came before the descriptor
//! belongs to whoever had it open before us, and is dropped.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::serial::Serial;
use super::{Error, ioctl};
use crate::hid;
use crate::hid::stream::{Decoder, Frame};
use crate::profile::Line;
use crate::protocol::{Input, ReportKind};
use crate::secret::Secret;

/// How long a simulated device may take to describe itself. One that is there answers at once.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct VirtualHid {
    serial: Serial,
    decoder: Decoder,
    descriptor: Vec<u8>,
    /// Reports that came in one read with the descriptor.
    early: Vec<(u8, Secret<Vec<u8>>)>,
}

impl VirtualHid {
    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        // A pty has a speed like any line; nothing goes by it.
        let mut serial = Serial::open(path, &Line::default(), 9600)?;
        ioctl::drop_unread(serial.fd()).map_err(Error::open)?;
        let mut bytes = Vec::new();
        Frame::Describe.write(&mut bytes);
        serial.write(&bytes).await?;
        let (decoder, descriptor, early) = (Decoder::default(), Vec::new(), Vec::new());
        let mut hid = Self { serial, decoder, descriptor, early };
        let described = async {
            let mut early = Vec::new();
            let mut sink = |input: Input<'_>| {
                if let Input::Report { id, data } = input {
                    early.push((id, Secret::copy_of(data)));
                }
            };
            while hid.descriptor.is_empty() {
                hid.receive(&mut sink).await?;
            }
            hid.early = early;
            Ok::<(), Error>(())
        };
        // Whoever does not answer is no HID device.
        timeout(ANSWERS_WITHIN, described).await.map_err(|_| Error::Unsupported)??;
        Ok(hid)
    }

    pub(super) fn serial(&self) -> &Serial {
        &self.serial
    }

    pub(super) fn descriptor(&self) -> &[u8] {
        &self.descriptor
    }

    pub(super) async fn receive(
        &mut self,
        sink: &mut (dyn FnMut(Input<'_>) + Send),
    ) -> Result<(), Error> {
        let Self { serial, decoder, descriptor, early } = self;
        if !early.is_empty() {
            for (id, data) in early.drain(..) {
                sink(Input::Report { id, data: data.expose() });
            }
            return Ok(());
        }
        let mut bytes = |input: Input<'_>| {
            let Input::Bytes(bytes) = input else { return };
            decoder.take(bytes, &mut |frame| match frame {
                Frame::Descriptor(bytes) if descriptor.is_empty() => *descriptor = bytes.to_vec(),
                Frame::Report(hid::Kind::Input, id, data) if !descriptor.is_empty() => {
                    sink(Input::Report { id, data });
                }
                _ => {}
            });
        };
        serial.receive(&mut bytes).await
    }

    pub(super) async fn report(
        &mut self,
        kind: ReportKind,
        id: u8,
        data: &[u8],
    ) -> Result<(), Error> {
        let kind = match kind {
            ReportKind::Output => hid::Kind::Output,
            ReportKind::Feature => hid::Kind::Feature,
        };
        let mut bytes = Vec::new();
        Frame::Report(kind, id, data).write(&mut bytes);
        Ok(self.serial.write(&bytes).await?)
    }
}
