//! Codes that are passed on to a terminal beside their events, and those that are held back.

use super::retrofit::{ALIPAY, BOX, PORT, Retrofit, WECHAT};
use crate::support::client::{Client, SCANNER};
use crate::support::host::Bus;

/// With more in the terminal's table, and in the route's.
async fn open(terminal: &str, route: &str) -> Retrofit {
    let route = format!("send = \"line-crlf\"\n{route}");
    Retrofit::open(Bus::start(), terminal, &route, &[]).await
}

async fn passes_on(retrofit: &mut Retrofit, code: &str) {
    retrofit.scan(code).await;
    retrofit.terminal_hears(format!("{code}\r\n").as_bytes()).await;
}

async fn settle(client: &Client, sequence: u64, verdict: &str) {
    client.call_raw(BOX, SCANNER, "Settle", &(sequence, verdict)).await.unwrap();
}

#[tokio::test]
async fn a_payment_code_goes_to_the_terminal_beside_its_event_and_nothing_else_does() {
    let mut retrofit = open("", "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.scan("https://example.org/a").await;
    assert_eq!(client.scan().await.text, "https://example.org/a");
    passes_on(&mut retrofit, WECHAT).await;
    assert_eq!(client.scan().await.text, WECHAT);
}

#[tokio::test]
async fn without_an_owner_a_code_is_withheld_on_the_bus_and_goes_to_the_terminal() {
    let mut retrofit = open("", "").await;
    let client = retrofit.client().await;
    passes_on(&mut retrofit, WECHAT).await;
    let (_, kind): (u64, String) = client.signal("Withheld").await.body();
    assert_eq!(kind, "payment-code");
    let heard = client.left_over();
    assert!(!heard.iter().any(|signal| signal.member() == "Fault"), "nobody is missing: {heard:?}");
    assert!(!heard.iter().any(|signal| signal.text().contains(WECHAT)));
}

#[tokio::test]
async fn a_cable_that_was_cut_before_the_first_byte_costs_nothing_and_the_code_pays_once() {
    let mut retrofit = open("", "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.cut().await;
    client.until_state(PORT, "absent").await;
    retrofit.scan(WECHAT).await;
    let scan = client.scan().await;
    let fault = client.take("the fault", |signal| signal.text().contains("not passed on")).await;
    assert!(fault.text().contains("not-forwarded") && fault.text().contains("its state is absent"));
    retrofit.mend(&client).await;
    // The cashier scans it again, once the sensor has seen it leave.
    retrofit.scan("https://example.org/a").await;
    passes_on(&mut retrofit, WECHAT).await;
    settle(&client, scan.sequence, "used").await;
    retrofit.scan("https://example.org/b").await;
    retrofit.scan(WECHAT).await;
    let fault = client.take("the fault", |signal| signal.text().contains("held-back")).await;
    assert!(fault.text().contains("a payment with it is under way, was made"));
    passes_on(&mut retrofit, ALIPAY).await;
}

#[tokio::test]
async fn a_code_of_which_nobody_knows_is_held_back_until_somebody_says() {
    let answers = "[device.protocol]\nack = \"ACK\"\nnak = \"NAK\"\nreply-ms = 60000";
    let mut retrofit = open(answers, "").await;
    let client = retrofit.client().await;
    client.claim(BOX, &[]).await.unwrap();
    passes_on(&mut retrofit, WECHAT).await;
    client.scan().await;
    // It has the code, and the cable is cut before it can say so.
    retrofit.cut().await;
    let fault = client.take("the fault", |signal| signal.text().contains("forward-unclear")).await;
    assert!(fault.text().contains("whether port has a code is not known"));
    retrofit.mend(&client).await;
    retrofit.scan("https://example.org/a").await;
    retrofit.scan(WECHAT).await;
    client.take("the fault", |signal| signal.text().contains("held-back")).await;
    client.until_scanned("https://example.org/a").await;
    let again = client.scan().await;
    assert_eq!(again.text, WECHAT, "the event comes all the same");
    // Over a crash too.
    retrofit.kill().await;
    let start = retrofit.start.clone();
    retrofit.restart(&start).await;
    client.until_state(PORT, "ready").await;
    client.until_state(BOX, "ready").await;
    client.claim(BOX, &[]).await.unwrap();
    retrofit.scan(WECHAT).await;
    client.take("the fault", |signal| signal.text().contains("held-back")).await;
    let again = client.scan().await;
    settle(&client, again.sequence, "unused").await;
    retrofit.scan("https://example.org/c").await;
    passes_on(&mut retrofit, WECHAT).await;
    retrofit.answer(b"\x06").await;
}

#[tokio::test]
async fn a_terminal_that_refuses_a_code_may_have_it_again() {
    let answers = "[device.protocol]\nack = \"ACK\"\nnak = \"NAK\"\nreply-ms = 60000";
    let mut retrofit = open(answers, "").await;
    let client = retrofit.client().await;
    passes_on(&mut retrofit, WECHAT).await;
    retrofit.answer(b"\x15").await;
    let fault = client.take("the fault", |signal| signal.text().contains("not-forwarded")).await;
    assert!(fault.text().contains("the terminal refused it"), "{}", fault.text());
    retrofit.scan("https://example.org/a").await;
    passes_on(&mut retrofit, WECHAT).await;
    retrofit.answer(b"\x06").await;
}

#[tokio::test]
async fn goods_are_passed_on_where_the_route_says_so_each_time() {
    let mut retrofit = open("", "when = [\"gtin\", \"text\"]").await;
    for _ in 0..2 {
        // Two tins are two tins.
        passes_on(&mut retrofit, "4006381333931").await;
    }
    retrofit.scan(WECHAT).await;
    passes_on(&mut retrofit, "shelf 7").await;
}
