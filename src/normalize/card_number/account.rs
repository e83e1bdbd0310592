//! Account numbers (IBAN) in a text.
//!
//! Contract: pure, one pass. A number counts that is as long as its country has them and whose check
//! digits are right (ISO 13616; ISO/IEC 7064, MOD 97-10), in one piece or in groups.
//!
//! Source: SWIFT, IBAN Registry, as the packages `python-stdnum` 2.0 and `java-iban` have it; of the
//! lengths that both give no two differ. Countries that use such numbers and are not in the registry are
//! not here.

use super::characters::{Characters, Placed, Role, role};
use super::find::{Found, What};
use crate::normalize::merchant_qr::iban;
use crate::secret::Secret;

/// The countries in the registry, by the length of their numbers.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// How many characters an account number of this country has.
fn length(country: [char; 2]) -> Option<usize> {
    let is_it = |word: &str| word.chars().eq(country);
    LENGTHS.iter().find(|(_, words)| words.split(' ').any(is_it)).map(|(length, _)| *length)
}

/// An account number that begins with this character; nothing stands before it that could belong to it.
///
/// `steps` counts the characters that were looked at.
pub(super) fn at(first: &Placed, rest: &Characters<'_>, steps: &mut usize) -> Option<Found> {
    let mut all = std::iter::once(first.clone()).chain(rest.clone()).filter_map(|(place, one)| {
        *steps += 1;
        match role(one) {
            Role::Digit(value) => Some((place, Some(char::from(b'0' + value)))),
            Role::Unseen => None,
            Role::End if one.is_ascii_alphabetic() => Some((place, Some(one.to_ascii_uppercase()))),
            Role::Between | Role::End => Some((place, None)),
        }
    });
    let (front, second) = (all.next()?, all.next()?);
    let country = [front.1?, second.1?];
    if !country.iter().all(char::is_ascii_uppercase) {
        return None;
    }
    let length = length(country)?;
    let mut number: Secret<String> = Secret::with_room(length);
    for letter in country {
        number.push(letter).ok()?;
    }
    let mut places = Vec::with_capacity(length);
    places.extend([front.0, second.0]);
    // One sign between two characters, and none in the first four.
    let mut parted = false;
    while number.len() < length {
        match all.next()? {
            (place, Some(character)) => {
                if number.len() < 4 && !character.is_ascii_digit() {
                    return None;
                }
                number.push(character).ok()?;
                places.push(place);
                parted = false;
            }
            (_, None) if parted || number.len() < 4 => return None,
            (_, None) => parted = true,
        }
    }
    let ends = all.next().is_none_or(|(_, character)| character.is_none());
    let is_account = ends && iban::is_valid(number.expose());
    is_account.then_some(Found { what: What::Account, number, places, behind: None })
}

#[cfg(test)]
mod tests {
    use super::super::characters::Source;
    use super::*;

    fn found(text: &str) -> Option<String> {
        let mut rest = Source::Text(text).characters(0);
        let first = rest.next()?;
        at(&first, &rest, &mut 0).map(|found| found.number.expose().to_owned())
    }

    #[test]
    fn account_numbers() {
        for (text, want) in [
            // Examples of the registry.
            ("DE89370400440532013000", Some("DE89370400440532013000")),
            ("GB29 NWBK 6016 1331 9268 19", Some("GB29NWBK60161331926819")),
            ("gb29-nwbk-6016-1331-9268-19", Some("GB29NWBK60161331926819")),
            ("NO9386011117947 and more", Some("NO9386011117947")),
            ("MT84MALT011000012345MTLCAST001S", Some("MT84MALT011000012345MTLCAST001S")),
            ("DE89370400440532013001", None),
            ("DE893704004405320130001", None),
            ("DE8937040044053201300", None),
            ("DE89  370400440532013000", None),
            ("D E89370400440532013000", None),
            ("XX89370400440532013000", None),
            ("DE", None),
            ("", None),
        ] {
            assert_eq!(found(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn each_country_has_one_length() {
        let words = LENGTHS.iter().flat_map(|(_, words)| words.split(' '));
        let mut countries: Vec<&str> = words.collect();
        let count = countries.len();
        countries.sort_unstable();
        countries.dedup();
        assert_eq!((countries.len(), count), (89, 89));
        assert!(LENGTHS.iter().all(|(length, _)| (15..=34).contains(length)));
    }
}
