//! The wirings that come with tillbus: each names who says so.

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
            r#"cable.toml:4:16: no adapter is called "cisco-consol"; did you mean `cisco-console`? (accepted: cisco-console, cisco-terminal, db25-de9, eia-561-de9m, null-modem)"#,
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
