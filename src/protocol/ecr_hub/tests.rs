use super::*;
use crate::frame::paycloud::{self, LONGEST, Packet};
use crate::protocol::Opening;
use crate::settings::File;

fn configured(options: &str) -> Result<Configured, String> {
    let file = File { name: "options".to_owned(), text: format!("p = {{ {options} }}") };
    let document = file.parse().map_err(|error| error.to_string())?;
    let section = document.root().section("p").map_err(|error| error.to_string())?;
    configure(&section.unwrap()).map_err(|error| error.to_string())
}

const APP: &str = "app-id = \"wz6012822ca2f1as78\"";

/// A terminal that has confirmed the greeting, and is sent the order.
fn ordered(order: Order) -> (Box<dyn Protocol>, Output) {
    let mut protocol = (configured(APP).unwrap().factory)();
    let mut out = Output::default();
    protocol.opened(Timestamp(0), Opening::Fresh, &mut out);
    protocol.instruct(Timestamp(0), Instruction::Begin(order), &mut out).unwrap();
    let confirmation = Packet::empty(paycloud::Kind::Confirmation).bytes();
    protocol.receive(Timestamp(0), Input::Bytes(&confirmation), &mut out);
    (protocol, out)
}

fn items(out: &mut Output) -> Vec<Item> {
    std::iter::from_fn(|| out.pop()).collect()
}

#[test]
fn what_is_configured_is_checked() {
    for (options, want) in [
        ("", None),
        (APP, None),
        ("app-id = \"not one\"", Some("letters and digits")),
        ("app-id = \"\"", Some("letters and digits")),
        ("till = \"thirteenchars\"", Some("12 at most")),
        ("scenario = \"cash\"", Some("customer-scans")),
        ("scenario = \"terminal-scans\"", Some("method")),
        ("scenario = \"terminal-scans\", method = \"WechatPay\"", None),
        ("method = \"\"", Some("64 bytes")),
    ] {
        let error = configured(options).err();
        let has = |want: &str| error.as_ref().is_some_and(|error| error.contains(want));
        assert_eq!(error.is_some(), want.is_some(), "{options}: {error:?}");
        assert!(want.is_none_or(has), "{options}: {error:?}");
    }
    assert!(configured("").unwrap().capabilities.is_empty());
    assert!(!configured(APP).unwrap().capabilities.contains(&"close"));
    let close = configured(&format!("{APP}, batch-close = true")).unwrap();
    assert!(close.capabilities.contains(&"close"));
}

#[test]
fn nothing_is_said_before_there_is_something_to_say() {
    for opening in [Opening::Fresh, Opening::Adopted] {
        let mut out = Output::default();
        (configured(APP).unwrap().factory)().opened(Timestamp(0), opening, &mut out);
        assert!(out.is_empty());
    }
}

#[test]
fn that_it_is_sending_is_on_disk_before_the_order_and_the_longest_order_fits() {
    let options = format!(
        "app-id = \"{}\", till = \"{}\", scenario = \"terminal-scans\", method = \"{}\"",
        "a".repeat(32),
        "t".repeat(12),
        "m".repeat(64)
    );
    let mut protocol = (configured(&options).unwrap().factory)();
    let mut out = Output::default();
    let order =
        Order { began: u64::MAX, ..Order::new(u64::MAX, Operation::Payment, u64::MAX, None) };
    protocol.instruct(Timestamp(0), Instruction::Begin(order), &mut out).unwrap();
    let confirmation = Packet::empty(paycloud::Kind::Confirmation).bytes();
    protocol.receive(Timestamp(0), Input::Bytes(&confirmation), &mut out);
    let items = items(&mut out);
    let [Item::Write(..), Item::Persist(Entry::Sending), Item::Write(bytes, Some(_))] =
        items.as_slice()
    else {
        panic!("{items:?}")
    };
    assert!(bytes.len() < LONGEST, "{}", bytes.len());
}

#[test]
fn what_cannot_be_ordered_is_refused_before_anything_is_sent() {
    let mut protocol = (configured(APP).unwrap().factory)();
    let mut out = Output::default();
    for (operation, receipt, want) in [
        (Operation::Refund, None, Refusal::Unsupported),
        (Operation::Close, None, Refusal::Unsupported),
        (Operation::Totals, None, Refusal::Unsupported),
        (Operation::Diagnosis, None, Refusal::Unsupported),
        (Operation::RepeatReceipt, None, Refusal::Unsupported),
        (
            Operation::Reversal,
            Some(1),
            Refusal::Unfit("the ledger has no approved transaction of this receipt number"),
        ),
    ] {
        let order = Order::new(1, operation, 1250, receipt);
        let told = protocol.instruct(Timestamp(0), Instruction::Begin(order), &mut out);
        assert_eq!(told, Err(want), "{operation:?}");
    }
    assert!(out.is_empty());
}

#[test]
fn an_order_is_sent_once_whatever_becomes_of_it() {
    let order = Order::new(1, Operation::Payment, 1250, None);
    let is_order = |item: &Item| {
        let Item::Write(bytes, _) = item else { return false };
        memchr::memmem::find(bytes, b"ecrhub.pay.order").is_some()
    };
    let (mut protocol, mut out) = ordered(order.clone());
    let (mut now, mut orders) = (Timestamp(0), 0);
    loop {
        orders += items(&mut out).iter().filter(|item| is_order(item)).count();
        let Some(deadline) = protocol.deadline() else { break };
        now = now.max(deadline);
        protocol.timeout(now, &mut out);
    }
    // It was not acknowledged. Asking about it does not order it.
    protocol.instruct(now, Instruction::Enquire(order), &mut out).unwrap();
    while let Some(deadline) = protocol.deadline() {
        now = now.max(deadline);
        protocol.timeout(now, &mut out);
        let confirmation = Packet::empty(paycloud::Kind::Confirmation).bytes();
        protocol.receive(now, Input::Bytes(&confirmation), &mut out);
        orders += items(&mut out).iter().filter(|item| is_order(item)).count();
    }
    assert_eq!(orders, 1);
}

/// The answer of the vendor's sample to the first order of a ledger.
const SAMPLE: &str = r#"{"app_id":"yourappid","biz_data":{"confirm_on_terminal":false,"expires":30,"merchant_order_no":"0000000000T00000001","order_amount":"20.34","pay_method_id":"Visa","pay_scenario":"SWIPE_CARD","trans_end_time":"2025-01-13 14:36:09","trans_no":"5021000010210602000003","trans_status":"2","trans_type":"1"},"request_id":"0000000000T00000001","response_code":"000","response_msg":"Success","topic":"ecrhub.pay.order"}"#;

#[test]
fn whatever_is_changed_in_an_answer_it_is_never_taken_for_another_approval() {
    let order = Order::new(1, Operation::Payment, 2034, None);
    let mut approved = 0;
    for place in 0..SAMPLE.len() {
        for change in [1, 2, 4, 0x10, 0x40] {
            let mut data = SAMPLE.as_bytes().to_vec();
            data[place] ^= change;
            let (mut protocol, mut out) = ordered(order.clone());
            let packet = Packet { kind: paycloud::Kind::Normal, ack: 1, id: 1, data: &data };
            protocol.receive(Timestamp(1), Input::Bytes(&packet.bytes()), &mut out);
            let items = items(&mut out);
            if !items.contains(&Item::Persist(Entry::Ended(Ending::Approved))) {
                continue;
            }
            approved += 1;
            let told = items.iter().find_map(|item| match item {
                Item::Persist(Entry::Answer(answer)) => Some(answer),
                _ => None,
            });
            let told = told.unwrap();
            assert!(told.approved && told.transaction == Some(1) && told.code == "000");
            assert!(told.amount.is_some_and(|amount| amount <= 2034), "{told:?}");
            let written = items
                .iter()
                .position(|item| *item == Item::Persist(Entry::Ended(Ending::Approved)));
            let taken = items
                .iter()
                .position(|item| *item == Item::Write(Packet::acknowledging(1).bytes(), None));
            assert!(written < taken, "it is on disk before it is acknowledged");
        }
    }
    assert!(approved > 500, "{approved}");
}
