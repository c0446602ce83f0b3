//! What recording rules store.

use crate::rig::{Rig, alert, error_of, group, record, spec};
use std::sync::Arc;
use tortie_model::Labels;
use tortie_model::storage::{Querier, Queryable, StorageError};
use tortie_promql::eval::FloatHistogram;
use tortie_rules::{Group, Health, Store};
use tortie_script::storage::{Sample, Value};
use tortie_script::unit::store::TestStore;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

#[test]
fn rules_see_what_earlier_ones_recorded_in_the_same_tick() {
    let rig = Rig::new();
    let mut labelled = record("job:up:sum", "sum by (job) (up)");
    labelled.labels = vec![("team".to_owned(), "net".to_owned())];
    let g = group(vec![labelled, record("all", "sum(job:up:sum)")]);
    rig.put("up", &[("job", "a"), ("i", "1")], 60, 1.0);
    rig.put("up", &[("job", "a"), ("i", "2")], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!(
        rig.ask("{__name__=~\"job:.*|all\"}", 60),
        [r#"{"__name__": "all"} 2"#, r#"{"__name__": "job:up:sum", "job": "a", "team": "net"} 2"#,]
    );
    assert_eq!(g.state().samples, 2);
    assert_eq!(g.rules[0].standing().health, Health::Good);
}

#[test]
fn series_that_go_end_at_once() {
    let rig = Rig::new();
    let g = group(vec![record("r", "up == 1")]);
    rig.put("up", &[("job", "a")], 60, 1.0);
    rig.put("up", &[("job", "b")], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!(rig.ask("r", 60).len(), 2);
    rig.put("up", &[("job", "a")], 120, 0.0);
    rig.evaluate(&g, 120);
    assert_eq!(rig.ask("r", 120), [r#"{"__name__": "r", "job": "b"} 1"#]);
    rig.put("up", &[("job", "a")], 180, 1.0);
    rig.evaluate(&g, 180);
    assert_eq!(rig.ask("r", 180).len(), 2);
}

#[test]
fn two_series_of_the_same_labels_are_refused_and_old_ones_stay() {
    let rig = Rig::new();
    let mut r = record("r", "up");
    r.labels = vec![("job".to_owned(), String::new())];
    let g = group(vec![r]);
    rig.put("up", &[("job", "a")], 60, 1.0);
    rig.put("up", &[("job", "b")], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!(
        error_of(&g, 0).as_deref(),
        Some("vector contains metrics with the same labelset after applying rule labels")
    );
    assert_eq!(g.rules[0].standing().health, Health::Bad);
    assert!(rig.ask("r", 60).is_empty());
}

#[test]
fn limits_refuse_the_whole_answer() {
    let rig = Rig::new();
    let g = Group::new(
        tortie_rules::GroupSpec { limit: 1, ..spec(vec![record("r", "up"), alert("A", "up", 0, 0)]) },
        false,
    );
    rig.put("up", &[("job", "a")], 60, 1.0);
    rig.put("up", &[("job", "b")], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!(error_of(&g, 0).as_deref(), Some("exceeded limit of 1 with 2 series"));
    assert_eq!(error_of(&g, 1).as_deref(), Some("exceeded limit of 1 with 2 alerts"));
    assert!(g.rules[1].active_alerts().is_empty());
}

#[test]
fn the_query_offset_moves_queries_and_samples() {
    let rig = Rig::new();
    let g = Group::new(
        tortie_rules::GroupSpec { query_offset_ms: Some(30_000), ..spec(vec![record("r", "up")]) },
        false,
    );
    rig.put("up", &[], 30, 1.0);
    rig.put("up", &[], 31, 2.0);
    rig.evaluate(&g, 60);
    assert_eq!(rig.ask("r", 30), [r#"{"__name__": "r"} 1"#]);
    assert_eq!(rig.ask("timestamp(r)", 60), ["{} 30"]);
}

#[test]
fn numbers_are_recorded_and_other_answers_are_not() {
    let rig = Rig::new();
    let g = group(vec![record("n", "1 + 1"), record("s", "\"text\""), record("m", "up[5m]")]);
    rig.evaluate(&g, 60);
    assert_eq!(rig.ask("n", 60), [r#"{"__name__": "n"} 2"#]);
    for rule in [1, 2] {
        assert_eq!(error_of(&g, rule).as_deref(), Some("rule result is not a vector or scalar"));
    }
}

#[test]
fn a_sample_that_another_rule_wrote_is_an_error() {
    let rig = Rig::new();
    let g = group(vec![record("r", "vector(1)"), record("r", "vector(2)")]);
    rig.evaluate(&g, 60);
    assert_eq!(error_of(&g, 0), None);
    assert_eq!(
        error_of(&g, 1).as_deref(),
        Some("duplicate sample for timestamp 60000; overrides not allowed: existing 1, new value 2")
    );
    assert_eq!(rig.ask("r", 60), [r#"{"__name__": "r"} 1"#]);
}

/// A store with room for floats alone, as the server's.
struct FloatsAlone(Arc<TestStore>);

impl Queryable for FloatsAlone {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        self.0.querier(mint, maxt)
    }
}

impl Store for FloatsAlone {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        self.0.commit(batch)
    }

    fn release(&self, slots: &[Slot]) {
        self.0.release(slots);
    }
}

#[test]
fn a_rule_says_that_native_histograms_are_not_stored_and_stores_the_floats() {
    let rig = Rig::new();
    let histogram = FloatHistogram { count: 3.0, sum: 6.0, ..FloatHistogram::default() };
    let histogram = Sample { t: 60_000, start: 0, value: Value::Histogram(Arc::new(histogram)) };
    rig.store.append(&Labels::from_pairs([("__name__", "h"), ("kind", "histogram")]), &[histogram]).unwrap();
    rig.put("h", &[("kind", "float")], 60, 1.5);
    let env = tortie_rules::Environment::new(
        Arc::new(FloatsAlone(Arc::clone(&rig.store))),
        Arc::new(tortie_rules::GoTemplates::default()),
        Arc::clone(&rig.heard) as _,
        Arc::new(tortie_host::ManualClock::at(0)),
        Default::default(),
        Default::default(),
    );
    let g = group(vec![record("both", "h"), record("count", "histogram_count(h)")]);
    g.evaluate(&env, 60_000_000_000);
    let standing = g.rules[0].standing();
    assert_eq!(standing.health, Health::Bad);
    let said = standing.last_error.unwrap();
    assert!(said.starts_with("native histograms are not stored yet (hint: "), "{said}");
    assert_eq!(rig.ask("both", 60), [r#"{"__name__": "both", "kind": "float"} 1.5"#]);
    assert_eq!(rig.ask("count", 60), [r#"{"__name__": "count", "kind": "histogram"} 3"#]);
    assert_eq!(g.rules[1].standing().health, Health::Good);
}
