//! What a burst of bytes says of how a scanner sends its codes.
//!
//! Contract: pure but for the built-in profiles, which are read once. Nothing is sent: a scanner that
//! waits for an answer sends its code again.

use tillbus::clock;
use tillbus::event::Aim;
use tillbus::event::Reading;
use tillbus::normalize::{self, Rules};
use tillbus::profile::{Catalogue, Spoken};
use tillbus::protocol::{Carrier, Input, Item, Kind, Opening, Output};

/// How a scanner speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Codes as lines, or ended by silence.
    Lines(Lines),
    /// A protocol of its own.
    Protocol {
        /// The profiles that have it and read the code; never empty.
        profiles: Vec<String>,
        /// The protocol, for a person.
        title: &'static str,
    },
}

/// How codes are sent as lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// What stands before a code, as configuration writes it.
    prefix: Option<&'static str>,
    /// What stands behind it; nothing where only silence ends it.
    suffix: Option<&'static str>,
    /// Whether an AIM identifier names the symbology.
    aim: bool,
}

/// The ends of codes, the longer before the shorter.
const SUFFIXES: [(&str, &[u8]); 7] = [
    ("ETX CR LF", b"\x03\r\n"),
    ("ETX CR", b"\x03\r"),
    ("CR LF", b"\r\n"),
    ("CR", b"\r"),
    ("LF", b"\n"),
    ("HT", b"\t"),
    ("ETX", b"\x03"),
];

/// Shorter ones come out of noise by chance.
const SHORTEST: usize = 3;

/// The language of a burst, and the code in it; nothing where it is no code.
pub(super) fn of(burst: &[u8]) -> Option<(Language, Vec<u8>)> {
    let lines = || lines(burst).map(|(lines, code)| (Language::Lines(lines), code.to_vec()));
    of_profiles(burst).or_else(lines)
}

/// The built-in profiles whose protocol proves itself: by a frame, or by its name for the symbology of
/// an article number whose check digit is right.
fn of_profiles(burst: &[u8]) -> Option<(Language, Vec<u8>)> {
    let catalogue = Catalogue::load(&[]).ok()?;
    let profiles = catalogue.ids().filter_map(|id| catalogue.profile(id).ok().flatten());
    let mut found = profiles.filter_map(|profile| {
        let spoken = profile.protocol?;
        let code = proved(&spoken, burst)?;
        Some((profile.id, spoken.info, code))
    });
    let (id, info, code) = found.next()?;
    // Models of one maker share a protocol; which it is nobody can hear.
    let others = found.filter(|(_, other, _)| other.name == info.name).map(|(id, ..)| id);
    let profiles = std::iter::once(id).chain(others).collect();
    Some((Language::Protocol { profiles, title: info.title }, code))
}

/// The code that a profile's protocol reads in a burst, where that proves the protocol.
fn proved(spoken: &Spoken, burst: &[u8]) -> Option<Vec<u8>> {
    let info = spoken.info;
    if info.kind != Kind::Scanner || info.carrier != Carrier::Serial {
        return None;
    }
    let (mut protocol, mut out) = ((spoken.factory)(), Output::default());
    let now = clock::boottime();
    protocol.opened(now, Opening::Adopted, &mut out);
    protocol.receive(now, Input::Bytes(burst), &mut out);
    let mut readings = Vec::new();
    while let Some(item) = out.pop() {
        match item {
            Item::Reading(reading) => readings.push(reading),
            Item::Fault(_) => return None,
            _ => {}
        }
    }
    let reading = readings.into_iter().next()?;
    // With an identifier of the standard any scanner that sends lines can have named the symbology.
    let names = reading.symbology.is_some() && !burst.contains(&b']');
    let proves = info.framed || names && is_article(reading.clone());
    proves.then(|| reading.data.expose().to_vec())
}

fn is_article(reading: Reading) -> bool {
    let scan = normalize::scan(reading, &Rules::default());
    !scan.inferred && scan.gtin.is_some()
}

fn lines(burst: &[u8]) -> Option<(Lines, &[u8])> {
    let (prefix, rest) = match burst.strip_prefix(b"\x02") {
        Some(rest) => (Some("STX"), rest),
        None => (None, burst),
    };
    let found = SUFFIXES.iter().find_map(|(name, suffix)| {
        rest.strip_suffix(*suffix).map(|rest| (Some(*name), *suffix, rest))
    });
    let (suffix, end, body) = found.unwrap_or((None, b"", rest));
    // Of several codes in one burst the first is looked at.
    let body = match memchr::memmem::find(body, end).filter(|_| !end.is_empty()) {
        Some(place) => body.get(..place).unwrap_or(body),
        None => body,
    };
    let aim = Aim::split(body).filter(|(aim, code)| aim.is_known() && !code.is_empty());
    let code = aim.map_or(body, |(_, code)| code);
    let lines = Lines { prefix, suffix, aim: aim.is_some() };
    // Without an end there is less to tell a code by, so more is asked of its bytes.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | 0x1D);
    let right = is_code(code) && (suffix.is_some() || code.iter().all(plain));
    right.then_some((lines, code))
}

/// Whether this was heard at the speed it was sent at, by all that can be told: half of it is plain
/// text at least, and nothing in it is a control character that codes do not hold.
fn is_code(code: &[u8]) -> bool {
    let plain = code.iter().filter(|byte| matches!(byte, b' '..=b'~')).count();
    let odd = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n\x04\x1C\x1D\x1E\x1F".contains(byte);
    code.len() >= SHORTEST && plain * 2 >= code.len() && !code.iter().any(odd)
}

impl Language {
    /// Whether bytes end a code, and not silence alone.
    pub(super) fn has_end(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.suffix.is_some(),
            Self::Protocol { .. } => true,
        }
    }

    /// For a person.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Lines(lines) => lines.words(),
            Self::Protocol { title, .. } => (*title).to_owned(),
        }
    }

    /// The line of the configuration that names the profile.
    pub(super) fn profile(&self) -> String {
        let Self::Protocol { profiles, .. } = self else {
            return "profile = \"generic-line-scanner\"\n".to_owned();
        };
        let quoted: Vec<String> = profiles.iter().map(|id| format!("{id:?}")).collect();
        match quoted.split_first() {
            Some((first, [])) => format!("profile = {first}\n"),
            Some((first, others)) => format!("profile = {first}   # or {}\n", others.join(", ")),
            None => String::new(),
        }
    }

    /// What the configuration says over the profile.
    pub(super) fn table(&self) -> String {
        match self {
            Self::Lines(lines) => lines.table(),
            Self::Protocol { .. } => String::new(),
        }
    }
}

impl Lines {
    fn words(self) -> String {
        let end = match self.suffix {
            Some(suffix) => format!("each code ends in {suffix}"),
            None => "silence alone ends a code".to_owned(),
        };
        let begin = self.prefix.map_or(String::new(), |prefix| format!(", begins with {prefix}"));
        let aim = if self.aim { "with" } else { "without" };
        format!("line scanner, {end}{begin}, {aim} AIM identifier")
    }

    fn table(self) -> String {
        let mut table = String::from("[device.protocol]\n");
        if let Some(prefix) = self.prefix {
            table.push_str(&format!("prefix = {prefix:?}\n"));
        }
        match self.suffix {
            Some(suffix) => table.push_str(&format!("suffix = {suffix:?}\n")),
            None => table.push_str("gap-ms = 50\n"),
        }
        // Nothing of identifiers: the profile takes them where they come, and one scan does not prove
        // that they always do.
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_prove_themselves() {
        type Row = (&'static str, &'static [u8], Option<(&'static str, &'static str)>);
        let rows: &[Row] = &[
            (
                "a packet of SSI, from its page",
                b"\x12\xF3\x00\x00\x0B5901234123457\xFC\x52",
                Some(("profile = \"symbol-se955\"   # or \"zebra-ssi\"\n", "5901234123457")),
            ),
            (
                "a label of the EU set",
                b"B4006381333931\r",
                Some(("profile = \"datalogic-gryphon-eu\"\n", "4006381333931")),
            ),
            (
                "a label of the US set",
                b"F4006381333931\r",
                Some(("profile = \"datalogic-magellan-us\"\n", "4006381333931")),
            ),
            ("a letter before digits that are no article", b"B4006381333932\r", None),
            ("half a packet", b"\x12\xF3\x00\x00\x0B59012", None),
        ];
        for (name, burst, want) in rows {
            let found = of_profiles(burst).map(|(language, code)| (language.profile(), code));
            let want = want.map(|(profile, code)| (profile.to_owned(), code.as_bytes().to_vec()));
            assert_eq!(found, want, "{name}");
        }
    }

    #[test]
    fn languages() {
        let language = |prefix, suffix, aim| Some(Lines { prefix, suffix, aim });
        type Row = (&'static str, &'static [u8], Option<Lines>, &'static [u8]);
        let rows: &[Row] = &[
            ("CR", b"4006381333931\r", language(None, Some("CR"), false), b"4006381333931"),
            ("CR LF", b"4006381333931\r\n", language(None, Some("CR LF"), false), b"4006381333931"),
            ("LF", b"4006381333931\n", language(None, Some("LF"), false), b"4006381333931"),
            ("two codes at once", b"abc\rdef\r", language(None, Some("CR"), false), b"abc"),
            (
                "AIM",
                b"]Q1https://example.org\r",
                language(None, Some("CR"), true),
                b"https://example.org",
            ),
            ("STX and ETX", b"\x02abc\x03", language(Some("STX"), Some("ETX"), false), b"abc"),
            (
                "STX and ETX CR",
                b"\x02abc\x03\r",
                language(Some("STX"), Some("ETX CR"), false),
                b"abc",
            ),
            ("no end", b"4006381333931", language(None, None, false), b"4006381333931"),
            ("GS1", b"0104\x1D21\r", language(None, Some("CR"), false), b"0104\x1D21"),
            ("no end, not all text", b"4006\xFE381333931", None, b""),
            ("garbage", b"\xFE\x80\xF0\x00\xFC", None, b""),
            ("too short", b"a\r", None, b""),
            ("silence", b"", None, b""),
        ];
        for (name, burst, want, code) in rows {
            let found = lines(burst);
            assert_eq!(found.map(|(lines, _)| lines), *want, "{name}");
            assert_eq!(found.map_or(&b""[..], |(_, code)| code), *code, "{name}");
            let any = of(burst).map(|(language, _)| language);
            assert_eq!(any, want.map(Language::Lines), "{name}, among all languages");
        }
    }
}
