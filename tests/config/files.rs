//! Files that are not there, cannot be read, or are no text.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tillbus::config::Config;

use super::shop::{DEVICE, Shop, reads_everything};

#[test]
fn no_file_is_an_empty_configuration() {
    assert_eq!(Shop::new().load(), Ok(Config::default()));
    assert_eq!(Shop::with("").load(), Ok(Config::default()));
}

#[test]
fn drop_ins_alone_are_enough() {
    let shop = Shop::new().file("tillbus.toml.d/10.toml", DEVICE);
    assert_eq!(shop.load().unwrap().devices.len(), 1);
}

#[test]
fn a_directory_in_place_of_a_file_is_told_of() {
    let shop = Shop::new();
    fs::create_dir(shop.path("tillbus.toml")).unwrap();
    assert_eq!(
        shop.load().unwrap_err(),
        "tillbus.toml:1:1: cannot be read: Is a directory (os error 21)"
    );
}

#[test]
fn files_in_place_of_directories_are_told_of() {
    let shop = Shop::with(DEVICE).file("tillbus.toml.d", "").file("etc", "");
    assert_eq!(
        shop.load().unwrap_err(),
        "etc:1:1: cannot be read: Not a directory (os error 20)\n\
         tillbus.toml.d:1:1: cannot be read: Not a directory (os error 20)"
    );
}

#[test]
fn a_file_we_may_not_read_is_told_of() {
    for path in ["tillbus.toml", "tillbus.toml.d/10.toml", "etc/example-box.toml"] {
        let shop = Shop::new().file(path, "");
        fs::set_permissions(shop.path(path), fs::Permissions::from_mode(0o000)).unwrap();
        if reads_everything(&shop.path(path)) {
            println!("skipped: this user reads files whatever their mode");
            return;
        }
        let expected = format!("{path}:1:1: cannot be read: Permission denied (os error 13)");
        assert_eq!(shop.load().unwrap_err(), expected);
    }
}

#[test]
fn a_byte_that_is_no_text_is_told_of_with_its_place() {
    let shop = Shop::new().file("tillbus.toml", b"# Kasse\n# K\xC3\xA4se \xE4\n");
    assert_eq!(
        shop.load().unwrap_err(),
        "tillbus.toml:2:8: byte E4 is not UTF-8; accepted is UTF-8"
    );
}

#[test]
fn a_wrong_profile_is_told_of_once_however_many_devices_ask_for_it() {
    let device = |name: &str| {
        DEVICE
            .replace("lane1-box", name)
            .replace("ttyS1", name)
            .replace("generic-line-scanner", "b")
    };
    let shop = Shop::with(&(device("one") + &device("two"))).file("etc/b.toml", "[profile\n");
    assert_eq!(shop.load().unwrap_err(), "etc/b.toml:1:9: unclosed table, expected `]`");
}

#[test]
fn a_wrong_profile_is_told_of_though_no_device_asks_for_it() {
    let shop = Shop::with(DEVICE).file("share/b.toml", "[profile\n");
    assert_eq!(shop.load().unwrap_err(), "share/b.toml:1:9: unclosed table, expected `]`");
}
