//! A box that passes codes in packets of the paycloud serial link.
//!
//! Source: the document of the link; see `protocol-docs`. It says nothing before its host has greeted it,
//! and keeps the codes that it reads until then. What is not acknowledged it sends again every 100 ms, as
//! the vendor's library does, though not for minutes. It sends one sign of life, when it is greeted: one
//! every two seconds would keep a simulation from ending.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

pub(super) mod link;

use std::time::Duration;

use self::link::Link;
use super::{Actions, Code, Info, Simulated};
use crate::event::Symbology;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "paycloud", configure };

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let aim = section.word("aim", &[("off", false), ("auto", true), ("required", true)])?;
    Ok(Box::new(Paycloud {
        aim: aim.unwrap_or(true),
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        suffix: section.bytes("suffix")?.unwrap_or_default(),
        link: Link::default(),
    }))
}

struct Paycloud {
    aim: bool,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    link: Link,
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
        let mut out = Actions::default();
        self.link.queue(data, &mut out.send);
        out.send
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        // Nothing that a box could be asked is documented.
        self.link.receive(bytes, &mut out.send);
    }

    fn patience(&self) -> Option<Duration> {
        self.link.patience()
    }

    fn timeout(&mut self, out: &mut Actions) {
        self.link.timeout(&mut out.send);
    }
}

#[cfg(test)]
mod tests {
    use super::link::SENDS;
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
        assert_eq!(device.patience(), Some(Duration::from_millis(100)));
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
