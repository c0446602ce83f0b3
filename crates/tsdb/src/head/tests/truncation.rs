//! Truncation: data goes, readers keep what they have, slots and files are used again, the WAL shrinks.

use super::*;
use crate::block::{SeriesSource, SourceSeries};
use crate::wal::segments::{list_checkpoints, list_segments};

fn fill(head: &Head, from: i64, to: i64) {
    for t in (from..to).step_by(20) {
        put(head, 40, t, t as f64);
    }
}

#[test]
fn old_samples_go_and_an_open_view_keeps_them() {
    let head = open(&MemFs::new());
    fill(&head, 0, 4000);
    head.maintain().unwrap();
    let view = head.view(i64::MIN, i64::MAX);
    let all = dump_view(&view);
    head.truncate(2000).unwrap();
    assert_eq!(dump_view(&view), all);
    let cut: Vec<_> = all
        .into_iter()
        .map(|(l, s)| (l, s.into_iter().filter(|(t, _)| *t >= 2000).collect::<Vec<_>>()))
        .collect();
    assert_eq!(dump(&head), cut, "a new view begins at the new time");
    let chunks = head.stats().chunks;
    drop(view);
    head.maintain().unwrap();
    assert!(head.stats().chunks < chunks);
    assert_eq!(dump(&head), cut);
    assert_eq!(head.min_time(), 2000);
}

#[test]
fn series_without_data_go_unless_held() {
    let head = open(&MemFs::new());
    let mut b = Batch::default();
    b.push_new(labels("held", 0), 0, 1.0);
    b.push_new(labels("gone", 0), 0, 1.0);
    let slots: Vec<Slot> = head.commit(&b).unwrap().new.into_iter().flatten().collect();
    head.release(&slots[1..]);
    fill(&head, 1000, 4000);
    let view = head.view(i64::MIN, i64::MAX);
    head.truncate(2000).unwrap();
    drop(view);
    head.maintain().unwrap();
    assert_eq!(head.series_count(), 41);
    assert_eq!(head.labels(slots[0]), labels("held", 0));
    let mut b = Batch::default();
    b.push(slots[0], 4000, 2.0);
    b.push_new(labels("next", 0), 4000, 3.0);
    let done = head.commit(&b).unwrap();
    assert_eq!(done.new, [Some(slots[1])], "its slot is used again");
    assert_eq!(head.labels(slots[1]), labels("next", 0));
    let got = dump(&head);
    assert_eq!(got.iter().find(|(l, _)| *l == labels("next", 0)).unwrap().1, [(4000, 3.0f64.to_bits())]);
}

#[test]
fn the_log_is_checkpointed_and_comes_back() {
    let fs = MemFs::new();
    let head = open(&fs);
    fill(&head, 0, 30_000);
    let wal = Path::new("/data/wal");
    let before = list_segments(&fs, wal).unwrap();
    assert!(before.len() > 6, "{before:?}");
    head.maintain().unwrap();
    head.truncate(28_000).unwrap();
    let (checkpoints, after) = (list_checkpoints(&fs, wal).unwrap(), list_segments(&fs, wal).unwrap());
    assert_eq!(checkpoints.len(), 1);
    assert_eq!(after[0], checkpoints[0] + 1);
    fill(&head, 30_000, 31_000);
    head.truncate(29_500).unwrap();
    let want = dump(&head);
    assert_eq!(head.stats().checkpoints_failed, 0);
    drop(head);
    let head = open_with(&fs, HeadOptions { min_valid_time: 29_500, ..options() });
    assert_eq!(dump(&head), want);
    assert_eq!((head.stats().replay_unknown_refs, head.stats().wal_corruptions), (0, 0));
    // References go on after the highest one.
    let mut b = Batch::default();
    b.push_new(labels("new", 0), 31_000, 0.0);
    head.commit(&b).unwrap();
    assert_eq!(head.last_ref.load(Ordering::Relaxed), 41);
}

#[test]
fn a_series_that_went_and_came_back_keeps_its_samples() {
    let fs = MemFs::new();
    let head = open(&fs);
    put(&head, 1, 0, 5.0);
    fill(&head, 1000, 4000);
    head.truncate(2000).unwrap();
    for t in (4000..9000).step_by(20) {
        let mut b = Batch::default();
        b.push_new(labels("x", 1), t, 1.0);
        head.release(&head.commit(&b).unwrap().new.into_iter().flatten().collect::<Vec<_>>());
    }
    head.truncate(6000).unwrap();
    fill(&head, 9000, 9100);
    head.maintain().unwrap();
    let want = dump(&head);
    drop(head);
    let again = open_with(&fs, HeadOptions { min_valid_time: 6000, ..options() });
    assert_eq!(dump(&again), want);
}

#[test]
fn a_block_source_has_all_samples_of_its_range() {
    let head = open(&MemFs::new());
    fill(&head, 0, 4000);
    head.maintain().unwrap();
    head.delete(&[Matcher::equal("i", "7")], 1000, 1100).unwrap();
    let mut src = head.block_source(1000, 2000);
    let (mut sym, mut symbols) = (String::new(), Vec::new());
    while src.next_symbol(&mut sym).unwrap() {
        symbols.push(sym.clone());
    }
    assert!(symbols.windows(2).all(|w| w[0] < w[1]));
    assert!(symbols.contains(&"m".to_owned()) && symbols.contains(&"39".to_owned()));
    let mut got = Vec::new();
    let mut s = SourceSeries::default();
    while src.next_series(&mut s).unwrap() {
        let mut cols = Columns::default();
        for c in &s.chunks {
            let at = cols.t.len();
            crate::chunk::decode(c.encoding, &c.data, i64::MIN, i64::MAX, &mut cols).unwrap();
            assert_eq!((cols.t[at], *cols.t.last().unwrap()), (c.mint, c.maxt));
        }
        got.push((
            s.labels.clone(),
            cols.t.iter().zip(&cols.v).map(|(t, v)| (*t, v.to_bits())).collect::<Vec<_>>(),
        ));
    }
    let want: Vec<_> = dump(&head)
        .into_iter()
        .map(|(l, s)| (l, s.into_iter().filter(|(t, _)| (1000..2000).contains(t)).collect::<Vec<_>>()))
        .collect();
    assert_eq!(got, want);
}
