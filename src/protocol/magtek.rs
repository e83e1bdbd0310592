//! MagTek's USB readers in HID mode: one report for each swipe, in clear or, from MagneSafe V5 heads,
//! encrypted. Other makers' readers have a mode that looks the same.
//!
//! Source: MagTek, USB HID SureSwipe & USB HID Swipe Reader, D99875191, section 4; P-Series USB,
//! section 4; MagneSafe V5 Communication Reference Manual, 99875475, section 2 and appendix D.
//! `protocol-docs/magtek.md` has the fields.
//!
//! Oddities: a MagneSafe head without a key sends clear tracks where its ciphertext would be. What it calls
//! masked is in clear for cards that are neither a bank's nor a licence. What stands behind a field's length
//! is left over from earlier swipes.
//!
//! Absent: settings (feature reports), and the keyboard mode.

use crate::event::card::{Encryption, Number, Stripe, Swipe, TrackError, Tracks};
use crate::event::{Fault, Timestamp};
use crate::hid::{self, Descriptor, Field, Usage};
use crate::normalize::card::line;
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "magtek",
    title: "MagTek USB card readers in HID mode, MagneSafe V5 too",
    kind: Kind::CardReader,
    carrier: Carrier::Hid { applications: &[DECODING_READER] },
    framed: true,
    configure,
};

const fn reader(id: u16) -> Usage {
    Usage::new(0xFF00, id)
}

/// On the vendor's page "Magnetic Stripe Reader" (99875475, 2, HID usages).
pub(super) const DECODING_READER: Usage = reader(0x01);
const DECODE_STATUS: [Usage; 3] = [reader(0x20), reader(0x21), reader(0x22)];
const DATA_LENGTH: [Usage; 3] = [reader(0x28), reader(0x29), reader(0x2A)];
const TRACK_DATA: [Usage; 3] = [reader(0x30), reader(0x31), reader(0x32)];
const ENCODE_TYPE: Usage = reader(0x38);

/// Bit 0 of a decode status.
const UNREAD: u32 = 0x01;

/// Card encode types of a bank's card and of a licence: those that a MagneSafe head masks.
const ISO: u32 = 0;
const AAMVA: u32 = 1;

/// How long a MagneSafe V5 report is at the least; later ones have more behind it.
const MAGNESAFE_LENGTH: usize = 856;
/// The places in it that have no usage in the sources (99875475, appendix D).
const CARD_STATUS: usize = 343;
const MAGNEPRINT_STATUS: usize = 344;
const MAGNEPRINT_LENGTH: usize = 348;
const MAGNEPRINT: usize = 349;
const MAGNEPRINT_ROOM: usize = 128;
const SERIAL_NUMBER: usize = 477;
const SERIAL_NUMBER_ROOM: usize = 16;
const READER_STATUS: usize = 493;
const KSN: usize = 495;
const KSN_ROOM: usize = 10;
const MASKED_LENGTHS: usize = 505;
const MASKED_TRACKS: usize = 508;
const TRACK_ROOM: usize = 112;
const SESSION_ID: usize = 844;
const SESSION_ID_ROOM: usize = 8;
const ABSOLUTE_LENGTHS: usize = 852;
const MAGNEPRINT_ABSOLUTE_LENGTH: usize = 855;

/// Bits of the reader encryption status. Both are set where anything is encrypted.
const KEY_INJECTED: u16 = 1 << 1;
const ENCRYPTION_ENABLED: u16 = 1 << 2;
/// Nobody swiped a card that was waited for: the report is of none.
const TIMED_OUT: u16 = 1 << 4;

/// A TDES block.
const BLOCK: usize = 8;

fn configure(_section: &Section<'_>) -> Result<Configured, Error> {
    Ok(Configured::new(&[], || Box::new(Magtek::default())))
}

/// One conversation.
#[derive(Default)]
struct Magtek {
    layout: Option<Layout>,
}

impl Protocol for Magtek {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Descriptor(bytes) => {
                self.layout = described(bytes, Layout::of, "tracks in MagTek's HID layout", out);
            }
            Input::Report { id, data } => self.report(now, id, data, out),
            Input::BadByte(_) => out.fault(Fault::BadByte),
            Input::Bytes(_) | Input::Break => {}
        }
    }
}

impl Magtek {
    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        let Some(layout) = self.layout.as_ref().filter(|layout| layout.report == id) else {
            return;
        };
        if data.len() < layout.length {
            return out.fault(Fault::Partial { bytes: data.len() });
        }
        layout.hear(now, data, out);
    }
}

/// What is found in a descriptor; a fault where it makes no sense or `lacks` it.
pub(super) fn described<T>(
    bytes: &[u8],
    find: fn(&Descriptor) -> Option<T>,
    lacks: &'static str,
    out: &mut Output,
) -> Option<T> {
    match Descriptor::parse(bytes).map(|descriptor| find(&descriptor)) {
        Ok(Some(found)) => return Some(found),
        Ok(None) => out.fault(Fault::Unsuitable { lacks }),
        Err(error) => out.fault(Fault::Malformed { at: error.at }),
    }
    None
}

/// Where the input report has what.
pub(super) struct Layout {
    report: u8,
    length: usize,
    statuses: [Place; 3],
    lengths: [Place; 3],
    data: [Field; 3],
    encode_type: Option<Place>,
    has_masked: bool,
}

type Place = (Field, u32);

/// A byte that cannot be there.
struct Wrong {
    at: usize,
}

/// What a report says.
struct Read {
    tracks: Tracks<Stripe>,
    encryption: Option<Box<Encryption>>,
}

impl Layout {
    /// The layout of the report that carries tracks, where there is one of a length that is known.
    pub(super) fn of(descriptor: &Descriptor) -> Option<Self> {
        let (data, _) = descriptor.find(hid::Kind::Input, reader(0x30))?;
        let report = data.report;
        let place = |usage: Usage| {
            let mut fields = descriptor.fields(hid::Kind::Input);
            fields.find_map(|field| {
                let place = field.find(usage).filter(|_| field.report == report)?;
                Some((field.clone(), place))
            })
        };
        let all = |usages: [Usage; 3]| {
            let [one, two, three] = usages.map(place);
            Some([one?, two?, three?])
        };
        let data = all(TRACK_DATA)?.map(|(field, _)| field);
        // ID TECH's own layout has the same usages, and two bytes where track 1 is here.
        if data.iter().any(|field| !field.is_bytes() || field.length() < Number::One.longest()) {
            return None;
        }
        let length = descriptor.length(hid::Kind::Input, report)?;
        // A report that encrypts in a layout that is not known must not be taken for a clear one.
        let is_plain = length <= 7 + 3 * TRACK_ROOM + 1;
        let has_masked = length >= MAGNESAFE_LENGTH;
        (is_plain || has_masked).then_some(Self {
            report,
            length,
            statuses: all(DECODE_STATUS)?,
            lengths: all(DATA_LENGTH)?,
            data,
            encode_type: place(ENCODE_TYPE),
            has_masked,
        })
    }

    /// The report's number, and its length without it.
    pub(super) fn report(&self) -> (u8, usize) {
        (self.report, self.length)
    }

    /// Says what a whole report says.
    pub(super) fn hear(&self, now: Timestamp, report: &[u8], out: &mut Output) {
        match self.read(report) {
            Ok(Some(Read { tracks, encryption })) => {
                out.push(Item::Swipe(Swipe { tracks, encryption, first: now, last: now }));
            }
            Ok(None) => {}
            Err(Wrong { at }) => out.fault(Fault::Malformed { at }),
        }
    }

    /// Nothing, where the report is of no swipe.
    fn read(&self, report: &[u8]) -> Result<Option<Read>, Wrong> {
        if !self.has_masked {
            return Ok(Some(Read { tracks: self.clear(report)?, encryption: None }));
        }
        let status = u16::from_be_bytes(array(report, READER_STATUS));
        let encrypts = KEY_INJECTED | ENCRYPTION_ENABLED;
        let pieces = self.pieces(report)?;
        if status & TIMED_OUT != 0 && pieces.0.iter().all(|piece| piece.is_empty()) {
            return Ok(None);
        }
        // What a head says of itself is not believed where its tracks can be read.
        let is_clear = pieces.0.iter().any(|piece| line::is_clear(piece));
        if status & encrypts != encrypts || is_clear {
            return Ok(Some(Read { tracks: self.clear(report)?, encryption: None }));
        }
        let tracks = self.masked(report)?;
        let encryption = self.encryption(report, &pieces)?;
        Ok(Some(Read { tracks, encryption: Some(Box::new(encryption)) }))
    }

    fn is_unread(&self, number: Number, report: &[u8]) -> bool {
        let (field, place) = of(&self.statuses, number);
        field.value(report, *place).is_some_and(|status| status & UNREAD != 0)
    }

    fn length_at(&self, number: Number) -> usize {
        let (field, place) = of(&self.lengths, number);
        field.start() + usize::try_from(*place).unwrap_or(0)
    }

    /// What is in the data field of each track.
    fn pieces<'r>(&self, report: &'r [u8]) -> Result<Tracks<&'r [u8]>, Wrong> {
        let mut pieces = Tracks::default();
        for number in Number::ALL {
            let (field, place) = of(&self.lengths, number);
            let wrong = Wrong { at: self.length_at(number) };
            let length = field.value(report, *place).and_then(|length| length.try_into().ok());
            let data = of(&self.data, number).bytes(report).unwrap_or_default();
            *pieces.get_mut(number) =
                length.and_then(|length: usize| data.get(..length)).ok_or(wrong)?;
        }
        Ok(pieces)
    }

    fn clear(&self, report: &[u8]) -> Result<Tracks<Stripe>, Wrong> {
        let pieces = self.pieces(report)?;
        Ok(Tracks(Number::ALL.map(|number| match *pieces.get(number) {
            _ if self.is_unread(number, report) => Stripe::Bad(TrackError::Unread),
            [] => Stripe::Absent,
            text => line::stripe(number, without_filling(text)),
        })))
    }

    fn masked(&self, report: &[u8]) -> Result<Tracks<Stripe>, Wrong> {
        let encode_type =
            self.encode_type.as_ref().and_then(|(field, place)| field.value(report, *place));
        let mut tracks = Tracks::default();
        for (place, number) in Number::ALL.into_iter().enumerate() {
            let at = MASKED_LENGTHS + place;
            let field = slice(report, MASKED_TRACKS + place * TRACK_ROOM, TRACK_ROOM);
            let text = field.get(..usize::from(byte(report, at))).ok_or(Wrong { at })?;
            *tracks.get_mut(number) = match text {
                _ if self.is_unread(number, report) => Stripe::Bad(TrackError::Unread),
                [] => Stripe::Absent,
                _ if matches!(encode_type, Some(ISO | AAMVA)) => {
                    Stripe::Masked(Secret::copy_of(text))
                }
                _ if text.iter().all(|byte| *byte == b'0') => Stripe::Masked(Secret::copy_of(text)),
                _ => line::stripe(number, text),
            };
        }
        Ok(tracks)
    }

    fn encryption(&self, report: &[u8], pieces: &Tracks<&[u8]>) -> Result<Encryption, Wrong> {
        let mut tracks = Tracks::default();
        let mut lengths = Tracks::default();
        for (place, number) in Number::ALL.into_iter().enumerate() {
            let ciphertext = *pieces.get(number);
            if !ciphertext.len().is_multiple_of(BLOCK) {
                return Err(Wrong { at: self.length_at(number) });
            }
            *tracks.get_mut(number) = (!ciphertext.is_empty()).then(|| ciphertext.to_vec());
            let length = byte(report, ABSOLUTE_LENGTHS + place);
            *lengths.get_mut(number) = (length > 0).then_some(u64::from(length));
        }
        let magneprint = slice(report, MAGNEPRINT, MAGNEPRINT_ROOM)
            .get(..usize::from(byte(report, MAGNEPRINT_LENGTH)))
            .ok_or(Wrong { at: MAGNEPRINT_LENGTH })?;
        let mut fields = vec![
            ("reader-status", slice(report, READER_STATUS, 2).to_vec()),
            ("card-status", vec![byte(report, CARD_STATUS)]),
            ("session-id", slice(report, SESSION_ID, SESSION_ID_ROOM).to_vec()),
            ("magneprint-status", slice(report, MAGNEPRINT_STATUS, 4).to_vec()),
        ];
        if let Some((field, place)) = &self.encode_type {
            let encode_type = field.value(report, *place).and_then(|value| value.try_into().ok());
            fields.push(("encode-type", encode_type.into_iter().collect()));
        }
        if !magneprint.is_empty() {
            fields.push(("magneprint", magneprint.to_vec()));
            fields.push(("magneprint-length", vec![byte(report, MAGNEPRINT_ABSOLUTE_LENGTH)]));
        }
        let serial_number = slice(report, SERIAL_NUMBER, SERIAL_NUMBER_ROOM);
        fields.extend(set(serial_number).map(|number| ("serial-number", number)));
        let ksn = set(slice(report, KSN, KSN_ROOM));
        Ok(Encryption { scheme: "magnesafe-v5-tdes-dukpt", ksn, tracks, lengths, fields })
    }
}

/// The one of a track.
fn of<T>(all: &[T; 3], number: Number) -> &T {
    let [one, two, three] = all;
    match number {
        Number::One => one,
        Number::Two => two,
        Number::Three => three,
    }
}

/// Zeros behind a text are none of it.
fn without_filling(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// Bytes that are not all zero.
fn set(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.iter().any(|byte| *byte != 0).then(|| bytes.to_vec())
}

/// A report's bytes; it has been found to be long enough.
fn slice(report: &[u8], at: usize, length: usize) -> &[u8] {
    report.get(at..at + length).unwrap_or_default()
}

fn array<const N: usize>(report: &[u8], at: usize) -> [u8; N] {
    slice(report, at, N).try_into().unwrap_or([0; N])
}

fn byte(report: &[u8], at: usize) -> u8 {
    report.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
