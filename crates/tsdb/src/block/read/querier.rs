//! Queries against one block.

use super::series::SeriesReader;
use super::set::BlockSet;
use super::{AHEAD, Block, StorageResult};
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_model::Matcher;
use tortie_model::storage::{Querier, SelectHints, SeriesSet};

/// A view of one block; holding it keeps the block's files.
pub struct BlockQuerier {
    block: Arc<Block>,
}

impl BlockQuerier {
    /// A view of `block`.
    pub fn new(block: Arc<Block>) -> BlockQuerier {
        BlockQuerier { block }
    }
}

impl Block {
    /// References in the index of the series that satisfy all matchers, ascending.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn series_refs(&self, matchers: &[Matcher]) -> StorageResult<Vec<u32>> {
        let table = self.table()?;
        self.matching(&table, matchers)
    }
}

impl Querier for BlockQuerier {
    fn select<'a>(
        &'a self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> StorageResult<Box<dyn SeriesSet + 'a>> {
        Ok(Box::new(BlockSet::select(&self.block, hints, matchers)?))
    }

    fn label_values(&self, name: &str, matchers: &[Matcher], limit: usize) -> StorageResult<Vec<String>> {
        let table = self.block.table()?;
        let own = |v: &str| matchers.iter().filter(|m| m.name == name).all(|m| m.matches(v));
        let values = table.values(name, "").filter(|(v, _)| own(v));
        let most = if limit == 0 { usize::MAX } else { limit };
        if matchers.iter().all(|m| m.name == name) {
            return Ok(values.take(most).map(|(v, _)| v.to_owned()).collect());
        }
        // Other labels restrict the series: a value counts when its list meets theirs.
        let series = self.block.matching(&table, matchers)?;
        let mut window = super::Window::new(&self.block.index);
        let mut out = Vec::new();
        for (value, at) in values {
            if out.len() >= most {
                break;
            }
            if !super::lists::intersect(&series, &self.block.list(at, &mut window)?).is_empty() {
                out.push(value.to_owned());
            }
        }
        Ok(out)
    }

    fn label_names(&self, matchers: &[Matcher], limit: usize) -> StorageResult<Vec<String>> {
        let table = self.block.table()?;
        let most = if limit == 0 { usize::MAX } else { limit };
        if matchers.is_empty() {
            return Ok(table.names().take(most).map(str::to_owned).collect());
        }
        let symbols = self.block.symbols()?;
        let mut reader = SeriesReader::new(&self.block.index, &symbols, AHEAD / 4);
        let mut chunks = Vec::new();
        let mut names = BTreeSet::new();
        for r in self.block.matching(&table, matchers)? {
            for (name, _) in &reader.read(r, &mut chunks)? {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names.into_iter().take(most).collect())
    }
}
