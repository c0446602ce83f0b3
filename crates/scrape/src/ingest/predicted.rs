//! The hot path: the body has exactly the lines of the last one, only values differ.

use super::{Context, Outcome, Work, sample_limit};
use crate::body::{Draft, Table};
use tortie_tsdb::append::Slot;
use tortie_wire::text::{Entry, Parser, value_to_newline};

/// Reads a body with the lines of `table`, or returns `None` at the first difference.
pub(super) fn read(body: &[u8], table: &Table, context: &Context<'_>, work: &mut Work) -> Option<Outcome> {
    let template = &table.template;
    if template.len() == 0 {
        return None;
    }
    values(body, table, context, work)?;
    let mut outcome = Outcome {
        total: template.len() as u64,
        added: template.len() as u64 - u64::from(table.dropped),
        ..Outcome::default()
    };
    if work.times.is_empty() {
        outcome.duplicates = table.repeats.len() as u64;
        let limit = context.config.sample_limit;
        if limit > 0 && u64::from(table.filled) > limit {
            outcome.error = Some(sample_limit());
            return Some(outcome);
        }
        fill(table, context.at_ms, work);
        return Some(outcome);
    }
    fill_with_times(table, context, work, &mut outcome);
    Some(outcome)
}

/// Fills `work.values` (one a line) and `work.times`.
fn values(body: &[u8], table: &Table, context: &Context<'_>, work: &mut Work) -> Option<()> {
    let template = &table.template;
    work.values.clear();
    work.times.clear();
    work.values.reserve(template.len());
    let mut rest = body;
    let mut parser = None;
    for text in template.texts() {
        let behind = rest.strip_prefix(text)?;
        if let Some((v, used)) = value_to_newline(behind) {
            work.values.push(v);
            rest = behind.get(used..)?;
            continue;
        }
        // A timestamp, more blanks, or the end of the body: the parser decides. It starts at the line of the series.
        let at = body.len() - rest.len();
        let line_start = at + memchr::memrchr(b'\n', text).map_or(0, |i| i + 1);
        let parser = parser.get_or_insert_with(|| Parser::new(body));
        parser.seek(line_start);
        let Ok(Some(Entry::Sample(s))) = parser.next() else { return None };
        if s.value_at != at + text.len() {
            return None;
        }
        if let Some(t) = s.timestamp
            && context.config.honor_timestamps
        {
            work.times.push((work.values.len() as u32, t));
        }
        work.values.push(s.value);
        rest = body.get(parser.position().min(body.len())..)?;
    }
    (rest == template.tail()).then_some(())
}

/// Rows of a body in which no line has its own timestamp.
fn fill(table: &Table, at_ms: i64, work: &mut Work) {
    let batch = &mut work.batch;
    for run in table.filled_runs() {
        let (from, len) = (run.first_line as usize, run.len as usize);
        let Some(values) = work.values.get(from..from + len) else { continue };
        batch.slots.extend((run.slot..run.slot + run.len).map(Slot));
        batch.t.extend(std::iter::repeat_n(at_ms, len));
        batch.v.extend_from_slice(values);
    }
}

fn fill_with_times(table: &Table, context: &Context<'_>, work: &mut Work, outcome: &mut Outcome) {
    table.expand(&mut work.old_slots);
    for &(line, first) in &table.repeats {
        let of = work.old_slots.get(first as usize).copied();
        let has_time = work.times.binary_search_by_key(&line, |(l, _)| *l).is_ok();
        match (has_time, of, work.old_slots.get_mut(line as usize)) {
            // A series may stand there several times when each sample has its own time.
            (true, Some(slot), Some(entry)) => *entry = slot,
            _ => outcome.duplicates += 1,
        }
    }
    let mut times = work.times.iter().peekable();
    let mut draft = Draft::default();
    let mut stored = 0;
    for (line, (&slot, &v)) in work.old_slots.iter().zip(&work.values).enumerate() {
        let own = times.next_if(|(l, _)| *l as usize == line).map(|(_, t)| *t);
        if slot >= crate::body::NEW {
            continue;
        }
        if own.is_some() && !context.config.track_timestamps_staleness {
            draft.untrack(line);
        }
        stored += 1;
        let t = own.unwrap_or(context.at_ms);
        if t > context.max_ms() {
            outcome.out_of_bounds += 1;
            continue;
        }
        work.batch.push(Slot(slot), t, v);
    }
    let limit = context.config.sample_limit;
    if limit > 0 && stored > limit {
        outcome.error = Some(sample_limit());
    }
    outcome.untracked = draft.untracked;
}
