//! Which slot of the head each line of a target's body fills.

use super::template::Template;
use std::sync::Arc;
use tortie_tsdb::append::Slot;

/// Marks of lines that fill no slot; they stand where a slot number would.
pub(crate) const DROPPED: u32 = u32::MAX;
/// The series is not in the head (refused, or over a limit): tried again in the next scrape.
pub(crate) const UNKNOWN: u32 = u32::MAX - 1;
/// The series stands in an earlier line of the same body already.
pub(crate) const REPEAT: u32 = u32::MAX - 2;
/// The series is new in this scrape and gets its slot from the commit.
pub(crate) const NEW: u32 = u32::MAX - 3;
const FIRST_MARK: u32 = NEW;

/// Consecutive lines that fill consecutive slots, or that all have the same mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first_line: u32,
    pub(crate) len: u32,
    /// Slot of the first line, or a mark.
    pub(crate) slot: u32,
}

impl Run {
    fn is_mark(self) -> bool {
        self.slot >= FIRST_MARK
    }
}

/// What a target has learned of its body: 12 bytes a run, one run when all its series were made at once.
pub(crate) struct Table {
    pub(crate) template: Arc<Template>,
    runs: Vec<Run>,
    /// Lines with [`REPEAT`], and the line that they repeat.
    pub(crate) repeats: Vec<(u32, u32)>,
    /// Lines whose last sample had its own timestamp: they get no stale marker. Empty means none.
    untracked: Vec<u64>,
    /// Whether the last scrape succeeded, that is, whether the series are not marked stale yet.
    pub(crate) alive: bool,
    /// Lines that fill a slot.
    pub(crate) filled: u32,
    /// Lines that metric relabelling dropped.
    pub(crate) dropped: u32,
}

/// A table under construction: one slot or mark a line.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) slots: Vec<u32>,
    pub(crate) repeats: Vec<(u32, u32)>,
    pub(crate) untracked: Vec<u64>,
}

impl Draft {
    /// Marks a line as one that gets no stale marker.
    pub(crate) fn untrack(&mut self, line: usize) {
        let word = line / 64;
        if self.untracked.len() <= word {
            self.untracked.resize(word + 1, 0);
        }
        if let Some(w) = self.untracked.get_mut(word) {
            *w |= 1 << (line % 64);
        }
    }
}

impl Table {
    /// A table that knows nothing.
    pub(crate) fn new(template: Arc<Template>) -> Table {
        Table {
            template,
            runs: Vec::new(),
            repeats: Vec::new(),
            untracked: Vec::new(),
            alive: false,
            filled: 0,
            dropped: 0,
        }
    }

    /// The finished table of a scrape that succeeded.
    pub(crate) fn from_draft(template: Arc<Template>, draft: Draft) -> Table {
        let mut runs: Vec<Run> = Vec::new();
        let (mut filled, mut dropped) = (0, 0);
        for (line, &slot) in draft.slots.iter().enumerate() {
            let mark = slot >= FIRST_MARK;
            filled += u32::from(!mark);
            dropped += u32::from(slot == DROPPED);
            match runs.last_mut() {
                Some(r) if r.is_mark() && r.slot == slot => r.len += 1,
                Some(r) if !mark && !r.is_mark() && r.slot + r.len == slot => r.len += 1,
                _ => runs.push(Run { first_line: line as u32, len: 1, slot }),
            }
        }
        runs.shrink_to_fit();
        Table {
            template,
            runs,
            repeats: draft.repeats,
            untracked: draft.untracked,
            alive: true,
            filled,
            dropped,
        }
    }

    /// The runs of lines that fill slots.
    pub(crate) fn filled_runs(&self) -> impl Iterator<Item = Run> {
        self.runs.iter().copied().filter(|r| !r.is_mark())
    }

    /// Whether some series could not be stored and should be tried again.
    pub(crate) fn has_unknown(&self) -> bool {
        self.runs.iter().any(|r| r.slot == UNKNOWN)
    }

    /// Slot or mark of each line.
    pub(crate) fn expand(&self, out: &mut Vec<u32>) {
        out.clear();
        for r in &self.runs {
            if r.is_mark() {
                out.extend(std::iter::repeat_n(r.slot, r.len as usize));
            } else {
                out.extend(r.slot..r.slot + r.len);
            }
        }
    }

    /// All slots held.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.filled_runs().flat_map(|r| (r.slot..r.slot + r.len).map(Slot))
    }

    /// Slots that get a stale marker when their line goes: those whose last sample had no timestamp of its own.
    pub(crate) fn tracked_slots(&self) -> impl Iterator<Item = Slot> {
        self.filled_runs().flat_map(move |r| {
            (0..r.len)
                .filter(move |i| self.is_tracked((r.first_line + i) as usize))
                .map(move |i| Slot(r.slot + i))
        })
    }

    /// Whether line `line` gets a stale marker when it goes.
    pub(crate) fn is_tracked(&self, line: usize) -> bool {
        self.untracked.get(line / 64).is_none_or(|w| w >> (line % 64) & 1 == 0)
    }

    /// Replaces which lines are not tracked.
    pub(crate) fn set_untracked(&mut self, untracked: Vec<u64>) {
        self.untracked = untracked;
    }

    /// Bytes on the heap, without the shared template.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>() + self.repeats.capacity() * 8 + self.untracked.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(slots: &[u32]) -> Table {
        Table::from_draft(Arc::new(Template::empty()), Draft { slots: slots.to_vec(), ..Draft::default() })
    }

    #[test]
    fn runs_hold_what_was_put_in() {
        for slots in [&[][..], &[5, 6, 7], &[5, DROPPED, DROPPED, 6, 9, UNKNOWN, REPEAT, 10], &[3, 2, 1]] {
            let t = table(slots);
            let mut out = Vec::new();
            t.expand(&mut out);
            assert_eq!(out, slots);
            assert_eq!(t.filled as usize, slots.iter().filter(|s| **s < FIRST_MARK).count());
        }
        assert_eq!(table(&[5, 6, 7]).runs.len(), 1);
        assert_eq!(table(&[5, DROPPED, DROPPED, 6]).runs.len(), 3);
    }

    #[test]
    fn untracked_lines_are_left_out() {
        let mut draft = Draft { slots: (10..80).collect(), ..Draft::default() };
        draft.untrack(0);
        draft.untrack(65);
        let t = Table::from_draft(Arc::new(Template::empty()), draft);
        let got: Vec<u32> = t.tracked_slots().map(|s| s.0).collect();
        assert_eq!(got.len(), 68);
        assert!(!got.contains(&10) && !got.contains(&75) && got.contains(&79));
    }
}
