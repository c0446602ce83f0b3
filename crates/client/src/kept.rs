//! Connections kept between requests: few an origin, few in all, not for ever.

use crate::origin::Origin;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most kept connections of one origin.
const PER_ORIGIN: usize = 4;
/// Most kept connections.
const IN_ALL: usize = 64;
/// Longest time that a connection is kept unused, nanoseconds: as in Prometheus.
const IDLE_NS: u64 = 300_000_000_000;

/// The sending side of a connection.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

struct Entry {
    /// Where it leads, and whether it was opened with the client's certificate.
    key: (Origin, bool),
    generation: u64,
    since_ns: u64,
    sender: Sender,
}

/// Connections that nobody uses at the moment, oldest first.
#[derive(Default)]
pub(crate) struct Kept {
    entries: Mutex<Vec<Entry>>,
}

impl Kept {
    /// A connection that is still open, the newest one.
    pub(crate) fn take(&self, key: &(Origin, bool), generation: u64, now_ns: u64) -> Option<Sender> {
        let mut entries = self.entries();
        entries.retain(|e| {
            let stale = e.key == *key && e.generation != generation;
            !stale && !e.sender.is_closed() && now_ns.saturating_sub(e.since_ns) < IDLE_NS
        });
        let i = entries.iter().rposition(|e| e.key == *key)?;
        Some(entries.remove(i).sender)
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, key: (Origin, bool), generation: u64, now_ns: u64, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut entries = self.entries();
        if entries.iter().filter(|e| e.key == key).count() >= PER_ORIGIN {
            return;
        }
        if entries.len() >= IN_ALL {
            entries.remove(0);
        }
        entries.push(Entry { key, generation, since_ns: now_ns, sender });
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
