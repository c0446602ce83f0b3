//! Where samples go: the head of the database, or a stand-in of a test.

use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

/// Takes the samples of scrapes.
pub trait Sink: Send + Sync {
    /// Stores a batch whole or not at all; single rows may be refused. The caller holds each slot returned, once for
    /// each time it is returned.
    ///
    /// # Errors
    /// When nothing was stored.
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError>;

    /// Gives up slots that were returned by [`Sink::commit`].
    fn release(&self, slots: &[Slot]);
}

impl<S: Sink + ?Sized> Sink for std::sync::Arc<S> {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        (**self).commit(batch)
    }

    fn release(&self, slots: &[Slot]) {
        (**self).release(slots);
    }
}

impl Sink for tortie_tsdb::head::Head {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        tortie_tsdb::head::Head::commit(self, batch)
    }

    fn release(&self, slots: &[Slot]) {
        tortie_tsdb::head::Head::release(self, slots);
    }
}

impl Sink for tortie_tsdb::db::Db {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        tortie_tsdb::db::Db::commit(self, batch)
    }

    fn release(&self, slots: &[Slot]) {
        tortie_tsdb::db::Db::release(self, slots);
    }
}
