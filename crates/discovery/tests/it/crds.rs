//! Monitors to targets by index: the same targets as when every rule runs over everything that is discovered.

use crate::clusters::world::World;
use crate::clusters::{self, Pair};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tortie_config::{Config, ScrapeConfig};
use tortie_discovery::crds::{self, Indexed, Known, Objects, Style, configure};
use tortie_discovery::kubernetes::Server;
use tortie_discovery::{Source, TargetGroup};
use tortie_model::{Labels, relabel};

/// The labels of the targets that rules leave of groups.
fn after_rules(job: &ScrapeConfig, groups: &[TargetGroup]) -> BTreeSet<Labels> {
    let mut out = BTreeSet::new();
    for group in groups {
        for target in &group.targets {
            let mut lb = target.builder();
            for (n, v) in &group.labels {
                if lb.get(n).is_empty() {
                    lb.set(n, v);
                }
            }
            lb.set("job", &job.job_name);
            if relabel::process(&job.relabel, &mut lb) {
                lb.retain(|n, _| !n.starts_with("__meta_"));
                out.insert(lb.labels());
            }
        }
    }
    out
}

/// What has nothing to do with targets, and may need Secrets or be more than this program does.
const OTHER: [&str; 31] = [
    "authorization",
    "basicAuth",
    "bearerTokenSecret",
    "oauth2",
    "tlsConfig",
    "proxyUrl",
    "noProxy",
    "bearerTokenFile",
    "scheme",
    "scrapeProtocols",
    "fallbackScrapeProtocol",
    "scrapeNativeHistograms",
    "scrapeClassicHistograms",
    "nativeHistogramBucketLimit",
    "nativeHistogramMinBucketFactor",
    "convertClassicHistogramsToNHCB",
    "scrapeTimeout",
    "nameValidationScheme",
    "nameEscapingScheme",
    "alerting",
    "tsdb",
    "exemplars",
    "runtime",
    "queryLogFile",
    "scrapeFailureLogFile",
    "apiserverConfig",
    "httpSDConfigs",
    "dnsSDConfigs",
    "ruleQueryOffset",
    "scrapeClass",
    "version",
];

fn without(v: &mut serde_json::Value) {
    match v {
        serde_json::Value::Object(map) => {
            map.retain(|k, _| !OTHER.contains(&k.as_str()));
            map.values_mut().for_each(without);
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(without),
        _ => {}
    }
}

/// The jobs of a cluster that look up objects, with all else taken away that is not about targets.
fn jobs(n: u64) -> Vec<ScrapeConfig> {
    let pair = Pair { cert: String::new(), key: String::new() };
    let mut objects = Objects::default();
    for body in clusters::resources(n, &pair) {
        let mut body = body;
        if let Some(spec) = body.get_mut("spec").and_then(serde_json::Value::as_object_mut) {
            // All are selected, whatever the dice said; where credentials come from is not the question here.
            for kind in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig"] {
                spec.insert(format!("{kind}Selector"), serde_json::json!({}));
                spec.insert(format!("{kind}NamespaceSelector"), serde_json::json!({}));
            }
            spec.retain(|k, _| !k.starts_with("additional"));
        }
        without(&mut body);
        objects.insert(&body).unwrap();
    }
    let prometheus = objects.prometheuses.values().next().unwrap().clone();
    let made = configure(&objects, &prometheus, &Known::default(), Style::default()).unwrap();
    let mut out = Vec::new();
    for job in &made.jobs {
        let text = made.text_of(std::slice::from_ref(job));
        let config = Config::load(&text, "p.yml").unwrap_or_else(|e| panic!("{e}\n{text}"));
        out.extend(config.scrape_configs.into_iter().filter(|j| !j.kubernetes_sd_configs.is_empty()));
    }
    out
}

#[test]
fn by_index_as_by_rules() {
    let (mut compared, mut targets, mut roles) = (0, 0, BTreeMap::<String, usize>::new());
    for n in 0..20 {
        let world = World::new(n, 40);
        let mut indexes: BTreeMap<(String, bool), Indexed> = BTreeMap::new();
        for config in jobs(n) {
            let job = crds::job(&config, &Server::Pod);
            let lookup = &config.kubernetes_sd_configs[0];
            if !lookup.selectors.is_empty() || lookup.own_namespace || config.kubernetes_sd_configs.len() > 1
            {
                continue;
            }
            let (role, node) = (lookup.role.as_str().to_owned(), lookup.attach.node);
            let all = world.groups(&role, node);
            let in_namespaces: Vec<TargetGroup> = all
                .iter()
                .filter(|g| {
                    let ns = g.labels.get("__meta_kubernetes_namespace").unwrap_or("");
                    lookup.namespaces.is_empty() || lookup.namespaces.iter().any(|n| n == ns)
                })
                .cloned()
                .collect();
            let by_rules = after_rules(&config, &in_namespaces);
            let narrow = job.sources.iter().find_map(|s| match s {
                Source::Selected(spec, narrow) => {
                    assert!(spec.namespaces.is_empty(), "one look at all namespaces");
                    Some(Arc::clone(narrow))
                }
                _ => None,
            });
            let index =
                indexes.entry((role.clone(), node)).or_insert_with(|| Indexed::new(Arc::new(all.clone())));
            let narrowed = narrow.unwrap().apply(index);
            assert_eq!(after_rules(&config, &narrowed.groups), by_rules, "cluster {n}, {}", config.job_name);
            let count = |groups: &[TargetGroup]| groups.iter().map(|g| g.targets.len()).sum::<usize>();
            let left_out: usize = narrowed.dropped.values().sum();
            assert_eq!(count(&narrowed.groups) + left_out, count(&all), "every candidate is accounted for");
            compared += 1;
            targets += by_rules.len();
            *roles.entry(role).or_default() += 1;
        }
    }
    println!("{compared} jobs, {targets} targets, {roles:?}");
    assert!(compared > 200 && targets > 1000 && roles.len() >= 4, "{compared} {targets} {roles:?}");
}
