//! The same clusters by our own way: the custom resources' configuration, narrowed lookups, targets as scraping makes them.

use super::found::Found;
use crate::oracle::{known, objects_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tortie_config::emit::Doc;
use tortie_config::scrape::ScrapeProtocol;
use tortie_config::{Config, ScrapeConfig};
use tortie_discovery::crds::{self, Configuration, Job, Material, Sharing, Style, configure};
use tortie_discovery::kubernetes::Server;
use tortie_discovery::{Groups, Job as Discovery};
use tortie_scrape::PoolConfig;
use tortie_scrape::target::{Target, populate};

/// A pool of a cluster, and how its targets are found.
pub(super) struct Pool {
    config: PoolConfig,
    /// Its name among those of all clusters.
    pub(super) key: String,
}

/// What we make of a cluster.
#[derive(Default)]
pub(super) struct Ours {
    pub(super) pools: Vec<Pool>,
    pub(super) discoveries: Vec<Discovery>,
    /// Settings of jobs that this program leaves out by name, with the whole job; here the job is taken without them.
    pub(super) not_there: BTreeMap<String, usize>,
    /// Jobs that are no good, and why: Prometheus refuses them too, but with all others.
    pub(super) invalid: BTreeMap<String, String>,
    /// Settings that only an older Prometheus knows.
    pub(super) unknown: BTreeSet<String>,
}

impl Ours {
    /// Of a cluster whose Prometheus object is right.
    pub(super) fn of(cluster: &Value, prefix: &str, server: &Server) -> Ours {
        let bodies = cluster["objects"].as_array().unwrap();
        let (objects, prometheus) = objects_of(bodies);
        let style = Style { material: Material::Inline, sharing: Sharing::Shards };
        let mut made = configure(&objects, &prometheus, &known(bodies), style).unwrap();
        let jobs = std::mem::take(&mut made.jobs);
        made.sections.clear();
        settle_global(&mut made);
        let mut out = Ours::default();
        for mut job in jobs {
            let Some(mut scrape) = out.load(&made, &mut job) else { continue };
            // A pod knows its own namespace by a file; here it is known from the object.
            for lookup in &mut scrape.kubernetes_sd_configs {
                if std::mem::take(&mut lookup.own_namespace) {
                    lookup.namespaces.push(prometheus.meta.namespace.clone());
                }
            }
            let pool = PoolConfig::from_config(&scrape).unwrap_or_else(|_| {
                *out.not_there.entry("scrape_protocols".to_owned()).or_default() += 1;
                scrape.protocols = vec![ScrapeProtocol::PrometheusText004];
                scrape.fallback_protocol = None;
                PoolConfig::from_config(&scrape).unwrap_or_else(|e| panic!("{}: {e}", job.name))
            });
            let key = format!("{prefix} {}", job.name);
            out.discoveries.push(Discovery { name: key.clone(), ..crds::job(&scrape, server) });
            out.pools.push(Pool { config: pool, key });
        }
        out
    }

    /// A job as configuration, without what is not there.
    fn load(&mut self, made: &Configuration, job: &mut Job) -> Option<ScrapeConfig> {
        loop {
            let error = match load(made, std::slice::from_ref(job)) {
                Ok(config) => return config.scrape_configs.into_iter().next(),
                Err(e) => e,
            };
            let between = |before: &str, after: &str| {
                let (_, rest) = error.split_once(before)?;
                rest.split_once(after).map(|(key, _)| key.to_owned())
            };
            let missing = between("scrape_configs[].", " is not supported yet");
            let unknown = between(": field ", " not found in scrape_configs[]");
            let Some(key) = missing.clone().or_else(|| unknown.clone()) else {
                self.invalid.insert(job.name.clone(), error);
                return None;
            };
            match missing {
                Some(key) => *self.not_there.entry(key).or_default() += 1,
                None => drop(self.unknown.insert(key.clone())),
            }
            let Doc::Map(entries) = &mut job.config else { panic!("a job is a mapping") };
            let before = entries.len();
            entries.retain(|(k, _)| *k != key);
            assert!(entries.len() < before, "{error}");
        }
    }

    /// The operator's text without the jobs that are no good and settings of another version, each of which would make
    /// Prometheus refuse all.
    pub(super) fn loadable(&self, text: &str) -> String {
        let mut out = String::new();
        let mut skips = false;
        for line in text.lines() {
            if !line.starts_with(' ') {
                let name = line.strip_prefix("- job_name: ").map(|n| n.trim_matches('"'));
                skips = name.is_some_and(|n| self.invalid.contains_key(n));
            }
            let key = line.strip_prefix("  ").and_then(|l| l.split_once(':')).map_or("", |(k, _)| k);
            if !skips && !self.unknown.contains(key) {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }

    /// The targets of what was discovered.
    pub(super) fn targets(&self, groups: impl Fn(&str) -> Groups) -> Found {
        let mut found = Found::default();
        for pool in &self.pools {
            for group in groups(&pool.key).iter() {
                for target in &group.targets {
                    let Ok(p) = populate(&pool.config, &group.labels, target) else { continue };
                    if p.labels.is_empty() {
                        continue;
                    }
                    let target = Target::new(&pool.config, &p.labels, p.discovered.clone());
                    let at = [
                        target.url.as_str().to_owned(),
                        p.labels.value("__scrape_interval__").to_owned(),
                        p.labels.value("__scrape_timeout__").to_owned(),
                    ];
                    let public: Vec<_> = target.public.iter().collect();
                    let discovered: Vec<_> = p.discovered.iter().collect();
                    found.add(&target.pool, &public, &at, &discovered);
                }
            }
        }
        found
    }
}

fn load(made: &Configuration, jobs: &[Job]) -> Result<Config, String> {
    let text = made
        .text_of(jobs)
        .replace("$(POD_NAME)", "p-0")
        .replace("$(SHARD)", "0")
        .replace("$(INZONE_SHARD)", "0")
        .replace("$(TOPOLOGY_ZONE)", "z1");
    Config::load(&text, "p.yml").map_err(|e| e.to_string())
}

/// Leaves out keys of `global` that this program refuses, as it does when it follows an object.
fn settle_global(made: &mut Configuration) {
    let Doc::Map(keys) = made.global.clone() else { return };
    made.global = Doc::Map(Vec::new());
    for key in keys {
        let before = made.global.clone();
        if let Doc::Map(kept) = &mut made.global {
            kept.push(key);
        }
        if load(made, &[]).is_err() {
            made.global = before;
        }
    }
}
