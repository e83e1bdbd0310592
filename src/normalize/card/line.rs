//! The tracks of a line as readers send them, one behind the other: `%…?;…?+…?`.
//!
//! Contract: pure. A line on which no track begins is no card.

use super::track;
use crate::event::card::{Number, Stripe, TrackError, Tracks};
use crate::secret::Secret;

/// Whether a reader sends the LRC behind each track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LrcRule {
    /// It checks the LRC itself and keeps it.
    #[default]
    Kept,
    /// It sends it, as a character of the track's alphabet.
    Sent,
}

/// The tracks of a line. Nothing where no track begins at its first byte.
#[must_use]
pub fn tracks(line: &[u8], lrc: LrcRule) -> Option<Tracks<Stripe>> {
    let mut tracks = Tracks::default();
    let mut rest = line;
    while let Some((number, text, after)) = next_track(rest, &tracks) {
        let (stripe, after) = match (lrc, after) {
            (LrcRule::Sent, [check, after @ ..]) if text.ends_with(b"?") => {
                (checked(number, text, *check), after)
            }
            (LrcRule::Sent, []) if text.ends_with(b"?") => {
                (Stripe::Bad(TrackError::Unended(text.len())), after)
            }
            _ => (as_read(number, text), after),
        };
        *tracks.get_mut(number) = stripe;
        rest = after;
    }
    (rest.len() < line.len()).then_some(tracks)
}

/// The track at the front, with its sentinels, and what is behind it.
fn next_track<'a>(line: &'a [u8], before: &Tracks<Stripe>) -> Option<(Number, &'a [u8], &'a [u8])> {
    let is_first = before.0.iter().all(|stripe| *stripe == Stripe::Absent);
    let number = match line.first()? {
        b'%' if is_first => Number::One,
        b';' if *before.get(Number::Two) == Stripe::Absent => Number::Two,
        // Readers mark track 3 with a sign of their own, or as the card does.
        b';' | b'+' | b'#' | b'!' | b'%' if *before.get(Number::Three) == Stripe::Absent => {
            Number::Three
        }
        _ => return None,
    };
    let end = line.iter().position(|byte| *byte == b'?').map_or(line.len(), |at| at + 1);
    let (text, after) = line.split_at_checked(end)?;
    Some((number, text, after))
}

/// A track as it came, or what is wrong with it.
fn as_read(number: Number, text: &[u8]) -> Stripe {
    match track::read(number, text) {
        Ok(_) => Stripe::Text(Secret::copy_of(text)),
        Err(error) => Stripe::Bad(error),
    }
}

fn checked(number: Number, text: &[u8], check: u8) -> Stripe {
    let base = if number == Number::One { 0x20 } else { 0x30 };
    let got = check.wrapping_sub(base);
    match track::lrc(number, as_on_the_card(number, text).expose()) {
        Some(want) if want != got => Stripe::Bad(TrackError::Lrc { got, want }),
        _ => as_read(number, text),
    }
}

/// Track 3 begins with `;` on the card, whatever the reader shows.
fn as_on_the_card(number: Number, text: &[u8]) -> Secret<Vec<u8>> {
    let mut text: Secret<Vec<u8>> = Secret::copy_of(text);
    if let (Number::Three, Some(first)) = (number, text.expose_mut().first_mut()) {
        *first = b';';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "%B4111111111111111^TEST/CARD^2512101000000000?";
    const TWO: &str = ";4111111111111111=25121010000000000000?";
    const THREE: &str = "+014111111111111111=2780?";

    fn told(line: &str, lrc: LrcRule) -> Option<Vec<String>> {
        let tracks = tracks(line.as_bytes(), lrc)?;
        let words = tracks.0.iter().map(|stripe| match stripe {
            Stripe::Absent => "-".to_owned(),
            Stripe::Text(text) => String::from_utf8(text.expose().to_vec()).unwrap(),
            Stripe::Bad(error) => error.to_string(),
        });
        Some(words.collect())
    }

    #[test]
    fn tracks_one_behind_the_other() {
        let rows: [(&str, String, LrcRule, [&str; 3]); 9] = [
            ("two tracks", format!("{ONE}{TWO}"), LrcRule::Kept, [ONE, TWO, "-"]),
            ("the second alone", TWO.to_owned(), LrcRule::Kept, ["-", TWO, "-"]),
            (
                "a bad first one",
                format!("%E?{TWO}"),
                LrcRule::Kept,
                ["the reader could not read it", TWO, "-"],
            ),
            ("three tracks", format!("{ONE}{TWO}{THREE}"), LrcRule::Kept, [ONE, TWO, THREE]),
            ("with their LRC", format!("{ONE}T{TWO}8"), LrcRule::Sent, [ONE, TWO, "-"]),
            (
                "a wrong LRC loses its track only",
                format!("{ONE}S{TWO}8"),
                LrcRule::Sent,
                ["its LRC is 33, want 34", TWO, "-"],
            ),
            (
                "an LRC that is not there",
                TWO.to_owned(),
                LrcRule::Sent,
                ["-", "it has no end sentinel after 39 characters", "-"],
            ),
            ("a gift card", ";6001=12?".to_owned(), LrcRule::Kept, ["-", ";6001=12?", "-"]),
            (
                "cut off",
                ";41111".to_owned(),
                LrcRule::Kept,
                ["-", "it has no end sentinel after 6 characters", "-"],
            ),
        ];
        for (name, line, lrc, want) in rows {
            assert_eq!(told(&line, lrc), Some(want.map(str::to_owned).to_vec()), "{name}");
        }
    }

    #[test]
    fn what_begins_no_track_is_no_card() {
        for line in ["", "4006381333931", "https://example.org/?a=b", "abc;1?"] {
            assert_eq!(told(line, LrcRule::Kept), None, "{line}");
        }
    }

    #[test]
    fn nothing_secret_is_in_what_is_printed() {
        let printed = format!("{:?}", tracks(format!("{ONE}{TWO}").as_bytes(), LrcRule::Kept));
        assert!(!printed.contains("4111") && !printed.contains("TEST"), "{printed}");
    }
}
