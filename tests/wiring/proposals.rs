//! Cables found for two sockets.

use tillbus::profile::Profile;
use tillbus::wiring::cable::{Made, Side};
use tillbus::wiring::check::Kind;
use tillbus::wiring::cord::Run;
use tillbus::wiring::{Flow, propose};

use super::bench::{numbers, positions, profile, profile_with};

const PC: &str =
    "DE9 1-9 DTE rs232 male: 1 DCD, 2 RXD, 3 TXD, 4 DTR, 5 GND, 6 DSR, 7 RTS, 8 CTS, 9 RI";

fn wired(a: &Profile, b: &Profile) -> Vec<(u8, u8)> {
    let proposal = propose(a.socket().unwrap(), b.socket().unwrap());
    assert!(proposal.report.is_safe(), "{:#?}", proposal.report.problems);
    numbers(&proposal.cable)
}

#[test]
fn wires() {
    for (name, a, b, want) in [
        (
            "a box in another order",
            "RJ11-6P4C 1-4 DTE rs232: 1 GND, 2 RXD, 3 TXD, 4 draw +5V 300",
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD",
            &[(1, 2), (2, 1), (3, 4), (4, 3)][..],
        ),
        (
            "not enough power: the wire is left out",
            "RJ11-6P4C 1-4 DTE rs232: 1 GND, 2 RXD, 3 TXD, 4 draw +5V 600",
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD",
            &[(1, 2), (2, 1), (3, 4)],
        ),
        (
            "another voltage: the wire is left out",
            "RJ11-6P4C 1-4 DTE rs232: 1 GND, 2 RXD, 3 TXD, 4 draw +5V 300",
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +12V 500, 4 RXD",
            &[(1, 2), (2, 1), (3, 4)],
        ),
        (
            "a modem at a PC, all lines straight",
            "DE9 1-9 DCE rs232 female: 1 DCD, 2 RXD, 3 TXD, 4 DTR, 5 GND, 6 DSR, 7 RTS, 8 CTS, 9 RI",
            PC,
            &[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (9, 9)],
        ),
        (
            "two PCs, a null modem",
            PC,
            PC,
            &[(2, 3), (3, 2), (4, 6), (5, 5), (6, 4), (7, 8), (8, 7)],
        ),
        (
            "two grounds and one",
            "RJ45-8P8C 1-8 DTE rs232: 3 TXD, 4 GND, 5 GND, 6 RXD",
            PC,
            &[(3, 2), (4, 5), (6, 3)],
        ),
    ] {
        assert_eq!(wired(&profile("a", a), &profile("b", b)), want, "{name}");
    }
}

#[test]
fn a_null_modem_joins_the_carrier_to_the_driven_dsr() {
    let (one, other) = (profile("one", PC), profile("other", PC));
    let proposal = propose(one.socket().unwrap(), other.socket().unwrap());
    let loops: Vec<_> =
        proposal.cable.loops.iter().map(|bridge| (bridge.side, positions(bridge))).collect();
    assert_eq!(loops, [(Side::A, (1, 6)), (Side::B, (1, 6))]);
    assert_eq!(proposal.report.permitted, [Flow::None, Flow::XonXoff, Flow::RtsCts, Flow::DtrDsr]);
    assert!(
        proposal.ready_made.iter().any(
            |made| matches!(made, Made::Adapter(adapter, None) if adapter.name == "null-modem")
        )
    );
}

#[test]
fn what_is_sold_is_named() {
    let scanner = profile("box", "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 TXD, 3 GND");
    for (name, till, want) in [
        ("same order", "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 RXD, 3 GND, 4 NC", Run::Straight),
        ("mirrored", "RJ11-6P4C 1-4 DTE rs232: 4 TXD, 3 RXD, 2 GND, 1 NC", Run::Reversed),
    ] {
        let till = profile("till", till);
        let proposal = propose(scanner.socket().unwrap(), till.socket().unwrap());
        assert_eq!(proposal.ready_made, [Made::Cord(want)], "{name}");
    }
    let till = profile("till", "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 RXD");
    assert_eq!(propose(scanner.socket().unwrap(), till.socket().unwrap()).ready_made, []);
}

#[test]
fn a_mirrored_source_asks_for_the_other_cord() {
    let box_words = "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 TXD, 3 GND, 4 NC";
    let till_words = "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 RXD, 3 GND, 4 NC";
    let (scanner, mut till) = (profile("box", box_words), profile("till", till_words));
    till.connector.as_mut().unwrap().mirrored = true;
    let proposal = propose(scanner.socket().unwrap(), till.socket().unwrap());
    assert_eq!(numbers(&proposal.cable), [(1, 1), (2, 2), (3, 3)], "the numbers stay");
    assert_eq!(proposal.report.run, Some(Run::Reversed), "the metal does not");
    assert_eq!(proposal.ready_made, [Made::Cord(Run::Reversed)]);
}

#[test]
fn a_bridge_is_laid_for_a_device_that_waits() {
    let words = "DE9 1-9 DTE rs232 female: 2 TXD, 3 RXD, 5 GND, 7 CTS, 8 RTS";
    let scanner = profile_with("box", words, "[line]\nflow = \"rts-cts\"");
    let till = profile("till", "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 RXD, 3 GND");
    let proposal = propose(scanner.socket().unwrap(), till.socket().unwrap());
    assert_eq!(numbers(&proposal.cable), [(2, 2), (3, 1), (5, 3)]);
    assert_eq!(proposal.cable.loops.iter().map(positions).collect::<Vec<_>>(), [(7, 8)]);
    assert!(proposal.report.is_safe(), "{:#?}", proposal.report.problems);
}

#[test]
fn power_is_never_proposed_onto_data() {
    let drawer = profile(
        "drawer",
        "RJ12-6P6C 1-6 DTE none: 2 other drive +24V, 3 other sense, 4 supply +24V 1000, 6 GND",
    );
    let scanner = profile("box", "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 TXD, 3 GND, 4 draw +5V 300");
    let proposal = propose(scanner.socket().unwrap(), drawer.socket().unwrap());
    assert_eq!(numbers(&proposal.cable), [(3, 6)], "ground alone");
    assert!(proposal.report.has(Kind::NoData) && proposal.ready_made.is_empty());
    let ttl = profile("module", "bare-wires 1-4 DTE ttl-3v3: 1 draw +5V 100, 2 TXD, 3 RXD, 4 GND");
    let pc = profile("pc", PC);
    let proposal = propose(ttl.socket().unwrap(), pc.socket().unwrap());
    assert!(proposal.report.has(Kind::LevelMismatch), "the wires are right and the levels are not");
}
