//! Card readers of the HID Point of Sale class: each track in a field of its own.
//!
//! Source: HID Usage Tables 1.5, 33 (Magnetic Stripe Reader page 8E), the same numbers as in HID Point of
//! Sale Usage Tables 1.02. `protocol-docs/hid-msr.md` says what they leave open.
//!
//! Oddities: sizes and order differ by vendor, so every value is found by its usage in the report
//! descriptor and no offset is known here. A device without lengths fills its tracks up with 00. The tables do
//! not say whether the sentinels are sent; no track holds one inside, so a track that comes without them
//! is given them back.
//!
//! Absent: the track of Japanese cards' front side (JIS X 6302, type II), and "Track Data" that does not
//! say of which track it is. Nothing is sent to the device.

use std::time::Duration;

use crate::event::card::{Number, Stripe, Tracks};
use crate::event::{Fault, Swipe, Timestamp};
use crate::hid::{self, Descriptor, Field, Usage};
use crate::normalize::card;
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "hid-msr",
    title: "USB card readers of the HID point-of-sale class",
    kind: Kind::CardReader,
    carrier: Carrier::Hid { applications: &[MSR_DEVICE] },
    framed: true,
    configure,
};

const fn stripe_reader(id: u16) -> Usage {
    Usage::new(0x8E, id)
}

const MSR_DEVICE: Usage = stripe_reader(0x01);
const TRACK_LENGTHS: [Usage; 3] = [stripe_reader(0x11), stripe_reader(0x12), stripe_reader(0x13)];
const TRACK_DATA: [Usage; 3] = [stripe_reader(0x21), stripe_reader(0x22), stripe_reader(0x23)];

/// Start sentinels of tracks that come without theirs.
const SENTINELS: [u8; 3] = *b"%;;";

/// Reports of one card follow each other within some milliseconds; after this no other is coming.
const BETWEEN_REPORTS: Duration = Duration::from_millis(200);

fn configure(_section: &Section<'_>) -> Result<Configured, Error> {
    Ok(Configured::new(&[], || Box::new(HidMsr::default())))
}

/// One conversation.
#[derive(Default)]
struct HidMsr {
    layouts: Vec<Layout>,
    /// A card of which other tracks may be to come in other reports.
    begun: Option<Begun>,
    /// A report of a card was damaged, so the others are dropped; when the last of them came.
    skipping: Option<Timestamp>,
}

/// A card whose end is not certain.
struct Begun {
    tracks: Tracks<Stripe>,
    /// The reports that have come.
    reports: Vec<u8>,
    bytes: usize,
    first: Timestamp,
    last: Timestamp,
}

impl Protocol for HidMsr {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Descriptor(bytes) => self.described(now, bytes, out),
            Input::Report { id, data } => self.report(now, id, data, out),
            Input::BadByte(_) => self.fail(now, Fault::BadByte, out),
            Input::Bytes(_) | Input::Break => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.begun.as_ref().map(|begun| begun.last + BETWEEN_REPORTS)
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.end(out);
        }
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        // Whether another track was to come nobody knows.
        if let Some(begun) = self.begun.take() {
            out.fault(Fault::Partial { bytes: begun.bytes });
        }
    }
}

impl HidMsr {
    fn described(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        self.closed(now, out);
        self.skipping = None;
        self.layouts.clear();
        match Descriptor::parse(bytes) {
            Ok(descriptor) => self.layouts = layouts(&descriptor),
            Err(error) => return out.fault(Fault::Malformed { at: error.at }),
        }
        if self.layouts.is_empty() {
            out.fault(Fault::Unsuitable { lacks: "track data of a magnetic stripe reader" });
        }
    }

    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        self.timeout(now, out);
        let Some(layout) = self.layouts.iter().find(|layout| layout.report == id) else { return };
        if self.skipping.take().is_some_and(|damaged| now < damaged + BETWEEN_REPORTS) {
            self.skipping = Some(now);
            return;
        }
        let read = layout.read(data);
        // The same tracks again are another card's.
        if self.begun.as_ref().is_some_and(|begun| begun.reports.contains(&id)) {
            self.end(out);
        }
        let tracks = match read {
            Ok(tracks) => tracks,
            Err(fault) => return self.fail(now, fault, out),
        };
        let begun = self.begun.get_or_insert_with(|| Begun {
            tracks: Tracks::default(),
            reports: Vec::new(),
            bytes: 0,
            first: now,
            last: now,
        });
        for (number, stripe) in Number::ALL.into_iter().zip(tracks) {
            if let Some(stripe) = stripe {
                *begun.tracks.get_mut(number) = stripe;
            }
        }
        begun.reports.push(id);
        begun.bytes += data.len();
        begun.last = now;
        if self.layouts.iter().all(|layout| begun.reports.contains(&layout.report)) {
            self.end(out);
        }
    }

    /// No other track is coming.
    fn end(&mut self, out: &mut Output) {
        let Some(Begun { tracks, first, last, .. }) = self.begun.take() else { return };
        out.push(Item::Swipe(Swipe { tracks, encryption: None, first, last }));
    }

    /// The card is lost, and with it the tracks that are to come in other reports.
    fn fail(&mut self, now: Timestamp, fault: Fault, out: &mut Output) {
        self.begun = None;
        self.skipping = (self.layouts.len() > 1).then_some(now);
        out.fault(fault);
    }
}

/// Where an input report has which track.
struct Layout {
    report: u8,
    tracks: [Option<Place>; 3],
}

/// Where a track is, and its length.
struct Place {
    data: Field,
    length: Option<(Field, u32)>,
}

/// The layout of each input report that carries tracks.
fn layouts(descriptor: &Descriptor) -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    let usages = TRACK_DATA.into_iter().zip(TRACK_LENGTHS).enumerate();
    for (track, (data, length)) in usages {
        for field in descriptor.fields(hid::Kind::Input) {
            if field.usage(0) != Some(data)
                || field.size != 8
                || !field.is_bytes()
                || field.is_array
            {
                continue;
            }
            let report = field.report;
            let length = descriptor.fields(hid::Kind::Input).find_map(|other| {
                let place = other.find(length).filter(|_| other.report == report)?;
                Some((other.clone(), place))
            });
            let place = Place { data: field.clone(), length };
            let known = layouts.iter().position(|layout| layout.report == report);
            let known = known.unwrap_or_else(|| {
                layouts.push(Layout { report, tracks: [None, None, None] });
                layouts.len() - 1
            });
            // A second field of the kind in one report has no documented meaning.
            if let Some(free) = layouts
                .get_mut(known)
                .and_then(|layout| layout.tracks.get_mut(track))
                .filter(|place| place.is_none())
            {
                *free = Some(place);
            }
        }
    }
    layouts
}

impl Layout {
    /// The tracks that a report has.
    fn read(&self, report: &[u8]) -> Result<[Option<Stripe>; 3], Fault> {
        let mut stripes = [None, None, None];
        let numbers = Number::ALL.into_iter().zip(SENTINELS);
        for ((place, stripe), (number, sentinel)) in
            self.tracks.iter().zip(&mut stripes).zip(numbers)
        {
            if let Some(place) = place {
                *stripe = Some(stripe_of(number, sentinel, place.text(report)?));
            }
        }
        Ok(stripes)
    }
}

impl Place {
    fn text<'a>(&self, report: &'a [u8]) -> Result<&'a [u8], Fault> {
        let short = Fault::Partial { bytes: report.len() };
        let data = self.data.bytes(report).unwrap_or_default();
        let Some((field, place)) = &self.length else {
            return if data.len() < self.data.length() { Err(short) } else { Ok(filled(data)) };
        };
        let length = field.value(report, *place).ok_or(short)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.data.length() {
            return Err(Fault::Malformed { at: field.start() });
        }
        data.get(..length).ok_or(short)
    }
}

/// What of a track is not filling.
fn filled(data: &[u8]) -> &[u8] {
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    data.get(..end).unwrap_or_default()
}

/// A track with its sentinels, or what is wrong with it.
fn stripe_of(number: Number, sentinel: u8, text: &[u8]) -> Stripe {
    let Some(first) = text.first() else { return Stripe::Absent };
    let is_bare = first.is_ascii_alphanumeric() || *first == b' ';
    let before: &[u8] = if is_bare { &[sentinel] } else { b"" };
    let behind: &[u8] = if is_bare && !text.ends_with(b"?") { b"?" } else { b"" };
    let mut whole: Secret<Vec<u8>> = Secret::with_room(text.len() + 2);
    for piece in [before, text, behind] {
        // There is room for all of it.
        let _ = whole.append(piece);
    }
    card::line::stripe(number, whole.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::card::shown;

    /// Three lengths and three tracks of eight bytes, in one report without a number.
    const WITH_LENGTHS: &[u8] = &[
        0x05, 0x8E, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x03,
        0x09, 0x11, 0x09, 0x12, 0x09, 0x13, 0x81, 0x02, 0x95, 0x08, 0x09, 0x21, 0x82, 0x02, 0x01,
        0x09, 0x22, 0x82, 0x02, 0x01, 0x09, 0x23, 0x82, 0x02, 0x01, 0xC0,
    ];

    /// Tracks 1 and 2 of eight bytes without lengths, in reports 1 and 2.
    const IN_TWO_REPORTS: &[u8] = &[
        0x05, 0x8E, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x08,
        0x85, 0x01, 0x09, 0x21, 0x82, 0x02, 0x01, 0x85, 0x02, 0x09, 0x22, 0x82, 0x02, 0x01, 0xC0,
    ];

    fn opened(descriptor: &[u8]) -> HidMsr {
        let (mut protocol, mut out) = (HidMsr::default(), Output::default());
        protocol.receive(Timestamp(0), Input::Descriptor(descriptor), &mut out);
        assert!(out.is_empty());
        protocol
    }

    fn told(out: &mut Output) -> Vec<String> {
        std::iter::from_fn(|| out.pop())
            .map(|item| match item {
                Item::Swipe(Swipe { tracks, first, last, .. }) => {
                    format!("{} {}-{}", shown(tracks).join(" "), first.0, last.0)
                }
                Item::Fault(fault) => fault.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn tracks_are_where_the_descriptor_says() {
        let rows: [(&str, &[u8], &str); 6] = [
            ("with sentinels", b"\x04\x05\x00%A1?----;123?---........", "%A1? ;123? - 5-5"),
            ("without", b"\x02\x03\x04A1------123-----01=2----", "%A1? ;123? ;01=2? 5-5"),
            ("nothing could be read", &[0; 27], "- - - 5-5"),
            (
                "the reader's own word",
                b"\x03\x03\x00%E?-----;1?-----........",
                "the reader could not read it ;1? - 5-5",
            ),
            (
                "longer than its field",
                b"\x09\x00\x00........................",
                "byte 0 of a frame is not what its protocol has there",
            ),
            ("cut off", b"\x00\x05\x00--------;12", "a frame was cut off after 14 bytes"),
        ];
        for (name, data, want) in rows {
            let (mut protocol, mut out) = (opened(WITH_LENGTHS), Output::default());
            protocol.receive(Timestamp(5), Input::Report { id: 0, data }, &mut out);
            assert_eq!(told(&mut out), [want], "{name}");
        }
    }

    #[test]
    fn tracks_in_reports_of_their_own_make_one_card() {
        let mut protocol = opened(IN_TWO_REPORTS);
        let mut hear = |time: u64, id: u8, data: &[u8]| {
            let mut out = Output::default();
            let now = Timestamp(time * 1_000);
            match data {
                b"" => protocol.timeout(now, &mut out),
                b"lost" => protocol.receive(now, Input::BadByte(0), &mut out),
                _ => protocol.receive(now, Input::Report { id, data }, &mut out),
            }
            told(&mut out)
        };
        assert_eq!(hear(1, 1, b"%A1?\0\0\0\0"), [""; 0]);
        assert_eq!(hear(9, 2, b";123?\0\0\0"), ["%A1? ;123? - 1000-9000"]);
        assert_eq!(hear(20, 2, b";123?\0\0\0"), [""; 0]);
        assert_eq!(hear(100, 2, b";456?\0\0\0"), ["- ;123? - 20000-20000"], "another card");
        assert_eq!(hear(300, 0, b""), ["- ;456? - 100000-100000"], "that has no more tracks");
        assert_eq!(hear(400, 1, b"%A1?\0\0\0\0"), [""; 0]);
        assert_eq!(hear(401, 0, b"lost"), ["a byte came with a parity or framing error"]);
        assert_eq!(hear(402, 2, b";123?\0\0\0"), [""; 0], "of the lost card");
        assert_eq!(hear(700, 1, b"%A1?\0\0\0\0"), [""; 0]);
        let mut out = Output::default();
        protocol.closed(Timestamp(701_000), &mut out);
        assert_eq!(told(&mut out), ["a frame was cut off after 8 bytes"]);
    }

    #[test]
    fn a_device_without_tracks_is_told_of() {
        let keyboard = [0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0xC0];
        let (mut protocol, mut out) = (HidMsr::default(), Output::default());
        protocol.receive(Timestamp(0), Input::Descriptor(&keyboard), &mut out);
        assert!(matches!(out.pop(), Some(Item::Fault(Fault::Unsuitable { .. }))));
    }
}
