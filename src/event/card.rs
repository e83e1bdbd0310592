//! Cards: what a reader reports of a swipe, and what may be said of it.
//!
//! Contract: plain data. Whatever names a card or a person is in a [`Secret`]; all else may be shown to
//! the owner of the device, and to nobody else.

mod details;

use std::fmt;

use super::Timestamp;
use crate::secret::Secret;

/// Which of the three tracks of a magnetic stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// Letters and digits, 79 characters at most.
    One,
    /// Digits, 40 characters at most.
    Two,
    /// Digits, 107 characters at most; on licences letters too.
    Three,
}

impl Number {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// The longest text between and including the sentinels: the standard's number less the LRC.
    #[must_use]
    pub fn longest(self) -> usize {
        match self {
            Self::One => 78,
            Self::Two => 39,
            Self::Three => 106,
        }
    }

    /// The word on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
        }
    }
}

/// One thing for each track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracks<T>(pub [T; 3]);

impl<T> Tracks<T> {
    /// That of one track.
    pub fn get(&self, number: Number) -> &T {
        let [one, two, three] = &self.0;
        match number {
            Number::One => one,
            Number::Two => two,
            Number::Three => three,
        }
    }

    /// That of one track, to be set.
    pub fn get_mut(&mut self, number: Number) -> &mut T {
        let [one, two, three] = &mut self.0;
        match number {
            Number::One => one,
            Number::Two => two,
            Number::Three => three,
        }
    }

    /// Each with its number.
    pub fn each(&self) -> impl Iterator<Item = (Number, &T)> {
        Number::ALL.into_iter().zip(&self.0)
    }
}

/// What is wrong with a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    /// The reader says so itself.
    #[error("the reader could not read it")]
    Unread,
    /// It does not begin with the sentinel that its track has.
    #[error("it has no start sentinel")]
    Unbegun,
    /// There is no end sentinel.
    #[error("it has no end sentinel after {0} characters")]
    Unended(usize),
    /// It is longer than its standard lets it be.
    #[error("it has {got} characters, at most {most} fit")]
    TooLong {
        /// How many it has.
        got: usize,
        /// How many may be.
        most: usize,
    },
    /// A character that its standard does not have.
    #[error("character {0} is none that this track can hold")]
    Character(usize),
    /// The longitudinal redundancy check fails.
    #[error("its LRC is {got:02X}, want {want:02X}")]
    Lrc {
        /// The value that was sent.
        got: u8,
        /// The value of its characters.
        want: u8,
    },
    /// A character with even parity.
    #[error("character {0} has a parity error")]
    Parity(usize),
}

/// One track as a reader reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stripe {
    /// Nothing was there, or the reader does not read it.
    #[default]
    Absent,
    /// Something was there and could not be read.
    Bad(TrackError),
    /// Its text from start to end sentinel, both included.
    Text(Secret<Vec<u8>>),
    /// The same as an encrypting head shows it: with what is secret hidden, in the head's own way.
    Masked(Secret<Vec<u8>>),
}

/// A card as a reader reports it, before anyone has decided what of it may be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swipe {
    /// The tracks.
    pub tracks: Tracks<Stripe>,
    /// What an encrypting head says beside them. Tracks that it has left in clear are as those of any
    /// other head.
    pub encryption: Option<Box<Encryption>>,
    /// When its first byte arrived: whoever owned the device then gets the card.
    pub first: Timestamp,
    /// When its last byte arrived.
    pub last: Timestamp,
}

impl Swipe {
    /// Whether anything of the card could be read.
    #[must_use]
    pub fn is_read(&self) -> bool {
        let mut tracks = self.tracks.each();
        self.encryption.is_some() || tracks.any(|(_, track)| matches!(track, Stripe::Text(_)))
    }
}

/// What an encrypting head says: for whoever has the key, exactly as it came.
///
/// Nothing here can be read without a key, and no key is ever here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encryption {
    /// How it is encrypted: the maker's format and the cipher, in our words.
    pub scheme: &'static str,
    /// The key serial number of DUKPT.
    pub ksn: Option<Vec<u8>>,
    /// The ciphertext of each track.
    pub tracks: Tracks<Option<Vec<u8>>>,
    /// How long each track was before it was padded and encrypted, where the head says.
    pub lengths: Tracks<Option<u64>>,
    /// What else belongs to it, by the name clients know it under.
    pub fields: Vec<(&'static str, Vec<u8>)>,
}

/// A card, normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What kind of card it is.
    pub kind: Kind,
    /// Whether the configuration keeps all of it back, and why, in the configuration's words.
    pub refused: Option<&'static str>,
    /// Each track: nothing, well, or wrong.
    pub tracks: Tracks<TrackState>,
    /// The scheme, by the ranges of issuer numbers.
    pub brand: Option<&'static str>,
    /// The number with its digits hidden.
    pub pan_masked: Option<String>,
    /// The number in clear, of a card that the shop has declared to be no payment card.
    pub number: Option<Secret<String>>,
    /// Whether the number ends in its check digit; nothing where it is masked or absent.
    pub check_digit: Option<bool>,
    /// Whether two tracks give different numbers: a stripe that was tampered with, or damaged.
    pub disagree: bool,
    /// The end of its validity.
    pub expiry: Option<Expiry>,
    /// What it may be used for.
    pub service_code: Option<ServiceCode>,
    /// What the same card is known by in this shop.
    pub token: Option<Token>,
    /// The masked tracks of an encrypting head, without the holder's name.
    pub masked: Tracks<Option<String>>,
    /// What an encrypting head says.
    pub encryption: Option<Box<Encryption>>,
    /// Whether there is something that `Take` hands over.
    pub takeable: bool,
    /// What that is.
    pub secret: Secret<Vec<u8>>,
    /// When its first byte arrived.
    pub first: Timestamp,
    /// When its last byte arrived.
    pub last: Timestamp,
}

impl Card {
    /// A card of which nothing is known yet.
    #[must_use]
    pub fn unread(first: Timestamp, last: Timestamp) -> Self {
        Self {
            kind: Kind::Unread,
            refused: None,
            tracks: Tracks::default(),
            brand: None,
            pan_masked: None,
            number: None,
            check_digit: None,
            disagree: false,
            expiry: None,
            service_code: None,
            token: None,
            masked: Tracks::default(),
            encryption: None,
            takeable: false,
            secret: Secret::default(),
            first,
            last,
        }
    }

    /// How much memory what it said takes, more or less.
    pub(super) fn size(&self) -> usize {
        let encryption = self.encryption.as_ref().map_or(0, |encryption| {
            let tracks = encryption.tracks.0.iter().flatten().map(Vec::len);
            tracks.chain(encryption.fields.iter().map(|(_, value)| value.len())).sum()
        });
        size_of::<Self>() + self.secret.len() + encryption
    }

    /// What is left when it is wiped: that a card of this kind was there.
    pub(super) fn wiped(self) -> Self {
        let Self { kind, refused, first, last, .. } = self;
        Self { kind, refused, ..Self::unread(first, last) }
    }
}

/// What kind of card it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bank's.
    Financial,
    /// A driving licence.
    Licence,
    /// One that the shop has declared: loyalty, gift, staff.
    Listed,
    /// Any other.
    Other,
    /// Not a single track of it could be read.
    Unread,
}

impl Kind {
    /// The word on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Financial => "financial",
            Self::Licence => "licence",
            Self::Listed => "listed",
            Self::Other => "other",
            Self::Unread => "unread",
        }
    }
}

/// How a track fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackState {
    /// Nothing was there.
    #[default]
    Absent,
    /// It is well.
    Present,
    /// It is not.
    Bad(TrackError),
}

/// What a card is known by in a shop: a keyed hash of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// 64 hexadecimal digits.
    pub value: String,
    /// Which key it was made with.
    pub key_id: String,
}

/// A year and a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The last two digits of the year.
    pub year: u8,
    /// The month, from 1.
    pub month: u8,
}

impl Expiry {
    /// Reads YYMM. Manuals that print MMYY are wrong.
    #[must_use]
    pub fn read(digits: &[u8]) -> Option<Self> {
        let &[a, b, c, d] = digits else { return None };
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let pair = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
        let (year, month) = (pair(a, b), pair(c, d));
        (1..=12).contains(&month).then_some(Self { year, month })
    }
}

impl fmt::Display for Expiry {
    /// As `2025-12`: no card is older than this century, since none is valid for so long.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "20{:02}-{:02}", self.year, self.month)
    }
}

/// Three digits behind the expiry date: what the card lets itself be used for.
///
/// Source: ISO/IEC 7813, table of service codes, as the manuals of card readers reproduce it. Digits
/// that the standard leaves open have no meaning here, and are still shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCode([u8; 3]);

impl ServiceCode {
    /// Reads three digits.
    #[must_use]
    pub fn read(digits: &[u8]) -> Option<Self> {
        let digits: [u8; 3] = digits.try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The three digits.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.iter().map(|digit| char::from(*digit)).collect()
    }

    /// Whether the card has a chip, which a till should prefer: the first digit is 2 or 6.
    #[must_use]
    pub fn has_chip(self) -> bool {
        matches!(self.0, [b'2' | b'6', ..])
    }

    /// Where it may be used, how it is authorised, and for what, as far as the standard says.
    #[must_use]
    pub fn meaning(self) -> [Option<&'static str>; 3] {
        let [area, authorisation, services] = self.0;
        [
            match area {
                b'1' => Some("international"),
                b'2' => Some("international, chip"),
                b'5' => Some("national"),
                b'6' => Some("national, chip"),
                b'7' => Some("private"),
                b'9' => Some("test"),
                _ => None,
            },
            match authorisation {
                b'0' => Some("normal"),
                b'2' => Some("by the issuer"),
                b'4' => Some("by the issuer, unless agreed otherwise"),
                _ => None,
            },
            match services {
                b'0' => Some("no restriction, PIN required"),
                b'1' => Some("no restriction"),
                b'2' => Some("goods and services only"),
                b'3' => Some("ATM only, PIN required"),
                b'4' => Some("cash only"),
                b'5' => Some("goods and services only, PIN required"),
                b'6' => Some("no restriction, PIN where there is a PIN pad"),
                b'7' => Some("goods and services only, PIN where there is a PIN pad"),
                _ => None,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_their_meanings() {
        let of = |digits: &[u8]| ServiceCode::read(digits).unwrap();
        let (plain, chip, odd) = (of(b"101"), of(b"226"), of(b"389"));
        assert_eq!(
            plain.meaning(),
            [Some("international"), Some("normal"), Some("no restriction")]
        );
        assert!(chip.has_chip() && !plain.has_chip());
        assert_eq!((odd.meaning(), odd.digits().as_str()), ([None; 3], "389"));
        assert_eq!(ServiceCode::read(b"1 1"), None);
        assert_eq!(ServiceCode::read(b"1011"), None);
    }
}
