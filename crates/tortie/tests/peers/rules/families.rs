//! What both servers say of their own rules and notifications in `/metrics`: the same families, types, labels, buckets and
//! quantiles, and no figure where nothing was seen.

use super::storm::Sink;
use super::usage::metric;
use crate::ask;
use crate::process::{Running, SOON, Server, folder, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const OF: [&str; 3] = ["prometheus_rule_", "prometheus_notifications_", "prometheus_template_"];

/// Families that only tortie has.
const OWN: [&str; 0] = [];

/// A family: its type, and each kind of sample with its labels; values of `le` and `quantile` count, and whether a quantile
/// is a number.
type Family = (String, BTreeSet<String>);

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut all: BTreeMap<String, Family> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some((n, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' ')) {
            name = n.to_owned();
            all.entry(name.clone()).or_default().0 = kind.to_owned();
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (sample, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels.trim_end_matches('}').split("\",").filter(|l| !l.is_empty()).map(|l| {
                let (label, value) = l.split_once("=\"").unwrap();
                match label {
                    "le" | "quantile" => format!("{label}={}", value.trim_end_matches('"')),
                    label => label.to_owned(),
                }
            });
            let labels = labels.collect::<Vec<_>>().join(",");
            let number = !series.contains("quantile=") || value != "NaN";
            let kind = format!("{sample}{{{labels}}}{}", if number { "" } else { " NaN" });
            all.entry(name.clone()).or_default().1.insert(kind);
        }
    }
    all.retain(|name, _| OF.iter().any(|p| name.starts_with(p)));
    all
}

/// The families of a server once `ready` holds of its metrics.
fn of(server: Server, rules: &str, ready: &dyn Fn(&str) -> bool) -> BTreeMap<String, Family> {
    let dir = folder();
    let sink = Sink::start();
    std::fs::write(dir.path().join("rules.yml"), rules).unwrap();
    let config = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        sink.address
    );
    // An alert that fires before an Alertmanager was found is told of with the next evaluation.
    let running: Running = serve(server, dir.path(), &config, &["--rules.alert.resend-delay=1s"]);
    let began = Instant::now();
    loop {
        let text = ask::get(running.port, "/metrics").unwrap().body;
        if ready(&text) {
            return families(&text);
        }
        assert!(began.elapsed() < SOON, "{server:?}: {text}\n{}", running.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn check(rules: &str, ready: &dyn Fn(&str) -> bool) {
    let [theirs, ours] = [Server::Prometheus, Server::Tortie].map(|s| of(s, rules, ready));
    let names = |all: &BTreeMap<String, Family>| all.keys().cloned().collect::<BTreeSet<_>>();
    let more: Vec<String> = names(&ours).difference(&names(&theirs)).cloned().collect();
    let missing: Vec<String> = names(&theirs).difference(&names(&ours)).cloned().collect();
    assert_eq!((missing, more), (Vec::new(), OWN.map(str::to_owned).to_vec()));
    for (name, family) in &theirs {
        assert_eq!(&ours[name], family, "{name}");
    }
    println!("{} families alike", theirs.len());
}

#[test]
fn families_of_rules_and_notifications_are_prometheus() {
    // Three ticks: the state of alerts was looked for after the second.
    let ticked = |text: &str| {
        metric(text, "prometheus_rule_group_iterations_total") >= 3.0
            && text.contains("prometheus_rule_group_last_restore_duration_seconds{")
    };
    let sent = |text: &str| metric(text, "prometheus_notifications_sent_total") > 0.0;
    let fires =
        "groups: [{name: g, rules: [{alert: On, expr: vector(1), annotations: {a: '{{ $value }}'}}]}]";
    check(fires, &|text| ticked(text) && sent(text));
    let silent =
        "groups: [{name: g, rules: [{record: r, expr: vector(1)}, {alert: Off, expr: vector(1) > 1}]}]";
    check(silent, &ticked);
    // No quantile of what never happened is a number.
    check("groups: []", &|text| text.contains("prometheus_notifications_alertmanagers_discovered 1"));
}
