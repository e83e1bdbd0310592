//! What simulated card readers have in common: the tracks of a card, and what an encrypting head makes of
//! them.
//!
//! Nothing is encrypted here. What stands for ciphertext is made from a fixed seed and opens with no key;
//! the key serial number is the one of the published test key.

/// One track under a head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Track {
    /// There is none.
    #[default]
    None,
    /// It cannot be read: `%E?` in a script.
    Unreadable,
    /// Its text, sentinels included.
    Text(Vec<u8>),
}

impl Track {
    /// Its text, where it has one.
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::None | Self::Unreadable => &[],
        }
    }

    /// How long it is, as a report says it.
    pub(super) fn length(&self) -> u8 {
        u8::try_from(self.text().len()).unwrap_or(u8::MAX)
    }
}

/// A key serial number of the published test key (ANSI X9.24-1, annex A), for the eighth swipe.
pub(super) const TEST_KSN: [u8; 10] = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x08];

/// The three tracks of a card that is written one behind the other.
pub(super) fn tracks(card: &[u8]) -> [Track; 3] {
    let mut tracks = [Track::None, Track::None, Track::None];
    for piece in card.split_inclusive(|byte| *byte == b'?') {
        let track = match piece {
            [_, b'E', b'?'] => Track::Unreadable,
            text => Track::Text(text.to_vec()),
        };
        let [one, two, three] = &mut tracks;
        match piece.first() {
            Some(b'%') if *one == Track::None && *two == Track::None => *one = track,
            Some(b';') if *two == Track::None => *two = track,
            Some(b'%' | b';' | b'+' | b'#' | b'!') => *three = track,
            _ => {}
        }
    }
    tracks
}

/// Whether it is a bank's card: a format code on track 1, or a number and a separator on track 2.
pub(super) fn is_banks([one, two, _]: &[Track; 3]) -> bool {
    let is_number = |text: &[u8]| text.len() >= 12 && text.iter().all(u8::is_ascii_digit);
    let before = |text: &[u8], separator: u8| {
        let mut parts = text.split(|byte| *byte == separator);
        parts.next().map(<[u8]>::to_vec).unwrap_or_default()
    };
    let of_two = before(two.text(), b'=');
    one.text().starts_with(b"%B") || is_number(of_two.get(1..).unwrap_or_default())
}

/// A track with its digits hidden: of the number four in front and four at the end are left, behind it the
/// expiry where a head leaves it.
pub(super) fn masked(text: &[u8], with: u8, leaves_expiry: bool) -> Vec<u8> {
    let separator = if text.starts_with(b"%") { b'^' } else { b'=' };
    let begins = if text.starts_with(b"%") { 2 } else { 1 };
    let ends = text.iter().position(|byte| *byte == separator).unwrap_or(text.len());
    let last = text.iter().rposition(|byte| *byte == separator).unwrap_or(text.len());
    let expiry = if leaves_expiry { 4 } else { 0 };
    let is_hidden = |place: usize| {
        let in_number = place >= begins + 4 && place + 4 < ends;
        in_number || (place > last + expiry && place + 1 < text.len())
    };
    let hide = |(place, byte): (usize, &u8)| if is_hidden(place) { with } else { *byte };
    text.iter().enumerate().map(hide).collect()
}

/// What stands for ciphertext: as long as that of a text would be, in blocks.
pub(super) fn pseudo_ciphertext(length: usize, block: usize) -> Vec<u8> {
    let mut state: u32 = 0x2545_F491;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes().into_iter().next().unwrap_or(0)
    };
    (0..length.next_multiple_of(block)).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_stand_one_behind_the_other() {
        let [one, two, three] = tracks(b"%E?;00042?+01=2?");
        assert_eq!(one, Track::Unreadable);
        assert_eq!((two.text(), three.text()), (&b";00042?"[..], &b"+01=2?"[..]));
        assert!(!is_banks(&tracks(b"%STAFF 00042?;00042?")));
        assert!(is_banks(&tracks(b";4111111111111111=2512?")));
    }

    #[test]
    fn digits_are_hidden_as_heads_hide_them() {
        for (name, text, with, leaves_expiry, want) in [
            (
                "MagTek",
                "%B4111111111111111^TEST/CARD^2512201000000000?",
                b'0',
                true,
                "%B4111000000001111^TEST/CARD^2512000000000000?",
            ),
            ("ID TECH", ";4111111111111111=2512201?", b'*', false, ";4111********1111=*******?"),
        ] {
            assert_eq!(masked(text.as_bytes(), with, leaves_expiry), want.as_bytes(), "{name}");
        }
    }
}
