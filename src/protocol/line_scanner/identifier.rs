//! What stands between the prefix and the code: an AIM identifier, a vendor's code id, both or neither.
//!
//! Contract: pure. A code id is one byte, and what it means is the vendor's own table. Where both are
//! there they are heard together: the code id tells UPC-A from EAN-13, which the AIM identifier does
//! not, and the AIM identifier tells GS1-128 from Code 128, which most code ids do not.

use std::sync::Arc;

use crate::event::{Aim, Fault, Symbology};
use crate::settings::{Error, Section};

/// Whether an AIM identifier stands before the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum AimRule {
    /// Never: whatever comes is the code.
    Off,
    /// Where it is one that ISO/IEC 15424 has and the code fits it.
    Auto,
    /// Always; a line without one is a fault.
    Required,
}

pub(in crate::protocol) const AIM_RULES: [(&str, AimRule); 3] =
    [("off", AimRule::Off), ("auto", AimRule::Auto), ("required", AimRule::Required)];

/// Where a code id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Place {
    /// First, before an AIM identifier if there is one.
    First,
    /// Behind the AIM identifier.
    AfterAim,
}

/// What a vendor's code ids mean.
pub(in crate::protocol) type CodeIdTable = Arc<[(u8, Symbology)]>;

/// A vendor's code ids.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct CodeIds {
    /// Where they stand.
    pub place: Place,
    /// What they mean. One that is not there is an identifier all the same.
    pub table: CodeIdTable,
}

/// What stands before a code.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Identifiers {
    pub aim: AimRule,
    pub ids: Option<CodeIds>,
}

/// A line that has been taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Identified<'a> {
    pub symbology: Option<Symbology>,
    pub aim: Option<Aim>,
    pub code: &'a [u8],
}

impl Identifiers {
    /// The rule of a profile; no code ids.
    pub(in crate::protocol) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let aim = section.word("aim", &AIM_RULES)?.unwrap_or(AimRule::Auto);
        Ok(Self { aim, ids: None })
    }

    /// Takes the identifiers off a line.
    pub(in crate::protocol) fn split<'a>(&self, line: &'a [u8]) -> Result<Identified<'a>, Fault> {
        let Some(ids) = &self.ids else {
            let (aim, code) = identify(self.aim, line)?;
            return Ok(Identified { symbology: aim.map(Symbology::from_aim), aim, code });
        };
        let (id, aim, code) = match ids.place {
            Place::First => {
                let (id, rest) = take(line).ok_or(Fault::Partial { bytes: line.len() })?;
                let (aim, code) = identify(self.aim, rest)?;
                (id, aim, code)
            }
            Place::AfterAim => {
                let (aim, rest) = identify_before(self.aim, line, 1)?;
                let (id, code) = take(rest).ok_or(Fault::Partial { bytes: line.len() })?;
                (id, aim, code)
            }
        };
        if !id.is_ascii_graphic() {
            return Err(Fault::Malformed { at: 0 });
        }
        if code.is_empty() {
            return Err(Fault::Partial { bytes: line.len() });
        }
        let known = ids.table.iter().find(|(letter, _)| *letter == id);
        let known = known.map_or(Symbology::Unknown, |(_, symbology)| *symbology);
        Ok(Identified { symbology: Some(together(known, aim)), aim, code })
    }
}

fn take(bytes: &[u8]) -> Option<(u8, &[u8])> {
    bytes.split_first().map(|(first, rest)| (*first, rest))
}

/// Takes the AIM identifier off a line.
pub(in crate::protocol) fn identify(
    rule: AimRule,
    line: &[u8],
) -> Result<(Option<Aim>, &[u8]), Fault> {
    identify_before(rule, line, 0)
}

/// Takes the AIM identifier off a line on which so many other bytes stand before the code.
fn identify_before(
    rule: AimRule,
    line: &[u8],
    others: usize,
) -> Result<(Option<Aim>, &[u8]), Fault> {
    match (rule, Aim::split(line)) {
        (AimRule::Required, Some((_, []))) => Err(Fault::Partial { bytes: line.len() }),
        (AimRule::Required, Some((aim, code))) => Ok((Some(aim), code)),
        (AimRule::Required, None) => Err(Fault::Malformed { at: 0 }),
        (AimRule::Auto, Some((aim, code)))
            if aim.is_known() && code.get(others..).is_some_and(|code| fits(aim, code)) =>
        {
            Ok((Some(aim), code))
        }
        (AimRule::Auto | AimRule::Off, _) => Ok((None, line)),
    }
}

/// Whether this can be a code of the identifier's kind: EAN and UPC are digits and never empty.
fn fits(aim: Aim, code: &[u8]) -> bool {
    !code.is_empty() && (aim.code != b'E' || code.iter().all(u8::is_ascii_digit))
}

/// What a code id and an AIM identifier say together.
pub(in crate::protocol) fn together(id: Symbology, aim: Option<Aim>) -> Symbology {
    let Some(aim) = aim.map(Symbology::from_aim) else { return id };
    match (id, aim) {
        (Symbology::Unknown, _) => aim,
        (Symbology::UpcA, Symbology::Ean13AddOn) => Symbology::UpcAAddOn,
        (Symbology::UpcE, Symbology::Ean13AddOn) => Symbology::UpcEAddOn,
        (Symbology::Ean8, Symbology::Ean13AddOn) => Symbology::Ean8AddOn,
        (Symbology::Ean13, Symbology::Ean13AddOn | Symbology::AddOn2 | Symbology::AddOn5)
        | (Symbology::Code128, Symbology::Gs1Code128 | Symbology::Isbt128)
        | (Symbology::Qr, Symbology::Gs1Qr)
        | (Symbology::DataMatrix, Symbology::Gs1DataMatrix)
        | (Symbology::Aztec, Symbology::Gs1Aztec)
        | (Symbology::DotCode, Symbology::Gs1DotCode)
        | (Symbology::HanXin, Symbology::Gs1HanXin)
        | (Symbology::Code16K, Symbology::Gs1Code16K)
        | (Symbology::CodablockF, Symbology::Gs1CodablockF)
        | (Symbology::Databar, Symbology::Composite) => aim,
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(place: Place, aim: AimRule, line: &str) -> String {
        let table = [(b'd', Symbology::Ean13), (b'c', Symbology::UpcA), (b'j', Symbology::Code128)];
        let ids = Some(CodeIds { place, table: table.into() });
        match (Identifiers { aim, ids }).split(line.as_bytes()) {
            Ok(Identified { symbology, aim, code }) => {
                let symbology = symbology.map_or("-", Symbology::word);
                let aim = aim.map_or_else(|| "-".to_owned(), |aim| aim.to_string());
                format!("{symbology} {aim} {}", String::from_utf8_lossy(code))
            }
            Err(fault) => fault.kind().to_owned(),
        }
    }

    #[test]
    fn code_ids_are_taken_off() {
        for (name, line, want) in [
            ("alone", "d4006381333931", "ean-13 - 4006381333931"),
            ("before AIM", "d]E04006381333931", "ean-13 ]E0 4006381333931"),
            ("UPC-A, which AIM calls EAN-13", "c]E0012345678905", "upc-a ]E0 012345678905"),
            ("UPC-A with an add-on", "c]E301234567890512", "upc-a-add-on ]E3 01234567890512"),
            ("GS1-128, which it calls Code 128", "j]C10104", "gs1-128 ]C1 0104"),
            ("one that the table has not", "?abc", "unknown - abc"),
            ("one that AIM knows all the same", "?]Q1abc", "qr ]Q1 abc"),
            ("no code", "d", "partial-frame"),
            ("no code behind AIM", "d]E0", "ean-13 - ]E0"),
            ("no id", "\u{1}abc", "malformed-frame"),
        ] {
            assert_eq!(split(Place::First, AimRule::Auto, line), want, "{name}");
        }
        for (name, line, want) in [
            ("behind AIM", "]E0d4006381333931", "ean-13 ]E0 4006381333931"),
            ("without AIM", "jabc", "code-128 - abc"),
            ("no code", "]Q1s", "unknown - Q1s"),
        ] {
            assert_eq!(split(Place::AfterAim, AimRule::Auto, line), want, "{name}");
        }
        assert_eq!(split(Place::AfterAim, AimRule::Required, "]Q1s"), "partial-frame");
        assert_eq!(split(Place::First, AimRule::Required, "dabc"), "malformed-frame");
        assert_eq!(split(Place::First, AimRule::Off, "d]E0x"), "ean-13 - ]E0x");
    }
}
