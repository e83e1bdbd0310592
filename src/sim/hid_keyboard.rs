//! A scanner that is a keyboard: it presses the keys of the US layout one after the other, and types what
//! that has not by its number on the keypad, with Alt held. Set to another layout it types everything
//! so, which is the same in all of them.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other. It goes
//! over a virtual port in the frames of [`stream`](crate::hid::stream).

use super::line_scanner::aim_of;
use super::{Actions, Code, Info, Simulated};
use crate::hid::Kind;
use crate::hid::stream::{Decoder, Frame};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "hid-keyboard", configure };

/// What the device says of its reports: the boot keyboard of HID 1.11, appendix B.1.
#[rustfmt::skip]
const DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, // page Generic Desktop; usage Keyboard; application
    0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, //  page of keys; Left Ctrl to Right GUI
    0x15, 0x00, 0x25, 0x01,             //  values 0 to 1
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, //  8 of 1 bit
    0x75, 0x08, 0x95, 0x01, 0x81, 0x01, //  8 bits of nothing
    0x95, 0x06, 0x26, 0xFF, 0x00,       //  6 of 8 bits
    0x19, 0x00, 0x2A, 0xFF, 0x00,       //  the keys that are down
    0x81, 0x00, 0xC0,
];

const LEFT_CTRL: u8 = 1;
const LEFT_SHIFT: u8 = 2;
const LEFT_ALT: u8 = 4;

const KEYPAD_1: u8 = 0x59;
const KEYPAD_0: u8 = 0x62;

/// The US keyboard: its keys from 1E to 38 but for those that have no character, without and with shift.
const KEYS: [(u8, &str, &str); 3] = [
    (0x04, "abcdefghijklmnopqrstuvwxyz1234567890", "ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()"),
    (0x2C, " -=[]\\", " _+{}|"),
    (0x33, ";'`,./", ":\"~<>?"),
];

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let keyboard = Keyboard::read(section)?;
    let suffix = section.byte_strings("suffix")?.and_then(|all| all.into_iter().next());
    let by_silence = section.has("gap-ms");
    let sends_aim = section.string("aim")?.is_some_and(|aim| aim == "required");
    let suffix = suffix.unwrap_or_else(|| if by_silence { Vec::new() } else { b"\r".to_vec() });
    Ok(Box::new(HidKeyboard { keyboard, sends_aim, suffix }))
}

struct HidKeyboard {
    keyboard: Keyboard,
    sends_aim: bool,
    suffix: Vec<u8>,
}

impl Simulated for HidKeyboard {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let aim = code.symbology.and_then(aim_of).map(|aim| aim.to_string());
        let aim = aim.unwrap_or_else(|| "]X0".to_owned());
        let text = [
            if self.sends_aim { aim.as_str() } else { "" },
            &String::from_utf8_lossy(&code.data),
            &String::from_utf8_lossy(&self.suffix),
        ];
        self.keyboard.types(&text.concat())
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.keyboard.receive(bytes, out);
    }
}

/// What types a text.
pub(super) struct Keyboard {
    decoder: Decoder,
    is_us: bool,
}

impl Keyboard {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let is_us = section.string("layout")?.is_none_or(|layout| layout == "us");
        Ok(Self { decoder: Decoder::default(), is_us })
    }

    pub(super) fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.decoder.take(bytes, &mut |frame| {
            if frame == Frame::Describe {
                Frame::Descriptor(DESCRIPTOR).write(&mut out.send);
            }
        });
    }

    /// The reports that a text takes.
    pub(super) fn types(&self, text: &str) -> Vec<u8> {
        let mut reports = Reports(Vec::new());
        for character in text.chars() {
            match character {
                '\r' => reports.stroke(0, 0x28),
                '\t' => reports.stroke(0, 0x2B),
                '\x1D' if self.is_us => reports.stroke(LEFT_CTRL, 0x30),
                _ => match us_key(character).filter(|_| self.is_us) {
                    Some((modifiers, key)) => reports.stroke(modifiers, key),
                    None => reports.number(character),
                },
            }
        }
        reports.0
    }
}

/// The key of a character on the US keyboard.
fn us_key(character: char) -> Option<(u8, u8)> {
    KEYS.iter().find_map(|(first, base, shift)| {
        let place = |row: &str| row.chars().position(|other| other == character);
        let (modifiers, place) =
            place(base).map(|place| (0, place)).or(place(shift).map(|place| (LEFT_SHIFT, place)))?;
        Some((modifiers, first + u8::try_from(place).ok()?))
    })
}

/// Frames of reports.
struct Reports(Vec<u8>);

impl Reports {
    fn report(&mut self, modifiers: u8, key: u8) {
        Frame::Report(Kind::Input, 0, &[modifiers, 0, key, 0, 0, 0, 0, 0]).write(&mut self.0);
    }

    fn stroke(&mut self, modifiers: u8, key: u8) {
        self.report(modifiers, key);
        self.report(0, 0);
    }

    /// Alt, 0 and the number: of Windows 1252 in its upper half, else of Unicode.
    fn number(&mut self, character: char) {
        let number = match encoding_rs::WINDOWS_1252.encode(character.encode_utf8(&mut [0; 4])) {
            (bytes, _, false) => bytes.first().copied().map_or(0, u32::from),
            (_, _, true) => character.into(),
        };
        for digit in format!("0{number}").bytes() {
            let key = if digit == b'0' { KEYPAD_0 } else { KEYPAD_1 + (digit - b'1') };
            self.report(LEFT_ALT, key);
            self.report(LEFT_ALT, 0);
        }
        self.report(0, 0);
    }
}
