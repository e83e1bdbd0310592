//! Codes made from a seed: right ones, and ones with something wrong.

use tillbus::normalize::gs1::ai::{Check, Entry, Part, Set};
use tillbus::normalize::gs1::{Ai, Element, check_pair, element, link, rows};
use tillbus::normalize::gtin;

/// The characters of values, without the brackets: peers read them as those of identifiers.
const X: &[u8] =
    b"!\"%&'*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const Y: &[u8] = b"#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const Z: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A code with its separators made visible.
pub(crate) fn shown(code: &str) -> String {
    code.replace('\u{1D}', "␝")
}

/// The generator.
pub(crate) struct Samples(u64);

impl Samples {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// So many digits, the first of them no zero.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|place| {
                char::from(
                    b'0' + u8::try_from(if place == 0 {
                        1 + self.below(9)
                    } else {
                        self.below(10)
                    })
                    .unwrap(),
                )
            })
            .collect()
    }

    /// A row of the table.
    pub(crate) fn entry(&mut self) -> &'static Entry {
        // Measures are a quarter of the table and alike; half of the draws pass them by.
        loop {
            let entry = &rows()[self.below(rows().len())];
            if !entry.single || self.below(4) == 0 {
                return entry;
            }
        }
    }

    fn ai(&mut self, entry: &'static Entry) -> Ai {
        let digit = entry
            .family
            .map_or(String::new(), |last| self.below(usize::from(last) + 1).to_string());
        Ai::of(&format!("{}{digit}", entry.code)).unwrap()
    }

    fn two(&mut self, from: usize, to: usize) -> String {
        format!("{:02}", from + self.below(to - from + 1))
    }

    fn part(&mut self, part: &Part) -> String {
        let length = part.least + self.below(part.most - part.least + 1);
        let set = match part.set {
            Set::N => &b"0123456789"[..],
            Set::X => X,
            Set::Y => Y,
            Set::Z => Z,
        };
        let mut text: String = (0..length).map(|_| char::from(self.one_of(set))).collect();
        for check in part.checks {
            text = self.corrected(*check, text);
        }
        // The digits that a check of the first characters has changed.
        for check in part.checks {
            match check {
                Check::Digit => {
                    text.pop();
                    let digit = gtin::check_digit(text.as_bytes()).unwrap();
                    text.push(char::from(digit));
                }
                Check::Pair => {
                    text.truncate(text.len().clamp(6, 25) - 2);
                    let pair = check_pair(text.as_bytes()).unwrap();
                    text.extend(pair.map(char::from));
                }
                _ => {}
            }
        }
        text
    }

    fn corrected(&mut self, check: Check, text: String) -> String {
        match check {
            Check::Prefix1 | Check::Pair => {
                format!("{}{}", self.digits(4), text.get(4..).unwrap_or_default())
            }
            Check::Date => format!("{}{}{}", self.two(0, 99), self.two(1, 12), self.two(1, 28)),
            Check::Date0 => format!("{}{}{}", self.two(0, 99), self.two(1, 12), self.two(0, 28)),
            Check::LongDate => {
                format!("19{}{}{}", self.two(0, 99), self.two(1, 12), self.two(1, 28))
            }
            Check::HourMinute => format!("{}{}", self.two(0, 23), self.two(0, 59)),
            Check::Hour => self.two(0, 23),
            Check::Minute | Check::Second => self.two(0, 59),
            Check::Currency => self.one_of(&["978", "840", "156", "392", "826"]).to_owned(),
            Check::Country | Check::CountryOr999 => {
                self.one_of(&["276", "840", "156", "826", "008"]).to_owned()
            }
            Check::CountryAlpha => self.one_of(&["DE", "US", "CN", "ZW"]).to_owned(),
            Check::Percent => text.replace('%', "x"),
            Check::Latitude => format!("0{}", self.digits(9)),
            Check::Longitude => format!("2{}", self.digits(9)),
            Check::YesNo => self.one_of(&["0", "1"]).to_owned(),
            Check::Hyphen => "-".to_owned(),
            Check::Importer => self.one_of(&["a", "Z", "0", "-", "_"]).to_owned(),
            Check::Package => self.one_of(&["1A", "APE", "43", "8", "ZZ"]).to_owned(),
            Check::Medium => self.one_of(&["01", "10", "80", "99"]).to_owned(),
            Check::Sex => self.one_of(&["0", "1", "2", "9"]).to_owned(),
            Check::Sequence => self.one_of(&["1/1", "1/2", "9/9"]).to_owned(),
            Check::Winding => self.one_of(&["0", "1", "9"]).to_owned(),
            Check::Zero => "0".to_owned(),
            Check::Piece => self.one_of(&["0101", "0102", "9999"]).to_owned(),
            Check::Iban => self
                .one_of(&["GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947"])
                .to_owned(),
            Check::NonZero => format!("1{}", &text[1..]),
            Check::NoZeroFirst => format!("1{}", &text[1..]),
            Check::Coupon => self
                .one_of(&["106141416543213500110000310123196000", "106141416543213500110000"])
                .to_owned(),
            Check::Offer => {
                self.one_of(&["001234561234560123456", "0112345671234561234567 "]).trim().to_owned()
            }
            Check::Digit | Check::Prefix2 | Check::NonDigit => text,
        }
    }

    /// A value that is right for its identifier.
    fn value(&mut self, entry: &Entry) -> String {
        let mut value = String::new();
        for part in entry.parts {
            if part.optional && self.below(2) == 0 {
                break;
            }
            value.push_str(&self.part(part));
        }
        value
    }

    /// Spoils a value: a character changed, left out, or added.
    fn spoil(&mut self, value: &mut String) {
        let place = self.below(value.len());
        match self.below(4) {
            0 => drop(value.remove(place)),
            1 => value.push(char::from(self.one_of(X))),
            2 => value.replace_range(place..=place, "0"),
            _ => {
                let other = char::from(self.one_of(X)).to_string();
                value.replace_range(place..=place, &other);
            }
        }
        if value.is_empty() {
            value.push('0');
        }
    }

    fn elements(&mut self, most: usize) -> Vec<(Ai, String)> {
        let mut list: Vec<(Ai, String)> = Vec::new();
        // Most real codes begin with a key, and most associations want one.
        let key = self.one_of(&["01", "01", "01", "00", "02", "8006", "414", "255", ""]);
        let first = rows().iter().find(|row| row.code == key);
        let count = 1 + self.below(most);
        while list.len() < count {
            let entry = match first {
                Some(first) if list.is_empty() => first,
                _ => self.entry(),
            };
            let ai = self.ai(entry);
            if list.iter().any(|(known, _)| *known == ai) {
                continue;
            }
            let mut value = self.value(entry);
            if self.below(6) == 0 {
                self.spoil(&mut value);
            }
            list.push((ai, value));
        }
        list
    }

    /// An element string with its identifiers in brackets.
    pub(crate) fn hri(&mut self, most: usize) -> String {
        self.elements(most).iter().map(|(ai, value)| format!("({ai}){value}")).collect()
    }

    /// An element string with separators, as scanners send it.
    pub(crate) fn raw(&mut self, most: usize) -> String {
        let list = self.elements(most);
        let list: Vec<Element<'_>> = list
            .iter()
            .map(|(ai, value)| Element { ai: *ai, value: value.as_bytes().into(), at: 0 })
            .collect();
        String::from_utf8(element::compose(&list)).unwrap()
    }

    /// A Digital Link: of a key, some of its qualifiers, and some other fields. One in four has
    /// something wrong.
    pub(crate) fn link(&mut self) -> String {
        loop {
            let keys: Vec<&'static Entry> = rows().iter().filter(|row| row.key.is_some()).collect();
            let key = if self.below(2) == 0 { keys[1] } else { self.one_of(&keys) };
            let mut list = vec![(self.ai(key), self.value(key))];
            let sequences = key.key.unwrap_or_default();
            if !sequences.is_empty() {
                for name in self.one_of(sequences) {
                    let entry = Ai::of(name).unwrap().entry().unwrap();
                    if self.below(2) == 0 {
                        list.push((self.ai(entry), self.value(entry)));
                    }
                }
            }
            for _ in 0..self.below(3) {
                let code =
                    self.one_of(&["17", "15", "11", "310", "392", "30", "99", "240", "37", "10"]);
                let entry = rows().iter().find(|row| row.code == code).unwrap();
                let ai = self.ai(entry);
                if list.iter().all(|(known, _)| *known != ai) {
                    list.push((ai, self.value(entry)));
                }
            }
            if self.below(4) == 0 {
                let place = self.below(list.len());
                let mut value = list[place].1.clone();
                self.spoil(&mut value);
                list[place].1 = value;
            }
            let list: Vec<Element<'_>> = list
                .iter()
                .map(|(ai, value)| Element { ai: *ai, value: value.as_bytes().into(), at: 0 })
                .collect();
            let stem =
                self.one_of(&[link::CANONICAL, "https://example.com", "http://example.com/a/b"]);
            if let Ok(link) = link::compose(stem, &list) {
                return link;
            }
        }
    }
}
