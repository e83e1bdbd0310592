//! From a keyboard's reports to the keys that go down and the modifiers that are held.
//!
//! Contract: pure. A report says which keys are down; what is down now and was not before has been
//! pressed, in the order in which the report has it.

use std::time::Duration;

use crate::event::Timestamp;
use crate::hid::{Descriptor, Field, Kind};
use crate::protocol::hid_keyboard::{KEYBOARD, KEYPAD};

/// The page of keys.
const PAGE: u16 = 0x07;
/// More keys are down than the keyboard can tell apart (HID Usage Tables 1.5, 10): nothing is known.
const ERROR_ROLL_OVER: u16 = 0x01;
/// The last of those that are no keys.
const ERROR_UNDEFINED: u16 = 0x03;
/// Left Ctrl to right GUI.
const FIRST_MODIFIER: u16 = 0xE0;
const LAST_MODIFIER: u16 = 0xE7;

/// A key that was down before so much silence is taken for released: what released it was lost.
const FORGETS_AFTER: Duration = Duration::from_secs(2);

/// The modifiers that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers(pub(super) u8);

impl Modifiers {
    pub(super) const LEFT_CTRL: u8 = 1;
    pub(super) const LEFT_SHIFT: u8 = 1 << 1;
    pub(super) const LEFT_ALT: u8 = 1 << 2;
    pub(super) const RIGHT_CTRL: u8 = 1 << 4;
    pub(super) const RIGHT_SHIFT: u8 = 1 << 5;
    pub(super) const RIGHT_ALT: u8 = 1 << 6;

    /// Whether any of these is held.
    pub(super) fn any(self, of: u8) -> bool {
        self.0 & of != 0
    }
}

/// What a report changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Other modifiers are held than before.
    Modifiers(Modifiers),
    /// A key was pressed.
    Pressed(u16),
}

/// The keys of a keyboard.
pub(super) struct Keys {
    fields: Vec<Field>,
    /// The keys that are down, by report.
    down: Vec<(u8, u16)>,
    modifiers: Modifiers,
    heard: Timestamp,
}

impl Keys {
    /// The keys that a descriptor has; `None` where it is no keyboard's.
    pub(super) fn of(descriptor: &Descriptor) -> Option<Self> {
        let keys = descriptor.fields(Kind::Input).filter(|field| {
            let is_keyboard =
                field.application == Some(KEYBOARD) || field.application == Some(KEYPAD);
            is_keyboard && field.usage(0).is_some_and(|usage| usage.page == PAGE)
        });
        let fields: Vec<Field> = keys.cloned().collect();
        (!fields.is_empty()).then(|| Self {
            fields,
            down: Vec::new(),
            modifiers: Modifiers::default(),
            heard: Timestamp::default(),
        })
    }

    /// Takes a report.
    pub(super) fn hear(
        &mut self,
        now: Timestamp,
        id: u8,
        report: &[u8],
        change: &mut dyn FnMut(Change),
    ) {
        if now.since(self.heard) > FORGETS_AFTER {
            self.down.clear();
        }
        self.heard = now;
        let mut down = Vec::new();
        for field in self.fields.iter().filter(|field| field.report == id) {
            pressed(field, report, &mut down);
        }
        if down.contains(&ERROR_ROLL_OVER) || !self.fields.iter().any(|field| field.report == id) {
            return;
        }
        let modifiers = down
            .iter()
            .filter(|key| (FIRST_MODIFIER..=LAST_MODIFIER).contains(*key))
            .fold(0, |modifiers, key| modifiers | 1 << (key - FIRST_MODIFIER));
        if modifiers != self.modifiers.0 {
            self.modifiers = Modifiers(modifiers);
            change(Change::Modifiers(self.modifiers));
        }
        for key in &down {
            let is_key = *key > ERROR_UNDEFINED && !(FIRST_MODIFIER..=LAST_MODIFIER).contains(key);
            if is_key && !self.down.contains(&(id, *key)) {
                change(Change::Pressed(*key));
            }
        }
        self.down.retain(|(report, _)| *report != id);
        self.down.extend(down.into_iter().map(|key| (id, key)));
    }
}

/// Adds the keys that a field says are down.
fn pressed(field: &Field, report: &[u8], down: &mut Vec<u16>) {
    for place in 0..field.count {
        let Some(value) = field.value(report, place) else { return };
        let usage = if field.is_array {
            field.choice(value)
        } else {
            field.usage(place).filter(|_| value != 0)
        };
        let key = usage.filter(|usage| usage.page == PAGE && usage.id != 0).map(|usage| usage.id);
        if let Some(key) = key.filter(|key| !down.contains(key)) {
            down.push(key);
        }
    }
}
