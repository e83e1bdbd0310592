//! Extended channel interpretations: codes that say in which encoding they are.
//!
//! Contract: pure. AIM ITS/04-001: where the AIM identifier's modifier says so, `\` and six digits in
//! the data stand for a change of encoding, and `\\` for a backslash. Devices that send such an
//! identifier and escape nothing exist; a lone backslash gives them away, and their codes are then taken
//! as they are. The bytes as sent are kept beside what is undone here.

use encoding_rs::Encoding;

use super::text::{self, Decoded, Text};
use crate::event::Aim;
use crate::secret::Secret;

/// The identifiers that say that the data is escaped so, by letter (ISO/IEC 15424 and the manuals that
/// reproduce it).
const ESCAPED: &[(u8, &[u8])] = &[
    (b'J', b"345"),
    (b'L', b"1"),
    (b'Q', b"246"),
    (b'U', b"23"),
    (b'd', b"456"),
    (b'h', b"1"),
    (b'z', b"3459AB"),
];

/// What an assignment number stands for.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// An encoding of the WHATWG, which has what the number's own standard has.
    Text(&'static Encoding),
    /// ASCII and nothing else.
    Ascii,
    /// The first IBM PC's.
    Cp437,
    /// Bytes that are no text.
    Bytes,
}

/// The assignments that are text, by number: AIM, *Extended Channel Interpretations, Assignments*. ISO
/// 8859-1, -9 and -11 are what the WHATWG calls windows-1252, -1254 and -874: those have letters where
/// these have controls.
const ASSIGNMENTS: &[(u32, Means)] = &[
    (0, Means::Cp437),
    (1, Means::Text(encoding_rs::WINDOWS_1252)),
    (2, Means::Cp437),
    (3, Means::Text(encoding_rs::WINDOWS_1252)),
    (4, Means::Text(encoding_rs::ISO_8859_2)),
    (5, Means::Text(encoding_rs::ISO_8859_3)),
    (6, Means::Text(encoding_rs::ISO_8859_4)),
    (7, Means::Text(encoding_rs::ISO_8859_5)),
    (8, Means::Text(encoding_rs::ISO_8859_6)),
    (9, Means::Text(encoding_rs::ISO_8859_7)),
    (10, Means::Text(encoding_rs::ISO_8859_8)),
    (11, Means::Text(encoding_rs::WINDOWS_1254)),
    (12, Means::Text(encoding_rs::ISO_8859_10)),
    (13, Means::Text(encoding_rs::WINDOWS_874)),
    (15, Means::Text(encoding_rs::ISO_8859_13)),
    (16, Means::Text(encoding_rs::ISO_8859_14)),
    (17, Means::Text(encoding_rs::ISO_8859_15)),
    (18, Means::Text(encoding_rs::ISO_8859_16)),
    (20, Means::Text(encoding_rs::SHIFT_JIS)),
    (21, Means::Text(encoding_rs::WINDOWS_1250)),
    (22, Means::Text(encoding_rs::WINDOWS_1251)),
    (23, Means::Text(encoding_rs::WINDOWS_1252)),
    (24, Means::Text(encoding_rs::WINDOWS_1256)),
    (25, Means::Text(encoding_rs::UTF_16BE)),
    (26, Means::Text(encoding_rs::UTF_8)),
    (27, Means::Ascii),
    (28, Means::Text(encoding_rs::BIG5)),
    (29, Means::Text(encoding_rs::GBK)),
    (30, Means::Text(encoding_rs::EUC_KR)),
    (31, Means::Text(encoding_rs::GBK)),
    (32, Means::Text(encoding_rs::GB18030)),
    (33, Means::Text(encoding_rs::UTF_16LE)),
    (170, Means::Ascii),
    (899, Means::Bytes),
];

/// The letters of code page 437 from 80 on.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█\
                     ▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

/// A code with its escapes undone.
#[derive(Debug)]
pub(super) struct Undone {
    /// The bytes that the code carries.
    pub(super) bytes: Secret<Vec<u8>>,
    /// Its text, where all of it is text.
    text: Option<Secret<String>>,
    /// The first encoding in it.
    encoding: &'static str,
    /// The assignment numbers in it.
    pub(super) assignments: Vec<u32>,
}

impl Undone {
    /// The text, which stays where it is wiped.
    pub(super) fn decoded(&self) -> Option<Decoded<'_>> {
        let text = Text::Plain(self.text.as_ref()?.expose());
        Some(Decoded { text, encoding: self.encoding })
    }
}

/// No encoding makes more than so many bytes of UTF-8 of one byte.
const WIDEST: usize = 3;

/// Whether an identifier says that the data is escaped.
pub(super) fn is_escaped(aim: Aim) -> bool {
    ESCAPED.iter().any(|(code, modifiers)| *code == aim.code && modifiers.contains(&aim.modifier))
}

/// Undoes the escapes; `None` where the data is not escaped after all.
pub(super) fn undo(data: &[u8], encodings: &[&'static Encoding]) -> Option<Undone> {
    let pieces = pieces(data)?;
    let mut bytes = Secret::with_room(data.len());
    let mut text = Secret::with_room(data.len() * WIDEST);
    let mut is_text = true;
    let mut word = None;
    for piece in &pieces {
        bytes.append(piece.bytes.expose()).ok()?;
        if piece.bytes.expose().is_empty() {
            continue;
        }
        let decoded = piece.decode(encodings);
        word = word.or(decoded.as_ref().map(|decoded| decoded.encoding));
        is_text &= decoded.is_some();
        if let Some(decoded) = decoded {
            text.append(decoded.text.as_str()).ok()?;
        }
    }
    Some(Undone {
        bytes,
        text: is_text.then_some(text),
        encoding: word.unwrap_or("utf-8"),
        assignments: pieces.iter().filter_map(|piece| piece.assignment).collect(),
    })
}

/// Bytes under one interpretation.
struct Piece {
    /// The one that the code named; none before the first.
    assignment: Option<u32>,
    bytes: Secret<Vec<u8>>,
}

impl Piece {
    fn decode(&self, encodings: &[&'static Encoding]) -> Option<Decoded<'_>> {
        let bytes = self.bytes.expose();
        // Before the first assignment a code is in the symbology's own encoding, of which generators
        // know as little as they do without any.
        let Some(number) = self.assignment else { return text::decode(bytes, encodings) };
        let (_, means) = ASSIGNMENTS.iter().find(|(known, _)| *known == number)?;
        match means {
            Means::Text(encoding) => text::decode(bytes, &[*encoding]),
            Means::Ascii if bytes.is_ascii() => text::decode(bytes, &[encoding_rs::UTF_8]),
            Means::Cp437 => Some(Decoded { text: Text::Decoded(cp437(bytes)?), encoding: "cp437" }),
            Means::Ascii | Means::Bytes => None,
        }
    }
}

fn cp437(bytes: &[u8]) -> Option<Secret<String>> {
    let letter = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(place) => CP437.chars().nth(place.into()).unwrap_or('\u{FFFD}'),
    };
    let mut text = Secret::<String>::with_room(bytes.len() * WIDEST);
    bytes.iter().map(letter).try_for_each(|letter| text.push(letter)).ok()?;
    Some(text)
}

fn pieces(data: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut assignment = None;
    let mut bytes = Secret::<Vec<u8>>::with_room(data.len());
    let mut rest = data;
    while let Some(place) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(place)?;
        bytes.append(before).ok()?;
        if let Some(after) = escape.strip_prefix(b"\\\\") {
            bytes.push(b'\\').ok()?;
            rest = after;
            continue;
        }
        let (digits, after) = escape.get(1..)?.split_at_checked(6)?;
        let digits = std::str::from_utf8(digits).ok()?;
        let number =
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
        let piece = std::mem::replace(&mut bytes, Secret::with_room(after.len()));
        pieces.push(Piece { assignment, bytes: piece });
        assignment = number;
        rest = after;
    }
    bytes.append(rest).ok()?;
    pieces.push(Piece { assignment, bytes });
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn undone(data: &[u8]) -> Option<(Vec<u8>, Option<String>, Vec<u32>)> {
        let undone = undo(data, &[])?;
        let text = undone.decoded().map(|decoded| decoded.text.as_str().to_owned());
        Some((undone.bytes.expose().to_vec(), text, undone.assignments))
    }

    #[test]
    fn escapes_are_undone_and_text_is_in_the_encoding_that_they_name() {
        for (name, data, bytes, text, assignments) in [
            ("none", &b"abc"[..], &b"abc"[..], Some("abc"), &[][..]),
            ("a backslash", b"a\\\\b", b"a\\b", Some("a\\b"), &[]),
            ("ISO 8859-1", b"\\000003Z\xFCrich", b"Z\xFCrich", Some("Zürich"), &[3]),
            ("Shift-JIS", b"\\000020\x92\x83", b"\x92\x83", Some("茶"), &[20]),
            (
                "UTF-8 after a backslash",
                b"\\\\\\000026\xE8\x8C\xB6",
                b"\\\xE8\x8C\xB6",
                Some("\\茶"),
                &[26],
            ),
            ("GB 2312", b"\\000029\xB2\xE8", b"\xB2\xE8", Some("茶"), &[29]),
            ("two encodings", b"\\000003\xFC\\000007\xDF", b"\xFC\xDF", Some("üп"), &[3, 7]),
            ("code page 437", b"\\000002\x81\xFF", b"\x81\xFF", Some("ü\u{A0}"), &[2]),
            ("bytes", b"a\\000899\x00\xFF", b"a\x00\xFF", None, &[899]),
            ("an unknown number", b"\\812345abc", b"abc", None, &[812_345]),
            ("what its encoding lacks", b"\\000026\xFF", b"\xFF", None, &[26]),
        ] {
            let want = (bytes.to_vec(), text.map(str::to_owned), assignments.to_vec());
            assert_eq!(undone(data), Some(want), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(data in prop::collection::vec(any::<u8>(), 0..60)) {
            let escaped = data.iter().flat_map(|byte| match byte {
                b'\\' => vec![b'\\'; 2],
                byte => vec![*byte],
            });
            let escaped: Vec<u8> = b"\\000899".iter().copied().chain(escaped).collect();
            prop_assert_eq!(undone(&escaped).map(|(bytes, ..)| bytes), Some(data.clone()));
            let _ = undone(&data);
        }
    }

    #[test]
    fn there_is_room_for_the_widest_text() {
        for (name, data) in [
            ("text", &b"\\000026hQVDUFYwMQ"[..]),
            (
                "three bytes of each",
                &b"\\000002\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4\xC4"[..],
            ),
            ("pieces", &b"secret\\000013\xA1\xA1\xA1\\000020\xB1\xB1\xB1\xB1\\000026abc"[..]),
        ] {
            let undone = undo(data, &[]).unwrap();
            assert!(undone.text.is_some(), "{name}");
            assert!(cp437(data).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_not_escaped_is_left_alone() {
        for data in [&b"a\\b"[..], b"\\", b"\\00002", b"\\00002x", b"a\\\\\\"] {
            assert!(undone(data).is_none(), "{data:?}");
        }
    }

    #[test]
    fn assignments_are_in_order_and_code_page_437_is_whole() {
        assert!(ASSIGNMENTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(CP437.chars().count(), 128);
        for identifier in ["]Q2", "]L1", "]d4", "]z3", "]zA"] {
            let (aim, _) = Aim::split(identifier.as_bytes()).unwrap();
            assert!(is_escaped(aim) && aim.is_known(), "{identifier}");
        }
        let (aim, _) = Aim::split(b"]Q1").unwrap();
        assert!(!is_escaped(aim));
    }
}
