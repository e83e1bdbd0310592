//! What comes over what: files, profiles, a device's own settings, rights.

use std::time::Duration;

use tillbus::config::{Match, Principal};
use tillbus::event::Role;
use tillbus::profile::{Flow, Line, Parity, Status};
use tillbus::protocol::Kind;

use super::shop::{DEVICE, PROFILE, Shop, but};

fn on_the_example(more: &str) -> String {
    format!("{}{more}", but(DEVICE, "generic-line-scanner", "example-box"))
}

fn group(name: &str) -> Principal {
    Principal::Group(name.to_owned())
}

fn user(name: &str) -> Principal {
    Principal::User(name.to_owned())
}

#[test]
fn a_device_is_its_profile_and_its_own_words() {
    let shop = Shop::with(&on_the_example("")).file("etc/example-box.toml", PROFILE);
    let config = shop.load().unwrap();
    let [device] = config.devices.as_slice() else { panic!("{config:?}") };
    assert_eq!((device.name.as_str(), device.lane.as_str()), ("lane1-box", "1"));
    assert_eq!(device.role, Role::Payment);
    assert_eq!(device.matches, Match::Tty("/dev/ttyS1".into()));
    assert_eq!((device.profile.as_str(), device.status), ("example-box", Status::Documented));
    assert_eq!((device.vendor.as_str(), device.model.as_str()), ("Example", "B-1"));
    assert_eq!((device.kind, device.protocol.name), (Kind::Scanner, "line-scanner"));
    let line = Line {
        bauds: vec![9600, 115_200],
        data_bits: 7,
        parity: Parity::Even,
        stop_bits: 2,
        flow: Flow::RtsCts,
    };
    assert_eq!(device.line, line);
    assert_eq!(device.encodings, [encoding_rs::UTF_8, encoding_rs::GB18030]);
    assert_eq!(device.duplicate_window, Duration::from_millis(700));
    assert_eq!(device.access, config.access);
    assert!(!device.simulated);
}

#[test]
fn a_device_overrides_its_profile_key_by_key() {
    let own = "duplicate-window-ms = 0\n[device.line]\nbaud = 19200\nflow = \"none\"\n\
               [device.protocol]\nencoding = \"Shift-JIS\"\n";
    let shop = Shop::with(&on_the_example(own)).file("etc/example-box.toml", PROFILE);
    let device = shop.load().unwrap().devices.remove(0);
    let line = Line {
        bauds: vec![19_200],
        data_bits: 7,
        parity: Parity::Even,
        stop_bits: 2,
        flow: Flow::None,
    };
    assert_eq!(device.line, line);
    assert_eq!(device.encodings, [encoding_rs::SHIFT_JIS]);
    assert_eq!(device.duplicate_window, Duration::ZERO);
}

/// The profile's suffix is CR; whether the options of the device reached the protocol shows in what
/// it takes for the end of a code.
#[test]
fn a_device_overrides_the_options_of_the_protocol() {
    for (own, ends) in [("", b'\r'), ("[device.protocol]\nsuffix = \"ETX\"\n", 3)] {
        let shop = Shop::with(&on_the_example(own)).file("etc/example-box.toml", PROFILE);
        let device = shop.load().unwrap().devices.remove(0);
        for byte in [b'\r', 3] {
            let mut protocol = (device.factory)();
            let mut out = tillbus::protocol::Output::default();
            let bytes = [b'1', b'2', byte];
            let input = tillbus::protocol::Input::Bytes(&bytes);
            protocol.receive(tillbus::event::Timestamp(1), input, &mut out);
            assert_eq!(out.is_empty(), byte != ends, "{own:?} {byte}");
        }
    }
}

/// The profile's `suffix` is an option of the protocol it was written for; under another one that the
/// device names, only the device's own options count.
#[test]
fn a_device_that_names_another_protocol_takes_none_of_the_profile_s_options() {
    let profile = but(PROFILE, "suffix = \"CR\"", "suffix = \"ETX\"");
    let own = "[device.protocol]\nname = \"grow-gm65\"\n";
    let shop = Shop::with(&on_the_example(own)).file("etc/example-box.toml", &profile);
    let device = shop.load().unwrap().devices.remove(0);
    assert_eq!(device.protocol.name, "grow-gm65");
    assert_eq!(device.encodings, [encoding_rs::UTF_8]);
    let mut protocol = (device.factory)();
    let mut out = tillbus::protocol::Output::default();
    let input = tillbus::protocol::Input::Bytes(b"12\r");
    protocol.receive(tillbus::event::Timestamp(1), input, &mut out);
    assert!(!out.is_empty(), "CR ends a code unless the device says otherwise");
}

#[test]
fn a_directory_of_profiles_overrides_the_one_before_and_what_is_built_in() {
    let profile = |vendor: &str| {
        let text = but(PROFILE, "\"example-box\"", "\"generic-line-scanner\"");
        but(&text, "\"Example\"", &format!("{vendor:?}"))
    };
    let vendor = |shop: &Shop| shop.load().unwrap().devices.remove(0).vendor;
    let shop = Shop::with(DEVICE);
    assert_eq!(vendor(&shop), "Generic");
    let shop = shop.file("share/generic-line-scanner.toml", profile("Distribution"));
    assert_eq!(vendor(&shop), "Distribution");
    let shop = shop.file("etc/generic-line-scanner.toml", profile("Shop"));
    assert_eq!(vendor(&shop), "Shop");
    // What is overridden is not read, so it may as well be wrong.
    let shop = shop.file("share/generic-line-scanner.toml", "[profile");
    assert_eq!(vendor(&shop), "Shop");
}

#[test]
fn drop_ins_are_read_by_name_after_the_main_file() {
    let device = |name: &str, port: &str| {
        but(&but(DEVICE, "lane1-box", name), "/dev/ttyS1", &format!("/dev/{port}"))
    };
    let shop = Shop::with(&device("main", "ttyS0"))
        .file("tillbus.toml.d/20-b.toml", device("b", "ttyS2"))
        .file("tillbus.toml.d/10-a.toml", device("a", "ttyS1"))
        .file("tillbus.toml.d/9.toml", device("nine", "ttyS3"))
        .file("tillbus.toml.d/.hidden.toml", "[[")
        .file("tillbus.toml.d/10-a.toml.bak", "[[");
    let names: Vec<_> = shop.load().unwrap().devices.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["main", "a", "b", "nine"]);
}

#[test]
fn a_device_of_the_same_name_in_a_drop_in_is_refused_with_both_places() {
    let other = but(DEVICE, "/dev/ttyS1", "/dev/ttyS2");
    let shop = Shop::with(DEVICE).file("tillbus.toml.d/10.toml", other);
    assert_eq!(
        shop.load().unwrap_err(),
        "tillbus.toml.d/10.toml:3:8: `name` is \"lane1-box\", which the device at \
         tillbus.toml:3:8 has already; accepted is a name of its own"
    );
}

#[test]
fn rights_fall_from_file_to_file_to_device() {
    let main = "[access]\nscan = \"group:staff\"\ncard = [\"user:checkout\", \"group:cards\"]\n";
    let device = format!("{DEVICE}[device.access]\ncard = []\nadmin = \"user:boss\"\n");
    let shop = Shop::with(main)
        .file("tillbus.toml.d/10.toml", "[access]\nscan = \"user:checkout\"\n")
        .file("tillbus.toml.d/20.toml", device);
    let config = shop.load().unwrap();
    assert_eq!(config.access.scan, [user("checkout")]);
    assert_eq!(config.access.card, [user("checkout"), group("cards")]);
    assert!(config.access.admin.is_empty());
    let own = &config.devices[0].access;
    assert_eq!(own.scan, [user("checkout")]);
    assert!(own.card.is_empty(), "a device may take a right away");
    assert_eq!(own.admin, [user("boss")]);
}

#[test]
fn without_a_word_only_the_group_may_scan() {
    let access = Shop::with(DEVICE).load().unwrap().access;
    assert_eq!(access.scan, [group("tillbus")]);
    let none = [access.payment_code, access.card, access.terminal, access.refund];
    assert!(none.iter().all(Vec::is_empty));
    assert!([access.close, access.resolve, access.admin].iter().all(Vec::is_empty));
}

#[test]
fn every_kind_of_match() {
    let usb = |serial: Option<&str>, interface| Match::Usb {
        vendor: 0x0C2E,
        product: 0x0B6A,
        serial: serial.map(str::to_owned),
        interface,
    };
    let path = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0";
    let rows = [
        (format!("{{ path = {path:?} }}"), Match::Path(path.into())),
        ("{ tty = \"/dev/ttyS0\" }".to_owned(), Match::Tty("/dev/ttyS0".into())),
        ("{ pty = \"/run/box\" }".to_owned(), Match::Pty("/run/box".into())),
        ("{ usb = \"0c2E:0b6a\" }".to_owned(), usb(None, None)),
        (
            "{ usb = \"0c2e:0b6a\", serial = \"A 1\", interface = 2 }".to_owned(),
            usb(Some("A 1"), Some(2)),
        ),
    ];
    for (text, expected) in rows {
        let shop = Shop::with(&but(DEVICE, "{ tty = \"/dev/ttyS1\" }", &text));
        let device = shop.load().unwrap().devices.remove(0);
        assert_eq!(device.matches, expected);
        assert_eq!(device.simulated, matches!(expected, Match::Pty(_)));
    }
}

/// On reload, a device that is equal keeps its session: everything that makes a difference has to
/// be in the comparison, and nothing else.
#[test]
fn devices_are_equal_where_nothing_that_makes_them_has_changed() {
    let load = |main: &str, profile: &str| {
        Shop::with(main).file("etc/example-box.toml", profile).load().unwrap()
    };
    let main = on_the_example("[device.line]\nbaud = 19200\n");
    let (was, before) = (load(&main, PROFILE), main.clone());
    let same = [
        (
            main.replace("lane = \"1\"\nrole = \"payment\"", "role='payment'\nlane =   '1'"),
            PROFILE.to_owned(),
        ),
        (format!("# a note\n{main}"), format!("{PROFILE}\n# a note\n")),
        (main.clone(), but(PROFILE, "\"utf-8\", \"gb18030\"", "\n  \"utf-8\",\n  \"gb18030\",\n")),
        (main.clone(), but(PROFILE, "[9600, 115200]", "1200")),
        (main.clone(), but(PROFILE, "4 = \"RXD\"", "4 = \"NC\"")),
    ];
    for (main, profile) in same {
        assert_ne!((main.as_str(), profile.as_str()), (before.as_str(), PROFILE), "no change");
        assert_eq!(was, load(&main, &profile), "{main}\n{profile}");
    }
    let other = [
        (but(&main, "lane1-box", "lane1-gun"), PROFILE.to_owned()),
        (but(&main, "\"1\"", "\"2\""), PROFILE.to_owned()),
        (but(&main, "payment", "both"), PROFILE.to_owned()),
        (but(&main, "ttyS1", "ttyS2"), PROFILE.to_owned()),
        (but(&main, "19200", "38400"), PROFILE.to_owned()),
        (
            main.replace("[device.line]", "duplicate-window-ms = 1\n[device.line]"),
            PROFILE.to_owned(),
        ),
        (format!("{main}[device.access]\nadmin = \"user:a\"\n"), PROFILE.to_owned()),
        (format!("{main}[access]\nadmin = \"user:a\"\n"), PROFILE.to_owned()),
        (format!("{main}[device.protocol]\naim = \"off\"\n"), PROFILE.to_owned()),
        (main.clone(), but(PROFILE, "stop-bits = 2", "stop-bits = 1")),
        (main.clone(), but(PROFILE, "suffix = \"CR\"", "suffix = \"LF\"")),
        (main.clone(), but(PROFILE, "\"gb18030\"", "\"big5\"")),
        (main.clone(), but(PROFILE, "\"B-1\"", "\"B-2\"")),
        (main.clone(), but(PROFILE, "\"documented\"", "\"reported\"")),
    ];
    for (main, profile) in other {
        assert_ne!(was, load(&main, &profile), "{main}\n{profile}");
    }
}
