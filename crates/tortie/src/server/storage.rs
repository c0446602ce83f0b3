//! The database as scraping and queries see it.

use std::sync::Arc;
use tortie_model::storage::{Querier, Queryable, StorageError};
use tortie_scrape::sink::Sink;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};
use tortie_tsdb::db::Db;

/// A shared database.
#[derive(Clone)]
pub(crate) struct Storage(pub(crate) Arc<Db>);

impl Sink for Storage {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        self.0.commit(batch)
    }

    fn release(&self, slots: &[Slot]) {
        self.0.release(slots);
    }
}

impl Queryable for Storage {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        self.0.querier(mint, maxt)
    }
}
