//! Bodies of a representative Felix, shared by many nodes.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use crate::gzip::Halves;
use crate::inventory::{Dataplane, Rendered};

/// Seconds of bodies that are kept: a node answers as its representative did up to this long ago.
pub(super) const RINGS: i64 = 48;

/// The last bodies of one representative.
#[derive(Debug)]
pub(super) struct Ring {
    /// Dataplane and number of the representative.
    pub class: (Dataplane, usize),
    /// The actor that renders it.
    pub actor: usize,
    bodies: RwLock<VecDeque<Arc<SharedBody>>>,
}

impl Ring {
    /// An empty ring.
    pub(super) fn new(class: (Dataplane, usize), actor: usize) -> Ring {
        Ring { class, actor, bodies: RwLock::new(VecDeque::new()) }
    }

    /// Adds the body of the next second.
    pub(super) fn push(&self, body: SharedBody) {
        // A panic while the lock is held leaves a whole deque: pushes and pops are single calls.
        let mut bodies = self.bodies.write().unwrap_or_else(PoisonError::into_inner);
        if bodies.len() >= RINGS as usize {
            bodies.pop_front();
        }
        bodies.push_back(Arc::new(body));
    }

    /// The body of `late` seconds ago, or the oldest one.
    pub(super) fn late(&self, late: i64) -> Option<Arc<SharedBody>> {
        let bodies = self.bodies.read().unwrap_or_else(PoisonError::into_inner);
        let at = bodies.len().checked_sub(1)?.saturating_sub(late as usize);
        bodies.get(at).cloned()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bodies.read().unwrap_or_else(PoisonError::into_inner).iter().map(|b| b.bytes()).sum()
    }
}

/// A body without its host, whole and compressed.
#[derive(Debug, Default)]
pub(super) struct SharedBody {
    front: Bytes,
    back: Bytes,
    halves: Option<Halves>,
}

impl SharedBody {
    /// Splits a body that was rendered with an empty host.
    pub(super) fn new(rendered: &Rendered) -> SharedBody {
        let text = &rendered.text;
        let at = rendered.host.as_ref().map_or(text.len(), |h| h.start);
        let (front, back) = text.split_at(at.min(text.len()));
        SharedBody {
            front: Bytes::copy_from_slice(front),
            back: Bytes::copy_from_slice(back),
            halves: Some(Halves::new(front, back)),
        }
    }

    /// The body as the host `host`.
    pub(super) fn parts(&self, host: &str, gzip: bool) -> Vec<Bytes> {
        match &self.halves {
            Some(halves) if gzip => halves.with_line(host.as_bytes()),
            _ => vec![self.front.clone(), Bytes::copy_from_slice(host.as_bytes()), self.back.clone()],
        }
    }

    fn bytes(&self) -> usize {
        self.front.len() + self.back.len() + self.halves.as_ref().map_or(0, Halves::size)
    }
}
