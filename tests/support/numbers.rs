//! Numbers made for measuring, and pages that state what was measured.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::path::Path;

use tillbus::event::Symbology;
use tillbus::normalize::gtin;

use super::Random;

const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->\n";

/// A kind of number: what it is called, the symbology it is printed in, and how it is made.
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What it is printed in.
    pub printed: Symbology,
    /// Makes one.
    pub make: fn(&mut Random) -> String,
}

/// A kind of number.
pub const fn kind(name: &'static str, printed: Symbology, make: fn(&mut Random) -> String) -> Kind {
    Kind { name, printed, make }
}

/// So many digits that begin with one of these.
pub fn digits(random: &mut Random, heads: &[&str], length: usize) -> String {
    let mut digits = heads[random.below(heads.len())].to_owned();
    while digits.len() < length {
        digits.push(char::from(b'0' + u8::try_from(random.below(10)).unwrap()));
    }
    digits
}

/// These digits with the check digit of card numbers.
pub fn luhn(mut digits: String) -> String {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let each = digits.bytes().rev().enumerate().map(|(place, digit)| {
        let digit = u32::from(digit - b'0');
        if place % 2 == 0 { doubled(digit) } else { digit }
    });
    let check = (10 - each.sum::<u32>() % 10) % 10;
    digits.push(char::from_digit(check, 10).unwrap());
    digits
}

/// A number with the check digit of article numbers.
pub fn article(random: &mut Random, heads: &[&str], length: usize) -> String {
    let mut number = digits(random, heads, length - 1);
    number.push(char::from(gtin::check_digit(number.as_bytes()).unwrap()));
    number
}

/// So many of all, in hundredths of a percent.
pub fn percent(count: usize, all: usize) -> String {
    let hundredths = count * 10_000 / all;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Compares what was measured with what a page of `protocol-docs` states between its two marks; with
/// `UPDATE=1` writes it there.
pub fn compare_with_page(name: &str, found: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-docs").join(name);
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (stated, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&page, format!("{before}{BEGIN}\n{found}\n{END}{after}")).unwrap();
        return;
    }
    assert!(
        stated.trim() == found.trim(),
        "{} is not what is measured; UPDATE=1 writes it:\n{found}",
        page.display()
    );
}
