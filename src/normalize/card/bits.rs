//! A magnetic track as the head reads it: bits, in the direction in which the card was pulled.
//!
//! Contract: pure. A track that is read backwards is turned round; what parity or the LRC shows to be
//! wrong is an error and never a guess.
//!
//! Source: ISO/IEC 7811-2, the coding of characters: least significant bit first, odd parity last; 7 bits
//! on track 1, 5 on tracks 2 and 3; the longitudinal check behind the end sentinel has a parity bit of
//! its own kind, over the character alone.

use crate::event::card::{Number, TrackError};
use crate::secret::Secret;

/// The end sentinel as text, on every track.
const END: u8 = b'?';

/// How a track's characters are made.
struct Alphabet {
    /// Bits a character, parity included.
    width: usize,
    /// The character of value 0.
    base: u8,
    /// The start sentinel.
    start: u8,
}

const fn alphabet(number: Number) -> Alphabet {
    match number {
        Number::One => Alphabet { width: 7, base: 0x20, start: b'%' },
        Number::Two | Number::Three => Alphabet { width: 5, base: 0x30, start: b';' },
    }
}

/// A track's text from start to end sentinel.
///
/// Clocking zeros may stand before and behind. Both directions are tried, the one in which the bits
/// came first.
///
/// # Errors
///
/// What is wrong with it in the direction in which a start sentinel was found; where there is none in
/// either, that the track has no end.
pub fn text(number: Number, bits: &[bool]) -> Result<Secret<Vec<u8>>, TrackError> {
    let forwards = decode(number, bits.iter().copied());
    if forwards.is_ok() {
        return forwards;
    }
    match decode(number, bits.iter().rev().copied()) {
        Err(_) if forwards != Err(TrackError::Unbegun) => forwards,
        backwards => backwards,
    }
}

fn decode(number: Number, bits: impl Iterator<Item = bool>) -> Result<Secret<Vec<u8>>, TrackError> {
    let alphabet = alphabet(number);
    // The first bit that is set begins the start sentinel, whose lowest bit is 1 on all tracks.
    let mut bits = bits.skip_while(|bit| !bit);
    let mut text: Secret<Vec<u8>> = Secret::with_room(number.longest() + 1);
    let mut sum = 0;
    loop {
        let at = text.len() + 1;
        let Some(character) = character(&mut bits, &alphabet) else {
            return Err(TrackError::Unended(at - 1));
        };
        let Ok(value) = character else { return Err(TrackError::Parity(at)) };
        let byte = alphabet.base + value;
        if at == 1 && byte != alphabet.start {
            return Err(TrackError::Unbegun);
        }
        sum ^= value;
        // There is room for the longest track and one character more.
        let _ = text.push(byte);
        if byte == END {
            break;
        }
        if at > number.longest() {
            return Err(TrackError::TooLong { got: at, most: number.longest() });
        }
    }
    match character(&mut bits, &alphabet) {
        None => Err(TrackError::Unended(text.len())),
        Some(Err(())) => Err(TrackError::Parity(text.len() + 1)),
        Some(Ok(got)) if got != sum => Err(TrackError::Lrc { got, want: sum }),
        Some(Ok(_)) => Ok(text),
    }
}

/// The next character's value; `Err` where its parity is even, nothing where the bits have ended.
fn character(bits: &mut impl Iterator<Item = bool>, alphabet: &Alphabet) -> Option<Result<u8, ()>> {
    let (mut value, mut ones) = (0, 0);
    for place in 0..alphabet.width {
        if bits.next()? {
            ones += 1;
            if place + 1 < alphabet.width {
                value |= 1 << place;
            }
        }
    }
    Some(if ones % 2 == 1 { Ok(value) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::card::track::lrc;

    /// The bits of a text, from the standard's table by hand: written apart from the decoder.
    fn bits(number: Number, text: &str) -> Vec<bool> {
        let (width, base) = if number == Number::One { (6, 0x20) } else { (4, 0x30) };
        let check = lrc(number, text.as_bytes()).unwrap();
        let values = text.bytes().map(|byte| byte - base).chain([check]);
        let mut all = vec![false; 20];
        for value in values {
            let character: Vec<bool> = (0..width).map(|bit| value >> bit & 1 == 1).collect();
            let ones = character.iter().filter(|bit| **bit).count();
            all.extend(character);
            all.push(ones % 2 == 0);
        }
        all.extend([false; 30]);
        all
    }

    const TRACKS: [(Number, &str); 3] = [
        (Number::One, "%B4111111111111111^TEST/CARD^2512101000000000?"),
        (Number::Two, ";4111111111111111=25121010000000000000?"),
        (Number::Three, ";014111111111111111=2780?"),
    ];

    #[test]
    fn the_start_sentinels_are_those_of_the_standard() {
        let one = bits(Number::One, "%?");
        assert_eq!(one[20..27], [true, false, true, false, false, false, true]);
        let two = bits(Number::Two, ";?");
        assert_eq!(two[20..25], [true, true, false, true, false]);
    }

    #[test]
    fn a_card_may_be_pulled_either_way() {
        for (number, track) in TRACKS {
            let mut bits = bits(number, track);
            assert_eq!(text(number, &bits).unwrap().expose(), track.as_bytes());
            bits.reverse();
            assert_eq!(text(number, &bits).unwrap().expose(), track.as_bytes(), "backwards");
        }
    }

    #[test]
    fn no_single_wrong_bit_is_overlooked() {
        for (number, track) in TRACKS {
            let good = bits(number, track);
            for place in 20..good.len() - 30 {
                let mut bad = good.clone();
                bad[place] = !bad[place];
                assert!(text(number, &bad).is_err(), "{number:?} bit {place}");
            }
        }
    }

    #[test]
    fn what_is_no_track_has_no_end() {
        assert_eq!(text(Number::Two, &[]), Err(TrackError::Unended(0)));
        assert_eq!(text(Number::Two, &[false; 200]), Err(TrackError::Unended(0)));
        let whole = bits(Number::Two, TRACKS[1].1);
        assert_eq!(text(Number::Two, &whole[..70]), Err(TrackError::Unended(10)));
    }
}
