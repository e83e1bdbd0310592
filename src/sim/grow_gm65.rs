//! A GROW GM65 module: scans as lines, commands as `7E 00` frames, settings in numbered zones.
//!
//! Source: the vendor's manual; see `protocol-docs`. A frame whose checksum is wrong gets no answer.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "grow-gm65", configure };

/// What every command begins with.
const HEAD: [u8; 2] = [0x7E, 0x00];

/// A checksum that asks not to be checked.
const UNCHECKED: [u8; 2] = [0xAB, 0xCD];

const READ: u8 = 0x07;
const WRITE: u8 = 0x08;
const SAVE: u8 = 0x09;
const HEARTBEAT: u8 = 0x0A;

/// The first byte of an answer.
const ANSWER: u8 = 0x02;
const HEARTBEAT_ANSWER: u8 = 0x03;

/// Zone 0000: the mode in bits 1 and 0, light, aim and sound above.
const MODE: u8 = 0x00;
/// Zone 0002, bit 0: read now.
const TRIGGER: u8 = 0x02;
/// Zone 00D9: 50 restores the factory's settings, 55 the user's.
const RESET: u8 = 0xD9;

/// Modes of zone 0000: codes are read on command only.
const ON_COMMAND: u8 = 1;

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(GrowGm65 { zones: factory(), input: Vec::new(), presented: None }))
}

/// The settings as delivered: continuous reading, 9600 baud (0139), versions 1.00.
fn factory() -> [u8; 256] {
    let mut zones = [0; 256];
    let set = [(MODE, 0xD6), (0x2A, 0x39), (0x2B, 0x01), (0xE1, 0x64), (0xE2, 0x64)];
    for (zone, value) in set {
        if let Some(at) = zones.get_mut(usize::from(zone)) {
            *at = value;
        }
    }
    zones
}

struct GrowGm65 {
    zones: [u8; 256],
    /// What has come of a command so far.
    input: Vec<u8>,
    /// A code before the device that it may not read yet.
    presented: Option<Code>,
}

impl Simulated for GrowGm65 {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let on_command = self.zone(MODE) & 0b11 == ON_COMMAND;
        if on_command && self.zone(TRIGGER) & 1 == 0 {
            self.presented = Some(code.clone());
            return Vec::new();
        }
        self.set(TRIGGER, self.zone(TRIGGER) & !1);
        self.presented = None;
        [code.data.as_slice(), b"\r"].concat()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.input.extend_from_slice(bytes);
        while let Some(command) = self.command() {
            self.obey(&command, out);
        }
        if let Some(code) = self.presented.clone() {
            out.send.extend(self.scan(&code));
        }
    }
}

/// A command whose checksum was right.
struct Command {
    kind: u8,
    zone: u8,
    data: Vec<u8>,
}

impl GrowGm65 {
    /// Takes the next whole command off the input, and what is none along with it.
    fn command(&mut self) -> Option<Command> {
        loop {
            let start = self.input.windows(HEAD.len()).position(|window| window == HEAD);
            // The last byte may be the first of a head.
            let noise = start.unwrap_or(self.input.len().saturating_sub(1));
            self.input.drain(..noise);
            start?;
            let [_, _, kind, length, _, zone, rest @ ..] = self.input.as_slice() else {
                return None;
            };
            let length = usize::from(*length);
            let (data, rest) = rest.split_at_checked(length)?;
            let (&sum, _) = rest.split_first_chunk::<2>()?;
            let end = HEAD.len() + 4 + length;
            let body = self.input.get(HEAD.len()..end).unwrap_or_default();
            let is_right = sum == UNCHECKED || sum == crc(body).to_be_bytes();
            let command = Command { kind: *kind, zone: *zone, data: data.to_vec() };
            self.input.drain(..end + sum.len());
            if is_right {
                return Some(command);
            }
        }
    }

    fn obey(&mut self, command: &Command, out: &mut Actions) {
        match command.kind {
            READ => {
                let count = command.data.first().copied().unwrap_or(0);
                let zones = (0..count).map(|offset| self.zone(command.zone.wrapping_add(offset)));
                answer(ANSWER, &zones.collect::<Vec<_>>(), out);
            }
            WRITE if command.zone == RESET => {
                self.zones = factory();
                answer(ANSWER, &[0], out);
            }
            WRITE => {
                let mut zone = command.zone;
                for value in &command.data {
                    self.notice(zone, *value, &mut out.notices);
                    self.set(zone, *value);
                    zone = zone.wrapping_add(1);
                }
                answer(ANSWER, &[0], out);
            }
            SAVE => answer(ANSWER, &[0], out),
            HEARTBEAT => answer(HEARTBEAT_ANSWER, &[0], out),
            _ => {}
        }
    }

    /// What a person notices of a setting.
    fn notice(&self, zone: u8, value: u8, notices: &mut Vec<String>) {
        let by_itself = |settings: u8| settings & 0b11 != ON_COMMAND;
        let notice = match (zone, value & 1) {
            (TRIGGER, 0) => "trigger off",
            (TRIGGER, _) => "trigger on",
            (MODE, _) if by_itself(value) == by_itself(self.zone(MODE)) => return,
            (MODE, _) if by_itself(value) => "enabled",
            (MODE, _) => "disabled",
            _ => return,
        };
        notices.push(notice.to_owned());
    }

    fn zone(&self, zone: u8) -> u8 {
        self.zones.get(usize::from(zone)).copied().unwrap_or(0)
    }

    fn set(&mut self, zone: u8, value: u8) {
        if let Some(at) = self.zones.get_mut(usize::from(zone)) {
            *at = value;
        }
    }
}

/// `02 00 | type 00, length, data | checksum`.
fn answer(head: u8, data: &[u8], out: &mut Actions) {
    let mut body = vec![0, u8::try_from(data.len()).unwrap_or(u8::MAX)];
    body.extend_from_slice(data);
    let sum = crc(&body).to_be_bytes();
    out.send.extend([head, 0]);
    out.send.extend(body);
    out.send.extend(sum);
}

/// CRC-16/XMODEM: polynomial 1021, start 0, over everything between head and checksum.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Box<dyn Simulated> {
        configure(&Section::empty("options")).unwrap()
    }

    fn ask(device: &mut dyn Simulated, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        device.receive(bytes, &mut actions);
        actions.send
    }

    const OK: [u8; 7] = [0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31];

    #[test]
    fn the_checksum_is_xmodem() {
        assert_eq!(crc(b"123456789"), 0x31C3);
    }

    #[test]
    fn commands_and_their_answers() {
        let rows: &[(&str, &[u8], &[u8])] = &[
            ("trigger", &[0x7E, 0, 8, 1, 0, 2, 1, 2, 0xDA], &OK),
            ("trigger, unchecked", &[0x7E, 0, 8, 1, 0, 2, 1, 0xAB, 0xCD], &OK),
            ("identifiers on, unchecked", &[0x7E, 0, 8, 1, 0, 0xD0, 0x80, 0xAB, 0xCD], &OK),
            ("115200 baud, unchecked", &[0x7E, 0, 8, 2, 0, 0x2A, 0x1A, 0, 0xAB, 0xCD], &OK),
            ("save", &[0x7E, 0, 9, 1, 0, 0, 0, 0xDE, 0xC8], &OK),
            ("heartbeat", &[0x7E, 0, 10, 1, 0, 0, 0, 0x30, 0x1A], &[3, 0, 0, 1, 0, 0x33, 0x31]),
            ("noise before", b"\xFF\x7E\x7E\x00\x09\x01\x00\x00\x00\xDE\xC8", &OK),
            ("wrong checksum", &[0x7E, 0, 9, 1, 0, 0, 0, 0xDE, 0xC9], &[]),
            ("half", &[0x7E, 0, 9, 1, 0, 0], &[]),
        ];
        for (name, bytes, want) in rows {
            assert_eq!(ask(&mut *device(), bytes), *want, "{name}, whole");
            let mut device = device();
            let answers: Vec<u8> =
                bytes.chunks(1).flat_map(|byte| ask(&mut *device, byte)).collect();
            assert_eq!(answers, *want, "{name}, byte by byte");
        }
        let speed = ask(&mut *device(), &[0x7E, 0, 7, 1, 0, 0x2A, 2, 0xD8, 0x0F]);
        assert_eq!(speed.get(..6), Some(&[0x02, 0, 0, 2, 0x39, 0x01][..]));
    }

    #[test]
    fn a_person_notices() {
        let mut device = device();
        let mut actions = Actions::default();
        for (zone, value) in [(0, 0xD5), (2, 1), (0, 0xD5), (2, 0), (0, 0xD6), (5, 1)] {
            device.receive(&[0x7E, 0, 8, 1, 0, zone, value, 0xAB, 0xCD], &mut actions);
        }
        assert_eq!(actions.notices, ["disabled", "trigger on", "trigger off", "enabled"]);
    }

    #[test]
    fn on_command_a_code_waits_for_the_trigger() {
        let mut device = device();
        let code = Code::plain("4006381333931");
        assert_eq!(device.scan(&code), b"4006381333931\r", "continuous, as delivered");
        assert_eq!(ask(&mut *device, &[0x7E, 0, 8, 1, 0, 0, 0xD5, 0xAB, 0xCD]), OK);
        assert_eq!(device.scan(&code), b"");
        let trigger = [0x7E, 0, 8, 1, 0, 2, 1, 2, 0xDA];
        let answer = ask(&mut *device, &trigger);
        assert_eq!(answer, [&OK[..], b"4006381333931\r"].concat());
        assert_eq!(device.scan(&code), b"", "one reading for each trigger");
        assert_eq!(ask(&mut *device, &trigger), [&OK[..], b"4006381333931\r"].concat());
        assert_eq!(device.scan(&code), b"");
        let continuous = ask(&mut *device, &[0x7E, 0, 8, 1, 0, 0, 0xD6, 0xAB, 0xCD]);
        assert_eq!(continuous, [&OK[..], b"4006381333931\r"].concat(), "it is still there");
        assert_eq!(device.scan(&code), b"4006381333931\r");
    }
}
