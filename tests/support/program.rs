//! A program beside the test, followed by the lines it writes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::host::soon;

/// A running program; ends with this value.
pub struct Program {
    process: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    name: String,
}

impl Program {
    /// Starts it; its standard error is the test's.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{name}: {error}");
            });
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines: Some(lines), name }
    }

    /// Waits for the next line that holds each of these, and returns it.
    pub async fn writes(&mut self, wanted: &'static [&'static str]) -> String {
        let mut lines = self.lines.take().unwrap();
        let found = tokio::task::spawn_blocking(move || {
            let mut passed = Vec::new();
            for line in lines.by_ref().map_while(Result::ok) {
                if wanted.iter().all(|part| line.contains(part)) {
                    return (lines, Ok(line));
                }
                passed.push(line);
            }
            (lines, Err(passed))
        });
        let what = format!("{} writes {wanted:?}", self.name);
        let (lines, found) = soon(&what, found).await.unwrap();
        self.lines = Some(lines);
        match found {
            Ok(line) => line,
            Err(passed) => panic!("{what}: it has ended and written\n{}", passed.join("\n")),
        }
    }

    /// Waits for its good end.
    pub async fn ends_well(mut self) {
        let mut lines = self.lines.take().unwrap();
        let end = tokio::task::spawn_blocking(move || lines.by_ref().map_while(Result::ok).count());
        soon(&format!("{} ends", self.name), end).await.unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{} has failed: {status}", self.name);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
