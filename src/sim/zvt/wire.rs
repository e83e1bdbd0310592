//! The terminal's end of the line: frames, acknowledgements, and the fields of its messages.

use crate::event::terminal::{Clock, Currency};

pub(super) const ACK: u8 = 0x06;
pub(super) const NAK: u8 = 0x15;

/// The number of the simulated terminal.
pub(super) const TERMINAL_NUMBER: [u8; 4] = [0x52, 0x52, 0x35, 0x35];
/// 978: it works in euro.
pub(super) const TERMINAL_CURRENCY: [u8; 2] = [0x09, 0x78];

/// What the till said on the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Frame(Vec<u8>),
    Bad,
    Ack,
    Nak,
}

/// What has come of a frame.
#[derive(Debug, Default)]
pub(super) struct Wire {
    held: Vec<u8>,
}

impl Wire {
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.held.extend_from_slice(bytes);
        let mut heard = Vec::new();
        while let Some(one) = self.next() {
            heard.extend(one);
        }
        heard
    }

    /// The next thing on the line, or bytes that mean nothing (`Some(None)`).
    fn next(&mut self) -> Option<Option<Heard>> {
        match self.held.as_slice() {
            [] | [0x10] => None,
            [0x10, 0x02, rest @ ..] => {
                let (length, data) = whole(rest)?;
                let good = data.is_some();
                self.held.drain(..2 + length);
                Some(Some(if good { Heard::Frame(data?) } else { Heard::Bad }))
            }
            [first, ..] => {
                let first = *first;
                self.held.remove(0);
                Some(match first {
                    ACK => Some(Heard::Ack),
                    NAK => Some(Heard::Nak),
                    _ => None,
                })
            }
        }
    }
}

/// The length of the rest of a frame and its data, where its end has come; without data where it is wrong.
fn whole(bytes: &[u8]) -> Option<(usize, Option<Vec<u8>>)> {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        match bytes.get(at..)? {
            [0x10, 0x03, low, high, ..] => {
                let mut counted = data.clone();
                counted.push(0x03);
                let good = crc(&counted).to_le_bytes() == [*low, *high];
                return Some((at + 4, good.then_some(data)));
            }
            [0x10, 0x03, ..] | [0x10] | [] => return None,
            [0x10, 0x10, ..] => {
                data.push(0x10);
                at += 2;
            }
            [0x10, ..] => return Some((at, None)),
            [byte, ..] => {
                data.push(*byte);
                at += 1;
            }
        }
    }
}

pub(super) fn frame(apdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x10, 0x02];
    for byte in apdu {
        frame.push(*byte);
        if *byte == 0x10 {
            frame.push(0x10);
        }
    }
    frame.extend([0x10, 0x03]);
    let counted: Vec<u8> = apdu.iter().copied().chain([0x03]).collect();
    frame.extend(crc(&counted).to_le_bytes());
    frame
}

fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0x8408;
            }
        }
    }
    crc
}

/// The data of the first field with this number and length: the fields of commands are few and short.
pub(super) fn field(mut fields: &[u8], number: u8, length: usize) -> Option<&[u8]> {
    loop {
        let (found, rest) = fields.split_first()?;
        if *found == number {
            return rest.get(..length);
        }
        let length = match found {
            0x04 => 6,
            0x49 | 0x87 | 0x0E => 2,
            0x19 | 0x01 | 0x02 | 0x8A => 1,
            0x3B => 8,
            _ => return None,
        };
        fields = rest.get(length..)?;
    }
}

pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .into_iter()
        .try_fold(0_u64, |number, digit| (digit < 10).then(|| number * 10 + u64::from(digit)))
}

pub(super) fn bcd<const N: usize>(number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = number;
    for byte in bytes.iter_mut().rev() {
        let ones = u8::try_from(rest % 10).unwrap_or(0);
        let tens = u8::try_from(rest / 10 % 10).unwrap_or(0);
        *byte = (tens << 4) | ones;
        rest /= 100;
    }
    bytes
}

/// An APDU of this kind with this data.
pub(super) fn apdu(class: u8, instruction: u8, data: &[u8]) -> Vec<u8> {
    let mut apdu = vec![class, instruction];
    match u8::try_from(data.len()) {
        Ok(length @ ..=0xFE) => apdu.push(length),
        _ => {
            apdu.push(0xFF);
            apdu.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes());
        }
    }
    apdu.extend(data);
    apdu
}

/// Adds a container of tagged data to a short APDU.
pub(super) fn add_container(apdu: &mut Vec<u8>, container: &[u8]) {
    let added = container.len() + 2;
    apdu.push(0x06);
    apdu.push(u8::try_from(container.len()).unwrap_or(0x7F));
    apdu.extend(container);
    if let Some(length) = apdu.get_mut(2) {
        *length = length.saturating_add(u8::try_from(added).unwrap_or(u8::MAX));
    }
}

/// A tag with its value.
pub(super) fn tagged(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(0x7F);
    [tag, &[length], value].concat()
}

/// Makes a status that of a conversion: the amount field is the customer's, the merchant's amount stands
/// beside it in the container.
pub(super) fn convert(status: &mut Vec<u8>, amount: u64, currency: Currency) {
    let ours = TERMINAL_CURRENCY;
    let theirs: [u8; 2] = bcd(currency.number.into());
    let told = |status: &[u8]| field(status.get(5..)?, 0x04, 6).and_then(decimal);
    let merchant = told(status).unwrap_or(0);
    let entry = |amount: u64, currency: [u8; 2]| {
        let total = tagged(&[0x1F, 0x20], &bcd::<6>(amount));
        tagged(&[0x31], &[total, tagged(&[0x1F, 0x21], &currency)].concat())
    };
    // Behind the header and the result: 04 and the amount, 49 and the currency.
    let fields = [&[0x04][..], &bcd::<6>(amount), &[0x49], &theirs].concat();
    if let Some(place) = status.get_mut(5..15) {
        place.copy_from_slice(&fields);
    }
    let markup = tagged(&[0x1F, 0x1B], &[0x03, 0x50]);
    let entries = [markup, entry(merchant, ours), entry(amount, theirs)].concat();
    add_container(status, &tagged(&[0xE2], &entries));
}

/// Date and time as fields of a status.
pub(super) fn moment(clock: Clock) -> Vec<u8> {
    let (month, day) = clock.date.unwrap_or((1, 1));
    let (hour, minute, second) = clock.time.unwrap_or((0, 0, 0));
    let byte = |number: u8| {
        let [byte] = bcd::<1>(number.into());
        byte
    };
    vec![0x0C, byte(hour), byte(minute), byte(second), 0x0D, byte(month), byte(day)]
}

/// The completion of a status enquiry: software version, status code, the clock.
pub(super) fn status_completion(status: u8, clock: Clock) -> Vec<u8> {
    let moment = moment(clock);
    let mut data = b"\xF0\xF0\xF72.14.15".to_vec();
    data.push(status);
    let mut tagged = vec![0x1F, 0x0E, 0x04, 0x20, 0x26];
    tagged.extend(moment.get(5..).unwrap_or_default());
    tagged.extend([0x1F, 0x0F, 0x03]);
    tagged.extend(moment.get(1..4).unwrap_or_default());
    let length = u8::try_from(tagged.len()).unwrap_or(0);
    data.extend([0x06, length + 2, 0x34, length]);
    data.extend(tagged);
    apdu(0x06, 0x0F, &data)
}

/// A line for the till to print.
pub(super) fn print_line(text: &str) -> Vec<u8> {
    let mut data = vec![0x00];
    data.extend(text.bytes());
    apdu(0x06, 0xD1, &data)
}
