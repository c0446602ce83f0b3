//! What a commit stores and what it refuses.

use super::*;
use crate::append::{AppendError, Refusal};
use tortie_host::fs::Fault;
use tortie_model::storage::Newest;

#[test]
fn slots_of_new_series_are_handed_out_and_used() {
    let head = Head::in_memory(options());
    let mut b = Batch::default();
    b.push_new(labels("m", 0), 10, 1.0);
    b.push_new(labels("m", 1), 10, 2.0);
    b.push_new(labels("m", 0), 10, 3.0);
    let done = head.commit(&b).unwrap();
    assert_eq!((done.created, done.new.clone()), (2, vec![Some(Slot(0)), Some(Slot(1)), Some(Slot(0))]));
    assert_eq!(done.refused, [(2, Refusal::DuplicateTimestamp)], "the first of a repeated series stays");
    let mut b = Batch::default();
    b.push(Slot(0), 20, 1.5);
    b.push(Slot(1), 20, 2.5);
    b.push(Slot(1), 15, 0.0);
    b.push(Slot(1), 20, 2.5);
    assert_eq!(head.commit(&b).unwrap().refused, [(2, Refusal::OutOfOrder)]);
    let got = dump(&head);
    assert_eq!(got[0].1, [(10, 1.0f64.to_bits()), (20, 1.5f64.to_bits())]);
    assert_eq!(head.labels(Slot(1)), labels("m", 1));
    let s = head.stats();
    assert_eq!((s.series, s.samples_appended, s.out_of_order, s.duplicate_timestamp), (2, 4, 1, 1));
    assert_eq!((head.min_time(), head.max_time()), (10, 20));
}

#[test]
fn samples_half_a_range_behind_are_out_of_bounds() {
    let head = Head::in_memory(options());
    put(&head, 1, 10_000, 0.0);
    let mut b = Batch::default();
    b.push_new(labels("late", 0), 9_499, 0.0);
    b.push_new(labels("late", 1), 9_500, 0.0);
    let done = head.commit(&b).unwrap();
    assert_eq!(done.refused, [(0, Refusal::OutOfBounds)]);
    assert_eq!(head.stats().out_of_bounds, 1);
    assert_eq!(head.min_time(), 9_500);
}

#[test]
fn the_newest_of_two_needs_no_decoding_and_agrees_with_it() {
    let head = Head::in_memory(options());
    for k in 0..50 {
        put(&head, 3, k * 40, k as f64);
    }
    let view = head.view(i64::MIN, i64::MAX);
    let set = view.select(&SelectHints::default(), &[Matcher::equal("i", "1")]).unwrap();
    let mut scratch = Columns::default();
    for at in (-50..2100).step_by(7) {
        for back in [1, 30, 90, 5000] {
            let want =
                (0..50).rev().map(|k| (k * 40, k as f64 + 1.0)).find(|(t, _)| *t <= at && *t > at - back);
            let got = set.newest(0, at - back, at, &mut scratch).unwrap();
            assert_eq!(got, want.map(|(t, v)| Newest::Float { t, v }), "at {at} back {back}");
        }
    }
}

#[test]
fn a_full_budget_refuses_new_series_only() {
    let head = Head::in_memory(HeadOptions { memory_cap: 1000, ..options() });
    put(&head, 5, 10, 0.0);
    let s = head.stats();
    assert_eq!((s.series, s.series_limited), (3, 2));
    put(&head, 5, 20, 0.0);
    assert_eq!(head.stats().samples_appended, 6);
}

#[test]
fn a_full_disk_refuses_batches_and_goes_on_when_there_is_room() {
    let fs = MemFs::new();
    let head = open(&fs);
    put(&head, 4, 10, 0.0);
    for room in [0, 1, 7, 20, 60] {
        fs.set_fault(Some(Fault::FullAfter(fs.written() + room)));
        let mut b = Batch::default();
        b.push_new(labels("new", room as usize), 20, 1.0);
        for i in 0..4 {
            b.push_new(labels("m", i), 20 + room as i64, 0.123_456 * room as f64);
        }
        let refused = head.commit(&b);
        assert!(matches!(refused, Err(AppendError::Wal(_))), "room {room}");
        assert!(dump(&head).iter().all(|(_, s)| s.len() == 1), "nothing of a refused batch is visible");
    }
    assert_eq!(head.stats().wal_writes_failed, 5);
    fs.set_fault(None);
    let mut b = Batch::default();
    b.push_new(labels("new", 7), 100, 1.0);
    assert_eq!(head.commit(&b).unwrap().created, 0, "it was created, without samples");
    put(&head, 4, 110, 0.0);
    let want = dump(&head);
    drop(head);
    let again = open(&fs);
    assert_eq!(dump(&again), want);
    assert_eq!(again.stats().wal_corruptions, 0);
    assert_eq!(
        again.stats().replay_unknown_refs,
        0,
        "the series record of the refused batch was written later"
    );
}

#[test]
fn after_close_nothing_is_taken() {
    let head = open(&MemFs::new());
    put(&head, 1, 10, 0.0);
    head.close().unwrap();
    head.close().unwrap();
    assert!(matches!(head.commit(&Batch::default()), Err(AppendError::Closed)));
}

#[test]
fn cardinality_counts_series_by_pair() {
    let head = Head::in_memory(options());
    put(&head, 4, 10, 0.0);
    let mut b = Batch::default();
    b.push_new(Labels::from_pairs([("__name__", "n"), ("i", "1")]), 10, 0.0);
    head.commit(&b).unwrap();
    let c = head.cardinality("", 2);
    assert_eq!(c.series_by_metric, [("m".to_owned(), 4), ("n".to_owned(), 1)]);
    assert_eq!(c.values_by_label, [("i".to_owned(), 4), ("__name__".to_owned(), 2)]);
    assert_eq!(c.series_by_pair, [("__name__=m".to_owned(), 4), ("i=1".to_owned(), 2)]);
    assert_eq!(c.memory_by_label, [("__name__".to_owned(), 5), ("i".to_owned(), 5)]);
    assert_eq!(c.label_pairs, 6);
}

#[test]
fn deleted_ranges_are_hidden_and_stay_so() {
    let fs = MemFs::new();
    let head = open(&fs);
    for t in 1..6 {
        put(&head, 2, t * 10, 0.0);
    }
    assert_eq!(head.delete(&[Matcher::equal("i", "1")], 20, 40).unwrap(), 1);
    let times = |h: &Head| {
        dump(h)
            .into_iter()
            .map(|(_, s)| s.into_iter().map(|(t, _)| t).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let want = [vec![10, 20, 30, 40, 50], vec![10, 50]];
    assert_eq!(times(&head), want);
    drop(head);
    assert_eq!(times(&open(&fs)), want);
}
