//! The message in which udev tells its listeners of a device.
//!
//! Contract: pure. A message is the header below and, where it says, `KEY=value` strings ended by
//! NUL each. The format is systemd's own, stable since its version 2 magic (`sd-device`); integers
//! are the machine's but for the magic, which is big-endian. What does not fit is no message.

/// What every message starts with.
const PREFIX: &[u8; 8] = b"libudev\0";

/// The magic of format version 2, at [`MAGIC_AT`], big-endian.
const MAGIC: u32 = 0xFEED_CAFE;

const MAGIC_AT: usize = 8;
const HEADER_SIZE_AT: usize = 12;
const PROPERTIES_OFFSET_AT: usize = 16;
const PROPERTIES_LENGTH_AT: usize = 20;

/// Up to the end of the fields used here; two filter hashes and a bloom filter follow.
const HEADER_SIZE: usize = 24;

/// A message, its properties unparsed until asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    properties: &'a [u8],
}

impl<'a> Message<'a> {
    /// Recognises a message; `None` for anything foreign, cut off or malformed.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        if !datagram.starts_with(PREFIX) || number(datagram, MAGIC_AT)? != MAGIC.to_be() {
            return None;
        }
        let header = usize::try_from(number(datagram, HEADER_SIZE_AT)?).ok()?;
        let offset = usize::try_from(number(datagram, PROPERTIES_OFFSET_AT)?).ok()?;
        let length = usize::try_from(number(datagram, PROPERTIES_LENGTH_AT)?).ok()?;
        if header < HEADER_SIZE || offset < header {
            return None;
        }
        let properties = datagram.get(offset..offset.checked_add(length)?)?;
        // Cut off within a value, it could pass for a shorter one.
        (properties.last() == Some(&0)).then_some(Self { properties })
    }

    /// The value of a property, where the message has it in UTF-8.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&'a str> {
        self.properties.split(|byte| *byte == 0).find_map(|line| {
            let value = line.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
            std::str::from_utf8(value).ok()
        })
    }
}

/// A number in the machine's byte order.
fn number(datagram: &[u8], at: usize) -> Option<u32> {
    let bytes = datagram.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROPERTIES: &[u8] = b"ACTION=add\0DEVNAME=/dev/ttyUSB0\0SUBSYSTEM=tty\0SEQNUM=4711\0";

    /// A message as udev would send it, the fields up to the test.
    fn message(magic: u32, header: u32, offset: u32, length: u32, properties: &[u8]) -> Vec<u8> {
        let mut bytes = PREFIX.to_vec();
        bytes.extend(magic.to_be_bytes());
        bytes.extend([header, offset, length].into_iter().flat_map(u32::to_ne_bytes));
        bytes.extend([0; 16]);
        bytes.extend(properties);
        bytes
    }

    fn length() -> u32 {
        u32::try_from(PROPERTIES.len()).unwrap()
    }

    #[test]
    fn properties_are_found_by_their_whole_name() {
        let bytes = message(MAGIC, 40, 40, length(), PROPERTIES);
        let message = Message::parse(&bytes).unwrap();
        let rows = [
            ("ACTION", Some("add")),
            ("DEVNAME", Some("/dev/ttyUSB0")),
            ("SEQNUM", Some("4711")),
            ("DEV", None),
            ("add", None),
            ("", None),
        ];
        for (key, want) in rows {
            assert_eq!(message.property(key), want, "{key}");
        }
    }

    #[test]
    fn what_is_no_message_is_ignored() {
        let cut = &PROPERTIES[..PROPERTIES.len() - 1];
        let rows = [
            ("nothing", vec![]),
            ("the kernel's own message", b"add@/devices/x\0ACTION=add\0".to_vec()),
            ("a prefix and no more", PREFIX.to_vec()),
            ("version 1", message(0xCAFE_1DEA, 40, 40, length(), PROPERTIES)),
            (
                "the magic in the machine's order",
                message(MAGIC.swap_bytes(), 40, 40, length(), PROPERTIES),
            ),
            ("a header shorter than its fields", message(MAGIC, 23, 40, length(), PROPERTIES)),
            ("properties within the header", message(MAGIC, 40, 39, length(), PROPERTIES)),
            ("properties past the end", message(MAGIC, 40, 40, length() + 1, PROPERTIES)),
            ("an offset past the end", message(MAGIC, 40, 4000, length(), PROPERTIES)),
            ("an offset that overflows", message(MAGIC, 40, u32::MAX, u32::MAX, PROPERTIES)),
            ("no properties", message(MAGIC, 40, 40, 0, b"")),
            ("a last value without its end", message(MAGIC, 40, 40, length() - 1, cut)),
        ];
        for (name, bytes) in rows {
            assert_eq!(Message::parse(&bytes), None, "{name}");
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let whole = message(MAGIC, 40, 40, length(), PROPERTIES);
        for end in 0..whole.len() {
            assert_eq!(Message::parse(&whole[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn a_value_that_is_not_utf_8_is_as_good_as_absent() {
        let bytes = message(MAGIC, 40, 40, 8, b"A=\xFF\xFE\0B=\0");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.property("A"), message.property("B")), (None, Some("")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut prefixed = PREFIX.to_vec();
            prefixed.extend(MAGIC.to_be_bytes());
            prefixed.extend(bytes);
            if let Some(message) = Message::parse(&prefixed) {
                let _ = message.property("ACTION");
            }
        }
    }
}
