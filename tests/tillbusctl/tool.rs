//! A `tillbusctl` of our own: what it says, line by line, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::support::host::{Bus, soon};

/// A command under way; it is ended with this value.
pub struct Tool {
    process: Child,
    input: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
    errors: Option<oneshot::Receiver<String>>,
    name: String,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: Option<i32>,
    /// The lines not taken before.
    pub output: Vec<String>,
    /// All of standard error.
    pub errors: String,
}

/// The program, for a command that needs more than arguments.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbusctl"));
    // Neither the tester's own buses nor their taste in colours.
    command
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env("TZ", "UTC");
    command
}

impl Tool {
    /// Starts a command on a bus.
    pub fn on(bus: &Bus, arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["--address", bus.address()]).args(arguments);
        Self::start(command)
    }

    /// Starts a command without any bus.
    pub fn alone(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(arguments);
        Self::start(command)
    }

    /// Starts a command.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = format!("{command:?}");
        let mut process = command.spawn().expect("tillbusctl is built");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut stderr = process.stderr.take().unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let (said, errors) = oneshot::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            let _ = said.send(text);
        });
        Self { process, input, lines, errors: Some(errors), name }
    }

    /// The next line; fails the test where there is none.
    pub async fn line(&mut self) -> String {
        let line = soon(&format!("{} says something", self.name), self.lines.recv()).await;
        match line {
            Some(line) => line,
            None => {
                let ended = self.ended().await;
                panic!("{} has ended: {ended:?}", self.name)
            }
        }
    }

    /// Lines up to the first with this in it, which is returned.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Objects up to the first in which these are equal, which is returned.
    pub async fn object(&mut self, wanted: &[(&str, &str)]) -> Value {
        loop {
            let line = self.line().await;
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if wanted.iter().all(|(name, want)| value[*name] == **want) {
                return value;
            }
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> Ended {
        let errors = self.errors.take().expect("asked once");
        // Its standard error is closed when it has ended.
        let errors = soon(&format!("{} ends", self.name), errors).await.unwrap();
        let mut output = Vec::new();
        while let Some(line) = self.lines.recv().await {
            output.push(line);
        }
        Ended { status: self.process.wait().unwrap().code(), output, errors }
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command to its end.
pub async fn run_on(bus: &Bus, arguments: &[&str]) -> Ended {
    let mut tool = Tool::on(bus, arguments);
    tool.end_input();
    tool.ended().await
}

/// Runs a command that has to do its work.
pub async fn done_on(bus: &Bus, arguments: &[&str]) -> Vec<String> {
    let ended = run_on(bus, arguments).await;
    assert_eq!((ended.status, ended.errors.as_str()), (Some(0), ""), "{arguments:?}");
    ended.output
}
