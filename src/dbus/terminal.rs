//! `org.tillbus1.Terminal` at the object of each payment terminal.

use std::sync::Arc;

use zbus::OwnedObjectPath;
use zbus::interface;
use zbus::message::Header;
use zbus::object_server::ResponseDispatchNotifier;

use super::client::Clients;
use super::convert::{self, Arguments, Dict};
use super::error::Error;
use super::transaction;
use crate::daemon::View;
use crate::daemon::call::{Act, Reply};
use crate::daemon::terminal::{Means, Wish};
use crate::event::terminal::{Currency, Operation};

/// A terminal.
pub(super) struct TerminalInterface {
    view: View,
    clients: Arc<Clients>,
}

impl TerminalInterface {
    pub(super) fn new(view: View, clients: Arc<Clients>) -> Self {
        Self { view, clients }
    }

    async fn ask<T>(
        &self,
        header: &Header<'_>,
        act: impl FnOnce(Reply<T>) -> Act,
    ) -> Result<T, Error> {
        self.clients.ask_device(header, self.view.key, act).await
    }
}

/// A device that takes payments.
#[interface(name = "org.tillbus1.Terminal")]
impl TerminalInterface {
    /// What keeps it from working, or soon will: `out-of-paper`, `needs-close`,
    /// `needs-initialisation`, `needs-diagnosis`, `offline`, `updating`, `in-menu`, `busy`, `defective`.
    #[zbus(property)]
    fn condition(&self) -> Vec<&'static str> {
        self.view.status.borrow().condition.clone()
    }

    /// Begins a transaction, and returns its object before the object's first signal. Operations are
    /// those of Capabilities: `payment`, `refund`, `reversal`, `preauth`, `capture`, `cancel-preauth`,
    /// `close`, `totals`, `diagnosis`, `repeat-receipt`. The key is needed where money moves: with the
    /// same key, and asked for the same, it is the same transaction, also after a restart. Parameters:
    /// `amount` (minor units) and `currency` (ISO 4217 letters) for what has an amount, `exponent`
    /// (digits of the minor unit, checked), `scan` (the sequence of a payment code that the caller was
    /// sent: the payment is made with it) or `await` (`scan`: with the next one that the caller is sent
    /// from the terminal's lane; one sale of a lane waits at a time), `receipt` (the receipt number of the
    /// earlier transaction) for reversal, capture and cancel-preauth, `over-unknown` (begin although the
    /// outcome of an earlier transaction is not known; needs the right `resolve`). Needs the right
    /// `terminal`; `refund` for refund and reversal, `close` for close.
    async fn begin(
        &self,
        #[zbus(header)] header: Header<'_>,
        operation: &str,
        key: String,
        parameters: Arguments,
    ) -> Result<ResponseDispatchNotifier<OwnedObjectPath>, Error> {
        let wish = wish(operation, key, &parameters)?;
        let id = self.ask(&header, |reply| Act::Begin(wish, reply)).await?;
        let (response, sent) = ResponseDispatchNotifier::new(transaction::path(id)?);
        let clients = Arc::clone(&self.clients);
        tokio::spawn(async move {
            sent.await;
            clients.announced(id).await;
        });
        Ok(response)
    }

    /// How it fares: `state`, `condition`, `recovery` (what it can be asked when an outcome is not
    /// known: `enquiry`, `last-receipt`, `none`), and where there is one `transaction` (the object of the
    /// one under way) and `unknown` (the object of one that has to be settled). A terminal that can be asked
    /// (`status` of Capabilities), is ready and has nothing under way is asked first: `answered` says
    /// whether it has answered this time, within 15 seconds, and `says` what; else this is what is known.
    /// A transaction that begins meanwhile waits for that.
    async fn status(&self, #[zbus(header)] header: Header<'_>) -> Result<Dict<'static>, Error> {
        let status = self.ask(&header, Act::Terminal).await?;
        let mut dict = Dict::new();
        for (name, value) in &status {
            dict.insert(*name, convert::variant(value));
        }
        let mut dict = convert::owned(dict);
        for name in ["transaction", "unknown"] {
            if let Some(crate::event::Value::Count(id)) = status.get(name) {
                dict.insert(name, transaction::path(*id)?.into_inner().into());
            }
        }
        Ok(dict)
    }
}

/// What is to begin.
fn wish(operation: &str, key: String, parameters: &Arguments) -> Result<Wish, Error> {
    let operation = Operation::from_word(operation).ok_or_else(|| {
        let words: Vec<&str> = Operation::ALL.into_iter().map(Operation::word).collect();
        Error::InvalidArgument(format!(
            "unknown operation {operation:?}; accepted: {}",
            words.join(", ")
        ))
    })?;
    let mut wish = Wish {
        operation,
        key,
        amount: None,
        currency: None,
        receipt: None,
        means: Means::AtTerminal,
        over_unknown: false,
    };
    let mut exponent = None;
    for (name, value) in parameters {
        let wrong = |accepted: &str| {
            Err(Error::InvalidArgument(format!("parameter `{name}` of Begin takes {accepted}")))
        };
        match (name.as_str(), &**value) {
            ("amount", value) => match convert::whole(value) {
                Some(amount) => wish.amount = Some(amount),
                None => return wrong("a whole number of minor units"),
            },
            ("currency", zbus::Variant::Str(code)) => match Currency::from_code(code.as_str()) {
                Some(currency) => wish.currency = Some(currency),
                None => return wrong("the letters of a currency of ISO 4217, such as \"EUR\""),
            },
            ("exponent", value) => match convert::whole(value) {
                Some(digits) => exponent = Some(digits),
                None => return wrong("the number of digits of the minor unit"),
            },
            ("receipt", value) => {
                let receipt = convert::whole(value).and_then(|receipt| u32::try_from(receipt).ok());
                match receipt.filter(|receipt| *receipt <= 9999) {
                    Some(receipt) => wish.receipt = Some(receipt),
                    None => return wrong("a receipt number from 0 to 9999"),
                }
            }
            ("scan", value) => match convert::whole(value) {
                Some(sequence) => wish.means = Means::Scanned(sequence),
                None => return wrong("the sequence of an event"),
            },
            ("await", zbus::Variant::Str(what)) if what.as_str() == "scan" => {
                wish.means = Means::NextScan;
            }
            ("await", _) => return wrong("\"scan\""),
            ("over-unknown", zbus::Variant::Bool(over)) => wish.over_unknown = *over,
            ("currency", _) => return wrong("the letters of a currency of ISO 4217"),
            ("over-unknown", _) => return wrong("true or false"),
            _ => {
                return Err(Error::InvalidArgument(format!(
                    "unknown parameter `{name}` of Begin; accepted: amount, await, currency, \
                     exponent, over-unknown, receipt, scan"
                )));
            }
        }
    }
    let known = wish.currency.map(|currency| u64::from(currency.exponent));
    if exponent.is_some() && exponent != known {
        return Err(Error::InvalidArgument(format!(
            "parameter `exponent` of Begin is not that of the currency, which is {}",
            known.map_or_else(|| "not given".to_owned(), |digits| digits.to_string())
        )));
    }
    Ok(wish)
}
