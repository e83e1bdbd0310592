//! Keyboard layouts against those of X, by libxkbcommon, and accented letters against Unicode, by Python.
//!
//! Scanners are made for Microsoft's layouts. Where X has another character on a key, the row in
//! [`MICROSOFTS`] says so; what X has beyond is no difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod support;

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::process::Command;

use nix::libc;
use support::{Player, Read};
use tillbus::normalize::Rules;
use tillbus::protocol::{Factory, hid_keyboard};
use tillbus::recording::Step;

/// The boot keyboard of HID 1.11, appendix B.1.
const DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x75, 0x08, 0x95, 0x01, 0x81, 0x01, 0x95, 0x06, 0x26, 0xFF,
    0x00, 0x19, 0x00, 0x2A, 0xFF, 0x00, 0x81, 0x00, 0xC0,
];

/// Keys by their usage (HID Usage Tables 1.5, 10) and their code in Linux (input-event-codes.h).
const KEYS: [(u8, u32); 48] = [
    (0x35, 41),
    (0x1E, 2),
    (0x1F, 3),
    (0x20, 4),
    (0x21, 5),
    (0x22, 6),
    (0x23, 7),
    (0x24, 8),
    (0x25, 9),
    (0x26, 10),
    (0x27, 11),
    (0x2D, 12),
    (0x2E, 13),
    (0x14, 16),
    (0x1A, 17),
    (0x08, 18),
    (0x15, 19),
    (0x17, 20),
    (0x1C, 21),
    (0x18, 22),
    (0x0C, 23),
    (0x12, 24),
    (0x13, 25),
    (0x2F, 26),
    (0x30, 27),
    (0x04, 30),
    (0x16, 31),
    (0x07, 32),
    (0x09, 33),
    (0x0A, 34),
    (0x0B, 35),
    (0x0D, 36),
    (0x0E, 37),
    (0x0F, 38),
    (0x33, 39),
    (0x34, 40),
    (0x31, 43),
    (0x64, 86),
    (0x1D, 44),
    (0x1B, 45),
    (0x06, 46),
    (0x19, 47),
    (0x05, 48),
    (0x11, 49),
    (0x10, 50),
    (0x36, 51),
    (0x37, 52),
    (0x38, 53),
];

/// Nothing, Shift, AltGr, both: the modifiers of a boot report.
const LEVELS: [u8; 4] = [0, 0x02, 0x40, 0x42];

/// The layouts' names and those of X: layout and variant.
const NAMES: [(&str, &str, &str); 13] = [
    ("us", "us", ""),
    ("uk", "gb", ""),
    ("de", "de", ""),
    ("ch-de", "ch", ""),
    ("ch-fr", "ch", "fr"),
    ("fr", "fr", ""),
    ("be", "be", ""),
    ("es", "es", ""),
    ("it", "it", ""),
    ("pt", "pt", ""),
    ("se", "se", ""),
    ("no", "no", ""),
    ("dk", "dk", ""),
];

/// What Microsoft has where X has something else: layout, key, level, Microsoft's and X's. A dead key is
/// written with a blank behind it.
const MICROSOFTS: &[(&str, u8, usize, &str, &str)] = &[
    // The key that a US keyboard lacks.
    ("us", 0x64, 0, "\\", "<"),
    ("us", 0x64, 1, "|", ">"),
    // Not printed on the key, and of X alone.
    ("fr", 0x35, 1, "", "~"),
    // Microsoft's broken bar.
    ("uk", 0x35, 2, "¦", "|"),
    ("ch-de", 0x1E, 2, "¦", "|"),
    ("ch-fr", 0x1E, 2, "¦", "|"),
    // Welsh and Irish vowels.
    ("uk", 0x08, 2, "é", "e"),
    ("uk", 0x08, 3, "É", "E"),
    ("uk", 0x18, 2, "ú", "↓"),
    ("uk", 0x18, 3, "Ú", "↑"),
    ("uk", 0x0C, 2, "í", "→"),
    ("uk", 0x0C, 3, "Í", "ı"),
    ("uk", 0x12, 2, "ó", "ø"),
    ("uk", 0x12, 3, "Ó", "Ø"),
    ("uk", 0x04, 2, "á", "æ"),
    ("uk", 0x04, 3, "Á", "Æ"),
    // Dead keys of Microsoft's that X has alive.
    ("fr", 0x1F, 2, "~ ", "~"),
    ("fr", 0x24, 2, "` ", "`"),
    ("es", 0x21, 2, "~ ", "~"),
    // The euro sign, beside the one on E.
    ("es", 0x22, 2, "€", "½"),
    ("it", 0x22, 2, "€", "½"),
    ("pt", 0x22, 2, "€", "½"),
    ("no", 0x22, 2, "€", "½"),
    ("dk", 0x22, 2, "€", "½"),
];

fn factory(layout: &str) -> Factory {
    support::configure("hid-keyboard", &format!("layout = {layout:?}, aim = \"off\"")).unwrap()
}

/// What these keys type, each with its modifiers, pressed one after the other.
fn typed(factory: &Factory, keys: &[(u8, u8)]) -> String {
    let mut player = Player::new(factory, &Rules::default());
    let report = |modifiers: u8, key: u8| Step::Report {
        id: 0,
        data: vec![modifiers, 0, key, 0, 0, 0, 0, 0],
    };
    let mut steps = vec![Step::Descriptor(DESCRIPTOR.to_vec())];
    // Letters around it: some lines of one character are held back, for they may begin a licence.
    for (modifiers, key) in [&[(0, 0x59)], keys, &[(0, 0x59), (0, 0x28)]].concat() {
        steps.extend([report(modifiers, key), report(0, 0)]);
    }
    player.steps(&steps);
    let Some(Read::Code(read)) = player.readings.pop() else { panic!("no line was typed") };
    let text = String::from_utf8(read.data.expose().to_vec()).unwrap();
    text[1..text.len() - 1].to_owned()
}

/// What one key types; a dead one with a blank, as it does before a 1.
fn key(factory: &Factory, key: u8, level: usize) -> String {
    let alone = typed(factory, &[(LEVELS[level], key)]);
    let with_blank = typed(factory, &[(LEVELS[level], key), (0, 0x2C)]);
    if with_blank == alone && !alone.is_empty() { format!("{alone} ") } else { alone }
}

#[test]
fn every_key_types_what_it_types_under_x_or_what_microsoft_has_there() {
    let Some(x) = Xkb::load() else {
        println!("skipped: libxkbcommon is not installed");
        return;
    };
    assert!(hid_keyboard::layouts().eq(NAMES.iter().map(|(name, ..)| *name)));
    let mut compared = 0;
    let mut differences = BTreeSet::new();
    for (name, layout, variant) in NAMES {
        let factory = factory(name);
        let keymap = x.keymap(layout, variant);
        for (usage, code) in KEYS {
            for level in 0..LEVELS.len() {
                let (own, xs) = (key(&factory, usage, level), x.key(keymap, code, level));
                let is_beyond = own.is_empty() && level > 1;
                if own != xs && !is_beyond {
                    differences.insert((name, usage, level, own, xs));
                } else if !is_beyond {
                    compared += 1;
                }
            }
        }
    }
    let expected = MICROSOFTS
        .iter()
        .map(|(name, usage, level, own, xs)| (*name, *usage, *level, (*own).into(), (*xs).into()));
    assert_eq!(differences, expected.collect::<BTreeSet<(_, _, _, String, String)>>());
    assert!(compared > 1300, "only {compared} keys were compared");
}

/// Accents: a layout, the dead key with its level, and the combining character.
const ACCENTS: [(&str, u8, usize, &str); 5] = [
    ("de", 0x2E, 0, "\u{301}"),
    ("de", 0x2E, 1, "\u{300}"),
    ("de", 0x35, 0, "\u{302}"),
    ("pt", 0x31, 0, "\u{303}"),
    ("se", 0x30, 0, "\u{308}"),
];

#[test]
fn accented_letters_are_those_of_unicode() {
    // NFC of every letter with every accent.
    let script = "import sys, unicodedata\n\
                  for line in sys.argv[1:]: print(unicodedata.normalize('NFC', line))";
    let mut composed = 0;
    for (layout, dead, level, accent) in ACCENTS {
        let factory = factory(layout);
        let letters: Vec<(u8, u8, char)> = KEYS
            .iter()
            .flat_map(|(usage, _)| [(*usage, 0), (*usage, 1)])
            .filter_map(|(usage, level)| {
                let letter = key(&factory, usage, level).chars().next()?;
                letter.is_ascii_alphabetic().then_some((usage, LEVELS[level], letter))
            })
            .collect();
        assert_eq!(letters.len(), 52);
        let arguments = letters.iter().map(|(.., letter)| format!("{letter}{accent}"));
        let output = Command::new("python3").args(["-c", script]).args(arguments).output();
        let output = String::from_utf8(output.expect("python3").stdout).unwrap();
        for ((usage, modifiers, letter), want) in letters.iter().zip(output.lines()) {
            let own = typed(&factory, &[(LEVELS[level], dead), (*modifiers, *usage)]);
            let is_one = own.chars().count() == 1;
            assert!(!is_one || own == want, "{letter} with {accent:?}: {own:?}, want {want:?}");
            assert!(is_one || own.ends_with(*letter), "{letter} with {accent:?}: {own:?}");
            composed += usize::from(is_one);
        }
    }
    assert!(composed > 50, "only {composed} letters have accents");
}

/// libxkbcommon, loaded at run time so that this program links without it.
struct Xkb {
    library: *mut c_void,
    context: *mut c_void,
}

/// `struct xkb_rule_names`.
#[repr(C)]
struct RuleNames {
    rules: *const c_char,
    model: *const c_char,
    layout: *const c_char,
    variant: *const c_char,
    options: *const c_char,
}

type ContextNew = unsafe extern "C" fn(c_int) -> *mut c_void;
type KeymapNew = unsafe extern "C" fn(*mut c_void, *const RuleNames, c_int) -> *mut c_void;
type SymsByLevel = unsafe extern "C" fn(*mut c_void, u32, u32, u32, *mut *const u32) -> c_int;
type ToUtf32 = unsafe extern "C" fn(u32) -> u32;
type GetName = unsafe extern "C" fn(u32, *mut c_char, usize) -> c_int;

#[expect(unsafe_code, reason = "libxkbcommon is a C library")]
impl Xkb {
    fn load() -> Option<Self> {
        // SAFETY: loading it runs no code but its own initialisation.
        let library = unsafe { libc::dlopen(c"libxkbcommon.so.0".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let mut xkb = Self { library, context: std::ptr::null_mut() };
        // SAFETY: the signatures here and below are those of xkbcommon.h.
        xkb.context = unsafe { xkb.function::<ContextNew>(c"xkb_context_new")(0) };
        Some(xkb)
    }

    /// # Safety
    ///
    /// `F` is the type of that function.
    unsafe fn function<F: Copy>(&self, name: &CStr) -> F {
        // SAFETY: the library stays loaded; a function pointer is what dlsym gives.
        unsafe {
            let symbol = libc::dlsym(self.library, name.as_ptr());
            assert!(!symbol.is_null(), "libxkbcommon has no {name:?}");
            std::mem::transmute_copy(&symbol)
        }
    }

    fn keymap(&self, layout: &str, variant: &str) -> *mut c_void {
        let text = |text: &str| CString::new(text).unwrap();
        let texts = ["evdev", "pc105", layout, variant, ""].map(text);
        let [rules, model, layout, variant, options] = texts.each_ref().map(|text| text.as_ptr());
        let names = RuleNames { rules, model, layout, variant, options };
        // SAFETY: the names outlive the call.
        let keymap = unsafe {
            self.function::<KeymapNew>(c"xkb_keymap_new_from_names")(
                self.context,
                &raw const names,
                0,
            )
        };
        assert!(!keymap.is_null(), "X has no such layout: xkb-data is needed");
        keymap
    }

    /// What a key types; a dead one the accent and a blank.
    fn key(&self, keymap: *mut c_void, code: u32, level: usize) -> String {
        let level = u32::try_from(level).unwrap();
        let mut symbols = std::ptr::null();
        let mut name = [0; 64];
        // SAFETY: X's codes are Linux' and 8; the symbols live as long as the keymap, which is never
        // freed; the name's buffer is as long as is said.
        let (symbol, count) = unsafe {
            let of_level = self.function::<SymsByLevel>(c"xkb_keymap_key_get_syms_by_level");
            let count = of_level(keymap, code + 8, 0, level, &raw mut symbols);
            if count < 1 {
                return String::new();
            }
            let symbol = *symbols;
            let get_name = self.function::<GetName>(c"xkb_keysym_get_name");
            get_name(symbol, name.as_mut_ptr(), name.len());
            (symbol, count)
        };
        assert_eq!(count, 1);
        // SAFETY: it was filled in with a string.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_str().unwrap();
        let accent = match name {
            "dead_acute" => "´ ",
            "dead_grave" => "` ",
            "dead_circumflex" => "^ ",
            "dead_tilde" => "~ ",
            "dead_diaeresis" => "¨ ",
            _ => "",
        };
        if !accent.is_empty() {
            return accent.to_owned();
        }
        // SAFETY: it takes any number.
        let character = unsafe { self.function::<ToUtf32>(c"xkb_keysym_to_utf32")(symbol) };
        char::from_u32(character)
            .filter(|character| *character >= ' ')
            .map(String::from)
            .unwrap_or_default()
    }
}
