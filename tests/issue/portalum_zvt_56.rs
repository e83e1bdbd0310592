//! Portalum.Zvt, issue 56: a receiver that un-doubles the two bytes of the checksum as well loses every
//! frame whose checksum has a 10 in it, and takes the end of a frame for its middle where it has 10 03.
//!
//! The checksum counts the data as it was before doubling, and is never doubled itself.

use std::time::Duration;

use tillbus::event::Timestamp;
use tillbus::frame::shell::Heard;
use tillbus::frame::{Dle, dle};

/// What a receiver hears of these pieces, one after the other.
fn hear<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Vec<u8>>> {
    let mut framer = Dle::new(300, Duration::from_millis(200));
    let mut heard = Vec::new();
    for piece in pieces {
        framer.receive(Timestamp(0), piece, &mut |one| {
            heard.push(match one {
                Heard::Frame(data) => Some(data.to_vec()),
                _ => None,
            });
        });
    }
    heard
}

/// Every payment of up to ten thousand cents whose frame ends in this.
fn payments_whose_checksum(fits: impl Fn(u8, u8) -> bool) -> Vec<Vec<u8>> {
    let bcd = |number: u16| u8::try_from(number / 10 * 16 + number % 10).unwrap();
    let payments = (0..10_000_u16).map(|cents| {
        let amount = [0, 0, 0, 0, bcd(cents / 100), bcd(cents % 100)];
        [&[0x06, 0x01, 0x0A, 0x04][..], &amount, &[0x49, 0x09, 0x78]].concat()
    });
    payments
        .filter(|payment| {
            let frame = dle::frame(payment);
            matches!(frame.as_slice(), [.., low, high] if fits(*low, *high))
        })
        .collect()
}

#[test]
fn the_payment_of_the_issue_is_read() {
    let frame = [0x10, 0x02, 0x06, 0x01, 0x07, 4, 0, 0, 0, 0, 0x01, 0x90, 0x10, 0x03, 0x76, 0x57];
    assert_eq!(hear([&frame[..]].into_iter()), [Some(frame[2..12].to_vec())]);
}

#[test]
fn checksums_made_of_control_bytes_are_taken_as_they_come() {
    for (what, payments) in [
        ("10 in front", payments_whose_checksum(|low, _| low == 0x10)),
        ("10 behind", payments_whose_checksum(|_, high| high == 0x10)),
        ("03 behind", payments_whose_checksum(|_, high| high == 0x03)),
        ("02 behind", payments_whose_checksum(|_, high| high == 0x02)),
        ("06 in front", payments_whose_checksum(|low, _| low == 0x06)),
        ("15 behind", payments_whose_checksum(|_, high| high == 0x15)),
    ] {
        assert!(payments.len() > 10, "{what}: {}", payments.len());
        for payment in payments {
            // Twice, so that what follows is read too; in one piece and byte by byte.
            let frames = dle::frame(&payment).repeat(2);
            let want = vec![Some(payment.clone()); 2];
            assert_eq!(hear([&frames[..]].into_iter()), want, "{what}");
            assert_eq!(hear(frames.chunks(1)), want, "{what}, byte by byte");
        }
    }
}

#[test]
fn a_checksum_that_reads_as_the_end_or_the_beginning_of_a_frame_is_a_checksum() {
    let pairs = [(0x10, 0x03), (0x10, 0x02), (0x10, 0x10), (0x06, 0x10), (0x15, 0x10)];
    for pair in pairs {
        // One byte of a status enquiry's data is turned until the checksum is this pair.
        let data = (0..=u16::MAX)
            .map(|turn| [&[0x05, 0x01, 0x02][..], &turn.to_be_bytes()].concat())
            .find(|data| dle::frame(data).ends_with(&[pair.0, pair.1]))
            .unwrap();
        let frame = dle::frame(&data);
        assert_eq!(hear(frame.chunks(1)), [Some(data)], "{pair:02X?}");
    }
}

#[test]
fn one_that_doubles_its_checksum_is_not_understood() {
    let payment = payments_whose_checksum(|low, _| low == 0x10).remove(0);
    let mut frame = dle::frame(&payment);
    let high = frame.pop().unwrap();
    frame.extend([0x10, high]);
    assert!(!hear([&frame[..]].into_iter()).contains(&Some(payment)));
}
