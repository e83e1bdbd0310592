//! What is refused, in which words, and what is not.

use tillbus::profile::Profile;
use tillbus::wiring::cable::Unmade;
use tillbus::wiring::check::{Crossing, Kind, Severity};
use tillbus::wiring::cord::{Run, adapter};
use tillbus::wiring::{Cable, Flow, check};

use super::bench::{numbers, profile, profile_with, wires};

const PC: &str =
    "DE9 1-9 DTE rs232 male: 1 DCD, 2 RXD, 3 TXD, 4 DTR, 5 GND, 6 DSR, 7 RTS, 8 CTS, 9 RI";
const TILL: &str = "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD";
const BOX: &str = "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 GND, 3 draw +5V 300, 4 TXD";

fn kinds(a: &Profile, b: &Profile, pairs: &[(u8, u8)]) -> Vec<Kind> {
    let report = check(&wires(a, b, pairs));
    report.refusals().map(|problem| problem.kind).collect()
}

/// One box, one till, these wires, these refusals.
type Row = (&'static str, &'static str, &'static str, &'static [(u8, u8)], &'static [Kind]);

#[test]
fn refusals() {
    let rows: &[Row] = &[
        ("the right cable", BOX, TILL, &[(1, 1), (2, 2), (3, 3), (4, 4)], &[]),
        (
            "no ground",
            "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 4 TXD",
            TILL,
            &[(1, 1), (4, 4)],
            &[Kind::NoCommonGround],
        ),
        (
            "transmitter to transmitter",
            BOX,
            TILL,
            &[(1, 4), (2, 2), (3, 3), (4, 1)],
            &[Kind::NobodyDrives, Kind::TwoDrivers, Kind::NoData],
        ),
        ("5 V on TXD", BOX, TILL, &[(1, 1), (2, 2), (4, 3)], &[Kind::SupplyOnData]),
        (
            "5 V on RXD and the power input on data",
            BOX,
            TILL,
            &[(1, 3), (2, 2), (3, 1), (4, 4)],
            &[Kind::SupplyOnData, Kind::DrawOnData],
        ),
        (
            "5 V on ground, and ground on the power input",
            BOX,
            TILL,
            &[(1, 1), (2, 3), (3, 2), (4, 4)],
            &[Kind::ShortCircuit, Kind::ShortCircuit, Kind::NoCommonGround],
        ),
        (
            "two supplies",
            "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 GND, 3 supply +5V 100, 4 TXD",
            TILL,
            &[(1, 1), (2, 2), (3, 3), (4, 4)],
            &[Kind::TwoSupplies],
        ),
        (
            "twelve volts for five",
            BOX,
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +12V 500, 4 RXD",
            &[(1, 1), (2, 2), (3, 3), (4, 4)],
            &[Kind::WrongVoltage],
        ),
        (
            "more drawn than supplied",
            BOX,
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 299, 4 RXD",
            &[(1, 1), (2, 2), (3, 3), (4, 4)],
            &[Kind::Overdrawn],
        ),
        (
            "as much as is supplied",
            BOX,
            "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 300, 4 RXD",
            &[(1, 1), (2, 2), (3, 3), (4, 4)],
            &[],
        ),
        (
            "a TTL module on RS-232",
            "bare-wires 1-4 DTE ttl-5v: 1 draw +5V 100, 2 TXD, 3 RXD, 4 GND",
            PC,
            &[(2, 2), (3, 3), (4, 5)],
            &[Kind::LevelMismatch, Kind::LevelMismatch],
        ),
        (
            "5 V logic into 3.3 V logic",
            "bare-wires 1-3 DTE ttl-5v: 1 TXD, 2 RXD, 3 GND",
            "bare-wires 1-3 DTE ttl-3v3: 1 RXD, 2 TXD, 3 GND",
            &[(1, 1), (2, 2), (3, 3)],
            &[Kind::LevelMismatch],
        ),
        (
            "inverted logic on RS-232 works, the other way burns",
            "bare-wires 1-3 DTE ttl-inverted: 1 TXD, 2 RXD, 3 GND",
            PC,
            &[(1, 2), (2, 3), (3, 5)],
            &[Kind::LevelMismatch],
        ),
        (
            "a contact twice",
            BOX,
            PC,
            &[(1, 3), (2, 5), (4, 2), (4, 3)],
            &[
                Kind::ContactTwice,
                Kind::ContactTwice,
                Kind::TwoDrivers,
                Kind::MixedLines,
                Kind::MixedLines,
            ],
        ),
        (
            "a contact that nobody knows",
            BOX,
            "RJ12-6P6C 1-6 DTE rs232: 2 TXD, 3 GND, 5 RXD",
            &[(1, 2), (2, 3), (3, 4), (4, 5)],
            &[Kind::UnknownContact],
        ),
        ("data on a control line", BOX, PC, &[(1, 3), (2, 5), (4, 8)], &[Kind::MixedLines]),
        (
            "a control line on a data input",
            "DE9 1-9 DTE rs232 female: 2 TXD, 3 RXD, 5 GND, 8 RTS",
            PC,
            &[(2, 3), (8, 2), (5, 5)],
            &[Kind::MixedLines, Kind::TwoDrivers, Kind::NoData],
        ),
        (
            "ground on data",
            BOX,
            PC,
            &[(1, 3), (2, 5), (4, 5)],
            &[Kind::ContactTwice, Kind::GroundOnData],
        ),
        (
            "a drawer's socket",
            BOX,
            "RJ12-6P6C 1-6 DTE none: 1 SHIELD, 2 other drive-1 +24V, 3 other sense, 4 supply +24V 1000, 5 other drive-2 +24V, 6 GND",
            &[(1, 2), (2, 3), (3, 4), (4, 5)],
            &[
                Kind::NotSerial,
                Kind::NotSerial,
                Kind::WrongVoltage,
                Kind::NotSerial,
                Kind::NoCommonGround,
                Kind::NoData,
            ],
        ),
        (
            "RS-232 on a USB data wire",
            "bare-wires 1-6 DTE rs232: 1 draw +5V 100, 2 TXD, 3 RXD, 4 GND, 5 D-, 6 D+",
            "USB-A 1-4 DTE none: 1 supply +5V 500, 2 D-, 3 D+, 4 GND",
            &[(1, 1), (2, 2), (4, 4)],
            &[Kind::MixedLines, Kind::NoData],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, a, b, pairs, want) in rows {
        let (a, b) = (profile("box", a), profile("till", b));
        let mut found = kinds(&a, &b, pairs);
        let mut want = want.to_vec();
        found.sort_by_key(|kind| kind.word());
        want.sort_by_key(|kind| kind.word());
        if found != want {
            let texts: Vec<String> = check(&wires(&a, &b, pairs))
                .refusals()
                .map(|problem| problem.text.clone())
                .collect();
            wrong.push(format!("{name}: want {want:?}, found {found:?}:\n{}", texts.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn five_volts_on_a_transmitter_is_refused_in_words_an_installer_understands() {
    let (scanner, till) = (profile("qr-box", BOX), profile("till-com2", TILL));
    let report = check(&wires(&scanner, &till, &[(1, 1), (2, 2), (4, 3)]));
    let problem = report.refusals().next().unwrap();
    assert_eq!(
        problem.text,
        "+5V on a data line: contact 3 (+5V) of till-com2 feeds contact 4 (TXD) of qr-box. The supply \
         works against the line driver behind contact 4 (TXD) of qr-box, gets it hot and burns it. Do \
         not plug it in; take this wire out."
    );
}

#[test]
fn every_wire_of_a_supply_to_any_other_contact_is_refused() {
    // The one property that must not have a hole: whatever else is wired, +5 V reaches nothing but
    // a draw of +5 V.
    let (scanner, till) = (profile("box", BOX), profile("till", TILL));
    let order = [1_u8, 2, 3, 4];
    let mut safe = Vec::new();
    for a in order {
        for b in order {
            for c in order {
                for d in order {
                    let pairs = [(1, a), (2, b), (3, c), (4, d)];
                    let report = check(&wires(&scanner, &till, &pairs));
                    let fed = pairs.iter().any(|(one, other)| *other == 3 && *one != 3);
                    assert!(!fed || !report.is_safe(), "{pairs:?}");
                    if report.is_safe() {
                        safe.push(pairs);
                    }
                }
            }
        }
    }
    assert_eq!(safe, [[(1, 1), (2, 2), (3, 3), (4, 4)]]);
}

#[test]
fn warnings() {
    let has = |a: &Profile, b: &Profile, pairs: &[(u8, u8)], kind: Kind| {
        let report = check(&wires(a, b, pairs));
        assert_eq!(kind.severity(), Severity::Warning);
        assert!(report.is_safe(), "{:#?}", report.problems);
        report.has(kind)
    };
    let (scanner, till, pc) = (profile("box", BOX), profile("till", TILL), profile("pc", PC));
    let whole = [(1, 1), (2, 2), (3, 3), (4, 4)];
    assert!(!has(&scanner, &till, &whole, Kind::Unfed));
    assert!(has(&scanner, &till, &[(1, 1), (2, 2), (4, 4)], Kind::Unfed));
    assert!(has(&scanner, &till, &[(1, 1), (2, 2), (4, 4)], Kind::UnusedPower));
    assert!(has(&scanner, &pc, &[(2, 5), (4, 2)], Kind::OneWay));
    assert!(!has(&scanner, &pc, &[(1, 3), (2, 5), (4, 2)], Kind::OneWay));
    let silent = profile("till", &TILL.replace(" 500", ""));
    assert!(has(&scanner, &silent, &whole, Kind::CurrentUnknown));
    assert!(!has(&scanner, &till, &whole, Kind::CurrentUnknown));
    let screened = profile("box", "DE9 1-9 DTE rs232 female: 1 SHIELD, 2 TXD, 3 RXD, 5 GND");
    let also = profile("till", "DE9 1-9 DTE rs232 male: 2 RXD, 3 TXD, 5 GND, 9 SHIELD");
    assert!(has(&screened, &also, &[(1, 9), (2, 2), (3, 3), (5, 5)], Kind::Shield));
    let inverted = profile("box", "bare-wires 1-2 DTE ttl-inverted: 1 TXD, 2 GND");
    assert!(has(&inverted, &pc, &[(1, 2), (2, 5)], Kind::Marginal));
}

#[test]
fn a_device_that_is_not_heard_is_no_use() {
    let (pc, scanner) = (profile("pc", PC), profile("box", BOX));
    for (kind, want) in [("socket", Kind::OneWay), ("host", Kind::NoData)] {
        let mut host = profile("pc", PC);
        if kind == "host" {
            host.kind = tillbus::profile::Kind::Host;
        }
        let report = check(&wires(&scanner, &host, &[(1, 3), (2, 5)]));
        assert!(report.has(want), "{kind}: {:#?}", report.problems);
    }
    assert!(check(&wires(&scanner, &pc, &[(2, 5), (4, 2)])).is_safe(), "heard, but not asked");
}

#[test]
fn a_box_that_lives_on_dtr() {
    let pc = profile("pc", PC);
    for (drawn, pairs, kind) in [
        (8, &[(2, 2), (5, 5), (4, 4)][..], Kind::LivesOnLine),
        (80, &[(2, 2), (5, 5), (4, 4)][..], Kind::Overdrawn),
        (8, &[(2, 2), (5, 5), (4, 7)][..], Kind::Unfed),
        (8, &[(2, 2), (5, 5)][..], Kind::Unfed),
    ] {
        let words = format!("DE9 1-9 DTE rs232 female: 2 TXD, 4 draw DTR {drawn}, 5 GND");
        let scanner = profile("box", &words);
        let report = check(&wires(&scanner, &pc, pairs));
        assert!(report.has(kind), "{drawn} {pairs:?}: {:#?}", report.problems);
    }
}

#[test]
fn hardware_flow_control_needs_its_wires() {
    let pc = profile("pc", PC);
    let scanner = profile("box", "DE9 1-9 DTE rs232 female: 2 TXD, 3 RXD, 5 GND, 7 CTS, 8 RTS");
    let three = [(2, 2), (3, 3), (5, 5)];
    let five = [(2, 2), (3, 3), (5, 5), (7, 7), (8, 8)];
    let mut cable = wires(&scanner, &pc, &three);
    assert_eq!(check(&cable).permitted, [Flow::None, Flow::XonXoff]);
    cable.flow = Some(Flow::RtsCts);
    assert!(check(&cable).has(Kind::FlowWithoutWires));
    let mut cable = wires(&scanner, &pc, &five);
    cable.flow = Some(Flow::RtsCts);
    let report = check(&cable);
    assert!(report.is_safe(), "{:#?}", report.problems);
    assert_eq!(report.permitted, [Flow::None, Flow::XonXoff, Flow::RtsCts]);
}

#[test]
fn a_device_that_waits_for_cts_needs_a_bridge() {
    let pc = profile("pc", PC);
    let words = "DE9 1-9 DTE rs232 female: 2 TXD, 3 RXD, 5 GND, 7 CTS, 8 RTS";
    let scanner = profile_with("box", words, "[line]\nflow = \"rts-cts\"");
    let mut cable = wires(&scanner, &pc, &[(2, 2), (3, 3), (5, 5)]);
    let report = check(&cable);
    assert!(report.has(Kind::FlowWithoutWires));
    assert_eq!(report.loops_needed.len(), 1);
    cable.loops = report.loops_needed;
    let report = check(&cable);
    assert!(report.is_safe() && report.loops_needed.is_empty(), "{:#?}", report.problems);
}

#[test]
fn straight_and_crossed() {
    let (scanner, till) = (profile("box", BOX), profile("till", TILL));
    let modem = profile("modem", "DE9 1-9 DCE rs232 female: 2 RXD, 3 TXD, 5 GND");
    let pc = profile("pc", PC);
    let of = |cable: &Cable<'_>| {
        let report = check(cable);
        (report.crossing, report.run)
    };
    let whole = [(1, 1), (2, 2), (3, 3), (4, 4)];
    assert_eq!(of(&wires(&scanner, &till, &whole)), (Crossing::Crossed, Some(Run::Straight)));
    let straight = wires(&modem, &pc, &[(2, 2), (3, 3), (5, 5)]);
    assert_eq!(of(&straight), (Crossing::Straight, Some(Run::Straight)));
    let turned = [(1, 4), (2, 3), (3, 2), (4, 1)];
    assert_eq!(of(&wires(&scanner, &till, &turned)), (Crossing::Straight, Some(Run::Reversed)));
    assert_eq!(of(&wires(&scanner, &pc, &[(2, 5)])), (Crossing::Neither, None));
}

#[test]
fn cords_and_adapters() {
    let (scanner, till) = (profile("box", BOX), profile("till", TILL));
    let (a, b) = (scanner.socket().unwrap(), till.socket().unwrap());
    let straight = Cable::of_cord(a, b, Run::Straight).unwrap();
    assert_eq!(numbers(&straight), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    assert!(check(&straight).is_safe());
    let reversed = Cable::of_cord(a, b, Run::Reversed).unwrap();
    assert_eq!(numbers(&reversed), [(1, 4), (2, 3), (3, 2), (4, 1)]);
    assert!(!check(&reversed).is_safe(), "a reversed cord puts 5 V on ground");

    let router = profile(
        "router",
        "RJ45-8P8C 1-8 DTE rs232: 1 RTS, 2 DTR, 3 TXD, 4 GND, 5 GND, 6 RXD, 7 DSR, 8 CTS",
    );
    let pc = profile("pc", PC);
    let (router, pc) = (router.socket().unwrap(), pc.socket().unwrap());
    for (name, run) in [("cisco-console", None), ("cisco-terminal", Some(Run::Reversed))] {
        for (one, other) in [(router, pc), (pc, router)] {
            let cable = Cable::of_adapter(one, other, adapter(name).unwrap(), run).unwrap();
            let report = check(&cable);
            assert!(report.is_safe(), "{name}: {:#?}", report.problems);
            assert_eq!(
                report.permitted,
                [Flow::None, Flow::XonXoff, Flow::RtsCts, Flow::DtrDsr],
                "{name}"
            );
        }
    }
    let straight =
        Cable::of_adapter(router, pc, adapter("cisco-terminal").unwrap(), Some(Run::Straight));
    assert!(!check(&straight.unwrap()).is_safe());
    let console = adapter("cisco-console").unwrap();
    assert_eq!(
        Cable::of_adapter(router, pc, console, Some(Run::Straight)).unwrap_err(),
        Unmade::CordTooMany("cisco-console")
    );
    let error = Cable::of_adapter(a, pc, adapter("db25-de9").unwrap(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "adapter db25-de9 has DB25 male and DE9 female, and goes between no RJ11-6P4C and DE9 male"
    );
    assert_eq!(
        Cable::of_cord(a, pc, Run::Straight).unwrap_err().to_string(),
        "no straight cord goes from RJ11-6P4C to DE9; name the wires one by one"
    );
}

#[test]
fn the_same_plug_goes_in_elsewhere() {
    let texts = |a: &Profile, b: &Profile| {
        let report = check(&wires(a, b, &[(1, 1), (2, 2), (3, 3), (4, 4)]));
        let texts = report.warnings().filter(|problem| problem.kind == Kind::LookAlike);
        texts.map(|problem| problem.text.clone()).collect::<Vec<_>>()
    };
    let scanner = profile("box", BOX);
    let any = texts(&scanner, &profile("till", TILL));
    assert!(
        any.iter().any(|text| text.starts_with("NOT LINE: ") && text.contains("48 V")),
        "{any:?}"
    );
    assert!(any.iter().any(|text| text.starts_with("NOT DRAWER: ")), "{any:?}");
    let beside = "[[beside]]\nlabel = \"DRAWER 1\"\ntype = \"RJ12-6P6C\"\ncarries = \"+24V\"";
    let told = texts(
        &profile("box", &BOX.replace("RJ11-6P4C 1-4", "bare-wires 1-4")),
        &profile_with("till", TILL, beside),
    );
    assert_eq!(
        told,
        ["NOT DRAWER 1: the plug also goes into the DRAWER 1 socket of till, which carries +24V."]
    );
}
