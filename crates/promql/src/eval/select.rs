//! Series from storage: instant vectors by lookback, range vectors as they are.

use super::error::EvalError;
use super::plan::Selector;
use super::run::Evaluator;
use super::samples::Samples;
use super::step_columns::{Grid, Steps};
use super::value::Series;
use crate::span::Span;
use std::sync::Arc;
use tortie_model::Columns;
use tortie_model::stale::is_stale;
use tortie_model::storage::{Newest, SelectHints, SeriesSet};

/// Series between two looks at the cancel flag and the clock.
pub(crate) const BATCH: usize = 64;

/// The newest sample that counts at a step.
pub(crate) enum Found {
    /// Index of a float.
    Float(usize),
    /// Index of a histogram.
    Histogram(usize),
}

impl<'q> Evaluator<'q> {
    /// Opens a selection of samples in `[mint, maxt]`.
    pub(crate) fn open(
        &mut self,
        s: &Selector,
        mint: i64,
        maxt: i64,
        step: i64,
    ) -> Result<Box<dyn SeriesSet + 'q>, EvalError> {
        let hints = SelectHints { mint, maxt, step, limit: 0 };
        let set = self.querier.select(&hints, &s.matchers)?;
        self.stats.series += set.len() as u64;
        Ok(set)
    }

    /// An instant vector selector at each step.
    pub(crate) fn select(&mut self, s: &Selector, span: Span, grid: Grid) -> Result<Steps, EvalError> {
        if s.smoothed {
            return self.select_smoothed(s, span, grid);
        }
        if s.at.is_some() && grid.n > 1 {
            // Only below functions that look at the step themselves; all steps see the same.
            let one = self.select(s, span, Grid::instant(grid.start))?;
            return self.repeat(&one, grid.n);
        }
        let first = s.reference(grid.start);
        let last = s.reference(grid.end());
        let after = first - self.lookback;
        let set = self.open(s, after + 1, last, grid.interval)?;
        self.reserve_rows(grid.n, set.len())?;
        let mut out = Steps::with_capacity(grid.n, set.len());
        if grid.n == 1 {
            self.newest(set.as_ref(), s, (after, last), &mut out)?;
        } else {
            self.by_lookback(set.as_ref(), s, grid, &mut out)?;
        }
        Ok(out)
    }

    fn repeat(&mut self, one: &Steps, n: usize) -> Result<Steps, EvalError> {
        self.reserve_rows(n, one.len())?;
        let mut all = Steps::with_capacity(n, one.len());
        for i in 0..one.len() {
            let row = all.push(one.labels[i].clone(), one.drop_name[i]);
            if let Some(cell) = one.row(i).cell(0) {
                (0..n).for_each(|s| all.set(row, s, cell));
            }
        }
        self.hold(all.samples())?;
        Ok(all)
    }

    /// One step: storage is asked for the newest sample, which a head knows without decoding.
    fn newest(
        &mut self,
        set: &dyn SeriesSet,
        s: &Selector,
        (after, at): (i64, i64),
        out: &mut Steps,
    ) -> Result<(), EvalError> {
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            match set.newest(i, after, at, &mut scratch)? {
                None => {}
                Some(Newest::Float { v, .. }) if is_stale(v) => {}
                Some(Newest::Float { v, .. }) => {
                    let row = out.push(set.labels(i), false);
                    out.set_float(row, 0, v);
                    self.count(1)?;
                }
                Some(Newest::Histogram) => {
                    set.read(i, after + 1, at, &mut scratch)?;
                    samples.take(&mut scratch);
                    if s.counts_only {
                        samples.find_resets();
                    }
                    let Some(h) = samples.h.last() else { continue };
                    if is_stale(h.sum) {
                        continue;
                    }
                    let row = out.push(set.labels(i), false);
                    out.set_histogram(row, 0, Arc::clone(h));
                    self.count(h.size_in_samples())?;
                }
            }
        }
        Ok(())
    }

    /// Many steps: a series is read once, then walked along with the steps.
    fn by_lookback(
        &mut self,
        set: &dyn SeriesSet,
        s: &Selector,
        grid: Grid,
        out: &mut Steps,
    ) -> Result<(), EvalError> {
        let (mint, maxt) = (s.reference(grid.start) - self.lookback + 1, s.reference(grid.end()));
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            set.read(i, mint, maxt, &mut scratch)?;
            samples.take(&mut scratch);
            if samples.is_empty() {
                continue;
            }
            if s.counts_only {
                samples.find_resets();
            }
            let row = out.push(set.labels(i), false);
            if samples.h.is_empty() {
                float_row(&samples, s, grid, self.lookback, out, row);
            } else {
                walk(
                    &samples,
                    grid,
                    self.lookback,
                    |t| s.reference(t),
                    |step, found| match found {
                        Found::Float(i) => out.set_float(row, step, samples.v[i]),
                        Found::Histogram(i) => out.set_histogram(row, step, Arc::clone(&samples.h[i])),
                    },
                );
            }
            let n = out.row(row).samples();
            if n == 0 {
                out.pop();
            }
            self.count(n)?;
        }
        Ok(())
    }

    /// Counts samples that were looked at and stay in memory.
    pub(crate) fn count(&mut self, n: u64) -> Result<(), EvalError> {
        self.stats.samples += n;
        self.hold(n)
    }

    /// A range vector at the top of an instant query.
    pub(crate) fn matrix(&mut self, s: &Selector, range: i64, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let maxt = s.reference(grid.start);
        let mint = maxt - range;
        let mut read_from = mint;
        let mut read_to = maxt;
        if s.anchored || s.smoothed {
            read_from -= self.lookback;
        }
        if s.smoothed {
            read_to += self.lookback;
        }
        let set = self.open(s, read_from + 1, read_to, 0)?;
        let mut out = Vec::with_capacity(set.len());
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            set.read(i, read_from + 1, read_to, &mut scratch)?;
            samples.take(&mut scratch);
            samples.drop_stale();
            let mut columns = Columns::default();
            if s.anchored || s.smoothed {
                if !samples.h.is_empty() {
                    let word = if s.anchored { "anchored" } else { "smoothed" };
                    return Err(EvalError::exec(format!("{word} modifier is not supported with histograms")));
                }
                (columns.t, columns.v) = super::window::extended::bounded(&samples, mint, maxt, s.smoothed);
            } else {
                columns.t.extend_from_slice(&samples.t);
                columns.v.extend_from_slice(&samples.v);
                columns.histograms = samples.ht.iter().zip(&samples.h).map(|(t, h)| h.to_run(*t)).collect();
            }
            let n = columns.t.len() as u64 + samples.h.iter().map(|h| h.size_in_samples()).sum::<u64>();
            self.memory.grow(n * 16)?;
            self.count(n)?;
            if !columns.is_empty() {
                out.push(Series { labels: set.labels(i), columns });
            }
        }
        Ok(out)
    }
}

/// Floats only: the common case, kept tight.
fn float_row(samples: &Samples, s: &Selector, grid: Grid, lookback: i64, out: &mut Steps, row: usize) {
    let (bits, floats) = out.floats_mut(row);
    let (t, v) = (&samples.t[..], &samples.v[..]);
    let mut next = 0;
    for step in 0..grid.n {
        let at = s.reference(grid.at(step));
        while next < t.len() && t[next] <= at {
            next += 1;
        }
        if next == 0 || t[next - 1] <= at - lookback || is_stale(v[next - 1]) {
            continue;
        }
        bits[step >> 6] |= 1 << (step & 63);
        floats[step] = v[next - 1];
    }
}

/// Calls `emit` with each step and the newest sample that counts there.
pub(crate) fn walk(
    samples: &Samples,
    grid: Grid,
    lookback: i64,
    reference: impl Fn(i64) -> i64,
    mut emit: impl FnMut(usize, Found),
) {
    let (mut f, mut h) = (0, 0);
    for step in 0..grid.n {
        let at = reference(grid.at(step));
        while f < samples.t.len() && samples.t[f] <= at {
            f += 1;
        }
        while h < samples.ht.len() && samples.ht[h] <= at {
            h += 1;
        }
        let float = f.checked_sub(1).map(|i| (samples.t[i], i));
        let hist = h.checked_sub(1).map(|i| (samples.ht[i], i));
        let found = match (float, hist) {
            (None, None) => continue,
            (Some((t, i)), None) => (t, Found::Float(i)),
            (None, Some((t, i))) => (t, Found::Histogram(i)),
            (Some((ft, fi)), Some((ht, _))) if ft > ht => (ft, Found::Float(fi)),
            (_, Some((ht, hi))) => (ht, Found::Histogram(hi)),
        };
        if found.0 <= at - lookback {
            continue;
        }
        let stale = match found.1 {
            Found::Float(i) => is_stale(samples.v[i]),
            Found::Histogram(i) => is_stale(samples.h[i].sum),
        };
        if !stale {
            emit(step, found.1);
        }
    }
}
