//! Encodings by their labels.

use encoding_rs::Encoding;

use super::{Error, Section, suggest};

/// The names that errors offer: what scanners are seen to send. Every label of the WHATWG Encoding
/// Standard is accepted.
const NAMES: [&str; 11] = [
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

impl Section<'_> {
    /// An encoding's label or a list of them; UTF-8 where there is none, so it is never empty.
    ///
    /// # Errors
    ///
    /// Where a value is no label, with the nearest usual one.
    pub fn encodings(&self, key: &'static str) -> Result<Vec<&'static Encoding>, Error> {
        let Some(labels) = self.strings(key)? else { return Ok(vec![encoding_rs::UTF_8]) };
        labels.into_iter().map(|label| self.encoding(key, label)).collect()
    }

    fn encoding(&self, key: &'static str, label: &str) -> Result<&'static Encoding, Error> {
        // These two labels stand for "do not decode" and "decode to the reader's own bytes".
        let decodes = |found: &&Encoding| {
            ![encoding_rs::REPLACEMENT, encoding_rs::X_USER_DEFINED].contains(found)
        };
        Encoding::for_label(label.as_bytes()).filter(decodes).ok_or_else(|| {
            let hint = suggest(label, NAMES.into_iter());
            let message = format!(
                "no encoding is called {label:?}; {hint}, and every other label of the WHATWG \
                 Encoding Standard"
            );
            self.error(key, message)
        })
    }
}
