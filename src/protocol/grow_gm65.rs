//! The GM65 family of scan engines by GROW, as sold under many names: lines of text as any scanner
//! sends them, and framed commands that read and write its settings, which are bytes at addresses
//! ("zones").
//!
//! Source: the manual of the GM65, chapter 8, and public projects; `protocol-docs/grow-gm65.md` names
//! them. All checksums there were computed again.
//!
//! Oddities: replies have a frame, codes have none, and a reply may stand anywhere among the codes,
//! inside one too. So bytes are a reply only where head, length and checksum are all right, else they
//! are part of a code. The engine accepts AB CD for any checksum and may answer with it. A reply does
//! not say to which command; zones are therefore read two at a time, so that the late reply to a
//! write, which has one byte, is never taken for a setting.
//!
//! Absent: nothing is configured unless a client asks, and no heartbeat is sent; an engine that is not
//! asked stays as its owner set it. What is written is not saved in the engine. It has no command that
//! makes it sound or light up.

use std::time::Duration;

use crate::event::{Fault, Refusal, Request, Timestamp};
use crate::frame::{Mixture, Sieve, Weight, checksum};
use crate::protocol::line_scanner::{Command, Commands, LineScanner, Options, sift};
use crate::protocol::{Carrier, Configured, Info, Input, Kind, Output, Protocol, RequestId, Token};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "grow-gm65",
    title: "GROW GM65 family of scan engines, with trigger and switch",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// What every command begins with; the checksum is over what follows.
const HEAD: [u8; 2] = [0x7E, 0x00];
/// Types of commands (8.2, 8.3).
const READ: u8 = 0x07;
const WRITE: u8 = 0x08;
/// Zone 0000: LED, sound, aim, light, and the mode in bits 1 and 0 (8.5).
const SETTINGS: u16 = 0x0000;
/// Zone 0002, bit 0: read one code now.
const TRIGGER: u16 = 0x0002;
/// The first byte of a reply to a command, and to a heartbeat.
const REPLY: u8 = 0x02;
const HEARTBEAT: u8 = 0x03;
/// The type of a reply that says yes.
const DONE: u8 = 0x00;
/// Stands for a checksum that is not to be checked.
const UNCHECKED: u16 = 0xABCD;
/// No reply to what is asked here carries more.
const LONGEST_DATA: u8 = 8;
/// How many zones are read at once: more than the one byte of a reply to a write.
const ZONES_READ: u8 = 2;

/// How long the engine may take to answer. It gives up a command itself that is not whole within
/// 400 ms (8.2).
const PATIENCE: Duration = Duration::from_millis(500);

/// The bits of zone 0000 that are the mode.
const MODE_BITS: u8 = 0b11;

/// When the engine reads codes (8.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Mode {
    /// While its button is held.
    Manual = 0,
    /// When the host says so: the one mode in which it reads nothing by itself.
    Command = 1,
    /// Always.
    Continuous = 2,
    /// When something moves before it.
    Sense = 3,
}

impl Mode {
    fn of(settings: u8) -> Self {
        match settings & MODE_BITS {
            0 => Self::Manual,
            1 => Self::Command,
            2 => Self::Continuous,
            _ => Self::Sense,
        }
    }

    fn in_settings(self, settings: u8) -> u8 {
        settings & !MODE_BITS | self as u8
    }
}

/// The modes in which a switched on engine may read.
const MODES: [(&str, Mode); 3] =
    [("manual", Mode::Manual), ("continuous", Mode::Continuous), ("sense", Mode::Sense)];

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let configured = section.word("mode", &MODES)?;
    let options = Options::read(section)?;
    Ok(Configured::new(&["trigger", "enable"], move || {
        Box::new(GrowGm65 {
            sieve: Sieve::default(),
            talk: Talk {
                codes: LineScanner::new(&options),
                commands: Commands::new(PATIENCE),
                configured,
                seen: None,
                switching: None,
            },
        })
    }))
}

/// One conversation.
struct GrowGm65 {
    sieve: Sieve,
    talk: Talk,
}

/// What is said in it.
struct Talk {
    codes: LineScanner,
    commands: Commands,
    /// In which mode the engine is to be when it is on.
    configured: Option<Mode>,
    /// In which mode it was when it was switched off.
    seen: Option<Mode>,
    /// The engine is being switched on or off, and its settings are being read for that.
    switching: Option<bool>,
}

impl Protocol for GrowGm65 {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        let Self { sieve, talk } = self;
        sift(sieve, now, input, &mut Ears { talk, out, now });
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let talk = &mut self.talk;
        let command = match request {
            Request::Indicate(_) | Request::Show(_) | Request::Pass(_) => {
                return Err(Refusal::Unsupported);
            }
            _ if talk.commands.is_request_open() => return Err(Refusal::Busy),
            Request::Trigger(on) => command(WRITE, TRIGGER, &[on.into()], id),
            Request::Enable(on) => {
                talk.switching = Some(on);
                command(READ, SETTINGS, &[ZONES_READ], id)
            }
        };
        talk.commands.ask(now, [command], out);
        Ok(())
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        self.talk.commands.sent(now, token);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let Self { sieve, talk } = self;
        let all = [sieve.deadline(), talk.commands.deadline(), talk.codes.deadline()];
        all.into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk } = self;
        sieve.expire(now, &mut Ears { talk, out, now });
        talk.commands.timeout(now, out);
        talk.codes.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { sieve, talk } = self;
        sieve.abandon(&mut Ears { talk, out, now });
        talk.codes.closed(now, out);
        talk.commands.closed(out);
    }
}

/// `7E 00 | type, length, address(2), data | checksum(2)`; for reading, the data is how many zones.
fn command(kind: u8, zone: u16, data: &[u8], id: RequestId) -> Command {
    let [high, low] = zone.to_be_bytes();
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let body = [&[kind, length, high, low], data].concat();
    let sum = checksum::xmodem(&body).to_be_bytes();
    Command { bytes: [&HEAD, body.as_slice(), &sum].concat(), key: vec![kind], id: Some(id) }
}

/// Hears codes and replies.
struct Ears<'a> {
    talk: &'a mut Talk,
    out: &'a mut Output,
    now: Timestamp,
}

impl Mixture for Ears<'_> {
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr2(REPLY, HEARTBEAT, bytes)
    }

    fn weigh(&self, head: &[u8]) -> Weight {
        let due = self.talk.commands.asked().is_some();
        match decode(head) {
            Head::Open => Weight::Maybe,
            Head::Whole(length) => Weight::Whole(length),
            Head::Unchecked(length) if due => Weight::Whole(length),
            // Between codes and with an answer due, this is that answer, garbled: were it taken for
            // the beginning of a code, the next code would be wrong.
            Head::Garbled { length, got, want } if due && self.talk.codes.deadline().is_none() => {
                let fault = Fault::Checksum { got: got.into(), want: want.into() };
                Weight::Damaged(length, fault)
            }
            Head::Unchecked(_) | Head::Garbled { .. } | Head::Code => Weight::Code,
        }
    }

    fn message(&mut self, message: &[u8], _first: Timestamp, _last: Timestamp) {
        if let [REPLY, _, status, _, data @ .., _, _] = message {
            self.reply(*status, data);
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8]) {
        self.talk.codes.receive(now, Input::Bytes(bytes), self.out);
    }

    fn damaged(&mut self, now: Timestamp, fault: Fault) {
        self.talk.codes.damage(now, fault, self.out);
    }
}

impl Ears<'_> {
    fn reply(&mut self, status: u8, data: &[u8]) {
        let Self { talk, out, now } = self;
        let Some(asked) = talk.commands.asked() else {
            if status != DONE {
                out.fault(Fault::Refused { status });
            }
            return;
        };
        let reading = asked.key == [READ];
        match (data, asked.id) {
            _ if status != DONE => talk.commands.replied(*now, Err(status), out),
            (&[settings, _], Some(id)) if reading => talk.switch(*now, id, settings, out),
            ([_], _) if !reading => talk.commands.replied(*now, Ok(()), out),
            // The reply to an earlier command, too late.
            _ => {}
        }
    }
}

impl Talk {
    /// The settings have been read in order to switch the engine on or off.
    fn switch(&mut self, now: Timestamp, id: RequestId, settings: u8, out: &mut Output) {
        let on = self.switching.take().unwrap_or(true);
        let mode = match (on, Mode::of(settings)) {
            (true, Mode::Command) => self.configured.or(self.seen).unwrap_or(Mode::Continuous),
            (false, mode) if mode != Mode::Command => {
                self.seen = Some(mode);
                Mode::Command
            }
            // It is as it should be.
            _ => return self.commands.replied(now, Ok(()), out),
        };
        let write = command(WRITE, SETTINGS, &[mode.in_settings(settings)], id);
        self.commands.go_on(now, write, out);
    }
}

/// What bytes that begin like a reply are.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// Too few to tell.
    Open,
    /// A reply of this length.
    Whole(usize),
    /// One whose checksum is not to be checked.
    Unchecked(usize),
    /// One in all but its checksum.
    Garbled { length: usize, got: u16, want: u16 },
    /// Part of a code.
    Code,
}

/// Reads `02|03 00 TYPE LEN DATA… CRC CRC`, the checksum over TYPE to DATA.
fn decode(bytes: &[u8]) -> Head {
    match bytes {
        [REPLY | HEARTBEAT] | [REPLY | HEARTBEAT, 0] | [REPLY | HEARTBEAT, 0, _] => Head::Open,
        [REPLY | HEARTBEAT, 0, checked @ ..] => {
            let &[_, data @ ..=LONGEST_DATA, ..] = checked else { return Head::Code };
            let Some((body, [high, low])) =
                checked.get(..usize::from(data) + 4).and_then(<[u8]>::split_last_chunk)
            else {
                return Head::Open;
            };
            let length = body.len() + 4;
            let (got, want) = (u16::from_be_bytes([*high, *low]), checksum::xmodem(body));
            match got {
                _ if got == want => Head::Whole(length),
                UNCHECKED => Head::Unchecked(length),
                _ => Head::Garbled { length, got, want },
            }
        }
        _ => Head::Code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_manual() {
        let command = |kind, zone, data: &[u8]| command(kind, zone, data, RequestId(0)).bytes;
        for (name, got, want) in [
            (
                "serialdoc.md: trigger",
                command(WRITE, TRIGGER, &[1]),
                [0x7E, 0x00, 0x08, 0x01, 0x00, 0x02, 0x01, 0x02, 0xDA],
            ),
            (
                "GM65 manual 8.2: read 000A",
                command(READ, 0x0A, &[1]),
                [0x7E, 0x00, 0x07, 0x01, 0x00, 0x0A, 0x01, 0xEE, 0x8A],
            ),
            (
                "GM65 manual 8.3: write 3E to 000A",
                command(WRITE, 0x0A, &[0x3E]),
                [0x7E, 0x00, 0x08, 0x01, 0x00, 0x0A, 0x3E, 0x4C, 0xCF],
            ),
            (
                "serialdoc.md: read the speed",
                command(READ, 0x2A, &[2]),
                [0x7E, 0x00, 0x07, 0x01, 0x00, 0x2A, 0x02, 0xD8, 0x0F],
            ),
            (
                "hardware version",
                command(READ, 0xE1, &[1]),
                [0x7E, 0x00, 0x07, 0x01, 0x00, 0xE1, 0x01, 0x22, 0xC2],
            ),
            (
                "serialdoc.md: save",
                command(0x09, 0, &[0]),
                [0x7E, 0x00, 0x09, 0x01, 0x00, 0x00, 0x00, 0xDE, 0xC8],
            ),
            (
                "serialdoc.md: heartbeat",
                command(0x0A, 0, &[0]),
                [0x7E, 0x00, 0x0A, 0x01, 0x00, 0x00, 0x00, 0x30, 0x1A],
            ),
            (
                "user reset",
                command(WRITE, 0xD9, &[0x55]),
                [0x7E, 0x00, 0x08, 0x01, 0x00, 0xD9, 0x55, 0xD1, 0x76],
            ),
            (
                "factory reset",
                command(WRITE, 0xD9, &[0x50]),
                [0x7E, 0x00, 0x08, 0x01, 0x00, 0xD9, 0x50, 0x81, 0xD3],
            ),
        ] {
            assert_eq!(got, want, "{name}");
        }
        let speed = command(WRITE, 0x2A, &[0x39, 0x01]);
        let want = [0x7E, 0x00, 0x08, 0x02, 0x00, 0x2A, 0x39, 0x01, 0xA7, 0xEA];
        assert_eq!(speed, want, "serialdoc.md: 9600 baud");
    }

    #[test]
    fn replies_are_told_from_codes() {
        for (bytes, want) in [
            (&[0x02][..], Head::Open),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0x33], Head::Open),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31], Head::Whole(7)),
            (&[0x02, 0x00, 0x00, 0x01, 0x3E, 0xE4, 0xAC], Head::Whole(7)),
            (&[0x03, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31], Head::Whole(7)),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0xAB, 0xCD], Head::Unchecked(7)),
            (&[0x02, 0x00, 0x01, 0x00, 0xAB, 0xCD], Head::Unchecked(6)),
            (
                &[0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x30],
                Head::Garbled { length: 7, got: 0x3330, want: 0x3331 },
            ),
            (&[0x02, 0x00, 0x00, 0x34], Head::Code),
            (&[0x02, 0x31], Head::Code),
        ] {
            assert_eq!(decode(bytes), want, "{bytes:02X?}");
        }
    }

    #[test]
    fn only_the_mode_changes_in_the_settings() {
        for (mode, settings, want) in [
            (Mode::Command, 0xD6, 0xD5),
            (Mode::Continuous, 0xD5, 0xD6),
            (Mode::Sense, 0x00, 0x03),
            (Mode::Manual, 0xFF, 0xFC),
        ] {
            assert_eq!(mode.in_settings(settings), want);
            assert_eq!(Mode::of(want), mode);
        }
    }
}
