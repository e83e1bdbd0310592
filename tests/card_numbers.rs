//! How often a number is taken for a card's that is none, and how often one is missed.
//!
//! Measured on generated numbers, and written into `protocol-docs/cards.md` between its two marks by
//! `UPDATE=1 cargo test --test card_numbers`; a page that says something else is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::fmt::Write as _;

use Symbology::{Code128, Ean8, Ean13, Gs1Code128, Itf, Qr, UpcA};
use support::Random;
use support::numbers::{Kind, article, compare_with_page, digits, kind, luhn, percent};
use tillbus::event::{Reading, Role, Sensitivity, Symbology, Timestamp};
use tillbus::normalize::{self, Rules};
use tillbus::secret::Secret;

/// Codes made for each row.
const SAMPLES: usize = 2_000;

/// What is no card.
const OTHERS: [Kind; 47] = [
    kind("EAN-13", Ean13, |random| article(random, &[""], 13)),
    kind("EAN-13 of the shop, from 2", Ean13, |random| article(random, &["2"], 13)),
    kind("EAN-8", Ean8, |random| article(random, &[""], 8)),
    kind("UPC-A", UpcA, |random| article(random, &[""], 12)),
    kind("ITF-14", Itf, |random| article(random, &[""], 14)),
    kind("GS1-128: an article, its expiry and batch (01, 17, 10)", Gs1Code128, |random| {
        format!("{}17270131{}", trade_item(random), field(random, "10", 16))
    }),
    kind("GS1-128: an article and a serial number of 16 digits (01, 21)", Gs1Code128, |random| {
        format!("{}{}", trade_item(random), field(random, "21", 16))
    }),
    kind("GS1-128: an article and a count (01, 37)", Gs1Code128, |random| {
        format!("{}{}", trade_item(random), field(random, "37", 8))
    }),
    kind("GS1-128: a pallet (00)", Gs1Code128, |random| {
        format!("00{}", article(random, &[""], 18))
    }),
    kind("GS1-128: 16 digits in a company's field (91)", Gs1Code128, |random| {
        format!("{}{}", trade_item(random), field(random, "91", 16))
    }),
    kind("a GS1 Digital Link with a serial number of 16 digits", Qr, |random| {
        let item = article(random, &["0"], 14);
        format!("https://id.gs1.org/01/{item}/21/{}", digits(random, &[""], 16))
    }),
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
    kind("Baidu, 16 to 18 digits", Code128, |random| {
        let length = 16 + random.below(3);
        digits(random, &["31"], length)
    }),
    kind("Bestpay, 18 digits", Code128, |random| digits(random, &["51"], 18)),
    kind("an unlisted wallet, 16 to 20 digits", Code128, |random| {
        let length = 16 + random.below(5);
        digits(random, &["38", "39", "90", "97"], length)
    }),
    kind("order numbers, any 8 digits", Qr, |random| digits(random, &[""], 8)),
    kind("order numbers, any 10 digits", Qr, |random| digits(random, &[""], 10)),
    kind("order numbers, any 12 digits", Qr, |random| digits(random, &[""], 12)),
    kind("order numbers, any 13 digits", Qr, |random| digits(random, &[""], 13)),
    kind("order numbers, any 14 digits", Qr, |random| digits(random, &[""], 14)),
    kind("order numbers, any 15 digits", Qr, |random| digits(random, &[""], 15)),
    kind("order numbers, any 16 digits", Qr, |random| digits(random, &[""], 16)),
    kind("order numbers, any 17 digits", Qr, |random| digits(random, &[""], 17)),
    kind("order numbers, any 18 digits", Qr, |random| digits(random, &[""], 18)),
    kind("order numbers, any 19 digits", Qr, |random| digits(random, &[""], 19)),
    kind("order numbers, any 20 digits", Qr, |random| digits(random, &[""], 20)),
    kind("order numbers of 16 digits that begin with the date", Qr, |random| {
        digits(random, &["2024", "2025", "2026"], 16)
    }),
    kind("parcels of 12 digits", Code128, |random| digits(random, &[""], 12)),
    kind("parcels of 20 digits from 00", Code128, |random| digits(random, &["00"], 20)),
    kind("parcels of 22 digits from 92 to 95", Code128, |random| {
        digits(random, &["92", "93", "94", "95"], 22)
    }),
    kind("parcels, JJD and 18 digits", Code128, |random| {
        format!("JJD{}", digits(random, &["01"], 18))
    }),
    kind("parcels, 1Z and 16 digits", Code128, |random| format!("1Z{}", digits(random, &[""], 16))),
    kind("parcels of the post, RR123456785DE", Code128, |random| {
        format!("RR{}DE", digits(random, &[""], 9))
    }),
    kind("telephones, IMEI of 15 digits from 35 or 86", Code128, |random| {
        luhn(digits(random, &["35", "86"], 14))
    }),
    kind("SIM cards, ICCID of 19 digits from 89", Code128, |random| {
        luhn(digits(random, &["89"], 18))
    }),
    kind("phone numbers in a text, +49 151 12345678", Qr, |random| {
        format!("call +49 {} {}", digits(random, &["15", "16", "17"], 3), digits(random, &[""], 8))
    }),
    kind("phone numbers in a text, +4915112345678", Qr, |random| {
        format!("tel:+49{}", digits(random, &["15", "16", "17"], 11))
    }),
    kind("a link with an id of 16 digits", Qr, |random| {
        format!("https://shop.example/order/{}?lang=en", digits(random, &[""], 16))
    }),
    kind("a link with an id of 18 digits", Qr, |random| {
        format!("https://shop.example/order?id={}", digits(random, &[""], 18))
    }),
    kind("a place, geo: with 15 decimals", Qr, |random| {
        let (north, east) = (digits(random, &["4", "5"], 2), digits(random, &["1"], 2));
        format!("geo:{north}.{},{east}.{}", digits(random, &[""], 15), digits(random, &[""], 15))
    }),
    kind("a receipt's line: date, time, till, number, sum", Qr, |random| {
        format!(
            "{}.11.2026 14:{} 00{} {} {},{}",
            digits(random, &["1", "2"], 2),
            digits(random, &["1", "2", "3"], 2),
            digits(random, &[""], 2),
            digits(random, &[""], 6),
            digits(random, &["1", "2"], 2),
            digits(random, &[""], 2),
        )
    }),
    kind("groups of four digits, ten of them", Qr, |random| {
        let groups: Vec<String> = (0..10).map(|_| digits(random, &[""], 4)).collect();
        groups.join(" ")
    }),
    kind("hexadecimal digits, 64 of them", Qr, |random| {
        (0..64).map(|_| char::from(b"0123456789abcdef"[random.below(16)])).collect()
    }),
    kind("keys of 22 capitals and digits", Qr, |random| {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..22).map(|_| char::from(letters[random.below(letters.len())])).collect()
    }),
];

/// An article in GS1 data.
fn trade_item(random: &mut Random) -> String {
    format!("01{}", article(random, &["0"], 14))
}

/// A field of so many digits.
fn field(random: &mut Random, identifier: &str, length: usize) -> String {
    let first = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    format!("{identifier}{}", digits(random, &first, length))
}

/// A brand, how its numbers begin, and how long they are.
const BRANDS: [(&str, &[&str], &[usize]); 20] = [
    ("Visa, 16 digits", &["4"], &[16]),
    ("Visa, 13, 18 and 19 digits", &["4"], &[13, 18, 19]),
    ("Mastercard, from 51 to 55", &["51", "52", "53", "54", "55"], &[16]),
    ("Mastercard, from 2221 to 2499", &["2221", "23", "24"], &[16]),
    ("Mastercard, from 25 to 2720", &["25", "26", "270", "2720"], &[16]),
    ("American Express", &["34", "37"], &[15]),
    ("Diners Club, 14 digits", &["30", "36", "38", "39"], &[14]),
    ("Discover", &["6011", "644", "649", "65"], &[16, 17, 18, 19]),
    ("JCB", &["3528", "3589"], &[16, 17, 18, 19]),
    ("UnionPay, 16 to 18 digits", &["62", "81"], &[16, 17, 18]),
    ("UnionPay, 19 digits from 62", &["62"], &[19]),
    (
        "Maestro",
        &["500", "5018", "503", "56", "5893", "63", "6759", "676", "679"],
        &[16, 17, 18, 19],
    ),
    ("Maestro, 12 to 15 digits", &["500", "57", "63", "6759"], &[12, 13, 14, 15]),
    ("Mir", &["2200", "2204"], &[16, 17, 18, 19]),
    ("Bancontact", &["6703"], &[16, 17]),
    ("Dankort, Troy, Hipercard", &["5019", "9792", "606282"], &[16]),
    ("Verve", &["506099", "507865"], &[16, 18, 19]),
    ("Elo", &["504175", "5067", "509", "627780", "636368", "6550"], &[16]),
    ("RuPay", &["508", "60", "6521", "82"], &[16]),
    ("JCB, 15 digits", &["1800", "2131"], &[15]),
];

/// A number of a brand.
fn card(random: &mut Random, heads: &[&str], lengths: &[usize]) -> String {
    let length = lengths[random.below(lengths.len())];
    luhn(digits(random, heads, length - 1))
}

/// What a number stands in, and how it does.
type Carrier = (&'static str, fn(&str) -> String);

/// How a card number is carried that is not digits alone: found on every device.
const CARRIERS: [Carrier; 14] = [
    ("in fours", |number| in_fours(number, " ")),
    ("in fours with hyphens", |number| in_fours(number, "-")),
    ("in fours, something behind", |number| format!("{} 12/27", in_fours(number, " "))),
    ("in fours in the escapes of a link", |number| {
        format!("https://a.example/?c={}", in_fours(number, "%20"))
    }),
    ("in fours with plus signs in a link", |number| {
        format!("https://a.example/?c={}", in_fours(number, "+"))
    }),
    ("in a text", |number| format!("Karte {number} EUR 12,50")),
    ("in a link", |number| format!("https://a.example/pay?card={number}&x=1")),
    ("in an address", |number| format!("MECARD:N:x;NOTE:{number};;")),
    ("in full-width digits", |number| {
        number.bytes().map(|b| char::from_u32(0xFF10 + u32::from(b - b'0')).unwrap()).collect()
    }),
    ("in UTF-16", |number| number.chars().flat_map(|digit| ['\0', digit]).collect()),
    ("between separators of GS1", |number| format!("a\u{1D}{number}\u{1D}b")),
    ("on track 1", |number| format!("%B{number}^TEST/CARD^2512101000?")),
    ("on track 2", |number| format!(";{number}=25121010000?")),
    ("on track 3", |number| format!(";01{number}=278012?")),
];

fn in_fours(number: &str, sign: &str) -> String {
    let groups: Vec<&str> =
        (0..number.len()).step_by(4).map(|at| &number[at..number.len().min(at + 4)]).collect();
    groups.join(sign)
}

/// How many of these are card data on a device of this role.
fn cards(codes: &[String], symbology: Option<Symbology>, role: Role) -> usize {
    let rules = Rules { role, ..Rules::default() };
    let is_card = |code: &&String| {
        let data = Secret::copy_of(code.as_bytes());
        let (first, last) = (Timestamp(1), Timestamp(2));
        let scan = normalize::scan(Reading { symbology, aim: None, data, first, last }, &rules);
        scan.sensitivity == Sensitivity::Card
    };
    codes.iter().filter(is_card).count()
}

/// A row: of a hundred codes, how many are card data on each role, the symbology named and not.
fn row(name: &str, codes: &[String], printed: Symbology) -> (String, [usize; 5]) {
    let count = |symbology, role| cards(codes, symbology, role);
    let named = Some(printed);
    let counts = [
        count(named, Role::Goods),
        count(None, Role::Goods),
        count(named, Role::Both),
        count(None, Role::Both),
        count(named, Role::Payment),
    ];
    let cells = counts.map(|count| percent(count, codes.len()));
    (format!("| {name} | {} |\n", cells.join(" | ")), counts)
}

fn head(title: &str) -> String {
    format!(
        "| {title} | goods | goods, unnamed | both | both, unnamed | payment |\n|---|--:|--:|--:|--:|--:|\n"
    )
}

fn measured() -> String {
    let mut text = head("of 100 codes that hold no card number, taken for card data");
    for kind in &OTHERS {
        let mut random = Random(20_260_711);
        let codes: Vec<String> = (0..SAMPLES).map(|_| (kind.make)(&mut random)).collect();
        text += &row(kind.name, &codes, kind.printed).0;
    }
    write!(text, "\n{}", head("of 100 card numbers, digits alone in a QR code, found")).unwrap();
    for (name, heads, lengths) in BRANDS {
        let mut random = Random(20_260_712);
        let codes: Vec<String> = (0..SAMPLES).map(|_| card(&mut random, heads, lengths)).collect();
        let (line, counts) = row(name, &codes, Qr);
        assert_eq!(counts[0], SAMPLES, "{name}: on goods");
        text += &line;
    }
    write!(text, "\n{}", head("of 100 card numbers of all brands, found")).unwrap();
    for (name, carry) in CARRIERS {
        let mut random = Random(20_260_713);
        let codes: Vec<String> = (0..SAMPLES)
            .map(|at| {
                let (_, heads, lengths) = BRANDS[at % BRANDS.len()];
                carry(&card(&mut random, heads, lengths))
            })
            .collect();
        let (line, counts) = row(name, &codes, Qr);
        assert_eq!(counts, [SAMPLES; 5], "{name}");
        text += &line;
    }
    text
}

#[test]
fn the_page_states_the_measured_rates() {
    compare_with_page("cards.md", &measured());
}
