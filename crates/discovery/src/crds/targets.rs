//! From a job of the configuration to what discovery looks for: one look at the whole cluster for all jobs, and for each its
//! [`Narrow`].

use super::narrow::Narrow;
use crate::job::{Job, Source};
use crate::kubernetes::{Server, Spec};
use std::sync::Arc;
use tortie_config::ScrapeConfig;
use tortie_config::kubernetes::{KubernetesSdConfig, Role};

/// Whether a job is that of a monitor, by its name as the operator gives it; others were written by whoever owns the Prometheus
/// object.
pub fn is_of_monitor(job: &str) -> bool {
    ["serviceMonitor/", "podMonitor/", "probe/", "scrapeConfig/"].iter().any(|kind| job.starts_with(kind))
}

/// The job of a configuration. `server` is the API server whose objects the monitors are: jobs that name no other one are
/// looked up there, in all namespaces at once.
pub fn job(config: &ScrapeConfig, server: &Server) -> Job {
    let mut job = Job::from_config(config);
    let mut lookups = config.kubernetes_sd_configs.iter();
    for source in &mut job.sources {
        let Source::Kubernetes(spec) = source else { continue };
        let Some(lookup) = lookups.next() else { continue };
        if let Server::Address { foreign, .. } = &mut spec.server {
            // Those of the other kinds are what the Prometheus object says.
            *foreign = config.job_name.starts_with("scrapeConfig/");
        }
        if lookup.api_server.is_empty() && lookup.kubeconfig_file.is_empty() {
            *source = selected(config, lookup, server);
        }
    }
    job
}

fn selected(config: &ScrapeConfig, lookup: &KubernetesSdConfig, server: &Server) -> Source {
    let mut spec = Spec { server: server.clone(), ..Spec::from_config(lookup) };
    // The own namespace is that of the pod, which only the provider knows.
    let mut namespaces = if spec.own_namespace { Vec::new() } else { std::mem::take(&mut spec.namespaces) };
    if spec.role == Role::Node {
        // Nodes are in none, whatever is asked for.
        namespaces.clear();
    }
    Source::Selected(Box::new(spec), Arc::new(Narrow::new(&namespaces, &config.relabel)))
}
