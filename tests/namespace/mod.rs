//! Tests that need paths of the system for themselves: they run again in a mount namespace.

use std::env;
use std::process::Command;

const INSIDE: &str = "TILLBUS_TEST_INSIDE";

/// Runs the named test of this file again in a mount namespace with an empty `/run`; true where
/// this already is that run.
pub(crate) fn inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    // Root needs no user namespace, and anybody else may have one on Debian.
    let unshare: &[&str] = if nix::unistd::geteuid().is_root() {
        &["--mount"]
    } else {
        &["--mount", "--map-root-user"]
    };
    let possible = Command::new("unshare").args(unshare).arg("true").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("skipped: this user may not make a mount namespace");
        return false;
    }
    let output = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", r#"mount -t tmpfs tmpfs /run && exec "$0" "$@""#])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .env_remove("JOURNAL_STREAM")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}
