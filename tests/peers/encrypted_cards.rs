//! What encrypting heads send, opened with the published test key by pycryptodome from PyPI: if a byte of it
//! were taken from another place, it would not open.
//!
//! The ciphertext is that of the makers' manuals, through the protocols, from the logs.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use tillbus::event::Swipe;
use tillbus::event::card::{Number, Stripe};
use tillbus::normalize::Rules;
use tillbus::recording::Recording;

use crate::support::{self, Player, Read, python};

const SCRIPT: &str = "encrypted_cards.py";

/// The first card of a log, as its protocol reports it.
fn swipe(protocol: &str, case: &str) -> Swipe {
    let path = format!("{}/tests/logs/{protocol}/{case}.log", env!("CARGO_MANIFEST_DIR"));
    let recording = Recording::parse(&fs::read_to_string(Path::new(&path)).unwrap()).unwrap();
    let mut player = Player::new(&support::configure(protocol, "").unwrap(), &Rules::default());
    player.steps(&recording.steps);
    let Some(Read::Card(swipe)) = player.readings.first() else { panic!("{path}: no card") };
    swipe.clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a ciphertext holds.
struct Clear {
    bytes: Vec<u8>,
    /// SHA-1 of what is not padding.
    hash: Vec<u8>,
}

/// What each of these ciphertexts of a swipe holds; `None` without Python.
fn opened(swipe: &Swipe, variant: &str, ciphertexts: &[&[u8]]) -> Option<Vec<Clear>> {
    let ksn = hex(swipe.encryption.as_ref().unwrap().ksn.as_ref().unwrap());
    let question = |ciphertext: &&[u8]| json!([variant, ksn, hex(ciphertext)]);
    let questions: Vec<_> = ciphertexts.iter().map(question).collect();
    let answers = python::ask_json(SCRIPT, &json!(questions))?;
    let bytes = |hex: &Json| {
        let hex = hex.as_str().unwrap();
        let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(pair).collect::<Vec<u8>>()
    };
    let clear = |answer: &Json| Clear { bytes: bytes(&answer[0]), hash: bytes(&answer[1]) };
    Some(answers.as_array().unwrap().iter().map(clear).collect())
}

fn field<'a>(swipe: &'a Swipe, name: &str) -> &'a [u8] {
    let fields = &swipe.encryption.as_ref().unwrap().fields;
    &fields.iter().find(|(other, _)| *other == name).unwrap().1
}

/// Whether a shown track is this one with something hidden: `filler` in its place, of which one may differ
/// for the check digit. The sentinel of track 3 is the reader's own.
fn shows(swipe: &Swipe, number: Number, clear: &[u8], filler: u8) -> bool {
    let Stripe::Masked(text) = swipe.tracks.get(number) else { return false };
    let text = text.expose();
    let differs = |(one, other): &(&u8, &u8)| **one != filler && one != other;
    text.len() <= clear.len() && text.iter().zip(clear).skip(2).filter(differs).count() <= 1
}

#[test]
fn magnesafe_tracks_open_to_those_of_the_manual() {
    let swipe = swipe("magtek", "magnesafe");
    let encryption = swipe.encryption.as_ref().unwrap();
    let of = |number| encryption.tracks.get(number).as_deref().unwrap();
    let ciphertexts = [
        of(Number::One),
        of(Number::Two),
        of(Number::Three),
        field(&swipe, "session-id"),
        field(&swipe, "magneprint"),
    ];
    let Some(clear) = opened(&swipe, "pin", &ciphertexts) else { return };
    let want = [
        "%B5452300551227189^HOGAN/PAUL      ^08043210000000725000000?",
        ";5452300551227189=080432100000007250?",
        "+5163499080020445=000000000000?",
    ];
    for (number, (clear, want)) in Number::ALL.into_iter().zip(clear.iter().zip(want)) {
        let length = usize::try_from(encryption.lengths.get(number).unwrap()).unwrap();
        let (text, padding) = clear.bytes.split_at(length);
        assert_eq!(text, want.as_bytes(), "{number:?}");
        assert!(padding.iter().all(|byte| *byte == 0), "{number:?}: it is padded");
        assert!(shows(&swipe, number, text, b'0'), "{number:?}");
    }
    assert_eq!(clear[3].bytes, [0; 8], "no session has been given");
    let absolute = usize::from(field(&swipe, "magneprint-length")[0]);
    assert_eq!(clear[4].bytes[absolute..], [0; 2], "the MagnePrint's padding");
}

/// Each with its LRC, which the reader sends.
const IDTECH: [&str; 2] = [
    "%B4266841088889999^BUSH JR/GEORGE W.MR^0809101100001100000000046000000?!",
    ";4266841088889999=080910110000046?0",
];

#[test]
fn the_original_format_opens_to_the_card_of_the_manual() {
    let swipe = swipe("idtech", "original");
    let Some(clear) = opened(&swipe, "data", &[field(&swipe, "tracks-1-2")]) else { return };
    let (one, two) = clear[0].bytes.split_at(IDTECH[0].len());
    assert_eq!(one, IDTECH[0].as_bytes());
    assert_eq!(&two[..IDTECH[1].len()], IDTECH[1].as_bytes());
    assert!(shows(&swipe, Number::One, one, b'*') && shows(&swipe, Number::Two, two, b'*'));
    let over_usb = self::swipe("idtech-hid", "encrypted");
    assert_eq!(over_usb.encryption, swipe.encryption);
}

#[test]
fn the_enhanced_format_opens_to_the_card_of_the_manual_and_the_hashes_are_its_tracks() {
    let swipe = swipe("idtech", "enhanced");
    let tracks = &swipe.encryption.as_ref().unwrap().tracks;
    let numbers = [(Number::One, "hash-1"), (Number::Two, "hash-2")];
    let ciphertexts = numbers.map(|(number, _)| tracks.get(number).as_deref().unwrap());
    let Some(clear) = opened(&swipe, "data", &ciphertexts) else { return };
    let original = self::swipe("idtech", "original");
    for ((number, hash), (clear, want)) in numbers.into_iter().zip(clear.iter().zip(IDTECH)) {
        assert_eq!(&clear.bytes[..want.len()], want.as_bytes());
        assert!(shows(&swipe, number, &clear.bytes, b'*'), "{number:?}");
        assert_eq!(field(&swipe, hash), clear.hash, "{hash}");
        assert_eq!(field(&original, hash), clear.hash, "{hash} of the manual's own frame");
    }
}
