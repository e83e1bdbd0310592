//! The Swiss QR-bill.
//!
//! Contract: pure. Swiss Implementation Guidelines for the QR-bill 2.3, table 7: 31 lines and up to three
//! more. They name who is to pay, too; that is in no detail.

use super::{Details, Meaning, Outcome, Reasons, iban};
use crate::normalize::currency::Currency;

/// Lines by their place, from 0.
mod line {
    pub(super) const IBAN: usize = 3;
    pub(super) const NAME: usize = 5;
    pub(super) const COUNTRY: usize = 10;
    pub(super) const AMOUNT: usize = 18;
    pub(super) const CURRENCY: usize = 19;
    pub(super) const REFERENCE_TYPE: usize = 27;
    pub(super) const REFERENCE: usize = 28;
    pub(super) const TRAILER: usize = 30;
}

pub(super) fn recognise(text: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let ["SPC", version, "1", ..] = lines.as_slice() else { return None };
    let at = |place: usize| lines.get(place).copied().unwrap_or("");
    let is_whole = at(line::TRAILER) == "EPD" && version.starts_with("02");
    let outcome = if is_whole { Outcome::Yes } else { Outcome::No };
    why.note("Swiss QR-bill", outcome, || {
        format!("{} lines that begin SPC; EPD has to be the 31st", lines.len())
    });
    if !is_whole {
        return None;
    }
    let account = at(line::IBAN);
    let is_valid = iban::is_valid(account);
    let outcome = if is_valid { Outcome::Yes } else { Outcome::No };
    why.note("check digits of the IBAN", outcome, || "MOD 97-10 of ISO/IEC 7064".to_owned());
    let mut details = Details::new("swiss-qr-bill");
    details.text("iban", Some(&iban::masked(account)));
    details.word("iban-check", if is_valid { "right" } else { "wrong" });
    details.text("merchant-name", Some(at(line::NAME)));
    details.text("country", Some(at(line::COUNTRY)));
    if let Some(currency) = Currency::by_letters(at(line::CURRENCY)) {
        details.currency(currency);
        let amount = currency.minor_units(at(line::AMOUNT)).filter(|amount| *amount > 0);
        details.counted("amount", amount.filter(|_| is_valid));
    }
    details.text("reference-type", Some(at(line::REFERENCE_TYPE)));
    details.text("reference", Some(at(line::REFERENCE)));
    Some(details.private())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details_of, sensitivity_of};
    use super::*;
    use crate::event::Sensitivity;
    use crate::normalize::Silent;

    fn bill() -> String {
        let lines = [
            "SPC",
            "0200",
            "1",
            "CH4431999123000889012",
            "S",
            "Max Muster & Söhne",
            "Musterstrasse",
            "123",
            "8000",
            "Seldwyla",
            "CH",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "1949.75",
            "CHF",
            "S",
            "Simon Muster",
            "Musterstrasse",
            "1",
            "8000",
            "Seldwyla",
            "CH",
            "QRR",
            "210000000003139471430009017",
            "Order of 15 June 2020",
            "EPD",
        ];
        lines.join("\r\n")
    }

    #[test]
    fn a_bill_is_read_and_who_pays_is_in_no_detail() {
        let bill = bill();
        let want = [
            ("format", "swiss-qr-bill"),
            ("iban", "CH***************9012"),
            ("iban-check", "right"),
            ("merchant-name", "Max Muster & Söhne"),
            ("country", "CH"),
            ("currency", "CHF"),
            ("currency-exponent", "2"),
            ("amount", "194975"),
            ("reference-type", "QRR"),
            ("reference", "210000000003139471430009017"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(details_of(&bill), want);
        assert_eq!(sensitivity_of(&bill), Sensitivity::Private);
    }

    #[test]
    fn half_a_bill_is_none() {
        let bill = bill();
        assert!(recognise(bill.trim_end_matches("\r\nEPD"), &mut Silent).is_none());
        assert!(recognise("SPC", &mut Silent).is_none());
    }
}
