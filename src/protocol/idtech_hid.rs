//! ID TECH card readers on USB in HID mode: MiniMag II, SecureMag, SecureHead, SREDKey.
//!
//! Source: ID TECH, VersaKey with USB-HID reader interface, 80074503-001, section 3 (the layout and its
//! descriptor); SecureMag user manual, 80096504-001, 10.1; Unitech, MS246 user manual, 8.4 (frames in
//! reports). `protocol-docs/idtech-hid.md` names the others.
//!
//! Oddities: a reader that encrypts sends a serial reader's frame where the report of one that does not
//! has its decode statuses; the first byte tells. Reports are of one length, which differs by model.
//!
//! Absent: settings and commands (feature reports), the keyboard mode, keyed entry.

use super::idtech::{self, card_data};
use super::magtek::{self, DECODING_READER};
use crate::event::card::{Number, Stripe, Swipe, TrackError, Tracks};
use crate::event::{Fault, Timestamp};
use crate::frame::idtech::{Front, START, front};
use crate::hid::{self, Descriptor, Field};
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "idtech-hid",
    title: "ID TECH USB card readers in HID mode, encrypting ones too",
    kind: Kind::CardReader,
    carrier: Carrier::Hid { applications: &[DECODING_READER] },
    framed: true,
    configure,
};

/// The layout of a report in clear (80074503-001, 3.2).
const DECODE_STATUS: usize = 0;
const TOTAL_LENGTH: usize = 7;
const OUTPUT: usize = 9;
/// Bit 0 of a decode status.
const UNREAD: u8 = 0x01;

fn configure(_section: &Section<'_>) -> Result<Configured, Error> {
    Ok(Configured::new(&[], || Box::new(IdtechHid::default())))
}

/// One conversation.
#[derive(Default)]
struct IdtechHid {
    layout: Option<Layout>,
}

/// How reports are laid out that hold no frame.
enum Layout {
    /// As one text, with its length in front.
    Text { report: u8, length: usize },
    /// As MagTek's ("other" mode).
    Magtek(Box<magtek::Layout>),
}

impl Layout {
    fn of(descriptor: &Descriptor) -> Option<Self> {
        if let Some(layout) = magtek::Layout::of(descriptor) {
            return Some(Self::Magtek(Box::new(layout)));
        }
        let is_there = |field: &&Field| field.is_bytes() && field.length() > OUTPUT;
        let report = descriptor.fields(hid::Kind::Input).find(is_there)?.report;
        Some(Self::Text { report, length: descriptor.length(hid::Kind::Input, report)? })
    }

    fn report(&self) -> (u8, usize) {
        match self {
            Self::Text { report, length } => (*report, *length),
            Self::Magtek(layout) => layout.report(),
        }
    }
}

impl Protocol for IdtechHid {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Descriptor(bytes) => {
                let lacks = "card data in ID TECH's HID layout";
                self.layout = magtek::described(bytes, Layout::of, lacks, out);
            }
            Input::Report { id, data } => self.report(now, id, data, out),
            Input::BadByte(_) => out.fault(Fault::BadByte),
            Input::Bytes(_) | Input::Break => {}
        }
    }
}

impl IdtechHid {
    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        let Some(layout) = self.layout.as_ref() else { return };
        let (report, length) = layout.report();
        if report != id {
            return;
        }
        if data.len() < length {
            return out.fault(Fault::Partial { bytes: data.len() });
        }
        let read = match (data.first(), layout) {
            (Some(&START), _) => frame(data),
            (_, Layout::Text { .. }) => text(data),
            (_, Layout::Magtek(layout)) => return layout.hear(now, data, out),
        };
        match read {
            Ok(card_data::Read { tracks, encryption }) => {
                out.push(Item::Swipe(Swipe { tracks, encryption, first: now, last: now }));
            }
            Err(fault) => out.fault(fault),
        }
    }
}

/// A frame, with zeros behind it.
fn frame(report: &[u8]) -> Result<card_data::Read, Fault> {
    match front(report) {
        Front::Frame(_, data) => card_data::read(data),
        Front::Garbled { got, want, .. } => {
            Err(Fault::Checksum { got: got.into(), want: want.into() })
        }
        Front::Unended(at) => Err(Fault::Malformed { at }),
        Front::Open | Front::Begun | Front::None => Err(Fault::Malformed { at: 1 }),
    }
}

/// A card in clear: what each track's decoding came to, and all of them as one text.
fn text(report: &[u8]) -> Result<card_data::Read, Fault> {
    let (Some([low, high]), Some(output)) =
        (report.get(TOTAL_LENGTH..OUTPUT), report.get(OUTPUT..))
    else {
        return Err(Fault::Partial { bytes: report.len() });
    };
    // No source says which byte comes first. Read the wrong way round a length of a card does not fit, or is
    // shorter than any card.
    let lengths = [u16::from_le_bytes([*low, *high]), u16::from_be_bytes([*low, *high])];
    let fits = lengths.map(usize::from).into_iter().filter(|length| *length <= output.len());
    let length = fits.max().ok_or(Fault::Malformed { at: TOTAL_LENGTH })?;
    let text = output.get(..length).unwrap_or_default();
    let mut tracks = match idtech::tracks(text) {
        Some(tracks) => tracks,
        None if text.iter().all(u8::is_ascii_control) => Tracks::default(),
        None => return Err(Fault::Malformed { at: OUTPUT }),
    };
    for (number, status) in Number::ALL.into_iter().zip(report.iter().skip(DECODE_STATUS)) {
        if status & UNREAD != 0 {
            *tracks.get_mut(number) = Stripe::Bad(TrackError::Unread);
        }
    }
    Ok(card_data::Read { tracks, encryption: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of 500 bytes of text behind the nine in front.
    fn report(statuses: [u8; 3], length: [u8; 2], text: &str) -> Vec<u8> {
        let mut report = statuses.to_vec();
        report.extend([0, 0, 0, 0]);
        report.extend(length);
        report.extend(text.bytes());
        report.resize(OUTPUT + 500, 0);
        report
    }

    #[test]
    fn lengths_are_read_either_way_round() {
        let card = "%STAFF 00042?\r;00042?\r";
        for length in [[22, 0], [0, 22]] {
            let read = text(&report([0; 3], length, card)).unwrap();
            assert!(matches!(read.tracks.0, [Stripe::Text(_), Stripe::Text(_), Stripe::Absent]));
        }
        let long = format!("%{}?\r", "A".repeat(254));
        let read = text(&report([0; 3], [1, 1], &long)).unwrap();
        let too_long = TrackError::TooLong { got: 256, most: 78 };
        assert_eq!(read.tracks.get(Number::One), &Stripe::Bad(too_long));
        let wrong = Fault::Malformed { at: TOTAL_LENGTH };
        assert_eq!(text(&report([0; 3], [2, 2], "")).unwrap_err(), wrong);
    }

    #[test]
    fn statuses_tell_what_could_not_be_read() {
        let read = text(&report([1, 0, 1], [8, 0], ";00042?\r")).unwrap();
        let unread = Stripe::Bad(TrackError::Unread);
        let [one, two, three] = read.tracks.0;
        assert_eq!((&one, &three), (&unread, &unread));
        assert!(matches!(two, Stripe::Text(_)));
        let nothing = text(&report([1; 3], [0, 0], "")).unwrap();
        assert_eq!(nothing.tracks.0, [unread.clone(), unread.clone(), unread]);
        let wrong = Fault::Malformed { at: OUTPUT };
        assert_eq!(text(&report([0; 3], [3, 0], "abc")).unwrap_err(), wrong);
    }
}
