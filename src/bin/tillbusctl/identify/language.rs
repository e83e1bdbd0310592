//! What a burst of bytes says of how a scanner sends its codes.
//!
//! Contract: pure.

use tillbus::event::Aim;

/// How codes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Language {
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
pub(super) fn of(burst: &[u8]) -> Option<(Language, &[u8])> {
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
    let language = Language { prefix, suffix, aim: aim.is_some() };
    // Without an end there is less to tell a code by, so more is asked of its bytes.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | 0x1D);
    let right = is_code(code) && (suffix.is_some() || code.iter().all(plain));
    right.then_some((language, code))
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
    pub(super) fn has_end(self) -> bool {
        self.suffix.is_some()
    }

    /// For a person.
    pub(super) fn words(self) -> String {
        let end = match self.suffix {
            Some(suffix) => format!("each code ends in {suffix}"),
            None => "silence alone ends a code".to_owned(),
        };
        let begin = self.prefix.map_or(String::new(), |prefix| format!(", begins with {prefix}"));
        let aim = if self.aim { "with" } else { "without" };
        format!("line scanner, {end}{begin}, {aim} AIM identifier")
    }

    /// For the configuration.
    pub(super) fn table(self) -> String {
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
    fn languages() {
        let language = |prefix, suffix, aim| Some(Language { prefix, suffix, aim });
        type Row = (&'static str, &'static [u8], Option<Language>, &'static [u8]);
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
            let found = of(burst);
            assert_eq!(found.map(|(language, _)| language), *want, "{name}");
            assert_eq!(found.map_or(&b""[..], |(_, code)| code), *code, "{name}");
        }
    }
}
