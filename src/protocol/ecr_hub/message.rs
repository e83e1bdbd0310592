//! The messages of the ECR Hub: JSON, one object each, with the order's fields in `biz_data`.
//!
//! Contract: pure. What a terminal says is read as far as it is understood; what is missing is missing, and
//! nothing is guessed. Card numbers are masked here.
//!
//! Source: CodePay, "USB mode API list"; paycloud, "WLAN/LAN Mode API List" and "Debug Resources"; the
//! vendor's libraries for the values.

use serde_json::{Value as Json, json};

use super::Options;
use crate::event::Value;
use crate::event::terminal::{Answer, Clock, Currency, Operation, Order};
use crate::normalize::mask;
use crate::protocol::concert::last_four;

/// How long the terminal shows an order, in seconds: `expires`.
pub(super) const EXPIRES: u64 = 180;

/// The only response code that means success, and the one that means that nobody knows.
const SUCCESS: &str = "000";
const OUT_OF_TIME: &str = "112";

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// An order: its `trans_type` says of what.
    Order,
    /// What became of an order.
    Query,
    /// An order is to be given up.
    Close,
    /// The day is to be closed.
    BatchClose,
}

impl Topic {
    const ALL: [Self; 4] = [Self::Order, Self::Query, Self::Close, Self::BatchClose];

    const fn word(self) -> &'static str {
        match self {
            Self::Order => "ecrhub.pay.order",
            Self::Query => "ecrhub.pay.query",
            Self::Close => "ecrhub.pay.close",
            Self::BatchClose => "ecrhub.pay.batch.close",
        }
    }
}

/// The `trans_type` of an operation; nothing where the documents have none.
pub(super) const fn kind(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::Payment => Some("1"),
        Operation::Reversal => Some("2"),
        Operation::Preauth => Some("4"),
        Operation::CancelPreauth => Some("5"),
        Operation::Capture => Some("6"),
        // A refund (3) names the payment that it is of, and ours names none.
        Operation::Refund
        | Operation::Close
        | Operation::Totals
        | Operation::Diagnosis
        | Operation::RepeatReceipt => None,
    }
}

/// The order number of a transaction: the second at which it was begun, and its number in the ledger. It
/// stays the same for as long as the ledger has the transaction, and a new ledger does not give it out
/// again. With its letter it is never taken for a card number.
pub(super) fn number(till: &str, second: u64, transaction: u64) -> String {
    format!("{till}{second:010}T{transaction:08}")
}

/// The second and the transaction that an order number of this till is made of.
fn parts(till: &str, number: &str) -> Option<(u64, u64)> {
    let (second, transaction) = number.strip_prefix(till)?.split_once('T')?;
    let parts = (second.parse().ok()?, transaction.parse().ok()?);
    // Whatever else reads as numbers is none of ours.
    (self::number(till, parts.0, parts.1) == number).then_some(parts)
}

/// The second at which a transaction was begun: its trace number.
pub(super) fn second(order: &Order) -> u64 {
    order.began / 1_000_000
}

/// The order number of an order's own transaction.
pub(super) fn own_number(options: &Options, order: &Order) -> String {
    number(&options.till, second(order), order.transaction)
}

/// The order number of the earlier transaction that an order is about, where enough of it is known.
fn original_number(options: &Options, order: &Order) -> Option<String> {
    let second = order.original?.trace?;
    Some(number(&options.till, second.into(), order.receipt?.into()))
}

/// Why an order cannot be sent, if it cannot.
pub(super) fn unfit(options: &Options, order: &Order) -> Option<&'static str> {
    if order.code.is_some() {
        return Some("an order has no place for a code; the terminal scans by itself");
    }
    let lacks_original =
        order.operation.needs_receipt() && original_number(options, order).is_none();
    lacks_original.then_some("the ledger has no approved transaction of this receipt number")
}

/// The message that orders this.
pub(super) fn order(options: &Options, order: &Order) -> Vec<u8> {
    let own = own_number(options, order);
    let Some(kind) = kind(order.operation) else {
        return message(options, Topic::BatchClose, &own, json!({}));
    };
    let mut data = json!({
        "merchant_order_no": own,
        "trans_type": kind,
        "pay_scenario": options.scenario,
        // The customer can begin at once.
        "confirm_on_terminal": false,
        "expires": EXPIRES,
    });
    let mut add = |name: &str, value: Option<String>| {
        if let (Some(map), Some(value)) = (data.as_object_mut(), value) {
            map.insert(name.to_owned(), value.into());
        }
    };
    add("pay_method_id", options.method.clone());
    add("orig_merchant_order_no", original_number(options, order));
    if order.operation.needs_amount() {
        add("order_amount", Some(order.currency.written(order.amount)));
        add("price_currency", Some(order.currency.code.to_owned()));
    }
    let mut message = envelope(options, Topic::Order, &own, data);
    if let Some(map) = message.as_object_mut() {
        map.insert("timestamp".to_owned(), (order.began / 1_000).to_string().into());
    }
    message.to_string().into_bytes()
}

/// A message about an order, by its number.
pub(super) fn about(options: &Options, topic: Topic, request: &str, number: &str) -> Vec<u8> {
    message(options, topic, request, json!({ "merchant_order_no": number }))
}

fn message(options: &Options, topic: Topic, request: &str, data: Json) -> Vec<u8> {
    envelope(options, topic, request, data).to_string().into_bytes()
}

fn envelope(options: &Options, topic: Topic, request: &str, data: Json) -> Json {
    json!({
        "topic": topic.word(),
        "request_id": request,
        "app_id": options.app,
        "biz_data": data,
    })
}

/// How an order stands, by its `trans_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// 0 and 9: not paid so far.
    UnderWay,
    /// 1: failed.
    Closed,
    /// 2.
    Completed,
    /// 3.
    Cancelled,
}

/// What the terminal says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was done: the code says success and the status says completed.
    Yes,
    /// It was not.
    No {
        /// Somebody has stopped it.
        stopped: bool,
    },
    /// It is not decided.
    UnderWay,
    /// It failed, says the code, and no status says so too.
    Failed,
    /// The terminal has no such order, by a code that the options name.
    NotFound,
    /// Neither yes nor no, or both.
    Neither,
}

/// A message of the terminal's.
#[derive(Debug)]
pub(super) struct Reply(Json);

impl Reply {
    /// Reads a message; nothing where it is no object.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(data).ok()?;
        json.is_object().then_some(Self(json))
    }

    /// What it is about, where it says so.
    pub(super) fn topic(&self) -> Option<Topic> {
        let word = text(self.0.get("topic")?)?;
        Topic::ALL.into_iter().find(|topic| topic.word() == word)
    }

    /// The request that it answers.
    pub(super) fn request(&self) -> Option<String> {
        text(self.0.get("request_id")?)
    }

    /// The order number that it names.
    pub(super) fn number(&self) -> Option<String> {
        self.data("merchant_order_no")
    }

    fn code(&self) -> String {
        self.0.get("response_code").and_then(text).unwrap_or_default()
    }

    fn data(&self, name: &str) -> Option<String> {
        text(self.0.get("biz_data")?.get(name)?)
    }

    /// The same as text for people.
    fn shown(&self, name: &str) -> Option<String> {
        self.data(name).map(|text| shown(&text))
    }

    fn status(&self) -> Option<Status> {
        match self.data("trans_status")?.as_str() {
            "0" | "9" => Some(Status::UnderWay),
            "1" => Some(Status::Closed),
            "2" => Some(Status::Completed),
            "3" => Some(Status::Cancelled),
            _ => None,
        }
    }

    /// What it says as the answer to an order.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.outcome(), self.status()) {
            (Some(true), Some(Status::Completed)) => Verdict::Yes,
            (Some(false), Some(Status::Closed)) => Verdict::No { stopped: false },
            (Some(false), Some(Status::Cancelled)) => Verdict::No { stopped: true },
            (Some(false), None) => Verdict::Failed,
            _ => Verdict::Neither,
        }
    }

    /// What it says as the answer to a query: there the code tells of the query, the status of the order.
    pub(super) fn finding(&self, options: &Options) -> Verdict {
        let is_not_found = options.not_found.contains(&self.code());
        match (self.outcome(), self.status()) {
            (Some(true), Some(Status::Completed)) => Verdict::Yes,
            (_, Some(Status::Closed)) => Verdict::No { stopped: false },
            (_, Some(Status::Cancelled)) => Verdict::No { stopped: true },
            (_, Some(Status::UnderWay)) => Verdict::UnderWay,
            (Some(false), None) if is_not_found => Verdict::NotFound,
            _ => Verdict::Neither,
        }
    }

    /// What it says as the answer to the close of a day, which has no status.
    pub(super) fn closing(&self) -> Verdict {
        match self.outcome() {
            Some(true) => Verdict::Yes,
            Some(false) => Verdict::No { stopped: false },
            None => Verdict::Neither,
        }
    }

    /// Whether the code says success; nothing where it does not say. Another number of zeros than three is
    /// in no document, and terminals have been seen to mean success by it.
    fn outcome(&self) -> Option<bool> {
        match self.code().as_str() {
            SUCCESS => Some(true),
            OUT_OF_TIME => None,
            code if code.bytes().all(|byte| byte == b'0') => None,
            _ => Some(false),
        }
    }

    /// It as the answer to an order that is over for us, where it says how one went.
    pub(super) fn late(&self, options: &Options) -> Option<Answer> {
        let verdict = match self.topic() {
            Some(Topic::Query) => self.finding(options),
            Some(Topic::Close | Topic::BatchClose) => return None,
            Some(Topic::Order) | None => self.verdict(),
        };
        if !matches!(verdict, Verdict::Yes | Verdict::No { .. }) {
            return None;
        }
        let ours = self.number().and_then(|number| parts(&options.till, &number));
        let (second, transaction) = ours.unwrap_or_default();
        let order = Order {
            began: second.saturating_mul(1_000_000),
            ..Order::new(transaction, Operation::Payment, 0, None)
        };
        let mut answer = self.answer(options, &order, verdict);
        if answer.currency.is_none() {
            // How many digits the minor unit has is not known here.
            (answer.amount, answer.tip) = (None, None);
        }
        Some(answer)
    }

    /// It as the answer to an order.
    pub(super) fn answer(&self, options: &Options, order: &Order, verdict: Verdict) -> Answer {
        let named = self.data("price_currency").and_then(|code| Currency::from_code(&code));
        let currency = named.unwrap_or(order.currency);
        let amount = |name: &str| self.data(name).and_then(|text| minor(currency, &text));
        let tip = amount("tip_amount").filter(|tip| *tip > 0);
        let ordered = amount("order_amount");
        let own = own_number(options, order);
        // It was asked about this number, and says that it has none such.
        let is_not_found = verdict == Verdict::NotFound;
        let is_ours = is_not_found || self.number().is_some_and(|number| number == own);
        let small = |number: u64| u32::try_from(number).ok();
        Answer {
            approved: verdict == Verdict::Yes,
            code: shown(&self.code()),
            text: self.text(verdict),
            amount: ordered.map(|ordered| ordered.saturating_add(tip.unwrap_or(0))),
            tip,
            currency: named,
            transaction: is_ours.then_some(order.transaction),
            receipt: is_ours.then_some(small(order.transaction)).flatten(),
            trace: is_ours.then_some(small(second(order))).flatten(),
            original_trace: self.original_trace(options, order),
            clock: self.data("trans_end_time").map(|time| clock(&time)).unwrap_or_default(),
            pan_masked: ["card_no", "pay_user_account_id"]
                .iter()
                .find_map(|name| self.data(name))
                .map(|number| last_four(&number)),
            brand: self.shown("pay_method_id"),
            entry_mode: self.data("entry_mode").and_then(|code| entry_mode(&code)),
            authorization_code: self.shown("auth_code"),
            details: self.details(is_ours.then_some(own)),
            ..Answer::default()
        }
    }

    /// The trace number of the earlier transaction: the one that was named, unless the terminal names
    /// another order.
    fn original_trace(&self, options: &Options, order: &Order) -> Option<u32> {
        let ours = original_number(options, order)?;
        let trace = order.original?.trace?;
        match self.data("orig_merchant_order_no") {
            Some(theirs) if !theirs.is_empty() && theirs != ours => Some(trace.wrapping_add(1)),
            _ => Some(trace),
        }
    }

    fn text(&self, verdict: Verdict) -> String {
        let message = self.0.get("response_msg").and_then(text).filter(|text| !text.is_empty());
        message.map_or_else(
            || {
                let word = match verdict {
                    Verdict::Yes => "done",
                    Verdict::No { stopped: true } => "stopped",
                    Verdict::No { stopped: false } | Verdict::Failed => "not done",
                    Verdict::NotFound => "the terminal has no such order",
                    Verdict::UnderWay => "under way",
                    Verdict::Neither => "neither done nor not done",
                };
                word.to_owned()
            },
            |message| shown(&message),
        )
    }

    fn details(&self, own: Option<String>) -> Vec<(&'static str, Value)> {
        let named = [
            ("transaction-number", "trans_no"),
            ("channel-number", "pay_channel_trans_no"),
            ("reference", "ref_no"),
            ("paid", "paid_amount"),
        ];
        let theirs = named.into_iter().filter_map(|(name, field)| {
            Some((name, self.shown(field).filter(|text| !text.is_empty())?))
        });
        let own = own.map(|own| ("order-number", own));
        own.into_iter().chain(theirs).map(|(name, text)| (name, Value::from(text))).collect()
    }
}

/// What a field holds: documents have strings, and terminals have been seen to send numbers.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text for people: masked, and without what could disturb a line.
fn shown(text: &str) -> String {
    mask::masked(text).chars().filter(|character| !character.is_control()).collect()
}

/// The minor units of an amount in major units, which may have fewer digits behind the point than the
/// currency has, and zeros more.
fn minor(currency: Currency, text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let rest = rest.trim_end_matches('0');
    let digits = usize::from(currency.exponent);
    if rest.len() > digits {
        return None;
    }
    match digits {
        0 => currency.read(whole),
        _ => currency.read(&format!("{whole}.{rest:0<digits$}")),
    }
}

/// `2025-01-13 14:36:09`.
fn clock(text: &str) -> Clock {
    let part = |from: usize, to: usize| text.get(from..to)?.parse().ok();
    let has_date = text.len() == 19 && text.get(10..11) == Some(" ");
    let three = |one, two, three| Some((one?, two?, three?));
    if !has_date {
        return Clock::default();
    }
    Clock {
        date: part(5, 7)
            .zip(part(8, 10))
            .filter(|(month, day)| (1..=12).contains(month) && (1..=31).contains(day)),
        time: three(part(11, 13), part(14, 16), part(17, 19))
            .filter(|(hour, minute, second)| *hour < 24 && *minute < 60 && *second < 60),
    }
}

/// How the card was read.
fn entry_mode(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("magstripe"),
        "2" => Some("chip"),
        "3" => Some("contactless"),
        "4" => Some("keyed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
