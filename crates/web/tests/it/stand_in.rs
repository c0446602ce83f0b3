//! A server behind the handlers whose storage and targets do what a test wants.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use tortie_host::{CpuPool, SystemClock};
use tortie_model::storage::{Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};
use tortie_promql::eval::{Budget, Engine, EngineOptions};
use tortie_scrape::TargetMetadata;
use tortie_scrape::status::{DroppedTarget, MetricMetadata, TargetStatus};
use tortie_web::secure::Secure;
use tortie_web::sources::{BoxFuture, Doctor, Notice, RuntimeInfo, TsdbStatus};
use tortie_web::{App, Sources, WebOptions};

/// A door that whoever reads series number [`Door::AT`] stands before.
#[derive(Default)]
pub(crate) struct Door {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Door {
    /// The series at which reading waits.
    const AT: usize = 100;

    fn pass(&self) {
        let mut s = self.state.lock().unwrap();
        s.0 = true;
        self.changed.notify_all();
        let _open = self.changed.wait_while(s, |s| !s.1).unwrap();
    }

    /// Waits until somebody stands before it.
    pub(crate) fn wait_for_someone(&self) {
        let s = self.state.lock().unwrap();
        let _there = self.changed.wait_while(s, |s| !s.0).unwrap();
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

/// What the stand-in does.
#[derive(Default)]
pub(crate) struct StandIn {
    /// The storage is there.
    pub(crate) opened: AtomicBool,
    /// Listing targets panics.
    pub(crate) targets_panic: AtomicBool,
    /// Selecting panics.
    pub(crate) select_panics: AtomicBool,
    /// Series of every selection, with a sample every second.
    pub(crate) series: usize,
    /// Series that were read.
    pub(crate) read: Arc<AtomicUsize>,
    pub(crate) door: Option<Arc<Door>>,
    /// The doctor behind the page.
    pub(crate) doctor: Option<Arc<dyn Doctor>>,
}

struct Stored {
    panics: bool,
    series: usize,
    read: Arc<AtomicUsize>,
    door: Option<Arc<Door>>,
}

impl Queryable for Stored {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(View(self)))
    }
}

struct View<'a>(&'a Stored);

impl Querier for View<'_> {
    fn select<'a>(&'a self, _: &SelectHints, _: &[Matcher]) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        assert!(!self.0.panics, "on purpose");
        Ok(Box::new(View(self.0)))
    }

    fn label_values(&self, _: &str, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }
}

impl SeriesSet for View<'_> {
    fn len(&self) -> usize {
        self.0.series
    }

    fn labels(&self, i: usize) -> Labels {
        Labels::from_pairs([("__name__", "a"), ("i", &format!("{i:06}"))])
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        self.0.read.fetch_add(1, Ordering::SeqCst);
        if let Some(door) = self.0.door.as_ref().filter(|_| i == Door::AT) {
            door.pass();
        }
        out.clear();
        for t in (mint.div_euclid(1000) + 1)..=maxt.div_euclid(1000) {
            out.push(t * 1000, (t % 1000) as f64 + 0.25);
        }
        Ok(())
    }
}

impl Sources for StandIn {
    fn storage(&self) -> Option<Arc<dyn Queryable>> {
        self.opened.load(Ordering::SeqCst).then(|| {
            Arc::new(Stored {
                panics: self.select_panics.load(Ordering::SeqCst),
                series: self.series,
                read: Arc::clone(&self.read),
                door: self.door.clone(),
            }) as Arc<dyn Queryable>
        })
    }

    fn targets(&self) -> Vec<TargetStatus> {
        assert!(!self.targets_panic.load(Ordering::SeqCst), "on purpose");
        Vec::new()
    }

    fn dropped(&self) -> Vec<DroppedTarget> {
        Vec::new()
    }

    fn dropped_counts(&self) -> Vec<(String, usize)> {
        Vec::new()
    }

    fn pools(&self) -> Vec<String> {
        Vec::new()
    }

    fn metadata(&self, _: Option<&str>) -> Vec<MetricMetadata> {
        Vec::new()
    }

    fn target_metadata(&self, _: Option<&str>) -> Vec<TargetMetadata> {
        Vec::new()
    }

    fn config_yaml(&self) -> String {
        String::new()
    }

    fn external_labels(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn runtime(&self) -> RuntimeInfo {
        RuntimeInfo::default()
    }

    fn tsdb_status(&self, _: usize) -> TsdbStatus {
        TsdbStatus::default()
    }

    fn blocks(&self) -> Vec<serde_json::Value> {
        Vec::new()
    }

    fn wal_replay(&self) -> (u64, u64, u64) {
        (3, 9, 5)
    }

    fn write_metrics(&self, _: &mut Vec<u8>) {}

    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn quit(&self) {}

    fn notices(&self) -> Vec<Notice> {
        Vec::new()
    }

    fn doctor(&self) -> Option<Arc<dyn Doctor>> {
        self.doctor.clone()
    }
}

/// The web side of `stand_in`, with one query at a time.
pub(crate) fn app(stand_in: StandIn) -> Arc<App> {
    app_of(Arc::new(stand_in))
}

pub(crate) fn app_of(stand_in: Arc<StandIn>) -> Arc<App> {
    secured(stand_in, None)
}

/// The web side with the settings of a web.yml.
pub(crate) fn secured(stand_in: Arc<StandIn>, secure: Option<Arc<Secure>>) -> Arc<App> {
    let options = WebOptions {
        secure,
        external_path: String::new(),
        route_prefix: String::new(),
        external_scheme: "http".into(),
        external_host: "localhost:9090".into(),
        listen_port: 9090,
        cors: None,
        lifecycle: false,
        max_connections: 10,
        read_timeout_ms: 1000,
        query_timeout_ms: 60_000,
        max_concurrency: 1,
        language: tortie_promql::Options::default(),
        delayed_name_removal: false,
        concurrent_rules: false,
        lookback_ms: 300_000,
        flags: Vec::new(),
        check_host: false,
    };
    let engine = Engine::new(EngineOptions::default());
    App::new(
        stand_in,
        Arc::new(engine),
        CpuPool::start(2, 16),
        Arc::new(SystemClock::new()),
        Budget::new(1 << 30),
        options,
    )
}
