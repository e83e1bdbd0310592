use super::*;
use crate::event::terminal::Original;
use crate::secret::Secret;

fn options() -> Options {
    Options {
        app: "wz6012822ca2f1as78".into(),
        till: String::new(),
        scenario: "SWIPE_CARD",
        method: None,
        not_found: vec!["104".into()],
    }
}

fn sale() -> Order {
    // The second is that of the vendor's sample.
    Order { began: 1_739_327_779_762_000, ..Order::new(42, Operation::Payment, 2034, None) }
}

const NUMBER: &str = "1739327779T00000042";

fn read(text: &str) -> Reply {
    Reply::read(text.as_bytes()).unwrap()
}

/// The answer of the vendor's sample, with an order number of ours.
fn sample(topic: &str) -> String {
    format!(
        r#"{{"app_id":"yourappid","biz_data":{{"confirm_on_terminal":false,"expires":30,
        "merchant_order_no":"{NUMBER}","order_amount":"20.34","pay_method_id":"Visa",
        "pay_scenario":"SWIPE_CARD","trans_end_time":"2025-01-13 14:36:09",
        "trans_no":"5021000010210602000003","trans_status":"2","trans_type":"1"}},
        "response_code":"000","response_msg":"Success","topic":"{topic}"}}"#
    )
}

#[test]
fn an_order_has_the_fields_of_the_vendors_sample() {
    let message: Json = serde_json::from_slice(&order(&options(), &sale())).unwrap();
    assert_eq!(
        message,
        json!({
            "app_id": "wz6012822ca2f1as78",
            "timestamp": "1739327779762",
            "topic": "ecrhub.pay.order",
            "request_id": NUMBER,
            "biz_data": {
                "trans_type": "1",
                "expires": 180,
                "merchant_order_no": NUMBER,
                "order_amount": "20.34",
                "price_currency": "EUR",
                "pay_scenario": "SWIPE_CARD",
                "confirm_on_terminal": false,
            },
        })
    );
}

#[test]
fn a_reversal_names_the_order_that_it_is_about_and_no_amount() {
    let original = Some(Original { amount: Some(2034), trace: Some(1_739_327_779) });
    let reversal = Order::new(43, Operation::Reversal, 0, Some(42));
    assert!(unfit(&options(), &reversal).is_some(), "nothing is known of it");
    let reversal = Order { original, ..reversal };
    assert_eq!(unfit(&options(), &reversal), None);
    let message: Json = serde_json::from_slice(&order(&options(), &reversal)).unwrap();
    let data = &message["biz_data"];
    assert_eq!(
        (&data["trans_type"], &data["orig_merchant_order_no"]),
        (&json!("2"), &json!(NUMBER))
    );
    assert_eq!((data.get("order_amount"), data.get("price_currency")), (None, None));
}

#[test]
fn order_numbers_are_of_32_letters_and_digits_at_most_and_no_card_numbers() {
    let number = number(&"t".repeat(12), 9_999_999_999, 99_999_999);
    assert_eq!(number.len(), 31);
    assert!(number.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(mask::masked(&number), number);
}

#[test]
fn order_numbers_are_read_back_and_others_are_none_of_ours() {
    assert_eq!(parts("", NUMBER), Some((1_739_327_779, 42)));
    assert_eq!(parts("T1", "T11739327779T00000042"), Some((1_739_327_779, 42)));
    for other in [
        "",
        "20241118210100",
        "1739327779T42",
        "739327779T00000042",
        "+739327779T00000042",
        "1739327779T00000042x",
        "x1739327779T00000042",
        "T",
        "1739327779T",
    ] {
        assert_eq!(parts("", other), None, "{other}");
    }
}

#[test]
fn an_answer_that_comes_late_is_kept_where_it_says_how_an_order_went() {
    let late = read(&sample("ecrhub.pay.order")).late(&options()).unwrap();
    assert_eq!((late.approved, late.transaction, late.amount), (true, Some(42), None));
    let named = sample("ecrhub.pay.query")
        .replace(r#""trans_type""#, r#""price_currency":"EUR","trans_type""#);
    assert_eq!(read(&named).late(&options()).unwrap().amount, Some(2034));
    let other = sample("ecrhub.pay.order").replace(NUMBER, "20241118210100");
    assert_eq!(read(&other).late(&options()).unwrap().transaction, None);
    let open = sample("ecrhub.pay.query").replace(r#""trans_status":"2""#, r#""trans_status":"0""#);
    for text in [open.as_str(), "{}", &sample("ecrhub.pay.close")] {
        assert!(read(text).late(&options()).is_none(), "{text}");
    }
}

#[test]
fn a_code_has_no_place() {
    let order = Order { code: Some(Secret::new(b"135112298638468293".to_vec())), ..sale() };
    assert!(unfit(&options(), &order).is_some());
}

#[test]
fn the_vendors_sample_is_an_approval() {
    for topic in ["ecrhub.pay.order", "ecrhub.pay.query"] {
        let reply = read(&sample(topic));
        assert_eq!((reply.verdict(), reply.finding(&options())), (Verdict::Yes, Verdict::Yes));
        let answer = reply.answer(&options(), &sale(), Verdict::Yes);
        assert_eq!(
            (answer.approved, answer.amount, answer.transaction),
            (true, Some(2034), Some(42))
        );
        assert_eq!((answer.receipt, answer.trace), (Some(42), Some(1_739_327_779)));
        assert_eq!((answer.code.as_str(), answer.text.as_str()), ("000", "Success"));
        assert_eq!(answer.brand.as_deref(), Some("Visa"));
        assert_eq!(answer.clock.to_string(), "01-13 14:36:09");
        assert_eq!(sale().misfit(&answer, None), None);
        assert!(
            answer
                .details
                .contains(&("transaction-number", "5021000010210602000003".to_owned().into()))
        );
    }
}

#[test]
fn only_a_code_and_a_status_together_are_a_yes() {
    use Verdict::{Failed, Neither, No, NotFound, UnderWay, Yes};
    let (closed, cancelled) = (No { stopped: false }, No { stopped: true });
    // The code, the status, as the answer to an order, to a query.
    let rows = [
        ("000", "2", Yes, Yes),
        ("000", "1", Neither, closed),
        ("000", "3", Neither, cancelled),
        ("000", "0", Neither, UnderWay),
        ("000", "9", Neither, UnderWay),
        ("000", "", Neither, Neither),
        ("000", "7", Neither, Neither),
        ("001", "1", closed, closed),
        ("001", "3", cancelled, cancelled),
        ("001", "2", Neither, Neither),
        ("001", "0", Neither, UnderWay),
        ("001", "", Failed, Neither),
        ("104", "", Failed, NotFound),
        ("104", "2", Neither, Neither),
        ("112", "", Neither, Neither),
        ("112", "1", Neither, closed),
        ("0", "2", Neither, Neither),
        ("0", "", Neither, Neither),
        ("", "2", Neither, Neither),
        ("", "", Neither, Neither),
    ];
    for (code, status, order, query) in rows {
        let field =
            if status.is_empty() { String::new() } else { format!(r#""trans_status":"{status}""#) };
        let reply = read(&format!(r#"{{"response_code":"{code}","biz_data":{{{field}}}}}"#));
        assert_eq!(
            (reply.verdict(), reply.finding(&options())),
            (order, query),
            "{code:?} {status:?}"
        );
    }
}

#[test]
fn fields_may_be_numbers_and_missing_ones_are_missing() {
    let reply = read(r#"{"response_code":"000","biz_data":{"trans_status":2}}"#);
    assert_eq!(reply.verdict(), Verdict::Yes);
    assert_eq!((reply.topic(), reply.request(), reply.number()), (None, None, None));
    let answer = reply.answer(&options(), &sale(), Verdict::Yes);
    assert_eq!((answer.transaction, answer.receipt, answer.amount), (None, None, None));
    for text in ["{}", r#"{"biz_data":"{}"}"#, r#"{"biz_data":null,"response_code":[]}"#] {
        assert_eq!(read(text).verdict(), Verdict::Neither, "{text}");
    }
}

#[test]
fn what_is_no_message() {
    let deep = "[".repeat(1_000);
    for text in ["", "{", "[]", "1", "null", "{\"a\":1}x", deep.as_str()] {
        assert!(Reply::read(text.as_bytes()).is_none(), "{text}");
    }
    assert!(Reply::read(b"{\"a\":\"\xFF\"}").is_none());
}

#[test]
fn amounts_are_in_major_units() {
    let (yen, dinar) = (Currency::from_code("JPY").unwrap(), Currency::from_code("KWD").unwrap());
    for (currency, text, want) in [
        (Currency::EUR, "20.34", Some(2034)),
        (Currency::EUR, "20.3", Some(2030)),
        (Currency::EUR, "20", Some(2000)),
        (Currency::EUR, "0.05", Some(5)),
        (Currency::EUR, "20.340", Some(2034)),
        (Currency::EUR, "20.345", None),
        (Currency::EUR, "20,34", None),
        (Currency::EUR, "-1.00", None),
        (Currency::EUR, "1e3", None),
        (Currency::EUR, ".5", None),
        (Currency::EUR, "", None),
        (Currency::EUR, "99999999999999999999", None),
        (yen, "1250", Some(1250)),
        (yen, "1250.00", Some(1250)),
        (yen, "1250.50", None),
        (dinar, "1.25", Some(1250)),
    ] {
        assert_eq!(minor(currency, text), want, "{text} {}", currency.code);
    }
}

#[test]
fn an_answer_for_another_earlier_order_does_not_fit() {
    let original = Some(Original { amount: Some(2034), trace: Some(1_739_327_779) });
    let reversal = Order { original, ..Order::new(43, Operation::Reversal, 0, Some(42)) };
    let answer = |field: &str| {
        let own = own_number(&options(), &reversal);
        let text = format!(
            r#"{{"response_code":"000","biz_data":{{"merchant_order_no":"{own}",
            "order_amount":"20.34","trans_status":"2"{field}}}}}"#
        );
        read(&text).answer(&options(), &reversal, Verdict::Yes)
    };
    let named = format!(r#","orig_merchant_order_no":"{NUMBER}""#);
    let other = r#","orig_merchant_order_no":"1739327779T00000041""#;
    assert_eq!(reversal.misfit(&answer(""), None), None);
    assert_eq!(reversal.misfit(&answer(&named), None), None);
    assert!(reversal.misfit(&answer(other), None).is_some());
}

#[test]
fn no_card_number_is_left_whole() {
    let text = r#"{"response_code":"4111111111111111","response_msg":"card 4111111111111111 refused\n",
        "biz_data":{"card_no":"4111111111111111","pay_method_id":"5413330089020011",
        "auth_code":"378282246310005","trans_no":"6011000990139424","ref_no":"3530111333300000",
        "card_holder_name":"6200000000000005"}}"#;
    let answer = read(text).answer(&options(), &sale(), Verdict::Failed);
    let all = format!("{answer:?}");
    for pan in [
        "4111111111111111",
        "5413330089020011",
        "378282246310005",
        "6011000990139424",
        "3530111333300000",
        "6200000000000005",
    ] {
        assert!(!all.contains(pan), "{pan} in {all}");
    }
    assert_eq!(answer.text, "card ************1111 refused");
    assert_eq!(answer.pan_masked.as_deref(), Some("************1111"));
}
