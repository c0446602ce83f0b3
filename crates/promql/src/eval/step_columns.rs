//! Results on a grid of steps: one row a series, presence as bits, floats and histogram handles side by side.
//!
//! All rows share three vectors, so that a vector of 100,000 series at one step is three allocations. Absence is a
//! cleared bit (and no handle), never NaN. At one step a row holds a float or a histogram, never both.

use super::histogram::FloatHistogram;
use std::sync::Arc;
use tortie_model::Labels;

/// The steps of an evaluation: `start, start + interval, ..`, `n` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// First step, milliseconds.
    pub start: i64,
    /// Milliseconds between steps, above 0.
    pub interval: i64,
    /// Number of steps, at least 1 (an empty subquery never gets here).
    pub n: usize,
}

impl Grid {
    /// A single step.
    pub(crate) fn instant(at: i64) -> Grid {
        Grid { start: at, interval: 1, n: 1 }
    }

    /// Steps from `start` up to and including the last one that is not after `end`.
    pub(crate) fn range(start: i64, end: i64, interval: i64) -> Grid {
        let interval = interval.max(1);
        let n = if end < start { 0 } else { ((end - start) / interval + 1) as usize };
        Grid { start, interval, n }
    }

    /// Time of step `i`.
    #[inline]
    pub(crate) fn at(&self, i: usize) -> i64 {
        self.start + self.interval * i as i64
    }

    /// Time of the last step.
    pub(crate) fn end(&self) -> i64 {
        self.at(self.n.saturating_sub(1))
    }
}

/// Histogram handles of one row, one place a step.
pub(crate) type HistogramRow = Box<[Option<Arc<FloatHistogram>>]>;

/// What a row holds at a step.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// A float.
    F(f64),
    /// A histogram.
    H(&'a Arc<FloatHistogram>),
}

/// Most values that are allocated before there are any.
const MOST_AT_ONCE: usize = 4 << 20;

/// Rows of step columns.
#[derive(Default, Clone)]
pub(crate) struct Steps {
    n: usize,
    words: usize,
    /// Labels of each row.
    pub labels: Vec<Labels>,
    /// Whether the metric name goes once delayed name removal takes place.
    pub drop_name: Vec<bool>,
    bits: Vec<u64>,
    floats: Vec<f64>,
    /// Empty as long as no row holds a histogram.
    histograms: Vec<Option<HistogramRow>>,
}

/// A row to read.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Presence of floats, 64 steps a word.
    pub bits: &'a [u64],
    /// Values; meaningless where the bit is clear.
    pub floats: &'a [f64],
    /// Histograms, if the row has any.
    pub histograms: Option<&'a HistogramRow>,
}

impl<'a> Row<'a> {
    /// What stands at step `i`.
    #[inline]
    pub(crate) fn cell(&self, i: usize) -> Option<Cell<'a>> {
        if self.bits[i >> 6] >> (i & 63) & 1 == 1 {
            return Some(Cell::F(self.floats[i]));
        }
        self.histograms?.get(i)?.as_ref().map(Cell::H)
    }

    /// The float at step `i`.
    #[inline]
    pub(crate) fn float(&self, i: usize) -> Option<f64> {
        (self.bits[i >> 6] >> (i & 63) & 1 == 1).then(|| self.floats[i])
    }

    /// Presence of floats and histograms together, into `out` (as many words as the row's).
    pub(crate) fn presence_into(&self, out: &mut [u64]) {
        out.copy_from_slice(self.bits);
        self.or_histograms(out);
    }

    /// Adds presence of floats and histograms to `out`.
    pub(crate) fn or_presence(&self, out: &mut [u64]) {
        for (o, b) in out.iter_mut().zip(self.bits) {
            *o |= b;
        }
        self.or_histograms(out);
    }

    fn or_histograms(&self, out: &mut [u64]) {
        let Some(hs) = self.histograms else { return };
        for (i, h) in hs.iter().enumerate() {
            if h.is_some() {
                out[i >> 6] |= 1 << (i & 63);
            }
        }
    }

    /// Samples of the row, a histogram counted by its size.
    pub(crate) fn samples(&self) -> u64 {
        let floats: u64 = self.bits.iter().map(|b| u64::from(b.count_ones())).sum();
        let hists: u64 =
            self.histograms.map_or(0, |hs| hs.iter().flatten().map(|h| h.size_in_samples()).sum());
        floats + hists
    }

    /// Whether the row holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.bits.iter().all(|b| *b == 0) && self.histograms.is_none_or(|hs| hs.iter().all(Option::is_none))
    }
}

impl Steps {
    /// No rows, `n` steps each.
    pub(crate) fn new(n: usize) -> Steps {
        Steps { n, words: n.div_ceil(64), ..Steps::default() }
    }

    /// No rows yet, with room for `rows`.
    pub(crate) fn with_capacity(n: usize, rows: usize) -> Steps {
        let mut s = Steps::new(n);
        // Rows may turn out to be empty: a large result grows into its size instead.
        let rows = rows.min(MOST_AT_ONCE / n.max(1) + 1);
        s.labels.reserve(rows);
        s.drop_name.reserve(rows);
        s.bits.reserve(rows * s.words);
        s.floats.reserve(rows * n);
        s
    }

    /// Steps of a row.
    pub(crate) fn steps(&self) -> usize {
        self.n
    }

    /// Words of presence of a row.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Bytes that a row of `n` steps takes, for budgets.
    pub(crate) fn row_bytes(n: usize) -> u64 {
        (n.div_ceil(64) * 8 + n * 8 + 64) as u64
    }

    /// Appends an empty row.
    pub(crate) fn push(&mut self, labels: Labels, drop_name: bool) -> usize {
        self.labels.push(labels);
        self.drop_name.push(drop_name);
        self.bits.resize(self.bits.len() + self.words, 0);
        self.floats.resize(self.floats.len() + self.n, 0.0);
        if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
        self.labels.len() - 1
    }

    /// Takes the last row away.
    pub(crate) fn pop(&mut self) {
        self.labels.pop();
        self.drop_name.pop();
        self.bits.truncate(self.labels.len() * self.words);
        self.floats.truncate(self.labels.len() * self.n);
        self.histograms.truncate(self.labels.len());
    }

    /// Appends a copy of row `i` of `from` (same grid) under other labels.
    pub(crate) fn push_row(&mut self, labels: Labels, drop_name: bool, row: Row<'_>) -> usize {
        let at = self.labels.len();
        self.labels.push(labels);
        self.drop_name.push(drop_name);
        self.bits.extend_from_slice(row.bits);
        self.floats.extend_from_slice(row.floats);
        if let Some(hs) = row.histograms {
            self.histograms.resize(at, None);
            self.histograms.push(Some(hs.clone()));
        } else if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
        at
    }

    /// Row `i`.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> Row<'_> {
        Row {
            bits: &self.bits[i * self.words..(i + 1) * self.words],
            floats: &self.floats[i * self.n..(i + 1) * self.n],
            histograms: self.histograms.get(i).and_then(Option::as_ref),
        }
    }

    /// Presence and values of row `i`, to write floats.
    #[inline]
    pub(crate) fn floats_mut(&mut self, i: usize) -> (&mut [u64], &mut [f64]) {
        (&mut self.bits[i * self.words..(i + 1) * self.words], &mut self.floats[i * self.n..(i + 1) * self.n])
    }

    /// Histograms of row `i`, if it has any.
    pub(crate) fn histograms_mut(&mut self, i: usize) -> Option<&mut HistogramRow> {
        self.histograms.get_mut(i)?.as_mut()
    }

    /// Removes the histograms of row `i`.
    pub(crate) fn clear_histograms(&mut self, i: usize) {
        if let Some(h) = self.histograms.get_mut(i) {
            *h = None;
        }
    }

    /// Whether any row may hold histograms.
    pub(crate) fn has_histograms(&self) -> bool {
        self.histograms.iter().any(Option::is_some)
    }

    /// Sets a float.
    #[inline]
    pub(crate) fn set_float(&mut self, row: usize, step: usize, v: f64) {
        self.bits[row * self.words + (step >> 6)] |= 1 << (step & 63);
        self.floats[row * self.n + step] = v;
    }

    /// Sets a histogram.
    pub(crate) fn set_histogram(&mut self, row: usize, step: usize, h: Arc<FloatHistogram>) {
        if self.histograms.len() < self.labels.len() {
            self.histograms.resize(self.labels.len(), None);
        }
        let n = self.n;
        let hs = self.histograms[row].get_or_insert_with(|| vec![None; n].into_boxed_slice());
        hs[step] = Some(h);
    }

    /// Sets a cell.
    pub(crate) fn set(&mut self, row: usize, step: usize, cell: Cell<'_>) {
        match cell {
            Cell::F(v) => self.set_float(row, step, v),
            Cell::H(h) => self.set_histogram(row, step, Arc::clone(h)),
        }
    }

    /// Samples of all rows.
    pub(crate) fn samples(&self) -> u64 {
        (0..self.len()).map(|i| self.row(i).samples()).sum()
    }

    /// Keeps the rows that `keep` accepts, in order.
    pub(crate) fn retain<F: FnMut(usize, Row<'_>) -> bool>(&mut self, mut keep: F) {
        let mut out = Steps::new(self.n);
        let all = (0..self.len()).map(|i| keep(i, self.row(i))).collect::<Vec<_>>();
        if all.iter().all(|k| *k) {
            return;
        }
        for (i, k) in all.into_iter().enumerate() {
            if k {
                out.push_row(self.labels[i].clone(), self.drop_name[i], self.row(i));
            }
        }
        *self = out;
    }
}

/// Calls `f` with each set step of `bits`, ascending.
#[inline]
pub(crate) fn for_each_bit(bits: &[u64], mut f: impl FnMut(usize)) {
    for (w, word) in bits.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            f(w * 64 + word.trailing_zeros() as usize);
            word &= word - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_absence_apart_from_nan() {
        let mut s = Steps::new(70);
        let r = s.push(Labels::empty(), false);
        s.set_float(r, 69, f64::NAN);
        assert!(s.row(r).float(69).is_some_and(f64::is_nan));
        assert!(s.row(r).float(68).is_none());
        let mut seen = Vec::new();
        for_each_bit(s.row(r).bits, |i| seen.push(i));
        assert_eq!(seen, [69]);
    }

    #[test]
    fn a_grid_ends_at_its_last_whole_step() {
        assert_eq!(Grid::range(0, 25, 10), Grid { start: 0, interval: 10, n: 3 });
        assert_eq!(Grid::range(0, 25, 10).end(), 20);
        assert_eq!(Grid::range(10, 0, 10).n, 0);
    }
}
