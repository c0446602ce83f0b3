//! Evaluation over data in memory: 1,000 series, 15 s apart for 6 hours, asked at 1,000 steps.
//!
//! `cargo bench -p tortie-promql`

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tortie_model::storage::{Newest, Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};
use tortie_promql::eval::{Engine, QueryContext};
use tortie_promql::{Options, parse_expr};

const SERIES: usize = 1_000;
const SAMPLES: i64 = 1_440;
const INTERVAL: i64 = 15_000;

struct Data(Vec<(Labels, Columns)>);

impl Data {
    fn new() -> Data {
        let series = |i: usize| {
            let (n, node) = (format!("{i:04}"), format!("node-{:02}", i % 50));
            let labels = Labels::from_pairs([
                ("__name__", "c_total"),
                ("instance", &n),
                ("job", "felix"),
                ("node", &node),
            ]);
            let mut c = Columns::default();
            let mut v = 0.0;
            for k in 0..SAMPLES {
                // A reset of each series once in a while.
                v = if (k as usize + i).is_multiple_of(997) {
                    0.0
                } else {
                    v + ((k as usize * 31 + i) % 17) as f64
                };
                c.push(k * INTERVAL, v);
            }
            (labels, c)
        };
        Data((0..SERIES).map(series).collect())
    }
}

struct View<'a>(&'a Data);

impl Queryable for Data {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(View(self)))
    }
}

impl Querier for View<'_> {
    fn select<'a>(
        &'a self,
        _: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        let fits = |l: &Labels| matchers.iter().all(|m| m.matches(l.value(&m.name)));
        Ok(Box::new(Set(self.0.0.iter().filter(|(l, _)| fits(l)).collect())))
    }
    fn label_values(&self, _: &str, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }
    fn label_names(&self, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }
}

struct Set<'a>(Vec<&'a (Labels, Columns)>);

impl SeriesSet for Set<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn labels(&self, i: usize) -> Labels {
        self.0[i].0.clone()
    }
    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        out.clear();
        let c = &self.0[i].1;
        let from = c.t.partition_point(|t| *t < mint);
        let to = c.t.partition_point(|t| *t <= maxt);
        out.t.extend_from_slice(&c.t[from..to]);
        out.v.extend_from_slice(&c.v[from..to]);
        Ok(())
    }
    fn newest(&self, i: usize, after: i64, at: i64, _: &mut Columns) -> Result<Option<Newest>, StorageError> {
        let c = &self.0[i].1;
        let to = c.t.partition_point(|t| *t <= at);
        Ok(to.checked_sub(1).filter(|k| c.t[*k] > after).map(|k| Newest::Float { t: c.t[k], v: c.v[k] }))
    }
}

fn evaluate(c: &mut Criterion) {
    let data = Data::new();
    let engine = Engine::default();
    let end = SAMPLES * INTERVAL;
    let mut group = c.benchmark_group("1000 series x 1000 steps");
    group.sample_size(10);
    for query in [
        "c_total",
        "rate(c_total[5m])",
        "rate(c_total[4h])",
        "max_over_time(c_total[4h])",
        "sum by (node) (rate(c_total[5m]))",
        "sum by (node) (c_total) / on (node) count by (node) (c_total)",
        "topk(10, c_total)",
    ] {
        let expr = parse_expr(query, &Options::ALL).unwrap();
        group.bench_function(query, |b| {
            b.iter(|| {
                black_box(
                    engine
                        .range(&data, &expr, end - 1000 * INTERVAL, end, INTERVAL, &QueryContext::new(query))
                        .unwrap(),
                )
            });
        });
    }
    group.finish();
    let expr = parse_expr("sum by (node) (c_total)", &Options::ALL).unwrap();
    c.bench_function("sum by (node) (c_total) at an instant", |b| {
        b.iter(|| black_box(engine.instant(&data, &expr, end, &QueryContext::new("")).unwrap()));
    });
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
