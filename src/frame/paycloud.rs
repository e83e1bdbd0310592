//! The packets of the serial link between a POS and a WiseCashier or CodePay terminal.
//!
//! Contract: pure. What the data of a packet mean is the business of the protocols that use the link.
//!
//! Source: paycloud and CodePay, "Serial communication protocol", "Message structure"; the delimiters are
//! bytes and nothing in between is escaped, so the length alone tells where a packet ends.
//!
//! ```text
//! 55 AA | type | ack | id | length, 2 bytes, high first | data | XOR of type to data | CC 33
//! ```

use crate::frame::packet::{Front, Place};

/// What a packet begins and ends with.
const START: [u8; 2] = [0x55, 0xAA];
const END: [u8; 2] = [0xCC, 0x33];
/// Start, type, ack, id, length.
const HEADER: usize = 7;
/// The checksum and the end.
const TRAILER: usize = 3;
/// The most data that a packet may have. The document gives its longest message with as many bytes and
/// does not say whether the header counts.
pub const LONGEST: usize = 1_024;

/// The types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data, an acknowledgement, or a sign of life.
    Normal = 0,
    /// The POS greets.
    Handshake = 1,
    /// The terminal has heard that.
    Confirmation = 2,
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub kind: Kind,
    /// The id of the last packet with data that has come well; 0 says nothing.
    pub ack: u8,
    /// Its own id, from 1 to 255 and from 1 again; 0 where it has no data.
    pub id: u8,
    /// What it carries.
    pub data: &'a [u8],
}

impl Packet<'static> {
    /// A packet without data.
    #[must_use]
    pub fn empty(kind: Kind) -> Self {
        Self { kind, ack: 0, id: 0, data: &[] }
    }

    /// The acknowledgement of a packet with this id.
    #[must_use]
    pub fn acknowledging(id: u8) -> Self {
        Self { ack: id, ..Self::empty(Kind::Normal) }
    }
}

impl<'a> Packet<'a> {
    /// Its bytes; data past [`LONGEST`] are left out.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let data = self.data.get(..LONGEST).unwrap_or(self.data);
        let [high, low] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
        let body = [&[self.kind as u8, self.ack, self.id, high, low], data].concat();
        [&START, body.as_slice(), &[xor(&body)], &END].concat()
    }

    /// Reads a whole packet, as [`weigh`] has found one.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let &[_, _, kind, ack, id, _, _] = header else { return None };
        let data = rest.get(..rest.len().checked_sub(TRAILER)?)?;
        Some(Self { kind: kind_of(kind)?, ack, id, data })
    }
}

fn kind_of(byte: u8) -> Option<Kind> {
    [Kind::Normal, Kind::Handshake, Kind::Confirmation].into_iter().find(|kind| *kind as u8 == byte)
}

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Says what stands at the front of bytes.
///
/// Its two delimiters make a packet as likely anywhere as where one is due.
#[must_use]
pub fn weigh(bytes: &[u8], _place: Place) -> Front {
    if !START.iter().zip(bytes).all(|(want, got)| want == got) {
        return Front::Noise;
    }
    if bytes.get(2).is_some_and(|kind| kind_of(*kind).is_none()) {
        return Front::Noise;
    }
    let Some(&[_, _, _, _, _, high, low]) = bytes.first_chunk::<HEADER>() else {
        return Front::Open;
    };
    let data = usize::from(u16::from_be_bytes([high, low]));
    if data > LONGEST {
        return Front::Noise;
    }
    let whole = HEADER + data + TRAILER;
    let Some((&[sum, end_0, end_1], body)) = bytes.get(START.len()..whole).and_then(|rest| {
        let (body, trailer) = rest.split_last_chunk::<TRAILER>()?;
        Some((trailer, body))
    }) else {
        return Front::Open;
    };
    if [end_0, end_1] != END {
        return Front::Noise;
    }
    let want = xor(body);
    if sum == want {
        Front::Packet(whole)
    } else {
        Front::Garbled { length: whole, got: sum.into(), want: want.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_the_document() {
        for (name, packet, bytes) in [
            (
                "CodePay: handshake message",
                Packet::empty(Kind::Handshake),
                [0x55, 0xAA, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0xCC, 0x33],
            ),
            (
                "CodePay: handshake confirmation message",
                Packet::empty(Kind::Confirmation),
                [0x55, 0xAA, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0xCC, 0x33],
            ),
            (
                "CodePay: heartbeat message",
                Packet::empty(Kind::Normal),
                [0x55, 0xAA, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xCC, 0x33],
            ),
            (
                "an acknowledgement, by the same rules",
                Packet::acknowledging(5),
                [0x55, 0xAA, 0x00, 0x05, 0x00, 0x00, 0x00, 0x05, 0xCC, 0x33],
            ),
        ] {
            assert_eq!(packet.bytes(), bytes, "{name}");
            assert_eq!(weigh(&bytes, Place::Boundary), Front::Packet(10), "{name}");
            assert_eq!(Packet::read(&bytes), Some(packet), "{name}");
        }
    }

    #[test]
    fn delimiters_among_the_data_are_data() {
        let data = [0x55, 0xAA, 0xCC, 0x33, 0x00];
        let packet = Packet { kind: Kind::Normal, ack: 1, id: 255, data: &data };
        let bytes = packet.bytes();
        for count in 1..bytes.len() {
            assert_eq!(weigh(&bytes[..count], Place::Anywhere), Front::Open, "{count}");
        }
        assert_eq!(weigh(&bytes, Place::Anywhere), Front::Packet(15));
        assert_eq!(Packet::read(&bytes), Some(packet));
    }

    #[test]
    fn what_is_no_packet() {
        let good = Packet { kind: Kind::Normal, ack: 0, id: 1, data: b"abc" }.bytes();
        let with = |place: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[place] = byte;
            weigh(&bytes, Place::Boundary)
        };
        for (name, place, byte, want) in [
            ("another start", 1, 0xAB, Front::Noise),
            ("an unknown type", 2, 3, Front::Noise),
            ("too long", 5, 0x05, Front::Noise),
            ("longer than it is", 6, 4, Front::Open),
            ("shorter than it is", 6, 2, Front::Noise),
            ("a wrong checksum", 10, 0xFF, Front::Garbled { length: 13, got: 0xFF, want: 0x62 }),
            ("wrong data", 7, b'b', Front::Garbled { length: 13, got: 0x62, want: 0x61 }),
            ("another end", 12, 0x34, Front::Noise),
        ] {
            assert_eq!(with(place, byte), want, "{name}");
        }
        let longest = [b'x'; LONGEST + 1];
        let packet = Packet { kind: Kind::Normal, ack: 0, id: 1, data: &longest };
        assert_eq!(packet.bytes().len(), HEADER + LONGEST + TRAILER);
    }
}
