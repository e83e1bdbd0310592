//! Where secrets are: in memory that is in no swap, no core and no child, and wiped when they go.
//!
//! The process looks into its own memory, at addresses whose owners are gone. So the tests here wait for
//! each other, and in this program no other code has secrets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, geteuid, setgid, setuid};
use support::host::{Bus, Daemon, Start, copy_for_others, open_directory};
use tillbus::frame::Buffer;
use tillbus::secret::wiping::Wiping;
use tillbus::secret::{Secret, vault};

/// As the programs have it.
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

/// A text that nothing but this test says.
const MARKER: &[u8] = b"Quittenmarmelade";

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the memory holds at an address, whoever's it is now.
fn memory(address: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0xAA; length];
    let memory = fs::File::open("/proc/self/mem").unwrap();
    memory.read_exact_at(&mut bytes, address.try_into().unwrap()).unwrap();
    bytes
}

/// The flags of the mapping around an address, as `smaps` has them.
fn flags(address: usize) -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in maps.lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let number = |digits| usize::from_str_radix(digits, 16).ok();
        if let Some((Some(from), Some(to))) = range.map(|(from, to)| (number(from), number(to))) {
            inside = (from..to).contains(&address);
        } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| inside) {
            return flags.split_whitespace().map(str::to_owned).collect();
        }
    }
    panic!("{address:x} is not mapped");
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().addr()
}

#[test]
fn secrets_and_frames_are_locked_and_in_no_core_and_no_child() {
    let _alone = alone();
    for size in [16, 337, 4096, 9000] {
        let bytes = vec![b'x'; size];
        let mut buffer = Buffer::default();
        bytes.chunks(100).for_each(|piece| buffer.extend(piece));
        let text = Secret::new("x".repeat(size));
        for (what, bytes) in [
            ("a copy", Secret::<Vec<u8>>::copy_of(&bytes).expose()),
            ("a text", text.expose().as_bytes()),
            ("a frame", buffer.bytes()),
        ] {
            let flags = flags(address(bytes));
            for (where_, flag) in [("swap", "lo"), ("cores", "dd"), ("children", "wf")] {
                assert!(flags.iter().any(|found| found == flag), "{what} of {size} is in {where_}");
            }
        }
    }
}

#[test]
fn what_is_gone_is_wiped() {
    let _alone = alone();
    // So that the pages stay when it goes.
    let _beside = [Secret::<Vec<u8>>::with_room(64), Secret::with_room(16)];
    let secret = Secret::<Vec<u8>>::copy_of(MARKER);
    let place = address(secret.expose());
    assert_eq!(memory(place, MARKER.len()), MARKER);
    drop(secret);
    assert_eq!(memory(place, MARKER.len()), [0; 16]);

    let mut buffer = Buffer::default();
    buffer.extend(MARKER);
    let place = address(buffer.bytes());
    buffer.drop_front(6);
    assert_eq!(memory(place, MARKER.len()), b"nmarmelade\0\0\0\0\0\0");
    buffer.extend(&[b'x'; 64]);
    assert_ne!(address(buffer.bytes()), place, "it has grown");
    assert_eq!(memory(place, MARKER.len()), [0; 16]);
}

#[test]
fn what_comes_from_a_vector_is_wiped_there() {
    let _alone = alone();
    let value = MARKER.to_vec();
    let place = address(&value);
    let secret = Secret::new(value);
    assert!(!holds_marker(place, MARKER.len()));
    assert_eq!(secret.expose(), MARKER);
}

/// Whether half of the marker is there. A freed block's first bytes are the allocator's own.
fn holds_marker(place: usize, length: usize) -> bool {
    memory(place, length).windows(8).any(|part| part == &MARKER[8..])
}

#[test]
fn the_programs_allocator_wipes_what_is_freed_and_what_grows() {
    let _alone = alone();
    for size in [16, 100, 5000] {
        let mut text = MARKER.repeat(size / MARKER.len());
        text.shrink_to_fit();
        let (place, length) = (address(&text), text.len());
        assert!(holds_marker(place, length), "{size}");
        text.reserve_exact(length);
        assert!(address(&text) == place || !holds_marker(place, length), "{size}: it grew");
        let place = address(&text);
        assert!(holds_marker(place, length), "{size}");
        drop(text);
        assert!(!holds_marker(place, length), "{size}: it was freed");
    }
}

/// Memory is locked for root whatever the limit, so the test runs itself again as somebody else.
#[test]
fn where_no_memory_is_locked_secrets_work_and_it_is_said_once() {
    let name = "where_no_memory_is_locked_secrets_work_and_it_is_said_once";
    let here = "TILLBUS_TEST_UNLOCKED";
    if env::var_os(here).is_none() {
        let mut command = Command::new(env::current_exe().unwrap());
        let output = command.args(["--exact", name]).env(here, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    setrlimit(Resource::RLIMIT_MEMLOCK, 0, 0).unwrap();
    if geteuid().is_root() {
        setgid(Gid::from_raw(65_534)).unwrap();
        setuid(Uid::from_raw(65_534)).unwrap();
    }
    assert!(!vault::first_refusal());
    let secret = Secret::<Vec<u8>>::copy_of(MARKER);
    assert_eq!(secret.expose(), MARKER);
    assert!(vault::first_refusal());
    drop(Secret::<Vec<u8>>::zeros(20_000));
    assert!(!vault::first_refusal(), "once");
}

/// What is not dumpable is root's in `/proc`, whoever runs it.
#[tokio::test]
async fn nobody_but_root_can_look_into_the_daemon_or_the_tool() {
    if !geteuid().is_root() {
        println!("skipped: only root can be somebody else");
        return;
    }
    let owner = |process: u32| fs::metadata(format!("/proc/{process}/mem")).unwrap().uid();
    let bus = Bus::start();
    let start = Start { user: Some(65_534), ..Start::with("") };
    let daemon = Daemon::start_with(&bus, &start).await;
    assert_eq!(owner(daemon.id()), 0);

    let directory = open_directory();
    let tool = copy_for_others(env!("CARGO_BIN_EXE_tillbusctl").as_ref(), directory.path());
    let simulate = ["simulate", "--profile", "generic-line-scanner"];
    // Both wait for what comes through the pipe, once they have said something.
    for (program, arguments, want) in
        [(tool.as_path(), &simulate[..], 0), ("sh".as_ref(), &["-c", "echo; cat"], 65_534)]
    {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .uid(65_534)
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let owner = owner(process.id());
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!((said.ends_with('\n'), owner), (true, want), "{}", program.display());
    }
}

#[tokio::test]
async fn the_daemon_says_once_that_no_memory_is_locked_and_goes_on() {
    let bus = Bus::start();
    let words = "the system locks no more memory";
    let start = Start::with("");
    let log = Daemon::start_with(&bus, &start).await.terminate().await;
    assert!(!log.contains(words), "{log}");
    // Somebody who may lock nothing: neither by a right nor by the limit.
    let start = Start { before: &["prlimit", "--memlock=0:0"], user: Some(65_534), ..start };
    let log = Daemon::start_with(&bus, &start).await.terminate().await;
    assert_eq!(log.matches(words).count(), 1, "{log}");
    assert!(log.contains("WARN"), "{log}");
}
