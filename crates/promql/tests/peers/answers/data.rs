//! Series that both engines read: counters with resets, gauges with gaps and odd values, classic buckets.

use tortie_model::storage::{Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};

/// First sample, seconds; the start of a two-hour block.
pub(crate) const START: i64 = 1_700_006_400;
/// Seconds between samples.
const INTERVAL: i64 = 15;
/// Samples of a series without gaps.
const SAMPLES: i64 = 960;

/// A generator of pseudo-random numbers (SplitMix64).
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// All series, ascending by labels.
pub(crate) struct Data(pub Vec<(Labels, Columns)>);

impl Data {
    pub(crate) fn new() -> Data {
        let mut rng = Rng(7);
        let mut series = Vec::new();
        let mut add = |pairs: &[(&str, &str)], f: &mut dyn FnMut(i64) -> Option<f64>| {
            let mut c = Columns::default();
            for i in 0..SAMPLES {
                if let Some(v) = f(i) {
                    c.push((START + i * INTERVAL) * 1000, v);
                }
            }
            series.push((Labels::from_pairs(pairs.iter().copied()), c));
        };
        for n in 0..12 {
            let (instance, job) = (format!("i{n:02}"), if n % 3 == 0 { "felix" } else { "typha" });
            let mut v = 0.0;
            let mut counter = |i: i64| {
                v = if rng.below(200) == 0 {
                    0.0
                } else {
                    v + rng.below(9) as f64 * if n % 2 == 0 { 1.0 } else { 0.1 }
                };
                // Some series miss scrapes, one ends early, one starts late.
                let missed = n % 4 == 1 && rng.below(10) == 0;
                let ended = n == 5 && i > 400;
                let not_yet = n == 6 && i < 300;
                let there = !missed && !ended && !not_yet;
                there.then_some(v)
            };
            add(&[("__name__", "c_total"), ("instance", &instance), ("job", job)], &mut counter);
            let mut walk = 100.0 * rng.unit();
            let mut gauge = |_| {
                walk += rng.unit() - 0.5;
                match rng.below(400) {
                    0 => Some(f64::NAN),
                    1 => Some(f64::INFINITY),
                    2 => Some(-0.0),
                    3..=30 => None,
                    _ => Some(walk),
                }
            };
            add(&[("__name__", "g"), ("instance", &instance), ("job", job)], &mut gauge);
            let scale = 10f64.powi(n * 20 - 120);
            add(&[("__name__", "wide"), ("instance", &instance)], &mut |_| Some((rng.unit() - 0.5) * scale));
        }
        for n in 0..3 {
            let instance = format!("i{n:02}");
            let mut counts = [0.0; 5];
            let mut rows = Vec::new();
            for _ in 0..SAMPLES {
                for (b, c) in counts.iter_mut().enumerate() {
                    *c += rng.below(3 + b as u64) as f64;
                }
                let mut sum = 0.0;
                rows.push(counts.map(|c| {
                    sum += c;
                    sum
                }));
            }
            for (b, le) in ["0.1", "0.5", "1", "2.5", "+Inf"].iter().enumerate() {
                let labels = [("__name__", "h_bucket"), ("instance", instance.as_str()), ("le", le)];
                add(&labels, &mut |i| rows.get(i as usize).map(|r| r[b]));
            }
        }
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Data(series)
    }

    /// The series as OpenMetrics text with timestamps.
    pub(crate) fn openmetrics(&self) -> String {
        let mut out = String::new();
        for (labels, c) in &self.0 {
            let pairs: Vec<String> = labels
                .iter()
                .filter(|(n, _)| *n != "__name__")
                .map(|(n, v)| format!("{n}=\"{v}\""))
                .collect();
            for (t, v) in c.t.iter().zip(&c.v) {
                let value = tortie_model::gofloat::format_g(*v);
                out.push_str(&format!(
                    "{}{{{}}} {value} {}\n",
                    labels.metric_name(),
                    pairs.join(","),
                    t / 1000
                ));
            }
        }
        out.push_str("# EOF\n");
        out
    }
}

impl Queryable for Data {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(View(self)))
    }
}

struct View<'a>(&'a Data);

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
        for (t, v) in c.t.iter().zip(&c.v).filter(|(t, _)| **t >= mint && **t <= maxt) {
            out.push(*t, *v);
        }
        Ok(())
    }
}
