//! GS1 data and article numbers against published vectors, each named by where it is from, and against its own inverse.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

mod gs1 {
    mod articles;
    pub(crate) mod scanned;
}

use gs1::scanned::{detail, said, scan, scanned};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use tillbus::event::{Content, Sensitivity};
use tillbus::normalize::gs1::{Ai, Element, Elements, Separators, Wrong, element, link};
use tillbus::normalize::{Rules, Shop};

fn faults(elements: &Elements<'_>) -> Vec<(String, usize, Wrong)> {
    let faults = elements.faults.iter();
    faults
        .map(|fault| (fault.ai.map(|ai| ai.to_string()).unwrap_or_default(), fault.at, fault.wrong))
        .collect()
}

#[test]
fn messages_of_scanners() {
    // GS1 Barcode Syntax Engine, tests of scan data: the same payload in each carrier.
    for identifier in ["]Q3", "]d2", "]J1", "]C1", "]e0", "]z1", "]h2"] {
        let scan = scan(&format!("{identifier}011231231231233310ABC123\u{1D}99TESTING"));
        assert_eq!(scan.content, Content::Gs1, "{identifier}");
        assert_eq!(said(&scan, "gs1-hri"), "(01)12312312312333(10)ABC123(99)TESTING");
        assert_eq!(said(&scan, "gs1"), "01=12312312312333 10=ABC123 99=TESTING");
        assert_eq!(said(&scan, "batch"), "ABC123");
        assert_eq!(scan.gtin.map(|gtin| gtin.as_str().to_owned()).unwrap(), "12312312312333");
        assert_eq!((detail(&scan, "gs1-faults"), detail(&scan, "gs1-missing")), (None, None));
    }
    // The same place: a GS1-128 Composite and a DataBar one, both parts in one message.
    for (message, hri) in [
        (
            "]e0011231231231233310ABC123\u{1D}99TESTING\u{1D}98COMPOSITE\u{1D}97XYZ",
            "(01)12312312312333(10)ABC123(99)TESTING(98)COMPOSITE(97)XYZ",
        ),
        ("]e0012401234567890599COMPOSITE\u{1D}98XYZ", "(01)24012345678905(99)COMPOSITE(98)XYZ"),
        (
            "]C1011231231231233310ABC123\u{1D}99TESTING\u{1D}",
            "(01)12312312312333(10)ABC123(99)TESTING",
        ),
    ] {
        let scan = scan(message);
        assert_eq!(said(&scan, "gs1-hri"), hri, "{message}");
        assert_eq!(scan.raw.expose(), &message.as_bytes()[3..], "the bytes are kept");
    }
}

#[test]
fn designators_of_character_sets_are_passed_over() {
    let scan = scan("]Q4\\000026010400638133393110A\\000026B\u{1D}21X");
    assert_eq!(said(&scan, "gs1-hri"), "(01)04006381333931(10)AB(21)X");
    assert_eq!(detail(&scan, "gs1-faults"), None);
}

#[test]
fn a_composite_behind_an_article_number() {
    // GS1 Barcode Syntax Engine, tests of scan data.
    for (message, gtin) in [
        ("]E00416000336108|]e099COMPOSITE\u{1D}98XYZ", "00416000336108"),
        ("]E00001234000057|]e099COMPOSITE\u{1D}98XYZ", "00001234000057"),
        ("]E02112345678900|]e099COMPOSITE\u{1D}98XYZ", "02112345678900"),
        ("]E402345673|]e099COMPOSITE\u{1D}98XYZ", "00000002345673"),
    ] {
        let scan = scan(message);
        assert_eq!((scan.content, scan.gtin.unwrap().as_str()), (Content::Gtin, gtin), "{message}");
        assert_eq!(said(&scan, "gs1"), "99=COMPOSITE 98=XYZ");
    }
    let scan = scan("]E00416000336108|]e01726013110AB");
    assert_eq!(said(&scan, "expiry"), "2026-01-31");
    assert_eq!(detail(&scan, "gs1-missing"), None, "the article number is in the first part");
}

#[test]
fn what_is_wrong_names_the_identifier_and_the_place() {
    let gtin = "0104006381333931";
    for (name, data, want) in [
        ("nothing", format!("{gtin}1726013110AB\u{1D}21X"), vec![]),
        ("a check digit", "0104006381333932".into(), vec![("01", 15, Wrong::CheckDigit)]),
        ("a date", format!("{gtin}17261331"), vec![("17", 20, Wrong::Date)]),
        ("cut short", "010400638133393".into(), vec![("01", 15, Wrong::TooShort)]),
        ("ended by a separator", "0104006\u{1D}10A".into(), vec![("01", 7, Wrong::TooShort)]),
        ("no value", format!("{gtin}10\u{1D}21A"), vec![("10", 18, Wrong::TooShort)]),
        ("a letter among digits", "0104006381333X31".into(), vec![("01", 13, Wrong::Character)]),
        ("a blank", format!("{gtin}10A B"), vec![("10", 19, Wrong::Character)]),
        ("not given out", format!("{gtin}7299ABC\u{1D}10A"), vec![("7299", 20, Wrong::Unknown)]),
        ("no identifier", format!("{gtin}05ABC\u{1D}10A"), vec![("", 16, Wrong::Unknown)]),
        ("letters", "ABC".into(), vec![("", 0, Wrong::Unknown)]),
        (
            "a separator missing behind a full value",
            "02040063813339313712345678400ORDER".into(),
            vec![("37", 26, Wrong::NoSeparator)],
        ),
        (
            "too long for what it is",
            format!("{gtin}242123456789"),
            vec![("242", 25, Wrong::TooLong)],
        ),
        ("two values for one", format!("{gtin}10A\u{1D}10B"), vec![("10", 22, Wrong::Repeated)]),
        ("the same twice", format!("{gtin}10A\u{1D}10A"), vec![]),
        (
            "an article and a content",
            format!("{gtin}0204006381333931375"),
            vec![("01", 2, Wrong::Excluded), ("02", 18, Wrong::Excluded)],
        ),
        (
            "one measure twice",
            format!("{gtin}31030001953102000019"),
            vec![("3103", 20, Wrong::Excluded), ("3102", 30, Wrong::Excluded)],
        ),
        ("a currency", format!("{gtin}301\u{1D}3932123500"), vec![("3932", 24, Wrong::Currency)]),
    ] {
        let want: Vec<_> =
            want.into_iter().map(|(ai, at, wrong)| (String::from(ai), at, wrong)).collect();
        assert_eq!(faults(&element::parse(data.as_bytes())), want, "{name}: {data}");
    }
}

#[test]
fn separators_where_none_is_needed_do_no_harm() {
    let plain = element::parse(b"010400638133393117260131\x1D".strip_suffix(b"\x1D").unwrap());
    for data in [
        &b"\x1D010400638133393117260131"[..],
        b"0104006381333931\x1D17260131",
        b"010400638133393117260131\x1D",
        b"\x1D\x1D0104006381333931\x1D\x1D17260131\x1D\x1D",
    ] {
        let elements = element::parse(data);
        let values = |elements: &Elements<'_>| element::hri(&elements.list);
        assert_eq!((values(&elements), elements.faults.len()), (values(&plain), 0), "{data:02X?}");
    }
}

#[test]
fn a_faulty_code_is_gs1_all_the_same() {
    let scan = scan("]C10104006381333932172613311OAB");
    assert_eq!((scan.content, scan.gtin), (Content::Gs1, None));
    assert_eq!(
        said(&scan, "gs1-faults"),
        "at=15 fault=check-digit why=the check digit is wrong ai=01, \
         at=20 fault=date why=no such day ai=17, \
         at=24 fault=unknown-identifier why=no such identifier is given out"
    );
    assert_eq!((detail(&scan, "expiry"), detail(&scan, "gtin-14")), (None, None));
    assert_eq!(said(&scan, "gs1"), "01=04006381333932 17=261331");
}

#[test]
fn what_another_code_on_the_thing_may_have_is_no_fault() {
    for (data, missing) in [
        ("]C110AB", "ai=10 needs=01,02,03,8006,8026"),
        ("]C10204006381333931", "ai=02 needs=37"),
        ("]C1375", "ai=37 needs=00, ai=37 needs=02,8026"),
        ("]C10104006381333931250AB", "ai=250 needs=21"),
        ("]C101040063813339317004123", "ai=7004 needs=01+10"),
        ("]C10104006381333931217\u{1D}8030AbC-_", ""),
    ] {
        let scan = scan(data);
        assert_eq!(said(&scan, "gs1-missing"), missing, "{data}");
        assert_eq!(detail(&scan, "gs1-faults"), None, "{data}");
    }
}

#[test]
fn values_have_names_units_and_dates() {
    for (data, name, want) in [
        ("010400638133393117260200", "month-only", "expiry"),
        ("01040063813339311726020010A", "expiry", "2026-02-28"),
        ("01040063813339313103000195", "net-weight", "value=0.195 unit=kg"),
        // GS1 Digital Link Standard, examples of variable measures.
        ("0109520123456788310300019539220299\u{1D}17201225", "price", "value=2.99"),
        ("0109520123456788310300019539220299\u{1D}17201225", "expiry", "2020-12-25"),
        ("0104006381333931301\u{1D}393297812345", "price", "value=123.45 currency=EUR"),
        ("0104006381333931307", "count", "7"),
        ("0104006381333931700326013113", "expiry-time", ""),
        ("010400638133393170032601311345", "expiry-time", "2026-01-31T13:45"),
        ("010400638133393180082601311345", "production-time", "2026-01-31T13:45"),
        ("00006141411234567890", "sscc", "006141411234567890"),
        ("020400638133393137120", "content-gtin-14", "04006381333931"),
        ("020400638133393137120", "content-count", "120"),
        ("80060400638133393101022112", "serial", "12"),
    ] {
        assert_eq!(said(&scan(&format!("]C1{data}")), name), want, "{data}: {name}");
    }
    let piece = scan("]C1800604006381333931010221AB");
    assert_eq!(piece.gtin.unwrap().as_str(), "04006381333931");
}

#[test]
fn coupons_and_patients() {
    // The sample of the North American coupon, as several encoders have it.
    let coupon = scan("]e08110106141416543213500110000310123196000");
    assert_eq!((coupon.content, detail(&coupon, "gs1-faults")), (Content::Coupon, None));
    assert_eq!(said(&coupon, "coupon"), "106141416543213500110000310123196000");
    let patient = scan("]d280181234567890123456757253DOE\u{1D}725019700101");
    assert_eq!((patient.content, patient.sensitivity), (Content::Gs1, Sensitivity::Personal));
    assert!(patient.details.is_empty() && !patient.text.expose().contains("DOE"));
}

#[test]
fn people_are_masked_in_every_form_of_gs1_data() {
    for (name, message) in [
        ("a link", "https://a.example/8018/123456789012345675?7253=DOE&7250=19700101"),
        ("a link with a wrong key", "https://a.example/8018/123456789012345679?7253=DOE"),
        ("in brackets", "(8018)123456789012345675(7253)DOE"),
        ("in brackets, with a fault", "(8018)123456789012345679(7253)DOE"),
        ("an element string with a fault", "]d280181234567890123456797253DOE"),
    ] {
        let patient = scan(message);
        assert_eq!(
            (patient.content, patient.sensitivity),
            (Content::Gs1, Sensitivity::Personal),
            "{name}"
        );
        assert!(
            !format!("{:?} {}", patient.details, patient.text.expose()).contains("DOE"),
            "{name}"
        );
    }
    for (name, message) in [
        ("where a parcel goes", "]C1001234567890123456754301JANE DOE\u{1D}4308+491234"),
        ("an account", "]C141512345678901288007DE89370400440532013000"),
    ] {
        assert_eq!(scan(message).sensitivity, Sensitivity::Private, "{name}");
    }
}

#[test]
fn what_nothing_says_is_gs1_must_prove_it() {
    for (name, message, content) in [
        ("unnamed, two fields", "010400638133393117260131", Content::Gs1),
        ("unnamed, separators", "\u{1D}010400638133393110AB", Content::Gs1),
        ("an article number alone", "0104006381333931", Content::Text),
        ("another check digit", "010400638133393217260131", Content::Text),
        ("a wrong date", "010400638133393117261331", Content::Text),
        ("no key", "1726013110AB\u{1D}21X", Content::Text),
        ("a plain Code 128 says no", "]C0010400638133393117260131", Content::Text),
        ("a plain QR says no", "]Q1010400638133393117260131", Content::Text),
        ("in brackets", "(01)04006381333931(17)260131", Content::Gs1),
        ("in brackets, in a plain QR", "]Q1(01)04006381333931(10)A(1)", Content::Gs1),
        ("in brackets, wrong", "(01)04006381333932(17)260131", Content::Text),
        ("brackets of no identifier", "(see below)", Content::Text),
    ] {
        assert_eq!(scan(message).content, content, "{name}");
    }
}

#[test]
fn separators_that_a_scanner_has_replaced() {
    let rules = |texts: &[&str]| {
        let separators = Separators::new(texts.iter().map(|text| (*text).to_owned()).collect());
        Rules { shop: Shop { separators, ..Shop::default() }.into(), ..Rules::default() }
    };
    for (texts, message) in [
        (&["|"][..], "]C1010400638133393110AB|21X"),
        (&["~", "<GS>"], "]C1<GS>010400638133393110AB<GS>21X~"),
        (&["<GS>"], "<GS>010400638133393110AB<GS>21X"),
    ] {
        let scan = scanned(message, &rules(texts));
        assert_eq!(said(&scan, "gs1-hri"), "(01)04006381333931(10)AB(21)X", "{message}");
        assert_eq!(detail(&scan, "gs1-faults"), None, "{message}");
    }
    let plain = scan("]C1010400638133393110AB|21X");
    assert!(detail(&plain, "gs1-faults").is_some(), "nothing is replaced by itself");
}

/// From the tests of the GS1 Barcode Syntax Engine, `dl.c`: addresses, and what they say.
const LINKS: [(&str, &str); 30] = [
    // The seed of its fuzzer.
    ("https://id.gs1.org/01/12345678901231/21/XYZ", "(01)12345678901231(21)XYZ"),
    ("http://a/00/006141411234567890", "(00)006141411234567890"),
    ("HTTPS://a/00/006141411234567890", "(00)006141411234567890"),
    ("https://a:65535/01/12312312312333", "(01)12312312312333"),
    ("https://[2001:db8::1]/01/12312312312333", "(01)12312312312333"),
    ("https://a/more/stem/00/006141411234567890", "(00)006141411234567890"),
    ("https://a/00/faux/00/006141411234567890", "(00)006141411234567890"),
    (
        "https://a/01/12312312312333/22/TEST/10/ABC/21/XYZ",
        "(01)12312312312333(22)TEST(10)ABC(21)XYZ",
    ),
    ("https://a/01/12312312312333/235/TEST", "(01)12312312312333(235)TEST"),
    ("https://a/253/1231231231232TEST5678901234567", "(253)1231231231232TEST5678901234567"),
    ("https://a/8018/123456789012345675/8019/123", "(8018)123456789012345675(8019)123"),
    ("https://a/stem/00/006141411234567890?", "(00)006141411234567890"),
    ("https://a/stem/401/12345678?99=ABC", "(401)12345678(99)ABC"),
    ("https://a/01/12312312312333?&&&99=ABC&&&&98=XYZ&&&", "(01)12312312312333(99)ABC(98)XYZ"),
    ("https://a/01/12312312312333?unknown=666&99=ABC&one", "(01)12312312312333(99)ABC"),
    (
        "https://a/01/12312312312333/22/ABC%2d123?99=ABC&98=XYZ%2f987",
        "(01)12312312312333(22)ABC-123(99)ABC(98)XYZ/987",
    ),
    ("https://a/01/12312312312333/22/ABC+123", "(01)12312312312333(22)ABC+123"),
    (
        "https://a/01/12312312312333/22/test/10/abc/21/xyz#fragment",
        "(01)12312312312333(22)test(10)abc(21)xyz",
    ),
    ("https://id.gs1.org/01/09520123456788/22/2A", "(01)09520123456788(22)2A"),
    (
        "https://id.gs1.org/01/09520123456788/10/ABC1/21/12345?17=180426",
        "(01)09520123456788(10)ABC1(21)12345(17)180426",
    ),
    ("https://id.gs1.org/01/09520123456788?3103=000195", "(01)09520123456788(3103)000195"),
    (
        "https://example.com/01/09520123456788?3103=000195&3922=0299&17=201225",
        "(01)09520123456788(3103)000195(3922)0299(17)201225",
    ),
    ("https://id.gs1.org/00/952012345678912345", "(00)952012345678912345"),
    (
        "https://id.gs1.org/00/952012345678912345?02=09520123456788&37=25&10=ABC123",
        "(00)952012345678912345(02)09520123456788(37)25(10)ABC123",
    ),
    ("https://id.gs1.org/414/9520123456788/254/32a%2Fb", "(414)9520123456788(254)32a/b"),
    (
        "https://id.gs1.org/01/09520123456788/235/XYZ?10=ABC123",
        "(01)09520123456788(235)XYZ(10)ABC123",
    ),
    ("https://xn--fsq.xn--0zwm56d/01/12312312312333", "(01)12312312312333"),
    // GS1 Digital Link Standard, before 1.2: GTINs in fewer digits. They are filled up.
    ("https://a/01/02345673", "(01)00000002345673"),
    ("https://a/01/416000336108", "(01)00416000336108"),
    ("https://brand.example.com/some-extra/pathinfo/01/9520123456788", "(01)09520123456788"),
];

#[test]
fn links_are_taken_apart() {
    for (address, hri) in LINKS {
        let link = link::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(element::hri(&link.elements.list), hri, "{address}");
        let serious: Vec<_> = faults(&link.elements)
            .into_iter()
            .filter(|(_, _, wrong)| *wrong != Wrong::ShortGtin)
            .collect();
        assert_eq!(serious, [], "{address}");
        let scan = scan(&format!("]Q1{address}"));
        assert_eq!((scan.content, said(&scan, "gs1-hri").as_str()), (Content::Gs1, hri));
    }
    let short = link::parse("https://a/01/02345673").unwrap();
    assert_eq!(faults(&short.elements), [("01".to_owned(), 13, Wrong::ShortGtin)]);
}

#[test]
fn what_is_no_link_is_refused() {
    // The same source.
    for address in [
        "",
        "ftp://",
        "http:///",
        "http://a",
        "http://a/b/",
        "HtTp://a/b/00/006141411234567890",
        "https://00/006141411234567890",
        "https://[fe80::1%25lo]/01/12312312312333",
        "https://a$/00/006141411234567890",
        "https://a/gtin/12312312312333",
        "https://a/stem/00/006141411234567890/",
        "https://example.com/01/09520123456788/89/ABC123?99=XYZ",
        "https://a/01/12312312312333/10/ABC/22/TEST",
        "https://a/01/12312312312333/22/TEST/235/ABC",
        "https://a/01/12312312312333/10/A%00B",
    ] {
        assert!(link::parse(address).is_err(), "{address}");
        assert_ne!(scan(&format!("]Q1{address}")).content, Content::Gs1, "{address}");
    }
}

#[test]
fn what_is_wrong_with_a_link_is_told() {
    for (address, want) in [
        // The same source.
        ("https://a/253/1231231231232TEST56789012345678", ("253", Wrong::TooLong)),
        ("https://a/01/12312312312333?99=", ("99", Wrong::TooShort)),
        ("https://a/01/12312312312333?99=ABC&999=faux", ("", Wrong::Unknown)),
        ("https://a/01/12312312312333?99=ABC&98=XYZ+987", ("98", Wrong::Character)),
        ("https://example.com/01/09520123456788?10=ABC123", ("10", Wrong::NotInPath)),
        (
            "https://id.gs1.org/01/09520123456788/10/ABC123?99=XYZ789&99=XYZ789",
            ("99", Wrong::Repeated),
        ),
        ("https://id.gs1.org/01/09520123456788?21=A", ("21", Wrong::NotInQuery)),
        // Ours.
        ("https://a/01/12312312312334", ("01", Wrong::CheckDigit)),
        ("https://a/00/006141411234567890?17=261331", ("17", Wrong::Date)),
    ] {
        let link = link::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let found = faults(&link.elements);
        let found: Vec<_> = found.iter().map(|(ai, _, wrong)| (ai.as_str(), *wrong)).collect();
        assert!(found.contains(&want), "{address}: {found:?}");
    }
    // A path that only looks like a link's is an address like others; a wrong query is told.
    assert_eq!(scan("]Q1https://a/01/12312312312334").content, Content::Url);
    let query = scan("]Q1https://a/01/12312312312333?17=261331");
    assert_eq!(query.content, Content::Gs1);
    assert!(said(&query, "gs1-faults").contains("date"));
}

#[test]
fn element_strings_become_links() {
    for (hri, link) in [
        ("(01)09520123456788", "https://id.gs1.org/01/09520123456788"),
        (
            "(17)260131(21)X/1(01)09520123456788(10)AB(22)V",
            "https://id.gs1.org/01/09520123456788/22/V/10/AB/21/X%2F1?17=260131",
        ),
        ("(01)09520123456788(235)T(10)A", "https://id.gs1.org/01/09520123456788/10/A"),
        (
            "(01)09520123456788(3922)299(3103)000195",
            "https://id.gs1.org/01/09520123456788?3103=000195&3922=299",
        ),
        (
            "(00)952012345678912345(02)09520123456788(37)25",
            "https://id.gs1.org/00/952012345678912345?02=09520123456788&37=25",
        ),
    ] {
        let elements = element::parse_hri(hri).unwrap();
        match link::compose(link::CANONICAL, &elements.list) {
            Ok(composed) => assert_eq!(composed, link, "{hri}"),
            Err(error) => assert!(hri.contains("235"), "{hri}: {error}"),
        }
    }
    let list = |hri| element::parse_hri(hri).unwrap().list;
    assert_eq!(link::compose(link::CANONICAL, &list("(10)AB")), Err(link::Error::NoKey));
    let stem = link::compose("https://example.com/p/", &list("(01)09520123456788")).unwrap();
    assert_eq!(stem, "https://example.com/p/01/09520123456788");
    let canonical = scan("]Q1https://example.com/p/01/9520123456788/10/A?x=y&17=260131#z");
    assert_eq!(said(&canonical, "gs1-link"), "https://id.gs1.org/01/09520123456788/10/A?17=260131");
}

#[test]
fn the_page_names_every_detail_and_every_fault() {
    use tillbus::normalize::gs1::{ai::Says, rows};
    let page = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-docs/gs1.md"),
    )
    .unwrap();
    let details = rows().iter().filter_map(|row| match row.says {
        Says::Nothing | Says::Gtin | Says::Patient | Says::Private => None,
        Says::Coupon => Some("coupon"),
        Says::Text(name)
        | Says::Count(name)
        | Says::Date(name)
        | Says::Time(name)
        | Says::Measure(name, _)
        | Says::Amount(name)
        | Says::Money(name)
        | Says::Number(name) => Some(name),
    });
    let words = Wrong::ALL.iter().map(|wrong| wrong.word());
    let missing: Vec<&str> =
        details.chain(words).filter(|word| !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "protocol-docs/gs1.md lacks {missing:?}");
}

#[test]
fn whoever_asks_why_is_told_of_each_field() {
    use tillbus::event::{Aim, Reading, Symbology, Timestamp};
    let (aim, data) = Aim::split(b"]C101040063813339321726133110AB\x1D05X").unwrap();
    let reading = Reading {
        symbology: Some(Symbology::from_aim(aim)),
        aim: Some(aim),
        data: tillbus::secret::Secret::new(data.to_vec()),
        first: Timestamp(1),
        last: Timestamp(2),
    };
    let (_, steps) = tillbus::normalize::explain(reading, &Rules::default());
    let fields: Vec<&str> = steps
        .iter()
        .filter(|step| step.rule.starts_with("GS1"))
        .map(|step| step.why.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "gs1-128 carries GS1 data; it reads as (01)(17)(10), with 3 faults",
            "(01) GTIN, N14, with check digit, company prefix; byte 15: the check digit is wrong",
            "(17) USE BY or EXPIRY, N6, with date; byte 20: no such day",
            "(10) BATCH/LOT, X..20",
            "byte 29: no such identifier is given out",
        ]
    );
}

/// Fields of identifiers with values of the right characters.
fn some_fields() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let field = prop::sample::select(vec![
        ("01", "[0-9]{14}"),
        ("00", "[0-9]{18}"),
        ("10", "[!-\"%-?A-Z_a-z]{1,20}"),
        ("21", "[!-\"%-?A-Z_a-z]{1,20}"),
        ("17", "[0-9]{6}"),
        ("240", "[!-\"%-?A-Z_a-z]{1,30}"),
        ("3103", "[0-9]{6}"),
        ("3922", "[0-9]{1,15}"),
        ("99", "[!-\"%-?A-Z_a-z]{1,90}"),
        ("8020", "[!-\"%-?A-Z_a-z]{1,25}"),
    ]);
    let field = field.prop_flat_map(|(ai, values)| values.prop_map(move |value| (ai, value)));
    prop::collection::vec(field, 1..8)
}

fn elements<'a>(fields: &'a [(&'static str, String)]) -> Vec<Element<'a>> {
    let element = |(ai, value): &'a (&str, String)| Element {
        ai: Ai::of(ai).unwrap(),
        value: value.as_bytes().into(),
        at: 0,
    };
    fields.iter().map(element).collect()
}

fn pairs(list: &[Element<'_>]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|element| (element.ai.to_string(), element.value.to_vec())).collect()
}

proptest! {
    #[test]
    fn what_is_composed_is_parsed_back(fields in some_fields()) {
        let list = elements(&fields);
        let data = element::compose(&list);
        prop_assert_eq!(pairs(&element::parse(&data).list), pairs(&list));
    }

    #[test]
    fn a_composed_link_is_parsed_back(mut fields in some_fields()) {
        fields.insert(0, ("01", "04006381333931".to_owned()));
        fields.sort_by_key(|(ai, _)| *ai);
        fields.dedup_by_key(|(ai, _)| *ai);
        fields.retain(|(ai, _)| *ai != "8020" && *ai != "00");
        let list = elements(&fields);
        let link = link::compose(link::CANONICAL, &list).unwrap();
        let parsed = link::parse(&link).unwrap();
        let (mut found, mut want) = (pairs(&parsed.elements.list), pairs(&list));
        found.sort();
        want.sort();
        prop_assert_eq!(found, want);
        prop_assert!(parsed.elements.faults.iter().all(|fault| fault.at < link.len()));
    }

    #[test]
    fn no_input_panics(data in prop::collection::vec(any::<u8>(), 0..80), text in ".{0,80}") {
        let elements = element::parse(&data);
        prop_assert!(elements.faults.iter().all(|fault| fault.at <= data.len()));
        let _ = element::parse_hri(&text);
        let _ = link::parse(&text);
        let _ = link::parse(&format!("https://a/01/{text}?{text}"));
        let _ = scan(&format!("]C1{text}"));
    }

    #[test]
    fn digits_behind_any_identifier_do_not_panic(data in "[0-9\u{1D}A]{0,60}") {
        let elements = element::parse(data.as_bytes());
        prop_assert!(elements.faults.iter().all(|fault| fault.at <= data.len()));
    }
}
