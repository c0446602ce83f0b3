//! The database: one head and the blocks behind it in a data directory that Prometheus can take over.
//!
//! Ingest goes straight to the head and takes no lock of the database. [`Db::maintain`] does all background work in
//! rounds that depend on the time of the data, not on the clock.

mod admin;
mod info;
mod list;
mod maintain;
mod options;
mod retention;

pub use info::{BlockInfo, DbStats, Maintained};
pub use list::BrokenBlock;
pub use options::{DbOptions, OpenError};

use crate::append::{AppendError, Batch, Committed, Slot};
use crate::block::read::{BlockCache, BlockQuerier};
use crate::block::{Block, BlockError, UlidSource};
use crate::head::{Head, HeadOptions, ReplayProgress};
use crate::query::MergedQuerier;
use info::Counters;
use list::BlockList;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tortie_host::{Clock, Fs};
use tortie_model::storage::{Querier, Queryable, StorageError};

/// Name of the lock file, as Prometheus'.
const LOCK_FILE: &str = "lock";

/// An open database.
pub struct Db {
    dir: PathBuf,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    options: DbOptions,
    head: Head,
    cache: Arc<BlockCache>,
    blocks: RwLock<Arc<BlockList>>,
    /// Blocks out of use whose files wait for their last reader.
    doomed: Mutex<Vec<Arc<Block>>>,
    /// Held for a round of background work.
    round: Mutex<()>,
    /// Set when the database closes: background work ends at its next step.
    stopping: AtomicBool,
    ulids: UlidSource,
    counters: Counters,
    last_error: Mutex<Option<String>>,
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
    lock_was_left: bool,
}

impl Db {
    /// Opens the database in `dir`, which is created when it is not there: takes the lock, removes what a crash left
    /// half-made, opens the blocks and replays the head. `progress` is told how far the replay has come.
    ///
    /// # Errors
    /// When the lock is held, the directory cannot be read or written, or the head cannot be opened. A block that
    /// cannot be opened is none: see [`BlockInfo::broken`].
    pub fn open(
        dir: &Path,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
        options: DbOptions,
        progress: &dyn Fn(ReplayProgress),
    ) -> Result<Db, OpenError> {
        fs.create_dir_all(dir).map_err(|source| OpenError::Io {
            op: "create",
            path: dir.to_owned(),
            source,
        })?;
        let lock_path = dir.join(LOCK_FILE);
        let lock_was_left = fs.kind(&lock_path).is_some();
        let lock = if options.no_lockfile { None } else { Some(take_lock(fs.as_ref(), dir, &lock_path)?) };

        for name in list::remove_leftovers(fs.as_ref(), dir).map_err(open_error)? {
            tracing::info!(folder = name, "removed what an interrupted compaction left");
        }
        let cache = Arc::new(BlockCache::new(options.cache_bytes));
        let mut blocks = list::load(fs.as_ref(), dir, &cache, &HashSet::new()).map_err(open_error)?;
        for path in list::take_superseded(&mut blocks, dir) {
            list::remove_block(fs.as_ref(), &path).map_err(open_error)?;
        }
        for broken in &blocks.broken {
            tracing::error!(block = %broken.ulid, err = broken.reason, "block cannot be opened and does not serve");
        }
        warn_of_out_of_order_log(fs.as_ref(), dir);
        let head_options = HeadOptions {
            chunk_range_ms: options.min_block_ms,
            min_valid_time: blocks.persisted_until().unwrap_or(i64::MIN),
            ..options.head
        };
        let head = Head::open(dir, &fs, &clock, head_options, progress)?;
        let seed = clock.monotonic_ns() ^ (clock.now_ms() as u64).rotate_left(32);
        Ok(Db {
            dir: dir.to_owned(),
            fs,
            clock,
            options,
            head,
            cache,
            blocks: RwLock::new(Arc::new(blocks)),
            doomed: Mutex::default(),
            round: Mutex::default(),
            stopping: AtomicBool::new(false),
            ulids: UlidSource::new(seed),
            counters: Counters::default(),
            last_error: Mutex::default(),
            lock: Mutex::new(lock),
            lock_was_left,
        })
    }

    /// Stores a batch: see [`Head::commit`].
    ///
    /// # Errors
    /// When the WAL cannot take it.
    pub fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        self.head.commit(batch)
    }

    /// Gives slots back: see [`Head::release`].
    pub fn release(&self, slots: &[Slot]) {
        self.head.release(slots);
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings it was opened with.
    pub fn options(&self) -> &DbOptions {
        &self.options
    }

    /// All blocks, ascending by start, broken ones last.
    pub fn blocks(&self) -> Vec<BlockInfo> {
        let list = self.list();
        let open = list.open.iter().map(|b| BlockInfo { meta: b.meta(), bytes: b.size(), broken: None });
        let broken = list.broken.iter().map(|b| BlockInfo {
            meta: b.meta.clone().unwrap_or_else(|| crate::block::BlockMeta::level_one(b.ulid, 0, 0)),
            bytes: 0,
            broken: Some(b.reason.clone()),
        });
        open.chain(broken).collect()
    }

    /// Start of the oldest sample in milliseconds: of the first block, or of the head when there is none.
    pub fn min_time(&self) -> i64 {
        self.list().open.first().map_or_else(|| self.head.min_time(), |b| b.range().0)
    }

    /// Counters and gauges.
    pub fn stats(&self) -> DbStats {
        let list = self.list();
        let c = &self.counters;
        DbStats {
            blocks: list.open.len() as u64,
            block_bytes: list.bytes(),
            blocks_broken: list.broken.len() as u64,
            blocks_waiting: lock(&self.doomed).len() as u64,
            compactions: c.compactions.load(Ordering::Relaxed),
            compactions_failed: c.compactions_failed.load(Ordering::Relaxed),
            overlapping_compactions: c.overlapping.load(Ordering::Relaxed),
            time_retentions: c.time_retentions.load(Ordering::Relaxed),
            size_retentions: c.size_retentions.load(Ordering::Relaxed),
            compaction_ms: c.compaction_ns.load(Ordering::Relaxed) / 1_000_000,
            lock_was_left: self.lock_was_left,
            cache_bytes: self.cache.bytes() as u64,
            last_error: lock(&self.last_error).clone(),
            head: self.head.stats(),
        }
    }

    /// Ends the database: background work stops, the head flushes and syncs, the lock file goes. Queries that still run keep their files.
    ///
    /// # Errors
    /// When the last writes or syncs of the head fail; the lock is let go all the same.
    pub fn close(&self) -> std::io::Result<()> {
        self.stopping.store(true, Ordering::Relaxed);
        let _round = lock(&self.round);
        let closed = self.head.close();
        self.bury(&mut Maintained::default());
        if lock(&self.lock).take().is_some() {
            // Its absence tells the next start that this run ended cleanly.
            let _ = self.fs.remove_file(&self.dir.join(LOCK_FILE));
        }
        closed
    }

    fn list(&self) -> Arc<BlockList> {
        Arc::clone(&self.blocks.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_list(&self, list: BlockList) {
        *self.blocks.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }
}

impl Queryable for Db {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        // The head's view comes first: what leaves the head afterwards is in a block that is listed by then.
        let head = if maxt >= self.head.min_time() { Some(self.head.querier(mint, maxt)?) } else { None };
        let list = self.list();
        let mut views: Vec<Box<dyn Querier + 'a>> = Vec::new();
        for block in list.open.iter().filter(|b| b.overlaps(mint, maxt)) {
            views.push(Box::new(BlockQuerier::new(Arc::clone(block))));
        }
        views.extend(head);
        Ok(Box::new(MergedQuerier::new(views)))
    }
}

/// A log of out-of-order samples is what Prometheus leaves with `out_of_order_time_window`; it is not read here.
fn warn_of_out_of_order_log(fs: &dyn Fs, dir: &Path) {
    let wbl = dir.join("wbl");
    let bytes = |name: &String| fs.open(&wbl.join(name)).and_then(|f| f.len()).unwrap_or(0);
    let total: u64 = fs.list(&wbl).unwrap_or_default().iter().map(bytes).sum();
    if total > 0 {
        tracing::warn!(
            folder = %wbl.display(),
            bytes = total,
            "out-of-order samples that are not in a block yet are not read; Prometheus still can"
        );
    }
}

fn take_lock(fs: &dyn Fs, dir: &Path, path: &Path) -> Result<Box<dyn Send + Sync>, OpenError> {
    fs.lock(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => OpenError::Locked { dir: dir.to_owned() },
        _ => OpenError::Io { op: "lock", path: path.to_owned(), source },
    })
}

fn open_error(e: BlockError) -> OpenError {
    match e {
        BlockError::Io { op, path, source } => OpenError::Io { op, path, source },
        other => OpenError::Io {
            op: "open",
            path: PathBuf::new(),
            source: std::io::Error::other(other.to_string()),
        },
    }
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}
