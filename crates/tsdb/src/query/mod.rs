//! Head and blocks as one: each series once, its samples in order, the head's where both have one.

mod columns;
mod set;

pub use set::MergedSet;

use std::collections::BTreeSet;
use tortie_model::Matcher;
use tortie_model::storage::{Querier, SelectHints, SeriesSet, StorageError};

/// Several views as one. Of samples with the same timestamp that of the later view stays: the head goes last.
pub struct MergedQuerier<'a> {
    views: Vec<Box<dyn Querier + 'a>>,
}

impl<'a> MergedQuerier<'a> {
    /// A merge of `views`.
    pub fn new(views: Vec<Box<dyn Querier + 'a>>) -> MergedQuerier<'a> {
        MergedQuerier { views }
    }

    fn union(
        &self,
        limit: usize,
        each: impl Fn(&dyn Querier) -> Result<Vec<String>, StorageError>,
    ) -> Result<Vec<String>, StorageError> {
        if let [one] = self.views.as_slice() {
            return each(one.as_ref());
        }
        let mut all = BTreeSet::new();
        for view in &self.views {
            all.extend(each(view.as_ref())?);
        }
        let most = if limit == 0 { usize::MAX } else { limit };
        Ok(all.into_iter().take(most).collect())
    }
}

impl Querier for MergedQuerier<'_> {
    fn select<'b>(
        &'b self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'b>, StorageError> {
        let mut sets = Vec::with_capacity(self.views.len());
        for view in &self.views {
            let set = view.select(hints, matchers)?;
            if !set.is_empty() {
                sets.push(set);
            }
        }
        if sets.len() == 1
            && let Some(only) = sets.pop()
        {
            return Ok(only);
        }
        Ok(Box::new(MergedSet::new(sets, hints.limit)))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
    ) -> Result<Vec<String>, StorageError> {
        self.union(limit, |v| v.label_values(name, matchers, limit))
    }

    fn label_names(&self, matchers: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        self.union(limit, |v| v.label_names(matchers, limit))
    }
}
