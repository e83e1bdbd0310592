//! A Honeywell scanner: codes as lines or in messages, commands that begin with SYN or ESC.
//!
//! Source: the vendor's guides; see `protocol-docs`. It knows a few of the many settings, all those of
//! Codabar among them, because the guides show their replies.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use super::{Actions, Code, Info, Simulated};
use crate::event::Symbology;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "honeywell", configure };

const SYN: u8 = 0x16;
const ESC: u8 = 0x1B;
const ACK: u8 = 0x06;
const ENQ: u8 = 0x05;
const NAK: u8 = 0x15;

/// What a symbology is called: the vendor's id, and AIM's.
const CALLED: &[(Symbology, char, &str)] = &[
    (Symbology::Ean13, 'd', "E0"),
    (Symbology::Ean8, 'D', "E4"),
    (Symbology::UpcA, 'c', "E0"),
    (Symbology::UpcE, 'E', "E0"),
    (Symbology::Code128, 'j', "C0"),
    (Symbology::Gs1Code128, 'I', "C1"),
    (Symbology::Code39, 'b', "A0"),
    (Symbology::Code93, 'i', "G0"),
    (Symbology::Codabar, 'a', "F0"),
    (Symbology::Itf, 'e', "I0"),
    (Symbology::Databar, 'y', "e0"),
    (Symbology::Pdf417, 'r', "L2"),
    (Symbology::Qr, 's', "Q1"),
    (Symbology::Gs1Qr, 's', "Q3"),
    (Symbology::DataMatrix, 'w', "d1"),
    (Symbology::Gs1DataMatrix, 'w', "d2"),
    (Symbology::Aztec, 'z', "z0"),
];

/// The settings: tag, subtag, value as delivered, the least and the most.
const DELIVERED: &[(&str, &str, u32, u32, u32)] = &[
    ("CBR", "ENA", 1, 0, 1),
    ("CBR", "SSX", 0, 0, 1),
    ("CBR", "CK2", 0, 0, 2),
    ("CBR", "CCT", 1, 0, 2),
    ("CBR", "MIN", 2, 2, 60),
    ("CBR", "MAX", 60, 2, 60),
    ("DEC", "HDR", 0, 0, 1),
    ("TRG", "MOD", 3, 0, 3),
    ("BEP", "BEP", 1, 0, 1),
];

/// Mode of the trigger: codes are read when the host says so.
const BY_TRIGGER: u32 = 0;

/// What is called nothing else: a character of no symbology, and AIM's "other".
const OTHER: (char, &str) = ('~', "X0");

/// Whether the AIM identifier is sent.
#[derive(Clone, Copy, PartialEq)]
enum Identify {
    Never,
    WhereKnown,
    Always,
}

/// Where the vendor's id is sent.
#[derive(Clone, Copy)]
enum Ids {
    Never,
    First,
    AfterAim,
}

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let ids = section.word(
        "code-id",
        &[("off", Ids::Never), ("first", Ids::First), ("after-aim", Ids::AfterAim)],
    )?;
    let aim = section.word(
        "aim",
        &[("off", Identify::Never), ("auto", Identify::WhereKnown), ("required", Identify::Always)],
    )?;
    let suffix = section.byte_strings("suffix")?.and_then(|all| all.into_iter().next());
    Ok(Box::new(Honeywell {
        ids: ids.unwrap_or(Ids::Never),
        aim: aim.unwrap_or(Identify::WhereKnown),
        prefix: section.bytes("prefix")?.unwrap_or_default(),
        suffix: suffix.unwrap_or_else(|| b"\r".to_vec()),
        settings: DELIVERED.iter().map(|(.., value, _, _)| *value).collect(),
        acknowledged: section.boolean("acknowledge")?.unwrap_or(false),
        last: Vec::new(),
        input: Vec::new(),
        triggered: false,
        presented: None,
    }))
}

struct Honeywell {
    ids: Ids,
    aim: Identify,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    /// In the order of [`DELIVERED`].
    settings: Vec<u32>,
    /// Whether it sends a code again that its host did not hear well.
    acknowledged: bool,
    /// What it has sent last, until its host has it.
    last: Vec<u8>,
    /// What has come of a command so far.
    input: Vec<u8>,
    triggered: bool,
    /// A code before the scanner that it may not read yet.
    presented: Option<Code>,
}

impl Simulated for Honeywell {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        if self.setting("TRG", "MOD") == Some(BY_TRIGGER) && !self.triggered {
            self.presented = Some(code.clone());
            return Vec::new();
        }
        self.triggered = false;
        self.presented = None;
        let called = CALLED.iter().find(|(symbology, ..)| Some(*symbology) == code.symbology);
        let (id, aim) = called.map_or(OTHER, |(_, id, aim)| (*id, *aim));
        self.last = self.frame(id, aim, &code.data);
        self.last.clone()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.input.extend_from_slice(bytes);
        while let Some(length) = self.command(out) {
            self.input.drain(..length);
        }
        if let Some(code) = self.presented.clone() {
            out.send.extend(self.scan(&code));
        }
    }
}

impl Honeywell {
    fn frame(&self, id: char, aim: &str, data: &[u8]) -> Vec<u8> {
        if self.setting("DEC", "HDR") == Some(1) {
            return self.message(id, aim, data);
        }
        let aim = match (self.aim, self.ids) {
            (Identify::Never, _) => String::new(),
            (Identify::WhereKnown, Ids::Never) if (id, aim) == OTHER => String::new(),
            _ => format!("]{aim}"),
        };
        let identifiers = match self.ids {
            Ids::Never => aim,
            Ids::First => format!("{id}{aim}"),
            Ids::AfterAim => format!("{aim}{id}"),
        };
        [&self.prefix, identifiers.as_bytes(), data, &self.suffix].concat()
    }

    fn message(&self, id: char, aim: &str, data: &[u8]) -> Vec<u8> {
        let code = [&self.prefix, data, &self.suffix].concat();
        let head = format!("MSGGET{:04}{id}{aim}\x1D", code.len());
        let size = u32::try_from(head.len() + code.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&[SYN, 0xFE], &size[..], b"\r", head.as_bytes(), &code].concat()
    }

    /// Obeys what the input begins with; how much of it is done with, nothing while more has to come.
    fn command(&mut self, out: &mut Actions) -> Option<usize> {
        match self.input.as_slice() {
            [] | [SYN] | [SYN, b'M' | b'T' | b'U' | 0x07] | [ESC] | [ESC, _] => None,
            [SYN, key @ (b'T' | b'U'), b'\r', ..] => {
                self.triggered = *key == b'T';
                let notice = if self.triggered { "trigger on" } else { "trigger off" };
                out.notices.push(notice.to_owned());
                Some(3)
            }
            [SYN, 0x07, b'\r', ..] => {
                out.notices.push("beep".to_owned());
                Some(3)
            }
            [ESC, sign, b',', ..] => {
                out.notices.extend(host_sign(*sign).map(str::to_owned));
                Some(3)
            }
            [NAK, ..] if self.acknowledged => {
                out.send.extend(&self.last);
                Some(1)
            }
            [SYN, b'M', b'\r', menu @ ..] => {
                let end = menu.iter().position(|byte| b".!".contains(byte))?;
                let text = String::from_utf8_lossy(menu.get(..end).unwrap_or_default());
                let (text, storage) = (text.into_owned(), menu.get(end).copied());
                out.send.extend(self.menu(&text));
                out.send.extend(storage);
                Some(3 + end + 1)
            }
            _ => Some(1),
        }
    }

    /// A menu command, and its echo up to the last status.
    fn menu(&mut self, text: &str) -> Vec<u8> {
        let mut echo = Vec::new();
        for (place, part) in text.to_uppercase().split(';').enumerate() {
            if place > 0 {
                echo.push(b';');
            }
            let (tag, subtags) = part.split_at_checked(3).unwrap_or((part, ""));
            echo.extend(tag.bytes());
            for (place, subtag) in subtags.split(',').enumerate() {
                if place > 0 {
                    echo.push(b',');
                }
                echo.extend(self.entry(tag, subtag));
            }
        }
        echo
    }

    /// One subtag with its value, or a query, and the status.
    fn entry(&mut self, tag: &str, entry: &str) -> Vec<u8> {
        if entry == "?" {
            return self.all(tag);
        }
        let (subtag, value) = entry.split_at_checked(3).unwrap_or((entry, ""));
        let place = DELIVERED.iter().position(|(one, other, ..)| (*one, *other) == (tag, subtag));
        let known =
            place.and_then(|place| Some((DELIVERED.get(place)?, self.settings.get_mut(place)?)));
        let Some(((_, _, delivered, least, most), setting)) = known else {
            return [entry.as_bytes(), &[ENQ]].concat();
        };
        let (value, status) = match (value, value.parse::<u32>()) {
            ("?", _) => (setting.to_string(), ACK),
            ("^", _) => (delivered.to_string(), ACK),
            ("*", _) => (format!("{least}-{most}"), ACK),
            (_, Ok(number)) if (*least..=*most).contains(&number) => {
                *setting = number;
                (value.to_owned(), ACK)
            }
            _ => (value.to_owned(), NAK),
        };
        [subtag.as_bytes(), value.as_bytes(), &[status]].concat()
    }

    /// All settings of a tag.
    fn all(&self, tag: &str) -> Vec<u8> {
        let mut said = Vec::new();
        for ((_, subtag, ..), value) in
            DELIVERED.iter().zip(&self.settings).filter(|((one, ..), _)| *one == tag)
        {
            said.extend(format!("{subtag}{value}").bytes());
            said.extend([ACK, b',']);
        }
        // The last one of every tag brings back what was delivered.
        said.extend(b"DFT");
        said.push(ACK);
        said
    }

    fn setting(&self, tag: &str, subtag: &str) -> Option<u32> {
        let place = DELIVERED.iter().position(|(one, other, ..)| (*one, *other) == (tag, subtag));
        place.and_then(|place| self.settings.get(place)).copied()
    }
}

/// What a person notices of an escape command.
fn host_sign(sign: u8) -> Option<&'static str> {
    match sign {
        b'4' => Some("low beep"),
        b'5' => Some("beep"),
        b'6' => Some("high beep"),
        b'7' => Some("good reading"),
        b'8' => Some("bad reading"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    fn device(options: &str) -> Box<dyn Simulated> {
        let file = File { name: "options".to_owned(), text: options.to_owned() };
        configure(&file.parse().unwrap().root()).unwrap()
    }

    fn ask(device: &mut dyn Simulated, bytes: &[u8]) -> Vec<u8> {
        let mut actions = Actions::default();
        for byte in bytes {
            device.receive(&[*byte], &mut actions);
        }
        actions.send
    }

    #[test]
    fn codes_go_out_as_the_options_say() {
        let code = Code { symbology: Some(Symbology::UpcA), data: b"012345678905".to_vec() };
        for (options, want) in [
            ("", &b"]E0012345678905\r"[..]),
            ("aim = \"off\"\ncode-id = \"first\"", b"c012345678905\r"),
            ("code-id = \"first\"\nsuffix = \"CR LF\"", b"c]E0012345678905\r\n"),
            ("code-id = \"after-aim\"\nprefix = \"STX\"", b"\x02]E0c012345678905\r"),
        ] {
            assert_eq!(device(options).scan(&code), want, "{options}");
        }
        let mut device = device("");
        assert_eq!(ask(&mut *device, b"\x16M\rDECHDR1!"), b"DECHDR1\x06!");
        assert_eq!(device.scan(&code), b"\x16\xFE\x1B\0\0\0\rMSGGET0013cE0\x1D012345678905\r");
    }

    #[test]
    fn menu_commands_are_echoed() {
        for (name, command, want) in [
            (
                "all of Codabar",
                &b"CBR?."[..],
                &b"CBRENA1\x06,SSX0\x06,CK20\x06,CCT1\x06,MIN2\x06,MAX60\x06,DFT\x06."[..],
            ),
            ("a range, in small letters", b"cbrena*.", b"CBRENA0-1\x06."),
            ("as delivered", b"cbrena^.", b"CBRENA1\x06."),
            ("two of one tag", b"CBRENA0,MIN5!", b"CBRENA0\x06,MIN5\x06!"),
            ("two tags", b"CBRENA0;BEPBEP0!", b"CBRENA0\x06;BEPBEP0\x06!"),
            ("out of range", b"CBRMIN100!", b"CBRMIN100\x15!"),
            ("no such subtag", b"CBRXXX1!", b"CBRXXX1\x05!"),
            ("half", b"CBRENA", b""),
        ] {
            assert_eq!(ask(&mut *device(""), &[b"x\x16M\r", command].concat()), want, "{name}");
        }
    }

    #[test]
    fn a_code_that_did_not_come_well_is_sent_again() {
        let mut device = device("acknowledge = true\naim = \"off\"");
        let sent = device.scan(&Code::plain("4006381333931"));
        assert_eq!(ask(&mut *device, b"\x15"), sent);
        assert_eq!(ask(&mut *device, b"\x06"), b"");
    }

    #[test]
    fn a_person_notices() {
        let mut actions = Actions::default();
        device("").receive(b"\x16\x07\r\x1B8,\x1B6,\x16U\r\x1Bx,", &mut actions);
        assert_eq!(actions.notices, ["beep", "bad reading", "high beep", "trigger off"]);
    }

    #[test]
    fn by_trigger_a_code_waits() {
        let mut device = device("aim = \"off\"");
        let code = Code::plain("4006381333931");
        assert_eq!(device.scan(&code), b"4006381333931\r", "as delivered");
        assert_eq!(ask(&mut *device, b"\x16M\rTRGMOD0!"), b"TRGMOD0\x06!");
        assert_eq!(device.scan(&code), b"");
        assert_eq!(ask(&mut *device, b"\x16\x07\r\x1B7,\x16U\r"), b"");
        assert_eq!(ask(&mut *device, b"\x16T\r"), b"4006381333931\r");
        assert_eq!(device.scan(&code), b"", "one reading for each trigger");
    }
}
