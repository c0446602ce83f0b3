//! The lines of a body without their values.
//!
//! A body alternates between *text* (everything from one value's line end to the next value: comments, series, blank)
//! and *values*. The texts, one after the other, are the template; bodies of all Felix pods have the same one, so it is
//! kept once, and with it help, types and the text of every series.

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Place of a line in the template's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    /// Where the text before this line's value ends, and the text of the next line begins.
    pub(crate) end: u32,
    /// Where the text of the series begins.
    pub(crate) series_at: u32,
    /// Its length.
    pub(crate) series_len: u32,
}

/// The texts of a body.
pub(crate) struct Template {
    text: Box<[u8]>,
    lines: Box<[Line]>,
    /// Series text to line, built when a body first differs.
    index: OnceLock<HashTable<u32>>,
    hash: u64,
}

const HASHER: FixedState = FixedState::with_seed(0x746f_7274_6965);

impl Template {
    /// The template of nothing.
    pub(crate) fn empty() -> Template {
        Template::new(Vec::new(), Vec::new())
    }

    /// `text` must cover the ends of all `lines`, and may go on behind the last one (comments at the end of a body).
    pub(crate) fn new(text: Vec<u8>, lines: Vec<Line>) -> Template {
        let hash = HASHER.hash_one((&text, &lines));
        Template { text: text.into(), lines: lines.into(), index: OnceLock::new(), hash }
    }

    /// Number of lines with a value.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The texts before each value, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.lines.iter().map(move |l| {
            let text = self.text.get(from..l.end as usize).unwrap_or(&[]);
            from = l.end as usize;
            text
        })
    }

    /// The text behind the last value.
    pub(crate) fn tail(&self) -> &[u8] {
        let from = self.lines.last().map_or(0, |l| l.end as usize);
        self.text.get(from..).unwrap_or(&[])
    }

    /// Text of the series of line `i`.
    pub(crate) fn series(&self, i: usize) -> Option<&[u8]> {
        let l = self.lines.get(i)?;
        self.text.get(l.series_at as usize..(l.series_at + l.series_len) as usize)
    }

    /// The first line whose series reads `series`.
    pub(crate) fn find(&self, series: &[u8]) -> Option<usize> {
        let index = self.index.get_or_init(|| self.build_index());
        index.find(HASHER.hash_one(series), |&i| self.series(i as usize) == Some(series)).map(|&i| i as usize)
    }

    fn build_index(&self) -> HashTable<u32> {
        let mut index = HashTable::with_capacity(self.len());
        for i in 0..self.len() {
            let Some(series) = self.series(i) else { continue };
            let hash = HASHER.hash_one(series);
            if index.find(hash, |&j: &u32| self.series(j as usize) == Some(series)).is_none() {
                index.insert_unique(hash, i as u32, |&j| {
                    HASHER.hash_one(self.series(j as usize).unwrap_or(&[]))
                });
            }
        }
        index
    }

    /// All of the text: a body without its values, in which comments stand whole.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the text ends in which byte `at` stands.
    pub(crate) fn text_end_after(&self, at: usize) -> usize {
        let line = self.lines.partition_point(|l| l.end as usize <= at);
        self.lines.get(line).map_or(self.text.len(), |l| l.end as usize)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.len()
            + self.lines.len() * size_of::<Line>()
            + self.index.get().map_or(0, |t| t.capacity() * 5)
    }
}

/// The templates in use, so that targets with the same lines share one.
#[derive(Default)]
pub(crate) struct Templates {
    known: Mutex<HashMap<u64, Vec<Weak<Template>>>>,
}

impl Templates {
    /// The template equal to `new`, or `new` itself when there is none.
    pub(crate) fn intern(&self, new: Template) -> Arc<Template> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.entry(new.hash).or_default();
        same.retain(|w| w.strong_count() > 0);
        for t in same.iter().filter_map(Weak::upgrade) {
            if t.text == new.text && t.lines == new.lines {
                return t;
            }
        }
        let new = Arc::new(new);
        same.push(Arc::downgrade(&new));
        if known.len() > 64
            && known.len() > 2 * known.values().flatten().filter(|w| w.strong_count() > 0).count()
        {
            known.retain(|_, v| v.iter().any(|w| w.strong_count() > 0));
        }
        new
    }

    /// Templates in use, and their bytes.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let live: Vec<_> = known.values().flatten().filter_map(Weak::upgrade).collect();
        (live.len(), live.iter().map(|t| t.heap_bytes()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &[u8], ends: &[(u32, u32, u32)]) -> Template {
        let lines =
            ends.iter().map(|&(end, series_at, series_len)| Line { end, series_at, series_len }).collect();
        Template::new(text.to_vec(), lines)
    }

    #[test]
    fn finds_the_first_of_equal_series() {
        let t = template(b"# c\na b a #end", &[(6, 4, 1), (8, 6, 1), (10, 8, 1)]);
        assert_eq!(t.texts().collect::<Vec<_>>(), [&b"# c\na "[..], b"b ", b"a "]);
        assert_eq!(t.tail(), b"#end");
        assert_eq!((t.find(b"a"), t.find(b"b"), t.find(b"c")), (Some(0), Some(1), None));
    }

    #[test]
    fn equal_templates_are_one_and_die_with_their_users() {
        let all = Templates::default();
        let a = all.intern(template(b"a ", &[(2, 0, 1)]));
        let b = all.intern(template(b"a ", &[(2, 0, 1)]));
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!(all.usage().0, 1);
        drop((a, b));
        assert_eq!(all.usage().0, 0);
    }
}
