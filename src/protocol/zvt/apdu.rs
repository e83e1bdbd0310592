//! The unit of the dialogue: two bytes that say what it is, a length, data (PA00P015, chapter 2).

use zeroize::Zeroize;

/// A length byte that says: the length stands in the two bytes behind it, low byte first.
const LONG: u8 = 0xFF;

/// What an APDU is: class and instruction.
pub(super) type Control = (u8, u8);

/// An APDU. Its data is wiped with it: it may name a card.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Apdu {
    /// What it is.
    pub(super) control: Control,
    /// What it carries.
    pub(super) data: Vec<u8>,
}

impl Apdu {
    /// An APDU.
    #[must_use]
    pub(super) fn new(control: Control, data: impl Into<Vec<u8>>) -> Self {
        Self { control, data: data.into() }
    }

    /// Reads one from the data of a frame; the number is the place of the first byte that is wrong.
    ///
    /// # Errors
    ///
    /// Where the length does not fit.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, usize> {
        let (class, instruction, data) = match bytes {
            [class, instruction, LONG, low, high, data @ ..] => {
                let length = usize::from(u16::from_le_bytes([*low, *high]));
                (class, instruction, data.get(..length).filter(|_| length == data.len()))
            }
            [class, instruction, length, data @ ..] if *length != LONG => {
                let length = usize::from(*length);
                (class, instruction, data.get(..length).filter(|_| length == data.len()))
            }
            _ => return Err(bytes.len().min(2)),
        };
        Ok(Self { control: (*class, *instruction), data: data.ok_or(2_usize)?.to_vec() })
    }

    /// The bytes, as they go into a frame.
    #[must_use]
    pub(super) fn encode(&self) -> Vec<u8> {
        let (class, instruction) = self.control;
        let mut bytes = vec![class, instruction];
        match u8::try_from(self.data.len()) {
            Ok(length) if length != LONG => bytes.push(length),
            _ => {
                let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
                bytes.push(LONG);
                bytes.extend(length.to_le_bytes());
            }
        }
        bytes.extend(&self.data);
        bytes
    }
}

impl std::fmt::Debug for Apdu {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (class, instruction) = self.control;
        write!(formatter, "{class:02X} {instruction:02X} <{} secret bytes>", self.data.len())
    }
}

impl Drop for Apdu {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_short_and_long() {
        for length in [0, 1, 254, 255, 256, 1000] {
            let apdu = Apdu::new((0x06, 0xD3), vec![7; length]);
            assert_eq!(Apdu::decode(&apdu.encode()), Ok(apdu), "{length}");
        }
        for wrong in
            [&[][..], &[0x80], &[0x80, 0], &[0x80, 0, 1], &[0x80, 0, 0, 1], &[4, 15, 255, 1]]
        {
            assert!(Apdu::decode(wrong).is_err(), "{wrong:02X?}");
        }
    }
}
