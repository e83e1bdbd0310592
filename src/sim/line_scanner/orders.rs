//! The commands that a simulated box takes, where its profile has some: written from the profile's
//! words, apart from the protocol, so that one can prove the other.

use encoding_rs::Encoding;

use crate::settings::{Error, Section};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It reads, or does not; a person sees the light.
    Read(bool),
    /// A person sees or hears something.
    Sign(&'static str),
}

const DEEDS: [(&str, Deed); 8] = [
    ("trigger-on", Deed::Sign("trigger on")),
    ("trigger-off", Deed::Sign("trigger off")),
    ("enable", Deed::Read(true)),
    ("disable", Deed::Read(false)),
    ("good", Deed::Sign("good")),
    ("bad", Deed::Sign("bad")),
    ("wait", Deed::Sign("wait")),
    ("attention", Deed::Sign("attention")),
];

/// The commands, and what has come of the next one.
pub(in crate::sim) struct Orders {
    fixed: Vec<(Vec<u8>, Deed)>,
    show: Option<(Vec<u8>, Vec<u8>)>,
    encoding: &'static Encoding,
    input: Vec<u8>,
    /// Whether it may read.
    pub(in crate::sim) enabled: bool,
}

/// No command is longer: what is none must not fill the memory.
const LONGEST: usize = 4 * 1024;

/// What the input begins with.
enum Begins {
    Deed(usize, Deed),
    Show(String, usize),
    /// More has to come.
    Open,
    Nothing,
}

impl Orders {
    pub(in crate::sim) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let encodings = section.encodings("encoding")?;
        let mut orders = Self {
            fixed: Vec::new(),
            show: None,
            encoding: encodings.first().copied().unwrap_or(encoding_rs::UTF_8),
            input: Vec::new(),
            enabled: true,
        };
        let Some(commands) = section.section("commands")? else { return Ok(orders) };
        for (key, deed) in DEEDS {
            orders.fixed.extend(commands.bytes(key)?.map(|bytes| (bytes, deed)));
        }
        if let Some([before, after]) = commands.byte_strings("show")?.as_deref() {
            orders.show = Some((before.clone(), after.clone()));
        }
        Ok(orders)
    }

    /// The host has sent something; what a person at the device notices of it.
    pub(in crate::sim) fn receive(&mut self, bytes: &[u8], notices: &mut Vec<String>) {
        self.input.extend_from_slice(bytes);
        loop {
            match self.begins() {
                Begins::Deed(length, deed) => {
                    self.input.drain(..length);
                    notices.push(match deed {
                        Deed::Sign(sign) => sign.to_owned(),
                        Deed::Read(on) => {
                            self.enabled = on;
                            if on { "enabled" } else { "disabled" }.to_owned()
                        }
                    });
                }
                Begins::Show(text, length) => {
                    self.input.drain(..length);
                    notices.push(format!("shows {text}"));
                }
                Begins::Open if self.input.len() < LONGEST => return,
                Begins::Open | Begins::Nothing => {
                    if self.input.is_empty() {
                        return;
                    }
                    self.input.remove(0);
                }
            }
        }
    }

    fn begins(&self) -> Begins {
        let input = self.input.as_slice();
        let whole = self.fixed.iter().filter(|(bytes, _)| input.starts_with(bytes));
        if let Some((bytes, deed)) = whole.max_by_key(|(bytes, _)| bytes.len()) {
            return Begins::Deed(bytes.len(), *deed);
        }
        if let Some((before, after)) = &self.show
            && let Some(rest) = input.strip_prefix(before.as_slice())
        {
            // Without an end, what has come at once is the text.
            let end = match after.as_slice() {
                [] => (!rest.is_empty()).then_some(rest.len()),
                after => memchr::memmem::find(rest, after),
            };
            return match end.and_then(|end| rest.get(..end)) {
                Some(text) => Begins::Show(
                    self.encoding.decode_without_bom_handling(text).0.into_owned(),
                    before.len() + text.len() + after.len(),
                ),
                None => Begins::Open,
            };
        }
        let starts = self.fixed.iter().map(|(bytes, _)| bytes);
        let mut starts = starts.chain(self.show.iter().map(|(before, _)| before));
        if !input.is_empty() && starts.any(|start| start.starts_with(input)) {
            return Begins::Open;
        }
        Begins::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    #[test]
    fn commands_are_taken_out_of_whatever_comes() {
        let text = "encoding = \"gbk\"\n[commands]\ntrigger-on = \"SYN T CR\"\nenable = \"E1\"\n\
                    disable = \"E0\"\nshow = [\"STX\", \"ETX\"]";
        let file = File { name: "options".to_owned(), text: text.to_owned() };
        let document = file.parse().unwrap();
        let stream = b"??\x16T\r\x02\xB2\xE8\x03E0E?E1\x02open";
        let want = ["trigger on", "shows \u{8336}", "disabled", "enabled"];
        for size in [1, 2, 3, stream.len()] {
            let mut orders = Orders::read(&document.root()).unwrap();
            let mut notices = Vec::new();
            for piece in stream.chunks(size) {
                orders.receive(piece, &mut notices);
            }
            assert_eq!(notices, want, "in pieces of {size}");
            assert!(orders.enabled);
        }
    }
}
