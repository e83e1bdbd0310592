//! A box that passes codes in packets of the paycloud serial link.
//!
//! Source: the document of the link; see `protocol-docs`. It says nothing before its host has greeted it,
//! and keeps the codes that it reads until then. What is not acknowledged it sends again every 100 ms, as
//! the vendor's library does, though not for minutes. It sends one sign of life, when it is greeted: one
//! every two seconds would keep a simulation from ending.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Actions, Code, Info, Simulated};
use crate::event::Symbology;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "paycloud", configure };

const START: &[u8] = &[0x55, 0xAA];
const END: &[u8] = &[0xCC, 0x33];

const NORMAL: u8 = 0;
const HANDSHAKE: u8 = 1;
const CONFIRMATION: u8 = 2;

/// No packet is longer.
const MOST: usize = 10 + 1_024;

const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Sends of one packet, all told.
const SENDS: u8 = 20;

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let aim = section.word("aim", &[("off", false), ("auto", true), ("required", true)])?;
    Ok(Box::new(Paycloud {
        aim: aim.unwrap_or(true),
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        suffix: section.bytes("suffix")?.unwrap_or_default(),
        greeted: false,
        id: 0,
        waiting: VecDeque::new(),
        sends: 0,
        input: Vec::new(),
    }))
}

struct Paycloud {
    aim: bool,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    greeted: bool,
    /// The id of the packet that is on its way, or was last.
    id: u8,
    /// The codes that are to be sent; the first one is on its way where `sends` counts.
    waiting: VecDeque<Vec<u8>>,
    /// How often the first one has been sent.
    sends: u8,
    /// What has come of a packet so far.
    input: Vec<u8>,
}

impl Simulated for Paycloud {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let aim = match code.symbology {
            Some(Symbology::Ean13 | Symbology::UpcA | Symbology::UpcE) => "]E0",
            Some(Symbology::Ean8) => "]E4",
            Some(Symbology::Code128) => "]C0",
            Some(Symbology::Gs1Code128) => "]C1",
            Some(Symbology::Qr) => "]Q1",
            Some(Symbology::Gs1Qr) => "]Q3",
            Some(Symbology::DataMatrix) => "]d1",
            _ => "",
        };
        let aim = if self.aim { aim } else { "" };
        let data = [&self.prefix, aim.as_bytes(), &code.data, &self.suffix].concat();
        self.waiting.push_back(data);
        let mut out = Actions::default();
        if self.sends == 0 {
            self.next(&mut out);
        }
        out.send
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.input.extend_from_slice(bytes);
        while let Some((kind, ack)) = self.packet() {
            match kind {
                HANDSHAKE => {
                    (self.greeted, self.id, self.sends) = (true, 0, 0);
                    out.send.extend(packet(CONFIRMATION, 0, &[]));
                    out.send.extend(packet(NORMAL, 0, &[]));
                    self.next(out);
                }
                NORMAL if ack != 0 && ack == self.id && self.sends > 0 => {
                    self.waiting.pop_front();
                    self.sends = 0;
                    self.next(out);
                }
                _ => {}
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        (self.sends > 0).then_some(AGAIN_AFTER)
    }

    fn timeout(&mut self, out: &mut Actions) {
        if self.sends >= SENDS {
            // The next one may be heard.
            self.waiting.pop_front();
            self.sends = 0;
            return self.next(out);
        }
        if let (Some(data), 1..) = (self.waiting.front(), self.sends) {
            out.send.extend(packet(NORMAL, self.id, data));
            self.sends += 1;
        }
    }
}

impl Paycloud {
    /// Sends the next code, if there is one and somebody listens.
    fn next(&mut self, out: &mut Actions) {
        if let (true, Some(data)) = (self.greeted, self.waiting.front()) {
            self.id = self.id.checked_add(1).unwrap_or(1);
            self.sends = 1;
            out.send.extend(packet(NORMAL, self.id, data));
        }
    }

    /// Takes the next whole packet off the input, and what is none along with it: its type and its ack.
    fn packet(&mut self) -> Option<(u8, u8)> {
        loop {
            let start = self.input.windows(START.len()).position(|window| window == START);
            let noise = start.unwrap_or(self.input.len().saturating_sub(1));
            self.input.drain(..noise);
            start?;
            let &[_, _, kind, ack, _, high, low, ..] = self.input.as_slice() else { return None };
            let length = 10 + usize::from(high) * 256 + usize::from(low);
            if length > MOST {
                self.input.drain(..1);
                continue;
            }
            let whole = self.input.get(..length)?;
            let sum =
                whole.get(2..length - 2).unwrap_or_default().iter().fold(0, |sum, byte| sum ^ byte);
            if sum == 0 && whole.ends_with(END) {
                self.input.drain(..length);
                return Some((kind, ack));
            }
            self.input.drain(..1);
        }
    }
}

fn packet(kind: u8, id: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut packet = START.to_vec();
    packet.extend([kind, 0, id]);
    packet.extend(length.to_be_bytes());
    packet.extend(data);
    let sum = packet.iter().skip(START.len()).fold(0, |sum, byte| sum ^ byte);
    packet.push(sum);
    packet.extend(END);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Box<dyn Simulated> {
        configure(&Section::empty("options")).unwrap()
    }

    fn ask(device: &mut dyn Simulated, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        for byte in bytes {
            device.receive(&[*byte], &mut actions);
        }
        actions.send
    }

    const GREETING: [u8; 10] = [0x55, 0xAA, 1, 0, 0, 0, 0, 1, 0xCC, 0x33];
    /// The confirmation and a sign of life.
    const ANSWER: [u8; 20] =
        [0x55, 0xAA, 2, 0, 0, 0, 0, 2, 0xCC, 0x33, 0x55, 0xAA, 0, 0, 0, 0, 0, 0, 0xCC, 0x33];
    /// `A` with id 1, `B` with id 2.
    const A: [u8; 11] = [0x55, 0xAA, 0, 0, 1, 0, 1, b'A', b'A', 0xCC, 0x33];
    const B: [u8; 11] = [0x55, 0xAA, 0, 0, 2, 0, 1, b'B', b'A', 0xCC, 0x33];

    fn ack(id: u8) -> [u8; 10] {
        [0x55, 0xAA, 0, id, 0, 0, 0, id, 0xCC, 0x33]
    }

    #[test]
    fn codes_wait_for_a_greeting_and_then_for_each_other() {
        let mut device = device();
        assert_eq!(device.scan(&Code::plain("A")), b"");
        assert_eq!(device.scan(&Code::plain("B")), b"");
        assert_eq!(device.patience(), None);
        assert_eq!(ask(&mut *device, &GREETING), [&ANSWER[..], &A].concat());
        assert_eq!(device.patience(), Some(AGAIN_AFTER));
        assert_eq!(ask(&mut *device, &ack(9)), b"", "the acknowledgement of another");
        assert_eq!(ask(&mut *device, &ack(1)), B);
        assert_eq!(ask(&mut *device, &ack(2)), b"");
        assert_eq!(device.patience(), None);
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut device = device();
        ask(&mut *device, &[&[0x55][..], &GREETING].concat());
        assert_eq!(device.scan(&Code::plain("A")), A);
        let mut again = Actions::default();
        for _ in 1..SENDS {
            device.timeout(&mut again);
        }
        assert_eq!(again.send, A.repeat(usize::from(SENDS) - 1));
        device.timeout(&mut again);
        assert_eq!(device.patience(), None, "it is given up");
    }

    #[test]
    fn a_damaged_packet_is_passed_over() {
        let mut damaged = GREETING;
        damaged[7] = 0;
        assert_eq!(ask(&mut *device(), &[&damaged[..], &GREETING].concat()), ANSWER);
        let half = GREETING.get(..6).unwrap();
        assert_eq!(ask(&mut *device(), half), b"");
    }
}
