//! The codes of schemes that have rules of their own.
//!
//! Contract: pure. Each function makes a [`Payload`] of the scheme's fields, checked as the scheme wants
//! them; [`emv`](super::emv) writes it.

use super::{Error, tlv};
use crate::normalize::currency::Currency;
use crate::normalize::merchant_qr::emv::{Account, Initiation, Payload};
use crate::normalize::merchant_qr::schemes::{PAYNOW, PIX, PROMPTPAY, VIETQR};

/// Where a PIX payment goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PixTo {
    /// To a key: a tax number, a telephone number, an address of mail or a random one.
    Key(String),
    /// To whatever is found at this address, given without `https://`.
    Url(String),
}

/// A PIX code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pix {
    /// Where the payment goes.
    pub to: PixTo,
    /// What it is for, in words; only with a key.
    pub description: Option<String>,
    /// The merchant's name.
    pub name: String,
    /// The merchant's city.
    pub city: String,
    /// The amount in centavos.
    pub amount: Option<u64>,
    /// The merchant's reference, letters and digits.
    pub reference: Option<String>,
}

/// The code of a PIX payment.
///
/// # Errors
///
/// Where the key or the reference is none.
pub fn pix(pix: &Pix) -> Result<Payload, Error> {
    let mut fields = Vec::new();
    match (&pix.to, &pix.description) {
        (PixTo::Key(key), description) => {
            if key.chars().count() > 77
                || key.is_empty()
                || !key.bytes().all(|b| b.is_ascii_graphic())
            {
                return Err(Error::wrong(
                    "key",
                    key,
                    "a PIX key, 1 to 77 characters without blanks",
                ));
            }
            fields.push((1, key.clone()));
            fields.extend(description.clone().map(|description| (2, description)));
        }
        (PixTo::Url(url), None) => {
            if url.contains("://") || url.is_empty() || url.chars().count() > 77 {
                let accepted = "an address of 1 to 77 characters, without https://";
                return Err(Error::wrong("url", url, accepted));
            }
            fields.push((25, url.clone()));
        }
        (PixTo::Url(_), Some(description)) => {
            return Err(Error::wrong("description", description, "one only beside a key"));
        }
    }
    let reference = match &pix.reference {
        None => "***".to_owned(),
        Some(reference) => {
            let fits = (1..=25).contains(&reference.len())
                && reference.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !fits {
                let accepted = "1 to 25 letters and digits";
                return Err(Error::wrong("reference", reference, accepted));
            }
            reference.clone()
        }
    };
    let once = matches!(pix.to, PixTo::Url(_)).then_some(Initiation::Dynamic);
    Ok(Payload {
        initiation: once,
        accounts: vec![Account::of(&PIX, 26, fields)],
        category: Some("0000".to_owned()),
        currency: Currency::by_letters("BRL"),
        amount: pix.amount,
        country: Some("BR".to_owned()),
        name: Some(pix.name.clone()),
        city: Some(pix.city.clone()),
        additional: vec![(5, reference)],
        ..Payload::default()
    })
}

/// Whom a PromptPay payment goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptPayTo {
    /// A Thai telephone number, with or without its country code.
    Mobile(String),
    /// A national identity or tax number, 13 digits.
    Id(String),
    /// An e-wallet, 15 digits.
    Wallet(String),
}

/// A PromptPay code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptPay {
    /// Whom the payment goes to.
    pub to: PromptPayTo,
    /// The amount in satang.
    pub amount: Option<u64>,
}

/// The code of a PromptPay payment.
///
/// # Errors
///
/// Where the number is not of its kind.
pub fn promptpay(promptpay: &PromptPay) -> Result<Payload, Error> {
    let (id, number) = match &promptpay.to {
        PromptPayTo::Mobile(number) => (1, thai_mobile(number)?),
        PromptPayTo::Id(number) => (2, digits("id", number, 13, "13 digits")?),
        PromptPayTo::Wallet(number) => (3, digits("wallet", number, 15, "15 digits")?),
    };
    Ok(Payload {
        initiation: Some(once(promptpay.amount)),
        accounts: vec![Account::of(&PROMPTPAY, 29, vec![(id, number)])],
        currency: Currency::by_letters("THB"),
        amount: promptpay.amount,
        country: Some("TH".to_owned()),
        ..Payload::default()
    })
}

/// A number as PromptPay has it: 00, the country code, nine digits.
fn thai_mobile(number: &str) -> Result<String, Error> {
    let plain: String = number.chars().filter(|one| !matches!(one, ' ' | '-')).collect();
    let national = ["+66", "0066", "0"].into_iter().find_map(|start| plain.strip_prefix(start));
    match national {
        Some(rest) if rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(format!("0066{rest}"))
        }
        _ => {
            Err(Error::wrong("mobile", number, "a Thai number such as 0812345678 or +66812345678"))
        }
    }
}

/// Whom a PayNow payment goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayNowTo {
    /// A telephone number with its country code.
    Mobile(String),
    /// A company, by its unique entity number.
    Uen(String),
}

/// A PayNow code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayNow {
    /// Whom the payment goes to.
    pub to: PayNowTo,
    /// Whether the payer may change the amount.
    pub editable: bool,
    /// The last day on which it may be paid, eight digits of year, month and day.
    pub expires: Option<String>,
    /// The merchant's name.
    pub name: String,
    /// The amount in cents.
    pub amount: Option<u64>,
    /// The merchant's reference.
    pub reference: Option<String>,
}

/// The code of a PayNow payment.
///
/// # Errors
///
/// Where the number or the day is none.
pub fn paynow(paynow: &PayNow) -> Result<Payload, Error> {
    let (kind, proxy) = match &paynow.to {
        PayNowTo::Mobile(number) => {
            let rest = number.strip_prefix('+').unwrap_or("");
            if !(8..=15).contains(&rest.len()) || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Error::wrong("mobile", number, "a number such as +6591234567"));
            }
            ("0", number.clone())
        }
        PayNowTo::Uen(uen) => {
            let fits =
                (9..=13).contains(&uen.len()) && uen.bytes().all(|b| b.is_ascii_alphanumeric());
            if !fits {
                return Err(Error::wrong("uen", uen, "9 to 13 letters and digits"));
            }
            ("2", uen.clone())
        }
    };
    // Without an amount the payer has to enter one.
    let editable = paynow.editable || paynow.amount.is_none();
    let mut fields = vec![(1, kind.to_owned()), (2, proxy), (3, u8::from(editable).to_string())];
    if let Some(day) = &paynow.expires {
        fields.push((4, digits("expires", day, 8, "a day such as 20301231")?));
    }
    Ok(Payload {
        initiation: Some(once(paynow.amount)),
        accounts: vec![Account::of(&PAYNOW, 26, fields)],
        category: Some("0000".to_owned()),
        currency: Currency::by_letters("SGD"),
        amount: paynow.amount,
        country: Some("SG".to_owned()),
        name: Some(paynow.name.clone()),
        city: Some("Singapore".to_owned()),
        additional: paynow.reference.clone().map(|reference| (1, reference)).into_iter().collect(),
        ..Payload::default()
    })
}

/// A VietQR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VietQr {
    /// The bank, six digits.
    pub bank: String,
    /// The account there, up to 19 letters and digits.
    pub account: String,
    /// The amount in dong.
    pub amount: Option<u64>,
    /// What it is for, in words.
    pub purpose: Option<String>,
}

/// The code of a transfer to an account by VietQR.
///
/// # Errors
///
/// Where the bank or the account is none.
pub fn vietqr(vietqr: &VietQr) -> Result<Payload, Error> {
    let bank = digits("bank", &vietqr.bank, 6, "six digits such as 970436")?;
    let account = &vietqr.account;
    let fits =
        (1..=19).contains(&account.len()) && account.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return Err(Error::wrong("account", account, "1 to 19 letters and digits"));
    }
    let mut beneficiary = String::new();
    // Both have just been bounded.
    let _ = tlv::push(&mut beneficiary, 0, &bank) && tlv::push(&mut beneficiary, 1, account);
    let fields = vec![(1, beneficiary), (2, "QRIBFTTA".to_owned())];
    Ok(Payload {
        initiation: Some(once(vietqr.amount)),
        accounts: vec![Account::of(&VIETQR, 38, fields)],
        currency: Currency::by_letters("VND"),
        amount: vietqr.amount,
        country: Some("VN".to_owned()),
        additional: vietqr.purpose.clone().map(|purpose| (8, purpose)).into_iter().collect(),
        ..Payload::default()
    })
}

/// A code with an amount is for one payment.
fn once(amount: Option<u64>) -> Initiation {
    if amount.is_some() { Initiation::Dynamic } else { Initiation::Static }
}

fn digits(
    field: &'static str,
    value: &str,
    count: usize,
    accepted: &'static str,
) -> Result<String, Error> {
    if value.len() == count && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value.to_owned());
    }
    Err(Error::wrong(field, value, accepted))
}

#[cfg(test)]
mod tests {
    use super::super::emv;
    use super::*;

    #[test]
    fn the_sample_of_the_central_bank_of_brazil_is_written() {
        let payload = pix(&Pix {
            to: PixTo::Key("123e4567-e12b-12d1-a456-426655440000".to_owned()),
            description: None,
            name: "Fulano de Tal".to_owned(),
            city: "BRASILIA".to_owned(),
            amount: None,
            reference: None,
        });
        assert_eq!(
            emv(&payload.unwrap()).unwrap(),
            "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR\
             5913Fulano de Tal6008BRASILIA62070503***63041D3D"
        );
    }

    #[test]
    fn promptpay_numbers_are_written_as_thailand_has_them() {
        let code = |to, amount| emv(&promptpay(&PromptPay { to, amount }).unwrap()).unwrap();
        // The README of thai_promptpay.
        assert_eq!(
            code(PromptPayTo::Mobile("0812345678".to_owned()), None),
            "00020101021129370016A0000006770101110113006681234567853037645802TH6304823E"
        );
        let amounts = code(PromptPayTo::Mobile("+66 92-754-5385".to_owned()), Some(5000));
        assert!(
            amounts.starts_with("00020101021229370016A00000067701011101130066927545385530376454")
        );
        assert!(
            code(PromptPayTo::Id("1101700230708".to_owned()), None).contains("02131101700230708")
        );
    }

    #[test]
    fn paynow_and_vietqr_are_written_as_their_generators_do() {
        let payload = paynow(&PayNow {
            to: PayNowTo::Uen("201403121W".to_owned()),
            editable: false,
            expires: Some("20301231".to_owned()),
            name: "ACME Pte Ltd.".to_owned(),
            amount: Some(50_000),
            reference: Some("TQINV-10001".to_owned()),
        });
        let code = emv(&payload.unwrap()).unwrap();
        assert!(
            code.contains("26490009SG.PAYNOW010120210201403121W030100408203012315204"),
            "{code}"
        );
        assert!(code.contains("62150111TQINV-10001"), "{code}");
        // The README of vietnam-qr-pay.
        let payload = vietqr(&VietQr {
            bank: "970416".to_owned(),
            account: "257678859".to_owned(),
            amount: Some(10_000),
            purpose: Some("Chuyen tien".to_owned()),
        });
        assert_eq!(
            emv(&payload.unwrap()).unwrap(),
            "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA53037045405100005802VN\
             62150811Chuyen tien630453E6"
        );
    }

    #[test]
    fn what_a_scheme_does_not_have_is_refused() {
        let of_pix = |to, description: Option<&str>, reference: Option<&str>| {
            pix(&Pix {
                to,
                description: description.map(str::to_owned),
                name: "n".to_owned(),
                city: "c".to_owned(),
                amount: None,
                reference: reference.map(str::to_owned),
            })
        };
        let key = || PixTo::Key("k".to_owned());
        let url = |url: &str| PixTo::Url(url.to_owned());
        for (name, result) in [
            ("a key with a blank", of_pix(PixTo::Key("a b".to_owned()), None, None)),
            ("a URL with its scheme", of_pix(url("https://a"), None, None)),
            ("words beside a URL", of_pix(url("a.b/c"), Some("d"), None)),
            ("a reference with a dash", of_pix(key(), None, Some("a-b"))),
            ("a long reference", of_pix(key(), None, Some(&"a".repeat(26)))),
        ] {
            assert!(result.unwrap_err().to_string().contains("accepted is"), "{name}");
        }
        for to in [
            PromptPayTo::Mobile("81234567".to_owned()),
            PromptPayTo::Id("123".to_owned()),
            PromptPayTo::Wallet("12345678901234x".to_owned()),
        ] {
            assert!(promptpay(&PromptPay { to, amount: None }).is_err());
        }
    }
}
