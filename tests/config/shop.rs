//! A directory with the files of one test, and the answer of `load` to them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tillbus::config::{self, Config, Credentials, Paths};
use tillbus::profile::Catalogue;
use tillbus::protocol;

/// The files of one host.
pub(crate) struct Shop {
    directory: TempDir,
    credentials: Credentials,
}

/// A device that nothing is wrong with, for the tests that are about something else.
pub(crate) const DEVICE: &str = r#"
[[device]]
name = "lane1-box"
lane = "1"
role = "payment"
match = { tty = "/dev/ttyS1" }
profile = "generic-line-scanner"
"#;

/// A profile that nothing is wrong with.
pub(crate) const PROFILE: &str = r#"
[profile]
id = "example-box"
vendor = "Example"
model = "B-1"
kind = "scanner"
status = "documented"
sources = ["Example B-1 manual, revision 2, page 7"]

[connector]
type = "RJ11-6P4C"
view = "socket front, clip down"
counting = "1-4"
role = "DCE"
level = "rs232"
[connector.pins]
1 = "TXD"
2 = "GND"
3 = { supply = "+5V", max-ma = 500 }
4 = "RXD"

[line]
baud = [9600, 115200]
data-bits = 7
parity = "even"
stop-bits = 2
flow = "rts-cts"

[protocol]
name = "line-scanner"
suffix = "CR"
encoding = ["utf-8", "gb18030"]
"#;

impl Shop {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), credentials: Credentials::Missing }
    }

    /// The same shop, with the credentials that are among its files.
    pub(crate) fn with_credentials(self) -> Self {
        Self { credentials: Credentials::In(self.path("credentials")), ..self }
    }

    /// A shop with this main file.
    pub(crate) fn with(text: &str) -> Self {
        Self::new().file("tillbus.toml", text)
    }

    /// Adds a file; its directory is made where it is not there.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// What `load` makes of the files; errors as a person sees them, one a line, with paths from
    /// the shop's directory.
    pub(crate) fn load(&self) -> Result<Config, String> {
        let paths = Paths {
            config: self.path("tillbus.toml"),
            profile_dirs: vec![self.path("share"), self.path("etc")],
            credentials: self.credentials.clone(),
        };
        config::load(&paths).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(|error| self.shown(error)).collect();
            assert!(!lines.is_empty(), "refused without an error");
            lines.join("\n")
        })
    }

    fn shown(&self, error: &tillbus::settings::Error) -> String {
        let prefix = format!("{}/", self.directory.path().display());
        error.to_string().replace(&prefix, "")
    }
}

/// One row of a table of errors: what is wrong, the file, and all that is said about it. `PROFILES`
/// and `PROTOCOLS` stand for the names of all that there are, so that adding one changes no row.
pub(crate) type Row = (&'static str, String, &'static str);

/// Loads the text of each row under `path` and compares the errors, all rows before it fails.
pub(crate) fn refuse(path: &str, rows: &[Row]) {
    let mut protocols: Vec<&str> = protocol::ALL.iter().map(|info| info.name).collect();
    protocols.sort_unstable();
    let catalogue = Catalogue::built_in();
    let profiles: Vec<&str> = catalogue.ids().collect();
    let mut wrong = Vec::new();
    for (title, text, expected) in rows {
        let shop = Shop::new().file(path, text);
        let found = match shop.load() {
            Ok(config) => format!("accepted: {config:?}"),
            Err(errors) => errors,
        };
        let expected = expected
            .trim()
            .replace("PROFILES", &profiles.join(", "))
            .replace("PROTOCOLS", &protocols.join(", "));
        if found != expected {
            wrong.push(format!("{title}\n  expected:\n{expected}\n  found:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The text with one thing replaced, which has to be there exactly once.
pub(crate) fn but(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} is not there exactly once");
    text.replace(from, to)
}

/// Whether these tests run as a user whom file modes do not stop.
pub(crate) fn reads_everything(path: &Path) -> bool {
    fs::File::open(path).is_ok()
}
