//! A terminal whose messages the profile's table lays out, with books of its own.
//!
//! Its line is written from the terminal's side; the table of fields is the profile's, which both sides of a
//! real link have on paper.

use std::time::Duration;

use super::{Actions, Code, Info, Simulated};
use crate::frame::control::{Shape, Start};
use crate::protocol::mis::table::{Brought, Carried, Part, Table};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "mis", configure };

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// Until the till acknowledges, and the rest of a message has come.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often an answer is sent in all.
const TRIES: u32 = 3;

const BEHAVIOURS: &str = "approve, decline, partial AMOUNT, silent, late SECONDS, behind, duplicate, busy, \
                          wrong-echo, think SECONDS, restart";

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let table = Table::read(section)?;
    Ok(Box::new(Terminal {
        table,
        held: Vec::new(),
        behaviour: Behaviour::Approve,
        think: Duration::from_millis(10),
        step: Step::Idle,
        order: Order::default(),
        owed: None,
        is_repeated: false,
        booked: Vec::new(),
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Approve,
    Decline,
    /// Only so much is approved.
    Partial(u64),
    /// It books and never says so.
    Silent,
    Late(Duration),
    /// It books, and says so only when it has taken the next order, before that one's own answer.
    Behind,
    /// It says how it went twice.
    Duplicate,
    /// It does not take orders.
    Busy,
    /// Its answer carries another number than the order.
    WrongEcho,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Idle,
    /// The customer and the bank.
    AtWork,
    /// The answer has been sent so many times.
    Answered(u32),
}

/// What the till has ordered.
#[derive(Clone, Debug, Default)]
struct Order {
    word: &'static str,
    amount: u64,
    number: u64,
    currency: String,
}

#[derive(Debug)]
struct Terminal {
    table: Table,
    held: Vec<u8>,
    behaviour: Behaviour,
    /// The customer's time at the terminal.
    think: Duration,
    step: Step,
    order: Order,
    /// The answer to an order before, which is to be given first.
    owed: Option<Vec<u8>>,
    /// The answer has been given once already.
    is_repeated: bool,
    booked: Vec<String>,
}

impl Simulated for Terminal {
    fn scan(&mut self, _code: &Code) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.held.extend_from_slice(bytes);
        while let Some(first) = self.held.first().copied() {
            if first != STX {
                self.held.remove(0);
                self.byte(first, out);
                continue;
            }
            let [_, high, low, ..] = self.held.as_slice() else { return };
            let pair = |byte: u8| usize::from(byte >> 4) * 10 + usize::from(byte & 15);
            let length = pair(*high) * 100 + pair(*low);
            if self.held.len() < length + 5 {
                return;
            }
            let frame: Vec<u8> = self.held.drain(..length + 5).collect();
            self.frame(&frame, out);
        }
    }

    fn patience(&self) -> Option<Duration> {
        match (self.step, self.behaviour) {
            _ if !self.held.is_empty() => Some(PATIENCE),
            (Step::AtWork, Behaviour::Silent) | (Step::Idle, _) => None,
            (Step::AtWork, Behaviour::Late(time)) => Some(time),
            (Step::AtWork, _) => Some(self.think),
            (Step::Answered(_), _) => self.table.acknowledged.then_some(PATIENCE),
        }
    }

    fn timeout(&mut self, out: &mut Actions) {
        if !self.held.is_empty() {
            // The rest of a message did not come.
            self.held.clear();
            self.acknowledge(NAK, out);
            return;
        }
        match self.step {
            Step::AtWork if self.owed.is_some() => self.say(1, out),
            Step::AtWork => {
                self.book(out);
                self.is_repeated = false;
                self.say(1, out);
            }
            Step::Answered(tries) if tries < TRIES => self.say(tries + 1, out),
            _ => self.step = Step::Idle,
        }
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let wrong = || format!("found `{words}`, accepted is {BEHAVIOURS}");
        let seconds = || rest.parse().map(Duration::from_secs).map_err(|_| wrong());
        self.behaviour = match word {
            "approve" => Behaviour::Approve,
            "decline" => Behaviour::Decline,
            "partial" => Behaviour::Partial(rest.parse().map_err(|_| wrong())?),
            "silent" => Behaviour::Silent,
            "late" => Behaviour::Late(seconds()?),
            "behind" => Behaviour::Behind,
            "duplicate" => Behaviour::Duplicate,
            "busy" => Behaviour::Busy,
            "wrong-echo" => Behaviour::WrongEcho,
            "think" => {
                self.think = seconds()?;
                return Ok(());
            }
            // Its power was cut: the dialogue is forgotten, the books are not.
            "restart" => {
                self.held.clear();
                self.step = Step::Idle;
                return Ok(());
            }
            _ => return Err(wrong()),
        };
        Ok(())
    }

    fn ledger(&self) -> Vec<String> {
        self.booked.clone()
    }
}

impl Terminal {
    fn byte(&mut self, byte: u8, out: &mut Actions) {
        match (self.step, byte) {
            (Step::Answered(_), ACK)
                if self.behaviour == Behaviour::Duplicate && !self.is_repeated =>
            {
                self.is_repeated = true;
                self.say(1, out);
            }
            (Step::Answered(_), ACK) => {
                // With that given, the order itself is next.
                let owed = self.owed.take().is_some();
                self.step = if owed { Step::AtWork } else { Step::Idle };
            }
            (Step::Answered(tries), NAK) if tries < TRIES => self.say(tries + 1, out),
            _ => {}
        }
    }

    fn frame(&mut self, frame: &[u8], out: &mut Actions) {
        let Some((message, [ETX, sum])) = frame.get(3..).and_then(|rest| rest.split_last_chunk())
        else {
            return self.acknowledge(NAK, out);
        };
        let order = self.order(message).filter(|_| lrc(self.table.shape, message) == *sum);
        match order {
            Some(_) if self.step != Step::Idle || self.behaviour == Behaviour::Busy => {
                self.acknowledge(NAK, out);
            }
            Some(order) => {
                self.order = order;
                self.acknowledge(ACK, out);
                self.step = Step::AtWork;
                if matches!(self.behaviour, Behaviour::Silent | Behaviour::Behind) {
                    self.book(out);
                }
                if self.behaviour == Behaviour::Behind {
                    self.owed = Some(self.answer());
                    self.step = Step::Idle;
                }
            }
            None => self.acknowledge(NAK, out),
        }
    }

    fn acknowledge(&self, byte: u8, out: &mut Actions) {
        if self.table.acknowledged {
            out.send.push(byte);
        }
    }

    /// The order that a message is, by the table.
    fn order(&self, message: &[u8]) -> Option<Order> {
        self.table.requests.iter().find_map(|(operation, parts)| {
            let mut order = Order { word: operation.word(), ..Order::default() };
            let mut rest = message;
            for part in parts {
                let (bytes, after) = rest.split_at_checked(part.width())?;
                let text = std::str::from_utf8(bytes).ok()?;
                match part {
                    Part::Constant(constant) if constant != text => return None,
                    Part::Field(Carried::Amount, _) => order.amount = text.parse().ok()?,
                    Part::Field(Carried::Number, _) => order.number = text.parse().ok()?,
                    Part::Field(Carried::Currency, _) => text.clone_into(&mut order.currency),
                    _ => {}
                }
                rest = after;
            }
            rest.is_empty().then_some(order)
        })
    }

    fn amount(&self) -> u64 {
        match self.behaviour {
            Behaviour::Partial(most) => self.order.amount.min(most),
            _ => self.order.amount,
        }
    }

    fn say(&mut self, tries: u32, out: &mut Actions) {
        let message = self.owed.clone().unwrap_or_else(|| self.answer());
        let sum = lrc(self.table.shape, &message);
        let pair = |number: usize| u8::try_from(number / 10 % 10 * 16 + number % 10).unwrap_or(0);
        out.send.extend([STX, pair(message.len() / 100), pair(message.len())]);
        out.send.extend(message);
        out.send.extend([ETX, sum]);
        // Without acknowledgements nothing more is heard of it.
        self.step = if self.table.acknowledged { Step::Answered(tries) } else { Step::Idle };
    }

    /// The answer, by the table.
    fn answer(&self) -> Vec<u8> {
        let declined = self.behaviour == Behaviour::Decline;
        let approved = self.table.approved.first().map_or("00", String::as_str);
        let number = match self.behaviour {
            Behaviour::WrongEcho => self.order.number + 1,
            _ => self.order.number,
        };
        let mut message = Vec::new();
        for part in &self.table.answer {
            let (field, width) = match part {
                Part::Constant(text) => {
                    message.extend(text.bytes());
                    continue;
                }
                Part::Field(field, width) => (*field, *width),
            };
            let text = match field {
                Brought::Result if declined => format!("{:width$}", "99"),
                Brought::Result => format!("{approved:width$}"),
                Brought::Amount => format!("{:0width$}", self.amount()),
                Brought::Number => format!("{number:0width$}"),
                Brought::Receipt => format!("{:0width$}", self.booked.len()),
                Brought::Currency => format!("{:width$}", self.order.currency),
                Brought::Card => format!("{:width$}", "************0011"),
                _ => " ".repeat(width),
            };
            message.extend(text.bytes().take(width));
        }
        message
    }

    /// Books what was ordered, unless it is refused. Once.
    fn book(&mut self, out: &mut Actions) {
        if self.behaviour == Behaviour::Decline {
            return;
        }
        let line = format!("{} {} {}", self.order.word, self.booked.len() + 1, self.amount());
        out.notices.push(line.clone());
        self.booked.push(line);
    }
}

/// The check byte behind the ETX, over what the table says.
fn lrc(shape: Shape, message: &[u8]) -> u8 {
    let pair = |number: usize| u8::try_from(number / 10 % 10 * 16 + number % 10).unwrap_or(0);
    let mut sum = message.iter().fold(ETX, |sum, byte| sum ^ byte);
    if let Shape::Counted(Start::Stx | Start::Length) = shape {
        sum ^= pair(message.len() / 100) ^ pair(message.len());
    }
    if shape == Shape::Counted(Start::Stx) { sum ^ STX } else { sum }
}
