//! A terminal that pays with what its code reader sends it, and takes no code twice.

use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "scanner-port", configure };

/// The most bytes of one code.
const LONGEST: usize = 512;

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(ScannerPort {
        ack: section.bytes("ack")?.unwrap_or_default(),
        nak: section.bytes("nak")?.unwrap_or_default(),
        behaviour: Behaviour::Take,
        begun: Vec::new(),
        paid: Vec::new(),
    }))
}

/// What it does about a code.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Pays with it.
    Take,
    /// Refuses it.
    Refuse,
    /// Does not listen.
    Silent,
}

struct ScannerPort {
    ack: Vec<u8>,
    nak: Vec<u8>,
    behaviour: Behaviour,
    begun: Vec<u8>,
    paid: Vec<Vec<u8>>,
}

impl ScannerPort {
    fn code(&mut self, code: Vec<u8>, out: &mut Actions) {
        let is_new = !self.paid.contains(&code);
        let length = code.len();
        match self.behaviour {
            Behaviour::Silent => {}
            Behaviour::Take if is_new => {
                out.notices.push(format!("paid with a code of {length} bytes"));
                out.send.extend(&self.ack);
                self.paid.push(code);
            }
            Behaviour::Take | Behaviour::Refuse => {
                out.notices.push(format!("refused a code of {length} bytes"));
                out.send.extend(&self.nak);
            }
        }
    }
}

impl Simulated for ScannerPort {
    /// Codes are held before the code reader, not before the terminal.
    fn scan(&mut self, _code: &Code) -> Vec<u8> {
        Vec::new()
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        for byte in bytes {
            match byte {
                b'\r' | b'\n' | 0x03 => {
                    let code = std::mem::take(&mut self.begun);
                    if !code.is_empty() {
                        self.code(code, out);
                    }
                }
                0x02 => self.begun.clear(),
                byte if self.begun.len() < LONGEST => self.begun.push(*byte),
                _ => {}
            }
        }
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        self.behaviour = match words {
            "take" => Behaviour::Take,
            "refuse" => Behaviour::Refuse,
            "silent" => Behaviour::Silent,
            _ => return Err(format!("{words:?} is no behaviour; accepted: take, refuse, silent")),
        };
        Ok(())
    }

    fn ledger(&self) -> Vec<String> {
        let numbered = self.paid.iter().enumerate();
        numbered
            .map(|(index, code)| format!("{} code of {} bytes", index + 1, code.len()))
            .collect()
    }
}
