//! What an alert on its way takes in memory, counted: in the queue, once it was told, while the side file is written and read.

#![allow(clippy::disallowed_methods, clippy::print_stdout)] // a test binary

use std::path::Path;
use std::sync::Arc;
use tortie_alerts::Alert;
use tortie_alerts::memory::{self, Kept};
use tortie_alerts::queue::Queue;
use tortie_host::{Counting, RealFs};
use tortie_model::Labels;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

const ALERTS: usize = 10_000;

fn alerts() -> Vec<Arc<Alert>> {
    let url: Arc<str> = "http://localhost:9090/graph?g0.expr=storm+%3E+0&g0.tab=1".into();
    (0..ALERTS)
        .map(|i| {
            let (pod, node) = (format!("calico-node-{i:06}"), format!("node-{:05}.example", i / 10));
            let summary = format!("{pod} on {node} is at 1");
            let description = format!("Something is wrong with {pod} of calico-system: 1.");
            Arc::new(Alert {
                labels: Labels::from_pairs([
                    ("alertname", "Storm"),
                    ("job", "calico-node"),
                    ("namespace", "calico-system"),
                    ("node", &node),
                    ("pod", &pod),
                    ("severity", "critical"),
                ]),
                annotations: Arc::new([("description".into(), description), ("summary".into(), summary)]),
                starts_at_ms: 1,
                ends_at_ms: 2,
                resolved: false,
                generator_url: Arc::clone(&url),
            })
        })
        .collect()
}

/// Bytes that stayed and most bytes at a time beyond those of before.
fn counted<T>(f: impl FnOnce() -> T) -> (i64, usize, T) {
    let held = ALLOCATOR.held();
    ALLOCATOR.take_most();
    let out = f();
    let most = ALLOCATOR.take_most() - held;
    (ALLOCATOR.held() as i64 - held as i64, most, out)
}

#[test]
fn a_queue_holds_what_it_has_places_for_and_the_side_file_is_written_in_pieces() {
    let all = alerts();
    let each = |bytes: i64| bytes / ALERTS as i64;
    let (small, _, _) = counted(|| {
        let mut queue = Queue::new(100);
        all.iter().for_each(|a| queue.push(Arc::clone(a)));
        queue
    });
    let (waiting, _, mut queue) = counted(|| {
        let mut queue = Queue::new(ALERTS);
        all.iter().for_each(|a| queue.push(Arc::clone(a)));
        queue
    });
    let (told, _, ()) = counted(|| {
        let sent = queue.take(ALERTS);
        queue.delivered(&sent);
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(memory::FILE);
    let kept = Kept::from([("http://am".to_owned(), queue.to_keep())]);
    let (_, writing, ()) = counted(|| memory::save(&RealFs, Path::new(&file), &kept).unwrap());
    let size = std::fs::metadata(&file).unwrap().len() as usize;
    let (_, reading, again) = counted(|| memory::load(&RealFs, &file).unwrap());
    assert_eq!(again.values().map(Vec::len).sum::<usize>(), ALERTS);
    println!(
        "bytes: {small} of a queue of 100; an alert: waiting {}, told {} more; a file of {size}: writing {writing}, reading {reading}",
        each(waiting),
        each(told)
    );
    assert!(small < 12_000, "a queue of 100 places takes {small} bytes");
    assert!(each(waiting) < 120, "an alert that waits takes {} bytes", each(waiting));
    assert!(waiting + told < 120 * ALERTS as i64, "one that was told takes {}", each(waiting + told));
    assert!(writing < 400_000, "writing a file of {size} takes {writing} bytes");
    assert!(reading < 3 * size, "reading a file of {size} takes {reading} bytes");
}
