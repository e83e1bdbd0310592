//! The least a program on tokio and zbus can do that turns lines into signals, as the documentation
//! of either would have it written.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::libc::{O_NOCTTY, O_NONBLOCK};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use zbus::{Connection, Variant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Serves the terminals until the bus is gone.
pub(crate) fn run(address: &str, terminals: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(address, terminals))
}

async fn serve(address: &str, terminals: &[String]) -> Result<()> {
    let ports = terminals.iter().map(|path| open(path)).collect::<Result<Vec<_>>>()?;
    let builder = zbus::connection::Builder::address(address).name("org.tillbus1");
    let connection = builder.build().await?;
    let sequence = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for port in ports {
        tasks.spawn(read_lines(port, connection.clone(), Arc::clone(&sequence)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// A terminal is no pipe, but what tokio does with one is the same: readiness to read, and nothing
/// else. `AsyncFd` has no safe constructor left that is not deprecated.
fn open(path: &str) -> Result<Receiver> {
    let file =
        File::options().read(true).write(true).custom_flags(O_NOCTTY | O_NONBLOCK).open(path)?;
    let mut settings = tcgetattr(file.as_fd())?;
    cfmakeraw(&mut settings);
    tcsetattr(file.as_fd(), SetArg::TCSANOW, &settings)?;
    Ok(Receiver::from_file_unchecked(file)?)
}

async fn read_lines(
    mut port: Receiver,
    connection: Connection,
    sequence: Arc<AtomicU64>,
) -> Result<()> {
    let mut line = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = port.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        for byte in bytes.iter().take(count) {
            if *byte != b'\r' {
                line.push(*byte);
                continue;
            }
            let text = std::str::from_utf8(&line)?;
            let number = sequence.fetch_add(1, Ordering::Relaxed) + 1;
            let details = HashMap::<&str, Variant<'_>>::new();
            let body = (number, "ean-13", "gtin", text, details);
            let path = "/org/tillbus1/device/port";
            connection
                .emit_signal(None::<&str>, path, "org.tillbus1.Scanner", "Scanned", &body)
                .await?;
            line.clear();
        }
    }
}
