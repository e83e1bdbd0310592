//! Trade item numbers: check digits, the fourteen-digit form, UPC-E.
//!
//! Contract: pure, on ASCII digits. A [`Gtin`] is only made where its check digit is right.
//!
//! Source: the rules of the GS1 General Specifications for check digits and for UPC-E.

use crate::event::{Gtin, Symbology};

/// The trade item number that a code of this symbology is, if it is one.
///
/// UPC-E counts with its number system and check digit (eight digits); without them nothing proves
/// it. An add-on is not part of the number.
#[must_use]
pub fn of(symbology: Symbology, code: &[u8]) -> Option<Gtin> {
    use Symbology as S;
    let (main, add_on) = split(symbology, code);
    if !add_on.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match (symbology, main.len()) {
        (S::Ean13 | S::Ean13AddOn, 13) | (S::Ean8 | S::Ean8AddOn, 8) => from_digits(main),
        (S::Itf | S::Databar | S::DatabarLimited, 14) => from_digits(main),
        (S::UpcA | S::UpcE | S::UpcAAddOn | S::UpcEAddOn, 12 | 13) => from_digits(main),
        (S::Ean13AddOn, 12) => from_digits(main),
        (S::UpcE | S::UpcEAddOn, 8) => from_digits(&expand_upc_e(main)?),
        _ => None,
    }
}

/// The number and the add-on of two or five digits behind it, which is empty where there is none.
///
/// A device that names EAN-13 and sends two or five digits more has read an add-on.
#[must_use]
pub fn split(symbology: Symbology, code: &[u8]) -> (&[u8], &[u8]) {
    use Symbology as S;
    let main = match (symbology, code.len()) {
        (S::Ean13 | S::Ean13AddOn | S::UpcAAddOn | S::UpcEAddOn, 15 | 18) => 13,
        (S::Ean13AddOn | S::UpcA | S::UpcAAddOn | S::UpcEAddOn, 14 | 17) => 12,
        (S::UpcE | S::UpcEAddOn | S::Ean8 | S::Ean8AddOn, 10) => 8,
        // Thirteen digits of UPC-E are its number as the standard sends it.
        (S::UpcEAddOn | S::Ean8 | S::Ean8AddOn, 13) => 8,
        _ => code.len(),
    };
    code.split_at_checked(main).unwrap_or((code, &[]))
}

/// The number that 8, 12, 13 or 14 digits with their check digit are.
///
/// All zeros pass the check digit and are no number.
#[must_use]
pub fn from_digits(digits: &[u8]) -> Option<Gtin> {
    if !matches!(digits.len(), 8 | 12 | 13 | 14) || !is_valid(digits) {
        return None;
    }
    let mut padded = [b'0'; 14];
    let (_, place) = padded.split_at_mut_checked(14 - digits.len())?;
    place.copy_from_slice(digits);
    Some(Gtin(padded))
}

/// Whether these are digits, not all zero, that end in their check digit.
#[must_use]
pub fn is_valid(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    check_digit(body) == Some(*check) && digits.iter().any(|digit| *digit != b'0')
}

/// The check digit that belongs behind these digits: weights 3, 1, 3 … from the right, modulo 10.
#[must_use]
pub fn check_digit(body: &[u8]) -> Option<u8> {
    // Up to 27 a digit: it takes more digits than there is memory for to pass the end of a u64.
    let mut sum: u64 = 0;
    let mut weight = 3;
    for digit in body.iter().rev() {
        if !digit.is_ascii_digit() {
            return None;
        }
        sum += weight * u64::from(digit - b'0');
        weight = 4 - weight;
    }
    u8::try_from((10 - sum % 10) % 10).ok().map(|check| b'0' + check)
}

/// The UPC-A that eight digits of UPC-E stand for; its check digit is theirs and still to be checked.
///
/// The last of the six middle digits says where the zeros were taken out.
#[must_use]
pub fn expand_upc_e(code: &[u8]) -> Option<[u8; 12]> {
    let &[system @ (b'0' | b'1'), a, b, c, d, e, how, check] = code else { return None };
    const Z: u8 = b'0';
    let [m1, m2, m3, m4, m5, i1, i2, i3, i4, i5] = match how {
        b'0'..=b'2' => [a, b, how, Z, Z, Z, Z, c, d, e],
        b'3' => [a, b, c, Z, Z, Z, Z, Z, d, e],
        b'4' => [a, b, c, d, Z, Z, Z, Z, Z, e],
        b'5'..=b'9' => [a, b, c, d, e, Z, Z, Z, Z, how],
        _ => return None,
    };
    Some([system, m1, m2, m3, m4, m5, i1, i2, i3, i4, i5, check])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        for (body, check) in [("590123412345", b'7'), ("01234567890", b'5'), ("9638507", b'4')] {
            assert_eq!(check_digit(body.as_bytes()), Some(check), "{body}");
        }
        assert_eq!(check_digit(b"12a"), None);
    }

    #[test]
    fn every_wrong_digit_is_found() {
        let good = b"4006381333931";
        assert!(is_valid(good));
        for place in 0..good.len() {
            for digit in b'0'..=b'9' {
                let mut code = *good;
                code[place] = digit;
                assert_eq!(is_valid(&code), code == *good, "{place} {digit}");
            }
        }
    }

    #[test]
    fn upc_e_expands_by_its_last_digit() {
        for (code, want) in [
            ("01234505", "012000003455"),
            ("01234514", "012100003454"),
            ("01234523", "012200003453"),
            ("01234531", "012300000451"),
            ("01234543", "012340000053"),
            ("01234558", "012345000058"),
            ("04252614", "042100005264"),
            ("00123457", "001234000057"),
        ] {
            let expanded = expand_upc_e(code.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&expanded), want, "{code}");
            let gtin = of(Symbology::UpcE, code.as_bytes()).unwrap();
            assert_eq!(gtin.as_str(), format!("00{want}"));
        }
        assert_eq!(of(Symbology::UpcE, b"04252615"), None, "wrong check digit");
        assert_eq!(expand_upc_e(b"24252614"), None, "no such number system");
        assert_eq!(expand_upc_e(b"0425261"), None, "seven digits");
    }

    #[test]
    fn all_lengths_become_fourteen_digits() {
        for (code, gtin) in [
            ("96385074", "00000096385074"),
            ("012345678905", "00012345678905"),
            ("4006381333931", "04006381333931"),
            ("14006381333938", "14006381333938"),
        ] {
            assert_eq!(from_digits(code.as_bytes()).unwrap().as_str(), gtin);
        }
        assert_eq!(from_digits(b"00000000"), None);
        assert_eq!(from_digits(b"4006381333932"), None);
        assert_eq!(from_digits(b"123"), None);
    }
}
