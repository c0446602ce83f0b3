//! Reading the configuration again: a good one is taken, a bad one changes nothing.

use crate::http::{get, metric, post, query};
use crate::process::{Running, folder, serve, until_true};
use crate::target::{Target, job, jobs};
use std::path::Path;

const FINE: &str = "prometheus_config_last_reload_successful";

fn pools(run: &Running) -> String {
    get(run.address(), "/api/v1/scrape_pools").json()["data"]["scrapePools"].to_string()
}

fn write(dir: &Path, config: &str) {
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
}

#[test]
fn a_good_file_is_taken_and_a_bad_one_changes_nothing() {
    let (first, second) = (Target::start("a 1\n"), Target::start("b 2\n"));
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("one", &[first.address])]), &["--web.enable-lifecycle"]);
    let a = run.address();
    until_true("the first target", || !query(a, "a").is_empty());

    // A second job by SIGHUP: the first keeps going.
    let both = jobs(&[job("one", &[first.address]), job("two", &[second.address])]);
    write(dir.path(), &both);
    run.signal("HUP");
    until_true("the second target", || !query(a, "b").is_empty());
    assert_eq!(pools(&run), r#"["one","two"]"#);
    let asked = first.asked();
    until_true("the first goes on", || first.asked() > asked + 2);
    assert_eq!(
        query(a, "min_over_time(up{job=\"one\"}[1m])")[0].1,
        "1",
        "the target that stayed was interrupted"
    );

    // A wrong file: everything stays and is said.
    let before = get(a, "/api/v1/status/config").text();
    write(dir.path(), "scrape_configs:\n- job_nam: x\n");
    let refused = post(a, "/-/reload", "");
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("failed to reload config: prometheus.yml:2:3: "), "{}", refused.text());
    assert_eq!(get(a, "/api/v1/status/config").text(), before);
    assert_eq!(pools(&run), r#"["one","two"]"#);
    assert_eq!(metric(a, FINE).as_deref(), Some("0"));
    assert_eq!(get(a, "/api/v1/status/runtimeinfo").json()["data"]["reloadConfigSuccess"], false);
    let notices = get(a, "/api/v1/notifications").json();
    assert_eq!(notices["data"][0]["text"], "Configuration reload has failed.");
    assert_eq!(notices["data"][0]["active"], true);
    let asked = second.asked();
    until_true("scrapes go on with the old configuration", || second.asked() > asked + 1);

    // The same by SIGHUP, when the file is not even there.
    std::fs::remove_file(dir.path().join("prometheus.yml")).unwrap();
    run.signal("HUP");
    until_true("the log names the missing file", || run.err().contains("No such file"));
    assert_eq!(pools(&run), r#"["one","two"]"#);

    // Mended: a job goes, and its series end at once.
    write(dir.path(), &jobs(&[job("two", &[second.address])]));
    let taken = post(a, "/-/reload", "");
    assert_eq!((taken.status, taken.text().as_str()), (200, ""));
    assert_eq!(pools(&run), r#"["two"]"#);
    assert_eq!(metric(a, FINE).as_deref(), Some("1"));
    assert_eq!(get(a, "/api/v1/status/runtimeinfo").json()["data"]["reloadConfigSuccess"], true);
    assert_eq!(get(a, "/api/v1/notifications").json()["data"], serde_json::json!([]));
    until_true("the series of the job that went are stale", || query(a, "{job=\"one\"}").is_empty());
    assert!(!query(a, "b").is_empty());
}

#[test]
fn the_lifecycle_api_is_off_until_a_flag_turns_it_on() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let refused = post(run.address(), "/-/reload", "");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("--web.enable-lifecycle"), "{}", refused.text());
    assert_eq!(get(run.address(), "/-/reload").status, 405);
    // SIGHUP works without it.
    write(dir.path(), &jobs(&[job("x", &[])]));
    run.signal("HUP");
    until_true("the new configuration", || pools(&run) == r#"["x"]"#);
}

#[test]
fn the_evaluation_interval_is_the_step_of_subqueries_that_name_none() {
    let dir = folder();
    let config = |step: &str| format!("global: {{evaluation_interval: {step}}}\n");
    let run = serve(dir.path(), &config("10s"), &["--web.enable-lifecycle"]);
    let steps = || query(run.address(), "count_over_time(vector(1)[1m:])")[0].1.clone();
    assert_eq!(steps(), "6");
    write(dir.path(), &config("30s"));
    assert_eq!(post(run.address(), "/-/reload", "").status, 200);
    assert_eq!(steps(), "2");
}
