//! The commands about cables, as an installer types them.

use std::fs;

use serde_json::Value;

use crate::support::host::Lane;
use crate::tool::{Ended, Tool};

async fn run(arguments: &[&str]) -> Ended {
    let mut tool = Tool::alone(arguments);
    tool.end_input();
    tool.ended().await
}

#[tokio::test]
async fn cables_are_found_judged_and_drawn() {
    let listed = run(&["cable", "list"]).await;
    assert_eq!(listed.status, Some(0), "{listed:?}");
    assert!(listed.output.iter().any(|line| line.starts_with("host-de9 ")), "{listed:?}");
    assert!(listed.output.iter().any(|line| line.starts_with("null-modem ")), "{listed:?}");

    let shown = run(&["cable", "show", "host-rj45-cisco", "--json"]).await;
    let object: Value = serde_json::from_str(&shown.output[0]).unwrap();
    assert_eq!(object["contacts"][2]["what"], "TXD");

    let found = run(&["cable", "connect", "host-rj45-cisco", "host-de9", "--json"]).await;
    assert_eq!(found.status, Some(0), "{found:?}");
    let object: Value = serde_json::from_str(&found.output[0]).unwrap();
    assert_eq!((&object["safe"], &object["crossing"]), (&true.into(), &"crossed".into()));
    let made: Vec<&str> =
        object["ready-made"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(made.contains(&"the adapter cisco-console"), "{made:?}");

    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("cable.svg");
    let svg = svg.to_str().unwrap();
    let drawn = run(&["cable", "draw", "host-rj45-cisco", "host-de9", "--svg", svg]).await;
    assert_eq!(drawn.status, Some(0), "{drawn:?}");
    assert!(fs::read_to_string(svg).unwrap().contains("host-rj45-cisco"));
}

#[tokio::test]
async fn a_dangerous_cable_is_refused_with_exit_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cable.toml");
    let text =
        "[cable]\nfrom = \"gm812-module\"\nto = \"host-usb-a\"\nwires = [\"2-1\", \"4-4\"]\n";
    fs::write(&file, text).unwrap();
    let ended = run(&["cable", "check", file.to_str().unwrap()]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let said = ended.output.join("\n");
    assert!(said.contains("REFUSED +5V on a data line"), "{said}");
    assert!(ended.errors.contains("must not be plugged in"), "{ended:?}");
    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, text.replace("wires", "wire")).unwrap();
    let ended = run(&["cable", "check", wrong.to_str().unwrap()]).await;
    assert!(ended.errors.contains("did you mean `wires`?"), "{ended:?}");
}

#[tokio::test]
async fn what_somebody_tells_over_the_telephone_is_diagnosed() {
    let arguments = [
        "cable",
        "diagnose",
        "--seen",
        "rest,nothing,light",
        "--contacts",
        "TXD,GND,+5V,RXD",
        "--json",
    ];
    let ended = run(&arguments).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let object: Value = serde_json::from_str(&ended.output[0]).unwrap();
    let first = &object["findings"][0];
    assert_eq!(first["text"], "TXD and RXD are swapped", "{object}");
    assert_eq!((&first["wiring"], &first["order"]["1"]), (&true.into(), &"RXD".into()));
    assert_eq!(object["next"]["test"], "volts");

    let mut metered = arguments.to_vec();
    metered.extend(["--volts", "0 0 5 -8.3", "--ground", "2"]);
    let ended = run(&metered).await;
    let object: Value = serde_json::from_str(&ended.output[0]).unwrap();
    assert_eq!((&object["orders"], &object["next"]), (&1.into(), &Value::Null), "{object}");

    let ended = run(&["cable", "diagnose", "--seen", "smoke"]).await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("accepted: break, rest"), "{ended:?}");
}

#[tokio::test]
async fn a_live_device_is_diagnosed_question_by_question() {
    let mut lane = Lane::open().await;
    let mut tool = Tool::on(&lane.bus, &["cable", "diagnose", "lane1-box"]);
    tool.until("(y or n)").await;
    tool.type_line("y");
    tool.until("it goes on by itself").await;
    lane.scan("4006381333931").await;
    tool.until("-> a code came").await;
    let ended = tool.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.output.iter().any(|line| line.contains("are right")), "{ended:?}");

    let mut tool = Tool::on(&lane.bus, &["cable", "diagnose", "lane1-box", "--json"]);
    tool.end_input();
    let ended = tool.ended().await;
    let object: Value = serde_json::from_str(&ended.output[0]).unwrap();
    assert_eq!(object["findings"][0]["cause"], "fine", "it has read a code before: {object}");
}

#[tokio::test]
async fn a_silent_port_is_asked_about_until_the_order_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("port");
    let _port = tillbus::sim::port::VirtualPort::create(Some(&path)).unwrap();
    let mut tool = Tool::alone(&["cable", "diagnose", path.to_str().unwrap()]);
    tool.until("light").await;
    tool.until("(y or n)").await;
    tool.type_line("maybe");
    tool.until("(y or n)").await;
    tool.type_line("y");
    tool.until("Scan a code").await;
    tool.type_line("");
    tool.until("-> nothing came").await;
    tool.until("Type the voltages").await;
    tool.type_line("0 0 5");
    tool.until("3 voltages for 4 contacts").await;
    tool.type_line("0 -8.1 0 5");
    let verdict = tool.until("TXD and RXD are swapped").await;
    assert!(verdict.contains("100 %") || verdict.contains("%"), "{verdict}");
    tool.end_input();
    let ended = tool.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test]
async fn a_profile_is_made_with_a_meter_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("till-t1.toml");
    let path = file.to_str().unwrap();
    let mut tool = Tool::alone(&["profile", "new", path]);
    for (question, answer) in [
        ("Who makes it?", "Maker"),
        ("call it?", "T-1"),
        ("host", "till"),
        ("accepted: host, device", "host"),
        ("Which connector", "RJ11"),
        ("Which contacts beep?", "2"),
        ("Which voltages", "-8.4 5.02 0"),
        ("Then it is a supply", "y"),
        ("Then it is a receiver", "y"),
    ] {
        tool.until(question).await;
        tool.type_line(answer);
    }
    tool.until("is written").await;
    tool.until("TXD and RXD changed").await;
    assert_eq!(tool.ended().await.status, Some(0));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("3 = { supply = \"+5V\" }"), "{text}");

    let checked = run(&["profile", "check", path]).await;
    assert_eq!(checked.status, Some(0), "{checked:?}");
    let connected = run(&["cable", "connect", path, "host-de9"]).await;
    assert_eq!(connected.status, Some(0), "{connected:?}");
    let again = run(&["profile", "new", path]).await;
    assert!(again.errors.contains("is there already"), "{again:?}");
    fs::write(&file, text.replace("TXD", "TDX")).unwrap();
    let wrong = run(&["profile", "check", path]).await;
    assert_eq!(wrong.status, Some(1));
    assert!(wrong.errors.contains("did you mean `TXD`?"), "{wrong:?}");
}
