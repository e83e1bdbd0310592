//! How words look on a terminal: colour, columns, and nothing a code carries that could move a cursor.

use std::env;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdout};

/// What a word is, from which follows how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// What is looked for first.
    Strong,
    /// What is looked at last.
    Faint,
    Good,
    Odd,
    Bad,
    /// A word out of a fixed list.
    Word,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Colour on a terminal that has it, unless the person has asked for none (<https://no-color.org>).
    pub(crate) fn of_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { colour: stdout().is_terminal() && !refused && !dumb }
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Odd => "33",
            Tone::Bad => "31",
            Tone::Word => "36",
            Tone::Plain => "",
        };
        if !self.colour || code.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The text with everything escaped that would not show, or would change how the rest shows.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_direction(character) {
            let _ = write!(plain, "\\u{{{:X}}}", u32::from(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Marks that reorder the text around them, and line ends that are no control characters.
fn is_direction(character: char) -> bool {
    matches!(character,
        '\u{061C}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The columns a text takes, as terminals count those of East Asian scripts.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

fn is_wide(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{303E}' | '\u{3041}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{1F300}'..='\u{1FAFF}'
        | '\u{20000}'..='\u{3FFFD}')
}

/// The blanks that fill a column of this width.
pub(crate) fn fill(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_where_it_is_wanted() {
        let (with, without) = (Style { colour: true }, Style { colour: false });
        assert_eq!(with.paint(Tone::Bad, "fault"), "\x1b[31mfault\x1b[0m");
        assert_eq!(with.paint(Tone::Plain, "text"), "text");
        assert_eq!(without.paint(Tone::Bad, "fault"), "fault");
    }

    #[test]
    fn what_could_move_a_cursor_is_escaped() {
        assert_eq!(plain("a\x1b[2J\u{9b}b"), "a\\u{1B}[2J\\u{9B}b");
        assert_eq!(plain("abc\u{202E}fed"), "abc\\u{202E}fed");
        assert_eq!(plain("玩具 ü"), "玩具 ü");
    }

    #[test]
    fn columns() {
        assert_eq!((width("ab"), width("玩具"), width("")), (2, 4, 0));
        assert_eq!(fill("玩", 4), "  ");
        assert_eq!(fill("long", 2), "");
    }
}
