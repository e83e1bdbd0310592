//! What `make install-data` puts where, and that the tools which will read it accept it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Everything that needs no build, installed below a directory of its own with prefix `/usr`.
fn installed() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // A `make test` above us would hand its own variables and job server down.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .args(["--silent", "install-data", "prefix=/usr"])
        .arg(format!("DESTDIR={}", directory.path().display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    directory
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Whether the program is there to check with; says so where it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no {program}");
    }
    found
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_is_where_distributions_look_and_readable_by_all() {
    let root = installed();
    for path in [
        "lib/systemd/system/tillbusd.service",
        "lib/systemd/system/tillbusd-udev.socket",
        "lib/sysusers.d/tillbus.conf",
        "lib/tmpfiles.d/tillbus.conf",
        "lib/udev/rules.d/70-tillbus.rules",
        "share/dbus-1/system.d/org.tillbus1.conf",
        "share/dbus-1/system-services/org.tillbus1.service",
        "share/doc/tillbus/README.md",
        "share/licenses/tillbus/LICENSE-APACHE",
        "share/licenses/tillbus/LICENSE-MIT",
        "share/man/man5/tillbus.toml.5",
        "share/tillbus/profiles/generic-line-scanner.toml",
    ] {
        assert!(root.path().join("usr").join(path).is_file(), "{path} is missing");
    }
    for file in files_below(root.path()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{}", file.display());
    }
}

#[test]
fn systemd_accepts_the_units_and_finds_them_hardened() {
    if !has("systemd-analyze") {
        return;
    }
    let root = installed();
    let units = root.path().join("usr/lib/systemd/system");
    // Only its presence is looked at.
    let daemon = root.path().join("tillbusd");
    fs::write(&daemon, "").unwrap();
    fs::set_permissions(&daemon, PermissionsExt::from_mode(0o755)).unwrap();
    let service = units.join("tillbusd.service");
    let original = fs::read_to_string(&service).unwrap();
    let exec = format!("ExecStart={}", daemon.display());
    fs::write(&service, original.replace("ExecStart=/usr/sbin/tillbusd", &exec)).unwrap();
    assert_ne!(fs::read_to_string(&service).unwrap(), original);

    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args([&service, &units.join("tillbusd-udev.socket")])
        .output()
        .unwrap();
    assert!(verify.status.success() && text(&verify).is_empty(), "{}", text(&verify));
    let security = Command::new("systemd-analyze")
        .args(["security", "--no-pager", "--offline=true", "--threshold=10"])
        .arg(&service)
        .output()
        .unwrap();
    assert!(security.status.success(), "{}", text(&security));
}

#[test]
fn nothing_of_the_daemon_reaches_a_disk_by_way_of_its_memory() {
    let unit = include_str!("../systemd/tillbusd.service");
    let value = |name: &str| {
        let values = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let values: Vec<&str> = values.collect();
        assert_eq!(values.len(), 1, "{name}= {values:?}");
        values.concat()
    };
    assert_eq!([value("MemorySwapMax"), value("LimitCORE")], ["0", "0"]);
    // The events that are kept, of which each byte may cost two: slots double in size.
    let locked = value("LimitMEMLOCK");
    let locked = locked.strip_suffix('M').unwrap();
    let locked = locked.parse::<usize>().unwrap() << 20;
    assert!(locked >= 4 * tillbus::store::BYTES, "{locked}");
}

#[test]
fn sysusers_makes_the_user_and_the_group() {
    if !has("systemd-sysusers") {
        return;
    }
    let root = installed();
    fs::create_dir(root.path().join("etc")).unwrap();
    let output = Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.path().display()))
        .arg("tillbus.conf")
        .output()
        .unwrap();
    if !output.status.success() && !nix::unistd::geteuid().is_root() {
        println!("skipped: only root may write the user database of a directory");
        return;
    }
    assert!(output.status.success(), "{}", text(&output));
    let read = |name| fs::read_to_string(root.path().join("etc").join(name)).unwrap();
    assert!(read("passwd").starts_with("tillbusd:"), "{}", read("passwd"));
    assert!(read("passwd").contains(":/var/lib/tillbus:/usr/sbin/nologin"), "{}", read("passwd"));
    assert!(read("group").lines().any(|line| line.starts_with("tillbus:")), "{}", read("group"));
}

#[test]
fn the_units_program_follows_the_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let status = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .args(["--silent", "install-data", "prefix=/opt/tillbus"])
        .arg(format!("DESTDIR={}", directory.path().display()))
        .status()
        .unwrap();
    assert!(status.success());
    let unit = directory.path().join("opt/tillbus/lib/systemd/system/tillbusd.service");
    let unit = fs::read_to_string(unit).unwrap();
    assert!(unit.contains("ExecStart=/opt/tillbus/sbin/tillbusd"), "{unit}");
}

#[test]
fn udev_accepts_the_rules_where_it_can_be_asked() {
    let root = installed();
    let rules = root.path().join("usr/lib/udev/rules.d/70-tillbus.rules");
    // `verify` came with systemd 254.
    let known = Command::new("udevadm").args(["verify", "--help"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: this udevadm cannot verify");
        return;
    }
    let output = Command::new("udevadm").arg("verify").arg(rules).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn no_rule_names_a_vendor_of_adapter_chips() {
    let rules = include_str!("../udev/70-tillbus.rules");
    for (chip, vendor) in
        [("FTDI", "0403"), ("CP210x", "10c4"), ("PL2303", "067b"), ("CH340", "1a86")]
    {
        let rule = format!("ATTR{{idVendor}}==\"{vendor}\"");
        assert!(!rules.contains(&rule), "{chip} is an adapter, not a device");
    }
}
