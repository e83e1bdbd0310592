//! IBANs and creditor references: check digits, and what may be shown.
//!
//! Contract: pure. ISO 13616 and ISO 11649, both with the check digits of ISO/IEC 7064, MOD 97-10. An
//! account's number is nobody's business but the payer's and the payee's, so details show its country
//! and its last four characters.

/// An IBAN without its blanks, in capitals.
#[must_use]
pub fn plain(iban: &str) -> String {
    let kept = iban.chars().filter(|one| !one.is_whitespace());
    kept.map(|one| one.to_ascii_uppercase()).collect()
}

/// Whether its form and its check digits are right. Lengths by country are not looked at.
#[must_use]
pub fn is_valid(iban: &str) -> bool {
    let (country, rest) = iban.split_at_checked(2).unwrap_or(("", ""));
    let (check, account) = rest.split_at_checked(2).unwrap_or(("", ""));
    (15..=34).contains(&iban.len())
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && check.bytes().all(|byte| byte.is_ascii_digit())
        && remainder(&[account, country, check]) == Some(1)
}

/// Whether it is a creditor reference.
#[must_use]
pub fn is_creditor_reference(reference: &str) -> bool {
    let check_and_rest = reference.strip_prefix("RF").and_then(|rest| rest.split_at_checked(2));
    let Some((check, rest)) = check_and_rest else { return false };
    (1..=21).contains(&rest.len())
        && check.bytes().all(|byte| byte.is_ascii_digit())
        && remainder(&[rest, "RF", check]) == Some(1)
}

/// The remainder of these pieces by 97, letters counting as 10 to 35.
fn remainder(pieces: &[&str]) -> Option<u32> {
    pieces.iter().flat_map(|piece| piece.chars()).try_fold(0, |sum: u32, character| {
        let value = character.to_digit(36).filter(|_| !character.is_ascii_lowercase())?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((sum * shift + value) % 97)
    })
}

/// The country and the last four characters; the others as asterisks.
#[must_use]
pub fn masked(iban: &str) -> String {
    let count = iban.chars().count();
    let shown = |place: usize| count > 8 && (place < 2 || place + 4 >= count);
    let characters = iban.chars().enumerate();
    characters.map(|(place, one)| if shown(place) { one } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        for (iban, valid) in [
            // Examples of the IBAN registry.
            ("DE89370400440532013000", true),
            ("GB29NWBK60161331926819", true),
            ("CH9300762011623852957", true),
            ("NO9386011117947", true),
            ("DE89370400440532013001", false),
            ("de89370400440532013000", false),
            ("DE89", false),
            ("", false),
            ("ÄE89370400440532013000", false),
        ] {
            assert_eq!(is_valid(iban), valid, "{iban}");
        }
        assert!(is_creditor_reference("RF18539007547034"));
        assert!(!is_creditor_reference("RF18539007547035") && !is_creditor_reference("RF18"));
        assert!(is_valid(&plain("de89 3704 0044 0532 0130 00")));
    }

    #[test]
    fn little_is_shown() {
        assert_eq!(masked("DE89370400440532013000"), "DE****************3000");
        assert_eq!(masked("12345678"), "********");
        assert_eq!(masked(""), "");
    }
}
