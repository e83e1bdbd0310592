//! `org.tillbus1.Scanner` at the object of each device that reads codes.

use std::sync::Arc;

use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;

use super::client::Clients;
use super::convert::{self, Dict};
use super::error::Error;
use crate::daemon::View;
use crate::daemon::call::{Act, Call};
use crate::event::Request;

/// A scanner.
pub(super) struct ScannerInterface {
    view: View,
    clients: Arc<Clients>,
}

impl ScannerInterface {
    pub(super) fn new(view: View, clients: Arc<Clients>) -> Self {
        Self { view, clients }
    }

    async fn ask(&self, header: &Header<'_>, request: Request) -> Result<(), Error> {
        let device = self.view.key;
        self.clients
            .ask(header, |caller, reply| Call::Device {
                caller,
                device,
                act: Act::Request(request, reply),
            })
            .await
    }
}

/// A device that reads codes.
#[interface(name = "org.tillbus1.Scanner")]
impl ScannerInterface {
    /// Whether it may read.
    #[zbus(property)]
    fn enabled(&self) -> bool {
        self.view.status.borrow().enabled
    }

    /// Lets it read, or not. For the owner, where Capabilities has `enable`.
    async fn set_enabled(
        &self,
        #[zbus(header)] header: Header<'_>,
        enabled: bool,
    ) -> Result<(), Error> {
        self.ask(&header, Request::Enable(enabled)).await
    }

    /// Starts or stops one reading. For the owner, where Capabilities has `trigger`.
    async fn trigger(&self, #[zbus(header)] header: Header<'_>, on: bool) -> Result<(), Error> {
        self.ask(&header, Request::Trigger(on)).await
    }

    /// Tells the person at the device how it went with an event: `good`, `bad`, `wait` or
    /// `attention`. For the owner, where Capabilities has `indicate`.
    async fn indicate(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
        verdict: &str,
    ) -> Result<(), Error> {
        self.clients.given_out(sequence)?;
        let verdict = convert::verdict(verdict)?;
        self.ask(&header, Request::Indicate(verdict)).await
    }

    /// Tells how a payment code was used: `used`, `unused` or `unknown`, so that the same code can be
    /// told from a second payment. For the owner.
    async fn settle(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
        verdict: &str,
    ) -> Result<(), Error> {
        self.clients.given_out(sequence)?;
        let device = self.view.key;
        let settlement = convert::settlement(verdict)?;
        self.clients
            .ask(&header, |caller, reply| Call::Device {
                caller,
                device,
                act: Act::Settle(sequence, settlement, reply),
            })
            .await
    }

    /// A code was read: its sequence number, its symbology in standard words, what it means
    /// (`gtin`, `gs1`, `coupon`, `url`, `text`, `binary`), its text with control characters made visible, and
    /// details: `device`, `lane`, `received` (CLOCK_BOOTTIME, µs), `time` (since 1970, µs),
    /// `time-synchronised`, `raw` (its bytes), `upos-scan-data-type`, and where they are known
    /// `aim`, `gtin-14`, `encoding`; `age-ms` when delivered late; `inferred`, `duplicate`,
    /// `simulated`, `stale` where true; and what GS1 data says, by `protocol-docs/gs1.md`. Broadcast while the device is unclaimed, else to its owner
    /// alone.
    #[zbus(signal)]
    async fn scanned(
        emitter: &SignalEmitter<'_>,
        sequence: u64,
        symbology: &str,
        content: &str,
        text: &str,
        details: Dict<'_>,
    ) -> zbus::Result<()>;
}
