//! What a shop lets out of cards: `[cards]` of the configuration.
//!
//! Contract: pure data and one keyed hash.

use hmac::{HmacReset, KeyInit, Mac};
use sha2::Sha256;

use super::brand;
use super::pan::Shown;
use crate::event::card::Token;
use crate::secret::Secret;

/// What is done with a bank's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Financial {
    /// Nothing of it is let out: the event says so.
    Refuse,
    /// What is masked is let out.
    Masked,
    /// All of it is let out, through `Take`.
    Allow,
}

/// What a shop has decided about cards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardRules {
    /// What is done with banks' cards, where the configuration says.
    pub financial: Option<Financial>,
    /// How much of a number is shown.
    pub shown: Shown,
    /// The shop's own numbers, which are no card numbers.
    pub allow: Ranges,
    /// What tokens are made with; nothing makes none.
    pub token: Option<TokenKey>,
}

impl CardRules {
    /// What is done with a bank's card that a head without encryption has read: it would pull the till
    /// into the scope of PCI DSS, so somebody has to want it.
    #[must_use]
    pub fn on_clear_heads(&self) -> Financial {
        self.financial.unwrap_or(Financial::Refuse)
    }

    /// What is done with one that came encrypted.
    #[must_use]
    pub fn on_encrypting_heads(&self) -> Financial {
        self.financial.unwrap_or(Financial::Masked)
    }
}

/// Beginnings of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range>);

/// From one beginning to another of the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    first: String,
    last: String,
}

/// The shortest beginning that can be declared.
const SHORTEST: usize = 4;
/// The shortest among the numbers of a scheme: no issuer has less (ISO/IEC 7812-1), so that no other's
/// cards are taken for the shop's own.
const ISSUER: usize = 8;
/// How much of it two beginnings must have in common there: no more than a hundred issuers.
const COMMON: usize = 6;
/// The longest: a card number has twelve digits at least.
const LONGEST: usize = 12;

impl Range {
    /// Reads `6001` or `600100-600199`.
    ///
    /// # Errors
    ///
    /// What was found and what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let is_beginning = |digits: &str| {
            (SHORTEST..=LONGEST).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_beginning(first) || first.len() != last.len() || !is_beginning(last) || first > last
        {
            return Err(format!(
                "{text:?} is no range of numbers; accepted are the first {SHORTEST} to {LONGEST} digits, \
                 such as 6001, or two of the same length, the lower first, such as 600100-600199"
            ));
        }
        let is_narrow = first.len() >= ISSUER && first.get(..COMMON) == last.get(..COMMON);
        if let Some(scheme) = brand::among(first, last).filter(|_| !is_narrow) {
            return Err(format!(
                "{text:?} are numbers of {} cards; accepted among those are the first {ISSUER} to {LONGEST} \
                 digits, or two of the same length that begin with the same {COMMON}, such as \
                 62001200-62001299",
                scheme.word
            ));
        }
        Ok(Self { first: first.to_owned(), last: last.to_owned() })
    }

    fn holds(&self, number: &str) -> bool {
        let beginning = number.get(..self.first.len());
        beginning.is_some_and(|digits| (self.first.as_str()..=self.last.as_str()).contains(&digits))
    }
}

impl Ranges {
    /// These ranges.
    #[must_use]
    pub fn new(ranges: Vec<Range>) -> Self {
        Self(ranges)
    }

    /// Whether a number, digits only, is one of the shop's own.
    #[must_use]
    pub fn hold(&self, number: &str) -> bool {
        self.0.iter().any(|range| range.holds(number))
    }
}

/// A key shared by all tills of a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// Which key it is.
    pub id: String,
    /// The key.
    pub key: Secret<Vec<u8>>,
}

impl TokenKey {
    /// What a card is known by: HMAC-SHA-256 of the digits of its number.
    #[must_use]
    pub fn token(&self, pan: &str) -> Token {
        // An HMAC takes a key of any length; an empty answer beats a panic.
        let value = HmacReset::<Sha256>::new_from_slice(self.key.expose()).map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(pan.as_bytes());
                // Not by value: what is moved is not wiped where it was.
                mac.finalize_reset().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
            },
        );
        Token { value, key_id: self.id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_numbers_by_their_beginning() {
        let ranges = ["6001", "700100-700199"].map(|text| Range::parse(text).unwrap());
        let ranges = Ranges::new(ranges.to_vec());
        for (number, want) in [
            ("6001123412341234", true),
            ("6002123412341234", false),
            ("7001001234", true),
            ("7001991234", true),
            ("7002001234", false),
            ("600", false),
            ("", false),
        ] {
            assert_eq!(ranges.hold(number), want, "{number}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_what_is_accepted() {
        for text in ["", "4", "600", "6001-60019", "6002-6001", "60o1", "6001-", "1234567890123"] {
            let message = Range::parse(text).unwrap_err();
            assert!(message.contains("accepted are the first 4 to 12 digits"), "{message}");
        }
    }

    #[test]
    fn no_range_opens_a_scheme() {
        for (text, scheme) in [
            ("4111", Some("visa")),
            ("4000-4999", Some("visa")),
            ("3000-3999", Some("jcb")),
            ("411111", Some("visa")),
            ("4111111", Some("visa")),
            ("40000000-49999999", Some("visa")),
            ("41111100-41111299", Some("visa")),
            ("5018", Some("maestro")),
            ("41111111", None),
            ("41111100-41111199", None),
            ("6001", None),
            ("7000-7999", None),
            ("2900", None),
        ] {
            let wrong = Range::parse(text).err();
            let want = scheme.map(|scheme| format!("\"{text}\" are numbers of {scheme} cards; "));
            assert_eq!(wrong.is_some(), want.is_some(), "{text}: {wrong:?}");
            let wrong = wrong.unwrap_or_default();
            assert!(wrong.starts_with(&want.unwrap_or_default()), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_hmacs_of_the_digits() {
        // RFC 4231, test case 2: the same function over its own key and text.
        let key = TokenKey { id: "2026".into(), key: Secret::copy_of(b"Jefe".as_slice()) };
        let token = key.token("what do ya want for nothing?");
        assert_eq!(token.value, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(token.key_id, "2026");
        assert!(!format!("{key:?}").contains("74"), "{key:?}");
    }
}
