//! Payment terminals that speak to an ECR Hub over the paycloud serial link: WiseCashier, CodePay Register.
//!
//! Source: CodePay, "USB mode API list"; paycloud, "Serial communication protocol" and the API lists;
//! `protocol-docs/ecr-hub.md` names them and says what is not confirmed.
//!
//! Oddities: a terminal can be asked what became of an order by our own number, so a cut is not the end of
//! it. What a terminal does with a packet that comes twice is in no document: an order is never sent again,
//! and one that was not acknowledged is asked about. An answer that is neither a clear yes nor a clear no is
//! asked about too, before anything is concluded.
//!
//! Absent: refunds, which name the payment they are of; codes from a scanner of ours, for which an order has
//! no place; cashback, tips from the till, pairing.

mod message;
pub mod told;

use std::time::Duration;

use self::message::{EXPIRES, Reply, Topic, Verdict};
use crate::event::terminal::{
    Answer, Awaiting, Clock, Ending, Entry, Instruction, Operation, Order, Progress, Recovery, Said,
};
use crate::event::{Fault, Refusal, Timestamp};
use crate::protocol::paycloud::link::{Heard, Link, acknowledge};
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, Token};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "ecr-hub",
    title: "WiseCashier and CodePay payment terminals on the paycloud serial link",
    kind: Kind::Terminal,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// What such a terminal can be asked, and how it can be asked what it did.
const CAPABILITIES: [&str; 7] = [
    "payment",
    "reversal",
    "preauth",
    "capture",
    "cancel-preauth",
    "abort",
    Recovery::Enquiry.word(),
];

/// Until an order is acknowledged. The vendor's library sends it again every 100 ms.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(3);
/// Until the terminal is done: it gives up an order by itself before.
const DONE_WITHIN: Duration = Duration::from_secs(EXPIRES + 30);
/// Until it tells of an order that it was asked to give up.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Until a query is answered, and between two of them.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// How long it is asked what became of an order that it has answered, and of one that was cut off.
const CHECK_WITHIN: Duration = Duration::from_secs(60);
const ENQUIRE_WITHIN: Duration = Duration::from_secs(150);

/// Where the data of a packet begin.
const DATA_AT: usize = 7;

/// The longest name of a till: with it an order number has 32 characters at most.
const LONGEST_TILL: usize = 12;

/// The longest name of a wallet: an order has to fit into a packet.
const LONGEST_METHOD: usize = 64;

/// How a customer pays, as `pay_scenario`.
const SCENARIOS: [(&str, &str); 3] =
    [("card", "SWIPE_CARD"), ("customer-scans", "SCANQR_PAY"), ("terminal-scans", "BSCANQR_PAY")];

/// The options of `[protocol]`.
#[derive(Clone, Debug)]
struct Options {
    app: String,
    till: String,
    scenario: &'static str,
    method: Option<String>,
    /// The response codes by which the terminal says that it has no order of that number.
    not_found: Vec<String>,
}

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let app = word(section, "app-id", 32)?;
    let method = section.string("method")?.map(str::to_owned);
    if method.as_ref().is_some_and(|method| !(1..=LONGEST_METHOD).contains(&method.len())) {
        let message = format!("`method` has to have from 1 to {LONGEST_METHOD} bytes");
        return Err(section.error("method", message));
    }
    let scenario = section.word("scenario", &SCENARIOS)?.unwrap_or("SWIPE_CARD");
    if method.is_none() && scenario != "SWIPE_CARD" {
        return Err(section.missing("method"));
    }
    let mut able = CAPABILITIES.to_vec();
    if section.boolean("batch-close")?.unwrap_or(false) {
        able.push(Operation::Close.word());
    }
    if app.is_none() {
        // Nothing is taken from a till that does not say who it is.
        able.clear();
    }
    let options = Options {
        app: app.unwrap_or_default(),
        till: word(section, "till", LONGEST_TILL)?.unwrap_or_default(),
        scenario,
        method,
        not_found: section
            .strings("not-found")?
            .unwrap_or_default()
            .iter()
            .map(|&code| code.into())
            .collect(),
    };
    Ok(Configured::new(&able.clone(), move || Box::new(Hub::new(options.clone(), able.clone()))))
}

/// A value of letters and digits.
fn word(section: &Section<'_>, key: &'static str, most: usize) -> Result<Option<String>, Error> {
    let Some(text) = section.string(key)? else { return Ok(None) };
    let plain = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain {
        return Ok(Some(text.to_owned()));
    }
    let message = format!("`{key}` is {text:?}; accepted are letters and digits, {most} at most");
    Err(section.error(key, message))
}

/// One conversation.
struct Hub {
    link: Link,
    talk: Talk,
}

/// What is said in it.
struct Talk {
    options: Options,
    able: Vec<&'static str>,
    job: Option<Job>,
    /// When the terminal's silence will have meant something.
    patience: Option<Timestamp>,
    token: Token,
    /// What has to be sent, once what came has been acknowledged.
    next: Option<Next>,
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Greeting,
    Order,
    Query,
    Close,
}

/// What the till is about.
struct Job {
    order: Order,
    /// The order's number.
    number: String,
    step: Step,
    /// Whether this is only to find out what became of the order.
    is_enquiry: bool,
    /// When asking is given up.
    until: Timestamp,
    /// Whether the order has left.
    is_sent: bool,
    is_accepted: bool,
    is_aborted: bool,
    /// The id of the packet with the order.
    packet: u8,
    /// The terminal's word that it failed, which a query is to confirm.
    failed: Option<Box<Answer>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// We have greeted: whether anybody is there.
    Greeting,
    /// The order has been sent, and not acknowledged.
    Ordering,
    /// The terminal is at work.
    Waiting,
    /// It has been asked what became of the order.
    Asking,
    /// It is asked again in a moment.
    Pausing,
}

/// Which of our messages the terminal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Order,
    Query,
    /// One to which the answer says nothing of the order.
    Other,
    /// One of another order.
    Foreign,
}

impl Hub {
    fn new(options: Options, able: Vec<&'static str>) -> Self {
        let talk = Talk { options, able, job: None, patience: None, token: Token(0), next: None };
        Self { link: Link::new(), talk }
    }

    /// Sends what there is to send.
    fn send(&mut self, now: Timestamp, out: &mut Output) {
        let Self { link, talk } = self;
        let (Some(next), Some(job)) = (talk.next.take(), &mut talk.job) else { return };
        match next {
            Next::Greeting => {
                job.step = Step::Greeting;
                talk.patience = None;
                link.greet(now, out);
            }
            Next::Order => {
                (job.step, job.is_sent) = (Step::Ordering, true);
                talk.token = Token(talk.token.0.wrapping_add(1));
                talk.patience = Some(now + ACKNOWLEDGED_WITHIN);
                out.push(Item::Persist(Entry::Sending));
                let message = message::order(&talk.options, &job.order);
                job.packet = link.send(&message, Some(talk.token), out);
            }
            Next::Query => {
                job.step = Step::Asking;
                talk.patience = Some(now + TOLD_WITHIN);
                let request = format!("{}q{:x}", job.number, now.0);
                let query = message::about(&talk.options, Topic::Query, &request, &job.number);
                link.send(&query, None, out);
            }
            Next::Close => {
                let request = format!("{}c", job.number);
                let close = message::about(&talk.options, Topic::Close, &request, &job.number);
                link.send(&close, None, out);
            }
        }
    }
}

impl Protocol for Hub {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { link, talk } = self;
        link.receive(now, input, out, &mut |heard, out| talk.hear(now, heard, out));
        self.send(now, out);
    }

    fn instruct(
        &mut self,
        now: Timestamp,
        instruction: Instruction,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match instruction {
            Instruction::Begin(_) | Instruction::Enquire(_) if self.talk.job.is_some() => {
                return Err(Refusal::Busy);
            }
            Instruction::Begin(order) => self.talk.begin(now, order)?,
            Instruction::Enquire(order) if order.operation == Operation::Close => {
                // The close of a day has no number that could be asked about.
                out.push(Item::Said(Said::Last(None, Clock::default())));
            }
            Instruction::Enquire(order) => {
                self.talk.take(order, true, now + ENQUIRE_WITHIN);
            }
            Instruction::Abort => self.talk.abort(now)?,
            Instruction::Status(_) => return Err(Refusal::Unsupported),
        }
        self.send(now, out);
        Ok(())
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        let talk = &mut self.talk;
        let waits = talk.job.as_ref().is_some_and(|job| job.step == Step::Ordering);
        if token == talk.token && waits {
            talk.patience = Some(now + ACKNOWLEDGED_WITHIN);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.link.deadline(), self.talk.patience].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { link, talk } = self;
        link.timeout(now, out, &mut |heard, out| talk.hear(now, heard, out));
        if talk.patience.take_if(|patience| *patience <= now).is_some() {
            talk.silence(now, out);
        }
        self.send(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { link, talk } = self;
        link.close(now, out, &mut |heard, out| talk.hear(now, heard, out));
        (talk.next, talk.patience) = (None, None);
        // An enquiry is simply begun anew when the line is back.
        let Some(job) = talk.job.take().filter(|job| !job.is_enquiry) else { return };
        let ending = if job.is_sent {
            Ending::Unclear("the line went away".into())
        } else {
            Ending::Failed("the line went away before anything was asked".into())
        };
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

impl Talk {
    fn begin(&mut self, now: Timestamp, order: Order) -> Result<(), Refusal> {
        if !self.able.contains(&order.operation.word()) {
            return Err(Refusal::Unsupported);
        }
        if let Some(why) = message::unfit(&self.options, &order) {
            return Err(Refusal::Unfit(why));
        }
        self.take(order, false, now);
        Ok(())
    }

    fn take(&mut self, order: Order, is_enquiry: bool, until: Timestamp) {
        self.job = Some(Job {
            number: message::own_number(&self.options, &order),
            order,
            step: Step::Greeting,
            is_enquiry,
            until,
            is_sent: false,
            is_accepted: false,
            is_aborted: false,
            packet: 0,
            failed: None,
        });
        self.next = Some(Next::Greeting);
    }

    fn abort(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let stoppable = |job: &&mut Job| !job.is_enquiry && job.order.operation != Operation::Close;
        let job = self.job.as_mut().filter(stoppable).ok_or(Refusal::Unsupported)?;
        let is_first = !std::mem::replace(&mut job.is_aborted, true);
        if is_first && job.step == Step::Waiting {
            self.next = Some(Next::Close);
            self.patience = Some(now + STOPPED_WITHIN);
        }
        Ok(())
    }

    fn hear(&mut self, now: Timestamp, heard: Heard<'_>, out: &mut Output) {
        match heard {
            Heard::Confirmed | Heard::Greeted => self.met(out),
            Heard::Unanswered => {
                out.fault(Fault::NoReply);
                self.unmet(now, out);
            }
            Heard::Acknowledged(id) => {
                let is_order = |job: &&Job| job.step == Step::Ordering && job.packet == id;
                if self.job.as_ref().filter(is_order).is_some() {
                    self.accepted(now, out);
                }
            }
            Heard::Data { id, data, is_repeated, .. } => {
                // It is on disk before it is acknowledged, and only then something new is asked.
                self.data(now, data, is_repeated, out);
                acknowledge(id, out);
            }
        }
    }

    /// Somebody is there.
    fn met(&mut self, out: &mut Output) {
        let Some(job) = self.job.as_ref().filter(|job| job.step == Step::Greeting) else { return };
        if job.is_sent || job.is_enquiry {
            self.next = Some(Next::Query);
        } else if job.is_aborted {
            self.end(Ending::Aborted, out);
        } else {
            self.next = Some(Next::Order);
        }
    }

    /// Nobody is.
    fn unmet(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = self.job.as_ref().filter(|job| job.step == Step::Greeting) else { return };
        if job.is_sent || job.is_enquiry {
            self.pause_or_give_up(now, out);
        } else if job.is_aborted {
            self.end(Ending::Aborted, out);
        } else {
            self.end(Ending::Failed("the terminal does not answer".into()), out);
        }
    }

    /// The terminal has the order.
    fn accepted(&mut self, now: Timestamp, out: &mut Output) {
        self.note_accepted(out);
        let Some(job) = &mut self.job else { return };
        job.step = Step::Waiting;
        self.patience = Some(now + DONE_WITHIN);
        progress(Awaiting::Customer, "waiting for the customer and the bank", out);
        if job.is_aborted {
            self.next = Some(Next::Close);
            self.patience = Some(now + STOPPED_WITHIN);
        }
    }

    fn note_accepted(&mut self, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        if !job.is_enquiry && !std::mem::replace(&mut job.is_accepted, true) {
            out.push(Item::Persist(Entry::Accepted));
        }
    }

    /// The terminal has said nothing for too long.
    fn silence(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &self.job else { return };
        match job.step {
            Step::Pausing => self.next = Some(Next::Greeting),
            Step::Waiting if job.is_aborted => self.check(now, out),
            Step::Ordering | Step::Waiting => {
                out.fault(Fault::NoReply);
                let why = match job.step {
                    Step::Ordering => "the terminal did not acknowledge the order",
                    _ => "the terminal has gone silent",
                };
                self.end(Ending::Unclear(why.into()), out);
            }
            Step::Asking => {
                out.fault(Fault::NoReply);
                self.pause_or_give_up(now, out);
            }
            Step::Greeting => {}
        }
    }

    fn pause_or_give_up(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        if now < job.until {
            job.step = Step::Pausing;
            self.patience = Some(now + TOLD_WITHIN);
        } else if job.is_enquiry {
            self.found(None, out);
        } else {
            let why = "the terminal does not say what became of the order";
            self.end(Ending::Unclear(why.into()), out);
        }
    }

    /// Asks what became of an order that was answered, and not clearly.
    fn check(&mut self, now: Timestamp, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        job.until = now + CHECK_WITHIN;
        self.next = Some(Next::Query);
        progress(Awaiting::Terminal, "asking the terminal how it went", out);
    }

    fn data(&mut self, now: Timestamp, data: &[u8], is_repeated: bool, out: &mut Output) {
        let job = self.job.as_ref().filter(|job| job.is_sent || job.is_enquiry);
        let step = job.map(|job| job.step);
        if step.is_none() && is_repeated {
            // The acknowledgement was lost.
            return;
        }
        let Some(reply) = Reply::read(data) else {
            out.fault(Fault::Malformed { at: DATA_AT });
            if matches!(step, Some(Step::Ordering | Step::Waiting)) {
                self.unclear(now, out);
            }
            return;
        };
        let Some(job) = job else { return self.late(&reply, out) };
        match job.answered(&reply) {
            Answered::Other => {}
            Answered::Foreign => self.late(&reply, out),
            answered if job.is_named_otherwise(&reply) => {
                out.fault(Fault::Misfit { what: "number" });
                self.wrong(answered, &reply, out);
            }
            Answered::Order => self.order_answered(now, &reply, out),
            Answered::Query => self.query_answered(now, &reply, out),
        }
    }

    /// Keeps the terminal's word on a transaction that is over for us. It is taken, so that the terminal goes
    /// on, and nothing follows from it.
    fn late(&self, reply: &Reply, out: &mut Output) {
        if let Some(answer) = reply.late(&self.options) {
            out.fault(Fault::Late);
            out.push(Item::Persist(Entry::Late(answer.transaction, Box::new(answer))));
        }
    }

    /// The answer to the order, or to a query, names another order.
    fn wrong(&mut self, answered: Answered, reply: &Reply, out: &mut Output) {
        if answered == Answered::Order {
            self.note_accepted(out);
        }
        let Some(job) = &self.job else { return };
        if job.is_enquiry {
            return self.found(None, out);
        }
        let answer = reply.answer(&self.options, &job.order, reply.verdict());
        out.push(Item::Persist(Entry::Answer(Box::new(answer))));
        let why = "the answer does not carry our number";
        self.end(Ending::Contradictory(why.into()), out);
    }

    fn order_answered(&mut self, now: Timestamp, reply: &Reply, out: &mut Output) {
        self.note_accepted(out);
        let Some(job) = &mut self.job else { return };
        let closes = job.order.operation == Operation::Close;
        let verdict = if closes { reply.closing() } else { reply.verdict() };
        let answer = Box::new(reply.answer(&self.options, &job.order, verdict));
        match verdict {
            Verdict::Yes if closes || job.is_whole(&answer) => self.settle(answer, false, out),
            Verdict::No { stopped } => self.settle(answer, stopped, out),
            // What was asked already is asked on.
            _ if !matches!(job.step, Step::Ordering | Step::Waiting) => {}
            Verdict::Failed => {
                out.push(Item::Persist(Entry::Answer(answer.clone())));
                job.failed = Some(answer);
                self.check(now, out);
            }
            _ if closes => self.neither(out),
            _ => self.check(now, out),
        }
    }

    fn unclear(&mut self, now: Timestamp, out: &mut Output) {
        self.note_accepted(out);
        if self.job.as_ref().is_some_and(|job| job.order.operation == Operation::Close) {
            return self.neither(out);
        }
        self.check(now, out);
    }

    fn neither(&mut self, out: &mut Output) {
        let why = "the terminal says neither yes nor no";
        self.end(Ending::Contradictory(why.into()), out);
    }

    fn query_answered(&mut self, now: Timestamp, reply: &Reply, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        let verdict = reply.finding(&self.options);
        let answer = Box::new(reply.answer(&self.options, &job.order, verdict));
        match verdict {
            Verdict::UnderWay if job.step == Step::Asking => self.pause_or_give_up(now, out),
            // It is asked again already.
            Verdict::UnderWay => {}
            Verdict::Yes if job.is_whole(&answer) => self.settle(answer, false, out),
            Verdict::No { stopped } if answer.transaction.is_some() => {
                self.settle(answer, stopped, out);
            }
            // Only the number of our request ties this to our order.
            Verdict::NotFound if reply.request().is_some() => self.settle(answer, false, out),
            _ if job.is_enquiry => self.found(None, out),
            _ => match job.failed.take() {
                Some(failed) => self.settle(failed, false, out),
                None => self.neither(out),
            },
        }
    }

    /// It is clear how it went.
    fn settle(&mut self, answer: Box<Answer>, stopped: bool, out: &mut Output) {
        let Some(job) = &self.job else { return };
        if job.is_enquiry {
            return self.found(Some(answer), out);
        }
        let misfit = job.order.misfit(&answer, None).filter(|_| answer.approved);
        let ending = match misfit {
            Some(misfit) => {
                out.fault(Fault::Misfit { what: misfit.word() });
                Ending::Contradictory(misfit.to_string().into())
            }
            None if answer.approved => Ending::Approved,
            None if stopped || job.is_aborted => Ending::Aborted,
            None => Ending::Declined,
        };
        out.push(Item::Persist(Entry::Answer(answer)));
        self.end(ending, out);
    }

    /// An enquiry is over.
    fn found(&mut self, answer: Option<Box<Answer>>, out: &mut Output) {
        (self.job, self.patience) = (None, None);
        out.push(Item::Said(Said::Last(answer, Clock::default())));
    }

    fn end(&mut self, ending: Ending, out: &mut Output) {
        (self.job, self.patience) = (None, None);
        out.push(Item::Persist(Entry::Ended(ending)));
    }
}

impl Job {
    /// Which of our messages a reply answers. Where it does not name the request, its topic has to tell.
    fn answered(&self, reply: &Reply) -> Answered {
        if let Some(request) = reply.request().filter(|request| !request.is_empty()) {
            return match request.strip_prefix(&self.number) {
                Some("") => Answered::Order,
                Some(rest) if rest.starts_with('q') => Answered::Query,
                Some(_) => Answered::Other,
                None => Answered::Foreign,
            };
        }
        match reply.topic() {
            Some(Topic::Query) => Answered::Query,
            Some(Topic::Close) => Answered::Other,
            Some(Topic::Order | Topic::BatchClose) => Answered::Order,
            None if self.step == Step::Asking => Answered::Query,
            None => Answered::Order,
        }
    }

    /// Whether an approval says of which order and how much it is: what does not is not taken for one.
    fn is_whole(&self, answer: &Answer) -> bool {
        let needs_amount = self.order.operation.needs_amount();
        answer.transaction.is_some() && (answer.amount.is_some() || !needs_amount)
    }

    /// Whether a reply names another order than ours.
    fn is_named_otherwise(&self, reply: &Reply) -> bool {
        let named = reply.number().filter(|number| !number.is_empty());
        self.order.operation != Operation::Close
            && named.is_some_and(|number| number != self.number)
    }
}

fn progress(awaiting: Awaiting, text: &'static str, out: &mut Output) {
    out.push(Item::Said(Said::Progress(Progress { awaiting, text: text.into() })));
}

#[cfg(test)]
mod tests;
