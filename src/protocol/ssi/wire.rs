//! SSI packets as they stand on the wire, and what their numbers mean.
//!
//! Contract: pure. `LENGTH OPCODE SOURCE STATUS DATA… CHECKSUM(2)`: the length counts all but the
//! checksum, the checksum is the two's complement of the sum of all bytes before it.

use crate::event::Symbology;
use crate::frame::checksum;
use crate::frame::packet::{Front, Place};

/// Length, opcode, source and status: no packet is shorter.
const SHORTEST: u8 = 4;

/// Who sends a packet.
const DECODER: u8 = 0x00;
const HOST: u8 = 0x04;
/// What stands in place of the source in the first segment of several.
const FIRST_SEGMENT: u8 = 0x02;

/// Bits of the status.
pub(super) const RETRANSMITTED: u8 = 0x01;
pub(super) const CONTINUED: u8 = 0x02;
/// Bits that no source has seen set: 01, 02 and 08 are documented, 20 and 80 have been captured.
const NEVER_SEEN: u8 = 0x54;

pub(super) const MULTIPACKET_SEGMENT: u8 = 0x73;
pub(super) const MULTIPACKET_ACK: u8 = 0x74;
pub(super) const REPLY_REVISION: u8 = 0xA4;
pub(super) const REPLY_ID: u8 = 0xA6;
pub(super) const CAPABILITIES_REPLY: u8 = 0xD4;
pub(super) const SCANNER_INIT: u8 = 0x91;
pub(super) const PARAM_SEND: u8 = 0xC6;
pub(super) const CMD_ACK: u8 = 0xD0;
pub(super) const CMD_NAK: u8 = 0xD1;
pub(super) const START_SESSION: u8 = 0xE4;
pub(super) const STOP_SESSION: u8 = 0xE5;
pub(super) const BEEP: u8 = 0xE6;
pub(super) const SCAN_ENABLE: u8 = 0xE9;
pub(super) const SCAN_DISABLE: u8 = 0xEA;
pub(super) const DECODE_DATA: u8 = 0xF3;
pub(super) const EVENT: u8 = 0xF6;

/// Larger things than codes, which nobody here has asked for: log, management, image, video, batch.
pub(super) const UNWANTED: [u8; 5] = [0x14, 0x80, 0xB1, 0xB4, 0xD6];

/// All that a decoder is known to send.
const FROM_DECODER: [u8; 10] = [
    MULTIPACKET_SEGMENT,
    REPLY_REVISION,
    REPLY_ID,
    CAPABILITIES_REPLY,
    SCANNER_INIT,
    PARAM_SEND,
    CMD_ACK,
    CMD_NAK,
    DECODE_DATA,
    EVENT,
];

/// Why a packet is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its checksum is wrong: it is to be sent again.
    Resend = 0x01,
    /// It was not to be expected, or is not known.
    BadContext = 0x02,
    /// It is understood and not wanted.
    Denied = 0x06,
}

/// A packet from a decoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) opcode: u8,
    pub(super) status: u8,
    pub(super) data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The parts of a packet that [`weigh`] has found to be one.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [_, opcode, _, status, data @ .., _, _] => {
                Some(Self { opcode: *opcode, status: *status, data })
            }
            _ => None,
        }
    }
}

/// What stands at the front of bytes from a decoder.
///
/// Where a packet is due, any opcode will do, so that an unknown one is answered. Elsewhere only known
/// opcodes and status bits are a beginning: the two bytes behind the length of every DECODE_DATA are
/// zeros, so that a packet whose checksum is wrong would else be taken for the beginning of the next.
pub(super) fn weigh(bytes: &[u8], place: Place) -> Front {
    let header = bytes.get(..SHORTEST.into()).unwrap_or(bytes);
    let sure = place == Place::Boundary;
    let plausible = match *header {
        [length, ..] if length < SHORTEST => false,
        [_] => true,
        [_, opcode] => sure || is_known(opcode),
        [_, opcode, source] => (sure || is_known(opcode)) && is_source(opcode, source),
        [_, opcode, source, status, ..] => {
            let known = is_known(opcode) && status & NEVER_SEEN == 0;
            (sure || known) && is_source(opcode, source)
        }
        [] => false,
    };
    if !plausible {
        return Front::Noise;
    }
    let length = bytes.first().map_or(0, |length| usize::from(*length));
    let Some((body, [high, low])) = bytes.get(..length + 2).and_then(<[u8]>::split_last_chunk)
    else {
        return Front::Open;
    };
    let (got, want) = (u16::from_be_bytes([*high, *low]), checksum::complement(body));
    if got == want {
        Front::Packet(length + 2)
    } else {
        Front::Garbled { length: length + 2, got: got.into(), want: want.into() }
    }
}

fn is_known(opcode: u8) -> bool {
    FROM_DECODER.contains(&opcode) || UNWANTED.contains(&opcode)
}

fn is_source(opcode: u8, source: u8) -> bool {
    source == DECODER || (opcode == MULTIPACKET_SEGMENT && source == FIRST_SEGMENT)
}

/// A packet from us. What we send is short.
pub(super) fn compose(opcode: u8, status: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX).saturating_add(SHORTEST);
    let mut packet = vec![length, opcode, HOST, status];
    packet.extend_from_slice(data);
    let sum = checksum::complement(&packet).to_be_bytes();
    packet.extend(sum);
    packet
}

/// The symbology that a code type names. Type 00 is for none.
pub(super) fn symbology(code_type: u8) -> Option<Symbology> {
    if code_type == 0 {
        return None;
    }
    let row = CODE_TYPES.iter().find(|(number, _)| *number == code_type);
    Some(row.map_or(Symbology::Unknown, |(_, symbology)| *symbology))
}

/// The code types, by number. What says no more than that data was parsed, or which symbology is not
/// certain, is left out: coupon (17), UPC-D (14), Chinese 2 of 5 (72), parsed contents (B0 to B3).
const CODE_TYPES: &[(u8, Symbology)] = &[
    (0x01, Symbology::Code39),
    (0x02, Symbology::Codabar),
    (0x03, Symbology::Code128),
    (0x04, Symbology::TwoOfFive),
    (0x05, Symbology::TwoOfFive), // IATA
    (0x06, Symbology::Itf),
    (0x07, Symbology::Code93),
    (0x08, Symbology::UpcA),
    (0x09, Symbology::UpcE),
    (0x0A, Symbology::Ean8),
    (0x0B, Symbology::Ean13),
    (0x0C, Symbology::Code11),
    (0x0D, Symbology::Code49),
    (0x0E, Symbology::Msi),
    (0x0F, Symbology::Gs1Code128),
    (0x10, Symbology::UpcE), // of number system 1
    (0x11, Symbology::Pdf417),
    (0x12, Symbology::Code16K),
    (0x13, Symbology::Code39), // full ASCII
    (0x15, Symbology::Trioptic39),
    (0x16, Symbology::Ean13),   // Bookland
    (0x18, Symbology::Codabar), // as NW-7
    (0x19, Symbology::Isbt128),
    (0x1A, Symbology::MicroPdf417),
    (0x1B, Symbology::DataMatrix),
    (0x1C, Symbology::Qr),
    (0x1D, Symbology::CompositeA),
    (0x1E, Symbology::UsPostnet),
    (0x1F, Symbology::UsPlanet),
    (0x20, Symbology::Code32),
    (0x21, Symbology::Isbt128), // concatenated
    (0x22, Symbology::JapanPost),
    (0x23, Symbology::AustraliaPost),
    (0x24, Symbology::DutchKix),
    (0x25, Symbology::MaxiCode),
    (0x26, Symbology::CanadaPost),
    (0x27, Symbology::UkPost),
    (0x28, Symbology::Pdf417), // macro
    (0x29, Symbology::Qr),     // structured append
    (0x2C, Symbology::MicroQr),
    (0x2D, Symbology::Aztec),
    (0x2E, Symbology::Aztec), // rune
    (0x30, Symbology::Databar),
    (0x31, Symbology::DatabarLimited),
    (0x32, Symbology::DatabarExpanded),
    (0x34, Symbology::UsIntelligentMail),
    (0x36, Symbology::Ean13), // ISSN
    (0x39, Symbology::MatrixTwoOfFive),
    (0x48, Symbology::UpcAAddOn), // two digits, as to 50
    (0x49, Symbology::UpcEAddOn),
    (0x4A, Symbology::Ean8AddOn),
    (0x4B, Symbology::Ean13AddOn),
    (0x50, Symbology::UpcEAddOn),
    (0x51, Symbology::CompositeA), // with GS1-128, EAN-13, EAN-8, DataBar …, UPC-E, to 58
    (0x52, Symbology::CompositeA),
    (0x53, Symbology::CompositeA),
    (0x54, Symbology::CompositeA),
    (0x55, Symbology::CompositeA),
    (0x56, Symbology::CompositeA),
    (0x57, Symbology::CompositeA),
    (0x58, Symbology::CompositeA),
    (0x59, Symbology::CompositeC),
    (0x5A, Symbology::Tlc39),
    (0x61, Symbology::CompositeB), // the same, to 68
    (0x62, Symbology::CompositeB),
    (0x63, Symbology::CompositeB),
    (0x64, Symbology::CompositeB),
    (0x65, Symbology::CompositeB),
    (0x66, Symbology::CompositeB),
    (0x67, Symbology::CompositeB),
    (0x68, Symbology::CompositeB),
    (0x73, Symbology::KoreaPost),
    (0x88, Symbology::UpcAAddOn), // five digits, as to 90
    (0x89, Symbology::UpcEAddOn),
    (0x8A, Symbology::Ean8AddOn),
    (0x8B, Symbology::Ean13AddOn),
    (0x90, Symbology::UpcEAddOn),
    (0x9A, Symbology::MicroPdf417), // macro
    (0xA0, Symbology::OcrB),
    (0xA1, Symbology::Ocr),
    (0xB4, Symbology::Databar), // a coupon
    (0xB7, Symbology::HanXin),
    (0xC1, Symbology::Gs1DataMatrix),
    (0xC2, Symbology::Gs1Qr),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_by_source() {
        let rows: &[(&str, Vec<u8>, &[u8])] = &[
            ("SSI guide: ACK", compose(CMD_ACK, 0, &[]), &[0x04, 0xD0, 0x04, 0x00, 0xFF, 0x28]),
            (
                "SSI guide: NAK, resend",
                compose(CMD_NAK, 0, &[Cause::Resend as u8]),
                &[0x05, 0xD1, 0x04, 0x00, 0x01, 0xFF, 0x25],
            ),
            (
                "SSI guide: NAK, bad context",
                compose(CMD_NAK, 0, &[Cause::BadContext as u8]),
                &[0x05, 0xD1, 0x04, 0x00, 0x02, 0xFF, 0x24],
            ),
            (
                "SSI guide: NAK, denied",
                compose(CMD_NAK, 0, &[Cause::Denied as u8]),
                &[0x05, 0xD1, 0x04, 0x00, 0x06, 0xFF, 0x20],
            ),
            (
                "enioka: START_SESSION",
                compose(START_SESSION, 0, &[]),
                &[0x04, 0xE4, 0x04, 0x00, 0xFF, 0x14],
            ),
            (
                "enioka: STOP_SESSION",
                compose(STOP_SESSION, 0, &[]),
                &[0x04, 0xE5, 0x04, 0x00, 0xFF, 0x13],
            ),
            (
                "enioka: SCAN_ENABLE, permanent",
                compose(SCAN_ENABLE, 0x08, &[]),
                &[0x04, 0xE9, 0x04, 0x08, 0xFF, 0x07],
            ),
            ("enioka: REQUEST_REVISION", compose(0xA3, 0, &[]), &[4, 0xA3, 4, 0, 0xFF, 0x55]),
            ("enioka: LED_ON", compose(0xE7, 0, &[1]), &[5, 0xE7, 4, 0, 1, 0xFF, 0x0F]),
            ("enioka: LED_OFF", compose(0xE8, 0, &[1]), &[5, 0xE8, 4, 0, 1, 0xFF, 0x0E]),
            (
                "DS8108 guide p. 5-9: query packet size",
                compose(0x80, 0, &[0x00, 0x06, 0x20, 0x00, 0xFF, 0xFF]),
                &[0x0A, 0x80, 0x04, 0x00, 0x00, 0x06, 0x20, 0x00, 0xFF, 0xFF, 0xFD, 0x4E],
            ),
        ];
        for (name, got, want) in rows {
            assert_eq!(got, want, "{name}");
        }
    }

    #[test]
    fn packets_of_decoders_by_source() {
        let decode = b"\x12\xF3\x00\x00\x0B5901234123457\xFC\x52";
        let rows: &[(&str, &[u8])] = &[
            ("EAN-13, checksum by rule", decode),
            ("enioka: PARAM_SEND, a word", b"\x0A\xC6\x00\x00\xFF\xF4\xF0\x3E\x04\xFF\xFB\x0C"),
            ("enioka: PARAM_SEND, two bytes", b"\x09\xC6\x00\x00\xFF\x01\x00\x9C\x07\xFD\x8E"),
            (
                "DS8108 guide p. 5-9: packet size",
                b"\x0C\x80\x00\x00\x00\x08\x20\x00\x00\xF0\x00\xF0\xFD\x6C",
            ),
        ];
        for (name, bytes) in rows {
            for place in [Place::Boundary, Place::Anywhere] {
                assert_eq!(weigh(bytes, place), Front::Packet(bytes.len()), "{name}");
                for cut in 1..bytes.len() {
                    assert_eq!(weigh(&bytes[..cut], place), Front::Open, "{name}, first {cut}");
                }
            }
        }
        let mut garbled = decode.to_vec();
        garbled[7] ^= 1;
        assert!(matches!(weigh(&garbled, Place::Boundary), Front::Garbled { got: 0xFC52, .. }));
        for at in 1..decode.len() - 1 {
            assert_eq!(weigh(&decode[at..], Place::Anywhere), Front::Noise, "inside, from {at}");
        }
    }

    #[test]
    fn code_types_name_symbologies() {
        for (code_type, word) in [
            (0x0B, "ean-13"),
            (0x08, "upc-a"),
            (0x4B, "ean-13-add-on"),
            (0x0F, "gs1-128"),
            (0x1C, "qr"),
            (0xC2, "gs1-qr"),
            (0x17, "unknown"),
            (0xFE, "unknown"),
        ] {
            assert_eq!(symbology(code_type).unwrap().word(), word, "{code_type:02X}");
        }
        assert_eq!(symbology(0), None);
        assert!(
            CODE_TYPES.is_sorted_by(|one, other| one.0 < other.0),
            "one row for each, in order"
        );
    }
}
