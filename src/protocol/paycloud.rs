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

pub(super) mod link;

use self::link::{Heard, Link, acknowledge};
use crate::event::{Fault, Reading, Timestamp};
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

/// Every message of a terminal has a topic that begins like this ("USB mode API list").
const TOPIC: &[u8] = b"\"ecrhub.";

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let identifiers = Identifiers::read(section)?;
    let prefix = section.bytes("prefix")?.unwrap_or_default();
    let suffix = section.bytes("suffix")?.unwrap_or_default();
    Ok(Configured::new(&[], move || {
        Box::new(Paycloud {
            link: Link::new(),
            talk: Talk {
                identifiers: identifiers.clone(),
                prefix: prefix.clone(),
                suffix: suffix.clone(),
            },
        })
    }))
}

/// One conversation.
struct Paycloud {
    link: Link,
    talk: Talk,
}

/// What is said in it.
struct Talk {
    identifiers: Identifiers,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

impl Protocol for Paycloud {
    fn opened(&mut self, now: Timestamp, opening: Opening, out: &mut Output) {
        if opening == Opening::Fresh {
            self.link.greet(now, out);
        }
    }

    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { link, talk } = self;
        link.receive(now, input, out, &mut |heard, out| talk.hear(heard, out));
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.link.deadline()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { link, talk } = self;
        link.timeout(now, out, &mut |heard, out| talk.hear(heard, out));
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { link, talk } = self;
        link.close(now, out, &mut |heard, out| talk.hear(heard, out));
    }
}

impl Talk {
    fn hear(&self, heard: Heard<'_>, out: &mut Output) {
        match heard {
            Heard::Unanswered => out.fault(Fault::NoReply),
            Heard::Data { id, data, is_repeated, first, last } => {
                acknowledge(id, out);
                if !is_repeated {
                    self.code(data, first, last, out);
                }
            }
            // Nobody sends a box anything that could be acknowledged.
            Heard::Confirmed | Heard::Greeted | Heard::Acknowledged(_) => {}
        }
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
