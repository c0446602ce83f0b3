//! Tests of whole configurations: what fills what, what is refused and how it is said.

use super::*;
use crate::scrape::{Auth, Source};
use tortie_model::relabel::Action;

fn load(text: &str) -> Config {
    Config::load(text, "/etc/p/prometheus.yml").unwrap_or_else(|e| panic!("{e}"))
}

/// Each error as `line:column: message`.
fn errors(text: &str) -> Vec<String> {
    let all = Config::load(text, "p.yml").map(|_| ()).unwrap_err();
    all.items.iter().map(|d| format!("{}:{}: {}", d.at.line, d.at.column, d.message)).collect()
}

fn job(keys: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: j\n{}",
        keys.lines().map(|l| format!("  {l}\n")).collect::<String>()
    )
}

fn job_error(keys: &str) -> String {
    errors(&job(keys)).join("; ")
}

#[test]
fn an_empty_file_is_all_defaults() {
    let c = load("");
    assert_eq!(c.global.scrape_interval_ms, 60_000);
    assert_eq!(c.global.scrape_timeout_ms, 10_000);
    assert!(c.scrape_configs.is_empty());
    assert_eq!(c, load("global:\nscrape_configs:\nrule_files:\n"));
}

#[test]
fn globals_fill_jobs() {
    let c = load(
        "global:\n  scrape_interval: 5s\n  body_size_limit: 1MB\n  sample_limit: 10\n  target_limit: 11\n  label_limit: 12\n  \
         label_name_length_limit: 13\n  label_value_length_limit: 14\n  keep_dropped_targets: 15\n  extra_scrape_metrics: true\n  \
         metric_name_validation_scheme: legacy\n  scrape_protocols: [PrometheusText0.0.4]\nscrape_configs:\n- job_name: a\n- job_name: b\n  \
         sample_limit: 1\n  scrape_timeout: 1s\n  metric_name_validation_scheme: utf8\n",
    );
    let [a, b] = c.scrape_configs.as_slice() else { panic!("{c:?}") };
    assert_eq!((a.interval_ms, a.timeout_ms, a.body_size_limit, a.sample_limit), (5000, 5000, 1 << 20, 10));
    assert_eq!((a.target_limit, a.label_limit, a.label_name_length_limit), (11, 12, 13));
    assert_eq!((a.label_value_length_limit, a.keep_dropped_targets, a.extra_scrape_metrics), (14, 15, true));
    assert_eq!((a.name_scheme, a.name_escaping), (NameScheme::Legacy, NameEscaping::Underscores));
    assert_eq!(a.protocols, [ScrapeProtocol::PrometheusText004]);
    assert_eq!((b.sample_limit, b.timeout_ms), (1, 1000));
    assert_eq!((b.name_scheme, b.name_escaping), (NameScheme::Utf8, NameEscaping::AllowUtf8));
    assert_eq!(
        errors("global: {scrape_interval: 1s, scrape_timeout: 2s}"),
        ["1:47: global scrape timeout greater than scrape interval"]
    );
    assert_eq!(load("global: {evaluation_interval: 7s}").global.evaluation_interval_ms, 7000);
    let escaping = load("global: {metric_name_escaping_scheme: dots}\nscrape_configs: [{job_name: a}]");
    assert_eq!(escaping.scrape_configs[0].name_escaping, NameEscaping::Dots);
}

#[test]
fn external_labels() {
    let mut c = load("global: {external_labels: {b: '${HOME}-$X_1/$$', a: 1, gone: $NONE}}");
    let missing = c.expand_external_labels(|name| match name {
        "HOME" => Some("h".to_owned()),
        "X_1" => Some("x".to_owned()),
        _ => None,
    });
    assert_eq!(
        c.global.external_labels,
        [
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "h-x/$".to_owned()),
            ("gone".to_owned(), String::new())
        ]
    );
    assert_eq!(missing, ["NONE"]);
    assert!(
        errors("global: {metric_name_validation_scheme: legacy, external_labels: {a-b: 1}}")[0]
            .contains("\"a-b\" is not a valid label name")
    );
}

#[test]
fn a_whole_job() {
    let text = job(
        "honor_labels: yes\nhonor_timestamps: false\ntrack_timestamps_staleness: true\nparams: {b: [\"1\", 2], a: x}\nscrape_interval: 1m\n\
         scrape_timeout: 50s\nscrape_protocols: [OpenMetricsText1.0.0]\nfallback_scrape_protocol: PrometheusText0.0.4\nmetrics_path: /m\n\
         scheme: http\nenable_compression: false\nbody_size_limit: 10MB\nfollow_redirects: false\nenable_http2: false\n\
         metric_name_escaping_scheme: values\nstatic_configs:\n- targets: [a:1, b:2]\n  labels: {zone: 0123, x: yes}\n- targets:",
    );
    let c = load(&text);
    let j = &c.scrape_configs[0];
    assert!(
        j.honor_labels
            && !j.honor_timestamps
            && j.track_timestamps_staleness
            && !j.enable_compression
            && !j.http.follow_redirects
    );
    assert_eq!(
        j.params,
        [("a".to_owned(), vec!["x".to_owned()]), ("b".to_owned(), vec!["1".to_owned(), "2".to_owned()])]
    );
    assert_eq!(
        (j.interval_ms, j.timeout_ms, j.metrics_path.as_str(), j.body_size_limit),
        (60_000, 50_000, "/m", 10 << 20)
    );
    assert_eq!(j.fallback_protocol, Some(ScrapeProtocol::PrometheusText004));
    assert_eq!(j.name_escaping, NameEscaping::Values);
    assert_eq!(j.static_configs[0].targets, ["a:1", "b:2"]);
    assert_eq!(
        j.static_configs[0].labels,
        [("zone".to_owned(), "0123".to_owned()), ("x".to_owned(), "yes".to_owned())]
    );
    assert!(j.static_configs[1].targets.is_empty());
}

#[test]
fn credentials() {
    let auth = |keys: &str| load(&job(keys)).scrape_configs[0].http.auth.clone();
    let Some(Auth::Basic { username: Source::Inline(name), password: Source::File(file) }) =
        auth("basic_auth: {username: u, password_file: pw}")
    else {
        panic!("not basic");
    };
    assert_eq!((name.expose(), file.as_str()), ("u", "/etc/p/pw"));
    let bearer = Auth::Scheme { kind: "Bearer".into(), credentials: Source::File("/etc/p/t".into()) };
    assert_eq!(auth("authorization: {credentials_file: t}"), Some(bearer.clone()));
    assert_eq!(auth("bearer_token_file: t"), Some(bearer));
    let scheme = Auth::Scheme { kind: "X".into(), credentials: Source::Inline(crate::Secret::new("s")) };
    assert_eq!(auth("authorization: {type: X, credentials: s}"), Some(scheme));
    assert!(
        job_error("basic_auth: {username: u}\nbearer_token: x")
            .contains("at most one of basic_auth, oauth2, bearer_token")
    );
    assert!(job_error("authorization: {type: basic}").contains("use \"basic_auth\" instead"));
    assert!(
        job_error("basic_auth: {password: a, password_file: b}")
            .contains("basic_auth password, password_file & password_ref")
    );
    let shown = format!("{:?}", load(&job("bearer_token: hunter2")));
    assert!(!shown.contains("hunter2"));
    assert!(!load(&job("bearer_token: hunter2")).to_yaml().contains("hunter2"));
}

#[test]
fn relabel_rules() {
    let c = load(&job(
        "relabel_configs:\n- source_labels: [a, b]\n  separator: '-'\n  regex: (.+)\n  target_label: t\n  replacement: x$1\n\
         - {action: HashMod, source_labels: [a], target_label: h, modulus: 4}\nmetric_relabel_configs:\n- {action: drop, source_labels: [__name__], regex: go_.*}",
    ));
    let j = &c.scrape_configs[0];
    let r = &j.relabel[0];
    assert_eq!((r.source_labels.len(), r.separator.as_str(), r.regex.as_str()), (2, "-", "(.+)"));
    assert_eq!((r.target_label.as_str(), r.replacement.as_str()), ("t", "x$1"));
    assert_eq!((j.relabel[1].action, j.relabel[1].modulus), (Action::HashMod, 4));
    assert_eq!(j.metric_relabel[0].action, Action::Drop);
    assert!(
        job_error("relabel_configs:\n- regex: a(b")
            .contains("4:12: error parsing regexp: missing closing ): `^(?s:a(b)$`")
    );
    assert!(job_error("relabel_configs:\n- action: nope").contains("unknown relabel action \"nope\""));
    assert!(
        job_error("relabel_configs:\n- action: hashmod\n  target_label: x")
            .contains("requires non-zero modulus")
    );
    assert!(
        job_error("metric_relabel_configs:\n-")
            .contains("empty or null metric relabeling rule in scrape config")
    );
}

#[test]
fn file_discovery() {
    let c = load(&job(
        "file_sd_configs:\n- files: [sd/*.json, /abs/x.yml]\n  refresh_interval: 30s\n- files: [a.yaml]",
    ));
    let f = &c.scrape_configs[0].file_sd_configs;
    assert_eq!(f[0].files, ["/etc/p/sd/*.json", "/abs/x.yml"]);
    assert_eq!((f[0].refresh_interval_ms, f[1].refresh_interval_ms), (30_000, 300_000));
    assert!(
        job_error("file_sd_configs:\n- files: [a.txt]")
            .contains("path name \"a.txt\" is not valid for file discovery")
    );
    assert!(
        job_error("file_sd_configs:\n- refresh_interval: 1m").contains("must contain at least one path name")
    );
}

#[test]
fn runtime_settings() {
    let c = load("runtime: {log_level: WARN, gogc: 50}");
    assert_eq!((c.runtime.log_level.as_deref(), c.runtime.gogc), (Some("warn"), 50));
    assert_eq!(errors("runtime: {log_level: loud}"), ["1:22: unrecognized log level loud"]);
}

#[test]
fn storage_settings() {
    let c = load("storage: {tsdb: {retention: {time: 30d, size: 512MB}, out_of_order_time_window: 0s}}");
    assert_eq!(
        (c.storage.retention_time_ms, c.storage.retention_size),
        (Some(2_592_000_000), Some(512 << 20))
    );
    assert!(
        errors("storage: {tsdb: {out_of_order_time_window: 1h}}")[0]
            .contains("out-of-order samples are not stored yet")
    );
}

#[test]
fn errors_carry_place_words_and_hint() {
    let text = "global:\n  scrape_intervall: 1s\nscrape_configs:\n- job_name: a\n- job_name: a\n  scrape_timeout: 2m\n- {}\nremote_write:\n- url: x\n";
    assert_eq!(
        errors(text),
        [
            "2:3: field scrape_intervall not found in global",
            "5:3: found multiple scrape configs with job name \"a\" (first in line 4)",
            "6:19: scrape timeout greater than scrape interval for scrape config with job name \"a\"",
            "7:3: job_name is empty",
            "8:1: remote_write is not supported yet: nothing is written to other servers yet",
        ]
    );
    let shown = Config::load(text, "p.yml").map(|_| ()).unwrap_err().to_string();
    assert!(shown.starts_with("p.yml:2:3: field scrape_intervall not found in global\n2 |   scrape_intervall: 1s\n  |   ^\nhint: did you mean scrape_interval?"));
    assert!(shown.contains("hint: remove it; COMPAT.md, Configuration, row `remote_write`"));
    assert!(
        job_error("static_configs:\n- targets: ['http://x/']")
            .contains("\"http://x/\" is not a valid hostname")
    );
    assert!(job_error("scheme: https").contains("scheme https is not supported yet"));
    assert!(job_error("sample_limit: many").contains("cannot unmarshal `many` into uint"));
    assert!(job_error("honor_labels: 'true'").contains("cannot unmarshal `true` into bool"));
    assert!(job_error("scrape_interval: 15").contains("not a valid duration string: \"15\""));
    assert!(
        job_error("scrape_protocols: [X]")
            .contains("unknown scrape protocol X, supported: [OpenMetricsText0.0.1")
    );
    assert!(
        job_error("metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: allow-utf-8")
            .contains("utf8 metric names requested")
    );
    assert!(
        job_error("kubernetes_sd_configs:\n- role: pod")
            .contains("kubernetes_sd_configs is not supported yet")
    );
}

#[test]
fn what_says_nothing_is_no_error() {
    let c = load(
        "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets:\n      # - alertmanager:9093\nrule_files: []\nscrape_configs: [{job_name: a, scrape_native_histograms: false}]\n",
    );
    assert_eq!(c.scrape_configs.len(), 1);
}

#[test]
fn the_effective_configuration_has_prometheus_shape() {
    let text = load("").to_yaml();
    assert_eq!(
        text,
        "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n  metric_name_validation_scheme: utf8\n  \
         metric_name_escaping_scheme: allow-utf-8\n  scrape_native_histograms: false\n  extra_scrape_metrics: false\nruntime:\n  gogc: 75\n  \
         log_level: info\nstorage:\n  tsdb:\n    outofordertimewindow: 0\n    retention: {}\notlp:\n  translation_strategy: \
         UnderscoreEscapingWithSuffixes\n  label_name_underscore_sanitization: true\n  label_name_preserve_multiple_underscores: true\n"
    );
    let again = load(&load(&job("static_configs: [{targets: [a:1]}]\nbody_size_limit: 1MB")).to_yaml());
    assert_eq!(again.scrape_configs[0].body_size_limit, 1 << 20);
}
