//! How a command fails: in words for a person, with an exit status for a script.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use zbus::fdo;

/// Why a command ended before it was done.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody reads the output any more; nothing to say, and no failure.
    Closed,
    /// What was asked did not work.
    Failed,
    /// The daemon is not on the bus.
    NotRunning,
    /// Policy or configuration forbids it.
    NotPermitted,
}

impl Error {
    /// What was asked did not work.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into() }
    }

    /// A file or port failed.
    pub(crate) fn at(place: impl Display, error: impl Display) -> Self {
        Self::failed(format!("{place}: {error}"))
    }

    /// The reader of the output has gone.
    pub(crate) fn closed() -> Self {
        Self { kind: Kind::Closed, message: String::new() }
    }

    pub(crate) fn not_running() -> Self {
        Self::of(
            Kind::NotRunning,
            "tillbusd is not running; start it with `systemctl start tillbusd`",
        )
    }

    fn of(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.kind == Kind::Closed
    }

    /// Whether the daemon went away while it was asked.
    pub(crate) fn is_not_running(&self) -> bool {
        self.kind == Kind::NotRunning
    }

    /// Says it on standard error; the exit status that goes with it.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.is_closed() {
            complain(&self.message);
        }
        match self.kind {
            Kind::Closed => ExitCode::SUCCESS,
            Kind::Failed => ExitCode::FAILURE,
            Kind::NotRunning => ExitCode::from(3),
            Kind::NotPermitted => ExitCode::from(4),
        }
    }
}

/// Says something on standard error; one that is closed is no reason to stop.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "tillbusctl: {message}");
}

const OURS: &str = "org.tillbus1.Error.";

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::FDO(error) => of_bus(*error),
            zbus::Error::MethodError(name, message, _) => {
                let message = message.unwrap_or_default();
                match name.strip_prefix(OURS) {
                    Some("AccessDenied") => Self::of(Kind::NotPermitted, message),
                    Some(_) => Self::failed(message),
                    None if is_activation(&name) => not_started(&message),
                    None => Self::failed(format!("{}: {message}", name.as_str())),
                }
            }
            zbus::Error::Connection(error, address) => {
                Self::failed(format!("cannot reach the bus at {address}: {error}; is it running?"))
            }
            zbus::Error::Handshake(message) => {
                Self::failed(format!("the bus refuses the connection: {message}"))
            }
            error => Self::failed(format!("the bus failed: {error}")),
        }
    }
}

impl From<fdo::Error> for Error {
    fn from(error: fdo::Error) -> Self {
        match error {
            fdo::Error::ZBus(error) => error.into(),
            error => of_bus(error),
        }
    }
}

/// What the bus itself answers.
fn of_bus(error: fdo::Error) -> Error {
    match error {
        fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_) => Error::not_running(),
        // The daemon fell off the bus with the question in its hands.
        fdo::Error::NoReply(_) => {
            Error::of(Kind::NotRunning, "tillbusd went away without an answer")
        }
        fdo::Error::AccessDenied(_) => Error::of(
            Kind::NotPermitted,
            format!(
                "the bus does not let you talk to tillbusd; join its group with \
                 `sudo usermod -aG tillbus {}` and log in again",
                user()
            ),
        ),
        fdo::Error::UnknownObject(_) | fdo::Error::UnknownInterface(_) => {
            Error::failed("the device is no longer there")
        }
        fdo::Error::ZBus(error) => error.into(),
        error => {
            let name = zbus::DBusError::name(&error).to_string();
            let message = zbus::DBusError::description(&error).unwrap_or_default().to_owned();
            if is_activation(&name) { not_started(&message) } else { Error::at(name, message) }
        }
    }
}

/// Whether the bus tried to start the daemon and could not.
fn is_activation(name: &str) -> bool {
    name.starts_with("org.freedesktop.DBus.Error.Spawn")
        || name.starts_with("org.freedesktop.systemd1.")
}

fn not_started(message: &str) -> Error {
    Error::of(
        Kind::NotRunning,
        format!("tillbusd could not be started ({message}); see `systemctl status tillbusd`"),
    )
}

fn user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    user.map_or_else(|| "USER".to_owned(), |user| user.name)
}
