//! What a UART hears of bytes that were sent at another speed.
//!
//! Contract: pure. The sender's line is drawn bit by bit and sampled in the middle of each bit of
//! the receiver's, as a UART does. A byte without a stop bit is heard all the same: a pty has no
//! way to mark it.

/// Start bit, eight data bits, stop bit.
const BITS: u64 = 10;

/// No real pair of speeds is further apart than this many percent and still understood.
const TOLERANCE: u32 = 4;

/// Whether a receiver at one speed understands a sender at the other.
pub(super) fn is_understood(sender: u32, receiver: u32) -> bool {
    u64::from(sender.abs_diff(receiver)) * 100 <= u64::from(TOLERANCE) * u64::from(sender)
}

/// What is heard at `receiver` baud of what is sent at `sender` baud, back to back, eight bits
/// without parity.
pub(super) fn garble(bytes: &[u8], sender: u32, receiver: u32) -> Vec<u8> {
    let wire = Wire { bytes, bit: 2 * u64::from(receiver.max(1)) };
    // In this unit of time both bits have a whole length, and an even one.
    let bit = 2 * u64::from(sender.max(1));
    let mut heard = Vec::new();
    let mut now = 0;
    while let Some(start) = wire.falling(now) {
        let sample = |place: u64| wire.is_high(start + place * bit + bit / 2);
        let byte = (1..=8).rev().fold(0, |byte, place| byte << 1 | u8::from(sample(place)));
        heard.push(byte);
        // The receiver looks for the next start bit from the middle of the stop bit on.
        now = start + 9 * bit + bit / 2;
        if !sample(9) {
            now = wire.rising(now);
        }
    }
    heard
}

/// The line's level over time.
struct Wire<'a> {
    bytes: &'a [u8],
    /// The length of the sender's bit.
    bit: u64,
}

impl Wire<'_> {
    fn end(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX).saturating_mul(BITS * self.bit)
    }

    /// The level at a time; idle is high.
    fn is_high(&self, time: u64) -> bool {
        let place = time / self.bit;
        let Some(byte) = usize::try_from(place / BITS).ok().and_then(|at| self.bytes.get(at))
        else {
            return true;
        };
        match place % BITS {
            0 => false,
            9 => true,
            data => byte >> (data - 1) & 1 == 1,
        }
    }

    /// When the line goes from high to low, at `from` or later.
    fn falling(&self, from: u64) -> Option<u64> {
        let mut time = if from == 0 || self.is_high(from) { from } else { self.rising(from) };
        while time < self.end() {
            if !self.is_high(time) {
                return Some(time);
            }
            time = (time / self.bit + 1) * self.bit;
        }
        None
    }

    /// When the line is high, at `from` or later.
    fn rising(&self, from: u64) -> u64 {
        let mut time = from;
        while !self.is_high(time) {
            time = (time / self.bit + 1) * self.bit;
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn at_another_speed_other_bytes_are_heard() {
        // On the wire U alternates from bit to bit, start and stop included. Twice as fast, each of
        // its bits is heard twice: 0 0 1 1 0 0 1 1 0 and a stop bit that is low, then from the next
        // start bit on 0 0 1 1 0 0 1 1 and the idle line.
        assert_eq!(garble(b"U", 9600, 19_200), [0b0110_0110, 0b1110_0110]);
        let heard = garble(b"4006381333931\r", 9600, 115_200);
        assert!(
            heard
                .iter()
                .all(|byte| [0x00, 0xFF, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE].contains(byte)),
            "{heard:02X?}"
        );
        assert_ne!(garble(b"4006381333931\r", 9600, 4800), b"4006381333931\r");
    }

    #[test]
    fn a_few_percent_are_understood() {
        for (sender, receiver, want) in
            [(9600, 9600, true), (9600, 9585, true), (9600, 10_400, false), (9600, 19_200, false)]
        {
            assert_eq!(is_understood(sender, receiver), want, "{sender} {receiver}");
        }
    }

    proptest! {
        #[test]
        fn at_the_same_speed_nothing_changes(
            bytes in proptest::collection::vec(any::<u8>(), 0..50),
            baud in 300_u32..4_000_000,
        ) {
            prop_assert_eq!(garble(&bytes, baud, baud), bytes);
        }

        #[test]
        fn any_two_speeds_come_to_an_end(
            bytes in proptest::collection::vec(any::<u8>(), 0..20),
            sender in 0_u32..200_000,
            receiver in 0_u32..200_000,
        ) {
            let most = (bytes.len() * 10 + 1) * (receiver.max(1) / sender.max(1) + 2) as usize;
            prop_assert!(garble(&bytes, sender, receiver).len() <= most);
        }
    }
}
