//! What people scan beside goods: what is public comes to all, what is somebody's own to the owner alone.

use crate::support::client::Signal;
use crate::support::host::{BOX, Lane};

const PIX: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR\
                   5913Fulano de Tal6008BRASILIA62070503***63041D3D";
const NETWORK: &str = "WIFI:T:WPA;S:guests;P:hunter2;;";

#[tokio::test]
async fn a_merchant_s_code_comes_to_all_with_its_fields() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.scan(&format!("]Q1{PIX}")).await;
    let scan = client.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("merchant-qr", PIX));
    assert!(!scan.unicast);
    assert_eq!((scan.details.text("crc"), scan.details.text("currency")), ("right", "BRL"));
    assert_eq!(scan.details.text("merchant-name"), "Fulano de Tal");
}

#[tokio::test]
async fn a_network_s_password_goes_to_the_owner_and_into_no_detail() {
    let mut lane = Lane::open().await;
    let (owner, other) = (lane.client().await, lane.client().await);
    lane.scan(NETWORK).await;
    let (sequence, kind): (u64, String) = other.signal("Withheld").await.body();
    assert_eq!((sequence, kind.as_str()), (1, "wifi"));
    owner.claim(BOX, &[]).await.unwrap();
    lane.scan(&format!("]Q1{NETWORK}")).await;
    let is_second = |signal: &Signal| signal.member() == "Scanned" && signal.scan().sequence == 2;
    let scan = owner.take("the network", is_second).await.scan();
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("wifi", NETWORK));
    assert!(scan.unicast && scan.details.bytes("raw") == NETWORK.as_bytes());
    assert_eq!((scan.details.text("ssid"), scan.details.text("security")), ("guests", "wpa"));
    other.signal("Withheld").await;
    let heard = other.left_over();
    assert!(!heard.iter().any(|signal| signal.text().contains("hunter2")), "{heard:?}");
}

#[tokio::test]
async fn a_code_that_names_its_encoding_keeps_its_bytes() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    let sent = b"]Q2\\000020\x92\x83 \\\\1000";
    lane.send(&[&sent[..], b"\r"].concat()).await;
    let scan = client.scan().await;
    assert_eq!((scan.content.as_str(), scan.text.as_str()), ("text", "\u{8336} \\1000"));
    assert_eq!(scan.details.bytes("raw"), &sent[3..]);
    assert_eq!(scan.details.text("encoding"), "shift_jis");
}
