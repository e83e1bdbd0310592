//! Magnetic cards: from what a reader reports to what may be said of it.
//!
//! Contract: pure, and it cannot fail. A track that cannot be read costs itself only. Nothing that
//! leaves here in the clear names a card or a person; what does is in a [`Secret`].
//!
//! The configuration decides how much of a bank's card is let out: nothing, what is masked, or all
//! of it, through `Take`. A card that an encrypting head has read is passed through: there is nothing in
//! it to keep back.

pub mod bits;
pub mod brand;
mod encrypted;
mod licence;
pub mod line;
pub mod pan;
pub mod rules;
pub mod track;

use super::card_number;
use crate::event::card::{Card, Kind, Number, Stripe, Swipe, TrackState, Tracks};
use crate::secret::Secret;
pub use line::{Format, LrcRule, Read, tracks};
pub use rules::{CardRules, Financial};
use track::{Numbered, Track};

/// Decides what may be said of a swipe.
#[must_use]
pub fn card(swipe: Swipe, rules: &CardRules) -> Card {
    let Swipe { tracks, encryption, first, last } = swipe;
    let blank = Card::unread(first, last);
    match encryption {
        Some(encryption) => encrypted::card(blank, &tracks, encryption, rules),
        None => clear(blank, &tracks, rules),
    }
}

/// A card whose head does not encrypt.
fn clear(blank: Card, tracks: &Tracks<Stripe>, rules: &CardRules) -> Card {
    let read = Tracks(Number::ALL.map(|number| match tracks.get(number) {
        Stripe::Text(text) => Some(track::read(number, text.expose())),
        Stripe::Absent | Stripe::Bad(_) | Stripe::Masked(_) => None,
    }));
    let states = Tracks(Number::ALL.map(|number| match (tracks.get(number), read.get(number)) {
        (Stripe::Bad(error), _) | (_, Some(Err(error))) => TrackState::Bad(*error),
        (_, Some(Ok(_))) => TrackState::Present,
        (_, None) => TrackState::Absent,
    }));
    let known: Vec<(Number, &Track)> = read
        .each()
        .filter_map(|(number, track)| Some((number, track.as_ref()?.as_ref().ok()?)))
        .collect();
    let kind = kind(&known, tracks, rules);
    let card = Card { kind, tracks: states, ..blank };
    match kind {
        Kind::Financial => match rules.on_clear_heads() {
            Financial::Refuse => Card { refused: Some("financial-cards"), ..card },
            Financial::Masked => numbered(card, &known, rules),
            Financial::Allow => {
                Card { secret: whole(tracks, &states_of(&known)), ..numbered(card, &known, rules) }
            }
        },
        Kind::Listed => {
            let first = numbers(&known).next();
            let number = first.map(|numbered| Secret::copy_of(numbered.pan.expose()));
            let secret = whole(tracks, &states_of(&known));
            Card { number, secret, ..numbered(card, &known, rules) }
        }
        Kind::Licence | Kind::Other => Card { secret: whole(tracks, &states_of(&known)), ..card },
        Kind::Unread => card,
    }
}

fn states_of(known: &[(Number, &Track)]) -> Vec<Number> {
    known.iter().map(|(number, _)| *number).collect()
}

/// What kind of card it is: the most that any track of it is.
///
/// In doubt it is a bank's: a number with a bank's format code, of an issuer that is known, or with a right
/// check digit, and any such number in what is no card's format at all.
fn kind(known: &[(Number, &Track)], tracks: &Tracks<Stripe>, rules: &CardRules) -> Kind {
    let kinds = known.iter().map(|(number, track)| match track {
        Track::Numbered(Numbered { pan, .. }) if rules.allow.hold(pan.expose()) => Kind::Listed,
        Track::Numbered(numbered) if is_financial(numbered) => Kind::Financial,
        Track::Licence => Kind::Licence,
        Track::Numbered(_) | Track::Other => match tracks.get(*number) {
            Stripe::Text(text) if holds_a_bank_card(text.expose(), rules) => Kind::Financial,
            _ => Kind::Other,
        },
    });
    let order = [Kind::Financial, Kind::Licence, Kind::Listed, Kind::Other];
    let kinds: Vec<Kind> = kinds.collect();
    order.into_iter().find(|kind| kinds.contains(kind)).unwrap_or(Kind::Unread)
}

fn is_financial(numbered: &Numbered) -> bool {
    let pan = numbered.pan.expose().as_bytes();
    numbered.is_format_b
        || brand::of(pan).is_some()
        || (pan::LENGTHS.contains(&pan.len()) && pan::passes_luhn(pan))
}

fn holds_a_bank_card(text: &[u8], rules: &CardRules) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| card_number::is_in(text, &rules.allow))
}

fn numbers<'a>(known: &'a [(Number, &Track)]) -> impl Iterator<Item = &'a Numbered> {
    known.iter().filter_map(|(_, track)| match track {
        Track::Numbered(numbered) => Some(numbered),
        Track::Licence | Track::Other => None,
    })
}

/// The card with what its number says: of track 2 where it has one, since that is the one banks read.
fn numbered(card: Card, known: &[(Number, &Track)], rules: &CardRules) -> Card {
    let mut of_tracks: Vec<&Numbered> = numbers(known).collect();
    // Track 3 has neither an expiry nor a service code that all banks agree on.
    of_tracks.sort_by_key(|numbered| (numbered.expiry.is_none(), numbered.service_code.is_none()));
    let Some(best) = of_tracks.first() else { return card };
    let pan = best.pan.expose();
    Card {
        brand: brand::of(pan.as_bytes()).map(|brand| brand.word),
        pan_masked: Some(pan::masked(pan, rules.shown)),
        check_digit: Some(pan::passes_luhn(pan.as_bytes())),
        disagree: of_tracks.iter().any(|other| other.pan != best.pan),
        expiry: best.expiry,
        service_code: best.service_code,
        token: rules.token.as_ref().map(|key| key.token(pan)),
        ..card
    }
}

/// What `Take` hands over: a line for each track, its number and a blank before its text.
fn whole(tracks: &Tracks<Stripe>, present: &[Number]) -> Secret<Vec<u8>> {
    let texts = tracks.each().filter_map(|(number, stripe)| match stripe {
        Stripe::Text(text) | Stripe::Masked(text) if present.contains(&number) => {
            Some((number, text))
        }
        _ => None,
    });
    let texts: Vec<(Number, &Secret<Vec<u8>>)> = texts.collect();
    let length = texts.iter().map(|(_, text)| text.len() + 3).sum();
    let mut lines = Secret::with_room(length);
    for (number, text) in texts {
        for piece in [number.word().as_bytes(), b" ", text.expose(), b"\n"] {
            // The room was made for all of them.
            let _ = lines.append(piece);
        }
    }
    lines
}

/// Tracks in words, for tests.
#[cfg(test)]
pub(crate) fn shown(tracks: Tracks<Stripe>) -> [String; 3] {
    tracks.0.map(|stripe| match stripe {
        Stripe::Absent => "-".to_owned(),
        Stripe::Text(text) | Stripe::Masked(text) => {
            String::from_utf8_lossy(text.expose()).into_owned()
        }
        Stripe::Bad(error) => error.to_string(),
    })
}

#[cfg(test)]
mod tests;
