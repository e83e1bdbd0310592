//! Card and account numbers in text that goes on to people and files: masked to their last four.
//!
//! Contract: pure. A whole run of 13 to 19 digits that passes the check of ISO/IEC 7812-1 is a card
//! number, and so are groups of digits as cards print them. A run that passes the check of ISO 13616 is
//! an account number (IBAN). So is what else has the length and the beginning of a known issuer's, however
//! it is set: with any run of blanks, dots and the like between its digits, in digits of any script, and broken
//! over lines. Everything else stays as it is, and so does the length of the text.

use zeroize::Zeroizing;

use super::card::pan;
use super::card_number::printed::{self, Open, Printed};
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

/// How many digits at the end of a line are shown before the next line is known: cards print no more of their
/// beginning on receipts either.
const LET_GO: usize = 6;
/// How many lines a number may run over.
const RUN: usize = 4;

/// The lines of a receipt that come one by one. Each is given at once, so that it can be written down before the
/// terminal goes on; where a number may run on from its end that end is masked, whatever it is, and given again
/// when the next line has shown what it is.
#[derive(Debug, Default)]
pub struct Receipt {
    lines: Vec<Held>,
}

/// What there is to write down of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// One more line.
    New(Line),
    /// The last so many lines, as they are now that it is known what follows.
    Again(Vec<Line>),
}

#[derive(Debug)]
struct Held {
    copy: Copy,
    text: Secret<String>,
    /// As it was given.
    given: String,
}

impl Receipt {
    /// Takes lines that have come together. What one of them shows of another is known at once, so each is given
    /// once.
    pub fn block(&mut self, lines: Vec<(Copy, Secret<String>)>) -> Vec<Given> {
        let (mut before, mut new): (Vec<Line>, Vec<Line>) = Default::default();
        let given = lines.into_iter().flat_map(|(copy, text)| self.line(copy, text));
        for given in given {
            match given {
                Given::New(line) => new.push(line),
                Given::Again(mut again) => {
                    let inside = again.len().min(new.len());
                    let own = again.split_off(again.len() - inside);
                    put_last(&mut new, own);
                    put_last(&mut before, again);
                }
            }
        }
        let again = (!before.is_empty()).then_some(Given::Again(before));
        again.into_iter().chain(new.into_iter().map(Given::New)).collect()
    }

    /// Takes a line. Gives it, masked, and before it those that have become others by it.
    pub fn line(&mut self, copy: Copy, text: Secret<String>) -> Vec<Given> {
        let is_other = self.lines.last().is_some_and(|last| last.copy != copy);
        let mut out = if is_other { self.end() } else { Vec::new() };
        self.lines.push(Held { copy, text, given: String::new() });
        let mut masked = self.masked();
        // The lines from which a number may run on: the last, and what it goes on from.
        let is_middle = |held: &&Held| printed::is_all_open(held.text.expose());
        let middles = self.lines.iter().rev().take_while(is_middle).count();
        let from = self.lines.len().saturating_sub(middles + 1);
        let ends = self.lines.iter().skip(from).map(|held| printed::left_open(held.text.expose()));
        let ends: Vec<Open> = ends.collect();
        let digits: usize = ends.iter().map(|end| end.digits).sum();
        if digits > LET_GO && ends.len() < RUN {
            for (text, end) in masked.iter_mut().skip(from).zip(ends) {
                *text = covered(text, end);
            }
        }
        let line = masked.pop().map(|text| Line { copy, text });
        out.extend(self.again(&masked));
        if let (Some(held), Some(line)) = (self.lines.last_mut(), line) {
            held.given.clone_from(&line.text);
            out.push(Given::New(line));
        }
        let kept = from.max(self.lines.len().saturating_sub(RUN));
        self.lines.drain(..kept);
        out
    }

    /// Nothing more follows. Gives what has become another line by that.
    pub fn end(&mut self) -> Vec<Given> {
        let masked = self.masked();
        let again = self.again(&masked);
        self.lines.clear();
        again.into_iter().collect()
    }

    /// The lines from the first on that is not as it was given; these are their texts.
    fn again(&mut self, texts: &[String]) -> Option<Given> {
        let mut lines = self.lines.iter().zip(texts);
        let first = lines.position(|(held, text)| held.given != *text)?;
        let changed = self.lines.iter_mut().zip(texts).skip(first);
        let changed = changed.map(|(held, text)| {
            held.given.clone_from(text);
            Line { copy: held.copy, text: text.clone() }
        });
        Some(Given::Again(changed.collect()))
    }

    fn masked(&self) -> Vec<String> {
        lines(&self.lines.iter().map(|held| held.text.expose()).collect::<Vec<_>>())
    }
}

/// Puts these in the place of the last ones.
fn put_last(lines: &mut Vec<Line>, last: Vec<Line>) {
    lines.truncate(lines.len().saturating_sub(last.len()));
    lines.extend(last);
}

/// A text with everything masked of its end from which a number may run on.
fn covered(text: &str, end: Open) -> String {
    let characters = text.chars().enumerate();
    let cover = |(place, character): (usize, char)| {
        let is_open = end.digits > 0 && place >= end.from && character.is_alphanumeric();
        if is_open { MASK } else { character }
    };
    characters.map(cover).collect()
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
            // One by one: each at once, and in the end all of them as if they had come together.
            let mut receipt = Receipt::default();
            let mut written = Vec::new();
            for line in *text {
                write(&mut written, receipt.line(Copy::Unnamed, Secret::copy_of(*line)));
                let shown = written.concat().chars().filter(char::is_ascii_digit).count();
                let at_most = lines(text).concat().chars().filter(char::is_ascii_digit).count();
                assert!(shown <= at_most + LET_GO, "{name}: {written:?}");
            }
            write(&mut written, receipt.end());
            assert_eq!(written, *want, "{name}");
        }
    }

    /// Writes down what is given.
    fn write(written: &mut Vec<String>, given: Vec<Given>) {
        for given in given {
            match given {
                Given::New(line) => written.push(line.text),
                Given::Again(lines) => {
                    written.truncate(written.len() - lines.len());
                    written.extend(lines.into_iter().map(|line| line.text));
                }
            }
        }
    }

    #[test]
    fn a_line_is_given_at_once_and_again_where_the_next_one_shows_what_it_was() {
        let mut receipt = Receipt::default();
        let mut written = Vec::new();
        let rows: [(Copy, &str, &[&str]); 9] = [
            (Copy::Customer, "EUR 12.50", &["EUR 12.50"]),
            (Copy::Customer, "Card 4111 1111", &["EUR 12.50", "Card **** ****"]),
            (Copy::Customer, "1111 1111", &["Card **** ****", "**** ****"]),
            (Copy::Customer, "Thank you", &["Card **** ****", "**** 1111", "Thank you"]),
            (Copy::Customer, "TID 52523535", &["Thank you", "TID ********"]),
            (Copy::Merchant, "Receipt 42", &["TID 52523535", "Receipt 42"]),
            (Copy::Merchant, "IBAN DE89 3704", &["Receipt 42", "IBAN **** ****"]),
            (Copy::Merchant, "0044 0532 0130 00", &["IBAN **** ****", "**** **** **** **"]),
            (Copy::Merchant, "EUR", &["IBAN **** ****", "**** **** **30 00", "EUR"]),
        ];
        for (copy, text, want) in rows {
            write(&mut written, receipt.line(copy, Secret::copy_of(text)));
            let last = written.len().saturating_sub(want.len());
            assert_eq!(written[last..], *want, "{text}");
        }
        assert_eq!(receipt.end(), []);
        receipt.line(Copy::Merchant, Secret::copy_of("TID 52523535"));
        let line = Line { copy: Copy::Merchant, text: "TID 52523535".to_owned() };
        assert_eq!(receipt.end(), [Given::Again(vec![line])]);
        assert_eq!(receipt.end(), []);
    }

    #[test]
    fn lines_that_come_together_are_given_once() {
        let line = |text: &str| Line { copy: Copy::Customer, text: text.to_owned() };
        let block = |texts: &[&str]| {
            texts.iter().map(|text| (Copy::Customer, Secret::copy_of(*text))).collect::<Vec<_>>()
        };
        let mut receipt = Receipt::default();
        let card = ["Card **** ****", "**** ****"];
        let given = receipt.block(block(&["Card 4111 1111", "1111 1111"]));
        assert_eq!(given, card.map(|text| Given::New(line(text))));
        let given = receipt.block(block(&["TID 52523535", "EUR 12.50", "TA 0010167"]));
        let want = [
            Given::Again(vec![line("**** 1111")]),
            Given::New(line("TID 52523535")),
            Given::New(line("EUR 12.50")),
            Given::New(line("TA *******")),
        ];
        assert_eq!(given, want);
        assert_eq!(receipt.end(), [Given::Again(vec![line("TA 0010167")])]);
    }

    #[test]
    fn a_field_with_a_card_number_keeps_its_last_four() {
        assert_eq!(card("4111111111111111"), "************1111");
        assert_eq!(card("12345"), "*****");
    }
}
