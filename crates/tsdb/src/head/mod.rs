//! The head: the newest hours of all series, in memory, with its WAL and its full chunks on disk.
//!
//! Reading order: [`options`], [`page`] (the columns of 512 series and the way of a sample into them), [`index`]
//! (labels, postings), [`commit`], [`views`] (who sees what), [`select`] and [`read`], [`flush`] (full chunks to disk),
//! [`truncate`], [`replay`] (the start), [`source`] (the head as input of a block), [`stats`] and [`account`].
//!
//! Locks, in the order in which they may be taken: the index, then a page. The WAL, the head chunk files and the
//! register of views have their own and take no other.

mod account;
mod commit;
mod delete;
mod flush;
mod index;
mod options;
mod page;
mod postings;
mod read;
mod replay;
mod select;
mod source;
mod stats;
mod symbols;
mod truncate;
mod views;

pub use options::{HeadOptions, OpenError, ReplayProgress};
pub use read::HeadView;
pub use source::HeadSource;
pub use stats::{Cardinality, HeadMemory, HeadStats};

use crate::append::Slot;
use crate::head_chunks::ChunkFiles;
use crate::wal::journal::Journal;
use crate::wal::write::Wal;
use hashbrown::HashMap;
use index::Index;
use page::{Page, SLOTS};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tortie_host::Fs;
use tortie_model::Labels;

/// Numbers of the head that many threads count.
#[derive(Default)]
struct Counters {
    series_created: AtomicU64,
    series_removed: AtomicU64,
    chunks: AtomicU64,
    chunks_created: AtomicU64,
    chunks_removed: AtomicU64,
    chunks_pending: AtomicU64,
    chunks_written: AtomicU64,
    samples: AtomicU64,
    out_of_order: AtomicU64,
    out_of_bounds: AtomicU64,
    duplicate: AtomicU64,
    series_limited: AtomicU64,
    wal_failed: AtomicU64,
    wal_corruptions: AtomicU64,
    chunk_corruptions: AtomicU64,
    truncations: AtomicU64,
    checkpoints: AtomicU64,
    checkpoints_failed: AtomicU64,
    skipped_records: AtomicU64,
    unknown_refs: AtomicU64,
    replay_ms: AtomicU64,
}

fn add(c: &AtomicU64, n: u64) {
    c.fetch_add(n, Ordering::Relaxed);
}

/// What the head keeps on disk.
struct Disk {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    wal: Wal,
    journal: Arc<Journal>,
    chunks: ChunkFiles,
}

/// A page with its lock and, beside it, how many bytes its chunks take.
type SharedPage = Arc<RwLock<Box<Page>>>;

/// The head of a database.
pub struct Head {
    options: HeadOptions,
    disk: Option<Disk>,
    index: RwLock<Index>,
    pages: RwLock<Vec<SharedPage>>,
    views: views::Views,
    counters: Counters,
    last_ref: AtomicU64,
    min_time: AtomicI64,
    max_time: AtomicI64,
    min_valid_time: AtomicI64,
    /// Bytes in use as the budget sees it: counted again at each round of maintenance, guessed in between.
    used_bytes: AtomicU64,
    /// Deleted ranges by slot; nearly always empty.
    tombstones: RwLock<HashMap<u32, Vec<(i64, i64)>>>,
    has_tombstones: AtomicBool,
    /// Removed series whose samples may still be in the WAL: reference and the time up to which.
    wal_expiries: Mutex<HashMap<u64, i64>>,
    /// Removed series whose slots wait for readers to end: the epoch of removal and the slots.
    retired: Mutex<Vec<(u64, Vec<u32>)>>,
    /// Truncation that waits for readers to end.
    truncate_epoch: Mutex<Option<u64>>,
    /// One round of maintenance at a time.
    maintenance: Mutex<()>,
    closed: AtomicBool,
}

impl Head {
    /// A head that keeps nothing on disk: for tests and scripts.
    pub fn in_memory(options: HeadOptions) -> Head {
        Head::with_disk(options, None)
    }

    fn with_disk(mut options: HeadOptions, disk: Option<Disk>) -> Head {
        options.chunk_range_ms = options.chunk_range_ms.max(1);
        options.samples_per_chunk = options.samples_per_chunk.max(4);
        let min_valid = options.min_valid_time;
        Head {
            options,
            disk,
            index: RwLock::default(),
            pages: RwLock::default(),
            views: views::Views::default(),
            counters: Counters::default(),
            last_ref: AtomicU64::new(0),
            min_time: AtomicI64::new(i64::MAX),
            max_time: AtomicI64::new(i64::MIN),
            min_valid_time: AtomicI64::new(min_valid),
            used_bytes: AtomicU64::new(0),
            tombstones: RwLock::default(),
            has_tombstones: AtomicBool::new(false),
            wal_expiries: Mutex::default(),
            retired: Mutex::default(),
            truncate_epoch: Mutex::new(None),
            maintenance: Mutex::new(()),
            closed: AtomicBool::new(false),
        }
    }

    /// Time of the oldest sample, milliseconds; `i64::MAX` while there is none.
    pub fn min_time(&self) -> i64 {
        self.min_time.load(Ordering::Acquire)
    }

    /// Time of the newest sample, milliseconds; `i64::MIN` while there is none.
    pub fn max_time(&self) -> i64 {
        self.max_time.load(Ordering::Acquire)
    }

    /// Whether the head has taken a sample (or found one at its start).
    pub fn is_initialized(&self) -> bool {
        self.min_time() != i64::MAX
    }

    /// Whether a block should be cut from the head: it spans one and a half chunk ranges (Prometheus' rule).
    pub fn compactable(&self) -> bool {
        self.is_initialized()
            && self.max_time().saturating_sub(self.min_time()) > self.options.chunk_range_ms / 2 * 3
    }

    /// Samples before this time are refused: half a chunk range behind the newest, or in a block already.
    pub fn appendable_min_valid_time(&self) -> i64 {
        let newest = self.max_time();
        let window = if newest == i64::MIN {
            i64::MIN
        } else {
            newest.saturating_sub(self.options.chunk_range_ms / 2)
        };
        window.max(self.min_valid_time.load(Ordering::Acquire))
    }

    /// Width of a head block, milliseconds.
    pub fn chunk_range(&self) -> i64 {
        self.options.chunk_range_ms
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.index().len()
    }

    /// Labels of a held slot; empty when the slot has no series.
    pub fn labels(&self, slot: Slot) -> Labels {
        self.index().labels(slot.0)
    }

    /// Gives slots back: their series may go once they hold no data. Each entry undoes one hold.
    pub fn release(&self, slots: &[Slot]) {
        let mut rest = slots;
        while let Some(first) = rest.first() {
            let number = page_of(first.0);
            let n = rest.iter().take_while(|s| page_of(s.0) == number).count();
            let (run, after) = rest.split_at(n);
            rest = after;
            let Some(page) = self.page(number) else { continue };
            let mut page = write(&page);
            for s in run {
                let h = &mut page.holders[place_of(s.0)];
                *h = h.saturating_sub(1);
            }
        }
    }

    /// Ends the head: full chunks and the WAL go to disk, synced. Later commits are refused.
    ///
    /// # Errors
    /// What the system said; all parts are tried.
    pub fn close(&self) -> std::io::Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let flushed = self.flush_chunks();
        let Some(disk) = &self.disk else { return Ok(()) };
        let synced = disk.chunks.sync();
        let wal = disk.wal.close();
        flushed.and(synced).and(wal)
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pages(&self) -> RwLockReadGuard<'_, Vec<SharedPage>> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self, number: usize) -> Option<SharedPage> {
        self.pages().get(number).cloned()
    }

    /// The page of a slot that the index just handed out.
    fn page_for(&self, slot: u32) -> SharedPage {
        let number = page_of(slot);
        if let Some(p) = self.page(number) {
            return p;
        }
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        while pages.len() <= number {
            pages.push(Arc::new(RwLock::new(Page::new())));
        }
        Arc::clone(&pages[number])
    }

    fn cut(&self) -> page::Cut {
        page::Cut { range: self.options.chunk_range_ms, samples: self.options.samples_per_chunk }
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("min_time", &self.min_time())
            .field("max_time", &self.max_time())
            .finish_non_exhaustive()
    }
}

fn page_of(slot: u32) -> usize {
    slot as usize / SLOTS
}

fn place_of(slot: u32) -> usize {
    slot as usize % SLOTS
}

fn read(page: &RwLock<Box<Page>>) -> RwLockReadGuard<'_, Box<Page>> {
    page.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(page: &RwLock<Box<Page>>) -> RwLockWriteGuard<'_, Box<Page>> {
    page.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
