//! The manager of all scrape pools: what the rest of the program talks to.

use crate::metadata::{self, TargetMetadata};
use crate::pool::{Groups, Pool};
use crate::pool_config::PoolConfig;
use crate::scrape_loop::Stop;
use crate::shared::{Options, Shared};
use crate::sink::Sink;
use crate::stats::Stats;
use crate::status::{DroppedTarget, MetricMetadata, TargetStatus};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tortie_client::Transport;
use tortie_host::{Clock, CpuPool, Fs};
use tortie_model::Labels;
use tortie_wire::MetricType;
use tortie_wire::text::Writer;

/// A pool and where its targets come from.
pub struct PoolInput {
    /// What to scrape and how.
    pub config: PoolConfig,
    /// The groups that discovery knows, newest value first.
    pub groups: Groups,
}

/// Why a configuration was not taken over; nothing changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Two pools have the same name.
    #[error("found multiple scrape configs with job name {0:?}; hint: give each its own job_name")]
    DuplicateJob(String),
    /// A pool has an interval of 0, or a timeout above its interval.
    #[error("scrape pool {0:?}: the interval must be above 0 and the timeout not above it")]
    Interval(String),
    /// Certificates or keys of a pool cannot be read or used.
    #[error("scrape pool {job:?}: error creating HTTP client: {reason}")]
    Http {
        /// The pool.
        job: String,
        /// Why.
        reason: String,
    },
}

/// All scrape pools of a server.
pub struct ScrapeManager {
    shared: Arc<Shared>,
    pools: Mutex<Pools>,
}

#[derive(Default)]
struct Pools {
    by_name: BTreeMap<Arc<str>, Arc<Pool>>,
    running: bool,
}

impl ScrapeManager {
    /// A manager without pools. Samples go to `sink`; `fs` holds files of credentials, `cpu` reads big bodies.
    pub fn new(
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        fs: Arc<dyn Fs>,
        cpu: CpuPool,
        options: Options,
    ) -> ScrapeManager {
        ScrapeManager {
            shared: Arc::new(Shared::new(sink, clock, fs, cpu, options)),
            pools: Mutex::default(),
        }
    }

    /// Takes over a configuration: checks all of it, then swaps. Pools and targets that stay the same keep their loops.
    /// Within a tokio runtime only.
    ///
    /// # Errors
    /// When the configuration contradicts itself; then all of the old one goes on.
    pub fn apply(&self, inputs: Vec<PoolInput>) -> Result<(), ApplyError> {
        let transports = self.check(inputs.iter().map(|i| &i.config))?;
        let mut pools = self.pools();
        let running = pools.running;
        pools.by_name.retain(|name, pool| {
            let stays = transports.contains_key(name);
            if !stays {
                // Without waiting: the loops write their stale markers in their own time.
                drop(pool.stop(Stop::Gone));
            }
            stays
        });
        for PoolInput { config, groups } in inputs {
            let Some(transport) = transports.get(&config.job_name).cloned() else { continue };
            if let Some(pool) = pools.by_name.get(&config.job_name) {
                pool.reload(config, transport, groups);
                continue;
            }
            let pool = Pool::new(config, transport, groups, Arc::clone(&self.shared));
            if running {
                pool.start();
            }
            pools.by_name.insert(Arc::clone(&pool.name), pool);
        }
        Ok(())
    }

    /// Checks configurations without taking them over, and makes what opens their connections; a pool whose settings
    /// stay keeps its own (and its tokens).
    ///
    /// # Errors
    /// As [`ScrapeManager::apply`].
    pub fn check<'a>(
        &self,
        configs: impl Iterator<Item = &'a PoolConfig>,
    ) -> Result<BTreeMap<Arc<str>, Arc<Transport>>, ApplyError> {
        let mut made = BTreeMap::new();
        for c in configs {
            if c.interval_ms <= 0 || c.timeout_ms <= 0 || c.timeout_ms > c.interval_ms {
                return Err(ApplyError::Interval(c.job_name.to_string()));
            }
            let same = |t: &Arc<Transport>| *t.config() == c.http && t.reach() == self.shared.reach(c);
            let kept = self.pool(&c.job_name).map(|p| p.transport()).filter(same);
            let transport = match kept {
                Some(transport) => transport,
                None => self
                    .shared
                    .transport(c)
                    .map_err(|reason| ApplyError::Http { job: c.job_name.to_string(), reason })?,
            };
            if made.insert(Arc::clone(&c.job_name), transport).is_some() {
                return Err(ApplyError::DuplicateJob(c.job_name.to_string()));
            }
        }
        Ok(made)
    }

    /// Starts the loops of all pools, now and of those to come. Within a tokio runtime only.
    pub fn start(&self) {
        let mut pools = self.pools();
        pools.running = true;
        for pool in pools.by_name.values() {
            pool.start();
        }
    }

    /// Stops all loops: scrapes that run may end within `deadline`, then they are cut off. Writes no stale markers.
    pub async fn stop(&self, deadline: Duration) {
        let mut loops = Vec::new();
        {
            let mut pools = self.pools();
            pools.running = false;
            for pool in pools.by_name.values() {
                loops.extend(pool.stop(Stop::Shutdown));
            }
            pools.by_name.clear();
        }
        let handles: Vec<_> = loops.iter().map(tokio::task::JoinHandle::abort_handle).collect();
        let all = futures_util::future::join_all(loops);
        if tokio::time::timeout(deadline, all).await.is_err() {
            handles.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }

    /// Scrapes one target once with timestamp `at_ms`; `false` when there is no target with this hash in that pool.
    pub async fn scrape_at(&self, pool: &str, target_hash: u64, at_ms: i64) -> bool {
        let found =
            self.pool(pool).and_then(|p| p.entries().into_iter().find(|e| e.target.hash == target_hash));
        match found {
            Some(entry) => {
                entry.scrape_at(&self.shared, at_ms).await;
                true
            }
            None => false,
        }
    }

    /// Scrapes all targets once, all with timestamp `at_ms`.
    pub async fn scrape_all_at(&self, at_ms: i64) {
        let entries: Vec<_> = self.pools_by_name().iter().flat_map(|p| p.entries()).collect();
        futures_util::future::join_all(entries.iter().map(|e| e.scrape_at(&self.shared, at_ms))).await;
    }

    /// Active targets by pool, then by URL.
    pub fn targets(&self) -> Vec<TargetStatus> {
        self.pools_by_name().iter().flat_map(|p| p.entries()).map(|e| e.target.status()).collect()
    }

    /// Targets that relabelling dropped, as many as `keep_dropped_targets` keeps.
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.pools_by_name().iter().flat_map(|p| p.dropped().0).collect()
    }

    /// How many targets relabelling dropped, by pool.
    pub fn dropped_counts(&self) -> BTreeMap<Arc<str>, usize> {
        self.pools_by_name().iter().map(|p| (Arc::clone(&p.name), p.dropped().1)).collect()
    }

    /// Names of the pools.
    pub fn pool_names(&self) -> Vec<Arc<str>> {
        self.pools().by_name.keys().cloned().collect()
    }

    /// Configuration of a pool.
    pub fn pool_config(&self, name: &str) -> Option<Arc<PoolConfig>> {
        self.pool(name).map(|p| p.config())
    }

    /// What targets say of their metrics, each different statement once; with `metric` of that one only. Ordered by
    /// name.
    pub fn metadata(&self, metric: Option<&str>) -> Vec<MetricMetadata> {
        let mut templates = HashSet::new();
        let mut all: BTreeMap<String, Vec<MetricMetadata>> = BTreeMap::new();
        for entry in self.pools_by_name().iter().flat_map(|p| p.entries()) {
            let Some(template) = entry.template() else { continue };
            // Targets share templates: each is read once.
            if !templates.insert(Arc::as_ptr(&template)) {
                continue;
            }
            for m in metadata::of_template(&template, metric) {
                let known = all.entry(m.metric.clone()).or_default();
                if !known.contains(&m) {
                    known.push(m);
                }
            }
        }
        all.into_values().flatten().collect()
    }

    /// What each target that `keep` accepts (by its public labels) says of its metrics.
    pub fn target_metadata<K: Fn(&Labels) -> bool>(
        &self,
        keep: K,
        metric: Option<&str>,
    ) -> Vec<TargetMetadata> {
        let mut out = Vec::new();
        for entry in self.pools_by_name().iter().flat_map(|p| p.entries()).filter(|e| keep(&e.target.public))
        {
            let Some(template) = entry.template() else { continue };
            for metadata in metadata::of_template(&template, metric) {
                out.push(TargetMetadata { target: entry.target.public.clone(), metadata });
            }
        }
        out
    }

    /// Targets that could not be made, since the start.
    pub fn sync_failures(&self) -> u64 {
        self.pools_by_name().iter().map(|p| p.sync_failures.get()).sum()
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Writes counters and sizes for `/metrics`.
    pub fn write_metrics(&self, w: &mut Writer) {
        self.shared.stats.write(w);
        let pools = self.pools_by_name();
        let mut by_pool = |name: &str, kind: MetricType, help: &str, value: &dyn Fn(&Pool) -> f64| {
            w.family(name, kind, help);
            for p in &pools {
                w.sample(name, [("scrape_job", &*p.name)], value(p));
            }
        };
        let (counter, gauge) = (MetricType::Counter, MetricType::Gauge);
        by_pool(
            "prometheus_target_scrape_pool_targets",
            gauge,
            "Current number of targets in this scrape pool.",
            &|p| p.entries().len() as f64,
        );
        by_pool(
            "prometheus_target_scrape_pool_target_limit",
            gauge,
            "Maximum number of targets allowed in this scrape pool.",
            &|p| p.config().target_limit as f64,
        );
        by_pool(
            "prometheus_target_scrape_pool_sync_total",
            counter,
            "Total number of syncs that were executed on a scrape pool.",
            &|p| p.syncs.get() as f64,
        );
        by_pool(
            "prometheus_target_sync_failed_total",
            counter,
            "Total number of target sync failures.",
            &|p| p.sync_failures.get() as f64,
        );
        let (templates, bytes) = self.shared.templates.usage();
        w.family(
            "tortie_scrape_templates",
            MetricType::Gauge,
            "Different sets of lines that targets expose.",
        );
        w.sample("tortie_scrape_templates", [], templates as f64);
        w.family("tortie_scrape_template_bytes", MetricType::Gauge, "Memory of these lines.");
        w.sample("tortie_scrape_template_bytes", [], bytes as f64);
        w.family(
            "tortie_scrape_table_bytes",
            MetricType::Gauge,
            "Memory that targets need to find the series of their lines.",
        );
        let tables: usize = pools
            .iter()
            .flat_map(|p| p.entries())
            .filter_map(|e| e.try_scraper().map(|s| s.heap_bytes()))
            .sum();
        w.sample("tortie_scrape_table_bytes", [], tables as f64);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn pools_by_name(&self) -> Vec<Arc<Pool>> {
        self.pools().by_name.values().cloned().collect()
    }

    fn pool(&self, name: &str) -> Option<Arc<Pool>> {
        self.pools().by_name.get(name).cloned()
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
