//! What discovery needs to know of a job.

use crate::crds::Narrow;
use crate::group::TargetGroup;
use crate::kubernetes::Spec;
use std::sync::Arc;
use tortie_config::ScrapeConfig;
use tortie_config::dns::DnsSdConfig;
use tortie_model::Labels;

/// Label that holds a target's `host:port`.
pub(crate) const ADDRESS: &str = "__address__";

/// A job and where its targets come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Name of the job.
    pub name: String,
    /// Its sources, all used together.
    pub sources: Vec<Source>,
}

/// Where targets come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Groups that never change.
    Static(Vec<TargetGroup>),
    /// Files with groups, read anew when they change.
    Files {
        /// Paths, `*`, `?` and `[...]` as in Go's `filepath.Glob`.
        patterns: Vec<String>,
        /// Longest time between two looks, milliseconds; looks are at most 5 s apart in any case.
        refresh_interval_ms: i64,
    },
    /// Names that DNS is asked for.
    Dns(DnsSdConfig),
    /// Objects of an API server.
    Kubernetes(Box<Spec>),
    /// Those of the objects of an API server that a job may want.
    Selected(Box<Spec>, Arc<Narrow>),
}

impl Job {
    /// What a scrape configuration says about targets.
    pub fn from_config(config: &ScrapeConfig) -> Job {
        let mut sources = Vec::new();
        for f in &config.file_sd_configs {
            sources.push(Source::Files {
                patterns: f.files.clone(),
                refresh_interval_ms: f.refresh_interval_ms,
            });
        }
        sources.extend(config.dns_sd_configs.iter().cloned().map(Source::Dns));
        for k in &config.kubernetes_sd_configs {
            sources.push(Source::Kubernetes(Box::new(Spec::from_config(k))));
        }
        if !config.static_configs.is_empty() {
            let groups = config.static_configs.iter().enumerate().map(|(i, s)| {
                let labels = Labels::from_pairs(s.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
                TargetGroup {
                    source: i.to_string(),
                    labels,
                    targets: s.targets.iter().map(|t| address(t)).collect(),
                }
            });
            sources.push(Source::Static(groups.collect()));
        }
        Job { name: config.job_name.clone(), sources }
    }
}

/// The label set of a target that is only an address.
pub(crate) fn address(target: &str) -> Labels {
    Labels::from_pairs([(ADDRESS, target)])
}
