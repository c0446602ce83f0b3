//! What becomes of the lines of a body: samples, stale markers, duplicates, labels, timestamps, metadata.

use crate::rig::{Rig, config};
use crate::sink::Samples;
use tortie_model::relabel::{Action, Rule};
use tortie_scrape::PoolConfig;
use tortie_scrape::status::Health;

fn all(rig: &Rig) -> Vec<(String, Samples)> {
    rig.sink.all()
}

fn row(labels: &str, samples: &[(i64, Option<f64>)]) -> (String, Samples) {
    (labels.to_owned(), samples.to_vec())
}

#[tokio::test]
async fn values_follow_and_the_scrape_reports_itself() {
    let rig = Rig::new(config()).await;
    let s = rig.scrape(1000, "# TYPE a counter\na 1\nb{x=\"y\"} 2.5\n").await;
    assert_eq!((s.health, s.samples, s.series_added, s.last_error.as_str()), (Health::Up, 2, 2, ""));
    rig.scrape(2000, "# TYPE a counter\na 3\nb{x=\"y\"} NaN\n").await;
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, Some(3.0))]);
    assert!(rig.sink.samples("b")[1].1.is_some_and(f64::is_nan), "an ordinary NaN is not stale");
    assert_eq!(rig.sink.samples("up"), [(1000, Some(1.0)), (2000, Some(1.0))]);
    assert_eq!(rig.sink.samples("scrape_samples_scraped")[1].1, Some(2.0));
    assert_eq!(rig.sink.samples("scrape_series_added"), [(1000, Some(2.0)), (2000, Some(0.0))]);
    assert_eq!(rig.manager.stats().predicted.get(), 1);
    assert_eq!(rig.manager.stats().rebuilt.get(), 1);
    assert_eq!(rig.sink.commits(), 2, "one commit a scrape");
    let labels = rig.sink.labels_of("up");
    assert_eq!(labels[0].get("job"), Some("job"));
    assert_eq!(labels[0].get("instance"), Some(rig.server.addr.to_string().as_str()));
}

#[tokio::test]
async fn lines_may_come_go_and_change_places() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\nb 1\nc 1\n").await;
    rig.scrape(2000, "c 2\na 2\nd 2\n").await;
    rig.scrape(3000, "c 3\na 3\nd 3\n").await;
    rig.scrape(4000, "a 4\nb 4\n").await;
    assert_eq!(
        all(&rig),
        [
            row("a", &[(1000, Some(1.0)), (2000, Some(2.0)), (3000, Some(3.0)), (4000, Some(4.0))]),
            row("b", &[(1000, Some(1.0)), (2000, None), (4000, Some(4.0))]),
            row("c", &[(1000, Some(1.0)), (2000, Some(2.0)), (3000, Some(3.0)), (4000, None)]),
            row("d", &[(2000, Some(2.0)), (3000, Some(3.0)), (4000, None)]),
        ]
    );
    assert_eq!(rig.sink.held(), 2 + 5, "gone series are given up, five reports stay");
}

#[tokio::test]
async fn a_broken_line_fails_the_whole_scrape_with_its_place() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\nb 1\n").await;
    let s = rig.scrape(2000, "a 2\nb{ 2\n").await;
    assert_eq!(s.health, Health::Down);
    assert_eq!(
        s.last_error,
        "expected label name, got \"2\" (\"INVALID\") while parsing: \"b{ 2\" (line 2, column 4)"
    );
    assert_eq!(
        all(&rig),
        [row("a", &[(1000, Some(1.0)), (2000, None)]), row("b", &[(1000, Some(1.0)), (2000, None)])]
    );
    assert_eq!(rig.sink.samples("up"), [(1000, Some(1.0)), (2000, Some(0.0))]);
    // A second failure writes no second marker, and afterwards everything comes back without being new.
    rig.scrape(3000, "<html>").await;
    let s = rig.scrape(4000, "a 4\nb 4\n").await;
    assert_eq!((s.health, s.series_added), (Health::Up, 0));
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, None), (4000, Some(4.0))]);
    assert_eq!(s.history, [true, false, false, true]);
    assert_eq!(s.since_ms, 4000);
}

#[tokio::test]
async fn an_empty_body_is_a_scrape_that_succeeded() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\n").await;
    let s = rig.scrape(2000, "").await;
    assert_eq!((s.health, s.samples), (Health::Up, 0));
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, None)]);
}

#[tokio::test]
async fn the_first_of_repeated_series_is_kept() {
    let rig = Rig::new(config()).await;
    for at in [1000, 2000] {
        let s = rig.scrape(at, "a 1\na 2\nb{x=\"1\",y=\"2\"} 1\nb{y=\"2\",x=\"1\"} 2\n").await;
        assert_eq!((s.health, s.samples), (Health::Up, 4));
        assert_eq!(s.last_warning, "not stored: 2 duplicate samples (the first of each series is kept)");
    }
    assert_eq!(
        all(&rig),
        [
            row("a", &[(1000, Some(1.0)), (2000, Some(1.0))]),
            row("b{x=1,y=2}", &[(1000, Some(1.0)), (2000, Some(1.0))])
        ]
    );
    assert_eq!(rig.manager.stats().duplicates.get(), 4);
    assert_eq!(rig.value("scrape_samples_post_metric_relabeling"), 4.0);
    rig.scrape(3000, "x 1\n").await;
    assert_eq!(rig.sink.held(), 1 + 5);
}

#[tokio::test]
async fn another_text_of_a_known_series_is_a_repetition_too() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "b{x=\"1\",y=\"2\"} 1\n").await;
    rig.scrape(2000, "b{x=\"1\",y=\"2\"} 2\nb{y=\"2\",x=\"1\"} 3\n").await;
    let s = rig.scrape(3000, "b{x=\"1\",y=\"2\"} 4\nb{y=\"2\",x=\"1\"} 5\n").await;
    assert_eq!(rig.sink.samples("b"), [(1000, Some(1.0)), (2000, Some(2.0)), (3000, Some(4.0))]);
    assert!(s.last_warning.contains("1 duplicate"), "{}", s.last_warning);
    assert_eq!(rig.sink.held(), 1 + 5);
}

#[tokio::test]
async fn explicit_timestamps() {
    let rig = Rig::new(config()).await;
    let s = rig.scrape(1000, "a 1 500\na 2 600\nb 3\n").await;
    assert_eq!(s.last_warning, "");
    rig.scrape(2000, "a 1 1500\na 2 1600\nb 3\n").await;
    rig.scrape(3000, "c 1\n").await;
    let expect = [
        row("a", &[(500, Some(1.0)), (600, Some(2.0)), (1500, Some(1.0)), (1600, Some(2.0))]),
        row("b", &[(1000, Some(3.0)), (2000, Some(3.0)), (3000, None)]),
        row("c", &[(3000, Some(1.0))]),
    ];
    assert_eq!(all(&rig), expect, "series with their own time get no stale marker");
}

#[tokio::test]
async fn explicit_timestamps_can_be_ignored_or_tracked() {
    let rig = Rig::new(PoolConfig { honor_timestamps: false, ..config() }).await;
    rig.scrape(1000, "a 1 500\n").await;
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0))]);

    let rig = Rig::new(PoolConfig { track_timestamps_staleness: true, ..config() }).await;
    rig.scrape(1000, "a 1 500\n").await;
    rig.scrape(2000, "b 1\n").await;
    assert_eq!(rig.sink.samples("a"), [(500, Some(1.0)), (2000, None)]);
}

#[tokio::test]
async fn samples_of_the_far_future_are_out_of_bounds() {
    let rig = Rig::new(config()).await;
    let s = rig.scrape(1000, "a 1 99999999999999\nb 1\n").await;
    assert_eq!(s.health, Health::Up);
    assert_eq!(all(&rig), [row("b", &[(1000, Some(1.0))])]);
    assert_eq!(rig.manager.stats().out_of_bounds.get(), 1);
}

#[tokio::test]
async fn labels_of_the_target_win_unless_honored() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a{job=\"mine\"} 1\n").await;
    let l = &rig.sink.labels_of("a")[0];
    assert_eq!((l.get("job"), l.get("exported_job")), (Some("job"), Some("mine")));

    let rig = Rig::new(PoolConfig { honor_labels: true, ..config() }).await;
    rig.scrape(1000, "a{job=\"mine\"} 1\n").await;
    let l = &rig.sink.labels_of("a")[0];
    assert_eq!((l.get("job"), l.get("exported_job")), (Some("mine"), None));
}

fn drop_rule(regex: &str) -> Rule {
    Rule {
        source_labels: vec!["__name__".into()],
        action: Action::Drop,
        regex: tortie_model::regex::Regex::anchored(regex).unwrap(),
        ..Rule::default()
    }
}

#[tokio::test]
async fn metric_relabelling_drops_and_counts() {
    let rig = Rig::new(PoolConfig { metric_relabel: vec![drop_rule("go_.*")], ..config() }).await;
    for at in [1000, 2000] {
        rig.scrape(at, "go_a 1\na 1\ngo_b 1\ngo_c 1\nb 1\n").await;
        assert_eq!(
            (rig.value("scrape_samples_scraped"), rig.value("scrape_samples_post_metric_relabeling")),
            (5.0, 2.0)
        );
    }
    assert_eq!(rig.manager.stats().predicted.get(), 1);
    assert_eq!(all(&rig).len(), 2);
}

#[tokio::test]
async fn changed_rules_make_all_labels_anew_and_mark_what_is_left_behind() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\nb 1\n").await;
    rig.apply(PoolConfig { metric_relabel: vec![drop_rule("b")], ..config() });
    rig.scrape(2000, "a 2\nb 2\n").await;
    rig.scrape(3000, "a 3\nb 3\n").await;
    assert_eq!(
        all(&rig),
        [
            row("a", &[(1000, Some(1.0)), (2000, Some(2.0)), (3000, Some(3.0))]),
            row("b", &[(1000, Some(1.0)), (2000, None)])
        ]
    );
    assert_eq!(rig.sink.held(), 1 + 5);
    assert_eq!(rig.manager.stats().predicted.get(), 1);
}

#[tokio::test]
async fn a_failed_commit_loses_that_scrape_only() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\n").await;
    rig.sink.fail(true);
    let s = rig.scrape(2000, "a 2\nb 2\n").await;
    assert!(s.last_warning.contains("no space left on device"), "{}", s.last_warning);
    rig.sink.fail(false);
    rig.scrape(3000, "a 3\nb 3\n").await;
    assert_eq!(
        all(&rig),
        [row("a", &[(1000, Some(1.0)), (3000, Some(3.0))]), row("b", &[(3000, Some(3.0))])]
    );
}

#[tokio::test]
async fn a_panic_is_caught_and_the_target_goes_on() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\n").await;
    rig.sink.panic(true);
    rig.scrape(2000, "a 2\nb 2\n").await;
    assert_eq!(rig.manager.stats().panics.get(), 1);
    rig.sink.panic(false);
    let s = rig.scrape(3000, "a 3\nb 3\n").await;
    assert_eq!(s.health, Health::Up);
    assert_eq!(
        all(&rig),
        [row("a", &[(1000, Some(1.0)), (3000, Some(3.0))]), row("b", &[(3000, Some(3.0))])]
    );
}

#[tokio::test]
async fn metadata_comes_from_the_last_body() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "# HELP a one\\ntwo\n# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 1\n\n# TYPE b summary\nb 2\n# HELP c last\n").await;
    let seen: Vec<_> = rig.manager.metadata(None).into_iter().map(|m| (m.metric, m.kind, m.help)).collect();
    let expect = [("a", "counter", "one\ntwo"), ("b", "summary", ""), ("c", "unknown", "last")];
    assert_eq!(seen, expect.map(|(m, k, h)| (m.to_owned(), k, h.to_owned())));
    assert_eq!(rig.manager.metadata(Some("b")).len(), 1);
    assert_eq!(rig.manager.target_metadata(|l| l.get("job") == Some("other"), None).len(), 0);
    assert_eq!(
        rig.manager.target_metadata(|l| l.get("job") == Some("job"), Some("a"))[0].metadata.kind,
        "counter"
    );
}
