//! A card reader that is a keyboard: it types what a [`track_reader`](super::track_reader) sends.

use super::hid_keyboard::Keyboard;
use super::track_reader::Writer;
use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "msr-keyboard", configure };

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let (keyboard, writer) = (Keyboard::read(section)?, Writer::read(section)?);
    Ok(Box::new(MsrKeyboard { keyboard, writer }))
}

struct MsrKeyboard {
    keyboard: Keyboard,
    writer: Writer,
}

impl Simulated for MsrKeyboard {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        self.keyboard.types(&String::from_utf8_lossy(&self.writer.card(&code.data)))
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.keyboard.receive(bytes, out);
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        self.writer.behave(words)
    }
}
