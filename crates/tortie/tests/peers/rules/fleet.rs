//! A million series for a set of rules: what its selectors find, for as many instances as it takes, with the labels by
//! which its expressions group and match and no others.

use super::made::value_for;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Clock, RealFs, Rng, SystemClock};
use tortie_model::{Labels, MatchOp};
use tortie_promql::ast::Expr;
use tortie_promql::{Options, parse_expr};
use tortie_tsdb::append::Batch;
use tortie_tsdb::db::{Db, DbOptions};

/// Labels that name one thing of many: every instance has its own value. All others have one value for all.
const NAMES: &[&str] = &[
    "instance",
    "pod",
    "node",
    "host",
    "workload",
    "deployment",
    "daemonset",
    "statefulset",
    "replicaset",
    "persistentvolumeclaim",
    "horizontalpodautoscaler",
    "job_name",
    "uid",
    "endpoint",
    "pod_ip",
];
/// Upper bounds of the buckets of classic histograms.
const BOUNDS: &[&str] = &["0.05", "0.1", "0.5", "1", "5", "10", "30", "60", "120", "+Inf"];
/// Rows of one batch.
const ROWS: usize = 10_000;

/// A series and how its value moves from one sample to the next.
pub(super) struct Made {
    pub(super) labels: Labels,
    /// 0 is a gauge.
    step: f64,
    /// Whether its instance is one of the few that are not well.
    ill: bool,
}

/// What a selector asks for: the metric and the labels that its matchers want there.
type Wanted = (String, BTreeMap<String, Option<String>>);

/// About `total` series that the selectors of `expressions` find, those named in `recorded` left out.
pub(super) fn series(expressions: &[String], recorded: &BTreeSet<String>, total: usize) -> Vec<Made> {
    let mut labels_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wanted: BTreeSet<Wanted> = BTreeSet::new();
    for text in expressions {
        let expr = parse_expr(text, &Options::default()).unwrap();
        let grouping = grouping(&expr);
        for selector in expr.selectors() {
            let name = selector.matchers.iter().find(|m| m.name == "__name__" && m.op == MatchOp::Equal);
            let name = name.map(|m| m.value.clone());
            let Some(name) = name.filter(|n| !recorded.contains(n) && !n.starts_with("ALERTS")) else {
                continue;
            };
            labels_of.entry(name.clone()).or_default().extend(grouping.iter().cloned());
            let plain = BTreeMap::from([("job".to_owned(), "job0".to_owned())]);
            let others = selector.matchers.iter().filter(|m| m.name != "__name__");
            wanted.insert((name, others.map(|m| (m.name.clone(), value_for(m, &plain))).collect()));
        }
    }
    let bounds = |name: &str| if name.ends_with("_bucket") { BOUNDS } else { &BOUNDS[..1] };
    let each: usize = wanted.iter().map(|(name, _)| bounds(name).len()).sum();
    let copies = total.div_ceil(each.max(1));
    let mut all: BTreeMap<Labels, Made> = BTreeMap::new();
    for copy in 0..copies {
        for (name, asked) in &wanted {
            let mut labels: BTreeMap<&str, String> = BTreeMap::new();
            let always = ["instance", "job", "namespace", "pod"];
            for l in labels_of[name].iter().map(String::as_str).chain(always) {
                if !matches!(l, "le" | "quantile" | "alertname" | "severity") {
                    labels.insert(l, value(l, copy));
                }
            }
            for (label, value) in asked {
                match value {
                    Some(v) => labels.insert(label, v.clone()),
                    None => labels.remove(label.as_str()),
                };
            }
            labels.insert("__name__", name.clone());
            for (i, le) in bounds(name).iter().enumerate() {
                if name.ends_with("_bucket") {
                    labels.insert("le", (*le).to_owned());
                }
                let set = Labels::from_pairs(labels.iter().map(|(n, v)| (*n, v.as_str())));
                let counter = ["_total", "_count", "_sum", "_bucket"].iter().any(|e| name.ends_with(e));
                let step = if counter { (1 + i) as f64 } else { 0.0 };
                all.insert(set.clone(), Made { labels: set, step, ill: copy % 100 == 1 });
            }
        }
    }
    all.into_values().collect()
}

fn value(label: &str, copy: usize) -> String {
    match label {
        "namespace" => format!("namespace{}", copy % 20),
        l if NAMES.contains(&l) => format!("{l}{copy}"),
        l => format!("{l}0"),
    }
}

/// Labels by which an expression groups and matches.
fn grouping(expr: &Expr) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    expr.walk(&mut |e| match e {
        Expr::Aggregate(a) if !a.without => out.extend(a.grouping.iter().cloned()),
        Expr::Binary(b) => {
            for m in b.matching.iter() {
                out.extend(m.include.iter().cloned());
                if m.on {
                    out.extend(m.labels.iter().cloned());
                }
            }
        }
        _ => {}
    });
    out
}

/// Makes a database in `dir` whose write-ahead log has a sample of each series at `times` (milliseconds).
/// `value` says what series `i` is worth at a time.
pub(super) fn store(
    dir: &Path,
    series: &[Labels],
    times: impl Iterator<Item = i64>,
    mut value: impl FnMut(usize, i64) -> f64,
) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let db = Db::open(dir, Arc::new(RealFs), clock, DbOptions::default(), &|_| {}).unwrap();
    let mut slots = Vec::with_capacity(series.len());
    let mut batch = Batch::default();
    for t in times {
        for (n, rows) in series.chunks(ROWS).enumerate() {
            batch.clear();
            for (k, labels) in rows.iter().enumerate() {
                let i = n * ROWS + k;
                match slots.get(i) {
                    Some(slot) => batch.push(*slot, t, value(i, t)),
                    None => batch.push_new(labels.clone(), t, value(i, t)),
                }
            }
            let committed = db.commit(&batch).unwrap();
            assert!(committed.refused.is_empty());
            slots.extend(committed.new.into_iter().map(|s| s.unwrap()));
        }
    }
    db.release(&slots);
    db.close().unwrap();
}

/// [`store`] with values as a cluster has them: counters count, gauges stand still, and one instance of a hundred is ill.
pub(super) fn store_fleet(dir: &Path, made: &[Made], times: impl Iterator<Item = i64>) {
    let labels: Vec<Labels> = made.iter().map(|m| m.labels.clone()).collect();
    let mut rng = Rng::new(7);
    let mut values: Vec<f64> = made.iter().map(|m| if m.step > 0.0 { 0.0 } else { 1.0 }).collect();
    store(dir, &labels, times, |i, _| {
        let (m, v) = (&made[i], &mut values[i]);
        if m.ill {
            *v = match rng.below(40) {
                0 if m.step > 0.0 => 0.0,
                n if m.step > 0.0 => *v + n as f64,
                n if n < 8 => n as f64,
                _ => *v,
            };
        } else {
            *v += m.step;
        }
        *v
    });
}
