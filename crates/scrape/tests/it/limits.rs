//! Limits: what is over one fails as a whole, and nothing grows without bound.

use crate::rig::{Rig, config};
use crate::server::{Reply, ok};
use std::io::Write;
use tortie_scrape::PoolConfig;
use tortie_scrape::status::Health;

#[tokio::test]
async fn sample_limit_counts_what_is_left() {
    let rig = Rig::new(PoolConfig { sample_limit: 2, ..config() }).await;
    assert_eq!(rig.scrape(1000, "a 1\nb 1\n").await.health, Health::Up);
    for at in [2000, 3000] {
        let s = rig.scrape(at, "a 1\nb 1\nc 1\n").await;
        assert_eq!(s.last_error, "sample limit exceeded");
        assert_eq!(
            (rig.value("scrape_samples_scraped"), rig.value("scrape_samples_post_metric_relabeling")),
            (3.0, 3.0)
        );
    }
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, None)]);
    assert_eq!(rig.manager.stats().sample_limit.get(), 2);
    // The same lines as before, under a limit that they are over now.
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\nb 1\n").await;
    rig.apply(PoolConfig { sample_limit: 1, ..config() });
    assert_eq!(rig.scrape(2000, "a 1\nb 1\n").await.last_error, "sample limit exceeded");
}

#[tokio::test]
async fn label_limits_fail_the_scrape() {
    let rig = Rig::new(PoolConfig { label_limit: 3, ..config() }).await;
    let s = rig.scrape(1000, "a 1\nb{x=\"1\"} 1\n").await;
    assert_eq!(s.last_error, "label_limit exceeded (metric: b, number of labels: 4, limit: 3)");
    assert_eq!(rig.manager.stats().label_limits.get(), 1);
    assert_eq!(rig.sink.all(), []);
}

#[tokio::test]
async fn body_size_limit_is_of_uncompressed_bytes_and_exact_size_fails() {
    let config = || PoolConfig { body_size_limit: 8, extra_scrape_metrics: true, ..config() };
    let rig = Rig::new(config()).await;
    assert_eq!(rig.scrape(1000, "aaa 1\n").await.health, Health::Up);
    assert_eq!(rig.value("scrape_body_size_bytes"), 6.0);
    assert_eq!(rig.scrape(2000, "aaaaa 1\n").await.last_error, "body size limit exceeded");
    assert_eq!(rig.value("scrape_body_size_bytes"), -1.0);
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    e.write_all(&vec![b'\n'; 10_000_000]).unwrap();
    rig.server.reply(Reply::Keep(ok(&e.finish().unwrap(), "Content-Encoding: gzip\r\n")));
    let s = rig.again(3000).await;
    assert_eq!(s.health, Health::Down);
    assert!(rig.manager.stats().body_size_limit.get() >= 2);
}

#[tokio::test]
async fn a_gzip_bomb_stops_at_the_limit() {
    let rig = Rig::new(PoolConfig { body_size_limit: 1 << 20, ..config() }).await;
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    e.write_all(&vec![b'\n'; 100 << 20]).unwrap();
    let bomb = e.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    rig.server.reply(Reply::Keep(ok(&bomb, "Content-Encoding: gzip\r\n")));
    assert_eq!(rig.again(1000).await.last_error, "body size limit exceeded");
}

#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_limit() {
    let rig = Rig::new(PoolConfig {
        body_size_limit: 100_000,
        interval_ms: 60_000,
        timeout_ms: 60_000,
        ..config()
    })
    .await;
    rig.server.reply(Reply::Forever(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n".repeat(100)));
    assert_eq!(rig.again(1000).await.last_error, "body size limit exceeded");
    rig.server.reply(Reply::Stall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10000000000\r\n\r\n".to_vec(),
    ));
    assert_eq!(
        rig.again(2000).await.last_error,
        "body size limit exceeded",
        "an announced length is refused at once"
    );
}

#[tokio::test]
async fn without_a_limit_the_safety_limit_holds() {
    let rig = Rig::new(config()).await;
    rig.server.reply(Reply::Stall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10000000000\r\n\r\n".to_vec(),
    ));
    assert_eq!(
        rig.again(1000).await.last_error,
        "body size limit exceeded (safety limit of 268435456 bytes; hint: set body_size_limit)"
    );
}

#[tokio::test]
async fn big_bodies_are_read_on_the_pool() {
    let rig = Rig::new(config()).await;
    let body = |v: usize| {
        (0..5000).map(|i| format!("metric_number_{i}{{label=\"value\"}} {v}\n")).collect::<String>()
    };
    for (at, v) in [(1000, 1), (2000, 2)] {
        let s = rig.scrape(at, &body(v)).await;
        assert_eq!((s.last_error.as_str(), s.samples), ("", 5000));
        assert!(s.body_bytes > 64 * 1024);
    }
    assert_eq!(rig.sink.samples("metric_number_4999"), [(1000, Some(1.0)), (2000, Some(2.0))]);
    assert_eq!(rig.manager.stats().predicted.get(), 1);
}

#[tokio::test]
async fn over_target_limit_nobody_is_scraped() {
    let rig = Rig::new(PoolConfig { target_limit: 1, ..config() }).await;
    rig.scrape(1000, "a 1\n").await;
    rig.groups.send_replace(crate::rig::group(&[rig.server.addr.to_string(), "127.0.0.1:1".into()]));
    rig.apply(PoolConfig { target_limit: 1, ..config() });
    rig.again(2000).await;
    for s in rig.manager.targets() {
        assert_eq!(s.last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
    }
    assert_eq!(rig.server.requests().len(), 1);
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, None)]);
}
