//! The serial transport against real ptys.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's helpers fail by panicking too")]

use std::time::Duration;

use tillbus::bridge::{End, Wire};
use tillbus::config::Tap;
use tillbus::event::Fault;
use tillbus::profile::{Flow, Line, Parity};
use tillbus::protocol::Input;
use tillbus::sim::port::VirtualPort;
use tillbus::transport::{Error, Port};

/// Bounds a wait for something that must happen; reaching it is the failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("nothing within 10 s")
}

fn open(device: &VirtualPort) -> Result<Port, Error> {
    Port::open(device.path(), &Line::default(), 9600)
}

/// Receives until `wanted` bytes have come or the line is gone.
async fn collect(port: &mut Port, wanted: usize) -> (Vec<u8>, Result<(), Error>) {
    let mut bytes = Vec::new();
    while bytes.len() < wanted {
        let result = soon(port.receive(&mut |input| match input {
            Input::Bytes(more) => bytes.extend_from_slice(more),
            other => panic!("a pty carries no {other:?}"),
        }))
        .await;
        if result.is_err() {
            return (bytes, result);
        }
    }
    (bytes, Ok(()))
}

#[tokio::test]
async fn bytes_come_in_order_with_one_read_for_each_wake_up() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    for round in 1..=100_u64 {
        let line = format!("40063813{round:05}\r");
        device.send(line.as_bytes()).await.unwrap();
        let (bytes, result) = collect(&mut port, line.len()).await;
        result.unwrap();
        assert_eq!(bytes, line.as_bytes());
        assert_eq!(port.reads(), round, "a second read in round {round}");
    }
}

/// What stands between the bytes reaches no pty, which has neither breaks nor parity.
#[tokio::test]
async fn what_is_passed_through_stays_in_its_order_around_line_errors() {
    let (here, mut there) =
        (VirtualPort::create(None).unwrap(), VirtualPort::create(None).unwrap());
    let (source, sink) = (open(&here).unwrap(), open(&there).unwrap());
    let wire = std::sync::Arc::new(Wire::default());
    let end = |is_source| End { wire: wire.clone(), is_source, tap: Tap { reply: None } };
    let mut passage = end(true).join(&source, None);
    let other = end(false).join(&sink, None);
    for input in [Input::Bytes(b"ab"), Input::BadByte(b'?'), Input::Bytes(b"cd"), Input::Break] {
        passage.pass(input);
    }
    passage.pass(Input::Bytes(b"ef"));
    assert_eq!(soon(passage.flush()).await, None);
    let mut heard = Vec::new();
    while heard.len() < 6 {
        let mut buffer = [0; 64];
        let count = soon(there.receive(&mut buffer)).await.unwrap();
        heard.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(heard, b"abcdef");
    drop(other);
    passage.pass(Input::Bytes(b"gh"));
    assert_eq!(soon(passage.flush()).await, Some(Fault::Severed { bytes: 2 }));
    passage.pass(Input::Break);
    passage.pass(Input::Bytes(b"ijk"));
    assert_eq!(soon(passage.flush()).await, Some(Fault::Severed { bytes: 3 }));
}

#[tokio::test]
async fn a_wake_up_that_a_client_cancelled_loses_nothing() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    for _ in 0..20 {
        let mut nothing = |_: Input<'_>| panic!("bytes from nowhere");
        tokio::select! {
            biased;
            result = port.receive(&mut nothing) => panic!("nothing was sent, got {result:?}"),
            () = std::future::ready(()) => {}
        }
    }
    device.send(b"still there").await.unwrap();
    assert_eq!(collect(&mut port, 11).await.0, b"still there");
}

#[tokio::test]
async fn more_than_one_buffer_comes_whole() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (sending, (received, result)) =
        soon(async { tokio::join!(device.send(&sent), collect(&mut port, sent.len())) }).await;
    sending.unwrap();
    result.unwrap();
    assert!(received == sent, "{} of {} bytes, or in another order", received.len(), sent.len());
}

#[tokio::test]
async fn every_byte_value_arrives_as_it_was_sent() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    let sent: Vec<u8> = (0..=255).chain([0xFF, 0xFF, 0x00, 0xFF]).collect();
    device.send(&sent).await.unwrap();
    assert_eq!(collect(&mut port, sent.len()).await.0, sent);
}

#[tokio::test]
async fn a_hang_up_in_the_middle_of_a_frame_is_disconnected_for_ever() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    device.send(b"400638").await.unwrap();
    let hang_up = tokio::spawn(device.hang_up());
    let (bytes, result) = collect(&mut port, usize::MAX).await;
    assert_eq!(bytes, b"400638");
    assert!(matches!(result, Err(Error::Disconnected)), "{result:?}");
    hang_up.await.unwrap();
    for _ in 0..3 {
        let again = soon(port.receive(&mut |_| panic!("bytes from nowhere"))).await;
        assert!(matches!(again, Err(Error::Disconnected)), "{again:?}");
    }
    let unwritten = soon(port.write(b"x")).await.unwrap_err();
    assert!(matches!(unwritten.error, Error::Disconnected) && unwritten.written == 0);
    soon(port.drained()).await;
}

#[tokio::test]
async fn a_hang_up_that_nobody_waited_for_is_seen_all_the_same() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    // Both have happened before the first wait: one edge for data and hang-up together.
    device.send(b"400638").await.unwrap();
    drop(device);
    let (bytes, result) = collect(&mut port, usize::MAX).await;
    assert!(matches!(result, Err(Error::Disconnected)), "{result:?}");
    // A pty's end discards what was unread; a prefix is all that may be left.
    assert!(b"400638".starts_with(&bytes), "{bytes:?}");
}

#[tokio::test]
async fn a_device_that_comes_back_at_its_path_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanner");
    for round in [&b"first"[..], b"second"] {
        let mut device = VirtualPort::create(Some(&path)).unwrap();
        let mut port = open(&device).unwrap();
        device.send(round).await.unwrap();
        assert_eq!(collect(&mut port, round.len()).await.0, round);
        device.hang_up().await;
        assert!(matches!(soon(port.receive(&mut |_| {})).await, Err(Error::Disconnected)));
        let gone = Port::open(&path, &Line::default(), 9600);
        assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    }
}

#[tokio::test]
async fn a_second_open_is_busy_by_any_path_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanner");
    let mut device = VirtualPort::create(Some(&path)).unwrap();
    let mut port = open(&device).unwrap();
    let node = std::fs::canonicalize(&path).unwrap();
    for path in [&path, &node] {
        let second = Port::open(path, &Line::default(), 9600);
        assert!(matches!(second, Err(Error::Busy)), "{second:?}");
    }
    device.send(b"mine").await.unwrap();
    assert_eq!(collect(&mut port, 4).await.0, b"mine");
    drop(port);
    open(&device).expect("free again once it is closed");
}

#[tokio::test]
async fn a_port_that_another_program_has_locked_is_busy() {
    let device = VirtualPort::create(None).unwrap();
    let other = std::fs::File::options().read(true).write(true).open(device.path()).unwrap();
    other.lock().unwrap();
    assert!(matches!(open(&device), Err(Error::Busy)));
    other.unlock().unwrap();
    open(&device).expect("free once the other has let go");
}

#[tokio::test]
async fn what_is_written_arrives_and_drains() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    soon(port.write(b"\x16T\r")).await.unwrap();
    soon(port.drained()).await;
    let mut buffer = [0; 16];
    let count = soon(device.receive(&mut buffer)).await.unwrap();
    assert_eq!(&buffer[..count], b"\x16T\r");
}

#[tokio::test]
async fn a_write_longer_than_the_kernel_holds_waits_for_the_device() {
    let mut device = VirtualPort::create(None).unwrap();
    let mut port = open(&device).unwrap();
    let sent = vec![b'x'; 200_000];
    let receive = async {
        let (mut received, mut buffer) = (0, [0; 4096]);
        while received < sent.len() {
            received += device.receive(&mut buffer).await.unwrap();
        }
        received
    };
    let (written, received) = soon(async { tokio::join!(port.write(&sent), receive) }).await;
    written.unwrap();
    assert_eq!(received, sent.len());
    device.send(b"ok").await.unwrap();
    let reads = port.reads();
    assert_eq!(collect(&mut port, 2).await.0, b"ok");
    assert_eq!(port.reads(), reads + 1, "waiting to write has left wake-ups behind");
}

#[tokio::test]
async fn the_speed_is_set_and_changed_even_an_odd_one() {
    let device = VirtualPort::create(None).unwrap();
    let mut port = Port::open(device.path(), &Line::default(), 115_200).unwrap();
    assert_eq!(device.speed().unwrap(), 115_200);
    port.set_baud(12_345).unwrap();
    assert_eq!(device.speed().unwrap(), 12_345);
    assert!(matches!(port.set_baud(0), Err(Error::Unsupported)));
}

#[tokio::test]
async fn an_adopted_port_goes_on_with_the_bytes_that_came_meanwhile() {
    let mut device = VirtualPort::create(None).unwrap();
    let port = open(&device).unwrap();
    let kept = port.fd().unwrap().try_clone_to_owned().unwrap();
    drop(port);
    device.send(b"meanwhile\xFF").await.unwrap();
    let other = VirtualPort::create(None).unwrap();
    let line = Line::default();
    let again = kept.try_clone().unwrap();
    assert!(matches!(Port::adopt(again, other.path(), &line, 9600), Err(Error::NotFound)));
    let mut port = Port::adopt(kept, device.path(), &line, 9600).unwrap();
    assert_eq!(collect(&mut port, 10).await.0, b"meanwhile\xFF");
}

#[tokio::test]
async fn what_is_no_port_is_refused_with_a_word_for_the_operator() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let line = Line::default();
    let refused = |path: &std::path::Path, line: &Line| Port::open(path, line, 9600).unwrap_err();
    assert_eq!(refused(&directory.path().join("none"), &line).word(), "not-found");
    assert_eq!(refused(&file, &line).word(), "unsupported");
    assert_eq!(refused("/dev/null".as_ref(), &line).word(), "unsupported");

    let device = VirtualPort::create(None).unwrap();
    let dtr_dsr = Line { flow: Flow::DtrDsr, ..line.clone() };
    assert_eq!(refused(device.path(), &dtr_dsr).word(), "unsupported");
    assert_eq!(refused(device.path(), &Line { data_bits: 9, ..line }).word(), "unsupported");
}

#[tokio::test]
async fn a_pty_takes_all_line_settings_and_says_what_it_lacks() {
    let device = VirtualPort::create(None).unwrap();
    for (parity, flow) in
        [(Parity::Even, Flow::RtsCts), (Parity::Odd, Flow::XonXoff), (Parity::None, Flow::None)]
    {
        let line = Line { data_bits: 7, parity, stop_bits: 2, flow, ..Line::default() };
        let port = Port::open(device.path(), &line, 9600).unwrap();
        assert_eq!(port.counters(), None);
        assert_eq!(port.modem_lines(), None);
    }
}

#[tokio::test]
async fn a_link_is_never_put_in_place_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanner");
    std::fs::write(&path, "precious").unwrap();
    let error = VirtualPort::create(Some(&path)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}
