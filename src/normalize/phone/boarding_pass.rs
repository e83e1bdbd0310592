//! Boarding passes.
//!
//! Contract: pure. IATA Resolution 792, bar coded boarding pass, type M: 60 characters for the first
//! flight, 37 for each other, each followed by as many as its last two, in hex, say. Text to a till, which
//! may want the flight (duty free goods); name and booking are somebody's own and in no detail.

use super::{Meaning, Reasons};
use crate::event::{Content, Sensitivity, Value};
use crate::normalize::Outcome;

/// `M`, the number of flights, 20 characters of name, 1 for the kind of ticket.
const HEAD: usize = 23;
/// The characters of a flight, without those whose number its last two are.
const FLIGHT: usize = 37;

pub(super) fn recognise(code: &str, why: &mut impl Reasons) -> Option<Meaning> {
    let (head, mut rest) = code.split_at_checked(HEAD)?;
    let count = head.strip_prefix('M')?.bytes().next()?;
    if !(b'1'..=b'4').contains(&count) || !code.is_ascii() {
        return None;
    }
    let mut flights = Vec::new();
    for _ in 0..count - b'0' {
        let Some((flight, more)) = flight(rest) else { break };
        flights.push(flight);
        rest = more;
    }
    if flights.is_empty() {
        return None;
    }
    why.note("boarding pass", Outcome::Yes, || {
        format!("type M of IATA, {} of {} flights", flights.len(), count - b'0')
    });
    Some(Meaning {
        sensitivity: Sensitivity::Private,
        details: vec![("format", "iata-bcbp".into()), ("flights", Value::List(flights))],
        ..Meaning::of(Content::Text)
    })
}

/// A flight, and what follows it: booking 7, from 3, to 3, carrier 3, number 5, day of the year 3, class 1,
/// seat 4, check-in number 5, status 1, size 2.
fn flight(text: &str) -> Option<(Value, &str)> {
    let (flight, rest) = text.split_at_checked(FLIGHT)?;
    let at = |from: usize, to: usize| flight.get(from..to).unwrap_or_default();
    let is_place = |place: &str| place.bytes().all(|byte| byte.is_ascii_uppercase());
    let (from, to, carrier) = (at(7, 10), at(10, 13), at(13, 16).trim_end());
    let day: u16 = at(21, 24).parse().ok()?;
    let size = usize::from_str_radix(at(35, 37), 16).ok()?;
    let is_carrier = (2..=3).contains(&carrier.len())
        && carrier.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_place(from) || !is_place(to) || !is_carrier || !(1..=366).contains(&day) {
        return None;
    }
    let number = at(16, 21).trim();
    let entries = vec![
        ("from".into(), Value::from(from.to_owned())),
        ("to".into(), Value::from(to.to_owned())),
        ("carrier".into(), Value::from(carrier.to_owned())),
        ("number".into(), Value::from(number.trim_start_matches('0').to_owned())),
        ("day-of-year".into(), Value::Count(day.into())),
    ];
    // Scanners trim blanks, so what is missing at the end was blank.
    let rest = rest.split_at_checked(size).map_or("", |(_, rest)| rest);
    Some((Value::Map(entries), rest))
}

#[cfg(test)]
mod tests {
    use super::super::tests::recognised;

    #[test]
    fn passes() {
        for (name, text, flights) in [
            (
                "the sample of IATA's guide",
                "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100",
                Some("{from:YUL;to:FRA;carrier:AC;number:834;day-of-year:326}"),
            ),
            (
                "the sample of a scanner's manual (LSR118)",
                "M1GATHERGOOD/MICHAEL YABCDE F LHRDURAK 3542 052Y003D23    100",
                Some("{from:LHR;to:DUR;carrier:AK;number:3542;day-of-year:52}"),
            ),
            (
                "two flights",
                "M2DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 106>60000DEF456 FRAGVALH 3664 327C012\
                 C0002 100",
                Some(
                    "{from:YUL;to:FRA;carrier:AC;number:834;day-of-year:326},{from:FRA;to:GVA;carrier:LH;\
                     number:3664;day-of-year:327}",
                ),
            ),
            ("no day", "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 000J001A0025 100", None),
            ("five flights", "M5DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100", None),
            (
                "a text that begins so",
                "M1 and everything that follows it, which is long enough for it",
                None,
            ),
        ] {
            let want = flights
                .map(|flights| ("text", true, format!("format=iata-bcbp flights={flights}")));
            assert_eq!(recognised(text), want, "{name}");
        }
    }

    #[test]
    fn no_detail_holds_the_name_or_the_booking() {
        let text = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100";
        let (_, _, details) = recognised(text).unwrap();
        assert!(!details.contains("DESMARAIS") && !details.contains("ABC123"), "{details}");
    }
}
