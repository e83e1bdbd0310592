//! Cards read by a head that encrypts.
//!
//! Contract: pure. The ciphertext is passed on exactly. What the head shows of the tracks is masked
//! by it, in its own way: zeros or asterisks for digits, some with a check digit made right again, so
//! that no check tells a masked number from a whole one. It is masked once more.
//!
//! Oddity: heads leave the holder's name in what they call masked. It goes no further than `Take`.

use super::rules::{CardRules, Financial};
use super::{brand, pan, whole};
use crate::event::card::{
    Card, Encryption, Expiry, Kind, Number, ServiceCode, Stripe, TrackState, Tracks,
};

/// Digits that heads leave in front at the least; what follows may be zeros in their place.
const SHOWN_IN_FRONT: usize = 4;

pub(super) fn card(
    blank: Card,
    tracks: &Tracks<Stripe>,
    encryption: Box<Encryption>,
    rules: &CardRules,
) -> Card {
    let states = Tracks(Number::ALL.map(|number| state(number, tracks, &encryption)));
    let present = states.each().filter(|(_, state)| **state == TrackState::Present);
    let present: Vec<Number> = present.map(|(number, _)| number).collect();
    let kind = if present.is_empty() { Kind::Unread } else { Kind::Financial };
    let card = Card { kind, tracks: states, ..blank };
    if kind == Kind::Financial && rules.on_encrypting_heads() == Financial::Refuse {
        return Card { refused: Some("financial-cards"), ..card };
    }
    let secret = whole(tracks, &present);
    let shown = Tracks(Number::ALL.map(|number| shown(number, tracks.get(number))));
    let numbers = [Number::Two, Number::One].map(|number| match tracks.get(number) {
        Stripe::Text(text) => masked(number, text.expose()),
        _ => None,
    });
    let card = Card { masked: shown, secret, encryption: Some(encryption), ..card };
    match numbers.into_iter().flatten().next() {
        Some(masked) => Card {
            brand: brand_of(masked.pan),
            pan_masked: Some(pan::masked(masked.pan, rules.shown)),
            expiry: Expiry::read(masked.expiry),
            service_code: ServiceCode::read(masked.service_code)
                // Zeros stand for digits that are hidden.
                .filter(|_| masked.service_code != b"000"),
            ..card
        },
        None => card,
    }
}

fn state(number: Number, tracks: &Tracks<Stripe>, encryption: &Encryption) -> TrackState {
    match tracks.get(number) {
        Stripe::Bad(error) => TrackState::Bad(*error),
        Stripe::Text(_) => TrackState::Present,
        Stripe::Absent if encryption.tracks.get(number).is_some() => TrackState::Present,
        Stripe::Absent => TrackState::Absent,
    }
}

/// A number as a head shows it, and what is behind it.
struct Masked<'a> {
    pan: &'a str,
    expiry: &'a [u8],
    service_code: &'a [u8],
}

fn masked(number: Number, text: &[u8]) -> Option<Masked<'_>> {
    let body = text.get(1..)?.strip_suffix(b"?")?;
    let (pan, behind) = match number {
        Number::One => {
            let mut fields = body.get(1..)?.splitn(3, |byte| *byte == b'^');
            let (pan, _name) = (fields.next()?, fields.next()?);
            (pan, fields.next()?)
        }
        Number::Two | Number::Three => {
            let at = body.iter().position(|byte| *byte == b'=')?;
            (body.get(..at)?, body.get(at + 1..)?)
        }
    };
    let is_number = (8..=19).contains(&pan.len())
        && pan.iter().all(|byte| byte.is_ascii_digit() || *byte == b'*');
    is_number.then_some(Masked {
        pan: std::str::from_utf8(pan).ok()?,
        expiry: behind.get(..4).unwrap_or_default(),
        service_code: behind.get(4..7).unwrap_or_default(),
    })
}

fn brand_of(pan: &str) -> Option<&'static str> {
    let front = pan.bytes().take(SHOWN_IN_FRONT).take_while(u8::is_ascii_digit).count();
    brand::of_beginning(pan.as_bytes().get(..front)?, pan.len()).map(|brand| brand.word)
}

/// A masked track without the holder's name.
fn shown(number: Number, stripe: &Stripe) -> Option<String> {
    let Stripe::Text(text) = stripe else { return None };
    let text = std::str::from_utf8(text.expose()).ok()?;
    if number != Number::One {
        return Some(text.to_owned());
    }
    let mut separators = 0;
    let hide = |character| {
        separators += u32::from(character == '^');
        match (separators, character) {
            (1, '^') => '^',
            (1, _) => '*',
            _ => character,
        }
    };
    Some(text.chars().map(hide).collect())
}
