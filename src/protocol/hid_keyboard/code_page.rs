//! Code pages, for characters that are typed by their number.
//!
//! Source: Unicode's mapping tables of IBM 437, IBM 850 and Windows 1252.

/// A code page of DOS, by which Alt and a number without a leading 0 count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodePage {
    /// IBM 437, in the United States.
    Ibm437,
    /// IBM 850, in Western Europe.
    Ibm850,
}

impl CodePage {
    /// The character of a number. Below 32 it is the control character, for which scanners type it, not
    /// the picture that DOS showed.
    pub(super) fn character(self, byte: u8) -> char {
        let table = match self {
            Self::Ibm437 => &IBM_437,
            Self::Ibm850 => &IBM_850,
        };
        upper(table, byte).unwrap_or(char::from(byte))
    }
}

/// The character of a number in Windows 1252; what that leaves open is the control of that number.
pub(super) fn windows_1252(byte: u8) -> char {
    let place = usize::from(byte.wrapping_sub(0x80));
    WINDOWS_1252.chars().nth(place).unwrap_or(char::from(byte))
}

fn upper(table: &[&str; 4], byte: u8) -> Option<char> {
    let place = usize::from(byte.checked_sub(0x80)?);
    table.get(place / 32)?.chars().nth(place % 32)
}

/// 80 to 9F; the rest is that of Latin 1.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ";

/// 80 to FF, 32 a row.
const IBM_437: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
];

const IBM_850: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}",
];
