//! Merchant-presented codes, put together.
//!
//! Contract: pure. What is written here, `emv::read` reads back as it was. What cannot be written is
//! refused with what was found and what is accepted; nothing is cut short or replaced.

mod epc;
mod schemes;

use super::emv::{Account, CHECKSUM_HEAD, Holds, Initiation, Payload, Tip, checksum, id};
use super::tlv;

pub use epc::{Transfer, epc};
pub use schemes::{
    PayNow, PayNowTo, Pix, PixTo, PromptPay, PromptPayTo, VietQr, paynow, pix, promptpay, vietqr,
};

/// Why a code cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field is missing.
    #[error("{field} is missing; accepted is {accepted}")]
    Missing {
        /// The field.
        field: &'static str,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A field has too many characters.
    #[error("{field} has {found} characters; accepted are up to {most}")]
    TooLong {
        /// The field.
        field: String,
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// A field holds what may not stand there.
    #[error("{field} is {found:?}; accepted is {accepted}")]
    Wrong {
        /// The field.
        field: String,
        /// What it holds.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The whole has too many characters.
    #[error("the code has {found} characters; accepted are up to {most}")]
    Whole {
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
}

impl Error {
    fn wrong(field: impl Into<String>, found: impl Into<String>, accepted: &'static str) -> Self {
        Self::Wrong { field: field.into(), found: found.into(), accepted }
    }
}

/// The most characters of a code (3.1).
pub const LONGEST: usize = 512;
/// The most characters of an amount (table 3.4).
const LONGEST_AMOUNT: usize = 13;

/// The characters a field may have.
#[derive(Clone, Copy)]
enum Characters {
    /// Printable ASCII ("ans").
    Printable,
    /// Anything but control characters ("S").
    Any,
}

/// The payload of an EMVCo merchant-presented code, its checksum at the end.
///
/// # Errors
///
/// Where the specification has no place for what it holds.
pub fn emv(payload: &Payload) -> Result<String, Error> {
    check_accounts(payload)?;
    let mut text = String::new();
    put(&mut text, id::VERSION, "01");
    if let Some(initiation) = payload.initiation {
        let value = match initiation {
            Initiation::Static => "11",
            Initiation::Dynamic => "12",
        };
        put(&mut text, id::INITIATION, value);
    }
    for account in &payload.accounts {
        write_account(&mut text, account)?;
    }
    write_merchant(&mut text, payload)?;
    write_additional(&mut text, payload)?;
    for template in &payload.unreserved {
        write_account(&mut text, template)?;
    }
    text.push_str(CHECKSUM_HEAD);
    let sum = checksum(text.as_bytes());
    text.push_str(&format!("{sum:04X}"));
    let found = text.chars().count();
    if found > LONGEST {
        return Err(Error::Whole { found, most: LONGEST });
    }
    Ok(text)
}

fn check_accounts(payload: &Payload) -> Result<(), Error> {
    if payload.accounts.is_empty() {
        let accepted = "at least one account for the money to go to";
        return Err(Error::Missing { field: "account", accepted });
    }
    let fits = |account: &Account, first: u8, last: u8| (first..=last).contains(&account.id);
    let wrong = |account: &Account, accepted| {
        Err(Error::wrong("the number of an account", account.id.to_string(), accepted))
    };
    for (place, account) in payload.accounts.iter().enumerate() {
        if !fits(account, id::FIRST_ACCOUNT, id::LAST_ACCOUNT) {
            return wrong(account, "02 to 51");
        }
        let is_template = matches!(account.holds, Holds::Template(..));
        if is_template != (account.id >= id::FIRST_TEMPLATE) {
            return wrong(account, "26 to 51 for a template, 02 to 25 for a card network's number");
        }
        if payload.accounts.iter().take(place).any(|other| other.id == account.id) {
            return wrong(account, "each number once");
        }
    }
    for (place, template) in payload.unreserved.iter().enumerate() {
        let before = payload.unreserved.iter().take(place);
        if !fits(template, id::FIRST_UNRESERVED, 99)
            || before.clone().any(|other| other.id == template.id)
        {
            return wrong(template, "80 to 99 for a scheme's own, each number once");
        }
    }
    Ok(())
}

fn write_account(text: &mut String, account: &Account) -> Result<(), Error> {
    let field = || format!("account {:02}", account.id);
    let value = match &account.holds {
        Holds::Plain(number) => checked(&field(), number, tlv::LONGEST, Characters::Printable)?,
        Holds::Template(identifier, fields) => {
            let identifier = checked(
                &format!("the identifier of {}", field()),
                identifier,
                LONGEST_IDENTIFIER,
                Characters::Printable,
            )?;
            template(&field(), &identifier, fields)?
        }
    };
    push(text, account.id, &field(), &value)
}

/// The most characters of an identifier (table 4.3).
const LONGEST_IDENTIFIER: usize = 32;

fn template(field: &str, identifier: &str, fields: &[(u8, String)]) -> Result<String, Error> {
    let mut value = String::new();
    put(&mut value, 0, identifier);
    for (place, (id, inner)) in fields.iter().enumerate() {
        let name = format!("{field}, field {id:02}");
        if *id == 0 || *id > 99 || fields.iter().take(place).any(|(other, _)| other == id) {
            return Err(Error::wrong(name, inner.as_str(), "01 to 99, each once"));
        }
        let inner = checked(&name, inner, tlv::LONGEST, Characters::Any)?;
        push(&mut value, *id, &name, &inner)?;
    }
    Ok(value)
}

/// Fields 52 to 61.
fn write_merchant(text: &mut String, payload: &Payload) -> Result<(), Error> {
    let is_bare = payload
        .accounts
        .iter()
        .any(|account| account.scheme().is_some_and(|scheme| scheme.is_bare));
    let demanded = |value: &Option<String>, field, accepted| match value {
        None if !is_bare => Err(Error::Missing { field, accepted }),
        value => Ok(value.clone()),
    };
    if let Some(category) = demanded(&payload.category, "category", CATEGORY)? {
        if category.len() != 4 || !category.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::wrong("category", category, CATEGORY));
        }
        put(text, id::CATEGORY, &category);
    }
    write_amount(text, payload)?;
    let Some(country) = &payload.country else {
        return Err(Error::Missing { field: "country", accepted: COUNTRY });
    };
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Error::wrong("country", country, COUNTRY));
    }
    put(text, id::COUNTRY, country);
    let named = "text of printable ASCII; what is not may stand in the other language";
    let name = demanded(&payload.name, "name", named)?;
    let city = demanded(&payload.city, "city", named)?;
    for (id, field, value, most) in [
        (id::NAME, "name", &name, 25),
        (id::CITY, "city", &city, 15),
        (id::POSTAL_CODE, "postal code", &payload.postal_code, 10),
    ] {
        if let Some(value) = value {
            put(text, id, &checked(field, value, most, Characters::Printable)?);
        }
    }
    Ok(())
}

const CATEGORY: &str = "four digits of ISO 18245, 0000 where none fits";
const COUNTRY: &str = "two capital letters of ISO 3166, such as BR";
const CURRENCY: &str = "a currency of ISO 4217";

fn write_amount(text: &mut String, payload: &Payload) -> Result<(), Error> {
    let Some(currency) = payload.currency else {
        return Err(Error::Missing { field: "currency", accepted: CURRENCY });
    };
    put(text, id::CURRENCY, &format!("{:03}", currency.number));
    let decimal = |field: &'static str, minor: u64| {
        let decimal = currency.decimal(minor);
        match (minor, decimal.len()) {
            (0, _) => Err(Error::wrong(field, decimal, "more than nothing")),
            (_, found @ LONGEST_AMOUNT..) if found > LONGEST_AMOUNT => {
                Err(Error::TooLong { field: field.to_owned(), found, most: LONGEST_AMOUNT })
            }
            _ => Ok(decimal),
        }
    };
    if let Some(amount) = payload.amount {
        put(text, id::AMOUNT, &decimal("amount", amount)?);
    }
    match payload.tip {
        None => {}
        Some(Tip::Prompt) => put(text, id::TIP, "01"),
        Some(Tip::Fixed(fee)) => {
            put(text, id::TIP, "02");
            put(text, id::FEE, &decimal("fee", fee)?);
        }
        Some(Tip::Percentage(percent)) => {
            let shown = format!("{:02}.{:02}", percent / 100, percent % 100);
            if !(1..=9_999).contains(&percent) {
                return Err(Error::wrong("fee in percent", shown, "00.01 to 99.99"));
            }
            put(text, id::TIP, "03");
            put(text, id::FEE_PERCENT, &shown);
        }
    }
    Ok(())
}

/// Fields 62 and 64.
fn write_additional(text: &mut String, payload: &Payload) -> Result<(), Error> {
    let mut value = String::new();
    for (place, (id, inner)) in payload.additional.iter().enumerate() {
        let field = format!("additional field {id:02}");
        let most = match id {
            1..=8 => 25,
            9 | 11 => 3,
            10 => 20,
            50..=99 => tlv::LONGEST,
            _ => return Err(Error::wrong(field, inner.as_str(), "01 to 11, and 50 to 99")),
        };
        if payload.additional.iter().take(place).any(|(other, _)| other == id) {
            return Err(Error::wrong(field, inner.as_str(), "each number once"));
        }
        let characters = if *id < 50 { Characters::Printable } else { Characters::Any };
        put(&mut value, *id, &checked(&field, inner, most, characters)?);
    }
    if !value.is_empty() {
        push(text, id::ADDITIONAL, "all additional fields", &value)?;
    }
    let Some(local) = &payload.local else { return Ok(()) };
    let language = &local.language;
    if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        let accepted = "two letters of ISO 639, such as ZH";
        return Err(Error::wrong("language", language, accepted));
    }
    let mut value = String::new();
    put(&mut value, 0, language);
    put(&mut value, 1, &checked("name in the other language", &local.name, 25, Characters::Any)?);
    if let Some(city) = &local.city {
        put(&mut value, 2, &checked("city in the other language", city, 15, Characters::Any)?);
    }
    push(text, id::LANGUAGE, "the other language", &value)
}

fn checked(field: &str, value: &str, most: usize, characters: Characters) -> Result<String, Error> {
    let found = value.chars().count();
    if found == 0 {
        return Err(Error::wrong(field, "", "at least one character"));
    }
    if found > most {
        return Err(Error::TooLong { field: field.to_owned(), found, most });
    }
    let (fits, accepted): (fn(char) -> bool, _) = match characters {
        Characters::Printable => (|one| matches!(one, ' '..='~'), "printable ASCII"),
        Characters::Any => (|one| !one.is_control(), "text without control characters"),
    };
    if !value.chars().all(fits) {
        return Err(Error::wrong(field, value, accepted));
    }
    Ok(value.to_owned())
}

/// Adds a field that is known to fit.
fn put(text: &mut String, id: u8, value: &str) {
    // `checked` has bounded every value that comes here.
    let _ = tlv::push(text, id, value);
}

fn push(text: &mut String, id: u8, field: &str, value: &str) -> Result<(), Error> {
    if tlv::push(text, id, value) {
        return Ok(());
    }
    let found = value.chars().count();
    Err(Error::TooLong { field: field.to_owned(), found, most: tlv::LONGEST })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::normalize::currency::Currency;
    use crate::normalize::merchant_qr::emv::{Checksum, Local, read};

    fn shop() -> Payload {
        Payload {
            initiation: Some(Initiation::Dynamic),
            accounts: vec![Account {
                id: 26,
                holds: Holds::Template("com.example".to_owned(), vec![(1, "42".to_owned())]),
            }],
            category: Some("5411".to_owned()),
            currency: Currency::by_letters("EUR"),
            amount: Some(1250),
            country: Some("DE".to_owned()),
            name: Some("Corner Shop".to_owned()),
            city: Some("Berlin".to_owned()),
            ..Payload::default()
        }
    }

    #[test]
    fn a_plain_code() {
        assert_eq!(
            emv(&shop()).unwrap(),
            "00020101021226210011com.example010242520454115303978540512.505802DE5911Corner Shop6006Berlin\
             63044674"
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused_with_what_can() {
        let with = |change: fn(&mut Payload)| {
            let mut payload = shop();
            change(&mut payload);
            emv(&payload).unwrap_err().to_string()
        };
        type Change = fn(&mut Payload);
        let rows: &[(Change, &str)] = &[
            (|p| p.accounts.clear(), "account is missing; accepted is at least one"),
            (|p| p.accounts[0].id = 25, "the number of an account is \"25\"; accepted is 26 to 51"),
            (|p| p.accounts[0].id = 60, "accepted is 02 to 51"),
            (|p| p.accounts.push(p.accounts[0].clone()), "accepted is each number once"),
            (|p| p.category = None, "category is missing; accepted is four digits"),
            (|p| p.category = Some("54".to_owned()), "category is \"54\"; accepted is four digits"),
            (|p| p.currency = None, "currency is missing; accepted is a currency of ISO 4217"),
            (|p| p.amount = Some(0), "amount is \"0.00\"; accepted is more than nothing"),
            (|p| p.amount = Some(u64::MAX), "amount has 21 characters; accepted are up to 13"),
            (
                |p| p.tip = Some(Tip::Percentage(0)),
                "fee in percent is \"00.00\"; accepted is 00.01",
            ),
            (|p| p.country = Some("de".to_owned()), "country is \"de\"; accepted is two capital"),
            (|p| p.name = Some("x".repeat(26)), "name has 26 characters; accepted are up to 25"),
            (|p| p.name = Some("Käse".to_owned()), "name is \"Käse\"; accepted is printable ASCII"),
            (|p| p.city = Some(String::new()), "city is \"\"; accepted is at least one character"),
            (|p| p.additional = vec![(12, "x".to_owned())], "accepted is 01 to 11, and 50 to 99"),
            (
                |p| p.additional = (1..=8).map(|id| (id, "x".repeat(20))).collect(),
                "all additional fields has 192 characters; accepted are up to 99",
            ),
            (
                |p| p.accounts[0].holds = Holds::Template("x".repeat(33), vec![]),
                "the identifier of account 26 has 33 characters; accepted are up to 32",
            ),
            (
                |p| p.unreserved = vec![Account { id: 79, holds: Holds::Plain("x".to_owned()) }],
                "accepted is 80 to 99",
            ),
            (
                |p| {
                    p.accounts = (26..34)
                        .map(|id| Account {
                            id,
                            holds: Holds::Template("x".to_owned(), vec![(1, "y".repeat(80))]),
                        })
                        .collect();
                },
                "the code has 8",
            ),
        ];
        for (change, message) in rows {
            let error = with(*change);
            assert!(error.contains(message), "{message}: {error}");
        }
    }

    fn text(pattern: &'static str) -> impl Strategy<Value = String> {
        pattern.prop_map(|text| text)
    }

    fn template_of(first: u8, last: u8) -> impl Strategy<Value = Account> {
        let fields = prop::collection::btree_map(1_u8..=99, "[ -~äж北]{1,8}", 0..4);
        (first..=last, text("[!-~]{1,32}"), fields).prop_map(|(id, identifier, fields)| Account {
            id,
            holds: Holds::Template(identifier, fields.into_iter().collect()),
        })
    }

    fn number() -> impl Strategy<Value = Account> {
        (2_u8..=25, text("[!-~]{1,19}"))
            .prop_map(|(id, number)| Account { id, holds: Holds::Plain(number) })
    }

    fn tip() -> impl Strategy<Value = Tip> {
        prop_oneof![
            Just(Tip::Prompt),
            (1_u64..1_000_000).prop_map(Tip::Fixed),
            (1_u16..=9_999).prop_map(Tip::Percentage),
        ]
    }

    fn local() -> impl Strategy<Value = Local> {
        (text("[A-Z]{2}"), text("[äж北京a-z]{1,25}"), prop::option::of(text("[äж北京a-z]{1,15}")))
            .prop_map(|(language, name, city)| Local { language, name, city })
    }

    prop_compose! {
        fn payloads()(
            initiation in prop::option::of(prop_oneof![Just(Initiation::Static), Just(Initiation::Dynamic)]),
            template in template_of(26, 51),
            number in prop::option::of(number()),
            category in text("[0-9]{4}"),
            currency in prop::sample::select(vec!["EUR", "JPY", "KWD", "BRL", "CLF"]),
            amount in prop::option::of(1_u64..100_000_000),
            tip in prop::option::of(tip()),
            country in text("[A-Z]{2}"),
            name in text("[ -~]{1,25}"),
            city in text("[ -~]{1,15}"),
            postal_code in prop::option::of(text("[ -~]{1,10}")),
            additional in prop::collection::btree_map(1_u8..=8, "[ -~]{1,10}", 0..4),
            local in prop::option::of(local()),
            unreserved in prop::option::of(template_of(80, 99)),
        ) -> Payload {
            Payload {
                initiation,
                accounts: number.into_iter().chain([template]).collect(),
                category: Some(category),
                currency: Currency::by_letters(currency),
                amount,
                tip,
                country: Some(country),
                name: Some(name),
                city: Some(city),
                postal_code,
                additional: additional.into_iter().collect(),
                local,
                unreserved: unreserved.into_iter().collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(payload in payloads()) {
            let code = emv(&payload).unwrap();
            let read = read(&code, code.as_bytes()).unwrap();
            prop_assert_eq!(read.checksum, Checksum::Right);
            prop_assert_eq!(&read.odd, &[]);
            prop_assert_eq!(read.payload, payload);
        }

        #[test]
        fn one_character_changed_is_seen(payload in payloads(), place in any::<prop::sample::Index>()) {
            let code = emv(&payload).unwrap();
            let mut characters: Vec<char> = code.chars().collect();
            let place = place.index(characters.len());
            characters[place] = if characters[place] == 'x' { 'y' } else { 'x' };
            let changed: String = characters.into_iter().collect();
            if let Some(read) = read(&changed, changed.as_bytes()) {
                prop_assert_ne!(read.checksum, Checksum::Right);
            }
        }

        #[test]
        fn no_text_is_a_panic(tail in ".{0,80}", digits in "[0-9]{0,60}") {
            for text in [tail.clone(), format!("000201{tail}"), format!("000201{digits}{tail}6304ABCD")] {
                let _ = read(&text, text.as_bytes());
                let _ = crate::normalize::merchant_qr::emv::damage(&text, text.as_bytes());
            }
        }
    }
}
