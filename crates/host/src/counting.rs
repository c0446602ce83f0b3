//! An allocator that counts, for tests that bound memory: bytes do not depend on how busy the machine is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator with figures beside it, to be a binary's `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting {
    held: AtomicUsize,
    most: AtomicUsize,
    calls: AtomicUsize,
}

impl Counting {
    /// Nothing counted yet.
    #[allow(clippy::new_without_default)] // a static is made of it
    pub const fn new() -> Counting {
        Counting { held: AtomicUsize::new(0), most: AtomicUsize::new(0), calls: AtomicUsize::new(0) }
    }

    /// Bytes that are allocated now.
    pub fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// Allocations since the start.
    pub fn calls(&self) -> usize {
        self.calls.load(Relaxed)
    }

    /// Most bytes at a time since this was asked last.
    pub fn take_most(&self) -> usize {
        self.most.swap(self.held(), Relaxed)
    }

    fn add(&self, n: usize) {
        self.calls.fetch_add(1, Relaxed);
        let held = self.held.fetch_add(n, Relaxed) + n;
        self.most.fetch_max(held, Relaxed);
    }
}

#[allow(unsafe_code)] // the only way to see what is asked of the allocator
// SAFETY: every call goes to the system's allocator as it came; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.held.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}
