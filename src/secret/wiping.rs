//! [`Wiping`]: an allocator that wipes what is given back to it.
//!
//! Contract: libraries hold copies of what passes through them (a message on its way to the bus, a
//! transfer, a decoded text) in memory of their own, and free it as it is. With this allocator a copy is
//! gone when its owner drops it, whoever that is. What is *held* in ordinary memory can still be swapped
//! out; what must not be is in the [`vault`](super::vault).

use std::alloc::{GlobalAlloc, Layout, System};

use super::vault::wipe_at;

/// The system's allocator, wiping. For a program's `#[global_allocator]`.
#[derive(Debug)]
pub struct Wiping;

#[expect(unsafe_code, reason = "an allocator is a promise to everyone who allocates")]
// SAFETY: memory is the system allocator's, asked for and given back with the caller's layout. Before it is
// given back all of it is the caller's, and may be written.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above, and `memory` is so long and nobody reads it again.
        unsafe {
            wipe_at(memory, layout.size());
            System.dealloc(memory, layout);
        }
    }

    /// The system's own would leave what was there behind where it moves.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is not zero and fits with this alignment. New memory and
        // old do not overlap and are both as long as what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(memory, new, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            new
        }
    }
}
/// How much of the stack below is overwritten: deeper nothing of this program goes. Without optimisation its
/// frames are several times as large.
const STACK: usize = if cfg!(debug_assertions) { 160 * 1024 } else { 32 * 1024 };

/// Overwrites what functions that have returned have left on the stack: searches in a code spill thirty-two bytes
/// of it there at a time. For a thread that is about to wait; it takes about a microsecond.
#[inline(never)]
pub fn stack() {
    let mut below = [0_u8; STACK];
    // Or the compiler would see that nobody reads it.
    std::hint::black_box(&mut below);
}
