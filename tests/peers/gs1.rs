//! GS1 data and article numbers: biip and python-stdnum from PyPI, bwip-js and digital-link.js from npm,
//! gtin-validate from the Rust registry.
//!
//! What they say otherwise is explained by name, here; anything else fails. Samples come from a seed,
//! so a failure repeats.

mod samples;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tillbus::event::{Content, Reading, Scan, Symbology, Timestamp, Value};
use tillbus::normalize::gs1::ai::{Check, Entry, Says};
use tillbus::normalize::gs1::{Element, Elements, Wrong, element, link, rows};
use tillbus::normalize::{self, Rules, article, gtin};
use tillbus::secret::Secret;

use super::node;
use crate::support::python;
use samples::{Samples, shown};

const PYTHON: &str = "gs1.py";
const NODE: &str = "gs1.mjs";

fn scan(symbology: Symbology, data: &[u8]) -> Scan {
    let reading = Reading {
        symbology: Some(symbology),
        aim: None,
        data: Secret::new(data.to_vec()),
        first: Timestamp(1),
        last: Timestamp(2),
    };
    normalize::scan(reading, &Rules::default())
}

/// What differs, by its explanation; what has none.
#[derive(Default)]
struct Differences {
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
    agreed: usize,
}

impl Differences {
    fn add(&mut self, code: &str, explanation: Option<&'static str>, what: String) {
        match explanation {
            Some(explanation) => *self.explained.entry(explanation).or_default() += 1,
            None => self.unexplained.push(format!("{code}\n    {what}")),
        }
    }

    /// Fails where anything is unexplained, and where less than most of it agrees.
    fn check(self, peer: &str) {
        let differ: usize = self.explained.values().sum();
        println!("{peer}: {} agree, {differ} differ: {:?}", self.agreed, self.explained);
        let total = self.unexplained.len();
        let first: Vec<String> = self.unexplained.into_iter().take(12).collect();
        assert!(first.is_empty(), "{peer}, {total} unexplained:\n{}", first.join("\n"));
        assert!(self.agreed > 3 * differ, "{peer}: too much has to be explained");
    }
}

/// The format of a row as the General Specifications write it, lengths only: shortest and longest.
fn lengths(format: &str) -> (usize, usize) {
    let (mut shortest, mut longest) = (0, 0);
    // It writes an optional part as `+[X..17]` and as `[+X..17]`, and a hyphen as itself.
    let format = format.replace("[+", "+[").replace("[-]", "[X1]");
    for part in format.split('+').skip(1) {
        let optional = part.starts_with('[');
        let part = part.trim_matches(['[', ']']);
        let digits = part.trim_start_matches(['N', 'X', 'Y', 'Z']);
        let (least, most): (usize, usize) = match digits.split_once("..") {
            Some((least, most)) => {
                let least = least.trim_start_matches(['N', 'X']).parse().unwrap_or(1);
                (least, most.trim_start_matches(['N', 'X']).parse().unwrap())
            }
            None => {
                let length = digits.parse().unwrap();
                (length, length)
            }
        };
        shortest += if optional { 0 } else { least };
        longest += most;
    }
    (shortest, longest)
}

#[test]
fn the_table_is_that_of_biip() {
    let Some(answers) = python::ask_json(PYTHON, &json!({ "table": [null] })) else { return };
    let theirs: BTreeMap<String, (bool, String)> = answers["table"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |place: usize| row[place].as_str().unwrap().to_owned();
            (text(0), (row[2].as_bool().unwrap(), text(3)))
        })
        .collect();
    let mut ours: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in rows() {
        for last in entry.family.map_or(0..=0, |last| 0..=last) {
            let digit = entry.family.map_or(String::new(), |_| last.to_string());
            ours.insert(format!("{}{digit}", entry.code), entry);
        }
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    assert_eq!(ours.len(), 541);
    let mut differences = Differences::default();
    for (ai, entry) in ours {
        let (separator, format) = &theirs[&ai];
        let found = (entry.shortest, entry.longest);
        if found == lengths(format) && entry.predefined != *separator {
            differences.agreed += 1;
            continue;
        }
        let explanation = match ai.as_str() {
            "423" | "425" => {
                Some("biip's format has two countries or more, its pattern one to five")
            }
            _ => None,
        };
        differences.add(&ai, explanation, format!("{found:?} {} {format}", entry.predefined));
    }
    differences.check("biip's table");
}

/// Whether this element string is right in itself.
fn is_right(elements: &Elements<'_>) -> bool {
    elements.faults.is_empty()
}

#[test]
fn element_strings_with_bwip_js() {
    let mut samples = Samples::new(1);
    let codes: Vec<String> = (0..1_500).map(|_| samples.hri(3)).collect();
    let Some(answers) = node::ask_json(
        NODE,
        &json!({
            "element-strings": codes,
            "element-strings-with-associations": codes,
        }),
    ) else {
        return;
    };
    let mut differences = Differences::default();
    let mut right = 0;
    for (place, code) in codes.iter().enumerate() {
        let ours = element::parse_hri(code).unwrap_or_else(|| panic!("{code}"));
        right += usize::from(is_right(&ours));
        for (kind, whole) in
            [("element-strings", false), ("element-strings-with-associations", true)]
        {
            let theirs = answers[kind][place].as_str().unwrap();
            let good = is_right(&ours) && (!whole || ours.missing.is_empty());
            if good == theirs.is_empty() {
                differences.agreed += 1;
                continue;
            }
            differences.add(code, bwip_differs(&ours, theirs), format!("{theirs}; {ours:?}"));
        }
    }
    assert!(right > 300 && right < 1_200, "{right} of the samples are right");
    differences.check("bwip-js, element strings");
}

/// Why bwip-js says otherwise.
fn bwip_differs(ours: &Elements<'_>, theirs: &str) -> Option<&'static str> {
    let all = |wrong: &[Wrong]| ours.faults.iter().all(|fault| wrong.contains(&fault.wrong));
    if theirs.is_empty() {
        // Only what we find wrong and it does not is to be explained.
        if all(&[Wrong::Prefix]) {
            return Some("its company prefixes may have two digits; the dictionary's have four");
        }
        if all(&[Wrong::Prefix, Wrong::Repeated]) {
            return Some("a repeated identifier");
        }
    }
    match theirs {
        "GS1UnknownCurrency" => Some("currencies of 2024 and later: ZWG, VED"),
        "datamatrixNoValidSymbol" | "GS1badCSET64padding" => Some("too long for its symbol"),
        _ => None,
    }
}

/// What biip says of one element.
fn biip_value(element: &Json, name: &str) -> Option<String> {
    element[name].as_str().map(str::to_owned)
}

#[test]
fn element_strings_with_biip() {
    let mut samples = Samples::new(2);
    let codes: Vec<String> = (0..3_000).map(|_| samples.raw(4)).collect();
    let Some(answers) = python::ask_json(PYTHON, &json!({ "element-strings": codes })) else {
        return;
    };
    let mut differences = Differences::default();
    let mut compared = 0;
    for (code, theirs) in codes.iter().zip(answers["element-strings"].as_array().unwrap()) {
        let ours = element::parse(code.as_bytes());
        let Some(theirs) = theirs.as_array() else {
            if is_right(&ours) {
                let explanation = biip_refuses(&ours);
                differences.add(&shown(code), explanation, "biip refuses it".to_owned());
            } else {
                differences.agreed += 1;
            }
            continue;
        };
        if !is_right(&ours) {
            // Most of what the dictionary's linters check biip does not; check digits it does.
            let checks = theirs.iter().all(|element| element["check"] == true);
            let known = ["00", "01", "02", "03"];
            let digit = ours.faults.iter().any(|fault| {
                fault.wrong == Wrong::CheckDigit
                    && fault.ai.is_some_and(|ai| {
                        known.contains(&ai.as_str()) || ai.as_str().starts_with("41")
                    })
            });
            match checks {
                true if digit => differences.add(&shown(code), None, format!("{ours:?}")),
                _ => differences.agreed += 1,
            }
            continue;
        }
        compared += 1;
        let pairs: Vec<(String, String)> = ours
            .list
            .iter()
            .map(|element| (element.ai.to_string(), element.text().into_owned()))
            .collect();
        let text = |element: &Json, name: &str| element[name].as_str().unwrap().to_owned();
        let their_pairs: Vec<(String, String)> =
            theirs.iter().map(|element| (text(element, "ai"), text(element, "value"))).collect();
        if pairs != their_pairs {
            differences.add(&shown(code), None, format!("{pairs:?} {their_pairs:?}"));
            continue;
        }
        differences.agreed += 1;
        compare_values(code, theirs, &mut differences);
    }
    assert!(compared > 600, "{compared} right samples compared");
    differences.check("biip, element strings");
}

/// Dates and decimals: everything that biip says has to be in our details, in our form.
fn compare_values(code: &str, theirs: &[Json], differences: &mut Differences) {
    let is_personal = |element: &Json| element["ai"].as_str().unwrap().starts_with("725");
    if theirs.iter().any(is_personal) {
        // What says who a patient is has no details.
        return;
    }
    let scan = scan(Symbology::Gs1DataMatrix, code.as_bytes());
    assert!(matches!(scan.content, Content::Gs1 | Content::Coupon), "{}", shown(code));
    let said = format!("{:?}", scan.details);
    for element in theirs {
        let ai = biip_value(element, "ai").unwrap();
        // Identifiers without a name of their own, or whose name an earlier field has.
        let ours = rows().iter().find(|row| ai.starts_with(row.code)).unwrap();
        if matches!(ours.says, Says::Nothing) {
            continue;
        }
        let twice =
            theirs.iter().filter(|other| other["ai"].as_str().unwrap()[..2] == ai[..2]).count() > 1;
        if let Some(date) = biip_value(element, "date") {
            let date = date.strip_suffix(":00").unwrap_or(&date).to_owned();
            if !said.contains(&date) && !twice {
                differences.add(&shown(code), None, format!("({ai}) {date} is not in {said}"));
            }
        }
        if let Some(decimal) = biip_value(element, "decimal") {
            let found = said.contains(&format!("\"{decimal}\""))
                || said.contains(&format!("\"{}\"", decimal.trim_end_matches('.')));
            if !found && !twice {
                let digits = biip_value(element, "value").unwrap().len();
                let currency = if matches!(&ai[..3], "391" | "393") { 3 } else { 0 };
                let short = digits - currency < usize::from(ai.as_bytes()[3] - b'0');
                let explanation =
                    short.then_some("biip loses the zeros of an amount shorter than its decimals");
                differences.add(
                    &shown(code),
                    explanation,
                    format!("({ai}) {decimal} is not in {said}"),
                );
            }
        }
    }
}

/// Why biip refuses an element string in which we find nothing wrong.
fn biip_refuses(ours: &Elements<'_>) -> Option<&'static str> {
    let has = |code: &str, right: &dyn Fn(&[u8]) -> bool| {
        ours.list.iter().any(|element| element.ai.as_str() == code && right(&element.value))
    };
    if has("7007", &|value| value.len() == 12) {
        return Some("biip reads no range of dates in (7007)");
    }
    if has("8010", &|value| value.len() < 5) {
        return Some("biip wants five characters in (8010)");
    }
    None
}

#[test]
fn links_with_three_peers() {
    let mut samples = Samples::new(3);
    let codes: Vec<String> = (0..800).map(|_| samples.link()).collect();
    let node = node::ask_json(NODE, &json!({ "links": codes, "links-by-grammar": codes }));
    let python = python::ask_json(PYTHON, &json!({ "links": codes }));
    let (Some(node), Some(python)) = (node, python) else { return };
    let mut bwip = Differences::default();
    let mut grammar = Differences::default();
    let mut biip = Differences::default();
    for (place, code) in codes.iter().enumerate() {
        let ours = link::parse(code);
        let good = ours.as_ref().is_ok_and(|link| is_right(&link.elements));
        let whole = good && ours.as_ref().is_ok_and(|link| link.elements.missing.is_empty());
        let theirs = node["links"][place].as_str().unwrap();
        if whole == theirs.is_empty() {
            bwip.agreed += 1;
        } else {
            let explanation = bwip_link_differs(ours.as_ref().ok().map(|l| &l.elements), theirs);
            bwip.add(code, explanation, format!("{theirs}; {ours:?}"));
        }
        let Some(ours) = ours.as_ref().ok().filter(|_| good) else { continue };
        compare_by_grammar(code, ours, &node["links-by-grammar"][place], &mut grammar);
        compare_by_biip(code, ours, &python["links"][place], &mut biip);
    }
    bwip.check("bwip-js, links");
    grammar.check("digital-link.js, right links");
    biip.check("biip, right links");
}

fn bwip_link_differs(ours: Option<&Elements<'_>>, theirs: &str) -> Option<&'static str> {
    if let Some(ours) = ours {
        let all = |wrong: Wrong| ours.faults.iter().all(|fault| fault.wrong == wrong);
        if theirs.is_empty() && !ours.faults.is_empty() && all(Wrong::ShortGtin) {
            return Some("it takes GTINs of fewer digits, which links have not had since 1.2");
        }
        return bwip_differs(ours, theirs);
    }
    None
}

/// The values of a link by identifier.
fn by_identifier(elements: &Elements<'_>) -> BTreeMap<String, String> {
    let element = |element: &Element<'_>| (element.ai.to_string(), element.text().into_owned());
    elements.list.iter().map(element).collect()
}

/// Keys and qualifiers that came after version 1.2, and those of which its grammar refuses right
/// values: it is not asked about them.
const BEYOND_GRAMMAR: [&str; 10] =
    ["235", "401", "415", "417", "7040", "8004", "8006", "8010", "8013", "8017"];

fn compare_by_grammar(code: &str, ours: &link::Link<'_>, theirs: &Json, into: &mut Differences) {
    let beyond = |element: &Element<'_>| BEYOND_GRAMMAR.contains(&element.ai.as_str());
    if ours.elements.list.iter().any(beyond) {
        return;
    }
    let Some(theirs) = theirs.as_object() else {
        into.add(code, grammar_differs(ours), "digital-link.js refuses it".to_owned());
        return;
    };
    // It hands values out as they stand in the address.
    let theirs: BTreeMap<String, String> = theirs
        .iter()
        .map(|(name, value)| (name.clone(), unescaped(value.as_str().unwrap())))
        .collect();
    if theirs == by_identifier(&ours.elements) {
        into.agreed += 1;
    } else {
        into.add(code, grammar_differs(ours), format!("{theirs:?} {ours:?}"));
    }
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        plain.push_str(&part[2..]);
    }
    plain
}

/// Why digital-link.js, which follows the grammar of version 1.2, says otherwise.
fn grammar_differs(ours: &link::Link<'_>) -> Option<&'static str> {
    let price = |element: &Element<'_>| element.ai.as_str().starts_with("392");
    if ours.elements.list.iter().any(|element| price(element) && element.ai.decimals() > 3) {
        return Some("its grammar has prices of up to three decimals");
    }
    if ours.elements.list.iter().any(|element| element.value.contains(&b'"')) {
        return Some("its grammar has no quotation mark");
    }
    None
}

fn compare_by_biip(code: &str, ours: &link::Link<'_>, theirs: &Json, into: &mut Differences) {
    let Some(theirs) = theirs.as_array() else {
        into.add(code, None, "biip refuses it".to_owned());
        return;
    };
    let theirs: BTreeMap<String, String> = theirs
        .iter()
        .map(|element| (biip_value(element, "ai").unwrap(), biip_value(element, "value").unwrap()))
        .collect();
    if theirs == by_identifier(&ours.elements) {
        into.agreed += 1;
    } else {
        into.add(code, None, format!("{theirs:?} {ours:?}"));
    }
}

#[test]
fn check_digits_and_book_numbers() {
    let mut samples = Samples::new(4);
    let bodies: Vec<String> = (0..2_000).map(|place| samples.digits(7 + place % 11)).collect();
    let prices: Vec<String> = (0..2_000).map(|place| samples.digits(4 + place % 2)).collect();
    let codes: Vec<String> = (0..2_000).map(|_| samples.digits(13)).collect();
    let prefixes = ["977", "978", "9790", "9791", "9798"];
    let books: Vec<String> = (0..500)
        .map(|place| {
            let prefix = prefixes[place % prefixes.len()];
            let body = format!("{prefix}{}", samples.digits(12 - prefix.len()));
            let check = gtin::check_digit(body.as_bytes()).unwrap();
            format!("{body}{}", char::from(check))
        })
        .collect();
    let Some(answers) = python::ask_json(
        PYTHON,
        &json!({
            "check-digits": bodies, "measure-check-digits": prices, "ean": codes, "books": books,
        }),
    ) else {
        return;
    };
    let digit = |answer: &Json| b'0' + u8::try_from(answer.as_u64().unwrap()).unwrap();
    for (body, answer) in bodies.iter().zip(answers["check-digits"].as_array().unwrap()) {
        assert_eq!(gtin::check_digit(body.as_bytes()), Some(digit(answer)), "{body}");
    }
    for (price, answer) in prices.iter().zip(answers["measure-check-digits"].as_array().unwrap()) {
        let ours = article::measure_check_digit(price.as_bytes());
        assert_eq!(ours, Some(digit(answer)), "{price}");
    }
    for (code, answer) in codes.iter().zip(answers["ean"].as_array().unwrap()) {
        assert_eq!(gtin::is_valid(code.as_bytes()), answer.as_bool().unwrap(), "{code}");
        assert_eq!(gtin::is_valid(code.as_bytes()), gtin_validate::gtin13::check(code), "{code}");
    }
    for (book, answer) in books.iter().zip(answers["books"].as_array().unwrap()) {
        let scan = scan(Symbology::Ean13, book.as_bytes());
        let ours: BTreeMap<&str, Json> = scan
            .details
            .iter()
            .map(|(name, value)| match value {
                Value::Text(text) => (*name, Json::from(text.as_ref())),
                other => panic!("{book}: {other:?}"),
            })
            .collect();
        assert_eq!(json!(ours), *answer, "{book}");
    }
}

#[test]
fn samples_have_every_check() {
    let mut samples = Samples::new(5);
    let mut seen = Vec::new();
    for _ in 0..5_000 {
        let entry = samples.entry();
        seen.extend(entry.parts.iter().flat_map(|part| part.checks));
    }
    for check in [Check::Digit, Check::Pair, Check::Iban, Check::Coupon, Check::Offer] {
        assert!(seen.contains(&&check), "{check:?}");
    }
}
