//! What is seen of a cable that does not work.

use super::model::{Hearing, Inputs, May, Sight};

/// What came when a code was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// Nothing.
    Nothing,
    /// The code.
    Readable,
    /// Bytes that are no code, or line errors.
    Garbled,
}

impl Scan {
    /// The word for a program.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Readable => "readable",
            Self::Garbled => "garbled",
        }
    }
}

impl From<Hearing> for Scan {
    fn from(hearing: Hearing) -> Self {
        match hearing {
            Hearing::Nothing => Self::Nothing,
            Hearing::Clean => Self::Readable,
            Hearing::Inverted => Self::Garbled,
        }
    }
}

/// What is known; everything may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Whether the line is held in a break at rest.
    pub is_break: Option<bool>,
    /// What came when a code was scanned.
    pub scan: Option<Scan>,
    /// Whether the port's own bytes come back.
    pub echo: Option<bool>,
    /// The modem inputs at rest, with RTS and DTR raised.
    pub on: Option<Inputs>,
    /// The modem inputs that moved while a code was scanned.
    pub moved: Option<Inputs>,
    /// Whether the device's light burns.
    pub light: Option<bool>,
}

impl Evidence {
    /// What a port shows by itself and when a code is scanned.
    #[must_use]
    pub fn of(sight: &Sight) -> Self {
        Self {
            is_break: Some(sight.is_break),
            scan: Some(sight.scan.into()),
            echo: Some(sight.echo != Hearing::Nothing),
            on: Some(sight.on),
            moved: Some(sight.moved),
            light: None,
        }
    }

    /// Whether what ports may show agrees; `scan` where it is not the cable that decides what comes.
    #[must_use]
    pub fn agrees(&self, may: &May, scan: Option<Scan>) -> bool {
        let scans = |known: Scan| match scan {
            Some(scan) => scan == known,
            None => [Hearing::Nothing, Hearing::Clean, Hearing::Inverted]
                .into_iter()
                .any(|hearing| Scan::from(hearing) == known && may.allows_scan(hearing)),
        };
        self.is_break.is_none_or(|known| may.allows_break(known))
            && self.scan.is_none_or(scans)
            && self.echo.is_none_or(|known| may.allows_echo(known))
            && self.on.is_none_or(|known| may.allows_on(known))
            && self.moved.is_none_or(|known| may.allows_moved(known))
            && self.light.is_none_or(|known| may.allows_light(known))
    }
}
