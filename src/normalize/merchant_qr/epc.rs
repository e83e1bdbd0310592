//! The code of a transfer in euros on an invoice ("GiroCode").
//!
//! Contract: pure. EPC069-12, table 2: twelve lines, the last of which may be absent. The third says in
//! which encoding the bytes are, and is believed rather than the device's profile.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::{Details, Meaning, Outcome, Reasons, iban};
use crate::normalize::currency::Currency;

/// The encodings by their number, 1 to 8.
const ENCODINGS: [&Encoding; 8] = [
    encoding_rs::UTF_8,
    encoding_rs::WINDOWS_1252,
    encoding_rs::ISO_8859_2,
    encoding_rs::ISO_8859_4,
    encoding_rs::ISO_8859_5,
    encoding_rs::ISO_8859_7,
    encoding_rs::ISO_8859_10,
    encoding_rs::ISO_8859_15,
];

pub(super) fn recognise(text: &str, bytes: &[u8], why: &mut impl Reasons) -> Option<Meaning> {
    let text = decoded(text, bytes);
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let ["BCD", version @ ("001" | "002"), _, "SCT", bic, name, account, rest @ ..] =
        lines.as_slice()
    else {
        return None;
    };
    let line = |place: usize| rest.get(place).copied().unwrap_or("");
    let is_valid = iban::is_valid(account);
    why.note("EPC transfer code", Outcome::Yes, || format!("lines that begin BCD, {version}, SCT"));
    let outcome = if is_valid { Outcome::Yes } else { Outcome::No };
    why.note("check digits of the IBAN", outcome, || "MOD 97-10 of ISO/IEC 7064".to_owned());
    let mut details = Details::new("epc");
    details.schemes(&["sepa"]);
    details.text("iban", Some(&iban::masked(account)));
    details.word("iban-check", if is_valid { "right" } else { "wrong" });
    details.text("bic", Some(bic));
    details.text("merchant-name", Some(name));
    if let Some(euros) = Currency::by_letters("EUR") {
        details.currency(euros);
        let amount = line(0).strip_prefix("EUR").and_then(|amount| euros.minor_units(amount));
        details.counted("amount", amount.filter(|_| is_valid));
    }
    details.text("purpose", Some(line(1)));
    details.text("reference", Some(line(2)));
    Some(details.private())
}

/// The text in the encoding that its third line names.
fn decoded<'a>(text: &'a str, bytes: &'a [u8]) -> Cow<'a, str> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let named =
        lines.nth(2).and_then(|line| line.first()).and_then(|digit| digit.checked_sub(b'1'));
    named
        .and_then(|number| ENCODINGS.get(usize::from(number)))
        .and_then(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes))
        .unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details_of, sensitivity_of};
    use crate::event::Sensitivity;

    const CODE: &str = "BCD\r\n002\r\n1\r\nSCT\r\nCOBADEFFXXX\r\nCorner Shop\r\nDE89370400440532013000\r\n\
                        EUR12.5\r\nGDDS\r\nRF18539007547034";

    #[test]
    fn a_transfer_is_read_and_its_account_masked() {
        let want = [
            ("format", "epc"),
            ("schemes", "sepa"),
            ("iban", "DE****************3000"),
            ("iban-check", "right"),
            ("bic", "COBADEFFXXX"),
            ("merchant-name", "Corner Shop"),
            ("currency", "EUR"),
            ("currency-exponent", "2"),
            ("amount", "1250"),
            ("purpose", "GDDS"),
            ("reference", "RF18539007547034"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(details_of(CODE), want);
        assert_eq!(sensitivity_of(CODE), Sensitivity::Private);
    }

    #[test]
    fn an_account_that_is_none_takes_the_amount_away() {
        let details = details_of(&CODE.replace("DE89", "DE88"));
        assert!(details.contains(&("iban-check", "wrong".to_owned())));
        assert!(!details.iter().any(|(name, _)| *name == "amount"));
    }
}
