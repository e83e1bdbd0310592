//! Card numbers in a text, wherever they stand and however they are grouped.
//!
//! Contract: pure, and linear: each character is looked at a bounded number of times, however long the
//! text is. A number is whole: digits between things that are no digits. Parts of longer runs are left
//! alone, for a tenth of all of them would pass; but where the layout of a magnetic track shows where a
//! number ends, what stands before it may be no part of it.
//!
//! ```text
//! 4111111111111111           a run
//! 4111 1111 1111 1111 1250   groups as cards print them, and something behind
//! 41-11 1111.1111 111 1      groups of any kind, where there is nothing else
//! %B4111…^NAME^2512101…?     a track: what stands behind the number belongs to it
//! ```

use std::ops::Range;

use super::account;
use super::characters::{Characters, Role, Source, role};
use crate::normalize::card::rules::Ranges;
use crate::normalize::card::{brand, pan};
use crate::secret::Secret;

/// The groups in which cards print their numbers, the longer before the shorter.
const SHAPES: [&[usize]; 12] = [
    &[4, 4, 4, 4, 3],
    &[6, 13],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 4],
    &[8, 8],
    &[4, 6, 5],
    &[4, 4, 4, 3],
    &[4, 6, 4],
    &[4, 4, 4, 2],
    &[4, 4, 4, 1],
    &[4, 4, 4],
];
/// The most signs between two groups.
const BETWEEN: usize = 3;
/// The most characters behind a number on a track: track 3 has 107 in all.
const TRACK: usize = 107;
/// The length of the oldest numbers of Visa, and of many a phone number behind a plus sign.
const PHONE: usize = 13;

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A card's, and whose.
    Card(Option<&'static str>),
    /// An account's.
    Account,
}

/// A number and where it stands.
#[derive(Debug)]
pub(super) struct Found {
    /// What it is.
    pub(super) what: What,
    /// The number, without what stands between its characters.
    pub(super) number: Secret<String>,
    /// The place of each of its characters.
    pub(super) places: Vec<Range<usize>>,
    /// What belongs to it on a track: a name, the rest.
    pub(super) behind: Option<Range<usize>>,
}

impl Found {
    /// From its first to its last character.
    pub(super) fn range(&self) -> Range<usize> {
        let start = self.places.first().map_or(0, |place| place.start);
        start..self.places.last().map_or(start, |place| place.end)
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The shop's own numbers, which are no card numbers.
    pub(super) allow: &'a Ranges,
    /// Whether account numbers are wanted.
    pub(super) accounts: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The numbers, in the order in which they stand.
    pub(super) found: Vec<Found>,
    /// How many runs and groups were as long as card numbers are.
    pub(super) looked_at: usize,
    /// How often a character was looked at.
    pub(super) steps: usize,
}

/// Some digits with nothing seen between them.
#[derive(Clone, Debug)]
struct Group {
    /// Which digits of all.
    digits: Range<usize>,
    /// The sign between it and the group before it, where the two may be one number.
    joined: Option<char>,
    /// The two characters before it.
    before: [char; 2],
    /// Where its last digit ends.
    end: usize,
}

/// All digits of a text.
struct Digits {
    values: Secret<Vec<u8>>,
    places: Vec<Range<usize>>,
    groups: Vec<Group>,
}

/// Looks for numbers.
pub(super) fn search(source: Source<'_>, wanted: Wanted<'_>) -> Findings {
    let mut findings = Findings::default();
    let digits = collect(source, wanted, &mut findings);
    let Digits { values, places, groups } = digits;
    let mut search = Search {
        source,
        wanted,
        values: values.expose(),
        places: &places,
        findings,
        cards: Vec::new(),
    };
    for sequence in groups.chunk_by(|_, next| next.joined.is_some()) {
        search.sequence(sequence);
    }
    let Search { mut findings, cards, .. } = search;
    // So far there are accounts alone, in their order. The digits of one may pass for a card's.
    let accounts: Vec<Range<usize>> = findings.found.iter().map(Found::range).collect();
    let is_beside = |card: &Found| {
        let Range { start, end } = card.range();
        let next = accounts.partition_point(|account| account.end <= start);
        accounts.get(next).is_none_or(|account| end <= account.start)
    };
    findings.found.extend(cards.into_iter().filter(is_beside));
    findings.found.sort_by_key(|found| found.range().start);
    findings
}

/// The digits of a text in their groups; account numbers are found on the way.
fn collect(source: Source<'_>, wanted: Wanted<'_>, findings: &mut Findings) -> Digits {
    let mut digits = Digits {
        values: Secret::with_room(most_digits(source)),
        places: Vec::new(),
        groups: Vec::new(),
    };
    let mut before = ['\0'; 2];
    let mut between = 0;
    let mut joined = None;
    let mut is_open = false;
    let mut characters = source.characters(source.start());
    while let Some((place, character)) = characters.next() {
        findings.steps += 1;
        let role = role(character);
        match role {
            Role::Unseen => continue,
            Role::Digit(value) => {
                // There is room for as many as there can be.
                if digits.values.push(b'0' + value).is_err() {
                    break;
                }
                if !is_open {
                    let count = digits.places.len();
                    let end = place.end;
                    digits.groups.push(Group { digits: count..count, joined, before, end });
                    is_open = true;
                }
                if let Some(group) = digits.groups.last_mut() {
                    group.digits.end += 1;
                    group.end = place.end;
                }
                digits.places.push(place);
            }
            Role::Between if is_open => (is_open, joined, between) = (false, Some(character), 1),
            Role::Between => {
                between += 1;
                joined = joined.filter(|_| between <= BETWEEN);
            }
            Role::End => {
                let [_, last] = before;
                if wanted.accounts
                    && character.is_ascii_alphabetic()
                    && !last.is_ascii_alphanumeric()
                {
                    let first = (place, character);
                    let account = account::at(&first, &characters, &mut findings.steps);
                    findings.found.extend(account);
                }
                (is_open, joined) = (false, None);
            }
        }
        let [_, last] = before;
        before = [last, if matches!(role, Role::Digit(_)) { '0' } else { character }];
    }
    digits
}

/// At least as many as there are digits.
fn most_digits(source: Source<'_>) -> usize {
    let bytes = match source {
        Source::Text(text) | Source::Escaped(text) => text.as_bytes(),
        Source::Bytes(bytes) => bytes,
    };
    let may_begin_one = |byte: &&u8| byte.is_ascii_digit() || **byte == b'%' || **byte >= 0xC0;
    bytes.iter().filter(may_begin_one).count()
}

struct Search<'a> {
    source: Source<'a>,
    wanted: Wanted<'a>,
    values: &'a [u8],
    places: &'a [Range<usize>],
    /// So far with the account numbers, in their order.
    findings: Findings,
    cards: Vec<Found>,
}

impl Search<'_> {
    /// Groups that are separated by signs, which may be one number, several, or none.
    fn sequence(&mut self, groups: &[Group]) {
        // The longest first: of a number that is taken for a shorter one, too much is shown.
        if is_no_fraction(groups) && self.take(groups) {
            return;
        }
        let mut rest = groups;
        while let Some((first, after)) = rest.split_first() {
            let mut windows = SHAPES.iter().filter_map(|shape| shaped(rest, shape));
            let taken = windows.find(|window| self.take(window)).map(<[Group]>::len);
            match taken {
                Some(count) => rest = rest.get(count..).unwrap_or_default(),
                None => {
                    if groups.len() == 1 || !self.take(std::slice::from_ref(first)) {
                        self.take_end(first);
                    }
                    rest = after;
                }
            }
        }
    }

    /// Takes these groups for a number, if they are one.
    fn take(&mut self, groups: &[Group]) -> bool {
        let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return false };
        let range = first.digits.start..last.digits.end;
        if !pan::LENGTHS.contains(&range.len()) {
            return false;
        }
        let [_, sign] = first.before;
        if range.len() == PHONE && sign == '+' {
            return false;
        }
        let sentinel = Sentinel::of(first);
        let layout = self.layout(sentinel, last.end);
        let certain = layout.as_ref().filter(|layout| layout.is_whole).and(sentinel);
        self.take_digits(range, certain, layout)
    }

    /// Takes the end of a longer run for a number, if the layout behind it is a track's: before it stand
    /// the two digits of track 3, or in hexadecimal digits the tag and the length of EMV's tag 57.
    fn take_end(&mut self, group: &Group) {
        let Range { start, end } = group.digits;
        if end - start <= *pan::LENGTHS.start() {
            return;
        }
        let sentinel = Sentinel::of(group);
        let Some(layout) = self.layout(sentinel, group.end) else { return };
        if sentinel.is_some() {
            let range = start + 2..end;
            if pan::LENGTHS.contains(&range.len()) {
                self.take_digits(range, None, Some(layout));
            }
            return;
        }
        if !layout.is_whole {
            return;
        }
        for length in pan::LENGTHS.rev().filter(|length| start + length < end) {
            if self.take_digits(end - length..end, None, Some(layout.clone())) {
                return;
            }
        }
    }

    /// Takes these digits for a number, if they are one, or a whole track leaves no doubt.
    fn take_digits(
        &mut self,
        range: Range<usize>,
        certain: Option<Sentinel>,
        layout: Option<Layout>,
    ) -> bool {
        self.findings.looked_at += 1;
        self.findings.steps += range.len();
        let digits = self.values.get(range.clone()).unwrap_or_default();
        let brand = brand::of(digits).map(|brand| brand.word);
        let passes = pan::passes_luhn(digits);
        let is_number = match certain {
            Some(Sentinel::One) => true,
            Some(Sentinel::Two) => passes || brand.is_some(),
            None => passes && brand.is_some(),
        };
        if !is_number {
            return false;
        }
        let Some(number) = Secret::copy_of(digits).into_text() else { return false };
        let places = self.places.get(range).unwrap_or_default().to_vec();
        let behind = layout.map(|layout| layout.behind);
        let found = Found { what: What::Card(brand), number, places, behind };
        if self.wanted.allow.hold(found.number.expose()) || self.is_of_account(&found) {
            return false;
        }
        self.cards.push(found);
        true
    }

    /// Whether it is a part of an account number.
    fn is_of_account(&self, found: &Found) -> bool {
        let Range { start, end } = found.range();
        let before = self.findings.found.partition_point(|account| account.range().start < end);
        let account = before.checked_sub(1).and_then(|last| self.findings.found.get(last));
        account.is_some_and(|account| start < account.range().end)
    }

    /// What stands behind a number, where that is laid out as on a track.
    fn layout(&mut self, sentinel: Option<Sentinel>, end: usize) -> Option<Layout> {
        let mut behind = Behind { characters: self.source.characters(end), end, steps: 0 };
        let is_whole = match behind.next()? {
            '^' => behind.is_track_1(),
            '=' | 'D' | 'd' => behind.is_track_2(sentinel)?,
            _ => return None,
        };
        self.findings.steps += behind.steps;
        Some(Layout { behind: end..behind.end, is_whole })
    }
}

/// What stands behind a number on a track.
#[derive(Clone, Debug)]
struct Layout {
    /// All of it, but for the end sentinel.
    behind: Range<usize>,
    /// Whether there is all that a bank's card has.
    is_whole: bool,
}

/// What stands before a number on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sentinel {
    /// `%B`: a bank's track 1.
    One,
    /// `;`, or as some readers show track 3, another sign.
    Two,
}

impl Sentinel {
    fn of(group: &Group) -> Option<Self> {
        match group.before {
            ['%', 'B' | 'b'] => Some(Self::One),
            [_, ';' | '+' | '!' | '#'] => Some(Self::Two),
            _ => None,
        }
    }
}

/// The characters behind a number that may belong to its track.
struct Behind<'a> {
    characters: Characters<'a>,
    /// Up to where they do.
    end: usize,
    steps: usize,
}

impl Behind<'_> {
    /// The next one; nothing at the end of the track or of its line.
    fn next(&mut self) -> Option<char> {
        self.next_of(|_| true)
    }

    fn next_of(&mut self, belongs: impl Fn(char) -> bool) -> Option<char> {
        loop {
            let (place, character) = self.characters.next().filter(|_| self.steps < TRACK)?;
            self.steps += 1;
            match role(character) {
                Role::Unseen => {}
                _ if matches!(character, '?' | '\n' | '\r' | '\u{1C}'..='\u{1F}') => return None,
                _ if !belongs(character) => return None,
                _ => {
                    self.end = place.end;
                    return Some(character);
                }
            }
        }
    }

    /// A name and what stands behind that.
    fn is_track_1(&mut self) -> bool {
        let mut is_whole = false;
        while let Some(character) = self.next() {
            is_whole |= character == '^';
        }
        is_whole
    }

    /// An expiry, or the sign that stands for none, and a service code. Without a sentinel before it,
    /// nothing that has no expiry is a track.
    fn is_track_2(&mut self, sentinel: Option<Sentinel>) -> Option<bool> {
        let belongs = |character: char| {
            sentinel.is_some() || character == '=' || character.is_ascii_hexdigit()
        };
        let mut month = 0;
        let mut count = 0;
        let mut has_expiry = false;
        while let Some(character) = self.next_of(belongs) {
            count += 1;
            let digit = character.to_digit(10);
            match (count, digit) {
                (1, None) => has_expiry = character == '=',
                (3, Some(digit)) => month = digit * 10,
                (4, Some(digit)) => has_expiry |= (1..=12).contains(&(month + digit)),
                _ => {}
            }
        }
        (sentinel.is_some() || has_expiry).then_some(has_expiry && count >= 7)
    }
}

/// Not two groups with a point between them, as fractions are written.
fn is_no_fraction(groups: &[Group]) -> bool {
    !matches!(groups, [_, second] if second.joined == Some('.'))
}

/// The groups in front, if they have this shape and the same sign between all of them.
fn shaped<'g>(groups: &'g [Group], shape: &[usize]) -> Option<&'g [Group]> {
    let window = groups.get(..shape.len())?;
    let is_shaped = window.iter().zip(shape).all(|(group, length)| group.digits.len() == *length);
    let signs = window.get(1..)?;
    let is_even = signs.iter().all(|group| Some(group.joined) == signs.first().map(|g| g.joined));
    (is_shaped && is_even).then_some(window)
}
