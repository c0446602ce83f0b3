//! What the web side asks of the running server.

use super::crds::Following;
use super::discovery;
use super::doctor::ClusterDoctor;
use super::metrics;
use super::reload::Reloader;
use super::rules::Told;
use super::storage::Storage;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tortie_host::Clock;
use tortie_host::limits::Limits;
use tortie_model::duration;
use tortie_model::storage::Queryable;
use tortie_scrape::status::{DroppedTarget, MetricMetadata, TargetStatus};
use tortie_scrape::{ScrapeManager, TargetMetadata};
use tortie_web::sources::{BoxFuture, Demo, Doctor, Notice, Notifications, RuntimeInfo, Sources, TsdbStatus};

/// The parts of a running server; those that take time to open come later.
pub(crate) struct Running {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) start_ms: i64,
    pub(crate) hostname: String,
    pub(crate) retention_ms: i64,
    pub(crate) retention_bytes: u64,
    pub(crate) storage: OnceLock<Storage>,
    /// Set once targets are scraped and queries may come.
    pub(crate) ready: OnceLock<()>,
    /// When the scrape loops began, milliseconds since 1970.
    pub(crate) live_ms: OnceLock<i64>,
    pub(crate) scrape: OnceLock<Arc<ScrapeManager>>,
    pub(crate) rules: OnceLock<Arc<tortie_rules::Manager>>,
    /// Whom alerts are told to.
    pub(crate) told: Arc<Told>,
    /// Sends alerts to Alertmanagers.
    pub(crate) alerts: OnceLock<Arc<tortie_alerts::Manager>>,
    pub(crate) reloader: OnceLock<Reloader>,
    pub(crate) replay: [AtomicU64; 3],
    pub(crate) quit: tokio::sync::Notify,
    pub(crate) notices: Mutex<Vec<Notice>>,
    pub(crate) demo: OnceLock<Arc<dyn Demo>>,
    /// Set at start when a cluster was named.
    pub(crate) doctor: OnceLock<Arc<ClusterDoctor>>,
    /// Set at start when the configuration is that of a Prometheus object.
    pub(crate) crds: OnceLock<Following>,
}

impl Running {
    /// Puts a notice up, in place of an older one that begins with the same word.
    pub(crate) fn notice(&self, text: Option<String>, topic: &str) {
        let mut list = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|n| !n.text.starts_with(topic));
        if let Some(text) = text {
            list.push(Notice { text, since_ms: self.clock.now_ms() });
        }
    }

    /// All watches of API servers with how they do: those of targets, and those of custom resources that are followed. Both
    /// may watch the same; it then stands once.
    fn watches(&self) -> Vec<tortie_discovery::kubernetes::WatchStatus> {
        let mut all = self.reloader.get().map_or_else(Vec::new, Reloader::watches);
        for status in self.crds.get().map_or_else(Vec::new, Following::watches) {
            if !all.iter().any(|s| s.server == status.server && s.selection == status.selection) {
                all.push(status);
            }
        }
        all.sort_by(|a, b| (&a.server, &a.selection).cmp(&(&b.server, &b.selection)));
        all
    }

    fn scrape(&self) -> Option<&Arc<ScrapeManager>> {
        self.scrape.get()
    }
}

impl Sources for Running {
    fn storage(&self) -> Option<Arc<dyn Queryable>> {
        self.ready.get()?;
        self.storage.get().map(|s| Arc::new(s.clone()) as Arc<dyn Queryable>)
    }

    fn targets(&self) -> Vec<TargetStatus> {
        self.scrape().map_or_else(Vec::new, |s| s.targets())
    }

    fn dropped(&self) -> Vec<DroppedTarget> {
        self.scrape().map_or_else(Vec::new, |s| s.dropped())
    }

    fn dropped_counts(&self) -> Vec<(String, usize)> {
        self.scrape().map_or_else(Vec::new, |s| {
            s.dropped_counts().into_iter().map(|(k, v)| (k.to_string(), v)).collect()
        })
    }

    fn pools(&self) -> Vec<String> {
        self.scrape().map_or_else(Vec::new, |s| s.pool_names().iter().map(|n| n.to_string()).collect())
    }

    fn metadata(&self, metric: Option<&str>) -> Vec<MetricMetadata> {
        self.scrape().map_or_else(Vec::new, |s| s.metadata(metric))
    }

    fn target_metadata(&self, metric: Option<&str>) -> Vec<TargetMetadata> {
        self.scrape().map_or_else(Vec::new, |s| s.target_metadata(|_| true, metric))
    }

    fn config_yaml(&self) -> String {
        self.reloader.get().map_or_else(String::new, Reloader::yaml)
    }

    fn evaluation_interval_ms(&self) -> i64 {
        self.reloader.get().and_then(Reloader::evaluation_interval_ms).unwrap_or(60_000)
    }

    fn external_labels(&self) -> Vec<(String, String)> {
        self.reloader.get().map_or_else(Vec::new, Reloader::external_labels)
    }

    fn runtime(&self) -> RuntimeInfo {
        let limits = Limits::read();
        let (reload_ok, loaded_ms) =
            self.reloader.get().map_or((true, self.start_ms), Reloader::state_of_load);
        RuntimeInfo {
            start_ms: self.start_ms,
            cwd: std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default(),
            hostname: self.hostname.clone(),
            reload_ok,
            loaded_ms,
            corruptions: self.storage.get().map_or(0, |s| {
                let h = s.db.stats().head;
                (h.wal_corruptions + h.chunk_corruptions) as i64
            }),
            threads: tortie_host::limits::threads(),
            cores: limits.cores,
            memory: limits.memory,
            retention: retention(self.retention_ms, self.retention_bytes),
        }
    }

    fn tsdb_status(&self, limit: usize) -> TsdbStatus {
        let Some(s) = self.storage.get() else { return TsdbStatus::default() };
        let h = s.db.stats().head;
        let c = s.db.head().cardinality("__name__", limit);
        TsdbStatus {
            series: h.series,
            label_pairs: c.label_pairs,
            chunks: h.chunks,
            min_time: h.min_time,
            max_time: h.max_time,
            by_metric: c.series_by_metric,
            by_label: c.values_by_label,
            by_label_bytes: c.memory_by_label,
            by_pair: c.series_by_pair,
        }
    }

    fn blocks(&self) -> Vec<serde_json::Value> {
        let Some(s) = self.storage.get() else { return Vec::new() };
        s.db.blocks()
            .iter()
            .filter(|b| b.broken.is_none())
            .filter_map(|b| serde_json::to_value(&b.meta).ok())
            .collect()
    }

    fn wal_replay(&self) -> (u64, u64, u64) {
        let [min, max, current] = &self.replay;
        (min.load(Ordering::Relaxed), max.load(Ordering::Relaxed), current.load(Ordering::Relaxed))
    }

    fn write_metrics(&self, out: &mut Vec<u8>) {
        let reload = self.reloader.get().map_or((true, self.start_ms), Reloader::state_of_load);
        let parts = metrics::Parts {
            scrape: self.scrape().map(|s| &**s),
            db: self.storage.get().map(|s| &*s.db),
            rules: self.rules.get().map(|r| &**r),
            alerts: self.alerts.get().map(|a| &**a),
        };
        metrics::write(out, self.start_ms, self.ready.get().is_some(), reload, &parts);
        if let Some(following) = self.crds.get() {
            following.events.write_metrics(out);
        }
        if let Some(reloader) = self.reloader.get() {
            discovery::write_metrics(out, &self.watches());
            let alerts = self.alerts.get().map_or((0, 0), |a| a.dns());
            discovery::write_dns(out, reloader.dns(), alerts);
        }
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let Some(r) = self.reloader.get() else { return Err("the server is still starting".into()) };
            let result = r.reload(&self.clock).await;
            let text = result.as_ref().err().map(|_| "Configuration reload has failed.".to_owned());
            self.notice(text, "Configuration");
            result
        })
    }

    fn quit(&self) {
        // Kept until it is waited for: a reload may be running.
        self.quit.notify_one();
    }

    fn notices(&self) -> Vec<Notice> {
        let mut all = self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(self.storage.get().and_then(Storage::notice));
        all.extend(discovery::notice(&self.watches(), self.clock.now_ms()));
        all.sort_by_key(|n| n.since_ms);
        all
    }

    fn rule_groups(&self) -> Vec<Arc<tortie_rules::Group>> {
        self.rules.get().map_or_else(Vec::new, |r| r.list())
    }

    fn followed(&self) -> Option<serde_json::Value> {
        self.crds.get().map(Following::status)
    }

    fn monitors(&self) -> Option<serde_json::Value> {
        self.crds.get().map(|f| f.monitors(self))
    }

    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        self.alerts.get().map_or_else(Default::default, |a| a.alertmanagers())
    }

    fn runbook(&self, name: &str) -> Option<&str> {
        use tortie_calico::rules::runbooks;
        if name.is_empty() { Some(runbooks::INDEX) } else { runbooks::page(name) }
    }

    fn notifications(&self) -> Vec<Notifications> {
        let status = self.alerts.get().map_or_else(Vec::new, |a| a.status());
        let one = |s: tortie_alerts::Status| Notifications {
            url: s.url,
            waiting: s.waiting,
            firing: s.firing,
            sent: s.sent,
            errors: s.errors,
            dropped: s.dropped,
            last_error: s.last_error,
        };
        status.into_iter().map(one).collect()
    }

    fn demo(&self) -> Option<Arc<dyn Demo>> {
        self.demo.get().cloned()
    }

    fn doctor(&self) -> Option<Arc<dyn Doctor>> {
        self.doctor.get().map(|d| Arc::clone(d) as Arc<dyn Doctor>)
    }
}

/// The retention as Prometheus prints it: `15d`, `15d or 1024B`.
fn retention(ms: i64, bytes: u64) -> String {
    let time = (ms > 0).then(|| duration::format(ms));
    let size = (bytes > 0).then(|| format!("{bytes}B"));
    match (time, size) {
        (Some(t), Some(s)) => format!("{t} or {s}"),
        (Some(t), None) => t,
        (None, Some(s)) => s,
        (None, None) => String::new(),
    }
}
