//! Programs in Python beside the test: other people's implementations, asked line by line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The interpreter of the environment that `make test` has made. Without `make` it is made here;
/// where that cannot be done, says why.
pub fn interpreter() -> Option<String> {
    if let Ok(given) = std::env::var("TILLBUS_TEST_PYTHON") {
        return Some(given);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/python-client");
    let made = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    if !made.status.success() {
        println!("skipped: no Python environment (see above); `make test` makes one");
        return None;
    }
    Some(String::from_utf8(made.stdout).unwrap().trim().to_owned())
}

/// What a script in `tests/peers` answers to these lines, line by line; `None` without Python.
pub fn ask(script: &str, lines: &[String]) -> Option<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
    let mut process = Command::new(interpreter()?)
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    // Written beside the reading: both pipes are smaller than what goes through them.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}: {}", script.display(), output.status);
    let answers: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len(), "{}: an answer for each line", script.display());
    Some(answers)
}
