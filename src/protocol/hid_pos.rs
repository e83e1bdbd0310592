//! Scanners of the HID Point of Sale class: codes in numbered reports, with their AIM identifier.
//!
//! Source: HID Usage Tables 1.5, 23 (Barcode Scanner page 8C), the same numbers as in HID Point of
//! Sale Usage Tables 1.02, 3; for what devices make of it, the manual of the Access-IS LSR118 and
//! captures of a Honeywell Voyager 1602g. `protocol-docs/hid-pos.md` names them.
//!
//! Oddities: sizes and order differ by vendor, so every value is found by its usage in the report
//! descriptor and no offset is known here. A device without a byte count fills its data up with 00,
//! which a code may end with too. A reply to a Honeywell menu command comes as a code of its own,
//! under `]Z6`; it is none.
//!
//! Absent: settings (attribute, symbology and beeper reports). A device is read as its owner set it.

use std::time::Duration;

use zeroize::Zeroize;

use crate::event::{Aim, Failure, Fault, Reading, Refusal, Request, Symbology, Timestamp, Verdict};
use crate::hid::{self, Descriptor, Field, Usage};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, ReportKind, RequestId, Token,
};
use crate::secret::Secret;
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "hid-pos",
    title: "USB scanners of the HID point-of-sale class",
    kind: Kind::Scanner,
    carrier: Carrier::Hid { applications: &[BAR_CODE_SCANNER] },
    framed: true,
    configure,
};

const fn scanner(id: u16) -> Usage {
    Usage::new(0x8C, id)
}

const BAR_CODE_SCANNER: Usage = scanner(0x02);
const PREVENT_READ: Usage = scanner(0x5F);
const INITIATE_READ: Usage = scanner(0x60);
const SOUND_ERROR_BEEP: Usage = scanner(0x85);
const SOUND_GOOD_READ_BEEP: Usage = scanner(0x86);
const SYMBOLOGY_IDENTIFIERS: [Usage; 3] = [scanner(0xFB), scanner(0xFC), scanner(0xFD)];
const DECODED_DATA: Usage = scanner(0xFE);
const DATA_CONTINUED: Usage = scanner(0xFF);
/// On the Generic Desktop page.
const BYTE_COUNT: Usage = Usage::new(0x01, 0x3B);

/// The bound on a code where none is configured: the largest two-dimensional codes stay below it.
const LIMIT: u32 = 8 * 1024;

/// The reports of one code follow each other within some milliseconds; after this the rest is lost.
const STALL: Duration = Duration::from_secs(1);

/// How long a device may take to accept a report.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a Honeywell device replies to menu commands under.
const REPLY: Aim = Aim { code: b'Z', modifier: b'6' };

/// Honeywell's report of serial commands: a byte count, then the command as over a serial line.
const SERIAL_COMMAND: u8 = 253;
/// SYN T CR, SYN U CR and SYN BEL CR.
const TRIGGER_ON: &[u8] = &[0x16, 0x54, 0x0D];
const TRIGGER_OFF: &[u8] = &[0x16, 0x55, 0x0D];
const BEEP: &[u8] = &[0x16, 0x07, 0x0D];

/// Honeywell's feature report that directs codes to this interface: 01.
const OUTPUT_REDIRECTION: u8 = 254;

/// How a device is asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commands {
    /// By the usages of the HID page.
    Usages,
    /// By serial commands in Honeywell's report.
    Honeywell,
}

const COMMANDS: [(&str, Commands); 2] =
    [("usages", Commands::Usages), ("honeywell", Commands::Honeywell)];

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let commands = section.word("commands", &COMMANDS)?.unwrap_or(Commands::Usages);
    let switches = section.boolean("switch-to-hid-pos")?.unwrap_or(false);
    let limit = section.integer("max-length", 16..=65_536)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let capabilities = match commands {
        Commands::Usages => &["trigger", "enable", "indicate"][..],
        Commands::Honeywell => &["trigger", "indicate"],
    };
    let make = move || -> Box<dyn Protocol> { Box::new(HidPos::new(commands, switches, limit)) };
    Ok(Configured::new(capabilities, make))
}

/// One conversation.
struct HidPos {
    commands: Commands,
    /// Whether the device is told to send its codes here.
    switches: bool,
    limit: usize,
    descriptor: Descriptor,
    layouts: Vec<Layout>,
    /// The beginning of a code whose rest is to come.
    partial: Option<Part>,
    /// A code past the bound is dropped up to its end; when its last report came.
    skipping: Option<Timestamp>,
    /// Whether reading is prevented, as far as we have asked for it.
    prevented: bool,
    waiting: Vec<(Token, RequestId, Timestamp)>,
    token: Token,
}

impl HidPos {
    fn new(commands: Commands, switches: bool, limit: usize) -> Self {
        Self {
            commands,
            switches,
            limit,
            descriptor: Descriptor::default(),
            layouts: Vec::new(),
            partial: None,
            skipping: None,
            prevented: false,
            waiting: Vec::new(),
            token: Token(0),
        }
    }
}

impl Protocol for HidPos {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Descriptor(bytes) => self.described(bytes, out),
            Input::Report { id, data } => self.report(now, id, data, out),
            Input::Bytes(_) | Input::BadByte(_) | Input::Break => {}
        }
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let reports = match self.commands {
            Commands::Usages => self.by_usages(&request),
            Commands::Honeywell => self.by_serial_command(&request).map(|report| vec![report]),
        };
        let mut reports = reports.ok_or(Refusal::Unsupported)?;
        if let Request::Enable(enabled) = request {
            self.prevented = !enabled;
        }
        self.token = Token(self.token.0.wrapping_add(1));
        self.waiting.push((self.token, id, now + PATIENCE));
        let last = reports.pop();
        for report in reports {
            out.push(report.item(None));
        }
        if let Some(report) = last {
            out.push(report.item(Some(self.token)));
        }
        Ok(())
    }

    fn sent(&mut self, _now: Timestamp, token: Token, out: &mut Output) {
        if let Some(place) = self.waiting.iter().position(|(other, ..)| *other == token) {
            let (_, id, _) = self.waiting.remove(place);
            out.push(Item::Answer(id, Ok(())));
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let stall = self.partial.as_ref().map(|part| part.last + STALL);
        let requests = self.waiting.iter().map(|(_, _, deadline)| *deadline);
        stall.into_iter().chain(requests).min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(part) = self.partial.take_if(|part| part.last + STALL <= now) {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        self.waiting.retain(|(_, id, deadline)| {
            let waits = *deadline > now;
            if !waits {
                out.push(Item::Answer(*id, Err(Failure::NoReply)));
            }
            waits
        });
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(part) = self.partial.take() {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        for (_, id, _) in self.waiting.drain(..) {
            out.push(Item::Answer(id, Err(Failure::Gone)));
        }
    }
}

impl HidPos {
    fn described(&mut self, bytes: &[u8], out: &mut Output) {
        self.partial = None;
        self.skipping = None;
        self.layouts.clear();
        self.descriptor = Descriptor::default();
        match Descriptor::parse(bytes) {
            Ok(descriptor) => self.descriptor = descriptor,
            Err(error) => return out.fault(Fault::Malformed { at: error.at }),
        }
        self.layouts = layouts(&self.descriptor);
        if self.layouts.is_empty() {
            return out.fault(Fault::Unsuitable { lacks: "decoded data of a bar code scanner" });
        }
        if self.switches {
            match self.descriptor.length(hid::Kind::Feature, OUTPUT_REDIRECTION) {
                Some(1) => {
                    let (kind, id) = (ReportKind::Feature, OUTPUT_REDIRECTION);
                    out.push(Report { kind, id, data: vec![0x01] }.item(None));
                }
                _ => out.fault(Fault::Unsuitable { lacks: "Honeywell's output redirection" }),
            }
        }
    }

    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        let Some(layout) = self.layouts.iter().find(|layout| layout.report == id) else { return };
        let piece = match layout.read(data) {
            Ok(piece) => piece,
            Err(fault) => {
                self.partial = None;
                self.skipping = None;
                return out.fault(fault);
            }
        };
        let other = |part: &Part| piece.aim.is_some() && part.aim != piece.aim;
        let cut = |part: &mut Part| other(part) || part.last + STALL <= now;
        if let Some(part) = self.partial.take_if(cut) {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        let continued = piece.is_continued.then_some(now);
        if self.skipping.take_if(|last| *last + STALL > now).is_some() {
            self.skipping = continued;
            return;
        }
        let part = self.partial.get_or_insert_with(|| Part {
            aim: piece.aim,
            data: Vec::new(),
            first: now,
            last: now,
        });
        part.data.extend_from_slice(piece.data);
        part.last = now;
        if part.data.len() > self.limit {
            self.partial = None;
            self.skipping = continued;
            return out.fault(Fault::Overlong { limit: self.limit });
        }
        let whole = self.partial.take_if(|_| !piece.is_continued);
        if let Some(reading) = whole.and_then(Part::into_reading) {
            out.push(Item::Reading(reading));
        }
    }

    /// The reports that a request takes, where the device has what it asks for.
    fn by_usages(&self, request: &Request) -> Option<Vec<Report>> {
        let (usage, on, is_momentary) = match request {
            Request::Trigger(on) => (INITIATE_READ, *on, false),
            Request::Enable(enabled) => (PREVENT_READ, !enabled, false),
            Request::Indicate(Verdict::Good) => (SOUND_GOOD_READ_BEEP, true, true),
            Request::Indicate(Verdict::Bad) => (SOUND_ERROR_BEEP, true, true),
            Request::Indicate(_) | Request::Show(_) => return None,
        };
        let with = |on: bool| {
            let mut report = self.control(usage)?;
            // A report says all that is in it: reading would be let again by one that only beeps.
            if self.prevented && usage != PREVENT_READ {
                self.put(&mut report, PREVENT_READ, true);
            }
            self.put(&mut report, usage, on);
            Some(report)
        };
        // A one-shot control acts when it rises, so it has to fall before the next time.
        let reports = if is_momentary { vec![with(true)?, with(false)?] } else { vec![with(on)?] };
        Some(reports)
    }

    /// The report that holds a usage, all zero.
    fn control(&self, usage: Usage) -> Option<Report> {
        let kinds =
            [(hid::Kind::Output, ReportKind::Output), (hid::Kind::Feature, ReportKind::Feature)];
        kinds.into_iter().find_map(|(from, kind)| {
            let (field, _) = self.descriptor.find(from, usage)?;
            let length = self.descriptor.length(from, field.report)?;
            Some(Report { kind, id: field.report, data: vec![0; length] })
        })
    }

    fn put(&self, report: &mut Report, usage: Usage, on: bool) {
        let kind = match report.kind {
            ReportKind::Output => hid::Kind::Output,
            ReportKind::Feature => hid::Kind::Feature,
        };
        let field = self.descriptor.find(kind, usage);
        if let Some((field, place)) = field.filter(|(field, _)| field.report == report.id) {
            field.set(&mut report.data, place, u32::from(on));
        }
    }

    fn by_serial_command(&self, request: &Request) -> Option<Report> {
        let command = match request {
            Request::Trigger(true) => TRIGGER_ON,
            Request::Trigger(false) => TRIGGER_OFF,
            Request::Indicate(Verdict::Good | Verdict::Bad) => BEEP,
            Request::Indicate(_) | Request::Enable(_) | Request::Show(_) => return None,
        };
        let length = self.descriptor.length(hid::Kind::Output, SERIAL_COMMAND)?;
        let mut data = vec![u8::try_from(command.len()).ok()?];
        data.extend_from_slice(command);
        (data.len() <= length).then(|| {
            data.resize(length, 0);
            Report { kind: ReportKind::Output, id: SERIAL_COMMAND, data }
        })
    }
}

/// A report for the device.
struct Report {
    kind: ReportKind,
    id: u8,
    data: Vec<u8>,
}

impl Report {
    fn item(self, token: Option<Token>) -> Item {
        let Self { kind, id, data } = self;
        Item::Report { kind, id, data, token }
    }
}

/// Where an input report has what.
struct Layout {
    report: u8,
    data: Field,
    count: Option<(Field, u32)>,
    identifiers: [Option<(Field, u32)>; 3],
    continued: Option<(Field, u32)>,
}

/// The layout of each input report that carries decoded data.
fn layouts(descriptor: &Descriptor) -> Vec<Layout> {
    let data = descriptor.fields(hid::Kind::Input).filter(|field| {
        field.find(DECODED_DATA).is_some() && field.size == 8 && field.is_bytes() && !field.is_array
    });
    let mut layouts: Vec<Layout> = Vec::new();
    for data in data {
        let report = data.report;
        // A second field of the kind in one report has no documented meaning.
        if layouts.iter().any(|layout| layout.report == report) {
            continue;
        }
        let place = |usage: Usage| {
            let mut fields = descriptor.fields(hid::Kind::Input);
            fields.find_map(|field| {
                let place = field.find(usage).filter(|_| field.report == report)?;
                Some((field.clone(), place))
            })
        };
        layouts.push(Layout {
            report,
            data: data.clone(),
            count: place(BYTE_COUNT),
            identifiers: SYMBOLOGY_IDENTIFIERS.map(place),
            continued: place(DATA_CONTINUED),
        });
    }
    layouts
}

/// What one report says.
struct Piece<'a> {
    aim: Option<Aim>,
    data: &'a [u8],
    is_continued: bool,
}

impl Layout {
    fn read<'a>(&self, report: &'a [u8]) -> Result<Piece<'a>, Fault> {
        let short = Fault::Partial { bytes: report.len() };
        let value = |(field, place): &(Field, u32)| field.value(report, *place);
        let data = self.data.bytes(report).unwrap_or_default();
        let data = match &self.count {
            Some(count) => {
                let length = value(count).ok_or(short)?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if length > self.data.length() {
                    return Err(Fault::Malformed { at: count.0.start() });
                }
                data.get(..length).ok_or(short)?
            }
            None if data.len() < self.data.length() => return Err(short),
            None => without_filling(data),
        };
        let is_continued = match &self.continued {
            Some(flag) => value(flag).ok_or(short)? != 0,
            None => false,
        };
        Ok(Piece { aim: self.aim(report), data, is_continued })
    }

    fn aim(&self, report: &[u8]) -> Option<Aim> {
        let mut identifier = [0; 3];
        for (byte, place) in identifier.iter_mut().zip(&self.identifiers) {
            let (field, place) = place.as_ref()?;
            *byte = u8::try_from(field.value(report, *place)?).ok()?;
        }
        Aim::split(&identifier).map(|(aim, _)| aim)
    }
}

fn without_filling(data: &[u8]) -> &[u8] {
    let end = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    data.get(..end).unwrap_or_default()
}

/// A code, or its beginning.
struct Part {
    aim: Option<Aim>,
    data: Vec<u8>,
    first: Timestamp,
    last: Timestamp,
}

impl Part {
    /// The reading, unless it is none.
    fn into_reading(mut self) -> Option<Reading> {
        let data = std::mem::take(&mut self.data);
        if data.is_empty() || self.aim == Some(REPLY) {
            return None;
        }
        Some(Reading {
            symbology: self.aim.map(Symbology::from_aim),
            aim: self.aim,
            data: Secret::new(data),
            first: self.first,
            last: self.last,
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decoded data of four bytes, a bit for more, and a trigger report that is a feature.
    const DESCRIPTOR: &[u8] = &[
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x85, 0x01, 0x75, 0x08,
        0x95, 0x04, 0x09, 0xFE, 0x81, 0x02, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x09, 0xFF, 0x81,
        0x02, 0x95, 0x07, 0x81, 0x03, 0x85, 0x03, 0x95, 0x08, 0x09, 0x60, 0x09, 0x5F, 0xB1, 0x02,
        0xC0,
    ];

    fn opened() -> (HidPos, Output) {
        let mut protocol = HidPos::new(Commands::Usages, false, 64);
        let mut out = Output::default();
        protocol.receive(Timestamp(0), Input::Descriptor(DESCRIPTOR), &mut out);
        (protocol, out)
    }

    #[test]
    fn parts_make_a_reading_with_the_times_of_the_first_and_the_last() {
        let (mut protocol, mut out) = opened();
        for (time, data) in [(5, b"4006\x01"), (9, b"38\0\0\0")] {
            protocol.receive(Timestamp(time), Input::Report { id: 1, data }, &mut out);
        }
        let Some(Item::Reading(reading)) = out.pop() else { panic!("no reading") };
        assert_eq!(reading.data.expose(), b"400638");
        assert_eq!((reading.first, reading.last, reading.aim), (Timestamp(5), Timestamp(9), None));
    }

    #[test]
    fn usages_are_found_in_a_feature_report_too() {
        let (mut protocol, mut out) = opened();
        protocol.request(Timestamp(0), RequestId(1), Request::Enable(false), &mut out).unwrap();
        protocol.request(Timestamp(0), RequestId(2), Request::Trigger(true), &mut out).unwrap();
        let (kind, id) = (ReportKind::Feature, 3);
        let report = |bits: u8, token| Item::Report {
            kind,
            id,
            data: vec![bits],
            token: Some(Token(token)),
        };
        assert_eq!(out.pop(), Some(report(0b10, 1)));
        assert_eq!(out.pop(), Some(report(0b11, 2)), "reading stays prevented");
        let beep = Request::Indicate(Verdict::Good);
        let refused = protocol.request(Timestamp(0), RequestId(3), beep, &mut out);
        assert_eq!(refused, Err(Refusal::Unsupported));
    }

    #[test]
    fn a_report_that_is_not_taken_is_no_answer() {
        let (mut protocol, mut out) = opened();
        protocol.request(Timestamp(0), RequestId(1), Request::Trigger(true), &mut out).unwrap();
        out.pop();
        let deadline = protocol.deadline().unwrap();
        protocol.timeout(deadline, &mut out);
        assert_eq!(out.pop(), Some(Item::Answer(RequestId(1), Err(Failure::NoReply))));
        assert_eq!(protocol.deadline(), None);
        protocol.request(deadline, RequestId(2), Request::Trigger(true), &mut out).unwrap();
        out.pop();
        protocol.closed(deadline, &mut out);
        assert_eq!(out.pop(), Some(Item::Answer(RequestId(2), Err(Failure::Gone))));
    }
}
