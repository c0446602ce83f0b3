//! What the handlers ask of the running server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tortie_model::storage::Queryable;
use tortie_scrape::TargetMetadata;
use tortie_scrape::status::{DroppedTarget, MetricMetadata, TargetStatus};

/// A future without a name, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The running server as seen from its web side.
pub trait Sources: Send + Sync {
    /// The storage, `None` while it is being opened.
    fn storage(&self) -> Option<Arc<dyn Queryable>>;

    /// Active targets, in the order of their pools.
    fn targets(&self) -> Vec<TargetStatus>;

    /// Targets that relabelling dropped, as many as are kept.
    fn dropped(&self) -> Vec<DroppedTarget>;

    /// Number of dropped targets of each pool, kept or not.
    fn dropped_counts(&self) -> Vec<(String, usize)>;

    /// Names of the scrape pools.
    fn pools(&self) -> Vec<String>;

    /// What targets say of their metrics, each different statement once, ordered by name; of one metric or all.
    fn metadata(&self, metric: Option<&str>) -> Vec<MetricMetadata>;

    /// What each target says of its metrics; of one metric or all.
    fn target_metadata(&self, metric: Option<&str>) -> Vec<TargetMetadata>;

    /// The effective configuration as YAML, secrets masked.
    fn config_yaml(&self) -> String;

    /// The evaluation interval of the configuration, milliseconds: the step of subqueries that name none.
    fn evaluation_interval_ms(&self) -> i64 {
        60_000
    }

    /// External labels of the configuration, for federation.
    fn external_labels(&self) -> Vec<(String, String)>;

    /// Facts of the process.
    fn runtime(&self) -> RuntimeInfo;

    /// Head and cardinality, each list with at most `limit` entries.
    fn tsdb_status(&self, limit: usize) -> TsdbStatus;

    /// Persisted blocks, oldest first.
    fn blocks(&self) -> Vec<serde_json::Value>;

    /// Progress of reading the write-ahead log at start: first, last and current segment.
    fn wal_replay(&self) -> (u64, u64, u64);

    /// Writes all own metrics in text format 0.0.4.
    fn write_metrics(&self, out: &mut Vec<u8>);

    /// Reads the configuration again; the error is what stands in the answer and the log.
    fn reload(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Asks the process to end.
    fn quit(&self);

    /// Things the operator should know now (a failed reload, a stopped write), newest last.
    fn notices(&self) -> Vec<Notice>;

    /// Groups of rules, ascending by file, then name.
    fn rule_groups(&self) -> Vec<Arc<tortie_rules::Group>> {
        Vec::new()
    }

    /// The Prometheus object that this server follows, and whether it only looks on.
    fn followed(&self) -> Option<serde_json::Value> {
        None
    }

    /// Monitors of that object: accepted, refused, and where candidates fell out.
    fn monitors(&self) -> Option<serde_json::Value> {
        None
    }

    /// URLs of the Alertmanagers in use, and of those that relabelling dropped.
    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        Default::default()
    }

    /// The runbook of an alert, in Markdown; that of the empty name lists all.
    fn runbook(&self, name: &str) -> Option<&str> {
        let _ = name;
        None
    }

    /// How it stands with each Alertmanager, ascending by URL.
    fn notifications(&self) -> Vec<Notifications> {
        Vec::new()
    }

    /// The demo's switches, when this is a demo.
    fn demo(&self) -> Option<Arc<dyn Demo>> {
        None
    }

    /// The doctor of the cluster that this server was told of.
    fn doctor(&self) -> Option<Arc<dyn Doctor>> {
        None
    }
}

/// How it stands with one Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    /// Its URL.
    pub url: String,
    /// Alerts that wait for it.
    pub waiting: usize,
    /// Alerts that it was told fire.
    pub firing: usize,
    /// Alerts that were sent.
    pub sent: u64,
    /// Alerts of requests that failed.
    pub errors: u64,
    /// Alerts that were given up.
    pub dropped: u64,
    /// Why the last request failed, when it did.
    pub last_error: Option<String>,
}

/// A fault of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFault {
    /// Its name.
    pub name: String,
    /// What happens, one sentence without a full stop.
    pub summary: String,
    /// What a person sees of it.
    pub seen: String,
    /// Whether it is in force.
    pub on: bool,
}

/// What can be broken and healed in a demo.
pub trait Demo: Send + Sync {
    /// Every fault.
    fn faults(&self) -> Vec<DemoFault>;

    /// How to reach the demo's cluster: `kubeconfig` (a path on this machine), `context`, `prometheus` (a URL).
    fn cluster(&self) -> Option<serde_json::Value>;

    /// Puts a fault in (`true`) or takes it away. The answer says what to look at; the error what is wrong.
    fn switch<'a>(&'a self, fault: &'a str, on: bool) -> BoxFuture<'a, Result<String, String>>;
}

/// Looks at a cluster and judges it, for the page Doctor.
pub trait Doctor: Send + Sync {
    /// Whether it looks now, and the last report: `state` (`idle` or `running`), `report` (the form of `tortie doctor -o
    /// json`) and `table` (the cells of its chain), null before the first, `finishedMs`, `tookMs`, `error`, `setup`.
    fn state(&self) -> BoxFuture<'_, serde_json::Value>;

    /// Begins to look, unless it does already.
    fn begin(&self);

    /// All checks: id, slug, title.
    fn checks(&self) -> serde_json::Value;

    /// The page of a check by id or slug, as Markdown, with what it needs.
    fn check(&self, name: &str) -> Option<serde_json::Value>;

    /// Plans what `tortie setup` would write; writes nothing.
    fn plan(&self) -> BoxFuture<'_, Result<serde_json::Value, Refused>>;

    /// Writes the plan of this fingerprint, if it is still the one that was shown.
    fn apply<'a>(
        &'a self,
        token: &'a str,
        plan: &'a str,
    ) -> BoxFuture<'a, Result<serde_json::Value, Refused>>;
}

/// Why nothing was planned or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The server was not started for it, or the page that asks is none of this server's.
    NotAllowed(String),
    /// The cluster is no longer what the plan was made for.
    Moved(String),
    /// It cannot be done; the text says why.
    Failed(String),
}

/// A message for whoever looks at the UI.
#[derive(Debug, Clone)]
pub struct Notice {
    /// One sentence.
    pub text: String,
    /// Since when, milliseconds since the epoch.
    pub since_ms: i64,
}

/// Facts of the process for `/api/v1/status/runtimeinfo`.
#[derive(Debug, Clone, Default)]
pub struct RuntimeInfo {
    /// Start of the process, milliseconds since the epoch.
    pub start_ms: i64,
    /// Working directory.
    pub cwd: String,
    /// Name of the host.
    pub hostname: String,
    /// Whether the last (re)load of the configuration succeeded.
    pub reload_ok: bool,
    /// When the running configuration was loaded, milliseconds since the epoch.
    pub loaded_ms: i64,
    /// Damaged WAL records seen since start.
    pub corruptions: i64,
    /// Threads of this process.
    pub threads: usize,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory this process may use, bytes.
    pub memory: u64,
    /// Retention as text, as Prometheus prints it (`15d`).
    pub retention: String,
}

/// A name with a number.
pub type Ranked = Vec<(String, u64)>;

/// Head and cardinality for `/api/v1/status/tsdb`.
#[derive(Debug, Clone, Default)]
pub struct TsdbStatus {
    /// Series in the head.
    pub series: u64,
    /// Distinct (name, value) pairs in the head.
    pub label_pairs: u64,
    /// Chunks in the head.
    pub chunks: u64,
    /// Oldest timestamp of the head, milliseconds.
    pub min_time: i64,
    /// Newest timestamp of the head, milliseconds.
    pub max_time: i64,
    /// Metric names by number of series.
    pub by_metric: Ranked,
    /// Label names by number of values.
    pub by_label: Ranked,
    /// Label names by bytes of their values.
    pub by_label_bytes: Ranked,
    /// `name=value` by number of series.
    pub by_pair: Ranked,
}
