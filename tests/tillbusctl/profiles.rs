//! Every built-in profile: `simulate` is its device, and the daemon on it says what was scanned and has
//! it do what it can. A profile that is added is covered by being there.

use tillbus::profile::{Catalogue, Profile};
use tillbus::protocol::Kind;

use crate::support::client::{Client, DEVICE, SCANNER};
use crate::support::host::{Bus, Daemon};
use crate::tool::Tool;

/// The profiles of scanners.
fn scanners() -> Vec<String> {
    let catalogue = Catalogue::built_in();
    let all = catalogue.ids().map(|id| catalogue.profile(id).unwrap().unwrap());
    let kind = |profile: &Profile| profile.protocol.as_ref().map(|spoken| spoken.info.kind);
    let scanners = all.filter(|profile| kind(profile) == Some(Kind::Scanner));
    scanners.map(|profile| profile.id).collect()
}

#[tokio::test]
async fn every_built_in_profile_is_simulated_and_heard() {
    let bus = Bus::start();
    let profiles = scanners();
    for id in ["zebra-ssi", "generic-hid-pos"] {
        assert!(profiles.iter().any(|other| other == id), "{profiles:?}");
    }
    let path = |id: &str| bus.directory().join(id).display().to_string();
    let configuration: String = profiles
        .iter()
        .map(|id| {
            format!(
                "[[device]]\nname = \"{id}\"\nrole = \"goods\"\nprofile = \"{id}\"\n\
                 match = {{ pty = {:?} }}\n",
                path(id)
            )
        })
        .collect();
    let _daemon = Daemon::start(&bus, &configuration).await;
    let client = Client::connect(&bus).await;
    let mut watch = Tool::on(&bus, &["watch", "--json"]);
    // It listens once it has said how the devices are.
    watch.object(&[("device", profiles.last().unwrap())]).await;
    // All of them stay: a port that is free again would be the next one's.
    let mut devices = Vec::new();
    for id in &profiles {
        let mut device = Tool::alone(&["simulate", "--port", &path(id), "--profile", id]);
        device.line().await;
        watch.object(&[("device", id), ("state", "ready")]).await;
        device.type_line("ean-13 4006381333931");
        let want = [("device", id.as_str()), ("symbology", "ean-13"), ("text", "4006381333931")];
        watch.object(&want).await;
        device.type_line("qr https://example.org/a");
        let scan = watch.object(&[("device", id), ("text", "https://example.org/a")]).await;
        let object = format!("/org/tillbus1/device/{}", id.replace('-', "_2d"));
        do_what_it_can(&client, &object, scan["sequence"].as_u64().unwrap()).await;
        device.type_line("ean-8 96385074");
        watch.object(&[("device", id), ("text", "96385074")]).await;
        devices.push(device);
    }
}

/// Asks a device for everything that it says it can; its last word is that it reads.
async fn do_what_it_can(client: &Client, object: &str, sequence: u64) {
    client.claim(object, &[]).await.unwrap();
    let capabilities = client.property(object, DEVICE, "Capabilities").await;
    for ability in Vec::<String>::try_from(capabilities).unwrap() {
        let what = format!("{object}: {ability}");
        match ability.as_str() {
            "trigger" => {
                client.call_raw(object, SCANNER, "Trigger", &(true,)).await.expect(&what);
            }
            "enable" => {
                for on in [false, true] {
                    client.call_raw(object, SCANNER, "SetEnabled", &(on,)).await.expect(&what);
                }
            }
            "indicate" => {
                let good = (sequence, "good");
                client.call_raw(object, SCANNER, "Indicate", &good).await.expect(&what);
            }
            other => panic!("{what}: nobody asks for {other} here"),
        }
    }
    // A claimed device is heard by its owner alone.
    client.device(object, "Release", &()).await.unwrap();
}
