//! Article numbers, and what else EAN and UPC symbols carry.

use tillbus::event::{Content, Reading, Symbology, Timestamp};
use tillbus::normalize::article::{Mask, Masks};
use tillbus::normalize::order_number::{Pattern, Patterns};
use tillbus::normalize::{self, Rules, Shop, gtin};
use tillbus::secret::Secret;

use super::scanned::{detail, said, scan, scanned};

fn shop(masks: &[&str], patterns: &[&str]) -> Rules {
    let masks = masks.iter().map(|mask| Mask::parse(mask).unwrap()).collect();
    let patterns = patterns.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
    let shop = Shop {
        variable_measure: Masks::new(masks),
        order_numbers: Patterns::new(patterns),
        ..Shop::default()
    };
    Rules { shop: shop.into(), ..Rules::default() }
}

#[test]
fn messages_of_the_manuals() {
    // Honeywell Marathon, p. 37: UPC-A, and its add-on in a second message.
    let main = scan("]E00012345678905");
    assert_eq!((main.content, main.gtin.unwrap().as_str()), (Content::Gtin, "00012345678905"));
    let add_on = scan("]E110");
    assert_eq!((add_on.symbology, add_on.gtin), (Symbology::AddOn2, None));
    // GS1 Barcode Syntax Engine, scandata.c: UPC-E 0-012345-7 as thirteen digits.
    assert_eq!(scan("]E00001234000057").gtin.unwrap().as_str(), "00001234000057");
    // Honeywell 8600, p. 4-18: Code 39 in full ASCII, its check digit taken off.
    let code_39 = scan("]A7AimId");
    assert_eq!((code_39.symbology, code_39.content), (Symbology::Code39, Content::Text));
}

#[test]
fn books_periodicals_music_and_their_add_ons() {
    for (name, message, details) in [
        // ISO 2108, users' manual.
        ("a book", "]E09780306406157", &[("isbn", "9780306406157"), ("isbn-10", "0306406152")][..]),
        ("with an X", "]E09780804429573", &[("isbn-10", "080442957X")]),
        ("of the second range", "]E09798886451740", &[("isbn", "9798886451740"), ("isbn-10", "")]),
        // ISO 3297: 0378-5955.
        ("a periodical", "]E09770378595002", &[("issn", "0378-5955")]),
        // ISO 10957: 979-0-2600-0043-8.
        ("music", "]E09790260000438", &[("ismn", "9790260000438"), ("isbn", "")]),
        ("an issue", "]E3977037859500205", &[("issn", "0378-5955"), ("add-on", "05")]),
        ("a price in five digits", "]E3978030640615751299", &[("add-on", "51299")]),
    ] {
        let scan = scan(message);
        assert_eq!(scan.content, Content::Gtin, "{name}");
        for (detail, want) in details {
            assert_eq!(said(&scan, detail), *want, "{name}: {detail}");
        }
    }
}

#[test]
fn add_ons_of_all_symbols() {
    let read = |symbology, data: &str| {
        let reading = Reading {
            symbology: Some(symbology),
            aim: None,
            data: Secret::new(data.as_bytes().to_vec()),
            first: Timestamp(1),
            last: Timestamp(2),
        };
        let scan = normalize::scan(reading, &Rules::default());
        let gtin = scan.gtin.map(|gtin| gtin.as_str().to_owned()).unwrap_or_default();
        (gtin, said(&scan, "add-on"))
    };
    for (symbology, data, gtin, add_on) in [
        (Symbology::Ean13AddOn, "400638133393112", "04006381333931", "12"),
        (Symbology::Ean13AddOn, "400638133393112345", "04006381333931", "12345"),
        (Symbology::Ean13, "400638133393112", "04006381333931", "12"),
        (Symbology::UpcAAddOn, "01234567890512", "00012345678905", "12"),
        (Symbology::UpcAAddOn, "001234567890512345", "00012345678905", "12345"),
        (Symbology::UpcA, "01234567890512345", "00012345678905", "12345"),
        (Symbology::UpcEAddOn, "0425261412", "00042100005264", "12"),
        (Symbology::UpcEAddOn, "0425261412345", "00042100005264", "12345"),
        (Symbology::Ean8AddOn, "9638507412", "00000096385074", "12"),
        (Symbology::Ean13AddOn, "4006381333931AB", "", ""),
        (Symbology::Databar, "24012345678905", "24012345678905", ""),
    ] {
        assert_eq!(read(symbology, data), (gtin.into(), add_on.into()), "{symbology} {data}");
    }
}

#[test]
fn coupons() {
    for (body, number, kind) in [
        ("051234500010", "51234500010", "upc"),
        ("991234567890", "991234567890", "national"),
        ("981234567890", "981234567890", "common-currency"),
        ("980123456789", "980123456789", "refund-receipt"),
    ] {
        let scan = scan(&format!("]E0{}", with_check(body)));
        assert_eq!((scan.content, scan.gtin), (Content::Coupon, None), "{body}");
        assert_eq!(said(&scan, "coupon"), with_check(number));
        assert_eq!(said(&scan, "coupon-kind"), kind);
    }
    let case = scan(&format!("]I1{}", with_check("1991234567890")));
    assert_eq!(case.content, Content::Gtin, "a case of something is no coupon");
}

#[test]
fn in_store_numbers_are_articles_until_a_mask_says_what_they_hold() {
    let message = "]E02112345012346";
    assert_eq!(scan(message).content, Content::Gtin);
    let rules = shop(&["21IIIIIWWwwwC", "2IIIIIVPPppC EUR", "02I....WWwwwC"], &[]);
    let weight = scanned(message, &rules);
    assert_eq!((weight.content, weight.gtin), (Content::VariableMeasure, None));
    assert_eq!(said(&weight, "item"), "12345");
    assert_eq!(said(&weight, "net-weight"), "value=1.234 unit=kg");
    // Another prefix, an article, a case with the same digits.
    assert_eq!(scanned(&with_check("221234501234"), &rules).content, Content::Gtin);
    assert_eq!(scanned("]E04006381333931", &rules).content, Content::Gtin);
}

#[test]
fn upc_a_with_a_price() {
    let rules = shop(&["2IIIIIVPPppC USD"], &[]);
    // Item 12345, $28.75: the price's check digit is 9 (General Specifications, 7.9.3).
    let digits = with_check("21234592875");
    for message in [format!("]E00{digits}"), format!("]E0{digits}"), digits.clone()] {
        let scan = scanned(&message, &rules);
        assert_eq!(said(&scan, "price"), "value=28.75 currency=USD", "{message}");
        assert_eq!(said(&scan, "measure-check"), "right");
    }
    let wrong = scanned(&with_check("21234582875"), &rules);
    assert_eq!(wrong.content, Content::VariableMeasure);
    assert_eq!((said(&wrong, "measure-check").as_str(), detail(&wrong, "price")), ("wrong", None));
}

fn with_check(body: &str) -> String {
    format!("{body}{}", char::from(gtin::check_digit(body.as_bytes()).unwrap()))
}

#[test]
fn order_numbers_hide_no_article() {
    let rules = shop(&[], &["R-([0-9]+)", "[0-9]{13}", "http.*", ".+"]);
    for (name, message, content, number) in [
        ("a receipt", "]C0R-00017", Content::OrderNumber, "00017"),
        ("the widest pattern", "]Q1anything", Content::OrderNumber, "anything"),
        ("an article", "]E04006381333931", Content::Gtin, ""),
        ("the shop's own prefix", "]E02112345012346", Content::OrderNumber, "2112345012346"),
        ("GS1 data", "]C1010400638133393110A", Content::Gs1, ""),
        (
            "an address of the shop's",
            "]Q1https://example.org/r/1",
            Content::OrderNumber,
            "https://example.org/r/1",
        ),
        ("bytes", "]Q1\u{FFFD}", Content::OrderNumber, "\u{FFFD}"),
    ] {
        let scan = scanned(message, &rules);
        assert_eq!(
            (scan.content, said(&scan, "order-number").as_str()),
            (content, number),
            "{name}"
        );
    }
    assert_eq!(scan("]C0R-00017").content, Content::Text, "without a pattern");
}
