//! The serial line around APDUs, written for the test from the transport document alone: frames, doubled
//! DLEs, the checksum, and acknowledgements.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_serial::SerialPortBuilderExt as _;

/// A frame has arrived.
pub(super) const ACK: u8 = 0x06;

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum = 0_u16;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |place| byte >> place & 1)) {
        let flips = (sum & 1) != u16::from(bit);
        sum = (sum >> 1) ^ if flips { 0x8408 } else { 0 };
    }
    sum.to_le_bytes()
}

/// An APDU in a frame.
pub(super) fn framed(apdu: &[u8]) -> Vec<u8> {
    let doubled = apdu.iter().flat_map(|byte| vec![*byte; 1 + usize::from(*byte == 0x10)]);
    let counted = [apdu, &[0x03]].concat();
    let mut frame = vec![0x10, 0x02];
    frame.extend(doubled);
    frame.extend([0x10, 0x03]);
    frame.extend(checksum(&counted));
    frame
}

/// The APDU of a frame.
pub(super) fn unframed(frame: &[u8]) -> Vec<u8> {
    let (apdu, used) = whole(frame).expect("a whole frame");
    assert_eq!(used, frame.len(), "nothing behind it");
    apdu
}

/// The APDU that the bytes begin with, if it is there already, and how many bytes it took.
fn whole(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    assert_eq!(bytes.get(..2)?, [0x10, 0x02], "a frame begins");
    let mut apdu = Vec::new();
    let mut rest = 2;
    loop {
        match *bytes.get(rest..)? {
            [0x10, 0x10, ..] => {
                apdu.push(0x10);
                rest += 2;
            }
            [0x10, 0x03, low, high, ..] => {
                assert_eq!(checksum(&[&apdu[..], &[0x03]].concat()), [low, high]);
                return Some((apdu, rest + 4));
            }
            [0x10, ..] | [] => return None,
            [byte, ..] => {
                apdu.push(byte);
                rest += 1;
            }
        }
    }
}

/// The line at this path, as a stream of APDUs.
pub(super) fn connect(path: &Path) -> DuplexStream {
    let mut port = tokio_serial::new(path.display().to_string(), 9600)
        .stop_bits(tokio_serial::StopBits::Two)
        .open_native_async()
        .unwrap();
    let (ours, mut line) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        let (mut heard, mut said) = (Vec::new(), Vec::new());
        let (mut from_port, mut from_till) = ([0; 256], [0; 256]);
        loop {
            tokio::select! {
                count = port.read(&mut from_port) => {
                    let Ok(count @ 1..) = count else { return };
                    heard.extend_from_slice(&from_port[..count]);
                    while let Some(first) = heard.first() {
                        if *first == ACK {
                            heard.remove(0);
                            continue;
                        }
                        let Some((apdu, used)) = whole(&heard) else { break };
                        heard.drain(..used);
                        port.write_all(&[ACK]).await.unwrap();
                        line.write_all(&apdu).await.unwrap();
                    }
                }
                count = line.read(&mut from_till) => {
                    let Ok(count @ 1..) = count else { return };
                    said.extend_from_slice(&from_till[..count]);
                    // An APDU is complete with its length; none of a till's is a long one.
                    while let Some(length) = said.get(2).map(|length| 3 + usize::from(*length)) {
                        let Some(apdu) = said.get(..length) else { break };
                        port.write_all(&framed(apdu)).await.unwrap();
                        said.drain(..length);
                    }
                }
            }
        }
    });
    ours
}
