//! What the head says about itself: counters, memory by part, cardinality.

/// Counters and gauges of the head, all since it was opened where they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadStats {
    /// Series in the head.
    pub series: u64,
    /// Series created.
    pub series_created: u64,
    /// Series removed by truncation.
    pub series_removed: u64,
    /// Chunks of all series, open ones included.
    pub chunks: u64,
    /// Chunks begun.
    pub chunks_created: u64,
    /// Chunks dropped by truncation.
    pub chunks_removed: u64,
    /// Full chunks that wait to be written to `chunks_head`.
    pub chunks_pending: u64,
    /// Chunks written to `chunks_head`.
    pub chunks_written: u64,
    /// Time of the oldest sample in milliseconds, `i64::MAX` when there is none.
    pub min_time: i64,
    /// Time of the newest sample in milliseconds, `i64::MIN` when there is none.
    pub max_time: i64,
    /// Samples stored.
    pub samples_appended: u64,
    /// Samples refused because a newer one of their series was there.
    pub out_of_order: u64,
    /// Samples refused because they are older than the head may take.
    pub out_of_bounds: u64,
    /// Samples refused because their series has another value at that time.
    pub duplicate_timestamp: u64,
    /// Series refused because of the memory budget.
    pub series_limited: u64,
    /// Batches that the WAL could not take.
    pub wal_writes_failed: u64,
    /// Bytes written to the WAL.
    pub wal_bytes_written: u64,
    /// Bytes of WAL and checkpoints on disk.
    pub wal_bytes: u64,
    /// Segment being written.
    pub wal_segment: u64,
    /// Syncs of the WAL, and those that failed.
    pub wal_syncs: u64,
    /// Syncs of the WAL that failed.
    pub wal_syncs_failed: u64,
    /// Damaged places found in the WAL.
    pub wal_corruptions: u64,
    /// Damaged places found in head chunk files.
    pub chunk_corruptions: u64,
    /// Truncations of the head.
    pub truncations: u64,
    /// WAL checkpoints written.
    pub checkpoints: u64,
    /// WAL checkpoints that failed.
    pub checkpoints_failed: u64,
    /// Records of kinds that are read past so far (exemplars, native histograms, metadata), at replay.
    pub replay_skipped_records: u64,
    /// Samples whose series was in neither WAL nor journal, at replay.
    pub replay_unknown_refs: u64,
    /// Milliseconds that the start took.
    pub replay_ms: u64,
}

/// Bytes of the head by part, as asked from the allocator (its slack is not in it).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadMemory {
    /// Columns of series state: times, values, positions.
    pub state: u64,
    /// Open chunks.
    pub chunks: u64,
    /// Full chunks that wait to be written, and the table of those that are.
    pub full_chunks: u64,
    /// Label sets of series.
    pub labels: u64,
    /// Label names and values and their pairs.
    pub symbols: u64,
    /// Postings.
    pub postings: u64,
    /// Table from label sets to series.
    pub index: u64,
    /// WAL buffers.
    pub wal: u64,
}

impl HeadMemory {
    /// The sum of all parts.
    pub fn total(&self) -> u64 {
        self.state
            + self.chunks
            + self.full_chunks
            + self.labels
            + self.symbols
            + self.postings
            + self.index
            + self.wal
    }
}

/// The rows of `/api/v1/status/tsdb`; each list is descending by count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Distinct (name, value) pairs.
    pub label_pairs: u64,
    /// Series by metric name.
    pub series_by_metric: Vec<(String, u64)>,
    /// Distinct values by label name.
    pub values_by_label: Vec<(String, u64)>,
    /// Bytes of values by label name.
    pub memory_by_label: Vec<(String, u64)>,
    /// Series by `name=value`.
    pub series_by_pair: Vec<(String, u64)>,
}
