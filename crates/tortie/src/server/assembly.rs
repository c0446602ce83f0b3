//! Starting and ending the parts in their order.

use super::alerts::{self, Bridge, Said};
use super::crds;
use super::doctor::{ClusterDoctor, Patient};
use super::maintenance::Maintenance;
use super::options::{ClusterChoice, External, ServerOptions, default_max_block, trimmed};
use super::reload::{self, Reloader, Source, Text};
use super::rules::Told;
use super::running::Running;
use super::storage::Storage;
use crate::signals::{Asked, Signals};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tortie_calico::collect::{PrometheusAddress, Wants};
use tortie_cluster::client::ConnectOptions;
use tortie_host::limits::{Limits, hostname};
use tortie_host::{Clock, CpuPool, Fs, RealFs};
use tortie_model::regex::Regex;
use tortie_promql::eval::{Budget, Engine, EngineOptions};
use tortie_scrape::ScrapeManager;
use tortie_tsdb::db::{Db, DbOptions};
use tortie_tsdb::head::HeadOptions;
use tortie_web::secure::Secure;
use tortie_web::{App, WebOptions};

/// Most time that ending takes: for scrapes and requests that still run.
const DRAIN: Duration = Duration::from_secs(5);
/// Share of the memory that queries may take together, at least [`LEAST_FOR_QUERIES`].
const FOR_QUERIES: u64 = 4;
const LEAST_FOR_QUERIES: u64 = 64 << 20;

/// Why the server did not start.
pub(crate) enum StartError {
    /// A flag or the configuration is wrong.
    Usage(String),
    /// Something of the system is in the way.
    Failed(String),
}

/// A running server.
pub(crate) struct Server {
    pub(crate) running: Arc<Running>,
    /// Addresses that are listened on.
    pub(crate) addresses: Vec<std::net::SocketAddr>,
    /// `http`, or `https` when it speaks TLS.
    scheme: &'static str,
    /// Path under which browsers see it.
    pub(crate) external_path: String,
    db: Arc<Db>,
    stop: watch::Sender<bool>,
    web: JoinHandle<()>,
    maintenance: Maintenance,
}

impl Server {
    /// Starts with the configuration that the options name, or the one that suits where it runs.
    pub(crate) async fn start(
        mut options: ServerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Server, StartError> {
        super::calico::by_default(&mut options, &clock).await?;
        if let Some(follow) = options.calico.clone() {
            let text = Text::new(follow.empty());
            let server = Server::prepare(options, Source::Text(text.clone()), clock).await?;
            follow.start(text, Arc::clone(&server.running), server.stop.subscribe());
            server.go_live();
            return Ok(server);
        }
        let Some(from) = options.from_crds.clone() else {
            let source = Source::File(options.config_file.clone());
            let server = Server::prepare(options, source, clock).await?;
            server.go_live();
            return Ok(server);
        };
        let (follower, cluster) = crds::begin(&from, &clock).await?;
        let options = crds::with_flags(options, &follower);
        let server = Server::prepare(options, Source::Cluster(Arc::clone(&cluster)), clock).await?;
        crds::keep(&server.running, follower, cluster, &from);
        server.go_live();
        Ok(server)
    }

    /// Starts all but the scrape loops: the demo makes its history first.
    pub(crate) async fn prepare(
        options: ServerOptions,
        source: Source,
        clock: Arc<dyn Clock>,
    ) -> Result<Server, StartError> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let features = Features::parse(&options.features).map_err(StartError::Usage)?;
        // Before anything is touched: a wrong configuration does not start.
        let config = reload::read(&source, &*fs).map_err(StartError::Usage)?;
        let secure = match &options.web_config {
            None => None,
            Some(file) => {
                let opened = Secure::open(file.clone(), Arc::clone(&fs), Arc::clone(&clock));
                Some(Arc::new(opened.map_err(StartError::Usage)?))
            }
        };
        let scheme = if secure.as_ref().is_some_and(|s| s.speaks_tls()) { "https" } else { "http" };
        let listeners = tortie_web::server::bind(&options.listen).await.map_err(StartError::Failed)?;
        let addresses = tortie_web::server::addresses(&listeners);
        let port = addresses.first().map_or(9090, |a| a.port());
        let mut external =
            External::parse(&options.external_url, &hostname(), port).map_err(StartError::Usage)?;
        if options.external_url.is_empty() || options.external_url.starts_with('/') {
            scheme.clone_into(&mut external.scheme);
        }
        let limits = Limits::read();
        let cores = options.threads.unwrap_or(limits.cores);
        let pool = CpuPool::start(cores.max(2), 1024);
        let retention_ms = config.storage.retention_time_ms.unwrap_or(options.retention_ms);
        let retention_bytes = config.storage.retention_size.unwrap_or(options.retention_bytes);
        let running = Arc::new(Running {
            clock: Arc::clone(&clock),
            start_ms: clock.now_ms(),
            hostname: hostname(),
            retention_ms,
            retention_bytes,
            storage: OnceLock::new(),
            ready: OnceLock::new(),
            live_ms: OnceLock::new(),
            scrape: OnceLock::new(),
            reloader: OnceLock::new(),
            replay: Default::default(),
            quit: tokio::sync::Notify::new(),
            notices: Mutex::default(),
            rules: OnceLock::new(),
            told: Arc::default(),
            alerts: OnceLock::new(),
            demo: OnceLock::new(),
            doctor: OnceLock::new(),
            crds: OnceLock::new(),
        });
        if options.allow_setup {
            may_write(&options, &addresses).map_err(StartError::Usage)?;
        }
        if let Some(cluster) = &options.cluster {
            let at = own_url(&options, scheme, &external, &addresses);
            let patient = patient(cluster, &at, options.allow_setup, &*fs).map_err(StartError::Usage)?;
            // Set once, here.
            let _ = running.doctor.set(Arc::new(ClusterDoctor::new(patient, Arc::clone(&clock))));
        }
        let engine_options = EngineOptions {
            lookback_ms: options.lookback_ms,
            max_samples: options.max_samples,
            delayed_name_removal: features.delayed_name_removal,
            ..EngineOptions::default()
        };
        let engine = Engine::new(engine_options.clone());
        let budget = Budget::new((limits.memory / FOR_QUERIES).max(LEAST_FOR_QUERIES));
        let mut web_options =
            web_options(&options, &external, &addresses, &features).map_err(StartError::Usage)?;
        web_options.secure = secure;
        let app = App::new(
            Arc::clone(&running) as _,
            Arc::new(engine),
            pool.clone(),
            Arc::clone(&clock),
            budget,
            web_options,
        );
        let budget = Arc::clone(&app.budget);
        let external_url = format!("{}://{}{}", external.scheme, external.host, external.path);
        let (stop, stopped) = watch::channel(false);
        let web = tokio::spawn(tortie_web::server::serve(app, listeners, stopped, DRAIN));
        for a in &addresses {
            tracing::info!(component = "web", address = %a, "Listening on");
            if scheme == "https" {
                tracing::info!(component = "web", http2 = false, address = %a, "TLS is enabled.");
            }
        }

        let db_options = DbOptions {
            retention_ms,
            retention_bytes,
            min_block_ms: options.min_block_ms,
            max_block_ms: options.max_block_ms.unwrap_or_else(|| default_max_block(retention_ms)),
            no_lockfile: options.no_lockfile,
            cache_bytes: cache_bytes(limits.memory),
            head: HeadOptions { memory_cap: limits.memory / 10 * 6, ..HeadOptions::default() },
        };
        let db = open(&options.data, Arc::clone(&fs), Arc::clone(&clock), db_options, Arc::clone(&running))
            .await
            .map_err(StartError::Failed)?;
        let storage = Storage::new(Arc::clone(&db), Arc::clone(&clock));
        let scrape_options = tortie_scrape::Options {
            adjust_timestamps: options.adjust_timestamps,
            timestamp_tolerance_ms: options.timestamp_tolerance_ms,
            reach: crds::reach(&options, &addresses),
            ..tortie_scrape::Options::default()
        };
        let scrape = Arc::new(ScrapeManager::new(
            Arc::new(storage.clone()),
            Arc::clone(&clock),
            Arc::clone(&fs),
            pool,
            scrape_options,
        ));
        let discovery = tortie_discovery::Manager::new(Arc::clone(&fs), Arc::clone(&clock))
            .within(crds::reach(&options, &addresses));
        let mut environment = tortie_rules::Environment::new(
            Arc::new(storage.clone()),
            Arc::new(tortie_rules::GoTemplates::default()),
            Arc::clone(&running.told) as Arc<Told>,
            Arc::clone(&clock),
            engine_options,
            rule_options(&options, external_url, &features),
        );
        environment.budget = Some(budget);
        // Threads of their own: queries of people never delay a rule.
        let rules =
            Arc::new(tortie_rules::Manager::new(Arc::new(environment), CpuPool::start(cores.max(2), 4096)));
        let notifications =
            tortie_alerts::Manager::new(alerts::options(&options), Arc::clone(&fs), Arc::clone(&clock));
        let (said, told) = (Arc::downgrade(&rules), Arc::clone(&running.told));
        notifications.set_source(Arc::new(Said { rules: said, told }));
        running.told.add(Arc::new(Bridge(Arc::clone(&notifications))));
        let reloader = Reloader::new(
            source,
            fs,
            discovery,
            Arc::clone(&scrape),
            Arc::clone(&rules),
            Arc::clone(&notifications),
            options.log_level,
        );
        // These cells are set once, here.
        let _ = running.storage.set(storage);
        let _ = running.scrape.set(scrape);
        let _ = running.rules.set(rules);
        let _ = running.alerts.set(notifications);
        reloader.reload(&clock).await.map_err(StartError::Usage)?;
        let _ = running.reloader.set(reloader);
        let maintenance =
            Maintenance::start(Arc::clone(&db)).map_err(|e| StartError::Failed(e.to_string()))?;
        Ok(Server { running, addresses, scheme, external_path: external.path, db, stop, web, maintenance })
    }

    /// Starts the scrape loops and answers queries.
    pub(crate) fn go_live(&self) {
        if let Some(s) = self.running.scrape.get() {
            s.start();
        }
        if let Some(rules) = self.running.rules.get() {
            rules.start();
        }
        let _ = self.running.ready.set(());
        let _ = self.running.live_ms.set(self.running.clock.now_ms());
        // A demo looks once its targets were scraped.
        if let Some(doctor) = self.running.doctor.get().filter(|_| self.running.demo.get().is_none()) {
            doctor.look_again();
        }
        tracing::info!("Server is ready to receive web requests.");
    }

    /// When its scrape loops began, milliseconds since 1970; the end of time before that.
    pub(crate) fn live_since_ms(&self) -> i64 {
        self.running.live_ms.get().copied().unwrap_or(i64::MAX)
    }

    /// The database.
    pub(crate) fn db(&self) -> &Arc<Db> {
        &self.db
    }

    /// Where a browser finds it.
    pub(crate) fn url(&self) -> String {
        let address = self.addresses.first().map_or_else(String::new, ToString::to_string);
        format!(
            "{}://{}{}/",
            self.scheme,
            address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1"),
            self.external_path
        )
    }

    /// Waits for SIGTERM, SIGINT or `/-/quit`; reloads on SIGHUP meanwhile.
    pub(crate) async fn until_told_to_end(&self, signals: &mut Signals) {
        loop {
            let asked = tokio::select! {
                asked = signals.next() => asked,
                () = self.running.quit.notified() => {
                    tracing::warn!("Received termination request via web service, exiting gracefully...");
                    return;
                }
            };
            if asked == Asked::End {
                tracing::warn!("Received an OS signal, exiting gracefully...");
                return;
            }
            // The outcome is in the log and among the notices.
            let _ = tortie_web::Sources::reload(&*self.running).await;
        }
    }

    /// Ends all parts: scrapes and requests, both within the same time, then the database.
    pub(crate) async fn stop(self) -> Result<(), String> {
        // Nobody listens when all connections have ended already.
        let _ = self.stop.send(true);
        let rules = async {
            if let Some(rules) = self.running.rules.get() {
                rules.stop().await;
            }
            // What the last evaluation said goes out too.
            if let Some(alerts) = self.running.alerts.get() {
                alerts.stop(DRAIN).await;
            }
        };
        let scrapes = async {
            if let Some(s) = self.running.scrape.get() {
                s.stop(DRAIN).await;
            }
        };
        let ((), (), web) = tokio::join!(scrapes, rules, self.web);
        if let Err(e) = web {
            tracing::error!(err = %e, "BUG: the web side ended in a panic");
        }
        let (db, maintenance) = (self.db, self.maintenance);
        tokio::task::spawn_blocking(move || {
            maintenance.stop();
            db.close().map_err(|e| format!("closing the database: {e}"))
        })
        .await
        .map_err(|e| format!("BUG: closing the database ended in a panic: {e}"))??;
        tracing::info!("See you next time!");
        Ok(())
    }
}

async fn open(
    dir: &Path,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    options: DbOptions,
    running: Arc<Running>,
) -> Result<Arc<Db>, String> {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || {
        let progress = |p: tortie_tsdb::head::ReplayProgress| {
            for (cell, v) in running.replay.iter().zip([p.min, p.max, p.current]) {
                cell.store(v, Ordering::Relaxed);
            }
        };
        Db::open(&dir, fs, clock, options, &progress).map(Arc::new).map_err(|e| e.to_string())
    })
    .await
    .map_err(|e| format!("BUG: opening the database ended in a panic: {e}"))?
}

/// Writing from the page needs a cluster that was named and listeners that nobody else reaches.
fn may_write(o: &ServerOptions, addresses: &[std::net::SocketAddr]) -> Result<(), String> {
    if o.cluster.is_none() {
        return Err("--allow-setup: no cluster is named\nhint: name one with --kubeconfig=FILE".to_owned());
    }
    if let Some(open) = addresses.iter().find(|a| !a.ip().is_loopback()) {
        return Err(format!(
            "--allow-setup: {open} can be reached from other machines, and whoever reaches it could write to the cluster\n\
             hint: --web.listen-address=127.0.0.1:9090, or leave --allow-setup away"
        ));
    }
    if !o.external_url.is_empty() {
        return Err("--allow-setup: with --web.external-url others reach this server through a proxy\n\
                    hint: leave one of the two away"
            .to_owned());
    }
    Ok(())
}

/// Where this server answers itself.
fn own_url(
    o: &ServerOptions,
    scheme: &str,
    external: &External,
    addresses: &[std::net::SocketAddr],
) -> String {
    let prefix = o.route_prefix.as_deref().map_or_else(|| external.path.clone(), trimmed);
    let address = addresses.first().map_or_else(String::new, ToString::to_string);
    format!("{scheme}://{address}{prefix}")
}

fn patient(
    cluster: &ClusterChoice,
    own_url: &str,
    allow_setup: bool,
    fs: &dyn Fs,
) -> Result<Patient, String> {
    let file = &cluster.kubeconfig;
    fs.read(file).map_err(|e| {
        format!(
            "--kubeconfig={}: {e}\nhint: name the file that kubectl uses, often ~/.kube/config",
            file.display()
        )
    })?;
    let prometheus = cluster.own.then(|| PrometheusAddress {
        url: own_url.to_owned(),
        basic: None,
        bearer: None,
        authorities: None,
        insecure: false,
    });
    Ok(Patient {
        options: ConnectOptions {
            kubeconfig: Some(file.clone()),
            context: cluster.context.clone(),
            ..ConnectOptions::default()
        },
        wants: Wants {
            prometheus,
            probes: if cluster.own { 0 } else { Wants::default().probes },
            ..Wants::default()
        },
        from: cluster.from.clone(),
        allow_setup,
    })
}

/// A tenth of the memory, 256 MiB at most, for symbols and postings of blocks.
fn cache_bytes(memory: u64) -> usize {
    usize::try_from(memory / 10).unwrap_or(usize::MAX).min(256 << 20)
}

fn web_options(
    o: &ServerOptions,
    external: &External,
    addresses: &[std::net::SocketAddr],
    features: &Features,
) -> Result<WebOptions, String> {
    let route_prefix = o.route_prefix.as_deref().map_or_else(|| external.path.clone(), trimmed);
    let cors = match &o.cors {
        None => None,
        Some(p) => Some(Regex::anchored(p).map_err(|e| format!("--web.cors.origin={p}: {e}"))?),
    };
    Ok(WebOptions {
        external_path: external.path.clone(),
        secure: None,
        route_prefix,
        external_scheme: external.scheme.clone(),
        external_host: external.host.clone(),
        listen_port: addresses.first().map_or(0, |a| a.port()),
        cors,
        lifecycle: o.lifecycle,
        max_connections: o.max_connections,
        read_timeout_ms: o.read_timeout_ms,
        query_timeout_ms: o.query_timeout_ms,
        max_concurrency: o.max_concurrency,
        language: features.language,
        delayed_name_removal: features.delayed_name_removal,
        concurrent_rules: features.concurrent_rules,
        lookback_ms: o.lookback_ms,
        flags: o.flags(external),
        // Whoever gave an external URL stands behind a proxy, whose name comes in the Host header.
        check_host: o.external_url.is_empty()
            && !addresses.is_empty()
            && addresses.iter().all(|a| a.ip().is_loopback()),
    })
}

fn rule_options(o: &ServerOptions, external_url: String, features: &Features) -> tortie_rules::Options {
    tortie_rules::Options {
        external_url,
        resend_delay_ms: o.alert_resend_delay_ms,
        outage_tolerance_ms: o.alert_outage_tolerance_ms,
        for_grace_period_ms: o.alert_grace_period_ms,
        query_timeout_ms: o.query_timeout_ms,
        concurrent: features.concurrent_rules,
        max_concurrent: o.max_concurrent_evals,
        language: features.language,
    }
}

/// Features that `--enable-feature` turns on.
#[derive(Debug, Default)]
struct Features {
    language: tortie_promql::Options,
    delayed_name_removal: bool,
    concurrent_rules: bool,
}

impl Features {
    fn parse(names: &[String]) -> Result<Features, String> {
        let mut f = Features::default();
        for name in names.iter().filter(|n| !n.is_empty()) {
            match name.as_str() {
                "promql-experimental-functions" => f.language.experimental_functions = true,
                "promql-binop-fill-modifiers" => f.language.binop_fill_modifiers = true,
                "promql-delayed-name-removal" => f.delayed_name_removal = true,
                "concurrent-rule-eval" => f.concurrent_rules = true,
                other => {
                    return Err(format!(
                        "--enable-feature={other}: {}",
                        tortie_config::flags::why_not_feature(other)
                    ));
                }
            }
        }
        Ok(f)
    }
}
