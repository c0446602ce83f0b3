//! A Prometheus for tests: targets of every pod, and answers made of a list of series.

use crate::catalogue::{self, Kind, Mode};
use crate::component::Component;
use crate::doctor::bisect::wanted;
use crate::facts::Facts;
use crate::facts::install::Version;
use crate::facts::queries::{Life, life, parse};
use crate::snapshot::{Collector, Sample, Snapshot, Target};
use crate::testing::snapshot;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_promql::Expr;
use tortie_promql::ast::VectorSelector;
use tortie_sim::installs::{Objects, Options};

/// A cluster whose Prometheus scrapes every component well.
pub(crate) fn running(options: &Options, change: impl FnOnce(&mut Objects)) -> Snapshot {
    scraping(snapshot(options, change))
}

/// The same, with a Prometheus that scrapes every component well.
pub(crate) fn scraping(mut snap: Snapshot) -> Snapshot {
    let mut collector = Collector {
        replica: "pod/prometheus-0".to_owned(),
        via: "port-forward".to_owned(),
        version: "3.14.0".to_owned(),
        clock_ahead: Some(0),
        reload_ok: Some(true),
        alertmanagers: Some(vec!["10.99.64.30:9093".to_owned()]),
        rules: Some(json!({"groups": []})),
        ..Collector::default()
    };
    {
        let facts = Facts::of(&snap);
        collector.object = facts.prometheuses.first().map(|p| p.name.clone()).unwrap_or_default();
        for component in facts.installed() {
            let pool = facts
                .best(component)
                .map(|b| facts.monitor(b).pool())
                .unwrap_or_else(|| component.to_string());
            for pod in &facts.workloads[&component].pods {
                collector.targets.push(target(
                    component,
                    &pool,
                    &pod.ip,
                    &pod.meta.name,
                    facts.settings.port(component),
                    snap.at,
                ));
            }
            collector.pools.push(pool);
        }
    }
    snap.collectors.push(collector);
    snap
}

fn target(component: Component, pool: &str, ip: &str, pod: &str, port: u16, at: i64) -> Target {
    let pairs = [("job", component.as_str()), ("pod", pod), ("namespace", "calico-system")];
    let mut labels: BTreeMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    labels.insert("instance".to_owned(), format!("{ip}:{port}"));
    Target {
        pool: pool.to_owned(),
        url: format!("http://{ip}:{port}/metrics"),
        labels,
        health: "up".to_owned(),
        last_scrape: Some(at - 5_000),
        duration: 0.02,
        interval: 15.0,
        timeout: 10.0,
        ..Target::default()
    }
}

/// Asks what is wanted, until nothing is. `series` are selectors that stand for one series each; expressions of `empty` have
/// no data whatever the series say. Every component's own families are there.
pub(crate) fn answered(mut snap: Snapshot, series: &[&str], empty: &[&str]) -> Snapshot {
    let mut all: Vec<BTreeMap<String, String>> = series.iter().map(|s| labels(s)).collect();
    all.extend(["felix_own{}", "typha_own{}", "ipam_own{}"].iter().map(|s| labels(s)));
    for _ in 0..50 {
        let wanted = wanted(&Facts::of(&snap));
        if wanted.is_empty() {
            return snap;
        }
        for query in wanted {
            let answer = answer(&query, &all, empty);
            for collector in &mut snap.collectors {
                collector.answers.insert(query.clone(), Ok(answer.clone()));
            }
        }
    }
    panic!("questions never end");
}

/// Puts one answer in: labels and value of each sample.
pub(crate) fn with_answer(mut snap: Snapshot, query: &str, samples: &[(&str, f64)]) -> Snapshot {
    let samples: Vec<Sample> =
        samples.iter().map(|(l, value)| Sample { labels: labels(l), at: 0, value: *value }).collect();
    for collector in &mut snap.collectors {
        collector.answers.insert(query.to_owned(), Ok(samples.clone()));
    }
    snap
}

fn labels(selector: &str) -> BTreeMap<String, String> {
    if selector == "{}" {
        return BTreeMap::new();
    }
    let expr = parse(selector).expect(selector);
    let matchers = expr.selectors()[0].matchers.clone();
    matchers.into_iter().map(|m| (m.name, m.value)).collect()
}

fn answer(query: &str, all: &[BTreeMap<String, String>], empty: &[&str]) -> Vec<Sample> {
    // What the standing questions ask of Prometheus itself is not there in a test unless it is put there.
    if query.contains("prometheus_")
        || query.contains("scrape_samples")
        || query.contains("exported_")
        || query.contains("changes(up")
    {
        return Vec::new();
    }
    let expr = parse(query).expect(query);
    let one = |labels: BTreeMap<String, String>, value: f64| Sample { labels, at: 0, value };
    let hits = |s: &VectorSelector| -> Vec<&BTreeMap<String, String>> {
        all.iter()
            .filter(|l| s.matchers.iter().all(|m| m.matches(l.get(&m.name).map_or("", String::as_str))))
            .collect()
    };
    let Expr::Aggregate(outer) = &expr else { panic!("no question of the doctor: {query}") };
    if let Expr::Aggregate(inner) = &outer.expr
        && let Some(label) = inner.grouping.first()
        && let Expr::Vector(selector) = inner.expr.unparen()
    {
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        for l in hits(selector) {
            *counts.entry(l.get(label).cloned().unwrap_or_default()).or_default() += 1.0;
        }
        return counts.into_iter().map(|(v, n)| one([(label.clone(), v)].into(), n)).collect();
    }
    if outer.op.as_str() == "topk" {
        let selectors = outer.expr.selectors();
        return selectors
            .first()
            .and_then(|s| hits(s).first().map(|l| one((*l).clone(), 1.0)))
            .into_iter()
            .collect();
    }
    let text = outer.expr.to_string();
    let lives = life(&outer.expr, &mut |s| Some(!hits(s).is_empty())) == Life::Alive;
    // A week ago there was nothing else than now.
    let lives = lives && !empty.contains(&text.as_str());
    if lives { vec![one(BTreeMap::new(), 1.0)] } else { Vec::new() }
}

/// All series of a component on nodes with iptables, one of each, under a job.
pub(crate) fn series(component: Component, version: Option<Version>, job: &str) -> Vec<String> {
    let labels = |more: &str| {
        format!("{{job=\"{job}\",instance=\"i\",ippool=\"p\",node=\"n\",syncer=\"felix\"{more}}}")
    };
    let here = |m: &&catalogue::Metric| {
        m.component == component
            && m.in_version(version)
            && matches!(m.mode, Mode::Always | Mode::Linux | Mode::Iptables | Mode::Ipam)
    };
    let mut out = Vec::new();
    for metric in catalogue::all().iter().filter(here) {
        let name = metric.name;
        match metric.kind {
            Kind::Plain => out.push(format!("{name}{}", labels(""))),
            Kind::Summary => {
                out.extend(
                    ["0.5", "0.9", "0.99"]
                        .map(|q| format!("{name}{}", labels(&format!(",quantile=\"{q}\"")))),
                );
                out.extend(["_sum", "_count"].map(|t| format!("{name}{t}{}", labels(""))));
            }
            Kind::Histogram => {
                out.extend(["_sum", "_count", "_bucket"].map(|t| format!("{name}{t}{}", labels(""))))
            }
        }
    }
    let shared = ["up", "scrape_duration_seconds", "go_goroutines", "process_start_time_seconds"];
    out.extend(shared.map(|n| format!("{n}{}", labels(""))));
    let process = ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"];
    out.extend(process.map(|n| format!("{n}{}", labels(""))));
    out
}

/// A ConfigMap with a dashboard, labelled as the side-car wants it.
pub(crate) fn dashboard(name: &str, exprs: &[&str]) -> Value {
    let panels: Vec<Value> = exprs
        .iter()
        .enumerate()
        .map(|(i, e)| json!({"title": format!("p{i}"), "type": "timeseries", "targets": [{"expr": e}]}))
        .collect();
    let board = json!({"title": format!("Board {name}"), "uid": name, "time": {"from": "now-15m", "to": "now"}, "panels": panels});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "monitoring", "labels": {"grafana_dashboard": "1"}},
        "data": {format!("{name}.json"): board.to_string()}})
}

/// A PrometheusRule that the stack takes, with alerts.
pub(crate) fn rule(name: &str, alerts: &[(&str, &str)]) -> Value {
    let rules: Vec<Value> =
        alerts.iter().map(|(alert, expr)| json!({"alert": alert, "expr": expr, "for": "5m"})).collect();
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": "monitoring", "labels": {"release": "prometheus"}},
        "spec": {"groups": [{"name": "calico", "rules": rules}]}})
}
