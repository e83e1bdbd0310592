//! Ports that go, come back, or cannot be opened.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use tillbus::sim::port::VirtualPort;

use crate::support::client::{Client, DEVICE, Signal};
use crate::support::host::{BOX, Bus, Daemon, Lane, Start, scanner, soon};

/// The device with its `State` and `Access`, once it is in this state.
async fn state_and_access(client: &Client, state: &str) -> String {
    client.until_state(BOX, state).await;
    client.properties(BOX, DEVICE).await.unwrap().text("Access").to_owned()
}

#[tokio::test]
async fn a_hang_up_in_the_middle_of_a_code_is_a_fault_and_the_port_comes_back_by_itself() {
    let mut lane = Lane::open().await;
    let client = lane.client().await;
    lane.send(b"400638133").await;
    let (_daemon, path, _bus) = lane.unplug().await;
    let partial = client.fault().await;
    assert_eq!((partial.path.as_str(), partial.kind.as_str()), (BOX, "partial-frame"));
    assert_eq!(partial.message, "a frame was cut off after 9 bytes");
    let gone = client.fault().await;
    assert_eq!(gone.kind, "disconnected");
    assert_eq!(state_and_access(&client, "absent").await, "not-found");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    // It waits in the kernel until the daemon has opened the port.
    soon("the port takes bytes", port.send(b"3931 is whole\r")).await.unwrap();
    let before = client.until_scanned("3931 is whole").await;
    assert!(!before.iter().any(|signal| signal.member() == "Scanned"), "half a code was told");
    assert_eq!(state_and_access(&client, "ready").await, "ok");
    let health = client.health(BOX).await;
    assert_eq!((health["partial-frame"], health["disconnected"], health["opened"]), (1, 1, 2));
    assert_eq!(health["events"], 1);
}

#[tokio::test]
async fn a_port_comes_and_goes_again_and_again() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    let client = Client::connect(&bus).await;
    for round in 1..=10 {
        let mut port = VirtualPort::create(Some(&path)).unwrap();
        let code = format!("round {round}");
        soon("the port takes bytes", port.send(format!("{code}\r").as_bytes())).await.unwrap();
        assert_eq!(client.scan().await.text, code);
        port.hang_up().await;
        assert_eq!(client.fault().await.kind, "disconnected");
    }
    assert_eq!(client.health(BOX).await["opened"], 10);
}

#[tokio::test]
async fn a_port_that_another_program_has_is_listed_as_busy_and_opened_when_it_is_free() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    let other = File::options().read(true).write(true).open(&path).unwrap();
    let other = Flock::lock(other, FlockArg::LockExclusiveNonblock).unwrap();
    let _daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    let client = Client::connect(&bus).await;
    assert_eq!(state_and_access(&client, "unreachable").await, "busy");
    assert_eq!(client.health(BOX).await["opened"], 0);
    drop(other);
    assert_eq!(state_and_access(&client, "ready").await, "ok");
    soon("the port takes bytes", port.send(b"free\r")).await.unwrap();
    assert_eq!(client.scan().await.text, "free");
}

#[tokio::test]
async fn a_port_that_permissions_forbid_is_listed_as_that_and_opened_when_they_allow_it() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let _port = VirtualPort::create(Some(&path)).unwrap();
    let mode = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o000);
    // Permissions do not keep root out.
    let user = nix::unistd::geteuid().is_root().then_some(65_534);
    let start = Start { user, ..Start::with(&scanner("lane1-box", &path)) };
    let _daemon = Daemon::start_with(&bus, &start).await;
    let client = Client::connect(&bus).await;
    assert_eq!(state_and_access(&client, "unreachable").await, "permission-denied");
    assert_eq!(client.health(BOX).await["opened"], 0);
    mode(0o666);
    assert_eq!(state_and_access(&client, "ready").await, "ok");
}

#[tokio::test]
async fn of_two_devices_at_one_port_by_two_paths_one_is_opened() {
    let bus = Bus::start();
    let (path, alias) = (bus.directory().join("lane1"), bus.directory().join("alias"));
    let mut port = VirtualPort::create(Some(&path)).unwrap();
    std::os::unix::fs::symlink(&path, &alias).unwrap();
    let both = scanner("lane1-box", &path) + &scanner("lane2-box", &alias);
    let _daemon = Daemon::start(&bus, &both).await;
    let client = Client::connect(&bus).await;
    client.until_state(BOX, "ready").await;
    let second = "/org/tillbus1/device/lane2_2dbox";
    client.until_state(second, "unreachable").await;
    let device = client.properties(second, DEVICE).await.unwrap();
    assert_eq!(device.text("Access"), "busy");
    soon("the port takes bytes", port.send(b"once\rtwice\r")).await.unwrap();
    let scans = [client.scan().await, client.scan().await];
    assert!(scans.iter().all(|scan| scan.path == BOX), "{scans:?}");
}

/// What each of the daemon's descriptors is.
fn open_files(daemon: &Daemon) -> Vec<String> {
    let directory = format!("/proc/{}/fd", daemon.id());
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .map(|target| target.display().to_string())
        .collect()
}

#[tokio::test]
async fn a_port_that_no_configuration_names_is_not_opened() {
    let lane = Lane::open().await;
    let stranger = VirtualPort::create(None).unwrap();
    let node = |path: &Path| std::fs::canonicalize(path).unwrap().display().to_string();
    let ours = node(&lane.path);
    let open: Vec<String> =
        open_files(&lane.daemon).into_iter().filter(|path| path.starts_with("/dev/")).collect();
    assert!(open.contains(&ours), "{open:?}");
    assert!(!open.contains(&node(stranger.path())));
    assert!(open.iter().all(|path| *path == ours || path == "/dev/null"), "{open:?}");
}

#[tokio::test]
async fn a_fault_that_repeats_is_told_once_a_second_and_counted_each_time() {
    let mut lane = Lane::open_with("[device.protocol]\nmax-length = 16\n").await;
    let client = lane.client().await;
    for _ in 0..50 {
        lane.send(b"far too long for a code of this scanner\r").await;
    }
    lane.scan("good").await;
    let before = client.until_scanned("good").await;
    let told = before.iter().filter(|signal| signal.member() == "Fault");
    let kinds: Vec<String> = told.map(|signal: &Signal| signal.body::<Told>().0).collect();
    assert!((1..=10).contains(&kinds.len()), "{} were told", kinds.len());
    assert!(kinds.iter().all(|kind| kind == "overlong-frame"));
    assert_eq!(client.health(BOX).await["overlong-frame"], 50);
}

type Told = (String, String, crate::support::client::Dict);
