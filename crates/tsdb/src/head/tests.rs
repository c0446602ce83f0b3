//! The head as a whole, on a simulated disk.

mod commit;
mod isolation;
mod restart;
mod truncation;

use super::*;
use crate::append::Batch;
use std::path::Path;
use tortie_host::{Clock, ManualClock, MemFs};
use tortie_model::storage::{Querier, SelectHints};
use tortie_model::{Columns, Matcher};

const DIR: &str = "/data";

fn options() -> HeadOptions {
    HeadOptions {
        wal_sync_interval_ms: 0,
        chunk_range_ms: 1000,
        wal_segment_size: 64 << 10,
        ..HeadOptions::default()
    }
}

fn open_with(fs: &MemFs, options: HeadOptions) -> Head {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(0));
    Head::open(Path::new(DIR), &fs, &clock, options, &|_| {}).unwrap()
}

fn open(fs: &MemFs) -> Head {
    open_with(fs, options())
}

fn labels(name: &str, i: usize) -> Labels {
    Labels::from_pairs([("__name__", name), ("i", &i.to_string())])
}

/// Commits one sample a series `m{i=0..n}` by labels and gives the slots back.
fn put(head: &Head, n: usize, t: i64, v: f64) {
    let mut b = Batch::default();
    for i in 0..n {
        b.push_new(labels("m", i), t, v + i as f64);
    }
    let done = head.commit(&b).unwrap();
    let slots: Vec<Slot> = done.new.into_iter().flatten().collect();
    head.release(&slots);
}

/// All samples of a view, series by series.
fn dump_view(view: &HeadView<'_>) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let set = view.select(&SelectHints::default(), &[]).unwrap();
    let mut cols = Columns::default();
    (0..set.len())
        .map(|i| {
            set.read(i, i64::MIN, i64::MAX, &mut cols).unwrap();
            (set.labels(i), cols.t.iter().zip(&cols.v).map(|(t, v)| (*t, v.to_bits())).collect())
        })
        .filter(|(_, s): &(Labels, Vec<_>)| !s.is_empty())
        .collect()
}

fn dump(head: &Head) -> Vec<(Labels, Vec<(i64, u64)>)> {
    dump_view(&head.view(i64::MIN, i64::MAX))
}
