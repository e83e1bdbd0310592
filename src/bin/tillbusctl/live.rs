//! All that the daemon says, in its order, over its restarts.
//!
//! One stream carries both the daemon's signals and the bus's word that it came or went: from two
//! streams nobody could tell which was first. A task empties it at all times, because a stream
//! that is not polled while a call waits for its answer holds up that answer.

use std::future::poll_fn;
use std::pin::Pin;

use tokio::sync::mpsc;
use zbus::export::futures_core::Stream as _;
use zbus::fdo::{self, DBusProxy};
use zbus::message::Type;
use zbus::names::BusName;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::client::NAME;
use crate::error::Error;

const BUS: &str = "org.freedesktop.DBus";

/// What happened.
pub(crate) enum News {
    /// The daemon is on the bus, or another one in its place.
    Came,
    /// The daemon has left the bus.
    Gone,
    /// The daemon said this.
    Signal(Message),
}

pub(crate) struct Live {
    messages: mpsc::UnboundedReceiver<Message>,
    /// The daemon's unique name. A signal from anybody else is not the daemon's, whatever it says.
    owner: Option<String>,
}

impl Live {
    /// Listens from now on.
    pub(crate) async fn open(connection: &Connection) -> Result<Self, Error> {
        let messages = pump(MessageStream::from(connection));
        let bus = DBusProxy::new(connection).await?;
        let signals = || MatchRule::builder().msg_type(Type::Signal);
        let departures = signals().sender(BUS).interface(BUS).member("NameOwnerChanged");
        bus.add_match_rule(departures.arg(0, NAME).build()?).await?;
        bus.add_match_rule(signals().sender(NAME).build()?).await?;
        let name = BusName::try_from(NAME)?;
        let owner = match bus.get_name_owner(name).await {
            Ok(owner) => Some(owner.to_string()),
            Err(fdo::Error::NameHasNoOwner(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { messages, owner })
    }

    /// Whether the daemon is on the bus, as far as the news taken tell.
    pub(crate) fn is_there(&self) -> bool {
        self.owner.is_some()
    }

    /// Its unique name, as far as the news taken tell.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The next news. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<News, Error> {
        loop {
            let message = self.messages.recv().await;
            let message = message.ok_or_else(|| Error::failed("the bus has gone"))?;
            let header = message.header();
            let sender = header.sender().map(|name| name.as_str());
            if sender == Some(BUS) {
                let Some(owner) = owner_of(&message) else { continue };
                // The match stands before the question who owns it: both may tell of one arrival.
                if owner == self.owner {
                    continue;
                }
                self.owner = owner;
                return Ok(if self.is_there() { News::Came } else { News::Gone });
            }
            if sender.is_some() && sender == self.owner.as_deref() {
                drop(header);
                return Ok(News::Signal(message));
            }
        }
    }
}

/// Moves signals from the stream to a queue. Its length is bounded all the same: whoever is kept from
/// taking (a terminal that is stopped) keeps this single-threaded program from reading the bus.
fn pump(mut stream: MessageStream) -> mpsc::UnboundedReceiver<Message> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) =
            poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
        {
            if message.message_type() == Type::Signal && sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Who owns the daemon's name now, if that is what the message tells.
fn owner_of(message: &Message) -> Option<Option<String>> {
    if message.header().member().map(|member| member.as_str()) != Some("NameOwnerChanged") {
        return None;
    }
    let body = message.body();
    let (name, _before, after): (String, String, String) = body.deserialize().ok()?;
    (name == NAME).then(|| Some(after).filter(|after| !after.is_empty()))
}
