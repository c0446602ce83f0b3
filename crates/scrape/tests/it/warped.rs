//! Warped scrapes: a past made through real requests.

use crate::rig::{Rig, config, group};
use crate::server::Server;
use tortie_scrape::PoolConfig;

#[tokio::test]
async fn every_instant_of_the_grid_is_scraped_in_order() {
    let rig = Rig::new(PoolConfig { interval_ms: 15_000, timeout_ms: 10_000, ..config() }).await;
    let second = Server::start().await;
    second.body("a 2\n");
    rig.server.body("a 1\n");
    rig.groups.send_replace(group(&[rig.server.addr.to_string(), second.addr.to_string()]));
    rig.apply(PoolConfig { interval_ms: 15_000, timeout_ms: 10_000, ..config() });
    let mut steps = Vec::new();
    let scrapes = rig.manager.run_warped(1_000_000, 1_150_000, |at| {
        steps.push(at);
        true
    });
    assert_eq!(scrapes.await, 20);
    assert!(steps.windows(2).all(|w| w[0] < w[1]));
    assert!(steps.iter().all(|at| (1_000_000..1_150_000).contains(at)));
    for (_, samples) in rig.sink.all() {
        assert_eq!(samples.len(), 10);
        assert!(samples.windows(2).all(|w| w[1].0 - w[0].0 == 15_000), "{samples:?}");
    }
}

#[tokio::test]
async fn it_ends_when_told() {
    let rig = Rig::new(config()).await;
    rig.server.body("a 1\n");
    let mut left = 3;
    let scrapes = rig.manager.run_warped(0, i64::MAX, |_| {
        left -= 1;
        left > 0
    });
    assert_eq!(scrapes.await, 2);
}
