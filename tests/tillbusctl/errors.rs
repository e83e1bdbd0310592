//! What is said when something is wrong, with which exit status.

use tillbus::sim::port::VirtualPort;

use crate::support::host::{Bus, Daemon, Lane, OPEN, scanner};
use crate::tool::{Tool, program, run_on};

const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const NOT_RUNNING: Option<i32> = Some(3);
const NOT_PERMITTED: Option<i32> = Some(4);

#[tokio::test]
async fn no_bus() {
    for (variable, arguments) in [
        ("DBUS_SYSTEM_BUS_ADDRESS", vec!["devices"]),
        ("DBUS_SESSION_BUS_ADDRESS", vec!["--session", "devices"]),
    ] {
        let mut command = program();
        command.env(variable, "unix:path=/nonexistent/ctl-bus").args(&arguments);
        let ended = Tool::start(command).ended().await;
        assert_eq!(ended.status, FAILED);
        assert!(ended.errors.starts_with("tillbusctl: cannot reach the bus at "), "{ended:?}");
        assert!(ended.errors.contains("/nonexistent/ctl-bus"), "{ended:?}");
    }
}

#[tokio::test]
async fn no_daemon() {
    let bus = Bus::start();
    for arguments in [
        &["devices"][..],
        &["devices", "--wait", "0"],
        &["show", "lane1-box"],
        &["claim", "lane1-box"],
        &["reload"],
    ] {
        let ended = run_on(&bus, arguments).await;
        assert_eq!(ended.status, NOT_RUNNING, "{arguments:?}: {ended:?}");
        assert_eq!(
            ended.errors,
            "tillbusctl: tillbusd is not running; start it with `systemctl start tillbusd`\n"
        );
    }
}

#[tokio::test]
async fn a_daemon_that_cannot_be_started() {
    let services = tempfile::tempdir().unwrap();
    let service = "[D-BUS Service]\nName=org.tillbus1\nExec=/bin/false\n";
    std::fs::write(services.path().join("org.tillbus1.service"), service).unwrap();
    let directory = format!("<servicedir>{}</servicedir>", services.path().display());
    let bus = Bus::with_policy(&format!("{directory}{OPEN}"));
    let ended = run_on(&bus, &["devices"]).await;
    assert_eq!(ended.status, NOT_RUNNING, "{ended:?}");
    assert!(ended.errors.contains("tillbusd could not be started"), "{ended:?}");
    assert!(ended.errors.contains("systemctl status tillbusd"), "{ended:?}");
}

#[tokio::test]
async fn the_bus_keeps_outsiders_out() {
    let outsiders =
        r#"<policy context="mandatory"><deny send_destination="org.tillbus1"/></policy>"#;
    let bus = Bus::with_policy(&format!("{OPEN}{outsiders}"));
    let _daemon = Daemon::start(&bus, "").await;
    for arguments in [&["devices"][..], &["watch"], &["reload"]] {
        let ended = run_on(&bus, arguments).await;
        assert_eq!(ended.status, NOT_PERMITTED, "{arguments:?}: {ended:?}");
        assert!(ended.errors.contains("usermod -aG tillbus "), "{ended:?}");
        assert!(ended.errors.contains("log in again"), "{ended:?}");
    }
}

#[tokio::test]
async fn an_unknown_device() {
    let lane = Lane::open().await;
    for command in ["show", "watch", "claim"] {
        let ended = run_on(&lane.bus, &[command, "lane1-bok"]).await;
        assert_eq!(ended.status, FAILED, "{ended:?}");
        let start = "tillbusctl: no device \"lane1-bok\"; did you mean `lane1-box`? there are: ";
        assert!(ended.errors.starts_with(start), "{ended:?}");
    }
}

#[tokio::test]
async fn wrong_usage() {
    for arguments in [
        &["devises"][..],
        &["claim", "x", "--wait", "20001"],
        &["watch", "--count", "0"],
        &["--session", "--address", "unix:path=/x", "devices"],
        &["identify"],
        &["replay", "x.log", "--json"],
    ] {
        let mut tool = Tool::alone(arguments);
        assert_eq!(tool.ended().await.status, USAGE, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_told_where_it_is_wrong() {
    let bus = Bus::start();
    let path = bus.directory().join("lane1");
    let _port = VirtualPort::create(Some(&path)).unwrap();
    let daemon = Daemon::start(&bus, &scanner("lane1-box", &path)).await;
    daemon.configure("[[device]]\nnam = \"x\"\n");
    let ended = run_on(&bus, &["reload"]).await;
    assert_eq!(ended.status, FAILED, "{ended:?}");
    assert!(ended.errors.contains("tillbus.toml:2:1"), "{ended:?}");
    assert!(!ended.errors.contains("org.tillbus1.Error"), "{ended:?}");
    daemon.configure("");
    let ended = run_on(&bus, &["reload"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
}
