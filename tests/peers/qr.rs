//! Merchants' codes, networks and addresses as generators of PyPI write them (pypix-static, promptpay-qr,
//! cemacqr, sgqrgen, segno, qrbill), ours as cemacqr and crccheck take them apart, our drawings and codes
//! that name their encoding as zxing-cpp reads them.

use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tillbus::event::{Aim, Reading, Scan, Sensitivity, Symbology, Timestamp, Value};
use tillbus::normalize::currency::Currency;
use tillbus::normalize::merchant_qr::compose;
use tillbus::normalize::merchant_qr::emv::{Account, Holds, Initiation, Local, Payload};
use tillbus::normalize::{self, Rules};
use tillbus::secret::Secret;

use crate::support::{Random, python};

const SCRIPT: &str = "qr.py";
const SAMPLES: usize = 300;
/// How many of them are drawn, by a program of its own each.
const DRAWN: usize = 12;

/// Everything is asked at once: the interpreter and its libraries take a second to come up.
fn answers() -> Option<&'static Json> {
    static ANSWERS: OnceLock<Option<Json>> = OnceLock::new();
    let all = ANSWERS.get_or_init(|| {
        let codes: Vec<String> =
            payloads().iter().map(|payload| compose::emv(payload).unwrap()).collect();
        let drawn: Vec<Json> = drawings().into_iter().map(|(_, drawing)| drawing).collect();
        let questions =
            json!({ "read": codes, "written": SAMPLES, "drawn": drawn, "encoded": true });
        python::ask_json(SCRIPT, &questions)
    });
    all.as_ref()
}

fn text(random: &mut Random, letters: &str, most: usize) -> String {
    let letters: Vec<char> = letters.chars().collect();
    (0..=random.below(most)).map(|_| letters[random.below(letters.len())]).collect()
}

/// Codes of every kind of field, from a seed.
fn payloads() -> Vec<Payload> {
    const PRINTABLE: &str = "ABCXYZabcxyz0123456789 .,-/&+()*#@";
    let mut random = Random(3);
    let payload = |random: &mut Random| {
        let currency = ["EUR", "JPY", "KWD", "THB"][random.below(4)];
        let fields = 1..=1 + u8::try_from(random.below(3)).unwrap();
        let fields = fields.map(|id| (id, text(random, PRINTABLE, 15))).collect();
        let identifier = text(random, "abc.xyz", 20);
        Payload {
            initiation: [None, Some(Initiation::Static), Some(Initiation::Dynamic)]
                [random.below(3)],
            accounts: vec![Account { id: 26, holds: Holds::Template(identifier, fields) }],
            category: Some(format!("{:04}", random.below(10_000))),
            currency: Currency::by_letters(currency),
            amount: Some(1 + u64::try_from(random.below(10_000_000)).unwrap()),
            country: Some("DE".to_owned()),
            name: Some(text(random, PRINTABLE, 24)),
            city: Some(text(random, PRINTABLE, 14)),
            additional: vec![(5, text(random, PRINTABLE, 24))],
            local: Some(Local {
                language: "ZH".to_owned(),
                name: text(random, "最佳运输北京äж", 24),
                city: None,
            }),
            ..Payload::default()
        }
    };
    (0..SAMPLES).map(|_| payload(&mut random)).collect()
}

#[test]
fn ours_are_taken_apart_by_others() {
    let Some(answers) = answers() else { return };
    for (payload, answer) in payloads().iter().zip(answers["read"].as_array().unwrap()) {
        assert_eq!(answer["crc"], true, "{answer}");
        let fields = &answer["fields"];
        let currency = payload.currency.unwrap();
        let amount = payload.amount.map(|amount| currency.decimal(amount));
        assert_eq!(fields["54"], json!(amount), "{answer}");
        assert_eq!(fields["53"], format!("{:03}", currency.number), "{answer}");
        assert_eq!((&fields["59"], &fields["60"]), (&json!(payload.name), &json!(payload.city)));
        let local = payload.local.as_ref().unwrap();
        let count = local.name.chars().count();
        assert_eq!(fields["64"], format!("0002ZH01{count:02}{}", local.name), "{answer}");
        let Holds::Template(identifier, inner) = &payload.accounts[0].holds else { panic!() };
        let account = &answer["accounts"]["26"];
        assert_eq!(account["00"], **identifier, "{answer}");
        for (id, value) in inner {
            assert_eq!(account[format!("{id:02}")], **value, "{answer}");
        }
    }
}

/// What a code is taken for.
fn scan(aim: &str, data: &[u8]) -> Scan {
    let (aim, _) = Aim::split(aim.as_bytes()).unwrap();
    let reading = Reading {
        symbology: Some(Symbology::from_aim(aim)),
        aim: Some(aim),
        data: Secret::new(data.to_vec()),
        first: Timestamp::default(),
        last: Timestamp::default(),
    };
    let rules = Rules {
        encodings: vec![encoding_rs::UTF_8, encoding_rs::WINDOWS_1252],
        ..Rules::default()
    };
    normalize::scan(reading, &rules)
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Text(text) => text.as_ref().into(),
        Value::Bytes(bytes) => bytes.as_slice().into(),
        Value::List(values) => values.iter().map(as_json).collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.to_string(), as_json(value)));
            Json::Object(entries.collect())
        }
    }
}

fn bytes(hex: &Json) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_others_write_is_read_as_they_meant_it() {
    let Some(answers) = answers() else { return };
    let written = answers["written"].as_array().unwrap();
    assert!(written.len() >= 9 * SAMPLES, "{} codes", written.len());
    for sample in written {
        let code = bytes(&sample["code"]);
        let scan = scan("]Q1", &code);
        let shown = format!("{}: {}", sample["by"], String::from_utf8_lossy(&code));
        let expected = sample["expected"].as_object().unwrap();
        for (name, want) in expected {
            let detail = scan.details.iter().find(|(other, _)| other == name);
            match name.as_str() {
                "content" => assert_eq!(scan.content.word(), want.as_str().unwrap(), "{shown}"),
                "private" => assert_eq!(scan.sensitivity, Sensitivity::Private, "{shown}"),
                "accounts" => {
                    let accounts = as_json(&detail.unwrap_or_else(|| panic!("{shown}")).1);
                    for (field, want) in want.as_object().unwrap() {
                        assert_eq!(&accounts[0][field], want, "{field} of {shown}");
                    }
                }
                _ => {
                    let detail = detail.map_or(Json::Null, |(_, value)| as_json(value));
                    assert_eq!(&detail, want, "{name} of {shown}");
                }
            }
        }
        assert_eq!(scan.raw.expose(), &code, "{shown}");
    }
}

/// Codes that `tillbusctl` has drawn: what they carry, and the drawings.
fn drawings() -> Vec<(String, Json)> {
    let directory = tempfile::tempdir().unwrap();
    let schemes: Vec<Vec<String>> = (0..DRAWN)
        .map(|number| {
            let amount = format!("{}.{:02}", number * 37 + 1, number);
            let line = match number % 4 {
                0 => format!("pix --key shop{number}@example.org --name Loja --city RIO --amount {amount}"),
                1 => format!("promptpay --mobile 08123456{number:02} --amount {amount}"),
                2 => format!("epc --iban DE89370400440532013000 --name Käse{number} --amount {amount}"),
                _ => format!(
                    "emv --account com.example,01={number} --currency CNY --amount {amount} --country CN \
                     --name Shop --city Beijing --local-name 最佳运输 --language ZH"
                ),
            };
            line.split_whitespace().map(str::to_owned).collect()
        })
        .collect();
    schemes
        .iter()
        .map(|scheme| {
            let file = directory.path().join("code.svg");
            let mut command = Command::new(env!("CARGO_BIN_EXE_tillbusctl"));
            command.args(["qr", "compose", "--svg"]).arg(&file).args(scheme);
            let output = command.output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success(),
                "{scheme:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let (payload, drawing) = printed.split_once("\n\n\u{2588}").unwrap();
            let drawing = format!("\u{2588}{drawing}");
            let lines: Vec<&str> = drawing.lines().collect();
            let svg = std::fs::read_to_string(&file).unwrap();
            (payload.to_owned(), json!({ "lines": lines, "svg": svg }))
        })
        .collect()
}

#[test]
fn drawings_are_read_by_a_decoder() {
    let Some(answers) = answers() else { return };
    let seen = answers["drawn"].as_array().unwrap();
    assert_eq!(seen.len(), DRAWN);
    for ((payload, _), seen) in drawings().iter().zip(seen) {
        for place in ["terminal", "svg"] {
            let found = seen[place].as_array().unwrap();
            assert_eq!(found.len(), 1, "{place}: {payload}");
            assert_eq!(String::from_utf8(bytes(&found[0])).unwrap(), *payload, "{place}");
        }
    }
}

#[test]
fn codes_that_name_their_encoding_are_read_in_it() {
    let Some(answers) = answers() else { return };
    let mut named = 0;
    for sample in answers["encoded"].as_array().unwrap() {
        let sent = bytes(&sample["sent"]);
        let (aim, data) = Aim::split(&sent).unwrap();
        let shown = String::from_utf8_lossy(&sent);
        // Without a number the decoder has taken the symbology's own encoding, or Shift-JIS for Kanji.
        if !data.windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit()) {
            continue;
        }
        let scan = scan(&aim.to_string(), data);
        assert_eq!(scan.text.expose(), sample["text"].as_str().unwrap(), "{shown}");
        assert!(scan.details.iter().any(|(name, _)| *name == "eci"), "{shown}");
        assert_eq!(scan.raw.expose(), data, "{shown}");
        named += 1;
    }
    assert!(named > 30, "{named} of them name one");
}
