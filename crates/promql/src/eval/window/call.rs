//! Calls of functions over ranges: windows, series after series.

use super::super::error::EvalError;
use super::super::plan::{Call, Kind, Node, RESERVED, Selector, Subquery};
use super::super::run::{Evaluator, merge_rows};
use super::super::samples::{Samples, Slider};
use super::super::select::BATCH;
use super::super::step_columns::{Grid, Steps, for_each_bit};
use super::{Series, Sink, Window, changes, extremes, picks, rate, regress, sums};
use crate::span::Span;
use std::sync::Arc;
use tortie_model::storage::SeriesSet;
use tortie_model::{Columns, Labels};

/// Samples in windows that a function goes through between two looks at the cancel flag and the clock: some milliseconds.
const SAMPLES_BETWEEN_CHECKS: u64 = 1 << 20;

/// A function over one series.
type RangeFn = fn(&Series<'_>, &mut Sink<'_>) -> Result<(), EvalError>;

fn range_function(name: &str) -> Option<RangeFn> {
    Some(match name {
        "rate" => rate::rate,
        "increase" => rate::increase,
        "delta" => rate::delta,
        "irate" => rate::irate,
        "idelta" => rate::idelta,
        "resets" => changes::resets,
        "changes" => changes::changes,
        "avg_over_time" => sums::avg,
        "sum_over_time" => sums::sum,
        "stddev_over_time" => sums::stddev,
        "stdvar_over_time" => sums::stdvar,
        "quantile_over_time" => sums::quantile,
        "mad_over_time" => sums::mad,
        "count_over_time" => picks::count,
        "present_over_time" | "absent_over_time" => picks::present,
        "first_over_time" => picks::first,
        "last_over_time" => picks::last,
        "ts_of_first_over_time" => picks::first_time,
        "ts_of_last_over_time" => picks::last_time,
        "max_over_time" => extremes::max,
        "min_over_time" => extremes::min,
        "ts_of_max_over_time" => extremes::max_time,
        "ts_of_min_over_time" => extremes::min_time,
        "deriv" => regress::deriv,
        "predict_linear" => regress::predict_linear,
        "double_exponential_smoothing" => regress::double_exponential_smoothing,
        "integral" => regress::integral,
        _ => return None,
    })
}

/// Whose ranges are read.
enum Source<'q> {
    Storage(Box<dyn SeriesSet + 'q>),
    Subquery(Steps, Grid),
}

impl Source<'_> {
    fn len(&self) -> usize {
        match self {
            Source::Storage(s) => s.len(),
            Source::Subquery(s, _) => s.len(),
        }
    }

    fn labels(&self, i: usize) -> Labels {
        match self {
            Source::Storage(s) => s.labels(i),
            Source::Subquery(s, _) => s.labels[i].clone(),
        }
    }

    fn drop_name(&self, i: usize) -> bool {
        match self {
            Source::Storage(_) => false,
            Source::Subquery(s, _) => s.drop_name[i],
        }
    }

    fn load(
        &self,
        i: usize,
        mint: i64,
        maxt: i64,
        scratch: &mut Columns,
        out: &mut Samples,
    ) -> Result<(), EvalError> {
        match self {
            Source::Storage(s) => {
                s.read(i, mint, maxt, scratch)?;
                out.take(scratch);
                out.drop_stale();
            }
            Source::Subquery(steps, grid) => rows_to_samples(steps, i, *grid, out),
        }
        Ok(())
    }
}

/// A subquery's row as samples. What is known of counter resets goes: samples in between may be missing.
fn rows_to_samples(steps: &Steps, i: usize, grid: Grid, out: &mut Samples) {
    use tortie_model::columns::ResetHint;
    out.t.clear();
    out.v.clear();
    out.st.clear();
    out.ht.clear();
    out.h.clear();
    out.hst.clear();
    let row = steps.row(i);
    for_each_bit(row.bits, |s| {
        out.t.push(grid.at(s));
        out.v.push(row.floats[s]);
    });
    for (s, h) in row.histograms.iter().flat_map(|hs| hs.iter()).enumerate() {
        let Some(h) = h else { continue };
        out.ht.push(grid.at(s));
        if matches!(h.hint, ResetHint::Reset | ResetHint::NotReset) {
            let mut plain = h.as_ref().clone();
            plain.hint = ResetHint::Unknown;
            out.h.push(Arc::new(plain));
        } else {
            out.h.push(Arc::clone(h));
        }
    }
}

/// The range argument, whichever form it has.
struct Range<'a> {
    selector: Option<&'a Selector>,
    range: i64,
    offset: i64,
    at: Option<i64>,
    anchored: bool,
    smoothed: bool,
}

impl Range<'_> {
    fn end(&self, t: i64) -> i64 {
        self.at.unwrap_or(t) - self.offset
    }
}

fn range_of(node: &Node) -> Option<Range<'_>> {
    match &node.kind {
        Kind::Matrix(s, range) => Some(Range {
            selector: Some(s),
            range: *range,
            offset: s.offset,
            at: s.at,
            anchored: s.anchored,
            smoothed: s.smoothed,
        }),
        Kind::Subquery(q) => {
            let Subquery { range, offset, at, .. } = q.as_ref();
            Some(Range {
                selector: None,
                range: *range,
                offset: *offset,
                at: *at,
                anchored: false,
                smoothed: false,
            })
        }
        _ => None,
    }
}

const ANCHORED: &str = "changes, delta, increase, rate, resets";
const SMOOTHED: &str = "delta, increase, rate";

impl Evaluator<'_> {
    /// A call of a function with a range vector among its arguments.
    pub(crate) fn range_call(&mut self, call: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let name = call.func.name;
        let Some((arg, range)) = call.args.iter().find_map(|a| Some((a, range_of(a)?))) else {
            return Err(EvalError::exec(format!("{name} needs a range vector")));
        };
        let Some(function) = range_function(name) else {
            return Err(EvalError::exec(format!("unexpected range vector for function {name:?}")));
        };
        let before = self.held;
        let source = match &arg.kind {
            Kind::Subquery(q) => {
                let inner = self.subquery_grid(q, grid);
                let steps = if inner.n == 0 { Steps::new(1) } else { self.eval_vector(&q.expr, inner)? };
                Some(Source::Subquery(steps, inner))
            }
            _ => None,
        };
        let mut params = Vec::new();
        let mut param_spans = Vec::new();
        for a in call.args.iter().filter(|a| range_of(a).is_none()) {
            params.push(self.eval_scalar(a, grid)?);
            param_spans.push(a.span);
        }
        if range.anchored && !ANCHORED.split(", ").any(|f| f == name) {
            return Err(EvalError::exec(format!(
                "anchored modifier can only be used with: {ANCHORED} - not with {name}"
            )));
        }
        if range.smoothed && !SMOOTHED.split(", ").any(|f| f == name) {
            return Err(EvalError::exec(format!(
                "smoothed modifier can only be used with: {SMOOTHED} - not with {name}"
            )));
        }
        let left = if range.anchored || range.smoothed { self.lookback } else { 0 };
        let right = if range.smoothed { self.lookback } else { 0 };
        let mint = range.end(grid.start) - range.range - left + 1;
        let maxt = range.end(grid.end()) + right;
        let source = match (source, range.selector) {
            (Some(s), _) => s,
            (None, Some(sel)) => Source::Storage(self.open(sel, mint, maxt, grid.interval)?),
            (None, None) => return Err(EvalError::exec("unexpected range vector")),
        };
        // Prometheus puts a subquery's samples into a selector that stands nowhere: messages about it say 1:1.
        let first = match call.args.first() {
            Some(a) if matches!(a.kind, Kind::Subquery(_)) => Span::default(),
            Some(a) => a.span,
            None => arg.span,
        };
        let spans = Spans { arg: first, params: &param_spans };
        let out = self.range_rows(
            &source,
            function,
            name,
            &range,
            (mint, maxt, left, right),
            &params,
            &spans,
            grid,
        )?;
        let out = if name == "absent_over_time" { self.absent_over_time(&out, arg, grid)? } else { out };
        let n = out.samples();
        self.held = before + n;
        if self.options.delayed_name_removal { Ok(out) } else { merge_rows(out) }
    }

    #[allow(clippy::too_many_arguments)] // one caller; a struct would only rename them
    fn range_rows(
        &mut self,
        source: &Source<'_>,
        function: RangeFn,
        name: &str,
        range: &Range<'_>,
        (mint, maxt, left, right): (i64, i64, i64, i64),
        params: &[Vec<f64>],
        spans: &Spans<'_>,
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let keeps_name = matches!(name, "last_over_time" | "first_over_time");
        let use_starts =
            self.options.use_start_timestamps && matches!(name, "rate" | "irate" | "increase" | "resets");
        let from_storage = matches!(source, Source::Storage(_));
        self.reserve_rows(grid.n, source.len())?;
        let mut out = Steps::with_capacity(grid.n, source.len());
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        let mut windows: Vec<Window> = Vec::with_capacity(grid.n);
        for i in 0..source.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            source.load(i, mint, maxt, &mut scratch, &mut samples)?;
            if range.selector.is_some_and(|s| s.counts_only) {
                samples.find_resets();
            }
            if samples.is_empty() {
                continue;
            }
            let (most, looked_at) = make_windows(&samples, range, left, right, grid, &mut windows);
            if windows.is_empty() {
                continue;
            }
            if self.held + most > self.options.max_samples {
                return Err(EvalError::TooManySamples);
            }
            self.stats.peak_samples = self.stats.peak_samples.max(self.held + most);
            if from_storage {
                self.stats.samples += looked_at;
            }
            let labels = source.labels(i);
            let drop = !keeps_name || source.drop_name(i);
            let out_labels = if drop && !self.options.delayed_name_removal {
                labels.without(&RESERVED)
            } else {
                labels.clone()
            };
            let row = out.push(out_labels, drop);
            // Long windows at many steps take longer than a query may: it is asked in between.
            let at_once = (SAMPLES_BETWEEN_CHECKS / most.max(1)).max(1) as usize;
            for (k, part) in windows.chunks(at_once).enumerate() {
                if k > 0 {
                    self.ctx.check()?;
                }
                let series = Series {
                    samples: &samples,
                    windows: part,
                    name: labels.metric_name(),
                    span: spans.arg,
                    range: range.range,
                    lookback: self.lookback,
                    anchored: range.anchored,
                    smoothed: range.smoothed,
                    starts: if use_starts { &samples.st } else { &[] },
                    hist_starts: if use_starts { &samples.hst } else { &[] },
                    params,
                    param_spans: spans.params,
                };
                function(&series, &mut Sink { steps: &mut out, row, notes: &mut self.notes })?;
            }
            let n = out.row(row).samples();
            if n == 0 {
                out.pop();
                continue;
            }
            self.hold(n)?;
            if matches!(name, "rate" | "increase") {
                self.note_non_counter(&labels, out.row(row).bits, spans.arg);
            }
        }
        Ok(out)
    }

    /// Says when a rate is taken of something that is not named like a counter.
    fn note_non_counter(&mut self, labels: &Labels, floats: &[u64], span: Span) {
        let name = labels.metric_name();
        if name.is_empty() || floats.iter().all(|w| *w == 0) {
            return;
        }
        if self.options.type_and_unit_labels {
            let ty = labels.value("__type__");
            if ty != "counter" && ty != "histogram" {
                self.notes.possible_non_counter_label(name, ty, span);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|s| name.ends_with(s)) {
            self.notes.possible_non_counter(name, span);
        }
    }

    /// 1 at the steps at which no series has a sample in the range.
    fn absent_over_time(&mut self, present: &Steps, arg: &Node, grid: Grid) -> Result<Steps, EvalError> {
        let mut some = vec![0u64; present.words()];
        for i in 0..present.len() {
            present.row(i).or_presence(&mut some);
        }
        let mut out = Steps::new(grid.n);
        let row = out.push(super::super::functions::absent::labels_of(arg), true);
        for step in 0..grid.n {
            if some[step >> 6] >> (step & 63) & 1 == 0 {
                out.set_float(row, step, 1.0);
            }
        }
        if out.row(row).is_empty() {
            out.pop();
        }
        Ok(out)
    }
}

struct Spans<'a> {
    arg: Span,
    params: &'a [Span],
}

/// Fills `windows` with those that hold something; says how many samples the largest one and all together hold.
fn make_windows(
    samples: &Samples,
    range: &Range<'_>,
    left: i64,
    right: i64,
    grid: Grid,
    windows: &mut Vec<Window>,
) -> (u64, u64) {
    windows.clear();
    let (mut floats, mut hists) = (Slider::default(), Slider::default());
    let (mut most, mut all) = (0, 0);
    let sizes: Vec<u64> = samples.h.iter().map(|h| h.size_in_samples()).collect();
    for step in 0..grid.n {
        let t = grid.at(step);
        let end = range.end(t);
        let start = end - range.range;
        let f = floats.slide(&samples.t, start - left, end + right);
        let h = hists.slide(&samples.ht, start - left, end + right);
        let w = Window { flo: f.start, fhi: f.end, hlo: h.start, hhi: h.end, t, start, end, step };
        if w.is_empty() {
            continue;
        }
        let held = w.floats() as u64 + sizes.get(h).map_or(0, |s| s.iter().sum::<u64>());
        most = most.max(held);
        all += held;
        windows.push(w);
    }
    (most, all)
}
