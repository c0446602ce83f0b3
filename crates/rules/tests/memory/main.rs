//! What an alert takes in memory and what an evaluation asks of the allocator, counted: figures that do not depend on how
//! busy the machine is. A bound that is broken says that a storm of alerts got dearer.

#![allow(clippy::disallowed_methods, clippy::print_stdout)] // a test binary

use std::sync::Arc;
use tortie_host::{Counting, ManualClock};
use tortie_model::Labels;
use tortie_promql::eval::EngineOptions;
use tortie_promql::parse_expr;
use tortie_rules::notify::Nobody;
use tortie_rules::{Environment, GoTemplates, Group, GroupSpec, Kind, Options, RuleSpec};
use tortie_script::storage::{Sample, Value};
use tortie_script::unit::store::TestStore;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

const ALERTS: usize = 2_000;

fn put(store: &TestStore, seconds: i64, v: f64) {
    for i in 0..ALERTS {
        let (pod, node) = (format!("calico-node-{i:06}"), format!("node-{:05}.example", i / 10));
        let labels = Labels::from_pairs([
            ("__name__", "storm"),
            ("job", "calico-node"),
            ("namespace", "calico-system"),
            ("node", &node),
            ("pod", &pod),
        ]);
        store.append(&labels, &[Sample { t: seconds * 1000, start: 0, value: Value::Float(v) }]).unwrap();
    }
}

fn storm() -> Group {
    let summary = "{{ $labels.pod }} on {{ $labels.node }} is at {{ $value }}";
    let description =
        "Something is wrong with {{ $labels.pod }} of {{ $labels.namespace }}: {{ $value | humanize }}.";
    let annotations =
        vec![("description".to_owned(), description.to_owned()), ("summary".to_owned(), summary.to_owned())];
    let rule = RuleSpec {
        name: "Storm".to_owned(),
        kind: Kind::Alert { for_ms: 0, keep_firing_for_ms: 0, annotations },
        expr: parse_expr("storm > 0", &Default::default()).unwrap(),
        query: "storm > 0".to_owned(),
        labels: vec![("severity".to_owned(), "critical".to_owned())],
    };
    let spec = GroupSpec {
        file: "r.yml".to_owned(),
        name: "g".to_owned(),
        interval_ms: 15_000,
        query_offset_ms: None,
        limit: 0,
        rules: vec![rule],
    };
    Group::new(spec, false)
}

/// What happened while something ran: bytes that stayed, most bytes at a time beyond those of before, allocations; each for
/// one alert.
fn counted(f: impl FnOnce()) -> (i64, usize, usize) {
    let (held, calls) = (ALLOCATOR.held(), ALLOCATOR.calls());
    ALLOCATOR.take_most();
    f();
    let most = ALLOCATOR.take_most() - held;
    let stayed = ALLOCATOR.held() as i64 - held as i64;
    (stayed / ALERTS as i64, most / ALERTS, (ALLOCATOR.calls() - calls) / ALERTS)
}

#[test]
fn an_alert_takes_little_and_a_storm_that_is_over_leaves_nothing() {
    let store = Arc::new(TestStore::default());
    let env = Environment::new(
        Arc::clone(&store) as _,
        Arc::new(GoTemplates::default()),
        Arc::new(Nobody),
        Arc::new(ManualClock::at(0)),
        EngineOptions::default(),
        Options::default(),
    );
    let group = storm();
    let evaluate = |t: i64| counted(|| group.evaluate(&env, t * 1_000_000_000));
    put(&store, 0, 1.0);
    let first = evaluate(0);
    put(&store, 15, 1.0);
    evaluate(15);
    put(&store, 30, 1.0);
    let steady = evaluate(30);
    put(&store, 45, 2.0);
    let renewed = evaluate(45);
    println!("first {first:?}, steady {steady:?}, with other values {renewed:?}");
    assert_eq!(group.rules[0].alerts_held(), ALERTS);
    // Resolved alerts are told of for a quarter of an hour.
    for t in [60, 1000] {
        put(&store, t, 0.0);
        evaluate(t);
    }
    assert_eq!(group.rules[0].alerts_held(), 0);
    let left = ALLOCATOR.held();
    drop(group);
    let after = left - ALLOCATOR.held();
    println!("{after} bytes of a rule whose alerts are over");
    assert!(first.0 < 2_350, "an alert takes {} bytes, its series among them", first.0);
    assert!(steady.1 < 800, "an evaluation takes {} bytes an alert besides", steady.1);
    assert!(steady.2 < 10, "an evaluation allocates {} times an alert", steady.2);
    assert!(after < 20_000, "a rule whose alerts are over holds {after} bytes");
    assert!(renewed.2 < 32, "an evaluation with other values allocates {} times an alert", renewed.2);
}
