//! Series in memory, read as any database is.

use std::ops::Deref;
use std::sync::Arc;
use tortie_model::columns::ResetHint;
use tortie_model::storage::{Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, HistogramRun, Labels, Matcher, stale};
use tortie_promql::eval::FloatHistogram;

/// A sample to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its time, milliseconds.
    pub t: i64,
    /// Its start timestamp, milliseconds; 0 is unknown.
    pub start: i64,
    /// Its value.
    pub value: Value,
}

/// The value of a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A float, stale markers included.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

#[derive(Debug, Clone)]
struct Series {
    labels: Labels,
    columns: Columns,
    /// The newest sample.
    last: Option<Sample>,
    /// The newest histogram, while nothing else came after it but histograms.
    open_run: Option<Arc<FloatHistogram>>,
}

/// Series in memory, ascending by labels.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    series: Vec<Series>,
}

impl Memory {
    /// Appends samples, ascending in time, to the series of these labels.
    ///
    /// # Errors
    /// When a sample is not newer than the newest one of the series, unless it is the same.
    pub fn append(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), String> {
        let at = match self.series.binary_search_by(|s| s.labels.cmp(labels)) {
            Ok(at) => at,
            Err(at) => {
                let series = Series {
                    labels: labels.clone(),
                    columns: Columns::default(),
                    last: None,
                    open_run: None,
                };
                self.series.insert(at, series);
                at
            }
        };
        let Some(series) = self.series.get_mut(at) else { return Ok(()) };
        samples.iter().try_for_each(|sample| series.append(sample))
    }

    /// Series with samples in `[mint, maxt]` that satisfy the matchers.
    pub(crate) fn select<'a>(
        &'a self,
        mint: i64,
        maxt: i64,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Box<dyn SeriesSet + 'a> {
        let mut found: Vec<&Series> = self.matching(matchers, mint, maxt).collect();
        if hints.limit > 0 {
            found.truncate(hints.limit);
        }
        Box::new(Found(found))
    }

    fn matching(&self, matchers: &[Matcher], mint: i64, maxt: i64) -> impl Iterator<Item = &Series> {
        let fits = |s: &Series| matchers.iter().all(|m| m.matches(s.labels.value(&m.name)));
        self.series.iter().filter(move |s| s.has_any(mint, maxt)).filter(move |s| fits(s))
    }
}

impl Series {
    fn append(&mut self, sample: &Sample) -> Result<(), String> {
        if let Some(last) = &self.last {
            if last.t == sample.t && same_value(&last.value, &sample.value) {
                return Ok(());
            }
            if last.t == sample.t {
                return Err(format!("duplicate sample for timestamp {} of {:?}", sample.t, self.labels));
            }
            if last.t > sample.t {
                return Err(format!(
                    "out of order sample: {} is before {} of {:?}",
                    sample.t, last.t, self.labels
                ));
            }
        }
        match &sample.value {
            // A stale marker behind a histogram is a histogram.
            Value::Float(v) if stale::is_stale(*v) && self.open_run.is_some() => {
                if let Some(run) = self.columns.histograms.last_mut() {
                    push_row(run, sample, &FloatHistogram { sum: *v, ..FloatHistogram::default() });
                }
            }
            Value::Float(v) => {
                self.open_run = None;
                let columns = &mut self.columns;
                if sample.start != 0 && columns.st.is_empty() {
                    columns.st = vec![0; columns.t.len()];
                }
                if sample.start != 0 || !columns.st.is_empty() {
                    columns.st.push(sample.start);
                }
                columns.push(sample.t, *v);
            }
            Value::Histogram(h) => self.append_histogram(sample, h),
        }
        self.last = Some(sample.clone());
        Ok(())
    }

    /// Runs end where a database begins a new chunk: at a counter reset or another kind of buckets. New buckets
    /// widen the run.
    fn append_histogram(&mut self, sample: &Sample, h: &Arc<FloatHistogram>) {
        let previous = self.open_run.replace(Arc::clone(h));
        let last_was_stale = self.last.as_ref().is_some_and(|s| matches!(s.value, Value::Float(_)));
        let gauge = h.hint == ResetHint::Gauge;
        if let (Some(previous), Some(run)) = (previous, self.columns.histograms.last_mut()) {
            let same_kind = run.schema == h.schema
                && run.zero_threshold == h.zero_threshold
                && run.custom_values == *h.custom_values
                && gauge == (run.reset_hint == ResetHint::Gauge);
            // What the hint says about the sample before it must not keep the buckets from being compared.
            let plain = FloatHistogram { hint: ResetHint::Unknown, ..h.as_ref().clone() };
            let resets = !gauge && (h.hint == ResetHint::Reset || plain.follows_reset(&previous));
            if same_kind && !resets && !last_was_stale {
                widen(run, h);
                push_row(run, sample, h);
                return;
            }
        }
        let mut run = h.to_run(sample.t);
        if sample.start != 0 {
            run.st = vec![sample.start];
        }
        run.reset_hint = if gauge { ResetHint::Gauge } else { ResetHint::Unknown };
        self.columns.histograms.push(run);
    }

    fn has_any(&self, mint: i64, maxt: i64) -> bool {
        let within = |t: &[i64]| t.partition_point(|t| *t < mint) < t.partition_point(|t| *t <= maxt);
        within(&self.columns.t) || self.columns.histograms.iter().any(|r| within(&r.t))
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Columns) {
        out.clear();
        let from = self.columns.t.partition_point(|t| *t < mint);
        let to = self.columns.t.partition_point(|t| *t <= maxt);
        if from < to {
            out.t.extend_from_slice(self.columns.t.get(from..to).unwrap_or(&[]));
            out.v.extend_from_slice(self.columns.v.get(from..to).unwrap_or(&[]));
            out.st.extend_from_slice(self.columns.st.get(from..to).unwrap_or(&[]));
        }
        for run in &self.columns.histograms {
            let from = run.t.partition_point(|t| *t < mint);
            let to = run.t.partition_point(|t| *t <= maxt);
            if from < to {
                out.histograms.push(part(run, from, to));
            }
        }
    }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Histogram(a), Value::Histogram(b)) => a == b,
        _ => false,
    }
}

/// Rows `from..to` of a run.
fn part(run: &HistogramRun, from: usize, to: usize) -> HistogramRun {
    let row = row_length(run);
    let cut = |v: &[f64]| v.get(from..to).unwrap_or(&[]).to_vec();
    let reset_hint = match run.reset_hint {
        ResetHint::Gauge => ResetHint::Gauge,
        // Within a run there is no reset.
        _ if from > 0 => ResetHint::NotReset,
        hint => hint,
    };
    HistogramRun {
        t: run.t.get(from..to).unwrap_or(&[]).to_vec(),
        st: run.st.get(from..to).unwrap_or(&[]).to_vec(),
        reset_hint,
        count: cut(&run.count),
        sum: cut(&run.sum),
        zero_count: cut(&run.zero_count),
        buckets: run.buckets.get(from * row..to * row).unwrap_or(&[]).to_vec(),
        positive_spans: run.positive_spans.clone(),
        negative_spans: run.negative_spans.clone(),
        custom_values: run.custom_values.clone(),
        ..*run
    }
}

fn length(spans: &[(i32, u32)]) -> usize {
    spans.iter().map(|s| s.1 as usize).sum()
}

fn row_length(run: &HistogramRun) -> usize {
    length(&run.positive_spans) + length(&run.negative_spans)
}

/// The index of each bucket.
fn indexes(spans: &[(i32, u32)]) -> Vec<i32> {
    let mut found = Vec::new();
    let mut next = 0;
    for &(gap, len) in spans {
        next += gap;
        found.extend(next..next + len as i32);
        next += len as i32;
    }
    found
}

/// Spans of ascending bucket indexes.
fn spans(indexes: &[i32]) -> Vec<(i32, u32)> {
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let mut next = 0;
    for &index in indexes {
        match spans.last_mut() {
            Some(last) if index == next => last.1 += 1,
            _ => spans.push((index - next, 1)),
        }
        next = index + 1;
    }
    spans
}

fn union(a: &[(i32, u32)], b: &[(i32, u32)]) -> Vec<(i32, u32)> {
    let mut all = indexes(a);
    all.extend(indexes(b));
    all.sort_unstable();
    all.dedup();
    spans(&all)
}

/// Counts of one layout in the places of another that has all of its buckets.
fn replaced(counts: &[f64], from: &[(i32, u32)], to: &[(i32, u32)]) -> Vec<f64> {
    let from = indexes(from);
    let place =
        |index: i32| from.binary_search(&index).ok().and_then(|i| counts.get(i)).copied().unwrap_or(0.0);
    indexes(to).into_iter().map(place).collect()
}

/// Gives the run all buckets of `h`, empty in the samples that are there.
fn widen(run: &mut HistogramRun, h: &FloatHistogram) {
    let positive = union(&run.positive_spans, &h.positive_spans);
    let negative = union(&run.negative_spans, &h.negative_spans);
    let (old_positive, row) = (length(&run.positive_spans), row_length(run));
    if length(&positive) + length(&negative) == row {
        return;
    }
    let mut buckets = Vec::new();
    for i in 0..run.t.len() {
        let counts = run.buckets.get(i * row..(i + 1) * row).unwrap_or(&[]);
        let (p, n) = counts.split_at(old_positive.min(counts.len()));
        buckets.extend(replaced(p, &run.positive_spans, &positive));
        buckets.extend(replaced(n, &run.negative_spans, &negative));
    }
    run.buckets = buckets;
    run.positive_spans = positive;
    run.negative_spans = negative;
}

/// Appends a sample whose buckets the run has.
fn push_row(run: &mut HistogramRun, sample: &Sample, h: &FloatHistogram) {
    if sample.start != 0 && run.st.is_empty() {
        run.st = vec![0; run.t.len()];
    }
    if sample.start != 0 || !run.st.is_empty() {
        run.st.push(sample.start);
    }
    run.t.push(sample.t);
    run.count.push(h.count);
    run.sum.push(h.sum);
    run.zero_count.push(h.zero_count);
    run.buckets.extend(replaced(&h.positive, &h.positive_spans, &run.positive_spans));
    run.buckets.extend(replaced(&h.negative, &h.negative_spans, &run.negative_spans));
}

impl Queryable for Memory {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(View { memory: self, mint, maxt }))
    }
}

/// The series of a time, borrowed or kept as they were.
pub(crate) struct View<M> {
    pub(crate) memory: M,
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
}

impl<M: Deref<Target = Memory> + Send + Sync> Querier for View<M> {
    fn select<'a>(
        &'a self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        Ok(self.memory.select(self.mint, self.maxt, hints, matchers))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
    ) -> Result<Vec<String>, StorageError> {
        let found = self.memory.matching(matchers, self.mint, self.maxt);
        Ok(distinct(found.filter_map(|s| s.labels.get(name)), limit))
    }

    fn label_names(&self, matchers: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        let found = self.memory.matching(matchers, self.mint, self.maxt);
        Ok(distinct(found.flat_map(|s| s.labels.iter().map(|(n, _)| n)), limit))
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>, limit: usize) -> Vec<String> {
    let set: std::collections::BTreeSet<&str> = texts.collect();
    let most = if limit == 0 { usize::MAX } else { limit };
    set.into_iter().take(most).map(str::to_owned).collect()
}

struct Found<'a>(Vec<&'a Series>);

impl SeriesSet for Found<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, i: usize) -> Labels {
        self.0.get(i).map_or_else(Labels::empty, |s| s.labels.clone())
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        match self.0.get(i) {
            Some(series) => series.read(mint, maxt, out),
            None => out.clear(),
        }
        Ok(())
    }
}
