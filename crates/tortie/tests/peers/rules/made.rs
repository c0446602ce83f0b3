//! Samples made for a set of rules: for each selector a few series that it finds, with values that change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Clock, RealFs, Rng, SystemClock};
use tortie_model::{Labels, MatchOp, Matcher};
use tortie_promql::ast::Expr;
use tortie_promql::{Options, parse_expr};
use tortie_tsdb::append::Batch;
use tortie_tsdb::db::{Db, DbOptions};

/// Time between samples, milliseconds.
const STEP: i64 = 1000;

/// Series that the selectors of `expressions` find, those named in `recorded` left out.
pub(super) fn series(expressions: &[String], recorded: &BTreeSet<String>) -> Vec<Labels> {
    let parsed: Vec<Expr> = expressions.iter().map(|e| parse_expr(e, &Options::default()).unwrap()).collect();
    // Labels by which rules group and match: every series has some of each.
    let mut grouping = BTreeSet::new();
    for e in &parsed {
        e.walk(&mut |e| match e {
            Expr::Aggregate(a) if !a.without => grouping.extend(a.grouping.iter().cloned()),
            Expr::Binary(b) => {
                let labels = b.matching.iter().filter(|m| m.on).flat_map(|m| m.labels.iter().cloned());
                grouping.extend(labels);
            }
            _ => {}
        });
    }
    let mut all = BTreeSet::new();
    for selector in parsed.iter().flat_map(|e| e.selectors()) {
        let name = selector.matchers.iter().find(|m| m.name == "__name__" && m.op == MatchOp::Equal);
        let Some(name) = name.map(|m| m.value.clone()).filter(|n| !recorded.contains(n)) else { continue };
        if name.starts_with("ALERTS") {
            continue;
        }
        for copy in 0..2 {
            let mut labels: BTreeMap<String, String> = grouping
                .iter()
                .filter(|l| !matches!(l.as_str(), "le" | "quantile" | "alertname" | "severity"))
                .map(|l| (l.clone(), format!("{l}{}", if l == "instance" || l == "pod" { copy } else { 0 })))
                .collect();
            labels.insert("__name__".to_owned(), name.clone());
            let others = selector.matchers.iter().filter(|m| m.name != "__name__");
            let values: Vec<(String, Option<String>)> =
                others.map(|m| (m.name.clone(), value_for(m, &labels))).collect();
            for (label, value) in values {
                match value {
                    Some(v) => labels.insert(label, v),
                    None => labels.remove(&label),
                };
            }
            if name.ends_with("_bucket") {
                for le in ["0.1", "1", "+Inf"] {
                    labels.insert("le".to_owned(), le.to_owned());
                    all.insert(set(&labels));
                }
            } else {
                all.insert(set(&labels));
            }
        }
    }
    all.into_iter().collect()
}

fn set(labels: &BTreeMap<String, String>) -> Labels {
    Labels::from_pairs(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())))
}

/// A value that the matcher takes, beginning with the one that is there; `None` for no label.
pub(super) fn value_for(m: &Matcher, labels: &BTreeMap<String, String>) -> Option<String> {
    let now = labels.get(&m.name).cloned();
    let mut candidates: Vec<String> = now.into_iter().collect();
    candidates.push(m.value.clone());
    candidates.extend(m.value.split('|').map(|part| {
        part.trim_matches(['(', ')', '^', '$']).replace(".+", "x").replace(".*", "").replace("\\", "")
    }));
    candidates.extend(["x".to_owned(), "500".to_owned(), "GET".to_owned()]);
    candidates.into_iter().find(|c| !c.is_empty() && m.matches(c))
}

/// Makes a database in `dir` whose write-ahead log has a sample a second of each series from `from` to `to`,
/// milliseconds.
pub(super) fn store(dir: &Path, series: &[Labels], from: i64, to: i64) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let db = Db::open(dir, Arc::new(RealFs), clock, DbOptions::default(), &|_| {}).unwrap();
    let mut rng = Rng::new(7);
    let mut values: Vec<f64> = series.iter().map(|_| rng.below(100) as f64).collect();
    let mut slots = Vec::new();
    let mut batch = Batch::default();
    let mut t = from;
    while t <= to {
        batch.clear();
        for (i, labels) in series.iter().enumerate() {
            let counter =
                ["_total", "_count", "_sum", "_bucket"].iter().any(|e| labels.metric_name().ends_with(e));
            let v = &mut values[i];
            match rng.below(40) {
                // A gauge that changes its level now and then, a counter that begins anew.
                0 => *v = if counter { 0.0 } else { rng.below(3) as f64 },
                n if counter => *v += n as f64,
                _ => {}
            }
            match slots.get(i) {
                Some(slot) => batch.push(*slot, t, *v),
                None => batch.push_new(labels.clone(), t, *v),
            }
        }
        let committed = db.commit(&batch).unwrap();
        assert!(committed.refused.is_empty());
        if slots.is_empty() {
            slots = committed.new.into_iter().map(|s| s.unwrap()).collect();
        }
        t += STEP;
    }
    db.release(&slots);
    db.close().unwrap();
}
