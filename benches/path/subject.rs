//! The programs that are compared, and what the kernel tells of a running one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::ports::Port;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// C, epoll and sd-bus.
    Baseline,
    /// tokio and zbus, nothing else.
    MinimalZbus,
    Tillbusd,
}

impl Subject {
    pub(crate) const ALL: [Self; 3] = [Self::Baseline, Self::MinimalZbus, Self::Tillbusd];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "C sd-bus",
            Self::MinimalZbus => "minimal zbus",
            Self::Tillbusd => "tillbusd",
        }
    }

    /// Starts it on the ports. It owns its name some time later.
    pub(crate) fn start(self, address: &str, ports: &[Port], directory: &Path) -> Result<Running> {
        let paths = ports.iter().map(|port| port.path.as_str());
        let mut command = match self {
            Self::Baseline => {
                let mut command = Command::new(baseline()?);
                command.arg(address).args(paths);
                command
            }
            Self::MinimalZbus => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args([crate::AS_MINIMAL_ZBUS, address]).args(paths);
                command
            }
            Self::Tillbusd => {
                let configuration = directory.join("tillbus.toml");
                fs::write(&configuration, paths.enumerate().map(device).collect::<String>())?;
                let mut command = Command::new(env!("CARGO_BIN_EXE_tillbusd"));
                command.args(["--address", address, "--config"]).arg(configuration);
                command.env("TILLBUS_LOG", "warn");
                command
            }
        };
        let log = fs::File::create(directory.join("stderr"))?;
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        Ok(Running { process, log: directory.join("stderr") })
    }

    /// Whether it tells of each port when it is ready; the others have opened all of them before
    /// they own their name.
    pub(crate) fn tells_ready(self) -> bool {
        self == Self::Tillbusd
    }
}

/// `make bench` builds it beside the release binaries.
fn baseline() -> Result<PathBuf> {
    let path = match std::env::var_os("TILLBUS_BENCH_BASELINE") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_BIN_EXE_tillbusd")).with_file_name("path-baseline"),
    };
    if !path.exists() {
        return Err(format!("there is no {}: `make bench` builds it", path.display()).into());
    }
    Ok(path)
}

fn device((index, path): (usize, &str)) -> String {
    format!(
        "[[device]]\nname = \"port-{index}\"\nrole = \"goods\"\nmatch = {{ pty = \"{path}\" }}\n\
         profile = \"generic-line-scanner\"\n\n"
    )
}

/// A started subject; killed with this value.
pub(crate) struct Running {
    process: Child,
    log: PathBuf,
}

/// What it has used up since it started, all threads together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) cpu_nanoseconds: u64,
    /// Times a thread has gone to sleep: each is one wake-up.
    pub(crate) sleeps: u64,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it said on stderr, for a person to see why it failed.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn used(&self) -> Result<Used> {
        let mut used = Used::default();
        for task in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            let task = task?.path();
            let statistics = fs::read_to_string(task.join("schedstat"))?;
            let cpu = statistics.split(' ').next().unwrap_or_default();
            used.cpu_nanoseconds += cpu.parse::<u64>()?;
            used.sleeps += field(&task.join("status"), "voluntary_ctxt_switches:")?;
        }
        Ok(used)
    }

    /// Resident kilobytes, and those with what is shared divided among its users: the latter only
    /// root may read of a program that keeps its memory to itself.
    pub(crate) fn memory(&self) -> Result<(u64, Option<u64>)> {
        let directory = PathBuf::from(format!("/proc/{}", self.id()));
        let resident = field(&directory.join("status"), "VmRSS:")?;
        Ok((resident, field(&directory.join("smaps_rollup"), "Pss:").ok()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn field(path: &Path, name: &str) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("field missing")?;
    Ok(value.split_whitespace().next().unwrap_or_default().parse()?)
}
