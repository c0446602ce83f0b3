//! Targets: relabelling, duplicates, dropped ones, reloads.

use crate::rig::{Rig, config, group};
use std::sync::Arc;
use tortie_discovery::TargetGroup;
use tortie_model::Labels;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule};
use tortie_scrape::{ApplyError, PoolConfig, PoolInput};

fn rule(action: Action, source: &str, regex: &str) -> Rule {
    Rule {
        source_labels: vec![source.into()],
        regex: Regex::anchored(regex).unwrap(),
        action,
        ..Rule::default()
    }
}

#[tokio::test]
async fn equal_targets_are_one_and_dropped_ones_are_remembered() {
    let rig = Rig::new(config()).await;
    let labels = |a: &str, drop: &str| Labels::from_pairs([("__address__", a), ("drop", drop)]);
    let targets = vec![
        labels("a:1", "no"),
        labels("a:1", "no"),
        labels("b:1", "yes"),
        labels("c:1", "yes"),
        labels("", "no"),
        labels("x/y", "no"),
    ];
    rig.groups.send_replace(Arc::new(vec![TargetGroup {
        source: "0".into(),
        labels: Labels::empty(),
        targets,
    }]));
    rig.apply(PoolConfig {
        relabel: vec![rule(Action::Drop, "drop", "yes")],
        keep_dropped_targets: 1,
        ..config()
    });
    let all = rig.manager.targets();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].labels, Labels::from_pairs([("drop", "no"), ("instance", "a:1"), ("job", "job")]));
    assert_eq!(all[0].discovered.get("__scrape_interval__"), Some("1s"));
    assert_eq!(rig.manager.dropped().len(), 1);
    assert_eq!(rig.manager.dropped_counts()["job"], 2);
    assert_eq!(rig.manager.sync_failures(), 2);
}

#[tokio::test]
async fn a_reload_keeps_targets_that_stay() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\n").await;
    rig.apply(PoolConfig { sample_limit: 10, honor_timestamps: false, ..config() });
    let s = rig.scrape(2000, "a 2\n").await;
    assert_eq!(s.history, [true, true], "the same target goes on");
    assert_eq!(rig.server.connections(), 1, "with its connection");
    assert_eq!(rig.manager.stats().predicted.get(), 1, "and what it learned");
}

#[tokio::test]
async fn labels_before_relabelling_may_change_without_a_new_target() {
    let rig = Rig::new(config()).await;
    let with = |v: &str| {
        let targets = vec![Labels::from_pairs([("__address__", "a:1"), ("__meta_x", v)])];
        Arc::new(vec![TargetGroup { source: "0".into(), labels: Labels::empty(), targets }])
    };
    rig.groups.send_replace(with("1"));
    rig.apply(config());
    rig.again(1000).await;
    rig.groups.send_replace(with("2"));
    rig.apply(config());
    let s = rig.status();
    assert_eq!((s.discovered.get("__meta_x"), s.last_scrape_ms), (Some("2"), 1000));
}

#[tokio::test]
async fn a_contradiction_changes_nothing() {
    let rig = Rig::new(config()).await;
    let input = |c: PoolConfig| PoolInput { config: c, groups: rig.groups.subscribe() };
    let twice = rig.manager.apply(vec![input(PoolConfig::new("x")), input(PoolConfig::new("x"))]);
    assert_eq!(twice, Err(ApplyError::DuplicateJob("x".into())));
    let bad = rig.manager.apply(vec![input(PoolConfig { timeout_ms: 2000, ..config() })]);
    assert_eq!(bad, Err(ApplyError::Interval("job".into())));
    assert_eq!(rig.manager.pool_names().iter().map(|n| n.to_string()).collect::<Vec<_>>(), ["job"]);
    assert_eq!(rig.manager.targets().len(), 1);
}

#[tokio::test]
async fn targets_with_the_same_lines_share_them() {
    let rig = Rig::new(config()).await;
    let second = crate::server::Server::start().await;
    second.body("a 1\nb{x=\"y\"} 2\n");
    rig.groups.send_replace(group(&[rig.server.addr.to_string(), second.addr.to_string()]));
    rig.apply(config());
    rig.scrape(1000, "a 5\nb{x=\"y\"} 6\n").await;
    let mut w = tortie_wire::text::Writer::new();
    rig.manager.write_metrics(&mut w);
    let text = String::from_utf8(w.into_bytes()).unwrap();
    assert!(text.contains("\ntortie_scrape_templates 1\n"), "{text}");
    assert!(text.contains("\nprometheus_target_scrape_pool_targets{scrape_job=\"job\"} 2\n"), "{text}");
}
