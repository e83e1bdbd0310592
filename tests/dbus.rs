//! The daemon on a private bus, as its clients see it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's helpers fail by panicking too")]

mod support;

use support::client::{DEVICE, SCANNER};
use support::host::{BOX, Lane};

#[tokio::test]
async fn a_scan_arrives() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.scan("4006381333931").await;
    let scan = client.scan().await;
    assert_eq!(scan.text, "4006381333931");
    assert_eq!(scan.path, BOX);
    let objects = client.objects().await;
    assert!(objects[BOX].contains_key(DEVICE) && objects[BOX].contains_key(SCANNER));
}
