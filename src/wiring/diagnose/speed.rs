//! At which speed a device sends, from what is heard at another one.
//!
//! Contract: pure. With a known code the bytes heard are compared with those that a receiver would hear
//! of that code from each speed. Without one, with how often each byte is heard of codes in general. With
//! counts alone, as a driver has them, with the counts.

use crate::frame::uart::{Heard, heard};

/// The speeds that devices are set to.
pub const SPEEDS: [u32; 10] =
    [1_200, 2_400, 4_800, 9_600, 14_400, 19_200, 38_400, 57_600, 115_200, 230_400];

/// How codes end.
const ENDS: [&[u8]; 4] = [b"\r", b"\r\n", b"", b"\n"];

/// A speed, and how well it explains what was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// In baud.
    pub baud: u32,
    /// 1 for a perfect explanation, 0 for none.
    pub fit: f32,
}

/// The speeds that explain what was heard of a known code at `at` baud, the best first.
#[must_use]
pub fn of_code(found: &[Heard], at: u32, code: &[u8]) -> Vec<Guess> {
    rank(|baud| {
        let fits = ENDS.iter().map(|end| {
            let sent = [code, end].concat();
            likeness(found, &heard(&sent, baud, at))
        });
        fits.fold(0.0, f32::max)
    })
}

/// What codes in general sound like at one speed, whatever speed they are sent at.
#[derive(Debug)]
pub struct Ear {
    habits: Vec<(u32, Habit)>,
}

impl Ear {
    /// Listening at this speed.
    #[must_use]
    pub fn at(baud: u32) -> Self {
        Self { habits: SPEEDS.iter().map(|sent| (*sent, Habit::of(*sent, baud))).collect() }
    }

    /// The speeds that explain what was heard of any code, the best first.
    #[must_use]
    pub fn of_bytes(&self, found: &[Heard]) -> Vec<Guess> {
        if found.is_empty() {
            return Vec::new();
        }
        let logs: Vec<(u32, f32)> =
            self.habits.iter().map(|(baud, habit)| (*baud, habit.likelihood(found))).collect();
        let best = logs.iter().map(|(_, log)| *log).fold(f32::NEG_INFINITY, f32::max);
        rank(|baud| {
            let log = logs.iter().find(|(known, _)| *known == baud).map_or(best, |(_, log)| *log);
            (log - best).exp()
        })
    }
}

/// What a driver counts of a code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes that came without an error.
    pub bytes: usize,
    /// Bytes with a framing error.
    pub framing: usize,
    /// Breaks.
    pub breaks: usize,
}

impl Counts {
    /// The counts of what was heard.
    #[must_use]
    pub fn of(found: &[Heard]) -> Self {
        let mut counts = Self::default();
        for one in found {
            match one {
                Heard::Byte(_) => counts.bytes += 1,
                Heard::BadByte(_) => counts.framing += 1,
                Heard::Break => counts.breaks += 1,
            }
        }
        counts
    }

    fn distance(self, other: Self) -> f32 {
        let apart = |one: usize, other: usize| one.abs_diff(other);
        let sum = apart(self.bytes, other.bytes)
            + apart(self.framing, other.framing)
            + apart(self.breaks, other.breaks);
        small(sum) / small((self.bytes + self.framing + self.breaks).max(1))
    }
}

/// The speeds that explain the counts of a known code at `at` baud, the best first.
#[must_use]
pub fn of_counts(found: Counts, at: u32, code: &[u8]) -> Vec<Guess> {
    rank(|baud| {
        let distances = ENDS.iter().map(|end| {
            let sent = [code, end].concat();
            found.distance(Counts::of(&heard(&sent, baud, at)))
        });
        1.0 / (1.0 + distances.fold(f32::INFINITY, f32::min))
    })
}

fn rank(fit: impl Fn(u32) -> f32) -> Vec<Guess> {
    let mut guesses: Vec<Guess> =
        SPEEDS.iter().map(|baud| Guess { baud: *baud, fit: fit(*baud) }).collect();
    guesses.sort_by(|one, other| other.fit.total_cmp(&one.fit));
    guesses
}

fn small(number: usize) -> f32 {
    f32::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// How much of two sequences is common, in order, of the longer one.
fn likeness(one: &[Heard], other: &[Heard]) -> f32 {
    let longer = one.len().max(other.len());
    if longer == 0 {
        return 0.0;
    }
    let mut row = vec![0_usize; other.len() + 1];
    for item in one {
        let mut before = 0;
        let mut left = 0;
        for (slot, candidate) in row.iter_mut().skip(1).zip(other) {
            let above = *slot;
            *slot = if item == candidate { before + 1 } else { above.max(left) };
            (before, left) = (above, *slot);
        }
    }
    small(row.last().copied().unwrap_or(0)) / small(longer)
}

/// How often each thing is heard at one speed of codes that are sent at another.
#[derive(Debug)]
struct Habit {
    /// Bytes by value, then bad bytes, then breaks.
    logs: Vec<f32>,
}

const BAD: usize = 256;
const BREAK: usize = 257;

impl Habit {
    fn of(sent_at: u32, heard_at: u32) -> Self {
        let mut counts = vec![0.25_f32; BREAK + 1];
        for code in corpus() {
            for one in heard(&code, sent_at, heard_at) {
                if let Some(count) = counts.get_mut(index(one)) {
                    *count += 1.0;
                }
            }
        }
        let sum: f32 = counts.iter().sum();
        Self { logs: counts.into_iter().map(|count| (count / sum).ln()).collect() }
    }

    fn likelihood(&self, found: &[Heard]) -> f32 {
        let log = |one: &Heard| self.logs.get(index(*one)).copied().unwrap_or(-20.0);
        found.iter().map(log).sum()
    }
}

fn index(one: Heard) -> usize {
    match one {
        Heard::Byte(byte) => byte.into(),
        Heard::BadByte(_) => BAD,
        Heard::Break => BREAK,
    }
}

/// Codes as they are scanned: numbers of every length, links, labels.
fn corpus() -> Vec<Vec<u8>> {
    let mut codes: Vec<Vec<u8>> = Vec::new();
    // Any sequence will do, as long as every pair of digits is in it.
    let mut state = 12_345_u32;
    for length in [8, 12, 13, 13, 13, 14, 18, 18].into_iter().cycle().take(80) {
        let digits = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'0' + u8::try_from((state >> 24) % 10).unwrap_or(0)
        });
        codes.push(digits.chain([b'\r']).collect());
    }
    for text in [
        "https://example.org/a1b2c3\r",
        "]E04006381333931\r",
        "SHELF-17-B\r",
        "wxp://f2f0AbCdEf\r",
        "ABC-abc-1234\r",
    ] {
        codes.extend(std::iter::repeat_n(text.as_bytes().to_vec(), 3));
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [&[u8]; 6] = [
        b"4006381333931",
        b"5901234123457",
        b"96385074",
        b"https://example.org/menu",
        b"SHELF-17",
        b"134567890123456789",
    ];

    /// Of all codes at all pairs of different speeds: how often anything is heard, how often the right
    /// speed is the only best guess, how often it is among those that explain as well, and how many
    /// these are at most.
    #[derive(Debug, Default, PartialEq)]
    struct Score {
        heard: usize,
        alone: usize,
        among: usize,
    }

    fn score(near: u32, mut name: impl FnMut(&[Heard], u32, &[u8]) -> Vec<Guess>) -> Score {
        let mut score = Score::default();
        for heard_at in SPEEDS {
            for sent_at in SPEEDS {
                let ratio = sent_at.max(heard_at) / sent_at.min(heard_at);
                if sent_at == heard_at || ratio > near {
                    continue;
                }
                for code in CODES {
                    let found = heard(&[code, b"\r"].concat(), sent_at, heard_at);
                    if found.is_empty() {
                        continue;
                    }
                    score.heard += 1;
                    let guesses = name(&found, heard_at, code);
                    let best = guesses.first().map_or(0.0, |guess| guess.fit);
                    let tied: Vec<u32> = guesses
                        .iter()
                        .filter(|guess| guess.fit >= best)
                        .map(|guess| guess.baud)
                        .collect();
                    score.among += usize::from(tied.contains(&sent_at));
                    score.alone += usize::from(tied == [sent_at]);
                }
            }
        }
        score
    }

    #[test]
    fn a_known_code_names_the_speed() {
        let near = score(8, of_code);
        println!("code near {near:?}");
        let all = score(u32::MAX, of_code);
        println!("code all {all:?}");
        // What cannot be told apart: so few bits arrive that several speeds give the same.
        assert_eq!(all.among, all.heard);
        assert!(near.alone * 100 >= near.heard * 90, "{near:?}");
    }

    #[test]
    fn the_habits_of_codes_name_the_speed() {
        let mut ear = (0, Ear::at(9_600));
        let mut name = |found: &[Heard], at: u32, _: &[u8]| {
            if ear.0 != at {
                ear = (at, Ear::at(at));
            }
            ear.1.of_bytes(found)
        };
        let near = score(8, &mut name);
        println!("bytes near {near:?}");
        assert!(near.alone * 100 >= near.heard * 75, "{near:?}");
    }

    #[test]
    fn counts_alone_name_the_speed_mostly() {
        let near = score(8, |found, at, code| of_counts(Counts::of(found), at, code));
        println!("counts near {near:?}");
        assert!(near.among * 100 >= near.heard * 90, "{near:?}");
    }

    #[test]
    fn nothing_heard_names_nothing() {
        assert!(Ear::at(9_600).of_bytes(&[]).is_empty());
        assert_eq!(of_code(&[], 9_600, b"1").first().map(|guess| guess.fit), Some(0.0));
        assert_eq!(likeness(&[], &[]), 0.0);
    }

    #[test]
    fn likeness_is_what_is_common_in_order() {
        let of = |bytes: &[u8]| bytes.iter().map(|byte| Heard::Byte(*byte)).collect::<Vec<_>>();
        assert_eq!(likeness(&of(b"abcd"), &of(b"abcd")), 1.0);
        assert_eq!(likeness(&of(b"abcd"), &of(b"acd")), 0.75);
        assert_eq!(likeness(&of(b"ab"), &of(b"ba")), 0.5);
        assert_eq!(likeness(&of(b"ab"), &of(b"cd")), 0.0);
    }
}
