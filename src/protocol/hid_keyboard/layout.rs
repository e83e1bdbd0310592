//! Keyboard layouts: what each key types.
//!
//! Source: Microsoft's layouts of the same countries, which scanners are set to; compared key by key
//! with those of X (`tests/keyboard.rs`, which names each difference).

use super::code_page::CodePage;

/// What is held with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Nothing.
    Base,
    /// Shift.
    Shift,
    /// AltGr.
    AltGr,
    /// Both.
    Both,
}

impl Level {
    pub(super) fn of(shift: bool, alt_gr: bool) -> Self {
        match (shift, alt_gr) {
            (false, false) => Self::Base,
            (true, false) => Self::Shift,
            (false, true) => Self::AltGr,
            (true, true) => Self::Both,
        }
    }
}

/// What a key types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    /// The character; of a dead key its accent, as the rows write it.
    pub(super) character: char,
    /// Whether it waits for the next character.
    pub(super) is_dead: bool,
}

/// A layout. Each level has a string for each row of keys, with a blank where a key types nothing.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    base: [&'static str; 4],
    shift: [&'static str; 4],
    alt_gr: [&'static str; 4],
    both: [&'static str; 4],
    pub(super) code_page: CodePage,
}

/// The keys of the rows by their usages (HID Usage Tables 1.5, 10): from the one before 1 to the one
/// before Backspace; from Q to the one before Enter; from A on, ISO keyboards having 32 for 31; from the
/// one that only ISO keyboards have, before Z.
const ROWS: [&[u16]; 4] = [
    &[0x35, 0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2D, 0x2E],
    &[0x14, 0x1A, 0x08, 0x15, 0x17, 0x1C, 0x18, 0x0C, 0x12, 0x13, 0x2F, 0x30],
    &[0x04, 0x16, 0x07, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F, 0x33, 0x34, 0x31],
    &[0x64, 0x1D, 0x1B, 0x06, 0x19, 0x05, 0x11, 0x10, 0x36, 0x37, 0x38],
];

/// The key beside Enter on ISO keyboards, and the one above it on the others: they type the same.
const BESIDE_ENTER: u16 = 0x32;
const ABOVE_ENTER: u16 = 0x31;

/// Dead keys: how the rows write them, the accent alone, and the letters that they change.
const DEAD: [(char, char, &str); 5] = [
    ('´', '´', "aáeéiíoóuúyýAÁEÉIÍOÓUÚYÝcćCĆnńNŃsśSŚzźZŹ"),
    ('ˋ', '`', "aàeèiìoòuùAÀEÈIÌOÒUÙ"),
    ('ˆ', '^', "aâeêiîoôuûAÂEÊIÎOÔUÛ"),
    ('˜', '~', "aãnñoõAÃNÑOÕ"),
    ('¨', '¨', "aäeëiïoöuüyÿAÄEËIÏOÖUÜYŸ"),
];

impl Layout {
    /// What a key types with something held.
    pub(super) fn at(&self, key: u16, level: Level) -> Option<Stroke> {
        let key = if key == BESIDE_ENTER { ABOVE_ENTER } else { key };
        let rows = match level {
            Level::Base => &self.base,
            Level::Shift => &self.shift,
            Level::AltGr => &self.alt_gr,
            Level::Both => &self.both,
        };
        let character = ROWS.iter().zip(rows).find_map(|(keys, row)| {
            let place = keys.iter().position(|other| *other == key)?;
            row.chars().nth(place)
        });
        let character = character.filter(|character| *character != ' ')?;
        let is_dead = DEAD.iter().any(|(dead, ..)| *dead == character);
        Some(Stroke { character, is_dead })
    }

    /// Whether CapsLock changes what a key types.
    pub(super) fn is_letter(&self, key: u16) -> bool {
        let base = self.at(key, Level::Base).map(|stroke| stroke.character);
        let shift = self.at(key, Level::Shift).map(|stroke| stroke.character);
        base.zip(shift)
            .is_some_and(|(base, shift)| base.to_uppercase().eq([shift]) && base != shift)
    }
}

/// The accent of a dead key by itself.
pub(super) fn spacing(dead: char) -> char {
    DEAD.iter().find(|(other, ..)| *other == dead).map_or(dead, |(_, spacing, _)| *spacing)
}

/// The letter with the accent, where there is one.
pub(super) fn compose(dead: char, letter: char) -> Option<char> {
    let (.., letters) = DEAD.iter().find(|(other, ..)| *other == dead)?;
    let mut letters = letters.chars();
    while let Some(plain) = letters.next() {
        let composed = letters.next()?;
        if plain == letter {
            return Some(composed);
        }
    }
    None
}

const NONE: [&str; 4] = ["", "", "", ""];

pub(super) const US: Layout = Layout {
    name: "us",
    base: ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "\\zxcvbnm,./"],
    shift: ["~!@#$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:\"|", "|ZXCVBNM<>?"],
    alt_gr: NONE,
    both: NONE,
    code_page: CodePage::Ibm437,
};

const UK: Layout = Layout {
    name: "uk",
    base: ["`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"],
    shift: ["¬!\"£$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"],
    alt_gr: ["¦   €", "  é   úíó", "á", ""],
    both: ["", "  É   ÚÍÓ", "Á", ""],
    code_page: CodePage::Ibm850,
};

const DE: Layout = Layout {
    name: "de",
    base: ["ˆ1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"],
    shift: ["°!\"§$%&/()=?ˋ", "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"],
    alt_gr: ["  ²³   {[]}\\", "@ €        ~", "", "|      µ"],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const CH_DE: Layout = Layout {
    name: "ch-de",
    base: ["§1234567890'ˆ", "qwertzuiopü¨", "asdfghjklöä$", "<yxcvbnm,.-"],
    shift: ["°+\"*ç%&/()=?ˋ", "QWERTZUIOPè!", "ASDFGHJKLéà£", ">YXCVBNM;:_"],
    alt_gr: SWISS_ALT_GR,
    both: NONE,
    code_page: CodePage::Ibm850,
};

const CH_FR: Layout = Layout {
    name: "ch-fr",
    base: ["§1234567890'ˆ", "qwertzuiopè¨", "asdfghjkléà$", "<yxcvbnm,.-"],
    shift: ["°+\"*ç%&/()=?ˋ", "QWERTZUIOPü!", "ASDFGHJKLöä£", ">YXCVBNM;:_"],
    alt_gr: SWISS_ALT_GR,
    both: NONE,
    code_page: CodePage::Ibm850,
};

const SWISS_ALT_GR: [&str; 4] = [" ¦@#  ¬|¢  ´˜", "  €       []", "          {}", "\\"];

const FR: Layout = Layout {
    name: "fr",
    base: ["²&é\"'(-è_çà)=", "azertyuiopˆ$", "qsdfghjklmù*", "<wxcvbn,;:!"],
    shift: [" 1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", ">WXCVBN?./§"],
    alt_gr: ["  ˜#{[|ˋ\\^@]}", "  €        ¤", "", ""],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const BE: Layout = Layout {
    name: "be",
    base: ["²&é\"'(§è!çà)-", "azertyuiopˆ$", "qsdfghjklmùµ", "<wxcvbn,;:="],
    shift: ["³1234567890°_", "AZERTYUIOP¨*", "QSDFGHJKLM%£", ">WXCVBN?./+"],
    alt_gr: [" |@#  ^  {}", "  €       []", "          ´ˋ", "\\         ˜"],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const ES: Layout = Layout {
    name: "es",
    base: ["º1234567890'¡", "qwertyuiopˋ+", "asdfghjklñ´ç", "<zxcvbnm,.-"],
    shift: ["ª!\"·$%&/()=?¿", "QWERTYUIOPˆ*", "ASDFGHJKLÑ¨Ç", ">ZXCVBNM;:_"],
    alt_gr: ["\\|@#˜€¬", "  €       []", "          {}", ""],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const IT: Layout = Layout {
    name: "it",
    base: ["\\1234567890'ì", "qwertyuiopè+", "asdfghjklòàù", "<zxcvbnm,.-"],
    shift: ["|!\"£$%&/()=?^", "QWERTYUIOPé*", "ASDFGHJKLç°§", ">ZXCVBNM;:_"],
    alt_gr: ["     €", "  €       []", "         @#", ""],
    both: ["", "          {}", "", ""],
    code_page: CodePage::Ibm850,
};

const PT: Layout = Layout {
    name: "pt",
    base: ["\\1234567890'«", "qwertyuiop+´", "asdfghjklçº˜", "<zxcvbnm,.-"],
    shift: ["|!\"#$%&/()=?»", "QWERTYUIOP*ˋ", "ASDFGHJKLÇªˆ", ">ZXCVBNM;:_"],
    alt_gr: ["  @£§€ {[]}", "  €       ¨", "", ""],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const SE: Layout = Layout {
    name: "se",
    base: ["§1234567890+´", "qwertyuiopå¨", "asdfghjklöä'", "<zxcvbnm,.-"],
    shift: ["½!\"#¤%&/()=?ˋ", "QWERTYUIOPÅˆ", "ASDFGHJKLÖÄ*", ">ZXCVBNM;:_"],
    alt_gr: ["  @£$€ {[]}\\", "  €        ˜", "", "|      µ"],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const NO: Layout = Layout {
    name: "no",
    base: ["|1234567890+\\", "qwertyuiopå¨", "asdfghjkløæ'", "<zxcvbnm,.-"],
    shift: ["§!\"#¤%&/()=?ˋ", "QWERTYUIOPÅˆ", "ASDFGHJKLØÆ*", ">ZXCVBNM;:_"],
    alt_gr: ["  @£$€ {[]} ´", "  €        ˜", "", "       µ"],
    both: NONE,
    code_page: CodePage::Ibm850,
};

const DK: Layout = Layout {
    name: "dk",
    base: ["½1234567890+´", "qwertyuiopå¨", "asdfghjklæø'", "<zxcvbnm,.-"],
    shift: ["§!\"#¤%&/()=?ˋ", "QWERTYUIOPÅˆ", "ASDFGHJKLÆØ*", ">ZXCVBNM;:_"],
    alt_gr: ["  @£$€ {[]} |", "  €        ˜", "", "\\      µ"],
    both: NONE,
    code_page: CodePage::Ibm850,
};

/// All of them, in the order in which a person is shown them.
pub(super) const ALL: &[Layout] = &[US, UK, DE, CH_DE, CH_FR, FR, BE, ES, IT, PT, SE, NO, DK];
