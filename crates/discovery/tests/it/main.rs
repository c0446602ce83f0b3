//! Discovery through its public face: files that appear, change, break and go; jobs that come, change and go.

#![allow(clippy::disallowed_methods, clippy::needless_pass_by_value)] // tests wait by the machine's clock; tables read better with values
#![allow(clippy::print_stdout)] // what was compared

#[path = "../clusters/mod.rs"]
mod clusters;
mod crds;
mod kubernetes;

use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch::Receiver;
use tortie_config::Config;
use tortie_discovery::{Job, Manager, TargetGroup};
use tortie_host::{Fs, ManualClock, MemFs};

fn jobs(text: &str) -> Vec<Job> {
    let config = Config::load(text, "/etc/p.yml").unwrap_or_else(|e| panic!("{e}"));
    config.scrape_configs.iter().map(Job::from_config).collect()
}

const FILES: &str = "scrape_configs:\n- job_name: f\n  file_sd_configs: [{files: ['sd/*.yml']}]\n  static_configs: [{targets: [s:1], labels: {a: b}}]\n";

fn addresses(groups: &[TargetGroup]) -> Vec<String> {
    groups.iter().flat_map(|g| &g.targets).map(|t| t.value("__address__").to_owned()).collect()
}

fn put(fs: &MemFs, path: &str, text: &str) {
    fs.write_atomic(Path::new(path), text.as_bytes()).unwrap();
}

async fn next(rx: &mut Receiver<Arc<Vec<TargetGroup>>>) -> Vec<String> {
    rx.changed().await.unwrap();
    addresses(&rx.borrow_and_update())
}

fn disk() -> Arc<MemFs> {
    let fs = Arc::new(MemFs::default());
    fs.create_dir_all(Path::new("/etc/sd")).unwrap();
    fs
}

#[tokio::test(start_paused = true)]
async fn files_appear_change_break_and_go() {
    let fs = disk();
    put(&fs, "/etc/sd/a.yml", "- targets: [a:1]\n");
    let manager = Manager::new(fs.clone(), Arc::new(ManualClock::default()));
    let mut rx = manager.apply(jobs(FILES)).remove("f").unwrap();
    assert_eq!(addresses(&rx.borrow_and_update()), ["a:1", "s:1"], "known at once");

    put(&fs, "/etc/sd/b.yml", "- targets: [b:1]\n");
    assert_eq!(next(&mut rx).await, ["a:1", "b:1", "s:1"]);
    put(&fs, "/etc/sd/b.yml", "- targets: [b:2]\n");
    assert_eq!(next(&mut rx).await, ["a:1", "b:2", "s:1"]);

    // A broken file keeps its targets, says so, and does not keep others from changing.
    put(&fs, "/etc/sd/b.yml", "- targets: [b:3\n");
    put(&fs, "/etc/sd/a.yml", "- targets: [a:2]\n");
    assert_eq!(next(&mut rx).await, ["a:2", "b:2", "s:1"]);
    let problems = manager.problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].0 == "f" && problems[0].1.path == "/etc/sd/b.yml" && problems[0].1.keeps_old,
        "{problems:?}"
    );

    put(&fs, "/etc/sd/b.yml", "- targets: [b:4]\n");
    assert_eq!(next(&mut rx).await, ["a:2", "b:4", "s:1"]);
    assert!(manager.problems().is_empty());
    fs.remove_file(Path::new("/etc/sd/a.yml")).unwrap();
    assert_eq!(next(&mut rx).await, ["b:4", "s:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_never_good_gives_nothing() {
    let fs = disk();
    put(&fs, "/etc/sd/a.yml", "nonsense: [");
    let manager = Manager::new(fs, Arc::new(ManualClock::default()));
    let channels = manager.apply(jobs(FILES));
    assert_eq!(addresses(&channels["f"].borrow()), ["s:1"]);
    assert!(!manager.problems()[0].1.keeps_old);
}

#[tokio::test(start_paused = true)]
async fn jobs_come_change_and_go() {
    let job = |name: &str, target: &str| {
        format!("- job_name: {name}\n  static_configs: [{{targets: ['{target}']}}]\n")
    };
    let manager = Manager::new(disk(), Arc::new(ManualClock::default()));
    let mut channels =
        manager.apply(jobs(&format!("scrape_configs:\n{}{}", job("a", "a:1"), job("b", "b:1"))));
    let (mut a, mut b) = (channels.remove("a").unwrap(), channels.remove("b").unwrap());
    a.mark_unchanged();
    b.mark_unchanged();
    manager.apply(jobs(&format!("scrape_configs:\n{}{}", job("a", "a:1"), job("b", "b:2"))));
    assert!(!a.has_changed().unwrap(), "a job that did not change is left alone");
    assert_eq!(next(&mut b).await, ["b:2"]);
    let channels = manager.apply(jobs(&format!("scrape_configs:\n{}- job_name: c\n", job("a", "a:1"))));
    assert!(b.changed().await.is_err(), "a job that is gone closes its channel");
    assert!(!channels.contains_key("b"));
    assert!(channels["c"].borrow().is_empty(), "a job without targets has a channel too");
}

#[tokio::test(start_paused = true)]
async fn groups_carry_source_and_labels() {
    let fs = disk();
    put(&fs, "/etc/sd/a.yml", "- targets: [a:1]\n  labels: {zone: 1}\n");
    let manager = Manager::new(fs, Arc::new(ManualClock::default()));
    let groups = manager.apply(jobs(FILES))["f"].borrow().clone();
    assert_eq!(groups[0].source, "/etc/sd/a.yml:0");
    assert_eq!(format!("{:?}", groups[0].labels), r#"{"__meta_filepath": "/etc/sd/a.yml", "zone": "1"}"#);
    assert_eq!((groups[1].source.as_str(), groups[1].labels.value("a")), ("0", "b"));
}
