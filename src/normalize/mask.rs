//! Card and account numbers in text that goes on to people and files: masked to their last four.
//!
//! Contract: pure. A whole run of 13 to 19 digits that passes the check of ISO/IEC 7812-1 is a card
//! number, and so are groups of digits as cards print them. A run that passes the check of ISO 13616 is
//! an account number (IBAN). So is what else has the length and the beginning of a known issuer's, however
//! it is set: with any run of blanks, dots and the like between its digits, in digits of any script, and broken
//! over lines. Everything else stays as it is, and so does the length of the text.

use zeroize::Zeroizing;

use super::card::pan;
use super::card_number::printed::{self, Printed};
use crate::event::terminal::{Copy, Line};
use crate::secret::Secret;

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
    mask(&mut characters);
    characters.iter().collect()
}

/// Lines that stand one below the other, with every number masked, those too that run from one line into the
/// next.
#[must_use]
pub fn lines(lines: &[&str]) -> Vec<String> {
    let mut all =
        Zeroizing::new(String::with_capacity(lines.iter().map(|line| line.len() + 1).sum()));
    for line in lines {
        all.push_str(line);
        all.push('\n');
    }
    let mut characters = characters(&all);
    mask(&mut characters);
    let mut at = 0;
    let line = |line: &&str| {
        let length = line.chars().count();
        let masked = characters.get(at..at + length).unwrap_or_default().iter().collect();
        at += length + 1;
        masked
    };
    lines.iter().map(line).collect()
}

fn mask(characters: &mut [char]) {
    let printed = printed::numbers(characters);
    for Printed { number, behind } in printed {
        hide(characters, &behind, 0);
        hide(characters, &number, SHOWN);
    }
    let mut at = 0;
    while at < characters.len() {
        let found = [card_at(characters, at), iban_at(characters, at)];
        match found.into_iter().flatten().max_by_key(Vec::len) {
            Some(places) => {
                hide(characters, &places, SHOWN);
                at = places.last().map_or(at, |last| last + 1);
            }
            None => at += 1,
        }
    }
}

/// Puts the mask in all these places but the last few.
fn hide(characters: &mut [char], places: &[usize], shown: usize) {
    for place in places.iter().rev().skip(shown) {
        if let Some(character) = characters.get_mut(*place) {
            *character = MASK;
        }
    }
}

/// How many digits at the end of a line are let go before the next line is known: cards print no more of their
/// beginning on receipts either.
const LET_GO: usize = 6;
/// How many lines a number may run over.
const RUN: usize = 4;

/// The lines of a receipt that come one by one. A line is held back where a number may run on from its end,
/// until the next is there.
#[derive(Debug, Default)]
pub struct Receipt {
    lines: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    copy: Copy,
    text: Secret<String>,
    /// It has been let go, and is kept for what follows.
    is_out: bool,
}

impl Receipt {
    /// Takes a line. Gives those that can be let go, masked.
    pub fn line(&mut self, copy: Copy, text: Secret<String>) -> Vec<Line> {
        let is_other = self.lines.last().is_some_and(|last| last.copy != copy);
        let mut out = if is_other { self.end() } else { Vec::new() };
        self.lines.push(Held { copy, text, is_out: false });
        let masked = self.masked();
        // The lines from which a number may run on: the last, and what it goes on from.
        let is_middle = |held: &&Held| printed::is_all_open(held.text.expose());
        let middles = self.lines.iter().rev().take_while(is_middle).count();
        let from = self.lines.len().saturating_sub(middles + 1);
        let open = self.lines.get(from..).unwrap_or_default();
        let digits: usize = open.iter().map(|held| printed::left_open(held.text.expose())).sum();
        let may_wait = digits > LET_GO && open.len() < RUN;
        for (place, (held, text)) in self.lines.iter_mut().zip(masked).enumerate() {
            if held.is_out || (may_wait && place >= from) {
                continue;
            }
            held.is_out = true;
            out.push(Line { copy: held.copy, text });
        }
        let kept = from.max(self.lines.len().saturating_sub(RUN));
        self.lines.drain(..kept);
        out
    }

    /// Nothing more follows. Gives what was held back.
    pub fn end(&mut self) -> Vec<Line> {
        let masked = self.masked();
        let held = self.lines.drain(..).zip(masked).filter(|(held, _)| !held.is_out);
        held.map(|(held, text)| Line { copy: held.copy, text }).collect()
    }

    fn masked(&self) -> Vec<String> {
        lines(&self.lines.iter().map(|held| held.text.expose()).collect::<Vec<_>>())
    }
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
    fn numbers_are_masked_however_they_are_set() {
        let rows = [
            ("double blanks", "4111  1111  1111  1111", "****  ****  ****  1111"),
            ("dots", "Card 4111.1111.1111.1111", "Card ****.****.****.1111"),
            (
                "blanks that do not break",
                "4111\u{A0}1111\u{A0}1111\u{A0}1111",
                "****\u{A0}****\u{A0}****\u{A0}1111",
            ),
            ("wide digits", "４１１１１１１１１１１１１１１１", "************１１１１"),
            ("Arabic digits", "٤١١١١١١١١١١١١١١١", "************١١١١"),
            (
                "an account in columns",
                "DE89  3704  0044  0532  0130  00",
                "****  ****  ****  ****  **30  00",
            ),
            (
                "a track",
                "%B4111111111111111^DOE/J^25121010000?",
                "%B************1111******************?",
            ),
            (
                "an amount in a column",
                "Receipt 4711     1250   2611 1015",
                "Receipt 4711     1250   2611 1015",
            ),
        ];
        for (name, text, want) in rows {
            assert_eq!(masked(text), want, "{name}");
        }
    }

    #[test]
    fn numbers_that_run_over_lines_are_masked_as_one() {
        let rows: &[(&str, &[&str], &[&str])] = &[
            ("in groups", &["Card 4111 1111", "1111 1111"], &["Card **** ****", "**** 1111"]),
            (
                "in the middle of a group",
                &["4111 1111 11", "11 1111"],
                &["**** **** **", "** 1111"],
            ),
            ("without blanks", &["411111111111", "1111 EUR"], &["************", "1111 EUR"]),
            ("over three lines", &["411111", "111111", "1111"], &["******", "******", "1111"]),
            (
                "an empty line between",
                &["41111111  ", "", "11111111"],
                &["********  ", "", "****1111"],
            ),
            (
                "an account",
                &["IBAN DE89 3704 0044 0532", "0130 00"],
                &["IBAN **** **** **** ****", "**30 00"],
            ),
            (
                "two numbers that are none",
                &["TID 52523535", "Receipt 00012345"],
                &["TID 52523535", "Receipt 00012345"],
            ),
            (
                "a whole one, and another line",
                &["4111111111111111", "25.11.2026"],
                &["************1111", "25.11.2026"],
            ),
            ("nothing", &[], &[]),
        ];
        for (name, text, want) in rows {
            assert_eq!(lines(text), *want, "{name}");
            // One by one, and in whatever pieces they are let go.
            let mut receipt = Receipt::default();
            let mut one_by_one = Vec::new();
            for line in *text {
                one_by_one.extend(receipt.line(Copy::Unnamed, Secret::copy_of(*line)));
            }
            one_by_one.extend(receipt.end());
            let one_by_one: Vec<_> = one_by_one.into_iter().map(|line| line.text).collect();
            let shown =
                |lines: &[String]| lines.concat().chars().filter(char::is_ascii_digit).count();
            assert_eq!(one_by_one.len(), want.len(), "{name}");
            let more = shown(&one_by_one).saturating_sub(shown(&lines(text)));
            assert!(more <= LET_GO, "{name}: {one_by_one:?}");
        }
    }

    #[test]
    fn a_line_is_held_back_only_where_a_number_may_run_on() {
        let mut receipt = Receipt::default();
        let mut take = |copy, text: &str| {
            let lines = receipt.line(copy, Secret::copy_of(text));
            lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(take(Copy::Customer, "EUR 12.50"), ["EUR 12.50"]);
        assert_eq!(take(Copy::Customer, "4111 1111"), [""; 0], "more may follow");
        assert_eq!(take(Copy::Customer, "1111 1111"), [""; 0], "and more");
        assert_eq!(take(Copy::Customer, "Thank you"), ["**** ****", "**** 1111", "Thank you"]);
        assert_eq!(take(Copy::Customer, "TID 52523535"), [""; 0]);
        assert_eq!(take(Copy::Merchant, "Receipt 42"), ["TID 52523535", "Receipt 42"]);
        assert_eq!(take(Copy::Merchant, "IBAN DE89 3704"), [""; 0]);
        assert_eq!(receipt.end().len(), 1);
        assert_eq!(receipt.end().len(), 0);
    }

    #[test]
    fn a_field_with_a_card_number_keeps_its_last_four() {
        assert_eq!(card("4111111111111111"), "************1111");
        assert_eq!(card("12345"), "*****");
    }
}
