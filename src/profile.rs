//! A profile: everything needed to talk to one kind of device, as data.
//!
//! ```text
//! built in < /usr/share/tillbus/profiles < /etc/tillbus/profiles -> Catalogue -> Profile
//! ```
//!
//! Contract: only [`Catalogue`] touches files. Reading a profile is pure, and tells of everything
//! that is wrong in it rather than of the first thing. `protocol-docs/profiles.md` says how one is
//! written.

mod cable;
mod catalogue;
mod connector;
pub(crate) mod errors;
pub(crate) mod files;
mod line;
mod spoken;

pub use cable::CableFile;
pub use catalogue::Catalogue;
pub use line::{Flow, Line, Parity};
pub use spoken::Spoken;

use crate::protocol;
use crate::settings::{Error, Section};
use crate::wiring::{Beside, Connector, Part, Socket};
use errors::Errors;

/// One kind of device and how to talk to it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in configuration, also the stem of its file.
    pub id: String,
    /// Who makes the device.
    pub vendor: String,
    /// What its maker calls it.
    pub model: String,
    /// What kind of device or port it is.
    pub kind: Kind,
    /// How far the profile can be trusted.
    pub status: Status,
    /// The documents it was written from; empty only where it is [`Status::Untested`].
    pub sources: Vec<String>,
    /// The device's socket, where a source says how it is wired; always, where nothing is spoken.
    pub connector: Option<Connector>,
    /// What else one could plug into on the same machine.
    pub beside: Vec<Beside>,
    /// The line settings.
    pub line: Line,
    /// The protocol and its options; of a device always, of a host and a socket never.
    pub protocol: Option<Spoken>,
}

/// The kinds of profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A device that tillbus talks to.
    Device(protocol::Kind),
    /// A computer's or a till's serial port: what a device is plugged into.
    Host,
    /// A socket of which only the wiring is known: of a device in a language that tillbus does not
    /// speak, or no serial line at all.
    Socket,
}

impl Kind {
    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Device(kind) => kind.word(),
            Self::Host => "host",
            Self::Socket => "socket",
        }
    }
}

/// How far a profile can be trusted. Shown to the user, never hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Written from the named documents.
    Documented,
    /// Reported to work by someone who has the device.
    Reported,
    /// Neither, or a source that leaves the counting of contacts open.
    Untested,
}

impl Status {
    /// The word used in profiles and shown to the user.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Reported => "reported",
            Self::Untested => "untested",
        }
    }
}

const KINDS: [(&str, Kind); 5] = [
    (protocol::Kind::Scanner.word(), Kind::Device(protocol::Kind::Scanner)),
    (protocol::Kind::CardReader.word(), Kind::Device(protocol::Kind::CardReader)),
    (protocol::Kind::Terminal.word(), Kind::Device(protocol::Kind::Terminal)),
    (Kind::Host.word(), Kind::Host),
    (Kind::Socket.word(), Kind::Socket),
];

const STATUSES: [(&str, Status); 3] = [
    (Status::Documented.word(), Status::Documented),
    (Status::Reported.word(), Status::Reported),
    (Status::Untested.word(), Status::Untested),
];

impl Profile {
    /// Reads the profile of a file with this stem.
    ///
    /// # Errors
    ///
    /// All that is wrong in the file.
    pub fn read(root: &Section<'_>, stem: &str) -> Result<Self, Vec<Error>> {
        let mut errors = Errors::default();
        let profile = Self::gather(root, stem, &mut errors);
        errors.or(profile)
    }

    fn gather(root: &Section<'_>, stem: &str, errors: &mut Errors) -> Option<Self> {
        let head = errors.note(required(root, "profile"));
        let head = head.and_then(|section| Head::read(&section, stem, errors));
        // What the head leaves open is not held against the rest of the file.
        let status = head.as_ref().map_or(Status::Untested, |head| head.status);
        let connector = errors.note(root.section("connector"));
        let connector = connector
            .map(|section| section.map(|section| connector::read(&section, status, errors)));
        let beside = errors.note(root.sections("beside")).unwrap_or_default();
        let beside: Vec<Beside> =
            beside.iter().filter_map(|section| connector::read_beside(section, errors)).collect();
        let line = errors.note(root.section("line"));
        let line = line.and_then(|section| {
            let section = section.unwrap_or_else(|| Section::empty("line"));
            Line::read(&section, &Line::default(), errors)
        });
        let protocol = spoken(root, head.as_ref().map(|head| head.kind), errors);
        errors.note(root.finish())?;
        let Head { id, vendor, model, kind, status, sources } = head?;
        let connector = match connector? {
            Some(connector) => Some(connector?),
            None => None,
        };
        let (line, protocol) = (line?, protocol?);
        if protocol.is_none() && connector.is_none() {
            errors.push(root.error_here(format!(
                "a profile of kind {:?} has no protocol, and this one no `connector` either; \
                 accepted is a table of that name",
                kind.word()
            )));
            return None;
        }
        Some(Self { id, vendor, model, kind, status, sources, connector, beside, line, protocol })
    }

    /// Its socket, where a source says how it is wired.
    #[must_use]
    pub fn socket(&self) -> Option<Socket<'_>> {
        self.connector.as_ref().map(|connector| Socket {
            name: &self.id,
            connector,
            is_confirmed: self.status != Status::Untested,
            part: match self.kind {
                Kind::Device(_) => Part::Device,
                Kind::Host => Part::Host,
                Kind::Socket => Part::Other,
            },
            flow: self.line.flow,
            beside: &self.beside,
        })
    }
}

/// What is spoken: needed of a device, and refused elsewhere, so that no configuration can name what
/// nobody could talk to.
fn spoken(root: &Section<'_>, kind: Option<Kind>, errors: &mut Errors) -> Option<Option<Spoken>> {
    let device = match kind {
        None => None,
        Some(Kind::Device(kind)) => Some(kind),
        Some(kind @ (Kind::Host | Kind::Socket)) => {
            let section = errors.note(root.section("protocol"))?;
            if section.is_some() {
                let message = format!(
                    "a profile of kind {:?} has no `protocol`; accepted is to leave it out, or the \
                     kind of a device: scanner, card-reader, terminal",
                    kind.word()
                );
                errors.push(root.error("protocol", message));
                return None;
            }
            return Some(None);
        }
    };
    let section = errors.note(required(root, "protocol"))?;
    let spoken = Spoken::read(&section, device, errors);
    errors.note(spoken.as_ref().map_or(Ok(()), |spoken| spoken.has_line(root)));
    spoken.map(Some)
}

/// The `[profile]` table.
struct Head {
    id: String,
    vendor: String,
    model: String,
    kind: Kind,
    status: Status,
    sources: Vec<String>,
}

impl Head {
    fn read(section: &Section<'_>, stem: &str, errors: &mut Errors) -> Option<Self> {
        let id = errors.note(id(section, stem));
        let vendor = errors.note(text(section, "vendor"));
        let model = errors.note(text(section, "model"));
        let kind = errors.note(required_word(section, "kind", &KINDS));
        let status = errors.note(required_word(section, "status", &STATUSES));
        let sources = errors.note(sources(section, status));
        errors.note(section.finish())?;
        Some(Self {
            id: id?,
            vendor: vendor?,
            model: model?,
            kind: kind?,
            status: status?,
            sources: sources?,
        })
    }
}

fn id(section: &Section<'_>, stem: &str) -> Result<String, Error> {
    let id = section.required_string("id")?;
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if id.is_empty() || !id.bytes().all(plain) {
        let message =
            format!("`id` is {id:?}; accepted are lower-case letters, digits, `-` and `.`");
        return Err(section.error("id", message));
    }
    if id != stem {
        let message = format!("`id` is {id:?}; accepted is the file's stem, {stem:?}");
        return Err(section.error("id", message));
    }
    Ok(id.to_owned())
}

/// The sources. Where the status itself is wrong they are not asked for: that error is told already.
fn sources(section: &Section<'_>, status: Option<Status>) -> Result<Vec<String>, Error> {
    let sources = section.strings_or_none("sources")?.unwrap_or_default();
    if let Some(blank) = sources.iter().position(|source| source.trim().is_empty()) {
        let message = format!("source {} of `sources` is empty; accepted is a document", blank + 1);
        return Err(section.error("sources", message));
    }
    if sources.is_empty() && matches!(status, Some(Status::Documented | Status::Reported)) {
        let message = "`sources` names nothing; accepted is at least one document, its revision \
                       and page, or status = \"untested\"";
        return Err(section.error("sources", message));
    }
    Ok(sources.into_iter().map(str::to_owned).collect())
}

/// A string for a person to read: not empty, on one line.
pub(crate) fn text(section: &Section<'_>, key: &'static str) -> Result<String, Error> {
    let text = section.required_string(key)?;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let message = format!("`{key}` is {text:?}; accepted is text on one line, not empty");
        return Err(section.error(key, message));
    }
    Ok(text.to_owned())
}

/// A table that has to be there.
pub(crate) fn required<'a>(section: &Section<'a>, key: &'static str) -> Result<Section<'a>, Error> {
    section.section(key)?.ok_or_else(|| {
        section.error_here(format!("`{key}` is missing; accepted is a table of that name"))
    })
}

/// One of the accepted words, which has to be there.
pub(crate) fn required_word<T: Copy>(
    section: &Section<'_>,
    key: &'static str,
    accepted: &[(&str, T)],
) -> Result<T, Error> {
    section.word(key, accepted)?.ok_or_else(|| {
        let words: Vec<&str> = accepted.iter().map(|(word, _)| *word).collect();
        section.error_here(format!("`{key}` is missing; accepted: {}", words.join(", ")))
    })
}
