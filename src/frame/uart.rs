//! What a receiver hears of bytes that were sent at another speed.
//!
//! Contract: pure, eight data bits, no parity, one stop bit. The receiver is the usual one: a falling
//! edge begins a byte, each bit is sampled in its middle, a low stop bit is a framing error, and a
//! line that never went high is a break. Used to test the search for the speed, and to tell a person
//! which speed would explain what came.

/// What a receiver makes of one start bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A byte.
    Byte(u8),
    /// A byte whose stop bit was low.
    BadByte(u8),
    /// Low from the start bit to the stop bit.
    Break,
}

/// Bits of a byte on the wire: start, eight data bits, stop.
const WIRE_BITS: u64 = 10;

/// What is heard at one speed of bytes that are sent back to back at another, the line idle before and
/// after. Nothing where a speed is zero.
#[must_use]
pub fn heard(bytes: &[u8], sent_at: u32, heard_at: u32) -> Vec<Heard> {
    if sent_at == 0 || heard_at == 0 {
        return Vec::new();
    }
    // Half a bit of either side is a whole number of these ticks.
    let wire = Wire { bytes, bit: u64::from(heard_at) * 2 };
    let half = u64::from(sent_at);
    let mut all = Vec::new();
    let mut now = 0;
    while let Some(edge) = wire.falling_edge(now) {
        let sample = |bit: u64| wire.is_high(edge + half * (2 * bit + 1));
        now = edge + half * (2 * WIRE_BITS - 1);
        if sample(0) {
            // Shorter than half a bit: a spike and no start bit.
            now = edge + half;
            continue;
        }
        let byte = (0..8_u8).fold(0, |byte, bit| {
            byte | u8::from(sample(u64::from(bit) + 1)).wrapping_shl(bit.into())
        });
        all.push(match (sample(WIRE_BITS - 1), byte) {
            (true, _) => Heard::Byte(byte),
            (false, 0) => Heard::Break,
            (false, _) => Heard::BadByte(byte),
        });
    }
    all
}

/// A line with bytes on it.
struct Wire<'a> {
    bytes: &'a [u8],
    /// Ticks in a sent bit.
    bit: u64,
}

impl Wire<'_> {
    fn is_high(&self, tick: u64) -> bool {
        self.is_bit_high(tick / self.bit)
    }

    fn is_bit_high(&self, bit: u64) -> bool {
        let byte = usize::try_from(bit / WIRE_BITS).ok().and_then(|place| self.bytes.get(place));
        match (byte, bit % WIRE_BITS) {
            (None, _) => true,
            (Some(_), 0) => false,
            (Some(byte), place @ 1..=8) => (u64::from(*byte) >> (place - 1)) & 1 == 1,
            (Some(_), _) => true,
        }
    }

    /// The next tick from `tick` on at which the line goes from high to low.
    fn falling_edge(&self, tick: u64) -> Option<u64> {
        let end = u64::try_from(self.bytes.len()).ok()? * WIRE_BITS;
        let first = tick.div_ceil(self.bit);
        let edge = |bit: &u64| !self.is_bit_high(*bit) && (*bit == 0 || self.is_bit_high(*bit - 1));
        (first..end).find(edge).map(|bit| bit * self.bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(heard: &[Heard]) -> Vec<u8> {
        heard
            .iter()
            .filter_map(|one| if let Heard::Byte(byte) = one { Some(*byte) } else { None })
            .collect()
    }

    #[test]
    fn at_the_same_speed_all_bytes_arrive() {
        let all: Vec<u8> = (0..=255).collect();
        for baud in [300, 9_600, 115_200] {
            assert_eq!(bytes_of(&heard(&all, baud, baud)), all);
        }
    }

    #[test]
    fn two_percent_apart_is_near_enough_and_ten_is_not() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of(&heard(&all, 9_600, 9_792)), all);
        assert_eq!(bytes_of(&heard(&all, 9_600, 9_408)), all);
        assert_ne!(bytes_of(&heard(&all, 9_600, 10_560)), all);
    }

    #[test]
    fn other_speeds_give_errors_or_other_bytes() {
        // 00 sent at half the speed is low for eighteen bits of the receiver.
        assert_eq!(heard(&[0], 4_800, 9_600), [Heard::Break]);
        // U alternates: each low is half a bit long at half the speed, and that begins no byte.
        assert_eq!(heard(b"U", 9_600, 4_800), []);
        assert_eq!(
            heard(b"U", 1_200, 9_600).len(),
            5,
            "five low bits, each long enough for a byte"
        );
        assert!(heard(b"4006381333931\r", 9_600, 115_200).len() > 14);
        assert!(heard(b"4006381333931\r", 115_200, 9_600).len() < 3);
    }

    #[test]
    fn no_speed_is_no_panic() {
        assert_eq!(heard(b"a", 0, 9_600), []);
        assert_eq!(heard(b"a", 9_600, 0), []);
        assert!(heard(b"a", 1, u32::MAX).len() <= 5);
        assert!(heard(b"a", u32::MAX, 1).len() <= 1);
    }
}
