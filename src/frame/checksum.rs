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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value() {
        assert_eq!(xmodem(b"123456789"), 0x31C3);
        assert_eq!(xmodem(b""), 0);
    }
}
