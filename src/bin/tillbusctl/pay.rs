//! `pay`: takes a payment, or has a terminal do anything else, and shows how it goes.

mod cashier;

use std::collections::HashMap;

use cashier::Cashier;
use serde_json::Value;
use tillbus::event::terminal::{Currency, Operation};
use zbus::{Connection, OwnedObjectPath, Variant};

use crate::client::{self, Place};
use crate::error::{Error, complain};
use crate::live::{Live, News};
use crate::output::{say, say_json};
use crate::style::{Style, Tone, plain};
use crate::terminal::Interrupt;
use crate::value::{self, Dict, Map};

const TRANSACTION: &str = "org.tillbus1.Transaction";

/// Take a payment at a terminal, with its progress and its receipt
///
/// Ctrl-C asks the terminal to stop, once; the outcome is waited for all the same, since it may be
/// approved. Where the cashier has to say something (is the signature all right, which code does the bank
/// give), you are asked; what is not answered stays open for `answer`. Exit status 0 means approved.
///
/// A simulated terminal takes payments only from a daemon that was started with --mode test or --mode
/// training.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The terminal's name
    device: String,
    /// The amount, as in 12.50; without one for operations that have none
    amount: Option<String>,
    /// Its currency
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: String,
    /// What to do: payment, refund, reversal, preauth, capture, cancel-preauth, close, totals, diagnosis,
    /// repeat-receipt
    #[arg(long, value_name = "OPERATION", default_value = "payment")]
    operation: String,
    /// The receipt number of the earlier transaction, for reversal, capture and cancel-preauth
    #[arg(long, value_name = "NUMBER")]
    receipt: Option<u32>,
    /// Pay with the code on the customer's telephone, read by this device of the terminal's lane; it is
    /// owned until the code has come
    #[arg(long, value_name = "DEVICE")]
    code_from: Option<String>,
    /// The idempotency key; with the key of an earlier transaction that one is shown
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Begin although the outcome of an earlier transaction is not known
    #[arg(long)]
    over_unknown: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Settle a transaction whose outcome is not known
#[derive(Debug, clap::Args)]
pub(crate) struct Resolve {
    /// Its number, as in the object path /org/tillbus1/transaction/NUMBER and in `ledger`
    transaction: u64,
    /// How it went
    #[arg(value_parser = ["approved", "declined"])]
    outcome: String,
    /// How it was found out; kept in the ledger
    note: String,
}

/// Answer what the cashier is asked in a payment: `yes` or `no` of a signature, a code or `no` of a referral
#[derive(Debug, clap::Args)]
pub(crate) struct Answer {
    /// Its number, as in the object path /org/tillbus1/transaction/NUMBER and in `ledger`
    transaction: u64,
    /// The answer
    answer: String,
}

/// A terminal.
#[zbus::proxy(interface = "org.tillbus1.Terminal", default_service = "org.tillbus1")]
trait Terminal {
    fn begin(
        &self,
        operation: &str,
        key: &str,
        parameters: HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<OwnedObjectPath>;
}

/// A transaction.
#[zbus::proxy(interface = "org.tillbus1.Transaction", default_service = "org.tillbus1")]
trait Transaction {
    fn get_result(&self) -> zbus::Result<Dict>;
    fn abort(&self) -> zbus::Result<()>;
    fn answer(&self, answer: &str) -> zbus::Result<()>;
    fn resolve(&self, outcome: &str, note: &str) -> zbus::Result<()>;
}

pub(crate) async fn run(place: &Place, options: &Options) -> Result<(), Error> {
    let mut interrupt = Interrupt::new()?;
    let connection = client::connect(place).await?;
    let mut live = Live::open(&connection).await?;
    let devices = client::devices(&connection).await?;
    let device = client::find(&devices, &options.device)?.0.to_owned();
    let terminal = TerminalProxy::builder(&connection).path(device).build().await?;
    let scanner = match &options.code_from {
        Some(scanner) => Some(client::find(&devices, scanner)?.0.to_owned()),
        None => None,
    };
    let key = match &options.key {
        Some(key) => key.clone(),
        None => random_key()?,
    };
    let parameters = parameters(options)?;
    let path = terminal.begin(&options.operation, &key, parameters).await?;
    if !options.json {
        complain(&format!("key {key}, {path}; Ctrl-C stops it"));
    }
    let transaction = transaction(&connection, path.as_str()).await?;
    if let Some(scanner) = scanner {
        // Not before the payment waits for it: a telephone may lie there already.
        let claimed = claim_for_a_code(&connection, &scanner).await;
        if claimed.is_err() {
            // Without the code nothing can come of it; where it is over already, that is said.
            let _ = transaction.abort().await;
        }
        claimed?;
    }
    let mut cashier = Cashier::of(path.as_str(), options.json);
    let mut result = value::map(&transaction.get_result().await?);
    cashier.hear(&result);
    let mut stopping = false;
    while !is_over(&result) {
        let news = tokio::select! {
            news = live.next() => news?,
            reply = cashier.answer() => {
                if let Err(error) = transaction.answer(&reply).await {
                    // The question stays open.
                    let _ = Error::from(error).report();
                    cashier.hear(&value::map(&transaction.get_result().await?));
                }
                continue;
            }
            () = interrupt.came(), if !stopping => {
                if let Some(how) = cashier.open_question() {
                    return Err(Error::failed(format!("the question is open; {how}")));
                }
                stopping = true;
                complain("asking the terminal to stop");
                // Where it is over already, its end is on its way.
                let _ = transaction.abort().await;
                continue;
            }
        };
        match news {
            News::Gone => complain("tillbusd has left the bus; the payment goes on without it"),
            News::Came => {
                // After a restart the transaction has an object again once it is looked for by its key; it is
                // the one that was begun, also where another terminal has a newer one of this key.
                let manager = client::manager(&connection).await?;
                manager.find_transaction(&key).await?;
                result = value::map(&transaction.get_result().await?);
                cashier.hear(&result);
            }
            News::Signal(message) => match signal_of(&message, path.as_str())? {
                Some(Told::Progress(state, details)) => {
                    progress(options, &state, &details)?;
                    cashier.hear(&details);
                }
                Some(Told::Completed(details)) => result = details,
                None => {}
            },
        }
    }
    let shown = show(options, &result);
    if !options.json && value::text(&result, "state") == "unknown" {
        let number = transaction_number(path.as_str());
        complain(&format!("settle it with: tillbusctl resolve {number} approved|declined NOTE"));
    }
    shown
}

/// Owns a device until it has read a payment code, or we are gone.
async fn claim_for_a_code(connection: &Connection, scanner: &str) -> Result<(), Error> {
    let until = HashMap::from([("until", "one-payment-code".into())]);
    Ok(client::device(connection, scanner).await?.claim(until).await?)
}

/// A transaction's number in the ledger.
fn transaction_number(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What a transaction's signal says.
enum Told {
    Progress(String, Map),
    Completed(Map),
}

/// The signal, where it is of this transaction.
fn signal_of(message: &zbus::Message, path: &str) -> Result<Option<Told>, Error> {
    let header = message.header();
    let ours = header.path().is_some_and(|at| at.as_str() == path);
    let of_it = header.interface().is_some_and(|name| name.as_str() == TRANSACTION);
    let member = header.member().map(|member| member.as_str().to_owned());
    if !ours || !of_it {
        return Ok(None);
    }
    let body = message.body();
    let (state, details): (String, Dict) = body.deserialize()?;
    let details = value::map(&details);
    Ok(match member.as_deref() {
        Some("Progress") => Some(Told::Progress(state, details)),
        Some("Completed") => Some(Told::Completed(details)),
        _ => None,
    })
}

pub(crate) async fn resolve(place: &Place, options: &Resolve) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    let path = format!("/org/tillbus1/transaction/{}", options.transaction);
    let transaction = transaction(&connection, &path).await?;
    transaction.resolve(&options.outcome, &options.note).await?;
    say(&format!("transaction {} is {}", options.transaction, options.outcome))
}

pub(crate) async fn answer(place: &Place, options: &Answer) -> Result<(), Error> {
    let connection = client::connect(place).await?;
    let path = format!("/org/tillbus1/transaction/{}", options.transaction);
    transaction(&connection, &path).await?.answer(&options.answer).await?;
    say(&format!("answered: {}", plain(&options.answer)))
}

async fn transaction(
    connection: &Connection,
    path: &str,
) -> Result<TransactionProxy<'static>, Error> {
    Ok(TransactionProxy::builder(connection).path(path.to_owned()).build().await?)
}

fn parameters(options: &Options) -> Result<HashMap<&'static str, Variant<'static>>, Error> {
    let mut parameters: HashMap<&'static str, Variant<'static>> = HashMap::new();
    let operation = Operation::from_word(&options.operation)
        .ok_or_else(|| Error::failed(format!("no operation {:?}", options.operation)))?;
    if let Some(text) = &options.amount {
        let currency = Currency::from_code(&options.currency);
        let currency =
            currency.ok_or_else(|| Error::failed(format!("no currency {:?}", options.currency)))?;
        let amount = currency.read(text).ok_or_else(|| {
            let example = currency.written(1250);
            Error::failed(format!("found {text:?}, accepted is an amount as in {example}"))
        })?;
        parameters.insert("amount", amount.into());
        parameters.insert("currency", currency.code.into());
        parameters.insert("exponent", u32::from(currency.exponent).into());
    } else if operation.needs_amount() {
        return Err(Error::failed("the amount is missing, as in 12.50"));
    }
    if let Some(receipt) = options.receipt {
        parameters.insert("receipt", receipt.into());
    }
    if options.code_from.is_some() {
        parameters.insert("await", "scan".into());
    }
    if options.over_unknown {
        parameters.insert("over-unknown", true.into());
    }
    Ok(parameters)
}

fn random_key() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::failed(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_over(result: &Map) -> bool {
    ["approved", "declined", "aborted", "failed", "unknown"].contains(&value::text(result, "state"))
}

fn progress(options: &Options, state: &str, details: &Map) -> Result<(), Error> {
    let text = value::text(details, "text");
    if options.json {
        let mut event = details.clone();
        event.extend([("type".to_owned(), "progress".into()), ("state".to_owned(), state.into())]);
        return say_json(&Value::Object(event));
    }
    let style = Style::of_stdout();
    let state = style.paint(Tone::Word, &format!("{state:<18}"));
    say(&format!("{state} {}", plain(text)))
}

fn show(options: &Options, result: &Map) -> Result<(), Error> {
    let state = value::text(result, "state");
    if options.json {
        let mut event = result.clone();
        event.insert("type".to_owned(), "completed".into());
        say_json(&Value::Object(event))?;
    } else {
        show_text(result, state)?;
    }
    if state == "approved" {
        return Ok(());
    }
    let why = [value::text(result, "reason"), value::text(result, "text")];
    let why = why.into_iter().find(|why| !why.is_empty()).unwrap_or("no reason is known");
    Err(Error::failed(format!("{state}: {}", plain(why))))
}

fn show_text(result: &Map, state: &str) -> Result<(), Error> {
    let style = Style::of_stdout();
    let receipts = result.get("receipts").and_then(Value::as_object);
    for (copy, lines) in receipts.into_iter().flatten() {
        say(&style.paint(Tone::Faint, &format!("-- {copy} --")))?;
        for line in lines.as_array().into_iter().flatten() {
            say(&plain(line.as_str().unwrap_or_default()))?;
        }
    }
    let currency = Currency::from_code(value::text(result, "currency"));
    for said in result.get("evidence").and_then(Value::as_array).into_iter().flatten() {
        let Some(said) = said.as_object() else { continue };
        let outcome = if value::flag(said, "approved") { "approved" } else { "declined" };
        let amount = value::number(said, "amount").zip(currency);
        let amount = amount.map(|(amount, currency)| currency.written(amount)).unwrap_or_default();
        let receipt = value::number(said, "receipt").unwrap_or_default();
        say(&format!(
            "the terminal told of: {outcome} {amount} receipt {receipt}, not taken for it"
        ))?;
    }
    let amount = value::number(result, "authorised").zip(currency);
    let amount = amount.map_or(String::new(), |(amount, currency)| {
        format!(" {} {}", currency.written(amount), currency.code)
    });
    let tone = if state == "approved" { Tone::Good } else { Tone::Bad };
    let mut line = format!("{}{amount}", style.paint(tone, state));
    for (name, label) in [("receipt", "receipt"), ("pan-masked", "card"), ("brand", "")] {
        let value = match result.get(name) {
            Some(Value::String(text)) => plain(text),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        let gap = if label.is_empty() { "" } else { " " };
        line.push_str(&format!("  {label}{gap}{value}"));
    }
    line.push_str(&extras(result, currency));
    if value::flag(result, "partial") {
        line.push_str("  PARTIAL: less than was asked for");
    }
    if value::flag(result, "signature") {
        line.push_str("  the customer has to sign");
    }
    if value::flag(result, "simulated") {
        line.push_str("  SIMULATED");
    }
    say(&line)
}

/// What the amount is made of, and what the customer was charged in its place.
fn extras(result: &Map, currency: Option<Currency>) -> String {
    let mut text = String::new();
    for name in ["tip", "cashback"] {
        if let Some((amount, currency)) = value::number(result, name).zip(currency) {
            text.push_str(&format!("  {name} {}", currency.written(amount)));
        }
    }
    let dcc = result.get("dcc").and_then(Value::as_object);
    let charged = dcc.and_then(|dcc| {
        let currency = Currency::from_code(value::text(dcc, "currency"))?;
        Some(format!(
            "  charged {} {}",
            currency.written(value::number(dcc, "amount")?),
            currency.code
        ))
    });
    text + &charged.unwrap_or_default()
}
