//! Checksums of frames.
//!
//! Contract: pure. Frames that carry one are short, so a table would cost more than it saves.

/// CRC-16/XMODEM: polynomial 1021, start 0, most significant bit first.
#[must_use]
pub fn xmodem(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The 16-bit number that makes the sum of all bytes zero: their sum's two's complement.
#[must_use]
pub fn complement(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add((*byte).into())).wrapping_neg()
}

/// CRC-16/KERMIT: polynomial 1021 reflected (8408), start 0, least significant bit first.
#[must_use]
pub fn kermit(bytes: &[u8]) -> u16 {
    kermit_from(0, bytes)
}

/// The same over what follows bytes whose checksum is `crc`.
#[must_use]
pub fn kermit_from(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0x8408 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value() {
        assert_eq!(xmodem(b"123456789"), 0x31C3);
        assert_eq!(xmodem(b""), 0);
        assert_eq!(kermit(b"123456789"), 0x2189);
        assert_eq!(kermit_from(kermit(b"12345"), b"6789"), 0x2189);
    }

    #[test]
    fn a_sum_and_its_complement_are_zero() {
        assert_eq!(complement(b""), 0);
        assert_eq!(complement(&[0x04, 0xD0, 0x04, 0x00]), 0xFF28);
        assert_eq!(complement(&[0xFF; 257]), 0x00FF_u16.wrapping_mul(257).wrapping_neg());
    }
}
