//! Layouts that are known and that are not, and the report of the manual field by field.

use super::*;
use crate::recording::{Recording, Step};

/// What is said after the steps of a log.
fn heard(log: &str) -> Vec<Item> {
    let mut protocol = Magtek::default();
    let mut out = Output::default();
    for step in Recording::parse(log).unwrap().steps {
        let input = match &step {
            Step::Descriptor(bytes) => Input::Descriptor(bytes),
            Step::Report { id, data } => Input::Report { id: *id, data },
            _ => continue,
        };
        protocol.receive(Timestamp(7), input, &mut out);
    }
    std::iter::from_fn(|| out.pop()).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn the_magnesafe_report_of_the_manual_field_by_field() {
    let items = heard(include_str!("../../../tests/logs/magtek/magnesafe.log"));
    let [Item::Swipe(Swipe { tracks, encryption: Some(encryption), .. })] = items.as_slice() else {
        panic!("{} items", items.len())
    };
    let masked = |text: &str| Stripe::Masked(Secret::copy_of(text.as_bytes()));
    let shown = [
        masked("%B5452000000007189^HOGAN/PAUL      ^08040000000000000000000?"),
        masked(";5452000000007189=080400000000000000?"),
        masked(";5163000050000445=000000000000?"),
    ];
    assert_eq!(tracks.0, shown);
    assert_eq!(encryption.ksn, Some(bytes("FFFF9876543210E00008")));
    assert_eq!(encryption.lengths.0, [Some(0x3C), Some(0x25), Some(0x1F)]);
    let of_two = "724C5DB7D6F901C7F0FEAE7908801093B3DBFE51CCF6D483E789D7D2C007D539499BAADCC8D16CA2";
    assert_eq!(encryption.tracks.get(Number::Two), &Some(bytes(of_two)));
    let lengths = encryption.tracks.0.each_ref().map(|one| one.as_ref().map(Vec::len));
    assert_eq!(lengths, [Some(64), Some(40), Some(32)]);
    let field = |name: &str| {
        let found = encryption.fields.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(field("reader-status"), Some(vec![0x00, 0x06]));
    assert_eq!(field("session-id"), Some(bytes("21685F158B5C6BE0")));
    assert_eq!(field("magneprint-status"), Some(bytes("A1050000")));
    assert_eq!(field("magneprint").map(|print| print.len()), Some(0x38));
    assert_eq!(field("magneprint-length"), Some(vec![0x36]));
    assert_eq!(field("serial-number"), None, "it has not been set");
}

#[test]
fn a_report_that_might_encrypt_in_a_way_that_is_not_known_is_not_read() {
    let descriptor = |room: u8, behind: &[u8]| {
        let mut descriptor = bytes("06 00 FF 09 01 A1 01 15 00 26 FF 00 75 08");
        descriptor.extend(bytes("09 20 09 21 09 22 09 28 09 29 09 2A 09 38 95 07 81 02"));
        for usage in [0x30, 0x31, 0x32] {
            descriptor.extend([0x09, usage, 0x95, room, 0x82, 0x02, 0x01]);
        }
        descriptor.extend_from_slice(behind);
        descriptor.push(0xC0);
        descriptor
    };
    let layout = |bytes: &[u8]| Layout::of(&Descriptor::parse(bytes).unwrap());
    let padding = |count: [u8; 2]| [&[0x96][..], &count, &[0x81, 0x03]].concat();
    for (name, bytes, want) in [
        ("the swipe reader's", descriptor(110, &[]), Some((337, false))),
        ("MagneSafe V5", descriptor(112, &padding([0x01, 0x02])), Some((856, true))),
        ("a later MagneSafe", descriptor(112, &padding([0x57, 0x02])), Some((942, true))),
        (
            "the MagnePrint reader's, whose layout is another",
            descriptor(112, &padding([0x9B, 0])),
            None,
        ),
        ("tracks of two bytes", descriptor(2, &[]), None),
    ] {
        let got = layout(&bytes).map(|layout| (layout.length, layout.has_masked));
        assert_eq!(got, want, "{name}");
    }
}
