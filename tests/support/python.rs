//! Programs in Python beside the test: other people's implementations, asked line by line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value as Json;

/// The interpreter of the environment that `make test` has made. Without `make` it is made here;
/// where that cannot be done, says why.
pub fn interpreter() -> Option<String> {
    // Tests that run side by side must not make it side by side.
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND.get_or_init(make).clone()
}

fn make() -> Option<String> {
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
    let answers = answer(&mut command(script)?, lines.join("\n") + "\n");
    let answers: Vec<String> =
        String::from_utf8(answers).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len(), "{script}: an answer for each line");
    Some(answers)
}

/// What a script in `tests/peers` answers, JSON in, JSON out; `None` without Python.
pub fn ask_json(script: &str, questions: &Json) -> Option<Json> {
    Some(json_answer(&mut command(script)?, questions))
}

/// What a program answers, JSON in, JSON out.
pub fn json_answer(command: &mut Command, questions: &Json) -> Json {
    serde_json::from_slice(&answer(command, questions.to_string())).unwrap()
}

fn command(script: &str) -> Option<Command> {
    let mut command = Command::new(interpreter()?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script));
    Some(command)
}

fn answer(command: &mut Command, text: String) -> Vec<u8> {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    // Written beside the reading: both pipes are smaller than what goes through them.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    output.stdout
}
