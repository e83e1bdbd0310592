//! Two lines wired through: what comes over one goes out over the other, and a parser gets a copy.
//!
//! Contract: bytes go on first, in their order and unchanged, with one write for each read while the other line
//! has room; only then is anything made of them. A line error and a break go on in their places. Nothing
//! is ever sent that did not come from the other side. What cannot go on is counted and told, and a line
//! that takes nothing for three seconds loses what was waiting, as a wire would.
//!
//! Not wired through: the modem lines. They can only be asked for, and asking all the time is no idling.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::config::Tap;
use crate::event::terminal::Overheard;
use crate::event::{Fault, Timestamp};
use crate::protocol::{Input, Listener, Side};
use crate::secret::Secret;
use crate::transport::{Mark, Port, Writer};

/// How long a line may take nothing.
const STALLS_AFTER: Duration = Duration::from_secs(3);
/// So many breaks and bad bytes of one read go on; a line that has more of them carries nothing.
const MARKS: usize = 16;
/// After so long a silence nothing is in the middle of a code.
const REST: Duration = Duration::from_millis(100);
/// How long a terminal that has answered before may say nothing to a code, where nothing is configured.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What the two ends know of each other.
#[derive(Default)]
pub struct Wire {
    shared: Mutex<Shared>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wire")
    }
}

#[derive(Default)]
struct Shared {
    /// The lines that are open: where it comes from, and where it goes to.
    source: Option<Arc<Writer>>,
    sink: Option<Arc<Writer>>,
    /// When the terminal has last said anything.
    answered: Option<Timestamp>,
    /// Until when it has to say something: to the first code to which it has said nothing, and to the newest.
    answer_by: Option<Timestamp>,
    then_by: Option<Timestamp>,
    /// Who understands what is said, where anybody does.
    listener: Option<Box<dyn Listener>>,
}

impl Wire {
    /// A wire on which somebody listens to both sides.
    #[must_use]
    pub fn new(listener: Option<Box<dyn Listener>>) -> Self {
        Self { shared: Mutex::new(Shared { listener, ..Shared::default() }) }
    }

    /// Never waited for: there is one thread, and nobody waits with it in hand.
    fn with<T>(&self, change: impl FnOnce(&mut Shared) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One end of a wire.
#[derive(Clone, Debug)]
pub struct End {
    /// The wire.
    pub wire: Arc<Wire>,
    /// Whether it is where codes, or orders, come from.
    pub is_source: bool,
    /// What is wanted of it.
    pub tap: Tap,
}

impl End {
    /// Joins an open port to the wire, for as long as the passage lives. One that was `kept` open over a
    /// restart, at this time, may be in the middle of something.
    #[must_use]
    pub fn join(&self, port: &Port, kept: Option<Timestamp>) -> Passage {
        // What is no serial line has been refused by the configuration; a replay hears nothing.
        let writer = port.writer().ok().map(Arc::new);
        let is_source = self.is_source;
        self.wire.with(|shared| shared.own(is_source).clone_from(&writer));
        let unread = if kept.is_some() { port.unread() } else { 0 };
        Passage { end: self.clone(), writer, waiting: Vec::new(), lost: 0, unread, restless: kept }
    }
}

impl Shared {
    fn own(&mut self, is_source: bool) -> &mut Option<Arc<Writer>> {
        if is_source { &mut self.source } else { &mut self.sink }
    }
}

/// The way from one open line to the other.
#[derive(Debug)]
pub struct Passage {
    end: End,
    /// Our own line, as the other side has it.
    writer: Option<Arc<Writer>>,
    /// What found no room, and what has to wait behind it.
    waiting: Vec<Piece>,
    /// How many bytes found the other line closed.
    lost: usize,
    /// How many bytes were waiting when the daemon took the line over.
    unread: usize,
    /// While the daemon may be in the middle of something, when the line was last heard of.
    restless: Option<Timestamp>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Secret<Vec<u8>>),
    Mark(Mark),
}

impl Drop for Passage {
    fn drop(&mut self) {
        let (is_source, ours) = (self.end.is_source, self.writer.clone());
        self.end.wire.with(|shared| {
            let own = shared.own(is_source);
            // Another session may have joined meanwhile.
            let is_ours = |writer: &Arc<Writer>| ours.iter().any(|ours| Arc::ptr_eq(ours, writer));
            own.take_if(|writer| is_ours(writer));
        });
    }
}

impl Passage {
    /// Whether this end is where codes come from.
    #[must_use]
    pub fn is_source(&self) -> bool {
        self.end.is_source
    }

    /// Passes on what came, as far as the other line has room.
    pub fn pass(&mut self, input: Input<'_>) {
        let piece = match input {
            Input::Bytes(bytes) => {
                let rest = if self.waiting.is_empty() { self.write(bytes) } else { bytes };
                if rest.is_empty() {
                    return;
                }
                Piece::Bytes(Secret::copy_of(rest))
            }
            Input::BadByte(byte) => Piece::Mark(Mark::BadByte(byte)),
            Input::Break => Piece::Mark(Mark::Break),
            Input::Descriptor(_) | Input::Report { .. } => return,
        };
        // A line that is held low says so again and again; once is enough for whoever listens.
        let is_again = matches!(
            (&piece, self.waiting.last()),
            (Piece::Mark(Mark::Break), Some(Piece::Mark(Mark::Break)))
        );
        let marks = self.waiting.iter().filter(|piece| matches!(piece, Piece::Mark(_))).count();
        if !is_again && (marks < MARKS || matches!(piece, Piece::Bytes(_))) {
            self.waiting.push(piece);
        }
    }

    /// What of these bytes has found no room.
    fn write<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let written = self.other().map(|other| other.write(bytes));
        match written {
            Some(Ok(written)) => bytes.get(written..).unwrap_or_default(),
            // Its own session tells why it is gone.
            Some(Err(_)) | None => {
                self.lost += bytes.len();
                &[]
            }
        }
    }

    /// The terminal has said something.
    fn hear(&self, now: Timestamp) {
        if !self.end.is_source {
            self.end.wire.with(|shared| {
                shared.answered = Some(now);
                (shared.answer_by, shared.then_by) = (None, None);
            });
        }
    }

    fn other(&self) -> Option<Arc<Writer>> {
        let is_source = self.end.is_source;
        self.end.wire.with(|shared| shared.own(!is_source).clone())
    }

    /// What has come to its end by what came, where somebody understands the dialogue.
    pub fn overhear(&mut self, now: Timestamp, input: Input<'_>) -> Vec<Overheard> {
        let side = if self.end.is_source { Side::Till } else { Side::Terminal };
        self.end
            .wire
            .with(|shared| shared.listener.as_mut().map(|listener| listener.hear(now, side, input)))
            .unwrap_or_default()
    }

    /// What has lost its end, now that this line is gone.
    pub fn lost(&mut self) -> Option<Overheard> {
        self.end.wire.with(|shared| shared.listener.as_mut().and_then(|listener| listener.lost()))
    }

    /// Whether what comes now may be read: the daemon before this one may have heard the first half of it,
    /// and half a code is never taken for one.
    pub fn reads(&mut self, now: Timestamp, input: Input<'_>) -> bool {
        self.hear(now);
        let Some(last) = self.restless else { return true };
        // As the kernel has them: a byte FF is marked by another one, all else by two bytes before it.
        let bytes = match input {
            Input::Bytes(bytes) => bytes.len() + bytes.iter().filter(|byte| **byte == 0xFF).count(),
            _ => 3,
        };
        if self.unread > 0 || now.since(last) < REST {
            self.unread = self.unread.saturating_sub(bytes);
            self.restless = Some(now);
            return false;
        }
        self.restless = None;
        true
    }

    /// Passes on what waits for room, where anything does. What the other line does not take in time is lost;
    /// that is told, and what found it closed before.
    pub async fn flush(&mut self) -> Option<Fault> {
        if self.waiting.is_empty() {
            return self.take_lost();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut left: usize = waiting.iter().map(Piece::bytes).sum();
        let Some(other) = self.other() else {
            self.lost += left;
            return self.take_lost();
        };
        for piece in waiting {
            match &piece {
                Piece::Bytes(bytes) => match write_all(&other, bytes.expose(), &mut left).await {
                    Written::All => {}
                    Written::Gone => {
                        self.lost += left;
                        return self.take_lost();
                    }
                    Written::Stalled => return Some(Fault::Stalled { bytes: left }),
                },
                Piece::Mark(mark) => {
                    left -= piece.bytes();
                    // A driver that cannot make one leaves a gap; the fault tells of it all the same. It is
                    // not given up half-way, which would leave the line as no line is.
                    let _ = other.mark(*mark).await;
                }
            }
        }
        self.take_lost()
    }

    fn take_lost(&mut self) -> Option<Fault> {
        let bytes = std::mem::take(&mut self.lost);
        (bytes > 0).then_some(Fault::Severed { bytes })
    }

    /// A code has gone on whose last byte came then: the terminal may have to say something to it, unless it
    /// has by now. Where silence ends a code, that is known only later.
    pub fn code(&mut self, last: Timestamp) {
        let reply = self.end.tap.reply;
        self.end.wire.with(|shared| {
            let within = reply.or_else(|| shared.answered.map(|_| ANSWERS_WITHIN));
            let is_answered = shared.answered.is_some_and(|answered| answered > last);
            let Some(by) = within.filter(|_| !is_answered).map(|within| last + within) else {
                return;
            };
            // Codes that come faster than that must not put the fault off for ever.
            match shared.answer_by {
                Some(_) => shared.then_by = Some(by),
                None => shared.answer_by = Some(by),
            }
        });
    }

    /// When the terminal will have said nothing for too long.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if !self.end.is_source {
            return None;
        }
        self.end.wire.with(|shared| shared.answer_by)
    }

    /// That the terminal has said nothing for too long, once.
    pub fn expire(&mut self, now: Timestamp) -> Option<Fault> {
        if !self.end.is_source {
            return None;
        }
        let late = self.end.wire.with(|shared| {
            let late = shared.answer_by.take_if(|by| *by <= now);
            if late.is_some() {
                shared.answer_by = shared.then_by.take();
            }
            late
        });
        let within = self.end.tap.reply.unwrap_or(ANSWERS_WITHIN);
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        late.map(|_| Fault::Unanswered { millis })
    }
}

impl Piece {
    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Mark(Mark::BadByte(_)) => 1,
            Self::Mark(Mark::Break) => 0,
        }
    }
}

/// How far a write has come.
enum Written {
    All,
    /// The line is gone.
    Gone,
    /// The line takes nothing.
    Stalled,
}

/// Writes everything, and counts down what is left.
async fn write_all(other: &Writer, bytes: &[u8], left: &mut usize) -> Written {
    let mut rest = bytes;
    while !rest.is_empty() {
        match other.write(rest) {
            Ok(0) => match timeout(STALLS_AFTER, other.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Written::Gone,
                Err(_) => return Written::Stalled,
            },
            Ok(written) => {
                *left -= written;
                rest = rest.get(written..).unwrap_or_default();
            }
            Err(_) => return Written::Gone,
        }
    }
    Written::All
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;

    const SECOND: u64 = 1_000_000;

    fn at(tenths: u64) -> Timestamp {
        Timestamp(tenths * SECOND / 10)
    }

    /// Both ends of a wire on which a terminal has two seconds to answer.
    fn wire() -> (Passage, Passage) {
        let wire = Arc::new(Wire::default());
        let end = |is_source| End {
            wire: Arc::clone(&wire),
            is_source,
            tap: Tap { reply: Some(Duration::from_secs(2)) },
        };
        let port = || Port::replay(Recording::default());
        (end(true).join(&port(), None), end(false).join(&port(), None))
    }

    #[test]
    fn an_answer_that_comes_before_silence_has_ended_the_code_is_one() {
        let (mut source, mut sink) = wire();
        assert!(source.reads(at(10), Input::Bytes(b"4006381333931")));
        assert!(sink.reads(at(11), Input::Bytes(b"\x06")));
        // Only now is it known that the code has come to its end.
        source.code(at(10));
        assert_eq!((source.deadline(), source.expire(at(99))), (None, None));
        // One from before the code is none.
        source.code(at(12));
        assert_eq!(source.deadline(), Some(at(32)));
        assert!(sink.reads(at(13), Input::Bytes(b"\x06")));
        assert_eq!(source.deadline(), None);
    }

    #[test]
    fn codes_that_come_faster_than_the_terminal_has_time_to_answer_put_no_fault_off() {
        let (mut source, _sink) = wire();
        let late = Some(Fault::Unanswered { millis: 2000 });
        for tenths in [10, 20, 25] {
            source.code(at(tenths));
        }
        assert_eq!((source.expire(at(29)), source.deadline()), (None, Some(at(30))));
        assert_eq!((source.expire(at(30)), source.deadline()), (late, Some(at(45))));
        assert_eq!((source.expire(at(45)), source.deadline()), (late, None), "the newest");
    }
}
