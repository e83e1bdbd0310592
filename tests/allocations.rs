//! What has seen its first codes allocates nothing for the next ones.
//!
//! Allocations are counted, not timed: a count is the same on every machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]
#![allow(unsafe_code, reason = "an allocator that counts is one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

use tillbus::event::{Fault, Timestamp};
use tillbus::frame::line::{Line, Settings, Silence};
use tillbus::frame::packet::{Front, Packets, Place};
use tillbus::frame::sieve::{Mixture, Sieve, Weight};
use tillbus::protocol::{self, Input, Item, Output};
use tillbus::settings::File;

thread_local! {
    /// How often this thread has asked for memory; other tests run beside it.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // Memory may be asked for while the thread's variables are torn down.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `work` makes.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// Sizes of reads: less than a code, about one, several.
const READS: [usize; 5] = [1, 3, 15, 64, 4096];
const CODES: usize = 200;

/// Feeds the codes twice in reads of each size; returns the allocations of the second time, and how
/// many codes were found in it.
fn second_time(
    mut feed: impl FnMut(&[u8], Timestamp) -> usize,
    codes: &[u8],
    read: usize,
) -> (u64, usize) {
    let mut now = 1_000_000;
    let mut once = |found: &mut usize| {
        for bytes in codes.chunks(read) {
            now += 10;
            *found += feed(bytes, Timestamp(now));
        }
    };
    let (mut first, mut second) = (0, 0);
    once(&mut first);
    let allocations = allocations(|| once(&mut second));
    (allocations, second)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1_u8; 9]))), 1);
    assert_eq!(
        allocations(|| {
            black_box([1_u8; 9]);
        }),
        0
    );
}

#[test]
fn lines() {
    let codes = b"4006381333931\r\n".repeat(CODES);
    for read in READS {
        let mut line = Line::new(Settings {
            suffixes: vec![b"\r\n".to_vec()],
            prefix: Vec::new(),
            silence: Silence::Cuts(Duration::from_secs(2)),
            limit: 8192,
        });
        let feed = |bytes: &[u8], now| {
            let mut found = 0;
            line.receive(now, bytes, &mut |frame| {
                black_box(frame);
                found += 1;
            });
            found
        };
        assert_eq!(second_time(feed, &codes, read), (0, CODES), "reads of {read}");
    }
}

/// Packets whose first byte is their length.
fn weigh(bytes: &[u8], _place: Place) -> Front {
    match usize::from(bytes[0]) {
        0 => Front::Noise,
        length if length > bytes.len() => Front::Open,
        length => Front::Packet(length),
    }
}

#[test]
fn packets() {
    let codes = b"\x0E4006381333931".repeat(CODES);
    for read in READS {
        let mut packets = Packets::new(weigh, Duration::from_secs(2));
        let feed = |bytes: &[u8], now| {
            let mut found = 0;
            packets.receive(now, bytes, &mut |packet| {
                black_box(packet);
                found += 1;
            });
            found
        };
        assert_eq!(second_time(feed, &codes, read), (0, CODES), "reads of {read}");
    }
}

/// Messages of three bytes that begin with `~`, among codes.
#[derive(Default)]
struct Messages {
    found: usize,
}

impl Mixture for Messages {
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| *byte == b'~')
    }

    fn weigh(&self, head: &[u8]) -> Weight {
        if head.len() < 3 { Weight::Maybe } else { Weight::Whole(3) }
    }

    fn message(&mut self, message: &[u8], _first: Timestamp, _last: Timestamp) {
        black_box(message);
        self.found += 1;
    }

    fn code(&mut self, _now: Timestamp, bytes: &[u8]) {
        black_box(bytes);
    }

    fn damaged(&mut self, _now: Timestamp, fault: Fault) {
        panic!("{fault}");
    }
}

#[test]
fn messages_among_codes() {
    let codes = b"4006381333931\r~ok".repeat(CODES);
    for read in READS {
        let mut sieve = Sieve::default();
        let feed = |bytes: &[u8], now| {
            let mut messages = Messages::default();
            sieve.receive(now, bytes, &mut messages);
            messages.found
        };
        assert_eq!(second_time(feed, &codes, read), (0, CODES), "reads of {read}");
    }
}

/// A code outlives the read that brought it: in the vault, which is no allocator's.
#[test]
fn a_protocol_allocates_nothing() {
    let file = File { name: "options".to_owned(), text: "suffix = \"CR\"\n".to_owned() };
    let document = file.parse().unwrap();
    let info = protocol::find("line-scanner").unwrap();
    let mut protocol = ((info.configure)(&document.root()).unwrap().factory)();
    let mut out = Output::default();
    let codes = b"]E04006381333931\r".repeat(CODES);
    for read in READS {
        let feed = |bytes: &[u8], now| {
            protocol.receive(now, Input::Bytes(bytes), &mut out);
            std::iter::from_fn(|| out.pop()).filter(|item| matches!(item, Item::Reading(_))).count()
        };
        assert_eq!(second_time(feed, &codes, read), (0, CODES), "reads of {read}");
    }
}
