//! The fields of messages: a number, then data whose length the number decides (PA00P015, chapter
//! "Summary of utilised bitmaps").

use super::tlv;

/// The fields this project reads or writes, by their numbers.
pub(super) mod number {
    /// A container of tagged data.
    pub(in crate::protocol::zvt) const CONTAINER: u8 = 0x06;
    /// Amount in minor units, 6 bytes BCD.
    pub(in crate::protocol::zvt) const AMOUNT: u8 = 0x04;
    /// Trace number, 3 bytes BCD.
    pub(in crate::protocol::zvt) const TRACE: u8 = 0x0B;
    /// Time, HHMMSS.
    pub(in crate::protocol::zvt) const TIME: u8 = 0x0C;
    /// Date, MMDD.
    pub(in crate::protocol::zvt) const DATE: u8 = 0x0D;
    /// Status of the terminal, or the kind of payment.
    pub(in crate::protocol::zvt) const STATUS: u8 = 0x19;
    /// Card number; E stands for a masked digit, F fills up.
    pub(in crate::protocol::zvt) const CARD_NUMBER: u8 = 0x22;
    /// Result code.
    pub(in crate::protocol::zvt) const RESULT: u8 = 0x27;
    /// Terminal number, 4 bytes BCD.
    pub(in crate::protocol::zvt) const TERMINAL: u8 = 0x29;
    /// Contract number, 15 characters.
    pub(in crate::protocol::zvt) const CONTRACT: u8 = 0x2A;
    /// Trace number of the earlier transaction, 3 bytes BCD.
    pub(in crate::protocol::zvt) const ORIGINAL_TRACE: u8 = 0x37;
    /// The bank's authorization code, 8 characters, filled up with 00.
    pub(in crate::protocol::zvt) const AUTHORIZATION: u8 = 0x3B;
    /// Additional text.
    pub(in crate::protocol::zvt) const TEXT: u8 = 0x3C;
    /// Currency by its ISO number, 2 bytes BCD.
    pub(in crate::protocol::zvt) const CURRENCY: u8 = 0x49;
    /// Totals of a day's close.
    pub(in crate::protocol::zvt) const TOTALS: u8 = 0x60;
    /// Receipt number, 2 bytes BCD.
    pub(in crate::protocol::zvt) const RECEIPT: u8 = 0x87;
    /// Turnover number, 3 bytes BCD.
    pub(in crate::protocol::zvt) const TURNOVER: u8 = 0x88;
    /// Kind of card.
    pub(in crate::protocol::zvt) const CARD_TYPE: u8 = 0x8A;
    /// Name of the card, ended by 00.
    pub(in crate::protocol::zvt) const CARD_NAME: u8 = 0x8B;
    /// The authorization system's own result code.
    pub(in crate::protocol::zvt) const RESULT_AS: u8 = 0xA0;
    /// Date, YYMMDD.
    pub(in crate::protocol::zvt) const LONG_DATE: u8 = 0xAA;
}

/// How long a field's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// So many bytes.
    Fixed(usize),
    /// As many as so many digits `Fx Fy …` before it say; there are who write them `0x 0y …`.
    Digits(usize),
    /// As a container's length says.
    Container,
}

/// Two digits, three digits.
const LL: Length = Length::Digits(2);
const LLL: Length = Length::Digits(3);

fn length_of(number: u8) -> Option<Length> {
    Some(match number {
        0x01..=0x03 | 0x05 | 0x19 | 0x27 | 0x72..=0x75 | 0x8A | 0x8C | 0xA0 => Length::Fixed(1),
        0xD0 | 0xD2 | 0xD3 | 0xE0 | 0xE9 | 0xEA | 0xF0 | 0xF9..=0xFD => Length::Fixed(1),
        0x0D | 0x0E | 0x17 | 0x3A | 0x49 | 0x87 => Length::Fixed(2),
        0x0B | 0x0C | 0x37 | 0x3D | 0x88 | 0xAA => Length::Fixed(3),
        0x29 | 0x70 | 0x71 => Length::Fixed(4),
        0xBA => Length::Fixed(5),
        0x04 => Length::Fixed(6),
        0x3B | 0xEB => Length::Fixed(8),
        0x2A => Length::Fixed(15),
        0x22 | 0x23 | 0x2D | 0x4C | 0x8B | 0xA7 | 0xD1 | 0xE1..=0xE8 | 0xF1..=0xF8 => LL,
        0x24 | 0x2E | 0x3C | 0x60 | 0x92 | 0x9A | 0xAF => LLL,
        0x06 => Length::Container,
        _ => return None,
    })
}

/// The fields of a message in their order, each with its number, up to the end or to the first that
/// cannot be read; its place is the error.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), usize>> {
    let mut rest = bytes;
    let mut failed = false;
    std::iter::from_fn(move || {
        let (number, after) = rest.split_first().filter(|_| !failed)?;
        let Some((data, after)) = length_of(*number).and_then(|length| take(length, after)) else {
            failed = true;
            return Some(Err(bytes.len() - rest.len()));
        };
        rest = after;
        Some(Ok((*number, data)))
    })
}

fn take(length: Length, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match length {
        Length::Fixed(length) => bytes.split_at_checked(length),
        Length::Digits(digits) => {
            let (digits, rest) = bytes.split_at_checked(digits)?;
            let length = digits.iter().try_fold(0_usize, |length, digit| {
                let value = digit & 0x0F;
                (matches!(digit >> 4, 0x0 | 0xF) && value < 10)
                    .then(|| length * 10 + usize::from(value))
            })?;
            rest.split_at_checked(length)
        }
        Length::Container => {
            let (length, rest) = tlv::length(bytes)?;
            rest.split_at_checked(length)
        }
    }
}

/// The number that BCD bytes stand for; nothing where they have other than digits.
#[must_use]
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0_u64, |number, byte| {
        let (high, low) = (u64::from(byte >> 4), u64::from(byte & 0x0F));
        (high < 10 && low < 10)
            .then(|| number.checked_mul(100)?.checked_add(high * 10 + low))
            .flatten()
    })
}

/// So many BCD bytes of a number; what does not fit is cut off at the front.
#[must_use]
pub(super) fn bcd(number: u64, bytes: usize) -> Vec<u8> {
    let mut rest = number;
    let mut out = vec![0; bytes];
    for byte in out.iter_mut().rev() {
        let pair = u8::try_from(rest % 100).unwrap_or(0);
        *byte = ((pair / 10) << 4) | (pair % 10);
        rest /= 100;
    }
    out
}

/// A card number's digits with all but the last four masked, whatever the terminal has masked. It ends at F, which
/// fills up, and at D: there are terminals that put the whole track into the field.
#[must_use]
pub(super) fn masked_card_number(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let digits = nibbles.take_while(|nibble| !matches!(nibble, 0x0D | 0x0F));
    let shown: Vec<char> =
        digits.map(|nibble| char::from_digit(nibble.into(), 10).unwrap_or('*')).collect();
    let hidden = shown.len().saturating_sub(4);
    let character = |(place, character)| if place < hidden { '*' } else { character };
    shown.into_iter().enumerate().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_bcd() {
        assert_eq!(bcd(11_000, 6), [0, 0, 0, 1, 0x10, 0]);
        assert_eq!(decimal(&[0, 0, 0, 1, 0x10, 0]), Some(11_000));
        assert_eq!(bcd(123_456, 2), [0x34, 0x56]);
        assert_eq!(decimal(&[0x0A]), None);
    }

    #[test]
    fn fields_end_at_what_is_not_one() {
        let read = |bytes: &'static [u8]| fields(bytes).collect::<Vec<_>>();
        assert_eq!(
            read(&[0x27, 0, 0x8B, 0xF0, 0xF1, b'x']),
            [Ok((0x27, &[0][..])), Ok((0x8B, b"x"))]
        );
        assert_eq!(read(&[0x27, 0, 0xFF, 1]), [Ok((0x27, &[0][..])), Err(2)]);
        // prosoftgmbh/zvt: groups of goods that are blocked.
        assert_eq!(
            read(&[0x4C, 0xF0, 0xF2, 1, 2, 0x27, 0]),
            [Ok((0x4C, &[1, 2][..])), Ok((0x27, &[0][..]))]
        );
        assert_eq!(read(&[0x22, 0xF0, 0xF9, 1]), [Err(0)]);
        assert_eq!(read(&[0x22, 0x00, 0x01, 1]), [Ok((0x22, &[1][..]))]);
        assert_eq!(read(&[0x22, 0x30, 0x31, 1]), [Err(0)]);
        assert_eq!(read(&[0x06, 0x02, 0x07, 0x00]), [Ok((0x06, &[7, 0][..]))]);
    }

    #[test]
    fn a_card_number_shows_its_last_four_however_it_came() {
        let rows: [(&[u8], &str); 5] = [
            (&[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11], "************1111"),
            (&[0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0x47, 0x71], "************4771"),
            (&[0x54, 0x13, 0x33, 0x00, 0x89, 0x02, 0x00, 0x11, 0x9F], "*************0119"),
            // ecrterm, `tests/parsing.py`, with another card: nothing of what stands behind it on the track.
            (
                &[0x54, 0x13, 0x33, 0x00, 0x89, 0x02, 0x00, 0x11, 0xD2, 0x51, 0x22, 0x01, 0x07],
                "************0011",
            ),
            (&[], ""),
        ];
        for (bytes, want) in rows {
            assert_eq!(masked_card_number(bytes), want);
        }
    }
}
