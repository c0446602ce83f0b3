//! The body differs from the last one: every line is parsed, known series are found by their text, new ones get labels.

use super::series_labels::{Unfit, stored_labels};
use super::{Change, Context, Outcome, Refused, RefusedKind, Work, sample_limit};
use crate::body::{DROPPED, Draft, Line, NEW, REPEAT, Table, Template, UNKNOWN};
use std::collections::HashMap;
use tortie_model::stale::stale_nan;
use tortie_model::{Labels, LabelsBuilder};
use tortie_tsdb::append::Slot;
use tortie_wire::text::{Entry, Parser, Sample};

/// Reads a body of any lines.
pub(super) fn read(body: &[u8], table: &Table, context: &Context<'_>, work: &mut Work) -> Outcome {
    work.batch.clear();
    work.new_lines.clear();
    table.expand(&mut work.old_slots);
    let mut reader = Reader {
        body,
        table,
        context,
        parser: Parser::new(body),
        text: Vec::with_capacity(body.len()),
        lines: Vec::with_capacity(table.template.len() + 16),
        draft: Draft::default(),
        seen: vec![NOT_SEEN; work.old_slots.len()],
        predicted: 0,
        new_texts: HashMap::default(),
        new_labels: HashMap::default(),
        stored: 0,
        limited: false,
        outcome: Outcome::default(),
    };
    if let Err(refused) = reader.lines(work) {
        reader.outcome.error = Some(refused);
        return reader.outcome;
    }
    if reader.limited {
        reader.outcome.error = Some(sample_limit());
        return reader.outcome;
    }
    reader.finish(work)
}

const NOT_SEEN: u32 = u32::MAX;

struct Reader<'a> {
    body: &'a [u8],
    table: &'a Table,
    context: &'a Context<'a>,
    parser: Parser<'a>,
    text: Vec<u8>,
    lines: Vec<Line>,
    draft: Draft,
    /// Which line of this body has each line of the table, or [`NOT_SEEN`].
    seen: Vec<u32>,
    /// The line of the table that comes next if nothing changed.
    predicted: usize,
    /// Series that the table does not have: text to line.
    new_texts: HashMap<&'a [u8], u32, foldhash::fast::RandomState>,
    new_labels: HashMap<Labels, u32, foldhash::fast::RandomState>,
    stored: u64,
    limited: bool,
    outcome: Outcome,
}

impl<'a> Reader<'a> {
    fn lines(&mut self, work: &mut Work) -> Result<(), Refused> {
        let mut from = 0;
        loop {
            match self.parser.next() {
                Ok(None) => break,
                Ok(Some(Entry::Sample(s))) => {
                    self.keep_text(from, &s);
                    from = self.parser.position().min(self.body.len());
                    self.sample(&s, work)?;
                }
                Ok(Some(_)) => {}
                Err(e) => return Err(body_error(e.to_string())),
            }
        }
        self.text.extend_from_slice(self.body.get(from..).unwrap_or(&[]));
        Ok(())
    }

    fn keep_text(&mut self, from: usize, s: &Sample<'_>) {
        let series_at = self.text.len() + (s.at - from);
        self.text.extend_from_slice(self.body.get(from..s.value_at).unwrap_or(&[]));
        self.lines.push(Line {
            end: self.text.len() as u32,
            series_at: series_at as u32,
            series_len: s.series.len() as u32,
        });
    }

    fn sample(&mut self, s: &Sample<'a>, work: &mut Work) -> Result<(), Refused> {
        self.outcome.total += 1;
        let line = (self.lines.len() - 1) as u32;
        let own = s.timestamp.filter(|_| self.context.config.honor_timestamps);
        if !self.context.relabel_all
            && let Some(old) = self.find(s.series)
        {
            let slot = work.old_slots.get(old).copied().unwrap_or(UNKNOWN);
            if slot == DROPPED {
                self.draft.slots.push(DROPPED);
                return Ok(());
            }
            if slot < NEW {
                self.known(old, slot, line, own, s.value, work);
                return Ok(());
            }
        }
        if let Some(&first) = self.new_texts.get(s.series) {
            self.again(first, line, own, s.value, work);
            return Ok(());
        }
        self.new_texts.insert(s.series, line);
        self.new_series(s, line, own, work)
    }

    /// The line of the table with this series: the predicted one, or by hash.
    fn find(&mut self, series: &[u8]) -> Option<usize> {
        let template = &self.table.template;
        let found = if template.series(self.predicted) == Some(series) {
            Some(self.predicted)
        } else {
            template.find(series)
        }?;
        self.predicted = found + 1;
        Some(match self.table.repeats.binary_search_by_key(&(found as u32), |(l, _)| *l) {
            Ok(i) => self.table.repeats.get(i).map_or(found, |(_, first)| *first as usize),
            Err(_) => found,
        })
    }

    fn known(&mut self, old: usize, slot: u32, line: u32, own: Option<i64>, value: f64, work: &mut Work) {
        self.outcome.added += 1;
        let first = self.seen.get(old).copied().unwrap_or(NOT_SEEN);
        if first == NOT_SEEN {
            if let Some(seen) = self.seen.get_mut(old) {
                *seen = line;
            }
            self.draft.slots.push(slot);
        } else {
            self.draft.slots.push(REPEAT);
            self.draft.repeats.push((line, first));
            if own.is_none() {
                self.outcome.duplicates += 1;
                return;
            }
        }
        if let Some(t) = self.accept(line, own) {
            work.batch.push(Slot(slot), t, value);
        }
    }

    /// A series that is new in this body stands there once more.
    fn again(&mut self, first: u32, line: u32, own: Option<i64>, value: f64, work: &mut Work) {
        let mark = self.draft.slots.get(first as usize).copied().unwrap_or(UNKNOWN);
        if mark == DROPPED {
            self.draft.slots.push(DROPPED);
            return;
        }
        self.outcome.added += 1;
        self.draft.slots.push(REPEAT);
        self.draft.repeats.push((line, first));
        if own.is_none() {
            self.outcome.duplicates += 1;
            return;
        }
        let row = work.new_lines.iter().position(|l| *l == first);
        let Some(labels) = row.and_then(|i| work.batch.new.get(i)).map(|(labels, ..)| labels.clone()) else {
            return;
        };
        if let Some(t) = self.accept(line, own) {
            work.batch.push_new(labels, t, value);
            work.new_lines.push(first);
        }
    }

    fn new_series(
        &mut self,
        s: &Sample<'a>,
        line: u32,
        own: Option<i64>,
        work: &mut Work,
    ) -> Result<(), Refused> {
        let mut lb = LabelsBuilder::new();
        self.parser.labels(&mut lb).map_err(|e| body_error(e.to_string()))?;
        let labels = match stored_labels(&mut lb, self.context.target, self.context.config) {
            Ok(Some(labels)) => labels,
            Ok(None) => {
                self.draft.slots.push(DROPPED);
                return Ok(());
            }
            Err(Unfit::Invalid(reason)) => return Err(body_error(reason)),
            Err(Unfit::Limit(reason)) => return Err(Refused { reason, kind: RefusedKind::LabelLimit }),
        };
        if let Some(&first) = self.new_labels.get(&labels) {
            // Another text with the same labels in the end.
            self.again(first, line, own, s.value, work);
            return Ok(());
        }
        self.outcome.added += 1;
        let Some(t) = self.accept(line, own) else {
            self.draft.slots.push(UNKNOWN);
            return Ok(());
        };
        self.outcome.series_added += 1;
        self.draft.slots.push(NEW);
        self.new_labels.insert(labels.clone(), line);
        work.batch.push_new(labels, t, s.value);
        work.new_lines.push(line);
        Ok(())
    }

    /// Counts a sample against the limits; its timestamp when it may be stored.
    fn accept(&mut self, line: u32, own: Option<i64>) -> Option<i64> {
        self.stored += 1;
        let limit = self.context.config.sample_limit;
        if limit > 0 && self.stored > limit {
            self.limited = true;
            return None;
        }
        if own.is_some() && !self.context.config.track_timestamps_staleness {
            self.draft.untrack(line as usize);
        }
        let t = own.unwrap_or(self.context.at_ms);
        if t > self.context.max_ms() {
            self.outcome.out_of_bounds += 1;
            return None;
        }
        Some(t)
    }

    /// Stale markers for what is gone, and the new lines.
    fn finish(mut self, work: &mut Work) -> Outcome {
        let (mut gone, mut stale_later) = (Vec::new(), Vec::new());
        let nothing_new = work.batch.new.is_empty();
        for (old, (&slot, &seen)) in work.old_slots.iter().zip(&self.seen).enumerate() {
            if slot >= NEW || seen != NOT_SEEN {
                continue;
            }
            gone.push(Slot(slot));
            if !self.table.alive || !self.table.is_tracked(old) {
                continue;
            }
            if nothing_new {
                work.batch.push(Slot(slot), self.context.at_ms, stale_nan());
            } else {
                stale_later.push(Slot(slot));
            }
        }
        self.draft.repeats.sort_unstable();
        self.outcome.change = Some(Change {
            template: Template::new(self.text, self.lines),
            draft: self.draft,
            gone,
            stale_later,
        });
        self.outcome
    }
}

fn body_error(reason: String) -> Refused {
    Refused { reason, kind: RefusedKind::Body }
}
