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

use crate::event::{Aim, Failure, Fault, Reading, Refusal, Request, Symbology, Timestamp, Verdict};
use crate::frame::Buffer;
use crate::hid::{self, Descriptor, Field, Usage};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, ReportKind, RequestId, Token,
};
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
    /// A code that is damaged or past the bound is dropped up to its end; when its last report came.
    skipping: Option<Timestamp>,
    /// Whether reading is prevented, as far as the device has taken it from us.
    prevented: bool,
    waiting: Vec<Waiting>,
    token: Token,
}

/// A request whose reports the device has not all accepted.
struct Waiting {
    id: RequestId,
    /// Of the reports that it has not.
    tokens: Vec<Token>,
    deadline: Timestamp,
    /// Whether reading is prevented once it has.
    prevents: Option<bool>,
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
            Input::BadByte(_) => self.lost(now, out),
            Input::Bytes(_) | Input::Break => {}
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
        let reports = reports.ok_or(Refusal::Unsupported)?;
        let prevents = match request {
            Request::Enable(enabled) => Some(!enabled),
            _ => None,
        };
        // Each is waited for: a beep whose first report is refused has not sounded.
        let mut tokens = Vec::with_capacity(reports.len());
        for report in reports {
            self.token = Token(self.token.0.wrapping_add(1));
            tokens.push(self.token);
            out.push(report.item(self.token));
        }
        self.waiting.push(Waiting { id, tokens, deadline: now + PATIENCE, prevents });
        Ok(())
    }

    fn sent(&mut self, _now: Timestamp, token: Token, out: &mut Output) {
        let place = self.waiting.iter().position(|waiting| waiting.tokens.contains(&token));
        let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) else { return };
        waiting.tokens.retain(|other| *other != token);
        if !waiting.tokens.is_empty() {
            return;
        }
        self.prevented = waiting.prevents.unwrap_or(self.prevented);
        out.push(Item::Answer(waiting.id, Ok(())));
        self.waiting.retain(|waiting| !waiting.tokens.is_empty());
    }

    fn deadline(&self) -> Option<Timestamp> {
        let stall = self.partial.as_ref().map(|part| part.last + STALL);
        let requests = self.waiting.iter().map(|waiting| waiting.deadline);
        stall.into_iter().chain(requests).min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if let Some(part) = self.partial.take_if(|part| part.last + STALL <= now) {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        self.waiting.retain(|waiting| {
            let waits = waiting.deadline > now;
            if !waits {
                out.push(Item::Answer(waiting.id, Err(Failure::NoReply)));
            }
            waits
        });
    }

    fn closed(&mut self, _now: Timestamp, out: &mut Output) {
        if let Some(part) = self.partial.take() {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        for waiting in self.waiting.drain(..) {
            out.push(Item::Answer(waiting.id, Err(Failure::Gone)));
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
                    let data = vec![0x01];
                    out.push(Item::Report { kind, id, data, token: None });
                }
                _ => out.fault(Fault::Unsuitable { lacks: "Honeywell's output redirection" }),
            }
        }
    }

    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        let Some(layout) = self.layouts.iter().find(|layout| layout.report == id) else { return };
        let is_late = |last: Timestamp| last + STALL <= now;
        self.skipping = self.skipping.filter(|last| !is_late(*last));
        if let Some(part) = self.partial.take_if(|part| is_late(part.last)) {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        let piece = match layout.read(data) {
            Ok(piece) => piece,
            Err(fault) => {
                let is_under_way = self.partial.take().is_some() || self.skipping.is_some();
                // What follows of the code is no code.
                let goes_on = layout.goes_on(data).unwrap_or(is_under_way);
                self.skipping = goes_on.then_some(now);
                return out.fault(fault);
            }
        };
        let continued = piece.is_continued.then_some(now);
        if self.skipping.is_some() {
            self.skipping = continued;
            return;
        }
        let is_other = |part: &mut Part| piece.aim.is_some() && part.aim != piece.aim;
        if let Some(part) = self.partial.take_if(is_other) {
            out.fault(Fault::Partial { bytes: part.data.len() });
        }
        let part = self.partial.get_or_insert_with(|| Part {
            aim: piece.aim,
            data: Buffer::default(),
            first: now,
            last: now,
        });
        part.data.extend(piece.data);
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

    /// A report failed on its way. It may have been the beginning of a code or its middle, so what
    /// follows closely is not taken for one.
    fn lost(&mut self, now: Timestamp, out: &mut Output) {
        self.partial = None;
        let has_parts = self.layouts.iter().any(|layout| layout.continued.is_some());
        self.skipping = has_parts.then_some(now);
        out.fault(Fault::BadByte);
    }

    /// The reports that a request takes, where the device has what it asks for.
    fn by_usages(&self, request: &Request) -> Option<Vec<Report>> {
        let (usage, on, is_momentary) = match request {
            Request::Trigger(on) => (INITIATE_READ, *on, false),
            Request::Enable(enabled) => (PREVENT_READ, !enabled, false),
            Request::Indicate(Verdict::Good) => (SOUND_GOOD_READ_BEEP, true, true),
            Request::Indicate(Verdict::Bad) => (SOUND_ERROR_BEEP, true, true),
            Request::Indicate(_) | Request::Show(_) | Request::Pass(_) => return None,
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
            Request::Indicate(_) | Request::Enable(_) | Request::Show(_) | Request::Pass(_) => {
                return None;
            }
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
    fn item(self, token: Token) -> Item {
        let Self { kind, id, data } = self;
        Item::Report { kind, id, data, token: Some(token) }
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

    /// Whether another report follows a damaged one, as far as that can be told.
    fn goes_on(&self, report: &[u8]) -> Option<bool> {
        let value = |(field, place): &(Field, u32)| field.value(report, *place);
        let Some(flag) = &self.continued else { return Some(false) };
        if let Some(flag) = value(flag) {
            return Some(flag != 0);
        }
        // The flag comes last and is cut off first; data that was full is that of a long code.
        let count = usize::try_from(value(self.count.as_ref()?)?).ok()?;
        (count == self.data.length()).then_some(true)
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
    data: Buffer,
    first: Timestamp,
    last: Timestamp,
}

impl Part {
    /// The reading, unless it is none.
    fn into_reading(self) -> Option<Reading> {
        if self.data.is_empty() || self.aim == Some(REPLY) {
            return None;
        }
        Some(Reading {
            symbology: self.aim.map(Symbology::from_aim),
            aim: self.aim,
            data: self.data.secret(),
            first: self.first,
            last: self.last,
        })
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
        let Some(Item::Report { token: Some(first), data, .. }) = out.pop() else {
            panic!("no report")
        };
        assert_eq!(data, [0b10]);
        protocol.sent(Timestamp(0), first, &mut out);
        assert_eq!(out.pop(), Some(Item::Answer(RequestId(1), Ok(()))));
        protocol.request(Timestamp(0), RequestId(2), Request::Trigger(true), &mut out).unwrap();
        let (kind, id) = (ReportKind::Feature, 3);
        let report = |bits: u8, token| Item::Report {
            kind,
            id,
            data: vec![bits],
            token: Some(Token(token)),
        };
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

    /// Trigger, prevented reading and the good beep in an output report.
    const OUTPUTS: &[u8] = &[
        0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x85, 0x01, 0x75, 0x08,
        0x95, 0x04, 0x09, 0xFE, 0x81, 0x02, 0x25, 0x01, 0x75, 0x01, 0x85, 0x03, 0x95, 0x08, 0x09,
        0x60, 0x09, 0x5F, 0x09, 0x86, 0x91, 0x02, 0xC0,
    ];

    #[test]
    fn a_refused_prevention_is_not_repeated_and_a_beep_needs_both_reports() {
        let (mut protocol, mut out) = opened();
        protocol.receive(Timestamp(0), Input::Descriptor(OUTPUTS), &mut out);
        let enable = Request::Enable(false);
        protocol.request(Timestamp(0), RequestId(1), enable, &mut out).unwrap();
        out.pop();
        let beep = Request::Indicate(Verdict::Good);
        protocol.request(Timestamp(0), RequestId(2), beep, &mut out).unwrap();
        let mut tokens = Vec::new();
        let mut data = Vec::new();
        while let Some(Item::Report { data: bits, token, .. }) = out.pop() {
            data.push(bits);
            tokens.extend(token);
        }
        assert_eq!(data, [[0b100], [0b000]], "reading is not prevented");
        let [_, second] = tokens[..] else { panic!("{tokens:?}") };
        // The device refused the first, which sounds, and took the second.
        protocol.sent(Timestamp(0), second, &mut out);
        assert_eq!(out.pop(), None);
        protocol.timeout(protocol.deadline().unwrap(), &mut out);
        for id in [1, 2] {
            let failed = Item::Answer(RequestId(id), Err(Failure::NoReply));
            assert_eq!(out.pop(), Some(failed));
        }
    }

    #[test]
    fn what_follows_a_lost_report_is_not_a_code_until_it_ends_or_is_silent() {
        let (mut protocol, mut out) = opened();
        let mut hear = |time: u64, input| {
            protocol.receive(Timestamp(time), input, &mut out);
            std::iter::from_fn(|| out.pop()).collect::<Vec<_>>()
        };
        let report = |data| Input::Report { id: 1, data };
        assert_eq!(hear(0, report(b"4006\x01")), []);
        assert_eq!(hear(1, Input::BadByte(0)), [Item::Fault(Fault::BadByte)]);
        assert_eq!(hear(2, report(b"3339\x01")), []);
        assert_eq!(hear(3, report(b"31\0\0\0")), []);
        assert_eq!(hear(4, report(b"whol\0")).len(), 1);
        assert_eq!(hear(5, Input::BadByte(0)).len(), 1);
        let later = Timestamp(5) + STALL;
        assert_eq!(hear(later.0, report(b"whol\0")).len(), 1);
    }
}
