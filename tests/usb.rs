//! USB without USB: a HID interface of umockdev's, through libusb, at the port and in the daemon.
//!
//! What this cannot show: how fast a controller is, what a real device does on a request, and that the
//! kernel's driver really takes an interface back. It shows each call to the kernel that is to bring
//! that about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use support::client::Client;
use support::host::{BOX, Bus, Daemon};
use support::umockdev::{self, Testbed, run_apart};
use support::usbdevfs::{self, Device, Model};
use tillbus::protocol::{Input, ReportKind};
use tillbus::sim::port::VirtualPort;
use tillbus::transport::{Error, Port};

/// Two bytes of input in report 2, one of output in 4, one of feature in 6: page 8C.
const SCANNER: &[u8] = &[
    0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x85, 0x02, 0x95,
    0x0C, 0x09, 0xFE, 0x81, 0x02, 0x85, 0x04, 0x95, 0x01, 0x09, 0x60, 0x91, 0x02, 0x85, 0x06, 0x09,
    0x5F, 0xB1, 0x02, 0xC0,
];

fn apart(name: &str) {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = usbdevfs::library(directory.path()) else {
        println!("skipped: there is no C compiler");
        return;
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    let preload = format!("{}:{}", umockdev::PRELOAD, library.display());
    command.env("LD_PRELOAD", preload);
    run_apart(command, name);
}

#[test]
fn a_port_opens_hears_speaks_and_gives_back() {
    apart("apart::port");
}

#[test]
fn a_failed_transfer_is_told_of_and_mixes_no_reports() {
    apart("apart::failed");
}

#[test]
fn a_port_survives_an_unplug() {
    apart("apart::unplug");
}

#[test]
fn the_daemon_takes_the_scanner_that_is_configured_and_no_keyboard() {
    apart("apart::daemon");
}

#[test]
fn a_daemon_after_one_that_was_killed_finds_the_interface_again() {
    apart("apart::killed");
}

#[test]
fn a_line_that_is_open_by_its_link_stays_open_when_udev_tells_whose_it_is() {
    apart("apart::link");
}

fn node(number: u8) -> PathBuf {
    format!("/dev/bus/usb/001/{number:03}").into()
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let within = tokio::time::timeout(Duration::from_secs(10), future).await;
    within.unwrap_or_else(|_| panic!("{what}: not within 10 s"))
}

/// Receives so many reports.
async fn reports(port: &mut Port, count: usize) -> Result<Vec<(u8, Vec<u8>)>, Error> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let mut sink = |input: Input<'_>| {
            let Input::Report { id, data } = input else { panic!("{input:?}") };
            heard.push((id, data.to_vec()));
        };
        soon("a report", port.receive(&mut sink)).await?;
    }
    Ok(heard)
}

/// A keyboard's report descriptor: page 01, usage 06, the boot report.
const KEYBOARD: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x75, 0x08, 0x95, 0x01, 0x81, 0x01, 0x95, 0x06, 0x26, 0xFF,
    0x00, 0x19, 0x00, 0x2A, 0xFF, 0x00, 0x81, 0x00, 0xC0,
];

/// A device in sysfs, and behind its node.
struct Plug {
    usb: CString,
    interfaces: Vec<CString>,
    hids: Vec<CString>,
    device: Device,
}

impl Plug {
    /// Plugs a device into a socket, with so many HID interfaces, and tells udev's listeners in the
    /// order in which the kernel does.
    fn into(
        testbed: &Testbed,
        socket: &str,
        number: u8,
        (vendor, product): (u16, u16),
        reports: &[&[u8]],
    ) -> Self {
        let ids = (format!("{vendor:04x}"), format!("{product:04x}"));
        let (devnum, busnum) = (number.to_string(), "1");
        let attributes =
            ["idVendor", &ids.0, "idProduct", &ids.1, "busnum", busnum, "devnum", &devnum];
        let product_name = ["manufacturer", "Example", "product", "E-100", "serial", "TEST0001"];
        let device = Device::plug(number, Model::hid(vendor, product, 64, false, reports));
        let usb = testbed.add(
            "usb",
            socket,
            None,
            &[&attributes[..], &product_name].concat(),
            &["DEVTYPE", "usb_device"],
        );
        let mut plug = Self { usb, interfaces: Vec::new(), hids: Vec::new(), device };
        for (place, report) in reports.iter().enumerate() {
            let name = format!("{socket}:1.{place}");
            let number = format!("{place:02x}");
            let class = if *report == KEYBOARD { "3/1/1" } else { "3/0/0" };
            let interface = testbed.add(
                "usb",
                &name,
                Some(&plug.usb),
                &["bInterfaceNumber", &number, "bInterfaceClass", "03"],
                &["DEVTYPE", "usb_interface", "INTERFACE", class],
            );
            let hid = format!("0003:{}:{}.000{place}", ids.0.to_uppercase(), ids.1.to_uppercase());
            // Nobody is told of it: what stands for udev's socket holds ten messages, and a device
            // that is pulled and plugged again would else send more.
            let hid = testbed.add_silently("hid", &hid, Some(&interface), &[], &[]);
            Testbed::write(&hid, "report_descriptor", report);
            testbed.tell(&interface, c"bind");
            plug.interfaces.push(interface);
            plug.hids.push(hid);
        }
        plug
    }

    /// The kernel's driver has lost an interface, and nobody has given it back.
    fn lose_driver(&mut self, testbed: &Testbed, interface: usize) {
        testbed.remove_silently(&self.hids.remove(interface));
    }

    fn pull(self, testbed: &Testbed) {
        self.device.unplug();
        for path in &self.hids {
            testbed.remove_silently(path);
        }
        for path in self.interfaces.iter().chain([&self.usb]) {
            testbed.remove(path);
        }
    }
}

fn configuration(more: &str) -> String {
    format!(
        "[[device]]\nname = \"lane1-box\"\nlane = \"1\"\nrole = \"goods\"\n\
         match = {{ usb = \"0c2e:0b6a\" {more} }}\nprofile = \"generic-hid-pos\"\n"
    )
}

/// The names of the devices that no configuration names and that are on USB HID.
async fn spare(client: &Client) -> Vec<String> {
    let mut names = Vec::new();
    for (_, interfaces) in client.objects().await {
        let Some(device) = interfaces.get("org.tillbus1.Device") else { continue };
        if device.text("State") == "unconfigured" && device.text("Transport") == "hid" {
            names.push(device.text("Name").to_owned());
        }
    }
    names.sort();
    names
}

async fn open(path: &Path, interface: Option<u8>) -> Result<Port, Error> {
    soon("the interface opens", Port::open_hid(path, interface)).await
}

mod apart {
    use super::*;

    fn testbed() -> Option<Testbed> {
        let testbed = Testbed::new();
        if testbed.is_none() {
            println!("skipped: libumockdev is not installed");
        }
        testbed
    }

    #[tokio::test]
    #[ignore = "run by a_port_opens_hears_speaks_and_gives_back with umockdev preloaded"]
    async fn port() {
        let Some(_testbed) = testbed() else { return };
        let device = Device::plug(2, Model::hid(0x0C2E, 0x0B6A, 8, false, &[SCANNER, SCANNER]));
        let refused = open(&node(2), None).await;
        assert!(matches!(refused, Err(Error::Unsupported)), "which of two? {refused:?}");

        let mut port = open(&node(2), Some(1)).await.unwrap();
        assert_eq!(port.descriptor(), Some(SCANNER));
        assert_eq!(device.log(), ["detach 1", "claim 1"]);
        let again = open(&node(2), Some(1)).await;
        assert!(matches!(again, Err(Error::Busy)), "{again:?}");

        // A report in two packets, and more of them than transfers are queued.
        for number in 0..40_u8 {
            device.send(1, &[2, number, b'a', b'b', b'c', b'd', b'e', b'f']);
            device.send(1, b"ghijk");
        }
        let heard = reports(&mut port, 40).await.unwrap();
        for (number, (id, data)) in (0_u8..).zip(&heard) {
            assert_eq!((*id, data[0], &data[1..]), (2, number, &b"abcdefghijk"[..]));
        }

        soon("sent", port.report(ReportKind::Output, 4, &[0x01])).await.unwrap();
        soon("sent", port.report(ReportKind::Feature, 6, &[0x02])).await.unwrap();
        device.refuse(true);
        let refused = soon("refused", port.report(ReportKind::Output, 4, &[0x03])).await;
        assert!(matches!(refused, Err(Error::Unsupported)), "{refused:?}");
        device.refuse(false);
        device.hang(true);
        let stuck = port.report(ReportKind::Output, 4, &[0x04]);
        assert!(tokio::time::timeout(Duration::from_millis(50), stuck).await.is_err());
        device.hang(false);
        // What hung is cancelled, and what was sent meanwhile is there.
        device.send(1, &[2, 9, b'a']);
        soon("sent", port.report(ReportKind::Output, 4, &[0x05])).await.unwrap();
        assert_eq!(reports(&mut port, 1).await.unwrap(), [(2, vec![9, b'a'])]);
        let sent: Vec<_> =
            device.log().into_iter().filter(|line| line.starts_with("set")).collect();
        assert_eq!(
            sent,
            [
                "set output 04 of 1: 04 01",
                "set feature 06 of 1: 06 02",
                "set output 04 of 1: 04 03",
                "set output 04 of 1: 04 04",
                "set output 04 of 1: 04 05",
            ]
        );

        soon("closed", port.close()).await;
        assert_eq!(device.log().last_chunk::<2>().unwrap(), &["release 1", "attach 1"]);
        assert_eq!(device.under_way(), 0, "a transfer was left behind");
        // It can be opened again, and be dropped without being closed.
        drop(open(&node(2), Some(1)).await.unwrap());
        assert_eq!(device.log().last().unwrap(), "attach 1");
    }

    #[tokio::test]
    #[ignore = "run by a_failed_transfer_is_told_of_and_mixes_no_reports with umockdev preloaded"]
    async fn failed() {
        let Some(_testbed) = testbed() else { return };
        let device = Device::plug(2, Model::hid(0x0C2E, 0x0B6A, 8, false, &[SCANNER]));
        let mut port = open(&node(2), None).await.unwrap();
        let errors = [Errno::EPROTO, Errno::EPIPE, Errno::EOVERFLOW];
        for (failure, errno) in (1..).zip(errors) {
            // The second of a report's two packets fails, and is sent again.
            device.send(0, b"\x02aaaaaaa");
            device.fail(0, errno);
            device.send(0, b"aaaaa");
            for _ in 0..20 {
                device.send(0, b"\x02bbbbbbb");
                device.send(0, b"bbbbb");
            }
            let mut heard = Vec::new();
            while heard.len() < 21 {
                let mut sink = |input: Input<'_>| heard.push(format!("{input:?}"));
                soon("an input", port.receive(&mut sink)).await.unwrap();
            }
            let report = Input::Report { id: 2, data: &[b'b'; 12] };
            assert_eq!(heard[0], "BadByte(0)", "{errno}");
            assert!(heard[1..].iter().all(|other| *other == format!("{report:?}")), "{heard:?}");
            let clears = device.log().iter().filter(|line| *line == "clear halt 81").count();
            assert_eq!(clears, usize::from(failure > 1), "a stalled endpoint only: {errno}");
        }
        // While the device takes its time to clear a halt, this thread goes on; and who gives up
        // waiting for it misses nothing.
        device.halt(true);
        device.fail(0, Errno::EPIPE);
        let mut sink = |_: Input<'_>| {};
        soon("the fault", port.receive(&mut sink)).await.unwrap();
        tokio::select! {
            result = port.receive(&mut sink) => panic!("the halt stands: {result:?}"),
            () = device.until("clear halt 81", 2) => {}
        }
        device.halt(false);
        // What may be the rest of the lost report is passed over.
        device.send(0, b"rest");
        device.send(0, b"\x02bbbbbbb");
        device.send(0, b"bbbbb");
        assert_eq!(reports(&mut port, 1).await.unwrap(), [(2, vec![b'b'; 12])]);
        assert!(!device.log().contains(&"nobody let it".to_owned()), "{:?}", device.log());
        device.fail(0, Errno::EPIPE);
        soon("the fault", port.receive(&mut sink)).await.unwrap();
        soon("closed", port.close()).await;
        let log = device.log();
        assert_eq!(log.last_chunk::<2>().unwrap(), &["release 0", "attach 0"], "given back last");
    }

    #[tokio::test]
    #[ignore = "run by a_port_survives_an_unplug with umockdev preloaded"]
    async fn unplug() {
        let Some(_testbed) = testbed() else { return };
        let absent = open(&node(3), None).await;
        assert!(matches!(absent, Err(Error::NotFound)), "{absent:?}");

        let device = Device::plug(3, Model::hid(0x0C2E, 0x0B6A, 64, true, &[SCANNER]));
        let mut port = open(&node(3), None).await.unwrap();
        soon("sent", port.report(ReportKind::Output, 4, &[0x01])).await.unwrap();
        assert_eq!(device.log().last().unwrap(), "out 01: 04 01");
        device.send(0, &[2, 1, 2, 3]);
        device.unplug();
        // What came before is heard, and then that it is gone, as often as one asks.
        assert_eq!(reports(&mut port, 1).await.unwrap(), [(2, vec![1, 2, 3])]);
        for _ in 0..2 {
            let gone = reports(&mut port, 1).await;
            assert!(matches!(gone, Err(Error::Disconnected)), "{gone:?}");
        }
        let gone = soon("refused", port.report(ReportKind::Output, 4, &[0x01])).await;
        assert!(matches!(gone, Err(Error::Disconnected)), "{gone:?}");
        soon("closed", port.close()).await;

        let device = Device::plug(4, Model::hid(0x0C2E, 0x0B6A, 64, true, &[SCANNER]));
        let mut port = open(&node(4), None).await.unwrap();
        device.unplug();
        let gone = reports(&mut port, 1).await;
        assert!(matches!(gone, Err(Error::Disconnected)), "{gone:?}");
        drop(port);
    }

    #[tokio::test]
    #[ignore = "run by the_daemon_takes_the_scanner_that_is_configured_and_no_keyboard"]
    async fn daemon() {
        let Some(testbed) = testbed() else { return };
        let till = Plug::into(&testbed, "1-1", 2, (0x046A, 0x0011), &[KEYBOARD]);
        // A scanner that no configuration names, by its id, and one by what it says of itself.
        let other = Plug::into(&testbed, "1-3", 3, (0x05E0, 0x1200), &[KEYBOARD]);
        let third = Plug::into(&testbed, "1-4", 4, (0x1234, 0x5678), &[SCANNER]);
        let scanner = Plug::into(&testbed, "1-2", 5, (0x0C2E, 0x0B6A), &[KEYBOARD, SCANNER]);

        let bus = Bus::start();
        let mut daemon = Daemon::start(&bus, &configuration("")).await;
        let client = Client::connect(&bus).await;
        client.until_state(BOX, "ready").await;
        let properties = client.properties(BOX, "org.tillbus1.Device").await.unwrap();
        let shown = ["Transport", "SerialNumber", "Node"].map(|name| properties.text(name));
        assert_eq!(shown, ["hid", "TEST0001", "/dev/bus/usb/001/005"]);
        assert_eq!(
            scanner.device.log(),
            ["detach 1", "claim 1"],
            "the keyboard's interface is not"
        );
        assert_eq!(
            spare(&client).await,
            ["1-3/1-3:1.0/05e0:1200/TEST0001/00", "1-4/1-4:1.0/1234:5678/TEST0001/00"]
        );

        scanner.device.send(1, b"\x024006381333\0\0");
        let scan = client.scan().await;
        assert_eq!((scan.path.as_str(), scan.text.as_str()), (BOX, "4006381333"));
        assert!(!scan.details.has("simulated"));

        client.claim(BOX, &[]).await.unwrap();
        client.call_raw(BOX, "org.tillbus1.Scanner", "Trigger", &(true,)).await.unwrap();
        assert_eq!(scanner.device.log().last().unwrap(), "set output 04 of 1: 04 01");
        let disable = client.call_raw(BOX, "org.tillbus1.Scanner", "SetEnabled", &(false,)).await;
        disable.unwrap();
        assert_eq!(scanner.device.log().last().unwrap(), "set feature 06 of 1: 06 01");

        scanner.pull(&testbed);
        client.until_state(BOX, "absent").await;
        let scanner = Plug::into(&testbed, "1-2", 6, (0x0C2E, 0x0B6A), &[KEYBOARD, SCANNER]);
        client.until_state(BOX, "ready").await;
        scanner.device.send(1, b"\x0296385074\0\0\0\0");
        assert_eq!(client.scan().await.text, "96385074");

        daemon.signal(Signal::SIGTERM);
        assert!(daemon.ended().await.success());
        assert_eq!(
            scanner.device.log().last_chunk::<2>().unwrap(),
            &["release 1", "attach 1"],
            "the kernel's driver has it back"
        );
        for untouched in [&till, &other, &third] {
            assert!(untouched.device.log().is_empty(), "{:?}", untouched.device.log());
        }
    }

    #[tokio::test]
    #[ignore = "run by a_line_that_is_open_by_its_link_stays_open_when_udev_tells_whose_it_is"]
    async fn link() {
        let Some(testbed) = testbed() else { return };
        let bus = Bus::start();
        let link = bus.directory().join("box");
        let mut port = VirtualPort::create(Some(&link)).unwrap();
        let node = std::fs::canonicalize(&link).unwrap().display().to_string();
        let link = link.display().to_string();
        let configuration = format!(
            "[[device]]\nname = \"lane1-box\"\nrole = \"goods\"\nmatch = {{ path = {link:?} }}\n\
             profile = \"generic-line-scanner\"\n"
        );
        let _daemon = Daemon::start(&bus, &configuration).await;
        let client = Client::connect(&bus).await;
        client.until_state(BOX, "ready").await;
        // udev makes the link first, and then tells of the device.
        let usb = testbed.add("usb", "1-7", None, &[], &["DEVTYPE", "usb_device"]);
        let told = ["DEVNAME", &node, "DEVLINKS", &link, "ID_SERIAL_SHORT", "TEST0001"];
        testbed.add("tty", "ttyUSB0", Some(&usb), &[], &told);
        client.take("the node", |signal| signal.text().contains("TEST0001")).await;
        let properties = client.properties(BOX, "org.tillbus1.Device").await.unwrap();
        assert_eq!(
            ["State", "Node"].map(|name| properties.text(name).to_owned()),
            ["ready".to_owned(), node]
        );
        port.send(b"4006381333931\r").await.unwrap();
        assert_eq!(client.scan().await.text, "4006381333931");
        assert_eq!(client.health(BOX).await["opened"], 1);
    }

    #[tokio::test]
    #[ignore = "run by a_daemon_after_one_that_was_killed_finds_the_interface_again"]
    async fn killed() {
        let Some(testbed) = testbed() else { return };
        let mut scanner = Plug::into(&testbed, "1-2", 5, (0x0C2E, 0x0B6A), &[KEYBOARD, SCANNER]);
        let bus = Bus::start();
        let daemon = Daemon::start(&bus, &configuration("")).await;
        let client = Client::connect(&bus).await;
        client.until_state(BOX, "ready").await;
        scanner.lose_driver(&testbed, 1);
        daemon.crash().await;
        scanner.device.let_go();

        let daemon = Daemon::start(&bus, &configuration("")).await;
        let client = Client::connect(&bus).await;
        client.until_state(BOX, "ready").await;
        scanner.device.send(1, b"\x0296385074\0\0\0\0");
        assert_eq!(client.scan().await.text, "96385074");
        daemon.terminate().await;
        let log = scanner.device.log();
        let done: Vec<_> = log.iter().filter(|line| *line != "discard").collect();
        assert_eq!(done, ["detach 1", "claim 1", "claim 1", "release 1", "attach 1"]);
    }
}
