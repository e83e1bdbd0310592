//! Dialogues as other programs log them: bytes in hex on lines, with words that say who sent them.
//!
//! Contract: pure, and no text is wrong. A line says who sends by its sign (`<` and `>` at its beginning, as
//! in recordings) or by the first word of `WORDS` in it; lines of nothing but hex go on with what the line
//! before began. Bytes are pairs of hex digits, with blanks, commas, dashes, `0x` and quotes between them or
//! with nothing. Everything else is passed over.

use zeroize::Zeroizing;

use super::message::Stretch;
use crate::protocol::Side;

/// What loggers write before bytes, in small letters.
const WORDS: [(&str, Side); 20] = [
    ("pt->ecr", Side::Terminal),
    ("pt -> ecr", Side::Terminal),
    ("pt-&gt;ecr", Side::Terminal),
    ("term -> host", Side::Terminal),
    ("terminal -> ", Side::Terminal),
    ("ecr->pt", Side::Till),
    ("ecr -> pt", Side::Till),
    ("ecr-&gt;pt", Side::Till),
    ("host -> term", Side::Till),
    ("till -> ", Side::Till),
    ("receive", Side::Terminal),
    ("recv", Side::Terminal),
    ("read", Side::Terminal),
    ("rx", Side::Terminal),
    ("<-", Side::Terminal),
    ("send", Side::Till),
    ("sent", Side::Till),
    ("write", Side::Till),
    ("tx", Side::Till),
    ("->", Side::Till),
];
/// A run of fewer bytes counts only where nothing but they stands behind the word.
const CERTAIN: usize = 3;

/// The bytes of a dialogue, in their order.
#[must_use]
pub fn read(text: &str) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut before = None;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.split(" #").next().unwrap_or_default().trim();
        if text.starts_with('#') {
            continue;
        }
        let (side, bytes) = match sender(text) {
            Some((side, rest)) => {
                before = Some(side);
                (before, behind_a_word(rest))
            }
            None => (before, alone(text)),
        };
        if !bytes.is_empty() {
            stretches.push(Stretch { line, side, bytes });
        }
    }
    stretches
}

/// Who sends, and what stands behind the word that says so.
fn sender(text: &str) -> Option<(Side, &str)> {
    let signs = text.len() - text.trim_start_matches(['<', '>', ' ', '|']).len();
    let (signs, rest) = text.split_at_checked(signs)?;
    // A quotation in a forum begins its lines with `>` too.
    match signs.trim_end().chars().last() {
        Some('<') => return Some((Side::Terminal, rest)),
        Some('>') if !run(rest).1.is_empty() => return Some((Side::Till, rest)),
        _ => {}
    }
    let small = text.to_ascii_lowercase();
    let found = WORDS.iter().filter_map(|(word, side)| {
        let place = small
            .match_indices(word)
            .map(|(place, _)| place)
            .find(|place| is_word(text, *place))?;
        Some((place, std::cmp::Reverse(word.len()), *side))
    });
    let (place, length, side) = found.min_by_key(|(place, length, _)| (*place, *length))?;
    Some((side, text.get(place + length.0..)?))
}

/// Whether a word begins at this place: no letter or digit stands before it, or it is the `Receive` of `DataReceived`.
fn is_word(text: &str, place: usize) -> bool {
    let Some((before, word)) = text.split_at_checked(place) else { return false };
    let is_capital = word.starts_with(|character: char| character.is_ascii_uppercase());
    match before.chars().last() {
        Some(last) if last.is_ascii_lowercase() => is_capital,
        last => last.is_none_or(|last| !last.is_ascii_alphanumeric()),
    }
}

/// The bytes behind a word: the longest run there is.
fn behind_a_word(text: &str) -> Zeroizing<Vec<u8>> {
    // What is left of the word itself: `receive` in `receiveAsync`, `received`.
    let text = text.trim_start_matches(|character: char| character.is_ascii_alphabetic());
    let mut best = Zeroizing::new(Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (after, bytes) = run(rest);
        let is_all = after.trim_matches(|character: char| !character.is_alphanumeric()).is_empty();
        if bytes.len() > best.len() && (bytes.len() >= CERTAIN || is_all) {
            best = bytes;
        }
        rest = next_token(after);
    }
    best
}

/// The bytes of a line that has nothing else, but for an offset before them.
fn alone(text: &str) -> Zeroizing<Vec<u8>> {
    let offset = text.split_once([':', ' ']).filter(|(first, rest)| {
        let is_offset =
            matches!(first.len(), 4 | 8) && first.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_offset && rest.starts_with(' ')
    });
    let text = offset.map_or(text, |(_, rest)| rest.trim_start());
    let (after, bytes) = run(text);
    if after.trim().is_empty() || (offset.is_some() && bytes.len() >= CERTAIN) {
        return bytes;
    }
    Zeroizing::new(Vec::new())
}

/// What may stand between bytes.
const BETWEEN: [char; 17] =
    [' ', '\t', ',', ';', '-', ':', '[', ']', '\'', '"', '{', '}', '<', '>', '(', ')', '|'];

/// The run of bytes that begins a text, all with the same between them, and what stands behind it. Times and dates
/// are none.
fn run(text: &str) -> (&str, Zeroizing<Vec<u8>>) {
    let text = text.trim_start_matches(BETWEEN);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let (mut rest, mut between) = (text, None);
    while !rest.is_empty() {
        let end = rest.find(BETWEEN).unwrap_or(rest.len());
        let Some((token, after)) = rest.split_at_checked(end) else { break };
        if !take(token, &mut bytes) {
            break;
        }
        rest = after.trim_start_matches(BETWEEN);
        let mut separator: Vec<char> =
            after.chars().take_while(|character| BETWEEN.contains(character)).collect();
        separator.dedup();
        if between.get_or_insert_with(|| separator.clone()) != &separator {
            break;
        }
    }
    let taken = text.strip_suffix(rest).unwrap_or(text).trim_end_matches(BETWEEN);
    if is_clock(taken) {
        bytes.clear();
    }
    (rest, bytes)
}

/// Whether it is a time, hours to seconds, or a date that begins with its year.
fn is_clock(text: &str) -> bool {
    let parts = |between| -> Vec<&str> { text.split(between).collect() };
    let below = |part: &&str, limit| part.parse().is_ok_and(|number: u8| number < limit);
    if let [year, month, day] = parts('-').as_slice() {
        return year.len() == 4 && below(month, 13) && below(day, 32);
    }
    if let [hours, minutes, seconds] = parts(':').as_slice() {
        return below(hours, 24) && below(minutes, 60) && below(seconds, 60);
    }
    false
}

/// A text behind its first token.
fn next_token(text: &str) -> &str {
    let end = text.find(BETWEEN).unwrap_or(text.len());
    text.get(end..).unwrap_or_default().trim_start_matches(BETWEEN)
}

/// Takes the bytes of a token; whether it is one of bytes.
fn take(token: &str, bytes: &mut Vec<u8>) -> bool {
    let plain = token.strip_prefix("0x").or_else(|| token.strip_prefix("0X"));
    let plain = plain.or_else(|| token.strip_prefix("\\x"));
    let is_marked = plain.is_some();
    let digits = plain.unwrap_or(token);
    let value = |pair: &str| u8::from_str_radix(pair, 16).ok();
    let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hex && is_marked && digits.len() == 1 {
        bytes.extend(value(digits));
        return true;
    }
    if !is_hex || !digits.len().is_multiple_of(2) {
        return false;
    }
    let pairs = (0..digits.len()).step_by(2).filter_map(|place| digits.get(place..place + 2));
    bytes.extend(pairs.filter_map(value));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(usize, char, Vec<u8>)> {
        let side = |side| match side {
            Some(Side::Till) => '>',
            Some(Side::Terminal) => '<',
            None => '?',
        };
        read(text).into_iter().map(|it| (it.line, side(it.side), it.bytes.to_vec())).collect()
    }

    #[test]
    fn lines_as_loggers_write_them() {
        let rows: [(&str, char, &[u8]); 23] = [
            ("< 06 10 02 80 00 00 # taken", '<', &[0x06, 0x10, 0x02, 0x80, 0, 0]),
            ("> 06", '>', &[0x06]),
            // ecrterm, issue 2, as it stands and as a quotation.
            ("< ['0x6']", '<', &[6]),
            ("> ['0x10', '0x2', '0x5']", '>', &[0x10, 2, 5]),
            ("> < ['0x10', '0x2', '0x80', '0x0']", '<', &[0x10, 2, 0x80, 0]),
            // Portalum.Zvt: its logger, with time and class before.
            ("12:01:33.123 dbug: ZvtCommunication Receive - 06-0F-00", '<', &[6, 0x0F, 0]),
            (
                "2023-05-17 10:21:33 [Trace] SendAsync - 06-00-06-12-34-56-BE-09-78",
                '>',
                &[6, 0, 6, 0x12, 0x34, 0x56, 0xBE, 9, 0x78],
            ),
            ("Receive - 10", '<', &[0x10]),
            ("[DBG] DataReceived - 06 1E 01 6C", '<', &[6, 0x1E, 1, 0x6C]),
            ("{\"dir\":\"rx\",\"data\":\"060F00\"}", '<', &[6, 0x0F, 0]),
            // EVerest/zvt.
            ("[DEBUG] Read the bytes [0x04, 0xff, 0x01, 0x17]", '<', &[4, 0xFF, 1, 0x17]),
            ("Write 060102", '>', &[6, 1, 2]),
            // CCV.
            ("PT->ECR: 040F0227 00", '<', &[4, 0x0F, 2, 0x27, 0]),
            ("ECR -> PT | 80 00 00", '>', &[0x80, 0, 0]),
            ("11:22:33 <TR>PT-&gt;ECR<TD>06 0F 00", '<', &[6, 0x0F, 0]),
            ("TERM -> HOST 80 00 00 (3 bytes)", '<', &[0x80, 0, 0]),
            ("10:20:30 RX: 80 00 00", '<', &[0x80, 0, 0]),
            ("TX(3): 80:00:00", '>', &[0x80, 0, 0]),
            // Nothing says who.
            ("80 00 00", '?', &[0x80, 0, 0]),
            ("060F00", '?', &[6, 0x0F, 0]),
            ("0000  06 0f 00 27 ee 12   ...'..", '?', &[6, 0x0F, 0, 0x27, 0xEE, 0x12]),
            (r"\x06 \x0F \x00", '?', &[6, 0x0F, 0]),
            ("0x06,0x0F,0x00", '?', &[6, 0x0F, 0]),
        ];
        for (text, side, bytes) in rows {
            assert_eq!(all(text), [(1, side, bytes.to_vec())], "{text}");
        }
    }

    #[test]
    fn bytes_below_the_word_that_says_who_sent_them() {
        assert_eq!(
            all("Received:\n  06 0F\n  00\nSent:\n80 00 00\n"),
            [(2, '<', vec![6, 0x0F]), (3, '<', vec![0]), (5, '>', vec![0x80, 0, 0])]
        );
    }

    #[test]
    fn what_has_no_bytes() {
        for text in [
            "",
            "# note: 06 0F 00",
            "+ 5s",
            "! pay 1250",
            "> StatusEnquiry{05 01} _{'password': '123456'}",
            "the card was received at 10:20:30, be patient",
            "2023-05-17 10:21:33 terminal is ready",
            "we send it again",
            "it had already 10 20 30",
        ] {
            assert_eq!(all(text), [], "{text}");
        }
    }
}
