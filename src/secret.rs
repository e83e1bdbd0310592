//! [`Secret`]: what must never be printed, logged, stored or sent in clear.
//!
//! Contract: there is no `Display`, `Debug` prints `<secret>`, and the bytes are wiped on drop.
//! Looking inside is one greppable word, [`Secret::expose`]; taking out is another, [`Secret::reveal`].

use std::fmt;

use zeroize::Zeroize;

/// A value that is wiped on drop and cannot be printed.
///
/// What a device sent is held in a `Secret` until normalization has decided that it is public: a
/// payment code and a card number arrive on the same wire as a tin of beans.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Puts a value under protection.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Each call site is a place a reviewer looks at.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out of protection, once it has been decided that it is public.
    #[must_use]
    pub fn reveal(mut self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut self.0)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new(b"4111111111111111".to_vec());
        assert_eq!(format!("{secret:?}"), "<secret>");
    }
}
