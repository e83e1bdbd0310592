//! The terminal by itself, played with by hand-made frames.

use super::*;
use crate::event::terminal::Clock;

const CLOCK: Clock = Clock { date: Some((11, 25)), time: Some((10, 0, 0)) };

/// A till that acknowledges and takes everything.
struct Till {
    terminal: Terminal,
    wire: Wire,
    heard: Vec<Vec<u8>>,
}

impl Till {
    fn new() -> Self {
        Self { terminal: Terminal::default(), wire: Wire::default(), heard: Vec::new() }
    }

    fn actions() -> Actions {
        Actions { clock: CLOCK, ..Actions::default() }
    }

    fn behave(&mut self, words: &str) {
        self.terminal.behave(words, &mut Self::actions()).unwrap();
    }

    /// Asks, and returns the first byte pairs of all that the terminal says until it rests.
    fn ask(&mut self, apdu: &[u8]) -> Vec<[u8; 2]> {
        self.heard.clear();
        let mut next = wire::frame(apdu);
        while !next.is_empty() {
            let mut actions = Self::actions();
            self.terminal.receive(&next, &mut actions);
            next.clear();
            for heard in self.wire.receive(&actions.send) {
                if let Heard::Frame(apdu) = heard {
                    next.push(wire::ACK);
                    if !matches!(apdu.as_slice(), [0x80 | 0x84, ..]) {
                        next.extend(wire::frame(&[0x80, 0, 0]));
                    }
                    self.heard.push(apdu);
                }
            }
        }
        self.heard.iter().map(|apdu| [apdu[0], apdu[1]]).collect()
    }
}

const PAY: [u8; 13] = [0x06, 0x01, 0x0A, 0x04, 0, 0, 0, 0, 0x12, 0x50, 0x49, 0x09, 0x78];
const REGISTER: [u8; 9] = [0x06, 0x00, 0x06, 0, 0, 0, 0xBE, 0x09, 0x78];

#[test]
fn a_payment_is_told_printed_completed_and_booked() {
    let mut till = Till::new();
    assert_eq!(till.ask(&REGISTER), [[0x80, 0], [0x06, 0x0F]]);
    let said = till.ask(&PAY);
    assert_eq!(said[..4], [[0x80, 0], [0x04, 0xFF], [0x04, 0xFF], [0x04, 0x0F]]);
    assert!(said[4..said.len() - 1].iter().all(|pair| *pair == [0x06, 0xD1]));
    assert_eq!(said.last(), Some(&[0x06, 0x0F]));
    assert_eq!(till.terminal.ledger(), ["payment 1 1250"]);
}

#[test]
fn behaviours() {
    type Row = (&'static str, &'static [[u8; 2]], &'static [&'static str]);
    let rows: [Row; 5] = [
        ("decline", &[[0x80, 0], [0x04, 0xFF], [0x04, 0xFF], [0x04, 0x0F], [0x06, 0x1E]], &[]),
        ("busy", &[[0x84, 0x9C]], &[]),
        (
            "partial 500",
            &[[0x80, 0], [0x04, 0xFF], [0x04, 0xFF], [0x04, 0x0F], [0x06, 0x0F]],
            &["payment 1 500"],
        ),
        ("no-status", &[[0x80, 0], [0x04, 0xFF], [0x04, 0xFF], [0x06, 0x0F]], &["payment 1 1250"]),
        ("silent", &[[0x80, 0], [0x04, 0xFF], [0x04, 0xFF]], &["payment 1 1250"]),
    ];
    for (behaviour, said, booked) in rows {
        let mut till = Till::new();
        till.behave(behaviour);
        assert_eq!(till.ask(&PAY), said, "{behaviour}");
        assert_eq!(till.terminal.ledger(), booked, "{behaviour}");
    }
    let mut till = Till::new();
    let error = till.terminal.behave("dance", &mut Till::actions()).unwrap_err();
    assert!(error.contains("found `dance`, accepted is approve"), "{error}");
}

#[test]
fn a_reversal_undoes_the_receipt_it_names_once() {
    let mut till = Till::new();
    till.ask(&PAY);
    till.ask(&PAY);
    let reverse = [0x06, 0x30, 0x06, 0, 0, 0, 0x87, 0x00, 0x01];
    till.ask(&reverse);
    assert_eq!(
        till.terminal.ledger(),
        ["payment 1 1250 undone", "payment 2 1250", "reversal 3 1250"]
    );
    assert_eq!(till.ask(&reverse).last(), Some(&[0x06, 0x1E]));
}

#[test]
fn what_is_not_acknowledged_is_said_three_times() {
    let mut terminal = Terminal::default();
    let mut actions = Till::actions();
    terminal.receive(&[wire::frame(&REGISTER), vec![wire::ACK]].concat(), &mut actions);
    let mut sent = 1;
    for _ in 0..5 {
        let mut actions = Till::actions();
        terminal.timeout(&mut actions);
        sent += usize::from(!actions.send.is_empty());
    }
    assert_eq!(sent, 3);
}
