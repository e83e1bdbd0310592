//! `org.tillbus1.Device` at each device's object.

use std::collections::BTreeMap;
use std::sync::Arc;

use zbus::OwnedFd;
use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;

use super::client::Clients;
use super::convert::{self, Arguments, Dict};
use super::error::Error;
use crate::daemon::View;
use crate::daemon::call::{Act, Reply};
use crate::event::Request;

/// A device.
pub(super) struct DeviceInterface {
    view: View,
    clients: Arc<Clients>,
}

impl DeviceInterface {
    pub(super) fn new(view: View, clients: Arc<Clients>) -> Self {
        Self { view, clients }
    }

    async fn ask<T>(
        &self,
        header: &Header<'_>,
        act: impl FnOnce(Reply<T>) -> Act,
    ) -> Result<T, Error> {
        self.clients.ask_device(header, self.view.key, act).await
    }
}

/// A device of any kind: who and where it is, how it fares, and who owns it.
#[interface(name = "org.tillbus1.Device")]
impl DeviceInterface {
    /// The name given by configuration, else the device's identity.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &str {
        &self.view.identity.origin.name
    }

    /// The lane given by configuration, else empty.
    #[zbus(property(emits_changed_signal = "const"))]
    fn lane(&self) -> &str {
        &self.view.identity.origin.lane
    }

    /// What its scans may mean: `goods`, `payment` or `both`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn role(&self) -> &str {
        self.view.identity.role.word()
    }

    /// Who made it, empty where unknown.
    #[zbus(property(emits_changed_signal = "const"))]
    fn vendor(&self) -> &str {
        &self.view.identity.vendor
    }

    /// Which model, empty where unknown.
    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> &str {
        &self.view.identity.model
    }

    /// Its serial number, empty where it has none or is absent.
    #[zbus(property)]
    fn serial_number(&self) -> String {
        self.view.status.borrow().serial_number.clone()
    }

    /// How it is connected: `serial`, `pty` or `replay`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn transport(&self) -> &str {
        self.view.identity.transport
    }

    /// Its device node, empty while absent.
    #[zbus(property)]
    fn node(&self) -> String {
        convert::node(&self.view.status.borrow())
    }

    /// The profile that says how to talk to it, empty while unconfigured.
    #[zbus(property(emits_changed_signal = "const"))]
    fn profile(&self) -> &str {
        &self.view.identity.profile
    }

    /// The protocol it speaks, empty while unconfigured.
    #[zbus(property(emits_changed_signal = "const"))]
    fn protocol(&self) -> &str {
        self.view.identity.protocol.map_or("", |info| info.name)
    }

    /// What it can be asked: `trigger`, `enable`, `indicate`, `show`.
    #[zbus(property(emits_changed_signal = "const"))]
    fn capabilities(&self) -> &[&'static str] {
        &self.view.identity.capabilities
    }

    /// `absent`, `opening`, `ready`, `unreachable` (Access and LastFault say why), or
    /// `unconfigured` (never opened).
    #[zbus(property)]
    fn state(&self) -> String {
        self.view.status.borrow().state.word().to_owned()
    }

    /// Whether the daemon may open its node: `ok`, `busy`, `permission-denied`, `not-found`.
    #[zbus(property)]
    fn access(&self) -> String {
        self.view.status.borrow().access.word().to_owned()
    }

    /// The unique name of the client that has claimed it, empty where none has.
    #[zbus(property)]
    fn owner(&self) -> String {
        convert::owner(&self.view.status.borrow())
    }

    /// The last fault in words, empty before the first.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_fault(&self) -> String {
        self.view.status.borrow().last_fault.clone()
    }

    /// Counts since the daemon started: `bytes`, `events`, `repeated` (payment codes that came again
    /// at once and are no events of their own), `opened`, `disconnected`, and one for each kind of
    /// fault of the line.
    #[zbus(property(emits_changed_signal = "false"))]
    fn health(&self) -> BTreeMap<&'static str, u64> {
        self.view.health.read()
    }

    /// Whether it is a simulated device: what it says is marked, too.
    #[zbus(property(emits_changed_signal = "const"))]
    fn simulated(&self) -> bool {
        self.view.identity.origin.simulated
    }

    /// Owns the device until `Release`, until the caller leaves the bus, or until it loses a
    /// challenge. Options: `wait` (ms, 0 to 20000, default 0: a device that is taken is refused at
    /// once; else its owner is asked to release it), `credit` (the most unacknowledged events in
    /// flight, default unlimited), `max-age` (ms: events delivered later are marked `stale`, payment
    /// codes are not delivered at all), `until` (`one-payment-code`: the claim ends with the first,
    /// which the caller may go on to `Take`, `Indicate` and `Settle`; needs the right to them).
    /// An owner that neither acknowledges nor answers `org.freedesktop.DBus.Peer.Ping` is sent 1024
    /// events, and one more every five seconds.
    async fn claim(
        &self,
        #[zbus(header)] header: Header<'_>,
        options: Arguments,
    ) -> Result<(), Error> {
        let options = convert::claim_options(&options)?;
        let client = self.clients.watch(&header).await?;
        self.ask(&header, |reply| Act::Claim(options, reply)).await?;
        if !self.clients.is_watched(&client) {
            // It left while the claim was on its way, perhaps before it was granted.
            self.clients.gone(client).await;
        }
        Ok(())
    }

    /// Keeps the device against the challenge that `ReleaseRequested` told of. Call it within one
    /// second.
    async fn retain(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.ask(&header, Act::Retain).await
    }

    /// Gives the device up.
    async fn release(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.ask(&header, Act::Release).await
    }

    /// All events up to this sequence number have been handled; with `credit` this lets the next
    /// ones come. For the owner, and for the client that got the event.
    async fn acknowledge(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
    ) -> Result<(), Error> {
        self.ask(&header, |reply| Act::Acknowledge(sequence, reply)).await
    }

    /// Forgets the events that have not been delivered to the owner yet; those that are for the owner
    /// alone are wiped.
    async fn clear(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.ask(&header, Act::Clear).await
    }

    /// The secret part of an event (a card, an EMVCo consumer-presented code), once, within 30
    /// seconds, for the client that got the event: the read end of a pipe. Needs the right `card`.
    async fn take(
        &self,
        #[zbus(header)] header: Header<'_>,
        sequence: u64,
    ) -> Result<OwnedFd, Error> {
        self.clients.given_out(sequence)?;
        self.ask(&header, |reply| Act::Take(sequence, reply)).await.map(OwnedFd::from)
    }

    /// Puts text on its screen: words, or what a code to be drawn there carries, as the device has
    /// it. At most 1024 bytes, no control characters. For the owner, where Capabilities has `show`.
    /// There are no options yet.
    async fn show(
        &self,
        #[zbus(header)] header: Header<'_>,
        text: String,
        options: Arguments,
    ) -> Result<(), Error> {
        convert::show_options(&options)?;
        let text = convert::shown(text)?;
        self.ask(&header, |reply| Act::Request(Request::Show(text), reply)).await
    }

    /// What is known of the port, one dictionary for each `kind`: `health`, `line`, and where the
    /// driver has them `modem-lines` and `kernel-counters`. Where something came and no code was read,
    /// `finding`s: what it can be, the likeliest first, each with `cause`, `text`, `percent` and whether
    /// it is the `wiring`; and `next-test`, what would tell them apart.
    async fn diagnose(
        &self,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<Dict<'static>>, Error> {
        let evidence = self.ask(&header, Act::Diagnose).await?;
        Ok(evidence.into_iter().map(convert::evidence).collect())
    }

    /// Something was wrong: its kind, in words, and numbers by name. `wiring`: the cable is wrong, by
    /// all that the port shows. Of payment codes and cards: `unclaimed`
    /// (one came and nobody who may have it owns the device), `unanswered` (its owner has not called
    /// `Acknowledge`, `Indicate`, `Take` or `Settle` within 500 ms), `expired` (it could not be
    /// delivered in time). Of routes: `not-forwarded` (a code did not go to its terminal), `held-back` (a
    /// payment with it is under way, was made, or may have been made), `forward-unclear` (nobody knows
    /// whether the terminal has it); each with `sequence`, and `signalled`: 1 where the device was told to tell
    /// the customer, 0 where it has no way to.
    #[zbus(signal)]
    async fn fault(
        emitter: &SignalEmitter<'_>,
        kind: &str,
        message: &str,
        details: Dict<'_>,
    ) -> zbus::Result<()>;

    /// Another client wants the device: `Retain` it within one second, or lose it.
    #[zbus(signal)]
    async fn release_requested(emitter: &SignalEmitter<'_>, details: Dict<'_>) -> zbus::Result<()>;

    /// An event was for the owner alone; its sequence number and content. Everyone hears it, after
    /// the event, so whoever got that passes this over.
    #[zbus(signal)]
    async fn withheld(emitter: &SignalEmitter<'_>, sequence: u64, kind: &str) -> zbus::Result<()>;

    /// The claim is lost: `challenged`, `device-gone` or `one-payment-code`.
    #[zbus(signal)]
    async fn claim_lost(emitter: &SignalEmitter<'_>, reason: &str) -> zbus::Result<()>;
}
