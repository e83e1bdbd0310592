//! A search for many secrets at once, in whatever form they left: as [`forms`] has them, and each of these
//! with up to three characters between any two that are letters or digits. That is also how UTF-16 and
//! UTF-32 look, and numbers in groups.

use std::collections::{BTreeSet, HashMap};

use crate::forms;

/// As many bytes as are looked at before a pattern is compared.
const KEY: usize = 8;
/// More than so many separators in a row belong to something else.
const SEPARATORS: usize = 3;
/// A part with fewer different characters may be anything.
const LEAST_DIFFERENT: usize = 4;

/// Most of a process's memory is this, and passed over.
const ZEROS: [u8; 4096] = [0; 4096];

/// A secret that was found: which, and in which form.
pub(crate) type Found = (String, &'static str);

struct Pattern {
    text: Vec<u8>,
    form: &'static str,
    secret: String,
}

/// A search for secrets.
pub(crate) struct Search {
    patterns: Vec<Pattern>,
    /// The patterns that end in these bytes.
    ends: HashMap<u64, Vec<usize>>,
    /// A bit for what the keys look like, which is asked first.
    likely: Vec<bool>,
}

impl Search {
    /// For each of these, whole or so many bytes of it in a row.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>, part: usize) -> Self {
        let mut search =
            Self { patterns: Vec::new(), ends: HashMap::new(), likely: vec![false; 1 << 16] };
        for secret in secrets {
            let bytes = secret.as_bytes();
            let parts = bytes.windows(part.min(bytes.len()));
            let telling =
                parts.filter(|part| part.iter().collect::<BTreeSet<_>>().len() >= LEAST_DIFFERENT);
            for part in telling.chain([bytes]) {
                for (form, text) in forms(part) {
                    search.add(text.as_bytes(), form, secret);
                }
            }
        }
        search
    }

    fn add(&mut self, text: &[u8], form: &'static str, secret: &str) {
        let text = plain(text);
        let Some(key) = text.last_chunk::<KEY>().map(|end| u64::from_be_bytes(*end)) else {
            return;
        };
        let here = self.ends.entry(key).or_default();
        if here.iter().any(|known| self.patterns[*known].text == text) {
            return;
        }
        here.push(self.patterns.len());
        self.likely[likelihood(key)] = true;
        self.patterns.push(Pattern { text, form, secret: secret.to_owned() });
    }

    /// All that is there.
    pub(crate) fn find(&self, bytes: &[u8]) -> BTreeSet<Found> {
        let mut stream = Stream::of(self, bytes.len());
        let mut separators = 0;
        for page in bytes.chunks(ZEROS.len()) {
            if ZEROS.starts_with(page) {
                separators = SEPARATORS + 1;
                stream.push(0);
                continue;
            }
            for byte in page {
                if byte.is_ascii_alphanumeric() {
                    stream.push(byte.to_ascii_lowercase());
                    separators = 0;
                } else {
                    separators += 1;
                    if separators == SEPARATORS + 1 {
                        stream.push(0);
                    }
                }
            }
        }
        stream.found
    }

    /// The numbers among them that are there as packed decimal digits, two in a byte.
    pub(crate) fn find_packed(&self, bytes: &[u8]) -> BTreeSet<Found> {
        let mut stream = Stream::of(self, bytes.len() * 2);
        for page in bytes.chunks(ZEROS.len()).filter(|page| !ZEROS.starts_with(page)) {
            for nibble in page.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]) {
                stream.push(if nibble < 10 { b'0' + nibble } else { 0 });
            }
        }
        let clear = stream.found.into_iter().filter(|(_, form)| *form == "clear");
        clear.map(|(secret, _)| (secret, "packed")).collect()
    }
}

/// Letters and digits as they come, and what was found in them.
struct Stream<'a> {
    search: &'a Search,
    text: Vec<u8>,
    key: u64,
    found: BTreeSet<Found>,
}

impl<'a> Stream<'a> {
    fn of(search: &'a Search, length: usize) -> Self {
        Self { search, text: Vec::with_capacity(length), key: 0, found: BTreeSet::new() }
    }

    fn push(&mut self, byte: u8) {
        self.text.push(byte);
        self.key = self.key << 8 | u64::from(byte);
        if !self.search.likely[likelihood(self.key)] {
            return;
        }
        for place in self.search.ends.get(&self.key).into_iter().flatten() {
            let pattern = &self.search.patterns[*place];
            if self.text.ends_with(&pattern.text) {
                self.found.insert((pattern.secret.clone(), pattern.form));
            }
        }
    }
}

fn likelihood(key: u64) -> usize {
    usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48).unwrap()
}

/// Letters and digits alone.
fn plain(text: &[u8]) -> Vec<u8> {
    let plain = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    plain.map(u8::to_ascii_lowercase).collect()
}

#[test]
fn a_secret_is_found_in_each_form_and_in_part_and_split_up() {
    let pan = "5413330089020011";
    let search = Search::new([pan], 10);
    let forms_of_a_part = forms(&pan.as_bytes()[3..13]);
    for (form, text) in &forms_of_a_part {
        let bytes = format!("\x07\u{fffd}INFO data={text} device");
        assert!(!search.find(bytes.as_bytes()).is_empty(), "{form}");
    }
    let utf_16 = |pan: &str| pan.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let utf_32 =
        |pan: &str| pan.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    for (name, bytes, form) in [
        ("in groups", b"5413 3300 8902 0011".to_vec(), "clear"),
        ("with dashes", b"5413-3300-8902-0011".to_vec(), "clear"),
        ("each alone", b"5, 4, 1, 3, 3, 3, 0, 0, 8, 9, 0, 2, 0, 0, 1, 1".to_vec(), "clear"),
        ("UTF-16", utf_16(pan), "clear"),
        ("UTF-32", utf_32(pan), "clear"),
        ("reversed", b"1100209800333145".to_vec(), "backwards"),
        ("reversed, in groups", b"1100 2098 0033 3145".to_vec(), "backwards"),
        ("as numbers in capitals", b"35 34 31 33 33 33 30 30 38 39".to_vec(), "hexadecimal"),
    ] {
        let found = search.find(&[b"\0\0\xFF", &bytes[..], b"x"].concat());
        assert_eq!(found.first(), Some(&(pan.to_owned(), form)), "{name}");
    }
    let packed = [0x57, 0x13, 0x54, 0x13, 0x33, 0x00, 0x89, 0x02, 0x00, 0x11, 0xD2];
    assert_eq!(search.find_packed(&packed).first(), Some(&(pan.to_owned(), "packed")));
    // With a digit before it, so that it begins in the middle of a byte.
    let packed = [0x05, 0x41, 0x33, 0x30, 0x08, 0x90, 0x20, 0x01, 0x1F];
    assert_eq!(search.find_packed(&packed).first(), Some(&(pan.to_owned(), "packed")));
    for other in
        ["5413 3300", "************0011", "541333******0011", "5413    3300    8902    0011"]
    {
        assert_eq!(search.find(other.as_bytes()), BTreeSet::new(), "{other}");
    }
    let search = Search::new(["4111111111111111"], 8);
    assert!(search.find(b"1111111111111111").is_empty(), "ones are no card number");
    assert!(!search.find(b"4111 1111 1111 1111").is_empty());
}
