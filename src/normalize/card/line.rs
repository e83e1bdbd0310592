//! The tracks of a line as readers send them, one behind the other: `%…?;…?+…?`.
//!
//! Contract: pure. A line on which no track begins is no card.
//!
//! Source: the manuals of MagTek, Omnitron, ID TECH and Uniform Industrial, which
//! `protocol-docs/track-reader.md` names.

use super::track::{self, Track};
use crate::event::card::{Number, Stripe, TrackError, Tracks};
use crate::secret::Secret;

/// The end sentinel, on every track.
const END: u8 = b'?';

/// Whether a reader sends the LRC behind each track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LrcRule {
    /// It checks the LRC itself and keeps it.
    #[default]
    Kept,
    /// It sends it, as a character of the track's alphabet.
    Sent,
}

/// How a reader writes tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Whether it sends the LRC.
    pub lrc: LrcRule,
    /// What may stand before, between and behind tracks, and need not. None is empty.
    pub separators: Vec<Vec<u8>>,
    /// What each track begins with, before its start sentinel.
    pub ids: Option<[Vec<u8>; 3]>,
    /// What stands between the sentinels of a track that could not be read.
    pub unread: Vec<Vec<u8>>,
    /// What stands between the sentinels of a track that is not there.
    pub absent: Vec<Vec<u8>>,
}

impl Default for Format {
    /// Tracks and nothing else, with the word of most readers for one that could not be read.
    fn default() -> Self {
        let (separators, absent) = (Vec::new(), Vec::new());
        Self { lrc: LrcRule::Kept, separators, ids: None, unread: vec![b"E".to_vec()], absent }
    }
}

/// The tracks of a card so far.
#[derive(Debug, Default)]
pub struct Read {
    /// The tracks.
    pub tracks: Tracks<Stripe>,
    last: Option<Number>,
}

impl Read {
    /// Whether nothing has been said of any track.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Whether no other track can follow.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.last == Some(Number::Three)
    }
}

impl Format {
    /// Takes the tracks of a line, which follow those that have been read.
    ///
    /// # Errors
    ///
    /// Where on the line something stands that is no track; what stands before it has been taken.
    pub fn add(&self, line: &[u8], read: &mut Read) -> Result<(), usize> {
        let mut rest = self.without_separators(line);
        while !rest.is_empty() {
            let Some((number, stripe, after)) = self.track(rest, read.last) else {
                return Err(line.len() - rest.len());
            };
            *read.tracks.get_mut(number) = stripe;
            read.last = Some(number);
            rest = self.without_separators(after);
        }
        Ok(())
    }

    /// Whether the first track of a line cannot follow those that have been read, and begins a card.
    #[must_use]
    pub fn begins_a_card(&self, line: &[u8], read: &Read) -> bool {
        let line = self.without_separators(line);
        self.begin(line, read.last).is_none() && self.begin(line, None).is_some()
    }

    fn without_separators<'a>(&self, mut line: &'a [u8]) -> &'a [u8] {
        let strip = |line: &'a [u8]| {
            self.separators.iter().find_map(|one| line.strip_prefix(one.as_slice()))
        };
        while let Some(rest) = strip(line) {
            line = rest;
        }
        line
    }

    /// The track at the front, and what is behind it.
    fn track<'a>(
        &self,
        line: &'a [u8],
        last: Option<Number>,
    ) -> Option<(Number, Stripe, &'a [u8])> {
        let (number, line) = self.begin(line, last)?;
        let (text, after) = line.split_at_checked(length(line))?;
        let body = text.get(1..).unwrap_or_default();
        let body = body.strip_suffix(&[END]).unwrap_or(body);
        let is_one_of = |words: &[Vec<u8>]| words.iter().any(|word| word == body);
        let (stripe, after) = match (self.lrc, after) {
            _ if is_one_of(&self.unread) => {
                (Stripe::Bad(TrackError::Unread), self.without_lrc(number, after))
            }
            _ if is_one_of(&self.absent) => (Stripe::Absent, self.without_lrc(number, after)),
            (LrcRule::Sent, [check, after @ ..]) if text.ends_with(&[END]) => {
                (checked(number, text, *check), after)
            }
            (LrcRule::Sent, []) if text.ends_with(&[END]) => {
                (Stripe::Bad(TrackError::Unended(text.len())), after)
            }
            _ => (stripe(number, text), after),
        };
        Some((number, stripe, after))
    }

    /// What is behind a word in a track's place, which may or may not have an LRC.
    fn without_lrc<'a>(&self, number: Number, after: &'a [u8]) -> &'a [u8] {
        let goes_on = self.without_separators(after).len() < after.len()
            || self.begin(after, Some(number)).is_some();
        match after.split_first() {
            Some((_, rest)) if self.lrc == LrcRule::Sent && !goes_on => rest,
            _ => after,
        }
    }

    /// Which track begins here behind the last one, and its text from the start sentinel on.
    fn begin<'a>(&self, line: &'a [u8], last: Option<Number>) -> Option<(Number, &'a [u8])> {
        let Some(ids) = &self.ids else { return Some((by_sentinel(line, last)?, line)) };
        let mut named = Number::ALL.into_iter().zip(ids);
        let (number, line) =
            named.find_map(|(number, id)| Some((number, line.strip_prefix(id.as_slice())?)))?;
        let is_track = matches!(line, [b'%' | b';' | b'@' | b'+' | b'#' | b'!' | b'&', ..]);
        (is_track && last < Some(number)).then_some((number, line))
    }
}

/// The tracks of a line. Nothing where no track begins at its first byte.
#[must_use]
pub fn tracks(line: &[u8], lrc: LrcRule) -> Option<Tracks<Stripe>> {
    let mut read = Read::default();
    let _behind_the_tracks = Format { lrc, ..Format::default() }.add(line, &mut read);
    (!read.is_empty()).then_some(read.tracks)
}

/// Whether bytes are a track in clear, with zeros behind it or nothing: what a head that encrypts nothing yet
/// sends in place of ciphertext. No ciphertext looks so by chance.
#[must_use]
pub fn is_clear(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let text = bytes.get(..end).unwrap_or_default();
    text.iter().all(|byte| (b' '..=b'_').contains(byte))
        && text.contains(&b'?')
        && matches!(text, [b'%' | b';' | b'+' | b'#' | b'!', ..])
}

/// A track as it came, sentinels included, or what is wrong with it.
#[must_use]
pub fn stripe(number: Number, text: &[u8]) -> Stripe {
    match track::read(number, text) {
        Ok(_) => Stripe::Text(Secret::copy_of(text)),
        Err(error) => Stripe::Bad(error),
    }
}

/// Which track a start sentinel begins.
fn by_sentinel(line: &[u8], last: Option<Number>) -> Option<Number> {
    match (line.first()?, last) {
        (b'%', None) => Some(Number::One),
        // Of licences track 3 begins like track 1, whose fields it has not.
        (b'%', Some(Number::One | Number::Two)) => {
            let text = line.get(..length(line))?;
            (!text.contains(&b'^')).then_some(Number::Three)
        }
        (b';' | b'@', None | Some(Number::One)) => Some(Number::Two),
        // Readers mark track 3 with a sign of their own, or as the card does.
        (b';' | b'+' | b'#' | b'!' | b'&', None | Some(Number::One | Number::Two)) => {
            Some(Number::Three)
        }
        _ => None,
    }
}

/// How long a track is that begins a line: to its end sentinel, or to a character that no track has.
///
/// Where track 1 has lost its end, the next sentinel is that of track 2, which is not lost with it.
fn length(line: &[u8]) -> usize {
    let whole = length_to_end(line);
    let text = line.get(..whole).unwrap_or_default();
    let follows = |at: &usize| {
        let rest = text.get(*at..).unwrap_or_default();
        rest.first() == Some(&b';')
            && matches!(track::read(Number::Two, rest), Ok(Track::Numbered(_)))
    };
    match text.first() {
        Some(b'%') => (1..text.len()).find(follows).unwrap_or(whole),
        _ => whole,
    }
}

fn length_to_end(line: &[u8]) -> usize {
    match line.iter().position(|byte| *byte == END || byte.is_ascii_control()) {
        Some(at) if line.get(at) == Some(&END) => at + 1,
        Some(at) => at,
        None => line.len(),
    }
}

fn checked(number: Number, text: &[u8], check: u8) -> Stripe {
    let base = if number == Number::One { 0x20 } else { 0x30 };
    let got = check.wrapping_sub(base);
    match track::lrc(number, as_on_the_card(number, text).expose()) {
        Some(want) if want != got => Stripe::Bad(TrackError::Lrc { got, want }),
        _ => stripe(number, text),
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
    use crate::normalize::card::shown;

    const ONE: &str = "%B4111111111111111^TEST/CARD^2512101000000000?";
    const TWO: &str = ";4111111111111111=25121010000000000000?";
    const THREE: &str = "+014111111111111111=2780?";

    fn told(line: &str, lrc: LrcRule) -> Option<[String; 3]> {
        Some(shown(tracks(line.as_bytes(), lrc)?))
    }

    #[test]
    fn tracks_one_behind_the_other() {
        let rows: [(&str, String, LrcRule, [&str; 3]); 10] = [
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
                "track 1 without its end",
                format!("{}{TWO}", ONE.trim_end_matches('?')),
                LrcRule::Kept,
                ["it has no end sentinel after 45 characters", TWO, "-"],
            ),
            (
                "cut off",
                ";41111".to_owned(),
                LrcRule::Kept,
                ["-", "it has no end sentinel after 6 characters", "-"],
            ),
        ];
        for (name, line, lrc, want) in rows {
            assert_eq!(told(&line, lrc), Some(want.map(str::to_owned)), "{name}");
        }
    }

    fn told_by(format: &Format, line: &str) -> (Result<(), usize>, [String; 3]) {
        let mut read = Read::default();
        let result = format.add(line.as_bytes(), &mut read);
        (result, shown(read.tracks))
    }

    /// A name, a format, a line, what comes of it, its tracks.
    type Row<'a> = (&'a str, &'a Format, String, Result<(), usize>, [&'a str; 3]);

    #[test]
    fn readers_write_tracks_in_their_own_ways() {
        let of = |separators: &[&str]| Format {
            separators: separators.iter().map(|one| one.as_bytes().to_vec()).collect(),
            ..Format::default()
        };
        let words = Format {
            unread: vec![b"E".to_vec(), b"F".to_vec()],
            absent: vec![b"N".to_vec()],
            ..of(&["\x10"])
        };
        let ids = ["k", "l", "m"].map(|id| id.as_bytes().to_vec());
        let named = Format { ids: Some(ids), ..of(&["\r"]) };
        let checked = Format { lrc: LrcRule::Sent, ..words.clone() };
        const UNREAD: &str = "the reader could not read it";
        let rows: [Row<'_>; 11] = [
            ("CR between them", &of(&["\r"]), format!("{ONE}\r{TWO}"), Ok(()), [ONE, TWO, "-"]),
            (
                "STX before each",
                &of(&["\x10", "\x02"]),
                format!("\x02{ONE}\x10\x02{TWO}"),
                Ok(()),
                [ONE, TWO, "-"],
            ),
            ("words", &words, format!("%F?\x10;N?\x10{THREE}"), Ok(()), [UNREAD, "-", THREE]),
            ("letters", &named, format!("k{ONE}\rl{TWO}"), Ok(()), [ONE, TWO, "-"]),
            (
                "the letter of a later one",
                &named,
                THREE.replace('+', "m;"),
                Ok(()),
                ["-", "-", ";014111111111111111=2780?"],
            ),
            (
                "letters out of order",
                &named,
                format!("l{TWO}\rk{ONE}"),
                Err(TWO.len() + 2),
                ["-", TWO, "-"],
            ),
            ("no letter", &named, TWO.to_owned(), Err(0), ["-", "-", "-"]),
            (
                "an LRC behind a word",
                &checked,
                format!("%E?_\x10{TWO}8"),
                Ok(()),
                [UNREAD, TWO, "-"],
            ),
            ("none behind it", &checked, format!("%E?{TWO}8"), Ok(()), [UNREAD, TWO, "-"]),
            (
                "something between them",
                &of(&[]),
                format!("{ONE}x{TWO}"),
                Err(ONE.len()),
                [ONE, "-", "-"],
            ),
            (
                "cut off before a separator",
                &of(&["\r"]),
                format!("%B4111\r{TWO}"),
                Ok(()),
                ["it has no end sentinel after 6 characters", TWO, "-"],
            ),
        ];
        for (name, format, line, result, want) in rows {
            assert_eq!(told_by(format, &line), (result, want.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn a_track_that_cannot_follow_begins_a_card() {
        let mut read = Read::default();
        let format = Format::default();
        format.add(format!("{ONE}{TWO}").as_bytes(), &mut read).unwrap();
        assert!(format.begins_a_card(ONE.as_bytes(), &read));
        assert!(!format.begins_a_card(THREE.as_bytes(), &read));
        assert!(!format.begins_a_card(b"%!!12345 D?", &read), "track 3 of a licence");
        assert!(!format.begins_a_card(b"400638", &read), "no track at all");
    }

    #[test]
    fn what_begins_no_track_is_no_card() {
        for line in ["", "4006381333931", "https://example.org/?a=b", "abc;1?"] {
            assert_eq!(told(line, LrcRule::Kept), None, "{line}");
        }
    }

    #[test]
    fn clear_tracks_are_told_from_ciphertext() {
        for (name, bytes, want) in [
            ("track 1", ONE.as_bytes().to_vec(), true),
            ("track 2 with its check character", format!("{TWO}8").into_bytes(), true),
            ("padded to eight", [TWO.as_bytes(), &[0; 1]].concat(), true),
            ("nothing", Vec::new(), false),
            ("zeros", vec![0; 40], false),
            ("ciphertext", vec![b'%', 0xC2, 0x5C, b'?'], false),
        ] {
            assert_eq!(is_clear(&bytes), want, "{name}");
        }
    }

    #[test]
    fn nothing_secret_is_in_what_is_printed() {
        let printed = format!("{:?}", tracks(format!("{ONE}{TWO}").as_bytes(), LrcRule::Kept));
        assert!(!printed.contains("4111") && !printed.contains("TEST"), "{printed}");
    }
}
