//! What the configuration file decides, and how a wrong one is refused.

use crate::http::{encoded, get, query};
use crate::process::{folder, serve, tortie, until_true};
use crate::target::{Target, job, jobs};

/// A configuration does not start: exit code 2, `parts` on standard error, and nothing was touched.
fn check_refused(config: &str, parts: &[&str]) {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let ended = tortie(dir.path(), &["run", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"]);
    assert_eq!(ended.code, Some(2), "{config}\n{}", ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "{config}\nwants {part:?} in\n{}", ended.err);
    }
    assert!(!ended.err.contains("Listening on"), "{}", ended.err);
    assert!(!dir.path().join("data").exists(), "a wrong configuration made a data directory");
    let looked = tortie(dir.path(), &["check", "config"]);
    assert_eq!(looked.code, Some(2), "{}", looked.err);
    for part in parts {
        assert!(looked.err.contains(part), "check config wants {part:?} in\n{}", looked.err);
    }
}

#[test]
fn a_wrong_file_is_refused_with_line_column_and_snippet() {
    check_refused(
        "global:\n  scrape_interval: 15s\n  nonsense: 1\n",
        &["prometheus.yml:3:3: field nonsense not found in global", "3 |   nonsense: 1", "  |   ^"],
    );
    check_refused(
        "global:\n  scrape_intervall: 15s\n",
        &["prometheus.yml:2:3: ", "scrape_intervall", "hint: "],
    );
    check_refused(
        "global:\n  scrape_interval: soon\n",
        &["prometheus.yml:2:20: ", "2 |   scrape_interval: soon"],
    );
    check_refused("scrape_configs: [\n", &["prometheus.yml:"]);
    check_refused(
        "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - regex: '('\n",
        &["prometheus.yml:4:12: ", "4 |   - regex: '('"],
    );
}

#[test]
fn what_is_not_there_names_its_row_of_compat() {
    check_refused(
        "remote_write:\n- url: http://127.0.0.1/\n",
        &[
            "prometheus.yml:1:1: remote_write is not supported yet",
            "1 | remote_write:",
            "hint: ",
            "COMPAT.md, Configuration, row `remote_write`",
        ],
    );
    check_refused(
        "scrape_configs:\n- job_name: a\n  consul_sd_configs:\n  - server: x\n",
        &[
            "prometheus.yml:3:3: ",
            "not supported yet",
            "COMPAT.md, Configuration, row `scrape_configs[].consul_sd_configs`",
        ],
    );
}

#[test]
fn a_file_that_is_not_there_says_what_else_to_do() {
    let dir = folder();
    let ended = tortie(dir.path(), &["run", "--config.file=none.yml", "--web.listen-address=127.0.0.1:0"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("none.yml: No such file"), "{}", ended.err);
    assert!(ended.err.contains("hint: name another file with --config.file"), "{}", ended.err);
}

#[test]
fn features_are_turned_on_or_refused_by_name() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    for (name, wants) in [
        ("nonsense", "--enable-feature=nonsense: unknown feature"),
        ("exemplar-storage", "--enable-feature=exemplar-storage: not supported yet: "),
        ("exemplar-storage", "COMPAT.md, Features, row `exemplar-storage`"),
        ("promql-experimental-function", "did you mean promql-experimental-functions?"),
    ] {
        let ended =
            tortie(dir.path(), &["run", "--web.listen-address=127.0.0.1:0", "--enable-feature", name]);
        assert_eq!(ended.code, Some(2), "{name}: {}", ended.err);
        assert!(ended.err.contains(wants), "{name}: {}", ended.err);
    }

    let path = format!("/api/v1/query?query={}", encoded("sort_by_label(vector(1), \"a\")"));
    let plain = serve(dir.path(), "", &[]);
    let refused = get(plain.address(), &path);
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("function \\\"sort_by_label\\\" is not enabled"), "{}", refused.text());
    drop(plain);
    let both = ["--enable-feature=promql-experimental-functions,promql-delayed-name-removal"];
    let on = serve(dir.path(), "", &both);
    assert_eq!(get(on.address(), &path).status, 200);
    let features = get(on.address(), "/api/v1/features").json();
    assert_eq!(features["data"]["promql"]["delayed_name_removal"], true);
    assert_eq!(features["data"]["promql_functions"]["sort_by_label"], true);
}

/// As in Prometheus, the flag is the level of the start and of a configuration that names none.
#[test]
fn the_level_of_the_log_comes_from_the_configuration_also_after_a_reload() {
    let dir = folder();
    let run = serve(dir.path(), "runtime: {log_level: error}\n", &["--web.enable-lifecycle"]);
    let a = run.address();
    assert!(get(a, "/api/v1/status/config").text().contains("log_level: error"));
    // Ready is logged at info, after the configuration was loaded.
    assert!(!run.err().contains("Server is ready"), "{}", run.err());
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    crate::http::post(a, "/-/reload", "");
    assert!(get(a, "/api/v1/status/config").text().contains("log_level: info"));
    assert!(run.err().contains("Completed loading of configuration file"), "{}", run.err());
    let ended = run.end("TERM");
    assert!(ended.err.contains("See you next time!"), "{}", ended.err);
}

/// `global` reaches the scrapes: interval, external labels, and what relabelling makes of a target.
#[test]
fn global_settings_and_relabelling_reach_the_scrapes() {
    let t = Target::start("a 1\nb 2\n");
    let dir = folder();
    let config = format!(
        "global:\n  scrape_interval: 300ms\n  external_labels: {{region: eu}}\n{}",
        jobs(&[job("x", &[t.address]).replace("  scrape_interval: 200ms\n  scrape_timeout: 200ms\n", "")
            + "  relabel_configs: [{target_label: zone, replacement: z1}]\n\
               \x20 metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]\n"])
    );
    let run = serve(dir.path(), &config, &[]);
    until_true("the first sample", || !query(run.address(), "a").is_empty());
    let labels = format!("instance={},job=x,zone=z1", t.address);
    assert_eq!(query(run.address(), "a"), [(labels, "1".to_owned())]);
    assert_eq!(query(run.address(), "b"), []);
    let federated = get(run.address(), "/federate?match[]=a").text();
    assert!(federated.contains("region=\"eu\""), "{federated}");
    let targets = get(run.address(), "/api/v1/targets").json();
    assert_eq!(targets["data"]["activeTargets"][0]["scrapeInterval"], "300ms");
}
