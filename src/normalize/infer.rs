//! The symbology, where the device named none or less than it could.
//!
//! Contract: pure. Only a check digit proves anything, and what it proves is marked as inferred. Where
//! two readings of the same digits are right, nothing is proved.

use crate::event::Symbology;
use crate::normalize::gtin;

/// The symbology and whether it was inferred.
#[must_use]
pub fn symbology(named: Option<Symbology>, code: &[u8]) -> (Symbology, bool) {
    let proved = match named {
        None => proved(code),
        // Under `]E0` the standard sends thirteen digits; many devices leave the zeros out.
        Some(Symbology::Ean13) if code.len() < 13 => shortened(code),
        Some(_) => None,
    };
    match proved {
        Some(symbology) => (symbology, true),
        None => (named.unwrap_or(Symbology::Unknown), false),
    }
}

/// What the length and the check digit prove of a code that nothing is known about.
fn proved(code: &[u8]) -> Option<Symbology> {
    match code.len() {
        13 if gtin::is_valid(code) => Some(Symbology::Ean13),
        12 if gtin::is_valid(code) => Some(Symbology::UpcA),
        8 => match (gtin::is_valid(code), is_upc_e(code)) {
            (true, false) => Some(Symbology::Ean8),
            (false, true) => Some(Symbology::UpcE),
            _ => None,
        },
        _ => None,
    }
}

/// What fewer than thirteen digits under `]E0` are. Not EAN-8: that has `]E4`.
fn shortened(code: &[u8]) -> Option<Symbology> {
    match code.len() {
        12 if gtin::is_valid(code) => Some(Symbology::UpcA),
        8 if is_upc_e(code) => Some(Symbology::UpcE),
        _ => None,
    }
}

fn is_upc_e(code: &[u8]) -> bool {
    gtin::expand_upc_e(code).is_some_and(|expanded| gtin::is_valid(&expanded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_that_read_two_ways_prove_nothing() {
        let both: Vec<String> = (0..10_000_000_u32)
            .step_by(7)
            .map(|number| format!("{number:08}"))
            .filter(|code| gtin::is_valid(code.as_bytes()) && is_upc_e(code.as_bytes()))
            .take(50)
            .collect();
        assert!(!both.is_empty(), "there are such codes");
        for code in both {
            assert_eq!(symbology(None, code.as_bytes()), (Symbology::Unknown, false), "{code}");
        }
    }

    #[test]
    fn what_the_device_named_stands() {
        for named in Symbology::ALL.iter().filter(|named| **named != Symbology::Ean13) {
            for code in [&b"4006381333931"[..], b"012345678905", b"96385074", b"04252614"] {
                assert_eq!(symbology(Some(*named), code), (*named, false));
            }
        }
    }
}
