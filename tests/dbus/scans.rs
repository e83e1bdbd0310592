//! Scans as clients hear them.

use tillbus::clock;
use zbus::Variant;

use crate::support::client::Scan;
use crate::support::host::{BOX, Lane, Shop};

/// What every scan's details hold.
fn assert_origin(scan: &Scan, lane: &str) {
    assert_eq!(scan.details.text("device"), format!("lane{lane}-box"));
    assert_eq!(scan.details.text("lane"), "1");
    assert!(scan.details.flag("simulated"));
    assert_eq!(scan.details.flag("time-synchronised"), clock::synchronised());
}

#[tokio::test]
async fn an_unclaimed_scan_reaches_every_subscriber_with_everything_that_is_known_of_it() {
    let mut lane = Lane::open().await;
    let clients = [lane.client().await, lane.client().await];
    let (boot, real) = (clock::boottime().0, clock::realtime_micros());
    lane.scan("]E04006381333931").await;
    for client in &clients {
        let scan = client.scan().await;
        let (boot_after, real_after) = (clock::boottime().0, clock::realtime_micros());
        assert_eq!((scan.path.as_str(), scan.unicast, scan.sequence), (BOX, false, 1));
        assert_eq!((scan.symbology.as_str(), scan.content.as_str()), ("ean-13", "gtin"));
        assert_eq!(scan.text, "4006381333931");
        assert_eq!(
            scan.details.names(),
            [
                "aim",
                "device",
                "encoding",
                "gtin-14",
                "lane",
                "raw",
                "received",
                "simulated",
                "time",
                "time-synchronised",
                "upos-scan-data-type"
            ]
        );
        assert_origin(&scan, "1");
        assert_eq!(scan.details.text("aim"), "]E0");
        assert_eq!(scan.details.text("encoding"), "utf-8");
        assert_eq!(scan.details.text("gtin-14"), "04006381333931");
        assert_eq!(scan.details.bytes("raw"), b"4006381333931");
        assert!((boot..=boot_after).contains(&scan.details.number("received")));
        assert!((real..=real_after).contains(&scan.details.number("time")));
        // SCAN_SDT_EAN13 of UnifiedPOS.
        assert_eq!(upos(&scan), 104);
    }
}

fn upos(scan: &Scan) -> i64 {
    match scan.details.get("upos-scan-data-type") {
        Variant::I32(number) => (*number).into(),
        Variant::U32(number) => (*number).into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_code_is_and_means_is_said_in_standard_words() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let rows: &[(&[u8], &str, &str, &str)] = &[
        (b"]Q1https://example.com/a?b=c", "qr", "url", "https://example.com/a?b=c"),
        (b"]C0AISLE-7", "code-128", "text", "AISLE-7"),
        (b"40063813", "unknown", "text", "40063813"),
        (b"]Q1\xc4\xe3\xba\xc3", "qr", "text", "你好"),
        (b"]d1\xff\xff\xff", "data-matrix", "binary", ""),
        (b"]E4 40170725", "unknown", "text", "]E4 40170725"),
    ];
    for (number, (bytes, symbology, content, text)) in rows.iter().enumerate() {
        lane.send(&[bytes, b"\r".as_slice()].concat()).await;
        let scan = client.scan().await;
        assert_eq!(
            (scan.symbology.as_str(), scan.content.as_str(), scan.text.as_str()),
            (*symbology, *content, *text),
            "{scan:?}"
        );
        assert_eq!(scan.sequence, number as u64 + 1);
        assert_origin(&scan, "1");
    }
}

/// A detail that is a map or a list, in words to look for.
fn shown(scan: &Scan, name: &str) -> String {
    format!("{:?}", scan.details.get(name))
}

#[tokio::test]
async fn what_gs1_data_says_has_names_units_and_dates() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.send(b"]C10104006381333931310300019517260131\x1D10AB\r").await;
    let scan = client.scan().await;
    assert_eq!((scan.symbology.as_str(), scan.content.as_str()), ("gs1-128", "gs1"));
    assert_eq!(scan.details.text("gtin-14"), "04006381333931");
    assert_eq!(scan.details.text("gs1-hri"), "(01)04006381333931(3103)000195(17)260131(10)AB");
    assert_eq!(scan.details.text("expiry"), "2026-01-31");
    assert_eq!(scan.details.text("batch"), "AB");
    let weight = shown(&scan, "net-weight");
    assert!(weight.contains("0.195") && weight.contains("kg"), "{weight}");
    assert!(shown(&scan, "gs1").contains("000195"));
    assert!(!scan.details.has("gs1-faults") && !scan.details.has("gs1-missing"));
    lane.send(b"]C1010400638133393217261331\r").await;
    let scan = client.scan().await;
    assert_eq!((scan.content.as_str(), scan.details.has("gtin-14")), ("gs1", false));
    let faults = shown(&scan, "gs1-faults");
    assert!(faults.contains("check-digit") && faults.contains("no such day"), "{faults}");
}

#[tokio::test]
async fn the_shops_own_numbers_are_what_the_configuration_says() {
    const CONTENT: &str = "[content]\nvariable-measure = \"21IIIIIWWwwwC\"\n\
                           order-number = \"R-([0-9]+)\"\ngs1-separator = \"|\"\n";
    let mut lane = Lane::open_with(CONTENT).await;
    let client = lane.client().await;
    for (code, content, name, said) in [
        ("]E02112345012346", "variable-measure", "net-weight", "1.234"),
        ("]C0R-0815", "order-number", "order-number", "0815"),
        ("]C1010400638133393110AB|21X", "gs1", "serial", "X"),
        ("]E04006381333931", "gtin", "gtin-14", "04006381333931"),
    ] {
        lane.scan(code).await;
        let scan = client.scan().await;
        assert_eq!(scan.content, content, "{code}");
        assert!(shown(&scan, name).contains(said), "{code}: {scan:?}");
    }
}

#[tokio::test]
async fn control_characters_do_not_reach_the_text_and_stay_in_the_raw_bytes() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.send(b"]Q1a\x1b[2Jb\x00c\r").await;
    let scan = client.scan().await;
    assert!(!scan.text.chars().any(char::is_control), "{:?}", scan.text);
    assert_eq!(scan.details.bytes("raw"), b"a\x1b[2Jb\x00c");
}

#[tokio::test]
async fn a_symbology_that_only_the_check_digit_tells_is_marked_as_inferred() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.scan("4006381333931").await;
    let scan = client.scan().await;
    assert_eq!(scan.symbology, "ean-13");
    assert!(scan.details.flag("inferred") && !scan.details.has("aim"));
    lane.scan("4006381333933").await;
    let scan = client.scan().await;
    assert_eq!((scan.symbology.as_str(), scan.details.has("gtin-14")), ("unknown", false));
    assert!(!scan.details.has("inferred"));
}

#[tokio::test]
async fn the_same_code_on_the_same_device_is_marked_as_a_duplicate_and_not_dropped() {
    let mut shop = Shop::open_with(2, "duplicate-window-ms = 60000\n").await;
    let client = shop.client().await;
    let mut marks = Vec::new();
    for (scanner, code) in [(1, "a tin"), (1, "a tin"), (2, "a tin"), (1, "a box"), (1, "a tin")] {
        shop.scan(scanner, code).await;
        let scan = client.scan().await;
        assert_eq!(scan.text, code);
        marks.push(scan.details.has("duplicate") && scan.details.flag("duplicate"));
    }
    assert_eq!(marks, [false, true, false, false, false]);
}

#[tokio::test]
async fn no_window_marks_no_duplicate() {
    let mut lane = Lane::open_with("duplicate-window-ms = 0\n").await;
    let client = lane.client().await;
    lane.send(b"a tin\ra tin\r").await;
    assert!(!client.scan().await.details.has("duplicate"));
    assert!(!client.scan().await.details.has("duplicate"));
}
