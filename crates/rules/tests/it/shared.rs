//! Rules of a group that read the same series give the same as if each read them alone.

use crate::rig::{Heard, Rig, group, record};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_host::ManualClock;
use tortie_model::Matcher;
use tortie_model::storage::{Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_rules::{Environment, GoTemplates, Store};
use tortie_script::unit::store::TestStore;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

const QUERIES: [&str; 8] = [
    "sum by (job) (rate(x[5m]))",
    "sum by (job) (rate(x[1h]))",
    "sum by (job) (increase(x[30m]))",
    "sum by (job) (x)",
    "max_over_time(x[10m])",
    "x offset 10m",
    "rate(x[5m] offset 10m)",
    "max_over_time(rate(x[5m])[30m:1m])",
];

#[test]
fn shared_selections_change_no_answer() {
    let together = Rig::new();
    let names: Vec<String> = (0..QUERIES.len()).map(|i| format!("r{i}")).collect();
    let all = group(names.iter().zip(QUERIES).map(|(n, q)| record(n, q)).collect());
    let alone = Rig::new();
    let each: Vec<_> = names.iter().zip(QUERIES).map(|(n, q)| group(vec![record(n, q)])).collect();
    for t in (0..7200).step_by(30) {
        for (job, step) in [("a", 3.0), ("b", 7.0)] {
            for rig in [&together, &alone] {
                // Counters that are reset now and then.
                rig.put("x", &[("job", job)], t, ((t / 30) % 50) as f64 * step);
            }
        }
        if t % 60 == 0 {
            together.evaluate(&all, t);
            each.iter().for_each(|g| alone.evaluate(g, t));
            let query = "{__name__=~\"r[0-9]\"}";
            assert_eq!(together.ask(query, t), alone.ask(query, t), "{t}");
        }
    }
    assert_eq!(together.ask("count({__name__=~\"r[0-9]\"})", 7140), ["{} 16"]);
}

#[test]
fn what_the_group_writes_is_never_shared() {
    let rig = Rig::new();
    let g = group(vec![record("a", "vector(0)"), record("b", "sum(a)"), record("c", "sum(a) + 1")]);
    for t in [0, 60] {
        rig.evaluate(&g, t);
        assert_eq!(rig.ask("b", t), [r#"{"__name__": "b"} 0"#]);
        assert_eq!(rig.ask("c", t), [r#"{"__name__": "c"} 1"#]);
    }
}

/// A store that counts how often series are looked for.
struct Counted(Arc<TestStore>, AtomicUsize);

impl Queryable for Counted {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(Counting { inner: self.0.querier(mint, maxt)?, selects: &self.1 }))
    }
}

impl Store for Counted {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        self.0.commit(batch)
    }

    fn release(&self, slots: &[Slot]) {
        self.0.release(slots);
    }
}

struct Counting<'a> {
    inner: Box<dyn Querier + 'a>,
    selects: &'a AtomicUsize,
}

impl Querier for Counting<'_> {
    fn select<'a>(
        &'a self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        self.selects.fetch_add(1, Ordering::Relaxed);
        self.inner.select(hints, matchers)
    }

    fn label_values(&self, n: &str, m: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        self.inner.label_values(n, m, limit)
    }

    fn label_names(&self, m: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        self.inner.label_names(m, limit)
    }
}

#[test]
fn what_several_rules_of_a_tick_read_is_looked_for_once() {
    let selects = |queries: &[&str]| {
        let rig = Rig::new();
        for t in (0..600).step_by(30) {
            rig.put("x", &[("job", "a")], t, t as f64);
            rig.put("y", &[("job", "a")], t, t as f64);
        }
        let counted = Arc::new(Counted(Arc::clone(&rig.store), AtomicUsize::new(0)));
        let env = Environment::new(
            Arc::clone(&counted) as _,
            Arc::new(GoTemplates::default()),
            Arc::new(Heard::default()),
            Arc::new(ManualClock::at(0)),
            Default::default(),
            Default::default(),
        );
        let rules = queries.iter().enumerate().map(|(i, q)| record(&format!("r{i}"), q)).collect();
        group(rules).evaluate(&env, 600_000_000_000);
        assert_eq!(rig.ask("count({__name__=~\"r[0-9]\"})", 600), [format!("{{}} {}", queries.len())]);
        counted.1.load(Ordering::Relaxed)
    };
    assert_eq!(selects(&["sum(x)"]), 1);
    assert_eq!(selects(&["sum(x)", "sum(y)"]), 2);
    assert_eq!(selects(&["sum(x)", "max(x)", "sum(rate(x[5m]))", "max(x) - min(x)"]), 1);
    // A subquery looks at other times, an offset too.
    assert_eq!(selects(&["sum(x)", "max(x)", "max_over_time(sum(x)[5m:1m])", "sum(x offset 1m)"]), 3);
}
