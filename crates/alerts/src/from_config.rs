//! Section `alerting` as runtime types.

use crate::post::{ClientPost, Post};
use std::sync::Arc;
use tortie_client::Client;
use tortie_config::Config;
use tortie_config::alerting::AlertmanagerConfig;
use tortie_discovery::kubernetes::Spec;
use tortie_discovery::{Job, Source, TargetGroup};
use tortie_host::{Clock, Fs};
use tortie_model::Labels;
use tortie_model::relabel::Rule;

/// What is told to whom.
#[derive(Clone)]
pub struct Settings {
    /// Labels of this server, which alerts get that have none of that name.
    pub external_labels: Labels,
    /// Rules for alerts, whoever gets them.
    pub alert_relabel: Vec<Rule>,
    /// Sets of Alertmanagers.
    pub sets: Vec<SetSettings>,
}

/// One set of Alertmanagers.
#[derive(Clone)]
pub struct SetSettings {
    /// What it was made of: a set that did not change goes on undisturbed.
    pub config: AlertmanagerConfig,
    /// Where its Alertmanagers are; the name is unique among sets.
    pub job: Job,
    /// How requests are sent.
    pub post: Arc<dyn Post>,
}

impl Settings {
    /// What a configuration says.
    ///
    /// # Errors
    /// When a client cannot be made of its settings.
    pub fn from_config(
        config: &Config,
        user_agent: &str,
        fs: &Arc<dyn Fs>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Settings, String> {
        let labels = config.global.external_labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let sets = config.alerting.alertmanagers.iter().enumerate().map(|(i, am)| {
            let client = Client::new(&am.http, user_agent, Arc::clone(fs), Arc::clone(clock))
                .map_err(|e| format!("alertmanagers, element {}: {e}", i + 1))?;
            let post: Arc<dyn Post> = Arc::new(ClientPost::new(client));
            Ok(SetSettings { config: am.clone(), job: job(i, am), post })
        });
        Ok(Settings {
            external_labels: Labels::from_pairs(labels),
            alert_relabel: config.alerting.alert_relabel.clone(),
            sets: sets.collect::<Result<_, String>>()?,
        })
    }
}

/// The discovery of a set.
fn job(i: usize, am: &AlertmanagerConfig) -> Job {
    let mut sources = Vec::new();
    for f in &am.file_sd_configs {
        sources.push(Source::Files { patterns: f.files.clone(), refresh_interval_ms: f.refresh_interval_ms });
    }
    sources.extend(am.dns_sd_configs.iter().cloned().map(Source::Dns));
    for k in &am.kubernetes_sd_configs {
        sources.push(Source::Kubernetes(Box::new(Spec::from_config(k))));
    }
    if !am.static_configs.is_empty() {
        let groups = am.static_configs.iter().enumerate().map(|(i, s)| TargetGroup {
            source: i.to_string(),
            labels: Labels::from_pairs(s.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            targets: s.targets.iter().map(|t| Labels::from_pairs([("__address__", t.as_str())])).collect(),
        });
        sources.push(Source::Static(groups.collect()));
    }
    Job { name: format!("config-{i}"), sources }
}
