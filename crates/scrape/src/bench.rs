//! What the bench of this crate may touch: reading bodies without a network or a head.

use crate::body::{Table, Templates};
use crate::ingest::{self, Context, Work};
use crate::pool_config::PoolConfig;
use std::sync::Arc;
use tortie_model::Labels;

/// Reads bodies one after the other, as the scrapes of one target do; new series get slots in order.
pub struct Reader {
    config: PoolConfig,
    target: Labels,
    templates: Templates,
    table: Table,
    work: Work,
    next_slot: u32,
}

impl Reader {
    /// A reader that has seen `body` (unless it is empty).
    pub fn new(body: &str) -> Reader {
        let templates = Templates::default();
        let table = Table::new(templates.intern(crate::body::Template::empty()));
        let target = Labels::from_pairs([("instance", "10.0.0.1:9091"), ("job", "felix")]);
        let mut r = Reader {
            config: PoolConfig::new("felix"),
            target,
            templates,
            table,
            work: Work::default(),
            next_slot: 0,
        };
        if !body.is_empty() {
            r.read(body);
        }
        r
    }

    /// Reads a body; the number of rows it gave.
    pub fn read(&mut self, body: &str) -> usize {
        let context =
            Context { config: &self.config, target: &self.target, at_ms: 1, now_ms: 1, relabel_all: false };
        self.work.clear();
        let outcome = ingest::read(body.as_bytes(), &self.table, &context, &mut self.work);
        if let Some(mut change) = outcome.change {
            for s in change.draft.slots.iter_mut().filter(|s| **s == crate::body::NEW) {
                *s = self.next_slot;
                self.next_slot += 1;
            }
            self.table = Table::from_draft(self.templates.intern(change.template), change.draft);
        }
        self.work.batch.len()
    }

    /// Forgets the lines of the last body.
    pub fn forget(&mut self) {
        self.table = Table::new(Arc::clone(&self.templates.intern(crate::body::Template::empty())));
    }
}
