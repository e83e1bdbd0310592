//! From keys to text: modifiers, dead keys, CapsLock, and numbers typed with Alt held.
//!
//! Contract: pure. What it does is what Windows does with the same keys, for that is what scanners
//! are made for; where that would open a menu, nothing is typed.

use std::time::Duration;

use crate::event::Timestamp;
use crate::protocol::hid_keyboard::code_page;
use crate::protocol::hid_keyboard::keys::{Change, Modifiers};
use crate::protocol::hid_keyboard::layout::{Layout, Level, compose, spacing};

/// Keys that mean the same in every layout (HID Usage Tables 1.5, 10).
const ENTER: u16 = 0x28;
const ESCAPE: u16 = 0x29;
const BACKSPACE: u16 = 0x2A;
const TAB: u16 = 0x2B;
const SPACE: u16 = 0x2C;
const CAPS_LOCK: u16 = 0x39;
const DELETE: u16 = 0x4C;
const KEYPAD_SLASH: u16 = 0x54;
const KEYPAD_ENTER: u16 = 0x58;
const KEYPAD_1: u16 = 0x59;
const KEYPAD_0: u16 = 0x62;
const KEYPAD_DOT: u16 = 0x63;

/// On the keypad, from the slash to the plus.
const KEYPAD_SIGNS: [char; 4] = ['/', '*', '-', '+'];

/// After so much silence between codes the scanner has nothing to do with the last one's CapsLock.
const BETWEEN_CODES: Duration = Duration::from_millis(200);

/// More digits make no character.
const MOST_DIGITS: usize = 8;

/// Turns keys into text.
pub(super) struct Typist {
    layout: &'static Layout,
    /// Whether CapsLock is on at the beginning of a code.
    caps_lock_at_rest: bool,
    caps_lock: bool,
    modifiers: Modifiers,
    /// An accent that waits for its letter.
    dead: Option<char>,
    /// What has been typed on the keypad since Alt went down.
    digits: Vec<u8>,
    /// Whether a code has begun and not ended.
    is_in_code: bool,
    heard: Timestamp,
}

impl Typist {
    pub(super) fn new(layout: &'static Layout, caps_lock_at_rest: bool) -> Self {
        Self {
            layout,
            caps_lock_at_rest,
            caps_lock: caps_lock_at_rest,
            modifiers: Modifiers::default(),
            dead: None,
            digits: Vec::new(),
            is_in_code: false,
            heard: Timestamp::default(),
        }
    }

    /// The keyboard is a new one: nothing is held.
    pub(super) fn begin(&mut self) {
        self.modifiers = Modifiers::default();
        self.rest();
    }

    /// Nothing is being typed any more.
    pub(super) fn rest(&mut self) {
        self.caps_lock = self.caps_lock_at_rest;
        self.dead = None;
        self.digits.clear();
        self.is_in_code = false;
    }

    /// Takes a change, and types what it types.
    pub(super) fn hear(&mut self, now: Timestamp, change: Change, typed: &mut Vec<u8>) {
        if !self.is_in_code && now.since(self.heard) > BETWEEN_CODES {
            self.rest();
        }
        self.heard = now;
        match change {
            Change::Modifiers(modifiers) => {
                let was_held = self.modifiers.any(Modifiers::LEFT_ALT);
                self.modifiers = modifiers;
                if was_held && !modifiers.any(Modifiers::LEFT_ALT) {
                    self.number(typed);
                }
            }
            Change::Pressed(key) => self.press(key, typed),
        }
    }

    fn press(&mut self, key: u16, typed: &mut Vec<u8>) {
        if key == CAPS_LOCK {
            self.caps_lock = !self.caps_lock;
            return;
        }
        let ctrl = self.modifiers.any(Modifiers::LEFT_CTRL | Modifiers::RIGHT_CTRL);
        let alt = self.modifiers.any(Modifiers::LEFT_ALT);
        // Windows takes Ctrl and Alt together for AltGr.
        let alt_gr = self.modifiers.any(Modifiers::RIGHT_ALT) || (ctrl && alt);
        if alt && !alt_gr {
            if let Some(digit) = keypad_digit(key)
                && self.digits.len() < MOST_DIGITS
            {
                self.digits.push(digit);
                self.is_in_code = true;
            }
            return;
        }
        if ctrl && !alt_gr {
            if let Some(control) = self.control(key) {
                self.put(control, typed);
            }
            return;
        }
        if let Some(character) = fixed(key) {
            self.put(character, typed);
            return;
        }
        let shift = self.modifiers.any(Modifiers::LEFT_SHIFT | Modifiers::RIGHT_SHIFT);
        let shift = shift != (self.caps_lock && self.layout.is_letter(key));
        match self.layout.at(key, Level::of(shift, alt_gr)) {
            Some(stroke) if stroke.is_dead => self.die(stroke.character, typed),
            Some(stroke) => self.put(stroke.character, typed),
            None => {}
        }
    }

    /// The control character that a key types with Ctrl held: by its letter, or by its place on the
    /// keyboard that the controls come from.
    fn control(&self, key: u16) -> Option<char> {
        let of_layout = self.layout.at(key, Level::Base).map(|stroke| stroke.character);
        let by_letter = of_layout.and_then(control_of);
        by_letter.or_else(|| control_of(super::layout::US.at(key, Level::Base)?.character)).or(
            match key {
                ENTER | KEYPAD_ENTER => Some('\n'),
                BACKSPACE => Some('\x7F'),
                // Ctrl with 2, 6 and minus, where the US keyboard has @, ^ and _.
                0x1F => Some('\0'),
                0x23 => Some('\x1E'),
                0x2D => Some('\x1F'),
                _ => None,
            },
        )
    }

    /// A dead key: after another one both show.
    fn die(&mut self, accent: char, typed: &mut Vec<u8>) {
        if self.dead.is_some() {
            self.flush(typed);
            write(spacing(accent), typed);
        } else {
            self.dead = Some(accent);
        }
        self.is_in_code = true;
    }

    fn put(&mut self, character: char, typed: &mut Vec<u8>) {
        match self.dead.take() {
            None => write(character, typed),
            Some(accent) if character == ' ' => write(spacing(accent), typed),
            Some(accent) => match compose(accent, character) {
                Some(composed) => write(composed, typed),
                None => {
                    write(spacing(accent), typed);
                    write(character, typed);
                }
            },
        }
        self.is_in_code = !matches!(character, '\r' | '\n' | '\t');
        if !self.is_in_code {
            self.caps_lock = self.caps_lock_at_rest;
        }
    }

    fn flush(&mut self, typed: &mut Vec<u8>) {
        if let Some(accent) = self.dead.take() {
            write(spacing(accent), typed);
        }
    }

    /// The character whose number was typed on the keypad: with a leading 0 of Windows' code page, or
    /// beyond it of Unicode; without, of the code page that DOS had.
    fn number(&mut self, typed: &mut Vec<u8>) {
        let digits = std::mem::take(&mut self.digits);
        let number = digits.iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
        let character = match (digits.first(), u8::try_from(number)) {
            (None, _) => None,
            (Some(0), Ok(byte)) => Some(code_page::windows_1252(byte)),
            (Some(_), Ok(byte)) => Some(self.layout.code_page.character(byte)),
            (Some(_), Err(_)) => char::from_u32(number),
        };
        if let Some(character) = character {
            self.put(character, typed);
        }
    }
}

fn write(character: char, typed: &mut Vec<u8>) {
    typed.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What is the same in every layout. The keypad's digits are digits: a scanner that types them takes
/// NumLock to be on.
fn fixed(key: u16) -> Option<char> {
    let character = match key {
        ENTER | KEYPAD_ENTER => '\r',
        ESCAPE => '\x1B',
        BACKSPACE => '\x08',
        TAB => '\t',
        SPACE => ' ',
        DELETE => '\x7F',
        KEYPAD_DOT => '.',
        _ => match keypad_digit(key) {
            Some(digit) => char::from(b'0' + digit),
            None => {
                let place = usize::from(key.checked_sub(KEYPAD_SLASH)?);
                return KEYPAD_SIGNS.get(place).copied();
            }
        },
    };
    Some(character)
}

fn keypad_digit(key: u16) -> Option<u8> {
    match key {
        KEYPAD_0 => Some(0),
        KEYPAD_1..KEYPAD_0 => u8::try_from(key - KEYPAD_1 + 1).ok(),
        _ => None,
    }
}

/// The control character of a letter, or of what stands behind Z in ASCII.
fn control_of(character: char) -> Option<char> {
    let upper = character.to_ascii_uppercase();
    matches!(upper, '@'..='_')
        .then(|| char::from(u8::try_from(u32::from(upper)).unwrap_or(0) & 0x1F))
}
