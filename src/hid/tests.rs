use hidreport::{Field as PeerField, ReportDescriptor};
use proptest::prelude::*;

use super::*;

const POS: u16 = 0x8C;

/// A scanner: byte count, three identifiers, 8 bytes of data, one bit; a trigger report.
const SCANNER: &[u8] = &[
    0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x09, 0x12, 0xA1, 0x02, 0x15, 0x00, 0x26, 0xFF,
    0x00, 0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, 0x05, 0x8C, 0x95, 0x03, 0x09,
    0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02, 0x95, 0x08, 0x09, 0xFE, 0x82, 0x02, 0x01, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x01, 0x09, 0xFF, 0x81, 0x02, 0x75, 0x07, 0x81, 0x03, 0xC0, 0x85, 0x04, 0x09,
    0x14, 0xA1, 0x02, 0x75, 0x01, 0x95, 0x02, 0x09, 0x5F, 0x09, 0x60, 0x91, 0x02, 0x95, 0x06, 0x91,
    0x03, 0xC0, 0xC0,
];

/// The boot keyboard of HID 1.11, appendix B.1.
const KEYBOARD: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01,
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06,
    0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xC0,
];

fn parse(bytes: &[u8]) -> Descriptor {
    Descriptor::parse(bytes).unwrap()
}

#[test]
fn a_scanner_is_understood() {
    let scanner = parse(SCANNER);
    assert!(scanner.is_numbered());
    assert_eq!(scanner.applications(), [Usage::new(POS, 0x02)]);
    assert_eq!(scanner.length(Kind::Input, 2), Some(13));
    assert_eq!(scanner.length(Kind::Output, 4), Some(1));
    assert_eq!(scanner.length(Kind::Input, 4), None);

    let report = b"\x03]E0abc\0\0\0\0\0\x01";
    let value = |page, id| {
        let (field, place) = scanner.find(Kind::Input, Usage::new(page, id)).unwrap();
        field.value(report, place).unwrap()
    };
    assert_eq!(value(0x01, 0x3B), 3);
    assert_eq!(value(POS, 0xFB), u32::from(b']'));
    assert_eq!(value(POS, 0xFC), u32::from(b'E'));
    assert_eq!(value(POS, 0xFD), u32::from(b'0'));
    assert_eq!(value(POS, 0xFF), 1);
    let (data, place) = scanner.find(Kind::Input, Usage::new(POS, 0xFE)).unwrap();
    assert_eq!((place, data.bytes(report)), (0, Some(&b"abc\0\0\0\0\0"[..])));
    assert_eq!(data.usage(7), Some(Usage::new(POS, 0xFE)), "the last usage holds for the rest");
    assert_eq!(data.usage(8), None);
    assert_eq!(data.bytes(&report[..6]), Some(&b"ab"[..]), "a short report");
    assert_eq!(data.value(&report[..6], 2), None);
}

#[test]
fn a_bit_is_set_in_its_place() {
    let scanner = parse(SCANNER);
    let (field, place) = scanner.find(Kind::Output, Usage::new(POS, 0x60)).unwrap();
    let mut report = [0];
    field.set(&mut report, place, 1);
    assert_eq!(report, [0b10]);
    field.set(&mut report, place, 0);
    assert_eq!(report, [0]);
    field.set(&mut [], place, 1);
    field.set(&mut report, 99, 1);
    assert_eq!(report, [0]);
}

#[test]
fn a_keyboard_is_understood() {
    let keyboard = parse(KEYBOARD);
    assert!(!keyboard.is_numbered());
    assert_eq!(keyboard.length(Kind::Input, 0), Some(8));
    let (modifiers, place) = keyboard.find(Kind::Input, Usage::new(7, 0xE1)).unwrap();
    assert_eq!((modifiers.is_array, place), (false, 1));
    let (keys, _) = keyboard.find(Kind::Input, Usage::new(7, 0x04)).unwrap();
    assert!(keys.is_array);
    assert_eq!(keys.value(&[0x02, 0, 0x04, 0x05, 0, 0, 0, 0], 1), Some(5));
    assert_eq!(keys.choice(5), Some(Usage::new(7, 5)));
    assert_eq!(keys.choice(0x66), None);
}

#[test]
fn what_is_no_descriptor_is_named_with_its_place() {
    let rows: &[(&str, &[u8], usize, &str)] = &[
        ("an item cut off", &[0x05, 0x8C, 0x26, 0xFF], 2, "cut off"),
        ("an end of nothing", &[0xC0], 0, "an end of no collection"),
        ("a pop without a push", &[0x05, 0x8C, 0xB4], 2, "without its push"),
        ("report 0", &[0x85, 0x00], 0, "1 to 255"),
        ("report 256", &[0x86, 0x00, 0x01], 0, "1 to 255"),
        ("a usage maximum alone", &[0x29, 0x01], 0, "without its minimum"),
        ("an upside-down range", &[0x19, 0x05, 0x29, 0x01], 2, "below its minimum"),
        ("a count without end", &[0x75, 0x08, 0x97, 0, 0, 0, 0x40, 0x81, 0x02], 7, "longer"),
        ("collections without end", &[0xA1; 80], 64, "nested too deep"),
        ("pushes without end", &[0xA4; 80], 32, "too many"),
    ];
    for (name, bytes, at, what) in rows {
        let error = Descriptor::parse(bytes).unwrap_err();
        assert_eq!(error.at, *at, "{name}: {error}");
        assert!(error.to_string().contains(what), "{name}: {error}");
    }
    assert!(Descriptor::parse(&[0; LONGEST + 1]).is_err());
}

#[test]
fn odd_but_good() {
    assert_eq!(parse(&[]), Descriptor::default());
    // A usage with its page in it, a range over a page, a long item, an unclosed collection.
    let odd = parse(&[
        0xFE, 0x02, 0x10, 0xAA, 0xBB, 0x0B, 0x02, 0x00, 0x8C, 0x00, 0xA1, 0x01, 0x05, 0x09, 0x0B,
        0xFE, 0x00, 0x8C, 0x00, 0x75, 0x08, 0x95, 0x02, 0x81, 0x02,
    ]);
    assert_eq!(odd.applications(), [Usage::new(POS, 2)]);
    assert!(odd.find(Kind::Input, Usage::new(POS, 0xFE)).is_some());
    // No page and no size: nothing to be found, and nothing to fall over.
    assert_eq!(parse(&[0x09, 0x02, 0x81, 0x02]).fields(Kind::Input).count(), 0);
}

#[test]
fn packets_become_reports() {
    let mut packets = Packets::new(&parse(SCANNER), 8);
    let mut heard = Vec::new();
    for packet in [
        &b"\x02\x03]E0abc"[..],
        b"\0\0\0\0\0\x01",
        b"\x02\x03]E0xyz",
        b"",
        b"\x07unknown",
        b"\x02abc",
    ] {
        packets.take(packet, &mut |id, data| heard.push((id, data.to_vec())));
    }
    assert_eq!(
        heard,
        [
            (2, b"\x03]E0abc\0\0\0\0\0\x01".to_vec()),
            // Ended by a packet of no length.
            (2, b"\x03]E0xyz".to_vec()),
            (7, b"unknown".to_vec()),
            (2, b"abc".to_vec()),
        ]
    );
    let mut packets = Packets::new(&parse(KEYBOARD), 8);
    packets.take(&[2, 0, 4, 0, 0, 0, 0, 0], &mut |id, data| heard.push((id, data.to_vec())));
    assert_eq!(heard.last(), Some(&(0, vec![2, 0, 4, 0, 0, 0, 0, 0])));
}

/// What was lost, the packets that come, the place of the loss among them, and the code that is heard.
type Loss<'a> = (&'a str, &'a [&'a [u8]], usize, &'a [u8]);

#[test]
fn a_lost_packet_takes_its_report_along_and_no_other_is_mixed_with_it() {
    // Two packets of 8 and 6 bytes; a keyboard's report is one packet.
    let whole = [&b"\x02\x03]E0abc"[..], b"\0\0\0\0\0\x01"];
    let other = [&b"\x02\x03]E0xyz"[..], b"\0\0\0\0\0\x01"];
    let rows: [Loss<'_>; 3] = [
        ("the first", &[whole[1], other[0], other[1]], 0, b"xyz"),
        (
            "the last, and the next report with it",
            &[whole[0], whole[0], whole[1], other[0], other[1]],
            1,
            b"xyz",
        ),
        ("none: it is sent again", &[whole[0], whole[1], other[0], other[1]], 1, b"xyz"),
    ];
    for (lost, sent, place, heard) in rows {
        let mut packets = Packets::new(&parse(SCANNER), 8);
        let mut codes = Vec::new();
        for (number, packet) in sent.iter().enumerate() {
            if number == place {
                packets.lost();
            }
            packets.take(packet, &mut |_, data| codes.push(data[4..7].to_vec()));
        }
        assert_eq!(codes, [heard], "{lost}");
    }
    let mut packets = Packets::new(&parse(KEYBOARD), 8);
    packets.lost();
    let mut heard = 0;
    packets.take(&[2, 0, 4, 0, 0, 0, 0, 0], &mut |_, _| heard += 1);
    assert_eq!(heard, 1, "a report of one packet leaves none behind");
}

/// What is compared with the peer: report, bits, and whether it is an array; arrays and variables.
type Seen = Vec<(u8, std::ops::Range<usize>, Option<Usage>)>;

fn ours(descriptor: &Descriptor, kind: Kind) -> Seen {
    let numbered = if descriptor.is_numbered() { 8 } else { 0 };
    let mut seen = Vec::new();
    for field in descriptor.fields(kind) {
        let bits = |place: u32, count: u32| {
            let start = (field.offset + place * field.size) as usize + numbered;
            start..start + (count * field.size) as usize
        };
        if field.is_array {
            seen.push((field.report, bits(0, field.count), None));
        } else {
            for place in 0..field.count {
                seen.push((field.report, bits(place, 1), field.usage(place)));
            }
        }
    }
    seen.sort_by_key(|(report, bits, _)| (*report, bits.start));
    seen
}

fn peers(reports: &[impl hidreport::Report]) -> Seen {
    let mut seen = Vec::new();
    for report in reports {
        let id = report.report_id().map_or(0, u8::from);
        for field in report.fields() {
            match field {
                PeerField::Variable(field) => {
                    let (page, usage) = (field.usage.usage_page, field.usage.usage_id);
                    let usage = Usage::new(u16::from(page), u16::from(usage));
                    seen.push((id, field.bits.clone(), Some(usage)));
                }
                PeerField::Array(field) => seen.push((id, field.bits.clone(), None)),
                PeerField::Constant(_) => {}
            }
        }
    }
    seen.sort_by_key(|(report, bits, _)| (*report, bits.start));
    seen
}

fn agree(bytes: &[u8]) {
    let own = parse(bytes);
    let peer = ReportDescriptor::try_from(bytes).unwrap();
    assert_eq!(ours(&own, Kind::Input), peers(peer.input_reports()), "{bytes:02X?}");
    assert_eq!(ours(&own, Kind::Output), peers(peer.output_reports()), "{bytes:02X?}");
    assert_eq!(ours(&own, Kind::Feature), peers(peer.feature_reports()), "{bytes:02X?}");
}

#[test]
fn a_peer_understands_the_same() {
    agree(SCANNER);
    agree(KEYBOARD);
}

/// One field with its usages, as bytes.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop::sample::select(vec![0x00_u8, 0x01, 0x02, 0x03]);
    let tag = prop::sample::select(vec![0x81_u8, 0x91, 0xB1]);
    let usages = prop::collection::vec(1_u8..0xFF, 1..4);
    (usages, 1_u8..17, 1_u8..9, tag, flags).prop_map(|(usages, size, count, tag, flags)| {
        let mut bytes: Vec<u8> = usages.into_iter().flat_map(|usage| [0x09, usage]).collect();
        bytes.extend([0x75, size, 0x95, count, tag, flags]);
        bytes
    })
}

/// A numbered report with some fields.
fn report() -> impl Strategy<Value = Vec<u8>> {
    (1_u8..6, 1_u8..0xE0, prop::collection::vec(field(), 1..5)).prop_map(|(id, page, fields)| {
        let mut bytes = vec![0x85, id, 0x05, page];
        bytes.extend(fields.concat());
        bytes
    })
}

proptest! {
    #[test]
    fn a_peer_understands_generated_descriptors_the_same(
        reports in prop::collection::vec(report(), 1..5),
    ) {
        let mut bytes = vec![0x05, 0x8C, 0x09, 0x02, 0x15, 0x00, 0x25, 0x7F, 0xA1, 0x01];
        bytes.extend(reports.concat());
        bytes.push(0xC0);
        agree(&bytes);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let Ok(descriptor) = Descriptor::parse(&bytes) else { return Ok(()) };
        for kind in [Kind::Input, Kind::Output, Kind::Feature] {
            for field in descriptor.fields(kind) {
                let mut report = [0xA5; 64];
                for place in [0, 1, field.count - 1, field.count, u32::MAX] {
                    let _ = (field.usage(place), field.choice(place), field.value(&report, place));
                    field.set(&mut report, place, u32::MAX);
                }
                let _ = field.bytes(&report);
            }
        }
        let mut packets = Packets::new(&descriptor, 8);
        for packet in bytes.chunks(8) {
            packets.take(packet, &mut |_, _| {});
        }
    }

    #[test]
    fn what_is_set_is_read(place in 0_u32..4, value in any::<u32>(), size in 1_u32..33) {
        let field = Field {
            kind: Kind::Output, report: 1, count: 4, size, is_array: false, minimum: 0,
            maximum: i32::MAX, application: None, offset: 3, usages: vec![],
        };
        let mut report = [0xFF; 20];
        field.set(&mut report, place, value);
        let mask = u32::MAX >> (32 - size);
        prop_assert_eq!(field.value(&report, place), Some(value & mask));
    }
}
