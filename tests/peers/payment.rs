//! Identity numbers (python-stdnum), EMVCo consumer-presented codes (ber-tlv), licences (aamva-parser).

use std::fmt::Write as _;

use tillbus::normalize::payment_code::ber_tlv::Objects;
use tillbus::normalize::payment_code::emv_cpm;
use tillbus::normalize::personal::{licence, resident_id};

use crate::support::{Random, python};

const SCRIPT: &str = "payment.py";
const SAMPLES: usize = 4_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn byte(random: &mut Random) -> u8 {
    u8::try_from(random.below(256)).unwrap()
}

/// Numbers that are right but for at most one thing: the province, the day, the check digit.
fn identity_number(random: &mut Random) -> String {
    const PLACES: [&str; 8] =
        ["110105", "360426", "440524", "310101", "510104", "650102", "990101", "130000"];
    let place = PLACES[random.below(PLACES.len())];
    let (year, month, day) = (1890 + random.below(220), 1 + random.below(13), 1 + random.below(32));
    let body = format!("{place}{year}{month:02}{day:02}{:03}", random.below(1000));
    let check = match random.below(4) {
        0 => char::from(b"0123456789X"[random.below(11)]),
        _ => char::from(resident_id::check_digit(body.as_bytes()).unwrap()),
    };
    format!("{body}{check}")
}

#[test]
fn identity_numbers() {
    let mut random = Random(1);
    let numbers: Vec<String> = (0..SAMPLES).map(|_| identity_number(&mut random)).collect();
    let lines: Vec<String> = numbers.iter().map(|number| format!("ric {number}")).collect();
    let Some(answers) = python::ask(SCRIPT, &lines) else { return };
    let (mut valid, mut elsewhere) = (0, 0);
    for (number, answer) in numbers.iter().zip(answers) {
        let ours = resident_id::is_valid(number.as_bytes());
        let year: u32 = number[6..10].parse().unwrap();
        // Ours has a century before and one after the day on which it was written; theirs has every
        // year there was, and knows districts, which come and go, where ours knows the provinces.
        let possible = (1900..=2099).contains(&year) && !number.starts_with("99");
        let (check, day) = (answer.starts_with('1'), answer[2..].starts_with('1'));
        assert_eq!(ours, check && day && possible, "{number}: {answer}");
        let theirs = answer == "1 1 1";
        assert!(ours || !theirs || !possible, "{number} is valid elsewhere: {answer}");
        valid += usize::from(ours && theirs);
        elsewhere += usize::from(ours && !theirs);
    }
    assert!(valid > SAMPLES / 10, "{valid} valid ones agreed on");
    println!("{valid} agreed on, {elsewhere} of no district that the peer knows");
}

/// Objects with tags and lengths of every form, nested at most this deep, and the same as the peer
/// writes them. It looks into whatever has the bit for it, so only templates do here; it does not look
/// into a template of two bytes, and leaves one that is damaged within as it is.
fn objects(random: &mut Random, depth: usize) -> (Vec<u8>, String) {
    const PLAIN: [&[u8]; 8] = [
        &[0x4F],
        &[0x50],
        &[0x57],
        &[0x5A],
        &[0x5F, 0x20],
        &[0x9F, 0x26],
        &[0x9F, 0x74],
        &[0xDF, 0x81, 0x0C],
    ];
    const TEMPLATES: [&[u8]; 3] = [&[0x61], &[0x62], &[0x63]];
    let (mut bytes, mut words) = (Vec::new(), Vec::new());
    for _ in 0..1 + random.below(4) {
        let nested = depth > 0 && random.below(2) == 0;
        let tags = if nested { &TEMPLATES[..] } else { &PLAIN };
        let tag = tags[random.below(tags.len())];
        let (value, text) = if nested {
            let (value, text) = objects(random, depth - 1);
            let text = if value.len() > 2 { format!("[{text}]") } else { hex(&value) };
            (value, text)
        } else {
            let length = [0, 1, 8, 127, 128, 255, 256, 300][random.below(8)];
            let value: Vec<u8> = (0..length).map(|_| byte(random)).collect();
            let text = hex(&value);
            (value, text)
        };
        bytes.extend_from_slice(tag);
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        match length {
            [0, short @ 0..0x80] => bytes.push(short),
            [0, long] => bytes.extend([0x81, long]),
            [high, low] => bytes.extend([0x82, high, low]),
        }
        bytes.extend_from_slice(&value);
        words.push(format!("{}={text}", hex(tag).to_ascii_uppercase()));
    }
    (bytes, words.join(" "))
}

/// Our reading in the peer's words.
fn ours(bytes: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    for object in Objects::of(bytes) {
        let object = object.ok()?;
        let is_template = (0x61..=0x63).contains(&object.tag) && object.value.len() > 2;
        let inner = is_template.then(|| ours(object.value)).flatten();
        let value = inner.map_or_else(|| hex(object.value), |inner| format!("[{inner}]"));
        words.push(format!("{:X}={value}", object.tag));
    }
    Some(words.join(" "))
}

#[test]
fn tag_length_value() {
    let mut random = Random(2);
    let samples: Vec<_> = (0..SAMPLES / 10).map(|_| objects(&mut random, 3)).collect();
    // Each of them whole, and cut off somewhere.
    let cut: Vec<Vec<u8>> =
        samples.iter().map(|(bytes, _)| bytes[..random.below(bytes.len())].to_vec()).collect();
    let whole = samples.iter().map(|(bytes, _)| bytes);
    let lines: Vec<String> =
        whole.chain(&cut).map(|bytes| format!("tlv 00{}", hex(bytes))).collect();
    let Some(answers) = python::ask(SCRIPT, &lines) else { return };
    for ((bytes, written), answer) in samples.iter().zip(&answers) {
        assert_eq!(answer, written, "the peer reads what was written");
        assert_eq!(ours(bytes).as_ref(), Some(written), "and so do we");
    }
    for (bytes, answer) in cut.iter().zip(&answers[samples.len()..]) {
        let ours = ours(bytes).unwrap_or_else(|| "damaged".to_owned());
        assert_eq!(&ours, answer, "{}", hex(bytes));
    }
}

/// Codes from the tests and READMEs of other projects; their applications, by the peer's reading.
#[test]
fn consumer_presented_codes() {
    for code in [
        "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==",
        "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=",
    ] {
        let bytes = decoded(code);
        let Some(answers) = python::ask(SCRIPT, &[format!("tlv {}", hex(&bytes))]) else { return };
        let presented = emv_cpm::read(code.as_bytes()).unwrap();
        assert!(presented.whole);
        for application in &presented.applications {
            let aid = format!("4F={}", hex(&application.aid));
            assert!(answers[0].contains(&aid), "{aid} in {}", answers[0]);
        }
        assert_eq!(answers[0].matches("61=").count(), presented.applications.len());
    }
}

/// Base64 by another way than ours: six bits at a time, in text.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.chars().filter_map(|digit| DIGITS.find(digit));
    let bits: String = digits.map(|digit| format!("{digit:06b}")).collect();
    let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
    bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect()
}

#[test]
fn licences() {
    let versions: Vec<String> = (1..=12).map(|version| format!("{version:02}")).collect();
    let codes: Vec<String> = versions
        .iter()
        .map(|version| {
            let jurisdiction = if version == "01" { "" } else { "00" };
            format!(
                "@\n\x1e\rANSI 636000{version}{jurisdiction}01DL00310010DLDAQT64235789\nDCSSAMPLE\n\r"
            )
        })
        .collect();
    let lines: Vec<String> =
        codes.iter().map(|code| format!("aamva {}", hex(code.as_bytes()))).collect();
    let Some(answers) = python::ask(SCRIPT, &lines) else { return };
    for ((code, version), answer) in codes.iter().zip(versions).zip(answers) {
        let header = licence::header(code.as_bytes()).unwrap();
        assert_eq!((header.version, answer.as_str()), (version.as_str(), version.as_str()));
        assert_eq!(header.document, Some(licence::Document::Licence), "{version}");
    }
}
