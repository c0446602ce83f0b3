//! Loading the configuration, at start and again: build everything, then swap.

use super::cluster_source::ClusterSource;
use super::{alerts, rules};
use crate::logging::{self, Threshold};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tortie_config::{Config, ScrapeConfig};
use tortie_discovery::Job;
use tortie_host::{Clock, Fs};
use tortie_rules::GroupSpec;
use tortie_scrape::{PoolConfig, PoolInput, ScrapeManager};

/// Where the configuration comes from.
pub(crate) enum Source {
    /// A file, read anew at each load.
    File(PathBuf),
    /// A text that the program makes (the demo).
    Text(Text),
    /// What a Prometheus object amounts to; its jobs look for what that cluster has.
    Cluster(Arc<ClusterSource>),
}

/// A configuration that the program makes and changes while it runs.
#[derive(Clone)]
pub(crate) struct Text(Arc<Mutex<String>>);

impl Text {
    pub(crate) fn new(text: String) -> Text {
        Text(Arc::new(Mutex::new(text)))
    }

    /// Takes another text; false when it is the same.
    pub(crate) fn replace(&self, text: String) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let other = *kept != text;
        *kept = text;
        other
    }

    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Loads the configuration and hands it to discovery and scraping.
pub(crate) struct Reloader {
    source: Source,
    fs: Arc<dyn Fs>,
    discovery: tortie_discovery::Manager,
    scrape: Arc<ScrapeManager>,
    rules: Arc<tortie_rules::Manager>,
    alerts: Arc<tortie_alerts::Manager>,
    /// Level of the log when the configuration names none.
    log_level: Threshold,
    state: Mutex<State>,
    /// Jobs of which it was said that their credentials can be read on the way.
    readable: Mutex<BTreeSet<String>>,
    /// Held during a load, so that two do not mix.
    loading: tokio::sync::Mutex<()>,
}

struct State {
    config: Option<Arc<Config>>,
    ok: bool,
    loaded_ms: i64,
}

impl Reloader {
    pub(crate) fn new(
        source: Source,
        fs: Arc<dyn Fs>,
        discovery: tortie_discovery::Manager,
        scrape: Arc<ScrapeManager>,
        rules: Arc<tortie_rules::Manager>,
        alerts: Arc<tortie_alerts::Manager>,
        log_level: Threshold,
    ) -> Reloader {
        let state = Mutex::new(State { config: None, ok: true, loaded_ms: 0 });
        Reloader {
            source,
            fs,
            discovery,
            scrape,
            rules,
            alerts,
            log_level,
            state,
            readable: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// The effective configuration as YAML.
    pub(crate) fn yaml(&self) -> String {
        self.state().config.as_ref().map_or_else(String::new, |c| c.to_yaml())
    }

    /// The API servers that discovery asks.
    pub(crate) fn clusters(&self) -> &tortie_discovery::kubernetes::Clusters {
        self.discovery.clusters()
    }

    /// The watches of API servers with how they do.
    pub(crate) fn watches(&self) -> Vec<tortie_discovery::kubernetes::WatchStatus> {
        self.discovery.clusters().status()
    }

    /// Names that scrape jobs asked DNS for, and those that had no answer.
    pub(crate) fn dns(&self) -> (u64, u64) {
        self.discovery.dns().totals()
    }

    /// The evaluation interval of the running configuration, milliseconds.
    pub(crate) fn evaluation_interval_ms(&self) -> Option<i64> {
        self.state().config.as_ref().map(|c| c.global.evaluation_interval_ms)
    }

    /// External labels, for federation.
    pub(crate) fn external_labels(&self) -> Vec<(String, String)> {
        self.state().config.as_ref().map_or_else(Vec::new, |c| c.global.external_labels.clone())
    }

    /// How many discovered targets each job does not want, and why.
    pub(crate) fn dropped(
        &self,
    ) -> std::collections::BTreeMap<String, std::collections::BTreeMap<tortie_discovery::crds::Cause, usize>>
    {
        self.discovery.dropped()
    }

    /// Whether the last load succeeded, and when the running configuration was loaded.
    pub(crate) fn state_of_load(&self) -> (bool, i64) {
        let s = self.state();
        (s.ok, s.loaded_ms)
    }

    /// Reads the configuration and takes it over; on an error all of the old one goes on.
    pub(crate) async fn reload(&self, clock: &Arc<dyn Clock>) -> Result<(), String> {
        let _one = self.loading.lock().await;
        let result = read(&self.source, &*self.fs).and_then(|c| self.take_over(c, clock));
        match result {
            Ok((config, groups)) => {
                self.rules.update(groups, rules::settings(&config)).await;
                *self.state() = State { config: Some(config), ok: true, loaded_ms: clock.now_ms() };
                tracing::info!(file = self.name(), "Completed loading of configuration file");
                Ok(())
            }
            Err(e) => {
                self.state().ok = false;
                tracing::error!(
                    file = self.name(),
                    err = e.as_str(),
                    "Failed to load configuration; the old one stays"
                );
                Err(e)
            }
        }
    }

    /// Everything that can fail is built before the first thing changes.
    fn take_over(
        &self,
        mut config: Config,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Arc<Config>, Vec<GroupSpec>), String> {
        let language = self.rules.environment().options.language;
        let mut told = alerts::settings(&config, &self.fs, clock)?;
        let rules = match &self.source {
            Source::Cluster(cluster) => {
                told = cluster.told(told);
                cluster.groups(&config, &language)
            }
            _ => rules::groups(&config, &*self.fs, &language)?,
        };
        let level = config.runtime.log_level.get_or_insert_with(|| self.log_level.name().to_owned());
        let level = Threshold::from_name(level).unwrap_or(self.log_level);
        let pools: Vec<PoolConfig> = config
            .scrape_configs
            .iter()
            .map(|c| PoolConfig::from_config(c).map(|p| self.foreign(p)))
            .collect::<Result<_, _>>()
            .map_err(|e| e.to_string())?;
        self.scrape.check(pools.iter()).map_err(|e| e.to_string())?;
        let mut groups = self.discovery.apply(config.scrape_configs.iter().map(|c| self.job(c)).collect());
        let inputs = pools
            .into_iter()
            .filter_map(|config| {
                let groups = groups.remove(&*config.job_name)?;
                Some(PoolInput { config, groups })
            })
            .collect();
        self.scrape.apply(inputs).map_err(|e| e.to_string())?;
        self.warn_of_readable(&config);
        self.alerts.apply(told);
        logging::set(level);
        Ok((Arc::new(config), rules))
    }

    /// Says once a job that its credentials go over plain HTTP, which is allowed, as in Prometheus.
    fn warn_of_readable(&self, config: &Config) {
        let mut said = self.readable.lock().unwrap_or_else(PoisonError::into_inner);
        let readable = config.scrape_configs.iter().filter(|c| c.scheme == "http" && c.http.auth.is_some());
        let now: BTreeSet<String> = readable.map(|c| c.job_name.clone()).collect();
        for job in now.difference(&said) {
            tracing::warn!(component = "scrape manager", scrape_pool = %job, "Credentials are sent over plain http");
        }
        *said = now;
    }

    fn job(&self, c: &ScrapeConfig) -> Job {
        match &self.source {
            Source::Cluster(cluster) => tortie_discovery::crds::job(c, &cluster.server),
            _ => Job::from_config(c),
        }
    }

    /// Marks pools of monitors: whoever may write those is not trusted with this machine.
    fn foreign(&self, pool: PoolConfig) -> PoolConfig {
        let foreign = matches!(self.source, Source::Cluster(_))
            && tortie_discovery::crds::is_of_monitor(&pool.job_name);
        PoolConfig { foreign, ..pool }
    }

    fn name(&self) -> String {
        match &self.source {
            Source::File(p) => p.display().to_string(),
            Source::Text(_) => "(made by the program)".to_owned(),
            Source::Cluster(..) => "(made of custom resources)".to_owned(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads and checks a configuration.
pub(crate) fn read(source: &Source, fs: &dyn Fs) -> Result<Config, String> {
    let mut config = load(source, fs)?;
    for name in config.expand_external_labels(|n| std::env::var(n).ok()) {
        tracing::warn!(name, "Empty environment variable in external labels");
    }
    Ok(config)
}

fn load(source: &Source, fs: &dyn Fs) -> Result<Config, String> {
    match source {
        Source::Text(text) => Config::load(&text.get(), "prometheus.yml").map_err(|d| d.to_string()),
        Source::Cluster(cluster) => {
            Config::load(&cluster.text.get(), "prometheus.yml").map_err(|d| d.to_string())
        }
        Source::File(path) => {
            let name = path.display().to_string();
            let bytes = fs.read(path).map_err(|e| {
                format!("{name}: {e}\nhint: name another file with --config.file, or try `tortie demo`, which needs none")
            })?;
            let text = String::from_utf8(bytes)
                .map_err(|e| format!("{name}: not UTF-8 at byte {}", e.utf8_error().valid_up_to()))?;
            Config::load(&text, &name).map_err(|d| d.to_string())
        }
    }
}
