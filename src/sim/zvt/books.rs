//! What the simulated terminal has booked.

use super::receipt_bytes;
use super::wire::{TERMINAL_NUMBER, apdu, bcd, moment};
use crate::event::terminal::Clock;

/// What was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Payment,
    Refund,
    Reservation,
    Reversal,
    Capture,
    Cancel,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Reservation => "preauth",
            Self::Reversal => "reversal",
            Self::Capture => "capture",
            Self::Cancel => "cancel-preauth",
        }
    }
}

/// Why something is not booked: the protocol's code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u8);

/// Reversal not possible.
const NOT_POSSIBLE: Refusal = Refusal(0xB5);
/// Reversed already.
const ALREADY: Refusal = Refusal(0xB4);
/// No such reservation.
const NO_RESERVATION: Refusal = Refusal(0xB8);

#[derive(Clone, Debug)]
struct Booking {
    kind: Kind,
    receipt: u32,
    amount: u64,
    is_undone: bool,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    bookings: Vec<Booking>,
    /// How many receipts have been given out.
    receipts: u32,
    /// The first booking of the day.
    day: usize,
    last: Option<Vec<u8>>,
}

impl Books {
    pub(super) fn book(&mut self, kind: Kind, amount: u64, clock: Clock) -> Vec<u8> {
        self.add(kind, amount, clock, None)
    }

    /// A payment for which the bank has given this code.
    pub(super) fn authorized(&mut self, amount: u64, code: [u8; 8], clock: Clock) -> Vec<u8> {
        let mut status = self.add(Kind::Payment, amount, clock, None);
        // The code is what the status ends with.
        let from = status.len().saturating_sub(code.len());
        status.truncate(from);
        status.extend(code);
        self.keep(&status);
        status
    }

    pub(super) fn reverse(&mut self, receipt: u32, clock: Clock) -> Result<Vec<u8>, Refusal> {
        let booking = self.find(receipt, &[Kind::Payment, Kind::Refund, Kind::Capture]);
        let booking = booking.ok_or(NOT_POSSIBLE)?;
        if booking.is_undone {
            return Err(ALREADY);
        }
        booking.is_undone = true;
        let amount = booking.amount;
        Ok(self.add(Kind::Reversal, amount, clock, Some(receipt)))
    }

    pub(super) fn capture(
        &mut self,
        receipt: u32,
        amount: u64,
        clock: Clock,
    ) -> Result<Vec<u8>, Refusal> {
        let booking = self.find(receipt, &[Kind::Reservation]).filter(|booking| !booking.is_undone);
        let booking = booking.filter(|booking| amount <= booking.amount).ok_or(NO_RESERVATION)?;
        booking.is_undone = true;
        Ok(self.add(Kind::Capture, amount, clock, Some(receipt)))
    }

    pub(super) fn cancel(&mut self, receipt: u32, clock: Clock) -> Result<Vec<u8>, Refusal> {
        let booking = self.find(receipt, &[Kind::Reservation]).filter(|booking| !booking.is_undone);
        let booking = booking.ok_or(NO_RESERVATION)?;
        booking.is_undone = true;
        let amount = booking.amount;
        Ok(self.add(Kind::Cancel, amount, clock, Some(receipt)))
    }

    /// A status that says no; nothing is booked and no receipt number is used.
    pub(super) fn refuse(&mut self, code: u8, clock: Clock) -> Vec<u8> {
        let mut data = vec![0x27, code, 0x29];
        data.extend(TERMINAL_NUMBER);
        data.extend(moment(clock));
        apdu(0x04, 0x0F, &data)
    }

    /// Closes the day and tells its totals.
    pub(super) fn close(&mut self, clock: Clock) -> Vec<u8> {
        let status = self.totals(clock);
        self.day = self.bookings.len();
        status
    }

    pub(super) fn totals_status(&self) -> Vec<u8> {
        self.totals(Clock::default())
    }

    /// What the last receipt is told as from now on.
    pub(super) fn keep(&mut self, status: &[u8]) {
        self.last = Some(status.to_vec());
    }

    /// The last receipt once more.
    pub(super) fn last_status(&self) -> Option<Vec<u8>> {
        self.last.clone()
    }

    /// The receipt before this one.
    pub(super) fn another_than(&self, receipt: u32) -> u32 {
        let other = self.bookings.iter().rev().find(|booking| {
            booking.receipt != receipt && booking.kind == Kind::Payment && !booking.is_undone
        });
        other.map_or(receipt, |booking| booking.receipt)
    }

    /// The receipt of the last booking.
    pub(super) fn receipt(&self) -> Vec<String> {
        let Some(booking) = self.bookings.last() else { return Vec::new() };
        let (unit, rest) = (booking.amount / 100, booking.amount % 100);
        vec![
            "      SIMULATED".to_owned(),
            format!("   {}", booking.kind.word()),
            format!("EUR          {unit}.{rest:02}"),
            "Card ############0011".to_owned(),
            format!("Receipt      {:04}", booking.receipt),
            String::new(),
        ]
    }

    /// Each booking as a line: kind, receipt, amount, and whether it was undone.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |booking: &Booking| {
            let undone = if booking.is_undone { " undone" } else { "" };
            let Booking { kind, receipt, amount, .. } = booking;
            format!("{} {receipt} {amount}{undone}", kind.word())
        };
        self.bookings.iter().map(line).collect()
    }

    fn find(&mut self, receipt: u32, kinds: &[Kind]) -> Option<&mut Booking> {
        let mut bookings = self.bookings.iter_mut().rev();
        bookings.find(|booking| booking.receipt == receipt && kinds.contains(&booking.kind))
    }

    fn add(&mut self, kind: Kind, amount: u64, clock: Clock, of: Option<u32>) -> Vec<u8> {
        self.receipts = self.receipts % 9999 + 1;
        let receipt = self.receipts;
        self.bookings.push(Booking { kind, receipt, amount, is_undone: false });
        let mut data = vec![0x27, 0x00, 0x04];
        data.extend(bcd::<6>(amount));
        data.extend([0x49, 0x09, 0x78, 0x29]);
        data.extend(TERMINAL_NUMBER);
        data.push(0x87);
        data.extend(receipt_bytes(receipt));
        data.push(0x0B);
        data.extend(bcd::<3>(u64::from(receipt) + 1000));
        if let Some(of) = of {
            data.push(0x37);
            data.extend(bcd::<3>(u64::from(of) + 1000));
        }
        data.extend(moment(clock));
        data.extend(
            b"\x22\xF0\xF8\xEE\xEE\xEE\xEE\xEE\xEE\x00\x11\x8A\x06\x8B\xF1\xF1MASTERCARD\x00",
        );
        data.extend(b"\x3B971382\x00\x00");
        let status = apdu(0x04, 0x0F, &data);
        self.last = Some(status.clone());
        status
    }

    /// The sums of the day: payments and captures less what was reversed, all of one kind of card.
    fn totals(&self, clock: Clock) -> Vec<u8> {
        let day = self.bookings.get(self.day..).unwrap_or_default();
        let counted =
            day.iter().filter(|b| matches!(b.kind, Kind::Payment | Kind::Capture) && !b.is_undone);
        let (count, sum) = counted.fold((0, 0), |(count, sum), b| (count + 1, sum + b.amount));
        let first = day.first().map_or(0, |booking| booking.receipt);
        let last = day.last().map_or(0, |booking| booking.receipt);
        let mut totals = Vec::new();
        totals.extend(receipt_bytes(first));
        totals.extend(receipt_bytes(last));
        for kind in 0..7 {
            let is_mastercard = kind == 2;
            totals.extend(bcd::<1>(if is_mastercard { count } else { 0 }));
            totals.extend(bcd::<6>(if is_mastercard { sum } else { 0 }));
        }
        let mut data = vec![0x27, 0x00, 0x60, 0xF0, 0xF5, 0xF3];
        data.extend(totals);
        data.extend(moment(clock));
        apdu(0x04, 0x0F, &data)
    }
}
