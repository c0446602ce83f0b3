//! Several selections as one, ascending by labels.

use super::columns::append;
use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};
use tortie_model::storage::{Newest, SeriesSet, StorageError};
use tortie_model::{Columns, Labels};

/// A merge of selections. Later ones win where timestamps are equal.
pub struct MergedSet<'a> {
    sets: Vec<Box<dyn SeriesSet + 'a>>,
    /// Set and index within it, in the order of the sets, for all series one after the other.
    parts: Vec<(u32, u32)>,
    /// End of the parts of series `i`.
    ends: Vec<u32>,
    labels: Vec<Labels>,
    /// Columns that a part is read into, one for each thread that reads at a time.
    spare: Mutex<Vec<Columns>>,
}

impl<'a> MergedSet<'a> {
    /// Merges `sets`, each ascending by labels; `limit` 0 is none.
    pub fn new(sets: Vec<Box<dyn SeriesSet + 'a>>, limit: usize) -> MergedSet<'a> {
        let mut heads: Vec<Option<(usize, Labels)>> =
            sets.iter().map(|s| (!s.is_empty()).then(|| (0, s.labels(0)))).collect();
        let (mut parts, mut ends, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let most = if limit == 0 { usize::MAX } else { limit };
        while labels.len() < most {
            let Some(least) = heads.iter().flatten().map(|(_, l)| l).min().cloned() else { break };
            for (k, (head, set)) in heads.iter_mut().zip(&sets).enumerate() {
                let Some((i, l)) = head else { continue };
                if (*l).cmp(&least) != Ordering::Equal {
                    continue;
                }
                parts.push((k as u32, *i as u32));
                let next = *i + 1;
                *head = (next < set.len()).then(|| (next, set.labels(next)));
            }
            ends.push(parts.len() as u32);
            labels.push(least);
        }
        MergedSet { sets, parts, ends, labels, spare: Mutex::default() }
    }

    fn parts_of(&self, i: usize) -> impl DoubleEndedIterator<Item = (&(dyn SeriesSet + 'a), usize)> {
        let start = i.checked_sub(1).and_then(|p| self.ends.get(p)).map_or(0, |&e| e as usize);
        let end = self.ends.get(i).map_or(start, |&e| e as usize);
        let parts = self.parts.get(start..end).unwrap_or(&[]);
        parts.iter().filter_map(|&(k, n)| Some((self.sets.get(k as usize)?.as_ref(), n as usize)))
    }

    fn with_spare<T>(&self, f: impl FnOnce(&mut Columns) -> T) -> T {
        let lock = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut columns = lock().pop().unwrap_or_default();
        let out = f(&mut columns);
        lock().push(columns);
        out
    }
}

impl SeriesSet for MergedSet<'_> {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn labels(&self, i: usize) -> Labels {
        self.labels.get(i).cloned().unwrap_or_default()
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        let mut parts = self.parts_of(i);
        match parts.next() {
            None => {
                out.clear();
                return Ok(());
            }
            Some((set, n)) => set.read(n, mint, maxt, out)?,
        }
        for (set, n) in parts {
            self.with_spare(|part| {
                set.read(n, mint, maxt, part)?;
                append(out, part)
            })?;
        }
        Ok(())
    }

    fn newest(
        &self,
        i: usize,
        after: i64,
        at: i64,
        scratch: &mut Columns,
    ) -> Result<Option<Newest>, StorageError> {
        let (mut best, mut after) = (None, after);
        // From the head backwards: what an older part may add is only what is newer still.
        for (set, n) in self.parts_of(i).rev() {
            match set.newest(n, after, at, scratch)? {
                None => {}
                Some(Newest::Float { t, v }) => {
                    best = Some(Newest::Float { t, v });
                    after = t;
                }
                Some(Newest::Histogram) => {
                    // Which of the parts has the newest one is told by all samples only.
                    self.read(i, after + 1, at, scratch)?;
                    return Ok(Some(Newest::Histogram));
                }
            }
            if after >= at {
                break;
            }
        }
        Ok(best)
    }
}
