//! Bytes as text, and text that can be shown.
//!
//! Contract: pure. An encoding counts only where it decodes every byte. Text is made safe to print:
//! control characters become their pictures (`␍`, `␝`), and what would act on the text around it
//! without being seen (C1 controls, bidirectional overrides, zero-width and tag characters) becomes
//! `\u{202E}`. That is for eyes and not for parsing: a code may hold such a picture itself, so a
//! program that needs the exact code takes the raw bytes.

use std::fmt::{self, Write};

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::secret::Secret;

/// Bytes that have turned out to be text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text as it stands in the code, control characters and all.
    pub text: Text<'a>,
    /// The encoding's name.
    pub encoding: &'static str,
}

/// Text of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// Its bytes are those of the code.
    Plain(&'a str),
    /// It had to be written out.
    Decoded(Secret<String>),
}

impl Text<'_> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Decoded(text) => text.expose(),
        }
    }
}

/// Decodes bytes in the first encoding that fits all of them. No encodings means UTF-8.
#[must_use]
pub fn decode<'a>(bytes: &'a [u8], encodings: &[&'static Encoding]) -> Option<Decoded<'a>> {
    let encodings = if encodings.is_empty() { &[UTF_8][..] } else { encodings };
    encodings.iter().find_map(|encoding| {
        Some(Decoded { text: decode_in(encoding, bytes)?, encoding: word(encoding) })
    })
}

/// The text of bytes that all of them are text in this encoding.
fn decode_in<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Text<'a>> {
    if encoding == UTF_8 || encoding.is_ascii_compatible() && bytes.is_ascii() {
        return std::str::from_utf8(bytes).ok().map(Text::Plain);
    }
    // The crate's own way to do all of it at once makes a `String` that stays on the heap when it fails.
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
    let mut text = Secret::<Vec<u8>>::zeros(most);
    let (result, _, written) =
        decoder.decode_to_utf8_without_replacement(bytes, text.expose_mut(), true);
    text.truncate(written);
    (result == DecoderResult::InputEmpty).then(|| text.into_text().map(Text::Decoded))?
}

/// The names of encodings that the WHATWG writes with capitals, and ours.
const WORDS: [(&str, &str); 25] = [
    ("UTF-8", "utf-8"),
    ("GBK", "gbk"),
    ("Big5", "big5"),
    ("EUC-JP", "euc-jp"),
    ("EUC-KR", "euc-kr"),
    ("ISO-2022-JP", "iso-2022-jp"),
    ("Shift_JIS", "shift_jis"),
    ("IBM866", "ibm866"),
    ("ISO-8859-2", "iso-8859-2"),
    ("ISO-8859-3", "iso-8859-3"),
    ("ISO-8859-4", "iso-8859-4"),
    ("ISO-8859-5", "iso-8859-5"),
    ("ISO-8859-6", "iso-8859-6"),
    ("ISO-8859-7", "iso-8859-7"),
    ("ISO-8859-8", "iso-8859-8"),
    ("ISO-8859-8-I", "iso-8859-8-i"),
    ("ISO-8859-10", "iso-8859-10"),
    ("ISO-8859-13", "iso-8859-13"),
    ("ISO-8859-14", "iso-8859-14"),
    ("ISO-8859-15", "iso-8859-15"),
    ("ISO-8859-16", "iso-8859-16"),
    ("KOI8-R", "koi8-r"),
    ("KOI8-U", "koi8-u"),
    ("UTF-16BE", "utf-16be"),
    ("UTF-16LE", "utf-16le"),
];

/// An encoding's WHATWG name in lower case.
#[must_use]
pub fn word(encoding: &'static Encoding) -> &'static str {
    let name = encoding.name();
    WORDS.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}

/// Whether text is a link: a scheme, `://`, and something behind it without a space.
#[must_use]
pub fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let mut scheme = scheme.bytes();
    scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && !rest.chars().any(|character| character.is_whitespace() || acts_unseen(character))
}

/// Text as it can be shown. It is public by then.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    // Writing to a string cannot fail.
    let _ = show(text, &mut shown);
    shown
}

/// Text as it can be shown, once it has been decided to whom.
#[must_use]
pub fn visible_secret(text: &str) -> Secret<String> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Secret::copy_of(text);
    }
    let mut length = Length(0);
    let _ = show(text, &mut length);
    let mut shown = Secret::with_room(length.0);
    // There is room for just that.
    let _ = show(text, &mut shown);
    shown
}

/// How long a text becomes.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn show(text: &str, shown: &mut impl Write) -> fmt::Result {
    for character in text.chars() {
        match picture(character) {
            Some(picture) => shown.write_char(picture)?,
            // Asked of few: most characters are plain ASCII.
            None if !character.is_ascii() && acts_unseen(character) => {
                write!(shown, "\\u{{{:X}}}", u32::from(character))?;
            }
            None => shown.write_char(character)?,
        }
    }
    Ok(())
}

/// The picture of a C0 control character or DEL.
fn picture(character: char) -> Option<char> {
    match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code),
        0x7F => Some('\u{2421}'),
        _ => None,
    }
}

/// Whether a character changes how others are shown, or hides, without being seen itself.
pub(super) fn acts_unseen(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            | '\u{AD}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_tried_in_their_order() {
        let (gb, jis) = (encoding_rs::GB18030, encoding_rs::SHIFT_JIS);
        for (name, bytes, order, want) in [
            ("ASCII is the first", &b"abc"[..], [UTF_8, gb], Some(("abc", "utf-8"))),
            ("UTF-8", "茶".as_bytes(), [UTF_8, gb], Some(("茶", "utf-8"))),
            ("GB18030", b"\xB2\xE8", [UTF_8, gb], Some(("茶", "gb18030"))),
            ("Shift-JIS", b"\x92\x83", [UTF_8, jis], Some(("茶", "shift_jis"))),
            ("half a character", b"\xB2", [UTF_8, gb], None),
            ("in none of them", b"\xFF\xFF", [UTF_8, jis], None),
        ] {
            let decoded = decode(bytes, &order);
            let got = decoded.as_ref().map(|decoded| (decoded.text.as_str(), decoded.encoding));
            assert_eq!(got, want, "{name}");
        }
        assert_eq!(decode(b"a", &[]).unwrap().encoding, "utf-8");
    }

    #[test]
    fn nothing_unseen_stays_in_text() {
        for (text, want) in [
            ("plain", "plain"),
            ("a\0\t\r\n\u{1B}[31m", "a␀␉␍␊␛[31m"),
            ("del\u{7F}", "del␡"),
            ("next\u{85}line", "next\\u{85}line"),
            ("\u{202E}drow", "\\u{202E}drow"),
            ("zero\u{200B}width\u{FEFF}", "zero\\u{200B}width\\u{FEFF}"),
            ("tag\u{E0041}", "tag\\u{E0041}"),
            ("茶 é ok", "茶 é ok"),
        ] {
            assert_eq!(visible(text), want);
            assert_eq!(visible_secret(text).expose(), want);
        }
    }

    #[test]
    fn no_control_character_survives() {
        let all: String = (0..0x11_0000).filter_map(char::from_u32).collect();
        assert!(
            !visible(&all)
                .chars()
                .any(|character| { character.is_control() || acts_unseen(character) })
        );
    }

    #[test]
    fn links() {
        for (text, want) in [
            ("https://example.org", true),
            ("upi://pay?pa=a", true),
            ("://example.org", false),
            ("1a://example.org", false),
            ("https://", false),
            ("https://a\u{202E}b", false),
            ("say https://example.org", false),
            ("WIFI:S:shop;;", false),
        ] {
            assert_eq!(is_url(text), want, "{text}");
        }
    }

    #[test]
    fn every_word_is_lower_case_and_a_label() {
        for (theirs, ours) in WORDS {
            assert_eq!(ours, theirs.to_ascii_lowercase());
            assert_eq!(Encoding::for_label(ours.as_bytes()).map(Encoding::name), Some(theirs));
        }
    }
}
