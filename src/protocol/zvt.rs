//! ZVT, the language of German and Austrian payment terminals, on a serial line.
//!
//! Source: ECR-Interface ZVT-Protocol PA00P015 (commands, bitmaps, errors) and PA00P016 (transport);
//! `protocol-docs/zvt.md` has the sections and what is not confirmed.
//!
//! Oddities: the checksum counts bytes before they are doubled and is not doubled itself. Between the
//! till's command and the completion the terminal is the one who asks. There are terminals that complete
//! without a status; from them an approval is never taken. An answer to a reversal may name another
//! receipt than was asked for: then nobody knows what was reversed.
//!
//! Absent: payments with card data from the till, prepaid cards, filling stations, menus and texts on the
//! terminal's display, everything over TCP.

mod apdu;
mod ask;
mod bitmap;
mod charset;
mod code;
mod command;
mod extras;
mod link;
mod message;
mod options;
mod outcome;
pub mod overheard;
mod receipt;
mod tlv;
pub mod told;

use std::time::Duration;

use self::apdu::Apdu;
use self::extras::Extras;
use self::link::{Event, Link, Repeat, Standing};
use self::message::{Completion, Message};
use self::options::Options;
use crate::event::terminal::{
    Answer, Awaiting, Clock, Condition, Ending, Entry, Instruction, Line, Operation, Order,
    Recovery, Said,
};
use crate::event::{Fault, Refusal, Timestamp};
use crate::normalize::mask::Receipt;
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, Token};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "zvt",
    title: "ZVT payment terminals on a serial line",
    kind: Kind::Terminal,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// What such a terminal can be asked, and how it can be asked what it did.
const CAPABILITIES: [&str; 13] = [
    "payment",
    "refund",
    "reversal",
    "preauth",
    "capture",
    "cancel-preauth",
    "close",
    "totals",
    "diagnosis",
    "repeat-receipt",
    "abort",
    "status",
    Recovery::LastReceipt.word(),
];

/// Until a command is answered with 80 00 or 84 xx (T2).
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// Between two messages while the terminal is at work (T4).
const HEARD_WITHIN: Duration = Duration::from_secs(180);
/// The same while it is only asked what it did: nobody looks for a card then.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// Between two enquiries of a terminal that is at work or does not answer.
const ENQUIRE_EVERY: Duration = Duration::from_secs(5);
/// How long it is enquired of.
const ENQUIRE_WITHIN: Duration = Duration::from_secs(150);

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let options = Options::read(section)?;
    Ok(Configured::new(&CAPABILITIES, move || Box::new(Zvt::new(options.clone()))))
}

/// One conversation.
struct Zvt {
    options: Options,
    link: Link,
    job: Option<Job>,
    /// When the terminal's silence will have meant something.
    patience: Option<Timestamp>,
    /// What the terminal said of a transaction that this conversation did not begin.
    overheard: Option<(Box<Answer>, Extras)>,
    /// The receipt under way.
    receipt: Receipt,
    /// Lines that are nobody's yet: of a transaction that may still be asked about, or of the last receipt
    /// before it is known whose that is.
    lines: Vec<Line>,
    /// The day has been closed, and no receipt given out since: their numbers may begin again.
    is_day_closed: bool,
    /// What has to wait until the terminal has said how it fares.
    next: Option<(Order, Purpose)>,
    /// What is the matter with it, as it said last, and whether somebody has its menu open.
    conditions: Vec<Condition>,
    is_in_menu: bool,
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The order is to be carried out.
    Order,
    /// It is to be found out what became of the order.
    Enquiry,
    /// The terminal is to say how it fares; there is no order.
    Status,
}

/// What the till is about.
struct Job {
    order: Order,
    step: Step,
    purpose: Purpose,
    /// When it gives up, unless an order is under way.
    until: Timestamp,
    /// Whether the command has been accepted in the step under way.
    is_accepted: bool,
    is_aborted: bool,
    answer: Option<Box<Answer>>,
    /// Behind an approval it has told something else.
    is_contradicted: bool,
    /// The lines of its receipt are being told again, from the first.
    is_reprinted: bool,
    terminal: Option<String>,
    clock: Clock,
}

/// The steps of a job, each a command and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Registration,
    Language,
    /// The order itself.
    Command,
    StatusEnquiry,
    LastReceipt,
    /// An enquiry waits to begin anew.
    Pause,
}

impl Zvt {
    fn new(options: Options) -> Self {
        Self {
            options,
            link: Link::default(),
            job: None,
            patience: None,
            overheard: None,
            receipt: Receipt::default(),
            lines: Vec::new(),
            is_day_closed: false,
            next: None,
            conditions: Vec::new(),
            is_in_menu: false,
        }
    }
}

impl Protocol for Zvt {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let mut events = Vec::new();
        self.link.receive(now, input, &mut events, out);
        self.go_on(now, events, out);
    }

    fn instruct(
        &mut self,
        now: Timestamp,
        instruction: Instruction,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match instruction {
            Instruction::Begin(order) => self.take(now, order, Purpose::Order, out),
            Instruction::Enquire(order) => self.take(now, order, Purpose::Enquiry, out),
            Instruction::Status(password) => {
                let order = Order { password, ..Order::new(0, Operation::Diagnosis, 0, None) };
                self.take(now, order, Purpose::Status, out)
            }
            Instruction::Abort => self.abort(now, out),
        }
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        self.link.sent(now, token);
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.link.deadline(), self.patience].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let mut events = Vec::new();
        self.link.timeout(now, &mut events, out);
        self.go_on(now, events, out);
        if self.patience.take_if(|patience| *patience <= now).is_some() {
            self.silence(now, out);
        }
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        self.link.close(out);
        self.patience = None;
        self.end_receipt(out);
        let next = self.next.take().map(|(_, purpose)| purpose);
        if next == Some(Purpose::Order) {
            out.push(Item::Persist(Entry::Ended(Ending::Failed(NEVER_ASKED.into()))));
        }
        let Some(job) = self.job.take() else { return };
        match job.purpose {
            // It is simply begun anew when the line is back.
            Purpose::Enquiry => {}
            Purpose::Status => out.push(Item::Said(Said::Status(None))),
            Purpose::Order => {
                let ending = if job.is_contradicted {
                    outcome::contradicted()
                } else if job.step == Step::Command && job.order.operation.moves_money() {
                    Ending::Unclear("the line went away".into())
                } else {
                    Ending::Failed(NEVER_ASKED.into())
                };
                out.push(Item::Persist(Entry::Ended(ending)));
            }
        }
    }
}

/// Why an order failed of which the terminal knows nothing.
const NEVER_ASKED: &str = "the line went away before anything was asked";

impl Zvt {
    /// Begins a job, or has it wait until the terminal has said how it fares.
    fn take(
        &mut self,
        now: Timestamp,
        order: Order,
        purpose: Purpose,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match &self.job {
            None => {
                self.begin(now, order, purpose, out);
                Ok(())
            }
            Some(job) if job.purpose == Purpose::Status && self.next.is_none() => {
                self.next = Some((order, purpose));
                Ok(())
            }
            Some(_) => Err(Refusal::Busy),
        }
    }

    fn begin(&mut self, now: Timestamp, mut order: Order, purpose: Purpose, out: &mut Output) {
        let (first, within) = match purpose {
            Purpose::Order | Purpose::Enquiry => (Step::Registration, ENQUIRE_WITHIN),
            Purpose::Status => (Step::StatusEnquiry, ANSWERED_WITHIN),
        };
        self.end_receipt(out);
        if purpose == Purpose::Enquiry {
            // What the terminal still printed when nobody waited for it any more.
            receipt::persist(&mut self.lines, out);
        }
        if purpose == Purpose::Order {
            self.overheard = None;
            self.lines.clear();
            if self.is_day_closed {
                // The first receipt of a day may have the number of the last one before.
                order.last_receipt = None;
            }
        }
        self.job = Some(Job {
            order,
            step: first,
            purpose,
            until: now + within,
            is_accepted: false,
            is_aborted: false,
            answer: None,
            is_contradicted: false,
            is_reprinted: false,
            terminal: None,
            clock: Clock::default(),
        });
        self.step(now, first, out);
    }

    /// From now on the terminal's silence means something after this time: sooner where somebody waits to
    /// hear how it fares.
    fn wait(&mut self, now: Timestamp, time: Duration) {
        let until = self.job.as_ref().filter(|job| job.purpose == Purpose::Status);
        let until = until.map_or(now + time, |job| job.until.min(now + time));
        self.patience = Some(until);
    }

    /// Sends the command of a step.
    fn step(&mut self, now: Timestamp, step: Step, out: &mut Output) {
        self.end_receipt(out);
        let Some(job) = &mut self.job else { return };
        job.step = step;
        job.is_accepted = false;
        let password = job.order.password.as_ref().map_or("0", |password| password.expose());
        let (apdu, repeat) = match step {
            Step::Registration => (command::registration(password, &self.options), Repeat::Freely),
            Step::Language => {
                let language = self.options.language.unwrap_or_default();
                (command::language(language), Repeat::Freely)
            }
            Step::Command => {
                out.push(Item::Persist(Entry::Sending));
                let money = job.order.operation.moves_money();
                let repeat = if money { Repeat::OnRefusal } else { Repeat::Freely };
                (command::of(&job.order, password), repeat)
            }
            Step::StatusEnquiry => (command::status_enquiry(password), Repeat::Freely),
            Step::LastReceipt => {
                let command = command::repeat_receipt(password);
                job.is_reprinted = false;
                self.lines.clear();
                (command, Repeat::Freely)
            }
            Step::Pause => {
                self.patience = Some(now + ENQUIRE_EVERY);
                return;
            }
        };
        self.wait(now, ANSWERED_WITHIN);
        self.link.command(now, &apdu, repeat, out);
    }

    fn abort(&mut self, now: Timestamp, out: &mut Output) -> Result<(), Refusal> {
        if self.next.take_if(|(_, purpose)| *purpose == Purpose::Order).is_some() {
            out.push(Item::Persist(Entry::Ended(Ending::Aborted)));
            return Ok(());
        }
        let job = self.job.as_mut().filter(|job| job.purpose == Purpose::Order);
        let job = job.ok_or(Refusal::Unsupported)?;
        if job.is_aborted {
            return Ok(());
        }
        job.is_aborted = true;
        if job.step == Step::Command && job.is_accepted {
            self.link.command(now, &command::abort(), Repeat::OnRefusal, out);
        }
        Ok(())
    }

    fn go_on(&mut self, now: Timestamp, events: Vec<Event>, out: &mut Output) {
        for event in events {
            match event {
                Event::Received(apdu) => self.received(now, &apdu, out),
                Event::Delivered => {}
                Event::Lost => self.lost(now, out),
            }
        }
    }

    /// A command has not arrived, or nobody knows.
    fn lost(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        match job.purpose {
            Purpose::Enquiry => self.pause_or_give_up(now, out),
            Purpose::Status => self.finish_status(now, None, out),
            // What is lost is only the wish to abort it.
            Purpose::Order if job.is_accepted => job.is_aborted = false,
            Purpose::Order => {
                self.unanswered(now, "the terminal did not acknowledge the command", out);
            }
        }
    }

    /// The terminal has said nothing for too long.
    fn silence(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &self.job else { return };
        if job.step == Step::Pause {
            return self.step(now, Step::Registration, out);
        }
        out.fault(Fault::NoReply);
        match job.purpose {
            Purpose::Enquiry => self.pause_or_give_up(now, out),
            Purpose::Status => self.finish_status(now, None, out),
            Purpose::Order => self.unanswered(now, "the terminal has gone silent", out),
        }
    }

    fn unanswered(&mut self, now: Timestamp, why: &'static str, out: &mut Output) {
        let Some(job) = &self.job else { return };
        let asked = job.step == Step::Command && self.link.standing() != Standing::Unsent;
        let ending = match (asked, job.order.operation.moves_money()) {
            (true, true) if job.is_contradicted => outcome::contradicted(),
            (true, true) => Ending::Unclear(why.into()),
            (true, false) => Ending::Failed(why.into()),
            (false, _) => Ending::Failed("the terminal does not answer".into()),
        };
        self.link.give_up(now, out);
        self.end(ending, out);
    }

    fn pause_or_give_up(&mut self, now: Timestamp, out: &mut Output) {
        self.link.give_up(now, out);
        match &self.job {
            Some(job) if now < job.until => self.step(now, Step::Pause, out),
            _ => self.finish_enquiry(out),
        }
    }

    fn received(&mut self, now: Timestamp, apdu: &Apdu, out: &mut Output) {
        let message = message::decode(apdu, self.options.charset);
        if !matches!(message, Message::Print(_)) {
            self.end_receipt(out);
        }
        match message {
            Message::Accepted => {
                Link::acknowledge(out);
                self.accepted(now, out);
            }
            Message::Refused(reason) => {
                Link::acknowledge(out);
                self.refused(now, reason, out);
            }
            message => self.told(now, message, out),
        }
    }

    /// The command of the step under way has been taken.
    fn accepted(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        // What moves money is not asked twice: that the terminal takes it is believed though its
        // acknowledgement be lost. The registration before has shown that nothing else is under way.
        let money = job.step == Step::Command && job.order.operation.moves_money();
        let least = if money { Standing::Sent } else { Standing::Acknowledged };
        if job.is_accepted || self.link.standing() < least {
            // It is the answer to a wish to abort, or to what was asked before.
            return;
        }
        job.is_accepted = true;
        let (step, is_aborted) = (job.step, job.is_aborted);
        self.wait(now, heard_within(step));
        match step {
            // It is not told of its completion.
            Step::Language => self.step_after_registration(now, out),
            Step::Command => {
                out.push(Item::Persist(Entry::Accepted));
                outcome::progress(Awaiting::Terminal, "taken by the terminal", out);
                if is_aborted {
                    self.link.command(now, &command::abort(), Repeat::OnRefusal, out);
                }
            }
            _ => {}
        }
    }

    fn refused(&mut self, now: Timestamp, reason: u8, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        if job.is_accepted {
            // It is the answer to a wish to abort: too late, or not possible now. It may be asked again.
            if job.is_aborted {
                job.is_aborted = false;
                out.fault(Fault::Refused { status: reason });
            }
            return;
        }
        if self.link.standing() != Standing::Acknowledged {
            // What it refuses may be what was asked before.
            return;
        }
        if job.purpose == Purpose::Status {
            // That is an answer too.
            self.say_condition(code::condition(reason).into_iter().collect(), out);
            self.finish_status(now, Some(code::fares(reason)), out);
            return;
        }
        out.fault(Fault::Refused { status: reason });
        if job.purpose == Purpose::Enquiry {
            match job.step {
                Step::Registration if reason != code::BUSY => {
                    self.step(now, Step::StatusEnquiry, out);
                }
                Step::StatusEnquiry if reason != code::BUSY => {
                    self.step(now, Step::LastReceipt, out);
                }
                Step::LastReceipt if reason != code::BUSY => self.finish_enquiry(out),
                _ => self.pause_or_give_up(now, out),
            }
            return;
        }
        match job.step {
            Step::Language => self.step_after_registration(now, out),
            _ => {
                if let Some(condition) = code::condition(reason) {
                    self.say_condition(vec![condition], out);
                }
                let why = format!("the terminal refuses: {} ({reason:02X})", code::result(reason));
                self.end(Ending::Failed(why.into()), out);
            }
        }
    }

    /// The terminal has told something and waits for it to be taken.
    fn told(&mut self, now: Timestamp, message: Message, out: &mut Output) {
        let (at_work, asked) = match &self.job {
            Some(job) if job.is_accepted => (job.step == Step::Command, true),
            // Before it has taken what it was asked it tells of something else: of an earlier transaction.
            Some(job) => (false, job.step == Step::Pause),
            None => (false, false),
        };
        if let Some(step) = self.job.as_ref().map(|job| job.step)
            && self.patience.is_some()
        {
            self.wait(now, if asked { heard_within(step) } else { ANSWERED_WITHIN });
        }
        self.hear_of_menu(&message, out);
        let mut next = None;
        let mut answer = command::accepted();
        match message {
            Message::Status(answer, extras, fault) => {
                if let Some(fault) = fault {
                    out.fault(fault);
                }
                if let Some(answer) = answer {
                    self.status(answer, extras, out);
                }
            }
            Message::Intermediate(_, shown) if at_work => {
                out.push(Item::Said(Said::Progress(shown)));
            }
            Message::Print(lines) => self.print(lines, out),
            Message::Completion(completion) if asked => next = self.completed(&completion, out),
            Message::Abort(reason, words) if asked => next = self.aborted(reason, words, out),
            Message::Other => answer = command::refused(code::NOT_POSSIBLE),
            // With nothing asked there is nobody to tell, and the terminal wants it taken.
            Message::Intermediate(..)
            | Message::Completion(_)
            | Message::Abort(..)
            | Message::Accepted
            | Message::Refused(_) => {}
        }
        // What it said is on disk before it is acknowledged, and only then something new is asked.
        Link::acknowledge(out);
        self.link.answer(now, &answer, out);
        if let Some(step) = next {
            self.step(now, step, out);
        }
        self.begin_next(now, out);
    }

    fn status(&mut self, mut answer: Box<Answer>, extras: Extras, out: &mut Output) {
        if answer.approved && extras.is_error {
            return self.doubted(answer, out);
        }
        match &mut self.job {
            Some(job) if job.step == Step::Command && job.is_accepted => {
                let before = job.answer.as_deref();
                self.options.complete_behind(before, &job.order, &extras, &mut answer);
                if job.answer.as_deref().is_some_and(|before| outcome::contradicts(before, &answer))
                {
                    // The approval stays what was said first; nobody can tell which of them is true.
                    job.is_contradicted = true;
                    out.fault(Fault::Misfit { what: "result" });
                    out.push(Item::Persist(Entry::Late(Some(job.order.transaction), answer)));
                    return;
                }
                out.push(Item::Persist(Entry::Answer(answer.clone())));
                job.answer = Some(answer);
            }
            Some(job) if job.step == Step::LastReceipt && job.is_accepted => {
                self.options.complete(&job.order, &extras, &mut answer);
                job.answer = Some(answer);
                self.reprinted(out);
            }
            // It is of an earlier transaction, and must not be taken for this one's.
            Some(job) if job.purpose == Purpose::Order => outcome::late(answer, out),
            Some(job) if job.purpose == Purpose::Enquiry => self.overheard = Some((answer, extras)),
            Some(_) | None => {
                self.overheard = Some((answer.clone(), extras));
                outcome::late(answer, out);
            }
        }
    }

    /// An approval that tells an error beside is none, and nobody can tell what else it is.
    fn doubted(&mut self, answer: Box<Answer>, out: &mut Output) {
        out.fault(Fault::Misfit { what: "result" });
        match &mut self.job {
            Some(job) if job.step == Step::Command && job.is_accepted => {
                job.is_contradicted = true;
                out.push(Item::Persist(Entry::Late(Some(job.order.transaction), answer)));
            }
            _ => outcome::late(answer, out),
        }
    }

    /// The step under way is done, as far as the terminal is concerned. Gives the next one.
    fn completed(&mut self, completion: &Completion, out: &mut Output) -> Option<Step> {
        let job = self.job.as_mut()?;
        if let Some(terminal) = &completion.terminal {
            job.terminal = Some(terminal.clone());
        }
        match job.step {
            // It is a late answer to the question how it fares, which has been given up.
            Step::Registration if completion.status.is_some() => None,
            Step::Registration => self.registered(completion, out),
            Step::StatusEnquiry => {
                job.clock = completion.clock;
                let (purpose, status) = (job.purpose, completion.status.unwrap_or(0));
                self.say_condition(code::condition(status).into_iter().collect(), out);
                if purpose == Purpose::Status {
                    self.end_status(Some(code::fares(status)), out);
                    return None;
                }
                Some(if status == code::BUSY { Step::Pause } else { Step::LastReceipt })
            }
            Step::LastReceipt => {
                self.finish_enquiry(out);
                None
            }
            Step::Command => {
                let ending = outcome::completed(job, completion.result, out);
                if ending == Ending::Approved {
                    let has_receipt = job.answer.as_ref().is_some_and(|it| it.receipt.is_some());
                    let closes = job.order.operation == Operation::Close;
                    self.is_day_closed = closes || (self.is_day_closed && !has_receipt);
                }
                self.end(ending, out);
                None
            }
            // A dialogue from before has come to its end: now the terminal can be asked.
            Step::Pause => Some(Step::Registration),
            Step::Language => None,
        }
    }

    fn registered(&mut self, completion: &Completion, out: &mut Output) -> Option<Step> {
        let job = self.job.as_ref()?;
        let purpose = job.purpose;
        self.say_condition(code::registered(completion.registered.unwrap_or(0)), out);
        if purpose == Purpose::Enquiry {
            return Some(Step::StatusEnquiry);
        }
        let ours = self.options.currency;
        if let Some(theirs) = completion.currency.filter(|theirs| *theirs != ours.number) {
            let (ours, code) = (ours.number, ours.code);
            let why =
                format!("the terminal works in currency {theirs:03}, not in {ours:03} ({code})");
            self.end(Ending::Failed(why.into()), out);
            return None;
        }
        match self.options.language {
            Some(_) => Some(Step::Language),
            None => self.command_next(out),
        }
    }

    /// The order itself is next, unless it has been aborted meanwhile.
    fn command_next(&mut self, out: &mut Output) -> Option<Step> {
        if !self.job.as_ref()?.is_aborted {
            return Some(Step::Command);
        }
        self.end(Ending::Aborted, out);
        None
    }

    fn step_after_registration(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(step) = self.command_next(out) {
            self.step(now, step, out);
        }
    }

    /// The terminal has stopped the step under way. Gives the next one.
    fn aborted(&mut self, reason: u8, words: Option<String>, out: &mut Output) -> Option<Step> {
        let job = self.job.as_ref()?;
        if job.purpose == Purpose::Status {
            self.end_status(Some(code::fares(reason)), out);
            return None;
        }
        if job.purpose == Purpose::Enquiry {
            return match job.step {
                Step::Registration => Some(Step::StatusEnquiry),
                Step::StatusEnquiry => Some(Step::LastReceipt),
                Step::LastReceipt => {
                    self.finish_enquiry(out);
                    None
                }
                Step::Pause | Step::Command | Step::Language => Some(Step::Registration),
            };
        }
        if job.step == Step::Command {
            let ending = outcome::aborted(job, reason, words, out);
            self.end(ending, out);
        } else {
            let why = format!("the terminal stopped: {} ({reason:02X})", code::result(reason));
            self.end(Ending::Failed(why.into()), out);
        }
        None
    }

    fn finish_enquiry(&mut self, out: &mut Output) {
        self.end_receipt(out);
        self.reprinted(out);
        let Some(job) = self.job.take() else { return };
        self.patience = None;
        self.lines.clear();
        let overheard = self.overheard.take();
        let mut answer = job.answer.or_else(|| {
            let (mut answer, extras) = overheard?;
            self.options.complete(&job.order, &extras, &mut answer);
            Some(answer)
        });
        if let Some(answer) = &mut answer {
            answer.terminal = answer.terminal.take().or(job.terminal);
        }
        out.push(Item::Said(Said::Last(answer, job.clock)));
    }

    /// The terminal has said how it fares, or is not going to.
    fn finish_status(&mut self, now: Timestamp, says: Option<&'static str>, out: &mut Output) {
        if says.is_none() {
            self.link.give_up(now, out);
        }
        self.end_status(says, out);
        self.begin_next(now, out);
    }

    fn end_status(&mut self, says: Option<&'static str>, out: &mut Output) {
        self.end_receipt(out);
        self.job = None;
        self.patience = None;
        out.push(Item::Said(Said::Status(says)));
    }

    /// What has waited for that begins, once what the terminal said has been answered.
    fn begin_next(&mut self, now: Timestamp, out: &mut Output) {
        if self.job.is_none()
            && let Some((order, purpose)) = self.next.take()
        {
            self.begin(now, order, purpose, out);
        }
    }

    fn say_condition(&mut self, conditions: Vec<Condition>, out: &mut Output) {
        self.conditions = conditions;
        self.tell_condition(out);
    }

    /// Somebody has the menu open while the terminal says so, and no longer than it says nothing else.
    fn hear_of_menu(&mut self, message: &Message, out: &mut Output) {
        let is_in_menu =
            matches!(message, Message::Intermediate(status, _) if code::is_menu(*status));
        if is_in_menu != self.is_in_menu {
            self.is_in_menu = is_in_menu;
            self.tell_condition(out);
        }
    }

    fn tell_condition(&self, out: &mut Output) {
        let mut conditions = self.conditions.clone();
        conditions.extend(self.is_in_menu.then_some(Condition::InMenu));
        out.push(Item::Said(Said::Condition(conditions)));
    }

    fn end(&mut self, ending: Ending, out: &mut Output) {
        self.end_receipt(out);
        self.job = None;
        self.patience = None;
        // What has not been sent is not sent any more.
        self.link.drop_commands();
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

fn heard_within(step: Step) -> Duration {
    match step {
        Step::StatusEnquiry | Step::LastReceipt => TOLD_WITHIN,
        Step::Registration | Step::Language | Step::Command | Step::Pause => HEARD_WITHIN,
    }
}
