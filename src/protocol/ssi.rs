//! The Simple Serial Interface (SSI) of Zebra, Symbol and Motorola scanners and scan engines:
//! packets both ways, each of them acknowledged.
//!
//! Source: the SSI chapters of the SE-923, SE955 and DS8108 guides, which give the packets, the
//! acknowledgements and the retries, and open code for what they leave out; `protocol-docs/ssi.md`
//! has both in detail.
//!
//! Oddities: a packet that was not acknowledged in time comes again with a bit set, whether or not
//! it had arrived. So what was taken is known by a fingerprint, kept as long as it can be asked for,
//! and given up when something has been lost since: a doubled scan can be taken back, a lost one not.
//! Behind a wrong checksum the beginning of the next packet has to be searched for, as packets have
//! no mark at their front.
//!
//! Absent: codes without packets (the scanner must be set to packets), the handshake by RTS and CTS
//! before each packet, settings, images, and the management commands. Nothing is said on opening.

mod parts;
mod wire;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Failure, Fault, Refusal, Request, Timestamp, Verdict};
use crate::frame::Packets;
use crate::frame::packet::Found;
use crate::protocol::line_scanner::{AIM_RULES, AimRule, reading};
use crate::protocol::{
    Carrier, Configured, Info, Input, Item, Kind, Output, Protocol, RequestId, Token,
};
use crate::settings::{Error, Section};
use parts::{Numbered, Parts, first_segment};
use wire::{Cause, Packet};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "ssi",
    title: "Zebra/Symbol Simple Serial Interface, packets with acknowledgement",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: true,
    configure,
};

/// After this much silence the rest of a packet is not coming. The bytes of a packet follow each
/// other without a pause; a decoder waits a fifth of a second between ours (parameter EF).
const STALL: Duration = Duration::from_millis(500);
/// How long a device may take to answer, where the profile does not say: the factory's setting of
/// the time-out that both sides are to have in common (parameter 9B, at most 9.9 s).
const PATIENCE: u32 = 2_000;
/// How often a packet is sent that is not answered: once, and twice more.
const TRIES: u8 = 3;
/// A packet comes again within the longest response time-out, or not at all.
const LAST_RETRANSMISSION: Duration = Duration::from_secs(10);
/// And so does the next part of a code.
const LAST_PART: Duration = Duration::from_secs(10);
/// The most bytes of a code, where none is configured: the largest two-dimensional codes stay below.
const LIMIT: u32 = 8 * 1024;
/// The shortest packet that holds a code.
const SHORTEST_CODE: usize = 8;

/// Which packets with a code are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledge {
    /// Each (multipacket option 1).
    Each,
    /// The last one of a code (multipacket options 2 and 3).
    Last,
    /// None, nor are commands: software handshaking is off in the device.
    Off,
}

const ACKNOWLEDGE: [(&str, Acknowledge); 3] =
    [("each", Acknowledge::Each), ("last", Acknowledge::Last), ("off", Acknowledge::Off)];

/// How a device sends codes longer than a packet. Both are understood; what differs is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LongCodes {
    /// In packets that say that they are continued.
    Continued,
    /// In numbered segments, each acknowledged in its own way.
    Segments,
}

const LONG_CODES: [(&str, LongCodes); 2] =
    [("continued", LongCodes::Continued), ("segments", LongCodes::Segments)];

#[derive(Clone, Debug)]
struct Options {
    acknowledge: Acknowledge,
    long_codes: LongCodes,
    aim: AimRule,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    wake_up: bool,
    patience: Duration,
    limit: usize,
}

impl Options {
    fn read(section: &Section<'_>) -> Result<Self, Error> {
        let patience = section.integer("response-ms", 100..=9_900)?.unwrap_or(PATIENCE);
        let limit = section.integer("max-length", 16..=65_536)?.unwrap_or(LIMIT);
        Ok(Self {
            acknowledge: section.word("acknowledge", &ACKNOWLEDGE)?.unwrap_or(Acknowledge::Each),
            long_codes: section.word("long-codes", &LONG_CODES)?.unwrap_or(LongCodes::Continued),
            aim: section.word("aim", &AIM_RULES)?.unwrap_or(AimRule::Auto),
            prefix: section.bytes("prefix")?.unwrap_or_default(),
            suffix: section.bytes("suffix")?.unwrap_or_default(),
            wake_up: section.boolean("wake-up")?.unwrap_or(false),
            patience: Duration::from_millis(patience.into()),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }
}

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let options = Arc::new(Options::read(section)?);
    Ok(Configured::new(&["trigger", "enable", "indicate"], move || {
        Box::new(Ssi {
            packets: Packets::new(wire::weigh, STALL),
            talk: Talk::new(Arc::clone(&options)),
        })
    }))
}

/// One conversation: packets, and what is made of them.
struct Ssi {
    packets: Packets,
    talk: Talk,
}

impl Protocol for Ssi {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { packets, talk } = self;
        let hear = &mut |found: Found<'_>| talk.hear(now, found, out);
        match input {
            Input::Bytes(bytes) => packets.receive(now, bytes, hear),
            Input::BadByte(byte) => packets.damage(now, byte, Fault::BadByte, hear),
            Input::Break => packets.damage(now, 0, Fault::Break, hear),
            // A serial line has no descriptor and no reports.
            _ => {}
        }
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.talk.request(now, id, request, out)
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        self.talk.sent(now, token, out);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let Talk { waiting, parts, .. } = &self.talk;
        let answer = waiting.as_ref().map(|waiting| waiting.deadline);
        let part = parts.as_ref().map(|parts| parts.last + LAST_PART);
        [self.packets.deadline(), answer, part].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { packets, talk } = self;
        packets.expire(now, &mut |found| talk.hear(now, found, out));
        talk.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { packets, talk } = self;
        packets.abandon(&mut |found| talk.hear(now, found, out));
        talk.give_up_parts(out);
        if let Some(waiting) = talk.waiting.take() {
            out.push(Item::Answer(waiting.id, Err(Failure::Gone)));
        }
    }
}

/// A command that has no answer yet.
#[derive(Debug)]
struct Waiting {
    id: RequestId,
    opcode: u8,
    data: Option<u8>,
    /// How often it has been sent.
    tries: u8,
    deadline: Timestamp,
    token: Token,
}

/// What was taken last, in place of its bytes: a code may be a payment code, and does not stay in
/// memory to be compared. The fingerprint is keyed, so it does not give a code of few digits away.
#[derive(Clone, Copy, Debug)]
struct Taken {
    fingerprint: u64,
    at: Timestamp,
    /// Something has been lost since, which may have been the next packet.
    doubtful: bool,
    /// It was the last segment of a code that has been handed out.
    finished: bool,
}

/// What a packet is to the one that was taken before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copy {
    /// Another one.
    Other,
    /// The same bytes, and nothing was lost in between.
    Same,
    /// The same bytes; but something was lost in between.
    Doubtful,
}

struct Talk {
    options: Arc<Options>,
    fingerprints: RandomState,
    taken: Option<Taken>,
    parts: Option<Parts>,
    waiting: Option<Waiting>,
    token: Token,
    /// When something last came.
    heard: Timestamp,
}

impl Talk {
    fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            fingerprints: RandomState::new(),
            taken: None,
            parts: None,
            waiting: None,
            token: Token(0),
            heard: Timestamp::default(),
        }
    }

    fn hear(&mut self, now: Timestamp, found: Found<'_>, out: &mut Output) {
        self.heard = now;
        match found {
            Found::Packet { bytes, first, last } => {
                if let Some(packet) = Packet::of(bytes) {
                    self.packet(packet, first, last, out);
                }
            }
            Found::Garbled(bytes) => {
                // What was itself sent again is no code that has not been heard of.
                let again = Packet::of(bytes)
                    .is_some_and(|packet| packet.status & wire::RETRANSMITTED != 0);
                if bytes.len() >= SHORTEST_CODE && !again {
                    self.lost_something(out);
                }
                self.lost_part(bytes);
                self.refuse(Cause::Resend, out);
            }
            Found::Fault(fault) => {
                out.fault(fault);
                let a_code = match fault {
                    Fault::Noise { bytes } | Fault::Partial { bytes } => bytes >= SHORTEST_CODE,
                    Fault::Checksum { .. } => false,
                    _ => true,
                };
                if a_code {
                    self.lost_something(out);
                }
            }
        }
    }

    /// What was lost may have been a code. If it was and comes again, it is not to be taken for the
    /// one before it; and where parts come unasked for, one of them may be missing now.
    fn lost_something(&mut self, out: &mut Output) {
        if let Some(taken) = &mut self.taken {
            taken.doubtful = true;
        }
        if self.options.acknowledge != Acknowledge::Each
            && let Some(parts) = &mut self.parts
            && !parts.lost
        {
            out.fault(Fault::Partial { bytes: parts.data.len() });
            parts.lose();
        }
    }

    /// Parts that come unasked for and whose first one was garbled: the rest is no code by itself.
    fn lost_part(&mut self, bytes: &[u8]) {
        let Some(Packet { opcode: wire::DECODE_DATA, status, data: [code_type, ..] }) =
            Packet::of(bytes)
        else {
            return;
        };
        if self.options.acknowledge != Acknowledge::Each
            && status & wire::CONTINUED != 0
            && self.parts.is_none()
        {
            let mut parts = Parts::new(*code_type, self.heard, None);
            parts.lose();
            self.parts = Some(parts);
        }
    }

    fn packet(&mut self, packet: Packet<'_>, first: Timestamp, last: Timestamp, out: &mut Output) {
        match packet.opcode {
            wire::DECODE_DATA => self.decode_data(packet, first, last, out),
            wire::MULTIPACKET_SEGMENT => self.segment(packet, first, last, out),
            wire::CMD_ACK => self.answered(out),
            wire::CMD_NAK => self.refused(packet.data.first().copied(), last, out),
            wire::EVENT | wire::PARAM_SEND => self.acknowledge(wire::CMD_ACK, out),
            // Answers, which are not answered.
            wire::REPLY_REVISION
            | wire::REPLY_ID
            | wire::CAPABILITIES_REPLY
            | wire::SCANNER_INIT => {}
            opcode if wire::UNWANTED.contains(&opcode) => self.refuse(Cause::Denied, out),
            _ => self.refuse(Cause::BadContext, out),
        }
    }

    /// `TYPE code…`, in one packet or in several.
    fn decode_data(
        &mut self,
        packet: Packet<'_>,
        first: Timestamp,
        last: Timestamp,
        out: &mut Output,
    ) {
        let Some((&code_type, data)) = packet.data.split_first() else {
            out.fault(Fault::Malformed { at: 4 });
            return self.refuse(Cause::BadContext, out);
        };
        let continued = packet.status & wire::CONTINUED != 0;
        let again = packet.status & wire::RETRANSMITTED != 0;
        let doubtful = self.taken.is_some_and(|taken| taken.doubtful);
        let copy = self.take(packet, last);
        self.check_parts(code_type, again, doubtful, copy, out);
        let mut complete = true;
        match &mut self.parts {
            _ if again && copy == Copy::Same => {}
            None if !continued => self.reading(code_type, data, first, last, out),
            parts => {
                let parts = parts.get_or_insert_with(|| Parts::new(code_type, first, None));
                if let Err(fault) = parts.extend(last, data, self.options.limit) {
                    out.fault(fault);
                }
                if !continued {
                    complete = self.finish_parts(out);
                }
            }
        }
        match (continued, complete) {
            (true, _) if self.options.acknowledge != Acknowledge::Each => {}
            (_, true) => self.acknowledge(wire::CMD_ACK, out),
            (_, false) => self.refuse(Cause::Denied, out),
        }
    }

    /// Gives up a code under way that this packet is no part of, or may be no part of: of two halves
    /// that do not belong together nothing would tell later.
    fn check_parts(
        &mut self,
        code_type: u8,
        again: bool,
        doubtful: bool,
        copy: Copy,
        out: &mut Output,
    ) {
        let Some(parts) = &mut self.parts else { return };
        // What was lost comes again with its bit set. Without it, this is the next code.
        let comes_again = self.options.acknowledge == Acknowledge::Each;
        if parts.numbered.is_some()
            || parts.code_type != code_type
            || (comes_again && doubtful && !again)
        {
            self.give_up_parts(out);
        } else if again && copy == Copy::Doubtful && !parts.lost {
            // The last part once more, or the next one with the same bytes.
            out.fault(Fault::Partial { bytes: parts.data.len() });
            parts.lose();
        }
    }

    /// `INDEX part of a code…`, the first part with a header of its own.
    fn segment(&mut self, packet: Packet<'_>, first: Timestamp, last: Timestamp, out: &mut Output) {
        let Some((&index, data)) = packet.data.split_first() else {
            out.fault(Fault::Malformed { at: 4 });
            return self.refuse(Cause::BadContext, out);
        };
        let next = self.parts.as_ref().and_then(|parts| parts.numbered).map(|rest| rest.next);
        let finished = self.taken.is_some_and(|taken| taken.finished);
        let again = packet.status & wire::RETRANSMITTED != 0;
        let copy = self.take(packet, last);
        if copy != Copy::Other && next == Some(index.wrapping_add(1)) {
            return self.acknowledge_segment(out);
        }
        if finished && again && copy == Copy::Same && self.parts.is_none() {
            // Only our acknowledgement was lost: the code has been handed out.
            return self.acknowledge_finished(out);
        }
        let data = if index == 0 {
            self.give_up_parts(out);
            let Some((code_type, length, data)) = first_segment(data) else {
                out.fault(Fault::Malformed { at: 5 });
                return self.refuse(Cause::BadContext, out);
            };
            self.parts = Some(Parts::new(code_type, first, Some(Numbered { next: 0, length })));
            data
        } else {
            data
        };
        let Some(parts) = &mut self.parts else { return self.refuse(Cause::BadContext, out) };
        let Some(rest) = parts.numbered.as_mut().filter(|rest| rest.next == index) else {
            self.give_up_parts(out);
            return self.refuse(Cause::BadContext, out);
        };
        rest.next = rest.next.wrapping_add(1);
        let length = rest.length;
        if let Err(fault) = parts.extend(last, data, self.options.limit.min(length)) {
            out.fault(fault);
        }
        if parts.lost {
            self.parts = None;
            return self.refuse(Cause::Denied, out);
        }
        if parts.data.len() == length {
            self.finish_parts(out);
            return self.acknowledge_finished(out);
        }
        self.acknowledge_segment(out);
    }

    /// The last segment of a code that has been handed out: it may come once more.
    fn acknowledge_finished(&mut self, out: &mut Output) {
        if let Some(taken) = &mut self.taken {
            taken.finished = true;
        }
        self.acknowledge(wire::CMD_ACK, out);
    }

    /// Remembers what has come, and compares it with what came before.
    fn take(&mut self, packet: Packet<'_>, last: Timestamp) -> Copy {
        let mut hasher = self.fingerprints.build_hasher();
        hasher.write(&[packet.opcode, packet.status & !wire::RETRANSMITTED]);
        hasher.write(packet.data);
        let taken =
            Taken { fingerprint: hasher.finish(), at: last, doubtful: false, finished: false };
        match self.taken.replace(taken) {
            Some(before)
                if before.fingerprint == taken.fingerprint
                    && last.since(before.at) <= LAST_RETRANSMISSION =>
            {
                if before.doubtful {
                    Copy::Doubtful
                } else {
                    Copy::Same
                }
            }
            _ => Copy::Other,
        }
    }

    /// Hands out the code that has come in parts, if it is whole.
    fn finish_parts(&mut self, out: &mut Output) -> bool {
        match self.parts.take() {
            Some(Parts { lost: true, .. }) | None => false,
            Some(parts) => {
                self.reading(parts.code_type, parts.data.bytes(), parts.first, parts.last, out);
                true
            }
        }
    }

    fn give_up_parts(&mut self, out: &mut Output) {
        if let Some(parts) = self.parts.take()
            && !parts.lost
        {
            out.fault(Fault::Partial { bytes: parts.data.len() });
        }
    }

    fn reading(
        &self,
        code_type: u8,
        data: &[u8],
        first: Timestamp,
        last: Timestamp,
        out: &mut Output,
    ) {
        let Options { prefix, suffix, aim, .. } = &*self.options;
        // The packet has an end of its own, so these are no more than decoration, and may be missing.
        let code = data.strip_prefix(prefix.as_slice()).unwrap_or(data);
        let code = code.strip_suffix(suffix.as_slice()).unwrap_or(code);
        if code.is_empty() {
            return;
        }
        out.push(reading(*aim, wire::symbology(code_type), code, (first, last)));
    }

    fn acknowledge(&self, opcode: u8, out: &mut Output) {
        if self.options.acknowledge != Acknowledge::Off {
            out.push(Item::Write(wire::compose(opcode, 0, &[]), None));
        }
    }

    /// That the scanner waits for this is what open code supposes and no document says.
    fn acknowledge_segment(&self, out: &mut Output) {
        if self.options.long_codes == LongCodes::Segments {
            self.acknowledge(wire::MULTIPACKET_ACK, out);
        }
    }

    fn refuse(&self, cause: Cause, out: &mut Output) {
        if self.options.acknowledge != Acknowledge::Off {
            out.push(Item::Write(wire::compose(wire::CMD_NAK, 0, &[cause as u8]), None));
        }
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let (opcode, data) = command(&request).ok_or(Refusal::Unsupported)?;
        if self.waiting.is_some() {
            return Err(Refusal::Busy);
        }
        let deadline = now + self.options.patience;
        let waiting = Waiting { id, opcode, data, tries: 0, deadline, token: self.token };
        self.send(waiting, now, out);
        Ok(())
    }

    /// Sends a command, or sends it again.
    fn send(&mut self, mut waiting: Waiting, now: Timestamp, out: &mut Output) {
        self.token = Token(self.token.0.wrapping_add(1));
        let status = if waiting.tries == 0 { 0 } else { wire::RETRANSMITTED };
        waiting.tries += 1;
        waiting.token = self.token;
        waiting.deadline = now + self.options.patience;
        let mut bytes = if self.options.wake_up { vec![0] } else { Vec::new() };
        bytes.extend(wire::compose(waiting.opcode, status, waiting.data.as_slice()));
        out.push(Item::Write(bytes, Some(waiting.token)));
        self.waiting = Some(waiting);
    }

    fn sent(&mut self, now: Timestamp, token: Token, out: &mut Output) {
        let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.token == token) else {
            return;
        };
        waiting.deadline = now + self.options.patience;
        if self.options.acknowledge == Acknowledge::Off {
            self.answered(out);
        }
    }

    fn answered(&mut self, out: &mut Output) {
        if let Some(waiting) = self.waiting.take() {
            out.push(Item::Answer(waiting.id, Ok(())));
        }
    }

    fn refused(&mut self, cause: Option<u8>, now: Timestamp, out: &mut Output) {
        let Some(waiting) = self.waiting.take() else { return };
        if cause == Some(Cause::Resend as u8) && waiting.tries < TRIES {
            return self.send(waiting, now, out);
        }
        out.fault(Fault::Refused { status: cause.unwrap_or(0) });
        out.push(Item::Answer(waiting.id, Err(Failure::Refused)));
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if self.parts.as_ref().is_some_and(|parts| parts.last + LAST_PART <= now) {
            self.give_up_parts(out);
        }
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.deadline <= now) else { return };
        if waiting.tries < TRIES {
            return self.send(waiting, now, out);
        }
        out.fault(Fault::NoReply);
        out.push(Item::Answer(waiting.id, Err(Failure::NoReply)));
    }
}

/// The command that does what is asked.
fn command(request: &Request) -> Option<(u8, Option<u8>)> {
    Some(match request {
        Request::Trigger(true) => (wire::START_SESSION, None),
        Request::Trigger(false) => (wire::STOP_SESSION, None),
        Request::Enable(true) => (wire::SCAN_ENABLE, None),
        Request::Enable(false) => (wire::SCAN_DISABLE, None),
        Request::Indicate(verdict) => (wire::BEEP, Some(beep(*verdict))),
        Request::Show(_) | Request::Pass(_) => return None,
    })
}

/// The beep for a verdict, of those that a Symbol guide lists: 00 to 04 are one to five short high
/// beeps, 05 and 06 one and two short low ones. One high beep is also a scanner's own for a code read.
fn beep(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Good => 0x00,
        Verdict::Bad => 0x06,
        Verdict::Wait => 0x05,
        Verdict::Attention => 0x02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Opening;
    use crate::settings::File;

    fn protocol(options: &str) -> Result<Box<dyn Protocol>, String> {
        let file = File { name: "test".to_owned(), text: options.to_owned() };
        let document = file.parse().map_err(|error| error.to_string())?;
        let root = document.root();
        let configured = configure(&root).map_err(|error| error.to_string())?;
        root.finish().map_err(|error| error.to_string())?;
        Ok((configured.factory)())
    }

    #[test]
    fn nothing_is_said_on_opening_and_a_code_is_handed_on_before_it_is_acknowledged() {
        for opening in [Opening::Fresh, Opening::Adopted] {
            let (mut protocol, mut out) = (protocol("").unwrap(), Output::default());
            protocol.opened(Timestamp(0), opening, &mut out);
            assert!(out.is_empty(), "{opening:?}");
            let packet = b"\x12\xF3\x00\x00\x0B5901234123457\xFC\x52";
            protocol.receive(Timestamp(1), Input::Bytes(packet), &mut out);
            assert!(matches!(out.pop(), Some(Item::Reading(_))), "{opening:?}");
            let ack = vec![0x04, 0xD0, 0x04, 0x00, 0xFF, 0x28];
            assert_eq!(out.pop(), Some(Item::Write(ack, None)), "{opening:?}");
            assert_eq!((out.pop(), protocol.deadline()), (None, None), "at rest, {opening:?}");
        }
    }

    fn hear(protocol: &mut dyn Protocol, opcode: u8, status: u8, data: &[u8]) -> Output {
        let mut out = Output::default();
        // What we send differs in its source alone, which the sum takes in.
        let mut packet = wire::compose(opcode, status, data);
        packet.truncate(packet.len() - 2);
        packet[2] = 0;
        packet.extend(crate::frame::checksum::complement(&packet).to_be_bytes());
        protocol.receive(Timestamp(1), Input::Bytes(&packet), &mut out);
        out
    }

    #[test]
    fn an_identifier_that_the_scanner_sends_unasked_is_no_part_of_the_code() {
        for (name, code_type, data, want) in [
            ("a payment code", 0x1C, &b"]Q1hQVDUFYwMQ=="[..], ("qr", &b"hQVDUFYwMQ=="[..])),
            (
                "eighteen digits",
                0x03,
                b"]C0280000000000000001",
                ("code-128", b"280000000000000001"),
            ),
            ("one that says more than the type", 0x03, b"]C10104", ("gs1-128", b"0104")),
            (
                "one that says less than the type",
                0x08,
                b"]E0012345678905",
                ("upc-a", b"012345678905"),
            ),
            ("none", 0x1C, b"abc", ("qr", b"abc")),
            ("no identifier that is known", 0x1C, b"]y7 shelf", ("qr", b"]y7 shelf")),
        ] {
            let mut protocol = protocol("").unwrap();
            let data: Vec<u8> = [&[code_type], data].concat();
            let mut out = hear(&mut *protocol, wire::DECODE_DATA, 0, &data);
            let Some(Item::Reading(reading)) = out.pop() else { panic!("{name}") };
            let symbology = reading.symbology.unwrap().word();
            assert_eq!((symbology, reading.data.expose()), want, "{name}");
        }
    }

    #[test]
    fn a_last_segment_that_comes_again_is_acknowledged_and_no_second_code() {
        let mut protocol = protocol("long-codes = \"segments\"").unwrap();
        let first = b"\x00\xF3\x00\x00\x00\x07\x1C\x01\x00\x04ab";
        let segment = wire::MULTIPACKET_SEGMENT;
        let ack = Item::Write(wire::compose(wire::CMD_ACK, 0, &[]), None);
        hear(&mut *protocol, segment, 0, first);
        let mut out = hear(&mut *protocol, segment, 0, b"\x01cd");
        assert!(matches!(out.pop(), Some(Item::Reading(_))));
        assert_eq!(out.pop().as_ref(), Some(&ack));
        for time in ["once", "twice"] {
            let mut out = hear(&mut *protocol, segment, wire::RETRANSMITTED, b"\x01cd");
            assert_eq!((out.pop().as_ref(), out.pop()), (Some(&ack), None), "{time}");
        }
        let nak = wire::compose(wire::CMD_NAK, 0, &[Cause::BadContext as u8]);
        let mut out = hear(&mut *protocol, segment, wire::RETRANSMITTED, b"\x01ef");
        assert_eq!(out.pop(), Some(Item::Write(nak.clone(), None)), "another one");
        let mut out = hear(&mut *protocol, segment, wire::RETRANSMITTED, b"\x01ef");
        assert_eq!(out.pop(), Some(Item::Write(nak, None)), "what was refused stays so");
    }

    #[test]
    fn wrong_options_say_what_is_accepted() {
        for (options, message) in [
            ("acknowledge = \"always\"", "accepted: each, last, off"),
            ("long-codes = \"long\"", "accepted: continued, segments"),
            ("response-ms = 99", "from 100 to 9900"),
            ("max-length = 15", "from 16 to 65536"),
            ("wakeup = true", "did you mean `wake-up`?"),
        ] {
            let error = protocol(options).err().unwrap_or_default();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
