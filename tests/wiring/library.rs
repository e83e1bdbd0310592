//! The wirings that come with tillbus: each names who says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tillbus::profile::{CableFile, Catalogue, Profile, Status};
use tillbus::settings::File;
use tillbus::wiring::{Duty, Level, propose};

fn wirings() -> Vec<Profile> {
    let catalogue = Catalogue::built_in();
    let profiles = catalogue.ids().map(|id| catalogue.profile(id).unwrap().unwrap());
    let wirings: Vec<Profile> = profiles.filter(|profile| profile.connector.is_some()).collect();
    assert!(!wirings.is_empty());
    wirings
}

/// Why a profile's wiring may not be in the library.
fn complaint(profile: &Profile) -> Option<String> {
    let connector = profile.connector.as_ref()?;
    // A source is a document somebody else can open, not a word.
    if !profile.sources.iter().any(|source| source.len() >= 12) {
        return Some(format!("{}: a wiring without a source", profile.id));
    }
    if profile.status != Status::Untested && connector.view.is_none() {
        return Some(format!("{}: {:?} without a view", profile.id, profile.status));
    }
    let has = |duty: Duty| !connector.with_duty(duty).is_empty();
    if connector.level != Level::None && !has(Duty::Ground) && profile.status != Status::Untested {
        return Some(format!("{}: a serial line without a ground", profile.id));
    }
    None
}

#[test]
fn every_wiring_names_its_source() {
    let complaints: Vec<String> = wirings().iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_wiring_without_a_source_is_found() {
    for sources in [Vec::new(), vec!["internet".to_owned()]] {
        let mut profile = wirings().remove(0);
        profile.sources = sources;
        assert!(complaint(&profile).unwrap().ends_with("a wiring without a source"));
    }
}

#[test]
fn no_proposal_between_any_two_sockets_puts_power_where_it_must_not_go() {
    use tillbus::wiring::check::Kind;
    let wirings = wirings();
    for a in &wirings {
        for b in &wirings {
            let proposal = propose(a.socket().unwrap(), b.socket().unwrap());
            for problem in proposal.report.refusals() {
                let is_harmless = matches!(
                    problem.kind,
                    Kind::NoData
                        | Kind::NoCommonGround
                        | Kind::LevelMismatch
                        | Kind::FlowWithoutWires
                );
                assert!(is_harmless, "{} – {}: {}", a.id, b.id, problem.text);
            }
        }
    }
}

/// A cable that is found for two profiles, and the one that a document has for the same two.
type Pair = (&'static str, &'static str, &'static str, &'static [(u8, u8)]);

#[test]
fn real_pairs_contact_by_contact() {
    let catalogue = Catalogue::built_in();
    let profile = |id: &str| catalogue.profile(id).unwrap().unwrap();
    let pairs: &[Pair] = &[
        (
            "the console cable of philpem.me.uk/computer/serial_cable, but for the second ground",
            "host-rj45-cisco",
            "host-de9",
            &[(1, 8), (2, 6), (3, 2), (4, 5), (6, 3), (7, 4), (8, 7)],
        ),
        (
            "the null modem of Microsoft's aa913546, DCD bridged to DSR",
            "host-de9",
            "host-de9",
            &[(2, 3), (3, 2), (4, 6), (5, 5), (6, 4), (7, 8), (8, 7)],
        ),
        (
            "PSC's DE9S connector, made for a straight cord",
            "psc-9000e",
            "host-de9",
            &[(2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8)],
        ),
        (
            "MagTek's reader, named as its host: straight",
            "magtek-mini-micr",
            "host-de9",
            &[(2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8)],
        ),
        (
            "Digi's mating pins, but for the two DCD inputs",
            "host-rj45-digi",
            "host-de9",
            &[(1, 8), (2, 4), (4, 3), (5, 2), (6, 5), (7, 6), (8, 7)],
        ),
        (
            "the sign's RJ11 at a PC, as its own table has it",
            "m500n-sign",
            "host-de9",
            &[(2, 2), (3, 3), (4, 5)],
        ),
        (
            "the module's README, with a cable in the place of its ESP32",
            "gm812-module",
            "host-ttl-232r-3v3",
            &[(1, 2), (2, 4), (3, 3), (4, 1)],
        ),
    ];
    for (name, a, b, want) in pairs {
        let (a, b) = (profile(a), profile(b));
        let proposal = propose(a.socket().unwrap(), b.socket().unwrap());
        assert!(proposal.report.is_safe(), "{name}: {:#?}", proposal.report.problems);
        assert_eq!(super::bench::numbers(&proposal.cable), *want, "{name}");
    }
}

#[test]
fn a_drawing_has_both_plugs_as_one_works_on_them() {
    use tillbus::wiring::draw::{Label, draw};
    let catalogue = Catalogue::built_in();
    let (a, b) = ("m500n-sign", "host-de9");
    let profile = |id: &str| catalogue.profile(id).unwrap().unwrap();
    let (a, b) = (profile(a), profile(b));
    let cable = propose(a.socket().unwrap(), b.socket().unwrap()).cable;
    let label = |profile: &Profile| Label {
        title: profile.model.clone(),
        status: profile.status.word().to_owned(),
        sources: profile.sources.clone(),
    };
    let picture = draw(&cable, [&label(&a), &label(&b)]);
    // Where the numbers of a plug stand, from left to right, by the height of their row.
    let row = |size: &str, y: &str| -> Vec<u32> {
        let mut found: Vec<(i32, u32)> = picture
            .lines()
            .filter(|line| line.contains(&format!("y=\"{y}\"")) && line.contains(size))
            .filter_map(|line| {
                let x = line.split("x=\"").nth(1)?.split('"').next()?.parse().ok()?;
                let text = line.split('>').nth(1)?.split('<').next()?;
                Some((x, text.parse().ok()?))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, number)| number).collect()
    };
    let heights: BTreeSet<String> = picture
        .lines()
        .filter_map(|line| Some(line.split(" y=\"").nth(1)?.split('"').next()?.to_owned()))
        .collect();
    let rows = |size: &str| -> Vec<Vec<u32>> {
        heights.iter().map(|y| row(size, y)).filter(|row| row.len() > 2).collect()
    };
    // RJ11 onto its contacts, cable down: 2 at the left. The holes of a female DE-9 run from the right
    // where one looks into them, so from the solder side from the left.
    assert!(rows("font-size=\"14\"").contains(&vec![2, 3, 4, 5]), "{:?}", rows("font-size=\"14\""));
    let cups = rows("font-size=\"12\"");
    assert!(cups.contains(&vec![1, 2, 3, 4, 5]) && cups.contains(&vec![6, 7, 8, 9]), "{cups:?}");
    for colour in ["black", "red", "green"] {
        assert_eq!(picture.matches(&format!(">{colour}</text>")).count(), 2, "{colour}");
    }
    assert!(picture.contains("-5V, leave open") && picture.contains("NOT LINE"), "warned");
}

#[test]
fn a_source_that_may_count_from_the_other_side_is_told_of() {
    use tillbus::wiring::check::Kind;
    let catalogue = Catalogue::built_in();
    let profile = |id: &str| catalogue.profile(id).unwrap().unwrap();
    let words = "RJ11-6P4C 1-4 DTE rs232: 1 TXD, 2 GND, 3 supply +5V 500, 4 RXD";
    let mut till = super::bench::profile("till", words);
    till.status = Status::Untested;
    till.connector.as_mut().unwrap().view = None;
    let words = "RJ11-6P4C 1-4 DTE rs232: 1 RXD, 2 GND, 3 draw +5V 300, 4 TXD";
    let device = super::bench::profile("box", words);
    let proposal = propose(device.socket().unwrap(), till.socket().unwrap());
    assert!(proposal.report.is_safe());
    let mirror = proposal.report.problems.iter().find(|problem| problem.kind == Kind::Mirror);
    let text = &mirror.expect("5 V would be on ground").text;
    assert!(text.contains("from the other side") && text.contains("Short circuit"), "{text}");
    let (known, pc) = (profile("host-rj45-cisco"), profile("host-de9"));
    let proposal = propose(known.socket().unwrap(), pc.socket().unwrap());
    assert!(!proposal.report.has(Kind::Mirror));
}

#[test]
fn the_cable_file_of_the_page_is_accepted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-docs/wiring.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (text, _) = example.split_once("```\n").unwrap();
    let read = |text: &str| {
        let file = File { name: "cable.toml".to_owned(), text: text.to_owned() };
        let parsed = file.parse().unwrap();
        let read = CableFile::read(&parsed.root());
        read.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let cable = read(text).unwrap();
    assert_eq!(cable.plan.wires, [(1, 3), (2, 5), (4, 2)]);
    assert_eq!(cable.plan.bridges.len(), 1);
    for (name, from, to, want) in [
        (
            "a wire to nowhere",
            "\"2-5\"",
            "\"2\"",
            r#"cable.toml:4:16: `wires` has "2"; accepted are two numbers of contacts, such as "3-2""#,
        ),
        (
            "a cord and wires",
            "flow         =",
            "cord         = \"straight\"\nflow         =",
            "cable.toml:4:16: `wires` beside a cord or an adapter; accepted is either how the wires run one by one, or what the cable is made of",
        ),
        (
            "an adapter near one",
            "wires        = [\"1-3\", \"2-5\", \"4-2\"]",
            "adapter      = \"cisco-consol\"",
            r#"cable.toml:4:16: no adapter is called "cisco-consol"; did you mean `cisco-console`? (accepted: cisco-console, cisco-terminal, db25-de9, digi-de9f, eia-561-de9m, null-modem)"#,
        ),
        (
            "no end",
            "from         =",
            "form         =",
            "cable.toml:1:1: `from` is missing in cable; accepted is a string\ncable.toml:2:1: unknown key `form` in cable; did you mean `from`? (accepted: adapter, bridges-from, bridges-to, cord, flow, from, to, wires)",
        ),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{name}");
        assert_eq!(read(&changed).unwrap_err(), want, "{name}");
    }
}

#[test]
fn drawings_are_whole_and_the_same_each_time() {
    use tillbus::wiring::draw::{Label, draw};
    let wirings = wirings();
    for a in &wirings {
        let b = &wirings[0];
        let cable = propose(a.socket().unwrap(), b.socket().unwrap()).cable;
        let label = |profile: &Profile| Label {
            title: profile.model.clone(),
            status: profile.status.word().to_owned(),
            sources: profile.sources.clone(),
        };
        let picture = draw(&cable, [&label(a), &label(b)]);
        assert_eq!(picture, draw(&cable, [&label(a), &label(b)]));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{}", a.id);
        for number in a.connector.as_ref().unwrap().pins.keys() {
            assert!(picture.contains(&format!(">{number}</text>")), "{} {number}", a.id);
        }
    }
}
