//! The daemon's log: to the journal with its fields, else to stderr, and never in the daemon's way.
//!
//! `tracing-journald` sends from the thread that logs, and that send blocks once journald stops
//! reading. So the daemon's own subscriber only copies an event into a bounded queue; a thread
//! of its own takes it out and gives it to a second subscriber, which has the real layer. An
//! event's metadata and fields are `'static`, only its values are borrowed: the copy is the
//! metadata and the values as text, and what the second subscriber sees is the same event, with
//! its level, target and source line. stderr goes the same way, since a pipe blocks as well.
//!
//! A full queue drops what is new and counts it; when it has drained, the count is logged. The
//! thread waits without a timer, so an idle daemon's log is idle too.
//!
//! Spans are not carried over: what matters about an event stands in its own fields. In the journal
//! these are `TILLBUS_DEVICE`, `TILLBUS_PROTOCOL` and so on, beside `MESSAGE`, `PRIORITY`, `TARGET`,
//! `CODE_FILE` and `CODE_LINE`.
//!
//! Rejected: `tracing-appender`, which queues formatted bytes and so has no fields left to send; a
//! datagram socket set to non-blocking, which `tracing-journald` keeps to itself.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{array, env, fmt, io, thread};

use tracing::field::{DisplayValue, Field, Value, Visit, display};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, dispatcher};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields};
use tracing_subscriber::fmt::{FmtContext, Layer as Stderr};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The environment variable with the level: `debug`, or `info,tillbus::session=debug`.
pub const LEVEL_VARIABLE: &str = "TILLBUS_LOG";

/// What `journalctl -t` finds the daemon by.
const IDENTIFIER: &str = "tillbusd";
/// What our fields' names begin with in the journal, where they must not meet anybody else's.
const FIELD_PREFIX: &str = "TILLBUS";
/// Records that wait for journald at most: minutes of an ordinary day, under a megabyte.
const CAPACITY: usize = 1024;
/// How long the end of the daemon waits for what is still queued.
const FLUSH: Duration = Duration::from_secs(1);
/// The fields one event may have; `tracing`'s macros allow no more.
const FIELDS: usize = 32;

/// Where the log goes and how much of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The level and, with `target=level`, exceptions to it. Absent: [`LEVEL_VARIABLE`], else info.
    pub level: Option<String>,
    /// Where to.
    pub destination: Destination,
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// The journal, where the service manager has connected our stderr to it; else stderr. This
    /// is how systemd means it: `tillbusd 2>file` on a terminal gets its file.
    #[default]
    Automatic,
    /// The journal, and stderr only where there is none.
    Journal,
    /// stderr.
    Stderr,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is no level.
    #[error(
        "log level {found:?}: accepted are off, error, warn, info, debug, trace, and target=level, separated by commas"
    )]
    Level {
        /// What was given.
        found: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// No thread could be started.
    #[error("the log's thread does not start")]
    Thread(#[source] io::Error),
    /// This process logs already.
    #[error("the log is set up twice")]
    Twice,
}

/// Keeps the log; dropped, it waits up to a second for what is still queued.
#[derive(Debug)]
#[must_use = "dropping it ends the log"]
pub struct Guard {
    queue: Arc<Queue>,
}

impl Guard {
    /// How many records have been dropped and not been reported yet.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.state().dropped
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.queue.close(FLUSH);
    }
}

/// Sets the process's log up.
///
/// # Errors
///
/// A wrong level, a second call, or no thread to be had.
pub fn init(options: &Options) -> Result<Guard, Error> {
    let filter = filter(options.level.as_deref())?;
    let (queue, dispatch) = start(&filter, writer(options.destination, &filter), CAPACITY)?;
    dispatcher::set_global_default(dispatch).map_err(|_| Error::Twice)?;
    Ok(Guard { queue })
}

fn filter(given: Option<&str>) -> Result<Targets, Error> {
    let level = given.map(str::to_owned).or_else(|| env::var(LEVEL_VARIABLE).ok());
    let Some(found) = level.filter(|level| !level.is_empty()) else {
        return Ok(Targets::new().with_default(LevelFilter::INFO));
    };
    found.parse().map_err(|source| Error::Level { found, source })
}

/// The subscriber that writes. It has the same filter as the one that queues: without it, `tracing`
/// would think that somebody wants every trace event, and ask again at each.
fn writer(destination: Destination, filter: &Targets) -> Dispatch {
    let journal_reads_stderr = is_journal_stream();
    let wants_journal = match destination {
        Destination::Automatic => journal_reads_stderr,
        Destination::Journal => true,
        Destination::Stderr => false,
    };
    if wants_journal && let Ok(journal) = tracing_journald::layer() {
        return Dispatch::new(
            tracing_subscriber::registry().with(filter.clone()).with(to_journal(journal)),
        );
    }
    // Somebody who reads the journal's stream needs the level as `<N>`, and has the time already.
    if journal_reads_stderr {
        let layer = to_stderr().event_format(Prefixed).with_ansi(false);
        return Dispatch::new(tracing_subscriber::registry().with(filter.clone()).with(layer));
    }
    let colour =
        io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let layer = to_stderr().with_ansi(colour);
    Dispatch::new(tracing_subscriber::registry().with(filter.clone()).with(layer))
}

fn to_stderr<S>() -> Stderr<S, format::DefaultFields, format::Format, fn() -> io::Stderr> {
    // Without this a closed stderr would be reported to stderr, which panics.
    Stderr::new().with_writer(io::stderr as fn() -> io::Stderr).log_internal_errors(false)
}

fn to_journal(layer: tracing_journald::Layer) -> tracing_journald::Layer {
    layer
        .with_syslog_identifier(IDENTIFIER.to_owned())
        .with_field_prefix(Some(FIELD_PREFIX.to_owned()))
        .with_priority_mappings(PriorityMappings {
            error: Priority::Error,
            warn: Priority::Warning,
            info: Priority::Informational,
            debug: Priority::Debug,
            trace: Priority::Debug,
        })
}

/// Whether stderr is the stream that the service manager connected to the journal: only then does
/// `JOURNAL_STREAM` (device and inode) speak of us and not of a parent.
fn is_journal_stream() -> bool {
    let (Ok(named), Ok(stderr)) = (env::var("JOURNAL_STREAM"), nix::sys::stat::fstat(io::stderr()))
    else {
        return false;
    };
    named == format!("{}:{}", stderr.st_dev, stderr.st_ino)
}

/// stderr's lines as the journal's stream wants them: the level as `<N>`, no time, no colour.
struct Prefixed;

impl<S, N> FormatEvent<S, N> for Prefixed
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: format::Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        write!(writer, "<{}>{}: ", priority(*metadata.level()), metadata.target())?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The syslog priority; the same as in [`to_journal`].
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// Starts the thread behind `writer`; gives its queue and the subscriber that fills it.
fn start(
    filter: &Targets,
    writer: Dispatch,
    capacity: usize,
) -> Result<(Arc<Queue>, Dispatch), Error> {
    let queue = Arc::new(Queue::new(capacity));
    let reader = Arc::clone(&queue);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || reader.write_all(&writer))
        .map_err(Error::Thread)?;
    let layer = Enqueue { queue: Arc::clone(&queue) };
    let dispatch = Dispatch::new(Registry::default().with(filter.clone()).with(layer));
    Ok((queue, dispatch))
}

/// Copies each event into the queue.
struct Enqueue {
    queue: Arc<Queue>,
}

impl<S: Subscriber> Layer<S> for Enqueue {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.queue.push(Record::copy(event));
    }
}

/// An event that owns its values.
struct Record {
    metadata: &'static Metadata<'static>,
    values: Vec<(Field, Text)>,
}

/// A value as text. Strings are kept apart, since a person is shown them quoted.
enum Text {
    Quoted(String),
    Plain(DisplayValue<String>),
}

impl Record {
    fn copy(event: &Event<'_>) -> Self {
        let mut record = Self { metadata: event.metadata(), values: Vec::new() };
        event.record(&mut record);
        record
    }

    fn write(&self, writer: &Dispatch) {
        let Some((first, _)) = self.values.first() else { return };
        let values: [(&Field, Option<&dyn Value>); FIELDS] = array::from_fn(|index| {
            let found = self.values.get(index);
            found.map_or((first, None), |(field, text)| (field, Some(text.value())))
        });
        let values = self.metadata.fields().value_set(&values);
        writer.event(&Event::new(self.metadata, &values));
    }
}

impl Text {
    fn value(&self) -> &dyn Value {
        match self {
            Self::Quoted(text) => text,
            Self::Plain(text) => text,
        }
    }
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.values.push((field.clone(), Text::Quoted(value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.values.push((field.clone(), Text::Plain(display(format!("{value:?}")))));
    }
}

/// Records between the daemon, which never waits, and the thread that writes.
#[derive(Debug)]
struct Queue {
    capacity: usize,
    state: Mutex<State>,
    /// Something is there to be written, or the queue is closed.
    filled: Condvar,
    /// Everything has been written.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    records: VecDeque<Record>,
    dropped: u64,
    writing: bool,
    closed: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} queued, {} dropped", self.records.len(), self.dropped)
    }
}

/// What the thread does next.
enum Next {
    Write(Record),
    /// The queue has drained after so many were dropped.
    Report(u64),
    End,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), filled: Condvar::new(), drained: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic; a log that still works beats one that does not.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, record: Record) {
        let mut state = self.state();
        if state.closed || state.records.len() >= self.capacity {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        state.records.push_back(record);
        drop(state);
        self.filled.notify_one();
    }

    fn write_all(&self, writer: &Dispatch) {
        loop {
            match self.next() {
                Next::Write(record) => record.write(writer),
                Next::Report(dropped) => dispatcher::with_default(writer, || {
                    tracing::warn!(dropped, "log records were dropped: the log was not being read");
                }),
                Next::End => return,
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        state.writing = false;
        loop {
            if let Some(record) = state.records.pop_front() {
                state.writing = true;
                return Next::Write(record);
            }
            if state.dropped > 0 {
                state.writing = true;
                return Next::Report(std::mem::take(&mut state.dropped));
            }
            self.drained.notify_all();
            if state.closed {
                return Next::End;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes nothing more and waits, at most so long, until all has been written.
    fn close(&self, patience: Duration) {
        let mut state = self.state();
        state.closed = true;
        self.filled.notify_one();
        let pending = |state: &mut State| state.writing || !state.records.is_empty();
        drop(self.drained.wait_timeout_while(state, patience, pending));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// A journald that reads one record each time it is allowed to.
    struct Gated {
        written: SyncSender<String>,
        allowed: Mutex<Receiver<()>>,
    }

    impl<S: Subscriber> Layer<S> for Gated {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            // The other end may be gone at the end of a test.
            let _ = self.allowed.lock().unwrap().recv();
            let record = Record::copy(event);
            let values = record.values.iter().map(|(field, text)| match text {
                Text::Quoted(text) => format!("{}={text:?}", field.name()),
                Text::Plain(text) => format!("{}={text}", field.name()),
            });
            let values = values.collect::<Vec<_>>().join(" ");
            let _ = self.written.send(format!("{} {values}", event.metadata().level()));
        }
    }

    struct Log {
        guard: Guard,
        dispatch: Dispatch,
        allow: SyncSender<()>,
        written: Receiver<String>,
    }

    fn log(capacity: usize) -> Log {
        let filter = filter(Some("debug")).unwrap();
        let (written_sender, written) = sync_channel(1000);
        let (allow, allowed) = sync_channel(1000);
        let gated = Gated { written: written_sender, allowed: Mutex::new(allowed) };
        let writer = Dispatch::new(Registry::default().with(filter.clone()).with(gated));
        let (queue, dispatch) = start(&filter, writer, capacity).unwrap();
        Log { guard: Guard { queue }, dispatch, allow, written }
    }

    #[test]
    fn an_event_arrives_as_it_was_with_strings_quoted_and_numbers_not() {
        let log = log(8);
        dispatcher::with_default(&log.dispatch, || {
            tracing::error!(device = "lane1-box", count = 3, reason = %"gone", "unplugged");
        });
        log.allow.send(()).unwrap();
        assert_eq!(
            log.written.recv().unwrap(),
            r#"ERROR message=unplugged device="lane1-box" count=3 reason=gone"#
        );
    }

    #[test]
    fn a_log_that_nobody_reads_drops_and_counts_and_says_so_when_it_is_read_again() {
        let log = log(8);
        dispatcher::with_default(&log.dispatch, || {
            for number in 0..100 {
                tracing::info!(number, "something");
            }
        });
        // Eight wait, and a ninth may be in the thread's hands.
        let dropped = log.guard.dropped();
        assert!((91..=92).contains(&dropped), "{dropped} were dropped");
        for _ in 0..100 - dropped {
            log.allow.send(()).unwrap();
            assert!(log.written.recv().unwrap().starts_with("INFO message=something number="));
        }
        log.allow.send(()).unwrap();
        let report = log.written.recv().unwrap();
        assert!(report.starts_with("WARN message=log records were dropped"), "{report}");
        assert!(report.ends_with(&format!("dropped={dropped}")), "{report}");
        assert_eq!(log.guard.dropped(), 0);
    }

    #[test]
    fn dropping_the_guard_writes_what_is_still_queued() {
        let Log { guard, dispatch, allow, written } = log(8);
        dispatcher::with_default(&dispatch, || {
            for _ in 0..3 {
                tracing::info!("something");
            }
        });
        for _ in 0..3 {
            allow.send(()).unwrap();
        }
        drop(guard);
        assert_eq!(written.try_iter().count(), 3);
    }

    #[test]
    fn dropping_the_guard_does_not_wait_for_ever_for_a_log_that_nobody_reads() {
        let log = log(8);
        dispatcher::with_default(&log.dispatch, || tracing::info!("something"));
        drop(log.guard);
        assert_eq!(log.written.try_iter().count(), 0);
    }

    #[test]
    fn what_the_level_leaves_out_is_not_even_queued() {
        let log = log(8);
        dispatcher::with_default(&log.dispatch, || {
            for _ in 0..100 {
                tracing::trace!("too much");
            }
        });
        assert_eq!(log.guard.dropped(), 0);
    }

    #[test]
    fn a_wrong_level_is_refused_and_the_accepted_ones_named() {
        let error = filter(Some("tillbus=loud")).unwrap_err().to_string();
        assert!(error.contains("\"tillbus=loud\"") && error.contains("debug"), "{error}");
    }
}
