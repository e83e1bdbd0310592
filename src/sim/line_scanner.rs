//! A scanner that sends each code as a line. It listens to nothing but the commands that its profile has.

mod orders;

use super::{Actions, Code, Info, Simulated};
use crate::event::{Aim, Symbology};
use crate::settings::{Error, Section};
pub(super) use orders::Orders;

pub(super) const INFO: Info = Info { name: "line-scanner", configure };

/// The identifier of what has none of its own (ISO/IEC 15424: "other").
const OTHER: Aim = Aim { code: b'X', modifier: b'0' };

/// Whether the AIM identifier is sent.
#[derive(Clone, Copy)]
enum Identifier {
    Never,
    WhereKnown,
    Always,
}

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(Commanded { lines: LineScanner::read(section)?, orders: Orders::read(section)? }))
}

/// How a code becomes a line.
pub(super) struct LineScanner {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    identifier: Identifier,
}

impl LineScanner {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let by_silence = section.has("gap-ms");
        let suffix = section.byte_strings("suffix")?.and_then(|all| all.into_iter().next());
        let identifier = section.word(
            "aim",
            &[
                ("off", Identifier::Never),
                ("auto", Identifier::WhereKnown),
                ("required", Identifier::Always),
            ],
        )?;
        Ok(Self {
            prefix: section.bytes("prefix")?.unwrap_or_default(),
            suffix: suffix.unwrap_or_else(|| if by_silence { Vec::new() } else { b"\r".to_vec() }),
            identifier: identifier.unwrap_or(Identifier::WhereKnown),
        })
    }

    /// The AIM identifier to be sent.
    pub(super) fn identifier(&self, symbology: Option<Symbology>) -> String {
        let known = symbology.and_then(aim_of);
        let identifier = match self.identifier {
            Identifier::Never => None,
            Identifier::WhereKnown => known,
            Identifier::Always => Some(known.unwrap_or(OTHER)),
        };
        identifier.map(|aim| aim.to_string()).unwrap_or_default()
    }

    /// A line with this in it.
    pub(super) fn line(&self, content: &[u8]) -> Vec<u8> {
        [&self.prefix, content, &self.suffix].concat()
    }
}

/// A box that takes commands.
struct Commanded {
    lines: LineScanner,
    orders: Orders,
}

impl Simulated for Commanded {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        if !self.orders.enabled {
            return Vec::new();
        }
        let identifier = self.lines.identifier(code.symbology);
        self.lines.line(&[identifier.as_bytes(), &code.data].concat())
    }

    fn receive(&mut self, bytes: &[u8], out: &mut Actions) {
        self.orders.receive(bytes, &mut out.notices);
    }
}

/// The first identifier that names a symbology; UPC-A has none, it goes as EAN-13.
pub(super) fn aim_of(symbology: Symbology) -> Option<Aim> {
    let codes = b'A'..=b'z';
    let aims = codes.flat_map(|code| (b'0'..=b'C').map(move |modifier| Aim { code, modifier }));
    aims.into_iter().find(|aim| aim.is_known() && Symbology::from_aim(*aim) == symbology)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File;

    #[test]
    fn codes_go_out_as_the_options_say() {
        let ean = Code { symbology: Some(Symbology::Ean13), data: b"4006381333931".to_vec() };
        let gs1 = Code { symbology: Some(Symbology::Gs1Qr), data: b"0104".to_vec() };
        let plain = Code::plain("abc");
        let rows: &[(&str, &Code, &[u8])] = &[
            ("", &ean, b"]E04006381333931\r"),
            ("", &gs1, b"]Q30104\r"),
            ("", &plain, b"abc\r"),
            ("aim = \"off\"", &ean, b"4006381333931\r"),
            ("aim = \"required\"", &plain, b"]X0abc\r"),
            ("suffix = \"CR LF\"", &plain, b"abc\r\n"),
            ("suffix = [\"ETX\", \"CR\"]\nprefix = \"STX\"", &ean, b"\x02]E04006381333931\x03"),
            ("gap-ms = 50", &plain, b"abc"),
        ];
        for (options, code, want) in rows {
            let file = File { name: "options".to_owned(), text: (*options).to_owned() };
            let document = file.parse().unwrap();
            let mut device = configure(&document.root()).unwrap();
            assert_eq!(device.scan(code), *want, "{options:?}");
        }
    }
}
