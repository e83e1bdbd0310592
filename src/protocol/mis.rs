//! Links of payment terminals whose messages an acquirer's paper lays out: STX, a length of four digits in
//! two bytes, fixed fields, ETX, LRC.
//!
//! Source: the shape is that of a published implementation, and the one that Chinese acquirers' cash register
//! links (MIS) are said to have; `protocol-docs/mis.md` says what has been confirmed. The fields are the
//! profile's.
//!
//! Oddities: acquirers differ in what the LRC covers and in whether messages are acknowledged. Nothing is known
//! of such a terminal but its table, so nothing is asked about an earlier transaction: a cut ends in
//! `unknown`. Where answers do not carry our number, a late one looks like the next transaction's.
//!
//! Absent: fields with separators, messages to the terminal's display, closing the day.

pub(crate) mod table;

use std::time::Duration;

use zeroize::Zeroizing;

use self::table::{Table, Told};
use crate::event::terminal::{
    Awaiting, Ending, Entry, Instruction, Misfit, Operation, Order, Progress, Said,
};
use crate::event::{Fault, Refusal, Timestamp};
use crate::frame::control::{self, ACK, Control, NAK};
use crate::frame::shell::Kept;
use crate::protocol::concert;
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Opening, Output, Protocol, Token,
};
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
    /// Without numbers: until then an answer may come that is not the next transaction's.
    quiet_from: Option<Timestamp>,
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
        Self { table, framer, job: None, patience: None, quiet_from: None, token: Token(0) }
    }
}

impl Protocol for Mis {
    fn opened(&mut self, now: Timestamp, _opening: Opening, _out: &mut Output) {
        // Nobody knows what was under way before.
        self.wait_for_quiet(now);
    }

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
            Instruction::Begin(_) if self.quiet_from.is_some_and(|from| now < from) => {
                Err(Refusal::Busy)
            }
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
            Instruction::Abort | Instruction::Enquire(_) | Instruction::Status(_) => {
                Err(Refusal::Unsupported)
            }
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
            self.end(now, Ending::Unclear("the terminal has gone silent".into()), out);
        }
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        concert::hang_up(&mut self.framer, out);
        if self.job.is_some() {
            self.end(now, Ending::Unclear("the line went away".into()), out);
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
        self.end(now, Ending::Unclear("the terminal does not understand the order".into()), out);
    }

    fn message(&mut self, now: Timestamp, message: &[u8], out: &mut Output) {
        let told = match self.table.answer(message) {
            // Of a transaction that is over for us. It is taken, so that the terminal goes on.
            told if self.job.is_none() => return self.late(now, told.ok().flatten(), out),
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
        if told.number.is_some_and(|number| (1..job.order.transaction).contains(&number)) {
            // The answer to this order is still to come.
            return self.late(now, Some(told), out);
        }
        if !job.is_taken {
            out.push(Item::Persist(Entry::Accepted));
        }
        let ending = ending(&job.order, &told, out);
        out.push(Item::Persist(Entry::Answer(Box::new(told.answer))));
        self.end(now, ending, out);
        self.acknowledge(ACK, out);
    }

    /// Keeps the terminal's word on a transaction that is over for us.
    fn late(&mut self, now: Timestamp, told: Option<Told>, out: &mut Output) {
        if self.job.is_none() {
            self.wait_for_quiet(now);
        }
        if let Some(told) = told {
            out.fault(Fault::Late);
            out.push(Item::Persist(Entry::Late(told.number, Box::new(told.answer))));
        }
        self.acknowledge(ACK, out);
    }

    /// Where an answer does not say whose it is, none may be due when the next order goes out.
    fn wait_for_quiet(&mut self, now: Timestamp) {
        self.quiet_from = self.table.unnumbered.then(|| now + self.table.answered_within);
    }

    fn end(&mut self, now: Timestamp, ending: Ending, out: &mut Output) {
        self.job = None;
        self.patience = None;
        if matches!(ending, Ending::Unclear(_) | Ending::Contradictory(_)) {
            self.wait_for_quiet(now);
        }
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

/// How a transaction ended that was answered.
fn ending(order: &Order, told: &Told, out: &mut Output) -> Ending {
    let misfit = if told.number.is_some_and(|number| number != order.transaction) {
        Some(("number", "the answer does not carry our number".to_owned()))
    } else if told.number.is_none() && told.answer.amount != Some(order.amount) {
        // It may be a part of the amount, or all of another transaction's.
        Some(("amount", Misfit::Amount.to_string()))
    } else {
        // With our number it is ours, and a receipt number that was there before has begun again.
        let ours = |misfit: &Misfit| !matches!(misfit, Misfit::Before(_)) || told.number.is_none();
        let misfit = order.misfit(&told.answer, None).filter(|_| told.answer.approved);
        misfit.filter(ours).map(|misfit| (misfit.word(), misfit.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    /// A table without our number, which answers within ten seconds.
    fn unnumbered() -> Mis {
        let text = "protocol = { approved = [\"00\"], unnumbered = true, answer-within = 10, \
                    payment = [{ field = \"amount\", width = 6 }], \
                    answer = [{ field = \"result\", width = 2 }, { field = \"amount\", width = 6 }] }";
        let file = File { name: "test".to_owned(), text: text.to_owned() };
        let document = file.parse().unwrap();
        let section = document.root().section("protocol").unwrap().unwrap();
        Mis::new(Table::read(&section).unwrap())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    fn said(out: &mut Output) -> Vec<String> {
        std::iter::from_fn(|| out.pop())
            .filter_map(|item| match item {
                Item::Persist(Entry::Ended(ending)) => Some(format!("{ending:?}")),
                Item::Persist(Entry::Late(number, answer)) => {
                    Some(format!("late {number:?} {:?}", answer.amount))
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn without_numbers_nothing_begins_until_an_earlier_answer_can_no_longer_come() {
        let (mut mis, mut out) = (unnumbered(), Output::default());
        let begin = |mis: &mut Mis, now, out: &mut Output| {
            let order = Order::new(2, Operation::Payment, 1250, None);
            mis.instruct(now, Instruction::Begin(order), out)
        };
        let hear = |mis: &mut Mis, now, message: &[u8], out: &mut Output| {
            let frame = control::framed(mis.table.shape, message);
            mis.receive(now, Input::Bytes(&frame), out);
        };
        mis.opened(at(0), Opening::Fresh, &mut out);
        assert_eq!(begin(&mut mis, at(9), &mut out), Err(Refusal::Busy));
        hear(&mut mis, at(9), b"00001250", &mut out);
        assert_eq!(said(&mut out), ["late None Some(1250)"]);
        assert_eq!(begin(&mut mis, at(18), &mut out), Err(Refusal::Busy), "quiet for nine seconds");
        assert_eq!(begin(&mut mis, at(19), &mut out), Ok(()));
        mis.receive(at(19), Input::Bytes(&[ACK]), &mut out);
        mis.timeout(at(29), &mut out);
        assert_eq!(said(&mut out), ["Unclear(\"the terminal has gone silent\")"]);
        assert_eq!(begin(&mut mis, at(30), &mut out), Err(Refusal::Busy), "it may still answer");
        assert_eq!(begin(&mut mis, at(39), &mut out), Ok(()));
        hear(&mut mis, at(40), b"00001250", &mut out);
        assert_eq!(said(&mut out), ["Approved"]);
        assert_eq!(begin(&mut mis, at(41), &mut out), Ok(()), "all is clear");
        hear(&mut mis, at(42), b"00000500", &mut out);
        let [ended] = &said(&mut out)[..] else { panic!("one end") };
        assert!(
            ended.starts_with("Contradictory"),
            "a part of the amount may be another's: {ended}"
        );
    }

    #[test]
    fn with_our_number_it_matters_not_that_receipt_numbers_have_begun_again() {
        let order = Order { last_receipt: Some(1), ..Order::new(2, Operation::Payment, 5, None) };
        let answer = crate::event::terminal::Answer {
            approved: true,
            amount: Some(5),
            receipt: Some(1),
            ..Default::default()
        };
        let told = |number| Told { answer: answer.clone(), number, is_stopped: false };
        let mut out = Output::default();
        assert_eq!(ending(&order, &told(Some(2)), &mut out), Ending::Approved);
        assert!(matches!(ending(&order, &told(None), &mut out), Ending::Contradictory(_)));
    }
}
