//! Links of payment terminals whose messages an acquirer's paper lays out: STX, a length of four digits in
//! two bytes, fixed fields, ETX, LRC.
//!
//! Source: the shape is that of a published implementation, and the one that Chinese acquirers' cash register
//! links (MIS) are said to have; `protocol-docs/mis.md` says what has been confirmed. The fields are the
//! profile's.
//!
//! Oddities: acquirers differ in what the LRC covers and in whether messages are acknowledged. Nothing is known
//! of such a terminal but its table, so nothing is asked about an earlier transaction: a cut ends in
//! `unknown`.
//!
//! Absent: fields with separators, messages to the terminal's display, closing the day.

pub(crate) mod table;

use std::time::Duration;

use zeroize::Zeroizing;

use self::table::{Table, Told};
use crate::event::terminal::{
    Awaiting, Ending, Entry, Instruction, Operation, Order, Progress, Said,
};
use crate::event::{Fault, Refusal, Timestamp};
use crate::frame::control::{self, ACK, Control, NAK};
use crate::frame::shell::Kept;
use crate::protocol::concert;
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, Token};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "mis",
    title: "payment terminals with an acquirer's field table",
    kind: Kind::Terminal,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// Until a message is acknowledged, and between two bytes of one.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(3);
/// How often a message is sent that the terminal does not understand.
const TRIES: u32 = 3;
/// The longest message that has ever been seen in such a paper is a quarter of this.
const LIMIT: usize = 4096;

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let table = Table::read(section)?;
    let mut able: Vec<&'static str> = table.operations().map(Operation::word).collect();
    if table.carries_codes() {
        able.push("code");
    }
    Ok(Configured::new(&able, move || Box::new(Mis::new(table.clone()))))
}

/// One conversation.
struct Mis {
    table: Table,
    framer: Control,
    job: Option<Job>,
    /// When the terminal's silence will have meant something.
    patience: Option<Timestamp>,
    token: Token,
}

struct Job {
    order: Order,
    /// What is sent; it may carry a payment code.
    frame: Zeroizing<Vec<u8>>,
    tries: u32,
    is_taken: bool,
}

impl Mis {
    fn new(table: Table) -> Self {
        let framer = Control::of(table.shape, LIMIT, ACKNOWLEDGED_WITHIN);
        Self { table, framer, job: None, patience: None, token: Token(0) }
    }
}

impl Protocol for Mis {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let heard = concert::hear(&mut self.framer, now, input);
        self.hear(now, heard, out);
    }

    fn instruct(
        &mut self,
        now: Timestamp,
        instruction: Instruction,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match instruction {
            Instruction::Begin(_) if self.job.is_some() => Err(Refusal::Busy),
            Instruction::Begin(order) => {
                let message = self.table.request(&order)?;
                let frame = Zeroizing::new(control::framed(self.table.shape, &message));
                self.job = Some(Job { order, frame, tries: 1, is_taken: false });
                out.push(Item::Persist(Entry::Sending));
                self.send(now, out);
                if !self.table.acknowledged {
                    self.taken(now, out);
                }
                Ok(())
            }
            Instruction::Abort | Instruction::Enquire(_) => Err(Refusal::Unsupported),
        }
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        let waits = self.job.as_ref().is_some_and(|job| !job.is_taken);
        if token == self.token && waits {
            self.patience = Some(now + ACKNOWLEDGED_WITHIN);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.framer.deadline(), self.patience].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let mut heard = Vec::new();
        self.framer.expire(now, &mut |one| heard.push(Kept::from(one)));
        self.hear(now, heard, out);
        if self.patience.take_if(|patience| *patience <= now).is_some() {
            out.fault(Fault::NoReply);
            self.end(Ending::Unclear("the terminal has gone silent".into()), out);
        }
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        concert::hang_up(&mut self.framer, out);
        if self.job.is_some() {
            self.end(Ending::Unclear("the line went away".into()), out);
        }
    }
}

impl Mis {
    fn send(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &self.job else { return };
        self.token = Token(self.token.0.wrapping_add(1));
        out.push(Item::Write(job.frame.to_vec(), Some(self.token)));
        self.patience = Some(now + ACKNOWLEDGED_WITHIN);
    }

    fn hear(&mut self, now: Timestamp, heard: Vec<Kept>, out: &mut Output) {
        for one in heard {
            match one {
                Kept::Byte(ACK) => self.taken(now, out),
                Kept::Byte(NAK) => self.again(now, out),
                Kept::Byte(_) => {}
                Kept::Frame(message) => self.message(now, message.bytes(), out),
                Kept::Bad(fault) => {
                    out.fault(fault);
                    self.acknowledge(NAK, out);
                }
                Kept::Noise(fault) => out.fault(fault),
            }
        }
    }

    fn acknowledge(&self, byte: u8, out: &mut Output) {
        if self.table.acknowledged {
            out.push(Item::Write(vec![byte], None));
        }
    }

    /// The terminal has the order.
    fn taken(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = self.job.as_mut().filter(|job| !job.is_taken) else { return };
        job.is_taken = true;
        self.patience = Some(now + self.table.answered_within);
        out.push(Item::Persist(Entry::Accepted));
        let text = "waiting for the customer and the bank".into();
        out.push(Item::Said(Said::Progress(Progress { awaiting: Awaiting::Customer, text })));
    }

    /// It did not understand, and said so: only then is the order sent again.
    fn again(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = self.job.as_mut().filter(|job| !job.is_taken) else { return };
        out.fault(Fault::Refused { status: NAK });
        if job.tries < TRIES {
            job.tries += 1;
            return self.send(now, out);
        }
        self.end(Ending::Unclear("the terminal does not understand the order".into()), out);
    }

    fn message(&mut self, now: Timestamp, message: &[u8], out: &mut Output) {
        if self.job.is_none() {
            // Of a transaction that is over for us. It is taken, so that the terminal goes on.
            return self.acknowledge(ACK, out);
        }
        let told = match self.table.answer(message) {
            Ok(Some(told)) => told,
            // Another message than an answer: the terminal is at work.
            Ok(None) => {
                self.acknowledge(ACK, out);
                return self.taken(now, out);
            }
            Err(at) => {
                out.fault(Fault::Malformed { at });
                return self.acknowledge(NAK, out);
            }
        };
        let Some(job) = &self.job else { return };
        if !job.is_taken {
            out.push(Item::Persist(Entry::Accepted));
        }
        let ending = ending(&job.order, &told, out);
        out.push(Item::Persist(Entry::Answer(Box::new(told.answer))));
        self.end(ending, out);
        self.acknowledge(ACK, out);
    }

    fn end(&mut self, ending: Ending, out: &mut Output) {
        self.job = None;
        self.patience = None;
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

/// How a transaction ended that was answered.
fn ending(order: &Order, told: &Told, out: &mut Output) -> Ending {
    let misfit = if told.number.is_some_and(|number| number != order.transaction) {
        Some(("number", "the answer does not carry our number".to_owned()))
    } else {
        let misfit = order.misfit(&told.answer, None).filter(|_| told.answer.approved);
        misfit.map(|misfit| (misfit.word(), misfit.to_string()))
    };
    if let Some((what, why)) = misfit {
        out.fault(Fault::Misfit { what });
        return Ending::Contradictory(why.into());
    }
    match (told.answer.approved, told.is_stopped) {
        (true, _) => Ending::Approved,
        (false, true) => Ending::Aborted,
        (false, false) => Ending::Declined,
    }
}
