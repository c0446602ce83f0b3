//! Loops on real time: the grid, coming and going of targets, stopping.

use crate::rig::{Rig, config, group};
use crate::server::Reply;
use std::time::{Duration, Instant};
use tortie_scrape::{Options, PoolConfig};

/// Short intervals need a wide tolerance: 1 % of 100 ms is the most that counts.
fn quick() -> PoolConfig {
    PoolConfig { interval_ms: 100, timeout_ms: 100, ..config() }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "waited 20 s for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_scrape_on_their_grid() {
    let rig = Rig::new(quick()).await;
    rig.server.body("a 1\n");
    rig.manager.start();
    until("ten scrapes", || rig.server.requests().len() >= 10).await;
    rig.manager.stop(Duration::from_secs(5)).await;
    let times: Vec<i64> = rig.sink.samples("a").iter().map(|s| s.0).collect();
    let on_grid = times.windows(2).filter(|w| (w[1] - w[0]) % 100 == 0).count();
    assert_eq!(times.windows(2).filter(|w| w[1] <= w[0]).count(), 0, "{times:?}");
    // A loaded machine may miss the millisecond of tolerance, but not always.
    assert!(on_grid >= 1, "{times:?}");
    let off = rig.manager.stats().off_grid.get() as usize;
    assert!(off < times.len(), "{off} of {} off the grid", times.len());
    let stopped = rig.server.requests().len();
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(rig.server.requests().len(), stopped, "nothing is scraped after the stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_goes_is_marked_stale_two_intervals_later() {
    let rig = Rig::new(quick()).await;
    rig.server.body("a 1\n");
    rig.manager.start();
    until("two scrapes", || rig.server.requests().len() >= 2).await;
    rig.groups.send_replace(group(&[]));
    until("no target", || rig.manager.targets().is_empty()).await;
    until("a stale marker", || rig.sink.samples("a").last().is_some_and(|s| s.1.is_none())).await;
    until("stale reports", || rig.sink.samples("up").last().is_some_and(|s| s.1.is_none())).await;
    let a = rig.sink.samples("a");
    let (last, marker) = (a[a.len() - 2].0, a[a.len() - 1].0);
    assert!((marker - last) <= 2 * 100 + 10, "the marker stands where the next scrape would: {a:?}");
    until("all slots given up", || rig.sink.held() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_moves_to_another_loop_is_not_marked_stale() {
    let rig = Rig::new(quick()).await;
    rig.server.body("a 1\n");
    rig.manager.start();
    until("two scrapes", || rig.server.requests().len() >= 2).await;
    // The same series from a target that is another one by its reserved labels.
    rig.apply(PoolConfig { params: vec![("x".into(), vec!["1".into()])], ..quick() });
    until("scrapes of the new one", || {
        rig.server.requests().iter().filter(|r| r.contains("?x=1")).count() >= 6
    })
    .await;
    until("the old loop's end", || rig.sink.held() == 1 + 5).await;
    assert!(rig.sink.samples("a").iter().all(|s| s.1.is_some()), "{:?}", rig.sink.samples("a"));
    rig.manager.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_cuts_off_what_hangs() {
    let rig = Rig::new(PoolConfig { interval_ms: 500, timeout_ms: 500, ..config() }).await;
    rig.server.reply(Reply::Stall(Vec::new()));
    rig.manager.start();
    until("a scrape that hangs", || rig.server.requests().len() == 1).await;
    rig.manager.stop(Duration::ZERO).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(
        (rig.sink.commits(), rig.server.requests().len()),
        (0, 1),
        "nothing is written and nothing begun"
    );
}

#[tokio::test]
async fn timestamps_are_aligned_only_when_asked() {
    let server = crate::server::Server::start().await;
    server.body("a 1\n");
    let options = Options { adjust_timestamps: false, ..Options::default() };
    let rig = Rig::with(quick(), server, options);
    rig.manager.start();
    until("three scrapes", || rig.server.requests().len() >= 3).await;
    rig.manager.stop(Duration::from_secs(5)).await;
    assert!(rig.manager.stats().off_grid.get() >= 3);
}
