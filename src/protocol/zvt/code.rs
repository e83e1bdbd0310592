//! What result codes, intermediate statuses and terminal statuses mean (PA00P015, chapters
//! "Error-messages", "Intermediate status-information" and "Terminal status codes").

use crate::event::terminal::{Awaiting, Condition};

/// Done.
pub(super) const SUCCESS: u8 = 0x00;
/// The function is not there before a registration.
pub(super) const NOT_REGISTERED: u8 = 0x6B;
/// Stopped by time or by a key.
pub(super) const ABORTED: u8 = 0x6C;
/// The terminal cannot do that, or not now.
pub(super) const NOT_POSSIBLE: u8 = 0x83;
/// The terminal is still at work.
pub(super) const BUSY: u8 = 0x9C;

const RESULTS: &[(u8, &str)] = &[
    (SUCCESS, "done"),
    (0x64, "card not readable"),
    (0x65, "card data missing"),
    (0x66, "processing error"),
    (0x67, "function not permitted for girocard and Maestro"),
    (0x68, "function not permitted for credit and fuel cards"),
    (0x6A, "turnover file full"),
    (NOT_REGISTERED, "function switched off: the till is not registered"),
    (ABORTED, "stopped at the terminal, by time or by a key"),
    (0x6E, "card in the list of blocked cards"),
    (0x6F, "wrong currency"),
    (0x71, "credit not sufficient"),
    (0x72, "chip error"),
    (0x73, "card data wrong"),
    (0x74, "keys used up"),
    (0x75, "text not authentic"),
    (0x76, "card not in the list of allowed cards"),
    (0x77, "close of the day not possible"),
    (0x78, "card expired"),
    (0x79, "card not valid yet"),
    (0x7A, "card unknown"),
    (0x7B, "the stripe may not be used in place of the chip"),
    (0x7C, "the stripe may not be used in place of the chip"),
    (0x7D, "communication error"),
    (0x7E, "the stripe may not be used in place of the chip"),
    (NOT_POSSIBLE, "function not possible"),
    (0x85, "key missing"),
    (0x89, "PIN pad defective"),
    (0x9A, "protocol error"),
    (0x9B, "error in dialling or on the line"),
    (BUSY, "please wait: the terminal is at work"),
    (0xA0, "receiver not ready"),
    (0xA1, "remote station does not answer"),
    (0xA3, "no connection"),
    (0xA4, "submission not possible"),
    (0xA5, "function not allowed by PCI DSS"),
    (0xB1, "memory full"),
    (0xB2, "merchant journal full"),
    (0xB4, "reversed already"),
    (0xB5, "reversal not possible"),
    (0xB7, "pre-authorization wrong"),
    (0xB8, "error in pre-authorization"),
    (0xBF, "supply voltage too low"),
    (0xC0, "card lock defective"),
    (0xC1, "merchant card locked"),
    (0xC2, "diagnosis required"),
    (0xC3, "amount above the limit"),
    (0xC4, "card profile not valid"),
    (0xC5, "payment method not supported"),
    (0xC6, "currency not applicable"),
    (0xC8, "amount too small"),
    (0xC9, "limit of the transaction too small"),
    (0xCB, "function only in euro"),
    (0xCC, "printer not ready"),
    (0xCD, "cashback not possible"),
    (0xD2, "function not permitted for service cards"),
    (0xDC, "a card is inserted"),
    (0xDD, "error in ejecting the card"),
    (0xDE, "error in inserting the card"),
    (0xDF, "out of order"),
    (0xE0, "remote maintenance active"),
    (0xE2, "card reader does not answer"),
    (0xE3, "shutter closed"),
    (0xE4, "terminal has to be activated"),
    (0xE7, "a group of goods is not found"),
    (0xE8, "no table of groups of goods"),
    (0xE9, "restriction code not permitted"),
    (0xEA, "card code not permitted"),
    (0xEB, "function not executable"),
    (0xEC, "PIN processing not possible"),
    (0xED, "PIN pad defective"),
    (0xF0, "an open close of the day has to be ended first"),
    (0xF1, "offline error of girocard or Maestro"),
    (0xF5, "error of a key download"),
    (0xF6, "data of a key download missing"),
    (0xFA, "offline transactions could not be sent"),
    (0xFB, "turnover data defective"),
    (0xFC, "a needed device is missing or defective"),
    (0xFD, "speed not supported"),
    (0xFE, "till unknown"),
    (0xFF, "system error"),
];

/// What a result code means.
#[must_use]
pub(super) fn result(code: u8) -> &'static str {
    let known = RESULTS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text);
    known.unwrap_or(match code {
        0x01..=0x63 => "refused by the bank or its network",
        _ => "not documented",
    })
}

/// What an intermediate status means, and who is waited for.
#[must_use]
pub(super) fn intermediate(status: u8) -> (Awaiting, &'static str) {
    use Awaiting::{Cashier, Customer, Terminal};
    if let 0x41..=0x5D = status {
        return card_still_in(status & !0x40);
    }
    match status {
        0x00 => (Customer, "confirm the amount"),
        0x01 | 0x02 => (Customer, "see the PIN pad"),
        0x03 | 0x07 => (Terminal, "card not accepted"),
        0x04 => (Terminal, "waiting for the bank"),
        0x05 => (Terminal, "sending an automatic reversal"),
        0x06 => (Terminal, "sending later bookings"),
        0x08 => (Terminal, "card unknown"),
        0x09 => (Terminal, "card expired"),
        0x0A => (Customer, "insert or hold the card"),
        0x0B => (Customer, "remove the card"),
        0x0C => (Terminal, "card not readable"),
        0x0D => (Terminal, "stopped"),
        0x0E | 0x17 => (Terminal, "please wait"),
        0x0F => (Terminal, "closing the day by itself"),
        0x10 => (Terminal, "card not valid"),
        0x11 => (Terminal, "reading the balance"),
        0x12 => (Terminal, "system error"),
        0x13 => (Terminal, "payment not possible"),
        0x14 => (Terminal, "credit not sufficient"),
        0x15 => (Customer, "wrong PIN"),
        0x16 => (Terminal, "limit not sufficient"),
        0x18 => (Terminal, "too many wrong PINs"),
        0x19 => (Terminal, "card data wrong"),
        0x1A => (Terminal, "somebody has the terminal's service menu open"),
        0x1B => (Terminal, "approved, please pay and fuel"),
        0x1C => (Terminal, "approved, take the goods"),
        0x1D => (Terminal, "declined"),
        0x26 => (Customer, "enter the mobile number"),
        0x27 => (Customer, "enter the mobile number again"),
        0x28 | 0x69 => (Customer, "select the currency"),
        0x29 | 0xE1 => (Customer, "select the language"),
        0x2A => (Customer, "insert the loading card"),
        0x2B | 0x5E => (Terminal, "emergency operation"),
        0x2C | 0xE0 => (Customer, "select the application"),
        0x66 => (Customer, "present the card again"),
        0x67 => (Customer, "insert the card"),
        0x68 => (Customer, "present one card only"),
        0xC7 => (Customer, "decide about the conversion of the currency"),
        0xC8 => (Cashier, "the terminal waits for the cashier"),
        0xC9 => (Customer, "enter an amount"),
        0xCA => (Customer, "enter a mileage"),
        0xCB => (Customer, "enter a number"),
        0xCC => (Customer, "confirm"),
        0xD2 => (Terminal, "connecting"),
        0xD3 => (Terminal, "submitting the turnover"),
        0xE2 | 0xF1 => (Terminal, "no connection"),
        0xF2 => (Terminal, "an update begins"),
        0xF3 => (Terminal, "an update is under way"),
        _ => (Terminal, "at work"),
    }
}

/// The statuses whose sixth bit is set are those without it, with a card to be removed.
fn card_still_in(status: u8) -> (Awaiting, &'static str) {
    let text = match status {
        0x01 | 0x02 => "see the PIN pad, and remove the card",
        0x03 | 0x07 => "card not accepted, please remove it",
        0x08 => "card unknown, please remove it",
        0x09 => "card expired, please remove it",
        0x0C => "card not readable, please remove it",
        0x0D => "stopped, please remove the card",
        0x10 => "card not valid, please remove it",
        0x13 => "payment not possible, please remove the card",
        0x14 => "credit not sufficient, please remove the card",
        0x15 => "wrong PIN, please remove the card",
        0x16 => "limit not sufficient, please remove the card",
        0x18 => "too many wrong PINs, please remove the card",
        0x19 => "card data wrong, please remove the card",
        0x1A => "somebody has the terminal's service menu open, and a card has to be removed",
        0x1B => "approved, please pay and fuel, and remove the card",
        0x1C => "approved, remove the card and take the goods",
        0x1D => "declined, please remove the card",
        _ => "remove the card",
    };
    (Awaiting::Customer, text)
}

/// Whether an intermediate status says that somebody has the menu open: service mode, and the same with a
/// card to be removed.
#[must_use]
pub(super) fn is_menu(status: u8) -> bool {
    matches!(status, 0x1A | 0x5A)
}

/// What a terminal says of itself with a status code.
#[must_use]
pub(super) fn fares(status: u8) -> &'static str {
    match status {
        SUCCESS => "ready",
        0x51 => "initialisation required",
        0x62 => "its date or time is wrong",
        0x9D => "goods are given out in part",
        0xE1 => "a card is not wholly removed",
        status => result(status),
    }
}

/// What a terminal's status code says of its condition (completion of a status enquiry).
#[must_use]
pub(super) fn condition(status: u8) -> Option<Condition> {
    Some(match status {
        0x51 | 0xE4 => Condition::NeedsInitialisation,
        0x9C | 0x9D | 0xDC | 0xE1 => Condition::Busy,
        0xA1 | 0xA3 => Condition::Offline,
        0xB1 | 0xB2 | 0xF0 => Condition::NeedsClose,
        0xBF | 0xC0 | 0xC1 | 0xC4 | 0xDF | 0xE2 | 0xE3 => Condition::Defective,
        0xC2 => Condition::NeedsDiagnosis,
        0xCC => Condition::OutOfPaper,
        0xE0 => Condition::Updating,
        _ => return None,
    })
}

/// What the status byte of a registration's completion says (PA00P015, 2.1): bit 0 initialisation, bit 1
/// diagnosis.
#[must_use]
pub(super) fn registered(status: u8) -> Vec<Condition> {
    let bits = [(0x01, Condition::NeedsInitialisation), (0x02, Condition::NeedsDiagnosis)];
    bits.into_iter().filter(|(bit, _)| status & bit != 0).map(|(_, condition)| condition).collect()
}
