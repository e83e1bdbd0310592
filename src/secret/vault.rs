//! The vault: where secrets are kept.
//!
//! Contract: what a [`Slot`] holds is in no swap (`mlock`), in no core file (`MADV_DONTDUMP`) and in no
//! child (`MADV_WIPEONFORK`). It is never moved and never grows, and all of it is wiped when it is given
//! back: what is free here is zeros, and so a slot begins with zeros. Where the system locks no more
//! memory for us, slots are had all the same, and [`first_refusal`] tells it to whoever has a log.
//!
//! Slots of a few sizes are cut from chunks of pages, so that a code costs no system call. What is
//! larger than the largest of them has pages of its own.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;

/// The smallest slot: an article's code and its number fit.
const SMALLEST: usize = 32;
/// The largest slot that is cut from a chunk.
const LARGEST: usize = 4096;
/// Sizes double from the smallest to the largest.
const CLASSES: usize = 8;
/// The most memory in one chunk. All of it is resident, for that is what locking means.
const CHUNK: usize = 16 << 10;
/// The most slots in one chunk: the bits of its map.
const SLOTS: usize = 128;

const _: () = assert!(SMALLEST << (CLASSES - 1) == LARGEST);

/// Memory of a fixed size for one secret.
pub struct Slot {
    start: NonNull<u8>,
    size: usize,
    home: Home,
}

/// Where a slot goes back to.
#[derive(Clone, Copy)]
enum Home {
    /// It has no memory.
    Nowhere,
    /// The chunk of this number.
    Chunk(usize),
    /// The system.
    Pages,
}

#[expect(unsafe_code, reason = "the memory of a slot is reached by an address")]
// SAFETY: a slot is the only owner of its memory, which belongs to no thread.
unsafe impl Send for Slot {}
#[expect(unsafe_code, reason = "the memory of a slot is reached by an address")]
// SAFETY: through a shared slot its memory is only read.
unsafe impl Sync for Slot {}

impl Slot {
    /// A slot without memory.
    pub const EMPTY: Self = Self { start: NonNull::dangling(), size: 0, home: Home::Nowhere };

    /// A slot of at least this size, all zeros.
    ///
    /// Without memory to be had the process ends, as it does for a vector.
    #[must_use]
    pub fn of(size: usize) -> Self {
        match size {
            0 => Self::EMPTY,
            1..=LARGEST => vault().cut(size),
            _ => Self { start: pages(size), size, home: Home::Pages },
        }
    }

    /// All of it, zeros where nothing was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "the memory of a slot is reached by an address")]
        // SAFETY: the slot owns `size` bytes from `start`, which were zeros when it was made; without
        // memory the address is dangling and the size zero.
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr(), self.size)
        }
    }

    /// All of it, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "the memory of a slot is reached by an address")]
        // SAFETY: as above, and nobody else has the slot.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr(), self.size)
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.size == 0 {
            return;
        }
        wipe(self.bytes_mut());
        match self.home {
            Home::Nowhere => {}
            Home::Chunk(chunk) => vault().take_back(chunk, self.start),
            Home::Pages => give_back(self.start, self.size),
        }
    }
}

/// Overwrites bytes with zeros, whether or not they are read again.
pub(super) fn wipe(bytes: &mut [u8]) {
    #[expect(unsafe_code, reason = "the wiping that no optimizer removes takes an address")]
    // SAFETY: the slice says what may be written.
    unsafe {
        wipe_at(bytes.as_mut_ptr(), bytes.len());
    }
}

/// The same at an address, of the C library's own, which is fast.
#[expect(unsafe_code, reason = "what is there is not always a slice")]
pub(super) unsafe fn wipe_at(start: *mut u8, length: usize) {
    // SAFETY: the caller says that so much may be written there.
    unsafe {
        libc::explicit_bzero(start.cast(), length);
    }
}

/// Pages that are cut into slots of one size.
struct Chunk {
    start: NonNull<u8>,
    class: usize,
    /// A bit for each slot that is free, the lowest for the first.
    free: u128,
}

#[expect(unsafe_code, reason = "the memory of a chunk is reached by an address")]
// SAFETY: a chunk is the only owner of what is free in it, and belongs to no thread.
unsafe impl Send for Chunk {}

struct Vault {
    /// By number, with gaps where chunks were given back.
    chunks: Vec<Option<Chunk>>,
    /// The numbers of the gaps.
    gaps: Vec<usize>,
    classes: [Class; CLASSES],
}

/// The chunks of one size.
struct Class {
    /// How many there are.
    chunks: usize,
    /// The numbers of those in which something is free.
    open: Vec<usize>,
    /// How many of these are all free. One stays, so that a code more or less is no system call.
    unused: usize,
}

static VAULT: Mutex<Vault> = Mutex::new(Vault::new());

fn vault() -> MutexGuard<'static, Vault> {
    // Nothing in here panics; and if it did, a secret more in memory would be the worse end.
    VAULT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The class of the smallest slots that hold so much.
fn class_of(size: usize) -> usize {
    let size = size.max(SMALLEST).next_power_of_two();
    usize::try_from(size.trailing_zeros() - SMALLEST.trailing_zeros()).unwrap_or(CLASSES)
}

fn slots(class: usize) -> usize {
    (CHUNK / (SMALLEST << class)).min(SLOTS)
}

/// The map of a chunk in which all is free.
fn all_free(class: usize) -> u128 {
    u128::MAX >> (SLOTS - slots(class))
}

impl Vault {
    const fn new() -> Self {
        let classes = [const { Class { chunks: 0, open: Vec::new(), unused: 0 } }; CLASSES];
        Self { chunks: Vec::new(), gaps: Vec::new(), classes }
    }

    fn cut(&mut self, size: usize) -> Slot {
        let class = class_of(size);
        let size = SMALLEST << class;
        loop {
            if let Some(slot) = self.cut_from_open(class, size) {
                return slot;
            }
            self.open_chunk(class);
        }
    }

    fn cut_from_open(&mut self, class: usize, size: usize) -> Option<Slot> {
        let here = self.classes.get_mut(class)?;
        let number = *here.open.last()?;
        let chunk = self.chunks.get_mut(number)?.as_mut()?;
        if chunk.free == all_free(class) {
            here.unused -= 1;
        }
        let place = usize::try_from(chunk.free.trailing_zeros()).unwrap_or(0);
        chunk.free &= chunk.free - 1;
        if chunk.free == 0 {
            here.open.pop();
        }
        #[expect(unsafe_code, reason = "a slot is an address within its chunk")]
        // SAFETY: the map has a bit for each slot of the chunk and for no more.
        let start = unsafe { chunk.start.add(place * size) };
        Some(Slot { start, size, home: Home::Chunk(number) })
    }

    fn open_chunk(&mut self, class: usize) {
        let start = pages((SMALLEST << class) * slots(class));
        let chunk = Some(Chunk { start, class, free: all_free(class) });
        let gap = self.gaps.pop();
        let number = gap.unwrap_or(self.chunks.len());
        match gap.and_then(|gap| self.chunks.get_mut(gap)) {
            Some(place) => *place = chunk,
            None => self.chunks.push(chunk),
        }
        // Room for all there are: giving back allocates nothing.
        self.gaps.reserve(self.chunks.len().saturating_sub(self.gaps.len()));
        let Some(here) = self.classes.get_mut(class) else { return };
        here.chunks += 1;
        here.open.reserve(here.chunks.saturating_sub(here.open.len()));
        here.open.push(number);
        here.unused += 1;
    }

    /// Takes back a slot that has been wiped.
    fn take_back(&mut self, number: usize, slot: NonNull<u8>) {
        let Some(Some(chunk)) = self.chunks.get_mut(number) else { return };
        let (start, class) = (chunk.start, chunk.class);
        let place = (slot.addr().get() - start.addr().get()) / (SMALLEST << class);
        let Some(here) = self.classes.get_mut(class) else { return };
        if chunk.free == 0 {
            here.open.push(number);
        }
        chunk.free |= 1 << place;
        if chunk.free != all_free(class) {
            return;
        }
        if here.unused == 0 {
            here.unused = 1;
            return;
        }
        here.chunks -= 1;
        here.open.retain(|open| *open != number);
        if let Some(place) = self.chunks.get_mut(number) {
            *place = None;
        }
        self.gaps.push(number);
        give_back(start, (SMALLEST << class) * slots(class));
    }
}

/// Pages of the system's, all zeros, kept out of swap, cores and children as far as it does that.
fn pages(size: usize) -> NonNull<u8> {
    #[expect(unsafe_code, reason = "memory that can be locked comes from the system itself")]
    // SAFETY: a new mapping is asked for, at no address in particular.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    let start = NonNull::new(memory.cast::<u8>()).filter(|_| memory != libc::MAP_FAILED);
    let Some(start) = start else {
        handle_alloc_error(Layout::array::<u8>(size).unwrap_or(Layout::new::<u8>()))
    };
    #[expect(unsafe_code, reason = "what the system may do with memory is told by its address")]
    // SAFETY: the mapping is ours and so long. A kernel that knows one of these words not does without
    // it: the process itself is not dumpable either, and forks nothing.
    let refused = unsafe {
        libc::madvise(memory, size, libc::MADV_DONTDUMP);
        libc::madvise(memory, size, libc::MADV_WIPEONFORK);
        libc::mlock(memory, size) != 0
    };
    if refused {
        let _ = LOCKING.compare_exchange(GRANTED, REFUSED, Ordering::Relaxed, Ordering::Relaxed);
    }
    start
}

fn give_back(start: NonNull<u8>, size: usize) {
    #[expect(unsafe_code, reason = "what came from the system goes back there")]
    // SAFETY: the mapping is ours, so long, and nobody's any more. It cannot fail but by being none.
    unsafe {
        libc::munmap(start.as_ptr().cast(), size);
    }
}

static LOCKING: AtomicU8 = AtomicU8::new(GRANTED);
const GRANTED: u8 = 0;
const REFUSED: u8 = 1;
const TOLD: u8 = 2;

/// Whether the system has refused to lock memory: `true` once, when it is asked the first time after
/// that. What it would not lock may be swapped out.
#[must_use]
pub fn first_refusal() -> bool {
    LOCKING.load(Ordering::Relaxed) == REFUSED && LOCKING.swap(TOLD, Ordering::Relaxed) == REFUSED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_room_and_begins_with_zeros() {
        for size in [1, 13, 32, 33, 64, 337, 4095, 4096, 4097, 70_000] {
            let mut slot = Slot::of(size);
            assert!(slot.bytes().len() >= size, "{size}");
            assert!(slot.bytes().len() < (2 * size).max(SMALLEST + 1), "{size}");
            assert!(slot.bytes().iter().all(|byte| *byte == 0), "{size}");
            slot.bytes_mut().fill(0x55);
        }
        assert_eq!(Slot::of(0).bytes(), b"");
    }

    /// Gives back to a vault that is not everybody's.
    fn give_back(vault: &mut Vault, mut slot: Slot) {
        wipe(slot.bytes_mut());
        let Home::Chunk(number) = slot.home else { panic!("cut from no chunk") };
        vault.take_back(number, slot.start);
        std::mem::forget(slot);
    }

    #[test]
    fn slots_do_not_overlap_and_chunks_come_and_go() {
        for size in [1, 200, 4096] {
            let mut vault = Vault::new();
            let class = class_of(size);
            let most = 500_usize.div_ceil(slots(class));
            let mut held: Vec<Slot> = (0..500).map(|_| vault.cut(size)).collect();
            for (number, slot) in held.iter_mut().enumerate() {
                slot.bytes_mut().fill((number % 251).try_into().unwrap());
            }
            for (number, slot) in held.iter().enumerate() {
                let want = u8::try_from(number % 251).unwrap();
                assert!(slot.bytes().iter().all(|byte| *byte == want), "{number} of {size}");
            }
            assert_eq!(vault.classes[class].chunks, most, "{size}");
            // Every other one goes, in whatever order, and comes again where it was.
            let odd: Vec<Slot> = (0..250).rev().map(|place| held.remove(place * 2)).collect();
            odd.into_iter().for_each(|slot| give_back(&mut vault, slot));
            for _ in 0..250 {
                let slot = vault.cut(size);
                assert!(slot.bytes().iter().all(|byte| *byte == 0), "{size}");
                held.push(slot);
            }
            assert!(vault.classes[class].chunks <= most, "{size}");
            held.into_iter().for_each(|slot| give_back(&mut vault, slot));
            assert_eq!(vault.classes[class].chunks, 1, "of {size} one stays");
            give_back_last(&mut vault);
        }
    }

    fn give_back_last(vault: &mut Vault) {
        for chunk in vault.chunks.drain(..).flatten() {
            super::give_back(chunk.start, (SMALLEST << chunk.class) * slots(chunk.class));
        }
    }

    #[test]
    fn threads_take_and_give_back() {
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                scope.spawn(move || {
                    for round in 0..2000_usize {
                        let mut slot = Slot::of(1 + round % 120);
                        assert!(slot.bytes().iter().all(|byte| *byte == 0));
                        slot.bytes_mut().fill(thread);
                        assert!(slot.bytes().iter().all(|byte| *byte == thread));
                    }
                });
            }
        });
    }

    #[test]
    fn classes_hold_what_they_say() {
        for size in 1..=LARGEST {
            let class = class_of(size);
            assert!(class < CLASSES && SMALLEST << class >= size, "{size}");
            assert!(class == 0 || SMALLEST << (class - 1) < size, "{size} wastes a class");
        }
        for class in 0..CLASSES {
            let free = usize::try_from(all_free(class).count_ones()).unwrap();
            assert_eq!(free, slots(class));
        }
    }
}
