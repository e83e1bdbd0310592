//! The man page and the page on profiles say what the daemon accepts.

use std::fs;
use std::path::Path;

use tillbus::profile::Profile;
use tillbus::settings::File;

use super::shop::{DEVICE, PROFILE, Shop, but};

fn document(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The keys that an error about an unknown key offers.
fn offered(error: &str) -> Vec<&str> {
    let (_, keys) = error.split_once("accepted: ").expect(error);
    keys.trim_end_matches(')').split(", ").collect()
}

/// Where the keys of a table are wanted, by an unknown key in it.
fn keys_of(text: &str) -> Vec<String> {
    let shop = Shop::new().file("tillbus.toml", text);
    let error = shop.load().unwrap_err();
    offered(&error).into_iter().map(str::to_owned).collect()
}

#[test]
fn the_man_page_has_every_key() {
    let page = document("man/tillbus.toml.5");
    let usb = but(DEVICE, "tty = \"/dev/ttyS1\"", "usb = \"0c2e:0b6a\", zzzzzz = 1");
    let tables = [
        "zzzzzz = 1\n".to_owned(),
        format!("{DEVICE}zzzzzz = 1\n"),
        format!("{DEVICE}[device.line]\nzzzzzz = 1\n"),
        format!("{DEVICE}[device.protocol]\nzzzzzz = 1\n"),
        "[access]\nzzzzzz = 1\n".to_owned(),
        "[cards]\nzzzzzz = 1\n".to_owned(),
        "[content]\nzzzzzz = 1\n".to_owned(),
        usb,
    ];
    let mut keys: Vec<String> = tables.iter().flat_map(|text| keys_of(text)).collect();
    assert!(keys.len() > 20, "{keys:?}");
    keys.retain(|key| {
        let shown = key.replace('-', "\\-");
        let bold = [format!("\\fB{shown}\\fR"), format!(".B {shown}\n"), format!("[[{shown}]]")];
        let table = format!("[{shown}]");
        let assigned = format!("{shown} = ");
        !bold.iter().chain([&table, &assigned]).any(|form| page.contains(form))
    });
    assert!(keys.is_empty(), "man/tillbus.toml.5 lacks {keys:?}");
}

#[test]
fn the_example_of_the_man_page_is_accepted() {
    let page = document("man/tillbus.toml.5");
    let (_, example) = page.split_once(".EX\n").unwrap();
    let (example, _) = example.split_once(".EE\n").unwrap();
    let config = Shop::with(&example.replace("\\-", "-")).load().unwrap();
    assert_eq!((config.devices.len(), config.routes.len()), (3, 1));
    assert_eq!(config.devices[0].line.bauds, [115_200]);
}

#[test]
fn the_example_of_the_page_on_profiles_is_accepted() {
    let page = document("protocol-docs/profiles.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (text, _) = example.split_once("```\n").unwrap();
    let file = File { name: "profiles.md".to_owned(), text: text.to_owned() };
    let parsed = file.parse().unwrap();
    let profile = Profile::read(&parsed.root(), "example-box").unwrap();
    assert_eq!(profile.connector.unwrap().pins.len(), 4);
}

#[test]
fn the_page_on_profiles_has_every_word() {
    let page = document("protocol-docs/profiles.md");
    let connector = |from: &str| {
        let shop = Shop::new().file("etc/example-box.toml", but(PROFILE, from, "\"?\""));
        offered(&shop.load().unwrap_err()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let wrong =
        ["\"RJ11-6P4C\"", "\"DCE\"", "\"rs232\"", "\"GND\"", "\"scanner\"", "\"documented\""];
    let mut words: Vec<String> = wrong.into_iter().flat_map(connector).collect();
    assert!(words.len() > 30, "{words:?}");
    // The sizes in between are written as a range.
    words.retain(|word| !word.starts_with("mini-DIN-") || matches!(&word[9..], "3" | "9"));
    words.retain(|word| !page.contains(&format!("`{word}`")));
    assert!(words.is_empty(), "protocol-docs/profiles.md lacks {words:?}");
}
