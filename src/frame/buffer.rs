//! [`Buffer`]: the bytes of a frame whose end has not come yet.
//!
//! Contract: what leaves the buffer is wiped, growing included, for a frame may be a payment code
//! or a card. It allocates nothing before the first byte and keeps what it has allocated.

use zeroize::Zeroize;

/// A byte vector that leaves no copies behind.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends bytes.
    pub fn extend(&mut self, more: &[u8]) {
        let length = self.bytes.len() + more.len();
        if length > self.bytes.capacity() {
            // A vector that grows by itself frees its old memory without wiping it.
            let mut grown = Vec::with_capacity(length.next_power_of_two().max(64));
            grown.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = grown;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Drops the first bytes, at most all.
    pub fn drop_front(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        let kept = self.bytes.len() - count;
        self.bytes.rotate_left(count);
        if let Some(gone) = self.bytes.get_mut(kept..) {
            gone.zeroize();
        }
        self.bytes.truncate(kept);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.bytes.as_mut_slice().zeroize();
        self.bytes.clear();
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "<{} secret bytes>", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_in_at_the_back_and_out_at_the_front() {
        let mut buffer = Buffer::default();
        for piece in [&b"40063"[..], b"", b"81333931", &[b'x'; 200]] {
            buffer.extend(piece);
        }
        buffer.drop_front(13);
        assert_eq!(buffer.bytes(), [b'x'; 200]);
        buffer.drop_front(1_000);
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_was_cleared_is_wiped_and_not_shown() {
        let mut buffer = Buffer::default();
        buffer.extend(b"4006381333931");
        assert_eq!(format!("{buffer:?}"), "<13 secret bytes>");
        let capacity = buffer.bytes.capacity();
        buffer.clear();
        assert_eq!((buffer.len(), buffer.bytes.capacity()), (0, capacity));
    }
}
