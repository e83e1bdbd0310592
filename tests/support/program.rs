//! A program beside the test, followed by the lines it writes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::sync::mpsc;

use super::host::{PATIENCE, soon};

/// A running program; ends with this value.
pub struct Program {
    process: Child,
    lines: mpsc::UnboundedReceiver<String>,
    name: String,
}

impl Program {
    /// Starts it; its standard error is the test's.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may have ended; the program is still to be read to its end.
                let _ = sender.send(line);
            }
        });
        Self { process, lines, name }
    }

    /// Waits for the next line that holds each of these, and returns it.
    pub async fn writes(&mut self, wanted: &[&str]) -> String {
        let mut passed = Vec::new();
        let search = async {
            while let Some(line) = self.lines.recv().await {
                if wanted.iter().all(|part| line.contains(part)) {
                    return Some(line);
                }
                passed.push(line);
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, search).await.ok().flatten();
        found.unwrap_or_else(|| {
            panic!("{} writes {wanted:?}: not so, but\n{}", self.name, passed.join("\n"))
        })
    }

    /// Whether it has written a line that holds this; the lines before it are passed over.
    pub fn has_written(&mut self, wanted: &str) -> bool {
        std::iter::from_fn(|| self.lines.try_recv().ok()).any(|line| line.contains(wanted))
    }

    /// Waits for its good end.
    pub async fn ends_well(mut self) {
        let end = async { while self.lines.recv().await.is_some() {} };
        soon(&format!("{} ends", self.name), end).await;
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
