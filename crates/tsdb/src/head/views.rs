//! Which commits a reader sees, and which readers are open: isolation without a byte a series.
//!
//! A commit takes a number before it touches its first page and gives it back after the last. A reader sees all
//! commits with numbers up to that of its opening: those under way it waits for (they only copy memory), later ones
//! leave undo entries as long as the reader is open.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct State {
    last_commit: u64,
    under_way: Vec<u64>,
    last_view: u64,
    /// Open views with the last commit each sees.
    open: BTreeMap<u64, u64>,
    /// Readers that wait for commits under way: without any, a commit's end is no call of the system.
    waiting: usize,
}

/// The register of commits and readers.
#[derive(Default)]
pub(crate) struct Views {
    state: Mutex<State>,
    done: Condvar,
}

/// A commit under way.
pub(crate) struct Ticket<'a> {
    views: &'a Views,
    /// The commit's number.
    pub(crate) number: u64,
    /// The last commit that the reader sees which sees least; `None` when no reader is open.
    pub(crate) oldest_reader: Option<u64>,
    /// The last commit that the reader sees which sees most.
    pub(crate) newest_reader: u64,
}

impl Views {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a commit.
    pub(crate) fn begin_commit(&self) -> Ticket<'_> {
        let mut s = self.lock();
        s.last_commit += 1;
        let number = s.last_commit;
        s.under_way.push(number);
        Ticket {
            views: self,
            number,
            oldest_reader: s.open.values().copied().min(),
            newest_reader: s.open.values().copied().max().unwrap_or(0),
        }
    }

    /// Opens a reader: its number and the last commit it sees, all of which is done.
    pub(crate) fn open(&self) -> (u64, u64) {
        let mut s = self.lock();
        s.last_view += 1;
        let (id, visible) = (s.last_view, s.last_commit);
        s.open.insert(id, visible);
        while s.under_way.iter().any(|c| *c <= visible) {
            s.waiting += 1;
            s = self.done.wait(s).unwrap_or_else(PoisonError::into_inner);
            s.waiting -= 1;
        }
        (id, visible)
    }

    /// Closes a reader.
    pub(crate) fn close(&self, id: u64) {
        self.lock().open.remove(&id);
    }

    /// A moment: readers opened so far have numbers up to it.
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().last_view
    }

    /// Whether a reader from before or at `epoch` is still open.
    pub(crate) fn any_open_since(&self, epoch: u64) -> bool {
        self.lock().open.keys().next().is_some_and(|id| *id <= epoch)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Half a commit is in the pages. The WAL has all of it and brings it back.
            tracing::error!(component = "tsdb", "BUG: panic in the middle of a commit, ending the process");
            std::process::abort();
        }
        let mut s = self.views.lock();
        let number = self.number;
        s.under_way.retain(|c| *c != number);
        let waited_for = s.waiting > 0;
        drop(s);
        if waited_for {
            self.views.done.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_reader_waits_for_commits_under_way_and_no_later_one() {
        let v = Arc::new(Views::default());
        let first = v.begin_commit();
        let (tx, rx) = std::sync::mpsc::channel();
        let reader = {
            let v = Arc::clone(&v);
            std::thread::spawn(move || tx.send(v.open()).unwrap())
        };
        assert!(first.oldest_reader.is_none());
        // The reader registers before it waits: a commit that begins then knows of it.
        let later = loop {
            let t = v.begin_commit();
            if t.oldest_reader.is_some() {
                break t;
            }
        };
        assert!(rx.try_recv().is_err());
        drop(first);
        let (id, visible) = rx.recv().unwrap();
        reader.join().unwrap();
        assert!(visible < later.number);
        assert!(v.any_open_since(id) && !v.any_open_since(id - 1));
        v.close(id);
        assert!(!v.any_open_since(v.epoch()));
    }
}
