//! [`Parts`]: a code that is longer than a packet, as it comes in several.
//!
//! Contract: pure and bounded. Parts come in their order or not at all: a code with a part missing is
//! never handed out.

use crate::event::{Fault, Timestamp};
use crate::frame::Buffer;

/// A code under way.
#[derive(Debug)]
pub(super) struct Parts {
    /// The code type, the same in each part.
    pub(super) code_type: u8,
    pub(super) data: Buffer,
    /// When the first byte of the first part came.
    pub(super) first: Timestamp,
    /// When the last byte of the last part came.
    pub(super) last: Timestamp,
    /// What is known of the parts to come, where they are numbered.
    pub(super) numbered: Option<Numbered>,
    /// Too long, or a part is missing: nothing but its end is of interest.
    pub(super) lost: bool,
}

/// The rest of a code that comes in numbered segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The number of the next segment.
    pub(super) next: u8,
    /// The length of the whole code.
    pub(super) length: usize,
}

impl Parts {
    pub(super) fn new(code_type: u8, first: Timestamp, numbered: Option<Numbered>) -> Self {
        let data = Buffer::default();
        Self { code_type, data, first, last: first, numbered, lost: false }
    }

    /// Appends a part; the first one past the bound is a fault.
    pub(super) fn extend(
        &mut self,
        last: Timestamp,
        data: &[u8],
        limit: usize,
    ) -> Result<(), Fault> {
        self.last = last;
        if self.lost {
            return Ok(());
        }
        if self.data.len() + data.len() > limit {
            self.lose();
            return Err(Fault::Overlong { limit });
        }
        self.data.extend(data);
        Ok(())
    }

    /// Drops what has come; the code is not to be had any more.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.data.clear();
    }
}

/// The beginning of a segmented code, as it stands in the first segment:
/// `DECODE_DATA source status LENGTH(2) TYPE 01 LENGTH(2) data…`.
///
/// Source: a captured conversation in the tests of enioka_scan. The first length is that of the rest
/// but for the type; what 01 is, is not documented: as a count of codes it can be nothing else here.
pub(super) fn first_segment(data: &[u8]) -> Option<(u8, usize, &[u8])> {
    match data {
        [super::wire::DECODE_DATA, _, _, _, _, code_type, 0x01, high, low, data @ ..] => {
            Some((*code_type, u16::from_be_bytes([*high, *low]).into(), data))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_past_its_bound_is_one_fault_and_no_data() {
        let mut parts = Parts::new(0x1C, Timestamp(1), None);
        assert_eq!(parts.extend(Timestamp(2), b"abc", 4), Ok(()));
        assert_eq!(parts.extend(Timestamp(3), b"de", 4), Err(Fault::Overlong { limit: 4 }));
        assert_eq!(parts.extend(Timestamp(4), b"f", 4), Ok(()));
        assert_eq!((parts.lost, parts.data.len(), parts.last), (true, 0, Timestamp(4)));
    }

    #[test]
    fn the_first_segment_names_type_and_length() {
        let captured = [0xF3, 0x00, 0x00, 0x01, 0xF7, 0x1C, 0x01, 0x01, 0xF4, b'Z', b'Z'];
        assert_eq!(first_segment(&captured), Some((0x1C, 500, &b"ZZ"[..])));
        for wrong in [&captured[..8], &captured[1..], &[]] {
            assert_eq!(first_segment(wrong), None, "{wrong:02X?}");
        }
    }
}
