//! Which alerts fired over a history: the expression held at every step for as long as `for` asks.

use super::MINUTE;
use super::history::History;
use std::collections::BTreeSet;
use tortie_calico::facts::queries;
use tortie_calico::rules::{Rule, bundled, standalone};
use tortie_promql::eval::{Engine, EngineOptions, QueryContext, Value};

/// Names of the alerts that fired, in order.
pub(super) fn firing(history: &History) -> Vec<String> {
    let memory = history.memory();
    let engine = Engine::new(EngineOptions::default());
    let mut out = BTreeSet::new();
    for rule in bundled::all().iter().flat_map(|g| &g.rules).filter(|r| r.alert) {
        let text = standalone(&rule.expr);
        let expr = queries::parse(&text).unwrap();
        let (from, to) = (history.start, history.now - MINUTE);
        let answer = engine.range(&memory, &expr, from, to, MINUTE, &QueryContext::new(&text));
        let answer = answer.unwrap_or_else(|e| panic!("{}: {e}", rule.name));
        let Value::Matrix(series) = answer.value else { panic!("{}: no matrix", rule.name) };
        if series.iter().any(|s| held(rule, &s.columns.t)) {
            out.insert(rule.name.clone());
        }
    }
    out.into_iter().collect()
}

/// Whether steps without a gap last as long as `for`.
fn held(rule: &Rule, steps: &[i64]) -> bool {
    let mut since = None;
    let mut last = i64::MIN;
    steps.iter().any(|t| {
        if since.is_none() || t - last > MINUTE {
            since = Some(*t);
        }
        last = *t;
        since.is_some_and(|s| t - s >= rule.for_ms)
    })
}
