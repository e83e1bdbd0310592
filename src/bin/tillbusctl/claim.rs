//! `claim`: owns a device for a while, as an application would.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::{Connection, Message, Variant};

use crate::client::{self, DeviceProxy, Devices, Place, ScannerProxy};
use crate::error::{Error, complain};
use crate::event::{self, Printer};
use crate::live::{Live, News};
use crate::terminal::{self, Interrupt};
use crate::value::{Map, number, text};
use crate::watch::expiry;

/// Own a device: its scans come here alone, each acknowledged
///
/// Ends, and gives the device up, at Ctrl-C or at the end of standard input. Where another client
/// asks for the device it is lost after a second, unless `--retain` is given.
///
/// On a device for payments the codes of customers come here, in clear: whoever sees one can pay with
/// it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The device's name
    device: String,
    /// Print one JSON object a line, with all details
    #[arg(long)]
    json: bool,
    /// Where another client owns the device, ask it and wait so long, in milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=20_000))]
    wait: Option<u64>,
    /// The most events that may be on their way unacknowledged
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    credit: Option<u32>,
    /// Mark scans that are delivered later than this, in milliseconds; payment codes then do not come
    #[arg(long, value_name = "MS")]
    max_age: Option<u64>,
    /// End with the first payment code
    #[arg(long, value_name = "EVENT", value_parser = ["one-payment-code"])]
    until: Option<String>,
    /// Tell of each payment code that this became of it
    #[arg(long, value_name = "VERDICT", value_parser = ["used", "unused", "unknown"])]
    settle: Option<String>,
    /// Keep the device when another client asks for it
    #[arg(long)]
    retain: bool,
    /// End after so many scans
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after so many seconds; a failure if `--count` was not reached
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

pub(crate) async fn run(place: &Place, options: Options) -> Result<(), Error> {
    let deadline = options.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut interrupt = Interrupt::new()?;
    let connection = client::connect(place).await?;
    let mut live = Live::open(&connection).await?;
    let devices = client::devices(&connection).await?;
    let path = client::find(&devices, &options.device)?.0.to_owned();
    let mut claim = Claim {
        device: client::device(&connection, &path).await?,
        scanner: client::scanner(&connection, &path).await?,
        printer: Printer::new(options.json),
        connection,
        path,
        options,
        devices,
        scans: 0,
        is_over: false,
    };
    claim.printer.fit(std::iter::once(claim.options.device.as_str()));
    claim.take().await?;
    let mut input = terminal::lines();
    while !claim.is_done() {
        let news = tokio::select! {
            news = live.next() => news?,
            () = interrupt.came() => break,
            () = ended(&mut input) => break,
            () = expiry(deadline) => {
                claim.release().await;
                return claim.expired();
            }
        };
        match news {
            News::Came => claim.take_again().await?,
            News::Gone => complain("tillbusd has left the bus; waiting for it"),
            News::Signal(message) => claim.hear(&message).await?,
        }
    }
    claim.release().await;
    Ok(())
}

/// Completes at the end of standard input.
async fn ended(input: &mut mpsc::Receiver<String>) {
    while input.recv().await.is_some() {}
}

struct Claim {
    connection: Connection,
    device: DeviceProxy<'static>,
    scanner: ScannerProxy<'static>,
    path: String,
    options: Options,
    devices: Devices,
    printer: Printer,
    scans: u64,
    /// Whether the claim has ended as it was to.
    is_over: bool,
}

impl Claim {
    async fn take(&mut self) -> Result<(), Error> {
        let mut options: HashMap<&str, Variant<'_>> = HashMap::new();
        if let Some(wait) = self.options.wait {
            options.insert("wait", wait.into());
        }
        if let Some(credit) = self.options.credit {
            options.insert("credit", credit.into());
        }
        if let Some(age) = self.options.max_age {
            options.insert("max-age", age.into());
        }
        if let Some(event) = &self.options.until {
            options.insert("until", event.as_str().into());
        }
        self.device.claim(options).await?;
        self.say("claimed", "claimed")
    }

    /// After a restart of the daemon: no error where it has remembered the claim.
    async fn take_again(&mut self) -> Result<(), Error> {
        self.devices = client::devices(&self.connection).await?;
        client::find(&self.devices, &self.options.device)?;
        self.take().await
    }

    async fn hear(&mut self, message: &Message) -> Result<(), Error> {
        let ours = message.header().path().is_some_and(|path| path.as_str() == self.path);
        let event = event::of_signal(message, &mut self.devices)?;
        // Everyone is told that something was for the owner alone: for us.
        let is_news = |event: &Map| ours && text(event, "type") != "withheld";
        let Some(event) = event.filter(is_news) else { return Ok(()) };
        self.printer.print(&event)?;
        match text(&event, "type") {
            "scan" => self.scanned(&event).await,
            "release-requested" if self.options.retain => {
                self.device.retain().await?;
                self.say("kept", "kept")
            }
            "release-requested" => self.say("not kept: it will be lost in a second", "given"),
            "claim-lost" if Some(text(&event, "reason")) == self.options.until.as_deref() => {
                self.is_over = true;
                Ok(())
            }
            "claim-lost" => Err(Error::failed(format!(
                "the claim on {} is lost: {}",
                self.options.device,
                text(&event, "reason")
            ))),
            _ => Ok(()),
        }
    }

    async fn scanned(&mut self, event: &Map) -> Result<(), Error> {
        self.scans += 1;
        let sequence = number(event, "sequence").unwrap_or(0);
        let pays = text(event, "content") == "payment-code";
        if let Some(verdict) = self.options.settle.as_deref().filter(|_| pays) {
            self.scanner.settle(sequence, verdict).await?;
            self.say(&format!("#{sequence} settled: {verdict}"), "settled")?;
        }
        match &self.options.until {
            // The claim is over, so there is nothing to acknowledge; word of it is on its way.
            Some(_) if pays => Ok(()),
            // A payment code that came meanwhile has ended the claim: refused, and word is on its way.
            Some(_) => {
                let _ = self.device.acknowledge(sequence).await;
                Ok(())
            }
            None => Ok(self.device.acknowledge(sequence).await?),
        }
    }

    fn is_done(&self) -> bool {
        self.is_over || self.options.count.is_some_and(|count| self.scans >= count)
    }

    /// Gives the device up. Where that fails the bus does it: we are about to leave.
    async fn release(&mut self) {
        if self.device.release().await.is_ok() {
            let _ = self.say("released", "released");
        }
    }

    fn say(&mut self, message: &str, state: &str) -> Result<(), Error> {
        let mut event = event::of("claim", &self.options.device);
        event.insert("state".to_owned(), state.into());
        event.insert("message".to_owned(), message.into());
        self.printer.print(&event)
    }

    fn expired(&self) -> Result<(), Error> {
        let (scans, seconds) = (self.scans, self.options.timeout.unwrap_or(0));
        match self.options.count {
            Some(count) => {
                Err(Error::failed(format!("{scans} of {count} scans came within {seconds} s")))
            }
            None => Ok(()),
        }
    }
}
