//! The commands that have a port of their own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tillbus::event::Symbology;
use tillbus::profile::Line;
use tillbus::protocol::Input;
use tillbus::recording::{Recording, Step};
use tillbus::settings::Section;
use tillbus::sim::port::VirtualPort;
use tillbus::sim::{self, Code, Simulation};
use tillbus::transport::Port;
use tokio::sync::mpsc;

use crate::support::host::{Bus, Daemon, Lane, scanner, soon};
use crate::tool::{Tool, run_on};

/// The bytes that come from a port, up to so many.
async fn hear(port: &mut Port, count: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let mut sink = |input: Input<'_>| match input {
            Input::Bytes(bytes) => heard.extend_from_slice(bytes),
            other => panic!("{other:?}"),
        };
        soon("bytes come", port.receive(&mut sink)).await.unwrap();
    }
    heard
}

fn open(path: &str) -> Port {
    Port::open(Path::new(path), &Line::default(), 9600).unwrap()
}

#[tokio::test]
async fn a_simulated_scanner_is_typed_for() {
    let bus = Bus::start();
    let path = bus.directory().join("scanner");
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    let mut watch = Tool::on(&bus, &["watch", "--json", "lane1-box"]);
    watch.object(&[("state", "absent")]).await;
    let mut simulate = Tool::alone(&["simulate", "--port", path.to_str().unwrap()]);
    assert_eq!(simulate.line().await, path.display().to_string(), "the port comes first");
    watch.object(&[("state", "ready")]).await;
    simulate.type_line("ean-13 4006381333931");
    watch.object(&[("type", "scan"), ("symbology", "ean-13")]).await;
    simulate.type_line("!jump");
    simulate.type_line("!half 4006381333931");
    simulate.type_line("!hang-up 10ms");
    watch.object(&[("type", "fault"), ("kind", "partial-frame")]).await;
    watch.object(&[("state", "ready")]).await;
    simulate.type_line("two words");
    watch.object(&[("type", "scan"), ("text", "two words")]).await;
    simulate.end_input();
    let ended = simulate.ended().await;
    assert_eq!(ended.status, Some(0));
    assert!(ended.errors.starts_with("tillbusctl: found `jump`, accepted is"), "{ended:?}");
    watch.object(&[("state", "absent")]).await;
    assert!(!path.exists(), "its port is gone with it");
}

#[tokio::test]
async fn a_simulated_scanner_follows_a_script() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    // It begins at once, so the first code is preceded by time to open the port.
    std::fs::write(file("script"), "wait 500ms\nscan a\nnoise 3\nslow 1ms b\\x1D\n").unwrap();
    let mut tool = Tool::alone(&["simulate", "--script", &file("script"), "--port", &file("port")]);
    let mut port = open(&tool.line().await);
    let heard = hear(&mut port, 8).await;
    assert_eq!((&heard[..2], &heard[5..]), (&b"a\r"[..], &b"b\x1D\r"[..]));
    assert!(heard[2..5].iter().all(|byte| *byte >= 0x80), "noise: {heard:?}");
    assert_eq!(tool.ended().await.status, Some(0), "the script has an end");

    std::fs::write(file("wrong"), "scan a\njump\n").unwrap();
    let ended = Tool::alone(&["simulate", "--script", &file("wrong")]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("wrong: line 2: found `jump`"), "{ended:?}");

    let ended = Tool::alone(&["simulate", "--port", &file("script")]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("something else stands there"), "{ended:?}");
    assert!(Path::new(&file("script")).exists());

    let ended = Tool::alone(&["simulate", "--profile", "none-such"]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("there are: "), "{ended:?}");
}

#[tokio::test]
async fn what_a_person_at_a_simulated_box_notices_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let profile = "[profile]\nid = \"box\"\nvendor = \"Example\"\nmodel = \"B-1\"\nkind = \"scanner\"\n\
                   status = \"untested\"\n[protocol]\nname = \"line-scanner\"\n[protocol.commands]\n\
                   good = \"BEL\"\nenable = \"E1\"\ndisable = \"E0\"\nshow = [\"STX\", \"ETX\"]\n";
    std::fs::write(directory.path().join("box.toml"), profile).unwrap();
    let profiles = directory.path().to_str().unwrap();
    let mut tool = Tool::alone(&["simulate", "--profiles", profiles, "--profile", "box"]);
    let mut port = open(&tool.line().await);
    port.write(b"\x02 12.50 \x03\x07E0").await.unwrap();
    for wanted in ["shows  12.50 ", "good", "disabled"] {
        assert_eq!(tool.line().await, wanted);
    }
    tool.type_line("not read");
    tool.type_line("!noise 1");
    assert_eq!(hear(&mut port, 1).await.len(), 1, "and nothing before it");
    port.write(b"E1").await.unwrap();
    assert_eq!(tool.line().await, "enabled");
    tool.type_line("read");
    assert_eq!(hear(&mut port, 5).await, b"read\r");
}

#[tokio::test]
async fn faults_of_a_simulated_scanner() {
    let arguments = ["simulate", "--noise", "2", "--slow", "1", "--speed", "9600"];
    let mut tool = Tool::alone(&arguments);
    let mut port = open(&tool.line().await);
    tool.type_line("a");
    let heard = hear(&mut port, 4).await;
    assert!(heard[..2].iter().all(|byte| *byte >= 0x80), "{heard:?}");
    assert_eq!(&heard[2..], b"a\r");
    port.set_baud(115_200).unwrap();
    tool.type_line("a");
    assert_ne!(&hear(&mut port, 4).await[2..4], b"a\r", "at another speed it is garbage");
}

#[tokio::test]
async fn a_port_is_identified() {
    let bus = Bus::start();
    let path = bus.directory().join("unknown");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let mut tool = Tool::on(&bus, &["identify", path.to_str().unwrap()]);
    assert!(tool.line().await.starts_with(&format!("opening {}", path.display())));
    tool.until("scan any code").await;
    soon("bytes", port.send(b"]E04006381333931\r\n")).await.unwrap();
    let line = tool.line().await;
    let place = path.display();
    assert_eq!(
        line,
        format!(
            "{place}: line scanner, each code ends in CR LF, with AIM identifier, at 9600 baud"
        )
    );
    let ended = tool.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    is_accepted(&bus, &ended.output);
}

/// What was printed for the configuration works as it stands.
fn is_accepted(bus: &Bus, output: &[String]) {
    let start = output.iter().position(|line| line == "[[device]]").unwrap();
    let file = bus.directory().join("pasted.toml");
    std::fs::write(&file, output[start..].join("\n")).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_tillbusd"));
    let check = check.arg("--check").arg("--config").arg(file).output().unwrap();
    assert!(check.status.success(), "{output:#?}\n{}", String::from_utf8_lossy(&check.stderr));
}

#[tokio::test]
async fn a_protocol_of_its_own_is_named_with_its_profiles() {
    let bus = Bus::start();
    let link = Some(bus.directory().join("unknown"));
    let path = link.as_ref().unwrap().display().to_string();
    let device = sim::find("ssi").unwrap().configure;
    let device = device(&Section::empty("options")).unwrap();
    let options = sim::Options { device, link, baud: Some(9600) };
    let mut simulation = Simulation::start(options).unwrap();
    let mut tool = Tool::on(&bus, &["identify", &path]);
    tool.until("scan any code").await;
    simulation.perform(sim::Command::Scan(Code::plain("any text"))).await.unwrap();
    let line = tool.line().await;
    assert!(line.contains("Simple Serial Interface"), "{line}");
    let ended = tool.ended().await;
    assert!(ended.output.iter().any(|line| line.contains("\"zebra-ssi\"")), "{ended:?}");
    is_accepted(&bus, &ended.output);
}

#[tokio::test]
async fn the_speed_is_found_by_scanning_again() {
    let bus = Bus::start();
    let link = Some(bus.directory().join("unknown"));
    let path = link.as_ref().unwrap().display().to_string();
    let device = sim::find("line-scanner").unwrap().configure;
    let device = device(&Section::empty("options")).unwrap();
    let options = sim::Options { device, link, baud: Some(19_200) };
    let mut simulation = Simulation::start(options).unwrap();
    let mut tool = Tool::on(&bus, &["identify", &path, "--baud", "9600,115200,19200"]);
    tool.until("scan any code").await;
    for (from, to) in [(9600, 115_200), (115_200, 19_200)] {
        simulation.perform(sim::Command::Scan(Code::plain("4006381333931"))).await.unwrap();
        let line = tool.line().await;
        assert!(line.contains(&format!(" at {from} baud; listening at {to}: scan")), "{line}");
    }
    simulation.perform(sim::Command::Scan(Code::plain("4006381333931"))).await.unwrap();
    let line = tool.line().await;
    assert!(line.ends_with("ends in CR, without AIM identifier, at 19200 baud"), "{line}");
    let ended = tool.ended().await;
    assert!(ended.output.contains(&"baud = 19200".to_owned()), "{ended:?}");
    is_accepted(&bus, &ended.output);
}

#[tokio::test]
async fn a_scanner_that_ends_its_codes_by_silence_is_believed_last() {
    let bus = Bus::start();
    let path = bus.directory().join("unknown").display().to_string();
    let mut port = VirtualPort::create(Some(Path::new(&path))).unwrap();
    let mut tool = Tool::on(&bus, &["identify", &path, "--baud", "9600,19200"]);
    tool.until("scan any code").await;
    soon("bytes", port.send(b"4006381333931")).await.unwrap();
    let line = tool.line().await;
    assert!(line.contains("may be a code without an end"), "{line}");
    soon("bytes", port.send(b"\xFE\x00\xF0")).await.unwrap();
    let line = tool.line().await;
    assert!(line.contains("silence alone ends a code"), "{line}");
    assert!(line.ends_with("at 9600 baud"), "{line}");
    let ended = tool.ended().await;
    assert!(ended.output.contains(&"gap-ms = 50".to_owned()), "{ended:?}");
    is_accepted(&bus, &ended.output);
}

#[tokio::test]
async fn a_port_that_the_daemon_has_is_left_to_it() {
    let mut lane = Lane::open().await;
    let path = lane.path.display().to_string();
    let ended = run_on(&lane.bus, &["identify", &path, "/nonexistent/port"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.errors.contains("tillbusd has it, as `lane1-box`"), "{ended:?}");
    assert!(ended.errors.contains("systemctl stop tillbusd"), "{ended:?}");
    assert!(ended.errors.contains("/nonexistent/port: there is no such port"), "{ended:?}");
    let mut watch = Tool::on(&lane.bus, &["watch"]);
    watch.until("ready").await;
    lane.scan("still here").await;
    watch.until("still here").await;
}

#[tokio::test]
async fn what_is_recorded_can_be_replayed() {
    let bus = Bus::start();
    let file = |name: &str| bus.directory().join(name).display().to_string();
    let (path, log) = (file("device"), file("a.log"));
    let mut port = VirtualPort::create(Some(Path::new(&path))).unwrap();
    let arguments = ["record", &path, "--out", &log, "--device", "Example E-100"];
    let mut record = Tool::alone(&arguments);
    record.until("recording").await;
    soon("bytes", port.send(b"]E0400638")).await.unwrap();
    // The recording is written as it comes; a second part follows the first in the file.
    until_file(&log, "30 36 33 38").await;
    // The pause that is to be found in the recording.
    tokio::time::sleep(Duration::from_millis(20)).await;
    soon("bytes", port.send(b"1333931\r")).await.unwrap();
    until_file(&log, "0D").await;
    port.hang_up().await;
    let ended = record.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.errors.contains("may hold personal data"), "{ended:?}");

    let text = std::fs::read_to_string(&log).unwrap();
    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.value("device"), Some("Example E-100"));
    assert_eq!(recording.value("line"), Some("9600 8N1"));
    assert_eq!(recording.steps.last(), Some(&Step::Close));
    assert!(
        recording
            .steps
            .iter()
            .any(|step| matches!(step, Step::Wait(wait) if wait.as_millis() >= 20)),
        "{text}"
    );

    let ended = Tool::alone(&arguments).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("there is such a file already; not overwritten"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), text);

    let ended = Tool::alone(&["replay", &log, "--events", "--json"]).ended().await;
    assert_eq!((ended.status, ended.output.len()), (Some(0), 1), "{ended:?}");
    let event: serde_json::Value = serde_json::from_str(&ended.output[0]).unwrap();
    assert_eq!((&event["type"], &event["gtin-14"]), (&"scan".into(), &"04006381333931".into()));

    let played = file("played");
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", Path::new(&played))).await;
    let mut watch = Tool::on(&bus, &["watch"]);
    watch.until("absent").await;
    let mut replay = Tool::alone(&["replay", &log, "--port", &played]);
    watch.until("4006381333931").await;
    assert_eq!(replay.ended().await.status, Some(0));
}

#[tokio::test]
async fn a_hid_device_is_recorded_and_replayed_too() {
    let bus = Bus::start();
    let file = |name: &str| bus.directory().join(name);
    let (path, log, played) = (file("device"), file("a.log"), file("played"));
    let shown = |path: &Path| path.display().to_string();
    let device = sim::find("hid-pos").unwrap().configure;
    let device = device(&Section::empty("options")).unwrap();
    let options = sim::Options { device, link: Some(path.clone()), baud: None };
    let mut simulation = Simulation::start(options).unwrap();
    let (commands, inbox) = mpsc::channel(8);
    tokio::spawn(async move { simulation.run(inbox).await });

    let mut record = Tool::alone(&["record", &shown(&path), "--hid", "--out", &shown(&log)]);
    record.until("recording").await;
    let ean = Code { symbology: Some(Symbology::Ean13), data: b"4006381333931".to_vec() };
    commands.send(sim::Command::Scan(ean)).await.unwrap();
    until_file(&shown(&log), "< 02: 0D 5D 45 30 34").await;
    commands.send(sim::Command::HangUp(None)).await.unwrap();
    assert_eq!(record.ended().await.status, Some(0));

    let hid = ["--profile", "generic-hid-pos"];
    let ended = Tool::alone(&["replay", &shown(&log), "--events", hid[0], hid[1]]).ended().await;
    assert!(ended.output.iter().any(|line| line.contains("4006381333931")), "{ended:?}");

    let configuration = scanner("lane1-box", &played).replace("generic-line-scanner", hid[1]);
    let _daemon = Daemon::start(&bus, &configuration).await;
    let mut watch = Tool::on(&bus, &["watch"]);
    watch.until("absent").await;
    let mut replay = Tool::alone(&["replay", &shown(&log), "--port", &shown(&played)]);
    watch.until("4006381333931").await;
    assert_eq!(replay.ended().await.status, Some(0));
}

#[tokio::test]
async fn what_another_program_logged_is_told_message_by_message() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("supplier.txt").display().to_string();
    let text = "10:21:33 Sent: 06 01 07 04 00 00 00 00 12 50\n10:21:34 Received: 80 00 00\n\
                10:21:50 Received: 04 0F 0E 27 00 22 F0 F8 41 11 11 11 11 11 11 11 FE\n";
    std::fs::write(&log, text).unwrap();
    let ended = Tool::alone(&["replay", &log, "--messages"]).ended().await;
    let want = [
        "    1  till      06 01  authorization",
        "                        04    amount in minor units  1250",
        "    2  terminal  80 00  taken",
        "    3  terminal  04 0F  status information",
        "                        27    result  00 done",
        "                        22    card number  ************1111",
        "                        from byte 16 on it is not understood: FE: no field has this number; 1 byte \
         from here",
    ];
    assert_eq!((ended.status, ended.output.as_slice()), (Some(0), &want.map(str::to_owned)[..]));
    assert!(ended.errors.contains("1 of 3 messages"), "{ended:?}");
    let ended = Tool::alone(&["replay", &log, "--messages", "--json"]).ended().await;
    let last: serde_json::Value = serde_json::from_str(ended.output.last().unwrap()).unwrap();
    assert_eq!((&last["side"], &last["stops-at"]), (&"terminal".into(), &16.into()));
    let profile = ["replay", &log, "--messages", "--profile", "generic-line-scanner"];
    let ended = Tool::alone(&profile).ended().await;
    assert!(ended.errors.contains("accepted is a profile of zvt, concert, ecr-hub"), "{ended:?}");
}

/// Waits until a file holds a text. Nothing tells of a file's growth but looking.
async fn until_file(path: &str, text: &str) {
    soon(&format!("{path} holds {text}"), async {
        while !std::fs::read_to_string(path).unwrap().contains(text) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn recording_ends_when_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let port = VirtualPort::create(Some(Path::new(&file("device")))).unwrap();
    let mut record = Tool::alone(&["record", &file("device"), "--out", &file("a.log")]);
    record.until("recording").await;
    record.signal(Signal::SIGINT);
    let ended = record.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    drop(port);
    let ended = Tool::alone(&["record", &file("device"), "--out", &file("b.log")]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("there is no such port"), "{ended:?}");
    assert!(!Path::new(&file("b.log")).exists(), "an empty recording is no evidence");
}

#[tokio::test]
async fn a_recording_tells_what_it_means() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let log = "# source: synthetic\n< 41 42 43 0D\n+ 250ms\n< 34\n~ hang-up\n~ break\n";
    std::fs::write(file("a.log"), log).unwrap();
    let ended = Tool::alone(&["replay", &file("a.log"), "--events"]).ended().await;
    let want = [
        "   0.000  scan     unknown       text          ABC",
        "   0.250  fault    a frame was cut off after 1 bytes",
        "   0.250  fault    break on the line",
    ];
    assert_eq!(ended.output, want);
    std::fs::write(file("wrong.log"), "< 4\n").unwrap();
    let ended = Tool::alone(&["replay", &file("wrong.log")]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.contains("wrong.log: line 1: found \"< 4\""), "{ended:?}");
}
