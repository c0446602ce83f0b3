//! The traits between the query side and whatever holds samples.
//!
//! A reader opens a [`Querier`] for a time range, selects a [`SeriesSet`] by matchers and reads each series as
//! [`Columns`]. A set is indexed, not iterated, so that evaluation may go through it from several threads.

use crate::{Columns, Labels, Matcher};

/// Why a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// Reading a file failed: which one, where and why.
    #[error("{0}")]
    Io(String),
    /// Stored bytes do not fit their format: which file, offset and what was expected.
    #[error("{0}")]
    Corrupt(String),
    /// The bytes budget of queries is used up.
    #[error("{0}")]
    Budget(String),
    /// The caller asked to stop.
    #[error("query was canceled")]
    Cancelled,
}

/// What a selection is for; storage may use it to read less, never to return other samples of `[mint, maxt]`.
#[derive(Debug, Clone, Default)]
pub struct SelectHints {
    /// Earliest timestamp needed, inclusive, milliseconds.
    pub mint: i64,
    /// Latest timestamp needed, inclusive, milliseconds.
    pub maxt: i64,
    /// Step of a range query in milliseconds, 0 for an instant query.
    pub step: i64,
    /// Most series wanted, 0 for all.
    pub limit: usize,
}

/// Something that can be read: a database, the head, a list of blocks, test data.
pub trait Queryable: Send + Sync {
    /// Opens a consistent view of the samples within `[mint, maxt]` (milliseconds, both inclusive).
    ///
    /// # Errors
    /// When the view cannot be opened.
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError>;
}

/// A consistent view; it sees no commit that came after it was opened.
pub trait Querier: Send + Sync {
    /// All series that satisfy every matcher and may have samples in the range, ascending by labels.
    ///
    /// # Errors
    /// When an index cannot be read.
    fn select<'a>(
        &'a self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError>;

    /// Values of label `name` among series that satisfy the matchers, ascending, without duplicates.
    /// `limit` 0 is no limit.
    ///
    /// # Errors
    /// When an index cannot be read.
    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
    ) -> Result<Vec<String>, StorageError>;

    /// Label names among series that satisfy the matchers, ascending, without duplicates. `limit` 0 is no limit.
    ///
    /// # Errors
    /// When an index cannot be read.
    fn label_names(&self, matchers: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError>;
}

/// The series that a selection found, by index `0..len()`.
pub trait SeriesSet: Send + Sync {
    /// Number of series.
    fn len(&self) -> usize;

    /// Whether nothing was found.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Labels of series `i`.
    fn labels(&self, i: usize) -> Labels;

    /// Clears `out` and fills it with the samples of series `i` in `[mint, maxt]`, both inclusive.
    ///
    /// # Errors
    /// When chunks cannot be read or decoded.
    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError>;

    /// The newest float sample of series `i` with `after < t <= at`, stale markers included; `Ok(None)` when there
    /// is none. The default decodes; a head answers from its last two samples. A series that holds histograms in
    /// the range must answer through [`SeriesSet::read`]: see [`Newest::Histogram`].
    ///
    /// # Errors
    /// When chunks cannot be read or decoded.
    fn newest(
        &self,
        i: usize,
        after: i64,
        at: i64,
        scratch: &mut Columns,
    ) -> Result<Option<Newest>, StorageError> {
        self.read(i, after + 1, at, scratch)?;
        let float = scratch.t.last().copied();
        let hist = scratch.histograms.last().and_then(|r| r.t.last().copied());
        Ok(match (float, hist) {
            (None, None) => None,
            (Some(t), h) if h.is_none_or(|h| h < t) => scratch.v.last().map(|&v| Newest::Float { t, v }),
            _ => Some(Newest::Histogram),
        })
    }
}

/// The newest sample of a series at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Newest {
    /// A float sample (possibly a stale marker).
    Float {
        /// Its timestamp in milliseconds.
        t: i64,
        /// Its value.
        v: f64,
    },
    /// A histogram: the last one of the scratch columns, or found by [`SeriesSet::read`].
    Histogram,
}
