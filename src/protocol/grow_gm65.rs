//! The GM65 family of scan engines by GROW, as sold under many names: lines of text as any scanner
//! sends them, and a framed command to read one code now.
//!
//! Source: the serial manual of the GM65 as public projects reproduce it; `protocol-docs/grow-gm65.md`
//! names them. All checksums there were computed again.
//!
//! Oddities: replies have a frame, codes have none, and a reply may stand anywhere among the codes,
//! inside one too. So bytes are a reply only where head, length and checksum are all right, else they
//! are part of a code. The engine accepts AB CD for any checksum and may answer with it.
//!
//! Absent: nothing is configured and no heartbeat is sent; an engine that is not asked stays as its
//! owner set it. Stopping a reading is not documented and therefore refused.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Failure, Fault, Refusal, Request, Timestamp};
use crate::frame::{Buffer, checksum};
use crate::protocol::line_scanner::{LineScanner, Options};
use crate::protocol::{
    Carrier, Factory, Info, Input, Item, Kind, Output, Protocol, RequestId, Token,
};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "grow-gm65",
    title: "GROW GM65 family of scan engines, with trigger",
    kind: Kind::Scanner,
    carrier: Carrier::Serial,
    capabilities: &["trigger"],
    configure,
};

/// Write 01 to zone 0002: read one code now.
const TRIGGER: [u8; 9] = [0x7E, 0x00, 0x08, 0x01, 0x00, 0x02, 0x01, 0x02, 0xDA];
/// The first byte of a reply to a command, and to a heartbeat.
const REPLY: u8 = 0x02;
const HEARTBEAT: u8 = 0x03;
/// The type of a reply that says yes.
const DONE: u8 = 0x00;
/// Stands for a checksum that is not to be checked.
const UNCHECKED: u16 = 0xABCD;
/// No documented reply carries more.
const LONGEST_DATA: u8 = 8;

/// How long the engine may take to answer. Undocumented; it answers within a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(500);
/// What looked like the head of a reply is part of a code when this much silence follows it.
const HEAD_STALL: Duration = Duration::from_millis(100);

fn configure(section: &Section<'_>) -> Result<Factory, Error> {
    let options = Options::read(section)?;
    Ok(Arc::new(move || {
        Box::new(GrowGm65 {
            codes: LineScanner::new(&options),
            head: Buffer::default(),
            heard: Timestamp::default(),
            waiting: None,
            token: Token(0),
        })
    }))
}

/// One conversation.
struct GrowGm65 {
    codes: LineScanner,
    /// What may turn out to be a reply.
    head: Buffer,
    /// When the last byte of `head` came.
    heard: Timestamp,
    /// The request that has no answer yet, and how long it may take.
    waiting: Option<(RequestId, Timestamp)>,
    /// The last command's.
    token: Token,
}

impl Protocol for GrowGm65 {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        if self.head_deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_head(out);
        }
        match input {
            Input::Bytes(bytes) => self.bytes(now, bytes, out),
            Input::BadByte(_) | Input::Break => {
                self.give_up_head(out);
                self.codes.receive(now, input, out);
            }
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match request {
            Request::Trigger(true) if self.waiting.is_some() => Err(Refusal::Busy),
            Request::Trigger(true) => {
                self.token = Token(self.token.0.wrapping_add(1));
                self.waiting = Some((id, now + PATIENCE));
                out.push(Item::Write(TRIGGER.to_vec(), Some(self.token)));
                Ok(())
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    fn sent(&mut self, now: Timestamp, token: Token, _out: &mut Output) {
        if let (Some((_, deadline)), true) = (&mut self.waiting, token == self.token) {
            *deadline = now + PATIENCE;
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let reply = self.waiting.map(|(_, deadline)| deadline);
        [self.head_deadline(), reply, self.codes.deadline()].into_iter().flatten().min()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if self.head_deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_head(out);
        }
        if let Some((id, _)) = self.waiting.take_if(|(_, deadline)| *deadline <= now) {
            out.fault(Fault::NoReply);
            out.push(Item::Answer(id, Err(Failure::NoReply)));
        }
        self.codes.timeout(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        self.give_up_head(out);
        self.codes.closed(now, out);
        if let Some((id, _)) = self.waiting.take() {
            out.push(Item::Answer(id, Err(Failure::Gone)));
        }
    }
}

impl GrowGm65 {
    fn head_deadline(&self) -> Option<Timestamp> {
        (!self.head.is_empty()).then(|| self.heard + HEAD_STALL)
    }

    fn bytes(&mut self, now: Timestamp, mut rest: &[u8], out: &mut Output) {
        loop {
            if self.head.is_empty() {
                let code = memchr::memchr2(REPLY, HEARTBEAT, rest).unwrap_or(rest.len());
                let (code, after) = rest.split_at_checked(code).unwrap_or((rest, &[]));
                self.code(now, code, out);
                rest = after;
            }
            let Some((byte, after)) = rest.split_first() else { return };
            self.head.extend(&[*byte]);
            self.heard = now;
            self.weigh_head(now, out);
            rest = after;
        }
    }

    fn code(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        if !bytes.is_empty() {
            self.codes.receive(now, Input::Bytes(bytes), out);
        }
    }

    /// Takes a reply out of `head`, or as much of a code as stands at its front.
    fn weigh_head(&mut self, now: Timestamp, out: &mut Output) {
        while let Some(&first) = self.head.bytes().first() {
            match decode(self.head.bytes(), self.waiting.is_some()) {
                Head::Open => return,
                Head::Reply(status) => {
                    self.head.clear();
                    if first == REPLY {
                        self.answer(status, out);
                    }
                }
                // Between codes and with an answer due, this is that answer, garbled: were it taken
                // for the beginning of a code, the next code would be wrong.
                Head::Garbled { got, want }
                    if self.waiting.is_some() && self.codes.deadline().is_none() =>
                {
                    self.head.clear();
                    let fault = Fault::Checksum { got: got.into(), want: want.into() };
                    self.codes.damage(now, fault, out);
                }
                Head::Garbled { .. } | Head::Code => {
                    self.head.drop_front(1);
                    self.code(now, &[first], out);
                }
            }
        }
    }

    fn answer(&mut self, status: u8, out: &mut Output) {
        if status != DONE {
            out.fault(Fault::Refused { status });
        }
        if let Some((id, _)) = self.waiting.take() {
            let answer = if status == DONE { Ok(()) } else { Err(Failure::Refused) };
            out.push(Item::Answer(id, answer));
        }
    }

    /// What `head` holds is no reply after all.
    fn give_up_head(&mut self, out: &mut Output) {
        let head = std::mem::take(&mut self.head);
        self.code(self.heard, head.bytes(), out);
    }
}

/// What bytes that begin like a reply are.
enum Head {
    /// Too few to tell.
    Open,
    /// A reply of this type.
    Reply(u8),
    /// A reply in all but its checksum.
    Garbled { got: u16, want: u16 },
    /// Part of a code.
    Code,
}

/// Reads `02|03 00 TYPE LEN DATA… CRC CRC`, the checksum over TYPE to DATA.
fn decode(bytes: &[u8], unchecked_will_do: bool) -> Head {
    match bytes {
        [REPLY | HEARTBEAT] | [REPLY | HEARTBEAT, 0] | [REPLY | HEARTBEAT, 0, _] => Head::Open,
        [REPLY | HEARTBEAT, 0, checked @ ..] => {
            let &[status, length @ ..=LONGEST_DATA, ..] = checked else { return Head::Code };
            let Some((body, [high, low])) =
                checked.get(..usize::from(length) + 4).and_then(<[u8]>::split_last_chunk)
            else {
                return Head::Open;
            };
            let (got, want) = (u16::from_be_bytes([*high, *low]), checksum::xmodem(body));
            if got == want || (got == UNCHECKED && unchecked_will_do) {
                Head::Reply(status)
            } else {
                Head::Garbled { got, want }
            }
        }
        _ => Head::Code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_carries_its_checksum() {
        let [_, _, body @ .., high, low] = TRIGGER;
        assert_eq!(checksum::xmodem(&body), u16::from_be_bytes([high, low]));
    }

    #[test]
    fn replies_are_told_from_codes() {
        let kind = |bytes: &[u8]| match decode(bytes, true) {
            Head::Open => "open",
            Head::Reply(DONE) => "done",
            Head::Reply(_) => "refused",
            Head::Garbled { .. } => "garbled",
            Head::Code => "code",
        };
        for (bytes, want) in [
            (&[0x02][..], "open"),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0x33], "open"),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31], "done"),
            (&[0x03, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31], "done"),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0xAB, 0xCD], "done"),
            (&[0x02, 0x00, 0x01, 0x00, 0xAB, 0xCD], "refused"),
            (&[0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x30], "garbled"),
            (&[0x02, 0x00, 0x00, 0x34], "code"),
            (&[0x02, 0x31], "code"),
        ] {
            assert_eq!(kind(bytes), want, "{bytes:02X?}");
        }
        assert!(matches!(decode(&[0x02, 0, 0, 0, 0xAB, 0xCD], false), Head::Garbled { .. }));
    }
}
