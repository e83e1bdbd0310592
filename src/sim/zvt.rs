//! A ZVT terminal with a ledger of its own: registration, payments, refunds, reversals, reservations, the
//! day's close, and the ways in which terminals fail.
//!
//! Written from the terminal's side, apart from the protocol, so that one can prove the other. It keeps
//! its dialogue over a cable that was cut: it sends what was not acknowledged three times, five seconds
//! apart, and then gives the dialogue up. What it has booked by then stays booked.

mod books;
mod wire;

use std::collections::VecDeque;
use std::time::Duration;

use self::books::{Books, Kind, Refusal};
use self::wire::{Heard, Wire, bcd, decimal};
use super::{Actions, Code, Info, Simulated};
use crate::event::terminal::Currency;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "zvt", configure };

/// Until a frame, or its answer, is missed.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a frame is sent in all.
const TRIES: u32 = 3;

/// What the behaviours are called.
const BEHAVIOURS: &str = "approve, decline [CODE], partial AMOUNT, tip AMOUNT, cashback AMOUNT, dcc AMOUNT CURRENCY, signature, referral, silent, late SECONDS, duplicate, \
                          busy, no-status, wrong-receipt, menu SECONDS, condition CODE, stop, revoke, old-status, old-completion, crossing, keyed AMOUNT, think SECONDS, restart";

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    // The protocol checks them; the terminal does as it is registered.
    for key in ["receipts", "currency", "signature", "characters"] {
        section.string(key)?;
    }
    section.strings_or_none("referral")?;
    section.integer("language", 0..=255)?;
    for key in ["tips", "cashback", "dcc", "text-blocks"] {
        section.boolean(key)?;
    }
    Ok(Box::new(Terminal::default()))
}

/// How the next transactions go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behaviour {
    #[default]
    Approve,
    Decline(u8),
    /// Only so much is approved.
    Partial(u64),
    /// The customer adds so much.
    Tip(u64),
    /// The customer takes so much in cash.
    Cashback(u64),
    /// The customer is charged so much in another currency.
    Converted(u64, Currency),
    Signature,
    /// The bank wants to be called, and takes the code that it gives then.
    Referral,
    /// It takes the command, books, and says nothing more.
    Silent,
    /// It says how it went after this time.
    Late(Duration),
    /// It says how it went twice.
    Duplicate,
    Busy,
    /// It completes without saying how it went.
    NoStatus,
    /// Its answer to a reversal is about the transaction before the last.
    WrongReceipt,
    /// The customer stops it.
    Stop,
    /// It approves, and then tells a refusal of the same.
    Revoke,
    /// A dialogue from before is still under way at the next registration, which it refuses; its last status
    /// crosses it.
    OldStatus,
    /// The same; its completion crosses it.
    OldCompletion,
    /// The completion of a dialogue from before crosses the next registration, which is taken.
    Crossing,
}

/// What is to come in the dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Turn {
    Say(Vec<u8>),
    /// The transaction is made now, and then told.
    Make(Deed),
    /// Nothing happens for so long.
    Rest(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    Book(Kind, u64),
    /// A payment for which the bank has given a code by telephone.
    Authorized(u64, [u8; 8]),
    Reverse(u32),
    Capture(u32, u64),
    Cancel(u32),
    Close,
}

#[derive(Debug, Default)]
struct Terminal {
    wire: Wire,
    books: Books,
    behaviour: Behaviour,
    /// The customer's time at the terminal.
    think: Duration,
    /// How long somebody has its menu open before it goes on with a transaction.
    menu: Duration,
    /// What it says when it is asked how it fares.
    condition: u8,
    turns: VecDeque<Turn>,
    /// The frame that waits for its acknowledgement or its answer, and how often it was sent.
    pending: Option<(Vec<u8>, u32)>,
    /// How long nothing happens before it goes on.
    rest: Option<Duration>,
    prints: bool,
}

impl Simulated for Terminal {
    fn scan(&mut self, _code: &Code) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        for heard in self.wire.receive(bytes) {
            match heard {
                Heard::Bad => out.send.push(wire::NAK),
                Heard::Nak => self.again(out),
                Heard::Ack => self.acknowledged(out),
                Heard::Frame(apdu) => {
                    let crosses = apdu.starts_with(&[0x06, 0x00]) && self.crosses(out);
                    out.send.push(wire::ACK);
                    if crosses && self.behaviour == Behaviour::Crossing {
                        self.command((0x06, 0x00), apdu.get(3..).unwrap_or_default(), out);
                    } else {
                        self.told(&apdu, out);
                    }
                    if crosses {
                        self.behaviour = Behaviour::Approve;
                    }
                }
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        self.rest.or_else(|| self.pending.as_ref().map(|_| PATIENCE))
    }

    fn timeout(&mut self, out: &mut Actions) {
        if self.rest.take().is_some() {
            self.go_on(out);
        } else {
            self.again(out);
        }
    }

    fn behave(&mut self, words: &str, out: &mut Actions) -> Result<(), String> {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let number = || rest.trim().parse::<u64>().map_err(|_| wrong(words));
        self.behaviour = match word {
            "approve" => Behaviour::Approve,
            "decline" if rest.trim().is_empty() => Behaviour::Decline(0x05),
            "decline" => {
                Behaviour::Decline(u8::from_str_radix(rest.trim(), 16).map_err(|_| wrong(words))?)
            }
            "partial" => Behaviour::Partial(number()?),
            "tip" => Behaviour::Tip(number()?),
            "cashback" => Behaviour::Cashback(number()?),
            "dcc" => converted(rest).ok_or_else(|| wrong(words))?,
            "signature" => Behaviour::Signature,
            "referral" => Behaviour::Referral,
            "silent" => Behaviour::Silent,
            "late" => Behaviour::Late(Duration::from_secs(number()?)),
            "duplicate" => Behaviour::Duplicate,
            "busy" => Behaviour::Busy,
            "no-status" => Behaviour::NoStatus,
            "wrong-receipt" => Behaviour::WrongReceipt,
            "stop" => Behaviour::Stop,
            "revoke" => Behaviour::Revoke,
            "old-status" => Behaviour::OldStatus,
            "old-completion" => Behaviour::OldCompletion,
            "crossing" => Behaviour::Crossing,
            "keyed" => {
                self.books.book(Kind::Payment, number()?, out.clock);
                return Ok(());
            }
            // Its power was cut: the dialogue is forgotten, the books are not.
            "restart" => {
                self.turns.clear();
                (self.pending, self.rest) = (None, None);
                self.wire = Wire::default();
                return Ok(());
            }
            "menu" => {
                self.menu = Duration::from_secs(number()?);
                return Ok(());
            }
            "condition" => {
                self.condition = u8::from_str_radix(rest.trim(), 16).map_err(|_| wrong(words))?;
                return Ok(());
            }
            "think" => {
                self.think = Duration::from_secs(number()?);
                return Ok(());
            }
            _ => return Err(wrong(words)),
        };
        Ok(())
    }

    fn ledger(&self) -> Vec<String> {
        self.books.lines()
    }
}

/// An amount and the letters of its currency.
fn converted(text: &str) -> Option<Behaviour> {
    let (amount, code) = text.trim().split_once(' ')?;
    Some(Behaviour::Converted(amount.parse().ok()?, Currency::from_code(code.trim())?))
}

fn wrong(words: &str) -> String {
    format!("found `{words}`, accepted is {BEHAVIOURS}")
}

impl Terminal {
    /// The till has said something.
    fn told(&mut self, apdu: &[u8], out: &mut Actions) {
        let [class, instruction, _, data @ ..] = apdu else { return };
        match (class, instruction) {
            (0x80, 0x00) | (0x84, _) => {
                // What was said has been taken, or will not be: either way it goes on.
                if self.pending.take().is_some() {
                    self.go_on(out);
                }
            }
            (0x06, 0xB0) => self.abort(out),
            // At work, and the till begins something new.
            _ if self.pending.is_some() || !self.turns.is_empty() || self.rest.is_some() => {
                out.send.extend(wire::frame(&[0x84, 0x9C, 0x00]));
            }
            (class, instruction) => self.command((*class, *instruction), data, out),
        }
    }

    /// Says what was still to be said of a dialogue from before, where that is the behaviour: it is on its way
    /// when the till's registration comes.
    fn crosses(&mut self, out: &mut Actions) -> bool {
        let completion = vec![0x06, 0x0F, 0x00];
        let status = self.books.last_status().unwrap_or_else(|| completion.clone());
        let (says, follows) = match self.behaviour {
            Behaviour::OldStatus => (status, vec![Turn::Say(completion)]),
            Behaviour::OldCompletion => (completion, Vec::new()),
            Behaviour::Crossing => {
                out.send.extend(wire::frame(&completion));
                return true;
            }
            _ => return false,
        };
        self.turns.push_back(Turn::Say(says));
        self.turns.extend(follows);
        self.go_on(out);
        true
    }

    fn command(&mut self, control: (u8, u8), data: &[u8], out: &mut Actions) {
        let said = match control {
            (0x06, 0x00) => self.register(data),
            (0x06, 0x10 | 0x50 | 0x70) | (0x05, 0x01) => self.administrate(control, out),
            (0x06, 0x20) => {
                let mut turns: Vec<_> =
                    self.books.last_status().map(Turn::Say).into_iter().collect();
                if self.prints {
                    turns.extend(
                        self.books.receipt().iter().map(|line| Turn::Say(wire::print_line(line))),
                    );
                }
                turns_end(&mut turns);
                Some(turns)
            }
            (0x06, 0x01 | 0x21..=0x25 | 0x30 | 0x31) => self.transact(control, data),
            (0x08, 0x30) => Some(Vec::new()),
            _ => None,
        };
        match said {
            Some(turns) => {
                out.send.extend(wire::frame(&[0x80, 0x00, 0x00]));
                self.turns.extend(turns);
                self.after_accepting();
            }
            None => {
                let reason = if self.behaviour == Behaviour::Busy { 0x9C } else { 0x83 };
                out.send.extend(wire::frame(&[0x84, reason, 0x00]));
            }
        }
    }

    /// The first thing is said once the till has acknowledged that its command was taken.
    fn after_accepting(&mut self) {
        if !self.turns.is_empty() {
            self.pending = Some((wire::frame(&[0x80, 0x00, 0x00]), 1));
        }
    }

    fn acknowledged(&mut self, out: &mut Actions) {
        // Only the acceptance of a command needs no answer.
        let accepted = wire::frame(&[0x80, 0x00, 0x00]);
        if self.pending.take_if(|(frame, _)| *frame == accepted).is_some() {
            self.go_on(out);
        }
    }

    fn register(&mut self, data: &[u8]) -> Option<Vec<Turn>> {
        let [_, _, _, config, ..] = data else { return None };
        self.prints = config & 0x82 == 0x82;
        let [high, low] = wire::TERMINAL_CURRENCY;
        let [a, b, c, d] = wire::TERMINAL_NUMBER;
        let completion = vec![0x06, 0x0F, 0x0A, 0x19, 0x00, 0x29, a, b, c, d, 0x49, high, low];
        Some(vec![Turn::Say(completion)])
    }

    fn administrate(&mut self, control: (u8, u8), out: &Actions) -> Option<Vec<Turn>> {
        let mut turns = Vec::new();
        match control {
            // It tells how it went by itself.
            (0x06, 0x50) => return Some(vec![Turn::Make(Deed::Close)]),
            (0x06, 0x10) => turns.push(Turn::Say(self.books.totals_status())),
            (0x05, 0x01) => {
                turns.push(Turn::Say(wire::status_completion(self.condition, out.clock)));
                return Some(turns);
            }
            _ => {}
        }
        turns_end(&mut turns);
        Some(turns)
    }

    fn transact(&mut self, control: (u8, u8), data: &[u8]) -> Option<Vec<Turn>> {
        if self.behaviour == Behaviour::Busy {
            return None;
        }
        // A password of three bytes stands before the fields of what needs one.
        let fields = if matches!(control.1, 0x30 | 0x31) { data.get(3..)? } else { data };
        let amount = wire::field(fields, 0x04, 6).and_then(decimal);
        let receipt = wire::field(fields, 0x87, 2).and_then(decimal);
        let receipt = receipt.and_then(|receipt| u32::try_from(receipt).ok());
        let deed = match control.1 {
            0x21 => Deed::Authorized(amount?, wire::field(fields, 0x3B, 8)?.try_into().ok()?),
            0x01 => Deed::Book(Kind::Payment, amount?),
            0x31 => Deed::Book(Kind::Refund, amount?),
            0x22 => Deed::Book(Kind::Reservation, amount?),
            0x23 | 0x24 => Deed::Capture(receipt?, amount?),
            0x25 => Deed::Cancel(receipt?),
            _ => Deed::Reverse(receipt?),
        };
        let mut turns = Vec::new();
        if !self.menu.is_zero() {
            turns.push(Turn::Say(vec![0x04, 0xFF, 0x01, 0x1A]));
            turns.push(Turn::Rest(self.menu));
        }
        turns.push(Turn::Say(vec![0x04, 0xFF, 0x01, 0x0A]));
        if !self.think.is_zero() {
            turns.push(Turn::Rest(self.think));
        }
        turns.push(Turn::Say(vec![0x04, 0xFF, 0x01, 0x04]));
        turns.push(Turn::Make(deed));
        Some(turns)
    }

    fn abort(&mut self, out: &mut Actions) {
        out.send.extend(wire::frame(&[0x80, 0x00, 0x00]));
        let before = self.turns.iter().any(|turn| matches!(turn, Turn::Make(_)));
        if before {
            self.turns.clear();
            self.turns.push_back(Turn::Say(vec![0x06, 0x1E, 0x01, 0x6C]));
            if self.pending.is_none() {
                self.rest = None;
                self.go_on(out);
            }
        }
    }

    /// The next turn of the dialogue.
    fn go_on(&mut self, out: &mut Actions) {
        while let Some(turn) = self.turns.pop_front() {
            match turn {
                Turn::Say(apdu) => {
                    let frame = wire::frame(&apdu);
                    out.send.extend(&frame);
                    self.pending = Some((frame, 1));
                    return;
                }
                Turn::Rest(time) => {
                    self.rest = Some(time);
                    return;
                }
                Turn::Make(deed) => self.make(&deed, out),
            }
        }
    }

    fn make(&mut self, deed: &Deed, out: &mut Actions) {
        let refused = match self.behaviour {
            Behaviour::Decline(code) => Some(code),
            Behaviour::Stop => Some(0x6C),
            Behaviour::Referral if !matches!(deed, Deed::Authorized(..)) => Some(0x02),
            _ => None,
        };
        if let (Some(code), false) = (refused, matches!(deed, Deed::Close)) {
            self.turns.push_back(Turn::Say(self.books.refuse(code, out.clock)));
            self.turns.push_back(Turn::Say(vec![0x06, 0x1E, 0x01, code]));
            return;
        }
        let made = match deed {
            Deed::Book(kind, amount) => {
                let amount = match self.behaviour {
                    Behaviour::Partial(most) => (*amount).min(most),
                    Behaviour::Tip(above) | Behaviour::Cashback(above) => {
                        amount.saturating_add(above)
                    }
                    _ => *amount,
                };
                Ok(self.books.book(*kind, amount, out.clock))
            }
            Deed::Authorized(amount, code) => Ok(self.books.authorized(*amount, *code, out.clock)),
            Deed::Reverse(receipt) => {
                let receipt = match self.behaviour {
                    Behaviour::WrongReceipt => self.books.another_than(*receipt),
                    _ => *receipt,
                };
                self.books.reverse(receipt, out.clock)
            }
            Deed::Capture(receipt, amount) => self.books.capture(*receipt, *amount, out.clock),
            Deed::Cancel(receipt) => self.books.cancel(*receipt, out.clock),
            Deed::Close => Ok(self.books.close(out.clock)),
        };
        if made.is_ok() {
            let booked = self.books.lines().pop().filter(|_| *deed != Deed::Close);
            out.notices.push(booked.unwrap_or_else(|| "day closed".to_owned()));
        }
        match made {
            Ok(status) => self.tell(status, deed),
            Err(Refusal(code)) => self.turns.push_back(Turn::Say(vec![0x06, 0x1E, 0x01, code])),
        }
    }

    /// Says how it went, in the way of the behaviour.
    fn tell(&mut self, mut status: Vec<u8>, deed: &Deed) {
        match self.behaviour {
            Behaviour::Silent => return,
            Behaviour::NoStatus => {}
            Behaviour::Late(time) => {
                self.turns.push_back(Turn::Rest(time));
                self.turns.push_back(Turn::Say(status));
            }
            Behaviour::Duplicate => {
                self.turns.push_back(Turn::Say(status.clone()));
                self.turns.push_back(Turn::Say(status));
            }
            Behaviour::Revoke => {
                let mut refusal = status.clone();
                // The result is the first field behind class, instruction and length.
                if let Some(code) = refusal.get_mut(4) {
                    *code = 0x05;
                }
                self.turns.extend([Turn::Say(status), Turn::Say(refusal)]);
            }
            Behaviour::Cashback(cash) if matches!(deed, Deed::Book(..)) => {
                wire::add_container(&mut status, &wire::tagged(&[0x1F, 0x25], &bcd::<6>(cash)));
                self.books.keep(&status);
                self.turns.push_back(Turn::Say(status));
            }
            Behaviour::Converted(amount, currency) if matches!(deed, Deed::Book(..)) => {
                wire::convert(&mut status, amount, currency);
                self.books.keep(&status);
                self.turns.push_back(Turn::Say(status));
            }
            Behaviour::Signature => {
                wire::add_container(&mut status, &[0x2F, 0x04, 0x1F, 0x10, 0x01, 0x01]);
                self.books.keep(&status);
                self.turns.push_back(Turn::Say(status));
            }
            _ => self.turns.push_back(Turn::Say(status)),
        }
        if self.prints {
            let lines = match deed {
                Deed::Close => vec!["      SIMULATED".to_owned(), "   Day closed".to_owned()],
                _ => self.books.receipt(),
            };
            self.turns.extend(lines.iter().map(|line| Turn::Say(wire::print_line(line))));
        }
        self.turns.push_back(Turn::Say(vec![0x06, 0x0F, 0x00]));
    }

    /// What was not acknowledged or not answered is said again, and given up with all that follows.
    fn again(&mut self, out: &mut Actions) {
        let Some((frame, tries)) = self.pending.take() else { return };
        if tries >= TRIES {
            self.turns.clear();
            return;
        }
        out.send.extend(&frame);
        self.pending = Some((frame, tries + 1));
    }
}

/// What ends every dialogue that goes well.
fn turns_end(turns: &mut Vec<Turn>) {
    turns.push(Turn::Say(vec![0x06, 0x0F, 0x00]));
}

/// A receipt number as the books have it.
fn receipt_bytes(receipt: u32) -> [u8; 2] {
    bcd(receipt.into())
}

#[cfg(test)]
mod tests;
