//! Whatever comes over a line, in whatever order: no protocol panics, waits for ever or stays lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::Player;
use tillbus::event::{Request, Role, Verdict};
use tillbus::normalize::Rules;
use tillbus::protocol::{ALL, Factory, Kind};
use tillbus::recording::{Recording, Step};

/// Longer than any protocol waits for the rest of a frame or for a reply.
const SILENCE: Duration = Duration::from_secs(60);

/// Options worth trying beside the defaults, by protocol.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "line-scanner",
        &[
            "suffix = \"CR LF\", max-length = 16",
            "suffix = [\"CR\", \"ETX\", \"0x00\", \"LF\"], prefix = \"STX\"",
            "gap-ms = 20, aim = \"off\"",
            "gap-ms = 20, suffix = \"CR\", aim = \"required\", max-length = 16",
            "commands = { trigger-on = \"SYN T CR\", good = \"BEL\", show = [\"STX\", \"ETX\"] }",
        ],
    ),
    (
        "datalogic",
        &[
            "label-ids = \"us\", acknowledge = \"both\", commands = { good = \"SOH\", trigger-on = \"T\" }",
            "label-ids = \"eu\", label-position = \"suffix\", gap-ms = 20, acknowledge = \"labels\"",
            "acknowledge = \"commands\", aim = \"required\", max-length = 16",
        ],
    ),
    (
        "honeywell",
        &[
            "code-id = \"first\", setup = [\"DECHDR1\", \"4006381\"]",
            "code-id = \"after-aim\", aim = \"required\", suffix = \"LF\", max-length = 16",
            "metadata = \"off\", indicate = \"host-ack\"",
            "acknowledge = true, gap-ms = 20",
        ],
    ),
    (
        "newland",
        &[
            "code-ids = [\"4 ean-13\"], indicate = \"beep\"",
            "setup = [\"SCNMOD0\", \"SCNTRG1\"], prefix = \"STX\"",
        ],
    ),
    ("grow-gm65", &["mode = \"manual\", gap-ms = 20"]),
    ("paycloud", &["aim = \"required\", suffix = \"CR\""]),
    (
        "ssi",
        &[
            "acknowledge = \"last\", max-length = 16",
            "acknowledge = \"off\", suffix = \"CR\"",
            "long-codes = \"segments\", aim = \"auto\", wake-up = true, response-ms = 100",
        ],
    ),
    (
        "track-reader",
        &[
            "separator = \"CR\"",
            "prefix = \"STX\", suffix = \"ETX\", lrc = \"sent\", absent = \"N\"",
            "gap-ms = 20, track-ids = [\"k\", \"l\", \"m\"], separator = [\"CR\", \"DLE\"]",
        ],
    ),
    ("msr-keyboard", &["separator = \"CR\"", "max-length = 64, suffix = [\"CR\", \"0x09\"]"]),
    ("hid-pos", &["switch-to-hid-pos = true, commands = \"honeywell\""]),
    (
        "hid-keyboard",
        &["layout = \"us\", gap-ms = 20", "suffix = [\"CR\", \"0x09\"], max-length = 16"],
    ),
];

fn rules() -> Rules {
    let encodings = vec![encoding_rs::UTF_8, encoding_rs::GB18030, encoding_rs::SHIFT_JIS];
    Rules { role: Role::Both, encodings, ..Rules::default() }
}

/// Bytes that mean something to some protocol come more often than the others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        Just(b'\r'),
        Just(b'\n'),
        b'0'..=b'9',
        prop::sample::select(vec![0x00, 0x02, 0x03, 0x1D, 0x31, 0x33, 0x7E, b']', b'E', 0xFF]),
        // Datalogic: label ids, acknowledgements.
        prop::sample::select(b"AFE#*$RQ]\x06\x15".to_vec()),
        // Honeywell, Newland, paycloud: heads, statuses, ends.
        prop::sample::select(vec![0x05, 0x06, 0x15, 0x16, 0x33, 0x3B, 0x55, 0xAA, 0xCC, 0xFE]),
        // Cards: sentinels, separators, words, LRCs.
        prop::sample::select(b"%;+?=^BEN8kl\x02\x03\x10".to_vec()),
        // SSI: lengths, sources, opcodes.
        prop::sample::select(vec![0x00, 0x01, 0x04, 0x06, 0x73, 0xC6, 0xD0, 0xD1, 0xF3, 0xF6]),
    ]
}

/// A packet of SSI with a right checksum, whatever it says.
fn ssi_packet() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![0x73, 0x80, 0xA4, 0xC6, 0xD0, 0xD1, 0xF3, 0xF6, 0x42]);
    let data = prop::collection::vec(prop_oneof![byte(), 0_u8..4], 0..24);
    (opcode, prop::sample::select(vec![0, 2]), 0_u8..4, data).prop_map(
        |(opcode, source, status, data)| {
            let length = u8::try_from(data.len()).unwrap() + 4;
            let mut packet = [&[length, opcode, source, status], data.as_slice()].concat();
            let sum: u16 = packet.iter().map(|byte| u16::from(*byte)).sum();
            packet.extend(sum.wrapping_neg().to_be_bytes());
            packet
        },
    )
}

/// Messages and replies of protocols with frames, whole or cut off at either end.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    const WHOLE: &[&[u8]] = &[
        b"\x16\xFE\x1C\0\0\0\rMSGGET0014dE0\x1D4006381333931\r",
        b"\x16\xFE\x0F\0\0\0\rMSGGET0001sQ1\x1D\x16",
        b"DECHDR1\x06!",
        b"4006381\x06!",
        b"\x02\x010000#SCNTRG1\x06;\x03",
        b"\x02\x010000#SCNMOD0\x15;\x03",
        b"\x02\x00\x00\x01\x00\x33\x31",
        b"\x02\x00\x00\x02\xD6\x00\xD1\xE1",
        b"\x55\xAA\x02\0\0\0\0\x02\xCC\x33",
        b"\x55\xAA\0\0\x07\0\x05]Q1ab\x3C\xCC\x33",
        b"\x55\xAA\0\0\x08\x04\0",
    ];
    (prop::sample::select(WHOLE), 0_usize..6, 0_usize..6).prop_filter_map(
        "nothing is left of it",
        |(whole, before, behind)| {
            // Half of them stay whole.
            let before = before.saturating_sub(3);
            let behind = behind.saturating_sub(3);
            let kept = whole.get(before..whole.len().saturating_sub(behind))?;
            (!kept.is_empty()).then(|| kept.to_vec())
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<bool>().prop_map(Request::Trigger),
        any::<bool>().prop_map(Request::Enable),
        prop::sample::select(vec![Verdict::Good, Verdict::Bad, Verdict::Wait, Verdict::Attention])
            .prop_map(Request::Indicate),
        ".{0,12}".prop_map(Request::Show),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(byte(), 1..40).prop_map(Step::Bytes),
        1 => (byte(), 100_usize..9_000).prop_map(|(byte, count)| Step::Bytes(vec![byte; count])),
        1 => ssi_packet().prop_map(Step::Bytes),
        2 => fragment().prop_map(Step::Bytes),
        2 => (0_u64..5_000_000).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        2 => request().prop_map(Step::Ask),
        1 => byte().prop_map(Step::BadByte),
        1 => Just(Step::Break),
        1 => prop::collection::vec(any::<u8>(), 1..60).prop_map(Step::Descriptor),
        1 => (any::<u8>(), prop::collection::vec(byte(), 0..70))
            .prop_map(|(id, data)| Step::Report { id, data }),
        1 => Just(Step::Close),
    ]
}

/// Every protocol with every set of options, and a frame that it reads as it stands.
fn conversations() -> Vec<(String, Factory, Vec<Step>)> {
    let mut all = Vec::new();
    // What terminals do with damage is in tests/money.rs: they read no codes.
    for info in ALL.iter().filter(|info| info.kind != Kind::Terminal) {
        let more = OPTIONS.iter().find(|(name, _)| *name == info.name).map_or(&[][..], |row| row.1);
        for options in [""].iter().chain(more) {
            let factory = support::configure(info.name, options).unwrap();
            let good = good_frame(&factory)
                .unwrap_or_else(|| panic!("{} with {options}: no frame it reads", info.name));
            all.push((format!("{} {options}", info.name), factory, good));
        }
    }
    all
}

/// A frame that such a protocol reads, out of all that the protocols here are known to read.
fn good_frame(factory: &Factory) -> Option<Vec<Step>> {
    const FRAMES: [&[u8]; 10] = [
        b"4006381333931\r",
        b"400638\r\n",
        b"\x02400638\r",
        b"]E04006381333931\r",
        b"\x0B\xF3\x00\x00\x03400638\xFD\xCA",
        b"]E0d400638\n",
        b"\x55\xAA\x00\x00\x01\x00\x09]Q1400638\x3C\xCC\x33",
        b";6001=12?\r",
        b"\x02%N?;6001=12?=\x03",
        b"l;6001=12?\r",
    ];
    let lines = FRAMES.iter().map(|frame| vec![Step::Bytes(frame.to_vec())]);
    // The first descriptor and the reports behind it up to a pause.
    let logs = [
        "hid-pos/clean",
        "hid-pos/honeywell-commands",
        "hid-keyboard/clean",
        "hid-msr/clean",
        "msr-keyboard/clean",
        "msr-keyboard/separate",
        "magtek/clean",
        "idtech-hid/clean",
    ];
    let logged = logs.map(|log| {
        let path = format!("{}/tests/logs/{log}.log", env!("CARGO_MANIFEST_DIR"));
        let steps = Recording::parse(&std::fs::read_to_string(path).unwrap()).unwrap().steps;
        let is_report = |step: &&Step| matches!(step, Step::Report { .. });
        let descriptor = steps.iter().find(|step| matches!(step, Step::Descriptor(_)));
        let reports = steps.iter().skip_while(|step| !is_report(step)).take_while(is_report);
        descriptor.into_iter().chain(reports).cloned().collect()
    });
    let quiet = support::faults_of_silence(factory, &rules());
    lines.chain(logged).find(|steps| {
        let mut player = Player::new(factory, &rules());
        player.steps(steps);
        player.wait(SILENCE);
        player.readings.len() == 1 && player.faults() <= quiet
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn after_anything_a_good_frame_is_read(
        steps in prop::collection::vec(step(), 0..20),
        cut in 1_usize..64,
    ) {
        for (name, factory, good) in conversations() {
            let mut player = Player::new(&factory, &rules());
            for step in &steps {
                player.step(step, &mut |all| cut.min(all));
            }
            player.wait(SILENCE);
            let before = player.readings.len();
            player.steps(&good);
            player.wait(SILENCE);
            prop_assert_eq!(player.readings.len(), before + 1, "{}: {}", name, player.said);
        }
    }

    #[test]
    fn pieces_make_no_difference(
        steps in prop::collection::vec(step(), 0..12),
        cut in 1_usize..16,
    ) {
        for (name, factory, _) in conversations() {
            let play = |most: usize| {
                let mut player = Player::new(&factory, &rules());
                for step in &steps {
                    player.step(step, &mut |all| most.min(all));
                }
                player.close();
                player.said
            };
            prop_assert_eq!(play(cut), play(usize::MAX), "{}", name);
        }
    }

    #[test]
    fn a_recording_reads_back(steps in prop::collection::vec(step(), 0..20)) {
        let recording = Recording { header: vec!["device: any".to_owned()], steps };
        prop_assert_eq!(Recording::parse(&recording.to_string()), Ok(recording));
    }

    #[test]
    fn no_log_of_others_is_a_panic(
        text in ".{0,200}",
        bytes in prop::collection::vec(prop::collection::vec(byte(), 1..60), 0..8),
    ) {
        let lines: Vec<String> = bytes
            .iter()
            .zip(["< ", "> ", ""].into_iter().cycle())
            .map(|(bytes, sign)| {
                bytes.iter().fold(sign.to_owned(), |line, byte| line + &format!("{byte:02X} "))
            })
            .collect();
        for log in [&text, &lines.join("\n")] {
            let stretches = tillbus::recording::pasted::read(log);
            for telling in ALL.iter().filter_map(|info| tillbus::protocol::telling(info.name)) {
                telling(&stretches);
            }
        }
    }

    #[test]
    fn no_text_is_a_panic(text in ".{0,200}") {
        let _ = Recording::parse(&text);
        for info in ALL {
            let _ = support::configure(info.name, &text);
        }
    }
}
