//! Checks of the evaluator as a whole, over a tiny store.

use super::testing::Store;
use super::{Engine, EngineOptions, EvalError, QueryContext, SampleValue, Value};
use crate::parse::{Options, parse_expr};

/// 11 samples a minute apart: two counters of one job with a reset, a gauge, classic buckets.
fn store() -> Store {
    let mut s = Store::default();
    let up = |f: fn(f64) -> f64| (0..11).map(|i| Some(f(f64::from(i)))).collect::<Vec<_>>();
    s.add(&[("__name__", "c_total"), ("job", "a"), ("n", "1")], 60_000, &up(|i| i * 60.0));
    s.add(
        &[("__name__", "c_total"), ("job", "a"), ("n", "2")],
        60_000,
        &up(|i| if i < 5.0 { i * 60.0 } else { (i - 5.0) * 60.0 }),
    );
    s.add(&[("__name__", "g"), ("job", "a"), ("n", "1")], 60_000, &up(|i| i));
    s.add(&[("__name__", "g"), ("job", "b"), ("n", "1")], 60_000, &up(|i| -i));
    let mut gone = up(|i| i + 100.0);
    gone.truncate(3);
    s.add(&[("__name__", "gone"), ("job", "c")], 60_000, &gone);
    for (le, v) in [("1", 10.0), ("2", 30.0), ("+Inf", 40.0)] {
        s.add(&[("__name__", "h_bucket"), ("le", le)], 60_000, &[Some(v); 11]);
    }
    s
}

fn render(v: &Value) -> String {
    match v {
        Value::Scalar { v, .. } => format!("{v}"),
        Value::Str { s, .. } => s.clone(),
        Value::Vector(v) => {
            let one = |s: &super::Sample| {
                let v = match &s.v {
                    SampleValue::Float(v) => format!("{v}"),
                    SampleValue::Histogram(h) => format!("{h}"),
                };
                format!("{} {v}", super::binary::text(&s.labels))
            };
            v.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Value::Matrix(m) => {
            let one = |s: &super::Series| {
                format!("{} {:?}@{:?}", super::binary::text(&s.labels), s.columns.v, s.columns.t)
            };
            m.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

fn options() -> Options {
    Options { experimental_functions: true, ..Options::default() }
}

fn check(query: &str, expect: &str) {
    let expr = parse_expr(query, &options()).unwrap();
    let answer = Engine::default().instant(&store(), &expr, 600_000, &QueryContext::new(query)).unwrap();
    assert_eq!(render(&answer.value), expect, "{query}");
}

fn check_range(query: &str, expect: &str) {
    let expr = parse_expr(query, &options()).unwrap();
    let answer =
        Engine::default().range(&store(), &expr, 0, 240_000, 120_000, &QueryContext::new(query)).unwrap();
    assert_eq!(render(&answer.value), expect, "{query}");
}

fn check_error(query: &str, expect: &str) {
    let expr = parse_expr(query, &options()).unwrap();
    let got = Engine::default().instant(&store(), &expr, 600_000, &QueryContext::new(query));
    assert_eq!(got.unwrap_err().to_string(), expect, "{query}");
}

#[test]
fn selectors_look_back() {
    check("g", r#"{__name__="g", job="a", n="1"} 10; {__name__="g", job="b", n="1"} -10"#);
    check("gone", "");
    check("gone offset 8m", r#"{__name__="gone", job="c"} 102"#);
    check("g{job=\"a\"} @ 60", r#"{__name__="g", job="a", n="1"} 1"#);
    check("g{job=\"a\"}[2m]", r#"{__name__="g", job="a", n="1"} [9.0, 10.0]@[540000, 600000]"#);
}

#[test]
fn rates_count_resets_and_extrapolate() {
    check(r#"rate(c_total{n="1"}[5m])"#, r#"{job="a", n="1"} 1"#);
    check(r#"increase(c_total{n="2"}[10m])"#, r#"{job="a", n="2"} 533.3333333333334"#);
    check(r#"resets(c_total{n="2"}[10m])"#, r#"{job="a", n="2"} 1"#);
    check(r#"irate(c_total{n="1"}[5m])"#, r#"{job="a", n="1"} 1"#);
    check(r#"delta(g{job="b"}[5m])"#, r#"{job="b", n="1"} -5"#);
}

#[test]
fn windows() {
    check(r#"max_over_time(g{job="b"}[3m])"#, r#"{job="b", n="1"} -8"#);
    check(r#"min_over_time(g{job="b"}[3m])"#, r#"{job="b", n="1"} -10"#);
    check(r#"sum_over_time(g{job="a"}[3m])"#, r#"{job="a", n="1"} 27"#);
    check(r#"avg_over_time(g{job="a"}[3m])"#, r#"{job="a", n="1"} 9"#);
    check(r#"count_over_time(g{job="a"}[3m:30s])"#, r#"{job="a", n="1"} 6"#);
    check(r#"last_over_time(g{job="a"}[3m])"#, r#"{__name__="g", job="a", n="1"} 10"#);
    check(r#"predict_linear(g{job="a"}[5m], 60)"#, r#"{job="a", n="1"} 11"#);
    check(r#"quantile_over_time(0.5, g{job="a"}[3m])"#, r#"{job="a", n="1"} 9"#);
    check("absent_over_time(nothing{a=\"b\"}[1m])", r#"{a="b"} 1"#);
}

#[test]
fn aggregations() {
    check("sum(g)", "{} 0");
    check("sum by (job) (c_total)", r#"{job="a"} 900"#);
    check("max without (n) (c_total)", r#"{job="a"} 600"#);
    check("topk(1, g)", r#"{__name__="g", job="a", n="1"} 10"#);
    check("bottomk(1, g)", r#"{__name__="g", job="b", n="1"} -10"#);
    check("count_values(\"v\", g)", r#"{v="10"} 1; {v="-10"} 1"#);
    check("quantile(0.5, g)", "{} 0");
    check("stddev(g)", "{} 10");
}

#[test]
fn operators() {
    check("g + on(job, n) g", r#"{job="a", n="1"} 20; {job="b", n="1"} -20"#);
    check("g > 0", r#"{__name__="g", job="a", n="1"} 10"#);
    check("0 > bool g", r#"{job="a", n="1"} 0; {job="b", n="1"} 1"#);
    check(
        "c_total * on(job) group_left() sum by (job) (g{job=\"a\"})",
        r#"{job="a", n="1"} 6000; {job="a", n="2"} 3000"#,
    );
    check("g and on(job) c_total", r#"{__name__="g", job="a", n="1"} 10"#);
    check("g unless on(job) c_total", r#"{__name__="g", job="b", n="1"} -10"#);
    check("2 ^ 3 % 5", "3");
    check_error(
        "sum by (job) (g) * on(job) c_total",
        "found duplicate series for the match group {job=\"a\"} on the right hand-side of the operation: \
         [{__name__=\"c_total\", job=\"a\", n=\"1\"}, {__name__=\"c_total\", job=\"a\", n=\"2\"}];many-to-many matching \
         not allowed: matching labels must be unique on one side",
    );
    check_error(
        "c_total * on(job) sum by (job) (g)",
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    );
    check_error("abs({job=\"a\", n=\"1\"})", "vector cannot contain metrics with the same labelset");
}

#[test]
fn functions() {
    check("histogram_quantile(0.5, h_bucket)", "{} 1.5");
    check("scalar(g{job=\"a\"}) + 1", "11");
    check("clamp(g, -5, 5)", r#"{job="a", n="1"} 5; {job="b", n="1"} -5"#);
    check("sort(g)", r#"{__name__="g", job="b", n="1"} -10; {__name__="g", job="a", n="1"} 10"#);
    check(
        r#"label_replace(g{job="a"}, "x", "${1}y", "job", "(.)")"#,
        r#"{__name__="g", job="a", n="1", x="ay"} 10"#,
    );
    check(r#"label_join(g{job="a"}, "x", "-", "job", "n")"#, r#"{__name__="g", job="a", n="1", x="a-1"} 10"#);
    check("timestamp(gone offset 6m)", r#"{job="c"} 120"#);
    check("hour(vector(3600))", "{} 1");
    check("absent(g)", "");
    check("time()", "600");
}

#[test]
fn ranges_stand_on_their_grid() {
    check_range("gone", r#"{__name__="gone", job="c"} [100.0, 102.0, 102.0]@[0, 120000, 240000]"#);
    check_range("sum(g{job=\"a\"} @ 60)", "{} [1.0, 1.0, 1.0]@[0, 120000, 240000]");
    check_range("1 + 1", "{} [2.0, 2.0, 2.0]@[0, 120000, 240000]");
    check_range(r#"rate(c_total{n="1"}[2m])"#, r#"{job="a", n="1"} [1.0, 1.0]@[120000, 240000]"#);
    check_range(r#"g{job="a"} > 1"#, r#"{__name__="g", job="a", n="1"} [2.0, 4.0]@[120000, 240000]"#);
    check_range("topk(1, g)", r#"{__name__="g", job="a", n="1"} [0.0, 2.0, 4.0]@[0, 120000, 240000]"#);
}

#[test]
fn annotations_say_where() {
    let query = "sum(\n  rate(g[5m]))";
    let expr = parse_expr(query, &options()).unwrap();
    let answer = Engine::default().instant(&store(), &expr, 600_000, &QueryContext::new(query)).unwrap();
    let text = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"g\" (2:8)";
    assert_eq!((answer.infos, answer.warnings), (vec![text.to_owned()], Vec::new()));
}

#[test]
fn limits_end_a_query() {
    let engine = Engine::new(EngineOptions { max_samples: 10, ..EngineOptions::default() });
    let expr = parse_expr("g[10m]", &options()).unwrap();
    let got = engine.instant(&store(), &expr, 600_000, &QueryContext::new("g[10m]"));
    assert!(matches!(got, Err(EvalError::TooManySamples)));

    let ctx = QueryContext::new("g");
    ctx.cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    let got = engine.instant(&store(), &parse_expr("g", &options()).unwrap(), 0, &ctx);
    assert_eq!(got.unwrap_err().to_string(), "query was canceled in expression evaluation");

    let clock = tortie_host::clock::ManualClock::at(1000);
    let ctx = QueryContext { deadline: Some((&clock, 5)), ..QueryContext::new("g") };
    let got = engine.instant(&store(), &parse_expr("g", &options()).unwrap(), 0, &ctx);
    assert_eq!(got.unwrap_err().to_string(), "query timed out in expression evaluation");
}

#[test]
fn deep_trees_are_evaluated() {
    let query = format!("g{}", " + g".repeat(150));
    let expr = parse_expr(&query, &options()).unwrap();
    let answer = Engine::default().instant(&store(), &expr, 600_000, &QueryContext::new(&query)).unwrap();
    assert_eq!(render(&answer.value), r#"{job="a", n="1"} 1510; {job="b", n="1"} -1510"#);
}

#[test]
fn what_cannot_fit_is_refused_before_it_is_allocated() {
    let run = |query: &str, ctx: &QueryContext<'_>| {
        Engine::default().instant(&store(), &parse_expr(query, &options()).unwrap(), 600_000, ctx)
    };
    let huge = "max_over_time(vector(1)[100y:1ms])";
    assert!(matches!(run(huge, &QueryContext::new(huge)), Err(EvalError::TooManySamples)));

    let budget = std::sync::Arc::new(super::Budget::new(10_000));
    let ctx = QueryContext { budget: Some(std::sync::Arc::clone(&budget)), ..QueryContext::new("") };
    assert!(run("sum(g)", &ctx).is_ok());
    let refused = run("sum_over_time(sum(g)[10m:100ms])", &ctx);
    assert!(matches!(refused, Err(EvalError::Budget { .. })));
    assert_eq!(budget.used(), 0);
}

/// Values of one series over the steps of a range, or at one instant, by their bits.
fn bits(store: &Store, query: &str, start: i64, end: i64) -> Vec<(i64, u64)> {
    let expr = parse_expr(query, &options()).unwrap();
    let ctx = QueryContext::new(query);
    let engine = Engine::default();
    if start == end {
        let Value::Vector(v) = engine.instant(store, &expr, start, &ctx).unwrap().value else { panic!() };
        let bits = |s: &super::Sample| match s.v {
            SampleValue::Float(v) => (s.t, one_nan(v).to_bits()),
            SampleValue::Histogram(_) => panic!(),
        };
        return v.iter().map(bits).collect();
    }
    let Value::Matrix(m) = engine.range(store, &expr, start, end, 20_000, &ctx).unwrap().value else {
        panic!()
    };
    m.iter()
        .flat_map(|s| s.columns.t.iter().copied().zip(s.columns.v.iter().map(|v| one_nan(*v).to_bits())))
        .collect()
}

fn one_nan(v: f64) -> f64 {
    if v.is_nan() { f64::NAN } else { v }
}

const WINDOWS: [&str; 19] = [
    "rate(x[R])",
    "increase(x[R])",
    "delta(x[R])",
    "irate(x[R])",
    "idelta(x[R])",
    "resets(x[R])",
    "changes(x[R])",
    "max_over_time(x[R])",
    "min_over_time(x[R])",
    "ts_of_max_over_time(x[R])",
    "ts_of_min_over_time(x[R])",
    "sum_over_time(x[R])",
    "avg_over_time(x[R])",
    "count_over_time(x[R])",
    "first_over_time(x[R])",
    "last_over_time(x[R])",
    "rate(x[R] anchored)",
    "increase(x[R] smoothed)",
    "changes(x[R] anchored)",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, ..Default::default() })]

    /// Sliding along a range gives at each step what that step alone gives.
    #[test]
    fn ranges_agree_with_instants(
        values in proptest::collection::vec(proptest::option::weighted(0.85, 0u8..9), 1..60),
        range in 1i64..200,
    ) {
        let value = |v: u8| match v {
            7 => f64::NAN,
                8 => -0.0,
            6 => 1e300,
            5 => f64::MAX,
            v => f64::from(v),
        };
        let values: Vec<Option<f64>> = values.into_iter().map(|v| v.map(value)).collect();
        let mut store = Store::default();
        store.add(&[("__name__", "x")], 10_000, &values);
        for window in WINDOWS {
            let query = window.replace('R', &format!("{range}s"));
            let sliding = bits(&store, &query, 0, 600_000);
            let alone: Vec<_> = (0..=30).flat_map(|i| bits(&store, &query, i * 20_000, i * 20_000)).collect();
            proptest::prop_assert_eq!(sliding, alone, "{}", query);
        }
    }
}
