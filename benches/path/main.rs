//! The whole path: last byte written to a terminal -> signal received by a client, for `tillbusd`, a
//! minimal zbus program and a minimal C program, in alternating runs on the same machine.
//!
//! `make bench` runs it whole (some minutes), `make bench-quick` in less than one. To compare fewer:
//! `cargo bench --bench path -- --only tillbusd --ports 16 --runs 1`.

mod bus;
mod measure;
mod minimal_zbus;
mod ports;
mod report;
mod subject;

use std::process::ExitCode;
use std::time::Duration;

use measure::Effort;
use report::Row;
use subject::Subject;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Makes this program the minimal zbus one.
pub(crate) const AS_MINIMAL_ZBUS: &str = "--as-minimal-zbus";

struct Plan {
    subjects: Vec<Subject>,
    ports: Vec<usize>,
    runs: usize,
    effort: Effort,
}

impl Plan {
    fn whole() -> Self {
        let idle = Some(Duration::from_secs(20));
        let effort = Effort { paced: 500, saturated: 20_000, idle, traced: Some(200) };
        Self { subjects: Subject::ALL.to_vec(), ports: vec![1, 16, 128, 512], runs: 5, effort }
    }

    fn quick() -> Self {
        let idle = Some(Duration::from_secs(2));
        let effort = Effort { paced: 200, saturated: 5_000, idle, traced: Some(100) };
        Self { ports: vec![16, 512], runs: 1, effort, ..Self::whole() }
    }

    fn from_arguments(arguments: &[String]) -> Result<Self> {
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let mut plan = if quick { Self::quick() } else { Self::whole() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                // Cargo says the first of these itself.
                "--bench" | "--quick" => {}
                "--only" => {
                    let name = value()?;
                    plan.subjects.retain(|subject| subject.name() == name);
                }
                "--without" => {
                    let name = value()?;
                    plan.subjects.retain(|subject| subject.name() != name);
                }
                "--ports" => plan.ports = vec![value()?.parse()?],
                "--runs" => plan.runs = value()?.parse()?,
                _ => return Err(format!("{argument} is unknown").into()),
            }
        }
        Ok(plan)
    }

    /// Alternating, so that whatever else the machine does hits all subjects alike.
    fn measure(&self, ports: usize) -> Result<Vec<Row>> {
        let mut found = vec![Vec::new(); self.subjects.len()];
        for run in 0..self.runs {
            // What does not vary is measured once.
            let first = run == 0;
            let effort = Effort {
                idle: self.effort.idle.filter(|_| first),
                traced: self.effort.traced.filter(|_| first),
                ..self.effort
            };
            for (subject, found) in self.subjects.iter().zip(&mut found) {
                found.push(measure::run(*subject, ports, effort)?);
            }
        }
        let rows = self.subjects.iter().zip(&found);
        Ok(rows
            .map(|(subject, found)| Row { subject: *subject, ports, found: report::medians(found) })
            .collect())
    }

    fn run(&self) -> Result<()> {
        println!("medians of {} alternating runs, every one on a bus of its own", self.runs);
        if std::process::Command::new("strace").arg("--version").output().is_err() {
            println!("there is no strace: system calls are not counted");
        }
        report::heading();
        let mut rows = Vec::new();
        for ports in &self.ports {
            let measured = self.measure(*ports)?;
            measured.iter().for_each(Row::print);
            rows.extend(measured);
        }
        report::goals(&rows);
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [first, address, terminals @ ..] if first == AS_MINIMAL_ZBUS => {
            minimal_zbus::run(address, terminals)
        }
        arguments => Plan::from_arguments(arguments).and_then(|plan| plan.run()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
