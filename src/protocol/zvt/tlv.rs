//! Tagged data in containers (PA00P015, chapter "TLV-container"): tags of one to three bytes, lengths of
//! one to three, values that may be containers themselves.

/// The low five bits all set: the tag has a second byte.
const LONG_TAG: u8 = 0x1F;
/// In a second byte: the tag has a third.
const LONGER_TAG: u8 = 0x80;

/// One entry: its tag and its value.
pub(super) type Entry<'a> = (u32, &'a [u8]);

/// Takes the length that begins the bytes.
#[must_use]
pub(super) fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [short @ ..=0x7F, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, length, rest @ ..] => Some((usize::from(*length), rest)),
        [0x82, high, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

/// The entries of a container, up to the first that is cut off.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (entry, after) = next(rest)?;
        rest = after;
        Some(entry)
    })
}

/// The value of the first entry with this tag.
#[must_use]
pub(super) fn find(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    entries(bytes).find(|(found, _)| *found == tag).map(|(_, value)| value)
}

/// The entry that begins the bytes, and what stands behind it.
pub(super) fn next(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (tag, rest) = tag(bytes)?;
    let (length, rest) = length(rest)?;
    let (value, rest) = rest.split_at_checked(length)?;
    Some(((tag, value), rest))
}

fn tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let is_long = |first: u8| first & LONG_TAG == LONG_TAG;
    match bytes {
        [first, rest @ ..] if !is_long(*first) => Some((u32::from(*first), rest)),
        [first, second, rest @ ..] if second & LONGER_TAG == 0 => {
            Some((u32::from(u16::from_be_bytes([*first, *second])), rest))
        }
        [first, second, third, rest @ ..] => {
            Some((u32::from_be_bytes([0, *first, *second, *third]), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_lengths_of_every_size() {
        let bytes = [
            &[0x1F, 0x10, 0x01, 0x00][..],
            &[0x07, 0x81, 0x80],
            &[b'x'; 0x80],
            &[0x44, 0x82, 0x01, 0x00],
            &[b'y'; 0x100],
            // Portalum.Zvt, `TlvParserTest.cs`: a tag of three bytes.
            &[0x1F, 0x80, 0x00, 0x01, 0x01],
            &[0x1F, 0x07, 0x01, 0x02],
        ]
        .concat();
        let found: Vec<_> = entries(&bytes).map(|(tag, value)| (tag, value.len())).collect();
        assert_eq!(found, [(0x1F10, 1), (0x07, 0x80), (0x44, 0x100), (0x1F_8000, 1), (0x1F07, 1)]);
        assert_eq!(find(&bytes, 0x1F10), Some(&[0][..]));
    }

    #[test]
    fn what_is_cut_off_is_no_entry() {
        for bytes in [
            &[0x1F][..],
            &[0x1F, 0x80],
            &[0x1F, 0x80, 0x00],
            &[0x07],
            &[0x07, 0x02, 0x41],
            &[0x07, 0x83, 0, 0, 1, 0x41],
        ] {
            assert_eq!(entries(bytes).count(), 0, "{bytes:02X?}");
        }
    }
}
