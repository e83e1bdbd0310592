//! A payment terminal on the paycloud serial link, with books of its own.
//!
//! Source: the documents of the ECR Hub; see `protocol-docs`. Where they are silent it does the worst that a
//! till has to live with: an order that comes twice is paid twice, and while the customer pays, a query is
//! answered with "not paid so far". It sends no signs of life while it waits: they would keep a simulation
//! from ending.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::paycloud::link::{Came, Link};
use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "ecr-hub", configure };

/// Until the rest of a packet has come.
const STALL: Duration = Duration::from_millis(500);
/// A terminal has the customer's card this long before it, where nobody says otherwise.
const MOMENT: Duration = Duration::from_millis(10);

const BEHAVIOURS: &str = "approve, decline, cancel, refuse, unclear, partial AMOUNT, tip AMOUNT, silent, \
                          late SECONDS, behind, duplicate, busy, wrong-number, keyed AMOUNT, think SECONDS, restart";

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(Terminal::default()))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behaviour {
    #[default]
    Approve,
    Decline,
    /// The customer gives up.
    Cancel,
    /// It says that it failed, and not of which order.
    Refuse,
    /// It says success, and not how the order stands.
    Unclear,
    /// Only so much, in minor units, is approved.
    Partial(u64),
    /// The customer gives so much more.
    Tip(u64),
    /// It books and never says so.
    Silent,
    Late(Duration),
    /// It books, and says so only when it has taken the next order, before that one's own answer.
    Behind,
    /// It says how it went twice.
    Duplicate,
    /// Somebody else is at it.
    Busy,
    /// Its answer names another order.
    WrongNumber,
}

/// How an order stands, as the protocol has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    UnderWay,
    Closed,
    Completed,
    Cancelled,
}

impl Status {
    fn code(self) -> &'static str {
        match self {
            Self::UnderWay => "0",
            Self::Closed => "1",
            Self::Completed => "2",
            Self::Cancelled => "3",
        }
    }
}

/// An order, and what became of it.
#[derive(Clone, Debug)]
struct Booked {
    number: String,
    kind: String,
    original: Option<String>,
    /// As it is written, and in minor units.
    amount: Option<String>,
    minor: u64,
    tip: Option<String>,
    currency: Option<String>,
    status: Status,
    is_undone: bool,
}

#[derive(Debug, Default)]
struct Terminal {
    link: Link,
    behaviour: Behaviour,
    /// The customer's time at the terminal.
    think: Option<Duration>,
    orders: Vec<Booked>,
    /// The order before the customer, and the request that it came with.
    at_work: Option<(usize, String)>,
    /// An answer that it has not given, and the request that it is to.
    owed: Option<(usize, String)>,
    /// What was done, in its order.
    booked: Vec<Entry>,
}

/// What was done.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// The order at this place.
    Order(usize),
    /// A sale of that amount, keyed in here.
    Keyed(u64),
}

impl Simulated for Terminal {
    fn scan(&mut self, _code: &Code) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        let came = self.link.receive(bytes, &mut out.send);
        self.came(came, out);
    }

    fn patience(&self) -> Option<Duration> {
        let moment = match self.behaviour {
            Behaviour::Silent => None,
            Behaviour::Late(time) => Some(time),
            _ => Some(self.think.unwrap_or(MOMENT)),
        };
        let stall = self.link.is_amid_a_packet().then_some(STALL);
        stall.or(self.link.patience()).or(self.at_work.as_ref().and(moment))
    }

    fn timeout(&mut self, out: &mut Actions) {
        if self.link.is_amid_a_packet() {
            let came = self.link.give_up_packet(&mut out.send);
            return self.came(came, out);
        }
        if self.link.patience().is_some() {
            return self.link.timeout(&mut out.send);
        }
        let Some((place, request)) = self.at_work.take() else { return };
        self.book(place, out);
        self.answer(place, &request, out);
        if self.behaviour == Behaviour::Duplicate {
            self.answer(place, &request, out);
        }
    }

    fn behave(&mut self, words: &str, out: &mut Actions) -> Result<(), String> {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let wrong = || format!("found `{words}`, accepted is {BEHAVIOURS}");
        let number = || rest.parse::<u64>().map_err(|_| wrong());
        self.behaviour = match word {
            "approve" => Behaviour::Approve,
            "decline" => Behaviour::Decline,
            "cancel" => Behaviour::Cancel,
            "refuse" => Behaviour::Refuse,
            "unclear" => Behaviour::Unclear,
            "partial" => Behaviour::Partial(number()?),
            "tip" => Behaviour::Tip(number()?),
            "silent" => Behaviour::Silent,
            "late" => Behaviour::Late(Duration::from_secs(number()?)),
            "behind" => Behaviour::Behind,
            "duplicate" => Behaviour::Duplicate,
            "busy" => Behaviour::Busy,
            "wrong-number" => Behaviour::WrongNumber,
            "keyed" => {
                self.booked.push(Entry::Keyed(number()?));
                out.notices.extend(self.line(self.booked.len() - 1));
                return Ok(());
            }
            "think" => {
                self.think = Some(Duration::from_secs(number()?));
                return Ok(());
            }
            // Its power was cut: what the customer was about is not done, the books are not forgotten.
            "restart" => {
                self.link.forget();
                self.owed = None;
                if let Some((place, _)) = self.at_work.take() {
                    self.set(place, Status::Closed);
                }
                return Ok(());
            }
            _ => return Err(wrong()),
        };
        Ok(())
    }

    fn ledger(&self) -> Vec<String> {
        (0..self.booked.len()).filter_map(|place| self.line(place)).collect()
    }
}

impl Terminal {
    fn came(&mut self, came: Vec<Came>, out: &mut Actions) {
        for one in came {
            let Came::Data(data) = one else { continue };
            let Ok(message) = serde_json::from_slice::<Json>(&data) else { continue };
            let field = |name: &str| message.get(name).and_then(Json::as_str).unwrap_or_default();
            let request = field("request_id");
            match field("topic") {
                "ecrhub.pay.order" => self.order(&message, request, out),
                "ecrhub.pay.query" => self.query(&message, request, out),
                "ecrhub.pay.close" => self.give_up(&message, request, out),
                "ecrhub.pay.batch.close" => {
                    out.notices.push("the day was closed".to_owned());
                    self.say("ecrhub.pay.batch.close", request, "000", json!({}), out);
                }
                _ => {}
            }
        }
    }

    fn order(&mut self, message: &Json, request: &str, out: &mut Actions) {
        let field = |name: &str| Some(message.get("biz_data")?.get(name)?.as_str()?.to_owned());
        let (Some(number), Some(kind)) = (field("merchant_order_no"), field("trans_type")) else {
            return;
        };
        if self.behaviour == Behaviour::Busy || self.at_work.is_some() {
            return self.say("ecrhub.pay.order", request, "001", json!({}), out);
        }
        let original = field("orig_merchant_order_no");
        let amount = field("order_amount").or_else(|| {
            let of = self.orders.iter().find(|order| Some(&order.number) == original.as_ref());
            of.and_then(|order| order.amount.clone())
        });
        self.at_work = Some((self.orders.len(), request.to_owned()));
        self.orders.push(Booked {
            number,
            kind,
            original,
            minor: amount.as_deref().map_or(0, minor),
            amount,
            tip: None,
            currency: field("price_currency"),
            status: Status::UnderWay,
            is_undone: false,
        });
        if let Some((place, request)) = self.owed.take() {
            self.answer(place, &request, out);
        }
        if matches!(self.behaviour, Behaviour::Silent | Behaviour::Behind) {
            self.book(self.orders.len() - 1, out);
            let taken = self.at_work.take();
            self.owed = taken.filter(|_| self.behaviour == Behaviour::Behind);
        }
    }

    /// The customer has paid, or has not.
    fn book(&mut self, place: usize, out: &mut Actions) {
        let status = match self.behaviour {
            Behaviour::Decline | Behaviour::Refuse => Status::Closed,
            Behaviour::Cancel => Status::Cancelled,
            _ => Status::Completed,
        };
        let Some(order) = self.orders.get_mut(place) else { return };
        match self.behaviour {
            Behaviour::Partial(most) if order.minor > most => {
                (order.minor, order.amount) = (most, Some(written(most)));
            }
            Behaviour::Tip(tip) => {
                (order.minor, order.tip) = (order.minor + tip, Some(written(tip)));
            }
            _ => {}
        }
        let (kind, original) = (order.kind.clone(), order.original.clone());
        let mut status = status;
        if let (Status::Completed, "2" | "5" | "6") = (status, kind.as_str()) {
            // Of what is not there, or is undone already, nothing is done.
            let of = |order: &&mut Booked| Some(&order.number) == original.as_ref();
            match self.orders.iter_mut().find(of) {
                Some(of) if of.status == Status::Completed && !of.is_undone => {
                    of.is_undone = kind != "6";
                }
                _ => status = Status::Closed,
            }
        }
        self.set(place, status);
        if status == Status::Completed {
            self.booked.push(Entry::Order(place));
            out.notices.extend(self.line(self.booked.len() - 1));
        }
    }

    /// What was done, in words; with the receipt numbers that the till gives its orders.
    fn line(&self, place: usize) -> Option<String> {
        match *self.booked.get(place)? {
            Entry::Keyed(amount) => Some(format!("payment {} {amount}", 900_001 + place)),
            Entry::Order(order) => {
                let order = self.orders.get(order)?;
                let undone = if order.is_undone { " undone" } else { "" };
                let (word, receipt) = (word(&order.kind), receipt(&order.number));
                Some(format!("{word} {receipt} {}{undone}", order.minor))
            }
        }
    }

    fn set(&mut self, place: usize, status: Status) {
        if let Some(order) = self.orders.get_mut(place) {
            order.status = status;
        }
    }

    fn answer(&mut self, place: usize, request: &str, out: &mut Actions) {
        let Some(order) = self.orders.get(place).cloned() else { return };
        let code = if order.status == Status::Completed { "000" } else { "001" };
        let mut data = data(&order);
        match self.behaviour {
            Behaviour::Refuse => data.clear(),
            Behaviour::Unclear => {
                data.remove("trans_status");
            }
            Behaviour::WrongNumber => {
                data.insert("merchant_order_no".to_owned(), "0000000000T99999999".into());
            }
            _ => {}
        }
        self.say("ecrhub.pay.order", request, code, Json::Object(data), out);
    }

    fn query(&mut self, message: &Json, request: &str, out: &mut Actions) {
        let found = self.place(message).and_then(|place| self.orders.get(place)).map(data);
        match found {
            Some(data) => self.say("ecrhub.pay.query", request, "000", Json::Object(data), out),
            None => self.say("ecrhub.pay.query", request, "001", json!({}), out),
        }
    }

    /// The till does not want it any more: possible for as long as the customer has not paid.
    fn give_up(&mut self, message: &Json, request: &str, out: &mut Actions) {
        let place = self.place(message);
        let open = self.at_work.take_if(|(at, _)| Some(*at) == place);
        let code = if open.is_some() { "000" } else { "001" };
        self.say("ecrhub.pay.close", request, code, json!({}), out);
        if let Some((place, request)) = open {
            self.set(place, Status::Cancelled);
            self.answer(place, &request, out);
        }
    }

    /// The last order of the number that a message names.
    fn place(&self, message: &Json) -> Option<usize> {
        let number = message.get("biz_data")?.get("merchant_order_no")?.as_str()?;
        self.orders.iter().rposition(|order| order.number == number)
    }

    fn say(&mut self, topic: &str, request: &str, code: &str, data: Json, out: &mut Actions) {
        let word = if code == "000" { "Success" } else { "Transaction failed" };
        let message = json!({
            "topic": topic,
            "request_id": request,
            "app_id": "simulated",
            "response_code": code,
            "response_msg": word,
            "biz_data": data,
        });
        self.link.queue(message.to_string().into_bytes(), &mut out.send);
    }
}

/// What is told of an order.
fn data(order: &Booked) -> Map<String, Json> {
    let mut data = Map::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value.into());
        }
    };
    add("merchant_order_no", Some(&order.number));
    add("orig_merchant_order_no", order.original.as_deref());
    add("order_amount", order.amount.as_deref());
    add("tip_amount", order.tip.as_deref());
    add("price_currency", order.currency.as_deref());
    add("trans_type", Some(&order.kind));
    add("trans_status", Some(order.status.code()));
    if order.status == Status::Completed {
        add("trans_no", Some("5021000010210602000003"));
        add("trans_end_time", Some("2025-01-13 14:36:09"));
        add("pay_method_id", Some("Visa"));
        add("pay_scenario", Some("SWIPE_CARD"));
        add("card_no", Some("411111****1111"));
        add("entry_mode", Some("3"));
        add("auth_code", Some("971382"));
    }
    data
}

/// The till's name of a kind of order.
fn word(kind: &str) -> &'static str {
    match kind {
        "1" => "payment",
        "2" => "reversal",
        "4" => "preauth",
        "5" => "cancel-preauth",
        "6" => "capture",
        _ => "other",
    }
}

/// What stands behind the letter of an order number.
fn receipt(number: &str) -> u64 {
    number.rsplit_once('T').and_then(|(_, digits)| digits.parse().ok()).unwrap_or(0)
}

/// Hundredths: the terminal deals in nothing else.
fn minor(amount: &str) -> u64 {
    amount.replace('.', "").parse().unwrap_or(0)
}

fn written(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: [u8; 10] = [0x55, 0xAA, 1, 0, 0, 0, 0, 1, 0xCC, 0x33];

    fn packet(id: u8, data: &str) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let body = [&[0, 0, id][..], &length, data.as_bytes()].concat();
        let sum = body.iter().fold(0, |sum, byte| sum ^ byte);
        [&[0x55, 0xAA][..], &body, &[sum, 0xCC, 0x33]].concat()
    }

    fn told(terminal: &mut Terminal, bytes: &[u8]) -> String {
        let mut actions = Actions::default();
        terminal.receive(bytes, &mut actions);
        String::from_utf8_lossy(&actions.send).into_owned()
    }

    /// As in the vendor's sample, with an id.
    const SALE: &str = r#"{"topic":"ecrhub.pay.order","request_id":"20241118210100","biz_data":{
        "trans_type":"1","merchant_order_no":"0000000000T00000007","order_amount":"20.34"}}"#;
    const QUERY: &str = r#"{"topic":"ecrhub.pay.query","request_id":"q",
        "biz_data":{"merchant_order_no":"0000000000T00000007"}}"#;

    #[test]
    fn an_order_is_acknowledged_paid_and_told_of() {
        let mut terminal = Terminal::default();
        told(&mut terminal, &GREETING);
        let mut actions = Actions::default();
        terminal.receive(&packet(1, SALE), &mut actions);
        assert_eq!(actions.send, [0x55, 0xAA, 0, 1, 0, 0, 0, 1, 0xCC, 0x33]);
        let asked = told(&mut terminal, &packet(2, QUERY));
        assert!(asked.contains(r#""trans_status":"0""#), "{asked}");
        // The answer to the query is acknowledged, and the customer pays.
        told(&mut terminal, &[0x55, 0xAA, 0, 1, 0, 0, 0, 1, 0xCC, 0x33]);
        let mut actions = Actions::default();
        terminal.timeout(&mut actions);
        let answer = String::from_utf8_lossy(&actions.send).into_owned();
        assert!(answer.contains(r#""response_code":"000""#), "{answer}");
        assert!(answer.contains(r#""trans_status":"2""#), "{answer}");
        assert_eq!(terminal.ledger(), ["payment 7 2034"]);
    }

    #[test]
    fn an_order_that_comes_twice_is_paid_twice() {
        let mut terminal = Terminal { behaviour: Behaviour::Silent, ..Terminal::default() };
        told(&mut terminal, &GREETING);
        told(&mut terminal, &packet(1, SALE));
        told(&mut terminal, &packet(1, SALE));
        assert_eq!(terminal.ledger().len(), 2);
    }
}
