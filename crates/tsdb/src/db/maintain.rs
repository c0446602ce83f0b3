//! One round of background work: blocks from the head, merges, retention, removal of what nobody reads any more.

use super::info::{Maintained, bump};
use super::list::{load, remove_block};
use super::retention::expired;
use super::{Db, lock};
use crate::block::read::BlockSource;
use crate::block::{Block, BlockError, BlockMeta, SeriesSource, SourceSeries, Ulid, write_block};
use crate::compact::{MergeSource, plan, ranges};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tortie_model::storage::StorageError;

impl Db {
    /// Does one round: cuts blocks from the head when it spans more than one and a half block ranges, writes full head
    /// chunks to disk, merges blocks, applies the retention, removes files that no query reads any more.
    ///
    /// Meant to be called about once a minute of data time. Never stops ingest or queries. What fails is counted,
    /// named in the answer and in [`super::DbStats::last_error`], and tried again by the next round.
    pub fn maintain(&self) -> Maintained {
        let _round = lock(&self.round);
        let mut done = Maintained::default();
        if self.stopping.load(Ordering::Relaxed) {
            return done;
        }
        self.look_for_new_blocks(&mut done);
        self.persist_head(&mut done);
        if let Err(e) = self.head.maintain() {
            done.errors.push(format!("head chunks: {e}"));
        }
        self.expire(&mut done);
        self.merge_blocks(&mut done);
        self.expire(&mut done);
        self.bury(&mut done);
        for e in &done.errors {
            tracing::error!(err = e.as_str(), "background work of the database failed");
        }
        *lock(&self.last_error) = done.errors.last().cloned();
        done
    }

    /// Takes in blocks that somebody else put into the directory: `promtool tsdb create-blocks-from` does.
    fn look_for_new_blocks(&self, done: &mut Maintained) {
        let mut known: HashSet<Ulid> = self.list().open.iter().map(|b| b.meta().ulid).collect();
        known.extend(self.list().broken.iter().map(|b| b.ulid));
        known.extend(lock(&self.doomed).iter().map(|b| b.meta().ulid));
        match load(self.fs.as_ref(), &self.dir, &self.cache, &known) {
            Ok(found) if found.open.is_empty() && found.broken.is_empty() => {}
            Ok(found) => {
                tracing::info!(
                    blocks = found.open.len(),
                    broken = found.broken.len(),
                    "found new blocks in the data directory"
                );
                done.errors.extend(found.broken.iter().map(|b| format!("new block: {}", b.reason)));
                let mut list = (*self.list()).clone();
                found.open.into_iter().for_each(|b| list.add(b));
                list.broken.extend(found.broken);
                self.set_list(list);
            }
            Err(e) => done.errors.push(named("look for new blocks", &e)),
        }
    }

    fn persist_head(&self, done: &mut Maintained) {
        let range = self.options.min_block_ms;
        while self.head.compactable() {
            let first = self.head.min_time();
            let aligned = first.div_euclid(range) * range;
            let maxt = aligned + range;
            // Blocks after the first one begin at the range's border, also when their first sample comes later.
            let mint = if self.list().persisted_until() == Some(aligned) { aligned } else { first };
            if let Err(e) = self.cut_block(mint, maxt, done) {
                self.failed("block from the head", &e, done);
                return;
            }
        }
    }

    fn cut_block(&self, mint: i64, maxt: i64, done: &mut Maintained) -> Result<(), BlockError> {
        let meta = BlockMeta::level_one(self.ulids.make(self.clock.as_ref()), mint, maxt);
        let source = self.head.block_source(mint, maxt);
        let written = self.write(meta, source)?;
        if let Some(meta) = written {
            self.publish(&meta, &[])?;
            tracing::info!(ulid = %meta.ulid, mint, maxt, series = meta.stats.num_series, "wrote a block from the head");
            done.from_head.push(meta);
        }
        // Queries opened from now on find these samples in the block.
        self.head.truncate(maxt).map_err(BlockError::io("truncate the head in", &self.dir))
    }

    fn merge_blocks(&self, done: &mut Maintained) {
        let ranges = ranges(self.options.min_block_ms, self.options.longest_block_ms());
        // The head goes first when it has become due meanwhile.
        while !self.head.compactable() {
            let list = self.list();
            let metas = list.metas();
            let parents: Vec<Arc<Block>> =
                plan(&metas, &ranges).iter().filter_map(|&i| list.open.get(i).cloned()).collect();
            drop(list);
            if parents.is_empty() {
                return;
            }
            if let Err(e) = self.merge(&parents, done) {
                self.failed("merge of blocks", &e, done);
                if e.is_corrupt() {
                    self.mark_failed(&parents);
                }
                return;
            }
        }
    }

    /// Merges blocks (or rewrites a single one without its deleted samples) and puts the new one in their place.
    pub(super) fn merge(&self, parents: &[Arc<Block>], done: &mut Maintained) -> Result<(), BlockError> {
        let mut metas: Vec<BlockMeta> = parents.iter().map(|b| b.meta()).collect();
        metas.sort_by_key(|m| m.min_time);
        if metas.is_sorted_by(|a, b| a.max_time <= b.min_time) {
            tracing::debug!(blocks = metas.len(), "merging blocks");
        } else {
            bump(&self.counters.overlapping);
            tracing::info!(blocks = metas.len(), "merging blocks that overlap in time");
        }
        let meta = BlockMeta::merged(self.ulids.make(self.clock.as_ref()), &metas);
        let mut sources: Vec<Box<dyn SeriesSource>> = Vec::with_capacity(parents.len());
        for b in parents {
            sources.push(Box::new(BlockSource::new(Arc::clone(b))?));
        }
        let written = self.write(meta, MergeSource::new(sources))?;
        match written {
            Some(meta) => {
                self.publish(&meta, parents)?;
                tracing::info!(ulid = %meta.ulid, mint = meta.min_time, maxt = meta.max_time, parents = parents.len(), "merged blocks");
                done.merged.push(meta);
            }
            // All samples were deleted: nothing takes the parents' place.
            None => {
                for b in parents {
                    let mut meta = b.meta();
                    meta.compaction.deletable = true;
                    b.set_meta(self.fs.as_ref(), meta)?;
                }
                self.retire(&ids(parents));
            }
        }
        Ok(())
    }

    fn write<S: SeriesSource>(&self, meta: BlockMeta, source: S) -> Result<Option<BlockMeta>, BlockError> {
        let start = self.clock.monotonic_ns();
        let mut source = UntilStopped { source, stopping: &self.stopping };
        let written = write_block(self.fs.as_ref(), &self.dir, meta, &mut source);
        self.counters
            .compaction_ns
            .fetch_add(self.clock.monotonic_ns().saturating_sub(start), Ordering::Relaxed);
        if written.is_ok() {
            bump(&self.counters.compactions);
        }
        written
    }

    /// Opens a block that was written and lists it in place of its parents. When it does not open, it goes again.
    fn publish(&self, meta: &BlockMeta, parents: &[Arc<Block>]) -> Result<(), BlockError> {
        let dir = self.dir.join(meta.ulid.to_string());
        let block = match Block::open(self.fs.as_ref(), &dir, Arc::clone(&self.cache)) {
            Ok(b) => b,
            Err(e) => {
                let _ = remove_block(self.fs.as_ref(), &dir);
                return Err(e);
            }
        };
        let mut list = (*self.list()).clone();
        let gone = list.take(&ids(parents));
        list.add(Arc::new(block));
        self.set_list(list);
        lock(&self.doomed).extend(gone);
        Ok(())
    }

    /// Takes blocks out of use; their files go when their last reader is done.
    pub(super) fn retire(&self, ids: &HashSet<Ulid>) -> usize {
        let mut list = (*self.list()).clone();
        let gone = list.take(ids);
        let n = gone.len();
        if n > 0 {
            self.set_list(list);
            lock(&self.doomed).extend(gone);
        }
        n
    }

    fn expire(&self, done: &mut Maintained) {
        let list = self.list();
        let blocks: Vec<(BlockMeta, u64)> = list.open.iter().map(|b| (b.meta(), b.size())).collect();
        drop(list);
        let other = self.head.chunk_file_bytes().saturating_add(self.head.stats().wal_bytes);
        let expired = expired(&blocks, self.options.retention_ms, self.options.retention_bytes, other);
        if !expired.by_time.is_empty() {
            bump(&self.counters.time_retentions);
        }
        if !expired.by_size.is_empty() {
            bump(&self.counters.size_retentions);
        }
        let ids: HashSet<Ulid> = expired.by_time.into_iter().chain(expired.by_size).collect();
        done.expired += self.retire(&ids);
    }

    /// Removes the files of blocks out of use that no query holds.
    pub(super) fn bury(&self, done: &mut Maintained) {
        let mut doomed = lock(&self.doomed);
        let mut kept = Vec::new();
        for block in doomed.drain(..) {
            if Arc::strong_count(&block) > 1 {
                kept.push(block);
                continue;
            }
            match remove_block(self.fs.as_ref(), block.dir()) {
                Ok(()) => done.removed += 1,
                Err(e) => {
                    done.errors.push(named("removal of a block", &e));
                    kept.push(block);
                }
            }
        }
        *doomed = kept;
    }

    fn failed(&self, what: &str, e: &BlockError, done: &mut Maintained) {
        if !e.is_cancelled() {
            bump(&self.counters.compactions_failed);
            done.errors.push(named(what, e));
        }
    }

    /// Notes in the parents that merging them does not work, so that it is not tried in every round.
    fn mark_failed(&self, parents: &[Arc<Block>]) {
        for b in parents {
            let mut meta = b.meta();
            meta.compaction.failed = true;
            if let Err(e) = b.set_meta(self.fs.as_ref(), meta) {
                tracing::warn!(err = %e, "cannot note a failed merge");
            }
        }
    }
}

/// A source that ends with an error once the database is closing, so that a long merge does not hold that up.
struct UntilStopped<'a, S> {
    source: S,
    stopping: &'a AtomicBool,
}

impl<S: SeriesSource> SeriesSource for UntilStopped<'_, S> {
    fn next_symbol(&mut self, out: &mut String) -> Result<bool, StorageError> {
        self.source.next_symbol(out)
    }

    fn next_series(&mut self, out: &mut SourceSeries) -> Result<bool, StorageError> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(StorageError::Cancelled);
        }
        self.source.next_series(out)
    }
}

fn ids(blocks: &[Arc<Block>]) -> HashSet<Ulid> {
    blocks.iter().map(|b| b.meta().ulid).collect()
}

fn named(what: &str, e: &BlockError) -> String {
    if e.is_disk_full() {
        return format!(
            "{what}: {e} (hint: free space or lower --storage.tsdb.retention.size; it is tried again each round)"
        );
    }
    format!("{what}: {e}")
}
