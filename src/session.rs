//! One protocol over one port: the only loop, the back-off, the place where time is read.
//!
//! A session owns its port from opening to unplug and opens it again when it is back. It reports
//! to the daemon and takes orders from it; when the daemon drops the orders' sender it ends. One
//! wake-up by the port is one read, and whatever it yields is reported before the next wait.

mod health;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::bridge::{self, Passage};
use crate::clock;
use crate::config::DeviceConfig;
use crate::event::terminal::{Entry, Instruction, Overheard, Said};
use crate::event::{Event, Failure, Fault, Refusal, Request, Timestamp};
use crate::frame::{Advice, Evidence, SpeedSearch};
use crate::normalize::{self, Rules, card};
use crate::protocol::{
    Carrier, Input, Item, Kind, Opening, Output, Protocol, ReportKind, RequestId, Token,
};
use crate::recording::Recording;
use crate::transport::{self, Port, Unwritten, passed};

pub use health::Health;

/// The first wait before a port is tried again; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// The longest wait. What makes a port usable again mostly announces itself (a plug, a permission
/// change, the other program closing it) and is tried at once; this is for what does not.
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A write that takes longer than this is stuck behind flow control.
const WRITE_WITHIN: Duration = Duration::from_secs(3);

/// Names a device's object for as long as it is on the bus; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

/// Where sessions report to.
pub type Reports = mpsc::Sender<(Key, Report)>;

/// What a session is made of.
#[derive(Debug)]
pub struct Spec {
    /// The device, in reports.
    pub key: Key,
    /// How to talk to it.
    pub config: Arc<DeviceConfig>,
    /// Where it is.
    pub path: PathBuf,
    /// Which of a USB device's interfaces it is, where that is known.
    pub interface: Option<u8>,
    /// Its end of a wire, where its line is wired through to another.
    pub end: Option<bridge::End>,
    /// Its port, where that was kept open over a restart of the daemon.
    pub kept: Option<OwnedFd>,
    /// The name under which its port is kept open over the next one, where it is.
    pub keep_as: Option<String>,
    /// A recording to play instead of opening `path`.
    pub replay: Option<Recording>,
    /// Where to count.
    pub health: Arc<Health>,
}

/// What the daemon tells a session.
#[derive(Debug)]
pub enum Order {
    /// Ask the device.
    Ask(RequestId, Request),
    /// Tell a terminal.
    Instruct(Instruction),
    /// Something changed at the node: try now.
    Retry,
    /// Tell what the port shows.
    Look(oneshot::Sender<Sight>),
}

/// What a port shows.
#[derive(Debug)]
pub struct Sight {
    /// The speed in force, in baud.
    pub baud: u32,
    /// The kernel's counters, where the driver has them.
    pub counters: Option<transport::Counters>,
    /// The modem lines, where the driver has them.
    pub modem_lines: Option<transport::ModemLines>,
}

/// What a session tells the daemon.
#[derive(Debug)]
pub enum Report {
    /// The port is open.
    Ready {
        /// Whether it is a pty, whatever led to it: then no real device is behind it.
        is_pty: bool,
    },
    /// The port could not be opened, or was lost, for this reason.
    Unusable(transport::Error),
    /// The device said something.
    Event(Event),
    /// Something was wrong.
    Fault(Fault),
    /// A request has come to its end.
    Answer(RequestId, Result<(), AskError>),
    /// A terminal has something to say; of the transaction of this number, where it is about one.
    Said(Option<u64>, Said),
    /// This of the transaction of this number has to be on disk before the terminal hears anything more;
    /// the session waits for the answer, and where it cannot be had hangs up.
    Persist(u64, Entry, Written),
    /// An instruction was not carried out and nothing was sent.
    NotInstructed(Instruction),
    /// A transaction of another till's at this terminal has been taken, or has come to its end.
    Overheard(Box<Overheard>),
}

/// Where it is told that something is on disk.
pub type Written = oneshot::Sender<()>;

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// It was not sent.
    Refused(Refusal),
    /// It was sent.
    Failed(Failure),
    /// The port is not open.
    NotOpen,
}

/// Runs a session until the daemon drops its orders' sender.
pub async fn run(mut spec: Spec, mut orders: mpsc::Receiver<Order>, reports: Reports) -> Key {
    let key = spec.key;
    let mut retry = FIRST_RETRY;
    // A search for the speed begins conversations anew, which a transaction must not be lost in.
    let bauds = spec.config.line.bauds.as_slice();
    let searched = if spec.config.kind == Kind::Terminal { bauds.get(..1) } else { None };
    let mut speed = SpeedSearch::new(searched.unwrap_or(bauds));
    let mut replay = spec.replay.clone();
    loop {
        let kept = adopt(&mut spec, baud(&speed));
        let since = kept.as_ref().map(|_| clock::boottime());
        let port = match kept {
            Some(port) => Ok(port),
            None => open(&spec, baud(&speed), replay.clone()).await,
        };
        let error = match port {
            Ok(port) => {
                if let (Some(name), Some(fd)) = (&spec.keep_as, port.fd()) {
                    passed::keep(name, fd);
                }
                spec.health.opened.fetch_add(1, Ordering::Relaxed);
                retry = FIRST_RETRY;
                report(&reports, key, Report::Ready { is_pty: port.is_pty() }).await;
                let mut conversation = Conversation::new(&spec, port, since, &reports, &mut speed);
                let ended = conversation.run(&mut orders).await;
                replay = conversation.port.close().await;
                match ended {
                    Some(error) => error,
                    None => return key,
                }
            }
            Err(error) => error,
        };
        if let Some(name) = &spec.keep_as {
            // Whoever keeps it would keep us from opening it again.
            passed::forget(name);
        }
        if matches!(error, transport::Error::Disconnected) {
            spec.health.disconnected.fetch_add(1, Ordering::Relaxed);
        }
        let gone = matches!(error, transport::Error::NotFound);
        report(&reports, key, Report::Unusable(error)).await;
        // What is not there announces itself when it comes; all else is tried again by and by.
        let wait = (!gone).then_some(retry);
        retry = (retry * 2).min(LAST_RETRY);
        if wait_for_retry(&mut orders, wait, &reports, key).await.is_none() {
            return key;
        }
    }
}

/// The port that the daemon before this one has left open, where it is still the right one.
fn adopt(spec: &mut Spec, baud: u32) -> Option<Port> {
    let fd = spec.kept.take()?;
    let adopted = Port::adopt(fd, &spec.path, &spec.config.line, baud);
    if let (Err(error), Some(name)) = (&adopted, &spec.keep_as) {
        debug!(device = %spec.config.name, %error, "the port that was kept is not used");
        passed::forget(name);
    }
    adopted.ok()
}

async fn open(spec: &Spec, baud: u32, replay: Option<Recording>) -> Result<Port, transport::Error> {
    match (replay, spec.config.protocol.carrier) {
        (Some(recording), _) => Ok(Port::replay(recording)),
        (None, Carrier::Serial) => Port::open(&spec.path, &spec.config.line, baud),
        (None, Carrier::Hid { .. }) => Port::open_hid(&spec.path, spec.interface).await,
    }
}

async fn report(reports: &Reports, key: Key, report: Report) {
    // The daemon outlives its sessions; when it is going down nobody is left to tell.
    let _ = reports.send((key, report)).await;
}

/// Waits for a reason to try again: an order, or the time, where there is one. `None` ends the
/// session.
async fn wait_for_retry(
    orders: &mut mpsc::Receiver<Order>,
    wait: Option<Duration>,
    reports: &Reports,
    key: Key,
) -> Option<()> {
    let alarm = async {
        match wait {
            Some(wait) => sleep(wait).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(alarm);
    loop {
        let order = tokio::select! {
            order = orders.recv() => order?,
            () = &mut alarm => return Some(()),
        };
        match order {
            Order::Retry => return Some(()),
            Order::Ask(id, _) => {
                report(reports, key, Report::Answer(id, Err(AskError::NotOpen))).await;
            }
            Order::Instruct(instruction) => {
                report(reports, key, Report::NotInstructed(instruction)).await;
            }
            // Dropping the sender tells the asker that there is nothing to see.
            Order::Look(_) => {}
        }
    }
}

/// A protocol speaking over an open port.
struct Conversation<'a> {
    spec: &'a Spec,
    port: Port,
    protocol: Box<dyn Protocol>,
    output: Output,
    rules: Rules,
    reports: &'a Reports,
    speed: &'a mut SpeedSearch,
    change: Option<Change>,
    /// Where its line is wired through, the way to the other one. The protocol only listens then.
    passage: Option<Passage>,
    /// The transaction that the protocol was last told of: what it says is about this one.
    about: Option<u64>,
}

/// A change of speed that listening has shown to be needed.
#[derive(Clone, Copy, Debug)]
struct Change {
    from: u32,
    to: u32,
    bytes: usize,
}

impl<'a> Conversation<'a> {
    fn new(
        spec: &'a Spec,
        port: Port,
        kept: Option<Timestamp>,
        reports: &'a Reports,
        speed: &'a mut SpeedSearch,
    ) -> Self {
        let rules = spec.config.rules();
        let passage = spec.end.as_ref().map(|end| end.join(&port, kept));
        let protocol = match &passage {
            // What a terminal says to another, and a till to a terminal, is no conversation with us.
            Some(passage) if !passage.is_source() || spec.config.kind == Kind::Terminal => {
                Box::new(Deaf) as Box<dyn Protocol>
            }
            _ => (spec.config.factory)(),
        };
        Self {
            spec,
            port,
            protocol,
            output: Output::default(),
            rules,
            reports,
            speed,
            change: None,
            passage,
            about: None,
        }
    }

    /// Runs until the port is lost (the reason) or the daemon has no more orders (`None`).
    async fn run(&mut self, orders: &mut mpsc::Receiver<Order>) -> Option<transport::Error> {
        self.open();
        let ended = loop {
            if let Err(error) = self.say().await {
                break Some(error);
            }
            match self.wait(orders).await {
                Ok(Go::On) => {}
                Ok(Go::Stop) => break None,
                Err(error) => break Some(error),
            }
        };
        self.protocol.closed(clock::boottime(), &mut self.output);
        if let Some(heard) = self.passage.as_mut().and_then(Passage::lost) {
            report(self.reports, self.spec.key, Report::Overheard(Box::new(heard))).await;
        }
        // What the port was still to be sent is lost with it; what was read is not.
        while let Some(item) = self.output.pop() {
            if !matches!(item, Item::Write(..) | Item::Report { .. }) {
                self.tell(item).await;
            }
        }
        ended
    }

    fn open(&mut self) {
        let now = clock::boottime();
        let opening = if self.passage.is_some() { Opening::Adopted } else { Opening::Fresh };
        self.protocol.opened(now, opening, &mut self.output);
        if let Some(descriptor) = self.port.descriptor() {
            self.protocol.receive(now, Input::Descriptor(descriptor), &mut self.output);
        }
    }

    /// One wait for whatever comes first, and its handling.
    async fn wait(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<Go, transport::Error> {
        let reply = self.passage.as_ref().and_then(Passage::deadline);
        let deadline = self.protocol.deadline().into_iter().chain(reply).min();
        let Self { port, protocol, output, spec, speed, change, passage, .. } = self;
        let mut bytes = 0;
        let mut now = None;
        let mut overheard = Vec::new();
        let mut sink = |input: Input<'_>| {
            if let Some(passage) = passage {
                passage.pass(input);
            }
            // Read once per wake-up: what one read returns has arrived together.
            let now = *now.get_or_insert_with(clock::boottime);
            if let Some(passage) = passage {
                if !passage.reads(now, input) {
                    return;
                }
                overheard.extend(passage.overhear(now, input));
            }
            let (length, evidence) = match input {
                Input::Bytes(bytes) => (bytes.len(), Evidence::Bytes(bytes.len())),
                Input::BadByte(_) | Input::Break => (1, Evidence::LineError),
                Input::Descriptor(_) => return protocol.receive(now, input, output),
                Input::Report { data, .. } => {
                    bytes += data.len();
                    return protocol.receive(now, input, output);
                }
            };
            bytes += length;
            match speed.hear(now, evidence) {
                Advice::Keep => protocol.receive(now, input, output),
                Advice::Ignore => {}
                Advice::Change { from, to, bytes } => *change = Some(Change { from, to, bytes }),
            }
        };
        tokio::select! {
            result = port.receive(&mut sink) => {
                spec.health.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                result?;
                self.pass_rest().await;
                for heard in overheard {
                    report(self.reports, self.spec.key, Report::Overheard(Box::new(heard))).await;
                }
            }
            order = orders.recv() => match order {
                Some(order) => self.obey(order).await,
                None => return Ok(Go::Stop),
            },
            () = until(deadline) => {
                let now = clock::boottime();
                if self.protocol.deadline().is_some_and(|deadline| deadline <= now) {
                    self.protocol.timeout(now, &mut self.output);
                }
                let late = self.passage.as_mut().and_then(|passage| passage.expire(now));
                if let Some(fault) = late {
                    self.output.fault(fault);
                }
            }
        }
        Ok(Go::On)
    }

    /// Passes on what found no room at once.
    async fn pass_rest(&mut self) {
        let Some(passage) = &mut self.passage else { return };
        if let Some(fault) = passage.flush().await {
            self.output.fault(fault);
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Retry => {}
            Order::Ask(id, _) if self.passage.is_some() => {
                let answer = Report::Answer(id, Err(AskError::Refused(Refusal::Unsupported)));
                report(self.reports, self.spec.key, answer).await;
            }
            Order::Instruct(instruction) if self.passage.is_some() => {
                report(self.reports, self.spec.key, Report::NotInstructed(instruction)).await;
            }
            Order::Ask(id, request) => {
                let now = clock::boottime();
                let result = self.protocol.request(now, id, request, &mut self.output);
                if let Err(refusal) = result {
                    let answer = Report::Answer(id, Err(AskError::Refused(refusal)));
                    report(self.reports, self.spec.key, answer).await;
                }
            }
            Order::Instruct(instruction) => {
                let now = clock::boottime();
                let kept = instruction.clone();
                let result = self.protocol.instruct(now, instruction, &mut self.output);
                match (result, &kept) {
                    (Ok(()), Instruction::Begin(order) | Instruction::Enquire(order)) => {
                        self.about = Some(order.transaction);
                    }
                    (Ok(()), _) => {}
                    (Err(_), _) => {
                        report(self.reports, self.spec.key, Report::NotInstructed(kept)).await;
                    }
                }
            }
            Order::Look(reply) => {
                let _ = reply.send(Sight {
                    baud: baud(self.speed),
                    counters: self.port.counters(),
                    modem_lines: self.port.modem_lines(),
                });
            }
        }
    }

    /// Says all that the protocol has to say, in its order.
    async fn say(&mut self) -> Result<(), transport::Error> {
        while let Some(item) = self.next_item() {
            match item {
                // Nothing is sent on a line that is wired through but what came over the other.
                Item::Write(..) | Item::Report { .. } | Item::Fault(Fault::NoReply)
                    if self.passage.is_some() => {}
                Item::Write(data, token) => self.write(&data, token).await?,
                Item::Report { kind, id, data, token } => {
                    let sent = self.send_report(kind, id, &data).await?;
                    if let Some(token) = token.filter(|_| sent) {
                        self.protocol.sent(clock::boottime(), token, &mut self.output);
                    }
                }
                Item::Persist(entry) => self.persist(entry).await?,
                item => self.tell(item).await,
            }
        }
        match self.change.take() {
            Some(change) => self.change_speed(change).await,
            None => Ok(()),
        }
    }

    /// The next thing the protocol has to say, unless it shows that the speed is wrong: then what
    /// the protocol makes of it is worth nothing.
    fn next_item(&mut self) -> Option<Item> {
        if self.change.is_some() {
            return None;
        }
        let item = self.output.pop()?;
        let advice = match &item {
            Item::Reading(reading) => {
                self.speed.hear(reading.last, Evidence::Reading(reading.data.expose()))
            }
            Item::Swipe(swipe) if swipe.is_read() => self.speed.hear(swipe.last, Evidence::Card),
            Item::Fault(_) => self.speed.hear(clock::boottime(), Evidence::Fault),
            _ => Advice::Keep,
        };
        if let Advice::Change { from, to, bytes } = advice {
            self.change = Some(Change { from, to, bytes });
            return None;
        }
        Some(item)
    }

    async fn change_speed(&mut self, change: Change) -> Result<(), transport::Error> {
        let Change { from, to, bytes } = change;
        self.port.set_baud(to)?;
        while self.output.pop().is_some() {}
        self.protocol = (self.spec.config.factory)();
        self.protocol.opened(clock::boottime(), Opening::Fresh, &mut self.output);
        self.tell(Item::Fault(Fault::Garbled { bytes, baud: from })).await;
        debug!(device = %self.spec.config.name, from, to, "listening at another speed");
        Ok(())
    }

    async fn write(&mut self, data: &[u8], token: Option<Token>) -> Result<(), transport::Error> {
        let written = timeout(WRITE_WITHIN, self.port.write(data)).await;
        let written = written.ok().map(|written| {
            written.map_err(|Unwritten { error, written }| {
                if let Some(token) = token.filter(|_| written == 0) {
                    self.protocol.unsent(clock::boottime(), token, &mut self.output);
                }
                error
            })
        });
        let is_written = self.unless_stalled(written, data.len()).await?;
        if let Some(token) = token.filter(|_| is_written) {
            self.port.drained().await;
            self.protocol.sent(clock::boottime(), token, &mut self.output);
        }
        Ok(())
    }

    /// Whether the device has it.
    async fn send_report(
        &mut self,
        kind: ReportKind,
        id: u8,
        data: &[u8],
    ) -> Result<bool, transport::Error> {
        let sent = match timeout(WRITE_WITHIN, self.port.report(kind, id, data)).await {
            // It refuses this report; the others may be fine.
            Ok(Err(transport::Error::Unsupported)) => None,
            sent => sent.ok(),
        };
        self.unless_stalled(sent, data.len()).await
    }

    /// What a device does not take is lost, and said to be; the conversation goes on.
    async fn unless_stalled(
        &mut self,
        written: Option<Result<(), transport::Error>>,
        bytes: usize,
    ) -> Result<bool, transport::Error> {
        match written {
            Some(result) => result.map(|()| true),
            None => {
                self.tell(Item::Fault(Fault::Stalled { bytes })).await;
                Ok(false)
            }
        }
    }

    /// Waits until an entry is on disk. Where it cannot be written nothing more is said on this line:
    /// what the terminal is told next would rest on it.
    async fn persist(&mut self, entry: Entry) -> Result<(), transport::Error> {
        if let Some(about) = self.named_by(&entry) {
            let (written, done) = oneshot::channel();
            report(self.reports, self.spec.key, Report::Persist(about, entry, written)).await;
            if done.await.is_ok() {
                return Ok(());
            }
        } else if entry != Entry::Sending {
            // It was told of no transaction on this line: there is none to write it down for.
            return Ok(());
        }
        while self.output.pop().is_some() {}
        Err(transport::Error::Other(std::io::Error::other("the ledger does not have it")))
    }

    /// The transaction that an entry is about: the one that it names, or the one that the protocol was last
    /// told of.
    fn named_by(&self, entry: &Entry) -> Option<u64> {
        match entry {
            Entry::Late(Some(number), _) => Some(*number),
            _ => self.about,
        }
    }

    async fn tell(&mut self, item: Item) {
        let health = &self.spec.health;
        let message = match item {
            Item::Reading(reading) => {
                if let Some(passage) = &mut self.passage {
                    passage.code(reading.last);
                }
                health.events.fetch_add(1, Ordering::Relaxed);
                Report::Event(normalize::scan(reading, &self.rules).into())
            }
            Item::Swipe(swipe) => {
                health.events.fetch_add(1, Ordering::Relaxed);
                Report::Event(Event::Card(Box::new(card::card(swipe, &self.rules.cards))))
            }
            Item::Fault(fault) => {
                health.fault(&fault);
                Report::Fault(fault)
            }
            Item::Answer(id, result) => Report::Answer(id, result.map_err(AskError::Failed)),
            Item::Said(said) => Report::Said(self.about, said),
            Item::Persist(entry) => match self.named_by(&entry) {
                // The line is gone already, so there is nothing to wait for.
                Some(about) => Report::Persist(about, entry, oneshot::channel().0),
                None => return,
            },
            Item::Write(..) | Item::Report { .. } => return,
        };
        report(self.reports, self.spec.key, message).await;
    }
}

/// Listens to nothing.
struct Deaf;

impl Protocol for Deaf {
    fn receive(&mut self, _now: Timestamp, _input: Input<'_>, _out: &mut Output) {}
}

enum Go {
    On,
    Stop,
}

/// The speed in force; a line without one is not told apart from a slow one.
fn baud(speed: &SpeedSearch) -> u32 {
    speed.baud().unwrap_or(9600)
}

async fn until(deadline: Option<Timestamp>) {
    match deadline {
        Some(deadline) => sleep(deadline.since(clock::boottime())).await,
        None => std::future::pending().await,
    }
}
