//! What the interfaces say of themselves, pinned: `UPDATE=1 cargo test --test dbus` writes the files,
//! and their difference is read before it is committed.

use std::path::Path;

use crate::support::client::{Client, ROOT};
use crate::support::host::{BOX, Lane};

/// The elements of the interfaces of ours at an object, by the last part of their name.
async fn interfaces(client: &Client, path: &str) -> Vec<(String, String)> {
    let xml: String =
        client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect", &()).await.unwrap();
    let mut found = Vec::new();
    let mut lines = xml.lines();
    while let Some(line) = lines.next() {
        // Those of this object stand two spaces in, those of its children further.
        let Some(rest) = line.strip_prefix("  <interface name=\"org.tillbus1.") else { continue };
        let name = rest.trim_end_matches("\">").to_owned();
        let mut text = format!("{}\n", line.trim_start());
        for line in lines.by_ref() {
            text += line.strip_prefix("  ").unwrap_or(line).trim_end();
            text.push('\n');
            if line == "  </interface>" {
                break;
            }
        }
        found.push((name, text));
    }
    found
}

#[tokio::test]
async fn the_interfaces_are_the_documented_ones() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    are_pinned(&client, &[ROOT, BOX], &["Device", "Manager", "Scanner"]).await;
}

/// That these objects have these interfaces, and that they say what is pinned.
pub(super) async fn are_pinned(client: &Client, paths: &[&str], names: &[&str]) {
    let mut found = Vec::new();
    for path in paths {
        found.extend(interfaces(client, path).await);
    }
    found.sort_unstable();
    let there: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(there, names);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/introspection");
    for (name, text) in &found {
        let file = directory.join(format!("{name}.xml"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&file, text).unwrap();
            continue;
        }
        let pinned = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            pinned == *text,
            "{} is not what the daemon says; UPDATE=1 writes it:\n{text}",
            file.display()
        );
    }
}

#[tokio::test]
async fn every_member_is_documented_and_every_argument_named() {
    let lane = Lane::open().await;
    let client = lane.client().await;
    for path in [ROOT, BOX] {
        for (interface, text) in interfaces(&client, path).await {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (number, line) in lines.iter().enumerate() {
                let member = ["<method ", "<signal ", "<property "];
                if member.iter().any(|start| line.starts_with(start)) {
                    assert_eq!(lines[number - 1], "-->", "{interface}: no words before {line}");
                }
                if line.starts_with("<arg ") && !line.contains("direction=\"out\"") {
                    assert!(line.contains("name=\""), "{interface}: {line}");
                }
            }
        }
    }
}
