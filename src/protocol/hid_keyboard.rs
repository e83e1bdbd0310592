//! Scanners that are keyboards: the keys that they press, made text again.
//!
//! Source: Device Class Definition for HID 1.11, appendices B.1 and C, for the reports; HID Usage Tables
//! 1.5, 10, for the keys; the layouts as Microsoft's keyboards have them, since scanners are made for
//! those. `protocol-docs/hid-keyboard.md` says what was compared with what.
//!
//! Oddities: a key tells its place, not its letter, so the layout that the scanner is set to has to be
//! configured. What a layout lacks scanners type by its number on the keypad with Alt held, control
//! characters also with Ctrl. A scanner that types fast presses several keys in one report; they count
//! in the order in which the report has them.
//!
//! Absent: nothing is sent, so no light on the device ever changes. Keys that are no text (arrows, F1 to
//! F24) are passed over.

mod code_page;
mod keys;
mod layout;
mod typist;

use crate::event::{Fault, Timestamp};
use crate::hid::{Descriptor, Usage};
use crate::protocol::line_scanner::{LineScanner, Options};
use crate::protocol::{Carrier, Configured, Info, Input, Kind, Output, Protocol};
use crate::settings::{Error, Section};
use keys::Keys;
use layout::Layout;
use typist::Typist;

/// The registry's entry.
pub const INFO: Info = Info {
    name: "hid-keyboard",
    title: "USB scanners that are keyboards",
    kind: Kind::Scanner,
    carrier: Carrier::Hid { applications: &[KEYBOARD, KEYPAD] },
    framed: false,
    configure,
};

/// Generic Desktop page.
pub(super) const KEYBOARD: Usage = Usage::new(0x01, 0x06);
pub(super) const KEYPAD: Usage = Usage::new(0x01, 0x07);

/// The layouts' names.
pub fn layouts() -> impl Iterator<Item = &'static str> {
    layout::ALL.iter().map(|layout| layout.name)
}

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let settings = Settings::read(section)?;
    let options = Options::read(section)?;
    Ok(Configured::new(&[], move || Box::new(Keyboard::new(settings, LineScanner::new(&options)))))
}

/// How the device types.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    layout: &'static Layout,
    caps_lock: bool,
}

impl Settings {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let words: Vec<(&str, &'static Layout)> =
            layout::ALL.iter().map(|layout| (layout.name, layout)).collect();
        let layout = section.word("layout", &words)?.unwrap_or(&layout::US);
        Ok(Self { layout, caps_lock: section.boolean("caps-lock")?.unwrap_or(false) })
    }
}

/// One conversation: what is typed is what `Text` reads, as if it had come over a serial line.
pub(super) struct Keyboard<Text> {
    /// Absent until the device has described itself as a keyboard.
    keys: Option<Keys>,
    typist: Typist,
    text: Text,
    /// What the keys of one report type; wiped after each.
    typed: Vec<u8>,
}

impl<Text: Protocol> Protocol for Keyboard<Text> {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Descriptor(bytes) => self.described(now, bytes, out),
            Input::Report { id, data } => self.report(now, id, data, out),
            // A report was lost, and what it pressed or released with it.
            Input::BadByte(_) => self.text.receive(now, input, out),
            Input::Bytes(_) | Input::Break => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.text.deadline()
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        self.text.timeout(now, out);
        self.typist.rest();
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        self.text.closed(now, out);
    }
}

impl<Text: Protocol> Keyboard<Text> {
    pub(super) fn new(settings: Settings, text: Text) -> Self {
        let typist = Typist::new(settings.layout, settings.caps_lock);
        Self { keys: None, typist, text, typed: Vec::new() }
    }

    fn described(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output) {
        self.text.closed(now, out);
        self.typist.begin();
        self.keys = None;
        match Descriptor::parse(bytes) {
            Ok(descriptor) => self.keys = Keys::of(&descriptor),
            Err(error) => return out.fault(Fault::Malformed { at: error.at }),
        }
        if self.keys.is_none() {
            out.fault(Fault::Unsuitable { lacks: "keys of a keyboard" });
        }
    }

    fn report(&mut self, now: Timestamp, id: u8, data: &[u8], out: &mut Output) {
        let Some(keys) = &mut self.keys else { return };
        let Self { typist, typed, .. } = self;
        keys.hear(now, id, data, &mut |change| typist.hear(now, change, typed));
        if !self.typed.is_empty() {
            self.text.receive(now, Input::Bytes(&self.typed), out);
            zeroize::Zeroize::zeroize(&mut self.typed);
        }
    }
}

#[cfg(test)]
mod tests;
