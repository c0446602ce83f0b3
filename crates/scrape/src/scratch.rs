//! Memory of running scrapes: borrowed when the answer begins to come, given back when the scrape ends.
//!
//! A scrape that waits for its target holds none of it. With answers read one after the other, few pieces are in use,
//! and they stay in the processor's caches.

use crate::http::Buffers;
use crate::ingest::Work;
use std::sync::{Mutex, PoisonError};

/// Most that are kept for later.
const KEPT: usize = 16;

/// Memory of one running scrape.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) buffers: Buffers,
    pub(crate) work: Work,
    /// The last Content-Type that was found to be that of the text format: nearly all targets send the same.
    pub(crate) text_type: String,
}

/// What is not in use.
#[derive(Default)]
pub(crate) struct Scratches {
    /// Boxed: a scrape moves its own to the CPU pool and back, and an empty place in a future should be small.
    #[allow(clippy::vec_box)]
    free: Mutex<Vec<Box<Scratch>>>,
}

impl Scratches {
    /// The right to one.
    pub(crate) fn lease(&self) -> Lease<'_> {
        Lease { from: self, scratch: None }
    }
}

/// The memory of one scrape, from when it is first needed.
pub(crate) struct Lease<'a> {
    from: &'a Scratches,
    scratch: Option<Box<Scratch>>,
}

impl Lease<'_> {
    /// The memory, empty at first.
    pub(crate) fn scratch(&mut self) -> &mut Box<Scratch> {
        self.scratch.get_or_insert_with(|| {
            self.from.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
        })
    }

    /// The part for the answer.
    pub(crate) fn buffers(&mut self) -> &mut Buffers {
        &mut self.scratch().buffers
    }

    /// Forgets what was read so far.
    pub(crate) fn clear(&mut self) {
        if let Some(scratch) = &mut self.scratch {
            scratch.buffers.clear();
        }
    }

    /// Whether any byte of an answer was read.
    pub(crate) fn has_read(&self) -> bool {
        self.scratch.as_ref().is_some_and(|s| s.buffers.has_read())
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(mut scratch) = self.scratch.take() else { return };
        scratch.buffers.clear();
        scratch.work.clear();
        let mut free = self.from.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_round() {
        let all = Scratches::default();
        let mut first = all.lease();
        drop(all.lease());
        assert!(all.free.lock().unwrap().is_empty(), "what was not needed was not made");
        first.scratch().text_type = "a".to_owned();
        all.lease().scratch().text_type = "b".to_owned();
        assert!(!first.has_read());
        drop(first);
        let (mut x, mut y) = (all.lease(), all.lease());
        assert_eq!((&*x.scratch().text_type, &*y.scratch().text_type), ("a", "b"));
        let mut many: Vec<Lease<'_>> = (0..2 * KEPT).map(|_| all.lease()).collect();
        many.iter_mut().for_each(|l| assert_eq!(l.scratch().text_type, ""));
        drop(many);
        assert_eq!(all.free.lock().unwrap().len(), KEPT);
    }
}
