//! Functions over ranges of native histograms.

use super::super::aggregate::histograms::Mean;
use super::super::annotations::{Annotations, Operation};
use super::super::error::EvalError;
use super::super::histogram::{FloatHistogram, HistogramError};
use super::super::plan::seconds;
use super::rate::{Edges, start_reset, starts_overlap};
use super::{Series, Sink, Window};
use std::sync::Arc;
use tortie_model::columns::ResetHint;

/// `sum_over_time` of a window with histograms.
pub(crate) fn sum(s: &Series<'_>, w: &Window, out: &mut Sink<'_>) -> Result<(), EvalError> {
    fold(s, w, out, Mean::add_to_sum, Mean::sum)
}

/// `avg_over_time` of a window with histograms.
pub(crate) fn avg(s: &Series<'_>, w: &Window, out: &mut Sink<'_>) -> Result<(), EvalError> {
    fold(s, w, out, Mean::add_to_mean, Mean::mean)
}

fn fold(
    s: &Series<'_>,
    w: &Window,
    out: &mut Sink<'_>,
    add: impl Fn(&mut Mean, &FloatHistogram) -> Result<(), HistogramError>,
    end: impl Fn(Mean) -> Result<FloatHistogram, HistogramError>,
) -> Result<(), EvalError> {
    if w.floats() > 0 {
        out.notes.mixed_range(s.name, s.span);
        return Ok(());
    }
    let Some((first, rest)) = s.samples.h[w.hlo..w.hhi].split_first() else { return Ok(()) };
    let mut m = Mean::new(first);
    let added = rest.iter().try_for_each(|h| add(&mut m, h));
    if m.collided() {
        out.notes.reset_collision(Operation::Aggregation, s.span);
    }
    if m.reconciled {
        out.notes.custom_bounds_reconciled(Operation::Aggregation, s.span);
    }
    match added.and_then(|()| end(m)) {
        Ok(h) => out.histogram(w.step, Arc::new(h)),
        Err(HistogramError::IncompatibleSchema) => out.notes.mixed_exponential_custom(s.name, s.span),
    }
    Ok(())
}

/// `rate`, `increase`, `delta` of a window of histograms.
pub(crate) fn rate(
    s: &Series<'_>,
    w: &Window,
    out: &mut Sink<'_>,
    counter: bool,
    per_second: bool,
) -> Result<(), EvalError> {
    let hs = &s.samples.h[w.hlo..w.hhi];
    let Some(first) = hs.first() else { return Ok(()) };
    let mut diff = None;
    if hs.len() > 1 {
        diff = difference(s, w, hs, counter, out.notes)?;
        if diff.is_none() {
            return Ok(());
        }
    }
    let edges = Edges { first: s.samples.ht[w.hlo], last: s.samples.ht[w.hhi - 1], gaps: hs.len() - 1 };
    let start = s.hist_start(w.hlo);
    let from_start = counter && start != 0 && start > w.start && start < edges.first;
    if from_start {
        // The counter was zero at its start, which is within the window.
        match &mut diff {
            None => diff = Some(first.as_ref().clone()),
            Some(diff) => {
                if !combine(diff, first, Operation::Addition, s, out.notes) {
                    return Ok(());
                }
            }
        }
    }
    let Some(mut diff) = diff else { return Ok(()) };
    let zero = (counter && diff.count > 0.0 && first.count >= 0.0).then_some((first.count, diff.count));
    let Some(mut factor) = edges.factor(w, from_start.then_some(start), zero) else { return Ok(()) };
    if per_second {
        factor /= seconds(s.range);
    }
    diff.mul(factor);
    out.histogram(w.step, Arc::new(diff));
    Ok(())
}

/// Last less first, with what was lost at resets added.
fn difference(
    s: &Series<'_>,
    w: &Window,
    hs: &[Arc<FloatHistogram>],
    counter: bool,
    notes: &mut Annotations,
) -> Result<Option<FloatHistogram>, EvalError> {
    let ([first, .., last], Some(second)) = (hs, hs.get(1)) else { return Ok(None) };
    let gauge = |h: &FloatHistogram| h.hint == ResetHint::Gauge;
    if counter && (gauge(first) || gauge(last)) {
        notes.histogram_not_counter(s.name, s.span);
    }
    let mut custom = first.is_custom();
    let mut prev: Arc<FloatHistogram> = Arc::clone(first);
    let t = |i: usize| s.samples.ht[w.hlo + i];
    let start = |i: usize| s.hist_start(w.hlo + i);
    if counter && (s.hist_start_reset(w.hlo + 1) || second.detect_reset(first)) {
        // After a reset the first one counts for nothing, so its layout does not matter.
        let empty = FloatHistogram {
            schema: second.schema,
            custom_values: Arc::clone(&second.custom_values),
            ..FloatHistogram::default()
        };
        custom = second.is_custom();
        prev = Arc::new(empty);
    }
    if last.is_custom() != custom {
        notes.mixed_exponential_custom(s.name, s.span);
        return Ok(None);
    }
    let mut schema = last.schema.min(prev.schema);
    if counter {
        for h in &hs[1..hs.len() - 1] {
            if gauge(h) {
                notes.histogram_not_counter(s.name, s.span);
            }
            schema = schema.min(h.schema);
            if h.is_custom() != custom {
                notes.mixed_exponential_custom(s.name, s.span);
                return Ok(None);
            }
        }
    }
    let mut diff = last.at_schema(schema);
    if !combine(&mut diff, &prev, Operation::Subtraction, s, notes) {
        return Ok(None);
    }
    if counter {
        for (i, h) in hs.iter().enumerate().skip(1) {
            if starts_overlap(start(i - 1), t(i - 1), start(i)) {
                notes.start_time_overlap(s.name, s.span);
            }
            let reset = s.hist_start_reset(w.hlo + i) || h.detect_reset(&prev);
            if reset && !combine(&mut diff, &prev, Operation::Addition, s, notes) {
                return Ok(None);
            }
            prev = Arc::clone(h);
        }
    } else if !gauge(first) || !gauge(last) {
        notes.histogram_not_gauge(s.name, s.span);
    }
    diff.hint = ResetHint::Gauge;
    diff.compact();
    Ok(Some(diff))
}

/// Adds or subtracts with the notes that go with it; `false` when the two do not go together.
fn combine(
    base: &mut FloatHistogram,
    other: &FloatHistogram,
    op: Operation,
    s: &Series<'_>,
    notes: &mut Annotations,
) -> bool {
    let merged = match op {
        Operation::Subtraction => base.sub(other),
        _ => base.add(other),
    };
    match merged {
        Ok(m) => {
            if m.bounds_reconciled {
                notes.custom_bounds_reconciled(op, s.span);
            }
            true
        }
        Err(HistogramError::IncompatibleSchema) => {
            notes.mixed_exponential_custom(s.name, s.span);
            false
        }
    }
}

/// `irate` and `idelta` of two histograms.
pub(crate) fn instant(
    s: &Series<'_>,
    w: &Window,
    (a, b): (usize, usize),
    per_second: f64,
    out: &mut Sink<'_>,
    counter: bool,
) -> Result<(), EvalError> {
    let (before, after) = (&s.samples.h[a], &s.samples.h[b]);
    let gauge = |h: &FloatHistogram| h.hint == ResetHint::Gauge;
    if counter && (gauge(before) || gauge(after)) {
        out.notes.histogram_not_counter(s.name, s.span);
    }
    if !counter && (!gauge(before) || !gauge(after)) {
        out.notes.histogram_not_gauge(s.name, s.span);
    }
    let mut h = after.as_ref().clone();
    let reset = counter
        && (start_reset(s.hist_start(a), s.samples.ht[a], s.hist_start(b), s.samples.ht[b])
            || after.detect_reset(before));
    if !reset && !combine(&mut h, before, Operation::Subtraction, s, out.notes) {
        return Ok(());
    }
    h.hint = ResetHint::Gauge;
    h.compact();
    if counter {
        h.div(per_second);
    }
    out.histogram(w.step, Arc::new(h));
    Ok(())
}

/// The histogram at `t` between two others.
pub(crate) fn interpolate(
    (a, ta): (&FloatHistogram, i64),
    (b, tb): (&FloatHistogram, i64),
    t: i64,
    counter: bool,
    span: crate::span::Span,
    notes: &mut Annotations,
) -> Result<FloatHistogram, HistogramError> {
    if t == ta {
        return Ok(a.clone());
    }
    if t == tb {
        return Ok(b.clone());
    }
    let fraction = (t - ta) as f64 / (tb - ta) as f64;
    let mut h = b.clone();
    if counter && b.detect_reset(a) {
        h.mul(fraction);
        return Ok(h);
    }
    if h.sub(a)?.bounds_reconciled {
        notes.custom_bounds_reconciled(Operation::Subtraction, span);
    }
    h.mul(fraction);
    if h.add(a)?.bounds_reconciled {
        notes.custom_bounds_reconciled(Operation::Addition, span);
    }
    Ok(h)
}

/// `rate`, `increase`, `delta` over an anchored or smoothed range of histograms.
pub(crate) fn extended_rate(
    s: &Series<'_>,
    w: &Window,
    out: &mut Sink<'_>,
    counter: bool,
    per_second: bool,
) -> Result<(), EvalError> {
    let (t, hs) = (&s.samples.ht[w.hlo..w.hhi], &s.samples.h[w.hlo..w.hhi]);
    let Some(end) = t.len().checked_sub(1) else { return Ok(()) };
    let first = t[..end].partition_point(|t| *t <= w.start).saturating_sub(1);
    let last = if s.smoothed { t[..end].partition_point(|t| *t < w.end) } else { end };
    if t[last] <= w.start || (s.smoothed && t[first] > w.end) {
        return Ok(());
    }
    let custom = hs[first].is_custom();
    for h in &hs[first..last.max(first) + 1] {
        if h.is_custom() != custom {
            out.notes.mixed_exponential_custom(s.name, s.span);
            return Ok(());
        }
        if counter && h.hint == ResetHint::Gauge {
            out.notes.histogram_not_counter(s.name, s.span);
        }
    }
    let at = |i: usize| (hs[i].as_ref(), t[i]);
    let left = if s.smoothed && t[first] < w.start {
        interpolate(at(first), at(first + 1), w.start, counter, s.span, out.notes)
    } else {
        Ok(hs[first].as_ref().clone())
    };
    let right = if s.smoothed && last > 0 && t[last] > w.end {
        interpolate(at(last - 1), at(last), w.end, counter, s.span, out.notes)
    } else {
        Ok(hs[last].as_ref().clone())
    };
    let (Ok(left), Ok(right)) = (left, right) else {
        out.notes.mixed_exponential_custom(s.name, s.span);
        return Ok(());
    };
    if !counter && (left.hint != ResetHint::Gauge || right.hint != ResetHint::Gauge) {
        out.notes.histogram_not_gauge(s.name, s.span);
    }
    let mut diff = right.clone();
    if !combine(&mut diff, &left, Operation::Subtraction, s, out.notes) {
        return Ok(());
    }
    if counter {
        match correction(s, w, (first, last), &left, &right, out.notes) {
            Err(Incompatible) => return Ok(()),
            Ok(None) => {}
            Ok(Some(c)) => {
                if !combine(&mut diff, &c, Operation::Addition, s, out.notes) {
                    return Ok(());
                }
            }
        }
    }
    if per_second {
        diff.div(seconds(s.range));
    }
    diff.hint = ResetHint::Gauge;
    diff.compact();
    out.histogram(w.step, Arc::new(diff));
    Ok(())
}

struct Incompatible;

/// What was lost at resets between the borders.
fn correction(
    s: &Series<'_>,
    w: &Window,
    (first, last): (usize, usize),
    left: &FloatHistogram,
    right: &FloatHistogram,
    notes: &mut Annotations,
) -> Result<Option<FloatHistogram>, Incompatible> {
    let (t, hs) = (&s.samples.ht[w.hlo..w.hhi], &s.samples.h[w.hlo..w.hhi]);
    let mut from = first + 1;
    let mut prev = left;
    if s.smoothed && t[first] < w.start && hs.get(first + 1).is_some_and(|h| h.detect_reset(&hs[first])) {
        // The left border lies within this reset and has accounted for it.
        prev = &hs[first + 1];
        from += 1;
    }
    if from > last {
        return Ok(None);
    }
    let mut sum: Option<FloatHistogram> = None;
    let mut add = |h: &FloatHistogram| match &mut sum {
        None => {
            sum = Some(h.clone());
            true
        }
        Some(sum) => combine(sum, h, Operation::Addition, s, notes),
    };
    for h in &hs[from..last] {
        if h.detect_reset(prev) && !add(prev) {
            return Err(Incompatible);
        }
        prev = h;
    }
    if right.detect_reset(prev) && !add(prev) {
        return Err(Incompatible);
    }
    Ok(sum)
}
