//! Functions over histograms, native and classic: quantiles, fractions, statistics.

use super::super::annotations::Monotonicity;
use super::super::error::EvalError;
use super::super::histogram::FloatHistogram;
use super::super::histogram::quantile::{
    Classic, classic_fraction, classic_quantile, native_fraction, native_quantile,
};
use super::super::math::{kahan, parse_float};
use super::super::plan::{Call, RESERVED};
use super::super::run::Evaluator;
use super::super::step_columns::{Cell, Grid, Steps, for_each_bit};
use super::{arg, text};
use crate::span::Span;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use tortie_model::Labels;
use tortie_model::gofloat::format_openmetrics;

/// A number that describes a native histogram.
pub(crate) fn statistic(name: &str) -> Option<fn(&FloatHistogram) -> f64> {
    Some(match name {
        "histogram_count" => |h| h.count,
        "histogram_sum" => |h| h.sum,
        "histogram_avg" => |h| h.sum / h.count,
        "histogram_stdvar" => variance,
        "histogram_stddev" => |h| variance(h).sqrt(),
        _ => return None,
    })
}

fn variance(h: &FloatHistogram) -> f64 {
    let mean = h.sum / h.count;
    let (mut variance, mut c) = (0.0, 0.0);
    for b in h.all_buckets().iter().filter(|b| b.count != 0.0) {
        let value = if h.is_custom() {
            (b.upper + b.lower) / 2.0
        } else if b.lower <= 0.0 && b.upper >= 0.0 {
            0.0
        } else {
            let geometric = (b.upper * b.lower).sqrt();
            if b.upper < 0.0 { -geometric } else { geometric }
        };
        let delta = value - mean;
        (variance, c) = kahan(b.count * delta * delta, variance, c);
    }
    (variance + c) / h.count
}

/// A classic histogram: its rows with their upper bounds.
struct ClassicSeries {
    labels: Labels,
    rows: Vec<(usize, f64)>,
}

/// What is asked of each histogram at a step.
enum Question {
    Quantile(Vec<f64>),
    Fraction(Vec<f64>, Vec<f64>),
}

impl Evaluator<'_> {
    /// `histogram_count` and the like: over native histograms only.
    pub(crate) fn histogram_statistic(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let Some(f) = statistic(c.func.name) else {
            return Err(EvalError::exec(format!("unexpected function {}", c.func.name)));
        };
        let v = self.vector_arg(c, 0, grid)?;
        let mut out = Steps::new(grid.n);
        for i in 0..v.len() {
            let Some(hs) = v.row(i).histograms else { continue };
            let row = out.push(v.labels[i].clone(), true);
            for (s, h) in hs.iter().enumerate() {
                if let Some(h) = h {
                    out.set_float(row, s, f(h));
                }
            }
            if out.row(row).is_empty() {
                out.pop();
            } else {
                self.drop_name(&mut out, row);
            }
        }
        self.finish(out, grid)
    }

    /// `histogram_quantile`, `histogram_quantiles`, `histogram_fraction`.
    pub(crate) fn histogram_ranks(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let (vector_at, label, questions) = match c.func.name {
            "histogram_quantile" => (1, None, vec![Question::Quantile(self.quantile_arg(c, 0, grid)?)]),
            "histogram_fraction" => (
                2,
                None,
                vec![Question::Fraction(self.scalar_arg(c, 0, grid)?, self.scalar_arg(c, 1, grid)?)],
            ),
            _ => {
                let q = (2..c.args.len()).map(|i| Ok(Question::Quantile(self.quantile_arg(c, i, grid)?)));
                (0, Some(text(c, 1)?), q.collect::<Result<_, EvalError>>()?)
            }
        };
        let span = arg(c, vector_at)?.span;
        let v = self.vector_arg(c, vector_at, grid)?;
        let classic = self.classic_series(&v, span);
        let conflicts = self.conflicts(&v, &classic, span);
        let mut out = Steps::new(grid.n);
        for question in &questions {
            self.native(&v, question, label, span, &conflicts, &mut out)?;
            self.classic(&v, &classic, question, label, span, &conflicts, grid, &mut out)?;
        }
        out.retain(|_, r| !r.is_empty());
        self.finish(out, grid)
    }

    fn quantile_arg(&mut self, c: &Call, i: usize, grid: Grid) -> Result<Vec<f64>, EvalError> {
        let span = arg(c, i)?.span;
        let q = self.scalar_arg(c, i, grid)?;
        for q in &q {
            if q.is_nan() || !(0.0..=1.0).contains(q) {
                self.notes.invalid_quantile(*q, span);
            }
        }
        Ok(q)
    }

    /// Name of a series as annotations show it here: with immediate name removal it is gone by now.
    fn shown_name<'a>(&self, labels: &'a Labels) -> &'a str {
        if self.options.delayed_name_removal { labels.metric_name() } else { "" }
    }

    /// The float series by their labels without `le`.
    fn classic_series(&mut self, v: &Steps, span: Span) -> Vec<ClassicSeries> {
        let mut ids: HashMap<Labels, usize, RandomState> = HashMap::default();
        let mut out: Vec<ClassicSeries> = Vec::new();
        for i in 0..v.len() {
            if v.row(i).bits.iter().all(|w| *w == 0) {
                continue;
            }
            let labels = &v.labels[i];
            let le = labels.value("le");
            let Some(upper) = parse_float(le).ok().filter(|u| !u.is_nan()) else {
                let name = self.shown_name(labels);
                self.notes.bad_bucket_label(name, le, span);
                continue;
            };
            let rest = labels.without(&["le"]);
            let next = out.len();
            let id = *ids.entry(rest.clone()).or_insert(next);
            if id == next {
                out.push(ClassicSeries { labels: rest, rows: Vec::new() });
            }
            if let Some(s) = out.get_mut(id) {
                s.rows.push((i, upper));
            }
        }
        // In order of bounds, so that the buckets of a step come sorted.
        for s in &mut out {
            s.rows.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(std::cmp::Ordering::Equal));
        }
        out
    }

    /// Steps at which a classic and a native histogram have the same labels: neither is evaluated. By labels.
    fn conflicts(
        &mut self,
        v: &Steps,
        classic: &[ClassicSeries],
        span: Span,
    ) -> HashMap<Labels, Vec<u64>, RandomState> {
        let mut out: HashMap<Labels, Vec<u64>, RandomState> = HashMap::default();
        if !v.has_histograms() {
            return out;
        }
        let by_labels: HashMap<&Labels, &ClassicSeries, RandomState> =
            classic.iter().map(|s| (&s.labels, s)).collect();
        for i in 0..v.len() {
            let (Some(hs), Some(series)) = (v.row(i).histograms, by_labels.get(&v.labels[i])) else {
                continue;
            };
            let mut floats = vec![0u64; v.words()];
            for (r, _) in &series.rows {
                floats.iter_mut().zip(v.row(*r).bits).for_each(|(f, b)| *f |= b);
            }
            let mut both = vec![0u64; v.words()];
            for (s, h) in hs.iter().enumerate() {
                if h.is_some() {
                    both[s >> 6] |= floats[s >> 6] & (1 << (s & 63));
                }
            }
            if both.iter().any(|w| *w != 0) {
                let name = self.shown_name(&v.labels[i]);
                self.notes.mixed_classic_native(name, span);
                out.insert(v.labels[i].clone(), both);
            }
        }
        out
    }

    fn result_labels(&self, labels: &Labels, label: Option<&str>, q: f64) -> Labels {
        let base = if self.options.delayed_name_removal { labels.clone() } else { labels.without(&RESERVED) };
        let Some(label) = label else { return base };
        let mut b = base.builder();
        b.set(label, &format_openmetrics(q));
        b.labels()
    }

    fn native(
        &mut self,
        v: &Steps,
        question: &Question,
        label: Option<&str>,
        span: Span,
        conflicts: &HashMap<Labels, Vec<u64>, RandomState>,
        out: &mut Steps,
    ) -> Result<(), EvalError> {
        for i in 0..v.len() {
            let row = v.row(i);
            if row.histograms.is_none() {
                continue;
            }
            let skip = conflicts.get(&v.labels[i]);
            let name = self.shown_name(&v.labels[i]);
            let mut rows = Rows::default();
            for s in 0..v.steps() {
                let Some(Cell::H(h)) = row.cell(s) else { continue };
                if skip.is_some_and(|c| c[s >> 6] >> (s & 63) & 1 == 1) {
                    continue;
                }
                let (q, value) = match question {
                    Question::Quantile(q) => (q[s], native_quantile(q[s], h, name, span, &mut self.notes)),
                    Question::Fraction(l, u) => {
                        (0.0, native_fraction(l[s], u[s], h, name, span, &mut self.notes))
                    }
                };
                let to = rows
                    .get(q, label.is_some(), || out.push(self.result_labels(&v.labels[i], label, q), true));
                out.set_float(to, s, value);
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // one caller; a struct would only rename them
    fn classic(
        &mut self,
        v: &Steps,
        classic: &[ClassicSeries],
        question: &Question,
        label: Option<&str>,
        span: Span,
        conflicts: &HashMap<Labels, Vec<u64>, RandomState>,
        grid: Grid,
        out: &mut Steps,
    ) -> Result<(), EvalError> {
        let mut buckets: Vec<Classic> = Vec::new();
        for series in classic {
            self.ctx.check()?;
            let skip = conflicts.get(&series.labels);
            let mut present = vec![0u64; v.words()];
            for (r, _) in &series.rows {
                present.iter_mut().zip(v.row(*r).bits).for_each(|(p, b)| *p |= b);
            }
            if let Some(skip) = skip {
                present.iter_mut().zip(skip).for_each(|(p, s)| *p &= !*s);
            }
            let name = self.shown_name(&series.labels);
            let mut rows = Rows::default();
            let mut steps = Vec::new();
            for_each_bit(&present, |s| steps.push(s));
            for s in steps {
                buckets.clear();
                let bucket = |(r, upper): &(usize, f64)| {
                    v.row(*r).float(s).map(|count| Classic { upper: *upper, count })
                };
                buckets.extend(series.rows.iter().filter_map(bucket));
                let (q, value) = match question {
                    Question::Quantile(q) => {
                        let (value, mended) = classic_quantile(q[s], &mut buckets);
                        if let Some(m) = mended {
                            let t = grid.at(s);
                            let (min_bucket, max_bucket, max_diff) = (m.min_bucket, m.max_bucket, m.max_diff);
                            let m = Monotonicity { t, last: t, min_bucket, max_bucket, max_diff, more: 0 };
                            self.notes.forced_monotonicity(name, m, span);
                        }
                        (q[s], value)
                    }
                    Question::Fraction(l, u) => (0.0, classic_fraction(l[s], u[s], &mut buckets)),
                };
                let to = rows
                    .get(q, label.is_some(), || out.push(self.result_labels(&series.labels, label, q), true));
                out.set_float(to, s, value);
            }
        }
        Ok(())
    }
}

/// Output rows of one series: one, or one for each quantile when that is a label.
#[derive(Default)]
struct Rows(Vec<(u64, usize)>);

impl Rows {
    fn get(&mut self, q: f64, by_quantile: bool, make: impl FnOnce() -> usize) -> usize {
        let key = if by_quantile { q.to_bits() } else { 0 };
        if let Some((_, row)) = self.0.iter().find(|(k, _)| *k == key) {
            return *row;
        }
        let row = make();
        self.0.push((key, row));
        row
    }
}
