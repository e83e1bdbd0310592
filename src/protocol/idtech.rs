//! ID TECH card readers on a serial line: MiniMag, SecureMag, SecureHead and their kin, SREDKey.
//!
//! Source: ID TECH, MiniMag RS-232 user's manual, "Output Format Selection"; SecureMag user manual,
//! 80096504-001, section 10. `protocol-docs/idtech.md` names the others. What the frames hold is read in
//! `card_data`, for USB readers too.
//!
//! Oddities: one and the same reader sends lines of text as long as it does not encrypt, and frames once it
//! does, for cards in clear too. In text each track ends in CR, and nothing tells the end of the last one:
//! silence has to.
//!
//! Absent: settings and commands, Mag-Tek's and UIC's formats with their own framing, keyed entry.

pub(super) mod card_data;

use std::time::Duration;

use crate::event::card::{Stripe, Swipe, Tracks};
use crate::event::{Fault, Timestamp};
use crate::frame::idtech::{self, Front};
use crate::frame::line::{Found, Line, Settings, Silence};
use crate::frame::{Mixture, Sieve, Weight};
use crate::normalize::card::{self, LrcRule};
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "idtech",
    title: "ID TECH serial card readers, encrypting ones too",
    kind: Kind::CardReader,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// Silence after which a card in text is whole, in milliseconds: at 1200 baud a byte takes eight.
const GAP: u32 = 100;

/// Three tracks with all that can be set to stand around them.
const LIMIT: usize = 512;

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let gap = section.integer("gap-ms", 20..=5_000)?.unwrap_or(GAP);
    let gap = Duration::from_millis(gap.into());
    Ok(Configured::new(&[], move || Box::new(Idtech::new(gap))))
}

/// One conversation.
struct Idtech {
    sieve: Sieve,
    text: Line,
}

impl Idtech {
    fn new(gap: Duration) -> Self {
        let silence = Silence::Ends(gap);
        let text = Settings { suffixes: Vec::new(), prefix: Vec::new(), silence, limit: LIMIT };
        Self { sieve: Sieve::default(), text: Line::new(text) }
    }
}

impl Protocol for Idtech {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { sieve, text } = self;
        let mut ears = Ears { text, out };
        match input {
            Input::Bytes(bytes) => sieve.receive(now, bytes, &mut ears),
            Input::BadByte(_) => sieve.damage(now, Fault::BadByte, &mut ears),
            Input::Break => sieve.damage(now, Fault::Break, &mut ears),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.sieve.deadline(), self.text.deadline()].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, text } = self;
        sieve.expire(now, &mut Ears { text, out });
        text.expire(now, &mut |found| hear(found, out));
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        let Self { sieve, text } = self;
        sieve.abandon(&mut Ears { text, out });
        text.abandon(&mut |found| hear(found, out));
    }
}

/// Hears frames and text.
struct Ears<'a> {
    text: &'a mut Line,
    out: &'a mut Output,
}

impl Mixture for Ears<'_> {
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr(idtech::START, bytes)
    }

    fn weigh(&self, head: &[u8]) -> Weight {
        match idtech::front(head) {
            Front::Open => Weight::Maybe,
            Front::Begun => Weight::Begun,
            Front::Frame(length, _) => Weight::Whole(length),
            Front::Garbled { length, got, want } => {
                let fault = Fault::Checksum { got: got.into(), want: want.into() };
                Weight::Damaged(next_in(head, length).unwrap_or(length), fault)
            }
            // Its length is wrong, or a part of it is missing and the next one is in it.
            Front::Unended(at) => Weight::Damaged(1, Fault::Malformed { at }),
            Front::None => Weight::Code,
        }
    }

    fn message(&mut self, message: &[u8], first: Timestamp, last: Timestamp) {
        let Front::Frame(_, data) = idtech::front(message) else { return };
        match card_data::read(data) {
            Ok(card_data::Read { tracks, encryption }) => {
                self.out.push(Item::Swipe(Swipe { tracks, encryption, first, last }));
            }
            Err(fault) => self.out.fault(fault),
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8]) {
        let Self { text, out } = self;
        text.receive(now, bytes, &mut |found| hear(found, out));
    }

    fn damaged(&mut self, now: Timestamp, fault: Fault) {
        let Self { text, out } = self;
        text.damage(now, fault, &mut |found| hear(found, out));
    }
}

/// Where a whole frame stands in one that is none: the end of what was cut off may by chance be its end.
fn next_in(head: &[u8], length: usize) -> Option<usize> {
    let is_frame = |at: &usize| {
        let rest = head.get(*at..length).unwrap_or_default();
        matches!(idtech::front(rest), Front::Frame(..))
    };
    (1..length).find(is_frame)
}

fn hear(found: Found<'_>, out: &mut Output) {
    match found {
        Found::Fault(fault) => out.fault(fault),
        Found::Frame { bytes, first, last } => match tracks(bytes) {
            Some(tracks) => {
                out.push(Item::Swipe(Swipe { tracks, encryption: None, first, last }));
            }
            None => out.fault(Fault::Noise { bytes: bytes.len() }),
        },
    }
}

/// The tracks of a card in text, whatever stands in front of and between them.
///
/// A byte that is neither text nor a control character of the formats is of a damaged frame, whose
/// shown tracks must not be taken for whole ones.
pub(super) fn tracks(bytes: &[u8]) -> Option<Tracks<Stripe>> {
    if bytes.iter().any(|byte| !matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x02 | 0x03)) {
        return None;
    }
    let first = bytes.iter().position(|byte| b"%;+#!".contains(byte))?;
    let mut text: Secret<Vec<u8>> = Secret::with_room(bytes.len());
    for byte in bytes.get(first..)?.iter().filter(|byte| **byte >= b' ') {
        // There is room for all of them.
        let _ = text.push(*byte);
    }
    card::tracks(text.expose(), LrcRule::Kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pieces: &[&[u8]]) -> Vec<Item> {
        let mut protocol = Idtech::new(Duration::from_millis(100));
        let mut out = Output::default();
        for (place, piece) in (0_u64..).zip(pieces) {
            protocol.receive(Timestamp(place * 10_000), Input::Bytes(piece), &mut out);
        }
        while let Some(deadline) = protocol.deadline() {
            protocol.timeout(deadline, &mut out);
        }
        std::iter::from_fn(|| out.pop()).collect()
    }

    #[test]
    fn a_card_in_text_is_from_its_first_byte_to_its_last() {
        let items =
            heard(&[b"%B4111111111111111^TEST/CARD^2512101?\r", b";4111111111111111=2512101?\r"]);
        let [Item::Swipe(swipe)] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((swipe.first, swipe.last), (Timestamp(0), Timestamp(10_000)));
        let there = |stripe: &Stripe| matches!(stripe, Stripe::Text(_));
        assert_eq!(swipe.tracks.0.each_ref().map(there), [true, true, false]);
    }

    #[test]
    fn what_is_no_text_is_no_card() {
        for (name, bytes, faults) in [
            ("no sentinel", &b"4006381333931\r"[..], 1),
            ("a shown track of a damaged frame", b";4111********1111=****?\xF7\x12;0111=1?", 1),
            ("nothing but control characters", b"\r\n", 1),
        ] {
            let items = heard(&[bytes]);
            assert_eq!(items.len(), faults, "{name}: {items:?}");
            assert!(matches!(items[0], Item::Fault(Fault::Noise { .. })), "{name}");
        }
    }
}
