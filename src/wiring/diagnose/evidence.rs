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

/// What a port and its driver have counted since it was opened, or since a code was scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Codes that were read.
    pub codes: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Bytes with a framing or parity error.
    pub bad: u64,
    /// Breaks.
    pub breaks: u64,
    /// Bytes that were sent, where somebody counts them.
    pub sent: u64,
}

impl Counted {
    /// What has come since then.
    #[must_use]
    pub const fn since(self, then: Self) -> Self {
        Self {
            codes: self.codes.saturating_sub(then.codes),
            bytes: self.bytes.saturating_sub(then.bytes),
            bad: self.bad.saturating_sub(then.bad),
            breaks: self.breaks.saturating_sub(then.breaks),
            sent: self.sent.saturating_sub(then.sent),
        }
    }
}

impl Evidence {
    /// What counts say by themselves. That nothing came says nothing of a scan: perhaps there was none.
    #[must_use]
    pub fn of_counts(counted: &Counted) -> Self {
        let Counted { codes, bytes, bad, breaks, sent } = *counted;
        let came = bytes > 0 || bad > 0;
        let scan = match (codes, came) {
            (0, false) => None,
            (0, true) => Some(Scan::Garbled),
            _ => Some(Scan::Readable),
        };
        let is_echo = codes == 0 && sent > 0 && bytes == sent;
        Self {
            // A break that is held is one break and nothing after it.
            is_break: Some(breaks > 0 && !came),
            scan: scan.filter(|_| !is_echo),
            echo: (sent > 0).then_some(is_echo),
            ..Self::default()
        }
    }

    /// The same after somebody has scanned a code, whatever came of it.
    #[must_use]
    pub fn scanned(self) -> Self {
        Self { scan: self.scan.or(Some(Scan::Nothing)), ..self }
    }

    /// What is known of both, the other where one does not know.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            is_break: self.is_break.or(other.is_break),
            scan: self.scan.or(other.scan),
            echo: self.echo.or(other.echo),
            on: self.on.or(other.on),
            moved: self.moved.or(other.moved),
            light: self.light.or(other.light),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_words() {
        let none = Counted::default();
        for (name, counted, is_break, scan, echo) in [
            ("nothing at all", none, false, None, None),
            ("a break that is held", Counted { breaks: 1, ..none }, true, None, None),
            ("codes", Counted { codes: 1, bytes: 14, ..none }, false, Some(Scan::Readable), None),
            ("garbage", Counted { bad: 3, breaks: 1, ..none }, false, Some(Scan::Garbled), None),
            ("an echo", Counted { bytes: 9, sent: 9, ..none }, false, None, Some(true)),
            (
                "a device that answers",
                Counted { codes: 1, bytes: 7, sent: 9, ..none },
                false,
                Some(Scan::Readable),
                Some(false),
            ),
        ] {
            let evidence = Evidence::of_counts(&counted);
            assert_eq!(
                (evidence.is_break, evidence.scan, evidence.echo),
                (Some(is_break), scan, echo),
                "{name}"
            );
        }
        assert_eq!(Evidence::of_counts(&none).scanned().scan, Some(Scan::Nothing));
        let then = Counted { bytes: 5, ..none };
        assert_eq!(Counted { bytes: 7, bad: 1, ..none }.since(then).bytes, 2);
        assert_eq!(then.since(Counted { bytes: 9, ..none }).bytes, 0, "a driver that was reloaded");
    }
}
