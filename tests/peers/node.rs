//! Peers that run on node.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::support::python;

/// Node, with the packages of the peers installed by `make test`. Without `make` they are installed
/// here; where that cannot be done, says why.
fn node() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("TILLBUS_TEST_NODE") {
        return Some(given.into());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/node-peers");
    let made = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    if !made.status.success() {
        println!("skipped: no node with its packages (see above); `make test` installs them");
        return None;
    }
    Some(String::from_utf8(made.stdout).unwrap().trim().into())
}

/// Asks a script in `tests/peers`, JSON in, JSON out.
pub(crate) fn ask_json(script: &str, questions: &Json) -> Option<Json> {
    static NODE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(NODE.get_or_init(node).as_ref()?);
    command.arg(root.join("tests/peers").join(script)).arg(root.join("target/node"));
    Some(python::json_answer(&mut command, questions))
}
