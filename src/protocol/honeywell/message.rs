//! The message in which a scanner wraps a code when it is to say what it has read (`DECHDR1`).
//!
//! ```text
//! 16 FE | size, 4 bytes, low first | 0D | MSGGET | length, 4 digits | id | AIM letter, modifier | 1D | code
//! ```
//!
//! The size counts from `MSGGET` on; the length is that of the code, its suffix counted. There is no
//! checksum. So that half a message is never taken for one together with the head of the next, a code
//! that holds 16 FE, or ends in 16, is not believed: the message is cut off there.

use crate::event::{Aim, Fault};
use crate::frame::Weight;

/// What a message begins with.
pub(super) const SYN: u8 = 0x16;
const MARK: u8 = 0xFE;
/// Behind the size.
const CR: u8 = 0x0D;
const COMMAND: &[u8] = b"MSGGET";
/// Between the parameters and the code.
const GS: u8 = 0x1D;

/// Two marks, the size, CR.
const HEAD: usize = 7;
/// `MSGGET`, four digits, code id, two of AIM, GS.
const PARAMETERS: usize = 14;
/// The most that four digits can say.
const LONGEST: usize = 9_999;

/// A code and what the scanner says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub id: u8,
    pub aim: Aim,
    /// The code, with the prefix and suffix that the scanner puts around it.
    pub data: &'a [u8],
}

/// Weighs bytes that begin with [`SYN`].
pub(super) fn weigh(head: &[u8]) -> Weight {
    let Some((marks, rest)) = head.split_at_checked(HEAD) else {
        let fits = head.get(1).is_none_or(|mark| *mark == MARK);
        return if fits { Weight::Maybe } else { Weight::Code };
    };
    let &[SYN, MARK, a, b, c, d, CR] = marks else { return Weight::Code };
    let size = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if !(PARAMETERS..=PARAMETERS + LONGEST).contains(&size) {
        return Weight::Code;
    }
    match rest.strip_prefix(COMMAND) {
        Some(parameters) => weigh_parameters(head, size, parameters),
        None if COMMAND.starts_with(rest) => Weight::Maybe,
        None => Weight::Code,
    }
}

/// From here on it is a message, or what is left of one.
fn weigh_parameters(head: &[u8], size: usize, parameters: &[u8]) -> Weight {
    let wrong = |(place, byte): (usize, &u8)| match place {
        0..4 => !byte.is_ascii_digit(),
        4 => !byte.is_ascii_graphic(),
        5 => !byte.is_ascii_alphabetic(),
        6 => !byte.is_ascii_alphanumeric(),
        7 => *byte != GS,
        _ => false,
    };
    if let Some(place) = parameters.iter().take(8).enumerate().position(wrong) {
        let at = HEAD + COMMAND.len() + place;
        return Weight::Damaged(at, Fault::Malformed { at });
    }
    let Some(length) = parameters.get(..4) else { return Weight::Begun };
    let length = length.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit & 0x0F));
    if PARAMETERS + length != size {
        return Weight::Damaged(head.len(), Fault::Malformed { at: 2 });
    }
    let Some(data) = head.get(HEAD + PARAMETERS..) else { return Weight::Begun };
    if let Some(next) = memchr::memmem::find(data, &[SYN, MARK]) {
        let bytes = HEAD + PARAMETERS + next;
        return Weight::Damaged(bytes, Fault::Partial { bytes });
    }
    if data.len() < length || (data.len() == length && data.last() == Some(&SYN)) {
        return Weight::Begun;
    }
    Weight::Whole(HEAD + size)
}

/// Reads a whole message.
pub(super) fn read(message: &[u8]) -> Option<Message<'_>> {
    let (parameters, data) = message.get(HEAD + COMMAND.len()..)?.split_at_checked(8)?;
    let &[_, _, _, _, id, code, modifier, GS] = parameters else { return None };
    Some(Message { id, aim: Aim { code, modifier }, data })
}

/// Whether a line is what is left of a message whose head was damaged: up to the CR behind its size, or
/// from there on.
pub(super) fn is_scrap(line: &[u8]) -> bool {
    let digits = line.strip_prefix(COMMAND).and_then(|rest| rest.get(..4));
    let tail = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    tail || matches!(line, [SYN, _, _, _, 0, 0] | [_, MARK, _, _, 0, 0] | [MARK, _, _, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, data: &str) -> Vec<u8> {
        let payload = format!("MSGGET{:04}{id}\x1D{data}", data.len());
        let size = u32::try_from(payload.len()).unwrap().to_le_bytes();
        [&[SYN, MARK], &size[..], &[CR], payload.as_bytes()].concat()
    }

    /// What is said once so many bytes have come, each time it changes.
    fn weighed(bytes: &[u8]) -> Vec<(usize, Weight)> {
        let mut all: Vec<(usize, Weight)> = Vec::new();
        for count in 1..=bytes.len() {
            let weight = weigh(&bytes[..count]);
            if all.last().is_none_or(|(_, last)| *last != weight) {
                all.push((count, weight));
            }
        }
        all
    }

    #[test]
    fn a_message_of_a_public_utility() {
        // A Code 39 with two codes in it, in a comment of a utility for Honeywell's wearable scanners.
        let sample = b"\x16\xFE$\0\0\0\rMSGGET0022IC1\x1D1012345678\x1D2187654321\r";
        let want = [(1, Weight::Maybe), (13, Weight::Begun), (43, Weight::Whole(43))];
        assert_eq!(weighed(sample), want);
        let read = read(sample).unwrap();
        assert_eq!((read.id, read.aim.to_string().as_str()), (b'I', "]C1"));
        assert_eq!(read.data, b"1012345678\x1D2187654321\r");
    }

    #[test]
    fn what_is_wrong_is_told_as_soon_as_it_shows() {
        let good = message("dE0", "4006381333931\r");
        let with = |place: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[place] = byte;
            weighed(&bytes).last().copied().unwrap()
        };
        for (name, place, byte, want) in [
            ("no second mark", 1, b'x', (2, Weight::Code)),
            ("too long to be one", 4, 1, (7, Weight::Code)),
            ("no CR behind the size", 6, b'x', (7, Weight::Code)),
            ("another command", 12, b'X', (13, Weight::Code)),
        ] {
            assert_eq!(with(place, byte), want, "{name}");
        }
        for (name, place, byte, at) in [
            ("no digit in the length", 14, b'x', 14),
            ("no id", 17, 0, 17),
            ("no letter of AIM", 18, b'1', 18),
            ("no modifier", 19, b']', 19),
            ("no GS", 20, b'x', 20),
        ] {
            let weight = weigh(&{
                let mut bytes = good[..=place].to_vec();
                bytes[place] = byte;
                bytes
            });
            assert_eq!(weight, Weight::Damaged(at, Fault::Malformed { at }), "{name}");
        }
        let mut longer = good.clone();
        longer[16] = b'5';
        assert_eq!(weigh(&longer[..17]), Weight::Damaged(17, Fault::Malformed { at: 2 }));
    }

    #[test]
    fn half_a_message_does_not_take_the_next_one_with_it() {
        let good = message("dE0", "4006381333931\r");
        for cut in 21..good.len() {
            let both = [&good[..cut], good.as_slice()].concat();
            let weight = weighed(&both)
                .into_iter()
                .find(|(_, weight)| !matches!(weight, Weight::Maybe | Weight::Begun));
            assert_eq!(
                weight,
                Some((cut + 2, Weight::Damaged(cut, Fault::Partial { bytes: cut })))
            );
        }
        let odd = message("sQ1", "a\x16");
        assert_eq!(weigh(&odd), Weight::Begun, "it may be the mark of the next one");
        assert_eq!(weigh(&[odd.as_slice(), b"b"].concat()), Weight::Whole(odd.len()));
        assert_eq!(weigh(&message("sQ1", "")), Weight::Whole(21), "no code at all");
    }
}
