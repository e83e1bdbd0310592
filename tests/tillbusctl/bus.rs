//! The commands that talk to the daemon.

use std::future::poll_fn;
use std::pin::Pin;

use nix::sys::signal::Signal;
use serde_json::Value;
use tillbus::sim::port::VirtualPort;
use zbus::export::futures_core::Stream as _;

use crate::support::host::{Bus, Daemon, Lane, scanner, soon};
use crate::tool::{Tool, done_on, run_on};

const EAN: &str = "]E04006381333931";

fn lane_of(output: &[String]) -> Value {
    let objects = output.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    objects.into_iter().find(|device| device["name"] == "lane1-box").unwrap()
}

#[tokio::test]
async fn devices_are_listed() {
    let lane = Lane::open().await;
    let node = lane.path.display().to_string();
    let table = done_on(&lane.bus, &["devices"]).await;
    assert!(table[0].starts_with("NAME "), "{table:?}");
    let row = table.iter().find(|line| line.starts_with("lane1-box")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words, ["lane1-box", "1", "ready", "ok", "generic-line-scanner", &node, "-"]);
    let column = |line: &str, word: &str| line.find(word).unwrap();
    assert_eq!(column(&table[0], "STATE"), column(row, "ready"), "aligned: {table:?}");
    assert!(!table.concat().contains('\x1b'), "no colour where there is no terminal");

    let device = lane_of(&done_on(&lane.bus, &["devices", "--json"]).await);
    assert_eq!(
        (&device["state"], &device["simulated"], &device["enabled"]),
        (&Value::from("ready"), &Value::from(true), &Value::from(true))
    );
}

#[tokio::test]
async fn devices_can_wait_for_the_daemon() {
    let bus = Bus::start();
    let mut waiting = Tool::on(&bus, &["devices", "--wait", "60", "--json"]);
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &bus.directory().join("no"))).await;
    let ended = waiting.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(lane_of(&ended.output)["state"], "absent");
}

#[tokio::test]
async fn a_device_is_shown() {
    let mut lane = Lane::open().await;
    let mut watch = Tool::on(&lane.bus, &["watch"]);
    watch.until("ready").await;
    lane.scan(EAN).await;
    watch.until("4006381333931").await;
    let shown = done_on(&lane.bus, &["show", "lane1-box"]).await;
    let value = |name: &str| {
        let line = shown.iter().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("{name} in {shown:#?}")).split_whitespace().last().unwrap()
    };
    assert_eq!(shown[0], "lane1-box");
    assert_eq!(
        (value("state"), value("protocol"), value("last-fault"), value("events"), value("bytes")),
        ("ready", "line-scanner", "-", "1", "17")
    );
    assert!(shown.iter().any(|line| line == "line"), "evidence of the line: {shown:#?}");
    assert!(!shown.iter().any(|line| line.contains("overlong")), "zeroes are left out: {shown:#?}");

    let object = done_on(&lane.bus, &["show", "lane1-box", "--json"]).await;
    let object: Value = serde_json::from_str(&object[0]).unwrap();
    assert_eq!(object["health"]["overlong-frame"], 0);
    assert_eq!(object["path"], "/org/tillbus1/device/lane1_2dbox");
    assert!(object["evidence"].as_array().unwrap().iter().any(|item| item["kind"] == "health"));
}

#[tokio::test]
async fn scans_are_watched() {
    let mut lane = Lane::open().await;
    let mut people = Tool::on(&lane.bus, &["watch", "lane1-box"]);
    let mut program = Tool::on(&lane.bus, &["watch", "--json", "--count", "2"]);
    people.until("ready").await;
    program.object(&[("type", "device"), ("device", "lane1-box")]).await;
    lane.scan(EAN).await;
    lane.send(b"]Q1\xB2\xE8\r").await;

    let line = people.until("ean-13").await;
    assert!(line.contains("lane1-box  ean-13        gtin          4006381333931"), "{line}");
    let line = people.line().await;
    assert!(line.contains("qr            text          茶  (simulated, gb18030)"), "{line}");

    let scan = program.object(&[("type", "scan")]).await;
    assert_eq!(
        (&scan["raw"], &scan["raw-text"]),
        (&"34303036333831333333393331".into(), &"4006381333931".into())
    );
    assert_eq!(
        (&scan["gtin-14"], &scan["sequence"], &scan["lane"]),
        (&"04006381333931".into(), &1.into(), &"1".into())
    );
    let scan = program.object(&[("type", "scan")]).await;
    assert_eq!(
        (&scan["raw"], &scan["raw-text"], &scan["text"]),
        (&"b2e8".into(), &Value::Null, &"茶".into())
    );
    assert_eq!(program.ended().await.status, Some(0), "both came");
    people.signal(Signal::SIGINT);
    assert_eq!(people.ended().await.status, Some(0));
}

#[tokio::test]
async fn faults_and_changes_are_watched() {
    let mut lane = Lane::open().await;
    let mut watch = Tool::on(&lane.bus, &["watch", "--json"]);
    watch.object(&[("device", "lane1-box"), ("state", "ready")]).await;
    lane.send(b"4006").await;
    let (_daemon, path, bus) = lane.unplug().await;
    watch.object(&[("type", "fault"), ("kind", "partial-frame"), ("device", "lane1-box")]).await;
    watch.object(&[("type", "device"), ("state", "absent")]).await;
    let _port = VirtualPort::create(Some(&path)).unwrap();
    watch.object(&[("type", "device"), ("state", "ready")]).await;
    let mut claim = Tool::on(&bus, &["claim", "lane1-box"]);
    claim.until("claimed").await;
    let changed = watch.object(&[("type", "device"), ("device", "lane1-box")]).await;
    assert!(changed["owner"].as_str().unwrap().starts_with(':'), "{changed}");
}

#[tokio::test]
async fn what_was_missed_is_replayed_once() {
    let mut lane = Lane::open().await;
    let mut first = Tool::on(&lane.bus, &["watch", "--json", "--count", "3"]);
    first.object(&[("device", "lane1-box"), ("state", "ready")]).await;
    for code in ["one", "two", "three"] {
        lane.scan(code).await;
        first.object(&[("type", "scan"), ("text", code)]).await;
    }
    let copy = lane.bus.directory().join("copy.jsonl");
    let arguments = ["watch", "--since", "1", "--count", "3", "--copy", copy.to_str().unwrap()];
    let mut later = Tool::on(&lane.bus, &arguments);
    later.until("two").await;
    later.until("three").await;
    lane.scan("four").await;
    later.until("four").await;
    assert_eq!(later.ended().await.status, Some(0));
    let copy = std::fs::read_to_string(copy).unwrap();
    let scans = copy.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let scans: Vec<Value> = scans.filter(|event| event["type"] == "scan").collect();
    assert_eq!(
        scans.iter().map(|scan| scan["sequence"].as_u64()).collect::<Vec<_>>(),
        [Some(2), Some(3), Some(4)]
    );
    assert_eq!((&scans[0]["replayed"], &scans[2]["replayed"]), (&true.into(), &Value::Null));
}

#[tokio::test]
async fn watching_survives_the_daemon() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let mut watch = Tool::on(&bus, &["watch", "--json"]);
    watch.object(&[("type", "daemon"), ("state", "waiting")]).await;
    for round in ["first", "second", "third"] {
        let daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
        watch.object(&[("type", "daemon"), ("state", "there")]).await;
        soon("the port takes bytes", port.send(format!("{round}\r").as_bytes())).await.unwrap();
        watch.object(&[("type", "scan"), ("text", round)]).await;
        drop(daemon);
        watch.object(&[("type", "daemon"), ("state", "gone")]).await;
    }
}

#[tokio::test]
async fn watching_starts_no_daemon_that_somebody_has_stopped() {
    // On this bus whoever calls the daemon while it is not there has it started.
    let services = tempfile::tempdir().unwrap();
    let started = services.path().join("started");
    let service =
        format!("[D-BUS Service]\nName=org.tillbus1\nExec=/usr/bin/touch {}\n", started.display());
    std::fs::write(services.path().join("org.tillbus1.service"), service).unwrap();
    let servicedir = format!("<servicedir>{}</servicedir>", services.path().display());
    let bus = Bus::with_policy(&format!("{servicedir}{}", crate::support::host::OPEN));
    // A daemon that goes away with the first question in its hands.
    let daemon = zbus::connection::Builder::address(bus.address()).build().await.unwrap();
    let mut asked = zbus::MessageStream::from(&daemon);
    daemon.request_name("org.tillbus1").await.unwrap();
    let mut watch = Tool::on(&bus, &["watch", "--json"]);
    let question = async {
        loop {
            let next = poll_fn(|context| Pin::new(&mut asked).poll_next(context)).await;
            let message = next.unwrap().unwrap();
            if message.message_type() == zbus::message::Type::MethodCall {
                return;
            }
        }
    };
    soon("a question", question).await;
    drop(asked);
    daemon.close().await.unwrap();
    watch.object(&[("type", "daemon"), ("state", "gone")]).await;
    let is_started = started.exists();
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &bus.directory().join("no"))).await;
    watch.object(&[("type", "daemon"), ("state", "there")]).await;
    assert!(!is_started);
}

#[tokio::test]
async fn watching_ends_when_it_was_told_to() {
    let lane = Lane::open().await;
    let ended = run_on(&lane.bus, &["watch", "--timeout", "1"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = run_on(&lane.bus, &["watch", "--timeout", "1", "--count", "2"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.errors, "tillbusctl: 0 of 2 scans came within 1 s\n");
}

#[tokio::test]
async fn nobody_listening_is_no_failure() {
    let mut lane = Lane::open().await;
    let mut command = crate::tool::program();
    command.args(["--address", lane.bus.address(), "watch"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut output = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    }
    drop(output);
    lane.scan("nobody reads this").await;
    let ended = tokio::task::spawn_blocking(move || process.wait_with_output());
    let ended = soon("it ends", ended).await.unwrap().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[tokio::test]
async fn a_claimed_device_speaks_to_its_owner_alone() {
    let mut lane = Lane::open().await;
    let mut claim = Tool::on(&lane.bus, &["claim", "lane1-box", "--credit", "1", "--json"]);
    claim.object(&[("type", "claim"), ("state", "claimed")]).await;
    let mut watch = Tool::on(&lane.bus, &["watch", "lane1-box"]);
    watch.until("claimed by").await;
    for code in ["one", "two", "three"] {
        // With a credit of one each comes only after the one before was acknowledged.
        lane.scan(code).await;
        claim.object(&[("type", "scan"), ("text", code)]).await;
    }
    claim.end_input();
    claim.object(&[("type", "claim"), ("state", "released")]).await;
    assert_eq!(claim.ended().await.status, Some(0));
    let line = watch.line().await;
    assert!(line.contains("unclaimed"), "the scans were not broadcast: {line}");
}

/// The lines up to the first with this in it.
async fn lines_up_to(tool: &mut Tool, text: &str) -> Vec<String> {
    let mut lines = vec![tool.line().await];
    while !lines.last().is_some_and(|line| line.contains(text)) {
        lines.push(tool.line().await);
    }
    lines
}

#[tokio::test]
async fn a_payment_code_is_shown_to_its_owner_and_told_to_have_been_used() {
    // From integrators' examples of the parameter `auth_code`.
    const CODES: [&str; 2] = ["135112298638468293", "289431869362714645"];
    let mut lane = Lane::for_payments("").await;
    let mut watch = Tool::on(&lane.bus, &["watch"]);
    watch.until("ready").await;
    let once = ["claim", "lane1-box", "--until", "one-payment-code", "--settle", "used"];
    let mut first = Tool::on(&lane.bus, &once);
    first.until("claimed").await;
    lane.scan("a text first").await;
    first.until("a text first").await;
    lane.scan(CODES[0]).await;
    let ended = first.ended().await;
    assert_eq!((ended.status, ended.errors.as_str()), (Some(0), ""), "{ended:?}");
    let [scan, settled, lost] = ended.output.as_slice() else { panic!("{ended:?}") };
    assert!(scan.contains(CODES[0]) && scan.contains("(simulated, wechat-pay, likely)"), "{scan}");
    assert!(settled.ends_with("#2 settled: used"), "{settled}");
    assert!(lost.ends_with("claim lost: one-payment-code"), "{lost}");

    let mut second = Tool::on(&lane.bus, &["claim", "lane1-box", "--json", "--count", "2"]);
    second.object(&[("state", "claimed")]).await;
    lane.scan("between").await;
    lane.scan(CODES[0]).await;
    let scan = second.object(&[("type", "scan"), ("content", "payment-code")]).await;
    let before = &scan["seen-before"];
    assert_eq!((&before["count"], &before["verdict"]), (&1.into(), &"used".into()));
    assert_eq!(second.ended().await.status, Some(0));
    lane.scan(CODES[1]).await;
    let watched = lines_up_to(&mut watch, "fault: unclaimed").await;
    assert!(
        !watched.iter().any(|line| CODES.iter().any(|code| line.contains(code))),
        "{watched:?}"
    );
    let withheld = watched.iter().find(|line| line.contains("withheld")).unwrap();
    assert!(withheld.ends_with("withheld  payment-code #2, for its owner alone"), "{withheld}");
}

#[tokio::test]
async fn a_claim_is_challenged() {
    let lane = Lane::open().await;
    let mut first = Tool::on(&lane.bus, &["claim", "lane1-box"]);
    first.until("claimed").await;
    let ended = run_on(&lane.bus, &["claim", "lane1-box"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.errors.starts_with("tillbusctl: another client owns the device"), "{ended:?}");

    let mut second = Tool::on(&lane.bus, &["claim", "lane1-box", "--wait", "10000", "--retain"]);
    first.until("another client asks").await;
    second.until("claimed").await;
    let ended = first.ended().await;
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.errors, "tillbusctl: the claim on lane1-box is lost: challenged\n");

    let ended = run_on(&lane.bus, &["claim", "lane1-box", "--wait", "1500"]).await;
    assert_eq!(ended.status, Some(1), "the second retains: {ended:?}");
    second.until("kept").await;
    second.signal(Signal::SIGINT);
    second.until("released").await;
    assert_eq!(second.ended().await.status, Some(0));
}
