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

use zeroize::Zeroizing;

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
    let card = match encryption {
        Some(encryption) => encrypted::card(blank, &tracks, encryption, rules),
        None => clear(blank, &tracks, rules),
    };
    Card { takeable: !card.secret.is_empty(), ..card }
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
    let kinds = known.iter().map(|(number, track)| {
        let text = match tracks.get(*number) {
            Stripe::Text(text) => text.expose(),
            _ => &[],
        };
        match track {
            Track::Numbered(Numbered { pan, .. }) if rules.allow.hold(pan.expose()) => {
                if holds_a_bank_card(text, rules) {
                    Kind::Financial
                } else {
                    Kind::Listed
                }
            }
            Track::Numbered(numbered) if is_financial(numbered) => Kind::Financial,
            // Its issuer and a date of birth prove track 2; letters alone prove no licence.
            Track::Licence if *number == Number::Two => Kind::Licence,
            Track::Licence if holds_a_bank_card(text, rules) => Kind::Financial,
            Track::Licence => Kind::Licence,
            Track::Numbered(_) | Track::Other
                if holds_a_bank_card(text, rules) || holds_a_number(text, rules) =>
            {
                Kind::Financial
            }
            Track::Numbered(_) | Track::Other => Kind::Other,
        }
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

/// Whether there is a run of as many digits as a card number has, with its check digit, of whatever issuer.
fn holds_a_number(text: &[u8], rules: &CardRules) -> bool {
    text.split(|byte| !byte.is_ascii_digit()).any(|digits| {
        pan::LENGTHS.contains(&digits.len())
            && pan::passes_luhn(digits)
            && !std::str::from_utf8(digits).is_ok_and(|number| rules.allow.hold(number))
    })
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
    whole_with(tracks, present, &[])
}

/// The same, and behind it a line for each of these fields, in hexadecimal.
fn whole_with(
    tracks: &Tracks<Stripe>,
    present: &[Number],
    fields: &[(&'static str, Vec<u8>)],
) -> Secret<Vec<u8>> {
    let texts = tracks.each().filter_map(|(number, stripe)| match stripe {
        Stripe::Text(text) | Stripe::Masked(text) if present.contains(&number) => {
            Some((number.word(), text.expose()))
        }
        _ => None,
    });
    let hexadecimal = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let fields: Vec<(&str, Zeroizing<String>)> =
        fields.iter().map(|(name, bytes)| (*name, Zeroizing::new(hexadecimal(bytes)))).collect();
    let fields = fields.iter().map(|(name, text)| (*name, text.as_bytes()));
    let lines: Vec<(&str, &[u8])> = texts.chain(fields).collect();
    let length = lines.iter().map(|(name, text)| name.len() + text.len() + 2).sum();
    let mut all = Secret::with_room(length);
    for (name, text) in lines {
        for piece in [name.as_bytes(), b" ", text, b"\n"] {
            // The room was made for all of them.
            let _ = all.append(piece);
        }
    }
    all
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
