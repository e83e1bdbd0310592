//! A Zebra scanner in SSI: codes in packets that it wants acknowledged, commands that it answers.
//!
//! Source: the SSI chapters of the SE955 and DS8108 guides; see `protocol-docs`. It sends again what is
//! not acknowledged in time, twice, and then goes on with the next code. What it does while its trigger
//! is held is not its host's business: a code before it is read unless reading is disabled.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Actions, Code, Info, Simulated};
use crate::event::Symbology;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "ssi", configure };

/// The most that a packet's length can say.
const FULL: usize = 255;
/// Length, opcode, source, status.
const HEADER: usize = 4;

/// Sources.
const SCANNER: u8 = 0;
const HOST: u8 = 4;

/// Status bits.
const AGAIN: u8 = 1;
const MORE: u8 = 2;

/// Sends of one packet, all told.
const SENDS: u8 = 3;
/// The last of the beeps, low-high-low.
const LAST_BEEP: u8 = 0x19;

/// When a packet with a code is to be acknowledged.
#[derive(Clone, Copy, PartialEq)]
enum Handshake {
    EachPacket,
    LastPacket,
    Never,
}

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let handshake = section.word(
        "acknowledge",
        &[
            ("each", Handshake::EachPacket),
            ("last", Handshake::LastPacket),
            ("off", Handshake::Never),
        ],
    )?;
    let segments = section.word("long-codes", &[("continued", false), ("segments", true)])?;
    let identify = section.word("aim", &[("off", false), ("auto", true), ("required", true)])?;
    let response = section.integer("response-ms", 100..=9_900)?.unwrap_or(2_000);
    Ok(Box::new(Ssi {
        handshake: handshake.unwrap_or(Handshake::EachPacket),
        segments: segments.unwrap_or(false),
        identify: identify.unwrap_or(false),
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        suffix: section.bytes("suffix")?.unwrap_or_default(),
        response: Duration::from_millis(response.into()),
        enabled: true,
        waiting: VecDeque::new(),
        sends: 0,
        input: Vec::new(),
    }))
}

struct Ssi {
    handshake: Handshake,
    segments: bool,
    identify: bool,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    response: Duration,
    enabled: bool,
    /// What is to be sent, each until it is acknowledged; the first one is on its way.
    waiting: VecDeque<Vec<u8>>,
    /// How often the first one has been sent.
    sends: u8,
    input: Vec<u8>,
}

impl Simulated for Ssi {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        if !self.enabled {
            return Vec::new();
        }
        let idle = self.waiting.is_empty();
        let packets = self.packets(code);
        match self.handshake {
            Handshake::Never => packets.concat(),
            Handshake::EachPacket => {
                self.waiting.extend(packets);
                if idle { self.first() } else { Vec::new() }
            }
            Handshake::LastPacket => {
                self.waiting.push_back(packets.concat());
                if idle { self.first() } else { Vec::new() }
            }
        }
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.input.extend_from_slice(bytes);
        while let Some(heard) = self.next_packet() {
            match heard {
                Heard::Command { opcode, data } => self.obey(opcode, &data, out),
                Heard::Damaged => out.send.extend(packet(0xD1, 0, &[1])),
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.response)
    }

    fn timeout(&mut self, out: &mut Actions) {
        // What has come of a packet by now is not going to be one.
        self.input.clear();
        self.again(out);
    }
}

/// What has come from the host.
enum Heard {
    Command { opcode: u8, data: Vec<u8> },
    Damaged,
}

impl Ssi {
    /// A code as packets of DECODE_DATA, or as segments.
    fn packets(&self, code: &Code) -> Vec<Vec<u8>> {
        let (code_type, aim) = identifiers(code.symbology);
        let aim = if self.identify { aim } else { "" };
        let text = [&self.prefix, aim.as_bytes(), &code.data, &self.suffix].concat();
        let room = FULL - HEADER - 1;
        if self.segments && text.len() > room {
            return segments(code_type, &text);
        }
        let last = text.len().div_ceil(room).max(1) - 1;
        let chunks = text.chunks(room).enumerate();
        chunks
            .map(|(place, chunk)| {
                let status = if place == last { 0 } else { MORE };
                packet(0xF3, status, &[&[code_type], chunk].concat())
            })
            .collect()
    }

    fn first(&mut self) -> Vec<u8> {
        self.sends = 1;
        self.waiting.front().cloned().unwrap_or_default()
    }

    /// Sends once more what has not been acknowledged, or gives it up.
    fn again(&mut self, out: &mut Actions) {
        if self.sends < SENDS {
            self.sends += 1;
            if let Some(packet) = self.waiting.front() {
                out.send.extend(marked_again(packet));
            }
        } else {
            self.done(out);
        }
    }

    /// Goes on with the next packet.
    fn done(&mut self, out: &mut Actions) {
        self.waiting.pop_front();
        let next = self.first();
        out.send.extend(next);
    }

    /// Takes the next packet off the input, and what is none along with it.
    fn next_packet(&mut self) -> Option<Heard> {
        loop {
            let length = usize::from(*self.input.first()?);
            // A zero wakes the scanner up; no packet is shorter than its header.
            if length < HEADER || self.input.get(2).is_some_and(|source| *source != HOST) {
                self.input.remove(0);
                continue;
            }
            let packet: Vec<u8> = self.input.get(..length + 2)?.to_vec();
            self.input.drain(..packet.len());
            let sum = packet.get(..length).map_or(0, sum);
            if packet.get(length..) != Some(&sum.to_be_bytes()) {
                return Some(Heard::Damaged);
            }
            let opcode = packet.get(1).copied().unwrap_or_default();
            let data = packet.get(HEADER..length).unwrap_or_default().to_vec();
            return Some(Heard::Command { opcode, data });
        }
    }

    fn obey(&mut self, opcode: u8, data: &[u8], out: &mut Actions) {
        let ack: &[u8] = &packet(0xD0, 0, &[]);
        match opcode {
            // Acknowledgements, of a packet and of a segment.
            0xD0 | 0x74 => self.done(out),
            0xD1 if data == [1] => self.again(out),
            0xD1 => self.done(out),
            0xA3 => out.send.extend(packet(0xA4, 0, b"TILLBUS-00-R00 SIMULATED 0")),
            0xD3 => out.send.extend(packet(0xD4, 0, &[0, 1, 0xF3])),
            0xC7 => out.send.extend(packet(0xC6, 0, &[&[0xFF], data].concat())),
            0xE6 if data.first().is_none_or(|beep| *beep > LAST_BEEP) => {
                out.send.extend(packet(0xD1, 0, &[6]));
            }
            0xE6 => {
                out.notices.push(format!("beep {:02X}", data.first().copied().unwrap_or_default()));
                self.confirm(ack, out);
            }
            0xE9 | 0xEA => {
                self.enabled = opcode == 0xE9;
                self.confirm(ack, out);
            }
            0xC4 | 0xC5 | 0xC6 | 0xC8 | 0xD2 | 0xE4 | 0xE5 | 0xE7 | 0xE8 | 0xEB => {
                self.confirm(ack, out)
            }
            _ => out.send.extend(packet(0xD1, 0, &[2])),
        }
    }

    fn confirm(&self, ack: &[u8], out: &mut Actions) {
        if self.handshake != Handshake::Never {
            out.send.extend_from_slice(ack);
        }
    }
}

/// `73` packets: a number, and in the first one what is to come.
fn segments(code_type: u8, text: &[u8]) -> Vec<Vec<u8>> {
    let length = |more: usize| u16::try_from(text.len() + more).unwrap_or(u16::MAX).to_be_bytes();
    let [high, low] = length(3);
    let mut all = vec![0xF3, 0, 0, high, low, code_type, 1];
    all.extend(length(0));
    all.extend_from_slice(text);
    let mut packets = Vec::new();
    for (index, chunk) in (0..=u8::MAX).zip(all.chunks(FULL - HEADER - 1)) {
        let mut segment = packet(0x73, 0, &[&[index], chunk].concat());
        if index == 0 {
            segment = seal(segment, 2, 2);
        }
        packets.push(segment);
    }
    packets
}

fn packet(opcode: u8, status: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(HEADER + data.len()).unwrap_or(u8::MAX);
    let mut packet = vec![length, opcode, SCANNER, status];
    packet.extend_from_slice(data);
    let sum = sum(&packet).to_be_bytes();
    packet.extend(sum);
    packet
}

/// The same packets with the bit that says that they have been sent before.
fn marked_again(packets: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = packets;
    while let Some((packet, after)) =
        rest.first().and_then(|length| rest.split_at_checked(usize::from(*length) + 2))
    {
        let status = packet.get(3).copied().unwrap_or_default() | AGAIN;
        all.extend(seal(packet.to_vec(), 3, status));
        rest = after;
    }
    all
}

/// Sets one byte of a packet and corrects its checksum.
fn seal(mut packet: Vec<u8>, place: usize, value: u8) -> Vec<u8> {
    if let Some(at) = packet.get_mut(place) {
        *at = value;
    }
    packet.truncate(packet.len().saturating_sub(2));
    let sum = sum(&packet).to_be_bytes();
    packet.extend(sum);
    packet
}

/// What the bytes lack to a multiple of 65536.
fn sum(bytes: &[u8]) -> u16 {
    let total: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    u16::try_from((0x1_0000 - total % 0x1_0000) % 0x1_0000).unwrap_or_default()
}

/// The code type, and the AIM identifier where it is to be sent too.
fn identifiers(symbology: Option<Symbology>) -> (u8, &'static str) {
    match symbology {
        Some(Symbology::Code39) => (1, "]A0"),
        Some(Symbology::Codabar) => (2, "]F0"),
        Some(Symbology::Code128) => (3, "]C0"),
        Some(Symbology::TwoOfFive) => (4, "]S0"),
        Some(Symbology::Itf) => (6, "]I0"),
        Some(Symbology::Code93) => (7, "]G0"),
        Some(Symbology::UpcA) => (8, "]E0"),
        Some(Symbology::UpcE) => (9, "]E0"),
        Some(Symbology::Ean8) => (10, "]E4"),
        Some(Symbology::Ean13) => (11, "]E0"),
        Some(Symbology::Msi) => (14, "]M0"),
        Some(Symbology::Gs1Code128) => (15, "]C1"),
        Some(Symbology::Pdf417) => (17, "]L0"),
        Some(Symbology::Isbt128) => (25, "]C4"),
        Some(Symbology::DataMatrix) => (27, "]d1"),
        Some(Symbology::Qr) => (28, "]Q1"),
        Some(Symbology::MicroQr) => (44, "]Q1"),
        Some(Symbology::Aztec) => (45, "]z0"),
        Some(Symbology::Databar) => (48, "]e0"),
        Some(Symbology::DatabarLimited) => (49, "]e0"),
        Some(Symbology::DatabarExpanded) => (50, "]e0"),
        Some(Symbology::Gs1DataMatrix) => (193, "]d2"),
        Some(Symbology::Gs1Qr) => (194, "]Q3"),
        _ => (0, "]X0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn device(options: &str) -> Box<dyn Simulated> {
        let file = File { name: "options".to_owned(), text: options.to_owned() };
        configure(&file.parse().unwrap().root()).unwrap()
    }

    fn tell(device: &mut dyn Simulated, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        device.receive(bytes, &mut actions);
        actions.send
    }

    fn wait(device: &mut dyn Simulated) -> Vec<u8> {
        let mut actions = Actions::default();
        device.timeout(&mut actions);
        actions.send
    }

    const ACK: [u8; 6] = [0x04, 0xD0, 0x04, 0x00, 0xFF, 0x28];
    const ACKED: [u8; 6] = [0x04, 0xD0, 0x00, 0x00, 0xFF, 0x2C];
    const EAN: &[u8] = b"\x12\xF3\x00\x00\x0B5901234123457\xFC\x52";
    const EAN_AGAIN: &[u8] = b"\x12\xF3\x00\x01\x0B5901234123457\xFC\x51";

    fn ean() -> Code {
        Code { symbology: Some(Symbology::Ean13), data: b"5901234123457".to_vec() }
    }

    #[test]
    fn a_code_is_sent_until_it_is_acknowledged() {
        let mut scanner = device("");
        assert_eq!(scanner.patience(), None);
        assert_eq!(scanner.scan(&ean()), EAN);
        assert_eq!(scanner.scan(&ean()), b"", "one at a time");
        assert_eq!(tell(&mut *scanner, &[5, 0xD1, 4, 0, 1, 0xFF, 0x25]), EAN_AGAIN);
        assert_eq!(wait(&mut *scanner), EAN_AGAIN);
        assert_eq!(wait(&mut *scanner), EAN, "three times the first, then the second");
        assert_eq!(scanner.patience(), Some(Duration::from_secs(2)));
        assert_eq!(tell(&mut *scanner, &ACK), b"");
        assert_eq!(scanner.patience(), None);
    }

    #[test]
    fn commands_and_their_answers() {
        let rows: &[(&str, &[u8], &[u8])] = &[
            ("start a session", &[4, 0xE4, 4, 0, 0xFF, 0x14], &ACKED),
            ("after a wake-up", &[0, 4, 0xE4, 4, 0, 0xFF, 0x14], &ACKED),
            ("beep", &[5, 0xE6, 4, 0, 0x14, 0xFE, 0xFD], &ACKED),
            (
                "beep out of range",
                &[5, 0xE6, 4, 0, 0x1A, 0xFE, 0xF7],
                &[5, 0xD1, 0, 0, 6, 0xFF, 0x24],
            ),
            ("unknown", &[4, 0x42, 4, 0, 0xFF, 0xB6], &[5, 0xD1, 0, 0, 2, 0xFF, 0x28]),
            ("garbled", &[4, 0xE4, 4, 0, 0xFF, 0x15], &[5, 0xD1, 0, 0, 1, 0xFF, 0x29]),
            ("half", &[4, 0xE4, 4, 0], &[]),
        ];
        for (name, bytes, want) in rows {
            assert_eq!(tell(&mut *device(""), bytes), *want, "{name}, whole");
            let mut device = device("");
            let answers: Vec<u8> =
                bytes.iter().flat_map(|byte| tell(&mut *device, &[*byte])).collect();
            assert_eq!(answers, *want, "{name}, byte by byte");
        }
        let mut scanner = device("");
        assert_eq!(tell(&mut *scanner, &[4, 0xEA, 4, 0, 0xFF, 0x0E]), ACKED);
        assert_eq!(scanner.scan(&ean()), b"", "disabled");
        assert_eq!(tell(&mut *scanner, &[4, 0xE9, 4, 0, 0xFF, 0x0F]), ACKED);
        assert_eq!(scanner.scan(&ean()), EAN);
    }

    #[test]
    fn long_codes_come_in_packets_or_segments() {
        let long = Code { symbology: Some(Symbology::Qr), data: vec![b'Z'; 500] };
        let mut scanner = device("");
        let first = scanner.scan(&long);
        assert_eq!(first[..5], [0xFF, 0xF3, 0, MORE, 0x1C]);
        let second = tell(&mut *scanner, &ACK);
        assert_eq!((second.len(), &second[..5]), (257, &[0xFF, 0xF3, 0, 0, 0x1C][..]));
        // As captured: enioka_scan, SsiParserTest.multiPacketTest.
        let mut scanner = device("long-codes = \"segments\"");
        let first = scanner.scan(&long);
        let head = [0xFF, 0x73, 2, 0, 0, 0xF3, 0, 0, 1, 0xF7, 0x1C, 1, 1, 0xF4];
        assert_eq!((&first[..14], &first[255..]), (&head[..], &[0xA6, 0xD5][..]));
        let second = tell(&mut *scanner, &[4, 0x74, 4, 0, 0xFF, 0x84]);
        assert_eq!((&second[..5], &second[255..]), (&[0xFF, 0x73, 0, 0, 1][..], &[0xA6, 0xA9][..]));
        let third = tell(&mut *scanner, &[4, 0x74, 4, 0, 0xFF, 0x84]);
        assert_eq!(third, [&[0x0E, 0x73, 0, 0, 2][..], &[b'Z'; 9], &[0xFC, 0x53]].concat());
        let all = device("acknowledge = \"off\"").scan(&long);
        assert_eq!(all.len(), first.len() + second.len());
    }
}
