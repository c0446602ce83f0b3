//! Own metrics in Prometheus' names for the same things.

use tortie_host::limits::anonymous_rss;
use tortie_scrape::ScrapeManager;
use tortie_tsdb::db::Db;
use tortie_wire::MetricType::{Counter, Gauge};
use tortie_wire::text::Writer;

/// The parts of the server that have metrics, as far as they are there.
pub(crate) struct Parts<'a> {
    pub(crate) scrape: Option<&'a ScrapeManager>,
    pub(crate) db: Option<&'a Db>,
    pub(crate) rules: Option<&'a tortie_rules::Manager>,
    pub(crate) alerts: Option<&'a tortie_alerts::Manager>,
}

/// Writes the metrics of the process and of its parts.
pub(crate) fn write(out: &mut Vec<u8>, start_ms: i64, ready: bool, reload: (bool, i64), parts: &Parts<'_>) {
    let mut w = Writer::with_buffer(std::mem::take(out));
    process(&mut w, start_ms);
    one(
        &mut w,
        "prometheus_config_last_reload_successful",
        Gauge,
        "Whether the last configuration reload attempt was successful.",
        f64::from(u8::from(reload.0)),
    );
    one(
        &mut w,
        "prometheus_config_last_reload_success_timestamp_seconds",
        Gauge,
        "Timestamp of the last successful configuration reload.",
        reload.1 as f64 / 1000.0,
    );
    one(
        &mut w,
        "prometheus_ready",
        Gauge,
        "Whether Prometheus startup was fully completed and the server is ready for normal operation.",
        f64::from(u8::from(ready)),
    );
    w.family("tortie_build_info", Gauge, "Version of this program.");
    w.sample("tortie_build_info", [("version", env!("CARGO_PKG_VERSION"))], 1.0);
    if let Some(s) = parts.scrape {
        s.write_metrics(&mut w);
    }
    if let Some(db) = parts.db {
        database(&mut w, db);
    }
    if let Some(r) = parts.rules {
        r.write_metrics(&mut w);
    }
    if let Some(a) = parts.alerts {
        a.write_metrics(&mut w);
    }
    *out = w.into_bytes();
}

fn one(w: &mut Writer, name: &str, kind: tortie_wire::MetricType, help: &str, v: f64) {
    w.family(name, kind, help);
    w.sample(name, [], v);
}

fn process(w: &mut Writer, start_ms: i64) {
    one(
        w,
        "process_start_time_seconds",
        Gauge,
        "Start time of the process since unix epoch in seconds.",
        start_ms as f64 / 1000.0,
    );
    one(
        w,
        "tortie_process_anonymous_memory_bytes",
        Gauge,
        "Resident memory that no file stands behind.",
        anonymous_rss() as f64,
    );
}

fn database(w: &mut Writer, db: &Db) {
    let s = db.stats();
    let h = &s.head;
    let rows: [(&str, _, &str, f64); 26] = [
        ("prometheus_tsdb_head_series", Gauge, "Total number of series in the head block.", h.series as f64),
        (
            "prometheus_tsdb_head_series_created_total",
            Counter,
            "Total number of series created in the head",
            h.series_created as f64,
        ),
        (
            "prometheus_tsdb_head_series_removed_total",
            Counter,
            "Total number of series removed in the head",
            h.series_removed as f64,
        ),
        ("prometheus_tsdb_head_chunks", Gauge, "Total number of chunks in the head block.", h.chunks as f64),
        (
            "prometheus_tsdb_head_chunks_created_total",
            Counter,
            "Total number of chunks created in the head",
            h.chunks_created as f64,
        ),
        (
            "prometheus_tsdb_head_chunks_removed_total",
            Counter,
            "Total number of chunks removed in the head",
            h.chunks_removed as f64,
        ),
        (
            "prometheus_tsdb_head_min_time",
            Gauge,
            "Minimum time bound of the head block. The unit is decided by the library consumer.",
            h.min_time as f64,
        ),
        (
            "prometheus_tsdb_head_max_time",
            Gauge,
            "Maximum timestamp of the head block. The unit is decided by the library consumer.",
            h.max_time as f64,
        ),
        (
            "prometheus_tsdb_out_of_bound_samples_total",
            Counter,
            "Total number of out of bound samples ingestion failed attempts with out of order support disabled.",
            h.out_of_bounds as f64,
        ),
        (
            "prometheus_tsdb_out_of_order_samples_total",
            Counter,
            "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
            h.out_of_order as f64,
        ),
        (
            "prometheus_tsdb_head_truncations_total",
            Counter,
            "Total number of head truncations attempted.",
            h.truncations as f64,
        ),
        (
            "prometheus_tsdb_checkpoint_creations_total",
            Counter,
            "Total number of checkpoint creations attempted.",
            h.checkpoints as f64,
        ),
        (
            "prometheus_tsdb_checkpoint_creations_failed_total",
            Counter,
            "Total number of checkpoint creations that failed.",
            h.checkpoints_failed as f64,
        ),
        (
            "prometheus_tsdb_wal_corruptions_total",
            Counter,
            "Total number of WAL corruptions.",
            h.wal_corruptions as f64,
        ),
        (
            "prometheus_tsdb_wal_writes_failed_total",
            Counter,
            "Total number of write log writes that failed.",
            h.wal_writes_failed as f64,
        ),
        (
            "prometheus_tsdb_wal_segment_current",
            Gauge,
            "Write log segment index that TSDB is currently writing to.",
            h.wal_segment as f64,
        ),
        (
            "prometheus_tsdb_wal_storage_size_bytes",
            Gauge,
            "Size of the write log directory.",
            h.wal_bytes as f64,
        ),
        (
            "prometheus_tsdb_mmap_chunk_corruptions_total",
            Counter,
            "Total number of memory-mapped chunk corruptions.",
            h.chunk_corruptions as f64,
        ),
        ("prometheus_tsdb_blocks_loaded", Gauge, "Number of currently loaded data blocks", s.blocks as f64),
        (
            "prometheus_tsdb_storage_blocks_bytes",
            Gauge,
            "The number of bytes that are currently used for local storage by all blocks.",
            s.block_bytes as f64,
        ),
        (
            "prometheus_tsdb_compactions_total",
            Counter,
            "Total number of compactions that were executed for the partition.",
            s.compactions as f64,
        ),
        (
            "prometheus_tsdb_compactions_failed_total",
            Counter,
            "Total number of compactions that failed for the partition.",
            s.compactions_failed as f64,
        ),
        (
            "prometheus_tsdb_vertical_compactions_total",
            Counter,
            "Total number of compactions done on overlapping blocks.",
            s.overlapping_compactions as f64,
        ),
        (
            "prometheus_tsdb_time_retentions_total",
            Counter,
            "The number of times that blocks were deleted because the maximum time limit was exceeded.",
            s.time_retentions as f64,
        ),
        (
            "prometheus_tsdb_size_retentions_total",
            Counter,
            "The number of times that blocks were deleted because the maximum number of bytes was exceeded.",
            s.size_retentions as f64,
        ),
        (
            "prometheus_tsdb_clean_start",
            Gauge,
            "-1: lockfile is disabled. 0: a lockfile from a previous execution was replaced. 1: lockfile creation was clean",
            f64::from(u8::from(!s.lock_was_left)),
        ),
    ];
    for (name, kind, help, v) in rows {
        one(w, name, kind, help, v);
    }
    let appended = "prometheus_tsdb_head_samples_appended_total";
    w.family(appended, Counter, "Total number of appended samples.");
    w.sample(appended, [("type", "float")], h.samples_appended as f64);
    let refused = "tortie_tsdb_samples_refused_total";
    w.family(refused, Counter, "Samples that were not stored, by reason.");
    for (reason, n) in [
        ("out_of_order", h.out_of_order),
        ("out_of_bounds", h.out_of_bounds),
        ("duplicate_timestamp", h.duplicate_timestamp),
        ("series_limit", h.series_limited),
    ] {
        w.sample(refused, [("reason", reason)], n as f64);
    }
    let m = db.head().memory();
    let bytes = "tortie_tsdb_head_memory_bytes";
    w.family(bytes, Gauge, "Memory of the head by part, as asked from the allocator.");
    for (part, n) in [
        ("state", m.state),
        ("chunks", m.chunks),
        ("full_chunks", m.full_chunks),
        ("labels", m.labels),
        ("symbols", m.symbols),
        ("postings", m.postings),
        ("index", m.index),
        ("wal", m.wal),
    ] {
        w.sample(bytes, [("part", part)], n as f64);
    }
    one(
        w,
        "tortie_tsdb_block_cache_bytes",
        Gauge,
        "Memory of symbols and postings read from blocks.",
        s.cache_bytes as f64,
    );
    one(
        w,
        "tortie_tsdb_replay_unknown_refs_total",
        Counter,
        "Samples found at start whose series was nowhere.",
        h.replay_unknown_refs as f64,
    );
    one(
        w,
        "tortie_tsdb_replay_skipped_records_total",
        Counter,
        "Records found at start of kinds that are read past.",
        h.replay_skipped_records as f64,
    );
}
