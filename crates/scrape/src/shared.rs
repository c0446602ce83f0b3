//! What all scrapes of a manager share: where samples go, time, templates, borrowed memory.

use crate::body::Templates;
use crate::http::Buffers;
use crate::ingest::Work;
use crate::sink::Sink;
use crate::stats::Stats;
use std::sync::{Arc, Mutex, PoisonError};
use tortie_host::{Clock, CpuPool, Fs};

/// Settings of a manager.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether timestamps are moved onto the grid of the interval (`--scrape.adjust-timestamps`).
    pub adjust_timestamps: bool,
    /// How late a scrape may start and still get the timestamp of the grid, in milliseconds; at most 1 % of the
    /// interval counts (`--scrape.timestamp-tolerance`).
    pub timestamp_tolerance_ms: i64,
    /// Mixed into the offsets of targets, so that several servers scrape at different times.
    pub offset_seed: u64,
    /// How often changes of targets are taken over at most, in milliseconds.
    pub discovery_reload_ms: u64,
    /// User-Agent of scrapes.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            adjust_timestamps: true,
            timestamp_tolerance_ms: 10,
            offset_seed: 0,
            discovery_reload_ms: 5000,
            user_agent: concat!("tortie/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Memory of one running scrape.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) buffers: Buffers,
    pub(crate) work: Work,
}

/// Most scratches that are kept for later.
const KEPT_SCRATCHES: usize = 16;

pub(crate) struct Shared {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) cpu: CpuPool,
    pub(crate) options: Options,
    pub(crate) stats: Stats,
    pub(crate) templates: Templates,
    /// Boxed: a scrape moves its own to the CPU pool and back, and an empty place in a future should be small.
    #[allow(clippy::vec_box)]
    scratches: Mutex<Vec<Box<Scratch>>>,
}

impl Shared {
    pub(crate) fn new(
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        fs: Arc<dyn Fs>,
        cpu: CpuPool,
        options: Options,
    ) -> Shared {
        Shared {
            sink,
            clock,
            fs,
            cpu,
            options,
            stats: Stats::default(),
            templates: Templates::default(),
            scratches: Mutex::default(),
        }
    }

    /// Borrows memory for a scrape.
    pub(crate) fn scratch(&self) -> Box<Scratch> {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives it back.
    pub(crate) fn give_back(&self, mut scratch: Box<Scratch>) {
        scratch.buffers.clear();
        scratch.work.clear();
        let mut kept = self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_SCRATCHES {
            kept.push(scratch);
        }
    }
}
