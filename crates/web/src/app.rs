//! The state that all handlers share.

use crate::secure::Secure;
use crate::sources::Sources;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tortie_host::{Clock, CpuPool};
use tortie_model::regex::Regex;
use tortie_promql::eval::{Budget, Engine};

/// What flags decide about the web side.
#[derive(Clone)]
pub struct WebOptions {
    /// Path under which browsers see the server, from `--web.external-url`; no trailing slash, may be empty.
    pub external_path: String,
    /// Prefix of all own routes, `--web.route-prefix`; no trailing slash, may be empty.
    pub route_prefix: String,
    /// `scheme://host[:port]` by which others reach this server, for `globalUrl`.
    pub external_scheme: String,
    /// Host part of the external URL, with port.
    pub external_host: String,
    /// Port this server listens on, to recognise itself among targets.
    pub listen_port: u16,
    /// TLS and users, `--web.config.file`.
    pub secure: Option<Arc<Secure>>,
    /// Origins that may read answers across sites, `--web.cors.origin`; none by default.
    pub cors: Option<Regex>,
    /// `--web.enable-lifecycle`.
    pub lifecycle: bool,
    /// Most connections at a time, `--web.max-connections`.
    pub max_connections: usize,
    /// Milliseconds after which an idle connection is closed, `--web.read-timeout`.
    pub read_timeout_ms: u64,
    /// Milliseconds after which a query is stopped, `--query.timeout`.
    pub query_timeout_ms: u64,
    /// Queries that run at a time, `--query.max-concurrency`.
    pub max_concurrency: usize,
    /// Which experimental parts of the language are on, `--enable-feature`.
    pub language: tortie_promql::Options,
    /// Whether the engine keeps metric names until the end, for `/api/v1/features`.
    pub delayed_name_removal: bool,
    /// Whether independent rules of a group run at a time, for `/api/v1/features`.
    pub concurrent_rules: bool,
    /// Staleness window in milliseconds, `--query.lookback-delta`.
    pub lookback_ms: i64,
    /// All flags with their values, ascending, for `/api/v1/status/flags`.
    pub flags: Vec<(String, String)>,
    /// Whether a Host header must name this machine (loopback listeners only).
    pub check_host: bool,
}

/// The state of the web side.
pub struct App {
    /// The rest of the program.
    pub sources: Arc<dyn Sources>,
    /// The query engine.
    pub engine: Arc<Engine>,
    /// Threads for queries.
    pub pool: CpuPool,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What flags decide.
    pub options: WebOptions,
    /// Slots of running queries.
    pub slots: Arc<Semaphore>,
    /// Memory that all queries share.
    pub budget: Arc<Budget>,
    /// Counters of the web side.
    pub stats: WebStats,
}

/// Counters of the web side.
#[derive(Default)]
pub struct WebStats {
    /// Requests answered, by status code.
    pub requests: Requests,
    /// Failed federation requests.
    pub federation_errors: AtomicU64,
    /// Panics caught at the border of a request.
    pub panics: AtomicU64,
}

/// Numbers of requests by status code, 100 to 599.
pub struct Requests([AtomicU64; 500]);

impl Default for Requests {
    fn default() -> Requests {
        Requests(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Requests {
    /// Counts one answer.
    pub fn count(&self, status: http::StatusCode) {
        if let Some(n) = usize::from(status.as_u16()).checked_sub(100).and_then(|i| self.0.get(i)) {
            n.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The codes that were answered at least once, ascending, with their numbers.
    pub fn counted(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().enumerate().map(|(i, n)| (i + 100, n.load(Ordering::Relaxed))).filter(|(_, n)| *n > 0)
    }
}

impl App {
    /// The state with `options.max_concurrency` query slots.
    pub fn new(
        sources: Arc<dyn Sources>,
        engine: Arc<Engine>,
        pool: CpuPool,
        clock: Arc<dyn Clock>,
        budget: Budget,
        options: WebOptions,
    ) -> Arc<App> {
        let slots = Arc::new(Semaphore::new(options.max_concurrency.max(1)));
        Arc::new(App {
            sources,
            engine,
            pool,
            clock,
            options,
            slots,
            budget: Arc::new(budget),
            stats: WebStats::default(),
        })
    }
}
