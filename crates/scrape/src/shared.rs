//! What all scrapes of a manager share: where samples go, time, templates, memory.

use crate::beat::Beat;
use crate::body::Templates;
use crate::pool_config::PoolConfig;
use crate::scratch::Scratches;
use crate::sink::Sink;
use crate::stats::Stats;
use std::sync::Arc;
use tortie_client::{Reach, Transport};
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
    /// Least time between two takings-over of changed targets, in milliseconds. It is longer for jobs with so many targets
    /// that the work for them would take more than a twentieth of a core.
    pub discovery_reload_ms: u64,
    /// User-Agent of scrapes.
    pub user_agent: String,
    /// What foreign pools may reach; everything when it is `None`.
    pub reach: Option<Arc<Reach>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            adjust_timestamps: true,
            timestamp_tolerance_ms: 10,
            offset_seed: 0,
            discovery_reload_ms: 250,
            user_agent: concat!("tortie/", env!("CARGO_PKG_VERSION")).to_owned(),
            reach: None,
        }
    }
}

pub(crate) struct Shared {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) cpu: CpuPool,
    pub(crate) options: Options,
    pub(crate) stats: Stats,
    pub(crate) templates: Templates,
    pub(crate) beat: Beat,
    pub(crate) scratches: Scratches,
}

impl Shared {
    /// What opens connections for a configuration.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used.
    pub(crate) fn transport(&self, config: &PoolConfig) -> Result<Arc<Transport>, String> {
        let made = Transport::new(&config.http, Arc::clone(&self.fs), Arc::clone(&self.clock))?;
        Ok(Arc::new(match self.reach(config) {
            Some(reach) => made.within(Arc::clone(reach)),
            None => made,
        }))
    }

    /// What a pool may reach, when that is bounded.
    pub(crate) fn reach(&self, config: &PoolConfig) -> Option<&Arc<Reach>> {
        self.options.reach.as_ref().filter(|_| config.foreign)
    }

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
            beat: Beat::default(),
            scratches: Scratches::default(),
        }
    }
}
