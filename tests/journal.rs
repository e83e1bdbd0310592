//! The log against a journald of our own: its socket's path is fixed, so each test runs itself again
//! in a mount namespace where nothing else is at that path.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test fails the test by panicking"
)]

mod namespace;

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::{env, fs};

use namespace::inside;
use tillbus::journal::{self, Destination, Guard, Options};

const DIRECTORY: &str = "/run/systemd/journal";
fn journald() -> UnixDatagram {
    fs::create_dir_all(DIRECTORY).unwrap();
    UnixDatagram::bind(format!("{DIRECTORY}/socket")).unwrap()
}

fn log() -> Guard {
    let options = Options { level: Some("debug".to_owned()), destination: Destination::Journal };
    journal::init(&options).unwrap()
}

/// The next record that is not the empty one by which the layer asks whether anybody listens.
fn record(journald: &UnixDatagram) -> BTreeMap<String, String> {
    let mut buffer = [0; 4096];
    loop {
        let length = journald.recv(&mut buffer).unwrap();
        if length > 0 {
            return fields(&buffer[..length]);
        }
    }
}

/// The native protocol: `NAME=value\n`, or `NAME\n`, the length as 64 bits, the value and `\n`.
fn fields(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        bytes = &bytes[end + 1..];
        if let Some((name, value)) = head.split_once('=') {
            fields.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let value = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
        bytes = &bytes[8 + length + 1..];
        fields.insert(head, value);
    }
    fields
}

#[test]
fn a_record_has_its_priority_its_fields_and_its_place_in_the_source() {
    if !inside("a_record_has_its_priority_its_fields_and_its_place_in_the_source") {
        return;
    }
    let journald = journald();
    let guard = log();
    tracing::error!(device = "lane1-box", count = 3, "stopped working");
    tracing::warn!("odd");
    tracing::info!("wanted daily");
    tracing::debug!("the rest");
    drop(guard);

    let first = record(&journald);
    let field = |name: &str| first.get(name).map(String::as_str);
    assert_eq!(field("PRIORITY"), Some("3"));
    assert_eq!(field("MESSAGE"), Some("stopped working"));
    assert_eq!(field("SYSLOG_IDENTIFIER"), Some("tillbusd"));
    assert_eq!(field("TILLBUS_DEVICE"), Some("lane1-box"));
    assert_eq!(field("TILLBUS_COUNT"), Some("3"));
    assert_eq!(field("CODE_FILE"), Some(file!()));
    assert_eq!(field("TARGET"), Some(module_path!()));
    let priorities: Vec<_> =
        (0..3).map(|_| record(&journald).remove("PRIORITY").unwrap()).collect();
    assert_eq!(priorities, ["4", "6", "7"]);
}

#[test]
fn a_journald_that_stops_reading_never_holds_the_daemon_up() {
    if !inside("a_journald_that_stops_reading_never_holds_the_daemon_up") {
        return;
    }
    let journald = journald();
    let guard = log();
    // Far more than the queue and the socket take; this loop ending is what is tested.
    for number in 0..20_000 {
        tracing::info!(number, "something");
    }
    let dropped = guard.dropped();
    assert!(dropped > 10_000, "only {dropped} were dropped");

    for _ in 0..20_000 - dropped {
        assert_eq!(record(&journald)["MESSAGE"], "something");
    }
    let report = record(&journald);
    assert_eq!(report["PRIORITY"], "4");
    assert_eq!(report["TILLBUS_DROPPED"], dropped.to_string());
}

#[test]
fn without_a_journal_the_log_goes_to_stderr() {
    if !inside("without_a_journal_the_log_goes_to_stderr") {
        return;
    }
    let logs = "TILLBUS_TEST_LOGS";
    if env::var_os(logs).is_some() {
        let guard = log();
        tracing::warn!(device = "lane1-box", "odd");
        drop(guard);
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "without_a_journal_the_log_goes_to_stderr", "--nocapture"])
        .env(logs, "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("WARN journal: odd device=\"lane1-box\""), "{stderr}");
}
