//! Into the real head: what was scraped can be read.

use crate::rig::{config, group};
use crate::server::Server;
use std::sync::Arc;
use tokio::sync::watch;
use tortie_host::{CpuPool, MemFs, SystemClock};
use tortie_model::stale::is_stale;
use tortie_model::storage::{Queryable, SelectHints};
use tortie_model::{Columns, MatchOp, Matcher};
use tortie_scrape::{Options, PoolInput, ScrapeManager};
use tortie_tsdb::head::{Head, HeadOptions};

#[tokio::test]
async fn samples_and_markers_arrive() {
    let server = Server::start().await;
    let head = Arc::new(Head::in_memory(HeadOptions::default()));
    let manager = ScrapeManager::new(
        Arc::clone(&head) as _,
        Arc::new(SystemClock::new()),
        Arc::new(MemFs::new()),
        CpuPool::start(1, 4),
        Options::default(),
    );
    let groups = watch::Sender::new(group(&[server.addr.to_string()]));
    manager.apply(vec![PoolInput { config: config(), groups: groups.subscribe() }]).unwrap();
    for (at, body) in [
        (1000, "a 1\nb{x=\"1\"} 1\nb{x=\"2\"} 1\n"),
        (2000, "a 2\nb{x=\"1\"} 2\nb{x=\"2\"} 2\n"),
        (3000, "b{x=\"1\"} 3\nc 3\n"),
    ] {
        server.body(body);
        manager.scrape_all_at(at).await;
        assert_eq!(manager.targets()[0].last_error, "");
        assert_eq!(manager.targets()[0].last_warning, "");
    }
    assert_eq!(head.series_count(), 4 + 5);
    let read = |name: &str| {
        let querier = head.querier(0, 10_000).unwrap();
        let matchers = [Matcher::new(MatchOp::Equal, "__name__", name).unwrap()];
        let set = querier
            .select(&SelectHints { mint: 0, maxt: 10_000, ..SelectHints::default() }, &matchers)
            .unwrap();
        let mut columns = Columns::default();
        (0..set.len())
            .map(|i| {
                set.read(i, 0, 10_000, &mut columns).unwrap();
                columns
                    .t
                    .iter()
                    .zip(&columns.v)
                    .map(|(t, v)| (*t, (!is_stale(*v)).then_some(*v)))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(read("a"), [[(1000, Some(1.0)), (2000, Some(2.0)), (3000, None)]]);
    assert_eq!(
        read("b"),
        [
            [(1000, Some(1.0)), (2000, Some(2.0)), (3000, Some(3.0))],
            [(1000, Some(1.0)), (2000, Some(2.0)), (3000, None)]
        ]
    );
    assert_eq!(read("c"), [[(3000, Some(3.0))]]);
    assert_eq!(read("up"), [[(1000, Some(1.0)), (2000, Some(1.0)), (3000, Some(1.0))]]);
}
