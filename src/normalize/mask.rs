//! Card and account numbers in text that goes on to people and files: masked to their last four.
//!
//! Contract: pure. A whole run of 13 to 19 digits that passes the check of ISO/IEC 7812-1 is a card
//! number, and so are groups of digits as cards print them. A run that passes the check of ISO 13616 is
//! an account number (IBAN). Everything else stays as it is, and so does the length of the text.

use zeroize::Zeroizing;

use super::card::pan;

/// What stands in for a digit or a letter.
const MASK: char = '*';
/// How much of a number stays.
const SHOWN: usize = 4;
/// The lengths of card numbers in use (ISO/IEC 7812-1 allows 8 to 19).
const CARD: std::ops::RangeInclusive<usize> = 13..=19;
/// The lengths of account numbers (ISO 13616), the shortest and the longest in the registry.
const IBAN: std::ops::RangeInclusive<usize> = 15..=34;

/// The text with every card and account number masked.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut characters = characters(text);
    let mut at = 0;
    while at < characters.len() {
        let found = [card_at(&characters, at), iban_at(&characters, at)];
        match found.into_iter().flatten().max_by_key(Vec::len) {
            Some(places) => {
                for place in places.iter().rev().skip(SHOWN) {
                    if let Some(character) = characters.get_mut(*place) {
                        *character = MASK;
                    }
                }
                at = places.last().map_or(at, |last| last + 1);
            }
            None => at += 1,
        }
    }
    characters.iter().collect()
}

fn characters(text: &str) -> Zeroizing<Vec<char>> {
    let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
    characters.extend(text.chars());
    characters
}

/// A card number masked to its last four, whatever it is: for fields that hold nothing else.
#[must_use]
pub fn card(digits: &str) -> String {
    let length = digits.chars().count();
    let shown = if length > SHOWN * 2 { SHOWN } else { 0 };
    let mask = |(place, character)| if place + shown < length { MASK } else { character };
    digits.chars().enumerate().map(mask).collect()
}

/// The places of a card number's digits that begins here: a whole run of digits, or groups as cards
/// print them. Parts of longer runs are left alone: the numbers of contracts and terminals on every
/// receipt would pass too often.
fn card_at(text: &[char], at: usize) -> Option<Vec<usize>> {
    let is_digit = |character: char| character.is_ascii_digit();
    if at.checked_sub(1).and_then(|before| text.get(before)).copied().is_some_and(is_digit) {
        return None;
    }
    let compact = compact_at(text, at, is_digit);
    if CARD.contains(&compact.len()) {
        return Some(compact).filter(|places| is_card(text, places));
    }
    let mut all = compact;
    let mut found = None;
    if all.len() != 4 {
        return None;
    }
    while let Some(end) = all.last().copied()
        && matches!(text.get(end + 1), Some(' ' | '-'))
    {
        let group = compact_at(text, end + 2, is_digit);
        if !(1..=6).contains(&group.len()) || all.len() + group.len() > *CARD.end() {
            break;
        }
        all.extend(group);
        if CARD.contains(&all.len()) && is_card(text, &all) {
            found = Some(all.clone());
        }
    }
    found
}

fn compact_at(text: &[char], at: usize, belongs: impl Fn(char) -> bool) -> Vec<usize> {
    let places = at..text.len();
    places.take_while(|place| text.get(*place).copied().is_some_and(&belongs)).collect()
}

fn iban_at(text: &[char], at: usize) -> Option<Vec<usize>> {
    let belongs = |character: char| character.is_ascii_alphanumeric();
    if at.checked_sub(1).and_then(|before| text.get(before)).copied().is_some_and(belongs) {
        return None;
    }
    let run = run_at(text, at, belongs);
    IBAN.rev()
        .filter_map(|length| run.get(..length))
        .find(|run| is_iban(text, run))
        .map(<[_]>::to_vec)
}

/// The places of the characters of a run, single separators left out.
fn run_at(text: &[char], at: usize, belongs: impl Fn(char) -> bool) -> Vec<usize> {
    let is = |place: usize| text.get(place).copied().is_some_and(&belongs);
    let mut places = Vec::new();
    let mut place = at;
    while is(place) {
        places.push(place);
        let separated = matches!(text.get(place + 1), Some(' ' | '-')) && is(place + 2);
        place += if separated { 2 } else { 1 };
    }
    places
}

fn is_card(text: &[char], places: &[usize]) -> bool {
    pan::passes_luhn(digits(text, places).as_bytes())
}

fn digits(text: &[char], places: &[usize]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(String::with_capacity(places.len()));
    digits.extend(places.iter().filter_map(|place| text.get(*place)));
    digits
}

/// Country, two check digits, then the rest; moved behind it, letters as 10 to 35, all of it leaves 1
/// when divided by 97.
fn is_iban(text: &[char], places: &[usize]) -> bool {
    let characters: Vec<char> =
        places.iter().filter_map(|place| text.get(*place).copied()).collect();
    let Some((head, rest)) = characters.split_first_chunk::<4>() else { return false };
    let [first, second, check @ ..] = head;
    if !first.is_ascii_uppercase()
        || !second.is_ascii_uppercase()
        || !check.iter().all(char::is_ascii_digit)
    {
        return false;
    }
    let remainder = rest.iter().chain(head).try_fold(0_u32, |remainder, character| {
        let value = character.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    remainder == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_nothing_else() {
        let rows = [
            ("a card", "Karte 4111111111111111 EUR", "Karte ************1111 EUR"),
            ("in groups", "4111 1111 1111 1111", "**** **** **** 1111"),
            ("with hyphens", "5413-3300-8902-0011", "****-****-****-0011"),
            ("an account", "DE89370400440532013000", "******************3000"),
            (
                "in groups of four",
                "IBAN DE89 3704 0044 0532 0130 00",
                "IBAN **** **** **** **** **30 00",
            ),
            (
                "in groups with an amount behind",
                "4111 1111 1111 1111 1250",
                "**** **** **** 1111 1250",
            ),
            ("a contract number of 15 digits", "VU 455600001234567", "VU 455600001234567"),
            ("part of a longer run", "99411111111111111199", "99411111111111111199"),
            ("masked already", "############0119", "############0119"),
            ("a terminal and a trace number", "TID 52523535 TA 001016", "TID 52523535 TA 001016"),
            ("no check digit of a card", "4111111111111112", "4111111111111112"),
            ("an amount", "12,50 EUR", "12,50 EUR"),
            ("zeroes", "0000000000000000", "0000000000000000"),
            ("nothing", "", ""),
        ];
        for (name, text, want) in rows {
            assert_eq!(masked(text), want, "{name}");
        }
    }

    #[test]
    fn a_field_with_a_card_number_keeps_its_last_four() {
        assert_eq!(card("4111111111111111"), "************1111");
        assert_eq!(card("12345"), "*****");
    }
}
