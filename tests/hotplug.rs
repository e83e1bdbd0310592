//! Hotplug: paths on a real file system, udev's messages on a real netlink socket, and devices of
//! umockdev's.
//!
//! The last two need a network namespace or a preloaded library, so they run in a process of their
//! own: this program again, with one ignored test. Where the machine lacks what they need they say
//! so and pass.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's helpers fail by panicking too")]

mod support;

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket,
};
use support::umockdev::{self, Testbed, run_apart};
use tillbus::hotplug::{Access, Change, Device, Monitor, PathChange, PathWatch, Usb};
use tillbus::profile::Line;
use tillbus::sim::port::VirtualPort;
use tillbus::transport::{Error, Port};

/// Bounds a wait for something that must happen; reaching it is the failure.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("nothing within 10 s")
}

async fn next(watch: &mut PathWatch) -> PathChange {
    soon(watch.next()).await.expect("inotify does not fail")
}

/// Nothing is told any more: all that the kernel has queued is heard, and it is no change.
async fn quiet(watch: &mut PathWatch) {
    if let Ok(change) = tokio::time::timeout(Duration::from_millis(100), watch.next()).await {
        panic!("unexpected {change:?}");
    }
}

#[tokio::test]
async fn a_path_that_is_there_is_told_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    std::fs::write(&path, "").unwrap();
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    assert_eq!(next(&mut watch).await, PathChange::Appeared(path));
    quiet(&mut watch).await;
}

#[tokio::test]
async fn a_path_appears_through_directories_that_did_not_exist() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/tillbus/port");
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    quiet(&mut watch).await;
    std::fs::create_dir(directory.path().join("run")).unwrap();
    quiet(&mut watch).await;
    std::fs::create_dir(directory.path().join("run/tillbus")).unwrap();
    std::fs::write(directory.path().join("run/tillbus/other"), "").unwrap();
    quiet(&mut watch).await;
    std::fs::write(&path, "").unwrap();
    assert_eq!(next(&mut watch).await, PathChange::Appeared(path.clone()));
    std::fs::remove_dir_all(directory.path().join("run")).unwrap();
    // The write that made it may be told as a release in between.
    let change = loop {
        match next(&mut watch).await {
            PathChange::Released(_) => {}
            change => break change,
        }
    };
    assert_eq!(change, PathChange::Gone(path));
}

#[tokio::test]
async fn a_link_to_a_pty_comes_goes_and_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanner");
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    for _ in 0..3 {
        let device = VirtualPort::create(Some(&path)).unwrap();
        assert_eq!(next(&mut watch).await, PathChange::Appeared(path.clone()));
        drop(device);
        let change = loop {
            match next(&mut watch).await {
                PathChange::Released(_) => {}
                change => break change,
            }
        };
        assert_eq!(change, PathChange::Gone(path.clone()));
    }
    quiet(&mut watch).await;
}

#[tokio::test]
async fn a_pty_that_goes_behind_a_link_that_stays_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scanner");
    let device = VirtualPort::create(None).unwrap();
    std::os::unix::fs::symlink(device.path(), &path).unwrap();
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    assert_eq!(next(&mut watch).await, PathChange::Appeared(path.clone()));
    drop(device);
    let change = loop {
        match next(&mut watch).await {
            PathChange::Released(_) => {}
            change => break change,
        }
    };
    assert_eq!(change, PathChange::Gone(path));
}

#[tokio::test]
async fn a_busy_port_is_released_when_the_other_closes_it_and_not_by_our_own_tries() {
    let device = VirtualPort::create(None).unwrap();
    let path = device.path().to_owned();
    let other = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    other.lock().unwrap();
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    assert_eq!(next(&mut watch).await, PathChange::Appeared(path.clone()));
    for _ in 0..3 {
        let refused = Port::open(&path, &Line::default(), 9600);
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
    }
    quiet(&mut watch).await;
    drop(other);
    assert_eq!(next(&mut watch).await, PathChange::Released(path.clone()));
    Port::open(&path, &Line::default(), 9600).expect("free");
}

#[tokio::test]
async fn new_rights_are_told_and_a_path_given_up_is_not() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    std::fs::write(&path, "").unwrap();
    let mut watch = PathWatch::new().unwrap();
    watch.add(&path);
    assert_eq!(next(&mut watch).await, PathChange::Appeared(path.clone()));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(next(&mut watch).await, PathChange::Released(path.clone()));
    watch.remove(&path);
    std::fs::remove_file(&path).unwrap();
    quiet(&mut watch).await;
}

#[test]
fn messages_of_udev_are_believed_and_no_others() {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--net"]);
    match unshare.arg("true").output() {
        Ok(output) if output.status.success() => {}
        _ => {
            println!("skipped: no network namespace can be made here (unshare)");
            return;
        }
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(std::env::current_exe().unwrap());
    run_apart(command, "apart::netlink");
}

#[test]
fn devices_of_umockdev_come_and_go() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("LD_PRELOAD", umockdev::PRELOAD);
    run_apart(command, "apart::umockdev");
}

/// A message as udev sends it (the format is in `hotplug::message`).
fn message(properties: &[&str]) -> Vec<u8> {
    let properties: Vec<u8> =
        properties.iter().flat_map(|line| [line.as_bytes(), b"\0"].concat()).collect();
    let mut bytes = b"libudev\0".to_vec();
    bytes.extend(0xFEED_CAFE_u32.to_be_bytes());
    bytes.extend(
        [40, 40, u32::try_from(properties.len()).expect("short")]
            .into_iter()
            .flat_map(u32::to_ne_bytes),
    );
    bytes.extend([0; 16]);
    bytes.extend(properties);
    bytes
}

/// An event of a port that no machine has.
fn event(action: &str, number: u32) -> Vec<u8> {
    message(&[
        &format!("ACTION={action}"),
        &format!("DEVPATH=/devices/pci0/usb1/1-9/1-9:1.0/ttyUSB{number}/tty/ttyUSB{number}"),
        "SUBSYSTEM=tty",
        &format!("DEVNAME=/dev/ttyUSB{number}"),
        "ID_PATH=pci-0-usb-0:9:1.0",
        "SEQNUM=18446744073709551615",
    ])
}

fn is_of(change: &Change, wanted: &Path) -> bool {
    match change {
        Change::Added(device) => device.node == wanted,
        Change::Removed(node) => node == wanted,
    }
}

/// The next change of one node; the machine may have ports of its own.
async fn next_of(monitor: &mut Monitor, node: &Path) -> Change {
    soon(async {
        loop {
            let change = monitor.next().await;
            if is_of(&change, node) {
                return change;
            }
        }
    })
    .await
}

mod apart {
    use super::*;

    #[tokio::test]
    #[ignore = "run by messages_of_udev_are_believed_and_no_others in a namespace"]
    async fn netlink() {
        let mut monitor = Monitor::open();
        monitor.events().expect("a namespace has netlink");
        let sender = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkKObjectUEvent,
        )
        .unwrap();
        let send = |bytes: &[u8], to: NetlinkAddr| {
            sendto(sender.as_raw_fd(), bytes, &to, MsgFlags::empty()).map(drop)
        };
        let udev = NetlinkAddr::new(0, 2);
        let ttyusb = |number: u32| PathBuf::from(format!("/dev/ttyUSB{number}"));

        // The kernel gives a process's first netlink socket the process's number: the monitor's.
        let monitor_itself = NetlinkAddr::new(std::process::id(), 0);
        send(&event("add", 901), monitor_itself).expect("the monitor is where it is thought to be");
        send(b"libudev\0 nothing of the kind", udev).unwrap();
        send(&event("add", 902), udev).unwrap();
        let change = soon(async {
            loop {
                let change = monitor.next().await;
                if is_of(&change, &ttyusb(901)) || is_of(&change, &ttyusb(902)) {
                    return change;
                }
            }
        })
        .await;
        assert!(is_of(&change, &ttyusb(902)), "a unicast was believed: {change:?}");
        let Change::Added(device) = change else { panic!("{change:?}") };
        assert_eq!((device.id.as_str(), device.access), ("pci-0-usb-0:9:1.0", Access::NotFound));

        send(&event("remove", 902), udev).unwrap();
        assert_eq!(next_of(&mut monitor, &ttyusb(902)).await, Change::Removed(ttyusb(902)));

        // A burst that no buffer holds: messages are lost, so the ports are listed again, and one
        // that was known and is not there must have gone.
        send(&event("add", 903), udev).unwrap();
        assert!(matches!(next_of(&mut monitor, &ttyusb(903)).await, Change::Added(_)));
        let filler = message(&["SUBSYSTEM=none", &"x".repeat(8000)]);
        for _ in 0..4000 {
            send(&filler, udev).unwrap();
        }
        assert_eq!(next_of(&mut monitor, &ttyusb(903)).await, Change::Removed(ttyusb(903)));
        // What is sent before the queue has been read is lost as well.
        let last = ttyusb(904);
        let added = soon(async {
            loop {
                send(&event("add", 904), udev).unwrap();
                let next = next_of(&mut monitor, &last);
                if let Ok(change) = tokio::time::timeout(Duration::from_millis(50), next).await {
                    return change;
                }
            }
        });
        assert!(matches!(added.await, Change::Added(_)));
    }

    #[tokio::test]
    #[ignore = "run by devices_of_umockdev_come_and_go with its library preloaded"]
    async fn umockdev() {
        let Some(testbed) = Testbed::new() else {
            println!("skipped: libumockdev is not installed");
            return;
        };
        let attributes = ["idVendor", "0403", "idProduct", "6001"];
        let usb = testbed.add("usb", "1-2", None, &attributes, &["DEVTYPE", "usb_device"]);
        let plug = |number: u32| {
            let (name, node) = (format!("ttyUSB{number}"), format!("/dev/ttyUSB{number}"));
            testbed.add(
                "tty",
                &name,
                Some(&usb),
                &[],
                &[
                    "DEVNAME",
                    &node,
                    "ID_BUS",
                    "usb",
                    "ID_PATH",
                    "pci-0000:00:14.0-usb-0:2:1.0",
                    "ID_VENDOR_ID",
                    "0403",
                    "ID_MODEL_ID",
                    "6001",
                    "ID_USB_INTERFACE_NUM",
                    "00",
                    "ID_SERIAL_SHORT",
                    "TEST0001",
                    "DEVLINKS",
                    "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0",
                ],
            )
        };
        let described = |change: Change| -> Device {
            let Change::Added(device) = change else { panic!("{change:?}") };
            let usb = Usb { vendor: 0x0403, product: 0x6001, interface: Some(0) };
            assert_eq!(device.usb, Some(usb), "{device:?}");
            assert_eq!(device.links.len(), 1);
            device
        };

        let first = plug(0);
        testbed.add("tty", "virtual/tty/tty1", None, &[], &["DEVNAME", "/dev/tty1"]);
        testbed.add("tty", "ttyS3", Some(&usb), &["type", "0"], &["DEVNAME", "/dev/ttyS3"]);
        let mut monitor = Monitor::open();
        monitor.events().expect("umockdev has a netlink of its own");
        let before = described(soon(monitor.next()).await);
        assert_eq!(before.node, Path::new("/dev/ttyUSB0"));

        testbed.remove(&first);
        assert_eq!(soon(monitor.next()).await, Change::Removed("/dev/ttyUSB0".into()));
        // Plugged in again while another took its number.
        plug(1);
        let after = described(soon(monitor.next()).await);
        assert_eq!((after.node.as_path(), &after.id), (Path::new("/dev/ttyUSB1"), &before.id));
    }
}

#[test]
fn a_socket_that_is_not_udevs_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
        assert!(Monitor::from_fd(file).events().is_err());
    });
}
