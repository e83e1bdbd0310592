//! Simulated devices as a host sees them.

#![expect(clippy::expect_used, reason = "a test's helpers fail by panicking too")]

use std::path::Path;
use std::time::Duration;

use tillbus::hid::Kind;
use tillbus::hid::stream::{Decoder, Frame};
use tillbus::profile::Line;
use tillbus::protocol::Input;
use tillbus::settings::Section;
use tillbus::sim::port::VirtualPort;
use tillbus::sim::{self, Code, Command, Options, Simulation, script};
use tillbus::transport::{Error, Port};
use tokio::sync::mpsc;

/// Bounds a wait for something that must happen; reaching it is the failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("nothing within 10 s")
}

fn options(name: &str, link: &Path, baud: Option<u32>) -> Options {
    let info = sim::find(name).expect("it is in the list");
    let device = (info.configure)(&Section::empty("options")).expect("all have defaults");
    Options { device, link: Some(link.to_owned()), baud }
}

/// Receives so many bytes, or what comes before the line is gone.
async fn collect(port: &mut Port, wanted: usize) -> (Vec<u8>, Result<(), Error>) {
    let mut bytes = Vec::new();
    while bytes.len() < wanted {
        let mut sink = |input: Input<'_>| {
            if let Input::Bytes(more) = input {
                bytes.extend_from_slice(more);
            }
        };
        let result = soon(port.receive(&mut sink)).await;
        if result.is_err() {
            return (bytes, result);
        }
    }
    (bytes, Ok(()))
}

/// A directory that is removed, and a path in it for the port.
fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("scanner");
    (directory, path)
}

fn open(path: &Path, baud: u32) -> Port {
    Port::open(path, &Line::default(), baud).expect("the port is there")
}

#[tokio::test]
async fn a_script_is_played_to_its_end_and_the_port_goes() {
    let (_directory, path) = place();
    let mut simulation = Simulation::start(options("line-scanner", &path, None)).unwrap();
    let mut port = open(simulation.path().unwrap(), 9600);
    let script = script::parse(
        "scan ean-13 4006381333931\nwait 1ms\nslow 1ms abc\nnoise 4\nscan A\\x1DB\nrepeat 2",
    )
    .unwrap();
    let device = tokio::spawn(async move {
        for _ in 0..script.times {
            for command in script.commands.clone() {
                simulation.perform(command).await.unwrap();
            }
        }
        simulation.finish().await;
    });
    let (bytes, result) = collect(&mut port, usize::MAX).await;
    assert!(matches!(result, Err(Error::Disconnected)), "{result:?}");
    soon(device).await.unwrap();
    let mut noise = Vec::new();
    let text: Vec<u8> = bytes
        .into_iter()
        .filter(|byte| {
            if *byte < 0x80 {
                true
            } else {
                noise.push(*byte);
                false
            }
        })
        .collect();
    let once = "]E04006381333931\rabc\rA\x1DB\r";
    assert_eq!(String::from_utf8(text).unwrap(), once.repeat(2));
    assert_eq!(noise.len(), 8);
    assert!(!path.is_symlink(), "the link was left behind");
}

#[tokio::test]
async fn a_hang_up_in_the_middle_of_a_frame_and_a_return_at_the_same_path() {
    let (_directory, path) = place();
    let mut simulation = Simulation::start(options("line-scanner", &path, None)).unwrap();
    let mut port = open(&path, 9600);
    let device = tokio::spawn(async move {
        for command in ["half 4006381333931", "hang-up 1ms", "scan abc", "hang-up", "scan def"] {
            simulation.perform(script::command(command).unwrap()).await.unwrap();
        }
        simulation
    });
    let (bytes, result) = collect(&mut port, usize::MAX).await;
    assert_eq!(bytes, b"4006381");
    assert!(matches!(result, Err(Error::Disconnected)), "{result:?}");
    // It has been back, sent, and gone again with nobody there; the last scan waits for us.
    let simulation = soon(device).await.unwrap();
    let mut port = open(&path, 9600);
    assert_eq!(collect(&mut port, 4).await.0, b"def\r");
    simulation.finish().await;
}

#[tokio::test]
async fn at_a_wrong_speed_both_sides_hear_garble() {
    let (_directory, path) = place();
    let mut simulation = Simulation::start(options("line-scanner", &path, Some(9600))).unwrap();
    let scan = || Command::Scan(Code::plain("4006381333931"));
    let mut port = open(&path, 115_200);
    simulation.perform(scan()).await.unwrap();
    // Each of its bits is heard as twelve: more bytes than were sent, and others.
    let (garbled, _) = collect(&mut port, 14).await;
    assert!(!garbled.windows(4).any(|window| window == b"4006"), "{garbled:02X?}");

    port.set_baud(9600).unwrap();
    simulation.perform(Command::Noise(1)).await.unwrap();
    simulation.perform(scan()).await.unwrap();
    let (bytes, _) = collect(&mut port, 15).await;
    assert!(bytes.ends_with(b"4006381333931\r"), "{bytes:02X?}");
}

#[tokio::test]
async fn a_module_answers_commands_between_scans() {
    let (_directory, path) = place();
    let (sender, commands) = mpsc::channel(8);
    let device = tokio::spawn(sim::run(options("grow-gm65", &path, Some(9600)), commands));
    let mut port = soon(async {
        loop {
            match Port::open(&path, &Line::default(), 9600) {
                Ok(port) => return port,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    let ok = [0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31];
    port.write(&[0x7E, 0x00, 0x08, 0x01, 0x00, 0x00, 0xD5, 0xAB, 0xCD]).await.unwrap();
    assert_eq!(collect(&mut port, ok.len()).await.0, ok);
    sender.send(Command::Scan(Code::plain("4006381333931"))).await.unwrap();
    sender.reserve_many(8).await.expect("the scan has been taken").for_each(drop);
    port.write(&[0x7E, 0x00, 0x08, 0x01, 0x00, 0x02, 0x01, 0x02, 0xDA]).await.unwrap();
    let want = [&ok[..], b"4006381333931\r"].concat();
    assert_eq!(collect(&mut port, want.len()).await.0, want, "the scan waited for the trigger");
    drop(sender);
    soon(device).await.unwrap().unwrap();
    assert!(matches!(collect(&mut port, 1).await.1, Err(Error::Disconnected)));
}

#[test]
fn names_that_do_not_exist_are_not_found() {
    assert!(sim::find("no-such-scanner").is_none());
    for info in sim::ALL {
        assert_eq!(sim::find(info.name).map(|found| found.name), Some(info.name));
    }
}

/// What a host has asked, up to the question what the device is.
async fn asked(device: &mut VirtualPort) {
    let (mut decoder, mut is_asked, mut buffer) = (Decoder::default(), false, [0; 64]);
    while !is_asked {
        let count = soon(device.receive(&mut buffer)).await.expect("the pty is whole");
        decoder.take(buffer.get(..count).unwrap_or_default(), &mut |frame| {
            is_asked |= frame == Frame::Describe
        });
    }
}

#[tokio::test]
async fn what_a_hid_device_says_right_behind_its_descriptor_is_heard() {
    let (_directory, path) = place();
    let mut device = VirtualPort::create(Some(&path)).unwrap();
    let answer = async {
        asked(&mut device).await;
        let mut bytes = Vec::new();
        Frame::Descriptor(&[0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0xC0]).write(&mut bytes);
        Frame::Report(Kind::Input, 2, b"early").write(&mut bytes);
        device.send(&bytes).await.unwrap();
    };
    let (port, ()) = tokio::join!(soon(Port::open_hid(&path, None)), answer);
    let (mut port, mut heard) = (port.unwrap(), Vec::new());
    let mut sink = |input: Input<'_>| {
        if let Input::Report { id, data } = input {
            heard.push((id, data.to_vec()));
        }
    };
    soon(port.receive(&mut sink)).await.unwrap();
    assert_eq!(heard, [(2, b"early".to_vec())]);
    port.close().await;
}
