//! A Concert terminal (Ingenico Telium) with books of its own.
//!
//! Written from the terminal's side, apart from the protocol, so that one can prove the other.

use std::time::Duration;

use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "concert", configure };

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;
const ENQ: u8 = 0x05;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// Until the till answers, and how often it is called.
const PATIENCE: Duration = Duration::from_secs(3);
const TRIES: u32 = 3;

const BEHAVIOURS: &str = "approve, decline, partial AMOUNT, unverified, silent, late SECONDS, behind, duplicate, \
                          busy, wrong-echo, think SECONDS, restart";

/// A terminal has the customer's card this long before it, where nobody says otherwise.
const MOMENT: Duration = Duration::from_millis(10);

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    section.integer("pos", 0..=99)?;
    section.string("identifier")?;
    let speaks_tags = section.integer("layout", 2..=3)? == Some(3);
    Ok(Box::new(Terminal { speaks_tags, ..Terminal::default() }))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behaviour {
    #[default]
    Approve,
    Decline,
    /// Only so much is approved.
    Partial(u64),
    Unverified,
    /// It books and never says so.
    Silent,
    Late(Duration),
    /// It books, and says so only when it has taken the next order, before that one's own answer.
    Behind,
    /// It says how it went twice.
    Duplicate,
    /// It does not answer calls.
    Busy,
    /// Its answer carries another number than the request.
    WrongEcho,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The till may speak.
    Listening,
    /// The order is there; its end is waited for.
    Ordered,
    /// The customer and the bank.
    AtWork,
    /// We have asked to speak, so many times.
    Calling(u32),
    /// The answer has been sent.
    Answered(u32),
}

/// What the till has ordered.
#[derive(Clone, Debug, Default)]
struct Order {
    pos: String,
    amount: u64,
    currency: String,
    private: String,
    is_refund: bool,
    wants_report: bool,
    /// The fields of layout 3 that come back as they were.
    identifier: String,
}

#[derive(Debug, Default)]
struct Terminal {
    /// Layout 3.
    speaks_tags: bool,
    held: Vec<u8>,
    behaviour: Behaviour,
    /// The customer's time at the terminal.
    think: Option<Duration>,
    step: Step,
    order: Order,
    /// The answer to an order before, which is to be given first.
    owed: Option<String>,
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
            let Some(end) = self.held.iter().position(|byte| *byte == ETX) else { return };
            let Some(sum) = self.held.get(end + 1).copied() else { return };
            let message: Vec<u8> = self.held.drain(..end + 2).skip(1).take(end - 1).collect();
            let right = message.iter().fold(ETX, |sum, byte| sum ^ byte) == sum;
            if self.step == Step::Listening && right && self.order(&message) {
                out.send.push(ACK);
                self.step = Step::Ordered;
            } else {
                out.send.push(NAK);
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        match (self.step, self.behaviour) {
            _ if !self.held.is_empty() => Some(PATIENCE),
            (Step::AtWork, Behaviour::Silent | Behaviour::Behind) => None,
            (Step::AtWork, Behaviour::Late(time)) => Some(time),
            (Step::AtWork, _) => Some(self.think.unwrap_or(MOMENT)),
            (Step::Ordered | Step::Calling(_) | Step::Answered(_), _) => Some(PATIENCE),
            _ => None,
        }
    }

    fn timeout(&mut self, out: &mut Actions) {
        if !self.held.is_empty() {
            // The rest of a message did not come.
            self.held.clear();
            return;
        }
        match self.step {
            // It has the order, whether or not the till took its leave.
            Step::Ordered => self.byte(EOT, out),
            Step::AtWork if self.owed.is_some() => self.call(1, out),
            Step::AtWork => {
                self.book(out);
                self.is_repeated = false;
                self.call(1, out);
            }
            Step::Calling(tries) if tries < TRIES => self.call(tries + 1, out),
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
            "unverified" => Behaviour::Unverified,
            "silent" => Behaviour::Silent,
            "late" => Behaviour::Late(seconds()?),
            "behind" => Behaviour::Behind,
            "duplicate" => Behaviour::Duplicate,
            "busy" => Behaviour::Busy,
            "wrong-echo" => Behaviour::WrongEcho,
            "think" => {
                self.think = Some(seconds()?);
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
            (Step::Idle | Step::Listening, ENQ) if self.behaviour != Behaviour::Busy => {
                out.send.push(ACK);
                self.step = Step::Listening;
            }
            (Step::Ordered, EOT) => {
                self.step = Step::AtWork;
                if matches!(self.behaviour, Behaviour::Silent | Behaviour::Behind) {
                    self.book(out);
                }
                if self.behaviour == Behaviour::Behind {
                    self.owed = Some(self.answer());
                    self.step = Step::Idle;
                }
            }
            (Step::Listening, EOT) => self.step = Step::Idle,
            (Step::Calling(_), ACK) => self.say(1, out),
            (Step::Answered(_), ACK) => {
                out.send.push(EOT);
                // With that given, the order itself is next.
                let owed = self.owed.take().is_some();
                self.step = if owed { Step::AtWork } else { Step::Idle };
                if self.behaviour == Behaviour::Duplicate && !self.is_repeated {
                    self.is_repeated = true;
                    self.call(1, out);
                }
            }
            (Step::Answered(tries), NAK) if tries < TRIES => self.say(tries + 1, out),
            _ => {}
        }
    }

    fn call(&mut self, tries: u32, out: &mut Actions) {
        out.send.push(ENQ);
        self.step = Step::Calling(tries);
    }

    fn answer(&self) -> String {
        if self.speaks_tags { self.tagged() } else { self.placed() }
    }

    fn say(&mut self, tries: u32, out: &mut Actions) {
        let answer = self.owed.clone().unwrap_or_else(|| self.answer());
        let sum = answer.bytes().fold(ETX, |sum, byte| sum ^ byte);
        out.send.push(STX);
        out.send.extend(answer.bytes());
        out.send.extend([ETX, sum]);
        self.step = Step::Answered(tries);
    }

    /// Takes an order; `false` where it is none.
    fn order(&mut self, message: &[u8]) -> bool {
        let text = std::str::from_utf8(message).unwrap_or_default();
        let order = if self.speaks_tags { by_tags(text) } else { by_places(text) };
        let Some(order) = order else { return false };
        self.order = order;
        true
    }

    fn amount(&self) -> u64 {
        match self.behaviour {
            Behaviour::Partial(most) => self.order.amount.min(most),
            _ => self.order.amount,
        }
    }

    fn echo(&self) -> &str {
        if self.behaviour == Behaviour::WrongEcho { "9999999999" } else { &self.order.private }
    }

    /// The answer of layout 2.
    fn placed(&self) -> String {
        let result = match self.behaviour {
            Behaviour::Decline => '7',
            Behaviour::Unverified => '9',
            _ => '0',
        };
        let Order { pos, currency, wants_report, .. } = &self.order;
        let report = if *wants_report { " ".repeat(55) } else { String::new() };
        format!("{pos}{result}{:08}1{report}{currency}{}", self.amount(), self.echo())
    }

    /// The answer of layout 3.
    fn tagged(&self) -> String {
        let (status, reason) = match self.behaviour {
            Behaviour::Decline => ("01", "04"),
            Behaviour::Unverified => ("11", "07"),
            _ => ("10", "01"),
        };
        let Order { pos, currency, is_refund, identifier, .. } = &self.order;
        let fields = [
            ("CZ", "0320".to_owned()),
            ("CJ", identifier.clone()),
            ("CA", pos.clone()),
            ("CB", format!("{:02}", self.amount())),
            ("CD", u8::from(*is_refund).to_string()),
            ("CE", currency.clone()),
            ("AA", "************0011".to_owned()),
            ("AC", "971382".to_owned()),
            ("AE", status.to_owned()),
            ("AF", reason.to_owned()),
            ("CI", "2".to_owned()),
            ("CF", self.echo().to_owned()),
        ];
        fields.iter().map(|(tag, value)| format!("{tag}{:03}{value}", value.len())).collect()
    }

    /// Books what was ordered, unless it is refused. Once.
    fn book(&mut self, out: &mut Actions) {
        if matches!(self.behaviour, Behaviour::Decline) {
            return;
        }
        let word = if self.order.is_refund { "refund" } else { "payment" };
        let line = format!("{word} {} {}", self.booked.len() + 1, self.amount());
        out.notices.push(line.clone());
        self.booked.push(line);
    }
}

/// An order of layout 2: 34 characters.
fn by_places(text: &str) -> Option<Order> {
    let field = |from: usize, to: usize| text.get(from..to);
    if text.len() != 34 {
        return None;
    }
    Some(Order {
        pos: field(0, 2)?.to_owned(),
        amount: field(2, 10)?.parse().ok()?,
        wants_report: field(10, 11)? == "1",
        is_refund: field(12, 13)? == "1",
        currency: field(13, 16)?.to_owned(),
        private: field(16, 26)?.to_owned(),
        identifier: String::new(),
    })
}

/// An order of layout 3: two letters, three digits, and so many characters, over and over.
fn by_tags(text: &str) -> Option<Order> {
    let mut order = Order::default();
    let mut rest = text;
    while !rest.is_empty() {
        let length: usize = rest.get(2..5)?.parse().ok()?;
        let value = rest.get(5..5 + length)?.to_owned();
        match rest.get(..2)? {
            "CA" => order.pos = value,
            "CB" => order.amount = value.parse().ok()?,
            "CD" => order.is_refund = value == "1",
            "CE" => order.currency = value,
            "CF" => order.private = value,
            "CJ" => order.identifier = value,
            _ => {}
        }
        rest = rest.get(5 + length..)?;
    }
    Some(order).filter(|order| order.amount > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(terminal: &mut Terminal, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        terminal.receive(bytes, &mut actions);
        actions.send
    }

    #[test]
    fn a_payment_by_the_frames_of_pypostelium() {
        let mut terminal = Terminal::default();
        assert_eq!(hear(&mut terminal, &[ENQ]), [ACK]);
        let request = b"\x020100001250010978          A011B010\x03\x01";
        assert_eq!(hear(&mut terminal, request), [ACK]);
        assert!(hear(&mut terminal, &[EOT]).is_empty());
        let mut actions = Actions::default();
        terminal.timeout(&mut actions);
        assert_eq!(actions.send, [ENQ]);
        let answer = hear(&mut terminal, &[ACK]);
        assert_eq!(answer.get(..13), Some(&b"\x02010000012501"[..]));
        assert_eq!(hear(&mut terminal, &[ACK]), [EOT]);
        assert_eq!(terminal.ledger(), ["payment 1 1250"]);
    }

    #[test]
    fn a_payment_in_layout_3() {
        let mut terminal = Terminal { speaks_tags: true, ..Terminal::default() };
        assert_eq!(hear(&mut terminal, &[ENQ]), [ACK]);
        let text = b"CZ0040300CJ012247300123456CA00201CB00512345CD0010CE003978";
        let sum = text.iter().fold(ETX, |sum, byte| sum ^ byte);
        let request = [&[STX][..], text, &[ETX, sum]].concat();
        assert_eq!(hear(&mut terminal, &request), [ACK]);
        hear(&mut terminal, &[EOT]);
        terminal.timeout(&mut Actions::default());
        let answer = String::from_utf8(hear(&mut terminal, &[ACK])).unwrap();
        assert!(answer.contains("CB00512345") && answer.contains("AE00210"), "{answer}");
        assert_eq!(terminal.ledger(), ["payment 1 12345"]);
    }
}
