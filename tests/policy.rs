//! The bus policy as it is installed, on a real dbus-daemon with real users.
//!
//! The names it speaks of need not exist on a test host, so they are replaced: the group `tillbus` by
//! `daemon`, the user `tillbusd` by `bin`, both of which every Debian has. Clients of other users are
//! this program again, with one ignored test. Only root can start those, so others skip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Group, User};
use support::client::{Client, DEVICE, MANAGER, NAME, ROOT, SCANNER, Signal};
use support::host::{BOX, Bus, Daemon, Start, copy_for_others, payment_box, scanner, soon};
use support::program::Program;
use tillbus::sim::port::VirtualPort;
use zbus::Variant;
use zbus::fdo::RequestNameFlags;

/// In the group that may hear the daemon, by this host's user data base.
const INSIDER: &str = "daemon";
/// In no group of interest.
const OUTSIDER: &str = "nobody";
/// Runs the daemon.
const DAEMON: &str = "bin";
/// Tells the other process which bus it is.
const ADDRESS: &str = "TILLBUS_TEST_ADDRESS";
/// What the bus says where its policy forbids something.
const FORBIDDEN: &str = "org.freedesktop.DBus.Error.AccessDenied";

/// As much of a system bus's own policy as matters: nothing that is not allowed may be owned or
/// called, signals go everywhere.
const SYSTEM: &str = r#"<policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>"#;

/// Whether the test can run; else says why not.
fn can_run() -> bool {
    let users = [INSIDER, OUTSIDER, DAEMON];
    let missing = users.iter().find(|user| !matches!(User::from_name(user), Ok(Some(_))));
    let reason = match missing {
        _ if !nix::unistd::geteuid().is_root() => "only root can be other users".to_owned(),
        Some(user) => format!("this host has no user {user}"),
        None if !matches!(Group::from_name(INSIDER), Ok(Some(_))) => "no group daemon".to_owned(),
        None => return true,
    };
    println!("skipped: {reason}");
    false
}

fn uid(name: &str) -> u32 {
    User::from_name(name).unwrap().unwrap().uid.as_raw()
}

/// The elements of the installed policy, with names that exist here.
fn installed_policy() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/org.tillbus1.conf");
    let text = std::fs::read_to_string(file).unwrap();
    let (group, user) = ("group=\"tillbus\"", "user=\"tillbusd\"");
    assert!(text.contains(group) && text.contains(user), "the names to replace are not there");
    let text = text.replace(group, "group=\"daemon\"").replace(user, "user=\"bin\"");
    let inner = text.split_once("<busconfig>").unwrap().1;
    inner.split_once("</busconfig>").unwrap().0.to_owned()
}

/// A bus with the installed policy, the daemon as a user of its own, one scanner.
struct Host {
    daemon: Daemon,
    port: VirtualPort,
    bus: Bus,
}

impl Host {
    async fn start(access: &str) -> Self {
        Self::start_with(scanner, access).await
    }

    async fn start_with(configure: fn(&str, &Path) -> String, access: &str) -> Self {
        let bus = Bus::with_policy(&format!("{SYSTEM}\n{}", installed_policy()));
        let path = bus.directory().join("lane1");
        let port = VirtualPort::create(Some(&path)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let configuration = configure("lane1-box", &path) + access;
        let start = Start { user: Some(uid(DAEMON)), ..Start::with(&configuration) };
        let daemon = Daemon::start_with(&bus, &start).await;
        Client::connect(&bus).await.until_state(BOX, "ready").await;
        Self { daemon, port, bus }
    }

    async fn scan(&mut self, code: &str) {
        let bytes = format!("{code}\r");
        soon("the port takes bytes", self.port.send(bytes.as_bytes())).await.unwrap();
    }
}

/// This program again, as another user.
fn start_as(user: &str, test: &str, bus: &Bus) -> Program {
    let user = User::from_name(user).unwrap().unwrap();
    let program = std::env::current_exe().unwrap();
    let directory = bus.directory().join(test);
    std::fs::create_dir_all(&directory).unwrap();
    Program::start(
        Command::new(copy_for_others(&program, &directory))
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .current_dir("/")
            .env(ADDRESS, bus.address())
            .uid(user.uid.as_raw())
            .gid(user.gid.as_raw()),
    )
}

/// Tells the test that this part of it has come so far; on a line of its own.
fn say(step: &str) {
    println!("\nstep: {step}");
}

/// The other user's client, where this process is the other user's.
async fn as_the_other_user() -> Option<Client> {
    let Ok(address) = std::env::var(ADDRESS) else {
        println!("skipped: this is a part of another test, which starts it");
        return None;
    };
    Some(Client::connect_to(&address).await)
}

/// A signal that everybody may hear, to show what has not come before it.
async fn mark(client: &Client) {
    let path = "/org/example/test";
    let none = None::<&str>;
    let signal =
        client.connection().emit_signal(none, path, "org.example.test", "Marker", &()).await;
    signal.unwrap();
}

/// What an other user's client has heard of the daemon up to the marker.
async fn heard_before_marker(client: &Client) -> Vec<Signal> {
    client.signal("Marker").await;
    client.left_over().into_iter().filter(|signal| signal.member() != "NameOwnerChanged").collect()
}

async fn owning_fails(client: &Client) {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    let result = client.connection().request_name_with_flags(NAME, flags).await;
    let error = result.expect_err("the name is the daemon's alone").to_string();
    assert!(error.contains("AccessDenied"), "{error}");
}

#[tokio::test]
async fn a_user_outside_the_group_calls_nothing_and_hears_nothing() {
    if !can_run() {
        return;
    }
    let mut host = Host::start("[access]\nscan = [\"user:nobody\"]\n").await;
    let client = Client::connect(&host.bus).await;
    let mut outsider = start_as(OUTSIDER, "outsider", &host.bus);
    outsider.writes(&["step: subscribed"]).await;
    host.scan("for everyone in the group").await;
    assert_eq!(client.scan().await.text, "for everyone in the group");
    host.port.hang_up().await;
    client.until_state(BOX, "absent").await;
    mark(&client).await;
    outsider.ends_well().await;
}

#[tokio::test]
#[ignore = "the other user's part of a_user_outside_the_group_calls_nothing_and_hears_nothing"]
async fn outsider() {
    let Some(client) = as_the_other_user().await else { return };
    let unit = &();
    for (path, interface, member) in [
        (ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
        (ROOT, "org.freedesktop.DBus.Introspectable", "Introspect"),
        (ROOT, "org.freedesktop.DBus.Peer", "Ping"),
        (ROOT, MANAGER, "Reload"),
        (BOX, DEVICE, "Release"),
        (BOX, DEVICE, "Diagnose"),
        (BOX, SCANNER, "Trigger"),
    ] {
        let error = client.call_raw(path, interface, member, unit).await.unwrap_err();
        assert_eq!(error.name, FORBIDDEN, "{interface}.{member}");
    }
    assert_eq!(client.claim(BOX, &[]).await.unwrap_err().name, FORBIDDEN);
    assert_eq!(client.replay("", 0, 10).await.unwrap_err().name, FORBIDDEN);
    assert_eq!(client.properties(BOX, DEVICE).await.unwrap_err().name, FORBIDDEN);
    owning_fails(&client).await;
    say("subscribed");
    let heard = heard_before_marker(&client).await;
    assert!(heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn a_second_client_in_the_group_sees_what_is_broadcast_and_nothing_of_a_claim() {
    if !can_run() {
        return;
    }
    let mut host = Host::start("[access]\nscan = [\"group:daemon\"]\n").await;
    let owner = Client::connect(&host.bus).await;
    let mut insider = start_as(INSIDER, "insider", &host.bus);
    insider.writes(&["step: subscribed"]).await;
    host.scan("for everyone").await;
    insider.writes(&["step: heard it"]).await;
    owner.claim(BOX, &[]).await.unwrap();
    host.scan("for the owner").await;
    owner.until_scanned("for the owner").await;
    mark(&owner).await;
    insider.writes(&["step: been refused"]).await;
    owner.device(BOX, "Release", &()).await.unwrap();
    insider.writes(&["step: claimed it"]).await;
    host.scan("for the insider").await;
    insider.ends_well().await;
    assert!(!owner.left_over().iter().any(|signal| signal.member() == "Scanned"));
}

#[tokio::test]
#[ignore = "the other user's part of the test above it"]
async fn insider() {
    let Some(client) = as_the_other_user().await else { return };
    owning_fails(&client).await;
    assert!(client.objects().await.contains_key(BOX));
    say("subscribed");
    let scan = client.scan().await;
    assert_eq!((scan.text.as_str(), scan.unicast), ("for everyone", false));
    say("heard it");
    let heard = heard_before_marker(&client).await;
    let members: Vec<String> = heard.iter().map(Signal::member).collect();
    assert_eq!(members, ["PropertiesChanged"], "the owner's name is public, its scans are not");
    let page = client.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].text("text"), "for everyone");
    assert_eq!(page.events[1].names(), ["sequence", "withheld"]);
    assert_eq!(client.device(BOX, "Release", &()).await.unwrap_err().name, "NotOwner");
    assert_eq!(client.acknowledge(BOX, 1).await.unwrap_err().name, "NotOwner");
    assert_eq!(client.claim(BOX, &[]).await.unwrap_err().name, "AlreadyClaimed");
    let reload = client.call_raw(ROOT, MANAGER, "Reload", &()).await.unwrap_err();
    assert_eq!(reload.name, "AccessDenied");
    assert!(reload.message.contains("`admin`"), "{}", reload.message);
    say("been refused");
    client.claim(BOX, &[("wait", 5_000)]).await.unwrap();
    say("claimed it");
    let scan = client.scan().await;
    assert_eq!((scan.text.as_str(), scan.unicast), ("for the insider", true));
    client.device(BOX, "Release", &()).await.unwrap();
}

#[tokio::test]
async fn in_the_group_without_the_right_a_client_may_look_and_not_claim() {
    if !can_run() {
        return;
    }
    let host = Host::start("[access]\nscan = [\"user:nobody\"]\n").await;
    start_as(INSIDER, "without_the_right", &host.bus).ends_well().await;
    let log = host.daemon.terminate().await;
    assert!(!log.contains("ERROR"), "{log}");
}

#[tokio::test]
#[ignore = "the other user's part of the test above it"]
async fn without_the_right() {
    let Some(client) = as_the_other_user().await else { return };
    assert_eq!(client.properties(BOX, DEVICE).await.unwrap().text("State"), "ready");
    let diagnose = client.call_raw(BOX, DEVICE, "Diagnose", &()).await.map(drop);
    for result in [client.claim(BOX, &[]).await, client.replay("", 0, 10).await.map(drop), diagnose]
    {
        let error = result.unwrap_err();
        assert_eq!(error.name, "AccessDenied");
        assert!(error.message.contains("`scan`"), "{}", error.message);
    }
    assert_eq!(client.properties(BOX, DEVICE).await.unwrap().text("Owner"), "");
}

/// A code of WeChat Pay, from an integrator's example.
const CODE: &str = "135112298638468293";

#[tokio::test]
async fn without_the_right_to_payment_codes_an_owner_gets_none_and_no_other_client_does() {
    if !can_run() {
        return;
    }
    let access = "[access]\nscan = [\"group:daemon\"]\npayment-code = [\"user:nobody\"]\n";
    let mut host = Host::start_with(payment_box, access).await;
    let client = Client::connect(&host.bus).await;
    let mut insider = start_as(INSIDER, "without_payment_codes", &host.bus);
    insider.writes(&["step: claimed it"]).await;
    host.scan(CODE).await;
    insider.ends_well().await;
    let fault = client.fault().await;
    assert_eq!(fault.kind, "unclaimed");
    assert!(fault.message.contains("has not the right `payment-code`"), "{}", fault.message);
    client.signal("Withheld").await;
    assert!(!client.left_over().iter().any(|signal| signal.text().contains(CODE)));
}

#[tokio::test]
#[ignore = "the other user's part of the test above it"]
async fn without_payment_codes() {
    let Some(client) = as_the_other_user().await else { return };
    let options = HashMap::from([("until", Variant::from("one-payment-code"))]);
    let error = client.device(BOX, "Claim", &(options,)).await.unwrap_err();
    assert_eq!(error.name, "AccessDenied");
    assert!(error.message.contains("`payment-code`"), "{}", error.message);
    client.claim(BOX, &[]).await.unwrap();
    say("claimed it");
    let (sequence, kind): (u64, String) = client.signal("Withheld").await.body();
    assert_eq!((sequence, kind.as_str()), (1, "payment-code"));
    assert!(!client.left_over().iter().any(|signal| signal.text().contains(CODE)));
    let page = client.replay("", 0, 10).await.unwrap();
    assert_eq!(page.events[0].names(), ["sequence", "withheld"]);
    let taken = client.call_raw(BOX, DEVICE, "Take", &(1_u64,)).await.unwrap_err();
    assert_eq!(taken.name, "Expired");
}

#[tokio::test]
async fn nobody_but_the_daemon_s_user_may_own_the_name_not_even_root() {
    if !can_run() {
        return;
    }
    let bus = Bus::with_policy(&format!("{SYSTEM}\n{}", installed_policy()));
    owning_fails(&Client::connect(&bus).await).await;
    let mut daemon = Daemon::spawn(&bus, &Start::with(""));
    assert!(!daemon.ended().await.success(), "root's daemon has the name");
    assert!(daemon.log().contains("cannot own org.tillbus1"), "{}", daemon.log());
}
