//! A group over a store in memory, evaluated at given times; a listener that keeps all notices.

use std::sync::{Arc, Mutex};
use tortie_host::{Clock, ManualClock};
use tortie_model::Labels;
use tortie_promql::eval::{Engine, EngineOptions, QueryContext, SampleValue, Value};
use tortie_promql::parse_expr;
use tortie_rules::{Environment, GoTemplates, Group, GroupSpec, Kind, Notice, Notify, Options, RuleSpec};
use tortie_script::storage::{Sample, Value as Stored};
use tortie_script::unit::store::TestStore;

/// Keeps what it is told.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<Notice>>);

impl Notify for Heard {
    fn notify(&self, alerts: Vec<Notice>) {
        self.0.lock().unwrap().extend(alerts);
    }
}

impl Heard {
    /// What was heard since the last call: state, labels, start and end in seconds.
    pub(crate) fn take(&self) -> Vec<String> {
        let all = std::mem::take(&mut *self.0.lock().unwrap());
        let one = |n: &Notice| {
            let state = if n.resolved { "resolved" } else { "firing" };
            format!("{state} {:?} {}..{}", n.labels, n.starts_at_ms / 1000, n.ends_at_ms / 1000)
        };
        all.iter().map(one).collect()
    }
}

pub(crate) struct Rig {
    pub(crate) store: Arc<TestStore>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) env: Arc<Environment>,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig::with(Arc::new(TestStore::default()), Options::default())
    }

    pub(crate) fn with(store: Arc<TestStore>, options: Options) -> Rig {
        Rig::at(store, options, Arc::new(ManualClock::at(0)))
    }

    pub(crate) fn at(store: Arc<TestStore>, options: Options, clock: Arc<dyn Clock>) -> Rig {
        let heard = Arc::new(Heard::default());
        let env = Arc::new(Environment::new(
            Arc::clone(&store) as _,
            Arc::new(GoTemplates::default()),
            Arc::clone(&heard) as _,
            clock,
            EngineOptions::default(),
            options,
        ));
        Rig { store, heard, env }
    }

    /// Stores a sample at a time in seconds.
    pub(crate) fn put(&self, name: &str, labels: &[(&str, &str)], seconds: i64, v: f64) {
        let pairs = labels.iter().copied().chain([("__name__", name)]);
        let sample = Sample { t: seconds * 1000, start: 0, value: Stored::Float(v) };
        self.store.append(&Labels::from_pairs(pairs), &[sample]).unwrap();
    }

    pub(crate) fn evaluate(&self, group: &Group, seconds: i64) {
        group.evaluate(&self.env, seconds * 1_000_000_000);
    }

    /// The answer to an expression at a time in seconds: a line a series, ascending.
    pub(crate) fn ask(&self, text: &str, seconds: i64) -> Vec<String> {
        let expr = parse_expr(text, &Default::default()).unwrap();
        let engine = Engine::new(EngineOptions::default());
        let answer = engine.instant(&*self.store, &expr, seconds * 1000, &QueryContext::new(text)).unwrap();
        let Value::Vector(samples) = answer.value else { panic!("{:?}", answer.value) };
        let mut lines: Vec<String> = samples
            .iter()
            .map(|s| match &s.v {
                SampleValue::Float(v) => format!("{:?} {v}", s.labels),
                SampleValue::Histogram(h) => format!("{:?} {h}", s.labels),
            })
            .collect();
        lines.sort();
        lines
    }
}

pub(crate) fn record(name: &str, query: &str) -> RuleSpec {
    RuleSpec {
        name: name.to_owned(),
        kind: Kind::Record,
        expr: parse_expr(query, &Default::default()).unwrap(),
        query: query.to_owned(),
        labels: Vec::new(),
    }
}

pub(crate) fn alert(name: &str, query: &str, for_s: i64, keep_s: i64) -> RuleSpec {
    let annotations = vec![("summary".to_owned(), "{{ $labels.job }} is {{ $value }}".to_owned())];
    RuleSpec {
        kind: Kind::Alert { for_ms: for_s * 1000, keep_firing_for_ms: keep_s * 1000, annotations },
        ..record(name, query)
    }
}

pub(crate) fn spec(rules: Vec<RuleSpec>) -> GroupSpec {
    GroupSpec {
        file: "r.yml".to_owned(),
        name: "g".to_owned(),
        interval_ms: 60_000,
        query_offset_ms: None,
        limit: 0,
        rules,
    }
}

pub(crate) fn group(rules: Vec<RuleSpec>) -> Group {
    Group::new(spec(rules), false)
}

pub(crate) fn error_of(group: &Group, rule: usize) -> Option<String> {
    group.rules[rule].standing().last_error.map(|e| e.to_string())
}
