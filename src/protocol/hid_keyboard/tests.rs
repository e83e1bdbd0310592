use super::keys::Modifiers;
use super::*;
use crate::protocol::Item;
use crate::settings::File;

/// The boot keyboard (HID 1.11, appendix B.1), with all keys up to FF.
const BOOT: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x75, 0x08, 0x95, 0x01, 0x81, 0x01, 0x95, 0x06, 0x26, 0xFF,
    0x00, 0x19, 0x00, 0x2A, 0xFF, 0x00, 0x81, 0x00, 0xC0,
];

/// Modifiers in report 1, a bit for each key from 04 to 63 behind them: no limit to keys at once.
const BITMAP: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x85, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00,
    0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x19, 0x04, 0x29, 0x63, 0x95, 0x60, 0x81, 0x02,
    0xC0,
];

const SHIFT: u8 = Modifiers::LEFT_SHIFT;
const RIGHT_SHIFT: u8 = Modifiers::RIGHT_SHIFT;
const CTRL: u8 = Modifiers::LEFT_CTRL;
const ALT: u8 = Modifiers::LEFT_ALT;
const ALT_GR: u8 = Modifiers::RIGHT_ALT;

/// A conversation with a keyboard of this descriptor.
fn keyboard(options: &str, descriptor: &[u8]) -> (Box<dyn Protocol>, Output) {
    let file = File { name: "test".to_owned(), text: options.to_owned() };
    let document = file.parse().unwrap();
    let root = document.root();
    let mut protocol = (configure(&root).unwrap().factory)();
    root.finish().unwrap();
    let mut out = Output::default();
    protocol.receive(Timestamp(0), Input::Descriptor(descriptor), &mut out);
    (protocol, out)
}

/// All readings, as text.
fn read(out: &mut Output) -> Vec<String> {
    std::iter::from_fn(|| out.pop())
        .map(|item| match item {
            Item::Reading(reading) => String::from_utf8(reading.data.expose().to_vec()).unwrap(),
            other => format!("{other:?}"),
        })
        .collect()
}

/// What boot reports type, with Enter behind them.
fn typed(options: &str, reports: &[[u8; 8]]) -> Vec<String> {
    let (mut protocol, mut out) = keyboard(options, BOOT);
    for data in reports.iter().chain(&[[0; 8], [0, 0, 0x28, 0, 0, 0, 0, 0], [0; 8]]) {
        protocol.receive(Timestamp(1), Input::Report { id: 0, data }, &mut out);
    }
    read(&mut out)
}

/// Each key pressed and released by itself.
fn keys(strokes: &[(u8, u8)]) -> Vec<[u8; 8]> {
    strokes
        .iter()
        .flat_map(|(modifiers, key)| {
            [[*modifiers, 0, *key, 0, 0, 0, 0, 0], [*modifiers, 0, 0, 0, 0, 0, 0, 0]]
        })
        .collect()
}

/// A name, options, keys with what is held, and what they type.
type Row = (&'static str, &'static str, &'static [(u8, u8)], &'static str);

#[test]
fn keys_and_modifiers_are_text() {
    const A: u8 = 0x04;
    const E: u8 = 0x08;
    const Z: u8 = 0x1D;
    const N7: u8 = 0x24;
    let rows: &[Row] = &[
        ("letters", "", &[(0, A), (SHIFT, A), (RIGHT_SHIFT, Z)], "aAZ"),
        ("German", "layout = \"de\"", &[(0, Z), (SHIFT, N7), (ALT_GR, N7), (ALT_GR, E)], "y/{€"),
        ("Ctrl and Alt are AltGr", "layout = \"de\"", &[(CTRL | ALT, N7)], "{"),
        ("the key beside Enter", "layout = \"de\"", &[(0, 0x32), (0, 0x31)], "##"),
        ("a dead key and its letter", "layout = \"fr\"", &[(0, 0x2F), (0, E)], "ê"),
        ("a dead key and a blank", "layout = \"fr\"", &[(0, 0x2F), (0, 0x2C)], "^"),
        ("a dead key and another letter", "layout = \"fr\"", &[(0, 0x2F), (0, 0x1B)], "^x"),
        ("a dead key twice", "layout = \"de\"", &[(0, 0x2E), (0, 0x2E)], "´´"),
        ("two dead keys", "layout = \"de\"", &[(0, 0x35), (0, 0x2E), (0, A)], "^´a"),
        ("a dead key at the end", "layout = \"de\"", &[(0, A), (0, 0x35)], "a^"),
        ("diaeresis, shifted", "layout = \"fr\"", &[(SHIFT, 0x2F), (SHIFT, E)], "Ë"),
        ("CapsLock", "", &[(0, 0x39), (0, A), (SHIFT, A), (0, N7), (0, 0x39), (0, A)], "Aa7a"),
        ("CapsLock is on anyway", "caps-lock = true", &[(0, A), (SHIFT, A), (SHIFT, N7)], "Aa&"),
        ("keypad", "layout = \"fr\"", &[(0, 0x59), (0, 0x62), (0, 0x54), (0, 0x63)], "10/."),
        ("arrows and F1 are no text", "", &[(0, 0x3A), (0, 0x4F), (0, A)], "a"),
        ("GUI with a key is no text that is known", "", &[(8, A)], "a"),
        ("GS by Ctrl and ]", "", &[(0, A), (CTRL, 0x30), (0, A)], "a\u{1D}a"),
        ("GS by Ctrl and the place of ]", "layout = \"de\"", &[(CTRL, 0x30)], "\u{1D}"),
        (
            "RS by Ctrl and 6, US by Ctrl and minus",
            "",
            &[(CTRL, 0x23), (CTRL, 0x2D)],
            "\u{1E}\u{1F}",
        ),
        ("Ctrl and a letter is by the layout", "layout = \"fr\"", &[(CTRL, 0x14)], "\u{1}"),
        ("Alt with a letter opens a menu", "", &[(ALT, A), (0, A)], "a"),
    ];
    for (name, options, strokes, want) in rows {
        assert_eq!(typed(options, &keys(strokes)), [*want], "{name}");
    }
}

#[test]
fn numbers_on_the_keypad_are_characters() {
    for (name, options, digits, want) in [
        ("GS", "", "029", "\u{1D}"),
        ("a Windows character", "", "0128", "€"),
        ("Latin 1", "layout = \"de\"", "0228", "ä"),
        ("of DOS in Europe", "layout = \"de\"", "0", "\0"),
        ("an a with diaeresis of DOS", "", "132", "ä"),
        ("a plus-minus of DOS in Europe", "layout = \"de\"", "241", "±"),
        ("ASCII either way", "", "65", "A"),
        ("Unicode", "", "033590", "茶"),
    ] {
        let mut reports = Vec::new();
        for digit in digits.bytes() {
            let key = if digit == b'0' { 0x62 } else { 0x59 + digit - b'1' };
            reports.extend(keys(&[(ALT, key)]));
        }
        assert_eq!(typed(options, &reports), [want], "{name}");
    }
    // Too long, and no character at all: nothing is typed.
    let reports = keys(&[(ALT, 0x61); 12]);
    assert_eq!(typed("", &[reports, keys(&[(0, 0x04)])].concat()), ["a"]);
}

#[test]
fn keys_count_when_they_go_down() {
    let rows: &[(&str, &[[u8; 8]], &str)] = &[
        ("held over two reports", &[[0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 4, 0, 0, 0, 0, 0]], "a"),
        (
            "rolled over",
            &[[0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 4, 5, 0, 0, 0, 0], [0, 0, 5, 6, 0, 0, 0, 0]],
            "abc",
        ),
        ("several at once, in their order", &[[0, 0, 6, 5, 4, 0, 0, 0]], "cba"),
        ("twice by a release", &[[0, 0, 4, 0, 0, 0, 0, 0], [0; 8], [0, 0, 4, 0, 0, 0, 0, 0]], "aa"),
        ("a key and its modifier at once", &[[SHIFT, 0, 4, 0, 0, 0, 0, 0]], "A"),
        (
            "the modifier changes under a held key",
            &[[0, 0, 4, 0, 0, 0, 0, 0], [SHIFT, 0, 4, 0, 0, 0, 0, 0], [SHIFT, 0, 4, 5, 0, 0, 0, 0]],
            "aB",
        ),
        (
            "too many keys tell nothing",
            &[[0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 4, 0, 0, 0, 0, 0]],
            "a",
        ),
    ];
    for (name, reports, want) in rows {
        assert_eq!(typed("", reports), [*want], "{name}");
    }
}

#[test]
fn a_bitmap_has_its_keys_too() {
    let (mut protocol, mut out) = keyboard("", BITMAP);
    let report = |modifiers: u8, pressed: &[u8]| {
        let mut data = [0; 13];
        data[0] = modifiers;
        for key in pressed {
            let bit = usize::from(key - 4);
            data[1 + bit / 8] |= 1 << (bit % 8);
        }
        data
    };
    for data in [report(0, &[4]), report(SHIFT, &[4, 5]), report(0, &[]), report(0, &[0x28])] {
        protocol.receive(Timestamp(1), Input::Report { id: 2, data: &[0xFF; 13] }, &mut out);
        protocol.receive(Timestamp(1), Input::Report { id: 1, data: &data }, &mut out);
    }
    assert_eq!(read(&mut out), ["aB"]);
}

#[test]
fn silence_ends_a_code_where_configured_and_forgets_what_was_held() {
    let (mut protocol, mut out) = keyboard("gap-ms = 50", BOOT);
    let press = [0, 0, 4, 0, 0, 0, 0, 0];
    protocol.receive(Timestamp(1_000), Input::Report { id: 0, data: &press }, &mut out);
    let deadline = protocol.deadline().unwrap();
    assert_eq!(deadline, Timestamp(51_000));
    protocol.timeout(deadline, &mut out);
    // Its release was lost; after two seconds it is pressed again.
    protocol.receive(Timestamp(3_000_000), Input::Report { id: 0, data: &press }, &mut out);
    protocol.timeout(Timestamp(4_000_000), &mut out);
    assert_eq!(read(&mut out), ["a", "a"]);
}

#[test]
fn capslock_that_comes_after_enter_is_of_the_code_before() {
    let (mut protocol, mut out) = keyboard("", BOOT);
    for time in [1_000, 1_000_000, 2_000_000] {
        for data in keys(&[(0, 0x39), (0, 4), (0, 0x28), (0, 0x39)]) {
            protocol.receive(Timestamp(time), Input::Report { id: 0, data: &data }, &mut out);
        }
    }
    assert_eq!(read(&mut out), ["A", "A", "A"]);
}

#[test]
fn a_layout_that_is_none_is_named() {
    let file = File { name: "test".to_owned(), text: "layout = \"dee\"".to_owned() };
    let document = file.parse().unwrap();
    let error = configure(&document.root()).err().map(|error| error.to_string()).unwrap();
    assert!(error.contains("did you mean `de`?"), "{error}");
    assert!(layouts().all(|name| error.contains(name)), "{error}");
}
