//! What a device speaks: the `[protocol]` of a profile and the `[device.protocol]` over it.

use std::fmt;

use encoding_rs::Encoding;

use super::errors::Errors;
use crate::protocol::{self, Factory, Info, Kind};
use crate::settings::{self, Error, Section};

/// A protocol with its options.
#[derive(Clone)]
pub struct Spoken {
    /// The protocol.
    pub info: &'static Info,
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
        let encodings = errors.note(encodings(section));
        // Only the protocol knows its keys, so none is unknown while the protocol is.
        let info = info?;
        let factory = errors.note((info.configure)(section))?;
        errors.note(section.finish())?;
        Some(Self { info, factory, encodings: encodings? })
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

/// The names that errors offer: what scanners are seen to send. Every label of the WHATWG Encoding
/// Standard is accepted.
const ENCODINGS: [&str; 11] = [
    "utf-8",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
];

fn encodings(section: &Section<'_>) -> Result<Vec<&'static Encoding>, Error> {
    let Some(labels) = section.strings("encoding")? else { return Ok(vec![encoding_rs::UTF_8]) };
    labels.into_iter().map(|label| encoding(section, label)).collect()
}

fn encoding(section: &Section<'_>, label: &str) -> Result<&'static Encoding, Error> {
    // These two labels stand for "do not decode" and "decode to the reader's own bytes".
    let decodes = |found: &&Encoding| {
        ![encoding_rs::REPLACEMENT, encoding_rs::X_USER_DEFINED].contains(found)
    };
    Encoding::for_label(label.as_bytes()).filter(decodes).ok_or_else(|| {
        let hint = settings::suggest(label, ENCODINGS.into_iter());
        let message = format!(
            "no encoding is called {label:?}; {hint}, and every other label of the WHATWG Encoding \
             Standard"
        );
        section.error("encoding", message)
    })
}
