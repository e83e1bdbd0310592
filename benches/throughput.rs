//! What a byte costs the framer and an event the normalizer: `cargo bench --bench throughput`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up has to stop"
)]

use std::collections::HashMap;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use encoding_rs::{GB18030, UTF_8};
use tillbus::event::{Aim, Reading, Symbology, Timestamp};
use tillbus::frame::line::{Line, Settings, Silence};
use tillbus::normalize::gs1::element;
use tillbus::normalize::{self, Rules};
use tillbus::protocol::{self, Input, Output};
use tillbus::secret::Secret;
use tillbus::settings::File;

const GTIN: &[u8] = b"4006381333931";
const GS1: &[u8] = b"01040063813339311726013110AB123\x1D21XYZ0001";
const LINK: &[u8] = b"https://id.gs1.org/01/04006381333931/10/AB123/21/XYZ0001?17=260131";
const URL: &[u8] = b"https://example.org/receipt/8812?total=1234";
const CHINESE: &[u8] = &[0xB2, 0xE8, 0xD2, 0xB6, b' ', b'2', b'5', b'0', b'g'];
const TIME: Timestamp = Timestamp(1_000_000);

fn main() {
    divan::main();
}

/// How many bytes one read brings.
#[divan::bench(args = [1, 14, 4096])]
fn framer(bencher: Bencher<'_, '_>, read: usize) {
    let lines = [GTIN, b"\r"].concat().repeat(4096);
    let settings = Settings {
        suffixes: vec![b"\r".to_vec()],
        prefix: Vec::new(),
        silence: Silence::Cuts(Duration::from_secs(2)),
        limit: 8192,
    };
    let mut line = Line::new(settings);
    bencher.counter(BytesCount::of_slice(&lines)).bench_local(|| {
        for bytes in lines.chunks(read) {
            line.receive(TIME, black_box(bytes), &mut |found| {
                black_box(found);
            });
        }
    });
}

/// One event from the read to the reading, and to the acknowledgement where there is one.
fn event(bencher: Bencher<'_, '_>, protocol: &str, bytes: &[u8]) {
    let file = File { name: "benchmark".to_owned(), text: String::new() };
    let document = file.parse().unwrap();
    let info = protocol::find(protocol).unwrap();
    let mut protocol = ((info.configure)(&document.root()).unwrap().factory)();
    let mut out = Output::default();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        protocol.receive(TIME, Input::Bytes(black_box(bytes)), &mut out);
        while let Some(item) = out.pop() {
            black_box(item);
        }
    });
}

#[divan::bench(args = ["4006381333931", "https://example.org/receipt/8812"])]
fn line_scanner(bencher: Bencher<'_, '_>, code: &str) {
    event(bencher, "line-scanner", &[code.as_bytes(), b"\r"].concat());
}

#[divan::bench(args = ["4006381333931", "https://example.org/receipt/8812"])]
fn ssi(bencher: Bencher<'_, '_>, code: &str) {
    let length = u8::try_from(code.len()).unwrap() + 5;
    let mut packet = [&[length, 0xF3, 0, 0, 0], code.as_bytes()].concat();
    let sum: u16 = packet.iter().map(|byte| u16::from(*byte)).sum();
    packet.extend(sum.wrapping_neg().to_be_bytes());
    event(bencher, "ssi", &packet);
}

fn reading(aim: Option<&str>, data: &[u8]) -> Reading {
    let aim = aim.and_then(|text| Aim::split(text.as_bytes())).map(|(aim, _)| aim);
    let symbology = aim.map(Symbology::from_aim);
    Reading { symbology, aim, data: Secret::new(data.to_vec()), first: TIME, last: TIME }
}

fn normalize(bencher: Bencher<'_, '_>, reading: &Reading) {
    let rules = Rules { encodings: vec![UTF_8, GB18030], ..Rules::default() };
    bencher
        .counter(ItemsCount::new(1_u32))
        .with_inputs(|| reading.clone())
        .bench_local_values(|reading| normalize::scan(reading, &rules));
}

#[divan::bench]
fn normalize_gtin_named(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]E0"), GTIN));
}

#[divan::bench]
fn normalize_gtin_inferred(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(None, GTIN));
}

/// The peer of a plain GTIN: a crate that checks the digits of one and does nothing else, so it is
/// less than what an event needs.
#[divan::bench]
fn peer_gtin_validate(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| gtin_validate::gtin13::check(black_box("4006381333931")));
}

#[divan::bench]
fn normalize_gs1(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]C1"), GS1));
}

/// The element string alone: every check, no event.
#[divan::bench]
fn parse_gs1(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| element::parse(black_box(GS1)));
}

/// No crate for element strings has a licence that fits here. So the peer is what a till's own
/// program has in the place of one: four identifiers known by heart, no check, the values copied.
#[divan::bench]
fn peer_gs1_by_hand(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| by_hand(black_box(GS1)));
}

fn by_hand(code: &[u8]) -> HashMap<&'static str, String> {
    let mut found = HashMap::new();
    let mut rest = code;
    let mut take = |ai: &'static str, value: &[u8]| {
        found.insert(ai, String::from_utf8_lossy(value).into_owned());
    };
    while let Some((ai, behind)) = rest.split_at_checked(2) {
        let field = behind.split(|byte| *byte == 0x1D).next().unwrap_or_default();
        let (ai, length) = match ai {
            b"01" => ("01", 14),
            b"17" => ("17", 6),
            b"10" => ("10", field.len()),
            b"21" => ("21", field.len()),
            _ => break,
        };
        take(ai, &field[..length]);
        rest = &behind[length..];
        rest = rest.strip_prefix(b"\x1D").unwrap_or(rest);
    }
    found
}

#[divan::bench]
fn normalize_digital_link(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]Q1"), LINK));
}

#[divan::bench]
fn normalize_url(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]Q1"), URL));
}

#[divan::bench]
fn normalize_gb18030(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]Q1"), CHINESE));
}
