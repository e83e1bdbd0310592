//! How often a number is taken for a payment code that is none, and how often one is missed.
//!
//! Measured on generated numbers, and written into `protocol-docs/payment-codes.md` between its two
//! marks by `UPDATE=1 cargo test --test payment_codes`; a page that says something else is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::fmt::Write as _;

use support::Random;
use support::numbers::{Kind, article, compare_with_page, digits, kind, luhn, percent};
use tillbus::event::{Content, Reading, Role, Scan, Symbology, Timestamp};
use tillbus::normalize::personal::resident_id;
use tillbus::normalize::{self, Rules};
use tillbus::secret::Secret;

/// Numbers made for each cell of a table.
const SAMPLES: usize = 5_000;
/// Numbers made where one in many thousands counts.
const MANY: usize = 1_000_000;

use Symbology::{Code128, Ean8, Ean13, Gs1Code128, Itf, Qr, UpcA};

/// What wallets show.
const WALLETS: [Kind; 8] = [
    kind("WeChat Pay, 18 digits", Qr, |random| {
        digits(random, &["10", "11", "12", "13", "14", "15"], 18)
    }),
    kind("Alipay, 16 to 19 digits", Qr, |random| {
        let length = 16 + random.below(4);
        digits(random, &["25", "26", "27", "28", "29", "30"], length)
    }),
    kind("Alipay+, 24 digits", Code128, |random| {
        digits(random, &["25", "26", "27", "28", "29", "30"], 24)
    }),
    kind("UnionPay, 19 digits", Qr, |random| digits(random, &["62"], 19)),
    kind("UnionPay, those that pass Luhn", Qr, |random| luhn(digits(random, &["62"], 18))),
    kind("Baidu, 16 to 18 digits", Code128, |random| {
        let length = 16 + random.below(3);
        digits(random, &["31"], length)
    }),
    kind("an unlisted wallet, 16 to 20 digits", Code128, |random| {
        let length = 16 + random.below(5);
        digits(random, &["38", "39", "90", "97"], length)
    }),
    kind("EMVCo consumer-presented", Qr, consumer_presented),
];

/// What is no payment code.
const OTHERS: [Kind; 20] = [
    kind("resident identity numbers", Qr, resident),
    kind("EAN-13", Ean13, |random| article(random, &[""], 13)),
    kind("EAN-13 of the shop, from 28", Ean13, |random| article(random, &["28"], 13)),
    kind("EAN-8", Ean8, |random| article(random, &[""], 8)),
    kind("UPC-A", UpcA, |random| article(random, &[""], 12)),
    kind("ITF-14", Itf, |random| article(random, &[""], 14)),
    kind("SSCC in GS1-128", Gs1Code128, |random| format!("00{}", article(random, &[""], 18))),
    kind("SSCC in plain Code 128, 18 digits", Code128, |random| article(random, &[""], 18)),
    kind("card numbers of 16 digits", Code128, |random| luhn(digits(random, &["4", "51"], 15))),
    kind("parcels of 12 digits", Code128, |random| digits(random, &[""], 12)),
    kind("parcels of 15 digits", Code128, |random| digits(random, &["75", "77"], 15)),
    kind("parcels of 20 digits from 00", Code128, |random| digits(random, &["00"], 20)),
    kind("parcels of 22 digits from 92 to 95", Code128, |random| {
        digits(random, &["92", "93", "94", "95"], 22)
    }),
    kind("receipts that begin with the date, 16 digits", Code128, |random| {
        digits(random, &["2024", "2025", "2026"], 16)
    }),
    kind("coupons, any 16 digits", Code128, |random| digits(random, &[""], 16)),
    kind("coupons, any 17 digits", Code128, |random| digits(random, &[""], 17)),
    kind("coupons, any 18 digits", Code128, |random| digits(random, &[""], 18)),
    kind("coupons, any 19 digits", Code128, |random| digits(random, &[""], 19)),
    kind("coupons, any 20 digits", Code128, |random| digits(random, &[""], 20)),
    kind("coupons, any 24 digits", Code128, |random| digits(random, &[""], 24)),
];

/// The number of somebody born between 1940 and 2019, in any province.
fn resident(random: &mut Random) -> String {
    const PROVINCES: [&str; 31] = [
        "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37",
        "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64",
        "65",
    ];
    let district = digits(random, &PROVINCES, 6);
    let (year, month, day) = (1940 + random.below(80), 1 + random.below(12), 1 + random.below(28));
    let mut number = format!("{district}{year}{month:02}{day:02}{}", digits(random, &[""], 3));
    number.push(char::from(resident_id::check_digit(number.as_bytes()).unwrap()));
    number
}

/// One application with a test card's number behind a random cryptogram.
fn consumer_presented(random: &mut Random) -> String {
    let cryptogram: Vec<u8> = (0..8).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    let pan = [0x5A, 8, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
    let transparent = [&[0x63, 11, 0x9F, 0x26, 8][..], &cryptogram].concat();
    let aid = [0x4F, 7, 0xA0, 0, 0, 0, 0x03, 0x10, 0x10];
    let template = [&aid[..], &pan, &transparent].concat();
    let length = u8::try_from(template.len()).unwrap();
    base64(&[b"\x85\x05CPV01\x61".as_slice(), &[length], &template].concat())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 0x3F).unwrap();
            let is_padding = place > three.len();
            text.push(if is_padding { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    text
}

fn scanned(code: String, symbology: Option<Symbology>, rules: &Rules) -> Scan {
    let data = Secret::new(code.into_bytes());
    let reading = Reading { symbology, aim: None, data, first: Timestamp(1), last: Timestamp(2) };
    normalize::scan(reading, rules)
}

/// The numbers of a kind.
fn numbers(kind: &Kind) -> Vec<String> {
    let mut random = Random(20_260_701);
    (0..SAMPLES).map(|_| (kind.make)(&mut random)).collect()
}

/// How many of these are payment codes on a device of this role.
fn payment_codes(numbers: &[String], symbology: Option<Symbology>, role: Role) -> usize {
    let rules = Rules { role, ..Rules::default() };
    let scans = numbers.iter().map(|number| scanned(number.clone(), symbology, &rules));
    scans.filter(|scan| scan.content == Content::PaymentCode).count()
}

/// A row for each kind: of a hundred, how many are payment codes on each role, named and unnamed.
fn table(title: &str, kinds: &[Kind]) -> String {
    let mut text = format!(
        "| {title} | payment | payment, unnamed | both | both, unnamed | goods |\n|---|--:|--:|--:|--:|--:|\n"
    );
    for kind in kinds {
        let (numbers, named) = (numbers(kind), Some(kind.printed));
        let count = |symbology, role| payment_codes(&numbers, symbology, role);
        let cells = [
            count(named, Role::Payment),
            count(None, Role::Payment),
            count(named, Role::Both),
            count(None, Role::Both),
            count(None, Role::Goods),
        ];
        let (found, digits_on_goods) = (cells[0], cells[4]);
        let is_wallet = WALLETS.iter().any(|wallet| wallet.name == kind.name);
        assert!(!is_wallet || found == SAMPLES, "{}: {found} of {SAMPLES} found", kind.name);
        let proves_itself = kind.name.starts_with("EMVCo");
        assert!(proves_itself || digits_on_goods == 0, "{}: on goods", kind.name);
        let cells: Vec<String> = cells.into_iter().map(|count| percent(count, SAMPLES)).collect();
        writeln!(text, "| {} | {} |", kind.name, cells.join(" | ")).unwrap();
    }
    text
}

/// How many of a million such numbers pass every check of a resident identity number.
fn residents(heads: &[&str]) -> usize {
    let mut random = Random(20_260_702);
    let mut number = [0; 18];
    let mut count = 0;
    for _ in 0..MANY {
        let head = heads[random.below(heads.len())].as_bytes();
        number[..head.len()].copy_from_slice(head);
        for digit in &mut number[head.len()..] {
            *digit = b'0' + u8::try_from(random.below(10)).unwrap();
        }
        count += usize::from(resident_id::is_valid(&number));
    }
    count
}

fn measured() -> String {
    let mut text = table("of 100 payment codes, found", &WALLETS);
    text.push('\n');
    text += &table("of 100 others, taken for payment codes", &OTHERS);
    text += "\n| of 1,000,000 numbers of 18 digits | pass as identity numbers |\n|---|--:|\n";
    for (name, heads) in [
        ("from 10 to 15, as WeChat Pay's", &["10", "11", "12", "13", "14", "15"][..]),
        ("from 25 to 30, as Alipay's", &["25", "26", "27", "28", "29", "30"]),
        ("from 31, as Baidu's", &["31"]),
        ("any", &[""]),
    ] {
        writeln!(text, "| {name} | {} |", residents(heads)).unwrap();
    }
    text
}

#[test]
fn the_page_states_the_measured_rates() {
    compare_with_page("payment-codes.md", &measured());
}

#[test]
fn identity_numbers_are_masked_on_goods_and_both() {
    let mut random = Random(20_260_703);
    for role in [Role::Goods, Role::Both] {
        let rules = Rules { role, ..Rules::default() };
        for _ in 0..SAMPLES {
            let number = resident(&mut random);
            let scan = scanned(number.clone(), Some(Qr), &rules);
            assert_eq!(scan.content, Content::NationalId, "{number} on {role:?}");
            assert!(!scan.text.expose().contains(&number[..16]), "{number} is shown");
        }
    }
}

/// A code with some of its bytes changed, left out or doubled, but for the first `kept`.
fn damaged(random: &mut Random, code: &[u8], kept: usize) -> Vec<u8> {
    let mut bytes = code.to_vec();
    for _ in 0..1 + random.below(4) {
        let place = kept + random.below(bytes.len() - kept);
        match random.below(4) {
            0 => bytes[place] = u8::try_from(random.below(256)).unwrap(),
            1 => bytes[place] ^= 1 << random.below(8),
            2 => bytes.truncate(place.max(kept + 1)),
            _ => bytes.insert(place, bytes[place]),
        }
    }
    bytes
}

#[test]
fn damage_makes_nothing_public_that_was_not() {
    let mut random = Random(20_260_704);
    let licence = b"@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\n\r";
    for round in 0..SAMPLES {
        let role = [Role::Goods, Role::Both, Role::Payment][round % 3];
        let rules = Rules { role, ..Rules::default() };
        let card = consumer_presented(&mut random);
        // The indicator of the one, the header of the other.
        for (code, kept) in [(card.as_bytes(), 10), (&licence[..], 17)] {
            let bytes = damaged(&mut random, code, kept);
            let reading = Reading {
                symbology: Some(Qr),
                aim: None,
                data: Secret::new(bytes),
                first: Timestamp(1),
                last: Timestamp(2),
            };
            let scan = normalize::scan(reading, &rules);
            let want = if kept == 10 { Content::PaymentCode } else { Content::Licence };
            assert_eq!(scan.content, want, "{role:?}");
            let text = scan.text.expose();
            assert!(text.starts_with("********") && text.len() <= 16, "{text}");
            let said = format!("{:?}", scan.details);
            assert!(!said.contains("41111111") && !said.contains("T64235789"), "{said}");
        }
    }
}
