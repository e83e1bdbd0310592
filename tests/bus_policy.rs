//! The bus policy, on a bus with the system bus's own rules: who may own, call and hear tillbus.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

mod namespace;

use std::fs;
use std::future::poll_fn;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};

use namespace::inside;
use nix::unistd::{Gid, Uid, setegid, seteuid, setgroups};
use zbus::export::futures_core::Stream;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::{Connection, MessageStream, connection, interface};

const NAME: &str = "org.tillbus1";
const OBJECT: &str = "/org/tillbus1";

/// The daemon's user, a member of the group and somebody who is neither.
const DAEMON: u32 = 61_001;
const GROUP: u32 = 61_002;
const INSIDER: u32 = 61_003;
const OUTSIDER: u32 = 61_004;

/// The system bus's rules, as far as they matter here: calls and names are denied, signals are not.
const RULES: &str = r#"
  <policy context="default">
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
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>"#;

struct Bus {
    process: Child,
    address: String,
}

impl Bus {
    fn start(directory: &Path) -> Self {
        let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/org.tillbus1.conf");
        let address = format!("unix:path={}/bus", directory.display());
        let configuration = directory.join("bus.conf");
        let text = format!(
            "<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>{RULES}\
             <include>{policy}</include></busconfig>"
        );
        fs::write(&configuration, text).unwrap();
        let mut process = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        Self { process, address }
    }

    /// Connects as somebody else: the bus asks the kernel who it was at that moment.
    async fn connect(&self, user: u32, group: u32, groups: &[u32]) -> Connection {
        let groups: Vec<_> = groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).unwrap();
        setegid(Gid::from_raw(group)).unwrap();
        seteuid(Uid::from_raw(user)).unwrap();
        let builder = connection::Builder::address(self.address.as_str());
        let connection = builder.serve_at(OBJECT, Served).build().await.unwrap();
        seteuid(Uid::from_raw(0)).unwrap();
        setegid(Gid::from_raw(0)).unwrap();
        connection
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Served;

#[interface(name = "org.tillbus1.Test")]
impl Served {
    async fn ask(&self) -> &str {
        "answer"
    }
}

/// Puts users and groups of ours before everybody in this namespace.
fn make_users(directory: &Path) {
    let passwd = format!(
        "root:x:0:0::/:/bin/sh\ntillbusd:x:{DAEMON}:{DAEMON}::/:/bin/sh\n\
         insider:x:{INSIDER}:{INSIDER}::/:/bin/sh\noutsider:x:{OUTSIDER}:{OUTSIDER}::/:/bin/sh\n"
    );
    let group = format!("root:x:0:\ntillbus:x:{GROUP}:insider\n");
    for (name, text) in [("passwd", passwd), ("group", group)] {
        let file = directory.join(name);
        fs::write(&file, text).unwrap();
        let mut mount = Command::new("mount");
        mount.arg("--bind").arg(&file).arg(format!("/etc/{name}"));
        assert!(mount.status().unwrap().success());
    }
}

/// The members of the signals heard up to the fence, which everybody hears.
async fn heard(stream: &mut MessageStream) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let next = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
        let message = next.unwrap().unwrap();
        let header = message.header();
        let Some(member) = header.member().filter(|_| header.message_type() == Type::Signal) else {
            continue;
        };
        match member.as_str() {
            "Fence" => return heard,
            "NameOwnerChanged" | "NameAcquired" => {}
            member => heard.push(member.to_owned()),
        }
    }
}

async fn listen(connection: &Connection) -> MessageStream {
    let stream = MessageStream::from(connection);
    let bus = DBusProxy::new(connection).await.unwrap();
    let all = zbus::MatchRule::builder().msg_type(Type::Signal).build().unwrap();
    bus.add_match_rule(all).await.unwrap();
    stream
}

async fn ask(connection: &Connection) -> Result<String, String> {
    let call = connection.call_method(Some(NAME), OBJECT, Some("org.tillbus1.Test"), "Ask", &());
    match call.await {
        Ok(message) => Ok(message.body().deserialize().unwrap()),
        // The name comes first, the reason after it.
        Err(error) => Err(error.to_string().split(": ").next().unwrap_or_default().to_owned()),
    }
}

/// Whether the connection may take the name, which it gives back.
async fn may_own(connection: &Connection) -> bool {
    let owned = connection.request_name(NAME).await.is_ok();
    if owned {
        connection.release_name(NAME).await.unwrap();
    }
    owned
}

#[test]
fn only_root_and_the_group_call_and_hear_and_only_the_daemon_owns() {
    const TEST: &str = "only_root_and_the_group_call_and_hear_and_only_the_daemon_owns";
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can be several users");
        return;
    }
    if !inside(TEST) {
        return;
    }
    let directory = tempfile::tempdir_in("/run").unwrap();
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    make_users(directory.path());
    let bus = Bus::start(directory.path());
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(check(&bus));
}

async fn check(bus: &Bus) {
    let daemon = bus.connect(DAEMON, DAEMON, &[]).await;
    let root = bus.connect(0, 0, &[]).await;
    let insider = bus.connect(INSIDER, INSIDER, &[GROUP]).await;
    let outsider = bus.connect(OUTSIDER, OUTSIDER, &[]).await;

    for connection in [&root, &insider, &outsider] {
        assert!(!may_own(connection).await);
    }
    daemon.request_name(NAME).await.unwrap();

    assert_eq!(ask(&root).await.as_deref(), Ok("answer"));
    assert_eq!(ask(&insider).await.as_deref(), Ok("answer"));
    let denied = Err("org.freedesktop.DBus.Error.AccessDenied".to_owned());
    assert_eq!(ask(&outsider).await, denied);

    let mut streams = Vec::new();
    for connection in [&root, &insider, &outsider] {
        streams.push(listen(connection).await);
    }
    let emit = async |destination: Option<&str>, member: &str| {
        daemon.emit_signal(destination, OBJECT, "org.tillbus1.Test", member, &()).await.unwrap();
    };
    emit(None, "Broadcast").await;
    emit(insider.unique_name().map(|name| name.as_str()), "ToInsider").await;
    // Even by mistake nothing reaches an outsider.
    emit(outsider.unique_name().map(|name| name.as_str()), "ToOutsider").await;
    // The bus has dispatched all of it once it has answered the daemon.
    DBusProxy::new(&daemon).await.unwrap().get_id().await.unwrap();
    root.emit_signal(None::<&str>, "/", "org.example.Test", "Fence", &()).await.unwrap();

    let mut heard_by = Vec::new();
    for stream in &mut streams {
        heard_by.push(heard(stream).await);
    }
    assert_eq!(heard_by, [vec!["Broadcast"], vec!["Broadcast", "ToInsider"], vec![]]);
}
