//! What the cashier is asked: signatures and referrals, over clients' deaths, crashes and cut cables.

use zbus::OwnedObjectPath;

use super::terminal::{OBJECT, TERMINAL, TRANSACTION, Till, begin, completed, pay};
use crate::support::client::{Client, DEVICE, Dict, Failed, MANAGER, ROOT};
use crate::support::host::soon;

/// A till that asks, with one payment made so that there is a receipt before.
async fn till() -> (Till, Client) {
    let till = Till::asking("signature = \"ask\", referral = [\"02\"]").await;
    let client = till.ready().await;
    let path = pay(&client, "before", 800).await.unwrap();
    assert_eq!(completed(&client, &path).await.0, "approved");
    (till, client)
}

async fn answer(client: &Client, path: &str, word: &str) -> Result<(), Failed> {
    client.call_raw(path, TRANSACTION, "Answer", &(word,)).await.map(drop)
}

async fn result(client: &Client, path: &str) -> Dict {
    client.call(path, TRANSACTION, "GetResult", &()).await.unwrap()
}

/// Waits until the cashier is asked something in a transaction, and what.
async fn asked(client: &Client, path: &str) -> Dict {
    loop {
        let signal = client.signal("Progress").await;
        let (state, details): (String, Dict) = signal.body();
        if signal.path() == path && details.has("question") {
            assert_eq!(state, "awaiting-cashier");
            return details;
        }
    }
}

/// Pays, up to the question.
async fn pay_and_sign(till: &Till, client: &Client, key: &str) -> String {
    till.behave("signature").await;
    let path = pay(client, key, 1250).await.unwrap();
    let question = asked(client, &path).await;
    assert_eq!(question.text("question"), "signature", "{question:?}");
    path
}

#[tokio::test]
async fn a_signature_counts_when_the_cashier_says_so() {
    let (till, client) = till().await;
    let path = pay_and_sign(&till, &client, "sale 1").await;
    let open = result(&client, &path).await;
    assert_eq!((open.text("state"), open.text("question")), ("awaiting-cashier", "signature"));
    assert!(open.flag("signature") && open.has("receipts") && !open.has("authorised"), "{open:?}");
    let error = answer(&client, &path, "perhaps").await.unwrap_err();
    assert_eq!(error.name, "InvalidArgument");
    assert!(error.message.contains("accepted: yes, no"), "{error:?}");
    let error = client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap_err();
    assert_eq!(error.name, "NotReady", "{error:?}");
    let error = pay(&client, "sale 2", 1).await.unwrap_err();
    assert_eq!(error.name, "TransactionInProgress");
    answer(&client, &path, "yes").await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!((outcome.as_str(), result.number("authorised")), ("approved", 1250));
    assert!(!result.has("question") && !result.has("undone-by"), "{result:?}");
    assert_eq!(answer(&client, &path, "no").await.unwrap_err().name, "Expired");
}

#[tokio::test]
async fn a_refused_signature_is_one_reversal_of_that_receipt() {
    let (till, client) = till().await;
    let path = pay_and_sign(&till, &client, "sale 1").await;
    let receipt = result(&client, &path).await.small("receipt");
    let both = tokio::join!(answer(&client, &path, "no"), answer(&client, &path, "no"));
    assert!(both.0.is_ok() != both.1.is_ok(), "once: {both:?}");
    let (outcome, payment) = completed(&client, &path).await;
    assert_eq!(outcome, "declined", "{payment:?}");
    assert!(payment.text("reason").contains("refused the signature"), "{payment:?}");
    let undoing = payment.path("undone-by");
    let reversal = result(&client, &undoing).await;
    assert_eq!((reversal.text("operation"), reversal.text("state")), ("reversal", "approved"));
    assert_eq!(reversal.path("undoes"), path);
    let rows = tillbus::ledger::Book::read(&till.ledger).unwrap().rows().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].intent.receipt, Some(receipt));
    // The terminal's books and ours agree at the end of the day.
    till.behave("approve").await;
    let close = begin(&client, "close", "close", &[]).await.unwrap();
    let (_, closed) = completed(&client, &close).await;
    assert!(closed.flag("totals-agree"), "{closed:?}");
}

#[tokio::test]
async fn a_question_outlives_its_client_and_the_daemon() {
    let (mut till, client) = till().await;
    let path = pay_and_sign(&till, &client, "sale 1").await;
    // The question is on disk before the completion is acknowledged; a terminal that never hears that is busy
    // for a quarter of a minute. Its session answers this once it has written the acknowledgement.
    client.call_raw(OBJECT, DEVICE, "Diagnose", &()).await.unwrap();
    client.leave().await;
    till.crash().await;
    let client = till.ready().await;
    let found: OwnedObjectPath =
        client.call(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    assert_eq!(found.as_str(), path);
    let status: Dict = client.call(OBJECT, TERMINAL, "Status", &()).await.unwrap();
    assert_eq!(status.path("transaction"), path);
    assert_eq!(result(&client, &path).await.text("question"), "signature");
    refuse(&client, &path).await;
}

/// The cashier refuses it, as often as it is asked: the terminal may still be at what it was at when the
/// daemon crashed.
async fn refuse(client: &Client, path: &str) {
    soon("it is reversed", async {
        loop {
            match result(client, path).await.text("state") {
                "declined" => return,
                "awaiting-cashier" => {
                    // Between the two it may have been answered already.
                    let _ = answer(client, path, "no").await;
                }
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_reversed_is_asked_again() {
    let (till, client) = till().await;
    let path = pay_and_sign(&till, &client, "sale 1").await;
    till.behave("busy").await;
    answer(&client, &path, "no").await.unwrap();
    let again = asked(&client, &path).await;
    assert!(again.text("text").contains("could not reverse it"), "{again:?}");
    till.behave("approve").await;
    answer(&client, &path, "no").await.unwrap();
    let (outcome, payment) = completed(&client, &path).await;
    assert_eq!(
        (outcome.as_str(), payment.path("undone-by")),
        ("declined", "/org/tillbus1/transaction/4".into())
    );
}

#[tokio::test]
async fn a_crash_while_it_is_reversed_is_seen_through() {
    let (mut till, client) = till().await;
    let path = pay_and_sign(&till, &client, "sale 1").await;
    till.behave("silent").await;
    answer(&client, &path, "no").await.unwrap();
    loop {
        let signal = client.signal("Progress").await;
        let (_, details): (String, Dict) = signal.body();
        if details.text("text") == "waiting for the bank" && signal.path() != path {
            break;
        }
    }
    till.crash().await;
    let client = till.ready().await;
    client.call_raw(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    if result(&client, &path).await.text("state") != "declined" {
        assert_eq!(completed(&client, &path).await.0, "declined");
    }
}

#[tokio::test]
async fn a_referral_is_paid_with_the_code_that_the_bank_gives() {
    let (till, client) = till().await;
    till.behave("referral").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    let question = asked(&client, &path).await;
    assert_eq!((question.text("question"), question.small("code-length")), ("authorization", 8));
    for wrong in ["yes please", "123456789", "12-34", ""] {
        let error = answer(&client, &path, wrong).await.unwrap_err();
        assert_eq!(error.name, "InvalidArgument", "{wrong}");
    }
    answer(&client, &path, "12A456").await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!(outcome, "approved", "{result:?}");
    assert_eq!(result.text("authorization-code"), "12A456");
    let second = pay(&client, "sale 2", 1250).await.unwrap();
    asked(&client, &second).await;
    answer(&client, &second, "no").await.unwrap();
    assert_eq!(completed(&client, &second).await.0, "declined");
}

#[tokio::test]
async fn who_is_not_asked_is_told() {
    let till = Till::asking("").await;
    let client = till.ready().await;
    till.behave("signature").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!(outcome, "approved", "the till has not been told to ask");
    assert!(result.flag("signature") && !result.has("question"), "{result:?}");
    till.behave("think 60").await;
    let path = pay(&client, "sale 2", 1250).await.unwrap();
    let error = answer(&client, &path, "yes").await.unwrap_err();
    assert_eq!(error.name, "NotReady", "{error:?}");
    client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap();
}
