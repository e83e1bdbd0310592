//! What anyone may know of a device: the values behind its D-Bus properties.
//!
//! Contract: nothing secret. The daemon alone writes, through a `watch` channel per device.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Role;
use crate::event::terminal::Recovery;
use crate::hotplug;
use crate::protocol;
use crate::store::{Client, Origin};
use crate::transport;

/// Where a device stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Configured, and not there.
    #[default]
    Absent,
    /// There, being opened.
    Opening,
    /// Open.
    Ready,
    /// There, and cannot be opened or used; `Access` and `LastFault` say why.
    Unreachable,
    /// There, and no configuration gives it to us: never opened.
    Unconfigured,
}

impl State {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Opening => "opening",
            Self::Ready => "ready",
            Self::Unreachable => "unreachable",
            Self::Unconfigured => "unconfigured",
        }
    }
}

/// Whether we may open a device's node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// We may.
    Ok,
    /// Someone else has it open.
    Busy,
    /// Its permissions keep us out.
    PermissionDenied,
    /// There is no node.
    #[default]
    NotFound,
}

impl Access {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Busy => "busy",
            Self::PermissionDenied => "permission-denied",
            Self::NotFound => "not-found",
        }
    }
}

impl From<hotplug::Access> for Access {
    fn from(access: hotplug::Access) -> Self {
        match access {
            hotplug::Access::Ok => Self::Ok,
            hotplug::Access::PermissionDenied => Self::PermissionDenied,
            hotplug::Access::NotFound => Self::NotFound,
        }
    }
}

impl From<&transport::Error> for Access {
    fn from(error: &transport::Error) -> Self {
        match error {
            transport::Error::Busy => Self::Busy,
            transport::Error::PermissionDenied => Self::PermissionDenied,
            transport::Error::NotFound | transport::Error::Disconnected => Self::NotFound,
            transport::Error::Unsupported | transport::Error::Other(_) => Self::Ok,
        }
    }
}

/// What never changes while a device's object is on the bus.
#[derive(Debug)]
pub struct Identity {
    /// Name, object path, lane and whether simulated: what its events carry too.
    pub origin: Arc<Origin>,
    /// What its scans may mean.
    pub role: Role,
    /// Who made it; empty where unknown.
    pub vendor: String,
    /// Which model; empty where unknown.
    pub model: String,
    /// `serial`, `pty`, `replay`.
    pub transport: &'static str,
    /// The profile's id, empty for an unconfigured device.
    pub profile: String,
    /// The protocol, where configuration names one.
    pub protocol: Option<&'static protocol::Info>,
    /// What it can be asked, in the words of `Capabilities`.
    pub capabilities: Vec<&'static str>,
}

impl Identity {
    /// Whether it reads codes: it then carries the Scanner interface.
    #[must_use]
    pub fn is_scanner(&self) -> bool {
        self.is(protocol::Kind::Scanner)
    }

    /// Whether it reads cards: it then carries the CardReader interface.
    #[must_use]
    pub fn is_card_reader(&self) -> bool {
        self.is(protocol::Kind::CardReader)
    }

    fn is(&self, kind: protocol::Kind) -> bool {
        self.protocol.is_some_and(|info| info.kind == kind)
    }

    /// Whether it takes payments: it then carries the Terminal interface.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.protocol.is_some_and(|info| info.kind == protocol::Kind::Terminal)
    }

    /// What it can be asked when an outcome is not known.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        [Recovery::Enquiry, Recovery::LastReceipt]
            .into_iter()
            .find(|recovery| self.capabilities.contains(&recovery.word()))
            .unwrap_or(Recovery::None)
    }
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Where it stands.
    pub state: State,
    /// Whether we may open it.
    pub access: Access,
    /// The node it is at, empty while absent.
    pub node: PathBuf,
    /// Its serial number, empty where it has none or is absent.
    pub serial_number: String,
    /// Who has claimed it.
    pub owner: Option<Client>,
    /// Whether the device has been let read.
    pub enabled: bool,
    /// What keeps a terminal from working, or soon will, in the words of `Condition`.
    pub condition: Vec<&'static str>,
    /// The last fault, in words; empty before the first.
    pub last_fault: String,
}
