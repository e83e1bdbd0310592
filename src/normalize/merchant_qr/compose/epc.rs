//! The code of a transfer in euros, as invoices in Europe carry it ("GiroCode").
//!
//! Contract: pure. EPC069-12, version 3.1, table 2: lines of text, in UTF-8 here, written without
//! the empty ones at the end.

use super::Error;
use crate::normalize::currency::Currency;
use crate::normalize::merchant_qr::iban;

/// A transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// The account that the money goes to.
    pub iban: String,
    /// Its bank; may be absent within the European Economic Area.
    pub bic: Option<String>,
    /// Whose account it is.
    pub name: String,
    /// The amount in cents.
    pub amount: Option<u64>,
    /// What for, a code of ISO 20022, up to four letters.
    pub purpose: Option<String>,
    /// A reference of ISO 11649 (RF…).
    pub reference: Option<String>,
    /// A message in words; not beside a reference.
    pub message: Option<String>,
    /// A note for the payer.
    pub note: Option<String>,
}

/// The most bytes of the whole.
const LONGEST: usize = 331;
/// 999,999,999.99 euros.
const LARGEST: u64 = 99_999_999_999;

/// The payload of an EPC code.
///
/// # Errors
///
/// Where the guidelines have no place for what it holds.
pub fn epc(transfer: &Transfer) -> Result<String, Error> {
    let account = iban::plain(&transfer.iban);
    if !iban::is_valid(&account) {
        let accepted = "an IBAN whose check digits are right";
        return Err(Error::wrong("iban", iban::masked(&account), accepted));
    }
    let euros = Currency::by_letters("EUR");
    let amount = match (transfer.amount, euros) {
        (None, _) | (_, None) => String::new(),
        (Some(amount @ 1..=LARGEST), Some(euros)) => format!("EUR{}", euros.decimal(amount)),
        (Some(amount), Some(euros)) => {
            let accepted = "0.01 to 999999999.99";
            return Err(Error::wrong("amount", euros.decimal(amount), accepted));
        }
    };
    let bic = transfer.bic.as_deref().unwrap_or("");
    let is_bic = matches!(bic.len(), 8 | 11)
        && bic.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !bic.is_empty() && !is_bic {
        return Err(Error::wrong("bic", bic, "8 or 11 capital letters and digits"));
    }
    let reference = transfer.reference.as_deref().unwrap_or("").replace(' ', "");
    if !reference.is_empty() && !iban::is_creditor_reference(&reference) {
        let accepted = "a reference of ISO 11649, RF and its check digits";
        return Err(Error::wrong("reference", reference, accepted));
    }
    if let (false, Some(message)) = (reference.is_empty(), &transfer.message) {
        return Err(Error::wrong("message", message, "one only where there is no reference"));
    }
    let text = |field: &'static str, text: &Option<String>, most: usize| match text {
        None => Ok(String::new()),
        Some(text) => super::checked(field, text, most, super::Characters::Any),
    };
    let name = text("name", &Some(transfer.name.clone()), 70)?;
    let message = text("message", &transfer.message, 140)?;
    let note = text("note", &transfer.note, 70)?;
    let purpose = text("purpose", &transfer.purpose, 4)?;
    let lines = [
        "BCD", "002", "1", "SCT", bic, &name, &account, &amount, &purpose, &reference, &message,
        &note,
    ];
    let whole = lines.join("\n");
    let whole = whole.trim_end_matches('\n');
    if whole.len() > LONGEST {
        return Err(Error::Whole { found: whole.len(), most: LONGEST });
    }
    Ok(whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer() -> Transfer {
        Transfer {
            iban: "DE89 3704 0044 0532 0130 00".to_owned(),
            name: "Corner Shop".to_owned(),
            amount: Some(1250),
            message: Some("Bon 42".to_owned()),
            ..Transfer::default()
        }
    }

    #[test]
    fn a_transfer_is_lines_of_text() {
        assert_eq!(
            epc(&transfer()).unwrap(),
            "BCD\n002\n1\nSCT\n\nCorner Shop\nDE89370400440532013000\nEUR12.50\n\n\nBon 42"
        );
        let bare = Transfer { amount: None, message: None, ..transfer() };
        assert_eq!(epc(&bare).unwrap(), "BCD\n002\n1\nSCT\n\nCorner Shop\nDE89370400440532013000");
    }

    #[test]
    fn what_the_guidelines_lack_is_refused() {
        let with = |change: fn(&mut Transfer)| {
            let mut transfer = transfer();
            change(&mut transfer);
            epc(&transfer).unwrap_err().to_string()
        };
        type Change = fn(&mut Transfer);
        let rows: &[(Change, &str)] = &[
            (
                |t| t.iban = "DE89370400440532013001".to_owned(),
                "iban is \"DE****************3001\"",
            ),
            (|t| t.amount = Some(0), "amount is \"0.00\"; accepted is 0.01 to"),
            (|t| t.amount = Some(100_000_000_000), "accepted is 0.01 to 999999999.99"),
            (|t| t.bic = Some("COBADE".to_owned()), "bic is \"COBADE\"; accepted is 8 or 11"),
            (
                |t| t.reference = Some("RF18539007547035".to_owned()),
                "accepted is a reference of ISO",
            ),
            (
                |t| t.reference = Some("RF18539007547034".to_owned()),
                "message is \"Bon 42\"; accepted",
            ),
            (|t| t.name = "n".repeat(71), "name has 71 characters; accepted are up to 70"),
            (|t| t.name = "a\nb".to_owned(), "accepted is text without control characters"),
            (|t| t.message = Some("ж".repeat(140)), "the code has 3"),
        ];
        for (change, message) in rows {
            let error = with(*change);
            assert!(error.contains(message), "{message}: {error}");
        }
    }
}
