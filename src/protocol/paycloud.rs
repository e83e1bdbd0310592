//! Boxes that pass the codes they read in the packets of the paycloud (WiseCashier, CodePay) serial link.
//!
//! Source: paycloud and CodePay, "Serial communication protocol"; the vendor's Java library for what the
//! document leaves open. `protocol-docs/paycloud.md` names them.
//!
//! Oddities: the POS greets first, and again until the other side confirms. A packet with data is sent
//! again until it is acknowledged, so the same id with the same data is the same code. The link is made
//! for payment terminals, whose messages are no codes: one that says so is a fault and never shown.
//!
//! Absent: tillbus sends no data and, unlike the vendor's library, no signs of life: the document has the
//! terminal send them. Nothing that a box could be asked is documented.

use std::time::Duration;

use crate::event::{Fault, Reading, Timestamp};
use crate::frame::packet::Found;
use crate::frame::paycloud::{Kind as PacketKind, Packet, weigh};
use crate::frame::{Buffer, Packets};
use crate::protocol::line_scanner::{Identified, Identifiers};
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Opening, Output, Protocol};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "paycloud",
    title: "codes in packets of the paycloud serial link",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// After this much silence the rest of a packet is not coming: the longest one takes 90 ms at 115200 baud.
const STALL: Duration = Duration::from_millis(500);
/// How long the other side may take to confirm a greeting, as the vendor's library has it, and how often
/// it is greeted without a sign of it.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);
const GREETINGS: u8 = 5;
/// The same packet after so long is another one: a box that was switched off begins its ids anew.
const REPEAT_WITHIN: Duration = Duration::from_secs(30);

/// Every message of a terminal has a topic that begins like this ("USB mode API list").
const TOPIC: &[u8] = b"\"ecrhub.";

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let identifiers = Identifiers::read(section)?;
    let prefix = section.bytes("prefix")?.unwrap_or_default();
    let suffix = section.bytes("suffix")?.unwrap_or_default();
    Ok(Configured::new(&[], move || {
        Box::new(Paycloud {
            packets: Packets::new(weigh, STALL),
            talk: Talk {
                identifiers: identifiers.clone(),
                prefix: prefix.clone(),
                suffix: suffix.clone(),
                greeting: Greeting::Confirmed,
                last: None,
            },
        })
    }))
}

/// One conversation.
struct Paycloud {
    packets: Packets,
    talk: Talk,
}

/// What is said in it.
struct Talk {
    identifiers: Identifiers,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    greeting: Greeting,
    /// The last packet with data.
    last: Option<Last>,
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

/// A packet with data that has been acknowledged.
struct Last {
    id: u8,
    data: Buffer,
    heard: Timestamp,
}

impl Protocol for Paycloud {
    fn opened(&mut self, now: Timestamp, opening: Opening, out: &mut Output) {
        if opening == Opening::Fresh {
            self.talk.greet(now, GREETINGS, out);
        }
    }

    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { packets, talk } = self;
        let mut hear = |found: Found<'_>| talk.hear(now, found, out);
        match input {
            Input::Bytes(bytes) => packets.receive(now, bytes, &mut hear),
            Input::BadByte(byte) => packets.damage(now, byte, Fault::BadByte, &mut hear),
            Input::Break => packets.damage(now, 0, Fault::Break, &mut hear),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let greeting = match self.talk.greeting {
            Greeting::Said { again, .. } => Some(again),
            Greeting::Unheard | Greeting::Confirmed => None,
        };
        [self.packets.deadline(), greeting].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { packets, talk } = self;
        packets.expire(now, &mut |found| talk.hear(now, found, out));
        match talk.greeting {
            Greeting::Said { again, left: 0 } if again <= now => {
                talk.greeting = Greeting::Unheard;
                out.fault(Fault::NoReply);
            }
            Greeting::Said { again, left } if again <= now => talk.greet(now, left, out),
            _ => {}
        }
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { packets, talk } = self;
        packets.abandon(&mut |found| talk.hear(now, found, out));
    }
}

impl Talk {
    fn greet(&mut self, now: Timestamp, left: u8, out: &mut Output) {
        let again = now + CONFIRM_WITHIN;
        self.greeting = Greeting::Said { again, left: left.saturating_sub(1) };
        send(Packet::empty(PacketKind::Handshake), out);
    }

    fn hear(&mut self, now: Timestamp, found: Found<'_>, out: &mut Output) {
        match found {
            Found::Packet { bytes, first, last } => {
                if let Some(packet) = Packet::read(bytes) {
                    self.packet(now, packet, (first, last), out);
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
    ) {
        match (packet.kind, packet.id, packet.data) {
            (PacketKind::Confirmation, ..) => self.greeting = Greeting::Confirmed,
            (PacketKind::Handshake, ..) => {
                // It is the other side that greets, and begins its ids anew.
                self.greeting = Greeting::Confirmed;
                self.last = None;
                send(Packet::empty(PacketKind::Confirmation), out);
            }
            (PacketKind::Normal, 0, []) => {
                // A sign of life, or an acknowledgement of what nobody sends.
                if matches!(self.greeting, Greeting::Unheard) {
                    self.greet(now, 1, out);
                }
            }
            (PacketKind::Normal, 0, _) => out.fault(Fault::Malformed { at: 4 }),
            (PacketKind::Normal, id, data) => {
                send(Packet::acknowledging(id), out);
                if !self.is_repeated(now, id, data) {
                    self.code(data, first, last, out);
                }
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

    fn code(&self, data: &[u8], first: Timestamp, last: Timestamp, out: &mut Output) {
        if memchr::memmem::find(data, TOPIC).is_some() {
            return out.fault(Fault::Malformed { at: 7 });
        }
        let data = data.strip_prefix(self.prefix.as_slice()).unwrap_or(data);
        let data = data.strip_suffix(self.suffix.as_slice()).unwrap_or(data);
        if data.is_empty() {
            return;
        }
        match self.identifiers.split(data) {
            Ok(Identified { symbology, aim, code }) => {
                let data = Secret::copy_of(code);
                out.push(Item::Reading(Reading { symbology, aim, data, first, last }));
            }
            Err(fault) => out.fault(fault),
        }
    }
}

fn send(packet: Packet<'_>, out: &mut Output) {
    out.push(Item::Write(packet.bytes(), None));
}
