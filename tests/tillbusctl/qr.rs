//! `tillbusctl qr compose`: what is printed, drawn, shown on a device, and refused.

use tillbus::sim::port::VirtualPort;

use crate::support::host::{Bus, Daemon, scanner, soon};
use crate::tool::{Tool, done_on};

const PIX: [&str; 10] = [
    "pix",
    "--key",
    "123e4567-e12b-12d1-a456-426655440000",
    "--name",
    "Fulano de Tal",
    "--city",
    "BRASILIA",
    "--amount",
    "12.50",
    "--payload",
];
/// As the sample of the central bank, with an amount.
const PIX_PAYLOAD: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000520400005303\
                           986540512.505802BR5913Fulano de Tal6008BRASILIA62070503***6304";

async fn compose(arguments: &[&str]) -> (Vec<String>, String, Option<i32>) {
    let arguments = [&["qr", "compose"], arguments].concat();
    let ended = Tool::alone(&arguments).ended().await;
    (ended.output, ended.errors, ended.status)
}

#[tokio::test]
async fn a_code_is_printed_and_drawn() {
    let (lines, errors, status) = compose(&PIX).await;
    assert_eq!(status, Some(0), "{errors}");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with(PIX_PAYLOAD), "{}", lines[0]);
    let (drawn, errors, _) = compose(&PIX[..PIX.len() - 1]).await;
    assert_eq!(drawn[0], lines[0], "{errors}");
    let width = drawn[2].chars().count();
    // Version 7 with its margin, two rows of modules a line.
    assert_eq!((width, drawn.len()), (53, 2 + 27), "{}", drawn.join("\n"));
    assert!(drawn[2..].iter().all(|line| line.chars().count() == width));
}

#[tokio::test]
async fn a_code_is_drawn_into_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("code.svg");
    let svg = ["--svg", file.to_str().unwrap()];
    let (_, errors, status) = compose(&[&svg[..], &PIX[..]].concat()).await;
    assert_eq!(status, Some(0), "{errors}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("<?xml"));
    let (_, errors, status) = compose(&[&["--svg", "/nonexistent/a.svg"], &PIX[..]].concat()).await;
    assert_eq!(status, Some(1));
    assert!(errors.starts_with("tillbusctl: /nonexistent/a.svg: "), "{errors}");
}

#[tokio::test]
async fn every_scheme_is_composed() {
    for (arguments, beginning) in [
        (
            &["promptpay", "--mobile", "0812345678"][..],
            "00020101021129370016A0000006770101110113006681",
        ),
        (
            &["paynow", "--uen", "201403121W", "--name", "ACME"],
            "00020101021126370009SG.PAYNOW0101202",
        ),
        (
            &["vietqr", "--bank", "970416", "--account", "257678859"],
            "00020101021138530010A000000727",
        ),
        (
            &[
                "emv",
                "--account",
                "com.example,01=4711",
                "--account",
                "51:org.example",
                "--currency",
                "eur",
                "--amount",
                "9.99",
                "--fee-percent",
                "1.5",
                "--country",
                "DE",
                "--name",
                "Shop",
                "--city",
                "Berlin",
                "--local-name",
                "Käse",
                "--language",
                "DE",
                "--bill-number",
                "42",
            ],
            "00020101021226230011com.example01044711511500 11org.example520400005303978540",
        ),
        (&["epc", "--iban", "DE89 3704 0044 0532 0130 00", "--name", "Shop"], "BCD"),
    ] {
        let (lines, errors, status) = compose(&[arguments, &["--payload"]].concat()).await;
        assert_eq!(status, Some(0), "{arguments:?}: {errors}");
        let beginning = beginning.replace(' ', "");
        assert!(lines[0].starts_with(&beginning), "{arguments:?}: {}", lines[0]);
    }
}

#[tokio::test]
async fn what_cannot_be_composed_is_refused_in_words() {
    for (arguments, message) in [
        (&["promptpay", "--mobile", "123"][..], "mobile is \"123\"; accepted is a Thai number"),
        (
            &["vietqr", "--bank", "970416", "--account", "1", "--amount", "1.5"],
            "VND with up to 0 decimals",
        ),
        (
            &["epc", "--iban", "DE00", "--name", "x"],
            "accepted is an IBAN whose check digits are right",
        ),
        (&["pix", "--key", "k", "--name", "Käse", "--city", "x"], "accepted is printable ASCII"),
    ] {
        let (_, errors, status) = compose(arguments).await;
        assert_eq!(status, Some(1), "{arguments:?}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
    let (_, errors, status) = compose(&["promptpay", "--amount", "1"]).await;
    assert_eq!(status, Some(2), "wrong usage: {errors}");
}

#[tokio::test]
async fn a_code_is_shown_on_a_device() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let screen = "[device.protocol.commands]\nshow = [\"STX\", \"ETX\"]\n";
    let _daemon = Daemon::start(&bus, &(scanner("lane1-box", &path) + screen)).await;
    let mut watch = Tool::on(&bus, &["watch"]);
    watch.until("ready").await;
    let arguments = [&["qr", "compose", "--show", "lane1-box"], &PIX[..]].concat();
    let lines = done_on(&bus, &arguments).await;
    let (mut heard, mut buffer) = (Vec::new(), [0; 512]);
    while heard.last() != Some(&0x03) {
        let count = soon("the code", port.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(heard, [b"\x02", lines[0].as_bytes(), b"\x03"].concat());
    let shown = done_on(&bus, &["show", "lane1-box"]).await;
    let owner = shown.iter().find(|line| line.trim_start().starts_with("owner")).unwrap();
    assert!(owner.trim_end().ends_with('-'), "it is given up again: {owner}");
}
