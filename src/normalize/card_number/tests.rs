//! Card numbers in every carrier, and what is none. Test numbers that the schemes publish.

use proptest::prelude::*;

use super::*;
use crate::event::{Aim, Reading, Role, Scan, Symbology, Timestamp};
use crate::normalize::card::pan::Shown;
use crate::normalize::card::rules::{Range as Beginning, Ranges, TokenKey};
use crate::normalize::{self, Rules, Step};
use crate::secret::Secret;

const VISA: &str = "4111111111111111";
/// Every brand's, as its acquirers print it for tests, or made of its first range.
const NUMBERS: [(&str, &str); 17] = [
    ("visa", VISA),
    ("visa", "4222222222222"),
    ("mastercard", "5413330089020011"),
    ("mastercard", "2223003122003222"),
    ("amex", "378282246310005"),
    ("diners", "30569309025904"),
    ("discover", "6011000990139424"),
    ("jcb", "3530111333300000"),
    ("unionpay", "6200000000000005"),
    ("maestro", "6759649826438453"),
    ("mir", "2200000000000004"),
    ("bancontact", "67030000000000003"),
    ("diners", "38520000023237"),
    ("diners", "36000000000008"),
    ("maestro", "5000550000000029"),
    ("maestro", "6771798021000008"),
    ("maestro", "6799990100000000019"),
];

fn rules(financial: Option<Financial>) -> Rules {
    let cards = CardRules { financial, ..CardRules::default() };
    let encodings = vec![encoding_rs::UTF_8, encoding_rs::GB18030];
    Rules { cards: cards.into(), encodings, ..Rules::default() }
}

/// What is decided of bytes, an AIM identifier before them where there is one.
fn decided(bytes: &[u8], rules: &Rules) -> (Scan, Vec<Step>) {
    let split = Aim::split(bytes).filter(|(aim, _)| aim.is_known());
    let (aim, data) = split.map_or((None, bytes), |(aim, data)| (Some(aim), data));
    let symbology = aim.map(Symbology::from_aim);
    let data = Secret::copy_of(data);
    let reading = Reading { symbology, aim, data, first: Timestamp(1), last: Timestamp(2) };
    normalize::explain(reading, rules)
}

fn masked(text: &str) -> Scan {
    decided(text.as_bytes(), &rules(Some(Financial::Masked))).0
}

fn is_card(bytes: &[u8]) -> bool {
    decided(bytes, &rules(None)).0.sensitivity == Sensitivity::Card
}

/// Whether more of a number than may be shown of it is in a text, whatever stands between its digits.
fn tells(text: &str, number: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|one| one.is_ascii_digit() || *one == HIDDEN).collect()
    };
    let (text, number) = (bare(text), bare(number));
    number.as_bytes().windows(8).any(|piece| text.as_bytes().windows(8).any(|one| one == piece))
}

/// Groups of these lengths with a sign between them.
fn grouped(digits: &str, lengths: &[usize], sign: &str) -> String {
    let mut rest = digits;
    let mut groups = Vec::new();
    for length in lengths {
        let (group, more) = rest.split_at((*length).min(rest.len()));
        groups.push(group);
        rest = more;
    }
    groups.push(rest);
    groups.retain(|group| !group.is_empty());
    groups.join(sign)
}

#[test]
fn an_identifier_that_nobody_asked_for_hides_no_number() {
    for code in [format!("]E0{VISA}Quitten"), format!("]Q1{VISA}"), format!("]X9{VISA} 17")] {
        let data = Secret::copy_of(code.as_bytes());
        let (first, last) = (Timestamp(1), Timestamp(2));
        let reading = Reading { symbology: None, aim: None, data, first, last };
        let (scan, _) = normalize::explain(reading, &rules(None));
        assert_eq!(scan.sensitivity, Sensitivity::Card, "{code}");
    }
}

#[test]
fn every_brand_is_found_in_every_carrier() {
    for (brand, number) in NUMBERS {
        let utf_16: Vec<u8> = number.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wide: String =
            number.bytes().map(|b| char::from_u32(0xFF10 + u32::from(b - b'0')).unwrap()).collect();
        let percent: String = number.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let carriers = [
            ("alone", number.into()),
            ("in a QR code", format!("]Q1{number}").into_bytes()),
            ("in plain Code 128", format!("]C0{number}").into_bytes()),
            ("in ITF", format!("]I0{number}").into_bytes()),
            ("in a text", format!("Karte {number} bezahlt").into_bytes()),
            ("between letters", format!("x{number}y").into_bytes()),
            ("in fours", grouped(number, &[4, 4, 4, 4], " ").into_bytes()),
            ("in fours, something behind", format!("{} EUR", grouped(number, &[4; 4], "-")).into()),
            ("in odd groups", grouped(number, &[2, 5, 1, 3], ".").into_bytes()),
            ("with en dashes", grouped(number, &[4; 4], "\u{2013}").into_bytes()),
            ("with no-break spaces", grouped(number, &[4; 4], "\u{A0}").into_bytes()),
            ("on several lines", grouped(number, &[4; 4], "\r\n").into_bytes()),
            ("with zero-width spaces", grouped(number, &[1; 19], "\u{200B}").into_bytes()),
            ("with control characters", grouped(number, &[3; 19], "\u{1}").into_bytes()),
            ("in a link", format!("https://shop.example/pay?card={number}&x=1").into_bytes()),
            ("in a link's path", format!("https://shop.example/{number}/x").into_bytes()),
            ("in escapes", format!("https://shop.example/?c={percent}").into_bytes()),
            (
                "in a link with escaped spaces",
                format!("https://a.example/?c={}", grouped(number, &[4; 4], "%20")).into(),
            ),
            (
                "in a link with plus signs",
                format!("https://a.example/?c={}", grouped(number, &[4; 4], "+")).into(),
            ),
            ("in a link's host", format!("https://{number}.example/").into_bytes()),
            (
                "in a note of a vCard",
                format!("BEGIN:VCARD\r\nFN:x\r\nNOTE:{number}\r\nEND:VCARD").into(),
            ),
            ("in a network's name", format!("WIFI:S:{number};;").into_bytes()),
            ("full width", wide.into_bytes()),
            ("UTF-16, taken for text", utf_16.clone()),
            ("UTF-16 with a mark", [b"\xFF\xFE".as_slice(), &utf_16].concat()),
            ("in bytes", [b"\xFF\x80".as_slice(), number.as_bytes(), b"\xFE"].concat()),
            ("between GS1 separators", format!("a\u{1D}{number}\u{1D}b").into_bytes()),
            ("in a company's field of GS1", format!("]C10104006381333931{}{number}", 91).into()),
            ("alone where GS1 data should be", format!("]d2{number}").into_bytes()),
            ("the same in GS1-128", format!("]C1{number}").into_bytes()),
            ("the same with separators", format!("]C1\u{1D}{number}\u{1D}").into_bytes()),
            ("in a part of several", format!("]z6BC{number}").into_bytes()),
            ("track 1", format!("%B{number}^TEST/CARD^2512101000?").into_bytes()),
            ("track 2", format!(";{number}=25121010000?").into_bytes()),
            ("track 3", format!(";01{number}=278012?").into_bytes()),
            ("EMV's track 2 in digits", format!("5713{number}D25121010000").into_bytes()),
        ];
        for (name, bytes) in carriers {
            let (scan, steps) = decided(&bytes, &rules(Some(Financial::Masked)));
            assert_eq!(scan.sensitivity, Sensitivity::Card, "{name}: {brand} {number}");
            let told = format!("{:?} {:?} {}", scan.details, steps, scan.text.expose());
            assert!(!tells(&told, number), "{name}: {told}");
            assert!(told.contains(brand), "{name}: {told}");
            assert!(scan.raw.is_empty(), "{name}");
        }
    }
}

#[test]
fn what_is_shown() {
    let rows = [
        ("alone", "4111111111111111", "text", "************1111"),
        ("in fours", "4111 1111 1111 1111 1250", "text", "**** **** **** 1111 1250"),
        ("a number before it", "10 4111-1111-1111-1111 EUR", "text", "10 ****-****-****-1111 EUR"),
        ("an Amex and its date", "3782 822463 10005 12/25", "text", "**** ****** *0005 12/25"),
        ("two", "5413330089020011,4111111111111111", "text", "************0011,************1111"),
        (
            "in a link",
            "https://a.example/4111111111111111?b",
            "url",
            "https://a.example/************1111?b",
        ),
        (
            "in escapes",
            "https://a.example/%34111%201111%201111%201111",
            "url",
            "https://a.example/****%20****%20****%201111",
        ),
        ("full width", "４１１１１１１１１１１１１１１１", "text", "************1111"),
        ("a control character", "4111\u{1}111111111111", "text", "****␁********1111"),
        (
            "track 1",
            "%B4111111111111111^TEST/CARD^2512101000000000?x",
            "text",
            "%B************1111^*********^****************?x",
        ),
        ("track 2", ";4111111111111111=25121010000?", "text", ";************1111=***********?"),
        (
            "both",
            "%B4111111111111111^A/B^2512101?;4111111111111111=2512101?",
            "text",
            "%B************1111^***^*******?;************1111=*******?",
        ),
        (
            "track 2 without sentinels",
            "4111111111111111=25121010000",
            "text",
            "************1111=***********",
        ),
        (
            "track 2 of a wrong number",
            ";5452300551227189=08043210000000725?",
            "text",
            ";************7189=*****************?",
        ),
        (
            "a name that nothing ends",
            "%B4111111111111111^TEST/CARD\nbye",
            "text",
            "%B************1111^*********␊bye",
        ),
        (
            "an account",
            "IBAN DE89 3704 0044 0532 0130 00.",
            "text",
            "IBAN DE** **** **** **** **30 00.",
        ),
        (
            "an account and a card",
            "DE89370400440532013000 4111111111111111",
            "text",
            "DE****************3000 ************1111",
        ),
    ];
    for (name, text, content, want) in rows {
        let scan = masked(text);
        assert_eq!((scan.content.word(), scan.text.expose()), (content, want), "{name}");
        assert_eq!(scan.sensitivity, Sensitivity::Card, "{name}");
    }
}

#[test]
fn what_is_none() {
    for (name, text) in [
        ("a wrong check digit", "4111111111111112"),
        ("no issuer's", "1234567890123452"),
        ("a part of a longer run", "99411111111111111199"),
        ("all zeros", "0000000000000000"),
        ("an EAN-13 that nothing names", "4006381333931"),
        ("an ITF-14", "]I136000000000081"),
        ("an EAN-13 whose digits are a Visa's", "4000000000006"),
        ("two fields of GS1", "]C1104111\u{1D}21111111111111"),
        ("a serial number", "]C1010400638133393121412345678901234\u{1D}1012"),
        ("a serial number that passes", "]C10104006381333931214111111111111111"),
        ("a serial number in a link", "https://id.gs1.org/01/04006381333931/21/4111111111111111"),
        ("a batch that passes", "]C10104006381333931104111111111111111"),
        ("a phone number", "call +4915112345678"),
        ("a fraction", "4.111111111111111"),
        ("parted by a field's end", "41111111\u{1D}11111111"),
        ("parted by a letter", "41111111x11111111"),
        ("parted by a slash", "4111/1111/1111/1111"),
        ("too far apart", "4111    1111    1111    1111"),
        ("an account with a wrong check digit", "DE89370400440532013001"),
        ("an account of the wrong length", "DE893704004405320130000"),
        ("a date, a time, a number", "2026-11-26 14:30:12 4711"),
        ("a track of no card", "%E?;E?"),
        ("nothing", ""),
    ] {
        assert!(!is_card(text.as_bytes()), "{name}");
    }
}

#[test]
fn the_account_of_an_invoice_is_no_card_though_its_digits_pass_for_one() {
    // The digits are those of a Discover number with its check digit.
    let bill = "BCD\n002\n1\nSCT\n\nShop\nCH6501066346008255753\nEUR1\n\n\nThanks";
    let scan = masked(bill);
    assert_eq!((scan.content, scan.text.expose().contains("8255753")), (Content::MerchantQr, true));
}

#[test]
fn merchants_codes_stay_as_they_are_but_for_what_is_the_customer_s() {
    let emv = |fields: &str| {
        let body = format!(
            "00020101021102164111111111111111520400005303978540510.005802DE5901A6001B{fields}6304"
        );
        let crc = body.bytes().fold(0xFFFF_u16, |crc, byte| {
            (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            })
        });
        format!("{body}{crc:04X}")
    };
    let merchant = masked(&emv(""));
    assert_eq!(
        (merchant.content, merchant.sensitivity),
        (Content::MerchantQr, Sensitivity::Public)
    );
    let bill = masked(&emv("622001164111111111111111"));
    assert_eq!(bill.sensitivity, Sensitivity::Public, "a merchant's bill number");
    let loyal = masked(&emv("622004164111111111111111"));
    assert_eq!((loyal.content, loyal.sensitivity), (Content::MerchantQr, Sensitivity::Card));
    let told = format!("{:?} {}", loyal.details, loyal.text.expose());
    assert!(!tells(&told, VISA), "{told}");
    let transfer =
        |text: &str| format!("BCD\n002\n1\nSCT\n\nShop\nDE89370400440532013000\nEUR1\n\n\n{text}");
    let scan = masked(&transfer("thank you"));
    assert_eq!((scan.content, scan.sensitivity), (Content::MerchantQr, Sensitivity::Private));
    assert!(scan.text.expose().contains("DE89370400440532013000"), "{}", scan.text.expose());
    let scan = masked(&transfer(VISA));
    assert_eq!((scan.content, scan.sensitivity), (Content::MerchantQr, Sensitivity::Card));
    assert!(!tells(&format!("{:?} {}", scan.details, scan.text.expose()), VISA));
}

#[test]
fn roles_payments_and_the_shop_s_own_numbers_have_been_heard() {
    use crate::normalize::order_number::{Pattern, Patterns};
    let with = |role, number: &str, patterns: &[&str], allow: &[&str]| {
        let patterns = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let shop = normalize::Shop { order_numbers: Patterns::new(patterns), ..Default::default() };
        let allow = allow.iter().map(|text| Beginning::parse(text).unwrap()).collect();
        let cards = CardRules { allow: Ranges::new(allow), ..CardRules::default() };
        let rules = Rules { role, shop: shop.into(), cards: cards.into(), ..Rules::default() };
        let scan = decided(number.as_bytes(), &rules).0;
        (scan.content.word(), scan.sensitivity)
    };
    use Sensitivity::{Bearer, Card, Public};
    let all = ["[0-9]+"];
    for (name, role, number, patterns, allow, want) in [
        ("on goods", Role::Goods, VISA, &[][..], &[][..], ("text", Card)),
        ("on both", Role::Both, VISA, &[], &[], ("text", Card)),
        ("on payments it pays", Role::Payment, VISA, &[], &[], ("payment-code", Card)),
        (
            "one of no issuer's",
            Role::Payment,
            "9011111111111111",
            &[],
            &[],
            ("payment-code", Bearer),
        ),
        ("a gift card there", Role::Payment, VISA, &[], &["41111111"], ("payment-code", Bearer)),
        ("in groups it does not", Role::Payment, "4111 1111 1111 1111", &[], &[], ("text", Card)),
        ("a wide pattern", Role::Goods, VISA, &all, &[], ("text", Card)),
        ("a wide pattern on payments", Role::Payment, VISA, &all, &[], ("payment-code", Card)),
        ("a gift card", Role::Goods, VISA, &[], &["41111111"], ("text", Public)),
        ("one of a pattern", Role::Both, VISA, &all, &["41111111"], ("order-number", Public)),
        ("a wallet's", Role::Both, "6220485073630469939", &[], &[], ("payment-code", Bearer)),
        ("the same on goods", Role::Goods, "6220485073630469939", &[], &[], ("text", Card)),
    ] {
        assert_eq!(with(role, number, patterns, allow), want, "{name}");
    }
}

#[test]
fn a_number_in_the_place_of_gs1_data_leaves_no_field_behind() {
    for (number, identifier) in [
        (VISA, "411"),
        ("2223003122003222", "22"),
        ("30569309025904", "30"),
        ("3530111333300000", "3530"),
        ("378282246310005", "37"),
    ] {
        for policy in [Financial::Refuse, Financial::Masked, Financial::Allow] {
            let (scan, _) = decided(format!("]C1{number}").as_bytes(), &rules(Some(policy)));
            assert_eq!((scan.sensitivity, scan.gtin), (Sensitivity::Card, None), "{number}");
            let told = format!("{:?} {}", scan.details, scan.text.expose());
            let quoted = format!("{identifier:?}");
            assert!(!tells(&told, number) && !told.contains(&quoted), "{policy:?}: {told}");
            for field in ["gs1", "gs1-hri", "gs1-missing", "consumer-variant"] {
                assert!(!scan.details.iter().any(|(name, _)| *name == field), "{told}");
            }
        }
    }
}

#[test]
fn the_policy_says_what_is_let_out() {
    let detail = |scan: &Scan, wanted: &str| {
        let found = scan.details.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| format!("{value:?}"))
    };
    let text = "paid with 4111 1111 1111 1111";
    for (policy, shown, refused, taken) in [
        (None, "paid with **** **** **** ****", true, false),
        (Some(Financial::Refuse), "paid with **** **** **** ****", true, false),
        (Some(Financial::Masked), "paid with **** **** **** 1111", false, false),
        (Some(Financial::Allow), "paid with **** **** **** 1111", false, true),
    ] {
        let (scan, _) = decided(text.as_bytes(), &rules(policy));
        assert_eq!(scan.text.expose(), shown, "{policy:?}");
        assert_eq!(detail(&scan, "refused").is_some(), refused, "{policy:?}");
        assert_eq!(detail(&scan, "card").is_some(), !refused, "{policy:?}");
        assert_eq!(detail(&scan, "takeable").is_some(), taken, "{policy:?}");
        assert_eq!(scan.raw.expose(), if taken { text.as_bytes() } else { b"" }, "{policy:?}");
    }
    let account = "DE89370400440532013000";
    let (scan, _) = decided(account.as_bytes(), &rules(None));
    assert_eq!(scan.raw.expose(), account.as_bytes(), "no policy of cards is an account's");
    assert_eq!(detail(&scan, "iban"), Some(r#"Text("DE****************3000")"#.to_owned()));
    let both = format!("{account} {VISA}");
    assert!(decided(both.as_bytes(), &rules(None)).0.raw.is_empty());
}

#[test]
fn a_shop_can_show_who_issued_a_card_or_have_a_token() {
    let key = TokenKey { id: "2026".to_owned(), key: Secret::copy_of(&[7; 32][..]) };
    let token = key.token(VISA).value;
    for (cards, want) in [
        (CardRules { shown: Shown::Bin, ..CardRules::default() }, "411111******1111"),
        (CardRules { token: Some(key), ..CardRules::default() }, token.as_str()),
    ] {
        let cards = CardRules { financial: Some(Financial::Masked), ..cards };
        let rules = Rules { cards: cards.into(), ..Rules::default() };
        let (scan, _) = decided(VISA.as_bytes(), &rules);
        let told = format!("{:?}", scan.details);
        assert!(told.contains(want) && !tells(&told, VISA), "{told}");
    }
}

#[test]
fn people_who_ask_why_are_told_and_never_the_number() {
    for (text, want) in [
        (VISA, "one that visa gives out; its check digit is right"),
        ("4111111111111112", "none of its numbers of 12 to 19 digits"),
        ("DE89370400440532013000", "an account number: 22 characters"),
        ("%B1234567890123^X/Y^2512101?", "no known issuer's, on a whole track 1"),
    ] {
        let (_, steps) = decided(text.as_bytes(), &rules(None));
        let told: String =
            steps.iter().map(|step| format!("{}: {}\n", step.rule, step.why)).collect();
        assert!(told.contains(RULE) && told.contains(want), "{told}");
        assert!(!told.contains(text) && !tells(&told, text), "{told}");
    }
}

/// What grows with a text costs no more than so many looks at each of its bytes.
const MOST_STEPS: usize = 40;

#[test]
fn work_grows_with_the_text_and_no_faster() {
    let long = 64 * 1024;
    let allow = Ranges::default();
    for (name, piece) in [
        ("digits", "4111111111111111"),
        ("digits in fours", "4111 "),
        ("digits one by one", "4 "),
        ("short runs", "411111111111 "),
        ("numbers", "4111111111111111,"),
        ("runs that tracks may end", "41111111111111111112=2512101"),
        ("half a track", "%B4111111111111111^"),
        ("another", ";4111111111111111="),
        ("accounts that are none", "RU11 "),
        ("accounts", "DE89370400440532013000 "),
        ("escapes", "%34%31%31%31"),
        ("percent signs", "%"),
        ("control characters", "4\u{1}\u{1}\u{1}"),
        ("full width", "４１１１"),
        ("letters", "quitten"),
    ] {
        let text = piece.repeat(long / piece.len());
        let findings = in_text(&text, Wanted { allow: &allow, accounts: true });
        let most = MOST_STEPS * text.len();
        assert!(findings.steps < most, "{name}: {} steps", findings.steps);
        let half = in_text(
            text.split_at(text.len() / piece.len() / 2 * piece.len()).0,
            Wanted { allow: &allow, accounts: true },
        );
        assert!(findings.steps < half.steps * 2 + 10_000, "{name}: {} steps", findings.steps);
    }
}

/// Digits that end in their check digit.
fn with_check_digit(mut digits: String) -> String {
    let last = (b'0'..=b'9')
        .map(char::from)
        .find(|last| pan::passes_luhn(format!("{digits}{last}").as_bytes()));
    digits.extend(last);
    digits
}

const SIGNS: [&str; 14] =
    ["", "", " ", "-", ".", "+", "_", "\t", "\n", "\u{A0}", "\u{2013}", "\u{200B}", "\u{1}", " - "];

proptest! {
    #[test]
    fn no_masked_text_holds_the_number_in_any_groups(
        head in prop::sample::select(vec!["4", "51", "2221", "34", "6011", "3528", "62", "6759", "36"]),
        tail in "[0-9]{17}",
        signs in prop::collection::vec(prop::sample::select(SIGNS.to_vec()), 19),
        before in "([a-zA-Z:, ]{0,9}[:=(])?",
        behind in "([,)/][ -~]{0,20})?",
    ) {
        let length = match head { "34" => 15, "36" => 14, _ => 16 };
        let number = with_check_digit(format!("{head}{tail}").split_at(length - 1).0.to_owned());
        let written: Vec<String> = number
            .chars()
            .zip(&signs)
            .enumerate()
            .map(|(place, (digit, sign))| {
                if place + 1 < length { format!("{digit}{sign}") } else { digit.to_string() }
            })
            .collect();
        let text = format!("{before}{}{behind}", written.concat());
        // Two groups with a point between them are a fraction.
        prop_assume!(text.matches('.').count() != 1);
        let scan = masked(&text);
        prop_assert_eq!(scan.sensitivity, Sensitivity::Card, "{}", text);
        prop_assert!(!tells(scan.text.expose(), &number), "{}", text);
        prop_assert!(!tells(&format!("{:?}", scan.details), &number), "{}", text);
    }

    #[test]
    fn nothing_is_a_panic_and_what_holds_no_number_is_left_alone(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        text in "[0-9 %=^;?.+-]{0,80}",
    ) {
        let _ = is_card(&bytes);
        let scan = masked(&text);
        if scan.sensitivity == Sensitivity::Public && scan.content == Content::Text {
            let shown = scan.text.expose();
            prop_assert_eq!(shown, text::visible(&text));
        }
    }
}
