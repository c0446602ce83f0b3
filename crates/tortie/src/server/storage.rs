//! The database as scraping and queries see it, and whether it takes samples.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_host::Clock;
use tortie_model::storage::{Querier, Queryable, StorageError};
use tortie_scrape::sink::Sink;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};
use tortie_tsdb::db::Db;
use tortie_web::sources::Notice;

/// A shared database.
#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) db: Arc<Db>,
    refusal: Arc<Refusal>,
}

/// Why the last batch was not stored, while that is so.
struct Refusal {
    clock: Arc<dyn Clock>,
    now: AtomicBool,
    notice: Mutex<Option<Notice>>,
}

impl Storage {
    pub(crate) fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Storage {
        Storage {
            db,
            refusal: Arc::new(Refusal { clock, now: AtomicBool::new(false), notice: Mutex::new(None) }),
        }
    }

    /// What the operator should know while no samples are taken.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.refusal.notice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Refusal {
    fn begin(&self, e: &AppendError) {
        self.now.store(true, Ordering::Relaxed);
        let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
        let since_ms = notice.as_ref().map_or_else(|| self.clock.now_ms(), |n| n.since_ms);
        *notice = Some(Notice { text: format!("Samples are not stored: {e}"), since_ms });
    }

    fn end(&self) {
        if self.now.swap(false, Ordering::Relaxed) {
            *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Sink for Storage {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        let result = self.db.commit(batch);
        match &result {
            Err(e @ AppendError::Wal(_)) => self.refusal.begin(e),
            Err(AppendError::Closed) => {}
            // A read alone, since nearly always there is nothing to end.
            Ok(_) if self.refusal.now.load(Ordering::Relaxed) => self.refusal.end(),
            Ok(_) => {}
        }
        result
    }

    fn release(&self, slots: &[Slot]) {
        self.db.release(slots);
    }
}

impl Queryable for Storage {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        self.db.querier(mint, maxt)
    }
}
