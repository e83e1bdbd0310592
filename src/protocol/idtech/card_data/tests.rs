//! The manuals' examples field by field, and lengths that do not add up.

use super::*;
use crate::frame::idtech::{Front, front};
use crate::recording::{Recording, Step};

/// What the first frame of a log says.
fn first_of(log: &str) -> Read {
    let steps = Recording::parse(log).unwrap().steps;
    let [Step::Bytes(bytes), ..] = steps.as_slice() else { panic!("no bytes first") };
    let Front::Frame(_, data) = front(bytes) else { panic!("no frame") };
    read(data).unwrap()
}

fn shown(read: &Read) -> [String; 3] {
    read.tracks.0.each_ref().map(|stripe| match stripe {
        Stripe::Absent => "-".to_owned(),
        Stripe::Bad(error) => error.to_string(),
        Stripe::Text(text) => format!("clear {}", String::from_utf8_lossy(text.expose())),
        Stripe::Masked(text) => format!("masked {}", String::from_utf8_lossy(text.expose())),
    })
}

fn names(encryption: &Encryption) -> Vec<(&'static str, usize)> {
    encryption.fields.iter().map(|(name, value)| (*name, value.len())).collect()
}

const MASKED: [&str; 2] = [
    "masked %*4266********9999^BUSH JR/GEORGE W.MR^*******************************?",
    "masked ;4266********9999=***************?",
];

#[test]
fn the_original_frame_of_the_manual_field_by_field() {
    let read = first_of(include_str!("../../../../tests/logs/idtech/original.log"));
    let [one, two, three] = shown(&read);
    assert_eq!([one.as_str(), two.as_str()], MASKED);
    assert!(three.starts_with("clear ;3333333333767676") && three.ends_with("760707?"), "{three}");
    let encryption = read.encryption.unwrap();
    assert_eq!(encryption.scheme, "idtech-original");
    assert_eq!(encryption.ksn.as_deref(), Some(&[0x62, 0x99, 0x49, 0x01, 0x19, 0, 0, 0, 0, 1][..]));
    assert_eq!(encryption.lengths.0, [Some(0x48), Some(0x23), Some(0x6B)]);
    assert_eq!(
        names(&encryption),
        [
            ("encode-type", 1),
            ("track-status", 1),
            ("tracks-1-2", 112),
            ("hash-1", 20),
            ("hash-2", 20)
        ]
    );
    assert_eq!(encryption.tracks, Tracks::default(), "none is encrypted by itself");
}

#[test]
fn the_enhanced_frame_field_by_field() {
    let read = first_of(include_str!("../../../../tests/logs/idtech/enhanced.log"));
    assert_eq!(shown(&read), [MASKED[0], MASKED[1], "-"]);
    let encryption = read.encryption.unwrap();
    assert_eq!(encryption.scheme, "idtech-enhanced-tdes");
    let lengths = encryption.tracks.0.each_ref().map(|one| one.as_ref().map(Vec::len));
    assert_eq!(lengths, [Some(72), Some(40), None]);
    assert_eq!(encryption.lengths.0, [Some(72), Some(35), None]);
}

#[test]
fn what_does_not_add_up_is_no_card() {
    let malformed = |at| Some(Fault::Malformed { at });
    for (name, data, want) in [
        ("too short", vec![0x80, 0x3F, 0, 0], malformed(3)),
        ("no status of what is sent", vec![0x80, 0x3F, 0, 0, 0, 1], malformed(8)),
        ("a track past the end", vec![0x01, 0x3F, 0, 5, 0, b';', b'1', b'?'], malformed(11)),
        ("bytes behind clear tracks", vec![0x01, 0x3F, 0, 3, 0, b';', b'1', b'?', 0], malformed(5)),
        ("no room for ciphertext", vec![0x80, 0x3F, 0, 3, 0, 0, 0x82, 1, 2, 3, 4], malformed(5)),
        ("options past the end", vec![0x80, 0x7F, 0, 3, 0, 0, 0x82, 9, 1], malformed(10)),
        (
            "encrypted by somebody else's scheme",
            vec![0x80, 0x7F, 0, 3, 0, 0, 2, 1, 2],
            Some(UNKNOWN),
        ),
        ("keyed by hand", vec![0x85, 0, 0, 0, 0, 0, 1, 2, 3], Some(UNKNOWN)),
        ("raw, in the original format", vec![0x04, 0x3F, 0, 3, 0, 1, 2, 3], Some(UNKNOWN)),
        ("an empty card", vec![0x80, 0x07, 0, 0, 0, 0, 0], None),
    ] {
        assert_eq!(read(&data).err(), want, "{name}");
    }
}
