//! The profiles in `profiles/`: every one is compiled in and nothing is wrong with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tillbus::profile::{Catalogue, Profile, Status};
use tillbus::settings::File;
use tillbus::wiring::{Connector, Counting, Gender, Level, Pin, Rail, Role, Shape, Signal};

use super::shop::{PROFILE, but};

#[test]
fn every_file_is_compiled_in_and_right() {
    let catalogue = Catalogue::built_in();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let files: BTreeSet<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".toml").unwrap_or(&name).to_owned())
        .collect();
    assert!(!files.is_empty());
    assert_eq!(files, catalogue.ids().map(str::to_owned).collect());
    for id in &files {
        let profile = catalogue.profile(id).unwrap().unwrap();
        assert_eq!(&profile.id, id);
    }
}

#[test]
fn the_generic_ones_promise_nothing() {
    for (id, bauds) in [
        ("generic-line-scanner", &[9600][..]),
        ("generic-line-scanner-auto", &[9600, 115_200, 19_200, 38_400]),
    ] {
        let profile = Catalogue::built_in().profile(id).unwrap().unwrap();
        assert_eq!(profile.status, Status::Untested);
        assert_eq!((profile.connector, profile.sources), (None, Vec::new()));
        assert_eq!(profile.line.bauds, bauds);
        assert_eq!(profile.protocol.unwrap().info.name, "line-scanner");
    }
}

#[test]
fn an_unknown_id_is_nothing() {
    assert!(Catalogue::built_in().profile("no-such").unwrap().is_none());
}

fn connector(text: &str) -> Connector {
    let file = File { name: "profile".to_owned(), text: text.to_owned() };
    let document = file.parse().unwrap();
    Profile::read(&document.root(), "example-box").unwrap().connector.unwrap()
}

#[test]
fn a_connector_is_read_contact_by_contact() {
    let rail = Rail { millivolts: 5000 };
    let pins = [
        (1, Pin::Signal(Signal::Txd)),
        (2, Pin::Signal(Signal::Gnd)),
        (3, Pin::Supply { rail, max_milliamperes: Some(500) }),
        (4, Pin::Signal(Signal::Rxd)),
    ];
    let expected = Connector {
        shape: Shape::Rj11,
        gender: None,
        view: Some("socket front, clip down".to_owned()),
        mirrored: false,
        counting: Some(Counting { first: 1, last: 4 }),
        role: Role::Dce,
        level: Level::Rs232,
        pins: pins.into(),
        wires: [].into(),
    };
    assert_eq!(connector(PROFILE), expected);
}

#[test]
fn voltages() {
    for (text, millivolts) in
        [("+5V", 5000), ("+3V3", 3300), ("-12V", -12_000), ("+24V", 24_000), ("+0V5", 500)]
    {
        let draw = format!("{{ draw = {text:?} }}");
        let found = connector(&but(PROFILE, "{ supply = \"+5V\", max-ma = 500 }", &draw));
        let rail = Rail { millivolts };
        assert_eq!(found.pins[&3], Pin::Draw { rail, milliamperes: None });
    }
}

#[test]
fn an_untested_profile_may_leave_open_what_its_source_leaves_open() {
    let text = PROFILE
        .replace("documented", "untested")
        .replace("view = \"socket front, clip down\"\n", "")
        .replace("counting = \"1-4\"\n", "")
        .replace("RJ11-6P4C", "DE9");
    let found = connector(&text);
    assert_eq!((found.shape, found.gender, found.counting), (Shape::De9, None, None));
    let text = but(&text, "level =", "gender = \"female\"\nlevel =");
    assert_eq!(connector(&text).gender, Some(Gender::Female));
}
