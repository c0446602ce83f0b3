//! What a Prometheus object amounts to, as it is loaded: its configuration, its rule files, and whether alerts are sent.

use super::reload::Text;
use super::rules;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_alerts::Settings;
use tortie_config::Config;
use tortie_discovery::Source as JobSource;
use tortie_discovery::crds::RuleFile;
use tortie_discovery::crds::follow::{Refused, State};
use tortie_discovery::kubernetes::Server;
use tortie_rules::GroupSpec;

/// The configuration of a Prometheus object.
pub(crate) struct ClusterSource {
    /// The configuration's text.
    pub(crate) text: Text,
    /// The API server whose objects it is made of.
    pub(crate) server: Server,
    rules: Mutex<Arc<Vec<RuleFile>>>,
    /// Rule files that the operator accepts and this program cannot read.
    left_out: Mutex<Vec<Refused>>,
    /// Whether nobody is told of alerts: then Alertmanagers are not even looked for.
    silent: AtomicBool,
}

impl ClusterSource {
    pub(crate) fn new(server: Server, state: &State, silent: bool) -> Arc<ClusterSource> {
        Arc::new(ClusterSource {
            text: Text::new(state.text.clone()),
            server,
            rules: Mutex::new(Arc::new(state.rules.clone())),
            left_out: Mutex::default(),
            silent: AtomicBool::new(silent),
        })
    }

    /// Takes another state; false when nothing of it is to be loaded anew.
    pub(crate) fn replace(&self, state: &State, silent: bool) -> bool {
        let mut other = self.text.replace(state.text.clone());
        other |= self.silent.swap(silent, Ordering::Relaxed) != silent;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if **rules != state.rules {
            *rules = Arc::new(state.rules.clone());
            other = true;
        }
        other
    }

    /// The groups of all rule files; a file that cannot be read is left out alone.
    pub(crate) fn groups(&self, config: &Config, language: &tortie_promql::Options) -> Vec<GroupSpec> {
        let files = Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner));
        let mut groups = Vec::new();
        let mut left_out = Vec::new();
        for file in files.iter() {
            match rules::groups_of_text(&file.text, &file.path, config, language) {
                Ok(more) => groups.extend(more),
                Err(reason) => {
                    left_out.push(Refused { name: format!("PrometheusRule {}", file.key), reason });
                }
            }
        }
        let mut known = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        for r in left_out.iter().filter(|r| !known.contains(r)) {
            tracing::warn!(component = "crds", name = %r.name, err = %r.reason, "left out");
        }
        *known = left_out;
        groups
    }

    /// Rule files that are left out.
    pub(crate) fn left_out(&self) -> Vec<Refused> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The Alertmanagers as this cluster knows them; none while nobody is told.
    pub(crate) fn told(&self, mut settings: Settings) -> Settings {
        if self.silent.load(Ordering::Relaxed) {
            settings.sets.clear();
        }
        for source in settings.sets.iter_mut().flat_map(|set| &mut set.job.sources) {
            if let JobSource::Kubernetes(spec) = source
                && spec.server == Server::Pod
            {
                spec.server = self.server.clone();
            }
        }
        settings
    }
}
