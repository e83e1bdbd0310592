//! What a terminal is asked: from our words to APDUs (PA00P015, chapter 2).

use super::apdu::{Apdu, Control};
use super::bitmap::{bcd, decimal, fields, number};
use super::charset::Charset;
use super::message::{ACCEPTED, PRINT_BLOCK, REFUSED};
use super::options::Options;
use crate::event::terminal::{Currency, Operation, Order};

/// 2.1
const REGISTRATION: Control = (0x06, 0x00);
/// 2.2
const AUTHORIZATION: Control = (0x06, 0x01);
const TOTALS: Control = (0x06, 0x10);
const REPEAT_RECEIPT: Control = (0x06, 0x20);
/// 2.7
const TELEPHONIC_AUTHORIZATION: Control = (0x06, 0x21);
/// 2.8
const RESERVATION: Control = (0x06, 0x22);
/// 2.12
const BOOK_TOTAL: Control = (0x06, 0x24);
/// 2.13
const RESERVATION_REVERSAL: Control = (0x06, 0x25);
/// 2.9
const REVERSAL: Control = (0x06, 0x30);
/// 2.14
const REFUND: Control = (0x06, 0x31);
/// 2.15
const END_OF_DAY: Control = (0x06, 0x50);
/// 2.16
const DIAGNOSIS: Control = (0x06, 0x70);
const ABORT: Control = (0x06, 0xB0);
/// 2.55
const STATUS_ENQUIRY: Control = (0x05, 0x01);
const LANGUAGE: Control = (0x08, 0x30);

/// Bits of the registration's configuration byte.
mod bit {
    /// The till prints what concerns payments, and what concerns the terminal.
    pub(super) const PAYMENT_RECEIPTS: u8 = 0x02;
    pub(super) const OTHER_RECEIPTS: u8 = 0x04;
    /// The till wants intermediate statuses.
    pub(super) const INTERMEDIATE: u8 = 0x08;
    /// Amounts, and the terminal's functions, come from the till alone.
    pub(super) const NO_AMOUNTS: u8 = 0x10;
    pub(super) const NO_FUNCTIONS: u8 = 0x20;
    /// The till prints the lines that the terminal sends.
    pub(super) const LINES: u8 = 0x80;
}

/// Who prints receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printer {
    /// The till: the lines come over.
    Host,
    /// The terminal.
    Terminal,
}

/// The registration: what the till does itself, the currency, and what it takes beside.
#[must_use]
pub(super) fn registration(password: &str, options: &Options) -> Apdu {
    let Options { printer, charset, .. } = options;
    let receipts = match printer {
        Printer::Host => bit::PAYMENT_RECEIPTS | bit::OTHER_RECEIPTS | bit::LINES,
        Printer::Terminal => 0,
    };
    let config = receipts | bit::INTERMEDIATE | bit::NO_AMOUNTS | bit::NO_FUNCTIONS;
    let currency = bcd(options.currency.number.into(), 2);
    let takes = if options.has_blocks { takes(*charset) } else { Vec::new() };
    Apdu::new(REGISTRATION, [&self::password(password)[..], &[config], &currency, &takes].concat())
}

/// The container that says what the till takes: blocks of text in place of lines (tag 26 lists commands, each in an
/// 0A), and their characters (tag 27, each in a 14).
fn takes(charset: Charset) -> Vec<u8> {
    let (class, instruction) = PRINT_BLOCK;
    let mut tags = vec![0x26, 0x04, 0x0A, 0x02, class, instruction];
    tags.extend(charset.number().into_iter().flat_map(|number| [0x27, 0x03, 0x14, 0x01, number]));
    let length = u8::try_from(tags.len()).unwrap_or(0);
    [&[number::CONTAINER, length][..], &tags].concat()
}

/// The language of the terminal's texts, by the number its manual gives.
#[must_use]
pub(super) fn language(number: u8) -> Apdu {
    Apdu::new(LANGUAGE, [number])
}

/// The command of an order.
#[must_use]
pub(super) fn of(order: &Order, password: &str) -> Apdu {
    let password = self::password(password);
    let amount = [&[number::AMOUNT][..], &bcd(order.amount, 6)].concat();
    let currency = [&[number::CURRENCY][..], &bcd(order.currency.number.into(), 2)].concat();
    let receipt = match order.receipt {
        Some(receipt) => [&[number::RECEIPT][..], &bcd(receipt.into(), 2)].concat(),
        None => Vec::new(),
    };
    let code = match &order.authorization {
        Some(code) => [&[number::AUTHORIZATION][..], &padded(code)].concat(),
        None => Vec::new(),
    };
    let (control, parts): (Control, &[&[u8]]) = match order.operation {
        Operation::Payment if order.authorization.is_some() => {
            (TELEPHONIC_AUTHORIZATION, &[&amount, &currency, &code])
        }
        Operation::Payment => (AUTHORIZATION, &[&amount, &currency]),
        Operation::Refund => (REFUND, &[&password, &amount, &currency]),
        Operation::Reversal => (REVERSAL, &[&password, &receipt]),
        Operation::Preauth => (RESERVATION, &[&amount, &currency]),
        Operation::Capture => (BOOK_TOTAL, &[&receipt, &amount, &currency]),
        Operation::CancelPreauth => (RESERVATION_REVERSAL, &[&receipt]),
        Operation::Close => (END_OF_DAY, &[&password]),
        Operation::Totals => (TOTALS, &[&password]),
        Operation::Diagnosis => (DIAGNOSIS, &[]),
        Operation::RepeatReceipt => (REPEAT_RECEIPT, &[&password]),
    };
    Apdu::new(control, parts.concat())
}

/// Whether it answers the terminal, or is about what is under way: then it asks nothing anew.
#[must_use]
pub(super) fn is_answer(apdu: &Apdu) -> bool {
    apdu.control == ACCEPTED || apdu.control.0 == REFUSED || apdu.control == ABORT
}

/// The order of a till's command, and whether it names a currency, where it is one that moves money between customers and the shop.
#[must_use]
pub(super) fn read(apdu: &Apdu) -> Option<(Order, bool)> {
    let (operation, has_password) = match apdu.control {
        AUTHORIZATION => (Operation::Payment, false),
        REFUND => (Operation::Refund, true),
        REVERSAL => (Operation::Reversal, true),
        RESERVATION => (Operation::Preauth, false),
        BOOK_TOTAL => (Operation::Capture, false),
        RESERVATION_REVERSAL => (Operation::CancelPreauth, false),
        _ => return None,
    };
    let fields_of = if has_password { apdu.data.get(3..)? } else { &apdu.data };
    let (mut amount, mut currency, mut receipt) = (0, None, None);
    for (number, data) in fields(fields_of).flatten() {
        let value = decimal(data);
        match number {
            number::AMOUNT => amount = value?,
            number::CURRENCY => {
                currency = Some(Currency::from_number(u16::try_from(value?).ok()?)?);
            }
            number::RECEIPT => receipt = Some(u32::try_from(value?).ok()?),
            _ => {}
        }
    }
    let order = Order::new(0, operation, amount, receipt);
    let named = currency.is_some();
    Some((Order { currency: currency.unwrap_or(order.currency), ..order }, named))
}

/// How the terminal fares.
#[must_use]
pub(super) fn status_enquiry(password: &str) -> Apdu {
    Apdu::new(STATUS_ENQUIRY, password_only(password))
}

/// The last receipt once more.
#[must_use]
pub(super) fn repeat_receipt(password: &str) -> Apdu {
    Apdu::new(REPEAT_RECEIPT, password_only(password))
}

/// Stop.
#[must_use]
pub(super) fn abort() -> Apdu {
    Apdu::new(ABORT, [])
}

/// What the terminal said is taken.
#[must_use]
pub(super) fn accepted() -> Apdu {
    Apdu::new(ACCEPTED, [])
}

/// The till does not do what the terminal asks of it.
#[must_use]
pub(super) fn refused(reason: u8) -> Apdu {
    Apdu::new((REFUSED, reason), [])
}

/// A code in the eight bytes of bitmap 3B, filled up with 00.
fn padded(code: &str) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(code.bytes()).for_each(|(byte, character)| *byte = character);
    bytes
}

fn password_only(password: &str) -> Vec<u8> {
    self::password(password)
}

/// Six digits, BCD. One that is longer, or has other characters, is not a password of this protocol;
/// configuration refuses it before.
fn password(password: &str) -> Vec<u8> {
    bcd(password.parse().unwrap_or(0), 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::dle;
    use crate::protocol::zvt::ask::Asking;

    fn options(printer: Printer) -> Options {
        Options {
            printer,
            currency: Currency::EUR,
            language: None,
            tips: false,
            cashback: false,
            dcc: false,
            asking: Asking::default(),
            charset: Charset::Cp437,
            has_blocks: false,
        }
    }

    fn order(operation: Operation, amount: u64, receipt: Option<u32>) -> Order {
        Order::new(1, operation, amount, receipt)
    }

    fn frame(apdu: &Apdu) -> String {
        let bytes = dle::frame(&apdu.encode());
        bytes.iter().map(|byte| format!("{byte:02X} ")).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn ecrterm_frames_of_what_the_till_says() {
        let rows = [
            (status_enquiry("123456"), "10 02 05 01 03 12 34 56 10 03 E0 43"),
            (accepted(), "10 02 80 00 00 10 03 F5 1F"),
            (refused(0x9C), "10 02 84 9C 00 10 03 C3 41"),
            (of(&order(Operation::Diagnosis, 0, None), ""), "10 02 06 70 00 10 03 D9 F9"),
        ];
        for (apdu, want) in rows {
            assert_eq!(frame(&apdu), want);
        }
    }

    #[test]
    fn ecrterm_registration_with_its_configuration_byte() {
        // The vector's till prints payments (BA); ours prints all (BE).
        let ours = registration("123456", &options(Printer::Host));
        assert_eq!(ours.data, [0x12, 0x34, 0x56, 0xBE, 0x09, 0x78]);
        let vector = Apdu::new(REGISTRATION, [0x12, 0x34, 0x56, 0xBA, 0x09, 0x78]);
        assert_eq!(frame(&vector), "10 02 06 00 06 12 34 56 BA 09 78 10 03 24 C3");
        let terminal = registration("0", &options(Printer::Terminal));
        assert_eq!(terminal.data, [0, 0, 0, 0x38, 0x09, 0x78]);
    }

    #[test]
    fn a_till_that_takes_blocks_of_text_says_so() {
        // bezahl-online/zvt: the container of a registration, there without characters.
        let blocks = [0x06, 0x06, 0x26, 0x04, 0x0A, 0x02, 0x06, 0xD3];
        let latin = Charset::Of(encoding_rs::ISO_8859_15);
        let rows = [(latin, &blocks[2..]), (Charset::Cp437, &[0x27, 0x03, 0x14, 0x01, 0xFF])];
        for (charset, ends) in rows {
            let options = Options { has_blocks: true, charset, ..options(Printer::Host) };
            let data = &registration("0", &options).data;
            assert!(data.ends_with(ends), "{data:02X?}");
            assert_eq!(data[6..8], [0x06, u8::try_from(data.len() - 8).unwrap()]);
        }
    }

    #[test]
    fn ecrterm_authorization_of_110_euro_with_its_10_doubled() {
        assert_eq!(
            frame(&of(&order(Operation::Payment, 11_000, None), "")),
            "10 02 06 01 0A 04 00 00 00 01 10 10 00 49 09 78 10 03 F2 FF"
        );
    }

    #[test]
    fn portalum_zvt_56_authorization_of_1_90() {
        let apdu = Apdu::new(AUTHORIZATION, [&[number::AMOUNT][..], &bcd(190, 6)].concat());
        assert_eq!(frame(&apdu), "10 02 06 01 07 04 00 00 00 00 01 90 10 03 76 57");
    }

    #[test]
    fn a_code_given_by_telephone_goes_with_the_amount() {
        let order =
            Order { authorization: Some("12A456".into()), ..order(Operation::Payment, 1250, None) };
        let apdu = of(&order, "");
        assert_eq!(apdu.control, (0x06, 0x21));
        let want = [&[4, 0, 0, 0, 0, 0x12, 0x50, 0x49, 9, 0x78, 0x3B][..], b"12A456\0\0"].concat();
        assert_eq!(apdu.data, want);
    }

    #[test]
    fn what_is_about_an_earlier_receipt_names_it() {
        let rows: [(Operation, &[u8]); 3] = [
            (Operation::Reversal, &[0, 0, 1, 0x87, 0x03, 0x43]),
            (Operation::Capture, &[0x87, 0x03, 0x43, 4, 0, 0, 0, 0, 0x12, 0x50, 0x49, 9, 0x78]),
            (Operation::CancelPreauth, &[0x87, 0x03, 0x43]),
        ];
        for (operation, want) in rows {
            assert_eq!(
                of(&order(operation, 1250, Some(343)), "000001").data,
                want,
                "{operation:?}"
            );
        }
    }
}
