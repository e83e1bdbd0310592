//! `org.tillbus1.Scanner` at the object of each device that reads codes.

use std::sync::Arc;

use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;

use super::client::Clients;
use super::convert::{self, Dict};
use super::error::Error;
use crate::daemon::View;
use crate::daemon::call::{Act, Reply};
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
        self.act(header, |reply| Act::Request(request, reply)).await
    }

    async fn act(
        &self,
        header: &Header<'_>,
        act: impl FnOnce(Reply<()>) -> Act,
    ) -> Result<(), Error> {
        self.clients.ask_device(header, self.view.key, act).await
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
    /// `attention`. For the owner, and while the device is unclaimed for the client that got the
    /// event, where Capabilities has `indicate`.
    async fn indicate(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
        verdict: &str,
    ) -> Result<(), Error> {
        self.clients.given_out(sequence)?;
        let verdict = convert::verdict(verdict)?;
        self.act(&header, |reply| Act::Indicate(sequence, verdict, reply)).await
    }

    /// Tells how a payment code was used: `used`, `unused` or `unknown`. Where the same code comes
    /// again within ten minutes, `seen-before` says so. For the client that got the event, and for
    /// the owner.
    async fn settle(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
        verdict: &str,
    ) -> Result<(), Error> {
        self.clients.given_out(sequence)?;
        let settlement = convert::settlement(verdict)?;
        self.act(&header, |reply| Act::Settle(sequence, settlement, reply)).await
    }

    /// A code was read: its sequence number, its symbology in standard words, what it means
    /// (`gtin`, `gs1`, `variable-measure`, `coupon`, `order-number`, `payment-code`, `merchant-qr`,
    /// `national-id`, `licence`, `wifi`, `contact`, `url`, `text`, `binary`), its text with control
    /// characters made visible, and details: `device`, `lane`, `received` (CLOCK_BOOTTIME, µs),
    /// `time` (since 1970, µs), `time-synchronised`, `raw` (its bytes), `upos-scan-data-type`, and
    /// where they are known `aim`, `gtin-14`, `encoding`, `eci`; `age-ms` when delivered late;
    /// `inferred`, `duplicate`, `simulated`, `stale` where true; and what the code says, under the
    /// names of `gs1.md`, `merchant-qr.md` and `contents.md` in `protocol-docs`. Broadcast while the
    /// device is unclaimed, else to its owner alone.
    ///
    /// What is somebody's own (a network's password, an address, a bank account on an invoice) goes
    /// to the owner alone, or to nobody, in clear.
    ///
    /// Payment codes (`payment-code`) and what says who somebody is (`national-id`, `licence`) go to
    /// the owner alone, or to nobody. The text of the latter two, of EMVCo consumer-presented codes
    /// and of digits that may be a card number as well is masked, and they have no `raw`. A payment
    /// code has `wallet` and `confidence`
    /// (`certain`, `likely`, `possible`); where its wallet documents a life, `expires-latest` (by the
    /// clock of `received`); where it came within the last ten minutes, `seen-before` with `first`
    /// (since 1970, µs), `count` and `verdict` (of `Settle`, else `none`).
    ///
    /// What holds a card number or an IBAN goes to the owner alone, or to nobody, masked and without
    /// `raw`. It has `card` (`brand`, `pan-masked`; for an owner with the right `card` alone),
    /// `cards` or `iban`; `refused` where the number is kept back; `takeable` where `Take` hands the
    /// code over (`cards.md`).
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
