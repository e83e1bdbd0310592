//! Card readers that are keyboards: the keys that they press are the tracks of a card.
//!
//! Source: as [`hid_keyboard`](super::hid_keyboard) for keys and layouts, and as
//! [`track_reader`](super::track_reader) for tracks; MagTek's manual of its keyboard emulation has both.
//! `protocol-docs/msr-keyboard.md` names it.
//!
//! Oddities: of all that tracks hold only digits have the same keys in every layout, so a wrong `layout`
//! shows as bad tracks or none. While the device is taken no other program hears its keys: a card that is
//! swiped into whatever window has the focus is what this is to end.
//!
//! Absent: nothing is sent. A device that types codes too has them here as faults.

use crate::protocol::hid_keyboard::{KEYBOARD, KEYPAD, Keyboard, Settings};
use crate::protocol::track_reader::{Options, TrackReader};
use crate::protocol::{Carrier, Configured, Info, Kind};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "msr-keyboard",
    title: "USB card readers that are keyboards",
    kind: Kind::CardReader,
    carrier: Carrier::Hid { applications: &[KEYBOARD, KEYPAD] },
    framed: false,
    configure,
};

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let settings = Settings::read(section)?;
    let options = Options::read(section)?;
    Ok(Configured::new(&[], move || Box::new(Keyboard::new(settings, TrackReader::new(&options)))))
}
