//! Terminals' text: the characters of code page 437 (PA00P015, chapter "ZVT-charactersets"), or of what is configured.

use encoding_rs::{Encoding, ISO_8859_2, ISO_8859_15, UTF_8, WINDOWS_1252};
use zeroize::Zeroizing;

/// The characters of the bytes from 80 on.
const UPPER: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ',
    'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ',
    'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡', '«', '»', '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕',
    '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦',
    '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐',
    '▀', 'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', '≡', '±',
    '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', '\u{A0}',
];

/// The characters of a terminal's texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// Code page 437.
    #[default]
    Cp437,
    /// Another.
    Of(&'static Encoding),
}

impl Charset {
    /// The words of the option. What ISO 8859-1 leaves to controls is as in Windows.
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("cp437", Self::Cp437),
        ("iso-8859-1", Self::Of(WINDOWS_1252)),
        ("iso-8859-2", Self::Of(ISO_8859_2)),
        ("iso-8859-15", Self::Of(ISO_8859_15)),
        ("utf-8", Self::Of(UTF_8)),
    ];

    /// Its number in tag 14, where that is known.
    #[must_use]
    pub(super) fn number(self) -> Option<u8> {
        match self {
            Self::Cp437 => Some(0xFF),
            Self::Of(encoding) => (encoding == UTF_8).then_some(0xFE),
        }
    }

    /// The text of the bytes, up to the first 00; control characters become blanks. It is wiped when it is
    /// dropped: it may name a card until it has been masked.
    #[must_use]
    pub(super) fn text(self, bytes: &[u8]) -> Zeroizing<String> {
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        // Three bytes are the longest character that a byte can become: it never grows, and leaves no copies.
        let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len()));
        match self {
            Self::Cp437 => text.extend(bytes.iter().map(|byte| match byte {
                0x80.. => UPPER.get(usize::from(*byte - 0x80)).copied().unwrap_or(' '),
                byte => plain(char::from(*byte)),
            })),
            Self::Of(encoding) => {
                let mut decoder = encoding.new_decoder_without_bom_handling();
                let capacity = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0);
                let mut decoded = Zeroizing::new(String::with_capacity(capacity));
                let _ = decoder.decode_to_string(bytes, &mut decoded, true);
                text.extend(decoded.chars().map(plain));
            }
        }
        text
    }
}

/// A blank for a control character.
fn plain(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a text; what the page does not have becomes `?`.
    fn bytes(text: &str) -> Vec<u8> {
        text.chars()
            .map(|character| match character {
                ' '..='~' => u8::try_from(character).unwrap_or(b'?'),
                _ => UPPER
                    .iter()
                    .position(|known| *known == character)
                    .and_then(|place| u8::try_from(place + 0x80).ok())
                    .unwrap_or(b'?'),
            })
            .collect()
    }

    #[test]
    fn umlauts_and_controls() {
        let text = |bytes: &[u8]| Charset::Cp437.text(bytes).to_string();
        assert_eq!(text(b"H\x8ENDLERBELEG\x00rest"), "HÄNDLERBELEG");
        assert_eq!(text(b"a\tb\x7F"), "a b ");
        let all: String = UPPER.iter().collect();
        assert_eq!(text(&bytes(&all)), all);
        assert_eq!(bytes("€"), b"?");
    }

    #[test]
    fn what_is_configured() {
        let rows: [(&str, &[u8], &str, Option<u8>); 5] = [
            ("cp437", b"\x81ber\t5", "über 5", Some(0xFF)),
            ("iso-8859-1", b"\xFCber\t5\x00x", "über 5", None),
            ("iso-8859-2", b"\xC8asto", "Často", None),
            ("iso-8859-15", b"\xA4 \xE4", "€ ä", None),
            ("utf-8", "Až 5 €".as_bytes(), "Až 5 €", Some(0xFE)),
        ];
        for (word, bytes, want, number) in rows {
            let (_, charset) = Charset::WORDS.iter().find(|(found, _)| *found == word).unwrap();
            assert_eq!((charset.text(bytes).as_str(), charset.number()), (want, number), "{word}");
        }
    }
}
