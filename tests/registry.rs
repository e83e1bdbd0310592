//! A protocol is a file, its two lines in `protocol/mod.rs`, a page, logs. What is missing is named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::fs;
use std::path::Path;

use tillbus::event::Request;
use tillbus::event::terminal::{Operation, Recovery};
use tillbus::protocol::{ALL, Kind};

/// The headings of a protocol's page, in order.
const HEADINGS: [&str; 8] = [
    "## Devices",
    "## Line",
    "## Messages",
    "## Options",
    "## Requests",
    "## Faults",
    "## Not confirmed",
    "## Sources",
];

/// What a protocol of this name still lacks, each with the path where it belongs.
fn missing(root: &Path, name: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let module = format!("src/protocol/{}.rs", name.replace('-', "_"));
    if !root.join(&module).is_file() {
        missing.push(format!("{name}: the module {module}"));
    }
    if tillbus::sim::find(name).is_none() {
        missing.push(format!("{name}: a simulator in src/sim/, listed in its ALL"));
    }
    missing.extend(missing_of_page(root, name));
    missing.extend(missing_of_logs(root, name));
    missing
}

fn missing_of_page(root: &Path, name: &str) -> Vec<String> {
    let page = format!("protocol-docs/{name}.md");
    let Ok(text) = fs::read_to_string(root.join(&page)) else {
        return vec![format!("{name}: the page {page}"), in_index(name)];
    };
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    let mut missing: Vec<String> = HEADINGS
        .iter()
        .filter(|heading| !found.contains(heading))
        .map(|heading| format!("{name}: the heading `{heading}` in {page}"))
        .collect();
    if missing.is_empty() && found != HEADINGS {
        missing.push(format!("{name}: the headings of {page} in this order: {HEADINGS:?}"));
    }
    let index = fs::read_to_string(root.join("protocol-docs/README.md")).unwrap_or_default();
    if !index.contains(&format!("[{name}]({name}.md)")) {
        missing.push(in_index(name));
    }
    missing
}

fn in_index(name: &str) -> String {
    format!("{name}: its line in protocol-docs/README.md, with the link [{name}]({name}.md)")
}

/// A clean log is one with scans or cards, with a transaction that was approved or a code that was passed on, and without a fault; a faulty
/// one has a fault; its `.out` tells.
fn missing_of_logs(root: &Path, name: &str) -> Vec<String> {
    let folder = format!("tests/logs/{name}");
    let mut missing = Vec::new();
    let (mut clean, mut faulty) = (false, false);
    for entry in fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let case = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match fs::read_to_string(path.with_extension("out")) {
                Ok(out) => {
                    faulty |= out.contains(" fault ");
                    let good = [" reading ", " swipe ", " ended approved", " answer 1: done"]
                        .iter()
                        .any(|word| out.contains(word));
                    clean |= !out.contains(" fault ") && good;
                }
                Err(_) => missing.push(format!(
                    "{name}: {folder}/{case}.out; UPDATE=1 cargo test --test golden writes it"
                )),
            }
        }
    }
    if !clean {
        missing.push(format!("{name}: a log in {folder}/ with readings and without a fault"));
    }
    if !faulty {
        missing.push(format!("{name}: a log in {folder}/ with a fault"));
    }
    missing
}

/// The pages that the index lists as those of no protocol.
fn other_pages() -> Vec<String> {
    let index = fs::read_to_string(root().join("protocol-docs/README.md")).unwrap();
    let (_, others) = index.split_once("\n## Other pages\n").unwrap();
    let links = others.split("](").skip(1).filter_map(|rest| rest.split_once(".md)"));
    links.map(|(page, _)| page.to_owned()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file stems in a folder, of files with this extension or of folders.
fn stems(folder: &str, extension: Option<&str>) -> Vec<String> {
    fs::read_dir(root().join(folder))
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().and_then(|found| found.to_str()) == extension)
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_protocol_is_whole() {
    let missing: Vec<String> = ALL.iter().flat_map(|info| missing(root(), info.name)).collect();
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

#[test]
fn what_is_missing_is_named() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        missing(empty.path(), "new-scanner"),
        [
            "new-scanner: the module src/protocol/new_scanner.rs",
            "new-scanner: a simulator in src/sim/, listed in its ALL",
            "new-scanner: the page protocol-docs/new-scanner.md",
            "new-scanner: its line in protocol-docs/README.md, with the link [new-scanner](new-scanner.md)",
            "new-scanner: a log in tests/logs/new-scanner/ with readings and without a fault",
            "new-scanner: a log in tests/logs/new-scanner/ with a fault",
        ]
    );
}

#[test]
fn a_page_without_a_heading_is_told_which() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("protocol-docs")).unwrap();
    let page = HEADINGS.join("\n\n").replace("## Faults\n", "");
    fs::write(folder.path().join("protocol-docs/new-scanner.md"), page).unwrap();
    let missing = missing_of_page(folder.path(), "new-scanner");
    assert!(
        missing.contains(
            &"new-scanner: the heading `## Faults` in protocol-docs/new-scanner.md".to_owned()
        ),
        "{missing:?}"
    );
}

#[test]
fn nothing_lies_about_that_belongs_to_no_protocol() {
    let modules = stems("src/protocol", Some("rs")).into_iter().filter(|stem| stem != "mod");
    let others = other_pages();
    let pages = stems("protocol-docs", Some("md"))
        .into_iter()
        .filter(|stem| stem != "README" && !others.contains(stem));
    let found =
        modules.map(|stem| stem.replace('_', "-")).chain(pages).chain(stems("tests/logs", None));
    let strays: Vec<String> =
        found.filter(|name| !ALL.iter().any(|info| info.name == name)).collect();
    assert!(
        strays.is_empty(),
        "not in protocol::ALL, so no device can speak it: {strays:?}; its entry in \
         src/protocol/mod.rs is missing, or for a page of no protocol its line under `Other pages` \
         in protocol-docs/README.md"
    );
}

#[test]
fn other_pages_are_there_and_of_no_protocol() {
    let pages = stems("protocol-docs", Some("md"));
    for page in other_pages() {
        assert!(pages.contains(&page), "protocol-docs/{page}.md is listed and not there");
        assert!(!ALL.iter().any(|info| info.name == page), "{page} is a protocol");
    }
}

#[test]
fn names_are_kebab_case_and_differ() {
    for (place, info) in ALL.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(!info.name.is_empty() && info.name.bytes().all(plain), "{:?}", info.name);
        assert!(!info.title.is_empty() && !info.title.ends_with('.'), "{}: its title", info.name);
        assert_eq!(ALL.iter().position(|other| other.name == info.name), Some(place), "twice");
        let able = support::configured(info.name, "").unwrap().capabilities;
        assert!(
            info.kind == Kind::Scanner || !able.contains(&"trigger"),
            "{}: only scanners have a trigger",
            info.name
        );
        let operations = Operation::ALL.map(Operation::word);
        let recoveries = Recovery::ALL.map(Recovery::word);
        let known = |ability: &&str| match info.kind {
            Kind::Terminal => {
                operations.contains(ability)
                    || recoveries.contains(ability)
                    || ["abort", "code", "pass", "status"].contains(ability)
            }
            _ => Request::ABILITIES.contains(ability),
        };
        assert!(able.iter().all(known), "{}: {able:?} are not all abilities", info.name);
        let recovery = able.iter().filter(|ability| recoveries.contains(ability)).count();
        assert!(recovery <= 1, "{}: how it is asked what it did", info.name);
    }
}
