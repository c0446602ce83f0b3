//! `timestamp` and `start_timestamp`.

use super::super::error::EvalError;
use super::super::plan::{Call, Selector};
use super::super::run::Evaluator;
use super::super::samples::Samples;
use super::super::select::{BATCH, Found, walk};
use super::super::step_columns::{Grid, Steps, for_each_bit};
use tortie_model::Columns;

impl Evaluator<'_> {
    /// The times of the samples that a selector finds.
    pub(crate) fn timestamps_of(&mut self, name: &str, s: &Selector, grid: Grid) -> Result<Steps, EvalError> {
        let starts = name == "start_timestamp";
        let mut out = Steps::new(grid.n);
        if starts && !self.options.use_start_timestamps {
            return Ok(out);
        }
        let (mint, maxt) = (s.reference(grid.start) - self.lookback + 1, s.reference(grid.end()));
        let set = self.open(s, mint, maxt, grid.interval)?;
        self.reserve_rows(grid.n, set.len())?;
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            set.read(i, mint, maxt, &mut scratch)?;
            samples.take(&mut scratch);
            let row = out.push(set.labels(i), false);
            walk(
                &samples,
                grid,
                self.lookback,
                |t| s.reference(t),
                |step, found| {
                    let ms = match (found, starts) {
                        (Found::Float(i), false) => samples.t[i],
                        (Found::Histogram(i), false) => samples.ht[i],
                        (Found::Float(i), true) => samples.st.get(i).copied().unwrap_or(0),
                        (Found::Histogram(i), true) => samples.hst.get(i).copied().unwrap_or(0),
                    };
                    out.set_float(row, step, ms as f64 / 1000.0);
                },
            );
            let n = out.row(row).samples();
            if n == 0 {
                out.pop();
                continue;
            }
            self.count(n)?;
            self.drop_name(&mut out, row);
        }
        self.finish(out, grid)
    }

    /// The same over any other vector: its samples stand at the steps.
    pub(crate) fn step_times(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let v = self.vector_arg(c, 0, grid)?;
        let mut out = Steps::with_capacity(grid.n, v.len());
        if c.func.name == "start_timestamp" {
            return Ok(out);
        }
        for i in 0..v.len() {
            let mut present = vec![0u64; v.words()];
            v.row(i).presence_into(&mut present);
            let row = out.push(v.labels[i].clone(), true);
            for_each_bit(&present, |s| out.set_float(row, s, grid.at(s) as f64 / 1000.0));
            self.drop_name(&mut out, row);
        }
        self.finish(out, grid)
    }
}
