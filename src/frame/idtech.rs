//! ID TECH's frames: `02 LENlo LENhi data LRC SUM 03`.
//!
//! Contract: pure, bounded. The LRC is the exclusive or of the data's bytes, the sum their low byte.
//!
//! Source: ID TECH, SecureMag user manual, 80096504-001, 10.4, and SREDKey 2 integration manual, section 9.

/// The first byte of a frame.
pub const START: u8 = 0x02;
const END: u8 = 0x03;

/// Start and length in front; LRC, sum and end behind.
const FRONT: usize = 3;
const OVERHEAD: usize = FRONT + 3;

/// Card encode type, track status and three lengths: no data is shorter.
const SHORTEST: usize = 5;
/// Three tracks of 255 bytes, twice, with all that can stand behind them.
const LONGEST: usize = 2 * 3 * 256 + 256;
/// The card encode types, without the bit that tells the formats apart.
const ENCODE_TYPES: std::ops::RangeInclusive<u8> = 0..=5;

/// What stands at the front of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// Too few bytes to tell.
    Open,
    /// The beginning of a frame whose end has not come.
    Begun,
    /// A frame of so many bytes, and the data in it.
    Frame(usize, &'a [u8]),
    /// A frame of so many bytes in all but its LRC and sum: those that it carries, and those of its data.
    Garbled {
        /// How many bytes.
        length: usize,
        /// LRC and sum as they came.
        got: u16,
        /// LRC and sum of the data.
        want: u16,
    },
    /// What begins like a frame, and has at this place no end.
    Unended(usize),
    /// No frame.
    None,
}

/// Says what stands at the front.
#[must_use]
pub fn front(bytes: &[u8]) -> Front<'_> {
    let (low, high, encode_type) = match bytes {
        [] | [START] | [START, _] | [START, _, _] => return Front::Open,
        [START, low, high, encode_type, ..] => (*low, *high, *encode_type),
        _ => return Front::None,
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    if !(SHORTEST..=LONGEST).contains(&length) || !ENCODE_TYPES.contains(&(encode_type & 0x7F)) {
        return Front::None;
    }
    let Some(frame) = bytes.get(..length + OVERHEAD) else { return Front::Begun };
    let data = frame.get(FRONT..FRONT + length).unwrap_or_default();
    let Some(&[lrc, sum, end]) = frame.last_chunk() else { return Front::Begun };
    if end != END {
        return Front::Unended(frame.len() - 1);
    }
    let (got, want) = (u16::from_be_bytes([lrc, sum]), check(data));
    match got == want {
        true => Front::Frame(frame.len(), data),
        false => Front::Garbled { length: frame.len(), got, want },
    }
}

fn check(data: &[u8]) -> u16 {
    let lrc = data.iter().fold(0, |lrc, byte| lrc ^ byte);
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    u16::from_be_bytes([lrc, sum])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A licence in clear: encode type 1, three tracks read, lengths 0, 4 and 0.
    const FRAME: &[u8] =
        &[0x02, 0x09, 0x00, 0x01, 0x3F, 0x00, 0x04, 0x00, b';', b'1', b'2', b'?', 0x3D, 0x21, 0x03];

    #[test]
    fn a_frame_and_what_is_none() {
        let with = |at: usize, byte: u8| {
            let mut bytes = FRAME.to_vec();
            bytes[at] = byte;
            bytes
        };
        assert_eq!(front(FRAME), Front::Frame(15, &FRAME[3..12]));
        assert_eq!(front(&[FRAME, &[0x02]].concat()), Front::Frame(15, &FRAME[3..12]));
        for (name, bytes, want) in [
            ("nothing", Vec::new(), Front::Open),
            ("a start", FRAME[..3].to_vec(), Front::Open),
            ("a beginning", FRAME[..14].to_vec(), Front::Begun),
            (
                "a wrong byte",
                with(9, b'3'),
                Front::Garbled { length: 15, got: 0x3D21, want: 0x3F23 },
            ),
            ("a wrong LRC", with(12, 0), Front::Garbled { length: 15, got: 0x0021, want: 0x3D21 }),
            ("a wrong sum", with(13, 0), Front::Garbled { length: 15, got: 0x3D00, want: 0x3D21 }),
            ("no end", with(14, 0), Front::Unended(14)),
            ("another start", with(0, 0), Front::None),
            ("a length of 4", with(1, 4), Front::None),
            ("a length past all bounds", with(2, 0x10), Front::None),
            ("no encode type", with(3, 0x06), Front::None),
        ] {
            assert_eq!(front(&bytes), want, "{name}");
        }
    }
}
