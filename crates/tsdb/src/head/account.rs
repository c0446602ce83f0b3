//! Counting: the head's counters, its memory by part, its cardinality.

use super::page::{Page, SLOTS};
use super::stats::{Cardinality, HeadMemory, HeadStats};
use super::{Head, read};
use crate::wal::segments;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tortie_host::Fs;
use tortie_model::labels::METRIC_NAME;

impl Head {
    /// Counters and gauges.
    pub fn stats(&self) -> HeadStats {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let c = &self.counters;
        let mut s = HeadStats {
            series: self.series_count() as u64,
            series_created: get(&c.series_created),
            series_removed: get(&c.series_removed),
            chunks: get(&c.chunks),
            chunks_created: get(&c.chunks_created),
            chunks_removed: get(&c.chunks_removed),
            chunks_pending: get(&c.chunks_pending),
            chunks_written: get(&c.chunks_written),
            min_time: self.min_time(),
            max_time: self.max_time(),
            samples_appended: get(&c.samples),
            out_of_order: get(&c.out_of_order),
            out_of_bounds: get(&c.out_of_bounds),
            duplicate_timestamp: get(&c.duplicate),
            series_limited: get(&c.series_limited),
            wal_writes_failed: get(&c.wal_failed),
            wal_corruptions: get(&c.wal_corruptions),
            chunk_corruptions: get(&c.chunk_corruptions),
            truncations: get(&c.truncations),
            checkpoints: get(&c.checkpoints),
            checkpoints_failed: get(&c.checkpoints_failed),
            replay_skipped_records: get(&c.skipped_records),
            replay_unknown_refs: get(&c.unknown_refs),
            replay_ms: get(&c.replay_ms),
            ..HeadStats::default()
        };
        if let Some(d) = &self.disk {
            let w = d.wal.counters();
            s.wal_bytes_written = get(&w.bytes);
            s.wal_segment = get(&w.segment);
            s.wal_syncs = get(&w.syncs);
            s.wal_syncs_failed = get(&w.syncs_failed);
            s.wal_bytes = wal_bytes(d.fs.as_ref(), &d.dir.join("wal"));
        }
        s
    }

    /// Bytes of the head chunk files on disk.
    pub fn chunk_file_bytes(&self) -> u64 {
        self.disk.as_ref().map_or(0, |d| d.chunks.bytes())
    }

    /// Memory by part.
    pub fn memory(&self) -> HeadMemory {
        let (labels, symbols, postings, index) = self.index().memory();
        let mut m = HeadMemory {
            labels: labels as u64,
            symbols: symbols as u64,
            postings: postings as u64,
            index: index as u64,
            wal: self.disk.as_ref().map_or(0, |d| d.wal.memory()),
            ..HeadMemory::default()
        };
        for shared in self.pages().iter() {
            let p = read(shared);
            m.state += size_of::<Page>() as u64 + p.undo.capacity() as u64 * 24;
            m.chunks += p.buf_bytes as u64;
            m.full_chunks += p.full_bytes() as u64;
        }
        m
    }

    /// Bytes of state that one slot takes before it has a sample.
    pub fn state_bytes_per_slot() -> usize {
        size_of::<Page>() / SLOTS
    }

    /// The rows of `/api/v1/status/tsdb`, each list at most `limit` long; `by_label` is the label whose values are
    /// ranked by their series (the metric name when empty).
    pub fn cardinality(&self, by_label: &str, limit: usize) -> Cardinality {
        let by_label = if by_label.is_empty() { METRIC_NAME } else { by_label };
        let index = self.index();
        let mut c = Cardinality::default();
        for pairs in index.by_name.values() {
            let mut bytes = 0;
            let mut values = 0;
            let mut name = "";
            for (p, pair) in pairs.iter().filter_map(|p| index.pairs.get(*p as usize).map(|x| (*p, x))) {
                let n = pair.postings.len() as u64;
                if n == 0 {
                    continue;
                }
                let (label, value) = index.pair_text(p);
                name = label;
                values += 1;
                bytes += value.len() as u64 * n;
                if label == by_label {
                    c.series_by_metric.push((value.to_owned(), n));
                }
                keep_top(&mut c.series_by_pair, limit, (format!("{label}={value}"), n));
            }
            if values > 0 {
                c.label_pairs += values;
                c.values_by_label.push((name.to_owned(), values));
                c.memory_by_label.push((name.to_owned(), bytes));
            }
        }
        for list in
            [&mut c.series_by_metric, &mut c.values_by_label, &mut c.memory_by_label, &mut c.series_by_pair]
        {
            sort_rows(list);
            list.truncate(limit);
        }
        c
    }
}

fn sort_rows(list: &mut [(String, u64)]) {
    list.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}

/// Adds a row to a list of which only the first `limit` count: it is cut now and then, so that it stays short.
fn keep_top(list: &mut Vec<(String, u64)>, limit: usize, row: (String, u64)) {
    list.push(row);
    if list.len() >= limit.saturating_mul(2).max(1024) {
        sort_rows(list);
        list.truncate(limit);
    }
}

fn wal_bytes(fs: &dyn Fs, dir: &Path) -> u64 {
    let size = |dir: &Path| -> u64 {
        let all = segments::list_segments(fs, dir).unwrap_or_default();
        all.iter()
            .filter_map(|n| fs.open(&segments::segment_path(dir, *n)).ok())
            .filter_map(|f| f.len().ok())
            .sum()
    };
    let checkpoints = segments::list_checkpoints(fs, dir).unwrap_or_default();
    size(dir) + checkpoints.iter().map(|n| size(&segments::checkpoint_path(dir, *n))).sum::<u64>()
}
