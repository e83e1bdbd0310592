//! BER-TLV as EMV has it.
//!
//! Contract: pure, on bytes, in one pass; a length that does not fit ends the walk with [`Damaged`].
//!
//! Source: EMV 4.3 Book 3, Annex B; ISO/IEC 8825-1 for the rules behind it.

/// One data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// Its tag, all its bytes in one number.
    pub tag: u32,
    /// Its value: further objects where the tag says "constructed".
    pub value: &'a [u8],
}

/// What follows is no data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// Walks over the data objects in a value.
#[derive(Clone, Debug)]
pub struct Objects<'a> {
    rest: &'a [u8],
}

impl<'a> Objects<'a> {
    /// Those in these bytes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn object(&mut self) -> Option<Object<'a>> {
        let tag = self.tag()?;
        let length = self.length()?;
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Object { tag, value })
    }

    /// Annex B1: where the last five bits of the first byte are set, more follow, the last of them
    /// without its highest bit.
    fn tag(&mut self) -> Option<u32> {
        let first = self.byte()?;
        let mut tag = u32::from(first);
        if first & 0x1F != 0x1F {
            return Some(tag);
        }
        for _ in 0..3 {
            let byte = self.byte()?;
            tag = tag << 8 | u32::from(byte);
            if byte & 0x80 == 0 {
                return Some(tag);
            }
        }
        None
    }

    /// Annex B2: a byte, or the number of bytes that hold it. The indefinite form is not EMV's.
    fn length(&mut self) -> Option<usize> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(usize::from(first));
        }
        let count = first & 0x7F;
        if !(1..=3).contains(&count) {
            return None;
        }
        (0..count).try_fold(0, |length, _| Some(length << 8 | usize::from(self.byte()?)))
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = Result<Object<'a>, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        // Annex B: zeros before, between and after objects have no meaning.
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        let object = self.object().ok_or(Damaged);
        if object.is_err() {
            self.rest = &[];
        }
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_where_they_end() {
        let long = [vec![0x61, 0x81, 0x80], vec![7; 128]].concat();
        let longer = [vec![0x61, 0x82, 0x01, 0x00], vec![7; 256]].concat();
        for (name, bytes, want) in [
            ("one byte of tag and length", &[0x4F, 2, 8, 9][..], Ok(vec![(0x4F, 2)])),
            ("two of tag", &[0x9F, 0x26, 1, 5], Ok(vec![(0x9F26, 1)])),
            ("three of tag", &[0xDF, 0x81, 0x01, 0], Ok(vec![(0xDF_81_01, 0)])),
            ("two of length", &long, Ok(vec![(0x61, 128)])),
            ("three of length", &longer, Ok(vec![(0x61, 256)])),
            (
                "zeros between and after",
                &[0x4F, 0, 0, 0, 0x50, 1, 65, 0],
                Ok(vec![(0x4F, 0), (0x50, 1)]),
            ),
            ("nothing", &[], Ok(vec![])),
            ("value cut off", &[0x4F, 2, 8], Err(Damaged)),
            ("length cut off", &[0x4F], Err(Damaged)),
            ("long length cut off", &[0x61, 0x82, 1], Err(Damaged)),
            ("tag cut off", &[0x9F], Err(Damaged)),
            ("tag without an end", &[0x9F, 0x81, 0x81, 0x81, 0x81, 1, 1], Err(Damaged)),
            ("indefinite length", &[0x61, 0x80, 0x4F, 0, 0, 0], Err(Damaged)),
            ("length of four bytes", &[0x61, 0x84, 0, 0, 0, 1, 7], Err(Damaged)),
        ] {
            let found: Result<Vec<_>, _> = Objects::of(bytes)
                .map(|object| object.map(|object| (object.tag, object.value.len())))
                .collect();
            assert_eq!(found, want, "{name}");
        }
    }

    #[test]
    fn after_damage_nothing_more_is_found() {
        let mut objects = Objects::of(&[0x4F, 9, 0x50, 1, 65]);
        assert_eq!((objects.next(), objects.next()), (Some(Err(Damaged)), None));
    }
}
