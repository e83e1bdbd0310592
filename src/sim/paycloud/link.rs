//! The far end of the paycloud serial link: packets, acknowledgements, sending again.
//!
//! What is not acknowledged it sends again every 100 ms, as the vendor's library does, though not for
//! minutes. Written apart from the protocol's end of the link, so that one can prove the other.

use std::collections::VecDeque;
use std::time::Duration;

const START: &[u8] = &[0x55, 0xAA];
const END: &[u8] = &[0xCC, 0x33];

const NORMAL: u8 = 0;
const HANDSHAKE: u8 = 1;
const CONFIRMATION: u8 = 2;

/// No packet is longer.
const MOST: usize = 10 + 1_024;

const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Sends of one packet, all told.
pub(in crate::sim) const SENDS: u8 = 20;

/// What the host has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Came {
    /// A greeting, which has been confirmed.
    Greeting,
    /// The data of a packet, which has been acknowledged.
    Data(Vec<u8>),
}

/// The far end.
#[derive(Debug, Default)]
pub(in crate::sim) struct Link {
    greeted: bool,
    /// The id of the packet that is on its way, or was last.
    id: u8,
    /// What is to be sent; the first one is on its way where `sends` counts.
    waiting: VecDeque<Vec<u8>>,
    /// How often the first one has been sent.
    sends: u8,
    /// What has come of a packet so far.
    input: Vec<u8>,
}

impl Link {
    /// Sends data, when those before have been acknowledged and somebody listens.
    pub(in crate::sim) fn queue(&mut self, data: Vec<u8>, send: &mut Vec<u8>) {
        self.waiting.push_back(data);
        if self.sends == 0 {
            self.next(send);
        }
    }

    /// Forgets what is on its way, and whoever listened.
    pub(in crate::sim) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes bytes; gives what came, in order.
    pub(in crate::sim) fn receive(&mut self, bytes: &[u8], send: &mut Vec<u8>) -> Vec<Came> {
        self.input.extend_from_slice(bytes);
        let mut came = Vec::new();
        while let Some(packet) = self.packet() {
            match packet {
                Packet { kind: HANDSHAKE, .. } => {
                    (self.greeted, self.id, self.sends) = (true, 0, 0);
                    send.extend(packet_of(CONFIRMATION, 0, 0, &[]));
                    send.extend(packet_of(NORMAL, 0, 0, &[]));
                    came.push(Came::Greeting);
                    self.next(send);
                }
                Packet { kind: NORMAL, ack, id, data } => {
                    if ack != 0 && ack == self.id && self.sends > 0 {
                        self.waiting.pop_front();
                        self.sends = 0;
                        self.next(send);
                    }
                    if id != 0 {
                        send.extend(packet_of(NORMAL, id, 0, &[]));
                        came.push(Came::Data(data));
                    }
                }
                _ => {}
            }
        }
        came
    }

    /// How long it waits for an acknowledgement.
    pub(in crate::sim) fn patience(&self) -> Option<Duration> {
        (self.sends > 0).then_some(AGAIN_AFTER)
    }

    /// It has waited so long.
    pub(in crate::sim) fn timeout(&mut self, send: &mut Vec<u8>) {
        if self.sends >= SENDS {
            // The next one may be heard.
            self.waiting.pop_front();
            self.sends = 0;
            return self.next(send);
        }
        if let (Some(data), 1..) = (self.waiting.front(), self.sends) {
            send.extend(packet_of(NORMAL, 0, self.id, data));
            self.sends += 1;
        }
    }

    /// Sends the next one, if there is one and somebody listens.
    fn next(&mut self, send: &mut Vec<u8>) {
        if let (true, Some(data)) = (self.greeted, self.waiting.front()) {
            self.id = self.id.checked_add(1).unwrap_or(1);
            self.sends = 1;
            send.extend(packet_of(NORMAL, 0, self.id, data));
        }
    }

    /// Whether a packet has begun and not ended.
    pub(in crate::sim) fn is_amid_a_packet(&self) -> bool {
        !self.input.is_empty()
    }

    /// The rest of it has not come: what it swallowed is looked at again.
    pub(in crate::sim) fn give_up_packet(&mut self, send: &mut Vec<u8>) -> Vec<Came> {
        let mut came = Vec::new();
        while !self.input.is_empty() {
            self.input.drain(..1);
            came.extend(self.receive(&[], send));
        }
        came
    }

    /// Takes the next whole packet off the input, and what is none along with it.
    fn packet(&mut self) -> Option<Packet> {
        loop {
            let start = self.input.windows(START.len()).position(|window| window == START);
            let noise = start.unwrap_or(self.input.len().saturating_sub(1));
            self.input.drain(..noise);
            start?;
            let &[_, _, kind, ack, id, high, low, ..] = self.input.as_slice() else { return None };
            let length = 10 + usize::from(high) * 256 + usize::from(low);
            if length > MOST {
                self.input.drain(..1);
                continue;
            }
            let whole = self.input.get(..length)?;
            let sum =
                whole.get(2..length - 2).unwrap_or_default().iter().fold(0, |sum, byte| sum ^ byte);
            if sum == 0 && whole.ends_with(END) {
                let data = whole.get(7..length - 3).unwrap_or_default().to_vec();
                self.input.drain(..length);
                return Some(Packet { kind, ack, id, data });
            }
            self.input.drain(..1);
        }
    }
}

/// A packet of the host's.
struct Packet {
    kind: u8,
    ack: u8,
    id: u8,
    data: Vec<u8>,
}

fn packet_of(kind: u8, ack: u8, id: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut packet = START.to_vec();
    packet.extend([kind, ack, id]);
    packet.extend(length.to_be_bytes());
    packet.extend(data);
    let sum = packet.iter().skip(START.len()).fold(0, |sum, byte| sum ^ byte);
    packet.push(sum);
    packet.extend(END);
    packet
}
