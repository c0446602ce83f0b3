//! Sending alerts, against Alertmanagers that the test plays: one that is down for an hour, hangs, answers 500, 429 or 400;
//! restarts; storms. Time is tokio's paused clock, so an hour takes no time.

#![allow(clippy::disallowed_methods)] // a test binary

mod over_http;
mod storm;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tortie_alerts::{Alert, Answer, Manager, Options, Post, SetSettings, Settings};
use tortie_config::Config;
use tortie_discovery::{Job, Source, TargetGroup};
use tortie_host::{Clock, Fs, MemFs};
use tortie_model::Labels;

/// Wall time when the test begins, milliseconds.
const BEGIN: i64 = 1_700_000_000_000;

/// A clock that follows tokio's paused time.
struct Paused(Instant);

impl Clock for Paused {
    fn now_ms(&self) -> i64 {
        BEGIN + self.0.elapsed().as_millis() as i64
    }
    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// How an Alertmanager of the test answers.
#[derive(Clone)]
enum Mood {
    Well,
    Status(u16),
    RetryAfter(u64),
    Down,
    Hangs,
}

/// All Alertmanagers of a test by address: moods, and what came when.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<HashMap<String, Played>>>, Option<Instant>);

/// The mood of one, and the alerts of each request with its time.
type Played = (Option<Mood>, Vec<(Duration, Vec<Json>)>);

impl Fake {
    fn new() -> Fake {
        Fake(Arc::default(), Some(Instant::now()))
    }

    fn set(&self, host: &str, mood: Mood) {
        self.0.lock().unwrap().entry(host.to_owned()).or_default().0 = Some(mood);
    }

    /// When requests came and what alerts were in them, `-` after resolved ones.
    fn got(&self, host: &str) -> Vec<(Duration, Vec<String>)> {
        let all = self.0.lock().unwrap();
        let requests = all.get(host).map(|(_, r)| r.clone()).unwrap_or_default();
        let now = BEGIN + self.1.map_or(0, |t| t.elapsed().as_millis() as i64);
        let name = |a: &Json| {
            let ends = tortie_model::timestamp::parse(a["endsAt"].as_str().unwrap()).unwrap();
            format!("{}{}", a["labels"]["alertname"].as_str().unwrap(), if ends <= now { "-" } else { "" })
        };
        requests.iter().map(|(t, alerts)| (*t, alerts.iter().map(name).collect())).collect()
    }

    fn names(&self, host: &str) -> Vec<String> {
        self.got(host).into_iter().flat_map(|(_, names)| names).collect()
    }
}

impl Post for Fake {
    fn post(&self, url: &str, body: Bytes, timeout: Duration) -> BoxFuture<'static, Result<Answer, String>> {
        let host = url.split('/').nth(2).unwrap().to_owned();
        let alerts: Vec<Json> = serde_json::from_slice(&body).unwrap();
        let mut all = self.0.lock().unwrap();
        let (mood, requests) = all.entry(host).or_default();
        let mood = mood.clone().unwrap_or(Mood::Well);
        if !matches!(mood, Mood::Down) {
            requests.push((self.1.unwrap().elapsed(), alerts));
        }
        Box::pin(async move {
            let answer = |status: u16, retry_after_s| {
                Ok(Answer { status, status_text: status.to_string(), retry_after_s, body: String::new() })
            };
            match mood {
                Mood::Well => answer(200, None),
                Mood::Status(s) => answer(s, None),
                Mood::RetryAfter(s) => answer(429, Some(s)),
                Mood::Down => Err("connection refused".to_owned()),
                Mood::Hangs => {
                    tokio::time::sleep(timeout).await;
                    Err("context deadline exceeded".to_owned())
                }
            }
        })
    }
}

struct Bed {
    fake: Fake,
    fs: Arc<MemFs>,
    clock: Arc<dyn Clock>,
    manager: Arc<Manager>,
}

fn options() -> Options {
    Options { data: Some(PathBuf::from("/data")), ..Options::default() }
}

fn settings(fake: &Fake, yaml: &str) -> Settings {
    let config = Config::load(yaml, "prometheus.yml").unwrap();
    let labels = config.global.external_labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let sets = config.alerting.alertmanagers.iter().enumerate().map(|(i, am)| SetSettings {
        config: am.clone(),
        job: Job {
            name: format!("config-{i}"),
            sources: vec![Source::Static(
                am.static_configs
                    .iter()
                    .map(|s| TargetGroup {
                        targets: s
                            .targets
                            .iter()
                            .map(|t| Labels::from_pairs([("__address__", t.as_str())]))
                            .collect(),
                        ..TargetGroup::default()
                    })
                    .collect(),
            )],
        },
        post: Arc::new(fake.clone()),
    });
    Settings {
        external_labels: Labels::from_pairs(labels),
        alert_relabel: config.alerting.alert_relabel.clone(),
        sets: sets.collect(),
    }
}

const ONE: &str = "alerting: {alertmanagers: [{static_configs: [{targets: [am]}]}]}";
const THREE: &str = "alerting: {alertmanagers: [{static_configs: [{targets: [a, b, c]}]}]}";

impl Bed {
    fn new(yaml: &str) -> Bed {
        Bed::with(yaml, options())
    }

    fn with(yaml: &str, options: Options) -> Bed {
        let fs = Arc::new(MemFs::new());
        fs.create_dir_all(Path::new("/data")).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Paused(Instant::now()));
        let fake = Fake::new();
        let manager = Manager::new(options, Arc::clone(&fs) as _, Arc::clone(&clock));
        manager.apply(settings(&fake, yaml));
        Bed { fake, fs, clock, manager }
    }

    /// The same disk and Alertmanagers, another process; the old one was killed.
    fn again(&mut self, yaml: &str) {
        let manager = Manager::new(options(), Arc::clone(&self.fs) as _, Arc::clone(&self.clock));
        manager.apply(settings(&self.fake, yaml));
        self.manager = manager;
    }

    fn fires(&self, name: &str) -> Alert {
        let now = self.clock.now_ms();
        Alert {
            labels: Labels::from_pairs([("alertname", name)]),
            annotations: Arc::new([]),
            starts_at_ms: now,
            ends_at_ms: now + 240_000,
            resolved: false,
            generator_url: Arc::from(""),
        }
    }

    fn is_over(&self, name: &str) -> Alert {
        Alert { resolved: true, ends_at_ms: self.clock.now_ms(), ..self.fires(name) }
    }
}

async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_secs(n)).await;
}

#[tokio::test(start_paused = true)]
async fn a01_an_alertmanager_that_was_down_an_hour_is_told_the_newest_within_a_second() {
    let bed = Bed::new(ONE);
    bed.fake.set("am", Mood::Down);
    for _ in 0..60 {
        bed.manager.notify(vec![bed.fires("a"), bed.fires("b")]);
        seconds(60).await;
    }
    bed.manager.notify(vec![bed.is_over("b")]);
    assert_eq!(bed.manager.status()[0].waiting, 2);
    bed.fake.set("am", Mood::Well);
    let before = bed.fake.1.unwrap().elapsed();
    seconds(1).await;
    let got = bed.fake.got("am");
    assert_eq!(got.len(), 1, "{got:?}");
    assert!(got[0].0 - before <= Duration::from_secs(1));
    assert_eq!(got[0].1, ["a", "b-"]);
    let status = &bed.manager.status()[0];
    assert_eq!((status.waiting, status.sent, status.dropped), (0, 2, 0));
    assert!(status.errors > 3600 && status.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a02_one_that_is_down_and_one_that_hangs_hold_up_no_other() {
    let bed = Bed::new(THREE);
    bed.fake.set("a", Mood::Down);
    bed.fake.set("b", Mood::Hangs);
    bed.manager.notify(vec![bed.fires("x")]);
    seconds(1).await;
    bed.manager.notify(vec![bed.fires("y")]);
    seconds(1).await;
    assert_eq!(bed.fake.names("c"), ["x", "y"]);
    assert_eq!(bed.fake.names("a").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a03_errors_of_the_server_are_tried_again_those_of_the_request_are_not() {
    let bed = Bed::new(ONE);
    bed.fake.set("am", Mood::Status(500));
    bed.manager.notify(vec![bed.fires("x")]);
    seconds(10).await;
    let tries = bed.fake.got("am").len();
    assert!((8..30).contains(&tries), "{tries}");
    bed.fake.set("am", Mood::Status(400));
    seconds(10).await;
    assert_eq!(bed.fake.got("am").len(), tries + 1);
    let status = &bed.manager.status()[0];
    assert_eq!((status.waiting, status.dropped), (0, 1));
    assert_eq!(status.last_error.as_deref(), Some("bad response status 400"));
}

#[tokio::test(start_paused = true)]
async fn a03_retry_after_is_honoured() {
    let bed = Bed::new(ONE);
    bed.fake.set("am", Mood::RetryAfter(30));
    bed.manager.notify(vec![bed.fires("x")]);
    seconds(29).await;
    assert_eq!(bed.fake.got("am").len(), 1);
    bed.fake.set("am", Mood::Well);
    seconds(2).await;
    let got = bed.fake.got("am");
    assert_eq!(got.len(), 2);
    assert!(got[1].0 - got[0].0 >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a04_a_full_queue_gives_up_firing_alerts_and_counts_them() {
    let bed = Bed::with(ONE, Options { capacity: 10, ..options() });
    bed.fake.set("am", Mood::Down);
    bed.manager.notify(vec![bed.is_over("over")]);
    bed.manager.notify((0..20).map(|i| bed.fires(&format!("x{i:02}"))).collect());
    let status = &bed.manager.status()[0];
    assert_eq!((status.waiting, status.dropped), (10, 11));
    bed.fake.set("am", Mood::Well);
    seconds(2).await;
    let names = bed.fake.names("am");
    assert_eq!((names[0].as_str(), names.len()), ("over-", 10));
}

#[tokio::test(start_paused = true)]
async fn a05_resolved_alerts_wait_as_long_as_it_takes() {
    let bed = Bed::new(ONE);
    bed.manager.notify(vec![bed.fires("x")]);
    seconds(1).await;
    bed.fake.set("am", Mood::Down);
    bed.manager.notify(vec![bed.is_over("x")]);
    seconds(5 * 3600).await;
    bed.fake.set("am", Mood::Well);
    seconds(1).await;
    assert_eq!(bed.fake.names("am"), ["x-", "x-"], "the first was sent as firing, its end is past now");
    seconds(3600).await;
    assert_eq!(bed.fake.names("am").len(), 2, "told once");
}

#[tokio::test(start_paused = true)]
async fn a06_killed_between_firing_and_resolved_it_says_resolved_once() {
    let mut bed = Bed::new(ONE);
    bed.manager.notify(vec![bed.fires("gone"), bed.fires("stays")]);
    seconds(5).await;
    // Killed: the new process evaluates, and one of the two is no longer true.
    bed.again(ONE);
    for _ in 0..10 {
        bed.manager.notify(vec![bed.fires("stays")]);
        seconds(60).await;
    }
    let after: Vec<String> = bed.fake.names("am").into_iter().skip(2).collect();
    assert_eq!(after.iter().filter(|n| n.starts_with("gone")).count(), 1, "{after:?}");
    let status = &bed.manager.status()[0];
    assert_eq!((status.waiting, status.firing), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a06_killed_at_any_moment_after_the_firing_notice_it_says_resolved_once() {
    // A slow alert follows a first one at once, or while what is kept is being written.
    for (ms, before) in [(0, 0), (1, 0), (50, 0), (700, 0), (0, 1), (20, 90), (0, 150), (0, 400)] {
        let mut bed = Bed::new(ONE);
        bed.manager.notify(vec![bed.fires("first")]);
        tokio::time::sleep(Duration::from_millis(before)).await;
        bed.manager.notify(vec![bed.fires("gone")]);
        while !bed.fake.names("am").contains(&"gone".to_owned()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(ms)).await;
        let came = bed.fake.names("am").len();
        // The new process evaluates, and the alert is no longer true.
        bed.again(ONE);
        for _ in 0..10 {
            bed.manager.notify(vec![bed.fires("first")]);
            seconds(60).await;
        }
        let after: Vec<String> = bed.fake.names("am").into_iter().skip(came).collect();
        let over = after.iter().filter(|n| n.starts_with("gone")).count();
        assert_eq!(over, 1, "killed {ms} ms after it came, {before} ms after another: {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a06_killed_while_a_resolved_alert_waits_it_is_told_after_the_start() {
    let mut bed = Bed::new(ONE);
    bed.fake.set("am", Mood::Down);
    bed.manager.notify(vec![bed.is_over("x")]);
    seconds(5).await;
    bed.fake.set("am", Mood::Well);
    bed.again(ONE);
    seconds(1).await;
    assert_eq!(bed.fake.names("am"), ["x-"]);
}

#[tokio::test(start_paused = true)]
async fn a08_a_crash_repeats_a_resolved_notice_at_most_once() {
    // Killed at any time around the delivery: before, between delivery and the writing of the side file, after.
    for ms in (0..4000).step_by(100) {
        let mut bed = Bed::new(ONE);
        bed.manager.notify(vec![bed.fires("x")]);
        seconds(5).await;
        bed.manager.notify(vec![bed.is_over("x")]);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        bed.again(ONE);
        seconds(600).await;
        // The first one said that it fires.
        let over = bed.fake.names("am").len() - 1;
        assert!((1..=2).contains(&over), "killed after {ms} ms: told {over} times");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strange_side_file_is_ignored_and_written_anew() {
    let mut bed = Bed::new(ONE);
    let file = Path::new("/data").join(tortie_alerts::memory::FILE);
    bed.fs.write_atomic(&file, b"{\"version\":99}").unwrap();
    bed.again(ONE);
    bed.manager.notify(vec![bed.fires("x")]);
    seconds(5).await;
    let text = String::from_utf8(bed.fs.read(&file).unwrap()).unwrap();
    assert!(text.contains("\"version\":1") && text.contains("\"told\":true"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a09_an_alert_that_flaps_waits_once() {
    let bed = Bed::new(ONE);
    bed.fake.set("am", Mood::Down);
    for _ in 0..50 {
        bed.manager.notify(vec![bed.fires("x")]);
        bed.manager.notify(vec![bed.is_over("x")]);
    }
    assert_eq!(bed.manager.status()[0].waiting, 1);
    bed.fake.set("am", Mood::Well);
    seconds(2).await;
    assert_eq!(bed.fake.names("am"), ["x-"]);
}

#[tokio::test(start_paused = true)]
async fn a10_a_storm_is_sent_in_batches_and_bounded() {
    let bed = Bed::with(ONE, Options { data: None, ..options() });
    bed.manager.notify((0..10_000).map(|i| bed.fires(&format!("x{i:05}"))).collect());
    seconds(5).await;
    let got = bed.fake.got("am");
    assert_eq!(got.iter().map(|(_, names)| names.len()).sum::<usize>(), 10_000);
    assert!(got.iter().all(|(_, names)| names.len() <= 256));
    bed.fake.set("am", Mood::Down);
    bed.manager.notify((0..100_000).map(|i| bed.fires(&format!("y{i:06}"))).collect());
    let status = &bed.manager.status()[0];
    assert_eq!((status.waiting, status.dropped), (10_000, 90_000));
}

#[tokio::test(start_paused = true)]
async fn alerts_are_relabelled_for_all_and_for_each_set() {
    let bed = Bed::new(
        "global: {external_labels: {replica: a, cluster: eu}}\nalerting:\n  alert_relabel_configs:\n  - {regex: replica, action: \
         labeldrop}\n  - {source_labels: [alertname], regex: quiet, action: drop}\n  alertmanagers:\n  - static_configs: \
         [{targets: [am]}]\n  - static_configs: [{targets: [other]}]\n    alert_relabel_configs: [{target_label: cluster, \
         replacement: us}]\n",
    );
    bed.manager.notify(vec![bed.fires("x"), bed.fires("quiet")]);
    seconds(1).await;
    let labels = |host: &str| bed.fake.0.lock().unwrap()[host].1[0].1[0]["labels"].to_string();
    assert_eq!(labels("am"), r#"{"alertname":"x","cluster":"eu"}"#);
    assert_eq!(labels("other"), r#"{"alertname":"x","cluster":"us"}"#);
    assert_eq!(bed.fake.names("am"), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_waits_and_one_at_a_new_address_inherits_it() {
    let bed = Bed::new(ONE);
    bed.fake.set("am", Mood::Down);
    bed.manager.notify(vec![bed.is_over("x")]);
    seconds(2).await;
    bed.manager.apply(settings(&bed.fake, ONE));
    assert_eq!(bed.manager.status()[0].waiting, 1);
    bed.manager
        .apply(settings(&bed.fake, "alerting: {alertmanagers: [{static_configs: [{targets: [new]}]}]}"));
    seconds(1).await;
    assert_eq!(bed.fake.names("new"), ["x-"]);
    assert_eq!(bed.manager.alertmanagers(), (vec!["http://new/api/v2/alerts".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_end_sends_what_waits_and_keeps_the_rest() {
    let mut bed = Bed::new("alerting: {alertmanagers: [{static_configs: [{targets: [am, down]}]}]}");
    bed.fake.set("down", Mood::Down);
    bed.manager.notify(vec![bed.is_over("x")]);
    bed.manager.stop(Duration::from_secs(5)).await;
    assert_eq!(bed.fake.names("am"), ["x-"]);
    bed.fake.set("down", Mood::Well);
    bed.again("alerting: {alertmanagers: [{static_configs: [{targets: [am, down]}]}]}");
    seconds(1).await;
    assert_eq!(bed.fake.names("down"), ["x-"]);
    assert_eq!(bed.fake.names("am"), ["x-"]);
}
