//! What a device speaks: the `[protocol]` of a profile and the `[device.protocol]` over it.

use std::fmt;

use encoding_rs::Encoding;

use super::errors::Errors;
use crate::protocol::{self, Carrier, Configured, Factory, Info, Kind};
use crate::settings::{self, Error, Section};

/// A protocol with its options.
#[derive(Clone)]
pub struct Spoken {
    /// The protocol.
    pub info: &'static Info,
    /// What a device can be asked with the options.
    pub capabilities: Vec<&'static str>,
    /// Makes a conversation with the options.
    pub factory: Factory,
    /// How text is encoded, tried in this order; never empty.
    pub encodings: Vec<&'static Encoding>,
}

impl fmt::Debug for Spoken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { info, encodings, .. } = self;
        write!(formatter, "Spoken({} {encodings:?})", info.name)
    }
}

impl Spoken {
    /// Reads the section; `kind` is the profile's, where that is known.
    pub(crate) fn read(
        section: &Section<'_>,
        kind: Option<Kind>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let info = errors.note(info(section, kind));
        let encodings = errors.note(section.encodings("encoding"));
        // Only the protocol knows its keys, so none is unknown while the protocol is.
        let info = info?;
        let Configured { capabilities, factory } = errors.note((info.configure)(section))?;
        errors.note(section.finish())?;
        Some(Self { info, capabilities, factory, encodings: encodings? })
    }
}

impl Spoken {
    /// Refuses line settings where there is no line.
    pub(crate) fn has_line(&self, around: &Section<'_>) -> Result<(), Error> {
        if self.info.carrier == Carrier::Serial || !around.has("line") {
            return Ok(());
        }
        let message = format!(
            "`line` is of no use to protocol `{}`, which comes over USB HID; accepted is to leave it \
             out",
            self.info.name
        );
        Err(around.error("line", message))
    }
}

fn info(section: &Section<'_>, kind: Option<Kind>) -> Result<&'static Info, Error> {
    let name = section.required_string("name")?;
    let Some(info) = protocol::find(name) else {
        let hint = settings::suggest(name, protocol::ALL.iter().map(|info| info.name));
        return Err(section.error("name", format!("no protocol is called {name:?}; {hint}")));
    };
    match kind {
        Some(kind) if kind != info.kind => {
            let (spoken, kind) = (info.kind.word(), kind.word());
            let message = format!(
                "protocol `{name}` is a {spoken}'s, but the profile's `kind` is {kind:?}; accepted \
                 is a protocol of that kind"
            );
            Err(section.error("name", message))
        }
        _ => Ok(info),
    }
}
