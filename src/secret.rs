//! [`Secret`]: what must never be printed, logged, stored or sent in clear.
//!
//! Contract: there is no `Display`, `Debug` prints `<secret>`. The bytes are in the [`vault`], have room
//! for so much from the beginning on, and are wiped on drop: nothing moves them to memory where a copy
//! would stay behind. Looking inside is one greppable word, [`Secret::expose`]; there is no taking out.

pub mod vault;
pub mod wiping;

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroize;

use vault::Slot;

/// A byte string or a text that is wiped on drop and cannot be printed.
///
/// What a device sent is held in a `Secret` until normalization has decided that it is public: a
/// payment code and a card number arrive on the same wire as a tin of beans.
///
/// `T` says what is held, and where it comes from: a `Secret<String>` holds text. It holds no `String`,
/// for that would grow on the ordinary heap.
pub struct Secret<T: Content> {
    slot: Slot,
    length: usize,
    content: PhantomData<fn() -> T>,
}

/// There is no more room. A secret does not grow, for that would leave a copy behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret has room for {0} bytes")]
pub struct Full(pub usize);

/// What a [`Secret`] can hold.
pub trait Content: Zeroize + AsRef<Self::View> + sealed::Sealed {
    /// How it is looked at.
    type View: AsRef<[u8]> + ?Sized;

    /// Bytes that a [`Secret`] of this content holds, as what they are.
    #[doc(hidden)]
    fn view(bytes: &[u8]) -> &Self::View;

    /// How much it has room for.
    #[doc(hidden)]
    fn room(&self) -> usize;
}

mod sealed {
    /// Nothing but what is here keeps the promise that a text's bytes are text.
    pub trait Sealed {}
    impl Sealed for Vec<u8> {}
    impl Sealed for String {}
}

impl Content for Vec<u8> {
    type View = [u8];

    fn view(bytes: &[u8]) -> &[u8] {
        bytes
    }

    fn room(&self) -> usize {
        self.capacity()
    }
}

impl Content for String {
    type View = str;

    fn view(bytes: &[u8]) -> &str {
        // Nothing but text was put in. The look costs some nanoseconds; trusting would be `unsafe`.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn room(&self) -> usize {
        self.capacity()
    }
}

impl<T: Content> Secret<T> {
    /// Puts a value under protection, with the room that it has: copies it and wipes what it was.
    ///
    /// Where there is no value yet, [`Secret::copy_of`] and [`Secret::with_room`] make none.
    #[must_use]
    pub fn new(mut value: T) -> Self {
        let mut secret = Self::with_room(value.room());
        secret.append_bytes(value.as_ref().as_ref());
        value.zeroize();
        secret
    }

    /// A copy of what is somewhere else, and is to be wiped there.
    #[must_use]
    pub fn copy_of(value: &T::View) -> Self {
        let bytes = value.as_ref();
        let mut secret = Self::with_room(bytes.len());
        secret.append_bytes(bytes);
        secret
    }

    /// Nothing yet, and room for so many bytes.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self { slot: Slot::of(bytes), length: 0, content: PhantomData }
    }

    /// The value itself. Each call site is a place a reviewer looks at.
    #[must_use]
    pub fn expose(&self) -> &T::View {
        T::view(self.slot.bytes().get(..self.length).unwrap_or_default())
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes there is room for, those that it holds included.
    #[must_use]
    pub fn room(&self) -> usize {
        self.slot.bytes().len()
    }

    /// Wipes what it holds, and keeps the room.
    pub fn clear(&mut self) {
        self.cut(0);
    }

    /// Adds at the end: all of it or, without room, nothing.
    ///
    /// # Errors
    ///
    /// [`Full`], without room for it.
    pub fn append(&mut self, more: &T::View) -> Result<(), Full> {
        let more = more.as_ref();
        if more.len() > self.room() - self.length {
            return Err(Full(self.room()));
        }
        self.append_bytes(more);
        Ok(())
    }

    fn append_bytes(&mut self, more: &[u8]) {
        let end = self.length + more.len();
        if let Some(room) = self.slot.bytes_mut().get_mut(self.length..end) {
            room.copy_from_slice(more);
            self.length = end;
        }
    }

    fn cut(&mut self, length: usize) {
        if let Some(gone) = self.slot.bytes_mut().get_mut(length..self.length) {
            vault::wipe(gone);
            self.length = length;
        }
    }
}

impl Secret<Vec<u8>> {
    /// So many zeros, to be written over.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        Self { length, ..Self::with_room(length) }
    }

    /// The same as text, where all of it is text; else it is wiped.
    #[must_use]
    pub fn into_text(self) -> Option<Secret<String>> {
        std::str::from_utf8(self.expose()).ok()?;
        Some(Secret { slot: self.slot, length: self.length, content: PhantomData })
    }

    /// The bytes, to be changed in their place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        self.slot.bytes_mut().get_mut(..self.length).unwrap_or_default()
    }

    /// Adds a byte at the end.
    ///
    /// # Errors
    ///
    /// [`Full`], without room for it.
    pub fn push(&mut self, byte: u8) -> Result<(), Full> {
        self.append(&[byte])
    }

    /// Keeps so many of the bytes, at most all, and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        self.cut(length.min(self.length));
    }
}

impl Secret<String> {
    /// Adds a character at the end.
    ///
    /// # Errors
    ///
    /// [`Full`], without room for it.
    pub fn push(&mut self, character: char) -> Result<(), Full> {
        self.append(character.encode_utf8(&mut [0; 4]))
    }
}

/// For `write!`, which fails without room.
impl fmt::Write for Secret<String> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text).map_err(|_| fmt::Error)
    }
}

impl<T: Content> Default for Secret<T> {
    /// Nothing, and no room.
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl<T: Content> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self::copy_of(self.expose())
    }
}

impl<T: Content> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_ref() == other.expose().as_ref()
    }
}

impl<T: Content> Eq for Secret<T> {}

impl<T: Content> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new(b"4111111111111111".to_vec());
        assert_eq!(format!("{secret:?}"), "<secret>");
        assert_eq!(format!("{:?}", Secret::new("4111111111111111".to_owned())), "<secret>");
    }

    #[test]
    fn what_goes_in_comes_out() {
        for text in ["", "4006381333931", "茶", &"Quittenmarmelade".repeat(500)] {
            let secret = Secret::new(text.to_owned());
            assert_eq!((secret.expose(), secret.len()), (text, text.len()));
            assert_eq!(secret, Secret::<String>::copy_of(text));
            assert_eq!(secret.clone(), secret);
            assert_eq!(Secret::new(text.as_bytes().to_vec()).expose(), text.as_bytes());
        }
        assert_ne!(Secret::new("a".to_owned()), Secret::new("b".to_owned()));
    }

    #[test]
    fn it_fills_its_room_and_never_grows() {
        let mut bytes = Secret::<Vec<u8>>::with_room(32);
        for byte in 0..32 {
            bytes.push(byte).unwrap();
        }
        assert_eq!(bytes.push(32), Err(Full(32)));
        assert_eq!(bytes.append(&[1, 2]), Err(Full(32)));
        assert_eq!((bytes.len(), bytes.expose()[31]), (32, 31));
        bytes.expose_mut().reverse();
        bytes.truncate(2);
        assert_eq!(bytes.expose(), [31, 30]);
        assert_eq!(bytes.slot.bytes()[2..], [0; 30], "the rest is wiped");
        bytes.clear();
        assert!(bytes.is_empty() && bytes.room() == 32);

        let mut text = Secret::<String>::with_room(32);
        text.push('茶').unwrap();
        write!(text, " {}", "x".repeat(27)).unwrap();
        assert_eq!(text.push('茶'), Err(Full(32)), "a part of a character is none");
        assert_eq!(text.push('y'), Ok(()));
        assert!(write!(text, "z").is_err());
        assert_eq!(text.expose(), format!("茶 {}y", "x".repeat(27)));
    }

    #[test]
    fn a_value_with_room_makes_a_secret_with_room() {
        let mut secret = Secret::new(Vec::with_capacity(100));
        assert!(secret.is_empty() && secret.append(&[7; 100]).is_ok());
    }
}
