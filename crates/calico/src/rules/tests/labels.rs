//! Which labels a series has and an expression gives.

use super::bundled;
use crate::catalogue;
use crate::facts::queries;
use crate::rules::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use tortie_model::matcher::MatchOp;
use tortie_promql::ast::{Binary, Cardinality, Expr, ValueType, VectorSelector};

type Names = BTreeSet<String>;

/// Labels that a scraped target has.
const OF_TARGETS: [&str; 6] = ["job", "instance", "namespace", "pod", "service", "endpoint"];

/// Labels of metrics that need a mode or an event in which nothing was recorded, and of the server's own.
const OTHERS: &[(&str, &[&str])] = &[
    ("felix_bpf_events", &["type"]),
    ("felix_nflog_buffer_overruns", &["groupNum"]),
    ("wireguard_latest_handshake_seconds", &["hostname", "public_key", "peer_key", "peer_endpoint"]),
    ("wireguard_bytes_sent", &["hostname", "public_key", "peer_key", "peer_endpoint"]),
    ("calico_migration_phase", &["phase"]),
    ("prometheus_target_scrape_pool_targets", &["scrape_job"]),
    ("prometheus_target_sync_failed_total", &["scrape_job"]),
    ("prometheus_rule_evaluation_failures_total", &["rule_group"]),
    ("prometheus_rule_group_iterations_missed_total", &["rule_group"]),
    ("prometheus_notifications_errors_total", &["alertmanager"]),
    ("prometheus_notifications_dropped_total", &["alertmanager"]),
    (
        "tortie_kubernetes_watch_stale_since_seconds",
        &["server", "resource", "namespace", "label_selector", "field_selector"],
    ),
    ("tortie_build_info", &["version"]),
];

/// The inventories of the simulation, which were compared with recordings of the running components.
const INVENTORIES: [&str; 3] = [
    include_str!("../../../../sim/inventory/felix.txt"),
    include_str!("../../../../sim/inventory/typha.txt"),
    include_str!("../../../../sim/inventory/kube-controllers.txt"),
];

/// Labels of each family in the inventories.
fn recorded() -> &'static BTreeMap<String, Names> {
    static ALL: LazyLock<BTreeMap<String, Names>> = LazyLock::new(|| {
        let mut out: BTreeMap<String, Names> = BTreeMap::new();
        let mut family = String::new();
        for line in INVENTORIES.iter().flat_map(|t| t.lines()).filter(|l| !l.starts_with('#')) {
            if !line.starts_with(' ') {
                line.split(' ').next().unwrap_or_default().clone_into(&mut family);
                let labels = out.entry(family.clone()).or_default();
                if line.split(' ').nth(1) == Some("summary") {
                    labels.insert("quantile".to_owned());
                }
                continue;
            }
            let names =
                line.trim_start().split("=\"").map(|p| p.rsplit([',', ' ', '"']).next().unwrap_or_default());
            let count = line.matches("=\"").count();
            let known = out.entry(family.clone()).or_default();
            known.extend(names.take(count).filter(|n| !n.is_empty()).map(str::to_owned));
        }
        out
    });
    &ALL
}

fn own_labels(name: &str) -> Names {
    if let Some((_, labels)) = OTHERS.iter().find(|(n, _)| *n == name) {
        return labels.iter().map(|l| (*l).to_owned()).collect();
    }
    if let Some(rule) = bundled::all().iter().flat_map(|g| &g.rules).find(|r| !r.alert && r.name == name) {
        return given(&queries::parse(&rule.expr).unwrap());
    }
    let family = catalogue::find(name).map_or(name, |m| m.name);
    let mut labels = recorded().get(family).cloned().unwrap_or_default();
    if family != name {
        labels.remove("quantile");
    }
    labels
}

fn of_selector(selector: &VectorSelector) -> Names {
    let name = queries::metric(selector).unwrap_or_default();
    let mut labels = own_labels(name);
    if !name.contains(':') {
        labels.extend(OF_TARGETS.map(str::to_owned));
    }
    labels
}

/// Panics when a matcher names a label that the metric has not, or a grouping one that what is grouped has not.
pub(super) fn check_matchers(rule: &Rule, expr: &Expr) {
    for selector in expr.selectors() {
        let labels = of_selector(selector);
        for matcher in queries::conditions(selector) {
            assert!(labels.contains(&matcher.name), "{}: {} in {labels:?}", rule.name, matcher.name);
        }
    }
    expr.walk(&mut |e| match e {
        Expr::Aggregate(a) => {
            let labels = given(&a.expr);
            let lost: Vec<&String> = a.grouping.iter().filter(|g| !labels.contains(*g)).collect();
            assert!(lost.is_empty(), "{}: no {lost:?} in {labels:?}", rule.name);
        }
        Expr::Binary(b) => {
            let Some(m) = &b.matching else { return };
            for side in [given(&b.lhs), given(&b.rhs)] {
                let lost: Vec<&String> = m.labels.iter().filter(|l| m.on && !side.contains(*l)).collect();
                assert!(lost.is_empty(), "{}: no {lost:?} in {side:?}", rule.name);
            }
        }
        _ => {}
    });
}

/// The labels of an expression's answer.
pub(super) fn given(expr: &Expr) -> Names {
    match expr {
        Expr::Number(_) | Expr::Str(_) => Names::new(),
        Expr::Vector(v) => of_selector(v),
        Expr::Matrix(m) => of_selector(&m.selector),
        Expr::Subquery(s) => given(&s.expr),
        Expr::Paren(p) => given(&p.expr),
        Expr::Unary(u) => given(&u.expr),
        Expr::Call(c) if c.func.name == "absent" => {
            let equal = c.args.iter().flat_map(Expr::selectors).flat_map(queries::conditions);
            equal.filter(|m| m.op == MatchOp::Equal).map(|m| m.name.clone()).collect()
        }
        Expr::Call(c) if c.func.name == "vector" => Names::new(),
        Expr::Call(c) => c.args.iter().map(given).find(|l| !l.is_empty()).unwrap_or_default(),
        Expr::Aggregate(a) if a.without => {
            given(&a.expr).into_iter().filter(|l| !a.grouping.contains(l)).collect()
        }
        Expr::Aggregate(a) => a.grouping.iter().cloned().collect(),
        Expr::Binary(b) => of_binary(b),
    }
}

fn of_binary(b: &Binary) -> Names {
    let (lhs, rhs) = (given(&b.lhs), given(&b.rhs));
    let Some(m) = &b.matching else {
        return if b.lhs.value_type() == ValueType::Scalar { rhs } else { lhs };
    };
    match m.card {
        Cardinality::ManyToMany if b.op.as_str() == "or" => lhs.intersection(&rhs).cloned().collect(),
        Cardinality::ManyToMany => lhs,
        Cardinality::OneToOne if m.on => m.labels.iter().cloned().collect(),
        Cardinality::OneToOne => lhs.into_iter().filter(|l| !m.labels.contains(l)).collect(),
        Cardinality::ManyToOne => lhs.into_iter().chain(m.include.iter().cloned()).collect(),
        Cardinality::OneToMany => rhs.into_iter().chain(m.include.iter().cloned()).collect(),
    }
}
