//! Layout 3, Caisse-AP: two letters, three digits of length, a value; the version first.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Reply, number, private, told_currency};
use crate::event::Value;
use crate::event::terminal::{Answer, Copy, Line, Operation, Order};
use crate::normalize::mask;
use crate::protocol::concert::last_four;

/// The version that the till speaks.
const VERSION: &str = "0320";

type Fields<'a> = BTreeMap<&'a str, &'a str>;

/// The answer is to come when all is done (BA 0).
pub(super) fn request(order: &Order, pos: u32, identifier: &str) -> String {
    let kind = if order.operation == Operation::Refund { "1" } else { "0" };
    let fields = [
        ("CZ", VERSION.to_owned()),
        ("CJ", identifier.to_owned()),
        ("CA", format!("{pos:02}")),
        ("CB", format!("{:02}", order.amount)),
        ("CD", kind.to_owned()),
        ("CE", format!("{:03}", order.currency.number)),
        ("BA", "0".to_owned()),
        ("CF", private(order.transaction)),
    ];
    fields.iter().map(|(tag, value)| format!("{tag}{:03}{value}", value.len())).collect()
}

/// The fields of a message; nothing where one is cut off, empty or there twice.
fn fields(message: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, value, after) = next(rest)?;
        if fields.insert(tag, value).is_some() {
            return None;
        }
        rest = after;
    }
    Some(fields)
}

/// The field that begins a text, its value, and what stands behind it.
pub(in crate::protocol::concert) fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (tag, after) = text.split_at_checked(2)?;
    let (length, after) = after.split_at_checked(3)?;
    let length = usize::try_from(number(length)?).ok().filter(|length| *length > 0)?;
    let (value, after) = after.split_at_checked(length)?;
    Some((tag, value, after))
}

pub(super) fn reply(message: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(message).ok()?.trim_end_matches(['\r', '\n']);
    let fields = fields(text)?;
    if !text.starts_with("CZ") {
        return None;
    }
    let field = |tag: &str| fields.get(tag).copied();
    let (status, reason) = (field("AE")?, field("AF"));
    let made = match status {
        "10" => Some(true),
        "01" => Some(false),
        // 11: taken into account, and not done yet.
        _ => None,
    };
    // What was not done may be told without till, amount and currency. What is there has to be right.
    let digits = |tag: &str| match field(tag) {
        Some(text) => number(text).map(Some),
        None => (made == Some(false)).then_some(None),
    };
    let small = |tag: &str| digits(tag)?.map(u32::try_from).transpose().ok();
    let currency = small("CE")?.map(u16::try_from).transpose().ok()?;
    let code = reason.map_or_else(|| status.to_owned(), |reason| format!("{status}-{reason}"));
    Some(Reply {
        pos: small("CA")?,
        made,
        is_stopped: matches!(reason, Some("06" | "11")),
        private: field("CF").map(str::to_owned),
        answer: Answer {
            approved: made == Some(true),
            // What stands in AF may be text; none of it may be a card.
            code: mask::masked(&code),
            text: meaning(made, reason).to_owned(),
            amount: digits("CB")?,
            currency: currency.and_then(told_currency),
            brand: field("CC").and_then(brand).map(str::to_owned),
            pan_masked: field("AA").map(last_four),
            entry_mode: field("CI").and_then(entry_mode),
            authorization_code: field("AC").map(mask::masked),
            details: field("AI")
                .map(|id| ("application", Value::from(mask::masked(id))))
                .into_iter()
                .collect(),
            ..Answer::default()
        },
        lines: field("ZT").map(ticket).unwrap_or_default(),
    })
}

fn meaning(made: Option<bool>, code: Option<&str>) -> &'static str {
    let reason = code.and_then(reason);
    match made {
        Some(true) => "done",
        Some(false) => reason.unwrap_or("not done"),
        None => reason.unwrap_or("neither done nor not done"),
    }
}

/// Why it was not done (AF), where that is known.
pub(in crate::protocol::concert) fn reason(code: &str) -> Option<&'static str> {
    Some(match code {
        "02" => "the bank wants to be called",
        "03" => "the authorization was forced",
        "04" => "refused",
        "05" => "forbidden",
        "06" => "abandoned",
        "07" => "not brought to an end",
        "08" => "out of time",
        "09" => "the terminal does not read the request",
        "10" => "no application was chosen",
        "11" => "abandoned by the operator",
        "12" => "the terminal does not know the operation",
        "13" => "currency not accepted",
        _ => return None,
    })
}

/// What is paid with (CC), by the list that two clients have; some terminals fill it up with zeros in front.
pub(in crate::protocol::concert) fn brand(code: &str) -> Option<&'static str> {
    Some(match code.trim_start_matches('0') {
        "1" | "B" => "CB",
        "2" | "D" => "American Express",
        "3" => "CB Enseigne",
        "5" => "Cofinoga",
        "6" => "Diners",
        "7" => "CB-Pass",
        "8" => "Franfinance",
        "9" => "JCB",
        "A" => "Banque Accord",
        "I" => "CPEI",
        "E" => "CMCIC-Pay",
        "U" => "CUP",
        _ => return None,
    })
}

/// How the card was read.
fn entry_mode(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("chip"),
        "2" => Some("contactless"),
        "3" => Some("magstripe"),
        "4" => Some("keyed"),
        _ => None,
    }
}

/// The text of a receipt, in Base64.
pub(in crate::protocol::concert) fn ticket_text(encoded: &str) -> Option<Zeroizing<String>> {
    let text = BASE64.decode(encoded.as_bytes()).map(Zeroizing::new).ok()?;
    Some(Zeroizing::new(String::from_utf8_lossy(&text).into_owned()))
}

/// The lines of a receipt: fields in the field ZT, its text in AK, in Base64.
fn ticket(nested: &str) -> Vec<Line> {
    let text = fields(nested).and_then(|fields| fields.get("AK").copied().and_then(ticket_text));
    let Some(text) = text else { return Vec::new() };
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let line = |text| Line { copy: Copy::Unnamed, text };
    mask::lines(&lines).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::terminal::Currency;

    /// As in the documentation of a payment service, with our field.
    const DONE: &str = "CZ0040320CJ012323540032810CA00201CB0042500CD0010CE003978\
                        AA016************0674AB0041603AC006A00395AL0011AE00210CI0012CF0100000000042";

    #[test]
    fn a_request_has_the_version_first_and_our_number() {
        let order = Order::new(42, Operation::Payment, 12_345, None);
        assert_eq!(
            request(&order, 1, "247300123456"),
            "CZ0040320CJ012247300123456CA00201CB00512345CD0010CE003978BA0010CF0100000000042"
        );
        assert!(
            request(&Order::new(42, Operation::Refund, 5, None), 1, "1").contains("CB00205CD0011")
        );
    }

    #[test]
    fn an_answer_that_it_is_done() {
        let reply = reply(DONE.as_bytes()).unwrap();
        assert_eq!((reply.pos, reply.made), (Some(1), Some(true)));
        assert_eq!(reply.private.as_deref(), Some("0000000042"));
        let answer = reply.answer;
        assert_eq!((answer.amount, answer.currency), (Some(2500), Some(Currency::EUR)));
        assert_eq!(answer.pan_masked.as_deref(), Some("************0674"));
        assert_eq!(answer.entry_mode, Some("contactless"));
        assert_eq!(answer.authorization_code.as_deref(), Some("A00395"));
    }

    #[test]
    fn an_answer_that_it_is_not_done() {
        let refused = b"CZ0040320CJ012999999999999AE00201AF00209CA00201CB00512345CD0010CE003978";
        let reply = reply(refused).unwrap();
        assert_eq!((reply.made, reply.private), (Some(false), None));
        assert_eq!(reply.answer.code, "01-09");
        assert_eq!(reply.answer.text, "the terminal does not read the request");
    }

    #[test]
    fn oca_l10n_france_answers_that_say_little() {
        // l10n_fr_pos_caisse_ap_ip, its tests: no till, amount or currency where nothing was done.
        let stopped = reply(b"CZ0040300AE00201AF00211CF0100000000042").unwrap();
        assert_eq!((stopped.pos, stopped.made, stopped.is_stopped), (None, Some(false), true));
        assert_eq!((stopped.answer.amount, stopped.answer.currency), (None, None));
        assert_eq!(stopped.answer.text, "abandoned by the operator");
        // A Desk/5000: an amount of zero, its own way to mask, zeros in front.
        let refused = b"CZ0040300CJ012012345678901CA00201CB003000CD0010CE003978CC003001AA016############0674AE00201AF00204";
        let refused = reply(refused).unwrap();
        assert_eq!((refused.made, refused.answer.amount), (Some(false), Some(0)));
        assert_eq!(refused.answer.pan_masked.as_deref(), Some("************0674"));
        assert_eq!(refused.answer.brand.as_deref(), Some("CB"));
        // What was done has to say how much.
        for message in
            ["CZ0040300AE00210CF0100000000042", "CZ0040300AE00211", "CZ0040300AE00201CB003x00"]
        {
            assert_eq!(reply(message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn a_whole_card_number_is_masked_and_tickets_are_lines() {
        let ticket = BASE64.encode(b"CARD 4111111111111111\nMerci\n");
        let nested = format!("CK003100AK{:03}{ticket}", ticket.len());
        let message = DONE.replace("AA016************0674", "AA0164111111111111111")
            + &format!("ZT{:03}{nested}", nested.len());
        let reply = reply(message.as_bytes()).unwrap();
        assert_eq!(reply.answer.pan_masked.as_deref(), Some("************1111"));
        let lines: Vec<&str> = reply.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["CARD ************1111", "Merci"]);
    }

    #[test]
    fn what_is_no_answer() {
        for (name, message) in [
            ("cut off", DONE.strip_suffix('2').unwrap()),
            ("a length that is none", "CZ0x40320"),
            ("an empty value", "CZ0040320AE000"),
            ("twice", "CZ0040320CZ0040320"),
            ("no version first", DONE.strip_prefix("CZ0040320").unwrap()),
            ("no status", "CZ0040320CA00201CB00512345CE003978"),
            ("nothing", ""),
        ] {
            assert_eq!(reply(message.as_bytes()), None, "{name}");
        }
    }
}
