//! `org.tillbus1.Transaction` at the object of each transaction.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Message, OwnedObjectPath, Variant};

use super::client::Clients;
use super::convert::{self, Dict};
use super::error::Error;
use super::properties_changed;
use crate::daemon::call::{Call, Reply};
use crate::daemon::name;
use crate::daemon::terminal::{TransactionAct, TransactionSignal, TransactionView};
use crate::event::terminal::{Answer, Conversion, Copy, Question};
use crate::store::Client;
use crate::transaction::{State, Transaction};

const INTERFACE: &str = "org.tillbus1.Transaction";

/// A transaction.
pub(super) struct TransactionInterface {
    view: TransactionView,
    clients: Arc<Clients>,
}

impl TransactionInterface {
    pub(super) fn new(view: TransactionView, clients: Arc<Clients>) -> Self {
        Self { view, clients }
    }

    async fn ask<T>(
        &self,
        header: &Header<'_>,
        act: impl FnOnce(Reply<T>) -> TransactionAct,
    ) -> Result<T, Error> {
        let id = self.view.id;
        let call = |caller, reply| Call::Transaction { caller, id, act: act(reply) };
        self.clients.ask(header, call).await
    }
}

/// A transaction on a terminal. Its object stays for ten minutes after its end, and as long as its
/// outcome is unknown. One that was heard of another till stays for ten minutes too, and where its outcome
/// keeps another from beginning it has one until it is settled.
#[interface(name = "org.tillbus1.Transaction")]
impl TransactionInterface {
    /// `preparing`, `sent`, `in-progress`, `awaiting-customer`, `awaiting-cashier`, then `approved`,
    /// `declined`, `aborted` (stopped by a person), `failed` (it did not begin) or `unknown`.
    #[zbus(property)]
    fn state(&self) -> &'static str {
        self.view.state.borrow().word()
    }

    /// What is known of it: `state`, `operation`, `device`, `key`, `requested`, `currency`, `began` and
    /// `ended` (since 1970, µs), `reason`, and as far as the terminal told: `authorised`, `code`, `text`,
    /// `partial`, `tip` and `cashback` (parts of `authorised`), `dcc` (`amount` and `currency` that the customer
    /// was charged in place of `authorised`, `markup` in hundredths of a percent), `terminal`,
    /// `receipt`, `trace`, `terminal-clock`, `pan-masked`, `brand`, `entry-mode`,
    /// `authorization-code`, `signature`, `totals`, `ledger-totals`, `totals-agree`, `order-number`,
    /// `transaction-number`, `channel-number`, `reference`, `paid`; `receipts` (lines by copy); `simulated` where true;
    /// `evidence` (what the terminal said that did not fit, decided nothing or came too late, each with
    /// `approved`, `amount` and the names above: for whoever settles it); `question`, `answers` and
    /// `code-length` while the cashier is asked (see `Answer`); `undone-by` and `undoes` (objects) of a
    /// payment and its reversal where the cashier refused a signature; `resolved-by` and `note` where it was
    /// settled by hand. For its user, and for the right `resolve`.
    async fn get_result(&self, #[zbus(header)] header: Header<'_>) -> Result<Dict<'static>, Error> {
        let transaction = self.ask(&header, TransactionAct::Result).await?;
        Ok(convert::owned(result(&transaction)))
    }

    /// Asks the terminal to stop. The outcome may be `approved` all the same: wait for `Completed`.
    async fn abort(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.ask(&header, TransactionAct::Abort).await
    }

    /// The cashier's answer, in the state `awaiting-cashier`. Question `signature`: `yes`, and the payment
    /// is approved, or `no`, and the terminal is told to reverse exactly that receipt, in a transaction of
    /// its own; the payment ends as `declined` when it has, and asks again when it has not. Question
    /// `authorization`: the code that the bank gives by telephone (letters and digits, as many as
    /// `code-length`), with which the payment is tried again, or `no`, and it is declined. For its user
    /// (who can find it by its key), and for the right `resolve`; nobody answers in time's place. Errors:
    /// NotReady where nothing is asked, or the terminal is away; InvalidArgument where the answer is none
    /// of those; Expired where it came too late.
    async fn answer(
        &self,
        #[zbus(header)] header: Header<'_>,
        answer: String,
    ) -> Result<(), Error> {
        self.ask(&header, |reply| TransactionAct::Answer(answer, reply)).await
    }

    /// Settles an outcome that is unknown: `approved` or `declined`, and a note that says how it was
    /// found out. Needs the right `resolve`; kept in the ledger with the user.
    async fn resolve(
        &self,
        #[zbus(header)] header: Header<'_>,
        outcome: &str,
        note: String,
    ) -> Result<(), Error> {
        let state = match outcome {
            "approved" => State::Approved,
            "declined" => State::Declined,
            _ => {
                return Err(Error::InvalidArgument(format!(
                    "unknown outcome {outcome:?}; accepted: approved, declined"
                )));
            }
        };
        self.ask(&header, |reply| TransactionAct::Resolve(state, note, reply)).await
    }

    /// It has come this far: the state, and `text` for the cashier. While the cashier is asked, `question`,
    /// `answers` (the words accepted) and where a code is accepted too `code-length`; without them the state
    /// `awaiting-cashier` means the terminal's own keys. To the beginner alone, and to whoever has found it
    /// by its key.
    #[zbus(signal)]
    async fn progress(
        emitter: &SignalEmitter<'_>,
        state: &str,
        details: Dict<'_>,
    ) -> zbus::Result<()>;

    /// It is over, and what `GetResult` gives. Said once.
    #[zbus(signal)]
    async fn completed(
        emitter: &SignalEmitter<'_>,
        outcome: &str,
        result: Dict<'_>,
    ) -> zbus::Result<()>;
}

/// The object path of a transaction.
pub(super) fn path_of(id: u64) -> String {
    format!("{}/transaction/{id}", name::ROOT)
}

/// The same as D-Bus has it.
pub(super) fn path(id: u64) -> Result<OwnedObjectPath, Error> {
    Ok(OwnedObjectPath::try_from(path_of(id))?)
}

/// The message that its state has changed.
pub(super) fn changed(view: &TransactionView) -> zbus::Result<Message> {
    let state = view.state.borrow().word();
    properties_changed(&path_of(view.id), INTERFACE, HashMap::from([("State", state.into())]))
}

/// The message of a signal.
pub(super) fn signal(id: u64, to: &Client, signal: &TransactionSignal) -> zbus::Result<Message> {
    let path = path_of(id);
    let message = |member: &'static str| {
        Message::signal(path.as_str(), INTERFACE, member).destination(to.as_str())
    };
    match signal {
        TransactionSignal::Progress(state, text, question) => {
            let mut details = Dict::from([("text", text.as_str().into())]);
            details.extend(question.iter().flat_map(|question| asked(*question)));
            message("Progress").build(&(*state, details))
        }
        TransactionSignal::Completed(transaction) => {
            message("Completed").build(&(transaction.state.word(), result(transaction)))
        }
    }
}

/// A question, and what may be answered.
fn asked(question: Question) -> Dict<'static> {
    let mut dict = Dict::from([
        ("question", question.word().into()),
        ("answers", question.answers().to_vec().into()),
    ]);
    if let Some(length) = question.code_length().and_then(|length| u32::try_from(length).ok()) {
        dict.insert("code-length", length.into());
    }
    dict
}

/// What is known of a transaction; what is absent is not known.
fn result(transaction: &Transaction) -> Dict<'_> {
    let intent = &transaction.intent;
    let mut dict = Dict::from([
        ("state", transaction.state.word().into()),
        ("operation", intent.operation.word().into()),
        ("device", intent.device.as_str().into()),
        ("lane", intent.lane.as_str().into()),
        ("key", intent.key.as_str().into()),
        ("currency", intent.currency.code.into()),
        ("requested", intent.amount.into()),
        ("began", intent.began.into()),
    ]);
    if let Some(ended) = transaction.ended {
        dict.insert("ended", ended.into());
    }
    if !transaction.reason.is_empty() {
        dict.insert("reason", transaction.reason.as_str().into());
    }
    if intent.simulated {
        dict.insert("simulated", true.into());
    }
    if let Some(resolution) = &transaction.resolution {
        dict.insert("resolved-by", resolution.user.into());
        dict.insert("note", resolution.note.as_str().into());
    }
    dict.extend(transaction.question.iter().flat_map(|question| asked(*question)));
    for (name, other) in [("undone-by", transaction.undone_by), ("undoes", transaction.undoes)] {
        dict.extend(other.and_then(|id| Some((name, path(id).ok()?.into_inner().into()))));
    }
    told(transaction, &mut dict);
    if !transaction.lines.is_empty() {
        dict.insert("receipts", receipts(transaction));
    }
    if !transaction.evidence.is_empty() {
        let evidence: Vec<Dict<'_>> = transaction.evidence.iter().map(evidence).collect();
        dict.insert("evidence", evidence.into());
    }
    dict
}

/// What the terminal told of it.
fn told<'a>(transaction: &'a Transaction, dict: &mut Dict<'a>) {
    let Some(answer) = &transaction.answer else { return };
    if transaction.state == State::Approved && transaction.intent.operation.moves_money() {
        let authorised = answer.amount.unwrap_or(transaction.intent.amount);
        dict.insert("authorised", authorised.into());
        if transaction.intent.operation.needs_amount() && authorised < transaction.intent.amount {
            dict.insert("partial", true.into());
        }
    }
    words(answer, dict);
}

/// What it said without that counting for anything.
fn evidence(answer: &Answer) -> Dict<'_> {
    let mut dict = Dict::from([("approved", answer.approved.into())]);
    if let Some(amount) = answer.amount {
        dict.insert("amount", amount.into());
    }
    words(answer, &mut dict);
    dict
}

fn words<'a>(answer: &'a Answer, dict: &mut Dict<'a>) {
    let texts = [
        ("code", Some(&answer.code)),
        ("text", Some(&answer.text)),
        ("terminal", answer.terminal.as_ref()),
        ("pan-masked", answer.pan_masked.as_ref()),
        ("brand", answer.brand.as_ref()),
        ("authorization-code", answer.authorization_code.as_ref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            dict.insert(name, text.as_str().into());
        }
    }
    for (name, amount) in [("tip", answer.tip), ("cashback", answer.cashback)] {
        dict.extend(amount.map(|amount| (name, amount.into())));
    }
    dict.extend(answer.dcc.map(|dcc| ("dcc", converted(dcc))));
    for (name, number) in [("receipt", answer.receipt), ("trace", answer.trace)] {
        if let Some(number) = number {
            dict.insert(name, number.into());
        }
    }
    let clock = answer.clock.to_string();
    if !clock.is_empty() {
        dict.insert("terminal-clock", clock.into());
    }
    if let Some(mode) = answer.entry_mode {
        dict.insert("entry-mode", mode.into());
    }
    if answer.signature {
        dict.insert("signature", true.into());
    }
    dict.extend(answer.details.iter().map(|(name, value)| (*name, convert::variant(value))));
}

/// What the customer was charged in a currency of their own.
fn converted(dcc: Conversion) -> Variant<'static> {
    let mut dict: Dict<'static> =
        Dict::from([("amount", dcc.amount.into()), ("currency", dcc.currency.code.into())]);
    dict.extend(dcc.markup.map(|markup| ("markup", markup.into())));
    dict.into()
}

/// The lines of the receipts, by whose they are.
fn receipts(transaction: &Transaction) -> Variant<'_> {
    let mut copies: HashMap<&str, Vec<&str>> = HashMap::new();
    for copy in Copy::ALL {
        let lines = transaction.lines.iter().filter(|line| line.copy == copy);
        let lines: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
        if !lines.is_empty() {
            copies.insert(copy.word(), lines);
        }
    }
    copies.into()
}
