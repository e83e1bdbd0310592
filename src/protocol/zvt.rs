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
pub mod overheard;
mod receipt;
mod tlv;

use std::time::Duration;

use self::apdu::Apdu;
use self::ask::Asking;
use self::command::Printer;
use self::link::{Event, Link, Repeat, Standing};
use self::message::{Completion, Message};
use crate::event::terminal::{
    Answer, Awaiting, Clock, Currency, Ending, Entry, Instruction, Line, Operation, Order,
    Progress, Recovery, Said,
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
const CAPABILITIES: [&str; 12] = [
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

/// The options of `[protocol]`.
#[derive(Clone, Debug)]
struct Options {
    printer: Printer,
    currency: Currency,
    language: Option<u8>,
    /// Customers may add a tip at the terminal: it may take more than it was asked to.
    tips: bool,
    /// Customers may take cash at the terminal.
    cashback: bool,
    /// The terminal may charge them in a currency of their own.
    dcc: bool,
    asking: Asking,
}

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let printers = [("host", Printer::Host), ("terminal", Printer::Terminal)];
    let language = section.integer("language", 0..=255)?;
    let options = Options {
        printer: section.word("receipts", &printers)?.unwrap_or(Printer::Host),
        currency: currency(section)?,
        tips: section.boolean("tips")?.unwrap_or(false),
        cashback: section.boolean("cashback")?.unwrap_or(false),
        dcc: section.boolean("dcc")?.unwrap_or(false),
        asking: Asking::read(section)?,
        language: language.and_then(|language| u8::try_from(language).ok()),
    };
    Ok(Configured::new(&CAPABILITIES, move || Box::new(Zvt::new(options.clone()))))
}

impl Options {
    /// Notes in an answer what it means for this order, beside what it says.
    fn complete(&self, order: &Order, apdu: &Apdu, answer: &mut Answer) {
        let extras = message::extras(apdu);
        if self.dcc {
            extras.note_conversion(self.currency, answer);
        }
        if self.cashback {
            extras.note_cashback(order, answer);
        }
        if self.tips {
            note_tip(order, answer);
        }
        self.asking.note(order, answer);
    }
}

fn currency(section: &Section<'_>) -> Result<Currency, Error> {
    let Some(code) = section.string("currency")? else { return Ok(Currency::EUR) };
    Currency::from_code(code).ok_or_else(|| {
        let message = format!(
            "`currency` is {code:?}; accepted are the letters of ISO 4217, such as \"EUR\""
        );
        section.error("currency", message)
    })
}

/// One conversation.
struct Zvt {
    options: Options,
    link: Link,
    job: Option<Job>,
    /// When the terminal's silence will have meant something.
    patience: Option<Timestamp>,
    /// What the terminal said of a transaction that this conversation did not begin.
    overheard: Option<Box<Answer>>,
    /// The receipt under way.
    receipt: Receipt,
    /// Lines that are nobody's yet: of a transaction that may still be asked about, or of the last receipt
    /// before it is known whose that is.
    lines: Vec<Line>,
    /// The day has been closed, and no receipt given out since: their numbers may begin again.
    is_day_closed: bool,
}

/// What the till is about.
struct Job {
    order: Order,
    step: Step,
    /// Whether this is only to find out what became of the order.
    is_enquiry: bool,
    /// When an enquiry gives up.
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
            Instruction::Begin(_) | Instruction::Enquire(_) if self.job.is_some() => {
                Err(Refusal::Busy)
            }
            Instruction::Begin(mut order) => {
                self.overheard = None;
                self.end_receipt(out);
                self.lines.clear();
                if self.is_day_closed {
                    // The first receipt of a day may have the number of the last one before.
                    order.last_receipt = None;
                }
                self.begin(now, order, false, out);
                Ok(())
            }
            Instruction::Enquire(order) => {
                // What the terminal still printed when nobody waited for it any more.
                self.end_receipt(out);
                receipt::persist(&mut self.lines, out);
                self.begin(now, order, true, out);
                Ok(())
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
        let Some(job) = self.job.take() else { return };
        // An enquiry is simply begun anew when the line is back.
        if !job.is_enquiry {
            let ending = if job.step == Step::Command && job.order.operation.moves_money() {
                Ending::Unclear("the line went away".into())
            } else {
                Ending::Failed("the line went away before anything was asked".into())
            };
            out.push(Item::Persist(Entry::Ended(ending)));
        }
    }
}

impl Zvt {
    fn begin(&mut self, now: Timestamp, order: Order, is_enquiry: bool, out: &mut Output) {
        self.job = Some(Job {
            order,
            step: Step::Registration,
            is_enquiry,
            until: now + ENQUIRE_WITHIN,
            is_accepted: false,
            is_aborted: false,
            answer: None,
            is_contradicted: false,
            is_reprinted: false,
            terminal: None,
            clock: Clock::default(),
        });
        self.step(now, Step::Registration, out);
    }

    /// Sends the command of a step.
    fn step(&mut self, now: Timestamp, step: Step, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        job.step = step;
        job.is_accepted = false;
        let password = job.order.password.as_ref().map_or("0", |password| password.expose());
        let (apdu, repeat) = match step {
            Step::Registration => {
                let currency = self.options.currency.number;
                let apdu = command::registration(password, self.options.printer, currency);
                (apdu, Repeat::Freely)
            }
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
        self.patience = Some(now + ANSWERED_WITHIN);
        self.link.command(now, &apdu, repeat, out);
    }

    fn abort(&mut self, now: Timestamp, out: &mut Output) -> Result<(), Refusal> {
        let job = self.job.as_mut().filter(|job| !job.is_enquiry).ok_or(Refusal::Unsupported)?;
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
        if job.is_enquiry {
            self.pause_or_give_up(now, out);
        } else if job.is_accepted {
            // What is lost is only the wish to abort it.
            job.is_aborted = false;
        } else {
            self.unanswered(now, "the terminal did not acknowledge the command", out);
        }
    }

    /// The terminal has said nothing for too long.
    fn silence(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &self.job else { return };
        if job.step == Step::Pause {
            return self.step(now, Step::Registration, out);
        }
        out.fault(Fault::NoReply);
        if job.is_enquiry {
            self.pause_or_give_up(now, out);
        } else {
            self.unanswered(now, "the terminal has gone silent", out);
        }
    }

    fn unanswered(&mut self, now: Timestamp, why: &'static str, out: &mut Output) {
        let Some(job) = &self.job else { return };
        let asked = job.step == Step::Command && self.link.standing() != Standing::Unsent;
        let ending = match (asked, job.order.operation.moves_money()) {
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
        let mut message = message::decode(apdu);
        if let (Message::Status(Some(answer), _), Some(job)) = (&mut message, &self.job) {
            self.options.complete(&job.order, apdu, answer);
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
        self.patience = Some(now + heard_within(job.step));
        match job.step {
            // It is not told of its completion.
            Step::Language => self.step_after_registration(now, out),
            Step::Command => {
                out.push(Item::Persist(Entry::Accepted));
                progress(Awaiting::Terminal, "taken by the terminal", out);
                if job.is_aborted {
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
        out.fault(Fault::Refused { status: reason });
        if job.is_enquiry {
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
                    out.push(Item::Said(Said::Condition(vec![condition])));
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
        if let (Some(job), Some(patience)) = (&self.job, &mut self.patience) {
            *patience = now + if asked { heard_within(job.step) } else { ANSWERED_WITHIN };
        }
        if !matches!(message, Message::Print(_)) {
            self.end_receipt(out);
        }
        let mut next = None;
        let mut answer = command::accepted();
        match message {
            Message::Status(answer, fault) => self.status(answer, fault, out),
            Message::Intermediate(shown) if at_work => out.push(Item::Said(Said::Progress(shown))),
            Message::Print(lines) => self.print(lines, out),
            Message::Completion(completion) if asked => next = self.completed(&completion, out),
            Message::Abort(reason, words) if asked => next = self.aborted(reason, words, out),
            Message::Other => answer = command::refused(code::NOT_POSSIBLE),
            // With nothing asked there is nobody to tell, and the terminal wants it taken.
            Message::Intermediate(_)
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
    }

    fn status(&mut self, answer: Option<Box<Answer>>, fault: Option<Fault>, out: &mut Output) {
        if let Some(fault) = fault {
            out.fault(fault);
        }
        let Some(answer) = answer else { return };
        match &mut self.job {
            Some(job) if job.step == Step::Command && job.is_accepted => {
                if job.answer.as_deref().is_some_and(|before| contradicts(before, &answer)) {
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
                job.answer = Some(answer);
                self.reprinted(out);
            }
            // It is of an earlier transaction, and must not be taken for this one's.
            Some(job) if !job.is_enquiry => late(answer, out),
            Some(_) => self.overheard = Some(answer),
            None => {
                self.overheard = Some(answer.clone());
                late(answer, out);
            }
        }
    }

    /// The step under way is done, as far as the terminal is concerned. Gives the next one.
    fn completed(&mut self, completion: &Completion, out: &mut Output) -> Option<Step> {
        let job = self.job.as_mut()?;
        if let Some(terminal) = &completion.terminal {
            job.terminal = Some(terminal.clone());
        }
        match job.step {
            Step::Registration => self.registered(completion, out),
            Step::StatusEnquiry => {
                job.clock = completion.clock;
                let status = completion.status.unwrap_or(0);
                let condition = code::condition(status);
                out.push(Item::Said(Said::Condition(condition.into_iter().collect())));
                Some(if status == code::BUSY { Step::Pause } else { Step::LastReceipt })
            }
            Step::LastReceipt => {
                self.finish_enquiry(out);
                None
            }
            Step::Command => {
                let ending = completed(job, completion.result, out);
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
        let conditions = code::registered(completion.registered.unwrap_or(0));
        out.push(Item::Said(Said::Condition(conditions)));
        if job.is_enquiry {
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
        if job.is_enquiry {
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
            let ending = aborted(job, reason, words, out);
            self.end(ending, out);
        } else {
            let why = format!("the terminal stopped: {} ({reason:02X})", code::result(reason));
            self.end(Ending::Failed(why.into()), out);
        }
        None
    }

    fn finish_enquiry(&mut self, out: &mut Output) {
        self.reprinted(out);
        let Some(job) = self.job.take() else { return };
        self.patience = None;
        self.lines.clear();
        let mut answer = job.answer.or_else(|| self.overheard.take());
        if let Some(answer) = &mut answer {
            answer.terminal = answer.terminal.take().or(job.terminal);
        }
        out.push(Item::Said(Said::Last(answer, job.clock)));
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

/// Keeps the terminal's word on a transaction that is over for us. It names none of ours.
fn late(answer: Box<Answer>, out: &mut Output) {
    out.fault(Fault::Late);
    out.push(Item::Persist(Entry::Late(None, answer)));
}

/// Whether something else is told behind an approval: a refusal, or another receipt or amount.
fn contradicts(before: &Answer, now: &Answer) -> bool {
    let told = |answer: &Answer| (answer.receipt, answer.amount);
    before.approved && (!now.approved || told(before) != told(now))
}

/// What was taken above the order, where customers may add that.
fn note_tip(order: &Order, answer: &mut Answer) {
    let asked = order.amount.saturating_add(answer.cashback.unwrap_or(0));
    let above = answer.amount.and_then(|amount| amount.checked_sub(asked));
    if let (Operation::Payment, Some(tip @ 1..)) = (order.operation, above) {
        answer.tip = Some(tip);
    }
}

fn heard_within(step: Step) -> Duration {
    match step {
        Step::StatusEnquiry | Step::LastReceipt => TOLD_WITHIN,
        Step::Registration | Step::Language | Step::Command | Step::Pause => HEARD_WITHIN,
    }
}

fn progress(awaiting: Awaiting, text: &'static str, out: &mut Output) {
    out.push(Item::Said(Said::Progress(Progress { awaiting, text: text.into() })));
}

/// How a job ended that the terminal says is complete.
fn completed(job: &Job, result: Option<u8>, out: &mut Output) -> Ending {
    let refused = result.filter(|result| *result != code::SUCCESS);
    let Some(answer) = &job.answer else {
        if let Some(reason) = refused {
            answered_no(reason, None, out);
            return if reason == code::ABORTED { Ending::Aborted } else { Ending::Declined };
        }
        return if job.order.operation.moves_money() {
            Ending::Unclear("the terminal completed without saying how it went".into())
        } else {
            Ending::Approved
        };
    };
    if !answer.approved {
        return if answer.code == ABORTED { Ending::Aborted } else { Ending::Declined };
    }
    if job.is_contradicted {
        let why = "the terminal approved and then said something else";
        return Ending::Contradictory(why.into());
    }
    if let Some(status) = refused {
        out.fault(Fault::Refused { status });
        return Ending::Contradictory("the terminal approved and completed with an error".into());
    }
    match job.order.misfit(answer, job.terminal.as_deref()) {
        Some(misfit) => {
            out.fault(Fault::Misfit { what: misfit.word() });
            Ending::Contradictory(misfit.to_string().into())
        }
        None => Ending::Approved,
    }
}

/// The code of an answer that was stopped, as [`Answer::code`] has it.
const ABORTED: &str = "6C";

/// Puts on disk that the terminal says no, where it has sent no status information.
fn answered_no(reason: u8, words: Option<String>, out: &mut Output) {
    let text = words.unwrap_or_else(|| code::result(reason).to_owned());
    let answer = Answer { code: format!("{reason:02X}"), text, ..Answer::default() };
    out.push(Item::Persist(Entry::Answer(Box::new(answer))));
}

/// How a job ended that the terminal says it has stopped.
fn aborted(job: &Job, reason: u8, words: Option<String>, out: &mut Output) -> Ending {
    if job.answer.as_ref().is_some_and(|answer| answer.approved) {
        out.fault(Fault::Refused { status: reason });
        return Ending::Contradictory("the terminal approved and stopped all the same".into());
    }
    if job.answer.is_none() {
        answered_no(reason, words, out);
    }
    if reason == code::ABORTED { Ending::Aborted } else { Ending::Declined }
}
