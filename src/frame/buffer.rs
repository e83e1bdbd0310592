//! [`Buffer`]: the bytes of a frame whose end has not come yet.
//!
//! Contract: they are in the vault of secrets, and what leaves the buffer is wiped, growing included, for
//! a frame may be a payment code or a card. It allocates nothing before the first byte and keeps what it
//! has allocated.

use crate::secret::Secret;

/// A byte vector that leaves no copies behind.
#[derive(Default)]
pub struct Buffer {
    bytes: Secret<Vec<u8>>,
}

impl Buffer {
    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
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
        if self.bytes.append(more).is_ok() {
            return;
        }
        let length = self.bytes.len() + more.len();
        let mut grown = Secret::with_room(length.next_power_of_two().max(64));
        for part in [self.bytes(), more] {
            // There is room for both.
            let _ = grown.append(part);
        }
        self.bytes = grown;
    }

    /// Drops the first bytes, at most all.
    pub fn drop_front(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        self.bytes.expose_mut().rotate_left(count);
        self.bytes.truncate(self.bytes.len() - count);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What it holds, as a secret of its own.
    #[must_use]
    pub fn secret(&self) -> Secret<Vec<u8>> {
        self.bytes.clone()
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
        assert_eq!(buffer.secret().expose(), [b'x'; 200]);
        buffer.drop_front(1_000);
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_was_cleared_is_wiped_and_not_shown() {
        let mut buffer = Buffer::default();
        buffer.extend(b"4006381333931");
        assert_eq!(format!("{buffer:?}"), "<13 secret bytes>");
        let room = buffer.bytes.room();
        buffer.clear();
        assert_eq!((buffer.len(), buffer.bytes.room()), (0, room));
    }
}
