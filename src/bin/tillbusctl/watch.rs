//! `watch`: events as they come, and what came while nobody could look.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use zbus::{Connection, Message};

use crate::client::{self, Devices, Place};
use crate::error::Error;
use crate::event::{self, Printer};
use crate::live::{Live, News};
use crate::terminal::Interrupt;
use crate::value::{Map, number, text};

/// The events asked for at once.
const PAGE: u32 = 200;

/// Show scans, faults and changes of devices as they come
///
/// Goes on when the daemon restarts, and shows what it has kept meanwhile; may be started before the
/// daemon is. Scans on a device that is claimed go to its owner alone: see `claim`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only these devices
    #[arg(value_name = "DEVICE")]
    devices: Vec<String>,
    /// Print one JSON object a line, with all details
    #[arg(long)]
    json: bool,
    /// Write the same into this file too, one JSON object a line, whatever is shown
    #[arg(long, value_name = "FILE")]
    copy: Option<PathBuf>,
    /// First the events after this sequence number that the daemon still has; 0 for all
    #[arg(long, value_name = "SEQUENCE")]
    since: Option<u64>,
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
    // First the subscription, then the question what there is: nothing falls in between.
    let mut live = Live::open(&connection).await?;
    let mut printer = Printer::new(options.json);
    if let Some(path) = &options.copy {
        printer.copy_to(path)?;
    }
    let mut watch = Watch {
        connection,
        printer,
        options,
        devices: Devices::new(),
        epoch: String::new(),
        newest: 0,
        replayed: HashSet::new(),
        scans: 0,
    };
    let mut caught_up = watch.begin(&live).await?;
    while !watch.is_done() {
        if !caught_up && let Some(owner) = live.owner() {
            caught_up = watch.come(owner, true).await?;
        }
        let news = tokio::select! {
            news = live.next() => news?,
            () = interrupt.came() => return Ok(()),
            () = expiry(deadline) => return watch.expired(),
        };
        match news {
            News::Came => caught_up = false,
            News::Gone => watch.gone()?,
            News::Signal(message) => watch.hear(&message)?,
        }
    }
    Ok(())
}

/// Completes at the deadline, or never.
pub(crate) async fn expiry(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

struct Watch {
    connection: Connection,
    printer: Printer,
    options: Options,
    devices: Devices,
    epoch: String,
    /// The highest sequence number seen.
    newest: u64,
    /// What was replayed and may still come by signal.
    replayed: HashSet<u64>,
    scans: u64,
}

impl Watch {
    /// Finds the daemon as it is, or waits for it. Whether there is nothing to catch up with.
    async fn begin(&mut self, live: &Live) -> Result<bool, Error> {
        if let Some(owner) = live.owner() {
            return self.come(owner, self.options.since.is_some()).await;
        }
        self.say("waiting for tillbusd, which is not running", "waiting")?;
        Ok(true)
    }

    /// The daemon is there: what it is, what there is, and what was missed. False where it went away
    /// again meanwhile.
    async fn come(&mut self, owner: &str, catch_up: bool) -> Result<bool, Error> {
        match self.catch_up(owner, catch_up).await {
            Err(error) if error.is_not_running() => Ok(false),
            result => result.map(|()| true),
        }
    }

    async fn catch_up(&mut self, owner: &str, catch_up: bool) -> Result<(), Error> {
        let manager = client::manager_of(&self.connection, owner).await?;
        let version = manager.version().await?;
        let epoch = manager.epoch().await?;
        self.devices = client::devices_of(&self.connection, owner).await?;
        let wanted = std::mem::take(&mut self.options.devices);
        for name in &wanted {
            client::find(&self.devices, name)?;
        }
        self.options.devices = wanted;
        self.printer.fit(self.devices.values().map(|device| text(device, "name")));
        let begun = if epoch == self.epoch || self.epoch.is_empty() { "" } else { " anew" };
        self.say(&format!("tillbusd {version} is on the bus{begun}"), "there")?;
        let shown = self.devices.values().map(|device| event::of_device("device", device));
        let shown: Vec<Map> = shown.filter(|device| self.is_wanted(device)).collect();
        shown.iter().try_for_each(|device| self.printer.print(device))?;
        if !catch_up {
            (self.epoch, self.newest) = (epoch, manager.sequence().await?);
            return Ok(());
        }
        self.replay(&manager, &epoch).await
    }

    async fn replay(
        &mut self,
        manager: &client::ManagerProxy<'_>,
        epoch: &str,
    ) -> Result<(), Error> {
        self.replayed.clear();
        let same = self.epoch == epoch;
        // The first time the person says where to begin, later what has been seen does.
        let first = self.epoch.is_empty();
        let since = self.options.since.filter(|_| first).unwrap_or(0);
        let mut after = if same { self.newest } else { since };
        epoch.clone_into(&mut self.epoch);
        self.newest = after;
        loop {
            let (epoch, _, more, events) = manager.replay(&self.epoch, after, PAGE).await?;
            self.epoch = epoch;
            for event in &events {
                let event = event::of_replay(event);
                after = number(&event, "sequence").unwrap_or(after);
                self.replayed.insert(after);
                self.show(&event)?;
            }
            if !more || events.is_empty() {
                return Ok(());
            }
        }
    }

    fn gone(&mut self) -> Result<(), Error> {
        self.say("tillbusd has left the bus; waiting for it", "gone")
    }

    fn hear(&mut self, message: &Message) -> Result<(), Error> {
        let event = event::of_signal(message, &mut self.devices)?;
        let Some(event) = event else { return Ok(()) };
        if text(&event, "type") == "device-added" {
            self.printer.fit(std::iter::once(text(&event, "device")));
        }
        let sequence = number(&event, "sequence");
        if sequence.is_some_and(|sequence| self.replayed.remove(&sequence)) {
            return Ok(());
        }
        self.show(&event)
    }

    fn show(&mut self, event: &Map) -> Result<(), Error> {
        self.newest = number(event, "sequence").unwrap_or(0).max(self.newest);
        if self.is_done() || !self.is_wanted(event) {
            return Ok(());
        }
        if text(event, "type") == "scan" {
            self.scans += 1;
        }
        self.printer.print(event)
    }

    /// What is withheld does not say of which device it is; it is shown where all are.
    fn is_wanted(&self, event: &Map) -> bool {
        let wanted = &self.options.devices;
        wanted.is_empty() || wanted.iter().any(|name| name == text(event, "device"))
    }

    fn is_done(&self) -> bool {
        self.options.count.is_some_and(|count| self.scans >= count)
    }

    fn say(&mut self, message: &str, state: &str) -> Result<(), Error> {
        let mut event = event::of("daemon", "");
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
