//! Card and account numbers in text that is printed or shown, over the ends of its lines too.
//!
//! Contract: pure. Receipts set numbers in columns and break them where the paper ends. So any run of signs
//! between digits counts as one, and the end of a line once as such a sign and once as nothing.

use zeroize::Zeroizing;

use super::characters::{Role, Source, role};
use super::find::{self, Wanted};
use crate::normalize::card::rules::Ranges;

/// A number in a text: the places of its characters, and of what belongs to it on a track.
pub(in crate::normalize) struct Printed {
    /// The number's own characters.
    pub(in crate::normalize) number: Vec<usize>,
    /// What stands behind it.
    pub(in crate::normalize) behind: Vec<usize>,
}

/// What the end of a line is to a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Parts,
    Nothing,
}

/// The numbers of known issuers and the account numbers in a text.
pub(in crate::normalize) fn numbers(text: &[char]) -> Vec<Printed> {
    [LineEnd::Parts, LineEnd::Nothing].into_iter().flat_map(|end| read(text, end)).collect()
}

fn read(text: &[char], line_end: LineEnd) -> Vec<Printed> {
    // Four bytes are the longest character: it never grows, and leaves no copies.
    let mut plain = Zeroizing::new(String::with_capacity(4 * text.len()));
    // Where each character begins there, and its place here.
    let mut places = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(character) = text.get(at).copied() {
        let run = signs(text, at);
        let signs = text.get(at..at + run).unwrap_or_default();
        let shown = match signs {
            [] => Some(character),
            // A phone number and a fraction are told by these.
            [sign @ ('+' | '.')] => Some(*sign),
            signs if line_end == LineEnd::Nothing && signs.contains(&'\n') => None,
            signs if signs.iter().all(|sign| role(*sign) == Role::Unseen) => None,
            _ => Some(' '),
        };
        if let Some(shown) = shown {
            places.push((plain.len(), at));
            plain.push(shown);
        }
        at += run.max(1);
    }
    let within = |from: usize, to: usize| {
        let first = places.partition_point(|(start, _)| *start < from);
        let last = places.partition_point(|(start, _)| *start < to);
        let inside = places.get(first..last).unwrap_or_default();
        inside.iter().map(|(_, place)| *place).collect::<Vec<_>>()
    };
    let wanted = Wanted { allow: &Ranges::default(), accounts: true };
    let found = find::search(Source::Text(&plain), wanted).found;
    let printed = |found: &find::Found| Printed {
        number: found.places.iter().flat_map(|place| within(place.start, place.end)).collect(),
        behind: found
            .behind
            .as_ref()
            .map(|place| within(place.start, place.end))
            .unwrap_or_default(),
    };
    found.iter().map(printed).collect()
}

/// How many signs that may stand between digits, seen and unseen, stand here in a row.
fn signs(text: &[char], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let is_sign = |character: &&char| matches!(role(**character), Role::Between | Role::Unseen);
    rest.iter().take_while(is_sign).count()
}

/// What stands at the end of a text of a number that may go on on the next line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::normalize) struct Open {
    /// How many digits; of an account number its letters too.
    pub(in crate::normalize) digits: usize,
    /// Which character it begins with.
    pub(in crate::normalize) from: usize,
}

/// What stands at the end of a text, where more of its number may follow on the next line.
pub(in crate::normalize) fn left_open(text: &str) -> Open {
    let is_sign = |character: char| matches!(role(character), Role::Between | Role::Unseen);
    let is_digit = |character: char| matches!(role(character), Role::Digit(_));
    let mut digits = Open::default();
    let mut account = Open::default();
    let mut parts = [(' ', 0); 4];
    for (place, character) in text.chars().enumerate() {
        if is_sign(character) {
            if account.digits == 0 {
                parts = [(' ', 0); 4];
            }
            continue;
        }
        digits = match is_digit(character) {
            true if digits.digits > 0 => Open { digits: digits.digits + 1, ..digits },
            true => Open { digits: 1, from: place },
            false => Open::default(),
        };
        let [_, second, third, fourth] = parts;
        parts = [second, third, fourth, (character, place)];
        let [(a, from), (b, _), (c, _), (d, _)] = parts;
        // Two letters and two digits, and what follows in digits and letters.
        let begins =
            [a, b].iter().all(char::is_ascii_alphabetic) && [c, d].iter().all(char::is_ascii_digit);
        account = match account.digits {
            0 if begins => Open { digits: 4, from },
            0 => Open::default(),
            count if character.is_ascii_alphanumeric() => Open { digits: count + 1, ..account },
            _ => Open::default(),
        };
    }
    match (digits.digits, account.digits) {
        (_, 0) => digits,
        (0, _) => account,
        (one, other) => Open { digits: one.max(other), from: digits.from.min(account.from) },
    }
}

/// Whether a whole line may be the middle of a number.
pub(in crate::normalize) fn is_all_open(text: &str) -> bool {
    text.chars().all(|character| role(character) != Role::End)
}
