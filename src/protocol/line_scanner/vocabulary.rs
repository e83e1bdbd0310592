//! Vocabulary that an integrator has copied out of the vendor's paper: `[protocol.commands]`.
//!
//! Contract: pure. No public document has a language that such boxes share, so there are no commands
//! but the configured ones, and a device can be asked what it has a command for. No reply is known
//! either: a command counts as obeyed when its last byte has left.

use encoding_rs::{Encoding, UTF_8};

use crate::event::{Refusal, Request, Verdict};
use crate::settings::{Error, Section};

/// Two commands that make sense only together.
type Pair = (Vec<u8>, Vec<u8>);

/// What is sent for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::protocol) struct Vocabulary {
    trigger_on: Option<Vec<u8>>,
    trigger_off: Option<Vec<u8>>,
    /// To let it read, and not to.
    enable: Option<Pair>,
    good: Option<Vec<u8>>,
    bad: Option<Vec<u8>>,
    wait: Option<Vec<u8>>,
    attention: Option<Vec<u8>>,
    show: Option<Show>,
}

/// What stands around a text for the screen, and how the text is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Show {
    before: Vec<u8>,
    after: Vec<u8>,
    encoding: &'static Encoding,
}

impl Vocabulary {
    /// Reads `commands` of the protocol's table.
    pub(in crate::protocol) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let Some(commands) = section.section("commands")? else { return Ok(Self::default()) };
        let read = Self {
            trigger_on: command(&commands, "trigger-on")?,
            trigger_off: command(&commands, "trigger-off")?,
            enable: pair(&commands, "enable", "disable")?,
            good: command(&commands, "good")?,
            bad: command(&commands, "bad")?,
            wait: command(&commands, "wait")?,
            attention: command(&commands, "attention")?,
            show: show(&commands, section.encodings("encoding")?.first().copied())?,
        };
        if read.trigger_off.is_some() && read.trigger_on.is_none() {
            return Err(commands.error(
                "trigger-off",
                "`trigger-off` stands without `trigger-on`; accepted are both, or the second alone",
            ));
        }
        commands.finish()?;
        Ok(read)
    }

    /// What a device with these commands can be asked.
    pub(in crate::protocol) fn abilities(&self) -> Vec<&'static str> {
        let verdicts = [&self.good, &self.bad, &self.wait, &self.attention];
        let has = [
            self.trigger_on.is_some(),
            self.enable.is_some(),
            verdicts.into_iter().any(Option::is_some),
            self.show.is_some(),
        ];
        let abilities = Request::ABILITIES.into_iter().zip(has);
        abilities.filter(|(_, has)| *has).map(|(ability, _)| ability).collect()
    }

    /// The bytes for a request.
    pub(in crate::protocol) fn bytes(&self, request: &Request) -> Result<Vec<u8>, Refusal> {
        let command = match request {
            Request::Trigger(true) => self.trigger_on.as_ref(),
            Request::Trigger(false) => self.trigger_off.as_ref(),
            Request::Enable(true) => self.enable.as_ref().map(|(enable, _)| enable),
            Request::Enable(false) => self.enable.as_ref().map(|(_, disable)| disable),
            Request::Indicate(Verdict::Good) => self.good.as_ref(),
            Request::Indicate(Verdict::Bad) => self.bad.as_ref(),
            Request::Indicate(Verdict::Wait) => self.wait.as_ref(),
            Request::Indicate(Verdict::Attention) => self.attention.as_ref(),
            Request::Show(text) => {
                return self.show.as_ref().ok_or(Refusal::Unsupported)?.bytes(text);
            }
            Request::Pass(_) => None,
        };
        command.cloned().ok_or(Refusal::Unsupported)
    }
}

impl Show {
    /// The command for this text. What could end the command early, and so make the rest of the text
    /// a command of its own, is refused.
    fn bytes(&self, text: &str) -> Result<Vec<u8>, Refusal> {
        if text.chars().any(char::is_control) {
            return Err(Refusal::Unfit("the text for the screen has a control character"));
        }
        let (encoded, encoding, unmappable) = self.encoding.encode(text);
        if unmappable || encoding != self.encoding {
            return Err(Refusal::Unfit(
                "the text for the screen has a character that the device's encoding lacks",
            ));
        }
        if !self.after.is_empty() && memchr::memmem::find(&encoded, &self.after).is_some() {
            return Err(Refusal::Unfit("the text for the screen has the end of the command in it"));
        }
        Ok([&self.before, encoded.as_ref(), &self.after].concat())
    }
}

fn command(commands: &Section<'_>, key: &'static str) -> Result<Option<Vec<u8>>, Error> {
    match commands.bytes(key)? {
        Some(bytes) if bytes.is_empty() => {
            Err(commands.error(key, format!("`{key}` is empty; accepted is at least one byte")))
        }
        bytes => Ok(bytes),
    }
}

/// Both commands or neither: what is switched off must be switched on again.
fn pair(
    commands: &Section<'_>,
    one: &'static str,
    other: &'static str,
) -> Result<Option<Pair>, Error> {
    let (missing, key) = match (command(commands, one)?, command(commands, other)?) {
        (None, None) => return Ok(None),
        (Some(first), Some(second)) => return Ok(Some((first, second))),
        (None, Some(_)) => (one, other),
        (Some(_), None) => (other, one),
    };
    let message = format!("`{key}` stands without `{missing}`; accepted are both or neither");
    Err(commands.error(key, message))
}

fn show(
    commands: &Section<'_>,
    encoding: Option<&'static Encoding>,
) -> Result<Option<Show>, Error> {
    let Some(around) = commands.byte_strings("show")? else { return Ok(None) };
    let [before, after] = <[Vec<u8>; 2]>::try_from(around).map_err(|around| {
        let message = format!(
            "`show` has {} parts; accepted are two, what stands before the text and what stands \
             after it",
            around.len()
        );
        commands.error("show", message)
    })?;
    Ok(Some(Show { before, after, encoding: encoding.unwrap_or(UTF_8) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn commands(options: &str) -> Result<Vocabulary, String> {
        let file = File { name: "test".to_owned(), text: options.to_owned() };
        let document = file.parse().map_err(|error| error.to_string())?;
        Vocabulary::read(&document.root()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_device_can_what_it_has_commands_for() {
        for (options, want) in [
            ("", &[][..]),
            ("commands = { trigger-on = \"t\" }", &["trigger"]),
            ("commands = { wait = \"w\" }", &["indicate"]),
            (
                "commands = { show = [\"\", \"CR\"], enable = \"e\", disable = \"d\" }",
                &["enable", "show"],
            ),
        ] {
            assert_eq!(commands(options).unwrap().abilities(), want, "{options}");
        }
    }

    #[test]
    fn each_request_is_its_bytes() {
        let commands = commands(
            "encoding = [\"gb18030\", \"utf-8\"]\n[commands]\ntrigger-on = \"SYN T CR\"\n\
             enable = \"0x01\"\ndisable = \"0x00\"\ngood = \"beep 1\"\nshow = [\"STX S\", \"ETX\"]",
        )
        .unwrap();
        for (request, want) in [
            (Request::Trigger(true), Ok(&b"\x16T\r"[..])),
            (Request::Trigger(false), Err(Refusal::Unsupported)),
            (Request::Enable(true), Ok(&b"\x01"[..])),
            (Request::Enable(false), Ok(&b"\x00"[..])),
            (Request::Indicate(Verdict::Good), Ok(&b"beep1"[..])),
            (Request::Indicate(Verdict::Bad), Err(Refusal::Unsupported)),
            (Request::Show("a \u{8336}".to_owned()), Ok(&b"\x02Sa \xB2\xE8\x03"[..])),
            (Request::Show(String::new()), Ok(&b"\x02S\x03"[..])),
        ] {
            assert_eq!(commands.bytes(&request), want.map(<[u8]>::to_vec), "{request:?}");
        }
    }

    #[test]
    fn a_text_that_would_break_the_command_is_refused() {
        let commands =
            commands("encoding = \"gbk\"\ncommands = { show = [\"<\", \";>\"] }").unwrap();
        for (name, text, message) in [
            ("a control character", "a\rb", "a control character"),
            ("a C1 control character", "a\u{85}b", "a control character"),
            ("its end", "a;>b", "the end of the command"),
            ("what GBK lacks", "\u{1F600}", "the device's encoding lacks"),
        ] {
            let refusal = commands.bytes(&Request::Show(text.to_owned())).unwrap_err();
            assert!(refusal.to_string().contains(message), "{name}: {refusal}");
        }
        assert!(commands.bytes(&Request::Show("a;b>".to_owned())).is_ok());
    }

    #[test]
    fn wrong_commands_say_what_is_accepted() {
        for (options, message) in [
            ("good = \"\"", "`good` is empty; accepted is at least one byte"),
            ("enable = \"e\"", "`enable` stands without `disable`"),
            ("disable = \"d\"", "`disable` stands without `enable`"),
            ("trigger-off = \"t\"", "`trigger-off` stands without `trigger-on`"),
            ("show = \"x\"", "`show` has 1 parts; accepted are two"),
            ("goood = \"x\"", "did you mean `good`?"),
        ] {
            let error = commands(&format!("commands = {{ {options} }}")).unwrap_err();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
