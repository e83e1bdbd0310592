//! What a byte costs the framer and an event the normalizer: `cargo bench --bench throughput`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has to stop")]

use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use encoding_rs::{GB18030, UTF_8};
use tillbus::event::{Aim, Reading, Symbology, Timestamp};
use tillbus::frame::line::{Line, Settings, Silence};
use tillbus::normalize::{self, Rules};
use tillbus::protocol::{self, Input, Output};
use tillbus::secret::Secret;
use tillbus::settings::File;

const GTIN: &[u8] = b"4006381333931";
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

/// One event from the read to the reading.
#[divan::bench(args = ["4006381333931", "https://example.org/receipt/8812"])]
fn line_scanner(bencher: Bencher<'_, '_>, code: &str) {
    let file = File { name: "benchmark".to_owned(), text: String::new() };
    let document = file.parse().unwrap();
    let info = protocol::find("line-scanner").unwrap();
    let mut protocol = ((info.configure)(&document.root()).unwrap().factory)();
    let line = [code.as_bytes(), b"\r"].concat();
    let mut out = Output::default();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        protocol.receive(TIME, Input::Bytes(black_box(&line)), &mut out);
        black_box(out.pop());
    });
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

#[divan::bench]
fn normalize_url(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]Q1"), URL));
}

#[divan::bench]
fn normalize_gb18030(bencher: Bencher<'_, '_>) {
    normalize(bencher, &reading(Some("]Q1"), CHINESE));
}
