//! A simulation as text, one command a line.
//!
//! ```text
//! scan ean-13 4006381333931    a symbology may stand before the text
//! scan A\x1DB\\                \xNN is a byte, \\ a backslash
//! swipe %B4111…?;4111…?        a card's tracks, of a card reader
//! half 40063813                the beginning of a frame, without its end
//! slow 20ms 4006381333931      a pause after each byte
//! noise 5                      so many bytes that mean nothing
//! wait 250ms
//! hang-up 500ms                away, and back after that time; without one, back when needed
//! cut 37 2s                    the same, once it has sent so many more bytes
//! behave decline               a terminal does so from now on
//! repeat 3                     all of the above, three times in all; nothing may follow
//! ```
//!
//! Empty lines and lines that begin with `#` are passed over.

use std::time::Duration;

use super::{Code, Command};
use crate::event::Symbology;

/// The commands, for an error to name.
const COMMANDS: &str = "scan, swipe, half, slow, noise, wait, hang-up, cut, behave or repeat";

/// What is to be done, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The commands in their order.
    pub commands: Vec<Command>,
    /// How often they are done, from 1.
    pub times: u32,
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// What was found and what is accepted.
    pub message: String,
}

/// Reads a script.
///
/// # Errors
///
/// At the first line that is no command.
pub fn parse(text: &str) -> Result<Script, Error> {
    let mut script = Script { commands: Vec::new(), times: 1 };
    let mut ended = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.trim_end().is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let at_line = |message| Error { line: number, message };
        if ended {
            return Err(at_line("nothing may follow `repeat`".to_owned()));
        }
        if let Some(times) = line.strip_prefix("repeat") {
            script.times = count(times).map_err(at_line)?;
            ended = true;
        } else {
            script.commands.push(command(line).map_err(at_line)?);
        }
    }
    Ok(script)
}

/// Reads one command, as typed.
///
/// # Errors
///
/// What was found and what is accepted.
pub fn command(line: &str) -> Result<Command, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line.trim_end(), ""));
    match word {
        "scan" => code(rest).map(Command::Scan),
        "swipe" if rest.is_empty() => {
            Err("found no tracks, accepted is what the card carries, as in `swipe ;4111=2512?`"
                .to_owned())
        }
        "swipe" => Ok(Command::Scan(Code::plain(unescape(rest)?))),
        "half" => code(rest).map(Command::Half),
        "slow" => {
            let (gap, rest) = rest
                .trim_start()
                .split_once(' ')
                .ok_or("`slow` wants a time and a text, as in `slow 20ms 4006381333931`")?;
            Ok(Command::Slow(duration(gap)?, code(rest)?))
        }
        "noise" => count(rest).map(Command::Noise),
        "wait" => duration(rest).map(Command::Wait),
        "hang-up" if rest.trim().is_empty() => Ok(Command::HangUp(None)),
        "hang-up" => duration(rest).map(|time| Command::HangUp(Some(time))),
        "cut" => {
            let (bytes, back) = rest.trim().split_once(' ').unwrap_or((rest, ""));
            let back = if back.is_empty() { None } else { Some(duration(back)?) };
            let bytes = usize::try_from(count(bytes)?).unwrap_or(usize::MAX);
            Ok(Command::Cut(bytes, back))
        }
        "behave" => Ok(Command::Behave(rest.trim().to_owned())),
        other => Err(format!("found `{other}`, accepted is {COMMANDS}")),
    }
}

/// A text with a symbology before it, if its first word is one.
fn code(text: &str) -> Result<Code, String> {
    let named = text.split_once(' ').and_then(|(word, rest)| {
        let symbology = Symbology::ALL.iter().find(|symbology| symbology.word() == word)?;
        Some((*symbology, rest))
    });
    let (symbology, text) = named.map_or((None, text), |(named, rest)| (Some(named), rest));
    if text.is_empty() {
        return Err("found no text, accepted is what the code carries".to_owned());
    }
    Ok(Code { symbology, data: unescape(text)? })
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    let mut parts = text.split('\\');
    data.extend(parts.next().unwrap_or_default().bytes());
    while let Some(part) = parts.next() {
        if part.is_empty() {
            // Two backslashes: the second ends this empty part and begins what follows it.
            data.push(b'\\');
            data.extend(parts.next().ok_or(ESCAPE)?.bytes());
            continue;
        }
        let hex = part.strip_prefix('x').and_then(|part| part.split_at_checked(2));
        let (hex, rest) = hex.ok_or(ESCAPE)?;
        data.push(u8::from_str_radix(hex, 16).map_err(|_| ESCAPE)?);
        data.extend(rest.bytes());
    }
    Ok(data)
}

const ESCAPE: &str = "found a lone `\\`, accepted is `\\xNN` with two hex digits, or `\\\\`";

fn count(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| format!("found `{text}`, accepted is a number from 1 to 1000000"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let number = |unit| text.strip_suffix(unit).and_then(|number: &str| number.parse::<u32>().ok());
    let found = number("ms")
        .map(|number| Duration::from_millis(number.into()))
        .or_else(|| number("s").map(|number| Duration::from_secs(number.into())));
    found.ok_or_else(|| format!("found `{text}`, accepted is a time as in `250ms` or `2s`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let ean = Code { symbology: Some(Symbology::Ean13), data: b"4006381333931".to_vec() };
        let rows = [
            ("scan ean-13 4006381333931", Command::Scan(ean.clone())),
            ("scan two words", Command::Scan(Code::plain("two words"))),
            ("scan A\\x1DB\\\\C\\\\", Command::Scan(Code::plain(b"A\x1DB\\C\\"))),
            ("scan \\x5D", Command::Scan(Code::plain("]"))),
            ("half 4006", Command::Half(Code::plain("4006"))),
            ("slow 20ms ean-13 4006381333931", Command::Slow(Duration::from_millis(20), ean)),
            ("noise 5", Command::Noise(5)),
            ("wait 2s", Command::Wait(Duration::from_secs(2))),
            ("hang-up", Command::HangUp(None)),
            ("cut 37", Command::Cut(37, None)),
            ("cut 37 2s", Command::Cut(37, Some(Duration::from_secs(2)))),
            ("behave partial 500", Command::Behave("partial 500".into())),
            ("hang-up 500ms", Command::HangUp(Some(Duration::from_millis(500)))),
        ];
        for (line, want) in rows {
            assert_eq!(command(line), Ok(want), "{line}");
        }
    }

    #[test]
    fn a_script_is_repeated_as_a_whole() {
        let script = parse("# two\n\n  scan a\nwait 1ms\nrepeat 3\n\n").unwrap();
        assert_eq!((script.commands.len(), script.times), (2, 3));
        assert_eq!(parse("").unwrap(), Script { commands: vec![], times: 1 });
    }

    #[test]
    fn what_is_no_command_is_named_with_its_line() {
        let rows = [
            ("scan a\nscam b", 2, "found `scam`, accepted is scan, swipe"),
            ("scan", 1, "found no text"),
            ("scan a\\", 1, "found a lone"),
            ("scan \\x1", 1, "found a lone"),
            ("scan \\xZZ", 1, "found a lone"),
            ("scan \\x€", 1, "found a lone"),
            ("slow 20ms", 1, "`slow` wants"),
            ("slow 20 a", 1, "found `20`"),
            ("noise many", 1, "found `many`"),
            ("noise 0", 1, "found `0`"),
            ("wait", 1, "found ``"),
            ("repeat 2\nscan a", 2, "nothing may follow"),
        ];
        for (text, line, message) in rows {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.starts_with(message), "{text:?}: {error}");
        }
    }
}
