//! Concert, the language of French payment terminals (Ingenico Telium and others) on a serial line, in
//! message layout 2 ("E" and "E+") and 3 (Caisse-AP).
//!
//! Source: what two independent implementations agree on; `protocol-docs/concert.md` names them.
//!
//! Oddities: both sides ask to speak (ENQ) and end with EOT. The answer comes when the terminal is done,
//! minutes later. There is nothing to ask about an earlier transaction, so a cut ends in `unknown`. Our
//! number of the transaction travels in the private field, and an answer without it is not ours.
//!
//! Absent: cheques, the report of 55 characters (it may name the card), Caisse-AP over TCP.

mod layout;
pub mod told;

use std::time::Duration;

use self::layout::{Layout, Reply};

use crate::event::terminal::{Awaiting, Ending, Entry, Instruction, Order, Progress, Said};
use crate::event::{Fault, Refusal, Timestamp};
use crate::frame::control::{self, ACK, Control, ENQ, EOT, NAK};
use crate::frame::shell::{Heard, Kept};
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, Token};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "concert",
    title: "Concert and Caisse-AP payment terminals on a serial line",
    kind: Kind::Terminal,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// Until a byte of ours is answered, and between two bytes of a message.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// Between two calls that are not answered.
const CALL_EVERY: Duration = Duration::from_secs(1);
/// How often the terminal is called, and a message sent that it does not understand.
const TRIES: u32 = 3;
/// Until the terminal is done: a customer looks for a card.
const DONE_WITHIN: Duration = Duration::from_secs(180);
/// The longest message, with a receipt.
const LIMIT: usize = 2048;
/// How a till is called in layout 3 that is not called otherwise.
const IDENTIFIER: &str = "012345678901";

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let pos = section.integer("pos", 0..=99)?.unwrap_or(1);
    let identifier = section.string("identifier")?.unwrap_or(IDENTIFIER);
    if identifier.len() != 12 || !identifier.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let message = "`identifier` has to be twelve letters and digits";
        return Err(section.error("identifier", message));
    }
    let layout = match section.integer("layout", 2..=3)? {
        Some(3) => Layout::Three(identifier.to_owned()),
        _ => Layout::Two,
    };
    Ok(Configured::new(&["payment", "refund"], move || Box::new(Concert::new(layout.clone(), pos))))
}

/// One conversation.
struct Concert {
    layout: Layout,
    /// The till's number.
    pos: u32,
    framer: Control,
    job: Option<Job>,
    /// When the terminal's silence will have meant something.
    patience: Option<Timestamp>,
    token: Token,
}

struct Job {
    order: Order,
    step: Step,
    tries: u32,
    is_aborted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// We have asked to speak.
    Calling,
    /// Nobody answered; we shall ask again.
    Resting,
    /// The order has been sent.
    Ordering,
    /// The terminal is at work.
    Waiting,
    /// It has asked to speak, and may.
    Listening,
}

impl Concert {
    fn new(layout: Layout, pos: u32) -> Self {
        Self {
            layout,
            pos,
            framer: Control::new(LIMIT, ANSWERED_WITHIN),
            job: None,
            patience: None,
            token: Token(0),
        }
    }
}

impl Protocol for Concert {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        for one in hear(&mut self.framer, now, input) {
            self.hear(now, one, out);
        }
    }

    fn instruct(
        &mut self,
        now: Timestamp,
        instruction: Instruction,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match instruction {
            Instruction::Begin(_) if self.job.is_some() => Err(Refusal::Busy),
            Instruction::Begin(order) if order.amount > self.layout.most() => {
                Err(Refusal::Unfit("the amount is larger than a message has room for"))
            }
            Instruction::Begin(order) => {
                let (step, tries) = (Step::Calling, 1);
                self.job = Some(Job { order, step, tries, is_aborted: false });
                self.call(now, out);
                Ok(())
            }
            Instruction::Abort => {
                // The till has no way to stop the terminal; before the order it need not.
                let not_ordered =
                    |job: &&mut Job| matches!(job.step, Step::Calling | Step::Resting);
                let job = self.job.as_mut().filter(not_ordered).ok_or(Refusal::Unsupported)?;
                job.is_aborted = true;
                Ok(())
            }
            Instruction::Enquire(_) | Instruction::Status(_) => Err(Refusal::Unsupported),
        }
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        if token == self.token && self.patience.is_some() {
            self.patience = Some(now + ANSWERED_WITHIN);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.framer.deadline(), self.patience].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let mut heard = Vec::new();
        self.framer.expire(now, &mut |one| heard.push(Kept::from(one)));
        for one in heard {
            self.hear(now, one, out);
        }
        if self.patience.take_if(|patience| *patience <= now).is_some() {
            self.silence(now, out);
        }
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        hang_up(&mut self.framer, out);
        self.patience = None;
        if let Some(job) = self.job.take() {
            let ending = cut_off(&job, "the line went away");
            out.push(Item::Persist(Entry::Ended(ending)));
        }
    }
}

impl Concert {
    /// Asks to speak.
    fn call(&mut self, now: Timestamp, out: &mut Output) {
        self.patience = Some(now + ANSWERED_WITHIN);
        out.push(Item::Write(vec![ENQ], None));
    }

    fn hear(&mut self, now: Timestamp, one: Kept, out: &mut Output) {
        match one {
            Kept::Byte(byte) => self.byte(now, byte, out),
            Kept::Frame(message) => self.message(now, message.bytes(), out),
            Kept::Bad(fault) => {
                out.fault(fault);
                out.push(Item::Write(vec![NAK], None));
            }
            Kept::Noise(fault) => out.fault(fault),
        }
    }

    fn byte(&mut self, now: Timestamp, byte: u8, out: &mut Output) {
        let step = self.job.as_ref().map(|job| job.step);
        match (step, byte) {
            (Some(Step::Calling), ACK) => self.order(now, out),
            (Some(Step::Ordering), ACK) => {
                out.push(Item::Persist(Entry::Accepted));
                out.push(Item::Write(vec![EOT], None));
                let text = "waiting for the customer and the bank".into();
                let progress = Progress { awaiting: Awaiting::Customer, text };
                out.push(Item::Said(Said::Progress(progress)));
                self.go(Step::Waiting);
                self.patience = Some(now + DONE_WITHIN);
            }
            (Some(Step::Ordering), NAK) => {
                out.fault(Fault::Refused { status: NAK });
                self.order_again(now, out);
            }
            (Some(Step::Waiting | Step::Listening), ENQ) => {
                out.push(Item::Write(vec![ACK], None));
                self.go(Step::Listening);
                self.patience = Some(now + ANSWERED_WITHIN);
            }
            // It asks to speak of something else than we are about: it is let, and comes to nothing.
            (None | Some(Step::Calling | Step::Resting), ENQ) => {
                out.push(Item::Write(vec![ACK], None));
            }
            // The end of its turn; the answer has been taken before.
            _ => {}
        }
    }

    fn go(&mut self, step: Step) {
        if let Some(job) = &mut self.job {
            job.step = step;
        }
    }

    /// The terminal listens: now or never.
    fn order(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        if job.is_aborted {
            out.push(Item::Write(vec![EOT], None));
            return self.end(Ending::Aborted, out);
        }
        (job.step, job.tries) = (Step::Ordering, 1);
        out.push(Item::Persist(Entry::Sending));
        self.send(now, out);
    }

    fn send(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &self.job else { return };
        let message = self.layout.request(&job.order, self.pos);
        self.token = Token(self.token.0.wrapping_add(1));
        out.push(Item::Write(control::frame(message.as_bytes()), Some(self.token)));
        self.patience = Some(now + ANSWERED_WITHIN);
    }

    /// It did not understand, and said so: only then is the order sent again.
    fn order_again(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        if job.tries < TRIES {
            job.tries += 1;
            return self.send(now, out);
        }
        out.push(Item::Write(vec![EOT], None));
        self.end(Ending::Unclear("the terminal does not understand the order".into()), out);
    }

    fn silence(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        match job.step {
            Step::Calling => {
                out.fault(Fault::NoReply);
                out.push(Item::Write(vec![EOT], None));
                if job.is_aborted {
                    return self.end(Ending::Aborted, out);
                }
                if job.tries >= TRIES {
                    let why = "the terminal does not answer";
                    return self.end(Ending::Failed(why.into()), out);
                }
                job.tries += 1;
                job.step = Step::Resting;
                self.patience = Some(now + CALL_EVERY);
            }
            Step::Resting => {
                job.step = Step::Calling;
                self.call(now, out);
            }
            Step::Ordering | Step::Waiting | Step::Listening => {
                out.fault(Fault::NoReply);
                let why = "the terminal has gone silent";
                self.end(Ending::Unclear(why.into()), out);
            }
        }
    }

    fn message(&mut self, now: Timestamp, message: &[u8], out: &mut Output) {
        let about = |job: &&Job| !matches!(job.step, Step::Calling | Step::Resting);
        let reply = self.layout.reply(message);
        let Some(job) = self.job.as_ref().filter(about) else {
            // Of a transaction that is over for us. It is taken, so that the terminal goes on.
            return self.late(reply, out);
        };
        if let Some(earlier) = &reply
            && earlier.number().is_some_and(|number| is_before(number, job.order.transaction))
        {
            // The answer to this order is still to come.
            if job.step == Step::Listening {
                self.go(Step::Waiting);
                self.patience = Some(now + DONE_WITHIN);
            }
            return self.late(reply, out);
        }
        let Some(reply) = reply else {
            out.fault(Fault::Malformed { at: message.len() });
            out.push(Item::Write(vec![NAK], None));
            return;
        };
        if job.step == Step::Ordering {
            // It answers what it has not said it took.
            out.push(Item::Persist(Entry::Accepted));
        }
        let ending = ending(&job.order, self.pos, &reply, out);
        for line in reply.lines {
            out.push(Item::Persist(Entry::Receipt(line)));
        }
        out.push(Item::Persist(Entry::Answer(Box::new(reply.answer))));
        self.end(ending, out);
        out.push(Item::Write(vec![ACK], None));
    }

    /// Keeps the terminal's word on a transaction that is over for us.
    fn late(&self, reply: Option<Reply>, out: &mut Output) {
        if let Some(reply) = reply {
            out.fault(Fault::Late);
            // Another till's is none of ours, whatever number it carries.
            let number = reply.number().filter(|_| !is_anothers(&reply, self.pos));
            out.push(Item::Persist(Entry::Late(number, Box::new(reply.answer))));
        }
        out.push(Item::Write(vec![ACK], None));
    }

    fn end(&mut self, ending: Ending, out: &mut Output) {
        self.job = None;
        self.patience = None;
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

/// What came over a line of messages and control bytes.
pub(super) fn hear(framer: &mut Control, now: Timestamp, input: Input<'_>) -> Vec<Kept> {
    let mut heard = Vec::new();
    let mut note = |one: Heard<'_>| heard.push(Kept::from(one));
    match input {
        Input::Bytes(bytes) => framer.receive(now, bytes, &mut note),
        Input::BadByte(_) => framer.damage(now, Fault::BadByte, &mut note),
        Input::Break => framer.damage(now, Fault::Break, &mut note),
        Input::Descriptor(_) | Input::Report { .. } => {}
    }
    heard
}

/// Tells what was cut off when the line went away.
pub(super) fn hang_up(framer: &mut Control, out: &mut Output) {
    framer.close(&mut |one| {
        if let Heard::Bad(fault) | Heard::Noise(fault) = one {
            out.fault(fault);
        }
    });
}

/// A card number's last four characters, whatever of it the terminal has masked.
pub(super) fn last_four(number: &str) -> String {
    let hidden = number.chars().count().saturating_sub(4);
    let shown = |(place, character): (usize, char)| {
        if place < hidden || !character.is_ascii_digit() { '*' } else { character }
    };
    number.chars().enumerate().map(shown).collect()
}

/// How a transaction ended whose end was not heard.
fn cut_off(job: &Job, why: &'static str) -> Ending {
    match job.step {
        Step::Calling | Step::Resting => {
            Ending::Failed("the line went away before anything was asked".into())
        }
        Step::Ordering | Step::Waiting | Step::Listening => Ending::Unclear(why.into()),
    }
}

/// Whether a number is that of a transaction before this one; a number travels as its last ten digits.
fn is_before(number: u64, transaction: u64) -> bool {
    (1..transaction % layout::NUMBERS).contains(&number)
}

/// Whether it names another till.
fn is_anothers(reply: &Reply, pos: u32) -> bool {
    reply.pos.is_some_and(|named| named != pos)
}

/// How a transaction ended that was answered. What is not ours, and what is neither yes nor no, leaves it
/// unknown.
fn ending(order: &Order, pos: u32, reply: &Reply, out: &mut Output) -> Ending {
    let misfit = if reply.private.as_deref() != Some(&layout::private(order.transaction)) {
        Some(("number", "the answer does not carry our number".to_owned()))
    } else if is_anothers(reply, pos) {
        Some(("till", "the answer is for another till".to_owned()))
    } else {
        let misfit = order.misfit(&reply.answer, None).filter(|_| reply.made == Some(true));
        misfit.map(|misfit| (misfit.word(), misfit.to_string()))
    };
    if let Some((what, why)) = misfit {
        out.fault(Fault::Misfit { what });
        return Ending::Contradictory(why.into());
    }
    match reply.made {
        Some(true) => Ending::Approved,
        Some(false) if reply.is_stopped => Ending::Aborted,
        Some(false) => Ending::Declined,
        None => Ending::Contradictory("the terminal says neither yes nor no".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::terminal::Operation;

    #[test]
    fn answers_count_with_our_number_only() {
        let order = Order::new(42, Operation::Payment, 1250, None);
        assert!(is_before(41, 42) && !is_before(42, 42) && !is_before(43, 42) && !is_before(0, 42));
        let rows: [(&[u8], &str, Option<&str>); 10] = [
            (b"0100000125019780000000042", "approved", None),
            (b"0100000050019780000000042", "approved", None),
            (b"0170000125019780000000042", "declined", None),
            (b"0190000125019780000000042", "contradictory", None),
            (b"0100000125019780000000041", "contradictory", Some("number")),
            (b"0200000125019780000000042", "contradictory", Some("till")),
            (b"0100000125017560000000042", "contradictory", Some("currency")),
            // Francs of the Pacific are in no table of ours.
            (b"0100000125019530000000042", "contradictory", Some("currency")),
            (b"0100000125010000000000042", "approved", None),
            (b"0100000125119780000000042", "contradictory", Some("amount")),
        ];
        for (message, want, fault) in rows {
            let mut out = Output::default();
            let reply = Layout::Two.reply(message).unwrap();
            let ending = match ending(&order, 1, &reply, &mut out) {
                Ending::Approved => "approved",
                Ending::Declined => "declined",
                Ending::Contradictory(_) => "contradictory",
                _ => "other",
            };
            let what = out.pop().map(|item| match item {
                Item::Fault(Fault::Misfit { what }) => what,
                item => panic!("{item:?}"),
            });
            assert_eq!((ending, what), (want, fault), "{}", String::from_utf8_lossy(message));
        }
    }
}
