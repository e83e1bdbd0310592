//! The link that boxes and terminals have in common: greetings, ids, acknowledgements.
//!
//! Contract: pure. It greets again until it is confirmed, passes on what comes, and knows a packet that comes
//! twice. When data are acknowledged, and whether something is sent again, is for the protocol to say: an answer about money has
//! to be on disk first, and an order for money is never sent twice.

use std::time::Duration;

use crate::event::{Fault, Timestamp};
use crate::frame::packet::Found;
use crate::frame::paycloud::{Kind, Packet, weigh};
use crate::frame::{Buffer, Packets};
use crate::protocol::{Input, Item, Output, Token};

/// After this much silence the rest of a packet is not coming: the longest one takes 90 ms at 115200 baud.
const STALL: Duration = Duration::from_millis(500);
/// How long the other side may take to confirm a greeting, as the vendor's library has it, and how often
/// it is greeted without a sign of it.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);
const GREETINGS: u8 = 5;
/// The same packet after so long is another one: who was switched off begins its ids anew.
const REPEAT_WITHIN: Duration = Duration::from_secs(30);

/// What has come over the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Heard<'a> {
    /// The other side has confirmed our greeting.
    Confirmed,
    /// It greets by itself.
    Greeted,
    /// It has not confirmed any of our greetings.
    Unanswered,
    /// It has the packet with this id.
    Acknowledged(u8),
    /// A packet with data.
    Data {
        /// Its id, which is to be acknowledged.
        id: u8,
        /// What it carries.
        data: &'a [u8],
        /// Whether it has come before, and was not heard to be acknowledged.
        is_repeated: bool,
        /// When its first byte came.
        first: Timestamp,
        /// When its last byte came.
        last: Timestamp,
    },
}

/// What hears it, and may answer.
type Hear<'a> = &'a mut dyn FnMut(Heard<'_>, &mut Output);

/// One end of the link.
pub(in crate::protocol) struct Link {
    packets: Packets,
    state: State,
}

struct State {
    greeting: Greeting,
    /// The id of the last packet with data that we have sent.
    id: u8,
    /// The last packet with data that has come.
    last: Option<Last>,
}

/// A packet with data.
struct Last {
    id: u8,
    data: Buffer,
    heard: Timestamp,
}

/// How far the greeting has come.
#[derive(Clone, Copy, Debug)]
enum Greeting {
    /// To be said again at that time, and so often.
    Said { again: Timestamp, left: u8 },
    /// Not heard by anyone so far; said again when there is a sign of life.
    Unheard,
    /// Heard, or not wanted.
    Confirmed,
}

impl Link {
    /// A link over which nothing has been said.
    pub(in crate::protocol) fn new() -> Self {
        Self {
            packets: Packets::new(weigh, STALL),
            state: State { greeting: Greeting::Confirmed, id: 0, last: None },
        }
    }

    /// Greets, until that is confirmed.
    pub(in crate::protocol) fn greet(&mut self, now: Timestamp, out: &mut Output) {
        self.state.greet(now, GREETINGS, out);
    }

    /// Sends data, once. Gives the id of their packet.
    pub(in crate::protocol) fn send(
        &mut self,
        data: &[u8],
        token: Option<Token>,
        out: &mut Output,
    ) -> u8 {
        self.state.id = self.state.id.checked_add(1).unwrap_or(1);
        let packet = Packet { kind: Kind::Normal, ack: 0, id: self.state.id, data };
        out.push(Item::Write(packet.bytes(), token));
        self.state.id
    }

    /// Takes what came.
    pub(in crate::protocol) fn receive(
        &mut self,
        now: Timestamp,
        input: Input<'_>,
        out: &mut Output,
        hear: Hear<'_>,
    ) {
        let Self { packets, state } = self;
        let mut find = |found: Found<'_>| state.found(now, found, out, hear);
        match input {
            Input::Bytes(bytes) => packets.receive(now, bytes, &mut find),
            Input::BadByte(byte) => packets.damage(now, byte, Fault::BadByte, &mut find),
            Input::Break => packets.damage(now, 0, Fault::Break, &mut find),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    /// When [`timeout`](Self::timeout) is to be called.
    pub(in crate::protocol) fn deadline(&self) -> Option<Timestamp> {
        let greeting = match self.state.greeting {
            Greeting::Said { again, .. } => Some(again),
            Greeting::Unheard | Greeting::Confirmed => None,
        };
        [self.packets.deadline(), greeting].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(in crate::protocol) fn timeout(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        hear: Hear<'_>,
    ) {
        let Self { packets, state } = self;
        packets.expire(now, &mut |found| state.found(now, found, out, hear));
        match state.greeting {
            Greeting::Said { again, left: 0 } if again <= now => {
                state.greeting = Greeting::Unheard;
                hear(Heard::Unanswered, out);
            }
            Greeting::Said { again, left } if again <= now => state.greet(now, left, out),
            _ => {}
        }
    }

    /// The line is gone.
    pub(in crate::protocol) fn close(&mut self, now: Timestamp, out: &mut Output, hear: Hear<'_>) {
        let Self { packets, state } = self;
        packets.abandon(&mut |found| state.found(now, found, out, hear));
        state.greeting = Greeting::Confirmed;
    }
}

impl State {
    fn greet(&mut self, now: Timestamp, left: u8, out: &mut Output) {
        let again = now + CONFIRM_WITHIN;
        self.greeting = Greeting::Said { again, left: left.saturating_sub(1) };
        send(Packet::empty(Kind::Handshake), out);
    }

    fn found(&mut self, now: Timestamp, found: Found<'_>, out: &mut Output, hear: Hear<'_>) {
        match found {
            Found::Packet { bytes, first, last } => {
                if let Some(packet) = Packet::read(bytes) {
                    self.packet(now, packet, (first, last), out, hear);
                }
            }
            Found::Fault(fault) => out.fault(fault),
            // It comes again, since nobody acknowledges it.
            Found::Garbled(_) => {}
        }
    }

    fn packet(
        &mut self,
        now: Timestamp,
        packet: Packet<'_>,
        (first, last): (Timestamp, Timestamp),
        out: &mut Output,
        hear: Hear<'_>,
    ) {
        match (packet.kind, packet.id, packet.data) {
            (Kind::Confirmation, ..) => {
                self.greeting = Greeting::Confirmed;
                hear(Heard::Confirmed, out);
            }
            (Kind::Handshake, ..) => {
                self.greeting = Greeting::Confirmed;
                self.last = None;
                send(Packet::empty(Kind::Confirmation), out);
                hear(Heard::Greeted, out);
            }
            (Kind::Normal, 0, []) => {
                // A sign of life, or an acknowledgement.
                if matches!(self.greeting, Greeting::Unheard) {
                    self.greet(now, 1, out);
                }
                acknowledged(packet.ack, out, hear);
            }
            (Kind::Normal, 0, _) => out.fault(Fault::Malformed { at: 4 }),
            (Kind::Normal, id, data) => {
                acknowledged(packet.ack, out, hear);
                let is_repeated = self.is_repeated(now, id, data);
                hear(Heard::Data { id, data, is_repeated, first, last }, out);
            }
        }
    }

    /// Whether this packet has come before, and remembers it.
    fn is_repeated(&mut self, now: Timestamp, id: u8, data: &[u8]) -> bool {
        let same = self.last.as_ref().is_some_and(|last| {
            last.id == id && last.data.bytes() == data && now.since(last.heard) < REPEAT_WITHIN
        });
        let mut kept = Buffer::default();
        kept.extend(data);
        self.last = Some(Last { id, data: kept, heard: now });
        same
    }
}

fn acknowledged(ack: u8, out: &mut Output, hear: Hear<'_>) {
    if ack != 0 {
        hear(Heard::Acknowledged(ack), out);
    }
}

/// Acknowledges the packet with this id.
pub(in crate::protocol) fn acknowledge(id: u8, out: &mut Output) {
    send(Packet::acknowledging(id), out);
}

fn send(packet: Packet<'_>, out: &mut Output) {
    out.push(Item::Write(packet.bytes(), None));
}
