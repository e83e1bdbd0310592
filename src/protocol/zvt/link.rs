//! The serial line below the dialogue: one frame at a time, each acknowledged (PA00P016).
//!
//! Contract: pure. A frame that came twice because its acknowledgement was lost is handed out once: it
//! is the same again before our answer to it has been acknowledged. What may move money is sent again
//! only where the terminal has said that it did not understand it, never because it said nothing. What
//! comes may have crossed a command of ours: only the acknowledgement says that the terminal has it.

use std::collections::VecDeque;
use std::time::Duration;

use super::apdu::Apdu;
use crate::event::{Fault, Timestamp};
use crate::frame::shell::{Heard, Kept};
use crate::frame::{Buffer, Dle, dle};
use crate::protocol::{Input, Item, Output, Token};

/// Between two bytes of a frame (T1 of the transport document).
const SILENCE: Duration = Duration::from_millis(200);
/// Until a frame is acknowledged (T3).
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);
/// How often a frame is sent in all.
const TRIES: u32 = 3;
/// The longest frame: more than the protocol's long form is used for on a serial line.
const LIMIT: usize = 8192;

/// When a frame may be sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// When it was not understood, and when nothing was said.
    Freely,
    /// Only when the terminal has said that it was not understood. Whatever it says shows that it is there.
    OnRefusal,
}

/// How far the last command has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// There is none, or it waits for the line.
    #[default]
    Unsent,
    /// It has been sent.
    Sent,
    /// The terminal has acknowledged it: what comes from here on may be about it.
    Acknowledged,
}

/// What the line tells the dialogue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The terminal has said this.
    Received(Apdu),
    /// What was sent last has arrived.
    Delivered,
    /// It has not, or nobody knows.
    Lost,
}

struct InFlight {
    frame: Vec<u8>,
    repeat: Repeat,
    tries: u32,
    deadline: Timestamp,
    is_answer: bool,
}

/// The line.
pub(super) struct Link {
    framer: Dle,
    waiting: VecDeque<(Vec<u8>, Repeat, bool)>,
    in_flight: Option<InFlight>,
    standing: Standing,
    /// The last frame received, as long as our answer to it is under way.
    last: Buffer,
    token: Token,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            framer: Dle::new(LIMIT, SILENCE),
            waiting: VecDeque::new(),
            in_flight: None,
            standing: Standing::Unsent,
            last: Buffer::default(),
            token: Token(0),
        }
    }
}

impl Link {
    /// Sends a command.
    pub(super) fn command(
        &mut self,
        now: Timestamp,
        apdu: &Apdu,
        repeat: Repeat,
        out: &mut Output,
    ) {
        self.waiting.push_back((dle::frame(&apdu.encode()), repeat, false));
        self.standing = Standing::Unsent;
        self.pump(now, out);
    }

    /// Answers what was received last. That goes before a command: the terminal waits for it.
    pub(super) fn answer(&mut self, now: Timestamp, apdu: &Apdu, out: &mut Output) {
        let answers = self.waiting.iter().take_while(|(_, _, is_answer)| *is_answer).count();
        self.waiting.insert(answers, (dle::frame(&apdu.encode()), Repeat::Freely, true));
        self.pump(now, out);
    }

    /// How far the last command has come.
    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// Acknowledges the frame received last. Called once what it said is on disk, where it has to be.
    pub(super) fn acknowledge(out: &mut Output) {
        out.push(Item::Write(dle::acknowledgement(), None));
    }

    /// Drops commands that have not been sent yet. Gives whether there were any.
    pub(super) fn drop_commands(&mut self) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(_, _, is_answer)| *is_answer);
        self.waiting.len() < before
    }

    /// Waits for no command any more. What the terminal waits for it still gets.
    pub(super) fn give_up(&mut self, now: Timestamp, out: &mut Output) {
        self.drop_commands();
        self.in_flight.take_if(|flight| !flight.is_answer);
        self.standing = Standing::Unsent;
        self.pump(now, out);
    }

    /// Takes what came.
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        input: Input<'_>,
        events: &mut Vec<Event>,
        out: &mut Output,
    ) {
        let mut heard = Vec::new();
        let mut note = |one: Heard<'_>| heard.push(Kept::from(one));
        match input {
            Input::Bytes(bytes) => self.framer.receive(now, bytes, &mut note),
            Input::BadByte(_) => self.framer.damage(now, Fault::BadByte, &mut note),
            Input::Break => self.framer.damage(now, Fault::Break, &mut note),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
        for one in heard {
            self.hear(now, one, events, out);
        }
    }

    /// When [`timeout`](Self::timeout) is due.
    #[must_use]
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let flight = self.in_flight.as_ref().map(|flight| flight.deadline);
        [self.framer.deadline(), flight].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(super) fn timeout(&mut self, now: Timestamp, events: &mut Vec<Event>, out: &mut Output) {
        let mut heard = Vec::new();
        self.framer.expire(now, &mut |one| heard.push(Kept::from(one)));
        for one in heard {
            self.hear(now, one, events, out);
        }
        let due = self.in_flight.as_ref().is_some_and(|flight| flight.deadline <= now);
        if due {
            out.fault(Fault::NoReply);
            self.again(now, Repeat::Freely, events, out);
        }
    }

    /// The frame with this token has left.
    pub(super) fn sent(&mut self, now: Timestamp, token: Token) {
        if token == self.token
            && let Some(flight) = &mut self.in_flight
        {
            flight.deadline = now + ACKNOWLEDGED_WITHIN;
        }
    }

    /// The line is gone.
    pub(super) fn close(&mut self, out: &mut Output) {
        self.framer.close(&mut |one| {
            if let Heard::Bad(fault) | Heard::Noise(fault) = one {
                out.fault(fault);
            }
        });
        self.waiting.clear();
        self.in_flight = None;
    }

    fn hear(&mut self, now: Timestamp, one: Kept, events: &mut Vec<Event>, out: &mut Output) {
        match one {
            Kept::Byte(dle::ACK) => self.acknowledged(now, events, out),
            Kept::Byte(_) => {
                let token = self.in_flight.is_some();
                if token {
                    out.fault(Fault::Refused { status: 0x15 });
                }
                self.again(now, Repeat::OnRefusal, events, out);
            }
            Kept::Noise(fault) => out.fault(fault),
            Kept::Bad(fault) => {
                out.fault(fault);
                out.push(Item::Write(dle::refusal(), None));
            }
            Kept::Frame(frame) => self.frame(now, &frame, events, out),
        }
    }

    fn frame(&mut self, now: Timestamp, frame: &Buffer, events: &mut Vec<Event>, out: &mut Output) {
        if !self.last.is_empty() && self.last.bytes() == frame.bytes() {
            Self::acknowledge(out);
            if self.in_flight.as_ref().is_some_and(|flight| flight.is_answer) {
                self.again(now, Repeat::Freely, events, out);
            }
            return;
        }
        // A terminal that goes on has understood what it was sent, even where its acknowledgement is lost. But
        // what can be asked again is: what comes now may have crossed it. Neither does a command go out behind
        // an answer that may have been crossed.
        let goes_on = |flight: &InFlight| match flight.is_answer {
            true => self.waiting.iter().all(|(_, _, is_answer)| *is_answer),
            false => flight.repeat == Repeat::OnRefusal,
        };
        if self.in_flight.as_ref().is_some_and(goes_on) {
            self.delivered(now, events, out);
        }
        match Apdu::decode(frame.bytes()) {
            Ok(apdu) => {
                self.last.clear();
                self.last.extend(frame.bytes());
                events.push(Event::Received(apdu));
            }
            Err(at) => {
                out.fault(Fault::Malformed { at });
                out.push(Item::Write(dle::refusal(), None));
            }
        }
    }

    fn acknowledged(&mut self, now: Timestamp, events: &mut Vec<Event>, out: &mut Output) {
        let is_answer = self.in_flight.as_ref().is_some_and(|flight| flight.is_answer);
        if !is_answer && self.standing == Standing::Sent {
            self.standing = Standing::Acknowledged;
            // What it says to this is new, though it were the same as before.
            self.last.clear();
        }
        self.delivered(now, events, out);
    }

    fn delivered(&mut self, now: Timestamp, events: &mut Vec<Event>, out: &mut Output) {
        let Some(flight) = self.in_flight.take() else { return };
        if flight.is_answer {
            // From here on the same frame is another one: receipts have equal lines.
            self.last.clear();
        }
        if !flight.is_answer {
            events.push(Event::Delivered);
        }
        self.pump(now, out);
    }

    /// Sends what is in flight once more, where its rule allows that for this cause.
    fn again(&mut self, now: Timestamp, cause: Repeat, events: &mut Vec<Event>, out: &mut Output) {
        let Some(mut flight) = self.in_flight.take() else { return };
        let allowed = cause == Repeat::OnRefusal || flight.repeat == Repeat::Freely;
        if !allowed || flight.tries >= TRIES {
            // To a terminal that does not take an answer nothing more is said.
            if !flight.is_answer || self.drop_commands() {
                events.push(Event::Lost);
            }
            self.last.clear();
            self.pump(now, out);
            return;
        }
        flight.tries += 1;
        flight.deadline = now + ACKNOWLEDGED_WITHIN;
        self.write(&flight.frame, out);
        self.in_flight = Some(flight);
    }

    fn pump(&mut self, now: Timestamp, out: &mut Output) {
        if self.in_flight.is_some() {
            return;
        }
        let Some((frame, repeat, is_answer)) = self.waiting.pop_front() else { return };
        self.write(&frame, out);
        if !is_answer {
            self.standing = Standing::Sent;
        }
        let deadline = now + ACKNOWLEDGED_WITHIN;
        self.in_flight = Some(InFlight { frame, repeat, tries: 1, deadline, is_answer });
    }

    fn write(&mut self, frame: &[u8], out: &mut Output) {
        self.token = Token(self.token.0.wrapping_add(1));
        out.push(Item::Write(frame.to_vec(), Some(self.token)));
    }
}
