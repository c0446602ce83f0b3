//! A tiny store for the evaluator's own checks.

use tortie_model::storage::{Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};

/// Series in memory, sorted by labels.
#[derive(Default)]
pub(crate) struct Store {
    series: Vec<(Labels, Columns)>,
}

impl Store {
    /// Adds a series of floats at 0, `step`, 2 * `step`, ...; `None` leaves a gap.
    pub(crate) fn add(&mut self, labels: &[(&str, &str)], step: i64, values: &[Option<f64>]) {
        let mut c = Columns::default();
        for (i, v) in values.iter().enumerate() {
            if let Some(v) = v {
                c.push(i as i64 * step, *v);
            }
        }
        self.series.push((Labels::from_pairs(labels.iter().copied()), c));
        self.series.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

impl Queryable for Store {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(Reader(self)))
    }
}

struct Reader<'a>(&'a Store);

impl Querier for Reader<'_> {
    fn select<'a>(
        &'a self,
        _: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        let fits = |l: &Labels| matchers.iter().all(|m| m.matches(l.value(&m.name)));
        Ok(Box::new(Found(self.0.series.iter().filter(|(l, _)| fits(l)).collect())))
    }

    fn label_values(&self, _: &str, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Matcher], _: usize) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }
}

struct Found<'a>(Vec<&'a (Labels, Columns)>);

impl SeriesSet for Found<'_> {
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
