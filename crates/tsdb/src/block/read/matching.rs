//! Which series of a block satisfy the matchers, by Prometheus' rules for labels that are absent.

use super::lists::{intersect, subtract, union};
use super::table::PostingsTable;
use super::window::Window;
use super::{Block, StorageResult};
use std::sync::Arc;
use tortie_model::{MatchOp, Matcher};

impl Block {
    /// References of the series that satisfy all matchers, ascending.
    pub(super) fn matching(&self, table: &PostingsTable, matchers: &[Matcher]) -> StorageResult<Vec<u32>> {
        let mut found: Option<Vec<u32>> = None;
        let mut lists = Lists { block: self, table, window: Window::new(&self.index) };
        // A matcher that refuses the empty value wants the label there: its lists are intersected.
        for m in matchers.iter().filter(|m| !m.matches_empty()) {
            let list = lists.with(m)?;
            let both = match found {
                Some(so_far) => intersect(&so_far, &list),
                None => list,
            };
            if both.is_empty() {
                return Ok(both);
            }
            found = Some(both);
        }
        let mut found = match found {
            Some(f) => f,
            None => lists.all()?.to_vec(),
        };
        // One that accepts it also accepts all series without the label: those with an unwanted value are taken away.
        for m in matchers.iter().filter(|m| m.matches_empty()) {
            if found.is_empty() {
                break;
            }
            found = subtract(&found, &lists.against(m)?);
        }
        Ok(found)
    }
}

/// Reads lists of one block, neighbours through one window.
struct Lists<'a> {
    block: &'a Block,
    table: &'a PostingsTable,
    window: Window<'a>,
}

impl Lists<'_> {
    fn all(&mut self) -> StorageResult<Arc<Vec<u32>>> {
        match self.table.all() {
            Some(at) => self.block.list(at, &mut self.window),
            None => Ok(Arc::default()),
        }
    }

    /// Series that have the label with a value that the matcher accepts.
    fn with(&mut self, m: &Matcher) -> StorageResult<Vec<u32>> {
        if m.op == MatchOp::Equal {
            return self.values(&m.name, std::iter::once(m.value.as_str()));
        }
        if let (MatchOp::Regex, Some(set)) = (m.op, set_matches(m)) {
            return self.values(&m.name, set.iter().map(String::as_str));
        }
        let everything = m.op == MatchOp::Regex && matches!(m.value.as_str(), ".+" | ".*");
        let prefix = if m.op == MatchOp::Regex { prefix(m) } else { "" };
        self.scan(&m.name, prefix, |v| everything || m.matches(v))
    }

    /// Series that have the label with a value that the matcher does not accept.
    fn against(&mut self, m: &Matcher) -> StorageResult<Vec<u32>> {
        if m.op == MatchOp::NotEqual {
            return self.values(&m.name, std::iter::once(m.value.as_str()));
        }
        if let (MatchOp::NotRegex, Some(set)) = (m.op, set_matches(m)) {
            return self.values(&m.name, set.iter().map(String::as_str));
        }
        if m.op == MatchOp::Regex && m.value == ".*" {
            return Ok(Vec::new());
        }
        let prefix = if m.op == MatchOp::NotRegex { prefix(m) } else { "" };
        self.scan(&m.name, prefix, |v| !m.matches(v))
    }

    fn values<'v>(&mut self, name: &str, values: impl Iterator<Item = &'v str>) -> StorageResult<Vec<u32>> {
        let offsets: Vec<u64> = values.filter_map(|v| self.table.offset(name, v)).collect();
        self.union(&offsets)
    }

    fn scan(&mut self, name: &str, prefix: &str, keep: impl Fn(&str) -> bool) -> StorageResult<Vec<u32>> {
        let offsets: Vec<u64> =
            self.table.values(name, prefix).filter(|(v, _)| keep(v)).map(|(_, at)| at).collect();
        self.union(&offsets)
    }

    fn union(&mut self, offsets: &[u64]) -> StorageResult<Vec<u32>> {
        let mut lists = Vec::with_capacity(offsets.len());
        for &at in offsets {
            lists.push(self.block.list(at, &mut self.window)?);
        }
        match lists.as_slice() {
            [] => Ok(Vec::new()),
            [one] => Ok(one.to_vec()),
            many => Ok(union(many.iter().map(|l| l.as_slice()))),
        }
    }
}

/// The values that a pattern names one by one (`a|b|c`), when it does.
fn set_matches(m: &Matcher) -> Option<&[String]> {
    m.regex()?.set_matches()
}

/// What every value that the pattern accepts starts with.
fn prefix(m: &Matcher) -> &str {
    m.regex().and_then(|r| r.prefix()).unwrap_or("")
}
