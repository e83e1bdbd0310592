//! Terminals' text: the characters of code page 437 (PA00P015, chapter "ZVT-charactersets").

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

/// The text of the bytes, up to the first 00; control characters become blanks. It is wiped when it is
/// dropped: it may name a card until it has been masked.
#[must_use]
pub(super) fn text(bytes: &[u8]) -> Zeroizing<String> {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    // Three bytes are the longest character of the page: it never grows, and leaves no copies.
    let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len()));
    text.extend(bytes.iter().map(|byte| match byte {
        0x20..=0x7E => char::from(*byte),
        0x80.. => UPPER.get(usize::from(*byte - 0x80)).copied().unwrap_or(' '),
        _ => ' ',
    }));
    text
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
        assert_eq!(*text(b"H\x8ENDLERBELEG\x00rest"), "HÄNDLERBELEG");
        assert_eq!(*text(b"a\tb\x7F"), "a b ");
        let all: String = UPPER.iter().collect();
        assert_eq!(*text(&bytes(&all)), all);
        assert_eq!(bytes("€"), b"?");
    }
}
