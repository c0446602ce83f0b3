//! A reader sees whole commits, and none that came after it.

use super::*;
use std::sync::atomic::AtomicBool;
use tortie_model::storage::Newest;

#[test]
fn a_view_stands_still() {
    let head = Head::in_memory(options());
    for k in 0..30 {
        put(&head, 3, k * 40, k as f64);
    }
    let view = head.view(i64::MIN, i64::MAX);
    let before = dump_view(&view);
    for k in 30..90 {
        put(&head, 5, k * 40, k as f64);
    }
    assert_eq!(dump_view(&view), before, "over chunks that were cut since");
    let set = view.select(&SelectHints::default(), &[Matcher::equal("i", "2")]).unwrap();
    let newest = set.newest(0, 0, 1_000_000, &mut Columns::default()).unwrap();
    assert_eq!(newest, Some(Newest::Float { t: 29 * 40, v: 31.0 }));
    drop(set);
    let middle = head.view(i64::MIN, i64::MAX);
    let seen = dump_view(&middle);
    put(&head, 5, 90 * 40, 0.0);
    drop(view);
    put(&head, 5, 91 * 40, 0.0);
    assert_eq!(dump_view(&middle), seen, "the younger view is kept right when the older one ends");
    drop(middle);
    put(&head, 5, 92 * 40, 0.0);
    assert_eq!(dump(&head)[0].1.len(), 93);
    let undo: usize = head.pages().iter().map(|p| super::super::read(p).undo.len()).sum();
    assert_eq!(undo, 0, "nothing is kept once no reader is open");
}

#[test]
fn readers_beside_a_writer_see_whole_commits() {
    const SERIES: usize = 1200; // over three pages
    let head = Arc::new(Head::in_memory(HeadOptions { chunk_range_ms: 3_600_000, ..options() }));
    let mut first = Batch::default();
    for i in 0..SERIES {
        first.push_new(labels("m", i), 0, 0.0);
    }
    let slots: Vec<Slot> = head.commit(&first).unwrap().new.into_iter().flatten().collect();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (head, stop) = (Arc::clone(&head), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut t = 0;
            let mut b = Batch::default();
            while !stop.load(Ordering::Relaxed) {
                t += 1;
                b.clear();
                slots.iter().for_each(|s| b.push(*s, t, t as f64));
                assert!(head.commit(&b).unwrap().refused.is_empty());
                // Locks are not fair: let the reader in.
                std::thread::yield_now();
            }
            t
        })
    };
    let mut scratch = Columns::default();
    for round in 0..60 {
        let view = head.view(i64::MIN, i64::MAX);
        let set = view.select(&SelectHints::default(), &[Matcher::equal("__name__", "m")]).unwrap();
        assert_eq!(set.len(), SERIES);
        let mut seen = None;
        for i in 0..SERIES {
            let now = set.newest(i, -1, i64::MAX, &mut scratch).unwrap();
            assert_eq!(*seen.get_or_insert(now), now, "round {round} series {i}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.join().unwrap() > 0);
}
