//! Tracks of magnetic cards: payment-card-magnetic-stripe-parser, tarot-js and aamva from npm, check digits by
//! python-stdnum.
//!
//! What they say otherwise is explained by name, here; anything else fails. Samples come from a seed,
//! so a failure repeats. No peer was found that reads the service code.

use serde_json::{Value as Json, json};
use tillbus::event::card::{Kind, Number};
use tillbus::event::{Swipe, Timestamp};
use tillbus::normalize::card::track::{Numbered, Track, read};
use tillbus::normalize::card::{CardRules, LrcRule, card, pan, tracks};

use super::node;
use crate::support::{Random, python};

const NODE: &str = "cards.mjs";
const PYTHON: &str = "payment.py";
const SAMPLES: usize = 900;

/// Beginnings of test numbers, and the lengths that such numbers have.
const ISSUERS: [(&str, usize); 8] = [
    ("411111", 16),
    ("541333", 16),
    ("378282", 15),
    ("601100", 16),
    ("353011", 16),
    ("620000", 19),
    ("900000", 12),
    ("59", 16),
];

/// What a track is made of.
struct Sample {
    number: Number,
    text: String,
    pan: String,
    expiry: Option<String>,
    service_code: Option<String>,
    /// What of it not every reader of tracks can be expected to read.
    oddity: Option<&'static str>,
}

fn digits(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| char::from(b"0123456789"[random.below(10)])).collect()
}

/// A number with a right check digit, found by trying.
fn account(random: &mut Random) -> String {
    let (beginning, length) = ISSUERS[random.below(ISSUERS.len())];
    let body = format!("{beginning}{}", digits(random, length - beginning.len() - 1));
    let with = |digit: char| format!("{body}{digit}");
    ('0'..='9').map(with).find(|number| pan::passes_luhn(number.as_bytes())).unwrap()
}

fn sample(random: &mut Random) -> Sample {
    let pan = account(random);
    let number = if random.below(2) == 0 { Number::One } else { Number::Two };
    let none = if number == Number::One { "^" } else { "=" };
    let is_national = pan.starts_with("59");
    let (year, month) = (random.below(100), 1 + random.below(13));
    let has_expiry = random.below(8) != 0;
    let code = format!("{}{}{}", 1 + random.below(9), random.below(5), random.below(8));
    let in_groups = number == Number::One && !is_national && random.below(6) == 0;
    let oddity = match (has_expiry, month) {
        _ if is_national => Some("a country code before the expiry"),
        _ if in_groups => Some("a number in groups"),
        (false, _) => Some("a separator in place of the expiry"),
        (true, 13) => Some("a thirteenth month"),
        _ => None,
    };
    let expiry = if has_expiry { format!("{year:02}{month:02}") } else { none.to_owned() };
    let country = if is_national { "276" } else { "" };
    let length = 4 + random.below(4);
    let behind = format!("{country}{expiry}{code}{}", digits(random, length));
    let printed = if in_groups { format!("{} {}", &pan[..4], &pan[4..]) } else { pan.clone() };
    let text = match number {
        Number::One => {
            let names = ["CARD/TEST", "HOLDER/A.MR", "/", "VAN DER TEST/B C"];
            format!("%B{printed}^{}^{behind}?", names[random.below(names.len())])
        }
        _ => format!(";{pan}={behind}?"),
    };
    let expiry = (has_expiry && month <= 12).then(|| format!("20{year:02}-{month:02}"));
    Sample { number, text, pan, expiry, service_code: Some(code), oddity }
}

fn numbered(sample: &Sample) -> Numbered {
    match read(sample.number, sample.text.as_bytes()) {
        Ok(Track::Numbered(numbered)) => numbered,
        other => panic!("{}: {other:?}", sample.text),
    }
}

#[test]
fn numbers_and_expiries() {
    let mut random = Random(1);
    let samples: Vec<Sample> = (0..SAMPLES).map(|_| sample(&mut random)).collect();
    let texts: Vec<&str> = samples.iter().map(|sample| sample.text.as_str()).collect();
    let ones = samples.iter().filter(|sample| sample.number == Number::One);
    let ones: Vec<&Sample> = ones.collect();
    let first: Vec<&str> = ones.iter().map(|sample| sample.text.as_str()).collect();
    let asked = json!({ "tracks": texts, "track-1": first });
    let Some(answers) = node::ask_json(NODE, &asked) else { return };
    let (mut agreed, mut explained) = (0, 0);
    for (sample, theirs) in samples.iter().zip(answers["tracks"].as_array().unwrap()) {
        let ours = numbered(sample);
        let expiry = ours.expiry.map(|expiry| expiry.to_string());
        assert_eq!((ours.pan.expose(), &expiry), (sample.pan.as_str(), &sample.expiry));
        let code = ours.service_code.map(|code| code.digits());
        assert_eq!(code, sample.service_code, "{}", sample.text);
        let is_same = *theirs == json!([sample.pan, sample.expiry]);
        match (is_same, sample.oddity) {
            (true, _) => agreed += 1,
            (false, Some(_)) => explained += 1,
            (false, None) => panic!("{}: {theirs}, ours {expiry:?}", sample.text),
        }
    }
    println!("payment-card-magnetic-stripe-parser: {agreed} agree, {explained} differ: odd tracks");
    assert!(agreed > SAMPLES / 2 && explained > SAMPLES / 20, "{agreed} {explained}");
    let mut agreed = 0;
    for (sample, theirs) in ones.iter().zip(answers["track-1"].as_array().unwrap()) {
        let date = |expiry: &String| format!("{}{}", &expiry[5..], &expiry[2..4]);
        let is_same = *theirs == json!([sample.pan, sample.expiry.as_ref().map(date)]);
        agreed += usize::from(is_same);
        assert!(is_same || sample.oddity.is_some(), "{}: {theirs}", sample.text);
    }
    println!("tarot-js: {agreed} of {} agree, the others are odd tracks", ones.len());
    assert!(agreed > ones.len() / 2, "{agreed}");
}

#[test]
fn check_digits_of_cards() {
    let mut random = Random(2);
    let numbers: Vec<String> = (0..4_000)
        .map(|_| {
            let length = 12 + random.below(8);
            if random.below(2) == 0 { digits(&mut random, length) } else { account(&mut random) }
        })
        .collect();
    let lines: Vec<String> = numbers.iter().map(|number| format!("luhn {number}")).collect();
    let Some(answers) = python::ask(PYTHON, &lines) else { return };
    let mut right = 0;
    for (number, answer) in numbers.iter().zip(answers) {
        let ours = pan::passes_luhn(number.as_bytes());
        assert_eq!(ours, answer == "1", "{number}");
        right += usize::from(ours);
    }
    assert!((2_000..3_000).contains(&right), "{right} of them are right");
}

/// A licence as the standard of the association has it, or a bank's card.
fn licence(random: &mut Random) -> (String, Option<(String, String)>) {
    if random.below(4) == 0 {
        let pan = account(random);
        return (format!("%B{pan}^CARD/TEST^2512101?;{pan}=2512101?+01{pan}=1?"), None);
    }
    let states = ["CA", "FL", "TN", "TX", "NY"];
    let state = states[random.below(states.len())];
    let issuer = format!("6360{}", digits(random, 2));
    let length = 7 + random.below(6);
    let number = digits(random, length);
    let birth = format!(
        "{}{:02}{:02}",
        1930 + random.below(70),
        1 + random.below(12),
        1 + random.below(28)
    );
    let start = ["%", "#"][random.below(2)];
    let version = ["!", "1"][random.below(2)];
    let one = format!("%{state}ANYTOWN^DOE$JANE$Q^12 EXAMPLE ST^?");
    let two = format!(";{issuer}{number}=2512{birth}=?");
    // Version, post code, class, restrictions, endorsements, sex, height, weight, hair, eyes.
    let three = format!("{start}{version}1{:11}{:2}{:10}{:4}1505120BRNBLU?", "37201", "D", "", "");
    (format!("{one}{two}{three}"), Some((state.to_owned(), issuer)))
}

#[test]
fn licences_are_told_from_cards() {
    let mut random = Random(3);
    let samples: Vec<_> = (0..300).map(|_| licence(&mut random)).collect();
    let texts: Vec<&String> = samples.iter().map(|(text, _)| text).collect();
    let Some(answers) = node::ask_json(NODE, &json!({ "licences": texts })) else { return };
    let mut licences = 0;
    for ((text, want), theirs) in samples.iter().zip(answers["licences"].as_array().unwrap()) {
        let read = tracks(text.as_bytes(), LrcRule::Kept).unwrap();
        let (first, last) = (Timestamp(1), Timestamp(2));
        let swipe = Swipe { tracks: read, encryption: None, first, last };
        let kind = card(swipe, &CardRules::default()).kind;
        let expected = want.as_ref().map_or(Json::Null, |(state, issuer)| json!([state, issuer]));
        assert_eq!(*theirs, expected, "{text}");
        let is_licence = want.is_some();
        assert_eq!(kind, if is_licence { Kind::Licence } else { Kind::Financial }, "{text}");
        licences += usize::from(is_licence);
    }
    assert!((200..250).contains(&licences), "{licences}");
}
