//! Cards read by a head that encrypts.
//!
//! Contract: pure. The ciphertext is passed on exactly. What the head shows of the tracks is masked
//! by it, in its own way: zeros or asterisks for digits, some with a check digit made right again, so
//! that no check tells a masked number from a whole one. It is masked once more.
//!
//! Oddities: heads leave the holder's name in what they call masked. It goes no further than `Take`. They
//! can be told to hide little or nothing, and leave cards that are no bank's in clear; such a track is
//! dealt with as if its head did not encrypt.

use super::rules::{CardRules, Financial};
use super::{brand, clear, licence, pan, whole_with};
use crate::event::card::{
    Card, Encryption, Expiry, Kind, Number, ServiceCode, Stripe, TrackState, Tracks,
};

/// Digits that heads leave in front at the least; what follows may be zeros in their place.
const SHOWN_IN_FRONT: usize = 4;
/// Digits that may be shown in front and at the end. Those between are hidden.
const FRONT: usize = 6;
const BACK: usize = 4;
/// The characters behind a number that say what anybody may know.
const EXPIRY_AND_SERVICE_CODE: usize = 7;

pub(super) fn card(
    blank: Card,
    tracks: &Tracks<Stripe>,
    encryption: Box<Encryption>,
    rules: &CardRules,
) -> Card {
    let states = Tracks(Number::ALL.map(|number| state(number, tracks, &encryption)));
    let open = Tracks(Number::ALL.map(|number| open(number, tracks.get(number))));
    let bare = clear(Card::unread(blank.first, blank.last), &open, rules);
    let is_open = |number: Number| matches!(open.get(number), Stripe::Text(_));
    let is_present = |number: &Number| *states.get(*number) == TrackState::Present;
    let present: Vec<Number> = Number::ALL.into_iter().filter(is_present).collect();
    let has_hidden = present.iter().any(|number| !is_open(*number));
    let is_no_banks = matches!(bare.kind, Kind::Listed | Kind::Licence | Kind::Other);
    let is_open_after_all = bare.kind == Kind::Financial && !is_encrypted(&encryption);
    if !has_hidden && (is_no_banks || is_open_after_all) {
        // Nothing of it is hidden: a card of the shop's own, or a head that does not do what it says.
        let encryption = bare.refused.is_none().then_some(encryption);
        return Card { tracks: states, encryption, ..bare };
    }
    let kind = kind(tracks, &present);
    let card = Card { kind, tracks: states, ..blank };
    if kind == Kind::Financial && rules.on_encrypting_heads() == Financial::Refuse {
        return Card { refused: Some("financial-cards"), ..card };
    }
    // A bank's track in clear is handed over where clear heads' are, and never shown.
    let lets_open = !bare.secret.is_empty();
    let handed: Vec<Number> =
        present.into_iter().filter(|number| lets_open || !is_open(*number)).collect();
    let (hashes, fields): (Vec<_>, Vec<_>) =
        encryption.fields.into_iter().partition(|(name, _)| is_hash(name));
    let secret = whole_with(tracks, &handed, &hashes);
    let encryption = Some(Box::new(Encryption { fields, ..*encryption }));
    let card = Card { secret, encryption, ..card };
    if kind != Kind::Financial {
        return card;
    }
    let shown = Tracks(Number::ALL.map(|number| shown(number, tracks.get(number), rules)));
    let numbers = [Number::Two, Number::One].map(|number| hidden(number, tracks.get(number)));
    let card = Card { masked: shown, ..card };
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

/// A bank's where nothing says otherwise: of what is encrypted, nobody can say what it is.
fn kind(tracks: &Tracks<Stripe>, present: &[Number]) -> Kind {
    let is_licence = tracks.each().any(|(number, stripe)| match stripe {
        Stripe::Masked(text) => licence::is_licence(number, text.expose()),
        _ => false,
    });
    match (present.is_empty(), is_licence) {
        (true, _) => Kind::Unread,
        (_, true) => Kind::Licence,
        _ => Kind::Financial,
    }
}

/// Whether there is ciphertext; some heads encrypt tracks together.
fn is_encrypted(encryption: &Encryption) -> bool {
    encryption.tracks.0.iter().any(Option::is_some)
        || encryption.fields.iter().any(|(name, _)| name.starts_with("tracks-"))
}

/// Whether a field is a hash of a track: without a key, so that the few digits that are hidden can be tried
/// out. It is handed over with the tracks.
fn is_hash(name: &str) -> bool {
    name.starts_with("hash")
}

/// The track as a clear one, where it is left in clear or shows a whole number.
fn open(number: Number, stripe: &Stripe) -> Stripe {
    match stripe {
        Stripe::Text(text) => Stripe::Text(text.clone()),
        Stripe::Masked(text) if masked(number, text.expose()).is_some_and(|one| !one.hides()) => {
            Stripe::Text(text.clone())
        }
        _ => Stripe::Absent,
    }
}

/// What a head shows of a track whose number it does hide.
fn hidden(number: Number, stripe: &Stripe) -> Option<Masked<'_>> {
    let Stripe::Masked(text) = stripe else { return None };
    masked(number, text.expose()).filter(Masked::hides)
}

fn state(number: Number, tracks: &Tracks<Stripe>, encryption: &Encryption) -> TrackState {
    match tracks.get(number) {
        Stripe::Bad(error) => TrackState::Bad(*error),
        Stripe::Text(_) | Stripe::Masked(_) => TrackState::Present,
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

impl Masked<'_> {
    /// Whether the middle of the number is hidden. One digit of it may make the check digit right.
    fn hides(&self) -> bool {
        let middle = self.pan.len().checked_sub(BACK).and_then(|end| self.pan.get(FRONT..end));
        let others =
            middle.map(|middle| middle.bytes().filter(|byte| !b"0*".contains(byte)).count());
        others.is_some_and(|others| others <= 1)
    }
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

/// A masked track as it may be shown: the number masked by our own rules, the expiry and the service code,
/// and asterisks for all else: for the holder's name and for what heads leave of the bank's own data. One of
/// which it is not sure that its number is hidden is not shown.
fn shown(number: Number, stripe: &Stripe, rules: &CardRules) -> Option<String> {
    let Stripe::Masked(text) = stripe else { return None };
    let Masked { pan, .. } = hidden(number, stripe)?;
    let text = std::str::from_utf8(text.expose()).ok()?;
    let (before, rest) = text.split_once(pan)?;
    let separators = if number == Number::One { 2 } else { 1 };
    let mut fields = rest.splitn(separators + 1, ['^', '=']);
    let mut shown = format!("{before}{}{}", pan::masked(pan, rules.shown), fields.next()?);
    for field in 1..=separators {
        let text = fields.next()?;
        shown.push(if number == Number::One { '^' } else { '=' });
        let clear = if field == separators { EXPIRY_AND_SERVICE_CODE } else { 0 };
        let last = text.chars().count().saturating_sub(1);
        shown.extend(text.chars().enumerate().map(|(place, character)| match character {
            '?' if place == last => '?',
            character if place < clear => character,
            _ => '*',
        }));
    }
    Some(shown)
}
