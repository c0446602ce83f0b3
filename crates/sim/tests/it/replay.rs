//! Recorded scrapes over HTTP.

use std::path::Path;

use tortie_host::RealFs;
use tortie_sim::{Replay, ReplayOptions};

use crate::client::{Answer, get};

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("felix.00.prom", "# TYPE a counter\na 1\n"),
        ("felix.01.prom", "# TYPE a counter\na 2\n"),
        ("typha.00.prom", "b{x=\"y\"} NaN\n"),
        ("typha.proto", "not text"),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

async fn start(dir: &Path, options: ReplayOptions) -> Replay {
    Replay::start(&RealFs, dir, options).await.unwrap()
}

async fn scrape(replay: &Replay, i: usize, gzip: bool) -> Answer {
    let address = replay.targets()[i].address;
    tokio::task::spawn_blocking(move || get(address, "/metrics", gzip)).await.unwrap().unwrap()
}

#[tokio::test]
async fn body_k_is_the_kth_answer_of_each_port() {
    let dir = folder();
    let replay = start(dir.path(), ReplayOptions { copies: 2, ..ReplayOptions::default() }).await;
    let names: Vec<(&str, usize)> = replay.targets().iter().map(|t| (t.name.as_str(), t.copy)).collect();
    assert_eq!(names, [("felix", 0), ("felix", 1), ("typha", 0), ("typha", 1)]);
    let first = scrape(&replay, 0, false).await;
    assert_eq!(first.text(), "# TYPE a counter\na 1\n");
    assert!(!first.head.contains("X-Replay-Done"));
    assert_eq!(scrape(&replay, 0, true).await.unzipped(), "# TYPE a counter\na 2\n");
    assert!(!replay.done());
    let after = scrape(&replay, 0, false).await;
    assert_eq!(after.text(), "# TYPE a counter\na 2\n");
    assert!(after.head.contains("X-Replay-Done: 1\r\n"));
    assert_eq!(scrape(&replay, 1, false).await.text(), "# TYPE a counter\na 1\n");
    assert_eq!((replay.scrapes(0), replay.scrapes(1), replay.scrapes(2)), (3, 1, 0));
}

#[tokio::test]
async fn cycling_begins_again_and_time_goes_on() {
    let dir = folder();
    let options = ReplayOptions {
        cycle: true,
        timestamps: true,
        start_ms: 1_000_000,
        interval_ms: 5000,
        ..ReplayOptions::default()
    };
    let replay = start(dir.path(), options).await;
    for expect in ["a 1 1000000", "a 2 1005000", "a 1 1010000"] {
        assert_eq!(scrape(&replay, 0, false).await.text(), format!("# TYPE a counter\n{expect}\n"));
    }
    assert_eq!(scrape(&replay, 1, true).await.unzipped(), "b{x=\"y\"} NaN 1000000\n");
    assert!(replay.file_sd().contains("\"job\": \"typha\""));
    replay.stop();
}

#[tokio::test]
async fn a_folder_without_scrapes_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let fails = Replay::start(&RealFs, dir.path(), ReplayOptions::default()).await;
    assert!(fails.err().unwrap().to_string().contains("no file named NAME.KK.prom"));
    let fails = Replay::start(&RealFs, &dir.path().join("x"), ReplayOptions::default()).await;
    assert!(fails.is_err());
}
