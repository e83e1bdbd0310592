//! A Datalogic scanner: codes as lines, each with the label id of its symbology, and acknowledgements.
//!
//! Source: the product reference guides; see `protocol-docs`. A code that the host does not acknowledge,
//! where it is to, is sent twice more.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other.

use std::time::Duration;

use super::line_scanner::{LineScanner, Orders};
use super::{Actions, Code, Info, Simulated};
use crate::event::Symbology;
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "datalogic", configure };

const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// Sends of one code, all told.
const SENDS: u8 = 3;

/// How long it waits for an acknowledgement: a factory setting that the guides give as 200 ms to 15 s.
const RESPONSE: Duration = Duration::from_millis(1_000);

/// Which of the two sets of ids.
#[derive(Clone, Copy)]
enum Ids {
    None,
    Usa,
    Europe,
}

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    let ids =
        section.word("label-ids", &[("off", Ids::None), ("us", Ids::Usa), ("eu", Ids::Europe)])?;
    let behind = section.word("label-position", &[("prefix", false), ("suffix", true)])?;
    let acknowledge = section.word(
        "acknowledge",
        &[
            ("off", (false, false)),
            ("labels", (true, false)),
            ("commands", (false, true)),
            ("both", (true, true)),
        ],
    )?;
    let (codes, commands) = acknowledge.unwrap_or_default();
    Ok(Box::new(Datalogic {
        lines: LineScanner::read(section)?,
        ids: ids.unwrap_or(Ids::None),
        behind: behind.unwrap_or(false),
        orders: Orders::read(section)?,
        confirm_commands: commands,
        await_codes: codes,
        unconfirmed: None,
    }))
}

struct Datalogic {
    lines: LineScanner,
    ids: Ids,
    behind: bool,
    orders: Orders,
    confirm_commands: bool,
    await_codes: bool,
    /// The code that was sent last, until it is acknowledged, and how often it was.
    unconfirmed: Option<(Vec<u8>, u8)>,
}

impl Simulated for Datalogic {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        // While it waits for its host it reads nothing.
        if !self.orders.enabled || self.unconfirmed.is_some() {
            return Vec::new();
        }
        let id = match (self.ids, code.symbology.map(ids)) {
            (Ids::None, _) | (_, None) => "",
            (Ids::Usa, Some((us, _))) => us,
            (Ids::Europe, Some((_, eu))) => eu,
        };
        // The USA set identifies GS1-128 as AIM does, so it is not identified twice.
        let aim = if id.starts_with(']') { "" } else { &self.lines.identifier(code.symbology) };
        let labelled = if self.behind {
            [aim.as_bytes(), &code.data, id.as_bytes()].concat()
        } else {
            [id.as_bytes(), aim.as_bytes(), &code.data].concat()
        };
        let line = self.lines.line(&labelled);
        if self.await_codes {
            self.unconfirmed = Some((line.clone(), 1));
        }
        line
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        for byte in bytes {
            match (*byte, self.unconfirmed.is_some()) {
                (ACK, true) => self.unconfirmed = None,
                (NAK, true) => self.again(out),
                (byte, _) => {
                    let before = out.notices.len();
                    self.orders.receive(&[byte], &mut out.notices);
                    if self.confirm_commands && out.notices.len() > before {
                        out.send.push(ACK);
                    }
                }
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        self.unconfirmed.as_ref().map(|_| RESPONSE)
    }

    fn timeout(&mut self, out: &mut Actions) {
        self.again(out);
    }
}

impl Datalogic {
    fn again(&mut self, out: &mut Actions) {
        match &mut self.unconfirmed {
            Some((line, sends)) if *sends < SENDS => {
                *sends += 1;
                out.send.extend_from_slice(line);
            }
            _ => self.unconfirmed = None,
        }
    }
}

/// The ids of a symbology in the USA set and in the European one.
fn ids(symbology: Symbology) -> (&'static str, &'static str) {
    match symbology {
        Symbology::UpcA => ("A", "C"),
        Symbology::UpcE => ("E", "D"),
        Symbology::Ean8 => ("FF", "A"),
        Symbology::Ean13 => ("F", "B"),
        Symbology::Code39 => ("*", "V"),
        Symbology::Code32 => ("A", "X"),
        Symbology::Code93 => ("&", "U"),
        Symbology::Code128 => ("#", "T"),
        Symbology::Gs1Code128 => ("]C1", "k"),
        Symbology::Codabar => ("%", "R"),
        Symbology::Itf => ("i", "N"),
        Symbology::TwoOfFive => ("s", "P"),
        Symbology::Msi => ("@", "Z"),
        Symbology::Databar => ("R4", "u"),
        Symbology::DatabarExpanded => ("RX", "t"),
        Symbology::DatabarLimited => ("RL", "v"),
        Symbology::Pdf417 => ("P", "r"),
        Symbology::MicroPdf417 => ("mP", "8"),
        Symbology::DataMatrix => ("Dm", "w"),
        Symbology::Gs1DataMatrix => ("Dg", "$w"),
        Symbology::Qr => ("QR", "y"),
        Symbology::Gs1Qr => ("QG", "$q"),
        Symbology::MicroQr => ("$Q", "$Q"),
        Symbology::Aztec => ("Az", "!"),
        Symbology::MaxiCode => ("MC", "x"),
        _ => ("", ""),
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

    fn tell(device: &mut dyn Simulated, bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
        let mut actions = Actions::default();
        device.receive(bytes, &mut actions);
        (actions.send, actions.notices)
    }

    fn ean() -> Code {
        Code { symbology: Some(Symbology::Ean13), data: b"4006381333931".to_vec() }
    }

    #[test]
    fn codes_go_out_as_the_options_say() {
        for (options, want) in [
            ("aim = \"off\"", &b"4006381333931\r"[..]),
            ("label-ids = \"us\", aim = \"off\", suffix = \"CR LF\"", b"F4006381333931\r\n"),
            ("label-ids = \"eu\", aim = \"off\"", b"B4006381333931\r"),
            ("label-ids = \"us\", label-position = \"suffix\", aim = \"off\"", b"4006381333931F\r"),
            ("label-ids = \"us\"", b"F]E04006381333931\r"),
        ] {
            assert_eq!(device(&options.replace(", ", "\n")).scan(&ean()), want, "{options}");
        }
    }

    #[test]
    fn acknowledgements_both_ways() {
        let options = "acknowledge = \"both\"\naim = \"off\"\n\
                       commands = { enable = \"E\", disable = \"D\", good = \"SOH\" }";
        let mut scanner = device(options);
        assert_eq!(
            tell(&mut *scanner, b"D\x01"),
            (b"\x06\x06".to_vec(), vec!["disabled".into(), "good".into()])
        );
        assert_eq!(scanner.scan(&ean()), b"");
        assert_eq!(tell(&mut *scanner, b"E?").0, b"\x06");
        let line = b"4006381333931\r";
        assert_eq!(scanner.scan(&ean()), line);
        assert_eq!(tell(&mut *scanner, b"\x15").0, line);
        assert_eq!(scanner.patience(), Some(RESPONSE));
        let mut actions = Actions::default();
        scanner.timeout(&mut actions);
        assert_eq!(actions.send, line);
        assert_eq!(tell(&mut *scanner, b"\x06").0, b"");
        assert_eq!(scanner.patience(), None);
    }
}
